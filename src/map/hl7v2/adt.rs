//! ADT messages (HL7 v2.5 chapter 3; SS-MIX2 ADT-12, ADT-22, ADT-52, ADT-61) to visits and allergies.

use super::datatype::ts;
use super::segment::{iam, pv1};
use super::{Context, EVERY_FIELD, Output};
use crate::decode::hl7v2::{Message, Segment, Value};
use crate::decode::ssmix2::Flag;
use crate::fault::{IssueType, Place, Rule, Severity};
use crate::fhir::{ResourceId, ResourceType, Writer, time};
use crate::map::List;
use pv1::Visit;

/// An ADT about a visit without PV1.
pub static NO_VISIT: Rule = Rule {
    id: "v2-no-visit",
    severity: Severity::Error,
    code: IssueType::Required,
    en: "The message is about a visit and has no PV1 segment; only the patient was taken over.",
    ja: "受診・入退院のメッセージですがPV1がありません。患者情報のみ取り込みました。",
};
/// The visit's time stands in no field.
pub static VISIT_TIME_MISSING: Rule = Rule {
    id: "v2-visit-time-missing",
    severity: Severity::Warning,
    code: IssueType::Required,
    en: "The time of the visit is not stated in {}; the time of the event or of the message was taken.",
    ja: "受診・入退院の日時が{}にないため、イベントまたはメッセージの日時を用いました。",
};
/// A discharge of somebody of whom no admission is known.
pub static NO_KNOWN_STAY: Rule = Rule {
    id: "v2-no-known-stay",
    severity: Severity::Warning,
    code: IssueType::NotFound,
    en: "No stay is on record that this event could belong to; a visit of its own was made.",
    ja: "該当する入院が登録されていないため、独立した受診として作成しました。",
};

/// Master data (A08, A28, A31) and its deletion (A23): what stands around PID is all there is.
pub(super) fn master(_: &Message<'_>, _: Context<'_>, _: &mut Output) {}

/// 外来受付 (A04; some senders A01 with PV1-2 = O): one visit, by day, department and order number.
pub(super) fn outpatient(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    let Some(pv1) = visit_segment(message, out) else { return };
    let start = start_of_visit(message, pv1, context, out);
    let name = context.name;
    let day = name.and_then(|n| n.date.clone()).unwrap_or_else(|| start.chars().take(10).collect());
    let department = name.and_then(|n| n.department.clone()).unwrap_or_else(|| pv1.peek(10).text().trim().to_owned());
    let number = name.and_then(|n| n.order.clone()).unwrap_or_else(|| pv1.peek(19).text().trim().to_owned());
    let key = format!("AMB:{}:{department}:{number}", day.replace('-', ""));
    let id = out.id(ResourceType::ENCOUNTER, &key);
    if is_deleted(context) {
        return delete(pv1, id, out);
    }
    let status = if event(message) == "A11" { "cancelled" } else { "finished" };
    let number = name.and_then(|n| n.order.as_deref()).unwrap_or("");
    let mut w = Writer::new();
    let visit = Visit { status, usual_class: "AMB", start: &start, end: "", number };
    pv1::encounter(&mut w, message, pv1, visit, out);
    out.put(ResourceType::ENCOUNTER, id, w);
}

/// 入院実施 (A01) and its cancellation (A11): one stay, by the admission time.
pub(super) fn admission(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    let Some(pv1) = visit_segment(message, out) else { return };
    let is_cancelled = event(message) == "A11";
    let stated = admission_id(pv1, out);
    // A cancellation need not repeat the admission time.
    let known_stay = || out.occurred.and_then(|at| context.known.stay_at(at)).map(|stay| stay.id.clone());
    let known_id = if is_cancelled && stated.is_none() { known_stay() } else { None };
    let start = if known_id.is_some() { String::new() } else { start_of_visit(message, pv1, context, out) };
    let id = known_id.or(stated).unwrap_or_else(|| out.id(ResourceType::ENCOUNTER, &format!("IMP:{}", digits(&start))));
    if is_deleted(context) {
        return delete(pv1, id, out);
    }
    let known = context.known.encounters.iter().find(|e| e.id == id);
    let has_ended = known.is_some_and(|e| e.ended && !e.void);
    let status = match (is_cancelled, has_ended) {
        (true, _) => "cancelled",
        // The notice came after the discharge: it must not re-open the stay.
        (false, true) => "",
        (false, false) => "in-progress",
    };
    let mut w = Writer::new();
    let visit = Visit { status, usual_class: "IMP", start: &start, end: "", number: order_number(context) };
    pv1::encounter(&mut w, message, pv1, visit, out);
    if is_cancelled || known.is_some() {
        out.merge(ResourceType::ENCOUNTER, id, w, Vec::new());
    } else {
        out.put(ResourceType::ENCOUNTER, id, w);
    }
}

/// 退院実施 (A03) and its cancellation (A13; a deleted file means the same).
pub(super) fn discharge(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    let Some(pv1) = visit_segment(message, out) else { return };
    let is_cancelled = event(message) == "A13" || is_deleted(context);
    let end = if is_cancelled && !pv1.peek(45).is_valued() {
        instead(message, context, out)
    } else {
        end_of_stay(message, pv1, context, out)
    };
    let by_then = end_millisecond(message, pv1, context, out);
    let id = stay_id(pv1, by_then, &end, context, out);
    let start = if pv1.peek(44).is_valued() { ts::date_time(pv1.field(44), out) } else { None };
    let start = start.unwrap_or_default();
    let (status, end, drop) = if is_cancelled {
        ("in-progress", "", vec!["period.end", "hospitalization.dischargeDisposition"])
    } else {
        ("finished", end.as_str(), Vec::new())
    };
    if is_cancelled {
        pv1.ignore(CANCELLED_DISCHARGE);
    }
    let mut w = Writer::new();
    // The order number of a discharge file numbers the discharge, not the stay.
    let visit = Visit { status, usual_class: "IMP", start: &start, end, number: "" };
    pv1::encounter(&mut w, message, pv1, visit, out);
    out.merge(ResourceType::ENCOUNTER, id, w, drop);
}

