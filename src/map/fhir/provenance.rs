//! The Provenance of a received letter: what it put, from whom, out of which raw bytes.

use crate::fhir::{Draft, PatientKey, ResourceType, Writer, system};
use crate::map::MAP_VERSION;

use super::Context;

/// The one Provenance of a letter. `recorded` is the instant the sender states, empty when there is none.
pub(super) fn of(
    record: PatientKey,
    facility: &str,
    targets: &[String],
    recorded: &str,
    context: Context<'_>,
) -> Draft {
    let letter = context.letter.hex();
    let mut w = Writer::new();
    w.array("target", |w| {
        for target in targets {
            w.item(|w| w.string("reference", target));
        }
    });
    if recorded.is_empty() {
        // Provenance.recorded is 1..1, and a mapper knows no clock.
        w.raw(
            "_recorded",
            &format!(r#"{{"extension":[{{"url":"{}","valueCode":"unknown"}}]}}"#, system::DATA_ABSENT_REASON),
        );
    }
    w.string("recorded", recorded);
    w.array("agent", |w| {
        w.item(|w| {
            agent_type(w, "author");
            w.object("who", |w| match facility {
                "" => w.string("display", "unstated facility"),
                facility => w.object("identifier", |w| {
                    w.string("system", system::INSTITUTION_NUMBER);
                    w.string("value", facility);
                }),
            });
        });
        w.item(|w| {
            agent_type(w, "assembler");
            w.object("who", |w| w.string("display", &format!("Tasuki (map {MAP_VERSION})")));
        });
    });
    w.array("entity", |w| {
        w.item(|w| {
            w.string("role", "source");
            w.object("what", |w| {
                w.object("identifier", |w| {
                    w.string("system", "https://tasuki.example/fhir/NamingSystem/letter");
                    w.string("value", &letter);
                });
            });
        });
    });
    Draft::new(ResourceType::PROVENANCE, record.resource_id("Provenance", &letter), w)
}

fn agent_type(w: &mut Writer, code: &str) {
    w.concept("type", "http://terminology.hl7.org/CodeSystem/provenance-participant-type", code, "");
}
