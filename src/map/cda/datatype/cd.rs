//! CD, CE, CV, CO and CS coded values (HL7 v3 Data Types R1 2.5) to CodeableConcept, Coding and code.

use std::borrow::Cow;

use super::rule::{NO_CODE_SYSTEM, QUALIFIER};
use super::{Text, null, oid};
use crate::fault::Place;
use crate::fhir::Writer;
use crate::map::cda::node::{self, Node, attribute, child, children, null_flavor};
use crate::map::hl7v2::coding_system;
use crate::map::{Coding, Output};

/// Translations within translations are read as translations; deeper ones than this are not.
const NESTING_MAX: usize = 4;

/// Writes a CodeableConcept member; nothing when there is no element or it says nothing.
pub(in crate::map::cda) fn concept(
    w: &mut Writer,
    name: &str,
    node: Option<Node<'_>>,
    text: Text<'_>,
    out: &mut Output,
) {
    if let Some(node) = node {
        w.object(name, |w| members(w, node, text, out));
    }
}

/// Writes a CodeableConcept as an item of an array.
pub(in crate::map::cda) fn concept_item(w: &mut Writer, node: Node<'_>, text: Text<'_>, out: &mut Output) {
    w.item(|w| members(w, node, text, out));
}

/// Writes `coding` and `text` into a CodeableConcept.
pub(in crate::map::cda) fn members(w: &mut Writer, node: Node<'_>, text: Text<'_>, out: &mut Output) {
    w.array("coding", |w| codings(w, node, out));
    w.string("text", &text_of(node, text));
    for qualifier in children(node, "qualifier") {
        let name = node::child_attribute(qualifier, "name", "code");
        out.issue_with(&QUALIFIER, node::place(qualifier), name);
    }
}

/// Writes the code and its translations as items of `coding`. `nullFlavor` OTH with translations gives these alone.
pub(in crate::map::cda) fn codings(w: &mut Writer, node: Node<'_>, out: &mut Output) {
    let mut stated = Vec::with_capacity(4);
    collect(node, 0, &mut stated, out);
    if stated.is_empty() {
        return;
    }
    let is_local = |coding: &Coding<'_>| coding.system.starts_with("urn:oid:2.25.");
    let place = if stated.iter().all(is_local) { node::place(node) } else { Place::Whole };
    out.codings(w, &stated, &place);
}

/// Writes the code alone as a Coding member.
pub(in crate::map::cda) fn coding(w: &mut Writer, name: &str, node: Node<'_>, out: &mut Output) {
    if let Some(coding) = coding_of(node, out) {
        w.object(name, |w| {
            w.string("system", &coding.system);
            w.string("version", &coding.version);
            w.string("code", &coding.code);
            w.string("display", &coding.display);
        });
    }
}

/// Whether a code or text is stated.
pub(in crate::map::cda) fn is_stated(node: Node<'_>) -> bool {
    let has_code = |node: Node<'_>| null_flavor(node).is_none() && !attribute(node, "code").is_empty();
    has_code(node) || children(node, "translation").any(has_code) || child(node, "originalText").is_some()
}

/// What a person reads: `originalText`, else the display of the code, else of the first translation that has one; what
/// qualifies it (left, mild) in brackets behind it.
pub(in crate::map::cda) fn text_of(node: Node<'_>, text: Text<'_>) -> String {
    let original = child(node, "originalText").map(|original| resolved(original, text)).unwrap_or_default();
    let mut shown = original;
    if shown.is_empty() {
        shown = attribute(node, "displayName").to_owned();
    }
    if shown.is_empty() {
        let displays = children(node, "translation").map(|t| attribute(t, "displayName"));
        shown = displays.into_iter().find(|d| !d.is_empty()).unwrap_or_default().to_owned();
    }
    let qualifying: Vec<&str> = children(node, "qualifier")
        .map(|q| node::child_attribute(q, "value", "displayName"))
        .filter(|value| !value.is_empty())
        .collect();
    if !qualifying.is_empty() {
        shown = if shown.is_empty() { attribute(node, "code").to_owned() } else { shown };
        shown = format!("{shown} ({})", qualifying.join(", "));
    }
    shown
}

/// The text of an element of type ED that may point into the narrative: `<reference value="#id"/>`.
pub(in crate::map::cda) fn resolved(node: Node<'_>, text: Text<'_>) -> String {
    let target = node::child_attribute(node, "reference", "value");
    let own = || node::text(node);
    let Some(id) = target.strip_prefix('#').filter(|id| !id.is_empty()) else { return own() };
    text(id).map(|found| found.split_whitespace().collect::<Vec<_>>().join(" ")).unwrap_or_else(own)
}

