//! Consent as the people of a network meet it: kinds of members, teams, sources, the network's own rules, emergencies, and what
//! the office is told of who may see what (docs/adr/0035 to 0037).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // a test fails by panicking

#[path = "gateway/mod.rs"]
mod gateway;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use gateway::{
    Answer, Ask, CLINIC, HOSPITAL, NOW, Served, bundle, condition, config_with, consent, key, letter, receive,
};
use serde_json::{Value, json};
use tasuki::app::Gateway;
use tasuki::auth::Digest;
use tasuki::fhir::{FacilityCode, PatientKey};
use tasuki::store::Store;

const HANAKO: &str = "0000000001";
const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
const CLINS: &str = "http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication";

/// More clients: a nurse, a helper, an ambulance that may open records, and one of agency A's with an application.
fn clients() -> String {
    let client = |id: &str, organization: &str, more: &str| {
        let digest = Digest::of(id.as_bytes()).hex();
        format!(
            "[[client]]\nid = \"{id}\"\norganization = \"Organization/{organization}\"\nrole = \"care\"\ntoken_sha256 = \"{digest}\"\n{more}\n"
        )
    };
    client("nurse", "station", "kind = \"nurse\"\njoined = \"2026-10-01\"")
        + &client("helper", "helpers", "kind = \"home-helper\"")
        + &client("ambulance", "ambulance", "kind = \"ambulance\"\nemergency = true")
        + &client("app", "agency-a", "application = \"App|123\"")
}

/// A patient of the hospital with four findings: plain, restricted, very restricted, and one that was not told.
fn world(more: &str, clock: fn() -> i64) -> (Served, Arc<Gateway>) {
    let store = Store::open_memory();
    let labelled = |code: &str, label: &str| {
        let mut one = condition("b", code, None);
        one["meta"] = json!({"security": [{"system": CONFIDENTIALITY, "code": label}]});
        one
    };
    let findings = [
        condition("b", "E119", None),
        labelled("R69", "R"),
        labelled("V01", "V"),
        condition("b", "C509", Some("UNINFORMED")),
    ];
    receive(&store, &letter(HOSPITAL, "findings", &bundle(HANAKO, "b", &findings)));
    let config = config_with(&format!("{more}\n{}", clients()));
    let gateway = Arc::new(Gateway::over(store, &config, clock).unwrap());
    (Served::new(gateway.clone()), gateway)
}

fn patient() -> String {
    key(HANAKO).reference()
}

fn put(served: &Served, id: &str, provision: Value, more: Value) -> Answer {
    let mut one = consent(id, HANAKO, "agency-a", "active", Value::Null);
    one["patient"] = json!({"reference": patient()});
    one["provision"] = provision;
    one.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    let answer = served.ask(Ask::put("office", format!("/Consent/{id}"), &one));
    assert!(answer.status < 300, "{answer:?}");
    answer
}

fn actor(role: &str, reference: Value) -> Value {
    json!({"role": {"coding": [{"system": PARTICIPATION, "code": role}]}, "reference": reference})
}

fn kind(code: &str) -> Value {
    actor(
        "IRCP",
        json!({"identifier": {"system": "https://tasuki.example/fhir/CodeSystem/member-kind", "value": code}}),
    )
}

fn to(reference: &str) -> Value {
    actor("IRCP", json!({"reference": reference}))
}

/// The codes of the Conditions that a client finds when it asks for all it may see.
fn sees(served: &Served, client: &str) -> Vec<String> {
    served.get(client, "/Condition").codes()
}

const EVERYBODY: [&str; 6] = ["agency-a", "agency-b", "nurse", "helper", "ambulance", "app"];

fn who(served: &Served) -> Vec<&'static str> {
    EVERYBODY.into_iter().filter(|client| !sees(served, client).is_empty()).collect()
}

