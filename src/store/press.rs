//! Compression with trained dictionaries: a resource of 1.4 kB comes to 270 bytes, and to 760 without one.
//!
//! The dictionaries were trained on synthetic text only. Their numbers are stored: one that is in use never changes;
//! a better one gets the next number.

use std::cell::RefCell;
use std::io::Cursor;
use std::sync::OnceLock;

use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::{self, CParameter};

use crate::fault::Fault;

/// Longest text that is compressed or restored, in bytes.
pub const TEXT_BYTES_MAX: usize = 256 << 20;

const LEVEL: i32 = 3;

/// What a text is compressed with. The number is stored and must not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Dictionary {
    /// Trained on resources as JSON.
    Resource1 = 1,
    /// Trained on HL7 v2 messages in ISO-2022-JP, UTF-8 and Shift_JIS.
    Letter1 = 2,
}

struct Prepared {
    encoder: EncoderDictionary<'static>,
    decoder: DecoderDictionary<'static>,
}

/// What one thread compresses with.
struct Press {
    compressor: Compressor<'static>,
    decompressor: Decompressor<'static>,
}

thread_local! {
    static PRESSES: RefCell<[Option<Press>; 2]> = const { RefCell::new([None, None]) };
}

impl Dictionary {
    /// The dictionary behind a stored number.
    pub fn from_number(number: u8) -> Option<Self> {
        [Dictionary::Resource1, Dictionary::Letter1].into_iter().find(|dictionary| *dictionary as u8 == number)
    }

    /// Appends `text` to `out` as one frame with a checksum. Fails over [`TEXT_BYTES_MAX`].
    pub fn compress(self, text: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(Fault::Broken("a text is too long to be compressed".into()));
        }
        let start = out.len();
        out.resize(start + zstd_safe::compress_bound(text.len()), 0);
        let written = self.with(|press| press.compressor.compress_to_buffer(text, &mut out[start..]));
        out.truncate(start + *written.as_ref().unwrap_or(&0));
        written.map(|_| ())
    }

    /// Appends to `out` what `frame` was made from. Fails when the frame is damaged or says that it holds more than
    /// [`TEXT_BYTES_MAX`].
    pub fn decompress(self, frame: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        let length = zstd_safe::get_frame_content_size(frame).ok().flatten();
        let length = length.and_then(|length| usize::try_from(length).ok()).filter(|length| *length <= TEXT_BYTES_MAX);
        let length = length.ok_or_else(|| Fault::Broken("a compressed text does not say its length".into()))?;
        let start = out.len();
        out.reserve(length);
        let mut behind = Cursor::new(&mut *out);
        behind.set_position(start as u64);
        let written = self.with(|press| press.decompressor.decompress_to_buffer(frame, &mut behind));
        if written.is_err() {
            out.truncate(start);
        }
        match written {
            Ok(written) if written == length => Ok(()),
            Ok(_) => Err(Fault::Broken("a compressed text is shorter than it says".into())),
            Err(fault) => Err(fault),
        }
    }

    fn with<T>(self, work: impl FnOnce(&mut Press) -> std::io::Result<T>) -> Result<T, Fault> {
        let fault = |fault: std::io::Error| Fault::Broken(format!("zstd: {fault}"));
        PRESSES.with_borrow_mut(|presses| {
            let press = match &mut presses[self as usize - 1] {
                Some(press) => press,
                none => none.insert(Press::new(self.prepared()).map_err(fault)?),
            };
            work(press).map_err(fault)
        })
    }

    fn prepared(self) -> &'static Prepared {
        static PREPARED: [OnceLock<Prepared>; 2] = [const { OnceLock::new() }; 2];
        let bytes: &[u8] = match self {
            Dictionary::Resource1 => include_bytes!("dictionary-1.bin"),
            Dictionary::Letter1 => include_bytes!("dictionary-2.bin"),
        };
        PREPARED[self as usize - 1].get_or_init(|| Prepared {
            encoder: EncoderDictionary::copy(bytes, LEVEL),
            decoder: DecoderDictionary::copy(bytes),
        })
    }
}

impl Press {
    /// The dictionary's number is kept beside the frames, not in each.
    fn new(prepared: &'static Prepared) -> std::io::Result<Self> {
        let mut compressor = Compressor::with_prepared_dictionary(&prepared.encoder)?;
        compressor.set_parameter(CParameter::ChecksumFlag(true))?;
        compressor.set_parameter(CParameter::DictIdFlag(false))?;
        Ok(Press { compressor, decompressor: Decompressor::with_prepared_dictionary(&prepared.decoder)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(dictionary: Dictionary, text: &[u8]) -> Vec<u8> {
        let mut out = b"before".to_vec();
        dictionary.compress(text, &mut out).unwrap();
        out.split_off(6)
    }

    #[test]
    fn texts_come_back() {
        for dictionary in [Dictionary::Resource1, Dictionary::Letter1] {
            assert_eq!(Dictionary::from_number(dictionary as u8), Some(dictionary));
            for text in [&b""[..], b"x", "山田　太郎".as_bytes(), &[0xff; 100_000]] {
                let mut out = b"kept".to_vec();
                dictionary.decompress(&pressed(dictionary, text), &mut out).unwrap();
                assert_eq!(&out[4..], text);
            }
        }
    }

    #[test]
    fn a_dictionary_in_use_never_changes() {
        use sha2::{Digest, Sha256};
        let hash =
            |bytes: &[u8]| Sha256::digest(bytes)[..8].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(hash(include_bytes!("dictionary-1.bin")), "20034e0504d59187");
        assert_eq!(hash(include_bytes!("dictionary-2.bin")), "259ef194914599e0");
    }

    #[test]
    fn a_resource_comes_to_a_fraction() {
        let text = concat!(
            r#"{"resourceType":"Observation","id":"a","meta":{"versionId":"1","lastUpdated":"2026-11-21T09:30:00"#,
            r#"+09:00","profile":["http://jpfhir.jp/fhir/core/StructureDefinition/JP_Observation_LabResult"]},"#,
            r#""status":"final","category":[{"coding":[{"system":"http://jpfhir.jp/fhir/core/CodeSystem/"#,
            r#"JP_SimpleObservationCategory_CS","code":"laboratory"}]}]}"#
        );
        assert!(pressed(Dictionary::Resource1, text.as_bytes()).len() * 4 < text.len());
    }

    #[test]
    fn damage_is_noticed() {
        let good =
            pressed(Dictionary::Resource1, b"{\"resourceType\":\"Patient\",\"id\":\"1f3c\",\"gender\":\"male\"}");
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            let mut out = Vec::new();
            let answer = Dictionary::Resource1.decompress(&bad, &mut out);
            assert!(answer.is_err() || out.starts_with(b"{\"resourceType\":\"Patient\",\"id\":\"1f3c\""), "byte {at}");
            assert!(Dictionary::Resource1.decompress(&good[..at], &mut Vec::new()).is_err());
        }
    }
}
