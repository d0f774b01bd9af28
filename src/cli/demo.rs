//! `tasuki demo`: an example hospital and three agencies on a throw-away store, to try with curl.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::{fail, ingest};
use crate::api::{self, Listener};
use crate::app::{Gateway, Parts};
use crate::auth::Registry;
use crate::fault::{Exit, Fault};
use crate::fhir::{FacilityCode, PatientKey};
use crate::letter::Source;
use crate::store::Store;

/// The example hospital.
const FACILITY: &str = "0119999901";

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The example data [default: examples/data]
    #[arg(long)]
    data: Option<PathBuf>,
    /// Port on this machine; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

pub(super) fn run(options: &Options) -> Exit {
    let Some(data) = find_data(options.data.as_deref()) else {
        return fail(Exit::NoInput, "the example data is not there: run this from the project's folder, or name it with --data");
    };
    let folder = std::env::temp_dir().join(format!("tasuki-demo-{}", std::process::id()));
    let exit = match demo(options.port, &data, &folder) {
        Ok(()) => Exit::Done,
        Err(sentence) => fail(Exit::Machine, &sentence),
    };
    match std::fs::remove_dir_all(&folder) {
        Ok(()) => println!("\nStopped; {} is removed.", folder.display()),
        Err(error) => eprintln!("tasuki: {} could not be removed: {error}", folder.display()),
    }
    exit
}

/// The folder named, the one beside us, or the one beside the sources.
fn find_data(named: Option<&Path>) -> Option<PathBuf> {
    let beside_sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data");
    let candidates = match named {
        Some(named) => vec![named.to_path_buf()],
        None => vec![PathBuf::from("examples/data"), beside_sources],
    };
    candidates.into_iter().find(|path| path.join("clients.toml").is_file())
}

fn demo(port: u16, data: &Path, folder: &Path) -> Result<(), String> {
    let say = |fault: Fault| fault.to_string();
    println!("襷 Tasuki demonstration. Everybody in it is invented.\n");
    println!("1. A gateway on an empty sled store in {}", folder.display());
    let clients = std::fs::read_to_string(data.join("clients.toml")).map_err(|error| error.to_string())?;
    let facility = FacilityCode::parse(FACILITY);
    let gateway = Gateway::start(Parts {
        store: Store::open_sled(folder, 64 << 20).map_err(say)?,
        registry: Registry::parse_clients(&clients, &facility).map_err(|problem| problem.to_string())?,
        sources: vec![Source { facility: facility.clone(), zone_minutes: 540 }],
        base_url: format!("http://127.0.0.1:{port}/fhir"),
        clock: super::now,
        zone_minutes: 540,
    })
    .map_err(say)?;
    fill(&gateway, data, &facility).map_err(say)?;
    let listener = Listener {
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        tls: None,
        body_bytes_max: 16 << 20,
        workers: std::thread::available_parallelism().map_or(2, usize::from),
    };
    let hanako = PatientKey::derive(&facility, "0000000001");
    let ready = |address: SocketAddr| print!("{}", invitation(address, data, hanako));
    api::serve(Arc::new(gateway), listener, ready).map_err(|error| format!("cannot listen on port {port}: {error}"))
}

/// Takes the example in, part by part, and says what happened.
fn fill(gateway: &Gateway, data: &Path, facility: &FacilityCode) -> Result<(), Fault> {
    let hospital = data.join("hospital").join(FACILITY);
    let parts = [
        ("2. The directory of organisations", data.join("organizations"), FacilityCode::unstated()),
        ("3. The hospital's SS-MIX2 storage", hospital, facility.clone()),
        ("4. Its referral, discharge summary and JP-CLINS bundles", data.join("documents"), facility.clone()),
        ("5. The patients' consents", data.join("consents"), FacilityCode::unstated()),
    ];
    for (title, path, facility) in parts {
        let tally = ingest::take_in(gateway.pipeline(), &path, Some(facility), None, 8)?;
        println!(
            "{title}: {} letters stored, {} resource versions, {} held",
            tally.stored,
            tally.resources,
            tally.held_count()
        );
    }
    Ok(())
}

fn invitation(address: SocketAddr, data: &Path, hanako: PatientKey) -> String {
    let base = format!("http://{address}/fhir");
    let patient = hanako.patient_id();
    let consent = data.join("consents/consent-hanako-agency-a.json");
    format!(
        r#"
Listening on {base}. Try, in another terminal:

  # What the care manager of agency A sees: the two patients who agreed
  curl -s -H 'Authorization: Bearer demo-agency-a' '{base}/Patient'

  # What agency B sees, whose consent has run out: nothing
  curl -s -H 'Authorization: Bearer demo-agency-b' '{base}/Patient'

  # Everything about 襷 花子
  curl -s -H 'Authorization: Bearer demo-agency-a' '{base}/Patient/{id}/$everything'

  # Her referral, as the document it was sent as
  curl -s -H 'Authorization: Bearer demo-agency-a' '{base}/Bundle?patient={id}&code=57133-1'

  # She withdraws her consent; ask the first question again
  sed 's/"active"/"inactive"/' {consent} | curl -s -X PUT -H 'Authorization: Bearer demo-office' \
    -H 'Content-Type: application/fhir+json' -d @- '{base}/Consent/consent-hanako-agency-a'

Ctrl-C stops the gateway and removes its store.
"#,
        id = patient.as_str(),
        consent = consent.display(),
    )
}
