//! What only a connection shows (checklist BASE-08, BASE-14, BASE-15): the bytes of answers over TCP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use actix_web::{App, HttpServer};
use tasuki::api;

use crate::gateway::BODY_BYTES_MAX;
use crate::{gateway_with, patient};

struct Listening {
    address: SocketAddr,
    handle: actix_web::dev::ServerHandle,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Listening {
    fn start() -> Listening {
        let gateway = gateway_with("");
        let (send, receive) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let app = move || App::new().configure(|c| api::configure(c, gateway.clone(), BODY_BYTES_MAX));
                let server = HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
                let address = server.addrs()[0];
                let server = server.run();
                send.send((address, server.handle())).unwrap();
                server.await.unwrap();
            });
        });
        let (address, handle) = receive.recv().unwrap();
        Listening { address, handle, thread: Some(thread) }
    }

    /// The head of the answer in lines, and its body, as they came.
    fn send(&self, request: &str) -> (Vec<String>, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // A connection that is closed while something is still being sent may be reset after its answer.
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        (head.lines().map(str::to_ascii_lowercase).collect(), body.to_owned())
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn header<'h>(head: &'h [String], name: &str) -> Option<&'h str> {
    head.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[test]
fn head_and_get_over_a_connection() {
    let listening = Listening::start();
    let ask = |method: &str| {
        let path = format!("/fhir{}", patient());
        listening.send(&format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer hospital\r\nconnection: close\r\n\r\n"
        ))
    };
    let ((get, body), (head, nothing)) = (ask("GET"), ask("HEAD"));
    assert_eq!((get[0].as_str(), head[0].as_str()), ("http/1.1 200 ok", "http/1.1 200 ok"), "BASE-08");
    let length = body.len().to_string();
    for head in [&get, &head] {
        assert_eq!(header(head, "content-length"), Some(length.as_str()), "BASE-08");
        assert_eq!(header(head, "etag"), Some("w/\"1\""), "BASE-08");
        let date = header(head, "date").expect("BASE-15");
        assert!(date.len() == 29 && date.ends_with(" gmt"), "BASE-15 {date}");
        assert!(header(head, "x-request-id").is_some_and(|id| id.len() == 16), "BASE-10");
    }
    assert_eq!(nothing, "", "BASE-08");
}

#[test]
fn limits_over_a_connection() {
    let listening = Listening::start();
    let start = "host: x\r\nauthorization: Bearer office\r\nconnection: close\r\n";
    let long = format!("GET /fhir/Patient?name={} HTTP/1.1\r\n{start}\r\n", "a".repeat(16 << 10));
    let (head, body) = listening.send(&long);
    assert!(head[0].contains(" 414 ") && body.contains("too-long"), "BASE-14 {head:?}");
    let put = "PUT /fhir/Organization/o HTTP/1.1\r\ncontent-type: application/fhir+json\r\n";
    let (head, body) = listening.send(&format!("{put}{start}content-length: {}\r\n\r\n", BODY_BYTES_MAX + 1));
    assert!(head[0].contains(" 413 ") && body.contains("too-long"), "BASE-14 {head:?}");
    let chunk = format!("{:x}\r\n{}\r\n", BODY_BYTES_MAX + 1, " ".repeat(BODY_BYTES_MAX + 1));
    let (head, body) = listening.send(&format!("{put}{start}transfer-encoding: chunked\r\n\r\n{chunk}0\r\n\r\n"));
    assert!(head[0].contains(" 413 ") && body.contains("too-long"), "BASE-14 {head:?}");
}

#[test]
fn what_is_no_request_is_answered_by_its_status_alone() {
    let listening = Listening::start();
    // The HTTP library answers these before there is a request; the connection ends with it.
    let many = (0..200).map(|n| format!("x-{n}: 1\r\n")).collect::<String>();
    for (request, status) in [
        ("nonsense\r\n\r\n".to_owned(), " 400 "),
        ("GET /fhir/metadata HTTP/1.1\r\nhost x\r\n\r\n".to_owned(), " 400 "),
        (format!("GET /fhir/metadata HTTP/1.1\r\nhost: x\r\n{many}\r\n"), " 431 "),
        (format!("GET /fhir/metadata HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(256 << 10)), " 431 "),
    ] {
        let (head, body) = listening.send(&request);
        assert!(head.first().is_some_and(|line| line.contains(status)), "BASE-07 {head:?}");
        assert_eq!(body, "", "BASE-07");
    }
    let (head, _) = listening.send("GET /fhir/metadata HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert!(head[0].contains(" 200 "), "BASE-07");
}
