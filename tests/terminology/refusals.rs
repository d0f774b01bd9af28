//! Calls that are refused: what is missing, malformed, unknown, not loaded, too costly, or not the caller's to ask.

use serde_json::json;

use super::gateway::{Ask, Served, over};
use super::{S, definitions, parameters, post, refused, served, set, system};
use tasuki::store::Store;

#[test]
fn what_cannot_be_answered_is_said() {
    let served = served(&definitions());
    for (path, status, expected) in [
        ("/ValueSet/$expand", 400, "required terminology-name-definition"),
        ("/ValueSet/$expand?url=http://e.example/nowhere", 404, "not-found terminology-not-loaded"),
        ("/ValueSet/$expand?url=http://e.example/v%7C9", 404, "not-found terminology-not-loaded"),
        ("/ValueSet/$expand?url=http://e.example/loinc", 422, "not-found terminology-not-loaded"),
        ("/ValueSet/$expand?url=http://e.example/odd", 422, "incomplete terminology-undecided"),
        ("/ValueSet/$expand?url=http://e.example/units", 422, "too-costly terminology-too-costly"),
        ("/ValueSet/$expand?url=http://e.example/units&count=5", 422, "too-costly terminology-too-costly"),
        ("/ValueSet/$expand?url=http://e.example/v&count=-1", 400, "value parameter-value"),
        ("/ValueSet/$expand?url=http://e.example/v&offset=x", 400, "value parameter-value"),
        ("/ValueSet/$expand?url=http://e.example/v&activeOnly=maybe", 400, "value parameter-value"),
        ("/ValueSet/$expand?url=http://e.example/v&url=http://e.example/v", 400, "value operation-parameter-once"),
        ("/ValueSet/$expand?url=http://e.example/v&date=2020", 400, "not-supported parameter"),
        ("/ValueSet/$expand?url=http://e.example/v&nonsense=1", 400, "not-supported parameter"),
        (
            "/ValueSet/$expand?url=http://e.example/v&check-system-version=http://e.example/s%7C9",
            422,
            "not-found terminology-not-loaded",
        ),
        ("/ValueSet/nowhere/$expand", 404, "not-found not-found"),
        ("/CodeSystem/$expand", 404, "not-supported operation-not-here"),
        ("/$expand", 404, "not-supported operation-not-here"),
        ("/CodeSystem/s/$lookup?code=a", 404, "not-supported operation-not-here"),
        ("/ValueSet/$validate-code?url=http://e.example/v", 400, "required terminology-name-code"),
        ("/ValueSet/$validate-code?url=http://e.example/v&code=a", 400, "required terminology-name-system"),
        ("/ValueSet/$validate-code?system=http://e.example/s&code=a", 400, "required terminology-name-definition"),
        (
            "/ValueSet/$validate-code?url=http://e.example/loinc&system=http://loinc.org&code=1751-7",
            422,
            "not-found terminology-not-loaded",
        ),
        (
            "/ValueSet/$validate-code?url=http://e.example/v&system=http://e.example/s&code=a&context=x",
            400,
            "not-supported parameter",
        ),
        ("/CodeSystem/$validate-code?code=a", 400, "required terminology-name-definition"),
        ("/CodeSystem/$validate-code?url=http://e.example/t&code=a", 404, "not-found terminology-not-loaded"),
        ("/CodeSystem/$validate-code?url=http://loinc.org&code=1751-7", 422, "not-found terminology-not-loaded"),
        ("/CodeSystem/$validate-code?url=http://e.example/s&code=a&system=x", 400, "not-supported parameter"),
        ("/CodeSystem/$lookup?code=a", 400, "required terminology-name-system"),
        ("/CodeSystem/$lookup?system=http://e.example/s", 400, "required terminology-name-code"),
        ("/CodeSystem/$lookup?system=http://e.example/s&code=x", 404, "not-found terminology-no-such-code"),
        ("/CodeSystem/$lookup?system=http://e.example/t&code=x", 404, "not-found terminology-not-loaded"),
        ("/CodeSystem/$lookup?system=http://unitsofmeasure.org&code=IU", 404, "not-found terminology-no-such-code"),
        ("/CodeSystem/$lookup?system=http://loinc.org&code=1751-7", 422, "not-found terminology-not-loaded"),
        ("/CodeSystem/$lookup?system=http://e.example/s&code=a&date=2020", 400, "not-supported parameter"),
        ("/CodeSystem/$subsumes?system=http://e.example/s&codeA=a", 400, "required operation-parameter-missing"),
        ("/CodeSystem/$subsumes?codeA=a&codeB=b", 400, "required terminology-name-system"),
        ("/CodeSystem/$subsumes?system=http://e.example/s&codeA=a&codeB=x", 404, "not-found terminology-no-such-code"),
        ("/CodeSystem/$subsumes?system=http://e.example/t&codeA=a&codeB=x", 404, "not-found terminology-not-loaded"),
        ("/ConceptMap/$translate?code=b", 400, "required terminology-name-system"),
        ("/ConceptMap/$translate?system=http://e.example/s", 400, "required terminology-name-code"),
        (
            "/ConceptMap/$translate?url=http://e.example/nowhere&system=http://e.example/s&code=b",
            404,
            "not-found terminology-not-loaded",
        ),
        ("/ConceptMap/$translate?system=http://e.example/s&code=b&reverse=7", 400, "value parameter-value"),
    ] {
        assert_eq!(refused(&served.get("", path), status), expected, "{path}");
    }
}

