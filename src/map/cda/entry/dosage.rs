//! How a drug is taken (CDA R2 SubstanceAdministration) to Dosage.

use super::Cx;
use super::account::{account, unmapped};
use super::kind::Role;
use super::related::{comment_text, related, told};
use crate::fhir::{Writer, system};
use crate::map::Output;
use crate::map::cda::datatype::timing::{Bounds, Gts};
use crate::map::cda::datatype::{cd, ivl_pq, pq, rto};
use crate::map::cda::node::{self, Node, attribute, child, children};

/// The tables of usages (用法) that a Japanese prescription names as its code.
const USAGES: [&str; 3] = ["1.2.392.200250.2.2.20.20", "1.2.392.200250.2.2.20.22", "1.2.392.200250.2.2.21"];

/// What statements within the administration say about how to take it.
#[derive(Debug, Default)]
pub(super) struct Directions<'a> {
    /// In words.
    pub(super) sigs: Vec<Node<'a>>,
    /// To the patient.
    pub(super) instructions: Vec<Node<'a>>,
    /// Doses that differ by time: split, tapered or combined dosing.
    pub(super) parts: Vec<Node<'a>>,
    /// The administration around this one, whose usage several drugs share.
    pub(super) around: Option<Node<'a>>,
}

/// Writes the Dosages as items of member `name`; `bounds` says where it stands from when to when.
pub(super) fn dosages(
    w: &mut Writer,
    name: &str,
    node: Node<'_>,
    directions: &Directions<'_>,
    bounds: Bounds,
    cx: Cx<'_>,
    out: &mut Output,
) {
    let text = text(node, directions, cx);
    w.array(name, |w| {
        if directions.parts.is_empty() {
            return w.item(|w| dosage(w, node, directions.around, &text, directions, bounds, cx, out));
        }
        w.item(|w| {
            w.string("text", &text);
            instructions(w, directions, cx, out);
        });
        for (at, part) in directions.parts.iter().enumerate() {
            let words = told(*part, cx);
            w.item(|w| {
                w.integer("sequence", at as i64 + 1);
                dosage(w, *part, Some(node), &words, &Directions::default(), bounds, cx, out);
            });
        }
    });
}

/// Writes how a drug is taken, as a statement within its supply tells it, as items of an array.
pub(super) fn alone(w: &mut Writer, node: Node<'_>, cx: Cx<'_>, out: &mut Output) {
    let mut directions = Directions::default();
    account(node, &PART, out);
    for related in related(node, out) {
        match related.role {
            Role::Instruction => directions.instructions.push(related.node),
            Role::Sig => directions.sigs.push(related.node),
            _ if node::name(related.node) == "substanceAdministration" => directions.parts.push(related.node),
            _ => unmapped(related.relation, out),
        }
    }
    let mut items = Writer::default();
    dosages(&mut items, "all", node, &directions, Bounds::Period, cx, out);
    let items = items.finish();
    if let Some(items) = items.strip_prefix("\"all\":[").and_then(|rest| rest.strip_suffix(']')) {
        w.item_raw(items);
    }
}

/// What of an administration is a part of a dosage.
pub(super) const PART: [&str; 13] = [
    "id",
    "statusCode",
    "effectiveTime",
    "doseQuantity",
    "rateQuantity",
    "maxDoseQuantity",
    "routeCode",
    "approachSiteCode",
    "methodCode",
    "consumable",
    "precondition",
    "entryRelationship",
    "code",
];

/// The words for it: the free text sig, else, where nothing is structured, what the narrative says.
pub(super) fn text(node: Node<'_>, directions: &Directions<'_>, cx: Cx<'_>) -> String {
    let sigs: Vec<String> =
        directions.sigs.iter().map(|sig| comment_text(*sig, cx)).filter(|s| !s.is_empty()).collect();
    let mut sigs = sigs;
    sigs.dedup();
    if !sigs.is_empty() {
        return sigs.join("\n");
    }
    let usage = usage(node, directions.around).map(|code| cd::text_of(code, cx.within.text)).unwrap_or_default();
    if !usage.is_empty() {
        return usage;
    }
    let has = |name: &str| look(node, directions.around, name).is_some_and(pq_or_bounds);
    let is_structured =
        (has("doseQuantity") || has("rateQuantity")) && Gts::of(node).within(directions.around).is_repeating();
    if is_structured || !directions.parts.is_empty() { String::new() } else { told(node, cx) }
}

