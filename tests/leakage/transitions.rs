//! K. Transitions.

use std::sync::Mutex;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::gateway::{Ask, BASE, NOW, Served, consent, letter, receive};
use crate::{CLOCK, HIDDEN, SHOWN, condition, fill, patient, serve, store};

/// Whoever sets the clock is alone meanwhile.
static ALONE: Mutex<()> = Mutex::new(());

fn total(served: &Served) -> u64 {
    served.get("agency-a", "/Condition").json()["total"].as_u64().unwrap()
}

fn put(served: &Served, id: &str, status: &str, period: Value) {
    let answer =
        served.ask(Ask::put("office", format!("/Consent/{id}"), &consent(id, SHOWN, "agency-a", status, period)));
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[test]
fn leak_71_a_withdrawal_reaches_pages_and_histories() {
    let served = serve(&store(&[], &[]));
    let page = served.get("agency-a", "/Observation?_count=1").json();
    let links = page["link"].as_array().unwrap();
    let next = links.iter().find(|link| link["relation"] == "next").unwrap()["url"].as_str().unwrap().replace(BASE, "");
    let history = served.get("agency-a", "/_history?_count=1").json();
    let later = history["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next").unwrap()["url"]
        .as_str()
        .unwrap()
        .replace(BASE, "");
    put(&served, "permit", "inactive", Value::Null);
    for path in [next.as_str(), later.as_str(), "/Observation", "/_history", "/Condition/shown/_history"] {
        let answer = served.get("agency-a", path);
        assert!(
            !answer.body.contains("\"resource\":{\"resourceType\":\"Observation\"") && !answer.body.contains("病名"),
            "{path}: {}",
            answer.body
        );
    }
    assert_eq!(served.get("agency-a", "/Condition/shown").status, 404);
}

#[test]
fn leak_72_and_77_a_period_ends_by_the_clock_of_the_server_alone() {
    let _alone = ALONE.lock().unwrap();
    let served = serve(&store(&[], &[]));
    CLOCK.store(NOW, Ordering::SeqCst);
    put(&served, "permit", "active", json!({"start": "2026-11-21T12:00:00+09:00", "end": "2026-11-21T13:00:00+09:00"}));
    let seen = [NOW - 1, NOW, NOW + 3_599_999, NOW + 3_601_000, NOW].map(|now| {
        CLOCK.store(now, Ordering::SeqCst);
        total(&served)
    });
    CLOCK.store(NOW, Ordering::SeqCst);
    assert_eq!(seen, [0, 1, 1, 0, 1]);
    // What the caller says of the time is not heard.
    put(&served, "permit", "active", json!({"start": "2026-01-01", "end": "2026-06-30"}));
    let claimed = Ask::get("agency-a", "/Condition").with("date", "Mon, 01 Jun 2026 00:00:00 GMT");
    assert_eq!(served.ask(claimed).json()["total"], 0);
}

#[test]
fn leak_73_a_label_that_comes_later_hides_all_that_was() {
    let store = store(&[], &[]);
    assert_eq!(total(&serve(&store)), 1);
    fill(&store, &[condition("shown", SHOWN, Some("UNDELIVERED"))], &[]);
    let served = serve(&store);
    assert_eq!(total(&served), 0);
    for path in [
        "/Condition/shown",
        "/Condition/shown/_history",
        "/Condition/shown/_history/1",
        "/Condition/shown/_history/2",
        "/Composition/told",
    ] {
        assert_eq!(served.get("agency-a", path).status, 404, "{path}");
    }
    assert!(!served.get("agency-a", "/_history").body.contains("shown"));
}

#[test]
fn leak_76_a_consent_that_is_deleted_is_withdrawn() {
    let store = store(&[], &[]);
    assert_eq!(total(&serve(&store)), 1);
    fill(&store, &[], &["Consent/permit"]);
    let served = serve(&store);
    assert_eq!(total(&served), 0);
    assert_eq!(served.get("agency-a", "/Condition/shown").status, 404);
    assert_eq!(served.get("office", "/Consent/permit/_history/1").status, 200, "its history is kept");
}

#[test]
fn leak_78_a_restart_knows_what_was_withdrawn() {
    let store = store(&[], &[]);
    {
        let served = serve(&store);
        assert_eq!(total(&served), 1);
        put(&served, "permit", "inactive", Value::Null);
    }
    let served = serve(&store);
    assert_eq!(total(&served), 0);
    receive(&store, &letter("", "again", &consent("again", HIDDEN, "agency-a", "inactive", Value::Null)));
    assert_eq!(served.get("agency-a", format!("/{}", patient(HIDDEN))).status, 404);
}
