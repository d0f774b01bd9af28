//! Decimals as FHIR states them (datatypes.html#decimal): digits and precision exactly as written, compared exactly.

use std::cmp::Ordering;

/// Most digits after the point, and the largest power of ten, that are told apart.
const SCALE_MAX: i32 = 60;

/// A decimal: `mantissa` times ten to the minus `scale`.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    mantissa: i128,
    scale: i32,
}

impl Decimal {
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
    pub fn add(self, other: Decimal) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        Decimal::new(self.at_scale(scale)?.checked_add(other.at_scale(scale)?)?, scale)
    }

    /// The product; `None` when it does not fit.
    pub fn times(self, other: Decimal) -> Option<Self> {
        Decimal::new(self.mantissa.checked_mul(other.mantissa)?, self.scale.checked_add(other.scale)?)
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
        assert_eq!(decimal("100").add(decimal("0.5").negate()), Some(decimal("99.5")));
    }
}
