//! What every message shares: which kind it is, whose record it is about, and the segments around PID.

use super::segment::{al1, in1, pid};
use super::{Context, EVERY_FIELD, KIND_NOT_SUPPORTED, Output, adt, patient_number};
use crate::decode::hl7v2::{Message, Value};
use crate::decode::ssmix2::Kind;
use crate::fault::{Issue, IssueType, Place, Rule, Severity};
use crate::fhir::time::Interval;
use crate::fhir::{FacilityCode, PatientKey, time};
use crate::map::hl7v2::datatype::ts;

/// No PID, or no number in PID-3.
pub static NO_PATIENT: Rule = Rule {
    id: "v2-no-patient",
    severity: Severity::Error,
    code: IssueType::Required,
    en: "The message names no patient (PID-3).",
    ja: "患者が特定できません(PID-3がありません)。",
};
/// Two patients in one message: what follows the second would land in the first one's record.
pub static SEVERAL_PATIENTS: Rule = Rule {
    id: "v2-several-patients",
    severity: Severity::Error,
    code: IssueType::Conflict,
    en: "The message is about more than one patient number (PID-3).",
    ja: "1つのメッセージに複数の患者番号(PID-3)があります。",
};
/// Neither configuration nor MSH-4 says whose numbers these are.
pub static NO_FACILITY: Rule = Rule {
    id: "v2-no-facility",
    severity: Severity::Error,
    code: IssueType::Required,
    en: "Neither the configuration of the source nor MSH-4 says which facility's numbers the message uses.",
    ja: "送信元の設定にもMSH-4にも施設がなく、患者番号の付番元がわかりません。",
};
/// A file in another patient's place: half of the wrong-patient accidents begin so.
pub static NAMED_FOR_ANOTHER: Rule = Rule {
    id: "ssmix2-other-patient",
    severity: Severity::Error,
    code: IssueType::Conflict,
    en: "The file is named for another patient than its PID-3 says.",
    ja: "ファイル名の患者IDとPID-3の患者IDが一致しません。",
};
/// A file name of one kind and a message of another.
pub static OTHER_KIND: Rule = Rule {
    id: "ssmix2-other-kind",
    severity: Severity::Error,
    code: IssueType::Conflict,
    en: "The file is named {}; such messages do not belong there.",
    ja: "ファイル名のデータ種別と内容のメッセージ型が一致しません({})。",
};
/// 診療日 of the name and the field it is taken from.
pub static OTHER_DAY: Rule = Rule {
    id: "ssmix2-other-day",
    severity: Severity::Warning,
    code: IssueType::Conflict,
    en: "The day in the file name is not the day of this field; the field was believed.",
    ja: "ファイル名の診療日とこの項目の日付が一致しません。項目の値を採用しました。",
};
/// A training or debugging message.
pub static NOT_PRODUCTION: Rule = Rule {
    id: "v2-not-production",
    severity: Severity::Warning,
    code: IssueType::BusinessRule,
    en: "MSH-11 does not say P (production).",
    ja: "MSH-11(処理ID)がP(本番)ではありません。",
};

/// The messages of each kind, as `type^event`; the first is the specification's own.
const MESSAGES: &[(Kind, &[&str])] = &[
    (Kind::Adt00, &["ADT^A08", "ADT^A23", "ADT^A28", "ADT^A31"]),
    // Seen in the field: 外来受付 as A01 with PV1-2 = O.
    (Kind::Adt12, &["ADT^A04", "ADT^A01", "ADT^A11"]),
    (Kind::Adt22, &["ADT^A01", "ADT^A11"]),
    (Kind::Adt52, &["ADT^A03", "ADT^A13"]),
    (Kind::Adt61, &["ADT^A60"]),
    (Kind::Ppr01, &["PPR^ZD1"]),
    (Kind::Omp01, &["RDE^O11"]),
    (Kind::Oml11, &["OUL^R22"]),
];

