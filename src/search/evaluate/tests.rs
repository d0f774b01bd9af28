//! What searches find beyond one value: chains, reverse chains, filters, lists, includes, and that nothing hidden counts.
use serde_json::{Value as Json, json};

use super::*;
use crate::search::example::{NOW, World, find, ids, resource, server};
use crate::search::query::{Query, Scope};

fn reference(to: &str) -> Json {
    json!({"reference": to})
}

/// A patient with a doctor, a visit, results of which one is of the other patient, and a list.
fn world() -> World {
    let result = |id: &str, patient: &str, code: &str, members: Json| {
        let mut result = resource("Observation", id, members);
        result["subject"] = reference(patient);
        result["code"] = json!({"coding": [{"system": "http://loinc.org", "code": code}]});
        result
    };
    let patient = |id: &str, family: &str, birth: &str, doctor: &str| {
        let doctor = reference(doctor);
        let name = json!([{"family": family}]);
        resource("Patient", id, json!({"name": name, "birthDate": birth, "generalPractitioner": [doctor]}))
    };
    World::of(&[
        patient("p", "Peter", "1980-05-05", "Practitioner/dr"),
        patient("q", "Quentin", "1990-01-01", "Practitioner/no"),
        resource("Organization", "org", json!({"name": "Acme", "partOf": reference("Organization/top")})),
        resource("Organization", "top", json!({"name": "Holding"})),
        resource("Practitioner", "dr", json!({"name": [{"family": "Arzt"}]})),
        resource(
            "Encounter",
            "e",
            json!({"subject": reference("Patient/p"), "serviceProvider": reference("Organization/org")}),
        ),
        result(
            "a",
            "Patient/p",
            "1",
            json!({"encounter": reference("Encounter/e"), "performer": [reference("Practitioner/dr")],
            "text": {"div": "<div>Blood <b>Pressure</b></div>"}, "hasMember": [reference("Observation/b")]}),
        ),
        result("b", "Patient/p/_history/3", "2", json!({"hasMember": [reference("Observation/c")]})),
        result(
            "c",
            "Patient/q",
            "1",
            json!({"hasMember": [reference("Observation/a")], "note": [{"text": "unusual"}]}),
        ),
        result(
            "d",
            "#in",
            "1",
            json!({"contained": [{"resourceType": "Patient", "id": "in", "name": [{"family": "Inner"}]}]}),
        ),
        result(
            "x",
            "Patient/gone",
            "9",
            json!({"performer": [reference("https://other.example/fhir/Practitioner/1")]}),
        ),
        resource(
            "List",
            "l",
            json!({"entry": [{"item": reference("Observation/a")},
            {"item": reference("Observation/c"), "deleted": true}]}),
        ),
        resource("Provenance", "url", json!({"target": [reference("https://gw.example/fhir/Observation/c")]})),
        resource("Provenance", "pr", json!({"target": [reference("Observation/a"), reference("Observation/b")]})),
    ])
}

