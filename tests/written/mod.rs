//! Everything the mappers write, for tests that read it as others would: golden cases, the example hospital and its
//! documents, and the corpora where `TASUKI_CORPORA` names them.

#![allow(clippy::unwrap_used, clippy::print_stdout, dead_code)] // each test uses a part

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use tasuki::decode::charset;
use tasuki::decode::hl7v2::Message;
use tasuki::fhir::FacilityCode;
use tasuki::letter::{Letter, LetterId, Source};
use tasuki::map::hl7v2::{Context, map};
use tasuki::map::{Change, Known, Mapped};
use tasuki::pipeline::translate;

/// A resource and where it came from.
pub(crate) struct Written {
    /// The case or file.
    pub(crate) from: String,
    /// Whether it states the whole of the resource (a merge states a part).
    pub(crate) is_whole: bool,
    /// The JSON as written.
    pub(crate) json: String,
}

impl Written {
    /// The JSON as a tree.
    pub(crate) fn tree(&self) -> Value {
        serde_json::from_str(&self.json).unwrap()
    }
}

/// The corpora, when there are any.
pub(crate) fn corpora() -> Option<PathBuf> {
    let path = std::env::var_os("TASUKI_CORPORA").map(PathBuf::from);
    if path.is_none() {
        println!("not run: TASUKI_CORPORA is not set");
    }
    path
}

/// What the golden cases give, without the file names they may have.
pub(crate) fn of_golden_cases() -> Vec<Written> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/map");
    let source = source("0119999901");
    let (known, letter) = (Known::default(), LetterId([0; 32]));
    let mut all = Vec::new();
    for file in files(&root).iter().filter(|file| file.ends_with("input.hl7")) {
        let bytes = fs::read(file).unwrap();
        let escaped = bytes.contains(&0x1B).then(|| charset::decode(&bytes).value.into_owned());
        let text = escaped.unwrap_or_else(|| String::from_utf8(bytes).unwrap());
        let message = Message::parse(&text).unwrap().value;
        let context = Context { source: &source, name: None, letter, known: &known, book: &Default::default() };
        if let Ok(noted) = map(&message, context) {
            let case = file.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
            collect(&case, &noted.value, &mut all);
        }
    }
    assert!(all.len() > 100);
    all
}

/// What the example hospital's files and documents give.
pub(crate) fn of_examples() -> Vec<Written> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data");
    let mut all = of_files(&data.join("hospital"), &source("0119999901"));
    all.extend(of_files(&data.join("documents"), &source("0119999901")));
    assert!(all.len() > 200);
    all
}

/// What the generated SS-MIX2 storages of the corpora give.
pub(crate) fn of_corpora(corpora: &Path) -> Vec<Written> {
    let all = of_files(&corpora.join("ssmix2/generated"), &source("0119999901"));
    assert!(all.len() > 2000);
    all
}

/// What the messages of other projects give, of which many are odd; they come without names.
pub(crate) fn of_foreign_messages(corpora: &Path) -> Vec<Written> {
    let source = source("0119999901");
    let mut all = Vec::new();
    for file in files(&corpora.join("v2")) {
        let from = file.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = fs::read(&file).unwrap();
        add(&from, Letter { source: source.clone(), name: String::new(), bytes }, &mut all);
    }
    assert!(all.len() > 100);
    all
}

/// Decodes and maps as the pipeline does; the names are relative to the folder.
fn of_files(folder: &Path, source: &Arc<Source>) -> Vec<Written> {
    let mut all = Vec::new();
    for file in files(folder) {
        let name = file.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
        let bytes = fs::read(&file).unwrap();
        add(&name.clone(), Letter { source: source.clone(), name, bytes }, &mut all);
    }
    all
}

fn add(from: &str, letter: Letter, all: &mut Vec<Written>) {
    if let Ok(Ok(noted)) = translate(&letter, letter.id(), &Default::default(), |_| Ok(Known::default())) {
        collect(from, &noted.value, all);
    }
}

fn collect(from: &str, mapped: &Mapped, all: &mut Vec<Written>) {
    for change in std::iter::once(mapped).chain(&mapped.others).flat_map(|mapped| &mapped.changes) {
        if let Change::Put(draft) | Change::PutWeak(draft) | Change::Merge { draft, .. } = change {
            let is_whole = !matches!(change, Change::Merge { .. });
            all.push(Written { from: from.to_owned(), is_whole, json: draft.json(None) });
        }
    }
}

fn source(facility: &str) -> Arc<Source> {
    Arc::new(Source { facility: FacilityCode::parse(facility), zone_minutes: 540 })
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries.into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