/// The child of an administration, else of the one around it.
pub(super) fn look<'a>(node: Node<'a>, around: Option<Node<'a>>, name: &str) -> Option<Node<'a>> {
    child(node, name).or_else(|| child(around?, name))
}

fn usage<'a>(node: Node<'a>, around: Option<Node<'a>>) -> Option<Node<'a>> {
    let is_usage = |code: &Node<'_>| USAGES.contains(&attribute(*code, "codeSystem"));
    [Some(node), around].into_iter().flatten().find_map(|node| child(node, "code").filter(is_usage))
}

/// Whether the code of an administration is how it is taken; reported by the caller where it is something else.
pub(super) fn is_usage(code: Node<'_>) -> bool {
    USAGES.contains(&attribute(code, "codeSystem"))
}

fn pq_or_bounds(node: Node<'_>) -> bool {
    pq::is_stated(node)
        || child(node, "low").is_some()
        || child(node, "high").is_some()
        || child(node, "center").is_some()
}

#[allow(clippy::too_many_arguments)] // one place, and each is its own thing
fn dosage(
    w: &mut Writer,
    node: Node<'_>,
    around: Option<Node<'_>>,
    text: &str,
    directions: &Directions<'_>,
    bounds: Bounds,
    cx: Cx<'_>,
    out: &mut Output,
) {
    let gts = Gts::of(node).within(around);
    if bounds == Bounds::Duration && gts.width().is_some() {
        period_of_use(w, &gts, out);
    }
    w.string("text", text);
    instructions(w, directions, cx, out);
    gts.note_the_rest(out);
    w.object("timing", |w| {
        gts.members(w, bounds, out);
        cd::concept(w, "code", usage(node, around), cx.within.text, out);
    });
    as_needed(w, node, around, cx, out);
    let stated = |name: &str| look(node, around, name).filter(|code| cd::is_stated(*code));
    cd::concept(w, "site", stated("approachSiteCode"), cx.within.text, out);
    cd::concept(w, "route", stated("routeCode"), cx.within.text, out);
    cd::concept(w, "method", stated("methodCode"), cx.within.text, out);
    w.array("doseAndRate", |w| {
        w.item(|w| {
            dose(w, look(node, around, "doseQuantity"), out);
            rate(w, look(node, around, "rateQuantity"), out);
        });
    });
    rto::ratio(w, "maxDosePerPeriod", look(node, around, "maxDoseQuantity"), out);
}

/// From when to when, beside the number of days (JP Core).
fn period_of_use(w: &mut Writer, gts: &Gts<'_>, out: &mut Output) {
    let span = gts.span(out);
    w.array("extension", |w| {
        w.item(|w| {
            if !span.is_empty() {
                w.string("url", &format!("{}JP_MedicationDosage_PeriodOfUse", system::JP_EXTENSION));
                span.period(w, "valuePeriod");
            }
        });
    });
}

