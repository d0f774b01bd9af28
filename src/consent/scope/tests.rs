//! Scopes: how they are read, what is granted of them, which rows they show.

use super::*;
use crate::search::facts::{Token, folded_hash};
use crate::search::{Labels, Parameter};

fn granted(asked: &str, most: &[&str]) -> Option<String> {
    let most: Vec<Scope> = most.iter().map(|text| Scope::parse(text).unwrap()).collect();
    Scopes::granted(asked, &most, |_, _| true).map(|scopes| scopes.text())
}

/// Leakage checklist A 3 and A 4: what reads nearly like a scope is none.
#[test]
fn only_what_is_written_as_the_standard_has_it_is_a_scope() {
    for text in [
        "system/Observation.rs",
        "system/*.cruds",
        "system/Patient.r",
        "system/Observation.rs?category=laboratory",
        "system/Observation.s?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory&status=final",
        "system/*.read",
        "system/Patient.*",
        "system/Consent.write",
    ] {
        assert_eq!(Scope::parse(text).map(|scope| scope.text().to_owned()), Some(text.to_owned()));
    }
    for text in [
        "",
        "system",
        "system/",
        "system/Observation",
        "system/Observation.",
        "system/Observation.sr",
        "system/Observation.rr",
        "system/Observation.x",
        "system/Observation.R",
        "system/observation.r",
        "System/Observation.r",
        "system%2fObservation.r",
        "system/Observation%2er",
        "system//Observation.r",
        "system/Nonsense.r",
        "patient/Observation.r",
        "user/*.cruds",
        "openid",
        "launch/patient",
        "offline_access",
        "system/*.rs?category=laboratory",
        "system/Observation.rs?",
        "system/Observation.rs?category",
        "system/Observation.rs?category=",
        "system/Observation.rs?nonsense=1",
        "system/Observation.rs?_sort=date",
        "system/Observation.rs?category=laboratory&_count=1",
        "system/Observation.rs?subject.name=x",
        "system/Observation.rs?_has:Provenance:target:agent=x",
        "system/Observation.rs?code:text=x",
        "system/Observation.rs?value-quantity=gt5",
        "system/Observation.rs?date=ap2026-01-01",
    ] {
        assert_eq!(Scope::parse(text).map(|scope| scope.text().to_owned()), None, "{text}");
    }
    let criteria = |length: usize| format!("system/Observation.rs?code={}", "x".repeat(length));
    let rest = SCOPE_BYTES_MAX - criteria(0).len();
    assert!(Scope::parse(&criteria(rest)).is_some() && Scope::parse(&criteria(rest + 1)).is_none());
}

#[test]
fn a_grant_is_what_is_asked_for_as_far_as_it_may_be() {
    let all = ["system/*.cruds"];
    let lab = ["system/Observation.rs?category=laboratory", "system/Patient.r"];
    for (asked, most, expected) in [
        ("system/Patient.rs", &all[..], "system/Patient.rs"),
        ("system/*.read", &all, "system/*.read"),
        ("  system/Patient.r  openid patient/*.rs system/Patient.r", &all, "system/Patient.r"),
        ("openid fhirUser patient/*.rs user/*.cruds", &all, ""),
        ("", &all, ""),
        ("system/*.cruds", &lab, "system/Observation.rs?category=laboratory system/Patient.r"),
        ("system/Observation.cruds", &lab, "system/Observation.rs?category=laboratory"),
        ("system/Observation.rs?status=final", &lab, "system/Observation.rs?status=final&category=laboratory"),
        ("system/Observation.s?category=laboratory", &lab, "system/Observation.s?category=laboratory"),
        ("system/Condition.rs", &lab, ""),
        // Writing by a scope that is about some rows would have to judge what is written.
        ("system/Observation.cruds?category=laboratory", &all, "system/Observation.rs?category=laboratory"),
        ("system/Observation.cud?category=laboratory", &all, ""),
    ] {
        assert_eq!(granted(asked, most).as_deref(), Some(expected), "{asked}");
    }
    for asked in ["system/Patient.r\tsystem/*.r", "system/Patient.r\nx", "\"", "襷", "system/Patient.r\u{a0}x"] {
        assert_eq!(granted(asked, &all), None, "{asked}");
    }
    let many = |count: usize| vec!["x"; count].join(" ");
    assert!(granted(&many(SCOPES_MAX), &all).is_some() && granted(&many(SCOPES_MAX + 1), &all).is_none());
}

