//! Dates and times: HL7 v2 TS to FHIR dateTime with the precision sent, and FHIR dates to intervals for search.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

/// A half-open interval of milliseconds since 1970-01-01T00:00:00Z: what a date of some precision covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// First millisecond.
    pub start: i64,
    /// First millisecond after it.
    pub end: i64,
}

impl Interval {
    /// All of time.
    pub const ALWAYS: Interval = Interval { start: i64::MIN, end: i64::MAX };

    /// What a FHIR date, dateTime or instant covers; a value without offset is read in `zone_minutes`.
    /// `None` when it is not a date (no 30 February).
    pub fn parse(text: &str, zone_minutes: i16) -> Option<Self> {
        let (day, time) = match text.split_once('T') {
            Some((day, time)) => (day, Some(time)),
            None => (text, None),
        };
        let mut parts = day.split('-');
        let year = number(parts.next()?, 4)?;
        let month = parts.next().map(|m| number(m, 2)).map_or(Some(None), |m| m.map(Some))?;
        let date = parts.next().map(|d| number(d, 2)).map_or(Some(None), |d| d.map(Some))?;
        if parts.next().is_some() {
            return None;
        }
        let first = Date::new(i16::try_from(year).ok()?, month.unwrap_or(1) as i8, date.unwrap_or(1) as i8).ok()?;
        let Some(time) = time else {
            let days = match (month, date) {
                (None, _) => first.days_in_year(),
                (Some(_), None) => i16::from(first.days_in_month()),
                (Some(_), Some(_)) => 1,
            };
            let start = millisecond(first.at(0, 0, 0, 0), zone_minutes);
            return Some(Interval { start, end: start + i64::from(days) * 86_400_000 });
        };
        date?;
        Self::of_time(first, time, zone_minutes)
    }

    fn of_time(day: Date, time: &str, zone_minutes: i16) -> Option<Self> {
        let (clock, zone) = match time.find(['Z', '+', '-']) {
            Some(at) => (&time[..at], offset_minutes(&time[at..])?),
            None => (time, zone_minutes),
        };
        let mut parts = clock.splitn(3, ':');
        let hour = number(parts.next()?, 2)?;
        let minute = number(parts.next()?, 2)?;
        let (second, nanosecond, width) = match parts.next() {
            None => (0, 0, 60_000),
            Some(second) => match second.split_once('.') {
                None => (number(second, 2)?, 0, 1000),
                Some((second, fraction)) => (number(second, 2)?, nanoseconds(fraction)?, 1),
            },
        };
        // A leap second counts as the last second of its minute.
        let time = Time::new(hour as i8, minute as i8, second.min(59) as i8, nanosecond).ok()?;
        let start = millisecond(day.to_datetime(time), zone);
        Some(Interval { start, end: start + width })
    }
}

/// An HL7 v2 TS (`YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]`) as a FHIR dateTime of the same precision. An hour or
/// minute without the rest is filled with zeros, because FHIR knows no such precision; a time without offset gets
/// `zone_minutes`. `None` when it is not a date.
pub fn from_v2(text: &str, zone_minutes: i16) -> Option<String> {
    let text = text.trim();
    let (body, zone) = match text.find(['+', '-']) {
        Some(at) => (&text[..at], Some(v2_offset(&text[at..])?)),
        None => (text, None),
    };
    let (digits, fraction) = match body.split_once('.') {
        Some((digits, fraction)) => (digits, Some(fraction)),
        None => (body, None),
    };
    // There is no year 0 (datatypes.html#date): senders fill with it what they do not know.
    if !digits.bytes().all(|b| b.is_ascii_digit()) || digits.starts_with("0000") {
        return None;
    }
    if fraction.is_some() && digits.len() != 14 {
        return None;
    }
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or("00");
    let fhir = match digits.len() {
        4 => digits.to_owned(),
        6 => format!("{}-{}", part(0, 4), part(4, 6)),
        8 => format!("{}-{}-{}", part(0, 4), part(4, 6), part(6, 8)),
        10 | 12 | 14 => {
            let mut out = format!(
                "{}-{}-{}T{}:{}:{}",
                part(0, 4),
                part(4, 6),
                part(6, 8),
                part(8, 10),
                part(10, 12),
                part(12, 14)
            );
            if let Some(fraction) = fraction.filter(|f| !f.is_empty()) {
                nanoseconds(fraction)?;
                out.push('.');
                out.push_str(fraction);
            }
            out.push_str(&zone_text(zone.unwrap_or(zone_minutes)));
            out
        }
        _ => return None,
    };
    Interval::parse(&fhir, zone_minutes).map(|_| fhir)
}

/// An HL7 v2 TS as a FHIR date: at most the day. `None` when it is not a date.
pub fn date_from_v2(text: &str) -> Option<String> {
    let text = text.trim();
    let day = text.get(..8).unwrap_or(text);
    from_v2(day, 0)
}

