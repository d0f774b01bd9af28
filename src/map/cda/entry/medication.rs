//! Substance administrations (C-CDA 22.4.16, 22.4.42, IHE PCC and Pharmacy, Japanese prescriptions) to MedicationRequest,
//! MedicationStatement or MedicationAdministration.

use super::account::{account, only_first, unmapped};
use super::dosage::{self, Directions, PART};
use super::identity;
use super::kind::{Role, has_template, is_ccda, section};
use super::product::{self, More, Product};
use super::reason::{self, Reasons};
use super::related::{self, Related, is_negated, note_items, related, told, unlinked};
use super::supply::{self, Order};
use super::{Cx, actor, status};
use crate::fhir::{ResourceType, Writer};
use crate::map::Output;
use crate::map::cda::datatype::timing::{Bounds, Gts};
use crate::map::cda::datatype::{absent, cd, ii, ts};
use crate::map::cda::node::{self, Node, attribute, child, child_attribute, children, descend};
use crate::map::stated::Content;

/// IHE Pharmacy: an item of a medication treatment plan is what the patient takes, whatever its mood.
const TREATMENT_PLAN: &str = "1.3.6.1.4.1.19376.1.9.1.3.7";
const LEAF: [&str; 8] =
    ["id", "code", "statusCode", "effectiveTime", "author", "consumable", "priorityCode", "reference"];
const RX_ABSENT: &str = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips";

/// What is said about a medication by the statements within it.
#[derive(Debug, Default)]
struct About<'a> {
    directions: Directions<'a>,
    reasons: Reasons<'a>,
    comments: Vec<Node<'a>>,
    /// Supplies that were ordered: a part of the order.
    orders: Vec<Node<'a>>,
    /// To the pharmacist.
    fulfilments: Vec<Node<'a>>,
    substitution: Option<Node<'a>>,
    /// Statements that only point to another: the plan, the prescription.
    pointers: Vec<Node<'a>>,
    others: Vec<Related<'a>>,
}

/// Maps the administration; gives its reference, then those of supplies and other statements within it.
pub(super) fn map(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    one(node, None, cx, out)
}

/// Maps one administration; `around` is the one whose usage it shares.
fn one(node: Node<'_>, around: Option<Node<'_>>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let within = related(node, out);
    let drugs = within.iter().filter(|r| node::name(r.node) == "substanceAdministration" && has_product(r.node));
    let drugs: Vec<Related<'_>> = drugs.copied().collect();
    if !drugs.is_empty() && !has_product(node) && around.is_none() {
        return group(node, &within, cx, out);
    }
    let resource_type = resource_type(node, around, cx);
    let product = product::of(node).filter(Product::is_named).or(cx.product);
    let what = product.map(|product| product.key(cx)).unwrap_or_else(|| told(node, cx));
    let content = Content { what, when: identity::when(node) };
    let id = identity::of_content(node, resource_type, content, cx, out);
    let reference = format!("{}/{}", resource_type.name(), id.as_str());
    let authors = actor::authors(node, cx, out);
    let inner = Cx {
        author: authors.last.as_deref().or(cx.author),
        product,
        around: Some(&reference),
        concern_status: "",
        time: None,
        ..cx
    };
    let about = about(within, around, resource_type, inner, out);
    let mut w = Writer::new();
    medication(&mut w, node, product, inner, out);
    w.array("identifier", |w| {
        ii::identifier_items(w, node, out);
        if let Some(around) = around {
            ii::identifier_items(w, around, out);
        }
    });
    let drug = Drug { node, around, about: &about, authors: &authors };
    match resource_type {
        ResourceType::MEDICATION_REQUEST => request(&mut w, drug, inner, out),
        ResourceType::MEDICATION_STATEMENT => statement(&mut w, drug, inner, out),
        _ => administration(&mut w, drug, inner, out),
    }
    settle(node, resource_type, out);
    if let Some(product) = product::of(node) {
        product.settle(out);
    }
    let mut references = vec![identity::put(node, resource_type, id, w, out)];
    references.extend(about.reasons.others);
    if resource_type != ResourceType::MEDICATION_REQUEST {
        for order in &about.orders {
            references.extend(supply::map(*order, inner.deeper(), out));
        }
    }
    references.extend(own(&about.others, inner, out));
    references
}

/// A drug, and what is told around it.
#[derive(Clone, Copy)]
struct Drug<'d, 'a> {
    node: Node<'a>,
    around: Option<Node<'a>>,
    about: &'d About<'a>,
    authors: &'d actor::Authors,
}

fn has_product(node: Node<'_>) -> bool {
    product::of(node).is_some_and(|product| product.is_named())
}

