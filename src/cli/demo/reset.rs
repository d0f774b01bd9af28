//! The button of the sandbox that puts all data back: a page on loopback with one form (`POST /reset`), and
//! `tasuki demo --sandbox --reset`, which presses it. Requests of other sites' pages are refused by their `Origin` and `Host`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use super::sandbox::Sandbox;
use crate::cli::say;

/// Longest head of a request, bytes.
const HEAD_BYTES_MAX: u64 = 16 << 10;
/// How long a reset may take, seconds.
const SECONDS_MAX: u64 = 60;
/// How long the head of a request or an answer may be on its way, seconds: the button has one finger.
const HEAD_SECONDS_MAX: u64 = 5;

const PAGE: &str = "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Tasuki sandbox</title>\
<style>body{font:16px/1.6 system-ui,sans-serif;max-width:40em;margin:3em auto;padding:0 1em}button{font-size:1.2em;padding:.5em 1.5em}</style></head>\
<body><h1>Tasuki sandbox</h1><p>Puts everything back to what the sandbox began with: whatever was sent or changed since is gone.<br>\
すべてのデータを開始時の状態に戻します。その後に送信・変更されたものは消えます。</p>\
<form method=\"post\" action=\"/reset\"><button>Reset 初期化</button></form></body></html>";

/// Answers until the program is told to stop.
pub(super) fn answer(button: &TcpListener, sandbox: &Sandbox) -> Result<(), String> {
    for connection in button.incoming() {
        let Ok(mut connection) = connection else { continue };
        let limit = Some(Duration::from_secs(HEAD_SECONDS_MAX));
        let _ = connection.set_read_timeout(limit).and_then(|()| connection.set_write_timeout(limit));
        let (status, body) = match asked(&mut BufReader::new((&connection).take(HEAD_BYTES_MAX))) {
            None => ("400 Bad Request", "not understood\n".to_owned()),
            Some(asked) => answered(&asked, sandbox),
        };
        let kind = if body.starts_with('<') { "text/html; charset=utf-8" } else { "text/plain; charset=utf-8" };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nX-Frame-Options: DENY\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let _ = connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(body.as_bytes()));
    }
    Ok(())
}

/// A request, as far as it matters here.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    /// Method and path.
    line: String,
    host: String,
    origin: Option<String>,
}

/// The head of a request; `None` of one that is cut off, which may have said more of where it comes from.
fn asked(reader: &mut impl BufRead) -> Option<Asked> {
    let mut asked = Asked::default();
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    asked.line = line.rsplit_once(' ')?.0.to_owned();
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            return Some(asked);
        }
        let (name, value) = line.split_once(':')?;
        match name.to_ascii_lowercase().as_str() {
            "host" => asked.host = value.trim().to_owned(),
            "origin" => asked.origin = Some(value.trim().to_owned()),
            _ => {}
        }
    }
}

/// Whether a request comes from this machine's own page or from a program, not from a page of another site.
fn is_own(asked: &Asked) -> bool {
    let name = asked.host.rsplit_once(':').map_or(asked.host.as_str(), |(name, _)| name);
    let own = format!("http://{}", asked.host);
    matches!(name, "127.0.0.1" | "localhost") && asked.origin.as_ref().is_none_or(|origin| *origin == own)
}

fn answered(asked: &Asked, sandbox: &Sandbox) -> (&'static str, String) {
    match asked.line.as_str() {
        _ if !is_own(asked) => ("403 Forbidden", "not from here\n".into()),
        "GET /" => ("200 OK", PAGE.into()),
        "POST /reset" => match sandbox.reset() {
            Ok(millis) => {
                say(&format!("Reset: all data are back, in {millis} ms."));
                ("200 OK", format!("All data are back. 初期化しました。({millis} ms)\n"))
            }
            Err(sentence) => ("500 Internal Server Error", format!("{sentence}\n")),
        },
        _ => ("404 Not Found", "GET / or POST /reset\n".into()),
    }
}

/// Presses the button of the sandbox that listens on a port; what it says.
pub(super) fn press(port: u16) -> Result<String, String> {
    let gone = |error: std::io::Error| format!("no sandbox answers on port {port}: {error}");
    let mut connection = TcpStream::connect(("127.0.0.1", port)).map_err(gone)?;
    let _ = connection.set_read_timeout(Some(Duration::from_secs(SECONDS_MAX)));
    let request =
        format!("POST /reset HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).map_err(gone)?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).map_err(gone)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("the sandbox did not answer")?;
    let body = body.trim().to_owned();
    if head.starts_with("HTTP/1.1 200") { Ok(body) } else { Err(body) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_that_is_cut_off_asks_for_nothing() {
        let whole = "POST /reset HTTP/1.1\r\nHost: 127.0.0.1:8079\r\nOrigin: http://evil.example\r\n\r\n";
        assert_eq!(asked(&mut whole.as_bytes()).unwrap().origin.as_deref(), Some("http://evil.example"));
        for cut in [whole.find("Origin").unwrap(), whole.len() - 2] {
            assert_eq!(asked(&mut whole.get(..cut).unwrap().as_bytes()), None);
        }
        let long =
            format!("POST /reset HTTP/1.1\r\nHost: 127.0.0.1\r\nX: {}\r\n\r\n", "x".repeat(HEAD_BYTES_MAX as usize));
        assert_eq!(asked(&mut BufReader::new(long.as_bytes().take(HEAD_BYTES_MAX))), None);
    }

    #[test]
    fn other_sites_press_nothing() {
        for (host, origin, own) in [
            ("127.0.0.1:8079", None, true),
            ("localhost:8079", Some("http://localhost:8079"), true),
            ("127.0.0.1:8079", Some("http://evil.example"), false),
            ("127.0.0.1:8079", Some("null"), false),
            ("evil.example:8079", None, false),
            ("", None, false),
        ] {
            let asked = Asked { line: "POST /reset".into(), host: host.into(), origin: origin.map(str::to_owned) };
            assert_eq!(is_own(&asked), own, "{host} {origin:?}");
        }
    }
}
