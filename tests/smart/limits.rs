//! What each caller may ask in a minute, at once and of one search; each for itself, so that no answer tells of anybody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::Value;
use tasuki::app::Gateway;

use crate::gateway::{Answer, Ask, NOW, PEER, Served, config_with};
use crate::store;

static CLOCK: AtomicI64 = AtomicI64::new(NOW);

fn served(limits: &str) -> Served {
    let config = config_with(&format!("[limits]\n{limits}\n"));
    Served::new(Arc::new(Gateway::over(store(), &config, crate::gateway::clock).unwrap()))
}

fn is_told_to_wait(answer: &Answer, seconds: &str) {
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some(seconds)), "{}", answer.body);
    let json = answer.json();
    assert_eq!((&json["resourceType"], &json["issue"][0]["code"]), (&"OperationOutcome".into(), &"throttled".into()));
    assert_eq!(json["entry"], Value::Null);
}

#[test]
fn a_caller_may_ask_so_often_and_not_once_more() {
    let config = config_with("[limits]\nrequests_per_minute_max = 3\n");
    let gateway = Gateway::over(store(), &config, || CLOCK.load(Ordering::SeqCst)).unwrap();
    let served = Served::new(Arc::new(gateway));
    for path in ["/Patient", "/Patient/nobody", "/Nonsense"] {
        assert_ne!(served.get("agency-a", path).status, 429, "{path}");
    }
    is_told_to_wait(&served.get("agency-a", "/Patient"), "20");
    // Whatever is asked, in whichever way.
    is_told_to_wait(&served.ask(Ask::post("agency-a", "", &Value::Null)), "20");
    is_told_to_wait(&served.ask(Ask::post("agency-a", "//intake", &Value::Null)), "20");
    // Another client, of the same organisation too, has its own.
    assert_eq!([served.get("agency-b", "/Patient").status, served.get("lab-only", "/Patient").status], [200, 200]);
    CLOCK.store(NOW + 19_999, Ordering::SeqCst);
    is_told_to_wait(&served.get("agency-a", "/Patient"), "1");
    CLOCK.store(NOW + 20_000, Ordering::SeqCst);
    assert_eq!(served.get("agency-a", "/Patient").status, 200);
    is_told_to_wait(&served.get("agency-a", "/Patient"), "20");
}

#[test]
fn what_one_caller_is_told_does_not_depend_on_another() {
    let talk = |noise: usize| {
        let served = served("requests_per_minute_max = 3");
        for _ in 0..noise {
            served.get("agency-b", "/Patient");
            served.get("stranger", "/Patient");
        }
        (0..5).map(|_| served.get("agency-a", "/Patient")).collect::<Vec<_>>()
    };
    let (alone, beside) = (talk(0), talk(20));
    assert_eq!(alone, beside);
    assert_eq!(alone.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200, 200, 200, 429, 429]);
}

#[test]
fn strangers_are_counted_by_their_address() {
    let served = served("token_attempts_per_minute_max = 2");
    let ask = |client: &str, from: &str| served.ask(Ask::get(client, "/Patient").with(PEER, from));
    assert_eq!(["", "nobody"].map(|client| ask(client, "192.0.2.1:1").status), [401, 401]);
    is_told_to_wait(&ask("nobody", "192.0.2.1:2"), "30");
    is_told_to_wait(&ask("a.b.c", "192.0.2.1:2"), "30");
    let public = ["/metadata", "//health", "/.well-known/smart-configuration"];
    assert!(public.iter().all(|path| served.ask(Ask::get("", *path).with(PEER, "192.0.2.1:3")).status != 429));
    assert_eq!(ask("nobody", "192.0.2.2:1").status, 401);
    assert_eq!(ask("agency-a", "192.0.2.1:1").status, 200, "whoever is known is not counted there");
}

#[test]
fn a_search_that_takes_too_long_ends_and_says_nothing_of_what_it_found() {
    let within = |seconds: u64| {
        let mut config = config_with("");
        config.limits.answer_seconds_max = seconds;
        Served::new(Arc::new(Gateway::over(store(), &config, crate::gateway::clock).unwrap()))
    };
    let (served, hurried) = (within(60), within(0));
    for path in ["/Patient", "/Observation?code=x", "/Observation?patient=Patient/nobody", "?_type=Patient"] {
        assert_eq!(served.get("agency-a", path).status, 200, "{path}");
        let answer = hurried.get("agency-a", path);
        let json = answer.json();
        assert_eq!((answer.status, &json["issue"][0]["code"]), (503, &"too-costly".into()), "{path}");
        assert_eq!((&json["total"], &json["entry"]), (&Value::Null, &Value::Null));
    }
    // Whoever has nothing to see is told the same.
    let told = |client: &str| hurried.get(client, "/Patient").body;
    assert_eq!(told("agency-a"), told("agency-b"));
    assert_eq!(hurried.get("agency-a", "/Patient/nobody").status, 404, "what is named by its id is found");
}
