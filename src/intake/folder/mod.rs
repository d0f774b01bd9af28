//! A folder of files (SS-MIX2 仕様書, storage layout; or a drop folder): what lies in it, patient by patient, in the order of time.

mod rule;
mod walk;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::decode::container::{self, is_housekeeping};
use crate::decode::ssmix2::{self, FileName, Naming};
use crate::decode::zip;
use crate::fault::{Issue, Place, Rule};
use crate::fhir::FacilityCode;

pub use rule::{FILE_TOO_LARGE, HOUSEKEEPING, NAME_NOT_UNICODE, NOT_A_FILE, NOT_READ_HERE, SYMBOLIC_LINK, UNREADABLE};

/// The largest file that is read.
pub const FILE_BYTES_MAX: u64 = 64 << 20;

/// The groups of files under a path, which may be a whole storage, a part of one, a drop folder or one file. Directories
/// are read as the iterator goes; the names of one patient (or of one drop folder) are held at a time, contents never.
/// A directory that cannot be read is an `Err`, and the rest goes on.
///
/// Symbolic links are not followed: one that stays inside the tree leads to what is found anyway, one that leaves it must
/// not be followed. Only `path` itself may be a link.
pub fn walk(path: &Path) -> impl Iterator<Item = Result<Group, io::Error>> + use<> {
    walk::Walk::begin(path, Everything)
}

/// The same of those folders and files that `look` wants.
pub fn walk_where<L: Look>(path: &Path, look: L) -> impl Iterator<Item = Result<Group, io::Error>> {
    walk::Walk::begin(path, look)
}

/// Chooses what of a tree is walked over. Folders are asked about before anything in them, and everything in one before the
/// next.
pub trait Look {
    /// Whether a folder is listed; `is_leaf` when by its name it holds files only.
    fn enters(&mut self, folder: &Path, is_leaf: bool) -> bool {
        let _ = (folder, is_leaf);
        true
    }

    /// Whether what is no folder is found.
    fn takes(&mut self, file: &Path) -> bool {
        let _ = file;
        true
    }

    /// A folder could not be listed.
    fn failed(&mut self, folder: &Path, error: &io::Error) {
        let _ = (folder, error);
    }
}

impl<L: Look> Look for &mut L {
    fn enters(&mut self, folder: &Path, is_leaf: bool) -> bool {
        (**self).enters(folder, is_leaf)
    }

    fn takes(&mut self, file: &Path) -> bool {
        (**self).takes(file)
    }

    fn failed(&mut self, folder: &Path, error: &io::Error) {
        (**self).failed(folder, error);
    }
}

/// All of it.
struct Everything;

impl Look for Everything {}

/// How many files [`walk`] will yield, ignored ones included: a pass over directory entries only. What cannot be read is
/// not counted.
pub fn count(path: &Path) -> u64 {
    walk::count(path)
}

/// Files that must be handled one after the other: those of one patient in a storage, those of one patient among files
/// with SS-MIX2 names in another folder, or the loose files of one folder. Groups may be handled side by side.
#[derive(Debug)]
pub struct Group {
    /// Distinguishes groups. Holds the patient number in a storage: not for logs.
    pub key: String,
    /// The facility whose number the root of the storage is named by.
    pub facility: Option<FacilityCode>,
    /// In the order in which they are to be handled.
    pub files: Vec<Found>,
}

/// One file.
#[derive(Debug)]
pub struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// Its name in letters: relative to the root of its storage, or to the path that was given, with `/`.
    pub name: String,
    /// What it seems to be.
    pub shape: Shape,
    /// Doubts that do not hold it back.
    pub issues: Vec<Issue>,
}

