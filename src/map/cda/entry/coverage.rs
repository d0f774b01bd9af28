//! Coverage and policy activities (C-CDA 22.4.60, 22.4.61) to Coverage.

use super::account::{account, unmapped};
use super::identity;
use super::related::{related, told, unlinked};
use super::{Cx, actor};
use crate::fhir::{ResourceType, Writer, system};
use crate::map::Output;
use crate::map::cda::datatype::ivl_ts::Span;
use crate::map::cda::datatype::{cd, ii};
use crate::map::cda::node::{self, Node, attribute, child, child_attribute, children};

/// Maps a coverage activity: one Coverage per policy in it; gives their references.
pub(super) fn map(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let policies: Vec<_> = related(node, out);
    if policies.is_empty() {
        // A policy that stands alone, or a plan of one.
        return policy(node, None, cx, out);
    }
    let mut references = Vec::new();
    for related in &policies {
        let sequence = child_attribute(related.relation, "sequenceNumber", "value");
        match node::name(related.node) {
            "act" => references.extend(policy(related.node, Some((node, sequence)), cx.deeper(), out)),
            _ => references.extend(unlinked(std::slice::from_ref(related), cx, out)),
        }
    }
    const TAKEN: [&str; 5] = ["id", "code", "statusCode", "effectiveTime", "entryRelationship"];
    account(node, &TAKEN, out);
    references
}

/// One policy; `around` is the coverage activity with the policy's order in it.
fn policy(node: Node<'_>, around: Option<(Node<'_>, &str)>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let id = identity::id(node, ResourceType::COVERAGE, cx, out);
    let covered = participation(node, "COV");
    let holder = participation(node, "HLD");
    let payers: Vec<(String, Node<'_>)> = actor::performers(node, out);
    let is_guarantor = |performer: Node<'_>| {
        let code = child(performer, "assignedEntity").map(|entity| child_attribute(entity, "code", "code"));
        code == Some("GUAR")
            || node::children(performer, "templateId").any(|t| attribute(t, "root").ends_with(".22.4.88"))
    };
    let (guarantors, payers): (Vec<_>, Vec<_>) =
        payers.into_iter().partition(|(_, performer)| is_guarantor(*performer));
    let role = covered.and_then(|covered| child(covered, "participantRole"));
    let mut w = Writer::new();
    w.array("identifier", |w| {
        ii::identifier_items(w, node, out);
        if let Some((around, _)) = around {
            ii::identifier_items(w, around, out);
        }
    });
    let mood = attribute(around.map(|(around, _)| around).unwrap_or(node), "moodCode");
    w.string(
        "status",
        match child_attribute(node, "statusCode", "code") {
            "cancelled" | "aborted" => "cancelled",
            "nullified" => "entered-in-error",
            _ if !matches!(mood, "" | "EVN" | "DEF") => "draft",
            _ => "active",
        },
    );
    cd::concept(&mut w, "type", child(node, "code").filter(|code| cd::is_stated(*code)), cx.within.text, out);
    let policy_holder = holder.and_then(|holder| child(holder, "participantRole"));
    let policy_holder = policy_holder.and_then(|role| actor::related_person(role, out));
    w.reference("policyHolder", policy_holder.as_deref().unwrap_or_default());
    let member = role.and_then(|role| children(role, "id").find(|id| !attribute(*id, "extension").is_empty()));
    w.string("subscriberId", member.map(|id| attribute(id, "extension")).unwrap_or_default());
    out.subject(&mut w, "beneficiary");
    relationship(&mut w, role, cx, out);
    Span::of(covered.and_then(|covered| child(covered, "time")).or_else(|| child(node, "effectiveTime")), out)
        .period(&mut w, "period");
    payors(&mut w, &payers, &guarantors, node, cx);
    classes(&mut w, node, cx, out);
    if let Some(order) = around.and_then(|(_, order)| order.parse::<u32>().ok()).filter(|order| *order > 0) {
        w.integer("order", i64::from(order));
    }
    settle(node, &guarantors, out);
    vec![identity::put(node, ResourceType::COVERAGE, id, w, out)]
}

