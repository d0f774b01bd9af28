//! What a kick-off request asks for (Bulk Data Access IG 2.0, "Query Parameters"), from the address or a Parameters
//! resource. What is not understood is refused, unless the client is content with it being left out
//! (`Prefer: handling=lenient`): an export that leaves out a filter holds too much.

use std::collections::BTreeSet;

use serde_json::Value;

use super::criteria::Criteria;
use super::rules;
use crate::api::asked::decoded;
use crate::api::prefer::{Handling, Prefer};
use crate::api::routes::printable;
use crate::app::{Gateway, Level};
use crate::fault::{Issue, Place};
use crate::fhir::ResourceType;
use crate::fhir::time::Interval;
use crate::search::parameters;

/// Patients that a request can name.
const PATIENTS_MAX: usize = 10_000;
/// The names of the one format there is.
const FORMATS: [&str; 3] = [super::NDJSON, "application/ndjson", "ndjson"];

/// What is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) types: BTreeSet<&'static str>,
    pub(super) filters: Vec<(ResourceType, String)>,
    pub(super) since: Option<i64>,
    /// References to Patients, when there are any.
    pub(super) patients: Option<Vec<String>>,
}

impl Wanted {
    /// Reads pairs of name and value.
    pub(super) fn read(
        gateway: &Gateway,
        prefer: Prefer,
        level: Level,
        pairs: &[(String, String)],
        is_post: bool,
    ) -> Result<Self, Issue> {
        let lenient = prefer.handling == Some(Handling::Lenient);
        let mut wanted = Wanted::default();
        for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
            match wanted.parameter(gateway, level, name, value, is_post) {
                // A date or a patient that cannot be read is no preference of the client's.
                Err(issue) if !lenient || matches!(name.as_str(), "_since" | "patient" | "_outputFormat") => {
                    return Err(issue);
                }
                _ => {}
            }
        }
        if !wanted.types.is_empty() {
            if let Some((other, _)) = wanted.filters.iter().find(|(t, _)| !wanted.types.contains(t.name())) {
                return Err(Issue::with(&rules::TYPE_NOT_ASKED, Place::Whole, other.name()));
            }
        } else if pairs.iter().any(|(name, value)| name == "_type" && !value.is_empty()) {
            // All that was named was left out: that is not everything.
            return Err(Issue::with(&rules::NO_SUCH_TYPE, Place::Whole, ""));
        }
        Ok(wanted)
    }

    fn parameter(
        &mut self,
        gateway: &Gateway,
        level: Level,
        name: &str,
        value: &str,
        is_post: bool,
    ) -> Result<(), Issue> {
        let wrong = || Issue::with(&crate::api::rules::VALUE, Place::Whole, printable(name));
        match name {
            "_outputFormat" if FORMATS.iter().any(|known| known.eq_ignore_ascii_case(&value.replace(' ', "+"))) => {}
            "_outputFormat" => return Err(Issue::new(&rules::FORMAT, Place::Whole)),
            // A plus sign that was not escaped has become a space.
            "_since" => {
                let since = Interval::parse(&value.replace(' ', "+"), gateway.zone_minutes()).ok_or_else(wrong)?;
                self.since = Some(since.start);
            }
            "_type" => {
                let mut unknown = Ok(());
                for name in value.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                    match exported(name) {
                        Ok(resource_type) => drop(self.types.insert(resource_type.name())),
                        Err(issue) => unknown = Err(issue),
                    }
                }
                return unknown;
            }
            "_typeFilter" => {
                let mut wrong = Ok(());
                for filter in filters(value) {
                    match self.filter(gateway, filter) {
                        Ok(()) => {}
                        Err(issue) => wrong = Err(issue),
                    }
                }
                return wrong;
            }
            "patient" if !is_post || level == Level::System => {
                return Err(Issue::new(&rules::PATIENTS_ALONE, Place::Whole));
            }
            "patient" => {
                let named = self.patients.get_or_insert_default();
                named.push(value.to_owned());
                if named.len() > PATIENTS_MAX {
                    return Err(Issue::with(&rules::PATIENTS_MAX, Place::Whole, PATIENTS_MAX.to_string()));
                }
            }
            "_format" | "_pretty" => {}
            _ => return Err(Issue::with(&crate::api::rules::PARAMETER, Place::Whole, printable(name))),
        }
        Ok(())
    }

    fn filter(&mut self, gateway: &Gateway, filter: &str) -> Result<(), Issue> {
        let (name, criteria) = filter.split_once('?').unwrap_or((filter, ""));
        let resource_type = exported(name)?;
        if criteria.is_empty() {
            return Err(Issue::with(&rules::CRITERIA, Place::Whole, resource_type.name()));
        }
        Criteria::parse(gateway, resource_type, criteria)?;
        self.filters.push((resource_type, criteria.to_owned()));
        Ok(())
    }
}

