//! A QuestionnaireResponse beside its Questionnaire (questionnaireresponse.html#link), where that one is contained in it, in
//! the same Bundle, or loaded: which questions there are, in which order, how often, which must be answered and with what.

mod answer;
mod enabled;

use std::collections::HashSet;

use serde_json::Value;

use super::problem::*;
use super::value::quotable;
use super::walk::Walk;
use crate::validate::DEPTH_ELEMENTS_MAX;
use crate::validate::path::Path;

/// What is the same for all items of a response.
struct Sheet<'v> {
    /// Whether everything that must be answered has been (status `completed` or `amended`).
    is_finished: bool,
    /// What is contained in the Questionnaire, or with it.
    value_sets: [&'v [Value]; 2],
}

/// A question, or a group of them, with what was answered.
#[derive(Clone, Copy)]
struct Pair<'v> {
    asked: &'v Value,
    given: &'v Value,
}

impl<'w> Walk<'w> {
    /// A Questionnaire: what its conditions look at is a question of it, and another one.
    pub(super) fn questions(&mut self, questionnaire: &'w Value, path: &Path<'_>) {
        let mut known = HashSet::new();
        links(questionnaire, &mut known, 0);
        self.conditions(questionnaire, &known, path, 0);
    }

    fn conditions(&mut self, of: &'w Value, known: &HashSet<&str>, path: &Path<'_>, depth: usize) {
        let place = path.member("item");
        for (at, item) in list(of, "item").iter().enumerate().filter(|_| depth < DEPTH_ELEMENTS_MAX) {
            let place = place.item(at);
            let condition_place = place.member("enableWhen");
            for (at, condition) in list(item, "enableWhen").iter().enumerate() {
                let question = text(condition, "question");
                if question == link(item) || !known.contains(question) {
                    let place = condition_place.item(at);
                    let said = || (quotable(question).to_owned(), String::new());
                    self.add(&ITEM_TARGET, None, &place.member("question"), said);
                }
            }
            self.conditions(item, known, &place, depth + 1);
        }
    }

    /// A QuestionnaireResponse as a whole.
    pub(super) fn answered(&mut self, response: &'w Value, path: &Path<'_>) {
        let place = path.member("questionnaire");
        let Some(canonical) = response.get("questionnaire").and_then(Value::as_str) else {
            return self.tell(&QUESTIONNAIRE_UNKNOWN, None, path, "");
        };
        let loaded;
        let found = match self.questionnaire_at_hand(canonical) {
            Some(found) => found,
            None => match self.profiles.questionnaire(canonical, self.package) {
                Some(found) => {
                    loaded = found;
                    &loaded
                }
                None => return self.tell(&QUESTIONNAIRE_UNKNOWN, None, &place, canonical),
            },
        };
        let status = response.get("status").and_then(Value::as_str);
        // A Questionnaire that is contained itself has its ValueSets beside it.
        let value_sets = [list(found, "contained"), list(response, "contained")];
        let sheet = Sheet { is_finished: matches!(status, Some("completed" | "amended")), value_sets };
        self.items(&sheet, Pair { asked: found, given: response }, &[response], path);
    }

