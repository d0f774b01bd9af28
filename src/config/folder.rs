//! The folders that the gateway follows, checked: each belongs to a facility whose letters are taken.

use std::collections::HashMap;

use toml::Spanned;

use super::check::{Check, Once};
use super::problem::{self, Problem};
use super::{Folder, Source, file};
use crate::fhir::FacilityCode;

impl Check<'_> {
    /// Whether they are there is not asked: a share that is away when the gateway starts comes back later.
    pub(super) fn folders(&self, written: &[file::Folder], sources: &[Source]) -> Result<Vec<Folder>, Problem> {
        let mut paths = Once(HashMap::new());
        let folder = |folder: &file::Folder| {
            self.once(&mut paths, "folder.path", &folder.path, folder.path.get_ref())?;
            let facility = FacilityCode::parse(folder.facility.get_ref());
            let source = sources.iter().find(|source| source.letter.facility == facility);
            let none = || self.at("folder.facility", &folder.facility, &problem::NO_SUCH_SOURCE, String::new());
            let every = folder.every_seconds.as_ref();
            let path = |key: &str, written: &Spanned<String>| match written.get_ref().trim() {
                "" => Err(self.at(key, written, &problem::NO_PATH, String::new())),
                path => Ok(self.beside(path)),
            };
            Ok(Folder {
                path: path("folder.path", &folder.path)?,
                source: source.ok_or_else(none)?.clone(),
                transactions: folder.transactions.as_ref().map(|p| path("folder.transactions", p)).transpose()?,
                index: folder.index.as_ref().map(|p| path("folder.index", p)).transpose()?,
                every_seconds: self.number("folder.every_seconds", every, 10, 1, 86_400)?,
            })
        };
        written.iter().map(folder).collect()
    }
}
