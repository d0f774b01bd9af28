//! What the mappers write, against the official definitions: FHIR R4, and JP Core 1.1.2 and 1.2.0. Runs where
//! `TASUKI_CORPORA` names the folder.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod definition;
mod written;

use std::collections::BTreeMap;

use definition::structure::Checker;
use definition::{Package, profile};
use serde_json::Value;
use written::{Written, corpora};

#[test]
fn everything_written_is_fhir_r4() {
    let Some(corpora) = corpora() else { return };
    let package = Package::read(&corpora, "hl7.fhir.r4.core-4.0.1");
    let mut checker = Checker::new(&package);
    // The checker checks: an element that R4 does not know, a missing one, a wrong code, a day that does not exist.
    let wrong = serde_json::json!({ "resourceType": "Patient", "gender": "f", "birthDate": "2026-02-30", "sex": "f",
        "link": [{ "type": "refer" }], "name": { "family": "襷" } });
    checker.resource(&wrong, true);
    assert_eq!(checker.found.len(), 5, "{:#?}", checker.found);
    checker.found.clear();
    let all = [
        written::of_golden_cases(),
        written::of_examples(),
        written::of_corpora(&corpora),
        written::of_foreign_messages(&corpora),
    ];
    for one in all.iter().flatten() {
        checker.resource(&one.tree(), one.is_whole);
    }
    println!("{} resources", all.iter().map(Vec::len).sum::<usize>());
    assert!(checker.found.is_empty(), "{:#?}", checker.found);
}

/// What JP Core wants and some messages do not hold; everything else must be there. Master data (ADT-00) tell a blood
/// type without saying when it was found and of which specimen.
const NOT_IN_THE_MESSAGE: [(&str, &str); 2] =
    [("JP_Observation_LabResult", "Observation.effective[x]"), ("JP_Observation_LabResult", "Observation.specimen")];

#[test]
fn everything_written_is_jp_core() {
    let Some(corpora) = corpora() else { return };
    // The corpora hold no Japanese administrations, dispensings and vaccinations; the golden cases do.
    let is_of_drugs = |one: &Written| ["omp-", "rde-", "rds-", "vxu-"].iter().any(|kind| one.from.starts_with(kind));
    let drugs: Vec<Written> = written::of_golden_cases().into_iter().filter(is_of_drugs).collect();
    let all = [written::of_examples(), written::of_corpora(&corpora), drugs];
    let trees: Vec<Value> =
        all.iter().flatten().filter(|one| one.is_whole && is_ours(one)).map(Written::tree).collect();
    let mut unexpected = Vec::new();
    for version in ["1.1.2", "1.2.0"] {
        let package = Package::read(&corpora, &format!("jp-core.r4-{version}"));
        let mut missing: BTreeMap<(&str, String), u32> = BTreeMap::new();
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for tree in &trees {
            let Some(name) = profile_of(tree) else { continue };
            // JP Core 1.1.2 has no profile of diagnoses yet.
            let general = || package.structure(name.trim_end_matches("_Diagnosis"));
            let Some(profile) = package.structure(name).or_else(general) else { continue };
            *counts.entry(name).or_default() += 1;
            for id in profile::missing(profile, tree) {
                *missing.entry((name, id)).or_default() += 1;
            }
        }
        println!("JP Core {version}");
        for (name, count) in &counts {
            println!("  {count:5} {name}");
            for ((_, id), missing) in missing.iter().filter(|((of, _), _)| of == name) {
                println!("        {missing:5} without {id}");
                if !NOT_IN_THE_MESSAGE.contains(&(*name, id.as_str())) {
                    unexpected.push(format!("{version} {name} {id}: {missing} of {count}"));
                }
            }
        }
        assert!(counts.len() >= 9, "{counts:?}");
    }
    assert!(unexpected.is_empty(), "{unexpected:#?}");
}

/// FHIR that was received as FHIR is not the mappers' word.
fn is_ours(one: &Written) -> bool {
    !one.from.ends_with(".json")
}

/// Injections hold their drugs as a contained Medication.
fn is_injection(tree: &Value) -> bool {
    tree["medicationReference"].is_object()
}

fn profile_of(tree: &Value) -> Option<&'static str> {
    let category = tree["category"][0]["coding"][0]["code"].as_str();
    Some(match tree["resourceType"].as_str()? {
        "Patient" => "JP_Patient",
        "Encounter" => "JP_Encounter",
        "Condition" => "JP_Condition_Diagnosis",
        "Observation" if category == Some("laboratory") => "JP_Observation_LabResult",
        "Observation" if category == Some("body-measurement") => "JP_Observation_BodyMeasurement",
        "MedicationRequest" if is_injection(tree) => "JP_MedicationRequest_Injection",
        "MedicationRequest" => "JP_MedicationRequest",
        "MedicationAdministration" if is_injection(tree) => "JP_MedicationAdministration_Injection",
        "MedicationAdministration" => "JP_MedicationAdministration",
        "MedicationDispense" if is_injection(tree) => "JP_MedicationDispense_Injection",
        "MedicationDispense" => "JP_MedicationDispense",
        "Immunization" => "JP_Immunization",
        "DiagnosticReport" => "JP_DiagnosticReport_LabResult",
        "Coverage" => "JP_Coverage",
        "AllergyIntolerance" => "JP_AllergyIntolerance",
        "Specimen" => "JP_Specimen_Common",
        "ServiceRequest" => "JP_ServiceRequest_Common",
        "Organization" => "JP_Organization",
        "Practitioner" => "JP_Practitioner",
        _ => return None,
    })
}
