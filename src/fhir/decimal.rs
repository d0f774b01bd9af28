//! Decimals as FHIR states them (datatypes.html#decimal): digits and precision exactly as written, compared exactly.

use std::cmp::Ordering;
use std::fmt;

/// Most digits after the point, and the largest power of ten, that are told apart.
const SCALE_MAX: i32 = 60;

/// A decimal: `mantissa` times ten to the minus `scale`.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    mantissa: i128,
    scale: i32,
}

/// Significant digits of a quotient that has no end.
const QUOTIENT_DIGITS: u32 = 18;

impl Decimal {
    /// One.
    pub const ONE: Decimal = Decimal { mantissa: 1, scale: 0 };

    /// Reads `-1.50`, `5`, `1e2`. `None` where it is no number, or one that is too long to be held exactly (more than 38
    /// digits).
    pub fn parse(text: &str) -> Option<Self> {
        let (digits, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match digits.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, digits.strip_prefix('+').unwrap_or(digits)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !plain(whole) || !plain(fraction) {
            return None;
        }
        let mut mantissa: i128 = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            mantissa = mantissa.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
        }
        let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        let mantissa = if negative { -mantissa } else { mantissa };
        (scale.abs() <= SCALE_MAX).then_some(Decimal { mantissa, scale })
    }

    /// The digits without the point.
    pub fn mantissa(self) -> i128 {
        self.mantissa
    }

    /// How many of them stand behind the point; negative where zeros follow.
    pub fn scale(self) -> i32 {
        self.scale
    }

    /// A decimal of these parts; `None` when the scale is out of range.
    pub fn new(mantissa: i128, scale: i32) -> Option<Self> {
        (scale.abs() <= SCALE_MAX).then_some(Decimal { mantissa, scale })
    }

    /// The sum, at the finer of both scales; `None` when it does not fit.
    #[allow(clippy::should_implement_trait)] // a sum may not fit
    pub fn plus(self, other: Decimal) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        Decimal::new(self.at_scale(scale)?.checked_add(other.at_scale(scale)?)?, scale)
    }

    /// The product; `None` when it does not fit.
    pub fn times(self, other: Decimal) -> Option<Self> {
        Decimal::new(self.mantissa.checked_mul(other.mantissa)?, self.scale.checked_add(other.scale)?)
    }

    /// The quotient where it has an end that fits; `None` otherwise, and for a division by zero.
    pub fn divided_exactly(self, other: Decimal) -> Option<Self> {
        let (this, other) = (self.shortest(), other.shortest());
        let (mut mantissa, mut scale) = (this.mantissa, this.scale.checked_sub(other.scale)?);
        while mantissa.checked_rem(other.mantissa)? != 0 {
            mantissa = mantissa.checked_mul(10)?;
            scale += 1;
        }
        Decimal::new(mantissa.checked_div(other.mantissa)?, scale).map(Decimal::shortest)
    }

    /// The quotient: exact where it has an end that fits, to 18 digits otherwise. `None` for a division by zero.
    pub fn divided(self, other: Decimal) -> Option<Self> {
        self.divided_exactly(other).or_else(|| {
            let (this, other) = (self.shortest(), other.shortest());
            let (mut mantissa, mut scale) = (this.mantissa, this.scale.checked_sub(other.scale)?);
            let most = 10_i128.pow(QUOTIENT_DIGITS);
            while let Some(more) =
                mantissa.checked_mul(10).filter(|_| mantissa.abs() / 100 < other.mantissa.abs().saturating_mul(most))
            {
                (mantissa, scale) = (more, scale + 1);
            }
            let mut quotient = mantissa.checked_div(other.mantissa)?;
            let mut rounded = 0;
            while quotient.abs() >= most {
                (rounded, quotient, scale) = (quotient % 10, quotient / 10, scale - 1);
            }
            let quotient = if rounded.abs() >= 5 { quotient + rounded.signum() } else { quotient };
            Decimal::new(quotient, scale).map(Decimal::shortest)
        })
    }

    /// The same value without zeros at its end.
    pub fn shortest(mut self) -> Self {
        while self.mantissa % 10 == 0 && self.mantissa != 0 && self.scale > -SCALE_MAX {
            self.mantissa /= 10;
            self.scale -= 1;
        }
        if self.mantissa == 0 { Decimal { mantissa: 0, scale: 0 } } else { self }
    }

    /// The negative.
    pub fn negate(self) -> Self {
        Decimal { mantissa: self.mantissa.wrapping_neg(), scale: self.scale }
    }

    /// Half a unit of the last digit stated (search.html#number: the implicit range of a search value).
    pub fn half_step(self) -> Self {
        Decimal { mantissa: 5, scale: self.scale.saturating_add(1) }
    }

    fn at_scale(self, scale: i32) -> Option<i128> {
        let power = u32::try_from(scale.checked_sub(self.scale)?).ok()?;
        10_i128.checked_pow(power).and_then(|factor| self.mantissa.checked_mul(factor))
    }
}

