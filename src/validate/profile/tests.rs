//! Small profiles and resources, right and wrong, for each thing that a profile may say.

mod content;
mod slices;

use serde_json::{Value, json};

use super::*;
use crate::fault::Severity;
use crate::profile::tests::{profile, profiles};

/// The problems of a resource that is asked to keep to the profile `p`: rule and place; those that are no more than notes
/// are left out.
fn found(all: &Profiles, resource: &Value) -> Vec<(String, String)> {
    let problems = against(resource, &["p"], all).into_iter().filter(|one| one.severity() > Severity::Information);
    problems.map(|one| (one.rule().to_owned(), one.issue.place.to_string())).collect()
}

/// Puts resources beside one profile; what is expected is written `rule place; rule place`.
fn check(definitions: &[Value], cases: &[(Value, &str)]) {
    let all = profiles(definitions);
    for (resource, wanted) in cases {
        let found: Vec<String> =
            found(&all, resource).into_iter().map(|(rule, place)| format!("{rule} {place}")).collect();
        assert_eq!(found.join("; "), *wanted, "{resource}");
    }
}

fn observation(members: Value) -> Value {
    with(json!({"resourceType": "Observation"}), members)
}

fn with(mut resource: Value, members: Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        resource[name] = value.clone();
    }
    resource
}

fn coding(system: &str, code: &str) -> Value {
    json!({"system": system, "code": code})
}

fn discriminated(by: &[(&str, &str)], rules: &str) -> Value {
    let all: Vec<Value> = by.iter().map(|(kind, path)| json!({"type": kind, "path": path})).collect();
    json!({"discriminator": all, "rules": rules})
}

#[test]
fn problems_say_where_what_and_by_which_profile() {
    let p = profile(
        "p",
        "Patient",
        json!([
            {"id": "Patient"},
            {"id": "Patient.identifier", "slicing": discriminated(&[("value", "system")], "open")},
            {"id": "Patient.identifier:a", "sliceName": "a"},
            {"id": "Patient.identifier:a.system", "fixedUri": "a"},
            {"id": "Patient.identifier:a.use", "fixedCode": "official"},
            {"id": "Patient.identifier:a.value", "fixedString": "1"},
        ]),
    );
    let all = profiles(&[p]);
    let patient =
        json!({"resourceType": "Patient", "identifier": [{"system": "a", "use": "old", "value": "札幌 花子"}]});
    let mut found = against(&patient, &["p|1.0.0"], &all);
    assert_eq!(found.pop().unwrap().rule(), "profile-relative-system");
    let [used, value] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(used.issue.place.to_string(), "Patient.identifier[0].use");
    assert_eq!((&*used.profile, &*used.element, &*used.slice), ("p|1.0.0", "Patient.identifier:a.use", "a"));
    assert_eq!((used.issue.detail.as_str(), &*used.found, used.rule()), ("\"official\"", "\"old\"", "profile-fixed"));
    assert_eq!(used.english(), "the value must be \"official\" [found: \"old\"] [slice: a] [profile: p|1.0.0]");
    assert_eq!(
        used.japanese(),
        "値は \"official\" でなければなりません [実際: \"old\"] [スライス: a] [プロファイル: p|1.0.0]"
    );
    let finding = crate::fault::Finding::from(value);
    assert_eq!(
        (finding.severity.as_str(), finding.code.as_str(), finding.rule.as_str()),
        ("error", "value", "profile-fixed")
    );
    assert!(!format!("{value:?}{finding:?}").contains("花子"));
    // Places are FHIRPath.
    let place = crate::fhirpath::Expression::parse(&finding.place).unwrap();
    let located = place.evaluate(crate::fhirpath::Item::resource(&patient), &crate::fhirpath::Nothing).unwrap();
    assert_eq!(located[0].to_text().as_deref(), Some("札幌 花子"));
}

#[test]
fn what_was_sent_is_quoted_where_it_is_a_name_of_a_standard() {
    use super::value::quotable;
    let (most, more) = ("x".repeat(200), "x".repeat(201));
    for (text, shown) in [
        ("http://jpfhir.jp/fhir/x|1.0", "http://jpfhir.jp/fhir/x|1.0"),
        ("札幌花子", "?"),
        ("http://x.example/?name=hanako", "?"),
        ("Hanako Sapporo", "?"),
        (most.as_str(), most.as_str()),
        (more.as_str(), "?"),
    ] {
        assert_eq!(quotable(text), shown);
    }
    let named = json!({"resourceType": "Patient", "meta": {"profile": ["http://x.example/札幌 花子"]},
        "extension": [{"url": "http://x.example/札幌 花子"}], "maritalStatus": {"coding": [{"code": "札幌 花子"}, coding("札幌:花子", "x")]}});
    let found = against(&named, &["札幌 花子"], &profiles(&[]));
    assert!(found.len() >= 5 && !format!("{found:?}").contains("花子"), "{found:#?}");
}

