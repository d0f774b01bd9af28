//! Resources against the profiles of the guides: what their authors mean to be valid is valid, what is broken is found, in
//! the folder `TASUKI_CORPORA`; without it nothing is run here. `src/validate/profile/tests.rs` has small cases for every
//! rule, which need no guide.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // helpers of tests are not seen as tests

#[allow(dead_code)] // the other tests use the rest
mod definition;
#[path = "profile_validation/mutation.rs"]
mod mutation;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex};

use serde_json::{Value, json};
use tasuki::fault::Severity;
use tasuki::fhir::ResourceType;
use tasuki::guide::{CanonicalResource, KEPT, Library, Package};
use tasuki::profile::{Profiles, Schema, Wanted};
use tasuki::validate::base;
use tasuki::validate::profile::against;

const CORE: &str = "hl7.fhir.r4.core-4.0.1";
const JP_CORE_1_1: &str = "jp-core.r4-1.1.2";
const JP_CORE_1_2: &str = "jp-core.r4-1.2.0";
const CLINS: &str = "jp-clins.r4-1.10.0";

fn corpora() -> Option<String> {
    let folder = std::env::var("TASUKI_CORPORA").ok();
    if folder.is_none() {
        println!("not run: TASUKI_CORPORA is not set");
    }
    folder
}

/// A package, read once.
fn package(corpora: &str, name: &str) -> Package {
    static READ: LazyLock<Mutex<BTreeMap<String, Package>>> = LazyLock::new(Mutex::default);
    let mut read = READ.lock().unwrap();
    let fresh = || {
        let bytes = std::fs::read(format!("{corpora}/packages/{name}.tgz")).unwrap();
        Package::read(&bytes, &KEPT).unwrap()
    };
    read.entry(name.to_owned()).or_insert_with(fresh).clone()
}

fn profiles(corpora: &str, packages: &[&str]) -> Profiles {
    Profiles::new(Arc::new(Library::new(packages.iter().map(|name| package(corpora, name)).collect())))
}

/// The resources of a file or of the files of a folder, with their names.
fn examples(corpora: &str, folder: &str) -> Vec<(String, Value)> {
    let at = PathBuf::from(format!("{corpora}/{folder}"));
    let mut files = vec![at.clone()];
    if at.is_dir() {
        files = std::fs::read_dir(at).unwrap().map(|file| file.unwrap().path()).collect();
    }
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let stem = file.file_stem().unwrap().to_str().unwrap().to_owned();
        for value in serde_json::Deserializer::from_str(&text).into_iter::<Value>().map(Result::unwrap) {
            let name = match stem.starts_with("hl7") {
                true => {
                    format!("{}/{}", value["resourceType"].as_str().unwrap_or("?"), value["id"].as_str().unwrap_or("?"))
                }
                false => stem.clone(),
            };
            all.push((name, value));
        }
    }
    all
}

/// The errors of a resource by its profiles: how often each rule is broken.
fn errors(profiles: &Profiles, resource: &Value, asked: &[&str]) -> String {
    let mut rules: BTreeMap<String, usize> = BTreeMap::new();
    let problems = against(resource, asked, profiles);
    for problem in problems.iter().filter(|problem| problem.severity() >= Severity::Error) {
        println!("{} {}", problem.issue.place, problem.english());
        *rules.entry(problem.rule().to_owned()).or_default() += 1;
    }
    rules.iter().map(|(rule, count)| format!("{rule} {count}")).collect::<Vec<_>>().join(", ")
}

/// Holds the examples of a folder to the packages. Those that are wrong themselves are listed with how; one that is listed
/// and passes, or is wrong otherwise, is a failure too.
fn check(folder: &str, packages: &[&str], least: usize, wrong: &[(&str, &str)]) {
    let Some(corpora) = corpora() else { return };
    let examples = examples(&corpora, folder);
    assert!(examples.len() >= least, "{folder}: {}", examples.len());
    let profiles = profiles(&corpora, packages);
    let found = examples.iter().map(|(name, value)| (name.clone(), errors(&profiles, value, &[])));
    let found: BTreeMap<String, String> = found.filter(|(_, rules)| !rules.is_empty()).collect();
    let wrong = wrong.iter().map(|(name, rules)| ((*name).to_owned(), (*rules).to_owned())).collect();
    assert_eq!(found, wrong, "VAL-01 VAL-02 {folder}");
}

#[test]
fn examples_of_the_specification() {
    check("fhir/hl7-r4-spec-examples.ndjson", &[CORE], 330, &[]);
}

