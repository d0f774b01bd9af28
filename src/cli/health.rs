//! `tasuki health --config FILE`: whether the gateway on this machine listens; for health checks of containers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{fail, issues};
use crate::config::Config;
use crate::fault::Exit;

/// How long the gateway may take to accept a connection.
const WAIT: Duration = Duration::from_secs(3);

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The configuration the gateway runs with
    #[arg(long)]
    config: PathBuf,
}

pub(super) fn run(options: &Options) -> Exit {
    let config = match Config::load(&options.config) {
        Ok(config) => config,
        Err(problem) => return fail(problem.exit(), &issues::sentence(&problem)),
    };
    match TcpStream::connect_timeout(&reachable(config.listen), WAIT) {
        Ok(_) => Exit::Done,
        Err(error) => fail(Exit::Machine, &format!("{} does not answer: {error}", config.listen)),
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
