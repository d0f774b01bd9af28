//! Profiles at work in the gateway: `$validate`, what is asked of senders and of what is written, definitions that come while it
//! runs (`docs/adr/0050`, `docs/adr/0051`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // a test fails by panicking

mod gateway;
mod guide;
mod program;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

#[path = "standards/desk.rs"]
mod desk;
#[path = "standards/written.rs"]
mod written;
mod zipped;

use gateway::{Answer, Ask, HOSPITAL, Served, clock, config_with, number_of};
use serde_json::{Value, json};
use tasuki::app::{Gateway, Senders};
use tasuki::config::Config;
use tasuki::intake::mllp::{Peer, Receiver, Stamp, Verdict, answers};
use tasuki::letter::LetterId;
use tasuki::pipeline::Outcome;
use tasuki::store::Store;
use tasuki::validate::standard::{Policy, Standard};

/// Wants a birth date.
const OF_PATIENT: &str = "http://g.example/StructureDefinition/Patient-g";
/// Wants a language.
const OF_BUNDLE: &str = "http://g.example/StructureDefinition/Bundle-g";
/// Wants them female.
const WOMEN: &str = "http://g.example/StructureDefinition/Patient-women";
/// Wants a code of [`CODES`].
const OF_CONDITION: &str = "http://g.example/StructureDefinition/Condition-g";
const CODES: &str = "http://g.example/ValueSet/codes";
const SYSTEM: &str = "http://g.example/CodeSystem/codes";

fn profile(url: &str, of: &str, elements: &[(&str, Value)]) -> Value {
    let element = |(path, more): &(&str, Value)| {
        let base = json!({"path": path, "min": 0, "max": "*"});
        let mut element = json!({"id": path, "path": path, "definition": "x", "min": 0, "max": "*", "base": base});
        for (name, value) in more.as_object().unwrap() {
            element[name] = value.clone();
        }
        element
    };
    let id = url.rsplit('/').next().unwrap();
    json!({"resourceType": "StructureDefinition", "id": id, "url": url, "name": "G", "status": "active", "fhirVersion": "4.0.1",
        "kind": "resource", "abstract": false, "type": of, "derivation": "constraint",
        "baseDefinition": format!("http://hl7.org/fhir/StructureDefinition/{of}"),
        "snapshot": {"element": elements.iter().map(element).collect::<Vec<_>>()}})
}

/// Wants the birth date at least so often.
fn of_patient(birth_dates: u32) -> Value {
    let birth = json!({"min": birth_dates, "max": "1", "type": [{"code": "date"}]});
    profile(OF_PATIENT, "Patient", &[("Patient", json!({})), ("Patient.birthDate", birth)])
}

fn codes(url: &str, all: &[&str]) -> Value {
    let concepts: Vec<Value> = all.iter().map(|code| json!({"code": code})).collect();
    let id = url.rsplit('/').next().unwrap();
    json!({"resourceType": "ValueSet", "id": id, "url": url, "status": "active",
        "compose": {"include": [{"system": SYSTEM, "concept": concepts}]}})
}

fn definitions() -> Vec<Value> {
    let code = json!({"min": 1, "max": "1", "binding": {"strength": "required", "valueSet": CODES}});
    let system = json!({"resourceType": "CodeSystem", "url": SYSTEM, "status": "active", "content": "complete",
        "caseSensitive": true, "concept": [{"code": "a"}, {"code": "b"}]});
    let of_condition = profile(OF_CONDITION, "Condition", &[("Condition", json!({})), ("Condition.code", code)]);
    let female = ("Patient.gender", json!({"fixedCode": "female"}));
    let women = profile(WOMEN, "Patient", &[("Patient", json!({})), female]);
    let language = ("Bundle.language", json!({"min": 1, "max": "1"}));
    let of_bundle = profile(OF_BUNDLE, "Bundle", &[("Bundle", json!({})), language]);
    vec![of_patient(1), of_bundle, women, of_condition, codes(CODES, &["a"]), system]
}

