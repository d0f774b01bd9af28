//! What the sandbox writes into its folder: configurations of its two gateways, an authority with certificates, a client's key,
//! and the client files with which `tasuki conform` tests them.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::json;

use super::FACILITY;
use crate::cli::{cert, private};
use crate::config::client;

/// Where the sandbox listens, all on loopback.
pub(super) struct Ports {
    pub(super) http: u16,
    pub(super) https: u16,
    pub(super) mllp: u16,
    /// The page with the button.
    pub(super) button: u16,
}

/// Who has a certificate, by the name of the client.
const CERTIFIED: [&str; 4] = ["hospital", "agency-a", "agency-b", "office"];
/// More than anybody asks in a minute.
const REQUESTS_PER_MINUTE_MAX: u32 = 6_000_000;
/// Length of a coordinate of a point of P-384, bytes.
const COORDINATE_BYTES: usize = 48;

/// Writes everything; what was there under these names is replaced.
pub(super) fn written(folder: &Path, data: &Path, ports: &Ports) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("{}: {error}", folder.display());
    for inner in ["http", "https", "certificates", "keys"] {
        fs::create_dir_all(folder.join(inner)).map_err(fail)?;
    }
    let (pem, jwks) = key()?;
    private::write(&folder.join("keys/agency-a.pem"), &pem).map_err(fail)?;
    let certificates = folder.join("certificates");
    if !certificates.join("ca.pem").is_file() {
        cert::authority(&certificates)?;
    }
    for name in CERTIFIED.iter().chain(&["127.0.0.1"]) {
        cert::issue(&certificates, name)?;
    }
    let program = format!(
        "\n[[client]]\nid = \"sandbox-agency-a\"\norganization = \"Organization/agency-a\"\nrole = \"care\"\njwks = '{jwks}'\n"
    );
    let clients = fs::read_to_string(data.join("clients.toml")).map_err(fail)?;
    let http = format!(
        "{}\n[[mllp]]\nlisten = \"127.0.0.1:{}\"\nfacilities = [\"{FACILITY}\"]\n\n{clients}{program}",
        head(&format!("http://127.0.0.1:{}/fhir", ports.http), ports.http),
        ports.mllp
    );
    fs::write(folder.join("http/tasuki.toml"), http).map_err(fail)?;
    let tls = "\n[tls]\ncertificate = \"../certificates/127.0.0.1.pem\"\nkey = \"../certificates/127.0.0.1-key.pem\"\n\
               client_ca = \"../certificates/ca.pem\"\nclient_certificate = \"optional\"\n\n";
    let https = format!(
        "{}{tls}{}{program}",
        head(&format!("https://127.0.0.1:{}/fhir", ports.https), ports.https),
        bound(&certificates, &clients)?
    );
    fs::write(folder.join("https/tasuki.toml"), https).map_err(fail)?;
    fs::write(folder.join("client.toml"), client_file(ports, false)).map_err(fail)?;
    fs::write(folder.join("client-https.toml"), client_file(ports, true)).map_err(fail)
}

/// A private key (PEM, PKCS#8) for SMART Backend Services, and its public half as a JSON Web Key Set.
fn key() -> Result<(String, String), String> {
    let random = SystemRandom::new();
    let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random);
    let made = made.map_err(|_| "no key can be made")?;
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, made.as_ref(), &random)
        .map_err(|error| error.to_string())?;
    // An uncompressed point: 4, x, y (SEC 1, 2.3.3).
    let point = pair.public_key().as_ref();
    let coordinate = |at: usize| {
        let bytes = point.get(at..at + COORDINATE_BYTES).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(bytes)
    };
    let (x, y) = (coordinate(1), coordinate(1 + COORDINATE_BYTES));
    let jwks = json!({"keys": [{"kty": "EC", "crv": "P-384", "kid": "sandbox-1", "alg": "ES384", "x": x, "y": y}]});
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(made.as_ref()));
    Ok((pem, jwks.to_string()))
}