#[test]
fn a_consent_is_for_every_member_a_kind_an_organisation_or_an_application() {
    let (served, _) = world("", gateway::clock);
    assert_eq!(who(&served), Vec::<&str>::new());
    put(&served, "c", json!({"type": "permit"}), json!({}));
    assert_eq!(who(&served), EVERYBODY);
    assert_eq!(sees(&served, "helper"), ["E119"]);
    put(&served, "c", json!({"type": "permit", "actor": [kind("nurse")]}), json!({}));
    assert_eq!(who(&served), ["nurse"]);
    put(
        &served,
        "c",
        json!({"type": "permit", "provision": [{"type": "deny", "actor": [kind("home-helper")]}]}),
        json!({}),
    );
    // Of whom the kind is not known, it may be one of these.
    assert_eq!(who(&served), ["nurse", "ambulance"]);
    let environment = json!([{"url": "https://g.co/fhir/medicalrecords/Environment",
        "valueCodeableConcept": {"coding": [{"system": "App", "code": "123"}]}}]);
    put(
        &served,
        "c",
        json!({"type": "permit", "actor": [to("Organization/agency-a")], "extension": environment}),
        json!({}),
    );
    assert_eq!(who(&served), ["app"]);
}

#[test]
fn members_who_join_later_need_another_blanket_consent_where_the_network_says_so() {
    let given = json!({"dateTime": "2026-09-01"});
    for (terms, expected) in
        [("", &EVERYBODY[..]), ("[network]\nreconsent = true", &["agency-a", "agency-b", "helper", "ambulance", "app"])]
    {
        let (served, _) = world(terms, gateway::clock);
        put(&served, "c", json!({"type": "permit"}), given.clone());
        assert_eq!(who(&served), expected, "{terms}");
        // Given after the nurse joined.
        put(&served, "c", json!({"type": "permit"}), json!({"dateTime": "2026-11-01"}));
        assert_eq!(who(&served), EVERYBODY);
    }
}

#[test]
fn a_consent_is_about_what_certain_facilities_disclose() {
    let (served, gateway) = world("", gateway::clock);
    let elsewhere = PatientKey::derive(&FacilityCode::parse(CLINIC), "77");
    let mut other = bundle(HANAKO, "k", &[condition("k", "J45", None)]);
    other["entry"][0]["resource"]["identifier"] = json!([gateway::number_of(CLINIC, "77")]);
    other["identifier"]["value"] = json!(format!("{CLINIC}^2026^k"));
    assert!(gateway.receive(&letter(CLINIC, "k", &other)).unwrap().record().is_some());
    let from = |who: &str| actor("CST", json!({"reference": format!("Organization/{who}")}));
    put(&served, "c", json!({"type": "permit", "actor": [from("hospital")]}), json!({}));
    put(
        &served,
        "k",
        json!({"type": "permit", "actor": [from("hospital")]}),
        json!({"patient": {"reference": elsewhere.reference()}}),
    );
    assert_eq!(sees(&served, "helper"), ["E119"]);
    put(
        &served,
        "k",
        json!({"type": "permit", "actor": [from("clinic")]}),
        json!({"patient": {"reference": elsewhere.reference()}}),
    );
    assert_eq!(sees(&served, "helper"), ["E119", "J45"]);
}

#[test]
fn labels_open_to_those_for_whom_they_are_named() {
    let (served, _) = world("", gateway::clock);
    let label = |system: &str, code: &str| json!({"system": system, "code": code});
    put(&served, "c", json!({"type": "permit", "securityLabel": [label(CONFIDENTIALITY, "R")]}), json!({}));
    assert_eq!(sees(&served, "nurse"), ["E119", "R69"]);
    put(
        &served,
        "c",
        json!({"type": "permit", "securityLabel": [label(CONFIDENTIALITY, "V"), label(CLINS, "UNINFORMED")]}),
        json!({}),
    );
    assert_eq!(sees(&served, "nurse"), ["C509", "E119", "R69", "V01"]);
    // A home helper is nobody who may be shown what the patient does not know.
    assert_eq!(sees(&served, "helper"), ["E119", "R69", "V01"]);
    assert_eq!(sees(&served, "agency-a"), ["E119", "R69", "V01"]);
}

