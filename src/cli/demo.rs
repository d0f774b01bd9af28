//! `tasuki demo`: an example hospital and three agencies on a throw-away store, to try with curl.

#[cfg(feature = "cert")]
mod files;
#[cfg(feature = "cert")]
mod reset;
#[cfg(feature = "cert")]
mod sandbox;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::{fail, ingest, issues, say, serve};
use crate::api;
use crate::app::Gateway;
use crate::config::Config;
use crate::fault::{Exit, Fault};
use crate::fhir::{FacilityCode, PatientKey};
use crate::letter::{Letter, Source};

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
    /// For integrators: certificates, keys, HTTPS, MLLP, a client file for tasuki conform, and a button that puts all data back
    #[arg(long)]
    sandbox: bool,
    /// Where the sandbox keeps everything
    #[arg(long, value_name = "FOLDER", default_value = "sandbox", requires = "sandbox")]
    folder: PathBuf,
    /// Put all data of the sandbox that runs back, and stop
    #[arg(long, requires = "sandbox")]
    reset: bool,
    /// Port of the sandbox for HTTPS; 0 takes a free one
    #[arg(long, default_value_t = 8443)]
    https_port: u16,
    /// Port of the sandbox for MLLP; 0 takes a free one
    #[arg(long, default_value_t = 2575)]
    mllp_port: u16,
    /// Port of the sandbox's button; 0 takes a free one
    #[arg(long, default_value_t = 8079)]
    reset_port: u16,
}

pub(super) fn run(options: &Options) -> Exit {
    if options.reset {
        return pressed(options);
    }
    let Some(data) = find_data(options.data.as_deref()) else {
        return fail(
            Exit::NoInput,
            "the example data is not there: run this from the project's folder, or name it with --data",
        );
    };
    if options.sandbox {
        return told(sandboxed(options, &data));
    }
    let folder = std::env::temp_dir().join(format!("tasuki-demo-{}", std::process::id()));
    let exit = match demo(options.port, &data, &folder) {
        Ok(()) => Exit::Done,
        Err(sentence) => fail(Exit::Machine, &sentence),
    };
    match std::fs::remove_dir_all(&folder) {
        Ok(()) => say(&format!("\nStopped; {} is removed.", folder.display())),
        Err(error) => eprintln!("tasuki: {} could not be removed: {error}", folder.display()),
    }
    exit
}

fn told(done: Result<(), String>) -> Exit {
    match done {
        Ok(()) => Exit::Done,
        Err(sentence) => fail(Exit::Machine, &sentence),
    }
}

#[cfg(feature = "cert")]
fn sandboxed(options: &Options, data: &Path) -> Result<(), String> {
    sandbox::run(options, data)
}

#[cfg(feature = "cert")]
fn pressed(options: &Options) -> Exit {
    told(reset::press(options.reset_port).map(|said| say(&said)))
}

/// Without the feature `cert` there are no certificates to make.
#[cfg(not(feature = "cert"))]
fn sandboxed(_: &Options, _: &Path) -> Result<(), String> {
    Err("this build has no sandbox: it needs the feature cert".into())
}

#[cfg(not(feature = "cert"))]
fn pressed(_: &Options) -> Exit {
    told(Err("this build has no sandbox: it needs the feature cert".into()))
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
    say("襷 Tasuki demonstration. Everybody in it is invented.\n");
    // Its address is in links and in assertions, so it must be known before it listens.
    let port = if port == 0 { free_port().map_err(|error| error.to_string())? } else { port };
    let config = configuration(port, data, folder)?;
    say(&format!("1. A gateway on an empty store; its configuration is {}", folder.join("tasuki.toml").display()));
    let gateway = Gateway::start(&config, super::now).map_err(|fault| fault.to_string())?;
    let facility = FacilityCode::parse(FACILITY);
    fill(&gateway, data, &facility).map_err(|fault| fault.to_string())?;
    let hanako = PatientKey::derive(&facility, "0000000001");
    let referral = referral(&gateway, data, &facility).map_err(|fault| fault.to_string())?;
    let ready = |address: SocketAddr| say(&invitation(address, data, hanako, &referral));
    api::serve(Arc::new(gateway), serve::listener(&config), ready)
        .map_err(|error| format!("cannot listen on port {port}: {error}"))
}

/// A port of this machine that nobody listens on.
fn free_port() -> std::io::Result<u16> {
    std::net::TcpListener::bind("127.0.0.1:0")?.local_addr().map(|address| address.port())
}

/// A configuration as a real one would be, written to the demo's folder and read from there.
fn configuration(port: u16, data: &Path, folder: &Path) -> Result<Config, String> {
    let file = folder.join("tasuki.toml");
    let clients = std::fs::read_to_string(data.join("clients.toml")).map_err(|error| error.to_string())?;
    let text = format!(
        r#"listen = "127.0.0.1:{port}"
base_url = "http://127.0.0.1:{port}/fhir"

[store]
engine = "sled"
path = "store"
cache_mib = 64

[labels]
rules = ["shipped"]

[[source]]
facility = "{FACILITY}"
name = "見本市立例示病院"
organization = "Organization/hospital"

{clients}"#
    );
    std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, text)).map_err(|error| error.to_string())?;
    Config::load(&file).map_err(|problem| issues::sentence(&problem))
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
        let tally = ingest::take_in((gateway.pipeline(), gateway.journal()), &path, Some(facility), None, 8)?;
        say(&format!(
            "{title}: {} letters stored, {} resource versions, {} held",
            tally.stored,
            tally.resources,
            tally.held_count()
        ));
    }
    Ok(())
}

/// `Bundle/id` of the referral, as the receipt of its letter says.
fn referral(gateway: &Gateway, data: &Path, facility: &FacilityCode) -> Result<String, Fault> {
    let missing = |_| Fault::Broken("the example referral cannot be read".into());
    let bytes = std::fs::read(data.join("documents/referral.json")).map_err(missing)?;
    let source = Arc::new(Source { facility: facility.clone(), zone_minutes: 540 });
    let letter = Letter { source, name: "referral.json".into(), bytes };
    let receipt = gateway.pipeline().receipt(letter.id())?;
    let bundle = receipt.and_then(|receipt| receipt.resources.into_iter().find(|r| r.starts_with("Bundle/")));
    bundle.ok_or_else(|| Fault::Broken("the example referral was not stored".into()))
}

fn invitation(address: SocketAddr, data: &Path, hanako: PatientKey, referral: &str) -> String {
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
  curl -s -H 'Authorization: Bearer demo-agency-a' '{base}/{referral}'

  # She withdraws her consent; ask the first question again
  sed 's/"active"/"inactive"/' {consent} | curl -s -X PUT -H 'Authorization: Bearer demo-office' \
    -H 'Content-Type: application/fhir+json' -d @- '{base}/Consent/consent-hanako-agency-a'

Ctrl-C stops the gateway and removes its store.
"#,
        id = patient.as_str(),
        consent = consent.display(),
    )
}
