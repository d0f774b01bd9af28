//! The table of `docs/leakage.md`: all 78 lines are in it, and every test that it names is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Lines of the checklist.
const LINES: u32 = 78;

#[test]
fn the_table_names_a_test_for_every_line_and_every_test_is_there() {
    let table = fs::read_to_string("docs/leakage.md").unwrap();
    let mut lines = BTreeSet::new();
    for row in table.lines().filter(|row| row.starts_with("| ")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let Ok(line) = cells[0].parse::<u32>() else { continue };
        assert_eq!(cells.len(), 3, "{row}");
        assert!(lines.insert(line), "line {line} is there twice");
        let named: Vec<(&str, &str)> =
            cells[2].split('`').skip(1).step_by(2).filter_map(|name| name.split_once("::")).collect();
        assert!(!named.is_empty() || cells[2].contains("no test"), "line {line} names no test, and does not say so");
        for (file, test) in named {
            let text = fs::read_to_string(file).unwrap_or_else(|_| panic!("line {line}: {file} is not there"));
            let at = text.find(&format!("fn {test}(")).unwrap_or_else(|| panic!("line {line}: {file} has no {test}"));
            assert!(
                text[..at].lines().rev().take(4).any(|line| line.trim() == "#[test]"),
                "line {line}: {test} is no test"
            );
        }
    }
    assert_eq!(lines, (1..=LINES).collect(), "all lines, each once");
}

/// A test that names a line is in the row of that line.
#[test]
fn every_test_that_names_a_line_is_in_its_row() {
    let table = fs::read_to_string("docs/leakage.md").unwrap();
    for file in files(Path::new("tests")) {
        let text = fs::read_to_string(&file).unwrap();
        for name in text.split("fn leak_").skip(1).filter_map(|rest| rest.split('(').next()) {
            let numbers =
                name.split('_').take_while(|part| part.parse::<u32>().is_ok() || matches!(*part, "and" | "to"));
            for number in numbers.filter_map(|part| part.parse::<u32>().ok()) {
                let row = table.lines().find(|row| row.starts_with(&format!("| {number} |"))).unwrap();
                assert!(row.contains(&format!("::leak_{name}`")), "line {number} does not name leak_{name}");
            }
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(files(&path)),
            path if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("table.rs") => found.push(path),
            _ => {}
        }
    }
    found
}
