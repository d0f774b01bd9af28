//! Whose letter it is, as far as the letter itself says: for senders that hand in for several facilities.

use serde_json::Value;

use crate::decode::format::{Format, sniff};
use crate::decode::{container, hl7v2};
use crate::fhir::{FacilityCode, reference};

/// The facilities that a letter names as its own: the root of the storage in a zip file; MSH-4 of each message; in FHIR
/// JSON the facilities whose patient numbers its Patients carry. Empty when it says nothing, each once otherwise.
pub fn facilities_named(name: &str, bytes: &[u8]) -> Vec<FacilityCode> {
    let mut named: Vec<FacilityCode> = match container::open(name, bytes) {
        Some(Ok(container)) => {
            let parts = container.groups.iter().flatten();
            parts.flat_map(|part| part.facility.clone().map_or_else(|| of_message(part), |code| vec![code])).collect()
        }
        Some(Err(_)) => Vec::new(),
        None => match sniff(name, bytes) {
            Some(Format::Hl7v2) => hl7v2::Header::of(bytes).map(|header| header.facilities).unwrap_or_default(),
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

/// A message of a batch; entries of a zip file are not unpacked for this.
fn of_message(part: &container::Part<'_>) -> Vec<FacilityCode> {
    part.message().and_then(hl7v2::Header::of).map(|header| header.facilities).unwrap_or_default()
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
