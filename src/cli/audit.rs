//! `tasuki audit`: whether the audit chain is what was recorded (`verify`), its head signed (`head`), and the record in the forms
//! in which other systems keep it (`export`).

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use super::operator::{self, Act, EVENTS_WAITING_MAX};
use super::place::Place;
use super::{fail, say};
use crate::audit::{self, Event, PublicKey, What, id_of};
use crate::config::{Audit, Config};
use crate::fault::{Exit, Fault};
use crate::fhir::PatientKey;
use crate::fhir::time::Interval;
use crate::journal::anchors::{Anchors, heads, public_of};
use crate::journal::verify::{self, Report};
use crate::journal::{self, Journal};
use crate::store::{Order, Store, survey};

/// Offset of dates that say none: Japan Standard Time.
const ZONE_MINUTES: i16 = 540;
/// Chunks read at a time.
const PAGE: usize = 64;

#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check that nothing of the audit chain was changed, taken away, moved or cut off. A store in a folder may be in use
    Verify {
        /// A file of signed heads, or its folder; may be repeated [default: what --config names, else beside the chain]
        #[arg(long)]
        anchors: Vec<PathBuf>,
        /// The public key that signed them, PEM; may be repeated [default: the one beside the private key]
        #[arg(long)]
        key: Vec<PathBuf>,
    },
    /// Sign the head of the audit chain, add it to the file of heads, and show it. A store in a folder may be in use
    Head,
    /// Write the audit record out, one event a line; that it was written out is on record
    Export {
        /// The form
        #[arg(long, value_enum)]
        format: Format,
        /// Events of this day or instant and later
        #[arg(long)]
        from: Option<String>,
        /// Events before the end of this day or instant
        #[arg(long)]
        to: Option<String>,
        /// Events that name this patient: the id of a Patient
        #[arg(long)]
        patient: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// AuditEvent (FHIR R4, IHE BALP) as NDJSON
    Fhir,
    /// AuditMessage (DICOM PS3.15 A.5, JAHIS), an XML document each
    Dicom,
}

