//! Trees as hospitals and tools leave them.

use std::fs;

use super::*;

const ROOT: &str = "0119999901";
const RESULT: &str = "999/901/9999013/20111220/OML-11/9999013_20111220_OML-11_000000011000354_20111220103059000_01_1";
const PATIENT: &str = "999/901/9999013/-/ADT-00/9999013_-_ADT-00_999999999999999_20111201224447339_-_1";
const DELETED: &str = "999/901/9999013/-/ADT-61/9999013_-_ADT-61_999999999999999_20111220103059000_-_0";
const OTHER: &str = "000/000/0000001/20000401/OMP-11/0000001_20000401_OMP-11_123456789012345_20110701113813225_01_1";
const MISFILED: &str = "000/000/0000001/20000401/ADT-31/9999013_20110630_OMP-11_123456789012345_20110701113813225_01_1";

fn tree(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "MSH|^~\\&|\r").unwrap();
    }
    folder
}

fn story(path: &Path) -> Vec<Vec<(String, String)>> {
    let mut groups: Vec<Vec<(String, String)>> =
        walk(path).map(|group| group.unwrap().files.into_iter().map(|f| (said(&f), f.name)).collect()).collect();
    groups.sort();
    assert_eq!(groups.iter().map(Vec::len).sum::<usize>() as u64, count(path));
    groups
}

fn said(found: &Found) -> String {
    let shape = match &found.shape {
        Shape::SsMix2(name) => name.kind.code(),
        Shape::Misnamed(issue) => issue.rule.id,
        Shape::Fhir => "fhir",
        Shape::Loose => "loose",
        Shape::Ignored(rule) => rule.id,
    };
    let doubts: Vec<&str> = found.issues.iter().map(|issue| issue.rule.id).collect();
    [shape].into_iter().chain(doubts).collect::<Vec<_>>().join(" ")
}

fn pairs(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|(shape, name)| ((*shape).to_owned(), (*name).to_owned())).collect()
}

#[test]
fn a_storage_comes_patient_by_patient_in_the_order_of_time() {
    let files: Vec<String> = [RESULT, PATIENT, DELETED, OTHER, MISFILED, "999/901/9999013/Thumbs.db", ".DS_Store"]
        .iter()
        .map(|file| format!("{ROOT}/{file}"))
        .collect();
    let folder = tree(&files.iter().map(String::as_str).collect::<Vec<_>>());
    let root = folder.path().join(ROOT);
    let expected = [
        pairs(&[
            ("ADT-00", PATIENT),
            ("OML-11", RESULT),
            ("ADT-61", DELETED),
            (HOUSEKEEPING.id, "999/901/9999013/Thumbs.db"),
        ]),
        pairs(&[("OMP-11", OTHER), ("ssmix2-folders-disagree", MISFILED)]),
        pairs(&[(HOUSEKEEPING.id, ".DS_Store")]),
    ];
    assert_eq!(story(&root), expected);
    // From above the root, what belongs to the storage is the same.
    assert_eq!(story(folder.path())[..2], expected[..2]);
    let facilities: Vec<_> = walk(folder.path()).map(|group| group.unwrap().facility).collect();
    let code = Some(FacilityCode::parse(ROOT));
    assert_eq!(facilities, [None, code.clone(), code]);
}

#[test]
fn a_part_of_a_storage_has_the_names_of_the_whole() {
    let file = format!("{ROOT}/{RESULT}");
    let folder = tree(&[&file]);
    for above in 0..=8 {
        let path = folder.path().join(&file);
        let Some(path) = path.ancestors().nth(above).filter(|path| path.starts_with(folder.path())) else { continue };
        assert_eq!(story(path), [pairs(&[("OML-11", RESULT)])], "{above}");
        let code = facility_of_root(path).map(|code| code.as_str().to_owned());
        let is_above_root = path == folder.path();
        assert_eq!(code.as_deref(), (!is_above_root).then_some(ROOT), "{above}");
    }
}

#[test]
fn a_ten_digit_patient_folder_is_no_facility() {
    let file = "store/131/000/1310000001/-/ADT-00/1310000001_-_ADT-00_999999999999999_20111201224447339_-_1";
    let folder = tree(&[file]);
    for part in ["store/131/000/1310000001", "store/131/000/1310000001/-", "store/131/000", "store/131", "store"] {
        assert_eq!(facility_of_root(&folder.path().join(part)), None, "{part}");
    }
}

#[test]
fn loose_files() {
    let flat = "20111220__OML-11__9999013_20111220_OML-11_000000011000354_20111220103059000_01_1";
    let wrong = "20111221__OML-11__9999013_20111220_OML-11_000000011000354_20111220103059000_01_1";
    let folder = tree(&["a.json", "b.HL7", "in/c", "in/d.txt", "e.dat", "f.pdf", ".git/config", flat, wrong]);
    let others = ["g.XML", "h.csv", "i.zip", "j.DAT", "k.pdf"];
    others.iter().for_each(|name| fs::write(folder.path().join(name), "%").unwrap());
    fs::write(folder.path().join("f.pdf"), "%PDF").unwrap();
    let expected = [
        pairs(&[("OML-11 ssmix2-folders-missing", flat)]),
        pairs(&[
            (HOUSEKEEPING.id, ".git"),
            ("ssmix2-folders-disagree", wrong),
            ("fhir", "a.json"),
            ("loose", "b.HL7"),
            ("loose", "e.dat"),
            (NOT_READ_HERE.id, "f.pdf"),
            ("loose", "g.XML"),
            ("loose", "h.csv"),
            ("loose", "i.zip"),
            ("loose", "j.DAT"),
            (NOT_READ_HERE.id, "k.pdf"),
        ]),
        pairs(&[("loose", "in/c"), ("loose", "in/d.txt")]),
    ];
    let mut found = story(folder.path());
    found.sort_by_key(|group| group[0].1.starts_with("in/"));
    assert_eq!(found, expected);
    assert_eq!(story(&folder.path().join("in/c")), [pairs(&[("loose", "c")])]);
}

#[test]
fn links_are_not_followed_and_failures_are_said() {
    let folder = tree(&["x/a.hl7"]);
    std::os::unix::fs::symlink("/etc", folder.path().join("x/etc")).unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("x/loop")).unwrap();
    let expected = [("loose", "x/a.hl7"), (SYMBOLIC_LINK.id, "x/etc"), (SYMBOLIC_LINK.id, "x/loop")];
    assert_eq!(story(folder.path()), [pairs(&expected)]);
    assert!(walk(&folder.path().join("missing")).next().unwrap().is_err());
    assert_eq!(count(&folder.path().join("missing")), 0);
    let path = folder.path().join("x/a.hl7");
    assert_eq!(read(&path, 10).map_err(|i| i.rule.id), Ok(b"MSH|^~\\&|\r".to_vec()));
    assert_eq!(read(&path, 9).map_err(|i| i.rule.id), Err(FILE_TOO_LARGE.id));
    assert_eq!(read(&folder.path().join("x"), 9999).map_err(|i| i.rule.id), Err(UNREADABLE.id));
}