#[test]
fn bodies_that_are_not_what_the_operation_takes() {
    let served = served(&definitions());
    let wrong = "structure terminology-not-definition";
    assert_eq!(refused(&served.ask(Ask::post("", "/ValueSet/$expand", &system())), 400), wrong);
    assert_eq!(
        refused(&post(&served, "/ValueSet/$expand", json!([{"name": "valueSet", "resource": system()}])), 400),
        wrong
    );
    let own = set("own", json!({"valueSet": ["http://e.example/nowhere"]}));
    assert_eq!(refused(&served.ask(Ask::post("", "/ValueSet/$expand", &own)), 422), "not-found terminology-not-loaded");
    let round = set("own", json!({"valueSet": ["http://e.example/own"]}));
    assert_eq!(
        refused(&served.ask(Ask::post("", "/ValueSet/$expand", &round)), 422),
        "incomplete terminology-undecided"
    );
    let coding = |name: &str, value: serde_json::Value| json!({"name": name, "valueCoding": value});
    let both = json!([coding("coding", json!({"system": S, "code": "a"})), {"name": "code", "valueCode": "a"},
        {"name": "url", "valueUri": "http://e.example/v"}]);
    assert_eq!(refused(&post(&served, "/ValueSet/$validate-code", both), 400), "required terminology-name-code");
    let none = json!([coding("coding", json!({"system": S})), {"name": "url", "valueUri": "http://e.example/v"}]);
    assert_eq!(refused(&post(&served, "/ValueSet/$validate-code", none), 400), "required terminology-name-code");
    let other = json!([
        coding("codingA", json!({"system": S, "code": "a"})),
        coding("codingB", json!({"system": "t", "code": "a"}))
    ]);
    assert_eq!(refused(&post(&served, "/CodeSystem/$subsumes", other), 400), "value terminology-other-systems");
    let dependency = json!([{"name": "coding", "valueCoding": {"system": S, "code": "b"}}, {"name": "dependency", "valueString": "x"}]);
    assert_eq!(refused(&post(&served, "/ConceptMap/$translate", dependency), 400), "value parameter-value");
    let bare = served.ask(Ask::post("", "/CodeSystem/$lookup", &system()));
    assert_eq!(refused(&bare, 400), "structure not-parameters");
    for odd in [json!([]), json!({"resourceType": "Parameters", "parameter": [{"name": 1}]}), json!("x")] {
        assert_eq!(served.ask(Ask::post("", "/ValueSet/$expand", &odd)).status, 400, "{odd}");
    }
    let hierarchy = json!({"resourceType": "CodeSystem", "id": "p", "url": "http://e.example/p", "status": "active", "content": "complete",
        "hierarchyMeaning": "part-of", "concept": [{"code": "a", "concept": [{"code": "b"}]}]});
    assert!(served.ask(Ask::put("", "/CodeSystem/p", &hierarchy)).status < 300);
    let answer = served.get("", "/CodeSystem/p/$subsumes?codeA=a&codeB=b");
    assert_eq!(refused(&answer, 422), "not-supported terminology-no-hierarchy");
}

