//! Who is the same person: what is compared of a Patient record, how, and what comes of it (IHE PIXm, ITI-83, leaves the
//! rules to whoever keeps the identifiers). Pure: records in, a verdict out.
//!
//! Every facility's Patient stays as it was sent; a person is a set of linked records. This module reads what counts of a
//! record ([`Traits::read`]), folded for comparing ([`name`], [`birth`], [`address`], [`number`], [`insurance`]); finds
//! candidates by shared [`keys()`]; and says of two records that they are the same person, may be, or are not ([`compare()`]).
//!
//! - **The same** follows from a number that one person alone has, with the birth date and the given name agreeing; or
//!   from name, birth date and a third thing of the household (address, phone, insurance) that agree exactly. Never from a
//!   name, nor from a name with a birth date.
//! - **Perhaps** is for people to look at: a score in bits ([`Weights`]), and everything that contradicts itself.
//! - **Different** is the rest.
//!
//! The rules, the weights and what was measured: docs/adr/0043.

pub mod address;
pub mod birth;
pub mod compare;
pub mod insurance;
pub mod keys;
pub mod name;
pub mod number;
mod spelling;
mod surnames;
mod text;
pub mod traits;
mod variants;
pub mod weights;

#[cfg(test)]
mod tests;

pub use compare::{Evidence, Level, Reason, Verdict, compare, contradict, evidence, is_another};
pub use keys::{KEYS_MAX, keys};
pub use traits::{Sex, Traits};
pub use weights::Weights;
