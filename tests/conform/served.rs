//! Gateways on a socket of this process, as the kit meets them: open, and with clients, keys and an MLLP listener. Either may
//! have one behaviour broken.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use actix_web::dev::Service;
use actix_web::{App, HttpServer};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::json;
use tasuki::api;
use tasuki::app::{Gateway, Senders};
use tasuki::config::Config;
use tasuki::conform::{Clients, Subject};
use tasuki::intake::mllp::Listener;
use tempfile::TempDir;

use crate::breakage::{Breakage, NONE, through};
use crate::gateway::HOSPITAL;

const BODY_BYTES_MAX: usize = 4 << 20;

/// A gateway that listens; it ends when this is dropped.
pub(crate) struct Listening {
    pub(crate) subject: Subject,
    pub(crate) base: String,
    handle: actix_web::dev::ServerHandle,
    thread: Option<std::thread::JoinHandle<()>>,
    _mllp: Option<Listener>,
    _folder: TempDir,
}

/// By the machine's clock: assertions expire.
fn clock() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// As `tasuki serve --open` has it.
pub(crate) fn open(breakage: &'static Breakage) -> Listening {
    let address = free();
    let text = format!("listen = \"{address}\"\nbase_url = \"http://{address}/fhir\"\n[store]\nengine = \"memory\"\n");
    let mut config = Config::read(&text, Path::new("tasuki.toml"), clock()).unwrap();
    config.open = true;
    listening(address, config, breakage, tempfile::tempdir().unwrap(), "")
}

/// With a hospital, two agencies of which one has keys, an office, and an MLLP listener.
pub(crate) fn with_clients(breakage: &'static Breakage) -> Listening {
    let address = free();
    let folder = tempfile::tempdir().unwrap();
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
    let coded = STANDARD.encode(pkcs8.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{coded}\n-----END PRIVATE KEY-----\n");
    std::fs::write(folder.path().join("a-key.pem"), pem).unwrap();
    let (x, y) = pair.public_key().as_ref()[1..].split_at(48);
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    let jwks = json!({"keys": [{"kty": "EC", "crv": "P-384", "kid": "k1", "x": x, "y": y, "alg": "ES384"}]});
    let text = crate::gateway::text(&format!(
        "[[client]]\nid = \"a-app\"\norganization = \"Organization/agency-a\"\nrole = \"care\"\njwks = '{jwks}'\n\
         [[mllp]]\nlisten = \"127.0.0.1:0\"\nfacilities = [\"{HOSPITAL}\"]\n"
    ))
    .replace(crate::gateway::BASE, &format!("http://{address}/fhir"));
    let mut config = Config::read(&text, Path::new("tasuki.toml"), clock()).unwrap();
    config.limits.requests_per_minute_max = u64::from(u32::MAX);
    let clients = format!(
        "intake = \"http://{address}/intake\"\nfacility = \"{HOSPITAL}\"\n\
         [client.default]\ntoken = \"hospital\"\n[client.source]\ntoken = \"hospital\"\n[client.office]\ntoken = \"office\"\n\
         [client.a]\nclient_id = \"a-app\"\nkey = \"a-key.pem\"\nkid = \"k1\"\nscope = \"system/*.rs\"\norganization = \"Organization/agency-a\"\n\
         [client.b]\ntoken = \"agency-b\"\norganization = \"Organization/agency-b\"\n"
    );
    listening(address, Config { beat_ms: 0, ..config }, breakage, folder, &clients)
}

fn listening(
    address: SocketAddr,
    config: Config,
    breakage: &'static Breakage,
    folder: TempDir,
    clients: &str,
) -> Listening {
    let gateway = Arc::new(Gateway::start(&config, clock).unwrap());
    let mllp = config.mllp.first().map(|settings| {
        let senders = Senders::new(gateway.clone(), &config, settings);
        Listener::start(Senders::settings(settings), Arc::new(senders)).unwrap()
    });
    let (send, receive) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = move || {
                let gateway = gateway.clone();
                App::new()
                    .wrap_fn(move |request, service| {
                        let (asked, request) = breakage.asked(request);
                        let answer = service.call(request);
                        async move { through(breakage, asked, answer.await?).await }
                    })
                    .configure(move |c| api::configure(c, gateway, BODY_BYTES_MAX))
            };
            let server = HttpServer::new(app).workers(2).disable_signals().bind(address).unwrap().run();
            send.send(server.handle()).unwrap();
            server.await.unwrap();
        });
    });
    let handle = receive.recv().unwrap();
    let mllp_line = mllp.as_ref().map_or(String::new(), |listener| format!("mllp = \"{}\"\n", listener.address()));
    let client = folder.path().join("client.toml");
    std::fs::write(&client, format!("{mllp_line}{clients}")).unwrap();
    let base = format!("http://{address}/fhir");
    let subject = Subject::new(&base, Clients::load(&client).unwrap()).unwrap();
    Listening { subject, base, handle, thread: Some(thread), _mllp: mllp, _folder: folder }
}

/// One that is whole.
pub(crate) fn whole() -> Listening {
    open(&NONE)
}

impl Drop for Listening {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
