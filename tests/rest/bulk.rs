//! Bulk export (Bulk Data Access IG 2.0; checklist OPS-08, OPS-09, PREFER-07), and that its files hold what the caller may
//! see when they are fetched, whatever it could see when they were asked for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::{App, test as service};
use serde_json::{Value, json};
use tasuki::api;
use tasuki::app::Gateway;
use tasuki::store::Store;

use crate::gateway::{
    Answer, Ask, BASE, BODY_BYTES_MAX, HOSPITAL, NOW, Served, bundle, condition, config, config_with, consent, key,
    letter, over, receive,
};
use crate::issue;

/// A hospital's store: patients 1 to 3, of whom agency-a may read 1 and 2.
fn store() -> Store {
    let store = Store::open_memory();
    for number in ["1", "2", "3"] {
        let name = format!("b{number}");
        let conditions = [condition(&name, "C1", None), condition(&name, "C2", None)];
        receive(&store, &letter(HOSPITAL, "", &bundle(number, &name, &conditions)));
    }
    let served = Served::new(over(store.clone()));
    for number in ["1", "2"] {
        grant(&served, number, "active");
    }
    let agency = json!({"resourceType": "Organization", "id": "agency-a", "name": "訪問看護ステーション"});
    assert!(served.ask(Ask::put("office", "/Organization/agency-a", &agency)).status < 300);
    store
}

fn grant(served: &Served, number: &str, status: &str) {
    let id = format!("k{number}");
    let body = consent(&id, number, "agency-a", status, Value::Null);
    let answer = served.ask(Ask::put("office", format!("/Consent/{id}"), &body));
    assert!(answer.status < 300, "{}", answer.body);
}

/// An address of the gateway's without what `Ask` adds.
fn below(url: &str) -> String {
    url.strip_prefix(BASE).unwrap_or_else(|| panic!("{url} is not below {BASE}")).to_owned()
}

fn kick_off(served: &Served, client: &str, path: &str) -> Answer {
    served.ask(Ask::get(client, path).with("prefer", "respond-async"))
}

/// Begins an export; the address of its status.
fn begun(served: &Served, client: &str, path: &str) -> String {
    let answer = kick_off(served, client, path);
    assert_eq!(answer.status, 202, "{path}: {}", answer.body);
    below(answer.header("content-location").expect("OPS-08: Content-Location"))
}

/// Asks for the status until it is known.
fn manifest(served: &Served, client: &str, status: &str) -> Value {
    for _ in 0..600 {
        let answer = served.ask(Ask::get(client, status).with("accept", "application/json"));
        match answer.status {
            200 => {
                assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
                assert!(answer.header("expires").is_some());
                return answer.json();
            }
            202 => {
                assert!(answer.header("x-progress").is_some() && answer.header("retry-after").is_some(), "OPS-08");
                std::thread::sleep(Duration::from_millis(50));
            }
            other => panic!("{other}: {}", answer.body),
        }
    }
    panic!("the export does not end");
}

/// The type and address of each file.
fn files(manifest: &Value, list: &str) -> Vec<(String, String)> {
    let text = |item: &Value, name: &str| item[name].as_str().expect("a text").to_owned();
    let items = manifest[list].as_array().unwrap_or_else(|| panic!("{list}: {manifest}"));
    items.iter().map(|item| (text(item, "type"), below(&text(item, "url")))).collect()
}

/// The resources of a file.
fn lines(served: &Served, client: &str, path: &str) -> Vec<Value> {
    let answer = served.ask(Ask::get(client, path).with("accept", "application/fhir+ndjson"));
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    assert_eq!(answer.header("content-type"), Some("application/fhir+ndjson"), "OPS-09");
    assert!(answer.body.is_empty() || answer.body.ends_with('\n'));
    answer.body.lines().map(|line| serde_json::from_str(line).expect("OPS-09: a resource a line")).collect()
}

/// Everything of an export: `Type/id`, and that each file holds its type only.
fn exported(served: &Served, client: &str, path: &str) -> BTreeSet<String> {
    let manifest = manifest(served, client, &begun(served, client, path));
    all_of(served, client, &manifest)
}

