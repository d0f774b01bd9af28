//! What the gateway declares is what it does (checklist CAP-01 to CAP-05, BASE-12, NEG-09, SMART-01): the declarations are read
//! from the CapabilityStatement, and each is asked for, and what is not declared too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::gateway::{Answer, Ask, BASE, Served, clock, config, config_with, key};
use crate::guides::{jp_core, named};
use serde_json::{Value, json};
use tasuki::app::Gateway;
use tasuki::config::Config;
use tasuki::fault::Severity;
use tasuki::store::Store;
use tasuki::validate::base;

/// Undeclared search parameters that are tried of each type.
const UNDECLARED: usize = 12;
const INTERACTIONS: [&str; 9] =
    ["read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type"];

/// A gateway, and those who may call it.
struct World {
    served: Served,
    clients: &'static [&'static str],
    statement: Value,
}

fn world(open: bool) -> World {
    world_of(config(), open)
}

fn world_of(mut config: Config, open: bool) -> World {
    config.open = open;
    let gateway = Gateway::over(Store::open_memory(), &config, clock).expect("the gateway starts");
    let served = Served::new(Arc::new(gateway));
    let statement = served.get("", "/metadata").json();
    World { served, clients: if open { &[""] } else { &["agency-a", "hospital", "office"] }, statement }
}

impl World {
    fn types(&self) -> &[Value] {
        self.statement["rest"][0]["resource"].as_array().expect("types")
    }

    /// Whether every one of those who may call is refused: the interaction is not offered, or their role does not have it.
    fn refuses(&self, ask: &Ask) -> bool {
        self.clients.iter().all(|client| {
            let answer = self.served.ask(Ask { client: (*client).to_owned(), ..ask.clone() });
            assert!(answer.status < 500 && answer.status != 401, "{ask:?}: {}", answer.body);
            match answer.status {
                403 | 405 => true,
                404 => answer.json()["issue"][0]["code"] == "not-supported",
                _ => false,
            }
        })
    }
}

/// The texts of a member of each item.
fn texts<'a>(items: &'a Value, name: &str) -> Vec<&'a str> {
    let items = items.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().map(|item| item[name].as_str().expect("a text")).collect()
}

fn name(of: &Value) -> &str {
    of["type"].as_str().expect("a type")
}

fn of_method(method: &'static str, path: String, body: &Value) -> Ask {
    Ask { method, ..Ask::put("", path, body) }
}

/// An interaction as a request; with `criteria`, by what matches.
fn asked(name: &str, code: &str, criteria: bool) -> Ask {
    let body = json!({"resourceType": name, "id": "none-1"});
    let one = if criteria { format!("/{name}?_id=none-1") } else { format!("/{name}/none-1") };
    match code {
        "read" => Ask::get("", one),
        "vread" => Ask::get("", format!("/{name}/none-1/_history/1")),
        "history-instance" => Ask::get("", format!("/{name}/none-1/_history")),
        "history-type" => Ask::get("", format!("/{name}/_history")),
        "search-type" => Ask::get("", format!("/{name}?{}", limit(name))),
        "create" if criteria => of_method("POST", format!("/{name}"), &body).with("if-none-exist", "_id=none-1"),
        "create" => of_method("POST", format!("/{name}"), &body),
        "update" => of_method("PUT", one, &body),
        "delete" => Ask { method: "DELETE", ..Ask::get("", one) },
        "patch" => {
            let ask = Ask { method: "PATCH", body: b"[]".to_vec(), ..Ask::get("", one) };
            ask.with("content-type", "application/json-patch+json")
        }
        other => panic!("{other} is no interaction"),
    }
}

/// What limits a search to something that is not there: a source must name what it asks for.
fn limit(name: &str) -> String {
    match name {
        "AuditEvent" => format!("patient={}", key("1").reference()),
        _ => "_id=none-1".to_owned(),
    }
}

/// A value that a parameter of this kind takes.
fn value(name: &str, kind: &str, definition: &Value) -> String {
    match (name, kind) {
        ("_filter", _) => "_id%20eq%20none-1".to_owned(),
        ("_id" | "_list", _) => "none-1".to_owned(),
        ("near", _) => "35.68%7C139.76%7C1%7Ckm".to_owned(),
        ("patient", _) => key("1").reference(),
        (_, "number") => "gt1.5".to_owned(),
        (_, "date") => "ge2026-01-01".to_owned(),
        (_, "string") => "%E8%A6%8B%E6%9C%AC".to_owned(),
        // A boolean, a uri and a ContactPoint have no system.
        (_, "token") => "code".to_owned(),
        (_, "reference") => "http%3A%2F%2Felsewhere.example%2FThing%2F1".to_owned(),
        (_, "quantity") => "5.4%7Chttp%3A%2F%2Funitsofmeasure.org%7Cmg".to_owned(),
        (_, "uri") => "http%3A%2F%2Fexample.org%2Fx".to_owned(),
        (_, "composite") => composite(definition.as_str().expect("a definition")),
        other => panic!("{other:?}"),
    }
}

