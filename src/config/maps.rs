//! The folder of concept maps and column mappings: `*.json` for the whole site, `<facility>/*.json` and `<facility>/*.toml`
//! for one sender. Read at the start, and again when a file of it changes.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use super::problem::{self, Problem};
use crate::codes::{Book, Columns};
use crate::fault::Severity;
use crate::fhir::FacilityCode;

/// What the folder says, and what of it was left out (a pair too weak to be used), a sentence each.
#[derive(Clone, Debug, Default)]
pub struct Maps {
    /// The maps.
    pub book: Book,
    /// Things worth knowing that keep nothing from working.
    pub remarks: Vec<String>,
}

/// Reads the folder. A file that cannot be used is an error: half the maps would change what messages mean.
pub fn load(folder: &Path) -> Result<Maps, Problem> {
    let mut maps = Maps::default();
    for file in files(folder)? {
        let sender = match file.parent().and_then(|parent| parent.strip_prefix(folder).ok()) {
            Some(inner) if inner.as_os_str().is_empty() => None,
            Some(inner) => Some(FacilityCode::parse(&inner.to_string_lossy())),
            None => None,
        };
        let bytes = fs::read(&file).map_err(|error| trouble(&file, error.to_string()))?;
        match (file.extension().and_then(|e| e.to_str()), sender) {
            (Some("json"), sender) => concept_map(&file, sender.as_ref(), &bytes, &mut maps)?,
            (Some("toml"), Some(sender)) => {
                let columns = Columns::parse(&String::from_utf8_lossy(&bytes)).map_err(|e| trouble(&file, e))?;
                let unknown = crate::decode::export::unknown_columns(&columns);
                if !unknown.is_empty() {
                    return Err(trouble(&file, unknown.join("、")));
                }
                maps.book.add_columns(&sender, columns);
            }
            _ => {}
        }
    }
    Ok(maps)
}

/// A value that changes when a file of the folder does (names, sizes, times of change).
pub fn stamp(folder: &Path) -> u64 {
    let mut hash = DefaultHasher::new();
    for file in files(folder).unwrap_or_default() {
        file.hash(&mut hash);
        let data = fs::metadata(&file).ok();
        data.map(|data| (data.len(), data.modified().ok())).hash(&mut hash);
    }
    hash.finish()
}

fn concept_map(file: &Path, sender: Option<&FacilityCode>, bytes: &[u8], maps: &mut Maps) -> Result<(), Problem> {
    let issues = maps.book.add(sender, bytes).map_err(|issue| trouble(file, issue.english()))?;
    for issue in issues {
        let sentence = format!("{} {}", issue.place, issue.english());
        if issue.rule.severity >= Severity::Error {
            return Err(trouble(file, sentence));
        }
        maps.remarks.push(format!("{}: {sentence}", file.display()));
    }
    Ok(())
}

/// The files of the folder and of the folders in it, in order of their names; hidden ones are passed over.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let listed = fs::read_dir(&folder).map_err(|error| trouble(&folder, error.to_string()))?;
        for entry in listed.flatten() {
            let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
            match (is_hidden, entry.path().is_dir(), depth) {
                (true, ..) => {}
                (_, true, 0) => folders.push((entry.path(), 1)),
                (_, true, _) => {}
                (_, false, _) => found.push(entry.path()),
            }
        }
    }
    found.sort();
    Ok(found)
}

fn trouble(file: &Path, detail: String) -> Problem {
    Problem { file: file.to_owned(), line: None, key: String::new(), rule: &problem::MAP, detail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::Term;

    const MAP: &str = r#"{"resourceType":"ConceptMap","status":"active","group":[{"source":"99LAB","target":"http://loinc.org",
        "element":[{"code":"TP","target":[{"code":"2885-2","equivalence":"equivalent"}]}]}]}"#;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        folder
    }

    #[test]
    fn a_senders_folder_is_for_that_sender() {
        let mapping = "layout = \"lab-results\"\n[columns]\n\"患者番号\" = \"ID\"\n";
        let folder = folder(&[("0119999901/lab.json", MAP), ("0119999901/lab.toml", mapping), ("notes.txt", "x")]);
        let maps = load(folder.path()).unwrap();
        let known = |facility: &str| {
            let term = Term { system: "urn:oid:2.25.1", table: "99LAB", code: "TP" };
            maps.book.translate(&FacilityCode::parse(facility), term).len()
        };
        assert_eq!((known("0119999901"), known("0119999902")), (1, 0));
        assert_eq!(maps.book.columns(&FacilityCode::parse("0119999901")).len(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named() {
        for (name, text) in [
            ("x.json", "{"),
            ("x.json", r#"{"resourceType":"ConceptMap","group":[{"source":"a"}]}"#),
            ("f/x.toml", "layout = 1"),
            ("f/x.toml", "layout = \"lab-results\"\n[columns]\n\"患者ID\" = \"ID\"\n"),
            ("f/x.toml", "layout = \"nothing\"\n[columns]\n"),
        ] {
            let folder = folder(&[(name, text)]);
            let problem = load(folder.path()).unwrap_err();
            assert!(problem.to_string().contains(name), "{problem}");
        }
        assert!(load(Path::new("/nowhere/at/all")).is_err());
    }

    #[test]
    fn the_example_reads_the_example() {
        let maps = load(Path::new("examples/maps")).unwrap();
        let own = maps.book.columns(&FacilityCode::parse("0119999901"));
        let csv = "患者ID,患者氏名,SEX,採取日,伝票No,項目CD,項目名称,結果,単位\n17,見本 花子,2,2026/4/1,A1,TP,総蛋白,6.9,g/dL\n";
        let export = crate::decode::export::read_csv("kensa-0401.csv", csv.as_bytes(), own).unwrap();
        assert_eq!(export.value.rows[0].cell("性別"), "女");
        assert!(export.issues.is_empty(), "{:?}", export.issues);
    }

    #[test]
    fn a_change_shows_in_the_stamp() {
        let folder = folder(&[("x.json", MAP)]);
        let before = stamp(folder.path());
        assert_eq!(before, stamp(folder.path()));
        fs::write(folder.path().join("x.json"), MAP.replace("TP", "TPX")).unwrap();
        assert_ne!(before, stamp(folder.path()));
    }
}