/// What a file seems to be, going by its name.
#[derive(Debug)]
pub enum Shape {
    /// A file of SS-MIX2 standardised storage.
    SsMix2(FileName),
    /// Meant to be one, but its name is wrong or disagrees with its folders: to be held.
    Misnamed(Issue),
    /// FHIR JSON.
    Fhir,
    /// Any other file to be tried: HL7 v2, XML, CSV, a file of transaction storage, or a zip file of letters.
    Loose,
    /// Passed over, and counted, by a rule.
    Ignored(&'static Rule),
}

impl Shape {
    fn ss_mix2(&self) -> Option<&FileName> {
        match self {
            Shape::SsMix2(name) => Some(name),
            _ => None,
        }
    }
}

impl Found {
    /// The contents. The issue is the reason to hold the file.
    pub fn read(&self) -> Result<Vec<u8>, Issue> {
        read(&self.path, FILE_BYTES_MAX)
    }
}

fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, Issue> {
    let unreadable = |error: io::Error| Issue::with(&UNREADABLE, Place::Whole, error.kind().to_string());
    let file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let too_large = || Issue::with(&FILE_TOO_LARGE, Place::Whole, format!("{} MiB", bytes_max >> 20));
    if length > bytes_max {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    // The file may grow while it is read.
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > bytes_max { Err(too_large()) } else { Ok(bytes) }
}

/// The facility that the root of a storage is named by: a folder whose name is a 10-digit code. The path may be the root,
/// a folder inside the storage or a file of it. A folder that holds no storage names nobody: ten digits may as well be a
/// patient's number.
pub fn facility_of_root(path: &Path) -> Option<FacilityCode> {
    let path = path.canonicalize().ok()?;
    let root = walk::storage_above(&path).map(|storage| storage.root).or_else(|| walk::root_around(&path))?;
    facility_named(&root)
}

fn facility_named(root: &Path) -> Option<FacilityCode> {
    container::facility_named(root.file_name()?.to_str()?)
}

/// What a file is, going by its path relative to the root.
fn shape(name: &str, path: &Path) -> (Shape, Vec<Issue>) {
    let file = name.rsplit('/').next().unwrap_or(name);
    if is_housekeeping(file) {
        return (Shape::Ignored(&HOUSEKEEPING), Vec::new());
    }
    match ssmix2::naming(name) {
        Naming::Named(noted) => (Shape::SsMix2(noted.value), noted.issues),
        Naming::Misnamed(issue) => (Shape::Misnamed(issue), Vec::new()),
        Naming::Other if ssmix2::extended(name).is_some() => (of_extended(file), Vec::new()),
        Naming::Other => (by_extension(file, path), Vec::new()),
    }
}

/// In extended storage every file is a document or a message, but for what only shows how one is to look.
fn of_extended(file: &str) -> Shape {
    let extension = file.rsplit_once('.').map_or(String::new(), |(_, extension)| extension.to_ascii_lowercase());
    match extension.as_str() {
        "css" | "xsl" | "xslt" | "xsd" | "dtd" | "js" => Shape::Ignored(&NOT_READ_HERE),
        _ => Shape::Loose,
    }
}

fn by_extension(file: &str, path: &Path) -> Shape {
    let extension = file.rsplit_once('.').map_or(String::new(), |(_, extension)| extension.to_ascii_lowercase());
    match extension.as_str() {
        "json" => Shape::Fhir,
        "" | "hl7" | "txt" | "xml" | "csv" | "zip" | "dat" => Shape::Loose,
        _ if begins_as_a_letter(path) => Shape::Loose,
        _ => Shape::Ignored(&NOT_READ_HERE),
    }
}

/// Whether the first bytes are those of an HL7 v2 message, a batch of them or a zip file. A file that cannot be read is
/// tried, so that it is reported.
fn begins_as_a_letter(path: &Path) -> bool {
    let mut first = Vec::new();
    match File::open(path).and_then(|file| file.take(16).read_to_end(&mut first)) {
        Ok(_) => {
            let start = first.iter().position(|b| !matches!(b, 0xef | 0xbb | 0xbf | 0x0b | b'\r' | b'\n')).unwrap_or(0);
            zip::is_zip(&first) || [b"MSH|", b"FHS|", b"BHS|"].iter().any(|header| first[start..].starts_with(*header))
        }
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests;