/// What is configured of a gateway with that guide.
fn config(policy: Policy, is_for_mapped: bool, asked: &[&str]) -> Config {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), guide::package("example.guide", "1.0.0", &definitions())).unwrap();
    let mllp = format!("[[mllp]]\nlisten = \"127.0.0.1:0\"\nfacilities = [\"{HOSPITAL}\"]\n");
    let mut config = config_with(&format!("[[guide]]\npackage = \"{}\"\n{mllp}", file.path().display()));
    let profiles = asked.iter().map(|url| (*url).to_owned()).collect();
    config.sources[0].standard = Standard { policy, is_for_mapped, profiles };
    config
}

fn over(store: &Store, config: &Config) -> (Arc<Gateway>, Served) {
    let gateway = Arc::new(Gateway::over(store.clone(), config, clock).unwrap());
    (gateway.clone(), Served::new(gateway))
}

fn open() -> Served {
    let config = Config { open: true, ..config(Policy::Off, false, &[]) };
    over(&Store::open_memory(), &config).1
}

fn patient(more: Value) -> Value {
    let mut patient = json!({"resourceType": "Patient", "identifier": [number_of(HOSPITAL, "1")], "active": true});
    for (name, value) in more.as_object().unwrap() {
        patient[name] = value.clone();
    }
    patient
}

fn claims(url: &str) -> Value {
    json!({"profile": [url]})
}

/// A Bundle as a hospital sends it; the Patient claims the profile.
fn bundle(name: &str, birth_date: Option<&str>) -> Value {
    let mut patient = patient(json!({"meta": claims(OF_PATIENT)}));
    if let Some(date) = birth_date {
        patient["birthDate"] = date.into();
    }
    json!({"resourceType": "Bundle", "type": "collection", "timestamp": "2026-11-20T10:00:00+09:00",
        "identifier": {"system": "http://jpfhir.jp/fhir/clins/bundle-identifier", "value": format!("{HOSPITAL}^2026^{name}")},
        "entry": [{"fullUrl": "urn:uuid:5ff7b6ac-3d4a-4f0c-9d7e-0d5a9f0c1a01", "resource": patient}]})
}

/// Rule and place of each issue.
fn issues(answer: &Answer) -> Vec<String> {
    let outcome = answer.json();
    assert_eq!(outcome["resourceType"], "OperationOutcome", "{}", answer.body);
    let one = |issue: &Value| {
        let place = issue["expression"][0].as_str().unwrap_or("-");
        format!(
            "{} {} {place}",
            issue["severity"].as_str().unwrap(),
            issue["details"]["coding"][0]["code"].as_str().unwrap()
        )
    };
    outcome["issue"].as_array().unwrap().iter().map(one).collect()
}

fn without_notes(answer: &Answer) -> Vec<String> {
    issues(answer).into_iter().filter(|one| !one.starts_with("information")).collect()
}

const MISSING: &str = "error profile-min Patient.birthDate";

