//! The committer: one thread that makes of all commits that wait one durable write (design decisions 4a and 5).

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, RwLock, Weak};
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use crate::fault::Fault;
use crate::store::{Commit, Engine, Position};

/// Commits that may wait; one more is told `Fault::Busy`.
pub const COMMITS_WAITING_MAX: usize = 4096;
/// Bytes of keys and values that may wait; while there are more, a further commit is told `Fault::Busy`.
pub const WAITING_BYTES_MAX: usize = 64 << 20;
/// Commits that are written together at most.
pub const BATCH_COMMITS_MAX: usize = 256;
/// A batch is closed by the commit with which it comes to this many bytes of keys and values.
pub const BATCH_BYTES: usize = 4 << 20;

/// Told of each commit that was written, before its submitter is: what the watcher forgets now, nobody who waited for
/// the commit can still be shown.
pub trait Watch: Send + Sync {
    /// Called on the committer's thread, so it must be short and must not submit.
    fn committed(&self, commit: &Commit);
}

/// Who watches. A watcher is forgotten with its last owner.
pub type Watchers = Arc<RwLock<Vec<Weak<dyn Watch>>>>;

/// The one way into an engine. Dropping it writes what waits and stops the thread.
pub struct Committer {
    queue: Option<SyncSender<Waiting>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    waiting_bytes: AtomicUsize,
    broken: OnceLock<Fault>,
    /// Batches that the engine was given, and those of them that it is done with.
    begun: AtomicU64,
    done: Mutex<u64>,
    more_done: Condvar,
}

struct Waiting {
    commit: Commit,
    bytes: usize,
    answer: oneshot::Sender<Result<Position, Fault>>,
}

/// The fate of a submitted commit, to be awaited, or waited for outside of async code.
#[must_use = "a commit is durable only when its ticket says so"]
#[derive(Debug)]
pub struct Ticket(State);

#[derive(Debug)]
enum State {
    Waiting(oneshot::Receiver<Result<Position, Fault>>),
    Refused(Fault),
}

impl Committer {
    /// Starts the thread.
    pub fn start(engine: Arc<dyn Engine>) -> Self {
        Self::start_watched(engine, Watchers::default())
    }

    /// Starts the thread, which tells `watchers` of every commit. Where no thread can be had, every commit is refused
    /// as `Fault::Broken`.
    pub fn start_watched(engine: Arc<dyn Engine>, watchers: Watchers) -> Self {
        let (queue, waiting) = sync_channel(COMMITS_WAITING_MAX);
        let shared = Arc::new(Shared::default());
        let its = shared.clone();
        let thread = thread::Builder::new().name("committer".into());
        let thread = thread.spawn(move || run(&*engine, &waiting, &its, &watchers));
        if let Err(fault) = &thread {
            let _ = shared.broken.set(Fault::Broken(format!("cannot start the committer: {fault}")));
        }
        Committer { queue: Some(queue), thread: thread.ok(), shared }
    }

    /// Queues a commit. It never blocks: the ticket says `Fault::Busy` at once when too much waits, and `Fault::Broken`
    /// after the engine has failed once, because a broken store must not go on.
    pub fn submit(&self, commit: Commit) -> Ticket {
        if let Some(fault) = self.shared.broken.get() {
            return Ticket(State::Refused(fault.clone()));
        }
        let bytes = bytes(&commit);
        let before = self.shared.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        let (answer, ticket) = oneshot::channel();
        let refused = match &self.queue {
            Some(_) if before > WAITING_BYTES_MAX => Some(Fault::Busy),
            Some(queue) => match queue.try_send(Waiting { commit, bytes, answer }) {
                Ok(()) => None,
                Err(TrySendError::Full(_)) => Some(Fault::Busy),
                Err(TrySendError::Disconnected(_)) => Some(gone()),
            },
            None => Some(gone()),
        };
        let Some(fault) = refused else { return Ticket(State::Waiting(ticket)) };
        self.shared.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        Ticket(State::Refused(fault))
    }
}

