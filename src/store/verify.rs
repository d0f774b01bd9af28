//! `verify`: walks the whole store and says what does not fit together. For a store that nobody writes to meanwhile.

mod people;

use std::collections::HashMap;
use std::fmt;

use crate::fault::Fault;
use crate::fhir::PatientKey;
use crate::letter::LetterId;
use crate::store::cache::Spread;
use crate::store::codes::{Code, TEXT_CHARS_MAX, code_id};
use crate::store::keys::{self, Space};
use crate::store::{Cursor, Head, Logged, Order, Record, Store, Told, cursor, records};

/// Breakages that are kept in a report; more are only counted.
pub const BREAKAGES_MAX: usize = 1000;
/// Chunks of the audit chain that are read at a time.
const AUDIT_PAGE: usize = 64;

/// What a walk found: how much there is, and what is broken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Partitions with a head.
    pub partitions: u64,
    /// Their sheaves.
    pub sheaves: u64,
    /// Their records.
    pub records: u64,
    /// Resource ids that are placed.
    pub ids: u64,
    /// Raw letters.
    pub letters: u64,
    /// Receipts.
    pub receipts: u64,
    /// Held letters.
    pub held: u64,
    /// Entries of the log.
    pub log: u64,
    /// Patients on panels.
    pub panel: u64,
    /// Chunks of the audit chain.
    pub audit: u64,
    /// Bulk exports.
    pub exports: u64,
    /// Letters that spoke of a record, once for each record.
    pub told: u64,
    /// Senders' own codes.
    pub codes: u64,
    /// Letters with such a code that nobody had mapped, once for each code.
    pub unmapped: u64,
    /// Letters that are known by their senders' message ids.
    pub controls: u64,
    /// Folders that are followed.
    pub cursors: u64,
    /// Records that something ties to others.
    pub tied: u64,
    /// Pairs of records at which somebody must look.
    pub doubts: u64,
    /// Records of which is kept what tells people apart.
    pub who: u64,
    /// The first [`BREAKAGES_MAX`] breakages.
    pub broken: Vec<Breakage>,
    /// How many there are in all.
    pub broken_count: u64,
}

/// Something that does not fit.
#[derive(Clone, PartialEq, Eq)]
pub struct Breakage {
    /// The key where it was noticed. Shown as its space and the hash of the rest, because a FHIR id that a sender
    /// chose may tell who somebody is.
    pub key: Vec<u8>,
    /// What is wrong.
    pub what: &'static str,
}

/// Walks everything. An error means that the engine itself cannot be read.
pub fn verify(store: &Store) -> Result<Report, Fault> {
    let mut walk = Walk { store, report: Report::default(), heads: HashMap::default() };
    walk.partitions()?;
    walk.beyond_heads()?;
    walk.ids()?;
    walk.letters()?;
    walk.codes()?;
    walk.log()?;
    walk.panels()?;
    walk.people()?;
    walk.identifiers()?;
    walk.audit()?;
    walk.cursors()?;
    walk.exports()?;
    walk.assertions()?;
    Ok(walk.report)
}

struct Walk<'a> {
    store: &'a Store,
    report: Report,
    heads: HashMap<u128, u64, Spread>,
}

