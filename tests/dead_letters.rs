//! Held letters: shown with the place, corrected, tried anew, dropped. Nothing is lost by any of it. And senders' message
//! ids: what is sent again says nothing new.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)] // a test fails by panicking

mod gateway;
mod program;

use std::path::Path;
use std::sync::Arc;

use gateway::{HOSPITAL, bundle, clock, condition, source, together};
use program::tasuki;
use tasuki::audit::What;
use tasuki::journal::Journal;
use tasuki::letter::{Letter, LetterId};
use tasuki::pipeline::{Outcome, Pipeline, Receipt, Refusal};
use tasuki::store::faulty::{Failure, FaultyEngine};
use tasuki::store::memory::MemoryEngine;
use tasuki::store::verify::verify;
use tasuki::store::{Commit, Store};

/// More storage calls than a scenario makes.
const CALLS_MAX: u64 = 500;

fn message(control: &str, stamp: &str, patient: &str, name: &str) -> String {
    format!(
        "MSH|^~\\&|HIS|SEND|GW|RCV|{stamp}||ADT^A08^ADT_A01|{control}|P|2.5||||||UNICODE UTF-8\rEVN||20261013090000\r\
         PID|1||{patient}||{name}^例示^^^^^L^I||19500101|F\r"
    )
}

fn sent(name: &str, text: &str) -> Letter {
    Letter { source: source(HOSPITAL), name: name.into(), bytes: text.as_bytes().to_vec() }
}

fn open() -> (Store, Pipeline) {
    let store = Store::open_memory();
    (store.clone(), Pipeline::new(store, clock))
}

fn rules(receipt: &Receipt) -> Vec<&str> {
    receipt.issues.iter().map(|issue| issue.rule.as_str()).collect()
}

#[test]
fn a_correction_takes_the_place_of_a_held_letter() {
    let (store, pipeline) = open();
    let wrong = sent("a.hl7", &message("M1", "20261013090000", "", "見本"));
    let held = pipeline.receive(&wrong).unwrap();
    assert_eq!((held.outcome, rules(&held)), (Outcome::Held, vec!["v2-no-patient"]));
    assert_eq!(pipeline.correct(wrong.id(), None, wrong.bytes.clone()).unwrap(), Err(Refusal::NothingCorrected));
    let still_wrong = message("M1", "20261013090000", " ", "見本");
    let second = pipeline.correct(wrong.id(), None, still_wrong.into_bytes()).unwrap().unwrap();
    assert_eq!((second.outcome, second.corrects.clone()), (Outcome::Held, Some(wrong.id().hex())));
    let right = message("M1", "20261013090000", "0000000009", "見本").into_bytes();
    let second = LetterId::parse(&second.letter).unwrap();
    let third = pipeline.correct(second, None, right.clone()).unwrap().unwrap();
    assert_eq!((third.outcome, third.corrects.clone()), (Outcome::Stored, Some(second.hex())));
    assert!(!rules(&third).contains(&"control-id-reused"), "it corrects, it does not reuse");
    let third = LetterId::parse(&third.letter).unwrap();
    for (id, by) in [(wrong.id(), second), (second, third)] {
        let receipt = pipeline.receipt(id).unwrap().unwrap();
        assert_eq!((receipt.outcome, receipt.replaced_by), (Outcome::Held, Some(by.hex())));
        assert!(store.raw(id).unwrap().is_some(), "both are kept");
    }
    assert_eq!(store.held(None, 9).unwrap(), []);
    assert_eq!(pipeline.correct(wrong.id(), None, right).unwrap(), Err(Refusal::NotHeld));
    assert_eq!(pipeline.receive(&wrong).unwrap().outcome, Outcome::Held, "the letter itself gets its answer");
    assert_eq!(verify(&store).unwrap().broken, []);
}

