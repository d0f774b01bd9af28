//! Decimals that keep the digits they were written with (FHIRPath N1 section 4.1.4, FHIR R4 datatypes.html#decimal).

use std::cmp::Ordering;
use std::fmt;

/// More digits behind the point than this a quotient has not.
const QUOTIENT_SCALE_MAX: u8 = 20;

/// More digits behind the point than this no decimal has.
const SCALE_MAX: u8 = 37;

/// A decimal: an integer of up to 38 digits and how many of them stand behind the point. `1.50` stays `1.50`.
///
/// 128 bits rather than the 96 of a ready crate: FHIR wants 18 digits kept, and the product of two such numbers must not
/// be rounded before it is compared.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    mantissa: i128,
    scale: u8,
}

impl Decimal {
    /// Nothing.
    pub const ZERO: Decimal = Decimal { mantissa: 0, scale: 0 };
    /// One.
    pub const ONE: Decimal = Decimal { mantissa: 1, scale: 0 };

    /// `mantissa` divided by ten `scale` times; `None` when `scale` is above 37.
    pub fn new(mantissa: i128, scale: u8) -> Option<Self> {
        (scale <= SCALE_MAX).then_some(Decimal { mantissa, scale })
    }

    /// A decimal as JSON writes it (`-1.50`, `2E3`); `None` when the text is none or has more than 38 digits.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match number.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, number.strip_prefix('+').unwrap_or(number)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !are_digits(whole) || !are_digits(fraction) {
            return None;
        }
        let fraction = if digits.contains('.') { fraction } else { "" };
        let mut mantissa = 0_i128;
        for byte in whole.bytes().chain(fraction.bytes()) {
            mantissa = mantissa.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
        }
        let mantissa = if negative { -mantissa } else { mantissa };
        let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        if scale < 0 {
            let factor = 10_i128.checked_pow(scale.unsigned_abs())?;
            return Some(Decimal { mantissa: mantissa.checked_mul(factor)?, scale: 0 });
        }
        Self::new(mantissa, u8::try_from(scale).ok()?)
    }

    /// The nearest decimal of at most 15 significant digits, which hides the noise of binary fractions; `None` for
    /// infinities and what is no number.
    pub fn from_f64(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        if value.abs() < 1e-22 {
            return Some(Self::ZERO);
        }
        Self::parse(&format!("{value:.14e}")).map(Decimal::trimmed)
    }

    /// The nearest binary fraction.
    pub fn to_f64(self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// How many digits stand behind the point.
    pub fn scale(self) -> u8 {
        self.scale
    }

    /// All its digits as an integer.
    pub fn mantissa(self) -> i128 {
        self.mantissa
    }

    /// Whether it is 0.
    pub fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// Whether it is below 0.
    pub fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    /// The same number without zeros at the end behind the point.
    pub fn trimmed(mut self) -> Self {
        while self.scale > 0 && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.scale -= 1;
        }
        self
    }

    /// The integer that it is, if it is one.
    pub fn integer(self) -> Option<i64> {
        let trimmed = self.trimmed();
        (trimmed.scale == 0).then(|| i64::try_from(trimmed.mantissa).ok()).flatten()
    }

    /// The same number with that many digits behind the point; `None` when that would drop or overflow any.
    fn scaled(self, scale: u8) -> Option<i128> {
        let more = scale.checked_sub(self.scale)?;
        self.mantissa.checked_mul(10_i128.checked_pow(u32::from(more))?)
    }

    fn aligned(self, other: Self) -> Option<(i128, i128, u8)> {
        let scale = self.scale.max(other.scale);
        Some((self.scaled(scale)?, other.scaled(scale)?, scale))
    }

    /// Sum; `None` when it overflows, as of all that follow.
    pub fn plus(self, other: Self) -> Option<Self> {
        let (left, right, scale) = self.aligned(other)?;
        Some(Decimal { mantissa: left.checked_add(right)?, scale })
    }

    /// Difference.
    pub fn subtract(self, other: Self) -> Option<Self> {
        self.plus(other.negated())
    }

    /// Product.
    pub fn multiply(self, other: Self) -> Option<Self> {
        let exact = |left: Self, right: Self| {
            let mantissa = left.mantissa.checked_mul(right.mantissa)?;
            Self::new(mantissa, left.scale.checked_add(right.scale)?)
        };
        exact(self, other).or_else(|| exact(self.trimmed(), other.trimmed()))
    }

    /// Quotient with up to 20 digits behind the point, half rounded up; `None` also for division by 0.
    pub fn divide(self, other: Self) -> Option<Self> {
        if other.is_zero() {
            return None;
        }
        let (left, right) = (self.trimmed(), other.trimmed());
        for scale in (0..=QUOTIENT_SCALE_MAX).rev() {
            let shift = i32::from(scale) + i32::from(right.scale) - i32::from(left.scale);
            let power = 10_i128.checked_pow(shift.unsigned_abs());
            let (numerator, denominator) = match power {
                Some(power) if shift >= 0 => (left.mantissa.checked_mul(power), Some(right.mantissa)),
                Some(power) => (Some(left.mantissa), right.mantissa.checked_mul(power)),
                None => (None, None),
            };
            if let (Some(numerator), Some(denominator)) = (numerator, denominator) {
                let mantissa = rounded_quotient(numerator, denominator)?;
                return Some(Decimal { mantissa, scale }.trimmed());
            }
        }
        None
    }

    /// Quotient without its fraction (`div`).
    pub fn divide_whole(self, other: Self) -> Option<Self> {
        let (left, right, _) = self.aligned(other)?;
        Some(Decimal { mantissa: left.checked_div(right)?, scale: 0 })
    }

    /// What `div` leaves (`mod`), with the sign of the dividend.
    pub fn remainder(self, other: Self) -> Option<Self> {
        let (left, right, scale) = self.aligned(other)?;
        Some(Decimal { mantissa: left.checked_rem(right)?, scale })
    }

    /// The number with the other sign.
    pub fn negated(self) -> Self {
        Decimal { mantissa: self.mantissa.saturating_neg(), scale: self.scale }
    }

    /// Without the sign.
    pub fn absolute(self) -> Self {
        Decimal { mantissa: self.mantissa.saturating_abs(), scale: self.scale }
    }

    /// With that many digits behind the point, half rounded away from 0; zeros are added where there are fewer.
    pub fn rounded(self, scale: u8) -> Option<Self> {
        match self.scaled(scale) {
            Some(mantissa) => Self::new(mantissa, scale),
            None if scale < self.scale => {
                let power = 10_i128.checked_pow(u32::from(self.scale - scale))?;
                Some(Decimal { mantissa: rounded_quotient(self.mantissa, power)?, scale })
            }
            None => None,
        }
    }

    /// With that many digits behind the point, the rest cut off.
    pub fn truncated(self, scale: u8) -> Option<Self> {
        match self.scaled(scale) {
            Some(mantissa) => Self::new(mantissa, scale),
            None if scale < self.scale => {
                let power = 10_i128.checked_pow(u32::from(self.scale - scale))?;
                Some(Decimal { mantissa: self.mantissa / power, scale })
            }
            None => None,
        }
    }

    /// The greatest integer that is not above it.
    pub fn floor(self) -> Option<Self> {
        let cut = self.truncated(0)?;
        if self.is_negative() && cut != self { cut.subtract(Self::ONE) } else { Some(cut) }
    }

    /// The least integer that is not below it.
    pub fn ceiling(self) -> Option<Self> {
        self.negated().floor().map(Decimal::negated)
    }

    /// To the power of an integer from 0 on; `None` when it overflows.
    pub fn power(self, exponent: u32) -> Option<Self> {
        let mut result = Self::ONE;
        let (mut base, mut left) = (self, exponent);
        while left > 0 {
            if left & 1 == 1 {
                result = result.multiply(base)?;
            }
            left >>= 1;
            if left > 0 {
                base = base.multiply(base)?;
            }
        }
        Some(result)
    }

    /// Equal when both are rounded to the digits of the one with fewer, zeros at the end not counted (N1 section 6.2.2).
    pub fn is_equivalent(self, other: Self) -> bool {
        let (left, right) = (self.trimmed(), other.trimmed());
        let scale = left.scale.min(right.scale);
        left.rounded(scale) == right.rounded(scale)
    }
}

