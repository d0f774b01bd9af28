//! Supplies: of drugs (C-CDA 22.4.17, 22.4.18, 22.4.43) to MedicationDispense and MedicationRequest or a part of it, of
//! devices (22.4.50) to `device.rs`.

use super::account::{account, unmapped};
use super::identity;
use super::kind::{Role, is_ccda};
use super::product::{self, More, Product};
use super::related::{self, Related, is_negated, note_items, related, told, unlinked};
use super::{Cx, actor, device, dosage, status};
use crate::fhir::{ResourceType, Writer};
use crate::map::Output;
use crate::map::cda::datatype::ivl_ts::Span;
use crate::map::cda::datatype::timing::{self, Gts};
use crate::map::cda::datatype::{cd, ii, pq};
use crate::map::cda::node::{self, Node, attribute, child, child_attribute, children};
use crate::map::stated::Content;

/// What of an ordered supply is a part of the order.
const ORDER: [&str; 13] = [
    "id",
    "code",
    "statusCode",
    "effectiveTime",
    "repeatNumber",
    "quantity",
    "product",
    "author",
    "performer",
    "entryRelationship",
    "independentInd",
    "reference",
    "expectedUseTime",
];

/// Maps a supply; gives its reference, then those of what it holds.
pub(super) fn map(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let product = product::of(node).filter(Product::is_named).or(cx.product);
    if is_ccda(node, "50") || (product.is_none() && device::has_device(node)) {
        return device::supply(node, cx, out);
    }
    match attribute(node, "moodCode") {
        "" | "EVN" => dispense(node, product, cx, out),
        _ => order(node, product, cx, out),
    }
}

/// The statements within a supply.
#[derive(Debug, Default)]
struct Held<'a> {
    comments: Vec<Node<'a>>,
    sigs: Vec<Node<'a>>,
    doses: Vec<Node<'a>>,
    pointers: Vec<Node<'a>>,
    others: Vec<Related<'a>>,
}

fn hold<'a>(node: Node<'a>, out: &mut Output) -> Held<'a> {
    const LEAF: [&str; 7] = ["id", "code", "statusCode", "effectiveTime", "author", "consumable", "reference"];
    let mut held = Held::default();
    for related in related(node, out) {
        match related.role {
            Role::Comment => held.comments.push(related.node),
            Role::Pointer => held.pointers.push(related.node),
            Role::Instruction | Role::Fulfilment | Role::Sig => held.sigs.push(related.node),
            _ if is_words(related.node) => held.sigs.push(related.node),
            _ if is_dosing(related.node) => {
                held.doses.push(related.node);
                continue;
            }
            _ => {
                held.others.push(related);
                continue;
            }
        }
        account(related.node, &LEAF, out);
    }
    held
}

/// An administration of the drug that is supplied: it says how that is taken.
fn is_dosing(node: Node<'_>) -> bool {
    node::name(node) == "substanceAdministration" && !product::of(node).is_some_and(|product| product.is_named())
}

/// The same, when it says so only in words.
fn is_words(node: Node<'_>) -> bool {
    is_dosing(node) && ["effectiveTime", "doseQuantity", "rateQuantity"].iter().all(|name| child(node, name).is_none())
}

fn dispense(node: Node<'_>, product: Option<Product<'_>>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let content = Content { what: product.map(|p| p.key(cx)).unwrap_or_default(), when: identity::when(node) };
    let id = identity::of_content(node, ResourceType::MEDICATION_DISPENSE, content, cx, out);
    let authors = actor::authors(node, cx, out);
    let inner = Cx { author: authors.last.as_deref().or(cx.author), product, ..cx };
    let held = hold(node, out);
    let performers = actor::performers(node, out);
    let span = Span::of(child(node, "effectiveTime"), out);
    let mut w = Writer::new();
    product::medication(&mut w, product, &told(node, cx), More::default(), cx, out);
    ii::identifiers(&mut w, node, out);
    let code = status::code(node, out);
    w.string("status", if is_negated(node) { "declined" } else { status::dispense(code) });
    cd::concept(&mut w, "type", child(node, "code").filter(|c| cd::is_stated(*c)), cx.within.text, out);
    out.subject(&mut w, "subject");
    w.reference("context", cx.within.encounter.unwrap_or_default());
    w.array("supportingInformation", |w| {
        related::pointer_items(w, &held.pointers, out);
        related::external_items(w, node, out);
    });
    w.array("performer", |w| {
        for (reference, _) in &performers {
            w.item(|w| w.reference("actor", reference));
        }
    });
    let place = actor::place(node, out);
    w.reference("location", place.as_deref().unwrap_or_default());
    w.array("authorizingPrescription", |w| {
        let prescription = cx.around.filter(|r| actor::is_of(r, &["MedicationRequest"]));
        w.item(|w| w.string("reference", prescription.unwrap_or_default()));
    });
    pq::quantity(&mut w, "quantity", child(node, "quantity"), out);
    w.string("whenHandedOver", span.first().unwrap_or_default());
    w.array("note", |w| {
        note_items(w, &held.comments, inner, out);
        let number = child_attribute(node, "repeatNumber", "value");
        w.item(|w| w.string("text", &if number.is_empty() { String::new() } else { format!("Fill number {number}") }));
    });
    dosages(&mut w, &held, inner, out);
    settle(node, &span, out);
    if let Some(product) = product::of(node) {
        product.settle(out);
    }
    let mut references = vec![identity::put(node, ResourceType::MEDICATION_DISPENSE, id, w, out)];
    references.extend(unlinked(&held.others, inner, out));
    references
}

