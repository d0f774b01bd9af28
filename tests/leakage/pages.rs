//! D and E. What comes with matches, and pages.

use std::collections::BTreeSet;

use crate::gateway::{Ask, BASE};
use crate::{Worlds, worlds};

fn ids(worlds: &Worlds, path: &str) -> BTreeSet<String> {
    let answer = worlds.get(path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    let bundle = answer.json();
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    entries.iter().map(|entry| entry["resource"]["id"].as_str().unwrap_or("outcome").to_owned()).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn leak_27_nothing_hidden_is_included() {
    let worlds = worlds();
    assert_eq!(ids(&worlds, "/Composition?_include=Composition:entry"), set(&["told", "shown"]));
    for path in [
        "/Observation?_include=Observation:focus",
        "/Observation?_include=Observation:performer",
        "/List?_include=List:item",
    ] {
        assert!(ids(&worlds, path).iter().all(|id| id.starts_with('o')), "{path}");
    }
}

#[test]
fn leak_28_nothing_hidden_is_included_in_reverse() {
    let worlds = worlds();
    assert_eq!(ids(&worlds, "/Condition?_id=shown&_revinclude=Composition:entry"), set(&["shown", "told"]));
    for path in [
        "/Condition?_revinclude=List:item",
        "/Condition?_revinclude=Provenance:target",
        "/Condition?_revinclude=CarePlan:condition",
        "/Condition?_revinclude=Observation:focus",
    ] {
        assert_eq!(ids(&worlds, path), set(&["shown"]), "{path}");
    }
}

#[test]
fn leak_29_nor_step_by_step() {
    let worlds = worlds();
    let path = "/Condition?_id=shown&_revinclude=Composition:entry&_include:iterate=Composition:entry&_revinclude:iterate=Observation:focus";
    assert_eq!(ids(&worlds, path), set(&["shown", "told"]));
    worlds.get("/Condition?_id=shown&_revinclude:recurse=Observation:focus");
}

#[test]
fn leak_30_nor_by_a_star() {
    let worlds = worlds();
    let whole = ids(&worlds, "/Condition?_include=*&_revinclude=*");
    assert!(whole.contains("told") && whole.len() == 3, "{whole:?}");
    for path in [
        "/Condition?_include=Condition:*",
        "/Observation?_include=*&_include:iterate=*",
        "/Patient?_revinclude=*&_revinclude:iterate=*",
    ] {
        worlds.get(path);
    }
}

#[test]
fn leak_31_hidden_rows_take_no_place_among_what_is_included() {
    let worlds = worlds();
    for count in 1..=3 {
        let path = format!("/Patient?_count={count}&_revinclude=Observation:subject");
        assert_eq!(ids(&worlds, &path).len(), 6, "{path}");
    }
}

#[test]
fn leak_32_what_names_a_second_patient_belongs_to_both() {
    let worlds = worlds();
    worlds.find(&[
        ("/Observation?performer:Patient=Patient/x", 0),
        ("/Observation?_id=o-two", 0),
        ("/Observation?code=779", 0),
    ]);
    assert!(
        !worlds.get("/Patient?_revinclude=Observation:performer&_revinclude=Observation:focus").body.contains("o-two")
    );
}

#[test]
fn leak_33_links_say_what_was_asked_and_no_filter() {
    let worlds = worlds();
    let bundle = worlds.get("/Condition?code=secret&_count=1").json();
    let url = bundle["link"][0]["url"].as_str().unwrap();
    assert!(
        url.starts_with(&format!("{BASE}/Condition?")) && !url.contains("patient") && !url.contains("_security"),
        "{url}"
    );
}

#[test]
fn leak_34_no_outcome_says_that_something_was_left_out() {
    let worlds = worlds();
    for path in ["/Condition", "/Condition?_id=secret", "/Patient?_revinclude=*", "/Observation?_count=1"] {
        let text = worlds.get(path).body;
        assert!(!text.contains("OperationOutcome") && !text.contains("suppressed"), "{path}");
    }
}

/// Every page of a search, one after the other.
fn pages(worlds: &Worlds, path: &str) -> Vec<usize> {
    let mut sizes = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        let bundle = worlds.get(path.as_str()).json();
        sizes.push(bundle["entry"].as_array().map_or(0, Vec::len));
        let links = bundle["link"].as_array().cloned().unwrap_or_default();
        let link = links.iter().find(|link| link["relation"] == "next").and_then(|link| link["url"].as_str());
        next = link.map(|url| url.replace(BASE, ""));
    }
    sizes
}

#[test]
fn leak_35_and_37_pages_end_where_they_would_without_what_is_hidden() {
    let worlds = worlds();
    assert_eq!(pages(&worlds, "/Observation?_count=2"), [2, 2, 1]);
    assert_eq!(pages(&worlds, "/Observation?_count=1&_sort=date"), [1; 5]);
    assert_eq!(pages(&worlds, "/Observation?_count=5&_sort=-code"), [5]);
    assert_eq!(pages(&worlds, "/Condition?_count=1"), [1]);
    assert_eq!(pages(&worlds, "/Observation/_history?_count=2"), [2, 2, 1]);
}

#[test]
fn leak_36_and_38_a_link_carries_no_right_and_nothing_is_kept_for_it() {
    let worlds = worlds();
    // agency-b may see the hidden patient; its link in the hands of agency-a is a question like another.
    let bundle = worlds.more.get("agency-b", "/Condition?_count=1&_sort=code").json();
    let links = bundle["link"].as_array().unwrap();
    let next = links.iter().find(|link| link["relation"] == "next").unwrap()["url"].as_str().unwrap().replace(BASE, "");
    let seen = worlds.get(next.as_str());
    assert!(!seen.body.contains("\"other\"") && !seen.body.contains("\"secret\""), "{}", seen.body);
    // Changed in any place.
    for at in (0..next.len()).step_by(7) {
        let mut changed = next.clone().into_bytes();
        changed[at] = if changed[at] == b'a' { b'b' } else { b'a' };
        worlds.ask(Ask::get("agency-a", String::from_utf8(changed).unwrap()));
    }
}
