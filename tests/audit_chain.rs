//! The audit chain against whoever can write to the disk: every byte changed, every chunk taken away, moved, cut off, the whole
//! rewritten with all checksums and hashes put right. Each is found and the place is named, by the heads that were signed.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tasuki::audit::{self, ChunkHash, Event, PublicKey, SignedHead, What};
use tasuki::fhir::PatientKey;
use tasuki::journal::anchors::{Anchors, heads};
use tasuki::journal::verify::{self, Report, Wrong};
use tasuki::journal::{HEAD_CHUNKS, Journal};
use tasuki::store::{Commit, Order, Store, keys};

const EVENTS: u64 = 9;

fn clock() -> i64 {
    1_790_000_000_000
}

fn event(n: u64) -> Event {
    Event { patients: vec![PatientKey(u128::from(n % 3 + 1) << 64)], ..Event::new(n as i64, What::Read) }
}

struct World {
    folder: tempfile::TempDir,
    file: PathBuf,
    whole: Vec<u8>,
    heads: Vec<SignedHead>,
    keys: Vec<PublicKey>,
}

/// A chunk for each event, in one file, and a head of the last.
fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_sled(&folder.path().join("store"), 1 << 20).unwrap();
    let anchors = || Anchors::open(&folder.path().join("key"), folder.path()).unwrap();
    let public = anchors().public();
    let journal = Journal::keep(store, 99, Some(anchors()), clock).unwrap();
    (0..EVENTS).for_each(|n| journal.record_now(event(n)).unwrap());
    drop(journal);
    let audit = folder.path().join("store/audit");
    let mut files = std::fs::read_dir(audit).unwrap().map(|file| file.unwrap().path());
    let file = files.find(|path| path.extension().is_some_and(|end| end == "chain")).unwrap();
    let whole = std::fs::read(&file).unwrap();
    let (mut heads, unread) = heads(folder.path()).unwrap();
    assert_eq!((heads.last().unwrap().head.number, unread), (EVENTS - 1, 0));
    // The one of the start speaks for as much as there was when it was signed.
    let heads = heads.split_off(heads.len() - 1);
    World { folder, file, whole, heads, keys: vec![public] }
}

impl World {
    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn verify(&self) -> Report {
        verify::folder(&self.store(), &self.heads, &self.keys).unwrap()
    }

    /// What is found when the file holds this.
    fn of(&self, bytes: &[u8]) -> Report {
        std::fs::write(&self.file, bytes).unwrap();
        let report = self.verify();
        std::fs::write(&self.file, &self.whole).unwrap();
        report
    }

    fn chunks(&self) -> Vec<Vec<u8>> {
        let (mut rest, mut chunks) = (self.whole.as_slice(), Vec::new());
        while let Some((length, after)) = rest.split_first_chunk() {
            let (chunk, after) = after[4..].split_at(u32::from_be_bytes(*length) as usize);
            chunks.push(chunk.to_vec());
            rest = after;
        }
        chunks
    }
}

/// A file of these chunks under their numbers, every checksum right.
fn filed(chunks: &[Vec<u8>], first: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (number, chunk) in (first..).zip(chunks) {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&number.to_be_bytes());
        crc.update(chunk);
        bytes.extend((chunk.len() as u32).to_be_bytes());
        bytes.extend(crc.finalize().to_be_bytes());
        bytes.extend(chunk);
    }
    bytes
}

fn at(report: &Report, what: Wrong) -> Vec<u64> {
    report.found.iter().filter(|found| found.what == what).map(|found| found.number).collect()
}

#[test]
fn a_whole_chain_is_whole_also_while_it_is_written_to() {
    let world = world();
    let report = world.verify();
    assert_eq!((report.found.as_slice(), report.found_count, report.is_torn), (&[][..], 0, false));
    assert_eq!((report.chunks, report.events, report.signed_to), (EVENTS, EVENTS, Some(EVENTS - 1)));
    let store = Store::open_sled(&world.store(), 1 << 20).unwrap();
    let journal = Journal::start(store, 9).unwrap();
    journal.record_now(event(0)).unwrap();
    let report = world.verify();
    assert_eq!((report.found_count, report.last, report.signed_to), (0, Some(EVENTS), Some(EVENTS - 1)));
    // What stops in the middle of a write leaves a torn chunk, which no head speaks for.
    let mut torn = std::fs::read(&world.file).unwrap();
    torn.pop();
    let report = world.of(&torn);
    assert_eq!((report.found_count, report.is_torn, report.last), (0, true, Some(EVENTS - 1)));
}

