//! The judge against one written from the specification, over generated resources and queries: by facts, and by whole values.
//!
//! A few seconds of it run always. `TASUKI_QUERIES=100000 cargo test --release --lib specification -- --nocapture` runs as many
//! queries as that, and `TASUKI_SEED` repeats a run.

mod asked;
mod dice;
mod judge;
mod parameters;
mod said;
mod world;
mod written;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::fhir::ResourceType;
use crate::search::example::{NOW, World, find, server};
use crate::search::query::{Condition, Query, Scope};

use asked::{Ask, How, Logic, Wish};
use dice::Dice;
use judge::Seen;
use parameters::{Parameter, TYPES};

/// Queries of one run where `TASUKI_QUERIES` says no other number.
const QUERIES: usize = 3_000;
/// Queries of one world.
const OF_ONE_WORLD: usize = 40;

/// A world of two records, with earlier versions, deleted resources, and some that may not be seen.
struct Generated {
    world: World,
    current: Vec<(i64, Json)>,
}

fn generated(dice: &mut Dice) -> Generated {
    let (mut world, mut current) = (World::default(), Vec::new());
    for (n, mut resource) in world::resources(dice).into_iter().enumerate() {
        world::spread(dice, &mut resource);
        let stored = NOW + dice.roll(5) as i64 * 250;
        let id = resource["id"].as_str().unwrap().to_owned();
        let of = TYPES.iter().find(|of| resource["resourceType"] == **of);
        if let Some(of) = of.filter(|_| dice.one_in(4) && id.ends_with(|c: char| c.is_ascii_digit())) {
            let mut before = world::one(dice, of, n);
            world::spread(dice, &mut before);
            before["id"] = resource["id"].clone();
            world.put(n % 2, NOW - 1, before);
        }
        let is_fixed = ["members", "hierarchy", "list"].contains(&id.as_str());
        if !is_fixed && dice.one_in(15) {
            world.put(n % 2, stored - 1, resource.clone());
            world.delete(n % 2, stored, resource);
            continue;
        }
        if !is_fixed && dice.one_in(10) {
            world.hidden.insert(id);
        } else {
            current.push((stored, resource.clone()));
        }
        world.put(n % 2, stored, resource);
    }
    Generated { world, current }
}

#[cfg(test)] // what it prints, and how long it runs, is the affair of whoever runs it
#[test]
fn the_judge_is_the_specification() {
    let variable = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = variable("TASUKI_SEED").unwrap_or(20_261_122);
    let queries = variable("TASUKI_QUERIES").map_or(QUERIES, |count| count as usize);
    println!("TASUKI_SEED={seed}");
    let (mut dice, mut counts, mut found, mut wrong) = (Dice(seed), BTreeMap::new(), 0, Vec::new());
    for asked in 0..queries {
        if asked % OF_ONE_WORLD != 0 {
            continue;
        }
        let generated = generated(&mut dice);
        let shown = generated.world.shown(i64::MAX);
        for _ in 0..OF_ONE_WORLD.min(queries - asked) {
            let of = if dice.one_in(2) { dice.pick(&TYPES[..3]) } else { dice.pick(&TYPES) };
            let asks: Vec<Ask> = (0..dice.pick(&[1, 1, 1, 2, 2, 3])).map(|_| asked::ask(&mut dice, of, 0)).collect();
            asks.iter().for_each(|ask| count(ask, &mut counts));
            *counts.entry(format!("and of {}", asks.len())).or_default() += 1;
            let seen = Seen(generated.current.iter().map(|(stored, json)| (*stored, json)).collect());
            let of_type = seen.0.iter().filter(|(_, json)| json["resourceType"] == of);
            let right = of_type.filter(|one| asks.iter().all(|ask| seen.holds(**one, ask)));
            let mut expected: Vec<String> = right.map(|(_, json)| json["id"].as_str().unwrap().to_owned()).collect();
            expected.sort();
            found += usize::from(!expected.is_empty());
            if let Some(told) = compared(&shown, of, &asks, &expected, &generated.current) {
                wrong.push(told);
            }
        }
    }
    counts.iter().for_each(|(name, count)| println!("{count:>8} {name}"));
    println!("{queries} queries, {found} of them found something");
    let first = wrong.iter().take(5).cloned().collect::<Vec<_>>().join("\n\n");
    assert!(wrong.is_empty(), "{} of {queries} are judged otherwise:\n{first}", wrong.len());
    assert!(found * 5 > queries, "too few find anything");
}