impl fmt::Display for Decimal {
    /// In digits, without an exponent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.mantissa.unsigned_abs().to_string();
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let Ok(behind) = usize::try_from(self.scale) else {
            let zeros = usize::try_from(self.scale.unsigned_abs()).unwrap_or_default();
            return write!(f, "{sign}{digits}{}", "0".repeat(if self.mantissa == 0 { 0 } else { zeros }));
        };
        let digits = format!("{digits:0>width$}", width = behind + 1);
        let (whole, fraction) = digits.split_at(digits.len() - behind);
        let point = if behind == 0 { "" } else { "." };
        write!(f, "{sign}{whole}{point}{fraction}")
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
    /// By value: `1.0` is `1`. Where digits do not fit, by sign and size, which then differ by far.
    fn cmp(&self, other: &Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        match (self.at_scale(scale), other.at_scale(scale)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => {
                let value = |d: &Decimal| d.mantissa as f64 * 10_f64.powi(-d.scale);
                value(self).total_cmp(&value(other))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn values_are_equal_whatever_their_precision() {
        for (a, b) in [("1.0", "1"), ("1e2", "100"), ("-0.50", "-.5"), ("0", "-0.000"), ("12.5E-1", "1.25")] {
            assert_eq!(decimal(a), decimal(b), "{a} {b}");
        }
        assert!(decimal("99.99999999999999999999") < decimal("100"));
        assert!(decimal("1e50") > decimal("99999999999999999999999999999999999999"));
        assert!(decimal("-1e50") < decimal("1e-50"));
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in ["", ".", "-", "1.2.3", "1e", "e1", "0x1", "１", "1e99", &"9".repeat(39)] {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn quotients_end_or_are_rounded() {
        assert_eq!(decimal("1").divided_exactly(decimal("8")), Some(decimal("0.125")));
        assert_eq!(decimal("1").divided_exactly(decimal("3")), None);
        assert_eq!(decimal("2").divided(decimal("3")), Some(decimal("0.666666666666666667")));
        assert_eq!(decimal("-20").divided(decimal("0.3")), Some(decimal("-66.6666666666666667")));
        assert_eq!(decimal("20").divided(decimal("600")), decimal("1").divided(decimal("30")));
        assert_eq!(decimal("1").divided(decimal("0")), None);
        assert_eq!(decimal("0").divided(decimal("3")), Some(decimal("0")));
        assert_eq!(
            (decimal("100").shortest().to_string(), decimal("1.50").shortest().to_string()),
            ("100".into(), "1.5".into())
        );
        assert_eq!((decimal("-0.050").to_string(), decimal("1e2").to_string()), ("-0.050".into(), "100".into()));
    }

    #[test]
    fn products_are_exact() {
        assert_eq!(decimal("5.4").times(decimal("0.001")), Some(decimal("0.0054")));
        assert_eq!(decimal("1e40").times(decimal("1e40")), None);
        assert_eq!(decimal("99999999999999999999").times(decimal("99999999999999999999")), None);
    }

    #[test]
    fn half_a_step_follows_the_precision() {
        assert_eq!(decimal("100").half_step(), decimal("0.5"));
        assert_eq!(decimal("100.00").half_step(), decimal("0.005"));
        assert_eq!(decimal("1e2").half_step(), decimal("50"));
        assert_eq!(decimal("100").plus(decimal("0.5").negate()), Some(decimal("99.5")));
    }
}
