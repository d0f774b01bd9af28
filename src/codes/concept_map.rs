//! Reading a FHIR R4 ConceptMap (conceptmap.html), as far as it says what one code means in another system.

use serde::Deserialize;

use super::{Map, Target};
use crate::fault::{Issue, Place, rules};
use crate::fhir::oid;

rules! {
    pub(crate) NOT_A_MAP "concept-map-unreadable" Error Structure
        "This is not a FHIR ConceptMap: {}."
        "FHIRのConceptMapとして読めません({})。"
    pub(crate) NO_SYSTEM "concept-map-no-system" Error Required
        "A group names no source or no target; it was left out."
        "groupにsourceまたはtargetがないため、使用しません。"
    pub(crate) TOO_WEAK "concept-map-too-weak" Information BusinessRule
        "The equivalence {} asserts less than that the target holds; the pair was left out."
        "equivalenceが{}の対応は、変換先のコードが成り立つとは限らないため使用しません。"
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConceptMap {
    resource_type: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    group: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    source: String,
    #[serde(default)]
    target: String,
    #[serde(default)]
    element: Vec<Element>,
}

#[derive(Deserialize)]
struct Element {
    #[serde(default)]
    code: String,
    #[serde(default)]
    target: Vec<Mapped>,
}

#[derive(Deserialize)]
struct Mapped {
    #[serde(default)]
    code: String,
    #[serde(default)]
    display: String,
    #[serde(default)]
    equivalence: String,
}

/// Adds the pairs of a ConceptMap to `map`; gives what of it was left out. A retired map adds nothing.
pub(super) fn read(bytes: &[u8], map: &mut Map) -> Result<Vec<Issue>, Issue> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let unreadable = |detail: String| Issue::with(&NOT_A_MAP, Place::Whole, detail);
    let read: ConceptMap = serde_json::from_slice(bytes).map_err(|error| unreadable(error.to_string()))?;
    if read.resource_type != "ConceptMap" {
        return Err(unreadable("resourceType".into()));
    }
    let mut issues = Vec::new();
    if read.status == "retired" {
        return Ok(issues);
    }
    for (at, group) in read.group.into_iter().enumerate() {
        if group.source.is_empty() || group.target.is_empty() {
            issues.push(Issue::new(&NO_SYSTEM, place(at, None)));
            continue;
        }
        add(at, group, map, &mut issues);
    }
    Ok(issues)
}

fn add(at: usize, group: Group, map: &mut Map, issues: &mut Vec<Issue>) {
    let codes = map.entry(oid::canonical(&group.source).to_owned()).or_default();
    let system = oid::canonical(&group.target).to_owned();
    for (number, element) in group.element.into_iter().enumerate().filter(|(_, element)| !element.code.is_empty()) {
        for target in element.target.into_iter().filter(|target| !target.code.is_empty()) {
            if !holds(&target.equivalence) {
                issues.push(Issue::with(&TOO_WEAK, place(at, Some(number)), known(&target.equivalence)));
                continue;
            }
            let target = Target { system: system.clone(), code: target.code, display: target.display };
            let targets = codes.entry(element.code.clone()).or_default();
            // A later file of the same layer corrects an earlier one.
            targets.retain(|earlier| earlier.system != target.system || earlier.code != target.code);
            targets.push(target);
        }
    }
}

/// Whether the target is true of whatever the source is true of (R4 concept-map-equivalence).
fn holds(equivalence: &str) -> bool {
    matches!(equivalence, "equivalent" | "equal" | "wider" | "subsumes")
}

fn known(equivalence: &str) -> &'static str {
    const CODES: [&str; 6] = ["relatedto", "narrower", "specializes", "inexact", "unmatched", "disjoint"];
    CODES.into_iter().find(|code| *code == equivalence).unwrap_or("?")
}

fn place(group: usize, element: Option<usize>) -> Place {
    let element = element.map(|number| format!(".element[{number}]")).unwrap_or_default();
    Place::Path(format!("ConceptMap.group[{group}]{element}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(group: &str) -> (Map, Vec<String>) {
        let mut map = Map::new();
        let text = format!(r#"{{"resourceType":"ConceptMap","status":"active","group":[{group}]}}"#);
        let issues = read(text.as_bytes(), &mut map).unwrap();
        (map, issues.iter().map(|issue| format!("{} {}", issue.rule.id, issue.place)).collect())
    }

    #[test]
    fn only_what_holds_is_taken() {
        let (taken, issues) = map(r#"{"source":"A","target":"http://b.example","element":[{"code":"1","target":[
            {"code":"x","equivalence":"equivalent"},{"code":"y","equivalence":"narrower"},
            {"code":"z","equivalence":"wider"}]}]},{"source":"A","element":[]}"#);
        let codes: Vec<_> = taken["A"]["1"].iter().map(|target| target.code.as_str()).collect();
        assert_eq!(codes, ["x", "z"]);
        assert_eq!(
            issues,
            ["concept-map-too-weak ConceptMap.group[0].element[0]", "concept-map-no-system ConceptMap.group[1]"]
        );
    }

    #[test]
    fn other_things_are_refused_and_retired_maps_are_silent() {
        let mut map = Map::new();
        for text in ["", "[]", r#"{"resourceType":"ValueSet"}"#] {
            assert_eq!(read(text.as_bytes(), &mut map).unwrap_err().rule.id, "concept-map-unreadable");
        }
        let retired = r#"{"resourceType":"ConceptMap","status":"retired","group":[{"source":"a","target":"b",
            "element":[{"code":"1","target":[{"code":"x","equivalence":"equal"}]}]}]}"#;
        assert!(read(retired.as_bytes(), &mut map).unwrap().is_empty() && map.is_empty());
    }
}
