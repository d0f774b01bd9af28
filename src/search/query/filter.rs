//! `_filter` (R4 search_filter.html): comparisons joined by `and`, `or`, `not` and parentheses, read from left to right.

use crate::fault::Issue;
use crate::fhir::ResourceType;
use crate::search::definition::{Definition, Kind};

use super::condition::{self, Condition};
use super::rule::{self, issue, past};
use super::wanted::{Form, Modifier, Prefix, StringHow, StringWanted, Wanted};
use super::{FILTER_DEPTH_MAX, Server};

const NAME: &str = "_filter";

/// Reads a filter on resources of a type.
pub(super) fn read<'d>(
    server: Server<'d>,
    resource_type: ResourceType,
    text: &str,
    depth: usize,
) -> Result<Condition<'d>, Issue> {
    let mut reader = Reader { server, resource_type, rest: text.trim(), depth };
    let condition = reader.joined(0)?;
    if reader.rest.is_empty() { Ok(condition) } else { Err(wrong()) }
}

fn wrong() -> Issue {
    issue(&rule::VALUE, NAME)
}

struct Reader<'a, 'd> {
    server: Server<'d>,
    resource_type: ResourceType,
    rest: &'a str,
    depth: usize,
}

impl<'a, 'd> Reader<'a, 'd> {
    fn joined(&mut self, nested: usize) -> Result<Condition<'d>, Issue> {
        if nested > FILTER_DEPTH_MAX {
            return Err(past(&rule::TOO_LONG, FILTER_DEPTH_MAX));
        }
        let mut left = self.one(nested)?;
        loop {
            left = if self.take("and") {
                Condition::All(vec![left, self.one(nested)?])
            } else if self.take("or") {
                Condition::Any(vec![left, self.one(nested)?])
            } else {
                return Ok(left);
            }
        }
    }

    fn one(&mut self, nested: usize) -> Result<Condition<'d>, Issue> {
        if self.take("not") {
            return Ok(Condition::Not(Box::new(self.enclosed(nested)?)));
        }
        if self.rest.starts_with('(') { self.enclosed(nested) } else { self.comparison() }
    }

    fn enclosed(&mut self, nested: usize) -> Result<Condition<'d>, Issue> {
        self.rest = self.rest.strip_prefix('(').ok_or_else(wrong)?.trim_start();
        let inner = self.joined(nested + 1)?;
        self.rest = self.rest.strip_prefix(')').ok_or_else(wrong)?.trim_start();
        Ok(inner)
    }

    /// A word of the language, when it stands here.
    fn take(&mut self, word: &str) -> bool {
        let rest = self.rest.strip_prefix(word).filter(|rest| rest.starts_with([' ', '(']));
        rest.map(|rest| self.rest = rest.trim_start()).is_some()
    }

    /// `path op value`
    fn comparison(&mut self) -> Result<Condition<'d>, Issue> {
        let path = self.word().ok_or_else(wrong)?;
        let operator = self.word().ok_or_else(wrong)?;
        let value = self.value().ok_or_else(wrong)?;
        compared(self.server, self.resource_type, path, operator, &value, self.depth)
    }

    fn word(&mut self) -> Option<&'a str> {
        let (word, rest) = self.rest.split_at(self.rest.find(' ')?);
        self.rest = rest.trim_start();
        (!word.is_empty()).then_some(word)
    }

    /// A JSON string, or whatever stands before white space or a parenthesis.
    fn value(&mut self) -> Option<String> {
        if self.rest.starts_with('"') {
            let mut read = serde_json::Deserializer::from_str(self.rest).into_iter::<String>();
            let value = read.next()?.ok()?;
            self.rest = self.rest.get(read.byte_offset()..)?.trim_start();
            return Some(value);
        }
        let (value, rest) = self.rest.split_at(self.rest.find([' ', ')']).unwrap_or(self.rest.len()));
        self.rest = rest.trim_start();
        (!value.is_empty()).then(|| value.to_owned())
    }
}

