//! What is asked of whoever sends, beyond what every resource must meet to be stored; and what is said of a resource by it: what
//! R4 itself asks for, and what profiles ask beyond that, in one list and nothing twice (`docs/adr/0050`).

use std::collections::HashSet;

use serde_json::Value;

use super::base;
use super::profile::against_each;
use crate::fault::{Finding, Issue, IssueType, Place, Severity, rules};
use crate::profile::Profiles;

/// Findings of one letter that its receipt keeps; a last one says how many more there are.
pub const FINDINGS_MAX: usize = 50;

rules! {
    MORE "validation-more" Information Incomplete
        "{} more findings are not listed: correct these first."
        "このほかに{}件の指摘があります。まずここに挙げたものを直してください。"
}

/// What becomes of what does not conform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Nobody looks.
    #[default]
    Off,
    /// It is taken in, and the sender is told.
    Report,
    /// It waits for somebody of the network to look.
    Hold,
    /// It is the sender's to mend; the letter is kept all the same.
    Refuse,
}

/// What is asked of a sender.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standard {
    /// What becomes of what does not conform.
    pub policy: Policy,
    /// Whether what other formats than FHIR are mapped to is checked too.
    pub is_for_mapped: bool,
    /// Canonicals of profiles that every resource of their types must keep to, beside those that it claims.
    pub profiles: Vec<String>,
}

/// What a resource is found to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Errors and warnings, and what could not be checked; see [`Judgement::in_order`].
    pub findings: Vec<Finding>,
    /// How many errors there are.
    pub errors: usize,
    /// Whether the gateway failed over it: then some of the errors are not the sender's to mend.
    pub is_unfinished: bool,
}

impl Standard {
    /// What there is to say of a resource, in no order yet. The places of findings are FHIRPaths from it; `of` stands behind each,
    /// where the resource is one that the sender does not know.
    pub fn judge(&self, resource: &Value, of: &str, profiles: &Profiles) -> Judgement {
        let asked: Vec<&str> = self.profiles.iter().map(String::as_str).collect();
        let of_base = base(resource);
        let problems = against_each(resource, &asked, profiles);
        let of_profiles = problems.iter().map(|one| (one.severity(), one.issue.rule.code, Finding::from(one)));
        let said = of_base.iter().map(|one| (one.rule.severity, one.rule.code, Finding::from(one))).chain(of_profiles);
        let mut judgement = Judgement::default();
        for (severity, code, finding) in said {
            judgement.errors += usize::from(severity >= Severity::Error);
            // Advice is for whoever asks for it; what was not looked at is for everybody to know.
            let is_unchecked = matches!(code, IssueType::Incomplete | IssueType::NotSupported | IssueType::TooCostly);
            if severity >= Severity::Warning || is_unchecked {
                let place = if of.is_empty() { finding.place } else { format!("{} ({of})", finding.place) };
                judgement.findings.push(Finding { place, ..finding });
            }
        }
        judgement
    }
}

impl Judgement {
    /// What was noticed while the text was read.
    pub fn of_text(noticed: &[Issue]) -> Self {
        let errors = noticed.iter().filter(|one| one.rule.severity >= Severity::Error).count();
        Judgement { findings: noticed.iter().map(Finding::from).collect(), errors, is_unfinished: false }
    }

    /// Takes up what else is said of the same letter.
    pub fn add(&mut self, other: Judgement) {
        self.errors += other.errors;
        self.is_unfinished |= other.is_unfinished;
        self.findings.extend(other.findings);
    }

    /// The gravest first, each once, cut at [`FINDINGS_MAX`].
    #[must_use]
    pub fn in_order(mut self) -> Self {
        self.findings = once(self.findings);
        self.findings.sort_by_key(rank);
        if self.findings.len() > FINDINGS_MAX {
            let left_out = self.findings.len() - FINDINGS_MAX;
            self.findings.truncate(FINDINGS_MAX);
            self.findings.push(Finding::from(&Issue::with(&MORE, Place::Whole, left_out.to_string())));
        }
        self
    }
}

/// Findings without those that say the same of the same place; what was not loaded is said once, wherever it was needed.
pub fn once(findings: Vec<Finding>) -> Vec<Finding> {
    let mut seen = HashSet::new();
    let mut findings = findings;
    findings.retain(|finding| {
        let is_of_gateway = finding.severity == "information" && finding.code == IssueType::Incomplete.code();
        let place = if is_of_gateway { String::new() } else { finding.place.clone() };
        seen.insert((place, finding.rule.clone(), finding.en.clone()))
    });
    findings
}

/// Where a finding stands in a list that begins with the gravest.
pub fn rank(finding: &Finding) -> usize {
    ["fatal", "error", "warning"].iter().position(|one| *one == finding.severity).unwrap_or(3)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::guide::Library;

    fn judge(resource: &Value) -> Judgement {
        Standard::default().judge(resource, "", &Profiles::new(Arc::new(Library::default()))).in_order()
    }

    #[test]
    fn what_r4_asks_is_counted_and_advice_is_not_kept() {
        let right = json!({"resourceType": "Patient", "gender": "female"});
        assert_eq!(judge(&right), Judgement::default());
        let wrong = judge(&json!({"resourceType": "Patient", "gender": "F", "birthDate": "1950-02-30"}));
        assert_eq!((wrong.errors, wrong.findings.len()), (2, 2));
        assert!(wrong.findings.iter().all(|finding| finding.severity == "error"));
        let claimed = judge(&json!({"resourceType": "Patient", "meta": {"profile": ["http://nowhere.example/p"]}}));
        assert_eq!((claimed.errors, &*claimed.findings[0].rule), (0, "profile-unknown"));
    }

    #[test]
    fn findings_are_listed_up_to_the_limit() {
        let finding = |n: usize| {
            let place = format!("Patient.name[{n}]");
            let severity = if n.is_multiple_of(2) { "warning" } else { "error" };
            let (code, rule) = ("value".to_owned(), "r".to_owned());
            Finding { severity: severity.into(), code, rule, place, ja: String::new(), en: String::new() }
        };
        let listed = |count: usize| {
            let findings = (0..count).chain(0..count).map(finding).collect();
            Judgement { findings, ..Judgement::default() }.in_order().findings
        };
        assert_eq!(listed(FINDINGS_MAX).len(), FINDINGS_MAX);
        let cut = listed(FINDINGS_MAX + 1);
        assert_eq!(
            (cut.len(), &*cut[FINDINGS_MAX].rule, &*cut[0].severity),
            (FINDINGS_MAX + 1, "validation-more", "error")
        );
        assert!(cut[FINDINGS_MAX].en.starts_with("1 more"));
    }

    #[test]
    fn what_is_not_loaded_is_said_once() {
        let coding = |code: &str| json!({"coding": [{"system": "http://s.example", "code": code}]});
        let both = json!({"resourceType": "Patient", "maritalStatus": coding("a"), "communication": [{"language": coding("b")}]});
        let rules: Vec<String> = judge(&both).findings.into_iter().map(|finding| finding.rule).collect();
        assert_eq!(rules.iter().filter(|rule| *rule == "profile-not-loaded-codes").count(), 1, "{rules:?}");
    }
}
