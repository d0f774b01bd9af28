//! The document as a document: DocumentReference and the Binary that holds the bytes as they came (R4
//! documentreference.html; attachment.html: the hash is SHA-1).

use sha1_smol::Sha1;

use super::account::Account;
use super::body::Body;
use super::datatype::{ed, ii};
use super::document::{self, Facts};
use super::head::Kind;
use super::label::Label;
use super::node::{self, attribute};
use crate::fhir::{ResourceType, Writer, time};
use crate::map::Output;

const FORMAT_CODES: &str = "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode";
/// US Realm Header: the template of every C-CDA document.
const US_REALM: &str = "2.16.840.1.113883.10.20.22.1.1";
/// The media type of CDA R2 (HL7 CDA R2 section 3).
const MEDIA_TYPE: &str = "text/xml";

/// Puts both; gives the DocumentReference as `Type/id`.
pub(super) fn put(
    facts: &Facts<'_>,
    bytes: &[u8],
    body: &Body,
    labels: &[Label],
    account: &Account,
    out: &mut Output,
) -> String {
    let composition = facts.composition(out);
    let binary = binary(facts, bytes, &composition, out);
    let mut w = Writer::new();
    if let Some(id) = super::identity(facts.root, "id") {
        w.object("masterIdentifier", |w| ii::identifier(w, id, out));
    }
    if let Some(set) = super::identity(facts.root, "setId") {
        w.array("identifier", |w| w.item(|w| ii::identifier(w, set, out)));
    }
    w.string("status", "current");
    w.string("docStatus", facts.doc_status());
    document::kind(&mut w, facts.root, account, out);
    out.subject(&mut w, "subject");
    let instant = out.occurred.map(|at| time::instant(at, out.zone_minutes));
    w.string("date", instant.as_deref().unwrap_or_default());
    parties(&mut w, facts);
    relates_to(&mut w, facts, out);
    w.string("description", &facts.title);
    w.array("securityLabel", |w| {
        for label in labels {
            w.item(|w| w.array("coding", |w| label.item(w)));
        }
    });
    w.array("content", |w| {
        w.item(|w| {
            w.object("attachment", |w| attachment(w, facts, bytes, &binary));
            format(w, facts, body);
        });
        if !body.attachment.is_empty() {
            w.item(|w| w.raw("attachment", &format!("{{{}}}", body.attachment)));
        }
    });
    w.object("context", |w| {
        w.array("encounter", |w| w.item(|w| w.string("reference", facts.encounter.as_deref().unwrap_or_default())));
        if let Some(event) = facts.events.first() {
            super::encounter::whole(&event.period, w);
        }
        out.subject(w, "sourcePatientInfo");
        w.array("related", |w| w.item(|w| w.string("reference", &composition)));
    });
    let id = out.id(ResourceType::DOCUMENT_REFERENCE, &facts.key);
    out.put(ResourceType::DOCUMENT_REFERENCE, id, w)
}

/// The bytes; who may read the Composition may read them.
fn binary(facts: &Facts<'_>, bytes: &[u8], composition: &str, out: &mut Output) -> String {
    let mut w = Writer::new();
    w.string("contentType", MEDIA_TYPE);
    w.reference("securityContext", composition);
    w.string("data", &ed::base64(bytes));
    let id = out.id(ResourceType::BINARY, &facts.key);
    out.put(ResourceType::BINARY, id, w)
}

fn parties(w: &mut Writer, facts: &Facts<'_>) {
    w.array("author", |w| {
        let authors = facts.authors();
        for author in &authors {
            w.item(|w| w.string("reference", author));
        }
    });
    let signer = facts.of(Kind::Legal).chain(facts.of(Kind::Attester)).find_map(|part| part.party.first());
    w.reference("authenticator", signer.unwrap_or_default());
    let custodian = facts.of(Kind::Custodian).find_map(|part| part.party.first());
    w.reference("custodian", custodian.unwrap_or_default());
}

fn relates_to(w: &mut Writer, facts: &Facts<'_>, out: &Output) {
    w.array("relatesTo", |w| {
        for (code, id) in facts.related() {
            w.item(|w| {
                w.string("code", code);
                w.object("target", |w| w.object("identifier", |w| ii::identifier(w, id, out)));
            });
        }
    });
}

fn attachment(w: &mut Writer, facts: &Facts<'_>, bytes: &[u8], binary: &str) {
    w.string("contentType", MEDIA_TYPE);
    w.string("language", node::child_attribute(facts.root, "languageCode", "code"));
    w.string("url", binary);
    w.integer("size", bytes.len() as i64);
    w.string("hash", &ed::base64(&Sha1::from(bytes).digest().bytes()));
    w.string("title", &facts.title);
    w.string("creation", facts.date.as_deref().unwrap_or_default());
}

/// The IHE format code of a C-CDA document, else the document's first template.
fn format(w: &mut Writer, facts: &Facts<'_>, body: &Body) {
    let templates = || node::children(facts.root, "templateId");
    let us_realm = templates().filter(|t| attribute(*t, "root") == US_REALM);
    let releases: Vec<bool> = us_realm.map(|t| !attribute(t, "extension").is_empty()).collect();
    let (system, code) = if releases.is_empty() {
        let Some(first) = templates().map(|t| attribute(t, "root")).find(|root| !root.is_empty()) else { return };
        ("urn:ietf:rfc:3986", format!("urn:oid:{first}"))
    } else {
        let release = if releases.contains(&true) { "2.1" } else { "1.1" };
        let shape = if body.attachment.is_empty() { "structuredBody" } else { "nonXMLBody" };
        (FORMAT_CODES, format!("urn:hl7-org:sdwg:ccda-{shape}:{release}"))
    };
    w.object("format", |w| {
        w.string("system", system);
        w.string("code", &code);
    });
}
