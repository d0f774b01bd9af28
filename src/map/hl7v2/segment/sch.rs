//! SCH scheduling activity information (HL7 v2.5 section 10.6.6) with its TQ1 to the head of an Appointment.

use crate::decode::hl7v2::{Segment, Value};
use crate::fault::rules;
use crate::fhir::time::{self, Interval};
use crate::fhir::{ResourceType, Writer, system};
use crate::map::Output;
use crate::map::hl7v2::datatype::{cwe, pl, ts, xcn, xtn};
use crate::map::hl7v2::segment::{orc, txa};

rules! {
    pub(crate) STATUS_UNKNOWN "v2-appointment-status" Warning CodeInvalid
        "The status is not in HL7 table 0278; it was taken from the event of the message."
        "予約状態のコードがHL7表0278にないため、メッセージのイベントから判断しました。"
    pub(crate) TIME_MISSING "v2-appointment-time" Warning Required
        "When the appointment {} is not stated to the minute."
        "予約の{}時刻が分単位で示されていません。"
    pub(crate) DURATION_UNIT "v2-appointment-duration" Warning Value
        "The duration is not a number of minutes, hours or seconds; it was left out."
        "予約の所要時間の単位が分・時間・秒のいずれでもないため、省きました。"
}

const REASON_CODES: &str = "http://terminology.hl7.org/CodeSystem/v2-0276";
/// HL7 table 0276, which FHIR binds to Appointment.appointmentType.
const APPOINTMENT_TYPES: [&str; 5] = ["ROUTINE", "WALKIN", "CHECKUP", "FOLLOWUP", "EMERGENCY"];

/// From when to when, as FHIR instants; the day alone where nothing more is stated.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    /// Empty when not known.
    pub(crate) start: String,
    /// Empty when not known.
    pub(crate) end: String,
    /// A day on which it is to be, when no time is stated.
    pub(crate) day: String,
    /// SCH-9 in minutes.
    pub(crate) minutes: Option<u32>,
}

/// The number an appointment is told by: the filler's (SCH-2), else the placer's (SCH-1).
pub(crate) fn number(sch: Segment<'_>) -> Option<String> {
    [2, 1].into_iter().map(|field| orc::number(sch.peek(field))).find(|number| !number.is_empty())
}

/// HL7 table 0278 to appointmentstatus (v2-to-FHIR table map; what it leaves open: Dc is cancelled, Overbook is booked
/// all the same). `None` for a code that has no counterpart (Blocked is no appointment).
pub(crate) fn filler_status(code: &str) -> Option<&'static str> {
    Some(match code.to_ascii_lowercase().as_str() {
        "pending" => "pending",
        "waitlist" => "waitlist",
        "booked" | "overbook" => "booked",
        "started" => "checked-in",
        "complete" => "fulfilled",
        "cancelled" | "canceled" | "dc" | "discontinued" => "cancelled",
        "deleted" => "entered-in-error",
        "noshow" => "noshow",
        _ => return None,
    })
}

