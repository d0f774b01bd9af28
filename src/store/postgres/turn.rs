//! A turn: what one call of `apply` does, as one transaction.
//!
//! Writers take turns at one row: each locks it first and counts it up last. So between the two nobody else writes, what
//! was expected still holds when it is committed, and positions follow each other without a gap. It rests on nothing but
//! that a locked row stays as it was read, which holds at every level of isolation: from repeatable read on, whoever
//! waited for the row is told that it changed (40001), and tries again on a newer view.
//!
//! With the turn the writer's own row is counted. When the answer to a COMMIT is lost, the next turn shows whether the
//! lost one was taken: the row can be locked again only when the lost transaction has ended, one way or the other.

use std::collections::{BTreeSet, HashMap};

use deadpool_postgres::Object;
use futures_util::future;
use tokio_postgres::types::ToSql;

use super::connect::{Failure, discard_if_lost};
use super::{Inner, PART, place, sql};
use crate::fault::Fault;
use crate::store::{Commit, Position, judge};

/// A fate for each commit.
type Fates = Vec<Result<Position, Fault>>;

/// A turn whose COMMIT was sent and not answered.
pub(super) struct Unsure {
    turn: i64,
    fates: Fates,
}

/// The rows that were locked.
struct Turn {
    /// The last turn that anybody took.
    last: i64,
    /// The last turn that this writer took.
    own: i64,
    position: Position,
    owner: Vec<u8>,
}

impl Inner {
    /// Tries once. `unsure` is what an earlier try left open, and what this one does.
    pub(super) async fn take_turn(&self, commits: &[Commit], unsure: &mut Option<Unsure>) -> Result<Fates, Failure> {
        let connection = self.pools.writer.get().await?;
        let result = self.within_time(self.take_turn_on(&connection, commits, unsure)).await;
        discard_if_lost(connection, result)
    }

    async fn take_turn_on(
        &self,
        connection: &Object,
        commits: &[Commit],
        unsure: &mut Option<Unsure>,
    ) -> Result<Fates, Failure> {
        let (turn, found) = begin(connection, &self.writer, commits).await.map_err(nothing_done)?;
        if let Some(unsure) = unsure.take().filter(|unsure| unsure.turn == turn.own) {
            let _ = connection.batch_execute(sql::ROLLBACK).await;
            return Ok(unsure.fates);
        }
        if turn.owner != self.owner() {
            return Err(self.lose().into());
        }
        let merged = judge::merge(commits, turn.position, |key| Ok(found.get(key).cloned()))?;
        if merged.writes.is_empty() && merged.log.is_empty() {
            connection.batch_execute(sql::ROLLBACK).await.map_err(|fault| nothing_done(fault.into()))?;
            return Ok(merged.fates);
        }
        self.write(connection, &merged, &turn).await.map_err(nothing_done)?;
        let committing = connection.batch_execute(sql::COMMIT);
        *unsure = Some(Unsure { turn: turn.last + 1, fates: merged.fates.clone() });
        match committing.await.map_err(Failure::from) {
            Err(Failure::Lost(what)) => Err(Failure::Lost(what)),
            answered => {
                *unsure = None;
                answered.map(|()| merged.fates)
            }
        }
    }

    async fn write(&self, connection: &Object, merged: &judge::Merged<'_>, turn: &Turn) -> Result<(), Failure> {
        let (mut put, mut delete) = ((Vec::new(), Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
        let log = merged.log.iter().map(|(key, entry)| (key.as_slice(), Some(*entry)));
        for (key, value) in merged.writes.iter().map(|(key, value)| (*key, *value)).chain(log) {
            let (part, rest) = place::cut(key);
            match value {
                Some(value) => {
                    put.0.push(part);
                    put.1.push(rest);
                    put.2.push(value);
                }
                None => {
                    delete.0.push(part);
                    delete.1.push(rest);
                }
            }
        }
        let [put_many, delete_many, count] = [sql::PUT_MANY, sql::DELETE_MANY, sql::COUNT_TURN];
        let (put_many, delete_many, count) = future::try_join3(
            connection.prepare_cached(put_many),
            connection.prepare_cached(delete_many),
            connection.prepare_cached(count),
        )
        .await?;
        // Sent together; the server does one after the other.
        let putting = async {
            if put.0.is_empty() { Ok(0) } else { connection.execute(&put_many, &[&put.0, &put.1, &put.2]).await }
        };
        let deleting = async {
            if delete.0.is_empty() { Ok(0) } else { connection.execute(&delete_many, &[&delete.0, &delete.1]).await }
        };
        let position = number(merged.last.0)?;
        let next = turn.last + 1;
        let numbers: [&(dyn ToSql + Sync); 5] = [&PART, &self.writer, &turn.last, &next, &position];
        let counting = connection.execute(&count, &numbers);
        let (written, _, counted) = future::try_join3(putting, deleting, counting).await?;
        if counted == 2 && usize::try_from(written).is_ok_and(|written| written == put.0.len()) {
            Ok(())
        } else {
            Err(Fault::Broken("the database did not write what it was given".into()).into())
        }
    }
}

/// Begins a transaction, waits for the turn, and reads every key that a commit expects something of.
async fn begin(
    connection: &Object,
    writer: &[u8],
    commits: &[Commit],
) -> Result<(Turn, HashMap<Vec<u8>, Vec<u8>>), Failure> {
    let keys: BTreeSet<&[u8]> =
        commits.iter().flat_map(|commit| &commit.expect).map(|(key, _)| key.as_slice()).collect();
    let (parts, rests): (Vec<_>, Vec<_>) = keys.into_iter().map(place::cut).unzip();
    let (take, get) =
        future::try_join(connection.prepare_cached(sql::TAKE_TURN), connection.prepare_cached(sql::GET_MANY)).await?;
    let writers: [&[u8]; 2] = [&[], writer];
    let reading =
        async { if parts.is_empty() { Ok(Vec::new()) } else { connection.query(&get, &[&parts, &rests]).await } };
    let (_, rows, found) = future::try_join3(
        connection.batch_execute(sql::BEGIN),
        connection.query(&take, &[&PART, &&writers[..]]),
        reading,
    )
    .await?;
    let mut turn = Turn { last: -1, own: -1, position: Position(0), owner: Vec::new() };
    for row in rows {
        let (whose, number): (&[u8], i64) = (row.try_get(0)?, row.try_get(1)?);
        if whose.is_empty() {
            turn.last = number;
            turn.position = Position(u64::try_from(row.try_get::<_, i64>(2)?).unwrap_or(u64::MAX));
            turn.owner = row.try_get(3)?;
        } else {
            turn.own = number;
        }
    }
    if turn.last < 0 || turn.own < 0 {
        return Err(Fault::Broken("the table of turns is damaged".into()).into());
    }
    let found = found.iter().map(|row| Ok((place::join(row.try_get(0)?, row.try_get(1)?), row.try_get(2)?)));
    Ok((turn, found.collect::<Result<_, tokio_postgres::Error>>()?))
}

/// Before its COMMIT a transaction that is lost has done nothing.
fn nothing_done(failure: Failure) -> Failure {
    match failure {
        Failure::Lost(what) => Failure::Again(what),
        other => other,
    }
}

fn number(position: u64) -> Result<i64, Failure> {
    i64::try_from(position).map_err(|_| Fault::Broken("the log is full".into()).into())
}
