//! Which mapper a message meets: one table by MSH-9 and SS-MIX2 data kind.

use super::{Context, Output, adt, mdm, omd, performed, ppr, ras, rde, rds, refer, request, result, siu, vxu, whole};
use crate::decode::hl7v2::Message;
use crate::decode::ssmix2::Kind;
use crate::fault::{Issue, Place, rules};

rules! {
    pub(crate) OTHER_KIND "ssmix2-other-kind" Error Conflict
        "The file is named {}; such messages do not belong there."
        "ファイル名のデータ種別と内容のメッセージ型が一致しません({})。"
    pub(crate) NOT_OF_A_PATIENT "v2-not-of-a-patient" Error NotSupported
        "A message of the type {} says nothing of a patient that could be kept."
        "{}のメッセージには、患者の記録として保存する内容がありません。"
    pub(crate) CHANGES_RECORDS "v2-records-not-moved" Error NotSupported
        "A message of the type {} moves something between records or parts them; that is not applied."
        "{}のメッセージは患者記録間の移動や分離を指示していますが、この処理には対応していません。"
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
    /// Whether OBX is the mapper's own: part of an order, a list, a document. Elsewhere OBX beside PID is measured on
    /// the patient.
    pub(super) has_own_results: bool,
    /// Whether it is about several patients' records (a merge): then the mapper states the patients too.
    pub(super) is_of_several: bool,
}

impl Handled {
    const fn with_own_results(self) -> Self {
        Handled { has_own_results: true, ..self }
    }

    /// Whether no row is for the message.
    pub(super) fn is_kept_whole(&self) -> bool {
        self.sent.is_empty()
    }
}

const fn row(sent: &'static str, kind: Kind, map: Mapper) -> Handled {
    Handled { kind: Some(kind), ..other(sent, map) }
}

const fn other(sent: &'static str, map: Mapper) -> Handled {
    Handled { sent, kind: None, map, has_own_results: false, is_of_several: false }
}

const fn several(sent: &'static str, map: Mapper) -> Handled {
    Handled { has_own_results: true, is_of_several: true, ..other(sent, map) }
}

/// A general order (ORM^O01): examinations by OBR, drugs by RXO.
fn general_order(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    request::of_examination(message, context, out);
    rde::map_orders(message, context, out);
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
    row("PPR^ZD1", Kind::Ppr01, ppr::map).with_own_results(),
    row("OMD^O03", Kind::Omd, omd::map),
    other("PPR^PC1", ppr::standard).with_own_results(),
    other("PPR^PC2", ppr::standard).with_own_results(),
    other("PPR^PC3", ppr::standard).with_own_results(),
    other("REF^I12", refer::map).with_own_results(),
    other("REF^I13", refer::map).with_own_results(),
    other("REF^I14", refer::map).with_own_results(),
    other("REF^I15", refer::map).with_own_results(),
    other("RRI^I12", refer::map).with_own_results(),
    other("RRI^I13", refer::map).with_own_results(),
    other("RRI^I14", refer::map).with_own_results(),
    other("RRI^I15", refer::map).with_own_results(),
    other("SIU^S12", siu::map),
    other("SIU^S13", siu::map),
    other("SIU^S14", siu::map),
    other("SIU^S15", siu::map),
    other("SIU^S16", siu::map),
    other("SIU^S17", siu::map),
    other("SIU^S18", siu::map),
    other("SIU^S19", siu::map),
    other("SIU^S20", siu::map),
    other("SIU^S21", siu::map),
    other("SIU^S22", siu::map),
    other("SIU^S26", siu::map),
    other("MDM^T01", mdm::map).with_own_results(),
    other("MDM^T02", mdm::map).with_own_results(),
    other("MDM^T03", mdm::map).with_own_results(),
    other("MDM^T04", mdm::map).with_own_results(),
    other("MDM^T05", mdm::map).with_own_results(),
    other("MDM^T06", mdm::map).with_own_results(),
    other("MDM^T07", mdm::map).with_own_results(),
    other("MDM^T08", mdm::map).with_own_results(),
    other("MDM^T09", mdm::map).with_own_results(),
    other("MDM^T10", mdm::map).with_own_results(),
    other("MDM^T11", mdm::map).with_own_results(),
    row("RDE^O11", Kind::Omp01, rde::map),
    row("RDE^O11", Kind::Omp02, rde::map),
    row("RAS^O17", Kind::Omp11, ras::map),
    row("RAS^O17", Kind::Omp12, ras::map),
    other("RDE^O01", rde::map),
    other("RDE^O25", rde::map),
    other("OMP^O09", rde::map),
    other("RGV^O15", rde::map),
    other("RDS^O13", rds::map),
    other("VXU^V04", vxu::map),
    row("OML^O33", Kind::Oml01, request::of_laboratory).with_own_results(),
    row("OUL^R22", Kind::Oml11, result::of_specimens).with_own_results(),
    row("OMG^O19", Kind::Omg01, request::of_examination).with_own_results(),
    row("OMG^O19", Kind::Omg02, request::of_examination).with_own_results(),
    row("OMG^O19", Kind::Omg03, request::of_examination).with_own_results(),
    row("OMI^Z23", Kind::Omg11, performed::map).with_own_results(),
    row("OMI^Z23", Kind::Omg12, performed::map).with_own_results(),
    other("ORU^R01", result::of_requests).with_own_results(),
    row("ORU^R01", Kind::Omg13, result::of_requests).with_own_results(),
    other("ORU^R03", result::of_requests).with_own_results(),
    other("ORU^R30", result::of_requests).with_own_results(),
    other("ORU^R31", result::of_requests).with_own_results(),
    other("ORU^R32", result::of_requests).with_own_results(),
    other("ORU^R40", result::of_requests).with_own_results(),
    other("OUL^R21", result::of_specimens).with_own_results(),
    other("OUL^R23", result::of_specimens).with_own_results(),
    other("OUL^R24", result::of_specimens).with_own_results(),
    other("OML^O21", request::of_laboratory).with_own_results(),
    other("OML^O35", request::of_laboratory).with_own_results(),
    other("ORM^O01", general_order).with_own_results(),
];