/// An administration without a product around those with one (an Rp of a prescription): each is taken as it says.
fn group(node: Node<'_>, within: &[Related<'_>], cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let authors = actor::authors(node, cx, out);
    let inner = Cx { author: authors.last.as_deref().or(cx.author), ..cx };
    let mut references = Vec::new();
    for related in within {
        match node::name(related.node) == "substanceAdministration" && has_product(related.node) {
            true => references.extend(one(related.node, Some(node), inner.deeper(), out)),
            false => references.extend(related::own(related, inner, out)),
        }
    }
    settle(node, ResourceType::MEDICATION_REQUEST, out);
    references
}

/// By mood: what is planned or ordered, what the patient takes, what was given.
fn resource_type(node: Node<'_>, around: Option<Node<'_>>, cx: Cx<'_>) -> ResourceType {
    let mood = match attribute(node, "moodCode") {
        "" => around.map(|around| attribute(around, "moodCode")).unwrap_or_default(),
        mood => mood,
    };
    match mood {
        "" | "EVN" if cx.is_given || section::ADMINISTERED.contains(&cx.section) => {
            ResourceType::MEDICATION_ADMINISTRATION
        }
        "" | "EVN" => ResourceType::MEDICATION_STATEMENT,
        _ if has_template(node, TREATMENT_PLAN) => ResourceType::MEDICATION_STATEMENT,
        _ => ResourceType::MEDICATION_REQUEST,
    }
}

fn about<'a>(
    within: Vec<Related<'a>>,
    around: Option<Node<'a>>,
    resource_type: ResourceType,
    cx: Cx<'_>,
    out: &mut Output,
) -> About<'a> {
    let types = if resource_type == ResourceType::MEDICATION_REQUEST { reason::FOUND } else { reason::REPORTED };
    let directions = Directions { around, ..Directions::default() };
    let mut about = About { directions, reasons: Reasons::of(types), ..About::default() };
    for related in within {
        let node = related.node;
        let is_order = node::name(node) == "supply" && !matches!(attribute(node, "moodCode"), "" | "EVN");
        if about.reasons.take(&related, cx, out) {
            continue;
        }
        let list = match related.role {
            Role::Sig => &mut about.directions.sigs,
            Role::Instruction => &mut about.directions.instructions,
            Role::Fulfilment => &mut about.fulfilments,
            Role::Comment => &mut about.comments,
            Role::Pointer => &mut about.pointers,
            _ if is_order => {
                about.orders.push(node);
                continue;
            }
            _ if node::name(node) == "substanceAdministration" && !has_product(node) && related.kind != "REFR" => {
                part(related, &mut about, cx, out);
                continue;
            }
            _ if is_substitution(node) && resource_type == ResourceType::MEDICATION_REQUEST => {
                about.substitution = Some(node);
                account(node, &LEAF, out);
                continue;
            }
            _ => {
                about.others.push(related);
                continue;
            }
        };
        list.push(node);
        account(node, &LEAF, out);
        for deeper in related::related(node, out) {
            unmapped(deeper.relation, out);
        }
    }
    about
}

/// An administration within one, without a product: a part of the dosing, or its words.
fn part<'a>(related: Related<'a>, about: &mut About<'a>, cx: Cx<'_>, out: &mut Output) {
    let node = related.node;
    let has = |name: &str| child(node, name).is_some_and(|n| node::null_flavor(n).is_none());
    if has("doseQuantity") || has("effectiveTime") || has("rateQuantity") {
        about.directions.parts.push(node);
        account(node, &PART, out);
    } else if !told(node, cx).is_empty() {
        about.directions.sigs.push(node);
        account(node, &LEAF, out);
    } else {
        account(node, &PART, out);
    }
    for deeper in related::related(node, out) {
        about.others.push(deeper);
    }
}

/// What may be given in its place (IHE Pharmacy substitution permission).
fn is_substitution(node: Node<'_>) -> bool {
    child_attribute(node, "code", "codeSystem") == "2.16.840.1.113883.5.1070"
}

/// Writes the medication; "no known medications" where an unnamed product is denied.
fn medication(w: &mut Writer, node: Node<'_>, product: Option<Product<'_>>, cx: Cx<'_>, out: &mut Output) {
    if is_none(node, product) {
        return w.object("medicationCodeableConcept", |w| {
            w.array("coding", |w| w.coding_item(RX_ABSENT, "no-known-medications", "No information about medications"));
            w.string("text", "No known medications");
        });
    }
    let vehicles: Vec<Node<'_>> = children(node, "participant")
        .filter(|p| attribute(*p, "typeCode") == "CSM")
        .filter_map(|p| descend(p, &["participantRole", "playingEntity"]))
        .collect();
    let more = More { form: child(node, "administrationUnitCode"), vehicles: &vehicles };
    product::medication(w, product, &told(node, cx), more, cx, out);
}

