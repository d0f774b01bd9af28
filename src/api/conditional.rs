//! Conditions that a request puts (RFC 9110 section 13; http.html#cread, #concurrency, #ccreate): `If-Match`,
//! `If-None-Match`, `If-Modified-Since`, `If-None-Exist`, as headers and as the members of Bundle.entry.request.

use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::HttpRequest;
use actix_web::http::header::{self, AsHeaderName, HttpDate};

use super::answer::Answer;
use super::metadata::offer::common_parameters;
use super::rules;
use crate::fault::Status;

/// The versions that `If-Match` or `If-None-Match` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Versions {
    /// `*`: whatever version there is.
    Any,
    /// These version ids; one that no version of ours can have matches nothing.
    These(Vec<String>),
}

/// Why a condition cannot be used: it is not written as the standard has it. Holds the name of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

impl Versions {
    /// Reads `*`, or entity tags: `W/"3"`, `"3"`, and the bare `3` that some clients send. `None` for anything else.
    pub(super) fn parse(text: &str) -> Option<Versions> {
        if text.trim() == "*" {
            return Some(Versions::Any);
        }
        text.split(',').map(version_id).collect::<Option<Vec<_>>>().map(Versions::These)
    }

    /// Whether a version is among them.
    pub(super) fn hold(&self, version: u32) -> bool {
        match self {
            Versions::Any => true,
            Versions::These(ids) => ids.iter().any(|id| *id == version.to_string()),
        }
    }
}

impl From<Malformed> for Answer {
    fn from(malformed: Malformed) -> Answer {
        Answer::refuse(Status::BadRequest, &rules::MALFORMED_CONDITION, malformed.0)
    }
}

/// `If-Match`: the versions of which one must be the current one. `None` where the header is not sent.
pub(super) fn if_match(request: &HttpRequest) -> Result<Option<Versions>, Malformed> {
    versions(request, header::IF_MATCH, Malformed("If-Match"))
}

/// `If-None-Match`: the versions of which none must be the current one. `None` where the header is not sent.
pub(super) fn if_none_match(request: &HttpRequest) -> Result<Option<Versions>, Malformed> {
    versions(request, header::IF_NONE_MATCH, Malformed("If-None-Match"))
}

/// `If-Modified-Since`, milliseconds since 1970; whole seconds. `None` where the header is not sent.
pub(super) fn if_modified_since(request: &HttpRequest) -> Result<Option<i64>, Malformed> {
    let Some(value) = request.headers().get(header::IF_MODIFIED_SINCE) else { return Ok(None) };
    let date = value.to_str().ok().and_then(|text| HttpDate::from_str(text).ok());
    let since = SystemTime::from(date.ok_or(Malformed("If-Modified-Since"))?).duration_since(UNIX_EPOCH);
    // Before 1970 nothing was stored.
    Ok(Some(since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))))
}

/// `If-None-Exist`: the criteria by which a create finds what is there already, as a query (`identifier=…`). `None` where
/// the header is not sent.
pub(super) fn if_none_exist(request: &HttpRequest, type_name: &str) -> Result<Option<String>, Malformed> {
    const WRONG: Malformed = Malformed("If-None-Exist");
    let text = one(request, "if-none-exist", WRONG)?;
    text.map(|text| criteria(text, type_name).ok_or(WRONG)).transpose()
}

/// The query of criteria, which may be written bare, with `?` before it, or with the type (`Patient?identifier=…`).
/// `None` where there are none, or where another type is named.
pub(super) fn criteria(text: &str, type_name: &str) -> Option<String> {
    let text = text.trim();
    // A question mark further back belongs to a value.
    let query = match text.split_once('?') {
        Some((before, query)) if before.is_empty() || before == type_name => query,
        Some((before, _)) if !before.contains(['=', '&']) => return None,
        _ => text,
    };
    let names_something = query.split('&').any(|pair| pair.split_once('=').is_some_and(|(name, _)| !name.is_empty()));
    names_something.then(|| query.to_owned())
}

/// Whether the address of a create names search parameters. The criteria of a create are a header (http.html#ccreate):
/// to whoever puts them into the address a second resource would be made in place of the one that is there. What begins
/// with `_` and is no search parameter (`_format`) finds nothing.
pub(super) fn has_criteria(query: &str) -> bool {
    let name = |pair: &str| pair.split(['=', ':']).next().unwrap_or_default().to_owned();
    let mut names = query.split('&').map(name).filter(|name| !name.is_empty()).peekable();
    if names.peek().is_none() {
        return false;
    }
    let common = common_parameters();
    names.any(|name| !name.starts_with('_') || common.iter().any(|parameter| parameter.name == name))
}

/// Whether a read is answered with "not modified": `If-None-Match` counts, and `If-Modified-Since` where that is not sent
/// (RFC 9110 section 13.2.2). A condition that cannot be read is as if it were not sent: the answer is the resource.
pub(super) fn is_unchanged(request: &HttpRequest, version: u32, modified_ms: i64) -> bool {
    let headers = request.headers();
    if headers.contains_key(header::IF_NONE_MATCH) {
        return if_none_match(request).is_ok_and(|versions| versions.is_some_and(|versions| versions.hold(version)));
    }
    // Last-Modified has no fractions of a second.
    let modified_ms = modified_ms.div_euclid(1000) * 1000;
    headers.contains_key(header::IF_MODIFIED_SINCE)
        && if_modified_since(request).is_ok_and(|since| since.is_some_and(|since| since >= modified_ms))
}

