//! One thing that is expected of an answer, and whether it is so.

use regex::Regex;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::outcome::{Answer, Miss};
use super::vary::Scope;
use super::{bundle, json, mllp};
use crate::fhirpath::{Expression, Item, Nothing};

/// Longest excerpt of what was found, in characters.
const FOUND_CHARS_MAX: usize = 400;

/// One expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// The status is one of these.
    Status(Vec<StatusPattern>),
    /// So many answers of several have this status.
    Count(String, usize),
    /// A header, its name in small letters.
    Header(String, Pattern),
    /// The media type without parameters.
    ContentType(String),
    /// An OperationOutcome with an error.
    Outcome,
    /// No body.
    Empty,
    /// JSON as FHIR allows it.
    Sound,
    /// A Bundle of a type, and whether it keeps the rules of that type.
    Bundle(String, bool),
    /// A Bundle whose matches are the resources with these ids and no others.
    Found(Vec<String>),
    /// A FHIRPath expression that holds.
    True(String),
    /// What a FHIRPath expression comes to.
    Value(String, Pattern),
    /// Equals a kept body.
    Same(String),
    /// Holds this JSON.
    Contains(String),
    /// Holds what was sent.
    Sent,
    /// The text matches, or does not.
    Text(String, bool),
    /// A field of an HL7 v2 answer.
    Field(String, Pattern),
    /// Of the request: its method.
    Method(String),
    /// Reported, and no failure.
    Warning(Box<Check>),
}

/// A status, or a hundred of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusPattern(pub String);

/// What a text is to be. Placeholders in it are filled before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// There is one.
    Present,
    /// There is none.
    Absent,
    /// Equals.
    Equals(String),
    /// Does not equal.
    NotEquals(String),
    /// Is one of a list with commas.
    In(String),
    /// Is none of them.
    NotIn(String),
    /// Is a greater number, or later in the order of texts.
    Greater(String),
    /// Is a smaller one.
    Less(String),
    /// Has it in it.
    Contains(String),
    /// Has it not in it.
    NotContains(String),
    /// Matches a regular expression.
    Matches(String),
}

impl<'de> Deserialize<'de> for StatusPattern {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(u16),
            Text(String),
        }
        Ok(StatusPattern(match Either::deserialize(from)? {
            Either::Number(number) => number.to_string(),
            Either::Text(text) => text,
        }))
    }
}

impl StatusPattern {
    /// Whether a status is meant.
    pub fn takes(&self, status: u16) -> bool {
        let status = status.to_string();
        status == self.0 || (self.0.ends_with("xx") && status.len() == 3 && status[..1] == self.0[..1])
    }
}

impl Pattern {
    /// As a case writes it: `present`, `absent`, `~expression`, `!value`, or the value.
    pub fn of(text: &str) -> Pattern {
        match (text, text.split_at_checked(1)) {
            ("present", _) => Pattern::Present,
            ("absent", _) => Pattern::Absent,
            (_, Some(("~", rest))) => Pattern::Matches(rest.into()),
            (_, Some(("!", rest))) => Pattern::NotEquals(rest.into()),
            _ => Pattern::Equals(text.into()),
        }
    }

    /// Whether what was found is so; the other case says what was expected.
    fn judge(&self, found: Option<&str>, scope: &Scope) -> Result<(), String> {
        let fill = |text: &String| scope.fill(text).unwrap_or_else(|_| text.clone());
        let among = |list: &String, value: &str| fill(list).split(',').any(|one| one.trim() == value);
        let (well, wanted) = match (self, found) {
            (Pattern::Absent, found) => (found.is_none_or(str::is_empty), "nothing".into()),
            (Pattern::Present, found) => (found.is_some_and(|text| !text.is_empty()), "something".into()),
            (Pattern::NotEquals(value), found) => (found != Some(&fill(value)), format!("not {}", fill(value))),
            (Pattern::NotIn(list), found) => (found.is_none_or(|v| !among(list, v)), format!("none of {}", fill(list))),
            (Pattern::NotContains(part), found) => {
                (found.is_none_or(|v| !v.contains(&fill(part))), format!("nothing with {}", fill(part)))
            }
            (Pattern::Equals(value), found) => (found == Some(&fill(value)), fill(value)),
            (Pattern::In(list), found) => (found.is_some_and(|v| among(list, v)), format!("one of {}", fill(list))),
            (Pattern::Contains(part), found) => {
                (found.is_some_and(|v| v.contains(&fill(part))), format!("something with {}", fill(part)))
            }
            (Pattern::Greater(value), found) => {
                (found.is_some_and(|v| order(v, &fill(value)).is_gt()), format!("more than {}", fill(value)))
            }
            (Pattern::Less(value), found) => {
                (found.is_some_and(|v| order(v, &fill(value)).is_lt()), format!("less than {}", fill(value)))
            }
            (Pattern::Matches(expression), found) => {
                let expression = fill(expression);
                let regex = Regex::new(&expression).map_err(|error| error.to_string())?;
                (found.is_some_and(|v| regex.is_match(v)), format!("what matches {expression}"))
            }
        };
        if well { Ok(()) } else { Err(wanted) }
    }
}

