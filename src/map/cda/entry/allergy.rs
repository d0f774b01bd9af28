//! Allergy observations (C-CDA 22.4.7, 22.4.90, IHE PCC allergy entry) to AllergyIntolerance.

use super::account::{account, only_first, unmapped};
use super::identity;
use super::kind::{Role, role};
use super::related::{self, Related, inline_text, is_negated, note_items, related, told, unlinked};
use super::rule::SEVERITY_ALONE;
use super::{Cx, actor};
use crate::fhir::{ResourceType, Writer};
use crate::map::Output;
use crate::map::cda::datatype::ivl_ts::Span;
use crate::map::cda::datatype::{cd, ii};
use crate::map::cda::node::{self, Node, attribute, child, child_attribute, children, descend};
use crate::map::stated::Content;

const CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
const VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification";
const SNOMED: &str = "http://snomed.info/sct";
const ABATEMENT: &str = "http://hl7.org/fhir/StructureDefinition/allergyintolerance-abatement";
/// What a statement within an allergy may consist of, to be read by the allergy.
const LEAF: [&str; 7] = ["id", "code", "statusCode", "effectiveTime", "value", "author", "interpretationCode"];

/// What is said about an allergy by the statements within it.
#[derive(Debug, Default)]
struct About<'a> {
    status: Option<Node<'a>>,
    severity: Option<Node<'a>>,
    criticality: Option<Node<'a>>,
    certainty: Option<Node<'a>>,
    reactions: Vec<Node<'a>>,
    comments: Vec<Node<'a>>,
    others: Vec<Related<'a>>,
}

/// Maps the observation; gives its reference.
pub(super) fn map(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let substances = substances(node);
    let no_known = if is_negated(node) { no_known(node, &substances) } else { None };
    let what = match (no_known, substances.first()) {
        (Some((code, _)), _) => code.to_owned(),
        (None, Some(substance)) => substance_content(*substance, cx),
        (None, None) => child(node, "value").map(|v| identity::code_or_text(v, cx)).unwrap_or_default(),
    };
    let content = Content { what, when: String::new() };
    let id = identity::of_content(node, ResourceType::ALLERGY_INTOLERANCE, content, cx, out);
    let authors = actor::authors(node, cx, out);
    let span = Span::of(child(node, "effectiveTime"), out);
    let inner = Cx { author: authors.last.as_deref().or(cx.author), concern_status: "", ..cx };
    let about = about(node, out);
    let is_error = child_attribute(node, "statusCode", "code") == "nullified";
    let mut w = Writer::new();
    w.array("extension", |w| {
        if let Some(end) = &span.end {
            w.item(|w| {
                w.string("url", ABATEMENT);
                w.string("valueDateTime", end);
            });
        }
    });
    ii::identifiers(&mut w, node, out);
    if !is_error {
        w.concept("clinicalStatus", CLINICAL, clinical_status(&about, &span, cx, out), "");
    }
    w.concept("verificationStatus", VERIFICATION, verification(node, &about, is_error, no_known.is_some(), out), "");
    kind(&mut w, node, out);
    w.string("criticality", criticality(&about, out));
    code(&mut w, node, &substances, no_known, cx, out);
    out.subject(&mut w, "patient");
    w.reference("encounter", cx.within.encounter.unwrap_or_default());
    w.string("onsetDateTime", span.start.as_deref().unwrap_or_default());
    w.string("recordedDate", authors.earliest.as_deref().unwrap_or_default());
    authors.recorder(&mut w, "recorder");
    let informant = actor::informant(node, out);
    w.reference("asserter", informant.as_deref().unwrap_or_default());
    w.array("note", |w| {
        note_items(w, &about.comments, inner, out);
        w.item(|w| w.string("text", &inline_text(node)));
    });
    let held = reactions(&mut w, &about, inner, out);
    settle(node, &substances, out);
    let mut references = vec![identity::put(node, ResourceType::ALLERGY_INTOLERANCE, id, w, out)];
    references.extend(unlinked(&held, inner, out));
    references.extend(unlinked(&about.others, inner, out));
    references
}

