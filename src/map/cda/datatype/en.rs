//! EN, PN, ON and TN names (HL7 v3 Data Types R1 2.11) to HumanName and to plain names. Japanese documents send one name in
//! kanji (IDE), one in kana (SYL) and sometimes one in Roman letters (ABC).

use super::ivl_ts;
use crate::fhir::{Writer, system};
use crate::map::Output;
use crate::map::cda::node::{self, Node, attribute, child, children, null_flavor};

/// Writes every `name` of an element as items of `name`.
pub(in crate::map::cda) fn names(w: &mut Writer, node: Node<'_>, out: &mut Output) {
    w.array("name", |w| {
        for name in children(node, "name") {
            w.item(|w| human_name(w, name, out));
        }
    });
}

/// Writes one name as a HumanName into an item or object; nothing when it says nothing.
pub(in crate::map::cda) fn human_name(w: &mut Writer, node: Node<'_>, out: &mut Output) {
    if null_flavor(node).is_some() {
        return;
    }
    let parts = |name: &'static str| {
        children(node, name).filter(|p| null_flavor(*p).is_none()).map(node::text).filter(|text| !text.is_empty())
    };
    let family = parts("family").collect::<Vec<_>>().join(" ");
    let given: Vec<String> = parts("given").collect();
    let (prefix, suffix): (Vec<String>, Vec<String>) = (parts("prefix").collect(), parts("suffix").collect());
    let is_structured = !family.is_empty() || !given.is_empty() || !prefix.is_empty() || !suffix.is_empty();
    let uses = attribute(node, "use");
    let representation = uses.split_whitespace().find(|u| matches!(*u, "IDE" | "SYL" | "ABC"));
    let text = match is_structured {
        false => node::text(node),
        true if representation.is_some() => joined(&family, &given),
        true => String::new(),
    };
    if text.is_empty() && !is_structured {
        return;
    }
    w.array("extension", |w| {
        if let Some(representation) = representation {
            w.item(|w| {
                w.string("url", system::NAME_REPRESENTATION);
                w.string("valueCode", representation);
            });
        }
    });
    w.string("use", name_use(uses, representation.is_some()));
    w.string("text", &text);
    w.string("family", &family);
    w.array("given", |w| given.iter().for_each(|part| w.item_string(part)));
    w.array("prefix", |w| prefix.iter().for_each(|part| w.item_string(part)));
    w.array("suffix", |w| suffix.iter().for_each(|part| w.item_string(part)));
    ivl_ts::period(w, "period", child(node, "validTime"), out);
}

/// The name of an organisation, a place or a product as one text.
pub(in crate::map::cda) fn plain(node: Option<Node<'_>>) -> String {
    node.filter(|node| null_flavor(*node).is_none()).map(node::text).unwrap_or_default()
}

/// A person's first name as one text, for keys and displays.
pub(in crate::map::cda) fn person(node: Node<'_>) -> String {
    let Some(name) = child(node, "name").filter(|name| null_flavor(*name).is_none()) else { return String::new() };
    let family = child(name, "family").map(node::text).unwrap_or_default();
    let given: Vec<String> = children(name, "given").map(node::text).collect();
    if family.is_empty() && given.is_empty() { node::text(name) } else { joined(&family, &given) }
}

fn joined(family: &str, given: &[String]) -> String {
    let parts: Vec<&str> =
        [family].into_iter().chain(given.iter().map(String::as_str)).filter(|p| !p.is_empty()).collect();
    parts.join(" ")
}

/// EntityNameUse to name-use. A name that says only how it is written is the one of the register.
fn name_use(uses: &str, is_representation: bool) -> &'static str {
    let of = |code: &str| match code {
        "L" => Some("usual"),
        "C" | "OR" => Some("official"),
        "A" | "P" => Some("nickname"),
        "M" | "BIR" => Some("maiden"),
        "ANON" => Some("anonymous"),
        "TEMP" | "T" => Some("temp"),
        _ => None,
    };
    match uses.split_whitespace().find_map(of) {
        _ if is_representation => "official",
        Some(name_use) => name_use,
        None => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::cda::entry::tests::{output, parse};

    #[test]
    fn structured_unstructured_and_japanese_names() {
        let cases = [
            (
                r#"use="L"><given>Isabella</given><given qualifier="CL">Isa</given><family>Jones</family><suffix>MD</suffix>"#,
                r#""use":"usual","family":"Jones","given":["Isabella","Isa"],"suffix":["MD"]"#,
            ),
            (
                r#"use="IDE"><family>試験</family><given>太郎</given>"#,
                concat!(
                    r#""extension":[{"url":"http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation","#,
                    r#""valueCode":"IDE"}],"use":"official","text":"試験 太郎","family":"試験","given":["太郎"]"#
                ),
            ),
            (">Dr. Test", r#""text":"Dr. Test""#),
            (r#"nullFlavor="UNK">"#, ""),
            ("><given nullFlavor=\"UNK\"/>", ""),
        ];
        for (content, expected) in cases {
            let xml = format!("<name xmlns=\"urn:hl7-org:v3\" {content}</name>");
            let document = parse(&xml);
            let mut w = Writer::new();
            human_name(&mut w, document.root_element(), &mut output());
            assert_eq!(w.finish(), expected, "{content}");
        }
    }
}