/// アレルギー (A60): under an SS-MIX2 name always the whole list.
pub(super) fn allergies(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    for segment in message.all("IAM") {
        iam::map(segment, is_deleted(context), out);
    }
    if context.name.is_some() && !is_deleted(context) {
        out.whole_list(List::Allergies);
    }
}

/// Rule `cancelled-discharge`: the time and kind of a discharge that did not happen.
const CANCELLED_DISCHARGE: &[u16] = &[36, 37, 45];

pub(super) fn is_deleted(context: Context<'_>) -> bool {
    context.name.is_some_and(|name| name.flag == Flag::Deleted)
}

/// The trigger event, MSH-9.2.
pub(super) fn event(message: &Message<'_>) -> String {
    message.first("MSH").map(|header| header.peek(9).component(2).text().trim().to_owned()).unwrap_or_default()
}

fn visit_segment<'m>(message: &'m Message<'_>, out: &mut Output) -> Option<Segment<'m>> {
    let pv1 = message.first("PV1");
    if pv1.is_none() {
        out.issue(&NO_VISIT, Place::Whole);
    }
    pv1
}

fn delete(pv1: Segment<'_>, id: ResourceId, out: &mut Output) {
    pv1.ignore(&EVERY_FIELD);
    out.delete(ResourceType::ENCOUNTER, id);
}

fn order_number<'a>(context: Context<'a>) -> &'a str {
    context.name.and_then(|name| name.order.as_deref()).unwrap_or("")
}

/// PV1-44; else EVN-6, 診療日, the time of the message, with an issue.
fn start_of_visit(message: &Message<'_>, pv1: Segment<'_>, context: Context<'_>, out: &mut Output) -> String {
    if let Some(start) = ts::date_time(pv1.field(44), out) {
        return start;
    }
    out.issue_with(&VISIT_TIME_MISSING, pv1.place(44), "PV1-44");
    instead(message, context, out)
}

fn end_of_stay(message: &Message<'_>, pv1: Segment<'_>, context: Context<'_>, out: &mut Output) -> String {
    if let Some(end) = ts::date_time(pv1.field(45), out) {
        return end;
    }
    out.issue_with(&VISIT_TIME_MISSING, pv1.place(45), "PV1-45");
    instead(message, context, out)
}

fn instead(message: &Message<'_>, context: Context<'_>, out: &mut Output) -> String {
    let event = message.first("EVN").and_then(|evn| time::from_v2(&evn.peek(6).text(), out.zone_minutes));
    let day = || context.name.and_then(|name| time::date_from_v2(name.date.as_deref()?));
    let sent = || out.occurred.map(|at| time::instant(at, out.zone_minutes));
    event.or_else(day).or_else(sent).unwrap_or_default()
}

fn end_millisecond(message: &Message<'_>, pv1: Segment<'_>, context: Context<'_>, out: &Output) -> Option<i64> {
    let last = |value: Value<'_>| ts::last_millisecond(value, out.zone_minutes);
    let day = || {
        let text = time::date_from_v2(context.name?.date.as_deref()?)?;
        time::Interval::parse(&text, out.zone_minutes).map(|interval| interval.end - 1)
    };
    let event = || message.first("EVN").and_then(|evn| last(evn.peek(6)));
    last(pv1.peek(45)).or_else(event).or_else(day).or(out.occurred)
}

/// The id a stay has by its admission time.
fn admission_id(pv1: Segment<'_>, out: &Output) -> Option<ResourceId> {
    let start = time::from_v2(&pv1.peek(44).text(), out.zone_minutes)?;
    Some(out.id(ResourceType::ENCOUNTER, &format!("IMP:{}", digits(&start))))
}

/// The stay that a discharge ends: by PV1-44, else the stay on record that had begun by then (real files lack PV1-44),
/// else one of its own.
fn stay_id(pv1: Segment<'_>, by_then: Option<i64>, end: &str, context: Context<'_>, out: &mut Output) -> ResourceId {
    let stated = admission_id(pv1, out);
    if let Some(id) = &stated
        && context.known.encounters.iter().any(|e| e.id == *id)
    {
        return id.clone();
    }
    let known = by_then.and_then(|at| context.known.stay_at(at)).filter(|stay| {
        // PV1-44 may state the known stay less exactly, but not another one.
        let first = ts::milliseconds(pv1.peek(44), out.zone_minutes);
        let last = ts::last_millisecond(pv1.peek(44), out.zone_minutes);
        stated.is_none() || first.zip(last).is_some_and(|(first, last)| (first..=last).contains(&stay.start))
    });
    if let Some(stay) = known {
        return stay.id.clone();
    }
    stated.unwrap_or_else(|| {
        out.issue(&NO_KNOWN_STAY, pv1.place(44));
        out.id(ResourceType::ENCOUNTER, &format!("IMP-END:{}", digits(end)))
    })
}

/// The digits of a time: the same for `20211001`, `2021-10-01`.
fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