fn about<'a>(node: Node<'a>, out: &mut Output) -> About<'a> {
    let mut about = About::default();
    for related in related(node, out) {
        let is_certainty = child_attribute(related.node, "code", "code") == "66455-7";
        let slot = match related.role {
            Role::Status => Some(&mut about.status),
            Role::Severity => Some(&mut about.severity),
            Role::Criticality => Some(&mut about.criticality),
            _ if is_certainty => Some(&mut about.certainty),
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
            _ if related.role == Role::Reaction || related.kind == "MFST" => about.reactions.push(related.node),
            _ => about.others.push(related),
        }
    }
    about
}

/// What the patient is allergic to: participant CSM, else the product of a consumable.
fn substances<'a>(node: Node<'a>) -> Vec<Node<'a>> {
    let consumed = children(node, "participant").filter(|p| matches!(attribute(*p, "typeCode"), "CSM" | ""));
    consumed.filter_map(|p| descend(p, &["participantRole", "playingEntity"])).collect()
}

fn is_named(substance: Node<'_>) -> bool {
    child(substance, "code").is_some_and(cd::is_stated)
        || child(substance, "name").is_some_and(|n| !node::text(n).is_empty())
}

fn substance_content(substance: Node<'_>, cx: Cx<'_>) -> String {
    let code = child(substance, "code").map(|code| identity::code_or_text(code, cx)).unwrap_or_default();
    if code.is_empty() { child(substance, "name").map(node::text).unwrap_or_default() } else { code }
}

/// A denied allergy to nothing in particular: the SNOMED CT code of "no known …" by the kind of allergy or the class of
/// substance.
fn no_known(node: Node<'_>, substances: &[Node<'_>]) -> Option<(&'static str, &'static str)> {
    const ANY: (&str, &str) = ("716186003", "No known allergy");
    const DRUG: (&str, &str) = ("409137002", "No known drug allergy");
    const FOOD: (&str, &str) = ("429625007", "No known food allergy");
    const ENVIRONMENT: (&str, &str) = ("428607008", "No known environmental allergy");
    const LATEX: (&str, &str) = ("1003774007", "No known latex allergy");
    let named = substances.iter().copied().find(|substance| is_named(*substance));
    let class = match named.map(|substance| child_attribute(substance, "code", "code")) {
        None | Some("105590001") => None,
        Some("410942007") => Some(DRUG),
        Some("762766007") => Some(FOOD),
        Some("111088007") => Some(LATEX),
        // A substance of its own: this one does no harm.
        Some(_) => return None,
    };
    let by_kind = match child_attribute(node, "value", "code") {
        "416098002" | "59037007" | "419511003" => DRUG,
        "414285001" | "235719002" | "418471000" => FOOD,
        "426232007" => ENVIRONMENT,
        "300916003" => LATEX,
        _ => ANY,
    };
    Some(class.unwrap_or(by_kind))
}

/// The status observation first, then the end, then the concern's own status.
fn clinical_status(about: &About<'_>, span: &Span, cx: Cx<'_>, out: &mut Output) -> &'static str {
    if let Some(value) = about.status.and_then(|status| child(status, "value")) {
        match attribute(value, "code") {
            "55561003" => return "active",
            "73425007" => return "inactive",
            "413322009" => return "resolved",
            "" => {}
            _ => unmapped(value, out),
        }
    }
    match cx.concern_status {
        _ if span.end.is_some() || span.ended_unknown => "resolved",
        "completed" | "aborted" | "suspended" | "cancelled" => "inactive",
        _ => "active",
    }
}

fn verification(node: Node<'_>, about: &About<'_>, is_error: bool, is_none: bool, out: &mut Output) -> &'static str {
    if is_error {
        return "entered-in-error";
    }
    if let Some(value) = about.certainty.and_then(|certainty| child(certainty, "value")) {
        match attribute(value, "code") {
            "410605003" | "confirmed" | "385434005" => return "confirmed",
            "415684004" | "2931005" | "410592001" | "unconfirmed" => return "unconfirmed",
            "410594000" | "refuted" => return "refuted",
            _ => unmapped(value, out),
        }
    }
    match (is_none, is_negated(node)) {
        (true, _) => "confirmed",
        (false, true) => "refuted",
        _ => "",
    }
}

