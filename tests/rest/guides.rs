//! Guides: the SearchParameters, ValueSets and CodeSystems of packages that the configuration names (checklist CAP-03, CAP-04,
//! PSTR-09).

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use tasuki::app::Gateway;
use tasuki::config::Config;
use tasuki::fhir::ResourceType;
use tasuki::guide::{CanonicalResource, Library};
use tasuki::search::facts::{coded_hash, system_hash};
use tasuki::search::terminology::{Members, Terminology, Undecided};
use tasuki::store::Store;

use crate::gateway::{Ask, Served, clock, config_with};
use crate::guide::package;
use crate::issue;

const JP: &str = "http://jpfhir.jp/fhir/core";
const EXTENSION: &str = "http://jpfhir.jp/fhir/core/Extension/StructureDefinition";

/// An open gateway with packages.
fn gateway(packages: &[PathBuf]) -> Arc<Gateway> {
    let config = Config { open: true, ..config_with(&named(packages)) };
    Arc::new(Gateway::over(Store::open_memory(), &config, clock).expect("the gateway starts"))
}

/// Packages as the configuration names them.
pub(crate) fn named(packages: &[PathBuf]) -> String {
    packages.iter().map(|path| format!("[[guide]]\npackage = \"{}\"\n", path.display())).collect()
}

/// The same with one package of definitions of ours.
fn with(definitions: &[Value]) -> Served {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), package("example.guide", "1.0.0", definitions)).unwrap();
    Served::new(gateway(&[file.path().to_owned()]))
}

