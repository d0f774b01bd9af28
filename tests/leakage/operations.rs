//! G and I. Operations, and what is sent later.

use crate::gateway::{Answer, Ask, BASE, Served};
use crate::{HIDDEN, SHOWN, Worlds, patient, worlds};

#[test]
fn leak_46_everything_is_everything_that_may_be_seen() {
    let worlds = worlds();
    let whole = worlds.get(format!("/{}/$everything", patient(SHOWN)));
    assert_eq!((whole.status, &whole.json()["total"]), (200, &9.into()), "{}", whole.body);
    for query in
        ["_since=2000-01-01", "_type=Condition,List", "start=2026-01-01&end=2026-02-28", "_count=1", "_elements=id"]
    {
        worlds.get(format!("/{}/$everything?{query}", patient(SHOWN)));
    }
    let [hidden, missing] = [HIDDEN, "nobody"].map(|number| worlds.get(format!("/{}/$everything", patient(number))));
    assert_eq!(hidden, missing);
}

#[test]
fn leak_47_the_last_of_each_code_are_of_those_that_may_be_seen() {
    let worlds = worlds();
    for query in ["code=777,0", "category=laboratory", "category=laboratory&max=9", "code:missing=false"] {
        let answer = worlds.get(format!("/Observation/$lastn?patient={}&{query}", patient(SHOWN)));
        assert!(!answer.body.contains("777\""), "{query}: {}", answer.body);
    }
    let [hidden, missing] = [HIDDEN, "nobody"].map(|number| {
        worlds.get(format!("/Observation/$lastn?patient={}&category=laboratory", patient(number))).json()["entry"]
            .clone()
    });
    assert_eq!(hidden, missing);
    assert_eq!(worlds.get("/Observation/$stats").status, 404);
}

#[test]
fn leak_49_operations_look_at_nothing_hidden() {
    let worlds = worlds();
    for path in [
        "/Condition/secret/$validate",
        "/Condition/secret/$validate?mode=delete",
        "/Condition/secret/$meta",
        "/$meta",
        "/Condition/$meta",
        "/$graphql?query=%7BConditionList%7Bid%7D%7D",
        "/Condition/secret/$graphql",
        "/ValueSet/$expand?url=x",
        "/$convert",
        "/Patient/$summary?identifier=3",
        "/Condition/secret/$nonsense",
        "/Group/g/$export",
    ] {
        let answer = worlds.get(path);
        let like = worlds.get(path.replace("secret", "nothing"));
        assert_eq!((answer.status, answer.body), (like.status, like.body), "{path}");
    }
    let whose = [HIDDEN, "nobody"].map(|number| worlds.get(format!("/{}/$summary", patient(number))));
    assert_eq!(whose[0], whose[1]);
}

#[test]
fn leak_50_consents_and_the_audit_record_are_not_for_care() {
    let worlds = worlds();
    for path in
        ["/Consent", "/Consent/permit", "/Consent/cb", "/Consent/_history", "/AuditEvent", "/AuditEvent?patient=x"]
    {
        assert_eq!(worlds.get(path).status, 403, "{path}");
    }
    // Nor does anything that may be seen lead there.
    for path in [
        "/Patient?_has:Consent:patient:status=active",
        "/Patient?_revinclude=Consent:patient",
        "?_type=Consent",
        "/Organization?_revinclude=Consent:actor",
    ] {
        assert!(!worlds.get(path).body.contains("\"Consent\""), "{path}");
    }
}

/// The manifest of an export, once it is there.
fn manifest(served: &Served, client: &str, path: &str) -> Answer {
    let begun = served.ask(Ask::get(client, path).with("prefer", "respond-async"));
    assert_eq!(begun.status, 202, "{}", begun.body);
    let status = begun.header("content-location").unwrap().replace(BASE, "");
    for _ in 0..2000 {
        let answer = served.get(client, status.as_str());
        if answer.status != 202 {
            return answer;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    panic!("never done")
}

/// What an export holds, without the name of the export.
fn exported(served: &Served, path: &str) -> Vec<(String, String)> {
    let manifest = manifest(served, "agency-a", path).json();
    assert_eq!(manifest["error"], serde_json::json!([]));
    let lists =
        ["output", "deleted"].into_iter().flat_map(|list| manifest[list].as_array().cloned().unwrap_or_default());
    let urls = lists.map(|file| file["url"].as_str().unwrap().replace(BASE, ""));
    urls.map(|url| (url.rsplit('/').next().unwrap().to_owned(), served.get("agency-a", url).body)).collect()
}

#[test]
fn leak_61_exports_hold_what_may_be_seen_and_are_nobody_elses() {
    let Worlds { less, more } = worlds();
    for path in [
        "/$export",
        "/Patient/$export",
        "/Patient/$export?_type=Condition,List",
        "/$export?_typeFilter=Condition%3Fcode%3Dsecret&_type=Condition",
    ] {
        let [without, with] = [&less, &more].map(|served| exported(served, path));
        assert_eq!(without, with, "{path}");
    }
    let begun = more.ask(Ask::get("agency-b", "/$export").with("prefer", "respond-async"));
    let status = begun.header("content-location").unwrap().replace(BASE, "");
    let name = status.rsplit('/').next().unwrap();
    for (theirs, nobodys) in [
        (status.clone(), "/$export-status/0123456789abcdef0123456789abcdef".to_owned()),
        (
            format!("/$export-file/{name}/Patient.ndjson"),
            "/$export-file/0123456789abcdef0123456789abcdef/Patient.ndjson".into(),
        ),
    ] {
        for method in ["GET", "HEAD", "DELETE"] {
            let [theirs, nobodys] =
                [&theirs, &nobodys].map(|path| more.ask(Ask { method, ..Ask::get("agency-a", path.as_str()) }));
            assert_eq!(theirs, nobodys, "{method}");
        }
    }
}

/// Subscriptions are not delivered; as resources of a type they may be asked for like any other, and are written by nobody.
#[test]
fn leak_62_a_subscription_tells_nothing() {
    let worlds = worlds();
    let body = serde_json::json!({"resourceType": "Subscription", "status": "requested", "reason": "x", "criteria": "Condition?code=secret",
        "channel": {"type": "rest-hook", "endpoint": "https://collector.example"}});
    assert_eq!(worlds.ask(Ask::post("agency-a", "/Subscription", &body)).status, 403);
    worlds.find(&[("/Subscription", 0)]);
    for path in ["/Subscription/s/$status", "/Subscription/s/$events", "/Subscription/$status"] {
        assert!(worlds.get(path).status >= 400, "{path}");
    }
}
