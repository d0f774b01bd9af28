//! Non-interference (invariant 6): two stores that differ only in what a caller may not see answer it alike, byte for
//! byte, whatever it asks. The requests are generated; `TASUKI_SEED` repeats a run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod gateway;
#[path = "leaks/requests.rs"]
mod requests;

use std::sync::Arc;

use gateway::{
    Answer, Ask, HOSPITAL, Served, bundle, clock, condition, consent, example_letters, key, letter, number_of, over,
};
use requests::{Dice, Words, request};
use serde_json::{Value, json};
use tasuki::app::Gateway;
use tasuki::letter::Letter;
use tasuki::pipeline::Pipeline;
use tasuki::search::LabelRules;
use tasuki::store::Store;

/// Requests per pair and caller.
const REQUESTS: usize = 400;
const HANAKO: &str = "0000000001";
const TARO: &str = "0000000002";
const HIDDEN: &str = "0000000003";

/// Two worlds: what is in both, what only the second has, and who may not notice.
struct Pair {
    name: &'static str,
    both: Vec<Letter>,
    more: Vec<Letter>,
    callers: &'static [&'static str],
}

#[test]
fn what_a_caller_may_not_see_changes_nothing_that_it_is_told() {
    let seed = std::env::var("TASUKI_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_121);
    println!("TASUKI_SEED={seed}");
    let mut leaks = Vec::new();
    for pair in pairs() {
        let [less, more] = [world(&pair.both, &[]), world(&pair.both, &pair.more)];
        let words = Words::of(&more);
        let [less, more] = [less, more].map(Served::new);
        for caller in pair.callers {
            let mut dice = Dice(seed);
            let mut next: Vec<String> = Vec::new();
            for at in 0..REQUESTS {
                let ask = request(&mut dice, &words, caller, &mut next);
                let answers = [&less, &more].map(|served| served.ask(ask.clone()));
                next.extend(next_page(&answers[0]));
                let [less, more] = answers;
                if less != more {
                    leaks.push(format!("{}: {caller}, request {at}: {ask:?}\n{}", pair.name, difference(&less, &more)));
                    break;
                }
            }
        }
    }
    assert!(leaks.is_empty(), "{} leaks\n{}", leaks.len(), leaks.join("\n"));
}

/// The test can fail: somebody who may see the difference does.
#[test]
fn whoever_may_see_the_difference_sees_it() {
    for pair in pairs() {
        let [less, more] = [world(&pair.both, &[]), world(&pair.both, &pair.more)].map(Served::new);
        let differs = |ask: Ask| less.ask(ask.clone()).body != more.ask(ask).body;
        let office =
            [HANAKO, TARO, HIDDEN].map(|n| Ask::get("office", format!("/Consent?patient={}", key(n).reference())));
        let hospital =
            [HANAKO, TARO, HIDDEN].map(|n| Ask::get("hospital", format!("/{}/$everything", key(n).reference())));
        assert!(office.into_iter().chain(hospital).any(differs), "{}", pair.name);
    }
}

fn difference(less: &Answer, more: &Answer) -> String {
    let [a, b] = [less, more].map(|answer| format!("{} {:?}\n  {}", answer.status, answer.headers, answer.body));
    let at = a.bytes().zip(b.bytes()).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()));
    let around = |text: &str| {
        String::from_utf8_lossy(&text.as_bytes()[at.saturating_sub(60)..text.len().min(at + 200)]).into_owned()
    };
    format!("  {}\n  {}", around(&a), around(&b))
}

fn pairs() -> Vec<Pair> {
    let example = |wanted: &'static str| {
        let name = format!("/{wanted}/");
        example_letters("hospital/0119999901", HOSPITAL, move |path| path.contains(&name))
    };
    let consents = || {
        let agency =
            |id, number, organization| letter("", id, &consent(id, number, organization, "active", Value::Null));
        vec![agency("ca", HANAKO, "agency-a"), agency("cb", TARO, "agency-a"), agency("cn", TARO, "nurse-station")]
    };
    let both = || [example(HANAKO), example(TARO), vec![told()], consents(), documents(), directory()].concat();
    let one = |id: &str, body: Value| letter("", id, &body);
    let to_b = |number, status, period| one("hb", consent("hb", number, "agency-b", status, period));
    let expired = json!({"start": "2026-04-01", "end": "2026-06-30"});
    let deny = {
        let mut deny = consent("deny", HIDDEN, "agency-a", "active", Value::Null);
        deny["provision"]["type"] = json!("deny");
        one("deny", deny)
    };
    let pair = |name, both, more, callers| Pair { name, both, more, callers };
    let mut pairs = vec![
        pair("a patient without consent, of the same doctors", both(), example(HIDDEN), &["agency-a", "nurse-station"]),
        pair(
            "a diagnosis that the patient has not been told",
            both(),
            vec![untold("UNINFORMED")],
            &["agency-a", "nurse-station"],
        ),
        pair(
            "a diagnosis that is not to be handed on",
            both(),
            vec![untold("UNDELIVERED")],
            &["agency-a", "nurse-station"],
        ),
        pair("a consent that has run out", both(), vec![to_b(HANAKO, "active", expired)], &["agency-b", "agency-a"]),
        pair(
            "a consent that was withdrawn",
            both(),
            vec![to_b(HANAKO, "inactive", Value::Null)],
            &["agency-b", "agency-a"],
        ),
        pair(
            "a patient who agreed to another agency only",
            both(),
            [example(HIDDEN), vec![to_b(HIDDEN, "active", Value::Null)]].concat(),
            &["agency-a", "nurse-station"],
        ),
        pair(
            "a patient who agreed and then refused",
            both(),
            [example(HIDDEN), vec![one("pa", consent("pa", HIDDEN, "agency-a", "active", Value::Null)), deny]].concat(),
            &["agency-a"],
        ),
        pair("what a granular scope is not about", both(), vec![measured()], &["lab-only"]),
        pair(
            "everything there is, for a stranger",
            directory(),
            [both(), example(HIDDEN)].concat(),
            &["clinic", "", "nobody", "agency-b"],
        ),
    ];
    pairs.extend(ruled_pairs(&both()));
    pairs
}

