//! RDS^O13 (HL7 v2.5 section 4.13.7): what was dispensed, one MedicationDispense per RXD; the orders in it are mentioned.

use crate::decode::hl7v2::Message;
use crate::fhir::ResourceType;
use crate::map::hl7v2::business_key::Keys;
use crate::map::hl7v2::drug::group::{DrugGroup, drugs};
use crate::map::hl7v2::drug::label;
use crate::map::hl7v2::drug::place::{Counted, places};
use crate::map::hl7v2::segment::orc::ignore_whole;
use crate::map::hl7v2::segment::rxd;
use crate::map::hl7v2::{Context, Output, rde};

/// Maps the groups after the patient; Patient, account and Provenance are the caller's.
pub fn map(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    let groups = drugs(message);
    rde::orders_without_drugs(message, &groups, out);
    rde::orders(&groups, context, true, out);
    dispenses(&groups, context, out);
}

/// States what was dispensed.
pub(super) fn dispenses(groups: &[DrugGroup<'_>], context: Context<'_>, out: &mut Output) {
    let dispensed: Vec<&DrugGroup<'_>> = groups.iter().filter(|g| g.is("RXD")).collect();
    let file_order = context.name.and_then(|name| name.order.as_deref());
    let mut keys = Keys::default();
    for (group, place) in dispensed.iter().zip(places(&dispensed, Counted::DifferentDrugs, file_order, out)) {
        // RXD-1 counts the dispensings of one order.
        let [count, at] = [1, 3].map(|n| group.drug.peek(n).component(1).text().trim().to_owned());
        let id = out.id(ResourceType::MEDICATION_DISPENSE, &keys.next(format!("{}/{count}/{at}", place.key())));
        if rde::is_deleted(context) || rde::is_withdrawn(group.order) {
            out.delete(ResourceType::MEDICATION_DISPENSE, id);
            group.order.into_iter().chain(group.own_segments()).for_each(ignore_whole);
            continue;
        }
        let written = rxd::dispense(group, &place, out);
        let labels = label::labels(group.order, out);
        out.put_labelled(ResourceType::MEDICATION_DISPENSE, id, written, labels);
    }
}