/// What both configurations begin with.
fn head(base: &str, port: u16) -> String {
    format!(
        r#"# Written by tasuki demo --sandbox, anew at each start.
listen = "127.0.0.1:{port}"
base_url = "{base}"

[store]
engine = "sled"
path = "store"
cache_mib = 64

[limits]
requests_per_minute_max = {REQUESTS_PER_MINUTE_MAX}

[labels]
rules = ["shipped"]

[[source]]
facility = "{FACILITY}"
name = "見本市立例示病院"
organization = "Organization/hospital"
"#
    )
}

/// The clients, each bound to its certificate.
fn bound(certificates: &Path, clients: &str) -> Result<String, String> {
    let mut text = String::with_capacity(clients.len());
    for line in clients.lines() {
        text.push_str(line);
        text.push('\n');
        let id = line.strip_prefix("id = \"").and_then(|rest| rest.strip_suffix('"'));
        if let Some(id) = id.filter(|id| CERTIFIED.contains(id)) {
            let file = certificates.join(format!("{id}.pem"));
            let pem = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            let digest = client::fingerprint(&pem).ok_or_else(|| format!("{}: no certificate", file.display()))?;
            text.push_str(&format!("certificate_sha256 = \"{}\"\n", digest.hex()));
        }
    }
    Ok(text)
}

/// A client file for `tasuki conform`.
fn client_file(ports: &Ports, tls: bool) -> String {
    let (origin, target) = match tls {
        false => (format!("http://127.0.0.1:{}", ports.http), "client.toml"),
        true => (format!("https://127.0.0.1:{}", ports.https), "client-https.toml"),
    };
    let mut text = format!(
        "# tasuki conform --target {origin}/fhir --client {target}\n\
         intake = \"{origin}/intake\"\nfacility = \"{FACILITY}\"\n"
    );
    match tls {
        false => text.push_str(&format!("mllp = \"127.0.0.1:{}\"\n", ports.mllp)),
        true => text.push_str("ca = \"certificates/ca.pem\"\n"),
    }
    let whom = [("default", "agency-a"), ("source", "hospital"), ("office", "office"), ("b", "agency-b")];
    for (name, id) in whom {
        text.push_str(&format!("\n[client.{name}]\ntoken = \"demo-{id}\"\n"));
        if tls {
            text.push_str(&format!(
                "certificate = \"certificates/{id}.pem\"\ncertificate_key = \"certificates/{id}-key.pem\"\n"
            ));
        }
        if name == "b" {
            text.push_str("organization = \"Organization/agency-b\"\n");
        }
    }
    text.push_str(
        "\n[client.a]\nclient_id = \"sandbox-agency-a\"\nkey = \"keys/agency-a.pem\"\nkid = \"sandbox-1\"\n\
         scope = \"system/*.rs\"\norganization = \"Organization/agency-a\"\n",
    );
    text
}

/// What is where, for whoever started it.
pub(super) fn invitation(folder: &Path, ports: &Ports) -> String {
    let folder = folder.display();
    format!(
        r#"
A hospital (見本市立例示病院), two care offices (agency-a, agency-b), the network's office. Tokens: demo-hospital, demo-agency-a,
demo-agency-b, demo-office. In {folder}:

  client.toml, client-https.toml   whom tasuki conform acts as
  keys/agency-a.pem                the private key of client sandbox-agency-a (SMART Backend Services)
  certificates/                    the authority ca.pem, and hospital, agency-a, agency-b, office with their keys

  FHIR over HTTP      http://127.0.0.1:{http}/fhir
  FHIR over HTTPS     https://127.0.0.1:{https}/fhir   (client certificates; a store of its own)
  HL7 v2 over MLLP    127.0.0.1:{mllp}
  Reset               http://127.0.0.1:{button}/   or: tasuki demo --sandbox --reset --reset-port {button}

Test it:
  tasuki conform --target http://127.0.0.1:{http}/fhir --client {folder}/client.toml
  tasuki conform --target https://127.0.0.1:{https}/fhir --client {folder}/client-https.toml
  curl --cacert {folder}/certificates/ca.pem --cert {folder}/certificates/agency-a.pem --key {folder}/certificates/agency-a-key.pem \
    -H 'Authorization: Bearer demo-agency-a' https://127.0.0.1:{https}/fhir/Patient

Ctrl-C stops it.
"#,
        http = ports.http,
        https = ports.https,
        mllp = ports.mllp,
        button = ports.button,
    )
}
