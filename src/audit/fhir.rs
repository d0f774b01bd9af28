//! An event as an AuditEvent R4 in the shape of IHE BALP 1.1 (Basic Audit Log Patterns): RESTful activity by type,
//! client and organisation as agents, patients, resource, query, request and consents as entities.
//!
//! A search stands in `entity.query` as it was asked, base64, as BALP has it. Values of a query are patient data (a name, a
//! number, a diagnosis): they are there and nowhere else, and `entity.description` has the parameters' names only.

use super::event::{Event, Outcome, What};
use crate::fhir::{Writer, time};

const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const EVENT_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-event-type";
const INTERACTION: &str = "http://hl7.org/fhir/restful-interaction";
const ENTITY_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const ENTITY_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const RESOURCE_TYPES: &str = "http://hl7.org/fhir/resource-types";
const PARTICIPATION: &str = crate::fhir::system::V3_PARTICIPATION;
const BALP_ENTITY: &str = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType";
const OPERATION: &str = "https://tasuki.example/fhir/CodeSystem/operation";
const CLIENT: &str = "https://tasuki.example/fhir/client";
/// Offset in which instants are written: Japan Standard Time.
const ZONE_MINUTES: i16 = 540;

/// The AuditEvent as JSON.
pub fn to_fhir(event: &Event, id: &str) -> String {
    let mut w = Writer::new();
    let instant = time::instant(event.recorded_ms, ZONE_MINUTES);
    w.string("resourceType", "AuditEvent");
    w.string("id", id);
    w.object("meta", |w| {
        w.string("versionId", "1");
        w.string("lastUpdated", &instant);
    });
    kind(&mut w, event.what);
    w.string("action", letter(event.what));
    w.string("recorded", &instant);
    let (outcome, sentence) = outcome(event.outcome);
    w.string("outcome", outcome);
    w.string("outcomeDesc", sentence);
    w.array("agent", |w| agents(w, event));
    w.object("source", |w| {
        w.object("observer", |w| w.string("display", "Tasuki"));
        w.array("type", |w| {
            w.coding_item("http://terminology.hl7.org/CodeSystem/security-source-type", "4", "Application Server");
        });
    });
    w.array("entity", |w| entities(w, event));
    format!("{{{}}}", w.finish())
}

fn kind(w: &mut Writer, what: What) {
    let subtype = match what {
        What::Read => "read",
        What::VersionRead => "vread",
        What::History => "history",
        What::Search => "search",
        What::Everything | What::Validate | What::Meta | What::MetaAdd | What::MetaDelete => "operation",
        What::Document | What::DocRef | What::LastN | What::Summary | What::Other => "operation",
        What::EmergencyReviews | What::AccessReview => "operation",
        What::Create => "create",
        What::Update => "update",
        What::Delete => "delete",
        What::Transaction => "transaction",
        What::Receive | What::Import => return coding(w, "type", DCM, "110107", "Import"),
        What::Send | What::Export => return coding(w, "type", DCM, "110106", "Export"),
        // Who a client is was shown, asked about or withdrawn: User Authentication.
        What::Token | What::Introspection | What::Revocation => {
            return authentication(w, what);
        }
        What::EmergencyStarted | What::EmergencyStopped => return emergency(w, what),
        What::LetterRead | What::Replay | What::LetterDropped => {
            return coding(w, "type", DCM, "110110", "Patient Record");
        }
    };
    coding(w, "type", EVENT_TYPE, "rest", "Restful Operation");
    w.array("subtype", |w| {
        w.coding_item(INTERACTION, subtype, subtype);
        if let Some(name) = what.operation() {
            w.coding_item(OPERATION, name, &format!("${name}"));
        }
    });
}

/// DICOM PS3.15 A.5.3.11: a security alert, of which an emergency is one.
fn emergency(w: &mut Writer, what: What) {
    coding(w, "type", DCM, "110113", "Security Alert");
    let (code, display) = match what {
        What::EmergencyStarted => ("110127", "Emergency Override Started"),
        _ => ("110138", "Emergency Override Stopped"),
    };
    w.array("subtype", |w| w.coding_item(DCM, code, display));
}

