//! Observations (C-CDA result, vital sign, social history, functional, mental and assessment observations; any other) to
//! Observation.

use super::account::{account, only_first};
use super::identity;
use super::kind::{Role, has_template, is_ccda, section, templates};
use super::related::{self, Related, is_negated, note_items, of_types, reference_items, related};
use super::rule::ABNORMAL_RANGE;
use super::{Cx, actor, status};
use crate::fhir::{ResourceType, Writer, system};
use crate::map::Output;
use crate::map::cda::datatype::ivl_ts::Span;
use crate::map::cda::datatype::{cd, ii, ivl_pq, value};
use crate::map::cda::node::{self, Node, attribute, child, child_attribute, children, null_flavor};

const CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
const SNOMED: &str = "http://snomed.info/sct";
/// What Observation.hasMember may refer to.
const MEMBERS: [&str; 1] = ["Observation"];
/// What Observation.derivedFrom may refer to.
const SOURCES: [&str; 3] = ["DocumentReference", "ImagingStudy", "Media"];

/// An observation that is part of another: no resource of its own.
#[derive(Debug, Default)]
pub(super) struct Parts<'a> {
    /// The observations that become components.
    pub(super) components: Vec<Node<'a>>,
    /// A code that takes the place of the statement's own: code and display in LOINC.
    pub(super) code: Option<(&'static str, &'static str)>,
    /// Whether the statement itself is a component, too.
    pub(super) is_first_component: bool,
}

/// Maps an observation; gives its reference, then those of what it holds and does not refer to.
pub(super) fn map(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    map_with(node, &Parts::default(), cx, out)
}

/// The same with other observations as its components.
pub(super) fn map_with(node: Node<'_>, parts: &Parts<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let id = identity::id(node, ResourceType::OBSERVATION, cx, out);
    let span = span(node, cx, out);
    let authors = actor::authors(node, cx, out);
    let inner = Cx { author: authors.last.as_deref().or(cx.author), time: None, ..cx };
    let held = hold(node, inner, out);
    let mut w = Writer::new();
    extensions(&mut w, node, cx, out);
    w.array("identifier", |w| {
        ii::identifier_items(w, node, out);
        parts.components.iter().for_each(|component| ii::identifier_items(w, *component, out));
    });
    w.string("status", if has_no_result(node) { "cancelled" } else { status::result(status::code(node, out)) });
    categories(&mut w, node, cx, out);
    code(&mut w, node, parts, cx, out);
    out.subject(&mut w, "subject");
    focus(&mut w, node, &held, out);
    w.reference("encounter", cx.within.encounter.unwrap_or_default());
    span.write(&mut w, "effective");
    if let Some(at) = authors.latest.as_deref().filter(|at| at.len() > 19) {
        w.string("issued", at);
    }
    let performers = performers(node, &authors, out);
    w.array("performer", |w| reference_items(w, &performers));
    if !parts.is_first_component {
        values(&mut w, node, cx, out);
        interpretations(&mut w, node, cx, out);
    }
    w.array("note", |w| {
        note_items(w, &held.comments, inner, out);
        w.item(|w| w.string("text", &inline_note(node)));
    });
    cd::concept(&mut w, "bodySite", stated(node, "targetSiteCode"), cx.within.text, out);
    cd::concept(&mut w, "method", stated(node, "methodCode"), cx.within.text, out);
    let specimen = actor::specimen(node, None, cx, out);
    w.reference("specimen", specimen.as_deref().unwrap_or_default());
    let device = super::device::used(node, out);
    w.reference("device", device.as_deref().unwrap_or_default());
    if !parts.is_first_component {
        reference_ranges(&mut w, node, cx, out);
    }
    w.array("hasMember", |w| reference_items(w, &held.members));
    w.array("derivedFrom", |w| reference_items(w, &held.sources));
    components(&mut w, node, parts, &held, cx, out);
    settle(node, out);
    for component in &parts.components {
        settle(*component, out);
    }
    let mut references = vec![identity::put(node, ResourceType::OBSERVATION, id, w, out)];
    references.extend(held.others);
    references
}

