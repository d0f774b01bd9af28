//! Which resource a statement is: by its first id, else by its content, and by its position only among statements of the
//! same content (design decision 8).

use super::Cx;
use super::rule::{REUSED_ID, TOLD_TWICE};
use crate::fhir::{ResourceId, ResourceType, Writer};
use crate::map::Output;
use crate::map::cda::datatype::{cd, ii};
use crate::map::cda::node::{self, Node, attribute, child, child_attribute};
use crate::map::stated::Content;

/// The id of the resource of a type that a statement is. A statement that only holds an id is that thing.
pub(super) fn id(node: Node<'_>, resource_type: ResourceType, cx: Cx<'_>, out: &mut Output) -> ResourceId {
    of_content(node, resource_type, content(node, cx), cx, out)
}

/// The same, where something else than its own code and value says what it is about.
pub(super) fn of_content(
    node: Node<'_>,
    resource_type: ResourceType,
    content: Content,
    cx: Cx<'_>,
    out: &mut Output,
) -> ResourceId {
    let Some(key) = ii::key(node) else { return anonymous(resource_type, &content, cx, out) };
    let id = out.id(resource_type, &key);
    if out.stated.claim(&id, &content) {
        return id;
    }
    out.issue(&REUSED_ID, node::place(node));
    let id = out.id(resource_type, &format!("{key}#{}#{}", content.what, content.when));
    out.stated.claim(&id, &content);
    id
}

/// Puts what a statement became, and remembers it under the statement's ids; gives `Type/id`.
pub(super) fn put(node: Node<'_>, resource_type: ResourceType, id: ResourceId, w: Writer, out: &mut Output) -> String {
    let (reference, differs) = out.put_once(resource_type, id, w);
    if differs {
        out.issue(&TOLD_TWICE, node::place(node));
    }
    for id in node::children(node, "id") {
        if let Some(key) = ii::key_of(id) {
            out.stated.name(key, &reference);
        }
    }
    reference
}

/// No id: section, code, value and time tell it apart; where no time is told, the document's own. What is told twice in
/// the same words is counted.
fn anonymous(resource_type: ResourceType, content: &Content, cx: Cx<'_>, out: &mut Output) -> ResourceId {
    let when = match content.when.as_str() {
        "" => out.occurred.map(|at| at.to_string()).unwrap_or_default(),
        when => when.to_owned(),
    };
    let key = format!("{}|{}|{}|{when}", resource_type.name(), cx.within.section_code, content.what);
    let count = out.stated.repetition(&key);
    out.id(resource_type, &format!("{key}|{count}"))
}

/// Code, value and time of a statement, as sent.
fn content(node: Node<'_>, cx: Cx<'_>) -> Content {
    let of = |name: &str| child(node, name).map(|c| code_or_text(c, cx)).unwrap_or_default();
    let (code, value) = (of("code"), of("value"));
    let what = if code.is_empty() && value.is_empty() { String::new() } else { format!("{code}={value}") };
    Content { what, when: when(node) }
}

/// The code of a coded element, or what it says in words.
pub(super) fn code_or_text(node: Node<'_>, cx: Cx<'_>) -> String {
    let code = attribute(node, "code");
    if !code.is_empty() {
        return code.to_owned();
    }
    let translated = child_attribute(node, "translation", "code");
    match (translated, attribute(node, "value")) {
        ("", "") => match cd::text_of(node, cx.within.text) {
            text if text.is_empty() => cd::resolved(node, cx.within.text),
            text => text,
        },
        ("", value) => format!("{value} {}", attribute(node, "unit")),
        (code, _) => code.to_owned(),
    }
}

/// The first time a statement names, as sent.
pub(super) fn when(node: Node<'_>) -> String {
    let Some(time) = child(node, "effectiveTime") else { return String::new() };
    let parts =
        [attribute(time, "value"), child_attribute(time, "low", "value"), child_attribute(time, "high", "value")];
    parts.into_iter().find(|part| !part.is_empty()).unwrap_or_default().to_owned()
}
