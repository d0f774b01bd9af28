//! B. Direct access.

use crate::gateway::Ask;
use crate::{HIDDEN, SHOWN, Worlds, patient, worlds};

/// What is hidden, and what is nowhere.
const PAIRS: [(&str, &str); 8] = [
    ("Condition/secret", "Condition/nothing"),
    ("Condition/other", "Condition/nobody"),
    ("Condition/gone", "Condition/never"),
    ("Observation/o-secret", "Observation/o-nothing"),
    ("Observation/o-two", "Observation/o-none"),
    ("Observation/o-inside", "Observation/o-outside"),
    ("DocumentReference/d-secret", "DocumentReference/d-nothing"),
    ("Composition/told-too-much", "Composition/told-nothing"),
];

/// Hidden is answered like missing, in the world where it is and in the one where it is not.
fn like_missing(worlds: &Worlds, method: &'static str, below: &str, headers: &[(&'static str, &str)]) {
    for (hidden, missing) in PAIRS {
        let ask = |of: &str| {
            let ask = Ask { method, ..Ask::get("agency-a", format!("/{of}{below}")) };
            headers.iter().fold(ask, |ask, (name, value)| ask.with(name, *value))
        };
        let (hidden, missing) = (worlds.ask(ask(hidden)), worlds.ask(ask(missing)));
        assert_eq!(hidden, missing, "{method} {below} {headers:?}");
        assert_eq!(hidden.status, 404, "{method} {below} {headers:?}: {}", hidden.body);
    }
}

#[test]
fn leak_08_what_is_hidden_is_read_like_what_is_missing() {
    let worlds = worlds();
    like_missing(&worlds, "GET", "", &[]);
    like_missing(&worlds, "GET", "", &[("accept", "application/fhir+xml")]);
    like_missing(&worlds, "GET", "", &[("accept-encoding", "gzip")]);
    assert_eq!(worlds.get("/Condition/shown").status, 200);
}

#[test]
fn leak_09_no_version_and_no_tombstone_tells() {
    let worlds = worlds();
    for below in ["/_history", "/_history/1", "/_history/2", "/_history/3", "/_history?_count=1"] {
        like_missing(&worlds, "GET", below, &[]);
    }
    for path in [
        "/_history",
        "/_history?_count=3",
        "/Condition/_history",
        "/Observation/_history?_since=2000-01-01",
        "/Patient/_history",
    ] {
        let answer = worlds.get(path);
        assert!(!answer.body.contains("secret") && !answer.body.contains("gone"), "{path}");
    }
}

#[test]
fn leak_10_head_says_no_more_than_get() {
    let worlds = worlds();
    like_missing(&worlds, "HEAD", "", &[]);
    let (head, get) = (
        worlds.ask(Ask { method: "HEAD", ..Ask::get("agency-a", "/Condition/nothing") }),
        worlds.get("/Condition/nothing"),
    );
    assert_eq!((head.status, head.length), (get.status, get.length));
}

#[test]
fn leak_11_conditions_do_not_hold_for_what_is_hidden() {
    let worlds = worlds();
    for header in [
        ("if-none-match", "W/\"1\""),
        ("if-none-match", "*"),
        ("if-modified-since", "Sat, 21 Nov 2037 03:00:00 GMT"),
        ("if-match", "W/\"1\""),
        ("if-match", "*"),
    ] {
        like_missing(&worlds, "GET", "", &[header]);
        like_missing(&worlds, "HEAD", "", &[header]);
    }
}

#[test]
fn leak_12_no_header_names_what_is_hidden() {
    let worlds = worlds();
    for (hidden, _) in PAIRS {
        let answer = worlds.get(format!("/{hidden}"));
        for name in ["location", "content-location", "etag", "last-modified", "link"] {
            assert_eq!(answer.header(name), None, "{hidden}");
        }
    }
}

#[test]
fn leak_13_the_form_of_an_answer_opens_nothing() {
    let worlds = worlds();
    for below in [
        "?_summary=true",
        "?_summary=text",
        "?_elements=id",
        "?_format=xml",
        "?_format=json&_pretty=true",
        "?_summary=count",
    ] {
        for (hidden, missing) in PAIRS {
            let answers = [hidden, missing].map(|of| worlds.get(format!("/{of}{below}")));
            assert_eq!(answers[0], answers[1], "{below}");
            assert!(answers[0].status >= 400, "{below}");
        }
    }
}

#[test]
fn leak_14_attachments_and_their_bytes_are_as_hidden_as_their_documents() {
    let worlds = worlds();
    for id in ["d-secret-bytes", "d-other-bytes", "nothing"] {
        assert_eq!(worlds.get(format!("/Binary/{id}")).status, 404, "{id}");
    }
    let one = worlds.get(format!("/DocumentReference/$docref?patient={}", patient(SHOWN)));
    assert_eq!(one.json()["total"], 1, "{}", one.body);
    let (other, nobody) = (patient(HIDDEN), patient("nobody"));
    let answers = [other, nobody].map(|whose| worlds.get(format!("/DocumentReference/$docref?patient={whose}")).json());
    assert_eq!(answers[0]["entry"], answers[1]["entry"]);
}

#[test]
fn leak_15_what_holds_something_hidden_is_hidden_whole() {
    let worlds = worlds();
    worlds.find(&[
        ("/Observation?code=780", 0),
        ("/Observation?focus:missing=false", 0),
        ("/Condition?code:text=%E8%83%83%E7%99%8C", 0),
        ("/Observation?_id=o-inside", 0),
    ]);
    assert_eq!(worlds.get("/Observation/o-inside").status, 404);
    assert_eq!(worlds.get("/Observation/o-inside%23c").status, worlds.get("/Observation/x%23c").status);
}

#[test]
fn leak_16_the_compartment_of_somebody_hidden_is_empty() {
    let worlds = worlds();
    for of in ["Observation", "Condition", "*"] {
        let totals = [HIDDEN, "nobody"].map(|number| {
            let answer = worlds.get(format!("/{}/{of}", patient(number)));
            assert_eq!(answer.status, 200, "{}", answer.body);
            answer.json()["total"].clone()
        });
        assert_eq!(totals, [0, 0], "{of}");
    }
}
