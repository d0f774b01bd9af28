//! Who keeps the directory, who reads it, and what of patients' records is not of it.

use serde_json::{Value, json};
use tasuki::fhir::{PatientKey, ResourceId, ResourceType};

use crate::gateway::{Ask, Served, key};
use crate::{CLOSED, NUMBER, found, put, serve, store};

/// One of each type that the office keeps.
pub(crate) fn all() -> Vec<Value> {
    vec![
        json!({"resourceType": "Organization", "id": "station", "name": "試験訪問看護", "active": true,
            "identifier": [{"system": "https://tasuki.example/fhir/NamingSystem/care-office-number", "value": "0160000001"}]}),
        json!({"resourceType": "Location", "id": "place", "name": "試験ビル", "managingOrganization": {"reference": "Organization/station"}}),
        json!({"resourceType": "HealthcareService", "id": "service", "name": "訪問看護", "providedBy": {"reference": "Organization/station"}}),
        json!({"resourceType": "Practitioner", "id": "nurse", "name": [{"text": "試験 花子"}]}),
        json!({"resourceType": "PractitionerRole", "id": "role", "practitioner": {"reference": "Practitioner/nurse"},
            "organization": {"reference": "Organization/station"}}),
        json!({"resourceType": "Endpoint", "id": "door", "status": "active", "name": "試験",
            "connectionType": {"system": "http://terminology.hl7.org/CodeSystem/endpoint-connection-type", "code": "hl7-fhir-rest"},
            "payloadType": [{"text": "any"}], "address": "https://station.example/fhir"}),
        json!({"resourceType": "NamingSystem", "id": "local", "name": "Local", "status": "active", "kind": "identifier",
            "date": "2026-11-22", "uniqueId": [{"type": "uri", "value": "https://station.example/number"}]}),
        json!({"resourceType": "CareTeam", "id": "team", "status": "active", "name": "試験チーム",
            "participant": [{"member": {"reference": "Organization/station"}}]}),
        json!({"resourceType": "Group", "id": "group", "type": "practitioner", "actual": true, "name": "試験班",
            "member": [{"entity": {"reference": "Practitioner/nurse"}}]}),
    ]
}

fn name(resource: &Value) -> (String, String) {
    let of = |member: &str| resource[member].as_str().unwrap().to_owned();
    (of("resourceType"), of("id"))
}

/// What the hospital stated inside a patient's record, by type, as whoever may see everything finds it.
fn of_record(served: &Served, number: &str, of: &str) -> String {
    let record = key(number);
    let open = served.get("agency-a", format!("/{of}?_count=100")).json();
    let ids = open["entry"].as_array().cloned().unwrap_or_default();
    let mine = ids.iter().filter_map(|entry| entry["resource"]["id"].as_str());
    mine.filter(|id| record.derives(&tasuki::fhir::ResourceId::parse(id).unwrap()))
        .map(str::to_owned)
        .next()
        .unwrap_or_default()
}

#[test]
fn the_office_keeps_the_directory_and_everybody_reads_it() {
    let served = serve(&store());
    for resource in all() {
        let (of, id) = name(&resource);
        for client in ["agency-a", "hospital"] {
            let path = format!("/{of}/{id}");
            assert_eq!(served.ask(Ask::put(client, &path, &resource)).status, 403, "{client} {path}");
            assert_eq!(served.ask(Ask::post(client, format!("/{of}"), &resource)).status, 403, "{client} {path}");
            assert_eq!(served.ask(Ask { method: "DELETE", ..Ask::get(client, &path) }).status, 403, "{client} {path}");
        }
        assert!([200, 201].contains(&put(&served, &resource)), "{of}");
        for client in ["agency-a", "agency-b", "hospital", "office"] {
            let read = served.get(client, format!("/{of}/{id}"));
            assert_eq!((read.status, read.json()["id"].as_str()), (200, Some(&*id)), "{client} {of}");
            assert!(found(&served, client, &format!("/{of}")).contains(&format!("{of}/{id}")), "{client} {of}");
            assert_eq!(found(&served, client, &format!("/{of}?_id={id}")).len(), 1, "{client} {of}");
        }
        let posted = served.ask(Ask::post("office", format!("/{of}"), &resource));
        let second = posted.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(posted.status, 201, "{of}: {}", posted.body);
        assert!(found(&served, "agency-b", &format!("/{of}")).contains(&format!("{of}/{second}")), "{of}");
        let path = format!("/{of}/{second}");
        assert_eq!(served.ask(Ask { method: "DELETE", ..Ask::get("office", &path) }).status, 204, "{of}");
        assert_eq!(served.get("agency-b", path).status, 410, "{of}");
    }
}

