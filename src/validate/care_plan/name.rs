//! Names of files: `<table>_[<YYYYMM>_]<office 10>_<service 2>_<office 10>_<service 2>_<YYYYMMDDHHMMSS>.CSV`.

use super::cell::deviates;
use super::layout::{Kind, LAYOUTS, Layout};
use super::rule::FILE_NAME;
use super::{Check, Deviation, SOURCE};
use crate::fault::Place;

/// What a name says.
pub(super) struct FileName<'n> {
    /// 提供年月 or 対象年月, `000000` for none.
    pub(super) month: Option<&'n str>,
}

/// The table that a name begins with: the longest of its first parts that is one.
pub(super) fn table(file: &str) -> Option<&'static str> {
    let names = |layout: &&Layout| file.strip_prefix(layout.name).is_some_and(|rest| rest.starts_with(['_', '.']));
    LAYOUTS.iter().filter(names).map(|layout| layout.name).max_by_key(|name| name.len())
}

impl Check<'_> {
    /// Reads the name of the file; one that begins with no table is some other name, and says nothing.
    pub(super) fn name<'n>(&mut self, file: &'n str) -> Option<FileName<'n>> {
        let layout = self.layout;
        let rest = file.strip_prefix(layout.name).filter(|_| table(file) == Some(layout.name))?;
        let stem = rest.rsplit_once('.').map_or(rest, |(stem, _)| stem);
        let mut parts: Vec<&str> = stem.split('_').skip(1).collect();
        let month = if layout.has_month && !parts.is_empty() { Some(parts.remove(0)) } else { None };
        let is_month = month.is_none_or(|month| deviates(Kind::Month(true), month).is_none());
        let is_good = match parts[..] {
            [from, from_service, to, to_service, stamp] => {
                let offices = [from, to].iter().all(|office| deviates(Kind::Office, office).is_none());
                let is_service = |service: &&str| service.len() == 2 && service.bytes().all(|b| b.is_ascii_digit());
                offices && [from_service, to_service].iter().all(is_service) && is_stamp(stamp)
            }
            _ => false,
        };
        let is_ending = rest.to_ascii_uppercase().ends_with(".CSV");
        if !is_good || !is_month || !is_ending {
            let month = if layout.has_month { "YYYYMM_" } else { "" };
            let form = format!("{}_{month}送信元10桁_種類2桁_送信先10桁_種類2桁_YYYYMMDDHHMMSS.CSV", layout.name);
            let (rule, source) = (&FILE_NAME, SOURCE);
            self.found.push(Deviation { rule, place: Place::Whole, en: form.clone(), ja: form, source, at: None });
        }
        Some(FileName { month: month.filter(|_| is_month) })
    }
}

/// Fourteen digits that are a time.
fn is_stamp(text: &str) -> bool {
    let Some((day, time)) = text.split_at_checked(8) else { return false };
    let is_time = time.len() == 6 && time.bytes().all(|b| b.is_ascii_digit());
    is_time
        && deviates(Kind::Date(false), day).is_none()
        && time < "240000"
        && time.get(2..4) < Some("60")
        && time.get(4..) < Some("60")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_table_is_meant() {
        for (file, expected) in [
            ("UPKIHON_SUB1_0300000100_43_0300000005_11_20191025200201.CSV", Some("UPKIHON_SUB1")),
            ("UPKIHON_0300000100_43_0300000005_11_20191025200201.CSV", Some("UPKIHON")),
            ("UP1KYO.csv", Some("UP1KYO")),
            ("UP1KYOX.csv", None),
            ("lab.csv", None),
        ] {
            assert_eq!(table(file), expected, "{file}");
        }
        assert!(is_stamp("20191025235959") && !is_stamp("20191025240000") && !is_stamp("2019102520020"));
        assert!(!is_stamp("20190229000000") && !is_stamp("年月日"));
    }
}
