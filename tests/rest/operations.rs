//! Operations (checklist OPS-01 to OPS-07, BDL-02 to BDL-04), by everybody's gateway and by that of a care agency.

use std::cell::RefCell;

use crate::gateway::{Answer, Ask, BASE, Served, clock, config, consent, key};
use serde_json::{Value, json};
use tasuki::app::Gateway;
use tasuki::store::Store;

pub(crate) const INDICATION: &str = "http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication";

/// One store, behind a gateway where everybody may do everything or one where consent decides: one at a time, because an
/// audit record is written by one.
pub(crate) struct World {
    pub(crate) store: Store,
    serving: RefCell<Option<(bool, Served)>>,
}

/// The gateway of one of both kinds.
pub(crate) struct Door<'a> {
    world: &'a World,
    is_open: bool,
}

impl Door<'_> {
    pub(crate) fn ask(&self, ask: Ask) -> Answer {
        let mut serving = self.world.serving.borrow_mut();
        if serving.as_ref().is_none_or(|(is_open, _)| *is_open != self.is_open) {
            *serving = None;
            let mut config = config();
            config.open = self.is_open;
            let gateway = Gateway::over(self.world.store.clone(), &config, clock).expect("the gateway starts");
            *serving = Some((self.is_open, Served::new(std::sync::Arc::new(gateway))));
        }
        serving.as_ref().expect("serving").1.ask(ask)
    }

    pub(crate) fn get(&self, client: &str, path: impl Into<String>) -> Answer {
        self.ask(Ask::get(client, path))
    }
}

/// `Patient/…` of the patient with a number.
pub(crate) fn patient(number: &str) -> String {
    key(number).reference()
}

pub(crate) fn world() -> World {
    let world = World { store: Store::open_memory(), serving: RefCell::default() };
    for number in ["1", "2"] {
        let id = patient(number).replace("Patient/", "");
        let name = format!("見本{number}");
        world.put(&json!({"resourceType": "Patient", "id": id, "name": [{"family": name}], "birthDate": "1940-01-01",
            "identifier": [crate::gateway::number_of(crate::gateway::HOSPITAL, number)]}));
    }
    world.put(&json!({"resourceType": "Organization", "id": "clinic", "name": "見本診療所"}));
    world
}

impl World {
    /// Where everybody may do everything.
    pub(crate) fn open(&self) -> Door<'_> {
        Door { world: self, is_open: true }
    }

    /// Where consent decides.
    pub(crate) fn closed(&self) -> Door<'_> {
        Door { world: self, is_open: false }
    }

    pub(crate) fn put(&self, resource: &Value) {
        let path = format!("/{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
        let answer = self.open().ask(Ask::put("", path, resource));
        assert!(matches!(answer.status, 200 | 201), "{}", answer.body);
    }

    /// Consent of a patient for agency-a.
    pub(crate) fn consents(&self, number: &str, status: &str) {
        let id = format!("consent-{number}");
        let answer = self.closed().ask(Ask::put(
            "office",
            format!("/Consent/{id}"),
            &consent(&id, number, "agency-a", status, Value::Null),
        ));
        assert!(matches!(answer.status, 200 | 201), "{}", answer.body);
    }

    pub(crate) fn get(&self, path: impl Into<String>) -> Answer {
        self.open().get("", path)
    }

    pub(crate) fn post(&self, path: impl Into<String>, body: &Value) -> Answer {
        self.open().ask(Ask::post("", path, body))
    }
}

pub(crate) fn condition(id: &str, number: &str, tag: Option<&str>) -> Value {
    let mut condition = json!({"resourceType": "Condition", "id": id, "subject": {"reference": patient(number)},
        "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]},
        "code": {"text": format!("病名 <{id}>")}});
    if let Some(tag) = tag {
        condition["meta"] = json!({"tag": [{"system": INDICATION, "code": tag}]});
    }
    condition
}

pub(crate) fn observation(id: &str, number: &str, code: &str, day: &str) -> Value {
    json!({"resourceType": "Observation", "id": id, "status": "final", "subject": {"reference": patient(number)},
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "effectiveDateTime": day,
        "valueQuantity": {"value": 36.5, "unit": "Cel"}})
}

