//! What one evaluation may cost: at each limit, and one past it.

use super::*;
use crate::terminology::value_set::CONCEPTS_FILTERED_MAX;

fn sent(compose: Value) -> Result<ValueSet, Excess> {
    ValueSet::of(&Known(vec![system(), sets_of_b()]), &set("v", compose))
}

fn sets_of_b() -> Value {
    set("b", json!({"include": [{"system": "s", "concept": [{"code": "b"}]}]}))
}

fn listing(count: usize) -> Value {
    json!({"system": "t", "concept": (0..count).map(|n| json!({"code": n.to_string()})).collect::<Vec<_>>()})
}

/// A code system without regard to case, of so many codes.
fn big(count: usize) -> Value {
    let concepts: Vec<Value> = (0..count).map(|n| json!({"code": format!("C{n}")})).collect();
    json!({"resourceType": "CodeSystem", "url": "s", "content": "complete", "caseSensitive": false, "concept": concepts})
}

#[test]
fn what_is_sent_has_limits() {
    let filter = json!({"property": "concept", "op": "is-a", "value": "a"});
    let of = |what: &str, count: usize| match what {
        "include + exclude" => {
            let one = json!({"system": "s", "concept": [{"code": "a"}]});
            json!({"include": [one], "exclude": vec![json!({"system": "s", "concept": [{"code": "b"}]}); count - 1]})
        }
        "filter" => json!({"include": [{"system": "s", "filter": vec![filter.clone(); count]}]}),
        "valueSet" => json!({"include": [{"valueSet": vec!["b"; count]}]}),
        _ => json!({"include": [listing(count - 1)], "exclude": [{"system": "t", "concept": [{"code": "0"}]}]}),
    };
    for (what, most) in [
        ("include + exclude", CLAUSES_SENT_MAX),
        ("filter", FILTERS_SENT_MAX),
        ("valueSet", VALUE_SETS_SENT_MAX),
        ("concept + contains", CODES_SENT_MAX),
    ] {
        assert!(sent(of(what, most)).unwrap().open().is_none(), "{what}");
        assert_eq!(sent(of(what, most + 1)).unwrap_err(), Excess { what, most });
    }
    // What stands in an expansion counts too, however deep.
    let expansion = |count: usize| {
        let codes: Vec<Value> = (1..count).map(|n| json!({"system": "t", "code": n.to_string()})).collect();
        let json = json!({"url": "v", "expansion": {"contains": [{"system": "t", "code": "0", "contains": codes}]}});
        ValueSet::of(&Known(Vec::new()), &json).map(|set| set.kept())
    };
    assert_eq!(expansion(CODES_SENT_MAX), Ok(CODES_SENT_MAX));
    assert!(expansion(CODES_SENT_MAX + 1).is_err());
}

#[test]
fn codes_are_held_against_clauses_so_many_times() {
    let one = |n: usize| json!({"system": "t", "concept": [{"code": format!("x{n}")}]});
    let expanded = |codes: usize, excludes: usize| {
        let compose = json!({"include": [listing(codes)], "exclude": (0..excludes).map(one).collect::<Vec<_>>()});
        expand(&sent(compose).unwrap(), &Options { count: Some(1), ..Options::default() }).map(|found| found.total)
    };
    // Each code is one step by itself, and one for each clause: 20,000,000 in all.
    assert_eq!(expanded(20_000, 999), Ok(20_000));
    assert_eq!(expanded(20_001, 999), Err(Stopped::Costly("t".into())));
}

#[test]
fn filters_are_held_against_so_many_concepts() {
    let filtered = |op: &str, concepts: usize, filters: usize| {
        let filter = json!({"property": "code", "op": op, "value": "C.*"});
        let compose = json!({"include": [{"system": "s", "filter": vec![filter; filters]}]});
        ValueSet::of(&Known(vec![big(concepts)]), &set("v", compose)).err()
    };
    let excess = Some(Excess { what: "filter * concept", most: CONCEPTS_FILTERED_MAX });
    assert_eq!((filtered("=", 20_000, 500), filtered("=", 20_000, 501)), (None, excess));
    assert_eq!((filtered("regex", 1_000, 500), filtered("regex", 1_000, 501)), (None, excess));
}

#[test]
fn a_regular_expression_has_a_size() {
    let open = |value: &str| {
        let filter = json!([{"property": "code", "op": "regex", "value": value}]);
        sent(json!({"include": [{"system": "s", "filter": filter}]})).unwrap().open().is_some()
    };
    assert!(!open(r"[A-Z]\d{2}(\.\d{1,3})?|\w+"));
    assert!(!open("a{1000}") && open("(a{150}){150}"));
}

#[test]
fn value_sets_that_share_others_are_evaluated_once() {
    let layers = 15;
    // Ten sets in each layer, each of all ten below it: 10^15 ways down.
    let names = |layer: usize| (0..10).map(move |n| format!("{layer}-{n}"));
    let mut all = vec![system()];
    for layer in 0..layers {
        for name in names(layer) {
            let below: Vec<Value> = match layer + 1 == layers {
                true => vec![json!({"system": "s", "concept": [{"code": "b", "display": "Bee"}]})],
                false => names(layer + 1).map(|name| json!({"valueSet": [name.clone(), name]})).collect(),
            };
            all.push(set(&name, json!({"include": below})));
        }
    }
    let known = Known(all);
    let set = ValueSet::named(&known, "0-0", None);
    assert!(set.open().is_none());
    assert_eq!(
        (set.has(Some("s"), "b"), set.has(Some("s"), "a"), set.has(None, "a")),
        (Answer::In, Answer::Out, Answer::Out)
    );
    assert!(set.named_as(Some("s"), "b").is_some() && set.named_as(Some("s"), "a").is_none());
    assert!(set.kept() < 2_000);
    assert_eq!(expand(&set, &Options::default()).unwrap().total, 1);
}

#[test]
fn a_list_tells_no_case_where_the_code_system_does_not() {
    let listed = json!({"include": [{"system": "s", "concept": [{"code": "c1", "display": "lower"}, {"code": "C2"}]}]});
    let set = ValueSet::of(&Known(vec![big(5)]), &set("v", listed)).unwrap();
    let has = |code| set.has(Some("s"), code) == Answer::In;
    assert_eq!((has("C1"), has("c2"), has("C2"), has("c3")), (true, true, true, false));
    assert!(set.named_as(Some("s"), "C1").is_some());
}

#[test]
fn what_stands_in_others_keeps_its_order() {
    let children: Vec<Value> =
        (0..3).map(|n| json!({"code": format!("c{n}"), "concept": [{"code": format!("d{n}")}]})).collect();
    let system = json!({"resourceType": "CodeSystem", "url": "s", "content": "complete",
        "concept": [{"code": "a", "concept": children}]});
    let known = Known(vec![system, set("v", json!({"include": [{"system": "s"}]}))]);
    let found = expand(&ValueSet::named(&known, "v", None), &Options { nests: true, ..Options::default() }).unwrap();
    assert_eq!(found.entries.iter().map(shown).collect::<String>(), "a(c0(d0) c1(d1) c2(d2))");
}
