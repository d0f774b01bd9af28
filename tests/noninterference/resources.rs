//! Invented resources of the types that a patient's record has, valid in base R4, of which the same few words are made again
//! and again, so that searches find something.

use serde_json::{Value, json};

use super::dice::Dice;

/// The types of which there are rows.
pub(crate) const TYPES: [&str; 21] = [
    "Observation",
    "Condition",
    "MedicationRequest",
    "DiagnosticReport",
    "AllergyIntolerance",
    "Procedure",
    "Immunization",
    "DocumentReference",
    "Composition",
    "CarePlan",
    "Flag",
    "Goal",
    "CareTeam",
    "List",
    "Coverage",
    "QuestionnaireResponse",
    "Communication",
    "ServiceRequest",
    "Specimen",
    "Provenance",
    "RelatedPerson",
];

pub(crate) const LOINC: [&str; 4] = ["4548-4", "718-7", "2160-0", "29463-7"];
pub(crate) const ICD: [&str; 4] = ["C160", "I10", "E119", "K30"];
pub(crate) const DAYS: [&str; 6] =
    ["2025-11-03", "2026-01-15", "2026-03-02T10:00:00+09:00", "2026-05-20", "2026-08-08", "2026-11-20"];
pub(crate) const WORDS: [&str; 6] = ["胃癌", "高血圧", "貧血", "albumin", "oncology", "血糖"];
pub(crate) const NAMES: [&str; 4] = ["襷", "例示", "見本", "隠田"];

const ICD10: &str = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MEDIS_ICD10_2013";
const TERMINOLOGY: &str = "http://terminology.hl7.org/CodeSystem";

fn concept(system: &str, code: &str, text: &str) -> Value {
    json!({"coding": [{"system": system, "code": code}], "text": if text.is_empty() { code } else { text }})
}

fn loinc(dice: &mut Dice) -> Value {
    concept("http://loinc.org", dice.word(&LOINC), dice.word(&WORDS))
}

fn diagnosis(dice: &mut Dice) -> Value {
    concept(ICD10, dice.word(&ICD), dice.word(&WORDS))
}

/// A resource of a type about whoever `subject` names.
#[allow(clippy::too_many_lines)] // one arm for each type
pub(crate) fn resource(of: &str, id: &str, subject: &str, dice: &mut Dice) -> Value {
    let about = json!({"reference": subject});
    let day = dice.word(&DAYS);
    let word = dice.word(&WORDS);
    let instant = "2026-03-02T10:00:00+09:00";
    let mut made = match of {
        "Observation" => json!({"status": dice.word(&["final", "preliminary"]), "code": loinc(dice), "subject": about,
            "category": [concept(&format!("{TERMINOLOGY}/observation-category"), dice.word(&["laboratory", "vital-signs"]), "")],
            "effectiveDateTime": day,
            "valueQuantity": {"value": 3 + dice.roll(90), "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}}),
        "Condition" => json!({"clinicalStatus": concept(&format!("{TERMINOLOGY}/condition-clinical"), "active", ""),
            "code": diagnosis(dice), "subject": about, "onsetDateTime": day, "note": [{"text": word}]}),
        "MedicationRequest" => json!({"status": "active", "intent": "order", "subject": about, "authoredOn": day,
            "medicationCodeableConcept": diagnosis(dice)}),
        "DiagnosticReport" => {
            json!({"status": "final", "code": loinc(dice), "subject": about, "effectiveDateTime": day,
            "conclusion": word})
        }
        "AllergyIntolerance" => {
            json!({"clinicalStatus": concept(&format!("{TERMINOLOGY}/allergyintolerance-clinical"), "active", ""),
            "code": diagnosis(dice), "patient": about, "recordedDate": day})
        }
        "Procedure" => {
            json!({"status": "completed", "code": diagnosis(dice), "subject": about, "performedDateTime": day})
        }
        "Immunization" => json!({"status": "completed", "vaccineCode": diagnosis(dice), "patient": about,
            "occurrenceDateTime": day, "lotNumber": dice.word(&["L1", "L2"])}),
        "DocumentReference" => json!({"status": "current", "type": loinc(dice), "subject": about, "date": instant,
            "description": word,
            "content": [{"attachment": {"contentType": "text/plain", "title": word, "data": dice.word(&["Zm9v", "YmFy"])}}]}),
        "Composition" => json!({"status": "final", "type": loinc(dice), "subject": about, "date": day, "title": word,
            "author": [{"display": dice.word(&NAMES)}],
            "section": [{"title": word, "text": {"status": "generated", "div": div(word)}}]}),
        "CarePlan" => json!({"status": "active", "intent": "plan", "subject": about, "title": word, "created": day}),
        "Flag" => json!({"status": "active", "code": diagnosis(dice), "subject": about, "period": {"start": day}}),
        "Goal" => {
            json!({"lifecycleStatus": "active", "description": {"text": word}, "subject": about, "startDate": &day[..10]})
        }
        "CareTeam" => json!({"status": "active", "subject": about, "name": word}),
        "List" => json!({"status": "current", "mode": "working", "subject": about, "title": word, "date": day}),
        "Coverage" => json!({"status": "active", "beneficiary": about, "payor": [{"display": word}], "dependent": "1"}),
        "QuestionnaireResponse" => json!({"status": "completed", "subject": about, "authored": day,
            "item": [{"linkId": "1", "text": word, "answer": [{"valueString": word}]}]}),
        "Communication" => {
            json!({"status": "completed", "subject": about, "sent": day, "payload": [{"contentString": word}]})
        }
        "ServiceRequest" => {
            json!({"status": "active", "intent": "order", "code": loinc(dice), "subject": about, "authoredOn": day})
        }
        "Specimen" => json!({"type": loinc(dice), "subject": about, "collection": {"collectedDateTime": day}}),
        "Provenance" => {
            json!({"target": [about], "recorded": instant, "agent": [{"who": {"display": dice.word(&NAMES)}}]})
        }
        "RelatedPerson" => json!({"patient": about, "name": [{"family": dice.word(&NAMES)}], "birthDate": &day[..10]}),
        other => panic!("{other}"),
    };
    made["resourceType"] = json!(of);
    made["id"] = json!(id);
    match of {
        "Provenance" => {}
        "Composition" | "QuestionnaireResponse" => made["identifier"] = json!({"system": "urn:x:number", "value": id}),
        _ => made["identifier"] = json!([{"system": "urn:x:number", "value": format!("{id}-{}", dice.roll(2))}]),
    }
    if dice.once_in(3) {
        made["text"] = json!({"status": "generated", "div": div(word)});
    }
    made
}

fn div(word: &str) -> String {
    format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{word}</div>")
}

/// The labels by which a row is hidden from everybody whom no consent permits them.
pub(crate) const LABELS: [(&str, &str, &str); 9] = [
    ("tag", "http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication", "UNINFORMED"),
    ("tag", "http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication", "UNDELIVERED"),
    ("tag", "http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication", "LATER"),
    ("security", "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "R"),
    ("security", "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "V"),
    ("security", "http://terminology.hl7.org/CodeSystem/v3-ActCode", "HIV"),
    ("security", "http://terminology.hl7.org/CodeSystem/v3-ActCode", "PSY"),
    ("security", "http://terminology.hl7.org/CodeSystem/v3-ActCode", "OPIOIDUD"),
    ("security", "urn:x:labels", "between-us"),
];

/// The same with a label.
pub(crate) fn labelled(mut resource: Value, dice: &mut Dice) -> Value {
    let (kind, system, code) = *dice.pick(&LABELS);
    resource["meta"] = json!({kind: [{"system": system, "code": code}]});
    resource
}