/// The time of an observation: its own, else that of the organizer around it.
pub(super) fn span(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Span {
    let own = Span::of(child(node, "effectiveTime"), out);
    match cx.time {
        Some(around) if own.is_empty() => around.clone(),
        _ => own,
    }
}

/// The statements within an observation.
#[derive(Debug, Default)]
struct Held<'a> {
    comments: Vec<Node<'a>>,
    components: Vec<Node<'a>>,
    /// Statements that only point to what the observation is about.
    pointers: Vec<Node<'a>>,
    members: Vec<String>,
    sources: Vec<String>,
    others: Vec<String>,
}

fn hold<'a>(node: Node<'a>, cx: Cx<'_>, out: &mut Output) -> Held<'a> {
    let mut held = Held::default();
    for related in related(node, out) {
        if related.role == Role::Comment {
            held.comments.push(related.node);
            account(related.node, &["code", "statusCode", "author", "id", "effectiveTime"], out);
        } else if related.role == Role::Pointer {
            held.pointers.push(related.node);
            account(related.node, &["id", "code", "statusCode", "consumable", "reference", "effectiveTime"], out);
        } else if is_component(&related) {
            held.components.push(related.node);
        } else {
            let (members, rest) = of_types(related::own(&related, cx, out), &MEMBERS);
            let (sources, rest) = of_types(rest, &SOURCES);
            if !rest.is_empty() {
                related::note_unlinked(&related, out);
            }
            held.members.extend(members);
            held.sources.extend(sources);
            held.others.extend(rest);
        }
    }
    held
}

/// A code and a value without an identity of its own is a part of the observation around it.
fn is_component(related: &Related<'_>) -> bool {
    let node = related.node;
    let is_leaf = !children(node, "entryRelationship").any(|_| true);
    node::name(node) == "observation"
        && matches!(attribute(node, "moodCode"), "" | "EVN")
        && ii::key(node).is_none()
        && child(node, "code").is_some_and(cd::is_stated)
        && child(node, "participant").is_none()
        && is_leaf
        && !related.is_negated()
}

fn extensions(w: &mut Writer, node: Node<'_>, cx: Cx<'_>, out: &mut Output) {
    w.array("extension", |w| {
        for value in children(node, "value").take(1).filter(|v| value::is_attachment(*v)) {
            value::attachment(w, value, cx.within.text);
        }
    });
    let _ = out;
}

/// Observation categories: the one of HL7, and before it the one of JP Core where the observation is coded as Japan does.
fn categories(w: &mut Writer, node: Node<'_>, cx: Cx<'_>, out: &mut Output) {
    let category = category(node, cx);
    let is_japanese = child(node, "code").is_some_and(|code| attribute(code, "codeSystem").starts_with("1.2.392."));
    let negated = is_negated(node).then(|| child(node, "code")).flatten().filter(|code| !is_assertion(*code));
    w.array("category", |w| {
        if is_japanese {
            let code = if category.0.is_empty() { "exam" } else { category.0 };
            w.item(|w| w.array("coding", |w| w.coding_item(system::JP_OBSERVATION_CATEGORY, code, "")));
        }
        w.item(|w| w.array("coding", |w| w.coding_item(CATEGORY, category.0, category.1)));
        if let Some(code) = negated {
            cd::concept_item(w, code, cx.within.text, out);
        }
    });
}

/// The category by template, else by section.
fn category(node: Node<'_>, cx: Cx<'_>) -> (&'static str, &'static str) {
    let of_template = |root: &str| match root.strip_prefix("2.16.840.1.113883.10.20.22.4.")? {
        "2" => Some("laboratory"),
        "27" => Some("vital-signs"),
        "38" | "78" | "85" | "72" | "109" | "111" | "200" | "501" | "506" | "507" => Some("social-history"),
        "69" | "86" => Some("survey"),
        _ => None,
    };
    let of_other = |root: &str| match root {
        "2.16.840.1.113883.10.20.15.3.8" => Some("social-history"),
        "2.16.840.1.113883.10.20.1.31" | "1.3.6.1.4.1.19376.1.5.3.1.4.13.2" => None,
        _ => None,
    };
    let by_template = templates(node).find_map(|root| of_template(root).or_else(|| of_other(root)));
    let section = cx.section;
    let by_section = || match () {
        () if section == section::VITAL_SIGNS => "vital-signs",
        () if section == section::SOCIAL_HISTORY => "social-history",
        () if section::RESULTS.contains(&section) => "laboratory",
        () if section::PHYSICAL.contains(&section) => "exam",
        () => "",
    };
    match by_template.unwrap_or_else(by_section) {
        "laboratory" => ("laboratory", "Laboratory"),
        "vital-signs" => ("vital-signs", "Vital Signs"),
        "social-history" => ("social-history", "Social History"),
        "survey" => ("survey", "Survey"),
        "exam" => ("exam", "Exam"),
        _ => ("", ""),
    }
}

