//! What a caller may see of some records, as searches look at it: closed records are not in it, and every row passes the
//! gate of its record.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web;

use super::read::chart;
use super::routes::blocking;
use super::trail::Trail;
use crate::app::Gateway;
use crate::chart::Chart;
use crate::consent::{Caller, ConsentVersion, Gate, Permit, Permitted, Policy};
use crate::fault::Fault;
use crate::fhir::PatientKey;
use crate::pipeline::Since;
use crate::search::Columns;
use crate::search::visible::{Row, Visible};

/// Records with what each means for a caller.
pub(super) struct Records {
    charts: Vec<Arc<Chart>>,
    policies: Vec<Arc<Policy>>,
    /// Of those that have changed since a search began, how they stood then.
    earlier: Vec<Option<Chart>>,
}

/// The same with their gates.
pub(super) struct Scoped<'a> {
    records: &'a Records,
    gates: Vec<Gate<'a>>,
    columns: Vec<&'a Columns>,
    deadline: Option<&'a Deadline>,
}

/// Rows that are looked at between two looks at the clock.
const ROWS_A_LOOK: u32 = 256;

/// Until when a search may go on. Past it no row matches any more, so that it comes to its end; what it found is not said.
#[derive(Debug)]
pub(super) struct Deadline {
    until: Instant,
    rows: Cell<u32>,
    is_past: Cell<bool>,
}

impl Deadline {
    /// So long from now.
    pub(super) fn after(time: Duration) -> Self {
        Deadline { until: Instant::now() + time, rows: Cell::new(0), is_past: Cell::new(time.is_zero()) }
    }

    /// Whether it has passed.
    pub(super) fn is_past(&self) -> bool {
        if !self.is_past.get() && Instant::now() >= self.until {
            self.is_past.set(true);
        }
        self.is_past.get()
    }

    fn is_past_at_a_row(&self) -> bool {
        self.rows.set(self.rows.get().wrapping_add(1));
        if self.rows.get().is_multiple_of(ROWS_A_LOOK) { self.is_past() } else { self.is_past.get() }
    }
}

impl Records {
    /// Reads records. `begun`, milliseconds since 1970, is when the search began of which a later page is asked for. `None`
    /// where something that was written to several of them since `since` may be there in part.
    pub(super) async fn read(
        gateway: &web::Data<Gateway>,
        caller: &Caller,
        patients: &[PatientKey],
        begun: Option<i64>,
        (since, deadline): (Since, &Deadline),
    ) -> Result<Option<Self>, Fault> {
        let mut charts: Vec<Arc<Chart>> = Vec::with_capacity(patients.len());
        for patient in patients {
            if deadline.is_past() {
                return Err(Fault::Busy);
            }
            charts.push(chart(gateway, *patient).await?);
        }
        let read: Vec<_> = charts.iter().map(|chart| (chart.patient, chart.sheaves)).collect();
        if !gateway.pipeline().is_whole(since, &read) {
            return Ok(None);
        }
        let now = gateway.now();
        let with_policy = charts.into_iter().map(|chart| (chart.policy(caller), chart));
        let (policies, charts): (Vec<_>, Vec<_>) =
            with_policy.filter(|(policy, chart)| chart.gate(caller, policy, now).is_open()).unzip();
        let mut earlier = Vec::with_capacity(charts.len());
        for chart in &charts {
            let changed = begun.filter(|begun| chart.columns.last_updated.iter().any(|updated| updated > begun));
            earlier.push(match changed {
                None => None,
                Some(begun) => {
                    let (gateway, patient) = (gateway.clone(), chart.patient);
                    Some(blocking(move || gateway.chart_at(patient, begun)).await?)
                }
            });
        }
        Ok(Some(Records { charts, policies, earlier }))
    }

    /// Records as they stand. Blocks on storage.
    pub(super) fn load(gateway: &Gateway, caller: &Caller, patients: Vec<PatientKey>) -> Result<Self, Fault> {
        let (now, mut charts, mut policies) = (gateway.now(), Vec::new(), Vec::new());
        for patient in patients {
            let chart = gateway.chart(patient)?;
            let policy = chart.policy(caller);
            if chart.gate(caller, &policy, now).is_open() {
                charts.push(chart);
                policies.push(policy);
            }
        }
        let earlier = charts.iter().map(|_| None).collect();
        Ok(Records { charts, policies, earlier })
    }

