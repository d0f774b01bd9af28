//! Definitions that the network's office stores: taken up at once, without a restart, and again after one (checklist CAP-03,
//! CAP-04, PSTR-09).

use std::sync::Arc;

use serde_json::{Value, json};
use tasuki::app::Gateway;
use tasuki::config::Config;
use tasuki::store::Store;

use crate::gateway::{Answer, Ask, BASE, Served, clock, config};
use crate::guides::found;
use crate::issue;

fn open(store: &Store) -> Served {
    let config = Config { open: true, ..config() };
    Served::new(Arc::new(Gateway::over(store.clone(), &config, clock).expect("the gateway starts")))
}

/// A parameter `code` of Patients that reads an extension.
fn parameter(id: &str, code: &str, extension: &str, status: &str) -> Value {
    json!({"resourceType": "SearchParameter", "id": id, "url": format!("http://e.example/{id}"), "name": "X", "status": status,
        "description": "x", "code": code, "base": ["Patient"], "type": "string",
        "expression": format!("Patient.extension('http://e.example/{extension}').value.ofType(string)")})
}

fn put(served: &Served, resource: &Value) -> Answer {
    let path = format!("/{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
    served.ask(Ask::put("", path, resource))
}

fn stored(served: &Served, resource: &Value) {
    let answer = put(served, resource);
    assert!(matches!(answer.status, 200 | 201), "{}", answer.body);
}

fn people(served: &Served) {
    for (id, eye, ear) in [("p", "見本", "例示"), ("q", "試験", "見本")] {
        let extension =
            |name: &str, text: &str| json!({"url": format!("http://e.example/{name}"), "valueString": text});
        stored(
            served,
            &json!({"resourceType": "Patient", "id": id, "extension": [extension("eye", eye), extension("ear", ear)]}),
        );
    }
}

#[test]
fn an_operators_parameter_comes_changes_and_goes() {
    let store = Store::open_memory();
    let served = open(&store);
    people(&served);
    let unknown = Err("search-unknown-parameter".to_owned());
    let tags = || ["/metadata", "/openapi.json"].map(|path| served.get("", path).header("etag").unwrap().to_owned());
    let look = |served: &Served| found(served, "/Patient?sign=見本");
    let before = tags();
    assert_eq!(look(&served), unknown);
    // A draft is stored and not taken up.
    stored(&served, &parameter("a", "sign", "eye", "draft"));
    assert_eq!((look(&served), tags()), (unknown.clone(), before.clone()));
    stored(&served, &parameter("a", "sign", "eye", "active"));
    assert_eq!(look(&served), Ok("p".to_owned()));
    let with = tags();
    assert!(with[0] != before[0] && with[1] != before[1], "CAP-04");
    let statement = served.get("", "/metadata").json();
    let types = statement["rest"][0]["resource"].as_array().unwrap();
    let patient = types.iter().find(|of| of["type"] == "Patient").unwrap();
    let declared = patient["searchParam"].as_array().unwrap().iter().find(|one| one["name"] == "sign").unwrap();
    assert_eq!(
        (&declared["definition"], &declared["type"]),
        (&json!("http://e.example/a"), &json!("string")),
        "CAP-03"
    );
    let batch = json!({"resourceType": "Bundle", "type": "batch",
        "entry": [{"request": {"method": "GET", "url": "metadata"}}]});
    assert!(served.ask(Ask::post("", "/", &batch)).body.contains("http://e.example/a"), "CAP-03");
    // Every search takes it: chains, _has, _filter, criteria of writes.
    for (query, expected) in [
        ("/Patient?_filter=sign%20eq \"試験\"", "q"),
        ("/Patient?sign:missing=false&_sort=-sign", "p q"),
        ("/Patient?sign:exact=試験", "q"),
    ] {
        assert_eq!(found(&served, query).as_deref(), Ok(expected), "{query}");
    }
    let conditional = json!({"resourceType": "Patient"});
    let asked = Ask::post("", "/Patient", &conditional).with("if-none-exist", "sign=%E8%A6%8B%E6%9C%AC");
    assert_eq!(served.ask(asked).status, 200);
    // It comes to mean something else.
    stored(&served, &parameter("a", "sign", "ear", "active"));
    assert_eq!(look(&served), Ok("q".to_owned()));
    // A restart keeps it.
    drop(served);
    let served = open(&store);
    let tags = || ["/metadata", "/openapi.json"].map(|path| served.get("", path).header("etag").unwrap().to_owned());
    assert_eq!(look(&served), Ok("q".to_owned()));
    stored(&served, &parameter("a", "sign", "ear", "retired"));
    assert_eq!((look(&served), tags()), (unknown.clone(), before.clone()));
    stored(&served, &parameter("a", "mark", "ear", "active"));
    assert_eq!((look(&served), found(&served, "/Patient?mark=見本")), (unknown.clone(), Ok("q".to_owned())));
    assert_eq!(served.ask(Ask { method: "DELETE", ..Ask::get("", "/SearchParameter/a") }).status, 204);
    assert_eq!((found(&served, "/Patient?mark=見本"), tags()), (unknown.clone(), before));
    drop(served);
    assert_eq!(look(&open(&store)), unknown);
}

#[test]
fn a_definition_that_cannot_be_used_is_refused() {
    let served = open(&Store::open_memory());
    stored(&served, &parameter("a", "sign", "eye", "active"));
    let changed = |name: &str, value: Value| {
        let mut changed = parameter("b", "mark", "eye", "active");
        changed[name] = value;
        changed
    };
    let composite = json!([{"definition": "http://e.example/nothing", "expression": "id"}]);
    for (resource, rule, element) in [
        (changed("expression", json!("Patient.where(")), "search-parameter-broken", "expression"),
        (changed("expression", json!("Patient.nonsense(1)")), "search-parameter-broken", "expression"),
        (changed("expression", json!("Observation.code")), "search-parameter-broken", "expression"),
        (changed("component", composite), "search-parameter-broken", "component"),
        (changed("code", json!("a:b")), "search-parameter-broken", "code"),
        (changed("code", json!("_id")), "search-parameter-broken", "code"),
        (changed("code", json!("gender")), "search-parameter-clash", "code"),
        (parameter("b", "sign", "ear", "active"), "search-parameter-clash", "code"),
        (changed("url", json!("http://e.example/a")), "search-parameter-twice", "url"),
    ] {
        let answer = put(&served, &resource);
        assert_eq!(answer.status, 422, "{resource}: {}", answer.body);
        assert_eq!(issue(&answer).1, rule, "{resource}");
        assert!(answer.body.contains(&format!("SearchParameter.{element}")), "{}", answer.body);
        let mut draft = resource.clone();
        draft["status"] = json!("draft");
        stored(&served, &draft);
        let validate = json!({"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": resource},
            {"name": "mode", "valueCode": "update"}]});
        let said = served.ask(Ask::post("", "/SearchParameter/b/$validate", &validate));
        assert!(said.body.contains(rule), "{}", said.body);
    }
    // What is no code of the standard is no resource of R4.
    for wrong in [changed("type", json!("word")), changed("base", json!(["Nobody"]))] {
        assert_eq!(put(&served, &wrong).status, 400);
    }
    // The same by every other door: nothing of the transaction is stored, and of the import the others.
    let entry = |resource: &Value| {
        json!({"resource": resource, "request": {"method": "PUT",
            "url": format!("SearchParameter/{}", resource["id"].as_str().unwrap())}})
    };
    let bundle = |all: &[Value]| json!({"resourceType": "Bundle", "type": "transaction", "entry": all.iter().map(entry).collect::<Vec<_>>()});
    let (sound, clash) = (parameter("c", "ring", "eye", "active"), parameter("d", "sign", "ear", "active"));
    let answer = served.ask(Ask::post("", "/", &bundle(&[sound.clone(), clash.clone()])));
    assert_eq!((answer.status, issue(&answer).1.as_str()), (422, "search-parameter-clash"), "{}", answer.body);
    assert!(answer.body.contains("entry[1]") && found(&served, "/Patient?ring=x").is_err(), "{}", answer.body);
    let lines = format!("{sound}\n{clash}\n").into_bytes();
    let import = Ask { method: "POST", body: lines, ..Ask::get("", "/$import") };
    let answer = served.ask(import.with("content-type", "application/fhir+ndjson"));
    assert!(answer.body.contains("search-parameter-clash"), "{}", answer.body);
    assert!(found(&served, "/Patient?ring=x").is_ok());
    // What belongs together comes together, a name that was freed may be taken in the same breath.
    let pair = json!({"resourceType": "SearchParameter", "id": "f", "url": "http://e.example/f", "name": "X", "status": "active",
        "description": "x", "code": "pair", "base": ["Patient"], "type": "composite", "expression": "Patient",
        "component": [{"definition": "http://e.example/e", "expression": "extension('http://e.example/eye').value"},
            {"definition": "http://hl7.org/fhir/SearchParameter/individual-gender", "expression": "gender"}]});
    let mut retired = parameter("a", "sign", "eye", "active");
    retired["status"] = json!("retired");
    let all = [retired, clash, parameter("e", "hand", "eye", "active"), pair];
    let answer = served.ask(Ask::post("", "/", &bundle(&all)));
    assert_eq!(answer.status, 200, "{}", answer.body);
    people(&served);
    assert_eq!(found(&served, "/Patient?sign=見本").as_deref(), Ok("q"));
    assert_eq!(found(&served, "/Patient?pair=見本$female").as_deref(), Ok(""));
}

