//! Markers in the place of a patient's name, number, address and free text: they reach no log line, no audit record, no
//! refusal, and nobody but those who may read the record (invariant 11).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod program;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use program::example;
use serde_json::{Value, json};
use tasuki::auth::Digest;
use tasuki::fhir::{FacilityCode, PatientKey};

/// In every field that tells of a person.
const MARKER: &str = "QQMARKERQQ";
/// In the place of the patient's number, also in file names.
const NUMBER: &str = "7700770077";
const FACILITY: &str = "0119999901";

#[test]
fn no_patient_is_in_logs_audit_records_or_refusals() {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join(FACILITY);
    let files = marked_tree(&tree);
    assert!(files.len() > 10);
    let store = folder.path().join("store");
    let ingest = traced(&["ingest", path(&tree), "--store", path(&store)]);
    quiet("ingest", &ingest);
    let again = traced(&["ingest", path(&tree), "--store", path(&store)]);
    quiet("the second ingest", &again);
    for file in &files {
        quiet("convert", traced(&["convert", path(file)]).split_once("STDOUT").unwrap().0);
    }
    quiet("verify", &traced(&["verify", "--store", path(&store)]));
    let (served, log) = serve(folder.path(), &store);
    let talk = talk(&served);
    // Whoever may read it does: the markers are in the store.
    let record = PatientKey::derive(&FacilityCode::parse(FACILITY), NUMBER);
    let path = format!("GET /fhir/{}/$everything", record.reference());
    let text = format!("{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer hospital\r\nConnection: close\r\n\r\n");
    let everything = raw(&served.address, text.as_bytes());
    assert!(everything.matches(MARKER).count() > 20 && everything.contains(NUMBER), "{everything}");
    drop(served);
    quiet("the log of serve", &log.join().unwrap());
    for (what, answer) in &talk {
        // The caller's own id of its request is said back to it, and nowhere else.
        let lines = answer.split("\r\n").filter(|line| !line.starts_with("x-request-id: "));
        quiet(what, &lines.collect::<Vec<_>>().join("\n"));
    }
}

fn quiet(what: &str, text: &str) {
    for word in [MARKER, NUMBER, "QQMARKER", "77007700"] {
        let found = text.find(word).map(|at| {
            String::from_utf8_lossy(&text.as_bytes()[at.saturating_sub(200)..]).chars().take(400).collect::<String>()
        });
        assert!(found.is_none(), "{what} says {word}: {}", found.unwrap_or_default());
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The example patient's files with another number and markers in every field of the segments that tell of people; and
/// files that cannot be used at all.
fn marked_tree(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    copy(&example("hospital/0119999901/000/000/0000000001"), &root.join("770/077").join(NUMBER), &mut files);
    let held = root.join(format!("770/077/{NUMBER}/20261013/OML-11"));
    std::fs::create_dir_all(&held).unwrap();
    for (n, text) in
        [MARKER.to_owned(), format!("MSH|^~\\&|{MARKER}|{MARKER}\rPID|{MARKER}\r"), format!("{{\"{MARKER}\":1}}")]
            .iter()
            .enumerate()
    {
        let name = held.join(format!("{NUMBER}_20261013_OML-11_00000007{n}_20261013112905000_08_1"));
        std::fs::write(&name, text).unwrap();
        std::fs::write(held.join(format!("{NUMBER}_{MARKER}_{n}")), text).unwrap();
        files.push(name);
    }
    files
}

fn copy(from: &Path, to: &Path, files: &mut Vec<PathBuf>) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let name = entry.file_name().to_str().unwrap().replace("0000000001_", &format!("{NUMBER}_"));
        if entry.path().is_dir() {
            copy(&entry.path(), &to.join(name), files);
        } else {
            let marked = marked(&std::fs::read(entry.path()).unwrap());
            std::fs::write(to.join(&name), marked).unwrap();
            files.push(to.join(name));
        }
    }
}

