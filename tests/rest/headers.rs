//! Headers and addresses that are the same for every interaction (checklist BASE, META, READ-05, READ-06, OO).

use crate::gateway::{Ask, BASE, PEER};
use crate::{Served, gateway_with, issue, observation, patient, served};
use serde_json::json;

/// BASE-08: HEAD is GET without its body.
#[test]
fn head_is_get_without_a_body() {
    let served = served();
    let search = format!("/Condition?patient={}", &patient()[1..]);
    for (client, path) in [
        ("hospital", patient()),
        ("hospital", search.clone()),
        ("hospital", format!("{search}&_format=xml")),
        ("hospital", "/metadata".into()),
        ("hospital", "/Patient/unknown".into()),
        ("hospital", format!("{}/$everything", patient())),
        ("", patient()),
        ("agency-a", patient()),
        ("hospital", "/Foo/1".into()),
        ("hospital", "//health".into()),
    ] {
        let get = served.get(client, path.as_str());
        let head = served.ask(Ask { method: "HEAD", ..Ask::get(client, path.as_str()) });
        assert_eq!((head.status, &head.headers, head.length), (get.status, &get.headers, get.length), "{path}");
        assert!(head.body.is_empty() && !get.body.is_empty(), "{path}");
    }
}

/// Of a Patient other facilities' records are said without a version, so that it is sent whole each time.
#[test]
fn a_patient_is_never_as_it_was() {
    let served = served();
    let tag = served.get("hospital", patient()).header("etag").expect("META-01").to_owned();
    assert_eq!(served.ask(Ask::get("hospital", patient()).with("if-none-match", tag)).status, 200);
}

/// META-01, META-02, READ-05, READ-06: what the caller has already is not sent again.
#[test]
fn a_read_may_be_conditional() {
    let served = served();
    let path = observation(&served);
    let read = served.get("hospital", path.as_str());
    assert_eq!(read.header("etag"), Some("W/\"1\""), "META-01");
    assert_eq!(read.json()["meta"]["versionId"], "1", "META-01");
    let modified = read.header("last-modified").expect("META-02").to_owned();
    let (earlier, later) = ("Sat, 21 Nov 2020 03:00:00 GMT", "Sat, 21 Nov 2099 03:00:00 GMT");
    for (row, none_match, since, status) in [
        ("READ-05", Some("W/\"1\""), None, 304),
        ("READ-05", Some("\"1\""), None, 304),
        ("READ-05", Some("1"), None, 304),
        ("READ-05", Some("W/\"7\", W/\"1\""), None, 304),
        ("READ-05", Some("W/\"2\""), None, 200),
        ("READ-05", Some("W/\"1"), None, 200),
        ("READ-06", None, Some(modified.as_str()), 304),
        ("READ-06", None, Some(later), 304),
        ("READ-06", None, Some(earlier), 200),
        ("READ-06", None, Some("yesterday"), 200),
        ("READ-06", Some("W/\"2\""), Some(later), 200),
        ("READ-06", Some("W/\"1\""), Some(earlier), 304),
    ] {
        for method in ["GET", "HEAD"] {
            let mut ask = Ask { method, ..Ask::get("hospital", path.as_str()) };
            for (name, value) in [("if-none-match", none_match), ("if-modified-since", since)] {
                if let Some(value) = value {
                    ask = ask.with(name, value);
                }
            }
            let answer = served.ask(ask.clone());
            assert_eq!(answer.status, status, "{row} {ask:?}");
            assert_eq!(answer.header("etag"), Some("W/\"1\""), "{row}");
            assert_eq!(answer.header("last-modified"), Some(modified.as_str()), "{row}");
            assert_eq!(answer.body.is_empty(), status == 304 || method == "HEAD", "{row}");
            if status == 304 {
                assert_eq!((answer.length, answer.header("content-type")), (None, None), "{row}");
            }
            // CONS-06, READ-09: whoever may not see the resource cannot tell by this either.
            let (hidden, missing) = (Ask { client: "agency-a".into(), ..ask.clone() }, "/Observation/unknown");
            let (hidden, missing) = (served.ask(hidden.clone()), served.ask(Ask { path: missing.into(), ..hidden }));
            assert_eq!((hidden.status, &hidden), (404, &missing), "{row}");
        }
    }
}

