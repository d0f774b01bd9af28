//! Profiles written by hand, as packages.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::guide::{CanonicalResource, KEPT, Package};
use crate::terminology::Answer;

/// A profile with a snapshot of just these elements, each with its `id`.
pub(crate) fn profile(url: &str, kind: &str, elements: Value) -> Value {
    let mut elements = elements;
    for element in elements.as_array_mut().unwrap() {
        let id = element["id"].as_str().unwrap();
        let path = id.split('.').map(|part| part.split(':').next().unwrap()).collect::<Vec<_>>().join(".");
        element["path"] = path.into();
    }
    json!({"resourceType": "StructureDefinition", "url": url, "type": kind, "derivation": "constraint",
        "baseDefinition": format!("{CORE}{kind}"), "snapshot": {"element": elements}})
}

/// A package of definitions.
pub(crate) fn package(name: &str, version: &str, needs: &[(&str, &str)], definitions: &[Value]) -> Package {
    let read = |json: &Value| CanonicalResource::read(json.to_string().as_bytes(), &KEPT).unwrap().unwrap();
    Package {
        name: name.into(),
        version: version.into(),
        dependencies: needs.iter().map(|(name, version)| ((*name).into(), (*version).into())).collect(),
        definitions: definitions.iter().map(read).collect(),
    }
}

/// The profiles of one package.
pub(crate) fn profiles(definitions: &[Value]) -> Profiles {
    Profiles::new(Arc::new(Library::new(vec![package("example", "1.0.0", &[], definitions)])))
}

fn ids(schema: &Schema) -> Vec<&str> {
    schema.nodes.iter().map(|node| &*node.id).collect()
}

#[test]
fn what_r4_says_itself_is_left_out() {
    let elements = json!([
        {"id": "Observation"},
        {"id": "Observation.status", "min": 1, "max": "1", "type": [{"code": "code"}],
            "binding": {"strength": "required", "valueSet": "http://hl7.org/fhir/ValueSet/observation-status|4.0.1"}},
        {"id": "Observation.subject", "min": 0, "max": "1", "type": [{"code": "Reference", "targetProfile": [
            "http://hl7.org/fhir/StructureDefinition/Patient", "http://hl7.org/fhir/StructureDefinition/Group",
            "http://hl7.org/fhir/StructureDefinition/Device", "http://hl7.org/fhir/StructureDefinition/Location"]}]},
        {"id": "Observation.category", "min": 0, "max": "*", "constraint": [{"key": "ele-1", "severity": "error", "expression": "x"}]},
        {"id": "Observation.focus", "min": 0, "max": "1"},
        {"id": "Observation.performer", "min": 1, "max": "*"},
        {"id": "Observation.nonsense", "min": 1, "max": "*"},
    ]);
    let all = profiles(&[profile("p", "Observation", elements)]);
    assert_eq!(ids(all.find("p", None).unwrap()), ["Observation", "Observation.focus", "Observation.performer"]);
}

