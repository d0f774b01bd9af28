//! Registration by the network's office (参加登録, docs/adr/0048): what a paper form holds becomes one Patient record of the
//! office's own, one Consent in it with its evidence, and links to what facilities have of the person; a withdrawal takes
//! it back. One form, or a table of them.
//!
//! The scan of a form lies in a record of its own that is nobody's and that no consent opens; a representative stands within
//! the Consent. So what a consent opens to care offices holds nothing of the form.

pub mod batch;
mod columns;
mod consent;
mod enter;
mod form;
mod patient;
mod person;
pub mod report;
mod revoke;
mod row;
pub(crate) mod rule;
mod scan;
mod scope;
mod write;

#[cfg(test)]
mod tests;

pub use enter::{Entered, register};
pub use form::{Basis, Evidence, Form, Member};
pub use person::Candidate;
pub use revoke::{Revoked, Wanted, Withdrawal, person_of, revoke};
pub use scan::{Scan, of_person};
pub use scope::Scope;

use crate::fault::{Fault, Issue, Place, Rule};

/// Who enters it.
#[derive(Clone, Debug)]
pub struct Clerk {
    /// The program, as links that are decided here name it.
    pub client: String,
    /// The office: `Organization/id`; empty where it is not known.
    pub organization: String,
}

/// What became of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Somebody new is registered.
    Registered,
    /// A newer form took the place of an earlier one.
    Reregistered,
    /// The same form, with something more or other on record of it.
    Amended,
    /// Just so on record already.
    Unchanged,
}

impl Outcome {
    /// Its code.
    pub const fn code(self) -> &'static str {
        match self {
            Outcome::Registered => "registered",
            Outcome::Reregistered => "re-registered",
            Outcome::Amended => "amended",
            Outcome::Unchanged => "unchanged",
        }
    }

    /// The same for people.
    pub const fn japanese(self) -> &'static str {
        match self {
            Outcome::Registered => "登録",
            Outcome::Reregistered => "再登録",
            Outcome::Amended => "登録内容を更新",
            Outcome::Unchanged => "登録済み",
        }
    }
}

/// Why nothing was entered.
#[derive(Debug)]
pub enum Stop {
    /// The form, or what is on record, does not allow it. Places are fields of the form (`person.birthDate`, `signed`).
    Refused(Vec<Issue>),
    /// The machine failed.
    Failed(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Stop::Failed(fault)
    }
}

impl Stop {
    /// A refusal with one sentence about a field of the form.
    pub fn because(rule: &'static Rule, field: &'static str, detail: impl Into<String>) -> Self {
        Stop::Refused(vec![Issue::with(rule, Place::Path(field.into()), detail)])
    }
}