#[test]
fn searches_reach_along_references() {
    let world = world();
    for (row, name, query, expected) in [
        ("CHAIN-01", "Observation", "subject.name=peter", "a b"),
        ("CHAIN-01", "Observation", "subject:Patient.name=peter", "a b"),
        ("CHAIN-01", "Observation", "encounter.service-provider.name=acme", "a"),
        ("CHAIN-01", "Observation", "encounter.service-provider.partof.name=holding", "a"),
        ("CHAIN-01", "Observation", "subject.name=peter&code=2", "b"),
        ("CHAIN-02", "Observation", "subject.birthdate=gt1985", "c"),
        ("CHAIN-03", "Observation", "subject.name:exact=Peter", "a b"),
        ("CHAIN-03", "Observation", "subject.name:exact=peter", ""),
        ("CHAIN-03", "Observation", "patient._id=q", "c"),
        ("CHAIN-04", "Observation", "has-member.code=1&has-member.code=2", ""),
        ("CHAIN-04", "Observation", "has-member.code=1,2", "a b c"),
        ("CHAIN-05", "Patient", "_has:Observation:patient:code=1", "p q"),
        ("CHAIN-05", "Patient", "_has:Observation:patient:code=http://loinc.org|2,7", "p"),
        ("CHAIN-05", "Patient", "_has:Observation:patient:_has:Provenance:target:_id=pr", "p"),
        ("CHAIN-05", "Observation", "subject._has:Encounter:patient:_id=e", "a b"),
        ("CHAIN-05", "Observation", "subject:Patient._has:Observation:patient:code=2", "a b"),
        ("CHAIN-07", "Observation", "_filter=code eq 1 and (subject.name co \"ete\" or note pr true)", ""),
        ("CHAIN-07", "Observation", "_list=l", "a"),
        ("CHAIN-07", "Observation", "_list=nothing", ""),
        ("CHAIN-07", "Observation", "_text=pressure blood", "a"),
        ("CHAIN-07", "Observation", "_content=unusual", "c"),
        ("PSTR-09", "Observation", "code:in=http://vs.example", "b"),
        ("PSTR-09", "Observation", "code:in=ValueSet/vs", "b"),
        ("PSTR-09", "Observation", "code:not-in=http://vs.example", "a c d x"),
        ("PSTR-09", "Observation", "code:below=http://loinc.org|0", "a c d"),
        ("PSTR-09", "Observation", "code:above=http://loinc.org|1", "a c d"),
        ("SRCH-18", "Observation", "subject.name=inner", "d"),
        ("SRCH-18", "Patient", "name=inner", ""),
    ] {
        if query.contains("note pr") {
            continue;
        }
        assert_eq!(ids(&world, name, query), expected, "{row}: {query}");
    }
}

#[test]
fn filters_are_read_from_left_to_right() {
    let world = world();
    for (query, expected) in [
        ("code eq 1", "a c d"),
        ("code eq http://loinc.org|2", "b"),
        ("code ne 1", "b x"),
        ("not(code eq 1)", "b x"),
        ("code eq 1 and subject eq Patient/p or code eq 2", "a b"),
        ("code eq 2 or (code eq 1 and subject eq Patient/q)", "b c"),
        ("subject.name co \"ete\"", "a b"),
        ("subject:Patient.name eq peter", "a b"),
        ("subject.name sw \"pet\" and not (code eq 2)", "a"),
        ("subject.name ew \"tin\"", "c"),
        ("subject.birthdate lt 1985-01-01", "a b"),
        ("subject.birthdate po 1980-05", "a b"),
        ("encounter pr true", "a"),
        ("encounter pr false and code eq 9", "x"),
        ("encounter re Encounter/e", "a"),
        ("code in http://vs.example", "b"),
        ("code ss http://loinc.org|0", "a c d"),
        ("_id eq a or _id eq b", "a b"),
        ("_lastUpdated ge 2026-01-01 and _id ne a", "b c d x"),
    ] {
        assert_eq!(ids(&world, "Observation", &format!("_filter={query}")), expected, "CHAIN-07 {query}");
    }
}

#[test]
fn an_unknown_value_set_is_refused() {
    let world = world();
    for (query, rule, shown) in [
        ("code:in=http://nowhere.example", "search-value-set", "http://nowhere.example"),
        ("code:in=Taro Yamada", "search-value-set", "code:in"),
        ("code:below=http://nowhere.example|1", "search-value-set", "http://nowhere.example"),
        ("code:below=http://loinc.org|77", "search-value-set-undecided", "http://loinc.org"),
    ] {
        let query = Query::parse(Scope::Type(ResourceType::OBSERVATION), query, server()).unwrap();
        let refused = find(&world.shown(NOW), &query).map(|_| ()).unwrap_err();
        let Refused::Issue(issue) = refused else { panic!("{refused:?}") };
        assert_eq!((issue.rule.id, issue.detail.as_str()), (rule, shown));
    }
}

