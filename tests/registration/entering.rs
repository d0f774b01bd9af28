//! One form: who is found, what opens, what comes later, the same again, a newer one.

use serde_json::{Value, json};
use tasuki::store::ties::State;

use crate::desk::{Desk, form, here, member, named, scan, there, with};
use crate::gateway::Ask;
use crate::person::Person;

const SIGNED: &str = "2026-04-01";

#[test]
fn one_call_finds_the_person_and_opens_what_all_facilities_have() {
    let desk = Desk::knowing(&Person::hanako());
    assert!(desk.sees("agency-a").is_empty());
    let told = desk.register(&with(form(&Person::hanako(), SIGNED), &[member("agency-a"), scan()]));
    assert_eq!(told.outcome(), "registered");
    assert_eq!((desk.sees("agency-a"), desk.sees("agency-b")), (vec!["E119".into(), "I10".into()], vec![]));
    let mut records = told.parts("record", "patient");
    records.sort();
    let mut expected = vec![here().reference(), there().reference()];
    expected.sort();
    assert_eq!(records, expected);
    assert_eq!(told.parts("record", "name").len(), 2);
    assert!(
        told.parts("member", "client")
            .iter()
            .all(|name| !["agency-b", "nurse-station", "office"].contains(&name.as_str()))
    );
    assert!(told.all("to-come").next().is_none() && told.issues().is_empty(), "{:#}", told.0);
    // The office reads its Consent, with the evidence.
    let path = format!("/{}", told.text("consent"));
    let consent = desk.served.get("office", path).json();
    assert_eq!((&consent["status"], &consent["dateTime"]), (&json!("active"), &json!(SIGNED)));
    assert!(consent.to_string().contains(&told.text("form")));
}

#[test]
fn nobody_named_is_every_member_and_what_comes_later_comes_under_it() {
    let desk = Desk::empty();
    let told = desk.register(&form(&Person::hanako(), SIGNED));
    assert_eq!(told.issues(), ["registration-no-record-yet"]);
    assert_eq!(told.parts("to-come", "facility").len(), 2);
    desk.hospital(&Person::hanako());
    assert_eq!(desk.sees("agency-a"), ["E119"]);
    desk.clinic(&Person::hanako());
    assert_eq!(desk.sees("nurse-station"), ["E119", "I10"]);
}

#[test]
fn the_same_form_again_makes_nothing_new() {
    let desk = Desk::knowing(&Person::hanako());
    let one = with(form(&Person::hanako(), SIGNED), &[member("agency-a"), scan()]);
    let first = desk.register(&one);
    let before = desk.sheaves();
    let again = desk.register(&one);
    assert_eq!((again.outcome().as_str(), desk.sheaves()), ("unchanged", before));
    assert_eq!(first.text("patient"), again.text("patient"));
    // Nor without its scan, which stays.
    let again = desk.register(&with(form(&Person::hanako(), SIGNED), &[member("agency-a")]));
    assert_eq!((again.outcome().as_str(), desk.sheaves()), ("unchanged", before));
}

#[test]
fn somebody_of_whom_little_is_known_is_known_again_by_the_very_same_form_alone() {
    let desk = Desk::empty();
    let thin = Person { care: None, phone: None, address: None, ..Person::hanako() };
    let one = with(form(&thin, SIGNED), &[member("agency-a")]);
    let first = desk.register(&one);
    assert_eq!(desk.register(&one).outcome(), "unchanged");
    // A namesake born on the same day, perhaps: nothing tells.
    let other = with(form(&thin, "2026-05-01"), &[member("agency-b")]);
    assert_eq!(desk.refused(&other), ["registration-alike"]);
    let record = first.text("patient");
    let reference = |name: &str| json!({"name": name, "valueReference": {"reference": record}});
    let namesake = desk.register(&with(other.clone(), &[reference("separate")]));
    assert_eq!(namesake.outcome(), "registered");
    assert_ne!(namesake.text("patient"), record);
    let same = desk.register(&with(form(&thin, "2026-06-01"), &[member("agency-b"), reference("link")]));
    assert_eq!((same.outcome().as_str(), same.text("patient")), ("re-registered", record));
}

#[test]
fn a_newer_form_takes_the_place_of_the_older_and_not_the_other_way_round() {
    let desk = Desk::knowing(&Person::hanako());
    let older = with(form(&Person::hanako(), SIGNED), &[member("agency-a")]);
    let newer = with(form(&Person::hanako(), "2026-06-01"), &[member("agency-b")]);
    let first = desk.register(&older);
    let second = desk.register(&newer);
    assert_eq!((second.outcome().as_str(), second.text("patient")), ("re-registered", first.text("patient")));
    assert_eq!((desk.sees("agency-a"), desk.sees("agency-b").len()), (vec![], 2));
    assert_eq!(desk.refused(&older), ["registration-older"]);
    // Somebody who moved is found by the care-insurance number, and the new address is theirs.
    let moved = Person { address: Some("北海道函館市美原1-2-3"), phone: None, ..Person::hanako() };
    let third = desk.register(&with(form(&moved, "2026-07-01"), &[member("agency-a")]));
    assert_eq!((third.outcome().as_str(), third.text("patient")), ("re-registered", first.text("patient")));
    assert_eq!((desk.sees("agency-a").len(), desk.sees("agency-b")), (2, vec![]));
    let patient = desk.served.get("agency-a", format!("/{}", third.text("patient"))).body;
    assert!(patient.contains("函館市") && !patient.contains("中央区"));
}

