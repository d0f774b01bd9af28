//! The audit chain of a store in a folder: files of its own, to which chunks are only ever added (docs/adr/0034).
//!
//! A file is named by the number of its first chunk; its chunks follow each other without a gap:
//!
//! ```text
//! length(4) crc(4) chunk        crc32 of the chunk's number and the chunk; all numbers big-endian
//! ```
//!
//! One chunk is written and synced at a time, so a machine that stops leaves at most the last one torn. That one was never
//! acknowledged and is cut off. Any other damage keeps the chain from being opened: nothing of an audit record goes in
//! silence.

use std::fs::{File, OpenOptions};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::fault::Fault;
use crate::store::{Order, VALUE_BYTES_MAX};

/// A file that has come to this many bytes is followed by another.
pub const FILE_BYTES: u64 = 16 << 20;

/// The folder beside the engine's own files.
pub(super) const FOLDER: &str = "audit";
pub(super) const SUFFIX: &str = ".chain";
pub(super) const HEADER_BYTES: usize = 8;
/// A chunk and what stands before it, bytes.
const RECORD_BYTES_MAX: usize = HEADER_BYTES + VALUE_BYTES_MAX;

/// The chain of one store. Only one process may have it open, which the engine beside it sees to.
pub struct Chain {
    folder: PathBuf,
    file_bytes: u64,
    state: Mutex<State>,
}

struct State {
    /// In order; the last is written to.
    parts: Vec<Part>,
    file: Option<File>,
    next: u64,
    broken: Option<Fault>,
}

/// One file.
struct Part {
    first: u64,
    /// Where each chunk begins, and where the last one ends; `None` until somebody looks. 4 bytes a chunk.
    ends: Option<Arc<Vec<u32>>>,
}

/// The number of a file's first chunk, and where its chunks begin and the last one ends.
type Placed = (u64, Arc<Vec<u32>>);

impl Chain {
    /// Opens or makes the chain in a store's folder.
    pub fn open(store: &Path) -> Result<Self, Fault> {
        Chain::with_files_of(store, FILE_BYTES)
    }

