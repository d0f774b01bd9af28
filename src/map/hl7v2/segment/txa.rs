//! TXA transcription document header (HL7 v2.5 section 9.6.1) to DocumentReference.

use crate::decode::hl7v2::{Segment, Value};
use crate::fault::rules;
use crate::fhir::{ResourceId, ResourceType, Writer, time};
use crate::map::Output;
use crate::map::document::{Attachment, Confidentiality};
use crate::map::hl7v2::datatype::{cwe, hd, ts, xcn};
use crate::map::hl7v2::segment::obx::REPETITION_LEFT_OUT;
use crate::map::hl7v2::segment::orc;

rules! {
    pub(crate) CONFIDENTIALITY_UNKNOWN "v2-document-confidentiality" Warning CodeInvalid
        "The confidentiality code is not in HL7 table 0272; the document was labelled as restricted."
        "機密性コードがHL7表0272にありません。「制限あり」として扱います。"
    pub(crate) COMPLETION_UNKNOWN "v2-document-completion" Warning CodeInvalid
        "The completion status is not in HL7 table 0271; whether the document is final is not said."
        "完成状態のコードがHL7表0271にないため、文書が確定版かどうかは変換していません。"
}

const CONFIDENTIALITY_V2: &str = "http://terminology.hl7.org/CodeSystem/v2-0272";

/// What the event says of the document, and what belongs to it.
#[derive(Debug, Default)]
pub(crate) struct Around<'a> {
    /// Whether the document was cancelled (T11).
    pub(crate) is_cancelled: bool,
    /// How it relates to the parent document (TXA-13): `appends`, `replaces` or empty.
    pub(crate) relation: &'static str,
    /// The parent document's reference, when it is on record.
    pub(crate) parent: Option<&'a str>,
    /// The visit.
    pub(crate) encounter: Option<&'a str>,
    /// Orders, and results that are not text.
    pub(crate) related: &'a [String],
    /// TXA-18, see [`confidentiality`].
    pub(crate) confidentiality: Confidentiality,
    /// What it holds; `None` when the message does not say it and it stays as it was.
    pub(crate) contents: Option<&'a [Attachment]>,
}

/// The id of the document that an EI (TXA-12, TXA-13) numbers; `None` when it is empty.
pub(crate) fn id(number: Value<'_>, out: &Output) -> Option<ResourceId> {
    let value = orc::number(number);
    let namespace = [3, 2].map(|part| number.component(part).text().trim().to_owned());
    let namespace = namespace.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    let key = format!("document:{namespace}:{value}");
    (!value.is_empty()).then(|| out.id(ResourceType::DOCUMENT_REFERENCE, &key))
}

/// Writes the members of the DocumentReference.
pub(crate) fn members(w: &mut Writer, txa: Segment<'_>, around: &Around<'_>, out: &mut Output) {
    // Named rules. `typed-by`: who typed it up and when (TXA-7, TXA-11). `edited-at`: versions and Provenance tell it
    // (TXA-8). `how-it-is-stored`: TXA-20. `presentation`: TXA-3 is said by each content. `set-id`: TXA-1.
    txa.ignore(&[1, 3, 7, 8, 11, 20]);
    let authors = xcn::practitioners(txa.field(9), out);
    let providers = xcn::practitioners(txa.field(5), out);
    let authenticator = authenticator(txa, out);
    w.object("masterIdentifier", |w| identifier(w, txa.field(12), out));
    w.array("identifier", |w| {
        w.item(|w| {
            let file = txa.field(16).whole_text();
            if !file.trim().is_empty() {
                w.string("system", &out.facility.local_system("document-file-name"));
                w.string("value", file.trim());
            }
        });
    });
    w.string("status", status(txa, around));
    w.string("docStatus", doc_status(txa, around, out));
    cwe::concept(w, "type", txa.field(2), "HL70270", out);
    out.subject(w, "subject");
    w.string("date", &told_instant(txa.peek(6), out));
    let (authors, related) = if authors.is_empty() { (providers, Vec::new()) } else { (authors, providers) };
    references(w, "author", &authors);
    w.reference("authenticator", authenticator.as_deref().unwrap_or_default());
    out.facility_reference(w, "custodian", "");
    relates_to(w, txa, around, out);
    w.string("description", txa.field(25).whole_text().trim());
    security_label(w, txa.peek(18), around.confidentiality);
    if let Some(contents) = around.contents {
        w.array("content", |w| contents.iter().for_each(|content| content.write(w)));
    }
    context(w, txa, around, &related, out);
}

/// TXA-18 (table 0272). A code nobody knows restricts: consent errs on the closed side.
pub(crate) fn confidentiality(txa: Segment<'_>, out: &mut Output) -> Confidentiality {
    let value = txa.field(18);
    match cwe::code(value).as_str() {
        "" | "U" => Confidentiality::default(),
        "V" => Confidentiality("V"),
        "R" => Confidentiality("R"),
        _ => {
            out.doubt(&CONFIDENTIALITY_UNKNOWN, &value);
            Confidentiality("R")
        }
    }
}

fn security_label(w: &mut Writer, value: Value<'_>, confidentiality: Confidentiality) {
    let code = cwe::code(value);
    w.array("securityLabel", |w| {
        w.item(|w| {
            w.array("coding", |w| {
                confidentiality.coding(w);
                if matches!(code.as_str(), "V" | "R" | "U") {
                    w.coding_item(CONFIDENTIALITY_V2, &code, "");
                }
            });
        });
    });
}

