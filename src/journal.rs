//! The journal: audit events made durable before an answer leaves, many in one write (invariant 5).

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::audit::{self, Event};
use crate::fault::Fault;
use crate::store::{Order, Store, VALUE_BYTES_MAX};

/// Events written as one value.
pub const CHUNK_EVENTS_MAX: usize = 256;
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
        self.hand_over(event)?.await.map_err(|_| stopped())?
    }

    /// Records several, one after the other; when this returns well, all are durable.
    pub async fn record_all(&self, events: Vec<Event>) -> Result<(), Fault> {
        let mut events = events.into_iter().peekable();
        while events.peek().is_some() {
            // As many as are written at once: who waits for each alone waits for as many writes.
            let together = events.by_ref().take(CHUNK_EVENTS_MAX).map(|event| self.hand_over(event));
            for written in together.collect::<Result<Vec<_>, _>>()? {
                written.await.map_err(|_| stopped())??;
            }
        }
        Ok(())
    }

    /// [`Journal::record`] outside of async code; blocks until the event is durable.
    pub fn record_now(&self, event: Event) -> Result<(), Fault> {
        self.hand_over(event)?.blocking_recv().map_err(|_| stopped())?
    }

    fn hand_over(&self, event: Event) -> Result<oneshot::Receiver<Result<(), Fault>>, Fault> {
        let (answer, written) = oneshot::channel();
        let send = self.send.as_ref().ok_or(Fault::Busy)?;
        send.try_send((event, answer)).map_err(|error| match error {
            TrySendError::Full(_) => Fault::Busy,
            TrySendError::Disconnected(_) => stopped(),
        })?;
        Ok(written)
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

fn stopped() -> Fault {
    Fault::Broken("the journal has stopped".into())
}

fn write(store: &Store, receive: &Receiver<Waiting>, mut number: u64) {
    let (mut next, mut busy) = (receive.recv().ok(), false);
    while let Some((event, answer)) = next.take() {
        if busy {
            // Where many wait, more are coming: one write for all of them costs the machine a fraction of several.
            std::thread::sleep(GATHER);
        }
        let mut chunk = audit::encode([&event]);
        let mut answers = vec![answer];
        while answers.len() < CHUNK_EVENTS_MAX {
            let Ok((event, answer)) = receive.try_recv() else { break };
            let one = audit::encode([&event]);
            let events = one.get(1..).unwrap_or_default(); // without the version
            if chunk.len() + events.len() > VALUE_BYTES_MAX {
                // It begins the next chunk: one event alone always fits.
                next = Some((event, answer));
                break;
            }
            chunk.extend_from_slice(events);
            answers.push(answer);
        }
        busy = answers.len() >= BUSY_EVENTS;
        let result = store.append_audit(number, chunk);
        // What was refused as too much at once is not there: a gap would look like a chunk that somebody took away.
        number += u64::from(result != Err(Fault::Busy));
        for answer in answers {
            // A caller who went away needs no answer.
            let _ = answer.send(result.clone());
        }
        if next.is_none() {
            next = receive.recv().ok();
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Agent, Outcome, QueryShape, What};
    use crate::consent::{ConsentVersion, Role};
    use crate::fhir::{PatientKey, ResourceId, ResourceType};

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
        }
    }

    /// Many events that wait at once.
    fn record_all(events: Vec<Event>) -> (Store, Vec<Result<(), Fault>>) {
        let store = Store::open_memory();
        let (send, receive) = sync_channel(events.len());
        let answers: Vec<_> = events
            .into_iter()
            .map(|event| {
                let (answer, written) = oneshot::channel();
                send.try_send((event, answer)).unwrap();
                written
            })
            .collect();
        drop(send);
        write(&store, &receive, 0);
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
}
