//! Resources against the profiles of the guides.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // helpers of tests are not seen as tests

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;
use tasuki::fault::Severity;
use tasuki::guide::{KEPT_WITH_PROFILES, Library, Package};
use tasuki::profile::Profiles;
use tasuki::validate::profile::against;

fn corpora() -> Option<String> {
    let folder = std::env::var("TASUKI_CORPORA").ok();
    if folder.is_none() {
        println!("not run: TASUKI_CORPORA is not set");
    }
    folder
}

fn profiles(corpora: &str, packages: &[&str]) -> Profiles {
    let read = |name: &&str| {
        let bytes = std::fs::read(format!("{corpora}/packages/{name}.tgz")).unwrap();
        Package::read(&bytes, &KEPT_WITH_PROFILES).unwrap()
    };
    Profiles::new(Arc::new(Library::new(packages.iter().map(read).collect())))
}

#[test]
fn explore() {
    let Some(corpora) = corpora() else { return };
    let t = Instant::now();
    let p = profiles(&corpora, &["hl7.fhir.r4.core-4.0.1", "jp-core.r4-1.1.2", "jp-core.r4-1.2.0", "jp-clins.r4-1.10.0"]);
    println!("loaded {:?} {p:?}", t.elapsed());
    let mut all = Vec::new();
    let which = std::env::var("WHICH").unwrap_or_default();
    if which.contains("spec") {
        let text = std::fs::read_to_string(format!("{corpora}/fhir/hl7-r4-spec-examples.ndjson")).unwrap();
        for line in text.lines() {
            let v: Value = serde_json::from_str(line).unwrap();
            all.push((format!("{}/{}", v["resourceType"], v["id"]), v));
        }
    }
    for folder in which.split(',').filter(|f| *f != "spec" && !f.is_empty()) {
        let mut files: Vec<PathBuf> = std::fs::read_dir(format!("{corpora}/{folder}")).unwrap().map(|f| f.unwrap().path()).collect();
        files.sort();
        for f in files {
            let text = std::fs::read_to_string(&f).unwrap();
            for v in serde_json::Deserializer::from_str(&text).into_iter::<Value>() {
                all.push((format!("{folder}/{}", f.file_name().unwrap().to_str().unwrap()), v.unwrap()));
            }
        }
    }
    let level = if std::env::var("ALL").is_ok() { Severity::Information } else { Severity::Error };
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    let mut bad = BTreeSet::new();
    let t = Instant::now();
    for (name, v) in &all {
        for problem in against(v, &[], &p) {
            *count.entry(problem.rule().to_owned()).or_default() += 1;
            if problem.severity() >= level {
                bad.insert(name.clone());
                println!("{name} | {} | {:?} {} | {}", problem.issue.place, problem.severity(), problem.rule(), problem.english());
            }
        }
    }
    println!("{} of {} {:?}\n{count:#?}", bad.len(), all.len(), t.elapsed());
}
