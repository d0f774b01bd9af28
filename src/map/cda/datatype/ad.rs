//! AD postal addresses (HL7 v3 Data Types R1 2.14) to Address.

use super::ivl_ts;
use crate::fhir::Writer;
use crate::map::Output;
use crate::map::cda::node::{self, Node, attribute, child, elements, null_flavor};

/// Writes every `addr` of an element as items of `address`.
pub(in crate::map::cda) fn addresses(w: &mut Writer, node: Node<'_>, out: &mut Output) {
    w.array("address", |w| {
        for addr in node::children(node, "addr") {
            w.item(|w| address(w, addr, out));
        }
    });
}

/// Writes one AD into an item or object; nothing when it says nothing.
pub(in crate::map::cda) fn address(w: &mut Writer, node: Node<'_>, out: &mut Output) {
    if null_flavor(node).is_some() {
        return;
    }
    let text = |name: &str| child(node, name).filter(|n| null_flavor(*n).is_none()).map(node::text).unwrap_or_default();
    let lines = lines(node);
    let [city, district, state, postal, country] = ["city", "county", "state", "postalCode", "country"].map(text);
    let loose = loose_text(node);
    if lines.is_empty() && [&city, &district, &state, &postal, &country, &loose].iter().all(|part| part.is_empty()) {
        return;
    }
    let uses = attribute(node, "use");
    w.string("use", address_use(uses));
    w.string("type", address_type(uses));
    w.string("text", &if loose.is_empty() { whole(&state, &district, &city, &lines) } else { loose });
    w.array("line", |w| lines.iter().for_each(|line| w.item_string(line)));
    w.string("city", &city);
    w.string("district", &district);
    w.string("state", &state);
    w.string("postalCode", &postal);
    w.string("country", &country);
    ivl_ts::period(w, "period", child(node, "useablePeriod"), out);
}

/// Street lines as sent; a street name and a house number make one line.
fn lines(node: Node<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut street = Vec::new();
    for part in elements(node).filter(|part| null_flavor(*part).is_none()) {
        match node::name(part) {
            "streetAddressLine" | "deliveryAddressLine" | "additionalLocator" | "unitID" | "postBox" | "careOf" => {
                lines.push(node::text(part));
            }
            "streetName" | "streetNameBase" | "streetNameType" | "houseNumber" | "houseNumberNumeric" | "direction" => {
                street.push(node::text(part));
            }
            "precinct" | "censusTract" | "buildingNumberSuffix" => lines.push(node::text(part)),
            _ => {}
        }
    }
    if !street.is_empty() {
        lines.insert(0, street.join(" "));
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// What stands between the parts: the whole address where nobody took it apart.
fn loose_text(node: Node<'_>) -> String {
    let texts = node.children().filter(|c| c.is_text()).filter_map(|c| c.text());
    let joined: Vec<&str> = texts.flat_map(str::split_whitespace).collect();
    joined.join(" ")
}

/// The parts as an envelope of Japan shows them; left to the reader elsewhere.
fn whole(state: &str, district: &str, city: &str, lines: &[String]) -> String {
    let whole = format!("{state}{district}{city}{}", lines.concat());
    if whole.is_ascii() { String::new() } else { whole }
}

/// PostalAddressUse to address-use.
fn address_use(uses: &str) -> &'static str {
    let of = |code: &str| match code {
        "H" | "HP" | "HV" => Some("home"),
        "WP" | "DIR" | "PUB" => Some("work"),
        "TMP" => Some("temp"),
        "BAD" | "OLD" => Some("old"),
        _ => None,
    };
    uses.split_whitespace().find_map(of).unwrap_or_default()
}

fn address_type(uses: &str) -> &'static str {
    let of = |code: &str| match code {
        "PST" => Some("postal"),
        "PHYS" => Some("physical"),
        _ => None,
    };
    uses.split_whitespace().find_map(of).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::cda::entry::tests::{output, parse};

    #[test]
    fn parts_and_whole_addresses() {
        let cases = [
            (
                r#"use="HP"><streetAddressLine>1 Main St</streetAddressLine><city>X</city><state>OR</state><postalCode>9</postalCode><country>US</country>"#,
                r#""use":"home","line":["1 Main St"],"city":"X","state":"OR","postalCode":"9","country":"US""#,
            ),
            (">試験県試験市1-1", r#""text":"試験県試験市1-1""#),
            (
                "><state>試験県</state><city>試験市</city><streetAddressLine>1-1</streetAddressLine>",
                r#""text":"試験県試験市1-1","line":["1-1"],"city":"試験市","state":"試験県""#,
            ),
            ("><streetName>Weg</streetName><houseNumber>2</houseNumber>", r#""line":["Weg 2"]"#),
            (r#"nullFlavor="UNK">"#, ""),
        ];
        for (content, expected) in cases {
            let xml = format!("<addr xmlns=\"urn:hl7-org:v3\" {content}</addr>");
            let document = parse(&xml);
            let mut w = Writer::new();
            address(&mut w, document.root_element(), &mut output());
            assert_eq!(w.finish(), expected, "{content}");
        }
    }
}