fn all_of(served: &Served, client: &str, manifest: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (type_name, path) in files(manifest, "output") {
        for resource in lines(served, client, &path) {
            assert_eq!(resource["resourceType"], type_name, "OPS-09");
            let is_new = found.insert(format!("{type_name}/{}", resource["id"].as_str().expect("an id")));
            assert!(is_new, "{resource} twice");
        }
    }
    found
}

fn count(found: &BTreeSet<String>, type_name: &str) -> usize {
    found.iter().filter(|name| name.starts_with(&format!("{type_name}/"))).count()
}

#[test]
fn an_export_from_its_beginning_to_its_end() {
    let gateway = over(store());
    let served = Served::new(gateway.clone());
    let status = begun(&served, "agency-a", "/Patient/$export?_type=Patient,Condition");
    let manifest = manifest(&served, "agency-a", &status);
    assert_eq!(manifest["request"], format!("{BASE}/Patient/$export?_type=Patient,Condition"));
    assert_eq!(manifest["requiresAccessToken"], true);
    assert_eq!(manifest["transactionTime"], "2026-11-21T12:00:00.000+09:00");
    assert_eq!((&manifest["deleted"], &manifest["error"]), (&json!([]), &json!([])));
    let types: Vec<_> = files(&manifest, "output").into_iter().map(|(name, _)| name).collect();
    assert_eq!(types, ["Condition", "Patient"]);
    // A number would tell of what is not in the file any more.
    assert!(manifest["output"].as_array().unwrap().iter().all(|file| file.get("count").is_none()));
    let found = all_of(&served, "agency-a", &manifest);
    assert_eq!((count(&found, "Patient"), count(&found, "Condition")), (2, 4));
    assert!(found.contains(&key("1").reference()) && !found.contains(&key("3").reference()));
    // Whoever's data left is named in the audit record, with the consents by which.
    let events = gateway.journal().newest(100, |event| event.count > 0).unwrap();
    let export: Vec<_> = events.iter().filter(|(_, e)| e.what == tasuki::audit::What::Export).collect();
    assert_eq!(export.len(), 2);
    for (_, event) in export {
        let patients: BTreeSet<_> = event.patients.iter().copied().collect();
        assert_eq!(patients, BTreeSet::from([key("1"), key("2")]));
        let consents: BTreeSet<_> = event.consents.iter().map(|consent| consent.id.to_string()).collect();
        assert_eq!(consents, BTreeSet::from(["k1".to_owned(), "k2".to_owned()]));
    }
    // The same file again, and its head alone.
    let (_, path) = files(&manifest, "output").remove(0);
    assert_eq!(served.get("agency-a", path.as_str()), served.get("agency-a", path.as_str()));
    let head = served.ask(Ask { method: "HEAD", ..Ask::get("agency-a", path) });
    assert_eq!((head.status, head.bytes.len()), (200, 0));
}

#[test]
fn whose_data_an_export_holds() {
    let served = Served::new(over(store()));
    let (system, patients) =
        (exported(&served, "agency-a", "/$export"), exported(&served, "agency-a", "/Patient/$export"));
    assert!(system.is_superset(&patients) && system.contains("Organization/agency-a"));
    assert!(!patients.contains("Organization/agency-a"));
    assert_eq!(count(&patients, "Patient"), 2);
    // A hospital needs no consent for what it sent itself; another hospital gets the directory.
    assert_eq!(count(&exported(&served, "hospital", "/Patient/$export"), "Patient"), 3);
    assert!(exported(&served, "clinic", "/Patient/$export").is_empty());
    assert_eq!(exported(&served, "clinic", "/$export"), BTreeSet::from(["Organization/agency-a".to_owned()]));
    // An agency whom nobody has let in: as if there were nobody.
    assert_eq!(manifest(&served, "agency-b", &begun(&served, "agency-b", "/Patient/$export"))["output"], json!([]));
    // The office keeps consents and the directory and reads nothing clinical.
    assert_eq!(kick_off(&served, "office", "/Patient/$export").status, 403);
    assert_eq!(kick_off(&served, "agency-a", "/$export?_type=Consent").status, 403);
    assert_eq!(kick_off(&served, "agency-a", "/Group/nobody/$export").status, 404);
    assert_eq!(kick_off(&served, "", "/$export").status, 401);
}