/// DICOM PS3.15 A.5.3.6: a login, a logout.
fn authentication(w: &mut Writer, what: What) {
    coding(w, "type", DCM, "110114", "User Authentication");
    let (code, display) = match what {
        What::Token => ("110122", "Login"),
        What::Revocation => ("110123", "Logout"),
        _ => return,
    };
    w.array("subtype", |w| w.coding_item(DCM, code, display));
}

/// AuditEvent.action: create, read, update, delete, execute.
fn letter(what: What) -> &'static str {
    match what {
        What::Read | What::VersionRead | What::History | What::Send | What::LetterRead => "R",
        What::Export => "R",
        What::Search | What::Everything | What::Transaction | What::Other => "E",
        What::Validate | What::Meta | What::MetaAdd | What::MetaDelete => "E",
        What::Document | What::DocRef | What::LastN | What::Summary => "E",
        What::EmergencyStarted | What::EmergencyStopped | What::EmergencyReviews | What::AccessReview => "E",
        What::Token | What::Introspection | What::Revocation => "E",
        What::Create | What::Receive | What::Import => "C",
        What::Update | What::Replay => "U",
        What::Delete | What::LetterDropped => "D",
    }
}

/// AuditEvent.outcome: 0 success, 4 minor, 8 serious, 12 major failure.
fn outcome(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Done => ("0", ""),
        Outcome::NotFound => ("4", "There is no such resource."),
        Outcome::Rejected => ("4", "The request was rejected."),
        Outcome::Failed => ("12", "The gateway failed; nothing left it."),
        Outcome::UnknownCaller => ("8", "The caller is not known."),
        Outcome::Role => ("8", "The caller's role does not include this."),
        Outcome::Scope => ("8", "The caller's token is not good for this."),
        Outcome::Consent => ("8", "No consent covers this; the caller was told that it does not exist."),
        Outcome::Other => ("4", "An outcome that this version does not know."),
    }
}

/// BALP names the client by which way the data go: destination (110152) of a read, source (110153) of the rest.
fn agents(w: &mut Writer, event: &Event) {
    let reads = is_asked_for(event.what)
        || event.what == What::Export
        || matches!(event.what, What::Read | What::VersionRead | What::History | What::Send | What::LetterRead);
    let (client, server) = if reads { (DESTINATION, SOURCE) } else { (SOURCE, DESTINATION) };
    let sends = event.what == What::Send;
    w.item(|w| {
        w.concept("type", DCM, server.0, server.1);
        w.object("who", |w| w.string("display", "Tasuki"));
        w.boolean("requestor", sends);
    });
    w.item(|w| {
        w.concept("type", DCM, client.0, client.1);
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
        w.boolean("requestor", !sends);
        if let Some(address) = event.address {
            w.object("network", |w| {
                w.string("address", &address.to_string());
                w.string("type", "2");
            });
        }
    });
    // Whoever sits at the terminal is no organisation.
    if let Some(agent) = event.agent.as_ref().filter(|agent| !agent.organization.is_empty()) {
        let writes =
            matches!(event.what, What::Create | What::Update | What::Delete | What::Receive | What::Transaction)
                || matches!(event.what, What::MetaAdd | What::MetaDelete | What::Import);
        let (code, display) = if writes { ("AUT", "author (originator)") } else { ("IRCP", "information recipient") };
        w.item(|w| {
            w.concept("type", PARTICIPATION, code, display);
            w.reference("who", &agent.organization);
            w.boolean("requestor", false);
        });
    }
}

/// Whether it is an operation that answers with resources of the store.
fn is_asked_for(what: What) -> bool {
    matches!(what, What::Everything | What::Document | What::DocRef | What::LastN | What::Meta | What::Summary)
}

const DESTINATION: (&str, &str) = ("110152", "Destination Role ID");
const SOURCE: (&str, &str) = ("110153", "Source Role ID");

