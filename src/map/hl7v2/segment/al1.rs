//! AL1 patient allergy (HL7 v2.5 3.4.6) to AllergyIntolerance, and what it shares with IAM.

use crate::decode::hl7v2::{Segment, Value};
use crate::fault::{IssueType, Rule, Severity};
use crate::fhir::{ResourceId, ResourceType, Writer};
use crate::map::hl7v2::Output;
use crate::map::hl7v2::datatype::{cwe, ts};

/// How bad a reaction was, without the reaction.
pub static SEVERITY_ALONE: Rule = Rule {
    id: "v2-severity-without-reaction",
    severity: Severity::Information,
    code: IssueType::Incomplete,
    en: "FHIR states a severity of a reaction only; no reaction is told, so this severity was not carried over.",
    ja: "反応の記載がないため、重症度を変換していません(FHIRでは反応ごとに重症度を持ちます)。",
};
/// Neither code nor text of what the patient is allergic to.
pub static NO_ALLERGEN: Rule = Rule {
    id: "v2-no-allergen",
    severity: Severity::Warning,
    code: IssueType::Required,
    en: "The segment names no substance; no allergy was made of it.",
    ja: "原因物質がないため、アレルギー情報を作成していません。",
};

const CLINICAL_STATUS: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";

/// States the allergy.
pub fn map(al1: Segment<'_>, out: &mut Output) {
    let Some(id) = id(al1.field(3), out) else { return out.issue(&NO_ALLERGEN, al1.place(0)) };
    let mut w = Writer::new();
    active(&mut w);
    kind(&mut w, al1.field(2));
    substance_and_patient(&mut w, al1.field(3), out);
    ts::write(&mut w, "onsetDateTime", al1.field(6), out);
    severity_and_reactions(&mut w, al1.field(4), al1.field(5), out);
    out.state(ResourceType::ALLERGY_INTOLERANCE, id, w);
}

/// The id by what the patient is allergic to, so that AL1 and IAM speak of the same resource.
pub(super) fn id(allergen: Value<'_>, out: &Output) -> Option<ResourceId> {
    let (code, text) = (cwe::code(allergen), cwe::text(allergen));
    let table = allergen.component(3).text();
    let key = match (code.as_str(), text.as_str()) {
        ("", "") => return None,
        ("", text) => format!("text:{text}"),
        (code, _) => format!("{}:{code}", table.trim()),
    };
    Some(out.id(ResourceType::ALLERGY_INTOLERANCE, &key))
}

pub(super) fn active(w: &mut Writer) {
    w.concept("clinicalStatus", CLINICAL_STATUS, "active", "Active");
}

/// HL7 table 0127. A contraindication (MC) is not an allergy; MA and MC have no category.
pub(super) fn kind(w: &mut Writer, value: Value<'_>) {
    let code = cwe::code(value);
    w.string(
        "type",
        if matches!(code.as_str(), "DA" | "FA" | "MA" | "EA" | "AA" | "PA" | "LA") { "allergy" } else { "" },
    );
    let category = match code.as_str() {
        "DA" => "medication",
        "FA" => "food",
        "EA" | "PA" | "LA" => "environment",
        "AA" => "biologic",
        _ => "",
    };
    w.array("category", |w| w.item_string(category));
}

pub(super) fn substance_and_patient(w: &mut Writer, value: Value<'_>, out: &mut Output) {
    cwe::concept(w, "code", value, "", out);
    out.subject(w, "patient");
}

/// HL7 table 0128 says how severe the allergy is: the criticality where it has a counterpart (SV, MI), and the severity
/// of the reaction where one is told.
pub(super) fn severity_and_reactions(w: &mut Writer, value: Value<'_>, reactions: Value<'_>, out: &mut Output) {
    let code = cwe::code(value);
    let (criticality, severity) = match code.as_str() {
        "SV" => ("high", "severe"),
        "MO" => ("", "moderate"),
        "MI" => ("low", "mild"),
        _ => ("", ""),
    };
    w.string("criticality", criticality);
    let told: Vec<String> = reactions.repetitions().map(|r| r.whole_text().trim().to_owned()).collect();
    let is_told = told.iter().any(|t| !t.is_empty());
    if !is_told && criticality.is_empty() && !code.is_empty() && code != "U" {
        out.doubt(&SEVERITY_ALONE, &value);
    }
    w.array("reaction", |w| {
        w.item(|w| {
            w.array("manifestation", |w| {
                for text in &told {
                    w.item(|w| w.string("text", text));
                }
            });
            w.string("severity", if is_told { severity } else { "" });
        });
    });
}
