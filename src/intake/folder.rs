//! temporary
#![allow(missing_docs)]
use std::path::{Path, PathBuf};
use crate::fhir::FacilityCode;
use crate::decode::ssmix2::FileName;
use crate::fault::{Issue, Rule};
pub const FILE_BYTES_MAX: u64 = 64 << 20;
pub struct Found { pub path: PathBuf, pub name: String, pub shape: Shape }
pub enum Shape { SsMix2(FileName), Misnamed(Issue), Fhir, Loose, Ignored(&'static Rule) }
pub struct Group { pub key: String, pub files: Vec<Found> }
pub fn walk(path: &Path) -> impl Iterator<Item = Result<Group, std::io::Error>> {
    let mut files = Vec::new();
    fn go(root: &Path, path: &Path, files: &mut Vec<(String, PathBuf)>) {
        if path.is_dir() { let mut e: Vec<_> = std::fs::read_dir(path).unwrap().flatten().collect(); e.sort_by_key(|e| e.path()); for e in e { go(root, &e.path(), files); } }
        else { files.push((path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned(), path.into())); }
    }
    go(path, path, &mut files);
    let mut groups: std::collections::BTreeMap<String, Vec<(String, Found)>> = Default::default();
    for (name, p) in files {
        let file = name.rsplit('/').next().unwrap_or("").to_owned();
        let (key, order, shape) = match FileName::parse(&file) { Ok(n) => (n.patient.clone(), n.stamp.clone(), Shape::SsMix2(n)), Err(_) => (name.clone(), String::new(), Shape::Loose) };
        groups.entry(key).or_default().push((order, Found { path: p, name, shape }));
    }
    groups.into_iter().map(|(key, mut f)| { f.sort_by(|a, b| a.0.cmp(&b.0)); Ok(Group { key, files: f.into_iter().map(|x| x.1).collect() }) })
}
pub fn count(_: &Path) -> usize { 0 }
pub fn facility_of_root(path: &Path) -> Option<FacilityCode> { let c = FacilityCode::parse(path.file_name()?.to_str()?); c.is_insurance_institution().then_some(c) }