fn is_none(node: Node<'_>, product: Option<Product<'_>>) -> bool {
    is_negated(node) && product.is_none_or(|product| product.is_any())
}

fn request(w: &mut Writer, drug: Drug<'_, '_>, cx: Cx<'_>, out: &mut Output) {
    let Drug { node, around, about, authors } = drug;
    let code = if child(node, "statusCode").is_some() {
        status::code(node, out)
    } else {
        around.map(|a| status::code(a, out)).unwrap_or_default()
    };
    w.string("status", if code.is_empty() { "active" } else { status::request(code) });
    let mood = attribute(node, "moodCode");
    let mood = if mood.is_empty() { around.map(|a| attribute(a, "moodCode")).unwrap_or_default() } else { mood };
    let is_planned = is_ccda(node, "42") || is_ccda(node, "120");
    w.string("intent", if mood == "INT" && !is_planned { "order" } else { status::intent(mood) });
    w.string("priority", priority(node));
    about.reasons.write_refusal(w, cx, out);
    if is_negated(node) {
        w.boolean("doNotPerform", true);
    }
    let informant = actor::informant(node, out);
    w.reference("reportedReference", informant.as_deref().unwrap_or_default());
    out.subject(w, "subject");
    w.reference("encounter", cx.within.encounter.unwrap_or_default());
    w.array("supportingInformation", |w| elsewhere(w, drug, out));
    let authored = authors.latest.clone().or_else(|| prescribed(drug, out));
    w.string("authoredOn", authored.as_deref().unwrap_or_default());
    w.reference("requester", authors.last.as_deref().unwrap_or_default());
    let performer = actor::performers(node, out).into_iter().map(|(reference, _)| reference).next();
    w.reference("performer", performer.as_deref().unwrap_or_default());
    about.reasons.write_codes(w, "reasonCode", cx, out);
    about.reasons.write_references(w, "reasonReference");
    notes(w, drug, Vec::new(), cx, out);
    let is_japanese = is_japanese(node, around);
    let bounds = if is_japanese { Bounds::Duration } else { Bounds::Period };
    dosage::dosages(w, "dosageInstruction", node, &about.directions, bounds, cx, out);
    let width =
        [Some(node), around].into_iter().flatten().filter(|_| is_japanese).find_map(|node| Gts::of(node).width());
    let order = Order { repeats: child_attribute(node, "repeatNumber", "value"), width };
    supply::dispense_request(w, &about.orders, order, cx, out);
    if let Some(substitution) = about.substitution {
        w.object("substitution", |w| {
            cd::concept(w, "allowedCodeableConcept", child(substitution, "code"), cx.within.text, out);
        });
    }
}

