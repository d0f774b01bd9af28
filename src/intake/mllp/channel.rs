//! A connection with a deadline on every read and write, plain or TLS: a peer that sends one byte at a time gains nothing.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A socket that reads and writes until an instant and not longer.
pub(super) struct Timed {
    socket: TcpStream,
    until: Instant,
}

/// A connection.
pub(super) enum Channel {
    Plain(Timed),
    Tls(Box<StreamOwned<ServerConnection, Timed>>),
}

impl Timed {
    pub(super) fn new(socket: TcpStream, until: Instant) -> Self {
        Timed { socket, until }
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(self.left()?))?;
        self.socket.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(self.left()?))?;
        self.socket.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

impl Channel {
    /// The connection, and over TLS the client's certificates (DER), which are asked for. The handshake must be done by the
    /// deadline.
    pub(super) fn accept(mut timed: Timed, tls: Option<&Arc<ServerConfig>>) -> io::Result<(Channel, Vec<Vec<u8>>)> {
        let Some(tls) = tls else { return Ok((Channel::Plain(timed), Vec::new())) };
        let mut connection = ServerConnection::new(tls.clone()).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut timed)?;
        }
        let shown = connection.peer_certificates().unwrap_or_default();
        let certificates = shown.iter().map(|der| der.to_vec()).collect();
        Ok((Channel::Tls(Box::new(StreamOwned::new(connection, timed))), certificates))
    }

    /// From now on, reads and writes fail after this instant.
    pub(super) fn until(&mut self, instant: Instant) {
        self.timed().until = instant;
    }

    /// Says that nothing more will be written and lets the peer read what was: closing at once would throw away what it
    /// has not read yet, because it is still sending.
    pub(super) fn finish(mut self, until: Instant, bytes_max: usize) {
        if let Channel::Tls(stream) = &mut self {
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
        let timed = self.timed();
        timed.until = until;
        let _ = timed.socket.shutdown(Shutdown::Write);
        let (mut rest, mut read) = ([0; 4096], 0);
        while let Ok(1..) = timed.read(&mut rest).inspect(|length| read += length) {
            if read > bytes_max {
                return;
            }
        }
    }

    fn timed(&mut self) -> &mut Timed {
        match self {
            Channel::Plain(timed) => timed,
            Channel::Tls(stream) => &mut stream.sock,
        }
    }
}

impl Read for Channel {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Channel::Plain(timed) => timed.read(buffer),
            Channel::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Channel {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Channel::Plain(timed) => timed.write(buffer),
            Channel::Tls(stream) => stream.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Channel::Plain(timed) => timed.flush(),
            Channel::Tls(stream) => stream.flush(),
        }
    }
}