fn ruled_pairs(both: &[Letter]) -> [Pair; 2] {
    let with = |more: Vec<Letter>| [both.to_vec(), more].concat();
    let callers = &["agency-a", "nurse-station"];
    let name = "a disease that a rule labels";
    let hiv = Pair { name, both: with(Vec::new()), more: vec![ruled("B24", true), ruled("F328", false)], callers };
    let name = "another disease than that to which the patient agreed";
    let other =
        Pair { name, both: with(vec![names_hiv(), ruled("B24", false)]), more: vec![ruled("F328", false)], callers };
    [hiv, other]
}

fn documents() -> Vec<Letter> {
    example_letters("documents", HOSPITAL, |_| true)
}

fn directory() -> Vec<Letter> {
    example_letters("organizations", "", |_| true)
}

/// A Bundle about Taro that everybody he agreed to may see, by a doctor whom [`untold`] names too.
fn told() -> Letter {
    let mut finding = condition("told", "K30", None);
    finding["recorder"] = json!({"reference": "urn:uuid:told-2"});
    let number = json!([{"system": "urn:oid:1.2.392.100495.20.3.41.10119999901", "value": "D8888"}]);
    let doctor = json!({"resourceType": "Practitioner", "identifier": number, "name": [{"text": "例示 次郎"}]});
    letter(HOSPITAL, "", &bundle(TARO, "told", &[finding, doctor]))
}

/// A Bundle about Taro that his consent opens, with nothing of the laboratory in it.
fn measured() -> Letter {
    let category = |code: &str| {
        let system = "http://terminology.hl7.org/CodeSystem/observation-category";
        json!([{"coding": [{"system": system, "code": code}]}])
    };
    let observation = |name: &str, category: Value| {
        json!({"resourceType": "Observation", "status": "final", "category": category, "code": {"text": name},
            "identifier": [{"system": "urn:x", "value": name}], "subject": {"reference": "urn:uuid:measured-0"}})
    };
    let resources = [
        observation("血圧", category("vital-signs")),
        observation("喫煙", category("social-history")),
        condition("measured", "I10", None),
    ];
    letter(HOSPITAL, "", &bundle(TARO, "measured", &resources))
}

/// A Bundle about Taro whose finding has a label by rule, by a doctor whom [`told`] names too and another of whom each such
/// finding is; with a medicine of its own.
fn ruled(code: &str, is_dosed: bool) -> Letter {
    let name = format!("ruled-{code}");
    let mut finding = condition(&name, code, None);
    finding["code"]["coding"][0]["system"] = json!("http://hl7.org/fhir/sid/icd-10");
    finding["asserter"] = json!({"reference": format!("urn:uuid:{name}-2")});
    finding["recorder"] = json!({"reference": format!("urn:uuid:{name}-3")});
    let number = |value: &str| json!([{"system": "urn:oid:1.2.392.100495.20.3.41.10119999901", "value": value}]);
    let mut resources = vec![
        finding,
        json!({"resourceType": "Practitioner", "identifier": number("D8888"), "name": [{"text": "例示 次郎"}]}),
        json!({"resourceType": "Practitioner", "identifier": number("D6666"), "name": [{"text": "感染 精神"}]}),
    ];
    if is_dosed {
        resources.push(json!({"resourceType": "Medication", "identifier": number("drug"),
            "code": {"coding": [{"system": "http://www.whocc.no/atc", "code": "J05AJ01"}]}}));
        resources.push(json!({"resourceType": "MedicationRequest", "identifier": number("order"), "status": "active",
            "intent": "order", "subject": {"reference": format!("urn:uuid:{name}-0")},
            "medicationReference": {"reference": format!("urn:uuid:{name}-4")}}));
    }
    letter(HOSPITAL, "", &bundle(TARO, &name, &resources))
}

