//! `tasuki replay`: what the operator sees before, what is done, and what is on record of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)] // a test fails by panicking

mod gateway;
mod program;
mod replayed;

use std::path::Path;

use gateway::{HOSPITAL, key};
use program::{example, tasuki};
use replayed::{CONCEPT_MAP, as_other_maps, local_result, records};
use serde_json::Value;
use tasuki::fhir::ResourceType;
use tasuki::store::verify::verify;
use tasuki::store::{Commit, Store};

/// A store on disk with the example hospital, the first patient's record as other maps would have made it.
fn on_disk(folder: &Path) -> String {
    let store = folder.join("store").to_str().unwrap().to_owned();
    let ingest = tasuki(&["ingest", example("hospital/0119999901").to_str().unwrap(), "--store", &store]);
    assert!(ingest.status.success());
    let open = Store::open_sled(Path::new(&store), 8 << 20).unwrap();
    as_other_maps(&open, key("0000000001"), ResourceType::OBSERVATION, ResourceType::CONDITION);
    store
}

fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = tasuki(arguments);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_operator_sees_what_a_replay_would_do_and_does_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = on_disk(folder.path());
    let (code, said, warned) = run(&["replay", "--no-maps", "--store", &store, "--dry-run"]);
    assert_eq!(code, 0, "{warned}");
    for line in ["1  changed    Observation             status", "1  created    Condition", "1  deleted    Observation"]
    {
        assert!(said.contains(line), "{line}\n{said}");
    }
    assert!(said.contains("1 resources created, 1 changed, 1 deleted, 0 reindexed"), "{said}");
    assert!(said.contains("nothing written") && warned.contains("replay-would-delete"), "{warned}");
    assert!(!said.contains("other-") && !said.contains("final"), "values only when asked for: {said}");
    let (_, said, _) =
        run(&["replay", "--no-maps", "--store", &store, "--dry-run", "--values", "--facility", HOSPITAL]);
    assert!(said.contains("status: \"other-final\" -> \"final\""), "{said}");
    let (_, said, _) = run(&["replay", "--no-maps", "--store", &store, "--dry-run", "--facility", "other"]);
    assert!(said.contains("0 records"), "{said}");
    let (_, said, _) =
        run(&["replay", "--no-maps", "--store", &store, "--dry-run", "--since", "2020-01-01", "--until", "2020-12-31"]);
    assert!(said.contains("0 records"), "{said}");
    let (_, said, warned) = run(&["replay", "--no-maps", "--store", &store]);
    assert!(said.contains("1 resources created, 1 changed, 1 deleted"), "{said}");
    assert!(warned.contains("replay-no-longer-given"), "{warned}");
    let (_, said, warned) = run(&["replay", "--no-maps", "--store", &store, "--since", "2020-01-01"]);
    assert!(said.contains("0 resources created, 0 changed, 0 deleted, 0 reindexed") && warned.is_empty(), "{said}");
    assert!(!said.starts_with("0 records"), "{said}");
    let (code, _, warned) = run(&["replay", "--no-maps", "--store", &store, "--resume"]);
    assert!(code == 66 && warned.contains("no replay was broken off"), "{warned}");
    let open = Store::open_sled(Path::new(&store), 8 << 20).unwrap();
    assert_eq!(verify(&open).unwrap().broken, []);
}

#[test]
fn a_broken_off_replay_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let store = on_disk(folder.path());
    let all = {
        let open = Store::open_sled(Path::new(&store), 8 << 20).unwrap();
        let all = records(&open);
        let mut commit = Commit::default();
        let noted = format!(r#"{{"selection":"None None None","after":"{:032x}"}}"#, all[0].0);
        commit.note("replay", Some(noted.as_bytes()));
        open.submit(commit).wait().unwrap();
        all.len()
    };
    let (code, _, warned) = run(&["replay", "--no-maps", "--store", &store, "--resume", "--facility", HOSPITAL]);
    assert!(code == 66 && warned.contains("another selection"), "{warned}");
    let (code, said, _) = run(&["replay", "--no-maps", "--store", &store, "--resume"]);
    assert!(code == 0 && said.contains(&format!("{} records", all - 1)), "{said}");
    assert_eq!(run(&["replay", "--no-maps", "--store", &store, "--resume"]).0, 66, "it is done");
}

#[test]
fn one_letter_s_record_is_made_anew_and_the_act_is_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let store = on_disk(folder.path());
    let letter = {
        let open = Store::open_sled(Path::new(&store), 8 << 20).unwrap();
        open.told(key("0000000001"), 0, 1).unwrap()[0].1.letter.hex()
    };
    let (_, said, _) = run(&["replay", "--no-maps", "--store", &store, "--letter", &letter[..12]]);
    assert!(said.contains("1 records") && said.contains("1 changed"), "{said}");
    assert_eq!(run(&["replay", "--no-maps", "--store", &store, "--letter", "ffff"]).0, 66);
    let open = Store::open_sled(Path::new(&store), 8 << 20).unwrap();
    let events = tasuki::journal::Journal::start(open, 8).unwrap().newest(100, |_| true).unwrap();
    let replays: Vec<_> = events.iter().filter(|(_, e)| e.what == tasuki::audit::What::Replay).collect();
    assert_eq!((replays.len(), replays[0].1.patients.clone(), replays[0].1.count), (1, vec![key("0000000001")], 3));
    let received: u32 =
        events.iter().filter(|(_, e)| e.what == tasuki::audit::What::Receive).map(|(_, e)| e.count).sum();
    assert!(received >= 42, "what was taken in is on the audit record");
}

#[test]
fn a_replay_says_by_which_maps() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (inbox, maps, store) = (path("inbox"), path("maps"), path("store"));
    [&inbox, &maps].iter().for_each(|folder| std::fs::create_dir(folder).unwrap());
    std::fs::write(format!("{inbox}/a.hl7"), &local_result("1", "A1").bytes).unwrap();
    run(&["ingest", &inbox, "--store", &store, "--facility", HOSPITAL]);
    let (code, _, warned) = run(&["replay", "--store", &store]);
    assert!(code == 66 && warned.contains("say which maps count"), "{warned}");
    std::fs::write(format!("{maps}/codes.json"), CONCEPT_MAP).unwrap();
    let (_, list, _) = run(&["codes", "list", "--store", &store]);
    let id = list.lines().find(|line| line.contains(" X1 ")).unwrap().split_whitespace().nth(1).unwrap().to_owned();
    let (code, said, _) = run(&["replay", "--maps", &maps, "--store", &store, "--code", &id]);
    assert!(code == 0 && said.contains("code.coding[] (added)") && said.contains("1 entries"), "{said}");
    assert!(!run(&["codes", "list", "--store", &store]).1.contains(" X1 "));
    let (_, json, _) = run(&["codes", "list", "--json", "--store", &store]);
    assert!(json.lines().all(|line| serde_json::from_str::<Value>(line).unwrap()["letters"].is_u64()), "{json}");
}
