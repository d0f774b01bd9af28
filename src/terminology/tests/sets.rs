//! Value sets: what their compositions mean, and how they are expanded.

use super::*;

fn filter(property: &str, op: &str, value: &str) -> Value {
    json!({"include": [{"system": "s", "filter": [{"property": property, "op": op, "value": value}]}]})
}

#[test]
fn every_filter() {
    let open = || Err(Stopped::Undecided(Undecided::Open("v".into())));
    let cases: Vec<(Value, Result<&str, Stopped>)> = vec![
        (filter("concept", "is-a", "b"), Ok("b c")),
        (filter("concept", "descendent-of", "a"), Ok("b c")),
        (filter("code", "is-not-a", "b"), Ok("a d")),
        (filter("concept", "generalizes", "b"), Ok("a b")),
        (filter("code", "=", "b"), Ok("b")),
        (filter("code", "in", "a, d,x"), Ok("a d")),
        (filter("code", "not-in", "a,d"), Ok("b c")),
        (filter("code", "regex", "[bc]|d"), Ok("b c d")),
        (filter("display", "regex", "G.*"), Ok("c")),
        (filter("display", "=", "Beta"), Ok("b")),
        (filter("colour", "=", "red"), Ok("b c")),
        (filter("colour", "in", "blue,green"), Ok("c")),
        (filter("colour", "not-in", "blue"), Ok("a b d")),
        (filter("colour", "exists", "true"), Ok("b c")),
        (filter("colour", "exists", "false"), Ok("a d")),
        (filter("parent", "=", "b"), Ok("c")),
        (filter("parent", "exists", "false"), Ok("a d")),
        (filter("child", "=", "c"), Ok("b")),
        (filter("gone", "=", "true"), Ok("d")),
        (filter("inactive", "=", "false"), Ok("a b c")),
        (filter("notSelectable", "=", "true"), Ok("a")),
        (filter("size", "=", "1.5"), Ok("d")),
        (filter("near", "=", "b"), Ok("d")),
        (filter("nothing", "=", "x"), open()),
        (filter("colour", "is-a", "red"), open()),
        (filter("concept", "is-a", "x"), open()),
        (filter("concept", "child-of", "a"), open()),
        (filter("colour", "exists", "perhaps"), open()),
        (filter("code", "regex", "("), open()),
        (filter("code", "regex", "(a{1000}){1000}"), open()),
    ];
    for (compose, expected) in cases {
        let found = expanded(&[], compose.clone(), &Options::default());
        assert_eq!(found, expected.map(str::to_owned), "{compose}");
    }
    let both = json!({"include": [{"system": "s", "filter": [{"property": "concept", "op": "is-a", "value": "a"},
        {"property": "colour", "op": "=", "value": "blue"}]}]});
    assert_eq!(expanded(&[], both, &Options::default()), Ok("c".into()));
}

