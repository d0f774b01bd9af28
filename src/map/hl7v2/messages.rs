//! Which mapper a message meets: one table by MSH-9 and SS-MIX2 data kind.

use super::{Context, KIND_NOT_SUPPORTED, Output, adt, oul, ppr, rde};
use crate::decode::hl7v2::Message;
use crate::decode::ssmix2::Kind;
use crate::fault::{Issue, Place, rules};

rules! {
    pub(crate) OTHER_KIND "ssmix2-other-kind" Error Conflict
        "The file is named {}; such messages do not belong there."
        "ファイル名のデータ種別と内容のメッセージ型が一致しません({})。"
}

type Mapper = fn(&Message<'_>, Context<'_>, &mut Output);

/// A row of the table.
#[derive(Clone, Copy)]
pub(super) struct Handled {
    /// Type and event, `ADT^A01`.
    sent: &'static str,
    /// The data kind under which SS-MIX2 stores it; `None` for messages it does not know.
    pub(super) kind: Option<Kind>,
    /// Maps what is the message's own; patient, what stands around PID, Provenance and account are the caller's.
    pub(super) map: Mapper,
    /// Whether it is about several patients' records (a merge): then the mapper states the patients too.
    pub(super) is_of_several: bool,
}

const fn row(sent: &'static str, kind: Kind, map: Mapper) -> Handled {
    Handled { sent, kind: Some(kind), map, is_of_several: false }
}

const fn other(sent: &'static str, map: Mapper) -> Handled {
    Handled { sent, kind: None, map, is_of_several: false }
}

const fn several(sent: &'static str, map: Mapper) -> Handled {
    Handled { sent, kind: None, map, is_of_several: true }
}

/// Every message that is mapped. Without a file name the first row of a message holds, but for those of
/// [`by_content`].
const MESSAGES: &[Handled] = &[
    row("ADT^A08", Kind::Adt00, adt::master),
    row("ADT^A23", Kind::Adt00, adt::master),
    row("ADT^A28", Kind::Adt00, adt::master),
    row("ADT^A29", Kind::Adt00, adt::master),
    row("ADT^A31", Kind::Adt00, adt::master),
    row("ADT^A54", Kind::Adt01, adt::visit),
    row("ADT^A55", Kind::Adt01, adt::visit),
    // Seen in the field: 外来受付 as A01 with PV1-2 = O.
    row("ADT^A04", Kind::Adt12, adt::visit),
    row("ADT^A14", Kind::Adt21, adt::visit),
    row("ADT^A27", Kind::Adt21, adt::visit),
    row("ADT^A01", Kind::Adt22, adt::visit),
    row("ADT^A11", Kind::Adt22, adt::visit),
    row("ADT^A01", Kind::Adt12, adt::visit),
    row("ADT^A11", Kind::Adt12, adt::visit),
    row("ADT^A21", Kind::Adt31, adt::visit),
    row("ADT^A52", Kind::Adt31, adt::visit),
    row("ADT^A22", Kind::Adt32, adt::visit),
    row("ADT^A53", Kind::Adt32, adt::visit),
    row("ADT^A15", Kind::Adt41, adt::visit),
    row("ADT^A26", Kind::Adt41, adt::visit),
    row("ADT^A02", Kind::Adt42, adt::visit),
    row("ADT^A12", Kind::Adt42, adt::visit),
    row("ADT^A16", Kind::Adt51, adt::visit),
    row("ADT^A25", Kind::Adt51, adt::visit),
    row("ADT^A03", Kind::Adt52, adt::visit),
    row("ADT^A13", Kind::Adt52, adt::visit),
    row("ADT^A60", Kind::Adt61, adt::allergies),
    // What SS-MIX2 has no data kind for.
    other("ADT^A05", adt::visit),
    other("ADT^A06", adt::visit),
    other("ADT^A07", adt::visit),
    other("ADT^A09", adt::visit),
    other("ADT^A10", adt::visit),
    other("ADT^A32", adt::visit),
    other("ADT^A33", adt::visit),
    other("ADT^A38", adt::visit),
    other("ADT^A50", adt::visit),
    other("ADT^A51", adt::visit),
    other("ADT^A61", adt::visit),
    other("ADT^A62", adt::visit),
    several("ADT^A18", adt::merge),
    several("ADT^A24", adt::link),
    several("ADT^A30", adt::merge),
    several("ADT^A34", adt::merge),
    several("ADT^A35", adt::merge),
    several("ADT^A36", adt::merge),
    several("ADT^A39", adt::merge),
    several("ADT^A40", adt::merge),
    several("ADT^A41", adt::merge),
    several("ADT^A46", adt::merge),
    several("ADT^A47", adt::merge),
    several("ADT^A48", adt::merge),
    several("ADT^A49", adt::merge),
    row("PPR^ZD1", Kind::Ppr01, ppr::map),
    row("RDE^O11", Kind::Omp01, rde::map),
    row("OUL^R22", Kind::Oml11, oul::map),
];

/// The row for a message: by the file name when there is one, else by MSH-9 and what distinguishes messages of one name.
pub(super) fn handled(message: &Message<'_>, context: Context<'_>) -> Result<Handled, Issue> {
    let header = message.first("MSH").map(|header| header.peek(9));
    let part = |number| header.map(|h| h.component(number).text().trim().to_owned()).unwrap_or_default();
    let sent = format!("{}^{}", part(1), part(2));
    let is_code = sent.len() <= 12 && sent.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'^');
    // An issue may quote a message type, but not whatever else a sender put there.
    let sent = if is_code { sent } else { "?".to_owned() };
    let place = header.map_or(Place::Whole, |h| h.place());
    if let Some(name) = context.name {
        let mut of_kind = MESSAGES.iter().filter(|row| row.kind == Some(name.kind)).peekable();
        if of_kind.peek().is_none() {
            return Err(Issue::with(&KIND_NOT_SUPPORTED, Place::Whole, name.kind.code()));
        }
        let found = of_kind.find(|row| row.sent == sent).copied();
        return found.ok_or_else(|| Issue::with(&OTHER_KIND, place, format!("{} / {sent}", name.kind.code())));
    }
    let kind = by_content(&sent, message);
    let mut fitting = MESSAGES.iter().filter(|row| row.sent == sent);
    let found = fitting.find(|row| kind.is_none() || row.kind == kind).copied();
    found.ok_or_else(|| Issue::with(&KIND_NOT_SUPPORTED, place, kind.map_or(sent, |kind| kind.code().to_owned())))
}

/// The data kind of messages whose name alone does not say it.
fn by_content(sent: &str, message: &Message<'_>) -> Option<Kind> {
    let is_outpatient = || message.first("PV1").is_some_and(|pv1| pv1.peek(2).text() == "O");
    match sent {
        "ADT^A01" | "ADT^A11" if is_outpatient() => Some(Kind::Adt12),
        // Components of an infusion: 注射.
        "RDE^O11" if message.first("RXC").is_some() => Some(Kind::Omp02),
        _ => None,
    }
}
