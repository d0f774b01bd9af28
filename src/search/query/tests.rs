//! How query strings are read.
use super::*;
use crate::search::facts::token_hash;

const SERVER: Server<'_> = Server { base: "https://gw.example/fhir", zone_minutes: 540 };

fn parse(resource_type: ResourceType, text: &str) -> Query {
    Query::parse(resource_type, text, SERVER).unwrap_or_else(|issue| panic!("{text}: {}", issue.english()))
}

fn refused(text: &str) -> (&'static str, String) {
    let issue = Query::parse(ResourceType::OBSERVATION, text, SERVER).unwrap_err();
    (issue.rule.id, issue.detail)
}

fn one(text: &str) -> Condition {
    parse(ResourceType::OBSERVATION, text).conditions.remove(0)
}

#[test]
fn tokens_have_four_forms_and_width_does_not_matter() {
    let code = |values| Condition::Token(Parameter::CODE, values);
    let h = token_hash;
    assert_eq!(one("code=a"), code(vec![TokenValue::Code(h("a"))]));
    assert_eq!(one("code=s%7Ca,b"), code(vec![TokenValue::Coding(h("s"), h("a")), TokenValue::Code(h("b"))]));
    assert_eq!(one("code=|a"), code(vec![TokenValue::Coding(0, h("a"))]));
    assert_eq!(one("code=s|"), code(vec![TokenValue::System(h("s"))]));
    assert_eq!(one(r"code=a\,b\|c\$\\d"), code(vec![TokenValue::Code(h(r"a,b|c$\d"))]));
    assert_eq!(one("code=%EF%BC%91"), one("code=1"));
    for bad in ["code=a,", "code=|", "code=a|b|c", r"code=\x", "code=%zz", "code=%ff"] {
        assert_eq!(refused(bad), ("search-value", "code".to_owned()), "{bad}");
    }
}

#[test]
fn dates_have_prefixes_and_are_dates() {
    let day = Interval::parse("2026-01-02", 540).unwrap();
    for (text, prefix) in
        [("", Prefix::Eq), ("eq", Prefix::Eq), ("ne", Prefix::Ne), ("sa", Prefix::Sa), ("ap", Prefix::Ap)]
    {
        let wanted = Condition::Date(Parameter::DATE, vec![DateValue { prefix, interval: day }]);
        assert_eq!(one(&format!("date={text}2026-01-02")), wanted);
    }
    for bad in [
        "date=foo",
        "date=2026-02-30",
        "date=xx2026",
        "date=2026-01-02T10",
        "_lastUpdated=gt",
        "date=2026-01-01T00:00:00+09:00",
    ] {
        assert_eq!(refused(bad).0, "search-value", "{bad}");
    }
    assert!(matches!(one("date=2026-01-01T00:00:00%2B09:00"), Condition::Date(..)));
}

#[test]
fn references_are_read_in_each_form() {
    let patient = |id| TokenValue::Coding(0, reference_hash(ResourceType::PATIENT, id));
    let wanted = Condition::Token(Parameter::PATIENT, vec![patient("p")]);
    for text in ["patient=p", "patient=Patient/p", "patient=https://gw.example/fhir/Patient/p"] {
        assert_eq!(one(text), wanted, "{text}");
    }
    let Condition::Token(_, any) = one("subject=p") else { panic!() };
    assert!(any.len() > 1 && any.contains(&patient("p")));
    assert_eq!(one("patient=Group/g"), Condition::Token(Parameter::PATIENT, Vec::new()), "matches nothing");
    let elsewhere = "https://other.example/Patient/p";
    let wanted = Condition::Token(Parameter::PATIENT, vec![TokenValue::Coding(0, token_hash(elsewhere))]);
    assert_eq!(one(&format!("patient={elsewhere}")), wanted);
    assert_eq!(refused("patient=%23p").0, "search-value");
    assert_eq!(refused("patient=Patient/").0, "search-value");
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    assert_eq!(refused("colour=red"), ("search-unknown-parameter", "colour".to_owned()));
    assert_eq!(refused("colour="), ("search-unknown-parameter", "colour".to_owned()));
    assert_eq!(refused("code:not=a"), ("search-modifier", "code:not".to_owned()));
    assert_eq!(refused("patient.name=a"), ("search-modifier", "patient.name".to_owned()));
    assert_eq!(refused("_has:Patient:x:y=1").0, "search-modifier");
    assert_eq!(refused("_include=*"), ("search-unknown-parameter", "_include".to_owned()));
    assert_eq!(refused("onset-date=2026"), ("search-unknown-parameter", "onset-date".to_owned()));
    assert_eq!(refused("%E5%B1%B1=1"), ("search-unknown-parameter", String::new()));
    assert_eq!(refused("_count=-1"), ("search-value", "_count".to_owned()));
    assert_eq!(refused("_sort=code"), ("search-value", "_sort".to_owned()));
    assert_eq!(refused("_count=1&_count=2"), ("search-twice", "_count".to_owned()));
    assert_eq!(refused("_cursor=00"), ("search-value", "_cursor".to_owned()));
    assert_eq!(refused("_id=a%20b"), ("search-value", "_id".to_owned()));
}

#[test]
fn results_are_controlled() {
    let query = parse(ResourceType::OBSERVATION, "_count=9999&_sort=-date,_id&code=&_format=json");
    assert_eq!((query.count, query.conditions.len()), (COUNT_MAX, 0));
    assert_eq!(query.sort, Sort { by: SortBy::Date(Parameter::DATE), descending: true });
    assert!(!query.used.iter().any(|(name, _)| name == "code"), "what is left out is not in the self link");
    assert_eq!(parse(ResourceType::OBSERVATION, "").count, COUNT_DEFAULT);
    assert_eq!(parse(ResourceType::OBSERVATION, "_count=0").count, 0);
    assert_eq!(parse(ResourceType::OBSERVATION, "_summary=count&_count=5").count, 0);
    let by_id = parse(ResourceType::CONDITION, "_sort=_id").sort;
    assert_eq!(by_id, Sort { by: SortBy::Id, descending: false });
    assert!(matches!(parse(ResourceType::CONDITION, "_sort=-onset-date").sort.by, SortBy::Date(_)));
}

#[test]
fn limits_hold_at_the_limit_and_one_past_it() {
    let list = |n: usize| format!("_id={}", vec!["a"; n].join(","));
    assert!(Query::parse(ResourceType::OBSERVATION, &list(VALUES_MAX), SERVER).is_ok());
    assert_eq!(refused(&list(VALUES_MAX + 1)).0, "search-too-long");
    let long = |n: usize| format!("code={}", "a".repeat(n - 5));
    assert!(Query::parse(ResourceType::OBSERVATION, &long(QUERY_BYTES_MAX), SERVER).is_ok());
    assert_eq!(refused(&long(QUERY_BYTES_MAX + 1)).0, "search-too-long");
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    /// Whatever is asked, it is understood or refused.
    #[test]
    fn nothing_makes_reading_panic(name in "(date|code|patient|_id|_sort|_count|_cursor|_lastUpdated|identifier|.{0,8})", value in ".{0,60}") {
        let _ = Query::parse(ResourceType::OBSERVATION, &format!("{name}={value}"), SERVER);
        let _ = Query::from_pairs(ResourceType::CONSENT, &[(name, value)], SERVER);
    }
}
