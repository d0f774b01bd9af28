//! The walk over directories: finds each patient's folder by the folders below it (`<診療日>/<データ種別>/`), wherever the walk begins.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};

use super::{
    Found, Group, HOUSEKEEPING, Look, NAME_NOT_UNICODE, NOT_A_FILE, SYMBOLIC_LINK, Shape, facility_named, shape,
};
use crate::decode::container;
use crate::decode::ssmix2::{is_date_folder, is_document_kind_folder, is_kind_folder, prefix_folders};
use crate::fault::{Issue, Place};

/// Folders deeper than this are not gone into: the layout needs 6.
const DEPTH_MAX: usize = 64;

/// Where a path stands in a storage.
pub(super) struct Storage {
    /// The folder above the prefix folders.
    pub(super) root: PathBuf,
    patient: PathBuf,
}

/// Directories still to be read, and what was found in the last one.
pub(super) struct Walk<L> {
    look: L,
    base: PathBuf,
    directories: Vec<(PathBuf, usize)>,
    ready: VecDeque<Result<Group, io::Error>>,
}

impl<L: Look> Walk<L> {
    pub(super) fn begin(path: &Path, look: L) -> Self {
        let mut walk = Walk { look, base: PathBuf::new(), directories: Vec::new(), ready: VecDeque::new() };
        match path.canonicalize() {
            Err(error) => walk.failed(path, error),
            Ok(path) if path.is_dir() => {
                walk.base.clone_from(&path);
                match storage_above(&path) {
                    Some(storage) => walk.patient(&storage, &path),
                    None => walk.directories.push((path, 0)),
                }
            }
            Ok(path) => {
                walk.base = path.parent().map(Path::to_path_buf).unwrap_or_default();
                match storage_above(&path) {
                    Some(storage) => {
                        let found = found(&path, &storage.root, None);
                        walk.ready.push_back(Ok(storage.group(vec![found])));
                    }
                    None => walk.loose(&walk.base.clone(), vec![found(&path, &walk.base, None)]),
                }
            }
        }
        walk
    }

    fn failed(&mut self, directory: &Path, error: io::Error) {
        self.look.failed(directory, &error);
        self.ready.push_back(Err(error));
    }

    /// One directory: a patient's folder is taken whole; of any other one the files are taken and the folders kept for later.
    fn directory(&mut self, directory: &Path, depth: usize) {
        if !self.look.enters(directory, false) {
            return;
        }
        let entries = match entries(directory) {
            Ok(entries) => entries,
            Err(error) => return self.failed(directory, error),
        };
        if is_patient(directory, &entries) {
            return self.patient(&Storage::of_patient(directory), directory);
        }
        let mut files = Vec::new();
        for (path, kind) in entries.iter().rev() {
            if is_entered(path, *kind, depth) {
                self.directories.push((path.clone(), depth + 1));
            } else if self.look.takes(path) {
                files.push(found(path, &self.base, Some(*kind)));
            }
        }
        self.loose(directory, files);
    }

    /// All files below a patient's folder (or below a part of it) make one group.
    fn patient(&mut self, storage: &Storage, below: &Path) {
        let mut files = Vec::new();
        let mut directories = vec![(below.to_path_buf(), 0)];
        while let Some((directory, depth)) = directories.pop() {
            // The patient's own folder was asked about when it was listed.
            if directory != below && !self.look.enters(&directory, is_leaf(&directory)) {
                continue;
            }
            match entries(&directory) {
                Err(error) => self.failed(&directory, error),
                Ok(entries) => {
                    for (path, kind) in entries {
                        if is_entered(&path, kind, depth) {
                            directories.push((path, depth + 1));
                        } else if self.look.takes(&path) {
                            files.push(found(&path, &storage.root, Some(kind)));
                        }
                    }
                }
            }
        }
        if !files.is_empty() {
            self.ready.push_back(Ok(storage.group(files)));
        }
    }

    /// Files outside any storage: those with SS-MIX2 names by patient, the others together, because nothing in their names
    /// says which of them belong to one patient.
    fn loose(&mut self, directory: &Path, files: Vec<Found>) {
        let mut patients: BTreeMap<String, Vec<Found>> = BTreeMap::new();
        for file in files {
            let patient = match &file.shape {
                Shape::SsMix2(name) => format!("/{}", name.patient),
                _ => String::new(),
            };
            patients.entry(patient).or_default().push(file);
        }
        for (patient, mut files) in patients {
            sort(&mut files);
            let key = format!("{}{patient}", directory.to_string_lossy());
            self.ready.push_back(Ok(Group { key, facility: None, files }));
        }
    }
}

impl<L: Look> Iterator for Walk<L> {
    type Item = Result<Group, io::Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Some(ready);
            }
            let (directory, depth) = self.directories.pop()?;
            self.directory(&directory, depth);
        }
    }
}

impl Storage {
    fn of_patient(patient: &Path) -> Self {
        let number = patient.file_name().unwrap_or_default().to_string_lossy();
        let above = prefix_folders(&number).len();
        let root = patient.ancestors().nth(above + 1).unwrap_or(patient).to_path_buf();
        Storage { root, patient: patient.to_path_buf() }
    }

    fn group(&self, mut files: Vec<Found>) -> Group {
        sort(&mut files);
        let key = self.patient.to_string_lossy().into_owned();
        Group { key, facility: facility_named(&self.root), files }
    }
}

