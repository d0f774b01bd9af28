//! AuditEvents against IHE BALP (Basic Audit Log Patterns): every kind of event is sound R4, and each kind that BALP has a
//! pattern for has whatever the published examples of that kind have in common. The examples are in the folder
//! `TASUKI_CORPORA`; without it that part is not run.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test fails by panicking

use std::collections::BTreeSet;

use serde_json::Value;
use tasuki::audit::{Agent, Event, Outcome, QueryShape, What, to_fhir};
use tasuki::consent::{ConsentVersion, Purpose, Role};
use tasuki::fhir::{PatientKey, ResourceId, ResourceType};
use tasuki::validate::{base, is_sound};

const BASE: &str = "https://gateway.example/fhir";

fn event(what: What, outcome: Outcome) -> Event {
    Event {
        outcome,
        agent: Some(Agent { client: "app".into(), organization: "Organization/a".into(), role: Role::Care }),
        address: "2001:db8::7".parse().ok(),
        resource_type: ResourceType::parse("List"),
        id: ResourceId::parse("l1").filter(|_| what != What::Search),
        patients: vec![PatientKey(0x5_0000_0000_0000)],
        query: QueryShape::of(["patient"]).with_asked("patient=7"),
        request: "r-1".into(),
        consents: vec![ConsentVersion { id: "k1".into(), version: 3 }],
        count: 1,
        purpose: Some(Purpose::TREATMENT),
        ..Event::new(1_790_000_000_123, what)
    }
}

fn said(event: &Event) -> Value {
    serde_json::from_str(&to_fhir(event, "0000000000000001-00000000", BASE)).unwrap()
}

#[test]
fn every_kind_of_event_is_sound_r4() {
    let whats = What::ALL.into_iter().chain([What::Other]);
    for what in whats {
        for outcome in Outcome::ALL.into_iter().chain([Outcome::Other]) {
            let full = event(what, outcome);
            let bare = Event { outcome, ..Event::new(0, what) };
            let terminal = Event {
                agent: full.agent.clone().map(|agent| Agent { organization: String::new(), ..agent }),
                request: "letter 0123".into(),
                ..full.clone()
            };
            let person = Event { person: Some("Practitioner/p".into()), ..full.clone() };
            for event in [full, bare, terminal, person] {
                let json = said(&event);
                let asked = json["agent"].as_array().unwrap().iter().filter(|agent| agent["requestor"] == true);
                let asked: Vec<_> = asked.collect();
                assert_eq!(asked.len(), 1, "{json:#}");
                let sends = matches!(what, What::Send | What::Start | What::Stop);
                let is_person = asked[0]["who"]["reference"] == "Practitioner/p";
                assert_eq!(is_person, event.person.is_some() && !sends, "{json:#}");
                let issues = base(&json);
                assert!(is_sound(&issues), "{what:?} {outcome:?}: {issues:#?} of {json:#}");
            }
        }
    }
}

/// What an event is made of, as far as it can be compared: each a path with a code.
fn structure(event: &Value) -> BTreeSet<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let items = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut found = BTreeSet::new();
    let mut add = |line: String| {
        found.insert(line);
    };
    add(format!("type {} {}", text(&event["type"]["system"]), text(&event["type"]["code"])));
    for code in items(&event["subtype"]) {
        add(format!("subtype {} {}", text(&code["system"]), text(&code["code"])));
    }
    for member in ["action", "outcome"] {
        add(format!("{member} {}", text(&event[member])));
    }
    for member in ["recorded", "purposeOfEvent"] {
        if !event[member].is_null() {
            add(member.into());
        }
    }
    for member in ["site", "observer", "type"] {
        if !event["source"][member].is_null() {
            add(format!("source.{member}"));
        }
    }
    for code in items(&event["source"]["type"]) {
        add(format!("source.type {} {}", text(&code["system"]), text(&code["code"])));
    }
    for agent in items(&event["agent"]) {
        for code in items(&agent["type"]["coding"]) {
            let of = format!("agent {} {}", text(&code["system"]), text(&code["code"]));
            add(format!("{of} requestor {}", agent["requestor"]));
            for member in ["who", "purposeOfUse"] {
                if !agent[member].is_null() {
                    add(format!("{of} {member}"));
                }
            }
            if !agent["network"].is_null() {
                add(format!("{of} network {}", text(&agent["network"]["type"])));
            }
            add(of);
        }
    }
    for entity in items(&event["entity"]) {
        let code = |name: &str| format!("{} {}", text(&entity[name]["system"]), text(&entity[name]["code"]));
        let of = format!("entity {} / {}", code("type"), code("role"));
        for member in ["what", "query"] {
            if !entity[member].is_null() {
                add(format!("{of} {member}"));
            }
        }
        add(of);
    }
    found
}