/// A value for each component of a composite, as its definition has them.
fn composite(url: &str) -> String {
    use tasuki::search::Definitions;
    use tasuki::search::parameters::types;
    let mut all = types().flat_map(|of| Definitions::base().of(of));
    let definition = all.find(|definition| &*definition.url == url).expect("a definition of R4");
    let values = definition.components.iter().map(|component| value("", component.kind.code(), &Value::Null));
    values.collect::<Vec<_>>().join("$")
}

/// CAP-01, BASE-12: sound, public, and of this gateway.
#[test]
fn the_statement_is_sound_and_public() {
    for open in [true, false] {
        let world = world(open);
        let statement = &world.statement;
        let errors = base(statement).into_iter().filter(|issue| issue.rule.severity >= Severity::Error);
        let errors: Vec<_> = errors.map(|issue| (issue.rule.id, issue.place.to_string())).collect();
        assert_eq!(errors, [], "CAP-01");
        for (name, expected) in [
            ("resourceType", "CapabilityStatement"),
            ("kind", "instance"),
            ("status", "active"),
            ("fhirVersion", "4.0.1"),
        ] {
            assert_eq!(statement[name], expected, "CAP-01");
        }
        assert_eq!(statement["implementation"]["url"], BASE, "BASE-12");
        let rest = &statement["rest"][0];
        assert_eq!(rest["security"]["cors"], true, "CAP-05");
        assert_eq!(rest["security"]["service"].is_array(), !open, "CAP-05");
        assert_eq!(rest["compartment"].as_array().expect("compartments").len(), 5, "CAP-02");
        for of in rest["resource"].as_array().expect("types").iter().filter(|of| name(of) != "AuditEvent") {
            let said = (&of["versioning"], &of["readHistory"], &of["conditionalRead"]);
            let read = if name(of) == "Patient" && !open { "not-supported" } else { "full-support" };
            assert_eq!(said, (&json!("versioned"), &json!(true), &json!(read)), "CAP-02 {}", name(of));
            let writes = of["interaction"].as_array().expect("interactions").contains(&json!({"code": "update"}));
            assert_eq!(of["updateCreate"], writes, "CAP-02 {}", name(of));
            assert_eq!(of["conditionalDelete"], if writes { "single" } else { "not-supported" }, "CAP-02 {}", name(of));
        }
        for code in texts(&rest["interaction"], "code") {
            let ask = match code {
                "transaction" | "batch" => Ask::post("", "/", &json!({"resourceType": "Bundle", "type": code})),
                "search-system" => Ask::get("", "/?_id=none-1&_type=Patient,Consent"),
                "history-system" => Ask::get("", "/_history"),
                other => panic!("{other}"),
            };
            assert!(!world.refuses(&ask), "CAP-03 {code}");
        }
        let names = texts(&rest["operation"], "name");
        for name in &names {
            assert!(!world.refuses(&of_method("POST", format!("/${name}"), &json!({}))), "CAP-03 ${name}");
        }
        assert_eq!(names.contains(&"import"), open, "CAP-03");
        assert_eq!(world.refuses(&of_method("POST", "/$import".to_owned(), &json!({}))), !open, "CAP-03");
    }
}

/// CAP-04: the same bytes are not sent twice; whatever form they have, they are the same.
#[test]
fn the_statement_has_a_tag() {
    let served = world(true).served;
    for path in
        ["/metadata", "/metadata?mode=full", "/metadata?mode=terminology", "/metadata?mode=normative", "/openapi.json"]
    {
        let first = served.get("", path);
        let tag = first.header("etag").expect("a tag").to_owned();
        assert_eq!(first.status, 200, "CAP-04 {path}");
        let again = served.ask(Ask::get("", path).with("if-none-match", tag.clone()));
        assert_eq!((again.status, again.body.as_str(), again.header("etag")), (304, "", Some(&*tag)), "CAP-04 {path}");
        assert_eq!(served.ask(Ask::get("", path).with("if-none-match", "W/\"1\"")).status, 200, "CAP-04 {path}");
        let since = "Sat, 21 Nov 2026 00:30:00 GMT";
        assert_eq!(served.ask(Ask::get("", path).with("if-modified-since", since)).status, 200, "CAP-04 {path}");
        println!("{path}: {} bytes", first.bytes.len());
        let packed = served.ask(Ask::get("", path).with("accept-encoding", "gzip"));
        assert_eq!(packed.header("content-encoding"), Some("gzip"), "{path}");
        assert!(packed.bytes.len() < first.bytes.len() / 4, "{path}");
        assert_eq!(packed.header("etag"), Some(&*tag), "{path}");
        let head = served.ask(Ask { method: "HEAD", ..Ask::get("", path) });
        assert_eq!((head.status, head.length, head.body.as_str()), (200, Some(first.bytes.len() as u64), ""), "{path}");
    }
    // NEG-09, and the names of JSON.
    for (accept, content_type) in [
        ("application/fhir+xml", "application/fhir+xml; charset=utf-8"),
        ("application/json", "application/json; charset=utf-8"),
        ("application/fhir+json", "application/fhir+json; charset=utf-8"),
    ] {
        let answer = served.ask(Ask::get("", "/metadata").with("accept", accept));
        assert_eq!(answer.header("content-type"), Some(content_type), "NEG-09");
        assert_eq!(answer.body.starts_with('<'), accept.ends_with("xml"), "NEG-09");
    }
    let pretty = served.get("", "/metadata?_pretty=true");
    assert!(pretty.body.starts_with("{\n") && pretty.json()["kind"] == "instance");
}

