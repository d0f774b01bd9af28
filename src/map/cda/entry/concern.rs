//! Acts around what they are concerned with (C-CDA concern acts 22.4.3, 22.4.30, 22.4.132, 22.4.136; diagnosis acts 22.4.33,
//! 22.4.34, 22.4.51, 22.4.65, 22.4.80; medication acts 22.4.35, 22.4.36): FHIR states the concern's status and author on the thing itself.

use super::account::account;
use super::kind::{Role, has_template};
use super::related::{self, inline_text, related};
use super::{Cx, actor, note};
use crate::map::Output;
use crate::map::cda::datatype::ii;
use crate::map::cda::node::{Node, child_attribute, children};

/// Maps what the act is concerned with; gives its references.
pub(super) fn map(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let authors = actor::authors(node, cx, out);
    let status = child_attribute(node, "statusCode", "code");
    let code = child_attribute(node, "code", "code");
    let is_diagnosis = cx.is_diagnosis || is_diagnosis_act(node, code);
    let inner = Cx {
        author: authors.last.as_deref().or(cx.author),
        // A diagnosis act has no status of a concern: it was made.
        concern_status: if is_diagnosis { "" } else { status },
        is_diagnosis,
        ..cx
    };
    let mut references = Vec::new();
    for related in related(node, out) {
        match related.role {
            // A severity or priority of the whole concern, a comment on it: told beside what it is concerned with.
            Role::Comment => references.extend(note::standalone(related.node, inner, out)),
            _ => references.extend(related::own(&related, inner, out)),
        }
    }
    if let Some(first) = references.first() {
        // A pointer to the concern means what it is concerned with.
        for key in children(node, "id").filter_map(ii::key_of) {
            out.stated.name(key, first);
        }
    }
    if references.is_empty() && !inline_text(node).is_empty() {
        references.extend(note::standalone(node, cx, out));
    }
    const TAKEN: [&str; 6] = ["id", "code", "statusCode", "effectiveTime", "author", "entryRelationship"];
    account(node, &TAKEN, out);
    references
}

fn is_diagnosis_act(node: Node<'_>, code: &str) -> bool {
    let numbers = ["33", "34", "51", "65", "80"];
    let is_act = numbers.iter().any(|n| has_template(node, &format!("2.16.840.1.113883.10.20.22.4.{n}")));
    is_act || (matches!(code, "29308-4" | "11535-2" | "46241-6") && children(node, "entryRelationship").count() > 0)
}
