//! One answer beside its question: its type, the options, the value set, its length (questionnaire.html#Questionnaire.item).

use serde_json::Value;

use super::enabled::is_same;
use super::{Pair, Sheet, chosen, list, text};
use crate::terminology::Answer;
use crate::validate::path::Path;
use crate::validate::profile::problem::*;
use crate::validate::profile::walk::Walk;

/// The types of answers of each type of question. Of a choice with options those of the options.
fn types(question: &Value) -> Vec<&str> {
    let of_options = || {
        let mut types: Vec<&str> =
            list(question, "answerOption").iter().filter_map(|one| Some(chosen(one, "value")?.0)).collect();
        if types.is_empty() {
            types.push("Coding");
        }
        types
    };
    match text(question, "type") {
        "boolean" => vec!["Boolean"],
        "decimal" => vec!["Decimal", "Integer"],
        "integer" => vec!["Integer"],
        "date" => vec!["Date"],
        "dateTime" => vec!["DateTime", "Date"],
        "time" => vec!["Time"],
        "string" | "text" => vec!["String"],
        "url" => vec!["Uri"],
        "choice" => of_options(),
        "open-choice" => of_options().into_iter().chain(["String"]).collect(),
        "attachment" => vec!["Attachment"],
        "reference" => vec!["Reference"],
        "quantity" => vec!["Quantity"],
        _ => Vec::new(),
    }
}

impl<'w> Walk<'w> {
    /// What is answered beside what is asked.
    pub(super) fn answer(&mut self, sheet: &Sheet<'_>, pair: Pair<'_>, path: &Path<'_>) {
        let options = list(pair.asked, "answerOption");
        let Some((kind, value)) = chosen(pair.given, "value").filter(|_| self.goes_on(options.len() + 1)) else {
            return;
        };
        let types = types(pair.asked);
        let place = path.member("value");
        if !types.contains(&kind) {
            return self.add(&ANSWER_TYPE, None, &place, || (types.join(", "), kind.to_owned()));
        }
        if let (Some(most), Some(given)) = (pair.asked.get("maxLength").and_then(Value::as_u64), value.as_str())
            && given.chars().count() as u64 > most
        {
            self.add(&LENGTH, None, &place, || (most.to_string(), given.chars().count().to_string()));
        }
        // What is written freely need be none of the options.
        if text(pair.asked, "type") == "open-choice" && kind == "String" {
            return;
        }
        let is_option = |option: &Value| chosen(option, "value").is_some_and(|(_, option)| is_same(value, option));
        if !options.is_empty() && !options.iter().any(is_option) {
            self.add(&ANSWER_OPTION, None, &place, || (options.len().to_string(), String::new()));
        }
        if kind == "Coding" {
            self.of_value_set(sheet, pair.asked, value, &place);
        }
    }

    fn of_value_set(&mut self, sheet: &Sheet<'_>, question: &Value, coding: &Value, path: &Path<'_>) {
        let canonical = text(question, "answerValueSet");
        let (system, code) = (text(coding, "system"), text(coding, "code"));
        if canonical.is_empty() {
            return;
        }
        let is_in = match canonical.strip_prefix('#') {
            Some(id) => {
                let found = sheet.contained.get(id).copied();
                if !self.goes_on(found.map_or(0, concepts)) {
                    return;
                }
                found.and_then(|one| listed(one, system, code))
            }
            None => match self.profiles.codes_of(canonical).has(Some(system), code) {
                Answer::In => Some(true),
                Answer::Out => Some(false),
                Answer::Unknown(_) => None,
            },
        };
        match is_in {
            Some(true) => {}
            Some(false) => self.add(&BINDING, None, path, || (canonical.to_owned(), String::new())),
            None => self.tell(&NO_TERMINOLOGY, None, path, canonical),
        }
    }
}

/// How many codes a ValueSet lists.
fn concepts(value_set: &Value) -> usize {
    let includes = value_set.get("compose").map_or(&[][..], |compose| list(compose, "include"));
    includes.iter().map(|include| 1 + list(include, "concept").len()).sum()
}

/// Whether a ValueSet that lists its codes has this one; `None` for one that does not list them.
fn listed(value_set: &Value, system: &str, code: &str) -> Option<bool> {
    let includes = list(value_set.get("compose")?, "include");
    let is_listed = |include: &Value| include.get("concept").is_some() && include.get("filter").is_none();
    let has = |include: &Value| {
        text(include, "system") == system
            && list(include, "concept").iter().any(|concept| text(concept, "code") == code)
    };
    match includes.iter().any(has) {
        true => Some(true),
        false => includes.iter().all(is_listed).then_some(false),
    }
}