fn compared<'d>(
    server: Server<'d>,
    resource_type: ResourceType,
    path: &str,
    operator: &str,
    value: &str,
    depth: usize,
) -> Result<Condition<'d>, Issue> {
    let unknown = || issue(&rule::UNKNOWN, path);
    if let Some((first, rest)) = path.split_once('.') {
        let (code, only) = first.split_once(':').map_or((first, None), |(code, only)| (code, Some(only)));
        let only = only.map(|only| ResourceType::parse(only).ok_or_else(unknown)).transpose()?;
        let definition = server.definitions.find(resource_type, code).ok_or_else(unknown)?;
        let read = |target| compared(server, target, rest, operator, value, depth + 1);
        return condition::over(server, definition, only, path, depth, &read);
    }
    if let "_id" | "_lastUpdated" = path {
        return Condition::read(server, resource_type, path, &prefixed(path, operator, value)?, depth).map(
            |condition| if (path, operator) == ("_id", "ne") { Condition::Not(Box::new(condition)) } else { condition },
        );
    }
    let definition = server.definitions.find(resource_type, path).ok_or_else(unknown)?;
    if operator == "pr" {
        return match value {
            "true" => Ok(Condition::missing(definition, path, false)),
            "false" => Ok(Condition::missing(definition, path, true)),
            _ => Err(wrong()),
        };
    }
    let wanted = wanted(definition, operator, value, server)?;
    let condition = Condition::among(server, definition, path, vec![wanted], false);
    let negated = operator == "ne" && !matches!(definition.kind, Kind::Date | Kind::Number | Kind::Quantity);
    Ok(if negated { Condition::Not(Box::new(condition)) } else { condition })
}

/// The value with the operator as its prefix, as a parameter takes it.
fn prefixed(path: &str, operator: &str, value: &str) -> Result<String, Issue> {
    match (path, operator) {
        ("_id", "eq" | "ne") => Ok(value.to_owned()),
        ("_lastUpdated", "eq" | "ne" | "gt" | "lt" | "ge" | "le" | "sa" | "eb" | "ap") => {
            Ok(format!("{operator}{value}"))
        }
        _ => Err(wrong()),
    }
}

fn wanted(definition: &Definition, operator: &str, value: &str, server: Server<'_>) -> Result<Wanted, Issue> {
    let form = Form::of(definition);
    let string = |how| Some(Wanted::String(StringWanted::new(value, how)));
    let read = |value: &str, modifier| form.read(value, modifier, server);
    let found = match (definition.kind, operator) {
        (Kind::Date | Kind::Number | Kind::Quantity, "eq" | "ne" | "gt" | "lt" | "ge" | "le" | "sa" | "eb" | "ap") => {
            read(&format!("{operator}{value}"), None)
        }
        // Overlapping, without anything to both sides of it.
        (Kind::Date, "po") => read(&format!("eq{value}"), None).map(|wanted| match wanted {
            Wanted::Date(mut date) => {
                date.prefix = Prefix::Ap;
                Wanted::Date(date)
            }
            other => other,
        }),
        (Kind::String, "eq" | "ne") => string(StringHow::Whole),
        (Kind::String, "co") => string(StringHow::Anywhere),
        (Kind::String, "sw") => string(StringHow::Start),
        (Kind::String, "ew") => string(StringHow::End),
        (Kind::Token, "eq" | "ne") | (Kind::Reference, "eq" | "ne" | "re") | (Kind::Uri, "eq" | "ne") => {
            read(value, None)
        }
        (Kind::Token, "in") => read(value, Some(Modifier::In)),
        (Kind::Token | Kind::Uri, "ss") => read(value, Some(Modifier::Below)),
        (Kind::Token | Kind::Uri, "sb") => read(value, Some(Modifier::Above)),
        _ => None,
    };
    found.ok_or_else(wrong)
}
