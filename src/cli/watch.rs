//! What changes while the gateway runs and is taken up without a restart: the folders of clients and of people, the
//! revocation lists.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{issues, operator};
use crate::app::Gateway;
use crate::audit::What;
use crate::auth::Verifier;
use crate::config::Config;

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Takes up changes of the folder of clients. A file that cannot be used is logged, and its client is not let in.
pub(super) fn clients(config: &Config, gateway: &Arc<Gateway>) {
    let Some(folder) = config.client_folder.clone().filter(|_| !config.open) else { return };
    let stamped = folder.clone();
    follow(
        "clients",
        gateway,
        move || stamped.stamp(),
        move |gateway| {
            let (clients, problems) = folder.load();
            problems.iter().for_each(|problem| tracing::error!("{}", issues::sentence(problem)));
            tracing::info!(clients = clients.len(), "clients taken up");
            gateway.set_clients(clients);
        },
    );
}

/// Takes up changes of the folder of people. A file that cannot be used is logged, and its person is not let in.
pub(super) fn people(config: &Config, gateway: &Arc<Gateway>) {
    let folder = config.people.as_ref().and_then(|people| people.folder.clone());
    let Some(folder) = folder.filter(|_| !config.open) else { return };
    let stamped = folder.clone();
    follow(
        "people",
        gateway,
        move || stamped.stamp(),
        move |gateway| {
            let (people, problems) = folder.load();
            problems.iter().for_each(|problem| tracing::error!("{}", issues::sentence(problem)));
            tracing::info!(people = people.len(), "people taken up");
            gateway.people().replace(people);
        },
    );
}

/// Looks at a stamp for as long as the gateway is there; whenever it is another, says so on the audit record and takes up what
/// has changed.
fn follow(
    name: &str,
    gateway: &Arc<Gateway>,
    stamp: impl Fn() -> u64 + Send + 'static,
    take_up: impl Fn(&Gateway) + Send + 'static,
) {
    let (gateway, mut seen) = (Arc::downgrade(gateway), stamp());
    let look = move || {
        loop {
            std::thread::sleep(LOOK);
            let Some(gateway) = gateway.upgrade() else { return };
            let now = stamp();
            if now == seen {
                continue;
            }
            seen = now;
            operator::administered(gateway.journal(), What::ClientsChanged);
            take_up(&gateway);
        }
    };
    let _ = std::thread::Builder::new().name(name.into()).spawn(look);
}

/// Takes up changes of the revocation lists, for HTTP and MLLP. A list that cannot be used is logged, and everything stays as
/// it was.
pub(super) fn revocation(config: &Config) {
    let mllp = config.mllp.iter().filter_map(|listener| listener.verifier.clone());
    let verifiers: Vec<Arc<Verifier>> = config.verifier.iter().cloned().chain(mllp).filter(|v| v.has_lists()).collect();
    if verifiers.is_empty() {
        return;
    }
    let files: Vec<PathBuf> = verifiers.iter().flat_map(|verifier| verifier.lists().to_vec()).collect();
    let mut seen = stamps(&files);
    let look = move || {
        loop {
            std::thread::sleep(LOOK);
            let now = stamps(&files);
            if now == seen {
                continue;
            }
            seen = now;
            for verifier in &verifiers {
                match verifier.reload() {
                    Ok(()) => tracing::info!("revocation lists taken up"),
                    Err(wrong) => {
                        let sentence = wrong.rule.en.replace("{}", &wrong.detail);
                        tracing::error!("{sentence}; the revocation lists stay as they were");
                    }
                }
            }
        }
    };
    let _ = std::thread::Builder::new().name("revocation".into()).spawn(look);
}

/// Size and time of change of each file.
fn stamps(files: &[PathBuf]) -> Vec<Option<(u64, Option<SystemTime>)>> {
    let stamp = |file: &PathBuf| std::fs::metadata(file).ok().map(|data| (data.len(), data.modified().ok()));
    files.iter().map(stamp).collect()
}