#[test]
fn what_is_validated_is_held_to_the_profiles_that_are_named_and_claimed() {
    let served = open();
    let wrapped = |resource: &Value, profiles: &[&str]| {
        let named = profiles.iter().map(|url| json!({"name": "profile", "valueCanonical": url}));
        let all: Vec<Value> = named.chain([json!({"name": "resource", "resource": resource})]).collect();
        json!({"resourceType": "Parameters", "parameter": all})
    };
    let bare = patient(json!({}));
    let right = patient(json!({"birthDate": "1950-01-01"}));
    let claiming = patient(json!({"meta": claims(OF_PATIENT)}));
    let versioned = format!("{OF_PATIENT}|1.0.0");
    let encoded = OF_PATIENT.replace("://", "%3A%2F%2F");
    for (path, body, wanted) in [
        ("/Patient/$validate", bare.clone(), vec![]),
        ("/Patient/$validate", claiming.clone(), vec![MISSING]),
        ("/Patient/$validate", wrapped(&bare, &[OF_PATIENT]), vec![MISSING]),
        ("/Patient/$validate", wrapped(&bare, &[&versioned]), vec![MISSING]),
        ("/Patient/$validate", wrapped(&right, &[OF_PATIENT]), vec![]),
        // Claimed and named: said once.
        ("/Patient/$validate", wrapped(&claiming, &[OF_PATIENT, OF_PATIENT, &versioned]), vec![MISSING]),
        ("/Patient/$validate?mode=create", wrapped(&claiming, &[]), vec![MISSING]),
        ("/Patient/$validate", wrapped(&bare, &[OF_CONDITION]), vec!["error profile-resource-type Patient"]),
        ("/Patient/$validate", wrapped(&right, &["http://g.example/unknown"]), vec!["error unknown-profile -"]),
        // What is known is checked beside what is not.
        (
            "/Patient/$validate",
            wrapped(&bare, &["http://g.example/unknown", OF_PATIENT, &format!("{OF_PATIENT}|2")]),
            vec![MISSING, "error unknown-profile -", "error unknown-profile -"],
        ),
        (
            "/Patient/$validate",
            patient(json!({"meta": claims("http://g.example/none")})),
            vec!["warning profile-unknown Patient.meta.profile[0]"],
        ),
    ] {
        let answer = served.ask(Ask::post("", path, &body));
        assert_eq!(
            (answer.status, without_notes(&answer)),
            (200, wanted.iter().map(|one| (*one).to_owned()).collect()),
            "{path} {body}"
        );
        assert_eq!(answer.body.contains("All OK"), wanted.is_empty(), "{}", answer.body);
    }
    let named = served.ask(Ask::post("", format!("/Patient/$validate?profile={encoded}"), &bare));
    assert_eq!(without_notes(&named), [MISSING]);
    // Base and profile in one answer, also where the resource could not be stored at all.
    let both =
        served.ask(Ask::post("", "/Patient/$validate", &patient(json!({"meta": claims(OF_PATIENT), "gender": "F"}))));
    assert_eq!(without_notes(&both), ["error fhir-binding Patient.gender", MISSING]);
    // Who asks for what is not there is told what is.
    let unknown = served.ask(Ask::post("", "/Patient/$validate?profile=http%3A%2F%2Fnone.example%2Fp", &right));
    assert!(unknown.body.contains("http://none.example/p") && unknown.body.contains(OF_PATIENT), "{}", unknown.body);
    assert!(!unknown.body.contains(OF_CONDITION));
    // As XML, and in the caller's language.
    let xml = "<Patient xmlns=\"http://hl7.org/fhir\"><active value=\"true\"/></Patient>";
    let ask =
        Ask { body: xml.as_bytes().to_vec(), ..Ask::post("", format!("/Patient/$validate?profile={encoded}"), &bare) };
    let ask =
        Ask { headers: vec![("content-type", "application/fhir+xml".into()), ("accept-language", "en".into())], ..ask };
    let answer = served.ask(ask);
    assert_eq!(without_notes(&answer), [MISSING], "{}", answer.body);
    let issue = answer.json()["issue"][0].clone();
    assert_eq!(issue["details"]["text"], issue["diagnostics"]);
    assert!(issue["diagnostics"].as_str().unwrap().contains(&format!("[profile: {OF_PATIENT}|1.0.0]")), "{issue}");
    // Limits: what is named.
    let profiles = |count: usize| (0..count).map(|n| format!("http://g.example/{n}")).collect::<Vec<_>>();
    for (count, status) in [(32, 200), (33, 400)] {
        let all = profiles(count);
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        assert_eq!(served.ask(Ask::post("", "/Patient/$validate", &wrapped(&right, &all))).status, status, "{count}");
    }
    for (length, status) in [(512, 200), (513, 400)] {
        let long = "x".repeat(length);
        assert_eq!(served.ask(Ask::post("", "/Patient/$validate", &wrapped(&right, &[&long]))).status, status);
    }
}

#[test]
fn what_is_stored_is_validated_for_those_who_may_read_it() {
    let store = Store::open_memory();
    let (gateway, served) = over(&store, &config(Policy::Off, false, &[]));
    let receipt = gateway.receive(&gateway::letter(HOSPITAL, "", &bundle("a", None))).unwrap();
    let path = format!("/{}/$validate", receipt.patient.unwrap());
    for path in [path.clone(), format!("{path}?mode=profile"), format!("{path}?profile={OF_PATIENT}")] {
        assert_eq!(without_notes(&served.get("hospital", path.as_str())), [MISSING], "{path}");
        let refused = served.get("agency-a", path.as_str());
        let nobody = served.get("agency-a", path.replace("Patient/", "Patient/x"));
        assert_eq!((refused.status, &refused.body), (404, &nobody.body), "{path}");
    }
}

