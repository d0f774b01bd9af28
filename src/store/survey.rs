//! The files of the audit chain as whoever checks them reads them: without the engine beside them and its lock, changing
//! nothing, and going on behind whatever is damaged.

use std::path::{Path, PathBuf};

use crate::fault::Fault;
use crate::store::chain::{FOLDER, HEADER_BYTES, SUFFIX, broken, checksum, is_torn};

/// What was met in the files, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Met {
    /// A chunk that is as it was written, or was changed by somebody who put its checksum right.
    Chunk {
        /// Its number.
        number: u64,
        /// The chunk.
        bytes: Vec<u8>,
    },
    /// A chunk that is not what was written under this number.
    Damaged {
        /// The number that it should have.
        number: u64,
    },
    /// From this number to the end of a file, nothing that can be told apart.
    Unreadable {
        /// The number.
        number: u64,
        /// Bytes.
        length: usize,
    },
    /// What a machine that stopped left of the last chunk, or one that is being written: it was never acknowledged.
    Torn {
        /// The number that it would have had.
        number: u64,
    },
}

/// Where something lies: `file:byte`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The file, below the store's folder.
    pub file: String,
    /// The byte in it.
    pub offset: usize,
}

/// The files of the chain in a store's folder with the number of the first chunk of each, in order; none where there is no chain.
fn files(store: &Path) -> Result<Vec<(u64, PathBuf)>, Fault> {
    let listed = match std::fs::read_dir(store.join(FOLDER)) {
        Ok(listed) => listed,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(broken("be read", &error)),
    };
    let file = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.ok()?.path();
        let first = u64::from_str_radix(path.file_name()?.to_str()?.strip_suffix(SUFFIX)?, 16).ok()?;
        Some((first, path))
    };
    let mut files: Vec<_> = listed.filter_map(file).collect();
    files.sort();
    Ok(files)
}

/// Whether a store's folder has a chain in files of its own.
pub fn has_chain(store: &Path) -> bool {
    store.join(FOLDER).is_dir()
}

/// Hands on what is in the files of the chain of a store's folder, one after the other.
pub fn survey(store: &Path, met: impl FnMut(Met, &Spot) -> Result<(), Fault>) -> Result<(), Fault> {
    walk(&files(store)?, met)
}

/// The same of the last file alone in which anything is written.
pub fn survey_last(store: &Path, met: impl FnMut(Met, &Spot) -> Result<(), Fault>) -> Result<(), Fault> {
    let mut files = files(store)?;
    files.retain(|(_, path)| std::fs::metadata(path).is_ok_and(|file| file.len() > 0));
    walk(files.last().map(std::slice::from_ref).unwrap_or_default(), met)
}

fn walk(files: &[(u64, PathBuf)], mut met: impl FnMut(Met, &Spot) -> Result<(), Fault>) -> Result<(), Fault> {
    for (nth, (first, path)) in files.iter().enumerate() {
        let bytes = std::fs::read(path).map_err(|fault| broken("be read", &fault))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (mut number, mut offset) = (*first, 0);
        while let Some(rest) = bytes.get(offset..).filter(|rest| !rest.is_empty()) {
            let spot = Spot { file: format!("{FOLDER}/{name}"), offset };
            let Some((crc, chunk)) = framed(rest) else {
                let is_last = nth + 1 == files.len() && is_torn(rest);
                let length = rest.len();
                met(if is_last { Met::Torn { number } } else { Met::Unreadable { number, length } }, &spot)?;
                break;
            };
            let length = HEADER_BYTES + chunk.len();
            if checksum(number, chunk) == crc {
                met(Met::Chunk { number, bytes: chunk.to_vec() }, &spot)?;
            } else if nth + 1 == files.len() && length == rest.len() && is_torn(rest) {
                // Its first page may be missing while its second is there.
                met(Met::Torn { number }, &spot)?;
            } else {
                met(Met::Damaged { number }, &spot)?;
            }
            (number, offset) = (number + 1, offset + length);
        }
    }
    Ok(())
}

/// What stands first by its length: the checksum and the chunk.
fn framed(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (crc, rest) = rest.split_first_chunk()?;
    let length = u32::from_be_bytes(*length) as usize;
    Some((u32::from_be_bytes(*crc), rest.get(..length).filter(|chunk| !chunk.is_empty())?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::chain::Chain;

    fn met(store: &Path) -> Vec<Met> {
        let mut all = Vec::new();
        survey(store, |one, _| {
            all.push(one);
            Ok(())
        })
        .unwrap();
        all
    }

    #[test]
    fn what_is_behind_damage_is_met_too() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_chain(folder.path()) && met(folder.path()).is_empty());
        let chain = Chain::open(folder.path()).unwrap();
        (0..3).for_each(|n| chain.append(n, &[n as u8; 9]).unwrap());
        let chunk = |number: u64| Met::Chunk { number, bytes: vec![number as u8; 9] };
        assert_eq!(met(folder.path()), [chunk(0), chunk(1), chunk(2)]);
        let path = files(folder.path()).unwrap()[0].1.clone();
        let whole = std::fs::read(&path).unwrap();
        let with = |at: usize, byte: u8| {
            let mut changed = whole.clone();
            changed[at] = byte;
            std::fs::write(&path, changed).unwrap();
        };
        with(HEADER_BYTES, 7);
        assert_eq!(met(folder.path()), [Met::Damaged { number: 0 }, chunk(1), chunk(2)]);
        with(0, 7);
        assert_eq!(met(folder.path()), [Met::Unreadable { number: 0, length: whole.len() }]);
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert_eq!(met(folder.path()), [chunk(0), chunk(1), Met::Torn { number: 2 }]);
    }
}