/// Whether a value says which kind of allergy it is, not what the patient is allergic to.
fn is_kind(code: &str) -> bool {
    const KINDS: [&str; 23] = [
        "416098002",
        "414285001",
        "426232007",
        "419199007",
        "300916003",
        "59037007",
        "235719002",
        "419511003",
        "418471000",
        "418038007",
        "420134006",
        "",
        "DALG",
        "FALG",
        "EALG",
        "ALG",
        "DINT",
        "FINT",
        "EINT",
        "OINT",
        "DNAINT",
        "FNAINT",
        "ENAINT",
    ];
    KINDS.contains(&code)
}

/// The value as type and category (CF-AllergyIntoleranceType, CF-AllergyIntoleranceCategory).
fn kind(w: &mut Writer, node: Node<'_>, out: &mut Output) {
    let Some(value) = child(node, "value") else { return };
    let (kind, category) = match attribute(value, "code") {
        "416098002" => ("allergy", "medication"),
        "414285001" => ("allergy", "food"),
        "426232007" => ("allergy", "environment"),
        "419199007" | "300916003" => ("allergy", ""),
        "59037007" => ("intolerance", "medication"),
        "235719002" => ("intolerance", "food"),
        "419511003" => ("", "medication"),
        "418471000" => ("", "food"),
        "418038007" | "420134006" | "" => ("", ""),
        // ActCode of IHE PCC and older documents.
        "DALG" => ("allergy", "medication"),
        "FALG" => ("allergy", "food"),
        "EALG" => ("allergy", "environment"),
        "ALG" => ("allergy", ""),
        "DINT" => ("intolerance", "medication"),
        "FINT" => ("intolerance", "food"),
        "EINT" => ("intolerance", "environment"),
        "OINT" | "DNAINT" | "FNAINT" | "ENAINT" => ("intolerance", ""),
        _ => {
            // A value that is no kind of allergy is the substance, where nothing else is.
            if !substances(node).is_empty() {
                unmapped(value, out);
            }
            ("", "")
        }
    };
    w.string("type", kind);
    w.array("category", |w| w.item_string(category));
}