    fn with_files_of(store: &Path, file_bytes: u64) -> Result<Self, Fault> {
        let folder = store.join(FOLDER);
        std::fs::create_dir_all(&folder).and_then(|()| sync(store)).map_err(|fault| broken("be made", &fault))?;
        let entries = std::fs::read_dir(&folder).map_err(|fault| broken("be read", &fault))?;
        let number = |entry: std::io::Result<std::fs::DirEntry>| {
            u64::from_str_radix(entry.ok()?.file_name().to_str()?.strip_suffix(SUFFIX)?, 16).ok()
        };
        let mut firsts: Vec<u64> = entries.filter_map(number).collect();
        firsts.sort_unstable();
        let parts = firsts.iter().map(|first| Part { first: *first, ends: None }).collect();
        let mut state = State { parts, file: None, next: 0, broken: None };
        if let Some(last) = state.parts.last_mut() {
            let path = path_of(&folder, last.first);
            let bytes = std::fs::read(&path).map_err(|fault| broken("be read", &fault))?;
            let (ends, whole) = walk(&bytes, last.first);
            let file = OpenOptions::new().write(true).open(&path).map_err(|fault| broken("be written", &fault))?;
            if whole < bytes.len() {
                if !is_torn(bytes.get(whole..).unwrap_or_default()) {
                    return Err(damaged(last.first));
                }
                let cut = file.set_len(whole as u64).and_then(|()| file.sync_all());
                cut.map_err(|fault| broken("be mended", &fault))?;
            }
            state.next = last.first + (ends.len() as u64 - 1);
            (last.ends, state.file) = (Some(Arc::new(ends)), Some(file));
        }
        Ok(Chain { folder, file_bytes, state: Mutex::new(state) })
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Adds a chunk, at most [`VALUE_BYTES_MAX`] long; on return it survives power loss. `Fault::Conflict` unless its number
    /// is the next. After a failure nothing more is written until the chain is opened again.
    pub fn append(&self, number: u64, chunk: &[u8]) -> Result<(), Fault> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fault) = &state.broken {
            return Err(fault.clone());
        }
        if number != state.next {
            return Err(Fault::Conflict);
        }
        if chunk.len() > VALUE_BYTES_MAX {
            return Err(Fault::Broken("a chunk of the audit chain is too long".into()));
        }
        let written = self.write(&mut state, number, chunk);
        written.map_err(|fault| {
            let fault = broken("be written", &fault);
            state.broken = Some(fault.clone());
            fault
        })
    }

    fn write(&self, state: &mut State, number: u64, chunk: &[u8]) -> std::io::Result<()> {
        let mut record = Vec::with_capacity(HEADER_BYTES + chunk.len());
        record.extend((chunk.len() as u32).to_be_bytes());
        record.extend(checksum(number, chunk).to_be_bytes());
        record.extend_from_slice(chunk);
        let full = |part: &Part| part.end() + record.len() as u64 > self.file_bytes;
        if state.file.is_none() || state.parts.last().is_none_or(full) {
            let path = path_of(&self.folder, number);
            state.file = Some(OpenOptions::new().write(true).create_new(true).open(path)?);
            sync(&self.folder)?;
            state.parts.push(Part { first: number, ends: Some(Arc::new(vec![0])) });
        }
        let (Some(file), Some(part)) = (&state.file, state.parts.last_mut()) else { return Ok(()) };
        file.write_all_at(&record, part.end())?;
        file.sync_data()?;
        let end = part.end() + record.len() as u64;
        if let Some(ends) = &mut part.ends {
            Arc::make_mut(ends).push(end as u32);
        }
        state.next = number + 1;
        Ok(())
    }

    /// At most `limit` chunks from a number on, in the given order, each with its number.
    pub fn read(&self, from: u64, limit: usize, order: Order) -> Result<Vec<(u64, Vec<u8>)>, Fault> {
        let mut found = Vec::new();
        let mut at = Some(from);
        while let Some(number) = at.filter(|_| found.len() < limit) {
            let Some((first, ends)) = self.part(number, order)? else { break };
            let count = ends.len() as u64 - 1;
            let wanted = (limit - found.len()) as u64;
            let numbers = match order {
                Order::Ascending => number.max(first)..number.max(first).saturating_add(wanted).min(first + count),
                Order::Descending => {
                    let end = number.min(first + count - 1) + 1;
                    end.saturating_sub(wanted).max(first)..end
                }
            };
            at = match order {
                Order::Ascending => Some(numbers.end),
                Order::Descending => numbers.start.checked_sub(1),
            };
            let mut chunks = self.chunks(first, &ends, numbers)?;
            if order == Order::Descending {
                chunks.reverse();
            }
            found.append(&mut chunks);
        }
        Ok(found)
    }

    /// The file that a walk in an order meets first from a number on, with the places of its chunks; at least one.
    fn part(&self, number: u64, order: Order) -> Result<Option<Placed>, Fault> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = state.next.checked_sub(1) else { return Ok(None) };
        let number = match order {
            Order::Ascending if number > last => return Ok(None),
            Order::Ascending => number.max(state.parts.first().map_or(0, |part| part.first)),
            Order::Descending => number.min(last),
        };
        let at = state.parts.partition_point(|part| part.first <= number).checked_sub(1);
        let follows = at.and_then(|at| state.parts.get(at + 1)).map(|part| part.first);
        let Some(part) = at.and_then(|at| state.parts.get_mut(at)) else { return Ok(None) };
        if let Some(ends) = &part.ends {
            return Ok(Some((part.first, ends.clone())));
        }
        let bytes = std::fs::read(path_of(&self.folder, part.first)).map_err(|fault| broken("be read", &fault))?;
        let (ends, whole) = walk(&bytes, part.first);
        if whole < bytes.len() || follows != Some(part.first + ends.len() as u64 - 1) {
            return Err(damaged(part.first));
        }
        let ends = Arc::new(ends);
        part.ends = Some(ends.clone());
        Ok(Some((part.first, ends)))
    }

    /// The chunks with these numbers, which one file holds.
    fn chunks(&self, first: u64, ends: &[u32], numbers: Range<u64>) -> Result<Vec<(u64, Vec<u8>)>, Fault> {
        let file = File::open(path_of(&self.folder, first)).map_err(|fault| broken("be read", &fault))?;
        let place = |number: u64| ends.get((number - first) as usize).map_or(0, |end| *end as usize);
        let mut bytes = vec![0; place(numbers.end) - place(numbers.start)];
        file.read_exact_at(&mut bytes, place(numbers.start) as u64).map_err(|fault| broken("be read", &fault))?;
        let mut rest = bytes.as_slice();
        let mut chunks = Vec::with_capacity((numbers.end - numbers.start) as usize);
        for number in numbers {
            let (chunk, after) = split(rest, number).ok_or_else(|| damaged(first))?;
            chunks.push((number, chunk.to_vec()));
            rest = after;
        }
        Ok(chunks)
    }
}

