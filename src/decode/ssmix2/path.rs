//! Paths: `<患者ID 1-3>/<患者ID 4-6>/<患者ID>/<診療日>/<データ種別>/<ファイル>`, and whether the folders agree with the name.

use super::name::calendar_date;
use super::rule::{FOLDERS_DISAGREE, FOLDERS_MISSING};
use super::{FileName, Kind};
use crate::fault::{Issue, Noted, Place};

/// What a path relative to the root of a storage is.
#[derive(Clone, Debug)]
pub enum Naming {
    /// A file of a storage, perhaps with a doubt that does not hold it back.
    Named(Noted<FileName>),
    /// Meant to be a file of a storage, but its name is wrong or its folders disagree with it.
    Misnamed(Issue),
    /// Something else.
    Other,
}

/// Reads a path with `/`. A good name alone is believed, one in other folders with a warning; so is the part after the last `__`
/// of a name, which is how tools flatten a storage into one folder (`<診療日>__<データ種別>__<ファイル>`).
pub fn naming(path: &str) -> Naming {
    let (folders, file) = path.rsplit_once('/').unwrap_or(("", path));
    let mut folders: Vec<&str> = folders.split('/').filter(|folder| !folder.is_empty() && *folder != ".").collect();
    let name = match FileName::parse(file) {
        Ok(name) => name,
        Err(issue) => {
            let Some((flattened, name)) = file.rsplit_once("__").and_then(|(f, n)| Some((f, FileName::parse(n).ok()?)))
            else {
                let is_meant = is_storage(&folders) || resembles(file);
                return if is_meant { Naming::Misnamed(issue) } else { Naming::Other };
            };
            folders.clear();
            folders.extend(flattened.split("__"));
            name
        }
    };
    if folders.is_empty() {
        // A file that came by itself (by HTTP, on the command line): nobody said where it lies.
        return Naming::Named(Noted { value: name, issues: Vec::new() });
    }
    if !is_storage(&folders) {
        return Naming::Named(Noted { value: name, issues: vec![Issue::new(&FOLDERS_MISSING, Place::Whole)] });
    }
    let expected = expected_folders(&name);
    let disagreeing: Vec<&str> = folders
        .iter()
        .rev()
        .zip(&expected)
        .filter(|(is, (_, should))| *is != should)
        .map(|(_, (what, _))| *what)
        .collect();
    if !disagreeing.is_empty() {
        return Naming::Misnamed(Issue::with(&FOLDERS_DISAGREE, Place::Whole, disagreeing.join(", ")));
    }
    let is_complete = folders.len() >= expected.len();
    let issues = if is_complete { Vec::new() } else { vec![Issue::new(&FOLDERS_MISSING, Place::Whole)] };
    Naming::Named(Noted { value: name, issues })
}

/// The folders above a patient's, outermost first: characters 1 to 3 and 4 to 6 of the number, as far as there are.
/// What a number shorter than 6 looks like the specification does not say; nothing is padded.
pub fn prefix_folders(patient: &str) -> Vec<&str> {
    let third = patient.char_indices().nth(3).map_or(patient.len(), |(at, _)| at);
    let sixth = patient.char_indices().nth(6).map_or(patient.len(), |(at, _)| at);
    [&patient[..third], &patient[third..sixth]].into_iter().filter(|folder| !folder.is_empty()).collect()
}

/// Whether a folder is named as a 診療日 is: eight digits that are a date, or `-`.
pub fn is_date_folder(name: &str) -> bool {
    name == "-" || calendar_date(name).is_some()
}

/// Whether a folder is named as a データ種別 is, known or not: `OMD`, `ADT-00`, `XYZ-12`.
pub fn is_kind_folder(name: &str) -> bool {
    let shape = match name.as_bytes() {
        [letters @ .., b'-', tens, ones] => letters.len() == 3 && tens.is_ascii_digit() && ones.is_ascii_digit(),
        _ => Kind::parse(name).is_some(),
    };
    shape && name.as_bytes().iter().take(3).all(u8::is_ascii_uppercase)
}

