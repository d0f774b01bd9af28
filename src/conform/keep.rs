//! Where a value is found in an answer: `location.id`, `location.version`, `etag`, `header NAME`, `body`, `status`, `link REL`,
//! a field `MSA-2`, or FHIRPath.

use serde_json::Value;

use super::check::value_of;
use super::outcome::Answer;
use super::{bundle, mllp};

/// The value, or why there is none.
pub(super) fn find(place: &str, answer: &Answer, json: Option<&Value>) -> Result<String, String> {
    let location = answer.header("location").unwrap_or_default();
    let found = match place.split_once(' ') {
        Some(("header", name)) => answer.header(&name.trim().to_ascii_lowercase()).map(str::to_owned),
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