#[test]
fn examples_of_jp_core() {
    check("fhir/jp-core-1.1.2", &[CORE, JP_CORE_1_1], 32, &[]);
    check("fhir/jp-core-1.2.0", &[CORE, JP_CORE_1_2], 47, &[]);
    // Beside a guide that builds on the older version, and has extensions of its own under the same URLs.
    check("fhir/jp-core-1.2.0", &[CORE, JP_CORE_1_1, JP_CORE_1_2, CLINS], 47, &[]);
}

/// The examples are of JP-CLINS 1.5.2. Since then `clinicalStatus.coding.display` and `verificationStatus.coding.display`
/// are required.
const OLDER_THAN_THE_PACKAGE: [(&str, &str); 6] = [
    ("AllergyIntolerance-Example-JP-Allergy-eCS-01", "profile-min 1"),
    ("AllergyIntolerance-Example-JP-Allergy-eCS-02", "profile-min 1"),
    ("Bundle-Bundle-CLINS-PCS-Example-01", "profile-min 4"),
    ("Bundle-Bundle-CLINS-Referral-Example-01", "profile-min 10"),
    ("Condition-Example-JP-Condition-eCS-ABDPAIN", "profile-min 2"),
    ("Condition-Example-JP-Condition-eCS-ANGINA", "profile-min 2"),
];

#[test]
fn examples_of_jp_clins() {
    check("fhir/jp-clins-1.5.2-ExampleJson", &[CORE, JP_CORE_1_1, CLINS], 43, &OLDER_THAN_THE_PACKAGE);
    // Both versions of JP Core side by side: JP-CLINS means the one it builds on.
    check("fhir/jp-clins-1.5.2-ExampleJson", &[CORE, JP_CORE_1_1, JP_CORE_1_2, CLINS], 43, &OLDER_THAN_THE_PACKAGE);
}

#[test]
fn examples_of_guides_that_are_not_loaded() {
    check("fhir/ips-2.0.1", &[CORE], 27, &[]);
    check("fhir/eCheckupReport-1.5.0", &[CORE, JP_CORE_1_1, CLINS], 7, &[]);
    // A draft by an earlier guide, with the systems and sections that it had: all five sections of the past illness, which
    // are one now; no sender's section.
    let draft = "profile-binding 12, profile-fixed 14, profile-min 1, profile-pattern 9, profile-slice-max 2, profile-slice-min 3";
    check(
        "fhir/eReferral-1.1.6",
        &[CORE, JP_CORE_1_1, CLINS],
        7,
        &[("Composition-compositionReferralExample01", draft)],
    );
}

/// What each broken resource is broken by: a rule at a place, of the base or of a profile. The slugs of the cases' own
/// metadata are translated into our rules by hand, by what `expected-issues.json` says of them.
#[test]
fn what_another_validator_finds_is_found() {
    let Some(corpora) = corpora() else { return };
    let profiles = profiles(&corpora, &[CORE, JP_CORE_1_1, JP_CORE_1_2, CLINS]);
    let mut wanted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in include_str!("profile_validation/expected.txt").lines().filter(|line| !line.starts_with('#')) {
        let (name, rest) = line.split_once(' ').unwrap();
        wanted.insert(name, rest.split(" + ").collect());
    }
    let mut seen = BTreeSet::new();
    for folder in std::fs::read_dir(format!("{corpora}/validation/jp-validator-cases")).unwrap() {
        let folder = folder.unwrap().file_name().into_string().unwrap();
        for (name, value) in examples(&corpora, &format!("validation/jp-validator-cases/{folder}")) {
            if folder.ends_with(".json") {
                continue;
            }
            let name = format!("{folder}/{name}");
            let of_base = base(&value).into_iter().map(|issue| format!("{} {}", issue.rule.id, issue.place));
            let of_profiles = against(&value, &[], &profiles).into_iter();
            let of_profiles = of_profiles.map(|one| format!("{} {}", one.rule(), one.issue.place));
            let found: Vec<String> = of_base.chain(of_profiles).collect();
            let wanted = wanted.get(name.as_str()).unwrap_or_else(|| panic!("{name}: what is expected? {found:#?}"));
            for one in wanted.iter().filter(|one| **one != "-") {
                assert!(found.iter().any(|found| found == *one), "{name}: {one} not in {found:#?}");
            }
            seen.insert(name);
        }
    }
    assert_eq!(
        seen.len(),
        wanted.len(),
        "{:?}",
        wanted.keys().filter(|name| !seen.contains(**name)).collect::<Vec<_>>()
    );
}

