//! What checking costs, measured on demand in a release build: a resource against R4 and its profiles beside `jsonschema` with the
//! JSON schema of R4 (json.html#schema), starting with guides, taking in with and without a report.
//!
//! `R4_SCHEMA=fhir.schema.json TASUKI_CORPORA=... cargo test --release --test validation_figures -- --ignored --nocapture`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // a test fails by panicking

mod gateway;
mod guide;
mod program;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway::{HOSPITAL, clock, config_with, source};
use serde_json::{Value, json};
use tasuki::app::Gateway;
use tasuki::config::Config;
use tasuki::fault::Severity;
use tasuki::guide::{KEPT, Library, Package};
use tasuki::letter::Letter;
use tasuki::pipeline::Outcome;
use tasuki::profile::Profiles;
use tasuki::store::Store;
use tasuki::validate::base;
use tasuki::validate::profile::against;
use tasuki::validate::standard::{Policy, Standard};

const PACKAGES: [&str; 4] = ["hl7.fhir.r4.core-4.0.1", "jp-core.r4-1.1.2", "jp-core.r4-1.2.0", "jp-clins.r4-1.10.0"];
const EXAMPLES: &str = "fhir/jp-clins-1.5.2-ExampleJson";

fn package(corpora: &Path, name: &str) -> PathBuf {
    corpora.join(format!("packages/{name}.tgz"))
}

fn example(corpora: &Path, name: &str) -> Value {
    serde_json::from_str(&program::read(&corpora.join(format!("{EXAMPLES}/{name}.json")))).unwrap()
}

/// The laboratory result of JP-CLINS, and its referral document with Conditions up to 200 entries; both valid. To the JSON schema
/// of R4 a full-width space is none of `[ \\r\\n\\t\\S]`, so that there is none in them.
fn resources(corpora: &Path) -> (Value, Value) {
    let (observation, bundle) = with_full_width_spaces(corpora);
    let narrow = |value: Value| serde_json::from_str(&value.to_string().replace('\u{3000}', " ")).unwrap();
    (narrow(observation), narrow(bundle))
}

fn with_full_width_spaces(corpora: &Path) -> (Value, Value) {
    let observation = example(corpora, "Observation-Example-JP-Obs-LabResult-eCS-K");
    let mut bundle = example(corpora, "Bundle-Bundle-CLINS-Referral-Example-01");
    let entries = bundle["entry"].as_array_mut().unwrap();
    for entry in &mut *entries {
        for name in ["clinicalStatus", "verificationStatus"] {
            if entry["resource"].get(name).is_some() {
                entry["resource"][name]["coding"][0]["display"] = "x".into();
            }
        }
    }
    let conditions: Vec<Value> =
        entries.iter().filter(|entry| entry["resource"]["resourceType"] == "Condition").cloned().collect();
    for number in 0..200 - entries.len() {
        let mut more = conditions[number % conditions.len()].clone();
        more["fullUrl"] = format!("urn:uuid:00000000-0000-4000-8000-{number:012}").into();
        entries.push(more);
    }
    (observation, bundle)
}

