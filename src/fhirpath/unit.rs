//! Conversion between common units of UCUM (ucum.org, sections 2 to 4): products, quotients, powers, metric prefixes.
//! Units whose zero lies elsewhere (`Cel`, `[degF]`), logarithmic and arbitrary ones equal only themselves.

use super::decimal::Decimal;

/// A unit's text has at most so many bytes.
const UNIT_BYTES_MAX: usize = 64;

/// Brackets may be nested so deep.
const UNIT_DEPTH_MAX: usize = 8;

/// Metre, second, gram, coulomb, kelvin, mole, candela, radian, and one for each arbitrary unit.
type Dimension = [i8; 9];

/// `numerator / denominator * 10^tens` of the base units.
#[derive(Clone, Copy, Debug)]
struct Measure {
    numerator: Decimal,
    denominator: Decimal,
    tens: i32,
    dimension: Dimension,
    /// Tells arbitrary units (`[IU]`, `[arb'U]`) and those with a zero of their own apart.
    arbitrary: u64,
}

const PREFIXES: [(&str, i32); 21] = [
    ("da", 1),
    ("Y", 24),
    ("Z", 21),
    ("E", 18),
    ("P", 15),
    ("T", 12),
    ("G", 9),
    ("M", 6),
    ("k", 3),
    ("h", 2),
    ("d", -1),
    ("c", -2),
    ("m", -3),
    ("u", -6),
    ("n", -9),
    ("p", -12),
    ("f", -15),
    ("a", -18),
    ("z", -21),
    ("y", -24),
    ("μ", -6),
];

/// Code, whether it takes prefixes, factor, power of ten, dimension.
type Row = (&'static str, bool, &'static str, i32, Dimension);

const NONE: Dimension = [0; 9];
const METRE: Dimension = [1, 0, 0, 0, 0, 0, 0, 0, 0];
const SECOND: Dimension = [0, 1, 0, 0, 0, 0, 0, 0, 0];
const GRAM: Dimension = [0, 0, 1, 0, 0, 0, 0, 0, 0];
const VOLUME: Dimension = [3, 0, 0, 0, 0, 0, 0, 0, 0];
const PRESSURE: Dimension = [-1, -2, 1, 0, 0, 0, 0, 0, 0];
const ENERGY: Dimension = [2, -2, 1, 0, 0, 0, 0, 0, 0];
const ARBITRARY: Dimension = [0, 0, 0, 0, 0, 0, 0, 0, 1];

const UNITS: &[Row] = &[
    ("m", true, "1", 0, METRE),
    ("s", true, "1", 0, SECOND),
    ("g", true, "1", 0, GRAM),
    ("C", true, "1", 0, [0, 0, 0, 1, 0, 0, 0, 0, 0]),
    ("K", true, "1", 0, [0, 0, 0, 0, 1, 0, 0, 0, 0]),
    ("mol", true, "6.02214076", 23, NONE),
    ("eq", true, "6.02214076", 23, NONE),
    ("osm", true, "6.02214076", 23, NONE),
    ("cd", true, "1", 0, [0, 0, 0, 0, 0, 0, 1, 0, 0]),
    ("rad", true, "1", 0, [0, 0, 0, 0, 0, 0, 0, 1, 0]),
    ("deg", false, "0.01745329251994329576923690768489", 0, [0, 0, 0, 0, 0, 0, 0, 1, 0]),
    ("10*", false, "10", 0, NONE),
    ("10^", false, "10", 0, NONE),
    ("%", false, "1", -2, NONE),
    ("[ppth]", false, "1", -3, NONE),
    ("[ppm]", false, "1", -6, NONE),
    ("[ppb]", false, "1", -9, NONE),
    ("l", true, "1", -3, VOLUME),
    ("L", true, "1", -3, VOLUME),
    ("min", false, "60", 0, SECOND),
    ("h", false, "3600", 0, SECOND),
    ("d", false, "86400", 0, SECOND),
    ("wk", false, "604800", 0, SECOND),
    ("mo", false, "2629800", 0, SECOND),
    ("a", false, "31557600", 0, SECOND),
    ("t", true, "1", 6, GRAM),
    ("Hz", true, "1", 0, [0, -1, 0, 0, 0, 0, 0, 0, 0]),
    ("N", true, "1", 3, [1, -2, 1, 0, 0, 0, 0, 0, 0]),
    ("Pa", true, "1", 3, PRESSURE),
    ("bar", true, "1", 8, PRESSURE),
    ("atm", false, "101325", 3, PRESSURE),
    ("m[Hg]", true, "133322.387415", 3, PRESSURE),
    ("m[H2O]", true, "9806.65", 3, PRESSURE),
    ("J", true, "1", 3, ENERGY),
    ("cal", true, "4.184", 3, ENERGY),
    ("[Cal]", false, "4184", 3, ENERGY),
    ("eV", true, "1.602176634", -16, ENERGY),
    ("W", true, "1", 3, [2, -3, 1, 0, 0, 0, 0, 0, 0]),
    ("A", true, "1", 0, [0, -1, 0, 1, 0, 0, 0, 0, 0]),
    ("V", true, "1", 3, [2, -2, 1, -1, 0, 0, 0, 0, 0]),
    ("Ohm", true, "1", 3, [2, -1, 1, -2, 0, 0, 0, 0, 0]),
    ("S", true, "1", -3, [-2, 1, -1, 2, 0, 0, 0, 0, 0]),
    ("Bq", true, "1", 0, [0, -1, 0, 0, 0, 0, 0, 0, 0]),
    ("Ci", true, "3.7", 10, [0, -1, 0, 0, 0, 0, 0, 0, 0]),
    ("Gy", true, "1", 0, [2, -2, 0, 0, 0, 0, 0, 0, 0]),
    ("Sv", true, "1", 0, [2, -2, 0, 0, 0, 0, 0, 0, 0]),
    ("kat", true, "6.02214076", 23, [0, -1, 0, 0, 0, 0, 0, 0, 0]),
    ("U", true, "6.02214076", 17, [0, -1, 0, 0, 0, 0, 0, 0, 0]),
    ("[in_i]", false, "2.54", -2, METRE),
    ("[ft_i]", false, "30.48", -2, METRE),
    ("[yd_i]", false, "91.44", -2, METRE),
    ("[mi_i]", false, "1609.344", 0, METRE),
    ("[lb_av]", false, "453.59237", 0, GRAM),
    ("[oz_av]", false, "28.349523125", 0, GRAM),
    ("[stone_av]", false, "6350.29318", 0, GRAM),
    ("[foz_us]", false, "29.5735295625", -6, VOLUME),
    ("[cup_us]", false, "236.5882365", -6, VOLUME),
    ("[pt_us]", false, "473.176473", -6, VOLUME),
    ("[gal_us]", false, "3785.411784", -6, VOLUME),
    ("[tsp_us]", false, "4.92892159375", -6, VOLUME),
    ("[tbs_us]", false, "14.78676478125", -6, VOLUME),
    ("[drp]", false, "0.05", -6, VOLUME),
    ("[IU]", true, "1", 0, ARBITRARY),
    ("[iU]", true, "1", 0, ARBITRARY),
    ("[arb'U]", false, "1", 0, ARBITRARY),
    ("[CFU]", false, "1", 0, ARBITRARY),
    ("Cel", false, "1", 0, ARBITRARY),
    ("[degF]", false, "1", 0, ARBITRARY),
    ("[pH]", false, "1", 0, ARBITRARY),
];

