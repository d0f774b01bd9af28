//! The primitive types of R4 and the form of their values (datatypes.html#primitive).

use serde_json::Value;

use crate::fhir::reference::is_id;

/// Characters of a string at most (datatypes.html#string).
pub const STRING_CHARACTERS_MAX: usize = 1024 * 1024;

/// Characters of a decimal as it is written at most; an exponent has at most three digits.
pub const DECIMAL_CHARACTERS_MAX: usize = 64;

/// A primitive type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the standard's
pub enum Primitive {
    Base64Binary,
    Boolean,
    Canonical,
    Code,
    Date,
    DateTime,
    Decimal,
    Id,
    Instant,
    Integer,
    Markdown,
    Oid,
    PositiveInt,
    String,
    Time,
    UnsignedInt,
    Uri,
    Url,
    Uuid,
    Xhtml,
}

/// What is wrong with a value of a primitive type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Another kind of JSON value than the type has.
    Kind,
    /// Empty, or nothing but white space.
    Empty,
    /// Longer than [`STRING_CHARACTERS_MAX`].
    Long,
    /// A control character other than tab, line feed and carriage return.
    Control,
    /// Not of the form that the type asks for.
    Form,
}

impl Primitive {
    /// The type of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "base64Binary" => Primitive::Base64Binary,
            "boolean" => Primitive::Boolean,
            "canonical" => Primitive::Canonical,
            "code" => Primitive::Code,
            "date" => Primitive::Date,
            "dateTime" => Primitive::DateTime,
            "decimal" => Primitive::Decimal,
            "id" => Primitive::Id,
            "instant" => Primitive::Instant,
            "integer" => Primitive::Integer,
            "markdown" => Primitive::Markdown,
            "oid" => Primitive::Oid,
            "positiveInt" => Primitive::PositiveInt,
            "string" => Primitive::String,
            "time" => Primitive::Time,
            "unsignedInt" => Primitive::UnsignedInt,
            "uri" => Primitive::Uri,
            "url" => Primitive::Url,
            "uuid" => Primitive::Uuid,
            "xhtml" => Primitive::Xhtml,
            _ => return None,
        })
    }

    /// What kind of JSON value it is: `a string`, `a number`, `true or false`; in English and Japanese.
    pub fn json_kind(self) -> (&'static str, &'static str) {
        match self {
            Primitive::Boolean => ("true or false", "true または false"),
            Primitive::Decimal | Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt => {
                ("a number", "数値")
            }
            _ => ("a string", "文字列"),
        }
    }

    /// Checks a value; what a narrative's XHTML holds is not looked at.
    pub fn check(self, value: &Value) -> Result<(), Flaw> {
        match (self, value) {
            (Primitive::Boolean, Value::Bool(_)) => Ok(()),
            (Primitive::Decimal | Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt, value) => {
                let Value::Number(number) = value else { return Err(Flaw::Kind) };
                form(self.is_number(number.as_str()))
            }
            (Primitive::Boolean, _) => Err(Flaw::Kind),
            (_, Value::String(text)) => self.check_text(text),
            _ => Err(Flaw::Kind),
        }
    }

    fn is_number(self, text: &str) -> bool {
        // Most numbers are short, and then no range can be passed.
        let least = match self {
            Primitive::Decimal => return is_decimal(text),
            Primitive::Integer => i64::from(i32::MIN),
            Primitive::UnsignedInt => 0,
            _ => 1,
        };
        let is_plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'-') && text != "-0";
        is_plain && text.parse::<i64>().is_ok_and(|number| (least..=i64::from(i32::MAX)).contains(&number))
    }

    fn check_text(self, text: &str) -> Result<(), Flaw> {
        // One look at the bytes: white space alone, and control characters.
        let mut is_blank = true;
        for byte in text.bytes() {
            if byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r') {
                return Err(Flaw::Control);
            }
            is_blank &= byte.is_ascii_whitespace();
        }
        if is_blank || (!text.is_ascii() && text.trim().is_empty()) {
            return Err(Flaw::Empty);
        }
        match self {
            Primitive::String | Primitive::Markdown | Primitive::Xhtml => {
                let is_long = text.len() > STRING_CHARACTERS_MAX && text.chars().count() > STRING_CHARACTERS_MAX;
                if is_long { Err(Flaw::Long) } else { Ok(()) }
            }
            _ => form(self.has_form(text)),
        }
    }

    fn has_form(self, text: &str) -> bool {
        match self {
            Primitive::Base64Binary => is_base64(text),
            Primitive::Code => is_code(text),
            Primitive::Date => date(text.as_bytes()).is_some_and(<[u8]>::is_empty),
            Primitive::DateTime => is_date_time(text.as_bytes()),
            Primitive::Instant => text.as_bytes().get(10) == Some(&b'T') && is_date_time(text.as_bytes()),
            Primitive::Time => time(text.as_bytes()).is_some_and(<[u8]>::is_empty),
            Primitive::Id => is_id(text),
            Primitive::Oid => text.strip_prefix("urn:oid:").is_some_and(is_oid),
            Primitive::Uuid => text.strip_prefix("urn:uuid:").is_some_and(is_uuid),
            Primitive::Uri | Primitive::Url | Primitive::Canonical => is_uri(text),
            _ => true,
        }
    }
}

