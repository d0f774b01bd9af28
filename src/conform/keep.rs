//! Where a value is found in an answer: `location.id`, `location.version`, `etag`, `header NAME`, `body`, `status`, `link REL`,
//! a field `MSA-2`, or FHIRPath.

use reqwest::Url;
use serde_json::Value;

use super::check::value_of;
use super::outcome::Answer;
use super::{bundle, mllp};

/// The value, or why there is none. Addresses in headers are made whole; `asked` is the address that was asked.
pub(super) fn find(place: &str, asked: &str, answer: &Answer, json: Option<&Value>) -> Result<String, String> {
    let location = answer.header("location").unwrap_or_default();
    let found = match place.split_once(' ') {
        Some(("header", name)) => {
            let name = name.trim().to_ascii_lowercase();
            let address = name.ends_with("location");
            answer.header(&name).map(|value| if address { whole(value, asked) } else { value.to_owned() })
        }
        Some(("link", relation)) => json.and_then(|body| bundle::link(body, relation.trim())).map(str::to_owned),
        _ => match place {
            "body" => Some(answer.body.clone()),
            "status" => Some(answer.status.to_string()),
            "location.id" => id_of(location).map(str::to_owned),
            "location.version" => location.split_once("/_history/").map(|(_, version)| version.to_owned()),
            "etag" => answer.header("etag").map(|tag| tag.trim_start_matches("W/").trim_matches('"').to_owned()),
            _ if mllp::is_field(place) => mllp::field(&answer.body, place),
            _ => json.map(|body| value_of(place, body)).transpose()?.flatten(),
        },
    };
    found.filter(|value| !value.is_empty()).ok_or_else(|| format!("{place} is not there"))
}

/// `[type]/[id]` of an address of a version or of a resource: the id.
fn id_of(location: &str) -> Option<&str> {
    let resource = location.split("/_history/").next()?;
    resource.rsplit('/').next().filter(|id| !id.is_empty())
}

/// An address of a header, which may be relative to the one that was asked (RFC 7231, 7.1.2).
pub(super) fn whole(location: &str, asked: &str) -> String {
    let joined = Url::parse(asked).and_then(|asked| asked.join(location));
    joined.map_or_else(|_| location.to_owned(), String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_made_whole() {
        for (location, whole_one) in [
            ("http://other/Patient/1", "http://other/Patient/1"),
            ("/fhir/Patient/1/_history/2", "http://h:1/fhir/Patient/1/_history/2"),
            ("Patient/1", "http://h:1/fhir/Patient/1"),
        ] {
            assert_eq!(whole(location, "http://h:1/fhir/Patient"), whole_one);
        }
    }
}