#[test]
fn a_search_finds_the_directory_and_what_consent_permits_of_records_alike() {
    let served = serve(&store());
    all().iter().for_each(|resource| assert!(put(&served, resource) < 300));
    let doctor = format!("Practitioner/{}", of_record(&served, NUMBER, "Practitioner"));
    assert_eq!(found(&served, "agency-a", "/Practitioner"), sorted([doctor.clone(), "Practitioner/nurse".into()]));
    assert_eq!(
        found(&served, "agency-b", "/Practitioner"),
        ["Practitioner/nurse"],
        "a doctor in a record is the record's"
    );
    assert_eq!(found(&served, "agency-a", "/Practitioner?name=%E8%A9%A6%E9%A8%93%E6%AC%A1%E9%83%8E"), [doctor]);
    assert_eq!(
        found(&served, "agency-a", "/Practitioner?name=%E8%A9%A6%E9%A8%93%E8%8A%B1%E5%AD%90"),
        ["Practitioner/nurse"]
    );
    for client in ["agency-a", "agency-b", "hospital", "office"] {
        for (path, expected) in [
            ("/PractitionerRole?organization=Organization/station", &["PractitionerRole/role"][..]),
            ("/PractitionerRole?organization.name=%E8%A9%A6%E9%A8%93", &["PractitionerRole/role"]),
            (
                "/PractitionerRole?_id=role&_include=PractitionerRole:practitioner&_include=PractitionerRole:organization",
                &["Organization/station", "Practitioner/nurse", "PractitionerRole/role"],
            ),
            (
                "/Organization?_id=station&_revinclude=HealthcareService:organization",
                &["HealthcareService/service", "Organization/station"],
            ),
            (
                "/Practitioner?_id=nurse&_has:PractitionerRole:practitioner:organization=Organization/station",
                &["Practitioner/nurse"],
            ),
            ("/Organization?identifier=0160000001", &["Organization/station"]),
            (
                "/Organization?identifier=https://tasuki.example/fhir/NamingSystem/care-office-number%7C0160000001",
                &["Organization/station"],
            ),
            ("/Organization?identifier=0160000002", &[]),
            ("/CareTeam?participant=Organization/station", &["CareTeam/team"]),
            ("/Group?member=Practitioner/nurse", &["Group/group"]),
            ("/Location?organization=Organization/station", &["Location/place"]),
            ("/HealthcareService?name=%E8%A8%AA%E5%95%8F", &["HealthcareService/service"]),
            ("/NamingSystem?value=https://station.example/number", &["NamingSystem/local"]),
        ] {
            assert_eq!(found(&served, client, path), expected, "{client} {path}");
        }
    }
    let ward = of_record(&served, NUMBER, "Organization");
    assert_eq!(
        found(&served, "agency-a", "/Organization?identifier=ward-0000000001"),
        [format!("Organization/{ward}")]
    );
    assert_eq!(found(&served, "agency-b", "/Organization?identifier=ward-0000000001"), Vec::<String>::new());
    assert_eq!(found(&served, "agency-a", "/CareTeam").len(), 2);
    assert_eq!(found(&served, "agency-a", &format!("/CareTeam?patient={}", key(NUMBER).reference())).len(), 1);
}

/// Leakage, lines 53 and 60: the office writes the directory, and nothing of a record; it reads nothing of one either.
#[test]
fn the_office_reaches_nothing_in_a_record() {
    let store = store();
    let served = serve(&store);
    for of in ["Practitioner", "Organization", "CareTeam"] {
        let id = of_record(&served, NUMBER, of);
        assert!(!id.is_empty(), "{of}");
        let before = served.get("agency-a", format!("/{of}/{id}")).body;
        assert_eq!(served.get("office", format!("/{of}/{id}")).status, 404, "{of}");
        assert!(!found(&served, "office", &format!("/{of}")).contains(&format!("{of}/{id}")), "{of}");
        let mut own = json!({"resourceType": of, "id": id});
        if of != "CareTeam" {
            own["name"] = if of == "Organization" { json!("x") } else { json!([{"text": "x"}]) };
        }
        assert_eq!(put(&served, &own), 422, "{of}");
        let path = format!("/{of}/{id}");
        let patch = json!([{"op": "add", "path": "/active", "value": false}]);
        let ask = Ask { method: "PATCH", ..Ask::put("office", &path, &patch) };
        let ask = Ask { headers: vec![("content-type", "application/json-patch+json".into())], ..ask };
        assert_eq!(served.ask(ask).status, 404, "{of}");
        let gone = served.ask(Ask { method: "DELETE", ..Ask::get("office", &path) });
        let never = served.ask(Ask { method: "DELETE", ..Ask::get("office", format!("/{of}/never-there")) });
        assert_eq!((gone.status, gone.body), (never.status, never.body), "{of}");
        for method in ["PUT", "DELETE"] {
            let request = json!({"method": method, "url": format!("{of}/{id}")});
            let mut entry = json!({"request": request});
            if method == "PUT" {
                entry["resource"] = own.clone();
            }
            let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [entry]});
            served.ask(Ask::post("office", "", &bundle));
        }
        assert_eq!(served.get("agency-a", format!("/{of}/{id}")).body, before, "{of} is as it was");
    }
    let patient = key(CLOSED).reference();
    for (of, refused) in [
        (
            "CareTeam",
            json!({"resourceType": "CareTeam", "id": "mine", "status": "active", "subject": {"reference": patient}}),
        ),
        (
            "Group",
            json!({"resourceType": "Group", "id": "mine", "type": "person", "actual": true, "member": [{"entity": {"reference": patient}}]}),
        ),
    ] {
        assert_eq!(put(&served, &refused), 422, "{of}: a directory names no patient");
        assert_eq!(served.ask(Ask::post("office", format!("/{of}"), &refused)).status, 422, "{of}");
        assert_eq!(served.get("office", format!("/{of}/mine")).status, 404, "{of}");
    }
    for path in ["/Observation", "/Patient", "/Condition"] {
        assert_eq!(served.get("office", path).status, 403, "{path}");
    }
}

