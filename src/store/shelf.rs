//! The store as the rest of the program uses it: letters, partitions, receipts and panels on any engine.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, Weak};

use crate::fault::Fault;
use crate::fhir::{FacilityCode, PatientKey, ResourceId, ResourceType};
use crate::letter::{Letter, LetterId, Source};
use crate::store::cache::Cache;
use crate::store::chain::Chain;
use crate::store::fjall::FjallEngine;
use crate::store::group::{Committer, Watch, Watchers};
use crate::store::keys::{self, Space};
use crate::store::memory::MemoryEngine;
use crate::store::postgres::{self, PostgresEngine};
use crate::store::press::Dictionary;
use crate::store::records::Head;
use crate::store::sled::SledEngine;
use crate::store::{Commit, Engine, Entry, Logged, Order, Position, Ticket, parts};

/// Patients on one panel; one more and the panel cannot be read.
pub const PANEL_MAX: usize = 200_000;
/// Memory for panels, in bytes; a patient on a panel takes 16.
pub const PANELS_BYTES_MAX: usize = 64 << 20;

/// How the store is laid out; a store that says otherwise is not opened.
const FORMAT: &[u8] = b"6";
/// Entries that one scan asks for.
const PAGE: usize = 512;

/// The store. Clones are the same store. Reads block on the disk: keep them off async threads.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Arc<dyn Engine>,
    committer: Committer,
    watchers: Watchers,
    panels: Arc<Panels>,
    /// Where a folder holds the store; the engine keeps the audit chain otherwise.
    chain: Option<Chain>,
}

struct Panels(Cache<Arc<[PatientKey]>>);

impl Store {
    /// A store in memory, gone with its last clone.
    pub fn open_memory() -> Store {
        let engine = MemoryEngine::new();
        // Memory refuses nothing that expects nothing.
        let _ = engine.apply(&[format_commit()]);
        Store::assemble(Arc::new(engine), None)
    }

    /// The store in a directory, made when it is not there, with the engine sled. See [`SledEngine::open`] for what it
    /// says when another process has it open. Fails when the directory holds a store of fjall.
    pub fn open_sled(path: &Path, cache_bytes: u64) -> Result<Store, Fault> {
        if FjallEngine::is_in(path) {
            return Err(Fault::Broken("the folder holds a store that the engine fjall made".into()));
        }
        let engine = SledEngine::open(path, cache_bytes)?;
        Store::with(Arc::new(engine), Some(Chain::open(path)?))
    }

    /// The same with the engine fjall.
    pub fn open_fjall(path: &Path, cache_bytes: u64) -> Result<Store, Fault> {
        if SledEngine::is_in(path) {
            return Err(Fault::Broken("the folder holds a store that the engine sled made".into()));
        }
        let engine = FjallEngine::open(path, cache_bytes)?;
        Store::with(Arc::new(engine), Some(Chain::open(path)?))
    }

    /// The store in a PostgreSQL database; see [`PostgresEngine::open`].
    pub fn open_postgres(settings: &postgres::Settings) -> Result<Store, Fault> {
        Store::over(Arc::new(PostgresEngine::open(settings)?))
    }

    /// The store in a directory with the engine that made it; a new one with sled.
    pub fn open_folder(path: &Path, cache_bytes: u64) -> Result<Store, Fault> {
        let is_fjall = FjallEngine::is_in(path);
        if is_fjall { Store::open_fjall(path, cache_bytes) } else { Store::open_sled(path, cache_bytes) }
    }

    /// A store on any engine. Fails when the engine holds a store that is laid out otherwise.
    pub fn over(engine: Arc<dyn Engine>) -> Result<Store, Fault> {
        Store::with(engine, None)
    }

    fn with(engine: Arc<dyn Engine>, chain: Option<Chain>) -> Result<Store, Fault> {
        match engine.get(&keys::meta(keys::FORMAT))? {
            Some(format) if format == FORMAT => {}
            Some(_) => return Err(Fault::Broken("the store was made by another version of this program".into())),
            None => engine.apply(&[format_commit()])?.into_iter().try_for_each(|fate| fate.map(|_| ()))?,
        }
        Ok(Store::assemble(engine, chain))
    }

