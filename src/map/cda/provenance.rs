//! One Provenance per document: what it put, from whom, out of which raw bytes (R4 provenance.html).

use super::document::Facts;
use super::head::Kind;
use crate::fhir::{ResourceType, Writer, system, time};
use crate::letter::LetterId;
use crate::map::hl7v2::provenance::{LETTER, MAPPING};
use crate::map::{Change, MAP_VERSION, Output};

const AGENT_TYPE: &str = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";

/// Puts the Provenance of everything put before it.
pub(super) fn put(facts: &Facts<'_>, letter: LetterId, document: &str, out: &mut Output) {
    let letter = letter.hex();
    let mut targets: Vec<String> = Vec::with_capacity(out.changes().len());
    for change in out.changes() {
        if let Change::Put(draft) | Change::PutWeak(draft) | Change::Merge { draft, .. } = change {
            targets.push(draft.reference());
        }
    }
    targets.sort_unstable();
    targets.dedup();
    let mut w = Writer::new();
    w.array("target", |w| {
        for target in &targets {
            w.item(|w| w.string("reference", target));
        }
    });
    // Never a clock, so that a replay says the same; Provenance.recorded is 1..1.
    match out.occurred.map(|at| time::instant(at, out.zone_minutes)) {
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
    w.array("agent", |w| agents(w, facts));
    w.array("entity", |w| {
        for (name, value) in [("reference", document), ("", "")] {
            w.item(|w| {
                w.string("role", "source");
                w.object("what", |w| match name {
                    "" => w.object("identifier", |w| {
                        w.string("system", LETTER);
                        w.string("value", &letter);
                    }),
                    name => w.string(name, value),
                });
            });
        }
    });
    let id = out.id(ResourceType::PROVENANCE, &letter);
    out.put(ResourceType::PROVENANCE, id, w);
}

fn agents(w: &mut Writer, facts: &Facts<'_>) {
    for part in &facts.parts {
        w.item(|w| {
            match part.kind.agent() {
                "" => w.concept("type", system::V3_PARTICIPATION, &part.code, ""),
                agent => w.concept("type", AGENT_TYPE, agent, ""),
            }
            if !part.function.is_empty() {
                w.array("role", |w| w.item_raw(&format!("{{{}}}", part.function)));
            }
            w.reference("who", part.party.first().unwrap_or_default());
            if part.party.person.is_some() && part.kind != Kind::Custodian {
                w.reference("onBehalfOf", part.party.organization.as_deref().unwrap_or_default());
            }
        });
    }
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
}
