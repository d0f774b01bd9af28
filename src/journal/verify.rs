//! Whether the audit chain is what was recorded: every chunk follows the one before it, every event can be read, every signed
//! head finds its chunk, and the index of patients says what the chain says (docs/adr/0039). Of a store in a folder the files
//! are read as they lie, also while a gateway writes to them.

use std::collections::BTreeMap;
use std::path::Path;

use super::index::{self, Kept};
use crate::audit::chunk::is_unlinked;
use crate::audit::{self, ChunkHash, Head, PublicKey, SignedHead, id_of};
use crate::fault::Fault;
use crate::fhir::PatientKey;
use crate::store::survey::{Met, Spot, survey, survey_last};
use crate::store::{Order, Store};

/// Findings that are kept in a report; more are only counted.
pub const FINDINGS_MAX: usize = 1000;
const PAGE: usize = 256;

/// What a walk found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Chunks.
    pub chunks: u64,
    /// Events in them.
    pub events: u64,
    /// Chunks of a time when chunks named none before them; nothing but heads speaks for them.
    pub unlinked: u64,
    /// Heads that are signed by a known key and find their chunk.
    pub heads: u64,
    /// The newest chunk that a head speaks for.
    pub signed_to: Option<u64>,
    /// The last chunk.
    pub last: Option<u64>,
    /// Whether the last chunk is torn: it was never acknowledged, or is being written.
    pub is_torn: bool,
    /// The first [`FINDINGS_MAX`] findings.
    pub found: Vec<Finding>,
    /// How many there are in all.
    pub found_count: u64,
}

/// Something that is not as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The number of the chunk where it was noticed.
    pub number: u64,
    /// Where it lies; empty where the engine keeps the chain.
    pub place: String,
    /// What is wrong.
    pub what: Wrong,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wrong {
    /// It is not what was written under this number: bytes were changed, or chunks taken away or moved before it.
    Damaged,
    /// Nothing can be told apart from here to the end of the file.
    Unreadable,
    /// There is no chunk of this number, and there are later ones.
    Missing,
    /// It does not follow the chunk before it: one of the two was changed, taken away or moved.
    Unlinked,
    /// It is no chunk of events.
    NoChunk,
    /// An event in it cannot be read.
    NoEvent,
    /// It is not the chunk whose head was signed: it, or something before it, was rewritten.
    Rewritten,
    /// A head was signed of it, and the chain ends before: it was cut off.
    CutOff,
    /// A head of it is signed by none of the keys that are known, or wrongly.
    BadHead,
    /// The index of patients says otherwise of the chunks that end here.
    BadIndex,
}

impl Wrong {
    /// What is wrong, in words.
    pub fn sentence(self) -> &'static str {
        match self {
            Wrong::Damaged => "is not what was written: bytes were changed, or chunks before it taken away or moved",
            Wrong::Unreadable => "cannot be read, nor what follows it in the file",
            Wrong::Missing => "is missing",
            Wrong::Unlinked => "does not follow the chunk before it: one of them was changed, taken away or moved",
            Wrong::NoChunk => "holds no events that can be read",
            Wrong::NoEvent => "holds an event that cannot be read",
            Wrong::Rewritten => "is not the chunk whose head was signed: it, or something before it, was rewritten",
            Wrong::CutOff => "was there when its head was signed, and the chain ends before it: it was cut off",
            Wrong::BadHead => "has a head that none of the given keys signed",
            Wrong::BadIndex => {
                "ends what a part of the index of patients speaks of, and it says otherwise than the chain"
            }
        }
    }
}

/// Walks the files of a store's folder.
pub fn folder(store: &Path, heads: &[SignedHead], keys: &[PublicKey]) -> Result<Report, Fault> {
    let audit = store.join("audit");
    let parts = if audit.is_dir() { index::kept(&audit)? } else { Vec::new() };
    let mut walk = Walk::new(heads, keys, parts);
    survey(store, |met, spot| {
        walk.met(met, spot);
        Ok(())
    })?;
    Ok(walk.finish())
}

/// The head of the chain in a store's folder at an instant, milliseconds since 1970; `None` where nothing was recorded yet. Of
/// the last file alone, as it lies: a gateway may be writing to it.
pub fn head(store: &Path, at_ms: i64) -> Result<Option<Head>, Fault> {
    let mut head = None;
    survey_last(store, |met, _| {
        if let Met::Chunk { number, bytes } = met {
            head = Some(Head { number, hash: ChunkHash::of(number, &bytes), at_ms });
        }
        Ok(())
    })?;
    Ok(head)
}

/// Walks the chain of a store, whatever keeps it.
pub fn store(store: &Store, heads: &[SignedHead], keys: &[PublicKey]) -> Result<Report, Fault> {
    let mut walk = Walk::new(heads, keys, Vec::new());
    let (spot, mut next) = (Spot { file: String::new(), offset: 0 }, 0);
    loop {
        let page = store.audit(next, PAGE, Order::Ascending)?;
        let Some((last, _)) = page.last() else { return Ok(walk.finish()) };
        next = last + 1;
        page.into_iter().for_each(|(number, bytes)| walk.met(Met::Chunk { number, bytes }, &spot));
    }
}