#[test]
fn a_differential_makes_a_snapshot() {
    let base = profile(
        "http://hl7.org/fhir/StructureDefinition/Patient",
        "Patient",
        json!([
            {"id": "Patient", "min": 0, "max": "*"},
            {"id": "Patient.identifier", "min": 0, "max": "*", "type": [{"code": "Identifier"}]},
            {"id": "Patient.name", "min": 0, "max": "*", "type": [{"code": "HumanName"}]},
            {"id": "Patient.deceased[x]", "min": 0, "max": "1", "type": [{"code": "boolean"}, {"code": "dateTime"}]},
        ]),
    );
    let identifier = profile(
        "http://hl7.org/fhir/StructureDefinition/Identifier",
        "Identifier",
        json!([
            {"id": "Identifier", "min": 0, "max": "*"},
            {"id": "Identifier.system", "min": 0, "max": "1", "type": [{"code": "uri"}]},
            {"id": "Identifier.value", "min": 0, "max": "1", "type": [{"code": "string"}]},
        ]),
    );
    let over = |url: &str, base: &str, elements: Value| {
        json!({"resourceType": "StructureDefinition", "url": url, "type": "Patient", "derivation": "constraint",
            "baseDefinition": base, "differential": {"element": elements}})
    };
    let first = over(
        "p",
        "http://hl7.org/fhir/StructureDefinition/Patient",
        json!([
            {"id": "Patient.identifier", "slicing": {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"}, "min": 1},
            {"id": "Patient.identifier:a", "sliceName": "a", "min": 1, "max": "1"},
            {"id": "Patient.identifier:a.system", "min": 1, "fixedUri": "urn:a"},
            {"id": "Patient.identifier:a.value", "min": 1},
            {"path": "Patient.deceasedDateTime", "min": 1},
        ]),
    );
    let second = over(
        "q",
        "p",
        json!([
            {"id": "Patient.identifier:a.value", "maxLength": 3},
            {"id": "Patient.name", "max": "1", "constraint": [{"key": "k", "severity": "error", "human": "h", "expression": "text.exists()"}]},
        ]),
    );
    let all = profiles(&[base, identifier, first, second]);
    let schema = all.find("q", None).unwrap();
    let node =
        |id: &str| schema.nodes.iter().find(|node| &*node.id == id).unwrap_or_else(|| panic!("{id} {schema:#?}"));
    assert_eq!((node("Patient.identifier").min, node("Patient.identifier:a").max), (1, 1));
    assert_eq!(node("Patient.identifier:a.system").wanted, Some(Wanted::Fixed("urn:a".into())));
    let value = node("Patient.identifier:a.value");
    assert_eq!((value.min, value.length_max), (1, Some(3)));
    assert_eq!((node("Patient.name").max, node("Patient.name").constraints.len()), (1, 1));
    let slice = node("Patient.deceased[x]:deceasedDateTime");
    assert_eq!((slice.min, &*slice.types.as_ref().unwrap()[0].code), (1, "dateTime"));
    assert!(node("Patient.deceased[x]").slicing.is_some());
}

#[test]
fn each_package_means_the_version_it_builds_on() {
    let of = |version: &str| {
        let max = if version == "1" { "1" } else { "2" };
        let core = profile("core", "Patient", json!([{"id": "Patient"}, {"id": "Patient.name", "max": max}]));
        package("core", version, &[], &[core])
    };
    let on = |url: &str, version: &str| {
        let element = json!({"id": "Basic.subject", "type": [{"code": "Reference", "targetProfile": ["core"]}]});
        package(url, "1", &[("core", version)], &[profile(url, "Basic", json!([{"id": "Basic"}, element]))])
    };
    let all = Profiles::new(Arc::new(Library::new(vec![of("1"), of("2"), on("old", "1"), on("new", "2")])));
    let target = |url: &str| {
        let link = &all.find(url, None).unwrap().nodes[1].types.as_ref().unwrap()[0].targets.as_ref().unwrap()[0];
        all.follow(link).unwrap().canonical()
    };
    assert_eq!((target("old"), target("new")), ("core|1".into(), "core|2".into()));
    let find = |canonical: &str, package| all.find(canonical, package).map(Schema::canonical).unwrap_or_default();
    assert_eq!(
        (find("core", None), find("core|1", None), find("core", Some(2))),
        ("core|2".into(), "core|1".into(), "core|1".into())
    );
    assert_eq!((find("core|3", None), find("nowhere", None)), ("".into(), "".into()));
}

#[test]
fn codes_are_in_value_sets_by_their_very_characters() {
    let system = json!({"resourceType": "CodeSystem", "url": "s", "content": "complete", "concept": [
        {"code": "a", "concept": [{"code": "b", "concept": [{"code": "c"}]}]}, {"code": "d"}]});
    let part = json!({"resourceType": "CodeSystem", "url": "part", "content": "fragment", "concept": [{"code": "a"}]});
    let set = |url: &str, compose: Value| json!({"resourceType": "ValueSet", "url": url, "compose": compose});
    let filter =
        |op: &str| json!({"include": [{"system": "s", "filter": [{"property": "concept", "op": op, "value": "b"}]}]});
    let all = profiles(&[
        system,
        part,
        set("all", json!({"include": [{"system": "s"}], "exclude": [{"system": "s", "concept": [{"code": "d"}]}]})),
        set("is-a", filter("is-a")),
        set("below", filter("descendent-of")),
        set("odd", filter("child-of-what")),
        set(
            "open",
            json!({"include": [{"system": "s", "concept": [{"code": "a"}]}, {"system": "part"}, {"system": "t"}]}),
        ),
        set("both", json!({"include": [{"valueSet": ["all", "below"]}]})),
        set("units", json!({"include": [{"system": "http://unitsofmeasure.org"}]})),
        json!({"resourceType": "ValueSet", "url": "stub"}),
        json!({"resourceType": "ValueSet", "url": "expanded", "expansion": {"contains": [{"system": "s", "code": "x"}]}}),
    ]);
    let (is_in, out) = (Answer::In, Answer::Out);
    for (set, system, code, wanted) in [
        ("all", Some("s"), "c", is_in),
        ("all", Some("s"), "d", out),
        ("all", Some("s"), "A", out),
        ("all", Some("t"), "a", out),
        ("all", None, "a", is_in),
        ("is-a", Some("s"), "b", is_in),
        ("below", Some("s"), "b", out),
        ("below", Some("s"), "c", is_in),
        ("odd", Some("s"), "b", Answer::Unknown("odd")),
        ("odd", Some("t"), "b", out),
        ("open", Some("s"), "a", is_in),
        ("open", Some("s"), "b", out),
        ("open", Some("part"), "a", Answer::Unknown("part")),
        ("open", Some("t"), "a", Answer::Unknown("t")),
        ("open", Some("u"), "a", out),
        ("both", Some("s"), "c", is_in),
        ("both", Some("s"), "a", out),
        ("units", Some("http://unitsofmeasure.org"), "mm[Hg]", is_in),
        ("units", Some("http://unitsofmeasure.org"), "blobs", out),
        ("stub", Some("s"), "a", Answer::Unknown("stub")),
        ("nowhere", None, "a", Answer::Unknown("nowhere")),
        ("expanded", Some("s"), "x", is_in),
        ("expanded", Some("s"), "a", out),
    ] {
        assert_eq!(all.codes_of(set).has(system, code), wanted, "{set} {system:?} {code}");
    }
}

#[test]
fn profiles_are_shared_between_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Profiles>();
}

#[test]
fn profiles_of_resources_are_named_with_their_versions_where_there_are_several() {
    let of = |url: &str, kind: &str| profile(url, kind, json!([{"id": kind}]));
    let all = Profiles::new(Arc::new(Library::new(vec![
        package("a", "1.2.0", &[], &[of("p", "Patient"), of("c", "Condition"), of("e", "Extension")]),
        package("a", "1.1.2", &[], &[of("p", "Patient")]),
    ])));
    let named: Vec<String> = all.of_resources().iter().map(|(of, url)| format!("{} {url}", of.name())).collect();
    assert_eq!(named, ["Condition c", "Patient p", "Patient p|1.1.2", "Patient p|1.2.0"]);
}