#[test]
fn what_the_role_does_not_include_is_not_granted() {
    let most = [Scope::all()];
    let reads = |right: Rights, _| right.meets(Rights::SEEING);
    let text = |asked| Scopes::granted(asked, &most, reads).unwrap().text();
    assert_eq!(text("system/*.cruds system/Patient.cud"), "system/*.rs");
    assert!(Scopes::granted("system/Patient.c", &most, reads).unwrap().is_empty());
}

#[test]
fn a_granular_scope_shows_the_rows_for_which_it_holds() {
    let scopes = Scopes::granted(
        "system/Observation.r?category=laboratory system/Observation.s?category=vital-signs",
        &[Scope::all()],
        |_, _| true,
    );
    let scopes = scopes.unwrap();
    let token = |code: &str| Token { parameter: Parameter::CATEGORY, system: 7, code: folded_hash(code) };
    let shows = |rights: Rights, resource_type: ResourceType, codes: &[&str]| {
        let tokens: Vec<Token> = codes.iter().map(|code| token(code)).collect();
        let row = RowFacts { tokens: &tokens, ..RowFacts::plain(resource_type, &[], Labels::default()) };
        scopes.show(rights, &row)
    };
    let observation = ResourceType::OBSERVATION;
    assert!(shows(Rights::READ, observation, &["laboratory"]));
    assert!(!shows(Rights::SEARCH, observation, &["laboratory"]));
    assert!(shows(Rights::SEARCH, observation, &["x", "vital-signs"]));
    assert!(
        shows(Rights::SEEING, observation, &["vital-signs"]) && shows(Rights::SEEING, observation, &["laboratory"])
    );
    assert!(
        !shows(Rights::SEEING, observation, &[]) && !shows(Rights::SEEING, ResourceType::CONDITION, &["laboratory"])
    );
    assert!(scopes.include(Rights::READ, observation) && !scopes.include(Rights::READ, ResourceType::PATIENT));
    assert!(
        Scopes::UNBOUNDED.include(Rights::DELETE, observation)
            && !Scopes::of(Vec::new()).include(Rights::READ, observation)
    );
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]
    /// Whatever is asked for, nothing is granted beyond what is registered.
    #[test]
    fn nothing_is_granted_beyond_what_is_registered(asked in "(system/|patient/|)?(Observation|Patient|\\*)\\.[cruds*]{0,5}(\\?(category|status|code)=[a-z|,]{0,8})?( [ -~]{0,20})?") {
        let most = [Scope::parse("system/Observation.rs?category=laboratory").unwrap()];
        if let Some(scopes) = Scopes::granted(&asked, &most, |_, _| true) {
            let other = [Token { parameter: Parameter::CATEGORY, system: 0, code: folded_hash("vital-signs") }];
            let row = |resource_type| RowFacts { tokens: &other, ..RowFacts::plain(resource_type, &[], Labels::default()) };
            for right in Rights::ALL.each() {
                proptest::prop_assert!(!scopes.show(right, &row(ResourceType::OBSERVATION)));
                proptest::prop_assert!(!scopes.include(right, ResourceType::PATIENT));
            }
            let writing = Rights::CREATE.or(Rights::UPDATE).or(Rights::DELETE);
            proptest::prop_assert!(!scopes.include(writing, ResourceType::OBSERVATION));
        }
    }
}
