//! Received FHIR to changes: JP-CLINS Bundles (collection, document) and single resources (docs/mapping/fhir.md says why).

mod bundle;
mod provenance;
mod single;
mod text;

use serde_json::Value;

use crate::fault::{Issue, Noted, Place, rules};
use crate::fhir::{ResourceType, reference};
use crate::letter::{LetterId, Source};
use crate::map::Mapped;

/// What the mapper is told beside the resource itself.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Who sent it.
    pub source: &'a Source,
    /// The stored raw letter, for the Provenance.
    pub letter: LetterId,
}

rules! {
    NOT_SUPPORTED "fhir-not-supported" Error NotSupported
        "this kind of resource is not taken in yet: {}" "この種類のリソースはまだ受け入れられません: {}"
    NOT_THE_TREE "fhir-text-differs" Fatal Structure
        "the text does not hold the resource that was read from it" "読み取ったリソースと元の文字列が一致しません"
    NO_PATIENT_ENTRY "fhir-bundle-no-patient" Error Required
        "the Bundle holds no Patient" "Bundle に Patient がありません"
    MANY_PATIENTS "fhir-bundle-many-patients" Error BusinessRule
        "the Bundle holds {} Patients; one is taken at a time" "Bundle に Patient が {} 件あります。一度に受け入れられるのは 1 件です"
    NO_NUMBER "fhir-patient-no-number" Error Required
        "the Patient has no identifier" "Patient に識別子がありません"
    MANY_NUMBERS "fhir-patient-many-numbers" Error Conflict
        "the Patient has numbers of several facilities and none is the sender's"
        "Patient に複数の施設の患者番号があり、送信元の施設のものがありません"
    OTHER_FACILITY "fhir-other-facility" Error Conflict
        "the resource is numbered by another facility: {}" "別の施設の患者番号が付いています: {}"
    NO_HOSPITAL_NUMBER "fhir-patient-no-hospital-number" Warning BusinessRule
        "the Patient has no hospital number with the system of a 10-digit facility; its first identifier stands for it"
        "医療機関番号 10 桁の体系による患者番号がないため、先頭の識別子で代用しました"
    PATIENT_UNKNOWN "fhir-patient-unresolved" Error NotFound
        "the patient is not stated in a way that names a record here" "対象の患者を特定できません"
    PATIENT_TWO "fhir-patient-contradiction" Error Conflict
        "reference and identifier of the patient name different records" "患者の参照と識別子が別の患者を指しています"
    NO_ID "fhir-no-id" Error Required
        "the resource has no usable id" "リソースの id がないか、使えない形です"
    UNRESOLVED "fhir-reference-unresolved" Warning NotFound
        "a reference means nothing in this Bundle and is kept as it is" "Bundle 内に参照先がないため、参照をそのまま残しました"
    ENTRY_EMPTY "fhir-entry-empty" Warning Incomplete
        "an entry without a resource of a known type is kept in the Bundle only"
        "既知の型のリソースを持たない entry は Bundle の中にのみ残しました"
    INSIDE_ONLY "fhir-entry-inside-only" Warning BusinessRule
        "a {} inside a Bundle is kept there and takes no effect of its own"
        "Bundle 内の {} は Bundle の中にのみ残し、単独では効力を持ちません"
    KEY_TWICE "fhir-identifier-twice" Warning Duplicate
        "several {} in the Bundle carry one business identifier; their codes tell them apart"
        "Bundle 内の複数の {} が同じ識別子を持つため、コードで区別しました"
    NO_TIME "fhir-bundle-no-time" Warning Required
        "the Bundle states no time; it cannot be told from an older one"
        "Bundle に日時がないため、古いものと区別できません"
}

/// Maps a received resource; `raw` are the bytes that `resource` was read from. An error is a letter to be held.
pub fn map(resource: &Value, raw: &[u8], context: Context<'_>) -> Result<Noted<Mapped>, Issue> {
    let not_the_tree = || Issue::new(&NOT_THE_TREE, Place::Whole);
    let (raw, _) = crate::decode::fhir::text(raw).map_err(|_| not_the_tree())?;
    let raw = crate::fhir::json::Members::of(raw).ok_or_else(not_the_tree)?;
    let Some(resource_type) = reference::resource_type(resource) else {
        return Err(Issue::with(&NOT_SUPPORTED, Place::Whole, "-"));
    };
    match resource_type {
        ResourceType::BUNDLE => bundle::map(resource, &raw, context),
        ResourceType::ORGANIZATION => single::organization(resource, &raw, context),
        _ => single::of_patient(resource_type, resource, &raw, context),
    }
}

#[cfg(test)]
mod tests;
