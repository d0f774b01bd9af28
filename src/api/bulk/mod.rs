//! Bulk data: `$export` of NDJSON files (Bulk Data Access IG 2.0, built on async.html), and `$import`, its way back
//! (`docs/adr/0023`).

mod criteria;
mod export;
mod file;
mod find;
mod import;
mod report;
mod rules;
mod scope;
mod walk;
mod wanted;

pub(super) use export::{cancel, kick_off, status};
pub(super) use file::file;
pub(super) use import::import;
pub(super) use scope::Of;

/// The media type of files.
const NDJSON: &str = "application/fhir+ndjson";
