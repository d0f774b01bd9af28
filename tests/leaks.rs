//! Non-interference (invariant 6): two stores that differ only in what a caller may not see answer it alike, byte for
//! byte, whatever it asks. The requests are generated; `TASUKI_SEED` repeats a run.

#![allow(clippy::unwrap_used)]

mod gateway;

use std::sync::Arc;

use gateway::{
    Answer, Ask, HOSPITAL, Served, bundle, condition, consent, example_letters, key, letter, number_of, over, receive,
};
use serde_json::{Value, json};
use tasuki::app::Gateway;
use tasuki::fhir::PatientKey;
use tasuki::letter::Letter;
use tasuki::search::parameters;
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
        let office = [HANAKO, TARO, HIDDEN].map(|n| Ask::get("office", format!("/Consent?patient={}", key(n).reference())));
        let hospital =
            [HANAKO, TARO, HIDDEN].map(|n| Ask::get("hospital", format!("/{}/$everything", key(n).reference())));
        assert!(office.into_iter().chain(hospital).any(differs), "{}", pair.name);
    }
}

fn difference(less: &Answer, more: &Answer) -> String {
    let [a, b] = [less, more].map(|answer| format!("{} {:?}\n  {}", answer.status, answer.headers, answer.body));
    let at = a.bytes().zip(b.bytes()).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()));
    let around = |text: &str| String::from_utf8_lossy(&text.as_bytes()[at.saturating_sub(60)..text.len().min(at + 200)]).into_owned();
    format!("  {}\n  {}", around(&a), around(&b))
}

fn pairs() -> Vec<Pair> {
    let example = |wanted: &'static str| {
        let name = format!("/{wanted}/");
        example_letters("hospital/0119999901", HOSPITAL, move |path| path.contains(&name))
    };
    let consents = || {
        let agency = |id, number, organization| letter(HOSPITAL, id, &consent(id, number, organization, "active", Value::Null));
        vec![agency("ca", HANAKO, "agency-a"), agency("cb", TARO, "agency-a"), agency("cn", TARO, "nurse-station")]
    };
    let both = || [example(HANAKO), example(TARO), consents(), documents(), directory()].concat();
    let one = |id: &str, body: Value| letter(HOSPITAL, id, &body);
    let to_b = |number, status, period| one("hb", consent("hb", number, "agency-b", status, period));
    let expired = json!({"start": "2026-04-01", "end": "2026-06-30"});
    let deny = {
        let mut deny = consent("deny", HIDDEN, "agency-a", "active", Value::Null);
        deny["provision"]["type"] = json!("deny");
        one("deny", deny)
    };
    let pair = |name, both, more, callers| Pair { name, both, more, callers };
    vec![
        pair("a patient without consent, of the same doctors", both(), example(HIDDEN), &["agency-a", "nurse-station"]),
        pair("a diagnosis that the patient has not been told", both(), vec![untold("UNINFORMED")], &["agency-a", "nurse-station"]),
        pair("a diagnosis that is not to be handed on", both(), vec![untold("UNDELIVERED")], &["agency-a", "nurse-station"]),
        pair("a consent that has run out", both(), vec![to_b(HANAKO, "active", expired)], &["agency-b", "agency-a"]),
        pair("a consent that was withdrawn", both(), vec![to_b(HANAKO, "inactive", Value::Null)], &["agency-b", "agency-a"]),
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
        pair("everything there is, for a stranger", directory(), [both(), example(HIDDEN)].concat(), &["clinic", "", "nobody", "agency-b"]),
    ]
}

fn documents() -> Vec<Letter> {
    example_letters("documents", HOSPITAL, |_| true)
}

fn directory() -> Vec<Letter> {
    example_letters("organizations", HOSPITAL, |_| true)
}

/// A Bundle about Taro whose one finding is not for him, with a doctor, a department and a visit that nothing else names.
fn untold(tag: &str) -> Letter {
    let mut finding = condition("untold", "C160", Some(tag));
    finding["recorder"] = json!({"reference": "urn:uuid:untold-2"});
    finding["encounter"] = json!({"reference": "urn:uuid:untold-4"});
    let number = |value: &str| json!([{"system": "urn:oid:1.2.392.100495.20.3.41.10119999901", "value": value}]);
    let sent = bundle(
        TARO,
        "untold",
        &[
            finding,
            json!({"resourceType": "Practitioner", "identifier": number("D7777"), "name": [{"text": "腫瘍 内科"}]}),
            json!({"resourceType": "Organization", "identifier": number("gastro-oncology"), "name": "腫瘍内科"}),
            json!({"resourceType": "Encounter", "identifier": number("visit-7"), "status": "finished", "class": {"code": "AMB"},
                "subject": {"reference": "urn:uuid:untold-0"}, "serviceProvider": {"reference": "urn:uuid:untold-3"}}),
        ],
    );
    assert_eq!(number_of(HOSPITAL, TARO)["value"], TARO);
    letter(HOSPITAL, "", &sent)
}

fn world(both: &[Letter], more: &[Letter]) -> Arc<Gateway> {
    let store = Store::open_memory();
    for letter in both.iter().chain(more) {
        let receipt = receive(&store, letter);
        assert_eq!(receipt.outcome, tasuki::pipeline::Outcome::Stored, "{receipt:#?}");
    }
    over(store)
}

/// What a request can be made of: everything that is in the richer world, and much that is nowhere.
struct Words {
    types: Vec<&'static str>,
    ids: Vec<(String, String)>,
    texts: Vec<String>,
}

