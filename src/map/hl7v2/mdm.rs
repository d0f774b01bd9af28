//! MDM^T01 to T11 (HL7 v2.5 chapter 9): a document, told with its text (even events) or without (odd ones), to
//! DocumentReference and Binary.

use super::adt::event;
use super::business_key::Keys;
use super::group::{RequestGroup, ResultGroup};
use super::segment::obx::{self, RESULT_WITHOUT_CODE, Setting};
use super::segment::obx_document::{self, Part};
use super::segment::orc::ignore_whole;
use super::segment::{nte, obx_category, request, txa};
use super::{Context, Output, visit};
use crate::decode::hl7v2::{Message, Segment};
use crate::fault::{Place, rules};
use crate::fhir::{ResourceId, ResourceType, Writer};
use crate::map::document::{self, Attachment, Confidentiality, DOCUMENT_BYTES_MAX, TOO_LARGE};
use crate::map::hl7v2::datatype::ts;

rules! {
    pub(crate) NO_DOCUMENT "v2-no-document" Error Required
        "The message is about a document and has no TXA segment; only what stands around it was taken over."
        "文書のメッセージですがTXAがありません。周辺の情報のみ取り込みました。"
    pub(crate) DOCUMENT_WITHOUT_NUMBER "v2-document-without-number" Warning Required
        "TXA-12 (unique document number) is empty: a later message about this document will not find it by its number."
        "TXA-12(文書番号)が空です。この文書に関する後続のメッセージを番号で対応付けられません。"
}

/// A part of the document with what is said around it.
struct Found<'m> {
    result: Segment<'m>,
    title: String,
    parts: Vec<Part>,
}

/// Maps the document, the orders it was written for and the visit.
pub(super) fn map(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    let encounter = visit::mention(message, out);
    let mut related = orders(message, encounter.as_deref(), out);
    let Some(txa) = message.first("TXA") else {
        return out.issue(&NO_DOCUMENT, Place::Whole);
    };
    let event = event(message);
    let id = id(message, txa, context, out);
    let known = context.known.document(&id);
    let confidentiality = match txa::confidentiality(txa, out) {
        Confidentiality("") => visit::protection(message),
        stated => stated,
    };
    let is_cancelled = event == "T11";
    related.extend(measured(message, &id, out));
    let originated = ts::date_time(txa.field(6), out).unwrap_or_default();
    let contents = match contents(message, &id, confidentiality, out) {
        // A notice does not take the text away, a cancellation does.
        contents if contents.is_empty() && known.is_some() && !is_cancelled => None,
        contents if contents.is_empty() || is_cancelled => Some(vec![Attachment::default()]),
        contents => Some(contents),
    };
    let contents = contents.map(|contents| contents.into_iter().map(|one| made(one, &originated)).collect::<Vec<_>>());
    let relation = match event.as_str() {
        "T05" | "T06" => "appends",
        "T09" | "T10" => "replaces",
        _ => "",
    };
    let parent = txa::id(txa.peek(13), out).filter(|parent| context.known.document(parent).is_some());
    let parent_reference = parent.as_ref().map(|parent| format!("DocumentReference/{}", parent.as_str()));
    let around = txa::Around {
        is_cancelled,
        relation,
        parent: parent_reference.as_deref(),
        encounter: encounter.as_deref(),
        related: &related,
        confidentiality,
        contents: contents.as_deref(),
    };
    let mut w = Writer::new();
    txa::members(&mut w, txa, &around, out);
    match &contents {
        None => out.merge(ResourceType::DOCUMENT_REFERENCE, id, w, Vec::new()),
        Some(contents) => {
            let kept: Vec<&str> = contents.iter().map(|content| content.url.as_str()).collect();
            for binary in known.into_iter().flat_map(|known| &known.binaries) {
                if !kept.contains(&format!("Binary/{}", binary.as_str()).as_str()) {
                    out.delete(ResourceType::BINARY, binary.clone());
                }
            }
            out.put_labelled(ResourceType::DOCUMENT_REFERENCE, id, w, confidentiality.meta())
        }
    };
    // A document that is not for everybody must not be told of by one that is.
    if let Some(parent) = parent.filter(|_| relation == "replaces" && confidentiality == Confidentiality::default()) {
        let mut w = Writer::new();
        w.string("status", "superseded");
        out.merge(ResourceType::DOCUMENT_REFERENCE, parent, w, Vec::new());
    }
}

