//! The terminology operations as a client calls them (terminology-service.html): over a guide, over what the network's office stores,
//! over the maps of the site; and over the packages of the corpora, where TASUKI_CORPORA names them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // a test fails by panicking

#[path = "gateway/mod.rs"]
mod gateway;
#[path = "guide/mod.rs"]
mod guide;
#[path = "terminology/packages.rs"]
mod packages;
#[path = "terminology/refusals.rs"]
mod refusals;

use std::sync::Arc;

use serde_json::{Value, json};
use tasuki::app::Gateway;
use tasuki::config::Config;
use tasuki::store::Store;

use gateway::{Answer, Ask, Served, clock, config_with};

const S: &str = "http://e.example/s";

/// `a` above `b` above `c`, and `d`, which is out of use; `a` only groups.
fn system() -> Value {
    json!({"resourceType": "CodeSystem", "id": "s", "url": S, "version": "1.2", "name": "System", "title": "A system",
    "status": "active", "content": "complete", "concept": [
        {"code": "a", "display": "Alpha", "definition": "The first", "property": [{"code": "notSelectable", "valueBoolean": true}],
            "concept": [{"code": "b", "display": "Beta", "designation": [{"language": "ja", "value": "乙"}],
                "concept": [{"code": "c", "display": "Gamma"}]}]},
        {"code": "d", "display": "Delta", "property": [{"code": "status", "valueCode": "retired"}]}]})
}

fn set(id: &str, include: Value) -> Value {
    json!({"resourceType": "ValueSet", "id": id, "url": format!("http://e.example/{id}"), "version": "3", "status": "active",
        "name": "V", "compose": {"include": [include]}})
}

fn map() -> Value {
    json!({"resourceType": "ConceptMap", "id": "m", "url": "http://e.example/m", "status": "active", "group": [{"source": S,
        "target": "http://e.example/t", "element": [{"code": "b", "target": [{"code": "x", "display": "Ex", "equivalence": "wider"}]},
        {"code": "c", "target": [{"equivalence": "unmatched"}]}]}]})
}

fn definitions() -> Vec<Value> {
    vec![
        system(),
        set("v", json!({"system": S})),
        set("bc", json!({"system": S, "filter": [{"property": "concept", "op": "is-a", "value": "b"}]})),
        set(
            "loinc",
            json!({"system": "http://loinc.org", "filter": [{"property": "CLASS", "op": "=", "value": "CHEM"}]}),
        ),
        set("odd", json!({"system": S, "filter": [{"property": "shape", "op": "=", "value": "round"}]})),
        set("units", json!({"system": "http://unitsofmeasure.org"})),
        map(),
    ]
}

/// An open gateway with a guide of these definitions, and with a map of the site.
fn served(definitions: &[Value]) -> Served {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("guide.tgz");
    std::fs::write(&file, guide::package("example.guide", "1.0.0", definitions)).unwrap();
    let maps = folder.path().join("maps");
    std::fs::create_dir(&maps).unwrap();
    let of_site = json!({"resourceType": "ConceptMap", "status": "active", "group": [{"source": "99LAB", "target": "http://loinc.org",
        "element": [{"code": "TP", "target": [{"code": "2885-2", "equivalence": "equivalent"}]}]}]});
    std::fs::write(maps.join("lab.json"), of_site.to_string()).unwrap();
    let loaded = tasuki::config::maps::load(&maps).unwrap();
    let more = format!("[[guide]]\npackage = \"{}\"\n", file.display());
    let config = Config { open: true, maps: Some((maps, loaded)), ..config_with(&more) };
    Served::new(Arc::new(Gateway::over(Store::open_memory(), &config, clock).expect("the gateway starts")))
}

fn parameters(all: Value) -> Value {
    json!({"resourceType": "Parameters", "parameter": all})
}

fn post(served: &Served, path: &str, all: Value) -> Answer {
    served.ask(Ask::post("", path, &parameters(all)))
}

/// What Parameters say: `name=value; name=(part, part)`.
fn said(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    fn one(parameter: &Value) -> String {
        let name = parameter["name"].as_str().unwrap();
        if let Some(parts) = parameter["part"].as_array() {
            return format!("{name}=({})", parts.iter().map(one).collect::<Vec<_>>().join(", "));
        }
        let value = parameter.as_object().unwrap().iter().find(|(name, _)| name.starts_with("value")).unwrap().1;
        let coding = || format!("{}#{}", value["system"].as_str().unwrap_or_default(), value["code"].as_str().unwrap());
        format!(
            "{name}={}",
            value.as_str().map_or_else(|| if value.is_object() { coding() } else { value.to_string() }, str::to_owned)
        )
    }
    let json = answer.json();
    assert_eq!(json["resourceType"], "Parameters");
    json["parameter"].as_array().unwrap().iter().map(one).collect::<Vec<_>>().join("; ")
}