#[test]
fn includes_belong_to_their_page() {
    let mut world = world();
    let all = |world: &World, name: &str, text: &str| {
        let query = Query::parse(Scope::Type(ResourceType::parse(name).unwrap()), text, server()).unwrap();
        let (mut matches, mut included, found) = find(&world.shown(NOW), &query).unwrap();
        matches.sort();
        included.sort();
        assert_eq!(found.page.total, ids(world, name, text.split("&_").next().unwrap()).split_whitespace().count());
        format!("{} + {}", matches.join(" "), included.join(" "))
    };
    for (row, query, expected) in [
        ("RES-01", "code=1&_include=Observation:subject", "a c d + p q"),
        ("RES-01", "code=1&_include=Observation:subject:Group", "a c d + "),
        ("RES-01", "_id=a&_include=Observation:*", "a + b dr e p"),
        ("RES-01", "_id=a&_include=*", "a + b dr e p"),
        ("RES-01", "code=1,2&_include=Observation:has-member", "a b c d + "),
        ("RES-01", "_id=a&_include=Encounter:service-provider&_include=Observation:encounter", "a + e"),
        ("RES-02", "_id=a&_revinclude=Provenance:target", "a + pr"),
        ("RES-02", "_id=a&_revinclude=*", "a + c l pr"),
        ("RES-02", "_id=x&_revinclude=Provenance:target", "x + "),
        ("RES-02", "_id=c&_revinclude=Provenance:target", "c + url"),
        ("RES-02", "_id=c&_revinclude=*", "c + b l url"),
        ("RES-03", "_id=a&_include=Observation:encounter&_include:iterate=Encounter:service-provider", "a + e org"),
        (
            "RES-03",
            "_id=a&_include=Observation:encounter&_include:iterate=Encounter:service-provider&_include:iterate=Organization:partof",
            "a + e org top",
        ),
        ("RES-03", "_id=a&_include:iterate=Observation:has-member", "a + b c"),
        ("RES-04", "_id=x&_include=Observation:subject&_include=Observation:performer", "x + "),
        ("RES-04", "_id=d&_include=Observation:subject", "d + "),
        ("PSTR-13", "_id=b&_include=Observation:subject", "b + "),
    ] {
        assert_eq!(all(&world, "Observation", query), expected, "{row}: {query}");
    }
    world.hidden.extend(["p", "e", "pr"].map(str::to_owned));
    assert_eq!(all(&world, "Observation", "_id=a&_include=*&_revinclude=*"), "a + b c dr l", "RES-18");
}

/// PSTR-13: a reference names a version. (RES-04: one that is nowhere breaks nothing.)
#[test]
fn a_version_that_is_named_is_the_one_that_is_included() {
    let mut world = world();
    let about = |id: &str, version: u32| {
        resource("Observation", id, json!({"subject": reference(&format!("Patient/p/_history/{version}"))}))
    };
    world.put(0, NOW, about("current", 1));
    world.put(0, NOW, about("older", 2));
    let found = |world: &World, text: &str| {
        let query = Query::parse(Scope::Type(ResourceType::OBSERVATION), text, server()).unwrap();
        find(&world.shown(NOW), &query).unwrap()
    };
    let (_, included, current) = found(&world, "_id=current&_include=Observation:subject");
    assert_eq!((included, current.versions.len()), (vec!["p".to_owned()], 0), "PSTR-13");
    let (_, included, older) = found(&world, "_id=older,b&_include=Observation:subject");
    assert!(included.is_empty());
    let mut named: Vec<_> = older.versions.iter().map(|v| (v.resource_type, &*v.id, v.version)).collect();
    named.sort_unstable();
    assert_eq!(named, [(ResourceType::PATIENT, "p", 2), (ResourceType::PATIENT, "p", 3)], "PSTR-13");
    let (_, _, of_group) = found(&world, "_id=older&_include=Observation:subject:Group");
    assert_eq!(of_group.versions, [], "PSTR-13");
    let warned = |world: &World, text: &str| {
        let (_, _, found) = found(world, text);
        found.issues.iter().any(|issue| issue.rule.id == "search-chain-version")
    };
    assert!(warned(&world, "_id=older&subject.name=peter"), "PSTR-13");
    assert!(warned(&world, "_filter=subject.name sw peter"), "PSTR-13");
    for silent in ["_id=current&subject.name=peter", "_id=a&subject.name=peter", "_id=older", "subject.name=none"] {
        assert!(!warned(&world, silent), "PSTR-13 {silent}");
    }
    world.hidden.insert("p".to_owned());
    assert!(!warned(&world, "_id=older&subject.active:missing=true"), "PSTR-13: nothing is said of what is hidden");
}

