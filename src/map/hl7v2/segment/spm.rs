//! SPM specimen (HL7 v2.5 section 7.4.3) to Specimen (JP_Specimen_Common).

use crate::decode::hl7v2::{Segment, Value};
use crate::fhir::{ResourceId, ResourceType, Writer, system};
use crate::map::Output;
use crate::map::hl7v2::datatype::{cwe, hd, ts};
use crate::map::hl7v2::group::SpecimenGroup;
use crate::map::hl7v2::number::decimal;
use crate::map::hl7v2::segment::obx::REPETITION_LEFT_OUT;
use crate::map::hl7v2::segment::{nte, orc};
use crate::map::hl7v2::unit::Unit;

/// What tells a specimen apart within its order: its number (SPM-2), else its material and when it was taken.
pub(crate) fn key(specimen: Segment<'_>) -> String {
    let number = specimen.peek(2);
    let number = [1, 2].map(|n| number.component(n).subcomponent(1).text().trim().to_owned());
    if let Some(number) = number.into_iter().find(|n| !n.is_empty()) {
        return number;
    }
    let material = cwe::code(specimen.peek(4));
    let material = if material.is_empty() { cwe::text(specimen.peek(4)) } else { material };
    format!("{material}@{}", specimen.peek(17).component(1).text().trim())
}

/// Writes the Specimen; gives its reference. `request` is the first OBR that names it: who took it, when it came.
pub(crate) fn specimen(
    group: &SpecimenGroup<'_>,
    request: Option<Segment<'_>>,
    id: ResourceId,
    out: &mut Output,
) -> String {
    let specimen = group.specimen;
    let mut w = Writer::new();
    w.array("identifier", |w| {
        identifiers(w, specimen.field(2), out);
        for (field, kind) in [(31, "FILL"), (32, "SHIP")] {
            for number in specimen.field(field).repetitions() {
                w.item(|w| orc::identifier(w, number, kind, None, out));
            }
        }
        for number in specimen.field(30).repetitions().skip(1) {
            w.item(|w| orc::identifier(w, number, "ACSN", None, out));
        }
    });
    w.object("accessionIdentifier", |w| {
        let own = specimen.field(30);
        let of_container = || group.containers.iter().map(|sac| sac.field(2)).find(Value::is_valued);
        let number = if own.is_valued() { Some(own) } else { of_container() };
        if let Some(number) = number {
            orc::identifier(w, number, "ACSN", None, out);
        }
    });
    w.string("status", status(specimen));
    cwe::concept(&mut w, "type", specimen.field(4), "HL70487", out);
    out.subject(&mut w, "subject");
    let received = if specimen.peek(18).is_valued() { Some(specimen.field(18)) } else { request.map(|r| r.field(14)) };
    if let Some(received) = received {
        ts::write(&mut w, "receivedTime", received, out);
    }
    parents(&mut w, specimen.field(3), out);
    collection(&mut w, specimen, request, out);
    containers(&mut w, group, out);
    w.array("condition", |w| {
        for condition in specimen.field(24).repetitions() {
            cwe::concept_item(w, condition, "HL70493", out);
        }
    });
    notes(&mut w, group, specimen, out);
    // Named rule `of-the-patient`: SPM-11 P says what Specimen.subject says; other roles are reported.
    if cwe::code(specimen.peek(11)) == "P" {
        specimen.ignore(&[11]);
    }
    out.put(ResourceType::SPECIMEN, id, w)
}

/// SPM-3: the specimens it was made from, by their numbers; each a pair as SPM-2 is.
fn parents(w: &mut Writer, field: Value<'_>, out: &Output) {
    w.array("parent", |w| {
        for parent in field.repetitions() {
            let numbers = [(parent.component(1), "PLAC"), (parent.component(2), "FILL")];
            if let Some((number, kind)) = numbers.into_iter().find(|(number, _)| number.is_valued()) {
                w.item(|w| {
                    w.string("type", "Specimen");
                    w.object("identifier", |w| specimen_number(w, number, kind, out));
                });
            }
        }
    });
}

/// SPM-6 and SPM-27; SAC-3 and SAC-4 (numbers) with SAC-9 (kind of container) of each container.
fn containers(w: &mut Writer, group: &SpecimenGroup<'_>, out: &mut Output) {
    let specimen = group.specimen;
    if specimen.peek(6).repetitions().count() > 1 {
        out.doubt(&REPETITION_LEFT_OUT, &specimen.peek(6));
    }
    w.array("container", |w| {
        w.item(|w| {
            cwe::concept(w, "type", specimen.field(27), "", out);
            cwe::concept(w, "additiveCodeableConcept", specimen.field(6), "HL70371", out);
        });
        for container in &group.containers {
            w.item(|w| {
                w.array("identifier", |w| {
                    for field in [3, 4] {
                        w.item(|w| orc::identifier(w, container.field(field), "FILL", None, out));
                    }
                });
                cwe::concept(w, "type", container.field(9), "HL70378", out);
            });
        }
    });
}

/// SPM-2 is a pair of numbers, the placer's and the filler's, each with sub-components.
fn identifiers(w: &mut Writer, pair: Value<'_>, out: &Output) {
    for (component, kind) in [(1, "PLAC"), (2, "FILL")] {
        w.item(|w| specimen_number(w, pair.component(component), kind, out));
    }
}

/// An EI that is a component.
fn specimen_number(w: &mut Writer, entity: Value<'_>, kind: &str, out: &Output) {
    let [number, namespace, universal, universal_kind] = [1, 2, 3, 4].map(|n| entity.subcomponent(n).text());
    if number.trim().is_empty() {
        return;
    }
    let system = hd::from_universal(universal.trim(), universal_kind.trim()).unwrap_or_else(|| {
        let name = if namespace.trim().is_empty() { kind } else { namespace.trim() };
        out.facility.local_system(&format!("specimen-number-{name}"))
    });
    w.object("type", |w| w.array("coding", |w| w.coding_item(system::V2_0203, kind, "")));
    w.string("system", &system);
    w.string("value", number.trim());
}

fn collection(w: &mut Writer, specimen: Segment<'_>, request: Option<Segment<'_>>, out: &mut Output) {
    let collector = request.and_then(|r| orc::only_person(r.field(10), out));
    w.object("collection", |w| {
        w.reference("collector", collector.as_deref().unwrap_or_default());
        let taken = specimen.field(17);
        // Section 7.4.1.7: where OBR-7 is about a specimen, it is when that was taken.
        let (start, end) = match request.filter(|_| !taken.is_valued()) {
            Some(request) => (request.peek(7), request.peek(8)),
            None => (taken.component(1), taken.component(2)),
        };
        if end.is_valued() && end.raw() != start.raw() {
            ts::period(w, "collectedPeriod", start, end, out);
        } else {
            ts::write(w, "collectedDateTime", start, out);
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
fn notes(w: &mut Writer, group: &SpecimenGroup<'_>, specimen: Segment<'_>, out: &mut Output) {
    w.array("note", |w| {
        for description in specimen.field(14).repetitions() {
            w.item(|w| w.string("text", description.whole_text().trim()));
        }
        for reason in specimen.field(21).repetitions() {
            let text = cwe::text(reason);
            w.item(|w| w.string("text", &if text.is_empty() { cwe::code(reason) } else { text }));
        }
        nte::annotation_items(w, &group.notes, out);
    });
}
