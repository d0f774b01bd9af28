//! The weights of the score: how many bits an agreement or a disagreement says (Fellegi and Sunter, 1969).
//!
//! A weight is log2(m / u): `m` is how often the field has that outcome for two records of one person, `u` how often
//! for two records of two people who share a key. The table is an estimate to start from, made from what is published
//! (frequencies of names, sizes of towns) and from the error rates that the duplicates of master patient indexes are
//! known for, not from a network's own records: a network that has some hundred decided pairs can put its own numbers
//! here.
//!
//! | field | outcome | m | u | bits |
//! |---|---|---|---|---|
//! | family name | same | 0.95 | its frequency: 佐藤 1/67, not among the 400 most frequent below 1/2500 | 6.0 to 11.0 |
//! | | one slip | 0.02 | 1/200 | 2.0 |
//! | | other (married, or somebody else) | 0.03 | 0.98 | -4.0 |
//! | given name | same | 0.93 | 1/250 | 7.9 |
//! | | one slip | 0.05 | 1/80 | 2.0 |
//! | | other | 0.01 | 0.98 | -6.6 |
//! | birth date | same | 0.96 | 1/25000 | 14.6 |
//! | | same as far as known | 0.01 | 1/1000 | 6.0 |
//! | | one slip | 0.025 | 1/330 | 3.0 |
//! | | other | 0.005 | 0.99 | -7.6 |
//! | sex | same | 0.99 | 0.5 | 1.0 |
//! | | other | 0.01 | 0.5 | -5.6 |
//! | address | same place and numbers | 0.75 | 1/8000 | 12.5 |
//! | | same place, or same postcode | 0.1 | 1/300 | 5.0 |
//! | | other | 0.15 | 0.9 | -2.5 |
//! | phone | same | 0.7 | 1/12000 | 13.0 |
//! | | other | 0.3 | 1 | -1.7 |
//! | medical insurance | one person's | 0.8 | 1/100000 | 16.3 |
//! | | a family's | 0.8 | 1/8000 | 12.6 |
//! | | other | 0.2 | 1 | -1.0 (people change it) |
//! | care insurance | same | 0.95 | 1/100000 | 16.5 |
//! | | other number of the same insurer | 0.02 | 0.98 | -5.6 |
//! | number at one facility | same | 0.98 | 1/50000 | 15.6 |
//!
//! What a household shares (address, phone, a family's insurance) counts once, by the strongest: it is one piece of news.

use serde::Deserialize;

/// Bits for each outcome of each field, and where the verdicts begin. See the module for the table.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Weights {
    /// The most that a family name says, for one that is not among the most frequent.
    pub family_same_most: f32,
    /// How often two records of one person have the same family name; divided by its frequency.
    pub family_same_m: f32,
    /// One slip in the family name.
    pub family_near: f32,
    /// Another family name.
    pub family_other: f32,
    /// The same given name.
    pub given_same: f32,
    /// One slip in the given name.
    pub given_near: f32,
    /// Another given name.
    pub given_other: f32,
    /// The same birth date.
    pub birth_same: f32,
    /// The same as far as both are known.
    pub birth_part: f32,
    /// One slip in the birth date.
    pub birth_near: f32,
    /// Another birth date.
    pub birth_other: f32,
    /// The same sex.
    pub sex_same: f32,
    /// The other sex.
    pub sex_other: f32,
    /// The same place and numbers.
    pub address_same: f32,
    /// The same place or postcode.
    pub address_place: f32,
    /// Another place.
    pub address_other: f32,
    /// A phone number in common.
    pub phone_same: f32,
    /// None in common.
    pub phone_other: f32,
    /// An insurance in common whose number is one person's.
    pub medical_person: f32,
    /// An insurance in common whose number is a family's.
    pub medical_household: f32,
    /// None in common.
    pub medical_other: f32,
    /// A care-insurance number in common.
    pub care_same: f32,
    /// Another number of the same insurer.
    pub care_other: f32,
    /// A number in a facility's system in common.
    pub local_same: f32,
    /// From here on, name, birth date and a third agreement make two records the same person's.
    pub certain: f32,
    /// From here on, two records go to the work list. Two records by chance share a person with odds of about one in
    /// the number of people, so this is about log2 of it: 15 for 50,000, one more for each doubling.
    pub perhaps: f32,
}

impl Default for Weights {
    fn default() -> Self {
        Weights {
            family_same_most: 11.0,
            family_same_m: 0.95,
            family_near: 2.0,
            family_other: -4.0,
            given_same: 7.9,
            given_near: 2.0,
            given_other: -6.6,
            birth_same: 14.6,
            birth_part: 6.0,
            birth_near: 3.0,
            birth_other: -7.6,
            sex_same: 1.0,
            sex_other: -5.6,
            address_same: 12.5,
            address_place: 5.0,
            address_other: -2.5,
            phone_same: 13.0,
            phone_other: -1.7,
            medical_person: 16.3,
            medical_household: 12.6,
            medical_other: -1.0,
            care_same: 16.5,
            care_other: -5.6,
            local_same: 15.6,
            certain: 30.0,
            perhaps: 15.0,
        }
    }
}

impl Weights {
    /// Whether every weight is a number; TOML has `nan` and `inf` too.
    pub fn are_numbers(&self) -> bool {
        let Weights { family_same_most, family_same_m, family_near, family_other, .. } = *self;
        let Weights { given_same, given_near, given_other, birth_same, birth_part, birth_near, birth_other, .. } =
            *self;
        let Weights { sex_same, sex_other, address_same, address_place, address_other, .. } = *self;
        let Weights { phone_same, phone_other, medical_person, medical_household, medical_other, .. } = *self;
        let Weights { care_same, care_other, local_same, certain, perhaps, .. } = *self;
        let who = [family_same_most, family_same_m, family_near, family_other, given_same, given_near, given_other];
        let born = [birth_same, birth_part, birth_near, birth_other, sex_same, sex_other];
        let home = [address_same, address_place, address_other, phone_same, phone_other];
        let insured = [medical_person, medical_household, medical_other, care_same, care_other, local_same];
        let ends = [certain, perhaps];
        who.iter().chain(&born).chain(&home).chain(&insured).chain(&ends).all(|bits| bits.is_finite())
    }

    /// What agreeing on a family name says that so many of 100,000 people bear; 0 where it is not among the most frequent.
    pub fn family_same(&self, bearers: u32) -> f32 {
        if bearers == 0 {
            return self.family_same_most;
        }
        (self.family_same_m * 100_000.0 / bearers as f32).log2().min(self.family_same_most)
    }
}
