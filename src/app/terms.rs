//! Places in the sender's own terms: what is wrong with an element that a message was mapped to is told at the field from which
//! the element came, as far as that is found in time. Found out once, when the letter is held or refused; its receipt keeps it.

use std::sync::Arc;

use crate::codes::Book;
use crate::decode::format::{Format, sniff};
use crate::explain::{Subject, is_within, origins};
use crate::fault::{Fault, Finding};
use crate::letter::Letter;
use crate::map::Known;

/// How often a message is converted to find out, at most; a longer one is answered with the elements' own places.
const CONVERSIONS_MAX: usize = 500;

/// An element of a resource that a message makes.
struct Element {
    /// Which of the findings it is about.
    finding: usize,
    /// `Type/id`
    reference: String,
    /// `Type.element`, choices by their JSON names.
    path: String,
}

/// Puts the fields of an HL7 v2 message in the place of the elements that they were mapped to; the sentences go on to say which
/// those are. What no field said stays as it is.
pub(super) fn in_senders_terms(letter: &Letter, book: &Arc<Book>, findings: &mut [Finding]) -> Result<(), Fault> {
    let element = |(at, one): (usize, &Finding)| Element::of(at, &one.place);
    let wanted: Vec<Element> = findings.iter().enumerate().filter_map(element).collect();
    if wanted.is_empty() || sniff(&letter.name, &letter.bytes) != Some(Format::Hl7v2) {
        return Ok(());
    }
    let known = Known::default();
    let subject = Subject { letter, book, known: &known, conversions_max: CONVERSIONS_MAX };
    let is_wanted = |reference: &str, element: &str| wanted.iter().any(|one| one.has(reference, element));
    let Ok(found) = origins(subject, is_wanted)? else { return Ok(()) };
    for one in &wanted {
        let mut fields = found.iter().filter(|origin| one.has(&origin.reference, &origin.element)).peekable();
        let first = fields.peek().copied();
        let Some(origin) = fields.find(|origin| origin.is_copied).or(first) else { continue };
        if let Some(finding) = findings.get_mut(one.finding) {
            finding.en.push_str(&format!(" [{}]", one.path));
            finding.ja.push_str(&format!(" [{}]", one.path));
            finding.place = origin.field.place.to_string();
        }
    }
    Ok(())
}

impl Element {
    /// Of a place as a check of what was mapped gives it: `Observation.value.ofType(Quantity).code (Observation/id)`.
    fn of(finding: usize, place: &str) -> Option<Self> {
        let (path, rest) = place.rsplit_once(" (")?;
        let reference = rest.strip_suffix(')').filter(|reference| reference.contains('/'))?.to_owned();
        let mut parts = path.split(".ofType(");
        let mut path = parts.next()?.to_owned();
        for part in parts {
            let (of, rest) = part.split_once(')')?;
            let mut letters = of.chars();
            path.extend(letters.next().map(|first| first.to_ascii_uppercase()));
            path.push_str(letters.as_str());
            path.push_str(rest);
        }
        Some(Element { finding, reference, path })
    }

    fn has(&self, reference: &str, element: &str) -> bool {
        self.reference == reference && is_within(&self.path, reference, element)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_named_as_json_names_it() {
        for (place, wanted) in [
            ("Patient.gender (Patient/a)", Some(("Patient/a", "Patient.gender"))),
            (
                "Observation.component[1].value.ofType(Quantity).code (Observation/b)",
                Some(("Observation/b", "Observation.component[1].valueQuantity.code")),
            ),
            ("Condition.onset.ofType(dateTime) (Condition/c)", Some(("Condition/c", "Condition.onsetDateTime"))),
            ("PID-8", None),
            ("Bundle.entry[0].resource", None),
            ("Patient.x (line 2, column 1)", None),
            ("-", None),
        ] {
            let found = Element::of(0, place);
            let found = found.as_ref().map(|one| (one.reference.as_str(), one.path.as_str()));
            assert_eq!(found, wanted, "{place}");
        }
    }
}
