//! Problem observations (C-CDA 22.4.4, IHE PCC problem entry, 病名 of Japanese documents) to Condition.

use super::account::{account, only_first};
use super::identity;
use super::kind::{Role, section};
use super::related::{self, inline_text, is_negated, note_items, reference_items, related, told};
use super::{Cx, actor};
use crate::fhir::{ResourceType, Writer};
use crate::map::Output;
use crate::map::cda::datatype::ivl_ts::Span;
use crate::map::cda::datatype::{absent, cd, ii, pq};
use crate::map::cda::node::{self, Node, attribute, child, child_attribute, children};

const CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/condition-clinical";
const VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/condition-ver-status";
const CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/condition-category";
const US_CATEGORY: &str = "http://hl7.org/fhir/us/core/CodeSystem/condition-category";
const SNOMED: &str = "http://snomed.info/sct";
/// Codes and values that say no more than "a problem".
const PROBLEM: [&str; 4] = ["55607006", "64572001", "75326-9", "ASSERTION"];
/// Kinds of problem that the category tells already.
const PLAIN_KINDS: [&str; 9] =
    ["55607006", "64572001", "75326-9", "75323-6", "ASSERTION", "404684003", "282291009", "29308-4", "75321-0"];

/// What is said about a condition by the statements within it.
#[derive(Debug, Default)]
struct About<'a> {
    status: Option<Node<'a>>,
    severity: Option<Node<'a>>,
    age: Option<Node<'a>>,
    comments: Vec<Node<'a>>,
    evidence: Vec<String>,
}

/// Maps the observation; gives its reference.
pub(super) fn map(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let id = identity::id(node, ResourceType::CONDITION, cx, out);
    let authors = actor::authors(node, cx, out);
    let span = Span::of(child(node, "effectiveTime"), out);
    let inner = Cx { author: authors.last.as_deref().or(cx.author), concern_status: "", ..cx };
    let about = about(node, inner, out);
    let status_code = child_attribute(node, "statusCode", "code");
    let is_error = status_code == "nullified";
    let is_none = is_negated(node) && says_no_problem(node);
    let mut w = Writer::new();
    ii::identifiers(&mut w, node, out);
    if !is_error {
        w.concept("clinicalStatus", CLINICAL, clinical_status(&about, &span, cx, out), "");
    }
    let verification = match (is_error, is_negated(node) && !is_none) {
        (true, _) => "entered-in-error",
        (_, true) => "refuted",
        _ => "",
    };
    w.concept("verificationStatus", VERIFICATION, verification, "");
    categories(&mut w, node, cx, out);
    cd::concept(&mut w, "severity", about.severity.and_then(|s| child(s, "value")), cx.within.text, out);
    code(&mut w, node, is_none, cx, out);
    w.array("bodySite", |w| {
        for site in children(node, "targetSiteCode").filter(|site| cd::is_stated(*site)) {
            cd::concept_item(w, site, cx.within.text, out);
        }
    });
    out.subject(&mut w, "subject");
    w.reference("encounter", cx.within.encounter.unwrap_or_default());
    onset_and_abatement(&mut w, &span, &about, out);
    w.string("recordedDate", authors.earliest.as_deref().unwrap_or_default());
    authors.recorder(&mut w, "recorder");
    asserter(&mut w, node, out);
    w.array("evidence", |w| {
        w.item(|w| {
            w.array("detail", |w| {
                reference_items(w, &about.evidence);
                related::external_items(w, node, out);
            });
        });
    });
    w.array("note", |w| {
        note_items(w, &about.comments, inner, out);
        let own = inline_text(node);
        let is_name = child(node, "value").is_some_and(|value| attribute(value, "displayName") == own);
        w.item(|w| w.string("text", if is_name { "" } else { &own }));
        if let (Some(age), true) = (about.age, span.start.is_some()) {
            // FHIR has one onset; the age is told beside the date.
            let age = child(age, "value").map(pq::in_words).unwrap_or_default();
            w.item(|w| w.string("text", &if age.is_empty() { age } else { format!("Age at onset: {age}") }));
        }
    });
    settle(node, out);
    vec![identity::put(node, ResourceType::CONDITION, id, w, out)]
}

fn about<'a>(node: Node<'a>, cx: Cx<'_>, out: &mut Output) -> About<'a> {
    let mut about = About::default();
    const LEAF: [&str; 8] =
        ["id", "code", "statusCode", "effectiveTime", "value", "author", "interpretationCode", "text"];
    for related in related(node, out) {
        let slot = match related.role {
            Role::Status => Some(&mut about.status),
            Role::Severity => Some(&mut about.severity),
            Role::Age => Some(&mut about.age),
            _ => None,
        };
        match slot {
            Some(slot) if slot.is_none() => {
                *slot = Some(related.node);
                account(related.node, &LEAF, out);
            }
            _ if related.role == Role::Comment => {
                about.comments.push(related.node);
                account(related.node, &LEAF, out);
            }
            _ if related.role == Role::Pointer => about.evidence.extend(related::pointed_at(related.node, out)),
            _ => about.evidence.extend(related::own(&related, cx, out)),
        }
    }
    about
}

