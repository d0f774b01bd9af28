//! The trail of one request: what the audit record will say of it, and the rule that it is said before anything leaves.

use actix_web::HttpRequest;

use super::answer::Answer;
use crate::app::Gateway;
use crate::audit::{Agent, Event, Outcome, QueryShape, What};
use crate::consent::{Caller, ConsentVersion};
use crate::fault::{Denied, Fault, Status};
use crate::fhir::{PatientKey, ResourceId, ResourceType};

/// Patients named one by one in an event, at most; the count says how many resources there were.
const PATIENTS_MAX: usize = 1000;

/// Gathers what the audit record will say.
pub(super) struct Trail {
    event: Event,
}

impl Trail {
    /// Begins with what the request says of itself. Values of parameters are not kept, only their names.
    pub(super) fn begin(gateway: &Gateway, request: &HttpRequest, what: What) -> Self {
        let names = request.query_string().split('&').filter_map(|pair| pair.split('=').next()).filter(|n| !n.is_empty());
        let event = Event {
            recorded_ms: gateway.now(),
            what,
            outcome: Outcome::Done,
            agent: None,
            address: request.peer_addr().map(|address| address.ip()),
            resource_type: None,
            id: None,
            patients: Vec::new(),
            query: QueryShape::of(names),
            request: String::new(),
            consents: Vec::new(),
            count: 0,
        };
        Trail { event }
    }

    pub(super) fn caller(&mut self, caller: &Caller) {
        self.event.agent = Some(Agent::from(caller));
    }

    pub(super) fn kind(&mut self, resource_type: ResourceType) {
        self.event.resource_type = Some(resource_type);
    }

    pub(super) fn about(&mut self, resource_type: ResourceType, id: &ResourceId) {
        self.event.resource_type = Some(resource_type);
        self.event.id = Some(id.clone());
    }

    /// Resources of a record were seen, because of a consent or by role.
    pub(super) fn saw(&mut self, patient: PatientKey, by: Option<&ConsentVersion>, count: usize) {
        if patient != PatientKey::DIRECTORY && self.event.patients.len() < PATIENTS_MAX {
            self.event.patients.push(patient);
        }
        if let Some(by) = by.filter(|by| !self.event.consents.contains(by)) {
            self.event.consents.push(by.clone());
        }
        self.event.count = self.event.count.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
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

    /// Makes the record durable and lets the answer leave; when it cannot be written, nothing leaves (invariant 5).
    pub(super) async fn close(mut self, gateway: &Gateway, answer: Answer) -> Answer {
        if self.event.outcome == Outcome::Done {
            self.event.outcome = match answer.status() {
                Status::Ok | Status::Created | Status::NotModified => Outcome::Done,
                Status::NotFound => Outcome::NotFound,
                Status::Broken | Status::Busy => Outcome::Failed,
                _ => Outcome::Rejected,
            };
        }
        match gateway.journal().record(self.event).await {
            Ok(()) => answer,
            Err(fault) => Answer::from(fault),
        }
    }
}