    fn assemble(engine: Arc<dyn Engine>, chain: Option<Chain>) -> Store {
        let watchers = Watchers::default();
        let panels = Arc::new(Panels(Cache::new(PANELS_BYTES_MAX)));
        let committer = Committer::start_watched(engine.clone(), watchers.clone());
        let store = Store { inner: Arc::new(Inner { engine, committer, watchers, panels: panels.clone(), chain }) };
        store.watch(panels);
        store
    }

    /// Queues a commit; see [`Committer::submit`].
    pub fn submit(&self, commit: Commit) -> Ticket {
        self.inner.committer.submit(commit)
    }

    /// Tells the watcher of every commit from now on, before the commit is acknowledged. The store does not own it.
    pub fn watch<W: Watch + 'static>(&self, watcher: Arc<W>) {
        let watcher: Arc<dyn Watch> = watcher;
        let mut watchers = self.inner.watchers.write().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|other| other.strong_count() > 0);
        let weak: Weak<dyn Watch> = Arc::downgrade(&watcher);
        watchers.push(weak);
    }

    /// The engine beneath.
    pub fn engine(&self) -> &dyn Engine {
        &*self.inner.engine
    }

    /// What a partition holds in short; `None` when there is nothing.
    pub fn head(&self, patient: PatientKey) -> Result<Option<Head>, Fault> {
        self.engine().get(&keys::head(patient))?.map(|bytes| Head::decode(&bytes)).transpose()
    }

    /// The partitions in which a resource can lie, usually one or none: an id that somebody chose was placed when it was
    /// new; a derived id says itself which records it can belong to.
    pub fn candidates(&self, resource_type: ResourceType, id: &ResourceId) -> Result<Vec<PatientKey>, Fault> {
        if let Some(value) = self.engine().get(&keys::id(resource_type, id.as_str()))? {
            let key = value.try_into().map_err(|_| Fault::Broken("the place of an id is damaged".into()))?;
            return Ok(vec![PatientKey(u128::from_be_bytes(key))]);
        }
        if resource_type == ResourceType::PATIENT {
            return Ok(vec![PatientKey::of_id(id.as_str())]);
        }
        match PatientKey::range_of(id) {
            None => Ok(Vec::new()),
            Some((least, most)) => self.records_between(least, most, id),
        }
    }

    /// The records from `least` to `most` that derive an id. Heads sort first in a partition, so each step meets one
    /// record.
    fn records_between(&self, least: PatientKey, most: PatientKey, id: &ResourceId) -> Result<Vec<PatientKey>, Fault> {
        let mut found = Vec::new();
        let mut next = Some(least);
        while let Some(from) = next {
            let Some(patient) = self.record_from(from)?.filter(|patient| *patient <= most) else { break };
            found.extend(Some(patient).filter(|patient| patient.derives(id)));
            next = patient.0.checked_add(1).map(PatientKey);
        }
        Ok(found)
    }

    /// The first record from a key on; to walk over all of them, a million as well as ten.
    pub fn record_from(&self, from: PatientKey) -> Result<Option<PatientKey>, Fault> {
        let (_, to) = keys::space(Space::Partition);
        let first = self.engine().scan(&keys::head(from), &to, 1, Order::Ascending)?;
        Ok(first.first().and_then(|(key, _)| keys::partition_patient(key)))
    }

    /// The letters whose ids begin with these hexadecimal digits, at most `limit`; none when these are no digits.
    pub fn letters_named(&self, digits: &str, limit: usize) -> Result<Vec<LetterId>, Fault> {
        let Some((least, most)) = LetterId::range(digits) else { return Ok(Vec::new()) };
        let mut found: Vec<LetterId> = Vec::new();
        let (mut from, to) = (keys::raw(least, 0), keys::next(&keys::raw(most, u16::MAX)));
        while found.len() < limit {
            let first = self.engine().scan(&from, &to, 1, Order::Ascending)?;
            let Some(letter) = first.first().and_then(|(key, _)| keys::letter_of(key)) else { break };
            found.push(letter);
            from = keys::next(&keys::raw(letter, u16::MAX));
        }
        Ok(found)
    }

    /// The commit that keeps a letter, to be durable before the letter is read (invariant 2); `None` when it is there
    /// already. `id` is the letter's own, which the caller has at hand. Two that keep the same letter at once write the
    /// same.
    pub fn keep_raw(&self, id: LetterId, letter: &Letter) -> Result<Option<Commit>, Fault> {
        if self.engine().get(&keys::raw(id, 0))?.is_some() {
            return Ok(None);
        }
        let (facility, name) = (letter.source.facility.as_str().as_bytes(), letter.name.as_bytes());
        let mut text = Vec::with_capacity(letter.bytes.len() + facility.len() + name.len() + 10);
        text.extend_from_slice(&letter.source.zone_minutes.to_be_bytes());
        for part in [facility, name] {
            text.extend_from_slice(&(part.len() as u32).to_be_bytes());
            text.extend_from_slice(part);
        }
        text.extend_from_slice(&letter.bytes);
        let mut commit = Commit::default();
        parts::put(&mut commit, Dictionary::Letter1, &text, |part| keys::raw(id, part))?;
        Ok(Some(commit))
    }

    /// A letter as it came.
    pub fn letter(&self, id: LetterId) -> Result<Option<Letter>, Fault> {
        let Some(text) = parts::get(self.engine(), |part| keys::raw(id, part))? else { return Ok(None) };
        let read = || {
            let (zone, mut rest) = text.split_first_chunk()?;
            let mut names = [""; 2];
            for name in &mut names {
                let (length, after) = rest.split_first_chunk()?;
                let (bytes, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
                *name = std::str::from_utf8(bytes).ok()?;
                rest = after;
            }
            let [facility, name] = names;
            let source = Source { facility: FacilityCode::parse(facility), zone_minutes: i16::from_be_bytes(*zone) };
            Some(Letter { source: Arc::new(source), name: name.to_owned(), bytes: rest.to_vec() })
        };
        read().map(Some).ok_or_else(|| Fault::Broken("a stored letter is damaged".into()))
    }

    /// The bytes of a letter, untouched.
    pub fn raw(&self, id: LetterId) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.letter(id)?.map(|letter| letter.bytes))
    }

    /// What became of a letter.
    pub fn receipt(&self, id: LetterId) -> Result<Option<Vec<u8>>, Fault> {
        parts::get(self.engine(), |part| keys::receipt(id, part))
    }

    /// What of a receipt tells it from others of its letter, for [`crate::store::Commit::expect_receipt`].
    pub fn receipt_as_stored(&self, id: LetterId) -> Result<Option<Vec<u8>>, Fault> {
        self.engine().get(&keys::receipt(id, 0))
    }

    /// At most `limit` held letters, in the order of their ids, after `after`.
    pub fn held(&self, after: Option<LetterId>, limit: usize) -> Result<Vec<LetterId>, Fault> {
        let (start, to) = keys::space(Space::Held);
        let from = after.map_or(start, |letter| keys::next(&keys::held(letter)));
        let entries = self.engine().scan(&from, &to, limit, Order::Ascending)?;
        Ok(entries.iter().filter_map(|(key, _)| keys::letter_of(key)).collect())
    }

    /// What [`Commit::note`] noted under a name.
    pub fn noted(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        self.engine().get(&keys::meta(name))
    }

    /// Whether a letter is held.
    pub fn is_held(&self, letter: LetterId) -> Result<bool, Fault> {
        Ok(self.engine().get(&keys::held(letter))?.is_some())
    }

    /// The records in which something of a type has, or had, an identifier with this value ([`crate::search::Parameter::IDENTIFIER`]
    /// as a hash of the code), at most `limit`, in the order of their keys; only for types that are found so
    /// ([`crate::store::records::is_found_by_identifier`]).
    pub fn identified(&self, resource_type: ResourceType, value: u64, limit: usize) -> Result<Vec<PatientKey>, Fault> {
        let prefix = keys::identifier_prefix(resource_type, value);
        let entries = self.engine().scan(&prefix, &keys::after(&prefix), limit, Order::Ascending)?;
        Ok(entries.iter().filter_map(|(key, _)| keys::identifier_of(key)).collect())
    }

    /// The patients whose consent names the organisation (`Organization/agency-a`), in the order of their keys. Kept in
    /// memory until it changes. A panel of more than [`PANEL_MAX`] is `Fault::Broken`.
    pub fn panel(&self, organization: &str) -> Result<Arc<[PatientKey]>, Fault> {
        if let Some(panel) = self.hot_panel(organization) {
            return Ok(panel);
        }
        let name = keys::organization(organization);
        let load = self.inner.panels.0.load(name);
        let prefix = keys::panel_prefix(name);
        let mut panel = Vec::new();
        self.each(&prefix, &keys::after(&prefix), |key, _| {
            panel.extend(keys::panel_of(key).map(|(_, patient)| patient));
            if panel.len() > PANEL_MAX { Err(Fault::Broken("a panel is too large to be read".into())) } else { Ok(()) }
        })?;
        let panel: Arc<[PatientKey]> = panel.into();
        load.done(panel.clone(), 16 * panel.len() + 128);
        Ok(panel)
    }

    /// The same when it is in memory. Does not touch the disk.
    pub fn hot_panel(&self, organization: &str) -> Option<Arc<[PatientKey]>> {
        self.inner.panels.0.get(keys::organization(organization))
    }

    /// At most `limit` entries of the log after a position, in order.
    pub fn log(&self, after: Position, limit: usize) -> Result<Vec<(Position, Logged)>, Fault> {
        let (_, to) = keys::space(Space::Log);
        let entries = self.engine().scan(&keys::next(&keys::log(after)), &to, limit, Order::Ascending)?;
        let read = |(key, value): &Entry| {
            let position = keys::number_of(key).ok_or_else(|| Fault::Broken("the log is damaged".into()))?;
            Ok((Position(position), Logged::decode(value)?))
        };
        entries.iter().map(read).collect()
    }

    /// The position of the last entry of the log; 0 where there is none.
    pub fn log_end(&self) -> Result<Position, Fault> {
        super::log::last(self.engine())
    }

    /// Adds a chunk to the audit chain, at most [`crate::store::VALUE_BYTES_MAX`] long, under the next number. Blocks until it
    /// is durable, and with it every commit that a reader can have seen before: what it tells of may leave then.
    /// `Fault::Conflict` when the number is taken.
    pub fn append_audit(&self, number: u64, chunk: Vec<u8>) -> Result<(), Fault> {
        let Some(chain) = &self.inner.chain else {
            let key = keys::audit(number);
            let (expect, put) = (vec![(key.clone(), None)], vec![(key, chunk)]);
            return self.submit(Commit { expect, put, ..Commit::default() }).wait().map(|_| ());
        };
        let seen = self.inner.committer.begun();
        chain.append(number, &chunk)?;
        self.inner.committer.settled(seen)
    }

    /// The folder of the audit chain's own files; `None` where the engine keeps it.
    pub fn audit_folder(&self) -> Option<PathBuf> {
        self.inner.chain.as_ref().map(|chain| chain.folder().to_owned())
    }

    /// At most `limit` chunks of the audit chain from a number on, in the given order.
    pub fn audit(&self, from: u64, limit: usize, order: Order) -> Result<Vec<(u64, Vec<u8>)>, Fault> {
        if let Some(chain) = &self.inner.chain {
            return chain.read(from, limit, order);
        }
        let (start, end) = keys::space(Space::Audit);
        let (from, to) = match order {
            Order::Ascending => (keys::audit(from), end),
            Order::Descending => (start, keys::next(&keys::audit(from))),
        };
        let entries = self.engine().scan(&from, &to, limit, order)?;
        Ok(entries.into_iter().filter_map(|(key, chunk)| Some((keys::number_of(&key)?, chunk))).collect())
    }

    /// Hands on every entry from `from` to before `to`, read in pages.
    pub(crate) fn each(
        &self,
        from: &[u8],
        to: &[u8],
        mut work: impl FnMut(&[u8], Vec<u8>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut from = from.to_vec();
        loop {
            let page = self.engine().scan(&from, to, PAGE, Order::Ascending)?;
            let ended = page.len() < PAGE;
            for (key, value) in page {
                from.clone_from(&key);
                work(&key, value)?;
            }
            if ended {
                return Ok(());
            }
            from.push(0);
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl Watch for Panels {
    fn committed(&self, commit: &Commit) {
        let keys = commit.put.iter().map(|(key, _)| key).chain(&commit.delete);
        for (organization, _) in keys.filter_map(|key| keys::panel_of(key)) {
            self.0.forget(organization);
        }
    }
}

fn format_commit() -> Commit {
    Commit { put: vec![(keys::meta(keys::FORMAT), FORMAT.to_vec())], ..Commit::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::faulty;
    use crate::store::records::example;

    const HOME: PatientKey = PatientKey(5 << 100);

    #[test]
    fn a_letter_is_kept_once_and_whole() {
        let store = Store::open_memory();
        let mut letter = example::letter("MSH|^~\\&|山田", "000001/あ_1");
        letter.bytes.extend([0xff, 0x00, 0x1b]);
        let commit = store.keep_raw(letter.id(), &letter).unwrap().unwrap();
        store.submit(commit).wait().unwrap();
        assert_eq!(store.keep_raw(letter.id(), &letter).unwrap(), None);
        let back = store.letter(letter.id()).unwrap().unwrap();
        assert_eq!((back.id(), &back.source, &back.name), (letter.id(), &letter.source, &letter.name));
        assert_eq!(store.raw(letter.id()).unwrap(), Some(letter.bytes));
        assert_eq!(store.raw(LetterId([0; 32])).unwrap(), None);
    }

    #[test]
    fn a_message_is_one_commit() {
        let store = Store::open_memory();
        let letter = example::letter("MSH", "a");
        assert_eq!(store.candidates(ResourceType::OBSERVATION, &ResourceId::parse("none").unwrap()).unwrap(), []);
        let first = example::version(HOME, "a", 1);
        let id = first.0.id.clone();
        let mut commit = store.partition(HOME).unwrap().write(HOME, "f", &[first]).unwrap();
        commit.of_letter(letter.id()).unwrap();
        commit.put_receipt(letter.id(), b"done").unwrap();
        commit.hold(letter.id());
        assert_eq!(store.submit(commit).wait(), Ok(Position(1)));
        assert_eq!(store.candidates(ResourceType::OBSERVATION, &id).unwrap(), [HOME]);
        let stranger = PatientKey(HOME.0 ^ 1 << 100).resource_id("Observation", "a");
        assert_eq!(store.candidates(ResourceType::OBSERVATION, &stranger).unwrap(), []);
        assert_eq!(store.receipt(letter.id()).unwrap().as_deref(), Some(&b"done"[..]));
        let logged = Logged { sheaves: vec![(HOME, 1)], letter: Some(letter.id()), tells_people: false };
        assert_eq!(store.log(Position(0), 9).unwrap(), [(Position(1), logged)]);
        assert_eq!(store.log(Position(1), 9).unwrap(), []);
        assert_eq!(store.held(None, 9).unwrap(), [letter.id()]);
        assert_eq!(store.held(Some(letter.id()), 9).unwrap(), []);
    }

    #[test]
    fn what_was_decided_upon_an_old_head_is_refused() {
        let store = Store::open_memory();
        let seen = store.partition(HOME).unwrap();
        let two = ["a", "b"].map(|name| seen.write(HOME, "f", &[example::version(HOME, name, 1)]).unwrap());
        let fates = two.map(|commit| store.submit(commit)).map(Ticket::wait);
        assert_eq!(fates, [Ok(Position(1)), Err(Fault::Conflict)]);
        let chosen = |patient| {
            let (mut facts, json) = example::version(HOME, "a", 1);
            facts.id = ResourceId::parse("chosen").unwrap();
            store.partition(patient).unwrap().write(patient, "f", &[(facts, json)]).unwrap()
        };
        let two = [PatientKey(6 << 100), PatientKey(7 << 100)].map(|patient| store.submit(chosen(patient)).wait());
        assert_eq!(two, [Ok(Position(2)), Err(Fault::Conflict)], "a chosen id lies in one partition only");
    }

    #[test]
    fn held_letters_and_audit_are_read_in_pages() {
        let store = Store::open_memory();
        let mut commit = Commit::default();
        for n in 0..5 {
            commit.hold(LetterId([n; 32]));
            store.append_audit(u64::from(n) + 1, vec![n]).unwrap();
        }
        store.submit(commit).wait().unwrap();
        assert_eq!(store.held(Some(LetterId([1; 32])), 2).unwrap(), [LetterId([2; 32]), LetterId([3; 32])]);
        let mut commit = Commit::default();
        commit.release(LetterId([2; 32]));
        store.submit(commit).wait().unwrap();
        assert_eq!(store.held(Some(LetterId([1; 32])), 1).unwrap(), [LetterId([3; 32])]);
        assert_eq!(store.audit(u64::MAX, 1, Order::Descending).unwrap(), [(5, vec![4])]);
        assert_eq!(store.audit(4, 9, Order::Ascending).unwrap(), [(4, vec![3]), (5, vec![4])]);
        assert_eq!(store.append_audit(5, Vec::new()), Err(Fault::Conflict));
    }

    #[test]
    fn a_store_of_another_format_is_not_opened() {
        let engine: Arc<dyn Engine> = Arc::new(MemoryEngine::new());
        assert!(Store::over(engine.clone()).is_ok() && Store::over(engine.clone()).is_ok());
        let put = vec![(keys::meta(keys::FORMAT), b"1".to_vec())];
        engine.apply(&[Commit { put, ..Commit::default() }]).unwrap();
        assert!(matches!(Store::over(engine), Err(Fault::Broken(_))));
    }

    #[test]
    fn a_folder_is_opened_by_the_engine_that_made_it() {
        type Open = fn(&Path, u64) -> Result<Store, Fault>;
        for (make, refused) in
            [(Store::open_sled as Open, Store::open_fjall as Open), (Store::open_fjall, Store::open_sled)]
        {
            let folder = tempfile::tempdir().unwrap();
            let mut commit = Commit::default();
            commit.note("mark", Some(b"1"));
            make(folder.path(), 1 << 20).unwrap().submit(commit).wait().unwrap();
            assert!(matches!(refused(folder.path(), 1 << 20), Err(Fault::Broken(_))));
            let store = Store::open_folder(folder.path(), 1 << 20).unwrap();
            assert_eq!(store.noted("mark").unwrap().as_deref(), Some(&b"1"[..]));
        }
    }

    #[test]
    fn every_failing_call_leaves_all_or_nothing() {
        for failure in [faulty::Failure::Before, faulty::Failure::After] {
            for nth in 1.. {
                let inner: Arc<dyn Engine> = Arc::new(MemoryEngine::new());
                let engine = Arc::new(faulty::FaultyEngine::new(inner.clone(), nth, failure));
                let receive = |store: &Store| {
                    let letter = example::letter("MSH", "a");
                    if let Some(commit) = store.keep_raw(letter.id(), &letter)? {
                        store.submit(commit).wait()?;
                    }
                    if store.receipt(letter.id())?.is_none() {
                        let mut commit = store.partition(HOME)?.write(HOME, "f", &[example::version(HOME, "a", 1)])?;
                        commit.put_receipt(letter.id(), b"done")?;
                        store.submit(commit).wait()?;
                    }
                    Ok::<_, Fault>(())
                };
                let first = Store::over(engine.clone()).and_then(|store| receive(&store));
                assert_eq!(first.is_err(), engine.failed());
                let again = Store::over(inner).unwrap();
                receive(&again).unwrap();
                let report = crate::store::verify::verify(&again).unwrap();
                assert_eq!((report.broken, report.records, report.letters, report.receipts), (vec![], 1, 1, 1));
                if !engine.failed() {
                    break;
                }
            }
        }
    }
}
