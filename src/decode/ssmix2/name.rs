//! File names: `患者ID_診療日_データ種別_オーダNo_発生日時_診療科_コンディションフラグ`.

use jiff::civil::{Date, Time};
use jiff::tz::Offset;

use super::Kind;
use super::rule::{
    KIND_UNKNOWN, NAME_DATE, NAME_DEPARTMENT, NAME_FLAG, NAME_ORDER, NAME_PARTS, NAME_PATIENT, NAME_STAMP,
};
use crate::fault::{Issue, Place, Rule};

/// What a file name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName {
    /// 患者ID
    pub patient: String,
    /// 診療日, `YYYYMMDD`; `None` for `-`.
    pub date: Option<String>,
    /// データ種別
    pub kind: Kind,
    /// オーダNo; `None` when it is all nines.
    pub order: Option<String>,
    /// 発生日時, 17 digits `YYYYMMDDHHMMSSfff`; milliseconds that were not sent are zeros.
    pub stamp: String,
    /// 診療科コード; `None` for `-`.
    pub department: Option<String>,
    /// コンディションフラグ
    pub flag: Flag,
}

/// コンディションフラグ
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    /// 2: replaced by a newer file.
    Superseded,
    /// 1: valid.
    Valid,
    /// 0: deleted.
    Deleted,
}

impl FileName {
    /// Reads a file name, without its folders. The issue says which part is wrong and what the rule is.
    pub fn parse(name: &str) -> Result<FileName, Issue> {
        let parts: Vec<&str> = name.split('_').take(64).collect();
        let [patient, date, kind, order, stamp, department, flag] = parts[..] else {
            return Err(wrong(&NAME_PARTS, "-", parts.len().to_string()));
        };
        if patient.trim().is_empty() {
            return Err(wrong(&NAME_PATIENT, "患者ID", String::new()));
        }
        if date != "-" && calendar_date(date).is_none() {
            return Err(wrong(&NAME_DATE, "診療日", digits(date, "is not a date", "実在しない日付")));
        }
        let kind = Kind::parse(kind).ok_or_else(|| wrong(&KIND_UNKNOWN, "データ種別", quoted(kind)))?;
        if order.is_empty() || order.len() > 15 || !is_number(order) {
            return Err(wrong(&NAME_ORDER, "オーダNo", digits(order, "is too long", "桁数超過")));
        }
        if moment(stamp).is_none() {
            return Err(wrong(&NAME_STAMP, "発生日時", digits(stamp, "is not a time", "実在しない日時")));
        }
        if department.is_empty() {
            return Err(wrong(&NAME_DEPARTMENT, "診療科コード", String::new()));
        }
        let flag = match flag {
            "0" => Flag::Deleted,
            "1" => Flag::Valid,
            "2" => Flag::Superseded,
            _ => return Err(wrong(&NAME_FLAG, "コンディションフラグ", digits(flag, "is none of these", "範囲外"))),
        };
        Ok(FileName {
            patient: patient.to_owned(),
            date: (date != "-").then(|| date.to_owned()),
            kind,
            order: (!order.bytes().all(|b| b == b'9')).then(|| order.to_owned()),
            stamp: format!("{stamp:0<17}"),
            department: (department != "-").then(|| department.to_owned()),
            flag,
        })
    }

    /// 発生日時 in milliseconds since 1970, read in the source's zone.
    pub fn stamp_milliseconds(&self, zone_minutes: i16) -> i64 {
        let instant = moment(&self.stamp).and_then(|moment| {
            let offset = Offset::from_seconds(i32::from(zone_minutes) * 60).ok()?;
            offset.to_timestamp(moment).ok()
        });
        // Only a name that was not made by `parse` has no instant.
        instant.map_or(0, |instant| instant.as_millisecond())
    }

    /// The order in which a patient's files tell their story: time of occurrence; at the same time what was replaced,
    /// what is valid, what was deleted; then who the patient is, what is known of them, visits, orders, results.
    pub fn sequence(&self) -> impl Ord + use<'_> {
        (self.stamp.as_str(), self.flag, self.kind.rank(), self.kind, self.date.as_deref(), self.order.as_deref())
    }
}

impl Flag {
    /// As it stands in a file name.
    pub const fn code(self) -> &'static str {
        match self {
            Flag::Superseded => "2",
            Flag::Valid => "1",
            Flag::Deleted => "0",
        }
    }
}

fn wrong(rule: &'static Rule, part: &'static str, detail: String) -> Issue {
    let place = if part == "-" { Place::Whole } else { Place::Path(part.into()) };
    Issue::with(rule, place, detail)
}

/// Says what is wrong with a number without quoting it: parts may be out of place, and one of them is a patient number.
fn digits(text: &str, otherwise_en: &str, otherwise_ja: &str) -> String {
    match text.chars().count() {
        0 => "is empty / 空".to_owned(),
        count if is_number(text) => format!("{otherwise_en} ({count} digits) / {otherwise_ja}({count}桁)"),
        count => {
            format!("has {count} characters, not all of them digits 0-9 / {count}文字、半角数字以外の文字を含む")
        }
    }
}

