//! A search request as what it asks for (R4 search.html). What is not understood is refused, never left out: a search
//! that returns too much is a safety fault.

use crate::fault::{Issue, Place, rules};
use crate::fhir::ResourceType;
use crate::fhir::reference::{Literal, is_id};
use crate::fhir::time::Interval;

use super::extract::target_hash;
use super::facts::{Parameter, folded_hash, reference_hash, system_hash};
use super::page::Cursor;
use super::parameters::{self, Definition, Kind};

/// Matches on a page when the caller names no number.
pub const COUNT_DEFAULT: usize = 50;
/// Most matches on a page; a larger `_count` gets this many.
pub const COUNT_MAX: usize = 1000;
/// Longest query string that is read.
pub const QUERY_BYTES_MAX: usize = 16 * 1024;
/// Most values, over all parameters.
pub const VALUES_MAX: usize = 500;

rules! {
    UNKNOWN "search-unknown-parameter" Error NotSupported
        "this search has no parameter {}" "この検索にパラメーター {} はありません"
    MODIFIER "search-modifier" Error NotSupported
        "modifiers and chains are not offered: {}" "修飾子と連鎖検索には対応していません: {}"
    VALUE "search-value" Error Value
        "a value of the parameter {} cannot be read" "パラメーター {} の値を読み取れません"
    TWICE "search-twice" Error Value
        "the parameter {} may be given once" "パラメーター {} は一度だけ指定できます"
    TOO_LONG "search-too-long" Error TooCostly
        "the search has more than {} values or bytes" "検索条件が多すぎます (上限 {})"
}

/// What a search asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The type that is searched.
    pub resource_type: ResourceType,
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// Matches on a page; 0 asks for the total alone.
    pub count: usize,
    /// The order.
    pub sort: Sort,
    /// Where the page begins.
    pub cursor: Option<Cursor>,
    /// The parameters that were used, as they were given, for `Bundle.link[self]`.
    pub used: Vec<(String, String)>,
}

/// One parameter; one of its values must hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// `_id`
    Id(Vec<String>),
    /// `_lastUpdated`
    LastUpdated(Vec<DateValue>),
    /// A token or reference parameter.
    Token(Parameter, Vec<TokenValue>),
    /// A date parameter.
    Date(Parameter, Vec<DateValue>),
}

/// A token as asked for (search.html#token), as hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenValue {
    /// `code`: in any system.
    Code(u64),
    /// `system|code`, and `|code` with system 0.
    Coding(u64, u64),
    /// `system|`: any code of it.
    System(u64),
}

/// A date as asked for: the prefix and what the date covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateValue {
    /// How to compare.
    pub prefix: Prefix,
    /// With what.
    pub interval: Interval,
}

/// search.html#prefix
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the standard's codes
pub enum Prefix {
    Eq,
    Ne,
    Lt,
    Gt,
    Ge,
    Le,
    Sa,
    Eb,
    Ap,
}

/// The order of matches; ties are broken by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub by: SortBy,
    /// Largest first.
    pub descending: bool,
}

/// What matches are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortBy {
    /// `_lastUpdated`
    LastUpdated,
    /// `_id`
    Id,
    /// A date parameter.
    Date(Parameter),
}

/// What is said about this server that the reading of a query depends on.
#[derive(Clone, Copy, Debug)]
pub struct Server<'a> {
    /// Its base URL without the last slash: a reference by absolute URL below it is one of ours. May be empty.
    pub base: &'a str,
    /// Offset from UTC of dates that carry none, in minutes.
    pub zone_minutes: i16,
}

