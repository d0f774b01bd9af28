//! Codes beside the value sets that a profile binds elements to (terminologies.html#strength).

use serde_json::Value;

use super::problem::*;
use super::spot::Spot;
use super::value::found;
use super::walk::{At, Walk};
use crate::profile::{Binding, Strength};
use crate::terminology::{Answer, ValueSet};
use crate::validate::path::Path;

/// A value set with no more codes than this is spelled out.
const CODES_SHOWN_MAX: usize = 16;

impl<'w> Walk<'w> {
    pub(super) fn bound(&mut self, at: At<'w>, binding: &'w Binding, spot: Spot<'w>, path: &Path<'_>) {
        if spot.value.is_none() || (self.is_trial() && binding.strength != Strength::Required) {
            return;
        }
        if let Some(max) = binding.max.as_deref().filter(|_| has_code(spot)) {
            self.bound(at, max, spot, path);
        }
        let codes = self.profiles.codes(binding);
        let answer = match has_code(spot) {
            true => answer(codes, spot),
            // Text alone will do where no code fits; where one is required, an extension must say why there is none.
            false => match binding.strength {
                Strength::Required if spot.value.is_some_and(|value| value.get("extension").is_none()) => Answer::Out,
                _ => return,
            },
        };
        let rule = match (answer, binding.strength) {
            (Answer::In, _) | (Answer::Unknown(_), Strength::Preferred) => return,
            (Answer::Unknown(what), _) => return self.tell(&NO_TERMINOLOGY, Some(at), path, what),
            (Answer::Out, Strength::Required) => &BINDING,
            (Answer::Out, Strength::Extensible) => &EXTENSIBLE,
            (Answer::Out, Strength::Preferred) => &PREFERRED,
        };
        self.add(rule, Some(at), path, || (expected(binding, codes), found(spot)));
    }
}

fn expected(binding: &Binding, codes: &ValueSet) -> String {
    match codes.listed(CODES_SHOWN_MAX) {
        Some(listed) => format!("{} ({})", binding.value_set, listed.join(", ")),
        None => binding.value_set.to_string(),
    }
}

fn codings<'w>(spot: Spot<'w>) -> impl Iterator<Item = &'w Value> {
    spot.value.and_then(|value| value.get("coding")?.as_array()).into_iter().flatten()
}

fn has_code(spot: Spot<'_>) -> bool {
    match spot.type_name {
        "CodeableConcept" => codings(spot).any(|coding| coding.get("code").is_some()),
        "Coding" | "Quantity" => spot.text("code").is_some(),
        _ => true,
    }
}

/// Whether a code, Coding, CodeableConcept or Quantity is of a value set.
pub(super) fn answer<'c>(codes: &'c ValueSet, spot: Spot<'_>) -> Answer<'c> {
    let of_coding = |value: &Value| {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        text("code").map_or(Answer::Out, |code| codes.has(Some(text("system").unwrap_or_default()), code))
    };
    match (spot.type_name, spot.value) {
        (_, None) => Answer::Out,
        (_, Some(Value::String(code))) => codes.has(None, code),
        ("CodeableConcept", _) => {
            let mut found = Answer::Out;
            for coding in codings(spot) {
                match of_coding(coding) {
                    Answer::In => return Answer::In,
                    Answer::Out => {}
                    unknown => found = unknown,
                }
            }
            found
        }
        (_, Some(value)) => of_coding(value),
    }
}
