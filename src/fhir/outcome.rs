//! OperationOutcome (operationoutcome.html): findings as FHIR says them, in Japanese and English.

use super::{ResourceType, Writer};
use crate::fault::{Finding, Issue, Place, rules};

rules! {
    pub(crate) NOT_LISTED "issues-not-listed" Information Incomplete
        "{} more issues are not listed."
        "このほかに{}件の指摘があります(省略しました)。"
}

/// Issues of one OperationOutcome; what else there is, a last issue counts.
pub const ISSUES_MAX: usize = 200;

/// The language of `details.text`. `diagnostics` is English always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// Japanese, which whoever does not say gets too.
    #[default]
    Unsaid,
    /// Japanese.
    Japanese,
    /// English.
    English,
}

impl Language {
    /// The tags of the languages an OperationOutcome is then written in (RFC 5646), as `Content-Language` has them.
    pub fn tags(self) -> &'static str {
        match self {
            Language::Unsaid => "ja, en",
            Language::Japanese => "ja",
            Language::English => "en",
        }
    }
}

/// An OperationOutcome as JSON for whoever does not say in which language.
pub fn operation_outcome(findings: &[Finding]) -> String {
    operation_outcome_in(findings, Language::Unsaid)
}

/// An OperationOutcome as JSON. `details.text` is in the language, `diagnostics` in English, `expression` the place. Of
/// more than [`ISSUES_MAX`] findings the gravest are listed.
pub fn operation_outcome_in(findings: &[Finding], language: Language) -> String {
    let mut w = Writer::new();
    w.string("resourceType", "OperationOutcome");
    w.array("issue", |w| {
        if findings.len() <= ISSUES_MAX {
            findings.iter().for_each(|finding| issue(w, finding, language));
            return;
        }
        let mut gravest: Vec<&Finding> = findings.iter().collect();
        gravest.sort_by_key(|finding| gravity(finding));
        gravest.iter().take(ISSUES_MAX).for_each(|finding| issue(w, finding, language));
        let more = Issue::with(&NOT_LISTED, Place::Whole, (findings.len() - ISSUES_MAX).to_string());
        issue(w, &Finding::from(&more), language);
    });
    format!("{{{}}}", w.finish())
}

/// Where its severity stands in a list that begins with the worst.
fn gravity(finding: &Finding) -> usize {
    let order = ["fatal", "error", "warning"];
    order.iter().position(|severity| *severity == finding.severity).unwrap_or(order.len())
}

fn issue(w: &mut Writer, finding: &Finding, language: Language) {
    w.item(|w| {
        w.string("severity", &finding.severity);
        w.string("code", &finding.code);
        w.object("details", |w| {
            w.array("coding", |w| {
                w.coding_item("https://tasuki.example/fhir/CodeSystem/rule", &finding.rule, "");
            });
            w.string("text", if language == Language::English { &finding.en } else { &finding.ja });
        });
        w.string("diagnostics", &finding.en);
        let (path, elsewhere) = parted(&finding.place);
        w.array("location", |w| w.item_string(elsewhere));
        w.array("expression", |w| w.item_string(path));
    });
}

/// A place as FHIRPath where it begins with a path in a resource, and what there is of it in the sender's own terms: a
/// field of HL7 v2, an XPath, a line (operationoutcome.html, `expression` and `location`).
fn parted(place: &str) -> (&str, &str) {
    let (path, elsewhere) = match place.split_once(" (") {
        Some((path, rest)) => (path, rest.trim_end_matches(')')),
        None => (place, ""),
    };
    let name = path.split(['.', '[']).next().unwrap_or_default();
    match place {
        "-" => ("", ""),
        _ if ResourceType::parse(name).is_some() => (path, elsewhere),
        _ => ("", place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn finding(severity: &str, number: usize) -> Finding {
        let (code, rule, place) = ("value".into(), format!("r{number}"), "Patient.name[0]".into());
        Finding { severity: severity.into(), code, rule, place, ja: "誤り".into(), en: "wrong".into() }
    }

    fn outcome(findings: &[Finding], language: Language) -> Value {
        serde_json::from_str(&operation_outcome_in(findings, language)).unwrap()
    }

    #[test]
    fn the_text_is_in_the_callers_language() {
        for (language, text) in [(Language::Unsaid, "誤り"), (Language::Japanese, "誤り"), (Language::English, "wrong")]
        {
            let outcome = outcome(&[finding("error", 0)], language);
            assert_eq!(outcome["issue"][0]["details"]["text"], text);
            assert_eq!(outcome["issue"][0]["diagnostics"], "wrong");
            assert_eq!(outcome["issue"][0]["expression"], serde_json::json!(["Patient.name[0]"]));
        }
    }

    #[test]
    fn a_place_is_a_path_or_in_the_senders_terms() {
        for (place, path, location) in [
            ("-", None, None),
            ("Patient", Some("Patient"), None),
            ("Bundle.entry[2].resource.name[0]", Some("Bundle.entry[2].resource.name[0]"), None),
            ("Patient.nope (line 2, column 1)", Some("Patient.nope"), Some("line 2, column 1")),
            ("line 1, column 9", None, Some("line 1, column 9")),
            ("PID-3[1].4", None, Some("PID-3[1].4")),
            ("/ClinicalDocument/id", None, Some("/ClinicalDocument/id")),
        ] {
            let outcome = outcome(&[Finding { place: place.into(), ..finding("error", 0) }], Language::Unsaid);
            let said = |name: &str| outcome["issue"][0][name][0].as_str().map(str::to_owned);
            assert_eq!((said("expression").as_deref(), said("location").as_deref()), (path, location), "{place}");
        }
    }

    #[test]
    fn many_issues_are_listed_up_to_the_limit_and_counted_beyond_it() {
        let mut findings: Vec<Finding> = (0..ISSUES_MAX).map(|n| finding("information", n)).collect();
        let full = outcome(&findings, Language::English);
        assert_eq!(full["issue"].as_array().unwrap().len(), ISSUES_MAX);
        findings.push(finding("error", 9999));
        let cut = outcome(&findings, Language::English);
        let issues = cut["issue"].as_array().unwrap();
        assert_eq!(issues.len(), ISSUES_MAX + 1);
        assert_eq!(issues[0]["details"]["coding"][0]["code"], "r9999");
        assert_eq!(issues[ISSUES_MAX]["diagnostics"], "1 more issues are not listed.");
    }
}
