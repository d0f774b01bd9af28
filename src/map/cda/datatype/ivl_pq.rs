//! `IVL<PQ>` intervals of quantities (HL7 v3 Data Types R1 2.20) to Range, or to a Quantity with a comparator where one bound
//! is open.

use super::pq;
use crate::fhir::Writer;
use crate::map::Output;
use crate::map::cda::node::{Node, attribute, child};

/// Writes `low` and `high` of a Range or a reference range; whether there was any.
pub(in crate::map::cda) fn bounds(w: &mut Writer, node: Node<'_>, out: &mut Output) -> bool {
    let low = pq::quantity(w, "low", child(node, "low"), out);
    let high = pq::quantity(w, "high", child(node, "high"), out);
    low || high
}

/// Writes it as `<stem>Range` when both bounds are known, else as `<stem>Quantity`; whether there was any.
pub(in crate::map::cda) fn write(w: &mut Writer, stem: &str, node: Node<'_>, out: &mut Output) -> bool {
    let [low, high] =
        ["low", "high"].map(|name| child(node, name).filter(|bound| !attribute(*bound, "value").is_empty()));
    let quantity = format!("{stem}Quantity");
    match (low, high) {
        (Some(_), Some(_)) => {
            w.object(&format!("{stem}Range"), |w| {
                bounds(w, node, out);
            });
            true
        }
        (Some(low), None) => pq::with_comparator(w, &quantity, Some(low), comparator(low, ">"), out),
        (None, Some(high)) => pq::with_comparator(w, &quantity, Some(high), comparator(high, "<"), out),
        (None, None) => pq::quantity(w, &quantity, child(node, "center").or(Some(node)), out),
    }
}

/// Writes it as `<stem>Range` when it has a bound, else as `<stem>Quantity`: where FHIR allows no comparator.
pub(in crate::map::cda) fn range_or_quantity(w: &mut Writer, stem: &str, node: Node<'_>, out: &mut Output) {
    let mut range = Writer::default();
    match bounds(&mut range, node, out) {
        true => w.object(&format!("{stem}Range"), |w| w.members(range)),
        false => {
            pq::quantity(w, &format!("{stem}Quantity"), child(node, "center").or(Some(node)), out);
        }
    }
}

/// A bound is part of the interval unless it says that it is not.
fn comparator(bound: Node<'_>, sign: &str) -> &'static str {
    match (sign, attribute(bound, "inclusive") == "false") {
        (">", false) => ">=",
        (">", true) => ">",
        (_, false) => "<=",
        (_, true) => "<",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::cda::entry::tests::{output, parse};

    #[test]
    fn an_open_bound_is_a_comparator() {
        let cases = [
            (r#"<low value="5"/>"#, r#""valueQuantity":{"value":5,"comparator":">="}"#),
            (r#"<low value="5" inclusive="false"/>"#, r#""valueQuantity":{"value":5,"comparator":">"}"#),
            (r#"<high value="5" inclusive="false"/>"#, r#""valueQuantity":{"value":5,"comparator":"<"}"#),
            (r#"<low value="1.0"/><high value="2.0"/>"#, r#""valueRange":{"low":{"value":1.0},"high":{"value":2.0}}"#),
            (r#"<low nullFlavor="NINF"/><high value="5"/>"#, r#""valueQuantity":{"value":5,"comparator":"<="}"#),
            ("", ""),
        ];
        for (content, expected) in cases {
            let xml = format!("<value xmlns=\"urn:hl7-org:v3\">{content}</value>");
            let document = parse(&xml);
            let mut w = Writer::new();
            write(&mut w, "value", document.root_element(), &mut output());
            assert_eq!(w.finish(), expected);
        }
    }
}