impl Words {
    fn of(gateway: &Gateway) -> Words {
        let mut ids = Vec::new();
        for patient in [key(HANAKO), key(TARO), key(HIDDEN), PatientKey::DIRECTORY] {
            let chart = gateway.chart(patient).unwrap();
            let columns = &chart.columns;
            ids.extend(columns.types.iter().zip(&columns.ids).map(|(t, id)| (t.name().to_owned(), id.as_str().to_owned())));
        }
        ids.sort();
        let missing = key("nobody");
        ids.push(("Patient".into(), missing.patient_id().as_str().into()));
        ids.push(("Observation".into(), missing.resource_id("Observation", "1").as_str().into()));
        ids.push(("Consent".into(), "ca".into()));
        let types = parameters::types().map(|t| t.name()).chain(["AuditEvent", "Nothing", "Binary", "metadata"]).collect();
        let texts = [
            "C160", "final", "active", "finished", "true", "male", "lab", "D7777", "D0001", "0000000003", "|", "a|b", "\\,", ",", "%",
            "ge2026-01-01", "le2026-12-31", "sa2027", "2026-10-13", "ap2026-10", "now", "腫瘍内科", "0", "1", "2", "7", "1000", "-1",
            "accurate", "count", "false", "date", "-date", "_id", "-_lastUpdated", "application/fhir+xml", "x\"y", "<b>", "..",
        ];
        Words { types, ids, texts: texts.map(str::to_owned).to_vec() }
    }
}

/// A generator (splitmix64): the same seed gives the same requests.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as usize % sides
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.roll(of.len())]
    }
}

fn request(dice: &mut Dice, words: &Words, caller: &str, next: &mut Vec<String>) -> Ask {
    let (kind, id) = dice.pick(&words.ids).clone();
    let search = |dice: &mut Dice| (*dice.pick(&words.types)).to_owned();
    let mut ask = match dice.roll(20) {
        0..=3 => Ask::get(caller, format!("/{kind}/{id}")),
        4 => Ask::get(caller, format!("/Patient/{id}/$everything")),
        5 => Ask::get(caller, format!("/{}/{}/$everything", "Patient", dice.pick(&[key(TARO), key(HIDDEN)]).patient_id().as_str())),
        6..=12 => {
            let of = search(dice);
            Ask::get(caller, format!("/{of}?{}", query(dice, words, &of)))
        }
        13 => {
            let of = search(dice);
            let body = query(dice, words, &of).into_bytes();
            let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
            Ask { method: "POST", headers, body, ..Ask::get(caller, format!("/{of}/_search?{}", query(dice, words, &of))) }
        }
        14 => next.pop().map_or_else(|| Ask::get(caller, "/Observation?_count=2"), |path| Ask::get(caller, path)),
        15 => {
            let method = *dice.pick(&["HEAD", "OPTIONS", "DELETE", "PATCH", "POST", "TRACE"]);
            Ask { method, ..Ask::get(caller, format!("/{kind}/{id}")) }
        }
        16 => Ask::put(caller, format!("/{kind}/{id}"), &json!({"resourceType": kind, "id": id})),
        17 => Ask::post(caller, format!("/{}", dice.pick(&["Bundle", "Consent", "Patient", ""])), &bundle(HIDDEN, "x", &[])),
        18 => Ask::get(caller, format!("/{kind}/{id}/{}", dice.pick(&["_history", "_history/1", "$everything", "Observation", "%00", ".."]))),
        _ => Ask::get(caller, (*dice.pick(&["/metadata", "//health", "/", "//", "/Patient/", "/$export", "/Patient/a%20b", "/_history"])).to_owned()),
    };
    for (name, value) in [("if-none-match", "W/\"1\""), ("if-match", "W/\"1\""), ("if-modified-since", "Sat, 21 Nov 2026 03:00:00 GMT"), ("prefer", "return=representation"), ("x-consent-scope", "btg")] {
        if dice.roll(8) == 0 {
            ask.headers.push((name, value.to_owned()));
        }
    }
    ask
}

fn query(dice: &mut Dice, words: &Words, of: &str) -> String {
    let resource_type = tasuki::fhir::ResourceType::parse(of);
    let named: Vec<&str> = resource_type.map(parameters::of).unwrap_or_default().iter().flat_map(|d| d.names).copied().collect();
    let general =
        ["_id", "_lastUpdated", "_count", "_sort", "_total", "_summary", "_cursor", "patient", "_has:Observation:patient:code", "code:not", "_include", "_elements", ""];
    let mut pairs = Vec::new();
    for _ in 0..dice.roll(4) {
        let name = if dice.roll(2) == 0 && !named.is_empty() { *dice.pick(&named) } else { *dice.pick(&general) };
        let (kind, id) = dice.pick(&words.ids).clone();
        let value = match (name, dice.roll(3)) {
            ("_count", 0..=1) => dice.roll(4).to_string(),
            ("_sort", 0..=1) => (*dice.pick(&["date", "-date", "_id", "-_id", "_lastUpdated"])).to_owned(),
            ("_id", 0..=1) => id,
            ("patient" | "subject", 0..=1) => dice.pick(&[key(HANAKO), key(TARO), key(HIDDEN)]).reference(),
            (_, 0) => format!("{kind}/{id}"),
            _ => dice.pick(&words.texts).clone(),
        };
        let value: String = value.bytes().map(|b| if b.is_ascii_alphanumeric() || b"-._/".contains(&b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect();
        pairs.push(format!("{name}={value}"));
    }
    pairs.join("&")
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
    let large = Ask { method: "POST", body: vec![b'a'; gateway::BODY_BYTES_MAX + 1], ..Ask::get("agency-a", "/Patient/_search") };
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