fn participation<'a>(node: Node<'a>, kind: &str) -> Option<Node<'a>> {
    children(node, "participant").find(|participant| attribute(*participant, "typeCode") == kind)
}

/// How the patient is related to the subscriber (CoverageRoleType of ActCode/RoleCode as subscriber-relationship).
fn relationship(w: &mut Writer, role: Option<Node<'_>>, cx: Cx<'_>, out: &mut Output) {
    let Some(code) = role.and_then(|role| child(role, "code")).filter(|code| cd::is_stated(*code)) else { return };
    let known = match attribute(code, "code") {
        "SELF" => "self",
        "SPON" | "SPSE" | "HUSB" | "WIFE" => "spouse",
        "CHILD" | "NCHILD" | "NATCHILD" | "STPCHLD" | "SON" | "DAU" => "child",
        "PRN" | "MTH" | "FTH" | "NPRN" => "parent",
        _ => return cd::concept(w, "relationship", Some(code), cx.within.text, out),
    };
    w.object("relationship", |w| {
        w.array("coding", |w| {
            w.coding_item("http://terminology.hl7.org/CodeSystem/subscriber-relationship", known, "");
            cd::codings(w, code, out);
        });
    });
}

/// Who pays; FHIR requires somebody.
fn payors(
    w: &mut Writer,
    payers: &[(String, Node<'_>)],
    guarantors: &[(String, Node<'_>)],
    node: Node<'_>,
    cx: Cx<'_>,
) {
    let may_pay =
        |reference: &&(String, Node<'_>)| actor::is_of(&reference.0, &["Organization", "Patient", "RelatedPerson"]);
    w.array("payor", |w| {
        for (reference, _) in payers.iter().chain(guarantors).filter(may_pay) {
            w.item(|w| w.string("reference", reference));
        }
        if !payers.iter().chain(guarantors).any(|payer| may_pay(&payer)) {
            let words = told(node, cx);
            w.item(|w| match words.is_empty() {
                false => w.string("display", &words),
                true => w.array("extension", |w| {
                    w.item(|w| {
                        w.string("url", system::DATA_ABSENT_REASON);
                        w.string("valueCode", "unknown");
                    });
                }),
            });
        }
    });
}

/// The plan a policy refers to (entryRelationship REFR, act DEF): its id and name.
fn classes(w: &mut Writer, node: Node<'_>, cx: Cx<'_>, out: &mut Output) {
    let plans = related(node, out);
    w.array("class", |w| {
        for plan in plans.iter().filter(|plan| attribute(plan.node, "moodCode") == "DEF") {
            let id = children(plan.node, "id").map(|id| attribute(id, "extension")).find(|id| !id.is_empty());
            let name = told(plan.node, cx);
            let value = id.unwrap_or(if name.is_empty() { "" } else { &name });
            if value.is_empty() {
                unmapped(plan.relation, out);
                continue;
            }
            w.item(|w| {
                w.concept("type", "http://terminology.hl7.org/CodeSystem/coverage-class", "plan", "Plan");
                w.string("value", value);
                w.string("name", &name);
            });
        }
    });
    for other in plans.iter().filter(|plan| attribute(plan.node, "moodCode") != "DEF") {
        // An authorization is a part of the policy's use, for which R4 has no resource that a document could state.
        unmapped(other.relation, out);
    }
}

fn settle(node: Node<'_>, guarantors: &[(String, Node<'_>)], out: &mut Output) {
    const TAKEN: [&str; 7] =
        ["id", "code", "statusCode", "effectiveTime", "performer", "participant", "entryRelationship"];
    account(node, &TAKEN, out);
    super::device::report_participants(node, &["COV", "HLD"], out);
    for (reference, performer) in guarantors {
        if !actor::is_of(reference, &["Organization", "Patient", "RelatedPerson"]) {
            unmapped(*performer, out);
        }
    }
}