#[test]
fn parameters_are_followed_or_refused() {
    let served = Served::new(over(store()));
    let plain = served.get("agency-a", "/$export");
    assert_eq!((plain.status, issue(&plain).1.as_str()), (400, "export-respond-async"), "OPS-08");
    for (path, rule) in [
        ("/$export?_outputFormat=text/csv", "export-format"),
        ("/$export?_outputFormat=application/fhir%2Bxml", "export-format"),
        ("/$export?_type=Patient,Nonsense", "export-type"),
        ("/$export?_type=AuditEvent", "export-type"),
        ("/$export?_since=yesterday", "parameter-value"),
        ("/$export?_typeFilter=Condition", "export-criteria"),
        ("/$export?_typeFilter=Condition%3F_sort%3D_id", "export-criteria"),
        ("/$export?_typeFilter=Condition%3F_include%3DCondition:subject", "export-criteria"),
        ("/$export?_typeFilter=Condition%3Fnonsense%3Dx", "search-unknown-parameter"),
        ("/$export?_type=Patient&_typeFilter=Condition%3Fcode%3DC1", "export-type-not-asked"),
        ("/$export?_elements=id", "parameter"),
        ("/Patient/$export?patient=Patient/x", "export-patient-parameter"),
    ] {
        let answer = kick_off(&served, "agency-a", path);
        assert_eq!((answer.status, issue(&answer).1.as_str()), (400, rule), "{path}");
    }
    for (path, patients, conditions) in [
        ("/Patient/$export?_outputFormat=ndjson&_format=json", 2, 4),
        ("/Patient/$export?_outputFormat=application/fhir%2Bndjson&_type=Patient", 2, 0),
        ("/Patient/$export?_outputFormat=application/fhir+ndjson&_type=Condition&_type=Patient", 2, 4),
        ("/Patient/$export?_typeFilter=Condition%3Fcode%3DC1", 2, 2),
        ("/Patient/$export?_type=Condition&_typeFilter=Condition%3Fcode%3DC1,Condition%3Fcode%3DC2", 0, 4),
        ("/Patient/$export?_typeFilter=Condition%3Fcode%3DC1%2CC2", 2, 4),
        ("/Patient/$export?_typeFilter=Condition%3Fcode%3DC9", 2, 0),
        ("/Patient/$export?_since=2026-11-21T11:59:59%2B09:00", 2, 4),
        ("/Patient/$export?_since=2026-11-21T12:00:00%2B09:00", 0, 0),
    ] {
        let found = exported(&served, "agency-a", path);
        assert_eq!((count(&found, "Patient"), count(&found, "Condition")), (patients, conditions), "{path}");
    }
    // What is left out where the client is content with it; never what would make it too much of somebody.
    let lenient = |path: &str| served.ask(Ask::get("agency-a", path).with("prefer", "respond-async, handling=lenient"));
    assert_eq!(lenient("/$export?_elements=id&_type=Patient,Nonsense").status, 202);
    for path in ["/$export?_type=Nonsense", "/$export?_since=x", "/Patient/$export?patient=Patient/x"] {
        assert_eq!(lenient(path).status, 400, "{path}");
    }
    assert_eq!(served.ask(Ask { method: "HEAD", ..Ask::get("agency-a", "/$export") }).status, 405);
}

