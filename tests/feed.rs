//! Folders that are followed: what lies there, what comes later, what is written over, what is cut short.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)] // a test fails by panicking

mod gateway;
mod program;
mod zipped;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway::{HOSPITAL, source};
use tasuki::app::Gateway;
use tasuki::config::{Config, Folder};
use tasuki::feed::{Feed, Pace};
use tasuki::letter::Letter;
use tasuki::pipeline::Outcome;
use tasuki::store::{Store, verify};

/// The clock of the machine: files are stamped by it.
fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}

fn pace() -> Pace {
    Pace { settle: Duration::from_millis(50), slack: Duration::from_millis(20), ..Pace::default() }
}

fn message(patient: u32, control: u32) -> String {
    format!(
        "MSH|^~\\&|HIS|{HOSPITAL}|GW|X|20261110120000||ADT^A08^ADT_A01|{control}|P|2.5\rEVN||20261110120000\r\
         PID|||{patient:010}^^^^PI||試験^太郎||19500101|M\rPV1||O\r"
    )
}

/// A gateway over a store, and the folder it follows.
struct World {
    store: Store,
    gateway: Arc<Gateway>,
    root: tempfile::TempDir,
    folder: Folder,
    pace: Pace,
}

impl World {
    fn new() -> World {
        let root = tempfile::tempdir().unwrap();
        let config = gateway::config();
        let store = Store::open_memory();
        let folder = Folder {
            path: root.path().join("in"),
            source: config.sources[0].clone(),
            transactions: None,
            index: None,
            every_seconds: 0,
        };
        fs::create_dir(&folder.path).unwrap();
        let gateway = World::gateway(&store, &config);
        World { store, gateway, root, folder, pace: pace() }
    }

    fn gateway(store: &Store, config: &Config) -> Arc<Gateway> {
        Arc::new(Gateway::over(store.clone(), config, now).unwrap())
    }

