//! ANY, the value of an observation, to `value[x]` by the data type it says it has (HL7 v3 Data Types R1 2.1).

use super::ivl_ts::Span;
use super::rule::{BAD_NUMBER, UNKNOWN_TYPE};
use super::{Text, cd, ed, ivl_pq, pq, rto, ts};
use crate::fhir::Writer;
use crate::map::Output;
use crate::map::cda::node::{self, Node, attribute, child, null_flavor, xsi_type};
use crate::map::hl7v2::number::decimal;

/// An attachment as the value of an Observation, which R4 does not have (R5 Observation.value[x]).
const VALUE_ATTACHMENT: &str = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Observation.value";

/// Writes `value[x]`; whether there was one. An attachment is written by [`attachment`].
pub(in crate::map::cda) fn write(w: &mut Writer, node: Node<'_>, text: Text<'_>, out: &mut Output) -> bool {
    match kind(node) {
        "CD" | "CE" | "CV" | "CO" | "CS" | "BXIT_CD" | "SC"
            if cd::is_stated(node) || !attribute(node, "code").is_empty() =>
        {
            cd::concept(w, "valueCodeableConcept", Some(node), text, out);
            true
        }
        "PQ" if pq::quantity(w, "valueQuantity", Some(node).filter(|n| is_numeric(*n)), out) => true,
        _ if null_flavor(node).is_some() => false,
        "CD" | "CE" | "CV" | "CO" | "CS" | "BXIT_CD" => string(w, &cd::text_of(node, text)),
        "PQ" => {
            out.issue(&BAD_NUMBER, node::place(node));
            string(w, &pq::in_words(node))
        }
        "REAL" => pq::quantity(w, "valueQuantity", Some(node), out),
        "INT" => integer(w, node, out),
        "BL" => boolean(w, attribute(node, "value")),
        "TS" | "TS.DATE" => {
            let at = ts::date_time(node, out);
            string_as(w, "valueDateTime", at.as_deref().unwrap_or_default())
        }
        "IVL_TS" => {
            let span = Span::of(Some(node), out);
            match span.start.as_deref().filter(|_| span.is_point) {
                Some(point) => w.string("valueDateTime", point),
                None => span.period(w, "valuePeriod"),
            }
            !span.is_empty()
        }
        "IVL_PQ" | "IVL_REAL" | "IVL_INT" => ivl_pq::write(w, "value", node, out),
        kind if kind.starts_with("RTO") => rto::ratio(w, "valueRatio", Some(node), out),
        "ST" | "ED" => string(w, &cd::resolved(node, text)),
        "MO" => string(w, &[attribute(node, "value"), attribute(node, "currency")].join(" ")),
        "II" => string(w, &[attribute(node, "root"), attribute(node, "extension")].join(" ")),
        "TEL" => string(w, attribute(node, "value")),
        other => {
            out.issue_with(&UNKNOWN_TYPE, node::place(node), other);
            string(w, &node::text(node))
        }
    }
}

/// Whether the value is data that only an attachment can hold.
pub(in crate::map::cda) fn is_attachment(node: Node<'_>) -> bool {
    let is_pointing = || child(node, "reference").is_some_and(|r| !attribute(r, "value").starts_with('#'));
    xsi_type(node) == "ED"
        && null_flavor(node).is_none()
        && (attribute(node, "representation") == "B64" || is_pointing())
}

/// Writes an attachment as an item of `extension`.
pub(in crate::map::cda) fn attachment(w: &mut Writer, node: Node<'_>, text: Text<'_>) {
    w.item(|w| {
        let mut inner = Writer::default();
        if ed::attachment(&mut inner, node, text) {
            w.string("url", VALUE_ATTACHMENT);
            w.object("valueAttachment", |w| w.members(inner));
        }
    });
}

