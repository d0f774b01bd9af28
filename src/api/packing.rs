//! Packed bodies (RFC 9110 section 8.4): answers leave and requests arrive as gzip (RFC 1952) or Zstandard (RFC 8878).

use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::get_frame_content_size;

use super::asked::Coding;
use crate::gzip::{gunzip, gzip};

pub(super) use crate::gzip::Wrong;

/// Shorter bodies leave as they are: packing would cost more than it saves.
pub(super) const PACKED_BYTES_MIN: usize = 8 << 10;
/// The least effort: it finds most of what FHIR repeats.
const LEVEL: i32 = 1;

impl Coding {
    /// Its name in `Content-Encoding`; `None` for a body as it is.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Coding::Identity => None,
            Coding::Gzip => Some("gzip"),
            Coding::Zstd => Some("zstd"),
        }
    }

    /// The coding that a value of `Content-Encoding` names; `None` for another, and for several.
    pub(super) fn of(name: &str) -> Option<Coding> {
        match name.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Coding::Identity),
            "gzip" | "x-gzip" => Some(Coding::Gzip),
            "zstd" => Some(Coding::Zstd),
            _ => None,
        }
    }
}

/// The body packed; `None` where it stays as it is.
pub(super) fn pack(coding: Coding, body: &[u8]) -> Option<Vec<u8>> {
    match coding {
        _ if body.len() < PACKED_BYTES_MIN => None,
        Coding::Identity => None,
        Coding::Gzip => Some(gzip(body, LEVEL as u8)),
        Coding::Zstd => zstd(body),
    }
}

/// What was packed, when it has at most `bytes_max` bytes.
pub(super) fn unpack(coding: Coding, body: &[u8], bytes_max: usize) -> Result<Vec<u8>, Wrong> {
    let unpacked = match coding {
        Coding::Identity => body.to_vec(),
        Coding::Gzip => gunzip(body, bytes_max)?,
        Coding::Zstd => unzstd(body, bytes_max)?,
    };
    if unpacked.len() > bytes_max { Err(Wrong::TooLong) } else { Ok(unpacked) }
}

fn zstd(body: &[u8]) -> Option<Vec<u8>> {
    thread_local! {
        // Making one costs more than using it.
        static COMPRESSOR: RefCell<Option<Compressor<'static>>> = RefCell::new(Compressor::new(LEVEL).ok());
    }
    COMPRESSOR.with_borrow_mut(|compressor| compressor.as_mut()?.compress(body).ok())
}

fn unzstd(packed: &[u8], bytes_max: usize) -> Result<Vec<u8>, Wrong> {
    let stated = get_frame_content_size(packed).map_err(|_| Wrong::Broken)?;
    let stated = stated.map(|size| usize::try_from(size).unwrap_or(usize::MAX));
    if stated.is_some_and(|size| size > bytes_max) {
        return Err(Wrong::TooLong);
    }
    // In one step, so that no frame can ask for a window of its own; where no length is stated, or there are several
    // frames, the limit is the room.
    let unpacked = Decompressor::new().and_then(|mut with| with.decompress(packed, bytes_max));
    unpacked.map_err(|error| match error.to_string().contains("too small") {
        true => Wrong::TooLong,
        false => Wrong::Broken,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: usize) -> Vec<u8> {
        "{\"値\":1.00},".bytes().cycle().take(bytes).collect()
    }

    #[test]
    fn short_bodies_stay_as_they_are() {
        for coding in [Coding::Gzip, Coding::Zstd] {
            assert_eq!(pack(coding, &text(PACKED_BYTES_MIN - 1)), None);
            assert!(pack(coding, &text(PACKED_BYTES_MIN)).is_some_and(|packed| packed.len() < 1000));
        }
        assert_eq!(pack(Coding::Identity, &text(PACKED_BYTES_MIN)), None);
    }

    #[test]
    fn what_is_packed_is_unpacked_up_to_the_limit() {
        let body = text(100_000);
        for coding in [Coding::Gzip, Coding::Zstd, Coding::Identity] {
            let packed = pack(coding, &body).unwrap_or_else(|| body.clone());
            assert_eq!(unpack(coding, &packed, body.len()).as_ref(), Ok(&body), "{coding:?}");
            assert_eq!(unpack(coding, &packed, body.len() - 1), Err(Wrong::TooLong), "{coding:?}");
            assert_eq!(unpack(coding, &packed, 0), Err(Wrong::TooLong), "{coding:?}");
        }
        // A stream that does not say how long it is.
        let unsized_frame = zstd::stream::encode_all(&body[..], 1).unwrap();
        assert_eq!(unpack(Coding::Zstd, &unsized_frame, body.len()).as_ref(), Ok(&body));
        assert_eq!(unpack(Coding::Zstd, &unsized_frame, body.len() - 1), Err(Wrong::TooLong));
    }

    #[test]
    fn the_head_of_gzip_may_say_more() {
        let plain = gzip(b"abc", 1);
        let deflated = &plain[10..];
        let mut named = vec![0x1f, 0x8b, 8, 4 | 8 | 16 | 2, 0, 0, 0, 0, 0, 3, 2, 0, 7, 7];
        named.extend(b"name\0comment\0\x01\x02");
        named.extend(deflated);
        assert_eq!(unpack(Coding::Gzip, &named, 3), Ok(b"abc".to_vec()));
    }

    #[test]
    fn broken_bodies_are_told_apart() {
        let body = text(20_000);
        for coding in [Coding::Gzip, Coding::Zstd] {
            let packed = pack(coding, &body).unwrap();
            for broken in [&packed[..packed.len() - 1], &packed[..5], b"", b"plain text", &packed[1..]] {
                assert_eq!(unpack(coding, broken, 1 << 20), Err(Wrong::Broken), "{coding:?} {}", broken.len());
            }
        }
        let mut changed = gzip(&body, 1);
        let last = changed.len() - 6;
        changed[last] ^= 1;
        assert_eq!(unpack(Coding::Gzip, &changed, 1 << 20), Err(Wrong::Broken));
    }

    #[test]
    fn codings_are_known_by_name() {
        for (name, coding) in [
            ("", Some(Coding::Identity)),
            ("identity", Some(Coding::Identity)),
            (" GZIP", Some(Coding::Gzip)),
            ("zstd", Some(Coding::Zstd)),
            ("br", None),
            ("gzip, gzip", None),
        ] {
            assert_eq!(Coding::of(name), coding, "{name}");
        }
    }
}