#[test]
fn what_cannot_be_checked_is_said_once() {
    let served = open();
    let coded = |code: &str| json!({"coding": [{"system": "http://not-loaded.example", "code": code}]});
    let condition = json!({"resourceType": "Condition", "subject": {"display": "x"}, "code": coded("a"), "bodySite": [coded("b"), coded("c")]});
    let answer = served.ask(Ask::post("", "/Condition/$validate", &condition));
    let not_loaded = issues(&answer).into_iter().filter(|one| one.contains("profile-not-loaded-codes"));
    assert_eq!(not_loaded.count(), 1, "{}", answer.body);
}

#[test]
fn definitions_of_the_directory_hold_from_the_next_request() {
    let served = open();
    let put = |resource: &Value| {
        let path = format!("/{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
        let answer = served.ask(Ask::put("", path.as_str(), resource));
        assert!(matches!(answer.status, 200 | 201), "{path}: {}", answer.body);
    };
    let validate = |resource: &Value| {
        without_notes(&served.ask(Ask::post(
            "",
            format!("/{}/$validate", resource["resourceType"].as_str().unwrap()),
            resource,
        )))
    };
    let supported = |of: &str| {
        let statement = served.get("", "/metadata");
        let resources = statement.json()["rest"][0]["resource"].as_array().unwrap().clone();
        let one = resources.into_iter().find(|one| one["type"] == of).unwrap();
        (one["supportedProfile"].clone(), statement.header("etag").unwrap().to_owned())
    };
    let (before, tag) = supported("Patient");
    assert_eq!(before, json!([OF_PATIENT, WOMEN]));
    assert_eq!(supported("Observation").0, Value::Null);
    let claiming = patient(json!({"meta": claims(OF_PATIENT)}));
    assert_eq!(validate(&claiming), [MISSING]);
    // One of the guide's is replaced, and comes back.
    put(&of_patient(0));
    assert_eq!(validate(&claiming), [""; 0]);
    assert_eq!(served.ask(Ask { method: "DELETE", ..Ask::get("", "/StructureDefinition/Patient-g") }).status, 204);
    assert_eq!(validate(&claiming), [MISSING]);
    // A value set that a profile of the guide is bound to.
    let condition = json!({"resourceType": "Condition", "meta": claims(OF_CONDITION), "subject": {"display": "x"},
        "code": {"coding": [{"system": SYSTEM, "code": "b"}]}});
    assert_eq!(validate(&condition), ["error profile-binding Condition.code"]);
    put(&codes(CODES, &["a", "b"]));
    assert_eq!(validate(&condition), [""; 0]);
    // A new one.
    let new = profile(
        "http://g.example/new",
        "Observation",
        &[("Observation", json!({})), ("Observation.method", json!({"min": 1, "max": "1"}))],
    );
    let observation = json!({"resourceType": "Observation", "meta": claims("http://g.example/new"), "status": "final", "code": {"text": "x"}});
    assert_eq!(validate(&observation), ["warning profile-unknown Observation.meta.profile[0]"]);
    put(&new);
    assert_eq!(validate(&observation), ["error profile-min Observation.method"]);
    let (after, other) = supported("Observation");
    assert_eq!(after, json!(["http://g.example/new"]));
    assert_ne!(tag, other);
}

fn intake(served: &Served, body: &Value) -> Answer {
    served.ask(Ask::post("hospital", "//intake", body))
}

#[test]
fn what_does_not_conform_is_taken_held_or_refused_by_the_senders_policy() {
    let (wrong, right) = (bundle("wrong", None), bundle("right", Some("1950-01-01")));
    for (policy, status, outcome, first, is_held) in [
        (Policy::Off, 200, "stored", None, false),
        (Policy::Report, 200, "stored", Some("profile-min"), false),
        (Policy::Hold, 422, "held", Some("validation-held"), true),
        (Policy::Refuse, 422, "refused", Some("validation-refused"), false),
    ] {
        let store = Store::open_memory();
        let (gateway, served) = over(&store, &config(policy, false, &[]));
        let answer = intake(&served, &wrong);
        let receipt = answer.json();
        assert_eq!((answer.status, receipt["outcome"].as_str()), (status, Some(outcome)), "{policy:?} {}", answer.body);
        let found =
            |rule: &str| receipt["issues"].as_array().unwrap().iter().find(|issue| issue["rule"] == rule).cloned();
        let rules: Vec<&str> =
            receipt["issues"].as_array().unwrap().iter().filter_map(|issue| issue["rule"].as_str()).collect();
        assert!(
            first.is_none_or(|rule| rules.contains(&rule))
                && (policy != Policy::Off || !rules.contains(&"profile-min")),
            "{rules:?}"
        );
        if policy != Policy::Off {
            assert_eq!(found("profile-min").unwrap()["place"], "Bundle.entry[0].resource.birthDate");
        }
        // The letter is kept, and the same again is answered with the same.
        let id = LetterId::parse(receipt["letter"].as_str().unwrap()).unwrap();
        assert!(store.letter(id).unwrap().is_some_and(|letter| letter.bytes == wrong.to_string().into_bytes()));
        let again = intake(&served, &wrong);
        assert_eq!((again.status, again.body), (answer.status, answer.body.clone()));
        assert_eq!(store.is_held(id).unwrap(), is_held);
        let outcome = served.ask(Ask::post("hospital", "//intake", &wrong).with("accept", "application/fhir+json"));
        assert_eq!(outcome.status, status);
        assert_eq!(intake(&served, &right).status, 200);
        // Somebody has another look, while the same is asked and when it is asked no more.
        let is_unused = status == 422;
        let retried = gateway.pipeline().retry(id).unwrap();
        assert_eq!(retried.is_ok(), is_unused);
        assert!(retried.is_ok_and(|receipt| receipt.is_unused()) == is_unused);
        let (later, _) = over(&store, &config(Policy::Report, false, &[]));
        if is_unused {
            let receipt = later.pipeline().retry(id).unwrap().unwrap();
            assert_eq!((receipt.outcome, receipt.earlier.len()), (Outcome::Stored, 1), "{policy:?}");
            assert!(!store.is_held(id).unwrap());
            assert!(later.pipeline().retry(id).unwrap().is_err());
        }
    }
}

#[test]
fn a_held_letter_is_corrected_as_others_are() {
    let store = Store::open_memory();
    let (gateway, served) = over(&store, &config(Policy::Hold, false, &[]));
    let held = intake(&served, &bundle("a", None)).json();
    let id = LetterId::parse(held["letter"].as_str().unwrap()).unwrap();
    let again = gateway.pipeline().correct(id, None, bundle("b", None).to_string().into_bytes()).unwrap().unwrap();
    assert_eq!(again.outcome, Outcome::Held);
    let id = LetterId::parse(&again.letter).unwrap();
    let right = gateway
        .pipeline()
        .correct(id, None, bundle("a", Some("1950-01-01")).to_string().into_bytes())
        .unwrap()
        .unwrap();
    assert_eq!((right.outcome, right.corrects), (Outcome::Stored, Some(again.letter)));
    // What is corrected at the desk stays there, where the sender would be refused.
    let (strict, served) = over(&store, &config(Policy::Refuse, false, &[]));
    let refused = intake(&served, &bundle("c", None)).json();
    let refused = LetterId::parse(refused["letter"].as_str().unwrap()).unwrap();
    assert!(
        strict.pipeline().correct(refused, None, Vec::new()).unwrap().is_err(),
        "nobody of the network corrects it"
    );
    let (loose, _) = over(&store, &config(Policy::Hold, false, &[]));
    assert_eq!(loose.pipeline().retry(refused).unwrap().unwrap().outcome, Outcome::Held);
    assert!(store.is_held(refused).unwrap());
    assert_eq!(strict.pipeline().retry(refused).unwrap().unwrap().outcome, Outcome::Held, "it is on the list by now");
}

#[test]
fn a_profile_may_be_asked_for_that_nobody_claims() {
    let mut unclaimed = bundle("a", None);
    unclaimed["entry"][0]["resource"].as_object_mut().unwrap().shift_remove("meta");
    let status = |asked: &[&str], sent: &Value| {
        let (_, served) = over(&Store::open_memory(), &config(Policy::Refuse, false, asked));
        intake(&served, sent).status
    };
    assert_eq!((status(&[], &unclaimed), status(&[OF_CONDITION], &unclaimed)), (200, 200));
    assert_eq!(
        (status(&[OF_PATIENT], &unclaimed), status(&[OF_PATIENT], &bundle("a", Some("1950-01-01")))),
        (422, 200)
    );
}

fn adt(control: &str, birth_date: &str) -> String {
    format!(
        "MSH|^~\\&|HIS|{HOSPITAL}|GW|NET|20261110120000+0900||ADT^A08^ADT_A01|{control}|P|2.5||||||UNICODE UTF-8\r\
         EVN||20261110120000\rPID|||7^^^^PI||試験^太郎^^^^^L^I||{birth_date}|M\rPV1||O\r"
    )
}

#[test]
fn what_messages_are_mapped_to_is_checked_where_that_is_asked() {
    for (policy, mapped, code, rule) in [
        (Policy::Off, true, "AA", ""),
        (Policy::Refuse, false, "AA", ""),
        (Policy::Report, true, "AA", "profile-min"),
        (Policy::Hold, true, "AE", "validation-held"),
        (Policy::Refuse, true, "AE", "validation-refused"),
    ] {
        let (store, config) = (Store::open_memory(), config(policy, mapped, &[OF_PATIENT]));
        let (gateway, _) = over(&store, &config);
        let senders = Senders::new(gateway.clone(), &config, &config.mllp[0]);
        let peer = Peer { address: IpAddr::V4(Ipv4Addr::LOCALHOST), certificates: Vec::new() };
        let deliver = senders.admit(&peer).unwrap();
        let ask = |message: &str| {
            let mut control_id = || "1".to_owned();
            let mut stamp = Stamp { now_ms: clock(), control_id: &mut control_id };
            let all = answers(message.as_bytes(), &deliver(message.as_bytes()), &mut stamp);
            String::from_utf8(all.concat()).unwrap()
        };
        let answer = ask(&adt("c1", ""));
        // What is not there no field said.
        if code == "AE" {
            assert!(answer.contains("|Patient.birthDate (Patient/"), "{answer}");
        }
        assert!(answer.contains(&format!("MSA|{code}|c1")), "{policy:?} {answer}");
        let errors: Vec<&str> = answer.split('\r').filter(|line| line.starts_with("ERR|")).collect();
        assert_eq!(errors.iter().any(|error| error.contains("|E|profile-min")), !rule.is_empty(), "{errors:#?}");
        assert!(rule.is_empty() || errors[0].contains(rule) || policy == Policy::Report, "{errors:#?}");
        assert_eq!(ask(&adt("c1", "")), answer, "the same again has the same answer");
        assert!(ask(&adt("c2", "19500101")).contains("MSA|AA|c2"));
    }
}

#[test]
fn what_is_wrong_is_told_at_the_field_that_said_it() {
    let config = config(Policy::Refuse, true, &[WOMEN]);
    let (gateway, served) = over(&Store::open_memory(), &config);
    let senders = Senders::new(gateway.clone(), &config, &config.mllp[0]);
    let peer = Peer { address: IpAddr::V4(Ipv4Addr::LOCALHOST), certificates: Vec::new() };
    let delivered = senders.admit(&peer).unwrap()(adt("c1", "19500101").as_bytes());
    let Verdict::Held(findings) = &delivered.verdicts[0] else { panic!("{delivered:?}") };
    let fixed = findings.iter().find(|one| one.rule == "profile-fixed").unwrap();
    assert_eq!(fixed.place, "PID-8");
    assert!(fixed.en.contains("[Patient.gender]") && !fixed.en.contains("太郎"), "{}", fixed.en);
    let answer =
        served.ask(Ask { body: adt("c1", "19500101").into_bytes(), ..Ask::post("hospital", "//intake", &Value::Null) });
    assert_eq!(answer.status, 422);
    let fixed = |answer: &Answer| {
        let issues = answer.json()["issues"].as_array().unwrap().clone();
        issues.into_iter().find(|one| one["rule"] == "profile-fixed").unwrap()["place"].clone()
    };
    assert_eq!(fixed(&answer), "PID-8");
    let letter = answer.json()["letter"].as_str().unwrap().to_owned();
    assert_eq!(fixed(&served.get("hospital", format!("//intake/receipts/{letter}"))), "PID-8");
    // Found out once: the receipt keeps it.
    let kept = gateway.pipeline().receipt(LetterId::parse(&letter).unwrap()).unwrap().unwrap();
    assert!(kept.issues.iter().any(|one| one.place == "PID-8" && one.en.contains("[Patient.gender]")), "{kept:#?}");
}

/// What was taken in is taken in: neither a replay nor another start asks again.
#[test]
fn a_replay_refuses_nothing_that_was_once_taken_in() {
    let store = Store::open_memory();
    let (_, served) = over(&store, &config(Policy::Off, true, &[]));
    assert_eq!(intake(&served, &bundle("a", None)).status, 200);
    let message = Ask { body: adt("c1", "").into_bytes(), ..Ask::post("hospital", "//intake", &Value::Null) };
    assert_eq!(served.ask(message.clone()).status, 200);
    let (strict, served) = over(&store, &config(Policy::Refuse, true, &[OF_PATIENT]));
    for number in ["1", "7"] {
        let rebuilt = strict.pipeline().rebuild(gateway::key(number), &[], false).unwrap();
        assert_eq!(rebuilt.letters, 1, "{number}");
        assert!(rebuilt.refused.is_none() && rebuilt.differences.is_empty(), "{rebuilt:#?}");
    }
    assert_eq!(
        (intake(&served, &bundle("a", None)).status, served.ask(message).status),
        (200, 200),
        "same letter, same answer"
    );
    // What is held is tried by what is asked today, written or not.
    let (holding, served) = over(&store, &config(Policy::Hold, false, &[]));
    let held = intake(&served, &bundle("b", None)).json();
    let id = LetterId::parse(held["letter"].as_str().unwrap()).unwrap();
    let tried = |gateway: &Gateway| format!("{:?}", gateway.pipeline().try_held(id).unwrap().unwrap());
    assert!(tried(&holding).contains("validation-held"));
    assert_eq!(tried(&over(&store, &config(Policy::Report, false, &[])).0), "Released");
}

#[test]
fn what_is_written_over_rest_is_held_to_profiles_where_the_operator_wants_it() {
    let claiming = patient(json!({"meta": claims(OF_PATIENT)}));
    let entry = |method: &str, url: &str, resource: &Value| json!({"resource": resource, "request": {"method": method, "url": url}});
    let condition = json!({"resourceType": "Condition", "subject": {"display": "x"}});
    let transaction = json!({"resourceType": "Bundle", "type": "transaction",
        "entry": [entry("POST", "Condition", &condition), entry("POST", "Patient", &claiming)]});
    for policy in [Policy::Off, Policy::Report, Policy::Refuse] {
        let mut config = Config { open: true, ..config(Policy::Off, false, &[]) };
        config.of_rest = Standard { policy, ..Standard::default() };
        let (_, served) = over(&Store::open_memory(), &config);
        let ask = Ask::post("", "/Patient", &claiming).with("prefer", "return=OperationOutcome");
        let answer = served.ask(ask);
        let is_refused = policy == Policy::Refuse;
        assert_eq!(answer.status, if is_refused { 422 } else { 201 }, "{policy:?} {}", answer.body);
        assert_eq!(issues(&answer).contains(&MISSING.to_owned()), policy != Policy::Off, "{policy:?} {}", answer.body);
        let answer = served.ask(Ask::post("", "", &transaction));
        assert_eq!(answer.status, if is_refused { 422 } else { 200 }, "{policy:?} {}", answer.body);
        if is_refused {
            assert_eq!(without_notes(&answer), ["error profile-min Bundle.entry[1].resource.birthDate"]);
            // What a write would say and the profiles say is said once.
            let validated = served.ask(Ask::post("", "/Patient/$validate?mode=create", &claiming));
            assert_eq!(without_notes(&validated), [MISSING]);
            assert_eq!(served.ask(Ask::post("", "/Patient", &patient(json!({})))).status, 201);
            let mut asked = config.clone();
            asked.of_rest.profiles = vec![OF_PATIENT.to_owned()];
            assert_eq!(
                over(&Store::open_memory(), &asked).1.ask(Ask::post("", "/Patient", &patient(json!({})))).status,
                422
            );
        }
    }
}

/// The command line asks what the gateway asks.
#[test]
fn the_command_line_holds_letters_to_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("guide.tgz"), guide::package("example.guide", "1.0.0", &definitions())).unwrap();
    std::fs::create_dir(path("inbox")).unwrap();
    std::fs::write(path("inbox/a.json"), bundle("a", None).to_string()).unwrap();
    let configured = |policy: &str| {
        let text = format!(
            "listen = \"127.0.0.1:0\"\nbase_url = \"http://gateway.example/fhir\"\n[store]\nengine = \"sled\"\npath = \"store\"\n\
             [[guide]]\npackage = \"guide.tgz\"\n[[source]]\nfacility = \"{HOSPITAL}\"\nname = \"x\"\n\
             organization = \"Organization/hospital\"\nvalidation = \"{policy}\"\n"
        );
        std::fs::write(path("tasuki.toml"), text).unwrap();
    };
    let run = |arguments: &[&str]| {
        let output = program::tasuki(&[arguments, &["--config", &path("tasuki.toml")]].concat());
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    configured("hold");
    assert_eq!(run(&["ingest", &path("inbox"), "--facility", HOSPITAL]).0, 1);
    let (code, listed) = run(&["held"]);
    assert!(
        code == 1 && listed.contains("[profile-min]") && listed.contains("Bundle.entry[0].resource.birthDate"),
        "{listed}"
    );
    assert_eq!(run(&["held", "retry", "--all"]).0, 1);
    configured("report");
    assert_eq!(run(&["held", "retry", "--all"]).0, 0);
    assert_eq!(run(&["held"]).0, 0);
}