    fn questionnaire_at_hand(&self, canonical: &str) -> Option<&'w Value> {
        let (url, version) = canonical.split_once('|').map_or((canonical, None), |(url, version)| (url, Some(version)));
        let is_questionnaire = |one: &&Value| one.get("resourceType").and_then(Value::as_str) == Some("Questionnaire");
        if canonical.starts_with('#') {
            return self.resolved(canonical).filter(is_questionnaire);
        }
        let text = |one: &'w Value, name: &str| one.get(name).and_then(Value::as_str);
        let is_meant = |one: &&'w Value| {
            text(one, "url") == Some(url) && version.is_none_or(|version| text(one, "version") == Some(version))
        };
        self.entries.as_ref()?.resources().filter(is_questionnaire).find(is_meant)
    }

    /// The items of a group, of an answer or of the whole beside what is asked there. `scope` is what they stand in, the
    /// response first.
    fn items(&mut self, sheet: &Sheet<'_>, pair: Pair<'_>, scope: &[&Value], path: &Path<'_>) {
        if scope.len() > DEPTH_ELEMENTS_MAX || self.is_over() {
            return;
        }
        let (questions, items) = (list(pair.asked, "item"), list(pair.given, "item"));
        let place = path.member("item");
        let mut last = 0;
        for (at, item) in items.iter().enumerate() {
            let place = place.item(at);
            match questions.iter().position(|question| link(question) == link(item)) {
                None => self.add(&ITEM_UNKNOWN, None, &place.member("linkId"), || said(item)),
                Some(number) if number < last => self.add(&ITEM_ORDER, None, &place, || said(item)),
                Some(number) => last = number,
            }
        }
        for question in questions {
            let own: Vec<(usize, &Value)> =
                items.iter().enumerate().filter(|(_, item)| link(item) == link(question)).collect();
            self.question(sheet, question, &own, scope, &place);
        }
    }

    fn question(
        &mut self,
        sheet: &Sheet<'_>,
        question: &Value,
        own: &[(usize, &Value)],
        scope: &[&Value],
        place: &Path<'_>,
    ) {
        let is_enabled = enabled::is_enabled(question, scope);
        let kind = text(question, "type");
        if own.is_empty() && is_enabled && kind != "display" {
            self.unanswered(sheet, question, place);
        }
        for (nth, (at, item)) in own.iter().enumerate() {
            let place = place.item(*at);
            if !is_enabled {
                self.add(&ITEM_DISABLED, None, &place, || said(item));
                continue;
            }
            if nth > 0 && !(kind == "group" && is_true(question, "repeats")) {
                self.add(&ITEM_TWICE, None, &place, || said(item));
            }
            self.item(sheet, Pair { asked: question, given: item }, scope, &place);
        }
    }

    /// A question or group without an item, or without an answer.
    fn unanswered(&mut self, sheet: &Sheet<'_>, question: &Value, place: &Path<'_>) {
        if sheet.is_finished && is_true(question, "required") {
            self.add(&ITEM_REQUIRED, None, place, || said(question));
        }
    }

    fn item(&mut self, sheet: &Sheet<'_>, pair: Pair<'_>, scope: &[&Value], path: &Path<'_>) {
        let answers = list(pair.given, "answer");
        let place = path.member("answer");
        let kind = text(pair.asked, "type");
        if matches!(kind, "group" | "display") {
            if !answers.is_empty() {
                self.add(&ITEM_NO_ANSWER, None, &place, || (kind.into(), String::new()));
            }
            if kind == "group" {
                let scope: Vec<&Value> = scope.iter().copied().chain([pair.given]).collect();
                self.items(sheet, pair, &scope, path);
            }
            return;
        }
        if pair.given.get("item").is_some() {
            self.add(&ITEM_MISPLACED, None, &path.member("item"), || said(pair.given));
        }
        if answers.is_empty() {
            self.unanswered(sheet, pair.asked, &place);
        }
        if answers.len() > 1 && !is_true(pair.asked, "repeats") {
            self.add(&ANSWERS_MAX, None, &place, || (String::new(), answers.len().to_string()));
        }
        for (at, answer) in answers.iter().enumerate() {
            let place = place.item(at);
            self.answer(sheet, Pair { asked: pair.asked, given: answer }, &place);
            let scope: Vec<&Value> = scope.iter().copied().chain([answer]).collect();
            self.items(sheet, Pair { asked: pair.asked, given: answer }, &scope, &place);
        }
    }
}

/// The linkIds of everything that is asked.
fn links<'v>(of: &'v Value, out: &mut HashSet<&'v str>, depth: usize) {
    for item in list(of, "item").iter().filter(|_| depth < DEPTH_ELEMENTS_MAX) {
        out.insert(link(item));
        links(item, out, depth + 1);
    }
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice)
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn is_true(value: &Value, name: &str) -> bool {
    value.get(name) == Some(&Value::Bool(true))
}

fn link(item: &Value) -> &str {
    text(item, "linkId")
}

/// What is said of an item: its linkId.
fn said(item: &Value) -> (String, String) {
    (quotable(link(item)).to_owned(), String::new())
}

/// The member of a choice, by its name without `[x]`: what its type adds to the name, and the value.
fn chosen<'v>(value: &'v Value, stem: &str) -> Option<(&'v str, &'v Value)> {
    value.as_object()?.iter().find_map(|(name, value)| {
        let kind = name.strip_prefix(stem)?;
        kind.starts_with(|first: char| first.is_ascii_uppercase()).then_some((kind, value))
    })
}

#[cfg(test)]
mod tests;
