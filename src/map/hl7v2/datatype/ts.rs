//! TS, DT and DTM (HL7 v2.5 2A.76, 2A.21, 2A.22) to dateTime and date, with the precision and offset that were sent.

use crate::decode::hl7v2::Value;
use crate::fault::{IssueType, Rule, Severity};
use crate::fhir::Writer;
use crate::fhir::time::{self, Interval};
use crate::map::Output;

/// Not a date.
pub static BAD_TIME: Rule = Rule {
    id: "v2-bad-time",
    severity: Severity::Warning,
    code: IssueType::Value,
    en: "This is not a date or time; it was left out.",
    ja: "日付・時刻として読めないため、省きました。",
};

/// The value as a FHIR dateTime.
pub fn date_time(value: Value<'_>, out: &mut Output) -> Option<String> {
    let zone_minutes = out.zone_minutes;
    read(value, out, |text| time::from_v2(text, zone_minutes))
}

/// The value as a FHIR date: at most the day.
pub fn date(value: Value<'_>, out: &mut Output) -> Option<String> {
    read(value, out, time::date_from_v2)
}

/// The value as a FHIR instant: only when it is stated to the second at least.
pub fn instant(value: Value<'_>, out: &mut Output) -> Option<String> {
    let digits = value.component(1).raw().bytes().take_while(u8::is_ascii_digit).count();
    (digits >= 14).then(|| date_time(value, out)).flatten()
}

/// Writes a dateTime member; nothing when there is none.
pub fn write(w: &mut Writer, name: &str, value: Value<'_>, out: &mut Output) {
    if let Some(text) = date_time(value, out) {
        w.string(name, &text);
    }
}

/// Writes a Period member from two values, of which either may be empty.
pub fn period(w: &mut Writer, name: &str, start: Value<'_>, end: Value<'_>, out: &mut Output) {
    w.object(name, |w| {
        write(w, "start", start, out);
        write(w, "end", end, out);
    });
}

/// First millisecond since 1970 of what the value covers, noting nothing: for decisions.
pub fn milliseconds(value: Value<'_>, zone_minutes: i16) -> Option<i64> {
    let text = time::from_v2(&value.component(1).text(), zone_minutes)?;
    Interval::parse(&text, zone_minutes).map(|interval| interval.start)
}

/// Last millisecond of what the value covers, noting nothing: "by then", when only a day is known.
pub fn last_millisecond(value: Value<'_>, zone_minutes: i16) -> Option<i64> {
    let text = time::from_v2(&value.component(1).text(), zone_minutes)?;
    Interval::parse(&text, zone_minutes).map(|interval| interval.end - 1)
}

fn read(value: Value<'_>, out: &mut Output, convert: impl Fn(&str) -> Option<String>) -> Option<String> {
    let text = value.component(1).text();
    if text.trim().is_empty() {
        return None;
    }
    let converted = convert(&text);
    if converted.is_none() {
        out.doubt(&BAD_TIME, &value);
    }
    converted
}