/// What JP-CLINS gives as examples is reported and taken in by its own profiles; nothing of it is refused but what is wrong.
#[test]
fn the_examples_of_jp_clins_pass_a_strict_gateway() {
    let Some(corpora) = program::corpora() else { return };
    let packages = ["hl7.fhir.r4.core-4.0.1", "jp-core.r4-1.1.2", "jp-clins.r4-1.10.0"];
    let guides: String = packages
        .iter()
        .map(|name| format!("[[guide]]\npackage = \"{}/packages/{name}.tgz\"\n", corpora.display()))
        .collect();
    let mut config = config_with(&guides);
    assert_eq!(config.sources[0].standard.policy, Policy::Report);
    config.sources[0].standard.policy = Policy::Refuse;
    let (_, served) = over(&Store::open_memory(), &config);
    let folder = corpora.join("fhir/jp-clins-1.5.2-ExampleJson");
    for (name, statuses) in [
        ("Bundle-Bundle-CLINS-Referral-Example-01", (200, 422)),
        ("Bundle-Bundle-CLINS-Observations-Example-01", (200, 422)),
    ] {
        let text = program::read(&folder.join(format!("{name}.json"))).replace("1318814790", HOSPITAL);
        let mut example: Value = serde_json::from_str(&text).unwrap();
        for entry in example["entry"].as_array_mut().unwrap() {
            for status in ["clinicalStatus", "verificationStatus"] {
                if entry["resource"].get(status).is_some() {
                    entry["resource"][status]["coding"][0]["display"] = "x".into();
                }
            }
        }
        let right = intake(&served, &example);
        assert_eq!(right.status, statuses.0, "{name}: {}", right.body);
        let patient = example["entry"]
            .as_array()
            .unwrap()
            .iter()
            .position(|e| e["resource"]["resourceType"] == "Patient")
            .unwrap();
        example["entry"][patient]["resource"].as_object_mut().unwrap().shift_remove("birthDate");
        let wrong = intake(&served, &example);
        assert_eq!(wrong.status, statuses.1, "{name}: {}", wrong.body);
        assert!(wrong.body.contains("birthDate"), "{}", wrong.body);
    }
}
