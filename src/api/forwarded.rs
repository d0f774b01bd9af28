//! The address under which a caller reached the gateway through a proxy (http.html#custom): `X-Forwarded-Proto`,
//! `X-Forwarded-Host` and `X-Forwarded-Prefix` count when a proxy that the configuration trusts sends them.

use std::borrow::Cow;

use actix_web::HttpRequest;

use crate::app::Gateway;

/// Longest host or prefix that is taken over, bytes.
const PART_BYTES_MAX: usize = 255;

/// The URL of the FHIR API, without a slash at the end: what a trusted proxy says, otherwise what the configuration says.
pub(super) fn base_url<'g>(request: &HttpRequest, gateway: &'g Gateway) -> Cow<'g, str> {
    let configured = Cow::Borrowed(gateway.base_url());
    let proxies = &gateway.http().proxies;
    // Without trusted proxies nothing else is looked at.
    let is_trusted =
        !proxies.is_empty() && request.peer_addr().is_some_and(|peer| proxies.iter().any(|p| p.holds(peer.ip())));
    if !is_trusted {
        return configured;
    }
    let said = |name: &str| {
        let value = request.headers().get(name)?.to_str().ok()?;
        // Each proxy adds its own word; the first is the one the caller spoke to.
        Some(value.split(',').next().unwrap_or_default().trim())
    };
    forwarded(&configured, said("x-forwarded-proto"), said("x-forwarded-host"), said("x-forwarded-prefix"))
        .map_or(configured, Cow::Owned)
}

/// The configured URL with the parts that are said in the place of its own; `None` when none is, or one is none.
fn forwarded(configured: &str, proto: Option<&str>, host: Option<&str>, prefix: Option<&str>) -> Option<String> {
    if proto.is_none() && host.is_none() && prefix.is_none() {
        return None;
    }
    let (own_proto, rest) = configured.split_once("://")?;
    let (own_host, own_path) = rest.split_once('/').unwrap_or((rest, ""));
    let proto = proto.unwrap_or(own_proto);
    let host = host.unwrap_or(own_host);
    let prefix = prefix.map(|prefix| prefix.trim_matches('/')).unwrap_or_default();
    let is_host = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b);
    let is_path = |b: u8| b.is_ascii_alphanumeric() || b"-._~/%".contains(&b);
    let fits = matches!(proto, "http" | "https")
        && (1..=PART_BYTES_MAX).contains(&host.len())
        && prefix.len() <= PART_BYTES_MAX
        && host.bytes().all(is_host)
        && prefix.bytes().all(is_path);
    let path: Vec<&str> = [prefix, own_path].into_iter().filter(|part| !part.is_empty()).collect();
    let slash = if path.is_empty() { "" } else { "/" };
    fits.then(|| format!("{proto}://{host}{slash}{}", path.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_takes_the_place_of_what_is_configured() {
        let own = "http://127.0.0.1:8080/fhir";
        for (proto, host, prefix, expected) in [
            (None, None, None, None),
            (Some("https"), Some("care.example"), None, Some("https://care.example/fhir")),
            (Some("https"), Some("care.example:8443"), Some("/a/b/"), Some("https://care.example:8443/a/b/fhir")),
            (None, None, Some("a"), Some("http://127.0.0.1:8080/a/fhir")),
            (Some("https"), None, None, Some("https://127.0.0.1:8080/fhir")),
            (Some("ftp"), Some("care.example"), None, None),
            (None, Some(""), None, None),
            (None, Some("a/b"), None, None),
            (None, Some("a\"b"), None, None),
            (None, None, Some("a?b"), None),
        ] {
            assert_eq!(forwarded(own, proto, host, prefix).as_deref(), expected, "{proto:?} {host:?} {prefix:?}");
        }
        assert_eq!(forwarded("http://a", None, Some("b"), None).as_deref(), Some("http://b"));
        let (longest, longer) = ("a".repeat(PART_BYTES_MAX), "a".repeat(PART_BYTES_MAX + 1));
        assert!(forwarded(own, None, Some(&longest), None).is_some());
        assert!(forwarded(own, None, Some(&longer), None).is_none());
    }
}
