//! Consent as a whole: the truth table that people read, the laws that any set of consents keeps, and other people's
//! Consents, none of which may open anything by mistake.

#![allow(clippy::unwrap_used, clippy::print_stdout, unreachable_pub)]

#[path = "consent/agreement.rs"]
mod agreement;
#[path = "consent/cases.rs"]
mod cases;
#[path = "consent/judge.rs"]
mod judge;
#[path = "consent/laws.rs"]
mod laws;
#[path = "consent/naive.rs"]
mod naive;
#[path = "consent/plainly.rs"]
mod plainly;
#[path = "consent/published.rs"]
mod published;
#[path = "consent/table.rs"]
mod table;

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
    table += &table::text();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/consent/truth-table.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &table).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap();
    assert!(table == expected, "the truth table has changed; run with UPDATE=1 and read the diff\n{table}");
}
