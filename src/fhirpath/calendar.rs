//! Adding durations to dates, dateTimes and times (FHIRPath N1 section 6.6.7), and moving them between zones.

use super::decimal::Decimal;
use super::temporal::{Precision, Temporal, TemporalKind};

const DAY_NANOSECONDS: i128 = 86_400_000_000_000;
const HOUR_NANOSECONDS: i128 = 3_600_000_000_000;
const MINUTE_NANOSECONDS: i128 = 60_000_000_000;
const SECOND_NANOSECONDS: i128 = 1_000_000_000;

/// A unit of durations that the language has words for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // the names say it
pub enum CalendarUnit {
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
}

impl CalendarUnit {
    /// The unit of a word, in the singular or the plural.
    pub fn of_word(word: &str) -> Option<Self> {
        Some(match word.strip_suffix('s').unwrap_or(word) {
            "year" => Self::Year,
            "month" => Self::Month,
            "week" => Self::Week,
            "day" => Self::Day,
            "hour" => Self::Hour,
            "minute" => Self::Minute,
            "second" => Self::Second,
            "millisecond" => Self::Millisecond,
            _ => return None,
        })
    }

    /// The unit of a UCUM code, or of a word in its place (`'month'`), that dates can be moved by. The year and month of UCUM are fixed numbers of seconds, by
    /// which no calendar goes (N1 section 6.6.7).
    pub fn of_ucum(code: &str) -> Option<Self> {
        Some(match code {
            "wk" => Self::Week,
            "d" => Self::Day,
            "h" => Self::Hour,
            "min" => Self::Minute,
            "s" => Self::Second,
            "ms" => Self::Millisecond,
            word => return Self::of_word(word),
        })
    }

    /// The word, in the singular.
    pub fn word(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::Week => "week",
            Self::Day => "day",
            Self::Hour => "hour",
            Self::Minute => "minute",
            Self::Second => "second",
            Self::Millisecond => "millisecond",
        }
    }

    /// The UCUM code of about the same duration: exactly the same but for years and months.
    pub fn ucum(self) -> &'static str {
        match self {
            Self::Year => "a",
            Self::Month => "mo",
            Self::Week => "wk",
            Self::Day => "d",
            Self::Hour => "h",
            Self::Minute => "min",
            Self::Second => "s",
            Self::Millisecond => "ms",
        }
    }

    /// How long it is in milliseconds, a year being 365 days and a month 30.
    pub fn milliseconds(self) -> i64 {
        match self {
            Self::Year => 365 * 86_400_000,
            Self::Month => 30 * 86_400_000,
            Self::Week => 7 * 86_400_000,
            Self::Day => 86_400_000,
            Self::Hour => 3_600_000,
            Self::Minute => 60_000,
            Self::Second => 1000,
            Self::Millisecond => 1,
        }
    }
}

