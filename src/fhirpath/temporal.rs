//! Dates, dateTimes and times of any precision (FHIRPath N1 sections 4.1.5 to 4.1.7): reading, comparing, writing.

use std::cmp::Ordering;
use std::fmt;

use super::calendar;

/// Which of the three types a temporal value has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemporalKind {
    /// `@2015-02`
    Date,
    /// `@2015-02T`
    DateTime,
    /// `@T14:30`
    Time,
}

/// The last part that is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // the names say it
pub enum Precision {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

/// A date, dateTime or time. Parts behind its precision hold their least value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Temporal {
    /// Its type.
    pub kind: TemporalKind,
    /// The last part that is said; a fraction belongs to the second.
    pub precision: Precision,
    /// 1 to 9999.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59; a leap second is read as the second before it.
    pub second: u8,
    /// Fraction of the second in nanoseconds.
    pub nanosecond: u32,
    /// How many digits the fraction was written with, at most 9.
    pub fraction_digits: u8,
    /// Offset from UTC in minutes, where one was said.
    pub zone: Option<i16>,
    /// Whether the offset was written as `Z`.
    pub is_zulu: bool,
}

impl Temporal {
    /// The first moment of year 1 with nothing said yet.
    fn blank(kind: TemporalKind) -> Self {
        Temporal {
            kind,
            precision: if kind == TemporalKind::Time { Precision::Hour } else { Precision::Year },
            year: 1,
            month: 1,
            day: 1,
            hour: 0,
            minute: 0,
            second: 0,
            nanosecond: 0,
            fraction_digits: 0,
            zone: None,
            is_zulu: false,
        }
    }

    /// A FHIR date, or a string that says one.
    pub fn date(text: &str) -> Option<Self> {
        whole(text).filter(|found| found.kind == TemporalKind::Date)
    }

    /// A FHIR dateTime or instant, or a string that says one; a date is one with nothing said of the time.
    pub fn date_time(text: &str) -> Option<Self> {
        let found = whole(text).filter(|found| found.kind != TemporalKind::Time)?;
        Some(Temporal { kind: TemporalKind::DateTime, ..found })
    }

    /// A FHIR time; with or without the `T` of literals.
    pub fn time(text: &str) -> Option<Self> {
        let text = text.strip_prefix('T').unwrap_or(text);
        let mut reader = Reader { rest: text };
        let mut found = Self::blank(TemporalKind::Time);
        reader.clock(&mut found)?;
        reader.rest.is_empty().then_some(found)
    }

    /// What a literal says, given from behind its `@`, and how many bytes it takes. What cannot belong to it is left.
    pub fn literal(text: &str) -> Option<(Self, usize)> {
        let mut reader = Reader { rest: text };
        let found = reader.any()?;
        Some((found, text.len() - reader.rest.len()))
    }

    /// Milliseconds since 1970 in a zone of so many minutes, as a dateTime of milliseconds.
    pub fn of_milliseconds(milliseconds: i64, zone_minutes: i16) -> Option<Self> {
        let local = i128::from(milliseconds) + i128::from(zone_minutes) * 60_000;
        let blank = Temporal {
            precision: Precision::Second,
            fraction_digits: 3,
            zone: Some(zone_minutes),
            ..Self::blank(TemporalKind::DateTime)
        };
        calendar::at_nanoseconds(blank, local * 1_000_000)
    }

    /// Which comes first. `None` when the precision of one does not say, or the zone of one is needed and missing.
    /// A time and a date have no order: `None` too.
    pub fn compare(self, other: Self) -> Option<Ordering> {
        if (self.kind == TemporalKind::Time) != (other.kind == TemporalKind::Time) {
            return None;
        }
        let have_times = self.precision >= Precision::Hour && other.precision >= Precision::Hour;
        if !have_times || self.zone == other.zone || self.kind == TemporalKind::Time {
            return self.compare_parts(other);
        }
        match (self.zone, other.zone) {
            (Some(_), Some(_)) => calendar::in_utc(self)?.compare_parts(calendar::in_utc(other)?),
            // A clock on earth is at most 14 hours ahead of UTC and 12 behind.
            _ => {
                let (left_first, left_last) = calendar::utc_range(self);
                let (right_first, right_last) = calendar::utc_range(other);
                match () {
                    () if left_last < right_first => Some(Ordering::Less),
                    () if right_last < left_first => Some(Ordering::Greater),
                    () => None,
                }
            }
        }
    }

