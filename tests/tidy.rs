//! The build reads ARCHITECTURE.md: its module table says what each module is and may use, and this test holds the code
//! to it. It also holds every file to its first line and its size.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)] // a test fails by panicking

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// No file is longer.
const LINES_MAX: usize = 600;

/// What a pure module must not touch, and the name under which the failure speaks of it.
const IMPURE: [(&str, &str); 14] = [
    ("SystemTime", "a clock"),
    ("Instant::now", "a clock"),
    ("Timestamp::now", "a clock"),
    ("std::net", "a socket"),
    ("std::fs", "a file"),
    ("File::open", "a file"),
    ("tokio::", "an async runtime"),
    ("actix_web", "HTTP"),
    ("reqwest", "HTTP"),
    ("new_v4", "a random source"),
    ("getrandom", "a random source"),
    ("std::env", "an environment variable"),
    ("tracing::", "a log line"),
    ("println!", "output"),
];

struct Module {
    pure: bool,
    may_use: BTreeSet<String>,
}

#[test]
fn code_keeps_to_the_module_table() {
    let table = module_table();
    let mut wrong = Vec::new();
    for file in rust_files(Path::new("src")) {
        let Some(module) = module_of(&file) else { continue };
        let Some(row) = table.get(&module) else {
            wrong.push(format!("{}: module `{module}` has no row in ARCHITECTURE.md", file.display()));
            continue;
        };
        let text = code_of(&fs::read_to_string(&file).expect("readable"));
        for used in crate_paths(&text) {
            if used != module && table.contains_key(&used) && !row.may_use.contains(&used) {
                wrong.push(format!("{}: `{module}` may not use `{used}`", file.display()));
            }
        }
        if row.pure {
            for (needle, what) in IMPURE {
                if text.contains(needle) {
                    wrong.push(format!("{}: `{module}` is pure and touches {what} ({needle})", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_row_of_the_table_is_a_module() {
    for module in module_table().keys() {
        let file = Path::new("src").join(format!("{module}.rs"));
        let folder = Path::new("src").join(module).join("mod.rs");
        assert!(file.exists() || folder.exists(), "ARCHITECTURE.md names `{module}`, which is not there");
    }
}

#[test]
fn arrows_that_must_not_exist() {
    let table = module_table();
    for (from, to) in [("store", "consent"), ("map", "validate"), ("api", "decode"), ("intake", "store")] {
        assert!(!table[from].may_use.contains(to), "{from} must not know {to}");
    }
    for (module, row) in &table {
        assert!(!row.may_use.contains("api") || module == "app" || module == "cli", "{module} must not know api");
    }
}

#[test]
fn files_say_what_they_are_for_and_stay_small() {
    let mut wrong = Vec::new();
    for root in ["src", "tests", "crates"] {
        for file in rust_files(Path::new(root)) {
            let text = fs::read_to_string(&file).expect("readable");
            if !text.starts_with("//! ") {
                wrong.push(format!("{}: the first line must say what it is for (//! …)", file.display()));
            }
            let lines = text.lines().count();
            if lines > LINES_MAX {
                wrong.push(format!("{}: {lines} lines, at most {LINES_MAX}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn status_codes_stand_in_one_table() {
    let mut wrong = Vec::new();
    for file in rust_files(Path::new("src")).into_iter().filter(|f| !f.ends_with("fault.rs")) {
        let text = code_of(&fs::read_to_string(&file).expect("readable"));
        for needle in ["StatusCode::", "HttpResponse::Ok", "HttpResponse::NotFound", "HttpResponse::BadRequest"] {
            // The one bridge from the table's number to the library's type.
            if text.contains(needle) && !text.contains("StatusCode::from_u16(status.code())") {
                wrong.push(format!("{}: {needle} (use fault::Status)", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Rows `| module | pure or edge | may use | responsibility |` of ARCHITECTURE.md.
fn module_table() -> BTreeMap<String, Module> {
    let text = fs::read_to_string("ARCHITECTURE.md").expect("ARCHITECTURE.md");
    let mut table = BTreeMap::new();
    for line in text.lines().filter(|l| l.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if cells.len() != 4 || !matches!(cells[1], "pure" | "edge") {
            continue;
        }
        let names = |cell: &str| -> BTreeSet<String> {
            cell.split([' ', ',']).map(|name| name.trim_matches('`').to_owned()).filter(|n| !n.is_empty()).collect()
        };
        let module = cells[0].trim_matches('`').to_owned();
        table.insert(module, Module { pure: cells[1] == "pure", may_use: names(cells[2]) });
    }
    assert!(table.len() > 10, "the module table of ARCHITECTURE.md cannot be read");
    table
}

/// The top-level module a file belongs to; none for `lib.rs` and `main.rs`.
fn module_of(file: &Path) -> Option<String> {
    let inside = file.strip_prefix("src").ok()?;
    let first = inside.components().next()?.as_os_str().to_str()?;
    let module = first.strip_suffix(".rs").unwrap_or(first);
    (!matches!(module, "lib" | "main")).then(|| module.to_owned())
}

/// The text without comments, strings of tests, and test modules.
fn code_of(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap_or("");
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The modules named as `crate::x`, also in `use crate::{x::…, y}`.
fn crate_paths(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => {
                let mut depth = 0;
                for part in group.split_inclusive([',', '{', '}']) {
                    if depth == 0 {
                        found.insert(leading_name(part.trim()));
                    }
                    match part.chars().last() {
                        Some('{') => depth += 1,
                        Some('}') if depth == 0 => break,
                        Some('}') => depth -= 1,
                        _ => {}
                    }
                }
            }
            None => {
                found.insert(leading_name(rest));
            }
        }
    }
    found
}

fn leading_name(text: &str) -> String {
    text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

fn rust_files(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let Ok(entries) = fs::read_dir(root) else { return files };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if !path.ends_with("target") {
                files.extend(rust_files(&path));
            }
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
