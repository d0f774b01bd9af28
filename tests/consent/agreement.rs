//! The engine and the naive reading of docs/adr/0035 decide alike. `TASUKI_CASES` is how many cases, `TASUKI_SEED` repeats a
//! run; a case on which they differ is made as small as it goes and printed.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cases::{self, Dice};
use crate::{judge, naive};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// The cases of a run, each from a seed of its own.
pub fn seeded(default: u64) -> impl Iterator<Item = Value> {
    let seed = number("TASUKI_SEED", 20_261_122);
    let count = number("TASUKI_CASES", default);
    println!("TASUKI_SEED={seed} TASUKI_CASES={count}");
    (0..count).map(move |at| cases::case(&mut Dice(seed.wrapping_mul(0x9e37_79b9).wrapping_add(at << 20))))
}

fn differs(case: &Value) -> bool {
    let Some(judged) = judge::answers(case) else { return false };
    let read: Vec<bool> = naive::answers(case).iter().map(|answer| answer.permitted).collect();
    judged != read
}

/// The smallest case that still is one, by leaving out whatever can be left out.
pub fn shrunk(mut case: Value, still: impl Fn(&Value) -> bool) -> Value {
    loop {
        let mut paths = Vec::new();
        places(&case, String::new(), &mut paths);
        let smaller = paths.iter().find_map(|path| {
            let mut smaller = case.clone();
            let (parent, last) = path.rsplit_once('/')?;
            match smaller.pointer_mut(parent)? {
                Value::Array(items) => drop(items.remove(last.parse().ok()?)),
                Value::Object(members) => drop(members.remove(last)),
                _ => return None,
            }
            still(&smaller).then_some(smaller)
        });
        match smaller {
            Some(smaller) => case = smaller,
            None => return case,
        }
    }
}

fn places(value: &Value, at: String, found: &mut Vec<String>) {
    let inside: Vec<(String, &Value)> = match value {
        Value::Array(items) => items.iter().enumerate().map(|(n, item)| (n.to_string(), item)).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
        _ => Vec::new(),
    };
    // What says what kind of thing it is stays: without it, it is another case.
    for (name, inner) in inside.into_iter().filter(|(name, _)| !["resourceType", "id"].contains(&name.as_str())) {
        let place = format!("{at}/{name}");
        found.push(place.clone());
        places(inner, place, found);
    }
}

fn agree(default: u64) {
    let (mut mix, mut resources, mut disagreements): (BTreeMap<(bool, String), u64>, u64, u64) = Default::default();
    let mut shown = Vec::new();
    for case in seeded(default) {
        let Some(judged) = judge::answers(&case) else {
            *mix.entry((false, "a network that does not start".into())).or_default() += 1;
            continue;
        };
        let read = naive::answers(&case);
        resources += read.len() as u64;
        if read.iter().map(|answer| answer.permitted).ne(judged.iter().copied()) {
            disagreements += 1;
            if shown.len() < 3 {
                shown.push(shrunk(case, differs));
            }
            continue;
        }
        for answer in read {
            *mix.entry((answer.permitted, answer.why)).or_default() += 1;
        }
    }
    let permitted: u64 = mix.iter().filter(|((permitted, _), _)| *permitted).map(|(_, count)| count).sum();
    let share = |count: u64| count as f64 * 100.0 / resources as f64;
    println!("{resources} decisions, {:.1} % permitted", share(permitted));
    for ((permitted, why), count) in &mix {
        println!("{:>8.3} % {} {why}", share(*count), if *permitted { "permit" } else { "deny  " });
    }
    for case in &shown {
        let (judged, read) = (judge::answers(case).unwrap_or_default(), naive::answers(case));
        let read: Vec<String> = read.iter().map(|answer| format!("{} ({})", answer.permitted, answer.why)).collect();
        println!("the program: {judged:?}\nthe naive reading: {read:?}\n{case:#}");
    }
    assert_eq!(disagreements, 0, "cases on which the engine and the naive reading differ");
    assert!(permitted * 3 >= resources, "a third of the decisions permit");
}

#[test]
fn the_engine_and_a_naive_reading_of_the_rules_decide_alike() {
    agree(6_000);
}

#[test]
#[ignore = "a million cases: cargo test --release --test consent -- --ignored"]
fn the_engine_and_a_naive_reading_of_the_rules_decide_alike_a_million_times() {
    agree(1_000_000);
}
