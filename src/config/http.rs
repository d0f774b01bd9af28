//! HTTP as the configuration has it, checked: which pages may call, and which proxies are believed.

use std::net::IpAddr;

use toml::Spanned;

use super::check::Check;
use super::file;
use super::problem::{self, Problem};

/// What is configured about HTTP itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// The pages whose scripts may call.
    pub origins: Origins,
    /// The proxies whose word about the caller's address of the gateway counts.
    pub proxies: Vec<Network>,
}

/// The origins of pages whose scripts may call (Fetch standard, CORS protocol).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Any: a script needs a token all the same, and no cookie or client certificate is ever taken from a browser.
    Any,
    /// These: `https://app.example`, as browsers write them. None when empty.
    These(Vec<String>),
}

/// Addresses that begin alike: `10.0.0.0/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// How many bits count.
    bits: u32,
}

impl Network {
    /// Reads an address, or a network as address and number of bits.
    pub fn parse(text: &str) -> Option<Network> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let is_number = |bits: &str| !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit());
        let bits = match bits {
            None => most,
            Some(bits) => Some(bits).filter(|bits| is_number(bits))?.parse().ok().filter(|bits| *bits <= most)?,
        };
        Some(Network { address, bits })
    }

    /// Whether an address belongs to it. An IPv4 address that came over IPv6 is the IPv4 address.
    pub fn holds(&self, address: IpAddr) -> bool {
        let differing = match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros(),
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros(),
            _ => return false,
        };
        differing >= self.bits
    }
}

impl Check<'_> {
    pub(super) fn http(&self, file: &file::File) -> Result<Http, Problem> {
        let mut proxies = Vec::with_capacity(file.proxy.trusted.len());
        for written in &file.proxy.trusted {
            let network = Network::parse(written.get_ref());
            proxies.push(network.ok_or_else(|| self.at("proxy.trusted", written, &problem::NETWORK, String::new()))?);
        }
        Ok(Http { origins: self.origins(file)?, proxies })
    }

    fn origins(&self, file: &file::File) -> Result<Origins, Problem> {
        let Some(written) = &file.cors.origins else { return Ok(Origins::Any) };
        if let Some(wrong) = written.iter().find(|one| one.get_ref() != "*" && !is_origin(one.get_ref())) {
            return Err(self.at("cors.origins", wrong, &problem::ORIGIN, String::new()));
        }
        let any = written.iter().any(|one| one.get_ref() == "*");
        Ok(if any { Origins::Any } else { Origins::These(written.iter().map(Spanned::get_ref).cloned().collect()) })
    }
}

/// Scheme, host and port, as a browser writes them: in lower case, nothing behind them.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_plain =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
    host.is_some_and(|host| !host.is_empty() && host.bytes().all(is_plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_what_begins_like_it() {
        for (network, address, expected) in [
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false),
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::1", "::1", true),
        ] {
            let holds = Network::parse(network).unwrap().holds(address.parse().unwrap());
            assert_eq!(holds, expected, "{network} {address}");
        }
        for wrong in ["", "10.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/+8", "::/129", "proxy.example"] {
            assert_eq!(Network::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for right in ["https://app.example", "http://localhost:3000", "http://[::1]:8080"] {
            assert!(is_origin(right), "{right}");
        }
        for wrong in ["", "https://", "app.example", "https://app.example/", "https://App.example", "null", "*"] {
            assert!(!is_origin(wrong), "{wrong}");
        }
    }
}
