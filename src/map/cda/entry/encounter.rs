//! Encounters (C-CDA 22.4.49, 22.4.40) to Encounter; what is only wished for or arranged to Appointment or ServiceRequest.

use super::account::{account, unmapped};
use super::identity;
use super::kind::{Role, is_ccda};
use super::reason::{self, Reasons};
use super::related::{self, Related, inline_text, is_negated, of_types, related, told};
use super::{Cx, actor, note, planned, status};
use crate::fhir::{ResourceType, Writer, system};
use crate::map::Output;
use crate::map::cda::datatype::ivl_ts::Span;
use crate::map::cda::datatype::{cd, ii};
use crate::map::cda::node::{self, Node, attribute, child, child_attribute, children};

/// ActCode, and the value set ActEncounterCode.
const ACT_CODES: [&str; 2] = ["2.16.840.1.113883.5.4", "2.16.840.1.113883.1.11.13955"];
const CPT: &str = "2.16.840.1.113883.6.12";
/// Participations of places.
const PLACES: [&str; 3] = ["LOC", "ORG", "DST"];
const DIAGNOSIS_ROLE: &str = "http://terminology.hl7.org/CodeSystem/diagnosis-role";

/// Maps the encounter; gives its reference.
pub(super) fn map(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    match attribute(node, "moodCode") {
        "" | "EVN" => encounter(node, cx, out),
        "RQO" => planned::map(node, cx, out),
        _ if is_ccda(node, "40") => planned::appointment(node, cx, out),
        "INT" | "PRMS" => encounter(node, cx, out),
        _ => planned::appointment(node, cx, out),
    }
}

/// What is said about an encounter by the statements within it.
#[derive(Debug, Default)]
struct About<'a> {
    reasons: Reasons<'a>,
    /// Conditions, and what they are in the visit (AD, DD).
    diagnoses: Vec<(String, &'static str)>,
    others: Vec<Related<'a>>,
    comments: Vec<Node<'a>>,
    references: Vec<String>,
}

fn encounter(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let id = identity::id(node, ResourceType::ENCOUNTER, cx, out);
    let reference = format!("Encounter/{}", id.as_str());
    let authors = actor::authors(node, cx, out);
    let within = super::Within { encounter: Some(&reference), ..*cx.within };
    let inner = Cx {
        within: &within,
        author: authors.last.as_deref().or(cx.author),
        around: Some(&reference),
        concern_status: "",
        ..cx
    };
    let about = about(node, inner, out);
    let span = Span::of(child(node, "effectiveTime"), out);
    let mut w = Writer::new();
    ii::identifiers(&mut w, node, out);
    w.string("status", status_of(node, &span, out));
    class(&mut w, node);
    types(&mut w, node, cx, out);
    cd::concept(&mut w, "priority", child(node, "priorityCode").filter(|c| cd::is_stated(*c)), cx.within.text, out);
    out.subject(&mut w, "subject");
    participants(&mut w, node, out);
    span.period(&mut w, "period");
    about.reasons.write_codes(&mut w, "reasonCode", inner, out);
    about.reasons.write_references(&mut w, "reasonReference");
    w.array("diagnosis", |w| {
        for (condition, role) in &about.diagnoses {
            w.item(|w| {
                w.reference("condition", condition);
                w.concept("use", DIAGNOSIS_ROLE, role, "");
            });
        }
    });
    hospitalization(&mut w, node, cx, out);
    locations(&mut w, node, out);
    const TAKEN: [&str; 10] = [
        "id",
        "code",
        "statusCode",
        "effectiveTime",
        "priorityCode",
        "performer",
        "author",
        "participant",
        "entryRelationship",
        "dischargeDispositionCode",
    ];
    account(node, &TAKEN, out);
    let mut references = vec![identity::put(node, ResourceType::ENCOUNTER, id, w, out)];
    references.extend(about.references);
    references.extend(about.reasons.others);
    for comment in &about.comments {
        references.extend(note::standalone(*comment, inner, out));
    }
    // They name the visit by themselves (encounter).
    for other in &about.others {
        references.extend(related::own(other, inner, out));
    }
    references
}

