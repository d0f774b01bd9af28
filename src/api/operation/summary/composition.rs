//! The document of a summary, put together from resources that may leave (IPS 1.1, Composition-uv-ips, Bundle-uv-ips).
//!
//! What the gateway adds to them (the Composition, itself as author, entries that say that there is no information) is found
//! by `urn:uuid:`, since it is stored nowhere; so these refer to what is stored by its whole address.

use std::collections::HashMap;

use serde_json::Value;
use uuid::Uuid;

use super::narrative::{self, Row};
use super::section::{SECTIONS, Section};
use crate::api::operation::graph;
use crate::fhir::system::DATA_ABSENT_REASON;
use crate::fhir::{Writer, time};

const LOINC: &str = "http://loinc.org";
const ABSENT: &str = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips";

/// What a summary is made of.
pub(super) struct Parts {
    /// What the document is known by.
    pub(super) identity: Uuid,
    /// When the newest of its resources was stored, milliseconds since 1970.
    pub(super) timestamp: i64,
    /// The address of the Patient.
    pub(super) patient: String,
    /// The addresses of the resources, in the order of the entries.
    pub(super) urls: Vec<String>,
    /// The code of a section and the addresses of its entries, for the sections that have any.
    pub(super) sections: Vec<(&'static str, Vec<String>)>,
}

/// The Bundle, with the resources that belong to the addresses.
pub(super) fn bundle(parts: &Parts, resources: &[Vec<u8>]) -> Vec<u8> {
    let read: HashMap<&str, Value> = parts
        .urls
        .iter()
        .zip(resources)
        .map(|(url, resource)| (url.as_str(), serde_json::from_slice(resource).unwrap_or_default()))
        .collect();
    let (author, mut added) = (urn(parts, "author"), Vec::new());
    let mut w = Writer::new();
    head(&mut w, parts, &author);
    w.array("section", |w| {
        for section in &SECTIONS {
            let own = parts.sections.iter().find(|(code, _)| *code == section.code).map(|(_, urls)| urls.as_slice());
            match (own, section.absent) {
                (Some(urls), _) => {
                    let rows: Vec<Row> = urls.iter().map(|url| row(url, &read)).collect();
                    written(w, section, &narrative::div(&rows), urls);
                }
                (None, Some(absent)) => {
                    let url = urn(parts, absent.1);
                    written(w, section, &narrative::div(&[]), std::slice::from_ref(&url));
                    added.push(graph::entry(&url, nothing(parts, absent).as_bytes()));
                }
                (None, None) => {}
            }
        }
    });
    let composition = format!("{{{}}}", w.finish());
    let mut entries = vec![graph::entry(&urn(parts, "composition"), composition.as_bytes())];
    entries.extend(parts.urls.iter().zip(resources).map(|(url, resource)| graph::entry(url, resource)));
    entries.push(graph::entry(&author, device(parts).as_bytes()));
    entries.extend(added);
    graph::document(parts.identity, parts.timestamp, &entries)
}

fn row(url: &str, read: &HashMap<&str, Value>) -> Row {
    // References between stored resources are relative to their own base.
    let base = url.rsplitn(3, '/').nth(2).unwrap_or_default();
    let named = |reference: &str| {
        let whole = format!("{base}/{reference}");
        read.get(reference).or_else(|| read.get(whole.as_str())).and_then(narrative::own_name)
    };
    read.get(url).map(|resource| Row::of(resource, &named)).unwrap_or_default()
}

fn head(w: &mut Writer, parts: &Parts, author: &str) {
    let date = time::instant(parts.timestamp, graph::ZONE_MINUTES);
    w.string("resourceType", "Composition");
    w.string("id", &id(parts, "composition"));
    w.string("language", "ja");
    w.object("text", |w| {
        w.string("status", "generated");
        w.string("div", &narrative::paragraph("患者サマリー / International Patient Summary"));
    });
    w.string("status", "final");
    w.concept("type", LOINC, "60591-5", "Patient summary Document");
    w.reference("subject", &parts.patient);
    w.string("date", &date);
    w.array("author", |w| w.item(|w| w.string("reference", author)));
    w.string("title", "患者サマリー / International Patient Summary");
    w.string("confidentiality", "N");
}

fn written(w: &mut Writer, section: &Section, div: &str, urls: &[String]) {
    w.item(|w| {
        w.string("title", section.title);
        w.concept("code", LOINC, section.code, section.display);
        w.object("text", |w| {
            w.string("status", "generated");
            w.string("div", div);
        });
        w.array("entry", |w| urls.iter().for_each(|url| w.item(|w| w.string("reference", url))));
    });
}

/// An entry that says that there is no information: that is not to say that there is nothing.
fn nothing(parts: &Parts, (type_name, code, display): (&str, &str, &str)) -> String {
    let mut w = Writer::new();
    w.string("resourceType", type_name);
    w.string("id", &id(parts, code));
    match type_name {
        "AllergyIntolerance" => {
            status(&mut w, "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical");
            w.concept("code", ABSENT, code, display);
            w.reference("patient", &parts.patient);
        }
        "Condition" => {
            status(&mut w, "http://terminology.hl7.org/CodeSystem/condition-clinical");
            w.concept("code", ABSENT, code, display);
            w.reference("subject", &parts.patient);
        }
        _ => {
            w.string("status", "unknown");
            w.concept("medicationCodeableConcept", ABSENT, code, display);
            w.reference("subject", &parts.patient);
            w.object("_effectiveDateTime", |w| {
                w.array("extension", |w| {
                    w.item(|w| {
                        w.string("url", DATA_ABSENT_REASON);
                        w.string("valueCode", "not-applicable");
                    });
                });
            });
        }
    }
    format!("{{{}}}", w.finish())
}

fn status(w: &mut Writer, system: &str) {
    w.concept("clinicalStatus", system, "active", "");
}

/// The gateway as author: it put the document together.
fn device(parts: &Parts) -> String {
    let mut w = Writer::new();
    w.string("resourceType", "Device");
    w.string("id", &id(parts, "author"));
    w.array("deviceName", |w| {
        w.item(|w| {
            w.string("name", "Tasuki");
            w.string("type", "user-friendly-name");
        });
    });
    format!("{{{}}}", w.finish())
}

/// The id of what is added to a document; the same document has the same.
fn id(parts: &Parts, purpose: &str) -> String {
    Uuid::new_v5(&parts.identity, purpose.as_bytes()).to_string()
}

fn urn(parts: &Parts, purpose: &str) -> String {
    format!("urn:uuid:{}", id(parts, purpose))
}