/// What the judge finds otherwise, if anything, by facts or by values.
fn compared(
    shown: &crate::search::example::Shown,
    of: &str,
    asks: &[Ask],
    expected: &[String],
    current: &[(i64, Json)],
) -> Option<String> {
    let text = asks.iter().map(written::in_url).chain(["_count=1000".to_owned()]).collect::<Vec<_>>().join("&");
    let scope = Scope::Type(ResourceType::parse(of).unwrap());
    let mut query = match Query::parse(scope, &text, server()) {
        Ok(query) => query,
        Err(issue) => return Some(format!("{of}?{text}\n is refused: {}", issue.english())),
    };
    for tier in ["facts", "values"] {
        if tier == "values" {
            query.branches.iter_mut().flat_map(|branch| &mut branch.conditions).for_each(slow);
        }
        let mut ids = match find(shown, &query) {
            Ok((ids, ..)) => ids,
            Err(refused) => return Some(format!("{of}?{text}\n is refused: {refused:?}")),
        };
        ids.sort();
        if ids != expected {
            let differs = |id: &&Json| {
                let id = id["id"].as_str().unwrap().to_owned();
                ids.contains(&id) != expected.contains(&id)
            };
            let about = current.iter().map(|(_, json)| json).find(differs);
            return Some(format!("{of}?{text}\n by {tier}: {ids:?}\n expected: {expected:?}\n {about:?}\n {asks:?}"));
        }
    }
    None
}

/// Without the facts.
fn slow(condition: &mut Condition<'_>) {
    match condition {
        Condition::Parameter(asked) => asked.fast = None,
        Condition::Chain { targets, .. } => targets.iter_mut().for_each(|(_, inner)| slow(inner)),
        Condition::Has { condition, .. } | Condition::Not(condition) => slow(condition),
        Condition::All(all) | Condition::Any(all) => all.iter_mut().for_each(slow),
        _ => {}
    }
}

fn count(ask: &Ask, counts: &mut BTreeMap<String, usize>) {
    let mut add = |name: String| *counts.entry(name).or_default() += 1;
    let kind = |of: &Parameter| format!("{:?}", of.kind).to_lowercase();
    match ask {
        Ask::Id(not, _) => add(if *not { "_id:not" } else { "_id" }.into()),
        Ask::Updated(_) => add("_lastUpdated".into()),
        Ask::Missing(of, _) => add(format!("{} :missing", kind(of))),
        Ask::Any { of, how, not, wishes } => {
            let how = match how {
                How::Type(_) => "Type".to_owned(),
                how => format!("{how:?}"),
            };
            add(format!("{} {how}{}", kind(of), if *not { ", negated" } else { "" }));
            if wishes.len() > 1 {
                add(format!("{} OR", kind(of)));
            }
            for wish in wishes {
                if let Wish::Compared(prefix, _) | Wish::Quantity(prefix, ..) = wish {
                    add(format!("{} prefix {}", kind(of), if prefix.is_empty() { "none" } else { *prefix }));
                }
            }
        }
        Ask::Chain { only, inner, .. } => {
            add(if only.is_some() { "chain with a type" } else { "chain without a type" }.into());
            inner.first().into_iter().for_each(|(_, ask)| count(ask, counts));
        }
        Ask::Has { inner, .. } => {
            add("_has".into());
            count(inner, counts);
        }
        Ask::List => add("_list".into()),
        Ask::Narrative(_) => add("_text".into()),
        Ask::Filter(logic) => {
            add("_filter".into());
            if let Logic::One { operator, .. } = logic {
                add(format!("_filter {operator}"));
            }
        }
    }
}