/// CAP-03, of search parameters, those of guides among them: every declared one is taken; what others declare, and what nobody does, is not.
#[test]
fn declared_search_parameters_are_taken_and_no_others() {
    let guides = jp_core().map(|packages| named(&packages)).unwrap_or_default();
    let world = world_of(config_with(&guides), true);
    let mut declared: BTreeMap<&str, Vec<(&str, String)>> = BTreeMap::new();
    for of in world.types() {
        for parameter in of["searchParam"].as_array().expect("parameters") {
            let (code, kind) =
                (parameter["name"].as_str().expect("a name"), parameter["type"].as_str().expect("a kind"));
            let query = match code {
                "_has" => "_has:Provenance:target:_id=none-1".to_owned(),
                _ => format!("{code}={}", value(code, kind, &parameter["definition"])),
            };
            declared.entry(name(of)).or_default().push((code, query));
        }
    }
    let ask = |name: &str, query: &str| -> Answer { world.served.get("", format!("/{name}?{query}")) };
    let every: BTreeSet<&str> = declared.values().flatten().map(|(code, _)| *code).collect();
    let every: Vec<&str> = every.into_iter().collect();
    let (mut wrong, mut tried) = (Vec::new(), (0, 0));
    for (at, (name, parameters)) in declared.iter().enumerate() {
        for (code, query) in parameters {
            tried.0 += 1;
            let answer = ask(name, query);
            if answer.status != 200 {
                wrong.push(format!("{name}?{query} {} {}", answer.status, answer.body));
            }
            let is_never_empty = ["AuditEvent", "NamingSystem"].contains(name);
            assert!(code.starts_with('_') || is_never_empty || answer.json()["total"] == 0, "{name}?{query}");
        }
        let others = every.iter().cycle().skip(at * UNDECLARED).take(every.len());
        let others = others.filter(|code| parameters.iter().all(|(own, _)| own != *code)).take(UNDECLARED);
        for code in others.chain(&["_query", "nonsense"]) {
            tried.1 += 1;
            let answer = ask(name, &format!("{code}=x"));
            if answer.status != 400 {
                wrong.push(format!("{name}?{code} is not declared: {} {}", answer.status, answer.body));
            }
        }
    }
    assert_eq!(wrong, [] as [String; 0], "CAP-03");
    println!("{} declared parameters taken, {} others refused", tried.0, tried.1);
    assert!(tried.0 > 2000 && tried.1 > 1500);
}

/// CAP-03, of what a search adds.
#[test]
fn declared_includes_are_taken_and_no_others() {
    let world = world(true);
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for of in world.types() {
        let texts = |member: &str| -> Vec<String> {
            let all = of[member].as_array().cloned().unwrap_or_default();
            all.iter().map(|one| one.as_str().expect("a text").to_owned()).collect()
        };
        for (parameter, names) in [("_include", texts("searchInclude")), ("_revinclude", texts("searchRevInclude"))] {
            tried += names.len();
            // As many at once as a search takes.
            for names in names.chunks(32) {
                let query: Vec<String> = names.iter().map(|name| format!("{parameter}={name}")).collect();
                let answer = world.served.get("", format!("/{}?_id=none-1&{}", name(of), query.join("&")));
                if answer.status != 200 {
                    wrong.push(format!("{} {query:?} {}", name(of), answer.body));
                }
            }
            let answer = world.served.get("", format!("/{}?_id=none-1&{parameter}={}:nonsense", name(of), name(of)));
            assert_eq!(answer.status, 400, "CAP-03 {} {parameter}", name(of));
        }
    }
    assert_eq!(wrong, [] as [String; 0], "CAP-03");
    assert!(tried > 3000, "{tried}");
}

