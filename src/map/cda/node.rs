//! Elements of a CDA document: children by name, attributes, text, and where an element stands. CDA R2 section 1.2.3;
//! names are those of urn:hl7-org:v3 and of the extensions that documents in use carry (sdtc, IHE Pharmacy).

use std::borrow::Cow;

use crate::fault::Place;

/// An element, or what stands between elements.
pub(super) type Node<'a> = roxmltree::Node<'a, 'a>;

/// CDA R2 itself, the SDTC extension, the pharmacy extensions of HL7, IHE and epSOS.
const NAMESPACES: [&str; 6] = [
    "urn:hl7-org:v3",
    "urn:hl7-org:sdtc",
    "urn:hl7-org:pharm",
    "urn:ihe:pharm:medication",
    "urn:ihe:pharm",
    "urn:epsos-org:ep:medication",
];
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// How far siblings are counted for a place, so that a million faults beside each other do not cost a million squared.
const SIBLINGS_MAX: usize = 4096;

/// Whether an element has this local name in one of the namespaces.
pub(super) fn is_named(node: Node<'_>, name: &str) -> bool {
    let tag = node.tag_name();
    tag.name() == name && tag.namespace().is_some_and(|uri| NAMESPACES.contains(&uri))
}

/// Whether an element is of one of the namespaces.
pub(super) fn is_known(node: Node<'_>) -> bool {
    node.tag_name().namespace().is_some_and(|uri| NAMESPACES.contains(&uri))
}

/// The local name of an element; empty for what is none.
pub(super) fn name<'a>(node: Node<'a>) -> &'a str {
    node.tag_name().name()
}

/// The first child element of this name.
pub(super) fn child<'a>(node: Node<'a>, name: &str) -> Option<Node<'a>> {
    node.children().find(|child| is_named(*child, name))
}

/// The child elements of this name.
pub(super) fn children<'a>(node: Node<'a>, name: &str) -> impl Iterator<Item = Node<'a>> {
    node.children().filter(move |child| is_named(*child, name))
}

/// All child elements.
pub(super) fn elements<'a>(node: Node<'a>) -> impl Iterator<Item = Node<'a>> {
    node.children().filter(Node::is_element)
}

/// The element at the end of a path of names, the first at each step.
pub(super) fn descend<'a>(node: Node<'a>, path: &[&str]) -> Option<Node<'a>> {
    path.iter().try_fold(node, |node, name| child(node, name))
}

/// An attribute without the white space around it; empty when it is not there.
pub(super) fn attribute<'a>(node: Node<'a>, name: &str) -> &'a str {
    node.attribute(name).unwrap_or_default().trim()
}

/// The attribute of a child; empty when either is not there.
pub(super) fn child_attribute<'a>(node: Node<'a>, child_name: &str, name: &str) -> &'a str {
    child(node, child_name).map(|child| attribute(child, name)).unwrap_or_default()
}

/// Why there is no value (CDA R2 data types, NullFlavor); `None` where there may be one.
pub(super) fn null_flavor<'a>(node: Node<'a>) -> Option<&'a str> {
    let flavor = attribute(node, "nullFlavor");
    (!flavor.is_empty()).then_some(flavor)
}

/// The data type an element says it has (`xsi:type`), without its prefix; empty when it says none.
pub(super) fn xsi_type<'a>(node: Node<'a>) -> &'a str {
    let name = node.attribute((XSI, "type")).unwrap_or_default().trim();
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// The text of an element and what is in it, white space made one space.
pub(super) fn text(node: Node<'_>) -> String {
    let mut out = String::new();
    let mut is_apart = false;
    for part in node.descendants().filter_map(|part| part.is_text().then(|| part.text()).flatten()) {
        for c in part.chars() {
            match c.is_whitespace() {
                true => is_apart = !out.is_empty(),
                false => {
                    if std::mem::take(&mut is_apart) {
                        out.push(' ');
                    }
                    out.push(c);
                }
            }
        }
    }
    out
}

/// Where an element stands, as an XPath: `/ClinicalDocument/component/structuredBody/component[3]/section`. A number stands
/// where there are several of the name.
pub(super) fn place(node: Node<'_>) -> Place {
    let mut steps: Vec<String> = node.ancestors().filter(Node::is_element).map(step).collect();
    steps.reverse();
    Place::Path(Cow::Owned(format!("/{}", steps.join("/"))))
}

fn step(node: Node<'_>) -> String {
    let name = node.tag_name().name();
    let same = |other: &Node<'_>| other.tag_name().name() == name;
    let before = node.prev_siblings().skip(1).take(SIBLINGS_MAX).filter(same).count();
    match before {
        0 if !node.next_siblings().skip(1).take(SIBLINGS_MAX).any(|n| same(&n)) => name.to_owned(),
        before => format!("{name}[{}]", before + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_are_found_by_local_name_in_the_namespaces_of_cda() {
        let xml = r#"<a xmlns="urn:hl7-org:v3" xmlns:s="urn:hl7-org:sdtc" xmlns:x="urn:other">
            <b n="1"/><x:b n="2"/><s:b n=" 3 "/><c nullFlavor="UNK"/></a>"#;
        let document = roxmltree::Document::parse(xml).unwrap();
        let root = document.root_element();
        assert_eq!(children(root, "b").map(|b| attribute(b, "n")).collect::<Vec<_>>(), ["1", "3"]);
        assert_eq!(child_attribute(root, "c", "nullFlavor"), "UNK");
        assert!(child(root, "d").is_none());
    }

    #[test]
    fn a_place_counts_only_where_there_are_several() {
        let xml = r#"<a xmlns="urn:hl7-org:v3"><b/><c><d/></c><c><d/><e/></c></a>"#;
        let document = roxmltree::Document::parse(xml).unwrap();
        let last = document.descendants().rfind(|n| is_named(*n, "d")).unwrap();
        assert_eq!(place(last).to_string(), "/a/c[2]/d");
    }

    #[test]
    fn text_is_one_line() {
        let xml = "<a>  one\n two<b>three</b> <b>four</b>\n</a>";
        let document = roxmltree::Document::parse(xml).unwrap();
        assert_eq!(text(document.root_element()), "one twothree four");
    }
}
