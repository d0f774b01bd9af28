//! Blocking keys: two records that may be one person's have one in common, two others seldom do.
//!
//! No key is a name alone or a birth date alone, so that the lists of candidates do not grow with the network as fast
//! as the network. Each slip leaves another key whole: a wrong date leaves those of name and month or year, of phone,
//! of address and of insurance; a wrong name those of date and the other part of it.

use super::name::{Name, Script};
use super::traits::Traits;

/// Keys of one record at most.
pub const KEYS_MAX: usize = 16;

/// What a key is made of. The number is part of the key: a stored index has to be made anew when one changes.
#[derive(Clone, Copy)]
enum Kind {
    BirthAndGiven = 1,
    BirthAndFamily = 2,
    NameAndMonthDay = 3,
    NameAndYear = 4,
    Phone = 5,
    Household = 6,
    Medical = 7,
    Care = 8,
    Local = 9,
    NameAndPostcode = 10,
}

/// The blocking keys of a record, without repetition, at most [`KEYS_MAX`]; none for a record that says too little to
/// be found. The strongest come first, so that what is cut off a record with many names is the weakest.
pub fn keys(traits: &Traits) -> Vec<u64> {
    let mut keys = Keys(Vec::with_capacity(KEYS_MAX));
    for care in traits.care.iter().take(2) {
        keys.add(Kind::Care, &[care.insurer.as_bytes(), care.number.as_bytes()]);
    }
    for medical in traits.medical.iter().take(2) {
        keys.add(Kind::Medical, &[medical.insurer.as_bytes(), medical.symbol.as_bytes(), medical.number.as_bytes()]);
    }
    for local in traits.locals.iter().take(2) {
        keys.add(Kind::Local, &[local.system.as_bytes(), local.value.as_bytes()]);
    }
    for script in [Script::Kana, Script::Kanji, Script::Roman] {
        for name in traits.names.iter().filter(|n| n.script == script).take(2) {
            of_name(&mut keys, traits, name);
        }
    }
    // With the year, so that a household's people and a home's residents are not each other's candidates.
    let year = traits.birth.map_or(0, |birth| birth.year).to_le_bytes();
    for phone in traits.phones.iter().take(2) {
        keys.add(Kind::Phone, &[&phone.to_le_bytes(), &year]);
    }
    if let Some((address, [first, second, ..])) = traits.addresses.first().map(|a| (a, a.numbers.as_slice())) {
        let place = tail(&address.place, 2);
        keys.add(Kind::Household, &[place.as_bytes(), &first.to_le_bytes(), &second.to_le_bytes(), &year]);
    }
    keys.0
}

fn of_name(keys: &mut Keys, traits: &Traits, name: &Name) {
    // A kanji says as much as two kana. The ends of the whole name, so that it does not matter whether its parts are
    // set apart.
    let letters = if name.script == Script::Kanji { 1 } else { 2 };
    if let Some(birth) = traits.birth {
        let year = birth.year.to_le_bytes();
        if birth.is_whole() {
            let day = birth.number().to_le_bytes();
            keys.add(Kind::BirthAndGiven, &[&day, tail(&name.whole, letters).as_bytes()]);
            keys.add(Kind::BirthAndFamily, &[&day, head(&name.whole, letters).as_bytes()]);
            keys.add(Kind::NameAndMonthDay, &[name.whole.as_bytes(), &[birth.month, birth.day]]);
        }
        keys.add(Kind::NameAndYear, &[name.whole.as_bytes(), &year]);
    } else if let Some(postcode) = traits.postcodes.first() {
        keys.add(Kind::NameAndPostcode, &[name.whole.as_bytes(), &postcode.to_le_bytes()]);
    }
}

fn head(text: &str, count: usize) -> &str {
    text.char_indices().nth(count).map_or(text, |(at, _)| &text[..at])
}

fn tail(text: &str, count: usize) -> &str {
    text.char_indices().rev().nth(count - 1).map_or(text, |(at, _)| &text[at..])
}

struct Keys(Vec<u64>);

impl Keys {
    fn add(&mut self, kind: Kind, parts: &[&[u8]]) {
        // FNV-1a, then the finisher of splitmix64: the same on every machine and in every version, as a stored index
        // needs it.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ kind as u64;
        for part in parts {
            for byte in *part {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
            hash = (hash ^ 0xff).wrapping_mul(0x0100_0000_01b3);
        }
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^= hash >> 31;
        if self.0.len() < KEYS_MAX && !self.0.contains(&hash) {
            self.0.push(hash);
        }
    }
}
