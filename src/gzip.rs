//! gzip (RFC 1952): whole bodies in memory, never beyond a limit.

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_with_limit};

/// Why what is packed could not be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Unpacked it is longer than the limit.
    TooLong,
    /// It is not what it says it is.
    Broken,
}

/// Bytes packed as one member; `level` is the effort, 0 to 10.
pub fn gzip(body: &[u8], level: u8) -> Vec<u8> {
    // No name, no time, an unknown system.
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    out.extend(compress_to_vec(body, level));
    out.extend(crc32fast::hash(body).to_le_bytes());
    out.extend((body.len() as u32).to_le_bytes());
    out
}

/// What was packed as one member, when it has at most `bytes_max` bytes; several members, which nobody sends, are broken.
pub fn gunzip(packed: &[u8], bytes_max: usize) -> Result<Vec<u8>, Wrong> {
    let (deflated, end) = gzip_parts(packed).ok_or(Wrong::Broken)?;
    let body = decompress_to_vec_with_limit(deflated, bytes_max).map_err(|error| match error.status {
        TINFLStatus::HasMoreOutput => Wrong::TooLong,
        _ => Wrong::Broken,
    })?;
    let is_whole = end.0 == crc32fast::hash(&body) && end.1 == body.len() as u32;
    if is_whole { Ok(body) } else { Err(Wrong::Broken) }
}

/// The deflated part of a gzip member, and checksum and length at its end (RFC 1952 section 2.3).
fn gzip_parts(packed: &[u8]) -> Option<(&[u8], (u32, u32))> {
    let (head, mut rest) = packed.split_at_checked(10)?;
    let flags = head.strip_prefix(&[0x1f, 0x8b, 8])?.first()?;
    let (extra, name, comment, checksum) = (flags & 4 != 0, flags & 8 != 0, flags & 16 != 0, flags & 2 != 0);
    if extra {
        let (length, more) = rest.split_first_chunk::<2>()?;
        rest = more.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for is_there in [name, comment] {
        if is_there {
            rest = rest.get(memchr::memchr(0, rest)? + 1..)?;
        }
    }
    if checksum {
        rest = rest.get(2..)?;
    }
    let (rest, length) = rest.split_last_chunk::<4>()?;
    let (rest, checksum) = rest.split_last_chunk::<4>()?;
    Some((rest, (u32::from_le_bytes(*checksum), u32::from_le_bytes(*length))))
}
