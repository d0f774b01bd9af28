//! Scopes as the upper bound over role and consent, on every road by which a resource gets out (SMART-03 to SMART-05; leakage
//! checklist A 3, A 4, B to G as far as scopes go).

use serde_json::{Value, json};

use crate::gateway::{Answer, Ask, Served};
use crate::signer::{Signer, client};
use crate::{found, served_with};

struct World {
    served: Served,
    signer: Signer,
}

impl World {
    fn new() -> World {
        let signer = Signer::ec("k");
        let hospital = format!(
            "[[client]]\nid = \"his\"\norganization = \"Organization/hospital\"\nrole = \"source\"\njwks = '{}'\n",
            json!({"keys": [signer.jwk()]})
        );
        let office = hospital.replace("his", "desk").replace("Organization/hospital", "Organization/network-office");
        let office = office.replace("source", "office");
        let limits = "[limits]\ntokens_per_minute_max = 1000\ntoken_attempts_per_minute_max = 1000\n";
        let narrow = client(
            "narrow",
            &[&signer],
            "scopes = [\"system/Observation.rs?category=laboratory\", \"system/Patient.r\"]",
        );
        World { served: served_with(&(client("app", &[&signer], "") + &narrow + &hospital + &office + limits)), signer }
    }

    fn token(&self, scope: &str) -> String {
        self.signer.token(&self.served, "app", scope)
    }

    fn get(&self, scope: &str, path: &str) -> Answer {
        self.served.get(&self.token(scope), path)
    }

    fn id(&self, name: &str) -> String {
        let token = self.token("system/Observation.rs");
        let bundle = self.served.get(&token, "/Observation").json();
        let entries = bundle["entry"].as_array().unwrap().clone();
        let entry = entries.into_iter().find(|entry| entry["resource"]["code"]["text"] == name).unwrap();
        entry["resource"]["id"].as_str().unwrap().to_owned()
    }

    fn patient(&self) -> String {
        let bundle = self.get("system/Patient.rs", "/Patient").json();
        bundle["entry"][0]["resource"]["id"].as_str().unwrap().to_owned()
    }
}

const LAB: &str = "system/Observation.rs?category=laboratory";

fn is_insufficient(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 403, "{what}: {}", answer.body);
    assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"insufficient_scope\""), "{what}");
    assert_eq!(answer.json()["issue"][0]["code"], "forbidden", "{what}");
}

#[test]
fn smart_03_what_a_token_is_not_good_for_is_401_or_403() {
    let world = World::new();
    for client in ["", "nonsense"] {
        let answer = world.served.get(client, "/Patient");
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")));
    }
    is_insufficient(&world.get("system/Patient.rs", "/Observation"), "another type");
    is_insufficient(&world.get("system/Observation.r", "/Observation"), "search with r");
    let lab = world.id("lab");
    is_insufficient(&world.get("system/Observation.s", &format!("/Observation/{lab}")), "read with s");
}

#[test]
fn smart_04_each_interaction_takes_its_letter() {
    let world = World::new();
    let (lab, patient) = (world.id("lab"), world.patient());
    let cases = [
        (format!("/Observation/{lab}"), "r"),
        (format!("/Observation/{lab}/_history"), "r"),
        (format!("/Observation/{lab}/_history/1"), "r"),
        (format!("/Observation/{lab}/$meta"), "r"),
        ("/Observation".to_owned(), "s"),
        (format!("/Observation/_search?patient={patient}"), "s"),
        (format!("/Patient/{patient}/Observation"), "s"),
        ("/Observation/_history".to_owned(), "s"),
        (format!("/Observation/$lastn?patient={patient}&category=laboratory"), "s"),
    ];
    for (path, letter) in &cases {
        for right in ["r", "s"] {
            let answer = world.get(&format!("system/Observation.{right}"), path);
            match *letter == right {
                true => assert_eq!(answer.status, 200, "{path} with {right}: {}", answer.body),
                false => is_insufficient(&answer, &format!("{path} with {right}")),
            }
        }
        for scope in ["system/Observation.read", "system/*.*", "system/*.rs"] {
            assert_eq!(world.get(scope, path).status, 200, "{path} with {scope}");
        }
    }
    // The system: what the scopes do not include is not there.
    assert_eq!(found(&world.served, &world.token("system/Condition.s"), "/_search?_count=50").len(), 1);
    let history = world.get("system/Condition.s", "/_history").json();
    let types: Vec<&Value> =
        history["entry"].as_array().unwrap().iter().map(|e| &e["resource"]["resourceType"]).collect();
    assert_eq!(types, ["Condition"]);
    is_insufficient(&world.get("system/Condition.rs", &format!("/Patient/{patient}/$everything")), "$everything");
}