/// Markers where a person is named: name, address, telephone, kin, doctors, results, the text of a problem.
fn marked(message: &[u8]) -> Vec<u8> {
    const FIELDS: [(&[u8], &[usize]); 7] = [
        (b"PID", &[2, 4, 5, 6, 9, 11, 13, 14, 18, 19, 20, 21, 23]),
        (b"NK1", &[2, 4, 5, 6, 13, 26, 30, 31, 32, 33]),
        (b"PV1", &[3, 7, 8, 9, 17, 19]),
        (b"OBX", &[5, 16]),
        (b"PRB", &[3, 4]),
        (b"IN1", &[16, 19, 36]),
        (b"NTE", &[3]),
    ];
    let lines = message.split(|b| *b == b'\r').map(|line| {
        let mut fields: Vec<Vec<u8>> = line.split(|b| *b == b'|').map(<[u8]>::to_vec).collect();
        if let Some((_, numbers)) = FIELDS.iter().find(|(name, _)| fields[0] == *name) {
            for &number in *numbers {
                let numeric = number == 5 && fields.get(2).is_some_and(|kind| kind == b"NM");
                while fields.len() <= number && !numeric {
                    fields.push(Vec::new());
                }
                if !numeric {
                    fields[number] = format!("{MARKER}{number}^{MARKER}").into_bytes();
                }
            }
        }
        let line = fields.join(&b'|');
        replaced(&line, b"0000000001^", format!("{NUMBER}^").as_bytes())
    });
    lines.collect::<Vec<_>>().join(&b'\r')
}

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with(from) {
            out.extend_from_slice(to);
            at += from.len();
        } else {
            out.push(text[at]);
            at += 1;
        }
    }
    out
}

/// Runs the program with everything logged: what it wrote to standard error, the word STDOUT, what it wrote there.
fn traced(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_tasuki")).args(arguments).env("RUST_LOG", "trace").output().unwrap();
    format!("{}STDOUT{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout))
}

struct Running {
    child: Child,
    address: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

fn serve(folder: &Path, store: &Path) -> (Running, std::thread::JoinHandle<String>) {
    let mut text = format!(
        "listen = \"127.0.0.1:0\"\nbase_url = \"http://gateway.example/fhir\"\n[store]\nengine = \"sled\"\npath = \"{}\"\n\
         [[source]]\nfacility = \"{FACILITY}\"\nname = \"x\"\norganization = \"Organization/hospital\"\n[limits]\nbody_bytes_max = 65536\n",
        store.display()
    );
    for (id, role) in [("agency-a", "care"), ("office", "office"), ("hospital", "source")] {
        let digest = Digest::of(id.as_bytes()).hex();
        text += &format!(
            "[[client]]\nid = \"{id}\"\norganization = \"Organization/{id}\"\nrole = \"{role}\"\ntoken_sha256 = \"{digest}\"\n"
        );
    }
    let config = folder.join("tasuki.toml");
    std::fs::write(&config, text).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_tasuki"))
        .args(["serve", "--config", path(&config)])
        .envs([("RUST_LOG", "trace"), ("NO_COLOR", "1")])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let (mut log, mut address) = (String::new(), String::new());
    while address.is_empty() {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).unwrap() > 0, "it listens before it ends: {log}");
        if let Some((_, rest)) = line.split_once("address=") {
            address = rest.split_whitespace().next().unwrap().to_owned();
        }
        log.push_str(&line);
    }
    let log = std::thread::spawn(move || {
        let _ = lines.read_to_string(&mut log);
        log
    });
    (Running { child, address }, log)
}

/// Everything that holds the marker is asked; the answers that must not repeat it, with what they answer.
fn talk(gateway: &Running) -> Vec<(String, String)> {
    let mut answers = Vec::new();
    let mut ask = |what: &str, head: &str, token: &str, body: &str| {
        let text = format!(
            "{head} HTTP/1.1\r\nHost: {MARKER}\r\nX-Request-Id: {MARKER}\r\nUser-Agent: {MARKER}\r\nAuthorization: Bearer {token}\r\n\
             Connection: close\r\nContent-Length: {}\r\n{}\r\n{body}",
            body.len(),
            if head.starts_with("GET") { "" } else { "Content-Type: application/fhir+json\r\n" }
        );
        answers.push((format!("the answer to {what}"), raw(&gateway.address, text.as_bytes())));
    };
    let consent = json!({"resourceType": "Consent", "id": "c", "status": "active", "patient": {"display": MARKER, "identifier": {"value": NUMBER}}});
    let strange = json!({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {"resourceType": "Patient",
        "name": [{"text": MARKER}], "identifier": [{"system": "urn:oid:1.2.392.100495.20.3.51.10119999902", "value": NUMBER}]}}]});
    let broken = format!(
        "{{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"x\":\"{MARKER}\",\"entry\":[{{\"resource\":{{\"resourceType\":\"Patient\",\"id\":\"{MARKER} \"}}}}]}}"
    );
    for token in ["hospital", "agency-a", "office", MARKER] {
        ask("a read", &format!("GET /fhir/Patient/{NUMBER}"), token, "");
        ask("a read of no id", &format!("GET /fhir/Patient/{MARKER}%20{NUMBER}"), token, "");
        ask("everything", &format!("GET /fhir/Patient/{MARKER}/$everything?x={MARKER}"), token, "");
        ask("no type", &format!("GET /fhir/x%20{NUMBER}"), token, "");
        ask("a wrong value", &format!("GET /fhir/Patient?birthdate={MARKER}"), token, "");
        ask("a wrong count", &format!("GET /fhir/AuditEvent?_count={MARKER}&patient={NUMBER}"), token, "");
        ask("no such place", &format!("GET /{MARKER}/{NUMBER}"), token, "");
        ask("a form", "POST /fhir/Patient/_search", token, &format!("birthdate={MARKER}&identifier={NUMBER}"));
        ask("a Bundle of another facility", "POST /fhir/Bundle", token, &strange.to_string());
        ask("a broken Bundle", "POST /fhir/Bundle", token, &broken);
        ask("no JSON", "POST /fhir/Bundle", token, MARKER);
        ask("a Consent", &format!("PUT /fhir/Consent/{NUMBER}"), token, &consent.to_string());
        ask("a Consent that is held", "PUT /fhir/Consent/c", token, &consent.to_string());
        ask("too much", "POST /fhir/Bundle", token, &MARKER.repeat(7000));
    }
    ask("the audit record", "GET /fhir/AuditEvent?_count=1000", "office", "");
    assert!(answers.last().unwrap().1.matches("\"AuditEvent\"").count() > 40, "{}", answers.last().unwrap().1);
    answers
}