fn form(is_so: bool) -> Result<(), Flaw> {
    if is_so { Ok(()) } else { Err(Flaw::Form) }
}

/// JSON's own grammar is FHIR's but for size.
fn is_decimal(text: &str) -> bool {
    let exponent = text.split_once(['e', 'E']).map_or("", |(_, exponent)| exponent.trim_start_matches(['+', '-']));
    text.len() <= DECIMAL_CHARACTERS_MAX && exponent.len() <= 3
}

/// No white space but single ones inside (datatypes.html#code).
fn is_code(text: &str) -> bool {
    let is_ascii_fine = text.split(' ').all(|word| !word.is_empty() && !word.contains(char::is_whitespace));
    is_ascii_fine && !text.is_empty()
}

/// No white space; what follows `urn:oid:` and `urn:uuid:` is what they say (datatypes.html#uri).
fn is_uri(text: &str) -> bool {
    if text.bytes().any(|b| b.is_ascii_whitespace()) || !text.is_ascii() && text.contains(char::is_whitespace) {
        return false;
    }
    match text.strip_prefix("urn:") {
        Some(urn) => match (urn.strip_prefix("oid:"), urn.strip_prefix("uuid:")) {
            (Some(oid), _) => is_oid(oid),
            (_, Some(uuid)) => is_uuid(uuid),
            _ => true,
        },
        None => true,
    }
}

fn is_oid(text: &str) -> bool {
    let is_number = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) && (part == "0" || !part.starts_with('0'))
    };
    let mut parts = text.split('.');
    parts.next().is_some_and(|first| matches!(first, "0" | "1" | "2")) && text.contains('.') && parts.all(is_number)
}

fn is_uuid(text: &str) -> bool {
    let is_right = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(is_right)
}

/// Groups of four, padding only at the end; white space is passed over.
fn is_base64(text: &str) -> bool {
    let (mut count, mut padding) = (0_usize, 0_usize);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if padding == 0 => count += 1,
            b'=' => padding += 1,
            b' ' | b'\n' | b'\r' | b'\t' => {}
            _ => return false,
        }
    }
    (count + padding).is_multiple_of(4) && padding <= 2
}

/// What follows a date of year, month or day precision; `None` where there is no date that exists.
fn date(text: &[u8]) -> Option<&[u8]> {
    let (year, rest) = digits(text, 4)?;
    if year == 0 {
        return None;
    }
    let Some(rest) = rest.strip_prefix(b"-") else { return Some(rest) };
    let (month, rest) = digits(rest, 2)?;
    if !(1..=12).contains(&month) {
        return None;
    }
    let Some(rest) = rest.strip_prefix(b"-") else { return Some(rest) };
    let (day, rest) = digits(rest, 2)?;
    let days = match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    (1..=days).contains(&day).then_some(rest)
}

/// What follows a time with seconds.
fn time(text: &[u8]) -> Option<&[u8]> {
    let (hour, rest) = digits(text, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(b":")?, 2)?;
    let (second, mut rest) = digits(rest.strip_prefix(b":")?, 2)?;
    if let Some(fraction) = rest.strip_prefix(b".") {
        let length = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
        rest = fraction.get(length..).filter(|_| length > 0)?;
    }
    (hour < 24 && minute < 60 && second <= 60).then_some(rest)
}

/// A date, or a day with time and zone.
fn is_date_time(text: &[u8]) -> bool {
    let Some(rest) = date(text) else { return false };
    let Some(clock) = rest.strip_prefix(b"T") else { return rest.is_empty() };
    let zone = |rest: &[u8]| match rest {
        b"Z" => true,
        [b'+' | b'-', zone @ ..] => {
            let read = digits(zone, 2).and_then(|(hours, rest)| Some((hours, digits(rest.strip_prefix(b":")?, 2)?)));
            read.is_some_and(|(hours, (minutes, rest))| {
                rest.is_empty() && minutes < 60 && (hours < 14 || hours == 14 && minutes == 0)
            })
        }
        _ => false,
    };
    text.len() - rest.len() == 10 && time(clock).is_some_and(zone)
}

fn digits(text: &[u8], count: usize) -> Option<(u16, &[u8])> {
    let (head, rest) = text.split_at_checked(count)?;
    let add = |sum: u16, b: &u8| b.is_ascii_digit().then(|| sum * 10 + u16::from(b - b'0'));
    Some((head.iter().try_fold(0, add)?, rest))
}

#[cfg(test)]
mod tests;