/// A data kind may be quoted when it looks like one.
fn quoted(kind: &str) -> String {
    let is_code = kind.len() <= 6
        && kind.get(..3).is_some_and(|letters| letters.bytes().all(|b| b.is_ascii_uppercase()))
        && kind.get(3..).is_some_and(|rest| rest.bytes().all(|b| b == b'-' || b.is_ascii_digit()));
    if is_code { kind.to_owned() } else { format!("{} characters / {0}文字", kind.chars().count()) }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Eight digits that are a date.
pub(super) fn calendar_date(text: &str) -> Option<Date> {
    if text.len() != 8 || !is_number(text) {
        return None;
    }
    let date = Date::new(text[..4].parse().ok()?, text[4..6].parse().ok()?, text[6..].parse().ok()?).ok()?;
    // Storages began in 2006; earlier dates are data carried over. Year 0000 is a filler.
    (1850..=2199).contains(&date.year()).then_some(date)
}

fn moment(text: &str) -> Option<jiff::civil::DateTime> {
    if !matches!(text.len(), 14 | 17) || !is_number(text) {
        return None;
    }
    let part = |from: usize, to: usize| text[from..to].parse::<i8>().ok();
    let milliseconds: i32 = text[14..].parse().unwrap_or(0);
    let time = Time::new(part(8, 10)?, part(10, 12)?, part(12, 14)?, milliseconds * 1_000_000).ok()?;
    Some(calendar_date(&text[..8])?.to_datetime(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_part_by_part() {
        let name = FileName::parse("9999013_20111220_OML-11_000000011000354_20111220103059000_01_1").unwrap();
        assert_eq!((name.patient.as_str(), name.date.as_deref()), ("9999013", Some("20111220")));
        assert_eq!((name.kind, name.order.as_deref()), (Kind::Oml11, Some("000000011000354")));
        assert_eq!((name.department.as_deref(), name.flag), (Some("01"), Flag::Valid));
        assert_eq!(name.stamp_milliseconds(540), 1_324_344_659_000);
        assert_eq!(name.stamp_milliseconds(0) - name.stamp_milliseconds(540), 9 * 3_600_000);
        let name = FileName::parse("A-1_-_ADT-00_999999999999999_20111220224447_-_0").unwrap();
        assert_eq!((name.date, name.order, name.department, name.flag), (None, None, None, Flag::Deleted));
        assert_eq!(name.stamp, "20111220224447000");
    }

    #[test]
    fn each_wrong_part_has_its_rule() {
        for (name, rule) in [
            ("", &NAME_PARTS),
            ("9999013_20111220_OML-11", &NAME_PARTS),
            ("9_9_20111220_OML-11_1_20111220103059000_01_1", &NAME_PARTS),
            ("_20111220_OML-11_1_20111220103059000_01_1", &NAME_PATIENT),
            ("9_20110229_OML-11_1_20111220103059000_01_1", &NAME_DATE),
            ("9__OML-11_1_20111220103059000_01_1", &NAME_DATE),
            ("9_２０１１1220_OML-11_1_20111220103059000_01_1", &NAME_DATE),
            ("9_20111220_OML-99_1_20111220103059000_01_1", &KIND_UNKNOWN),
            ("9_20111220_oml-11_1_20111220103059000_01_1", &KIND_UNKNOWN),
            ("9_20111220_OML-11_-_20111220103059000_01_1", &NAME_ORDER),
            ("9_20111220_OML-11_1234567890123456_20111220103059000_01_1", &NAME_ORDER),
            ("9_20111220_OML-11_1_20111220246059000_01_1", &NAME_STAMP),
            ("9_20111220_OML-11_1_2011122010305900_01_1", &NAME_STAMP),
            ("9_20111220_OML-11_1_20111220103059000__1", &NAME_DEPARTMENT),
            ("9_20111220_OML-11_1_20111220103059000_01_3", &NAME_FLAG),
            ("9_20111220_OML-11_1_20111220103059000_01_1.hl7", &NAME_FLAG),
        ] {
            let issue = FileName::parse(name).unwrap_err();
            assert_eq!(issue.rule.id, rule.id, "{name}");
            assert!(!issue.english().contains("{}") && !issue.japanese().contains("{}"));
        }
        let issue = FileName::parse("9_20111220_OML-99_1_20111220103059000_01_1").unwrap_err();
        assert!(issue.english().ends_with(": OML-99."));
        let issue = FileName::parse("9_20111220_9999013_1_20111220103059000_01_1").unwrap_err();
        assert!(!issue.english().contains("9999013"));
    }

    #[test]
    fn files_come_in_the_order_of_their_story() {
        let names = [
            "9_-_ADT-00_999999999999999_20111220224447339_-_2",
            "9_20111220_OMP-01_1_20111220224447339_01_2",
            "9_-_ADT-00_999999999999999_20111220224447339_-_1",
            "9_-_PPR-01_999999999999999_20111220224447339_-_1",
            "9_20111220_ADT-22_1_20111220224447339_01_1",
            "9_20111220_OML-01_1_20111220224447339_01_1",
            "9_20111220_OML-11_1_20111220224447339_01_1",
            "9_-_ADT-00_999999999999999_20111220224447339_-_0",
            "9_-_ADT-00_999999999999999_20111221000000_-_1",
        ];
        let mut sorted: Vec<FileName> = names.iter().rev().map(|n| FileName::parse(n).unwrap()).collect();
        sorted.sort_by(|a, b| a.sequence().cmp(&b.sequence()));
        let expected: Vec<FileName> = names.iter().map(|n| FileName::parse(n).unwrap()).collect();
        assert_eq!(sorted, expected);
    }
}
