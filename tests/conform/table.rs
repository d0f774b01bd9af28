//! The table of cases in the program is the folder `conformance/`. `UPDATE=1` writes it.

use std::path::{Path, PathBuf};

#[test]
fn the_table_is_the_folder() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut ids = Vec::new();
    walk(&root.join("conformance"), &root.join("conformance"), &mut ids);
    ids.sort();
    let (setups, cases): (Vec<String>, Vec<String>) = ids.into_iter().partition(|id| id.starts_with("setup/"));
    assert!(cases.len() > 150, "{}", cases.len());
    let rows = |ids: &[String], cut: &str| -> String {
        ids.iter()
            .map(|id| {
                format!("    (\"{}\", include_str!(\"../../conformance/{id}.toml\")),\n", id.trim_start_matches(cut))
            })
            .collect()
    };
    let text = format!(
        "//! The cases that come with the program. Generated: `UPDATE=1 cargo test --test conform table`.\n\n\
         /// Ids and texts, in the order of ids.\n#[rustfmt::skip]\npub(super) const CASES: &[(&str, &str)] = &[\n{}];\n\n\
         /// Names and texts of the step lists that cases begin with.\n#[rustfmt::skip]\npub(super) const SETUPS: &[(&str, &str)] = &[\n{}];\n",
        rows(&cases, ""),
        rows(&setups, "setup/")
    );
    let path = root.join("src/conform/table.rs");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "UPDATE=1 cargo test --test conform table");
}

fn walk(root: &Path, folder: &Path, ids: &mut Vec<String>) {
    let entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    for path in entries {
        if path.is_dir() {
            walk(root, &path, ids);
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            ids.push(path.strip_prefix(root).unwrap().with_extension("").to_str().unwrap().to_owned());
        }
    }
}