#[test]
fn a_name_can_be_what_was_wrong() {
    let (store, pipeline) = open();
    let folders = "000/000/0000000009/-/ADT-00";
    let file = |patient: &str| format!("{folders}/{patient}_-_ADT-00_999999999999999_20261013090000000_-_1");
    let wrong = sent(&file("0000000008"), &message("M1", "20261013090000", "0000000009", "見本"));
    assert_eq!(pipeline.receive(&wrong).unwrap().outcome, Outcome::Held);
    let name = Some(file("0000000009"));
    let right = pipeline.correct(wrong.id(), name, wrong.bytes.clone()).unwrap().unwrap();
    assert_eq!(right.outcome, Outcome::Stored, "{right:#?}");
    assert_eq!(store.held(None, 9).unwrap(), []);
}

#[test]
fn what_the_sender_has_corrected_since_is_taken_for_the_correction() {
    let (store, pipeline) = open();
    let wrong = sent("", &message("M1", "20261013090000", "", "見本"));
    pipeline.receive(&wrong).unwrap();
    let right = sent("", &message("M2", "20261013090000", "0000000009", "見本"));
    let first = pipeline.receive(&right).unwrap();
    let again = pipeline.correct(wrong.id(), None, right.bytes.clone()).unwrap().unwrap();
    assert!(again.repeat && again.letter == first.letter);
    assert_eq!(pipeline.receipt(wrong.id()).unwrap().unwrap().replaced_by, Some(right.id().hex()));
    assert_eq!(store.held(None, 9).unwrap(), []);
}

#[test]
fn a_letter_is_dropped_with_its_reason() {
    let (store, pipeline) = open();
    let noise = sent("x", "hello");
    pipeline.receive(&noise).unwrap();
    let dropped = pipeline.drop_held(noise.id(), "試験送信").unwrap().unwrap();
    assert_eq!(dropped.dropped.as_ref().map(|d| d.reason.as_str()), Some("試験送信"));
    assert_eq!(pipeline.receipt(noise.id()).unwrap(), Some(dropped));
    assert_eq!(store.held(None, 9).unwrap(), []);
    assert_eq!(store.raw(noise.id()).unwrap(), Some(noise.bytes.clone()), "it is kept all the same");
    assert_eq!(pipeline.drop_held(noise.id(), "again").unwrap(), Err(Refusal::NotHeld));
    assert_eq!(pipeline.retry(noise.id()).unwrap(), Err(Refusal::NotHeld));
}

/// A letter that an earlier version of the program could not read: held, though it can be read today.
fn held_by_an_older_program(store: &Store, pipeline: &Pipeline, letter: &Letter) {
    let noise = sent("older", "hello");
    pipeline.receive(&noise).unwrap();
    let raw = store.keep_raw(letter.id(), letter).unwrap().unwrap();
    store.submit(raw).wait().unwrap();
    let mut receipt: serde_json::Value = serde_json::from_slice(&store.receipt(noise.id()).unwrap().unwrap()).unwrap();
    receipt["letter"] = letter.id().hex().into();
    receipt["received"] = 1_794_000_000_000_i64.into();
    let mut commit = Commit::default();
    commit.put_receipt(letter.id(), receipt.to_string().as_bytes()).unwrap();
    commit.hold(letter.id());
    commit.of_letter(letter.id()).unwrap();
    store.submit(commit).wait().unwrap();
    pipeline.drop_held(noise.id(), "only a model").unwrap().unwrap();
}

#[test]
fn what_can_be_read_today_is_released() {
    let (store, pipeline) = open();
    let letter = sent("", &message("M1", "20261013090000", "0000000009", "見本"));
    held_by_an_older_program(&store, &pipeline, &letter);
    let receipt = pipeline.retry(letter.id()).unwrap().unwrap();
    assert_eq!((receipt.outcome, receipt.received), (Outcome::Stored, 1_794_000_000_000), "received when it came");
    assert_eq!(receipt.earlier[0].issues[0].rule, "letter-format-unknown", "why it was held stays known");
    assert_eq!(store.held(None, 9).unwrap(), []);
    assert_eq!(pipeline.receipt(letter.id()).unwrap(), Some(receipt.clone()));
    let told = store.told(receipt.record().unwrap(), 0, 9).unwrap();
    assert_eq!((told.len(), told[0].1.received), (1, 1_794_000_000_000));
}

