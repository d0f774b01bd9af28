//! Which mapper a message meets: one table by MSH-9 and SS-MIX2 data kind.

use super::{Context, KIND_NOT_SUPPORTED, Output, adt, performed, ppr, rde, request, result};
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
}

const fn row(sent: &'static str, kind: Kind, map: Mapper) -> Handled {
    Handled { sent, kind: Some(kind), map }
}

const fn other(sent: &'static str, map: Mapper) -> Handled {
    Handled { sent, kind: None, map }
}

/// Every message that is mapped. Without a file name the first row of a message holds, but for those of
/// [`by_content`].
const MESSAGES: &[Handled] = &[
    row("ADT^A08", Kind::Adt00, adt::master),
    row("ADT^A23", Kind::Adt00, adt::master),
    row("ADT^A28", Kind::Adt00, adt::master),
    row("ADT^A31", Kind::Adt00, adt::master),
    // Seen in the field: 外来受付 as A01 with PV1-2 = O.
    row("ADT^A04", Kind::Adt12, adt::outpatient),
    row("ADT^A01", Kind::Adt22, adt::admission),
    row("ADT^A11", Kind::Adt22, adt::admission),
    row("ADT^A01", Kind::Adt12, adt::outpatient),
    row("ADT^A11", Kind::Adt12, adt::outpatient),
    row("ADT^A03", Kind::Adt52, adt::discharge),
    row("ADT^A13", Kind::Adt52, adt::discharge),
    row("ADT^A60", Kind::Adt61, adt::allergies),
    row("PPR^ZD1", Kind::Ppr01, ppr::map),
    row("RDE^O11", Kind::Omp01, rde::map),
    row("OML^O33", Kind::Oml01, request::of_laboratory),
    row("OUL^R22", Kind::Oml11, result::of_specimens),
    row("OMG^O19", Kind::Omg01, request::of_examination),
    row("OMG^O19", Kind::Omg02, request::of_examination),
    row("OMG^O19", Kind::Omg03, request::of_examination),
    row("OMI^Z23", Kind::Omg11, performed::map),
    row("OMI^Z23", Kind::Omg12, performed::map),
    other("ORU^R01", result::of_requests),
    row("ORU^R01", Kind::Omg13, result::of_requests),
    other("ORU^R03", result::of_requests),
    other("ORU^R30", result::of_requests),
    other("ORU^R31", result::of_requests),
    other("ORU^R32", result::of_requests),
    other("ORU^R40", result::of_requests),
    other("OUL^R21", result::of_specimens),
    other("OUL^R23", result::of_specimens),
    other("OUL^R24", result::of_specimens),
    other("OML^O21", request::of_laboratory),
    other("OML^O35", request::of_laboratory),
    other("ORM^O01", request::of_examination),
];

/// The row for a message: by the file name when there is one, else by MSH-9 and what distinguishes messages of one name.
pub(super) fn handled(message: &Message<'_>, context: Context<'_>) -> Result<Handled, Issue> {
    let header = message.first("MSH").map(|header| header.peek(9));
    let part = |number| header.map(|h| h.component(number).text().trim().to_owned()).unwrap_or_default();
    let sent = format!("{}^{}", part(1), event(&part(1), part(2), &part(3)));
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

/// The event; where a sender leaves it out, the one that names the structure (`ORU^^ORU_R01`).
fn event(kind: &str, event: String, structure: &str) -> String {
    match structure.strip_prefix(kind).and_then(|rest| rest.strip_prefix('_')) {
        Some(of_structure) if event.is_empty() => of_structure.to_owned(),
        _ => event,
    }
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