/// The row for a message: by the file name when there is one, else by MSH-9 and what distinguishes messages of one name.
/// A message about a patient that no row is for is kept whole ([`whole`]).
pub(super) fn handled(message: &Message<'_>, context: Context<'_>) -> Result<Handled, Issue> {
    let header = message.first("MSH").map(|header| header.peek(9));
    let sent = sent(message);
    let place = header.map_or(Place::Whole, |h| h.place());
    let kept_whole = |kind| Handled { kind, ..other("", whole::map).with_own_results() };
    if let Some(name) = context.name {
        let found = MESSAGES.iter().find(|row| row.kind == Some(name.kind) && row.sent == sent).copied();
        let found = found.or_else(|| whole::is_of_kind(name.kind, &sent).then(|| kept_whole(Some(name.kind))));
        return found.ok_or_else(|| Issue::with(&OTHER_KIND, place, format!("{} / {sent}", name.kind.code())));
    }
    let kind = by_content(&sent, message);
    let mut fitting = MESSAGES.iter().filter(|row| row.sent == sent);
    if let Some(found) = fitting.find(|row| kind.is_none() || row.kind == kind) {
        return Ok(*found);
    }
    if whole::is_of_nobody(&sent) {
        return Err(Issue::with(&NOT_OF_A_PATIENT, place, sent));
    }
    // A document would look as if it had been applied.
    if message.first("MRG").is_some() || matches!(sent.as_str(), "ADT^A17" | "ADT^A37") {
        return Err(Issue::with(&CHANGES_RECORDS, place, sent));
    }
    Ok(kept_whole(kind))
}

/// MSH-9 as `type^event`. An issue may quote a message type, but not whatever else a sender put there.
pub(super) fn sent(message: &Message<'_>) -> String {
    let header = message.first("MSH").map(|header| header.peek(9));
    let part = |number| header.map(|h| h.component(number).text().trim().to_owned()).unwrap_or_default();
    let sent = format!("{}^{}", part(1), event(&part(1), part(2), &part(3)));
    let is_code = sent.len() <= 12 && sent.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'^');
    if is_code { sent } else { "?".to_owned() }
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
        _ => None,
    }
}