#[test]
fn a_consent_takes_the_place_of_another_once_and_for_all() {
    let (served, _) = world("", gateway::clock);
    put(&served, "old", json!({"type": "permit", "actor": [to("Organization/agency-a")]}), json!({}));
    put(
        &served,
        "new",
        json!({"type": "permit", "actor": [to("Organization/agency-b")]}),
        json!({"sourceReference": {"reference": "Consent/old"}}),
    );
    assert_eq!(who(&served), ["agency-b"]);
    put(
        &served,
        "new",
        json!({"type": "permit", "actor": [to("Organization/agency-b")]}),
        json!({"sourceReference": {"reference": "Consent/old"}, "status": "inactive"}),
    );
    assert_eq!(who(&served), Vec::<&str>::new());
    put(
        &served,
        "new",
        json!({"type": "permit"}),
        json!({"sourceReference": {"reference": "Consent/old"}, "status": "draft"}),
    );
    assert_eq!(who(&served), ["agency-a", "app"]);
}

#[test]
fn the_network_publishes_no_more_than_it_has_agreed_on() {
    let folder = tempfile::tempdir().unwrap();
    let rule = json!({"resourceType": "Consent", "id": "helpers", "status": "active",
        "provision": {"type": "deny", "actor": [kind("home-helper")],
            "provision": [{"type": "permit", "class": [{"system": "http://hl7.org/fhir/resource-types", "code": "Patient"}]}]}});
    std::fs::write(folder.path().join("helpers.json"), rule.to_string()).unwrap();
    let terms = format!("[network]\nrules = [\"{}\"]", folder.path().display());
    let (served, _) = world(&terms, gateway::clock);
    put(&served, "c", json!({"type": "permit", "actor": [kind("home-helper"), kind("nurse")]}), json!({}));
    assert_eq!(who(&served), ["nurse"]);
    assert_eq!(served.get("helper", format!("/{}", patient())).status, 200);
    // What the network permits no patient has permitted.
    assert_eq!(served.get("ambulance", format!("/{}", patient())).status, 404);
}

static LATER: AtomicI64 = AtomicI64::new(0);

fn moving() -> i64 {
    NOW + LATER.load(Ordering::SeqCst)
}

