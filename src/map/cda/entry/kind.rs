//! What a clinical statement is: by its template where that is known (C-CDA, CCD, IHE PCC, IHE Pharmacy, eHDSI), by its
//! class, mood, code and section where it is not.

use super::Cx;
use crate::map::cda::node::{self, Node, attribute, child, child_attribute, children};

/// C-CDA templates of entries; what follows is their number.
const CCDA: &str = "2.16.840.1.113883.10.20.22.4.";
/// Templates of CCD 1.0, which still come in documents that name both.
const CCD: &str = "2.16.840.1.113883.10.20.1.";
/// IHE Patient Care Coordination.
const IHE: &str = "1.3.6.1.4.1.19376.1.5.3.1.4.";
/// IHE Pharmacy.
const IHE_PHARMACY: &str = "1.3.6.1.4.1.19376.1.9.1.3.";

/// The mapper that a statement goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An act around what it is concerned with: concern, diagnosis, a wrapper.
    Concern,
    Problem,
    Allergy,
    Medication,
    Immunization,
    Supply,
    ResultOrganizer,
    VitalOrganizer,
    FamilyOrganizer,
    CareTeam,
    DeviceOrganizer,
    Organizer,
    Observation,
    Procedure,
    Encounter,
    Coverage,
    Note,
    Comment,
    Instruction,
    Goal,
    Planned,
    Imaging,
    /// A document elsewhere.
    External,
    Media,
    /// An act that only points to another by its id.
    Pointer,
    Unknown,
}

/// What a statement says about the one around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Status,
    Severity,
    Reaction,
    Age,
    Criticality,
    Comment,
    Instruction,
    /// An instruction to the pharmacist.
    Fulfilment,
    /// How a drug is to be taken, in words.
    Sig,
    Refusal,
    Indication,
    /// An act that points to another by its id.
    Pointer,
    /// Died of it.
    Death,
    /// Nothing but itself.
    Own,
}

/// The LOINC codes of sections, where they say what an entry without a template is.
pub(super) mod section {
    pub(in super::super) const PROBLEMS: [&str; 9] =
        ["11450-4", "11348-0", "75310-3", "46241-6", "11535-2", "29308-4", "10219-4", "10218-6", "52521-2"];
    pub(in super::super) const DIAGNOSES: [&str; 4] = ["46241-6", "11535-2", "29308-4", "42347-5"];
    pub(in super::super) const ALLERGIES: &str = "48765-2";
    pub(in super::super) const ADMINISTERED: [&str; 2] = ["29549-3", "18610-6"];
    pub(in super::super) const RESULTS: [&str; 3] = ["30954-2", "26436-6", "18725-2"];
    pub(in super::super) const VITAL_SIGNS: &str = "8716-3";
    pub(in super::super) const IMMUNIZATIONS: &str = "11369-6";
    pub(in super::super) const SOCIAL_HISTORY: &str = "29762-2";
    pub(in super::super) const FAMILY_HISTORY: &str = "10157-6";
    pub(in super::super) const PHYSICAL: [&str; 2] = ["29545-1", "10184-0"];
    pub(in super::super) const PAYERS: &str = "48768-6";
}

/// Whether a statement names a template.
pub(super) fn has_template(node: Node<'_>, root: &str) -> bool {
    children(node, "templateId").any(|template| attribute(template, "root") == root)
}

/// Whether a statement names a C-CDA template by its number.
pub(super) fn is_ccda(node: Node<'_>, number: &str) -> bool {
    templates(node).any(|root| root.strip_prefix(CCDA) == Some(number))
}

/// The root of every template a statement names.
pub(super) fn templates<'a>(node: Node<'a>) -> impl Iterator<Item = &'a str> {
    children(node, "templateId").map(|template| attribute(template, "root"))
}

/// The mapper of a statement.
pub(super) fn kind(node: Node<'_>, cx: Cx<'_>) -> Kind {
    let (name, mood) = (node::name(node), attribute(node, "moodCode"));
    if name == "observation" && mood == "GOL" {
        return Kind::Goal;
    }
    if let Some(kind) = templates(node).find_map(of_template) {
        return moved(kind, name, mood);
    }
    moved(of_structure(node, name, cx), name, mood)
}

/// A plan, an order or a wish is another resource than what was done.
fn moved(kind: Kind, name: &str, mood: &str) -> Kind {
    let is_event = matches!(mood, "" | "EVN" | "DEF");
    match kind {
        Kind::Procedure | Kind::Observation if !is_event => Kind::Planned,
        Kind::Instruction if name != "act" => Kind::Observation,
        Kind::Immunization if !is_event => Kind::Medication,
        kind => kind,
    }
}

