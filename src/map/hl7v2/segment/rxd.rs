//! RXD pharmacy dispense (HL7 v2.5 section 4.14.5) to MedicationDispense (JP_MedicationDispense).

use crate::decode::hl7v2::Segment;
use crate::fhir::{ResourceType, Writer, system};
use crate::map::Output;
use crate::map::hl7v2::datatype::{cwe, pl, ts, xad, xcn};
use crate::map::hl7v2::drug::group::DrugGroup;
use crate::map::hl7v2::drug::medication::{self, Product};
use crate::map::hl7v2::drug::place::Placed;
use crate::map::hl7v2::drug::request::prescription_system;
use crate::map::hl7v2::number::decimal;
use crate::map::hl7v2::segment::{nte, orc, rxc, rxr};
use crate::map::hl7v2::unit::Unit;

const ROLE: &str = "http://terminology.hl7.org/CodeSystem/v2-0443";
/// The id of the contained Location of a pharmacy (RXD-30).
const PHARMACY: &str = "pharmacy";

/// Writes the MedicationDispense.
pub(crate) fn dispense(group: &DrugGroup<'_>, place: &Placed, out: &mut Output) -> Writer {
    let (order, drug) = (group.order, group.drug);
    let facility = orc::facility(order, out);
    let performers = xcn::practitioners(drug.field(10), out);
    let product = product(drug, out);
    let parts: Vec<_> = group.components.iter().copied().map(rxc::part).collect();
    let request = out.id(ResourceType::MEDICATION_REQUEST, &place.key());
    let supplements = [drug.field(25)];
    let item = drug.field(2);
    let mut destination = None;
    let mut w = Writer::new();
    w.array("contained", |w| {
        if !parts.is_empty() {
            let code = item.is_valued().then_some((item, supplements.as_slice()));
            medication::mixture(w, code, drug.field(6), &parts, out);
        } else if !product.is_empty() {
            medication::single(w, (item, &supplements), drug.field(6), &product, out);
        }
        rxr::contained(w, &group.routes, out);
        destination = pl::contained(w, drug.field(13), "", out).or_else(|| pharmacy(w, drug, out));
    });
    w.array("extension", |w| {
        for preparation in drug.field(15).repetitions() {
            w.item(|w| {
                if preparation.is_valued() {
                    w.string("url", &format!("{}JP_MedicationDispense_Preparation", system::JP_EXTENSION));
                    cwe::concept(w, "valueCodeableConcept", preparation, "", out);
                }
            });
        }
    });
    identifiers(&mut w, group, place, facility.as_deref(), out);
    w.string("status", status(order));
    if let Some(order) = order {
        cwe::concept(&mut w, "category", order.field(29), "HL70482", out);
    }
    if !parts.is_empty() {
        medication::reference(&mut w, item.is_valued().then_some(item), &parts);
    } else if !product.is_empty() {
        medication::reference(&mut w, Some(item), &[]);
    } else {
        medication::coded(&mut w, item, &supplements, out);
    }
    out.subject(&mut w, "subject");
    w.array("performer", |w| {
        for performer in &performers {
            w.item(|w| {
                w.concept("function", ROLE, "DP", "Dispensing Provider");
                w.reference("actor", performer);
            });
        }
    });
    w.array("authorizingPrescription", |w| {
        w.item(|w| w.string("reference", &format!("MedicationRequest/{}", request.as_str())));
    });
    cwe::concept(&mut w, "type", drug.field(33), "HL70484", out);
    amounts(&mut w, drug, out);
    ts::write(&mut w, "whenHandedOver", drug.field(3), out);
    w.reference("destination", destination.as_deref().unwrap_or_default());
    nte::notes(&mut w, &group.notes, &drug.field(9).repetitions().collect::<Vec<_>>());
    w.array("dosageInstruction", |w| w.item(|w| dosage(w, group, out)));
    substitution(&mut w, drug, out);
    // RXD-1 is in the key; RXD-6 by the rule `form-follows-from-drug`.
    drug.ignore(&[1, 6]);
    if let Some(order) = order {
        // ORC-4 is in the place; the others by the rules `entered-by` and `order-counts-from`.
        order.ignore(&[4, 10, 13, 15, 18]);
    }
    w
}