#[test]
fn claims_are_honoured_and_unknown_ones_are_said_once() {
    let p = profile("p", "Patient", json!([{"id": "Patient"}, {"id": "Patient.name", "min": 1}]));
    let q = profile("q", "Patient", json!([{"id": "Patient"}, {"id": "Patient.gender", "min": 1}]));
    let all = profiles(&[p, q]);
    let claiming = |profiles: Value| json!({"resourceType": "Patient", "meta": {"profile": profiles}});
    let rules = |resource: &Value| -> Vec<String> {
        against(resource, &[], &all).iter().map(|one| format!("{} {}", one.rule(), one.issue.place)).collect()
    };
    assert_eq!(rules(&claiming(json!(["p", "q|1"]))), ["profile-min Patient.name", "profile-min Patient.gender"]);
    assert_eq!(rules(&claiming(json!(["p", "p|1.0.0"]))), ["profile-min Patient.name"]);
    assert_eq!(
        rules(&claiming(json!(["p|2", "x"]))),
        ["profile-unknown Patient.meta.profile[0]", "profile-unknown Patient.meta.profile[1]"]
    );
    let entry = json!({"resource": claiming(json!(["x", "q"]))});
    let bundle = json!({"resourceType": "Bundle", "entry": [entry, entry]});
    assert_eq!(
        rules(&bundle),
        [
            "profile-min Bundle.entry[0].resource.gender",
            "profile-min Bundle.entry[1].resource.gender",
            "profile-unknown Bundle.entry[0].resource.meta.profile[0]",
        ]
    );
}

#[test]
fn what_is_listed_and_looked_at_has_limits() {
    let p = profile(
        "p",
        "Patient",
        json!([{"id": "Patient"}, {"id": "Patient.name"}, {"id": "Patient.name.text", "min": 1}]),
    );
    let all = profiles(&[p]);
    let patient = |names: usize| json!({"resourceType": "Patient", "name": vec![json!({}); names]});
    let most = crate::validate::PROBLEMS_MAX;
    assert_eq!(against(&patient(most), &["p"], &all).len(), most);
    let found = against(&patient(most + 1), &["p"], &all);
    assert_eq!(
        (found.len(), found[most].rule(), found[most].issue.detail.as_str()),
        (most + 1, "profile-more-problems", "1")
    );
    let unfinished = |names: usize| {
        let resource = patient(names);
        let mut walk = walk::Walk::new(&all, &resource);
        walk.elements_max = 11;
        walk.whole(&resource, &["p"], &Path::root("Patient"));
        let found = walk.finish();
        let unfinished = found.iter().find(|one| one.rule() == "profile-unfinished");
        // What is too much for us is no error of the sender.
        assert!(unfinished.is_none_or(|one| one.severity() == crate::fault::Severity::Warning));
        unfinished.is_some()
    };
    assert!(!unfinished(10) && unfinished(11));
    // Profiles that lead to each other come to an end.
    let target = |url: &str, other: &str| {
        profile(
            url,
            "Patient",
            json!([{"id": "Patient"}, {"id": "Patient.link"}, {"id": "Patient.link.other", "type": [{"code": "Reference", "targetProfile": [other]}]}]),
        )
    };
    let all = profiles(&[target("p", "q"), target("q", "p")]);
    let linked = |id: &str, other: &str| json!({"resourceType": "Patient", "id": id, "link": [{"other": {"reference": format!("Patient/{other}")}}]});
    let bundle =
        json!({"resourceType": "Bundle", "entry": [{"resource": linked("a", "b")}, {"resource": linked("b", "a")}]});
    let mut walk = walk::Walk::new(&all, &bundle);
    walk.whole(&bundle, &[], &Path::root("Bundle"));
    assert_eq!(walk.finish(), []);
    let claims = json!({"resourceType": "Bundle", "entry": [{"resource": with(linked("a", "b"), json!({"meta": {"profile": ["p"]}}))}, {"resource": linked("b", "a")}]});
    assert_eq!(against(&claims, &[], &all), []);
}

