//! FHIR over HTTP (R4 http.html): one interaction or operation per file.

mod answer;
mod audit_event;
mod body;
mod caller;
mod create;
mod everything;
mod metadata;
mod read;
mod routes;
mod rules;
mod search;
mod searchset;
mod server;
mod trail;
mod update;

pub use server::{Listener, configure, serve};