/// The storage in which a path lies, when it is a patient's folder or below one.
pub(super) fn storage_above(path: &Path) -> Option<Storage> {
    let ancestors: Vec<&Path> = path.ancestors().collect();
    let named = |path: &Path, is: fn(&str) -> bool| path.file_name().and_then(|n| n.to_str()).is_some_and(is);
    let pair = ancestors.windows(2).find(|pair| named(pair[0], is_kind) && named(pair[1], is_date_folder));
    let patient = match pair {
        Some(pair) => pair[1].parent()?,
        None if named(path, is_date_folder) && has_kind_folders(path) => path.parent()?,
        None if is_patient(path, &entries(path).ok()?) => path,
        None => return None,
    };
    patient.file_name()?;
    Some(Storage::of_patient(patient))
}

/// The root of a storage, from itself or from one of the prefix folders in it: the nearest folder with a longer name, when
/// a patient's folder lies below it where it should.
pub(super) fn root_around(path: &Path) -> Option<PathBuf> {
    let root = path.ancestors().find(|folder| folder.file_name().is_some() && !is_prefix(folder))?;
    let mut directories = vec![(root.to_path_buf(), 0)];
    while let Some((directory, depth)) = directories.pop() {
        let Ok(entries) = entries(&directory) else { continue };
        if depth > 1 && is_patient(&directory, &entries) {
            return (Storage::of_patient(&directory).root == root).then(|| root.to_path_buf());
        }
        let is_within = |path: &Path| depth < 2 && is_prefix(path) || depth == 2;
        let below = entries.into_iter().filter(|(path, kind)| kind.is_dir() && is_within(path));
        directories.extend(below.map(|(path, _)| (path, depth + 1)));
    }
    None
}

fn is_prefix(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name.to_string_lossy().chars().count() <= 3)
}

/// How many files a walk yields: the same entries, not looked at.
pub(super) fn count(path: &Path) -> u64 {
    let Ok(path) = path.canonicalize() else { return 0 };
    if !path.is_dir() {
        return 1;
    }
    let (mut files, mut directories) = (0, vec![(path, 0)]);
    while let Some((directory, depth)) = directories.pop() {
        let Ok(reader) = fs::read_dir(directory) else { continue };
        for entry in reader.flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && is_entered(&entry.path(), kind, depth) => {
                    directories.push((entry.path(), depth + 1));
                }
                _ => files += 1,
            }
        }
    }
    files
}

/// A directory that is gone into. A hidden one counts as one ignored file, as does one that is too deep.
fn is_entered(path: &Path, kind: FileType, depth: usize) -> bool {
    let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    kind.is_dir() && !is_hidden && depth < DEPTH_MAX
}

/// A patient's folder holds folders of dates that hold folders of kinds.
fn is_patient(directory: &Path, entries: &[(PathBuf, FileType)]) -> bool {
    directory.file_name().is_some()
        && entries.iter().any(|(path, kind)| {
            let name = path.file_name().and_then(|name| name.to_str());
            kind.is_dir() && name.is_some_and(is_date_folder) && has_kind_folders(path)
        })
}

/// The folder of a kind below that of a date holds files only.
fn is_leaf(directory: &Path) -> bool {
    let name = |path: Option<&Path>, is: fn(&str) -> bool| {
        path.and_then(Path::file_name).and_then(|name| name.to_str()).is_some_and(is)
    };
    name(Some(directory), is_kind_folder) && name(directory.parent(), is_date_folder)
}

/// A データ種別 of standardised or extended storage.
fn is_kind(name: &str) -> bool {
    is_kind_folder(name) || is_document_kind_folder(name)
}

fn has_kind_folders(directory: &Path) -> bool {
    let Ok(entries) = entries(directory) else { return false };
    entries
        .iter()
        .any(|(path, kind)| kind.is_dir() && path.file_name().and_then(|name| name.to_str()).is_some_and(is_kind))
}

/// What lies in a directory, by name. An entry that vanished meanwhile is an error of the whole: better to say so.
fn entries(directory: &Path) -> io::Result<Vec<(PathBuf, FileType)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        entries.push((entry.path(), entry.file_type()?));
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(entries)
}

fn found(path: &Path, root: &Path, kind: Option<FileType>) -> Found {
    let relative = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
    let name = parts.join("/");
    let (shape, mut issues) = match kind {
        Some(kind) if kind.is_symlink() => (Shape::Ignored(&SYMBOLIC_LINK), Vec::new()),
        Some(kind) if kind.is_dir() => (Shape::Ignored(&HOUSEKEEPING), Vec::new()),
        Some(kind) if !kind.is_file() => (Shape::Ignored(&NOT_A_FILE), Vec::new()),
        _ => shape(&name, path),
    };
    if relative.to_str().is_none() {
        issues.push(Issue::new(&NAME_NOT_UNICODE, Place::Whole));
    }
    Found { path: path.to_path_buf(), name, shape, issues }
}

/// SS-MIX2 files in the order of their story, then the others by name.
fn sort(files: &mut [Found]) {
    files.sort_by(|a, b| container::order((a.shape.ss_mix2(), &a.name), (b.shape.ss_mix2(), &b.name)));
}
