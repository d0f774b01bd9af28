//! The journal: audit events made durable before an answer leaves, many in one write (invariant 5). Each chunk names the hash of
//! the one before it; heads of the chain are signed and written elsewhere (docs/adr/0039), and an index of patients is kept
//! beside it (docs/adr/0040).

pub mod anchors;
mod find;
pub mod index;
mod keeper;
pub mod verify;

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::audit::{Chunk, ChunkHash, Event, Head};
use crate::fault::Fault;
use crate::store::{Order, Store, VALUE_BYTES_MAX};
use anchors::Anchors;
pub use find::{Page, SCANNED_MAX, Wanted};
use index::Index;
use keeper::Keeper;
pub use keeper::{HEAD_CHUNKS, HEAD_EVERY};

/// Events written as one value.
pub const CHUNK_EVENTS_MAX: usize = 256;
/// A chunk of events of this many callers says that many are at work.
const BUSY_CALLERS: usize = 4;
/// How long such a chunk's successor waits for company.
const GATHER: Duration = Duration::from_micros(500);
/// Chunks read at a time when looking back.
const PAGE: usize = 64;

/// An event with the number of its chunk and its index there, which make its id.
pub type Found = ((u64, u32), Event);
/// Events that are acknowledged together.
type Waiting = (Vec<Event>, Answer);
type Answer = oneshot::Sender<Result<(), Fault>>;

/// Writes audit events. One thread takes whatever waits and writes it as one chunk.
#[derive(Debug)]
pub struct Journal {
    send: Option<SyncSender<Waiting>>,
    thread: Option<JoinHandle<()>>,
    keeper: Option<Keeper>,
    store: Store,
    index: Arc<Index>,
}

/// Where the chain ends: the number that the next chunk gets, and the hash of the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tip {
    next: u64,
    hash: ChunkHash,
}

impl Tip {
    fn read(store: &Store) -> Result<Self, Fault> {
        let last = store.audit(u64::MAX, 1, Order::Descending)?;
        Ok(last.first().map_or(Tip { next: 0, hash: ChunkHash::NOTHING }, |(number, chunk)| Tip {
            next: number + 1,
            hash: ChunkHash::of(*number, chunk),
        }))
    }

    /// The head of the chain at an instant; `None` of an empty one.
    fn head(&self, at_ms: i64) -> Option<Head> {
        self.next.checked_sub(1).map(|number| Head { number, hash: self.hash, at_ms })
    }
}

/// The head of a store's chain at an instant, milliseconds since 1970; `None` where nothing was recorded yet. Blocks on storage.
pub fn head(store: &Store, at_ms: i64) -> Result<Option<Head>, Fault> {
    Ok(Tip::read(store)?.head(at_ms))
}

impl Journal {
    /// Starts after the last chunk in the store. At most `waiting_max` callers wait for their events to be written; one more is
    /// refused as busy.
    pub fn start(store: Store, waiting_max: usize) -> Result<Self, Fault> {
        Journal::started(store, waiting_max, |_, _| Ok(None))
    }

    /// The same for a gateway that runs on: the index of patients is kept up, and where there are anchors, heads of the chain
    /// are signed at the start, at the end, every [`HEAD_CHUNKS`] chunks and every [`HEAD_EVERY`]. `clock` gives milliseconds
    /// since 1970.
    pub fn keep(store: Store, waiting_max: usize, anchors: Option<Anchors>, clock: fn() -> i64) -> Result<Self, Fault> {
        Journal::started(store, waiting_max, |tip, index| Keeper::start(tip, index, anchors, clock).map(Some))
    }