impl Walk<'_> {
    /// Notes a breakage; never fails.
    fn wrong(&mut self, key: &[u8], what: &'static str) -> Result<(), Fault> {
        self.report.broken_count += 1;
        if self.report.broken.len() < BREAKAGES_MAX {
            self.report.broken.push(Breakage { key: key.to_vec(), what });
        }
        Ok(())
    }

    /// Every entry of a space.
    fn each(
        &mut self,
        space: Space,
        mut work: impl FnMut(&mut Self, &[u8], Vec<u8>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let (from, to) = keys::space(space);
        let store = self.store.clone();
        store.each(&from, &to, |key, value| work(self, key, value))
    }

    fn partitions(&mut self) -> Result<(), Fault> {
        self.each(Space::Partition, |walk, key, value| match (keys::head_patient(key), Head::decode(&value)) {
            (None, _) => Ok(()),
            (Some(_), Err(_)) => walk.wrong(key, "the head is damaged"),
            (Some(patient), Ok(head)) => walk.partition(patient, &head),
        })
    }

    fn partition(&mut self, patient: PatientKey, head: &Head) -> Result<(), Fault> {
        self.report.partitions += 1;
        self.heads.insert(patient.0, head.sheaves);
        if head.sheaves == 0 {
            self.wrong(&keys::head(patient), "a head without sheaves")?;
        }
        let mut versions = HashMap::new();
        let mut read = 0;
        let store = self.store.clone();
        let walked = store.sheaves(patient, 0, head.sheaves, |number, sheaf| {
            read = number;
            self.report.sheaves += 1;
            match records::decode(&sheaf) {
                Ok(records) => {
                    records.iter().try_for_each(|record| self.record(patient, number, record, &mut versions))
                }
                Err(_) => self.wrong(&keys::sheaf(patient, number, 0), "the sheaf is damaged"),
            }
        });
        if read < head.sheaves {
            // An engine that cannot be read fails here again.
            self.store.engine().get(&keys::head(patient))?;
            return self.wrong(&keys::sheaf(patient, read + 1, 0), "the head counts a sheaf that is missing");
        }
        walked
    }

    fn record(
        &mut self,
        patient: PatientKey,
        number: u64,
        record: &Record,
        versions: &mut HashMap<Vec<u8>, u32>,
    ) -> Result<(), Fault> {
        self.report.records += 1;
        let facts = &record.facts;
        let key = keys::sheaf(patient, number, 0);
        match record.body.json() {
            Err(_) => self.wrong(&key, "a body is damaged")?,
            Ok(json) if json.is_empty() != facts.deleted => self.wrong(&key, "a body contradicts its facts")?,
            Ok(_) => {}
        }
        let id = keys::id(facts.resource_type, facts.id.as_str());
        let before = versions.get(&id).copied().unwrap_or(0);
        versions.insert(id, facts.version.max(before));
        // A number that was there already is a version whose facts are known better since (`pipeline/decide.rs`), or whose
        // labels are others by rule (`pipeline/relabel.rs`).
        if !(1..=before + 1).contains(&facts.version) {
            self.wrong(&key, "a version does not follow the one before it")?;
        }
        if before == 0 && !self.store.candidates(facts.resource_type, &facts.id)?.contains(&patient) {
            self.wrong(&key, "a resource is not placed in its partition")?;
        }
        Ok(())
    }

    /// Every sheaf is one that the head counts; the letters that spoke of a record are numbered without a gap.
    fn beyond_heads(&mut self) -> Result<(), Fault> {
        let mut last = (PatientKey(0), 0);
        self.each(Space::Partition, |walk, key, value| {
            if let Some((patient, number)) = keys::told_of(key) {
                walk.report.told += 1;
                let before = if last.0 == patient { last.1 } else { 0 };
                last = (patient, number);
                if number != before + 1 {
                    walk.wrong(key, "a record's list of letters has a gap")?;
                }
                return match Told::decode(&value) {
                    Ok(told) => walk.must_be_kept(key, told.letter),
                    Err(_) => walk.wrong(key, "an entry of a record's list of letters is damaged"),
                };
            }
            let known = match keys::sheaf_of(key) {
                Some((patient, number, _)) => {
                    walk.heads.get(&patient.0).is_some_and(|last| (1..=*last).contains(&number))
                }
                // Its head, or what ties it to others.
                None => keys::charted_patient(key).is_some(),
            };
            if !known {
                walk.wrong(key, "a sheaf that no head counts")?;
            }
            Ok(())
        })
    }

    fn ids(&mut self) -> Result<(), Fault> {
        self.each(Space::Id, |walk, key, value| {
            walk.report.ids += 1;
            let patient = value.try_into().ok().map(u128::from_be_bytes);
            if patient.is_none_or(|patient| !walk.heads.contains_key(&patient)) {
                walk.wrong(key, "an id is placed in a partition that is not there")?;
            }
            Ok(())
        })
    }

    fn letters(&mut self) -> Result<(), Fault> {
        self.each(Space::Raw, |walk, key, _| {
            let Some(id) = keys::letter_of(key) else { return walk.wrong(key, "not the key of a letter") };
            if key == keys::raw(id, 0) {
                walk.report.letters += 1;
                let same = matches!(walk.store.letter(id), Ok(Some(letter)) if letter.id() == id);
                if !same {
                    walk.wrong(key, "a letter is not what it was")?;
                }
            }
            Ok(())
        })?;
        self.each(Space::Receipt, |walk, key, _| {
            let Some(id) = keys::letter_of(key) else { return walk.wrong(key, "not the key of a receipt") };
            if key == keys::receipt(id, 0) {
                walk.report.receipts += 1;
                if !matches!(walk.store.receipt(id), Ok(Some(_))) {
                    walk.wrong(key, "a receipt is damaged")?;
                }
            }
            walk.must_be_kept(key, id)
        })?;
        self.each(Space::Held, |walk, key, _| {
            walk.report.held += 1;
            match keys::letter_of(key) {
                Some(id) => walk.must_be_kept(key, id),
                None => walk.wrong(key, "not the key of a held letter"),
            }
        })
    }

    /// Every entry of the queue of codes leads to a letter that is kept and a code that is described.
    fn codes(&mut self) -> Result<(), Fault> {
        self.each(Space::Code, |walk, key, value| {
            walk.report.codes += 1;
            match serde_json::from_slice::<Code>(&value) {
                // A cut text has another name than the whole one had; only what was not cut can be checked.
                Ok(code) if is_cut(&code) => Ok(()),
                Ok(code) if keys::code(code_id(&code.facility, &code.system, &code.code)) == key => Ok(()),
                _ => walk.wrong(key, "a local code is damaged"),
            }
        })?;
        self.each(Space::Unmapped, |walk, key, _| {
            walk.report.unmapped += 1;
            let Some((code, _, letter)) = keys::unmapped_of(key) else {
                return walk.wrong(key, "not the key of a code");
            };
            if !walk.store.knows_code(code)? {
                walk.wrong(key, "it is not known what a local code is")?;
            }
            walk.must_be_kept(key, letter)
        })?;
        self.each(Space::Control, |walk, key, value| {
            walk.report.controls += 1;
            match value.try_into() {
                Ok(letter) => walk.must_be_kept(key, LetterId(letter)),
                Err(_) => walk.wrong(key, "a message id is damaged"),
            }
        })
    }

    fn must_be_kept(&mut self, key: &[u8], id: LetterId) -> Result<(), Fault> {
        if self.store.engine().get(&keys::raw(id, 0))?.is_none() {
            self.wrong(key, "the letter itself is missing")?;
        }
        Ok(())
    }

    /// The log has no gap, and tells of every sheaf once, those of one partition in their order.
    fn log(&mut self) -> Result<(), Fault> {
        let mut told: HashMap<u128, u64, Spread> = HashMap::default();
        self.each(Space::Log, |walk, key, value| {
            walk.report.log += 1;
            if keys::number_of(key) != Some(walk.report.log) {
                walk.wrong(key, "the log has a gap")?;
            }
            let Ok(logged) = Logged::decode(&value) else {
                return walk.wrong(key, "an entry of the log is damaged");
            };
            for (patient, number) in logged.sheaves {
                let before = told.insert(patient.0, number).unwrap_or(0);
                if before.checked_add(1) != Some(number) {
                    walk.wrong(key, "the log leaves out a sheaf")?;
                }
            }
            logged.letter.map_or(Ok(()), |id| walk.must_be_kept(key, id))
        })?;
        let heads = std::mem::take(&mut self.heads);
        for (patient, last) in heads.iter().filter(|(patient, last)| told.get(patient) != Some(last)) {
            self.wrong(&keys::sheaf(PatientKey(*patient), *last, 0), "the log does not tell of the last sheaf")?;
        }
        for patient in told.keys().filter(|patient| !heads.contains_key(patient)) {
            self.wrong(&keys::head(PatientKey(*patient)), "the log tells of a partition that is not there")?;
        }
        self.heads = heads;
        Ok(())
    }

    fn panels(&mut self) -> Result<(), Fault> {
        self.each(Space::Panel, |walk, key, _| {
            walk.report.panel += 1;
            if keys::panel_of(key).is_none_or(|(_, patient)| !walk.heads.contains_key(&patient.0)) {
                walk.wrong(key, "a patient on a panel has no partition")?;
            }
            Ok(())
        })
    }

    fn identifiers(&mut self) -> Result<(), Fault> {
        self.each(Space::Identifier, |walk, key, _| {
            if keys::identifier_of(key).is_none_or(|patient| !walk.heads.contains_key(&patient.0)) {
                walk.wrong(key, "an identifier is found in a partition that is not there")?;
            }
            Ok(())
        })
    }

    fn audit(&mut self) -> Result<(), Fault> {
        let (mut from, mut before) = (0, None);
        loop {
            let page = self.store.audit(from, AUDIT_PAGE, Order::Ascending)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            from = last.saturating_add(1);
            for (number, _) in page {
                self.report.audit += 1;
                if before.is_some_and(|before: u64| before.checked_add(1) != Some(number)) {
                    self.wrong(&keys::audit(number), "the audit chain has a gap")?;
                }
                before = Some(number);
            }
        }
    }

    fn exports(&mut self) -> Result<(), Fault> {
        self.each(Space::Export, |walk, key, _| {
            let Some(number) = keys::export_of(key) else { return walk.wrong(key, "the key of an export is damaged") };
            if key != keys::export(number) {
                return Ok(());
            }
            walk.report.exports += 1;
            match walk.store.export_records(number) {
                Ok(Some(_)) => Ok(()),
                Ok(None) | Err(_) => walk.wrong(key, "the records of an export are missing or damaged"),
            }
        })
    }

    fn assertions(&mut self) -> Result<(), Fault> {
        self.each(Space::Assertion, |walk, key, value| {
            let is_whole = keys::assertion_of(key).is_some() && value.len() == size_of::<i64>();
            if is_whole { Ok(()) } else { walk.wrong(key, "the entry of a used assertion is damaged") }
        })
    }

    fn cursors(&mut self) -> Result<(), Fault> {
        self.each(Space::Meta, |walk, key, value| {
            if !keys::meta_name(key).is_some_and(|name| name.starts_with(cursor::PREFIX)) {
                return Ok(());
            }
            walk.report.cursors += 1;
            match Cursor::decode(&value) {
                Ok(_) => Ok(()),
                Err(_) => walk.wrong(key, "the cursor of a folder is damaged"),
            }
        })
    }
}