#[test]
fn a_post_can_name_patients() {
    let served = Served::new(over(store()));
    let post = |parameters: Value| {
        let body = json!({"resourceType": "Parameters", "parameter": parameters});
        served.ask(Ask::post("agency-a", "/Patient/$export", &body).with("prefer", "respond-async"))
    };
    let patient = |number: &str| json!({"name": "patient", "valueReference": {"reference": key(number).reference()}});
    let answer = post(json!([patient("2"), {"name": "_type", "valueString": "Patient,Condition"}]));
    assert_eq!(answer.status, 202, "{}", answer.body);
    let manifest = manifest(&served, "agency-a", &below(answer.header("content-location").unwrap()));
    let found = all_of(&served, "agency-a", &manifest);
    assert!(found.contains(&key("2").reference()) && found.len() == 3, "{found:?}");
    // Who is not for the caller is not there, with the same words.
    let (hidden, missing) = (post(json!([patient("3")])), post(json!([patient("4")])));
    assert_eq!((hidden.status, issue(&hidden).1.as_str()), (400, "export-no-such-patient"));
    assert_eq!(hidden, missing);
    assert_eq!(post(json!([{"name": "patient"}])).status, 400);
    let no_parameters = served.ask(Ask::post("agency-a", "/$export", &json!({})).with("prefer", "respond-async"));
    assert_eq!(no_parameters.status, 400);
}

#[test]
fn what_is_revoked_is_in_no_file_that_is_fetched_afterwards() {
    let served = Served::new(over(store()));
    let (first, second) = ("/Patient/$export", "/Patient/$export?_type=Condition");
    let (first, second) = (begun(&served, "agency-a", first), begun(&served, "agency-a", second));
    let before = manifest(&served, "agency-a", &first);
    grant(&served, "1", "inactive");
    let found = all_of(&served, "agency-a", &before);
    assert!(found.contains(&key("2").reference()) && !found.contains(&key("1").reference()));
    assert_eq!((count(&found, "Patient"), count(&found, "Condition")), (1, 2));
    grant(&served, "2", "inactive");
    assert!(all_of(&served, "agency-a", &before).is_empty());
    // The manifest, too, is that of a caller for whom there is nobody.
    for status in [first, second] {
        assert_eq!(manifest(&served, "agency-a", &status)["output"], json!([]));
    }
}

/// Two worlds that differ in what agency-a may not see: somebody else's record, what a patient has not been told, and a
/// consent that was withdrawn. Manifest and files are the same, byte for byte.
#[test]
fn what_may_not_be_seen_changes_nothing() {
    let told = |hidden: bool| {
        let store = store();
        if hidden {
            let untold = condition("untold", "C9", Some("UNINFORMED"));
            receive(&store, &letter(HOSPITAL, "", &bundle("1", "untold", &[untold])));
            for number in ["4", "5"] {
                let name = format!("b{number}");
                let weight = json!({"resourceType": "Observation", "status": "final", "code": {"text": "体重"},
                    "identifier": [{"system": "urn:x", "value": number}],
                    "subject": {"reference": format!("urn:uuid:{name}-0")}});
                receive(&store, &letter(HOSPITAL, "", &bundle(number, &name, &[weight])));
            }
        }
        let served = Served::new(over(store));
        if hidden {
            grant(&served, "4", "active");
        }
        let begun: Vec<String> =
            ["/$export", "/Patient/$export?_since=2026-01-01", "/Patient/$export?_typeFilter=Condition?code=C9"]
                .map(|path| begun(&served, "agency-a", path))
                .to_vec();
        if hidden {
            grant(&served, "4", "inactive");
        }
        let mut said = Vec::new();
        for status in begun {
            let manifest = manifest(&served, "agency-a", &status);
            for list in ["output", "deleted"] {
                for (_, path) in files(&manifest, list) {
                    said.push(served.get("agency-a", path).body);
                }
            }
            let export = status.rsplit_once('/').unwrap().1;
            said.push(manifest.to_string().replace(export, "export"));
        }
        said
    };
    let (without, with) = (told(false), told(true));
    assert!(without.iter().any(|body| body.contains("C2")) && !with.iter().any(|body| body.contains("Observation")));
    assert_eq!(without, with);
}

