//! Links, consents and letters at the same moment, and one after the other against a model (docs/adr/0044): whatever the order, what
//! each record knows of the others fits, and every panel is what consents and links in force say.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // a test fails by panicking

#[allow(dead_code)] // uses a part of it
#[path = "noninterference/dice.rs"]
mod dice;
mod gateway;
#[path = "linking/person.rs"]
mod person;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dice::Dice;
use gateway::{Ask, CLINIC, HOSPITAL, Served, bundle, condition, consent, key, letter, over, receive, together};
use person::{Person, letter_of, record};
use serde_json::{Value, json};
use tasuki::app::Gateway;
use tasuki::consent::Directive;
use tasuki::fhir::{PatientKey, ResourceType};
use tasuki::pipeline::{Relation, Unrelated};
use tasuki::store::ties::State;
use tasuki::store::verify::verify;
use tasuki::store::{Store, Ties};

const THIRD: &str = "0119999903";
const AGENCIES: [&str; 3] = ["agency-a", "agency-b", "agency-z"];

fn relation(one: PatientKey, other: PatientKey, state: Option<State>) -> Relation {
    let (ground, by, reason) = ("office".into(), "office".into(), "試験".into());
    Relation { one, other, state, ground, by, reason, score: 0.0 }
}

/// Has the office put a Consent of one record for one agency, in force or withdrawn.
fn put(served: &Served, id: &str, record: PatientKey, agency: &str, is_active: bool) {
    let mut one = consent(id, "", agency, if is_active { "active" } else { "inactive" }, Value::Null);
    one["patient"] = json!({"reference": record.reference()});
    let answer = served.ask(Ask::put("office", format!("/Consent/{id}"), &one));
    assert!(answer.status < 300, "{answer:?}");
}

/// The records that links connect with each, itself among them.
fn persons(
    records: &[PatientKey],
    is_linked: impl Fn(PatientKey, PatientKey) -> bool,
) -> BTreeMap<PatientKey, BTreeSet<PatientKey>> {
    let mut persons = BTreeMap::new();
    for start in records {
        let (mut person, mut open) = (BTreeSet::from([*start]), vec![*start]);
        while let Some(one) = open.pop() {
            open.extend(records.iter().filter(|other| is_linked(one, **other) && person.insert(**other)));
        }
        persons.insert(*start, person);
    }
    persons
}

/// What the Consents of a record say now, read anew from the store.
fn own_panels(store: &Store, record: PatientKey) -> BTreeSet<String> {
    let partition = store.partition(record).unwrap();
    let mut current = BTreeMap::new();
    for version in partition.records.iter().filter(|version| version.facts.resource_type == ResourceType::CONSENT) {
        current.insert(version.facts.id.as_str().to_owned(), version);
    }
    let live = current.values().filter(|version| !version.facts.deleted);
    live.flat_map(|version| Directive::read(&serde_json::from_str(&version.body.json().unwrap()).unwrap()).panels(&[]))
        .collect()
}

