//! Which events name a patient: what "who has seen what about me" is answered from without reading the whole chain
//! (docs/adr/0040). It is derived from the chain, in parts that each say it of some of the chunks, sorted by patient:
//!
//! ```text
//! patients-1 entry*                          a part as a file, named by its first chunk and the one after its last
//! entry: patient(16) chunk(8) index(4)       all numbers big-endian
//! ```
//!
//! What no part says yet is in memory. Of a store without files all of it is, and is made when it is first asked for.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::audit;
use crate::fault::Fault;
use crate::fhir::PatientKey;
use crate::store::{Order, Store};

/// Entries in memory from which a part is made.
pub const PART_ENTRIES: usize = 1 << 16;
/// Chunks read at a time.
const PAGE: usize = 512;
const MAGIC: &[u8; 10] = b"patients-1";
const SUFFIX: &str = ".patients";
const ENTRY_BYTES: usize = 28;

/// Where an event stands: the number of its chunk and its place in it.
pub type Place = (u64, u32);

/// The index of one store.
#[derive(Debug)]
pub struct Index {
    store: Store,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    is_open: bool,
    /// Those of one another's successors, the oldest first.
    parts: Vec<Part>,
    /// What no part says yet, in the order of the chain.
    recent: Vec<(PatientKey, Place)>,
    /// The first chunk that is not looked at yet.
    next: u64,
}

/// What a part says, sorted.
#[derive(Debug)]
enum Part {
    Memory(Vec<(PatientKey, Place)>),
    File(PathBuf),
}

/// A part in a file: its chunks, from the first to before the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The first chunk.
    pub first: u64,
    /// The chunk after the last.
    pub end: u64,
    /// The file.
    pub path: PathBuf,
}

