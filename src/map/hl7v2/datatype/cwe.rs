//! CWE, CE, CNE and IS/ID codes (HL7 v2.5 2A.13) to CodeableConcept and Coding.

use std::borrow::Cow;

use crate::decode::hl7v2::Value;
use crate::fhir::Writer;
use crate::map::hl7v2::coding_system;
use crate::map::{Coding, Output};

/// The triplets of a CWE: code, display, table, version.
const TRIPLETS: [(u16, u16, u16, u16); 2] = [(1, 2, 3, 7), (4, 5, 6, 8)];

/// Writes a CodeableConcept member; nothing when the value is empty. `table` is the field's own table, used where the
/// sender names none; empty when the field has none.
pub fn concept(w: &mut Writer, name: &str, value: Value<'_>, table: &str, out: &mut Output) {
    w.object(name, |w| members(w, value, table, out));
}

/// Writes a CodeableConcept as an item of an array.
pub fn concept_item(w: &mut Writer, value: Value<'_>, table: &str, out: &mut Output) {
    w.item(|w| members(w, value, table, out));
}

/// Writes `coding` and `text` into a CodeableConcept.
pub fn members(w: &mut Writer, value: Value<'_>, table: &str, out: &mut Output) {
    w.array("coding", |w| codings(w, value, table, out));
    w.string("text", &text(value));
}

/// Writes the Codings as items of `coding`.
pub fn codings(w: &mut Writer, value: Value<'_>, table: &str, out: &mut Output) {
    codings_of(w, &[value], table, out);
}

/// Writes the Codings of values that say the same thing in several systems; a code that comes again is written once.
pub fn codings_of(w: &mut Writer, values: &[Value<'_>], table: &str, out: &mut Output) {
    let mut all: Vec<Coding<'_>> = Vec::with_capacity(2);
    for value in values {
        for coding in stated(*value, table, out) {
            if !all.iter().any(|other| other.system == coding.system && other.code == coding.code) {
                all.push(coding);
            }
        }
    }
    if let Some(first) = values.first() {
        out.codings(w, &all, &first.place());
    }
}

fn stated<'m>(value: Value<'m>, table: &str, out: &mut Output) -> Vec<Coding<'m>> {
    let mut stated = Vec::with_capacity(2);
    for (code, display, system, version) in TRIPLETS {
        // Components of a CWE have no parts: an `&` in them was not escaped, or marks a suffix (section 7.2.4).
        let code = value.component(code).whole_text();
        let code = single_spaced(trimmed(code));
        if code.is_empty() {
            continue;
        }
        let named = value.component(system).text();
        let named = if named.trim().is_empty() { table } else { named.trim() };
        if coding_system::is_filler(named, &code) {
            out.issue_with(&coding_system::FILLER_CODE, value.place(), named);
            continue;
        }
        let resolved = coding_system::resolve(named, &code, &value.place(), &out.facility);
        if let Some(rule) = resolved.issue {
            out.issue_with(rule, value.place(), named);
        }
        stated.push(Coding {
            system: resolved.uri,
            version: trimmed(value.component(version).text()),
            code,
            display: trimmed(value.component(display).whole_text()),
            table: Cow::Owned(named.to_owned()),
        });
    }
    stated
}

/// A FHIR code has single spaces inside (datatypes.html#code); names sent in its place need not.
fn single_spaced(code: Cow<'_, str>) -> Cow<'_, str> {
    let is_single = !code.contains("  ") && !code.contains(|c: char| c.is_whitespace() && c != ' ');
    if is_single { code } else { Cow::Owned(code.split_whitespace().collect::<Vec<_>>().join(" ")) }
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

/// The text a person reads: CWE.9, else the display, else the alternate display.
pub fn text(value: Value<'_>) -> String {
    let mut texts = [9, 2, 5].into_iter().map(|number| value.component(number).whole_text().trim().to_owned());
    texts.find(|t| !t.is_empty()).unwrap_or_default()
}

/// The code alone: CWE.1, else CWE.4.
pub fn code(value: Value<'_>) -> String {
    let mut codes = [1, 4].into_iter().map(|number| value.component(number).whole_text().trim().to_owned());
    codes.find(|c| !c.is_empty()).unwrap_or_default()
}
