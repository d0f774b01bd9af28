//! Looking back in the audit record: the newest events first, of one patient by the index, of a span of time from where it
//! ends in the chain.

use super::index::Place;
use super::{Found, Journal, PAGE};
use crate::audit::{self, Event};
use crate::fault::Fault;
use crate::fhir::PatientKey;
use crate::store::Order;

/// Events looked at for one page at most; where there are more, the page says from where to go on.
pub const SCANNED_MAX: usize = 1_000_000;
/// An event is recorded when its request ends and says when it began: so much later at most, milliseconds.
const LATE_MS: i64 = 24 * 3_600_000;

/// Which events are wanted.
#[derive(Debug)]
pub struct Wanted<F> {
    /// Those that name this patient.
    pub patient: Option<PatientKey>,
    /// Not before this instant, milliseconds since 1970.
    pub from_ms: i64,
    /// Before this instant.
    pub to_ms: i64,
    /// Only what stands before this place in the chain.
    pub before: Option<Place>,
    /// What else must hold of them.
    pub holds: F,
    /// At most so many.
    pub limit: usize,
    /// Events looked at at most; [`SCANNED_MAX`] for whoever waits for an answer.
    pub scanned_max: usize,
}

/// What was found, newest first.
#[derive(Debug)]
pub struct Page {
    /// The events.
    pub found: Vec<Found>,
    /// Where there may be more: what stands before this place is not looked at yet.
    pub next: Option<Place>,
}

impl Journal {
    /// The newest events for which `wanted` holds, newest first, with chunk and index; at most `limit`. Reads back until it has
    /// them. Blocks on storage.
    pub fn newest(&self, limit: usize, wanted: impl Fn(&Event) -> bool) -> Result<Vec<Found>, Fault> {
        let mut found = Vec::new();
        self.back(u64::MAX, |place, event| {
            if wanted(&event) {
                found.push((place, event));
            }
            Ok(found.len() < limit)
        })?;
        Ok(found)
    }

    /// A page of the events that are wanted, newest first. Blocks on storage.
    pub fn find<F: Fn(&Event) -> bool>(&self, wanted: &Wanted<F>) -> Result<Page, Fault> {
        let before = wanted.before.unwrap_or((u64::MAX, u32::MAX));
        let mut page = Page { found: Vec::new(), next: None };
        let mut scanned = 0;
        let mut look = |place: Place, event: Event| {
            if event.recorded_ms < wanted.from_ms.saturating_sub(LATE_MS) {
                return Ok(false);
            }
            scanned += 1;
            let in_time = (wanted.from_ms..wanted.to_ms).contains(&event.recorded_ms);
            if place < before && in_time && (wanted.holds)(&event) {
                page.found.push((place, event));
            }
            let goes_on = page.found.len() < wanted.limit && scanned < wanted.scanned_max;
            if !goes_on {
                page.next = Some(place);
            }
            Ok(goes_on)
        };
        match wanted.patient {
            None => {
                let from = self.last_before(wanted.to_ms.saturating_add(LATE_MS))?;
                self.back(before.0.min(from), look)?;
            }
            Some(patient) => {
                let mut read: Option<(u64, Vec<Option<Event>>)> = None;
                self.index.each(patient, before, |place| {
                    if read.as_ref().is_none_or(|(number, _)| *number != place.0) {
                        let chunk = self.store.audit(place.0, 1, Order::Ascending)?;
                        let chunk = chunk.into_iter().find(|(number, _)| *number == place.0);
                        read = Some((place.0, audit::decode(&chunk.map(|(_, chunk)| chunk).unwrap_or_default())));
                    }
                    let events = read.as_ref().map(|(_, events)| events.as_slice()).unwrap_or_default();
                    let event = events.get(place.1 as usize).cloned().flatten().ok_or_else(unreadable)?;
                    if !event.patients.contains(&patient) {
                        return Err(Fault::Broken("the index of patients does not fit the audit chain".into()));
                    }
                    look(place, event)
                })?;
            }
        }
        Ok(page)
    }

    /// One event. Blocks on storage.
    pub fn event(&self, (chunk, index): Place) -> Result<Option<Event>, Fault> {
        let read = self.store.audit(chunk, 1, Order::Ascending)?;
        let at = read.into_iter().find(|(number, _)| *number == chunk);
        Ok(at.and_then(|(_, chunk)| audit::decode(&chunk).into_iter().nth(index as usize).flatten()))
    }

