//! Which records and held letters a replay is about.

use std::collections::BTreeSet;

use super::Options;
use crate::cli::codes;
use crate::fault::Fault;
use crate::fhir::time::Interval;
use crate::fhir::{PatientKey, ResourceId, ResourceType};
use crate::letter::LetterId;
use crate::pipeline::{Outcome, Receipt};
use crate::store::Store;

/// Entries of a record's list of letters that are read at a time.
const PAGE: usize = 256;
/// Offset of times that the operator gives without one: Japan's.
const ZONE_MINUTES: i16 = 540;

/// What was asked for.
pub(super) struct Selection {
    since: i64,
    /// First millisecond after.
    until: i64,
    facility: Option<String>,
    /// The letters that were named, when some were.
    letters: Option<BTreeSet<LetterId>>,
    /// The records of the letters or codes that were named, when some were.
    records: Option<BTreeSet<PatientKey>>,
    words: String,
}

impl Selection {
    /// Reads the options; the sentence says which of them means nothing.
    pub(super) fn of(options: &Options, store: &Store) -> Result<Result<Selection, String>, Fault> {
        let time = |text: &Option<String>| match text.as_deref() {
            None => Ok(None),
            Some(text) => match Interval::parse(text, ZONE_MINUTES) {
                Some(interval) => Ok(Some(interval)),
                None => Err(format!("{text} is not a time such as 2026-10-13 or 2026-10-13T09:00:00+09:00")),
            },
        };
        let (since, until) = match (time(&options.since), time(&options.until)) {
            (Ok(since), Ok(until)) => (since, until),
            (Err(sentence), _) | (_, Err(sentence)) => return Ok(Err(sentence)),
        };
        let mut selection = Selection {
            since: since.map_or(i64::MIN, |interval| interval.start),
            until: until.map_or(i64::MAX, |interval| interval.end),
            facility: options.facility.clone(),
            letters: None,
            records: None,
            words: format!("{:?} {:?} {:?}", options.since, options.until, options.facility),
        };
        Ok(selection.name(options, store)?.map(|()| selection))
    }

    /// Finds the letters and codes that were named, and their records.
    fn name(&mut self, options: &Options, store: &Store) -> Result<Result<(), String>, Fault> {
        let (mut letters, mut records) = (BTreeSet::new(), BTreeSet::new());
        for digits in &options.letters {
            let [letter] = store.letters_named(digits, 2)?[..] else {
                return Ok(Err(format!("there is no letter {digits}, or there are several")));
            };
            letters.insert(letter);
            records.extend(records_of(store, letter)?);
        }
        for digits in &options.codes {
            let Some(code) = codes::find(store, digits)? else {
                return Ok(Err(format!("there is no code {digits}, or there are several")));
            };
            let mut after = None;
            loop {
                let page = store.letters_with(code, after.as_ref(), PAGE)?;
                let Some(last) = page.last() else { break };
                after = Some(*last);
                records.extend(page.iter().map(|holder| holder.patient));
            }
        }
        if !options.letters.is_empty() || !options.codes.is_empty() {
            self.records = Some(records);
        }
        self.letters = (!options.letters.is_empty()).then_some(letters);
        Ok(Ok(()))
    }

    /// Whether all records are walked over, which takes long.
    pub(super) fn is_walk(&self) -> bool {
        self.records.is_none()
    }

    /// The same selection has the same words.
    pub(super) fn words(&self) -> String {
        self.words.clone()
    }

    fn takes(&self, store: &Store, patient: PatientKey) -> Result<bool, Fault> {
        if let Some(facility) = &self.facility {
            let head = store.head(patient)?;
            if head.is_none_or(|head| head.facility != *facility) {
                return Ok(false);
            }
        }
        if (self.since, self.until) == (i64::MIN, i64::MAX) {
            return Ok(true);
        }
        let mut after = 0;
        loop {
            let page = store.told(patient, after, PAGE)?;
            let Some((last, _)) = page.last() else { return Ok(false) };
            after = *last;
            if page.iter().any(|(_, told)| (self.since..self.until).contains(&told.received)) {
                return Ok(true);
            }
        }
    }

    /// Whether a held letter is to be tried anew.
    pub(super) fn takes_held(&self, store: &Store, id: LetterId) -> Result<bool, Fault> {
        if let Some(letters) = &self.letters {
            return Ok(letters.contains(&id));
        }
        if let Some(facility) = &self.facility {
            let sent = store.letter(id)?;
            if sent.is_none_or(|letter| letter.source.facility.as_str() != facility) {
                return Ok(false);
            }
        }
        let receipt = store.receipt(id)?.map(|bytes| Receipt::decode(&bytes)).transpose()?;
        Ok(receipt.is_some_and(|receipt| (self.since..self.until).contains(&receipt.received)))
    }
}

/// The records a letter wrote to, or those of the letter that it repeats.
fn records_of(store: &Store, letter: LetterId) -> Result<Vec<PatientKey>, Fault> {
    let read = |id| store.receipt(id)?.map(|bytes| Receipt::decode(&bytes)).transpose();
    let Some(mut receipt) = read(letter)? else { return Ok(Vec::new()) };
    if let Some(first) = receipt.same_as.as_deref().and_then(LetterId::parse) {
        receipt = read(first)?.unwrap_or(receipt);
    }
    let mut records: Vec<PatientKey> = receipt.records().collect();
    if receipt.outcome == Outcome::Stored && receipt.patient.is_none() {
        // What names no patient lies in the parts of the directory that its ids say.
        records.extend(receipt.resources.iter().filter_map(|name| {
            let (of, id) = name.split_once('/')?;
            Some(PatientKey::directory(ResourceType::parse(of)?, &ResourceId::parse(id)?))
        }));
    }
    Ok(records)
}

/// The records of a selection, in the order of their keys.
pub(super) struct Walk<'a> {
    selection: &'a Selection,
    next: Option<PatientKey>,
}

impl<'a> Walk<'a> {
    /// Begins after a record, or with the first.
    pub(super) fn begin(selection: &'a Selection, after: Option<PatientKey>) -> Self {
        let next = after.map_or(Some(PatientKey(0)), following);
        Walk { selection, next }
    }

    /// The next records, at most `limit`; none at the end.
    pub(super) fn page(&mut self, store: &Store, limit: usize) -> Result<Vec<PatientKey>, Fault> {
        let mut page = Vec::with_capacity(limit);
        while page.len() < limit
            && let Some(from) = self.next
        {
            let found = match &self.selection.records {
                Some(records) => records.range(from..).next().copied(),
                None => store.record_from(from)?,
            };
            self.next = found.and_then(following);
            let Some(patient) = found else { break };
            if self.selection.takes(store, patient)? {
                page.push(patient);
            }
        }
        Ok(page)
    }
}

fn following(patient: PatientKey) -> Option<PatientKey> {
    patient.0.checked_add(1).map(PatientKey)
}