fn put(served: &Served, resource: &Value) {
    let path = format!("/{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
    let put = served.ask(Ask::put("", path.as_str(), resource));
    assert!(matches!(put.status, 200 | 201), "{path}: {}", put.body);
}

/// The ids of what a search finds, in order; the rule by which it is refused.
pub(crate) fn found(served: &Served, path: &str) -> Result<String, String> {
    let encoded = |byte: u8| match byte {
        b'|' | b'"' | b' ' | 0x80.. => format!("%{byte:02X}"),
        byte => char::from(byte).to_string(),
    };
    let answer = served.get("", path.bytes().map(encoded).collect::<String>());
    if answer.status != 200 {
        assert_eq!(answer.status, 400, "{path}: {}", answer.body);
        return Err(issue(&answer).1);
    }
    let bundle = answer.json();
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let mut ids: Vec<String> = entries.iter().map(|e| e["resource"]["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    Ok(ids.join(" "))
}

/// The parameters of a type that the CapabilityStatement declares: name and definition.
fn declared(served: &Served, name: &str) -> Vec<(String, String)> {
    let statement = served.get("", "/metadata").json();
    let types = statement["rest"][0]["resource"].as_array().unwrap().clone();
    let of = types.iter().find(|of| of["type"] == name).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    of["searchParam"].as_array().unwrap().iter().map(|one| (text(&one["name"]), text(&one["definition"]))).collect()
}

fn parameter(url: &str, code: &str, kind: &str, expression: &str, status: &str) -> Value {
    let base = expression.split('.').next().unwrap();
    json!({"resourceType": "SearchParameter", "url": url, "name": "X", "status": status, "description": "x", "code": code,
        "base": [base], "type": kind, "expression": expression})
}

#[test]
fn a_guide_adds_parameters_and_codes() {
    let listed = |code: &str| json!({"code": code});
    let served = with(&[
        parameter("http://e.example/eye", "eye", "token", "Patient.extension('http://e.example/eye').value", "active"),
        parameter("http://e.example/draft", "draft", "token", "Patient.active", "draft"),
        parameter("http://e.example/broken", "broken", "token", "Patient.where(", "active"),
        parameter("http://e.example/clash", "gender", "token", "Patient.active", "active"),
        json!({"resourceType": "CodeSystem", "url": "http://e.example/colours", "content": "complete", "concept": [
            {"code": "dark", "concept": [{"code": "brown", "concept": [{"code": "hazel"}]}]}, {"code": "blue"}]}),
        json!({"resourceType": "ValueSet", "url": "http://e.example/dark", "version": "1", "compose": {"include": [
            {"system": "http://e.example/colours", "filter": [{"property": "concept", "op": "is-a", "value": "dark"}]}],
            "exclude": [{"system": "http://e.example/colours", "concept": [listed("hazel")]}]}}),
        json!({"resourceType": "ValueSet", "url": "http://e.example/nowhere", "compose": {"include": [
            {"system": "http://e.example/nothing"}]}}),
    ]);
    for (id, colour) in [("見本-1", "dark"), ("見本-2", "brown"), ("見本-3", "hazel"), ("見本-4", "blue")] {
        put(
            &served,
            &json!({"resourceType": "Patient", "id": id.replace("見本", "p"), "extension": [{"url": "http://e.example/eye",
                "valueCoding": {"system": "http://e.example/colours", "code": colour}}]}),
        );
    }
    let colours = "http://e.example/colours";
    for (query, expected) in [
        ("eye=blue".to_owned(), Ok("p-4")),
        ("eye:in=http://e.example/dark".to_owned(), Ok("p-1 p-2")),
        ("eye:in=http://e.example/dark|1".to_owned(), Ok("p-1 p-2")),
        ("eye:in=http://e.example/dark|1.0.0".to_owned(), Ok("p-1 p-2")),
        ("eye:in=http://e.example/dark|2".to_owned(), Err("search-value-set")),
        ("eye:not-in=http://e.example/dark".to_owned(), Ok("p-3 p-4")),
        (format!("eye:below={colours}|brown"), Ok("p-2 p-3")),
        (format!("eye:above={colours}|brown"), Ok("p-1 p-2")),
        (format!("eye:above={colours}|green"), Err("search-value-set-undecided")),
        ("eye:in=http://e.example/nowhere".to_owned(), Err("search-value-set")),
        ("draft=true".to_owned(), Err("search-unknown-parameter")),
        ("broken=true".to_owned(), Err("search-unknown-parameter")),
        ("gender=true".to_owned(), Ok("")),
        ("_has:Observation:patient:code:in=http://e.example/dark".to_owned(), Ok("")),
    ] {
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(found(&served, &format!("/Patient?{query}")), expected, "PSTR-09 {query}");
    }
    // What cannot be decided is named.
    let answer = served.get("", "/Patient?eye:in=http://e.example/nowhere");
    assert!(answer.body.contains("http://e.example/nothing"), "{}", answer.body);
    let of_patient = declared(&served, "Patient");
    assert!(of_patient.contains(&("eye".to_owned(), "http://e.example/eye".to_owned())), "CAP-03");
    assert!(of_patient.iter().all(|(name, _)| name != "draft" && name != "broken"), "CAP-03");
    let described = served.get("", "/openapi.json").json();
    assert_eq!(described["components"]["parameters"]["Patient.eye"]["description"], "http://e.example/eye");
    // The same program without the guide has another tag.
    let plain = with(&[]);
    for path in ["/metadata", "/openapi.json"] {
        let tag = |served: &Served| served.get("", path).header("etag").unwrap().to_owned();
        assert_ne!(tag(&served), tag(&plain), "CAP-04 {path}");
    }
    assert!(declared(&plain, "Patient").iter().all(|(name, _)| name != "eye"));
}

/// The packages of JP Core, the older first; `None` where there are no corpora.
pub(crate) fn jp_core() -> Option<[PathBuf; 2]> {
    let corpora = std::env::var_os("TASUKI_CORPORA").map(PathBuf::from);
    let Some(corpora) = corpora else {
        println!("not run: TASUKI_CORPORA names no folder");
        return None;
    };
    Some(["jp-core.r4-1.1.2.tgz", "jp-core.r4-1.2.0.tgz"].map(|name| corpora.join("packages").join(name)))
}

fn people(served: &Served) {
    let coding = |code: &str| json!({"system": "urn:oid:1.2.392.100495.20.3.21", "code": code});
    let kana = json!({"url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation", "valueCode": "SYL"});
    for resource in [
        json!({"resourceType": "Patient", "id": "p", "name": [{"use": "usual", "text": "見本 花子"},
            {"use": "usual", "text": "ミホン ハナコ", "extension": [kana]}]}),
        json!({"resourceType": "Patient", "id": "q", "name": [{"use": "usual", "text": "ミホン ハナコ"}]}),
        json!({"resourceType": "Organization", "id": "o", "name": "例示病院", "extension": [
            {"url": format!("{EXTENSION}/JP_Organization_PrefectureNo"), "valueCoding": coding("13")},
            {"url": format!("{EXTENSION}/JP_Organization_InsuranceOrganizationCategory"), "valueCoding": coding("1")},
            {"url": format!("{EXTENSION}/JP_Organization_InsuranceOrganizationNo"),
                "valueIdentifier": {"value": "1234567"}}]}),
        json!({"resourceType": "Coverage", "id": "c", "status": "active", "beneficiary": {"reference": "Patient/p"},
            "payor": [{"reference": "Organization/o"}], "extension": [
            {"url": format!("{EXTENSION}/JP_Coverage_InsuredPersonSymbol"), "valueString": "あいう"},
            {"url": format!("{EXTENSION}/JP_Coverage_InsuredPersonNumber"), "valueString": "１８７"},
            {"url": format!("{EXTENSION}/JP_Coverage_InsuredPersonSubNumber"), "valueString": "05"}]}),
        json!({"resourceType": "Coverage", "id": "d", "status": "active", "beneficiary": {"reference": "Patient/q"},
            "payor": [{"reference": "Organization/o"}], "extension": [
            {"url": format!("{EXTENSION}/JP_Coverage_InsuredPersonNumber"), "valueString": "200"}]}),
        json!({"resourceType": "MedicationRequest", "id": "m", "status": "active", "intent": "order",
            "subject": {"reference": "Patient/p"}, "medicationCodeableConcept": {"text": "試験薬"},
            "dosageInstruction": [{"extension": [{"url": format!("{EXTENSION}/JP_MedicationDosage_PeriodOfUse"),
                "valuePeriod": {"start": "2026-04-01", "end": "2026-04-07"}}]}]}),
        json!({"resourceType": "Observation", "id": "x", "status": "final", "subject": {"reference": "Patient/p"},
            "code": {"text": "試験"}, "category": [{"coding": [
            {"system": format!("{JP}/CodeSystem/JP_SimpleObservationCategory_CS"), "code": "vital-signs"}]}]}),
        json!({"resourceType": "Observation", "id": "y", "status": "final", "subject": {"reference": "Patient/p"},
            "code": {"text": "試験"}, "category": [{"coding": [
            {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}]}),
    ] {
        put(served, &resource);
    }
}

/// Two versions of JP Core side by side, in either order: of a parameter that both define, the newer holds.
#[test]
fn the_parameters_of_jp_core_find() {
    let Some([older, newer]) = jp_core() else { return };
    for packages in [[older.clone(), newer.clone()], [newer, older]] {
        let served = Served::new(gateway(&packages));
        people(&served);
        for (query, expected) in [
            ("Coverage?jp-insured-personnumber=187", "c"),
            ("Coverage?jp-insured-personnumber=2", "d"),
            ("Coverage?jp-insured-personnumber:missing=false", "c d"),
            ("Coverage?jp-insured-personsymbol:exact=あいう", "c"),
            ("Coverage?jp-insured-personsubnumber=05", "c"),
            ("Patient?jp-kana-sort=ミホン", "p"),
            ("Patient?_has:Coverage:beneficiary:jp-insured-personnumber=187", "p"),
            ("Organization?jp-prefectureno=13", "o"),
            ("Organization?jp-prefectureno=urn:oid:1.2.392.100495.20.3.21|13", "o"),
            ("Organization?jp-insurance-organizationcategory=1", "o"),
            ("Organization?jp-insurance-organizationno=1234567", "o"),
            ("Organization?jp-insurance-organizationno=7", ""),
            ("MedicationRequest?jp-medication-start=2026-04-01", "m"),
            ("MedicationRequest?jp-medication-start=gt2026-04-01", ""),
            ("Observation?category:in=http://jpfhir.jp/fhir/core/ValueSet/JP_SimpleObservationCategory_VS", "x"),
            ("Observation?category:not-in=http://jpfhir.jp/fhir/core/ValueSet/JP_SimpleObservationCategory_VS", "y"),
        ] {
            assert_eq!(found(&served, &format!("/{query}")).as_deref(), Ok(expected), "{query}");
        }
        let unknown = "/Observation?code:in=http://jpfhir.jp/fhir/core/ValueSet/JP_Observation_BodySite_VS";
        assert_eq!(found(&served, unknown), Err("search-value-set".to_owned()));
        assert!(served.get("", unknown).body.contains("http://jpfhir.jp/fhir/core/CodeSystem/JP_BodySite_CS"));
        let all: Vec<(String, String)> = ["Coverage", "MedicationRequest", "Organization", "Patient"]
            .iter()
            .flat_map(|name| declared(&served, name))
            .filter(|(name, _)| name.starts_with("jp-"))
            .collect();
        assert_eq!(all.len(), 8, "CAP-03");
        assert!(
            all.iter().all(|(_, definition)| definition.starts_with("http://jpfhir.jp/fhir/core/SearchParameter/"))
        );
    }
}

/// Every value set of the guides is decided, or it is said what is missing; what is decided is what its text says.
#[test]
fn the_value_sets_of_the_guides_are_decided_or_refused() {
    let Some([older, newer]) = jp_core() else { return };
    let beside = |name: &str| older.parent().map(|folder| folder.join(name)).unwrap();
    let (clins, core) = (beside("jp-clins.r4-1.10.0.tgz"), beside("hl7.fhir.r4.core-4.0.1.tgz"));
    for (package, least) in [(&older, 16), (&newer, 18), (&clins, 190), (&core, 1100)] {
        let config = config_with(&named(std::slice::from_ref(package)));
        let (gateway, guides) = (Gateway::over(Store::open_memory(), &config, clock).unwrap(), &config.guides);
        let conformance = gateway.conformance().unwrap();
        let (mut decided, mut unknown, mut open, mut compared) = (0, 0, 0, 0);
        for url in guides.urls(ResourceType::VALUE_SET) {
            match conformance.members(url) {
                Ok(members) => {
                    decided += 1;
                    compared += compare(guides, url, &members);
                }
                Err(Undecided::Unknown(_)) => unknown += 1,
                Err(Undecided::Open(_)) => open += 1,
            }
        }
        let name = package.display();
        println!("{name}: {decided} decided ({compared} codes), {unknown} need what is not there, {open} open");
        assert!(decided >= least && compared > 100, "{decided} {compared}");
    }
}

/// Holds the codes of a value set to its text, where that is one list, one system or one hierarchy; answers how many there are.
fn compare(guides: &Library, url: &str, members: &Members) -> usize {
    let value_set = guides.find(ResourceType::VALUE_SET, url).next().and_then(CanonicalResource::json).unwrap();
    let compose = &value_set["compose"];
    let include = match compose["include"].as_array().map(Vec::as_slice) {
        Some([include]) if compose["exclude"].is_null() && value_set["expansion"].is_null() => include,
        _ => return 0,
    };
    let (Some(system), None) = (include["system"].as_str(), include.get("valueSet")) else { return 0 };
    let known = guides.find(ResourceType::CODE_SYSTEM, system).next().and_then(CanonicalResource::json);
    let (mut inside, mut outside) = (Vec::new(), vec!["no code".to_owned()]);
    match (include["concept"].as_array(), include["filter"].as_array().map(Vec::as_slice)) {
        (Some(concepts), None) => inside.extend(concepts.iter().map(|one| one["code"].as_str().unwrap().to_owned())),
        (None, None) => nested(&known.unwrap(), true, &mut |_| None, &mut |code, _| inside.push(code.to_owned())),
        (None, Some([filter])) if filter["op"] != "is-not-a" => {
            let value = filter["value"].as_str().unwrap();
            let with_itself = filter["op"] == "is-a";
            let mut begins = |code: &str| (code == value).then_some(true);
            nested(
                &known.unwrap(),
                false,
                &mut begins,
                &mut |code, is_in| match is_in && (with_itself || code != value) {
                    true => inside.push(code.to_owned()),
                    false => outside.push(code.to_owned()),
                },
            );
        }
        _ => return 0,
    }
    let contains = |code: &String| members.contains(system_hash(system), coded_hash(system, code));
    assert_eq!(inside.iter().find(|code| !contains(code)), None, "{url}");
    assert_eq!(outside.iter().find(|code| contains(code) && !inside.contains(code)), None, "{url}");
    inside.len()
}

/// Shows every code of a system, and whether it stands where `begins` says so, or below.
fn nested(of: &Value, is_in: bool, begins: &mut dyn FnMut(&str) -> Option<bool>, see: &mut dyn FnMut(&str, bool)) {
    for concept in of["concept"].as_array().into_iter().flatten() {
        let code = concept["code"].as_str().unwrap();
        let is_in = begins(code).unwrap_or(is_in);
        see(code, is_in);
        nested(concept, is_in, begins, see);
    }
}