/// Half rounded away from 0.
fn rounded_quotient(numerator: i128, denominator: i128) -> Option<i128> {
    let quotient = numerator.checked_div(denominator)?;
    let rest = numerator.checked_rem(denominator)?;
    if rest.unsigned_abs() >= denominator.unsigned_abs() - rest.unsigned_abs() {
        let away = if (numerator < 0) == (denominator < 0) { 1 } else { -1 };
        return quotient.checked_add(away);
    }
    Some(quotient)
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Decimal { mantissa: i128::from(value), scale: 0 }
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.scale == other.scale {
            return self.mantissa.cmp(&other.mantissa);
        }
        match (self.trimmed().aligned(other.trimmed()), self.scale < other.scale) {
            (Some((left, right, _)), _) => left.cmp(&right),
            // What overflows with the digits of the other is the greater of the two in size.
            (None, _) => {
                let (left, right) = (self.trimmed(), other.trimmed());
                if left.scale < right.scale { left.mantissa.cmp(&0) } else { 0.cmp(&right.mantissa) }
            }
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.mantissa.unsigned_abs().to_string();
        let scale = usize::from(self.scale);
        let sign = if self.mantissa < 0 { "-" } else { "" };
        if scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let digits = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn digits_are_kept() {
        for text in ["0", "1.50", "-0.001", "123456789012345678.987654321", "0.0000000000000000000000000001"] {
            assert_eq!(decimal(text).to_string(), text);
        }
        assert_eq!(decimal("1.5e3").to_string(), "1500");
        assert_eq!(decimal("15E-3").to_string(), "0.015");
        for bad in ["", "-", ".5", "5.", "1.a", "1e999", "--1", "1 ", "١"] {
            assert!(Decimal::parse(bad).is_none(), "{bad}");
        }
        assert!(Decimal::parse(&"9".repeat(38)).is_some() && Decimal::parse(&"9".repeat(39)).is_none());
    }

    #[test]
    fn arithmetic_is_exact_where_it_can_be() {
        assert_eq!(decimal("1.8").subtract(decimal("1.2")), Some(decimal("0.6")));
        assert_eq!(decimal("1.2").divide(decimal("1.8")).unwrap().rounded(4), Some(decimal("0.6667")));
        assert_eq!(decimal("1").divide(decimal("0.0")), None);
        assert_eq!(decimal("5.5").divide_whole(decimal("0.7")), Some(decimal("7")));
        assert_eq!(decimal("5.5").remainder(decimal("0.7")), Some(decimal("0.6")));
        assert_eq!(decimal("-7").remainder(decimal("2")), Some(decimal("-1")));
        assert_eq!(decimal("0.1").power(3), Some(decimal("0.001")));
        assert_eq!(decimal("10").power(40), None);
        assert_eq!(decimal(&"9".repeat(38)).plus(decimal(&"9".repeat(38))), None);
    }

    #[test]
    fn rounding_and_order() {
        let cases =
            [("1.5", "2", "1", "2"), ("-1.5", "-2", "-2", "-1"), ("2.4", "2", "2", "3"), ("-3", "-3", "-3", "-3")];
        for (number, rounded, floor, ceiling) in cases {
            assert_eq!(decimal(number).rounded(0), Some(decimal(rounded)), "{number}");
            assert_eq!(decimal(number).floor(), Some(decimal(floor)), "{number}");
            assert_eq!(decimal(number).ceiling(), Some(decimal(ceiling)), "{number}");
        }
        assert!(decimal("1.10") == decimal("1.1") && decimal("-2") < decimal("-1.99"));
        assert!(decimal(&"9".repeat(38)) > decimal("0.0000000000000000001"));
        assert!(decimal("0.6666667").is_equivalent(decimal("0.67")) && !decimal("1.1").is_equivalent(decimal("1.2")));
        assert_eq!(Decimal::from_f64(0.1 + 0.2), Some(decimal("0.3")));
    }
}