impl Committer {
    /// How many batches the engine was given so far: nothing of a later one can have been seen by now.
    pub fn begun(&self) -> u64 {
        self.shared.begun.load(Ordering::SeqCst)
    }

    /// Blocks until the engine is done with so many batches. `Fault::Broken` when it failed: nobody knows what of them is
    /// durable.
    pub fn settled(&self, begun: u64) -> Result<(), Fault> {
        let mut done = self.shared.done.lock().unwrap_or_else(PoisonError::into_inner);
        while *done < begun {
            done = self.shared.more_done.wait(done).unwrap_or_else(PoisonError::into_inner);
        }
        self.shared.broken.get().map_or(Ok(()), |fault| Err(fault.clone()))
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

impl Ticket {
    /// Blocks until the commit is durable or refused. Panics inside of an async task: await the ticket there.
    pub fn wait(self) -> Result<Position, Fault> {
        match self.0 {
            State::Waiting(receiver) => receiver.blocking_recv().unwrap_or_else(|_| Err(gone())),
            State::Refused(fault) => Err(fault),
        }
    }
}

impl Future for Ticket {
    type Output = Result<Position, Fault>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Waiting(receiver) => {
                Pin::new(receiver).poll(context).map(|answer| answer.unwrap_or_else(|_| Err(gone())))
            }
            State::Refused(fault) => Poll::Ready(Err(fault.clone())),
        }
    }
}

fn run(engine: &dyn Engine, waiting: &Receiver<Waiting>, shared: &Shared, watchers: &Watchers) {
    let mut answers = Vec::with_capacity(BATCH_COMMITS_MAX);
    let mut commits = Vec::with_capacity(BATCH_COMMITS_MAX);
    while let Ok(first) = waiting.recv() {
        let mut size = 0;
        let mut next = Some(first);
        while let Some(Waiting { commit, bytes, answer }) = next {
            size += bytes;
            commits.push(commit);
            answers.push(answer);
            let more = commits.len() < BATCH_COMMITS_MAX && size < BATCH_BYTES;
            next = if more { waiting.try_recv().ok() } else { None };
        }
        shared.waiting_bytes.fetch_sub(size, Ordering::Relaxed);
        shared.begun.fetch_add(1, Ordering::SeqCst);
        let fates = apply(engine, &commits, shared);
        *shared.done.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        shared.more_done.notify_all();
        tell(watchers, &commits, &fates);
        for (answer, fate) in answers.drain(..).zip(fates) {
            let _ = answer.send(fate);
        }
        commits.clear();
    }
}

/// One fate per commit, whatever the engine does.
fn apply(engine: &dyn Engine, commits: &[Commit], shared: &Shared) -> Vec<Result<Position, Fault>> {
    let fault = match shared.broken.get() {
        Some(fault) => fault.clone(),
        None => match catch_unwind(AssertUnwindSafe(|| engine.apply(commits))) {
            Ok(Ok(fates)) if fates.len() == commits.len() => return fates,
            Ok(Ok(_)) => Fault::Broken("the engine forgot a commit".into()),
            Ok(Err(fault)) => fault,
            Err(panic) => Fault::Broken(format!("the engine panicked: {}", sentence(&*panic))),
        },
    };
    if matches!(fault, Fault::Broken(_)) {
        let _ = shared.broken.set(fault.clone());
    }
    vec![Err(fault); commits.len()]
}

/// Watchers hear of refused commits too when the engine failed as a whole: nobody knows whether they were written.
fn tell(watchers: &Watchers, commits: &[Commit], fates: &[Result<Position, Fault>]) {
    let watchers = watchers.read().unwrap_or_else(PoisonError::into_inner);
    for watcher in watchers.iter().filter_map(Weak::upgrade) {
        for (commit, _) in commits.iter().zip(fates).filter(|(_, fate)| !matches!(fate, Err(Fault::Conflict))) {
            watcher.committed(commit);
        }
    }
}

