//! Whose letter it is, as far as the letter itself says: for senders that hand in for several facilities.

use std::sync::Arc;

use serde_json::Value;

use crate::decode::format::{Format, sniff};
use crate::decode::{container, hl7v2};
use crate::fhir::{FacilityCode, reference};
use crate::letter::Source;

/// Whose letter it is, of those that a sender sends for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose<'a> {
    /// This one's: it says so, or it says nothing and there is no other.
    Source(&'a Arc<Source>),
    /// It names a facility that the sender does not send for. To file it under another one's numbers would mix people up.
    Foreign,
    /// It does not say which of several.
    Unsaid,
}

/// Chooses between the facilities that a sender sends for by what the letter says. A patient in FHIR may carry the numbers
/// of other facilities too; a message that names another facility in MSH-4 is that one's.
pub fn whose<'a>(sources: &'a [Arc<Source>], name: &str, bytes: &[u8]) -> Whose<'a> {
    let named = facilities_named(name, bytes);
    let mut ours = sources.iter().filter(|source| named.contains(&source.facility));
    let (first, second) = (ours.next(), ours.next());
    let is_foreign =
        |code: &FacilityCode| code.is_insurance_institution() && !sources.iter().any(|source| source.facility == *code);
    let may_name_others = sniff(name, bytes) == Some(Format::FhirJson);
    if named.iter().any(is_foreign) && (first.is_none() || !may_name_others) {
        return Whose::Foreign;
    }
    match (first, second, sources) {
        (Some(one), None, _) => Whose::Source(one),
        (None, _, [only]) => Whose::Source(only),
        _ => Whose::Unsaid,
    }
}

/// The facilities that a letter names as its own: the root of the storage in a zip file; the first line of each record of
/// transaction storage; MSH-4 of each message; in FHIR
/// JSON the facilities whose patient numbers its Patients carry. Empty when it says nothing, each once otherwise.
fn facilities_named(name: &str, bytes: &[u8]) -> Vec<FacilityCode> {
    let mut named: Vec<FacilityCode> = match container::archive(name, bytes) {
        Some(Ok(container)) => {
            let parts = container.groups.iter().flatten();
            parts.flat_map(of_part).collect()
        }
        Some(Err(_)) => Vec::new(),
        None => match sniff(name, bytes) {
            Some(Format::Hl7v2) => of_message(bytes),
            Some(Format::FhirJson) => of_resource(bytes),
            _ => Vec::new(),
        },
    };
    let mut seen = Vec::new();
    named.retain(|code| {
        !seen.contains(code) && {
            seen.push(code.clone());
            true
        }
    });
    named
}

/// A message of a batch, or an entry of a zip file, which is not unpacked for this.
fn of_part(part: &container::Part<'_>) -> Vec<FacilityCode> {
    match (&part.facility, part.message()) {
        (Some(facility), _) => vec![facility.clone()],
        (None, message) => message.map(of_message).unwrap_or_default(),
    }
}

fn of_message(message: &[u8]) -> Vec<FacilityCode> {
    let named = hl7v2::Header::of(message).map(|header| header.facilities).unwrap_or_default();
    named.iter().map(|code| FacilityCode::parse(code)).collect()
}

fn of_resource(bytes: &[u8]) -> Vec<FacilityCode> {
    let resource: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let entries = resource.get("entry").and_then(Value::as_array).into_iter().flatten();
    let resources = entries.filter_map(|entry| entry.get("resource")).chain([&resource]);
    let patients = resources.filter(|resource| resource["resourceType"] == "Patient");
    patients.flat_map(reference::hospital_numbers).map(|(code, _)| code).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Vec<String> {
        facilities_named("", text.as_bytes()).iter().map(|code| code.as_str().to_owned()).collect()
    }

    #[test]
    fn nobody_is_filed_under_another_facility_s_numbers() {
        let source = |code: &str| Arc::new(Source { facility: FacilityCode::parse(code), zone_minutes: 540 });
        let (a, b) = (source("0119999901"), source("0119999902"));
        let (one, two) = ([a.clone()], [a.clone(), b.clone()]);
        let message = |facility: &str| format!("MSH|^~\\&|HIS|{facility}|X|Y\rPID|1\r");
        let cases = [
            (&one[..], message("0119999901"), Whose::Source(&a)),
            (&one, message("Central Hospital"), Whose::Source(&a)),
            (&one, message("0119999902"), Whose::Foreign),
            (&two, message("0119999902"), Whose::Source(&b)),
            (&two, message("Central Hospital"), Whose::Unsaid),
            (&two, message("0119999901") + &message("0119999902"), Whose::Unsaid),
            (&two, message("0119999901") + &message("0119999903"), Whose::Foreign),
            (&one, "{}".to_owned(), Whose::Source(&a)),
        ];
        for (sources, text, expected) in cases {
            assert_eq!(whose(sources, "", text.as_bytes()), expected, "{text}");
        }
        let number = |code: &str| {
            let system = FacilityCode::parse(code).patient_number_system();
            format!(r#"{{"system":"{system}","value":"1"}}"#)
        };
        let (own, other) = (number("0119999901"), number("0119999903"));
        let patient = |numbers: String| format!(r#"{{"resourceType":"Patient","identifier":[{numbers}]}}"#);
        assert_eq!(whose(&two, "", patient(format!("{other},{own}")).as_bytes()), Whose::Source(&a));
        assert_eq!(whose(&two, "", patient(other).as_bytes()), Whose::Foreign);
    }

    #[test]
    fn each_format_names_its_facility_in_its_own_way() {
        assert_eq!(named("MSH|^~\\&|HIS|0119999901|X|Y\rPID|1\r"), ["0119999901"]);
        assert_eq!(named("MSH|^~\\&|HIS|A^0119999901|X\rMSH|^~\\&|HIS|B\rMSH|^~\\&|HIS|B\r"), ["A", "0119999901", "B"]);
        let system = FacilityCode::parse("0119999901").patient_number_system();
        let patient = format!(r#"{{"resourceType":"Patient","identifier":[{{"system":"{system}","value":"1"}}]}}"#);
        assert_eq!(named(&patient), ["0119999901"]);
        assert_eq!(
            named(&format!(r#"{{"resourceType":"Bundle","entry":[{{"resource":{patient}}}]}}"#)),
            ["0119999901"]
        );
        assert!(named("{").is_empty() && named("").is_empty() && named("MSH|^~\\&|HIS||X\r").is_empty());
    }
}
