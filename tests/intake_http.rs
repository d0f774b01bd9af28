//! Letters over HTTP: formats, containers, receipts and who may read them, conversion, slow bodies and many connections.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)] // a test fails by panicking

mod gateway;
mod zipped;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use gateway::{Answer, Ask, BODY_BYTES_MAX, CLINIC, HOSPITAL, NOW, Served, bundle, clock, condition, config, over};
use serde_json::{Value, json};
use tasuki::api::{self, Listener};
use tasuki::app::Gateway;
use tasuki::config::Config;
use tasuki::letter::{Letter, LetterId};
use tasuki::store::Store;
use zipped::zip;

fn message(facility: &str, number: u32) -> String {
    let patient = if number == 0 { String::new() } else { format!("{number:010}") };
    format!(
        "MSH|^~\\&|HIS|{facility}|GW|X|20261110120000||ADT^A08^ADT_A01|{number}|P|2.5\rEVN||20261110120000\r\
         PID|||{patient}^^^^PI||SHIKEN^TARO||19500101|M\rPV1||O\r"
    )
}

fn post(client: &str, path: &str, body: impl Into<Vec<u8>>) -> Ask {
    Ask { method: "POST", body: body.into(), ..Ask::get(client, format!("/{path}")) }
}

fn with(mut ask: Ask, name: &'static str, value: &str) -> Ask {
    ask.headers.push((name, value.to_owned()));
    ask
}

fn rules(answer: &Answer) -> Vec<String> {
    let outcome = answer.json();
    assert_eq!(outcome["resourceType"], "OperationOutcome", "{}", answer.body);
    let issues = outcome["issue"].as_array().cloned().unwrap_or_default();
    issues.iter().map(|issue| issue["details"]["coding"][0]["code"].as_str().unwrap().to_owned()).collect()
}

