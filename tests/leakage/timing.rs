//! How long hidden takes and how long missing does (line 64): measured in turns, and compared by Welch's t. A measurement, for a
//! release build on a machine that does nothing else: `cargo test --release --test leakage -- --ignored timing --nocapture`.

use std::time::Instant;

use crate::gateway::{Ask, key};
use crate::{HIDDEN, SHOWN, condition, patient, worlds_on};
use tasuki::config::BEAT_MS;

/// Measurements of each kind where `TASUKI_MEASURED` says no other number, after those by which everything is warm.
const MEASURED: usize = 2_000;
const WARM: usize = 100;
/// By convention of leakage assessments (ISO/IEC 17825), below it no difference is shown.
const T_MAX: f64 = 4.5;

/// Welch's t of two samples.
fn welch(one: &[f64], other: &[f64]) -> f64 {
    let part = |sample: &[f64]| {
        let n = sample.len() as f64;
        let mean = sample.iter().sum::<f64>() / n;
        let variance = sample.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (mean, variance / n)
    };
    let ((mean, error), (other_mean, other_error)) = (part(one), part(other));
    (mean - other_mean) / (error + other_error).sqrt()
}

fn kept(mut sample: Vec<f64>) -> Vec<f64> {
    sample.sort_by(f64::total_cmp);
    // The slowest are left out: what the machine did meanwhile.
    sample.truncate(sample.len() - sample.len() / 20);
    sample
}

#[test]
fn the_measure_tells_what_differs_from_what_does_not() {
    let noise = |seed: u64, more: f64| -> Vec<f64> {
        let mut x = seed;
        let mut next = || {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (x >> 40) as f64 / 1e6
        };
        (0..5000).map(|_| next() + more).collect()
    };
    assert!(welch(&noise(1, 0.0), &noise(2, 0.0)).abs() < T_MAX);
    assert!(welch(&noise(1, 1.0), &noise(2, 0.0)).abs() > T_MAX);
}

#[test]
fn leak_64_hidden_and_missing_wait_for_a_beat() {
    let worlds = worlds_on(BEAT_MS);
    let batch = |url: &str| {
        let entry = serde_json::json!([{"request": {"method": "GET", "url": url}}]);
        Ask::post("agency-a", "/", &serde_json::json!({"resourceType": "Bundle", "type": "batch", "entry": entry}))
    };
    let get = |path: &str| Ask::get("agency-a", path);
    let asks = [
        get("/Condition/secret"),
        get("/Condition/nothing"),
        get("/Condition/secret/_history/1"),
        get("/Condition?_id=secret,shown"),
        get("/Condition?%5Fid=shown"),
        get("/Patient/nobody/$everything"),
        batch("Condition/secret"),
        batch("Condition/shown"),
    ];
    for ask in asks {
        let begun = Instant::now();
        worlds.more.ask(ask.clone());
        assert!(begun.elapsed().as_millis() >= u128::from(BEAT_MS), "{ask:?}");
    }
    // What is there is told at once: of some, one at least in less than a beat, whatever the machine does meanwhile.
    let quick = (0..200).any(|_| {
        let begun = Instant::now();
        assert_eq!(worlds.more.ask(get("/Condition/shown")).status, 200);
        begun.elapsed().as_millis() < u128::from(BEAT_MS)
    });
    assert!(quick);
}

/// What is asked for hidden and for missing.
fn cases() -> Vec<(&'static str, Ask, Ask)> {
    let derived = |name: &str| key(HIDDEN).resource_id("Condition", name).as_str().to_owned();
    let nobody = key("nobody").resource_id("Condition", "x").as_str().to_owned();
    let create = |criteria: &str| {
        Ask::post("agency-a", "/Condition", &condition("x", SHOWN, None)).with("if-none-exist", criteria)
    };
    let office = |criteria: &str| {
        let body = serde_json::json!({"resourceType": "Organization", "id": "agency-a", "name": "agency-a"});
        Ask { method: "PATCH", ..Ask::put("office", format!("/Organization?{criteria}"), &body) }
    };
    let get = |path: String| Ask::get("agency-a", path);
    vec![
        ("read, labelled", get("/Condition/secret".into()), get("/Condition/nothin".into())),
        ("read, somebody else's", get("/Condition/other".into()), get("/Condition/nobod".into())),
        (
            "read, an id of a hidden record",
            get(format!("/Condition/{}", derived("x"))),
            get(format!("/Condition/{nobody}")),
        ),
        ("read, a hidden patient", get(format!("/{}", patient(HIDDEN))), get(format!("/{}", patient("nobody")))),
        ("vread", get("/Condition/secret/_history/1".into()), get("/Condition/nothin/_history/1".into())),
        ("history", get("/Condition/other/_history".into()), get("/Condition/nobod/_history".into())),
        ("search by id", get("/Condition?_id=secret".into()), get("/Condition?_id=nothin".into())),
        ("search by somebody else's id", get("/Condition?_id=other".into()), get("/Condition?_id=nobod".into())),
        (
            "search by identifier",
            get("/Condition?identifier=urn:x%7Csecret".into()),
            get("/Condition?identifier=urn:x%7Cnothin".into()),
        ),
        (
            "search by patient",
            get(format!("/Condition?patient={}", patient(HIDDEN))),
            get(format!("/Condition?patient={}", patient("nobody"))),
        ),
        ("search by code", get("/Condition?code=secret".into()), get("/Condition?code=nothin".into())),
        (
            "everything",
            get(format!("/{}/$everything", patient(HIDDEN))),
            get(format!("/{}/$everything", patient("nobody"))),
        ),
        ("conditional create", create("identifier=urn:x%7Csecret"), create("identifier=urn:x%7Cnothin")),
        ("conditional patch by the office", office("_id=secret"), office("_id=nothin")),
    ]
}

#[test]
#[ignore = "measures, on a quiet machine: cargo test --release --test leakage -- --ignored timing --nocapture"]
fn timing_of_hidden_and_missing() {
    let measured = std::env::var("TASUKI_MEASURED").ok().and_then(|number| number.parse().ok()).unwrap_or(MEASURED);
    let worlds = worlds_on(BEAT_MS);
    let mut failed = Vec::new();
    for (name, hidden, missing) in cases() {
        let mut samples = [Vec::with_capacity(measured), Vec::with_capacity(measured)];
        for turn in 0..WARM + measured {
            // In turns, and first the one and then the other.
            for nth in [turn % 2, 1 - turn % 2] {
                let ask = [&hidden, &missing][nth].clone();
                let begun = Instant::now();
                let answer = worlds.more.ask(ask);
                let nanoseconds = begun.elapsed().as_nanos() as f64;
                assert!(answer.status != 500);
                if turn >= WARM {
                    samples[nth].push(nanoseconds);
                }
            }
        }
        let [hidden, missing] = samples.map(kept);
        let t = welch(&hidden, &missing);
        let median = |sample: &[f64]| sample[sample.len() / 2] / 1000.0;
        println!(
            "{name}: t = {t:.2}, medians {:.2} and {:.2} microseconds, n = {}",
            median(&hidden),
            median(&missing),
            hidden.len()
        );
        if t.abs() >= T_MAX {
            failed.push(format!("{name}: {t:.2}"));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
