//! Non-interference (invariant 6) by generated worlds: stores that differ only in what a caller may not see answer it alike,
//! byte for byte, on every route and with every parameter, also after what it writes.
//!
//! `cargo test --release --test noninterference -- --ignored noninterference` goes on for `TASUKI_SECONDS` (600 where it is not
//! said); `TASUKI_SEED` repeats the worlds and requests of a run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // a test fails by panicking

#[path = "noninterference/clock.rs"]
mod clock;
#[path = "noninterference/compare.rs"]
mod compare;
#[path = "noninterference/dice.rs"]
mod dice;
mod gateway;
#[path = "noninterference/matching.rs"]
mod matching;
#[path = "noninterference/persons.rs"]
mod persons;
#[path = "noninterference/requests.rs"]
mod requests;
#[path = "noninterference/resources.rs"]
mod resources;
#[path = "noninterference/searches.rs"]
mod searches;
#[path = "noninterference/words.rs"]
mod words;
#[path = "noninterference/worlds.rs"]
mod worlds;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use compare::{Renamed, both, created, difference, shrunk};
use dice::Dice;
use gateway::{Answer, Ask, NOW};
use requests::Requests;
use words::Words;
use worlds::{CALLERS, World, clock, next_page, pair, set_clock};

/// There is one clock for all worlds.
static ALONE: Mutex<()> = Mutex::new(());

/// Requests to a pair of worlds.
const REQUESTS: usize = 320;
/// Pairs of a run that takes some seconds.
const PAIRS: u64 = 16;
/// Seed where none is given.
const SEED: u64 = 20_261_122;

/// What is the office's to know, hidden things too: the audit record, how much of a record who may see, which records are one
/// person's.
const OF_OFFICE: [&str; 8] = [
    "AuditEvent",
    "$access-report",
    "$who-can-see",
    "$explain-access",
    "$preview-consent",
    "$link",
    "$unlink",
    "$duplicates",
];

/// What a run did.
#[derive(Default)]
struct Run {
    requests: usize,
    /// How many were answered with a status, by its first digit.
    statuses: [usize; 6],
    /// Searches and histories that found something.
    full: usize,
    /// Those of them that looked for a person.
    matched: usize,
    asked: BTreeSet<(tasuki::fhir::ResourceType, String)>,
    leaks: Vec<String>,
}

fn seed() -> u64 {
    let seed = std::env::var("TASUKI_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(SEED);
    println!("TASUKI_SEED={seed}");
    seed
}

/// Asks one pair of worlds, until something leaks.
fn ask(seed: u64, run: &mut Run) {
    let caller = &CALLERS[(seed % CALLERS.len() as u64) as usize];
    let pair = pair(seed, caller);
    let worlds = pair.worlds.each_ref().map(|steps| World::of(steps, pair.is_ruled));
    let mut dice = Dice(seed ^ 0xa5a5);
    let words = Words::of(&pair, &worlds, &mut dice);
    let mut requests = Requests::new(&words, pair.client, dice);
    let mut renamed = Renamed::default();
    for at in 0..REQUESTS {
        set_clock(NOW + i64::try_from(at).unwrap() * 10);
        let ask = requests.request();
        // The audit record is the office's to read, and tells of whatever was written over REST, hidden things too; so is which
        // records are one person's.
        let is_listed = requests.has_chance && ask.path.contains("$export?");
        let is_of_record = |text: &str| OF_OFFICE.iter().any(|name| text.contains(name));
        let tells = |text: &str| pair.client == "office" && is_of_record(text);
        if is_listed || tells(&ask.path) || tells(&String::from_utf8_lossy(&ask.body)) {
            continue;
        }
        let [one, other] = both(&worlds, &mut renamed, &ask);
        run.requests += 1;
        run.statuses[usize::from(one.status / 100).min(5)] += 1;
        run.full += usize::from(one.body.contains("\"entry\":[{"));
        run.matched += usize::from(one.body.contains("match-grade\",") || one.body.contains("targetId\""));
        if matches!(ask.method, "POST" | "PUT") && (one.status == 201 || one.body.contains("201 Created")) {
            for place in created(&one) {
                let path = format!("/{}", place.trim_start_matches(gateway::BASE).trim_start_matches('/'));
                both(&worlds, &mut renamed, &Ask { method: "DELETE", ..Ask::get(pair.client, path) });
            }
        }
        requests.has_chance = !renamed.is_empty();
        if difference(&one, &other).is_some() {
            let ask = shrunk(&worlds, &mut renamed, ask);
            let [one, other] = both(&worlds, &mut renamed, &ask);
            let what = difference(&one, &other).unwrap_or_else(|| "only the first time".into());
            let hidden = &pair.units;
            let leak =
                format!("world {seed} of {}, request {at}: {ask:?}\n  {what}\n  hidden: {hidden:?}", pair.client);
            println!("{leak}");
            run.leaks.push(leak);
            break;
        }
        requests.named.extend(next_page(&one.body));
        requests.named.extend(of_export(&one));
    }
    run.asked.append(&mut requests.searches.asked);
}

/// Where an export is told of, and its files.
fn of_export(answer: &Answer) -> Vec<String> {
    let mut paths = Vec::new();
    let below = |url: &str| url.strip_prefix(gateway::BASE).map(str::to_owned);
    paths.extend(answer.header("content-location").and_then(below));
    if answer.body.contains("\"transactionTime\"") {
        let manifest = answer.json();
        let files =
            ["output", "deleted"].into_iter().flat_map(|list| manifest[list].as_array().cloned().unwrap_or_default());
        paths.extend(files.filter_map(|file| below(file["url"].as_str()?)));
    }
    paths
}

fn tell(run: &Run) {
    println!(
        "{} requests, statuses by hundreds {:?}, {} with entries, {} found a person, {} parameters",
        run.requests,
        run.statuses,
        run.full,
        run.matched,
        run.asked.len()
    );
    assert!(run.leaks.is_empty(), "{} leaks\n{}", run.leaks.len(), run.leaks.join("\n"));
}

#[test]
fn two_worlds_that_differ_in_what_is_hidden_answer_alike() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (seed, mut run) = (seed(), Run::default());
    (0..PAIRS).for_each(|n| ask(seed + n, &mut run));
    tell(&run);
    assert!(run.full * 20 > run.requests, "searches find something: {}", run.full);
    assert!(run.matched * 100 > run.requests, "people are found: {}", run.matched);
}