/// Asks for a receipt until the letter is done.
fn receipt(served: &Served, client: &str, location: &str) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = served.get(client, format!("/{location}"));
        if answer.status != 202 {
            return answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{}", answer.body);
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_letter_is_answered_with_its_receipt() {
    let served = Served::new(over(Store::open_memory()));
    let stored = served.ask(post("hospital", "/intake", message(HOSPITAL, 1)));
    assert_eq!((stored.status, stored.header("content-type")), (200, Some("application/json; charset=utf-8")));
    let receipt = stored.json();
    assert_eq!(receipt["outcome"], "stored");
    assert!(receipt["resources"].as_array().unwrap().len() >= 2, "{receipt}");
    let again = served.ask(post("hospital", "/intake", message(HOSPITAL, 1)));
    assert_eq!((again.status, &again.body), (200, &stored.body), "the same letter has the same receipt");
    let held = served.ask(post("hospital", "/intake", message(HOSPITAL, 0)));
    assert_eq!((held.status, held.json()["outcome"].as_str()), (422, Some("held")));
    let fhir = served.ask(with(post("hospital", "/intake", message(HOSPITAL, 2)), "accept", "application/fhir+json"));
    assert_eq!((fhir.status, rules(&fhir)[0].as_str()), (200, "stored"));
    // FHIR JSON by the same door as by POST /fhir/Bundle.
    let body = bundle("0000000007", "b1", &[condition("b1", "I10", None)]).to_string();
    let bundle = served.ask(post("hospital", "/intake", body)).json();
    assert!(bundle["bundle"].as_str().unwrap().starts_with("Bundle/"), "{bundle}");
}

#[test]
fn a_receipt_is_for_its_sender_and_the_office_and_nobody_else() {
    let served = Served::new(over(Store::open_memory()));
    let sent = served.ask(post("hospital", "/intake", message(HOSPITAL, 1))).json();
    let path = format!("//intake/receipts/{}", sent["letter"].as_str().unwrap());
    for client in ["hospital", "office"] {
        let read = served.get(client, path.clone());
        assert_eq!((read.status, read.json()), (200, sent.clone()), "{client}");
    }
    let missing = format!("//intake/receipts/{}", "0".repeat(64));
    for client in ["clinic", "agency-a"] {
        let (hidden, none) = (served.get(client, path.clone()), served.get(client, missing.clone()));
        assert_eq!((hidden.status, &hidden), (404, &none), "{client}: not yours is not there");
    }
    assert_eq!(served.get("", path).status, 401);
    assert_eq!(served.get("hospital", "//intake/receipts/x").status, 404);
    let held = served.ask(post("hospital", "/intake", message(HOSPITAL, 0))).json();
    let read = served.get("hospital", format!("//intake/receipts/{}", held["letter"].as_str().unwrap()));
    assert_eq!((read.status, read.json()["outcome"].as_str()), (200, Some("held")));
}

#[test]
fn the_account_of_a_letter_tells_its_sender_what_became_of_every_field() {
    let served = Served::new(over(Store::open_memory()));
    let sent = served.ask(post("hospital", "/intake", message(HOSPITAL, 1))).json();
    let path = format!("//intake/receipts/{}/account", sent["letter"].as_str().unwrap());
    let account = served.get("hospital", path.clone());
    let fields = account.json()["fields"].clone();
    let of = |place: &str| fields.as_array().unwrap().iter().find(|field| field["place"] == place).unwrap().clone();
    assert_eq!(
        (of("PID-7")["fate"].as_str(), &of("PID-7")["elements"]),
        (Some("mapped"), &json!(["Patient.birthDate"]))
    );
    assert_eq!((of("MSH-5")["fate"].as_str(), of("MSH-5")["rule"].as_str()), (Some("ignored"), Some("transport")));
    assert!(!account.body.contains("SHIKEN"), "places, not values");
    let origins = served.get("hospital", format!("{path}?element=Patient.birthDate")).json()["origins"].clone();
    let bytes =
        origins[0]["bytes"].as_array().unwrap().iter().map(|b| b.as_u64().unwrap() as usize).collect::<Vec<_>>();
    assert_eq!(&message(HOSPITAL, 1)[bytes[0]..bytes[1]], "19500101");
    for client in ["clinic", "agency-a"] {
        assert_eq!(served.get(client, path.clone()).status, 404, "{client}");
    }
}

#[test]
fn who_may_hand_in_and_for_whom() {
    let served = Served::new(over(Store::open_memory()));
    for (client, path, body, status) in [
        ("", "/intake", message(HOSPITAL, 1), 401),
        ("agency-a", "/intake", message(HOSPITAL, 1), 403),
        ("office", "/intake", message(HOSPITAL, 1), 403),
        ("hospital", "/intake/0119999901", message(HOSPITAL, 1), 200),
        ("hospital", "/intake/0119999902", message(CLINIC, 1), 403),
        ("hospital", "/intake", message(CLINIC, 1), 403),
        ("hospital", "/intake", message("Central", 1), 200),
    ] {
        assert_eq!(served.ask(post(client, path, body)).status, status, "{client} {path}");
    }
    assert_eq!(served.ask(Ask::get("hospital", "//intake")).status, 405);
    let audit = served.get("office", "/AuditEvent?_count=100").json();
    let imports = audit["entry"].as_array().unwrap().iter().filter(|e| e["resource"]["type"]["code"] == "110107");
    assert_eq!(imports.count(), 7, "each is on record");
}

#[test]
fn a_sender_for_several_facilities_says_which() {
    let mut text =
        format!("listen = \"127.0.0.1:0\"\nbase_url = \"{}\"\n[store]\nengine = \"memory\"\n", gateway::BASE);
    for facility in [HOSPITAL, CLINIC] {
        text +=
            &format!("[[source]]\nfacility = \"{facility}\"\nname = \"x\"\norganization = \"Organization/group\"\n");
    }
    let digest = tasuki::auth::Digest::of(b"group").hex();
    text += &format!(
        "[[client]]\nid = \"group\"\norganization = \"Organization/group\"\nrole = \"source\"\ntoken_sha256 = \"{digest}\"\n"
    );
    let config = Config::read(&text, Path::new("tasuki.toml"), NOW).unwrap();
    let gateway = std::sync::Arc::new(Gateway::over(Store::open_memory(), &config, clock).unwrap());
    let served = Served::new(gateway.clone());
    let facility = |answer: &Answer| {
        let id = LetterId::parse(answer.json()["letter"].as_str().unwrap()).unwrap();
        gateway.sender(id).unwrap().unwrap().facility.as_str().to_owned()
    };
    let says = served.ask(post("group", "/intake", message(CLINIC, 1)));
    assert_eq!(facility(&says), CLINIC);
    let unsaid = served.ask(post("group", "/intake", message("Central", 1)));
    assert_eq!((unsaid.status, rules(&unsaid)), (400, vec!["name-the-facility".to_owned()]));
    let told = served.ask(post("group", "/intake/0119999902", message("Central", 1)));
    assert_eq!(facility(&told), CLINIC);
}

#[test]
fn what_no_decoder_takes_is_refused_with_a_list_of_what_is_taken() {
    let served = Served::new(over(Store::open_memory()));
    for body in ["", "hello", "%PDF-1.7", "PID|1"] {
        let answer = served.ask(post("hospital", "/intake", body));
        assert_eq!((answer.status, rules(&answer)), (415, vec!["format-not-taken".to_owned()]), "{body}");
        assert!(answer.body.contains("HL7 v2") && answer.body.contains("CDA") && answer.body.contains("zip"));
    }
    let large = served.ask(post("hospital", "/intake", vec![b'x'; BODY_BYTES_MAX + 1]));
    assert_eq!(large.status, 413);
    assert_eq!(served.ask(post("hospital", "/intake", vec![b'x'; BODY_BYTES_MAX])).status, 415);
}

/// What only the office registers, and what could be about another facility's patient, takes no effect by any door.
#[test]
fn a_source_grants_nothing_to_itself_and_writes_on_no_other_record() {
    let store = Store::open_memory();
    let served = Served::new(over(store.clone()));
    let victim = gateway::key("0000000001");
    let consent = gateway::consent("c", "0000000001", "clinic", "active", Value::Null).to_string();
    let organization = json!({"resourceType": "Organization", "id": "clinic", "name": "x"}).to_string();
    let single = json!({
        "resourceType": "Observation", "status": "final", "code": {"text": "x"},
        "subject": {"reference": victim.reference()},
    });
    for (body, rule) in [
        (consent.clone(), "office-only"),
        (format!("\u{feff} {consent}"), "office-only"),
        (organization, "office-only"),
        (single.to_string(), "bundles-only"),
    ] {
        let held = served.ask(post("clinic", "/intake", body.clone()));
        assert_eq!((held.status, held.json()["issues"][0]["rule"].as_str()), (422, Some(rule)), "{body}");
        let zipped = zip(&[("a/b.json".to_owned(), body.as_bytes())], true);
        let accepted = served.ask(post("clinic", "/intake", zipped));
        let done = receipt(&served, "clinic", accepted.header("location").unwrap()).json();
        assert_eq!(done["parts"][0]["outcome"], "held", "{body}");
    }
    assert!(store.head(victim).unwrap().is_none(), "there is no such record");
    assert_eq!(served.get("office", "/Consent/c").status, 404);
}

#[test]
fn a_container_is_kept_first_and_its_receipt_lists_what_became_of_each_letter() {
    let gateway = over(Store::open_memory());
    let served = Served::new(gateway.clone());
    let files: Vec<(String, String)> = (0..30).map(|n| (format!("in/{n:02}.hl7"), message(HOSPITAL, n))).collect();
    let files: Vec<(String, &[u8])> = files.iter().map(|(name, text)| (name.clone(), text.as_bytes())).collect();
    let bytes = zip(&files, true);
    let ask = || with(post("hospital", "/intake", bytes.clone()), "x-file-name", "day%E8%A5%B7.zip");
    let accepted = served.ask(ask());
    assert_eq!((accepted.status, accepted.json()["outcome"].as_str()), (202, Some("under-way")));
    let location = accepted.header("location").unwrap().to_owned();
    assert_eq!(location, format!("/intake/receipts/{}", accepted.json()["letter"].as_str().unwrap()));
    let id = LetterId::parse(accepted.json()["letter"].as_str().unwrap()).unwrap();
    assert!(gateway.sender(id).unwrap().is_some(), "it is kept when 202 is said");
    let done = receipt(&served, "hospital", &location);
    let done = done.json();
    assert_eq!((done["outcome"].as_str(), done["name"].as_str()), (Some("parted"), Some("day襷.zip")));
    let outcomes: Vec<&str> =
        done["parts"].as_array().unwrap().iter().map(|part| part["outcome"].as_str().unwrap()).collect();
    assert_eq!((outcomes.len(), outcomes[0]), (30, "held"), "the one without a patient");
    assert!(outcomes[1..].iter().all(|outcome| *outcome == "stored"));
    let part = format!("//intake/receipts/{}", done["parts"][1]["letter"].as_str().unwrap());
    assert_eq!(served.get("hospital", part).json()["name"], "in/01.hl7");
    let again = served.ask(ask());
    assert_eq!((again.status, again.json()), (200, done.clone()));
    assert_eq!(served.get("clinic", format!("/{location}")).status, 404);
    // Those whom it was about are on record.
    let patient = done["parts"][1]["patient"].as_str().unwrap().trim_start_matches("Patient/").to_owned();
    let audit = served.get("office", format!("/AuditEvent?patient={patient}")).json();
    let imports = audit["entry"].as_array().unwrap().iter().filter(|e| e["resource"]["type"]["code"] == "110107");
    assert_eq!(imports.count(), 1, "{audit}");
}

#[test]
fn a_container_that_was_under_way_is_gone_on_with_after_a_restart() {
    let store = Store::open_memory();
    let letter = Letter {
        source: gateway::source(HOSPITAL),
        name: "day.hl7".into(),
        bytes: [message(HOSPITAL, 1), message(HOSPITAL, 2)].concat().into_bytes(),
    };
    // As if the machine had stopped after 202 was said.
    let mut commit = store.keep_raw(letter.id(), &letter).unwrap().unwrap();
    commit.hold(letter.id());
    store.submit(commit).wait().unwrap();
    let served = Served::new(over(store.clone()));
    let done = receipt(&served, "hospital", &format!("/intake/receipts/{}", letter.id().hex()));
    assert_eq!((done.status, done.json()["parts"].as_array().unwrap().len()), (200, 2));
    assert!(store.held(None, 9).unwrap().is_empty(), "nothing waits any more");
}

#[test]
fn a_letter_is_converted_and_nothing_is_stored() {
    let store = Store::open_memory();
    let served = Served::new(over(store.clone()));
    let text = message(HOSPITAL, 1) + "ZZZ|1\r";
    let answer = served.ask(post("hospital", "/fhir/$convert", text.clone()));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let parameters = answer.json();
    let part = |name: &str| -> Value {
        let all = parameters["parameter"].as_array().unwrap();
        all.iter().find(|p| p["name"] == name).map(|p| p["resource"].clone()).unwrap_or_default()
    };
    let output = part("output");
    assert_eq!((&output["resourceType"], &output["type"]), (&json!("Bundle"), &json!("transaction")));
    assert_eq!(output["entry"][0]["resource"]["resourceType"], "Patient");
    assert_eq!(output["entry"][0]["request"]["method"], "PUT");
    assert_eq!(part("issues")["resourceType"], "OperationOutcome");
    let preferring = |ask| with(ask, "prefer", "return=representation");
    let bundle = served.ask(preferring(post("hospital", "/fhir/$convert", text.clone())));
    assert_eq!(bundle.json(), output);
    // In a Binary.
    let binary =
        json!({"resourceType": "Binary", "contentType": "x-application/hl7-v2+er7", "data": base64(text.as_bytes())});
    let ask = preferring(post("hospital", "/fhir/$convert", binary.to_string()));
    assert_eq!(served.ask(with(ask, "content-type", "application/fhir+json")).json(), output);
    for (body, status) in [(message(HOSPITAL, 0), 422), ("hello".into(), 415), (text.clone() + &text, 200)] {
        assert_eq!(served.ask(post("hospital", "/fhir/$convert", body)).status, status);
    }
    let broken = json!({"resourceType": "Binary", "data": "?"}).to_string();
    assert_eq!(served.ask(post("hospital", "/fhir/$convert", broken)).status, 400);
    assert_eq!(served.ask(post("agency-a", "/fhir/$convert", text.clone())).status, 403);
    assert_eq!(served.ask(post("", "/fhir/$convert", text)).status, 401);
    assert!(store.log(tasuki::store::Position(0), 9).unwrap().iter().all(|(_, entry)| entry.letter.is_none()));
    assert!(served.get("", "/metadata").body.contains("convert"));
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |group: &[u8], n: usize| {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        if n > group.len() { '=' } else { char::from(DIGITS[(bits >> (18 - 6 * n) & 63) as usize]) }
    };
    bytes.chunks(3).flat_map(|group| (0..4).map(move |n| digit(group, n))).collect()
}

/// A real listener; its thread ends with the test run.
fn listening(limits: &str, connections_max: usize) -> SocketAddr {
    let mut config = config();
    let text = format!(
        "listen = \"127.0.0.1:0\"\nbase_url = \"{}\"\n[store]\nengine = \"memory\"\n[limits]\n{limits}",
        gateway::BASE
    );
    config.limits = Config::read(&text, Path::new("tasuki.toml"), NOW).unwrap().limits;
    let gateway = std::sync::Arc::new(Gateway::over(Store::open_memory(), &config, clock).unwrap());
    let listener = Listener {
        address: "127.0.0.1:0".parse().unwrap(),
        tls: None,
        body_bytes_max: BODY_BYTES_MAX,
        head_seconds_max: config.limits.head_seconds_max,
        connections_max,
        workers: 1,
    };
    let (send, receive) = channel();
    std::thread::spawn(move || api::serve(gateway, listener, |address| send.send(address).unwrap()));
    receive.recv().unwrap()
}

/// Sends the beginning of a request, then a byte at a time; gives what is answered and how long that took.
fn dripped(address: SocketAddr, head: &str) -> (String, Duration) {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut reader = stream.try_clone().unwrap();
    let begun = Instant::now();
    stream.write_all(head.as_bytes()).unwrap();
    let drip = std::thread::spawn(move || {
        while begun.elapsed() < Duration::from_secs(8) && stream.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let mut text = Vec::new();
    let _ = reader.read_to_end(&mut text);
    let took = begun.elapsed();
    let _ = reader.shutdown(std::net::Shutdown::Both);
    drip.join().unwrap();
    (String::from_utf8_lossy(&text).into_owned(), took)
}

#[test]
fn a_slow_body_and_a_slow_head_have_their_time() {
    let address = listening("body_seconds_max = 1\nhead_seconds_max = 2", 64);
    let head = "POST /intake HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer hospital\r\nContent-Length: 5000\r\n\r\nMSH";
    let (answer, took) = dripped(address, head);
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("body-too-slow"), "{answer}");
    assert!((0.9..4.0).contains(&took.as_secs_f64()), "{took:?}: it ends, and the connection with it");
    let (answer, took) = dripped(address, "POST /intake HTTP/1.1\r\nHost: x\r\nX-Drip: ");
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!((1.5..5.0).contains(&took.as_secs_f64()), "{took:?}");
    // A body that comes in time, in two pieces.
    let mut stream = TcpStream::connect(address).unwrap();
    let body = message(HOSPITAL, 1);
    let head = head.split("Content-Length").next().unwrap();
    write!(stream, "{head}Content-Length: {}\r\nConnection: close\r\n\r\n{}", body.len(), &body[..50]).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    stream.write_all(&body.as_bytes()[50..]).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn more_connections_than_may_be_wait_for_their_turn() {
    let address = listening("head_seconds_max = 3", 2);
    let ask = |seconds: u64| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(seconds))).unwrap();
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut bytes = [0; 12];
        stream.read_exact(&mut bytes).map(|()| String::from_utf8_lossy(&bytes).into_owned())
    };
    assert_eq!(ask(5).unwrap(), "HTTP/1.1 200");
    let silent: Vec<TcpStream> = (0..2).map(|_| TcpStream::connect(address).unwrap()).collect();
    std::thread::sleep(Duration::from_millis(300));
    assert!(ask(1).is_err(), "both places are taken");
    // Those who say nothing lose theirs.
    assert_eq!(ask(10).unwrap(), "HTTP/1.1 200");
    drop(silent);
}