/// Consents of Taro's that name HIV.
fn names_hiv() -> Letter {
    let mut consent = consent("cb", TARO, "agency-a", "active", Value::Null);
    let label = json!({"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HIV"});
    consent["provision"]["provision"] = json!([{"type": "permit", "securityLabel": [label]}]);
    letter("", "cb", &consent)
}

/// A Bundle about Taro whose one finding is not for him, with a doctor, a department and a visit that nothing else names.
fn untold(tag: &str) -> Letter {
    let mut finding = condition("untold", "C160", Some(tag));
    finding["recorder"] = json!({"reference": "urn:uuid:untold-2"});
    finding["encounter"] = json!({"reference": "urn:uuid:untold-5"});
    let number = |value: &str| json!([{"system": "urn:oid:1.2.392.100495.20.3.41.10119999901", "value": value}]);
    let sent = bundle(
        TARO,
        "untold",
        &[
            finding,
            json!({"resourceType": "Practitioner", "identifier": number("D7777"), "name": [{"text": "腫瘍 内科"}]}),
            json!({"resourceType": "Organization", "identifier": number("gastro-oncology"), "name": "腫瘍内科"}),
            // Known from elsewhere, and spelt another way here.
            json!({"resourceType": "Practitioner", "identifier": number("D8888"), "name": [{"text": "例示　次郎"}]}),
            json!({"resourceType": "Encounter", "identifier": number("visit-7"), "status": "finished", "class": {"code": "AMB"},
                "subject": {"reference": "urn:uuid:untold-0"}, "serviceProvider": {"reference": "urn:uuid:untold-3"}}),
        ],
    );
    assert_eq!(number_of(HOSPITAL, TARO)["value"], TARO);
    letter(HOSPITAL, "", &sent)
}

fn world(both: &[Letter], more: &[Letter]) -> Arc<Gateway> {
    let store = Store::open_memory();
    let rules = Arc::new(LabelRules::shipped().unwrap());
    for letter in both.iter().chain(more) {
        let pipeline = Pipeline::new(store.clone(), clock).with_label_rules(rules.clone());
        let receipt = pipeline.receive(letter).unwrap();
        assert_eq!(receipt.outcome, tasuki::pipeline::Outcome::Stored, "{receipt:#?}");
    }
    over(store)
}

fn next_page(answer: &Answer) -> Option<String> {
    let bundle: Value = serde_json::from_str(&answer.body).ok()?;
    let links = bundle["link"].as_array()?.iter();
    let url = links.filter(|link| link["relation"] == "next").find_map(|link| link["url"].as_str())?;
    url.strip_prefix(gateway::BASE).map(str::to_owned)
}

#[test]
fn the_audit_record_alone_says_who_was_refused_what() {
    let letters = [example_letters("hospital/0119999901", HOSPITAL, |name| name.contains(TARO)), directory()].concat();
    let gateway = world(&letters, &[]);
    let served = Served::new(gateway.clone());
    let hidden = served.get("agency-a", format!("/{}", key(TARO).reference()));
    let missing = served.get("agency-a", format!("/{}", key("nobody").reference()));
    assert_eq!((hidden.status, &hidden), (404, &missing));
    served.get("agency-a", format!("/{}/$everything", key(TARO).reference()));
    served.get("agency-a", "/Patient/7700770077");
    let audit = served.get("office", format!("/AuditEvent?patient={}", key(TARO).reference())).json();
    let outcomes: Vec<_> = audit["entry"].as_array().unwrap().iter().map(|e| &e["resource"]["outcome"]).collect();
    assert_eq!(outcomes, ["8", "8"], "both attempts are on record under the patient: {audit:#}");
    let all = served.get("office", "/AuditEvent?_count=100").body;
    assert!(!all.contains("7700770077"), "what a caller typed is not kept");
    assert_eq!(gateway.journal().newest(99, |_| true).unwrap().len(), 6);
}

#[test]
fn every_refusal_before_the_store_is_on_record_too() {
    let gateway = world(&directory(), &[]);
    let served = Served::new(gateway.clone());
    let large = Ask {
        method: "POST",
        body: vec![b'a'; gateway::BODY_BYTES_MAX + 1],
        ..Ask::get("agency-a", "/Patient/_search")
    };
    let statuses = [
        served.ask(large.clone()).status,
        served.ask(Ask { client: String::new(), ..large }).status,
        served.ask(Ask::post("agency-a", "/Bundle", &json!({}))).status,
        served.ask(Ask::put("agency-a", "/Consent/c", &json!({}))).status,
        served.get("office", "/Observation/x").status,
        served.get("nobody", "/Observation").status,
    ];
    assert_eq!(statuses, [413, 401, 403, 403, 403, 401]);
    assert_eq!(gateway.journal().newest(99, |_| true).unwrap().len(), statuses.len());
}