/// A value of one unit in another; `None` when one is unknown or they measure different things.
pub fn convert(value: Decimal, from: &str, to: &str) -> Option<Decimal> {
    if from == to {
        return Some(value);
    }
    let (from, to) = (measure(from)?, measure(to)?);
    if from.dimension != to.dimension || from.arbitrary != to.arbitrary {
        return None;
    }
    let numerator = value.multiply(from.numerator)?.multiply(to.denominator)?;
    let denominator = from.denominator.multiply(to.numerator)?;
    let tens = from.tens.checked_sub(to.tens)?;
    let power = Decimal::from(10).power(tens.unsigned_abs())?;
    if tens >= 0 {
        numerator.multiply(power)?.divide(denominator)
    } else {
        numerator.divide(denominator.multiply(power)?)
    }
}

fn measure(text: &str) -> Option<Measure> {
    (text.len() <= UNIT_BYTES_MAX).then_some(())?;
    let mut reader = Reader { rest: text };
    let found = reader.term(0)?;
    reader.rest.is_empty().then_some(found)
}

const ONE: Measure =
    Measure { numerator: Decimal::ONE, denominator: Decimal::ONE, tens: 0, dimension: NONE, arbitrary: 0 };

impl Measure {
    fn times(self, other: Self) -> Option<Self> {
        let mut dimension = self.dimension;
        for (left, right) in dimension.iter_mut().zip(other.dimension) {
            *left = left.checked_add(right)?;
        }
        Some(Measure {
            numerator: self.numerator.multiply(other.numerator)?,
            denominator: self.denominator.multiply(other.denominator)?,
            tens: self.tens.checked_add(other.tens)?,
            dimension,
            arbitrary: self.arbitrary.wrapping_add(other.arbitrary),
        })
    }

    fn inverse(self) -> Self {
        Measure {
            numerator: self.denominator,
            denominator: self.numerator,
            tens: -self.tens,
            dimension: self.dimension.map(|exponent| -exponent),
            arbitrary: self.arbitrary.wrapping_neg(),
        }
    }

