//! MLLP on the wire: acknowledgements when it is durable, in order, whatever other peers do; limits; certificates.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)] // a test fails by panicking

mod authority;
mod gateway;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use authority::{Authority, Identity};
use gateway::{CLINIC, HOSPITAL, NOW, clock, together};
use tasuki::app::{Gateway, Senders};
use tasuki::audit::{Outcome, What};
use tasuki::auth::{Digest, tls};
use tasuki::config::Config;
use tasuki::decode::charset;
use tasuki::fault::Fault;
use tasuki::intake::mllp::{Found, Framer, Listener, framed};
use tasuki::store::faulty::{Failure, FaultyEngine};
use tasuki::store::memory::MemoryEngine;
use tasuki::store::{Engine, Position, Store};

const FRAME_BYTES_MAX: usize = 16 * 1024;

/// A gateway with one MLLP listener.
struct Wire {
    gateway: Arc<Gateway>,
    listener: Listener,
}

/// The lines that the configuration of a listener may add.
fn wire_over(store: Store, mllp: &str, more: &str, folder: &Path) -> Wire {
    try_wire_over(store, mllp, more, folder).unwrap()
}

fn try_wire_over(store: Store, mllp: &str, more: &str, folder: &Path) -> Result<Wire, Fault> {
    let mut text = "listen = \"127.0.0.1:0\"\nbase_url = \"http://gateway.example/fhir\"\n".to_owned();
    text += "[store]\nengine = \"memory\"\n";
    for (facility, name) in [(HOSPITAL, "hospital"), (CLINIC, "clinic")] {
        text +=
            &format!("[[source]]\nfacility = \"{facility}\"\nname = \"x\"\norganization = \"Organization/{name}\"\n");
    }
    text += &format!("{more}\n[[mllp]]\nlisten = \"127.0.0.1:0\"\nframe_bytes_max = {FRAME_BYTES_MAX}\n{mllp}\n");
    let config = Config::read(&text, &folder.join("tasuki.toml"), NOW).unwrap_or_else(|problem| panic!("{problem}"));
    let gateway = Arc::new(Gateway::over(store, &config, clock)?);
    let senders = Senders::new(gateway.clone(), &config, &config.mllp[0]);
    let listener = Listener::start(Senders::settings(&config.mllp[0]), Arc::new(senders)).unwrap();
    Ok(Wire { gateway, listener })
}

fn wire(mllp: &str) -> Wire {
    wire_over(Store::open_memory(), &format!("facilities = [\"{HOSPITAL}\"]\n{mllp}"), "", Path::new("."))
}

/// A sender's end of a connection.
struct Line<S> {
    stream: S,
    framer: Framer,
    unread: Vec<u8>,
}

impl Line<TcpStream> {
    fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_nodelay(true).unwrap();
        Line::over(stream)
    }
}

impl<S: Read + Write> Line<S> {
    fn over(stream: S) -> Self {
        Line { stream, framer: Framer::new(1 << 20), unread: Vec::new() }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
        self.stream.flush().unwrap();
    }

