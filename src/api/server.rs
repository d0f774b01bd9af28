//! The listener: actix-web on plain TCP or TLS, and a clean end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, HttpServer, web};

use super::body::BytesMax;
use super::routes;
use crate::app::Gateway;
use crate::auth::certificate;

/// How long a connection is kept open between two requests, seconds: longer than the proxies and pools in front, which
/// mostly keep theirs for 60, so that none of them sends a request on a connection that is just being closed.
const IDLE_SECONDS_MAX: u64 = 75;

/// Where and how to listen.
#[derive(Debug)]
pub struct Listener {
    /// Address and port; port 0 takes a free one.
    pub address: SocketAddr,
    /// TLS, or plain HTTP.
    pub tls: Option<rustls::ServerConfig>,
    /// Largest body taken in, bytes.
    pub body_bytes_max: usize,
    /// How long the line and the headers of a request may take to arrive, seconds; also a connection on which none does.
    pub head_seconds_max: u64,
    /// Most connections at once; more wait to be accepted.
    pub connections_max: usize,
    /// Threads that answer.
    pub workers: usize,
}

/// The whole API as an actix application is configured with it: what [`serve`] puts behind the listener, and tests call
/// without one.
pub fn configure(config: &mut web::ServiceConfig, gateway: Arc<Gateway>, body_bytes_max: usize) {
    config.app_data(web::Data::from(gateway)).app_data(BytesMax(body_bytes_max));
    routes::configure(config);
}

/// Listens and answers until the process is told to stop (SIGTERM, Ctrl-C); requests under way are finished.
/// `ready` is called once with the address that is listened on.
pub fn serve(gateway: Arc<Gateway>, listener: Listener, ready: impl FnOnce(SocketAddr)) -> std::io::Result<()> {
    let body_bytes_max = listener.body_bytes_max;
    actix_web::rt::System::new().block_on(async move {
        let server =
            HttpServer::new(move || App::new().configure(|config| configure(config, gateway.clone(), body_bytes_max)))
                .workers(listener.workers)
                // Nagle's delay costs 40 ms on answers of more than one packet (measured).
                .tcp_nodelay(true)
                .keep_alive(Duration::from_secs(IDLE_SECONDS_MAX))
                .client_request_timeout(Duration::from_secs(listener.head_seconds_max))
                // The limit is one for each worker.
                .max_connections(listener.connections_max.div_ceil(listener.workers.max(1)))
                .shutdown_timeout(10)
                .on_connect(certificate::remember);
        let server = match listener.tls {
            Some(tls) => server.bind_rustls_0_23(listener.address, tls)?,
            None => server.bind(listener.address)?,
        };
        ready(server.addrs().first().copied().unwrap_or(listener.address));
        server.run().await
    })
}