/// The type of that name, when resources of it can be exported: the audit record has no copy.
fn exported(name: &str) -> Result<ResourceType, Issue> {
    let known = ResourceType::parse(name).filter(|resource_type| parameters::is_served(*resource_type));
    known
        .filter(|resource_type| *resource_type != ResourceType::AUDIT_EVENT)
        .ok_or_else(|| Issue::with(&rules::NO_SUCH_TYPE, Place::Whole, printable(name)))
}

/// The filters of one value. A comma stands between two where a type and a question mark follow it; any other belongs to
/// the criteria.
fn filters(value: &str) -> Vec<&str> {
    let (mut found, mut start) = (Vec::new(), 0);
    for (at, _) in value.match_indices(',') {
        let after = value.get(at + 1..).unwrap_or_default();
        let name = after.split_once('?').map_or("", |(name, _)| name);
        if ResourceType::parse(name).is_some() {
            found.extend(value.get(start..at));
            start = at + 1;
        }
    }
    found.extend(value.get(start..));
    found
}

/// The parameters of an address; `None` when one is not well encoded.
pub(super) fn of_query(query: &str) -> Option<Vec<(String, String)>> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(name, value)| Some((decoded(name)?, decoded(value)?))).collect()
}

/// The parameters of a Parameters resource; `None` when it is none.
pub(super) fn of_resource(body: &[u8]) -> Option<Vec<(String, String)>> {
    let value: Value = serde_json::from_slice(body).ok()?;
    if value.get("resourceType")? != "Parameters" {
        return None;
    }
    let Some(parameters) = value.get("parameter") else { return Some(Vec::new()) };
    let read = |parameter: &Value| {
        let name = parameter.get("name")?.as_str()?.to_owned();
        let (_, value) = parameter.as_object()?.iter().find(|(name, _)| name.starts_with("value"))?;
        let text = value.as_str().or_else(|| value.get("reference")?.as_str())?;
        Some((name, text.to_owned()))
    };
    parameters.as_array()?.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_parts_filters_only_before_a_type() {
        for (value, expected) in [
            ("Observation?code=a", vec!["Observation?code=a"]),
            ("Observation?code=a,b&date=gt2026", vec!["Observation?code=a,b&date=gt2026"]),
            (
                "Observation?code=a,b,Condition?code=c,d,Observation?status=final",
                vec!["Observation?code=a,b", "Condition?code=c,d", "Observation?status=final"],
            ),
            ("", vec![""]),
        ] {
            assert_eq!(filters(value), expected, "{value}");
        }
    }

    #[test]
    fn parameters_are_read_from_both_forms() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            of_query("_type=Patient%2CObservation&_typeFilter=Observation%3Fcode%3Da%252Cb&x"),
            Some(vec![
                pair("_type", "Patient,Observation"),
                pair("_typeFilter", "Observation?code=a%2Cb"),
                pair("x", "")
            ])
        );
        assert_eq!(of_query("_type=%zz"), None);
        let body = br#"{"resourceType":"Parameters","parameter":[{"name":"_type","valueString":"Patient"},
            {"name":"_since","valueInstant":"2026-01-01T00:00:00Z"},{"name":"patient","valueReference":{"reference":"Patient/a"}}]}"#;
        let read = of_resource(body).unwrap();
        assert_eq!(
            read,
            [pair("_type", "Patient"), pair("_since", "2026-01-01T00:00:00Z"), pair("patient", "Patient/a")]
        );
        assert_eq!(of_resource(br#"{"resourceType":"Parameters"}"#), Some(vec![]));
        for bad in ["{}", "[]", r#"{"resourceType":"Parameters","parameter":[{"name":"_type"}]}"#] {
            assert_eq!(of_resource(bad.as_bytes()), None, "{bad}");
        }
    }
}