/// BASE-09: a page of another origin may call.
#[test]
fn pages_of_other_origins_are_told_what_they_may_do() {
    let preflight = |served: &Served, origin: &str| {
        let ask = Ask { method: "OPTIONS", ..Ask::get("", patient()) };
        let ask = ask.with("access-control-request-method", "PUT").with("origin", origin);
        served.ask(ask.with("access-control-request-headers", "authorization,if-match"))
    };
    let served = served();
    let answer = preflight(&served, "https://app.example");
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    let holds = |header: &str, names: &[&str]| {
        let said = answer.header(header).expect(header).to_ascii_lowercase();
        let said: Vec<&str> = said.split(',').map(str::trim).collect();
        names.iter().for_each(|name| assert!(said.contains(&name.to_ascii_lowercase().as_str()), "{header}: {name}"));
    };
    holds("access-control-allow-methods", &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);
    holds(
        "access-control-allow-headers",
        &["Authorization", "Content-Type", "Prefer", "If-Match", "If-None-Match", "If-None-Exist", "X-Request-Id"],
    );
    let exposed = ["ETag", "Location", "Last-Modified", "Content-Location", "X-Request-Id"];
    holds("access-control-expose-headers", &exposed);
    let read = served.ask(Ask::get("hospital", patient()).with("origin", "https://app.example"));
    assert_eq!((read.status, read.header("access-control-allow-origin")), (200, Some("*")));
    assert!(read.header("access-control-expose-headers").is_some());
    assert_eq!(served.get("hospital", patient()).header("access-control-allow-origin"), None);
    let refused = served.ask(Ask::get("", patient()).with("origin", "https://app.example"));
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, Some("*")));

    let listed = Served::new(gateway_with("[cors]\norigins = [\"https://app.example\"]\n"));
    for (origin, expected) in [
        ("https://app.example", Some("https://app.example")),
        ("https://app.example:8443", None),
        ("https://other.example", None),
        ("null", None),
    ] {
        let answer = preflight(&listed, origin);
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, expected), "{origin}");
        assert!(answer.header("vary").is_some_and(|vary| vary.contains("Origin")));
    }
    let none = Served::new(gateway_with("[cors]\norigins = []\n"));
    assert_eq!(preflight(&none, "https://app.example").header("access-control-allow-origin"), None);
}

/// BASE-10.
#[test]
fn a_request_has_an_id() {
    let served = served();
    let id = |sent: &str| {
        let answer = served.ask(Ask::get("hospital", patient()).with("x-request-id", sent));
        answer.header("x-request-id").expect("BASE-10").to_owned()
    };
    assert_eq!(id("3b2c-17.a"), "3b2c-17.a");
    let (one, other) = (id("not plain"), id("not plain"));
    assert!(one != other && !one.contains(' '), "{one} {other}");
    assert_ne!(id(&"a".repeat(65)), "a".repeat(65));
}

/// BASE-11, BASE-12: who is believed about the address under which the gateway is reached.
#[test]
fn a_proxy_is_believed_when_it_is_trusted() {
    let trusting = Served::new(gateway_with("[proxy]\ntrusted = [\"192.0.2.0/24\"]\n"));
    let url = |served: &Served, peer: &str| {
        let ask = Ask::get("", "/metadata").with(PEER, peer).with("x-forwarded-proto", "https");
        let ask = ask.with("x-forwarded-host", "care.example").with("x-forwarded-prefix", "/tasuki");
        served.ask(ask).json()["implementation"]["url"].as_str().unwrap().to_owned()
    };
    assert_eq!(url(&trusting, "192.0.2.7:1234"), "https://care.example/tasuki/fhir");
    assert_eq!(url(&trusting, "198.51.100.7:1234"), BASE);
    assert_eq!(url(&served(), "192.0.2.7:1234"), BASE);
    let behind = |path: &str| {
        let ask = Ask::get("hospital", path).with(PEER, "192.0.2.7:1234").with("x-forwarded-host", "care.example");
        trusting.ask(ask.with("x-forwarded-proto", "https")).json()
    };
    let found = behind(&format!("/Condition?_count=2&patient={}", &patient()[1..]));
    let links = found["link"].as_array().unwrap().iter().map(|link| &link["url"]);
    let urls: Vec<_> = links.chain(found["entry"].as_array().unwrap().iter().map(|entry| &entry["fullUrl"])).collect();
    assert!(urls.len() >= 4, "{found}");
    for url in urls {
        assert!(url.as_str().unwrap().starts_with("https://care.example/fhir/Condition"), "BASE-12 {url}");
    }
}