/// CAP-03, of interactions and operations: what is declared, somebody may do; what is not, nobody.
#[test]
fn declared_interactions_are_offered_and_no_others() {
    for open in [true, false] {
        let world = world(open);
        let names: BTreeSet<&str> = world.types().iter().flat_map(|of| texts(&of["operation"], "name")).collect();
        let (mut wrong, mut tried) = (Vec::new(), 0);
        let mut hold = |ask: &Ask, is_declared: bool| {
            tried += 1;
            if world.refuses(ask) == is_declared {
                wrong.push(format!("{} {} open {open}, declared {is_declared}", ask.method, ask.path));
            }
        };
        for of in world.types() {
            let declared = texts(&of["interaction"], "code");
            for code in INTERACTIONS {
                hold(&asked(name(of), code, false), declared.contains(&code));
            }
            for (member, code) in
                [("conditionalCreate", "create"), ("conditionalUpdate", "update"), ("conditionalDelete", "delete")]
            {
                let is_declared = of[member] == true || of[member] == "single";
                // A source's Bundle is a letter, with or without a condition.
                if is_declared || name(of) != "Bundle" {
                    hold(&asked(name(of), code, true), is_declared);
                }
            }
            let declared = texts(&of["operation"], "name");
            for operation in &names {
                let paths = [format!("/{}/${operation}", name(of)), format!("/{}/none-1/${operation}", name(of))];
                let asks = paths.map(|path| of_method("POST", path, &json!({"resourceType": "Parameters"})));
                let is_offered = asks.iter().any(|ask| !world.refuses(ask));
                assert_eq!(is_offered, declared.contains(operation), "CAP-03 {}/${operation} open {open}", name(of));
            }
        }
        assert_eq!(wrong, [] as [String; 0], "CAP-03");
        assert!(tried > 1500, "{tried}");
    }
}

/// The OpenAPI description says what the CapabilityStatement says.
#[test]
fn the_openapi_description_says_the_same() {
    for open in [true, false] {
        let world = world(open);
        let answer = world.served.ask(Ask::get("", "/openapi.json").with("accept", "text/html"));
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json; charset=utf-8")));
        let description = answer.json();
        assert_eq!((&description["openapi"], &description["servers"][0]["url"]), (&json!("3.1.0"), &json!(BASE)));
        assert_eq!(description["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer", !open);
        for of in world.types() {
            let (at, declared) = (format!("/{}", name(of)), texts(&of["interaction"], "code"));
            for (path, method, code) in [
                (at.clone(), "get", "search-type"),
                (at.clone(), "post", "create"),
                (format!("{at}/{{id}}"), "get", "read"),
                (format!("{at}/{{id}}"), "put", "update"),
                (format!("{at}/{{id}}"), "patch", "patch"),
                (format!("{at}/{{id}}"), "delete", "delete"),
                (format!("{at}/{{id}}/_history"), "get", "history-instance"),
                (format!("{at}/{{id}}/_history/{{vid}}"), "get", "vread"),
                (format!("{at}/_history"), "get", "history-type"),
            ] {
                let is_described = description["paths"][&path][method].is_object();
                assert_eq!(is_described, declared.contains(&code), "{method} {path} open {open}");
            }
        }
        // What succeeds is not described by `default`, which is the refusal.
        for (path, method, statuses) in [
            ("/Consent", "post", &["200", "201", "default"][..]),
            ("/Consent", "put", &["200", "201", "default"]),
            ("/Consent/{id}", "put", &["200", "201", "default"]),
            ("/Consent/{id}", "get", &["200", "304", "default"]),
            ("/Consent/{id}", "delete", &["200", "204", "default"]),
            ("/metadata", "get", &["200", "304", "default"]),
            ("/$export", "get", &["202", "default"]),
            ("/$export-status/{export}", "get", &["200", "202", "default"]),
        ] {
            let responses = description["paths"][path][method]["responses"].as_object();
            let mut described: Vec<&str> = responses.into_iter().flatten().map(|(status, _)| status.as_str()).collect();
            described.sort_unstable();
            let is_offered = description["paths"][path][method].is_object();
            assert!(described == statuses || !is_offered && !open, "{method} {path} open {open}: {described:?}");
        }
    }
}

/// SMART-01, docs/adr/0027: where no client signs for access tokens there is none, and that is said to whoever asks for whatever form.
#[test]
fn there_is_no_smart_configuration() {
    let served = world(false).served;
    for accept in ["application/json", "text/html", "*/*"] {
        let answer = served.ask(Ask::get("", "/.well-known/smart-configuration").with("accept", accept));
        assert_eq!((answer.status, crate::issue(&answer).1.as_str()), (404, "no-smart-configuration"), "{accept}");
    }
    assert!(!served.get("", "/metadata").body.contains("SMART-on-FHIR"));
}