/// The code. ASSERTION is no question: a smoking status or a pregnancy has a code in LOINC; what is denied is the question
/// itself.
fn code(w: &mut Writer, node: Node<'_>, parts: &Parts<'_>, cx: Cx<'_>, out: &mut Output) {
    let own = child(node, "code");
    if let Some((code, display)) = parts.code {
        return w.object("code", |w| {
            w.array("coding", |w| w.coding_item("http://loinc.org", code, display));
            w.string("text", display);
        });
    }
    if is_negated(node)
        && let Some(value) = coded_value(node)
    {
        return cd::concept(w, "code", Some(value), cx.within.text, out);
    }
    let question = own.filter(|code| is_assertion(*code)).and_then(|_| question(node));
    match (question, own) {
        (Some((code, display)), _) => w.concept("code", "http://loinc.org", code, display),
        (None, Some(own)) if cd::is_stated(own) => cd::concept(w, "code", Some(own), cx.within.text, out),
        _ => w.object("code", |w| {
            let told = related::told(node, cx);
            let flavor = own.and_then(null_flavor).unwrap_or("UNK");
            w.array("coding", |w| {
                if told.is_empty() {
                    w.coding_item("http://terminology.hl7.org/CodeSystem/v3-NullFlavor", flavor, "");
                }
            });
            w.string("text", &told);
        }),
    }
}

fn is_assertion(code: Node<'_>) -> bool {
    attribute(code, "code") == "ASSERTION"
}

/// The LOINC code of what a template asserts.
fn question(node: Node<'_>) -> Option<(&'static str, &'static str)> {
    if has_template(node, "2.16.840.1.113883.10.20.15.3.8") {
        return Some(("82810-3", "Pregnancy status"));
    }
    is_ccda(node, "78").then_some(("72166-2", "Tobacco smoking status"))
}

fn coded_value<'a>(node: Node<'a>) -> Option<Node<'a>> {
    child(node, "value").filter(|value| cd::is_stated(*value))
}

/// Whether the statement says that the observation was not made.
fn has_no_result(node: Node<'_>) -> bool {
    is_negated(node) && coded_value(node).is_none()
}

/// Another subject than the patient (a relative, a foetus, a donor), or the statement that it is about.
fn focus(w: &mut Writer, node: Node<'_>, held: &Held<'_>, out: &mut Output) {
    let subject = child(node, "subject").and_then(|subject| child(subject, "relatedSubject"));
    let person = subject.and_then(|subject| actor::related_person(subject, out));
    w.array("focus", |w| {
        reference_items(w, person.as_slice());
        related::pointer_items(w, &held.pointers, out);
    });
}

fn performers(node: Node<'_>, authors: &actor::Authors, out: &mut Output) -> Vec<String> {
    let mut performers: Vec<String> =
        actor::performers(node, out).into_iter().map(|(reference, _)| reference).collect();
    if performers.is_empty() {
        let types = ["Practitioner", "PractitionerRole", "Organization", "Patient", "RelatedPerson"];
        performers.extend(authors.of_types(&types).map(str::to_owned));
    }
    performers.dedup();
    performers
}

