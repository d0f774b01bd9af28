//! II instance identifier (HL7 v3 Data Types R1 2.15) to Identifier, and the keys by which things are told apart.

use std::borrow::Cow;

use super::null::absent;
use super::oid;
use crate::fhir::Writer;
use crate::map::Output;
use crate::map::cda::node::{Node, attribute, children, null_flavor};

/// The root under which an extension is a URI (C-CDA on FHIR, identifiers).
const URI: &str = "2.16.840.1.113883.4.873";
const RFC_3986: &str = "urn:ietf:rfc:3986";
/// Roots whose extensions count things inside one prescription (Rp 番号, order in the Rp) or name what several entries
/// share (処方箋 ID, prefecture, 点数表): they tell nothing apart.
const SHARED: [&str; 4] =
    ["1.2.392.100495.20.3.81", "1.2.392.100495.20.3.82", "1.2.392.100495.20.3.21", "1.2.392.100495.20.3.22"];
const PRESCRIPTION: &str = "1.2.392.100495.20.3.11";

/// Writes every `id` of an element as items of `identifier`.
pub(in crate::map::cda) fn identifiers(w: &mut Writer, node: Node<'_>, out: &Output) {
    w.array("identifier", |w| identifier_items(w, node, out));
}

/// Writes every `id` of an element as items of an array.
pub(in crate::map::cda) fn identifier_items(w: &mut Writer, node: Node<'_>, out: &Output) {
    for id in children(node, "id") {
        w.item(|w| identifier(w, id, out));
    }
}

/// Writes one II as an Identifier into an item or object; nothing when it says nothing.
pub(in crate::map::cda) fn identifier(w: &mut Writer, id: Node<'_>, out: &Output) {
    let (root, extension) = (attribute(id, "root"), attribute(id, "extension"));
    let authority = attribute(id, "assigningAuthorityName");
    if let Some(flavor) = null_flavor(id) {
        if !root.is_empty() {
            w.string("system", &system_of(root, authority, out));
            absent(w, "value", flavor);
        }
        return;
    }
    let (uri, value) = system_and_value(root, extension, authority, out);
    if value.is_empty() {
        return;
    }
    w.string("system", &uri);
    w.string("value", &value);
    w.object("assigner", |w| w.string("display", authority));
}

/// What the first `id` that tells this thing apart says, `root^extension`; `None` when there is none.
pub(in crate::map::cda) fn key(node: Node<'_>) -> Option<String> {
    children(node, "id").find_map(key_of)
}

/// The key of one II; `None` when it has no value or several things share it.
pub(in crate::map::cda) fn key_of(id: Node<'_>) -> Option<String> {
    let (root, extension) = (attribute(id, "root"), attribute(id, "extension"));
    let is_shared = SHARED.contains(&root) || root.starts_with(PRESCRIPTION);
    if null_flavor(id).is_some() || is_shared || (root.is_empty() && extension.is_empty()) {
        return None;
    }
    Some(format!("{}^{extension}", root.to_ascii_lowercase()))
}

fn system_and_value<'a>(
    root: &'a str,
    extension: &'a str,
    authority: &str,
    out: &Output,
) -> (Cow<'a, str>, Cow<'a, str>) {
    if root == URI && !extension.is_empty() {
        let cut = extension.rfind(['/', ':']).filter(|at| *at + 1 < extension.len());
        return match cut {
            Some(at) => (extension[..at].into(), extension[at + 1..].into()),
            None => (RFC_3986.into(), extension.into()),
        };
    }
    if !extension.is_empty() {
        return (system_of(root, authority, out), extension.into());
    }
    if oid::is_oid(root) {
        return (RFC_3986.into(), format!("urn:oid:{root}").into());
    }
    if is_uuid(root) {
        return (RFC_3986.into(), format!("urn:uuid:{}", root.to_ascii_lowercase()).into());
    }
    (if root.contains(':') { RFC_3986.into() } else { system_of("", authority, out) }, root.into())
}

fn system_of(root: &str, authority: &str, out: &Output) -> Cow<'static, str> {
    if oid::is_oid(root) {
        return oid::identifier_system(root);
    }
    if is_uuid(root) {
        return Cow::Owned(format!("urn:uuid:{}", root.to_ascii_lowercase()));
    }
    if root.contains(':') {
        return Cow::Owned(root.to_owned());
    }
    let name = if root.is_empty() { authority } else { root };
    let kind = if name.is_empty() { "identifier" } else { name };
    Cow::Owned(out.facility.local_system(kind))
}

/// 8-4-4-4-12 hexadecimal digits.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::cda::entry::tests::{output, parse};

    #[test]
    fn identifiers_follow_the_rule_of_their_root() {
        let cases = [
            (r#"root="1.2.3" extension="A""#, r#""system":"urn:oid:1.2.3","value":"A""#),
            (
                r#"root="2.16.840.1.113883.4.6" extension="99""#,
                r#""system":"http://hl7.org/fhir/sid/us-npi","value":"99""#,
            ),
            (r#"root="1.2.3""#, r#""system":"urn:ietf:rfc:3986","value":"urn:oid:1.2.3""#),
            (
                r#"root="CDBD33F0-6CDE-11DB-9FE1-0800200C9A66""#,
                r#""system":"urn:ietf:rfc:3986","value":"urn:uuid:cdbd33f0-6cde-11db-9fe1-0800200c9a66""#,
            ),
            (
                r#"root="cdbd33f0-6cde-11db-9fe1-0800200c9a66" extension="7""#,
                r#""system":"urn:uuid:cdbd33f0-6cde-11db-9fe1-0800200c9a66","value":"7""#,
            ),
            (
                r#"root="2.16.840.1.113883.4.873" extension="http://example.org/id/42""#,
                r#""system":"http://example.org/id","value":"42""#,
            ),
            (
                r#"root="1.2.3" nullFlavor="MSK""#,
                concat!(
                    r#""system":"urn:oid:1.2.3","_value":{"extension":[{"url":"#,
                    r#""http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"masked"}]}"#
                ),
            ),
            (r#"nullFlavor="NI""#, ""),
        ];
        for (id, expected) in cases {
            let xml = format!("<id xmlns=\"urn:hl7-org:v3\" {id}/>");
            let document = parse(&xml);
            let mut w = Writer::new();
            identifier(&mut w, document.root_element(), &output());
            assert_eq!(w.finish(), expected, "{id}");
        }
    }

    #[test]
    fn what_several_things_share_is_no_key() {
        let xml = concat!(
            r#"<a xmlns="urn:hl7-org:v3"><id nullFlavor="NI"/><id root="1.2.392.100495.20.3.81" extension="1"/>"#,
            r#"<id root="1.2.392.100495.20.3.11" extension="P"/><id root="1.2.3" extension="X"/></a>"#
        );
        let document = parse(xml);
        assert_eq!(key(document.root_element()).as_deref(), Some("1.2.3^X"));
    }
}
