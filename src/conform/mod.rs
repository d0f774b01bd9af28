//! The conformance kit: cases as data that are run against any FHIR server (`docs/conformance.md`). It knows HTTP and MLLP and
//! nothing of this gateway: what holds here holds for anybody's system.
//!
//! A [`Case`] is read from TOML (`conformance/`), lowered to steps with [`Check`]s, and run by [`run()`] against a [`Subject`];
//! an [`Account`] says what came of all of them, and `report` writes it down. FHIR TestScripts become cases too (`script`).

mod asking;
mod bundle;
mod case;
mod check;
mod client;
mod declared;
mod expected;
mod json;
mod keep;
mod mllp;
mod outcome;
mod redact;
pub mod report;
mod run;
pub mod script;
mod step;
mod subject;
mod suite;
mod table;
mod token;
mod vary;
mod xml;

pub use case::{Caller, Case, Strength, Words};
pub use check::{Check, Pattern, StatusPattern};
pub use client::{Client, Clients};
pub use declared::Declared;
pub use expected::{Expected, Standing};
pub use outcome::{Account, Answer, Exchange, Miss, Outcome, Report, Sent};
pub use redact::Redactor;
pub use run::{Settings, run};
pub use step::{Assertion, Expect, Step};
pub use subject::Subject;
pub use suite::{Suite, matches};
pub use vary::Scope;
