//! Dates and times as Japanese systems export them.

use crate::fhir::time;

/// The first year of an era, less one, and its last year.
const ERAS: [(char, &str, u32, u32); 5] = [
    ('M', "明治", 1867, 45),
    ('T', "大正", 1911, 15),
    ('S', "昭和", 1925, 64),
    ('H', "平成", 1988, 31),
    ('R', "令和", 2018, 99),
];

/// A date or time as digits: `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`. Takes `2021-09-30`, `2021/9/30`, `20210930`,
/// `R3.9.30`, `令和3年9月30日` (元年 too), each followed by nothing or, after a space or `T`, by `9:30` or `09:30:00`; and
/// digits throughout. Full-width digits are as good as others. `None` for what is no day of the calendar.
pub fn digits(text: &str) -> Option<String> {
    let narrow: String = text.trim().chars().map(narrow).collect();
    let (day, clock) = match narrow.find(['T', ' ']).filter(|at| *at > 1) {
        Some(at) => (&narrow[..at], narrow[at + 1..].trim()),
        None => (narrow.as_str(), ""),
    };
    if clock.is_empty() && day.bytes().all(|b| b.is_ascii_digit()) {
        return matches!(day.len(), 8 | 12 | 14).then(|| day.to_owned()).filter(|found| is_real(found));
    }
    let found = day_digits(day)? + &clock_digits(clock)?;
    is_real(&found).then_some(found)
}

fn is_real(digits: &str) -> bool {
    time::from_v2(digits, 0).is_some()
}

fn day_digits(day: &str) -> Option<String> {
    if day.len() == 8 && day.bytes().all(|b| b.is_ascii_digit()) {
        return Some(day.to_owned());
    }
    let era = ERAS.iter().find_map(|(letter, name, before, last)| {
        let rest = day.strip_prefix(name).or_else(|| day.strip_prefix(*letter))?;
        Some((rest, *before, *last))
    });
    let (rest, before, last) = era.unwrap_or((day, 0, 9999));
    let rest = rest.strip_suffix('日').unwrap_or(rest).replace("元", "1");
    let mut parts = rest.split(['-', '/', '.', '年', '月']).map(|part| part.trim().parse::<u32>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || year == 0 || year > last || (era.is_none() && year < 1000) {
        return None;
    }
    Some(format!("{:04}{month:02}{day:02}", before + year))
}

fn clock_digits(clock: &str) -> Option<String> {
    if clock.is_empty() {
        return Some(String::new());
    }
    if clock.bytes().all(|b| b.is_ascii_digit()) {
        return matches!(clock.len(), 4 | 6).then(|| clock.to_owned());
    }
    let parts: Vec<u32> = clock.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let fits = matches!(parts.as_slice(), [0..24, 0..60] | [0..24, 0..60, 0..60]);
    fits.then(|| parts.iter().map(|part| format!("{part:02}")).collect())
}

/// Full-width forms of ASCII and the ideographic space as ASCII.
fn narrow(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_spelling_is_read() {
        for (text, expected) in [
            ("20210930", "20210930"),
            ("2021-09-30", "20210930"),
            ("2021/9/3", "20210903"),
            ("2021年9月30日", "20210930"),
            ("R3.9.30", "20210930"),
            ("令和元年5月1日", "20190501"),
            ("S64.1.7", "19890107"),
            ("２０２１／０９／３０", "20210930"),
            ("2021-09-30T09:30", "202109300930"),
            ("2021/9/30 9:30:05", "20210930093005"),
            ("202109300930", "202109300930"),
            ("20210930 0930", "202109300930"),
        ] {
            assert_eq!(digits(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in [
            "20260231",
            "2021-13-01",
            "",
            "9/30",
            "S65.1.1",
            "2021",
            "21/9/30",
            "abc",
            "2021-09-30 25:00",
            "R0.1.1",
            "T",
            " T1",
        ] {
            assert_eq!(digits(text), None, "{text}");
        }
    }
}