/// What OBX-14 does not date was made when the document was (TXA-6).
fn made(content: Attachment, originated: &str) -> Attachment {
    let creation = if content.creation.is_empty() { originated.to_owned() } else { content.creation };
    Attachment { creation, ..content }
}

/// By the document's number; else by its file name, the order it was written for and its type, at worst the message.
fn id(message: &Message<'_>, txa: Segment<'_>, context: Context<'_>, out: &mut Output) -> ResourceId {
    if let Some(id) = txa::id(txa.field(12), out) {
        return id;
    }
    out.issue(&DOCUMENT_WITHOUT_NUMBER, txa.place(12));
    let text = |segment: Segment<'_>, field: u16| segment.peek(field).component(1).text().trim().to_owned();
    let header = message.first("MSH");
    let order = [15, 14].map(|field| text(txa, field)).into_iter().find(|number| !number.is_empty());
    let key = match (text(txa, 16), order, header.map(|header| text(header, 10)).unwrap_or_default()) {
        (file, _, _) if !file.is_empty() => format!("document-file:{file}"),
        (_, Some(order), _) => format!("document-of:{order}:{}", text(txa, 2)),
        (_, _, control) if !control.is_empty() => format!("document-in:{control}"),
        _ => format!("document-in:{}", context.letter.hex()),
    };
    out.id(ResourceType::DOCUMENT_REFERENCE, &key)
}

/// The orders before TXA.
fn orders(message: &Message<'_>, encounter: Option<&str>, out: &mut Output) -> Vec<String> {
    let mut groups: Vec<RequestGroup<'_>> = Vec::new();
    for segment in message.segments().take_while(|segment| !segment.is("TXA")) {
        match (segment.name(), groups.last_mut()) {
            ("ORC", _) => groups.push(RequestGroup { order: Some(segment), ..Default::default() }),
            ("OBR", Some(group)) if group.request.is_none() => group.request = Some(segment),
            ("OBR", _) => groups.push(RequestGroup { request: Some(segment), ..Default::default() }),
            ("TQ1", Some(group)) => group.timings.push(segment),
            ("NTE", Some(group)) => group.notes.push(segment),
            _ => {}
        }
    }
    groups.iter().filter_map(|group| request::mention(group, encounter, "of-a-document", out)).collect()
}

/// OBX that are no text and no document: a measured value, the uid of a study.
fn measured(message: &Message<'_>, id: &ResourceId, out: &mut Output) -> Vec<String> {
    let mut keys = Keys::default();
    let mut references = Vec::new();
    for result in message.all("OBX").filter(|result| !obx_document::is_part(*result)) {
        let Some(item) = obx::item(result) else {
            out.issue(&RESULT_WITHOUT_CODE, result.place(3));
            ignore_whole(result);
            continue;
        };
        let key = keys.next(format!("{}/{item}/{}", id.as_str(), result.peek(4).raw().trim()));
        let observation = out.id(ResourceType::OBSERVATION, &key);
        let setting = Setting::alone(obx_category::EXAM);
        let group = ResultGroup { notes: notes_after(message, result), ..ResultGroup::alone(result) };
        references.push(obx::observation(&group, observation, setting, out).reference);
    }
    references
}

fn notes_after<'m>(message: &'m Message<'_>, result: Segment<'m>) -> Vec<Segment<'m>> {
    let after = message.segments().skip(result.index() + 1);
    after.take_while(|segment| segment.is("NTE")).collect()
}

