//! References as they are written (references.html#literal) and the patients they mean.

use serde_json::Value;

use super::{FacilityCode, PatientKey, ResourceType};

/// A literal reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Literal<'a> {
    /// `#id`: something contained.
    Contained,
    /// `Type/id`, a version left out.
    Relative(ResourceType, &'a str),
    /// `http(s)://…`, a version left out; with type and id when it ends in them.
    Absolute(&'a str, Option<(ResourceType, &'a str)>),
    /// `urn:…`.
    Urn(&'a str),
    /// Nothing that references.html allows.
    Other,
}

impl<'a> Literal<'a> {
    /// Reads a reference.
    pub fn parse(text: &'a str) -> Self {
        if text.starts_with('#') {
            return Literal::Contained;
        }
        if text.starts_with("urn:") {
            return Literal::Urn(text);
        }
        let text = text.split_once("/_history/").map_or(text, |(before, _)| before);
        if text.starts_with("http://") || text.starts_with("https://") {
            let mut parts = text.rsplitn(3, '/');
            let (id, name) = (parts.next(), parts.next());
            return Literal::Absolute(text, id.zip(name).and_then(|(id, name)| typed(name, id)));
        }
        let parsed = text.split_once('/').and_then(|(name, id)| typed(name, id));
        parsed.map_or(Literal::Other, |(resource_type, id)| Literal::Relative(resource_type, id))
    }
}

/// What a URL has below the base of a server, without the slash; `None` where it is not below it, or there is no base.
/// `http:` and `https:` name the same (http.html#root); another port is another server.
pub fn below<'t>(base: &str, url: &'t str) -> Option<&'t str> {
    fn without_scheme(url: &str) -> Option<&str> {
        url.strip_prefix("https:").or_else(|| url.strip_prefix("http:"))
    }
    let rest = match (without_scheme(base), without_scheme(url)) {
        (Some(base), Some(url)) => url.strip_prefix(base)?,
        _ if base.is_empty() => return None,
        _ => url.strip_prefix(base)?,
    };
    rest.strip_prefix('/')
}

fn typed<'a>(name: &str, id: &'a str) -> Option<(ResourceType, &'a str)> {
    ResourceType::parse(name).filter(|_| is_id(id)).map(|resource_type| (resource_type, id))
}

/// Whether the text is a logical id (datatypes.html#id).
pub fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

/// The record behind a Patient's logical id that a facility's number was made into, in the one spelling it is given; no
/// id that somebody chose.
pub fn own_patient(id: &str) -> Option<PatientKey> {
    PatientKey::from_patient_id(id).filter(|key| !key.is_directory() && PatientKey::of_id(id) == *key)
}

/// The type a resource says it is.
pub fn resource_type(resource: &Value) -> Option<ResourceType> {
    resource.get("resourceType").and_then(Value::as_str).and_then(ResourceType::parse)
}

/// The facility and number of an Identifier that is a hospital's patient number: system
/// `urn:oid:1.2.392.100495.20.3.51.1` + 10-digit institution number (JP Core 1.2.0 jp-inv-local-patientid).
pub fn hospital_number(identifier: &Value) -> Option<(FacilityCode, &str)> {
    let system = identifier.get("system")?.as_str()?;
    let facility = FacilityCode::parse(system.strip_prefix("urn:oid:1.2.392.100495.20.3.51.1")?);
    let number = identifier.get("value")?.as_str()?.trim();
    (facility.is_insurance_institution() && !number.is_empty()).then_some((facility, number))
}

/// Every hospital's patient number of a Patient.
pub fn hospital_numbers(patient: &Value) -> impl Iterator<Item = (FacilityCode, &str)> {
    patient.get("identifier").and_then(Value::as_array).into_iter().flatten().filter_map(hospital_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_as_written() {
        let patient = |id| Literal::Relative(ResourceType::PATIENT, id);
        assert_eq!(Literal::parse("Patient/1"), patient("1"));
        assert_eq!(Literal::parse("Patient/1/_history/2"), patient("1"));
        assert_eq!(Literal::parse("#p"), Literal::Contained);
        let absolute = "https://a.example/fhir/Patient/1";
        assert_eq!(Literal::parse(absolute), Literal::Absolute(absolute, Some((ResourceType::PATIENT, "1"))));
        for other in ["", "Patient", "Patients/1", "Patient/", "Patient/1/2", "1", "patient/1", "Patient/あ"] {
            assert_eq!(Literal::parse(other), Literal::Other, "{other}");
        }
    }

    #[test]
    fn only_derived_ids_are_records_of_ours() {
        let key = PatientKey::derive(&FacilityCode::parse("0119999901"), "1");
        let id = key.patient_id();
        assert_eq!(own_patient(id.as_str()), Some(key));
        assert_eq!(own_patient(&id.as_str().to_uppercase()), None);
        assert_eq!(own_patient(PatientKey::DIRECTORY.patient_id().as_str()), None);
        assert_eq!(own_patient("1"), None);
    }

    #[test]
    fn a_hospital_number_names_its_facility() {
        let identifier = |system: &str| serde_json::json!({ "system": system, "value": " 000999739 " });
        let known = identifier("urn:oid:1.2.392.100495.20.3.51.11318814790");
        assert_eq!(hospital_number(&known), Some((FacilityCode::parse("1318814790"), "000999739")));
        for other in ["urn:oid:1.2.392.100495.20.3.51.19918814790", "urn:oid:1.2.392.100495.20.3.51.1131881479", "x"] {
            assert_eq!(hospital_number(&identifier(other)), None);
        }
    }
}