impl Part {
    fn end(&self) -> u64 {
        self.ends.as_ref().and_then(|ends| ends.last()).map_or(0, |end| u64::from(*end))
    }
}

/// The chunk that stands first, and what follows it; `None` when it is not whole.
fn split(bytes: &[u8], number: u64) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (crc, rest) = rest.split_first_chunk()?;
    let (chunk, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    (checksum(number, chunk) == u32::from_be_bytes(*crc)).then_some((chunk, rest))
}

/// Where the chunks of a file begin and the last whole one ends.
fn walk(bytes: &[u8], first: u64) -> (Vec<u32>, usize) {
    let (mut ends, mut rest, mut number) = (vec![0], bytes, first);
    while let Some((_, after)) = split(rest, number) {
        ends.push((bytes.len() - after.len()) as u32);
        (rest, number) = (after, number + 1);
    }
    (ends, bytes.len() - rest.len())
}

/// Whether what cannot be read at the end of a file can be one chunk whose writing was cut short: it is no longer than
/// one, and its length, where it says one, is one and reaches to the end.
pub(super) fn is_torn(rest: &[u8]) -> bool {
    let length = rest.first_chunk().map_or(0, |length| u32::from_be_bytes(*length) as usize);
    let reaches = length == 0 || (length <= VALUE_BYTES_MAX && HEADER_BYTES + length >= rest.len());
    rest.len() <= RECORD_BYTES_MAX && reaches
}

pub(super) fn checksum(number: u64, chunk: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&number.to_be_bytes());
    crc.update(chunk);
    crc.finalize()
}

fn path_of(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:016x}{SUFFIX}"))
}