#[test]
fn who_may_be_the_person_is_told_and_decided_at_the_counter() {
    let plain = Person { care: None, phone: None, address: None, ..Person::hanako() };
    let desk = Desk::knowing(&plain);
    let told = desk.register(&form(&Person::hanako(), SIGNED));
    assert_eq!(told.parts("candidate", "grade"), ["possible", "possible"]);
    assert!(desk.sees("agency-a").is_empty(), "nothing is linked by a name and a birth date");
    let told =
        desk.register(&with(form(&Person::hanako(), SIGNED), &[named("link", here()), named("separate", there())]));
    assert_eq!(told.parts("record", "patient"), [here().reference()]);
    assert_eq!(desk.sees("agency-a"), ["E119"]);
    let office = tasuki::fhir::PatientKey::of_id(told.text("patient").strip_prefix("Patient/").unwrap());
    let state = |other| desk.store.ties(office).unwrap().0.pair(other).map(|pair| pair.state);
    assert_eq!((state(here()), state(there())), (Some(State::Linked), Some(State::Separate)));
}

#[test]
fn whom_the_counter_tells_apart_is_not_opened_for_a_moment() {
    let desk = Desk::knowing(&Person::hanako());
    let told =
        desk.register(&with(form(&Person::hanako(), SIGNED), &[named("separate", here()), named("separate", there())]));
    assert!(told.all("record").next().is_none());
    assert!(desk.sees("agency-a").is_empty());
    // The log says so: the Patient came first, the Consent after the two were told apart.
    assert_eq!(told.outcome(), "registered");
}

#[test]
fn a_trial_says_the_same_and_stores_nothing() {
    let desk = Desk::knowing(&Person::hanako());
    let before = desk.sheaves();
    let one = with(form(&Person::hanako(), SIGNED), &[member("agency-a"), scan()]);
    let trial = desk.register(&with(one.clone(), &[json!({"name": "dryRun", "valueBoolean": true})]));
    assert_eq!((desk.sheaves(), desk.sees("agency-a").len()), (before, 0));
    let real = desk.register(&one);
    for name in ["outcome", "number", "patient", "form"] {
        assert_eq!(trial.text(name), real.text(name), "{name}");
    }
    assert_eq!(trial.parts("record", "patient"), real.parts("record", "patient"));
    let clients = |told: &crate::desk::Told| told.parts("member", "client");
    assert_eq!(clients(&trial), clients(&real));
}

#[test]
fn what_may_be_shared_is_bounded_by_scope_source_and_period() {
    let desk = Desk::knowing(&Person::hanako());
    let scope = |word: &str| json!({"name": "scope", "valueString": word});
    desk.register(&with(form(&Person::hanako(), "2026-04-01"), &[scope("処方")]));
    assert!(desk.sees("agency-a").is_empty());
    assert_eq!(desk.served.get("agency-a", "/Patient").json()["total"], 3);
    desk.register(&with(form(&Person::hanako(), "2026-04-02"), &[scope("病名")]));
    assert_eq!(desk.sees("agency-a").len(), 2);
    let source = json!({"name": "source", "valueReference": {"reference": "Organization/hospital"}});
    desk.register(&with(form(&Person::hanako(), "2026-04-03"), &[source]));
    assert_eq!(desk.sees("agency-a"), ["E119"]);
    let period = |start: &str, end: &str| json!({"name": "period", "valuePeriod": {"start": start, "end": end}});
    desk.register(&with(form(&Person::hanako(), "2026-04-04"), &[period("2026-04-04", "2026-11-20")]));
    assert!(desk.sees("agency-a").is_empty(), "it ended yesterday");
    desk.register(&with(form(&Person::hanako(), "2026-04-05"), &[period("2026-04-05", "2026-11-21")]));
    assert_eq!(desk.sees("agency-a").len(), 2, "today is its last day");
}

#[test]
fn a_kind_of_member_and_a_representative_are_entered() {
    let clients = format!(
        "[[client]]\nid = \"helper\"\norganization = \"Organization/helpers\"\nrole = \"care\"\nkind = \"home-helper\"\ntoken_sha256 = \"{}\"\n",
        tasuki::auth::Digest::of(b"helper").hex()
    );
    let desk = Desk::with(&clients);
    desk.hospital(&Person::hanako());
    let representative = json!({"resourceType": "RelatedPerson", "name": [{"text": "試験 太郎"}],
        "relationship": [{"text": "長男"}]});
    let told = desk.register(&with(
        form(&Person::hanako(), SIGNED),
        &[
            json!({"name": "member", "valueCode": "home-helper"}),
            json!({"name": "representative", "resource": representative}),
            json!({"name": "reason", "valueString": "手が不自由なため"}),
        ],
    ));
    assert_eq!((desk.sees("helper"), desk.sees("agency-a")), (vec!["E119".into()], vec![]));
    let consent = desk.served.get("office", format!("/{}", told.text("consent"))).json();
    assert!(consent.to_string().contains("長男") && consent.to_string().contains("\"proxy\""));
}