#[test]
fn an_emergency_opens_one_record_for_a_time_and_tells_its_keeper() {
    let (served, _) = world("[network]\nemergency_overrides = true", moving);
    let open =
        |client: &str, body: Value| served.ask(Ask::post(client, format!("/{}/$emergency-access", patient()), &body));
    let reason = json!({"resourceType": "Parameters", "parameter": [
        {"name": "reason", "valueString": "意識障害で搬送中"}, {"name": "minutes", "valuePositiveInt": 30}]});
    let named = |client: &str| served.get(client, format!("/Condition?patient={}", patient())).codes();
    assert_eq!(open("nurse", reason.clone()).status, 403, "who may not open records is told so");
    assert_eq!(
        open(
            "ambulance",
            json!({"resourceType": "Parameters", "parameter": [{"name": "minutes", "valuePositiveInt": 5}]})
        )
        .status,
        400
    );
    let too_long = json!({"resourceType": "Parameters", "parameter": [
        {"name": "reason", "valueString": "x"}, {"name": "minutes", "valuePositiveInt": 61}]});
    assert_eq!(open("ambulance", too_long).status, 400);
    assert_eq!(named("ambulance"), Vec::<String>::new());

    let long = |characters: usize| json!({"resourceType": "Parameters", "parameter": [{"name": "reason", "valueString": "急".repeat(characters)}]});
    assert_eq!(open("ambulance", long(1_001)).status, 400);
    assert_eq!(open("ambulance", long(1_000)).status, 200);
    let end =
        || Ask::post("ambulance", format!("/{}/$emergency-end", patient()), &json!({"resourceType": "Parameters"}));
    assert_eq!(served.ask(end()).status, 200);
    assert_eq!(named("ambulance"), Vec::<String>::new());
    let opened = open("ambulance", reason.clone());
    assert_eq!(opened.status, 200, "{opened:?}");
    // Named, and nothing very restricted; in no list, and for nobody else.
    assert_eq!(named("ambulance"), ["E119", "R69"]);
    assert_eq!(sees(&served, "ambulance"), Vec::<String>::new());
    assert_eq!(named("nurse"), Vec::<String>::new());
    let told = served.get("hospital", format!("/Communication?patient={}", patient())).json();
    assert_eq!(told["entry"][0]["resource"]["priority"], "urgent");
    assert_eq!(told["entry"][0]["resource"]["recipient"][0]["reference"], "Organization/hospital");
    assert_eq!(found_types(&served.get("ambulance", format!("/Communication?patient={}", patient()))), 0);
    let queue = || served.get("office", "/Consent/$emergency-reviews").json();
    assert_eq!(queue()["total"], 2);
    assert_eq!(served.get("nurse", "/Consent/$emergency-reviews").status, 403);
    let events = served.get("office", format!("/AuditEvent?patient={}", patient())).json().to_string();
    assert!(events.contains("110127"), "{events}");

    // It ends by itself.
    LATER.store(30 * 60_000, Ordering::SeqCst);
    assert_eq!(named("ambulance"), Vec::<String>::new());
    assert_eq!(served.get("ambulance", format!("/{}", patient())).status, 404);
    // It is closed by whoever opened it. Where no time is said it is an hour.
    let plain = json!({"resourceType": "Parameters", "parameter": [{"name": "reason", "valueString": "意識障害"}]});
    open("ambulance", plain);
    assert_eq!(named("ambulance"), ["E119", "R69"]);
    let closed = served.ask(Ask::post(
        "ambulance",
        format!("/{}/$emergency-end", patient()),
        &json!({"resourceType": "Parameters"}),
    ));
    assert_eq!(closed.json()["parameter"][0]["valueUnsignedInt"], 1);
    assert_eq!(named("ambulance"), Vec::<String>::new());

    // What the patient has refused in general does not count; what was refused of emergencies does.
    put(&served, "deny", json!({"type": "deny"}), json!({}));
    open("ambulance", reason.clone());
    assert_eq!(named("ambulance"), ["E119", "R69"]);
    let purpose = json!([{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "ETREAT"}]);
    put(&served, "deny", json!({"type": "deny", "purpose": purpose}), json!({}));
    assert_eq!(named("ambulance"), Vec::<String>::new());

    // A review takes it off the list.
    let mut reviewed = queue()["entry"][0]["resource"].clone();
    let count = queue()["total"].as_u64().unwrap();
    reviewed["verification"] = json!([{"verified": true, "verificationDate": "2026-11-21"}]);
    reviewed.as_object_mut().unwrap().remove("meta");
    let path = format!("/Consent/{}", reviewed["id"].as_str().unwrap());
    assert!(served.ask(Ask::put("office", path, &reviewed)).status < 300);
    assert_eq!(queue()["total"].as_u64().unwrap(), count - 1);
}

fn found_types(answer: &Answer) -> usize {
    answer.json()["entry"].as_array().map_or(0, Vec::len)
}

fn parameter<'a>(parameters: &'a Value, name: &str) -> Vec<&'a Value> {
    let all = parameters["parameter"].as_array().or_else(|| parameters["part"].as_array());
    all.into_iter().flatten().filter(|one| one["name"] == name).collect()
}

