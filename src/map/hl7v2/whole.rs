//! Messages about a patient that have no FHIR home, or whose mapper does not exist: each is kept whole as a document
//! (DocumentReference and Binary), so that it is seen where the patient's other documents are.

use super::adt::is_deleted;
use super::datatype::{cwe, xcn};
use super::{Context, EVERY_FIELD, Output, messages};
use crate::decode::hl7v2::Message;
use crate::decode::ssmix2::{Flag, Kind};
use crate::fault::{Place, rules};
use crate::fhir::{ResourceType, time};
use crate::map::Coding;
use crate::map::document::{self, Confidentiality, DOCUMENT_BYTES_MAX, Description, TOO_LARGE};

rules! {
    pub(crate) KEPT_WHOLE "v2-kept-whole" Information Informational
        "Messages of the kind {} are not taken apart; the message was kept whole, as a document of the patient."
        "{}のメッセージは項目ごとの変換の対象外です。メッセージ全体を患者の文書として保存しました。"
}

/// What FHIR calls the encoding (v2-to-FHIR). The data are UTF-8; the letter keeps the bytes as they came.
const ER7: &str = "x-application/hl7-v2+er7";
/// データ種別 as codes; nobody published a URI.
const DATA_KIND: &str = "https://tasuki.example/fhir/CodeSystem/ss-mix2-data-kind";
const MESSAGE_TYPE: &str = "http://terminology.hl7.org/CodeSystem/v2-0076";
const EVENT: &str = "http://terminology.hl7.org/CodeSystem/v2-0003";

/// Which messages each data kind holds (SS-MIX2 仕様書 table 1-1).
const PAIRS: [(Kind, &[&str]); 26] = [
    (Kind::Adt00, &["ADT^A08", "ADT^A23"]),
    (Kind::Adt01, &["ADT^A54", "ADT^A55"]),
    (Kind::Adt12, &["ADT^A04"]),
    (Kind::Adt21, &["ADT^A14", "ADT^A27"]),
    (Kind::Adt22, &["ADT^A01", "ADT^A11"]),
    (Kind::Adt31, &["ADT^A21", "ADT^A52"]),
    (Kind::Adt32, &["ADT^A22", "ADT^A53"]),
    (Kind::Adt41, &["ADT^A15", "ADT^A26"]),
    (Kind::Adt42, &["ADT^A02", "ADT^A12"]),
    (Kind::Adt51, &["ADT^A16", "ADT^A25"]),
    (Kind::Adt52, &["ADT^A03", "ADT^A13"]),
    (Kind::Adt61, &["ADT^A60"]),
    (Kind::Ppr01, &["PPR^ZD1"]),
    (Kind::Omd, &["OMD^O03"]),
    (Kind::Omp01, &["RDE^O11"]),
    (Kind::Omp11, &["RAS^O17"]),
    (Kind::Omp02, &["RDE^O11"]),
    (Kind::Omp12, &["RAS^O17"]),
    (Kind::Oml01, &["OML^O33"]),
    (Kind::Oml11, &["OUL^R22"]),
    (Kind::Omg01, &["OMG^O19"]),
    (Kind::Omg02, &["OMG^O19"]),
    (Kind::Omg03, &["OMG^O19"]),
    (Kind::Omg11, &["OMI^Z23"]),
    (Kind::Omg12, &["OMI^Z23"]),
    (Kind::Omg13, &["ORU^R01"]),
];

/// Message types that say nothing of a patient which would be kept: acknowledgements, queries and their answers (an
/// answer repeats what another system has on record), master files, staff, equipment, network management.
#[rustfmt::skip]
const OF_NOBODY: [&str; 36] = [
    "ACK", "MCF", "QBP", "QRY", "QSB", "QSX", "QCK", "QCN", "QVR", "RSP", "RTB", "RDY", "RQC", "RQI", "RQP", "RQQ",
    "RCI", "RCL", "ADR", "ORF", "OSQ", "OSR", "TBR", "EQQ", "SPQ", "SQR", "SQM", "MFN", "MFK", "MFQ", "MFR", "MFD",
    "PMU", "NMD", "NMQ", "NMR",
];
/// Further ones, of equipment (HL7 v2.5 chapter 13).
const OF_EQUIPMENT: [&str; 8] = ["EAC", "EAN", "EAR", "ESR", "ESU", "INR", "INU", "LSR"];

/// Whether a data kind holds such a message.
pub(super) fn is_of_kind(kind: Kind, sent: &str) -> bool {
    PAIRS.iter().any(|(of, messages)| *of == kind && messages.contains(&sent))
}

/// Whether a message of that type is about nobody's record.
pub(super) fn is_of_nobody(sent: &str) -> bool {
    let kind = sent.split('^').next().unwrap_or_default();
    OF_NOBODY.contains(&kind) || OF_EQUIPMENT.contains(&kind)
}

