//! A gateway in this process, on any store and with a clock that stands still, asked without a socket.

#![allow(dead_code, unreachable_pub, clippy::expect_used, clippy::print_stdout)] // each test file uses its part of this

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::{Method, header};
use actix_web::{App, test};
use serde_json::{Value, json};
use tasuki::api;
use tasuki::app::Gateway;
use tasuki::auth::Digest;
use tasuki::config::Config;
use tasuki::fhir::{FacilityCode, PatientKey};
use tasuki::intake::folder;
use tasuki::letter::{Letter, Source};
use tasuki::pipeline::{Pipeline, Receipt};
use tasuki::store::Store;

/// 2026-11-21T12:00:00+09:00
pub const NOW: i64 = 1_795_230_000_000;
pub const HOSPITAL: &str = "0119999901";
/// A hospital that sends nothing in the example.
pub const CLINIC: &str = "0119999902";
pub const BASE: &str = "http://gateway.example/fhir";
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Client, organisation, role; the token is the client's name.
const CLIENTS: [(&str, &str, &str); 6] = [
    ("agency-a", "agency-a", "care"),
    ("agency-b", "agency-b", "care"),
    ("nurse-station", "nurse-station", "care"),
    ("office", "network-office", "office"),
    ("hospital", "hospital", "source"),
    ("clinic", "clinic", "source"),
];

pub fn clock() -> i64 {
    NOW
}

pub fn config() -> Config {
    config_with("")
}

/// The same with more at its end.
pub fn config_with(more: &str) -> Config {
    let mut config = Config::read(&text(more), Path::new("tasuki.toml"), NOW).expect("the configuration is in order");
    // The clock stands still, so that what a caller may ask in a minute would be all that a test may ask.
    if !more.contains("requests_per_minute_max") {
        config.limits.requests_per_minute_max = u64::from(u32::MAX);
    }
    // Beats are for what is measured: `tests/leakage/timing.rs`.
    Config { beat_ms: 0, ..config }
}

/// The configuration file of that.
pub fn text(more: &str) -> String {
    let mut text = format!("listen = \"127.0.0.1:0\"\nbase_url = \"{BASE}\"\n[store]\nengine = \"memory\"\n");
    for (facility, name) in [(HOSPITAL, "hospital"), (CLINIC, "clinic")] {
        text +=
            &format!("[[source]]\nfacility = \"{facility}\"\nname = \"x\"\norganization = \"Organization/{name}\"\n");
    }
    for (id, organization, role) in CLIENTS {
        let digest = Digest::of(id.as_bytes()).hex();
        text += &format!(
            "[[client]]\nid = \"{id}\"\norganization = \"Organization/{organization}\"\nrole = \"{role}\"\ntoken_sha256 = \"{digest}\"\n"
        );
    }
    // Of agency A too, and for laboratory results alone.
    text += &format!(
        "[[client]]\nid = \"lab-only\"\norganization = \"Organization/agency-a\"\nrole = \"care\"\ntoken_sha256 = \"{}\"\n\
         scopes = [\"system/Observation.rs?category=laboratory\", \"system/Patient.rs\"]\n",
        Digest::of(b"lab-only").hex()
    );
    text + more
}

pub fn over(store: Store) -> Arc<Gateway> {
    Arc::new(Gateway::over(store, &config(), clock).expect("the gateway starts"))
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    pub method: &'static str,
    /// Below `/fhir`, or from `//` on the whole path.
    pub path: String,
    pub client: String,
    /// One named [`PEER`] is no header: it says from where the request comes.
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

/// See [`Ask::headers`].
pub const PEER: &str = "";

/// One answer, as much of it as a caller sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// The body as it came, packed perhaps.
    pub bytes: Vec<u8>,
    /// What the body's length is said to be, also where there is none (`HEAD`).
    pub length: Option<u64>,
}