#[test]
fn compositions() {
    let part = json!({"resourceType": "CodeSystem", "url": "part", "content": "fragment", "concept": [{"code": "p"}]});
    let older = with(system(), json!({"version": "0", "concept": [{"code": "z"}]}));
    let more = [
        part,
        older,
        set("ab", json!({"include": [{"system": "s", "concept": [{"code": "a"}, {"code": "b"}]}]})),
        set("bc", filter("concept", "is-a", "b")),
        set("round", json!({"include": [{"valueSet": ["round"]}]})),
        json!({"resourceType": "ValueSet", "url": "kept", "expansion": {"contains": [{"system": "t", "code": "x"}]}}),
    ];
    let unknown = |canonical: &str| Err(Stopped::Undecided(Undecided::Unknown(canonical.into())));
    let open = |canonical: &str| Err(Stopped::Undecided(Undecided::Open(canonical.into())));
    let cases: Vec<(Value, Result<&str, Stopped>)> = vec![
        (json!({"include": [{"system": "s"}]}), Ok("a b c d")),
        (json!({"inactive": false, "include": [{"system": "s"}]}), Ok("a b c")),
        (json!({"inactive": false, "include": [{"system": "s", "concept": [{"code": "c"}, {"code": "d"}]}]}), Ok("c")),
        (json!({"include": [{"system": "s", "version": "0"}]}), Ok("z")),
        (json!({"include": [{"system": "s"}], "exclude": [{"valueSet": ["bc"]}]}), Ok("a d")),
        (json!({"include": [{"valueSet": ["ab", "bc"]}]}), Ok("b")),
        (json!({"include": [{"valueSet": ["ab"]}, {"valueSet": ["bc"]}]}), Ok("a b c")),
        (json!({"include": [{"valueSet": ["ab|1"]}, {"valueSet": ["kept"]}]}), Ok("a b x")),
        (json!({"include": [{"system": "s", "valueSet": ["bc"]}]}), Ok("b c")),
        (json!({"include": [{"system": "part", "concept": [{"code": "q"}]}]}), Ok("q")),
        (json!({"include": [{"valueSet": ["ab|2"]}]}), unknown("ab|2")),
        (json!({"include": [{"system": "s", "version": "9"}]}), unknown("s|9")),
        (json!({"include": [{"system": "part"}]}), open("part")),
        (json!({"include": [{"system": "s"}], "exclude": [{"system": "part"}]}), open("part")),
        (json!({"include": [{"valueSet": ["round"]}]}), open("round")),
        (json!({"include": [{"concept": [{"code": "a"}]}]}), open("v")),
        (json!({}), open("v")),
        (
            json!({"include": [{"system": "http://unitsofmeasure.org"}]}),
            Err(Stopped::Costly("http://unitsofmeasure.org".into())),
        ),
        (json!({"include": [{"system": "http://loinc.org"}]}), unknown("http://loinc.org")),
        (
            json!({"include": [{"system": "http://snomed.info/sct", "filter": [{"property": "concept", "op": "is-a", "value": "404684003"}]}]}),
            unknown("http://snomed.info/sct"),
        ),
    ];
    for (compose, expected) in cases {
        let found = expanded(&more, compose.clone(), &Options::default());
        assert_eq!(found, expected.map(str::to_owned), "{compose}");
    }
}

#[test]
fn value_sets_include_each_other_up_to_a_limit() {
    let chain = |length: usize| -> Vec<Value> {
        let one = |n: usize| match n + 1 == length {
            true => set(&n.to_string(), json!({"include": [{"system": "s", "concept": [{"code": "a"}]}]})),
            false => set(&n.to_string(), json!({"include": [{"valueSet": [(n + 1).to_string()]}]})),
        };
        (0..length).map(one).collect()
    };
    let has = |all: Vec<Value>| ValueSet::named(&Known(all), "0", None).has(Some("s"), "a") == Answer::In;
    assert_eq!((has(chain(VALUE_SET_DEPTH_MAX)), has(chain(VALUE_SET_DEPTH_MAX + 1))), (true, false));
    let wide = |others: usize| {
        let names: Vec<Value> = (1..=others).map(|n| json!({"valueSet": [n.to_string()]})).collect();
        let listed = |n: usize| set(&n.to_string(), json!({"include": [{"system": "s", "concept": [{"code": "b"}]}]}));
        let mut all: Vec<Value> = (1..=others).map(listed).collect();
        all.push(set("0", json!({"include": names})));
        ValueSet::named(&Known(all), "0", None).open().is_none()
    };
    assert_eq!((wide(VALUE_SETS_MAX - 1), wide(VALUE_SETS_MAX)), (true, false));
}

#[test]
fn what_is_asked_of_an_expansion() {
    let all = || json!({"include": [{"system": "s"}, {"system": "t", "concept": [{"code": "x", "display": "Ray of light"}]}]});
    let options = Options::default;
    for (asked, expected) in [
        (Options { filter: Some("ray".into()), ..options() }, "c x"),
        (Options { filter: Some(" RAY  gamma".into()), ..options() }, "c"),
        (Options { filter: Some("乙".into()), ..options() }, "b"),
        (Options { filter: Some("nothing".into()), ..options() }, ""),
        (Options { offset: 1, count: Some(2), ..options() }, "b c"),
        (Options { offset: 9, count: Some(2), ..options() }, ""),
        (Options { count: Some(0), ..options() }, ""),
        (Options { is_active_only: true, ..options() }, "a b c x"),
        (Options { leaves_out_abstract: true, ..options() }, "b c d x"),
        (Options { nests: true, ..options() }, "a(b(c)) d x"),
        (Options { nests: true, leaves_out_abstract: true, ..options() }, "b(c) d x"),
        (Options { nests: true, count: Some(2), ..options() }, "a b"),
        (Options { excluded: vec!["s|1".into()], ..options() }, "x"),
        (Options { excluded: vec!["s|2".into(), "t".into()], ..options() }, "a b c d"),
    ] {
        assert_eq!(expanded(&[], all(), &asked), Ok(expected.to_owned()), "{asked:?}");
    }
    let known = Known(vec![system(), set("v", all())]);
    let page = expand(
        &ValueSet::named(&known, "v", None),
        &Options { count: Some(1), language: Some("ja".into()), ..options() },
    )
    .unwrap();
    assert_eq!(page.total, 5);
    assert_eq!(page.used, [("s".to_owned(), Some("1".to_owned())), ("t".to_owned(), None)]);
    let whole =
        expand(&ValueSet::named(&known, "v", None), &Options { language: Some("ja".into()), ..options() }).unwrap();
    let called: Vec<&str> = whole.entries.iter().filter_map(|one| one.display.as_deref()).collect();
    assert_eq!(called, ["Alpha", "乙", "Gamma ray", "Delta", "Ray of light"]);
    let flags: Vec<(bool, bool)> = whole.entries.iter().map(|one| (one.is_abstract, one.is_inactive)).collect();
    assert_eq!(flags, [(true, false), (false, false), (false, false), (false, true), (false, false)]);
}

