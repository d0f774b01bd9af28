//! The project's own profiles and the default rules of a network (`profiles/`): they are sound FHIR R4, and what the rules publish
//! to whom is a table that people read.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test fails by panicking

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tasuki::consent::terms::Limit;
use tasuki::consent::{Asker, Directive, Ground, MemberKind, Policy, Purpose, RowFacts, Terms};
use tasuki::fault::Severity;
use tasuki::fhir::{FacilityCode, PatientKey, ResourceType};
use tasuki::guide::{CanonicalResource, KEPT, Library, Package};
use tasuki::profile::Profiles;
use tasuki::search::{Columns, Labels};
use tasuki::validate::profile::against;
use tasuki::validate::{Level, base_at};

fn files(folder: &str) -> Vec<(PathBuf, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
        .into_iter()
        .map(|file| (file.clone(), serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()))
        .collect()
}

#[test]
fn what_is_published_is_sound_r4() {
    let directory = files("directory").into_iter().filter(|(_, resource)| resource.get("resourceType").is_some());
    for (file, resource) in files("consent").into_iter().chain(files("network")).chain(files("naming")).chain(directory)
    {
        let errors = base_at(&resource, Level::Full).into_iter().filter(|issue| issue.rule.severity >= Severity::Error);
        let errors: Vec<String> = errors.map(|issue| format!("{} {}", issue.place, issue.english())).collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", file.display());
    }
}

/// Our profiles, compiled on top of the package of R4 (in the folder `TASUKI_CORPORA`), beside examples that keep to them and
/// examples that do not (`profiles/own.txt`).
#[test]
fn examples_of_our_own_profiles() {
    let Ok(corpora) = std::env::var("TASUKI_CORPORA") else { return };
    let core = std::fs::read(format!("{corpora}/packages/hl7.fhir.r4.core-4.0.1.tgz")).unwrap();
    let core = Package::read(&core, &KEPT).unwrap();
    let definitions: Vec<CanonicalResource> = files("consent")
        .iter()
        .filter_map(|(_, json)| CanonicalResource::read(json.to_string().as_bytes(), &KEPT).unwrap())
        .collect();
    let dependencies = vec![(core.name.clone(), core.version.clone())];
    let own = Package { name: "tasuki".into(), version: "1.0.0".into(), dependencies, definitions };
    let all = Profiles::new(std::sync::Arc::new(Library::new(vec![core, own])));
    let url = |name: &str| format!("\"https://tasuki.example/fhir/StructureDefinition/{name}\"");
    let mut count = 0;
    for line in include_str!("profiles/own.txt").lines().filter(|line| !line.starts_with('#')) {
        let (wanted, text) = line.split_once(" | ").unwrap();
        let names = [("\"P\"", "tasuki-consent"), ("\"E\"", "consent-evidence"), ("\"R\"", "consent-reason")];
        let text = names.iter().fold(text.to_owned(), |text, (short, name)| text.replace(short, &url(name)));
        let resource: Value = serde_json::from_str(&text).unwrap();
        let base: Vec<_> =
            base_at(&resource, Level::Full).into_iter().filter(|one| one.rule.severity >= Severity::Error).collect();
        assert_eq!(base, [], "{line}");
        let problems = against(&resource, &[], &all);
        let errors = problems.iter().filter(|one| one.severity() >= Severity::Error);
        let found: Vec<String> = errors.map(|one| format!("{} {}", one.rule(), one.issue.place)).collect();
        let mut wanted: Vec<&str> = wanted.split("; ").filter(|one| *one != "-").collect();
        let mut sorted: Vec<&str> = found.iter().map(String::as_str).collect();
        wanted.sort_unstable();
        sorted.sort_unstable();
        assert_eq!(sorted, wanted, "{line}");
        count += 1;
    }
    assert!(count > 12, "{count}");
}

#[test]
fn the_kinds_of_members_are_those_of_the_code_system() {
    let kinds = files("consent").into_iter().find(|(file, _)| file.ends_with("CodeSystem-member-kind.json")).unwrap().1;
    let codes: Vec<&str> = kinds["concept"].as_array().unwrap().iter().map(|c| c["code"].as_str().unwrap()).collect();
    assert_eq!(codes, MemberKind::ALL.map(MemberKind::code));
    assert_eq!(kinds["url"], tasuki::consent::member::MEMBER_KIND);
}

/// The rule that the operator's guide shows can be used.
#[test]
fn the_rule_in_the_guide_is_one() {
    let guide = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operator.md")).unwrap();
    let shown = guide.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next());
    let rules: Vec<Value> = shown
        .filter_map(|text| serde_json::from_str(text).ok())
        .filter(|v: &Value| v["resourceType"] == "Consent")
        .collect();
    assert_eq!(rules.len(), 1);
    Limit::read(&rules[0]).unwrap();
    assert!(base_at(&rules[0], Level::Full).iter().all(|issue| issue.rule.severity < Severity::Error));
}

/// Whatever a patient permits to everybody, by the default rules.
#[test]
fn the_default_data_sets() {
    const RECORD: PatientKey = PatientKey(0x5001 << 64);
    let limits: Vec<Limit> = files("network").iter().map(|(_, rule)| Limit::read(rule).unwrap()).collect();
    let terms = Terms { limits, ..Terms::default() };
    let blanket = json!({
        "resourceType": "Consent", "id": "c", "meta": {"versionId": "1"}, "status": "active",
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
        "patient": {"reference": RECORD.reference()}, "provision": {"type": "permit"}
    });
    let directives = [Directive::read(&blanket)];
    let columns = Columns::default();
    let facility = FacilityCode::unstated();
    let policy = |kind: Option<MemberKind>| {
        let asker = Asker { kind, ..Asker::new("Organization/a", Purpose::COORDINATION_OF_CARE) };
        let (about, teams) = (&[RECORD], &[]);
        Policy::compile(
            &asker,
            &Ground { about, facility: &facility, directives: &directives, teams, columns: &columns, terms: &terms },
        )
    };
    let mut table =
        String::from("What the default data sets publish to each kind of member, of what the patient permits.\n\n");
    let names: std::collections::BTreeSet<String> = files("network")
        .iter()
        .flat_map(|(_, rule)| rule.pointer("/provision/provision/0/class").unwrap().as_array().unwrap().clone())
        .map(|class| class["code"].as_str().unwrap().to_owned())
        .chain(["DiagnosticReport", "ImagingStudy", "Observation", "Specimen"].map(str::to_owned))
        .collect();
    for kind in MemberKind::ALL {
        let policy = policy(Some(kind));
        let is_seen = |name: &&String| {
            let row = RowFacts::plain(ResourceType::parse(name).unwrap(), &[RECORD], Labels::default());
            policy.decide(0, &row).permitted
        };
        let (seen, hidden): (Vec<&String>, Vec<&String>) = names.iter().partition(|name| is_seen(name));
        let list = |names: &[&String]| names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" ");
        table += &format!(
            "{}\n  sees  {}\n",
            kind.code(),
            if hidden.is_empty() { "everything".into() } else { list(&seen) }
        );
        if !hidden.is_empty() {
            table += &format!("  not   {}\n", list(&hidden));
        }
    }
    let nobody = policy(None);
    let row = RowFacts::plain(ResourceType::OBSERVATION, &[RECORD], Labels::default());
    assert!(!nobody.decide(0, &row).permitted, "of whom the kind is not known each rule may be meant");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/consent/data-sets.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &table).unwrap();
    }
    assert_eq!(table, std::fs::read_to_string(path).unwrap_or_default(), "run with UPDATE=1 and read the diff");
}
