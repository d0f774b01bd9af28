//! The judge against one written from the specification, over generated resources and queries, by facts and by whole values.
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::fhir::{ResourceType, time};
use crate::search::example::{NOW, World, find, resource, server};
use crate::search::query::{Condition, Query, Scope};

/// What a generated Encounter says, in words.
#[derive(Clone, Debug)]
struct Said {
    last_updated: i64,
    codes: Vec<(&'static str, &'static str)>,
    /// First and last moment, in seconds; none: open.
    dates: Vec<(Option<i64>, Option<i64>)>,
}

/// What a generated query asks, in words.
#[derive(Clone, Debug)]
enum Asked {
    Code(bool, Vec<(Option<&'static str>, Option<&'static str>)>),
    Date(&'static str, Vec<(&'static str, i64, usize)>),
    Missing(&'static str, bool),
    Id(usize),
}

const SECOND: i64 = 1000;
const PREFIXES: [&str; 10] = ["", "eq", "ne", "lt", "gt", "ge", "le", "sa", "eb", "ap"];

fn said() -> impl Strategy<Value = Said> {
    let system = prop::sample::select(vec!["", "s", "t"]);
    let code = prop::sample::select(vec!["a", "b", "c"]);
    let moment = || prop::option::weighted(0.9, 0_i64..200_000);
    let codes = prop::collection::vec((system, code), 0..4);
    (0_i64..200_000_000, codes, prop::collection::vec((moment(), moment()), 0..3)).prop_map(
        |(updated, codes, dates)| {
            let ordered = dates.into_iter().filter(|(a, b)| a.is_some() || b.is_some()).map(|(a, b)| match (a, b) {
                (Some(a), Some(b)) => (Some(a.min(b)), Some(a.max(b))),
                other => other,
            });
            Said { last_updated: NOW + updated, codes, dates: ordered.collect() }
        },
    )
}

fn asked() -> impl Strategy<Value = Asked> {
    let system = prop::option::of(prop::sample::select(vec!["", "s", "t"]));
    let code = prop::option::of(prop::sample::select(vec!["a", "b", "c"]));
    let one = (system, code).prop_map(|(system, code)| match (system, code) {
        (None | Some(""), None) => (None, Some("a")),
        other => other,
    });
    let date = (prop::sample::select(PREFIXES.to_vec()), 0_i64..200_000, 0_usize..3);
    let name = prop::sample::select(vec!["location-period", "_lastUpdated"]);
    let other = prop::sample::select(vec!["location-period", "type"]);
    prop_oneof![
        (any::<bool>(), prop::collection::vec(one, 1..3)).prop_map(|(not, codes)| Asked::Code(not, codes)),
        (name, prop::collection::vec(date, 1..3)).prop_map(|(name, dates)| Asked::Date(name, dates)),
        (other, any::<bool>()).prop_map(|(name, missing)| Asked::Missing(name, missing)),
        (0_usize..12).prop_map(Asked::Id),
    ]
}

fn written_out(said: &Said, id: usize) -> Json {
    let coding = |(system, code): &(&str, &str)| match *system {
        "" => json!({"code": code}),
        system => json!({"system": system, "code": code}),
    };
    let moment = |second: Option<i64>| second.map(|s| time::instant(NOW + s * SECOND, 0)[..19].to_owned() + "Z");
    let period = |(start, end): &(Option<i64>, Option<i64>)| {
        let mut period = json!({});
        for (name, moment) in [("start", moment(*start)), ("end", moment(*end))] {
            if let Some(moment) = moment {
                period[name] = json!(moment);
            }
        }
        json!({"period": period})
    };
    let types: Vec<Json> = said.codes.iter().map(|code| json!({"coding": [coding(code)]})).collect();
    let places: Vec<Json> = said.dates.iter().map(period).collect();
    resource("Encounter", &id.to_string(), json!({"type": types, "location": places}))
}

/// The date as a client writes it, to the day, the minute or the millisecond.
fn written(second: i64, precision: usize) -> String {
    let instant = time::instant(NOW + second * SECOND, 0);
    match precision {
        0 => instant[..10].to_owned() + "T00:00:00.000Z",
        1 => format!("{}Z", &instant[..16]),
        _ => instant.replace('+', "%2B"),
    }
}