#[test]
fn versions_that_a_request_names() {
    let older = with(system(), json!({"version": "0", "concept": [{"code": "z"}]}));
    let any = set("any", json!({"include": [{"system": "s"}]}));
    let stated = set("stated", json!({"include": [{"system": "s", "version": "1"}]}));
    let known = Known(vec![system(), older, any, stated]);
    let has = |usual: &[&str], forced: &[&str], set: &str| {
        let named = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
        let versions = Versions { source: &known, usual: named(usual), forced: named(forced) };
        ValueSet::named(&versions, set, None).has(Some("s"), "z") == Answer::In
    };
    assert!(
        has(&["s|0"], &[], "any")
            && !has(&["s|0"], &[], "stated")
            && has(&[], &["s|0"], "stated")
            && !has(&["t|0"], &[], "any")
    );
}

#[test]
fn an_answer_holds_so_many_codes() {
    let of = |count: usize| {
        let concepts: Vec<Value> = (0..count).map(|n| json!({"code": n.to_string()})).collect();
        let system = json!({"resourceType": "CodeSystem", "url": "big", "content": "complete", "concept": concepts});
        let known = Known(vec![system, set("v", json!({"include": [{"system": "big"}]}))]);
        let found = |options: &Options| {
            expand(&ValueSet::named(&known, "v", None), options).map(|found| (found.total, found.entries.len()))
        };
        let many = Options { count: Some(usize::MAX), ..Options::default() };
        let page = Options { count: Some(5), ..Options::default() };
        [found(&Options::default()), found(&many), found(&page)]
    };
    let at = CODES_EXPANDED_MAX;
    assert_eq!(of(at), [Ok((at, at)), Ok((at, at)), Ok((at, 5))]);
    let costly = || Err(Stopped::Costly("big".into()));
    assert_eq!(of(at + 1), [costly(), costly(), Ok((at + 1, 5))]);
}

#[test]
fn units_by_what_they_measure() {
    let of = |property: &str, value: &str| {
        let filter = json!([{"property": property, "op": "=", "value": value}]);
        set("v", json!({"include": [{"system": "http://unitsofmeasure.org", "filter": filter}]}))
    };
    let has = |set: Value, code: &str| match ValueSet::named(&Known(vec![set]), "v", None).has(None, code) {
        Answer::In => Some(true),
        Answer::Out => Some(false),
        Answer::Unknown(_) => None,
    };
    let found = ["min", "a", "m", "mmin", "[pH]"].map(|code| has(of("canonical", "s"), code));
    assert_eq!(found, [Some(true), Some(true), Some(false), Some(false), None]);
    assert_eq!((has(of("canonical", "what"), "s"), has(of("class", "s"), "s")), (None, None));
}

#[test]
fn a_code_without_a_system_is_of_any() {
    let known = Known(vec![
        system(),
        set("v", json!({"include": [{"system": "s"}, {"system": "t", "concept": [{"code": "a"}]}]})),
    ]);
    let set = ValueSet::named(&known, "v", None);
    assert_eq!(
        (set.has(None, "a"), set.has(None, "x"), set.has(Some("u"), "a")),
        (Answer::In, Answer::Out, Answer::Out)
    );
}
