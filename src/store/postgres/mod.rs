//! The engine over a PostgreSQL database, or one that speaks its protocol (docs/adr/0022).
//!
//! `place` spreads keys over partitions, `turn` is how it writes, `lease` says whose the database is, `sql` holds
//! every statement, `connect` how the database is reached. A database that is away, or being moved to another machine,
//! makes calls wait, then answer `Fault::Busy`; when it is back they go on.

mod connect;
mod lease;
mod place;
mod sql;
mod turn;

pub use connect::{Settings, is_local};

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio_postgres::Row;

use crate::fault::Fault;
use crate::store::{Commit, Engine, Entry, Order, Position};
use connect::{Failure, Pools, discard_if_lost};
use place::Reach;

/// The partition of all rows of the table of turns.
const PART: &[u8] = b"turn";
/// How long a call goes on trying to reach a database that is away.
const RETRY_SECONDS_MAX: u64 = 20;
/// How long one transaction or read may take before its connection is given up.
const CALL_SECONDS_MAX: u64 = 30;
/// Before the second try; each further one waits twice as long, up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(2);
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// An engine over a database. Its calls block: keep them off async threads.
pub struct PostgresEngine {
    inner: Arc<Inner>,
    /// `None` while it is being dropped.
    runtime: Option<Runtime>,
}

struct Inner {
    pools: Pools,
    /// Who writes: made anew at each opening.
    writer: Vec<u8>,
    /// Whether nobody else may write.
    is_alone: bool,
    broken: OnceLock<Fault>,
}

impl PostgresEngine {
    /// Opens the store in a database, making its tables when they are not there. Fails with [`crate::store::LOCKED`]
    /// while another process has it open; one that ended without closing it is waited for, seven seconds.
    pub fn open(settings: &Settings) -> Result<Self, Fault> {
        Self::start(settings, true)
    }

    /// The same beside others that were opened so.
    #[cfg(test)]
    pub(crate) fn open_beside_others(settings: &Settings) -> Result<Self, Fault> {
        Self::start(settings, false)
    }

    fn start(settings: &Settings, is_alone: bool) -> Result<Self, Fault> {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).thread_name("postgres").enable_all().build();
        let runtime = runtime.map_err(|fault| Fault::Broken(format!("cannot start a thread: {fault}")))?;
        let inner = Arc::new(Inner {
            pools: Pools::new(settings)?,
            writer: uuid::Uuid::new_v4().as_bytes().to_vec(),
            is_alone,
            broken: OnceLock::new(),
        });
        let away = |what| Fault::Broken(format!("the database cannot be reached: {what}"));
        runtime.block_on(inner.until_done(away, || inner.enter()))?;
        if is_alone {
            runtime.block_on(inner.until_done(away, || inner.own()))?;
        }
        runtime.spawn(Inner::live(Arc::downgrade(&inner)));
        Ok(PostgresEngine { inner, runtime: Some(runtime) })
    }

    fn wait<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        match &self.runtime {
            Some(runtime) => runtime.block_on(work),
            None => Err(Fault::Broken("the store is closed".into())),
        }
    }
}

impl Drop for PostgresEngine {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        let inner = self.inner.clone();
        let (done, wait) = std::sync::mpsc::channel();
        runtime.spawn(async move {
            let _ = inner.leave().await;
            let _ = done.send(());
        });
        let _ = wait.recv_timeout(Duration::from_secs(2));
        runtime.shutdown_background();
    }
}

impl Engine for PostgresEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.wait(self.inner.until_done(|_| Fault::Busy, || self.inner.get(key)))
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize, order: Order) -> Result<Vec<Entry>, Fault> {
        if from >= to || limit == 0 {
            return Ok(Vec::new());
        }
        self.wait(self.inner.until_done(|_| Fault::Busy, || self.inner.scan(from, to, limit, order)))
    }

    fn apply(&self, commits: &[Commit]) -> Result<Vec<Result<Position, Fault>>, Fault> {
        if commits.is_empty() {
            return Ok(Vec::new());
        }
        self.wait(self.inner.apply(commits))
    }
}