fn entities(w: &mut Writer, event: &Event) {
    for patient in &event.patients {
        w.item(|w| {
            w.reference("what", &patient.reference());
            coding(w, "type", ENTITY_TYPE, "1", "Person");
            coding(w, "role", ENTITY_ROLE, "1", "Patient");
        });
    }
    let type_name = event.resource_type.map_or("", |resource_type| resource_type.name());
    if let Some(id) = event.id.as_ref().filter(|_| !type_name.is_empty()) {
        w.item(|w| {
            w.reference("what", &format!("{type_name}/{}", id.as_str()));
            coding(w, "type", ENTITY_TYPE, "2", "System Object");
            coding(w, "role", ENTITY_ROLE, "4", "Domain Resource");
        });
    }
    if event.what == What::Search || is_asked_for(event.what) {
        w.item(|w| {
            coding(w, "type", ENTITY_TYPE, "2", "System Object");
            coding(w, "role", ENTITY_ROLE, "24", "Query");
            let operation = event.what.operation().map(|name| format!("/${name}")).unwrap_or_default();
            let names = format!("GET {type_name}{operation}?{}", event.query.text());
            let asked = Some(event.query.asked()).filter(|asked| !asked.is_empty());
            let query = asked.map(|asked| format!("GET {type_name}{operation}?{asked}"));
            w.string("description", &names);
            w.string("query", &base64(query.as_ref().unwrap_or(&names).as_bytes()));
            w.array("detail", |w| {
                w.item(|w| {
                    w.string("type", "results");
                    w.string("valueString", &event.count.to_string());
                });
            });
        });
    }
    for consent in &event.consents {
        w.item(|w| {
            w.reference("what", &format!("Consent/{}/_history/{}", consent.id, consent.version));
            coding(w, "type", RESOURCE_TYPES, "Consent", "");
        });
    }
    if !event.request.is_empty() {
        w.item(|w| {
            w.object("what", |w| w.object("identifier", |w| w.string("value", &event.request)));
            coding(w, "type", BALP_ENTITY, "XrequestId", "");
        });
    }
}

fn coding(w: &mut Writer, name: &str, system: &str, code: &str, display: &str) {
    w.object(name, |w| {
        w.string("system", system);
        w.string("code", code);
        w.string("display", display);
    });
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let at = |n: usize| u32::from(group.get(n).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for n in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * n) & 63) as usize];
            out.push(if n <= group.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::event::{Agent, QueryShape};
    use super::*;
    use crate::consent::{ConsentVersion, Role};
    use crate::fhir::{PatientKey, ResourceId, ResourceType};

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
        }
    }

    #[test]
    fn a_search_reads_as_balp_has_it() {
        let json: Value = serde_json::from_str(&to_fhir(&search(), "e-1")).unwrap();
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
            ("/agent/2/who/reference", "Organization/agency-a"),
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
        let json: Value = serde_json::from_str(&to_fhir(&event, "e-1")).unwrap();
        assert!(!json.to_string().contains("ge2026") && !format!("{event:?}").contains("ge2026"));
        let shape = QueryShape::of(["patient"]);
        let json: Value = serde_json::from_str(&to_fhir(&Event { query: shape, ..event }, "e-1")).unwrap();
        assert_eq!(json["entity"][1]["query"], base64(b"GET Observation?patient"));
    }

    #[test]
    fn every_event_has_what_r4_requires() {
        for what in What::ALL.into_iter().chain([What::Other]) {
            for (outcome, agent) in [(Outcome::UnknownCaller, None), (Outcome::Consent, search().agent)] {
                let id = ResourceId::parse("o1");
                let json: Value =
                    serde_json::from_str(&to_fhir(&Event { what, outcome, agent, id, ..search() }, "e")).unwrap();
                for required in ["/type/code", "/recorded", "/source/observer/display", "/agent/0/who/display"] {
                    assert!(json.pointer(required).is_some(), "{required} of {json:#}");
                }
                let requestors = json["agent"].as_array().unwrap().iter().filter(|agent| agent["requestor"] == true);
                assert_eq!((requestors.count(), &json["outcome"]), (1, &Value::from("8")));
            }
        }
    }

    #[test]
    fn base64_is_rfc_4648() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
