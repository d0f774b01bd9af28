//! Care team organizers (C-CDA 22.4.500, members 22.4.500.1, type 22.4.500.2) to CareTeam.

use super::account::{account, unmapped};
use super::identity;
use super::kind::has_template;
use super::related::{Related, own, related, told};
use super::{Cx, actor};
use crate::fhir::{ResourceType, Writer};
use crate::map::Output;
use crate::map::cda::datatype::ivl_ts::Span;
use crate::map::cda::datatype::{cd, ii};
use crate::map::cda::node::{Node, attribute, child, child_attribute, children};

const MEMBER: &str = "2.16.840.1.113883.10.20.22.4.500.1";
const TYPE: &str = "2.16.840.1.113883.10.20.22.4.500.2";
/// Who may be a member.
const MEMBERS: [&str; 6] = ["Practitioner", "PractitionerRole", "RelatedPerson", "Patient", "Organization", "CareTeam"];

/// Maps the organizer; gives its reference, then those of what else it holds.
pub(super) fn map(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let id = identity::id(node, ResourceType::CARE_TEAM, cx, out);
    let authors = actor::authors(node, cx, out);
    let inner = Cx { author: authors.last.as_deref().or(cx.author), ..cx };
    let (members, others): (Vec<_>, Vec<_>) = related(node, out)
        .into_iter()
        .partition(|r| has_template(r.node, MEMBER) || child_attribute(r.node, "code", "code") == "85847-2");
    let (kinds, others): (Vec<_>, Vec<_>) = others
        .into_iter()
        .partition(|r| has_template(r.node, TYPE) || child_attribute(r.node, "code", "code") == "86744-0");
    let mut w = Writer::new();
    ii::identifiers(&mut w, node, out);
    w.string(
        "status",
        match child_attribute(node, "statusCode", "code") {
            "active" => "active",
            "completed" | "aborted" | "cancelled" => "inactive",
            "suspended" | "held" => "suspended",
            "new" => "proposed",
            "nullified" => "entered-in-error",
            _ => "active",
        },
    );
    w.array("category", |w| {
        for kind in &kinds {
            if let Some(value) = child(kind.node, "value").filter(|value| cd::is_stated(*value)) {
                cd::concept_item(w, value, cx.within.text, out);
            }
            account(kind.node, &["id", "code", "statusCode", "effectiveTime", "value"], out);
        }
    });
    let name = child(node, "code").map(|code| cd::text_of(code, cx.within.text)).unwrap_or_default();
    w.string("name", &name);
    out.subject(&mut w, "subject");
    w.reference("encounter", cx.within.encounter.unwrap_or_default());
    Span::of(child(node, "effectiveTime"), out).period(&mut w, "period");
    let mut references = Vec::new();
    w.array("participant", |w| {
        for member in &members {
            self::member(w, member, &mut references, inner, out);
        }
        // Who leads the team stands beside its members (participant PPRF).
        for leader in children(node, "participant").filter(|p| attribute(*p, "typeCode") == "PPRF") {
            lead(w, leader, out);
        }
    });
    w.array("note", |w| w.item(|w| w.string("text", &told(node, cx))));
    const TAKEN: [&str; 8] =
        ["id", "code", "statusCode", "effectiveTime", "author", "component", "participant", "entryRelationship"];
    account(node, &TAKEN, out);
    super::device::report_participants(node, &["PPRF"], out);
    for other in &others {
        references.extend(own(other, inner, out));
    }
    references.insert(0, identity::put(node, ResourceType::CARE_TEAM, id, w, out));
    references
}

/// A member: who, in which role, since when.
fn member(w: &mut Writer, member: &Related<'_>, references: &mut Vec<String>, cx: Cx<'_>, out: &mut Output) {
    let node = member.node;
    for (reference, performer) in actor::performers(node, out) {
        if !actor::is_of(&reference, &MEMBERS) {
            unmapped(performer, out);
            continue;
        }
        w.item(|w| {
            let function = child(performer, "functionCode").filter(|code| cd::is_stated(*code));
            w.array("role", |w| {
                if let Some(function) = function {
                    cd::concept_item(w, function, cx.within.text, out);
                }
            });
            w.reference("member", &reference);
            Span::of(child(node, "effectiveTime"), out).period(w, "period");
        });
    }
    for participant in children(node, "participant") {
        let role = child(participant, "participantRole");
        match role.and_then(|role| actor::related_person(role, out)) {
            Some(reference) => w.item(|w| w.reference("member", &reference)),
            None => unmapped(participant, out),
        }
    }
    account(node, &["id", "code", "statusCode", "effectiveTime", "performer", "participant", "entryRelationship"], out);
    for within in related(node, out) {
        references.extend(own(&within, cx, out));
    }
}

fn lead(w: &mut Writer, participant: Node<'_>, out: &mut Output) {
    let role = child(participant, "participantRole");
    match role.and_then(|role| actor::assigned_entity(role, out)).filter(|r| actor::is_of(r, &MEMBERS)) {
        Some(reference) => w.item(|w| w.reference("member", &reference)),
        None => unmapped(participant, out),
    }
}
