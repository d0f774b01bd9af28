//! HL7 v2 messages to changes: the dispatch by data kind or message type, and what every message shares.

pub mod account;
pub mod adt;
mod business_key;
pub mod coding_system;
pub mod datatype;
mod drug;
mod group;
pub mod head;
pub mod mdm;
mod measurement;
mod messages;
pub(in crate::map) mod number;
pub mod omd;
mod order_key;
mod performed;
pub mod ppr;
pub mod provenance;
pub mod ras;
pub mod rde;
pub mod rds;
pub mod refer;
mod request;
mod result;
mod result_links;
pub mod segment;
pub mod siu;
mod unit;
mod visit;
pub mod vxu;
pub mod whole;

use std::sync::Arc;

use crate::codes::Book;
use crate::decode::hl7v2::Message;
use crate::decode::ssmix2::{FileName, Flag, Kind};
use crate::fault::{Issue, IssueType, Noted, Place, Rule, Severity};
use crate::fhir::PatientKey;
use crate::letter::{LetterId, Source};
use crate::map::{Known, Mapped, Output};

/// A file that was replaced by a newer one.
pub static SUPERSEDED: Rule = Rule {
    id: "ssmix2-superseded",
    severity: Severity::Information,
    code: IssueType::Informational,
    en: "The file is marked as superseded (condition flag 2); the newer file says what holds.",
    ja: "コンディションフラグ2(更新済み)のファイルです。新しいファイルの内容が有効です。",
};

/// Rule `content-of-the-deleted`: what a deleted thing was does not matter any more.
const EVERY_FIELD: [u16; 127] = {
    let mut numbers = [0; 127];
    let mut at = 0;
    while at < 127 {
        numbers[at] = at as u16 + 1;
        at += 1;
    }
    numbers
};

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
    /// What codes mean in other code systems.
    pub book: &'a Arc<Book>,
}

/// The number under which the sender knows the patient: PID-3.1 of the first PID, or what stands for it.
pub fn patient_number(message: &Message<'_>) -> Option<String> {
    message.first("PID").and_then(head::number_of).map(|number| number.key)
}

/// Maps a message. An error is a message of which nothing can be used (to be held with that reason).
pub fn map(message: &Message<'_>, context: Context<'_>) -> Result<Noted<Mapped>, Issue> {
    let handled = messages::handled(message, context)?;
    let kind = handled.kind;
    let mut out = head::begin(message, context, handled.is_of_several)?;
    // A message that is kept whole is a document, and FHIR knows superseded documents.
    if !handled.is_kept_whole() && context.name.is_some_and(|name| name.flag == Flag::Superseded) {
        out.issue(&SUPERSEDED, Place::Whole);
        return Ok(out.finish(None));
    }
    out.is_master = kind == Some(Kind::Adt00);
    head::check_day(message, kind, context, &mut out);
    if !handled.is_of_several {
        head::patient(message, kind, context, &mut out);
    }
    (handled.map)(message, context, &mut out);
    if !handled.has_own_results {
        measurement::map(message, context, &mut out);
    }
    provenance::put(message, context.letter, &mut out);
    account::settle(message, &mut out);
    Ok(out.finish(origin(kind, context.name).or_else(|| siu::origin(message))))
}

/// The record a message is about, when it says so.
pub fn record(message: &Message<'_>, source: &Source) -> Option<PatientKey> {
    Some(PatientKey::derive(&head::facility(message, source), &patient_number(message)?))
}

/// Whether what is on record changes how the message is mapped: visits are told in parts, and documents are replaced.
pub fn needs_known(message: &Message<'_>) -> bool {
    message.first("MSH").is_some_and(|header| matches!(&*header.peek(9).component(1).text(), "ADT" | "MDM"))
}

/// Orders and results are stated whole, file by file; visits and lists have rules of their own.
fn origin(kind: Option<Kind>, name: Option<&FileName>) -> Option<String> {
    let of_an_order = matches!(kind?, Kind::Omp01 | Kind::Omp02 | Kind::Omp11 | Kind::Omp12 | Kind::Omd)
        || matches!(kind?, Kind::Oml01 | Kind::Oml11 | Kind::Omg01 | Kind::Omg02 | Kind::Omg03)
        || matches!(kind?, Kind::Omg11 | Kind::Omg12 | Kind::Omg13);
    let kind = kind.filter(|_| of_an_order)?;
    let name = name?;
    let (order, date) = (name.order.as_deref()?, name.date.as_deref().unwrap_or("-"));
    Some(format!("{} {date} {order}", kind.code()))
}