/// What was put where everybody may write is a record's, whatever its id looks like.
#[test]
fn an_id_that_a_record_has_is_not_taken_for_the_directory() {
    let store = store();
    let mut open = crate::gateway::config();
    open.open = true;
    let team = json!({"resourceType": "CareTeam", "id": "chosen", "status": "active", "subject": {"reference": key(NUMBER).reference()}});
    {
        let kit = Served::new(std::sync::Arc::new(
            tasuki::app::Gateway::over(store.clone(), &open, crate::gateway::clock).unwrap(),
        ));
        assert_eq!(kit.ask(Ask::put("", "/CareTeam/chosen", &team)).status, 201);
    }
    let served = serve(&store);
    assert_eq!(put(&served, &json!({"resourceType": "CareTeam", "id": "chosen", "status": "inactive"})), 422);
    assert_eq!(served.ask(Ask { method: "DELETE", ..Ask::get("office", "/CareTeam/chosen") }).status, 204);
    assert_eq!(served.get("agency-a", "/CareTeam/chosen").json()["status"], "active");
    assert_eq!(served.get("agency-b", "/CareTeam/chosen").status, 404);
}

/// A part with so many rows that it keeps an index and strings answers as one that does not, also after a change.
#[test]
fn a_long_part_is_searched_like_a_short_one() {
    let served = serve(&store());
    let part = |id: &str| PatientKey::directory(ResourceType::ORGANIZATION, &ResourceId::parse(id).unwrap());
    let all = (0..).map(|n| format!("long-{n}")).filter(|id| part(id) == part("long-0"));
    let ids: Vec<String> = all.take(600).collect();
    let organization = |id: &str, name: &str| json!({"resourceType": "Organization", "id": id, "name": name});
    for some in ids.chunks(200) {
        let entry = |id: &String| json!({"resource": organization(id, &format!("name {id}")), "request": {"method": "PUT", "url": format!("Organization/{id}")}});
        let entries: Vec<Value> = some.iter().map(entry).collect();
        let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": entries});
        assert_eq!(served.ask(Ask::post("office", "", &bundle)).status, 200);
    }
    let (first, last) = (&ids[0], &ids[599]);
    let role = json!({"resourceType": "PractitionerRole", "id": "r", "organization": {"reference": format!("Organization/{last}")}});
    assert!(put(&served, &role) < 300);
    let total = |name: &str| served.get("agency-b", format!("/Organization?name={name}")).json()["total"].as_u64();
    for _ in 0..2 {
        assert_eq!((total("name"), total("none")), (Some(600), Some(0)));
        assert_eq!(
            found(&served, "agency-b", &format!("/Organization?name:exact=name%20{last}")),
            [format!("Organization/{last}")]
        );
        let included = found(&served, "agency-b", "/PractitionerRole?_include=PractitionerRole:organization");
        assert_eq!(included, [format!("Organization/{last}"), "PractitionerRole/r".into()]);
    }
    assert!(put(&served, &organization(first, "other")) < 300);
    assert_eq!((total("name"), total("other")), (Some(599), Some(1)));
    let path = format!("/Organization/{first}");
    assert_eq!(served.ask(Ask { method: "DELETE", ..Ask::get("office", path) }).status, 204);
    assert_eq!((total("name"), total("other")), (Some(599), Some(0)));
}

fn sorted<const N: usize>(mut names: [String; N]) -> [String; N] {
    names.sort();
    names
}
