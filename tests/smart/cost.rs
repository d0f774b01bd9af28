//! What a request for a token costs the server beside the check of its signature. The server is the built program, or the one
//! that `TASUKI_PROGRAM` names, so that a release build can be measured:
//! `TASUKI_PROGRAM=target/release/tasuki cargo test --test smart -- --ignored --nocapture cost`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::gateway::together;
use crate::signer::{Said, Signer, client, encoded, pairs};

const CALLERS: usize = 8;
const ASKED: usize = 16_000;

struct Server {
    child: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(folder: &std::path::Path, text: &str) -> Server {
        std::fs::write(folder.join("tasuki.toml"), text).unwrap();
        let program = std::env::var("TASUKI_PROGRAM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_tasuki").to_owned());
        let mut command = Command::new(std::path::absolute(program).unwrap());
        command.current_dir(folder).args(["serve", "--config", "tasuki.toml"]).env("NO_COLOR", "1");
        let mut child = command.env("RUST_LOG", "tasuki::cli=info").stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = lines.by_ref().map_while(Result::ok).find(|line| line.contains("address=")).unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        let address = line.split_once("address=").unwrap().1;
        let address = address.chars().filter(|c| c.is_ascii_digit() || matches!(c, '.' | ':')).collect();
        Server { child, address }
    }

    /// Its CPU so far, microseconds (proc(5), stat, utime and stime in ticks of 10 ms).
    fn cpu_us(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
        (ticks(11) + ticks(12)) * 10_000.0
    }

    /// CPU of each request, when every caller sends its share one after the other.
    fn cost(&self, assertions: &[Vec<String>], expected: u16) -> f64 {
        let before = self.cpu_us();
        together(CALLERS, |n| {
            let http = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
            for assertion in &assertions[n] {
                let form = pairs(assertion, "system/*.rs")
                    .into_iter()
                    .map(|(name, value)| format!("{name}={}", encoded(value)));
                let request = http.post(format!("http://{}/auth/token", self.address));
                let request = request.header("content-type", "application/x-www-form-urlencoded");
                let answer = request.body(form.collect::<Vec<_>>().join("&")).send().unwrap();
                assert_eq!(answer.status().as_u16(), expected);
            }
        });
        (self.cpu_us() - before) / ASKED as f64
    }
}

#[test]
#[ignore = "measures, on a quiet machine: cargo test --release --test smart cost -- --ignored --nocapture"]
fn cost_of_a_token() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for signer in [Signer::rsa("k"), Signer::ec("k")] {
        for engine in ["fjall", "sled"] {
            let folder = tempfile::tempdir().unwrap();
            let clients: String = (0..CALLERS).map(|n| client(&format!("app{n}"), &[&signer], "")).collect();
            let text = format!(
                "listen = \"127.0.0.1:0\"\nbase_url = \"http://gateway.example/fhir\"\n[store]\nengine = \"{engine}\"\npath = \"data\"\n\
                 [limits]\ntokens_per_minute_max = 6000\ntoken_attempts_per_minute_max = 1000000\n{clients}"
            );
            let server = Server::start(folder.path(), &text);
            let all = |change: &dyn Fn(&mut Said)| -> Vec<Vec<String>> {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
                let one = |n: usize| {
                    let mut said = signer.say(&format!("app{n}"));
                    (said.claims["exp"], said.claims["iat"]) = (json!(now + 280), json!(now));
                    change(&mut said);
                    signer.sign(&said)
                };
                (0..CALLERS).map(|n| (0..ASKED / CALLERS).map(|_| one(n)).collect()).collect()
            };
            // Nothing of it is looked at; all but the replay store and the token; all.
            let unread = server.cost(&all(&|said| said.header["alg"] = json!("none")), 401);
            let refused = server.cost(&all(&|said| said.claims["aud"] = json!("elsewhere")), 401);
            let whole = server.cost(&all(&|_| {}), 200);
            let (name, signature) = (signer.algorithm(), refused - unread);
            println!(
                "{name} {engine}: {whole:.0} µs a token, its signature {signature:.0}, the rest {:.0}",
                whole - signature
            );
        }
    }
}