/// `value[x]`, or the reason why there is none. What is denied is absent (SNOMED CT 2667000).
fn values(w: &mut Writer, node: Node<'_>, cx: Cx<'_>, out: &mut Output) {
    if is_negated(node) {
        return match coded_value(node) {
            Some(_) => w.concept("valueCodeableConcept", SNOMED, "2667000", "Absent"),
            None => cd::data_absent_reason(w, "dataAbsentReason", "NP"),
        };
    }
    let Some(value) = child(node, "value") else { return };
    if value::is_attachment(value) || value::write(w, value, cx.within.text, out) {
        return;
    }
    if let Some(flavor) = null_flavor(value) {
        cd::data_absent_reason(w, "dataAbsentReason", flavor);
    }
}

fn interpretations(w: &mut Writer, node: Node<'_>, cx: Cx<'_>, out: &mut Output) {
    w.array("interpretation", |w| {
        for code in children(node, "interpretationCode").filter(|code| cd::is_stated(*code)) {
            cd::concept_item(w, code, cx.within.text, out);
        }
    });
}

/// The normal ranges; another one would pass for normal.
fn reference_ranges(w: &mut Writer, node: Node<'_>, cx: Cx<'_>, out: &mut Output) {
    w.array("referenceRange", |w| {
        for range in children(node, "referenceRange").filter_map(|range| child(range, "observationRange")) {
            let kind = child_attribute(range, "interpretationCode", "code");
            if !matches!(kind, "" | "N") {
                out.issue_with(&ABNORMAL_RANGE, node::place(range), if kind.len() <= 4 { kind } else { "?" });
                continue;
            }
            w.item(|w| {
                let value = child(range, "value");
                let has_bounds = value.is_some_and(|value| ivl_pq::bounds(w, value, out));
                let mut text = child(range, "text").map(|text| cd::resolved(text, cx.within.text)).unwrap_or_default();
                if text.is_empty() && !has_bounds {
                    text = value.map(|value| identity::code_or_text(value, cx)).unwrap_or_default();
                }
                w.string("text", &text);
            });
        }
    });
}

fn components(w: &mut Writer, node: Node<'_>, parts: &Parts<'_>, held: &Held<'_>, cx: Cx<'_>, out: &mut Output) {
    w.array("component", |w| {
        if parts.is_first_component {
            component(w, node, cx, out);
        }
        for part in parts.components.iter().chain(&held.components) {
            component(w, *part, cx, out);
        }
        // CDA allows several values; FHIR has one, and components of the same code beside it.
        for further in children(node, "value").skip(1).filter(|value| null_flavor(*value).is_none()) {
            w.item(|w| {
                cd::concept(w, "code", child(node, "code"), cx.within.text, out);
                value::write(w, further, cx.within.text, out);
            });
        }
    });
    for part in &held.components {
        settle(*part, out);
    }
}

fn component(w: &mut Writer, node: Node<'_>, cx: Cx<'_>, out: &mut Output) {
    w.item(|w| {
        cd::concept(w, "code", child(node, "code"), cx.within.text, out);
        values(w, node, cx, out);
        interpretations(w, node, cx, out);
        reference_ranges(w, node, cx, out);
    });
}

/// Words of the statement's own, which nothing else holds.
fn inline_note(node: Node<'_>) -> String {
    let text = related::inline_text(node);
    let is_value = |value: Node<'_>| node::text(value) == text || attribute(value, "displayName") == text;
    match child(node, "value").is_some_and(is_value) || child_attribute(node, "code", "displayName") == text {
        true => String::new(),
        false => text,
    }
}

fn stated<'a>(node: Node<'a>, name: &str) -> Option<Node<'a>> {
    child(node, name).filter(|code| cd::is_stated(*code))
}

/// Reports what of an observation is not carried over.
fn settle(node: Node<'_>, out: &mut Output) {
    const TAKEN: [&str; 17] = [
        "id",
        "code",
        "statusCode",
        "effectiveTime",
        "value",
        "interpretationCode",
        "methodCode",
        "targetSiteCode",
        "author",
        "performer",
        "referenceRange",
        "entryRelationship",
        "specimen",
        "subject",
        "participant",
        "text",
        "component",
    ];
    account(node, &TAKEN, out);
    only_first(node, "methodCode", out);
    only_first(node, "targetSiteCode", out);
    only_first(node, "specimen", out);
    super::device::report_participants(node, &["DEV"], out);
}
