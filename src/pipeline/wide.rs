//! Commits to several records at once (http.html#transaction). Readers look at one record after the other; so that nobody sees
//! one of them as it was before such a commit and another as it is after, whoever has read several asks here whether one
//! came between, and reads again.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::fhir::PatientKey;

/// Commits that are remembered after they are done. Whoever reads for longer than that reads again.
const REMEMBERED: usize = 16;

/// The commits to several records that are under way, and those that are just done.
#[derive(Debug, Default)]
pub(super) struct Wide(Mutex<Commits>);

#[derive(Debug, Default)]
struct Commits {
    begun: u64,
    done: u64,
    /// With the numbers they began under.
    under_way: Vec<(u64, Vec<PatientKey>)>,
    /// With the numbers they ended under, the last at the end.
    recent: VecDeque<(u64, Vec<PatientKey>)>,
}

/// A commit that is under way until this is dropped.
pub(super) struct UnderWay<'a>(&'a Wide, u64);

/// When somebody began to read.
#[derive(Clone, Copy, Debug)]
pub struct Since(u64);

impl Wide {
    /// Begins a commit to these records, which must be in order. One record is read as a whole anyway.
    pub(super) fn begin(&self, records: Vec<PatientKey>) -> Option<UnderWay<'_>> {
        if records.len() < 2 {
            return None;
        }
        let mut commits = self.lock();
        commits.begun += 1;
        let number = commits.begun;
        commits.under_way.push((number, records));
        Some(UnderWay(self, number))
    }

    /// Now.
    pub(super) fn now(&self) -> Since {
        Since(self.lock().done)
    }

    /// Whether none of these records was written together with another since then, nor is.
    pub(super) fn is_still(&self, since: Since, records: &[PatientKey]) -> bool {
        let commits = self.lock();
        let touches = |written: &Vec<PatientKey>| records.iter().any(|record| written.binary_search(record).is_ok());
        let is_known = commits.recent.front().is_none_or(|(oldest, _)| *oldest <= since.0 + 1);
        is_known
            && !commits.under_way.iter().any(|(_, written)| touches(written))
            && !commits.recent.iter().any(|(number, written)| *number > since.0 && touches(written))
    }

    fn lock(&self) -> MutexGuard<'_, Commits> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut commits = self.0.lock();
        let Some(at) = commits.under_way.iter().position(|(number, _)| *number == self.1) else { return };
        let (_, records) = commits.under_way.swap_remove(at);
        commits.done += 1;
        let done = commits.done;
        commits.recent.push_back((done, records));
        if commits.recent.len() > REMEMBERED {
            commits.recent.pop_front();
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
    fn who_read_while_records_were_written_together_reads_again() {
        let wide = Wide::default();
        let before = wide.now();
        assert!(wide.is_still(before, &[A, B]));
        let writing = wide.begin(vec![A, B]);
        let during = wide.now();
        assert!(!wide.is_still(before, &[A]) && !wide.is_still(during, &[B, C]) && wide.is_still(before, &[C]));
        drop(writing);
        assert!(!wide.is_still(before, &[A]) && !wide.is_still(during, &[B]) && wide.is_still(before, &[C]));
        assert!(wide.is_still(wide.now(), &[A, B, C]));
        assert!(wide.begin(vec![A]).is_none(), "one record is no matter");
    }

    #[test]
    fn what_is_remembered_no_more_counts_as_written() {
        let wide = Wide::default();
        let before = wide.now();
        (0..REMEMBERED).for_each(|_| drop(wide.begin(vec![A, B])));
        assert!(wide.is_still(before, &[C]));
        drop(wide.begin(vec![A, B]));
        assert!(!wide.is_still(before, &[C]));
        assert!(wide.is_still(wide.now(), &[A, C]));
    }
}