fn about<'a>(node: Node<'a>, cx: Cx<'_>, out: &mut Output) -> About<'a> {
    let mut about = About { reasons: Reasons::of(reason::VISITED), ..About::default() };
    for related in related(node, out) {
        let role = diagnosis_role(related.node);
        if role.is_none() && about.reasons.take(&related, cx, out) {
            continue;
        }
        if let Some(role) = role {
            let (conditions, rest) = of_types(related::own(&related, cx, out), &["Condition"]);
            about.diagnoses.extend(conditions.into_iter().map(|condition| (condition, role)));
            about.references.extend(rest);
        } else if related.role == Role::Comment {
            about.comments.push(related.node);
        } else {
            about.others.push(related);
        }
    }
    about
}

/// What a diagnosis act says the diagnosis is: on admission (AD), on discharge (DD), or just of the visit; `None` for any
/// other statement.
fn diagnosis_role(node: Node<'_>) -> Option<&'static str> {
    let code = child_attribute(node, "code", "code");
    match node::name(node) {
        "act" if is_ccda(node, "34") || code == "46241-6" => Some("AD"),
        "act" if is_ccda(node, "33") || code == "11535-2" => Some("DD"),
        "act" if is_ccda(node, "80") || code == "29308-4" => Some(""),
        _ => None,
    }
}

/// Time first: what has an end, or was told as one point, is over.
fn status_of(node: Node<'_>, span: &Span, out: &mut Output) -> &'static str {
    let code = status::code(node, out);
    let is_planned = !matches!(attribute(node, "moodCode"), "" | "EVN");
    match code {
        "nullified" => "entered-in-error",
        "cancelled" => "cancelled",
        _ if is_negated(node) => "cancelled",
        _ if is_planned => "planned",
        _ if span.is_over() || span.ended_unknown => "finished",
        "" if span.start.is_some() => "in-progress",
        code => status::encounter(code),
    }
}

/// ActEncounterCode of the code or a translation; CPT visits by their range; else unknown (Encounter.class is 1..1).
fn class(w: &mut Writer, node: Node<'_>) {
    let code = child(node, "code");
    let codes = || code.into_iter().chain(code.into_iter().flat_map(|code| children(code, "translation")));
    let stated =
        codes().find(|code| is_class(*code)).map(|code| (attribute(code, "code"), attribute(code, "displayName")));
    let visit = codes().find(|code| attribute(*code, "codeSystem") == CPT).map(|code| attribute(code, "code"));
    w.object("class", |w| match stated.or_else(|| visit.and_then(of_visit)) {
        Some((code, display)) => {
            w.string("system", system::V3_ACT_CODE);
            w.string("code", code);
            w.string("display", display);
        }
        None => {
            w.string("system", "http://terminology.hl7.org/CodeSystem/v3-NullFlavor");
            w.string("code", "UNK");
            w.string("display", "unknown");
        }
    });
}

/// Whether a code says in-patient, ambulatory, emergency: of ActCode, or of its value set as some senders name it.
fn is_class(code: Node<'_>) -> bool {
    const CLASSES: [&str; 11] = ["AMB", "EMER", "FLD", "HH", "IMP", "ACUTE", "NONAC", "OBSENC", "PRENC", "SS", "VR"];
    ACT_CODES.contains(&attribute(code, "codeSystem")) && CLASSES.contains(&attribute(code, "code"))
}

/// The ranges of CPT evaluation and management codes.
fn of_visit(code: &str) -> Option<(&'static str, &'static str)> {
    match code.parse::<u32>().ok()? {
        99202..=99215 | 99241..=99245 | 99381..=99397 => Some(("AMB", "ambulatory")),
        99217..=99220 | 99224..=99226 => Some(("OBSENC", "observation encounter")),
        99221..=99223 | 99231..=99239 | 99251..=99255 => Some(("IMP", "inpatient encounter")),
        99281..=99288 => Some(("EMER", "emergency")),
        99341..=99350 => Some(("HH", "home health")),
        99421..=99423 | 99441..=99443 => Some(("VR", "virtual")),
        _ => None,
    }
}

/// The code, unless it is no more than the class.
fn types(w: &mut Writer, node: Node<'_>, cx: Cx<'_>, out: &mut Output) {
    let code = child(node, "code").filter(|code| cd::is_stated(*code));
    let is_only_class = |code: Node<'_>| is_class(code) && children(code, "translation").next().is_none();
    w.array("type", |w| match code.filter(|code| !is_only_class(*code)) {
        Some(code) => cd::concept_item(w, code, cx.within.text, out),
        None => w.item(|w| {
            let words = if code.is_some() { inline_text(node) } else { told(node, cx) };
            w.string("text", &words);
        }),
    });
}

fn participants(w: &mut Writer, node: Node<'_>, out: &mut Output) {
    let types = ["Practitioner", "PractitionerRole", "RelatedPerson"];
    let performers = actor::performers(node, out);
    let mut found: Vec<(Option<String>, Node<'_>, &str)> =
        performers.into_iter().map(|(reference, node)| (Some(reference), node, "PPRF")).collect();
    for participant in children(node, "participant").filter(|p| !PLACES.contains(&attribute(*p, "typeCode"))) {
        let reference = child(participant, "participantRole").and_then(|role| taking_part(role, out));
        found.push((reference, participant, attribute(participant, "typeCode")));
    }
    let mut organization = None;
    w.array("participant", |w| {
        for (reference, participation, kind) in found {
            match reference {
                Some(reference) if actor::is_of(&reference, &types) => w.item(|w| {
                    let function = child(participation, "functionCode").filter(|code| cd::is_stated(*code));
                    w.array("type", |w| match function {
                        Some(function) => cd::concept_item(w, function, &|_| None, out),
                        None => w.item(|w| w.array("coding", |w| w.coding_item(system::V3_PARTICIPATION, kind, ""))),
                    });
                    Span::of(child(participation, "time"), out).period(w, "period");
                    w.reference("individual", &reference);
                }),
                Some(reference) if actor::is_of(&reference, &["Organization"]) && organization.is_none() => {
                    organization = Some(reference);
                }
                _ => unmapped(participation, out),
            }
        }
    });
    w.reference("serviceProvider", organization.as_deref().unwrap_or_default());
}

/// Somebody near the patient, or at work.
fn taking_part(role: Node<'_>, out: &mut Output) -> Option<String> {
    match attribute(role, "classCode") {
        "PRS" | "NOK" | "ECON" | "CAREGIVER" | "GUARD" | "AGNT" => actor::related_person(role, out),
        _ => actor::participant(role, out),
    }
}

/// Where the patient came from and went to.
fn hospitalization(w: &mut Writer, node: Node<'_>, cx: Cx<'_>, out: &mut Output) {
    let mut place = |kind: &str| {
        let at = children(node, "participant").find(|p| attribute(*p, "typeCode") == kind)?;
        actor::location(child(at, "participantRole")?, out)
    };
    let (origin, destination) = (place("ORG"), place("DST"));
    let disposition = child(node, "dischargeDispositionCode").filter(|code| cd::is_stated(*code));
    w.object("hospitalization", |w| {
        w.reference("origin", origin.as_deref().unwrap_or_default());
        w.reference("destination", destination.as_deref().unwrap_or_default());
        cd::concept(w, "dischargeDisposition", disposition, cx.within.text, out);
    });
}

fn locations(w: &mut Writer, node: Node<'_>, out: &mut Output) {
    let is_planned = !matches!(attribute(node, "moodCode"), "" | "EVN");
    w.array("location", |w| {
        for participant in children(node, "participant").filter(|p| attribute(*p, "typeCode") == "LOC") {
            let role = child(participant, "participantRole");
            let Some(reference) = role.and_then(|role| actor::location(role, out)) else { continue };
            let span = Span::of(child(participant, "time"), out);
            let code = child_attribute(node, "statusCode", "code");
            let status = match () {
                () if is_planned => "planned",
                () if span.end.is_some() || code == "completed" => "completed",
                () if code == "active" || span.start.is_some() => "active",
                () => "",
            };
            w.item(|w| {
                w.reference("location", &reference);
                w.string("status", status);
                span.period(w, "period");
            });
        }
    });
}