#[test]
fn addresses_that_are_none_are_refused() {
    let served = served();
    let long = |length: usize| format!("/metadata?x={}", "a".repeat(length - "/fhir/metadata?x=".len()));
    for (row, method, path, status, code) in [
        ("BASE-01", "GET", "/metadata/".to_owned(), 200, ""),
        ("BASE-01", "GET", format!("{}/", patient()), 200, ""),
        ("BASE-02", "GET", patient().replace("Patient", "patient"), 404, "not-supported"),
        ("BASE-02", "GET", patient().to_uppercase().replace("PATIENT", "Patient"), 404, "not-found"),
        ("BASE-03", "GET", "/Condition?code=M%C3%BCller&_id=x".into(), 200, ""),
        ("BASE-03", "GET", "/Condition?code=%zz&_id=x".into(), 400, "value"),
        ("BASE-03", "GET", "/Condition?code=%FF&_id=x".into(), 400, "value"),
        ("BASE-03", "GET", "/Patient/%zz".into(), 400, "value"),
        ("BASE-03", "GET", "/Patient/%C3".into(), 400, "value"),
        ("BASE-04", "GET", "/Foo/1".into(), 404, "not-supported"),
        ("BASE-04", "GET", "/Foo".into(), 404, "not-supported"),
        ("BASE-04", "POST", "/Foo".into(), 404, "not-supported"),
        ("BASE-04", "PUT", "/Foo/1".into(), 404, "not-supported"),
        ("BASE-04", "DELETE", "/Foo/1".into(), 404, "not-supported"),
        ("BASE-05", "TRACE", "/Patient/x".into(), 405, "not-supported"),
        ("BASE-05", "POST", "/Patient/x".into(), 405, "not-supported"),
        // Clients took "metadata is not a resource type" for an address that is not there.
        ("BASE-05", "TRACE", "/metadata".into(), 405, "not-supported"),
        ("BASE-05", "PUT", "/metadata".into(), 405, "not-supported"),
        ("BASE-05", "DELETE", "/openapi.json".into(), 405, "not-supported"),
        ("BASE-05", "PUT", "/_history".into(), 405, "not-supported"),
        ("BASE-05", "POST", "/_history".into(), 405, "not-supported"),
        ("BASE-05", "PUT", "/_search".into(), 405, "not-supported"),
        ("BASE-05", "DELETE", "/Patient/_search".into(), 405, "not-supported"),
        ("BASE-05", "PATCH", "/Patient/_history".into(), 405, "not-supported"),
        ("BASE-04", "PATCH", "/Foo/_history".into(), 404, "not-supported"),
        ("BASE-06", "GET", "/Patient/a_b".into(), 404, "not-found"),
        ("BASE-06", "GET", format!("/Patient/{}", "a".repeat(65)), 404, "not-found"),
        ("BASE-06", "GET", "/Patient/a%2Fb".into(), 404, "not-found"),
        ("BASE-14", "GET", long(16 << 10), 200, ""),
        ("BASE-14", "GET", long((16 << 10) + 1), 414, "too-long"),
    ] {
        let answer = served.ask(Ask { method, ..Ask::get("hospital", path.as_str()) });
        assert_eq!(answer.status, status, "{row} {method} {path:.100}: {}", answer.body);
        if status != 200 {
            assert_eq!(issue(&answer).0, code, "{row} {method} {path:.100}");
        }
        assert_eq!(answer.header("allow").is_some(), status == 405, "{row}");
    }
}

/// BASE-14: a body over the limit.
#[test]
fn a_body_over_the_limit_is_refused() {
    let served = served();
    let put = |length: usize| {
        let mut body = json!({"resourceType": "Organization", "id": "o", "name": "x"}).to_string();
        body.push_str(&" ".repeat(length - body.len()));
        let ask = Ask { method: "PUT", body: body.into_bytes(), ..Ask::get("office", "/Organization/o") };
        served.ask(ask.with("content-type", "application/fhir+json"))
    };
    assert_eq!(put(crate::gateway::BODY_BYTES_MAX).status, 200);
    let refused = put(crate::gateway::BODY_BYTES_MAX + 1);
    assert_eq!((refused.status, issue(&refused).0.as_str()), (413, "too-long"));
}

/// OO-03, BASE-07: sentences in the caller's language.
#[test]
fn an_outcome_speaks_the_callers_language() {
    let served = served();
    let ja = "該当するリソースがないか、閲覧の対象ではありません。";
    let en = "There is no such resource, or it is not yours to see.";
    for (accept, tags, text) in [
        (None, "ja, en", ja),
        (Some("ja"), "ja", ja),
        (Some("ja-JP, en;q=0.5"), "ja", ja),
        (Some("en-US, ja;q=0.5"), "en", en),
        (Some("de"), "ja, en", ja),
    ] {
        let mut ask = Ask::get("hospital", "/Patient/unknown");
        if let Some(accept) = accept {
            ask = ask.with("accept-language", accept);
        }
        let answer = served.ask(ask);
        let outcome = answer.json();
        assert_eq!(answer.header("content-language"), Some(tags), "{accept:?}");
        assert_eq!(outcome["issue"][0]["details"]["text"], text, "OO-03 {accept:?}");
        assert_eq!(outcome["issue"][0]["diagnostics"], en, "OO-03");
        assert_eq!(outcome["issue"][0]["severity"], "error", "OO-01");
        assert_eq!(outcome["issue"][0]["code"], "not-found", "OO-01");
    }
    let read = served.ask(Ask::get("hospital", observation(&served)).with("accept-language", "en"));
    assert_eq!((read.status, read.header("content-language")), (200, None));
}