impl Query {
    /// Reads a query string as it stands in a URL or in a form: percent-encoded, `+` for a space.
    pub fn parse(resource_type: ResourceType, text: &str, server: Server<'_>) -> Result<Self, Issue> {
        if text.len() > QUERY_BYTES_MAX {
            return Err(Issue::with(&TOO_LONG, Place::Whole, QUERY_BYTES_MAX.to_string()));
        }
        let mut pairs = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let unreadable = || Issue::with(&VALUE, Place::Whole, shown(name));
            pairs.push((decoded(name).ok_or_else(unreadable)?, decoded(value).ok_or_else(unreadable)?));
        }
        Self::from_pairs(resource_type, &pairs, server)
    }

    /// The query as a link repeats it, percent-encoded; `next` is where the linked page begins.
    pub fn link(&self, next: Option<&Cursor>) -> String {
        let kept = self.used.iter().filter(|(name, _)| next.is_none() || name != "_cursor");
        let mut pairs: Vec<String> =
            kept.map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        pairs.extend(next.map(|cursor| format!("_cursor={}", cursor.text(self))));
        pairs.join("&")
    }

    /// Reads decoded pairs of name and value. A parameter without a value is left out (search.html: "empty parameters
    /// are not an error").
    pub fn from_pairs(
        resource_type: ResourceType,
        pairs: &[(String, String)],
        server: Server<'_>,
    ) -> Result<Self, Issue> {
        let mut query = Query {
            resource_type,
            conditions: Vec::new(),
            count: COUNT_DEFAULT,
            sort: Sort { by: SortBy::LastUpdated, descending: true },
            cursor: None,
            used: Vec::new(),
        };
        let (mut values, mut cursor) = (0, None);
        for (name, value) in pairs {
            query.known(name)?;
            if value.is_empty() {
                continue;
            }
            if name.starts_with('_')
                && name != "_id"
                && name != "_lastUpdated"
                && query.used.iter().any(|u| u.0 == *name)
            {
                return Err(Issue::with(&TWICE, Place::Whole, name));
            }
            match name.as_str() {
                "_cursor" => cursor = Some(value),
                _ => query.parameter(name, value, server)?,
            }
            query.used.push((name.clone(), value.clone()));
            values += 1 + value.matches(',').count();
            if values > VALUES_MAX {
                return Err(Issue::with(&TOO_LONG, Place::Whole, VALUES_MAX.to_string()));
            }
        }
        if query.used.iter().any(|(name, value)| name == "_summary" && value == "count") {
            query.count = 0;
        }
        // Last, because a cursor holds for one order only.
        query.cursor = match cursor {
            Some(text) => Some(Cursor::read(text, &query).ok_or_else(|| Issue::with(&VALUE, Place::Whole, "_cursor"))?),
            None => None,
        };
        Ok(query)
    }

    /// Whether the type has a parameter of that name; refused with its name otherwise, even without a value.
    fn known(&self, name: &str) -> Result<(), Issue> {
        const RESULT: [&str; 9] =
            ["_id", "_lastUpdated", "_count", "_sort", "_format", "_pretty", "_cursor", "_total", "_summary"];
        if RESULT.contains(&name) || parameters::find(self.resource_type, name).is_some() {
            return Ok(());
        }
        let (plain, rest) = name.split_at(name.find([':', '.']).unwrap_or(name.len()));
        let known = RESULT.contains(&plain) || parameters::find(self.resource_type, plain).is_some() || plain == "_has";
        let rule = if known && !rest.is_empty() { &MODIFIER } else { &UNKNOWN };
        Err(Issue::with(rule, Place::Whole, shown(name)))
    }

    fn parameter(&mut self, name: &str, value: &str, server: Server<'_>) -> Result<(), Issue> {
        let wrong = || Issue::with(&VALUE, Place::Whole, name);
        let dates =
            || values(value)?.iter().map(|one| DateValue::read(one, server.zone_minutes)).collect::<Option<_>>();
        match name {
            "_format" | "_pretty" => {}
            "_total" if matches!(value, "none" | "estimate" | "accurate") => {}
            "_summary" if value == "false" => {}
            // Like `_count=0`, whichever comes first.
            "_summary" if value == "count" => {}
            "_total" | "_summary" => return Err(wrong()),
            "_count" => self.count = count(value).ok_or_else(wrong)?,
            "_sort" => self.sort = self.sort(value).ok_or_else(wrong)?,
            "_id" => self.conditions.push(Condition::Id(ids(value).ok_or_else(wrong)?)),
            "_lastUpdated" => self.conditions.push(Condition::LastUpdated(dates().ok_or_else(wrong)?)),
            name => {
                let Some((definition, patients_only)) = parameters::find(self.resource_type, name) else {
                    return Err(wrong());
                };
                let parameter = definition.parameter;
                self.conditions.push(match definition.kind {
                    Kind::Date => Condition::Date(parameter, dates().ok_or_else(wrong)?),
                    Kind::Token => Condition::Token(parameter, tokens(value, definition).ok_or_else(wrong)?),
                    Kind::Reference(targets) => {
                        let targets = if patients_only { &["Patient"] } else { targets };
                        Condition::Token(parameter, references(value, targets, server.base).ok_or_else(wrong)?)
                    }
                });
            }
        }
        Ok(())
    }

    /// `_sort`: one key; `_id` behind it is what breaks ties anyway.
    fn sort(&self, value: &str) -> Option<Sort> {
        let value = value.strip_suffix(",_id").filter(|before| !before.is_empty()).unwrap_or(value);
        let (name, descending) = value.strip_prefix('-').map_or((value, false), |name| (name, true));
        let by = match name {
            "_lastUpdated" => SortBy::LastUpdated,
            "_id" => SortBy::Id,
            name => match parameters::find(self.resource_type, name)?.0 {
                Definition { kind: Kind::Date, parameter, .. } => SortBy::Date(*parameter),
                _ => return None,
            },
        };
        Some(Sort { by, descending })
    }
}

