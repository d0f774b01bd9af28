//! An event as an AuditEvent R4 in the shape of IHE BALP 1.1 (Basic Audit Log Patterns): RESTful activity by type,
//! client and organisation as agents, patients, resource, query, request and consents as entities.
//!
//! A search stands in `entity.query` as it was asked, base64, as BALP has it. Values of a query are patient data (a name, a
//! number, a diagnosis): they are there and nowhere else, and `entity.description` has the parameters' names only.

use super::event::{Event, What};
use super::shape::{self, ACT_REASON, Code};
use crate::fhir::{Writer, base64, time};

const ENTITY_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const ENTITY_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const RESOURCE_TYPES: &str = "http://hl7.org/fhir/resource-types";
const SOURCE_TYPE: &str = "http://terminology.hl7.org/CodeSystem/security-source-type";
const BALP_ENTITY: &str = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType";
const CLIENT: &str = "https://tasuki.example/fhir/client";
/// Offset in which instants are written: Japan Standard Time.
const ZONE_MINUTES: i16 = 540;

const PERSON: Code = Code(ENTITY_TYPE, "1", "Person");
const OBJECT: Code = Code(ENTITY_TYPE, "2", "System Object");

/// The AuditEvent as JSON; `base_url` is the address of the gateway that recorded it.
pub fn to_fhir(event: &Event, id: &str, base_url: &str) -> String {
    let mut w = Writer::new();
    let instant = time::instant(event.recorded_ms, ZONE_MINUTES);
    let kind = shape::kind(event);
    w.string("resourceType", "AuditEvent");
    w.string("id", id);
    w.object("meta", |w| {
        w.string("versionId", "1");
        w.string("lastUpdated", &instant);
    });
    coding(&mut w, "type", kind.code);
    w.array("subtype", |w| kind.subtypes.iter().for_each(|code| w.coding_item(code.0, code.1, code.2)));
    w.string("action", kind.action);
    w.string("recorded", &instant);
    let (outcome, sentence) = shape::outcome(event.outcome);
    w.string("outcome", outcome);
    w.string("outcomeDesc", sentence);
    purpose(&mut w, "purposeOfEvent", event);
    w.array("agent", |w| agents(w, event, base_url));
    w.object("source", |w| {
        w.string("site", shape::host(base_url));
        w.object("observer", |w| w.string("display", "Tasuki"));
        w.array("type", |w| match shape::is_decision(event) {
            true => w.coding_item(SOURCE_TYPE, "6", "Security Server"),
            false => w.coding_item(SOURCE_TYPE, "4", "Application Server"),
        });
    });
    w.array("entity", |w| entities(w, event));
    format!("{{{}}}", w.finish())
}

fn purpose(w: &mut Writer, name: &str, event: &Event) {
    if let Some(purpose) = event.purpose {
        w.array(name, |w| w.item(|w| w.array("coding", |w| w.coding_item(ACT_REASON, purpose.code(), ""))));
    }
}

/// The gateway, the client, and the person and the organisation that the client acts for. Whoever asked is the first of these;
/// where neither is known, the client; where something was sent unasked, the gateway.
fn agents(w: &mut Writer, event: &Event, base_url: &str) {
    let parts = shape::parts(event);
    let sends = matches!(event.what, What::Send | What::Start | What::Stop);
    w.item(|w| {
        role(w, parts.server);
        w.object("who", |w| w.string("display", "Tasuki"));
        w.boolean("requestor", sends);
        w.object("network", |w| {
            w.string("address", base_url);
            w.string("type", if base_url.is_empty() { "" } else { "5" });
        });
    });
    w.item(|w| {
        role(w, parts.client);
        w.object("who", |w| match &event.agent {
            Some(agent) => {
                w.object("identifier", |w| {
                    w.string("system", CLIENT);
                    w.string("value", &agent.client);
                });
                w.string("display", agent.role.name());
            }
            None => w.string("display", "unknown"),
        });
        let asks = !sends && parts.people.is_empty();
        w.boolean("requestor", asks);
        if let Some(address) = event.address {
            w.object("network", |w| {
                w.string("address", &address.to_string());
                w.string("type", "2");
            });
        }
        if asks {
            purpose(w, "purposeOfUse", event);
        }
    });
    for (nth, (part, who)) in parts.people.iter().enumerate() {
        w.item(|w| {
            role(w, *part);
            w.reference("who", who);
            let asks = !sends && nth == 0;
            w.boolean("requestor", asks);
            if asks {
                purpose(w, "purposeOfUse", event);
            }
        });
    }
}

fn role(w: &mut Writer, code: Code) {
    w.concept("type", code.0, code.1, code.2);
}

fn entities(w: &mut Writer, event: &Event) {
    for patient in &event.patients {
        w.item(|w| {
            w.reference("what", &patient.reference());
            coding(w, "type", PERSON);
            coding(w, "role", Code(ENTITY_ROLE, "1", "Patient"));
        });
    }
    let type_name = event.resource_type.map_or("", |resource_type| resource_type.name());
    if let Some(id) = event.id.as_ref().filter(|_| !type_name.is_empty()) {
        w.item(|w| {
            w.reference("what", &format!("{type_name}/{}", id.as_str()));
            coding(w, "type", OBJECT);
            coding(w, "role", Code(ENTITY_ROLE, "4", "Domain Resource"));
        });
    }
    if event.what == What::Search || shape::finds(event.what) {
        query(w, event);
    } else if event.discloses() {
        w.item(|w| {
            coding(w, "type", OBJECT);
            coding(w, "role", Code(ENTITY_ROLE, "3", "Report"));
            w.string("description", &format!("{} resources", event.count));
        });
    }
    for consent in &event.consents {
        w.item(|w| {
            w.reference("what", &format!("Consent/{}/_history/{}", consent.id, consent.version));
            coding(w, "type", Code(RESOURCE_TYPES, "Consent", ""));
        });
    }
    let (what, code) = match shape::letter(event) {
        Some(letter) => (letter, OBJECT),
        None => (event.request.as_str(), Code(BALP_ENTITY, "XrequestId", "")),
    };
    if !what.is_empty() {
        w.item(|w| {
            w.object("what", |w| w.object("identifier", |w| w.string("value", what)));
            coding(w, "type", code);
        });
    }
}

