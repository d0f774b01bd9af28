//! Long texts in several entries: compressed, then cut so that no value is longer than an engine takes.
//!
//! ```text
//! layout(1) dictionary(1) length of the frame(4) frame
//! ```

use crate::fault::Fault;
use crate::store::press::Dictionary;
use crate::store::{Commit, Engine, VALUE_BYTES_MAX};

const LAYOUT: u8 = 1;
const START: usize = 6;

/// Puts `text` into the commit, under `key(0)`, `key(1)` ... Fails when it is longer than
/// [`crate::store::press::TEXT_BYTES_MAX`].
pub fn put(
    commit: &mut Commit,
    dictionary: Dictionary,
    text: &[u8],
    key: impl Fn(u16) -> Vec<u8>,
) -> Result<(), Fault> {
    let mut out = vec![LAYOUT, dictionary as u8, 0, 0, 0, 0];
    dictionary.compress(text, &mut out)?;
    let length = u32::try_from(out.len() - START).map_err(|_| damaged())?;
    out[2..START].copy_from_slice(&length.to_be_bytes());
    if out.len() <= VALUE_BYTES_MAX {
        out.shrink_to_fit();
        commit.put.push((key(0), out));
        return Ok(());
    }
    for (part, bytes) in (0..).zip(out.chunks(VALUE_BYTES_MAX)) {
        commit.put.push((key(part), bytes.to_vec()));
    }
    Ok(())
}

/// The text that was put under these keys; `None` when there is none.
pub fn get(engine: &dyn Engine, key: impl Fn(u16) -> Vec<u8>) -> Result<Option<Vec<u8>>, Fault> {
    let Some(mut bytes) = engine.get(&key(0))? else { return Ok(None) };
    let start = *bytes.first_chunk::<START>().ok_or_else(damaged)?;
    let [LAYOUT, dictionary, length @ ..] = start else { return Err(damaged()) };
    let dictionary = Dictionary::from_number(dictionary).ok_or_else(damaged)?;
    let length = u32::from_be_bytes(length) as usize;
    let mut part = 0_u16;
    while bytes.len() < START + length {
        part = part.checked_add(1).ok_or_else(damaged)?;
        bytes.extend(engine.get(&key(part))?.ok_or_else(damaged)?);
    }
    if bytes.len() != START + length {
        return Err(damaged());
    }
    let mut text = Vec::new();
    dictionary.decompress(&bytes[START..], &mut text)?;
    Ok(Some(text))
}

fn damaged() -> Fault {
    Fault::Broken("a stored text is damaged".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::MemoryEngine;

    fn key(part: u16) -> Vec<u8> {
        vec![b'x', part as u8]
    }

    /// Bytes that do not compress.
    fn noise(bytes: usize) -> Vec<u8> {
        let mut state = 1_u64;
        let step = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        (0..bytes).map(step).collect()
    }

    #[test]
    fn texts_of_any_length_come_back() {
        for bytes in [0, 1, 1000, VALUE_BYTES_MAX - 40, VALUE_BYTES_MAX, 3 * VALUE_BYTES_MAX + 7] {
            let engine = MemoryEngine::new();
            let (text, mut commit) = (noise(bytes), Commit::default());
            put(&mut commit, Dictionary::Letter1, &text, key).unwrap();
            assert!(commit.put.iter().all(|(_, value)| value.len() <= VALUE_BYTES_MAX));
            assert_eq!(
                commit.put.len(),
                bytes.div_ceil(VALUE_BYTES_MAX).max(1) + usize::from(bytes == VALUE_BYTES_MAX)
            );
            let fates = engine.apply(std::slice::from_ref(&commit)).unwrap();
            assert!(fates[0].is_ok());
            assert_eq!(get(&engine, key).unwrap().as_ref(), Some(&text));
            let last = commit.put.len() as u16 - 1;
            engine.apply(&[Commit { delete: vec![key(last)], ..Commit::default() }]).unwrap();
            let torn = get(&engine, key);
            assert!(if last == 0 { torn == Ok(None) } else { torn.is_err() });
        }
    }
}