/// An instant in milliseconds since 1970 as FHIR writes it: `2026-11-21T09:30:00.123+09:00`.
pub fn instant(milliseconds: i64, zone_minutes: i16) -> String {
    let Ok(timestamp) = Timestamp::from_millisecond(milliseconds) else { return String::new() };
    let offset = Offset::from_seconds(i32::from(zone_minutes) * 60).unwrap_or(Offset::UTC);
    let civil = offset.to_datetime(timestamp);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}{}",
        civil.year(),
        civil.month(),
        civil.day(),
        civil.hour(),
        civil.minute(),
        civil.second(),
        civil.millisecond(),
        zone_text(zone_minutes)
    )
}

/// An instant as HTTP headers write it (RFC 9110 section 5.6.7): `Sat, 21 Nov 2026 00:30:00 GMT`.
pub fn http_date(milliseconds: i64) -> String {
    let Ok(timestamp) = Timestamp::from_millisecond(milliseconds) else { return String::new() };
    let civil = Offset::UTC.to_datetime(timestamp);
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    format!(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
        days[civil.weekday().to_monday_zero_offset() as usize],
        civil.day(),
        months[civil.month() as usize - 1],
        civil.year(),
        civil.hour(),
        civil.minute(),
        civil.second()
    )
}

fn zone_text(minutes: i16) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

fn v2_offset(text: &str) -> Option<i16> {
    let (hours, minutes) = (text.get(1..3)?, text.get(3..5)?);
    (text.len() == 5).then_some(())?;
    signed(text, number(hours, 2)?, number(minutes, 2)?)
}

/// The offset that a FHIR dateTime states, in minutes; `None` for one without a time.
pub fn zone_of(date_time: &str) -> Option<i16> {
    let time = date_time.get(10..).filter(|time| time.starts_with('T'))?;
    offset_minutes(&time[time.find(['Z', '+', '-'])?..])
}

fn offset_minutes(text: &str) -> Option<i16> {
    if text == "Z" {
        return Some(0);
    }
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    signed(text, number(hours, 2)?, number(minutes, 2)?)
}

fn signed(text: &str, hours: u16, minutes: u16) -> Option<i16> {
    let total = (hours <= 14 && minutes < 60).then_some((hours * 60 + minutes) as i16)?;
    Some(if text.starts_with('-') { -total } else { total })
}

fn number(text: &str, width: usize) -> Option<u16> {
    (text.len() == width && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

fn nanoseconds(fraction: &str) -> Option<i32> {
    if fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value: i32 = fraction.parse().ok()?;
    Some(value * 10_i32.pow(9 - fraction.len() as u32))
}

/// Milliseconds since 1970. Every date from 0001-01-01 to 9999-12-31 in every zone has some: 9999-12-31 is how many
/// systems write "without end".
fn millisecond(at: DateTime, zone_minutes: i16) -> i64 {
    let days = at.date().duration_since(Date::constant(1970, 1, 1)).as_hours() / 24;
    let time = at.time();
    let seconds = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    (days * 86_400 + seconds - i64::from(zone_minutes) * 60) * 1000 + i64::from(time.millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_and_offset_are_kept() {
        let cases = [
            ("1948", "1948"),
            ("194804", "1948-04"),
            ("19480405", "1948-04-05"),
            ("2011070100", "2011-07-01T00:00:00+09:00"),
            ("201112191500", "2011-12-19T15:00:00+09:00"),
            ("20111220224447.3399", "2011-12-20T22:44:47.3399+09:00"),
            ("20111220224447+0000", "2011-12-20T22:44:47+00:00"),
        ];
        for (v2, fhir) in cases {
            assert_eq!(from_v2(v2, 540).as_deref(), Some(fhir), "{v2}");
        }
        for bad in ["", "20260230", "2026023", "abc", "20260101000000+9", "0000", "00000000", "20260101240000"] {
            assert_eq!(from_v2(bad, 540), None, "{bad}");
        }
        assert_eq!(date_from_v2("19480405123000").as_deref(), Some("1948-04-05"));
    }

    #[test]
    fn intervals_cover_their_precision() {
        let day = Interval::parse("2026-11-21", 540).unwrap();
        assert_eq!(day.end - day.start, 86_400_000);
        assert_eq!(instant(day.start, 540), "2026-11-21T00:00:00.000+09:00");
        assert_eq!(http_date(day.start), "Fri, 20 Nov 2026 15:00:00 GMT");
        let second = Interval::parse("2026-11-21T00:00:00Z", 540).unwrap();
        assert_eq!(second.start - day.start, 9 * 3_600_000);
        for zone_minutes in [-720, 0, 540] {
            let last = Interval::parse("9999-12-31", zone_minutes).unwrap();
            assert_eq!(last.end - last.start, 86_400_000);
            assert_eq!(Interval::parse("9999", zone_minutes).unwrap().end, last.end);
        }
        assert_eq!(Interval::parse("1969-12-31T23:59:59.999Z", 0).unwrap().start, -1);
        assert_eq!(Interval::parse("2026-02-30", 540), None);
        assert_eq!(Interval::parse("2026-11-21T1", 540), None);
        let month = Interval::parse("2026-02", 0).unwrap();
        assert_eq!(month.end - month.start, 28 * 86_400_000);
    }
}