/// Four validators refuse this one: the slices of `component` are told apart by codes that stand in slices of `code.coding`.
#[test]
fn the_blood_pressure_of_r4() {
    let Some(corpora) = corpora() else { return };
    let all = profiles(&corpora, &[CORE, JP_CORE_1_1, JP_CORE_1_2, CLINS]);
    let bp = "http://hl7.org/fhir/StructureDefinition/bp";
    let pressure = |code: &str, value: u32| {
        json!({"code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "valueQuantity": {"value": value, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}})
    };
    let right = json!({"resourceType": "Observation", "status": "final",
        "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">120/80</div>"},
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]}, "subject": {"reference": "Patient/1"},
        "effectiveDateTime": "2026-11-22", "component": [pressure("8480-6", 120), pressure("8462-4", 80)]});
    // Asked for, or because R4 asks it of the code.
    assert_eq!((errors(&all, &right, &[bp]), errors(&all, &right, &[])), (String::new(), String::new()));
    let examples = examples(&corpora, "fhir/hl7-r4-spec-examples.ndjson");
    for name in ["Observation/blood-pressure", "Observation/blood-pressure-dar"] {
        let (_, example) = examples.iter().find(|(known, _)| known == name).unwrap();
        assert_eq!(errors(&all, example, &[bp]), "", "{name}");
    }
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut wrong = right.clone();
        change(&mut wrong);
        let found = against(&wrong, &[bp], &all).into_iter().filter(|one| one.severity() >= Severity::Error);
        found.map(|one| format!("{} {}", one.issue.rule.id, one.issue.place)).collect::<Vec<_>>().join("; ")
    };
    let min = "profile-slice-min Observation.component";
    assert_eq!(
        changed(&|v| v["component"][1]["code"]["coding"][0]["code"] = "8480-6".into()),
        format!("profile-slice-max Observation.component; {min}")
    );
    assert_eq!(changed(&|v| v["component"][0]["code"]["coding"][0]["code"] = "x".into()), min);
    assert_eq!(changed(&|v| v["component"][0]["code"]["coding"][0]["system"] = "x".into()), min);
    assert_eq!(
        changed(&|v| v["component"][0]["valueQuantity"]["code"] = "kPa".into()),
        "profile-binding Observation.component[0].value.ofType(Quantity); profile-fixed Observation.component[0].value.ofType(Quantity).code"
    );
    assert_eq!(
        changed(&|v| v["category"][0]["coding"][0]["code"] = "exam".into()),
        "profile-slice-min Observation.category"
    );
    assert_eq!(
        changed(&|v| v["code"]["coding"][0]["code"] = "8480-6".into()),
        "profile-slice-min Observation.code.coding"
    );
    assert_eq!(
        changed(&|v| v["component"] = json!([])),
        "profile-constraint Observation; profile-min Observation.component; profile-slice-min Observation.component; profile-slice-min Observation.component"
    );
    // JP Core does not slice components, and wants its own category.
    let mut jp = right.clone();
    jp["meta"] = json!({"profile": ["http://jpfhir.jp/fhir/core/StructureDefinition/JP_Observation_VitalSigns"]});
    assert_eq!(errors(&all, &jp, &[]), "profile-slice-min 1");
    let of_jp = "http://jpfhir.jp/fhir/core/CodeSystem/JP_SimpleObservationCategory_CS";
    jp["category"].as_array_mut().unwrap().push(json!({"coding": [{"system": of_jp, "code": "vital-signs"}]}));
    assert_eq!(errors(&all, &jp, &[]), "");
}

/// What a profile comes to, in one line for each element.
fn written(schema: &Schema) -> Vec<String> {
    let line = |node: &tasuki::profile::Node| {
        let links =
            |links: &[tasuki::profile::Link]| links.iter().map(|one| one.canonical.to_string()).collect::<Vec<_>>();
        let types: Vec<String> = node
            .types
            .iter()
            .flatten()
            .map(|one| format!("{}{:?}{:?}", one.code, links(&one.profiles), one.targets.as_deref().map(links)))
            .collect();
        let wanted = node.wanted.as_ref().map(Wanted::value);
        let binding = node.binding.as_ref().map(|one| (one.strength, one.value_set.clone()));
        let mut keys: Vec<&str> = node.constraints.iter().map(|one| &*one.key).collect();
        keys.sort_unstable();
        let slicing = node.slicing.as_ref().map(|one| {
            let names: BTreeSet<&str> = one.slices.iter().map(|slice| &*slice.name).collect();
            format!("{:?} {:?} {names:?}", one.discriminators, one.rules)
        });
        format!(
            "{} {}..{} {types:?} {wanted:?} {binding:?} {keys:?} {slicing:?} {:?}",
            node.id, node.min, node.max, node.length_max
        )
    };
    let mut lines: Vec<String> = schema.nodes.iter().map(line).collect();
    lines.sort();
    lines
}

