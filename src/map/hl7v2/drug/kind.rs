//! What the codes of an order's free fields are: 処方区分, 注射種別, or something a pharmacist is told.

use crate::decode::hl7v2::Value;
use crate::fhir::{Writer, system};
use crate::map::Output;
use crate::map::hl7v2::drug::comment;

/// JHSP 表 0002 and JAMI 医薬品調剤指示コード: what a pharmacist is told to do (一包化, 粉砕).
const DISPENSING: [&str; 2] = ["JHSP0002", "1.2.392.200250.2.2.30.10"];
/// 処方区分.
const CATEGORIES: [&str; 5] = ["MR9P", "MERIT9", "JHSP0007", "JHSI0001", "99I01"];
/// 注射種別: what stands for the drug in RXE-2 of an injection, whose drugs are RXC.
const INJECTION_KINDS: [&str; 2] = ["JHSI0002", "99I02"];

/// The names of the tables a value names.
pub(crate) fn tables(value: Value<'_>) -> [String; 2] {
    [3, 6].map(|n| value.component(n).text().trim().to_owned())
}

/// Whether a pharmacist is told it.
pub(crate) fn is_for_dispensing(value: Value<'_>) -> bool {
    tables(value).iter().any(|table| DISPENSING.contains(&table.as_str()))
}

/// 処方区分; a local code of a Japanese sender's counts as one.
pub(crate) fn is_category(value: Value<'_>, out: &Output) -> bool {
    let is_local = |table: &String| table.starts_with("99") && out.facility.is_insurance_institution();
    tables(value).iter().any(|table| CATEGORIES.contains(&table.as_str()) || is_local(table))
}

/// 注射種別 (JHSI 表 0002, `00` 一般): no drug.
pub(crate) fn is_injection_kind(value: Value<'_>) -> bool {
    tables(value).iter().any(|table| INJECTION_KINDS.contains(&table.as_str()))
}

/// Writes the JP Core extension InstructionForDispense as an item of `extension`.
pub(crate) fn instruction_for_dispense(w: &mut Writer, value: Value<'_>, out: &mut Output) {
    w.item(|w| {
        let name = "JP_MedicationRequest_DispenseRequest_InstructionForDispense";
        w.string("url", &format!("{}{name}", system::JP_EXTENSION));
        comment::concept(w, "valueCodeableConcept", value, "", out);
    });
}