pub(crate) fn composition(id: &str, number: &str, entries: &[&str]) -> Value {
    let entries: Vec<Value> = entries.iter().map(|entry| json!({"reference": entry})).collect();
    json!({"resourceType": "Composition", "id": id, "status": "final", "subject": {"reference": patient(number)},
        "type": {"text": "退院時サマリー"}, "date": "2026-05-01", "title": "退院時サマリー",
        "author": [{"reference": "Organization/clinic"}], "section": [{"title": "病名", "entry": entries}]})
}

fn parameters(pairs: &[(&str, &str, Value)]) -> Value {
    let one = |(name, form, value): &(&str, &str, Value)| {
        let mut one = json!({"name": name});
        one[*form] = value.clone();
        one
    };
    json!({"resourceType": "Parameters", "parameter": pairs.iter().map(one).collect::<Vec<_>>()})
}

/// The severities of an OperationOutcome.
fn severities(answer: &Answer) -> Vec<String> {
    let outcome = answer.json();
    assert_eq!(outcome["resourceType"], "OperationOutcome", "{}", answer.body);
    outcome["issue"].as_array().unwrap().iter().map(|issue| issue["severity"].as_str().unwrap().to_owned()).collect()
}

/// The ids of the resources of a Bundle, in order, as `Type/id`.
fn entries(answer: &Answer) -> Vec<String> {
    let bundle = answer.json();
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let name = |entry: &Value| {
        let part = |name: &str| entry["resource"][name].as_str().unwrap_or_default().to_owned();
        format!("{}/{}", part("resourceType"), part("id"))
    };
    entries.iter().map(name).collect()
}

/// OPS-01, OPS-02: which addresses and methods an operation has.
#[test]
fn an_operation_is_called_where_it_is() {
    let world = world();
    for (row, method, path, status, code) in [
        ("OPS-02", "GET", "/Patient/$nonsense", 404, "not-supported"),
        ("OPS-02", "POST", "/$nonsense", 404, "not-supported"),
        ("OPS-02", "GET", "/Patient/p/$nonsense", 404, "not-supported"),
        ("OPS-02", "GET", "/Patient/$lastn", 404, "not-supported"),
        ("OPS-02", "GET", "/$lastn", 404, "not-supported"),
        ("OPS-02", "POST", "/$validate", 404, "not-supported"),
        ("OPS-02", "POST", "/Patient/$meta-add", 404, "not-supported"),
        ("OPS-02", "GET", "/Nonsense/$meta", 404, "not-supported"),
        ("OPS-01", "GET", "/Patient/p/$meta-add", 405, "not-supported"),
        ("OPS-01", "GET", "/$convert", 405, "not-supported"),
        ("OPS-01", "PUT", "/Patient/$meta", 405, "not-supported"),
        ("OPS-01", "DELETE", "/Patient/p/$meta", 405, "not-supported"),
        ("OPS-01", "GET", "/Patient/p/$meta", 404, "not-found"),
        ("OPS-01", "GET", "/Observation/$lastn", 400, "required"),
        ("OPS-01", "GET", "/Patient/p/$meta?nonsense=1", 400, "not-supported"),
    ] {
        let answer = world.open().ask(Ask { method, ..Ask::get("", path) });
        let issue = answer.json()["issue"][0]["code"].as_str().unwrap_or_default().to_owned();
        assert_eq!((answer.status, issue.as_str()), (status, code), "{row} {method} {path}");
    }
    let everything = format!("/{}/$everything", patient("1"));
    let by_post = world.post(&*everything, &parameters(&[("_count", "valueInteger", json!(10))]));
    assert_eq!((by_post.status, entries(&by_post)), (200, entries(&world.get(&*everything))), "OPS-01");
    assert_eq!(world.post(&*everything, &parameters(&[("x", "valueInteger", json!(1))])).status, 400);
}

