//! How much of one resource is wanted: `_summary` and `_elements` of a read or vread (http.html#read, search.html#summary,
//! search.html#elements).

use super::asked::decoded;
use super::routes::printable;
use super::rules;
use crate::fault::{Issue, Place};
use crate::fhir::subset::{Part, subset};

/// How much of a resource is wanted; the default is all of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    summary: Summary,
    elements: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Summary {
    #[default]
    Unsaid,
    True,
    Text,
    Data,
}

impl Extent {
    /// Reads it from a query; what else the query says is passed over. An issue names a parameter whose value is none
    /// (`_summary=count` counts what a search finds, and there is one resource here).
    pub(super) fn parse(query: &str) -> Result<Self, Issue> {
        let mut extent = Extent::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if !matches!(name, "_summary" | "_elements") {
                continue;
            }
            let wrong = || Issue::with(&rules::VALUE, Place::Whole, printable(name));
            let value = decoded(value).ok_or_else(wrong)?;
            match (name, value.as_str()) {
                (_, "") => {}
                ("_summary", "true") => extent.summary = Summary::True,
                ("_summary", "text") => extent.summary = Summary::Text,
                ("_summary", "data") => extent.summary = Summary::Data,
                ("_summary", "false") => extent.summary = Summary::Unsaid,
                ("_summary", _) => return Err(wrong()),
                (_, names) => {
                    let is_name = |name: &str| {
                        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._[]".contains(&b))
                    };
                    extent.elements = names.split(',').map(|name| name.trim().to_owned()).collect();
                    if !extent.elements.iter().all(|name| is_name(name)) {
                        return Err(wrong());
                    }
                }
            }
        }
        Ok(extent)
    }

    /// As much of a resource (its JSON) as is wanted, tagged SUBSETTED where that is not all.
    pub(super) fn of(&self, whole: Vec<u8>) -> Vec<u8> {
        let elements: Vec<&str> = self.elements.iter().map(String::as_str).collect();
        let part = match self.summary {
            Summary::True => Part::Summary,
            Summary::Text => Part::Text,
            Summary::Data => Part::Data,
            Summary::Unsaid if elements.is_empty() => return whole,
            Summary::Unsaid => Part::Elements(&elements),
        };
        let cut = std::str::from_utf8(&whole).ok().and_then(|whole| subset(whole, part));
        cut.map_or(whole, String::into_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_read_or_refused() {
        const PATIENT: &str =
            r#"{"resourceType":"Patient","id":"p","text":{"status":"empty"},"photo":[{"title":"x"}],"gender":"male"}"#;
        let cut =
            |query: &str| Extent::parse(query).map(|extent| String::from_utf8(extent.of(PATIENT.into())).unwrap());
        for whole in ["", "_format=json", "_summary=false", "_summary=", "_elements="] {
            assert_eq!(cut(whole).as_deref(), Ok(PATIENT), "{whole}");
        }
        for (query, there, absent) in [
            ("_summary=true", "gender", "photo"),
            ("_summary=data", "photo", "\"text\""),
            ("_summary=text", "\"text\"", "gender"),
            ("_elements=photo,%20gender", "photo", "\"text\""),
            ("_elements=gender&_summary=text", "\"text\"", "gender"),
        ] {
            let found = cut(query).unwrap();
            assert!(found.contains(there) && !found.contains(absent) && found.contains("SUBSETTED"), "{query} {found}");
        }
        for wrong in ["_summary=count", "_summary=yes", "_elements=a%20b", "_elements=a,,b", "_elements=%zz"] {
            assert!(cut(wrong).is_err(), "{wrong}");
        }
    }
}
