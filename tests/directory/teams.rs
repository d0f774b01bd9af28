//! Whom a team of the directory makes a member, from one request to the next.

use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};

use crate::gateway::{NOW, Served, consent, letter, receive};
use crate::{CLOSED, NUMBER, over, put, serve, store};

const DAY_MS: i64 = 24 * 3600 * 1000;

static CLOCK: AtomicI64 = AtomicI64::new(NOW);

fn tick() -> i64 {
    CLOCK.load(Ordering::SeqCst)
}

fn named(names: &[&str]) -> Value {
    json!(names.iter().map(|name| json!({"member": {"reference": name}})).collect::<Vec<_>>())
}

fn team(id: &str, status: &str, participants: Value) -> Value {
    let mut team = json!({"resourceType": "CareTeam", "id": id, "status": status});
    if participants != json!([]) {
        team["participant"] = participants;
    }
    team
}

/// A Consent of the closed patient that permits, or denies, to a team.
fn state(store: &tasuki::store::Store, id: &str, kind: &str, team: &str) {
    let mut consent = consent(id, CLOSED, "x", "active", Value::Null);
    consent["provision"]["type"] = json!(kind);
    consent["provision"]["actor"][0]["reference"]["reference"] = json!(team);
    let receipt = receive(store, &letter("", &format!("{id} {kind} {team}"), &consent));
    assert!(receipt.issues.is_empty(), "{receipt:?}");
}

fn reads(served: &Served, client: &str) -> bool {
    let answer = served.get(client, "/Patient");
    assert_eq!(answer.status, 200);
    let id = crate::gateway::key(CLOSED).patient_id();
    let direct = served.get(client, format!("/Patient/{}", id.as_str())).status == 200;
    let found = answer.body.contains(id.as_str());
    assert_eq!(direct, found, "{client}: a read and a search say the same");
    found
}

#[test]
fn a_member_joins_and_leaves_from_one_request_to_the_next() {
    let store = store();
    state(&store, "t", "permit", "CareTeam/home");
    let served = serve(&store);
    let put = |participants: Value, status: &str| assert!(put(&served, &team("home", status, participants)) < 300);
    assert!(!reads(&served, "agency-b"), "a team that is not there has no members");
    put(named(&["Organization/nurse-station"]), "active");
    assert!(!reads(&served, "agency-b"));
    put(named(&["Organization/nurse-station", "Organization/agency-b"]), "active");
    assert!(reads(&served, "agency-b") && reads(&served, "nurse-station") && !reads(&served, "agency-a"));
    let who = served.get("office", format!("/{}/$who-can-see", crate::gateway::key(CLOSED).reference()));
    let (in_it, outside) = (who.body.contains("\"agency-b\""), who.body.contains("\"agency-a\""));
    assert!(in_it && !outside, "the office is told so too: {}", who.body);
    put(named(&["Organization/nurse-station"]), "active");
    assert!(!reads(&served, "agency-b") && reads(&served, "nurse-station"));
    put(named(&["Organization/nurse-station", "Organization/agency-b"]), "active");
    assert!(reads(&served, "agency-b"));
    put(named(&["Organization/nurse-station", "Organization/agency-b"]), "inactive");
    assert!(!reads(&served, "agency-b") && !reads(&served, "nurse-station"), "a retired team has no members");
    put(named(&["Organization/agency-b"]), "active");
    assert!(reads(&served, "agency-b"));
    let gone = crate::gateway::Ask { method: "DELETE", ..crate::gateway::Ask::get("office", "/CareTeam/home") };
    assert_eq!(served.ask(gone).status, 204);
    assert!(!reads(&served, "agency-b"));
    // What the team says of nobody else has changed for nobody else.
    assert!(served.get("agency-a", "/Patient").body.contains(crate::gateway::key(NUMBER).patient_id().as_str()));
}

#[test]
fn a_membership_begins_and_ends_by_the_clock_of_the_server() {
    let store = store();
    state(&store, "t", "permit", "CareTeam/home");
    let served = over(&store, tick);
    let mut dated = team("home", "active", named(&["Organization/agency-b", "Organization/nurse-station"]));
    dated["participant"][0]["period"] = json!({"start": "2026-11-22", "end": "2026-11-23"});
    dated["period"] = json!({"end": "2026-11-24"});
    assert!(put(&served, &dated) < 300);
    let mut told = Vec::new();
    for day in 0..5 {
        CLOCK.store(NOW + day * DAY_MS, Ordering::SeqCst);
        told.push((reads(&served, "agency-b"), reads(&served, "nurse-station")));
    }
    assert_eq!(told, [(false, true), (true, true), (true, true), (false, true), (false, false)]);
    CLOCK.store(NOW + DAY_MS, Ordering::SeqCst);
    assert!(reads(&served, "agency-b"), "a clock that is set back");
}

#[test]
fn a_team_within_a_team_makes_members_too() {
    let store = store();
    let served = serve(&store);
    let nested = team("outer", "active", named(&["CareTeam/inner"]));
    let inner = team("inner", "active", named(&["Organization/agency-b"]));
    assert!(put(&served, &nested) < 300 && put(&served, &inner) < 300);
    assert!(!reads(&served, "agency-b"));
    state(&store, "t", "permit", "CareTeam/outer");
    assert!(reads(&served, "agency-b"));
    assert!(put(&served, &team("inner", "active", json!([]))) < 300);
    assert!(!reads(&served, "agency-b"));
}

#[test]
fn a_denial_to_a_team_closes_to_its_members_and_to_whoever_may_be_one() {
    let store = store();
    let mut everybody = consent("all", CLOSED, "x", "active", Value::Null);
    everybody["provision"].as_object_mut().unwrap().remove("actor");
    receive(&store, &letter("", "all", &everybody));
    let served = serve(&store);
    assert!(reads(&served, "agency-a") && reads(&served, "agency-b"));
    state(&store, "no", "deny", "CareTeam/barred");
    assert!(!reads(&served, "agency-a"), "a team that nobody knows may be anybody's");
    let put = |participants: Value, status: &str| assert!(put(&served, &team("barred", status, participants)) < 300);
    put(named(&["Organization/agency-b"]), "active");
    assert!(reads(&served, "agency-a") && !reads(&served, "agency-b"));
    put(named(&["Organization/agency-b"]), "inactive");
    assert!(reads(&served, "agency-a") && !reads(&served, "agency-b"), "its members stay barred");
    put(named(&["Practitioner/somebody"]), "active");
    assert!(!reads(&served, "agency-a"), "of a program it cannot be told for whom it asks");
    put(json!([]), "active");
    assert!(reads(&served, "agency-a") && reads(&served, "agency-b"));
}

/// A team that carries a label, or stands in a patient's record, is not of the directory.
#[test]
fn what_is_not_of_the_directory_makes_nobody_a_member() {
    let store = store();
    state(&store, "t", "permit", "CareTeam/home");
    let served = serve(&store);
    let mut labelled = team("home", "active", named(&["Organization/agency-b"]));
    labelled["meta"] =
        json!({"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]});
    assert!(put(&served, &labelled) < 300);
    assert!(!reads(&served, "agency-b"));
    assert!(put(&served, &team("home", "active", named(&["Organization/agency-b"]))) < 300);
    assert!(reads(&served, "agency-b"));
}