#[test]
fn the_office_is_told_who_may_see_what_and_why() {
    let (served, _) = world("", gateway::clock);
    put(
        &served,
        "c",
        json!({"type": "permit", "actor": [to("Organization/agency-a")], "provision": [
        {"type": "deny", "code": [{"coding": [{"code": "E119"}]}]}]}),
        json!({}),
    );
    let who = served.get("office", format!("/{}/$who-can-see", patient()));
    assert_eq!(who.status, 200, "{who:?}");
    let who = who.json();
    let clients: Vec<&str> =
        parameter(&who, "member").iter().map(|m| parameter(m, "client")[0]["valueString"].as_str().unwrap()).collect();
    assert_eq!(clients, ["agency-a", "office", "hospital", "lab-only", "app"], "the office sees the Consent");
    assert!(!who.to_string().contains("C509"), "nothing clinical: {who}");

    let all = served.get("hospital", format!("/Condition?patient={}", patient())).json();
    let id = |code: &str| {
        let mut entries = all["entry"].as_array().unwrap().iter();
        let entry = entries.find(|entry| entry["resource"]["code"]["text"] == code).unwrap();
        entry["resource"]["id"].as_str().unwrap().to_owned()
    };
    for (client, code, permitted, reason, provision) in [
        ("agency-a", "E119", false, "consent", Some("Consent.provision.provision[0]")),
        ("agency-a", "R69", false, "labels", None),
        ("agency-b", "E119", false, "no-consent", None),
        ("hospital", "C509", true, "custodian", None),
        ("office", "E119", false, "role", None),
        ("lab-only", "R69", false, "labels", None),
    ] {
        let path = format!("/Condition/{}/$explain-access?client={client}", id(code));
        let told = served.get("office", path).json();
        assert_eq!(parameter(&told, "permitted")[0]["valueBoolean"], permitted, "{client} {code}: {told}");
        assert_eq!(parameter(&told, "reason")[0]["valueCode"], reason, "{client} {code}: {told}");
        let found =
            parameter(&told, "provision").first().and_then(|one| one["valueString"].as_str().map(str::to_owned));
        assert_eq!(found.as_deref(), provision, "{client} {code}");
    }
    for path in
        [format!("/{}/$who-can-see", patient()), format!("/Condition/{}/$explain-access?client=agency-a", id("E119"))]
    {
        for client in ["agency-a", "hospital"] {
            assert_eq!(served.get(client, path.clone()).status, 403, "{client} {path}");
        }
        assert_eq!(served.get("", path.clone()).status, 401);
    }
}

#[test]
fn a_draft_says_what_it_would_open_and_opens_nothing() {
    let (served, _) = world("", gateway::clock);
    let mut draft = consent("draft", HANAKO, "agency-b", "draft", Value::Null);
    draft["patient"] = json!({"reference": patient()});
    let preview =
        |draft: &Value| served.ask(Ask::post("office", format!("/{}/$preview-consent", patient()), draft)).json();
    let told = preview(&draft);
    let members = parameter(&told, "member");
    assert_eq!(members.len(), 1, "{told}");
    assert_eq!(parameter(members[0], "client")[0]["valueString"], "agency-b");
    assert_eq!(parameter(members[0], "before")[0]["valueUnsignedInt"], 0);
    assert_eq!(parameter(members[0], "after")[0]["valueUnsignedInt"], 2, "the patient and the finding: {told}");
    draft["provision"]["type"] = json!("perhaps");
    assert_eq!(parameter(&preview(&draft), "issues").len(), 1);
    assert_eq!(who(&served), Vec::<&str>::new());
}

