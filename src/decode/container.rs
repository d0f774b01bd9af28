//! Deliveries that hold several letters: a zip file (of an SS-MIX2 tree or of loose files), an HL7 v2 batch, several
//! messages one after the other, a file of SS-MIX2 transaction storage, a CSV or JSON export about several patients. Gives
//! the letters in the order in which they are to be handled.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::ssmix2::{self, FileName, Naming, prefix_folders, transaction};
use super::{export, hl7v2, zip};
use crate::codes::Columns;
use crate::fault::{Issue, Place, rules};
use crate::fhir::FacilityCode;

/// Letters in one container; a zip file may have as many entries.
pub const PARTS_MAX: usize = zip::ENTRIES_MAX;

rules! {
    TOO_MANY "container-too-many" Fatal TooCostly
        "The file holds more than {} messages; send it in parts."
        "1つのファイルに{}件を超えるメッセージがあります。分割して送ってください。"
    HOUSEKEEPING "container-housekeeping" Information Informational
        "Hidden files, or files that a desktop leaves behind, were passed over: {}."
        "隠しファイルやOSが自動的に作るファイルは読みませんでした({}個)。"
}

/// What a container holds.
#[derive(Clone, Debug)]
pub struct Container<'b> {
    /// Letters that must be handled one after the other, in that order; groups may be handled side by side.
    pub groups: Vec<Vec<Part<'b>>>,
    /// What is wrong with the container itself.
    pub issues: Vec<Issue>,
}

/// One letter in a container.
#[derive(Clone, Debug)]
pub struct Part<'b> {
    /// Its name as a letter: relative to the root of the storage in a zip file, as if the tree had been read as folders;
    /// the path in another zip file; `container#n` for message n of a batch; the file name of standardised storage that
    /// a record of transaction storage stands for; `container#2-4,9` for these rows of an export.
    pub name: String,
    /// The facility whose code the root of the storage, or a record, is named by.
    pub facility: Option<FacilityCode>,
    contents: Contents<'b>,
}

#[derive(Clone, Debug)]
enum Contents<'b> {
    Message(usize, &'b [u8]),
    Record(usize, &'b [u8]),
    Entry(zip::Entry, &'b [u8]),
    Rows(export::Piece<'b>),
}

impl<'b> Part<'b> {
    /// Its bytes. The issue says why it cannot be used; its siblings can.
    pub fn read(&self) -> Result<Cow<'b, [u8]>, Issue> {
        match &self.contents {
            Contents::Message(_, bytes) | Contents::Record(_, bytes) => Ok(Cow::Borrowed(bytes)),
            Contents::Entry(entry, file) => entry.read_from(file).map(Cow::Owned),
            Contents::Rows(piece) => Ok(Cow::Owned(piece.read())),
        }
    }

    /// Its bytes when it is a message of a batch, which needs no unpacking.
    pub fn message(&self) -> Option<&'b [u8]> {
        match self.contents {
            Contents::Message(_, bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Where in the container it is; `Whole` for rows, whose places are those of the file. Its name may hold a patient's
    /// number, this does not.
    pub fn place(&self) -> Place {
        match &self.contents {
            Contents::Message(number, _) => Place::Path(format!("message {number}").into()),
            Contents::Record(number, _) => transaction::place(*number),
            Contents::Entry(entry, _) => entry.place(),
            Contents::Rows(_) => Place::Whole,
        }
    }

    /// Whether it says itself, other than by the folder it lies in, which facility's it is.
    pub fn is_record(&self) -> bool {
        matches!(self.contents, Contents::Record(..))
    }
}

/// Opens a delivery that came under `name`; `None` when it is one letter. The issue says why nothing of it can be used.
/// `own` are the sender's names for the columns of its CSV.
pub fn open<'b>(name: &str, bytes: &'b [u8], own: &[Columns]) -> Option<Result<Container<'b>, Issue>> {
    archive(name, bytes).or_else(|| Some(export::split(name, bytes, own)?.and_then(of_export)))
}

/// The same but for exports, which name no facility and need the sender's columns.
///
/// A file with an SS-MIX2 name holds one message by definition: what its name says could not be true of several.
pub fn archive<'b>(name: &str, bytes: &'b [u8]) -> Option<Result<Container<'b>, Issue>> {
    if zip::is_zip(bytes) {
        return Some(zip::entries(bytes).map(|entries| of_zip(entries, bytes)));
    }
    if transaction::is_transaction(bytes) {
        return Some(of_transaction(bytes));
    }
    let batch = hl7v2::batch(bytes)?;
    if !matches!(ssmix2::naming(name), Naming::Other) {
        return None;
    }
    if batch.messages.len() > PARTS_MAX {
        return Some(Err(too_many()));
    }
    let part = |(number, bytes): (usize, &'b [u8])| Part {
        name: format!("{name}#{number}"),
        facility: None,
        contents: Contents::Message(number, bytes),
    };
    let parts = (1..).zip(batch.messages).map(part).collect();
    Some(Ok(Container { groups: vec![parts], issues: batch.issues }))
}