#[test]
#[ignore = "as long as TASUKI_SECONDS says: cargo test --release --test noninterference -- --ignored --nocapture"]
fn noninterference_for_as_long_as_is_said() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let seconds = std::env::var("TASUKI_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(600);
    let (seed, mut run, begun) = (seed(), Run::default(), Instant::now());
    for n in 0.. {
        if begun.elapsed() > Duration::from_secs(seconds) {
            break;
        }
        ask(seed + n, &mut run);
        if n % 100 == 99 {
            println!("{} pairs, {} requests, {} leaks", n + 1, run.requests, run.leaks.len());
        }
    }
    tell(&run);
}

/// The comparer finds one byte, one header, one count, one status.
#[test]
fn a_planted_leak_is_found() {
    let answer = Answer {
        status: 200,
        headers: vec![("etag".into(), "W/\"1\"".into())],
        body: "{\"total\":1}".into(),
        bytes: b"{\"total\":1}".to_vec(),
        length: Some(11),
    };
    assert_eq!(difference(&answer, &answer.clone()), None);
    let mut planted: Vec<Answer> = vec![answer.clone(); 5];
    planted[0].status = 404;
    planted[1].headers[0].1 = "W/\"2\"".into();
    planted[2].body = "{\"total\":2}".into();
    planted[2].bytes = planted[2].body.clone().into_bytes();
    planted[3].bytes.push(b' ');
    planted[4].length = Some(12);
    for planted in planted {
        assert!(difference(&answer, &planted).is_some(), "{planted:?}");
    }
}

/// The pairs differ: whoever may see more sees that they do, and the caller whose two worlds really differ for it is told apart.
#[test]
fn whoever_may_see_the_difference_sees_it() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let differing = (0..8).filter(|seed| {
        let pair = pair(SEED + seed, &CALLERS[0]);
        let worlds = pair.worlds.each_ref().map(|steps| World::of(steps, pair.is_ruled));
        // The office reads every Consent, and the hospital whatever it sent itself.
        let sent =
            ["1", "3"].map(|number| Ask::get("hospital", format!("/{}/$everything", gateway::key(number).reference())));
        let kept = ["1", "3", "4"]
            .map(|number| Ask::get("office", format!("/Consent?patient={}", gateway::key(number).reference())));
        let mut asks = sent.into_iter().chain(kept);
        asks.any(|ask| worlds[0].served.ask(ask.clone()) != worlds[1].served.ask(ask))
    });
    assert!(differing.count() >= 6, "the worlds of most pairs differ in letters and consents");
    assert_eq!(clock(), NOW);
}

/// An address by its shape: types, ids and the names of files are each as good as another.
fn shape(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let is_kept = |name: &str| name.starts_with(['$', '_']) || ["metadata", "openapi.json", "*"].contains(&name);
    let part = |name: &str| match name {
        "{type}" => "{type}".to_owned(),
        name if tasuki::fhir::ResourceType::parse(name).is_some() => "{type}".to_owned(),
        name if is_kept(name) => name.to_owned(),
        _ => "{id}".to_owned(),
    };
    path.split('/').filter(|name| !name.is_empty()).map(part).collect::<Vec<_>>().join("/")
}

#[test]
fn every_route_and_every_parameter_is_asked() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let pair = pair(SEED, &CALLERS[0]);
    let worlds = pair.worlds.each_ref().map(|steps| World::of(steps, pair.is_ruled));
    let mut dice = Dice(SEED);
    let words = Words::of(&pair, &worlds, &mut dice);
    let mut requests = Requests::new(&words, pair.client, dice);
    let mut asked = BTreeSet::new();
    for _ in 0..200_000 {
        let ask = requests.request();
        asked.insert((ask.method.to_owned(), shape(&ask.path)));
    }
    let mut open = gateway::config();
    open.open = true;
    let store = tasuki::store::Store::open_memory();
    let open = tasuki::app::Gateway::over(store, &open, clock).unwrap();
    let described = gateway::Served::new(std::sync::Arc::new(open)).get("", "/openapi.json").json();
    let mut offered = BTreeSet::new();
    for (path, item) in described["paths"].as_object().unwrap() {
        let methods = item.as_object().unwrap().keys().filter(|name| *name != "parameters");
        offered.extend(methods.map(|method| (method.to_uppercase(), shape(path))));
    }
    assert!(offered.len() > 40, "{offered:?}");
    let missing: Vec<_> = offered.difference(&asked).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let parameters = words.parameters.iter().map(|(of, definition)| (*of, definition.code.to_string()));
    assert_eq!(requests.searches.asked, parameters.collect(), "all parameters of all types");
}
