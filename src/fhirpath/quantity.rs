//! Quantities (FHIRPath N1 section 4.1.8): a decimal with a unit of UCUM or of the calendar.

use std::cmp::Ordering;
use std::fmt;

use super::calendar::CalendarUnit;
use super::context::Context;
use super::decimal::Decimal;

/// A unit of a quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A word of the language (`days`).
    Calendar(CalendarUnit),
    /// A UCUM code (`'mg'`); `1` for none.
    Ucum(Box<str>),
}

/// A value with its unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// How many.
    pub value: Decimal,
    /// Of what.
    pub unit: Unit,
}

impl Unit {
    /// The UCUM code; for a year or month of the calendar that of about the same duration.
    pub fn code(&self) -> &str {
        match self {
            Unit::Calendar(unit) => unit.ucum(),
            Unit::Ucum(code) => code,
        }
    }

    /// The unit by which dates can be moved.
    pub fn calendar(&self) -> Option<CalendarUnit> {
        match self {
            Unit::Calendar(unit) => Some(*unit),
            Unit::Ucum(code) => CalendarUnit::of_ucum(code),
        }
    }

    fn is_vague(&self) -> bool {
        matches!(self, Unit::Calendar(CalendarUnit::Year | CalendarUnit::Month))
    }
}

impl Quantity {
    /// A value with a UCUM code.
    pub fn ucum(value: Decimal, code: &str) -> Self {
        Quantity { value, unit: Unit::Ucum(code.into()) }
    }

    /// What a string says (N1 section 5.5.8): `4 days`, `10 'mg'`, `1`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let at = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-' | '+')).unwrap_or(text.len());
        let (number, unit) = (text.get(..at)?, text.get(at..)?);
        let value = Decimal::parse(number)?;
        let unit = unit.trim();
        if unit.is_empty() {
            return Some(Self::ucum(value, "1"));
        }
        if let Some(code) = unit.strip_prefix('\'') {
            let code = code.strip_suffix('\'').filter(|code| !code.is_empty() && !code.contains('\''))?;
            return Some(Self::ucum(value, code));
        }
        Some(Quantity { value, unit: Unit::Calendar(CalendarUnit::of_word(unit)?) })
    }

    /// The value of another quantity in the unit of this one; `None` when there is no way from one to the other.
    ///
    /// A year or month of the calendar and a fixed duration are not comparable (N1 section 6.1.1); with `is_loose`, as
    /// equivalence has it, they are.
    pub fn converted(&self, other: &Quantity, is_loose: bool, context: &dyn Context<'_>) -> Option<Decimal> {
        use CalendarUnit::{Month, Year};
        match (&self.unit, &other.unit) {
            (left, right) if left == right => Some(other.value),
            (Unit::Calendar(Year), Unit::Calendar(Month)) => other.value.divide(Decimal::from(12)),
            (Unit::Calendar(Month), Unit::Calendar(Year)) => other.value.multiply(Decimal::from(12)),
            (Unit::Calendar(left), Unit::Calendar(right)) => {
                other.value.multiply(Decimal::from(right.milliseconds()))?.divide(Decimal::from(left.milliseconds()))
            }
            (left, right) if !is_loose && (left.is_vague() || right.is_vague()) => None,
            (left, right) if left.code() == right.code() => Some(other.value),
            (left, right) => context.convert(other.value, right.code(), left.code()),
        }
    }

    /// Which is more; `None` when their units cannot be compared.
    pub fn compare(&self, other: &Quantity, context: &dyn Context<'_>) -> Option<Ordering> {
        Some(self.value.cmp(&self.converted(other, false, context)?))
    }

    /// Whether both are about the same, rounded as decimals are (N1 section 6.1.2).
    pub fn is_equivalent(&self, other: &Quantity, context: &dyn Context<'_>) -> bool {
        self.converted(other, true, context).is_some_and(|value| self.value.is_equivalent(value))
    }

    /// Product; `None` when it overflows.
    pub fn multiply(&self, other: &Quantity) -> Option<Quantity> {
        let value = self.value.multiply(other.value)?;
        Some(match (self.unit.code(), other.unit.code()) {
            (_, "1") => Quantity { value, unit: self.unit.clone() },
            ("1", _) => Quantity { value, unit: other.unit.clone() },
            (left, right) => Self::ucum(value, &format!("{}.{}", factor(left), factor(right))),
        })
    }

    /// Quotient; `None` when it overflows or the divisor is 0.
    pub fn divide(&self, other: &Quantity) -> Option<Quantity> {
        let value = self.value.divide(other.value)?;
        Some(match (self.unit.code(), other.unit.code()) {
            (_, "1") => Quantity { value, unit: self.unit.clone() },
            (left, right) if left == right => Self::ucum(value, "1"),
            (left, right) => Self::ucum(value, &format!("{left}/{}", factor(right))),
        })
    }
}

/// A unit as it may stand in a product.
fn factor(code: &str) -> String {
    if code.contains(['.', '/']) { format!("({code})") } else { code.to_owned() }
}

/// As a literal (`4 days`, `10 'mg'`).
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.unit {
            Unit::Calendar(unit) => {
                let plural = if self.value == Decimal::ONE { "" } else { "s" };
                write!(f, "{} {}{plural}", self.value, unit.word())
            }
            Unit::Ucum(code) => write!(f, "{} '{code}'", self.value),
        }
    }
}