fn in_url(asked: &Asked) -> String {
    match asked {
        Asked::Code(not, values) => {
            let values = values.iter().map(|(system, code)| match (system, code) {
                (None, code) => code.unwrap_or_default().to_owned(),
                (Some(system), code) => format!("{system}|{}", code.unwrap_or_default()),
            });
            format!("type{}={}", if *not { ":not" } else { "" }, values.collect::<Vec<_>>().join(","))
        }
        Asked::Date(name, values) => {
            let values =
                values.iter().map(|(prefix, second, precision)| format!("{prefix}{}", written(*second, *precision)));
            format!("{name}={}", values.collect::<Vec<_>>().join(","))
        }
        Asked::Missing(name, missing) => format!("{name}:missing={missing}"),
        Asked::Id(id) => format!("_id={id},none"),
    }
}

/// search.html read literally, moment by moment where it speaks of ranges: every bound is inclusive here.
fn specified(said: &Said, id: usize, asked: &Asked) -> bool {
    match asked {
        Asked::Id(wanted) => *wanted == id,
        Asked::Missing("type", missing) => said.codes.is_empty() == *missing,
        Asked::Missing(_, missing) => said.dates.is_empty() == *missing,
        Asked::Code(not, values) => {
            let is = |(system, code): &(&str, &str)| {
                values.iter().any(|wanted| match wanted {
                    (None, wanted) => *wanted == Some(*code),
                    (Some(wanted_system), None) => wanted_system == system,
                    (Some(wanted_system), Some(wanted)) => wanted_system == system && wanted == code,
                })
            };
            said.codes.iter().any(is) != *not
        }
        Asked::Date(name, values) => {
            let targets: Vec<(i128, i128)> = if *name == "_lastUpdated" {
                vec![(i128::from(said.last_updated), i128::from(said.last_updated))]
            } else {
                let low = |s: Option<i64>| s.map_or(i128::MIN, |s| i128::from(NOW + s * SECOND));
                let high = |s: Option<i64>| s.map_or(i128::MAX, |s| i128::from(NOW + s * SECOND + 999));
                said.dates.iter().map(|(start, end)| (low(*start), high(*end))).collect()
            };
            values.iter().any(|value| match value.0 {
                // There is one, and none of them is this one.
                "ne" => !targets.is_empty() && targets.iter().all(|target| prefix_holds(*value, *target)),
                _ => targets.iter().any(|target| prefix_holds(*value, *target)),
            })
        }
    }
}

fn prefix_holds((prefix, second, precision): (&str, i64, usize), (low, high): (i128, i128)) -> bool {
    let width = [86_400_000, 60_000, 1][precision];
    let moment = i128::from(NOW + second * SECOND);
    let from = moment - moment.rem_euclid(width);
    // A day is asked for by its first millisecond, so that no zone matters.
    let to = if precision == 0 { from } else { from + width - 1 };
    let fully_contains = from <= low && high <= to;
    let above_intersects = high > to;
    let below_intersects = low < from;
    match prefix {
        "" | "eq" => fully_contains,
        "ne" => !fully_contains,
        "gt" => above_intersects,
        "lt" => below_intersects,
        "ge" => above_intersects || fully_contains,
        "le" => below_intersects || fully_contains,
        "sa" => low > to,
        "eb" => high < from,
        _ => {
            let tenth = (i128::from(NOW) - from).abs() / 10;
            low <= to + tenth && high >= from - tenth
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_judge_is_the_specification(
        resources in prop::collection::vec(said(), 0..12),
        questions in prop::collection::vec(asked(), 0..4),
    ) {
        let mut world = World::default();
        for (id, said) in resources.iter().enumerate() {
            world.put(id % 2, said.last_updated, written_out(said, id));
        }
        let text = questions.iter().map(in_url).chain(["_sort=_id&_count=50".to_owned()]).collect::<Vec<_>>().join("&");
        let query = Query::parse(Scope::Type(ResourceType::ENCOUNTER), &text, server());
        let mut query = query.map_err(|issue| TestCaseError::fail(format!("{text}: {}", issue.english())))?;
        let is = |(id, said): &(usize, &Said)| questions.iter().all(|asked| specified(said, *id, asked));
        let mut expected: Vec<String> = resources.iter().enumerate().filter(is).map(|(id, _)| id.to_string()).collect();
        expected.sort();
        let shown = world.shown(NOW);
        prop_assert_eq!(&find(&shown, &query).unwrap().0, &expected, "by facts: {}", text);
        for condition in query.branches.iter_mut().flat_map(|branch| &mut branch.conditions) {
            if let Condition::Parameter(asked) = condition {
                asked.fast = None;
            }
        }
        prop_assert_eq!(&find(&shown, &query).unwrap().0, &expected, "by values: {}", text);
    }
}