/// CPU time of this thread so far, where the system tells it.
fn cpu() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    told.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// CPU time of this process so far, in ticks of 10 ms.
fn cpu_of_process() -> Duration {
    let told = program::read(Path::new("/proc/self/stat"));
    let fields: Vec<&str> = told.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<u64>().unwrap();
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

/// CPU time of one round in the best of ten batches, each of a fifth of a second: the system counts it in ticks, and the machine
/// is not alone.
fn cost(work: &mut dyn FnMut()) -> Duration {
    let begun = Instant::now();
    work();
    let rounds = (200_000_000 / begun.elapsed().as_nanos().max(1)).clamp(1, 1_000_000) as u32;
    let mut batch = || {
        let (start, before) = (Instant::now(), cpu());
        (0..rounds).for_each(|_| work());
        let elapsed = cpu().zip(before).map_or_else(|| start.elapsed(), |(after, before)| after - before);
        elapsed / rounds
    };
    (0..10).map(|_| batch()).min().unwrap()
}

fn errors(resource: &Value, profiles: &Profiles) -> usize {
    let of_base = base(resource).into_iter().filter(|issue| issue.rule.severity >= Severity::Error).count();
    of_base + against(resource, &[], profiles).into_iter().filter(|one| one.severity() >= Severity::Error).count()
}

#[test]
#[ignore = "measures; run it in a release build on a quiet machine"]
fn beside_jsonschema() {
    let Some(corpora) = program::corpora() else { return };
    let read = |name: &&str| Package::read(&std::fs::read(package(&corpora, name)).unwrap(), &KEPT).unwrap();
    let profiles = Profiles::new(Arc::new(Library::new(PACKAGES.iter().map(read).collect())));
    let schema: Option<Value> =
        std::env::var_os("R4_SCHEMA").map(|path| serde_json::from_str(&program::read(Path::new(&path))).unwrap());
    let (observation, bundle) = resources(&corpora);
    for resource in [&observation, &bundle] {
        let name = resource["resourceType"].as_str().unwrap();
        let text = resource.to_string();
        assert_eq!(errors(resource, &profiles), 0);
        println!("{name}, {} bytes", text.len());
        let of_base = cost(&mut || drop(std::hint::black_box(base(resource))));
        let of_profiles = cost(&mut || drop(std::hint::black_box(against(resource, &[], &profiles))));
        let parsing = cost(&mut || drop(std::hint::black_box(serde_json::from_str::<Value>(&text).unwrap())));
        println!("  base {of_base:?} + profiles {of_profiles:?} = {:?}; parsing {parsing:?}", of_base + of_profiles);
        let Some(schema) = &schema else {
            println!("  not run beside jsonschema: R4_SCHEMA names no schema");
            continue;
        };
        let of_type = json!({"$schema": schema["$schema"], "$ref": format!("#/definitions/{name}"), "definitions": schema["definitions"]});
        for (which, schema) in [("the definition of the type", &of_type), ("the whole schema", schema)] {
            let begun = Instant::now();
            let validator = jsonschema::validator_for(schema).unwrap();
            let compiled = begun.elapsed();
            let is_valid = validator.is_valid(resource);
            let cost = cost(&mut || _ = std::hint::black_box(validator.is_valid(resource)));
            println!("  jsonschema, {which}: valid {is_valid}, {cost:?}; compiled in {compiled:?}");
        }
    }
}

/// Resident memory of this process, MiB.
fn resident_mib() -> f64 {
    let status = program::read(Path::new("/proc/self/status"));
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

#[test]
#[ignore = "measures; run it alone, in a release build on a quiet machine"]
fn starting_with_guides() {
    let Some(corpora) = program::corpora() else { return };
    let (_, bundle) = resources(&corpora);
    let guides: String = PACKAGES
        .iter()
        .map(|name| format!("[[guide]]\npackage = \"{}\"\n", package(&corpora, name).display()))
        .collect();
    for more in [String::new(), guides] {
        let (before, begun, worked) = (resident_mib(), Instant::now(), cpu_of_process());
        let config = config_with(&more);
        let read = begun.elapsed();
        let gateway = Gateway::over(Store::open_memory(), &config, clock).unwrap();
        let (started, of_cpu, after) = (begun.elapsed(), cpu_of_process() - worked, resident_mib());
        let conformance = gateway.conformance().unwrap();
        let first = Instant::now();
        against(&bundle, &[], conformance.profiles());
        println!(
            "{} guides: configuration read in {read:?}, started in {started:?} ({of_cpu:?} of CPU), {:.1} MiB more, packages {:.1} MiB; first document {:?}, then {:.1} MiB more",
            config.guides.packages().len(),
            after - before,
            config.guides.memory_bytes() as f64 / f64::from(1 << 20),
            first.elapsed(),
            resident_mib() - after,
        );
    }
}

/// Takes in `count` letters and tells the CPU time of each.
fn taking_in(config: &Config, count: u32, letter: &dyn Fn(u32) -> Vec<u8>) -> Duration {
    let gateway = Gateway::over(Store::open_memory(), config, clock).unwrap();
    let letters: Vec<Letter> =
        (0..count).map(|n| Letter { source: source(HOSPITAL), name: String::new(), bytes: letter(n) }).collect();
    // What is compiled once is not counted.
    assert_eq!(gateway.receive(&letters[0]).unwrap().outcome, Outcome::Stored);
    let begun = cpu_of_process();
    for letter in &letters[1..] {
        assert_eq!(gateway.receive(letter).unwrap().outcome, Outcome::Stored);
    }
    (cpu_of_process() - begun) / (count - 1)
}

#[test]
#[ignore = "measures; run it in a release build on a quiet machine"]
fn taking_in_with_and_without_a_report() {
    let Some(corpora) = program::corpora() else { return };
    let guides: String = PACKAGES
        .iter()
        .map(|name| format!("[[guide]]\npackage = \"{}\"\n", package(&corpora, name).display()))
        .collect();
    let mut config = config_with(&guides);
    let (observation, document) = resources(&corpora);
    let patient = example(&corpora, "Patient-Example-JP-Patient-eCS-MAKINO");
    let small = json!({"resourceType": "Bundle", "type": "collection", "timestamp": "2026-11-20T10:00:00+09:00",
        "identifier": {"system": "http://jpfhir.jp/fhir/clins/bundle-identifier", "value": "-"},
        "entry": [
            {"fullUrl": "urn:uuid:5ff7b6ac-3d4a-4f0c-9d7e-0d5a9f0c1a01", "resource": patient},
            {"fullUrl": "urn:uuid:5ff7b6ac-3d4a-4f0c-9d7e-0d5a9f0c1a02", "resource": observation}]});
    let numbered = |bundle: &Value, n: u32| {
        let mut bundle = bundle.clone();
        bundle["identifier"]["value"] = format!("{HOSPITAL}^2026^{n:08}").into();
        bundle.to_string().replace("1318814790", HOSPITAL).into_bytes()
    };
    let message = |n: u32| {
        format!(
            "MSH|^~\\&|HIS|{HOSPITAL}|GW|NET|20261110120000+0900||ADT^A08^ADT_A01|{n}|P|2.5||||||UNICODE UTF-8\r\
             EVN||20261110120000\rPID|||{n:010}^^^^PI||試験^太郎^^^^^L^I||19500101|M\rPV1||O\r"
        )
        .into_bytes()
    };
    let mut compared = |name: &str, count: u32, letter: &dyn Fn(u32) -> Vec<u8>| {
        for policy in [Policy::Off, Policy::Report, Policy::Off, Policy::Report] {
            config.sources[0].standard = Standard { policy, is_for_mapped: true, profiles: Vec::new() };
            println!("{name}, {policy:?}: {:?}", taking_in(&config, count, letter));
        }
    };
    compared("Bundle of a Patient and a laboratory result", 1000, &|n| numbered(&small, n));
    compared("document of 200 entries", 25, &|n| numbered(&document, n));
    compared("ADT^A08, mapped", 2000, &message);
}
