//! Every value set of R4, JP Core and JP-CLINS: expanded, or said what is not loaded. And what it costs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tasuki::fhir::ResourceType;
use tasuki::guide::{KEPT, Library, Package};
use tasuki::profile::Profiles;
use tasuki::terminology::{
    Answer, Asked, Entry, Options, Source, Stopped, Undecided, ValueSet, expand, in_system, in_value_set,
};

const CORE: &str = "hl7.fhir.r4.core-4.0.1";
/// Longest time for one value set, in a debug build on a busy machine.
const SECONDS_MAX: u64 = 20;

fn profiles(names: &[&str]) -> Option<Profiles> {
    let corpora = std::env::var("TASUKI_CORPORA").ok()?;
    let read = |name: &&str| {
        let bytes = std::fs::read(Path::new(&corpora).join("packages").join(format!("{name}.tgz"))).unwrap();
        Package::read(&bytes, &KEPT).unwrap()
    };
    Some(Profiles::new(Arc::new(Library::new(names.iter().map(read).collect()))))
}

/// What became of the value sets of the packages from `first` on: expanded, too costly, or which definition is missing.
fn expanded(profiles: &Profiles, first: usize) -> (usize, usize, BTreeMap<String, usize>) {
    let (mut whole, mut costly, mut missing) = (0, 0, BTreeMap::new());
    for placed in profiles.library().all(ResourceType::VALUE_SET).filter(|placed| placed.package >= first) {
        let begun = Instant::now();
        let canonical = format!("{}|{}", placed.definition.url, profiles.library().version_of(placed));
        let set = ValueSet::named(profiles, &canonical, Some(placed.package));
        match expand(&set, &Options::default()) {
            Ok(found) => {
                whole += 1;
                assert_eq!(found.total, found.entries.len(), "{canonical}");
                for entry in found.entries.iter().take(200) {
                    assert_eq!(set.has(Some(&entry.system), &entry.code), Answer::In, "{canonical} {}", entry.code);
                }
            }
            Err(Stopped::Costly(_)) => costly += 1,
            Err(Stopped::Undecided(Undecided::Unknown(what) | Undecided::Open(what))) => {
                *missing.entry(what).or_default() += 1
            }
        }
        assert!(begun.elapsed() < Duration::from_secs(SECONDS_MAX), "{canonical} {:?}", begun.elapsed());
    }
    (whole, costly, missing)
}

#[test]
fn every_value_set_of_r4_expands_or_says_what_is_missing() {
    let Some(profiles) = profiles(&[CORE]) else { return };
    let (whole, costly, missing) = expanded(&profiles, 0);
    println!("R4: {whole} expanded, {costly} too costly, {} undecided: {missing:#?}", missing.values().sum::<usize>());
    assert_eq!((whole, costly, missing.values().sum::<usize>()), (1209, 5, 102));
}

#[test]
fn every_value_set_of_the_japanese_guides_expands_or_says_what_is_missing() {
    let Some(profiles) = profiles(&[CORE, "jp-core.r4-1.1.2", "jp-core.r4-1.2.0", "jp-clins.r4-1.10.0"]) else {
        return;
    };
    let (whole, costly, missing) = expanded(&profiles, 1);
    println!(
        "Japan: {whole} expanded, {costly} too costly, {} undecided: {missing:#?}",
        missing.values().sum::<usize>()
    );
    assert_eq!((whole, costly, missing.values().sum::<usize>()), (238, 0, 28));
}

/// System and code of everything in an expansion.
fn listed(of: &Value) -> Vec<(String, String)> {
    let text = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
    let contains = of["contains"].as_array().into_iter().flatten();
    contains.flat_map(|one| [(text(one, "system"), text(one, "code"))].into_iter().chain(listed(one))).collect()
}

/// The expansions that the package of R4 itself states, against ours of the same composition. Two of the four cannot be: one is of
/// LOINC, one is edited by hand.
#[test]
fn expansions_of_the_package_are_ours() {
    let Some(profiles) = profiles(&[CORE]) else { return };
    let mut compared = 0;
    for name in ["inactive", "yesnodontknow"] {
        let url = format!("http://hl7.org/fhir/ValueSet/{name}");
        let (_, stated) = profiles.value_set(&url, None).unwrap();
        let own = expand(&ValueSet::named(&profiles, &url, None), &Options::default()).unwrap();
        let shown = |entry: &Entry| (entry.system.clone(), entry.code.clone());
        let mut own: Vec<_> = own.entries.iter().map(shown).collect();
        let mut stated = listed(&stated["expansion"]);
        // Stated in 2017, and of a code system that had no codes below CRT then.
        own.retain(|(_, code)| !code.ends_with(".CRT"));
        own.sort();
        stated.sort();
        assert_eq!(own, stated, "{url}");
        compared += 1;
    }
    assert_eq!(compared, 2);
}