impl Index {
    /// The index of a store; nothing is read yet.
    pub(super) fn of(store: Store) -> Self {
        Index { store, state: Mutex::default() }
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// Takes up what was recorded since, where that is worth its while: where a part can be kept, or somebody has asked. Blocks
    /// on storage.
    pub(super) fn keep_up(&self) -> Result<(), Fault> {
        let mut state = self.state();
        if state.is_open || self.store.audit_folder().is_some() { self.catch_up(&mut state) } else { Ok(()) }
    }

    /// The newest events that name a patient, newest first, before a place in the chain; `wanted` is asked of each until it says
    /// that it has enough. The cost is that of the events it is shown, and of looking into each part once. Blocks on storage.
    pub(super) fn each(
        &self,
        patient: PatientKey,
        before: Place,
        mut wanted: impl FnMut(Place) -> Result<bool, Fault>,
    ) -> Result<(), Fault> {
        let mut places: Vec<Place> = Vec::new();
        let count = {
            let mut state = self.state();
            self.catch_up(&mut state)?;
            places.extend(state.recent.iter().filter(|(of, _)| *of == patient).map(|(_, place)| *place));
            state.parts.len()
        };
        for nth in (0..=count).rev() {
            if nth < count {
                places = self.state().parts.get(nth).map_or(Ok(Vec::new()), |part| part.of(patient))?;
            }
            for place in places.iter().rev().filter(|place| **place < before) {
                if !wanted(*place)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn catch_up(&self, state: &mut State) -> Result<(), Fault> {
        let folder = self.store.audit_folder();
        if !state.is_open {
            let last = self.store.audit(u64::MAX, 1, Order::Descending)?;
            let end = last.first().map_or(0, |(number, _)| number + 1);
            // What speaks of more than there is belongs to another chain.
            let (kept, stale): (Vec<_>, Vec<_>) =
                folder.as_deref().map_or(Ok(Vec::new()), kept)?.into_iter().partition(|part| part.end <= end);
            stale
                .iter()
                .try_for_each(|part| std::fs::remove_file(&part.path))
                .map_err(|e| broken("be taken away", &e))?;
            state.next = kept.last().map_or(0, |part| part.end);
            state.parts = kept.into_iter().map(|part| Part::File(part.path)).collect();
            state.is_open = true;
        }
        loop {
            let chunks = self.store.audit(state.next, PAGE, Order::Ascending)?;
            for (number, chunk) in &chunks {
                state.recent.extend(entries(*number, chunk));
                state.next = number + 1;
                if state.recent.len() >= PART_ENTRIES {
                    state.cut(folder.as_deref())?;
                }
            }
            if chunks.len() < PAGE {
                return Ok(());
            }
        }
    }
}

impl State {
    /// Makes a part of what is in memory.
    fn cut(&mut self, folder: Option<&Path>) -> Result<(), Fault> {
        let first = self.recent.first().map_or(0, |(_, (chunk, _))| *chunk);
        let mut sorted = std::mem::take(&mut self.recent);
        sorted.sort_unstable();
        // What a part says nothing of names nobody: it may begin with the first chunk that does.
        self.parts.push(match folder {
            None => Part::Memory(sorted),
            Some(folder) => {
                let path = folder.join(format!("{first:016x}-{:016x}{SUFFIX}", self.next));
                if let Err(error) = write(&path, &sorted) {
                    self.recent = sorted;
                    self.recent.sort_unstable_by_key(|(_, place)| *place);
                    return Err(broken("be written", &error));
                }
                Part::File(path)
            }
        });
        Ok(())
    }
}

impl Part {
    /// Where a patient is named, in the order of the chain.
    fn of(&self, patient: PatientKey) -> Result<Vec<Place>, Fault> {
        match self {
            Part::Memory(sorted) => {
                let from = sorted.partition_point(|(of, _)| *of < patient);
                let to = sorted.partition_point(|(of, _)| *of <= patient);
                Ok(sorted.get(from..to).unwrap_or_default().iter().map(|(_, place)| *place).collect())
            }
            Part::File(path) => in_file(path, patient).map_err(|error| broken("be read", &error)),
        }
    }
}

/// What a chunk says: the patients that each of its events names, each once.
pub fn entries(number: u64, chunk: &[u8]) -> Vec<(PatientKey, Place)> {
    let mut found = Vec::new();
    for (index, event) in audit::decode(chunk).into_iter().enumerate() {
        let mut patients = event.map(|event| event.patients).unwrap_or_default();
        patients.sort_unstable();
        patients.dedup();
        found.extend(patients.into_iter().map(|patient| (patient, (number, index as u32))));
    }
    found
}

/// The parts in a folder that follow each other, the oldest first; what lies there otherwise is none of them.
pub fn kept(folder: &Path) -> Result<Vec<Kept>, Fault> {
    let listed = std::fs::read_dir(folder).map_err(|error| broken("be read", &error))?;
    let part = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.ok()?.path();
        let (first, end) = path.file_name()?.to_str()?.strip_suffix(SUFFIX)?.split_once('-')?;
        let [first, end] = [first, end].map(|number| u64::from_str_radix(number, 16).ok());
        Some(Kept { first: first?, end: end?, path })
    };
    let mut parts: Vec<Kept> = listed.filter_map(part).collect();
    parts.sort_by_key(|part| part.first);
    let (mut end, mut usable) = (0, Vec::new());
    for part in parts {
        let length = std::fs::metadata(&part.path).map_or(0, |file| file.len());
        let is_whole = length >= MAGIC.len() as u64 && (length - MAGIC.len() as u64).is_multiple_of(ENTRY_BYTES as u64);
        if part.first < end || part.end <= part.first || !is_whole {
            break;
        }
        end = part.end;
        usable.push(part);
    }
    Ok(usable)
}

/// A part as a file has it, of what it says in the order of the chain.
pub fn encode(mut entries: Vec<(PatientKey, Place)>) -> Vec<u8> {
    entries.sort_unstable();
    let mut bytes = Vec::with_capacity(MAGIC.len() + ENTRY_BYTES * entries.len());
    bytes.extend_from_slice(MAGIC);
    for (patient, (chunk, index)) in entries {
        bytes.extend(patient.0.to_be_bytes());
        bytes.extend(chunk.to_be_bytes());
        bytes.extend(index.to_be_bytes());
    }
    bytes
}

/// Under another name first: a part that is there is whole.
fn write(path: &Path, sorted: &[(PatientKey, Place)]) -> std::io::Result<()> {
    let made = path.with_extension("new");
    let mut file = File::create(&made)?;
    file.write_all(&encode(sorted.to_vec()))?;
    file.sync_all()?;
    std::fs::rename(&made, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn in_file(path: &Path, patient: PatientKey) -> std::io::Result<Vec<Place>> {
    let file = File::open(path)?;
    let count = (file.metadata()?.len().saturating_sub(MAGIC.len() as u64)) / ENTRY_BYTES as u64;
    let place = |nth: u64| MAGIC.len() as u64 + nth * ENTRY_BYTES as u64;
    let key = |nth: u64| {
        let mut key = [0; 16];
        file.read_exact_at(&mut key, place(nth)).map(|()| PatientKey(u128::from_be_bytes(key)))
    };
    let first = |is_before: &dyn Fn(PatientKey) -> bool| {
        let (mut from, mut to) = (0, count);
        while from < to {
            let middle = from + (to - from) / 2;
            if is_before(key(middle)?) { from = middle + 1 } else { to = middle }
        }
        Ok::<_, std::io::Error>(from)
    };
    let (from, to) = (first(&|of| of < patient)?, first(&|of| of <= patient)?);
    let mut bytes = vec![0; ((to - from) as usize) * ENTRY_BYTES];
    file.read_exact_at(&mut bytes, place(from))?;
    let read = |entry: &[u8]| {
        let (chunk, index) = entry.get(16..)?.split_first_chunk()?;
        Some((u64::from_be_bytes(*chunk), u32::from_be_bytes(index.try_into().ok()?)))
    };
    Ok(bytes.chunks_exact(ENTRY_BYTES).filter_map(read).collect())
}

fn broken(what: &str, error: &std::io::Error) -> Fault {
    Fault::Broken(format!("a part of the index of patients cannot {what}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{ChunkHash, Event, What};

    fn patient(number: u128) -> PatientKey {
        PatientKey(number << 64)
    }

    /// Chunks of two events each; the first names one patient of five, the second two.
    fn filled(store: &Store, chunks: std::ops::Range<u64>) {
        for number in chunks {
            let n = u128::from(number % 5) + 1;
            let event = |patients: &[u128]| Event {
                patients: patients.iter().map(|n| patient(*n)).collect(),
                ..Event::new(number as i64, What::Read)
            };
            let chunk = audit::encode(&ChunkHash::NOTHING, &[event(&[n]), event(&[n, 9, n])]);
            store.append_audit(number, chunk).unwrap();
        }
    }

    fn found(index: &Index, of: u128, before: Place) -> Vec<Place> {
        let mut places = Vec::new();
        index
            .each(patient(of), before, |place| {
                places.push(place);
                Ok(true)
            })
            .unwrap();
        places
    }

    fn expected(of: u64, chunks: u64, before: Place) -> Vec<Place> {
        let all = (0..chunks).filter(|n| of == 9 || n % 5 + 1 == of).flat_map(|n| [(n, 0), (n, 1)]);
        let mut all: Vec<Place> = all.filter(|(_, index)| of != 9 || *index == 1).filter(|at| *at < before).collect();
        all.reverse();
        all
    }

    const END: Place = (u64::MAX, u32::MAX);

    #[test]
    fn what_is_recorded_is_found_newest_first_whatever_is_in_a_part_and_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        for store in [Store::open_memory(), Store::open_sled(folder.path(), 1 << 20).unwrap()] {
            filled(&store, 0..50);
            let index = Index::of(store.clone());
            assert_eq!(found(&index, 3, END), expected(3, 50, END));
            {
                let mut state = index.state();
                state.cut(store.audit_folder().as_deref()).unwrap();
            }
            filled(&store, 50..70);
            for index in [index, Index::of(store.clone())] {
                for of in [1, 5, 9, 7] {
                    for before in [END, (60, 1), (49, 1), (3, 0), (0, 0)] {
                        assert_eq!(found(&index, u128::from(of), before), expected(of, 70, before), "{of} {before:?}");
                    }
                }
            }
        }
        let parts = kept(&folder.path().join("audit")).unwrap();
        assert_eq!((parts.len(), parts[0].first, parts[0].end), (1, 0, 50));
    }

    #[test]
    fn a_part_that_is_not_whole_or_of_another_chain_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_sled(folder.path(), 1 << 20).unwrap();
        let audit = store.audit_folder().unwrap();
        filled(&store, 0..20);
        let entries: Vec<_> =
            (0..20).flat_map(|n| self::entries(n, &store.audit(n, 1, Order::Ascending).unwrap()[0].1)).collect();
        let whole = encode(entries);
        for (name, bytes) in [
            ("0000000000000000-0000000000000014.patients", &whole[..whole.len() - 1]),
            ("0000000000000000-0000000000000015.patients", &whole[..]),
            ("0000000000000000-0000000000000000.patients", &whole[..]),
            ("nonsense.patients", &whole[..]),
        ] {
            std::fs::write(audit.join(name), bytes).unwrap();
            assert_eq!(found(&Index::of(store.clone()), 9, END), expected(9, 20, END), "{name}");
            let _ = std::fs::remove_file(audit.join(name));
        }
    }

    #[test]
    fn a_part_is_cut_at_its_size_and_not_one_entry_before() {
        for (entries, parts) in [(PART_ENTRIES - 1, 0), (PART_ENTRIES, 1)] {
            let store = Store::open_memory();
            let event = Event { patients: (0..128).map(patient).collect(), ..Event::new(0, What::Search) };
            let (whole, rest) = (entries / 128, entries % 128);
            for number in 0..=whole {
                let patients = event.patients.iter().copied().take(if number < whole { 128 } else { rest }).collect();
                let chunk = audit::encode(&ChunkHash::NOTHING, &[Event { patients, ..event.clone() }]);
                store.append_audit(number as u64, chunk).unwrap();
            }
            let index = Index::of(store);
            found(&index, 5, END);
            assert_eq!(index.state().parts.len(), parts);
        }
    }
}