/// Which kind it is: by the file name when there is one, else by MSH-9 (and PV1-2, RXC).
pub(super) fn kind(message: &Message<'_>, context: Context<'_>) -> Result<Kind, Issue> {
    let header = message.first("MSH").map(|header| header.peek(9));
    let part = |number| header.map(|h| h.component(number).text().trim().to_owned()).unwrap_or_default();
    let sent = format!("{}^{}", part(1), part(2));
    let is_code = sent.len() <= 12 && sent.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'^');
    // An issue may quote a message type, but not whatever else a sender put there.
    let sent = if is_code { sent } else { "?".to_owned() };
    let place = header.map_or(Place::Whole, |h| h.place());
    if let Some(name) = context.name {
        return match MESSAGES.iter().find(|(kind, _)| *kind == name.kind) {
            None => Err(Issue::with(&KIND_NOT_SUPPORTED, Place::Whole, name.kind.code())),
            Some((_, messages)) if !messages.contains(&sent.as_str()) => {
                Err(Issue::with(&OTHER_KIND, place, format!("{} / {sent}", name.kind.code())))
            }
            Some((kind, _)) => Ok(*kind),
        };
    }
    let is_outpatient = message.first("PV1").is_some_and(|pv1| pv1.peek(2).text() == "O");
    match sent.as_str() {
        "ADT^A01" | "ADT^A11" if is_outpatient => Ok(Kind::Adt12),
        "ADT^A01" | "ADT^A11" => Ok(Kind::Adt22),
        // Components of an infusion: 注射, which is another kind.
        "RDE^O11" if message.first("RXC").is_some() => Err(Issue::with(&KIND_NOT_SUPPORTED, place, "OMP-02")),
        _ => MESSAGES
            .iter()
            .find(|(_, messages)| messages.contains(&sent.as_str()))
            .map(|(kind, _)| *kind)
            .ok_or_else(|| Issue::with(&KIND_NOT_SUPPORTED, place, sent)),
    }
}

/// Whose record it is, and when what it says was so.
pub(super) fn begin(message: &Message<'_>, context: Context<'_>) -> Result<Output, Issue> {
    let header = message.first("MSH");
    let sender = header.map(|header| header.field(4).component(1).text()).unwrap_or_default();
    let facility = if context.source.facility.is_unstated() {
        FacilityCode::parse(&sender)
    } else {
        context.source.facility.clone()
    };
    if facility.is_unstated() {
        return Err(Issue::new(&NO_FACILITY, Place::Whole));
    }
    let number = patient_number(message)
        .ok_or_else(|| Issue::new(&NO_PATIENT, message.first("PID").map_or(Place::Whole, |pid| pid.peek(3).place())))?;
    let differs = |place: &Value<'_>| place.component(1).text().trim() != number;
    if let Some(other) = message.all("PID").map(|pid| pid.peek(3)).find(differs) {
        return Err(Issue::new(&SEVERAL_PATIENTS, other.place()));
    }
    if let Some(name) = context.name
        && name.patient.trim() != number
    {
        let place = message.first("PID").map_or(Place::Whole, |pid| pid.peek(3).place());
        return Err(Issue::new(&NAMED_FOR_ANOTHER, place));
    }
    let zone_minutes = context.source.zone_minutes;
    let stamp = context.name.and_then(|name| stamp_millisecond(&name.stamp, zone_minutes));
    let sent = || header.and_then(|header| ts::milliseconds(header.field(7), zone_minutes));
    let key = PatientKey::derive(&facility, &number);
    let mut out = Output::new(key, facility, zone_minutes, stamp.or_else(sent));
    if let Some(mode) = header.map(|header| header.field(11)).filter(|mode| mode.is_valued() && mode.text() != "P") {
        out.doubt(&NOT_PRODUCTION, &mode);
    }
    Ok(out)
}

/// 発生日時 `YYYYMMDDHHMMSSfff`.
fn stamp_millisecond(stamp: &str, zone_minutes: i16) -> Option<i64> {
    let (second, fraction) = (stamp.get(..14)?, stamp.get(14..)?);
    let text = time::from_v2(&format!("{second}.{fraction}"), zone_minutes)?;
    Interval::parse(&text, zone_minutes).map(|interval| interval.start)
}

/// Compares 診療日 with the field the specification takes it from.
pub(super) fn check_day(message: &Message<'_>, kind: Kind, context: Context<'_>, out: &mut Output) {
    let Some(day) = context.name.and_then(|name| name.date.as_deref()) else { return };
    let (segment, field) = match kind {
        Kind::Adt12 | Kind::Adt22 => ("PV1", 44),
        Kind::Adt52 => ("PV1", 45),
        Kind::Omp01 => ("ORC", 9),
        Kind::Oml11 => ("SPM", 17),
        _ => return,
    };
    let stated = || message.all(segment).map(|s| s.peek(field)).filter(|value| value.raw().len() >= 8);
    if !stated().any(|value| value.raw().starts_with(day))
        && let Some(value) = stated().next()
    {
        out.doubt(&OTHER_DAY, &value);
    }
}

/// The Patient and what stands around PID: master data says it, other messages mention it.
pub(super) fn patient(message: &Message<'_>, kind: Kind, context: Context<'_>, out: &mut Output) {
    let Some(first) = message.first("PID") else { return };
    let is_gone = adt::is_deleted(context) || adt::event(message) == "A23";
    let active = (kind == Kind::Adt00).then_some(!is_gone);
    pid::map(message, first, active, out);
    for segment in message.segments() {
        match segment.name() {
            // Rule `content-of-the-deleted`.
            "AL1" | "IN1" if is_gone => segment.ignore(&EVERY_FIELD),
            "AL1" => al1::map(segment, out),
            "IN1" => in1::map(segment, out),
            _ => {}
        }
    }
}
