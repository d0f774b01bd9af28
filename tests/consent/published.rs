//! Consents that others published with what they are to mean: Google's, those of IHE's Privacy Consent on FHIR, HL7's. Each
//! gives the answer that was published, or the test names why it is stricter here (docs/adr/0035).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::cases::{ACT_CODE, CONFIDENTIALITY, RECORD};
use crate::judge;
use crate::naive::{each, text};

fn corpus(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("TASUKI_CORPORA").map(|corpora| PathBuf::from(corpora).join("consent").join(name));
    if folder.is_none() {
        println!("not run: TASUKI_CORPORA is not set");
    }
    folder
}

/// A file in which a patient is the one of this record.
fn read(path: &PathBuf, patient: &str) -> Value {
    let json = std::fs::read_to_string(path)
        .unwrap()
        .replace(&format!("Patient/{patient}\""), &format!("{}\"", RECORD.reference()));
    let mut value: Value = serde_json::from_str(&json).unwrap();
    if value["resourceType"] == "Patient" && value["id"] == patient {
        value["id"] = RECORD.reference().trim_start_matches("Patient/").into();
    }
    value
}

fn read_all(folder: &PathBuf, starts: &str, patient: &str) -> Vec<Value> {
    let mut names: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.file_name().unwrap().to_string_lossy().starts_with(starts));
    names.sort();
    names.iter().map(|path| read(path, patient)).collect()
}

fn answers(now: &str, asker: &Value, consents: &[Value], resources: &[Value]) -> Vec<bool> {
    let case = json!({"record": RECORD.reference(), "now": now, "asker": asker, "consents": consents, "resources": resources,
        "terms": {}, "care_teams": []});
    judge::answers(&case).unwrap()
}

#[test]
fn google() {
    let Some(folder) = corpus("google") else { return };
    let patient = "3c6aa096-c054-4c22-b2b4-1e4a4d203de2";
    let bundle = read(&folder.join("bundle.json"), patient);
    let all: Vec<Value> = each(&bundle["entry"]).iter().map(|entry| entry["resource"].clone()).collect();
    let of = |kind: &str| all.iter().filter(|one| one["resourceType"] == kind).cloned().collect::<Vec<Value>>();
    // The network-wide policy is about no patient.
    let own: Vec<Value> = of("Consent").into_iter().filter(|one| one["patient"]["reference"].is_string()).collect();
    assert_eq!((own.len(), of("Observation").len()), (2, 2));
    let mut patients = of("Patient");
    patients[0]["id"] = RECORD.reference().trim_start_matches("Patient/").into();
    let rows = [of("Observation"), patients].concat();
    let cases = read(&folder.join("cases.json"), patient);
    let mut compared = 0;
    for case in each(&cases["cases"]) {
        let person = text(&case["actor"]);
        let (system, code) = text(&case["env"]).split_once('/').unwrap_or_default();
        let purpose = case["purpose"].as_str().unwrap_or(if case["mode"] == "btg" { "BTG" } else { "TREAT" });
        let asker = json!({"organization": "Organization/g", "person": person, "purpose": purpose,
            "application": {"system": system, "code": code}});
        let open = answers("2026-06-15", &asker, &own, &rows);
        let [first, second, of_patient] = open[..] else { panic!("three rows") };
        compared += 1;
        match text(&case["n"]) {
            "search-final-app123" => assert_eq!((first, second), (true, false)),
            // The chain goes over the Patient, which is closed.
            "chained-patient-denied" => assert_eq!((first, of_patient), (true, false)),
            "chained-etreat" => assert_eq!((first, second, of_patient), (true, true, true)),
            "read-app123" | "btg-read" => assert!(first),
            "read-unknown-app" => assert!(!first),
            // A request has one purpose here: two are none that there is.
            "two-purposes" => assert_eq!(tasuki::consent::Purpose::parse("TREAT HRESCH"), None),
            // Stricter: no network-wide permit and no bypass.
            "read-patient-admin-policy" => assert!(!of_patient),
            "bypass-practitioner" => assert_eq!(open, [false; 3]),
            other => panic!("{other} is not compared"),
        }
    }
    assert_eq!(compared, 9);
    // Tags of the data are no part of a provision here.
    let mut complex = read(&folder.join("consent-sample-complex.json"), patient);
    complex["patient"] = json!({"reference": RECORD.reference()});
    assert!(tasuki::consent::Directive::read(&complex).alarm().is_some());
}

