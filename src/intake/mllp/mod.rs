//! MLLP (HL7 Implementation Guide, appendix C): HL7 v2 messages over TCP or TLS, each answered on its connection once it is
//! durable. A thread for each connection, so that what one peer does disturbs no other.

mod answer;
mod channel;
mod connection;
mod error;
mod frame;
mod listener;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

pub use answer::{Delivered, Stamp, Verdict, answers};
pub use frame::{Found, Framer, framed};
pub use listener::Listener;

/// Where and how to listen.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address and port; port 0 takes a free one.
    pub address: SocketAddr,
    /// TLS, which should ask for the client's certificate; `None` for plain TCP.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Limits on what a peer may do.
    pub limits: Limits,
}

/// Limits on what peers may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest message or batch.
    pub frame_bytes_max: usize,
    /// From the beginning of a frame to its end; also for a TLS handshake, and for a peer to read its answer.
    pub frame_time_max: Duration,
    /// Between two frames.
    pub idle_time_max: Duration,
    /// Connections in all.
    pub connections_max: usize,
    /// Connections from one address.
    pub connections_per_address_max: usize,
}

/// The other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Where it is.
    pub address: IpAddr,
    /// The certificates it showed (DER), verified, its own first.
    pub certificates: Vec<Vec<u8>>,
}

/// What takes the frames of one connection. What it answers is durable (invariant 1); it blocks on storage.
pub type Deliver = Box<dyn Fn(&[u8]) -> Delivered + Send>;

/// Who takes in what arrives.
pub trait Receiver: Send + Sync {
    /// Takes the frames of a peer; `None` when it may send nothing, and its connection is closed.
    fn admit(&self, peer: &Peer) -> Option<Deliver>;

    /// Milliseconds since 1970.
    fn now_ms(&self) -> i64;
}