#[test]
fn what_contradicts_or_opens_nothing_is_told() {
    let desk = Desk::knowing(&Person::hanako());
    let mut deny = crate::gateway::consent("no", "0000000001", "agency-a", "active", Value::Null);
    deny["provision"]["type"] = json!("deny");
    assert!(desk.served.ask(Ask::put("office", "/Consent/no", &deny)).status < 300);
    let told = desk.register(&with(form(&Person::hanako(), SIGNED), &[member("agency-a"), member("nobody")]));
    let mut issues = told.issues();
    issues.sort();
    assert_eq!(issues, ["registration-denied-elsewhere", "registration-no-such-member"]);
    assert!(!told.parts("member", "client").contains(&"agency-a".to_owned()) && desk.sees("agency-a").is_empty());
}

#[test]
fn what_is_wrong_is_said_of_its_field_in_both_languages() {
    let desk = Desk::empty();
    let answer = desk.call(
        "office",
        "/Patient/$register",
        &[json!({"name": "person", "resource": {"resourceType": "Patient"}})],
    );
    let told = answer.json();
    let issues: Vec<&Value> = told["issue"].as_array().unwrap().iter().collect();
    let places: Vec<&str> = issues.iter().map(|one| one["location"][0].as_str().unwrap_or("-")).collect();
    assert_eq!((answer.status, places), (422, vec!["person.name", "person.birthDate", "signed"]));
    assert!(answer.body.contains("同意書の記載") && answer.body.contains("is missing"));
    let thing = |name: &str, value: &str| json!({"name": name, "valueString": value});
    let cases = [
        (json!({"name": "signed", "valueDate": "2027-01-01"}), "operation-parameter-once"),
        (thing("scope", "秘密"), "registration-scope"),
        (thing("basis", "oral?"), "parameter-value"),
        (thing("basis", "proxy"), "registration-proxy"),
        (thing("member", "Patient/1"), "parameter-value"),
        (thing("unknown", "x"), "parameter-unknown"),
        (json!({"name": "link", "valueReference": {"reference": "Patient/nobody"}}), "registration-no-record"),
        (
            json!({"name": "form", "valueAttachment": {"contentType": "text/html", "data": "PGh0bWw+"}}),
            "registration-scan",
        ),
    ];
    for (more, rule) in cases {
        let refused = desk.refused(&with(form(&Person::hanako(), SIGNED), &[more]));
        println!("{refused:?} {rule}");
        assert_eq!(refused.len(), 1);
    }
}

#[test]
fn a_number_of_the_form_is_one_persons() {
    let desk = Desk::empty();
    let number = json!({"name": "number", "valueString": "R-0001"});
    let told = desk.register(&with(form(&Person::hanako(), SIGNED), std::slice::from_ref(&number)));
    assert_eq!(told.text("number"), "R-0001");
    let other = Person {
        kanji: ("佐藤", "次郎"),
        kana: ("サトウ", "ジロウ"),
        birth: "1951-12-30",
        care: None,
        ..Person::hanako()
    };
    assert_eq!(desk.refused(&with(form(&other, SIGNED), &[number])), ["registration-number-taken"]);
}

#[test]
fn two_clerks_at_once_register_somebody_once() {
    let desk = Desk::knowing(&Person::hanako());
    let clerk =
        tasuki::registration::Clerk { client: "office".into(), organization: "Organization/network-office".into() };
    let one = tasuki::registration::Form {
        person: Person::hanako().patient(),
        evidence: tasuki::registration::Evidence { signed: SIGNED.into(), ..Default::default() },
        ..Default::default()
    };
    let outcomes = crate::gateway::together(4, |_| {
        tasuki::registration::register(&desk.gateway, &clerk, &one, false).unwrap().outcome.code()
    });
    assert_eq!(outcomes.iter().filter(|code| **code == "registered").count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|code| **code == "unchanged").count(), 3, "{outcomes:?}");
}

#[test]
fn the_store_is_whole_afterwards() {
    let desk = Desk::knowing(&Person::hanako());
    desk.register(&with(form(&Person::hanako(), SIGNED), &[member("agency-a"), scan()]));
    desk.revoke(&format!("/{}/$revoke", here().reference()), &[json!({"name": "date", "valueDate": "2026-10-01"})]);
    let found = tasuki::store::verify::verify(&desk.store).unwrap();
    assert_eq!(found.broken_count, 0, "{found:?}");
}