/// The type the element says it has, else the one its attributes show.
fn kind<'a>(node: Node<'a>) -> &'a str {
    let stated = xsi_type(node);
    let has = |name: &str| !attribute(node, name).is_empty();
    match stated {
        "" if has("code") || child(node, "translation").is_some() => "CD",
        "" if has("value") && has("unit") => "PQ",
        "" if has("value") && decimal(attribute(node, "value")).is_some() => "REAL",
        "" if child(node, "low").is_some() || child(node, "high").is_some() => "IVL_PQ",
        "" => "ST",
        "IVL_PQ" | "IVL_INT" | "IVL_REAL" if has("value") => "PQ",
        "PIVL_TS" | "EIVL_TS" => "ST",
        stated => stated,
    }
}

/// Whether a quantity is a number, and not words in its place.
fn is_numeric(node: Node<'_>) -> bool {
    null_flavor(node).is_some() || decimal(attribute(node, "value")).is_some()
}

fn integer(w: &mut Writer, node: Node<'_>, out: &mut Output) -> bool {
    let value = attribute(node, "value");
    match value.parse::<i32>() {
        Ok(number) => {
            w.integer("valueInteger", i64::from(number));
            true
        }
        Err(_) => pq::quantity(w, "valueQuantity", Some(node), out),
    }
}

fn boolean(w: &mut Writer, value: &str) -> bool {
    let value = match value {
        "true" | "1" => true,
        "false" | "0" => false,
        _ => return false,
    };
    w.boolean("valueBoolean", value);
    true
}

fn string(w: &mut Writer, value: &str) -> bool {
    string_as(w, "valueString", value.trim())
}

fn string_as(w: &mut Writer, name: &str, value: &str) -> bool {
    w.string(name, value);
    !value.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::cda::entry::tests::{output, parse};

    #[test]
    fn every_type_has_its_value() {
        let cases = [
            (
                r#"xsi:type="PQ" value="13.20" unit="g/dL">"#,
                r#""valueQuantity":{"value":13.20,"unit":"g/dL","system":"http://unitsofmeasure.org","code":"g/dL"}"#,
            ),
            (
                r#"xsi:type="CD" code="1" codeSystem="1.2.3" displayName="d">"#,
                r#""valueCodeableConcept":{"coding":[{"system":"urn:oid:1.2.3","code":"1","display":"d"}],"text":"d"}"#,
            ),
            (r#"xsi:type="ST">yellow"#, r#""valueString":"yellow""#),
            (r#"xsi:type="INT" value="3">"#, r#""valueInteger":3"#),
            (r#"xsi:type="REAL" value="1.50">"#, r#""valueQuantity":{"value":1.50}"#),
            (r#"xsi:type="BL" value="true">"#, r#""valueBoolean":true"#),
            (r#"xsi:type="TS" value="2023-02-14">"#, r#""valueDateTime":"2023-02-14""#),
            (
                r#"xsi:type="IVL_TS"><low value="2012"/><high value="2013"/>"#,
                r#""valuePeriod":{"start":"2012","end":"2013"}"#,
            ),
            (
                r#"xsi:type="IVL_PQ"><high value="7" unit="d" inclusive="false"/>"#,
                r#""valueQuantity":{"value":7,"comparator":"<","unit":"d","system":"http://unitsofmeasure.org","code":"d"}"#,
            ),
            (
                r#"xsi:type="RTO_PQ_PQ"><numerator value="1"/><denominator value="8"/>"#,
                r#""valueRatio":{"numerator":{"value":1},"denominator":{"value":8}}"#,
            ),
            (r#"xsi:type="PQ" value="positive">"#, r#""valueString":"positive""#),
            (
                r#"value="5" unit="mg">"#,
                r#""valueQuantity":{"value":5,"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}"#,
            ),
            (r#"xsi:type="PQ" nullFlavor="UNK">"#, ""),
            (r#"xsi:type="CD" nullFlavor="UNK">"#, ""),
        ];
        for (content, expected) in cases {
            let xml = format!(
                "<value xmlns=\"urn:hl7-org:v3\" xmlns:xsi=\"{}\" {content}</value>",
                "http://www.w3.org/2001/XMLSchema-instance"
            );
            let document = parse(&xml);
            let mut w = Writer::new();
            let written = write(&mut w, document.root_element(), &|_| None, &mut output());
            assert_eq!((w.finish().as_str(), written), (expected, !expected.is_empty()), "{content}");
        }
    }
}
