//! Organizers: results to DiagnosticReport and its Observations, status organizers to a panel Observation, others to what
//! they hold.

use super::account::{account, only_first};
use super::kind::Role;
use super::related::{self, of_types, reference_items, related};
use super::{Cx, actor, identity, status};
use crate::fhir::{ResourceType, Writer};
use crate::map::Output;
use crate::map::cda::datatype::ivl_ts::Span;
use crate::map::cda::datatype::{cd, ii};
use crate::map::cda::node::{self, Node, attribute, child, child_attribute};

const V2_0074: &str = "http://terminology.hl7.org/CodeSystem/v2-0074";

/// What an organizer's own children are, beside its components.
const TAKEN: [&str; 10] = [
    "id",
    "code",
    "statusCode",
    "effectiveTime",
    "author",
    "performer",
    "component",
    "entryRelationship",
    "specimen",
    "participant",
];

/// Maps a result organizer (C-CDA 22.4.1): DiagnosticReport with the results it holds.
pub(super) fn results(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let id = identity::id(node, ResourceType::DIAGNOSTIC_REPORT, cx, out);
    let authors = actor::authors(node, cx, out);
    let mut span = Span::of(child(node, "effectiveTime"), out);
    let inner = Cx { author: authors.last.as_deref().or(cx.author), time: Some(&span), ..cx };
    let parts = parts(node, inner, out);
    let specimen = actor::specimen(node, None, cx, out);
    if span.is_empty() {
        span = cx.time.cloned().unwrap_or_default();
    }
    let mut w = Writer::new();
    ii::identifiers(&mut w, node, out);
    w.string("status", status::result(status::code(node, out)));
    report_category(&mut w, node);
    report_code(&mut w, node, cx, out);
    out.subject(&mut w, "subject");
    w.reference("encounter", cx.within.encounter.unwrap_or_default());
    span.write(&mut w, "effective");
    if let Some(at) = authors.latest.as_deref().filter(|at| at.len() > 19) {
        w.string("issued", at);
    }
    let types = ["Practitioner", "PractitionerRole", "Organization"];
    let mut performers = actor::performers_of(node, &types, out);
    if performers.is_empty() {
        performers.extend(authors.of_types(&types).map(str::to_owned));
    }
    w.array("performer", |w| reference_items(w, &performers));
    w.array("specimen", |w| {
        let specimens = specimen.iter().chain(&parts.specimens);
        specimens.for_each(|reference| w.item(|w| w.string("reference", reference)));
    });
    let (results, others) = of_types(parts.references, &["Observation"]);
    let (studies, mut others) = of_types(others, &["ImagingStudy"]);
    w.array("result", |w| reference_items(w, &results));
    w.array("imagingStudy", |w| reference_items(w, &studies));
    w.string("conclusion", &conclusion(&parts.comments, node, cx));
    settle(node, out);
    let mut references = vec![identity::put(node, ResourceType::DIAGNOSTIC_REPORT, id, w, out)];
    references.append(&mut others);
    references
}

/// Maps a status organizer (functional, mental, advance directives): an Observation whose members are what it holds.
pub(super) fn panel(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let authors = actor::authors(node, cx, out);
    let span = Span::of(child(node, "effectiveTime"), out);
    let inner = Cx { author: authors.last.as_deref().or(cx.author), time: Some(&span), ..cx };
    let parts = parts(node, inner, out);
    let (members, mut others) = of_types(parts.references, &["Observation"]);
    let is_coded = child(node, "code").is_some_and(cd::is_stated);
    if members.is_empty() || !is_coded {
        settle(node, out);
        others.splice(0..0, members);
        return others;
    }
    let id = identity::id(node, ResourceType::OBSERVATION, cx, out);
    let mut w = Writer::new();
    ii::identifiers(&mut w, node, out);
    w.string("status", status::result(status::code(node, out)));
    cd::concept(&mut w, "code", child(node, "code"), cx.within.text, out);
    out.subject(&mut w, "subject");
    w.reference("encounter", cx.within.encounter.unwrap_or_default());
    span.write(&mut w, "effective");
    w.array("performer", |w| {
        let types = ["Practitioner", "PractitionerRole", "Organization", "Patient", "RelatedPerson"];
        w.item(|w| w.string("reference", authors.of_types(&types).unwrap_or_default()));
    });
    related::notes(&mut w, &parts.comments, inner, out);
    w.array("hasMember", |w| reference_items(w, &members));
    settle(node, out);
    let mut references = vec![identity::put(node, ResourceType::OBSERVATION, id, w, out)];
    references.append(&mut others);
    references
}