/// Everything that is derived from links and consents is what they say.
fn fits(gateway: &Arc<Gateway>, records: &[PatientKey]) {
    let store = gateway.pipeline().store();
    let ties: BTreeMap<PatientKey, Ties> = records.iter().map(|one| (*one, store.ties(*one).unwrap().0)).collect();
    let linked =
        |one: PatientKey, other: PatientKey| ties[&one].pair(other).is_some_and(|pair| pair.state == State::Linked);
    let persons = persons(records, linked);
    for (one, person) in &persons {
        let members: Vec<PatientKey> = ties[one].members.iter().map(|member| member.record).collect();
        let expected = if person.len() > 1 { person.iter().copied().collect() } else { Vec::new() };
        assert_eq!(members, expected);
        assert_eq!(gateway.chart(*one).unwrap().person.iter().copied().collect::<BTreeSet<_>>(), *person);
    }
    for agency in AGENCIES {
        let name = format!("Organization/{agency}");
        let is_on = |one: &&PatientKey| persons[*one].iter().any(|member| own_panels(store, *member).contains(&name));
        let expected: Vec<PatientKey> =
            records.iter().filter(is_on).copied().collect::<BTreeSet<_>>().into_iter().collect();
        assert_eq!(store.panel(&name).unwrap().to_vec(), expected, "{name}");
    }
    let report = verify(store).unwrap();
    assert_eq!(report.broken, []);
    // What is in memory is what a gateway that begins now would read.
    let answers = |served: Served| {
        let asks = ["agency-a", "agency-b"].into_iter().flat_map(|client| {
            ["/Condition?_count=1000", "/Patient", "/_history?_count=1000"].map(|path| (client, path))
        });
        asks.map(|(client, path)| served.get(client, path)).collect::<Vec<_>>()
    };
    let hot = answers(Served::new(gateway.clone()));
    assert!(hot.iter().all(|answer| answer.status == 200));
    assert_eq!(hot, answers(Served::new(over(store.clone()))));
}

#[test]
fn links_consents_and_letters_at_once_leave_everything_fitting() {
    for round in 0..6_u64 {
        let store = Store::open_memory();
        let gateway = over(store.clone());
        let known = [(HOSPITAL, "1"), (CLINIC, "2"), (THIRD, "3")];
        for (facility, number) in known {
            receive(
                &store,
                &letter_of(
                    facility,
                    number,
                    &format!("n{number}"),
                    &Person::hanako(),
                    &[condition(&format!("n{number}"), number, None)],
                ),
            );
        }
        let records = known.map(|(facility, number)| record(facility, number));
        together(8, |n| {
            let mut dice = Dice(round * 100 + n as u64);
            let served = Served::new(gateway.clone());
            for turn in 0..40 {
                let at = dice.roll(3);
                let (one, other) = (records[at], records[(at + 1 + dice.roll(2)) % 3]);
                match n {
                    // Two of them put the same Consents.
                    0..=2 => {
                        let agency = dice.word(&AGENCIES);
                        put(&served, &format!("k{at}{agency}{}", n / 2), one, agency, dice.once_in(2));
                    }
                    3..=5 => {
                        let state = *dice.pick(&[
                            Some(State::Linked),
                            Some(State::Linked),
                            Some(State::Separate),
                            Some(State::Proposed),
                            None,
                        ]);
                        let done = gateway.pipeline().relate(&[relation(one, other, state)]).unwrap();
                        assert!(matches!(done, Ok(_) | Err(Unrelated::Separate(..))), "{done:?}");
                    }
                    6 => {
                        let (facility, number) = known[at];
                        let name = format!("l{round}x{turn}");
                        gateway
                            .receive(&letter_of(
                                facility,
                                number,
                                &name,
                                &Person::hanako(),
                                &[condition(&name, "I10", None)],
                            ))
                            .unwrap();
                    }
                    _ => drop(served.get("agency-a", "/Condition")),
                }
            }
        });
        gateway.linker().settle().unwrap();
        fits(&gateway, &records);
    }
}

/// What readers saw.
#[derive(Debug, Default)]
struct Reads {
    linked: usize,
    unlinked: usize,
    stale: usize,
}

/// What is asked about a record again and again.
fn asks_about(other: PatientKey) -> [String; 7] {
    [
        format!("/{}", other.reference()),
        "/Condition?code=I10".into(),
        "/Condition".into(),
        format!("/{}/$everything", other.reference()),
        "/Patient?_revinclude=Condition:subject".into(),
        format!("/Patient/$ihe-pix?sourceIdentifier=urn:oid:1.2.392.100495.20.3.51.1{HOSPITAL}%7C2"),
        "/Condition/_history".into(),
    ]
}

