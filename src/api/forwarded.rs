//! The address under which a caller reached the gateway through a proxy (http.html#custom): `X-Forwarded-Proto`,
//! `X-Forwarded-Host` and `X-Forwarded-Prefix` count when a proxy that the configuration trusts sends them.

use actix_web::HttpRequest;

use super::answer::{Answer, Content};
use crate::app::Gateway;
use crate::fhir::json::{Members, copy, items};

/// Longest host or prefix that is taken over, bytes.
const PART_BYTES_MAX: usize = 255;

/// The URL of the FHIR API as a trusted proxy says it, without a slash at the end; `None` where it is the configured one.
pub(super) fn base_url(request: &HttpRequest, gateway: &Gateway) -> Option<String> {
    let proxies = &gateway.http().proxies;
    // Without trusted proxies nothing else is looked at.
    if proxies.is_empty() {
        return None;
    }
    let peer = request.peer_addr()?.ip();
    let said = |name: &str| {
        let value = request.headers().get(name)?.to_str().ok()?;
        // Each proxy adds its own word; the first is the one the caller spoke to.
        Some(value.split(',').next().unwrap_or_default().trim())
    };
    let parts = [said("x-forwarded-proto"), said("x-forwarded-host"), said("x-forwarded-prefix")];
    let base = proxies.iter().any(|proxy| proxy.holds(peer)).then(|| forwarded(gateway.base_url(), parts)).flatten()?;
    (base != gateway.base_url()).then_some(base)
}

/// The answer with the addresses that the gateway itself wrote (Location, links, fullUrl, implementation.url) under another
/// base. What resources say is left as it is.
pub(super) fn under(answer: Answer, own: &str, base: &str) -> Answer {
    let moved = |url: &str| {
        let rest = url.strip_prefix(own).filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']))?;
        Some(format!("{base}{rest}"))
    };
    let content = match answer.content {
        // A version of a resource says what its author said.
        Content::Fhir(body) if answer.version.is_none() => {
            let text = std::str::from_utf8(body.peek()).ok().and_then(|text| rewritten(text, &moved));
            Content::Fhir(match text {
                Some(text) => body.map(|_| text.into_bytes()),
                None => body,
            })
        }
        other => other,
    };
    let headers = answer.headers.into_iter().map(|(name, value)| (name, moved(&value).unwrap_or(value)));
    let location = answer.location.map(|location| moved(&location).unwrap_or(location));
    Answer { content, location, headers: headers.collect(), ..answer }
}

/// A Bundle or a CapabilityStatement with the gateway's own addresses moved; `None` for any other resource.
fn rewritten(text: &str, moved: &impl Fn(&str) -> Option<String>) -> Option<String> {
    let resource = Members::of(text)?;
    if !matches!(resource.get("resourceType")?, "\"Bundle\"" | "\"CapabilityStatement\"") {
        return None;
    }
    let address = |value: &str| {
        let url = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).and_then(moved);
        url.map_or_else(|| value.to_owned(), |url| format!("\"{url}\""))
    };
    let member = |name: &str, value: &str| match name {
        "link" | "implementation" => {
            let mut out = String::with_capacity(value.len() + 64);
            copy(value, &mut out, |name, url| if name == "url" { moved(url) } else { None });
            out
        }
        "fullUrl" => address(value),
        "response" => object(value, |name, value| if name == "location" { address(value) } else { value.to_owned() }),
        _ => value.to_owned(),
    };
    Some(object(text, |name, value| match name {
        "entry" => {
            let entries: Vec<String> = items(value).into_iter().map(|entry| object(entry, member)).collect();
            format!("[{}]", entries.join(","))
        }
        _ => member(name, value),
    }))
}

/// An object with each of its values changed; what is none stays as it is.
fn object(text: &str, change: impl Fn(&str, &str) -> String) -> String {
    let Some(members) = Members::of(text) else { return text.to_owned() };
    let members = members.0.iter().map(|(name, value)| format!("\"{name}\":{}", change(name, value)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// The configured URL with the parts that are said in the place of its own; `None` when none is, or one is none.
fn forwarded(configured: &str, [proto, host, prefix]: [Option<&str>; 3]) -> Option<String> {
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
            assert_eq!(forwarded(own, [proto, host, prefix]).as_deref(), expected, "{proto:?} {host:?} {prefix:?}");
        }
        assert_eq!(forwarded("http://a", [None, Some("b"), None]).as_deref(), Some("http://b"));
        let (longest, longer) = ("a".repeat(PART_BYTES_MAX), "a".repeat(PART_BYTES_MAX + 1));
        assert!(forwarded(own, [None, Some(&longest), None]).is_some());
        assert!(forwarded(own, [None, Some(&longer), None]).is_none());
    }

    #[test]
    fn only_what_the_gateway_wrote_is_moved() {
        let moved = |url: &str| url.strip_prefix("http://own/fhir").map(|rest| format!("https://other/x{rest}"));
        let bundle = |base: &str| {
            format!(
                r#"{{"resourceType":"Bundle","link":[{{"relation":"self","url":"{base}/Patient?a=b"}}],"entry":[{{"fullUrl":"{base}/Patient/1","resource":{{"resourceType":"Patient","photo":[{{"url":"http://own/fhir/Binary/2"}}],"multipleBirthInteger":1.0}},"response":{{"status":"201","location":"{base}/Patient/1/_history/1"}}}},{{"fullUrl":"urn:uuid:1"}}]}}"#
            )
        };
        assert_eq!(rewritten(&bundle("http://own/fhir"), &moved), Some(bundle("https://other/x")));
        let statement = |base: &str| {
            format!(r#"{{"resourceType":"CapabilityStatement","implementation":{{"description":"x","url":"{base}"}}}}"#)
        };
        assert_eq!(rewritten(&statement("http://own/fhir"), &moved), Some(statement("https://other/x")));
        assert_eq!(rewritten(r#"{"resourceType":"Patient"}"#, &moved), None);
        assert_eq!(rewritten("[", &moved), None);
    }
}