#[test]
fn every_changed_byte_is_found_and_its_chunk_named() {
    let world = world();
    let chunks = world.chunks();
    let ends: Vec<usize> = chunks
        .iter()
        .scan(0, |end, chunk| {
            *end += 8 + chunk.len();
            Some(*end)
        })
        .collect();
    for place in 0..world.whole.len() {
        let mut bytes = world.whole.clone();
        bytes[place] ^= 0x10;
        let (report, number) = (world.of(&bytes), ends.partition_point(|end| *end <= place) as u64);
        assert!(report.found.iter().any(|found| found.number == number), "byte {place}: {report:#?}");
    }
    // Whoever knows the format puts the checksum right.
    for number in 0..chunks.len() {
        for place in 0..chunks[number].len() {
            let mut changed = chunks.clone();
            changed[number][place] ^= 0x10;
            let report = world.of(&filed(&changed, 0));
            let near = [number as u64, number as u64 + 1];
            assert!(report.found.iter().any(|found| near.contains(&found.number)), "{number} {place}: {report:#?}");
            assert_eq!(report.chunks, EVENTS, "what is behind is looked at too");
        }
    }
}

#[test]
fn what_is_taken_away_moved_or_put_in_between_is_found() {
    let world = world();
    let chunks = world.chunks();
    for number in 0..chunks.len() {
        let mut without = chunks.clone();
        without.remove(number);
        let report = world.of(&filed(&without, 0));
        let expected = if number + 1 == chunks.len() { Wrong::CutOff } else { Wrong::Unlinked };
        assert!(at(&report, expected).contains(&(number as u64)), "without {number}: {report:#?}");
        let mut twice = chunks.clone();
        twice.insert(number, chunks[number].clone());
        let report = world.of(&filed(&twice, 0));
        assert!(at(&report, Wrong::Unlinked).contains(&(number as u64 + 1)), "twice {number}: {report:#?}");
        if number > 0 {
            let mut swapped = chunks.clone();
            swapped.swap(number - 1, number);
            let report = world.of(&filed(&swapped, 0));
            assert!(at(&report, Wrong::Unlinked).contains(&(number as u64)), "swapped {number}: {report:#?}");
        }
    }
}

#[test]
fn a_file_that_is_taken_away_is_found() {
    let world = world();
    let chunks = world.chunks();
    let path = |first: u64| world.file.with_file_name(format!("{first:016x}.chain"));
    std::fs::write(path(0), filed(&chunks[..4], 0)).unwrap();
    std::fs::write(path(4), filed(&chunks[4..8], 4)).unwrap();
    std::fs::write(path(8), filed(&chunks[8..], 8)).unwrap();
    assert_eq!(world.verify().found, []);
    for (first, missing) in [(0, 0), (4, 4)] {
        let kept = std::fs::read(path(first)).unwrap();
        std::fs::remove_file(path(first)).unwrap();
        assert_eq!(at(&world.verify(), Wrong::Missing), [missing]);
        std::fs::write(path(first), kept).unwrap();
    }
    std::fs::remove_file(path(8)).unwrap();
    assert_eq!(at(&world.verify(), Wrong::CutOff), [EVENTS - 1]);
}

#[test]
fn a_cut_is_found_because_of_the_head_and_without_heads_it_is_said_that_it_would_not_be() {
    let world = world();
    let chunks = world.chunks();
    for kept in 0..chunks.len() {
        let report = world.of(&filed(&chunks[..kept], 0));
        assert_eq!(at(&report, Wrong::CutOff), [EVENTS - 1], "cut to {kept}");
    }
    let cut = verify::folder(&world.store(), &[], &[]).unwrap();
    assert_eq!((cut.found_count, cut.signed_to, cut.heads), (0, None, 0));
}

#[test]
fn a_chain_rewritten_whole_without_the_key_is_found() {
    let world = world();
    let original = world.chunks();
    for from in 0..original.len() {
        let mut chunks = original[..from].to_vec();
        let mut before = from.checked_sub(1).map_or(ChunkHash::NOTHING, |n| ChunkHash::of(n as u64, &original[n]));
        for (number, chunk) in (from as u64..).zip(&original[from..]) {
            let mut events: Vec<Event> = audit::decode(chunk).into_iter().flatten().collect();
            events[0].patients.clear();
            let made = audit::encode(&before, &events);
            before = ChunkHash::of(number, &made);
            chunks.push(made);
        }
        let report = world.of(&filed(&chunks, 0));
        assert_eq!(at(&report, Wrong::Rewritten), [EVENTS - 1], "from {from}");
        assert!(at(&report, Wrong::Unlinked).is_empty(), "nothing else shows it");
    }
    // A head for what was rewritten, by another key.
    let other = Anchors::open(&world.folder.path().join("other"), &world.folder.path().join("others")).unwrap();
    let forged = other.sign(world.heads[0].head);
    let heads = [world.heads.clone(), vec![forged]].concat();
    let report = verify::folder(&world.store(), &heads, &world.keys).unwrap();
    assert_eq!(at(&report, Wrong::BadHead), [forged_number(&world)]);
}

