//! SPM specimen (HL7 v2.5 section 7.4.3) to Specimen (JP_Specimen_Common).

use crate::decode::hl7v2::{Segment, Value};
use crate::fhir::{ResourceId, ResourceType, Writer};
use crate::map::Output;
use crate::map::hl7v2::datatype::{cwe, ts, xcn};
use crate::map::hl7v2::group::SpecimenGroup;
use crate::map::hl7v2::number::decimal;
use crate::map::hl7v2::segment::{nte, orc};
use crate::map::hl7v2::unit::Unit;

/// What tells a specimen apart within its order: its number (SPM-2), else its material and when it was taken.
pub(crate) fn key(specimen: Option<Segment<'_>>) -> String {
    let Some(specimen) = specimen else { return "-".into() };
    let number = specimen.peek(2);
    let number = [1, 2].map(|n| number.component(n).subcomponent(1).text().trim().to_owned());
    if let Some(number) = number.into_iter().find(|n| !n.is_empty()) {
        return number;
    }
    let material = cwe::code(specimen.peek(4));
    let material = if material.is_empty() { cwe::text(specimen.peek(4)) } else { material };
    format!("{material}@{}", specimen.peek(17).component(1).text().trim())
}

/// Writes the Specimen; gives its reference.
pub(crate) fn specimen(group: &SpecimenGroup<'_>, specimen: Segment<'_>, id: ResourceId, out: &mut Output) -> String {
    let request = group.requests.iter().find_map(|r| r.request);
    let mut w = Writer::new();
    w.array("identifier", |w| identifiers(w, specimen.field(2), out));
    w.object("accessionIdentifier", |w| orc::identifier(w, specimen.field(30), "ACSN", None, out));
    w.string("status", status(specimen));
    cwe::concept(&mut w, "type", specimen.field(4), "HL70487", out);
    out.subject(&mut w, "subject");
    let received = if specimen.peek(18).is_valued() { Some(specimen.field(18)) } else { request.map(|r| r.field(14)) };
    if let Some(received) = received {
        ts::write(&mut w, "receivedTime", received, out);
    }
    collection(&mut w, specimen, request, out);
    w.array("container", |w| {
        w.item(|w| {
            cwe::concept(w, "type", specimen.field(27), "", out);
            cwe::concept(w, "additiveCodeableConcept", specimen.field(6), "HL70371", out);
        });
    });
    w.array("condition", |w| {
        for condition in specimen.field(24).repetitions() {
            cwe::concept_item(w, condition, "HL70493", out);
        }
    });
    notes(&mut w, group, specimen);
    out.put(ResourceType::SPECIMEN, id, w)
}

/// SPM-2 is a pair of numbers, the placer's and the filler's, each with sub-components.
fn identifiers(w: &mut Writer, pair: Value<'_>, out: &Output) {
    for (component, kind) in [(1, "PLAC"), (2, "FILL")] {
        let entity = pair.component(component);
        let number = entity.subcomponent(1).text();
        if number.trim().is_empty() {
            continue;
        }
        let namespace = entity.subcomponent(2).text();
        let name = if namespace.trim().is_empty() { kind } else { namespace.trim() };
        w.item(|w| {
            w.object("type", |w| {
                w.array("coding", |w| w.coding_item(crate::fhir::system::V2_0203, kind, ""));
            });
            w.string("system", &out.facility.local_system(&format!("specimen-number-{name}")));
            w.string("value", number.trim());
        });
    }
}

fn collection(w: &mut Writer, specimen: Segment<'_>, request: Option<Segment<'_>>, out: &mut Output) {
    let collector = request.and_then(|r| xcn::practitioner(r.field(10), out));
    w.object("collection", |w| {
        w.reference("collector", collector.as_deref().unwrap_or_default());
        let taken = specimen.field(17);
        if taken.component(2).is_valued() {
            ts::period(w, "collectedPeriod", taken.component(1), taken.component(2), out);
        } else {
            ts::write(w, "collectedDateTime", taken.component(1), out);
        }
        let amount = specimen.peek(12);
        if let Some(value) = decimal(&amount.component(1).text()) {
            specimen.ignore(&[12]);
            Unit::of_quantity(amount, out).decimal(w, "quantity", &value);
        }
        cwe::concept(w, "method", specimen.field(7), "HL70488", out);
        cwe::concept(w, "bodySite", specimen.field(8), "", out);
    });
}

/// SPM-21 (reason of rejection) makes it unsatisfactory; SPM-20 says whether there is any left.
fn status(specimen: Segment<'_>) -> &'static str {
    let available = specimen.peek(20).text();
    let status = match available.trim() {
        _ if specimen.peek(21).is_valued() => "unsatisfactory",
        "Y" => "available",
        "N" => "unavailable",
        _ => return "",
    };
    specimen.ignore(&[20]);
    status
}

/// SPM-14 and the reasons of rejection, which Specimen has no other place for, and NTE.
fn notes(w: &mut Writer, group: &SpecimenGroup<'_>, specimen: Segment<'_>) {
    w.array("note", |w| {
        for description in specimen.field(14).repetitions() {
            w.item(|w| w.string("text", description.whole_text().trim()));
        }
        for reason in specimen.field(21).repetitions() {
            let text = cwe::text(reason);
            w.item(|w| w.string("text", &if text.is_empty() { cwe::code(reason) } else { text }));
        }
        for note in &group.notes {
            w.item(|w| w.string("text", nte::lines(note.field(3)).trim_end()));
        }
    });
}