/// The rule by which a call is refused.
fn refused(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status, status, "{}", answer.body);
    let json = answer.json();
    let issue = &json["issue"][0];
    format!("{} {}", issue["code"].as_str().unwrap(), issue["details"]["coding"][0]["code"].as_str().unwrap_or("?"))
}

fn codes(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json = answer.json();
    assert_eq!((&json["resourceType"], json["expansion"]["timestamp"].is_string()), (&json!("ValueSet"), true));
    let all = json["expansion"]["contains"].as_array().cloned().unwrap_or_default();
    let shown: Vec<&str> = all.iter().map(|one| one["code"].as_str().unwrap()).collect();
    format!("{} of {}", shown.join(" "), json["expansion"]["total"])
}

#[test]
fn a_value_set_is_expanded() {
    let served = served(&definitions());
    let get = |query: &str| codes(&served.get("", format!("/ValueSet/$expand?url=http://e.example/v{query}")));
    for (query, expected) in [
        ("", "a b c d of 4"),
        ("|3", "a b c d of 4"),
        ("&valueSetVersion=3", "a b c d of 4"),
        ("&filter=bet", "b of 1"),
        ("&offset=1&count=2", "b c of 4"),
        ("&count=0", " of 4"),
        ("&activeOnly=true", "a b c of 3"),
        ("&excludeNotForUI=true", "b c d of 3"),
        ("&excludeNested=false", "a d of 4"),
        ("&excludeNested=true", "a b c d of 4"),
        ("&exclude-system=http://e.example/s", " of 0"),
        ("&system-version=http://e.example/s|1.2", "a b c d of 4"),
        ("&check-system-version=http://e.example/s|1.2", "a b c d of 4"),
    ] {
        assert_eq!(get(&query.replace('|', "%7C")), expected, "{query}");
    }
    let whole = served.get("", "/ValueSet/$expand?url=http://e.example/v&displayLanguage=ja&includeDesignations=true&includeDefinition=true&count=9");
    let whole = whole.json();
    assert_eq!(
        (&whole["url"], &whole["version"], &whole["status"]),
        (&json!("http://e.example/v"), &json!("3"), &json!("active"))
    );
    assert_eq!(whole["compose"]["include"][0]["system"], S);
    let expansion = &whole["expansion"];
    assert_eq!(
        expansion["contains"][1],
        json!({"system": S, "code": "b", "display": "乙", "designation": [{"language": "ja", "value": "乙"}]})
    );
    assert_eq!(expansion["contains"][0]["abstract"], true);
    assert_eq!(expansion["contains"][3]["inactive"], true);
    let used = json!([{"name": "displayLanguage", "valueCode": "ja"}, {"name": "count", "valueInteger": 9},
        {"name": "includeDesignations", "valueBoolean": true}, {"name": "version", "valueUri": "http://e.example/s|1.2"}]);
    assert_eq!((&expansion["parameter"], &expansion["offset"]), (&used, &json!(0)));
    // What is sent, as a parameter and as the body.
    let own = set("own", json!({"valueSet": ["http://e.example/bc"]}));
    assert_eq!(codes(&post(&served, "/ValueSet/$expand", json!([{"name": "valueSet", "resource": own}]))), "b c of 2");
    assert_eq!(codes(&served.ask(Ask::post("", "/ValueSet/$expand", &own))), "b c of 2");
    let by_post = json!([{"name": "url", "valueUri": "http://e.example/v"}, {"name": "count", "valueInteger": 1},
        {"name": "activeOnly", "valueBoolean": true}]);
    assert_eq!(codes(&post(&served, "/ValueSet/$expand", by_post)), "a of 3");
}

