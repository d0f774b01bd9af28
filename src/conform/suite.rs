//! The cases there are: those that come with the program, and those of a folder of an integrator's own.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::case::{Case, Setup};
use super::step::Step;
use super::table::{CASES, SETUPS};

/// Cases, in the order of their ids, and the step lists that they begin with.
#[derive(Clone, Debug)]
pub struct Suite {
    /// The cases.
    pub cases: Vec<Case>,
    pub(super) setups: BTreeMap<String, Vec<Step>>,
}

impl Suite {
    /// The cases that come with the program. The error names a file that cannot be read.
    pub fn shipped() -> Result<Suite, String> {
        let setups = SETUPS.iter().map(|(name, text)| setup(name, text)).collect::<Result<_, _>>()?;
        let cases = CASES.iter().map(|(id, text)| Case::parse(id, text)).collect::<Result<Vec<_>, _>>()?;
        Suite { cases, setups }.checked()
    }

    /// With the cases of a folder, its step lists in its `setup`. A case of the same id takes the place of a shipped one.
    pub fn with_folder(mut self, folder: &Path) -> Result<Suite, String> {
        let mut files = Vec::new();
        walk(folder, &mut files).map_err(|error| format!("{}: {error}", folder.display()))?;
        if files.is_empty() {
            return Err(format!("{}: there is no case (*.toml)", folder.display()));
        }
        for path in files {
            let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let inside = path.strip_prefix(folder).unwrap_or(&path).with_extension("");
            let id = inside.to_string_lossy().replace('\\', "/");
            match id.strip_prefix("setup/") {
                Some(name) => {
                    let (name, steps) = setup(name, &text)?;
                    self.setups.insert(name, steps);
                }
                None => self.add(Case::parse(&id, &text)?),
            }
        }
        self.checked()
    }

    /// With one case more.
    pub fn add(&mut self, case: Case) {
        self.cases.retain(|other| other.id != case.id);
        self.cases.push(case);
        self.cases.sort_by(|left, right| left.id.cmp(&right.id));
    }

    /// Only those whose ids a glob takes, and which are among `only` where that is given.
    pub fn chosen(mut self, glob: &str, only: Option<&[String]>) -> Suite {
        self.cases.retain(|case| matches(glob, &case.id) && only.is_none_or(|only| only.contains(&case.id)));
        self
    }

    /// The steps that a case begins with.
    pub(super) fn before<'s>(&'s self, case: &'s Case) -> impl Iterator<Item = &'s Step> {
        case.setup.iter().filter_map(|name| self.setups.get(name)).flatten().chain(&case.before)
    }

    /// Whether running a case may leave something behind.
    pub fn writes(&self, case: &Case) -> bool {
        case.writes.unwrap_or_else(|| case.writes() || self.before(case).any(Step::writes))
    }

    fn checked(self) -> Result<Suite, String> {
        for case in &self.cases {
            if let Some(name) = case.setup.iter().find(|name| !self.setups.contains_key(*name)) {
                return Err(format!("{}: there is no setup/{name}.toml", case.id));
            }
        }
        Ok(self)
    }
}

fn setup(name: &str, text: &str) -> Result<(String, Vec<Step>), String> {
    let read: Setup = toml::from_str(text).map_err(|error| format!("setup/{name}: {error}"))?;
    read.steps.iter().try_for_each(|step| step.check().map_err(|wrong| format!("setup/{name}: {wrong}")))?;
    Ok((name.to_owned(), read.steps))
}

fn walk(folder: &Path, files: &mut Vec<std::path::PathBuf>) -> std::io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    Ok(())
}

/// Whether a glob takes an id: `*` stands for anything, a comma for "or"; a folder's name takes what is in it.
pub fn matches(glob: &str, id: &str) -> bool {
    glob.split(',').map(str::trim).filter(|one| !one.is_empty()).any(|one| {
        let inside = id.strip_prefix(one.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'));
        inside || takes(one.as_bytes(), id.as_bytes())
    })
}

fn takes(glob: &[u8], id: &[u8]) -> bool {
    match (glob.split_first(), id.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) if takes(rest, id) => true,
        (Some((b'*', _)), Some((_, id))) => takes(glob, id),
        (Some((wanted, glob)), Some((found, id))) if wanted == found => takes(glob, id),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (glob, well) in [
            ("*", true),
            ("fhir-r4/*", true),
            ("fhir-r4", true),
            ("fhir-r4/", true),
            ("fhir-r4/read/unknown-id", true),
            ("*/unknown-*", true),
            ("x,*id", true),
            ("fhir", false),
            ("*x", false),
            ("", false),
        ] {
            assert_eq!(matches(glob, "fhir-r4/read/unknown-id"), well, "{glob}");
        }
    }

    #[test]
    fn what_is_shipped_is_whole() {
        let suite = Suite::shipped().unwrap();
        let mut ids: Vec<&str> = suite.cases.iter().map(|case| case.id.as_str()).collect();
        assert!(ids.is_sorted(), "the table is in the order of ids");
        ids.dedup();
        assert_eq!(ids.len(), suite.cases.len());
        for case in &suite.cases {
            let texts = [&case.title, &case.clause, &case.why.en, &case.why.ja, &case.mend.en, &case.mend.ja];
            assert!(texts.iter().all(|text| !text.trim().is_empty()), "{}: a text is missing", case.id);
            assert!(case.url.starts_with("http"), "{}", case.id);
            assert!(
                case.steps.iter().all(|step| !step.all_checks().is_empty() || !step.keep.is_empty()),
                "{}",
                case.id
            );
        }
    }
}
