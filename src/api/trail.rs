//! The trail of one request: what the audit record will say of it, and the rule that it is said before anything leaves.

use actix_web::HttpRequest;

use super::answer::Answer;
use super::asked::decoded;
use super::request_id::request_id;
use crate::app::Gateway;
use crate::audit::{Agent, Event, Outcome, QueryShape, What};
use crate::chart::Chart;
use crate::consent::{Caller, ConsentVersion, Role};
use crate::fault::{Denied, Fault, Status};
use crate::fhir::{PatientKey, ResourceId, ResourceType, reference};

/// Patients, and consents, that one event names at most; what is seen of more people is said by several events.
const NAMED_MAX: usize = 200;

/// Gathers what the audit record will say.
pub(super) struct Trail {
    event: Event,
    /// What the record will say of the entries of a batch.
    entries: Vec<Event>,
    /// Patients who were named and of whom nothing is open to the caller, if there are such patients.
    refused: Vec<PatientKey>,
}

/// Whether a request's id is made of hexadecimal digits, enough of them that it stands for nothing but itself: a client's own
/// may be anybody's name or number, and is not kept then.
fn is_opaque(id: &str) -> bool {
    const DIGITS_MIN: usize = 16;
    let is_digit = |b: u8| b.is_ascii_hexdigit();
    id.bytes().all(|b| is_digit(b) || b == b'-') && id.bytes().filter(|b| is_digit(*b)).count() >= DIGITS_MIN
}

impl Trail {
    /// Begins with what the request says of itself. Values of parameters are not kept, only their names; of a search, all.
    pub(super) fn begin(gateway: &Gateway, request: &HttpRequest, what: What) -> Self {
        let id = request_id(request);
        let event = Event {
            address: request.peer_addr().map(|address| address.ip()),
            query: shape(request.query_string(), what),
            request: id.to_str().ok().filter(|id| is_opaque(id)).unwrap_or_default().to_owned(),
            ..Event::new(gateway.now(), what)
        };
        Trail { event, entries: Vec::new(), refused: Vec::new() }
    }

    /// What a search asks for, where that is more than the address says.
    pub(super) fn asked(&mut self, text: &str) {
        self.event.query = shape(text, self.event.what);
    }

    /// The names of the parameters of an operation, wherever they stand.
    pub(super) fn named<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        self.event.query = QueryShape::of(names);
    }

    pub(super) fn caller(&mut self, caller: &Caller) {
        self.event.agent = Some(Agent::from(caller));
        // Whoever reads by consents reads for a purpose; the office keeps what it keeps.
        let by_consent = matches!(caller.role, Role::Care | Role::Source);
        self.event.purpose = by_consent.then(|| caller.purpose());
        self.event.person = caller.person.clone();
    }

    pub(super) fn kind(&mut self, resource_type: ResourceType) {
        self.event.resource_type = Some(resource_type);
    }

    /// An id that nobody here gave is the caller's own words, a patient's number perhaps: it is not kept.
    pub(super) fn about(&mut self, resource_type: ResourceType, id: &ResourceId) {
        self.event.resource_type = Some(resource_type);
        let kept_by_office = matches!(resource_type, ResourceType::CONSENT | ResourceType::ORGANIZATION);
        let opaque = kept_by_office || id.is_derived() || reference::own_patient(id.as_str()).is_some();
        self.event.id = Some(id.clone()).filter(|_| opaque);
    }

    /// What was written belongs to this record.
    pub(super) fn wrote(&mut self, patient: impl IntoIterator<Item = PatientKey>, count: usize) {
        self.event.patients.extend(patient);
        self.event.count = u32::try_from(count).unwrap_or(u32::MAX);
    }

    /// Resources of a record were seen, because of a consent or by role.
    pub(super) fn saw(&mut self, patient: PatientKey, by: Option<&ConsentVersion>, count: usize) {
        if !patient.is_directory() {
            self.event.patients.push(patient);
        }
        if let Some(by) = by.filter(|by| !self.event.consents.contains(by)) {
            self.event.consents.push(by.clone());
        }
        self.event.count = self.event.count.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// Resources of a record were seen, each so many because of a consent or by role.
    pub(super) fn saw_by(&mut self, patient: PatientKey, by: Vec<(Option<&ConsentVersion>, usize)>) {
        for (nth, (by, count)) in by.into_iter().enumerate() {
            let named = self.event.patients.len();
            self.saw(patient, by, count);
            // The patient is named once.
            self.event.patients.truncate(if nth == 0 { self.event.patients.len() } else { named });
        }
    }

    /// Resources of a record were seen, because of any of these consents; by role where there is none.
    pub(super) fn saw_by_any(&mut self, patient: PatientKey, by: &[ConsentVersion], count: usize) {
        let first = std::iter::once((by.first(), count));
        self.saw_by(patient, first.chain(by.iter().skip(1).map(|by| (Some(by), 0))).collect());
    }

    /// It is not for this caller, if it is there at all: the record says so, and which consent refused where one did; the
    /// answer does not.
    pub(super) fn hide(&mut self, chart: &Chart, caller: &Caller, named: (ResourceType, &ResourceId)) -> Answer {
        let (policy, now) = (chart.policy(caller), self.event.recorded_ms);
        if let Some(row) = chart.row(named.0, named.1) {
            self.saw(chart.patient, chart.refused_by(&policy, row, now), 0);
            self.event.outcome = Outcome::Consent;
        }
        Answer::not_found()
    }

    /// Nothing of these, whom the caller named, is open to it: the record says so, the answer does not.
    pub(super) fn refused(&mut self, patients: impl Iterator<Item = PatientKey>) {
        self.refused.extend(patients);
    }

    /// Says how it ended, where the status of the answer does not.
    pub(super) fn end(&mut self, outcome: Outcome) {
        self.event.outcome = outcome;
    }

    /// Policy forbids it.
    pub(super) fn refuse(&mut self, denied: Denied) -> Answer {
        self.event.outcome = Outcome::from(denied);
        Answer::from(denied)
    }

    /// The machine failed.
    pub(super) fn fail(&mut self, fault: Fault) -> Answer {
        self.event.outcome = Outcome::Failed;
        Answer::from(fault)
    }

    /// The beginning of a trail about a part of what this one is about: the same request, of which nothing is said yet.
    pub(super) fn part(&self) -> Trail {
        let event = Event { patients: Vec::new(), consents: Vec::new(), count: 0, ..self.event.clone() };
        Trail { event, entries: Vec::new(), refused: Vec::new() }
    }

    /// The beginning of a trail about an entry that does this.
    pub(super) fn entry(&self, what: What, resource_type: ResourceType) -> Trail {
        let mut part = self.part();
        part.event.what = what;
        part.kind(resource_type);
        part
    }

    /// With the trail of an entry, of which this became.
    pub(super) fn with_entry(&mut self, entry: Trail, status: Status) {
        self.entries.extend(entry.events(status));
    }

    /// Makes the record durable at `now_ms`, as done; blocks until it is. What it tells of may leave then.
    pub(super) fn record(mut self, gateway: &Gateway, now_ms: i64) -> Result<(), Fault> {
        self.event.recorded_ms = now_ms;
        in_parts(self.event).into_iter().try_for_each(|event| gateway.journal().record_now(event))
    }

    /// Makes the record durable and lets the answer leave; when it cannot be written, nothing leaves (invariant 5).
    pub(super) async fn close(self, gateway: &Gateway, answer: Answer) -> Answer {
        match gateway.journal().record_all(self.events(answer.status())).await {
            Ok(()) => answer,
            Err(fault) => Answer::from(fault),
        }
    }

    /// What the record will say, of the entries first; `status` is that of the answer.
    fn events(mut self, status: Status) -> Vec<Event> {
        if self.event.outcome == Outcome::Done {
            self.event.outcome = match status {
                Status::Ok | Status::Created | Status::Accepted | Status::NoContent | Status::NotModified => {
                    Outcome::Done
                }
                Status::NotFound => Outcome::NotFound,
                Status::Broken | Status::Busy => Outcome::Failed,
                _ => Outcome::Rejected,
            };
        }
        let mut events = self.entries;
        if !self.refused.is_empty() && self.event.outcome == Outcome::Done {
            let refused = Event {
                patients: self.refused,
                consents: Vec::new(),
                count: 0,
                outcome: Outcome::Consent,
                ..self.event.clone()
            };
            // Where nothing else was named, that it was refused is all there is to say.
            if self.event.patients.is_empty() && self.event.count == 0 {
                self.event = refused;
            } else {
                events.extend(in_parts(refused));
            }
        }
        events.extend(in_parts(self.event));
        events
    }
}