fn of_template(root: &str) -> Option<Kind> {
    if let Some(number) = root.strip_prefix(CCDA) {
        return of_ccda(number);
    }
    if let Some(number) = root.strip_prefix(CCD) {
        return Some(match number {
            "27" => Kind::Concern,
            "28" => Kind::Problem,
            "18" => Kind::Allergy,
            "24" => Kind::Medication,
            "34" => Kind::Supply,
            "29" => Kind::Procedure,
            "21" => Kind::Encounter,
            "32" => Kind::ResultOrganizer,
            "35" => Kind::VitalOrganizer,
            "31" => Kind::Observation,
            "23" => Kind::FamilyOrganizer,
            "20" => Kind::Coverage,
            "40" => Kind::Comment,
            "49" => Kind::Instruction,
            _ => return None,
        });
    }
    if let Some(number) = root.strip_prefix(IHE) {
        return Some(match number {
            "5.1" | "5.2" | "5.3" => Kind::Concern,
            "5" => Kind::Problem,
            "6" => Kind::Allergy,
            "7" | "7.1" => Kind::Medication,
            "7.3" => Kind::Supply,
            "12" => Kind::Immunization,
            "13" | "13.6" => Kind::Observation,
            "13.1" => Kind::VitalOrganizer,
            "14" => Kind::Encounter,
            "15" => Kind::FamilyOrganizer,
            "17" => Kind::Coverage,
            "19" => Kind::Procedure,
            "2" => Kind::Comment,
            "3" => Kind::Instruction,
            "4.1" => Kind::Pointer,
            _ => return None,
        });
    }
    if root == "2.16.840.1.113883.10.20.6.2.6" {
        return Some(Kind::Imaging);
    }
    Some(match root.strip_prefix(IHE_PHARMACY)? {
        "2" | "6" | "7" => Kind::Medication,
        // A reference to an item of a plan, a prescription or a dispense.
        "10" | "11" | "12" => Kind::Pointer,
        "4" | "8" => Kind::Supply,
        "3" => Kind::Observation,
        _ => return None,
    })
}

fn of_ccda(number: &str) -> Option<Kind> {
    Some(match number {
        "3" | "30" | "132" | "136" | "33" | "34" | "80" | "51" | "65" | "35" | "36" => Kind::Concern,
        "4" => Kind::Problem,
        "7" | "90" => Kind::Allergy,
        "16" | "42" => Kind::Medication,
        "52" | "120" => Kind::Immunization,
        "17" | "18" | "43" | "50" => Kind::Supply,
        "1" => Kind::ResultOrganizer,
        "26" => Kind::VitalOrganizer,
        "45" => Kind::FamilyOrganizer,
        "500" => Kind::CareTeam,
        "135" => Kind::DeviceOrganizer,
        "66" | "75" | "108" => Kind::Organizer,
        "2" | "5" | "27" | "38" | "48" | "67" | "68" | "69" | "72" | "74" | "78" | "79" | "85" | "86" | "109"
        | "111" | "113" | "114" | "124" | "127" | "128" | "138" | "143" | "144" | "200" | "501" | "505" | "506"
        | "507" => Kind::Observation,
        "12" | "13" | "14" => Kind::Procedure,
        "41" | "39" | "44" | "140" | "130" | "146" => Kind::Planned,
        "40" | "49" => Kind::Encounter,
        "60" | "129" => Kind::Coverage,
        "202" => Kind::Note,
        "64" => Kind::Comment,
        "20" => Kind::Instruction,
        "121" => Kind::Goal,
        "122" => Kind::Pointer,
        _ => return None,
    })
}

fn of_structure(node: Node<'_>, name: &str, cx: Cx<'_>) -> Kind {
    let (section, code) = (cx.section, child_attribute(node, "code", "code"));
    match name {
        "act" => of_act(node, section, code),
        "observation" => of_observation(node, section),
        "organizer" => match () {
            () if child(node, "subject").is_some() || section == section::FAMILY_HISTORY => Kind::FamilyOrganizer,
            () if section::RESULTS.contains(&section) => Kind::ResultOrganizer,
            () if section == section::VITAL_SIGNS || matches!(code, "46680005" | "74728-7" | "85353-1") => {
                Kind::VitalOrganizer
            }
            () if code == "86744-0" => Kind::CareTeam,
            () if attribute(node, "classCode") == "BATTERY" => Kind::ResultOrganizer,
            () => Kind::Organizer,
        },
        "substanceAdministration" => match section == section::IMMUNIZATIONS || code == "IMMUNIZ" {
            true => Kind::Immunization,
            false => Kind::Medication,
        },
        "supply" => Kind::Supply,
        "procedure" => Kind::Procedure,
        "encounter" => Kind::Encounter,
        "observationMedia" => Kind::Media,
        _ => Kind::Unknown,
    }
}

