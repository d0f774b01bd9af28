//! Whoever sits at the terminal: what they do to letters and records goes into the audit record as what others do.

use crate::audit::{Agent, Event, What};
use crate::consent::Role;
use crate::fault::Fault;
use crate::fhir::PatientKey;
use crate::journal::Journal;
use crate::letter::LetterId;

/// Patients that one event names at most.
const NAMED_MAX: usize = 200;
/// Events that may wait; each of the command line's threads waits for its own.
pub(super) const EVENTS_WAITING_MAX: usize = 1024;

/// What is recorded of one act.
#[derive(Debug, Default)]
pub(super) struct Act {
    /// The records it was about.
    pub(super) patients: Vec<PatientKey>,
    /// The letter it was about.
    pub(super) letter: Option<LetterId>,
    /// How many letters or resources.
    pub(super) count: usize,
}

/// Makes the record of an act durable; nothing may be shown before.
pub(super) fn record(journal: &Journal, what: What, act: Act) -> Result<(), Fault> {
    let event = Event {
        agent: Some(agent()),
        request: act.letter.map(|letter| format!("letter {}", letter.hex())).unwrap_or_default(),
        count: u32::try_from(act.count).unwrap_or(u32::MAX),
        ..Event::new(super::now(), what)
    };
    let people: Vec<PatientKey> = act.patients.into_iter().filter(|one| !one.is_directory()).collect();
    if people.is_empty() {
        return journal.record_now(event);
    }
    people.chunks(NAMED_MAX).try_for_each(|some| journal.record_now(Event { patients: some.to_vec(), ..event.clone() }))
}

/// That something about the running gateway itself was done: nothing waits for it.
pub(super) fn administered(journal: &Journal, what: What) {
    if let Err(fault) = record(journal, what, Act::default()) {
        tracing::error!(%fault, ?what, "what was done to the gateway could not be recorded");
    }
}

/// The operator runs the gateway for the network's office. The system's name for who is logged in is all that is known.
fn agent() -> Agent {
    let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_default();
    let user: String = user.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).take(32).collect();
    Agent {
        client: format!("command line {user}").trim_end().to_owned(),
        organization: String::new(),
        role: Role::Office,
    }
}