struct Walk<'a> {
    report: Report,
    heads: BTreeMap<u64, Vec<&'a SignedHead>>,
    /// The number that comes next, and the hash of the chunk before it where that is known.
    next: u64,
    before: Option<ChunkHash>,
    /// Whether a chunk that names the one before it was met.
    is_linked: bool,
    parts: std::vec::IntoIter<Kept>,
    part: Option<Kept>,
    said: Vec<(PatientKey, index::Place)>,
    /// What looks like a chunk whose writing was cut short.
    torn: Option<Finding>,
}

impl<'a> Walk<'a> {
    fn new(heads: &'a [SignedHead], keys: &[PublicKey], parts: Vec<Kept>) -> Self {
        let mut parts = parts.into_iter();
        let part = parts.next();
        let mut walk = Walk {
            report: Report::default(),
            heads: BTreeMap::new(),
            next: 0,
            before: Some(ChunkHash::NOTHING),
            is_linked: false,
            parts,
            part,
            said: Vec::new(),
            torn: None,
        };
        for head in heads {
            if keys.iter().any(|key| head.is_signed_by(key)) {
                walk.heads.entry(head.head.number).or_default().push(head);
            } else {
                walk.wrong(head.head.number, "", Wrong::BadHead);
            }
        }
        walk
    }

    fn wrong(&mut self, number: u64, place: &str, what: Wrong) {
        self.report.found_count += 1;
        if self.report.found.len() < FINDINGS_MAX {
            self.report.found.push(Finding { number, place: place.to_owned(), what });
        }
    }

    fn met(&mut self, met: Met, spot: &Spot) {
        let place = if spot.file.is_empty() { String::new() } else { format!("{}:{}", spot.file, spot.offset) };
        let number = match met {
            Met::Chunk { number, .. } | Met::Damaged { number } => number,
            Met::Unreadable { number, .. } | Met::Torn { number } => number,
        };
        if number > self.next {
            self.wrong(self.next, &place, Wrong::Missing);
            self.before = None;
        } else if number < self.next {
            self.wrong(number, &place, Wrong::Unlinked);
        }
        match met {
            Met::Torn { .. } => {
                self.report.is_torn = true;
                self.torn = Some(Finding { number, place, what: Wrong::Damaged });
                return;
            }
            Met::Unreadable { .. } => {
                self.wrong(number, &place, Wrong::Unreadable);
                self.before = None;
            }
            Met::Damaged { .. } => {
                self.wrong(number, &place, Wrong::Damaged);
                self.before = None;
            }
            Met::Chunk { bytes, .. } => self.chunk(number, &bytes, &place),
        }
        self.report.last = Some(number);
        self.next = number + 1;
        self.index(number, &place);
    }

    fn chunk(&mut self, number: u64, bytes: &[u8], place: &str) {
        self.report.chunks += 1;
        let linked = audit::previous(bytes);
        match (linked, self.before) {
            // What was there before chunks named each other comes before them all.
            (None, _) if is_unlinked(bytes) && !self.is_linked => self.report.unlinked += 1,
            (None, _) if is_unlinked(bytes) => self.wrong(number, place, Wrong::Unlinked),
            (None, _) => self.wrong(number, place, Wrong::NoChunk),
            (Some(named), Some(before)) if named != before => self.wrong(number, place, Wrong::Unlinked),
            _ => {}
        }
        self.is_linked |= linked.is_some();
        let events = audit::decode(bytes);
        self.report.events += events.len() as u64;
        if events.iter().any(Option::is_none) {
            self.wrong(number, place, Wrong::NoEvent);
        }
        if self.part.is_some() {
            self.said.extend(index::entries(number, bytes));
        }
        let hash = ChunkHash::of(number, bytes);
        self.before = Some(hash);
        for head in self.heads.remove(&number).unwrap_or_default() {
            if head.head.hash == hash {
                self.report.heads += 1;
                self.report.signed_to = self.report.signed_to.max(Some(number));
            } else {
                self.wrong(number, place, Wrong::Rewritten);
            }
        }
    }

    /// Where a part of the index ends, it must say what the chain said.
    fn index(&mut self, number: u64, place: &str) {
        let Some(part) = self.part.take_if(|part| part.end <= number + 1) else { return };
        let said = index::encode(std::mem::take(&mut self.said));
        if std::fs::read(&part.path).ok().as_ref() != Some(&said) {
            self.wrong(number, place, Wrong::BadIndex);
        }
        self.part = self.parts.next();
    }

    fn finish(mut self) -> Report {
        let last = self.report.last;
        // What a head speaks for was whole once.
        let signed = self.heads.keys().next_back().copied();
        if let Some(torn) = self.torn.take().filter(|torn| signed.is_some_and(|signed| signed >= torn.number)) {
            self.wrong(torn.number, &torn.place, torn.what);
        }
        for number in std::mem::take(&mut self.heads).into_keys() {
            let what = if last.is_none_or(|last| number > last) { Wrong::CutOff } else { Wrong::Rewritten };
            self.wrong(number, "", what);
        }
        if let Some(part) = self.part.take() {
            self.wrong(part.end.saturating_sub(1), "", Wrong::BadIndex);
        }
        self.report
    }
}

impl Finding {
    /// One line for people: the chunk, where it lies, what is wrong, and the id of its first event.
    pub fn sentence(&self) -> String {
        let place = if self.place.is_empty() { String::new() } else { format!(" ({})", self.place) };
        let first = id_of(self.number, 0).map(|id| format!("; its events are AuditEvent/{}…", &id.as_str()[..16]));
        format!("chunk {}{place} {}{}", self.number, self.what.sentence(), first.unwrap_or_default())
    }
}
