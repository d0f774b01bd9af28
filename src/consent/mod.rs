//! May this leave, and how much: directives, decisions, and the only way to make a Permitted (design decision 6, section 4).

pub mod about;
pub mod asker;
pub mod caller;
pub mod directive;
pub mod explain;
pub mod member;
pub mod permitted;
pub mod policy;
pub mod purpose;
pub mod roll;
pub mod rule;
pub mod scope;
mod spread;
pub mod team;
pub mod terms;

pub use asker::{Asker, Teams};
pub use caller::{Action, Caller, Role, is_definition, is_directory};
pub use directive::{ConsentVersion, Directive};
pub use explain::{Account, Reason};
pub use member::MemberKind;
pub use permitted::{Gate, Permit, Permitted, Public, RowFacts};
pub use policy::{Decided, Decision, Ground, Policy, Verdict};
pub use purpose::Purpose;
pub use roll::{Membership, PersonRole, Roll};
pub use scope::{Rights, Scope, Scopes};
pub use team::Team;
pub use terms::Terms;
