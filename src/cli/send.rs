//! `tasuki send --mllp ADDRESS FILE...`: sends HL7 v2 files as an integration engine would, and shows what is answered.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::{fail, issues, say};
use crate::auth::tls;
use crate::decode::charset;
use crate::decode::hl7v2::{self, Header, Message};
use crate::fault::Exit;
use crate::intake::folder::{self, Shape};
use crate::intake::mllp::{Found, Framer, framed};

/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// How long to wait for an answer that may not come: MSH-15 or MSH-16 is ER or SU.
const PERHAPS: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Address and port of the listener
    #[arg(long, value_name = "ADDRESS")]
    mllp: String,
    /// Speak TLS; the authority that issued the listener's certificate, PEM
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The own certificate, PEM
    #[arg(long, value_name = "FILE", requires_all = ["key", "ca"])]
    certificate: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
    /// How long to wait for a connection and for each answer
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Files, or folders of files (an SS-MIX2 storage is sent in the order of its story)
    #[arg(required = true)]
    paths: Vec<PathBuf>,
}

/// A connection, plain or TLS.
trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// The other end, connected when it is first needed and anew after a connection broke.
struct Line<'a> {
    options: &'a Options,
    tls: Option<Arc<ClientConfig>>,
    open: Option<Open>,
}

struct Open {
    stream: Box<dyn Stream>,
    socket: TcpStream,
    framer: Framer,
    unread: Vec<u8>,
}

/// What was answered: codes of MSA-1.
#[derive(Default)]
struct Tally {
    sent: usize,
    well: usize,
    ill: usize,
}

pub(super) fn run(options: &Options) -> Exit {
    let own = options.certificate.as_deref().zip(options.key.as_deref());
    let tls = match options.ca.as_deref().map(|authority| tls::client_config(authority, own)).transpose() {
        Ok(tls) => tls.map(Arc::new),
        Err(wrong) => {
            let words = if issues::japanese() { wrong.rule.ja } else { wrong.rule.en };
            return fail(Exit::Config, &words.replace("{}", &wrong.detail));
        }
    };
    let mut line = Line { options, tls, open: None };
    let mut tally = Tally::default();
    for path in &options.paths {
        if let Err((exit, sentence)) = send_path(&mut line, path, &mut tally) {
            return fail(exit, &sentence);
        }
    }
    eprintln!("{} sent: {} answered well, {} with an error", tally.sent, tally.well, tally.ill);
    if tally.ill == 0 { Exit::Done } else { Exit::SomeHeld }
}

fn send_path(line: &mut Line<'_>, path: &Path, tally: &mut Tally) -> Result<(), (Exit, String)> {
    let unreadable = |error: io::Error| (Exit::NoInput, format!("{}: {error}", path.display()));
    if !path.is_dir() {
        return send_file(line, &path.display().to_string(), &std::fs::read(path).map_err(unreadable)?, tally);
    }
    for group in folder::walk(path) {
        for found in group.map_err(unreadable)?.files {
            if matches!(found.shape, Shape::SsMix2(_) | Shape::Loose) {
                let bytes = found.read().map_err(|issue| (Exit::NoInput, issues::line(&issue)))?;
                send_file(line, &found.name, &bytes, tally)?;
            }
        }
    }
    Ok(())
}

fn send_file(line: &mut Line<'_>, name: &str, bytes: &[u8], tally: &mut Tally) -> Result<(), (Exit, String)> {
    line.connect().map_err(|error| (Exit::Machine, format!("{}: {}", line.options.mllp, told(&error))))?;
    tally.sent += 1;
    let answers = match line.exchange(unframed(bytes)) {
        Ok(answers) => answers,
        Err(error) => {
            tally.ill += 1;
            say(&format!("!!  {name}  ({})", told(&error)));
            return Ok(());
        }
    };
    if answers.is_empty() {
        say(&format!("--  {name}  (no answer was asked for)"));
    }
    for answer in &answers {
        show(name, answer, tally);
    }
    Ok(())
}

/// The message of a file, which may hold the marks of a frame already.
fn unframed(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.trim_ascii();
    let bytes = bytes.strip_prefix(b"\x0b").unwrap_or(bytes);
    bytes.strip_suffix(b"\x1c").unwrap_or(bytes)
}

impl Line<'_> {
    /// Connects where there is no connection.
    fn connect(&mut self) -> io::Result<()> {
        if self.open.is_none() {
            self.open = Some(self.dial()?);
        }
        Ok(())
    }

    /// Sends a frame and waits for the answers it asks for. After an error the connection is gone: an answer that came
    /// late would be taken for another message's.
    fn exchange(&mut self, message: &[u8]) -> io::Result<Vec<Vec<u8>>> {
        let mut open = self.open.take().ok_or(io::ErrorKind::NotConnected)?;
        open.stream.write_all(&framed(message))?;
        open.stream.flush()?;
        let wait = Duration::from_secs(self.options.seconds);
        let mut answers = Vec::new();
        for mut awaited in Awaited::of(message) {
            while let Some(patience) = awaited.patience(wait) {
                match open.answer(patience) {
                    Ok(answer) => {
                        awaited.heard(&answer);
                        answers.push(answer);
                    }
                    Err(error) if patience != wait && is_late(&error) => break,
                    Err(error) => return Err(error),
                }
            }
        }
        self.open = Some(open);
        Ok(answers)
    }

    fn dial(&self) -> io::Result<Open> {
        let wait = Duration::from_secs(self.options.seconds.max(1));
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in self.options.mllp.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, wait) {
                Ok(socket) => return self.speak(socket),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn speak(&self, socket: TcpStream) -> io::Result<Open> {
        socket.set_nodelay(true)?;
        let own = socket.try_clone()?;
        let stream: Box<dyn Stream> = match &self.tls {
            None => Box::new(socket),
            Some(tls) => {
                let host = self.options.mllp.rsplit_once(':').map_or("", |(host, _)| host);
                let name = host.trim_matches(['[', ']']).to_owned().try_into().map_err(io::Error::other)?;
                let connection = ClientConnection::new(tls.clone(), name).map_err(io::Error::other)?;
                Box::new(StreamOwned::new(connection, socket))
            }
        };
        Ok(Open { stream, socket: own, framer: Framer::new(ANSWER_BYTES_MAX), unread: Vec::new() })
    }
}

