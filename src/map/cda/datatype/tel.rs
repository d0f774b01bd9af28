//! TEL telecommunication addresses (HL7 v3 Data Types R1 2.13) to ContactPoint.

use super::ivl_ts;
use crate::fhir::Writer;
use crate::map::Output;
use crate::map::cda::node::{Node, attribute, child, children, null_flavor};

/// Writes every `telecom` of an element as items of `telecom`.
pub(in crate::map::cda) fn telecoms(w: &mut Writer, node: Node<'_>, out: &mut Output) {
    w.array("telecom", |w| {
        for telecom in children(node, "telecom") {
            w.item(|w| contact_point(w, telecom, out));
        }
    });
}

/// Writes one TEL into an item or object; nothing when there is no address.
pub(in crate::map::cda) fn contact_point(w: &mut Writer, node: Node<'_>, out: &mut Output) {
    let value = attribute(node, "value");
    if value.is_empty() || null_flavor(node).is_some() {
        return;
    }
    let uses = attribute(node, "use");
    let (system, address) = system_and_address(value, uses);
    if address.is_empty() {
        return;
    }
    w.string("system", system);
    w.string("value", address);
    w.string("use", contact_use(uses));
    ivl_ts::period(w, "period", child(node, "useablePeriod"), out);
}

fn system_and_address<'a>(value: &'a str, uses: &str) -> (&'static str, &'a str) {
    let phone = if uses.split_whitespace().any(|u| u == "PG") { "pager" } else { "phone" };
    let Some((scheme, rest)) = value.split_once(':') else {
        return (if value.contains('@') { "email" } else { phone }, value);
    };
    match scheme.to_ascii_lowercase().as_str() {
        "tel" => (phone, rest.trim()),
        "fax" | "x-text-fax" => ("fax", rest.trim()),
        "mailto" => ("email", rest.trim()),
        "http" | "https" | "ftp" => ("url", value),
        _ if scheme.bytes().all(|b| b.is_ascii_alphabetic()) => ("other", value),
        _ => (phone, value),
    }
}

/// TelecommunicationAddressUse to contact-point-use.
fn contact_use(uses: &str) -> &'static str {
    let of = |code: &str| match code {
        "MC" => Some("mobile"),
        "H" | "HP" | "HV" => Some("home"),
        "WP" | "W" | "DIR" | "PUB" => Some("work"),
        "TMP" => Some("temp"),
        "BAD" | "OLD" => Some("old"),
        _ => None,
    };
    uses.split_whitespace().find_map(of).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::cda::entry::tests::{output, parse};

    #[test]
    fn the_scheme_says_the_system() {
        let cases = [
            (r#"use="WP" value="tel:555-555-1002""#, r#""system":"phone","value":"555-555-1002","use":"work""#),
            (
                r#"use="MC" value="tel:+81(90)0000-0000""#,
                r#""system":"phone","value":"+81(90)0000-0000","use":"mobile""#,
            ),
            (r#"value="mailto:a@example.org""#, r#""system":"email","value":"a@example.org""#),
            (r#"value="fax:1" use="H""#, r#""system":"fax","value":"1","use":"home""#),
            (r#"value="https://example.org/""#, r#""system":"url","value":"https://example.org/""#),
            (r#"value="tel:1" use="PG""#, r#""system":"pager","value":"1""#),
            (r#"value="03-0000-0000""#, r#""system":"phone","value":"03-0000-0000""#),
            (r#"nullFlavor="UNK" value="tel:""#, ""),
            (r#"value="tel:""#, ""),
        ];
        for (content, expected) in cases {
            let xml = format!("<telecom xmlns=\"urn:hl7-org:v3\" {content}/>");
            let document = parse(&xml);
            let mut w = Writer::new();
            contact_point(&mut w, document.root_element(), &mut output());
            assert_eq!(w.finish(), expected, "{content}");
        }
    }
}
