//! The place where a page begins, as it stands in a link. Texts that are sorted by may be names, which no address shows:
//! a place that holds some is sealed with a secret of the store, and can be read by every gateway over it.

use std::cmp::Ordering;

use sha2::{Digest, Sha256};

use super::key::{Key, Rank, Sorted, TEXT_CHARACTERS_MAX};
use crate::fhir::ResourceType;
use crate::fhir::decimal::Decimal;
use crate::fhir::reference::is_id;
use crate::search::query::SORT_KEYS_MAX;

/// Longest cursor that is read, bytes of its text.
pub(super) const CURSOR_BYTES_MAX: usize = 2 * (32 + SORT_KEYS_MAX * (2 + 4 * TEXT_CHARACTERS_MAX) + 64);

/// The place after which, or before which, a page lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    ranks: Vec<Rank>,
    id: Box<str>,
    resource_type: ResourceType,
    pub(super) backwards: bool,
    /// When the search began, milliseconds since 1970.
    pub begun: i64,
}

impl Cursor {
    pub(super) fn at(key: &Key<'_>, backwards: bool, begun: i64) -> Self {
        let ranks = std::iter::once(&key.first).chain(&key.rest).cloned().collect();
        Cursor { ranks, id: key.id.into(), resource_type: key.resource_type, backwards, begun }
    }

    /// How a match stands to this place.
    pub(super) fn order(&self, key: &Key<'_>) -> Ordering {
        let ranks = std::iter::once(&key.first).chain(&key.rest).cmp(&self.ranks);
        ranks.then_with(|| key.id.cmp(&self.id)).then_with(|| key.resource_type.cmp(&self.resource_type))
    }

    /// The cursor as it stands in a link: hexadecimal of the place and a check against mistakes. `order` says what it is
    /// good for, `seal` is the gateway's own.
    pub fn text(&self, order: &str, seal: &[u8]) -> String {
        use std::fmt::Write;
        let sealed = self.ranks.iter().any(|rank| matches!(rank.value, Sorted::Text(_)));
        let mut bytes = vec![u8::from(self.backwards) | u8::from(sealed) << 1];
        bytes.extend_from_slice(&self.begun.to_be_bytes());
        bytes.push(self.resource_type.number());
        bytes.push(self.ranks.len() as u8);
        for rank in &self.ranks {
            let turned = u8::from(rank.descending) << 7;
            match &rank.value {
                Sorted::Missing => bytes.push(turned),
                Sorted::Integer(value) => {
                    bytes.push(turned | 1);
                    bytes.extend_from_slice(&value.to_be_bytes());
                }
                Sorted::Decimal(value) => {
                    bytes.push(turned | 2);
                    bytes.extend_from_slice(&value.mantissa().to_be_bytes());
                    bytes.extend_from_slice(&value.scale().to_be_bytes());
                }
                Sorted::Text(text) => {
                    bytes.extend([turned | 3, text.len() as u8]);
                    bytes.extend_from_slice(text.as_bytes());
                }
            }
        }
        bytes.extend_from_slice(self.id.as_bytes());
        let check = check(order, if sealed { seal } else { &[] }, &bytes);
        if sealed {
            apply(seal, check, &mut bytes[1..]);
        }
        bytes.extend_from_slice(&check);
        bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Reads a cursor made for the same place and order; `None` when it was not, or when it says that the search has yet
    /// to begin.
    pub fn read(text: &str, order: &str, seal: &[u8], now: i64) -> Option<Self> {
        if text.len() > CURSOR_BYTES_MAX || !text.len().is_multiple_of(2) {
            return None;
        }
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        let byte = |pair: &[u8]| Some((digit(pair.first()?)? * 16 + digit(pair.get(1)?)?) as u8);
        let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(byte).collect();
        let mut bytes = bytes?;
        let (said, stated) = bytes.split_last_chunk_mut::<8>()?;
        let sealed = said.first()? & 2 != 0;
        if sealed {
            apply(seal, *stated, said.get_mut(1..)?);
        }
        if check(order, if sealed { seal } else { &[] }, said) != *stated {
            return None;
        }
        let ([flags], rest) = said.split_first_chunk()?;
        let (begun, rest) = rest.split_first_chunk()?;
        let ([of, count], mut rest) = rest.split_first_chunk()?;
        let ranks = (0..*count).map(|_| rank(&mut rest)).collect::<Option<Vec<_>>>()?;
        let id = std::str::from_utf8(rest).ok().filter(|id| is_id(id))?.into();
        let (backwards, begun) = (flags & 1 != 0, i64::from_be_bytes(*begun));
        let resource_type = ResourceType::from_number(*of)?;
        (begun <= now).then_some(Cursor { ranks, id, resource_type, backwards, begun })
    }
}

fn rank(rest: &mut &[u8]) -> Option<Rank> {
    let ([tag], after) = rest.split_first_chunk()?;
    let (value, after) = match tag & 0x7f {
        0 => (Sorted::Missing, after),
        1 => after.split_first_chunk().map(|(value, rest)| (Sorted::Integer(i64::from_be_bytes(*value)), rest))?,
        2 => {
            let (mantissa, rest) = after.split_first_chunk()?;
            let (scale, rest) = rest.split_first_chunk()?;
            let value = Decimal::new(i128::from_be_bytes(*mantissa), i32::from_be_bytes(*scale))?;
            (Sorted::Decimal(value), rest)
        }
        3 => {
            let ([length], rest) = after.split_first_chunk()?;
            let (text, rest) = rest.split_at_checked(usize::from(*length))?;
            (Sorted::Text(std::str::from_utf8(text).ok()?.into()), rest)
        }
        _ => return None,
    };
    *rest = after;
    Some(Rank { value, descending: tag & 0x80 != 0 })
}

fn check(order: &str, seal: &[u8], bytes: &[u8]) -> [u8; 8] {
    let mut sha = Sha256::new();
    for part in [seal, order.as_bytes(), b"|", bytes] {
        sha.update(part);
    }
    let mut first = [0; 8];
    first.copy_from_slice(&sha.finalize()[..8]);
    first
}

/// Seals and opens: a stream of hashes of the seal and of the check, which no two places share.
fn apply(seal: &[u8], check: [u8; 8], bytes: &mut [u8]) {
    for (at, block) in bytes.chunks_mut(32).enumerate() {
        let mut sha = Sha256::new();
        for part in [seal, &check, &(at as u64).to_be_bytes()] {
            sha.update(part);
        }
        block.iter_mut().zip(sha.finalize()).for_each(|(byte, mask)| *byte ^= mask);
    }
}