#[test]
fn smart_04_writing_takes_its_letter_within_the_role() {
    let world = World::new();
    let token = |scope: &str| world.signer.token(&world.served, "desk", scope);
    let put = |scope: &str| {
        let organization = json!({"resourceType": "Organization", "id": "o1", "name": "例示事業所"});
        world.served.ask(Ask::put(&token(scope), "/Organization/o1", &organization))
    };
    is_insufficient(&put("system/Organization.crds"), "update without u");
    assert_eq!(put("system/Organization.u").status, 200);
    let delete =
        |scope: &str| world.served.ask(Ask { method: "DELETE", ..Ask::get(&token(scope), "/Organization/o1") }).status;
    assert_eq!(delete("system/Organization.cru"), 403);
    let post = |scope: &str| {
        let organization = json!({"resourceType": "Organization", "name": "例示事業所二"});
        world.served.ask(Ask::post(&token(scope), "/Organization", &organization)).status
    };
    assert_eq!((post("system/Organization.u"), post("system/Organization.c")), (403, 201));
    // A batch is judged entry by entry.
    let batch = json!({"resourceType": "Bundle", "type": "batch", "entry": [
        {"request": {"method": "GET", "url": "Organization/o1"}},
        {"request": {"method": "GET", "url": "Organization"}},
        {"request": {"method": "DELETE", "url": "Organization/o1"}},
    ]});
    let answer = world.served.ask(Ask::post(&token("system/Organization.s"), "", &batch)).json();
    let statuses: Vec<&str> =
        answer["entry"].as_array().unwrap().iter().map(|e| e["response"]["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["403 Forbidden", "200 OK", "403 Forbidden"]);
    let transaction = json!({"resourceType": "Bundle", "type": "transaction",
        "entry": [{"request": {"method": "DELETE", "url": "Organization/o1"}}]});
    assert_eq!(world.served.ask(Ask::post(&token("system/Organization.rs"), "", &transaction)).status, 403);
    // What finds needs s, also inside a write (leakage checklist H 51, H 52).
    let conditional = Ask { method: "DELETE", ..Ask::get(&token("system/Organization.d"), "/Organization?name=x") };
    assert_eq!(world.served.ask(conditional).status, 403);
    // The audit record.
    assert_eq!(world.served.get(&token("system/AuditEvent.s"), "/AuditEvent").status, 200);
    assert_eq!(world.served.get(&token("system/AuditEvent.r"), "/AuditEvent").status, 403);
}

#[test]
fn letters_are_handed_in_with_a_scope_for_bundles() {
    let world = World::new();
    let bundle = crate::gateway::bundle("7", "n", &[]);
    let push = |scope: &str, path: &str| {
        let token = world.signer.token(&world.served, "his", scope);
        world.served.ask(Ask::post(&token, path, &bundle)).status
    };
    for path in ["/Bundle", "//intake", "/$convert"] {
        assert_eq!(push("system/*.rs", path), 403, "{path}");
        assert!(matches!(push("system/Bundle.c", path), 200 | 201), "{path}");
    }
}

#[test]
fn smart_05_a_granular_scope_filters_every_road() {
    let world = World::new();
    let served = &world.served;
    let (lab, vital, patient) = (world.id("lab"), world.id("vital"), world.patient());
    let token = world.token(&format!("{LAB} system/Patient.rs system/Condition.rs"));
    // Search: matches, totals, ids, negations, chains, reverse chains, includes.
    assert_eq!(found(served, &token, "/Observation"), ["Observation lab"]);
    for path in ["/Observation?_summary=count", "/Observation?_count=0", "/Observation?_total=accurate"] {
        assert_eq!(served.get(&token, path).json()["total"], 1, "{path}");
    }
    for (path, expected) in [
        (format!("/Observation?_id={vital}"), vec![]),
        (format!("/Observation?_id={lab},{vital}"), vec!["Observation lab"]),
        ("/Observation?category:not=laboratory".into(), vec![]),
        ("/Observation?category:missing=true".into(), vec![]),
        ("/Observation?identifier=vital".into(), vec![]),
        ("/Patient?_has:Observation:patient:category=vital-signs".into(), vec![]),
        ("/Patient?_has:Observation:patient:category=laboratory".into(), vec!["Patient"]),
        ("/Patient?_revinclude=Observation:patient".into(), vec!["Observation lab", "Patient"]),
        ("/Observation?_include=Observation:patient".into(), vec!["Observation lab", "Patient"]),
        (format!("/Patient/{patient}/*"), vec!["Condition C1", "Observation lab", "Patient"]),
        ("/_search?_count=50&_type=Observation,Patient".into(), vec!["Observation lab", "Patient"]),
        (format!("/Patient/{patient}/$everything"), vec!["Condition C1", "Observation lab", "Patient"]),
        (format!("/Observation/$lastn?patient={patient}&category=laboratory,vital-signs"), vec!["Observation lab"]),
    ] {
        assert_eq!(found(served, &token, &path), expected, "{path}");
    }
    let form = crate::signer::form("/Observation/_search", &[("category", "vital-signs")]);
    assert_eq!(served.ask(Ask { client: token.clone(), ..form }).json()["total"], 0);
    // By id: not there, byte for byte what is not there.
    let missing = served.get(&token, "/Observation/00000000-0000-8000-8000-000000000000");
    for path in [
        format!("/Observation/{vital}"),
        format!("/Observation/{vital}/_history/1"),
        format!("/Observation/{vital}/_history"),
        format!("/Observation/{vital}/$meta"),
    ] {
        let answer = served.get(&token, &path);
        assert_eq!((answer.status, &answer.headers, &answer.body), (404, &missing.headers, &missing.body), "{path}");
        assert_eq!(served.get(&token, path.replace(&vital, &lab)).status, 200, "{path}");
    }
    // Conditional reads, HEAD.
    let head = Ask { method: "HEAD", ..Ask::get(&token, format!("/Observation/{vital}")) };
    assert_eq!(served.ask(head).status, 404);
    let unmodified = Ask::get(&token, format!("/Observation/{vital}")).with("if-none-match", "W/\"1\"");
    assert_eq!(served.ask(unmodified).status, 404);
    // Histories.
    for path in ["/Observation/_history", "/_history"] {
        let history = served.get(&token, path).json();
        let entries = history["entry"].as_array().unwrap();
        let observations: Vec<&str> =
            entries.iter().filter_map(|entry| entry["resource"]["code"]["text"].as_str()).collect();
        assert!(!observations.contains(&"vital") && observations.contains(&"lab"), "{path}: {observations:?}");
        assert_eq!(history["total"], entries.len(), "{path}");
    }
    // A batch.
    let batch = json!({"resourceType": "Bundle", "type": "batch", "entry": [
        {"request": {"method": "GET", "url": format!("Observation/{vital}")}},
        {"request": {"method": "GET", "url": "Observation"}},
    ]});
    let answer = served.ask(Ask::post(&token, "", &batch)).json();
    assert_eq!(answer["entry"][0]["response"]["status"], "404 Not Found");
    assert_eq!(answer["entry"][1]["resource"]["total"], 1);
    // $summary, $meta of the type.
    let summary = served.get(&token, format!("/Patient/{patient}/$summary"));
    assert!(summary.status == 200 && !summary.body.contains("\"vital\""), "{}", summary.body);
}

#[test]
fn smart_05_a_granular_scope_filters_exports() {
    let world = World::new();
    let token = world.token(&format!("{LAB} system/Patient.rs"));
    let begin = |path: &str| {
        let ask = Ask::get(&token, path).with("prefer", "respond-async").with("accept", "application/fhir+json");
        world.served.ask(ask)
    };
    is_insufficient(&begin("/$export?_type=Condition"), "a type that the scopes do not include");
    let begun = begin("/Patient/$export");
    assert_eq!(begun.status, 202, "{}", begun.body);
    let status = begun.header("content-location").unwrap().strip_prefix(crate::gateway::BASE).unwrap().to_owned();
    let manifest = loop {
        let answer = world.served.get(&token, &*status);
        if answer.status == 200 {
            break answer.json();
        }
        assert_eq!(answer.status, 202, "{}", answer.body);
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    let outputs = manifest["output"].as_array().unwrap();
    let mut types: Vec<&str> = outputs.iter().map(|output| output["type"].as_str().unwrap()).collect();
    types.sort_unstable();
    assert_eq!(types, ["Observation", "Patient"], "{manifest}");
    for output in outputs {
        let url = output["url"].as_str().unwrap().strip_prefix(crate::gateway::BASE).unwrap();
        let file = world.served.get(&token, url);
        assert_eq!((file.status, file.body.lines().count()), (200, 1), "{url}: {}", file.body);
        assert!(!file.body.contains("\"vital\""));
        // Another token of the same client sees with its own scopes.
        is_insufficient(&world.served.get(&world.token("system/Condition.rs"), url), url);
    }
}

#[test]
fn a_client_gets_no_more_than_it_is_registered_for() {
    let world = World::new();
    let answer = world.signer.ask(&world.served, "narrow", "system/*.cruds");
    assert_eq!(answer.json()["scope"], "system/Observation.rs?category=laboratory system/Patient.r");
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(found(&world.served, &token, "/Observation"), ["Observation lab"]);
    assert_eq!(world.served.get(&token, "/Patient").status, 403);
    assert_eq!(world.signer.ask(&world.served, "narrow", "system/Condition.rs").status, 400);
}

/// Consent still decides: a scope opens nothing.
#[test]
fn a_scope_opens_nothing_that_consent_closes() {
    let world = World::new();
    let signer = Signer::ec("k");
    let stranger = client("stranger", &[&signer], "").replace("agency-a", "agency-x");
    let served = served_with(&stranger);
    let token = signer.token(&served, "stranger", "system/*.cruds");
    assert_eq!(found(&served, &token, "/Observation"), Vec::<String>::new());
    assert_eq!(served.get(&token, format!("/Observation/{}", world.id("lab"))).status, 404);
}

#[test]
fn so_many_scopes_are_granted_and_not_one_more() {
    use tasuki::consent::scope::GRANTED_MAX;
    use tasuki::consent::{Scope, Scopes};
    let scope = |text: &str| Scope::parse(text).unwrap();
    let mut most: Vec<Scope> = (0..10).map(|n| scope(&format!("system/Observation.rs?category=a{n}"))).collect();
    most.push(scope("system/Patient.rs"));
    // Each with each of those that are registered.
    let asked: Vec<String> = (0..10).map(|n| format!("system/Observation.rs?code=c{n}")).collect();
    let granted = |asked: &str| Scopes::granted(asked, &most, |_, _| true).unwrap().text();
    let (at, past) = (asked.join(" "), format!("{} system/Patient.rs", asked.join(" ")));
    assert_eq!((granted(&at).split(' ').count(), granted(&past).split(' ').count()), (GRANTED_MAX, GRANTED_MAX));
    assert!(!granted(&past).contains("Patient"));
}
