//! Immunizations (C-CDA 22.4.52) to Immunization; refusals and what was not given to status not-done.

use super::account::{account, only_first};
use super::identity;
use super::kind::Role;
use super::product::{self, Product};
use super::reason::{self, Reasons};
use super::related::{Related, inline_text, is_negated, note_items, of_types, related, told, unlinked};
use super::{Cx, actor, status};
use crate::fhir::{ResourceType, Writer};
use crate::map::Output;
use crate::map::cda::datatype::ivl_ts::Span;
use crate::map::cda::datatype::{absent, cd, ii, pq};
use crate::map::cda::node::{self, Node, child, child_attribute};
use crate::map::stated::Content;

/// LOINC of the number of the dose in its series.
const DOSE_NUMBER: &str = "30973-2";
const LEAF: [&str; 6] = ["id", "code", "statusCode", "effectiveTime", "value", "author"];

/// What is said about an immunization by the statements within it.
#[derive(Debug, Default)]
struct About<'a> {
    reasons: Reasons<'a>,
    comments: Vec<Node<'a>>,
    reactions: Vec<Node<'a>>,
    dose: &'a str,
    others: Vec<Related<'a>>,
}

/// Maps the administration; gives its reference.
pub(super) fn map(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let product = product::of(node).filter(Product::is_named);
    let what = product.map(|product| product.key(cx)).unwrap_or_default();
    let content = Content { what, when: identity::when(node) };
    let id = identity::of_content(node, ResourceType::IMMUNIZATION, content, cx, out);
    let authors = actor::authors(node, cx, out);
    let inner = Cx { author: authors.last.as_deref().or(cx.author), concern_status: "", ..cx };
    let about = about(node, inner, out);
    let is_not_done = is_negated(node);
    let code = status::code(node, out);
    let mut w = Writer::new();
    ii::identifiers(&mut w, node, out);
    let status = if is_not_done && code != "nullified" { "not-done" } else { status::immunization(code) };
    w.string("status", status);
    about.reasons.write_refusal(&mut w, inner, out);
    vaccine(&mut w, node, product, cx, out);
    out.subject(&mut w, "patient");
    w.reference("encounter", cx.within.encounter.unwrap_or_default());
    occurrence(&mut w, node, out);
    w.string("recorded", authors.earliest.as_deref().unwrap_or_default());
    let place = actor::place(node, out);
    w.reference("location", place.as_deref().unwrap_or_default());
    let manufacturer = product.and_then(|product| product.manufacturer(out));
    w.reference("manufacturer", manufacturer.as_deref().unwrap_or_default());
    w.string("lotNumber", &product.map(|product| product.lot()).unwrap_or_default());
    w.string("expirationDate", product.and_then(|product| product.expires(out)).as_deref().unwrap_or_default());
    let stated = |name: &str| child(node, name).filter(|code| cd::is_stated(*code));
    cd::concept(&mut w, "site", stated("approachSiteCode"), cx.within.text, out);
    cd::concept(&mut w, "route", stated("routeCode"), cx.within.text, out);
    pq::quantity(&mut w, "doseQuantity", child(node, "doseQuantity"), out);
    performers(&mut w, node, out);
    w.array("note", |w| {
        note_items(w, &about.comments, inner, out);
        w.item(|w| w.string("text", &inline_text(node)));
    });
    about.reasons.write_codes(&mut w, "reasonCode", inner, out);
    about.reasons.write_references(&mut w, "reasonReference");
    let held = reactions(&mut w, &about, inner, out);
    let repeat = child_attribute(node, "repeatNumber", "value");
    let number = if about.dose.is_empty() { repeat } else { about.dose };
    w.array("protocolApplied", |w| {
        if let Ok(number) = number.parse::<u32>()
            && number > 0
        {
            w.item(|w| w.integer("doseNumberPositiveInt", i64::from(number)));
        }
    });
    settle(node, product, out);
    let mut references = vec![identity::put(node, ResourceType::IMMUNIZATION, id, w, out)];
    references.extend(held);
    references.extend(about.reasons.others);
    references.extend(unlinked(&about.others, inner, out));
    references
}