fn examples() -> Option<Vec<(String, Value)>> {
    let Ok(corpora) = std::env::var("TASUKI_CORPORA") else {
        println!("not run: TASUKI_CORPORA is not set");
        return None;
    };
    let folder = std::path::Path::new(&corpora).join("consent/balp/resources");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let read = |path: std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
    };
    Some(files.map(read).collect())
}

/// What all examples whose names hold a word have in common.
fn common(examples: &[(String, Value)], word: &str) -> (BTreeSet<String>, usize) {
    let of: Vec<_> = examples.iter().filter(|(name, _)| name.contains(word)).map(|(_, one)| structure(one)).collect();
    let all = of.iter().skip(1).fold(of[0].clone(), |all, one| &all & one);
    (all, of.len())
}

#[test]
fn an_event_has_what_the_examples_of_its_kind_have_in_common() {
    let Some(examples) = examples() else { return };
    assert_eq!(examples.len(), 41);
    let kinds = [
        ("auditBasicReadClient", event(What::Read, Outcome::Done)),
        ("auditBasicReadServer", event(What::Read, Outcome::Done)),
        ("auditBasicReadNo", event(What::Read, Outcome::Done)),
        ("auditBasicCreateServer", event(What::Create, Outcome::Done)),
        ("auditBasicCreate", event(What::Create, Outcome::Done)),
        ("auditBasicUpdate", event(What::Update, Outcome::Done)),
        ("auditBasicPatch", event(What::Patch, Outcome::Done)),
        ("auditBasicDeleteServer", event(What::Delete, Outcome::Done)),
        ("auditBasicDelete", event(What::Delete, Outcome::Done)),
        ("auditBasicQueryGetServer", event(What::Search, Outcome::Done)),
        ("auditBasicQueryGet", event(What::Search, Outcome::Done)),
        ("auditAuthZconsent-deny", event(What::Read, Outcome::Consent)),
        // The examples are a patient's device handing out one read; what goes out here is an export or a notification.
        ("auditPrivacyDisclosure-source", event(What::Export, Outcome::Done)),
        ("auditPrivacyDisclosure-source", event(What::Send, Outcome::Done)),
    ];
    // Who the examples' third agent is differs from one to the next, and what it is to the request; ours is an organisation.
    let differs = |line: &str| {
        let is_disclosure = [
            "agent http://snomed.info/sct 429577009",
            "agent http://dicom.nema.org/resources/ontology/DCM 110153 network 1",
            "agent http://dicom.nema.org/resources/ontology/DCM 110152 network 5",
            "source.type http://terminology.hl7.org/CodeSystem/security-source-type 1",
            "subtype http://hl7.org/fhir/restful-interaction read",
        ];
        is_disclosure.iter().any(|known| line.starts_with(known))
            || line.ends_with("/ http://terminology.hl7.org/CodeSystem/object-role 3 what")
    };
    for (word, event) in kinds {
        let (common, count) = common(&examples, word);
        let own = structure(&said(&event));
        let is_disclosure = word.contains("Disclosure");
        // The client's view of a read is recorded by a user's device.
        let is_device = |line: &str| word.contains("Client") && line.ends_with("security-source-type 1");
        // What is sent unasked, nobody else asked for.
        let is_unasked = |line: &str| event.what == What::Send && line.ends_with("110153 requestor false");
        let known = |line: &str| (is_disclosure && differs(line)) || is_device(line) || is_unasked(line);
        let missing: Vec<_> = common.difference(&own).filter(|line| !known(line)).collect();
        assert!(missing.is_empty(), "{word} ({count} examples) have what ours has not: {missing:#?}\nours: {own:#?}");
        assert!(common.len() >= 6, "{word}: {common:#?}");
        println!("{word}: all of the {} things that {count} examples have in common", common.len());
    }
}
