//! Forms as forms, without a store: what is asked of them, and what Consents they make.

use serde_json::{Value, json};

use super::form::{Basis, Evidence, Form, Member, TEXT_CHARACTERS_MAX};
use super::{Clerk, Scope, consent, patient};
use crate::consent::Directive;
use crate::consent::directive::Effect;
use crate::fhir::{FacilityCode, PatientKey};
use crate::validate;

const RECORD: PatientKey = PatientKey(7 << 80);
const NOW: i64 = 1_795_230_000_000;

fn form() -> Form {
    let person =
        json!({"resourceType": "Patient", "birthDate": "1940-02-03", "name": [{"family": "試験", "given": ["花子"]}]});
    let evidence = Evidence { signed: "2026-04-01".into(), ..Evidence::default() };
    Form { person, evidence, ..Form::default() }
}

fn fields(form: &Form) -> Vec<String> {
    form.issues(NOW).iter().map(|issue| issue.place.to_string()).collect()
}

#[test]
fn what_every_form_has_is_asked_for() {
    assert!(fields(&form()).is_empty());
    let without = |field: &str| {
        let mut form = form();
        form.person.as_object_mut().unwrap().remove(field);
        fields(&form)
    };
    assert_eq!(without("name"), ["person.name"]);
    assert_eq!(without("birthDate"), ["person.birthDate"]);
    let with = |change: fn(&mut Form)| {
        let mut form = form();
        change(&mut form);
        fields(&form)
    };
    assert_eq!(with(|form| form.evidence.signed = String::new()), ["signed"]);
    assert_eq!(with(|form| form.evidence.signed = "2026".into()), ["signed"]);
    assert_eq!(with(|form| form.evidence.signed = "2026-11-22".into()), ["signed"], "tomorrow");
    assert_eq!(with(|form| form.evidence.basis = Basis::Proxy), ["representative"]);
    assert_eq!(with(|form| form.evidence.basis = Basis::Oral), ["registrar"]);
    assert_eq!(with(|form| form.person["birthDate"] = json!("1940-02")), ["person.birthDate"]);
    assert_eq!(with(|form| (form.start, form.end) = (Some("2026-04-02".into()), Some("2026-04-01".into()))), ["end"]);
    assert!(with(|form| form.number = Some("あ".repeat(TEXT_CHARACTERS_MAX))).is_empty());
    assert_eq!(with(|form| form.number = Some("あ".repeat(TEXT_CHARACTERS_MAX + 1))), ["number"]);
    let members = |count: usize| vec![Member::Named("Organization/a".into()); count];
    let with = |count| fields(&Form { recipients: members(count), ..form() });
    assert!(with(super::form::MEMBERS_MAX).is_empty());
    assert_eq!(with(super::form::MEMBERS_MAX + 1), ["member"]);
}

#[test]
fn what_is_made_of_a_form_is_fhir_and_understood() {
    let mut form = form();
    let clerk = Clerk { client: "office".into(), organization: "Organization/network-office".into() };
    form.evidence.basis = Basis::Proxy;
    form.evidence.registrar = Some("事務局 窓口".into());
    form.evidence.reason = Some("本人が手を使えないため".into());
    form.evidence.representative = Some(
        json!({"resourceType": "RelatedPerson", "relationship": [{"text": "長男"}], "name": [{"text": "試験 太郎"}]}),
    );
    let members = [Member::Named("Organization/agency-a".into()), Member::parse("care-manager").unwrap()];
    form.recipients = members.to_vec();
    form.sources = vec!["Organization/hospital".into()];
    (form.start, form.end) = (Some("2026-04-01".into()), Some("2027-03-31".into()));
    for scope in [vec![], vec!["処方"], vec!["ケアマネ向け"], vec!["family"]] {
        let Ok(scope) = Scope::read(scope) else { continue };
        form.scope = scope;
        let scans = ["DocumentReference/x".to_owned()];
        let made = consent::registration(&form, RECORD, &clerk, &scans);
        sound(&made);
        let directive = Directive::read(&made);
        assert!(matches!(&directive.effect, Effect::Rule(rule) if rule.permits), "{made:#}");
        assert!(directive.is_registration && directive.alarm().is_none());
        assert_eq!(consent::forms(&made), scans);
    }
    let gone = consent::withdrawal(&form.evidence, RECORD, &clerk, &[]);
    sound(&gone);
    assert_eq!(Directive::read(&gone).effect, Effect::Silent);
    let excluded = consent::exclusion(&form.evidence, RECORD, &clerk, &[], (&members, &[]));
    sound(&excluded);
    assert!(matches!(Directive::read(&excluded).effect, Effect::Rule(rule) if !rule.permits));
    assert_eq!(consent::recipients(&excluded).as_deref(), Some(&members[..]));
    let office = FacilityCode::parse("network-office");
    let patient = patient::resource(&form, RECORD, &office, "R1", None);
    sound(&patient);
    assert_eq!(patient::number_of(&patient, &office).as_deref(), Some("R1"));
}

fn sound(resource: &Value) {
    let issues = validate::base(resource);
    assert!(validate::is_sound(&issues), "{issues:?}\n{resource:#}");
}

#[test]
fn numbers_that_an_earlier_form_told_stay() {
    let office = FacilityCode::parse("network-office");
    let mut form = form();
    form.person["identifier"] = json!([{"system": "a", "value": "1"}]);
    let first = patient::resource(&form, RECORD, &office, "R1", None);
    form.person["identifier"] = json!([{"system": "b", "value": "2"}]);
    let second = patient::resource(&form, RECORD, &office, "R1", Some(&first));
    assert_eq!(second["identifier"].as_array().unwrap().len(), 3);
    let again = patient::resource(&form, RECORD, &office, "R1", Some(&second));
    assert_eq!(again, second);
}

#[test]
fn a_number_is_made_of_the_person_and_tells_several_apart() {
    assert_eq!(patient::number(&form(), 0), patient::number(&form(), 0));
    assert_ne!(patient::number(&form(), 0), patient::number(&form(), 1));
    assert_eq!(patient::number(&form(), 0).len(), 13);
}