    fn compare_parts(self, other: Self) -> Option<Ordering> {
        let parts = |of: Self| {
            let second = u64::from(of.second) * 1_000_000_000 + u64::from(of.nanosecond);
            [
                (Precision::Year, u64::from(of.year)),
                (Precision::Month, of.month.into()),
                (Precision::Day, of.day.into()),
                (Precision::Hour, of.hour.into()),
                (Precision::Minute, of.minute.into()),
                (Precision::Second, second),
            ]
        };
        for ((part, left), (_, right)) in parts(self).into_iter().zip(parts(other)) {
            match (part <= self.precision, part <= other.precision) {
                (true, true) => match left.cmp(&right) {
                    Ordering::Equal => {}
                    different => return Some(different),
                },
                (false, false) => break,
                _ => return None,
            }
        }
        Some(Ordering::Equal)
    }

    /// Number of digits said, as `precision()` counts them: 4 for a year, 17 for milliseconds; 9 for those of a time.
    pub fn digits(self) -> i64 {
        let date = match self.precision {
            Precision::Year => 4,
            Precision::Month => 6,
            Precision::Day => 8,
            Precision::Hour => 10,
            Precision::Minute => 12,
            Precision::Second if self.fraction_digits == 0 => 14,
            Precision::Second => 17,
        };
        if self.kind == TemporalKind::Time { date - 8 } else { date }
    }
}

fn whole(text: &str) -> Option<Temporal> {
    let mut reader = Reader { rest: text };
    let found = reader.any()?;
    reader.rest.is_empty().then_some(found)
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn any(&mut self) -> Option<Temporal> {
        if self.take("T") {
            let mut found = Temporal::blank(TemporalKind::Time);
            self.clock(&mut found)?;
            return Some(found);
        }
        let mut found = Temporal::blank(TemporalKind::Date);
        found.year = self.number(4).filter(|year| *year > 0)?;
        if let Some(month) = self.part("-") {
            (found.month, found.precision) = (month, Precision::Month);
            if let Some(day) = self.part("-") {
                (found.day, found.precision) = (day, Precision::Day);
            }
        }
        let is_day = (1..=12).contains(&found.month)
            && found.day >= 1
            && found.day <= calendar::days_in_month(found.year.into(), found.month);
        if !is_day {
            return None;
        }
        if self.take("T") {
            found.kind = TemporalKind::DateTime;
            if self.rest.starts_with(|c: char| c.is_ascii_digit()) {
                (found.precision == Precision::Day).then_some(())?;
                self.clock(&mut found)?;
                self.zone(&mut found)?;
            }
        }
        Some(found)
    }

    fn clock(&mut self, found: &mut Temporal) -> Option<()> {
        found.hour = self.number(2).filter(|hour| *hour < 24)? as u8;
        found.precision = Precision::Hour;
        let Some(minute) = self.part(":") else { return Some(()) };
        found.minute = minute;
        found.precision = Precision::Minute;
        if let Some(second) = self.part(":") {
            found.second = second.min(59);
            found.precision = Precision::Second;
            (second <= 60).then_some(())?;
            self.fraction(found);
        }
        (minute < 60).then_some(())
    }

    fn fraction(&mut self, found: &mut Temporal) {
        let Some(behind) = self.rest.strip_prefix('.') else { return };
        let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return;
        }
        for at in 0..9 {
            let digit = behind.as_bytes().get(at).filter(|_| at < digits).map_or(0, |byte| byte - b'0');
            found.nanosecond = found.nanosecond * 10 + u32::from(digit);
        }
        found.fraction_digits = digits.min(9) as u8;
        self.rest = behind.get(digits..).unwrap_or_default();
    }

    fn zone(&mut self, found: &mut Temporal) -> Option<()> {
        if self.take("Z") {
            (found.zone, found.is_zulu) = (Some(0), true);
            return Some(());
        }
        let before = self.rest;
        let negative = match before.chars().next() {
            Some('+') => false,
            Some('-') => true,
            _ => return Some(()),
        };
        self.rest = before.get(1..)?;
        let hours = self.number(2);
        let minutes = self.part(":");
        match (hours, minutes) {
            (Some(hours), Some(minutes)) => {
                (hours <= 14 && minutes < 60).then_some(())?;
                let total = (hours * 60) as i16 + i16::from(minutes);
                found.zone = Some(if negative { -total } else { total });
            }
            // `@2015-02-04T14 - 1 hour`: the sign belongs to what follows.
            _ => self.rest = before,
        }
        Some(())
    }

    fn take(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Two digits behind a separator; nothing is taken when they are not there.
    fn part(&mut self, separator: &str) -> Option<u8> {
        let before = self.rest;
        self.rest = before.strip_prefix(separator)?;
        let found = self.number(2);
        if found.is_none() {
            self.rest = before;
        }
        found.map(|number| number as u8)
    }

    fn number(&mut self, width: usize) -> Option<u16> {
        let digits = self.rest.get(..width).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        self.rest = self.rest.get(width..)?;
        digits.parse().ok()
    }
}