/// The status observation (33999-4) first, then the end, then the concern's own status. Invariant con-4: what is abated is
/// not active.
fn clinical_status(about: &About<'_>, span: &Span, cx: Cx<'_>, out: &mut Output) -> &'static str {
    let is_abated = span.end.is_some() || span.ended_unknown;
    let stated = about.status.and_then(|status| child(status, "value")).and_then(|value| of_value(value, out));
    match (stated, is_abated) {
        (Some("active" | "recurrence" | "relapse") | None, true) => "resolved",
        (Some(stated), _) => stated,
        (None, false) => match cx.concern_status {
            "completed" | "aborted" | "suspended" | "cancelled" => "inactive",
            _ => "active",
        },
    }
}

/// SNOMED CT values of the status observation (CF-ProblemStatus); an unknown one is noted by the narrative.
fn of_value(value: Node<'_>, out: &mut Output) -> Option<&'static str> {
    let status = match attribute(value, "code") {
        "55561003" => "active",
        "73425007" => "inactive",
        "413322009" => "resolved",
        "246455001" => "recurrence",
        "263855007" => "relapse",
        "277022003" => "remission",
        "" => return None,
        _ => {
            super::account::unmapped(value, out);
            return None;
        }
    };
    Some(status)
}

/// By the act around it and the section; a kind of problem that says more (symptom, complaint) beside it.
fn categories(w: &mut Writer, node: Node<'_>, cx: Cx<'_>, out: &mut Output) {
    let section = cx.section;
    let (system, code, display) = match section {
        _ if cx.is_diagnosis || section::DIAGNOSES.contains(&section) => {
            (CATEGORY, "encounter-diagnosis", "Encounter Diagnosis")
        }
        "75310-3" => (US_CATEGORY, "health-concern", "Health Concern"),
        // What was, and what is only a reason for something, is on no list of problems.
        _ if cx.is_reason || section == "11348-0" => ("", "", ""),
        _ => (CATEGORY, "problem-list-item", "Problem List Item"),
    };
    w.array("category", |w| {
        w.item(|w| w.array("coding", |w| w.coding_item(system, code, display)));
        let says_more = |kind: &Node<'_>| cd::is_stated(*kind) && !PLAIN_KINDS.contains(&attribute(*kind, "code"));
        if let Some(kind) = child(node, "code").filter(says_more) {
            cd::concept_item(w, kind, cx.within.text, out);
        }
        // Principal or secondary diagnosis.
        for rank in children(node, "priorityCode").filter(|rank| cd::is_stated(*rank)) {
            cd::concept_item(w, rank, cx.within.text, out);
        }
    });
}

/// Whether the value says no more than "a problem", so that its denial is "no problems".
fn says_no_problem(node: Node<'_>) -> bool {
    let Some(value) = child(node, "value") else { return true };
    PROBLEM.contains(&attribute(value, "code")) || !cd::is_stated(value)
}

/// The problem: the value, its name as the narrative has it where the value has none.
fn code(w: &mut Writer, node: Node<'_>, is_none: bool, cx: Cx<'_>, out: &mut Output) {
    if is_none {
        return w.object("code", |w| {
            w.array("coding", |w| w.coding_item(SNOMED, "160245001", "No current problems or disability"));
            w.string("text", "No current problems or disability");
        });
    }
    let value = child(node, "value");
    match value.filter(|value| cd::is_stated(*value)) {
        Some(value) if !cd::text_of(value, cx.within.text).is_empty() => {
            cd::concept(w, "code", Some(value), cx.within.text, out);
        }
        stated => w.object("code", |w| {
            w.array("coding", |w| {
                if let Some(value) = stated {
                    cd::codings(w, value, out);
                }
            });
            let words = value.map(node::text).unwrap_or_default();
            w.string("text", &if words.is_empty() { told(node, cx) } else { words });
        }),
    }
}

fn onset_and_abatement(w: &mut Writer, span: &Span, about: &About<'_>, out: &mut Output) {
    w.string("onsetDateTime", span.start.as_deref().unwrap_or_default());
    if span.start.is_none() {
        pq::quantity(w, "onsetAge", about.age.and_then(|age| child(age, "value")), out);
    }
    w.string("abatementDateTime", span.end.as_deref().unwrap_or_default());
    if span.ended_unknown {
        absent(w, "abatementDateTime", "UNK");
    }
}

fn asserter(w: &mut Writer, node: Node<'_>, out: &mut Output) {
    let informant = actor::informant(node, out);
    let performer = actor::performers(node, out).into_iter().map(|(reference, _)| reference).next();
    let types = ["Practitioner", "PractitionerRole", "Patient", "RelatedPerson"];
    let asserter = informant.or(performer).filter(|reference| actor::is_of(reference, &types));
    w.reference("asserter", asserter.as_deref().unwrap_or_default());
}

fn settle(node: Node<'_>, out: &mut Output) {
    const TAKEN: [&str; 12] = [
        "id",
        "code",
        "statusCode",
        "effectiveTime",
        "value",
        "author",
        "informant",
        "performer",
        "entryRelationship",
        "targetSiteCode",
        "priorityCode",
        "reference",
    ];
    account(node, &TAKEN, out);
    only_first(node, "value", out);
}