    fn power(self, exponent: i8) -> Option<Self> {
        let base = if exponent < 0 { self.inverse() } else { self };
        (0..exponent.unsigned_abs()).try_fold(ONE, |found, _| found.times(base))
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn term(&mut self, depth: usize) -> Option<Measure> {
        let mut found = if self.take('/') { self.component(depth)?.inverse() } else { self.component(depth)? };
        loop {
            if self.take('.') {
                found = found.times(self.component(depth)?)?;
            } else if self.take('/') {
                found = found.times(self.component(depth)?.inverse())?;
            } else {
                return Some(found);
            }
        }
    }

    fn component(&mut self, depth: usize) -> Option<Measure> {
        if self.take('(') {
            (depth < UNIT_DEPTH_MAX).then_some(())?;
            let inside = self.term(depth + 1)?;
            return self.take(')').then_some(inside);
        }
        if self.rest.starts_with('{') {
            return self.annotation().map(|()| ONE);
        }
        let is_power_of_ten = self.rest.starts_with("10*") || self.rest.starts_with("10^");
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && !is_power_of_ten {
            let number = Decimal::parse(self.rest.get(..digits)?)?;
            self.rest = self.rest.get(digits..)?;
            return (!number.is_zero()).then_some(Measure { numerator: number, ..ONE });
        }
        let (found, taken) = simple(self.rest)?;
        self.rest = self.rest.get(taken..)?;
        let exponent = self.exponent()?;
        if self.rest.starts_with('{') {
            self.annotation()?;
        }
        found.power(exponent)
    }

    fn exponent(&mut self) -> Option<i8> {
        let signed = usize::from(self.rest.starts_with(['+', '-']));
        let digits = self.rest.bytes().skip(signed).take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return (signed == 0).then_some(1);
        }
        let (number, rest) = self.rest.split_at(signed + digits);
        self.rest = rest;
        number.parse().ok().filter(|exponent| (-24..=24).contains(exponent))
    }

    fn annotation(&mut self) -> Option<()> {
        let end = self.rest.find('}')?;
        self.rest = self.rest.get(end + 1..)?;
        Some(())
    }

    fn take(&mut self, wanted: char) -> bool {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}

/// The unit at the start of a text, with or without a prefix, and how many bytes it takes: up to the next operator,
/// exponent or annotation.
fn simple(text: &str) -> Option<(Measure, usize)> {
    let mut inside = false;
    let starts_with_digit = text.starts_with("10");
    let end = text
        .char_indices()
        .find(|(at, character)| {
            match character {
                '[' => inside = true,
                ']' => inside = false,
                _ => {}
            }
            let is_exponent = matches!(character, '+' | '-' | '0'..='9') && !(starts_with_digit && *at < 2);
            !inside && (matches!(character, '.' | '/' | '(' | ')' | '{') || is_exponent)
        })
        .map_or(text.len(), |(at, _)| at);
    let name = text.get(..end)?;
    let row = |name: &str| UNITS.iter().find(|row| row.0 == name);
    if let Some(row) = row(name) {
        return Some((of_row(row, 0)?, end));
    }
    PREFIXES.iter().find_map(|(prefix, tens)| {
        let row = row(name.strip_prefix(prefix)?).filter(|row| row.1)?;
        Some((of_row(row, *tens)?, end))
    })
}

fn of_row(row: &Row, prefix: i32) -> Option<Measure> {
    let (code, _, factor, tens, dimension) = *row;
    let arbitrary = if dimension == ARBITRARY {
        // [IU] and [iU] are the same unit (UCUM table 22).
        let code = code.to_ascii_lowercase();
        code.bytes().fold(7_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()))
    } else {
        0
    };
    Some(Measure {
        numerator: Decimal::parse(factor)?,
        denominator: Decimal::ONE,
        tens: tens + prefix,
        dimension,
        arbitrary,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_units_convert_exactly() {
        let cases = [
            ("4", "g", "mg", Some("4000")),
            ("1", "[in_i]", "cm", Some("2.54")),
            ("1", "wk", "d", Some("7")),
            ("0.040", "m2", "cm.m", Some("4")),
            ("2", "g/m", "mg/cm", Some("20")),
            ("1", "mmol/L", "umol/mL", Some("1")),
            ("120", "mm[Hg]", "kPa", Some("15.9986864898")),
            ("5", "10*9/L", "10*6/mL", Some("5")),
            ("1", "/min", "/h", Some("60")),
            ("7", "m/m", "1", Some("7")),
            ("1", "{tablet}/d", "/d", Some("1")),
            ("3", "[IU]/L", "m[iU]/mL", Some("3")),
            ("37", "Cel", "K", None),
            ("1", "cm", "s", None),
            ("1", "cm", "[s]", None),
            ("1", "[IU]", "[arb'U]", None),
            ("1", "((m)", "m", None),
            ("1", "", "m", None),
        ];
        for (value, from, to, wanted) in cases {
            let found = convert(Decimal::parse(value).unwrap(), from, to);
            assert_eq!(found, wanted.and_then(Decimal::parse), "{value} {from} in {to}");
        }
        let long = "m.".repeat(31) + "m";
        assert!(measure(&long).is_some() && measure(&("m.".repeat(32) + "m")).is_none());
        assert!(measure(&format!("{}m{}", "(".repeat(8), ")".repeat(8))).is_some());
        assert!(measure(&format!("{}m{}", "(".repeat(9), ")".repeat(9))).is_none());
    }
}