#[test]
fn what_is_revoked_while_a_file_is_fetched_does_not_leave() {
    let store = store();
    for number in ["1", "2"] {
        let mut large = condition("large", "C3", None);
        large["note"] = json!([{"text": "x".repeat(300 << 10)}]);
        receive(&store, &letter(HOSPITAL, "", &bundle(number, "large", &[large])));
    }
    let gateway = over(store);
    let served = Served::new(gateway.clone());
    let path = |export: &str| {
        let manifest = manifest(&served, "agency-a", &begun(&served, "agency-a", export));
        files(&manifest, "output").into_iter().find(|(name, _)| name == "Condition").unwrap().1
    };
    let whole = fetch(&gateway, &path("/Patient/$export"), |_| {});
    assert!(whole.is_whole && whole.parts.len() >= 2, "{:?}", whole.parts);
    let revoked = fetch(&gateway, &path("/Patient/$export"), |_| {
        grant(&served, "1", "inactive");
        grant(&served, "2", "inactive");
    });
    assert!(revoked.is_whole && revoked.parts == whole.parts[..1], "{:?} {:?}", revoked.parts, whole.parts);
    // Whoever ends an export ends what is being fetched of it.
    grant(&served, "1", "active");
    grant(&served, "2", "active");
    let status = begun(&served, "agency-a", "/Patient/$export");
    let (_, path) = files(&manifest(&served, "agency-a", &status), "output").remove(0);
    let cancelled = fetch(&gateway, &path, |_| {
        assert!(
            [202, 404].contains(&served.ask(Ask { method: "DELETE", ..Ask::get("agency-a", status.as_str()) }).status)
        );
    });
    assert!(!cancelled.is_whole && cancelled.parts.len() == 1, "{:?}", cancelled.parts);
}

/// What a client saw of a file that it fetched part by part.
struct Fetched {
    parts: Vec<usize>,
    is_whole: bool,
}

/// Fetches a file, with something else done after each part.
fn fetch(gateway: &Arc<Gateway>, path: &str, mut after_part: impl FnMut(usize)) -> Fetched {
    actix_web::rt::System::new().block_on(async {
        let configure = |c: &mut actix_web::web::ServiceConfig| api::configure(c, gateway.clone(), BODY_BYTES_MAX);
        let app = service::init_service(App::new().configure(configure)).await;
        let request = service::TestRequest::with_uri(&format!("/fhir{path}"));
        let request = request.insert_header(("authorization", "Bearer agency-a")).to_request();
        let response = service::call_service(&app, request).await;
        assert_eq!(response.status().as_u16(), 200);
        let mut body = Box::pin(response.into_body());
        let mut fetched = Fetched { parts: Vec::new(), is_whole: true };
        while let Some(part) = std::future::poll_fn(|context| body.as_mut().poll_next(context)).await {
            match part {
                Ok(part) => {
                    fetched.parts.push(part.len());
                    after_part(part.len());
                }
                Err(_) => fetched.is_whole = false,
            }
        }
        fetched
    })
}

#[test]
fn an_export_is_for_whoever_began_it_until_it_is_ended() {
    let served = Served::new(over(store()));
    let status = begun(&served, "agency-a", "/Patient/$export");
    let (_, path) = files(&manifest(&served, "agency-a", &status), "output").remove(0);
    let unknown = format!("/$export-status/{:032x}", 7);
    for method in ["GET", "DELETE"] {
        let ask = |client: &str, path: &str| served.ask(Ask { method, ..Ask::get(client, path) });
        for client in ["agency-b", "hospital", "office"] {
            assert_eq!(ask(client, &status), ask(client, &unknown), "{client}");
            assert_eq!(ask(client, &status).status, 404);
        }
        assert_eq!(ask("", &status).status, 401);
    }
    for client in ["agency-b", "hospital", "office"] {
        assert_eq!(served.get(client, path.as_str()).status, 404);
    }
    assert_eq!(served.get("", path.as_str()).status, 401);
    let export = path.rsplit_once('/').unwrap().0;
    for name in ["Patient", "Nonsense.ndjson", "deleted.ndjson", "Patient.csv", ".ndjson"] {
        assert_eq!(served.get("agency-a", format!("{export}/{name}")).status, 404, "{name}");
    }
    let delete = || served.ask(Ask { method: "DELETE", ..Ask::get("agency-a", status.as_str()) });
    assert_eq!(delete().status, 202, "OPS-08");
    assert_eq!(delete().status, 404);
    assert_eq!(served.get("agency-a", status.as_str()).status, 404);
    assert_eq!(served.get("agency-a", path.as_str()).status, 404);
}

