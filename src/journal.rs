//! The journal: audit events made durable before an answer leaves, many in one write (invariant 5).

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::audit::{self, Event};
use crate::fault::Fault;
use crate::store::{Commit, Order, Store};

/// Events written as one value.
pub const CHUNK_EVENTS_MAX: usize = 256;
/// Names (of patients, consents, parameters) in one value; each takes at most 100 bytes.
const CHUNK_NAMES_MAX: usize = 300;
/// A chunk of this many events says that many callers are at work.
const BUSY_EVENTS: usize = 4;
/// How long such a chunk's successor waits for company.
const GATHER: Duration = Duration::from_micros(500);
/// Chunks read at a time when looking back.
const PAGE: usize = 64;

/// An event with the number of its chunk and its index there, which make its id.
pub type Found = ((u64, u32), Event);
type Waiting = (Event, oneshot::Sender<Result<(), Fault>>);

/// Writes audit events. One thread takes whatever waits and writes it as one chunk.
#[derive(Debug)]
pub struct Journal {
    send: Option<SyncSender<Waiting>>,
    thread: Option<JoinHandle<()>>,
    store: Store,
}

impl Journal {
    /// Starts after the last chunk in the store. At most `events_waiting_max` events wait to be written; one more is
    /// refused as busy.
    pub fn start(store: Store, events_waiting_max: usize) -> Result<Self, Fault> {
        let last = store.audit(u64::MAX, 1, Order::Descending)?;
        let next = last.first().map_or(0, |(number, _)| number + 1);
        let (send, receive) = sync_channel(events_waiting_max);
        let writer = store.clone();
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || write(&writer, &receive, next))
            .map_err(|_| Fault::Broken("the journal's thread cannot be started".into()))?;
        Ok(Journal { send: Some(send), thread: Some(thread), store })
    }

    /// Records an event; when this returns well, it is durable. Nothing may leave before.
    pub async fn record(&self, event: Event) -> Result<(), Fault> {
        let (answer, written) = oneshot::channel();
        let send = self.send.as_ref().ok_or(Fault::Busy)?;
        send.try_send((event, answer)).map_err(|error| match error {
            TrySendError::Full(_) => Fault::Busy,
            TrySendError::Disconnected(_) => Fault::Broken("the journal has stopped".into()),
        })?;
        written.await.map_err(|_| Fault::Broken("the journal has stopped".into()))?
    }

    /// The newest events for which `wanted` holds, newest first, with chunk and index; at most `limit`. Blocks on storage.
    pub fn newest(&self, limit: usize, wanted: impl Fn(&Event) -> bool) -> Result<Vec<Found>, Fault> {
        let (mut from, mut found) = (u64::MAX, Vec::new());
        loop {
            let page = self.store.audit(from, PAGE, Order::Descending)?;
            let Some((last, _)) = page.last() else { return Ok(found) };
            let last = *last;
            for (number, chunk) in &page {
                for (index, event) in audit::decode(chunk).into_iter().enumerate().rev() {
                    let event = event.ok_or_else(|| Fault::Broken("an audit event cannot be read".into()))?;
                    if wanted(&event) {
                        found.push(((*number, index as u32), event));
                        if found.len() == limit {
                            return Ok(found);
                        }
                    }
                }
            }
            match last.checked_sub(1) {
                Some(before) => from = before,
                None => return Ok(found),
            }
        }
    }
}

fn write(store: &Store, receive: &Receiver<Waiting>, mut number: u64) {
    let mut busy = false;
    while let Ok(first) = receive.recv() {
        if busy {
            // Where many wait, more are coming: one write for all of them costs the machine a fraction of several.
            std::thread::sleep(GATHER);
        }
        let mut events = vec![first.0];
        let mut answers = vec![first.1];
        let mut names = named(&events[0]);
        while events.len() < CHUNK_EVENTS_MAX && names < CHUNK_NAMES_MAX {
            let Ok((event, answer)) = receive.try_recv() else { break };
            names += named(&event);
            events.push(event);
            answers.push(answer);
        }
        busy = events.len() >= BUSY_EVENTS;
        let result = write_chunk(store, number, &events);
        number += 1;
        for answer in answers {
            // A caller who went away needs no answer.
            let _ = answer.send(result.clone());
        }
    }
}

fn named(event: &Event) -> usize {
    event.patients.len() / 4 + event.consents.len() + event.query.names().len()
}

fn write_chunk(store: &Store, number: u64, events: &[Event]) -> Result<(), Fault> {
    let mut commit = Commit::default();
    commit.put_audit(number, audit::encode(events));
    store.submit(commit).wait().map(|_| ())
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.send = None;
        if let Some(thread) = self.thread.take() {
            // What waited is written before the thread ends.
            let _ = thread.join();
        }
    }
}
