//! Every valid example, broken in one thing that its profile or R4 asks for: the validator must say so, at that element.
//! And changed in a way that is allowed: it must say nothing. What a profile asks for is read from its snapshot as published,
//! not from what the engine made of it.
//!
//! `cargo test` tries some of them, chosen by a fixed seed. All of them, or so many as `TASUKI_MUTATIONS` says:
//! `cargo test --release --test profile_validation every_mutation -- --ignored --nocapture`.

#[path = "mutants.rs"]
mod mutants;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tasuki::fault::Severity;
use tasuki::fhir::{ResourceType, r4};
use tasuki::profile::Profiles;
use tasuki::validate::base;
use tasuki::validate::profile::against;

use mutants::{Mutant, mutants, mutants_of_types};

use super::{CLINS, CORE, JP_CORE_1_1, JP_CORE_1_2, corpora, examples, profiles};

/// A generator of numbers that is the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// A FHIRPath without the numbers of items and the types of choices.
fn plain(place: &str) -> String {
    let mut out = String::new();
    let mut rest = place;
    while let Some(at) = rest.find(['[', '.']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = match rest {
            _ if rest.starts_with('[') => rest.find(']').map(|end| end + 1),
            _ if rest.starts_with(".ofType(") => rest.find(')').map(|end| end + 1),
            _ => None,
        };
        match end {
            Some(end) => rest = &rest[end..],
            None => {
                out.push('.');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

/// The errors of a resource: rule and plain place.
fn errors(all: &Profiles, resource: &Value) -> BTreeSet<(String, String)> {
    let of_base = base(resource).into_iter().filter(|one| one.rule.severity >= Severity::Error);
    let of_base = of_base.map(|one| (one.rule.id.to_owned(), plain(&one.place.to_string())));
    let of_profiles = against(resource, &[], all).into_iter().filter(|one| one.severity() >= Severity::Error);
    of_base.chain(of_profiles.map(|one| (one.rule().to_owned(), plain(&one.issue.place.to_string())))).collect()
}

/// Whether it is said that codes were not checked.
fn is_unchecked(all: &Profiles, resource: &Value) -> bool {
    against(resource, &[], all).iter().any(|one| one.rule() == "profile-not-loaded-codes")
}

/// Whether one of the errors is at a place, at what it is in, or in it.
fn names(found: &BTreeSet<(String, String)>, place: &str) -> bool {
    let parent = place.rsplit_once('.').map_or(place, |(parent, _)| parent);
    found.iter().any(|(_, at)| at == parent || at.starts_with(place))
}

/// The examples that are valid, with the definitions that they keep to.
fn subjects(corpora: &str, all: &Profiles) -> Vec<(String, Value, Vec<Value>)> {
    let definition = |canonical: &str| {
        all.library().meant(ResourceType::STRUCTURE_DEFINITION, canonical, None).and_then(|one| one.definition.json())
    };
    let mut found = Vec::new();
    for folder in [
        "fhir/hl7-r4-spec-examples.ndjson",
        "fhir/jp-core-1.1.2",
        "fhir/jp-core-1.2.0",
        "fhir/jp-clins-1.5.2-ExampleJson",
    ] {
        for (name, value) in examples(corpora, folder) {
            let Some(kind) = value["resourceType"].as_str().map(str::to_owned) else { continue };
            let claimed = value["meta"]["profile"].as_array().cloned().unwrap_or_default();
            let own = json!(format!("http://hl7.org/fhir/StructureDefinition/{kind}"));
            let definitions = claimed.iter().chain([&own]).filter_map(|one| definition(one.as_str()?)).collect();
            found.push((format!("{folder} {name}"), value, definitions));
        }
    }
    found
}

/// Tries so many of all mutants; what is missed is printed.
fn tried(most: usize) -> (usize, BTreeMap<String, String>) {
    let Some(corpora) = corpora() else { return (most, BTreeMap::new()) };
    let all = profiles(&corpora, &[CORE, JP_CORE_1_1, JP_CORE_1_2, CLINS]);
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let subjects = subjects(&corpora, &all);
    let each = most / subjects.len() + 1;
    let types: BTreeMap<String, Value> = all
        .library()
        .all(ResourceType::STRUCTURE_DEFINITION)
        .filter_map(|one| one.definition.json())
        .filter(|one| {
            one["kind"] == "complex-type" && one["derivation"] == "specialization" && one["type"] != "Extension"
        })
        .map(|one| (one["type"].as_str().unwrap().to_owned(), one))
        .collect();
    let (mut count, mut missed) = (0, BTreeMap::new());
    for (name, value, definitions) in &subjects {
        if value.to_string().len() > 200_000 || !errors(&all, value).is_empty() {
            continue;
        }
        let mut mutants: Vec<Mutant> = definitions.iter().flat_map(|one| mutants(one, value)).collect();
        mutants.extend(mutants_of_types(value, &types));
        while mutants.len() > each {
            mutants.swap_remove(numbers.below(mutants.len()));
        }
        for mutant in mutants {
            count += 1;
            let found = errors(&all, &mutant.resource);
            let is_code = mutant.what.ends_with("with a code of no value set");
            let is_said = names(&found, &mutant.place) || is_code && is_unchecked(&all, &mutant.resource);
            if !is_said {
                missed.entry(mutant.what).or_insert_with(|| format!("{name}: {found:?}"));
            }
        }
    }
    println!("{count} changes of {} examples, {} kinds missed", subjects.len(), missed.len());
    (count, missed)
}

/// Changes that are allowed after all, and why: the element with its change.
const ALLOWED: &[(&str, &str)] = &[];

fn unexplained(missed: BTreeMap<String, String>) -> String {
    let is_unexplained = |what: &str| !ALLOWED.iter().any(|(known, _)| *known == what);
    let lines = missed.iter().filter(|(what, _)| is_unexplained(what)).map(|(what, why)| format!("{what} in {why}"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn some_mutations_are_found() {
    let (count, missed) = tried(1500);
    assert!(count > 500, "{count}");
    assert_eq!(unexplained(missed), "");
}

#[test]
#[ignore = "takes minutes in a release build"]
fn every_mutation_is_found() {
    let most = std::env::var("TASUKI_MUTATIONS").ok().and_then(|most| most.parse().ok());
    let (_, missed) = tried(most.unwrap_or(usize::MAX / 2));
    assert_eq!(unexplained(missed), "");
}

/// A change of the elements anywhere in a resource that R4 allows everywhere, by the seed.
fn allowed(value: &mut Value, kind: &str, numbers: &mut Numbers) {
    let Some(object) = value.as_object_mut() else { return };
    let names: Vec<String> = object.keys().cloned().collect();
    for name in names {
        let Some((_, of)) = r4::member(kind, &name) else { continue };
        let inner = object.get_mut(&name).unwrap();
        let is_narrative = of == "Narrative" || of == "xhtml" || of == "Resource";
        // Some profiles have no extensions in a meta.
        if r4::is_primitive(of) || is_narrative || matches!(of, "Extension" | "Meta") {
            continue;
        }
        match inner {
            Value::Array(items) => {
                items.iter_mut().for_each(|item| allowed(item, of, numbers));
                // The order of these says nothing that a rule looks at.
                if matches!(of, "Coding" | "Identifier" | "ContactPoint") {
                    items.reverse();
                }
            }
            inner => allowed(inner, of, numbers),
        }
    }
    // Unknown extensions do no harm, and an id within a resource is anybody's to give.
    if numbers.below(4) == 0 && !object.contains_key("extension") {
        object.insert("extension".into(), json!([{"url": "http://example.org/anything", "valueString": "x"}]));
    }
    if numbers.below(6) == 0 && !object.contains_key("id") {
        object.insert("id".into(), json!(format!("x{}", numbers.below(1_000_000))));
    }
}

#[test]
fn what_is_allowed_makes_no_error() {
    let Some(corpora) = corpora() else { return };
    let all = profiles(&corpora, &[CORE, JP_CORE_1_1, JP_CORE_1_2, CLINS]);
    let mut numbers = Numbers(0x1234_5678_9abc_def1);
    let (mut count, mut wrong) = (0, BTreeMap::new());
    for (name, value, _) in subjects(&corpora, &all) {
        let kind = value["resourceType"].as_str().unwrap().to_owned();
        if matches!(kind.as_str(), "Bundle" | "Parameters" | "Binary")
            || value.to_string().len() > 60_000
            || !errors(&all, &value).is_empty()
        {
            continue;
        }
        let mut changed = value.clone();
        allowed(&mut changed, &kind, &mut numbers);
        count += 1;
        for error in errors(&all, &changed) {
            wrong.entry(error).or_insert_with(|| name.clone());
        }
    }
    println!("{count} examples changed");
    assert!(count > 200 && wrong.is_empty(), "{count}\n{wrong:#?}");
}