#[test]
fn exports_survive_a_restart_and_end_with_their_time() {
    static CLOCK: AtomicI64 = AtomicI64::new(NOW);
    let store = store();
    let config = config_with("[limits]\nexport_minutes_max = 10\nexports_per_client_max = 2\n");
    let start = || {
        let clock = || CLOCK.load(Ordering::SeqCst);
        Served::new(Arc::new(Gateway::over(store.clone(), &config, clock).expect("the gateway starts")))
    };
    let served = start();
    let status = begun(&served, "agency-a", "/Patient/$export?_typeFilter=Condition%3Fcode%3DC1");
    let before = manifest(&served, "agency-a", &status);
    let found = all_of(&served, "agency-a", &before);
    drop(served);
    let served = start();
    let (_, path) = files(&before, "output").remove(0);
    assert_eq!(served.get("agency-a", path.as_str()).status, 200, "a file is there without its status");
    assert_eq!(manifest(&served, "agency-a", &status), before);
    assert_eq!((all_of(&served, "agency-a", &before), count(&found, "Condition")), (found, 2));
    // At the limit, and one past it.
    let second = begun(&served, "agency-a", "/$export");
    let third = kick_off(&served, "agency-a", "/$export");
    assert_eq!((third.status, issue(&third).1.as_str()), (429, "too-many-exports"));
    assert_eq!(third.header("retry-after"), Some("601"));
    begun(&served, "agency-b", "/$export");
    CLOCK.fetch_add(599_999, Ordering::SeqCst);
    assert_eq!(served.get("agency-a", path.as_str()).status, 200);
    CLOCK.fetch_add(1, Ordering::SeqCst);
    for gone in [&status, &second, &path] {
        assert_eq!(served.get("agency-a", gone.as_str()).status, 404, "{gone}");
    }
    drop(served);
    assert_eq!(store.exports().unwrap().len(), 3);
    let served = start();
    assert!(store.exports().unwrap().is_empty());
    begun(&served, "agency-a", "/$export");
}

/// A gateway that is open, with a clock of the test's.
fn open(clock: fn() -> i64) -> Served {
    let config = tasuki::config::Config { open: true, ..config() };
    Served::new(Arc::new(Gateway::over(Store::open_memory(), &config, clock).expect("the gateway starts")))
}

