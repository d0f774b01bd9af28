//! The CapabilityStatement (capabilitystatement.html), written from what is offered.

use super::offer::{self, Interaction, Mode, OF_SYSTEM, Parameter};
use super::smart;
use crate::api::operation::Operation;
use crate::fhir::{ResourceType, Writer};
use crate::search::{Definitions, parameters};

/// The day on which what is said here, beside the tables, last changed.
const DATE: &str = "2026-11-22";

/// What is offered.
pub(super) struct Offered<'a> {
    pub(super) mode: Mode,
    pub(super) definitions: &'a Definitions,
    /// The canonicals of the profiles that are loaded, each with the type that it constrains.
    pub(super) profiles: &'a [(ResourceType, Box<str>)],
}

/// The statement as JSON, for a gateway that is reached under `base`; `cors` says whether pages of other origins may call,
/// `smart` whether access tokens are issued.
pub(super) fn statement(offered: &Offered<'_>, base: &str, (cors, smart): (bool, bool)) -> String {
    let mode = offered.mode;
    let mut w = Writer::new();
    w.string("resourceType", "CapabilityStatement");
    w.string("url", &format!("{base}/metadata"));
    w.string("version", env!("CARGO_PKG_VERSION"));
    w.string("name", "Tasuki");
    w.string("title", "Tasuki FHIR gateway");
    w.string("status", "active");
    w.string("date", DATE);
    w.string("kind", "instance");
    w.object("software", |w| {
        w.string("name", "Tasuki");
        w.string("version", env!("CARGO_PKG_VERSION"));
    });
    w.object("implementation", |w| {
        w.string(
            "description",
            match mode {
                Mode::Open => "Tasuki FHIR gateway, open to everybody: for tests with synthetic data",
                Mode::Registered => "Tasuki FHIR gateway: answers hold what the patient's consent allows the caller",
            },
        );
        w.string("url", base);
    });
    w.string("fhirVersion", "4.0.1");
    w.array("format", |w| {
        ["application/fhir+json", "application/fhir+xml", "application/json", "application/xml"]
            .iter()
            .for_each(|format| w.item_string(format));
    });
    w.array("patchFormat", |w| {
        ["application/json-patch+json", "application/fhir+json", "application/fhir+xml"]
            .iter()
            .for_each(|format| w.item_string(format));
    });
    w.array("rest", |w| w.item(|w| rest(w, offered, base, (cors, smart))));
    format!("{{{}}}", w.finish())
}

fn rest(w: &mut Writer, offered: &Offered<'_>, base: &str, (cors, smart): (bool, bool)) {
    let mode = offered.mode;
    w.string("mode", "server");
    w.object("security", |w| {
        if smart {
            smart::oauth_uris(w, base);
        }
        security(w, mode, cors, smart);
    });
    w.array("resource", |w| parameters::types().for_each(|of| w.item(|w| resource(w, offered, of))));
    w.array("interaction", |w| OF_SYSTEM.iter().for_each(|code| w.item(|w| w.string("code", code))));
    w.array("searchParam", |w| {
        let documentation = "The types that are searched, separated by commas.";
        let of_system = Parameter { name: "_type", kind: "special", definition: "", documentation };
        offer::common_parameters().iter().chain([&of_system]).for_each(|one| w.item(|w| parameter(w, one)));
    });
    w.array("operation", |w| {
        mode.operations_of_system().for_each(|one| operation(w, one));
        if mode.imports() {
            w.item(|w| {
                w.string("name", "import");
                w.string("definition", &format!("{base}/OperationDefinition/import"));
                w.string(
                    "documentation",
                    "POST of application/fhir+ndjson: each line is stored as if it had been put under its id. An operation \
                     of this server; no standard defines it.",
                );
            });
        }
    });
    w.array("compartment", |w| offer::compartments().for_each(|url| w.item_string(&url)));
}

fn security(w: &mut Writer, mode: Mode, cors: bool, smart: bool) {
    w.boolean("cors", cors);
    match mode {
        Mode::Open => w.string(
            "description",
            "None: started with --open, it takes every caller for one who may see everything and write everything but the \
             audit record. For tests with synthetic data.",
        ),
        Mode::Registered => {
            w.array("service", |w| {
                if smart {
                    smart::service(w);
                }
                w.item(|w| w.string("text", "Bearer tokens of registered clients, each bound to an organisation"));
            });
            w.string(
                "description",
                "Default deny: a caller reads what an active Consent naming its organisation permits; everything else is \
                 answered as if it were not there. The network's office writes Consents, the directory (Organization, Location, HealthcareService, \
                 Practitioner, PractitionerRole, Endpoint, NamingSystem, CareTeam, Group) and the definitions of searches, sources hand in Bundles. Every access is audited.",
            );
        }
    }
}

