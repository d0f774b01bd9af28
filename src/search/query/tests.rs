//! How query strings are read, refused and limited.
use super::*;
use crate::search::example::server;

fn parse(name: &str, text: &str) -> Query<'static> {
    let scope = Scope::Type(ResourceType::parse(name).unwrap());
    Query::parse(scope, text, server()).unwrap_or_else(|issue| panic!("{text}: {}", issue.english()))
}

fn refused_of(scope: Scope, text: &str) -> (&'static str, String) {
    let issue = Query::parse(scope, text, server()).map(|query| query.used).unwrap_err();
    (issue.rule.id, issue.detail)
}

fn refused(text: &str) -> (&'static str, String) {
    refused_of(Scope::Type(ResourceType::OBSERVATION), text)
}

/// What is refused, by the rule that refuses it.
const REFUSED: [(&str, &[&str]); 3] = [
    (
        "search-value",
        &[
            "code=a,",
            "code=|",
            "code=a|b|c",
            r"code=\x",
            "code=%zz",
            "code=%ff",
            "date=foo",
            "date=2026-02-30",
            "date=2026-13",
            "date=xx2026",
            "date=2026-01-02T10",
            "date=2026-01-01T00:00:00+09:00",
            "_lastUpdated=gt",
            "subject=%23p",
            "subject=Patient/",
            "value-quantity=abc",
            "value-quantity=xx5",
            "value-quantity=5|a|b|c",
            "value-string:missing=maybe",
            "component-code-value-quantity=a",
            "component-code-value-quantity=a$5$6",
            "code-value-date=a$2026-99",
            "_id=a%20b",
            "_count=-1",
            "_count=1.5",
            "_sort=nope",
            "_sort=component-code-value-quantity",
            "_sort=code,",
            "_total=some",
            "_summary=all",
            "_elements=a,,b",
            "_contained=true",
            "_include=Observation",
            "_include=Observation:nope",
            "_include=Observation:code",
            "_include=Observation:subject:Observation",
            "_include=Observation:subject,Observation:encounter",
            "_include=Nothing:*",
            "_list=$current-problems",
            "_cursor=00",
            "_filter=code eq",
            "_filter=code eq a b",
            "_filter=(code eq a",
            "_filter=code near a",
        ],
    ),
    (
        "search-unknown-parameter",
        &[
            "colour=red",
            "colour=",
            "onset-date=2026",
            "%E5%B1%B1=1",
            "_type=Patient",
            "_has:Patient:nope:name=a",
            "_has:Observation:subject:code=a",
            "_filter=colour eq red",
        ],
    ),
    (
        "search-modifier",
        &[
            "code:exact=a",
            "code:nope=a",
            "date:not=2026",
            "value-quantity:exact=5",
            "value-string:text=a",
            "subject:in=a",
            "subject:Nothing=a",
            "component-code-value-quantity:exact=a$5",
            "code.name=a",
            "_id:exact=a",
            "_lastUpdated:not=2026",
            "_has:Patient=1",
            "_count:max=1",
            "_include:recurse=Observation:subject",
        ],
    ),
];

#[test]
fn what_cannot_be_read_is_refused_by_name() {
    for (rule, texts) in REFUSED {
        for text in texts {
            assert_eq!(refused(text).0, rule, "{text}");
        }
    }
    assert_eq!(refused("code:nope123=a").1, "code:nope");
    assert_eq!(refused("%E5%B1%B1=1").1, "");
    assert_eq!(refused("_query=latest").0, "search-named-query");
    assert_eq!(refused("_count=1&_count=2"), ("search-twice", "_count".to_owned()));
    assert_eq!(refused("subject.nope=1").0, "search-chain");
    assert_eq!(refused("_summary=text&_include=Observation:subject").0, "search-summary-text");
}

#[test]
fn several_types_share_their_parameters() {
    let system = |text: &str| Query::parse(Scope::System, text, server());
    let query = system("_type=Observation,Condition&code=a&_sort=code&subject.name=x").unwrap();
    assert_eq!(query.branches.len(), 2);
    assert!(query.branches.iter().all(|branch| branch.conditions.len() == 2 && branch.sort.len() == 1));
    assert!(system("_id=a&_tag=b&_lastUpdated=2026").unwrap().branches.len() > 100);
    assert_eq!(refused_of(Scope::System, "_type=Observation,Patient&code=a").0, "search-not-common");
    assert_eq!(refused_of(Scope::System, "_type=Observation,Nothing").0, "search-value");
    assert_eq!(refused_of(Scope::System, "_type=AuditEvent").0, "search-value");
}

