//! The sandbox as an integrator starts it: the kit passes against it over HTTP and over HTTPS with certificates, and the button
//! puts everything back.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A sandbox that runs; it is told to stop when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // As somebody's Ctrl-C does: killed outright it could not stop its gateways.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

fn tasuki(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tasuki")).args(arguments).env("LC_ALL", "C").output().unwrap();
    let text = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).concat();
    (output.status.code().unwrap(), text)
}

/// The address after a label of the invitation.
fn after<'t>(said: &'t str, label: &str) -> &'t str {
    let rest = said.split_once(label).unwrap().1.trim_start();
    rest.split_whitespace().next().unwrap()
}

#[test]
fn a_sandbox_passes_and_is_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    let free = ["--port", "0", "--https-port", "0", "--mllp-port", "0", "--reset-port", "0"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_tasuki"));
    command.args(["demo", "--sandbox", "--folder", &path]).args(free).current_dir(env!("CARGO_MANIFEST_DIR"));
    let mut running = Running(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut said = String::new();
    let mut lines = BufReader::new(running.0.stdout.take().unwrap());
    while !said.contains("Ctrl-C stops it") {
        assert!(lines.read_line(&mut said).unwrap() > 0, "{said}");
    }
    let (http, https, reset) = (after(&said, "over HTTP "), after(&said, "over HTTPS"), after(&said, "--reset-port"));
    for (target, client) in [(http, "client.toml"), (https, "client-https.toml")] {
        let client = folder.path().join(client).display().to_string();
        let (code, text) = tasuki(&["conform", "--target", target, "--client", &client]);
        assert_eq!(code, 0, "{target}: {text}");
    }
    let patients = || {
        let url = format!("{http}/Patient?_summary=count");
        let asked = reqwest::blocking::Client::new().get(url).bearer_auth("demo-agency-a");
        asked.send().unwrap().text().unwrap()
    };
    // What the cases handed in for agency A is there, and then it is not.
    assert!(!patients().contains("\"total\":2,"), "{}", patients());
    let (code, text) = tasuki(&["demo", "--sandbox", "--reset", "--reset-port", reset]);
    assert!(code == 0 && text.contains("All data are back"), "{text}");
    assert!(patients().contains("\"total\":2,"), "{}", patients());
    // A page of another site cannot press the button.
    let url = format!("http://127.0.0.1:{reset}/reset");
    let other = reqwest::blocking::Client::new().post(url).header("origin", "http://other.example").send().unwrap();
    assert_eq!(other.status(), 403);
    let key = std::fs::read_to_string(Path::new(&path).join("keys/agency-a.pem")).unwrap();
    assert!(!said.contains(key.lines().nth(1).unwrap()), "no key is said");
}
