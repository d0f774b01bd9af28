//! `tasuki serve --config FILE`: runs the gateway. With `--open` for test kits: no authorisation, on loopback alone.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use clap::Args;
use tracing::Level;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use super::{fail, issues, labels, operator, say, watch};
use crate::api::{self, Listener};
use crate::app::{Gateway, Senders};
use crate::audit::What;
use crate::config::{Config, maps};
use crate::fault::{Exit, Fault};
use crate::feed::{Feed, Pace};
use crate::intake::mllp;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The configuration, one TOML file; examples/tasuki.toml explains every line
    #[arg(long, required_unless_present = "open")]
    config: Option<PathBuf>,
    /// Check the configuration and stop
    #[arg(long)]
    check: bool,
    /// For test kits that know no authorisation: whoever calls may do everything. Listens on loopback only, and without a
    /// configuration keeps everything in memory
    #[arg(long)]
    open: bool,
    /// Where to listen, without a configuration
    #[arg(long, default_value = "127.0.0.1:8080", conflicts_with = "config")]
    listen: SocketAddr,
}

pub(super) fn run(options: &Options) -> Exit {
    let loaded = match &options.config {
        Some(path) => Config::load(path),
        None => Config::read(&without_file(options.listen), Path::new("--open"), super::now()),
    };
    let mut config = match loaded {
        Ok(config) => config,
        Err(problem) => return fail(problem.exit(), &issues::sentence(&problem)),
    };
    if options.open && !config.listen.ip().is_loopback() {
        let sentence =
            format!("--open asks nobody who they are, so it listens on loopback only, not on {}", config.listen);
        return fail(Exit::Config, &sentence);
    }
    config.open = options.open;
    if options.check {
        let name = options.config.as_ref().map_or_else(|| "--open".into(), |path| path.display().to_string());
        say(&format!("{name}: in order"));
        return Exit::Done;
    }
    log();
    if config.open {
        tracing::warn!("--open: whoever reaches this address may read and write everything; for test data only");
    }
    match Gateway::start(&config, super::now) {
        Err(fault) => fail(Exit::from(&fault), &fault.to_string()),
        Ok(gateway) => {
            if let Err(fault) = relabel(&gateway) {
                return fail(Exit::from(&fault), &fault.to_string());
            }
            let gateway = Arc::new(gateway);
            if let Some((folder, _)) = &config.maps {
                follow(folder.clone(), Arc::downgrade(&gateway));
            }
            watch::clients(&config, &gateway);
            watch::people(&config, &gateway);
            watch::revocation(&config);
            // They end, frames under way answered, when this function does.
            let _mllp = match mllp_listeners(&gateway, &config) {
                Ok(listeners) => listeners,
                Err(sentence) => return fail(Exit::Config, &sentence),
            };
            let _feed = match Feed::start(&gateway, &config.folders, Pace::default()) {
                Ok(feed) => feed,
                Err(fault) => return fail(Exit::from(&fault), &fault.to_string()),
            };
            let ready = |address| tracing::info!(%address, "listening");
            operator::administered(gateway.journal(), What::Start);
            let served = api::serve(gateway.clone(), listener(&config), ready);
            operator::administered(gateway.journal(), What::Stop);
            match served {
                Ok(()) => Exit::Done,
                Err(error) => fail(Exit::Config, &format!("cannot listen on {}: {error}", config.listen)),
            }
        }
    }
}

/// Labels what is stored by the rules in force, where it was labelled by others; nothing listens before.
fn relabel(gateway: &Gateway) -> Result<(), Fault> {
    let pipeline = gateway.pipeline();
    if pipeline.is_labelled()? {
        return Ok(());
    }
    tracing::info!(codes = pipeline.label_rules().len(), "label rules have changed: what is stored is labelled anew");
    let labels::Done { records, versions } = labels::apply(pipeline, gateway.journal(), false)?;
    tracing::info!(records, versions, "labelled anew");
    Ok(())
}

/// Largest body without a configuration: test kits send whole stores as one transaction.
const OPEN_BODY_BYTES_MAX: u64 = 256 << 20;

/// What a configuration would say, where there is none.
fn without_file(listen: SocketAddr) -> String {
    format!(
        "listen = \"{listen}\"\nbase_url = \"http://{listen}/fhir\"\n[store]\nengine = \"memory\"\n\
         [limits]\nbody_bytes_max = {OPEN_BODY_BYTES_MAX}\n"
    )
}

/// How often the folder of maps is looked at.
const LOOK_SECONDS: u64 = 2;

/// Takes up changes of the folder of maps while the gateway runs. A file that cannot be used is logged and everything
/// stays as it was.
fn follow(folder: PathBuf, gateway: Weak<Gateway>) {
    let mut seen = maps::stamp(&folder);
    let look = move || {
        loop {
            std::thread::sleep(Duration::from_secs(LOOK_SECONDS));
            let Some(gateway) = gateway.upgrade() else { return };
            let now = maps::stamp(&folder);
            if now == seen {
                continue;
            }
            seen = now;
            match maps::load(&folder) {
                Ok(maps) => {
                    maps.remarks.iter().for_each(|remark| tracing::info!("{remark}"));
                    tracing::info!(codes = maps.book.len(), "maps taken up");
                    operator::administered(gateway.journal(), What::MapsChanged);
                    gateway.set_maps(maps);
                }
                Err(problem) => tracing::error!("{problem}; the maps stay as they were"),
            }
        }
    };
    let _ = std::thread::Builder::new().name("maps".into()).spawn(look);
}

/// Log lines on standard error; `RUST_LOG` changes how much.
pub(super) fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // Libraries below us write addresses, headers and bodies when asked for more: whatever `RUST_LOG` says, only their
    // warnings come through (invariant 11).
    let ours = filter_fn(|line| line.target().starts_with("tasuki") || *line.level() <= Level::WARN);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(ours);
    // A second subscriber in one process is no reason to stop.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}

/// The MLLP listeners that a configuration asks for, listening.
fn mllp_listeners(gateway: &Arc<Gateway>, config: &Config) -> Result<Vec<mllp::Listener>, String> {
    let mut listeners = Vec::new();
    for written in &config.mllp {
        let senders = Senders::new(gateway.clone(), config, written);
        let listener = mllp::Listener::start(Senders::settings(written), Arc::new(senders))
            .map_err(|error| format!("cannot listen on {}: {error}", written.listen))?;
        let tls = written.tls.is_some();
        tracing::info!(address = %listener.address(), tls, "mllp: listening");
        listeners.push(listener);
    }
    Ok(listeners)
}

/// The listener that a configuration asks for.
pub(super) fn listener(config: &Config) -> Listener {
    Listener {
        address: config.listen,
        tls: config.tls.clone(),
        body_bytes_max: usize::try_from(config.limits.body_bytes_max).unwrap_or(usize::MAX),
        head_seconds_max: config.limits.head_seconds_max,
        connections_max: usize::try_from(config.limits.connections_max).unwrap_or(usize::MAX),
        workers: std::thread::available_parallelism().map_or(2, usize::from),
    }
}
