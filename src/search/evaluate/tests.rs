//! The evaluator against one written from the specification, over generated facts and queries.
use proptest::prelude::*;

use super::*;
use crate::fhir::{ResourceType, time};
use crate::search::columns::tests::facts;
use crate::search::facts::{DateFact, Facts, Parameter, token_hash};
use crate::search::query::Server;

/// What a generated resource says, in words rather than hashes.
#[derive(Clone, Debug)]
struct Said {
    resource_type: ResourceType,
    last_updated: i64,
    codes: Vec<(&'static str, &'static str)>,
    /// First and last moment, in seconds; none: open.
    dates: Vec<(Option<i64>, Option<i64>)>,
}

/// What a generated query asks, in words.
#[derive(Clone, Debug)]
enum Asked {
    Code(Vec<(Option<&'static str>, Option<&'static str>)>),
    Date(&'static str, Vec<(&'static str, i64, usize)>),
    Id(usize),
}

const SECOND: i64 = 1000;
/// 2026-01-01T00:00:00Z
const NOON: i64 = 1_767_225_600_000;
const PREFIXES: [&str; 10] = ["", "eq", "ne", "lt", "gt", "ge", "le", "sa", "eb", "ap"];

fn said() -> impl Strategy<Value = Said> {
    let system = prop::sample::select(vec!["", "s", "t"]);
    let code = prop::sample::select(vec!["a", "b", "c"]);
    let moment = || prop::option::weighted(0.9, 0_i64..200_000);
    let kind = prop::sample::select(vec![ResourceType::OBSERVATION, ResourceType::CONDITION]);
    let dates = prop::collection::vec((moment(), moment()), 0..3);
    (kind, 0_i64..200_000_000, prop::collection::vec((system, code), 0..4), dates).prop_map(
        |(resource_type, updated, codes, dates)| {
            let ordered = dates.into_iter().map(|(a, b)| match (a, b) {
                (Some(a), Some(b)) => (Some(a.min(b)), Some(a.max(b))),
                other => other,
            });
            Said { resource_type, last_updated: NOON + updated, codes, dates: ordered.collect() }
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
    let name = prop::sample::select(vec!["date", "_lastUpdated"]);
    prop_oneof![
        prop::collection::vec(one, 1..3).prop_map(Asked::Code),
        (name, prop::collection::vec(date, 1..3)).prop_map(|(name, dates)| Asked::Date(name, dates)),
        (0_usize..12).prop_map(Asked::Id),
    ]
}

fn stored(said: &Said, id: usize) -> Facts {
    let mut facts = facts(said.resource_type, &id.to_string());
    facts.last_updated = said.last_updated;
    for (system, code) in &said.codes {
        let (system, code) = (token_hash(system), token_hash(code));
        facts.tokens.push(Token { parameter: Parameter::CODE, system, code });
        facts.tokens.push(Token { parameter: Parameter::CATEGORY, system, code: token_hash("z") });
    }
    for (start, end) in &said.dates {
        let start = start.map_or(i64::MIN, |s| NOON + s * SECOND);
        let end = end.map_or(i64::MAX, |e| NOON + (e + 1) * SECOND);
        facts.dates.push(DateFact { parameter: Parameter::DATE, start, end });
        facts.dates.push(DateFact { parameter: Parameter::ISSUED, start: 0, end: i64::MAX });
    }
    facts
}

/// The date as a client writes it, to the day, the minute or the millisecond.
fn written(second: i64, precision: usize) -> String {
    let instant = time::instant(NOON + second * SECOND, 0);
    match precision {
        0 => instant[..10].to_owned(),
        1 => format!("{}Z", &instant[..16]),
        _ => instant.replace('+', "%2B"),
    }
}

fn in_url(asked: &Asked) -> String {
    match asked {
        Asked::Code(values) => {
            let values = values.iter().map(|(system, code)| match (system, code) {
                (None, code) => code.unwrap_or_default().to_owned(),
                (Some(system), code) => format!("{system}|{}", code.unwrap_or_default()),
            });
            format!("code={}", values.collect::<Vec<_>>().join(","))
        }
        Asked::Date(name, values) => {
            let values =
                values.iter().map(|(prefix, second, precision)| format!("{prefix}{}", written(*second, *precision)));
            format!("{name}={}", values.collect::<Vec<_>>().join(","))
        }
        Asked::Id(id) => format!("_id={id},none"),
    }
}

/// search.html read literally, moment by moment where it speaks of ranges: every bound is inclusive here.
fn specified(said: &Said, id: usize, asked: &Asked) -> bool {
    match asked {
        Asked::Id(wanted) => *wanted == id,
        Asked::Code(values) => said.codes.iter().any(|(system, code)| {
            values.iter().any(|wanted| match wanted {
                (None, wanted) => *wanted == Some(*code),
                (Some(wanted_system), None) => wanted_system == system,
                (Some(wanted_system), Some(wanted)) => wanted_system == system && wanted == code,
            })
        }),
        Asked::Date(name, values) => {
            let targets: Vec<(i128, i128)> = if *name == "date" {
                let low = |s: Option<i64>| s.map_or(i128::MIN, |s| i128::from(NOON + s * SECOND));
                let high = |s: Option<i64>| s.map_or(i128::MAX, |s| i128::from(NOON + s * SECOND + 999));
                said.dates.iter().map(|(start, end)| (low(*start), high(*end))).collect()
            } else {
                vec![(i128::from(said.last_updated), i128::from(said.last_updated))]
            };
            targets.iter().any(|target| values.iter().any(|value| prefix_holds(*value, *target)))
        }
    }
}

fn prefix_holds((prefix, second, precision): (&str, i64, usize), (low, high): (i128, i128)) -> bool {
    let width = [86_400_000, 60_000, 1][precision];
    let moment = i128::from(NOON + second * SECOND);
    let from = moment - moment.rem_euclid(width);
    let to = from + width - 1;
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
        _ => low <= to + width / 10 && high >= from - width / 10,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_evaluator_is_the_specification(
        resources in prop::collection::vec(said(), 0..12),
        questions in prop::collection::vec(asked(), 0..4),
    ) {
        let rows: Vec<Facts> = resources.iter().enumerate().map(|(id, said)| stored(said, id)).collect();
        let columns = Columns::build(rows.iter());
        let text = questions.iter().map(in_url).collect::<Vec<_>>().join("&");
        let query = Query::parse(ResourceType::OBSERVATION, &text, Server { base: "", zone_minutes: 0 });
        let query = query.map_err(|issue| TestCaseError::fail(format!("{text}: {}", issue.english())))?;
        let found: Vec<usize> = matches(&columns, &query).collect();
        let expected: Vec<usize> = resources
            .iter()
            .enumerate()
            .filter(|(id, said)| {
                said.resource_type == ResourceType::OBSERVATION && questions.iter().all(|asked| specified(said, *id, asked))
            })
            .map(|(id, _)| id)
            .collect();
        prop_assert_eq!(found, expected, "{}", text);
    }
}
