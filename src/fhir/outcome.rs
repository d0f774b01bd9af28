//! OperationOutcome: issues as FHIR says them, in Japanese and English.

use super::Writer;
use crate::fault::Issue;

/// An OperationOutcome as JSON. `details.text` is Japanese, `diagnostics` English with the rule and the place.
pub fn operation_outcome(issues: &[Issue]) -> String {
    let mut w = Writer::new();
    w.string("resourceType", "OperationOutcome");
    w.array("issue", |w| {
        for issue in issues {
            w.item(|w| {
                w.string("severity", issue.rule.severity.code());
                w.string("code", issue.rule.code.code());
                w.object("details", |w| {
                    w.array("coding", |w| {
                        w.coding_item("https://tasuki.example/fhir/CodeSystem/rule", issue.rule.id, "");
                    });
                    w.string("text", &issue.japanese());
                });
                w.string("diagnostics", &issue.english());
                w.array("expression", |w| w.item_string(&expression(issue)));
            });
        }
    });
    format!("{{{}}}", w.finish())
}

fn expression(issue: &Issue) -> String {
    match &issue.place {
        crate::fault::Place::Whole => String::new(),
        place => place.to_string(),
    }
}