#[test]
fn hl7_examples_do_not_open() {
    let Some(folder) = corpus("hl7-r4") else { return };
    let examples = read_all(&folder, "consent-example", "f001");
    assert_eq!(examples.len(), 12);
    let everybody = json!({"resourceType": "Consent", "id": "everybody", "status": "active", "scope": examples[0]["scope"],
        "patient": {"reference": RECORD.reference()}, "provision": {"type": "permit"}});
    let rows = [json!({"resourceType": "Observation", "id": "o", "subject": {"reference": RECORD.reference()}})];
    let mut closed = 0;
    for mut example in examples {
        example["patient"] = json!({"reference": RECORD.reference()});
        let ask = |organization: &str| {
            let asker = json!({"organization": organization, "purpose": "TREAT"});
            let consents = [everybody.clone(), example.clone()];
            let alone = answers("2015-01-15", &asker, &consents[1..], &rows)[0];
            assert!(!alone, "{}", example["id"]);
            answers("2015-01-15", &asker, &consents, &rows)[0]
        };
        if example["id"] == "consent-example-notOrg" {
            // The one with a base rule: everybody but this organisation.
            assert_eq!((ask("Organization/f001"), ask("Organization/f002")), (false, true));
        } else {
            assert_eq!((ask("Organization/f001"), ask("Organization/f002")), (false, false), "{}", example["id"]);
            closed += 1;
        }
    }
    assert_eq!(closed, 11);
}

/// What IHE's residual rules say of a resource: the first is what holds otherwise.
fn residual(token: &Value, resource: &Value) -> bool {
    let meets = |rule: &Value| {
        let mut labels = each(&resource["meta"]["security"]).to_vec();
        // What carries no confidentiality is normal, or restricted where it is sensitive, as a labelling service would say.
        if !labels.iter().any(|label| label["system"] == CONFIDENTIALITY) {
            let sensitive = labels.iter().any(|label| label["system"] == ACT_CODE);
            labels.push(json!({"system": CONFIDENTIALITY, "code": if sensitive { "R" } else { "N" }}));
        }
        let named =
            |label: &Value| labels.iter().any(|one| one["system"] == label["system"] && one["code"] == label["code"]);
        let labelled = each(&rule["securityLabel"]).is_empty() || each(&rule["securityLabel"]).iter().any(named);
        let in_period = rule["dataPeriod"].is_null() || text(&resource["effectiveDateTime"]).starts_with("2022");
        let of = |data: &Value| {
            let to = text(&data["reference"]["reference"]).trim_start_matches("http://example.org/fhir/").to_owned();
            let own = format!("{}/{}", text(&resource["resourceType"]), text(&resource["id"])) == to;
            match text(&data["meaning"]) {
                "instance" => own,
                "related" => own || resource["encounter"]["reference"] == *to,
                _ => [&resource["performer"], &resource["author"]]
                    .iter()
                    .any(|by| each(by).iter().any(|one| one["reference"] == *to)),
            }
        };
        labelled && in_period && (each(&rule["data"]).is_empty() || each(&rule["data"]).iter().any(of))
    };
    let (mut permitted, mut forbidden) = (None, false);
    for rule in each(&token["residual"]) {
        let whole = rule.as_object().is_some_and(|members| members.len() == 1);
        match rule["type"] == "permit" {
            false if whole => permitted = Some(permitted.unwrap_or(false)),
            true => permitted = Some(permitted.unwrap_or(false) || meets(rule)),
            false => forbidden |= meets(rule),
        }
    }
    permitted.unwrap_or(true) && !forbidden
}

/// Which of the published tokens is the one of who asks; an error is that none is given.
fn token<'a>(expected: &'a Value, consent: &str, asker: &Value, now: &str) -> Result<&'a Value, ()> {
    let practitioner = asker["person"] == "Practitioner/ex-practitioner";
    let breaks_glass = asker["purpose"] == "BTG" && !asker["teams"].is_null();
    let named = match consent.trim_start_matches("ex-consent-") {
        "basic-reject" => return Err(()),
        "expired-treat" if now > "2023" => return Err(()),
        "expired-treat" | "basic-ink" | "basic-treat-infant" => "ex-consent-basic-treat",
        "advanced-normal-focused-psy" | "advanced-normal-focused-psy-or-sdv" if !practitioner => {
            "ex-consent-advanced-normal"
        }
        "advanced-normal-focused-restricted" if practitioner => "ex-consent-advanced-normal-restricted",
        "advanced-normal-break-glass-restricted" if breaks_glass => "ex-consent-advanced-normal-restricted",
        "advanced-normal-focused-restricted" | "advanced-normal-break-glass-restricted" => "ex-consent-advanced-normal",
        "ex-dissent-intermediate-break-glass" if !breaks_glass => return Err(()),
        _ => consent,
    };
    let token = &expected[named]["tokens"][0];
    let asked = text(&asker["purpose"]);
    // BTG is a kind of TREAT.
    let meets = |purpose: &Value| purpose == asked || (purpose == "TREAT" && asked == "BTG");
    if each(&token["purpose_of_use"]).iter().any(meets) { Ok(token) } else { Err(()) }
}