impl Inner {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        let connection = self.pools.readers.get().await?;
        let (part, rest) = place::cut(key);
        let result = self.within_time(async {
            let get = connection.prepare_cached(sql::GET).await?;
            let row = connection.query_opt(&get, &[&part, &rest]).await?;
            Ok(row.map(|row| row.try_get(0)).transpose()?)
        });
        let result = result.await;
        discard_if_lost(connection, result)
    }

    async fn scan(&self, from: &[u8], to: &[u8], limit: usize, order: Order) -> Result<Vec<Entry>, Failure> {
        let connection = self.pools.readers.get().await?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let way = |[ascending, descending]: [&'static str; 2]| match order {
            Order::Ascending => ascending,
            Order::Descending => descending,
        };
        let result = self.within_time(async {
            let rows = match place::reach(from, to) {
                Reach::One { part, from, to } => {
                    let scan = connection.prepare_cached(way(sql::SCAN_ONE)).await?;
                    connection.query(&scan, &[&part, &from, &to, &limit]).await?
                }
                Reach::OneToItsEnd { part, from } => {
                    let scan = connection.prepare_cached(way(sql::SCAN_ONE_TO_ITS_END)).await?;
                    connection.query(&scan, &[&part, &from, &limit]).await?
                }
                Reach::Many => {
                    let scan = connection.prepare_cached(way(sql::SCAN_MANY)).await?;
                    let ((part, from), (to_part, to)) = (place::cut(from), place::cut(to));
                    connection.query(&scan, &[&part, &from, &to_part, &to, &limit]).await?
                }
            };
            Ok(rows.iter().map(entry).collect::<Result<_, _>>()?)
        });
        let result = result.await;
        discard_if_lost(connection, result)
    }

    /// Goes on until the commits are applied, or the database has been away for too long.
    async fn apply(&self, commits: &[Commit]) -> Result<Vec<Result<Position, Fault>>, Fault> {
        let mut unsure = None;
        let mut patience = Patience::new();
        loop {
            self.whole()?;
            match self.take_turn(commits, &mut unsure).await {
                Ok(fates) => return Ok(fates),
                Err(Failure::Fault(fault)) => {
                    let _ = self.broken.set(fault.clone());
                    return Err(fault);
                }
                Err(Failure::Again(what) | Failure::Lost(what)) => {
                    if patience.wait().await {
                        continue;
                    }
                    if unsure.is_none() {
                        return Err(Fault::Busy);
                    }
                    let fault = Fault::Broken(format!("nobody knows whether the last commit was written: {what}"));
                    let _ = self.broken.set(fault.clone());
                    return Err(fault);
                }
            }
        }
    }

    /// Repeats what changes nothing when done twice until it is done, or the database has been `away` for too long.
    async fn until_done<T, W>(&self, away: impl Fn(String) -> Fault, work: impl Fn() -> W) -> Result<T, Fault>
    where
        W: Future<Output = Result<T, Failure>>,
    {
        let mut patience = Patience::new();
        loop {
            self.whole()?;
            match work().await {
                Ok(done) => return Ok(done),
                Err(Failure::Fault(fault)) => return Err(fault),
                Err(Failure::Again(_) | Failure::Lost(_)) if patience.wait().await => {}
                Err(Failure::Again(what) | Failure::Lost(what)) => return Err(away(what)),
            }
        }
    }

    fn whole(&self) -> Result<(), Fault> {
        self.broken.get().map_or(Ok(()), |fault| Err(fault.clone()))
    }

    async fn within_time<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let late = |_| Failure::Lost("no answer in time".into());
        tokio::time::timeout(Duration::from_secs(CALL_SECONDS_MAX), work).await.map_err(late)?
    }
}

fn entry(row: &Row) -> Result<Entry, tokio_postgres::Error> {
    Ok((place::join(row.try_get(0)?, row.try_get(1)?), row.try_get(2)?))
}

/// How long there is to wait, and how long to the next try.
struct Patience {
    begun: Instant,
    pause: Duration,
}

impl Patience {
    fn new() -> Self {
        Patience { begun: Instant::now(), pause: PAUSE }
    }

    /// Waits for the next try; `false` when there is none.
    async fn wait(&mut self) -> bool {
        if self.begun.elapsed() > Duration::from_secs(RETRY_SECONDS_MAX) {
            return false;
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        true
    }
}
