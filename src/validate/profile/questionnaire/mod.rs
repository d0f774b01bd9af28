//! A QuestionnaireResponse beside its Questionnaire (questionnaireresponse.html#link), where that one is contained in it, in
//! the same Bundle, or loaded: which questions there are, in which order, how often, which must be answered and with what.

mod answer;
mod enabled;

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use enabled::Given;

use super::problem::*;
use super::value::quotable;
use super::walk::Walk;
use crate::validate::DEPTH_ELEMENTS_MAX;
use crate::validate::path::Path;

/// What is the same for all items of a response.
struct Sheet<'v> {
    /// Whether everything that must be answered has been (status `completed` or `amended`).
    is_finished: bool,
    /// What is contained in the Questionnaire, else with it, by id.
    contained: HashMap<&'v str, &'v Value>,
    given: Given<'v>,
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
        let given = Given::of(response);
        // A Questionnaire that is contained itself has its ValueSets beside it.
        let both = [list(found, "contained"), list(response, "contained")];
        if !self.goes_on(given.count + both[0].len() + both[1].len()) {
            return;
        }
        let mut contained = HashMap::new();
        for one in both.into_iter().flatten() {
            contained.entry(text(one, "id")).or_insert(one);
        }
        let is_finished = matches!(text(response, "status"), "completed" | "amended");
        let sheet = Sheet { is_finished, contained, given };
        self.items(&sheet, Pair { asked: found, given: response }, &[response], path);
    }

    fn questionnaire_at_hand(&self, canonical: &str) -> Option<&'w Value> {
        if canonical.starts_with('#') {
            let is_questionnaire = |one: &&Value| text(one, "resourceType") == "Questionnaire";
            return self.resolved(canonical).filter(is_questionnaire);
        }
        self.entries.as_ref()?.questionnaire(canonical)
    }

    /// The items of a group, of an answer or of the whole beside what is asked there. `scope` is what they stand in, the
    /// response first.
    fn items<'v>(&mut self, sheet: &Sheet<'v>, pair: Pair<'v>, scope: &[&'v Value], path: &Path<'_>) {
        let (questions, items) = (list(pair.asked, "item"), list(pair.given, "item"));
        if scope.len() > DEPTH_ELEMENTS_MAX || !self.goes_on(questions.len() + items.len()) {
            return;
        }
        let mut numbers = HashMap::new();
        for (number, question) in questions.iter().enumerate() {
            numbers.entry(link(question)).or_insert(number);
        }
        let mut given: HashMap<&str, Vec<(usize, &Value)>> = HashMap::new();
        let place = path.member("item");
        let mut last = 0;
        for (at, item) in items.iter().enumerate() {
            given.entry(link(item)).or_default().push((at, item));
            let place = place.item(at);
            match numbers.get(link(item)) {
                None => self.add(&ITEM_UNKNOWN, None, &place.member("linkId"), || said(item)),
                Some(number) if *number < last => self.add(&ITEM_ORDER, None, &place, || said(item)),
                Some(number) => last = *number,
            }
        }
        // What is not answered would stand behind the answers to the questions before it.
        let mut behind = sheet.given.span(pair.given).0 + 1;
        for question in questions {
            let own = given.get(link(question)).map_or(&[][..], Vec::as_slice);
            if !self.goes_on(own.len()) {
                return;
            }
            self.question(sheet, question, own, scope, behind, &place);
            if let Some((_, last)) = own.last() {
                behind = sheet.given.span(last).1;
            }
        }
    }

    fn question<'v>(
        &mut self,
        sheet: &Sheet<'v>,
        question: &'v Value,
        own: &[(usize, &'v Value)],
        scope: &[&'v Value],
        behind: usize,
        place: &Path<'_>,
    ) {
        let kind = text(question, "type");
        if own.is_empty()
            && kind != "display"
            && sheet.is_finished
            && is_true(question, "required")
            && self.is_enabled(&sheet.given, question, scope, (behind, behind))
            && !self.is_over()
        {
            self.add(&ITEM_REQUIRED, None, place, || said(question));
        }
        for (nth, (at, item)) in own.iter().enumerate() {
            let place = place.item(*at);
            let is_enabled = self.is_enabled(&sheet.given, question, scope, sheet.given.span(item));
            if self.is_over() {
                return;
            }
            if !is_enabled {
                // An item that is not asked may stand there, without an answer (questionnaireresponse.html#link).
                if is_answered(item, 0) {
                    let rule = if sheet.is_finished { &ITEM_DISABLED } else { &ITEM_DISABLED_YET };
                    self.add(rule, None, &place, || said(item));
                }
                continue;
            }
            if nth > 0 && !(kind == "group" && is_true(question, "repeats")) {
                self.add(&ITEM_TWICE, None, &place, || said(item));
            }
            self.item(sheet, Pair { asked: question, given: item }, scope, &place);
        }
    }

    fn item<'v>(&mut self, sheet: &Sheet<'v>, pair: Pair<'v>, scope: &[&'v Value], path: &Path<'_>) {
        let inside: Vec<&Value> = scope.iter().copied().chain([pair.given]).collect();
        let answers = list(pair.given, "answer");
        let place = path.member("answer");
        let kind = text(pair.asked, "type");
        if matches!(kind, "group" | "display") {
            if !answers.is_empty() {
                self.add(&ITEM_NO_ANSWER, None, &place, || (kind.into(), String::new()));
            }
            if kind == "group" {
                self.items(sheet, pair, &inside, path);
            }
            return;
        }
        if pair.given.get("item").is_some() {
            self.add(&ITEM_MISPLACED, None, &path.member("item"), || said(pair.given));
        }
        if answers.is_empty() && sheet.is_finished && is_true(pair.asked, "required") {
            self.add(&ITEM_REQUIRED, None, &place, || said(pair.asked));
        }
        if answers.len() > 1 && !is_true(pair.asked, "repeats") {
            self.add(&ANSWERS_MAX, None, &place, || (String::new(), answers.len().to_string()));
        }
        for (at, answer) in answers.iter().enumerate() {
            let place = place.item(at);
            self.answer(sheet, Pair { asked: pair.asked, given: answer }, &place);
            self.items(sheet, Pair { asked: pair.asked, given: answer }, &inside, &place);
        }
    }
}

/// Whether there is an answer in an item, or in one that stands in it.
fn is_answered(item: &Value, depth: usize) -> bool {
    let is_inside = || list(item, "item").iter().any(|inner| is_answered(inner, depth + 1));
    !list(item, "answer").is_empty() || depth < DEPTH_ELEMENTS_MAX && is_inside()
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
