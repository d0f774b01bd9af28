//! Vital signs organizers (C-CDA 22.4.26) to a panel Observation with its members; systolic and diastolic pressure are one
//! Observation with two components (FHIR R4 vital signs profiles), oxygen flow and concentration components of the
//! saturation (US Core pulse oximetry).

use std::collections::{HashMap, HashSet, VecDeque};

use super::account::account;
use super::identity;
use super::kind::Role;
use super::observation::{self, Parts};
use super::related::{self, Related, notes, of_types, reference_items, related};
use super::{Cx, actor, status};
use crate::fhir::{ResourceType, Writer};
use crate::map::Output;
use crate::map::cda::datatype::ivl_ts::Span;
use crate::map::cda::datatype::{cd, ii};
use crate::map::cda::node::{self, Node, child, child_attribute, elements};

const CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
const LOINC: &str = "http://loinc.org";
const SYSTOLIC: &str = "8480-6";
const DIASTOLIC: &str = "8462-4";
const PRESSURE: (&str, &str) = ("85354-9", "Blood pressure panel with all children optional");
const SATURATION: [&str; 2] = ["59408-5", "2708-6"];
const OXYGEN: [&str; 2] = ["3151-8", "3150-6"];

/// Maps the organizer; gives the panel's reference.
pub(super) fn map(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let authors = actor::authors(node, cx, out);
    let span = Span::of(child(node, "effectiveTime"), out);
    let inner = Cx { author: authors.last.as_deref().or(cx.author), time: Some(&span), ..cx };
    let (comments, signs): (Vec<_>, Vec<_>) = related(node, out).into_iter().partition(|r| r.role == Role::Comment);
    let (members, mut others) = of_types(signs_of(&signs, inner, out), &["Observation"]);
    account(node, &["id", "code", "statusCode", "effectiveTime", "author", "component", "entryRelationship"], out);
    if members.is_empty() {
        return others;
    }
    let id = identity::id(node, ResourceType::OBSERVATION, cx, out);
    let mut w = Writer::new();
    ii::identifiers(&mut w, node, out);
    w.string("status", status::result(status::code(node, out)));
    w.array("category", |w| {
        w.item(|w| w.array("coding", |w| w.coding_item(CATEGORY, "vital-signs", "Vital Signs")));
    });
    w.object("code", |w| {
        w.array("coding", |w| {
            w.coding_item(
                LOINC,
                "85353-1",
                "Vital signs, weight, height, head circumference, oxygen saturation and BMI panel",
            );
            if let Some(code) = child(node, "code") {
                cd::codings(w, code, out);
            }
        });
        let text = child(node, "code").map(|code| cd::text_of(code, cx.within.text)).unwrap_or_default();
        w.string("text", &text);
    });
    out.subject(&mut w, "subject");
    w.reference("encounter", cx.within.encounter.unwrap_or_default());
    span.write(&mut w, "effective");
    w.array("performer", |w| {
        let types = ["Practitioner", "PractitionerRole", "Organization", "Patient", "RelatedPerson"];
        w.item(|w| w.string("reference", authors.of_types(&types).unwrap_or_default()));
    });
    let comments: Vec<Node<'_>> = comments.iter().map(|comment| comment.node).collect();
    notes(&mut w, &comments, inner, out);
    w.array("hasMember", |w| reference_items(w, &members));
    let mut references = vec![identity::put(node, ResourceType::OBSERVATION, id, w, out)];
    references.append(&mut others);
    references
}

/// Maps the signs: those that belong together as one.
fn signs_of(signs: &[Related<'_>], cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let mut free: HashMap<(&str, String), VecDeque<usize>> = HashMap::new();
    for (at, sign) in signs.iter().enumerate().filter(|(_, sign)| is_simple(sign)) {
        if code(sign) == DIASTOLIC || OXYGEN.contains(&code(sign)) {
            free.entry((code(sign), identity::when(sign.node))).or_default().push_back(at);
        }
    }
    let mut components = vec![Vec::new(); signs.len()];
    let mut is_component = HashSet::new();
    for (sign, components) in signs.iter().zip(&mut components).filter(|(sign, _)| is_simple(sign)) {
        let partners: &[&str] = match code(sign) {
            SYSTOLIC => &[DIASTOLIC],
            code if SATURATION.contains(&code) => &OXYGEN,
            _ => &[],
        };
        for partner in partners {
            let found = free.get_mut(&(*partner, identity::when(sign.node))).and_then(VecDeque::pop_front);
            components.extend(found.and_then(|at| signs.get(at)).map(|partner| partner.node));
            is_component.extend(found);
        }
    }
    let mut references = Vec::new();
    for (at, (sign, components)) in signs.iter().zip(components).enumerate() {
        if is_component.contains(&at) {
            continue;
        }
        let is_pressure = code(sign) == SYSTOLIC && !components.is_empty();
        let parts = Parts { components, code: is_pressure.then_some(PRESSURE), is_first_component: is_pressure };
        match parts.components.is_empty() {
            true => references.extend(related::own(sign, cx, out)),
            false => references.extend(observation::map_with(sign.node, &parts, cx.deeper(), out)),
        }
    }
    references
}

/// Whether a sign is an observation with nothing within it that a component cannot hold.
fn is_simple(sign: &Related<'_>) -> bool {
    let has_more = || elements(sign.node).any(|e| matches!(node::name(e), "entryRelationship" | "participant"));
    node::name(sign.node) == "observation" && !sign.is_negated() && !has_more()
}

fn code<'a>(sign: &Related<'a>) -> &'a str {
    child_attribute(sign.node, "code", "code")
}
