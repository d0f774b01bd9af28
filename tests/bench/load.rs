//! A load of keep-alive HTTP/1.1 requests from blocking threads, and the CPU time of a process by the kernel's account.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Requests of one run.
pub struct Load<'a> {
    /// `127.0.0.1:port`
    pub address: &'a str,
    pub token: &'a str,
    pub paths: &'a [String],
    pub connections: usize,
    pub seconds: f64,
}

/// What a run gave.
pub struct Answered {
    pub requests: u64,
    pub failed: u64,
    pub seconds: f64,
}

/// Runs a load: each connection asks for the paths in turn until the time is up.
pub fn run(load: &Load) -> Answered {
    let (requests, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    let begun = Instant::now();
    let end = begun + Duration::from_secs_f64(load.seconds);
    std::thread::scope(|scope| {
        for connection in 0..load.connections {
            let (requests, failed) = (&requests, &failed);
            scope.spawn(move || {
                let stream = TcpStream::connect(load.address).expect("the server listens");
                stream.set_nodelay(true).expect("a socket option");
                let mut reader = BufReader::with_capacity(64 << 10, stream.try_clone().expect("a second handle"));
                let mut writer = stream;
                let mut at = connection;
                while Instant::now() < end {
                    let path = &load.paths[at % load.paths.len()];
                    at += 1;
                    let request = format!(
                        "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n",
                        load.token
                    );
                    writer.write_all(request.as_bytes()).expect("a request is sent");
                    let status = answer(&mut reader);
                    requests.fetch_add(1, Ordering::Relaxed);
                    if status != 200 {
                        failed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    Answered { requests: requests.into_inner(), failed: failed.into_inner(), seconds: begun.elapsed().as_secs_f64() }
}

/// Reads one answer and gives its status.
fn answer(reader: &mut BufReader<TcpStream>) -> u16 {
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
    status
}

/// One GET, its body as text.
pub fn get(address: &str, token: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("a request is sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
}

/// CPU seconds a process has used, user and system (`/proc/[pid]/stat`, 10 ms steps).
pub fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a live process");
    let fields: Vec<&str> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().expect("utime") + fields[12].parse::<f64>().expect("stime");
    ticks / 100.0
}
