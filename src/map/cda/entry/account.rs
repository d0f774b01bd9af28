//! What a mapper did not ask for is reported: nothing a document says is dropped in silence.

use super::rule::UNMAPPED;
use crate::map::Output;
use crate::map::cda::node::{self, Node, attribute, children, elements, null_flavor};

/// Elements that say which rules a statement follows, not what it states; `text` stays in the section's narrative.
const ALWAYS: [&str; 6] = ["templateId", "realmCode", "typeId", "sequenceNumber", "text", "languageCode"];

/// Reports the children of a statement that its mapper does not take over.
pub(super) fn account(node: Node<'_>, taken: &[&str], out: &mut Output) {
    for element in elements(node) {
        let name = node::name(element);
        let is_taken = ALWAYS.contains(&name) || taken.contains(&name);
        let is_read = is_taken && node::is_known(element);
        if !is_read && !is_silent(element) {
            unmapped(element, out);
        }
    }
}

/// Reports further elements of a name of which FHIR takes only the first.
pub(super) fn only_first(node: Node<'_>, name: &str, out: &mut Output) {
    for element in children(node, name).skip(1).filter(|element| !is_silent(*element)) {
        unmapped(element, out);
    }
}

/// Reports one element.
pub(super) fn unmapped(element: Node<'_>, out: &mut Output) {
    let name = node::name(element);
    // A name that is no name of a standard may hold anything.
    let is_plain = name.len() <= 40 && name.bytes().all(|b| b.is_ascii_alphanumeric());
    let detail = match (is_plain, attribute(element, "typeCode")) {
        (false, _) => "?".to_owned(),
        (true, kind) if (1..=8).contains(&kind.len()) && kind.bytes().all(|b| b.is_ascii_uppercase()) => {
            format!("{name} {kind}")
        }
        (true, _) => name.to_owned(),
    };
    out.issue_with(&UNMAPPED, node::place(element), detail);
}

/// Whether an element says nothing: a null flavor, or nothing at all.
fn is_silent(element: Node<'_>) -> bool {
    let has_content = |node: Node<'_>| {
        node.children().any(|child| child.is_element() || child.text().is_some_and(|t| !t.trim().is_empty()))
    };
    let speaks =
        element.attributes().any(|a| !matches!(a.name(), "nullFlavor" | "typeCode" | "type" | "contextConductionInd"));
    !has_content(element) && (null_flavor(element).is_some() || !speaks)
}