/// A letter of the hospital with a finding, a laboratory result, a Composition that holds both, a Provenance of the result and a
/// doctor whom only the result names.
fn with_document() -> Served {
    let (served, gateway) = world("", gateway::clock);
    let identified = |mut resource: Value, id: &str| {
        resource["identifier"] =
            json!([{"system": "http://jpfhir.jp/fhir/core/IdSystem/resourceInstance-identifier", "value": id}]);
        resource
    };
    let to = |n: usize| json!({"reference": format!("urn:uuid:d-{n}")});
    let resources = [
        condition("d", "I10", None),
        identified(
            json!({"resourceType": "Observation", "status": "final", "subject": to(0), "performer": [to(4)],
            "effectiveDateTime": "2026-10-01",
            "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}],
            "code": {"coding": [{"system": "http://loinc.org", "code": "7917-8"}], "text": "HIV"}}),
            "d-o",
        ),
        identified(
            json!({"resourceType": "Composition", "status": "final", "subject": to(0), "date": "2026-10-02", "title": "退院時サマリー",
            "type": {"coding": [{"system": "http://loinc.org", "code": "18842-5"}]}, "author": [to(5)],
            "section": [{"title": "診断", "entry": [to(1)]}, {"title": "検査", "entry": [to(2)]}]}),
            "d-c",
        ),
        identified(json!({"resourceType": "Practitioner", "name": [{"text": "見本 検査医"}]}), "d-p"),
        identified(json!({"resourceType": "Practitioner", "name": [{"text": "見本 主治医"}]}), "d-q"),
    ];
    let mut letters = bundle(HANAKO, "d", &resources);
    letters["entry"][3]["resource"]["identifier"] = letters["entry"][3]["resource"]["identifier"][0].clone();
    let receipt = gateway.receive(&letter(HOSPITAL, "d", &letters)).unwrap();
    assert_eq!(receipt.record(), Some(key(HANAKO)), "{receipt:?}");
    served
}

/// How many resources of a type a client finds of the patient.
fn count(served: &Served, client: &str, of: &str) -> u64 {
    let query = if of == "Practitioner" {
        "_summary=count".to_owned()
    } else {
        format!("patient={}&_summary=count", patient())
    };
    served.get(client, format!("/{of}?{query}")).json()["total"].as_u64().unwrap()
}

#[test]
fn what_tells_of_something_denied_is_denied_with_it() {
    let served = with_document();
    let permit = || json!({"type": "permit", "actor": [to("Organization/agency-b")]});
    put(&served, "c", permit(), json!({}));
    let counts =
        |client: &str| ["Condition", "Observation", "Composition", "Practitioner"].map(|of| count(&served, client, of));
    assert_eq!(counts("agency-b"), [2, 1, 1, 2]);
    let mut narrowed = permit();
    narrowed["provision"] =
        json!([{"type": "deny", "code": [{"coding": [{"system": "http://loinc.org", "code": "7917-8"}]}]}]);
    put(&served, "c", narrowed, json!({}));
    // The document holds the result, and nobody else names the doctor who made it.
    assert_eq!(counts("agency-b"), [2, 0, 0, 0]);
    let provenances = served.get("agency-b", format!("/Provenance?patient={}", patient())).body;
    assert!(!provenances.contains("Observation/"), "{provenances}");
    let told = served.get("hospital", format!("/Composition?patient={}", patient())).json();
    let id = told["entry"][0]["resource"]["id"].as_str().unwrap().to_owned();
    let told = served.get("office", format!("/Composition/{id}/$explain-access?client=agency-b")).json();
    assert_eq!(parameter(&told, "permitted")[0]["valueBoolean"], false, "{told}");
    assert_eq!(served.get("agency-b", format!("/Composition/{id}/_history/1")).status, 404);
    // The findings alone: a document of which something is missing is not there.
    let types = |names: &[&str]| -> Value {
        names.iter().map(|name| json!({"system": "http://hl7.org/fhir/resource-types", "code": name})).collect()
    };
    let mut some = permit();
    some["class"] = types(&["Patient", "Condition", "Composition", "Practitioner"]);
    put(&served, "c", some, json!({}));
    assert_eq!(counts("agency-b"), [2, 0, 0, 0]);
}

#[test]
fn a_document_that_is_permitted_by_its_kind_is_permitted_whole() {
    let served = with_document();
    let mut permit = json!({"type": "permit", "actor": [to("Organization/agency-b")]});
    permit["class"] = json!([{"system": "http://loinc.org", "code": "18842-5"}]);
    put(&served, "c", permit.clone(), json!({}));
    let counts = ["Condition", "Observation", "Composition", "Practitioner"].map(|of| count(&served, "agency-b", of));
    // What it holds, and no other finding.
    assert_eq!(counts, [1, 1, 1, 2]);
    let told = served.get("agency-b", format!("/Composition?patient={}", patient())).json();
    let id = told["entry"][0]["resource"]["id"].as_str().unwrap();
    let whole = served.get("agency-b", format!("/Composition/{id}/$document"));
    assert_eq!(whole.status, 200, "{whole:?}");
    assert!(whole.body.contains("7917-8") && whole.body.contains("I10") && !whole.body.contains("E119"));
}

