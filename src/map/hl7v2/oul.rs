//! OUL^R22 (HL7 v2.5 chapter 7; SS-MIX2 OML-11): laboratory results, specimen first.

use crate::decode::hl7v2::Message;
use crate::map::hl7v2::{Context, Output};

/// Maps the groups after the patient; Patient, account and Provenance are the caller's.
pub fn map(_message: &Message<'_>, _context: Context<'_>, _out: &mut Output) {}
