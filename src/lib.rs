//! Tasuki: what a hospital's systems export, as FHIR R4, to those whom the patient has agreed to.
//!
//! The modules are the stations of a message; ARCHITECTURE.md walks through them. Start at `pipeline.rs`.

pub mod api;
pub mod app;
pub mod audit;
pub mod auth;
pub mod chart;
pub mod cli;
pub mod codes;
pub mod config;
pub mod conform;
pub mod consent;
pub mod decode;
pub mod explain;
pub mod fault;
pub mod feed;
pub mod fhir;
pub mod fhirpath;
pub mod guide;
pub mod gzip;
pub mod identity;
pub mod inspect;
pub mod intake;
pub mod journal;
pub mod letter;
pub mod linking;
pub mod listing;
pub mod map;
pub mod pipeline;
pub mod profile;
pub mod registration;
pub mod search;
pub mod store;
pub mod terminology;
pub mod validate;