/// What the event says outright: cancelled, discontinued, deleted, not come; otherwise SCH-25, at last "booked".
pub(crate) fn status(event: &str, sch: Segment<'_>, out: &mut Output) -> &'static str {
    let value = sch.field(25);
    let code = cwe::code(value);
    let stated = filler_status(&code);
    if stated.is_none() && !code.is_empty() {
        out.doubt(&STATUS_UNKNOWN, &value);
    }
    match event {
        "S15" | "S16" => "cancelled",
        "S17" => "entered-in-error",
        "S26" => "noshow",
        _ => stated.unwrap_or("booked"),
    }
}

/// TQ1-7 and TQ1-8, in older versions SCH-11.4 and SCH-11.5; a missing end follows from the duration.
pub(crate) fn slot(sch: Segment<'_>, timing: Option<Segment<'_>>, out: &mut Output) -> Slot {
    let old = sch.field(11);
    let from = timing.map(|t| t.field(7)).filter(Value::is_valued).unwrap_or_else(|| old.component(4));
    let to = timing.map(|t| t.field(8)).filter(Value::is_valued).unwrap_or_else(|| old.component(5));
    let (start, end) = (txa::instant(from, out), txa::instant(to, out));
    let day = if start.is_some() { None } else { ts::date(from, out) };
    let minutes = minutes(sch.field(9), sch.field(10), out);
    let start = start.unwrap_or_default();
    let end = end.or_else(|| after(&start, minutes?, out)).unwrap_or_default();
    Slot { start, end, day: day.unwrap_or_default(), minutes }
}

/// The instant so many minutes after another.
pub(crate) fn after(start: &str, minutes: u32, out: &Output) -> Option<String> {
    let from = Interval::parse(start, out.zone_minutes).filter(|_| start.contains('T'))?.start;
    Some(time::instant(from + i64::from(minutes) * 60_000, out.zone_minutes))
}

/// A duration and its unit (MIN, HR, S and how senders spell them) in whole minutes.
pub(crate) fn minutes(number: Value<'_>, unit: Value<'_>, out: &mut Output) -> Option<u32> {
    let text = number.text().trim().to_owned();
    if text.is_empty() {
        return None;
    }
    let seconds = match cwe::code(unit).to_ascii_lowercase().as_str() {
        "" | "m" | "min" | "mins" | "minute" | "minutes" | "分" => Some(60.0),
        "h" | "hr" | "hrs" | "hour" | "hours" | "時間" => Some(3600.0),
        "s" | "sec" | "second" | "seconds" | "秒" => Some(1.0),
        _ => None,
    };
    let total = text.parse::<f64>().ok().filter(|n| (0.0..1e7).contains(n)).zip(seconds).map(|(n, s)| n * s / 60.0);
    let minutes = total.map(|minutes| minutes.round() as u32).filter(|minutes| *minutes > 0);
    if minutes.is_none() {
        out.doubt(&DURATION_UNIT, &number);
    }
    minutes
}

/// Writes `identifier`: placer, filler and group number.
pub(crate) fn identifiers(w: &mut Writer, sch: Segment<'_>, out: &Output) {
    w.array("identifier", |w| {
        for (field, kind) in [(1, "PLAC"), (2, "FILL"), (4, "PGN")] {
            w.item(|w| orc::identifier(w, sch.field(field), kind, None, out));
        }
    });
}

/// Writes `cancelationReason`: SCH-6 says why it was cancelled or did not take place.
pub(crate) fn cancelation_reason(w: &mut Writer, sch: Segment<'_>, status: &str, out: &mut Output) {
    if matches!(status, "cancelled" | "noshow" | "entered-in-error") {
        cwe::concept(w, "cancelationReason", sch.field(6), "", out);
    }
}

/// Writes `appointmentType` and `reasonCode`. SCH-7 of table 0276 is what FHIR calls the type; SCH-8 is the type where
/// SCH-7 is not, and says nothing when it is Normal (table 0277).
pub(crate) fn type_and_reason(w: &mut Writer, sch: Segment<'_>, out: &mut Output) {
    let (reason, kind) = (sch.field(7), sch.peek(8));
    let code = cwe::code(reason).to_ascii_uppercase();
    let is_type = APPOINTMENT_TYPES.contains(&code.as_str());
    if is_type {
        w.object("appointmentType", |w| {
            w.array("coding", |w| w.coding_item(REASON_CODES, &code, reason.component(2).text().trim()));
        });
    } else if kind.is_valued() {
        cwe::concept(w, "appointmentType", sch.field(8), "HL70277", out);
    }
    if cwe::code(kind).eq_ignore_ascii_case("normal") {
        // Named rule `normal-appointment`.
        sch.ignore(&[8]);
    }
    w.array("reasonCode", |w| cwe::concept_item(w, reason, "HL70276", out));
}

/// TQ1-9 (table 0485), in older versions SCH-11.6, as a priority of iCalendar (RFC 5545 section 3.8.1.9): 1 first, 5
/// ordinary.
pub(crate) fn priority(sch: Segment<'_>, timing: Option<Segment<'_>>) -> Option<i64> {
    let of_timing = timing.map(|timing| cwe::code(timing.peek(9))).filter(|code| !code.is_empty());
    let code = of_timing.unwrap_or_else(|| sch.peek(11).component(6).text().trim().to_owned());
    let priority = match code.as_str() {
        "S" => 1,
        "A" => 2,
        "R" => 5,
        _ => return None,
    };
    timing.iter().for_each(|timing| timing.ignore(&[9]));
    Some(priority)
}

/// Writes `start`, `end` and `minutesDuration`. R4 wants both or neither (app-2) and, of what is booked, both (app-3):
/// what is not known is said to be unknown.
pub(crate) fn times(w: &mut Writer, slot: &Slot, status: &str) -> [bool; 2] {
    let may_lack =
        matches!(status, "proposed" | "cancelled" | "waitlist") && slot.start.is_empty() && slot.end.is_empty();
    for (name, absent, value) in [("start", "_start", &slot.start), ("end", "_end", &slot.end)] {
        w.string(name, value);
        if value.is_empty() && !may_lack {
            w.object(absent, |w| {
                w.array("extension", |w| {
                    w.item(|w| {
                        w.string("url", system::DATA_ABSENT_REASON);
                        w.string("valueCode", "unknown");
                    });
                });
            });
        }
    }
    if let Some(minutes) = slot.minutes {
        w.integer("minutesDuration", i64::from(minutes));
    }
    [slot.start.is_empty() && !may_lack, slot.end.is_empty() && !may_lack]
}

/// Placer's and filler's contact person and who entered it (SCH-12 to SCH-22), each as a PractitionerRole where more than
/// the person is told. They arrange the appointment and do not come to it: supporting information, no participants.
pub(crate) fn contacts(sch: Segment<'_>, out: &mut Output) -> Vec<String> {
    let mut references = Vec::new();
    for (person, phone, location) in [(12, 13, 15), (16, 17, 19), (20, 21, 22)] {
        let persons = xcn::practitioners(sch.field(person), out);
        let (phone, location) = (sch.field(phone), sch.field(location));
        for practitioner in persons {
            let mut w = Writer::new();
            let mut place = None;
            w.array("contained", |w| place = pl::contained(w, location, "", out));
            w.reference("practitioner", &practitioner);
            w.array("location", |w| w.item(|w| w.string("reference", place.as_deref().unwrap_or_default())));
            w.array("telecom", |w| {
                for number in phone.repetitions() {
                    w.item(|w| xtn::contact_point(w, number, "work", out));
                }
            });
            let is_more = phone.is_valued() || place.is_some();
            let reference = if is_more {
                let id = out.id(ResourceType::PRACTITIONER_ROLE, &format!("contact:{practitioner}"));
                out.put_weak(ResourceType::PRACTITIONER_ROLE, id, w)
            } else {
                practitioner
            };
            if !references.contains(&reference) {
                references.push(reference);
            }
        }
    }
    references
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::hl7v2::Message;
    use crate::fhir::{FacilityCode, PatientKey};

    fn of<T>(segments: &str, read: impl Fn(Segment<'_>, Option<Segment<'_>>, &mut Output) -> T) -> T {
        let text = format!("MSH|^~\\&|H\r{segments}");
        let message = Message::parse(&text).unwrap().value;
        let facility = FacilityCode::parse("H");
        let mut out = Output::new(PatientKey::derive(&facility, "1"), facility, 540, None);
        read(message.first("SCH").unwrap(), message.first("TQ1"), &mut out)
    }

    #[test]
    fn the_event_stands_above_the_status() {
        let status_of = |event: &'static str, code: &str| {
            of(&format!("SCH{}{code}", "|".repeat(25)), move |sch, _, out| status(event, sch, out))
        };
        assert_eq!(status_of("S12", "Pending"), "pending");
        assert_eq!(status_of("S12", ""), "booked");
        assert_eq!(status_of("S14", "Noshow"), "noshow");
        assert_eq!(status_of("S15", "Booked"), "cancelled");
        assert_eq!(status_of("S17", "Booked"), "entered-in-error");
        assert_eq!(status_of("S26", "Booked"), "noshow");
        assert_eq!(status_of("S12", "99X"), "booked");
    }

    #[test]
    fn an_end_follows_from_the_duration() {
        let slot_of = |segments: &str| {
            let slot = of(segments, slot);
            (slot.start, slot.end, slot.day, slot.minutes)
        };
        let text = |t: &str| t.to_owned();
        assert_eq!(
            slot_of("SCH|1||||||||30|MIN\rTQ1|||||||202606011030"),
            (text("2026-06-01T10:30:00+09:00"), text("2026-06-01T11:00:00.000+09:00"), text(""), Some(30))
        );
        assert_eq!(
            slot_of("SCH|1||||||||1|HR|^^^202606011030^202606011100"),
            (text("2026-06-01T10:30:00+09:00"), text("2026-06-01T11:00:00+09:00"), text(""), Some(60))
        );
        assert_eq!(slot_of("SCH|1\rTQ1|||||||20260601"), (text(""), text(""), text("2026-06-01"), None));
        assert_eq!(slot_of("SCH|1||||||||x|MIN").3, None);
        assert_eq!(slot_of("SCH|1||||||||90|S").3, Some(2));
    }
}