/// T11 and TXA-19 (table 0273): obsolete is superseded, cancelled is an error; unavailable says nothing of the document.
fn status(txa: Segment<'_>, around: &Around<'_>) -> &'static str {
    match cwe::code(txa.field(19)).as_str() {
        _ if around.is_cancelled => "entered-in-error",
        "CA" => "entered-in-error",
        "OB" => "superseded",
        _ => "current",
    }
}

/// TXA-17 (table 0271): authenticated and legally authenticated documents are final.
fn doc_status(txa: Segment<'_>, around: &Around<'_>, out: &mut Output) -> &'static str {
    let value = txa.field(17);
    match cwe::code(value).as_str() {
        _ if around.is_cancelled => "entered-in-error",
        "DI" | "DO" | "IP" | "IN" | "PA" => "preliminary",
        "AU" | "LA" => "final",
        "" => "",
        _ => {
            out.doubt(&COMPLETION_UNKNOWN, &value);
            ""
        }
    }
}

/// A time as an instant; a day alone is none (v2-to-FHIR: "if time is included").
pub(crate) fn instant(value: Value<'_>, out: &mut Output) -> Option<String> {
    ts::date_time(value, out).filter(|text| text.contains('T'))
}

/// The same of a field that was read already: what is no time was said then.
fn told_instant(value: Value<'_>, out: &Output) -> String {
    let text = time::from_v2(&value.component(1).text(), out.zone_minutes);
    text.filter(|text| text.contains('T')).unwrap_or_default()
}

/// TXA-22 says who did authenticate; where nobody has, TXA-10 who is to.
fn authenticator(txa: Segment<'_>, out: &mut Output) -> Option<String> {
    let (done, assigned) = (txa.field(22), txa.peek(10));
    let field = if done.is_valued() { done } else { txa.field(10) };
    if done.is_valued() && orc::number(done) == orc::number(assigned) {
        txa.ignore(&[10]);
    }
    let persons = xcn::practitioners(field, out);
    if persons.len() > 1 {
        out.doubt(&REPETITION_LEFT_OUT, &field);
    }
    persons.into_iter().next()
}

fn references(w: &mut Writer, name: &str, references: &[String]) {
    w.array(name, |w| {
        for reference in references {
            w.item(|w| w.string("reference", reference));
        }
    });
}

/// EI as an Identifier.
fn identifier(w: &mut Writer, value: Value<'_>, out: &Output) {
    let number = orc::number(value);
    if number.is_empty() {
        return;
    }
    let part = |part: u16| value.component(part).text().trim().to_owned();
    let system = hd::from_universal(&part(3), &part(4)).unwrap_or_else(|| match part(2) {
        name if name.is_empty() => out.facility.local_system("document-number"),
        name => out.facility.local_system(&format!("document-number-{name}")),
    });
    w.string("system", &system);
    w.string("value", &number);
}

fn relates_to(w: &mut Writer, txa: Segment<'_>, around: &Around<'_>, out: &Output) {
    if around.relation.is_empty() {
        return;
    }
    let parent = txa.field(13);
    if !parent.is_valued() {
        return;
    }
    w.array("relatesTo", |w| {
        w.item(|w| {
            w.string("code", around.relation);
            w.object("target", |w| {
                w.string("reference", around.parent.unwrap_or_default());
                w.string("type", "DocumentReference");
                w.object("identifier", |w| identifier(w, parent, out));
            });
        });
    });
}

/// The visit, when the care was given (TXA-4), the specialty (TXA-28), orders (TXA-14, TXA-15) and who did what the document
/// tells of.
fn context(w: &mut Writer, txa: Segment<'_>, around: &Around<'_>, providers: &[String], out: &mut Output) {
    let activity = ts::date_time(txa.field(4), out).unwrap_or_default();
    if around.contents.is_none() && around.encounter.is_none() && around.related.is_empty() && providers.is_empty() {
        // A notice that names neither visit nor order leaves those of the document as they are.
        txa.ignore(&[14, 15]);
        return;
    }
    w.object("context", |w| {
        w.array("encounter", |w| w.item(|w| w.string("reference", around.encounter.unwrap_or_default())));
        w.object("period", |w| w.string("start", &activity));
        cwe::concept(w, "practiceSetting", txa.field(28), "", out);
        w.array("related", |w| {
            for reference in around.related.iter().chain(providers) {
                w.item(|w| w.string("reference", reference));
            }
            if around.related.is_empty() {
                numbered_orders(w, txa, out);
            } else {
                // The orders stand in the message themselves.
                txa.ignore(&[14, 15]);
            }
            if around.relation.is_empty() && txa.peek(13).is_valued() {
                w.item(|w| {
                    w.string("type", "DocumentReference");
                    w.object("identifier", |w| identifier(w, txa.field(13), out));
                });
            }
        });
    });
}

/// Orders that only their numbers name.
fn numbered_orders(w: &mut Writer, txa: Segment<'_>, out: &Output) {
    for (field, kind) in [(14, "PLAC"), (15, "FILL")] {
        for number in txa.field(field).repetitions().filter(|number| number.is_valued()) {
            w.item(|w| {
                w.string("type", "ServiceRequest");
                w.object("identifier", |w| orc::identifier(w, number, kind, None, out));
            });
        }
    }
}
