//! A load of keep-alive HTTP/1.1 requests from blocking threads, and the CPU time of a process by the kernel's account.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Requests of one run.
#[derive(Clone, Copy)]
pub struct Load<'a> {
    /// `127.0.0.1:port`
    pub address: &'a str,
    /// Requests as they are sent, taken in turn.
    pub requests: &'a [Vec<u8>],
    pub connections: usize,
    pub seconds: f64,
    /// Requests a second over all connections; as many as are answered, without one.
    pub rate: Option<f64>,
}

/// What a run gave.
pub struct Answered {
    pub requests: u64,
    pub failed: u64,
    pub seconds: f64,
    /// Microseconds each request took, ascending. At a fixed rate they count from when it was due.
    latencies: Vec<u32>,
}

impl Answered {
    /// The latency that this share of the requests keeps, milliseconds.
    pub fn milliseconds(&self, share: f64) -> f64 {
        let at = ((self.latencies.len() as f64 * share) as usize).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(at).map_or(0.0, |us| (f64::from(*us) / 10.0).round() / 100.0)
    }
}

/// A GET as it is sent.
pub fn get_request(token: &str, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n").into_bytes()
}

/// A request with a FHIR body.
pub fn body_request(method: &str, path: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/fhir+json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Runs a load: each connection asks for the paths in turn until the time is up.
pub fn run(load: &Load) -> Answered {
    let (requests, failed, latencies) = (AtomicU64::new(0), AtomicU64::new(0), Mutex::new(Vec::new()));
    let begun = Instant::now();
    let end = begun + Duration::from_secs_f64(load.seconds);
    std::thread::scope(|scope| {
        for connection in 0..load.connections {
            let (requests, failed, latencies) = (&requests, &failed, &latencies);
            scope.spawn(move || {
                let mut client = Client::connect(load.address);
                let (mut at, mut took) = (connection, Vec::new());
                let every = load.rate.map(|rate| Duration::from_secs_f64(load.connections as f64 / rate));
                let mut due = begun + every.unwrap_or_default() * connection as u32 / load.connections as u32;
                while Instant::now() < end {
                    let sent = match every {
                        None => Instant::now(),
                        Some(every) => {
                            std::thread::sleep(due.saturating_duration_since(Instant::now()));
                            let sent = due;
                            due += every;
                            sent
                        }
                    };
                    let status = client.ask(&load.requests[at % load.requests.len()]).0;
                    at += 1;
                    took.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
                    requests.fetch_add(1, Ordering::Relaxed);
                    if !(200..300).contains(&status) {
                        failed.fetch_add(1, Ordering::Relaxed);
                    }
                }
                latencies.lock().expect("no panic").extend(took);
            });
        }
    });
    let mut latencies = latencies.into_inner().expect("no panic");
    latencies.sort_unstable();
    let seconds = begun.elapsed().as_secs_f64();
    Answered { requests: requests.into_inner(), failed: failed.into_inner(), seconds, latencies }
}

/// A connection that is kept.
pub struct Client {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
}

impl Client {
    pub fn connect(address: &str) -> Client {
        let writer = TcpStream::connect(address).expect("the server listens");
        writer.set_nodelay(true).expect("a socket option");
        let reader = BufReader::with_capacity(64 << 10, writer.try_clone().expect("a second handle"));
        Client { reader, writer }
    }

    /// Sends a request and gives status and body.
    pub fn ask(&mut self, request: &[u8]) -> (u16, Vec<u8>) {
        self.writer.write_all(request).expect("a request is sent");
        answer(&mut self.reader)
    }
}

/// Reads one answer and gives its status and body.
fn answer(reader: &mut BufReader<TcpStream>) -> (u16, Vec<u8>) {
    let mut line = String::new();
    reader.read_line(&mut line).expect("a status line");
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).expect("a header");
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    (status, body)
}

/// One GET, its body as text.
pub fn get(address: &str, token: &str, path: &str) -> String {
    let (_, body) = Client::connect(address).ask(&get_request(token, path));
    String::from_utf8(body).expect("text")
}

/// CPU seconds a process has used, user and system (`/proc/[pid]/stat`, 10 ms steps).
pub fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a live process");
    let fields: Vec<&str> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().expect("utime") + fields[12].parse::<f64>().expect("stime");
    ticks / 100.0
}

/// Bytes of memory that a process has resident (`/proc/[pid]/status`).
pub fn resident_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a live process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number") * 1024
}
