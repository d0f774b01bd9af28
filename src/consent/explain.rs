//! Why somebody may see something, or not: what the network's office is told of a decision (`$explain-access`). It is
//! computed by the same policies that decide, and changes nothing.

use super::directive::ConsentVersion;
use super::permitted::RowFacts;
use super::policy::{Decided, Policy};
use crate::search::Labels;

/// The account of one decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Whether it may be seen.
    pub permitted: bool,
    /// Why.
    pub reason: Reason,
    /// The Consent, or the network's rule, that decided.
    pub by: Option<ConsentVersion>,
    /// Which provision of it: the index in each `provision` on the way to it.
    pub path: Vec<u16>,
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The role includes it, or does not.
    Role,
    /// The token is not good for it.
    Scope,
    /// It is the organisation's own record.
    Custodian,
    /// It names another patient too.
    OtherPatient,
    /// A Consent says so.
    Consent,
    /// No consent speaks of it.
    NoConsent,
    /// A consent would permit it but for its labels, which none names.
    Labels,
    /// A consent permits it, and it tells of something that is hidden, or is a document of which something is.
    HangsTogether,
    /// The network's rules do not publish it.
    Network,
    /// A Consent that cannot be enforced closes the record.
    NotUnderstood,
    /// The record stands open in an emergency.
    Emergency,
}

impl Account {
    /// What a policy says of a row, and why.
    pub(super) fn of(policy: &Policy, now_ms: i64, row: &RowFacts<'_>) -> Account {
        let decision = policy.decide(now_ms, row);
        let unlabelled = RowFacts { labels: Labels::default(), ..*row };
        let reason = match decision.ground {
            Decided::Consent => Reason::Consent,
            Decided::Network => Reason::Network,
            Decided::Emergency => Reason::Emergency,
            Decided::NotUnderstood => Reason::NotUnderstood,
            Decided::Nothing if policy.decide(now_ms, &unlabelled).permitted => Reason::Labels,
            Decided::Nothing => Reason::NoConsent,
        };
        let by = decision.by.cloned();
        Account { permitted: decision.permitted, reason, by, path: decision.path.to_vec() }
    }

    /// The provision that decided, as FHIRPath; empty where none did.
    pub fn provision(&self) -> String {
        let inner = self.path.iter().map(|index| format!(".provision[{index}]"));
        match (&self.by, self.reason) {
            (Some(_), Reason::Consent | Reason::Network) => format!("Consent.provision{}", inner.collect::<String>()),
            _ => String::new(),
        }
    }
}

impl Reason {
    /// Its code.
    pub const fn code(self) -> &'static str {
        match self {
            Reason::Role => "role",
            Reason::Scope => "scope",
            Reason::Custodian => "custodian",
            Reason::OtherPatient => "other-patient",
            Reason::Consent => "consent",
            Reason::NoConsent => "no-consent",
            Reason::Labels => "labels",
            Reason::HangsTogether => "hangs-together",
            Reason::Network => "network",
            Reason::NotUnderstood => "not-understood",
            Reason::Emergency => "emergency",
        }
    }

    /// What the office reads.
    pub const fn text(self, permitted: bool) -> (&'static str, &'static str) {
        match (self, permitted) {
            (Reason::Role, true) => ("The role includes it.", "役割により閲覧できます。"),
            (Reason::Role, false) => {
                ("The role does not include this type.", "この役割では、この種類の情報を閲覧できません。")
            }
            (Reason::Scope, _) => ("The token's scopes do not include it.", "トークンのスコープに含まれていません。"),
            (Reason::Custodian, _) => ("It is the organisation's own record.", "自施設の記録です。"),
            (Reason::OtherPatient, _) => {
                ("It names another patient too.", "別の患者の情報も含まれているため、閲覧できません。")
            }
            (Reason::Consent, true) => ("A consent permits it.", "同意により閲覧できます。"),
            (Reason::Consent, false) => ("A consent denies it.", "同意書で閲覧が拒否されています。"),
            (Reason::NoConsent, _) => ("No consent permits it.", "閲覧を許可する同意がありません。"),
            (Reason::Labels, _) => (
                "It is labelled, and no consent names the label.",
                "機微情報などのラベルがあり、それを明示した同意がありません。",
            ),
            (Reason::HangsTogether, _) => (
                "It tells of something that is hidden, or is a document of which something is.",
                "非開示の情報に言及しているか、その一部に非開示の情報を含む文書です。",
            ),
            (Reason::Network, _) => (
                "The network's rules do not publish it to this member.",
                "ネットワークの規程により、この参加者には公開されません。",
            ),
            (Reason::NotUnderstood, _) => (
                "A consent that cannot be enforced closes the record.",
                "判定できない同意書があるため、記録全体が閉じられています。",
            ),
            (Reason::Emergency, _) => ("The record stands open in an emergency.", "緊急時の閲覧として開かれています。"),
        }
    }
}
