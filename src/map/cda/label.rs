//! confidentialityCode (CDA R2 section 4.2.1.6, HL7 v3 Confidentiality) to Composition.confidentiality and security labels.

use std::borrow::Cow;

use super::datatype::cd;
use super::node::{Node, attribute, null_flavor};
use crate::fhir::Writer;

const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
const CONFIDENTIALITY_OID: &str = "2.16.840.1.113883.5.25";
const SNOMED_OID: &str = "2.16.840.1.113883.6.96";

/// How confidential a document or a section says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Label {
    system: Cow<'static, str>,
    code: String,
}

impl Label {
    /// What the code says; `None` when there is none or it is null.
    pub(super) fn of(node: Node<'_>) -> Option<Self> {
        let code = attribute(node, "code");
        if null_flavor(node).is_some() || code.is_empty() {
            return None;
        }
        let stated = attribute(node, "codeSystem");
        let normal = match (stated, code) {
            // The Swiss patient record says the three levels in SNOMED CT.
            (SNOMED_OID, "17621005") => "N",
            (SNOMED_OID, "263856008") => "R",
            (SNOMED_OID, "1141000195107") => "V",
            ("" | CONFIDENTIALITY_OID, code) => code,
            (_, code) => return Some(Label { system: cd::system_of(node), code: code.to_owned() }),
        };
        Some(Label { system: Cow::Borrowed(CONFIDENTIALITY), code: normal.to_owned() })
    }

    /// Whether it is the usual one, which needs no label.
    pub(super) fn is_normal(&self) -> bool {
        self.system == CONFIDENTIALITY && self.code == "N"
    }

    /// The code for Composition.confidentiality, which is bound to the classification; empty for any other.
    pub(super) fn classification(&self) -> &str {
        let is_class =
            self.system == CONFIDENTIALITY && matches!(self.code.as_str(), "U" | "L" | "M" | "N" | "R" | "V");
        if is_class { &self.code } else { "" }
    }

    /// Writes it as a Coding.
    pub(super) fn item(&self, w: &mut Writer) {
        w.coding_item(&self.system, &self.code, "");
    }
}