fn about<'a>(node: Node<'a>, cx: Cx<'_>, out: &mut Output) -> About<'a> {
    let mut about = About { reasons: Reasons::of(reason::REPORTED), ..About::default() };
    for related in related(node, out) {
        if about.reasons.take(&related, cx, out) {
            continue;
        }
        match related.role {
            Role::Comment | Role::Instruction => {
                about.comments.push(related.node);
                account(related.node, &LEAF, out);
            }
            _ if child_attribute(related.node, "code", "code") == DOSE_NUMBER => {
                about.dose = child_attribute(related.node, "value", "value");
                account(related.node, &LEAF, out);
            }
            _ if related.role == Role::Reaction || related.kind == "MFST" || related.kind == "CAUS" => {
                about.reactions.push(related.node);
            }
            _ => about.others.push(related),
        }
    }
    about
}

/// The vaccine, which FHIR requires.
fn vaccine(w: &mut Writer, node: Node<'_>, product: Option<Product<'_>>, cx: Cx<'_>, out: &mut Output) {
    w.object("vaccineCode", |w| match product {
        Some(product) => product.concept(w, cx, out),
        None => {
            let words = told(node, cx);
            w.string("text", if words.is_empty() { "unknown" } else { &words });
        }
    });
}

/// When it was given, which FHIR requires as one time.
fn occurrence(w: &mut Writer, node: Node<'_>, out: &mut Output) {
    let span = Span::of(child(node, "effectiveTime"), out);
    match span.first() {
        Some(at) => w.string("occurrenceDateTime", at),
        None => absent(w, "occurrenceDateTime", if span.absent.is_empty() { "UNK" } else { &span.absent }),
    }
    if span.start.is_some() && span.end.is_some() {
        out.issue(&super::rule::END_LEFT_OUT, node::place(node));
    }
}

fn performers(w: &mut Writer, node: Node<'_>, out: &mut Output) {
    let performers = actor::performers_of(node, &["Practitioner", "PractitionerRole", "Organization"], out);
    w.array("performer", |w| {
        for reference in &performers {
            w.item(|w| {
                w.concept("function", "http://terminology.hl7.org/CodeSystem/v2-0443", "AP", "Administering Provider");
                w.reference("actor", reference);
            });
        }
    });
}

/// Writes the reactions, each with the Observation that tells it; gives what else they held.
fn reactions(w: &mut Writer, about: &About<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let mut others = Vec::new();
    let mut told = Vec::new();
    for reaction in &about.reactions {
        let span = Span::of(child(*reaction, "effectiveTime"), out);
        let (mut details, rest) = of_types(super::statement(*reaction, cx.deeper(), out), &["Observation"]);
        others.extend(rest);
        let detail = if details.is_empty() { String::new() } else { details.remove(0) };
        others.append(&mut details);
        told.push((span, detail));
    }
    w.array("reaction", |w| {
        for (span, detail) in &told {
            w.item(|w| {
                w.string("date", span.first().unwrap_or_default());
                w.reference("detail", detail);
            });
        }
    });
    others
}

fn settle(node: Node<'_>, product: Option<Product<'_>>, out: &mut Output) {
    const TAKEN: [&str; 13] = [
        "id",
        "code",
        "statusCode",
        "effectiveTime",
        "routeCode",
        "approachSiteCode",
        "doseQuantity",
        "consumable",
        "author",
        "performer",
        "entryRelationship",
        "repeatNumber",
        "participant",
    ];
    account(node, &TAKEN, out);
    only_first(node, "approachSiteCode", out);
    if let Some(product) = product {
        product.settle(out);
    }
    super::device::report_participants(node, &["LOC"], out);
}