fn of_act(node: Node<'_>, section: &str, code: &str) -> Kind {
    let is_about = |related: Node<'_>| matches!(attribute(related, "typeCode"), "SUBJ" | "COMP" | "REFR");
    let holds = |name: &str| children(node, "entryRelationship").any(|r| is_about(r) && child(r, name).is_some());
    let mood = attribute(node, "moodCode");
    match code {
        "48767-8" => Kind::Comment,
        "PINSTRUCT" | "FINSTRUCT" => Kind::Instruction,
        "113014" => Kind::Imaging,
        "DOCCLIN" if child(node, "reference").is_some() => Kind::External,
        "CONC" | "29308-4" | "11535-2" | "46241-6" => Kind::Concern,
        "34109-9" => Kind::Note,
        _ if !matches!(mood, "" | "EVN" | "DEF") => Kind::Planned,
        _ if section == section::PAYERS => Kind::Coverage,
        _ if section::PROBLEMS.contains(&section) && holds("observation") => Kind::Concern,
        _ if section == section::ALLERGIES && holds("observation") => Kind::Concern,
        _ if code.is_empty() && holds("observation") | holds("substanceAdministration") => Kind::Concern,
        "" => Kind::Unknown,
        _ => Kind::Procedure,
    }
}

fn of_observation(node: Node<'_>, section: &str) -> Kind {
    let value = child(node, "value");
    let is_coded = value.is_some_and(|v| matches!(node::xsi_type(v), "CD" | "CE" | "CV" | "CO"));
    let has_substance = children(node, "participant").any(|p| attribute(p, "typeCode") == "CSM");
    // 病名 are told by their code system, whatever the section's code.
    let is_disease = value.is_some_and(|v| attribute(v, "codeSystem").starts_with("1.2.392.200119.4.101."));
    match () {
        () if section == section::ALLERGIES || has_substance => Kind::Allergy,
        () if is_disease || (section::PROBLEMS.contains(&section) && is_coded) => Kind::Problem,
        () => Kind::Observation,
    }
}

/// What a statement says about the one around it: by its template, else by its code.
pub(super) fn role(node: Node<'_>) -> Role {
    if let Some(role) = templates(node).find_map(role_of_template) {
        return role;
    }
    match child_attribute(node, "code", "code") {
        "33999-4" => Role::Status,
        "SEV" => Role::Severity,
        "445518008" => Role::Age,
        "82606-5" => Role::Criticality,
        "48767-8" => Role::Comment,
        "76662-6" => Role::Sig,
        // Reason care action performed or not.
        "77301-0" => Role::Refusal,
        "PINSTRUCT" => Role::Instruction,
        "FINSTRUCT" => Role::Fulfilment,
        _ => Role::Own,
    }
}

fn role_of_template(root: &str) -> Option<Role> {
    if let Some(number) = root.strip_prefix(CCDA) {
        return Some(match number {
            "6" | "28" => Role::Status,
            "8" => Role::Severity,
            "9" => Role::Reaction,
            "31" => Role::Age,
            "145" => Role::Criticality,
            "64" => Role::Comment,
            "20" => Role::Instruction,
            "147" => Role::Sig,
            "53" => Role::Refusal,
            "19" => Role::Indication,
            "122" => Role::Pointer,
            "47" => Role::Death,
            _ => return None,
        });
    }
    if let Some(number) = root.strip_prefix(CCD) {
        return Some(match number {
            "50" | "39" | "57" | "47" => Role::Status,
            "55" => Role::Severity,
            "54" => Role::Reaction,
            "38" => Role::Age,
            "40" => Role::Comment,
            "49" => Role::Instruction,
            "43" => Role::Fulfilment,
            _ => return None,
        });
    }
    if let Some(number) = root.strip_prefix(IHE) {
        return Some(match number {
            "1.1" => Role::Status,
            "1" => Role::Severity,
            "2" => Role::Comment,
            "3" => Role::Instruction,
            "3.1" => Role::Fulfilment,
            "4.1" => Role::Pointer,
            _ => return None,
        });
    }
    if let Some(number) = root.strip_prefix(IHE_PHARMACY) {
        return matches!(number, "10" | "11" | "12").then_some(Role::Pointer);
    }
    // CH-EMED reason for treatment.
    (root == "2.16.756.5.30.1.1.10.4.41").then_some(Role::Indication)
}
