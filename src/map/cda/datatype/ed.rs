//! ED encapsulated data (HL7 v3 Data Types R1 2.4) to Attachment.

use super::{Text, cd};
use crate::fhir::Writer;
use crate::map::cda::node::{self, Node, attribute, child_attribute, null_flavor};

/// Writes the members of an Attachment; whether there was any data, text or address.
pub(in crate::map::cda) fn attachment(w: &mut Writer, node: Node<'_>, text: Text<'_>) -> bool {
    if null_flavor(node).is_some() {
        return false;
    }
    let media_type = attribute(node, "mediaType");
    let reference = child_attribute(node, "reference", "value");
    if !reference.is_empty() && !reference.starts_with('#') {
        w.string("contentType", media_type);
        w.string("language", attribute(node, "language"));
        w.string("url", reference);
        return true;
    }
    if attribute(node, "representation") == "B64" {
        let data: String = node::text(node).split_whitespace().collect();
        if data.is_empty() {
            return false;
        }
        w.string("contentType", if media_type.is_empty() { "application/octet-stream" } else { media_type });
        w.string("language", attribute(node, "language"));
        w.string("data", &data);
        return true;
    }
    let content = cd::resolved(node, text);
    if content.is_empty() {
        return false;
    }
    w.string("contentType", if media_type.is_empty() { "text/plain" } else { media_type });
    w.string("language", attribute(node, "language"));
    w.string("data", &base64(content.as_bytes()));
    true
}

/// RFC 4648 section 4, with padding.
pub(in crate::map::cda) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize];
            out.push(if at <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::cda::entry::tests::parse;

    #[test]
    fn base64_is_rfc_4648() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn data_text_and_addresses() {
        let cases = [
            (
                r#"mediaType="application/pdf" representation="B64">Zm 9v"#,
                r#""contentType":"application/pdf","data":"Zm9v""#,
            ),
            (r#"mediaType="text/plain">foo"#, r#""contentType":"text/plain","data":"Zm9v""#),
            (r#"mediaType="image/png"><reference value="a.png"/>"#, r#""contentType":"image/png","url":"a.png""#),
            (r##"><reference value="#t"/>"##, r#""contentType":"text/plain","data":"Zm9v""#),
            (r#"nullFlavor="NI">"#, ""),
        ];
        for (content, expected) in cases {
            let xml = format!("<value xmlns=\"urn:hl7-org:v3\" {content}</value>");
            let document = parse(&xml);
            let mut w = Writer::new();
            attachment(&mut w, document.root_element(), &|_| Some("foo".into()));
            assert_eq!(w.finish(), expected, "{content}");
        }
    }
}
