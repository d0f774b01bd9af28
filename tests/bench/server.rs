//! The servers under load, each in a process of its own: the gateway on a store, and the yardstick, an actix handler
//! that sends the same bytes from memory.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use actix_web::{App, HttpResponse, HttpServer, web};
use tasuki::api::{self, Listener};
use tasuki::app::Gateway;
use tasuki::config::Config;

/// Names the role in the environment of a child.
pub const ROLE: &str = "TASUKI_BENCH_ROLE";
const STORE: &str = "TASUKI_BENCH_FOLDER";
const BODY: &str = "TASUKI_BENCH_BODY";

/// A server in a child process; killed when dropped.
pub struct Server {
    child: Child,
    pub address: String,
}

impl Server {
    /// The gateway on the store in a folder.
    pub fn gateway(store: &Path) -> Server {
        Server::start("gateway", STORE, store.to_str().expect("a path"))
    }

    /// The same with everybody allowed everything.
    pub fn open(store: &Path) -> Server {
        Server::start("open", STORE, store.to_str().expect("a path"))
    }

    /// The yardstick, sending this body.
    pub fn yardstick(body: &str) -> Server {
        Server::start("yardstick", BODY, body)
    }

    /// The same with a body that is too long for the environment, by way of a file.
    pub fn yardstick_of(folder: &Path, body: &str) -> Server {
        let file = folder.join("yardstick");
        std::fs::write(&file, body).expect("written");
        Server::start("yardstick of a file", BODY, file.to_str().expect("a path"))
    }

    fn start(role: &str, name: &str, value: &str) -> Server {
        let mut child = Command::new(std::env::current_exe().expect("a path"))
            .env(ROLE, role)
            .env(name, value)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut address = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut address).expect("an address");
        Server { child, address: address.trim().to_owned() }
    }

    /// Bytes of memory in use.
    pub fn resident_bytes(&self) -> u64 {
        super::load::resident_bytes(self.child.id())
    }

    /// CPU seconds used so far.
    pub fn cpu_seconds(&self) -> f64 {
        super::load::cpu_seconds(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs as a child.
pub fn run(role: &str) {
    match role {
        "yardstick" => yardstick(std::env::var(BODY).expect("a body")),
        "yardstick of a file" => {
            yardstick(std::fs::read_to_string(std::env::var(BODY).expect("a file")).expect("readable"));
        }
        role => gateway(Path::new(&std::env::var(STORE).expect("a folder")), role == "open"),
    }
}

fn gateway(folder: &Path, open: bool) {
    let clients = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/clients.toml"));
    let text = format!(
        "listen = \"127.0.0.1:0\"\nbase_url = \"http://localhost/fhir\"\n\
         [store]\n{}\n\
         [limits]\nbody_bytes_max = 268435456\nrequests_per_minute_max = 100000000\nrequests_at_once_max = 1024\n\
         [[source]]\nfacility = \"{}\"\nname = \"generated\"\norganization = \"Organization/hospital\"\n{}",
        match super::population::engine().as_str() {
            "postgres" => format!("engine = \"postgres\"\nurl = \"{}\"", super::population::url(folder)),
            engine => format!("engine = \"{engine}\"\npath = \"store\"\ncache_mib = 128"),
        },
        super::hospital::FACILITY,
        clients.expect("readable")
    );
    let mut config = Config::read(&text, &folder.join("tasuki.toml"), 0).expect("a configuration");
    config.open = open;
    let gateway = Gateway::start(&config, || jiff::Timestamp::now().as_millisecond()).expect("the gateway starts");
    let listener = Listener {
        address: config.listen,
        tls: None,
        body_bytes_max: 256 << 20,
        head_seconds_max: 5,
        connections_max: 1024,
        workers: 2,
    };
    api::serve(Arc::new(gateway), listener, |address| println!("{address}")).expect("it listens");
}

fn yardstick(body: String) {
    let body = web::Bytes::from(body);
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(move || {
            let body = body.clone();
            App::new().default_service(web::to(move || {
                let body = body.clone();
                async move { HttpResponse::Ok().content_type("application/fhir+json; charset=utf-8").body(body) }
            }))
        })
        .workers(2)
        .tcp_nodelay(true)
        .bind(("127.0.0.1", 0))
        .expect("it binds");
        println!("{}", server.addrs()[0]);
        server.run().await.expect("it runs");
    });
}
