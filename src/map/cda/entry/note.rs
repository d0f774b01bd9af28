//! Notes (C-CDA 22.4.202) and multimedia to DocumentReference and Media; comments that stand alone to what keeps them.

use super::account::{account, unmapped};
use super::identity;
use super::related::{comment_text, related, told, unlinked};
use super::{Cx, actor};
use crate::fhir::{ResourceType, Writer};
use crate::map::Output;
use crate::map::cda::datatype::ivl_ts::Span;
use crate::map::cda::datatype::{cd, ed, ii};
use crate::map::cda::node::{self, Node, attribute, child, child_attribute, children, descend};
use crate::map::stated::Content;

/// Maps a note; gives the reference of its DocumentReference.
pub(super) fn map(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let mut attachment = Writer::default();
    let text = child(node, "text");
    let has_content = text.is_some_and(|text| ed::attachment(&mut attachment, text, cx.within.text));
    let id = identity::id(node, ResourceType::DOCUMENT_REFERENCE, cx, out);
    let authors = actor::authors(node, cx, out);
    let inner = Cx { author: authors.last.as_deref().or(cx.author), ..cx };
    let within = related(node, out);
    let span = Span::of(child(node, "effectiveTime"), out);
    let mut w = Writer::new();
    ii::identifiers(&mut w, node, out);
    w.string(
        "status",
        if child_attribute(node, "statusCode", "code") == "nullified" { "entered-in-error" } else { "current" },
    );
    let doc_status = match child_attribute(node, "statusCode", "code") {
        "completed" => "final",
        "active" => "preliminary",
        _ => "",
    };
    w.string("docStatus", doc_status);
    cd::concept(&mut w, "type", child(node, "code").filter(|code| cd::is_stated(*code)), cx.within.text, out);
    w.array("category", |w| {
        w.item(|w| {
            let category = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category";
            w.array("coding", |w| w.coding_item(category, "clinical-note", "Clinical Note"));
        });
    });
    out.subject(&mut w, "subject");
    // DocumentReference.date is an instant.
    w.string("date", authors.latest.as_deref().filter(|at| at.len() > 19).unwrap_or_default());
    let types = ["Practitioner", "PractitionerRole", "Organization", "Device", "Patient", "RelatedPerson"];
    w.array("author", |w| w.item(|w| w.string("reference", authors.of_types(&types).unwrap_or_default())));
    let authenticator = children(node, "participant").filter(|p| attribute(*p, "typeCode") == "LA");
    let authenticator = authenticator.filter_map(|p| child(p, "participantRole")).next();
    let authenticator = authenticator.and_then(|role| actor::assigned_entity(role, out));
    w.reference("authenticator", authenticator.as_deref().unwrap_or_default());
    w.array("content", |w| {
        w.item(|w| match has_content {
            true => w.object("attachment", |w| w.members(attachment)),
            false => w.object("attachment", |w| w.string("title", "unknown")),
        });
    });
    let visits = within.iter().filter(|r| node::name(r.node) == "encounter" && child(r.node, "code").is_none());
    let visit = visits.filter_map(|r| ii::key(r.node)).find_map(|key| out.stated.named(&key).map(str::to_owned));
    w.object("context", |w| {
        let encounter = visit.as_deref().or(cx.within.encounter).unwrap_or_default();
        w.array("encounter", |w| w.item(|w| w.string("reference", encounter)));
        span.period(w, "period");
    });
    const TAKEN: [&str; 8] =
        ["id", "code", "statusCode", "effectiveTime", "author", "participant", "entryRelationship", "performer"];
    account(node, &TAKEN, out);
    super::device::report_participants(node, &["LA"], out);
    children(node, "performer").for_each(|performer| unmapped(performer, out));
    let mut references = vec![identity::put(node, ResourceType::DOCUMENT_REFERENCE, id, w, out)];
    let others: Vec<_> = within.into_iter().filter(|r| visit.is_none() || node::name(r.node) != "encounter").collect();
    references.extend(unlinked(&others, inner, out));
    references
}