fn put(served: &Served, resource: &Value) {
    let path = format!("/{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
    let answer = served.ask(Ask::put("", path, resource));
    assert!(answer.status < 300, "{}", answer.body);
}

fn observation(id: &str, patient: &str, code: &str) -> Value {
    json!({
        "resourceType": "Observation", "id": id, "status": "final", "code": {"text": code},
        "subject": {"reference": format!("Patient/{patient}")}
    })
}

#[test]
fn an_export_is_as_of_its_instant_and_the_next_one_tells_what_came_since() {
    static CLOCK: AtomicI64 = AtomicI64::new(NOW);
    let served = open(|| CLOCK.load(Ordering::SeqCst));
    let tick = || CLOCK.fetch_add(1000, Ordering::SeqCst);
    for patient in ["p", "q"] {
        put(&served, &json!({"resourceType": "Patient", "id": patient, "active": true}));
    }
    for (id, patient) in [("a", "p"), ("b", "p"), ("c", "q")] {
        put(&served, &observation(id, patient, "before"));
    }
    tick();
    let status = begun(&served, "", "/$export");
    let first = manifest(&served, "", &status);
    assert_eq!(first["requiresAccessToken"], false);
    tick();
    put(&served, &observation("a", "p", "after"));
    put(&served, &observation("d", "q", "after"));
    assert_eq!(served.ask(Ask { method: "DELETE", ..Ask::get("", "/Observation/b") }).status, 204);
    let (_, path) = files(&first, "output").into_iter().find(|(name, _)| name == "Observation").unwrap();
    let told: BTreeSet<(String, String)> = lines(&served, "", &path)
        .iter()
        .map(|one| (one["id"].as_str().unwrap().to_owned(), one["code"]["text"].as_str().unwrap().to_owned()))
        .collect();
    let pair = |id: &str, text: &str| (id.to_owned(), text.to_owned());
    // What was changed is as it was then; what was deleted since does not leave any more.
    assert_eq!(told, BTreeSet::from([pair("a", "before"), pair("c", "before")]));
    tick();
    let since = first["transactionTime"].as_str().unwrap().replace('+', "%2B");
    let next = manifest(&served, "", &begun(&served, "", &format!("/$export?_since={since}")));
    let found = all_of(&served, "", &next);
    assert_eq!(found, ["Observation/a", "Observation/d"].map(str::to_owned).into());
    let deleted = files(&next, "deleted");
    assert_eq!(deleted.len(), 1);
    assert_eq!(deleted[0].0, "Bundle");
    let bundles = lines(&served, "", &deleted[0].1);
    assert_eq!(bundles.len(), 1);
    assert_eq!(bundles[0]["type"], "transaction");
    assert_eq!(bundles[0]["entry"], json!([{"request": {"method": "DELETE", "url": "Observation/b"}}]));
}

#[test]
fn a_group_is_exported_by_its_members() {
    let served = open(crate::gateway::clock);
    for patient in ["p", "q", "r", "s"] {
        put(&served, &json!({"resourceType": "Patient", "id": patient}));
        put(&served, &observation(&format!("o-{patient}"), patient, "x"));
    }
    let member = |patient: &str| json!({"entity": {"reference": format!("Patient/{patient}")}});
    let (mut left, mut ended) = (member("r"), member("s"));
    left["inactive"] = json!(true);
    ended["period"] = json!({"end": "2020-01-01"});
    put(
        &served,
        &json!({"resourceType": "Group", "id": "g", "type": "person", "actual": true,
                "member": [member("p"), member("q"), left, ended]}),
    );
    let found = exported(&served, "", "/Group/g/$export");
    assert_eq!(found, ["Observation/o-p", "Observation/o-q", "Patient/p", "Patient/q"].map(str::to_owned).into());
    let post = |patient: &str| {
        let named = json!({"name": "patient", "valueReference": {"reference": format!("Patient/{patient}")}});
        let body = json!({"resourceType": "Parameters", "parameter": [named]});
        served.ask(Ask::post("", "/Group/g/$export", &body).with("prefer", "respond-async")).status
    };
    assert_eq!((post("p"), post("r")), (202, 400));
    assert_eq!(kick_off(&served, "", "/Group/none/$export").status, 404);
}

/// A file of 40 MB is fetched while the process takes no more memory than before.
#[test]
fn memory_is_bounded_however_long_a_file_is() {
    let gateway = {
        let config = tasuki::config::Config { open: true, ..config() };
        Arc::new(Gateway::over(Store::open_memory(), &config, crate::gateway::clock).expect("the gateway starts"))
    };
    let served = Served::new(gateway.clone());
    let mut sent = String::new();
    for n in 0..2000 {
        let mut one = observation(&format!("o{n}"), &format!("p{}", n % 50), "x");
        one["note"] = json!([{"text": "長い記録。".repeat(1400)}]);
        sent += &format!("{one}\n");
    }
    let ask = Ask { method: "POST", body: sent.into_bytes(), ..Ask::get("", "/$import") };
    let report = served.ask(ask.with("content-type", "application/fhir+ndjson"));
    assert_eq!(report.status, 200, "{}", report.body);
    let manifest = manifest(&served, "", &begun(&served, "", "/$export"));
    let (_, path) = files(&manifest, "output").remove(0);
    let warm = fetch(&gateway, &path, |_| {});
    let before = resident_bytes();
    let mut most = 0;
    let again = fetch(&gateway, &path, |_| most = most.max(resident_bytes().unwrap_or_default()));
    let total: usize = again.parts.iter().sum();
    assert!(total > 40_000_000 && again.parts == warm.parts && again.is_whole, "{total}");
    // A part, and the line with which it became long enough.
    assert!(again.parts.iter().all(|part| *part <= (256 << 10) + (64 << 10)), "{:?}", again.parts);
    match before {
        Some(before) => assert!(most < before + (24 << 20), "{before} bytes became {most}"),
        None => println!("not run: this system does not say how much memory a process takes"),
    }
}

fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}