/// Every unit that R4 lists as common is one.
#[test]
fn common_units_are_units() {
    let Some(profiles) = profiles(&[CORE]) else { return };
    let set = ValueSet::named(&profiles, "http://hl7.org/fhir/ValueSet/ucum-common", None);
    let found = expand(&set, &Options::default()).unwrap();
    let wrong: Vec<&str> =
        found.entries.iter().map(|one| one.code.as_str()).filter(|code| !tasuki::fhir::ucum::is_unit(code)).collect();
    assert!(found.total > 1000);
    assert_eq!(wrong, [""; 0]);
}

/// Names in Japanese: those that a supplement of JP-CLINS gives codes of HL7, and its own.
#[test]
fn japanese_names_come_from_the_guides() {
    let Some(profiles) = profiles(&[CORE, "jp-core.r4-1.1.2", "jp-clins.r4-1.10.0"]) else { return };
    let system = Some("http://terminology.hl7.org/CodeSystem/v3-ActCode");
    let look = |display| in_system(&profiles, Asked { system, code: "AMB", display, ..Asked::default() }, Some("ja"));
    let called = look(None).display.unwrap();
    println!("AMB {called}");
    assert!(!called.is_ascii(), "{called}");
    assert_eq!((look(Some(&called)).remarks, look(Some("ambulatory")).remarks), (vec![], vec![]));
    assert_eq!(look(Some("入院")).remarks.len(), 1);
}

#[test]
#[ignore = "measures; run it in a release build on a quiet machine"]
fn figures() {
    struct Big(Arc<tasuki::terminology::CodeSystem>);
    impl Source for Big {
        fn value_set(&self, _: &str, _: Option<usize>) -> Option<(Option<usize>, Value)> {
            None
        }
        fn code_system(&self, _: &str, _: Option<usize>) -> Option<Arc<tasuki::terminology::CodeSystem>> {
            Some(self.0.clone())
        }
    }
    let concepts: Vec<Value> = (0..10_000)
        .map(|n| json!({"code": format!("C{n}"), "display": format!("Concept {n}"), "designation": [{"language": "ja", "value": format!("概念{n}")}]}))
        .collect();
    let definition = json!({"resourceType": "CodeSystem", "url": "s", "content": "complete", "concept": concepts});
    let begun = Instant::now();
    let source = Big(Arc::new(tasuki::terminology::CodeSystem::read(&definition)));
    println!("read 10,000 codes: {:?}", begun.elapsed());
    let set = ValueSet::of(&source, &json!({"compose": {"include": [{"system": "s"}]}})).unwrap();
    let each = |name: &str, times: u32, what: &dyn Fn(u32)| {
        let begun = Instant::now();
        (0..times).for_each(what);
        println!("{name}: {:?}", begun.elapsed() / times);
    };
    let codes: Vec<String> = (0..10_000).map(|n| format!("C{n}")).collect();
    let names: Vec<String> = (0..10_000).map(|n| format!("concept {n}")).collect();
    let asked = |n: u32| Asked {
        system: Some("s"),
        code: &codes[n as usize % 10_000],
        display: Some(&names[n as usize % 10_000]),
        ..Asked::default()
    };
    each("validate-code", 100_000, &|n| drop(std::hint::black_box(in_value_set(&source, &set, asked(n), None))));
    each("lookup", 100_000, &|n| drop(std::hint::black_box(in_system(&source, asked(n), Some("ja")))));
    each("expand 10,000", 20, &|_| drop(std::hint::black_box(expand(&set, &Options::default()))));
    let filter = Options { filter: Some("999".into()), ..Options::default() };
    each("expand 10,000 with a filter", 20, &|_| drop(std::hint::black_box(expand(&set, &filter))));
    each("is a unit", 100_000, &|_| assert!(tasuki::fhir::ucum::is_unit(std::hint::black_box("10*3/uL"))));
}
