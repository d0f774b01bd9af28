//! Linking on a generated population: people in households with twins and namesakes, who move, marry and change their
//! insurance, as 200 facilities write them down, with their mistakes. `TASUKI_SEED` repeats a run, `TASUKI_DAMAGE`
//! makes the mistakes more; the full one is
//! `cargo test --release --test people -- --ignored --nocapture`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, unreachable_pub)]

#[path = "people/dice.rs"]
mod dice;
#[path = "people/names.rs"]
mod names;
#[path = "people/record.rs"]
mod record;
#[path = "people/store.rs"]
mod store;
#[path = "people/table.rs"]
mod table;
#[path = "people/world.rs"]
mod world;

use std::collections::HashMap;
use std::time::Duration;

use dice::Dice;
use names::Names;
use record::{Clerk, Facility, Record, Registered};
use table::Table;
use tasuki::identity::{KEYS_MAX, Traits, Verdict, Weights, compare, keys};

const FACILITIES: usize = 200;
/// The targets.
const PRECISION: f64 = 0.9999;
const RECALL: f64 = 0.99;
/// The share of households with twins: about one person of fifty is one.
const TWINS: f64 = 0.02;

#[test]
fn five_thousand_people() {
    let table = run(seed(), 5_000, TWINS);
    table.hold_to(PRECISION, RECALL);
}

/// Twins in every second household: what is hardest to tell apart must not be linked more often than elsewhere.
#[test]
fn twins_are_two_people() {
    let table = run(seed(), 2_000, 0.5);
    table.hold_to(0.999, RECALL);
}

#[test]
#[ignore = "takes a minute in release: cargo test --release --test people -- --ignored --nocapture"]
fn fifty_thousand_people() {
    let table = run(seed(), 50_000, TWINS);
    table.hold_to(PRECISION, RECALL);
    // Of a processor that has nothing else to do; a debug build is no measure.
    if !cfg!(debug_assertions) {
        let each = table.time.as_secs_f64() * 1e6 / table.records as f64;
        assert!(each <= 30.0, "{each:.1} µs for the keys of a record and comparing its candidates");
    }
}

/// The linker behind the log finds what comparing finds, in whatever order letters come.
#[test]
fn people_in_a_store() {
    let linked = in_a_store(300, 1);
    linked.print();
    assert!(linked.precision() >= PRECISION, "{}", linked.precision());
    assert!(linked.recall() >= RECALL, "{}", linked.recall());
}

#[test]
#[ignore = "measures, in release: cargo test --release --test people linking_keeps_up -- --ignored --nocapture"]
fn linking_keeps_up_with_intake() {
    // A visit's messages: most tell nothing new of who somebody is.
    for more in [0, 9] {
        let linked =
            in_a_store(std::env::var("TASUKI_PEOPLE").ok().and_then(|n| n.parse().ok()).unwrap_or(10_000), more);
        linked.print();
        assert!(linked.precision() >= PRECISION && linked.recall() >= RECALL);
    }
}

fn in_a_store(count: usize, more: usize) -> store::Linked {
    println!("TASUKI_SEED={}, {count} people in a store", seed());
    let mut dice = Dice(seed());
    let people = world::people(&mut dice, count, TWINS);
    let mut sent = letters(&mut dice, &people);
    for at in (1..sent.len()).rev() {
        sent.swap(at, dice.roll(at + 1));
    }
    store::run(&sent, more)
}

/// Nothing depends on which of two records came first, and a record is always its own person's unless it says too little.
#[test]
fn comparing_has_no_direction() {
    let mut dice = Dice(seed());
    let people = world::people(&mut dice, 120, TWINS);
    let records = write_down(&mut dice, &people).records;
    let weights = Weights::default();
    for a in &records {
        for b in &records {
            let (one, other) = (compare(&a.traits, &b.traits, &weights), compare(&b.traits, &a.traits, &weights));
            assert_eq!(one, other, "{:?} {:?}", a.traits, b.traits);
        }
    }
}

