//! What was done: procedure, act and observation of the procedure templates (C-CDA 22.4.12, 22.4.13, 22.4.14), and coded acts
//! without a template, to Procedure.

use super::account::{account, unmapped};
use super::identity;
use super::kind::Role;
use super::reason::{self, Reasons};
use super::related::{self, Related, inline_text, is_negated, note_items, of_types, reference_items, related, told};
use super::{Cx, actor, device, status};
use crate::fhir::{ResourceType, Writer, system};
use crate::map::Output;
use crate::map::cda::datatype::ivl_ts::Span;
use crate::map::cda::datatype::{cd, ii, pq};
use crate::map::cda::node::{self, Node, attribute, child, children, null_flavor};

const METHOD: &str = "http://hl7.org/fhir/StructureDefinition/procedure-method";
const LEAF: [&str; 6] = ["id", "code", "statusCode", "effectiveTime", "value", "author"];
/// What Procedure.report may refer to.
const REPORTS: [&str; 2] = ["DiagnosticReport", "DocumentReference"];

/// What is said about a procedure by the statements within it.
#[derive(Debug, Default)]
struct About<'a> {
    reasons: Reasons<'a>,
    comments: Vec<Node<'a>>,
    follow_ups: Vec<Node<'a>>,
    others: Vec<Related<'a>>,
}

/// Maps the procedure; gives its reference, then those of what was done or given in it.
pub(super) fn map(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let id = identity::id(node, ResourceType::PROCEDURE, cx, out);
    let reference = format!("Procedure/{}", id.as_str());
    let authors = actor::authors(node, cx, out);
    let inner = Cx {
        author: authors.last.as_deref().or(cx.author),
        is_given: true,
        around: Some(&reference),
        concern_status: "",
        ..cx
    };
    let about = about(node, inner, out);
    let held = held(&about.others, inner, out);
    let span = super::observation::span(node, cx, out);
    let mut w = Writer::new();
    methods(&mut w, node, cx, out);
    ii::identifiers(&mut w, node, out);
    w.array("partOf", |w| {
        let around = cx.around.filter(|r| actor::is_of(r, &["Procedure"]));
        w.item(|w| w.string("reference", around.unwrap_or_default()));
    });
    let code = status::code(node, out);
    let is_not_done = is_negated(node) && code != "nullified";
    w.string("status", if is_not_done { "not-done" } else { status_of(code, &span) });
    about.reasons.write_refusal(&mut w, inner, out);
    procedure_code(&mut w, node, cx, out);
    out.subject(&mut w, "subject");
    w.reference("encounter", cx.within.encounter.unwrap_or_default());
    span.write_or_absent(&mut w, "performed");
    authors.recorder(&mut w, "recorder");
    asserter(&mut w, node, out);
    performers(&mut w, node, out);
    let place = actor::place(node, out);
    w.reference("location", place.as_deref().unwrap_or_default());
    about.reasons.write_codes(&mut w, "reasonCode", inner, out);
    about.reasons.write_references(&mut w, "reasonReference");
    w.array("bodySite", |w| {
        for site in children(node, "targetSiteCode").filter(|site| cd::is_stated(*site)) {
            cd::concept_item(w, site, cx.within.text, out);
        }
    });
    outcome(&mut w, node, cx, out);
    w.array("report", |w| {
        reference_items(w, &held.reports);
        related::external_items(w, node, out);
    });
    w.array("complicationDetail", |w| reference_items(w, &held.complications));
    w.array("followUp", |w| follow_ups(w, &about, inner, out));
    w.array("note", |w| {
        note_items(w, &about.comments, inner, out);
        w.item(|w| w.string("text", &inline_text(node)));
        value_in_words(w, node);
    });
    let devices = device::of_procedure(node, out);
    w.array("focalDevice", |w| {
        for device in &devices {
            w.item(|w| w.reference("manipulated", device));
        }
    });
    let specimen = actor::specimen(node, span.first(), cx, out);
    settle(node, out);
    let mut references = vec![identity::put(node, ResourceType::PROCEDURE, id, w, out)];
    references.extend(specimen);
    references.extend(about.reasons.others);
    references.extend(held.others);
    references
}

fn about<'a>(node: Node<'a>, cx: Cx<'_>, out: &mut Output) -> About<'a> {
    let mut about = About { reasons: Reasons::of(reason::DOCUMENTED), ..About::default() };
    for related in related(node, out) {
        if about.reasons.take(&related, cx, out) {
            continue;
        }
        match related.role {
            Role::Comment => about.comments.push(related.node),
            Role::Instruction => about.follow_ups.push(related.node),
            // Read with the device.
            _ if device::is_udi(related.node) => continue,
            _ => {
                about.others.push(related);
                continue;
            }
        }
        account(related.node, &LEAF, out);
    }
    about
}

/// What became of the statements within a procedure.
#[derive(Debug, Default)]
struct Held {
    reports: Vec<String>,
    complications: Vec<String>,
    others: Vec<String>,
}