/// Why this program keeps closed what IHE opens; none where there is no reason.
fn stricter(consent: &Value, resource: &Value) -> Option<&'static str> {
    let named = consent["provision"].to_string();
    let labels = each(&resource["meta"]["security"]).iter().map(|one| text(&one["code"]));
    let unnamed: Vec<&str> =
        labels.filter(|code| !["N", "HTEST"].contains(code) && !named.contains(&format!("\"{code}\""))).collect();
    let alone = unnamed == ["R"] && ["PSY", "SDV"].iter().any(|code| named.contains(code));
    if named.contains("\"related\"") {
        Some("related is what the encounter refers to")
    } else if named.contains("dataPeriod") && resource["effectiveDateTime"].is_null() {
        Some("undated lies in no period, and may lie in any that is denied")
    } else if named.contains("dataPeriod") && named.contains("\"deny\"") && resource["encounter"].is_object() {
        Some("what refers to something undated that is denied is denied with it")
    } else if !unnamed.is_empty() && !alone {
        Some("a label opens where it is named")
    } else {
        None
    }
}

/// IHE's resources, and more of them with other labels and authors.
fn pcf_rows(folder: &PathBuf) -> Vec<Value> {
    let mut rows: Vec<Value> = ["Observation-", "Encounter-", "DocumentReference-ex-doc", "Patient-ex-patient"]
        .iter()
        .flat_map(|starts| read_all(folder, starts, "ex-patient"))
        .collect();
    let labels = [
        vec!["N"],
        vec!["R"],
        vec!["V"],
        vec!["PSY"],
        vec!["R", "PSY"],
        vec!["SDV", "R"],
        vec!["PSY", "SDV"],
        vec!["HIV"],
        vec![],
    ];
    for (at, codes) in labels.iter().enumerate() {
        let system = |code: &str| if code.len() == 1 { CONFIDENTIALITY } else { ACT_CODE };
        let security: Vec<Value> = codes.iter().map(|code| json!({"system": system(code), "code": code})).collect();
        let author = if at % 2 == 0 { "Practitioner/ex-practitioner" } else { "Practitioner/ex-author" };
        let date = ["2021-12-31", "2022-01-01", "2022-12-31T23:59:59+09:00"][at % 3];
        let mut row = json!({"resourceType": "Observation", "id": format!("more-{at}"), "meta": {"security": security},
            "subject": {"reference": RECORD.reference()}, "performer": [{"reference": author}],
            "effectiveDateTime": date});
        if at % 2 == 0 {
            row["encounter"] = json!({"reference": "Encounter/ex-encounter"});
        }
        rows.push(row);
    }
    rows
}

#[test]
fn ihe_privacy_consent_on_fhir() {
    let Some(folder) = corpus("pcf") else { return };
    let expected = read(&folder.join("expected-residuals.json"), "ex-patient");
    let folder = folder.join("resources");
    let rows = pcf_rows(&folder);
    let known = json!(["Group/ex-privilegedUsers"]);
    let mut askers = Vec::new();
    for purpose in ["TREAT", "HPAYMT", "HOPERAT", "HRESCH", "BTG"] {
        askers.push(
            json!({"organization": "Organization/x", "person": "Practitioner/y", "purpose": purpose, "known": known}),
        );
        askers.push(json!({"organization": "Organization/ex-organization", "person": "Practitioner/ex-practitioner",
            "purpose": purpose, "known": known, "teams": known}));
        askers.push(json!({"organization": "Organization/ex-org-researcher", "person": "Practitioner/z", "purpose": purpose, "known": known}));
    }
    let (mut compared, mut alike) = (BTreeSet::new(), 0);
    let mut differ: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for consent in read_all(&folder, "Consent-", "ex-patient") {
        let id = text(&consent["id"]).to_owned();
        if expected[&id].is_null() && id != "ex-consent-basic-treat-infant" {
            println!("{id}: no answer was published");
            continue;
        }
        compared.insert(id.clone());
        for (asker, now) in askers.iter().flat_map(|asker| ["2022-07-01", "2023-07-01"].map(|now| (asker, now))) {
            let open = answers(now, asker, std::slice::from_ref(&consent), &rows);
            let given = token(&expected, &id, asker, now);
            for (row, open) in rows.iter().zip(open) {
                let published = given.is_ok_and(|token| residual(token, row));
                let place = || format!("{id}: {}", text(&row["id"]));
                match (published, open) {
                    _ if published == open => alike += 1,
                    (true, _) => {
                        let why = stricter(&consent, row).unwrap_or_else(|| panic!("{} {asker} {now}", place()));
                        differ.entry(why).or_default().insert(place());
                    }
                    // R4: `related` is about what the encounter refers to, the Patient.
                    (false, _) if id == "ex-consent-intermediate-encounter" && row["resourceType"] == "Patient" => {
                        differ
                            .entry("related opens the Patient that the encounter is about")
                            .or_default()
                            .insert(place());
                    }
                    (false, _) => panic!("{} {asker} {now}: opened here, closed as published", place()),
                }
            }
        }
    }
    println!("{} consents, {alike} answers alike", compared.len());
    differ.iter().for_each(|(why, places)| println!("{why}: {places:?}"));
    assert!(compared.len() >= 20 && alike > 5_000, "{compared:?} {alike}");
}
