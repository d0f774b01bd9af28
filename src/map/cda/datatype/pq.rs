//! PQ physical quantities (HL7 v3 Data Types R1 2.17) to Quantity: the digits as sent, a code only for a unit that is UCUM.

use std::borrow::Cow;

use super::rule::BAD_NUMBER;
use super::{cd, ts};
use crate::fhir::Writer;
use crate::map::Output;
use crate::map::cda::node::{self, Node, attribute, child, children, null_flavor};
use crate::map::hl7v2::number::decimal;
use crate::map::hl7v2::segment::obx_unit;

/// A second way to say the quantity.
const TRANSLATION: &str = "http://hl7.org/fhir/StructureDefinition/iso21090-PQ-translation";

/// Writes a Quantity member; whether there was one.
pub(in crate::map::cda) fn quantity(w: &mut Writer, name: &str, node: Option<Node<'_>>, out: &mut Output) -> bool {
    with_comparator(w, name, node, "", out)
}

/// Writes a Quantity member with a comparator (`<`, `<=`, `>=`, `>` or empty); whether there was one.
pub(in crate::map::cda) fn with_comparator(
    w: &mut Writer,
    name: &str,
    node: Option<Node<'_>>,
    comparator: &str,
    out: &mut Output,
) -> bool {
    let Some(node) = node else { return false };
    let Some(value) = number(node, out) else { return false };
    w.object(name, |w| members(w, stated(node).unwrap_or(node), &value, comparator));
    true
}

/// The number of a quantity, as a FHIR decimal.
pub(in crate::map::cda) fn number(node: Node<'_>, out: &mut Output) -> Option<String> {
    let number = decimal(attribute(stated(node)?, "value"));
    if number.is_none() {
        out.issue(&BAD_NUMBER, node::place(node));
    }
    number
}

/// Whether a number, or something in its place, is stated.
pub(in crate::map::cda) fn is_stated(node: Node<'_>) -> bool {
    stated(node).is_some()
}

/// The quantity as people write it: `65 a`.
pub(in crate::map::cda) fn in_words(node: Node<'_>) -> String {
    let (value, unit) = (attribute(node, "value"), attribute(node, "unit"));
    if unit.is_empty() || unit == "1" { value.to_owned() } else { format!("{value} {unit}") }
}

/// Where the quantity is told: a unit that is no UCUM makes some senders write `nullFlavor="OTH"` and tell everything in
/// a translation.
fn stated<'a>(node: Node<'a>) -> Option<Node<'a>> {
    match null_flavor(node) {
        None => Some(node).filter(|node| !attribute(*node, "value").is_empty()),
        Some(_) => children(node, "translation").find(|t| !attribute(*t, "value").is_empty()),
    }
}

fn members(w: &mut Writer, node: Node<'_>, value: &str, comparator: &str) {
    let unit = unit_in_words(node);
    let ucum = ucum(&unit);
    // A translation with a code in a system of units says which unit is meant where the unit itself is no UCUM.
    let is_same = |t: &Node<'_>| [attribute(*t, "value"), value].contains(&attribute(node, "value"));
    let coded = |t: &Node<'_>| !attribute(*t, "code").is_empty() && is_same(t);
    let named = if ucum.is_none() { [node].into_iter().chain(children(node, "translation")).find(coded) } else { None };
    w.array("extension", |w| {
        for translation in children(node, "translation").filter(|t| Some(*t) != named) {
            let Some(value) = decimal(attribute(translation, "value")) else { continue };
            w.item(|w| {
                w.string("url", TRANSLATION);
                w.object("valueQuantity", |w| {
                    w.decimal("value", &value);
                    coded_unit(w, translation);
                });
            });
        }
    });
    w.decimal("value", value);
    w.string("comparator", comparator);
    match (ucum.as_deref(), named) {
        (Some(ucum), _) => {
            w.string("unit", if ucum == "1" { "" } else { &unit });
            w.string("system", ts::UCUM);
            w.string("code", ucum);
        }
        (None, Some(named)) => coded_unit(w, named),
        // European prescriptions count tablets and puffs in SNOMED CT units of presentation.
        (None, None) if unit.len() >= 6 && unit.bytes().all(|b| b.is_ascii_digit()) => {
            w.string("system", "http://snomed.info/sct");
            w.string("code", &unit);
        }
        (None, None) => w.string("unit", &unit),
    }
}

