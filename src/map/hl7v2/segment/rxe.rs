//! RXE pharmacy encoded order (HL7 v2.5 section 4.14.4) to MedicationRequest (JP_MedicationRequest).

use crate::decode::hl7v2::{Segment, Value};
use crate::fault::{IssueType, Rule, Severity};
use crate::fhir::{ResourceId, ResourceType, Writer, system};
use crate::map::Output;
use crate::map::hl7v2::datatype::{cwe, ts, xcn};
use crate::map::hl7v2::group::DrugGroup;
use crate::map::hl7v2::number::decimal;
use crate::map::hl7v2::segment::tq1::{self, Duration, Usage};
use crate::map::hl7v2::segment::{nte, orc, rxc, rxr};
use crate::map::hl7v2::unit::Unit;

/// A dose or amount that is not a number.
pub static AMOUNT_NOT_A_NUMBER: Rule = Rule {
    id: "v2-amount-not-a-number",
    severity: Severity::Warning,
    code: IssueType::Value,
    en: "This amount is not a number; it was kept as text.",
    ja: "量が数値として読めないため、文字列として残しました。",
};
/// Named rule: RXE-6 (dosage form) follows from the drug's code; it is written only for a mixture.
pub const FORM_FOLLOWS_FROM_DRUG: &str = "form-follows-from-drug";
/// Named rule: RXE-42 says where in the hospital the drug is carried to.
pub const DELIVERED_TO: &str = "delivered-to";

/// JHSP0002: what a pharmacist is told to do (一包化, 粉砕).
const DISPENSING: &str = "JHSP0002";

/// Where a drug stands in its prescription.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position<'a> {
    /// Rp 番号.
    pub(crate) rp: &'a str,
    /// Its number within the Rp.
    pub(crate) order_in_rp: &'a str,
}

/// Writes the MedicationRequest; gives its reference.
pub(crate) fn medication_request(
    group: &DrugGroup<'_>,
    id: ResourceId,
    position: Position<'_>,
    out: &mut Output,
) -> String {
    let (order, drug) = (group.order, group.drug);
    let facility = orc::facility(order, out);
    let requester = orc::requester(order, Some((drug, 13)), out);
    let recorder = order.and_then(|o| xcn::practitioner(o.field(10), out));
    let timing = group.timings.first().copied();
    let duration = timing.and_then(|t| tq1::duration(t, out));
    for amount in amounts_in_words(drug) {
        out.doubt(&AMOUNT_NOT_A_NUMBER, &amount);
    }
    let mut w = Writer::new();
    if !group.components.is_empty() {
        rxc::contained(&mut w, drug, &group.components, out);
    }
    w.array("extension", |w| orc::department(w, order, out));
    identifiers(&mut w, group, position, facility.as_deref(), out);
    w.string("status", status(order));
    if let Some(order) = order {
        cwe::concept(&mut w, "statusReason", order.field(16), "", out);
    }
    w.string("intent", "order");
    categories(&mut w, group, out);
    w.string("priority", tq1::priority(timing));
    medication(&mut w, group, out);
    out.subject(&mut w, "subject");
    let ordered = if drug.peek(32).is_valued() { Some(drug.field(32)) } else { order.map(|o| o.field(9)) };
    if let Some(ordered) = ordered {
        ts::write(&mut w, "authoredOn", ordered, out);
    }
    w.reference("requester", requester.as_deref().unwrap_or_default());
    w.reference("recorder", recorder.as_deref().unwrap_or_default());
    nte::notes(&mut w, &group.notes, &[]);
    dosages(&mut w, group, duration.as_ref(), out);
    dispense_request(&mut w, group, duration.as_ref(), out);
    w.object("substitution", |w| cwe::concept(w, "allowedCodeableConcept", drug.field(9), "HL70161", out));
    drug.ignore(&[6, 42]);
    out.put(ResourceType::MEDICATION_REQUEST, id, w)
}