fn statement(w: &mut Writer, drug: Drug<'_, '_>, cx: Cx<'_>, out: &mut Output) {
    let Drug { node, about, authors, .. } = drug;
    let code = status::code(node, out);
    let is_denied = is_negated(node) && !is_none(node, product::of(node));
    w.string(
        "status",
        match code {
            _ if is_denied => "not-taken",
            "" => "unknown",
            code => status::statement(code),
        },
    );
    w.array("statusReason", |w| about.reasons.refusal_items(w, cx, out));
    out.subject(w, "subject");
    w.reference("context", cx.within.encounter.unwrap_or_default());
    let gts = Gts::of(node);
    gts.span(out).write_or_absent(w, "effective");
    w.string("dateAsserted", authors.latest.as_deref().unwrap_or_default());
    let informant = actor::informant(node, out);
    let types = ["Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "Organization"];
    let source = informant.as_deref().or(authors.of_types(&types)).unwrap_or_default();
    w.reference("informationSource", source);
    w.array("derivedFrom", |w| elsewhere(w, drug, out));
    about.reasons.write_codes(w, "reasonCode", cx, out);
    about.reasons.write_references(w, "reasonReference");
    notes(w, drug, Vec::new(), cx, out);
    dosage::dosages(w, "dosage", node, &about.directions, Bounds::Elsewhere, cx, out);
}

fn administration(w: &mut Writer, drug: Drug<'_, '_>, cx: Cx<'_>, out: &mut Output) {
    let Drug { node, about, .. } = drug;
    let code = status::code(node, out);
    w.string("status", if is_negated(node) { "not-done" } else { status::administration(code) });
    w.array("statusReason", |w| about.reasons.refusal_items(w, cx, out));
    out.subject(w, "subject");
    w.reference("context", cx.within.encounter.unwrap_or_default());
    w.array("supportingInformation", |w| elsewhere(w, drug, out));
    let span = Gts::of(node).span(out);
    match (span.is_empty(), cx.time) {
        (true, Some(around)) if !around.is_empty() => around.write(w, "effective"),
        (true, _) => absent(w, "effectiveDateTime", if span.absent.is_empty() { "UNK" } else { &span.absent }),
        (false, _) => span.write(w, "effective"),
    }
    let performers = actor::performers(node, out);
    w.array("performer", |w| {
        for (reference, _) in &performers {
            w.item(|w| w.reference("actor", reference));
        }
    });
    about.reasons.write_codes(w, "reasonCode", cx, out);
    about.reasons.write_references(w, "reasonReference");
    let mut given = Writer::default();
    let words = dosage::given(&mut given, node, &about.directions, cx, out);
    notes(w, drug, words, cx, out);
    w.members(given);
}

/// What the drug's statement points to: other statements, other documents.
fn elsewhere(w: &mut Writer, drug: Drug<'_, '_>, out: &mut Output) {
    related::pointer_items(w, &drug.about.pointers, out);
    related::external_items(w, drug.node, out);
}

/// Comments, what the pharmacist is told, and what the statement says in its own words.
fn notes(w: &mut Writer, drug: Drug<'_, '_>, words: Vec<String>, cx: Cx<'_>, out: &mut Output) {
    w.array("note", |w| {
        note_items(w, &drug.about.comments, cx, out);
        for fulfilment in &drug.about.fulfilments {
            w.item(|w| w.string("text", &related::comment_text(*fulfilment, cx)));
        }
        for words in words {
            w.item(|w| w.string("text", &words));
        }
    });
}

/// Whether the drug or its usage is coded as Japan does.
fn is_japanese(node: Node<'_>, around: Option<Node<'_>>) -> bool {
    let drug = product::of(node).and_then(|product| product.code());
    let usage = [Some(node), around].into_iter().flatten().find_map(|node| child(node, "code"));
    [drug, usage].into_iter().flatten().any(|code| attribute(code, "codeSystem").starts_with("1.2.392."))
}

/// A drug of an Rp is prescribed by its document: the document's time, where the entry names no author.
fn prescribed(drug: Drug<'_, '_>, out: &mut Output) -> Option<String> {
    let is_of_rp =
        |node: Node<'_>| children(node, "id").any(|id| attribute(id, "root").starts_with("1.2.392.100495.20.3.8"));
    let root = drug.node.document().root_element();
    let time =
        [Some(drug.node), drug.around].into_iter().flatten().any(is_of_rp).then(|| child(root, "effectiveTime"))?;
    ts::date_time(time?, out)
}

/// ActPriority as request-priority.
fn priority(node: Node<'_>) -> &'static str {
    match child_attribute(node, "priorityCode", "code") {
        "S" | "EM" => "stat",
        "A" => "asap",
        "UR" => "urgent",
        "R" => "routine",
        _ => "",
    }
}

/// Maps the statements within that are resources of their own; one that refers to this medication is linked by itself.
fn own(others: &[Related<'_>], cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let (supplies, others): (Vec<_>, Vec<_>) = others.iter().copied().partition(|r| node::name(r.node) == "supply");
    let mut references = Vec::new();
    for supply in &supplies {
        references.extend(related::own(supply, cx, out));
    }
    references.extend(unlinked(&others, cx, out));
    references
}

fn settle(node: Node<'_>, resource_type: ResourceType, out: &mut Output) {
    const TAKEN: [&str; 18] = [
        "id",
        "code",
        "statusCode",
        "effectiveTime",
        "routeCode",
        "approachSiteCode",
        "doseQuantity",
        "rateQuantity",
        "maxDoseQuantity",
        "administrationUnitCode",
        "consumable",
        "author",
        "entryRelationship",
        "precondition",
        "participant",
        "methodCode",
        "component",
        "reference",
    ];
    let more: &[&str] = match resource_type {
        ResourceType::MEDICATION_REQUEST => &["repeatNumber", "priorityCode", "performer", "informant"],
        ResourceType::MEDICATION_STATEMENT => &["informant", "repeatNumber"],
        _ => &["performer"],
    };
    let taken: Vec<&str> = TAKEN.iter().chain(more).copied().collect();
    account(node, &taken, out);
    if resource_type == ResourceType::MEDICATION_STATEMENT {
        let repeats = child(node, "repeatNumber").filter(|repeats| !matches!(attribute(*repeats, "value"), "" | "0"));
        repeats.into_iter().for_each(|repeats| unmapped(repeats, out));
    }
    only_first(node, "approachSiteCode", out);
    if resource_type == ResourceType::MEDICATION_REQUEST {
        only_first(node, "performer", out);
    }
    if let Some(code) = child(node, "code").filter(|code| cd::is_stated(*code) && !dosage::is_usage(*code)) {
        unmapped(code, out);
    }
    super::device::report_participants(node, &["CSM"], out);
}