/// The UCUM code of a unit: the unit itself, or what a usual spelling (`x10e3/uL`, `mg/dl`) means.
fn ucum(unit: &str) -> Option<Cow<'_, str>> {
    if is_ucum(unit) {
        return Some(Cow::Borrowed(unit));
    }
    if let Some(ucum) = obx_unit::ucum(unit) {
        return Some(Cow::Borrowed(ucum));
    }
    let power = unit.trim_start_matches(['x', 'X']).replace("10e", "10*").replace("10E", "10*");
    (power.starts_with("10*") && is_ucum(&power)).then_some(Cow::Owned(power))
}

/// A unit that is a code of some system.
fn coded_unit(w: &mut Writer, node: Node<'_>) {
    let (code, display) = (attribute(node, "code"), attribute(node, "displayName"));
    let unit = if display.is_empty() { code } else { display };
    let system = cd::system_of(node);
    w.string("unit", unit);
    if !system.is_empty() {
        w.string("system", &system);
        w.string("code", code);
    }
}

fn unit_in_words(node: Node<'_>) -> String {
    let unit = attribute(node, "unit");
    if !unit.is_empty() {
        return unit.to_owned();
    }
    child(node, "originalText").map(node::text).unwrap_or_default()
}

/// Whether a unit is UCUM, by its grammar and the atoms that medicine uses: `10*3/uL`, `mm[Hg]`, `{tablet}`.
pub(in crate::map::cda) fn is_ucum(unit: &str) -> bool {
    if unit.is_empty() || unit.len() > 40 || !unit.is_ascii() || unit.contains(' ') {
        return false;
    }
    let Some(plain) = without_annotations(unit) else { return false };
    if plain.is_empty() {
        return true;
    }
    let plain = plain.strip_prefix('/').unwrap_or(&plain);
    plain.split(['.', '/']).all(is_simple_unit)
}

/// The unit without `{…}`; `None` when a brace does not close.
fn without_annotations(unit: &str) -> Option<String> {
    let mut plain = String::with_capacity(unit.len());
    let mut rest = unit;
    while let Some((before, after)) = rest.split_once('{') {
        let (_, after) = after.split_once('}')?;
        plain.push_str(before);
        // `{x}/d` and `mg/{x}` stand for 1.
        if (before.is_empty() || before.ends_with(['/', '.'])) && !after.starts_with('{') {
            plain.push('1');
        }
        rest = after;
    }
    plain.push_str(rest);
    (!plain.contains('}')).then_some(plain)
}

fn is_simple_unit(part: &str) -> bool {
    if part.starts_with("10*") || part.starts_with("10^") {
        let exponent = part[3..].trim_start_matches(['-', '+']);
        return exponent.len() <= 2 && exponent.bytes().all(|b| b.is_ascii_digit());
    }
    if (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()) {
        return true;
    }
    let atom = part.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+'));
    let atom = if part.ends_with(']') { part } else { atom };
    if PLAIN_ATOMS.contains(&atom) || METRIC_ATOMS.contains(&atom) {
        return true;
    }
    PREFIXES.iter().any(|prefix| atom.strip_prefix(prefix).is_some_and(|rest| METRIC_ATOMS.contains(&rest)))
}

const PREFIXES: [&str; 14] = ["da", "k", "h", "d", "c", "m", "u", "n", "p", "f", "M", "G", "T", "a"];

/// Atoms that take a prefix.
const METRIC_ATOMS: [&str; 38] = [
    "m", "s", "g", "L", "l", "mol", "K", "Pa", "J", "W", "N", "V", "A", "C", "F", "Ohm", "S", "Hz", "T", "lm", "lx",
    "Bq", "Gy", "Sv", "kat", "eq", "osm", "cal", "bar", "U", "[IU]", "[iU]", "Cel", "B", "eV", "m[Hg]", "m[H2O]", "t",
];

