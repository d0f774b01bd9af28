//! What is listed of a file: of each severity so much, so that what is worst is never crowded out, and at the end how many more
//! there are. A file of a million wrong lines is told of in a list that somebody can read.

use super::Remark;
use crate::fault::{Issue, Place, Severity, rules};

/// Remarks of each severity that are listed of one file.
pub const REMARKS_MAX: usize = 10_000;

rules! {
    MORE "validate-more" Information Incomplete
        "{} more are not listed: correct these first, and check again" "ほか {} 件は表示していません。表示されたものを直してから、もう一度検査してください"
}

/// The remarks that are listed, and what is to be said of the others.
#[derive(Debug, Default)]
pub(super) struct Found {
    listed: Vec<Remark>,
    /// Of each severity, how many are listed.
    counts: [usize; 4],
    more: usize,
    worst: Option<Severity>,
}

impl Found {
    /// Whether a remark of this severity is still listed; it is counted either way.
    pub(super) fn takes(&mut self, severity: Severity) -> bool {
        let count = self.counts.get_mut(severity as usize);
        if let Some(count) = count.filter(|count| **count < REMARKS_MAX) {
            *count += 1;
            return true;
        }
        self.more += 1;
        self.worst = self.worst.max(Some(severity));
        false
    }

    pub(super) fn push(&mut self, remark: Remark) {
        if self.takes(remark.severity) {
            self.listed.push(remark);
        }
    }

    /// Remarks for which there is room.
    pub(super) fn taken(&mut self, remarks: Vec<Remark>) {
        self.listed.extend(remarks);
    }

    /// What was found of a part of the file, each remark changed.
    pub(super) fn add(&mut self, part: Found, change: impl Fn(Remark) -> Remark) {
        self.more += part.more;
        self.worst = self.worst.max(part.worst);
        self.extend(part.listed.into_iter().map(change));
    }

    /// What is listed, and the remark that says how many more there are: as bad as the worst of them.
    pub(super) fn closed(self) -> (Vec<Remark>, Option<Remark>) {
        let closing = |severity| {
            let issue = Issue::with(&MORE, Place::Whole, self.more.to_string());
            Remark { severity, ..Remark::new(&issue) }
        };
        (self.listed, self.worst.map(closing))
    }
}

impl Extend<Remark> for Found {
    fn extend<T: IntoIterator<Item = Remark>>(&mut self, remarks: T) {
        remarks.into_iter().for_each(|remark| self.push(remark));
    }
}

impl From<Vec<Remark>> for Found {
    fn from(remarks: Vec<Remark>) -> Self {
        let mut found = Found::default();
        found.extend(remarks);
        found
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::guide::Library;
    use crate::inspect::{Against, file};
    use crate::profile::Profiles;

    fn said(name: &str, text: &str) -> Vec<Remark> {
        let profiles = Profiles::new(Arc::new(Library::new(Vec::new())));
        file(name, text.as_bytes(), &Against { profiles: &profiles, asked: &[] }).remarks
    }

    #[test]
    fn remarks_are_listed_up_to_the_limit_and_counted_beyond_it() {
        let lines = |count: usize| said("x.ndjson", &"{\"resourceType\":\"Nope\"}\n".repeat(count));
        let some = lines(REMARKS_MAX);
        assert!(some.len() == REMARKS_MAX && some.iter().all(|one| one.at.is_some()));
        let more = lines(REMARKS_MAX + 2);
        assert_eq!(more.len(), REMARKS_MAX + 1);
        let (closing, worst) = (more.last().unwrap(), more[0].severity);
        assert_eq!((&*closing.rule, closing.severity, closing.at), ("validate-more", worst, None));
        assert_eq!(closing.en, "2 more are not listed: correct these first, and check again");
    }

    #[test]
    fn what_is_worst_is_not_crowded_out() {
        let mut found = Found::default();
        for severity in [Severity::Information, Severity::Error] {
            let taken = (0..=REMARKS_MAX).filter(|_| found.takes(severity)).count();
            assert_eq!(taken, REMARKS_MAX);
        }
        assert!(found.takes(Severity::Warning) && !found.takes(Severity::Information));
        let closing = found.closed().1.unwrap();
        assert!(closing.severity == Severity::Error && closing.en.starts_with("3 more"), "{closing:?}");
    }

    #[test]
    fn many_problems_of_one_resource_are_placed_in_time_that_goes_by_its_length() {
        let began = Instant::now();
        let many = "<nope/>".repeat(30_000);
        let remarks = said("x.xml", &format!("<Patient xmlns=\"http://hl7.org/fhir\">{many}</Patient>"));
        assert!(remarks.len() <= 4 * REMARKS_MAX + 1);
        let listed = format!("[{}]", vec!["{\"use\":1}"; 200_000].join(","));
        let remarks = said("x.json", &format!("{{\"resourceType\":\"Patient\",\"name\":{listed}}}"));
        assert!(remarks.len() > 1);
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    }
}