#[test]
fn value_sets_of_the_directory_hold_at_once() {
    let store = Store::open_memory();
    let served = open(&store);
    for (id, code) in [("a", "1"), ("b", "2"), ("c", "3")] {
        stored(
            &served,
            &json!({"resourceType": "Observation", "id": id, "status": "final", "code": {"coding": [
                {"system": "http://e.example/s", "code": code}]}}),
        );
    }
    let set = |version: &str, codes: &[&str]| {
        let concepts: Vec<Value> = codes.iter().map(|code| json!({"code": code})).collect();
        json!({"resourceType": "ValueSet", "id": format!("v{version}"), "url": "http://e.example/v", "version": version,
            "status": "active", "compose": {"include": [{"system": "http://e.example/s", "concept": concepts}]}})
    };
    let look_at = |served: &Served, value_set: &str| found(served, &format!("/Observation?code:in={value_set}"));
    let look = |value_set: &str| look_at(&served, value_set);
    assert_eq!(look("http://e.example/v"), Err("search-value-set".to_owned()), "PSTR-09");
    stored(&served, &set("9", &["1"]));
    stored(&served, &set("10", &["1", "2"]));
    for (value_set, expected) in [
        ("http://e.example/v".to_owned(), "a b"),
        ("http://e.example/v|9".to_owned(), "a"),
        ("ValueSet/v9".to_owned(), "a"),
        (format!("{BASE}/ValueSet/v9"), "a"),
    ] {
        assert_eq!(look(&value_set).as_deref(), Ok(expected), "PSTR-09 {value_set}");
    }
    stored(&served, &set("10", &["3"]));
    assert_eq!(look("http://e.example/v").as_deref(), Ok("c"), "PSTR-09");
    drop(served);
    let served = open(&store);
    let look = |value_set: &str| look_at(&served, value_set);
    assert_eq!(look("http://e.example/v").as_deref(), Ok("c"));
    assert_eq!(served.ask(Ask { method: "DELETE", ..Ask::get("", "/ValueSet/v10") }).status, 204);
    assert_eq!(look("http://e.example/v").as_deref(), Ok("a"), "PSTR-09");
    // A system that is stored is one that value sets may mean whole, once it is whole.
    let whole = json!({"resourceType": "ValueSet", "id": "w", "url": "http://e.example/w", "status": "active",
        "compose": {"include": [{"system": "http://e.example/s"}]}});
    stored(&served, &whole);
    assert_eq!(look("http://e.example/w"), Err("search-value-set".to_owned()), "PSTR-09");
    for (content, expected) in
        [("fragment", Err("search-value-set-undecided".to_owned())), ("complete", Ok("b c".to_owned()))]
    {
        stored(
            &served,
            &json!({"resourceType": "CodeSystem", "id": "s", "url": "http://e.example/s", "status": "active",
                "content": content, "concept": [{"code": "2", "concept": [{"code": "3"}]}]}),
        );
        assert_eq!(look("http://e.example/w"), expected, "PSTR-09");
    }
    assert_eq!(found(&served, "/Observation?code:below=http://e.example/s|2").as_deref(), Ok("b c"), "PSTR-09");
}