/// Maps an organizer that only puts things beside each other (medical equipment): what it holds.
pub(super) fn loose(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let authors = actor::authors(node, cx, out);
    let span = Span::of(child(node, "effectiveTime"), out);
    let inner = Cx { author: authors.last.as_deref().or(cx.author), time: Some(&span), ..cx };
    let parts = parts(node, inner, out);
    settle(node, out);
    parts.references
}

/// What an organizer holds.
#[derive(Debug, Default)]
pub(super) struct Parts<'a> {
    pub(super) references: Vec<String>,
    pub(super) specimens: Vec<String>,
    pub(super) comments: Vec<Node<'a>>,
}

fn parts<'a>(node: Node<'a>, cx: Cx<'_>, out: &mut Output) -> Parts<'a> {
    let mut parts = Parts::default();
    for related in related(node, out) {
        match related.role {
            Role::Comment => {
                account(related.node, &["code", "statusCode", "author", "id", "effectiveTime"], out);
                parts.comments.push(related.node);
            }
            _ if is_collection(related.node) => {
                let collected = Span::of(child(related.node, "effectiveTime"), out);
                match actor::specimen(related.node, collected.first(), cx, out) {
                    Some(specimen) => parts.specimens.push(specimen),
                    None => parts.references.extend(related::own(&related, cx, out)),
                }
            }
            _ => parts.references.extend(related::own(&related, cx, out)),
        }
    }
    parts
}

/// The collection of the specimen (C-CDA 22.4.415): what it tells is in the Specimen.
fn is_collection(node: Node<'_>) -> bool {
    node::name(node) == "procedure" && child_attribute(node, "code", "code") == "17636008"
}

/// LAB, unless a translation of the code says another diagnostic service.
fn report_category(w: &mut Writer, node: Node<'_>) {
    let translation = child(node, "code").into_iter().flat_map(|code| node::children(code, "translation"));
    let stated =
        translation.filter(|t| attribute(*t, "codeSystem") == "2.16.840.1.113883.12.74").map(|t| attribute(t, "code"));
    let code = stated.into_iter().next().unwrap_or("LAB");
    let display = if code == "LAB" { "Laboratory" } else { "" };
    w.array("category", |w| w.item(|w| w.array("coding", |w| w.coding_item(V2_0074, code, display))));
}

/// The code; what has none is named by the section's narrative or is a laboratory report (LOINC 11502-2).
fn report_code(w: &mut Writer, node: Node<'_>, cx: Cx<'_>, out: &mut Output) {
    match child(node, "code").filter(|code| cd::is_stated(*code)) {
        Some(code) => cd::concept(w, "code", Some(code), cx.within.text, out),
        None => w.concept("code", "http://loinc.org", "11502-2", "Laboratory report"),
    }
}

fn conclusion(comments: &[Node<'_>], node: Node<'_>, cx: Cx<'_>) -> String {
    let mut lines: Vec<String> = comments.iter().map(|comment| related::comment_text(*comment, cx)).collect();
    lines.push(related::inline_text(node));
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

fn settle(node: Node<'_>, out: &mut Output) {
    account(node, &TAKEN, out);
    only_first(node, "specimen", out);
    super::device::report_participants(node, &[], out);
}