/// How the drug is taken: in doses, and in words.
fn dosages(w: &mut Writer, held: &Held<'_>, cx: Cx<'_>, out: &mut Output) {
    w.array("dosageInstruction", |w| {
        for dose in &held.doses {
            dosage::alone(w, *dose, cx, out);
        }
        for sig in &held.sigs {
            w.item(|w| w.string("text", &related::comment_text(*sig, cx)));
        }
    });
}

/// An ordered supply of its own: a MedicationRequest that says what is to be dispensed.
fn order(node: Node<'_>, product: Option<Product<'_>>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let content = Content { what: product.map(|p| p.key(cx)).unwrap_or_default(), when: identity::when(node) };
    let id = identity::of_content(node, ResourceType::MEDICATION_REQUEST, content, cx, out);
    let authors = actor::authors(node, cx, out);
    let inner = Cx { author: authors.last.as_deref().or(cx.author), product, ..cx };
    let mut w = Writer::new();
    product::medication(&mut w, product, &told(node, cx), More::default(), cx, out);
    ii::identifiers(&mut w, node, out);
    let code = status::code(node, out);
    w.string("status", if code.is_empty() { "active" } else { status::request(code) });
    let mood = attribute(node, "moodCode");
    w.string("intent", if mood == "INT" && !is_ccda(node, "43") { "order" } else { status::intent(mood) });
    if is_negated(node) {
        w.boolean("doNotPerform", true);
    }
    out.subject(&mut w, "subject");
    w.reference("encounter", cx.within.encounter.unwrap_or_default());
    w.string("authoredOn", authors.latest.as_deref().unwrap_or_default());
    w.reference("requester", authors.last.as_deref().unwrap_or_default());
    let held = hold(node, out);
    related::notes(&mut w, &held.comments, inner, out);
    dosages(&mut w, &held, inner, out);
    write_dispense_request(&mut w, node, Order::default(), out);
    w.array("supportingInformation", |w| {
        related::pointer_items(w, &held.pointers, out);
        related::external_items(w, node, out);
    });
    account(node, &ORDER, out);
    let mut references = vec![identity::put(node, ResourceType::MEDICATION_REQUEST, id, w, out)];
    references.extend(unlinked(&held.others, inner, out));
    references
}

/// What the administration itself says about its supply.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Order<'a> {
    /// repeatNumber, which counts fills like that of a supply does.
    pub(super) repeats: &'a str,
    /// For how long the drug is prescribed.
    pub(super) width: Option<Node<'a>>,
}

/// Writes `dispenseRequest` of a MedicationRequest from the supplies ordered with it and the administration itself.
pub(super) fn dispense_request(w: &mut Writer, orders: &[Node<'_>], order: Order<'_>, cx: Cx<'_>, out: &mut Output) {
    match orders.split_first() {
        Some((first, rest)) => {
            write_dispense_request(w, *first, order, out);
            account(*first, &ORDER, out);
            rest.iter().for_each(|order| unmapped(*order, out));
            for related in related(*first, out) {
                let is_read = matches!(related.role, Role::Instruction | Role::Fulfilment | Role::Sig | Role::Comment);
                if is_read || is_words(related.node) || !related::not_linked(&related, cx, out).is_empty() {
                    continue;
                }
            }
        }
        None => w.object("dispenseRequest", |w| {
            number_of_repeats(w, order.repeats);
            if let Some(width) = order.width {
                timing::duration(w, "expectedSupplyDuration", width, out);
            }
        }),
    }
}

fn write_dispense_request(w: &mut Writer, node: Node<'_>, order: Order<'_>, out: &mut Output) {
    let stated = child_attribute(node, "repeatNumber", "value");
    let mut performers = actor::performers(node, out).into_iter().map(|(reference, _)| reference);
    let organization = performers.find(|reference| actor::is_of(reference, &["Organization"]));
    w.object("dispenseRequest", |w| {
        let gts = Gts::of(node);
        gts.span(out).period(w, "validityPeriod");
        number_of_repeats(w, if stated.is_empty() { order.repeats } else { stated });
        pq::quantity(w, "quantity", child(node, "quantity"), out);
        if let Some(width) = child(node, "expectedUseTime").and_then(|time| child(time, "width")).or(order.width) {
            timing::duration(w, "expectedSupplyDuration", width, out);
        }
        w.reference("performer", organization.as_deref().unwrap_or_default());
    });
}

/// repeatNumber counts all fills, numberOfRepeatsAllowed those after the first.
fn number_of_repeats(w: &mut Writer, fills: &str) {
    if let Ok(fills) = fills.parse::<u32>()
        && fills > 0
    {
        w.integer("numberOfRepeatsAllowed", i64::from(fills - 1));
    }
}

fn settle(node: Node<'_>, span: &Span, out: &mut Output) {
    const TAKEN: [&str; 13] = [
        "id",
        "code",
        "statusCode",
        "effectiveTime",
        "repeatNumber",
        "quantity",
        "product",
        "author",
        "performer",
        "entryRelationship",
        "participant",
        "independentInd",
        "reference",
    ];
    account(node, &TAKEN, out);
    if span.start.is_some() && span.end.is_some() {
        out.issue(&super::rule::END_LEFT_OUT, node::place(node));
    }
    let others = children(node, "participant").filter(|p| attribute(*p, "typeCode") != "LOC");
    others.for_each(|participant| unmapped(participant, out));
}