/// A gateway that is asked through the application behind the listener, by one thread.
pub struct Served {
    send: Option<SyncSender<(Ask, SyncSender<Answer>)>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Ask {
    pub fn get(client: &str, path: impl Into<String>) -> Ask {
        Ask { method: "GET", path: path.into(), client: client.into(), headers: Vec::new(), body: Vec::new() }
    }

    pub fn put(client: &str, path: impl Into<String>, body: &Value) -> Ask {
        let headers = vec![("content-type", "application/fhir+json".to_owned())];
        Ask { method: "PUT", headers, body: body.to_string().into_bytes(), ..Ask::get(client, path) }
    }

    /// With one header more.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Ask {
        self.headers.push((name, value.into()));
        self
    }

    pub fn post(client: &str, path: impl Into<String>, body: &Value) -> Ask {
        Ask { method: "POST", ..Ask::put(client, path, body) }
    }
}

impl Served {
    pub fn new(gateway: Arc<Gateway>) -> Served {
        let (send, receive) = sync_channel(1);
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(answer_all(gateway, receive));
        });
        Served { send: Some(send), thread: Some(thread) }
    }

    pub fn ask(&self, ask: Ask) -> Answer {
        let (reply, answer) = sync_channel(1);
        self.send.as_ref().expect("running").send((ask, reply)).expect("the gateway's thread is alive");
        answer.recv().expect("the gateway does not panic")
    }

    pub fn get(&self, client: &str, path: impl Into<String>) -> Answer {
        self.ask(Ask::get(client, path))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.send = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn answer_all(gateway: Arc<Gateway>, receive: Receiver<(Ask, SyncSender<Answer>)>) {
    let app = test::init_service(App::new().configure(|c| api::configure(c, gateway.clone(), BODY_BYTES_MAX))).await;
    while let Ok((ask, reply)) = receive.recv() {
        let path = ask.path.strip_prefix('/').filter(|path| path.starts_with('/')).map(str::to_owned);
        let uri = path.unwrap_or_else(|| format!("/fhir{}", ask.path));
        let mut request = test::TestRequest::with_uri(&uri)
            .method(Method::from_bytes(ask.method.as_bytes()).expect("a method"))
            .set_payload(ask.body);
        if !ask.client.is_empty() {
            request = request.insert_header((header::AUTHORIZATION, format!("Bearer {}", ask.client)));
        }
        // Where the caller names none, each answer would get another.
        if ask.headers.iter().all(|(name, _)| *name != "x-request-id") {
            request = request.insert_header(("x-request-id", "request"));
        }
        for (name, value) in ask.headers {
            request = match name {
                PEER => request.peer_addr(value.parse().expect("an address and a port")),
                name => request.append_header((name, value)),
            };
        }
        let response = test::call_service(&app, request.to_request()).await;
        let status = response.status().as_u16();
        let headers = response.headers().iter();
        let mut headers: Vec<_> =
            headers.map(|(n, v)| (n.to_string(), String::from_utf8_lossy(v.as_bytes()).into_owned())).collect();
        headers.sort();
        let length = match response.response().body().size() {
            BodySize::Sized(length) => Some(length),
            BodySize::None | BodySize::Stream => None,
        };
        let bytes = test::read_body(response).await.to_vec();
        let body = String::from_utf8_lossy(&bytes).into_owned();
        let _ = reply.send(Answer { status, headers, body, bytes, length });
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The texts of the codes of what was found, in the order of the alphabet; a finding of [`condition`] is known by it.
    pub fn codes(&self) -> Vec<String> {
        assert_eq!(self.status, 200, "{self:?}");
        let body = self.json();
        let entries = body["entry"].as_array().into_iter().flatten();
        let mut codes: Vec<_> =
            entries.filter_map(|entry| Some(entry.pointer("/resource/code/text")?.as_str()?.to_owned())).collect();
        codes.sort();
        codes
    }
}

/// Runs `work` on `count` threads that begin together.
pub fn together<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = std::sync::Barrier::new(count);
    let (send, receive) = channel();
    std::thread::scope(|scope| {
        for n in 0..count {
            let (send, barrier, work) = (send.clone(), &barrier, &work);
            scope.spawn(move || {
                barrier.wait();
                let _ = send.send((n, work(n)));
            });
        }
    });
    drop(send);
    let mut done: Vec<_> = receive.into_iter().collect();
    done.sort_by_key(|(n, _)| *n);
    done.into_iter().map(|(_, value)| value).collect()
}

pub fn source(facility: &str) -> Arc<Source> {
    Arc::new(Source { facility: FacilityCode::parse(facility), zone_minutes: 540 })
}

pub fn letter(facility: &str, name: &str, body: &Value) -> Letter {
    Letter { source: source(facility), name: name.into(), bytes: body.to_string().into_bytes() }
}

pub fn receive(store: &Store, letter: &Letter) -> Receipt {
    Pipeline::new(store.clone(), clock).receive(letter).expect("received")
}

/// The letters under a folder of the example data whose names `wanted` takes.
pub fn example_letters(path: &str, facility: &str, wanted: impl Fn(&str) -> bool) -> Vec<Letter> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data").join(path);
    let mut letters = Vec::new();
    for group in folder::walk(&root) {
        for found in group.expect("readable").files.into_iter().filter(|found| wanted(&found.name)) {
            let bytes = found.read().expect("readable");
            letters.push(Letter { source: source(facility), name: found.name, bytes });
        }
    }
    assert!(!letters.is_empty(), "{path}");
    letters
}