fn held(others: &[Related<'_>], cx: Cx<'_>, out: &mut Output) -> Held {
    let mut held = Held::default();
    for related in others {
        let kind = node::name(related.node);
        // What is done or given in it refers to it by itself (partOf), and a fact beside it needs no link.
        let is_part = matches!(kind, "procedure" | "substanceAdministration") || related.role == Role::Pointer;
        let references = if is_part { related::own(related, cx, out) } else { Vec::new() };
        if is_part {
            held.others.extend(references);
            continue;
        }
        let (reports, rest) = of_types(related::own(related, cx, out), &REPORTS);
        held.reports.extend(reports);
        let (conditions, rest) = of_types(rest, &["Condition"]);
        held.complications.extend(conditions);
        if !rest.is_empty() {
            related::note_unlinked(related, out);
        }
        held.others.extend(rest);
    }
    held
}

/// By statusCode; one that does not say is done when it has a time.
fn status_of(code: &str, span: &Span) -> &'static str {
    match code {
        "" if !span.is_empty() => "completed",
        "" => "unknown",
        code => status::procedure(code),
    }
}

fn procedure_code(w: &mut Writer, node: Node<'_>, cx: Cx<'_>, out: &mut Output) {
    match child(node, "code").filter(|code| cd::is_stated(*code)) {
        Some(code) => cd::concept(w, "code", Some(code), cx.within.text, out),
        None => w.object("code", |w| w.string("text", &told(node, cx))),
    }
}

/// How it was done: an extension in R4.
fn methods(w: &mut Writer, node: Node<'_>, cx: Cx<'_>, out: &mut Output) {
    w.array("extension", |w| {
        for method in children(node, "methodCode").filter(|method| cd::is_stated(*method)) {
            w.item(|w| {
                w.string("url", METHOD);
                cd::concept(w, "valueCodeableConcept", Some(method), cx.within.text, out);
            });
        }
    });
}

fn asserter(w: &mut Writer, node: Node<'_>, out: &mut Output) {
    let types = ["Patient", "Practitioner", "PractitionerRole", "RelatedPerson"];
    let informant = actor::informant(node, out).filter(|reference| actor::is_of(reference, &types));
    w.reference("asserter", informant.as_deref().unwrap_or_default());
}

/// Whoever did it, and whoever took part in another way.
fn performers(w: &mut Writer, node: Node<'_>, out: &mut Output) {
    let performers = actor::performers(node, out);
    let mut others = Vec::new();
    for participant in children(node, "participant") {
        let kind = attribute(participant, "typeCode");
        if !matches!(kind, "LOC" | "DEV") {
            match child(participant, "participantRole").and_then(|role| actor::participant(role, out)) {
                Some(reference) => others.push((reference, kind)),
                None if null_flavor(participant).is_some() => {}
                None => unmapped(participant, out),
            }
        }
    }
    w.array("performer", |w| {
        for (reference, performer) in &performers {
            w.item(|w| {
                let function = child(*performer, "functionCode").filter(|code| cd::is_stated(*code));
                cd::concept(w, "function", function, &|_| None, out);
                w.reference("actor", reference);
            });
        }
        for (reference, kind) in &others {
            w.item(|w| {
                w.concept("function", system::V3_PARTICIPATION, kind, "");
                w.reference("actor", reference);
            });
        }
    });
}

/// The coded value of a procedure observation.
fn outcome(w: &mut Writer, node: Node<'_>, cx: Cx<'_>, out: &mut Output) {
    cd::concept(w, "outcome", child(node, "value").filter(|value| cd::is_stated(*value)), cx.within.text, out);
}

/// Its value where it is no code.
fn value_in_words(w: &mut Writer, node: Node<'_>) {
    let value = child(node, "value").filter(|value| null_flavor(*value).is_none() && !cd::is_stated(*value));
    if let Some(value) = value {
        let words = if pq::is_stated(value) { pq::in_words(value) } else { node::text(value) };
        w.item(|w| w.string("text", &words));
    }
}

fn follow_ups(w: &mut Writer, about: &About<'_>, cx: Cx<'_>, out: &mut Output) {
    for instruction in &about.follow_ups {
        w.item(|w| {
            w.array("coding", |w| {
                if let Some(code) = child(*instruction, "code") {
                    cd::codings(w, code, out);
                }
            });
            w.string("text", &related::comment_text(*instruction, cx));
        });
    }
}

fn settle(node: Node<'_>, out: &mut Output) {
    const TAKEN: [&str; 14] = [
        "id",
        "code",
        "statusCode",
        "effectiveTime",
        "value",
        "targetSiteCode",
        "methodCode",
        "author",
        "performer",
        "participant",
        "entryRelationship",
        "specimen",
        "informant",
        "reference",
    ];
    account(node, &TAKEN, out);
    for value in children(node, "value").skip(1) {
        unmapped(value, out);
    }
}