/// The office keeps definitions, everybody reads them, nobody else writes them.
#[test]
fn the_office_keeps_the_definitions() {
    let served = Served::new(crate::gateway::over(Store::open_memory()));
    let one = parameter("a", "sign", "eye", "active");
    for (client, status) in [("agency-a", 403), ("hospital", 403), ("office", 201)] {
        let answer = served.ask(Ask::put(client, "/SearchParameter/a", &one));
        assert_eq!(answer.status, status, "{client}: {}", answer.body);
    }
    let clash = parameter("b", "gender", "eye", "active");
    assert_eq!(served.ask(Ask::post("office", "/SearchParameter", &clash)).status, 422);
    for name in ["ValueSet", "CodeSystem", "StructureDefinition"] {
        let mut resource = json!({"resourceType": name, "id": "x", "url": "http://e.example/x", "status": "active"});
        if name == "CodeSystem" {
            resource["content"] = json!("complete");
        }
        if name == "StructureDefinition" {
            let more = json!({"name": "X", "kind": "resource", "abstract": false, "type": "Patient", "derivation": "constraint",
                "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
                "differential": {"element": [{"id": "Patient", "path": "Patient"}]}});
            more.as_object().unwrap().iter().for_each(|(name, value)| resource[name] = value.clone());
        }
        assert_eq!(served.ask(Ask::put("office", format!("/{name}/x"), &resource)).status, 201, "{name}");
        assert_eq!(served.get("agency-a", format!("/{name}/x")).status, 200, "{name}");
        assert_eq!(served.get("agency-a", format!("/{name}?url=http://e.example/x")).json()["total"], 1, "{name}");
    }
    for client in ["agency-a", "hospital", "office"] {
        assert_eq!(served.get(client, "/SearchParameter/a").status, 200, "{client}");
    }
    let answer = served.get("agency-a", "/Patient?sign=x");
    assert_eq!((answer.status, &answer.json()["total"]), (200, &json!(0)), "{}", answer.body);
    assert_eq!(served.ask(Ask::put("office", "/OperationDefinition/a", &json!({}))).status, 403);
}