/// The snapshots that we make of differentials say what the publishers' own say.
#[test]
fn snapshots_are_made_of_differentials() {
    let Some(corpora) = corpora() else { return };
    for (packages, differing_max) in [([CORE, JP_CORE_1_2].as_slice(), 2), (&[CORE, JP_CORE_1_1, CLINS], 0)] {
        let given = profiles(&corpora, packages);
        let mut all: Vec<Package> = packages.iter().map(|name| package(&corpora, name)).collect();
        let last = all.last_mut().unwrap();
        for definition in
            last.definitions.iter_mut().filter(|one| one.resource_type == ResourceType::STRUCTURE_DEFINITION)
        {
            let mut json = definition.json().unwrap();
            json.as_object_mut().unwrap().shift_remove("snapshot");
            *definition = CanonicalResource::read(json.to_string().as_bytes(), &KEPT).unwrap().unwrap();
        }
        let urls: Vec<String> = last
            .definitions
            .iter()
            .filter(|one| one.resource_type == ResourceType::STRUCTURE_DEFINITION)
            .map(|one| one.url.to_string())
            .collect();
        let made = Profiles::new(Arc::new(Library::new(all)));
        let mut differing = 0;
        for url in &urls {
            let (Some(given), Some(made)) = (given.find(url, None), made.find(url, None)) else { panic!("{url}") };
            let (given, made) = (written(given), written(made));
            if given != made {
                differing += 1;
                let only = |one: &[String], other: &[String]| {
                    one.iter().filter(|line| !other.contains(line)).cloned().collect::<Vec<_>>()
                };
                println!("{url}\n  given {:#?}\n  made {:#?}", only(&given, &made), only(&made, &given));
            }
        }
        println!("{packages:?}: {differing} of {} differ", urls.len());
        assert!(urls.len() > 40 && differing <= differing_max);
    }
}

/// Calls `see` with what a resource is when one member, of any of its elements, is taken out.
fn without_one(whole: &Value, see: &mut dyn FnMut(&str, &Value)) {
    fn pointers(value: &Value, at: &str, out: &mut Vec<(String, String)>) {
        match value {
            Value::Object(members) => {
                for (name, inner) in members {
                    out.push((at.to_owned(), name.clone()));
                    pointers(inner, &format!("{at}/{name}"), out);
                }
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(place, item)| pointers(item, &format!("{at}/{place}"), out));
            }
            _ => {}
        }
    }
    let mut all = Vec::new();
    pointers(whole, "", &mut all);
    for (at, name) in all.iter().filter(|(at, name)| !(at.is_empty() && name == "resourceType")) {
        let mut changed = whole.clone();
        changed.pointer_mut(at).unwrap().as_object_mut().unwrap().shift_remove(name);
        see(&format!("{at}/{name}"), &changed);
    }
}

/// Beside a checker that reads snapshots in another way: what that one misses when a member is taken out, we miss too.
#[test]
fn what_is_taken_out_is_missed() {
    let Some(corpora) = corpora() else { return };
    let all = profiles(&corpora, &[CORE, JP_CORE_1_1, CLINS]);
    let package = definition::Package::read(std::path::Path::new(&corpora), CLINS);
    let (mut count, mut missed) = (0, 0);
    for (name, profile) in [
        ("Observation-Example-JP-Obs-LabResult-eCS-K", "JP_Observation_LabResult_eCS"),
        ("Condition-Example-JP-Condition-eCS-03", "JP_Condition_eCS"),
        ("AllergyIntolerance-Example-JP-AllergyIntolerance-eCS-02", "JP_AllergyIntolerance_eCS"),
        ("MedicationRequest-Example-JP-MedReq-PO-BID-2d", "JP_MedicationRequest_eCS"),
        ("Patient-Example-JP-Patient-eCS-MAKINO", "JP_Patient_eCS"),
        ("Organization-Example-JP-Org-eCS-ReferralTo01", "JP_Organization_eCS"),
    ] {
        let definition = package.structure(profile).unwrap();
        let example = examples(&corpora, &format!("fhir/jp-clins-1.5.2-ExampleJson/{name}.json")).remove(0).1;
        let known = definition::profile::missing(definition, &example);
        without_one(&example, &mut |at, changed| {
            count += 1;
            // It looks at the first discriminator alone, and these slices have two.
            let mut found = definition::profile::missing(definition, changed);
            found.retain(|id| !id.starts_with("Observation.code.coding:"));
            if found.iter().any(|id| !known.contains(id)) {
                missed += 1;
                let ours = against(changed, &[definition["url"].as_str().unwrap()], &all)
                    .iter()
                    .any(|one| one.severity() >= Severity::Error);
                let of_base = base(changed).iter().any(|issue| issue.rule.severity >= Severity::Error);
                let new: Vec<&String> = found.iter().filter(|id| !known.contains(id)).collect();
                assert!(ours || of_base, "{name} without {at}: {new:?}");
            }
        });
    }
    println!("{count} changes, {missed} missed");
    assert!(count > 300 && missed > 50, "{count} {missed}");
}
