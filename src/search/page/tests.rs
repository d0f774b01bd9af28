//! Pages: one order, each match once, whatever is written between them.
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::fhir::ResourceType;
use crate::search::example::{NOW, World, find, resource, server};
use crate::search::query::{Query, Scope, Server};

fn query(text: &str, now: i64) -> Query<'static> {
    let scope = Scope::Type(ResourceType::OBSERVATION);
    Query::parse(scope, text, Server { now, ..server() }).unwrap_or_else(|issue| panic!("{text}: {}", issue.english()))
}

fn observation(id: &str, date: Option<&str>, code: &str) -> Value {
    let mut observation = resource("Observation", id, json!({"code": {"coding": [{"code": code}]}}));
    if let Some(date) = date {
        observation["effectiveDateTime"] = json!(date);
    }
    observation
}

/// Five Observations in two records.
fn world() -> World {
    let mut world = World::default();
    for (record, id, at, date, code) in [
        (0, "a", 5, Some("2020-01-01"), "x"),
        (0, "d", 3, None, "y"),
        (0, "c", 3, Some("2020-09-09"), "y"),
        (1, "b", 3, Some("2020-04-04"), "x"),
        (1, "e", 9, Some("2020-04-04"), "z"),
    ] {
        world.put(record, at, observation(id, date, code));
    }
    world
}

fn walk(text: &str) -> String {
    walk_from(text, None, true)
}

/// The ids of all pages from one on, forwards or backwards.
fn walk_from(text: &str, mut at: Option<String>, forwards: bool) -> String {
    let (shown, mut seen) = (world().shown(NOW), Vec::new());
    loop {
        let asked = at.map_or_else(|| text.to_owned(), |cursor| format!("{text}&_cursor={cursor}"));
        let query = query(&asked, NOW);
        let (ids, _, found) = find(&shown, &query).unwrap();
        assert_eq!(found.page.total, 5, "RES-10");
        if forwards {
            seen.extend(ids);
        } else {
            seen.splice(0..0, ids);
        }
        let link = if forwards { found.page.next } else { found.page.previous };
        match link {
            Some(cursor) => at = Some(cursor.text(&query.order(), b"seal")),
            None => return seen.concat(),
        }
        assert!(seen.len() < 20);
    }
}

#[test]
fn pages_over_several_records_give_each_match_once_in_order() {
    for count in [1, 2, 3, 5, 6] {
        for (sort, expected) in [
            ("", "eabcd"),
            ("&_sort=_lastUpdated", "bcdae"),
            ("&_sort=_id", "abcde"),
            ("&_sort=-_id", "edcba"),
            ("&_sort=date", "abecd"),
            ("&_sort=-date", "cbead"),
            ("&_sort=code", "abcde"),
            ("&_sort=-code", "ecdab"),
            ("&_sort=code,-date", "bacde"),
            ("&_sort=-code,_lastUpdated,-_id", "edcba"),
            ("&_sort=value-quantity,date", "abecd"),
        ] {
            assert_eq!(walk(&format!("_count={count}{sort}")), expected, "RES-06, RES-07 {sort} {count}");
        }
    }
}

#[test]
fn pages_lead_back_to_the_first() {
    let shown = world().shown(NOW);
    for count in [1, 2, 3, 4] {
        for sort in ["", "&_sort=date", "&_sort=-code"] {
            let text = format!("_count={count}{sort}");
            let whole = walk(&text);
            let (mut last, mut at) = (String::new(), None);
            loop {
                let asked = at.map_or_else(|| text.clone(), |cursor: String| format!("{text}&_cursor={cursor}"));
                let query = query(&asked, NOW);
                let (ids, _, found) = find(&shown, &query).unwrap();
                last = if ids.is_empty() { last } else { ids.concat() };
                let Some(next) = found.page.next else {
                    assert_eq!(found.page.previous.is_some(), count < 5);
                    let back = found.page.previous.unwrap().text(&query.order(), b"seal");
                    let before = walk_from(&text, Some(back), false);
                    assert_eq!(before + &last, whole, "RES-11 {text}");
                    break;
                };
                at = Some(next.text(&query.order(), b"seal"));
            }
        }
    }
}

#[test]
fn count_zero_is_the_total_alone() {
    let (ids, _, found) = find(&world().shown(NOW), &query("_count=0", NOW)).unwrap();
    assert_eq!((ids.len(), found.page.total, found.page.next, found.page.previous), (0, 5, None, None), "RES-09");
}

#[test]
fn a_cursor_that_was_changed_or_belongs_elsewhere_is_refused() {
    let plain = query("_count=1&_sort=code,date", NOW);
    let (_, _, found) = find(&world().shown(NOW), &plain).unwrap();
    let order = plain.order();
    let text = found.page.next.unwrap().text(&order, b"seal");
    assert!(Cursor::read(&text, &order, b"seal", NOW).is_some());
    assert_eq!(Cursor::read(&text, &order, b"seal", NOW - 1), None, "a search that has not begun");
    for at in 0..text.len() {
        let mut changed = text.clone().into_bytes();
        changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
        assert_eq!(Cursor::read(std::str::from_utf8(&changed).unwrap(), &order, b"seal", NOW), None);
    }
    assert_eq!(Cursor::read(&text, &query("_sort=date", NOW).order(), b"seal", NOW), None);
    assert_eq!(Cursor::read(&text, &order, b"other", NOW), None, "another gateway's");
    let long = "0".repeat(cursor::CURSOR_BYTES_MAX + 2);
    for bad in ["", "0", "zz", "あ", &text[..10], &format!("{text}00"), &long] {
        assert_eq!(Cursor::read(bad, &order, b"seal", NOW), None, "{bad}");
    }
}