/// The criticality observation, else what the severity of the allergy itself says about it where no reaction takes it.
fn criticality(about: &About<'_>, out: &mut Output) -> &'static str {
    if let Some(value) = about.criticality.and_then(|c| child(c, "value")) {
        match attribute(value, "code") {
            "CRITH" => return "high",
            "CRITL" => return "low",
            "CRITU" => return "unable-to-assess",
            _ => unmapped(value, out),
        }
    }
    let has_own =
        |reaction: &Node<'_>| children(*reaction, "entryRelationship").any(|relation| holds_severity(relation));
    let is_told = about.reactions.iter().any(|reaction| !has_own(reaction));
    let Some(severity) = about.severity.filter(|_| !is_told) else { return "" };
    match severity_of(severity) {
        "severe" => "high",
        "mild" => "low",
        _ => {
            out.issue(&SEVERITY_ALONE, node::place(severity));
            ""
        }
    }
}

fn holds_severity(relation: Node<'_>) -> bool {
    child(relation, "observation").is_some_and(|observation| role(observation) == Role::Severity)
}

/// SNOMED CT severities (CF-AllergySeverity); what lies between two of them is the graver.
fn severity_of(node: Node<'_>) -> &'static str {
    match child_attribute(node, "value", "code") {
        "255604002" | "L" => "mild",
        "6736007" | "371923003" | "M" => "moderate",
        "24484000" | "371924009" | "399166001" | "H" => "severe",
        _ => "",
    }
}

fn code(
    w: &mut Writer,
    node: Node<'_>,
    substances: &[Node<'_>],
    no_known: Option<(&str, &str)>,
    cx: Cx<'_>,
    out: &mut Output,
) {
    if let Some((code, display)) = no_known {
        return w.object("code", |w| {
            w.array("coding", |w| w.coding_item(SNOMED, code, display));
            w.string("text", display);
        });
    }
    let Some(substance) = substances.iter().copied().find(|substance| is_named(*substance)) else {
        // Nothing named: what the value says in words, else the narrative.
        let value = child(node, "value");
        let original = value.filter(|value| child(*value, "originalText").is_some());
        let text = original.map(|value| cd::text_of(value, cx.within.text)).filter(|text| !text.is_empty());
        let text = text.unwrap_or_else(|| told(node, cx));
        let is_substance = value.is_some_and(|value| cd::is_stated(value) && !is_kind(attribute(value, "code")));
        return match (text.is_empty() || is_substance, value) {
            (true, Some(value)) => cd::concept(w, "code", Some(value), cx.within.text, out),
            _ => w.object("code", |w| w.string("text", &text)),
        };
    };
    let name = child(substance, "name").map(node::text).unwrap_or_default();
    w.object("code", |w| {
        let code = child(substance, "code");
        w.array("coding", |w| {
            if let Some(code) = code {
                cd::codings(w, code, out);
            }
        });
        let text = code.map(|code| cd::text_of(code, cx.within.text)).unwrap_or_default();
        w.string("text", if text.is_empty() { &name } else { &text });
    });
}

/// Writes the reactions; gives the statements within them that are resources of their own.
fn reactions<'a>(w: &mut Writer, about: &About<'a>, cx: Cx<'_>, out: &mut Output) -> Vec<Related<'a>> {
    let mut held = Vec::new();
    let common = about.severity.map(severity_of).unwrap_or_default();
    w.array("reaction", |w| {
        for reaction in &about.reactions {
            let (within, rest): (Vec<_>, Vec<_>) =
                related(*reaction, out).into_iter().partition(|r| matches!(r.role, Role::Severity | Role::Comment));
            held.extend(rest);
            let severity =
                within.iter().find(|r| r.role == Role::Severity).map(|r| severity_of(r.node)).unwrap_or_default();
            for related in &within {
                account(related.node, &LEAF, out);
            }
            if is_negated(*reaction) {
                out.issue_with(&super::rule::NEGATED, node::place(*reaction), "AllergyIntolerance.reaction");
                continue;
            }
            w.item(|w| {
                manifestation(w, *reaction, cx, out);
                w.string("description", &inline_text(*reaction));
                let onset = Span::of(child(*reaction, "effectiveTime"), out);
                w.string("onset", onset.first().unwrap_or_default());
                w.string("severity", if severity.is_empty() { common } else { severity });
                let comments: Vec<Node<'_>> =
                    within.iter().filter(|r| r.role == Role::Comment).map(|r| r.node).collect();
                related::notes(w, &comments, cx, out);
            });
            account(
                *reaction,
                &["id", "code", "statusCode", "effectiveTime", "value", "entryRelationship", "author"],
                out,
            );
        }
    });
    held
}

/// The manifestation, which FHIR requires: coded, in words, or as unknown.
fn manifestation(w: &mut Writer, reaction: Node<'_>, cx: Cx<'_>, out: &mut Output) {
    w.array("manifestation", |w| {
        let value = child(reaction, "value");
        match value.filter(|value| cd::is_stated(*value)) {
            Some(value) => cd::concept_item(w, value, cx.within.text, out),
            None => w.item(|w| {
                let words = value.map(node::text).unwrap_or_default();
                let words = if words.is_empty() { told(reaction, cx) } else { words };
                w.string("text", if words.is_empty() { "unknown" } else { &words });
            }),
        }
    });
}

fn settle(node: Node<'_>, substances: &[Node<'_>], out: &mut Output) {
    const TAKEN: [&str; 9] = [
        "id",
        "code",
        "statusCode",
        "effectiveTime",
        "value",
        "author",
        "informant",
        "participant",
        "entryRelationship",
    ];
    account(node, &TAKEN, out);
    only_first(node, "value", out);
    for substance in substances.iter().filter(|substance| is_named(**substance)).skip(1) {
        unmapped(*substance, out);
    }
    super::device::report_participants(node, &["CSM", ""], out);
}
