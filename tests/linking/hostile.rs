//! What a careless or hostile sender does, and links among three and more (docs/adr/0044).

use serde_json::{Value, json};
use tasuki::fhir::PatientKey;
use tasuki::pipeline::Unrelated;
use tasuki::store::Store;
use tasuki::store::ties::{MEMBERS_MAX, PAIRS_MAX, State};

use super::*;

/// Three records of one person, each linked with the others.
fn three() -> (Served, Arc<Gateway>, Store, [PatientKey; 3]) {
    let (served, gateway, store) = world(&Person::hanako(), &Person::hanako());
    receive(&store, &letter_of(HOSPITAL, "0000000003", "h3", &Person::hanako(), &[condition("h3", "J45", None)]));
    gateway.linker().settle().unwrap();
    let all = [here(), there(), record(HOSPITAL, "0000000003")];
    assert!(all.iter().all(|one| store.ties(*one).unwrap().0.members.len() == 3));
    (served, gateway, store, all)
}

#[test]
fn of_three_records_one_is_taken_out_whole_or_the_office_is_told_why_not() {
    let (served, _, store, [one, two, three]) = three();
    put(&served, "yes", one, "agency-a", "permit");
    assert_eq!(sees(&served, "agency-a"), ["E119", "I10", "J45"]);
    let unlink = |record: PatientKey, other: Option<PatientKey>| {
        let mut parameters = vec![("reason", json!("別人"))];
        parameters.extend(other.map(|other| ("other", json!(other.reference()))));
        post(&served, "office", &format!("{}/$unlink", at(record)), &parameters)
    };
    let refused = unlink(one, Some(two));
    assert_eq!(refused.status, 422, "the third links them: {}", refused.body);
    assert!(refused.body.contains(three.patient_id().as_str()) || refused.body.contains(two.patient_id().as_str()));
    assert_eq!(sees(&served, "agency-a").len(), 3, "nothing has changed");
    assert_eq!(unlink(two, None).status, 200);
    assert_eq!(sees(&served, "agency-a"), ["E119", "J45"]);
    assert_eq!(store.ties(two).unwrap().0.members, []);
    // A chain: nobody has linked the ends.
    let link = |record: PatientKey, other: PatientKey| {
        let parameters = [("reason", json!("本人")), ("other", json!(other.reference()))];
        post(&served, "office", &format!("{}/$link", at(record)), &parameters).status
    };
    assert_eq!(link(three, two), 422, "held apart from the first");
    assert_eq!((link(one, two), unlink(three, None).status, link(two, three)), (422, 200, 200));
    assert_eq!(sees(&served, "agency-a"), ["E119"]);
}

#[test]
fn a_record_that_becomes_somebody_else_is_linked_by_nobody_but_people() {
    let ichiro = Person {
        kanji: ("試験", "一郎"),
        kana: ("シケン", "イチロウ"),
        birth: "1955-05-05",
        gender: "male",
        address: None,
        phone: None,
        care: Some("011023:0000555555"),
    };
    let (served, gateway, store) = world(&Person::hanako(), &ichiro);
    // Whoever reads the one by consent would read the other too.
    put(&served, "broad", there(), "agency-a", "permit");
    assert_eq!(sees(&served, "agency-a"), ["I10"]);
    for name in ["c22", "c333"] {
        receive(&store, &letter_of(CLINIC, "77", name, &Person::hanako(), &[]));
        gateway.linker().settle().unwrap();
        assert_eq!((state(&store), sees(&served, "agency-a")), (Some(State::Proposed), vec!["I10".to_owned()]));
    }
    decide(&gateway, State::Linked);
    assert_eq!(sees(&served, "agency-a"), ["E119", "I10"]);
}

#[test]
fn a_merge_does_not_make_two_people_one() {
    let ichiro = Person {
        kanji: ("試験", "一郎"),
        kana: ("シケン", "イチロウ"),
        birth: "1955-05-05",
        gender: "male",
        address: Some("北海道札幌市北区北二十条西5-6-7"),
        phone: None,
        care: Some("011023:0000555555"),
    };
    let (served, gateway, store) = world(&Person::hanako(), &ichiro);
    let copies = [record(HOSPITAL, "0000000008"), record(HOSPITAL, "0000000009")];
    receive(&store, &letter_of(HOSPITAL, "0000000008", "copy8", &Person::hanako(), &[]));
    receive(&store, &letter_of(HOSPITAL, "0000000009", "copy9", &ichiro, &[]));
    gateway.linker().settle().unwrap();
    put(&served, "yes", here(), "agency-a", "permit");
    let merge = "MSH|^~\\&|HIS|DEMO|GW|RCV|20261121100000||ADT^A40^ADT_A39|M2|P|2.5||||||UNICODE UTF-8\rEVN||20261121100000\r\
                 PID|1||0000000008^^^^PI||試験^花子^^^^^L^I||19400203|F\rMRG|0000000009^^^^PI\r";
    let merge = tasuki::letter::Letter { source: gateway::source(HOSPITAL), name: String::new(), bytes: merge.into() };
    receive(&store, &merge);
    gateway.linker().settle().unwrap();
    let pair = store.ties(copies[0]).unwrap().0.pair(copies[1]).cloned().unwrap();
    assert_eq!((pair.state, &*pair.ground), (State::Proposed, "merge"));
    assert_eq!(sees(&served, "agency-a"), ["E119"]);
}

