//! The place where a page begins, as it stands in a link.

use std::cmp::Ordering;

use super::key::{Key, Rank, Sorted, TEXT_CHARACTERS_MAX};
use crate::fhir::ResourceType;
use crate::fhir::decimal::Decimal;
use crate::fhir::reference::is_id;
use crate::search::facts::token_hash;
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
    /// good for.
    pub fn text(&self, order: &str) -> String {
        use std::fmt::Write;
        let mut bytes = vec![u8::from(self.backwards)];
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
        bytes.extend_from_slice(&check(order, &bytes));
        bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Reads a cursor made for the same place and order; `None` when it was not, or when it says that the search has yet
    /// to begin.
    pub fn read(text: &str, order: &str, now: i64) -> Option<Self> {
        if text.len() > CURSOR_BYTES_MAX || !text.len().is_multiple_of(2) {
            return None;
        }
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        let byte = |pair: &[u8]| Some((digit(pair.first()?)? * 16 + digit(pair.get(1)?)?) as u8);
        let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(byte).collect();
        let bytes = bytes?;
        let (said, stated) = bytes.split_last_chunk::<8>()?;
        if check(order, said) != *stated {
            return None;
        }
        let ([backwards], rest) = said.split_first_chunk()?;
        let (begun, rest) = rest.split_first_chunk()?;
        let ([of, count], mut rest) = rest.split_first_chunk()?;
        let ranks = (0..*count).map(|_| rank(&mut rest)).collect::<Option<Vec<_>>>()?;
        let id = std::str::from_utf8(rest).ok().filter(|id| is_id(id))?.into();
        let (backwards, begun) = (*backwards == 1, i64::from_be_bytes(*begun));
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

fn check(order: &str, bytes: &[u8]) -> [u8; 8] {
    use std::fmt::Write;
    let mut text = format!("{order}|");
    bytes.iter().for_each(|byte| {
        let _ = write!(text, "{byte:02x}");
    });
    token_hash(&text).to_be_bytes()
}