fn identifiers(w: &mut Writer, group: &DrugGroup<'_>, position: Position<'_>, facility: Option<&str>, out: &Output) {
    let prescription = orc::number(group.drug.field(15));
    let request = group.order.map(|o| orc::number(o.field(2))).unwrap_or_default();
    let numbers: [(&str, &str, Option<&str>); 4] = [
        (system::RP_NUMBER, position.rp, None),
        (system::ORDER_IN_RP, position.order_in_rp, None),
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

/// 施設処方箋ID (JP Core invariant jp-inv-local-prescriptionid): the OID with the facility's code behind it.
fn prescription_system(out: &Output) -> String {
    if out.facility.is_insurance_institution() {
        format!("{}.1{}", system::PRESCRIPTION, out.facility.as_str())
    } else {
        out.facility.local_system("prescription")
    }
}

/// ORC-5 (table 0038), else ORC-1 (table 0119), as medicationrequest-status.
fn status(order: Option<Segment<'_>>) -> &'static str {
    let control = orc::control(order);
    let state = order.map(|o| o.field(5).text().trim().to_owned()).unwrap_or_default();
    match (state.as_str(), control.as_str()) {
        ("CM", _) => "completed",
        ("DC" | "RP", _) | (_, "DC" | "DR" | "OD") => "stopped",
        ("CA", _) => "cancelled",
        ("ER", _) => "entered-in-error",
        ("HD", _) | ("", "HD" | "HR" | "OH") => "on-hold",
        ("A" | "IP" | "SC", _) => "active",
        (_, "NW" | "OK" | "XO" | "XX" | "RO" | "RP" | "RL" | "SC" | "SN" | "CH" | "PA" | "RE" | "") => "active",
        _ => "unknown",
    }
}

/// RXE-21 but for instructions to the pharmacist, and ORC-29 (inpatient or outpatient).
fn categories(w: &mut Writer, group: &DrugGroup<'_>, out: &mut Output) {
    w.array("category", |w| {
        for category in group.drug.field(21).repetitions().filter(|r| !is_for_dispensing(*r)) {
            cwe::concept_item(w, category, "", out);
        }
        if let Some(order) = group.order {
            cwe::concept_item(w, order.field(29), "HL70482", out);
        }
    });
}

fn is_for_dispensing(value: Value<'_>) -> bool {
    value.component(3).text().trim() == DISPENSING
}

/// RXE-2 with the further codes of RXE-31; a mixture is the contained Medication.
fn medication(w: &mut Writer, group: &DrugGroup<'_>, out: &mut Output) {
    if !group.components.is_empty() {
        return w.reference("medicationReference", &format!("#{}", rxc::ID));
    }
    let drug = group.drug;
    let value = drug.field(2);
    w.object("medicationCodeableConcept", |w| {
        w.array("coding", |w| {
            cwe::codings(w, value, "", out);
            for supplement in drug.field(31).repetitions() {
                cwe::codings(w, supplement, "", out);
            }
        });
        let text = cwe::text(value);
        w.string("text", &if text.is_empty() { cwe::code(value) } else { text });
    });
}

/// One Dosage per TQ1; a drug without TQ1 still has its dose.
fn dosages(w: &mut Writer, group: &DrugGroup<'_>, duration: Option<&Duration>, out: &mut Output) {
    w.array("dosageInstruction", |w| {
        if group.timings.is_empty() {
            w.item(|w| dosage(w, group, None, None, out));
        }
        for (at, timing) in group.timings.iter().enumerate() {
            let own = if at == 0 { None } else { tq1::duration(*timing, out) };
            w.item(|w| dosage(w, group, Some(*timing), if at == 0 { duration } else { own.as_ref() }, out));
        }
    });
}

fn dosage(
    w: &mut Writer,
    group: &DrugGroup<'_>,
    timing: Option<Segment<'_>>,
    duration: Option<&Duration>,
    out: &mut Output,
) {
    let usages = timing.map(|t| tq1::usages(t, out)).unwrap_or_default();
    let instructions = group.drug.field(7);
    w.array("extension", |w| {
        if let Some(timing) = timing {
            tq1::period_of_use(w, timing, out);
        }
        doses_in_words(w, group.drug);
    });
    let text: Vec<&str> = usages.iter().map(Usage::text).collect();
    w.string("text", &text.join("、"));
    w.array("additionalInstruction", |w| {
        for instruction in [instructions, group.drug.field(27)].iter().flat_map(Value::repetitions) {
            if !is_for_dispensing(instruction) {
                cwe::concept_item(w, instruction, "", out);
            }
        }
        if let Some(timing) = timing {
            tq1::additional(w, timing, usages.get(1..).unwrap_or_default());
        }
    });
    if let Some(timing) = timing {
        tq1::timing(w, timing, usages.first(), duration);
        if tq1::is_as_needed(timing, &usages) {
            w.boolean("asNeededBoolean", true);
        }
    }
    if let Some(route) = group.routes.first() {
        rxr::route(w, *route, out);
    }
    w.array("doseAndRate", |w| doses(w, group.drug, out));
}

/// RXE-3 to RXE-5 is one dose, RXE-19 the amount of a day, RXE-23 and 24 a rate; `""` in them says that there is none
/// (ointments).
fn doses(w: &mut Writer, drug: Segment<'_>, out: &mut Output) {
    let unit = Unit::of_field(drug.field(5), out);
    let [low, high] = [3, 4].map(|n| decimal(&drug.field(n).text()));
    w.item(|w| {
        match (&low, &high) {
            (Some(low), Some(high)) if low != high => w.object("doseRange", |w| {
                unit.decimal(w, "low", low);
                unit.decimal(w, "high", high);
            }),
            (Some(dose), _) | (None, Some(dose)) => unit.decimal(w, "doseQuantity", dose),
            (None, None) => {}
        }
        let daily = drug.field(19);
        if let Some(amount) = decimal(&daily.component(1).text()) {
            w.object("rateRatio", |w| {
                Unit::of_quantity(daily, out).decimal(w, "numerator", &amount);
                Unit::day().decimal(w, "denominator", "1");
            });
        }
    });
    w.item(|w| {
        if let Some(rate) = decimal(&drug.field(23).text()) {
            Unit::of_field(drug.field(24), out).decimal(w, "rateQuantity", &rate);
        }
    });
}

/// A dose that is not a number (適量): the JP Core extension DosageComment holds it as it was sent.
fn doses_in_words(w: &mut Writer, drug: Segment<'_>) {
    for value in amounts_in_words(drug) {
        w.item(|w| {
            w.string("url", &format!("{}JP_MedicationDosage_DosageComment", system::JP_EXTENSION));
            w.string("valueString", value.component(1).text().trim());
        });
    }
}

fn amounts_in_words(drug: Segment<'_>) -> impl Iterator<Item = Value<'_>> {
    let is_words = |value: &Value<'_>| {
        let text = value.component(1).text();
        !text.trim().is_empty() && decimal(&text).is_none()
    };
    [3, 4, 19, 23].into_iter().map(move |n| drug.field(n)).filter(is_words)
}

/// RXE-10 to RXE-12, the days of TQ1-6, and instructions to the pharmacist.
fn dispense_request(w: &mut Writer, group: &DrugGroup<'_>, duration: Option<&Duration>, out: &mut Output) {
    let drug = group.drug;
    w.object("dispenseRequest", |w| {
        w.array("extension", |w| {
            for field in [7, 21, 27] {
                for instruction in drug.field(field).repetitions().filter(|r| is_for_dispensing(*r)) {
                    w.item(|w| {
                        let name = "JP_MedicationRequest_DispenseRequest_InstructionForDispense";
                        w.string("url", &format!("{}{name}", system::JP_EXTENSION));
                        cwe::concept(w, "valueCodeableConcept", instruction, "", out);
                    });
                }
            }
        });
        let repeats = drug.peek(12);
        if let Ok(count) = repeats.text().trim().parse::<u32>() {
            drug.ignore(&[12]);
            w.integer("numberOfRepeatsAllowed", i64::from(count));
        }
        let amount = drug.peek(10);
        if let Some(value) = decimal(&amount.text()) {
            Unit::of_field(drug.peek(11), out).decimal(w, "quantity", &value);
            drug.ignore(&[10, 11]);
        } else if amount.is_null() {
            drug.ignore(&[10, 11]);
        }
        if let Some(Duration::Days(days)) = duration {
            Unit::day().decimal(w, "expectedSupplyDuration", days);
        }
    });
}