fn order(left: &str, right: &str) -> std::cmp::Ordering {
    match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(left), Ok(right)) => left.total_cmp(&right),
        _ => left.cmp(right),
    }
}

/// What an answer is judged with.
pub(super) struct Judged<'a> {
    /// The answer.
    pub(super) answer: &'a Answer,
    /// Every answer, where the request was sent several times.
    pub(super) statuses: &'a [u16],
    /// The method of the request.
    pub(super) method: &'a str,
    /// What was sent.
    pub(super) sent: &'a str,
    /// The body as JSON, where it is.
    pub(super) json: Option<&'a Value>,
    /// What was kept before.
    pub(super) scope: &'a Scope,
}

impl Check {
    /// Whether it is so.
    pub(super) fn judge(&self, on: &Judged<'_>) -> Result<(), Miss> {
        let miss = |expected: String, found: String| Err(Miss { expected, found: shortened(&found) });
        match self {
            Check::Status(allowed) => {
                if allowed.iter().any(|one| one.takes(on.answer.status)) {
                    return Ok(());
                }
                let allowed: Vec<&str> = allowed.iter().map(|one| one.0.as_str()).collect();
                miss(format!("status {}", allowed.join(" or ")), format!("status {}", on.answer.status))
            }
            Check::Count(status, count) => {
                let pattern = StatusPattern(status.clone());
                let found = on.statuses.iter().filter(|status| pattern.takes(**status)).count();
                if found == *count {
                    return Ok(());
                }
                miss(format!("{count} of the answers have status {status}"), format!("statuses {:?}", on.statuses))
            }
            Check::Header(name, pattern) => of_pattern(&format!("header {name}"), pattern, on.answer.header(name), on),
            Check::ContentType(kind) => {
                let found = on.answer.header("content-type").unwrap_or_default();
                let bare = found.split(';').next().unwrap_or_default().trim();
                if bare.eq_ignore_ascii_case(kind) {
                    return Ok(());
                }
                miss(format!("Content-Type {kind}"), format!("Content-Type {found}"))
            }
            Check::Empty if on.answer.body.trim().is_empty() => Ok(()),
            Check::Empty => miss("no body".into(), on.answer.body.clone()),
            Check::Text(expression, wanted) => of_text(expression, *wanted, on),
            Check::Field(name, pattern) => of_pattern(name, pattern, mllp::field(&on.answer.body, name).as_deref(), on),
            Check::Method(method) if method.eq_ignore_ascii_case(on.method) => Ok(()),
            Check::Method(method) => miss(format!("the method {method}"), on.method.to_owned()),
            Check::Warning(check) => check.judge(on),
            _ => self.judge_json(on),
        }
    }

    /// Whether it is so of a body that must be JSON.
    fn judge_json(&self, on: &Judged<'_>) -> Result<(), Miss> {
        let miss = |expected: String, found: String| Err(Miss { expected, found: shortened(&found) });
        let Some(body) = on.json else {
            return miss(self.wanted(), format!("a body that is no JSON: {}", on.answer.body));
        };
        let fill = |text: &str| on.scope.fill(text).map_err(|missing| Miss { expected: self.wanted(), found: missing });
        let told = |wrong: Option<String>| match wrong {
            None => Ok(()),
            Some(wrong) => miss(self.wanted(), wrong),
        };
        match self {
            Check::Outcome => told(bundle::not_an_outcome(body)),
            Check::Sound => told(json::unsound(body)),
            Check::Bundle(kind, rules) => told(bundle::wrong(body, kind, *rules)),
            Check::Found(ids) => {
                let ids = ids.iter().map(|id| fill(id)).collect::<Result<Vec<_>, _>>()?;
                bundle::finds(body, &ids).or_else(|(expected, found)| miss(expected, found))
            }
            Check::True(expression) => {
                let filled =
                    on.scope.fill_expression(expression).map_err(|found| Miss { expected: self.wanted(), found })?;
                not_true(&filled, body).map_or(Ok(()), |found| miss(filled, found))
            }
            Check::Value(expression, pattern) => {
                let filled =
                    on.scope.fill_expression(expression).map_err(|found| Miss { expected: self.wanted(), found })?;
                let found = value_of(&filled, body).map_err(|found| Miss { expected: self.wanted(), found })?;
                of_pattern(&filled, pattern, found.as_deref(), on)
            }
            Check::Same(name) => {
                let kept = on.scope.get(name).unwrap_or_default();
                let kept: Value = serde_json::from_str(kept).unwrap_or_default();
                told(json::differs(&json::own(&kept), &json::own(body)))
            }
            Check::Contains(text) => {
                let part: Value = serde_json::from_str(&fill(text)?).unwrap_or_default();
                told(json::lacks(body, &part))
            }
            Check::Sent => {
                let sent: Value = serde_json::from_str(on.sent).unwrap_or_default();
                told(json::lacks(body, &json::own(&sent)))
            }
            _ => Ok(()),
        }
    }

