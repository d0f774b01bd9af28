//! `tasuki serve --config FILE`: runs the gateway.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use tracing_subscriber::EnvFilter;

use super::fail;
use crate::api::{self, Listener};
use crate::app::{Gateway, Parts};
use crate::auth::{Registry, tls};
use crate::config::Config;
use crate::fault::{Exit, Fault};
use crate::letter::Source;
use crate::store::Store;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The configuration, one TOML file; examples/tasuki.toml explains every line
    #[arg(long)]
    config: PathBuf,
    /// Check the configuration and stop
    #[arg(long)]
    check: bool,
}

pub(super) fn run(options: &Options) -> Exit {
    let config = match Config::load(&options.config) {
        Ok(config) => config,
        Err(problem) => return fail(Exit::Config, &problem.to_string()),
    };
    let listener = match listener(&config) {
        Ok(listener) => listener,
        Err(sentence) => return fail(Exit::Config, &sentence),
    };
    if options.check {
        println!("{}: in order", options.config.display());
        return Exit::Done;
    }
    log();
    match gateway(&config) {
        Err(fault) => fail(Exit::from(&fault), &fault.to_string()),
        Ok(gateway) => {
            let ready = |address| tracing::info!(%address, "listening");
            match api::serve(Arc::new(gateway), listener, ready) {
                Ok(()) => Exit::Done,
                Err(error) => fail(Exit::Config, &format!("cannot listen on {}: {error}", config.listen)),
            }
        }
    }
}

/// Log lines on standard error; `RUST_LOG` changes how much.
pub(super) fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber in one process is no reason to stop.
    let _ = subscriber.try_init();
}

fn listener(config: &Config) -> Result<Listener, String> {
    let tls = config.tls.as_ref().map(tls::server_config).transpose().map_err(|problem| problem.to_string())?;
    Ok(Listener {
        address: config.listen,
        tls,
        body_bytes_max: config.limits.body_bytes_max,
        workers: std::thread::available_parallelism().map_or(2, usize::from),
    })
}

fn gateway(config: &Config) -> Result<Gateway, Fault> {
    let sources = config.sources.iter().map(|s| Source { facility: s.facility.clone(), zone_minutes: s.zone_minutes });
    Gateway::start(Parts {
        store: Store::open_sled(&config.store.path, config.store.cache_mib << 20)?,
        registry: Registry::new(config),
        sources: sources.collect(),
        base_url: config.base_url.clone(),
        clock: super::now,
        zone_minutes: 540,
    })
}
