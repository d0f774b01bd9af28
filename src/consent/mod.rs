//! May this leave, and how much: directives, decisions, and the only way to make a Permitted (design decision 6, section 4).

pub mod about;
pub mod caller;
pub mod directive;
pub mod permitted;
pub mod policy;
pub mod purpose;
pub mod rule;
pub mod scope;

pub use caller::{Action, Caller, Role, is_definition, is_directory};
pub use directive::{ConsentVersion, Directive};
pub use permitted::{Gate, Permit, Permitted, Public, RowFacts};
pub use policy::{Asker, Decision, Policy, Verdict};
pub use purpose::Purpose;
pub use scope::{Rights, Scope, Scopes};