    /// The next answer as text, one line per segment; `None` when the connection is closed.
    fn answer(&mut self) -> Option<String> {
        loop {
            let (taken, found) = self.framer.take(&self.unread);
            self.unread.drain(..taken);
            if let Some(found) = found {
                let Found::Frame(frame) = found else { panic!("{found:?}") };
                return Some(charset::decode(&frame).value.replace('\r', "\n"));
            }
            let mut bytes = [0; 4096];
            match self.stream.read(&mut bytes) {
                Ok(0) => return None,
                Ok(length) => self.unread.extend_from_slice(&bytes[..length]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("no answer: {error}"),
            }
        }
    }

    fn ask(&mut self, message: &str) -> String {
        self.write(&framed(message.as_bytes()));
        self.answer().expect("an answer")
    }
}

fn adt(facility: &str, patient: &str, control: &str, modes: &str) -> String {
    format!(
        "MSH|^~\\&|HIS|{facility}|GW|NET|20261110120000+0900||ADT^A08^ADT_A01|{control}|P|2.5|||{modes}|JPN|UNICODE UTF-8\r\
         EVN||20261110120000\rPID|||{patient}^^^^PI||試験^太郎^^^^^L^I||19500101|M\rPV1||O\r"
    )
}

/// MSA-1 and MSA-2.
fn verdict(answer: &str) -> String {
    let msa = answer.lines().find_map(|line| line.strip_prefix("MSA|")).unwrap_or_else(|| panic!("{answer}"));
    msa.split('|').take(2).collect::<Vec<_>>().join(" ")
}

#[test]
fn what_is_stored_held_and_known_already_is_answered_in_order() {
    let wire = wire("");
    let mut line = Line::to(wire.listener.address());
    assert_eq!(verdict(&line.ask(&adt(HOSPITAL, "1", "c1", "|"))), "AA c1");
    let held = line.ask(&adt(HOSPITAL, "", "c2", "|"));
    assert_eq!(verdict(&held), "AE c2");
    let error = held.lines().find(|line| line.starts_with("ERR|")).unwrap();
    assert!(error.starts_with("ERR||PID^1^3^") && error.contains("|E|") && error.contains("患者"), "{error}");
    assert_eq!(verdict(&line.ask(&adt(HOSPITAL, "1", "c1", "|"))), "AA c1", "the same again has the same answer");
    assert_eq!(verdict(&line.ask("this is no message")).trim(), "AE");
    let consent = gateway::consent("c", "1", "hospital", "active", serde_json::Value::Null).to_string();
    assert!(line.ask(&consent).contains("office-only"), "nobody grants consent to itself");
    // Several frames at once, noise between them, an end mark cut short: answered one by one, in order.
    let mut bytes = b"\r\n".to_vec();
    for (control, patient) in [("c3", "3"), ("c4", ""), ("c5", "5")] {
        bytes.extend(framed(adt(HOSPITAL, patient, control, "|").as_bytes()));
        bytes.pop();
    }
    line.write(&bytes);
    let answers: Vec<String> = (0..3).map(|_| verdict(&line.answer().unwrap())).collect();
    assert_eq!(answers, ["AA c3", "AE c4", "AA c5"]);
    let events = wire.gateway.journal().newest(10, |event| event.what == What::Receive).unwrap();
    let outcomes: Vec<_> = events.iter().rev().map(|(_, event)| (event.outcome, event.patients.len())).collect();
    let (done, held) = ((Outcome::Done, 1), (Outcome::Rejected, 0));
    assert_eq!(outcomes, [done, held, done, held, held, done, held, done]);
}

#[test]
fn each_mode_is_answered_as_it_asks() {
    let wire = wire("");
    let mut line = Line::to(wire.listener.address());
    line.write(&framed(adt(HOSPITAL, "1", "e1", "AL|AL").as_bytes()));
    assert_eq!(["CA e1", "AA e1"], [verdict(&line.answer().unwrap()), verdict(&line.answer().unwrap())]);
    // Nothing is asked for, then an acknowledgement that must not be acknowledged: the next answer is the third one's.
    line.write(&framed(adt(HOSPITAL, "2", "e2", "NE|NE").as_bytes()));
    line.write(&framed(b"MSH|^~\\&|HIS|X|GW|NET|2026||ACK|e3|P|2.5\rMSA|AA|T1\r"));
    // It is held: no accept error, for it is kept, but an application error.
    assert_eq!(verdict(&line.ask(&adt(HOSPITAL, "", "e4", "ER|ER"))), "AE e4");
}

#[test]
fn a_batch_is_answered_as_a_batch_and_its_poison_message_held_alone() {
    let wire = wire("");
    let mut line = Line::to(wire.listener.address());
    let messages =
        [adt(HOSPITAL, "1", "b1", "|"), adt(HOSPITAL, "", "b2", "|"), adt(HOSPITAL, "3", "b3", "|")].concat();
    let answer = line.ask(&format!("BHS|^~\\&|HIS|H|GW|N|2026||||77\r{messages}BTS|4\r"));
    let codes: Vec<&str> = answer.lines().filter_map(|line| line.strip_prefix("MSA|")?.get(..5)).collect();
    assert_eq!(codes, ["AA|b1", "AE|b2", "AA|b3"]);
    assert!(answer.lines().next().unwrap().ends_with("|77"), "{answer}");
    assert!(answer.lines().last().unwrap().starts_with("BTS|3|BTS-1"), "{answer}");
}

#[test]
fn an_answer_speaks_the_character_set_of_its_message() {
    let wire = wire("");
    let mut line = Line::to(wire.listener.address());
    let iso = b"MSH|^~\\&|HIS|\x1b$B;n83\x1b(B|GW|NET|20261110120000||ADT^A08^ADT_A01|i1|P|2.5||||||~ISO IR87||ISO 2022-1994\rPID|||\rPV1||O\r";
    line.write(&framed(iso));
    let mut bytes = vec![0; 4096];
    let length = line.stream.read(&mut bytes).unwrap();
    let raw = &bytes[..length];
    assert!(raw.is_ascii() && raw.windows(3).any(|w| w == b"\x1b$B"), "7 bits, with escapes to kanji");
    let text = charset::decode(&raw[1..]).value;
    assert!(text.starts_with("MSH|^~\\&|GW|NET|HIS|試験|") && text.contains("|~ISO IR87||ISO 2022-1994\r"), "{text}");
    assert!(text.contains("患者"), "{text}");
}

#[test]
fn a_message_for_another_facility_is_refused_and_not_kept() {
    let both = format!("facilities = [\"{HOSPITAL}\", \"{CLINIC}\"]");
    let wires = [wire(""), wire_over(Store::open_memory(), &both, "", Path::new("."))];
    for (wire, facility, expected) in [
        (&wires[0], HOSPITAL, "AA"),
        (&wires[0], "Central", "AA"),
        (&wires[0], CLINIC, "AR"),
        (&wires[1], CLINIC, "AA"),
        (&wires[1], "Central", "AR"),
        (&wires[1], "0119999903", "AR"),
    ] {
        let mut line = Line::to(wire.listener.address());
        let answer = line.ask(&adt(facility, "9", "f1", "|"));
        assert_eq!(verdict(&answer), format!("{expected} f1"), "{facility}");
        let letter = tasuki::letter::Letter {
            source: gateway::source(facility),
            name: String::new(),
            bytes: adt(facility, "9", "f1", "|").into_bytes(),
        };
        let kept = wire.gateway.sender(letter.id()).unwrap().is_some();
        assert_eq!(kept, expected == "AA" && facility != "Central", "{facility}");
    }
}

/// Good peers and bad ones, half and half; what the good ones measure is printed.
#[test]
fn hostile_peers_disturb_nobody() {
    const PEERS: usize = 64;
    const MESSAGES: usize = 12;
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_sled(&folder.path().join("store"), 32 << 20).unwrap();
    let limits = "connections_max = 200\nconnections_per_address_max = 200\nframe_seconds_max = 30";
    let wire = wire_over(store, &format!("facilities = [\"{HOSPITAL}\"]\n{limits}"), "", folder.path());
    let address = wire.listener.address();
    let results = together(PEERS, |peer| match peer % 2 {
        0 => good(address, peer, MESSAGES),
        _ => hostile(address, peer / 2 % 4),
    });
    let mut times: Vec<Duration> = results.into_iter().flatten().collect();
    assert_eq!(times.len(), PEERS / 2 * MESSAGES, "each message of a good peer has its answer");
    times.sort();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    println!("acknowledged: p50 {:?}, p99 {:?}, {} messages, {PEERS} peers", at(50), at(99), times.len());
    // They all come after one another through a busy machine; nobody waits for a hostile peer's 30 seconds.
    assert!(at(99) < Duration::from_secs(10), "{:?}", at(99));
}

fn good(address: SocketAddr, peer: usize, messages: usize) -> Vec<Duration> {
    let mut line = Line::to(address);
    let ask = |n: usize| {
        let begun = Instant::now();
        let control = format!("g{peer}-{n}");
        assert_eq!(
            verdict(&line.ask(&adt(HOSPITAL, &format!("{peer}{n:04}"), &control, "|"))),
            format!("AA {control}")
        );
        begun.elapsed()
    };
    (0..messages).map(ask).collect()
}

/// Garbage, half a frame, an endless frame, one byte at a time. The listener may hang up on any of them.
fn hostile(address: SocketAddr, kind: usize) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    let message = adt(HOSPITAL, "666", "h", "|").into_bytes();
    match kind {
        0 => drop(stream.write_all(&[0xaa; 50_000])),
        1 => {
            let _ = stream.write_all(&framed(&message)[..100]);
            std::thread::sleep(Duration::from_secs(3));
        }
        2 => {
            let _ = stream.write_all(&framed(&message)[..150]);
            for _ in 0..200 {
                if stream.write_all(&[b'x'; 4096]).is_err() {
                    break;
                }
            }
        }
        _ => {
            for byte in framed(&message).iter().take(60) {
                if stream.write_all(&[*byte]).is_err() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
    Vec::new()
}

#[test]
fn a_frame_may_be_as_long_as_the_limit_and_no_longer() {
    let wire = wire("");
    let message = |bytes: usize| {
        let mut text = adt(HOSPITAL, "1", "long", "|") + "ZZZ|";
        text.extend(std::iter::repeat_n('x', bytes - text.len()));
        text
    };
    let mut line = Line::to(wire.listener.address());
    assert_eq!(verdict(&line.ask(&message(FRAME_BYTES_MAX))), "AA long");
    let answer = line.ask(&message(FRAME_BYTES_MAX + 1));
    assert_eq!(verdict(&answer), "AR long");
    assert!(answer.contains("mllp-frame-too-long"), "{answer}");
    assert_eq!(line.answer(), None, "the rest of the frame cannot be told from another one");
    let mut line = Line::to(wire.listener.address());
    let enhanced = message(FRAME_BYTES_MAX + 1).replacen("|2.5|||||", "|2.5|||AL|AL|", 1);
    assert_eq!(verdict(&line.ask(&enhanced)), "CR long");
}

#[test]
fn half_a_frame_and_silence_end_with_their_time() {
    let wire = wire("frame_seconds_max = 1\nidle_seconds_max = 2");
    let seconds = |bytes: &[u8]| {
        let mut line = Line::to(wire.listener.address());
        line.write(bytes);
        let begun = Instant::now();
        assert_eq!(line.answer(), None);
        begun.elapsed().as_secs_f64()
    };
    assert!((0.9..1.9).contains(&seconds(b"\x0bMSH|half")));
    assert!((1.9..3.9).contains(&seconds(b"\r\n")));
    // One byte at a time does not stretch the time of a frame.
    let mut drip = TcpStream::connect(wire.listener.address()).unwrap();
    let begun = Instant::now();
    while drip.write_all(b"\x0bM").is_ok() && begun.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(begun.elapsed() < Duration::from_secs(3), "a frame begun anew and anew is one frame's time");
}

#[test]
fn connections_are_counted_in_all_and_by_address() {
    for limits in ["connections_max = 2", "connections_per_address_max = 2"] {
        let wire = wire(limits);
        let address = wire.listener.address();
        let ask = |line: &mut Line<TcpStream>| verdict(&line.ask(&adt(HOSPITAL, "1", "n", "|")));
        let (mut one, mut two) = (Line::to(address), Line::to(address));
        assert_eq!([ask(&mut one), ask(&mut two)], ["AA n", "AA n"]);
        assert_eq!(Line::to(address).answer(), None, "one more is closed: {limits}");
        drop(one);
        // Its place is free as soon as its thread has seen that it is gone.
        let begun = Instant::now();
        loop {
            let mut line = Line::to(address);
            let sent = line.stream.write_all(&framed(adt(HOSPITAL, "1", "n", "|").as_bytes()));
            if sent.is_ok() && line.answer().is_some() {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(5));
        }
        assert_eq!(ask(&mut two), "AA n");
    }
}

#[test]
fn a_listener_that_stops_answers_what_it_has_taken() {
    let wire = wire("");
    let address = wire.listener.address();
    let (mut idle, mut busy) = (Line::to(address), Line::to(address));
    assert_eq!(verdict(&idle.ask(&adt(HOSPITAL, "1", "s0", "|"))), "AA s0");
    busy.write(&framed(adt(HOSPITAL, "2", "s1", "|").as_bytes()));
    assert_eq!(verdict(&busy.answer().unwrap()), "AA s1");
    let begun = Instant::now();
    drop(wire);
    assert!(begun.elapsed() < Duration::from_secs(5), "idle connections do not hold it up");
    assert_eq!((idle.answer(), busy.answer()), (None, None));
    assert!(TcpStream::connect(address).is_err());
}

/// Invariant 1: whatever call of the store fails, `AA` is said of what is durable and of nothing else.
#[test]
fn nothing_is_accepted_before_it_is_durable() {
    for failure in [Failure::Before, Failure::After] {
        for nth in 3.. {
            let inner: Arc<dyn Engine> = Arc::new(MemoryEngine::new());
            let faulty = Arc::new(FaultyEngine::new(inner.clone(), nth, failure));
            let Ok(store) = Store::over(faulty.clone()) else { continue };
            let facilities = format!("facilities = [\"{HOSPITAL}\"]");
            let Ok(wire) = try_wire_over(store, &facilities, "", Path::new(".")) else { continue };
            let answer = Line::to(wire.listener.address()).ask(&adt(HOSPITAL, "1", "k", "AL|AL"));
            let survived = Store::over(inner).unwrap();
            let logged = survived.log(Position(0), 100).unwrap();
            let stored = logged.iter().any(|(_, entry)| entry.letter.is_some() && !entry.sheaves.is_empty());
            match verdict(&answer).as_str() {
                "CA k" => assert!(stored, "call {nth}: {answer}"),
                "CE k" => assert!(faulty.failed() && answer.contains("|207^"), "call {nth}: {answer}"),
                other => panic!("call {nth}: {other}"),
            }
            if !faulty.failed() {
                assert!(nth > 10, "the loop has reached every call");
                break;
            }
        }
    }
}

#[test]
fn the_command_line_sends_and_shows_what_is_answered() {
    let wire = wire("");
    let folder = tempfile::tempdir().unwrap();
    let send = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        let address = wire.listener.address().to_string();
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_tasuki"));
        program.args(["send", "--seconds", "20", "--mllp", &address]).arg(file).env("LC_ALL", "C");
        let output = program.output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (exit, said) = send("a.hl7", &adt(HOSPITAL, "1", "p1", "AL|AL"));
    assert_eq!(exit, Some(0));
    let codes: Vec<&str> = said.lines().filter_map(|line| line.get(..2)).collect();
    assert_eq!(codes, ["CA", "AA"], "{said}");
    let batch =
        format!("\u{b}BHS|^~\\&\r{}{}BTS|2\r\u{1c}\r", adt(HOSPITAL, "2", "p2", "|"), adt(HOSPITAL, "", "p3", "|"));
    let (exit, said) = send("b.hl7", &batch);
    assert_eq!(exit, Some(1));
    assert!(said.contains("b.hl7  p2") && said.contains("AE  ") && said.contains("E PID^1^3^"), "{said}");
    drop(wire);
}

#[test]
fn over_tls_the_certificate_says_who_sends() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name)
    };
    let server = authority.issue("localhost", 2090);
    file("server.pem", &server.certificate);
    file("server-key.pem", &server.key);
    let ca = file("ca.pem", &authority.pem);
    let (hospital, clinic, agency) =
        (authority.issue("h", 2090), authority.issue("c", 2090), authority.issue("a", 2090));
    let strange = Authority::new().issue("h", 2090);
    let client = |id: &str, role: &str, identity: &Identity| {
        format!(
            "[[client]]\nid = \"{id}\"\norganization = \"Organization/{id}\"\nrole = \"{role}\"\ntoken_sha256 = \"{}\"\ncertificate_sha256 = \"{}\"\n",
            Digest::of(id.as_bytes()).hex(),
            Digest::of(&identity.der()).hex()
        )
    };
    let more = "[tls]\ncertificate = \"server.pem\"\nkey = \"server-key.pem\"\nclient_ca = \"ca.pem\"\n".to_owned()
        + &client("hospital", "source", &hospital)
        + &client("clinic", "source", &clinic)
        + &client("agency", "care", &agency);
    let facilities = format!("facilities = [\"{HOSPITAL}\", \"{CLINIC}\"]");
    let wire = wire_over(Store::open_memory(), &facilities, &more, folder.path());
    let open = |identity: Option<&Identity>| {
        let own = identity.map(|i| (file("own.pem", &i.certificate), file("own-key.pem", &i.key)));
        let own = own.as_ref().map(|(certificate, key)| (certificate.as_path(), key.as_path()));
        let config = Arc::new(tls::client_config(&ca, own).unwrap());
        let connection = rustls::ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap();
        let socket = TcpStream::connect(wire.listener.address()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        rustls::StreamOwned::new(connection, socket)
    };
    let say = |stream: &mut rustls::StreamOwned<rustls::ClientConnection, TcpStream>, facility: &str| {
        let frame = framed(adt(facility, "1", "t", "|").as_bytes());
        stream.write_all(&frame).and_then(|()| stream.flush()).ok()?;
        let mut bytes = vec![0; 4096];
        let length = stream.read(&mut bytes).ok().filter(|length| *length > 0)?;
        Some(verdict(&String::from_utf8_lossy(&bytes[..length]).replace('\r', "\n")))
    };
    let ask = |identity: Option<&Identity>, facility: &str| say(&mut open(identity), facility);
    let answer = |text: &str| Some(text.to_owned());
    assert_eq!(ask(Some(&hospital), HOSPITAL), answer("AA t"));
    assert_eq!(ask(Some(&hospital), CLINIC), answer("AR t"), "the certificate is another facility's");
    assert_eq!(ask(Some(&clinic), CLINIC), answer("AA t"));
    assert_eq!(ask(Some(&agency), HOSPITAL), None, "a care agency sends nothing");
    assert_eq!(ask(Some(&strange), HOSPITAL), None);
    assert_eq!(ask(None, HOSPITAL), None);
    let mut plain = Line::to(wire.listener.address());
    plain.write(&framed(adt(HOSPITAL, "1", "t", "|").as_bytes()));
    assert!(plain.answer_bytes_are_no_acknowledgement());
    let agents: Vec<_> = wire.gateway.journal().newest(9, |e| e.what == What::Receive).unwrap();
    let named: Vec<_> = agents.iter().rev().map(|(_, e)| e.agent.as_ref().map(|a| a.client.clone())).collect();
    let by = |name: &str| Some(name.to_owned());
    assert_eq!(named, [by("hospital"), by("hospital"), by("clinic"), None]);
    // A client that is taken away sends nothing more, also on a connection that is open.
    let mut stays = open(Some(&hospital));
    assert_eq!(say(&mut stays, HOSPITAL), answer("AA t"));
    wire.gateway.set_clients(Vec::new());
    assert_eq!(say(&mut stays, HOSPITAL), answer("AR t"));
}

impl Line<TcpStream> {
    /// A TLS alert may come back, an acknowledgement must not.
    fn answer_bytes_are_no_acknowledgement(&mut self) -> bool {
        let mut bytes = Vec::new();
        let _ = self.stream.read_to_end(&mut bytes);
        !bytes.windows(4).any(|w| w == b"MSA|")
    }
}
