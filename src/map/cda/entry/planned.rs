//! What is planned, ordered, promised or proposed (moods INT, RQO, PRMS, PRP, ARQ, APT) to ServiceRequest and Appointment,
//! and instructions that stand alone (C-CDA 22.4.20) to ServiceRequest.

use super::account::{account, only_first, unmapped};
use super::identity;
use super::kind::Role;
use super::reason::{self, Reasons, Types};
use super::related::{self, Related, inline_text, is_negated, note_items, of_types, related, told, unlinked};
use super::{Cx, actor, status};
use crate::fhir::{ResourceType, Writer};
use crate::map::Output;
use crate::map::cda::datatype::timing::{Bounds, Gts};
use crate::map::cda::datatype::{cd, ii};
use crate::map::cda::node::{self, Node, attribute, child, child_attribute, children};

/// What is said about a plan by the statements within it.
#[derive(Debug, Default)]
struct About<'a> {
    reasons: Reasons<'a>,
    comments: Vec<Node<'a>>,
    instructions: Vec<Node<'a>>,
    others: Vec<Related<'a>>,
}

const LEAF: [&str; 5] = ["id", "code", "statusCode", "effectiveTime", "author"];

/// Maps a plan or order; gives the reference of its ServiceRequest.
pub(super) fn map(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let id = identity::id(node, ResourceType::SERVICE_REQUEST, cx, out);
    let authors = actor::authors(node, cx, out);
    let inner = Cx { author: authors.last.as_deref().or(cx.author), concern_status: "", ..cx };
    let about = about(node, reason::DOCUMENTED, inner, out);
    let (insurance, supporting) = of_types(support(&about.others, inner, out), &["Coverage"]);
    let mut w = Writer::new();
    ii::identifiers(&mut w, node, out);
    let code = status::code(node, out);
    w.string("status", status::service_request(code));
    w.string("intent", status::intent(attribute(node, "moodCode")));
    w.string("priority", priority(node));
    if is_negated(node) {
        w.boolean("doNotPerform", true);
    }
    service_code(&mut w, node, cx, out);
    out.subject(&mut w, "subject");
    w.reference("encounter", cx.within.encounter.unwrap_or_default());
    let gts = Gts::of(node);
    match gts.is_repeating() {
        true => w.object("occurrenceTiming", |w| gts.members(w, Bounds::Period, out)),
        false => gts.span(out).write(&mut w, "occurrence"),
    }
    w.string("authoredOn", authors.latest.as_deref().unwrap_or_default());
    w.reference("requester", authors.last.as_deref().unwrap_or_default());
    performers(&mut w, node, out);
    let place = actor::place(node, out);
    w.array("locationReference", |w| w.item(|w| w.string("reference", place.as_deref().unwrap_or_default())));
    about.reasons.write_codes(&mut w, "reasonCode", inner, out);
    about.reasons.write_references(&mut w, "reasonReference");
    w.array("insurance", |w| related::reference_items(w, &insurance));
    w.array("supportingInfo", |w| {
        related::reference_items(w, &supporting);
        related::external_items(w, node, out);
    });
    w.array("bodySite", |w| {
        for site in children(node, "targetSiteCode").filter(|site| cd::is_stated(*site)) {
            cd::concept_item(w, site, cx.within.text, out);
        }
    });
    w.array("note", |w| {
        note_items(w, &about.comments, inner, out);
        value_in_words(w, node, cx);
    });
    patient_instruction(&mut w, node, &about, cx);
    settle(node, out);
    let mut references = vec![identity::put(node, ResourceType::SERVICE_REQUEST, id, w, out)];
    references.extend(about.reasons.others);
    references
}

/// Maps an encounter that is arranged or wished for to an Appointment.
pub(super) fn appointment(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let id = identity::id(node, ResourceType::APPOINTMENT, cx, out);
    let authors = actor::authors(node, cx, out);
    let inner = Cx { author: authors.last.as_deref().or(cx.author), concern_status: "", ..cx };
    let about = about(node, reason::VISITED, inner, out);
    let span = Gts::of(node).span(out);
    let mut w = Writer::new();
    ii::identifiers(&mut w, node, out);
    // Invariants app-2 and app-3: booked ones have start and end as instants.
    let exact = |at: &Option<String>| at.as_deref().filter(|at| at.len() > 19).map(str::to_owned);
    let fixed =
        exact(&span.start).zip(exact(&span.end)).filter(|_| matches!(attribute(node, "moodCode"), "APT" | "PRMS"));
    let is_cancelled =
        matches!(child_attribute(node, "statusCode", "code"), "cancelled" | "aborted") || is_negated(node);
    let status = match (is_cancelled, &fixed) {
        (true, _) => "cancelled",
        (false, Some(_)) => "booked",
        (false, None) => "proposed",
    };
    w.string("status", status);
    w.array("serviceType", |w| {
        if let Some(code) = child(node, "code").filter(|code| cd::is_stated(*code)) {
            cd::concept_item(w, code, cx.within.text, out);
        }
    });
    about.reasons.write_codes(&mut w, "reasonCode", inner, out);
    about.reasons.write_references(&mut w, "reasonReference");
    w.string("description", &told(node, cx));
    if let Some((start, end)) = &fixed {
        w.string("start", start);
        w.string("end", end);
    }
    let comments: Vec<String> = about.comments.iter().map(|comment| related::comment_text(*comment, cx)).collect();
    w.string("comment", &comments.join("\n"));
    let instructions: Vec<String> = about.instructions.iter().map(|i| related::comment_text(*i, cx)).collect();
    w.string("patientInstruction", &instructions.join("\n"));
    w.array("participant", |w| appointment_participants(w, node, out));
    if fixed.is_none() {
        w.array("requestedPeriod", |w| {
            w.item(|w| {
                w.string("start", span.start.as_deref().unwrap_or_default());
                w.string("end", span.end.as_deref().unwrap_or_default());
            });
        });
    }
    const TAKEN: [&str; 8] =
        ["id", "code", "statusCode", "effectiveTime", "author", "performer", "participant", "entryRelationship"];
    account(node, &TAKEN, out);
    let mut references = vec![identity::put(node, ResourceType::APPOINTMENT, id, w, out)];
    references.extend(about.reasons.others);
    references.extend(unlinked(&about.others, inner, out));
    references
}