    /// Hands on every event from a chunk backwards, until it is told that this was enough.
    fn back(&self, from: u64, mut look: impl FnMut(Place, Event) -> Result<bool, Fault>) -> Result<(), Fault> {
        let mut from = from;
        loop {
            let page = self.store.audit(from, PAGE, Order::Descending)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            let before = last.checked_sub(1);
            for (number, chunk) in &page {
                for (index, event) in audit::decode(chunk).into_iter().enumerate().rev() {
                    if !look((*number, index as u32), event.ok_or_else(unreadable)?)? {
                        return Ok(());
                    }
                }
            }
            match before {
                Some(before) => from = before,
                None => return Ok(()),
            }
        }
    }

    /// The last chunk that begins with an event before an instant: by halves, as the chain is in the order of time.
    fn last_before(&self, instant_ms: i64) -> Result<u64, Fault> {
        let last = self.store.audit(u64::MAX, 1, Order::Descending)?;
        let Some((last, _)) = last.first() else { return Ok(0) };
        let (mut from, mut to) = (0, *last);
        while from < to && instant_ms < i64::MAX {
            let middle = to - (to - from) / 2;
            let chunk = self.store.audit(middle, 1, Order::Ascending)?;
            let first = chunk.first().and_then(|(_, chunk)| audit::decode(chunk).into_iter().next().flatten());
            if first.is_some_and(|event| event.recorded_ms < instant_ms) { from = middle } else { to = middle - 1 }
        }
        Ok(to)
    }
}

fn unreadable() -> Fault {
    Fault::Broken("an audit event cannot be read".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::What;
    use crate::store::Store;

    const DAY_MS: i64 = 86_400_000;

    /// An event a day; patient 1 on even days, patient 2 on odd ones.
    fn filled(days: i64) -> Journal {
        let store = Store::open_memory();
        let journal = Journal::start(store, 9).unwrap();
        for day in 0..days {
            let patients = vec![PatientKey(((day % 2 + 1) as u128) << 64)];
            journal.record_now(Event { patients, ..Event::new(day * DAY_MS, What::Read) }).unwrap();
        }
        journal
    }

    fn wanted(from: i64, to: i64, patient: Option<u128>) -> Wanted<impl Fn(&Event) -> bool> {
        let patient = patient.map(|n| PatientKey(n << 64));
        let (from_ms, to_ms) = (from.saturating_mul(DAY_MS), to.saturating_mul(DAY_MS));
        Wanted { patient, from_ms, to_ms, before: None, holds: |_: &Event| true, limit: 99, scanned_max: 99 }
    }

    fn days(page: &Page) -> Vec<i64> {
        page.found.iter().map(|(_, event)| event.recorded_ms / DAY_MS).collect()
    }

    #[test]
    fn a_span_of_time_is_found_wherever_it_lies() {
        let journal = filled(30);
        for (from, to) in [(i64::MIN, i64::MAX), (0, 30), (5, 9), (0, 1), (29, 30), (30, 99), (-5, 0), (12, 12)] {
            for patient in [None, Some(1), Some(2)] {
                let is_one = |day: &i64| patient.is_none_or(|n| (day % 2 + 1) as u128 == n);
                let expected: Vec<i64> = (from.max(0)..to.min(30)).rev().filter(is_one).collect();
                let page = journal.find(&wanted(from, to, patient)).unwrap();
                assert_eq!((days(&page), page.next), (expected, None), "{from} {to} {patient:?}");
            }
        }
    }

    #[test]
    fn what_is_looked_at_for_one_page_is_limited_and_the_next_goes_on_there() {
        let journal = filled(10);
        for (scanned_max, found) in [(9, 9), (10, 10), (11, 10)] {
            let page = journal.find(&Wanted { scanned_max, ..wanted(0, 99, None) }).unwrap();
            assert_eq!(page.found.len(), found);
            assert_eq!(page.next.is_none(), scanned_max > 10, "{scanned_max}");
            let rest = journal.find(&Wanted { before: page.next, ..wanted(0, 99, None) }).unwrap();
            assert_eq!(rest.found.len(), if scanned_max > 10 { 10 } else { 10 - found });
        }
    }
}