/// A comment that no resource takes as its note: a DocumentReference of its words.
pub(super) fn standalone(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    if comment_text(node, cx).is_empty() {
        unmapped(node, out);
        return Vec::new();
    }
    map(node, cx, out)
}

/// Maps an act that only refers to documents elsewhere: a DocumentReference for each.
pub(super) fn external(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let mut references = Vec::new();
    for document in children(node, "reference").filter_map(|reference| child(reference, "externalDocument")) {
        let title = child(document, "code").map(|code| cd::text_of(code, cx.within.text)).unwrap_or_default();
        let mut attachment = Writer::default();
        let has_address =
            child(document, "text").is_some_and(|text| ed::attachment(&mut attachment, text, cx.within.text));
        if !has_address && ii::key(document).is_none() {
            unmapped(document, out);
            continue;
        }
        attachment.string("title", if title.is_empty() { "-" } else { &title });
        let id = identity::id(document, ResourceType::DOCUMENT_REFERENCE, cx, out);
        let mut w = Writer::new();
        ii::identifiers(&mut w, document, out);
        w.string("status", "current");
        cd::concept(&mut w, "type", child(document, "code").filter(|code| cd::is_stated(*code)), cx.within.text, out);
        out.subject(&mut w, "subject");
        w.array("content", |w| w.item(|w| w.object("attachment", |w| w.members(attachment))));
        account(document, &["id", "code", "text"], out);
        references.push(identity::put(document, ResourceType::DOCUMENT_REFERENCE, id, w, out));
    }
    account(node, &["id", "code", "statusCode", "reference"], out);
    references
}

/// Maps an observationMedia: images, sound and film to Media, other data to DocumentReference.
pub(super) fn media(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let value = child(node, "value");
    let media_type = value.map(|value| attribute(value, "mediaType")).unwrap_or_default();
    let is_media = ["image/", "audio/", "video/"].iter().any(|prefix| media_type.starts_with(prefix));
    let resource_type = if is_media { ResourceType::MEDIA } else { ResourceType::DOCUMENT_REFERENCE };
    let mut attachment = Writer::default();
    if !value.is_some_and(|value| ed::attachment(&mut attachment, value, cx.within.text)) {
        unmapped(node, out);
        return Vec::new();
    }
    let what = format!("{media_type}{}", attribute(node, "ID"));
    let id = identity::of_content(node, resource_type, Content { what, when: identity::when(node) }, cx, out);
    let authors = actor::authors(node, cx, out);
    let title =
        descend(node, &["code"]).map(|code| cd::text_of(code, cx.within.text)).unwrap_or_else(|| told(node, cx));
    attachment.string("title", &title);
    let mut w = Writer::new();
    ii::identifiers(&mut w, node, out);
    let types = ["Practitioner", "PractitionerRole", "Organization", "Device", "Patient", "RelatedPerson"];
    match is_media {
        true => {
            w.string("status", "completed");
            out.subject(&mut w, "subject");
            w.reference("encounter", cx.within.encounter.unwrap_or_default());
            Span::of(child(node, "effectiveTime"), out).write(&mut w, "created");
            w.reference("operator", authors.of_types(&types).unwrap_or_default());
            w.object("content", |w| w.members(attachment));
        }
        false => {
            w.string("status", "current");
            out.subject(&mut w, "subject");
            w.array("author", |w| w.item(|w| w.string("reference", authors.of_types(&types).unwrap_or_default())));
            w.array("content", |w| w.item(|w| w.object("attachment", |w| w.members(attachment))));
        }
    }
    const TAKEN: [&str; 6] = ["id", "value", "author", "effectiveTime", "code", "statusCode"];
    account(node, &TAKEN, out);
    vec![identity::put(node, resource_type, id, w, out)]
}