fn is_cut(code: &Code) -> bool {
    [&code.facility, &code.system, &code.code].iter().any(|text| text.chars().count() >= TEXT_CHARS_MAX)
}

impl fmt::Debug for Breakage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use sha2::{Digest, Sha256};
        let (space, rest) = self.key.split_first().unwrap_or((&b'?', &[]));
        write!(f, "{} at {}/", self.what, char::from(*space))?;
        Sha256::digest(rest)[..8].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for Breakage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::ResourceType;
    use crate::store::control::Control;
    use crate::store::records::example;
    use crate::store::{Commit, VALUE_BYTES_MAX};

    pub(super) const HOME: PatientKey = PatientKey(77 << 64);
    /// Another record of the same person.
    pub(super) const AWAY: PatientKey = PatientKey(78 << 64);
    /// A record of which it is not known whether it is the same person's.
    pub(super) const LIKE: PatientKey = PatientKey(79 << 64);

    /// One of everything.
    pub(super) fn filled() -> Store {
        let store = Store::open_memory();
        let letter = example::letter("MSH|^~\\&|", "a");
        let mut first = store.keep_raw(letter.id(), &letter).unwrap().unwrap();
        first.hold(letter.id());
        let code = Code {
            facility: "0119999901".into(),
            system: "urn:oid:2.25.1".into(),
            code: "a".into(),
            display: String::new(),
            table: String::new(),
            place: "-".into(),
            letter: letter.id().hex(),
        };
        let id = code_id(&code.facility, &code.system, &code.code);
        first.put_code(id, &code);
        let told = Told { letter: letter.id(), received: 5, codes: vec![id] };
        first.put_unmapped(id, &told, HOME);
        let control = Control { sender: 1, id: b"M1".to_vec(), content: [2; 16], name: 3 };
        first.put_control(&control, letter.id());
        (1..=2).for_each(|number| first.tell(HOME, number, &told));
        store.submit(first).wait().unwrap();
        for sheaf in 0..3 {
            let new = [example::version(HOME, "x", sheaf + 1), example::version(HOME, &format!("y{sheaf}"), 1)];
            let mut commit = store.partition(HOME).unwrap().write(HOME, "0119999901", &new).unwrap();
            commit.of_letter(letter.id()).unwrap();
            commit.put_receipt(letter.id(), b"{\"a\":1}").unwrap();
            commit.put_on_panel("Organization/a", HOME);
            store.submit(commit).wait().unwrap();
            store.append_audit(u64::from(sheaf) + 1, b"chunk".to_vec()).unwrap();
        }
        for record in [AWAY, LIKE] {
            let new = [example::version(record, "z", 1)];
            store.submit(store.partition(record).unwrap().write(record, "f", &new).unwrap()).wait().unwrap();
        }
        people::tests::tie(&store);
        store
    }

    #[test]
    fn a_whole_store_is_whole() {
        let report = verify(&filled()).unwrap();
        assert_eq!(report.broken, []);
        let Report { partitions, sheaves, records, ids, letters, receipts, held, log, panel, audit, .. } = report;
        assert_eq!([partitions, sheaves, records, ids], [3, 5, 8, 0]);
        assert_eq!([letters, receipts, held, log, panel, audit], [1, 1, 1, 5, 2, 3]);
        let Report { told, codes, unmapped, controls, tied, doubts, who, .. } = verify(&filled()).unwrap();
        assert_eq!([told, codes, unmapped, controls, tied, doubts, who], [2, 1, 1, 1, 3, 1, 2]);
    }

    #[test]
    fn every_entry_that_is_missing_or_damaged_is_noticed() {
        let whole = filled();
        let mut entries = Vec::new();
        whole
            .each(&[0], &[255], |key, value| {
                entries.push((key.to_vec(), value));
                Ok(())
            })
            .unwrap();
        assert!(entries.iter().all(|(_, value)| value.len() <= VALUE_BYTES_MAX));
        // What may be absent without anything being wrong: the ends of chains, marks, the format itself.
        let may_go = |key: &[u8]| match key[0] {
            b'M' | b'N' | b'Q' | b'O' | b'U' | b'D' | b'W' => true,
            b'P' => keys::told_of(key).is_some_and(|(_, number)| number == 2),
            b'A' => [1, 3].contains(&keys::number_of(key).unwrap()),
            _ => false,
        };
        for (key, value) in entries {
            let store = filled();
            let gone = Commit { delete: vec![key.clone()], ..Commit::default() };
            store.submit(gone).wait().unwrap();
            assert!(may_go(&key) || verify(&store).unwrap().broken_count > 0, "without {key:?}");
            // The two other records are there to be tied.
            if keys::sheaf_of(&key).is_some_and(|(record, ..)| record != HOME) {
                continue;
            }
            for at in 0..value.len() {
                let mut bad = value.clone();
                bad[at] ^= 1;
                // A facility, a chunk of audit, the words about a code, what is kept of people and the format are not for the walk to
                // judge.
                if b"AMUCW".contains(&key[0]) || (keys::head_patient(&key).is_some() && at >= 9) {
                    continue;
                }
                let tied = |store: &Store| keys::ties_of(&key).map(|(record, _)| store.ties(record).map(|ties| ties.0));
                let before = tied(&filled());
                store.submit(Commit { put: vec![(key.clone(), bad)], ..Commit::default() }).wait().unwrap();
                // Not every bit of what is compressed counts: what reads the same is not damaged.
                if before.is_some() && tied(&store) == before {
                    continue;
                }
                let report = verify(&store).unwrap();
                assert!(report.broken_count > 0, "byte {at} of {}", char::from(key[0]));
            }
        }
    }

    #[test]
    fn a_damaged_cursor_is_noticed() {
        let store = filled();
        store.put_cursor("a", &Cursor::default()).unwrap();
        let report = verify(&store).unwrap();
        assert_eq!((report.cursors, report.broken_count), (1, 0));
        let mut commit = Commit::default();
        commit.note("feed/a", Some(b"{}"));
        store.submit(commit).wait().unwrap();
        assert_eq!(verify(&store).unwrap().broken[0].what, "the cursor of a folder is damaged");
    }

    #[test]
    fn a_report_does_not_show_ids() {
        let key = keys::id(ResourceType::PATIENT, "yamada-taro-0001");
        let text = format!("{:?}", Breakage { key, what: "wrong" });
        assert!(text.starts_with("wrong at I/") && !text.contains("yamada"));
    }
}