fn forged_number(world: &World) -> u64 {
    world.heads[0].head.number
}

#[test]
fn an_index_that_hides_an_event_is_found() {
    let world = world();
    let entries = |without: Option<u64>| {
        let chunks = world.chunks();
        let all = (0..).zip(&chunks).filter(|(number, _)| Some(*number) != without);
        let said = all.flat_map(|(number, chunk)| tasuki::journal::index::entries(number, chunk)).collect();
        tasuki::journal::index::encode(said)
    };
    let part = world.file.with_file_name(format!("{:016x}-{EVENTS:016x}.patients", 0));
    std::fs::write(&part, entries(None)).unwrap();
    assert_eq!(world.verify().found, []);
    std::fs::write(&part, entries(Some(5))).unwrap();
    assert_eq!(at(&world.verify(), Wrong::BadIndex), [EVENTS - 1]);
}

#[test]
fn a_chain_that_the_engine_keeps_is_held_to_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let anchors = Anchors::open(&folder.path().join("key"), folder.path()).unwrap();
    let public = [anchors.public()];
    let made = || {
        let store = Store::open_memory();
        let journal = Journal::start(store.clone(), 99).unwrap();
        (0..EVENTS).for_each(|n| journal.record_now(event(n)).unwrap());
        store
    };
    let heads = [anchors.sign(tasuki::journal::head(&made(), 5).unwrap().unwrap())];
    let found = |commit: Commit| {
        let store = made();
        store.submit(commit).wait().unwrap();
        verify::store(&store, &heads, &public).unwrap()
    };
    assert_eq!(found(Commit::default()).found, []);
    for number in 0..EVENTS {
        let gone = found(Commit { delete: vec![keys::audit(number)], ..Commit::default() });
        let expected = if number + 1 == EVENTS { Wrong::CutOff } else { Wrong::Missing };
        assert_eq!(at(&gone, expected), [number]);
        let mut chunk = made().audit(number, 1, Order::Ascending).unwrap().remove(0).1;
        chunk[40] ^= 1;
        let changed = found(Commit { put: vec![(keys::audit(number), chunk)], ..Commit::default() });
        let near = [number, number + 1];
        assert!(changed.found.iter().any(|one| near.contains(&one.number)), "{number}: {changed:#?}");
    }
}

#[test]
fn heads_go_on_after_a_restart_and_none_is_written_twice() {
    let world = world();
    let anchors = || Some(Anchors::open(&world.folder.path().join("key"), world.folder.path()).unwrap());
    let open = || Store::open_sled(&world.store(), 1 << 20).unwrap();
    drop(Journal::keep(open(), 9, anchors(), clock).unwrap());
    assert_eq!(read(world.folder.path()).len(), world.heads.len(), "nothing was recorded since");
    let journal = Journal::keep(open(), 9, anchors(), clock).unwrap();
    journal.record_now(event(1)).unwrap();
    drop(journal);
    let heads = read(world.folder.path());
    assert_eq!(heads.last().unwrap().head.number, EVENTS);
    let report = verify::folder(&world.store(), &heads, &world.keys).unwrap();
    assert_eq!((report.found, report.signed_to), (Vec::new(), Some(EVENTS)));
}

fn read(folder: &Path) -> Vec<SignedHead> {
    heads(folder).unwrap().0
}

#[test]
fn a_report_keeps_as_many_findings_as_it_may_and_counts_the_rest() {
    for (chunks, kept) in
        [(verify::FINDINGS_MAX, verify::FINDINGS_MAX), (verify::FINDINGS_MAX + 1, verify::FINDINGS_MAX)]
    {
        let store = Store::open_memory();
        (0..chunks).for_each(|number| store.append_audit(number as u64, vec![9]).unwrap());
        let report = verify::store(&store, &[], &[]).unwrap();
        assert_eq!((report.found.len(), report.found_count), (kept, chunks as u64));
    }
}

#[test]
fn a_head_is_signed_after_so_many_chunks_while_the_gateway_runs() {
    let folder = tempfile::tempdir().unwrap();
    let anchors = Anchors::open(&folder.path().join("key"), folder.path()).unwrap();
    let journal = Journal::keep(Store::open_memory(), 9, Some(anchors), clock).unwrap();
    let numbers = || read(folder.path()).iter().map(|head| head.head.number).collect::<Vec<_>>();
    (1..HEAD_CHUNKS).for_each(|n| journal.record_now(event(n)).unwrap());
    std::thread::sleep(Duration::from_millis(200));
    assert!(numbers().is_empty(), "one chunk fewer");
    journal.record_now(event(0)).unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    while numbers().is_empty() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(numbers(), [HEAD_CHUNKS - 1]);
}
