//! C. What a search matches.

use crate::gateway::Ask;
use crate::{HIDDEN, patient, worlds};

#[test]
fn leak_17_totals_count_what_may_be_seen() {
    let worlds = worlds();
    worlds.find(&[
        ("/Condition", 1),
        ("/Condition?_total=accurate", 1),
        ("/Condition?_total=estimate", 1),
        ("/Condition?_summary=count", 1),
        ("/Condition?_count=0", 1),
        ("/Observation?_summary=count", 5),
        ("/Patient?_summary=count", 1),
        ("?_type=Condition,Observation&_summary=count", 6),
    ]);
}

#[test]
fn leak_18_ids_times_and_numbers_find_nothing_hidden() {
    let worlds = worlds();
    worlds.find(&[
        ("/Condition?_id=secret", 0),
        ("/Condition?_id=secret,shown,other", 1),
        ("/Condition?identifier=secret", 0),
        ("/Condition?identifier=urn:x%7Csecret", 0),
        ("/Patient?identifier=3", 0),
        ("/Condition?_lastUpdated=ge2000", 1),
        ("/Patient?birthdate=1943-01-01", 0),
    ]);
}

#[test]
fn leak_19_modifiers_find_nothing_hidden() {
    let worlds = worlds();
    worlds.find(&[
        ("/Condition?code:not=nothing", 1),
        ("/Condition?code:not=shown", 0),
        ("/Observation?focus:missing=true", 5),
        ("/Observation?focus:missing=false", 0),
        ("/Observation?performer:missing=false", 0),
        ("/Condition?code:text=%E7%97%85%E5%90%8D", 1),
        ("/Observation?code-value-quantity=777$36.5", 0),
        ("/Observation?combo-code-value-quantity=778$36.5", 0),
        ("/Patient?name:contains=3", 0),
        ("/Patient?family:exact=%E8%A6%8B%E6%9C%AC3", 0),
    ]);
    for path in [
        "/Condition?code:above=secret",
        "/Condition?code:below=secret",
        "/Condition?code:in=urn:x:set",
        "/Condition?code:of-type=a|b|c",
    ] {
        worlds.get(path.replace('|', "%7C"));
    }
}

#[test]
fn leak_20_chains_lead_over_nothing_hidden() {
    let worlds = worlds();
    worlds.find(&[
        ("/Observation?focus:Condition.code=secret", 0),
        ("/Observation?focus:Condition.clinical-status=active", 0),
        ("/Observation?performer:Patient.name=%E8%A6%8B%E6%9C%AC3", 0),
        ("/Observation?subject:Patient.family=%E8%A6%8B%E6%9C%AC3", 0),
        ("/Observation?subject:Patient.birthdate=1943-01-01", 0),
        ("/Observation?subject:Patient.birthdate=1941-01-01", 5),
        ("/Composition?entry:Condition.code=secret", 0),
        ("/List?item:Condition.code=secret", 0),
    ]);
}

#[test]
fn leak_21_what_refers_is_hidden_from_has_too() {
    let worlds = worlds();
    worlds.find(&[
        ("/Patient?_has:Observation:patient:code=777", 0),
        ("/Patient?_has:Observation:patient:code=1", 1),
        ("/Patient?_has:Condition:patient:_id=secret", 0),
        ("/Patient?_has:Condition:subject:_has:Observation:focus:code=777", 0),
        ("/Patient?_has:Observation:patient:code=1&_has:Observation:patient:code=777", 0),
        ("/Condition?_has:Composition:entry:title=told-too-much", 0),
        ("/Condition?_has:Composition:entry:title=told", 1),
        ("/Condition?_has:List:item:status=current", 0),
        ("/Condition?subject:Patient._has:Observation:patient:code=777", 0),
    ]);
}

#[test]
fn leak_22_special_parameters_find_nothing_hidden() {
    let worlds = worlds();
    worlds.find(&[
        ("/Condition?_filter=code%20eq%20secret", 0),
        ("/Condition?_filter=not%20(code%20eq%20shown)", 0),
        ("/Condition?_list=l-secret", 0),
        ("/Condition?_content=secret", 0),
        ("/Condition?_text=secret", 0),
        ("?_content=%E8%83%83%E7%99%8C", 0),
        ("?_type=Condition,List,CarePlan,Goal,Provenance", 1),
        ("?_type=Patient", 1),
    ]);
    for path in [
        "/Condition?_query=secret",
        "/Condition?_contained=true",
        "/Condition?_containedType=container",
        "/Observation?_contained=both",
    ] {
        worlds.get(path);
    }
}

#[test]
fn leak_23_the_order_does_not_depend_on_what_is_hidden() {
    let worlds = worlds();
    for sort in [
        "date",
        "-date",
        "code",
        "-code",
        "_id",
        "-_lastUpdated",
        "focus",
        "performer",
        "patient",
        "-value-quantity",
        "identifier",
    ] {
        let answer = worlds.get(format!("/Observation?_sort={sort}&_count=2"));
        assert_eq!(answer.status, 200, "{sort} {}", answer.body);
    }
    for sort in ["patient.name", "subject:Patient.birthdate", "focus.code", "nothing"] {
        worlds.get(format!("/Observation?_sort={sort}"));
    }
}

#[test]
fn leak_24_and_25_a_form_finds_no_more_than_an_address() {
    let worlds = worlds();
    let form = |path: &str, body: &str| {
        let ask = Ask { method: "POST", body: body.as_bytes().to_vec(), ..Ask::get("agency-a", path) };
        worlds.ask(ask.with("content-type", "application/x-www-form-urlencoded")).json()["total"].clone()
    };
    assert_eq!(form("/Condition/_search", "_id=secret"), 0);
    assert_eq!(form("/Condition/_search", ""), 1);
    assert_eq!(form("/_search", "_type=Condition"), 1);
    // Repeated in body and address: both hold.
    assert_eq!(form("/Condition/_search?_id=shown", "_id=secret"), 0);
    assert_eq!(form("/Condition/_search?_id=shown,secret", "_id=secret,other"), 0);
    let whose = format!("patient={}", patient(HIDDEN));
    assert_eq!(form(&format!("/Condition/_search?{whose}"), ""), 0);
}

#[test]
fn leak_26_there_is_no_masking_by_which_to_search() {
    let worlds = worlds();
    // A label on one element hides the whole: nothing is searched or sorted by a part of it.
    worlds.find(&[
        ("/Observation?code=778", 0),
        ("/Observation?_security=HIV", 0),
        ("/DocumentReference?security-label=R", 0),
    ]);
    assert_eq!(worlds.get("/Observation?_elements=code").json()["total"], 5);
}
