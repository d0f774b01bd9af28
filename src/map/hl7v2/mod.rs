//! HL7 v2 messages to changes: the dispatch by data kind or message type, and what every message shares.

pub mod account;
pub mod adt;
mod business_key;
pub mod coding_system;
pub mod datatype;
mod group;
pub mod head;
mod measurement;
mod messages;
mod number;
mod order_key;
mod performed;
pub mod ppr;
pub mod provenance;
pub mod rde;
mod request;
mod result;
mod result_links;
pub mod segment;
mod unit;
mod visit;

use std::sync::Arc;

use crate::codes::Book;
use crate::decode::hl7v2::Message;
use crate::decode::ssmix2::{FileName, Flag, Kind};
use crate::fault::{Issue, IssueType, Noted, Place, Rule, Severity};
use crate::fhir::PatientKey;
use crate::letter::{LetterId, Source};
use crate::map::{Known, Mapped, Output};

/// A kind of message that no mapper exists for.
pub static KIND_NOT_SUPPORTED: Rule = Rule {
    id: "v2-kind-not-supported",
    severity: Severity::Error,
    code: IssueType::NotSupported,
    en: "Messages of the kind {} are not mapped yet; the message is kept as it came.",
    ja: "{}のメッセージは変換の対象外です。原本のまま保管します。",
};
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

/// The number under which the sender knows the patient: PID-3.1 of the first PID.
pub fn patient_number(message: &Message<'_>) -> Option<String> {
    let number = message.first("PID")?.peek(3).component(1).text().trim().to_owned();
    (!number.is_empty()).then_some(number)
}

/// Maps a message. An error is a message of which nothing can be used (to be held with that reason).
pub fn map(message: &Message<'_>, context: Context<'_>) -> Result<Noted<Mapped>, Issue> {
    let messages::Handled { kind, map, .. } = messages::handled(message, context)?;
    let mut out = head::begin(message, context)?;
    if context.name.is_some_and(|name| name.flag == Flag::Superseded) {
        out.issue(&SUPERSEDED, Place::Whole);
        return Ok(out.finish(None));
    }
    out.is_master = kind == Some(Kind::Adt00);
    head::check_day(message, kind, context, &mut out);
    head::patient(message, kind, context, &mut out);
    map(message, context, &mut out);
    // OBX of an order or a list is its own.
    if !matches!(kind, Some(Kind::Oml11 | Kind::Ppr01)) {
        measurement::map(message, context, &mut out);
    }
    provenance::put(message, context.letter, &mut out);
    account::settle(message, &mut out);
    Ok(out.finish(origin(kind, context.name)))
}

/// The record a message is about, when it says so.
pub fn record(message: &Message<'_>, source: &Source) -> Option<PatientKey> {
    Some(PatientKey::derive(&head::facility(message, source), &patient_number(message)?))
}

/// Whether what is on record changes how the message is mapped: visits are told in parts.
pub fn needs_known(message: &Message<'_>) -> bool {
    message.first("MSH").is_some_and(|header| header.peek(9).component(1).text() == "ADT")
}

/// Orders and results are stated whole, file by file; visits and lists have rules of their own.
fn origin(kind: Option<Kind>, name: Option<&FileName>) -> Option<String> {
    let kind = kind.filter(|kind| {
        let of_examinations = matches!(kind, Kind::Oml01 | Kind::Omg01 | Kind::Omg02 | Kind::Omg03)
            || matches!(kind, Kind::Omg11 | Kind::Omg12 | Kind::Omg13);
        of_examinations || matches!(kind, Kind::Omp01 | Kind::Oml11)
    })?;
    let name = name?;
    let (order, date) = (name.order.as_deref()?, name.date.as_deref().unwrap_or("-"));
    Some(format!("{} {date} {order}", kind.code()))
}