/// What the OBX after TXA hold: successive lines under one name are one text, each ED and RP stands for itself, and so
/// does what was noted about a part (NTE).
fn contents(
    message: &Message<'_>,
    id: &ResourceId,
    confidentiality: Confidentiality,
    out: &mut Output,
) -> Vec<Attachment> {
    let mut contents: Vec<Attachment> = Vec::new();
    for found in joined(message, out) {
        let creation = ts::date_time(found.result.field(14), out).unwrap_or_default();
        for part in found.parts {
            let key = (contents.len() + 1).to_string();
            let mut content = match part {
                Part::Elsewhere { content_type, url } => Attachment { content_type, url, ..Attachment::default() },
                Part::Text(text) => document::keep(out, id, &key, "text/plain", text.as_bytes(), confidentiality),
                Part::Bytes { content_type, bytes } => {
                    document::keep(out, id, &key, &content_type, &bytes, confidentiality)
                }
            };
            if content.size.is_some_and(|size| size > DOCUMENT_BYTES_MAX) {
                out.issue_with(&TOO_LARGE, found.result.place(5), format!("{} MiB", DOCUMENT_BYTES_MAX >> 20));
            }
            content.title.clone_from(&found.title);
            content.creation.clone_from(&creation);
            contents.push(content);
        }
    }
    contents
}

fn joined<'m>(message: &'m Message<'_>, out: &mut Output) -> Vec<Found<'m>> {
    let mut all: Vec<Found<'m>> = Vec::new();
    for result in message.all("OBX").filter(|result| obx_document::is_part(*result)) {
        // D deleted, W wrong, X not obtained (table 0085): no part of the document.
        if matches!(result.field(11).text().trim(), "D" | "W" | "X") {
            ignore_whole(result);
            continue;
        }
        // Named rule `line-of-a-document`: OBX-4 counts lines.
        result.ignore(&[4]);
        let (title, mut parts) = (obx_document::title(result), obx_document::parts(result, out));
        if let ([Part::Text(line)], Some(last)) = (&mut parts[..], all.last_mut())
            && last.title == title
            && let [Part::Text(text)] = &mut last.parts[..]
        {
            text.push('\n');
            text.push_str(line);
        } else {
            all.push(Found { result, title: title.clone(), parts });
        }
        let notes: Vec<String> = notes_after(message, result).iter().map(|n| nte::lines(n.field(3))).collect();
        if let Some(found) = all.last_mut().filter(|_| notes.iter().any(|note| !note.trim().is_empty())) {
            found.parts.push(Part::Text(notes.join("\n")));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::{FacilityCode, PatientKey};

    fn texts(segments: &str) -> Vec<String> {
        let text = format!("MSH|^~\\&|H\rTXA|1\r{segments}");
        let message = Message::parse(&text).unwrap().value;
        let facility = FacilityCode::parse("H");
        let mut out = Output::new(PatientKey::derive(&facility, "1"), facility, 540, None);
        let parts = joined(&message, &mut out).into_iter().flat_map(|found| found.parts);
        parts.map(|part| if let Part::Text(text) = part { text } else { format!("{part:?}") }).collect()
    }

    #[test]
    fn successive_lines_of_one_name_are_one_text() {
        assert_eq!(texts("OBX|1|TX|a||x\rOBX|2|TX|a||y\rOBX|3|TX|a||\rOBX|4|TX|a||z"), ["x\ny\n\nz"]);
        assert_eq!(texts("OBX|1|TX|a||x\rOBX|2|FT|b||y\\.br\\z"), ["x", "y\nz"]);
        assert_eq!(texts("OBX|1|TX|a||x\rOBX|2|TX|a||wrong||||||W\rOBX|3|TX|a||y"), ["x\ny"]);
        assert_eq!(texts("OBX|1|TX|a||x\rNTE|1||n\rOBX|2|TX|b||y"), ["x", "n", "y"]);
        assert_eq!(texts("OBX|1|TX|a||x~y"), ["x\ny"]);
    }
}
