//! Transactions at the same time (checklist TXN-17): what each writes is there whole or not at all, for readers too.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::gateway::{Served, config, together};
use crate::transactions::{entry, transaction, when};
use crate::writes::{Open, text};
use serde_json::{Value, json};
use tasuki::app::Gateway;
use tasuki::config::Config;
use tasuki::store::Store;

const WRITERS: usize = 3;
const ROUNDS: usize = 12;

fn patient(id: &str, by: &str) -> Value {
    json!({"resourceType": "Patient", "id": id, "name": [{"family": by}]})
}

fn family(resource: &Value) -> String {
    text(&resource["name"][0]["family"]).to_owned()
}

fn gateways(count: usize) -> Vec<Open> {
    let config = Config { open: true, ..config() };
    let clock = || crate::gateway::NOW;
    let gateway = Arc::new(Gateway::over(Store::open_memory(), &config, clock).expect("the gateway starts"));
    (0..count).map(|_| Open(Served::new(gateway.clone()))).collect()
}

#[test]
fn what_a_transaction_writes_is_seen_whole() {
    // The last two look on while the others write both patients again and again.
    let open = gateways(WRITERS + 2);
    for id in ["p", "q"] {
        open[0].put(&format!("/Patient/{id}"), &patient(id, "start"));
    }
    let (is_over, seen) = (AtomicBool::new(false), std::sync::Mutex::new(0));
    together(WRITERS + 2, |n| {
        if n < WRITERS {
            for round in 0..ROUNDS {
                let by = format!("w{n}x{round}");
                let mut sent = ["p", "q"].map(|id| entry("PUT", &format!("Patient/{id}"), patient(id, &by)));
                if round % 2 == 1 {
                    sent.reverse();
                }
                assert_eq!(transaction(&open[n], &sent).status, 200, "TXN-17");
            }
            is_over.store(true, Ordering::SeqCst);
            return;
        }
        while !is_over.load(Ordering::SeqCst) {
            let found = open[n].get("/Patient?_id=p,q").json();
            let names: Vec<String> =
                found["entry"].as_array().unwrap().iter().map(|e| family(&e["resource"])).collect();
            assert!(names.len() == 2 && names[0] == names[1], "TXN-17 {names:?}");
            *seen.lock().unwrap() += 1;
        }
    });
    assert!(*seen.lock().unwrap() > 0);
    // No update is lost: each made a version of both, in the same order.
    let versions = |id: &str| -> Vec<String> {
        let history = open[0].get(&format!("/Patient/{id}/_history?_count=100")).json();
        history["entry"].as_array().unwrap().iter().map(|e| family(&e["resource"])).collect()
    };
    let (p, q) = (versions("p"), versions("q"));
    assert_eq!(p.len(), WRITERS * ROUNDS + 1, "TXN-17");
    assert_eq!(p, q, "TXN-17");
}

#[test]
fn of_transactions_upon_one_version_one_is_done() {
    let open = gateways(4);
    open[0].put("/Patient/p", &patient("p", "start"));
    open[0].put("/Patient/q", &patient("q", "start"));
    for round in 1..6_u32 {
        let tag = format!("W/\"{round}\"");
        let done = together(4, |n| {
            let by = format!("w{n}x{round}");
            let mut sent = vec![
                when("ifMatch", &tag, entry("PUT", "Patient/p", patient("p", &by))),
                when("ifMatch", &tag, entry("PUT", "Patient/q", patient("q", &by))),
                entry("POST", "Basic", json!({"resourceType": "Basic", "code": {"text": by}})),
            ];
            sent.rotate_left(n % 3);
            transaction(&open[n], &sent).status
        });
        assert_eq!(done.iter().filter(|status| **status == 200).count(), 1, "TXN-17 {done:?}");
        assert!(done.iter().all(|status| matches!(status, 200 | 409 | 412)), "TXN-17 {done:?}");
        assert_eq!(family(&open[0].get("/Patient/p").json()), family(&open[0].get("/Patient/q").json()), "TXN-17");
        assert_eq!(open[0].total("/Basic"), u64::from(round), "TXN-17");
    }
}

#[test]
fn transactions_that_look_for_the_same_make_one_of_it() {
    let open = gateways(4);
    let done = together(4, |n| {
        let mut sent: Vec<Value> = (0..5)
            .map(|of| {
                let criteria = format!("identifier=urn:test|{of}");
                when("ifNoneExist", &criteria, entry("POST", "Patient", crate::writes::patient(&of.to_string())))
            })
            .collect();
        sent.rotate_left(n);
        transaction(&open[n], &sent).status
    });
    assert_eq!(done, [200; 4], "TXN-17 CREATE-14");
    assert_eq!(open[0].total("/Patient"), 5, "TXN-17 CREATE-14");
}