impl Open {
    fn answer(&mut self, wait: Duration) -> io::Result<Vec<u8>> {
        self.socket.set_read_timeout(Some(wait))?;
        loop {
            let (taken, found) = self.framer.take(&self.unread);
            self.unread.drain(..taken);
            match found {
                Some(Found::Frame(frame)) => return Ok(frame),
                Some(_) => return Err(io::ErrorKind::InvalidData.into()),
                None => {}
            }
            let mut bytes = [0; 8192];
            match self.stream.read(&mut bytes)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                length => self.unread.extend_from_slice(bytes.get(..length).unwrap_or_default()),
            }
        }
    }
}

/// The acknowledgements that one message, or one batch, asks for: accept and application (HL7 v2.5 section 2.9.3).
struct Awaited {
    accept: Wish,
    application: Wish,
}

#[derive(Clone, Copy, PartialEq)]
enum Wish {
    Always,
    Perhaps,
    Never,
}

impl Awaited {
    /// For each answer that may come in a frame of its own.
    fn of(message: &[u8]) -> Vec<Awaited> {
        let batch = hl7v2::batch(message);
        let is_enveloped = batch.as_ref().is_some_and(|b| b.batch_header.is_some() || b.file_header.is_some());
        match batch {
            // One batch answers a batch; whether any does depends on all its messages.
            Some(batch) if is_enveloped => {
                batch.messages.first().map(|m| Awaited::one(m).single()).into_iter().collect()
            }
            Some(batch) => batch.messages.into_iter().map(Awaited::one).collect(),
            None => vec![Awaited::one(message)],
        }
    }

    fn one(message: &[u8]) -> Awaited {
        let wish = |field: &str| match field {
            "AL" => Wish::Always,
            "ER" | "SU" => Wish::Perhaps,
            _ => Wish::Never,
        };
        match Header::of(message).filter(|header| !header.is_original_mode()) {
            None if Header::of(message).is_some_and(|header| header.is_acknowledgement()) => {
                Awaited { accept: Wish::Never, application: Wish::Never }
            }
            None => Awaited { accept: Wish::Never, application: Wish::Always },
            Some(header) => Awaited { accept: wish(&header.accept), application: wish(&header.application) },
        }
    }

    fn single(self) -> Awaited {
        let both = [self.accept, self.application];
        let wish = |wanted| both.contains(&wanted);
        let application = match () {
            () if wish(Wish::Always) => Wish::Always,
            () if wish(Wish::Perhaps) => Wish::Perhaps,
            () => Wish::Never,
        };
        Awaited { accept: Wish::Never, application }
    }

    /// How long to wait for the next one; `None` when there is none to come.
    fn patience(&self, wait: Duration) -> Option<Duration> {
        match (self.accept, self.application) {
            (Wish::Never, Wish::Never) => None,
            (Wish::Always, _) | (_, Wish::Always) => Some(wait),
            _ => Some(PERHAPS.min(wait)),
        }
    }

    fn heard(&mut self, answer: &[u8]) {
        let text = charset::decode(answer).value;
        let code = Message::parse(&text).ok().and_then(|m| Some(m.value.first("MSA")?.peek(1).text().into_owned()));
        match code.as_deref() {
            Some("CA") => self.accept = Wish::Never,
            // What was not accepted is not applied, and what was applied had been accepted.
            _ => (self.accept, self.application) = (Wish::Never, Wish::Never),
        }
    }
}

/// Each acknowledgement as a line, its errors below.
fn show(name: &str, answer: &[u8], tally: &mut Tally) {
    let batch = hl7v2::batch(answer);
    for message in batch.map_or_else(|| vec![answer], |batch| batch.messages) {
        let text = charset::decode(message).value;
        let Ok(message) = Message::parse(&text) else {
            tally.ill += 1;
            say(&format!("??  {name}  (the answer is not HL7 v2)"));
            continue;
        };
        let message = message.value;
        let field = |segment: &str, number: u16| {
            message.first(segment).map(|s| s.peek(number).whole_text().into_owned()).unwrap_or_default()
        };
        let code = field("MSA", 1);
        if matches!(code.as_str(), "AA" | "CA") {
            tally.well += 1
        } else {
            tally.ill += 1
        }
        say(format!("{code}  {name}  {} {}", field("MSA", 2), field("MSA", 3)).trim_end());
        for error in message.all("ERR") {
            let part = |number: u16| error.peek(number).whole_text().into_owned();
            let sentence = if issues::japanese() && !part(8).is_empty() { part(8) } else { part(7) };
            say(&format!(
                "    {} {} {} [{}]{}",
                part(4),
                part(2),
                sentence,
                error.peek(5).component(1).text(),
                part(1)
            ));
        }
    }
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

fn told(error: &io::Error) -> String {
    match error.kind() {
        _ if is_late(error) => "no answer in time".to_owned(),
        io::ErrorKind::UnexpectedEof => "the connection was closed before the answer".to_owned(),
        io::ErrorKind::InvalidData => "the answer is not MLLP".to_owned(),
        _ => error.to_string(),
    }
}
