//! The socket that listens: so many connections in all and from one address, a thread for each, and a clean end.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Peer, Receiver, Settings, connection};

/// How long frames under way may take to be answered when the gateway stops.
const FAREWELL: Duration = Duration::from_secs(10);
/// How long to wait when the machine has no socket left.
const EXHAUSTED: Duration = Duration::from_millis(50);

/// A listener that runs until it is stopped or dropped.
pub struct Listener {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    settings: Settings,
    receiver: Arc<dyn Receiver>,
    stopping: AtomicBool,
    open: Mutex<Open>,
    closed: Condvar,
}

/// The connections that are open.
#[derive(Default)]
struct Open {
    next: u64,
    sockets: HashMap<u64, (IpAddr, TcpStream)>,
}

impl Listener {
    /// Listens; frames go to the receiver.
    pub fn start(settings: Settings, receiver: Arc<dyn Receiver>) -> std::io::Result<Listener> {
        let listener = TcpListener::bind(settings.address)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            settings,
            receiver,
            stopping: AtomicBool::new(false),
            open: Mutex::default(),
            closed: Condvar::new(),
        });
        let accepting = shared.clone();
        let thread =
            std::thread::Builder::new().name("mllp".into()).spawn(move || Shared::accept(&accepting, &listener))?;
        Ok(Listener { address, shared, thread: Some(thread) })
    }

    /// The address that is listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Takes no further frame, and waits until those under way are answered.
impl Drop for Listener {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect_timeout(&reachable(self.address), Duration::from_secs(1));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let open = self.shared.open();
        for (_, socket) in open.sockets.values() {
            let _ = socket.shutdown(Shutdown::Read);
        }
        let _ = self.shared.closed.wait_timeout_while(open, FAREWELL, |open| !open.sockets.is_empty());
    }
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Listener({})", self.address)
    }
}

impl Shared {
    fn accept(shared: &Arc<Shared>, listener: &TcpListener) {
        for socket in listener.incoming() {
            if shared.stopping.load(Ordering::Relaxed) {
                return;
            }
            let Ok(socket) = socket else {
                std::thread::sleep(EXHAUSTED);
                continue;
            };
            let Some((number, peer)) = shared.enter(&socket) else { continue };
            let own = shared.clone();
            let spawned = std::thread::Builder::new().name("mllp".into()).spawn(move || {
                let _left = Left { shared: &own, number };
                connection::serve(socket, peer, &own.settings, &*own.receiver, &own.stopping);
            });
            if spawned.is_err() {
                shared.leave(number);
            }
        }
    }

    /// Counts a connection; `None` when there are as many as there may be, and it is closed.
    fn enter(&self, socket: &TcpStream) -> Option<(u64, Peer)> {
        let address = socket.peer_addr().ok()?.ip().to_canonical();
        let _ = socket.set_nodelay(true);
        let other = socket.try_clone().ok()?;
        let limits = self.settings.limits;
        let mut open = self.open();
        let from_there = open.sockets.values().filter(|(ip, _)| *ip == address).count();
        if open.sockets.len() >= limits.connections_max || from_there >= limits.connections_per_address_max {
            tracing::warn!(%address, "mllp: too many connections");
            return None;
        }
        open.next += 1;
        let number = open.next;
        open.sockets.insert(number, (address, other));
        Some((number, Peer { address, certificates: Vec::new() }))
    }

    fn leave(&self, number: u64) {
        self.open().sockets.remove(&number);
        self.closed.notify_all();
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leaves however the thread ends.
struct Left<'a> {
    shared: &'a Shared,
    number: u64,
}

impl Drop for Left<'_> {
    fn drop(&mut self) {
        self.shared.leave(self.number);
    }
}

/// An address to connect to: "all addresses" is none.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