fn seed() -> u64 {
    std::env::var("TASUKI_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_122)
}

/// `TASUKI_DAMAGE=2` doubles the rates of mistakes and of what is missing, to see what the targets are worth where people write worse.
fn severity() -> f64 {
    std::env::var("TASUKI_DAMAGE").ok().and_then(|times| times.parse().ok()).unwrap_or(1.0)
}

/// A record as it is kept: whose it is, what it says, what is wrong with it.
struct Kept {
    person: usize,
    traits: Traits,
    damage: Vec<&'static str>,
}

fn run(seed: u64, count: usize, twins: f64) -> Table {
    println!("TASUKI_SEED={seed}, {count} people, twins in {:.0} % of the households", twins * 100.0);
    let mut dice = Dice(seed);
    let people = world::people(&mut dice, count, twins);
    let kept = write_down(&mut dice, &people);
    let mut table = Table::new(kept.records.iter().map(|k| (k.person, k.damage.clone())).collect());
    table.reading = kept.reading;
    link(&kept.records, &mut table);
    table.print();
    table
}

struct Written {
    records: Vec<Kept>,
    reading: Duration,
}

/// Every person's records, in the order in which they arrive: any.
fn write_down(dice: &mut Dice, people: &[world::Person]) -> Written {
    let mut records = Vec::new();
    let mut reading = Duration::ZERO;
    // A part at a time, so that not all of them are in memory as trees.
    for (at, part) in people.chunks(500).enumerate() {
        let letters = letters_of(dice, part, at * 500);
        let begin = processor_time();
        let traits: Vec<Traits> =
            letters.iter().map(|(sent, _)| Traits::read(&sent.patient, &sent.coverages)).collect();
        reading += processor_time() - begin;
        let read = letters.into_iter().zip(traits);
        records.extend(read.map(|((sent, damage), traits)| Kept { person: sent.person, traits, damage }));
    }
    for at in (1..records.len()).rev() {
        records.swap(at, dice.roll(at + 1));
    }
    Written { records, reading }
}

fn letters(dice: &mut Dice, people: &[world::Person]) -> Vec<store::Sent> {
    letters_of(dice, people, 0).into_iter().map(|(sent, _)| sent).collect()
}

/// The records of people of whom the first has this number, and what is wrong with each.
fn letters_of(dice: &mut Dice, people: &[world::Person], first: usize) -> Vec<(store::Sent, Vec<&'static str>)> {
    let (families, men, women) = (Names::family(), Names::given(true), Names::given(false));
    let (severity, mut letters) = (severity(), Vec::new());
    for (person, who) in people.iter().enumerate() {
        let person = first + person;
        // One to six, mostly two or three; one of a hundred is known twice at one facility.
        let mut facilities: Vec<usize> =
            (0..[1, 2, 2, 3, 3, 4, 5, 6][dice.roll(8)]).map(|_| dice.roll(FACILITIES)).collect();
        if dice.chance(0.01) {
            facilities.push(facilities[0]);
        }
        for (nth, facility) in facilities.iter().enumerate() {
            let at = registered(person, *facility, facilities[..nth].contains(facility));
            // One of twenty records notes the number of another facility.
            let noted = facilities.iter().find(|other| *other != facility && dice.chance(0.05));
            let noted = noted.map(|other| registered(person, *other, false));
            let Record { patient, coverages, damage } =
                Clerk::new(dice, [&families, &men, &women], severity).write(who, at, kind(*facility, who), noted);
            letters.push((store::Sent { person, patient, coverages }, damage));
        }
    }
    letters
}

/// Numbers are a facility's own: the same number is somebody else's at the next one. Who is registered twice has two.
fn registered(person: usize, facility: usize, again: bool) -> Registered {
    Registered { facility, number: 1 + (person * 2 + usize::from(again) + facility * 977) % 200_000 }
}

/// Ten hospitals, seventy clinics, forty pharmacies, eighty care offices, which know only whom they care for.
fn kind(facility: usize, who: &world::Person) -> Facility {
    match facility {
        0..10 => Facility::Hospital,
        10..80 => Facility::Clinic,
        80..120 => Facility::Pharmacy,
        _ if who.care.is_some() => Facility::Care,
        _ => Facility::Clinic,
    }
}

/// Links every record with those that came before it, as intake does.
fn link(records: &[Kept], table: &mut Table) {
    let weights = Weights::default();
    let mut index: HashMap<u64, Vec<u32>> = HashMap::new();
    let begin = processor_time();
    for (at, record) in records.iter().enumerate() {
        let keys = keys(&record.traits);
        let mut candidates: Vec<u32> = keys.iter().filter_map(|key| index.get(key)).flatten().copied().collect();
        candidates.sort_unstable();
        candidates.dedup();
        for other in &candidates {
            match compare(&record.traits, &records[*other as usize].traits, &weights) {
                Verdict::Different => {}
                verdict => table.verdict(*other as usize, at, verdict),
            }
        }
        assert!(keys.len() <= KEYS_MAX);
        table.seen(keys.len(), &candidates, at);
        for key in keys {
            index.entry(key).or_default().push(at as u32);
        }
    }
    table.time = processor_time() - begin;
}

/// What this thread has had of a processor, which a busy machine does not change; nothing where the system does not
/// tell (Linux does).
fn processor_time() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(told.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0))
}
