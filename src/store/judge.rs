//! Decides the fate of commits that are applied together, in order, for engines that write them as one batch.

use std::collections::BTreeMap;

use crate::fault::Fault;
use crate::store::{Commit, KEY_BYTES_MAX, Position, VALUE_BYTES_MAX, keys};

/// What several commits come to.
pub(crate) struct Merged<'a> {
    /// One fate per commit.
    pub(crate) fates: Vec<Result<Position, Fault>>,
    /// What to write (`Some`) and take away (`None`).
    pub(crate) writes: BTreeMap<&'a [u8], Option<&'a [u8]>>,
    /// The entries of the log.
    pub(crate) log: Vec<(Vec<u8>, &'a [u8])>,
    /// The last position afterwards.
    pub(crate) last: Position,
}

/// Judges the commits in order, each against the store (`read`) and those before it; `last` is the last position.
pub(crate) fn merge<'a>(
    commits: &'a [Commit],
    last: Position,
    read: impl Fn(&[u8]) -> Result<Option<Vec<u8>>, Fault>,
) -> Result<Merged<'a>, Fault> {
    let mut merged =
        Merged { fates: Vec::with_capacity(commits.len()), writes: BTreeMap::new(), log: Vec::new(), last };
    for commit in commits {
        let fate = fate(commit, &merged.writes, &read)?;
        let fate = fate.map(|()| merged.take(commit));
        merged.fates.push(fate);
    }
    Ok(merged)
}

fn fate(
    commit: &Commit,
    before: &BTreeMap<&[u8], Option<&[u8]>>,
    read: impl Fn(&[u8]) -> Result<Option<Vec<u8>>, Fault>,
) -> Result<Result<(), Fault>, Fault> {
    let values = commit.put.iter().map(|(_, value)| value).chain(&commit.log);
    if values.map(Vec::len).max() > Some(VALUE_BYTES_MAX) {
        return Ok(Err(Fault::Broken("a value is longer than an engine takes".into())));
    }
    let keys = commit.put.iter().map(|(key, _)| key).chain(&commit.delete);
    let mut keys = keys.chain(commit.expect.iter().map(|(key, _)| key));
    if keys.any(|key| key.is_empty() || key.len() > KEY_BYTES_MAX) {
        return Ok(Err(Fault::Broken("a key is longer than an engine takes, or empty".into())));
    }
    for (key, expected) in &commit.expect {
        let holds = match before.get(key.as_slice()) {
            Some(now) => *now == expected.as_deref(),
            None => read(key)?.as_deref() == expected.as_deref(),
        };
        if !holds {
            return Ok(Err(Fault::Conflict));
        }
    }
    Ok(Ok(()))
}

impl<'a> Merged<'a> {
    fn take(&mut self, commit: &'a Commit) -> Position {
        for (key, value) in &commit.put {
            self.writes.insert(key, Some(value));
        }
        for key in &commit.delete {
            self.writes.insert(key, None);
        }
        if let Some(entry) = &commit.log {
            self.last.0 += 1;
            self.log.push((keys::log(self.last), entry));
        }
        self.last
    }
}
