//! The scan of a form: what is taken, and how it is kept. It lies in a record of its own, which holds no Patient, which no
//! consent is about and which is on nobody's panel; and it is labelled V, so that no plain permit would open it either.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Stop, rule};
use crate::app::Gateway;
use crate::fault::Fault;
use crate::fhir::{FacilityCode, PatientKey, ResourceId, ResourceType, base64};

/// Largest scan, bytes.
pub(super) const SCAN_BYTES_MAX: usize = 5 << 20;
/// Characters of its title that are kept.
const TITLE_CHARACTERS_MAX: usize = 100;
/// What a file begins with, and what it is then.
const KINDS: [(&str, &[u8]); 5] = [
    ("application/pdf", b"%PDF-"),
    ("image/tiff", b"II*\0"),
    ("image/tiff", b"MM\0*"),
    ("image/jpeg", b"\xff\xd8\xff"),
    ("image/png", b"\x89PNG\r\n\x1a\n"),
];

/// A scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    content_type: &'static str,
    bytes: Vec<u8>,
    title: Option<String>,
}

impl Scan {
    /// Of an Attachment, or of a DocumentReference with one.
    pub fn read(sent: &Value) -> Result<Self, Stop> {
        const FIELD: &str = "form";
        let attachment = match sent["resourceType"].as_str() {
            None => sent,
            Some(_) => sent.pointer("/content/0/attachment").unwrap_or(&Value::Null),
        };
        let data = attachment["data"].as_str().ok_or_else(|| Stop::because(&rule::SCAN, FIELD, ""))?;
        if data.len() > SCAN_BYTES_MAX.div_ceil(3) * 4 + 4 {
            return Err(too_large());
        }
        let bytes = base64::decode(data).ok_or_else(|| Stop::because(&rule::SCAN, FIELD, ""))?;
        let stated = attachment["contentType"].as_str().unwrap_or_default();
        let title = attachment["title"].as_str().map(|title| title.chars().take(TITLE_CHARACTERS_MAX).collect());
        Scan::of(stated, bytes, title)
    }

    fn of(stated: &str, bytes: Vec<u8>, title: Option<String>) -> Result<Self, Stop> {
        if bytes.len() > SCAN_BYTES_MAX {
            return Err(too_large());
        }
        let kind = KINDS.iter().find(|(_, start)| bytes.starts_with(start)).map(|(kind, _)| *kind);
        match kind.filter(|kind| stated.eq_ignore_ascii_case(kind)) {
            Some(content_type) => Ok(Scan { content_type, bytes, title }),
            None => Err(Stop::because(&rule::SCAN, "form", "")),
        }
    }

    /// Where the scan of a form of somebody's lies, and its id: the same scan, the same place.
    pub(super) fn place(&self, office: &FacilityCode, of: PatientKey) -> (PatientKey, ResourceId) {
        let digest = Sha256::digest(&self.bytes);
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let record = PatientKey::derive(office, &format!("form:{}:{digest}", of.patient_id().as_str()));
        let id = record.resource_id(ResourceType::DOCUMENT_REFERENCE.name(), "form");
        (record, id)
    }

    /// As a resource.
    pub(super) fn resource(&self, id: &ResourceId, of: PatientKey) -> Value {
        let mut attachment = json!({
            "contentType": self.content_type,
            "data": base64::encode(&self.bytes),
            "size": self.bytes.len(),
            "hash": base64::encode(&sha1_smol::Sha1::from(&self.bytes).digest().bytes()),
        });
        if let Some(title) = &self.title {
            attachment["title"] = json!(title);
        }
        json!({
            "resourceType": "DocumentReference", "id": id.as_str(),
            "meta": {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "V"}]},
            "status": "current",
            "type": {"coding": [{"system": "http://loinc.org", "code": "59284-0", "display": "Consent Document"}]},
            "subject": {"reference": of.reference()},
            "content": [{"attachment": attachment}],
        })
    }
}

fn too_large() -> Stop {
    Stop::because(&rule::SCAN_TOO_LARGE, "form", SCAN_BYTES_MAX.to_string())
}