    /// What is expected, in words.
    fn wanted(&self) -> String {
        match self {
            Check::Outcome => "an OperationOutcome with an issue of severity error or fatal".into(),
            Check::Sound => "JSON as FHIR has it: no null, empty text, object or list".into(),
            Check::Bundle(kind, false) => format!("a Bundle of type {kind}"),
            Check::Bundle(kind, true) => format!("a Bundle of type {kind}, in order"),
            Check::Found(ids) => format!("the matches {}", ids.join(", ")),
            Check::True(expression) => expression.clone(),
            Check::Value(expression, pattern) => format!("{expression}: {pattern:?}"),
            Check::Same(name) => format!("the same as {name} before"),
            Check::Contains(text) => format!("a body that holds {text}"),
            Check::Sent => "the body holds what was sent".into(),
            other => format!("{other:?}"),
        }
    }
}

fn of_pattern(what: &str, pattern: &Pattern, found: Option<&str>, on: &Judged<'_>) -> Result<(), Miss> {
    pattern.judge(found, on.scope).map_err(|wanted| Miss {
        expected: format!("{what}: {wanted}"),
        found: found.map_or_else(|| "nothing".into(), shortened),
    })
}

fn of_text(expression: &str, wanted: bool, on: &Judged<'_>) -> Result<(), Miss> {
    let what = if wanted { "matches" } else { "does not match" };
    let expected = format!("a text that {what} {expression}");
    let filled = on.scope.fill(expression).map_err(|found| Miss { expected: expected.clone(), found })?;
    let regex = Regex::new(&filled).map_err(|error| Miss { expected: expected.clone(), found: error.to_string() })?;
    if regex.is_match(&on.answer.body) == wanted {
        return Ok(());
    }
    Err(Miss { expected, found: shortened(&on.answer.body) })
}

/// What is wrong where an expression does not hold.
fn not_true(text: &str, body: &Value) -> Option<String> {
    let expression = match Expression::parse(text) {
        Ok(expression) => expression,
        Err(error) => return Some(format!("the expression cannot be read: {error}")),
    };
    match expression.is_true(Item::resource(body), &Nothing) {
        Ok(Some(true)) => None,
        Ok(Some(false)) => Some(left_of(text, body).unwrap_or_else(|| "it is false".into())),
        Ok(None) => Some("nothing there".into()),
        Err(error) => Some(format!("the expression cannot be evaluated: {error}")),
    }
}

/// Whether an expression can be read and holds.
pub(super) fn holds(text: &str, body: &Value) -> bool {
    let read = Expression::parse(text).ok();
    read.is_some_and(|expression| matches!(expression.is_true(Item::resource(body), &Nothing), Ok(Some(true))))
}

/// Of an expression that says that something equals something: what there is instead.
fn left_of(text: &str, body: &Value) -> Option<String> {
    let (left, right) = text.split_once(" = ")?;
    let plain =
        !right.contains(" and ") && !right.contains(" or ") && left.matches('(').count() == left.matches(')').count();
    value_of(left, body).ok().flatten().filter(|_| plain).map(|found| format!("{left} = {found}"))
}

/// The first item that an expression finds, as text.
pub(super) fn value_of(text: &str, body: &Value) -> Result<Option<String>, String> {
    let expression = Expression::parse(text).map_err(|error| error.to_string())?;
    let found = expression.evaluate(Item::resource(body), &Nothing).map_err(|error| error.to_string())?;
    Ok(found.first().and_then(|item| match item.to_text() {
        Some(text) => Some(text.into_owned()),
        None => item.json().map(Value::to_string),
    }))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(FOUND_CHARS_MAX) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let scope = Scope::new([("id".to_owned(), "7".to_owned())]);
        for (pattern, found, well) in [
            (Pattern::of("present"), Some("x"), true),
            (Pattern::of("present"), Some(""), false),
            (Pattern::of("absent"), None, true),
            (Pattern::of("absent"), Some("x"), false),
            (Pattern::of("W/\"{{id}}\""), Some("W/\"7\""), true),
            (Pattern::of("~^.{{id}}$"), Some("77"), true),
            (Pattern::of("~^.{{id}}$"), Some("78"), false),
            (Pattern::of("!{{id}}"), Some("7"), false),
            (Pattern::of("!{{id}}"), None, true),
            (Pattern::In("1, {{id}}".into()), Some("7"), true),
            (Pattern::NotIn("1,{{id}}".into()), Some("7"), false),
            (Pattern::Greater("9".into()), Some("10"), true),
            (Pattern::Less("9".into()), Some("10"), false),
            (Pattern::Contains("b".into()), Some("abc"), true),
            (Pattern::NotContains("b".into()), Some("abc"), false),
        ] {
            assert_eq!(pattern.judge(found, &scope).is_ok(), well, "{pattern:?} {found:?}");
        }
    }

    #[test]
    fn a_hundred_of_statuses() {
        let takes = |text: &str, status| StatusPattern(text.into()).takes(status);
        assert!(takes("2xx", 204) && takes("404", 404) && !takes("2xx", 304) && !takes("404", 400));
    }
}