fn instructions(w: &mut Writer, directions: &Directions<'_>, cx: Cx<'_>, out: &mut Output) {
    w.array("additionalInstruction", |w| {
        for instruction in &directions.instructions {
            if let Some(code) = child(*instruction, "code").filter(|code| cd::is_stated(*code) && !is_plain(*code)) {
                cd::concept_item(w, code, cx.within.text, out);
            }
        }
    });
    let texts = directions.instructions.iter().map(|instruction| told(*instruction, cx));
    w.string("patientInstruction", &texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n"));
}

/// Codes that only say that it is an instruction.
fn is_plain(code: Node<'_>) -> bool {
    matches!(attribute(code, "code"), "PINSTRUCT" | "FINSTRUCT" | "311401005" | "171044003" | "409073007")
}

/// A precondition, or a usage that is taken on an event (頓用: the third digit of a JAMI usage is 5).
fn as_needed(w: &mut Writer, node: Node<'_>, around: Option<Node<'_>>, cx: Cx<'_>, out: &mut Output) {
    let preconditions: Vec<Node<'_>> =
        [Some(node), around].into_iter().flatten().flat_map(|node| children(node, "precondition")).collect();
    let criterion = preconditions.first().and_then(|precondition| child(*precondition, "criterion"));
    let usage = usage(node, around);
    let is_on_event = usage.is_some_and(|usage| {
        let text = cd::text_of(usage, cx.within.text);
        let by_code = attribute(usage, "code").len() == 16 && attribute(usage, "code").as_bytes().get(2) == Some(&b'5');
        by_code || ["頓用", "頓服", "屯用"].iter().any(|word| text.contains(word))
    });
    for further in preconditions.iter().skip(1) {
        unmapped(*further, out);
    }
    let value = criterion.and_then(|criterion| child(criterion, "value")).filter(|value| cd::is_stated(*value));
    let words =
        criterion.and_then(|c| child(c, "text")).map(|text| cd::resolved(text, cx.within.text)).unwrap_or_default();
    let coded =
        criterion.and_then(|c| child(c, "code")).filter(|c| cd::is_stated(*c) && attribute(*c, "code") != "ASSERTION");
    match (value.or(coded), words.is_empty()) {
        (Some(value), _) => cd::concept(w, "asNeededCodeableConcept", Some(value), cx.within.text, out),
        (None, false) => w.object("asNeededCodeableConcept", |w| w.string("text", &words)),
        (None, true) if is_on_event || !preconditions.is_empty() => w.boolean("asNeededBoolean", true),
        _ => {}
    }
}

/// `doseQuantity`, or `doseRange` for an interval.
fn dose(w: &mut Writer, node: Option<Node<'_>>, out: &mut Output) {
    if let Some(node) = node {
        ivl_pq::range_or_quantity(w, "dose", node, out);
    }
}

fn rate(w: &mut Writer, node: Option<Node<'_>>, out: &mut Output) {
    if let Some(node) = node {
        ivl_pq::range_or_quantity(w, "rate", node, out);
    }
}

/// The quantity itself, or a bound of it where it is an interval.
fn simple<'a>(quantity: Node<'a>) -> Option<Node<'a>> {
    let bound = || ["center", "low", "high"].iter().find_map(|name| child(quantity, name));
    if pq::is_stated(quantity) { Some(quantity) } else { bound() }
}

/// Writes the dosage of a MedicationAdministration: one, without a timing. Invariant mad-1 wants a dose or a rate in it;
/// gives the words for a note where there is neither.
pub(super) fn given(
    w: &mut Writer,
    node: Node<'_>,
    directions: &Directions<'_>,
    cx: Cx<'_>,
    out: &mut Output,
) -> Vec<String> {
    let stated = |name: &str| look(node, directions.around, name).filter(|code| cd::is_stated(*code));
    let coded = ["approachSiteCode", "routeCode", "methodCode"].map(stated);
    let text = text(node, directions, cx);
    let mut amount = Writer::default();
    let has_dose =
        pq::quantity(&mut amount, "dose", look(node, directions.around, "doseQuantity").and_then(simple), out);
    let rate = look(node, directions.around, "rateQuantity").and_then(simple);
    if !pq::quantity(&mut amount, "rateQuantity", rate, out) && !has_dose {
        let words = coded.into_iter().flatten().map(|code| cd::text_of(code, cx.within.text));
        return words.chain([text]).filter(|words| !words.is_empty()).collect();
    }
    w.object("dosage", |w| {
        w.string("text", &text);
        for (name, code) in ["site", "route", "method"].into_iter().zip(coded) {
            cd::concept(w, name, code, cx.within.text, out);
        }
        w.members(amount);
    });
    Vec::new()
}