pub(super) fn run(options: &Options) -> Exit {
    let config = match options.place.config() {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    let config = config.as_ref();
    match &options.command {
        Command::Verify { anchors, key } => verify(&options.place, config, anchors, key),
        Command::Head => head(&options.place, config),
        Command::Export { format, from, to, patient } => {
            let wanted = Wanted::read(from.as_deref(), to.as_deref(), patient.as_deref());
            match wanted {
                Ok(wanted) => export(&options.place, config, *format, &wanted),
                Err(what) => fail(Exit::Config, &format!("--{what} cannot be read")),
            }
        }
    }
}

/// Where the heads of a store are, by its configuration or beside its chain.
fn settings(config: Option<&Config>, folder: Option<&Path>) -> Option<Audit> {
    let said = config.and_then(|config| config.audit.clone());
    said.or_else(|| folder.map(Audit::beside))
}

fn verify(place: &Place, config: Option<&Config>, anchors: &[PathBuf], keys: &[PathBuf]) -> Exit {
    let folder = place.folder(config);
    let settings = settings(config, folder.as_deref());
    let or = |named: &[PathBuf], default: Option<PathBuf>| match named {
        [] => default.into_iter().collect(),
        named => named.to_vec(),
    };
    let anchors = or(anchors, settings.as_ref().map(|settings| settings.anchors.clone()));
    let default = settings.as_ref().map(|settings| public_of(&settings.key)).filter(|key| key.exists());
    let mut known = Vec::new();
    for key in or(keys, default) {
        let pem = std::fs::read_to_string(&key).ok();
        let Some(read) = pem.as_deref().and_then(PublicKey::of_pem) else {
            return fail(Exit::Config, &format!("{} is no Ed25519 public key", key.display()));
        };
        known.push(read);
    }
    let done = anchors.iter().map(|anchors| heads(anchors)).collect::<Result<Vec<_>, _>>().and_then(|read| {
        let unread: usize = read.iter().map(|(_, unread)| unread).sum();
        let heads: Vec<_> = read.into_iter().flat_map(|(heads, _)| heads).collect();
        match &folder {
            Some(folder) if survey::has_chain(folder) => Ok((verify::folder(folder, &heads, &known)?, unread)),
            _ => Ok((verify::store(&place.open_store(config)?, &heads, &known)?, unread)),
        }
    });
    match done {
        Ok((report, unread)) => print(&report, unread),
        Err(fault) => fail(Exit::from(&fault), &fault.to_string()),
    }
}

fn print(report: &Report, unread: usize) -> Exit {
    say(&format!("{} chunks, {} events, {} signed heads", report.chunks, report.events, report.heads));
    if report.unlinked > 0 {
        say(&format!("{} chunks of an earlier version name none before them", report.unlinked));
    }
    if unread > 0 {
        say(&format!("{unread} lines of the heads cannot be read"));
    }
    if report.is_torn {
        say("the last chunk is torn: it was never acknowledged, or is being written");
    }
    match (report.signed_to, report.last) {
        (Some(signed), Some(last)) if signed < last => {
            say(&format!("no head speaks for the chunks after {signed}, to {last}: a cut there would not show"));
        }
        (None, Some(_)) => say("no head speaks for this chain: that it was cut off or rewritten whole would not show"),
        _ => {}
    }
    report.found.iter().for_each(|finding| say(&finding.sentence()));
    match report.found_count {
        0 => {
            say("whole");
            Exit::Done
        }
        count => {
            say(&format!("{count} findings"));
            Exit::Machine
        }
    }
}

fn head(place: &Place, config: Option<&Config>) -> Exit {
    let folder = place.folder(config);
    let Some(settings) = settings(config, folder.as_deref()) else {
        return fail(Exit::Config, "nothing says where the heads of this store are: [audit] in the configuration");
    };
    let signed = (|| {
        let head = match &folder {
            Some(folder) if survey::has_chain(folder) => verify::head(folder, super::now())?,
            _ => journal::head(&place.open_store(config)?, super::now())?,
        };
        let anchors = Anchors::open(&settings.key, &settings.anchors)?;
        let Some(head) = head else { return Ok(None) };
        let signed = anchors.sign(head);
        anchors.write(&signed)?;
        Ok::<_, Fault>(Some(signed))
    })();
    match signed {
        Ok(Some(signed)) => {
            say(&signed.line());
            Exit::Done
        }
        Ok(None) => fail(Exit::Config, "nothing is recorded yet"),
        Err(fault) => fail(Exit::from(&fault), &fault.to_string()),
    }
}

/// Which events are written out.
struct Wanted {
    from_ms: i64,
    to_ms: i64,
    patient: Option<PatientKey>,
}

impl Wanted {
    fn read(from: Option<&str>, to: Option<&str>, patient: Option<&str>) -> Result<Self, &'static str> {
        let instant = |text: &str| Interval::parse(text, ZONE_MINUTES);
        let key = |id: &str| PatientKey::from_patient_id(id.strip_prefix("Patient/").unwrap_or(id));
        Ok(Wanted {
            from_ms: from.map_or(Ok(i64::MIN), |text| instant(text).map(|at| at.start).ok_or("from"))?,
            to_ms: to.map_or(Ok(i64::MAX), |text| instant(text).map(|at| at.end).ok_or("to"))?,
            patient: patient.map(|id| key(id).ok_or("patient")).transpose()?,
        })
    }

    fn includes(&self, event: &Event) -> bool {
        let in_time = (self.from_ms..self.to_ms).contains(&event.recorded_ms);
        in_time && self.patient.is_none_or(|patient| event.patients.contains(&patient))
    }
}

fn export(place: &Place, config: Option<&Config>, format: Format, wanted: &Wanted) -> Exit {
    let done = (|| {
        let store = place.open_store(config)?;
        let last = store.audit(u64::MAX, 1, Order::Descending)?;
        let Some((last, _)) = last.first() else { return Ok(0) };
        let journal = Journal::start(store.clone(), EVENTS_WAITING_MAX)?;
        let act = Act { patients: wanted.patient.into_iter().collect(), ..Act::default() };
        operator::record(&journal, What::AuditExport, act)?;
        let base_url = config.map_or("", |config| config.base_url.as_str());
        written(&store, *last, base_url, format, wanted)
    })();
    match done {
        Ok(count) => {
            eprintln!("{count} events");
            Exit::Done
        }
        Err(fault) => fail(Exit::from(&fault), &fault.to_string()),
    }
}

/// Writes the events up to a chunk to standard output; tells how many.
fn written(store: &Store, last: u64, base_url: &str, format: Format, wanted: &Wanted) -> Result<u64, Fault> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let (mut next, mut count) = (0, 0);
    while next <= last {
        let page = store.audit(next, PAGE, Order::Ascending)?;
        let Some((end, _)) = page.last() else { break };
        next = end + 1;
        for (number, chunk) in page.iter().filter(|(number, _)| *number <= last) {
            for (index, event) in audit::decode(chunk).into_iter().enumerate() {
                let event = event.ok_or_else(|| Fault::Broken("an audit event cannot be read".into()))?;
                let Some(id) = id_of(*number, index as u32).filter(|_| wanted.includes(&event)) else { continue };
                let line = match format {
                    Format::Fhir => audit::to_fhir(&event, id.as_str(), base_url),
                    Format::Dicom => audit::to_dicom(&event, base_url),
                };
                count += 1;
                // A reader that closes the pipe early has read enough.
                if writeln!(out, "{line}").is_err() {
                    return Ok(count);
                }
            }
        }
    }
    let _ = out.flush();
    Ok(count)
}
