//! HL7 v2 messages to changes: the dispatch by data kind or message type, and what every message shares.

pub mod account;
mod business_key;
pub mod coding_system;
pub mod datatype;
mod group;
mod number;
pub mod oul;
pub mod output;
pub mod provenance;
pub mod rde;
pub mod segment;
mod unit;

pub use output::Output;

use crate::decode::hl7v2::Message;
use crate::decode::ssmix2::FileName;
use crate::fault::{Issue, Noted};
use crate::letter::{LetterId, Source};
use crate::map::{Known, Mapped};

/// What a mapper is told beside the message itself.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Who sent it.
    pub source: &'a Source,
    /// What its SS-MIX2 file name said, when it came under one.
    pub name: Option<&'a FileName>,
    /// The stored raw message, for the Provenance.
    pub letter: LetterId,
    /// What is on record already.
    pub known: &'a Known,
}

/// The number under which the sender knows the patient: PID-3.1 of the first PID.
pub fn patient_number(message: &Message<'_>) -> Option<String> {
    let number = message.first("PID")?.peek(3).component(1).text().trim().to_owned();
    (!number.is_empty()).then_some(number)
}

/// Maps a message. An error is a message of which nothing can be used (to be held with that reason).
pub fn map(_message: &Message<'_>, _context: Context<'_>) -> Result<Noted<Mapped>, Issue> {
    Err(Issue::new(&crate::decode::hl7v2::NOT_ER7, crate::fault::Place::Whole))
}