fn resource(w: &mut Writer, offered: &Offered<'_>, resource_type: ResourceType) {
    let Offered { mode, definitions, profiles } = *offered;
    let interactions = mode.interactions(resource_type);
    let offers = |interaction| interactions.contains(&interaction);
    w.string("type", resource_type.name());
    w.string("profile", &format!("http://hl7.org/fhir/StructureDefinition/{}", resource_type.name()));
    w.array("supportedProfile", |w| {
        profiles.iter().filter(|(of, _)| *of == resource_type).for_each(|(_, canonical)| w.item_string(canonical));
    });
    w.array("interaction", |w| {
        interactions.iter().for_each(|interaction| w.item(|w| w.string("code", interaction.code())));
    });
    if offers(Interaction::Read) {
        w.string("versioning", "versioned");
        w.boolean("readHistory", true);
        let writes = mode.writes(resource_type);
        w.boolean("updateCreate", writes);
        w.boolean("conditionalCreate", writes);
        // Links of a Patient are said without a version, so that nobody's copy is known to be the same.
        let is_said_anew = resource_type == ResourceType::PATIENT && mode == Mode::Registered;
        w.string("conditionalRead", if is_said_anew { "not-supported" } else { "full-support" });
        w.boolean("conditionalUpdate", writes);
        w.string("conditionalDelete", if writes { "single" } else { "not-supported" });
        // References lead where they say, or say by an identifier whom they mean; whether it is there is not asked.
        w.array("referencePolicy", |w| ["literal", "logical"].iter().for_each(|policy| w.item_string(policy)));
    }
    w.array("searchInclude", |w| {
        let includes = offer::includes(definitions, resource_type);
        let any = if includes.is_empty() { None } else { Some(format!("{}:*", resource_type.name())) };
        any.iter().chain(&includes).for_each(|name| w.item_string(name));
    });
    w.array("searchRevInclude", |w| {
        offer::reverse_includes(definitions, resource_type).iter().for_each(|name| w.item_string(name));
    });
    w.array("searchParam", |w| {
        offer::search_parameters(definitions, resource_type).iter().for_each(|one| w.item(|w| parameter(w, one)));
    });
    w.array("operation", |w| mode.operations(resource_type).for_each(|one| operation(w, one)));
}

fn parameter(w: &mut Writer, parameter: &Parameter<'_>) {
    w.string("name", parameter.name);
    w.string("definition", parameter.definition);
    w.string("type", parameter.kind);
    w.string("documentation", parameter.documentation);
}

fn operation(w: &mut Writer, operation: &Operation) {
    w.item(|w| {
        w.string("name", operation.name);
        w.string("definition", operation.definition);
        w.string("documentation", operation.documentation);
    });
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::fault::Severity;
    use crate::validate::base;

    #[test]
    fn the_statement_is_a_sound_resource() {
        for mode in [Mode::Open, Mode::Registered] {
            for cors in [true, false] {
                let smart = cors && mode == Mode::Registered;
                let profiles = [(ResourceType::PATIENT, "http://g.example/p".into())];
                let offered = Offered { mode, definitions: Definitions::base(), profiles: &profiles };
                let statement = statement(&offered, "https://x.example/fhir", (cors, smart));
                let statement: Value = serde_json::from_str(&statement).unwrap();
                let issues = base(&statement).into_iter().filter(|issue| issue.rule.severity >= Severity::Error);
                let issues: Vec<_> = issues.map(|issue| (issue.rule.id, issue.place.to_string())).collect();
                assert_eq!(issues, [], "{mode:?}");
                let resources = statement["rest"][0]["resource"].as_array().unwrap();
                let supporting = resources.iter().filter(|one| one.get("supportedProfile").is_some());
                let supported: Vec<_> = supporting.map(|one| (&one["type"], &one["supportedProfile"])).collect();
                assert_eq!(supported, [(&"Patient".into(), &serde_json::json!(["http://g.example/p"]))]);
                assert_eq!(statement["rest"][0]["security"]["cors"], cors);
                assert_eq!(statement["rest"][0]["security"]["service"].is_array(), mode == Mode::Registered);
            }
        }
    }
}
