//! Orders of drugs: RDE^O11, RDE^O25, RDE^O01 (HL7 v2.5 section 4.13.6; SS-MIX2 OMP-01 処方, OMP-02 注射), OMP^O09 (4.13.1)
//! and RGV^O15 (4.13.9). One MedicationRequest per RXE, or per RXO or RXG that no RXE encodes.

use crate::decode::hl7v2::{Message, Segment};
use crate::decode::ssmix2::{Flag, Kind};
use crate::fhir::ResourceType;
use crate::map::hl7v2::business_key::Keys;
use crate::map::hl7v2::drug::fields::Fields;
use crate::map::hl7v2::drug::group::{DrugGroup, drugs};
use crate::map::hl7v2::drug::place::{Counted, places};
use crate::map::hl7v2::drug::request::{self, Setting};
use crate::map::hl7v2::drug::{kind, label};
use crate::map::hl7v2::segment::orc::{self, CANCELLED_WITHOUT_CONTENT, ignore_whole};
use crate::map::hl7v2::segment::{rxe, rxg, rxo, rxr};
use crate::map::hl7v2::{Context, Output, rds};

/// Named rule: ORC-15 says from when the order counts; from when the drug is taken is TQ1-7.
pub const ORDER_COUNTS_FROM: &str = "order-counts-from";
/// Named rule: RXE says what was decided about the order in RXO; where both say the same, RXE is enough.
pub const ENCODED_ORDER_DECIDES: &str = "encoded-order-decides";

/// Maps the groups after the patient; Patient, account and Provenance are the caller's.
pub fn map(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    let groups = drugs(message);
    orders_without_drugs(message, &groups, out);
    orders(&groups, context, false, out);
    // Seen in the field: what was dispensed, told with the order.
    rds::dispenses(&groups, context, out);
}

/// Maps what is ordered, and nothing else: for messages in which drugs are among other things (ORM^O01).
pub fn map_orders(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    orders(&drugs(message), context, false, out);
}

/// States the orders among `groups`; only mentions them where the message is about something else (administrations).
pub(super) fn orders(groups: &[DrugGroup<'_>], context: Context<'_>, is_mention: bool, out: &mut Output) {
    label::withhold_results(groups, out);
    let is_encoded = |order_at: usize| groups.iter().any(|g| g.is("RXE") && g.order_at == order_at);
    let is_order = |g: &&DrugGroup<'_>| g.is("RXE") || g.is("RXG") || (g.is("RXO") && !is_encoded(g.order_at));
    let ordered: Vec<&DrugGroup<'_>> = groups.iter().filter(is_order).collect();
    let file_order = context.name.and_then(|name| name.order.as_deref());
    let mut keys = Keys::default();
    for (drug, place) in ordered.iter().zip(places(&ordered, Counted::EachDrug, file_order, out)) {
        let requested = groups.iter().find(|g| g.is("RXO") && g.order_at == drug.order_at && drug.is("RXE"));
        let (fields, intent) = form(drug);
        let given = if drug.is("RXG") { format!("/give:{}", drug.drug.field(1).text().trim()) } else { String::new() };
        let id = out.id(ResourceType::MEDICATION_REQUEST, &keys.next(place.key() + &given));
        if is_deleted(context) || is_withdrawn(drug.order) {
            if !is_mention {
                out.delete(ResourceType::MEDICATION_REQUEST, id);
            }
            let parts = requested.into_iter().chain([*drug]).flat_map(DrugGroup::own_segments);
            drug.order.into_iter().chain(parts).for_each(ignore_whole);
            continue;
        }
        if is_mention && label::is_labelled(drug.order) {
            // A mention carries no label, and an order that is not for everybody must not be told without one.
            continue;
        }
        let is_injection = is_injection(drug, context);
        let setting = Setting { place: &place, intent, is_injection, is_mention, requested };
        request::medication_request(drug, id, fields, setting, out);
        if let Some(requested) = requested {
            ignore_repeated(requested, drug);
        }
    }
}

fn form(drug: &DrugGroup<'_>) -> (&'static Fields, &'static str) {
    match drug.drug.name() {
        "RXO" => (&rxo::FIELDS, "original-order"),
        "RXG" => (&rxg::FIELDS, "instance-order"),
        _ => (&rxe::FIELDS, "order"),
    }
}

/// Condition flag 0.
pub(super) fn is_deleted(context: Context<'_>) -> bool {
    context.name.is_some_and(|name| name.flag == Flag::Deleted)
}

/// A cancelled prescription is gone; a discontinued one (DC) was taken for a while and stays, stopped.
pub(super) fn is_withdrawn(order: Option<Segment<'_>>) -> bool {
    matches!(orc::control(order).as_str(), "CA" | "OC" | "CR")
}

/// 注射: the file says so; else RXE-2 is a kind of injection, or what is mixed or was administered goes an injection's way.
pub(super) fn is_injection(group: &DrugGroup<'_>, context: Context<'_>) -> bool {
    match context.name.map(|name| name.kind) {
        Some(Kind::Omp02 | Kind::Omp12) => return true,
        Some(Kind::Omp01 | Kind::Omp11) => return false,
        _ => {}
    }
    let is_kind = group.is("RXE") && kind::is_injection_kind(group.drug.peek(2));
    let is_mixed = !group.components.is_empty() || group.is("RXA");
    is_kind || (is_mixed && group.routes.iter().any(|route| rxr::is_injection(*route)))
}

/// RXO fields and those of RXE that say the same.
const REPEATED: [(u16, u16); 15] = [
    (1, 2),
    (2, 3),
    (3, 4),
    (4, 5),
    (5, 6),
    (9, 9),
    (11, 10),
    (12, 11),
    (13, 12),
    (14, 13),
    (18, 25),
    (19, 26),
    (21, 23),
    (22, 24),
    (23, 19),
];

/// Takes over by the rule [`ENCODED_ORDER_DECIDES`] what RXO and the segments under it say just as RXE does; what they say
/// differently stays listed.
fn ignore_repeated(requested: &DrugGroup<'_>, encoded: &DrugGroup<'_>) {
    for (asked, decided) in REPEATED {
        if requested.drug.peek(asked).raw() == encoded.drug.peek(decided).raw() {
            requested.drug.ignore(&[asked]);
        }
    }
    let lists = [(&requested.routes, &encoded.routes), (&requested.components, &encoded.components)];
    for (asked, decided) in lists {
        asked.iter().filter(|a| decided.iter().any(|d| is_same(**a, *d))).for_each(|a| ignore_whole(*a));
    }
}

fn is_same(one: Segment<'_>, other: Segment<'_>) -> bool {
    let fields = one.field_count().max(other.field_count());
    (1..=fields).all(|n| one.peek(n).raw() == other.peek(n).raw())
}

/// Notes orders that are cancelled without saying what they were.
pub(super) fn orders_without_drugs(message: &Message<'_>, groups: &[DrugGroup<'_>], out: &mut Output) {
    for order in message.all("ORC") {
        let has_drug = groups.iter().any(|g| g.order.is_some_and(|o| o.index() == order.index()));
        if !has_drug && orc::is_cancelled(Some(order)) {
            out.issue(&CANCELLED_WITHOUT_CONTENT, order.place(0));
        }
    }
}
