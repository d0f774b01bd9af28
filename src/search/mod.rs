//! Search: what a stored version is found by (facts), the columns they are kept in, and how a query is judged on them.

pub mod columns;
pub mod compare;
pub mod compartment;
pub mod definition;
pub mod definitions;
pub mod evaluate;
#[cfg(test)]
mod example;
pub mod extract;
pub mod facts;
mod include;
pub mod label_rules;
pub mod labels;
pub mod page;
pub mod parameters;
mod plan;
pub mod query;
pub mod read;
pub mod run;
mod sort;
pub mod strings;
pub mod terminology;
pub mod value;
pub mod visible;

pub use columns::Columns;
pub use definitions::Definitions;
pub use facts::{Facts, Labels, Parameter};
pub use label_rules::LabelRules;
pub use query::Query;
