//! FHIR over HTTP (R4 http.html), and letters over HTTP: one interaction or operation per file.

mod account;
mod answer;
mod asked;
mod audit_event;
mod body;
mod caller;
mod conditional;
mod convert;
mod create;
mod everything;
mod intake;
mod leave;
mod metadata;
mod prefer;
mod read;
mod receipt;
mod routes;
mod rules;
mod scoped;
mod search;
mod searchset;
mod server;
mod trail;
mod update;

pub use server::{Listener, configure, serve};
