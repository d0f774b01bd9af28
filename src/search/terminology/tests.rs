//! Value sets and code systems, as their definitions state them.

use serde_json::{Value, json};

use super::*;
use crate::terminology::{VALUE_SET_DEPTH_MAX as DEPTH_MAX, VALUE_SETS_MAX};

/// ValueSets and CodeSystems by canonical.
#[derive(Default)]
pub(crate) struct Known {
    definitions: Vec<Value>,
}

impl Known {
    pub(crate) fn new(definitions: &[Value]) -> Self {
        Known { definitions: definitions.to_vec() }
    }

    fn find(&self, name: &str, canonical: &str) -> Option<&Value> {
        let (url, version) = canonical.split_once('|').map_or((canonical, None), |(url, v)| (url, Some(v)));
        let mut of_type = self.definitions.iter().filter(|one| one["resourceType"] == name);
        let by_id = canonical.strip_prefix("ValueSet/");
        of_type.find(|one| {
            let is_named = one["url"] == url || by_id.is_some_and(|id| one["id"] == id);
            is_named && version.is_none_or(|version| one["version"] == version)
        })
    }
}

impl Source for Known {
    fn value_set(&self, canonical: &str, _: Option<usize>) -> Option<(Option<usize>, Value)> {
        self.find("ValueSet", canonical).map(|one| (None, one.clone()))
    }

    fn code_system(&self, canonical: &str, _: Option<usize>) -> Option<Arc<CodeSystem>> {
        self.find("CodeSystem", canonical).map(|one| Arc::new(CodeSystem::read(one)))
    }
}

impl Terminology for Known {
    fn members(&self, value_set: &str) -> Result<Arc<Members>, Undecided> {
        members(self, value_set).map(Arc::new)
    }

    fn subsumed(&self, system: &str, code: &str, above: bool) -> Result<Arc<Members>, Undecided> {
        subsumed(self, system, code, above).map(Arc::new)
    }
}

/// A system `s` with `a` above `b` above `c`, and `d`.
fn system() -> Value {
    json!({"resourceType": "CodeSystem", "url": "s", "version": "1", "content": "complete", "concept": [
        {"code": "a", "concept": [{"code": "b", "concept": [{"code": "c"}]}]}, {"code": "d"}]})
}

fn set(url: &str, compose: Value) -> Value {
    json!({"resourceType": "ValueSet", "url": url, "version": "1", "compose": compose})
}

/// Which of some codes are in a value set: `code` of the system `s`, or `system|code`.
fn codes(known: &Known, url: &str) -> Result<String, Undecided> {
    let members = members(known, url)?;
    let is_in = |code: &&str| {
        let (system, code) = code.split_once('|').unwrap_or(("s", code));
        members.contains(system_hash(system), coded_hash(system, code))
    };
    Ok(["a", "b", "c", "d", "e", "t|a", "|a"].into_iter().filter(is_in).collect::<Vec<_>>().join(" "))
}

#[test]
fn every_way_to_compose() {
    let filter = |op: &str, value: &str| {
        json!({"include": [{"system": "s", "filter": [
        {"property": "concept", "op": op, "value": value}]}]})
    };
    let cases = [
        (json!({"include": [{"system": "s", "concept": [{"code": "a"}, {"code": "e"}]}]}), "a e"),
        (json!({"include": [{"system": "t", "concept": [{"code": "a"}]}]}), "t|a"),
        (json!({"include": [{"system": "s"}]}), "a b c d"),
        (json!({"include": [{"system": "s", "version": "1"}]}), "a b c d"),
        (json!({"include": [{"system": "s"}], "exclude": [{"system": "s", "concept": [{"code": "b"}]}]}), "a c d"),
        (filter("is-a", "b"), "b c"),
        (filter("descendent-of", "a"), "b c"),
        (filter("is-not-a", "b"), "a d"),
        (
            json!({"include": [{"system": "s", "filter": [{"property": "concept", "op": "is-a", "value": "a"},
            {"property": "concept", "op": "is-not-a", "value": "c"}]}]}),
            "a b",
        ),
        (json!({"include": [{"valueSet": ["ab"]}]}), "a b"),
        (json!({"include": [{"valueSet": ["ab|1", "bc"]}]}), "b"),
        (json!({"include": [{"valueSet": ["ab"]}, {"valueSet": ["bc"]}]}), "a b c"),
        (json!({"include": [{"system": "s", "valueSet": ["bc"]}], "exclude": [{"valueSet": ["ab"]}]}), "c"),
        (json!({"inactive": false, "include": [{"system": "s", "concept": [{"code": "a"}]}]}), "a"),
    ];
    for (compose, expected) in cases {
        let listed = |codes: [&str; 2]| json!({"include": [{"system": "s", "concept": codes.map(|code| json!({"code": code}))}]});
        let all = [system(), set("ab", listed(["a", "b"])), set("bc", listed(["b", "c"])), set("v", compose.clone())];
        assert_eq!(codes(&Known::new(&all), "v").as_deref(), Ok(expected), "{compose}");
    }
}