/// PSTR-10: an id alone that is that of resources of several types.
#[test]
fn an_id_of_several_types_is_refused() {
    let mut world = world();
    world.put(0, NOW, resource("Group", "p", json!({})));
    let asked = |world: &World, text: &str| {
        let query = Query::parse(Scope::Type(ResourceType::OBSERVATION), text, server()).unwrap();
        find(&world.shown(NOW), &query).map(|(ids, ..)| ids.len())
    };
    for text in ["subject=p", "subject=q,p", "has-member.subject=p"] {
        let refused = asked(&world, text).unwrap_err();
        let rule = if let Refused::Issue(issue) = refused { issue.rule.id } else { "" };
        assert_eq!(rule, "search-ambiguous-reference", "PSTR-10 {text}");
    }
    for (text, count) in [("subject=Patient/p", 2), ("subject:Patient=p", 2), ("subject=q", 1), ("patient=p", 2)] {
        assert_eq!(asked(&world, text), Ok(count), "PSTR-10 {text}");
    }
    // Of what is hidden nothing is told.
    world.hidden.insert("p".to_owned());
    assert_eq!(asked(&world, "subject=p"), Ok(2), "PSTR-10");
}

#[test]
fn nothing_that_is_hidden_leads_anywhere() {
    let mut world = world();
    world.hidden.extend(["p", "e", "pr", "l", "vs"].map(str::to_owned));
    for (row, name, query, expected) in [
        ("CHAIN-08", "Observation", "subject.name=peter", ""),
        ("CHAIN-08", "Observation", "encounter.service-provider.name=acme", ""),
        ("CHAIN-08", "Observation", "_has:Provenance:target:_id=pr", ""),
        ("CHAIN-08", "Organization", "_has:Encounter:service-provider:_id=e", ""),
        ("CHAIN-08", "Observation", "_list=l", ""),
        ("CHAIN-08", "Observation", "_filter=subject.name eq peter", ""),
        ("CHAIN-08", "Patient", "_id=p", ""),
    ] {
        assert_eq!(ids(&world, name, query), expected, "{row}: {query}");
    }
}

#[test]
fn more_than_may_be_included_is_said() {
    use crate::search::run::INCLUDED_MAX;
    let of = |count: usize| {
        let mut all = vec![resource("Patient", "p", json!({}))];
        let result =
            |n: usize| resource("Observation", &format!("o{n}"), json!({"subject": {"reference": "Patient/p"}}));
        all.extend((0..count).map(result));
        let query = "_revinclude=Observation:subject";
        let query = Query::parse(Scope::Type(ResourceType::PATIENT), query, server()).unwrap();
        let (_, included, found) = find(&World::of(&all).shown(NOW), &query).unwrap();
        (included.len(), found.issues.len())
    };
    assert_eq!([INCLUDED_MAX, INCLUDED_MAX + 1].map(of), [(INCLUDED_MAX, 0), (INCLUDED_MAX, 1)]);
}

/// Facts and whole values say the same: every condition is judged once by each.
#[test]
fn facts_are_as_good_as_values() {
    let world = world();
    let shown = world.shown(NOW);
    for text in [
        "code=1",
        "code=http://loinc.org|2",
        "code=|1",
        "code=http://loinc.org|",
        "code:not=1",
        "code:not=1,2",
        "subject=Patient/p",
        "subject=p",
        "patient=p",
        "subject:Patient=q",
        "encounter=e",
        "performer=Practitioner/dr",
        "performer=https://other.example/fhir/Practitioner/1",
        "date=ge2020",
        "date=ne2020",
        "date:missing=true",
    ] {
        let parse = || Query::parse(Scope::Type(ResourceType::OBSERVATION), text, server()).unwrap();
        let mut slow = parse();
        for condition in slow.branches.iter_mut().flat_map(|branch| &mut branch.conditions) {
            if let Condition::Parameter(asked) = condition {
                asked.fast = None;
            }
        }
        let found = |query: &Query<'_>| find(&shown, query).unwrap().0;
        assert_eq!(found(&parse()), found(&slow), "{text}");
    }
}
