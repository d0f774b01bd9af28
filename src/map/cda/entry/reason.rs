//! Why something is done: relationship RSON, indications (C-CDA 22.4.19) and refusal reasons (22.4.53) to reasonCode and
//! reasonReference.

use super::account::account;
use super::kind::Role;
use super::related::{self, Related, is_negated, of_types, reference_items, told};
use super::{Cx, condition, identity};
use crate::fhir::Writer;
use crate::map::Output;
use crate::map::cda::datatype::{cd, ii};
use crate::map::cda::node::{self, Node, child, children};

/// What a reason may refer to in a resource of R4.
pub(super) type Types = &'static [&'static str];
/// Procedure and ServiceRequest.
pub(super) const DOCUMENTED: Types = &["Condition", "Observation", "DiagnosticReport", "DocumentReference"];
/// MedicationStatement, MedicationAdministration and Immunization.
pub(super) const REPORTED: Types = &["Condition", "Observation", "DiagnosticReport"];
/// MedicationRequest.
pub(super) const FOUND: Types = &["Condition", "Observation"];
/// Encounter and Appointment.
pub(super) const VISITED: Types = &["Condition", "Procedure", "Observation"];
const LEAF: [&str; 9] = [
    "id",
    "code",
    "statusCode",
    "effectiveTime",
    "value",
    "author",
    "interpretationCode",
    "entryRelationship",
    "priorityCode",
];

/// The reasons of a statement.
#[derive(Debug, Default)]
pub(super) struct Reasons<'a> {
    /// Statements whose value, code or text is the reason.
    pub(super) codes: Vec<Node<'a>>,
    /// Statements that say why something was not done.
    pub(super) refusals: Vec<Node<'a>>,
    /// Resources that are the reason.
    pub(super) references: Vec<String>,
    /// What else became of them.
    pub(super) others: Vec<String>,
    types: Types,
}

impl<'a> Reasons<'a> {
    /// No reasons so far, of a resource that may refer to these types.
    pub(super) fn of(types: Types) -> Self {
        Reasons { types, ..Reasons::default() }
    }

    /// Takes a related statement when it is a reason; whether it was.
    pub(super) fn take(&mut self, related: &Related<'a>, cx: Cx<'_>, out: &mut Output) -> bool {
        match related.role {
            Role::Refusal => {
                self.refusals.push(related.node);
                account(related.node, &LEAF, out);
            }
            Role::Indication => self.indication(related, cx, out),
            Role::Pointer if related.kind == "RSON" => {
                let found = related::pointed_at(related.node, out).into_iter().collect();
                let (references, others) = of_types(found, self.types);
                if !others.is_empty() {
                    related::note_unlinked(related, out);
                }
                self.references.extend(references);
            }
            Role::Own if related.kind == "RSON" => {
                let (references, others) = of_types(related::own(related, cx, out), self.types);
                if references.is_empty() && !others.is_empty() {
                    related::note_unlinked(related, out);
                }
                self.references.extend(references);
                self.others.extend(others);
            }
            _ => return false,
        }
        true
    }

    /// An indication is a code; where it has a time of its own, or names a problem of the document, a Condition too.
    fn indication(&mut self, related: &Related<'a>, cx: Cx<'_>, out: &mut Output) {
        let node = related.node;
        if is_negated(node) || is_negated(related.relation) {
            return out.issue_with(&super::rule::NEGATED, node::place(node), "reasonCode");
        }
        self.codes.push(node);
        let named =
            children(node, "id").filter_map(ii::key_of).find_map(|key| out.stated.named(&key).map(str::to_owned));
        match named {
            Some(reference) => {
                self.references.extend(Some(reference).filter(|r| super::actor::is_of(r, self.types)));
            }
            None if !identity::when(node).is_empty() && is_stated(node) => {
                let inner = Cx { concern_status: "", is_diagnosis: false, is_reason: true, ..cx.deeper() };
                return self.references.extend(condition::map(node, inner, out));
            }
            None => {}
        }
        account(node, &LEAF, out);
        for inner in related::related(node, out) {
            self.others.extend(related::not_linked(&inner, cx, out));
        }
    }

    /// Writes why something was not done as items of an array.
    pub(super) fn refusal_items(&self, w: &mut Writer, cx: Cx<'_>, out: &mut Output) {
        for refusal in &self.refusals {
            w.item(|w| refusal_members(w, *refusal, cx, out));
        }
    }

    /// Writes why something was not done as the member `statusReason`, of which there is one; others are reported.
    pub(super) fn write_refusal(&self, w: &mut Writer, cx: Cx<'_>, out: &mut Output) {
        for (at, refusal) in self.refusals.iter().enumerate() {
            match at {
                0 => w.object("statusReason", |w| refusal_members(w, *refusal, cx, out)),
                _ => super::account::unmapped(*refusal, out),
            }
        }
    }

    /// Writes `reasonCode` under the name the resource has for it.
    pub(super) fn write_codes(&self, w: &mut Writer, name: &str, cx: Cx<'_>, out: &mut Output) {
        w.array(name, |w| {
            for reason in &self.codes {
                write_reason(w, *reason, cx, out);
            }
        });
    }

    /// Writes `reasonReference`.
    pub(super) fn write_references(&self, w: &mut Writer, name: &str) {
        w.array(name, |w| reference_items(w, &self.references));
    }
}

/// The value, else the code, which is what a refusal reason is in C-CDA, else the words.
fn refusal_members(w: &mut Writer, refusal: Node<'_>, cx: Cx<'_>, out: &mut Output) {
    let stated = |name: &str| child(refusal, name).filter(|code| cd::is_stated(*code));
    match stated("value").or_else(|| stated("code")) {
        Some(code) => cd::members(w, code, cx.within.text, out),
        None => w.string("text", &told(refusal, cx)),
    }
}

/// The value, else the words, else a code that says more than "a problem".
fn write_reason(w: &mut Writer, reason: Node<'_>, cx: Cx<'_>, out: &mut Output) {
    let is_kind = |code: Node<'_>| {
        matches!(
            node::attribute(code, "code"),
            "404684003" | "75326-9" | "ASSERTION" | "75321-0" | "55607006" | "64572001"
        )
    };
    let words = told(reason, cx);
    if is_stated(reason) {
        let value = child(reason, "value");
        if let Some(value) = value {
            cd::concept_item(w, value, cx.within.text, out);
        }
    } else if !words.is_empty() {
        w.item(|w| w.string("text", &words));
    } else if let Some(code) = child(reason, "code").filter(|code| cd::is_stated(*code) && !is_kind(*code)) {
        cd::concept_item(w, code, cx.within.text, out);
    }
}

fn is_stated(reason: Node<'_>) -> bool {
    child(reason, "value").is_some_and(cd::is_stated)
}