/// As FHIR writes it (`2015-02-04T14:34:28.123+10:00`, `14:34`).
impl fmt::Display for Temporal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind != TemporalKind::Time {
            write!(f, "{:04}", self.year)?;
            if self.precision >= Precision::Month {
                write!(f, "-{:02}", self.month)?;
            }
            if self.precision >= Precision::Day {
                write!(f, "-{:02}", self.day)?;
            }
            if self.precision >= Precision::Hour {
                f.write_str("T")?;
            }
        }
        if self.precision >= Precision::Hour {
            write!(f, "{:02}", self.hour)?;
        }
        if self.precision >= Precision::Minute {
            write!(f, ":{:02}", self.minute)?;
        }
        if self.precision >= Precision::Second {
            write!(f, ":{:02}", self.second)?;
            if self.fraction_digits > 0 {
                let nanoseconds = format!("{:09}", self.nanosecond);
                write!(f, ".{}", nanoseconds.get(..usize::from(self.fraction_digits)).unwrap_or_default())?;
            }
        }
        match self.zone {
            _ if self.precision < Precision::Hour => Ok(()),
            Some(0) if self.is_zulu => f.write_str("Z"),
            Some(minutes) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                write!(f, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written() {
        for text in [
            "2015",
            "2015-02",
            "2015-02-28",
            "2015-02-04T14",
            "2015-02-04T14:34",
            "2015-02-04T14:34:28Z",
            "2015-02-04T14:34:28.123-03:30",
        ] {
            assert_eq!(Temporal::date_time(text).map(|found| found.to_string()).as_deref(), Some(text));
        }
        assert_eq!(Temporal::time("14:34:28.120").map(|found| found.to_string()).as_deref(), Some("14:34:28.120"));
        for bad in
            ["", "0000", "201", "2015-02-30", "2015-13", "2015-02T14", "2015-02-04T25", "2015-02-04T14:34:28+15:00"]
        {
            assert!(Temporal::date_time(bad).is_none(), "{bad}");
        }
        assert!(Temporal::date("2015-02-04T14").is_none() && Temporal::time("14:60").is_none());
    }

    #[test]
    fn a_literal_leaves_what_is_not_its_own() {
        let left = |text: &'static str| Temporal::literal(text).map(|(_, taken)| &text[taken..]);
        assert_eq!(left("2015.is(Date)"), Some(".is(Date)"));
        assert_eq!(left("2015T.is(DateTime)"), Some(".is(DateTime)"));
        assert_eq!(left("T14:34:28.123.is(Time)"), Some(".is(Time)"));
        assert_eq!(left("T14:34:28Z"), Some("Z"));
        assert_eq!(left("2015-02-04T14 - 1 hour"), Some(" - 1 hour"));
        assert_eq!(left("2015-02-04T14-05:00 "), Some(" "));
    }

    #[test]
    fn comparing_stops_where_one_says_no_more() {
        let compare = |left: &str, right: &str| {
            Temporal::date_time(left).zip(Temporal::date_time(right)).and_then(|(left, right)| left.compare(right))
        };
        assert_eq!(compare("2018-03", "2018-03-01"), None);
        assert_eq!(compare("2018-02", "2018-03-01"), Some(Ordering::Less));
        assert_eq!(compare("2018-03-01T10:30:00", "2018-03-01T10:30:00.0"), Some(Ordering::Equal));
        assert_eq!(compare("2018-03-01T10:30", "2018-03-01T10:30:00"), None);
        assert_eq!(compare("2012-04-15T15:00:00+02:00", "2012-04-15T16:00:00+03:00"), Some(Ordering::Equal));
        assert_eq!(compare("2012-04-15T15:00:00Z", "2012-04-15T10:00:00"), None);
        assert_eq!(compare("2012-04-15T15:00:00Z", "2012-04-17T10:00:00"), Some(Ordering::Less));
        assert_eq!(compare("2012-04-15", "2012-04-15T10:00:00Z"), None);
    }
}