#[test]
fn a_team_of_the_record_is_asked_for_who_is_in_it_and_when() {
    let (served, gateway) = world("", moving);
    let team = |status: &str, end: Option<&str>| {
        let mut nurse = json!({"member": {"reference": "Organization/station"}});
        if let Some(end) = end {
            nurse["period"] = json!({"end": end});
        }
        let team = json!({"resourceType": "CareTeam", "id": "team", "status": status, "subject": {"reference": patient()},
            "participant": [{"member": {"reference": "Organization/helpers"}}, nurse]});
        let id = tasuki::fhir::ResourceId::parse("team").unwrap();
        let of = tasuki::fhir::ResourceType::CARE_TEAM;
        let members = tasuki::fhir::json::Members::of(&team.to_string())
            .map(|members| tasuki::fhir::Draft::received(of, id.clone(), &members, |_, _| None));
        let put = tasuki::pipeline::Put::new(members.unwrap(), &team);
        let statement = tasuki::pipeline::Statement {
            resource_type: of,
            id,
            record: Some(key(HANAKO)),
            content: tasuki::pipeline::Content::Put(Box::new(put)),
            expected: tasuki::pipeline::Expected::Anything,
            only_directory: false,
        };
        gateway.write(|pipeline| pipeline.state(&[statement])).unwrap().unwrap();
    };
    put(&served, "c", json!({"type": "permit", "actor": [to("CareTeam/team")]}), json!({}));
    assert_eq!(who(&served), Vec::<&str>::new(), "a team that is not there has no members");
    team("active", None);
    assert_eq!(who(&served), ["nurse", "helper"]);
    // The nurse leaves on the day before the clock's.
    team("active", Some("2026-11-20"));
    assert_eq!(who(&served), ["helper"]);
    team("suspended", None);
    assert_eq!(who(&served), Vec::<&str>::new());
    team("active", None);
    // What is denied to a team is denied to its members, active or not.
    put(&served, "d", json!({"type": "deny", "actor": [to("CareTeam/team")]}), json!({}));
    put(&served, "c", json!({"type": "permit"}), json!({}));
    assert_eq!(who(&served), ["agency-a", "agency-b", "ambulance", "app"]);
    team("inactive", None);
    assert_eq!(who(&served), ["agency-a", "agency-b", "ambulance", "app"]);
    // Of one that nobody knows, everybody may be a member.
    put(&served, "d", json!({"type": "deny", "actor": [to("CareTeam/other")]}), json!({}));
    assert_eq!(who(&served), Vec::<&str>::new());
}

/// One search shows two people, each by a consent of its own: what each is told of it names the other's nowhere.
#[test]
fn a_patient_is_told_by_which_of_the_own_consents_and_of_nobody_elses() {
    let (served, gateway) = world("", gateway::clock);
    let other = key("0000000002").reference();
    gateway.receive(&letter(HOSPITAL, "o", &bundle("0000000002", "o", &[condition("o", "I10", None)]))).unwrap();
    let permit = || json!({"type": "permit", "actor": [to("Organization/agency-a")]});
    put(&served, "mine", permit(), json!({}));
    put(&served, "theirs", permit(), json!({"patient": {"reference": other}}));
    assert_eq!(sees(&served, "agency-a"), ["E119", "I10"]);
    for accept in ["application/fhir+json", "text/html"] {
        let told = served.ask(Ask::get("office", format!("/{}/$access-report", patient())).with("accept", accept));
        assert_eq!(told.status, 200, "{told:?}");
        assert!(told.body.contains("mine") && !told.body.contains("theirs"), "{}", told.body);
        assert!(!told.body.contains(other.trim_start_matches("Patient/")), "{}", told.body);
    }
}