#[test]
fn what_still_cannot_be_read_says_why_today() {
    let (store, pipeline) = open();
    let letter = sent("", &message("M1", "20261013090000", "", "見本"));
    held_by_an_older_program(&store, &pipeline, &letter);
    let log = verify(&store).unwrap().log;
    let receipt = pipeline.retry(letter.id()).unwrap().unwrap();
    assert_eq!((receipt.outcome, rules(&receipt), receipt.earlier.len()), (Outcome::Held, vec!["v2-no-patient"], 1));
    assert_eq!(store.held(None, 9).unwrap(), [letter.id()]);
    assert_eq!(verify(&store).unwrap().log, log + 1);
    assert_eq!(pipeline.retry(letter.id()).unwrap().unwrap(), receipt, "to the same end, nothing is written");
    assert_eq!(verify(&store).unwrap().log, log + 1);
}

#[test]
fn of_many_who_settle_one_letter_one_does() {
    for _ in 0..10 {
        let (store, pipeline) = open();
        let letter = sent("", &message("M1", "20261013090000", "0000000009", "見本"));
        held_by_an_older_program(&store, &pipeline, &letter);
        together(8, |n| match n % 2 {
            0 => drop(pipeline.retry(letter.id())),
            _ => drop(pipeline.drop_held(letter.id(), "raced")),
        });
        let receipt = pipeline.receipt(letter.id()).unwrap().unwrap();
        assert_eq!(receipt.outcome == Outcome::Held, receipt.dropped.is_some(), "{receipt:#?}");
        assert_eq!(store.held(None, 9).unwrap(), []);
        assert_eq!(verify(&store).unwrap().broken, []);
    }
}

#[test]
fn whichever_storage_call_fails_a_correction_is_done_or_not() {
    for failure in [Failure::Before, Failure::After] {
        for nth in 1..CALLS_MAX {
            let inner = Arc::new(MemoryEngine::new());
            let wrong = sent("", &message("M1", "20261013090000", "", "見本"));
            let right = message("M1", "20261013090000", "0000000009", "見本").into_bytes();
            let store = Store::over(inner.clone()).unwrap();
            Pipeline::new(store.clone(), clock).receive(&wrong).unwrap();
            drop(store);
            let faulty = Arc::new(FaultyEngine::new(inner.clone(), nth, failure));
            let told = Store::over(faulty.clone())
                .and_then(|store| Pipeline::new(store, clock).correct(wrong.id(), None, right.clone()));
            let store = Store::over(inner).unwrap();
            let pipeline = Pipeline::new(store.clone(), clock);
            let old = pipeline.receipt(wrong.id()).unwrap().unwrap();
            let is_held = store.is_held(wrong.id()).unwrap();
            assert_eq!(old.replaced_by.is_none(), is_held, "{failure:?} {nth}: by half");
            assert!(told.is_err() || !is_held, "{failure:?} {nth}: told and not done");
            if is_held {
                pipeline.correct(wrong.id(), None, right).unwrap().unwrap();
            }
            assert_eq!(verify(&store).unwrap().broken, []);
            if !faulty.failed() {
                break;
            }
            assert!(nth + 1 < CALLS_MAX, "the scenario makes more calls than that");
        }
    }
}

