//! FHIR over HTTP (R4 http.html), and letters over HTTP: one interaction or operation per file.

mod account;
mod admit;
mod answer;
mod asked;
mod audit_event;
mod binary;
mod body;
mod caller;
mod conditional;
mod convert;
mod cors;
mod create;
mod criteria;
mod entry;
mod everything;
mod forwarded;
mod history;
mod intake;
mod leave;
mod metadata;
mod packing;
mod patch;
mod prefer;
mod read;
mod receipt;
mod request_id;
mod routes;
mod rules;
mod search;
mod searchset;
mod server;
mod trail;
mod update;
mod write;

pub use server::{Listener, configure, serve};
