//! Where an element stands in FHIR XML (xml.html): the same places as in JSON, followed through the tree of the document.

use std::collections::HashMap;

use roxmltree::{Document, Node};

use super::place::{Step, is_of_choice, is_plain};

/// The byte of the text at which the value of a place begins, or the nearest thing around it that is there: an attribute's
/// value, the start of an element.
pub(super) fn find(document: &Document<'_>, place: &[Step]) -> usize {
    let mut at = document.root_element();
    let mut steps = place.iter().peekable();
    while let Some(step) = steps.next() {
        let Step::Member(name) = step else {
            match strange(at).filter(|_| *step == Step::Strange) {
                Some(node) => at = node,
                None => break,
            }
            continue;
        };
        let number = match steps.peek() {
            Some(Step::Item(number)) => *number,
            _ => 0,
        };
        let Some(child) = child(at, name, number) else {
            // The id of an element and the url of an extension are attributes.
            let attribute = at.attributes().find(|attribute| attribute.name() == name);
            return attribute.map_or(at.range().start, |attribute| attribute.range_value().start);
        };
        if matches!(steps.peek(), Some(Step::Item(_))) {
            steps.next();
        }
        at = child;
        if steps.peek().is_some() {
            at = resource(at).unwrap_or(at);
        }
    }
    let value = at.attributes().find(|attribute| attribute.name() == "value");
    value.map_or(at.range().start, |attribute| attribute.range_value().start)
}

/// By the byte at which an element begins, the byte at which the value of its value attribute does.
pub(super) fn values(document: &Document<'_>) -> HashMap<usize, usize> {
    let value = |node: Node<'_, '_>| Some((node.range().start, node.attribute_node("value")?.range_value().start));
    document.descendants().filter(Node::is_element).filter_map(value).collect()
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str, number: usize) -> Option<Node<'a, 'i>> {
    let named = |node: &Node<'_, '_>| node.is_element() && node.tag_name().name() == name;
    let chosen = |node: &Node<'_, '_>| node.is_element() && is_of_choice(name, node.tag_name().name());
    node.children().filter(named).nth(number).or_else(|| node.children().find(chosen))
}

fn strange<'a, 'i>(node: Node<'a, 'i>) -> Option<Node<'a, 'i>> {
    node.children().find(|node| node.is_element() && !is_plain(node.tag_name().name()))
}

/// The resource that an element holds: names of types begin with a capital letter, those of elements do not.
fn resource<'a, 'i>(node: Node<'a, 'i>) -> Option<Node<'a, 'i>> {
    let inside = node.children().find(Node::is_element)?;
    inside.tag_name().name().starts_with(|first: char| first.is_ascii_uppercase()).then_some(inside)
}

#[cfg(test)]
mod tests {
    use super::super::place::steps;
    use super::*;

    const TEXT: &str = r#"<Bundle xmlns="http://hl7.org/fhir"><entry/><entry><resource><Patient><id value="p"/>
<name><given value="a"/><given value="い"><extension url="u"><valueCode value="x"/></extension></given></name>
<text><div xmlns="http://www.w3.org/1999/xhtml">d</div></text><空/></Patient></resource></entry></Bundle>"#;

    fn found(place: &str) -> &str {
        let document = Document::parse(TEXT).unwrap();
        let rest = &TEXT[find(&document, &steps(place))..];
        &rest[..rest.find(['"', ' ', '>']).unwrap()]
    }

    #[test]
    fn elements_attributes_and_resources_in_resources_are_found() {
        assert_eq!(found("Bundle.entry[1].resource.id"), "p");
        assert_eq!(found("Bundle.entry[1].resource.name[0].given[1]"), "い");
        assert_eq!(found("Bundle.entry[1].resource.name[0].given[1].extension[0].url"), "u");
        assert_eq!(found("Bundle.entry[1].resource.name[0].given[1].extension[0].value.ofType(code)"), "x");
        assert_eq!(found("Bundle.entry[1].resource.text.div"), "<div");
        assert_eq!(found("Bundle.entry[1].resource.?"), "<空/");
    }

    #[test]
    fn what_is_not_there_is_at_the_nearest_element_around_it() {
        assert_eq!(found("Bundle.entry[1].resource.birthDate"), "<Patient");
        assert_eq!(found("Bundle.entry[0].resource.x"), "<entry/");
        assert_eq!(found("Bundle.type"), "<Bundle");
    }
}