pub fn key(number: &str) -> PatientKey {
    PatientKey::derive(&FacilityCode::parse(HOSPITAL), number)
}

pub fn number_of(facility: &str, number: &str) -> Value {
    json!({"system": format!("urn:oid:1.2.392.100495.20.3.51.1{facility}"), "value": number})
}

/// A privacy Consent by which an organisation may read a patient's record.
pub fn consent(id: &str, number: &str, organization: &str, status: &str, period: Value) -> Value {
    let role =
        json!({"coding": [{"code": "IRCP", "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"}]});
    let mut provision = json!({"type": "permit", "actor": [{"role": role, "reference": {"reference": format!("Organization/{organization}")}}]});
    if !period.is_null() {
        provision["period"] = period;
    }
    json!({
        "resourceType": "Consent", "id": id, "status": status,
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"identifier": number_of(HOSPITAL, number)}, "dateTime": "2026-03-25", "provision": provision
    })
}

/// A collection Bundle about a patient of the hospital; `name` tells it from others, as its identifier.
pub fn bundle(number: &str, name: &str, resources: &[Value]) -> Value {
    let patient = json!({"resourceType": "Patient", "identifier": [number_of(HOSPITAL, number)], "active": true});
    let entries = std::iter::once(&patient).chain(resources).enumerate();
    let entries: Vec<Value> =
        entries.map(|(n, r)| json!({"fullUrl": format!("urn:uuid:{name}-{n}"), "resource": r})).collect();
    json!({
        "resourceType": "Bundle", "type": "collection", "timestamp": "2026-11-20T10:00:00+09:00",
        "identifier": {"system": "http://jpfhir.jp/fhir/clins/bundle-identifier", "value": format!("{HOSPITAL}^2026^{name}")},
        "entry": entries
    })
}

/// A Condition for the Patient of [`bundle`], which is its first entry.
pub fn condition(bundle: &str, code: &str, tag: Option<&str>) -> Value {
    let mut condition = json!({
        "resourceType": "Condition",
        "identifier": [{"system": "http://jpfhir.jp/fhir/core/IdSystem/resourceInstance-identifier", "value": format!("{bundle}-{code}")}],
        "code": {"coding": [{"system": "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MEDIS_ICD10_2013", "code": code}], "text": code},
        "subject": {"reference": format!("urn:uuid:{bundle}-0")}
    });
    if let Some(tag) = tag {
        condition["meta"] =
            json!({"tag": [{"system": "http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication", "code": tag}]});
    }
    condition
}
