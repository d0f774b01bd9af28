//! The statements within a statement (CDA R2 section 4.3.8, ActRelationship): each is read by the mapper around it or is a
//! resource of its own.

use super::account::unmapped;
use super::kind::{Role, role};
use super::rule::{POINTS_NOWHERE, UNLINKED};
use super::{Cx, STATEMENTS, statement};
use crate::fhir::Writer;
use crate::map::Output;
use crate::map::cda::datatype::{cd, ii};
use crate::map::cda::node::{self, Node, attribute, child, children, elements};

/// A statement within another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Related<'a> {
    /// The relationship: `entryRelationship` or `component`.
    pub(super) relation: Node<'a>,
    /// Its `typeCode`.
    pub(super) kind: &'a str,
    /// The statement.
    pub(super) node: Node<'a>,
    /// What it says about the one around it.
    pub(super) role: Role,
}

impl Related<'_> {
    /// Whether the relationship or the statement says that it is not so.
    pub(super) fn is_negated(&self) -> bool {
        is_negated(self.relation) || is_negated(self.node)
    }
}

/// `negationInd`, of the act or of what it states.
pub(super) fn is_negated(node: Node<'_>) -> bool {
    let is_true = |name: &str| matches!(attribute(node, name), "true" | "1");
    is_true("negationInd") || is_true("actNegationInd") || is_true("valueNegationInd")
}

/// The statements within a statement; a relationship that holds none is reported.
pub(super) fn related<'a>(node: Node<'a>, out: &mut Output) -> Vec<Related<'a>> {
    let mut found = Vec::new();
    for relation in elements(node).filter(|n| matches!(node::name(*n), "entryRelationship" | "component")) {
        match elements(relation).find(|n| STATEMENTS.contains(&node::name(*n))) {
            Some(node) => {
                found.push(Related { relation, kind: attribute(relation, "typeCode"), node, role: role(node) });
            }
            None if node::null_flavor(relation).is_some() => {}
            None => unmapped(relation, out),
        }
    }
    found
}

/// Maps a statement that the mapper around it does not read itself; gives the resources it became.
pub(super) fn own(related: &Related<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    statement(related.node, cx.deeper(), out)
}

/// Maps the statements that the mapper around them does not read and FHIR has no reference for.
pub(super) fn unlinked(related: &[Related<'_>], cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let mut references = Vec::new();
    for other in related {
        references.extend(not_linked(other, cx, out));
    }
    references
}

/// Maps one such statement, and notes that the relation is not carried over.
pub(super) fn not_linked(related: &Related<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let references = own(related, cx, out);
    if !references.is_empty() {
        note_unlinked(related, out);
    }
    references
}

/// Notes that a relation is not carried over.
pub(super) fn note_unlinked(related: &Related<'_>, out: &mut Output) {
    let kind = related.kind;
    let is_plain = kind.len() <= 8 && kind.bytes().all(|b| b.is_ascii_alphanumeric());
    out.issue_with(&UNLINKED, node::place(related.relation), if is_plain { kind } else { "?" });
}

/// The references to these types, the others behind them in a list of their own.
pub(super) fn of_types(references: Vec<String>, types: &[&str]) -> (Vec<String>, Vec<String>) {
    references.into_iter().partition(|r| r.split_once('/').is_some_and(|(name, _)| types.contains(&name)))
}

/// The resource that an act of only an id points to; reported when nothing before it has that id.
pub(super) fn pointed_at(node: Node<'_>, out: &mut Output) -> Option<String> {
    let found = children(node, "id").filter_map(ii::key_of).find_map(|key| out.stated.named(&key).map(str::to_owned));
    if found.is_none() {
        out.issue(&POINTS_NOWHERE, node::place(node));
    }
    found
}

/// Writes what a statement refers to outside of the document (`reference/externalDocument` and others) as items of an
/// array of References, by its identifier; a reference without an id is reported.
pub(super) fn external_items(w: &mut Writer, node: Node<'_>, out: &mut Output) {
    for reference in children(node, "reference") {
        let external = elements(reference).find(|e| node::name(*e).starts_with("external"));
        let id = external.and_then(|external| children(external, "id").find(|id| ii::key_of(*id).is_some()));
        let (Some(external), Some(id)) = (external, id) else {
            unmapped(reference, out);
            continue;
        };
        w.item(|w| {
            w.string("type", if node::name(external) == "externalDocument" { "DocumentReference" } else { "" });
            w.object("identifier", |w| ii::identifier(w, id, out));
            w.string("display", &child(external, "code").map(|code| cd::text_of(code, &|_| None)).unwrap_or_default());
        });
    }
}

/// Writes statements that only point to another as items of an array of References: to the resource of this document,
/// else by the identifier.
pub(super) fn pointer_items(w: &mut Writer, pointers: &[Node<'_>], out: &mut Output) {
    for pointer in pointers {
        let ids = || children(*pointer, "id").filter(|id| ii::key_of(*id).is_some());
        let found = ids().filter_map(ii::key_of).find_map(|key| out.stated.named(&key).map(str::to_owned));
        match (found, ids().next()) {
            (Some(reference), _) => w.item(|w| w.string("reference", &reference)),
            (None, Some(id)) => w.item(|w| w.object("identifier", |w| ii::identifier(w, id, out))),
            (None, None) => unmapped(*pointer, out),
        }
        external_items(w, *pointer, out);
    }
}

/// Writes comments as items of `note`, with their author and time.
pub(super) fn notes(w: &mut Writer, comments: &[Node<'_>], cx: Cx<'_>, out: &mut Output) {
    w.array("note", |w| note_items(w, comments, cx, out));
}

/// Writes comments as items of an array of Annotations.
pub(super) fn note_items(w: &mut Writer, comments: &[Node<'_>], cx: Cx<'_>, out: &mut Output) {
    for comment in comments {
        let text = comment_text(*comment, cx);
        if text.is_empty() {
            continue;
        }
        let authors = super::actor::authors(*comment, cx, out);
        w.item(|w| {
            if authors.is_own {
                w.reference("authorReference", authors.annotator().unwrap_or_default());
                w.string("time", authors.latest.as_deref().unwrap_or_default());
            }
            w.string("text", &text);
        });
    }
}

/// What a comment or an instruction says.
pub(super) fn comment_text(node: Node<'_>, cx: Cx<'_>) -> String {
    let text = child(node, "text").map(|text| cd::resolved(text, cx.within.text)).unwrap_or_default();
    if !text.is_empty() {
        return text;
    }
    // A code that only says that it is a comment says nothing.
    const KINDS: [&str; 4] = ["48767-8", "76662-6", "PINSTRUCT", "FINSTRUCT"];
    let says_more = |code: &Node<'_>| !KINDS.contains(&attribute(*code, "code"));
    let code = child(node, "code").filter(says_more);
    code.map(|code| cd::text_of(code, cx.within.text)).unwrap_or_default()
}

/// What a statement says in its own words: `text` that does not point into the narrative.
pub(super) fn inline_text(node: Node<'_>) -> String {
    match child(node, "text") {
        Some(text) if child(text, "reference").is_none() => node::text(text),
        _ => String::new(),
    }
}

/// What a statement says in words, its own or those of the narrative it points to.
pub(super) fn told(node: Node<'_>, cx: Cx<'_>) -> String {
    child(node, "text").map(|text| cd::resolved(text, cx.within.text)).unwrap_or_default()
}

/// Writes references as items of an array of References.
pub(super) fn reference_items(w: &mut Writer, references: &[String]) {
    for reference in references {
        w.item(|w| w.string("reference", reference));
    }
}
