//! Keys by address: fetched when they are needed, kept as long as the answer says, asked for again when one is missing.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;
use tasuki::app::Gateway;

use crate::gateway::{NOW, Served, config_with};
use crate::signer::{Signer, registered, token_request};
use crate::store;

const SCOPE: &str = "system/Patient.rs";

/// A web server with one answer, which tests change; it counts how often it was asked.
struct Site {
    address: String,
    asked: Arc<AtomicUsize>,
    answer: Arc<Mutex<String>>,
}

impl Site {
    fn new() -> Site {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/jwks", listener.local_addr().unwrap());
        let (asked, answer) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(String::new())));
        let (count, say) = (asked.clone(), answer.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                lines.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
                count.fetch_add(1, Ordering::SeqCst);
                let _ = stream.write_all(say.lock().unwrap().as_bytes());
            }
        });
        Site { address, asked, answer }
    }

    fn says(&self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        *self.answer.lock().unwrap() =
            format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}");
    }

    fn has(&self, signers: &[&Signer], headers: &str) {
        let keys: Vec<_> = signers.iter().map(|signer| signer.jwk()).collect();
        self.says("200 OK", headers, &json!({"keys": keys}).to_string());
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// Each test has its own clock; a function cannot hold one.
macro_rules! world {
    ($site:expr) => {{
        static CLOCK: AtomicI64 = AtomicI64::new(NOW);
        let limits = "[limits]\ntokens_per_minute_max = 1000\n";
        let config = config_with(&(registered("app", &format!("jwks_uri = \"{}\"", $site.address)) + limits));
        let gateway = Gateway::over(store(), &config, || CLOCK.load(Ordering::SeqCst)).unwrap();
        (Served::new(Arc::new(gateway)), &CLOCK)
    }};
}

fn ask(served: &Served, clock: &AtomicI64, signer: &Signer) -> u16 {
    let mut said = signer.say("app");
    said.claims["exp"] = json!(clock.load(Ordering::SeqCst) / 1000 + 60);
    said.claims["iat"] = json!(clock.load(Ordering::SeqCst) / 1000);
    served.ask(token_request(&signer.sign(&said), SCOPE)).status
}

#[test]
fn keys_are_fetched_once_and_again_when_they_have_expired() {
    let (site, signer) = (Site::new(), Signer::ec("one"));
    site.has(&[&signer], "cache-control: max-age=120\r\n");
    let (served, clock) = world!(site);
    assert_eq!([ask(&served, clock, &signer), ask(&served, clock, &signer)], [200, 200]);
    assert_eq!(site.asked(), 1);
    clock.store(NOW + 120_000, Ordering::SeqCst);
    // The client took its key away: not kept for longer than it said.
    site.has(&[&Signer::ec("two")], "");
    assert_eq!((ask(&served, clock, &signer), site.asked()), (401, 2));
}

#[test]
fn a_new_key_is_found_by_asking_again_once_a_minute() {
    let (site, old, new) = (Site::new(), Signer::ec("old"), Signer::rsa("new"));
    site.has(&[&old], "cache-control: max-age=3600\r\n");
    let (served, clock) = world!(site);
    assert_eq!((ask(&served, clock, &old), site.asked()), (200, 1));
    // Whoever makes up key ids makes the gateway ask nothing within the minute.
    assert_eq!((ask(&served, clock, &new), site.asked()), (401, 1));
    site.has(&[&old, &new], "cache-control: max-age=3600\r\n");
    clock.store(NOW + 60_000, Ordering::SeqCst);
    assert_eq!((ask(&served, clock, &new), site.asked()), (200, 2));
    assert_eq!((ask(&served, clock, &old), site.asked()), (200, 2), "both count while the client changes over");
    for _ in 0..3 {
        assert_eq!(ask(&served, clock, &Signer::ec("made-up")), 401);
    }
    assert_eq!(site.asked(), 2);
}

#[test]
fn answers_that_are_no_keys_let_nobody_in() {
    let (site, elsewhere, signer) = (Site::new(), Site::new(), Signer::ec("k"));
    elsewhere.has(&[&signer], "");
    let (served, clock) = world!(site);
    let good = json!({"keys": [signer.jwk()]}).to_string();
    let mut at = NOW;
    for (status, headers, body) in [
        ("404 Not Found", String::new(), good.clone()),
        ("500 Internal Server Error", String::new(), good.clone()),
        // Redirects are not followed.
        ("302 Found", format!("location: {}\r\n", elsewhere.address), good.clone()),
        ("307 Temporary Redirect", format!("location: {}\r\n", elsewhere.address), String::new()),
        ("200 OK", String::new(), "<html>".into()),
        ("200 OK", String::new(), json!({"keys": []}).to_string()),
        ("200 OK", String::new(), format!("{good}{}", " ".repeat(64 << 10))),
    ] {
        site.says(status, &headers, &body);
        assert_eq!(ask(&served, clock, &signer), 401, "{status} {headers}");
        at += 5_000;
        clock.store(at, Ordering::SeqCst);
    }
    assert_eq!((site.asked(), elsewhere.asked()), (7, 0));
    site.says("200 OK", "", &good);
    assert_eq!(ask(&served, clock, &signer), 200);
}

#[test]
fn the_address_in_an_assertion_is_the_registered_one_or_it_does_not_count() {
    let (site, elsewhere, signer) = (Site::new(), Site::new(), Signer::ec("k"));
    site.has(&[&signer], "");
    elsewhere.has(&[&signer], "");
    let (served, _) = world!(site);
    let status = |jku: &str| {
        let mut said = signer.say("app");
        said.header["jku"] = json!(jku);
        served.ask(token_request(&signer.sign(&said), SCOPE)).status
    };
    assert_eq!([status(&elsewhere.address), status(&format!("{}?x", site.address))], [401, 401]);
    assert_eq!((site.asked(), elsewhere.asked()), (0, 0), "nothing is asked");
    assert_eq!(status(&site.address), 200);
}
