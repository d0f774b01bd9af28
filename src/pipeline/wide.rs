//! Commits to several records at once (http.html#transaction). Readers look at one record after the other; so that nobody sees
//! one of them as it was before such a commit and another as it is after, whoever has read several asks here whether one
//! of those that came between is in what was read, and reads again if so.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::fhir::PatientKey;

/// Commits that are remembered after they are done, and the records they wrote to. Whoever reads for longer reads again.
const COMMITS_MAX: usize = 256;
const RECORDS_MAX: usize = 1 << 18;

/// Records, each with how many sheaves it has then, in the order of their keys.
type Sheaves = Vec<(PatientKey, u64)>;

/// The commits to several records that are under way, and those that are just done.
#[derive(Debug, Default)]
pub(super) struct Wide(Mutex<Commits>);

#[derive(Debug, Default)]
struct Commits {
    begun: u64,
    done: u64,
    /// With the numbers they began under.
    under_way: Vec<(u64, Sheaves)>,
    /// With the numbers they ended under, the last at the end.
    recent: VecDeque<(u64, Sheaves)>,
    /// How many records those wrote to together.
    recent_records: usize,
}

/// A commit that is under way until this is dropped.
pub(super) struct UnderWay<'a>(&'a Wide, u64);

/// When somebody began to read.
#[derive(Clone, Copy, Debug)]
pub struct Since(u64);

impl Wide {
    /// Begins a commit to these records, each with how many sheaves it will have. One record is read as a whole anyway.
    pub(super) fn begin(&self, mut written: Sheaves) -> Option<UnderWay<'_>> {
        if written.len() < 2 {
            return None;
        }
        written.sort_unstable();
        let mut commits = self.lock();
        commits.begun += 1;
        let number = commits.begun;
        commits.under_way.push((number, written));
        Some(UnderWay(self, number))
    }

    /// Now.
    pub(super) fn now(&self) -> Since {
        Since(self.lock().done)
    }

    /// Whether of all commits that were not done then nothing is in what was read: in these records, each with the sheaves
    /// that were read of it. A commit that is in one of them may be missing in another.
    pub(super) fn is_whole(&self, since: Since, read: &[(PatientKey, u64)]) -> bool {
        let commits = self.lock();
        let is_in = |written: &Sheaves| {
            let of = |record| {
                written.binary_search_by_key(&record, |(record, _)| *record).ok().and_then(|at| written.get(at))
            };
            read.iter().any(|(record, sheaves)| of(*record).is_some_and(|(_, wrote)| wrote <= sheaves))
        };
        let are_remembered = commits.recent.front().is_none_or(|(oldest, _)| *oldest <= since.0 + 1);
        are_remembered
            && !commits.under_way.iter().any(|(_, written)| is_in(written))
            && !commits.recent.iter().any(|(number, written)| *number > since.0 && is_in(written))
    }

    fn lock(&self) -> MutexGuard<'_, Commits> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut commits = self.0.lock();
        let Some(at) = commits.under_way.iter().position(|(number, _)| *number == self.1) else { return };
        let (_, written) = commits.under_way.swap_remove(at);
        commits.done += 1;
        commits.recent_records += written.len();
        let done = commits.done;
        commits.recent.push_back((done, written));
        while commits.recent.len() > COMMITS_MAX || (commits.recent_records > RECORDS_MAX && commits.recent.len() > 1) {
            let Some((_, forgotten)) = commits.recent.pop_front() else { return };
            commits.recent_records -= forgotten.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: PatientKey = PatientKey(1);
    const B: PatientKey = PatientKey(2);
    const C: PatientKey = PatientKey(3);

    #[test]
    fn who_read_a_part_of_a_commit_reads_again() {
        let wide = Wide::default();
        let before = wide.now();
        assert!(wide.is_whole(before, &[(A, 9), (B, 9)]));
        let writing = wide.begin(vec![(B, 5), (A, 2)]);
        let during = wide.now();
        for since in [before, during] {
            assert!(wide.is_whole(since, &[(A, 1), (B, 4), (C, 9)]), "as it was");
            assert!(!wide.is_whole(since, &[(A, 2), (B, 4)]) && !wide.is_whole(since, &[(C, 9), (B, 5)]));
        }
        drop(writing);
        for since in [before, during] {
            assert!(wide.is_whole(since, &[(A, 1), (B, 4)]) && !wide.is_whole(since, &[(A, 2), (B, 4)]));
            assert!(!wide.is_whole(since, &[(A, 3)]), "what is newer holds it too");
        }
        assert!(wide.is_whole(wide.now(), &[(A, 2), (B, 5), (C, 1)]));
        assert!(wide.begin(vec![(A, 3)]).is_none(), "one record is read as a whole");
    }

    #[test]
    fn what_is_remembered_no_more_may_have_been_read() {
        let wide = Wide::default();
        let before = wide.now();
        (0..COMMITS_MAX).for_each(|_| drop(wide.begin(vec![(A, 1), (B, 1)])));
        assert!(wide.is_whole(before, &[(C, 1)]));
        drop(wide.begin(vec![(A, 1), (B, 1)]));
        assert!(!wide.is_whole(before, &[(C, 1)]));
        assert!(wide.is_whole(wide.now(), &[(A, 1), (C, 1)]));
        let before = wide.now();
        let many = || (10..10 + RECORDS_MAX as u128).map(|record| (PatientKey(record), 1)).collect();
        drop(wide.begin(many()));
        assert!(wide.is_whole(before, &[(C, 1)]), "the last one is remembered however large it is");
        drop(wide.begin(vec![(A, 1), (B, 1)]));
        assert!(!wide.is_whole(before, &[(C, 1)]));
    }
}