#[test]
fn an_entry_without_an_id_has_that_of_its_url() {
    let target = profile("t", "Patient", json!([{"id": "Patient"}, {"id": "Patient.birthDate", "min": 1}]));
    let element = json!({"id": "Observation.subject", "type": [{"code": "Reference", "targetProfile": ["t"]}]});
    let all = profiles(&[target, profile("p", "Observation", json!([{"id": "Observation"}, element]))]);
    let bundle = |patient: Value| {
        let observation = observation(json!({"meta": {"profile": ["p"]}, "subject": {"reference": "Patient/1"}}));
        json!({"resourceType": "Bundle", "type": "collection", "entry": [
            {"fullUrl": "http://h/fhir/Observation/1", "resource": observation},
            {"fullUrl": "http://h/fhir/Patient/1", "resource": patient}]})
    };
    let rules = |patient: Value| {
        let problems = against(&bundle(patient), &[], &all).into_iter();
        let errors = problems.filter(|one| one.severity() >= Severity::Error);
        errors.map(|one| one.rule().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(rules(json!({"resourceType": "Patient"})), ["profile-reference-profile"]);
    assert_eq!(rules(json!({"resourceType": "Patient", "birthDate": "2000"})), [""; 0]);
}

#[test]
fn half_width_katakana_matter_where_a_profile_of_jp_clins_is_in_force() {
    let of = |place: &str, kind: &str| profile(&format!("http://jpfhir.jp/fhir/{place}"), kind, json!([{"id": kind}]));
    let all = profiles(&[of("eCS/p", "Observation"), of("clins/b", "Bundle"), of("core/p", "Observation")]);
    let named = |guide: Option<&str>| {
        let claimed = guide.map(|guide| format!("http://jpfhir.jp/fhir/{guide}"));
        let claimed = claimed.map_or(json!({}), |claimed| json!({"meta": {"profile": [claimed]}}));
        with(observation(json!({"code": {"text": "ﾋﾞﾀﾐﾝ"}})), claimed)
    };
    let count = |resource: &Value, asked: &[&str]| {
        against(resource, asked, &all).iter().filter(|one| one.rule() == "clins-half-width-katakana").count()
    };
    assert_eq!(
        (count(&named(None), &[]), count(&named(Some("core/p")), &[]), count(&named(Some("eCS/p")), &[])),
        (0, 0, 1)
    );
    assert_eq!(count(&named(None), &["http://jpfhir.jp/fhir/eCS/p"]), 1);
    let entry = |resource: Value| json!({"resource": resource});
    let bundle = json!({"resourceType": "Bundle", "type": "collection",
        "entry": [entry(named(None)), entry(named(Some("eCS/p"))), entry(named(None))]});
    assert_eq!((count(&bundle, &[]), count(&bundle, &["http://jpfhir.jp/fhir/clins/b"])), (1, 3));
}

#[test]
fn constraints_that_take_too_long_are_said_to_and_end() {
    let slow = json!({"key": "slow", "severity": "error", "human": "x",
        "expression": "%resource.descendants().select(%resource.descendants()).exists()"});
    let p = profile("p", "Patient", json!([{"id": "Patient"}, {"id": "Patient.name", "constraint": [slow]}]));
    let all = profiles(&[p]);
    let costly = |names: usize, given: usize| {
        let names = vec![json!({"given": vec!["x"; given]}); names];
        let found = against(&json!({"resourceType": "Patient", "name": names}), &["p"], &all);
        found.iter().filter(|one| one.rule() == "profile-constraint-costly").count()
    };
    let most = invariant::COSTLY_MAX;
    assert_eq!((costly(2, 1), costly(most - 1, 100)), (0, most - 1));
    assert_eq!((costly(most, 100), costly(most + 1, 100)), (most, most));
}

#[test]
fn what_is_asked_of_every_resource_is_asked_of_those_in_entries() {
    let p = profile("p", "Patient", json!([{"id": "Patient"}, {"id": "Patient.birthDate", "min": 1}]));
    let all = profiles(&[p]);
    let found = |resource: &Value| {
        let problems = against_each(resource, &["p"], &all).into_iter();
        problems
            .filter(|one| one.severity() == Severity::Error)
            .map(|one| one.issue.place.to_string())
            .collect::<Vec<_>>()
    };
    let patient = json!({"resourceType": "Patient"});
    assert_eq!(found(&patient), ["Patient.birthDate"]);
    let contained = json!({"resourceType": "Patient", "id": "c"});
    let observation = observation(json!({"contained": [contained], "subject": {"reference": "#c"}}));
    assert_eq!(found(&observation), [""; 0], "what is contained is part of another");
    let entry =
        |resource: &Value| json!({"fullUrl": "urn:uuid:5ff7b6ac-3d4a-4f0c-9d7e-0d5a9f0c1a01", "resource": resource});
    let bundle =
        json!({"resourceType": "Bundle", "type": "collection", "entry": [entry(&observation), entry(&patient)]});
    assert_eq!(found(&bundle), ["Bundle.entry[1].resource.birthDate"]);
    // Claimed as well: said once.
    let claiming = with(patient.clone(), json!({"meta": {"profile": ["p"]}}));
    assert_eq!(found(&claiming), ["Patient.birthDate"]);
    assert_eq!(against_each(&patient, &["q"], &all).iter().filter(|one| one.rule() == "profile-unknown").count(), 1);
}
