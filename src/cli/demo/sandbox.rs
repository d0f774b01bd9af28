//! `tasuki demo --sandbox`: a hospital, two care offices and the network's office for an integrator to try a system on, with
//! certificates, keys and a client file for `tasuki conform`, in a folder; and a button that puts all data back (`reset`).
//!
//! Two gateways with the same data and a store each: over HTTP with MLLP, and over HTTPS with client certificates. Each runs as a
//! program of its own, `tasuki serve`, so that what is tried is what is deployed.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};

use super::files::{self, Ports};
use super::{FACILITY, Options, fill, reset};
use crate::app::Gateway;
use crate::cli::say;
use crate::config::Config;
use crate::fhir::FacilityCode;

/// How long a gateway may take until it listens, seconds.
const READY_SECONDS_MAX: u64 = 30;
/// Between two looks whether it does, milliseconds.
const LOOK_MS: u64 = 50;

/// A sandbox that runs.
pub(super) struct Sandbox {
    folder: PathBuf,
    gateways: Mutex<Vec<Running>>,
}

/// One of its gateways.
struct Running {
    /// Its folder: `tasuki.toml`, `store`, and `store.full`, which a reset puts back.
    folder: PathBuf,
    port: u16,
    /// This program, by the path it had when it began: whoever replaces it meanwhile need not stop the sandbox.
    program: PathBuf,
    child: Option<Child>,
}

/// Makes the folder, starts everything, and answers the button until the program is told to stop.
pub(super) fn run(options: &Options, data: &Path) -> Result<(), String> {
    let ports = Ports {
        http: port(options.port)?,
        https: port(options.https_port)?,
        mllp: port(options.mllp_port)?,
        button: port(options.reset_port)?,
    };
    let folder = options.folder.clone();
    say("襷 Tasuki sandbox. Everybody in it is invented, and all its keys lie open: never use any of it for real.\n");
    // Nothing is replaced before it is sure that no other sandbox uses it.
    let _own = alone(&folder)?;
    let button = bind(ports.button)?;
    for port in [ports.http, ports.https, ports.mllp] {
        drop(bind(port)?);
    }
    files::written(&folder, data, &ports)?;
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let running = |name: &str, port| Running { folder: folder.join(name), port, program: program.clone(), child: None };
    let gateways = vec![running("http", ports.http), running("https", ports.https)];
    gateways.iter().try_for_each(|gateway| gateway.filled(data))?;
    let sandbox = Arc::new(Sandbox { folder, gateways: Mutex::new(gateways) });
    stopped_with_us(&sandbox)?;
    sandbox.start()?;
    say(&files::invitation(&sandbox.folder, &ports));
    reset::answer(&button, &sandbox)
}

/// Stops the gateways when this program is told to stop (SIGTERM, Ctrl-C); they would go on by themselves.
fn stopped_with_us(sandbox: &Arc<Sandbox>) -> Result<(), String> {
    let sandbox = sandbox.clone();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let wait = move || {
        let told = runtime.block_on(async {
            let mut terminate = signal(SignalKind::terminate())?;
            tokio::select! {
                told = tokio::signal::ctrl_c() => told,
                _ = terminate.recv() => Ok(()),
            }
        });
        if told.is_ok() {
            sandbox.stop();
            say("\nStopped. Its folder stays; the next start makes everything in it anew.");
            std::process::exit(0);
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(wait).map(|_| ()).map_err(|error| error.to_string())
}

/// Takes the folder for as long as the file that is returned is open.
fn alone(folder: &Path) -> Result<fs::File, String> {
    let fail = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(folder).map_err(fail)?;
    let file = fs::File::create(folder.join("in-use")).map_err(fail)?;
    file.try_lock().map_err(|_| format!("{}: another sandbox runs in this folder", folder.display()))?;
    Ok(file)
}

fn bind(port: u16) -> Result<TcpListener, String> {
    TcpListener::bind(("127.0.0.1", port)).map_err(|error| format!("cannot listen on port {port}: {error}"))
}

/// A port, or a free one for 0.
fn port(wanted: u16) -> Result<u16, String> {
    if wanted == 0 { super::free_port().map_err(|error| error.to_string()) } else { Ok(wanted) }
}

impl Sandbox {
    fn stop(&self) {
        self.gateways.lock().unwrap_or_else(PoisonError::into_inner).iter_mut().for_each(Running::stop);
    }

    fn start(&self) -> Result<(), String> {
        let mut gateways = self.gateways.lock().unwrap_or_else(PoisonError::into_inner);
        gateways.iter_mut().try_for_each(Running::start)
    }

    /// Puts all data back to what the sandbox began with. How long it took, milliseconds.
    pub(super) fn reset(&self) -> Result<u128, String> {
        let begun = Instant::now();
        let mut gateways = self.gateways.lock().unwrap_or_else(PoisonError::into_inner);
        for gateway in gateways.iter_mut() {
            gateway.stop();
            let (store, full) = (gateway.folder.join("store"), gateway.folder.join("store.full"));
            let put_back = fs::remove_dir_all(&store).and_then(|()| copied(&full, &store));
            put_back.map_err(|error| format!("{}: {error}", store.display()))?;
        }
        gateways.iter_mut().try_for_each(Running::start)?;
        Ok(begun.elapsed().as_millis())
    }
}

impl Running {
    /// Takes the example data in and keeps a copy of the store.
    fn filled(&self, data: &Path) -> Result<(), String> {
        let (store, full) = (self.folder.join("store"), self.folder.join("store.full"));
        for old in [&store, &full] {
            let _ = fs::remove_dir_all(old);
        }
        let config =
            Config::load(&self.folder.join("tasuki.toml")).map_err(|problem| crate::cli::issues::sentence(&problem))?;
        let gateway = Gateway::start(&config, crate::cli::now).map_err(|fault| fault.to_string())?;
        fill(&gateway, data, &FacilityCode::parse(FACILITY)).map_err(|fault| fault.to_string())?;
        drop(gateway);
        copied(&store, &full).map_err(|error| format!("{}: {error}", full.display()))
    }

    /// Starts the gateway and waits until it listens.
    fn start(&mut self) -> Result<(), String> {
        let log = fs::File::create(self.folder.join("log.txt")).map_err(|error| error.to_string())?;
        let mut command = Command::new(&self.program);
        command.arg("serve").arg("--config").arg(self.folder.join("tasuki.toml"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        self.child = Some(child.map_err(|error| error.to_string())?);
        let until = Instant::now() + Duration::from_secs(READY_SECONDS_MAX);
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = self.child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)));
            if ended || Instant::now() > until {
                return Err(format!("the gateway does not start: {} says why", self.folder.join("log.txt").display()));
            }
            std::thread::sleep(Duration::from_millis(LOOK_MS));
        }
        Ok(())
    }

    /// At once: what it has acknowledged is on the disk.
    fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A folder with all that is in it.
fn copied(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (path, target) = entry.map(|entry| (entry.path(), to.join(entry.file_name())))?;
        if path.is_dir() { copied(&path, &target)? } else { fs::copy(&path, &target).map(|_| ())? }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_sandbox() {
        let folder = tempfile::tempdir().unwrap();
        let first = alone(folder.path()).unwrap();
        assert!(alone(folder.path()).unwrap_err().contains("another sandbox"));
        drop(first);
        assert!(alone(folder.path()).is_ok());
    }
}