    fn started(
        store: Store,
        waiting_max: usize,
        keeper: impl FnOnce(Arc<Mutex<Tip>>, Arc<Index>) -> Result<Option<Keeper>, Fault>,
    ) -> Result<Self, Fault> {
        let tip = Tip::read(&store)?;
        let shared = Arc::new(Mutex::new(tip));
        let index = Arc::new(Index::of(store.clone()));
        let keeper = keeper(shared.clone(), index.clone())?;
        let (send, receive) = sync_channel(waiting_max);
        let notify = keeper.as_ref().and_then(Keeper::notify);
        let mut writer = Writer { store: store.clone(), tip, is_lost: false, shared, notify, carried: None };
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer.run(&receive))
            .map_err(|_| Fault::Broken("the journal's thread cannot be started".into()))?;
        Ok(Journal { send: Some(send), thread: Some(thread), keeper, store, index })
    }

    /// Records an event; when this returns well, it is durable. Nothing may leave before.
    pub async fn record(&self, event: Event) -> Result<(), Fault> {
        self.record_all(vec![event]).await
    }

    /// Records several, one after the other; when this returns well, all are durable.
    pub async fn record_all(&self, mut events: Vec<Event>) -> Result<(), Fault> {
        while !events.is_empty() {
            let rest = events.split_off(events.len().min(CHUNK_EVENTS_MAX));
            self.hand_over(events)?.await.map_err(|_| stopped())??;
            events = rest;
        }
        Ok(())
    }

    /// [`Journal::record`] outside of async code; blocks until the event is durable.
    pub fn record_now(&self, event: Event) -> Result<(), Fault> {
        self.hand_over(vec![event])?.blocking_recv().map_err(|_| stopped())?
    }

    /// The same of several, one after the other.
    pub fn record_all_now(&self, mut events: Vec<Event>) -> Result<(), Fault> {
        while !events.is_empty() {
            let rest = events.split_off(events.len().min(CHUNK_EVENTS_MAX));
            self.hand_over(events)?.blocking_recv().map_err(|_| stopped())??;
            events = rest;
        }
        Ok(())
    }

    fn hand_over(&self, events: Vec<Event>) -> Result<oneshot::Receiver<Result<(), Fault>>, Fault> {
        let (answer, written) = oneshot::channel();
        let send = self.send.as_ref().ok_or(Fault::Busy)?;
        send.try_send((events, answer)).map_err(|error| match error {
            TrySendError::Full(_) => Fault::Busy,
            TrySendError::Disconnected(_) => stopped(),
        })?;
        Ok(written)
    }
}

fn stopped() -> Fault {
    Fault::Broken("the journal has stopped".into())
}

/// The one that adds to the chain.
struct Writer {
    store: Store,
    tip: Tip,
    /// Whether it is not known what became of the last chunk.
    is_lost: bool,
    shared: Arc<Mutex<Tip>>,
    notify: Option<SyncSender<()>>,
    /// What became of the first part of events whose rest is in the next chunk.
    carried: Option<Fault>,
}

impl Writer {
    fn run(&mut self, receive: &Receiver<Waiting>) {
        let (mut queue, mut is_busy) = (VecDeque::new(), false);
        loop {
            if queue.is_empty() {
                let Ok(waiting) = receive.recv() else { return };
                enqueue(&mut queue, waiting);
            }
            if is_busy {
                // Where many wait, more are coming: one write for all of them costs the machine a fraction of several.
                std::thread::sleep(GATHER);
            }
            is_busy = self.write(&mut queue, receive) >= BUSY_CALLERS;
        }
    }

    /// Writes a chunk of what waits and answers for it; tells how many callers were answered.
    fn write(&mut self, queue: &mut VecDeque<(Event, Option<Answer>)>, receive: &Receiver<Waiting>) -> usize {
        let found = if self.is_lost { self.look() } else { Ok(()) };
        let mut chunk = Chunk::after(&self.tip.hash);
        let mut taken = Vec::new();
        while taken.len() < CHUNK_EVENTS_MAX {
            if queue.is_empty() {
                let Ok(waiting) = receive.try_recv() else { break };
                enqueue(queue, waiting);
                continue;
            }
            let fits = queue.front().is_some_and(|(event, _)| chunk.add(event, VALUE_BYTES_MAX));
            if !fits && !taken.is_empty() {
                // It begins the next chunk: one event alone always fits.
                break;
            }
            taken.extend(queue.pop_front().map(|(_, answer)| answer));
        }
        let result = found.and_then(|()| self.append(chunk.into_bytes()));
        let (mut answered, mut is_open) = (0, false);
        for answer in taken {
            is_open = answer.is_none();
            let Some(answer) = answer else { continue };
            answered += 1;
            // A caller who went away needs no answer.
            let _ = answer.send(self.carried.take().map_or(result.clone(), Err));
        }
        if let (true, Err(fault)) = (is_open, result) {
            self.carried = Some(fault);
        }
        answered
    }

