//! Queries as a client writes them.

use super::asked::{Ask, How, Logic, Wish};
use crate::search::query::encoded;

/// `name=value`, percent-encoded.
pub(super) fn in_url(ask: &Ask) -> String {
    let (name, value) = pair(ask);
    format!("{}={}", encoded(&name), encoded(&value))
}

fn pair(ask: &Ask) -> (String, String) {
    match ask {
        Ask::Id(not, ids) => (format!("_id{}", if *not { ":not" } else { "" }), ids.join(",")),
        Ask::Updated(wishes) => ("_lastUpdated".into(), list(wishes)),
        Ask::Missing(of, missing) => (format!("{}:missing", of.name), missing.to_string()),
        Ask::Any { of, how, not, wishes } => {
            let modifier = match (how, not) {
                (How::Plain, false) => String::new(),
                (How::Plain, true) => ":not".into(),
                (How::Exact, _) => ":exact".into(),
                (How::Contains, _) => ":contains".into(),
                (How::Text, _) => ":text".into(),
                (How::In, false) => ":in".into(),
                (How::In, true) => ":not-in".into(),
                (How::Above, _) => ":above".into(),
                (How::Below, _) => ":below".into(),
                (How::OfType, _) => ":of-type".into(),
                (How::Identifier, _) => ":identifier".into(),
                (How::Type(only), _) => format!(":{only}"),
            };
            (format!("{}{modifier}", of.name), list(wishes))
        }
        Ask::Chain { by, only, inner } => {
            // What is asked of each type is the same, in the same words.
            let (name, value) = inner.first().map(|(_, ask)| pair(ask)).unwrap_or_default();
            let only = only.map(|only| format!(":{only}")).unwrap_or_default();
            (format!("{}{only}.{name}", by.name), value)
        }
        Ask::Has { of, by, inner } => {
            let (name, value) = pair(inner);
            (format!("_has:{of}:{}:{name}", by.name), value)
        }
        Ask::List => ("_list".into(), "list".into()),
        Ask::Narrative(words) => ("_text".into(), (*words).into()),
        Ask::Filter(logic) => ("_filter".into(), filter(logic)),
    }
}

fn list(wishes: &[Wish]) -> String {
    wishes.iter().map(value).collect::<Vec<_>>().join(",")
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        if matches!(c, ',' | '|' | '$' | '\\') {
            out.push('\\');
        }
        out.push(c);
        out
    })
}

fn value(wish: &Wish) -> String {
    match wish {
        Wish::Token(None, code) => escaped(code.as_deref().unwrap_or_default()),
        Wish::Token(Some(system), code) => {
            format!("{}|{}", escaped(system), escaped(code.as_deref().unwrap_or_default()))
        }
        Wish::Words(text) | Wish::Reference(text) => escaped(text),
        // A canonical's version is written as it is.
        Wish::Uri(text) => text.clone(),
        Wish::Compared(prefix, text) => format!("{prefix}{text}"),
        Wish::Quantity(prefix, text, None) => format!("{prefix}{text}"),
        Wish::Quantity(prefix, text, Some((system, code))) => {
            format!("{prefix}{text}|{}|{}", escaped(system), escaped(code))
        }
        Wish::OfType(parts) => parts.iter().map(|part| escaped(part)).collect::<Vec<_>>().join("|"),
        Wish::Composite(wishes) => wishes.iter().map(value).collect::<Vec<_>>().join("$"),
        Wish::Near(latitude, kilometres) => format!("{latitude}|139.0|{kilometres}|km"),
    }
}

fn filter(logic: &Logic) -> String {
    match logic {
        Logic::One { of, operator, wish } => {
            // The operator is the prefix; a string is taken as it stands.
            let value = match wish {
                Wish::Words(text) => text.clone(),
                Wish::Compared(_, text) | Wish::Quantity(_, text, None) => text.clone(),
                Wish::Quantity(_, text, unit) => value(&Wish::Quantity("", text.clone(), unit.clone())),
                other => value(other),
            };
            format!("{} {operator} {}", of.name, serde_json::Value::from(value))
        }
        Logic::Present(of, present) => format!("{} pr {present}", of.name),
        Logic::Not(inner) => format!("not ({})", filter(inner)),
        Logic::Joined(left, and, right) => {
            format!("({}) {} ({})", filter(left), if *and { "and" } else { "or" }, filter(right))
        }
    }
}