    /// Whether the record of a patient is one of them: it is not closed to the caller.
    pub(super) fn has(&self, patient: PatientKey) -> bool {
        self.charts.iter().any(|chart| chart.patient == patient)
    }

    /// What the caller may see of them at an instant, milliseconds since 1970.
    pub(super) fn scoped<'a>(&'a self, caller: &'a Caller, now: i64) -> Scoped<'a> {
        let both = self.charts.iter().zip(&self.policies);
        let gates = both.map(|(chart, policy)| chart.gate(caller, policy, now)).collect();
        Scoped {
            records: self,
            gates,
            columns: self.charts.iter().map(|chart| &chart.columns).collect(),
            deadline: None,
        }
    }
}

impl<'a> Scoped<'a> {
    /// The same until then.
    pub(super) fn until(self, deadline: &'a Deadline) -> Self {
        Scoped { deadline: Some(deadline), ..self }
    }

    /// The record of a row.
    pub(super) fn chart(&self, at: Row) -> &Arc<Chart> {
        &self.records.charts[at.chart]
    }

    /// The permit for a row, when there is one.
    pub(super) fn permit(&self, at: Row) -> Option<Permit> {
        self.chart(at).permit(&self.gates[at.chart], at.row)
    }

    /// Adds what `append` makes of a row to what is gathered already; nothing where there is no permit.
    pub(super) fn append<T>(
        &self,
        at: Row,
        gathered: &mut Permitted<T>,
        append: impl FnOnce(&Chart, &mut T) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let chart = self.chart(at);
        match chart.permit(&self.gates[at.chart], at.row) {
            Some(permit) => permit.append(gathered, |gathered| append(chart, gathered)),
            None => Ok(()),
        }
    }

    /// Puts on record whose resources are seen, and by which consents.
    pub(super) fn seen(&self, rows: impl Iterator<Item = Row>, trail: &mut Trail) {
        let mut seen: Vec<Vec<(Option<&ConsentVersion>, usize)>> = vec![Vec::new(); self.gates.len()];
        for at in rows {
            let by = self.chart(at).opened_by(&self.gates[at.chart], at.row);
            match seen[at.chart].iter_mut().find(|(known, _)| *known == by) {
                Some((_, count)) => *count += 1,
                None => seen[at.chart].push((by, 1)),
            }
        }
        for (chart, by) in self.records.charts.iter().zip(seen) {
            trail.saw_by(chart.patient, by);
        }
    }
}

impl Visible for Scoped<'_> {
    fn charts(&self) -> &[&Columns] {
        &self.columns
    }

    fn may_see(&self, at: Row) -> bool {
        self.chart(at).permit(&self.gates[at.chart], at.row).is_some()
    }

    fn may_match(&self, at: Row) -> bool {
        !self.deadline.is_some_and(Deadline::is_past_at_a_row)
            && self.chart(at).permit(&self.gates[at.chart].found(), at.row).is_some()
    }

    fn body(&self, at: Row) -> Result<Vec<u8>, Fault> {
        self.chart(at).body(at.row)
    }

    fn earlier(&self, chart: usize) -> Option<&Columns> {
        self.records.earlier.get(chart)?.as_ref().map(|chart| &chart.columns)
    }

    fn earlier_body(&self, at: Row) -> Result<Vec<u8>, Fault> {
        match self.records.earlier.get(at.chart).and_then(Option::as_ref) {
            Some(chart) => chart.body(at.row),
            None => self.body(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_looked_at_once_in_so_many_rows() {
        let deadline = Deadline { until: Instant::now(), rows: Cell::new(0), is_past: Cell::new(false) };
        let rows: Vec<bool> = (0..=ROWS_A_LOOK).map(|_| deadline.is_past_at_a_row()).collect();
        assert_eq!(rows.iter().filter(|is_past| **is_past).count(), 2, "from the last of them on");
        let far = Deadline::after(Duration::from_secs(3600));
        assert!(!(0..2 * ROWS_A_LOOK).any(|_| far.is_past_at_a_row()) && !far.is_past());
        assert!(Deadline::after(Duration::ZERO).is_past_at_a_row());
    }
}