#[test]
fn a_message_sent_again_is_answered_as_before() {
    let (store, pipeline) = open();
    let first = pipeline.receive(&sent("", &message("M1", "20261013090000", "0000000009", "見本"))).unwrap();
    let before = verify(&store).unwrap();
    let again = sent("again.hl7", &message("M1", "20261014100000", "0000000009", "見本"));
    let answer = pipeline.receive(&again).unwrap();
    assert_eq!(
        (answer.repeat, answer.outcome, &answer.letter, &answer.resources),
        (true, first.outcome, &first.letter, &first.resources)
    );
    assert_eq!(answer.name, "again.hl7", "under the name it came by");
    assert_eq!(store.raw(again.id()).unwrap(), Some(again.bytes.clone()), "its bytes are kept");
    let after = verify(&store).unwrap();
    assert_eq!((after.log, after.letters, after.receipts), (before.log + 1, before.letters + 1, before.receipts + 1));
    assert_eq!((after.records, after.told), (before.records, before.told), "nothing changed");
    assert_eq!(pipeline.receive(&again).unwrap(), answer);
    assert_eq!(pipeline.receipt(again.id()).unwrap().unwrap().letter, first.letter);
    assert_eq!(verify(&store).unwrap(), after);
}

#[test]
fn an_id_used_for_something_else_is_a_new_message_with_a_warning() {
    let (_, pipeline) = open();
    let receive = |name: &str, text: &str| pipeline.receive(&sent(name, text)).unwrap();
    receive("", &message("M1", "20261013090000", "0000000009", "見本"));
    let other = receive("", &message("M1", "20261013090000", "0000000009", "改姓"));
    assert!(!other.repeat && rules(&other).contains(&"control-id-reused"), "{other:#?}");
    assert_eq!(other.issues.iter().find(|i| i.rule == "control-id-reused").unwrap().place, "MSH-10");
    for other in [
        message("M2", "20261013090000", "0000000009", "別名"),
        message("M1", "20261013090000", "0000000009", "別名").replace("|HIS|", "|LIS|"),
    ] {
        let receipt = receive("", &other);
        assert!(!receipt.repeat && !rules(&receipt).contains(&"control-id-reused"), "{receipt:#?}");
    }
    for stamp in ["20261013090000", "20261014100000"] {
        let without = receive("", &message("", stamp, "0000000009", "無名"));
        assert!(
            !without.repeat && !rules(&without).contains(&"control-id-reused"),
            "without an id nothing is compared"
        );
    }
    let elsewhere = Letter { source: source("0119999902"), ..sent("", &message("M1", "2026", "0000000009", "他院")) };
    assert!(!rules(&pipeline.receive(&elsewhere).unwrap()).contains(&"control-id-reused"), "an id is its sender's own");
}

#[test]
fn a_file_name_that_says_something_else_is_no_repetition() {
    let (_, pipeline) = open();
    let file = |folders: &str, stamp: &str, flag: &str| {
        format!("{folders}0000000009_-_ADT-00_999999999999999_{stamp}000_-_{flag}")
    };
    let text = message("M1", "20261013090000", "0000000009", "見本");
    let folders = "000/000/0000000009/-/ADT-00/";
    assert!(!pipeline.receive(&sent(&file(folders, "20261013090000", "1"), &text)).unwrap().repeat);
    for name in [file(folders, "20261013090000", "0"), file(folders, "20261014090000", "1")] {
        let receipt = pipeline.receive(&sent(&name, &text)).unwrap();
        assert!(!receipt.repeat && !rules(&receipt).contains(&"control-id-reused"), "{receipt:#?}");
    }
    assert!(pipeline.receive(&sent(&file("", "20261013090000", "1"), &text)).unwrap().repeat, "only other folders");
}

#[test]
fn one_message_delivered_many_times_at_once_counts_once() {
    for round in 0..20 {
        let (store, pipeline) = open();
        let receipts = together(16, |n| {
            let text = message("M1", &format!("202610130900{n:02}"), "0000000009", "見本");
            pipeline.receive(&sent("", &text)).unwrap()
        });
        assert_eq!(receipts.iter().filter(|receipt| !receipt.repeat).count(), 1, "round {round}");
        let report = verify(&store).unwrap();
        assert_eq!((report.told, report.controls, report.letters, report.broken_count), (1, 1, 16, 0));
    }
}

#[test]
fn bundles_have_no_message_id() {
    let (store, pipeline) = open();
    for name in ["b1", "b2"] {
        let sent = bundle("9", name, &[condition(name, "C1", None)]).to_string();
        assert!(!pipeline.receive(&self::sent("", &sent)).unwrap().repeat);
    }
    assert_eq!(verify(&store).unwrap().controls, 0);
}

fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = tasuki(arguments);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_operator_settles_held_letters() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (inbox, store) = (path("inbox"), path("store"));
    std::fs::create_dir(&inbox).unwrap();
    let wrong = message("M1", "20261013090000", "", "見本");
    std::fs::write(format!("{inbox}/wrong.hl7"), &wrong).unwrap();
    std::fs::write(format!("{inbox}/noise.txt"), "hello").unwrap();
    assert_eq!(run(&["ingest", &inbox, "--store", &store, "--facility", HOSPITAL]).0, 1);
    let held = |arguments: &[&str]| run(&[&["held", "--store", &store], arguments].concat());
    let (code, list, _) = held(&[]);
    assert_eq!((code, held(&["list"]).1), (1, list.clone()));
    let id = |name: &str| list.lines().find(|line| line.ends_with(name)).unwrap()[..12].to_owned();
    let (wrong_id, noise_id) = (id("wrong.hl7"), id("noise.txt"));
    let (code, shown, _) = held(&["show", &wrong_id]);
    assert!(code == 0 && shown.contains("[v2-no-patient]") && shown.contains("PID|1||>><<||見本"), "{shown}");
    assert_eq!(held(&["retry", &wrong_id]).0, 1);
    assert_eq!(held(&["drop", &noise_id, "--reason", " "]).0, 66, "a reason is given");
    let (code, said, _) = held(&["drop", &noise_id, "--reason", "a test of the network"]);
    assert!(code == 0 && said.contains("off the list"), "{said}");
    let right = path("right.hl7");
    std::fs::write(&right, wrong.replace("PID|1||", "PID|1||0000000009")).unwrap();
    let (code, said, _) = held(&["edit", &wrong_id, "--with", &right]);
    assert!(code == 0 && said.contains("replaced by") && said.contains("stored"), "{said}");
    assert_eq!((held(&[]).0, held(&[]).1.trim()), (0, "nothing is held"));
    let (_, shown, _) = held(&["show", &wrong_id]);
    assert!(shown.contains("replaced by"), "{shown}");
    assert!(held(&["show", &noise_id]).1.contains(": a test of the network"));
    assert_eq!(held(&["show", "ffffff"]).0, 66);
    audited(Path::new(&store));
}

fn audited(store: &Path) {
    let open = Store::open_sled(store, 8 << 20).unwrap();
    let events = Journal::start(open.clone(), 8).unwrap().newest(100, |_| true).unwrap();
    let of = |what| events.iter().filter(|(_, event)| event.what == what).count();
    // Taken in (both letters in one event), tried anew, corrected; shown three times; dropped once.
    assert_eq!([What::Receive, What::LetterRead, What::LetterDropped].map(of), [3, 3, 1], "{events:#?}");
    assert!(events.iter().all(|(_, event)| event.agent.is_some()));
    assert_eq!(verify(&open).unwrap().broken, []);
}

#[test]
fn an_editor_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (inbox, store, editor) = (path("inbox"), path("store"), path("editor.sh"));
    std::fs::create_dir(&inbox).unwrap();
    std::fs::write(format!("{inbox}/wrong.hl7"), message("M1", "20261013090000", "", "見本")).unwrap();
    std::fs::write(&editor, "sed -i 's/PID|1||/PID|1||0000000009/' \"$1\"\n").unwrap();
    run(&["ingest", &inbox, "--store", &store, "--facility", HOSPITAL]);
    let id = run(&["held", "--store", &store]).1[..12].to_owned();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_tasuki"))
        .args(["held", "edit", &id, "--store", &store])
        .env("VISUAL", format!("sh {editor}"))
        .env("TMPDIR", folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let left = std::fs::read_dir(folder.path()).unwrap().flatten().map(|e| e.file_name().into_string().unwrap());
    assert!(!left.into_iter().any(|name| name.starts_with("tasuki-letter")), "the letter is not left lying about");
}
