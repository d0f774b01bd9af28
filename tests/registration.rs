//! The office's desk (docs/adr/0048): forms entered, found again, taken back; what a consent opens and what of the form it
//! never does; tables of forms; what is reported.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // a test fails by panicking

#[path = "gateway/mod.rs"]
mod gateway;
#[path = "linking/person.rs"]
mod person;

#[path = "registration/desk.rs"]
mod desk;
#[path = "registration/entering.rs"]
mod entering;
#[path = "registration/leaks.rs"]
mod leaks;
#[path = "registration/reports.rs"]
mod reports;
#[path = "registration/revoking.rs"]
mod revoking;
#[path = "registration/tables.rs"]
mod tables;
