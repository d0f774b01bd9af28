//! Entries of a section (CDA R2 section 4.3.6): clinical statements to resources. `kind.rs` says which mapper a statement
//! goes to; each mapper reports what it does not carry over.

mod account;
mod actor;
mod allergy;
mod care_team;
mod concern;
mod condition;
mod coverage;
mod device;
mod dosage;
mod encounter;
mod family;
mod goal;
mod identity;
mod imaging;
mod immunization;
mod kind;
mod medication;
mod note;
mod observation;
mod organizer;
mod planned;
mod procedure;
mod product;
mod reason;
mod related;
mod rule;
mod status;
mod supply;
#[cfg(test)]
pub(super) mod tests;
mod vital_signs;

use std::collections::HashSet;

use self::kind::Kind;
use self::product::Product;
use self::rule::{TOO_DEEP, UNKNOWN_STATEMENT};
use crate::map::Output;
use crate::map::cda::datatype::ivl_ts::Span;
use crate::map::cda::node::{self, Node, elements};

/// Statements nested deeper than this are reported and not carried over.
pub(super) const STATEMENT_DEPTH_MAX: usize = 24;

/// The elements that are clinical statements.
const STATEMENTS: [&str; 9] = [
    "act",
    "observation",
    "organizer",
    "procedure",
    "encounter",
    "substanceAdministration",
    "supply",
    "observationMedia",
    "regionOfInterest",
];

/// What an entry takes over from the section and the document around it.
pub(super) struct Within<'a> {
    /// The code of the section; empty when it has none.
    pub(super) section_code: &'a str,
    /// The URI or object identifier of its code system.
    pub(super) section_system: &'a str,
    /// The author of section or document, `Type/id`.
    pub(super) author: Option<&'a str>,
    /// The encounter the document is about, `Type/id`.
    pub(super) encounter: Option<&'a str>,
    /// What stands under an id of the section's narrative, as plain text.
    pub(super) text: &'a dyn Fn(&str) -> Option<String>,
}

/// What a statement takes over from the one around it.
#[derive(Clone, Copy)]
struct Cx<'a> {
    within: &'a Within<'a>,
    /// The LOINC code of the section; empty when it has another.
    section: &'a str,
    /// The author of the statement around it, else of section or document.
    author: Option<&'a str>,
    /// The time of the organizer around it.
    time: Option<&'a Span>,
    /// `statusCode` of the concern around it; empty outside of one.
    concern_status: &'a str,
    /// Whether an act around it says that this is the diagnosis of a visit.
    is_diagnosis: bool,
    /// Whether it is the reason for what the statement around it does.
    is_reason: bool,
    /// Whether the act around it is a procedure, in which a drug is given.
    is_given: bool,
    /// The product of the administration around it.
    product: Option<Product<'a>>,
    /// The resource that the statement around it is, `Type/id`.
    around: Option<&'a str>,
    depth: usize,
}

impl<'a> Cx<'a> {
    /// One level further down.
    fn deeper(self) -> Self {
        Cx { depth: self.depth + 1, ..self }
    }
}

/// Maps one `entry`; gives `Type/id` of what Composition.section.entry should list.
pub(super) fn map(entry: Node<'_>, within: &Within<'_>, out: &mut Output) -> Vec<String> {
    let cx = Cx {
        within,
        section: if is_loinc(within.section_system) { within.section_code } else { "" },
        author: within.author,
        time: None,
        concern_status: "",
        is_diagnosis: false,
        is_reason: false,
        is_given: false,
        product: None,
        around: None,
        depth: 0,
    };
    let mut references = Vec::new();
    for child in elements(entry) {
        if STATEMENTS.contains(&node::name(child)) {
            references.extend(statement(child, cx, out));
        }
    }
    account::account(entry, &STATEMENTS, out);
    let mut seen = HashSet::new();
    references.retain(|reference| seen.insert(reference.clone()));
    references
}

/// LOINC, or no system at all: what looks like a code of LOINC is none of another system.
fn is_loinc(system: &str) -> bool {
    matches!(system, "" | "2.16.840.1.113883.6.1" | "http://loinc.org")
}

/// Maps one statement; gives the resources it became, the one it is itself first.
fn statement(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    if cx.depth >= STATEMENT_DEPTH_MAX {
        out.issue_with(&TOO_DEEP, node::place(node), STATEMENT_DEPTH_MAX.to_string());
        return Vec::new();
    }
    match kind::kind(node, cx) {
        Kind::Concern => concern::map(node, cx, out),
        Kind::Problem => condition::map(node, cx, out),
        Kind::Allergy => allergy::map(node, cx, out),
        Kind::Medication => medication::map(node, cx, out),
        Kind::Immunization => immunization::map(node, cx, out),
        Kind::Supply => supply::map(node, cx, out),
        Kind::ResultOrganizer => organizer::results(node, cx, out),
        Kind::VitalOrganizer => vital_signs::map(node, cx, out),
        Kind::FamilyOrganizer => family::map(node, cx, out),
        Kind::CareTeam => care_team::map(node, cx, out),
        Kind::DeviceOrganizer => organizer::loose(node, cx, out),
        Kind::Organizer => organizer::panel(node, cx, out),
        Kind::Observation => observation::map(node, cx, out),
        Kind::Procedure => procedure::map(node, cx, out),
        Kind::Encounter => encounter::map(node, cx, out),
        Kind::Coverage => coverage::map(node, cx, out),
        Kind::Note => note::map(node, cx, out),
        Kind::Comment => note::standalone(node, cx, out),
        Kind::Instruction | Kind::Planned => planned::map(node, cx, out),
        Kind::Goal => goal::map(node, cx, out),
        Kind::Imaging => imaging::map(node, cx, out),
        Kind::External => note::external(node, cx, out),
        Kind::Media => note::media(node, cx, out),
        Kind::Pointer => related::pointed_at(node, out).into_iter().collect(),
        Kind::Unknown => {
            out.issue_with(&UNKNOWN_STATEMENT, node::place(node), node::name(node));
            Vec::new()
        }
    }
}
