//! The command line: one subcommand per file.
#![allow(clippy::print_stdout, clippy::print_stderr)] // talking to the person at the terminal is what this module is for

mod audit;
#[cfg(feature = "cert")]
mod cert;
mod client;
mod codes;
mod conform;
mod convert;
mod demo;
mod directory;
mod explain;
mod health;
mod held;
mod ingest;
mod issues;
mod labels;
mod letter;
mod operator;
mod place;
#[cfg(feature = "cert")]
mod private;
mod register;
mod replay;
mod send;
mod serve;
mod validate;
mod verify;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::fault::Exit;

/// 襷 Tasuki: hospital exports in, consent-filtered FHIR R4 out.
#[derive(Debug, Parser)]
#[command(name = "tasuki", version, about, arg_required_else_help = true)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a gateway with an example hospital and show what each agency sees
    Demo(demo::Options),
    /// Run the gateway
    Serve(serve::Options),
    /// Take in an SS-MIX2 tree or files
    Ingest(ingest::Options),
    /// Show the FHIR that a file gives, and what was noticed; nothing is stored
    Convert(convert::Options),
    /// Show what became of every field of a file, or which fields an element came from
    Explain(explain::Options),
    /// Say what is wrong in files, at which line and column: FHIR, HL7 v2, SS-MIX2, care-plan CSV; nothing is sent or stored
    Validate(validate::Options),
    /// Send HL7 v2 files to an MLLP listener and show its answers
    Send(send::Options),
    /// The letters that were held back: list, show, correct, try anew, drop
    Held(held::Options),
    /// Make records anew from their letters after a change of the maps, or show what that would change
    Replay(replay::Options),
    /// Enter a table of consent forms for the network's office
    Register(register::Options),
    /// The senders' own codes that no concept map knows
    Codes(codes::Options),
    /// What the label rules say, and what is stored labelled by them anew
    Labels(labels::Options),
    /// The directory of the network: take in public lists of hospitals and care offices
    Directory(directory::Options),
    /// The programs that may call: register one, list them, give one other keys, take one away
    Client(client::Options),
    /// An authority for tests, and what it issues and revokes
    #[cfg(feature = "cert")]
    Cert(cert::Options),
    /// Check that everything in a store is whole
    Verify(verify::Options),
    /// The audit record: check its chain, sign its head, write it out for other systems
    Audit(audit::Options),
    /// Run the conformance cases against a FHIR server, this one or another
    Conform(Box<conform::Options>),
    /// Whether the gateway on this machine listens
    Health(health::Options),
}

/// Runs the subcommand that the arguments name.
pub fn run() -> ExitCode {
    // The words of a panic may quote what was being read, a patient's name perhaps; the place is enough to mend it.
    std::panic::set_hook(Box::new(|panic| eprintln!("tasuki: {}", fault_at(panic.location()))));
    let exit = match Line::parse().command {
        Command::Demo(options) => demo::run(&options),
        Command::Serve(options) => serve::run(&options),
        Command::Ingest(options) => ingest::run(&options),
        Command::Convert(options) => convert::run(&options),
        Command::Explain(options) => explain::run(&options),
        Command::Validate(options) => validate::run(&options),
        Command::Send(options) => send::run(&options),
        Command::Held(options) => held::run(&options),
        Command::Replay(options) => replay::run(&options),
        Command::Register(options) => register::run(&options),
        Command::Codes(options) => codes::run(&options),
        Command::Labels(options) => labels::run(&options),
        Command::Directory(options) => directory::run(&options),
        Command::Client(options) => client::run(&options),
        #[cfg(feature = "cert")]
        Command::Cert(options) => cert::run(&options),
        Command::Verify(options) => verify::run(&options),
        Command::Audit(options) => audit::run(&options),
        Command::Conform(options) => conform::run(&options),
        Command::Health(options) => health::run(&options),
    };
    ExitCode::from(exit as u8)
}

fn fault_at(place: Option<&std::panic::Location<'_>>) -> String {
    format!("a fault of the program at {}", place.map_or_else(|| "an unknown place".into(), ToString::to_string))
}

/// Milliseconds since 1970 by the machine's clock.
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Writes a line to standard output. A reader that closes the pipe early has read enough.
fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Says on standard error what went wrong and gives the exit code that belongs to it.
fn fail(exit: Exit, sentence: &str) -> Exit {
    eprintln!("tasuki: {sentence}");
    exit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_says_where_and_not_what() {
        let said = fault_at(Some(std::panic::Location::caller()));
        assert!(said.contains("src/cli/mod.rs:"), "{said}");
        assert_eq!(fault_at(None), "a fault of the program at an unknown place");
    }
}