fn sync(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

pub(super) fn broken(what: &str, fault: &std::io::Error) -> Fault {
    Fault::Broken(format!("the audit chain cannot {what}: {fault}"))
}

fn damaged(first: u64) -> Fault {
    Fault::Broken(format!("the audit chain is damaged: {FOLDER}/{first:016x}{SUFFIX}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(number: u64) -> Vec<u8> {
        vec![number as u8; 1 + number as usize % 40]
    }

    fn filled(folder: &Path, count: u64) -> Chain {
        let chain = Chain::with_files_of(folder, 100).unwrap();
        (0..count).for_each(|number| chain.append(number, &chunk(number)).unwrap());
        chain
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        let mut files: Vec<_> = std::fs::read_dir(folder.join(FOLDER)).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        files
    }

    #[test]
    fn what_is_added_is_read_in_both_directions_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        drop(filled(folder.path(), 0));
        assert_eq!(filled(folder.path(), 50).read(0, 9, Order::Descending).unwrap(), [(0, chunk(0))]);
        assert!(files(folder.path()).len() > 5);
        let chain = Chain::with_files_of(folder.path(), 100).unwrap();
        for (from, limit) in [(0, 1), (0, 50), (0, 99), (7, 20), (49, 9), (50, 9), (u64::MAX, 99), (u64::MAX, 1)] {
            let ascending: Vec<u64> = (from..50).take(limit).collect();
            let descending: Vec<u64> = (0..=from.min(49)).rev().take(limit).collect();
            for (order, expected) in [(Order::Ascending, ascending), (Order::Descending, descending)] {
                let expected: Vec<_> = expected.into_iter().map(|number| (number, chunk(number))).collect();
                assert_eq!(chain.read(from, limit, order).unwrap(), expected, "{from} {limit} {order:?}");
            }
        }
        assert_eq!(chain.append(49, b"again"), Err(Fault::Conflict));
        assert_eq!(chain.append(51, b"gap"), Err(Fault::Conflict));
        assert_eq!(chain.append(50, b"next"), Ok(()));
        assert!(matches!(chain.append(51, &[0; VALUE_BYTES_MAX + 1]), Err(Fault::Broken(_))));
        assert_eq!(chain.append(51, &[0; VALUE_BYTES_MAX]), Ok(()));
    }

    #[test]
    fn a_torn_chunk_is_cut_off_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        drop(filled(folder.path(), 3));
        let path = files(folder.path()).pop().unwrap();
        let whole = std::fs::read(&path).unwrap();
        let last = HEADER_BYTES + chunk(2).len();
        for kept in whole.len() - last + 1..whole.len() {
            std::fs::write(&path, &whole[..kept]).unwrap();
            let chain = Chain::with_files_of(folder.path(), 100).unwrap();
            assert_eq!(chain.read(0, 9, Order::Ascending).unwrap().len(), 2, "{kept}");
            chain.append(2, &chunk(2)).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), whole);
        }
        // Its first page may be missing while its second is there.
        let mut torn = whole.clone();
        torn[whole.len() - last..whole.len() - 1].fill(0);
        std::fs::write(&path, &torn).unwrap();
        assert_eq!(Chain::with_files_of(folder.path(), 100).unwrap().append(2, &chunk(2)), Ok(()));
        assert_eq!(std::fs::read(&path).unwrap(), whole);
    }

    #[test]
    fn an_edited_chunk_is_told_and_nothing_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        drop(filled(folder.path(), 50));
        for path in files(folder.path()) {
            let whole = std::fs::read(&path).unwrap();
            let is_last = files(folder.path()).last() == Some(&path);
            let ends = walk(&whole, u64::from_str_radix(path.file_stem().unwrap().to_str().unwrap(), 16).unwrap()).0;
            // The last chunk of all looks like a torn one; every other is known to have been whole.
            let known = if is_last { ends[ends.len() - 2] as usize } else { whole.len() };
            for at in HEADER_BYTES..known {
                let mut edited = whole.clone();
                edited[at] ^= 1;
                if is_torn(&edited[ends[ends.partition_point(|end| *end as usize <= at) - 1] as usize..]) {
                    continue; // a length that reaches beyond the end
                }
                std::fs::write(&path, &edited).unwrap();
                let read =
                    Chain::with_files_of(folder.path(), 100).and_then(|chain| chain.read(0, 99, Order::Ascending));
                assert!(matches!(read, Err(Fault::Broken(_))), "{at}");
                assert_eq!(std::fs::read(&path).unwrap(), edited);
            }
            std::fs::write(&path, &whole).unwrap();
        }
        std::fs::remove_file(&files(folder.path())[1]).unwrap();
        let read = Chain::with_files_of(folder.path(), 100).and_then(|chain| chain.read(0, 99, Order::Ascending));
        assert!(matches!(read, Err(Fault::Broken(_))), "a file is missing");
    }

    #[test]
    fn after_a_failure_nothing_more_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let chain = filled(folder.path(), 3);
        std::fs::remove_dir_all(folder.path().join(FOLDER)).unwrap();
        // The file that is open goes on until the next one is to be made.
        let failed = (3..30).find(|number| chain.append(*number, &chunk(*number)).is_err()).unwrap();
        std::fs::create_dir_all(folder.path().join(FOLDER)).unwrap();
        assert!(matches!(chain.append(failed, &chunk(failed)), Err(Fault::Broken(_))));
    }
}