#[test]
fn a_link_that_was_read_here_is_not_kept_when_it_comes_back() {
    let (served, gateway, store) = world(&Person::hanako(), &Person::hanako());
    put(&served, "yes", here(), "agency-a", "permit");
    let mut echo = letter_of(HOSPITAL, "0000000001", "echo", &Person { phone: None, ..Person::hanako() }, &[]);
    let mut bundle: Value = serde_json::from_slice(&echo.bytes).unwrap();
    bundle["entry"][0]["resource"]["link"] =
        json!([{"id": "same-person", "other": {"reference": there().reference()}, "type": "seealso"}]);
    echo.bytes = bundle.to_string().into_bytes();
    receive(&store, &echo);
    decide(&gateway, State::Separate);
    assert_eq!(served.get("agency-a", at(here())).json()["link"], Value::Null);
}

#[test]
fn a_facility_takes_nobodys_consent_back_and_closes_nobody_elses_record() {
    let (served, gateway, store) = world(&Person::hanako(), &Person::hanako());
    put(&served, "yes", here(), "agency-a", "permit");
    put(&served, "no", here(), "agency-b", "deny");
    put(&served, "yes-b", here(), "agency-b", "permit");
    assert_eq!((sees(&served, "agency-a").len(), sees(&served, "agency-b").len()), (2, 0));
    let treatment = |scope: Value| {
        json!({"resourceType": "Consent", "status": "active", "scope": {"coding": [scope]},
            "identifier": [{"system": "http://jpfhir.jp/fhir/core/IdSystem/resourceInstance-identifier", "value": "dnar"}],
            "category": [{"coding": [{"system": "http://loinc.org", "code": "81378-2"}]}],
            "patient": {"reference": "urn:uuid:c-0"}, "sourceReference": {"reference": "Consent/no"},
            "policyRule": {"text": "事前指示"}})
    };
    let scope = "http://terminology.hl7.org/CodeSystem/consentscope";
    for (name, coding) in
        [("c22", json!({"system": scope, "code": "treatment"})), ("c333", json!({"code": "treatment"}))]
    {
        receive(&store, &letter_of(CLINIC, "77", name, &Person::hanako(), &[treatment(coding)]));
        gateway.linker().settle().unwrap();
        assert!(sees(&served, "agency-a").contains(&"E119".to_owned()), "{name}");
        assert_eq!(sees(&served, "agency-b"), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_hundred_test_patients_who_are_all_alike_come_to_rest() {
    let (_, gateway, store) = world(&Person::hanako(), &Person::hanako());
    let all: Vec<PatientKey> = (1_000..1_110).map(|n| record(HOSPITAL, &format!("{n:010}"))).collect();
    for n in 1_000..1_110 {
        receive(&store, &letter_of(HOSPITAL, &format!("{n:010}"), &format!("t{n}"), &Person::hanako(), &[]));
    }
    gateway.linker().settle().unwrap();
    let of = |record: PatientKey| store.ties(record).unwrap().0;
    assert!(all.iter().all(|one| of(*one).members.len() <= MEMBERS_MAX && of(*one).pairs.len() <= PAIRS_MAX));
    assert_eq!(of(all[0]).members.len(), MEMBERS_MAX);
    // What a rule proposes takes the place of a weaker proposal and of no other, or they would take turns for ever.
    let known = of(all[0]).pairs;
    let mut strangers = all[1..].iter().filter(|one| known.iter().all(|pair| pair.other != **one));
    let propose = |other: PatientKey, score: f32| {
        let ground = "score".to_owned();
        let (one, state, by, reason) = (all[0], Some(State::Proposed), String::new(), String::new());
        gateway.pipeline().relate(&[Relation { one, other, state, ground, by, reason, score }]).unwrap().map(|_| ())
    };
    let weakest = known.iter().filter(|pair| pair.state == State::Proposed).map(|pair| pair.score);
    let weakest = weakest.min_by(f32::total_cmp).unwrap();
    for _ in known.len()..PAIRS_MAX {
        assert_eq!(propose(*strangers.next().unwrap(), weakest), Ok(()));
    }
    let (full, stranger) = (of(all[0]).pairs, *strangers.next().unwrap());
    assert_eq!(propose(stranger, weakest), Err(Unrelated::TooManyPairs));
    assert_eq!(of(all[0]).pairs, full);
    assert_eq!(propose(stranger, weakest + 1.0), Ok(()));
    assert_eq!(of(all[0]).pairs.len(), PAIRS_MAX);
}