#[test]
fn leniency_leaves_out_what_is_unknown_and_nothing_else() {
    let lenient =
        |text: &str| Query::parse(Scope::Type(ResourceType::OBSERVATION), text, Server { lenient: true, ..server() });
    let query = lenient("colour=red&code=a&_include=Observation:nope&_sort=nope&subject.nope=1").unwrap();
    assert_eq!((query.ignored.len(), query.link(None).as_str()), (4, "code=a"));
    assert_eq!(query.branches[0].conditions.len(), 1);
    for text in ["code:nope=a", "date=foo", "_query=x", "_count=-1", "_summary=all"] {
        assert!(lenient(text).is_err(), "{text}");
    }
}

#[test]
fn links_repeat_what_was_used() {
    let query = parse("Observation", "_count=9999&_sort=-date,_id&code=&_format=json&code=a%7Cb%2Cc&date=ge2026");
    assert_eq!((query.count, query.branches[0].conditions.len(), query.branches[0].sort.len()), (COUNT_MAX, 2, 2));
    let link = query.link(None);
    assert_eq!(link, "_count=1000&_sort=-date,_id&_format=json&code=a%7Cb,c&date=ge2026", "SRCH-05, RES-08");
    assert_eq!(parse("Observation", &link).link(None), link);
    assert_eq!(parse("Observation", "").count, COUNT_DEFAULT);
    assert_eq!(parse("Observation", "_summary=count&_count=5").count, 0, "RES-09");
}

#[test]
fn a_search_names_whom_it_is_about() {
    let subjects = |text: &str| {
        let query = parse("Observation", text);
        query
            .subjects()
            .map(|all| all.into_iter().map(|(id, only)| format!("{id}{only}")).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(subjects("patient=p,Patient/q").as_deref(), Some("ptrue qtrue"));
    assert_eq!(subjects("subject=p").as_deref(), Some("pfalse"));
    assert_eq!(subjects("subject=Patient/p&code=x").as_deref(), Some("ptrue"));
    for open in ["code=x", "subject=Group/g,Patient/p", "patient:missing=true", "performer=Patient/p", "patient.name=x"]
    {
        assert_eq!(subjects(open), None, "{open}");
    }
}

#[test]
fn limits_hold_at_the_limit_and_one_past_it() {
    let ok = |text: &str| Query::parse(Scope::Type(ResourceType::OBSERVATION), text, server()).is_ok();
    let list = |n: usize| format!("_id={}", vec!["a"; n].join(","));
    assert!(ok(&list(VALUES_MAX)));
    assert_eq!(refused(&list(VALUES_MAX + 1)).0, "search-too-long");
    let long = |n: usize| format!("code={}", "a".repeat(n - 5));
    assert!(ok(&long(QUERY_BYTES_MAX)));
    assert_eq!(refused(&long(QUERY_BYTES_MAX + 1)).0, "search-too-long");
    let chain = |n: usize| format!("{}code=a", "has-member:Observation.".repeat(n));
    assert!(ok(&chain(DEPTH_MAX)));
    assert_eq!(refused(&chain(DEPTH_MAX + 1)).0, "search-too-deep");
    let has = |n: usize| format!("{}code=a", "_has:Observation:has-member:".repeat(n));
    assert!(ok(&has(DEPTH_MAX)));
    assert_eq!(refused(&has(DEPTH_MAX + 1)).0, "search-too-deep");
    let filter = |n: usize| format!("_filter={}code eq a{}", "(".repeat(n), ")".repeat(n));
    assert!(ok(&filter(FILTER_DEPTH_MAX)));
    assert_eq!(refused(&filter(FILTER_DEPTH_MAX + 1)).0, "search-too-long");
    let includes = |n: usize| vec!["_include=Observation:subject"; n].join("&");
    assert!(ok(&includes(INCLUDES_MAX)));
    assert_eq!(refused(&includes(INCLUDES_MAX + 1)).0, "search-too-long");
    let sort = |n: usize| format!("_sort={}", vec!["code"; n].join(","));
    assert!(ok(&sort(SORT_KEYS_MAX)));
    assert_eq!(refused(&sort(SORT_KEYS_MAX + 1)).0, "search-value");
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    /// Whatever is asked, it is understood or refused; and what is understood reads the same again from its link.
    #[test]
    fn nothing_makes_reading_panic(
        name in "(date|code|subject|patient|_id|_sort|_count|_cursor|_lastUpdated|_filter|value-quantity|_has:Observation:has-member:code|component-code-value-quantity|_include|.{0,8})(:(not|text|missing|Patient|in|iterate))?(\\.(name|_id|birthdate))?",
        value in "(.{0,40}|[a-z|$,\\\\:()\" -]{0,40}|(ge|ap|ne)?[0-9.e-]{1,12})",
    ) {
        for scope in [Scope::Type(ResourceType::OBSERVATION), Scope::System] {
            if let Ok(query) = Query::from_pairs(scope.clone(), &[(name.clone(), value.clone())], server()) {
                let again = Query::parse(scope, &query.link(None), server()).unwrap();
                proptest::prop_assert_eq!(again.link(None), query.link(None));
            }
        }
    }
}