fn bytes(commit: &Commit) -> usize {
    let expect = commit.expect.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len));
    let put = commit.put.iter().map(|(key, value)| key.len() + value.len());
    let delete = commit.delete.iter().map(Vec::len);
    expect.chain(put).chain(delete).sum::<usize>() + commit.log.as_ref().map_or(0, Vec::len)
}

fn gone() -> Fault {
    Fault::Broken("the committer has stopped".into())
}

fn sentence(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::faulty::{Failure, FaultyEngine};
    use crate::store::memory::MemoryEngine;
    use crate::store::{Entry, Order};
    use std::sync::Mutex;

    fn put(key: impl Into<Vec<u8>>) -> Commit {
        Commit { put: vec![(key.into(), b"v".to_vec())], log: Some(Vec::new()), ..Commit::default() }
    }

    /// Holds `apply` back until told, and notes how many commits came at once.
    #[derive(Default)]
    struct Slow {
        inner: MemoryEngine,
        gate: Mutex<()>,
        batches: Mutex<Vec<usize>>,
    }

    impl Engine for Slow {
        fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
            self.inner.get(key)
        }
        fn scan(&self, from: &[u8], to: &[u8], limit: usize, order: Order) -> Result<Vec<Entry>, Fault> {
            self.inner.scan(from, to, limit, order)
        }
        fn apply(&self, commits: &[Commit]) -> Result<Vec<Result<Position, Fault>>, Fault> {
            self.batches.lock().unwrap().push(commits.len());
            let _gate = self.gate.lock().unwrap();
            assert!(commits[0].put[0].0 != b"panic", "asked for");
            self.inner.apply(commits)
        }
    }

    /// Submits one commit and waits until the engine has it in hand.
    fn hold_up(engine: &Slow, committer: &Committer) -> Ticket {
        let ticket = committer.submit(put("first"));
        while engine.batches.lock().unwrap().is_empty() {
            thread::yield_now();
        }
        ticket
    }

    #[test]
    fn what_waits_is_written_together_up_to_the_limit() {
        let engine = Arc::new(Slow::default());
        let committer = Committer::start(engine.clone());
        let gate = engine.gate.lock().unwrap();
        let first = hold_up(&engine, &committer);
        let tickets: Vec<_> = (0..BATCH_COMMITS_MAX + 1).map(|n| committer.submit(put(format!("{n}")))).collect();
        drop(gate);
        assert_eq!(first.wait(), Ok(Position(1)));
        for (n, ticket) in tickets.into_iter().enumerate() {
            assert_eq!(ticket.wait(), Ok(Position(n as u64 + 2)), "in the order of submission");
        }
        assert_eq!(*engine.batches.lock().unwrap(), [1, BATCH_COMMITS_MAX, 1]);
    }

    #[test]
    fn a_batch_is_closed_by_its_bytes() {
        let engine = Arc::new(Slow::default());
        let committer = Committer::start(engine.clone());
        let gate = engine.gate.lock().unwrap();
        let first = hold_up(&engine, &committer);
        let large = || Commit { put: vec![(b"k".to_vec(), vec![0; 64 * 1024]); 40], ..Commit::default() };
        let tickets: Vec<_> = (0..3).map(|_| committer.submit(large())).collect();
        drop(gate);
        assert!(first.wait().is_ok() && tickets.into_iter().all(|ticket| ticket.wait().is_ok()));
        assert_eq!(*engine.batches.lock().unwrap(), [1, 2, 1]);
    }

    #[test]
    fn more_than_may_wait_is_busy() {
        let engine = Arc::new(Slow::default());
        let committer = Committer::start(engine.clone());
        let gate = engine.gate.lock().unwrap();
        let first = hold_up(&engine, &committer);
        let tickets: Vec<_> = (0..COMMITS_WAITING_MAX).map(|n| committer.submit(put(format!("{n}")))).collect();
        assert_eq!(committer.submit(put("one more")).wait(), Err(Fault::Busy));
        drop(gate);
        assert!(first.wait().is_ok() && tickets.into_iter().all(|ticket| ticket.wait().is_ok()));
        assert!(committer.submit(put("again")).wait().is_ok());
        assert_eq!(committer.shared.waiting_bytes.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn what_may_have_been_seen_is_waited_for() {
        let engine = Arc::new(Slow::default());
        let committer = Committer::start(engine.clone());
        assert_eq!((committer.begun(), committer.settled(0)), (0, Ok(())));
        let gate = engine.gate.lock().unwrap();
        let first = hold_up(&engine, &committer);
        let seen = committer.begun();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| committer.settled(seen));
            thread::sleep(std::time::Duration::from_millis(50));
            assert!(!waiting.is_finished());
            drop(gate);
            assert_eq!(waiting.join().unwrap(), Ok(()));
        });
        assert!(first.wait().is_ok() && committer.submit(put("panic")).wait().is_err());
        assert!(matches!(committer.settled(seen), Err(Fault::Broken(_))));
    }

    #[test]
    fn dropping_it_writes_what_waits() {
        let engine = Arc::new(Slow::default());
        let committer = Committer::start(engine.clone());
        let tickets: Vec<_> = (0..1000).map(|n| committer.submit(put(format!("{n:04}")))).collect();
        drop(committer);
        assert!(tickets.into_iter().all(|ticket| ticket.wait().is_ok()));
        assert_eq!(engine.scan(b"0", b"A", 9999, Order::Ascending).unwrap().len(), 1000);
    }

    #[test]
    fn after_a_broken_write_nothing_goes_on() {
        let inner = Arc::new(MemoryEngine::new());
        let committer = Committer::start(Arc::new(FaultyEngine::new(inner.clone(), 2, Failure::Before)));
        assert!(committer.submit(put("a")).wait().is_ok());
        assert!(matches!(committer.submit(put("b")).wait(), Err(Fault::Broken(_))));
        assert!(matches!(committer.submit(put("c")).wait(), Err(Fault::Broken(_))));
        assert_eq!(inner.get(b"c"), Ok(None));
    }

    #[test]
    fn an_engine_that_panics_is_broken() {
        let engine = Arc::new(Slow::default());
        let committer = Committer::start(engine);
        let fate = committer.submit(put("panic")).wait();
        assert!(matches!(fate, Err(Fault::Broken(what)) if what.contains("asked for")));
        assert!(matches!(committer.submit(put("b")).wait(), Err(Fault::Broken(_))));
    }

    #[test]
    fn a_conflict_is_only_its_own() {
        let committer = Committer::start(Arc::new(MemoryEngine::new()));
        let refused = Commit { expect: vec![(b"a".to_vec(), Some(b"x".to_vec()))], ..put("b") };
        let tickets = [put("c"), refused, put("d")].map(|commit| committer.submit(commit));
        let fates = tickets.map(Ticket::wait);
        assert_eq!(fates, [Ok(Position(1)), Err(Fault::Conflict), Ok(Position(2))]);
    }

    #[test]
    fn a_ticket_can_be_awaited() {
        let committer = Committer::start(Arc::new(MemoryEngine::new()));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(committer.submit(put("a"))), Ok(Position(1)));
    }

    #[test]
    fn watchers_hear_before_the_submitter() {
        #[derive(Default)]
        struct Seen(Mutex<Vec<Vec<u8>>>);
        impl Watch for Seen {
            fn committed(&self, commit: &Commit) {
                self.0.lock().unwrap().push(commit.put[0].0.clone());
            }
        }
        let seen: Arc<Seen> = Arc::default();
        let watcher: Arc<dyn Watch> = seen.clone();
        let watchers: Watchers = Arc::new(RwLock::new(vec![Arc::downgrade(&watcher)]));
        let committer = Committer::start_watched(Arc::new(MemoryEngine::new()), watchers);
        for n in 0..100_u8 {
            committer.submit(put([n])).wait().unwrap();
            assert_eq!(seen.0.lock().unwrap().last(), Some(&vec![n]));
        }
    }
}