#[test]
fn leak_74_no_read_shows_what_was_unlinked() {
    let store = Store::open_memory();
    let gateway = over(store.clone());
    receive(&store, &letter(HOSPITAL, "", &bundle("1", "b1", &[condition("b1", "E119", None)])));
    receive(&store, &letter(HOSPITAL, "", &bundle("2", "b2", &[condition("b2", "I10", None)])));
    let (one, other) = (key("1"), key("2"));
    let office = Served::new(gateway.clone());
    put(&office, "k", one, "agency-a", true);
    let paths = asks_about(other);
    let marks =
        ["\"text\":\"I10\"".to_owned(), format!("\"id\":\"{}\"", other.patient_id().as_str()), "targetId".into()];
    // Odd from when an unlinking was acknowledged until before the next link.
    let (turn, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (readers, wanted, every) = (3, 2400, 30);
    let wait = |until: usize| {
        while done.load(Ordering::SeqCst) < until {
            std::thread::sleep(Duration::from_micros(200));
        }
    };
    let parts = together(readers + 2, |n| {
        let served = Served::new(gateway.clone());
        let mut reads = Reads::default();
        let mut dice = Dice(n as u64);
        if n == readers {
            while done.load(Ordering::SeqCst) < wanted {
                for state in [State::Linked, State::Separate] {
                    if state == State::Linked {
                        turn.store(turn.load(Ordering::SeqCst).next_multiple_of(2), Ordering::SeqCst);
                    }
                    gateway.pipeline().relate(&[relation(one, other, Some(state))]).unwrap().unwrap();
                    if state == State::Separate {
                        turn.store(turn.load(Ordering::SeqCst) + 1, Ordering::SeqCst);
                    }
                    let until = wanted.min(done.load(Ordering::SeqCst) + every);
                    wait(until);
                }
            }
        } else if n > readers {
            // Others' consents and letters about both, meanwhile.
            for turn in 0..wanted / every {
                wait(turn * every);
                put(&served, "z", one, "agency-b", turn % 2 == 0);
                let name = format!("m{turn}");
                gateway.receive(&letter(HOSPITAL, &name, &bundle("2", &name, &[]))).unwrap();
            }
        } else {
            while done.fetch_add(1, Ordering::SeqCst) < wanted {
                let before = turn.load(Ordering::SeqCst);
                let answer = served.get("agency-a", dice.pick(&paths).as_str());
                let is_unlinked = before % 2 == 1 && before == turn.load(Ordering::SeqCst);
                let shows = marks.iter().any(|mark| answer.body.contains(mark));
                reads.linked += usize::from(!is_unlinked && shows);
                reads.unlinked += usize::from(is_unlinked);
                reads.stale += usize::from(is_unlinked && shows);
                if is_unlinked && shows {
                    println!("{}", answer.body);
                }
            }
        }
        reads
    });
    let sum = |of: fn(&Reads) -> usize| parts.iter().map(of).sum::<usize>();
    println!(
        "{} reads of what was linked, {} of what was not, {} stale",
        sum(|r| r.linked),
        sum(|r| r.unlinked),
        sum(|r| r.stale)
    );
    assert!(sum(|r| r.linked) > 200 && sum(|r| r.unlinked) > 200);
    assert_eq!(sum(|r| r.stale), 0);
    fits(&gateway, &[one, other]);
}

/// What was decided of two records, and which Consents there are.
#[derive(Clone, Debug, Default)]
struct Model {
    states: BTreeMap<(PatientKey, PatientKey), State>,
    agreed: BTreeSet<(PatientKey, &'static str)>,
}

impl Model {
    fn persons(&self, records: &[PatientKey]) -> BTreeMap<PatientKey, BTreeSet<PatientKey>> {
        persons(records, |one, other| self.states.get(&(one.min(other), one.max(other))) == Some(&State::Linked))
    }

    /// The same with more decided, unless somebody would be who was told apart.
    fn with(&self, records: &[PatientKey], relations: &[Relation]) -> Option<Model> {
        let mut model = self.clone();
        for relation in relations {
            let pair = (relation.one.min(relation.other), relation.one.max(relation.other));
            match relation.state {
                Some(state) => drop(model.states.insert(pair, state)),
                None => drop(model.states.remove(&pair)),
            }
        }
        let persons = model.persons(records);
        let is_torn =
            model.states.iter().any(|((one, other), state)| *state == State::Separate && persons[one].contains(other));
        (!is_torn).then_some(model)
    }

    fn agrees(&self, gateway: &Gateway, records: &[PatientKey]) {
        let store = gateway.pipeline().store();
        let persons = self.persons(records);
        for one in records {
            let (ties, _) = store.ties(*one).unwrap();
            let members: Vec<PatientKey> = ties.members.iter().map(|member| member.record).collect();
            let person: Vec<PatientKey> = persons[one].iter().copied().collect();
            assert_eq!(members, if person.len() > 1 { person } else { Vec::new() });
            let pairs: BTreeMap<_, _> = ties.pairs.iter().map(|pair| (pair.other, pair.state)).collect();
            let expected = records
                .iter()
                .filter_map(|other| Some((*other, *self.states.get(&(*one.min(other), *one.max(other)))?)));
            assert_eq!(pairs, expected.collect());
        }
        for agency in AGENCIES {
            let agreed = |one: &PatientKey| persons[one].iter().any(|member| self.agreed.contains(&(*member, agency)));
            let expected: BTreeSet<PatientKey> = records.iter().filter(|one| agreed(one)).copied().collect();
            let panel = store.panel(&format!("Organization/{agency}")).unwrap();
            assert_eq!(panel.iter().copied().collect::<BTreeSet<_>>(), expected, "{agency}");
        }
        let proposed = self.states.iter().filter(|(_, state)| **state == State::Proposed).map(|(pair, _)| *pair);
        assert_eq!(store.doubts(None, 99).unwrap(), proposed.collect::<Vec<_>>());
    }
}

/// One after the other, links are what a model of them says that they are; what it refuses changes nothing.
#[test]
fn relations_are_what_a_model_says() {
    let mut refused = 0;
    for seed in 0..6_u64 {
        let mut dice = Dice(seed);
        let store = Store::open_memory();
        let numbers = ["1", "2", "3", "4", "5", "6"];
        for number in numbers {
            receive(&store, &letter(HOSPITAL, "", &bundle(number, &format!("b{number}"), &[])));
        }
        let gateway = over(store);
        // Afterwards the rules have nothing to say.
        gateway.linker().settle().unwrap();
        let served = Served::new(gateway.clone());
        let mut records = numbers.map(key);
        records.sort_unstable();
        let mut model = Model::default();
        for turn in 0..120 {
            if dice.once_in(4) {
                let (one, agency) = (*dice.pick(&records), *dice.pick(&AGENCIES));
                let is_active = model.agreed.insert((one, agency)) || !model.agreed.remove(&(one, agency));
                put(&served, &format!("k{}{agency}", one.0 >> 100), one, agency, is_active);
            } else {
                let states =
                    [Some(State::Linked), Some(State::Linked), Some(State::Separate), Some(State::Proposed), None];
                let relations: Vec<Relation> = (0..1 + dice.roll(2))
                    .filter_map(|_| {
                        let (one, other) = (*dice.pick(&records), *dice.pick(&records));
                        (one != other).then(|| relation(one, other, *dice.pick(&states)))
                    })
                    .collect();
                let done = gateway.pipeline().relate(&relations).unwrap();
                match model.with(&records, &relations) {
                    Some(next) => {
                        assert!(done.is_ok(), "seed {seed}, turn {turn}: {relations:?}: {done:?}");
                        model = next;
                    }
                    None => {
                        refused += 1;
                        assert!(
                            matches!(done, Err(Unrelated::Separate(..))),
                            "seed {seed}, turn {turn}: {relations:?}: {done:?}"
                        );
                    }
                }
            }
            model.agrees(&gateway, &records);
        }
        fits(&gateway, &records);
    }
    assert!(refused > 20, "{refused}");
}
