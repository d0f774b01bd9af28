//! What of FHIR XML its JSON does not say (xml.html): the order of elements, their namespaces, attributes that FHIR does not
//! have, primitives without anything. Whoever reads the JSON could not tell that it was wrong.

use roxmltree::{Document, Node};

use super::{FHIR, XHTML};
use crate::decode::xml;
use crate::fault::{Issue, Place, Rule, rules};
use crate::fhir::r4;

rules! {
    pub(crate) ORDER "fhir-xml-order" Error Structure
        "In XML the elements stand in the order of the definition, and those of one name together: move this one."
        "XMLでは要素を定義の順に並べ、同じ名前の要素は続けて書きます。この要素を移動してください。"
    pub(crate) NAMESPACE "fhir-xml-namespace" Error Structure
        "Elements of FHIR are in the namespace http://hl7.org/fhir, the div of a narrative in that of XHTML."
        "FHIRの要素の名前空間は http://hl7.org/fhir、ナラティブのdivの名前空間はXHTMLです。"
    pub(crate) ATTRIBUTE "fhir-xml-attribute" Error Structure
        "FHIR has no such attribute here: value stands in primitives, id in elements, url in extensions."
        "この位置にこの属性はありません。valueはプリミティブ、idは要素、urlはextensionに書きます。"
    pub(crate) NOTHING "fhir-xml-nothing" Error Structure
        "The element has neither a value nor an extension: give it one or leave it out."
        "要素に値もextensionもありません。値を入れるか、要素を削除してください。"
    pub(crate) STRAY_VALUE "fhir-xml-text-in-value" Error Structure
        "A value stands in the attribute value, not between the tags."
        "値はタグの間ではなく、value属性に書きます。"
}

/// Attributes of this namespace say where a schema is, nothing of the resource.
const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// So many are told; one is enough to look at the whole.
const ISSUES_MAX: usize = 50;

/// Everything of a document that its JSON would not show.
pub(super) fn lost(document: &Document<'_>, text: &str) -> Vec<Issue> {
    let mut search = Search { text, issues: Vec::new() };
    search.resource(document.root_element());
    search.issues
}

struct Search<'t> {
    text: &'t str,
    issues: Vec<Issue>,
}

impl Search<'_> {
    fn add(&mut self, rule: &'static Rule, node: Node<'_, '_>) {
        if self.issues.len() < ISSUES_MAX {
            let mut names: Vec<&str> =
                node.ancestors().filter(Node::is_element).map(|one| one.tag_name().name()).collect();
            names.reverse();
            let line = xml::position(self.text, node.range().start);
            self.issues.push(Issue::new(rule, Place::Path(format!("{} ({line})", names.join(".")).into())));
        }
    }

    fn resource(&mut self, node: Node<'_, '_>) {
        self.element(node, node.tag_name().name(), &[]);
    }

    /// An element or resource of a type, with the attributes that it may have. Nesting is bounded by
    /// [`xml::DEPTH_ELEMENTS_MAX`].
    fn element(&mut self, node: Node<'_, '_>, kind: &str, attributes: &[&str]) {
        self.attributes(node, attributes);
        let Some(elements) = r4::elements(kind) else { return };
        let mut last = 0;
        for child in node.children().filter(Node::is_element) {
            let name = child.tag_name().name();
            let Some((element, of)) = r4::member(kind, name) else { continue };
            let wanted = if of == "xhtml" { XHTML } else { FHIR };
            if child.tag_name().namespace() != Some(wanted) {
                self.add(&NAMESPACE, child);
            }
            let place = elements.iter().position(|one| one.name == element.name).unwrap_or(last);
            if place < last {
                self.add(&ORDER, child);
            }
            last = last.max(place);
            self.child(child, of);
        }
    }

    fn child(&mut self, child: Node<'_, '_>, kind: &str) {
        match kind {
            "xhtml" => {}
            "Resource" => {
                self.attributes(child, &[]);
                child.children().filter(Node::is_element).for_each(|inner| self.resource(inner));
            }
            "Extension" => self.element(child, kind, &["id", "url"]),
            kind if r4::is_primitive(kind) => {
                let is_text =
                    child.children().any(|one| one.is_text() && one.text().is_some_and(|t| !t.trim().is_empty()));
                let has_element = child.children().any(|one| one.is_element());
                if child.attribute("value").is_none() && !has_element {
                    self.add(if is_text { &STRAY_VALUE } else { &NOTHING }, child);
                }
                self.element(child, "Element", &["id", "value"]);
            }
            kind => self.element(child, kind, &["id"]),
        }
    }

    fn attributes(&mut self, node: Node<'_, '_>, known: &[&str]) {
        let is_strange = |attribute: roxmltree::Attribute<'_, '_>| match attribute.namespace() {
            None => !known.contains(&attribute.name()),
            Some(namespace) => namespace != SCHEMA_INSTANCE,
        };
        if node.attributes().any(is_strange) {
            self.add(&ATTRIBUTE, node);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::to_json;

    fn found(inside: &str) -> Vec<(&'static str, String)> {
        let text = format!(
            "<Patient xmlns=\"http://hl7.org/fhir\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             xsi:schemaLocation=\"http://hl7.org/fhir x.xsd\">{inside}</Patient>"
        );
        let issues = to_json(text.as_bytes()).unwrap().issues;
        let place = |place: String| place.split(' ').next().unwrap_or_default().to_owned();
        issues.iter().map(|issue| (issue.rule.id, place(issue.place.to_string()))).collect()
    }

    #[test]
    fn what_json_would_not_show_is_told() {
        let cases = [
            ("<id value=\"a\"/><active value=\"true\"/><name id=\"n\"><family value=\"見本\"/></name>", ""),
            ("<active value=\"true\"/><id value=\"a\"/>", "fhir-xml-order Patient.id"),
            (
                "<name><family value=\"a\"/></name><gender value=\"male\"/><name><family value=\"b\"/></name>",
                "fhir-xml-order Patient.name",
            ),
            ("<active value=\"true\" code=\"x\"/>", "fhir-xml-attribute Patient.active"),
            ("<name value=\"見本 花子\"><family value=\"a\"/></name>", "fhir-xml-attribute Patient.name"),
            ("<active xmlns=\"urn:other\" value=\"true\"/>", "fhir-xml-namespace Patient.active"),
            ("<gender/>", "fhir-xml-nothing Patient.gender"),
            ("<gender id=\"g\"/>", "fhir-xml-nothing Patient.gender"),
            ("<gender><extension url=\"u\"><valueCode value=\"x\"/></extension></gender>", ""),
            (
                "<contained><Organization><name value=\"O\"/><active value=\"true\"/></Organization></contained>",
                "fhir-xml-order Patient.contained.Organization.active",
            ),
        ];
        for (inside, wanted) in cases {
            let found: Vec<String> = found(inside).iter().map(|(rule, place)| format!("{rule} {place}")).collect();
            assert_eq!(found.join("; "), wanted, "{inside}");
        }
        let text = found("<gender>male</gender>");
        assert!(text.contains(&("fhir-xml-text-in-value", "Patient.gender".into())), "{text:?}");
    }
}