#[test]
fn what_one_call_may_cost_has_a_limit() {
    let served = served(&definitions());
    let sent = |excludes: usize| {
        let mut sent = set("own", json!({"system": "t", "concept": [{"code": "x"}]}));
        sent["compose"]["exclude"] = vec![json!({"system": "t", "concept": [{"code": "y"}]}); excludes].into();
        served.ask(Ask::post("", "/ValueSet/$expand", &sent))
    };
    assert_eq!(sent(999).status, 200);
    assert_eq!(refused(&sent(1_000), 422), "too-costly terminology-too-much");
    let codings = |count: usize| {
        let coding = json!({"system": S, "code": "a"});
        let concept = json!({"name": "codeableConcept", "valueCodeableConcept": {"coding": vec![coding; count]}});
        post(&served, "/ValueSet/$validate-code", json!([concept, {"name": "url", "valueUri": "http://e.example/v"}]))
    };
    assert_eq!(codings(100).status, 200);
    assert_eq!(refused(&codings(101), 400), "value parameter-value");
    let excluded = |count: usize| {
        let one = json!({"name": "exclude-system", "valueCanonical": "t"});
        let mut all = vec![one; count];
        all.push(json!({"name": "url", "valueUri": "http://e.example/v"}));
        post(&served, "/ValueSet/$expand", all.into())
    };
    assert_eq!(excluded(100).status, 200);
    assert_eq!(refused(&excluded(101), 400), "value parameter-value");
    let filtered =
        |bytes: usize| served.get("", format!("/ValueSet/$expand?url=http://e.example/v&filter={}", "x".repeat(bytes)));
    assert_eq!(filtered(1_000).status, 200);
    assert_eq!(refused(&filtered(1_001), 400), "value parameter-value");
}

/// Leakage: line 49.
#[test]
fn leak_49_terminology_tells_of_definitions_alone() {
    let served = Served::new(over(Store::open_memory()));
    // Who reads no ConceptMaps by its token, is not answered from them either.
    let narrow = served.get("lab-only", "/ConceptMap/$translate?system=x&code=y");
    assert_eq!(narrow.status, 403, "{}", narrow.body);
    // And nothing is worked out for it: what is wrong with the call is not looked at.
    for path in ["/ConceptMap/$translate", "/ValueSet/$expand?url=http://e.example/nowhere", "/CodeSystem/$lookup?no=1"]
    {
        assert_eq!(served.get("lab-only", path).status, 403, "{path}");
    }
    assert_eq!(served.get("nobody", "/CodeSystem/$lookup?system=urn:ietf:bcp:47&code=ja").status, 401);
    for client in ["agency-a", "hospital", "office"] {
        assert_eq!(served.get(client, "/CodeSystem/$lookup?system=urn:ietf:bcp:47&code=ja").status, 200, "{client}");
    }
    // What carries a label is no definition, and the resource itself is for whom it may be seen.
    let mut hidden = set("hidden", json!({"system": "urn:x", "concept": [{"code": "secret"}]}));
    let open = served.ask(Ask::put("office", "/ValueSet/hidden", &hidden));
    assert!(open.status < 300, "{}", open.body);
    let look = |path: &str| served.get("agency-a", path);
    assert!(look("/ValueSet/$expand?url=http://e.example/hidden").body.contains("secret"));
    assert!(look("/ValueSet/hidden/$expand").body.contains("secret"));
    hidden["meta"] =
        json!({"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]});
    assert!(served.ask(Ask::put("office", "/ValueSet/hidden", &hidden)).status < 300);
    let (by_url, missing) =
        (look("/ValueSet/$expand?url=http://e.example/hidden"), look("/ValueSet/$expand?url=http://e.example/missin"));
    assert_eq!((by_url.status, by_url.body.replace("hidden", "missin")), (missing.status, missing.body));
    assert_eq!(look("/ValueSet/hidden/$expand").body, look("/ValueSet/missing/$expand").body);
    let within = parameters(
        json!([{"name": "valueSet", "resource": set("own", json!({"valueSet": ["http://e.example/hidden"]}))}]),
    );
    let within = served.ask(Ask::post("agency-a", "/ValueSet/$expand", &within));
    assert!(within.status == 422 && !within.body.contains("secret"), "{}", within.body);
}