/// The patient, who is asked to come, the performers and the places.
fn appointment_participants(w: &mut Writer, node: Node<'_>, out: &mut Output) {
    let patient = out.patient.reference();
    let types = ["Practitioner", "PractitionerRole", "Patient", "RelatedPerson", "Device", "Location"];
    let mut actors = vec![patient];
    actors.extend(actor::performers(node, out).into_iter().map(|(reference, _)| reference));
    for participant in children(node, "participant") {
        let role = child(participant, "participantRole");
        let found = match attribute(participant, "typeCode") {
            "LOC" => role.and_then(|role| actor::location(role, out)),
            _ => None,
        };
        match found {
            Some(reference) => actors.push(reference),
            None => unmapped(participant, out),
        }
    }
    for actor in actors.iter().filter(|reference| actor::is_of(reference, &types)) {
        w.item(|w| {
            w.reference("actor", actor);
            w.string("status", "needs-action");
        });
    }
    if actors.iter().any(|reference| !actor::is_of(reference, &types)) {
        children(node, "performer").for_each(|performer| unmapped(performer, out));
    }
}

fn about<'a>(node: Node<'a>, types: Types, cx: Cx<'_>, out: &mut Output) -> About<'a> {
    let mut about = About { reasons: Reasons::of(types), ..About::default() };
    for related in related(node, out) {
        if about.reasons.take(&related, cx, out) {
            continue;
        }
        match related.role {
            Role::Comment => about.comments.push(related.node),
            Role::Instruction | Role::Fulfilment => about.instructions.push(related.node),
            _ => {
                about.others.push(related);
                continue;
            }
        }
        account(related.node, &LEAF, out);
    }
    about
}

/// What the plan rests on or is made of: `supportingInfo`, which may refer to anything.
fn support(others: &[Related<'_>], cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    others.iter().flat_map(|other| related::own(other, cx, out)).collect()
}

/// ActPriority as request-priority.
fn priority(node: Node<'_>) -> &'static str {
    match child_attribute(node, "priorityCode", "code") {
        "S" | "EM" => "stat",
        "A" => "asap",
        "UR" => "urgent",
        "R" | "EL" => "routine",
        _ => "",
    }
}

fn service_code(w: &mut Writer, node: Node<'_>, cx: Cx<'_>, out: &mut Output) {
    match child(node, "code").filter(|code| cd::is_stated(*code)) {
        Some(code) => cd::concept(w, "code", Some(code), cx.within.text, out),
        None => w.object("code", |w| w.string("text", &told(node, cx))),
    }
}

fn performers(w: &mut Writer, node: Node<'_>, out: &mut Output) {
    let mut performers: Vec<String> =
        actor::performers(node, out).into_iter().map(|(reference, _)| reference).collect();
    for participant in children(node, "participant") {
        let role = child(participant, "participantRole");
        let found = match attribute(participant, "typeCode") {
            "LOC" | "DEV" => continue,
            "REFT" | "PRF" | "IRCP" | "CON" | "RESP" => role.and_then(|role| actor::participant(role, out)),
            _ => None,
        };
        match found {
            Some(reference) => performers.push(reference),
            None => unmapped(participant, out),
        }
    }
    w.array("performer", |w| related::reference_items(w, &performers));
}

/// The value an observation shall reach or have.
fn value_in_words(w: &mut Writer, node: Node<'_>, cx: Cx<'_>) {
    if let Some(value) = child(node, "value").filter(|value| node::null_flavor(*value).is_none()) {
        let shown = cd::text_of(value, cx.within.text);
        let words = if shown.is_empty() { identity::code_or_text(value, cx) } else { shown };
        w.item(|w| w.string("text", words.trim()));
    }
}

fn patient_instruction(w: &mut Writer, node: Node<'_>, about: &About<'_>, cx: Cx<'_>) {
    let own = if super::kind::role(node) == Role::Instruction { told(node, cx) } else { inline_text(node) };
    let mut lines: Vec<String> = about.instructions.iter().map(|i| related::comment_text(*i, cx)).collect();
    lines.push(own);
    lines.retain(|line| !line.is_empty());
    w.string("patientInstruction", &lines.join("\n"));
}

fn settle(node: Node<'_>, out: &mut Output) {
    const TAKEN: [&str; 12] = [
        "id",
        "code",
        "statusCode",
        "effectiveTime",
        "priorityCode",
        "value",
        "targetSiteCode",
        "author",
        "performer",
        "participant",
        "entryRelationship",
        "reference",
    ];
    account(node, &TAKEN, out);
    only_first(node, "value", out);
    for device in children(node, "participant").filter(|p| attribute(*p, "typeCode") == "DEV") {
        unmapped(device, out);
    }
}
