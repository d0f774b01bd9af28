//! Runs the built program as a user does: the demo on a free port, and the command line.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)] // a test fails by panicking
#![allow(dead_code, unreachable_pub)] // each test file uses its part of this

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// A running demo; stopped and cleaned up when dropped.
pub struct Demo {
    child: Child,
    /// `http://127.0.0.1:port/fhir`
    pub base: String,
    /// What it printed before it listened.
    pub printed: String,
    client: reqwest::blocking::Client,
}

/// One answer as a caller sees it.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Demo {
    /// Starts the demo and waits until it listens.
    pub fn start() -> Demo {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tasuki"))
            .args(["demo", "--port", "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the demo starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut printed = String::new();
        let base = loop {
            let line = lines.next().expect("the demo listens before it ends").expect("readable");
            printed.push_str(&line);
            printed.push('\n');
            if let Some(rest) = line.strip_prefix("Listening on ") {
                break rest.split('.').take(4).collect::<Vec<_>>().join(".");
            }
        };
        // The rest must be read, or the program would wait for us.
        std::thread::spawn(move || lines.for_each(drop));
        let _ = rustls::crypto::ring::default_provider().install_default();
        Demo { child, base, printed, client: reqwest::blocking::Client::new() }
    }

    /// A request with the demo token of a client; an empty client sends none.
    pub fn send(&self, method: &str, client: &str, path: &str, body: Option<String>) -> Answer {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if !client.is_empty() {
            request = request.bearer_auth(format!("demo-{client}"));
        }
        if let Some(body) = body {
            request = request.header("Content-Type", "application/fhir+json").body(body);
        }
        let response = request.send().expect("an answer");
        let headers = response.headers().iter().filter(|(name, _)| *name != "date" && *name != "x-request-id");
        let mut headers: Vec<_> = headers.map(|(n, v)| (n.to_string(), v.to_str().unwrap_or("").to_owned())).collect();
        headers.sort();
        Answer { status: response.status().as_u16(), headers, body: response.text().expect("text") }
    }

    pub fn get(&self, client: &str, path: &str) -> Answer {
        self.send("GET", client, path, None)
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The resources of a searchset.
    pub fn entries(&self) -> Vec<Value> {
        let bundle = self.json();
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        entries.into_iter().map(|entry| entry["resource"].clone()).collect()
    }

    pub fn total(&self) -> i64 {
        self.json()["total"].as_i64().expect("a total")
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // A clean end, so that the program removes its store.
        let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

/// Runs the program to its end.
pub fn tasuki(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tasuki")).args(arguments).output().expect("the program runs")
}

/// A file of the example data.
pub fn example(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data").join(path)
}

/// The folder of foreign test data, where there is one; says so where there is none.
pub fn corpora() -> Option<PathBuf> {
    let folder = std::env::var_os("TASUKI_CORPORA").map(PathBuf::from).filter(|path| path.is_dir());
    if folder.is_none() {
        println!("not run: TASUKI_CORPORA does not name a folder");
    }
    folder
}

/// Reads a file to text.
pub fn read(path: &Path) -> String {
    let mut text = String::new();
    std::fs::File::open(path).and_then(|mut f| f.read_to_string(&mut text)).expect("readable");
    text
}
