//! What a request for a token costs the server beside the check of its signature. Run it in a release build:
//! `cargo test --release --test smart -- --ignored --nocapture cost`.

use std::hint::black_box;

use tasuki::auth::{Assertion, KeySet};

use crate::gateway::{Served, config_with, together};
use crate::signer::{Signer, client, token_request};

/// CPU of the whole process so far, microseconds (proc(5), stat, fields 14 and 15, in ticks of 10 ms).
fn cpu_us() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) * 10_000.0
}

#[test]
#[ignore = "a measurement"]
fn cost_of_a_token() {
    const TOKENS: usize = 20_000;
    const CALLERS: usize = 8;
    for signer in [Signer::rsa("k"), Signer::ec("k")] {
        for engine in ["memory", "fjall", "sled"] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("store");
            let store = match engine {
                "sled" => tasuki::store::Store::open_sled(&path, 64 << 20).unwrap(),
                "fjall" => tasuki::store::Store::open_fjall(&path, 64 << 20).unwrap(),
                _ => tasuki::store::Store::open_memory(),
            };
            let limits = "[limits]\ntokens_per_minute_max = 6000\ntoken_attempts_per_minute_max = 1000000\n";
            let clients: String = (0..CALLERS).map(|n| client(&format!("app{n}"), &[&signer], "")).collect();
            let config = config_with(&(clients + limits));
            let gateway = tasuki::app::Gateway::over(store, &config, crate::gateway::clock).unwrap();
            let gateway = std::sync::Arc::new(gateway);
            let asks: Vec<Vec<String>> = (0..CALLERS)
                .map(|n| (0..TOKENS / CALLERS).map(|_| signer.sign(&signer.say(&format!("app{n}")))).collect())
                .collect();
            let served: Vec<Served> = (0..CALLERS).map(|_| Served::new(gateway.clone())).collect();
            let served: Vec<std::sync::Mutex<Served>> = served.into_iter().map(std::sync::Mutex::new).collect();
            let before = cpu_us();
            together(CALLERS, |n| {
                let served = served[n].lock().unwrap();
                for assertion in &asks[n] {
                    assert_eq!(served.ask(token_request(assertion, "system/*.rs")).status, 200);
                }
            });
            let whole = (cpu_us() - before) / TOKENS as f64;
            let before = cpu_us();
            let keys = KeySet::parse(&serde_json::json!({"keys": [signer.jwk()]}).to_string()).unwrap();
            for assertion in asks.iter().flatten() {
                black_box(Assertion::read(assertion).unwrap().is_signed_by(&keys)).unwrap();
            }
            let signature = (cpu_us() - before) / TOKENS as f64;
            println!(
                "{} {engine}: {whole:.0} µs a token, of which the assertion {signature:.0} µs",
                signer.algorithm()
            );
        }
    }
}