fn product<'m>(drug: Segment<'m>, out: &mut Output) -> Product<'m> {
    let mut product = Product::of_lot(drug, [18, 19, 20], out);
    if decimal(&drug.peek(16).text()).is_some() {
        product.strength = Some((drug.field(16), drug.field(17)));
        product.volume = drug.peek(28).is_valued().then(|| (drug.field(28), drug.field(29)));
    }
    product
}

/// RXD-4 and 5. An amount that is not a number stays unread.
fn amounts(w: &mut Writer, drug: Segment<'_>, out: &Output) {
    if let Some(amount) = decimal(&drug.peek(4).text()) {
        drug.ignore(&[4, 5]);
        Unit::of_field(drug.peek(5), out).decimal(w, "quantity", &amount);
    }
}

fn identifiers(w: &mut Writer, group: &DrugGroup<'_>, place: &Placed, facility: Option<&str>, out: &Output) {
    let prescription = orc::number(group.drug.field(7));
    let request = group.order.map(|o| orc::number(o.field(2))).unwrap_or_default();
    let numbers: [(&str, &str, Option<&str>); 4] = [
        (system::RP_NUMBER, &place.rp, None),
        (system::ORDER_IN_RP, &place.order_in_rp, None),
        (system::RESOURCE_INSTANCE, &request, facility),
        (&prescription_system(out), &prescription, None),
    ];
    w.array("identifier", |w| {
        for (system, value, assigner) in numbers.into_iter().filter(|(_, value, _)| !value.is_empty()) {
            w.item(|w| {
                w.string("system", system);
                w.string("value", value);
                w.reference("assigner", assigner.unwrap_or_default());
            });
        }
        if let Some(order) = group.order {
            w.item(|w| orc::identifier(w, order.field(3), "FILL", None, out));
        }
    });
}

/// An RXD tells what was handed out; only ORC says otherwise.
fn status(order: Option<Segment<'_>>) -> &'static str {
    let state = order.map(|o| o.field(5).text().trim().to_owned()).unwrap_or_default();
    match (state.as_str(), orc::control(order).as_str()) {
        ("ER", _) => "entered-in-error",
        ("HD", _) | ("", "HD" | "OH") => "on-hold",
        ("DC", _) | ("", "DC" | "DR" | "OD") => "stopped",
        ("IP" | "SC", _) => "in-progress",
        _ => "completed",
    }
}

/// RXD-30 and 31: the pharmacy it was dispensed to, as a contained Location.
fn pharmacy(w: &mut Writer, drug: Segment<'_>, out: &mut Output) -> Option<String> {
    let name = medication::name(drug.field(30));
    if name.is_empty() {
        return None;
    }
    w.item(|w| {
        w.string("resourceType", "Location");
        w.string("id", PHARMACY);
        w.string("name", &name);
        w.object("address", |w| xad::address(w, drug.field(31), out));
    });
    Some(format!("#{PHARMACY}"))
}

/// How the dispensed drug is to be taken, as far as RXD says it; the rest is the order's.
fn dosage(w: &mut Writer, group: &DrugGroup<'_>, out: &mut Output) {
    let daily = group.drug.field(12);
    w.array("extension", |w| rxr::device_extensions(w, &group.routes));
    rxr::route(w, &group.routes, None, &[], out);
    w.array("doseAndRate", |w| {
        w.item(|w| {
            if let Some(amount) = decimal(&daily.component(1).text()) {
                w.object("rateRatio", |w| {
                    Unit::of_quantity(daily, out).decimal(w, "numerator", &amount);
                    Unit::day().decimal(w, "denominator", "1");
                });
            }
        });
    });
}

/// RXD-11 (table 0167). A code that does not say whether another product was dispensed stays unread.
fn substitution(w: &mut Writer, drug: Segment<'_>, out: &mut Output) {
    let value = drug.peek(11);
    let was_substituted = match cwe::code(value).as_str() {
        "G" | "T" => true,
        "N" | "1" | "7" => false,
        _ => return,
    };
    drug.ignore(&[11]);
    w.object("substitution", |w| {
        w.boolean("wasSubstituted", was_substituted);
        cwe::concept(w, "type", value, "HL70167", out);
    });
}
