//! Search: what a stored version is found by (facts), the columns they are kept in, and how a query is judged on them.

pub mod columns;
pub mod compartment;
pub mod definition;
pub mod definitions;
pub mod evaluate;
pub mod extract;
pub mod facts;
mod labels;
pub mod page;
pub mod parameters;
mod plan;
pub mod query;
pub mod read;
pub mod value;

pub use columns::Columns;
pub use definitions::Definitions;
pub use facts::{Facts, Labels, Parameter};
pub use query::Query;