/// The number of days in a month.
pub(super) fn days_in_month(year: i64, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A value moved by an amount of a unit. `None` when it leaves the years 1 to 9999, or a time would move by days.
/// Of units above the second only whole ones count; a value that does not say the part moved is moved by as many whole
/// units of its own precision as the amount holds.
pub(super) fn moved(value: Temporal, amount: Decimal, unit: CalendarUnit) -> Option<Temporal> {
    use CalendarUnit::{Day, Hour, Millisecond, Minute, Month, Second, Week, Year};
    let count = |each: i128| -> Option<i128> {
        let fraction = matches!(unit, Second | Millisecond);
        let amount = if fraction { amount } else { amount.truncated(0)? };
        amount.multiply(Decimal::new(each, 0)?)?.truncated(0).map(Decimal::mantissa)
    };
    if value.kind == TemporalKind::Time && unit < Hour {
        return None;
    }
    match unit {
        Year => by_months(value, count(12)?),
        Month => by_months(value, count(1)?),
        Week => by_nanoseconds(value, count(7 * DAY_NANOSECONDS)?),
        Day => by_nanoseconds(value, count(DAY_NANOSECONDS)?),
        Hour => by_nanoseconds(value, count(HOUR_NANOSECONDS)?),
        Minute => by_nanoseconds(value, count(MINUTE_NANOSECONDS)?),
        Second => by_nanoseconds(value, count(SECOND_NANOSECONDS)?),
        Millisecond => by_nanoseconds(value, count(1_000_000)?),
    }
}

fn by_months(value: Temporal, months: i128) -> Option<Temporal> {
    let months = if value.precision == Precision::Year { months / 12 * 12 } else { months };
    let total = (i128::from(value.year) * 12 + i128::from(value.month) - 1).checked_add(months)?;
    let year = u16::try_from(total.div_euclid(12)).ok().filter(|year| (1..=9999).contains(year))?;
    let month = total.rem_euclid(12) as u8 + 1;
    Some(Temporal { year, month, day: value.day.min(days_in_month(year.into(), month)), ..value })
}

fn by_nanoseconds(value: Temporal, amount: i128) -> Option<Temporal> {
    let whole = |unit: i128| amount / unit * unit;
    let amount = match value.precision {
        Precision::Year => return by_months(value, amount / DAY_NANOSECONDS / 365 * 12),
        Precision::Month => return by_months(value, amount / DAY_NANOSECONDS / 30),
        Precision::Day => whole(DAY_NANOSECONDS),
        Precision::Hour => whole(HOUR_NANOSECONDS),
        Precision::Minute => whole(MINUTE_NANOSECONDS),
        Precision::Second => amount,
    };
    let mut moved = at_nanoseconds(value, nanoseconds(value).checked_add(amount)?)?;
    if moved.nanosecond % 1_000_000 == 0 && moved.fraction_digits < 3 && moved.nanosecond != value.nanosecond {
        moved.fraction_digits = 3;
    } else if moved.nanosecond % 1_000_000 != 0 {
        moved.fraction_digits = 9;
    }
    Some(moved)
}

/// Nanoseconds since 1970 on the clock of its own zone; of a time, since midnight.
fn nanoseconds(value: Temporal) -> i128 {
    let day = if value.kind == TemporalKind::Time { 0 } else { day_number(value) };
    i128::from(day) * DAY_NANOSECONDS
        + i128::from(value.hour) * HOUR_NANOSECONDS
        + i128::from(value.minute) * MINUTE_NANOSECONDS
        + i128::from(value.second) * SECOND_NANOSECONDS
        + i128::from(value.nanosecond)
}

/// The value with another place on its clock; a time goes round at midnight.
pub(super) fn at_nanoseconds(value: Temporal, at: i128) -> Option<Temporal> {
    let of_day = at.rem_euclid(DAY_NANOSECONDS);
    let value = Temporal {
        hour: (of_day / HOUR_NANOSECONDS) as u8,
        minute: (of_day % HOUR_NANOSECONDS / MINUTE_NANOSECONDS) as u8,
        second: (of_day % MINUTE_NANOSECONDS / SECOND_NANOSECONDS) as u8,
        nanosecond: (of_day % SECOND_NANOSECONDS) as u32,
        ..value
    };
    if value.kind == TemporalKind::Time {
        return Some(value);
    }
    let (year, month, day) = civil(i64::try_from(at.div_euclid(DAY_NANOSECONDS)).ok()?)?;
    Some(Temporal { year, month, day, ..value })
}

/// The same moment on the clock of UTC; `None` when that is no year from 1 to 9999.
pub(super) fn in_utc(value: Temporal) -> Option<Temporal> {
    let zone = i128::from(value.zone?) * MINUTE_NANOSECONDS;
    at_nanoseconds(value, nanoseconds(value) - zone)
}

/// The first and last moment that may be meant, in nanoseconds since 1970 UTC.
pub(super) fn utc_range(value: Temporal) -> (i128, i128) {
    let first = nanoseconds(value);
    let length = match value.precision {
        Precision::Hour => HOUR_NANOSECONDS - 1,
        Precision::Minute => MINUTE_NANOSECONDS - 1,
        _ => 0,
    };
    match value.zone.map(|zone| i128::from(zone) * MINUTE_NANOSECONDS) {
        Some(zone) => (first - zone, first + length - zone),
        None => (first - 14 * HOUR_NANOSECONDS, first + length + 12 * HOUR_NANOSECONDS),
    }
}

/// Days since 1970-01-01.
fn day_number(value: Temporal) -> i64 {
    // Counted in years that begin in March, so that the day a leap year adds is the last one.
    let month = i64::from(value.month);
    let year = i64::from(value.year) - i64::from(month <= 2);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(value.day) - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year - 719_468
}

/// Year, month and day of a number of days since 1970-01-01; `None` outside of the years 1 to 9999.
fn civil(days: i64) -> Option<(u16, u8, u8)> {
    let days = days.checked_add(719_468)?;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = (march_month + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let year = u16::try_from(year).ok().filter(|year| (1..=9999).contains(year))?;
    Some((year, u8::try_from(month).ok()?, u8::try_from(day).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_has_its_number() {
        for (text, number) in
            [("1970-01-01", 0), ("2000-02-29", 11_016), ("0001-01-01", -719_162), ("9999-12-31", 2_932_896)]
        {
            let day = Temporal::date(text).unwrap();
            assert_eq!(day_number(day), number, "{text}");
            assert_eq!(civil(number), Some((day.year, day.month, day.day)), "{text}");
        }
        assert_eq!((civil(-719_163), civil(2_932_897)), (None, None));
    }

    #[test]
    fn values_are_moved_by_their_own_precision() {
        let cases = [
            ("1973-12-25", "7", CalendarUnit::Day, Some("1974-01-01")),
            ("1973-12-25T00:00:00.000+10:00", "7.7", CalendarUnit::Day, Some("1974-01-01T00:00:00.000+10:00")),
            ("2012-01-31", "1", CalendarUnit::Month, Some("2012-02-29")),
            ("2012-02-29", "-1", CalendarUnit::Year, Some("2011-02-28")),
            ("2014", "24", CalendarUnit::Month, Some("2016")),
            ("2014", "23", CalendarUnit::Month, Some("2015")),
            ("2014-12", "31", CalendarUnit::Day, Some("2015-01")),
            ("2014-12-31", "47", CalendarUnit::Hour, Some("2015-01-01")),
            ("2014-12-31T23:59", "119", CalendarUnit::Second, Some("2015-01-01T00:00")),
            ("2014-12-31T23:59:59", "0.1", CalendarUnit::Second, Some("2014-12-31T23:59:59.100")),
            ("9999-12-31", "1", CalendarUnit::Day, None),
            ("0001-01", "-1", CalendarUnit::Month, None),
            ("2014", "99999999999999999999999999999999999999", CalendarUnit::Year, None),
        ];
        for (from, amount, unit, to) in cases {
            let found = moved(Temporal::date_time(from).unwrap(), Decimal::parse(amount).unwrap(), unit);
            assert_eq!(found.map(|value| value.to_string()).as_deref(), to, "{from} + {amount} {unit:?}");
        }
        let time = Temporal::time("23:30").unwrap();
        assert_eq!(moved(time, Decimal::ONE, CalendarUnit::Hour).unwrap().to_string(), "00:30");
        assert_eq!(moved(time, Decimal::ONE, CalendarUnit::Day), None);
    }
}
