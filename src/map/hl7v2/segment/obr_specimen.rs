//! OBR-9, 10, 14, 15 and 39 (HL7 v2.5 section 7.4.1) to Specimen: senders before v2.5 have no SPM.

use crate::decode::hl7v2::{Segment, Value};
use crate::fhir::{ResourceId, ResourceType, Writer};
use crate::map::Coding;
use crate::map::Output;
use crate::map::hl7v2::coding_system;
use crate::map::hl7v2::datatype::{cwe, ts};
use crate::map::hl7v2::number::decimal;
use crate::map::hl7v2::segment::obr::Effective;
use crate::map::hl7v2::segment::orc;
use crate::map::hl7v2::unit::Unit;

/// Whether an OBR tells of a specimen: its source (OBR-15).
pub(crate) fn is_told(request: Segment<'_>) -> bool {
    request.peek(15).is_valued()
}

/// Writes the Specimen; gives its reference.
pub(crate) fn specimen(request: Segment<'_>, taken: Option<&Effective>, id: ResourceId, out: &mut Output) -> String {
    let source = request.field(15);
    let collector = orc::only_person(request.field(10), out);
    let mut w = Writer::new();
    nested_concept(&mut w, "type", source.component(1), "HL70070", out);
    out.subject(&mut w, "subject");
    ts::write(&mut w, "receivedTime", request.field(14), out);
    w.object("collection", |w| {
        w.reference("collector", collector.as_deref().unwrap_or_default());
        if let Some(taken) = taken {
            taken.write_as(w, "collectedDateTime", "collectedPeriod");
        }
        let amount = request.peek(9);
        if let Some(value) = decimal(&amount.component(1).text()) {
            request.ignore(&[9]);
            Unit::of_quantity(amount, out).decimal(w, "quantity", &value);
        }
        w.object("method", |w| w.string("text", source.component(3).text().trim()));
        nested_concept(w, "bodySite", source.component(4), "HL70163", out);
    });
    w.array("container", |w| {
        w.item(|w| nested_concept(w, "additiveCodeableConcept", source.component(2), "HL70371", out));
    });
    w.array("note", |w| {
        for comment in request.field(39).repetitions() {
            w.item(|w| w.string("text", cwe::text(comment).trim()));
        }
    });
    out.put(ResourceType::SPECIMEN, id, w)
}

/// A CWE that is a component: its parts are sub-components.
fn nested_concept(w: &mut Writer, name: &str, value: Value<'_>, table: &str, out: &mut Output) {
    let [code, text, named] = [1, 2, 3].map(|n| value.subcomponent(n).text());
    let named = if named.trim().is_empty() { table } else { named.trim() };
    w.object(name, |w| {
        w.array("coding", |w| {
            if code.trim().is_empty() {
                return;
            }
            let resolved = coding_system::resolve(named, code.trim(), &value.place(), &out.facility);
            let coding = Coding {
                system: resolved.uri,
                code: code.trim().into(),
                display: text.trim().into(),
                table: named.into(),
                ..Coding::default()
            };
            out.codings(w, &[coding], &value.place());
        });
        w.string("text", if text.trim().is_empty() { code.trim() } else { text.trim() });
    });
}
