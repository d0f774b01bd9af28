//! SS-MIX2 standardised storage: what a path and a file name say (SS-MIX2 仕様書, table 1-1 and the naming rules).

mod kind;
mod name;

pub use kind::Kind;
pub use name::{FileName, Flag};