/// The folders end as those of a storage do.
fn is_storage(folders: &[&str]) -> bool {
    matches!(folders, [.., date, kind] if is_date_folder(date) && is_kind_folder(kind))
}

/// A name that was meant to follow the rule: several parts, one of them a data kind.
fn resembles(file: &str) -> bool {
    let mut parts = file.split('_');
    file.matches('_').count() >= 4 && parts.any(is_kind_folder)
}

/// What each folder should be called, innermost first.
fn expected_folders(name: &FileName) -> Vec<(&'static str, &str)> {
    let mut expected = vec![
        ("データ種別", name.kind.code()),
        ("診療日", name.date.as_deref().unwrap_or("-")),
        ("患者ID", name.patient.as_str()),
    ];
    let prefixes = prefix_folders(&name.patient);
    expected.extend(prefixes.into_iter().rev().zip(["患者ID 4-6", "患者ID 1-3"]).map(|(folder, what)| (what, folder)));
    expected
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "9999013_20111220_OML-11_000000011000354_20111220103059000_01_1";

    fn read(path: &str) -> String {
        match naming(path) {
            Naming::Named(noted) => noted.issues.first().map_or("named", |issue| issue.rule.id).to_owned(),
            Naming::Misnamed(issue) => format!("{} {}", issue.rule.id, issue.detail),
            Naming::Other => "other".to_owned(),
        }
    }

    #[test]
    fn folders_agree_with_the_name_or_the_file_is_held() {
        for (folders, expected) in [
            ("999/901/9999013/20111220/OML-11/", "named"),
            ("0119999901/999/901/9999013/20111220/OML-11/", "named"),
            ("9999013/20111220/OML-11/", "ssmix2-folders-missing"),
            ("", "named"),
            ("inbox/today/", "ssmix2-folders-missing"),
            ("20111220__OML-11__", "ssmix2-folders-missing"),
            ("copy__", "ssmix2-folders-missing"),
            ("20111221__OML-11__", "ssmix2-folders-disagree 診療日"),
            ("000/000/0000001/20111220/OML-11/", "ssmix2-folders-disagree 患者ID, 患者ID 4-6, 患者ID 1-3"),
            ("999/902/9999013/20111220/OML-11/", "ssmix2-folders-disagree 患者ID 4-6"),
            ("999/901/9999013/-/OML-11/", "ssmix2-folders-disagree 診療日"),
            ("999/901/9999013/20111220/OML-01/", "ssmix2-folders-disagree データ種別"),
        ] {
            assert_eq!(read(&format!("{folders}{NAME}")), expected, "{folders}");
        }
    }

    #[test]
    fn short_numbers_have_as_many_prefix_folders_as_characters() {
        let file = |patient: &str| format!("{patient}_-_ADT-00_999999999999999_20111220103059000_-_1");
        assert_eq!(read(&format!("123/45/12345/-/ADT-00/{}", file("12345"))), "named");
        assert_eq!(read(&format!("12/12/-/ADT-00/{}", file("12"))), "named");
        assert_eq!(prefix_folders("患者12345"), ["患者1", "234"]);
    }

    #[test]
    fn other_files_are_told_from_misnamed_ones() {
        assert_eq!(read("patient.json"), "other");
        assert_eq!(read("a_b_c.hl7"), "other");
        assert_eq!(read("999/901/9999013/20111220/OML-11/readme"), "ssmix2-name-parts 1");
        assert_eq!(read("9999013_20111220_OML-11_1_20111220103059000_01"), "ssmix2-name-parts 6");
        assert!(read(&format!("{NAME}.hl7")).starts_with("ssmix2-name-flag"));
        assert!(read("9999013_20111220_XYZ-11_1_20111220103059000_01_1").ends_with("XYZ-11"));
    }
}
