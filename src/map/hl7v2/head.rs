//! What every message shares: which kind it is, whose record it is about, and the segments around PID.

use super::segment::{al1, gt1, in1, pid};
use super::{Context, EVERY_FIELD, Output, adt};
use crate::decode::hl7v2::{Message, Segment, Value};
use crate::decode::ssmix2::Kind;
use crate::fault::{Issue, IssueType, Place, Rule, Severity};
use crate::fhir::time::Interval;
use crate::fhir::{FacilityCode, PatientKey, time};
use crate::letter::Source;
use crate::map::hl7v2::datatype::ts;

/// No PID, or no number in PID-3.
pub static NO_PATIENT: Rule = Rule {
    id: "v2-no-patient",
    severity: Severity::Error,
    code: IssueType::Required,
    en: "The message names no patient (PID-3).",
    ja: "患者が特定できません(PID-3がありません)。",
};
/// PID-3 is empty; another field numbers the patient.
pub static NUMBER_ELSEWHERE: Rule = Rule {
    id: "v2-patient-number-elsewhere",
    severity: Severity::Warning,
    code: IssueType::Required,
    en: "PID-3 is empty; the record is known by this number instead.",
    ja: "PID-3が空のため、この項目の番号で患者を特定しました。",
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

/// The configured facility, else the one that MSH-4 names.
pub(super) fn facility(message: &Message<'_>, source: &Source) -> FacilityCode {
    let sender = message.first("MSH").map(|header| header.field(4).component(1).text()).unwrap_or_default();
    if source.facility.is_unstated() { FacilityCode::parse(&sender) } else { source.facility.clone() }
}

/// The number by which a sender knows a patient.
#[derive(Debug)]
pub(super) struct PatientNumber<'m> {
    /// What the record is known by.
    pub(super) key: String,
    /// The field it stands in.
    pub(super) field: Value<'m>,
}

/// PID-3, else PID-2 or PID-4, where older versions of the standard had it, else the account number PID-18: a doubtful
/// record that says so is better than a patient who is not there.
pub(super) fn number_of(pid: Segment<'_>) -> Option<PatientNumber<'_>> {
    [3, 2, 4, 18].into_iter().find_map(|number| {
        let field = pid.peek(number);
        let texts = field.repetitions().map(|one| one.component(1).text().trim().to_owned());
        let text = texts.take(if number == 3 { 1 } else { 8 }).find(|text| !text.is_empty())?;
        // An account is not the patient; its number must not meet another patient's.
        Some(PatientNumber { key: if number == 18 { format!("account:{text}") } else { text }, field })
    })
}

/// Whose record it is, and when what it says was so. `is_of_several`: a merge names more than one patient.
pub(super) fn begin(message: &Message<'_>, context: Context<'_>, is_of_several: bool) -> Result<Output, Issue> {
    let header = message.first("MSH");
    let facility = facility(message, context.source);
    if facility.is_unstated() {
        return Err(Issue::new(&NO_FACILITY, Place::Whole));
    }
    let found = message.first("PID").and_then(number_of);
    let PatientNumber { key: number, field } = found
        .ok_or_else(|| Issue::new(&NO_PATIENT, message.first("PID").map_or(Place::Whole, |pid| pid.peek(3).place())))?;
    let differs = |pid: &Segment<'_>| number_of(*pid).is_none_or(|other| other.key != number);
    if let Some(other) = message.all("PID").find(differs).filter(|_| !is_of_several) {
        return Err(Issue::new(&SEVERAL_PATIENTS, other.peek(3).place()));
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
    let mut out = Output::new(key, facility, zone_minutes, stamp.or_else(sent)).with_book(context.book);
    if !matches!(field.place(), Place::Field { field: 3, .. }) {
        out.doubt(&NUMBER_ELSEWHERE, &field);
    }
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
pub(super) fn check_day(message: &Message<'_>, kind: Option<Kind>, context: Context<'_>, out: &mut Output) {
    let Some(day) = context.name.and_then(|name| name.date.as_deref()) else { return };
    let (segment, field) = match kind {
        Some(Kind::Adt12 | Kind::Adt22) => ("PV1", 44),
        Some(Kind::Adt52) => ("PV1", 45),
        Some(Kind::Adt21 | Kind::Adt41) => ("PV2", 8),
        Some(Kind::Adt51) => ("PV2", 9),
        Some(Kind::Adt31 | Kind::Adt42) => ("EVN", 6),
        Some(Kind::Omp01 | Kind::Omp02 | Kind::Omd) => ("ORC", 9),
        Some(Kind::Oml01 | Kind::Omg01 | Kind::Omg02 | Kind::Omg03) => ("ORC", 9),
        Some(Kind::Omp11 | Kind::Omp12) => ("RXA", 3),
        Some(Kind::Omg11 | Kind::Omg12 | Kind::Omg13) => ("OBR", 7),
        Some(Kind::Oml11) => ("SPM", 17),
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
pub(super) fn patient(message: &Message<'_>, kind: Option<Kind>, context: Context<'_>, out: &mut Output) {
    let Some(first) = message.first("PID") else { return };
    let is_gone = adt::is_gone(message, context);
    let is_replaced = adt::is_replaced(context);
    let active = (kind == Some(Kind::Adt00)).then_some(!is_gone && !is_replaced);
    let around: Vec<Segment<'_>> = message.segments().collect();
    let mut w = pid::members(&around, first, active, out);
    // That another record has taken the place of this one, or the other way round, is not unsaid by telling it anew.
    if let Some(links) = adt::links(context) {
        w.raw("link", &links.to_string());
    }
    out.state_patient(w);
    around_patient(message, is_gone, out);
    gt1::account(&around, first, out);
}

/// What stands around PID and is no part of Patient.
pub(super) fn around_patient(message: &Message<'_>, is_gone: bool, out: &mut Output) {
    for segment in message.segments() {
        match segment.name() {
            // Rule `content-of-the-deleted`.
            "AL1" | "IN1" | "IN2" | "GT1" if is_gone => segment.ignore(&EVERY_FIELD),
            "AL1" => al1::map(segment, out),
            "IN1" => in1::map(segment, out),
            _ => {}
        }
    }
}
