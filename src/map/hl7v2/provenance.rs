//! One Provenance per message (HL7 v2-to-FHIR: source and transformation; FHIR R4 provenance.html).

use crate::decode::hl7v2::Message;
use crate::fhir::{ResourceType, Writer, system, time};
use crate::letter::LetterId;
use crate::map::Output;
use crate::map::hl7v2::datatype::{cwe, ts, xcn};
use crate::map::{Change, MAP_VERSION};

/// The system of letter ids: SHA-256 of source, name and bytes.
pub const LETTER: &str = "https://tasuki.example/fhir/NamingSystem/letter";
/// The system of mapping versions.
pub const MAPPING: &str = "https://tasuki.example/fhir/NamingSystem/map-version";
const ACTIVITY: &str = "http://hl7.org/fhir/uv/v2mappings/CodeSystem/provenance-activity-type-v2-to-fhir";
const AGENT_TYPE: &str = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";

/// Puts the Provenance of a message whose other changes are in `out` already.
pub fn put(message: &Message<'_>, letter: LetterId, out: &mut Output) {
    let letter = letter.hex();
    let enterer = message.first("EVN").and_then(|event| xcn::practitioner(event.field(5), out));
    let targets: Vec<String> = out.changes().iter().filter_map(target).collect();
    let mut w = Writer::new();
    w.array("target", |w| {
        for target in &targets {
            w.item(|w| w.string("reference", target));
        }
    });
    if let Some(event) = message.first("EVN") {
        ts::write(&mut w, "occurredDateTime", event.field(6), out);
    }
    let told = out.told.take();
    let is_told = message.first("EVN").is_some_and(|event| event.peek(6).is_valued());
    if let Some(told) = told.as_ref().filter(|_| !is_told) {
        w.string("occurredDateTime", &told.when);
    }
    recorded(&mut w, message, out);
    w.object("location", |w| {
        if let Some(event) = message.first("EVN") {
            w.string("display", event.field(7).component(1).text().trim());
        }
    });
    w.array("reason", |w| {
        if let Some(event) = message.first("EVN") {
            cwe::concept_item(w, event.field(4), "HL70062", out);
        }
    });
    w.object("activity", |w| {
        w.array("coding", |w| {
            w.coding_item(ACTIVITY, "v2-fhir-transformation", "");
            // What the visit is known by when the next message about it comes, in whatever order.
            if let Some(told) = &told {
                w.coding_item(system::V2_0003, told.code, "");
            }
        });
    });
    w.array("agent", |w| agents(w, message, enterer.as_deref(), out));
    w.array("entity", |w| {
        w.item(|w| {
            w.string("role", "source");
            w.object("what", |w| {
                w.object("identifier", |w| {
                    w.string("system", LETTER);
                    w.string("value", &letter);
                });
            });
        });
    });
    let id = out.id(ResourceType::PROVENANCE, &letter);
    out.put(ResourceType::PROVENANCE, id, w);
}

/// MSH-7 when it is an instant, else the business time of the message: never a clock, so that a replay says the same.
fn recorded(w: &mut Writer, message: &Message<'_>, out: &mut Output) {
    let sent = message.first("MSH").and_then(|header| ts::instant(header.field(7), out));
    match sent.or_else(|| out.occurred.map(|at| time::instant(at, out.zone_minutes))) {
        Some(instant) => w.string("recorded", &instant),
        None => w.object("_recorded", |w| {
            w.array("extension", |w| {
                w.item(|w| {
                    w.string("url", system::DATA_ABSENT_REASON);
                    w.string("valueCode", "unknown");
                });
            });
        }),
    }
}

fn agents(w: &mut Writer, message: &Message<'_>, enterer: Option<&str>, out: &Output) {
    let sender = message.first("MSH").map(|header| header.field(4).component(1).text()).unwrap_or_default();
    w.item(|w| {
        w.concept("type", AGENT_TYPE, "author", "");
        out.facility_reference(w, "who", sender.trim());
    });
    w.item(|w| {
        w.concept("type", AGENT_TYPE, "assembler", "");
        w.object("who", |w| {
            w.object("identifier", |w| {
                w.string("system", MAPPING);
                w.string("value", MAP_VERSION);
            });
            w.string("display", "Tasuki");
        });
    });
    if let Some(enterer) = enterer {
        w.item(|w| {
            w.concept("type", AGENT_TYPE, "enterer", "");
            w.reference("who", enterer);
        });
    }
}

fn target(change: &Change) -> Option<String> {
    match change {
        Change::Put(draft) | Change::PutWeak(draft) | Change::Merge { draft, .. } => Some(draft.reference()),
        Change::Delete { .. } | Change::WholeList(_) => None,
    }
}