    /// Follows, until this is dropped.
    fn follow(&self) -> Feed {
        Feed::start(&self.gateway, std::slice::from_ref(&self.folder), self.pace).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path.join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn outcome(&self, name: &str, text: &str) -> Option<Outcome> {
        let letter = Letter { source: source(HOSPITAL), name: name.into(), bytes: text.as_bytes().to_vec() };
        self.gateway.pipeline().receipt(letter.id()).unwrap().map(|receipt| receipt.outcome)
    }

    fn letters(&self) -> u64 {
        verify::verify(&self.store).unwrap().letters
    }

    /// Until the letter is received.
    fn wait(&self, name: &str, text: &str) -> Outcome {
        until(name, || self.outcome(name, text))
    }

    /// Until a folder's cursor is there: what lay in it is taken in.
    fn wait_for_cursor(&self) {
        until("the backlog", || (verify::verify(&self.store).unwrap().cursors > 0).then_some(()));
    }
}

fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{what} was waited for in vain");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Long enough for several looks.
fn a_while() {
    std::thread::sleep(Duration::from_millis(400));
}

const RESULT: &str =
    "000/000/0000000001/20261110/ADT-00/0000000001_20261110_ADT-00_000000000000001_20261110120000000_01_1";

#[test]
fn what_lies_there_and_what_comes_later_is_taken_in() {
    let world = World::new();
    let csv = "患者番号,検査日,項目コード,項目名,結果値\n1,20260401,TP,総蛋白,6.1\n2,20260401,TP,総蛋白,7\n";
    let zip = zipped::zip(&[("z.hl7".to_owned(), message(8, 8).as_bytes())], true);
    world.write("a.hl7", &message(1, 1));
    world.write(RESULT, &message(1, 2));
    world.write("lab.csv", csv);
    fs::write(world.path("z.zip"), &zip).unwrap();
    let feed = world.follow();
    assert_eq!(world.wait("a.hl7", &message(1, 1)), Outcome::Stored);
    assert_eq!(world.wait(RESULT, &message(1, 2)), Outcome::Stored);
    assert_eq!(world.wait("lab.csv", csv), Outcome::Parted);
    assert_eq!(world.wait("z.hl7", &message(8, 8)), Outcome::Stored);
    world.wait_for_cursor();
    let late = RESULT.replace("20261110120000000", "20261111120000000");
    world.write(&late, &message(1, 3));
    world.write("deep/below/b.hl7", &message(2, 4));
    world.write("c.pdf", "%PDF");
    assert_eq!(world.wait(&late, &message(1, 3)), Outcome::Stored);
    assert_eq!(world.wait("deep/below/b.hl7", &message(2, 4)), Outcome::Stored);
    let letters = world.letters();
    a_while();
    assert_eq!(world.letters(), letters, "nothing twice");
    drop(feed);
    let report = verify::verify(&world.store).unwrap();
    assert_eq!((report.broken, report.cursors), (vec![], 1));
    let events = world.gateway.journal().newest(99, |_| true).unwrap();
    let told: u32 = events.iter().map(|(_, event)| event.count).sum();
    assert_eq!(u64::from(told), letters, "each letter is on record");
    assert!(events.iter().all(|(_, e)| e.agent.as_ref().unwrap().organization == "Organization/hospital"));
}

#[test]
fn a_file_with_an_old_time_is_new_when_it_comes_late() {
    let world = World::new();
    let _feed = world.follow();
    world.write("first.hl7", &message(1, 1));
    world.wait("first.hl7", &message(1, 1));
    world.wait_for_cursor();
    a_while();
    // Copied with its time, as `cp -p` and `rsync -t` do.
    let staged = world.root.path().join("staged");
    fs::create_dir(&staged).unwrap();
    let old = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    let write = |path: &Path, text: &str| {
        fs::write(path, text).unwrap();
        fs::File::options().write(true).open(path).unwrap().set_times(old).unwrap();
    };
    write(&world.path("copied.hl7"), &message(2, 2));
    assert_eq!(world.wait("copied.hl7", &message(2, 2)), Outcome::Stored);
    // A folder moved in: neither it nor what is in it was changed in any other way.
    write(&staged.join("moved.hl7"), &message(3, 3));
    a_while();
    fs::rename(&staged, world.path("staged")).unwrap();
    assert_eq!(world.wait("staged/moved.hl7", &message(3, 3)), Outcome::Stored);
}

#[test]
fn a_file_that_is_written_over_is_a_new_letter() {
    let mut world = World::new();
    world.pace.full_every = Duration::from_millis(300);
    world.write("a.hl7", &message(1, 1));
    world.write(RESULT, &message(1, 2));
    let _feed = world.follow();
    world.wait(RESULT, &message(1, 2));
    world.wait_for_cursor();
    a_while();
    world.write("a.hl7", &message(1, 3));
    assert_eq!(world.wait("a.hl7", &message(1, 3)), Outcome::Stored);
    // In a folder that did not change: only a look at every file finds it.
    world.write(RESULT, &message(1, 4));
    assert_eq!(world.wait(RESULT, &message(1, 4)), Outcome::Stored);
}

#[test]
fn a_file_that_is_being_written_is_left_alone() {
    let mut world = World::new();
    world.pace.settle = Duration::from_millis(600);
    let _feed = world.follow();
    let text = message(1, 1);
    for part in 1..6 {
        world.write("slow.hl7", &text[..text.len() * part / 5]);
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(world.wait("slow.hl7", &text), Outcome::Stored);
    assert_eq!(world.letters(), 1, "none of its beginnings was taken for it");
}

#[test]
fn what_cannot_be_read_is_tried_again() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    world.write("closed.hl7", &message(1, 1));
    world.write("locked/inside.hl7", &message(2, 2));
    let close = |name: &str, mode: u32| {
        fs::set_permissions(world.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    close("closed.hl7", 0);
    close("locked", 0);
    if fs::read(world.path("closed.hl7")).is_ok() {
        println!("not run: this user may read everything");
        close("locked", 0o755);
        return;
    }
    let feed = world.follow();
    world.wait_for_cursor();
    drop(feed);
    assert_eq!(world.letters(), 0);
    // Long ago, for the file: the cursor has gone on.
    a_while();
    let _feed = world.follow();
    close("closed.hl7", 0o644);
    close("locked", 0o755);
    assert_eq!(world.wait("closed.hl7", &message(1, 1)), Outcome::Stored);
    assert_eq!(world.wait("locked/inside.hl7", &message(2, 2)), Outcome::Stored);
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let world = World::new();
    world.write("a.hl7", &message(1, 1));
    let feed = world.follow();
    world.wait("a.hl7", &message(1, 1));
    world.wait_for_cursor();
    drop(feed);
    world.write("while-down.hl7", &message(2, 2));
    world.write(RESULT, &message(1, 3));
    let again = World { gateway: World::gateway(&world.store, &gateway::config()), ..world };
    let _feed = again.follow();
    assert_eq!(again.wait("while-down.hl7", &message(2, 2)), Outcome::Stored);
    assert_eq!(again.wait(RESULT, &message(1, 3)), Outcome::Stored);
    assert_eq!(again.letters(), 3);
}

#[test]
fn a_share_that_is_away_loses_nothing() {
    let world = World::new();
    world.write("a.hl7", &message(1, 1));
    let _feed = world.follow();
    world.wait("a.hl7", &message(1, 1));
    world.wait_for_cursor();
    a_while();
    // The share is gone; in its place is the empty folder it was mounted on.
    let mounted = world.root.path().join("mounted");
    fs::rename(&world.folder.path, &mounted).unwrap();
    fs::create_dir(&world.folder.path).unwrap();
    fs::write(mounted.join("meanwhile.hl7"), message(2, 2)).unwrap();
    a_while();
    fs::remove_dir(&world.folder.path).unwrap();
    a_while();
    fs::rename(&mounted, &world.folder.path).unwrap();
    assert_eq!(world.wait("meanwhile.hl7", &message(2, 2)), Outcome::Stored);
}

#[test]
fn another_facility_s_storage_is_not_mixed_in() {
    let world = World::new();
    let name = RESULT.to_owned();
    world.write(&format!("0119999902/{name}"), &message(1, 1));
    world.write(&format!("{HOSPITAL}/{name}"), &message(1, 2));
    let _feed = world.follow();
    assert_eq!(world.wait(&name, &message(1, 2)), Outcome::Stored);
    world.wait_for_cursor();
    a_while();
    assert_eq!(world.letters(), 1);
}

fn header(patient: u32, number: u32, action: &str, facility: &str) -> String {
    format!(
        "#SSMIX,2.00,{facility},{patient:010},20261110,ADT-00,{number:015},{action},01,2026111012{number:02}00000\r\n"
    )
}

fn name(patient: u32, number: u32, flag: u32) -> String {
    format!("{patient:010}_20261110_ADT-00_{number:015}_2026111012{number:02}00000_01_{flag}")
}

#[test]
fn transaction_storage_is_taken_in_the_order_of_its_names() {
    let mut world = World::new();
    let transactions = world.path("transactions");
    world.folder.transactions = Some(transactions.clone());
    let file = |n: u32| format!("2026/TR_2026111012000000{n}_00001.DAT");
    let first =
        [header(1, 1, "INS", HOSPITAL), message(1, 1), "broken\r".into(), header(2, 2, "INS", HOSPITAL), message(2, 2)];
    let second = [
        header(1, 1, "DEL", HOSPITAL),
        message(1, 3),
        header(3, 3, "INS", "0119999902"),
        message(3, 4),
        header(4, 4, "UPD", HOSPITAL),
        message(4, 5),
    ];
    world.write(&format!("transactions/{}", file(1)), &first.concat());
    world.write("transactions/2026/readme.txt", "x");
    let _feed = world.follow();
    assert_eq!(world.wait(&file(1), &first.concat()), Outcome::Parted);
    world.write(&format!("transactions/{}", file(2)), &second.concat());
    assert_eq!(world.wait(&file(2), &second.concat()), Outcome::Parted);
    let one = format!("{}broken\r", message(1, 1));
    assert_eq!(world.outcome(&name(1, 1, 1), &one), Some(Outcome::Stored));
    assert_eq!(world.outcome(&name(2, 2, 1), &message(2, 2)), Some(Outcome::Stored));
    assert_eq!(world.outcome(&name(1, 1, 0), &message(1, 3)), Some(Outcome::Stored));
    let letter = Letter { source: source(HOSPITAL), name: file(2), bytes: second.concat().into_bytes() };
    let receipt = world.gateway.pipeline().receipt(letter.id()).unwrap().unwrap();
    let told: Vec<_> = receipt.issues.iter().map(|issue| (issue.place.as_str(), issue.rule.as_str())).collect();
    assert_eq!(told, [("record 3", "ssmix2-transaction-header"), ("record 2", "ssmix2-transaction-facility")]);
    assert_eq!(world.letters(), 5, "two files and three records; nothing by way of the folder around");
    // A file that grows is taken again; its first record is known.
    let grown = second.concat() + &header(5, 5, "INS", HOSPITAL) + &message(5, 6);
    fs::write(transactions.join(file(2)), &grown).unwrap();
    world.wait(&file(2), &grown);
    assert_eq!(world.outcome(&name(5, 5, 1), &message(5, 6)), Some(Outcome::Stored));
}

#[test]
fn the_index_table_says_what_came() {
    let mut world = World::new();
    let index = world.root.path().join("index.csv");
    world.folder.index = Some(index.clone());
    let storage = world.folder.path.clone();
    let row = |n: u32, action: &str, flag: u32, updated: &str| {
        format!(
            "V,{HOSPITAL},0000000001,20261110,ADT-00,{n:015},{action},01,20261110120000000,\
             000\\000\\0000000001\\20261110\\ADT-00,{},{updated}\n",
            name(1, n, flag)
        )
    };
    let put = |n: u32, flag: u32, text: &str| {
        let path = storage.join("000/000/0000000001/20261110/ADT-00").join(name(1, n, flag));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let at = |n: u32, flag: u32| format!("000/000/0000000001/20261110/ADT-00/{}", name(1, n, flag));
    put(1, 1, &message(1, 1));
    put(3, 1, &message(1, 3));
    let columns = "VolumeLabel,FacilityID,PatientID,OrderDate,DataKind,OrderNo,ProcessingType,EnterOrgCD,\
        TransactionDatetime,OutRelDirectory,FileName,UpdateDatetime\n";
    let mut text =
        columns.to_owned() + &row(1, "INS", 1, "2026-11-10 12:00:00") + &row(2, "INS", 1, "2026-11-10 12:01:00");
    text += &row(3, "DEL", 1, "2026-11-10 12:02:00");
    text += &row(4, "INS", 1, "2026-11-10 12:02:00").replace(HOSPITAL, "0119999902");
    text += &row(4, "INS", 1, "2026-11-10 12:02:00").replace("000\\000", "..\\..");
    fs::write(&index, &text).unwrap();
    let feed = world.follow();
    world.wait(&at(1, 1), &message(1, 1));
    assert_eq!(world.wait(&at(3, 0), &message(1, 3)), Outcome::Stored, "deleted, as its name would say");
    // The file of a row comes later, and so do rows.
    put(2, 1, &message(1, 2));
    assert_eq!(world.wait(&at(2, 1), &message(1, 2)), Outcome::Stored);
    put(5, 1, &message(1, 5));
    fs::write(&index, text + &row(5, "INS", 1, "2026-11-10 12:05:00")).unwrap();
    world.wait(&at(5, 1), &message(1, 5));
    let cursor = format!("{HOSPITAL}/index/{}", index.display());
    until("the cursor", || {
        let cursor = world.store.cursor(&cursor).unwrap();
        cursor.filter(|cursor| cursor.mark == "20261110120500000")
    });
    drop(feed);
    assert!(verify::verify(&world.store).unwrap().broken.is_empty());
}

/// Kill -9 in the middle of the backlog, again and again: the last run has everything, nothing is half there.
#[test]
fn a_backlog_survives_being_killed() {
    let root = tempfile::tempdir().unwrap();
    let (tree, store) = (root.path().join(HOSPITAL), root.path().join("store"));
    let patients = 40;
    let mut files = Vec::new();
    for patient in 1..=patients {
        for number in 1..=5 {
            let folder = format!("000/000/{patient:010}/20261110/ADT-00");
            fs::create_dir_all(tree.join(&folder)).unwrap();
            fs::write(tree.join(&folder).join(name(patient, number, 1)), message(patient, patient * 10 + number))
                .unwrap();
            files.push((format!("{folder}/{}", name(patient, number, 1)), message(patient, patient * 10 + number)));
        }
    }
    let config = root.path().join("tasuki.toml");
    let text = format!(
        "listen = \"127.0.0.1:0\"\nbase_url = \"http://127.0.0.1/fhir\"\n[store]\nengine = \"sled\"\npath = \"store\"\n\
         [[source]]\nfacility = \"{HOSPITAL}\"\nname = \"x\"\norganization = \"Organization/hospital\"\n\
         [[folder]]\npath = \"{HOSPITAL}\"\nfacility = \"{HOSPITAL}\"\nevery_seconds = 1\n"
    );
    fs::write(&config, text).unwrap();
    // The files settle first, or there would be nothing to be killed in.
    std::thread::sleep(Pace::default().settle);
    let serve = || {
        // One log of all the rounds: whichever takes in the last of it says so, and those after it need not.
        let log = fs::File::options().create(true).append(true).open(root.path().join("log")).unwrap();
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_tasuki"));
        program.arg("serve").arg("--config").arg(&config).stderr(log).spawn().unwrap()
    };
    for round in 0..4 {
        let mut child = serve();
        std::thread::sleep(Duration::from_millis(60 + 70 * round));
        let _ = child.kill();
        let _ = child.wait();
        let verified = program::tasuki(&["verify", "--store", store.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&verified.stdout).into_owned();
        assert!(verified.status.success(), "round {round}: {said}");
        println!("round {round}: {}", said.lines().next().unwrap_or_default());
    }
    let mut child = serve();
    until("the backlog", || {
        let log = fs::read_to_string(root.path().join("log")).unwrap_or_default();
        log.contains("the backlog is taken in").then_some(())
    });
    let _ = child.kill();
    let _ = child.wait();
    let store = Store::open_sled(&store, 16 << 20).unwrap();
    for (name, text) in &files {
        let letter = Letter { source: source(HOSPITAL), name: name.clone(), bytes: text.clone().into_bytes() };
        assert!(store.receipt(letter.id()).unwrap().is_some(), "{name}");
    }
    let report = verify::verify(&store).unwrap();
    assert_eq!((report.broken, report.letters), (vec![], files.len() as u64));
}
