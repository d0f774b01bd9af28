//! Tokens, assertions and what people are called at their provider reach no log line, whatever is logged, no audit record, and
//! no file of the store. The program is the built one, with everything in its log that there is.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::{Value, json};
use tasuki::auth::Digest;

use crate::provider::Provider;
use crate::signer::{Said, Signer, client, encoded, pairs};

const BY_HAND: &str = "QQHANDQQ-0123456789abcdef";

/// The built program with everything in its log.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    log: Option<std::thread::JoinHandle<String>>,
}

impl Server {
    pub(crate) fn start(folder: &Path, text: &str) -> Server {
        std::fs::write(folder.join("tasuki.toml"), text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tasuki"));
        command.current_dir(folder).args(["serve", "--config", "tasuki.toml"]).env("NO_COLOR", "1");
        let mut child = command.env("RUST_LOG", "trace").stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut said = String::new();
        let address = loop {
            let line = lines.next().expect("it listens");
            said += &line;
            if let Some((_, address)) = line.split_once("address=") {
                break address.chars().filter(|c| c.is_ascii_digit() || matches!(c, '.' | ':')).collect();
            }
        };
        let log = std::thread::spawn(move || lines.fold(said, |said, line| said + "\n" + &line));
        Server { child, address, log: Some(log) }
    }

    /// Ends it; what it logged.
    pub(crate) fn log(mut self) -> String {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
        self.log.take().unwrap().join().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct World {
    http: reqwest::blocking::Client,
    base: String,
    secrets: BTreeMap<String, String>,
}

impl World {
    /// Remembers a secret, and its parts where it is a JSON Web Token.
    fn secret(&mut self, what: &str, text: &str) {
        for part in text.split('.').filter(|part| part.len() >= 12 && !part.starts_with("eyJ0eXAi")) {
            self.secrets.insert(part.to_owned(), what.to_owned());
        }
    }

    fn get(&self, path: &str, authorization: &str) -> (u16, String) {
        let request = self.http.get(format!("{}{path}", self.base)).header("authorization", authorization);
        let answer = request.send().unwrap();
        (answer.status().as_u16(), answer.text().unwrap())
    }

    fn post(&self, path: &str, pairs: &[(&str, &str)]) -> (u16, Value) {
        let body: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let request = self.http.post(format!("{}{path}", self.base)).body(body.join("&"));
        let answer = request.header("content-type", "application/x-www-form-urlencoded").send().unwrap();
        (answer.status().as_u16(), serde_json::from_str(&answer.text().unwrap()).unwrap_or_default())
    }
}

#[test]
fn secrets_are_in_no_log_no_audit_record_and_no_file() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (folder, signer, provider) = (tempfile::tempdir().unwrap(), Signer::ec("k"), Provider::new());
    let by_hand = |id: &str, role: &str, token: &str| {
        let digest = Digest::of(token.as_bytes()).hex();
        format!(
            "[[client]]\nid = \"{id}\"\norganization = \"Organization/agency-a\"\nrole = \"{role}\"\ntoken_sha256 = \"{digest}\"\n"
        )
    };
    let text = format!(
        "listen = \"127.0.0.1:0\"\nbase_url = \"http://gateway.example/fhir\"\n[store]\nengine = \"sled\"\npath = \"data\"\n{}{}{}\
         [oidc]\nissuer = \"{}\"\naudience = \"tasuki\"\nacr = [\"mfa\"]\n\
         [[person]]\nid = \"nurse-1\"\nsubject = \"8f1c-nurse\"\norganization = \"Organization/agency-a\"\n",
        client("app", &[&signer], ""),
        by_hand("hand", "care", BY_HAND),
        by_hand("office", "office", "QQOFFICEQQ-0123456789"),
        provider.issuer,
    );
    let server = Server::start(folder.path(), &text);
    let http = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
    let mut world = World { http, base: format!("http://{}", server.address), secrets: BTreeMap::new() };
    world.secret("a token given by hand", BY_HAND);
    world.secret("the office's token", "QQOFFICEQQ-0123456789");
    talk(&mut world, &signer, &provider);
    let (status, record) = world.get("/fhir/AuditEvent?_count=1000", "Bearer QQOFFICEQQ-0123456789");
    assert!(status == 200 && record.contains("110122") && record.contains("person:nurse-1"), "{record}");
    let log = server.log();
    // What is looked for could be there: refusals are logged with their reason.
    for said in ["auth: a client was refused", "oidc: a token was refused", "Expired", "NotRegistered"] {
        assert!(log.contains(said), "{said}\n{log}");
    }
    let mut files = Vec::new();
    read_all(&folder.path().join("data"), &mut files);
    assert!(files.windows(7).any(|window| window == b"nurse-1"), "the store is there, {} bytes", files.len());
    for (secret, what) in &world.secrets {
        assert!(!log.contains(secret), "{what} is in the log");
        assert!(!record.contains(secret), "{what} is on the audit record");
        for coded in [STANDARD.encode(secret), STANDARD_NO_PAD.encode(secret)] {
            assert!(!record.contains(&coded[..coded.len() - 4]), "{what} is on the audit record, in base64");
        }
        let is_in_file = files.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!is_in_file, "{what} is in a file of the store");
    }
    assert!(
        !log.contains("8f1c-nurse") && !log.contains("QQSTRANGERQQ"),
        "who people are at their provider is not logged"
    );
}

/// Everything that is asked with a secret, well and badly.
fn talk(world: &mut World, signer: &Signer, provider: &Provider) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let said = |change: &dyn Fn(&mut Said)| {
        let mut said = signer.say("app");
        (said.claims["exp"], said.claims["iat"]) = (json!(now + 200), json!(now));
        change(&mut said);
        signer.sign(&said)
    };
    let good = said(&|_| {});
    world.secret("an assertion", &good);
    let (status, told) = world.post("/auth/token", &pairs(&good, "system/*.rs"));
    assert_eq!(status, 200, "{told}");
    let token = told["access_token"].as_str().unwrap().to_owned();
    world.secret("an access token", &token);
    for wrong in [
        said(&|said| said.claims["exp"] = json!(now - 1000)),
        said(&|said| said.claims["aud"] = json!("x")),
        said(&|said| said.header["alg"] = json!("none")),
        Signer::ec("k").sign(&signer.say("app")),
    ] {
        world.secret("a wrong assertion", &wrong);
        assert_eq!(world.post("/auth/token", &pairs(&wrong, "system/*.rs")).0, 401);
    }
    let secret = [("grant_type", "client_credentials"), ("client_id", "app"), ("client_secret", "QQCLIENTSECRETQQ")];
    world.secret("a client's secret", "QQCLIENTSECRETQQ");
    assert_eq!(world.post("/auth/token", &secret).0, 401);
    assert_eq!(world.get("/fhir/Patient", &format!("Bearer {token}")).0, 200);
    assert_eq!(world.get("/fhir/Patient", &format!("Bearer {BY_HAND}")).0, 200);
    world.secret("a password", "QQPASSWORDQQ");
    for wrong in
        ["Bearer QQPASSWORDQQ", "Basic QQPASSWORDQQ", "QQPASSWORDQQ", "Bearer QQPASSWORDQQ.QQPASSWORDQQ.QQPASSWORDQQ"]
    {
        assert_eq!(world.get("/fhir/Patient", wrong).0, 401, "{wrong}");
    }
    // Where RFC 6750 says that it should not be, and it is not taken.
    for name in ["access_token", "access%5Ftoken", "_count=1&access_token"] {
        let path = format!("/fhir/Patient?{name}={token}");
        assert_eq!(world.get(&path, "").0, 401);
        assert_eq!(world.get(&path, &format!("Bearer {BY_HAND}")).0, 400, "{name}");
    }
    let of_person = |change: &dyn Fn(&mut Value)| {
        provider.token(|_, claims| {
            (claims["exp"], claims["iat"]) = (json!(now + 200), json!(now));
            change(claims);
        })
    };
    for (change, expected) in [
        (json!({}), 200),
        (json!({"sub": "QQSTRANGERQQ"}), 401),
        (json!({"acr": "password"}), 401),
        (json!({"exp": now - 1000}), 401),
    ] {
        let token = of_person(&|claims| {
            change.as_object().unwrap().iter().for_each(|(name, value)| claims[name] = value.clone());
        });
        world.secret("a person's token", &token);
        assert_eq!(world.get("/fhir/Patient", &format!("Bearer {token}")).0, expected, "{change}");
    }
    for path in ["/auth/introspect", "/auth/revoke"] {
        let assertion = said(&|_| {});
        world.secret("an assertion", &assertion);
        let asked = [("token", token.as_str()), pairs(&assertion, "")[2], ("client_assertion", &assertion)];
        assert_eq!(world.post(path, &asked).0, 200, "{path}");
    }
}

fn read_all(folder: &Path, into: &mut Vec<u8>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        match entry.path().is_dir() {
            true => read_all(&entry.path(), into),
            false => into.extend(std::fs::read(entry.path()).unwrap()),
        }
    }
}