/// The bytes of a scan that is kept of one of a person's forms, with their media type; the newest one's where none is named
/// (`DocumentReference/id`). `None` where there is none. Blocks on storage.
pub fn of_person(
    gateway: &Gateway,
    person: &[PatientKey],
    named: Option<&str>,
) -> Result<Option<(Vec<u8>, String)>, Fault> {
    let named = match named {
        Some(named) => Some(named.to_owned()),
        None => newest(gateway, person)?,
    };
    let id = named.as_deref().and_then(|named| named.strip_prefix("DocumentReference/")).and_then(ResourceId::parse);
    let Some(id) = id else { return Ok(None) };
    let Some(chart) = gateway.place(ResourceType::DOCUMENT_REFERENCE, &id)? else { return Ok(None) };
    let Some(row) = chart.row(ResourceType::DOCUMENT_REFERENCE, &id) else { return Ok(None) };
    let kept: Value = serde_json::from_slice(&chart.body(row)?)
        .map_err(|_| Fault::Broken("a stored DocumentReference is not JSON".into()))?;
    let subject = kept.pointer("/subject/reference").and_then(Value::as_str).unwrap_or_default();
    let of = subject.strip_prefix("Patient/").map(PatientKey::of_id);
    let attachment = kept.pointer("/content/0/attachment").unwrap_or(&Value::Null);
    let bytes = attachment["data"].as_str().and_then(base64::decode);
    // Of a facility's documents the office reads none: only what stands where a form of this person's is kept.
    let is_form = chart.facility == *gateway.office()
        && of.is_some_and(|of| person.contains(&of) && of != chart.patient)
        && chart.len() == 1;
    let kind = attachment["contentType"].as_str().unwrap_or("application/octet-stream").to_owned();
    Ok(bytes.filter(|_| is_form).map(|bytes| (bytes, kind)))
}

/// The form that the Consent which was given or withdrawn last names.
fn newest(gateway: &Gateway, person: &[PatientKey]) -> Result<Option<String>, Fault> {
    let mut newest: Option<(String, String)> = None;
    for record in person {
        let chart = gateway.chart(*record)?;
        for directive in chart.directives.iter().filter(|one| one.patient == Some(*record)) {
            let row = ResourceId::parse(&directive.consent.id).and_then(|id| chart.row(ResourceType::CONSENT, &id));
            let Some(row) = row else { continue };
            let consent: Value = serde_json::from_slice(&chart.body(row)?).unwrap_or_default();
            let given = consent["dateTime"].as_str().unwrap_or_default().to_owned();
            if let Some(form) = super::consent::forms(&consent).pop()
                && newest.as_ref().is_none_or(|(known, _)| *known <= given)
            {
                newest = Some((given, form));
            }
        }
    }
    Ok(newest.map(|(_, form)| form))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pdf(length: usize) -> Vec<u8> {
        let mut bytes = b"%PDF-1.7 ".to_vec();
        bytes.resize(length, b' ');
        bytes
    }

    #[test]
    fn a_scan_is_what_it_says_it_is() {
        for (stated, bytes) in [
            ("application/pdf", &b"%PDF-1.4 x"[..]),
            ("image/tiff", b"II*\0x"),
            ("image/tiff", b"MM\0*x"),
            ("image/jpeg", b"\xff\xd8\xff\xe0"),
            ("image/png", b"\x89PNG\r\n\x1a\nx"),
        ] {
            let sent = json!({"contentType": stated, "data": base64::encode(bytes)});
            assert!(Scan::read(&sent).is_ok(), "{stated}");
            let inside = json!({"resourceType": "DocumentReference", "content": [{"attachment": sent}]});
            assert!(Scan::read(&inside).is_ok(), "{stated}");
            let other = json!({"contentType": "image/gif", "data": base64::encode(bytes)});
            assert!(Scan::read(&other).is_err(), "{stated}");
        }
        for sent in [json!({}), json!({"contentType": "application/pdf", "data": "%%%"}), json!("x")] {
            assert!(Scan::read(&sent).is_err(), "{sent}");
        }
        let html = json!({"contentType": "application/pdf", "data": base64::encode(b"<html>")});
        assert!(Scan::read(&html).is_err());
    }

    #[test]
    fn there_is_a_limit() {
        let sent = |length| json!({"contentType": "application/pdf", "data": base64::encode(&pdf(length))});
        assert!(Scan::read(&sent(SCAN_BYTES_MAX)).is_ok());
        assert!(Scan::read(&sent(SCAN_BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn the_same_scan_has_the_same_place_and_another_persons_another() {
        let scan = Scan::of("application/pdf", pdf(20), None).unwrap();
        let other = Scan::of("application/pdf", pdf(21), None).unwrap();
        let (office, one, two) = (FacilityCode::parse("office"), PatientKey(7 << 80), PatientKey(9 << 80));
        assert_eq!(scan.place(&office, one), scan.place(&office, one));
        assert_ne!(scan.place(&office, one), scan.place(&office, two));
        assert_ne!(scan.place(&office, one), other.place(&office, one));
    }
}