    /// Looks where the chain ends.
    fn look(&mut self) -> Result<(), Fault> {
        self.tip = Tip::read(&self.store)?;
        self.is_lost = false;
        Ok(())
    }

    fn append(&mut self, chunk: Vec<u8>) -> Result<(), Fault> {
        let number = self.tip.next;
        let hash = ChunkHash::of(number, &chunk);
        let written = self.store.append_audit(number, chunk);
        match &written {
            Ok(()) => {
                self.tip = Tip { next: number + 1, hash };
                *self.shared.lock().unwrap_or_else(PoisonError::into_inner) = self.tip;
                if self.tip.next.is_multiple_of(HEAD_CHUNKS) {
                    // When it has not looked since the last time, it will see both.
                    let _ = self.notify.as_ref().map(|notify| notify.try_send(()));
                }
            }
            // What was refused as too much at once is not there: a gap would look like a chunk that somebody took away.
            Err(Fault::Busy) => {}
            Err(_) => self.is_lost = true,
        }
        written
    }
}

/// The last of the events that are acknowledged together has the answer.
fn enqueue(queue: &mut VecDeque<(Event, Option<Answer>)>, (events, answer): Waiting) {
    let last = events.len().saturating_sub(1);
    let mut answer = Some(answer);
    queue.extend(events.into_iter().enumerate().map(|(nth, event)| (event, answer.take_if(|_| nth == last))));
    // Nobody's events are done at once.
    if let Some(answer) = answer {
        let _ = answer.send(Ok(()));
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.send = None;
        if let Some(thread) = self.thread.take() {
            // What waited is written before the thread ends; then the last head is signed.
            let _ = thread.join();
        }
        self.keeper = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit;
    use crate::audit::{Agent, Outcome, QueryShape, What};
    use crate::consent::{ConsentVersion, Role};
    use crate::fhir::{PatientKey, ResourceId, ResourceType};
    use crate::store::faulty::{Failure, FaultyEngine};
    use crate::store::memory::MemoryEngine;

    /// As long as an event of one patient can be.
    fn event(patients: usize, names: usize) -> Event {
        let long = "x".repeat(64);
        Event {
            recorded_ms: i64::MAX,
            what: What::Search,
            outcome: Outcome::Done,
            agent: Some(Agent { client: long.clone(), organization: format!("Organization/{long}"), role: Role::Care }),
            address: Some("2001:db8::1".parse().unwrap()),
            resource_type: Some(ResourceType::OBSERVATION),
            id: ResourceId::parse(&long),
            patients: vec![PatientKey(u128::MAX); patients],
            query: QueryShape::of(vec!["n".repeat(100).as_str(); names]),
            request: String::new(),
            consents: vec![ConsentVersion { id: long.as_str().into(), version: u32::MAX }; patients],
            count: u32::MAX,
            purpose: None,
            person: None,
        }
    }

    fn writer(store: &Store) -> Writer {
        let tip = Tip::read(store).unwrap();
        let shared = Arc::new(Mutex::new(tip));
        Writer { store: store.clone(), tip, is_lost: false, shared, notify: None, carried: None }
    }

    /// Many events that wait at once.
    fn record_all(events: Vec<Event>) -> (Store, Vec<Result<(), Fault>>) {
        let store = Store::open_memory();
        let (send, receive) = sync_channel(events.len());
        let answers: Vec<_> = events
            .into_iter()
            .map(|event| {
                let (answer, written) = oneshot::channel();
                send.try_send((vec![event], answer)).unwrap();
                written
            })
            .collect();
        drop(send);
        writer(&store).run(&receive);
        (store, answers.into_iter().map(|answer| answer.blocking_recv().unwrap()).collect())
    }

    #[test]
    fn a_chunk_takes_as_many_events_as_it_may_and_not_one_more() {
        for (count, chunks) in [(CHUNK_EVENTS_MAX, 1), (CHUNK_EVENTS_MAX + 1, 2)] {
            let small = Event { agent: None, id: None, ..event(0, 0) };
            let (store, answers) = record_all(vec![small; count]);
            assert!(answers.iter().all(Result::is_ok));
            assert_eq!(store.audit(0, 9, Order::Ascending).unwrap().len(), chunks);
        }
    }

    #[test]
    fn however_long_the_events_are_each_is_written() {
        for (patients, names) in [(1, 0), (1, 50), (200, 50)] {
            let (store, answers) = record_all(vec![event(patients, names); 300]);
            assert!(answers.iter().all(Result::is_ok), "{patients} patients: {:?}", answers[0]);
            let chunks = store.audit(0, 999, Order::Ascending).unwrap();
            assert!(chunks.iter().all(|(_, chunk)| chunk.len() <= VALUE_BYTES_MAX));
            assert_eq!(chunks.iter().map(|(_, chunk)| audit::decode(chunk).len()).sum::<usize>(), 300);
        }
    }

    /// Every chunk names the one before it, the first none.
    fn is_chain(store: &Store) -> bool {
        let chunks = store.audit(0, 9999, Order::Ascending).unwrap();
        let mut before = ChunkHash::NOTHING;
        chunks.iter().enumerate().all(|(nth, (number, chunk))| {
            let follows = *number == nth as u64 && audit::previous(chunk) == Some(before);
            before = ChunkHash::of(*number, chunk);
            follows
        })
    }

    #[test]
    fn each_chunk_follows_the_one_before_also_after_a_restart() {
        let store = Store::open_memory();
        for _ in 0..3 {
            let journal = Journal::start(store.clone(), 9).unwrap();
            (0..3).for_each(|_| journal.record_now(event(1, 1)).unwrap());
        }
        assert_eq!(store.audit(0, 99, Order::Ascending).unwrap().len(), 9);
        assert!(is_chain(&store));
    }

    #[test]
    fn whichever_write_fails_the_chain_has_no_gap_and_who_is_told_that_it_is_written_is_right() {
        for failure in [Failure::Before, Failure::After] {
            for nth in 1..12 {
                let inner = Arc::new(MemoryEngine::new());
                let engine = Arc::new(FaultyEngine::new(inner.clone(), nth, failure));
                let Ok(store) = Store::over(engine) else { continue };
                let Ok(journal) = Journal::start(store, 9) else { continue };
                let done = (0..5).filter(|_| journal.record_now(event(1, 1)).is_ok()).count();
                drop(journal);
                let store = Store::over(inner).unwrap();
                assert!(is_chain(&store), "{failure:?} {nth}");
                let kept = store.audit(0, 99, Order::Ascending).unwrap().len();
                assert!((done..=5).contains(&kept), "{failure:?} {nth}: {done} acknowledged, {kept} kept");
            }
        }
    }

    #[test]
    fn events_handed_over_together_are_acknowledged_together_however_many_chunks_they_take() {
        let store = Store::open_memory();
        let (send, receive) = sync_channel(2);
        let (answer, written) = oneshot::channel();
        send.try_send((vec![event(200, 50); 10], answer)).unwrap();
        let (nothing, at_once) = oneshot::channel();
        send.try_send((Vec::new(), nothing)).unwrap();
        drop(send);
        writer(&store).run(&receive);
        assert_eq!((written.blocking_recv().unwrap(), at_once.blocking_recv().unwrap()), (Ok(()), Ok(())));
        assert!(store.audit(0, 99, Order::Ascending).unwrap().len() > 1);
        assert!(is_chain(&store));
    }
}