/// What stands on the wire after these bytes.
fn raw(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    // The gateway may refuse before it has read all.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn hostile_bytes_end_in_a_refusal_and_the_gateway_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (served, log) = serve(folder.path(), &folder.path().join("store"));
    let head = |path: &[u8], rest: &str| {
        let mut text = b"GET ".to_vec();
        text.extend_from_slice(path);
        text.extend_from_slice(
            format!(" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer agency-a\r\nConnection: close\r\n{rest}\r\n")
                .as_bytes(),
        );
        text
    };
    let long = "a".repeat(20_000);
    let values = vec!["1"; 600].join(",");
    let hostile: Vec<(Vec<u8>, &[u16])> = vec![
        (head(b"/fhir/Patient/%FF%FE", ""), &[400]),
        (head(b"/fhir/%FF%FE/%00", ""), &[400]),
        (head(b"/fhir/Patient/%00", ""), &[404]),
        (head(b"/fhir/Patient/a\x00b", ""), &[400]),
        (head(b"/fhir/Patient/\xff", ""), &[400, 404]),
        (head(b"/fhir/Patient/%FF/$everything", ""), &[400]),
        (head(b"/fhir/Patient/..%2f..%2fmetadata", ""), &[404]),
        (head(b"/fhir/Patient?identifier=%FF", ""), &[400]),
        (head(b"/fhir/Patient?identifier=%E3%81", ""), &[400]),
        (head(b"/fhir/Patient?%00=%00", ""), &[400]),
        (head(format!("/fhir/Patient?identifier={long}").as_bytes(), ""), &[414]),
        (head(format!("/fhir/Patient?identifier={values}").as_bytes(), ""), &[400]),
        (head(format!("/fhir/Patient/{long}").as_bytes(), ""), &[414]),
        (head(format!("/fhir/{}", "a/".repeat(9000)).as_bytes(), ""), &[414]),
        (head(b"/fhir/Patient", &format!("X: {}\r\n", "a".repeat(200_000))), &[400, 431]),
        (head(b"/fhir/Patient", "Authorization: Bearer office\r\n"), &[401]),
        (head(b"/fhir/Patient", "Content-Length: -1\r\n"), &[400]),
        (head(b"/fhir/Patient", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), &[400]),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), &[400]),
    ];
    for (bytes, expected) in &hostile {
        let answer = raw(&served.address, bytes);
        let status = answer.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        assert!(status.is_some_and(|status| expected.contains(&status)), "{shown}: {answer}");
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let outcome: Value = serde_json::from_str(body).unwrap_or_default();
        assert!(body.is_empty() || outcome["resourceType"] == "OperationOutcome", "{shown}: {answer}");
    }
    let well = raw(&served.address, &head(b"/fhir/Patient", ""));
    assert!(well.starts_with("HTTP/1.1 200") && well.contains("\"total\":0"), "{well}");
    drop(served);
    let log = log.join().unwrap();
    assert!(!log.contains("panic"), "{log}");
}