#[test]
fn the_longest_place_can_be_read_again() {
    let rank = |value| Rank { value, descending: true };
    let text = || rank(Sorted::text(&"𠮷".repeat(key::TEXT_CHARACTERS_MAX + 1)));
    let rest = (1..crate::search::query::SORT_KEYS_MAX).map(|_| text()).collect();
    let id = "i".repeat(64);
    let cursor = Cursor::at(&Key::new(text(), rest, &id, ResourceType::OBSERVATION), true, NOW);
    let written = cursor.text("", b"seal");
    assert!(written.len() <= cursor::CURSOR_BYTES_MAX);
    assert_eq!(Cursor::read(&written, "", b"seal", NOW), Some(cursor));
}

#[test]
fn no_address_shows_a_name() {
    let order = query("_sort=code", NOW).order();
    let place = |value| {
        Cursor::at(&Key::new(Rank { value, descending: false }, vec![], "i", ResourceType::OBSERVATION), false, NOW)
    };
    let named = place(Sorted::text("yamada"));
    let hexadecimal = "yamada".bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let written = named.text(&order, b"seal");
    assert!(!written.contains(&hexadecimal) && Cursor::read(&written, &order, b"seal", NOW) == Some(named));
    let dated = place(Sorted::Integer(7)).text(&order, b"seal");
    assert!(Cursor::read(&dated, &order, b"another", NOW).is_some(), "what holds no text outlives the gateway");
}

#[derive(Clone, Debug)]
enum Write {
    Put(usize, usize, usize),
    Delete(usize),
}

fn write() -> impl Strategy<Value = Write> {
    prop_oneof![
        3 => (0..14_usize, 0..4_usize, 0..3_usize).prop_map(|(id, date, code)| Write::Put(id, date, code)),
        1 => (0..14_usize).prop_map(Write::Delete),
    ]
}

fn apply(world: &mut World, at: i64, write: &Write) {
    let id = |n: usize| format!("o{n}");
    match *write {
        Write::Put(n, date, code) => {
            let date = ["2020", "2021-03", "2021-03-05"].get(date).copied();
            world.put(n % 2, at, observation(&id(n), date, ["x", "y", "z"][code]));
        }
        Write::Delete(n) => world.delete(n % 2, at, observation(&id(n), None, "x")),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// RES-12: whatever was there when the search began and is not deleted since comes once; nothing comes twice, and
    /// nothing that was made since comes at all.
    #[test]
    fn writes_between_pages_neither_repeat_nor_skip(
        before in prop::collection::vec(write(), 0..20),
        between in prop::collection::vec(prop::collection::vec(write(), 0..4), 14),
        sort in prop::sample::select(vec!["", "&_sort=date", "&_sort=-date", "&_sort=code,-_lastUpdated", "&_sort=-_lastUpdated", "&_sort=-code,date"]),
        count in 1..4_usize,
    ) {
        let mut world = World::default();
        world.put(1, 0, observation("o1", None, "x"));
        world.put(0, 0, observation("o0", None, "x"));
        before.iter().enumerate().for_each(|(n, write)| apply(&mut world, n as i64, write));
        let begun = 1000;
        let there = |world: &World| {
            let whole = query("_count=1000", begun);
            find(&world.shown(begun), &whole).unwrap().0
        };
        let first = there(&world);
        let mut deleted: Vec<String> = Vec::new();
        let (mut seen, mut at, mut now) = (Vec::new(), None, begun);
        for writes in between {
            let asked = at.map_or_else(|| format!("_count={count}{sort}"), |c: String| format!("_count={count}{sort}&_cursor={c}"));
            // Pages after the first are asked for later; the first begins the search.
            let query = query(&asked, now);
            let judge_now = if query.cursor.is_some() { now } else { begun };
            let shown = world.shown(begun);
            let eyes = shown.eyes();
            let judge = crate::search::evaluate::Judge::new(&eyes, &crate::search::terminology::NoTerminology, server());
            let found = crate::search::run::run(&judge, &query, judge_now).unwrap();
            use crate::search::visible::Visible;
            seen.extend(found.page.matches.iter().map(|at| eyes.charts()[at.chart].ids[at.row].as_str().to_owned()));
            let Some(next) = found.page.next else { break };
            at = Some(next.text(&query.order(), b"seal"));
            for write in &writes {
                now += 1;
                apply(&mut world, now, write);
                if let Write::Delete(n) = write {
                    deleted.push(format!("o{n}"));
                }
            }
        }
        let mut unique = seen.clone();
        unique.sort();
        unique.dedup();
        prop_assert_eq!(unique.len(), seen.len(), "nothing comes twice: {:?}", seen);
        for id in &first {
            prop_assert!(seen.contains(id) || deleted.contains(id), "{} is skipped", id);
        }
        prop_assert!(seen.iter().all(|id| first.contains(id)), "what was made since comes not");
    }
}
