//! Search: what a stored version is found by (facts), the columns they are kept in, and how a query is judged on them.

pub mod facts;

pub use facts::{Facts, Labels, Parameter};
