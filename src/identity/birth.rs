//! Birth dates: with or without month and day, in the Western calendar or by Japanese eras (M 明治, T 大正, S 昭和, H
//! 平成, R 令和).

use serde::{Deserialize, Serialize};

use super::text;

/// A birth date as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BirthDate {
    /// Of the Western calendar, 1850 to 2099.
    pub year: u16,
    /// 1 to 12, or 0 where it is not known.
    pub month: u8,
    /// 1 to 31, or 0 where it is not known.
    pub day: u8,
}

/// The year before an era's first, with what it is written as.
const ERAS: [(u16, [&str; 4]); 5] = [
    (1867, ["明治", "明", "m", "㍾"]),
    (1911, ["大正", "大", "t", "㍽"]),
    (1925, ["昭和", "昭", "s", "㍼"]),
    (1988, ["平成", "平", "h", "㍻"]),
    (2018, ["令和", "令", "r", "㋿"]),
];

/// Characters of a text that count.
const CHARS_MAX: usize = 32;

impl BirthDate {
    /// A date as FHIR has it or as people write it: `1948-04-05`, `19480405`, `1948-04`, `昭和23年4月5日`, `S23.4.5`,
    /// `S230405`, `3230405` (the era as a figure, as claims have it), `昭和二十三年四月`. An era's year may lie past
    /// its end (昭和64年 in March): people write so. `None` where it is no date, is before 1850 or after 2099, or is
    /// 1900-01-01, which systems fill in for "not known".
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text::plain(text, CHARS_MAX).to_lowercase();
        let plain = plain.trim().split('t').enumerate().fold(String::new(), |date, (at, part)| match at {
            0 => part.to_owned(),
            // The time of a dateTime; a leading t is 大正.
            _ if date.is_empty() => format!("t{part}"),
            _ => date,
        });
        let plain = text::in_figures(&plain.replace('元', "1"));
        let (before, rest) = match ERAS.iter().find_map(|(before, names)| {
            names.iter().find_map(|name| plain.strip_prefix(name)).map(|rest| (*before, rest))
        }) {
            Some((before, rest)) => (Some(before), rest),
            None => (None, plain.as_str()),
        };
        let groups: Vec<&str> = rest.split(|c: char| !c.is_ascii_digit()).filter(|g| !g.is_empty()).take(3).collect();
        let (year, month, day) = parts(before, &groups)?;
        Self::new(year, month, day)
    }

    fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let day = if month == 0 { 0 } else { day };
        let is_date = (1850..=2099).contains(&year) && month <= 12 && day <= days_in(year, month);
        let is_filled_in = (year, month, day) == (1900, 1, 1);
        (is_date && !is_filled_in).then_some(BirthDate { year, month, day })
    }

    /// Whether year, month and day are known.
    pub fn is_whole(self) -> bool {
        self.month != 0 && self.day != 0
    }

    /// `YYYYMMDD`, with zeros for what is not known.
    pub fn number(self) -> u32 {
        u32::from(self.year) * 10_000 + u32::from(self.month) * 100 + u32::from(self.day)
    }
}

fn parts(before: Option<u16>, groups: &[&str]) -> Option<(u16, u8, u8)> {
    let number = |text: &str| text.parse::<u16>().ok();
    let small = |text: &str| text.parse::<u8>().ok();
    match (before, groups) {
        (Some(before), [all]) if all.len() == 6 => {
            Some((before + number(&all[..2])?, small(&all[2..4])?, small(&all[4..])?))
        }
        (Some(before), [year, rest @ ..]) if year.len() <= 2 => Some((
            before + number(year)?,
            rest.first().map_or(Some(0), |m| small(m))?,
            rest.get(1).map_or(Some(0), |d| small(d))?,
        )),
        (None, [all]) if all.len() == 8 => Some((number(&all[..4])?, small(&all[4..6])?, small(&all[6..])?)),
        (None, [all]) if all.len() == 7 => {
            let (before, _) = ERAS.get(usize::from(number(&all[..1])?).checked_sub(1)?)?;
            Some((before + number(&all[1..3])?, small(&all[3..5])?, small(&all[5..])?))
        }
        (None, [all]) if all.len() == 6 => Some((number(&all[..4])?, small(&all[4..])?, 0)),
        (None, [year, rest @ ..]) if year.len() == 4 => Some((
            number(year)?,
            rest.first().map_or(Some(0), |m| small(m))?,
            rest.get(1).map_or(Some(0), |d| small(d))?,
        )),
        _ => None,
    }
}

fn days_in(year: u16, month: u8) -> u8 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// How two birth dates stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Birth {
    /// The same day.
    Same,
    /// The same as far as both are known, which is not to the day.
    Part,
    /// One slip apart: a figure, two figures in each other's place, month and day in each other's place, or one of
    /// year, month and day.
    Near,
    /// Something else.
    Far,
}

/// Compares two birth dates.
pub fn compare(a: BirthDate, b: BirthDate) -> Birth {
    if !a.is_whole() || !b.is_whole() {
        let same = |x: u8, y: u8| x == 0 || y == 0 || x == y;
        let agrees = a.year == b.year && same(a.month, b.month) && same(a.day, b.day);
        return if agrees { Birth::Part } else { Birth::Far };
    }
    if a == b {
        return Birth::Same;
    }
    let parts = usize::from(a.year != b.year) + usize::from(a.month != b.month) + usize::from(a.day != b.day);
    let is_turned = a.year == b.year && a.month == b.day && a.day == b.month;
    if parts == 1 || is_turned || is_one_slip(a.number(), b.number()) { Birth::Near } else { Birth::Far }
}

/// Whether two numbers of eight figures differ in two neighbouring figures that changed places (one differing figure is one
/// differing part).
fn is_one_slip(a: u32, b: u32) -> bool {
    let figures = |n: u32| -> [u32; 8] { std::array::from_fn(|at| n / 10_u32.pow(at as u32) % 10) };
    let (a, b) = (figures(a), figures(b));
    let differing: Vec<usize> = (0..8).filter(|at| a[*at] != b[*at]).collect();
    matches!(differing[..], [x, y] if y == x + 1 && a[x] == b[y] && a[y] == b[x])
}