/// OPS-01, OPS-02: the CapabilityStatement says what there is.
#[test]
fn the_capability_statement_names_every_operation() {
    let statement = world().get("/metadata").json();
    let rest = &statement["rest"][0];
    let names = |operations: &Value| -> Vec<String> {
        let all = operations.as_array().cloned().unwrap_or_default();
        all.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    for name in ["convert", "meta"] {
        assert!(names(&rest["operation"]).contains(&name.to_owned()), "{name}");
    }
    let of = |name: &str| {
        let all = rest["resource"].as_array().unwrap();
        names(&all.iter().find(|one| one["type"] == name).unwrap()["operation"])
    };
    for (name, expected) in [("Patient", "everything"), ("Patient", "summary"), ("Composition", "document")]
        .into_iter()
        .chain([("Observation", "lastn"), ("DocumentReference", "docref"), ("Goal", "validate"), ("Goal", "meta-add")])
    {
        assert!(of(name).contains(&expected.to_owned()), "{name} ${expected}");
    }
    assert!(!of("Goal").contains(&"lastn".to_owned()));
}

/// OPS-04, OPS-05: 200 whatever it says, and it says what the write would.
#[test]
fn validate_says_what_a_write_would() {
    let world = world();
    world.put(&condition("c1", "1", None));
    let sound = condition("c1", "1", None);
    let mut broken = sound.clone();
    broken["clinicalStatus"] = json!("active");
    let wrapped = |resource: &Value, more: &[(&str, &str, Value)]| {
        let mut all = vec![("resource", "resource", resource.clone())];
        all.extend_from_slice(more);
        parameters(&all)
    };
    let code = |text: &str| json!(text);
    let base = "http://hl7.org/fhir/StructureDefinition/Condition";
    for (row, path, body, error) in [
        ("OPS-04", "/Condition/$validate", sound.clone(), false),
        ("OPS-04", "/Condition/c1/$validate", sound.clone(), false),
        ("OPS-04", "/Condition/$validate", wrapped(&sound, &[]), false),
        ("OPS-04", "/Condition/$validate", broken.clone(), true),
        ("OPS-04", "/Condition/$validate?mode=create", sound.clone(), false),
        ("OPS-04", "/Condition/$validate", wrapped(&broken, &[("mode", "valueCode", code("create"))]), true),
        ("OPS-04", "/Condition/c1/$validate", wrapped(&sound, &[("mode", "valueCode", code("update"))]), false),
        ("OPS-05", "/Condition/c1/$validate?mode=update", condition("c1", "2", None), true),
        ("OPS-05", "/Condition/c2/$validate", wrapped(&sound, &[("mode", "valueCode", code("update"))]), true),
        ("OPS-04", "/Condition/$validate", wrapped(&sound, &[("mode", "valueCode", code("update"))]), true),
        ("OPS-04", "/Condition/$validate", wrapped(&sound, &[("mode", "valueCode", code("nonsense"))]), true),
        ("OPS-04", "/Condition/c1/$validate", parameters(&[("mode", "valueCode", code("delete"))]), false),
        ("OPS-04", "/Condition/$validate", wrapped(&sound, &[("profile", "valueUri", code(base))]), false),
        (
            "OPS-04",
            "/Condition/$validate",
            wrapped(&sound, &[("profile", "valueUri", code("http://x.example/p"))]),
            true,
        ),
        ("OPS-04", "/Condition/$validate", json!({"resourceType": "Patient"}), true),
        ("OPS-04", "/Condition/$validate", json!([]), true),
        ("OPS-04", "/Condition/$validate", parameters(&[]), true),
    ] {
        let answer = world.post(path, &body);
        assert_eq!(answer.status, 200, "{row} {path} {body} {}", answer.body);
        let has_error = severities(&answer).iter().any(|severity| severity == "error" || severity == "fatal");
        assert_eq!(has_error, error, "{row} {path} {body} {}", answer.body);
        assert!(error || answer.body.contains("All OK"), "{row} {}", answer.body);
    }
    // OPS-05: what is refused here is refused there, with the same issues.
    let written = world.open().ask(Ask::put("", "/Condition/c1", &broken));
    let validated = world.post("/Condition/c1/$validate?mode=update", &broken);
    assert_eq!((written.status, written.json()["issue"].clone()), (400, validated.json()["issue"].clone()));
    assert_eq!(severities(&world.get("/Condition/c1/$validate")), ["information"], "OPS-04");
    assert_eq!(world.get("/Condition/c9/$validate").status, 404, "OPS-04");
    // Nothing was written by any of this.
    assert_eq!(world.get("/Condition/c1").header("etag"), Some("W/\"1\""));
    assert_eq!(world.get("/Condition/c2").status, 404);
}

/// OPS-07: tags come and go, each change is a version, and what changes nothing is none.
#[test]
fn meta_is_read_added_to_and_taken_from() {
    let world = world();
    world.put(&condition("c1", "1", None));
    let tag = |code: &str| json!({"tag": [{"system": "http://tags.example", "code": code}], "profile": ["http://p.example/1"]});
    let given = |code: &str| parameters(&[("meta", "valueMeta", tag(code))]);
    let meta = |answer: &Answer| {
        let parameters = answer.json();
        assert_eq!(parameters["parameter"][0]["name"], "return", "OPS-03 {}", answer.body);
        parameters["parameter"][0]["valueMeta"].clone()
    };
    for (row, path, code, version, tags) in [
        ("OPS-07", "$meta-add", "a", "W/\"2\"", json!(["a"])),
        ("OPS-07", "$meta-add", "a", "W/\"2\"", json!(["a"])),
        ("OPS-07", "$meta-add", "b", "W/\"3\"", json!(["a", "b"])),
        ("OPS-07", "$meta-delete", "c", "W/\"4\"", json!(["a", "b"])),
        ("OPS-07", "$meta-delete", "a", "W/\"5\"", json!(["b"])),
    ] {
        let answer = world.post(format!("/Condition/c1/{path}"), &given(code));
        assert_eq!((answer.status, answer.header("etag")), (200, Some(version)), "{row} {path} {code} {}", answer.body);
        let found: Vec<Value> =
            meta(&answer)["tag"].as_array().unwrap().iter().map(|tag| tag["code"].clone()).collect();
        assert_eq!(json!(found), tags, "{row} {path} {code}");
        assert_eq!(meta(&world.get("/Condition/c1/$meta")), meta(&answer), "{row}");
    }
    assert_eq!(world.get("/Condition/c1").json()["code"], condition("c1", "1", None)["code"], "OPS-07");
    for path in ["/Condition/$meta", "/$meta"] {
        assert_eq!(meta(&world.get(path))["tag"], tag("b")["tag"], "OPS-07 {path}");
    }
    assert!(meta(&world.get("/Goal/$meta"))["tag"].is_null());
    assert_eq!(world.post("/Condition/c9/$meta-add", &given("a")).status, 404);
    assert_eq!(world.post("/Condition/c1/$meta-add", &parameters(&[])).status, 400);
    assert_eq!(world.post("/Condition/c1/$meta-add", &tag("a")).status, 400);
    // Only who may write may do this, and only what it may see is gathered.
    world.consents("1", "active");
    world.put(&condition("c2", "2", None));
    world.post("/Condition/c2/$meta-add", &given("of-the-other"));
    let care = |path: &str| world.closed().get("agency-a", path);
    assert_eq!(world.closed().ask(Ask::post("agency-a", "/Condition/c1/$meta-add", &given("x"))).status, 403);
    assert_eq!(meta(&care("/Condition/$meta"))["tag"], tag("b")["tag"]);
    assert_eq!(care("/Condition/c2/$meta"), care("/Condition/none/$meta"));
    assert_eq!(care("/Condition/c2/$meta").status, 404);
}

/// BDL-02, BDL-03, BDL-04: a document is whole, or it is not there.
#[test]
fn a_document_is_whole_or_nothing() {
    let world = world();
    world.consents("1", "active");
    for resource in [
        condition("c1", "1", None),
        condition("hidden", "1", Some("UNINFORMED")),
        condition("other", "2", None),
        observation("o1", "1", "8310-5", "2026-05-01"),
    ] {
        world.put(&resource);
    }
    let own = |id: &str, entries: &[&str]| world.put(&composition(id, "1", entries));
    own("whole", &["Condition/c1", "Observation/o1", &format!("{BASE}/Condition/c1")]);
    own("labelled", &["Condition/c1", "Condition/hidden"]);
    own("of-another", &["Condition/other"]);
    own("missing", &["Condition/nowhere"]);
    let document = |client: &str, id: &str| world.closed().get(client, format!("/Composition/{id}/$document"));
    let whole = document("agency-a", "whole");
    assert_eq!(whole.status, 200, "BDL-03 {}", whole.body);
    let bundle = whole.json();
    assert_eq!((&bundle["type"], &bundle["resourceType"]), (&json!("document"), &json!("Bundle")), "BDL-02");
    assert!(bundle["identifier"]["value"].is_string() && bundle["timestamp"].is_string(), "BDL-02");
    let expected = ["Composition/whole", &patient("1"), "Organization/clinic", "Condition/c1", "Observation/o1"];
    assert_eq!(entries(&whole), expected, "BDL-02");
    for (entry, name) in bundle["entry"].as_array().unwrap().iter().zip(expected) {
        assert_eq!(entry["fullUrl"], format!("{BASE}/{name}"), "BDL-04");
    }
    assert_eq!(whole.body, document("agency-a", "whole").body, "the same document is the same");
    assert_eq!(
        world.closed().get("agency-a", "/Composition/$document?id=Composition/whole").body,
        whole.body,
        "BDL-03"
    );
    // What may not be seen, what is not there: the same, byte for byte.
    let nowhere = document("agency-a", "none");
    assert_eq!(nowhere.status, 404);
    for id in ["labelled", "of-another", "missing"] {
        assert_eq!(document("agency-a", id), nowhere, "{id}");
    }
    assert_eq!(document("agency-b", "whole"), document("agency-b", "none"));
    assert_eq!(world.get("/Composition/of-another/$document").status, 200);
    world.consents("1", "inactive");
    assert_eq!(document("agency-a", "whole"), nowhere, "a withdrawn consent acts at once");
}

/// BDL-03: a document may be kept.
#[test]
fn a_document_may_be_stored() {
    let world = world();
    world.put(&condition("c1", "1", None));
    world.put(&composition("whole", "1", &["Condition/c1"]));
    let kept = world.post("/Composition/whole/$document", &parameters(&[("persist", "valueBoolean", json!(true))]));
    assert_eq!(kept.status, 200, "{}", kept.body);
    let location = kept.header("location").expect("BDL-03").to_owned();
    let read = world.get(location.trim_start_matches(BASE));
    assert_eq!((read.status, read.json()), (200, kept.json()), "BDL-03");
    let again = world.get("/Composition/whole/$document?persist=true");
    assert_eq!((again.header("location"), again.header("etag")), (Some(location.as_str()), Some("W/\"1\"")));
    let refused = world.closed().get("agency-a", "/Composition/whole/$document?persist=true");
    assert_eq!(refused.status, 403);
    for (path, status) in [
        ("/Composition/whole/$document?id=whole", 400),
        ("/Composition/$document", 400),
        ("/Composition/$document?id=http://elsewhere.example/Composition/1", 404),
        ("/Composition/whole/$document?persist=perhaps", 400),
        ("/Composition/whole/$document?graph=http://g.example", 400),
    ] {
        assert_eq!(world.get(path).status, status, "{path}");
    }
}

/// OPS-07 (Observation-lastn): the newest of each code that the caller may see.
#[test]
fn the_last_observations_of_each_code() {
    let world = world();
    world.consents("1", "active");
    for (id, code, day) in [
        ("o1", "8310-5", "2026-05-01"),
        ("o2", "8310-5", "2026-05-03"),
        ("o3", "8310-5", "2026-05-02"),
        ("o4", "8867-4", "2026-05-04"),
    ] {
        world.put(&observation(id, "1", code, day));
    }
    let mut hidden = observation("o5", "1", "8310-5", "2026-05-09");
    hidden["meta"] = json!({"tag": [{"system": INDICATION, "code": "UNINFORMED"}]});
    world.put(&hidden);
    world.put(&observation("p1", "2", "8310-5", "2026-05-08"));
    let [one, two] = ["1", "2"].map(patient);
    let found = |query: &str| entries(&world.closed().get("agency-a", format!("/Observation/$lastn?{query}")));
    let vital = "category=vital-signs";
    assert_eq!(found(&format!("patient={one}&{vital}")), ["Observation/o4", "Observation/o2"]);
    assert_eq!(found(&format!("subject={one}&{vital}&max=2")), ["Observation/o4", "Observation/o2", "Observation/o3"]);
    assert_eq!(found(&format!("patient={one}&code=http://loinc.org%7C8867-4")), ["Observation/o4"]);
    assert_eq!(found(&format!("patient={two}&{vital}")), [""; 0]);
    let by_body =
        parameters(&[("patient", "valueString", json!(one)), ("category", "valueString", json!("vital-signs"))]);
    let posted = world.closed().ask(Ask::post("agency-a", "/Observation/$lastn", &by_body));
    assert_eq!((entries(&posted), &posted.json()["total"]), (found(&format!("patient={one}&{vital}")), &json!(2)));
    assert_eq!(
        entries(&world.get(format!("/Observation/$lastn?patient={one}&{vital}"))),
        ["Observation/o5", "Observation/o4"]
    );
    for query in
        [vital, &format!("patient={one}"), &format!("patient={one}&{vital}&max=0"), "patient=x&code=y&nonsense=1"]
    {
        assert_eq!(world.get(format!("/Observation/$lastn?{query}")).status, 400, "{query}");
    }
    world.consents("1", "inactive");
    assert_eq!(found(&format!("patient={one}&{vital}")), [""; 0]);
}

/// OPS-07 (docref): the documents about a patient that the caller may see.
#[test]
fn document_references_of_a_patient() {
    let world = world();
    world.consents("1", "active");
    let reference = |id: &str, number: &str, status: &str, day: &str| {
        json!({"resourceType": "DocumentReference", "id": id, "status": status, "subject": {"reference": patient(number)},
            "type": {"coding": [{"system": "http://loinc.org", "code": "18842-5"}]},
            "context": {"period": {"start": day, "end": day}},
            "content": [{"attachment": {"contentType": "text/plain", "url": "http://documents.example/1"}}]})
    };
    world.put(&reference("d1", "1", "current", "2026-04-01"));
    world.put(&reference("d2", "1", "current", "2026-05-01"));
    world.put(&reference("d3", "1", "superseded", "2026-03-01"));
    world.put(&reference("d4", "2", "current", "2026-04-01"));
    let [one, two] = ["1", "2"].map(|number| patient(number).replace("Patient/", ""));
    let found = |query: &str| entries(&world.closed().get("agency-a", format!("/DocumentReference/$docref?{query}")));
    let names = |ids: &[&str]| -> Vec<String> { ids.iter().map(|id| format!("DocumentReference/{id}")).collect() };
    for (query, expected) in [
        (format!("patient={one}"), names(&["d2", "d1"])),
        (format!("patient=Patient/{one}&start=2026-04-15"), names(&["d2"])),
        (format!("patient={one}&end=2026-04-15"), names(&["d1", "d3"])),
        (format!("patient={one}&start=2026-03-01&end=2026-03-01"), names(&["d3"])),
        (format!("patient={one}&type=http://loinc.org%7C18842-5"), names(&["d2", "d1"])),
        (format!("patient={one}&type=http://loinc.org%7Cother"), names(&[])),
        (format!("patient={one}&on-demand=true"), names(&[])),
        (format!("patient={two}"), names(&[])),
        ("patient=nobody".to_owned(), names(&[])),
    ] {
        assert_eq!(found(&query), expected, "{query}");
    }
    assert_eq!(world.get("/DocumentReference/$docref").status, 400);
    let hidden = world.closed().get("agency-a", format!("/DocumentReference/$docref?patient={two}"));
    let missing = world.closed().get("agency-a", "/DocumentReference/$docref?patient=nobody");
    assert_eq!(hidden, missing);
    world.consents("1", "inactive");
    assert_eq!(found(&format!("patient={one}")), names(&[]));
}

/// IPS: the summary has what it must, every reference of its Composition resolves, and nothing tells of what is hidden.
#[test]
fn a_summary_of_what_may_be_seen() {
    let world = world();
    world.consents("1", "active");
    world.put(&condition("c1", "1", None));
    world.put(&observation("o1", "1", "8310-5", "2026-05-01"));
    world.put(&observation("o2", "1", "8310-5", "2026-05-02"));
    let path = format!("/{}/$summary", patient("1"));
    let before = world.closed().get("agency-a", &*path);
    assert_eq!(before.status, 200, "{}", before.body);
    let bundle = before.json();
    assert_eq!(
        (&bundle["type"], &bundle["entry"][0]["resource"]["resourceType"]),
        (&json!("document"), &json!("Composition"))
    );
    let urls: Vec<&str> =
        bundle["entry"].as_array().unwrap().iter().map(|entry| entry["fullUrl"].as_str().unwrap()).collect();
    let composition = &bundle["entry"][0]["resource"];
    assert_eq!(composition["type"]["coding"][0]["code"], "60591-5");
    assert!(urls.contains(&composition["subject"]["reference"].as_str().unwrap()));
    assert!(urls.contains(&composition["author"][0]["reference"].as_str().unwrap()));
    let sections = composition["section"].as_array().unwrap();
    let codes: Vec<&str> = sections.iter().map(|one| one["code"]["coding"][0]["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["11450-4", "48765-2", "10160-0", "8716-3"]);
    for section in sections {
        let entries = section["entry"].as_array().expect("a section has entries");
        assert!(entries.iter().all(|entry| urls.contains(&entry["reference"].as_str().unwrap())), "{section}");
        assert!(section["text"]["div"].as_str().unwrap().starts_with("<div xmlns=\"http://www.w3.org/1999/xhtml\">"));
    }
    let text = sections[0]["text"]["div"].as_str().unwrap();
    assert!(text.contains("病名 &lt;c1&gt;") && !text.contains("<c1>"), "{text}");
    assert!(before.body.contains("no-medication-info") && before.body.contains("no-allergy-info"));
    assert!(!before.body.contains("no-problem-info"));
    assert_eq!(sections[3]["entry"].as_array().unwrap().len(), 1, "the last of each code");
    assert!(before.body.contains("Observation/o2") && !before.body.contains("Observation/o1"));
    // It is what a write of it would take, by what is asked of every Bundle.
    assert!(severities(&world.post("/Bundle/$validate", &bundle)).iter().all(|severity| severity != "error"));
    // A hidden diagnosis and one of somebody else change no byte.
    world.put(&condition("untold", "1", Some("UNINFORMED")));
    world.put(&condition("other", "2", None));
    assert_eq!(world.closed().get("agency-a", &*path), before);
    assert!(world.get(&*path).body.contains("untold"));
    // By identifier, and whoever is not to be seen is not there.
    let identifier = |number: &str| {
        let system = crate::gateway::number_of(crate::gateway::HOSPITAL, number)["system"].as_str().unwrap().to_owned();
        format!("/Patient/$summary?identifier={system}%7C{number}")
    };
    assert_eq!(world.closed().get("agency-a", identifier("1")).body, before.body);
    let nobody = world.closed().get("agency-a", "/Patient/none/$summary");
    assert_eq!(nobody.status, 404);
    for path in [identifier("2"), identifier("3"), format!("/{}/$summary", patient("2"))] {
        assert_eq!(world.closed().get("agency-a", &*path), nobody, "{path}");
    }
    for (query, status) in [("?profile=http://x.example/p", 422), ("?nonsense=1", 400), ("?identifier=1", 400)] {
        assert_eq!(world.get(format!("{path}{query}")).status, status, "{query}");
    }
    assert_eq!(world.closed().get("office", &*path).status, 403);
    world.consents("1", "inactive");
    assert_eq!(world.closed().get("agency-a", &*path), nobody);
}

/// Old versions are on record with the consent by which they were seen, as current ones are.
#[test]
fn a_history_is_on_record_with_its_consent() {
    let world = world();
    world.consents("1", "active");
    for (below, code) in [("/_history", "history"), ("/_history/1", "vread")] {
        assert_eq!(world.closed().get("agency-a", format!("/{}{below}", patient("1"))).status, 200, "{below}");
        let audit = world.closed().get("office", format!("/AuditEvent?patient={}&_count=1", patient("1"))).json();
        let event = &audit["entry"][0]["resource"];
        assert_eq!(event["subtype"][0]["code"], code, "{event}");
        assert!(event.to_string().contains("Consent/consent-1/_history/1"), "{event}");
    }
}

/// An operation is in the audit record by its name.
#[test]
fn an_operation_is_on_record() {
    let world = world();
    world.consents("1", "active");
    world.closed().get("agency-a", format!("/{}/$summary", patient("1")));
    let audit = world.closed().get("office", format!("/AuditEvent?patient={}&_count=1", patient("1"))).json();
    let event = &audit["entry"][0]["resource"];
    assert_eq!(event["subtype"][0]["code"], "operation", "{event}");
    assert_eq!(event["subtype"][1]["code"], "summary", "{event}");
    assert!(event.to_string().contains("Consent/consent-1/_history/1"), "{event}");
    // Whoever asks for what is hidden is told that it is not there; the record says that it is.
    world.closed().get("agency-b", format!("/{}/$summary", patient("1")));
    let audit = world.closed().get("office", format!("/AuditEvent?patient={}&_count=1", patient("1"))).json();
    let event = &audit["entry"][0]["resource"];
    assert_eq!((&event["subtype"][1]["code"], &event["outcome"]), (&json!("summary"), &json!("8")), "{event}");
}
