//! SS-MIX2 standardised storage: what a path and a file name say (SS-MIX2 仕様書, table 1-1 and the naming rules).

mod extended;
mod kind;
mod name;
mod path;
mod rule;
pub mod transaction;

pub use extended::{DocumentKind, Extended, extended, is_document_kind_folder};
pub use kind::Kind;
pub use name::{FileName, Flag};
pub use path::{Naming, is_date_folder, is_kind_folder, naming, prefix_folders};
pub use rule::{
    FOLDERS_DISAGREE, FOLDERS_MISSING, KIND_UNKNOWN, NAME_DATE, NAME_DEPARTMENT, NAME_FLAG, NAME_ORDER, NAME_PARTS,
    NAME_PATIENT, NAME_STAMP,
};