fn versions(request: &HttpRequest, name: impl AsHeaderName, wrong: Malformed) -> Result<Option<Versions>, Malformed> {
    let mut found: Option<Versions> = None;
    for value in request.headers().get_all(name) {
        let more = value.to_str().ok().and_then(Versions::parse).ok_or(wrong)?;
        found = Some(match (found, more) {
            (None, more) => more,
            (Some(Versions::These(mut ids)), Versions::These(more)) => {
                ids.extend(more);
                Versions::These(ids)
            }
            _ => return Err(wrong),
        });
    }
    Ok(found)
}

/// The one value of a header that may be sent once.
fn one<'r>(request: &'r HttpRequest, name: &str, wrong: Malformed) -> Result<Option<&'r str>, Malformed> {
    let mut values = request.headers().get_all(name);
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| wrong),
        _ => Err(wrong),
    }
}

/// The version id of one entity tag.
fn version_id(tag: &str) -> Option<String> {
    let tag = tag.trim();
    let tag = tag.strip_prefix("W/").or_else(|| tag.strip_prefix("w/")).unwrap_or(tag);
    let id = match tag.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"')?,
        None => tag,
    };
    let is_plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_graphic() && b != b'"');
    is_plain.then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn these(ids: &[&str]) -> Option<Versions> {
        Some(Versions::These(ids.iter().map(|id| (*id).to_owned()).collect()))
    }

    #[test]
    fn entity_tags_are_weak_strong_or_bare() {
        for (text, expected) in [
            ("*", Some(Versions::Any)),
            ("W/\"3\"", these(&["3"])),
            ("\"3\"", these(&["3"])),
            ("3", these(&["3"])),
            (" W/\"3\" , \"a-b.c\"", these(&["3", "a-b.c"])),
            ("", None),
            ("W/", None),
            ("W/\"3", None),
            ("3\"", None),
            ("\"\"", None),
            ("\"3\" \"4\"", None),
            ("W/\"3\",", None),
        ] {
            assert_eq!(Versions::parse(text), expected, "{text}");
        }
        assert!(Versions::Any.hold(9));
        assert!(these(&["3", "x"]).is_some_and(|v| v.hold(3) && !v.hold(4)));
        assert!(these(&["03"]).is_some_and(|v| !v.hold(3)));
    }

    #[test]
    fn headers_are_absent_read_or_malformed() {
        let request = |name: &'static str, values: &[&'static str]| {
            let add = |request: TestRequest, value: &&'static str| request.append_header((name, *value));
            values.iter().fold(TestRequest::get(), add).to_http_request()
        };
        assert_eq!(if_match(&request("x", &[])), Ok(None));
        assert_eq!(if_match(&request("if-match", &["W/\"1\"", "\"2\""])), Ok(these(&["1", "2"])));
        assert_eq!(if_match(&request("if-match", &["*", "\"2\""])), Err(Malformed("If-Match")));
        assert_eq!(if_none_match(&request("if-none-match", &["\""])), Err(Malformed("If-None-Match")));
        let since = |text: &'static str| if_modified_since(&request("if-modified-since", &[text]));
        assert_eq!(since("Sat, 21 Nov 2026 00:30:00 GMT"), Ok(Some(1_795_221_000_000)));
        assert_eq!(since("yesterday"), Err(Malformed("If-Modified-Since")));
        assert_eq!(if_modified_since(&request("x", &[])), Ok(None));
        let exist = |values: &[&'static str]| if_none_exist(&request("if-none-exist", values), "Patient");
        assert_eq!(exist(&[]), Ok(None));
        assert_eq!(exist(&["identifier=s|v"]), Ok(Some("identifier=s|v".into())));
        assert_eq!(exist(&["identifier=s|v", "name=x"]), Err(Malformed("If-None-Exist")));
        for wrong in ["", "?", "Patient?", "identifier", "=v", "Observation?identifier=s|v"] {
            assert_eq!(criteria(wrong, "Patient"), None, "{wrong}");
        }
        for right in ["?identifier=s|v?", "Patient?identifier=s|v?", "identifier=s|v?"] {
            assert_eq!(criteria(right, "Patient").as_deref(), Some("identifier=s|v?"), "{right}");
        }
    }

    #[test]
    fn criteria_of_a_create_are_told_from_forms() {
        for query in ["identifier=s|v", "_format=json&_id=x", "_tag:not=a|b", "_has:Observation:patient:code=x"] {
            assert!(has_criteria(query), "{query}");
        }
        for query in ["", "&", "_format=json", "_pretty=true&_summary=false", "_filename=a.txt"] {
            assert!(!has_criteria(query), "{query}");
        }
    }

    #[test]
    fn a_read_is_unchanged_by_version_or_else_by_time() {
        const MODIFIED: i64 = 1_795_221_000_999;
        let (same, later, earlier) =
            ("Sat, 21 Nov 2026 00:30:00 GMT", "Sat, 21 Nov 2026 00:30:01 GMT", "Sat, 21 Nov 2026 00:29:59 GMT");
        for (tag, since, expected) in [
            (None, None, false),
            (Some("W/\"2\""), None, true),
            (Some("\"2\""), None, true),
            (Some("2"), None, true),
            (Some("*"), None, true),
            (Some("W/\"1\""), None, false),
            (Some("\"\"\""), None, false),
            (None, Some(same), true),
            (None, Some(later), true),
            (None, Some(earlier), false),
            (None, Some("now"), false),
            (Some("W/\"1\""), Some(later), false),
            (Some("W/\"2\""), Some(earlier), true),
        ] {
            let mut request = TestRequest::get();
            for (name, value) in [("if-none-match", tag), ("if-modified-since", since)] {
                if let Some(value) = value {
                    request = request.insert_header((name, value));
                }
            }
            assert_eq!(is_unchanged(&request.to_http_request(), 2, MODIFIED), expected, "{tag:?} {since:?}");
        }
    }
}