/// Atoms that take none.
const PLAIN_ATOMS: [&str; 49] = [
    "%", "[ppm]", "[ppb]", "[ppth]", "min", "h", "d", "wk", "mo", "a", "deg", "'", "''", "[in_i]", "[in_us]", "[ft_i]",
    "[ft_us]", "[yd_i]", "[mi_i]", "[lb_av]", "[oz_av]", "[gr]", "[degF]", "[pH]", "[CFU]", "[PFU]", "[arb'U]",
    "[drp]", "[Cal]", "[HPF]", "[LPF]", "[tsp_us]", "[tbs_us]", "[foz_us]", "[pt_us]", "[qt_us]", "[gal_us]",
    "[cup_us]", "[MET]", "[APL'U]", "[GPL'U]", "[MPL'U]", "[EU]", "[beth'U]", "[Ch]", "[diop]", "[psi]", "[sft_i]",
    "[FFU]",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::cda::entry::tests::{output, parse};

    fn written(content: &str) -> String {
        let xml = format!("<value xmlns=\"urn:hl7-org:v3\" {content}</value>");
        let document = parse(&xml);
        let mut w = Writer::new();
        quantity(&mut w, "q", Some(document.root_element()), &mut output());
        w.finish()
    }

    #[test]
    fn ucum_is_known_by_its_grammar() {
        for unit in [
            "mg/dL",
            "10*3/uL",
            "mm[Hg]",
            "%",
            "{tablet}",
            "mg/{dose}",
            "[IU]/mL",
            "kg/m2",
            "/min",
            "{beats}/min",
            "1",
            "a",
            "mL/min/{1.73_m2}",
            "ug",
            "Cel",
            "[degF]",
            "h",
            "U/L",
            "10*9/L",
            "m[IU]/L",
            "L/min",
            "cm",
            "[in_i]",
            "mmol/L",
        ] {
            assert!(is_ucum(unit), "{unit}");
        }
        for unit in ["", "tablet", "錠", "mg / dL", "bpm", "years", "732936001", "{x", "mcg", "lb"] {
            assert!(!is_ucum(unit), "{unit}");
        }
    }

    #[test]
    fn digits_are_kept_and_a_unit_that_is_no_ucum_has_no_code() {
        let ucum = r#""system":"http://unitsofmeasure.org""#;
        assert_eq!(
            written(r#"value="1.50" unit="mg">"#),
            format!(r#""q":{{"value":1.50,"unit":"mg",{ucum},"code":"mg"}}"#)
        );
        assert_eq!(written(r#"value="1.015" unit="1">"#), format!(r#""q":{{"value":1.015,{ucum},"code":"1"}}"#));
        assert_eq!(written(r#"value="2">"#), r#""q":{"value":2}"#);
        assert_eq!(written(r#"value="2" unit="tablets">"#), r#""q":{"value":2,"unit":"tablets"}"#);
        assert_eq!(
            written(r#"value="0.5" unit="732936001">"#),
            r#""q":{"value":0.5,"system":"http://snomed.info/sct","code":"732936001"}"#
        );
        assert_eq!(written(r#"nullFlavor="UNK" value="2">"#), "");
        assert_eq!(written(r#"value="x">"#), "");
    }

    #[test]
    fn a_quantity_told_in_a_translation_alone_is_read() {
        let value = concat!(
            r#"nullFlavor="OTH"><translation nullFlavor="OTH" value="11.5"><originalText>x10e3/uL</originalText>"#,
            "</translation>"
        );
        assert_eq!(
            written(value),
            r#""q":{"value":11.5,"unit":"x10e3/uL","system":"http://unitsofmeasure.org","code":"10*3/uL"}"#
        );
    }

    #[test]
    fn japanese_units_are_codes_of_their_own_system() {
        let value = concat!(
            r#"value="3" unit="TAB"><translation value="3" code="TAB" codeSystem="1.2.392.100495.20.2.101" "#,
            r#"displayName="錠"/>"#
        );
        assert_eq!(
            written(value),
            concat!(
                r#""q":{"value":3,"unit":"錠","#,
                r#""system":"http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationUnitMERIT9Code","code":"TAB"}"#
            )
        );
    }
}
