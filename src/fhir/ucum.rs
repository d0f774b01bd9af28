//! Units of UCUM (ucum.org): any expression of units as a factor and what it measures, so that values in different units of
//! one kind can be compared (search.html#quantity, canonical forms). Metric prefixes are exact.

use super::decimal::Decimal;

mod grammar;
mod table;

pub use grammar::is_unit;
use table::{PREFIXES, UNITS};

/// The longest unit that is read, in bytes.
pub const UNIT_BYTES_MAX: usize = 128;
/// Brackets in brackets, and units that other units are defined by.
const DEPTH_MAX: usize = 12;
/// The largest power of a unit.
const POWER_MAX: i32 = 30;

/// What a unit is in base units: `numerator / denominator` times the base units to their powers, and for a temperature scale
/// what is added to a value before that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Exact as far as UCUM states it.
    pub numerator: Decimal,
    /// 1, but where a unit divides by something that has no end as a decimal (`/min`).
    pub denominator: Decimal,
    /// Added before the factor: `Cel` is K with 273.15, `[degF]` is 5/9 K with 459.67.
    pub offset: Option<Decimal>,
    /// Base units and arbitrary ones with their powers, in the order of the alphabet: `g`, `m-3`; empty for a plain number.
    pub dimension: String,
}

/// A value in base units and what it measures: 5.4 `mg` is 0.0054 `g`. Exact where it has an end as a decimal, to 18 digits
/// otherwise. `None` for what is no unit, and for logarithmic scales (pH, bel).
pub fn canonical(value: Decimal, unit: &str) -> Option<(Decimal, String)> {
    let unit = parse(unit)?;
    let value = match unit.offset {
        Some(offset) => value.plus(offset)?,
        None => value,
    };
    Some((value.times(unit.numerator)?.divided(unit.denominator)?, unit.dimension))
}

/// Reads a unit, case-sensitive: `mg/dL`, `10*3/uL`, `m[IU]/L`, `kg.m2`, `{beats}/min`.
pub fn parse(text: &str) -> Option<Unit> {
    if text.is_empty() || text.len() > UNIT_BYTES_MAX || !text.bytes().all(|b| (0x21..0x7f).contains(&b) || b >= 0x80) {
        return None;
    }
    let measure = read(text, 0)?;
    Some(measure.unit())
}

/// A unit while it is put together.
#[derive(Clone, Debug)]
struct Measure {
    numerator: Decimal,
    denominator: Decimal,
    offset: Option<Decimal>,
    /// Names with powers, sorted by name, none of power 0.
    powers: Vec<(&'static str, i32)>,
}

impl Measure {
    fn number(value: Decimal) -> Self {
        Measure { numerator: value, denominator: Decimal::ONE, offset: None, powers: Vec::new() }
    }

    fn times(self, other: Measure, inverse: bool) -> Option<Self> {
        // A scale with a zero of its own is nothing to multiply with.
        if self.offset.is_some() || other.offset.is_some() {
            return None;
        }
        let (above, below, sign) =
            if inverse { (other.denominator, other.numerator, -1) } else { (other.numerator, other.denominator, 1) };
        let mut powers = self.powers;
        for (name, power) in other.powers {
            match powers.binary_search_by(|(known, _)| (*known).cmp(name)) {
                Ok(at) => {
                    let of = powers.get_mut(at)?;
                    of.1 += sign * power;
                }
                Err(at) => powers.insert(at, (name, sign * power)),
            }
        }
        powers.retain(|(_, power)| *power != 0);
        let numerator = self.numerator.times(above)?;
        let denominator = self.denominator.times(below)?;
        Some(Measure { numerator: numerator.shortest(), denominator: denominator.shortest(), offset: None, powers })
    }

    fn power(self, power: i32) -> Option<Self> {
        if power == 1 {
            return Some(self);
        }
        let mut all = Measure::number(Decimal::ONE);
        for _ in 0..power.unsigned_abs() {
            all = all.times(self.clone(), power < 0)?;
        }
        Some(all)
    }

    fn unit(self) -> Unit {
        let mut dimension = String::new();
        for (name, power) in self.powers {
            if !dimension.is_empty() {
                dimension.push('.');
            }
            dimension.push_str(name);
            if power != 1 {
                dimension.push_str(&power.to_string());
            }
        }
        let (mut numerator, mut denominator) = (self.numerator, self.denominator);
        // What divides without a rest is no fraction.
        if let Some(quotient) = numerator.divided_exactly(denominator) {
            (numerator, denominator) = (quotient, Decimal::ONE);
        }
        Unit { numerator, denominator, offset: self.offset, dimension }
    }
}

fn read(text: &str, depth: usize) -> Option<Measure> {
    let mut reader = Reader { left: text, depth };
    let measure = reader.term()?;
    reader.left.is_empty().then_some(measure)
}

/// The grammar of UCUM, section 2.
struct Reader<'a> {
    left: &'a str,
    depth: usize,
}

