//! `GET /fhir/metadata`: the CapabilityStatement, made from the tables the program answers by.

use super::answer::Answer;
use super::operation::{OPERATIONS, Operation};
use crate::consent::{Permitted, Public};
use crate::fault::Status;
use crate::fhir::{ResourceType, Writer};
use crate::search::parameters;

/// The CapabilityStatement. Anybody may read it: it says what the gateway can do and nothing of anyone.
pub(super) fn metadata(base_url: &str) -> Answer {
    match Public::definition(statement(base_url)) {
        Some(public) => Answer::ok(Permitted::<String>::public(public).map(String::into_bytes)),
        None => Answer::refuse(Status::Broken, &super::rules::BROKEN, ""),
    }
}

fn statement(base_url: &str) -> String {
    let mut w = Writer::new();
    w.string("resourceType", "CapabilityStatement");
    w.string("status", "active");
    // The day this statement last changed, not the day it is read.
    w.string("date", "2026-11-21");
    w.string("kind", "instance");
    w.object("software", |w| {
        w.string("name", "Tasuki");
        w.string("version", env!("CARGO_PKG_VERSION"));
    });
    w.object("implementation", |w| {
        w.string("description", "Tasuki FHIR gateway: answers hold what the patient's consent allows the caller");
        w.string("url", base_url);
    });
    w.string("fhirVersion", "4.0.1");
    w.array("format", |w| {
        w.item_string("application/fhir+json");
        w.item_string("application/fhir+xml");
    });
    w.array("rest", |w| {
        w.item(|w| {
            w.string("mode", "server");
            w.object("security", |w| {
                w.boolean("cors", true);
                w.array("service", |w| {
                    w.item(|w| w.string("text", "Bearer tokens of registered clients, each bound to an organisation"));
                });
                w.string(
                    "description",
                    "Default deny: a caller reads what an active Consent naming its organisation permits; \
                     everything else is answered as if it were not there. Every access is audited.",
                );
            });
            w.array("resource", |w| {
                for resource_type in parameters::types() {
                    w.item(|w| resource(w, resource_type));
                }
            });
            w.array("operation", |w| {
                OPERATIONS.iter().filter(|operation| operation.system).for_each(|operation| offered(w, operation));
            });
        });
    });
    format!("{{{}}}", w.finish())
}

fn resource(w: &mut Writer, resource_type: ResourceType) {
    w.string("type", resource_type.name());
    w.array("interaction", |w| {
        for code in super::routes::interactions(resource_type) {
            w.item(|w| w.string("code", code));
        }
    });
    w.string("versioning", "versioned");
    w.array("searchParam", |w| {
        let of_type = parameters::of(resource_type).iter();
        let named = of_type.flat_map(|definition| definition.names.iter().map(|name| (*name, definition.kind.code())));
        // The audit record is searched by patient alone.
        let own: &[_] = match resource_type {
            ResourceType::AUDIT_EVENT => &[],
            _ => &[("_id", "token"), ("_lastUpdated", "date")],
        };
        for (name, kind) in named.chain(own.iter().copied()) {
            w.item(|w| {
                w.string("name", name);
                w.string("type", kind);
            });
        }
    });
    let is_offered = |operation: &&Operation| operation.on_type || operation.instance;
    let operations = OPERATIONS.iter().filter(|operation| operation.on.includes(resource_type)).filter(is_offered);
    w.array("operation", |w| operations.for_each(|operation| offered(w, operation)));
}

fn offered(w: &mut Writer, operation: &Operation) {
    w.item(|w| {
        w.string("name", operation.name);
        w.string("definition", operation.definition);
        w.string("documentation", operation.documentation);
    });
}