/// Keeps the message. What stands around PID is mapped by the caller as in every message.
pub(super) fn map(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    let sent = messages::sent(message);
    let kind = context.name.map(|name| name.kind);
    let code = match kind {
        Some(kind) => kind.code(),
        None => &sent,
    };
    let id = out.id(ResourceType::DOCUMENT_REFERENCE, &key(message, context, code));
    let author = message.all("ORC").find_map(|orc| xcn::practitioner(orc.field(12), out));
    // Rule `kept-whole`: the document holds every field.
    message.segments().for_each(|segment| segment.ignore(&EVERY_FIELD));
    if is_deleted(context) {
        let binary = out.id(ResourceType::BINARY, &format!("{}/message", id.as_str()));
        out.delete(ResourceType::BINARY, binary);
        return out.delete(ResourceType::DOCUMENT_REFERENCE, id);
    }
    let place = message.first("MSH").map_or(Place::Whole, |header| header.place(9));
    let confidentiality = confidentiality(message);
    let bytes = message.text().as_bytes();
    if bytes.len() > DOCUMENT_BYTES_MAX {
        out.issue_with(&TOO_LARGE, Place::Whole, format!("{} MiB", DOCUMENT_BYTES_MAX >> 20));
    }
    out.issue_with(&KEPT_WHOLE, place, code);
    let mut content = document::keep(out, &id, "message", ER7, bytes, confidentiality);
    let words = kind.map_or_else(|| sent.clone(), |kind| format!("{}({})", kind.japanese(), kind.code()));
    content.title.clone_from(&words);
    let date = out.occurred.map(|at| time::instant(at, out.zone_minutes)).unwrap_or_default();
    content.creation.clone_from(&date);
    let day = context.name.and_then(|name| time::date_from_v2(name.date.as_deref()?)).unwrap_or_default();
    let is_superseded = context.name.is_some_and(|name| name.flag == Flag::Superseded);
    let identifier = key(message, context, code);
    let says = Description {
        status: if is_superseded { "superseded" } else { "current" },
        kind: &codings(kind, &sent),
        kind_text: &words,
        date: &date,
        authors: author.as_slice(),
        period_start: &day,
        description: "",
        confidentiality,
    };
    document::describe(out, id, &identifier, &says, &[content]);
}

/// What the sender tells its messages apart by: in SS-MIX2 kind, 診療日, オーダNo (where there is none 発生日時) and
/// department; elsewhere the message control id (MSH-10), at worst the letter itself.
fn key(message: &Message<'_>, context: Context<'_>, code: &str) -> String {
    if let Some(name) = context.name {
        let (date, department) = (name.date.as_deref().unwrap_or("-"), name.department.as_deref().unwrap_or("-"));
        return format!("{code}:{date}:{}:{department}", name.order.as_deref().unwrap_or(&name.stamp));
    }
    let control = message.first("MSH").map(|header| header.peek(10).text().trim().to_owned()).unwrap_or_default();
    if control.is_empty() { format!("{code}:{}", context.letter.hex()) } else { format!("{code}:{control}") }
}

fn codings(kind: Option<Kind>, sent: &str) -> Vec<Coding<'static>> {
    let coding = |system: &'static str, code: &str, display: &'static str| Coding {
        system: system.into(),
        code: code.to_owned().into(),
        display: display.into(),
        ..Coding::default()
    };
    let of_message =
        sent.split_once('^').map(|(kind, event)| [coding(MESSAGE_TYPE, kind, ""), coding(EVENT, event, "")]);
    let of_kind = kind.map(|kind| coding(DATA_KIND, kind.code(), kind.japanese()));
    let all = of_kind.into_iter().chain(of_message.into_iter().flatten());
    all.filter(|coding| !coding.code.is_empty() && coding.code != "?").collect()
}

/// Somewhere in the message a confidentiality code other than "usual" restricts all of it, because it is kept in one piece.
fn confidentiality(message: &Message<'_>) -> Confidentiality {
    let fields = [("ORC", 28), ("PRB", 25), ("TXA", 18), ("ARV", 3), ("PV2", 22)];
    let codes = || {
        let of = |(name, field): (&'static str, u16)| message.all(name).map(move |s| cwe::code(s.peek(field)));
        fields.into_iter().flat_map(of).filter(|code| !matches!(code.as_str(), "" | "U" | "N"))
    };
    match codes().any(|code| code == "V") {
        true => Confidentiality("V"),
        false if codes().next().is_some() => Confidentiality("R"),
        false => Confidentiality::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_data_kind_has_its_messages() {
        assert_eq!(PAIRS.iter().map(|(_, messages)| messages.len()).sum::<usize>(), 36);
        for kind in PAIRS.iter().map(|(kind, _)| kind) {
            assert_eq!(PAIRS.iter().filter(|(other, _)| other == kind).count(), 1);
            assert!(Kind::parse(kind.code()).is_some());
        }
        assert!(is_of_kind(Kind::Adt41, "ADT^A15") && !is_of_kind(Kind::Adt41, "ADT^A02"));
    }

    #[test]
    fn queries_and_acknowledgements_are_of_nobody() {
        assert!(["ACK^A01", "QBP^Q11", "RSP^K22", "MFN^M04", "ACK^"].iter().all(|sent| is_of_nobody(sent)));
        assert!(!["BAR^P01", "DFT^P03", "ORL^O22", "ZDT^Z01", "?"].iter().any(|sent| is_of_nobody(sent)));
    }

    #[test]
    fn one_restricted_part_restricts_the_whole() {
        let of = |text: &str| confidentiality(&Message::parse(text).unwrap().value).0;
        assert_eq!(of("MSH|^~\\&|H\rORC|NW\rPRB|AD"), "");
        assert_eq!(of(&format!("MSH|^~\\&|H\rORC{}U\rORC{0}PSY", "|".repeat(28))), "R");
        assert_eq!(of(&format!("MSH|^~\\&|H\rORC{}V", "|".repeat(28))), "V");
    }
}
