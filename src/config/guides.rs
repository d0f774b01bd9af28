//! `[[guide]]`: FHIR packages, read whole when the configuration is checked.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::check::{Check, Once};
use super::problem::Problem;
use super::{file, problem};
use crate::guide::{KEPT, Library, PACKED_BYTES_MAX, Package};

/// The packages that a configuration file names, relative to its folder as it stands; nothing else of it is checked, and nothing
/// is read.
pub fn guide_packages(path: &Path) -> Result<Vec<PathBuf>, Problem> {
    let text = super::text(path)?;
    let check = Check { text: &text, path };
    let file: file::File = toml::from_str(&text).map_err(|error| check.not_toml(&error))?;
    Ok(file.guide.iter().map(|guide| check.beside(guide.package.get_ref())).collect())
}

impl Check<'_> {
    pub(super) fn guides(&self, written: &[file::Guide]) -> Result<Library, problem::Problem> {
        const KEY: &str = "guide.package";
        let mut seen = Once(HashMap::new());
        let mut packages = Vec::with_capacity(written.len());
        for guide in written {
            let at = |rule, detail| self.at(KEY, &guide.package, rule, detail);
            let unreadable = |error: std::io::Error| at(&problem::UNREADABLE, error.to_string());
            let file = File::open(self.beside(guide.package.get_ref())).map_err(unreadable)?;
            let mut bytes = Vec::new();
            file.take(PACKED_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
            let package = Package::read(&bytes, &KEPT).map_err(|issue| at(issue.rule, issue.detail))?;
            self.once(&mut seen, KEY, &guide.package, &format!("{} {}", package.name, package.version))?;
            packages.push(package);
        }
        Ok(Library::new(packages))
    }
}