fn too_many() -> Issue {
    Issue::with(&TOO_MANY, Place::Whole, PARTS_MAX.to_string())
}

fn of_export(groups: Vec<Vec<export::Piece<'_>>>) -> Result<Container<'_>, Issue> {
    if groups.iter().map(Vec::len).sum::<usize>() > PARTS_MAX {
        return Err(too_many());
    }
    fn part(piece: export::Piece<'_>) -> Part<'_> {
        Part { name: piece.name.clone(), facility: None, contents: Contents::Rows(piece) }
    }
    let groups = groups.into_iter().map(|group| group.into_iter().map(part).collect()).collect();
    Ok(Container { groups, issues: Vec::new() })
}

/// The records of one patient make a group, in the order of the file.
fn of_transaction(bytes: &[u8]) -> Result<Container<'_>, Issue> {
    let records = transaction::records(bytes);
    if records.len() > PARTS_MAX {
        return Err(too_many());
    }
    let mut patients: BTreeMap<String, Vec<Part<'_>>> = BTreeMap::new();
    let mut issues = Vec::new();
    for record in records {
        match record {
            Err(issue) => issues.push(issue),
            Ok(transaction::Record { number, facility, name, patient, message }) => {
                let contents = Contents::Record(number, message);
                patients.entry(patient).or_default().push(Part { name, facility: Some(facility), contents });
            }
        }
    }
    Ok(Container { groups: patients.into_values().collect(), issues })
}

/// The files of one patient of a storage make a group, in the order of their story; so do the loose files of a folder.
fn of_zip(entries: Vec<zip::Entry>, file: &[u8]) -> Container<'_> {
    let mut groups: BTreeMap<String, Vec<(Option<FileName>, Part<'_>)>> = BTreeMap::new();
    let mut passed_over = 0_usize;
    for entry in entries {
        if entry.name.split('/').any(|part| is_housekeeping(part) && part != "." && part != "..") {
            passed_over += 1;
            continue;
        }
        let contents = |entry| Contents::Entry(entry, file);
        let (key, named, part) = match ssmix2::naming(&entry.name) {
            Naming::Named(noted) => {
                let (name, root) = in_storage(&entry.name, &noted.value);
                let facility = facility_named(root);
                let key = format!("{root}//{}", noted.value.patient);
                (key, Some(noted.value), Part { name: name.to_owned(), facility, contents: contents(entry) })
            }
            _ => {
                let folder = entry.name.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
                (folder, None, Part { name: entry.name.clone(), facility: None, contents: contents(entry) })
            }
        };
        groups.entry(key).or_default().push((named, part));
    }
    let issue = (passed_over > 0).then(|| Issue::with(&HOUSEKEEPING, Place::Whole, passed_over.to_string()));
    Container { groups: groups.into_values().map(in_order).collect(), issues: issue.into_iter().collect() }
}

fn in_order<'b>(mut group: Vec<(Option<FileName>, Part<'b>)>) -> Vec<Part<'b>> {
    group.sort_by(|(a, left), (b, right)| order((a.as_ref(), &left.name), (b.as_ref(), &right.name)));
    group.into_iter().map(|(_, part)| part).collect()
}

/// The path from the root of the storage on, and the root.
fn in_storage<'p>(path: &'p str, name: &FileName) -> (&'p str, &'p str) {
    let folders = 3 + prefix_folders(&name.patient).len();
    let start = path.match_indices('/').rev().nth(folders).map(|(at, _)| at);
    start.map_or((path, ""), |at| (&path[at + 1..], &path[..at]))
}