#[test]
fn an_expansion_counts_where_the_composition_cannot_be_decided() {
    let expansion = |more: Value, include: Value| {
        let mut expansion = json!({"contains": [{"system": "s", "code": "a", "abstract": true,
            "contains": [{"system": "s", "code": "b"}]}]});
        expansion.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"resourceType": "ValueSet", "url": "v", "expansion": expansion, "compose": {"include": [include]}})
    };
    let costly = json!({"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/valueset-toocostly"}]});
    let listed = json!({"system": "s", "concept": [{"code": "c"}]});
    assert_eq!(codes(&Known::new(&[expansion(json!({}), listed)]), "v").as_deref(), Ok("c"));
    for (more, is_whole) in [
        (json!({}), true),
        (json!({"total": 2, "offset": 0}), true),
        (json!({"total": 3}), false),
        (json!({"offset": 1}), false),
        (json!({"contains": []}), false),
        (costly, false),
    ] {
        let expected = if is_whole { Ok("b".to_owned()) } else { Err(Undecided::Unknown("nowhere".into())) };
        let set = expansion(more.clone(), json!({"system": "nowhere"}));
        assert_eq!(codes(&Known::new(&[set]), "v"), expected, "{more}");
    }
}

#[test]
fn what_cannot_be_decided_is_named() {
    let unknown = |canonical: &str| Err(Undecided::Unknown(canonical.into()));
    let open = |canonical: &str| Err(Undecided::Open(canonical.into()));
    let filter = |property: &str, op: &str, value: &str| json!({"include": [{"system": "s", "filter": [{"property": property, "op": op, "value": value}]}]});
    for (compose, expected) in [
        (json!({"include": [{"system": "nowhere"}]}), unknown("nowhere")),
        (json!({"include": [{"system": "s", "version": "2"}]}), unknown("s|2")),
        (json!({"include": [{"valueSet": ["nowhere"]}]}), unknown("nowhere")),
        (json!({"include": [{"valueSet": ["v"]}]}), open("v")),
        (json!({"include": [{"system": "part"}]}), open("part")),
        (
            json!({"include": [{"system": "s", "concept": [{"code": "a"}]}], "exclude": [{"system": "part"}]}),
            open("part"),
        ),
        (json!({"include": [{}]}), open("v")),
        (json!({"include": []}), open("v")),
        (json!({"include": [{"concept": [{"code": "a"}]}]}), open("v")),
        (filter("concept", "is-a", "nothing"), open("v")),
        (filter("concept", "child-of", "a"), open("v")),
        (filter("class", "=", "a"), open("v")),
        (json!(null), open("v")),
    ] {
        let part =
            json!({"resourceType": "CodeSystem", "url": "part", "content": "fragment", "concept": [{"code": "a"}]});
        let known = Known::new(&[system(), part, set("v", compose.clone())]);
        assert_eq!(codes(&known, "v"), expected, "{compose}");
    }
    assert_eq!(codes(&Known::default(), "v"), unknown("v"));
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
    assert_eq!(codes(&Known::new(&chain(DEPTH_MAX)), "0").as_deref(), Ok("a"));
    assert_eq!(codes(&Known::new(&chain(DEPTH_MAX + 1)), "0"), Err(Undecided::Open(DEPTH_MAX.to_string())));
    let wide = |others: usize| {
        let include: Vec<Value> = (0..others).map(|n| json!({"valueSet": [n.to_string()]})).collect();
        let listed = |n: usize| set(&n.to_string(), json!({"include": [{"system": "s", "concept": [{"code": "b"}]}]}));
        let mut all: Vec<Value> = (0..others).map(listed).collect();
        all.push(set("v", json!({"include": include})));
        Known::new(&all)
    };
    assert_eq!(codes(&wide(VALUE_SETS_MAX - 1), "v").as_deref(), Ok("b"));
    assert!(codes(&wide(VALUE_SETS_MAX), "v").is_err());
}

#[test]
fn hierarchies_go_up_and_down() {
    let said = json!({"resourceType": "CodeSystem", "url": "s", "content": "complete", "concept": [{"code": "a"},
        {"code": "b", "property": [{"code": "parent", "valueCode": "a"}, {"code": "child", "valueCode": "c"}]},
        {"code": "c"}, {"code": "d"}]});
    for system in [system(), said] {
        let known = Known::new(std::slice::from_ref(&system));
        let found = |code: &str, above| {
            let members = subsumed(&known, "s", code, above).unwrap();
            let is_in = |code: &&str| members.contains(system_hash("s"), coded_hash("s", code));
            ["a", "b", "c", "d"].into_iter().filter(is_in).collect::<String>()
        };
        assert_eq!([found("b", false), found("b", true), found("d", true), found("c", true)], ["bc", "ab", "d", "abc"]);
        assert_eq!(subsumed(&known, "s", "e", true).err(), Some(Undecided::Open("s".into())));
        assert_eq!(subsumed(&known, "t", "a", true).err(), Some(Undecided::Unknown("t".into())));
    }
    for (name, value) in [("content", json!("fragment")), ("hierarchyMeaning", json!("part-of")), ("count", json!(5))] {
        let mut other = system();
        other[name] = value;
        assert_eq!(subsumed(&Known::new(&[other]), "s", "b", false).err(), Some(Undecided::Open("s".into())));
    }
}