/// The URI of the code's system, where it has one that is published or an object identifier.
pub(in crate::map::cda) fn system_of(node: Node<'_>) -> Cow<'static, str> {
    let stated = attribute(node, "codeSystem");
    if oid::is_oid(stated) { oid::code_system(stated) } else { Cow::Borrowed("") }
}

fn collect<'a>(node: Node<'a>, depth: usize, stated: &mut Vec<Coding<'a>>, out: &mut Output) {
    stated.extend(
        coding_of(node, out).filter(|new| !stated.iter().any(|c| c.system == new.system && c.code == new.code)),
    );
    if depth < NESTING_MAX {
        for translation in children(node, "translation") {
            collect(translation, depth + 1, stated, out);
        }
    }
}

fn coding_of<'a>(node: Node<'a>, out: &mut Output) -> Option<Coding<'a>> {
    let code = attribute(node, "code");
    if code.is_empty() || null_flavor(node).is_some() {
        return None;
    }
    let (stated, name) = (attribute(node, "codeSystem"), attribute(node, "codeSystemName"));
    Some(Coding {
        system: system(node, stated, name, code, out),
        version: attribute(node, "codeSystemVersion").into(),
        code: code.into(),
        display: attribute(node, "displayName").into(),
        table: if name.is_empty() { stated } else { name }.into(),
    })
}

/// The system by its object identifier; where none is stated by its name, and without that one of the sender's for
/// elements of this name.
fn system(node: Node<'_>, stated: &str, name: &str, code: &str, out: &mut Output) -> Cow<'static, str> {
    if oid::is_oid(stated) {
        return oid::code_system(stated);
    }
    let named = [stated, name].into_iter().find(|name| !name.is_empty());
    match named {
        Some(named) => coding_system::resolve(named, code, &Place::Whole, &out.facility).uri,
        None => {
            out.issue(&NO_CODE_SYSTEM, node::place(node));
            Cow::Owned(out.facility.local_system(&format!("cda-{}", node::name(node))))
        }
    }
}

/// Writes `dataAbsentReason` for a coded value that is null without saying anything else.
pub(in crate::map::cda) fn data_absent_reason(w: &mut Writer, name: &str, flavor: &str) {
    w.concept(name, null::ABSENT_REASON, null::absent_reason(flavor), "");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::cda::entry::tests::{output, parse};

    fn written(attributes_and_content: &str) -> String {
        let xml = format!("<value xmlns=\"urn:hl7-org:v3\" {attributes_and_content}</value>");
        let document = parse(&xml);
        let mut w = Writer::new();
        members(&mut w, document.root_element(), &|id| (id == "n1").then(|| "as  written".into()), &mut output());
        w.finish()
    }

    #[test]
    fn the_code_comes_first_and_the_text_is_what_the_narrative_says() {
        assert_eq!(
            written(concat!(
                r##"code="1" codeSystem="2.16.840.1.113883.6.96" displayName="d"><originalText><reference value="#n1"/>"##,
                r#"</originalText><translation code="2" codeSystem="2.16.840.1.113883.6.90" codeSystemVersion="3"/>"#
            )),
            concat!(
                r#""coding":[{"system":"http://snomed.info/sct","code":"1","display":"d"},"#,
                r#"{"system":"http://hl7.org/fhir/sid/icd-10-cm","version":"3","code":"2"}],"text":"as written""#
            )
        );
    }

    #[test]
    fn other_with_a_translation_is_the_translation() {
        assert_eq!(
            written(r#"nullFlavor="OTH"><translation code="2" codeSystem="1.2.3" displayName="t"/>"#),
            r#""coding":[{"system":"urn:oid:1.2.3","code":"2","display":"t"}],"text":"t""#
        );
        assert_eq!(written(r#"nullFlavor="UNK">"#), "");
    }

    #[test]
    fn a_qualifier_is_told_in_the_text() {
        let value = concat!(
            r#"code="368209003" codeSystem="2.16.840.1.113883.6.96" displayName="Right arm"><qualifier>"#,
            r#"<name code="272741003" codeSystem="2.16.840.1.113883.6.96"/><value code="7771000" displayName="Left"/>"#,
            "</qualifier>"
        );
        assert!(written(value).ends_with(r#""text":"Right arm (Left)""#));
    }

    #[test]
    fn japanese_names_of_code_systems_are_understood() {
        let value = r#"code="620000001" codeSystemName="HOT9" displayName="試験錠">"#;
        assert!(written(value).contains("http://medis.or.jp/CodeSystem/master-HOT9"));
    }
}