impl<'a> Reader<'a> {
    /// `a.b/c`, from the left to the right; may begin with `/`.
    fn term(&mut self) -> Option<Measure> {
        if self.depth > DEPTH_MAX {
            return None;
        }
        let mut inverse = self.take('/');
        let mut all = if inverse { Measure::number(Decimal::ONE) } else { self.component()? };
        if inverse {
            all = all.times(self.component()?, true)?;
        }
        loop {
            inverse = self.take('/');
            if !inverse && !self.take('.') {
                return Some(all);
            }
            let next = self.component()?;
            all = all.times(next, inverse)?;
        }
    }

    /// A unit with its power, a number, something in brackets; annotations say nothing.
    fn component(&mut self) -> Option<Measure> {
        if self.left.starts_with('{') {
            self.annotation()?;
            return Some(Measure::number(Decimal::ONE));
        }
        let measure = if self.take('(') {
            self.depth += 1;
            let inner = self.term()?;
            self.depth -= 1;
            self.take(')').then_some(inner)?
        } else {
            self.simple()?
        };
        if self.left.starts_with('{') {
            self.annotation()?;
        }
        Some(measure)
    }

    fn simple(&mut self) -> Option<Measure> {
        let symbol = self.symbol()?;
        let digits = symbol.bytes().all(|b| b.is_ascii_digit());
        if digits {
            return Some(Measure::number(Decimal::parse(symbol)?));
        }
        let power = self.exponent()?;
        atom(symbol, self.depth)?.power(power)
    }

    /// Everything up to an exponent, an operator, a bracket or an annotation; what stands between `[` and `]` is one piece.
    fn symbol(&mut self) -> Option<&'a str> {
        // No unit of UCUM, but written as one; the digit in it is no exponent.
        if let Some(rest) = self.left.strip_prefix("cmH2O") {
            self.left = rest;
            return Some("cmH2O");
        }
        let (mut inside, mut end) = (false, self.left.len());
        for (at, c) in self.left.char_indices() {
            inside = (inside || c == '[') && c != ']';
            let before = self.left.get(..at)?;
            // `10*` and `10^` are units; `10` alone, `m2`, `s-1` are a number and units with exponents.
            let is_ten = before == "10" && matches!(c, '*' | '^');
            let is_number = before.bytes().all(|b| b.is_ascii_digit()) && c.is_ascii_digit();
            let ends = matches!(c, '.' | '/' | '(' | ')' | '{' | '}' | '+' | '-') || c.is_ascii_digit();
            if !inside && !is_ten && !is_number && ends {
                end = at;
                break;
            }
            if before == "10" && is_ten {
                end = at + 1;
                break;
            }
        }
        let (symbol, rest) = self.left.split_at_checked(end)?;
        self.left = rest;
        (!symbol.is_empty() && !inside).then_some(symbol)
    }

    fn exponent(&mut self) -> Option<i32> {
        let end = self.left.find(|c: char| !c.is_ascii_digit() && c != '-' && c != '+').unwrap_or(self.left.len());
        let (digits, rest) = self.left.split_at_checked(end)?;
        self.left = rest;
        if digits.is_empty() {
            return Some(1);
        }
        digits.parse().ok().filter(|power: &i32| power.abs() <= POWER_MAX)
    }

    fn annotation(&mut self) -> Option<()> {
        let end = self.left.find('}')?;
        self.left = self.left.get(end + 1..)?;
        Some(())
    }

    fn take(&mut self, mark: char) -> bool {
        let rest = self.left.strip_prefix(mark);
        self.left = rest.unwrap_or(self.left);
        rest.is_some()
    }
}

/// A unit by its symbol, with or without a metric prefix.
fn atom(symbol: &str, depth: usize) -> Option<Measure> {
    if let Some(found) = UNITS.iter().find(|unit| unit.0 == symbol) {
        return defined(found, depth);
    }
    PREFIXES.iter().find_map(|(prefix, power)| {
        let rest = symbol.strip_prefix(prefix)?;
        let found = UNITS.iter().find(|unit| unit.0 == rest && unit.1)?;
        let scale = Measure::number(Decimal::new(1, -power)?);
        scale.times(defined(found, depth)?, false)
    })
}

/// A row of the table: a base unit or an arbitrary one stands for itself, others are so much of something else.
fn defined((symbol, _, definition): &(&'static str, bool, &'static str), depth: usize) -> Option<Measure> {
    let mut parts = definition.split(' ');
    let (value, of) = (parts.next().filter(|value| !value.is_empty()), parts.next());
    let Some(value) = value else {
        return Some(Measure { powers: vec![(symbol, 1)], ..Measure::number(Decimal::ONE) });
    };
    let (above, below) = value.split_once('/').unwrap_or((value, "1"));
    let factor = Measure { denominator: Decimal::parse(below)?, ..Measure::number(Decimal::parse(above)?) };
    let mut measure = match of.unwrap_or("1") {
        "1" => factor,
        of => factor.times(read(of, depth + 1)?, false)?,
    };
    measure.offset = parts.next().and_then(Decimal::parse);
    Some(measure)
}

#[cfg(test)]
mod tests;
