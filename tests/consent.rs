//! Consent as a whole: the truth table that people read, the laws that any set of consents keeps, and other people's
//! Consents, none of which may open anything by mistake.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Value, json};
use tasuki::consent::{Asker, Decision, Directive, Ground, Policy, Purpose, RowFacts, Terms};
use tasuki::fhir::ResourceType;
use tasuki::fhir::time::Interval;
use tasuki::fhir::{FacilityCode, PatientKey};
use tasuki::search::{Columns, Labels};

const RECORD: PatientKey = PatientKey(0x5001 << 64);
const AGENCIES: [&str; 3] = ["Organization/agency-a", "Organization/agency-b", "Organization/agency-c"];
const DAYS: [&str; 5] = ["2026-03-31", "2026-04-01", "2026-06-15", "2026-09-30", "2026-10-01"];

fn midnight(day: &str) -> i64 {
    Interval::parse(day, 540).unwrap().start
}

fn actors(names: &[&str]) -> Value {
    let role =
        json!({"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}]});
    names.iter().map(|name| json!({"role": role, "reference": {"reference": name}})).collect()
}

fn consent(id: &str, status: &str, provision: Value) -> Value {
    json!({
        "resourceType": "Consent", "id": id, "meta": {"versionId": "1"}, "status": status,
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
        "patient": {"reference": RECORD.reference()}, "provision": provision
    })
}

fn compile(organization: &str, consents: &[Value]) -> Policy {
    let directives: Vec<_> = consents.iter().map(Directive::read).collect();
    let ground = Ground {
        about: &[RECORD],
        facility: &FacilityCode::unstated(),
        directives: &directives,
        teams: &[],
        columns: &Columns::default(),
        terms: &Terms::default(),
    };
    Policy::compile(&Asker::new(organization, Purpose::COORDINATION_OF_CARE), &ground)
}

/// What is decided on an Observation that has these labels, and says no more.
fn decide(policy: &Policy, now: i64, labels: Labels) -> Decision<'_> {
    policy.decide(now, &RowFacts::plain(ResourceType::OBSERVATION, &[RECORD], labels))
}

/// Sets of consents as a person would name them.
fn situations() -> Vec<(&'static str, Vec<Value>)> {
    let [a, b, _] = AGENCIES;
    let summer = || json!({"start": "2026-04-01", "end": "2026-09-30"});
    let permit = |status| consent("permit-a", status, json!({"type": "permit", "actor": actors(&[a])}));
    let summer_permit =
        || consent("summer-a", "active", json!({"type": "permit", "actor": actors(&[a]), "period": summer()}));
    let deny = |status, period: Value| {
        let mut provision = json!({"type": "deny", "actor": actors(&[a])});
        if !period.is_null() {
            provision["period"] = period;
        }
        consent("deny-a", status, provision)
    };
    let purpose =
        consent("purpose", "active", json!({"type": "permit", "actor": actors(&[a]), "purpose": [{"code": "TREAT"}]}));
    let nobody = consent("deny-everybody", "active", json!({"type": "deny"}));
    let everybody = consent("permit-everybody", "active", json!({"type": "permit"}));
    let person = json!({"type": "deny", "actor": actors(&["Practitioner/p"])});
    let mut elsewhere = permit("active");
    elsewhere["id"] = json!("astray");
    elsewhere["patient"] = json!({"reference": PatientKey(0x5002 << 64).reference()});
    vec![
        ("no consent at all", vec![]),
        ("permit A", vec![permit("active")]),
        ("permit A and B in one", vec![consent("both", "active", json!({"type": "permit", "actor": actors(&[a, b])}))]),
        ("permit A from April to September", vec![summer_permit()]),
        ("permit A, withdrawn (inactive)", vec![permit("inactive")]),
        ("permit A, entered in error", vec![permit("entered-in-error")]),
        ("permit A, status unknown to R4", vec![permit("yes")]),
        ("permit A; deny A", vec![permit("active"), deny("active", Value::Null)]),
        ("permit A; deny A, withdrawn", vec![permit("active"), deny("inactive", Value::Null)]),
        ("permit A; deny A in summer", vec![permit("active"), deny("active", summer())]),
        ("permit A in summer; deny everybody", vec![summer_permit(), nobody]),
        ("permit A; deny a person (not understood: everybody)", vec![permit("active"), consent("p", "active", person)]),
        ("permit A; permit A for treatment", vec![permit("active"), purpose]),
        ("permit A; permit every member (no actor)", vec![permit("active"), everybody]),
        ("permit A; a consent about another patient", vec![permit("active"), elsewhere]),
    ]
}

#[test]
fn the_truth_table() {
    let labels = [
        ("-", Labels::default()),
        ("UNINFORMED", Labels::UNINFORMED),
        ("UNDELIVERED", Labels::UNDELIVERED),
        ("UNKNOWN", Labels::UNKNOWN),
    ];
    let mut table = String::from(
        "May the agency read? At midnight (JST) of each day of 2026, and the consents that decided.\n\n           ",
    );
    DAYS.iter().for_each(|day| table += &format!("  {}", &day[5..]));
    table.push('\n');
    let mut labelled = Vec::new();
    for (title, consents) in situations() {
        table += &format!("\n{title}\n");
        for organization in AGENCIES {
            let policy = compile(organization, &consents);
            let decisions = DAYS.map(|day| decide(&policy, midnight(day), Labels::default()));
            table += &format!("  {:<9}", organization.trim_start_matches("Organization/"));
            decisions.iter().for_each(|one| table += if one.permitted { "    YES" } else { "     no" });
            let mut by: Vec<_> = decisions.iter().filter_map(|one| one.by).map(|by| &*by.id).collect();
            by.dedup();
            table += format!("   {}", by.join(", ")).trim_end();
            table.push('\n');
            let released = |labels| DAYS.iter().any(|day| decide(&policy, midnight(day), labels).permitted);
            labelled.extend(labels.map(|(name, labels)| (name, released(labels))));
        }
    }
    table.push('\n');
    for (name, _) in labels {
        let ever = labelled.iter().any(|(label, released)| *label == name && *released);
        table +=
            &format!("a row labelled {name:<11} is released by consent: {}\n", if ever { "as above" } else { "never" });
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/consent/truth-table.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &table).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap();
    assert!(table == expected, "the truth table has changed; run with UPDATE=1 and read the diff\n{table}");
}

/// Any provision: mostly sound, sometimes with an element that cannot be enforced.
fn provisions(kind: &'static str) -> impl Strategy<Value = Value> {
    let named = proptest::sample::subsequence(AGENCIES.to_vec(), 0..=3);
    let day = || proptest::option::of(proptest::sample::select(DAYS.to_vec()));
    (named, day(), day(), 0..12_u8).prop_map(move |(named, start, end, odd)| {
        let mut provision = json!({"type": kind});
        if !named.is_empty() {
            provision["actor"] = actors(&named);
        }
        for (name, day) in [("start", start), ("end", end)] {
            if let Some(day) = day {
                provision["period"][name] = json!(day);
            }
        }
        match odd {
            0 => provision["purpose"] = json!([{"code": "TREAT"}]),
            1 => provision["provision"] = json!([{"type": "permit"}]),
            2 => provision["securityLabel"] = json!([{"code": "R"}]),
            _ => {}
        }
        provision
    })
}

fn consents() -> impl Strategy<Value = Vec<Value>> {
    let status = proptest::sample::select(vec!["active", "active", "active", "inactive", "draft"]);
    let provision = prop_oneof![3 => provisions("permit"), 1 => provisions("deny")];
    proptest::collection::vec((status, provision), 0..5).prop_map(|all| {
        all.into_iter()
            .enumerate()
            .map(|(n, (status, provision))| consent(&format!("c{n}"), status, provision))
            .collect()
    })
}

/// Every answer there is: agency by agency, day by day.
fn answers(consents: &[Value]) -> Vec<bool> {
    let days = |policy: Policy| DAYS.map(|day| decide(&policy, midnight(day), Labels::default()).permitted);
    AGENCIES.iter().flat_map(|organization| days(compile(organization, consents))).collect()
}

fn never_wider(after: &[Value], before: &[Value]) -> bool {
    answers(after).iter().zip(answers(before)).all(|(after, before)| !after || before)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn adding_a_deny_never_widens(before in consents(), mut deny in provisions("deny")) {
        // An exception to a deny may permit: that is what it is for.
        deny.as_object_mut().unwrap().remove("provision");
        let mut after = before.clone();
        after.push(consent("deny", "active", deny));
        prop_assert!(never_wider(&after, &before));
    }

    #[test]
    fn taking_a_sound_permit_away_never_widens(before in consents(), at in 0..5_usize) {
        let mut after = before.clone();
        // Taking away one that cannot be enforced lifts its deny: that is its purpose, and not meant here.
        let sound = |c: &Value| c["provision"]["type"] == "permit" && Directive::read(c).alarm().is_none();
        if after.get(at).is_some_and(sound) {
            after.remove(at);
        }
        prop_assert!(never_wider(&after, &before));
    }

    #[test]
    fn an_earlier_end_of_a_permit_never_widens(before in consents(), at in 0..5_usize, end in 0..5_usize) {
        let mut after = before.clone();
        if let Some(one) = after.get_mut(at).filter(|c| c["provision"]["type"] == "permit") {
            let old = one["provision"]["period"]["end"].as_str().unwrap_or("9999");
            let earlier = DAYS[end].min(old).to_owned();
            one["provision"]["period"]["end"] = json!(earlier);
        }
        prop_assert!(never_wider(&after, &before));
    }

    #[test]
    fn the_order_of_consents_does_not_matter(before in consents()) {
        let after: Vec<_> = before.iter().rev().cloned().collect();
        prop_assert_eq!(answers(&after), answers(&before));
    }

    #[test]
    fn whoever_may_read_is_in_the_panel(consents in consents()) {
        let panel: Vec<_> = consents.iter().map(Directive::read).flat_map(|directive| directive.panels(&[])).collect();
        for organization in AGENCIES {
            let policy = compile(organization, &consents);
            let reads = DAYS.iter().any(|day| decide(&policy, midnight(day), Labels::default()).permitted);
            prop_assert!(!reads || panel.iter().any(|name| name == organization || name == "*"));
        }
    }
}
