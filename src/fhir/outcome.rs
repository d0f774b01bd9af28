//! OperationOutcome: findings as FHIR says them, in Japanese and English.

use super::Writer;
use crate::fault::Finding;

/// An OperationOutcome as JSON. `details.text` is Japanese, `diagnostics` English, `expression` the place.
pub fn operation_outcome(findings: &[Finding]) -> String {
    let mut w = Writer::new();
    w.string("resourceType", "OperationOutcome");
    w.array("issue", |w| {
        for finding in findings {
            w.item(|w| {
                w.string("severity", &finding.severity);
                w.string("code", &finding.code);
                w.object("details", |w| {
                    w.array("coding", |w| {
                        w.coding_item("https://tasuki.example/fhir/CodeSystem/rule", &finding.rule, "");
                    });
                    w.string("text", &finding.ja);
                });
                w.string("diagnostics", &finding.en);
                let place = if finding.place == "-" { "" } else { &finding.place };
                w.array("expression", |w| w.item_string(place));
            });
        }
    });
    format!("{{{}}}", w.finish())
}