/// The facility that the root of a storage is named by: a folder whose name is a 10-digit code.
pub fn facility_named(root: &str) -> Option<FacilityCode> {
    let name = root.rsplit('/').next().unwrap_or(root);
    let code = FacilityCode::parse(name);
    (name.len() == 10 && code.is_insurance_institution()).then_some(code)
}

/// SS-MIX2 files in the order of their story, then the others by name.
pub fn order(left: (Option<&FileName>, &str), right: (Option<&FileName>, &str)) -> Ordering {
    match (left.0, right.0) {
        (Some(a), Some(b)) => a.sequence().cmp(&b.sequence()).then_with(|| left.1.cmp(right.1)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => left.1.cmp(right.1),
    }
}

/// Hidden files and what desktops leave behind.
pub fn is_housekeeping(file: &str) -> bool {
    file.starts_with('.') || ["thumbs.db", "desktop.ini", "__macosx"].iter().any(|name| file.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::zip::tests::zip;

    fn names(container: &Container<'_>) -> Vec<Vec<String>> {
        container.groups.iter().map(|group| group.iter().map(|part| part.name.clone()).collect()).collect()
    }

    #[test]
    fn a_tree_in_a_zip_file_is_as_if_it_were_read_as_folders() {
        let file = |patient: &str, day: &str, kind: &str, stamp: &str| {
            let (a, b) = (&patient[..3], &patient[3..6]);
            format!("{a}/{b}/{patient}/{day}/{kind}/{patient}_{day}_{kind}_1_{stamp}_01_1")
        };
        let story = [
            file("0000001", "20260101", "OML-11", "20260102000000000"),
            file("0000001", "20260103", "OMP-01", "20260103000000000"),
            file("0000002", "20260101", "OML-11", "20260101000000000"),
        ];
        let path = |name: &str| format!("export/0119999901/{name}");
        let paths: Vec<String> = story.iter().rev().map(|name| path(name)).collect();
        let mut files: Vec<(&str, &[u8], bool)> = paths.iter().map(|path| (path.as_str(), &b"MSH"[..], true)).collect();
        files.extend([("__MACOSX/._x", &b"x"[..], false), ("b.json", b"{}", false), ("a.json", b"{}", false)]);
        let bytes = zip(&files);
        let container = open("all.zip", &bytes, &[]).unwrap().unwrap();
        let loose = vec!["a.json".to_owned(), "b.json".to_owned()];
        assert_eq!(names(&container), [loose, story[..2].to_vec(), story[2..].to_vec()]);
        let of = |group: usize| container.groups[group][0].facility.as_ref().map(|code| code.as_str().to_owned());
        assert_eq!((of(0), of(1).as_deref()), (None, Some("0119999901")));
        assert_eq!(container.groups[1][0].read().unwrap(), &b"MSH"[..]);
        assert_eq!(
            container.issues[0].english(),
            "Hidden files, or files that a desktop leaves behind, were passed over: 1."
        );
    }

    #[test]
    fn messages_of_a_batch_are_numbered() {
        let text = b"MSH|^~\\&|A\rMSH|^~\\&|B\rBTS|3\r";
        let container = open("in/day.hl7", text, &[]).unwrap().unwrap();
        assert_eq!(names(&container), [["in/day.hl7#1", "in/day.hl7#2"]]);
        assert_eq!(container.groups[0][1].read().unwrap(), &b"MSH|^~\\&|B\r"[..]);
        assert_eq!(container.issues[0].rule.id, "v2-batch-count");
        assert!(open("9999013_20111220_OML-11_000000011000354_20111220103059000_01_1", text, &[]).is_none());
        assert!(open("a.hl7", b"MSH|^~\\&|A\r", &[]).is_none());
    }

    #[test]
    fn the_number_of_parts_is_limited() {
        let parts =
            |count: usize| open("", &b"MSH|\r".repeat(count), &[]).unwrap().map(|container| container.groups[0].len());
        assert_eq!(parts(PARTS_MAX).ok(), Some(PARTS_MAX));
        assert_eq!(parts(PARTS_MAX + 1).unwrap_err().rule.id, "container-too-many");
    }
}