#[test]
fn what_the_office_stores_is_in_force_at_once() {
    let served = served(&[system()]);
    let put = |resource: &Value| {
        let path = format!("/{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
        assert!(matches!(served.ask(Ask::put("", path, resource)).status, 200 | 201));
    };
    put(&set("w", json!({"system": S, "concept": [{"code": "c"}]})));
    assert_eq!(codes(&served.get("", "/ValueSet/w/$expand")), "c of 1");
    assert_eq!(codes(&served.get("", "/ValueSet/$expand?url=http://e.example/w")), "c of 1");
    put(&set("w", json!({"system": S, "concept": [{"code": "b"}, {"code": "c"}]})));
    assert_eq!(codes(&served.get("", "/ValueSet/$expand?url=http://e.example/w")), "b c of 2");
    put(&map());
    let translated = served.get("", format!("/ConceptMap/m/$translate?system={S}&code=b"));
    assert_eq!(
        said(&translated),
        "result=true; match=(equivalence=wider, concept=http://e.example/t#x, source=http://e.example/m)"
    );
    let mut more = system();
    more["id"] = "s2".into();
    more["version"] = "2".into();
    more["concept"] = json!([{"code": "new", "display": "New"}, {"code": "newer", "display": "Newer"}]);
    put(&more);
    assert_eq!(codes(&served.get("", "/ValueSet/$expand?url=http://e.example/w")), "b c of 2");
    assert!(said(&served.get("", format!("/CodeSystem/$lookup?system={S}&code=new"))).contains("display=New"));
    assert!(
        said(&served.get("", format!("/CodeSystem/$lookup?system={S}&version=1.2&code=b"))).contains("display=Beta")
    );
    assert_eq!(said(&served.get("", "/CodeSystem/s2/$validate-code?code=new")), "result=true; display=New");
    assert_eq!(
        said(&served.get("", "/ValueSet/w/$validate-code?code=b&system=http://e.example/s&systemVersion=1.2")),
        "result=true; display=Beta"
    );
}

#[test]
fn codes_are_judged_by_value_sets_and_code_systems() {
    let served = served(&definitions());
    let of_set =
        |query: &str| said(&served.get("", format!("/ValueSet/$validate-code?url=http://e.example/v&{query}")));
    for (query, expected) in [
        ("system=http://e.example/s&code=b", "result=true; display=Beta"),
        ("system=http://e.example/s&code=b&display=beta", "result=true; display=Beta"),
        ("system=http://e.example/s&code=b&display=%E4%B9%99&displayLanguage=ja", "result=true; display=乙"),
        ("system=http://e.example/s&code=a&abstract=true", "result=true; display=Alpha"),
        ("system=http://e.example/s&code=d", "result=true; message=The code is no longer in use.; display=Delta"),
        (
            "system=http://e.example/s&code=b&display=Other",
            "result=false; message=The code is called otherwise: Beta / 乙.; display=Beta",
        ),
        (
            "system=http://e.example/s&code=x",
            "result=false; message=The value set has no such code. The code system has no such code.",
        ),
        (
            "system=http://e.example/s&code=a",
            "result=false; message=The code only groups others; say abstract=true where that is meant.; display=Alpha",
        ),
        (
            "system=http://e.example/other&code=b&displayLanguage=ja-JP",
            "result=false; message=値セットにこのコードはありません。",
        ),
    ] {
        assert_eq!(of_set(query), expected, "{query}");
    }
    let coding = |code: &str| json!({"system": S, "code": code});
    let concept = json!([{"name": "url", "valueUri": "http://e.example/bc"}, {"name": "codeableConcept", "valueCodeableConcept":
        {"coding": [coding("d"), coding("c")]}}]);
    assert_eq!(said(&post(&served, "/ValueSet/$validate-code", concept)), "result=true; display=Gamma");
    let other =
        json!([{"name": "url", "valueUri": "http://e.example/bc"}, {"name": "coding", "valueCoding": coding("d")}]);
    assert_eq!(
        said(&post(&served, "/ValueSet/$validate-code", other)),
        "result=false; message=The value set has no such code. The code is no longer in use.; display=Delta"
    );
    let inline = json!([{"name": "valueSet", "resource": set("own", json!({"system": S}))}, {"name": "coding", "valueCoding": coding("c")}]);
    assert_eq!(said(&post(&served, "/ValueSet/$validate-code", inline)), "result=true; display=Gamma");
    let of_system = |query: &str| said(&served.get("", format!("/CodeSystem/$validate-code?{query}")));
    for (query, expected) in [
        ("url=http://e.example/s&code=b", "result=true; display=Beta"),
        ("url=http://e.example/s&version=1.2&code=b", "result=true; display=Beta"),
        (
            "url=http://e.example/s&code=B",
            "result=false; message=The code system tells upper from lower case and writes the code b.",
        ),
        ("url=http://unitsofmeasure.org&code=mm[Hg]", "result=true; display=mm[Hg]"),
        ("url=http://unitsofmeasure.org&code=mmHg", "result=false; message=The code system has no such code."),
        ("url=urn:ietf:bcp:47&code=ja-JP", "result=true; display=ja-JP"),
        ("url=http://loinc.org&code=1751-8", "result=false; message=The code system has no such code."),
    ] {
        assert_eq!(of_system(query), expected, "{query}");
    }
    let coded = json!([{"name": "coding", "valueCoding": {"system": S, "code": "c", "display": "Gamma"}}]);
    assert_eq!(said(&post(&served, "/CodeSystem/$validate-code", coded)), "result=true; display=Gamma");
    let own = json!({"resourceType": "CodeSystem", "url": "http://e.example/own", "content": "complete", "concept": [{"code": "q"}]});
    let own = json!([{"name": "codeSystem", "resource": own}, {"name": "code", "valueCode": "q"}]);
    assert_eq!(said(&post(&served, "/CodeSystem/$validate-code", own)), "result=true");
}

#[test]
fn codes_are_looked_up() {
    let served = served(&definitions());
    let look = |query: &str| said(&served.get("", format!("/CodeSystem/$lookup?{query}")));
    assert_eq!(
        look("system=http://e.example/s&code=b"),
        "name=A system; version=1.2; display=Beta; designation=(language=ja, value=乙); property=(code=parent, value=a); \
         property=(code=child, value=c)"
    );
    assert_eq!(
        look("system=http://e.example/s&code=a&property=definition&property=notSelectable"),
        "name=A system; version=1.2; display=Alpha; property=(code=definition, value=The first); property=(code=notSelectable, value=true)"
    );
    assert_eq!(
        look("system=http://e.example/s&code=b&displayLanguage=ja&property=x"),
        "name=A system; version=1.2; display=乙"
    );
    assert_eq!(
        look("system=http://unitsofmeasure.org&code=mg/dL"),
        "name=UCUM; display=mg/dL; property=(code=dimension, value=g.m-3)"
    );
    let coding = json!([{"name": "coding", "valueCoding": {"system": S, "code": "d"}}, {"name": "property", "valueCode": "inactive"}]);
    assert_eq!(
        said(&post(&served, "/CodeSystem/$lookup", coding)),
        "name=A system; version=1.2; display=Delta; property=(code=inactive, value=true)"
    );
    let subsumes = |query: &str| said(&served.get("", format!("/CodeSystem/$subsumes?{query}")));
    for (a, b, expected) in
        [("a", "c", "subsumes"), ("c", "a", "subsumed-by"), ("b", "b", "equivalent"), ("b", "d", "not-subsumed")]
    {
        assert_eq!(subsumes(&format!("system={S}&codeA={a}&codeB={b}")), format!("outcome={expected}"));
        let coding = |name: &str, code: &str| json!({"name": name, "valueCoding": {"system": S, "code": code}});
        let both = json!([coding("codingA", a), coding("codingB", b)]);
        assert_eq!(said(&post(&served, "/CodeSystem/$subsumes", both)), format!("outcome={expected}"));
    }
}

#[test]
fn codes_are_translated() {
    let served = served(&definitions());
    let translate = |query: &str| said(&served.get("", format!("/ConceptMap/$translate?{query}")));
    let wider = "result=true; match=(equivalence=wider, concept=http://e.example/t#x, source=http://e.example/m)";
    for (query, expected) in [
        ("url=http://e.example/m&system=http://e.example/s&code=b", wider),
        ("system=http://e.example/s&code=b&targetsystem=http://e.example/t", wider),
        (
            "system=http://e.example/t&code=x&reverse=true",
            "result=true; match=(equivalence=narrower, concept=http://e.example/s#b, source=http://e.example/m)",
        ),
        (
            "system=http://e.example/s&code=c",
            "result=false; message=No concept map that is loaded says what the code means there.; \
             match=(equivalence=unmatched, source=http://e.example/m)",
        ),
        (
            "system=http://e.example/s&code=d&displayLanguage=ja",
            "result=false; message=読み込まれている対応表に、このコードの対応はありません。",
        ),
        ("system=99LAB&code=TP", "result=true; match=(equivalence=equivalent, concept=http://loinc.org#2885-2)"),
        (
            "system=http://loinc.org&code=2885-2&reverse=true",
            "result=true; match=(equivalence=equivalent, concept=99LAB#TP)",
        ),
    ] {
        assert_eq!(translate(query), expected, "{query}");
    }
    let concept = json!([{"name": "codeableConcept", "valueCodeableConcept": {"coding": [{"system": S, "code": "c"}, {"system": S, "code": "b"}]}}]);
    let both = "result=true; match=(equivalence=unmatched, source=http://e.example/m); match=(equivalence=wider, \
                concept=http://e.example/t#x, source=http://e.example/m)";
    assert_eq!(said(&post(&served, "/ConceptMap/$translate", concept)), both);
    let own = json!([{"name": "conceptMap", "resource": map()}, {"name": "coding", "valueCoding": {"system": S, "code": "b"}},
        {"name": "dependency", "part": [{"name": "element", "valueUri": "sex"},
            {"name": "concept", "valueCodeableConcept": {"coding": [{"code": "female"}]}}]}]);
    assert_eq!(said(&post(&served, "/ConceptMap/$translate", own)), wider);
}
