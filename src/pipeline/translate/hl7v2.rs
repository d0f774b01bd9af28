//! HL7 v2 messages to changes.

use super::{Given, Translation};
use crate::decode::ssmix2::{self, Naming};
use crate::decode::{charset, hl7v2};
use crate::fault::{Fault, Noted};
use crate::fhir::PatientKey;
use crate::map::{self, Known};

pub(super) fn translate(
    given: Given<'_>,
    known: impl FnOnce(PatientKey) -> Result<Known, Fault>,
) -> Result<Translation, Fault> {
    let Given { letter, id, book } = given;
    let text = charset::decode(&letter.bytes);
    let mut issues = text.issues;
    let name = match ssmix2::naming(&letter.name) {
        Naming::Misnamed(issue) => return Ok(Err(vec![issue])),
        Naming::Other => None,
        Naming::Named(noted) => {
            issues.extend(noted.issues);
            Some(noted.value)
        }
    };
    let message = match hl7v2::Message::parse(&text.value) {
        Ok(message) => message,
        Err(issue) => return Ok(Err(vec![issue])),
    };
    issues.extend(message.issues);
    let message = message.value;
    let known = match map::hl7v2::record(&message, &letter.source) {
        // Only visits are mapped differently for what is known already.
        Some(patient) if map::hl7v2::needs_known(&message) => known(patient)?,
        _ => Known::default(),
    };
    let context = map::hl7v2::Context { source: &letter.source, name: name.as_ref(), letter: id, known: &known, book };
    Ok(match map::hl7v2::map(&message, context) {
        Err(issue) => Err(vec![issue]),
        Ok(mapped) => {
            issues.extend(mapped.issues);
            Ok(Noted { value: mapped.value, issues })
        }
    })
}