impl DateValue {
    fn read(text: &str, zone_minutes: i16) -> Option<Self> {
        let (prefix, rest) = match text.get(..2) {
            Some("eq") => (Prefix::Eq, &text[2..]),
            Some("ne") => (Prefix::Ne, &text[2..]),
            Some("lt") => (Prefix::Lt, &text[2..]),
            Some("gt") => (Prefix::Gt, &text[2..]),
            Some("ge") => (Prefix::Ge, &text[2..]),
            Some("le") => (Prefix::Le, &text[2..]),
            Some("sa") => (Prefix::Sa, &text[2..]),
            Some("eb") => (Prefix::Eb, &text[2..]),
            Some("ap") => (Prefix::Ap, &text[2..]),
            _ => (Prefix::Eq, text),
        };
        Some(DateValue { prefix, interval: Interval::parse(rest, zone_minutes)? })
    }
}

fn count(value: &str) -> Option<usize> {
    let digits = !value.is_empty() && value.len() <= 9 && value.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| value.parse().ok()).flatten().map(|count: usize| count.min(COUNT_MAX))
}

fn ids(value: &str) -> Option<Vec<String>> {
    values(value)?.into_iter().map(|id| is_id(&id).then_some(id)).collect()
}

fn tokens(value: &str, definition: &Definition) -> Option<Vec<TokenValue>> {
    let boolean = definition.parameter == Parameter::ACTIVE;
    let read = |one: &str| {
        let mut parts = split(one, '|');
        let (first, second) = (parts.next()?, parts.next());
        let first = unescaped(first)?;
        match second {
            _ if parts.next().is_some() => None,
            None if boolean && !matches!(first.as_str(), "true" | "false") => None,
            None => Some(TokenValue::Code(folded_hash(&first))),
            Some(_) if boolean => None,
            Some("") if first.is_empty() => None,
            Some("") => Some(TokenValue::System(system_hash(&first))),
            Some(code) => Some(TokenValue::Coding(system_hash(&first), folded_hash(&unescaped(code)?))),
        }
    };
    split(value, ',').map(|one| if one.is_empty() { None } else { read(one) }).collect()
}

/// search.html#reference: `id`, `Type/id`, an absolute URL.
fn references(value: &str, targets: &[&str], base: &str) -> Option<Vec<TokenValue>> {
    let mut read = Vec::new();
    for one in values(value)? {
        let ours =
            Some(one.as_str()).filter(|_| !base.is_empty()).and_then(|one| one.strip_prefix(base)?.strip_prefix('/'));
        let literal = ours.unwrap_or(&one);
        if is_id(literal) && ours.is_none() {
            if targets.is_empty() {
                return None;
            }
            let types = targets.iter().filter_map(|name| ResourceType::parse(name));
            read.extend(types.map(|resource_type| TokenValue::Coding(0, reference_hash(resource_type, literal))));
        } else if matches!(Literal::parse(literal), Literal::Contained | Literal::Other) {
            return None;
        } else {
            // Something of another type cannot be referred to here: it matches nothing.
            read.extend(target_hash(literal, targets).map(|code| TokenValue::Coding(0, code)));
        }
    }
    Some(read)
}

/// The values of an OR list, unescaped; `None` when one is empty or wrongly escaped.
fn values(value: &str) -> Option<Vec<String>> {
    split(value, ',').map(|one| unescaped(one).filter(|one| !one.is_empty())).collect()
}

/// Splits at a separator that no `\` stands before (search.html#escaping).
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut escaped = false;
    text.split(move |c| {
        let here = c == separator && !escaped;
        escaped = c == '\\' && !escaped;
        here
    })
}

fn unescaped(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        out.push(match c {
            '\\' => characters.next().filter(|c| matches!(c, ',' | '|' | '$' | '\\'))?,
            c => c,
        });
    }
    Some(out)
}

/// Percent-decoding of a form (URL standard, application/x-www-form-urlencoded).
fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                (high * 16 + low) as u8
            }
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}

/// A parameter's name as an issue may show it: what the caller typed may be anything, so no digits, no numbers of people.
fn shown(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphabetic() || "_-:.".contains(*c)).take(64).collect()
}

/// Percent-encoded as RFC 3986 section 2.3 asks for.
fn encoded(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~:,/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests;