fn query(w: &mut Writer, event: &Event) {
    w.item(|w| {
        coding(w, "type", OBJECT);
        coding(w, "role", Code(ENTITY_ROLE, "24", "Query"));
        let names = shape::asked(event, &event.query.text());
        let asked = Some(event.query.asked()).filter(|asked| !asked.is_empty());
        let query = asked.map(|asked| shape::asked(event, asked));
        w.string("description", &names);
        w.string("query", &base64::encode(query.as_ref().unwrap_or(&names).as_bytes()));
        w.array("detail", |w| {
            w.item(|w| {
                w.string("type", "results");
                w.string("valueString", &event.count.to_string());
            });
        });
    });
}

fn coding(w: &mut Writer, name: &str, code: Code) {
    w.object(name, |w| {
        w.string("system", code.0);
        w.string("code", code.1);
        w.string("display", code.2);
    });
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::event::{Agent, Outcome, QueryShape};
    use super::*;
    use crate::consent::{ConsentVersion, Purpose, Role};
    use crate::fhir::{PatientKey, ResourceId, ResourceType};

    const BASE: &str = "https://gateway.example:8443/fhir";

    fn search() -> Event {
        Event {
            recorded_ms: 1_790_000_000_123,
            what: What::Search,
            outcome: Outcome::Done,
            agent: Some(Agent {
                client: "agency-a-app".into(),
                organization: "Organization/agency-a".into(),
                role: Role::Care,
            }),
            address: "192.0.2.7".parse().ok(),
            resource_type: Some(ResourceType::OBSERVATION),
            id: None,
            patients: vec![PatientKey(7 << 64)],
            query: QueryShape::of(["patient", "date"]).with_asked("patient=Patient/7&date=ge2026"),
            request: "r-1".into(),
            consents: vec![ConsentVersion { id: "k1".into(), version: 3 }],
            count: 17,
            purpose: Some(Purpose::COORDINATION_OF_CARE),
            person: None,
        }
    }

    #[test]
    fn a_search_reads_as_balp_has_it() {
        let json: Value = serde_json::from_str(&to_fhir(&search(), "e-1", BASE)).unwrap();
        let expect = [
            ("/type/code", "rest"),
            ("/subtype/0/code", "search"),
            ("/action", "E"),
            ("/recorded", "2026-09-21T23:13:20.123+09:00"),
            ("/outcome", "0"),
            ("/agent/0/type/coding/0/code", "110152"),
            ("/agent/1/type/coding/0/code", "110153"),
            ("/agent/1/who/identifier/value", "agency-a-app"),
            ("/agent/1/network/address", "192.0.2.7"),
            ("/agent/0/network/address", BASE),
            ("/agent/2/who/reference", "Organization/agency-a"),
            ("/agent/2/purposeOfUse/0/coding/0/code", "COC"),
            ("/purposeOfEvent/0/coding/0/code", "COC"),
            ("/source/site", "gateway.example"),
            ("/entity/0/role/code", "1"),
            ("/entity/1/description", "GET Observation?patient&date"),
            ("/entity/1/query", "R0VUIE9ic2VydmF0aW9uP3BhdGllbnQ9UGF0aWVudC83JmRhdGU9Z2UyMDI2"),
            ("/entity/1/detail/0/valueString", "17"),
            ("/entity/2/what/reference", "Consent/k1/_history/3"),
            ("/entity/3/what/identifier/value", "r-1"),
        ];
        for (pointer, value) in expect {
            assert_eq!(json.pointer(pointer).and_then(Value::as_str), Some(value), "{pointer} of {json:#}");
        }
    }

    /// CONS-08: the text of a search is in `entity.query` alone.
    #[test]
    fn the_values_of_a_search_are_nowhere_else() {
        let event = search();
        let json: Value = serde_json::from_str(&to_fhir(&event, "e-1", BASE)).unwrap();
        assert!(!json.to_string().contains("ge2026") && !format!("{event:?}").contains("ge2026"));
        let shape = QueryShape::of(["patient"]);
        let json: Value = serde_json::from_str(&to_fhir(&Event { query: shape, ..event }, "e-1", BASE)).unwrap();
        assert_eq!(json["entity"][1]["query"], base64::encode(b"GET Observation?patient"));
    }

    #[test]
    fn every_event_has_what_r4_requires() {
        for what in What::ALL.into_iter().chain([What::Other]) {
            for (outcome, agent) in [(Outcome::UnknownCaller, None), (Outcome::Consent, search().agent)] {
                let id = ResourceId::parse("o1");
                let json: Value =
                    serde_json::from_str(&to_fhir(&Event { what, outcome, agent, id, ..search() }, "e", BASE)).unwrap();
                for required in ["/type/code", "/recorded", "/source/observer/display", "/agent/0/who/display"] {
                    assert!(json.pointer(required).is_some(), "{required} of {json:#}");
                }
                let requestors = json["agent"].as_array().unwrap().iter().filter(|agent| agent["requestor"] == true);
                assert_eq!((requestors.count(), &json["outcome"]), (1, &Value::from("8")));
            }
        }
    }
}