/// The names of the parameters, without their values; of a search, as it is asked.
fn shape(text: &str, what: What) -> QueryShape {
    let names = text.split('&').filter_map(|pair| pair.split('=').next()).filter(|name| !name.is_empty());
    if what != What::Search {
        return QueryShape::of(names);
    }
    let text = text.trim_matches('&');
    // A token in an address is taken by nobody (RFC 6750 section 2.3), and kept by nobody.
    let is_token = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        decoded(name).is_none_or(|name| name.to_ascii_lowercase().contains("token"))
    };
    match text.split('&').any(|pair| is_token(&pair)) {
        false => QueryShape::of(names).with_asked(text),
        true => {
            let others: Vec<&str> = text.split('&').filter(|pair| !is_token(pair)).collect();
            QueryShape::of(names).with_asked(&others.join("&"))
        }
    }
}

/// One event, or several when it names many people: each is small enough to be written.
fn in_parts(mut event: Event) -> Vec<Event> {
    let mut parts = Vec::with_capacity(1);
    while event.patients.len() > NAMED_MAX || event.consents.len() > NAMED_MAX {
        let patients = event.patients.split_off(event.patients.len().min(NAMED_MAX));
        let consents = event.consents.split_off(event.consents.len().min(NAMED_MAX));
        parts.push(event.clone());
        (event.patients, event.consents) = (patients, consents);
    }
    parts.push(event);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_names_as_many_as_it_may_and_the_next_one_the_rest() {
        let event = |patients: usize, consents: usize| Event {
            patients: (0..patients as u128).map(PatientKey).collect(),
            consents: (0..consents as u32).map(|version| ConsentVersion { id: "c".into(), version }).collect(),
            ..Event::new(0, What::Search)
        };
        for (patients, consents, parts) in [
            (NAMED_MAX, NAMED_MAX, 1),
            (NAMED_MAX + 1, 1, 2),
            (1, NAMED_MAX + 1, 2),
            (2 * NAMED_MAX + 1, 0, 3),
            (0, 0, 1),
        ] {
            let split = in_parts(event(patients, consents));
            assert_eq!(split.len(), parts);
            assert!(split.iter().all(|e| e.patients.len() <= NAMED_MAX && e.consents.len() <= NAMED_MAX));
            let named: Vec<_> = split.iter().flat_map(|e| e.patients.clone()).collect();
            assert_eq!(named, event(patients, 0).patients);
            assert_eq!(split.iter().map(|e| e.consents.len()).sum::<usize>(), consents);
        }
    }
}
