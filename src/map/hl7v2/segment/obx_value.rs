//! OBX-2 and OBX-5 (HL7 v2.5 sections 7.4.2.2 and 7.4.2.5): the value of a result as `Observation.value[x]`.

use crate::decode::hl7v2::{Segment, Value};
use crate::fault::{IssueType, Rule, Severity};
use crate::fhir::{Writer, system, time};
use crate::map::Output;
use crate::map::hl7v2::datatype::cwe;
use crate::map::hl7v2::number::{Measured, decimal, measured};
use crate::map::hl7v2::segment::{nte, obx_text};
use crate::map::hl7v2::unit::Unit;

/// A value that is not of the type OBX-2 says.
pub static VALUE_NOT_OF_TYPE: Rule = Rule {
    id: "v2-value-not-of-type",
    severity: Severity::Information,
    code: IssueType::Value,
    en: "The value is not of the type {} that OBX-2 states; it was kept as text.",
    ja: "値がOBX-2の型{}として読めないため、文字列として残しました。",
};
/// A type of OBX-2 that has no place in `Observation.value[x]`.
pub static VALUE_TYPE_UNKNOWN: Rule = Rule {
    id: "v2-value-type-unknown",
    severity: Severity::Warning,
    code: IssueType::NotSupported,
    en: "Values of this type in OBX-2 are not known; it was kept as text.",
    ja: "OBX-2の型が未対応のため、文字列として残しました。",
};

const DATA_ABSENT: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";

/// What a value needs from the rest of its OBX.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Around<'a> {
    /// OBX-6.
    pub(crate) unit: &'a Unit,
    /// Observation.status.
    pub(crate) status: &'a str,
    /// The `code` object as JSON, for components.
    pub(crate) code: &'a str,
    /// OBX that go on with the text.
    pub(crate) continued: &'a [Segment<'a>],
}

/// Writes `value[x]`; `component` when OBX-5 repeats; `dataAbsentReason` when there is none.
pub(crate) fn write(w: &mut Writer, result: Segment<'_>, around: Around<'_>, out: &mut Output) {
    let kind = result.field(2).text();
    let kind = kind.trim();
    let value = result.field(5);
    if !around.continued.is_empty() {
        return w.string("valueString", &text_of_lines(value, around.continued));
    }
    if !value.is_valued() || value.raw().trim().is_empty() {
        return absent(w, reason(value, around.status));
    }
    let is_text = matches!(kind, "ST" | "TX" | "FT" | "");
    if is_text || value.repetitions().count() == 1 {
        return one(w, kind, value, around.unit, out);
    }
    if kind == "NA" {
        return sampled(w, value, around.unit);
    }
    // HL7 v2-to-FHIR: several values are components with the code of the whole (invariant obs-7 forbids a value then).
    w.array("component", |w| {
        for value in value.repetitions() {
            w.item(|w| {
                w.raw("code", around.code);
                one(w, kind, value, around.unit, out);
            });
        }
    });
}

/// The lines of several OBX as one text.
fn text_of_lines(first: Value<'_>, continued: &[Segment<'_>]) -> String {
    let mut text = nte::lines(first);
    for line in continued {
        text.push('\n');
        text.push_str(&nte::lines(line.field(5)));
    }
    text.truncate(text.trim_end().len());
    text
}

/// Why there is no value: the sender says so (`""`), the test was not done or not asked, or the value is still to come.
fn reason(value: Value<'_>, status: &str) -> &'static str {
    match status {
        _ if value.is_null() => "asked-unknown",
        "registered" | "preliminary" => "temp-unknown",
        "cancelled" => "not-performed",
        _ => "unknown",
    }
}

/// Writes `dataAbsentReason`.
pub(crate) fn absent(w: &mut Writer, reason: &str) {
    w.concept("dataAbsentReason", DATA_ABSENT, reason, "");
}

fn one(w: &mut Writer, kind: &str, value: Value<'_>, unit: &Unit, out: &mut Output) {
    let written = match kind {
        "NM" | "SI" => number(w, value, unit),
        "SN" => structured(w, value, unit),
        "ST" | "" => {
            string(w, value, unit);
            true
        }
        "TX" | "FT" => {
            w.string("valueString", nte::lines(value).trim_end());
            true
        }
        "CE" | "CWE" | "CNE" | "CF" | "IS" | "ID" => {
            coded(w, value, out);
            true
        }
        "TS" | "DT" | "DTM" => date_time(w, value, out),
        "TM" => text_member(w, "valueTime", time_of(value)),
        "DR" => period(w, value, out),
        "NR" => range(w, &value.component(1).text(), &value.component(2).text(), unit),
        "CQ" => quantity(w, value, unit, out),
        "CP" | "MO" => money(w, value),
        "NA" => {
            sampled(w, value, unit);
            true
        }
        // What could not be read as an attachment: the issue is noted already.
        "ED" | "RP" => text_member(w, "valueString", Some(value.whole_text().trim().to_owned())),
        _ => match obx_text::text(kind, value) {
            Some(text) => text_member(w, "valueString", Some(text)),
            None => {
                w.string("valueString", value.whole_text().trim_end());
                out.doubt(&VALUE_TYPE_UNKNOWN, &value);
                true
            }
        },
    };
    if !written {
        w.string("valueString", value.whole_text().trim());
        out.issue_with(&VALUE_NOT_OF_TYPE, value.place(), kind);
    }
}

/// CQ (section 2.A.20): a number with its own unit; where it has none, that of OBX-6.
fn quantity(w: &mut Writer, value: Value<'_>, unit: &Unit, out: &Output) -> bool {
    let own = Unit::of_quantity(value, out);
    let unit = if own.is_empty() { unit } else { &own };
    measured(&value.component(1).text()).map(|m| unit.quantity(w, "valueQuantity", &m)).is_some()
}

/// MO, alone or as the first component of CP (sections 2.A.41 and 2.A.16): an amount of a currency.
fn money(w: &mut Writer, value: Value<'_>) -> bool {
    let (first, second) = (value.component(1), value.component(2));
    let nested = first.subcomponent(2).text();
    let currency = if nested.trim().is_empty() { second.text() } else { nested };
    let Some(amount) = decimal(&first.subcomponent(1).text()) else { return false };
    Unit::currency(currency.trim()).quantity(w, "valueQuantity", &Measured { comparator: "", value: amount });
    true
}

/// NA (section 2.A.45): a series of numbers, the repetitions its dimensions. How far apart in time is not told.
fn sampled(w: &mut Writer, value: Value<'_>, unit: &Unit) {
    let rows: Vec<Vec<&str>> = value.repetitions().map(|row| row.raw().split('^').map(str::trim).collect()).collect();
    let is_number = |point: &&str| point.is_empty() || decimal(point).is_some();
    let width = rows.iter().map(Vec::len).max().unwrap_or_default();
    if !rows.iter().flatten().all(is_number) {
        return w.string("valueString", value.whole_text().trim());
    }
    w.object("valueSampledData", |w| {
        unit.decimal(w, "origin", "0");
        w.object("_period", |w| {
            w.array("extension", |w| {
                w.item(|w| {
                    w.string("url", system::DATA_ABSENT_REASON);
                    w.string("valueCode", "unknown");
                });
            });
        });
        w.integer("dimensions", i64::try_from(rows.len()).unwrap_or(1));
        let points = (0..width).flat_map(|at| rows.iter().map(move |row| row.get(at).copied().unwrap_or("")));
        let points: Vec<&str> = points.map(|point| if point.is_empty() { "E" } else { point }).collect();
        w.string("data", &points.join(" "));
    });
}

/// NM: a decimal as sent; senders put `<0.01` here too.
fn number(w: &mut Writer, value: Value<'_>, unit: &Unit) -> bool {
    measured(&value.whole_text()).map(|m| unit.quantity(w, "valueQuantity", &m)).is_some()
}

/// ST: a quantity only when it is a number with a comparator, or a number with a unit; a bare number may be a class.
fn string(w: &mut Writer, value: Value<'_>, unit: &Unit) {
    let text = value.whole_text();
    match measured(&text) {
        Some(m) if !m.comparator.is_empty() || !unit.is_empty() => unit.quantity(w, "valueQuantity", &m),
        _ => w.string("valueString", text.trim_end()),
    }
}

/// SN (section 2.A.71): comparator, number, separator or suffix, number.
fn structured(w: &mut Writer, value: Value<'_>, unit: &Unit) -> bool {
    let [comparator, first, separator, second] = [1, 2, 3, 4].map(|n| value.component(n).text());
    let [comparator, first, separator, second] = [&comparator, &first, &separator, &second].map(|t| t.trim());
    match (separator, second) {
        ("", "") => {
            let text = if comparator == "=" { first.to_owned() } else { format!("{comparator}{first}") };
            match measured(&text) {
                Some(m) => unit.quantity(w, "valueQuantity", &m),
                None if matches!(comparator, "<>" | "><" | "!=" | "≠") => w.string("valueString", &text),
                None => return false,
            }
            true
        }
        ("+", "") => {
            w.string("valueString", &format!("{comparator}{first}+"));
            true
        }
        // Some repeat the separator where a comparator could stand.
        ("-" | "~" | "～", _) if comparator.is_empty() || comparator == separator => range(w, first, second, unit),
        (":" | "/", _) if comparator.is_empty() => ratio(w, first, second, unit),
        _ => {
            w.string("valueString", &format!("{comparator}{first}{separator}{second}"));
            true
        }
    }
}

fn range(w: &mut Writer, low: &str, high: &str, unit: &Unit) -> bool {
    let (Some(low), Some(high)) = (decimal(low), decimal(high)) else { return false };
    w.object("valueRange", |w| {
        unit.decimal(w, "low", &low);
        unit.decimal(w, "high", &high);
    });
    true
}

fn ratio(w: &mut Writer, numerator: &str, denominator: &str, unit: &Unit) -> bool {
    let (Some(numerator), Some(denominator)) = (decimal(numerator), decimal(denominator)) else { return false };
    w.object("valueRatio", |w| {
        unit.decimal(w, "numerator", &numerator);
        unit.decimal(w, "denominator", &denominator);
    });
    true
}

/// Codes; where the sender gives nothing to read beside the code, the code is what is read: `(-)`, `1+`.
fn coded(w: &mut Writer, value: Value<'_>, out: &mut Output) {
    w.object("valueCodeableConcept", |w| {
        w.array("coding", |w| cwe::codings(w, value, "", out));
        let text = cwe::text(value);
        w.string("text", &if text.is_empty() { cwe::code(value) } else { text });
    });
}

fn date_time(w: &mut Writer, value: Value<'_>, out: &Output) -> bool {
    text_member(w, "valueDateTime", time::from_v2(&value.component(1).text(), out.zone_minutes))
}

fn period(w: &mut Writer, value: Value<'_>, out: &Output) -> bool {
    let [start, end] = [1, 2].map(|n| time::from_v2(&value.component(n).text(), out.zone_minutes));
    let is_read = start.is_some() || end.is_some();
    w.object("valuePeriod", |w| {
        w.string("start", start.as_deref().unwrap_or_default());
        w.string("end", end.as_deref().unwrap_or_default());
    });
    is_read
}

fn text_member(w: &mut Writer, name: &str, text: Option<String>) -> bool {
    text.map(|text| w.string(name, &text)).is_some()
}

fn time_of(value: Value<'_>) -> Option<String> {
    time(&value.component(1).text())
}

/// TM (section 2.A.75) as a FHIR time: `0930` is `09:30:00`; an offset is not part of a FHIR time.
pub(crate) fn time(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.split(['+', '-']).next().unwrap_or_default();
    let (digits, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_clock = matches!(digits.len(), 2 | 4 | 6) && digits.bytes().all(|b| b.is_ascii_digit());
    let is_fraction = fraction.bytes().all(|b| b.is_ascii_digit());
    if !is_clock || !is_fraction || (!fraction.is_empty() && digits.len() != 6) {
        return None;
    }
    let part = |from: usize, limit: u8| -> Option<&str> {
        let part = digits.get(from..from + 2).unwrap_or("00");
        (part.parse::<u8>().ok()? < limit).then_some(part)
    };
    let clock = format!("{}:{}:{}", part(0, 24)?, part(2, 60)?, part(4, 60)?);
    Some(if fraction.is_empty() { clock } else { format!("{clock}.{fraction}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::hl7v2::Message;
    use crate::fhir::{FacilityCode, PatientKey};

    fn value(kind: &str, sent: &str, unit: &str) -> (String, Vec<&'static str>) {
        let text = format!("MSH|^~\\&|H\rOBX|1|{kind}|X||{sent}|{unit}");
        let message = Message::parse(&text).unwrap().value;
        let facility = FacilityCode::parse("0119999901");
        let mut out = Output::new(PatientKey::derive(&facility, "1"), facility, 540, None);
        let result = message.first("OBX").unwrap();
        let unit = Unit::of_result(result.field(6), &out);
        let mut w = Writer::new();
        write(&mut w, result, Around { unit: &unit, status: "final", code: "{}", continued: &[] }, &mut out);
        let issues = out.finish(None).issues;
        (w.finish(), issues.iter().map(|i| i.rule.id).collect())
    }

    #[test]
    fn every_type_has_its_place() {
        const MG: &str = r#""unit":"mg/dL","system":"http://unitsofmeasure.org","code":"mg/dL"}"#;
        let cases = [
            ("NM", "1.00", "mg/dl", format!(r#""valueQuantity":{{"value":1.00,"unit":"mg/dl",{}"#, &MG[15..])),
            ("NM", "<0.01", "mg/dL", format!(r#""valueQuantity":{{"value":0.01,"comparator":"<",{MG}"#)),
            ("ST", "≧10", "", r#""valueQuantity":{"value":10,"comparator":">="}"#.into()),
            ("ST", "5.0", "", r#""valueString":"5.0""#.into()),
            ("ST", "5.0", "C.O.I", r#""valueQuantity":{"value":5.0,"unit":"C.O.I"}"#.into()),
            ("ST", "（－）", "", r#""valueString":"（－）""#.into()),
            ("ST", "1~4", "/HPF", r#""valueString":"1~4""#.into()),
            ("ST", "1+", "", r#""valueString":"1+""#.into()),
            ("TX", "一行目~二行目", "", r#""valueString":"一行目\n二行目""#.into()),
            ("SN", ">^10", "", r#""valueQuantity":{"value":10,"comparator":">"}"#.into()),
            ("SN", "=^10", "", r#""valueQuantity":{"value":10}"#.into()),
            ("SN", "^1^-^5", "", r#""valueRange":{"low":{"value":1},"high":{"value":5}}"#.into()),
            ("SN", "^1^:^128", "", r#""valueRatio":{"numerator":{"value":1},"denominator":{"value":128}}"#.into()),
            ("SN", "^2^+", "", r#""valueString":"2+""#.into()),
            ("SN", "-^1^-^5", "", r#""valueRange":{"low":{"value":1},"high":{"value":5}}"#.into()),
            ("CQ", "5^mL&mL&UCUM", "", r#""valueQuantity":{"value":5,"unit":"mL","system":"http://unitsofmeasure.org","code":"mL"}"#.into()),
            ("MO", "500^JPY", "", r#""valueQuantity":{"value":500,"unit":"JPY","system":"urn:iso:std:iso:4217","code":"JPY"}"#.into()),
            ("XCN", "1001^試験^次郎", "", r#""valueString":"試験 次郎 (1001)""#.into()),
            (
                "NA",
                "1^^3~4^5^6",
                "",
                r#""valueSampledData":{"origin":{"value":0},"_period":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]},"dimensions":2,"data":"1 4 E 5 3 6"}"#.into(),
            ),
            ("SN", "<>^5", "", r#""valueString":"<>5""#.into()),
            ("SN", "<^1^:^10", "", r#""valueString":"<1:10""#.into()),
            ("SN", "<10", "", r#""valueQuantity":{"value":10,"comparator":"<"}"#.into()),
            ("CWE", "^陰性", "", r#""valueCodeableConcept":{"text":"陰性"}"#.into()),
            ("TS", "201107010930", "", r#""valueDateTime":"2011-07-01T09:30:00+09:00""#.into()),
            ("DT", "201107", "", r#""valueDateTime":"2011-07""#.into()),
            ("TM", "0930", "", r#""valueTime":"09:30:00""#.into()),
            ("DR", "20110701^", "", r#""valuePeriod":{"start":"2011-07-01"}"#.into()),
            ("NR", "1^5", "", r#""valueRange":{"low":{"value":1},"high":{"value":5}}"#.into()),
            (
                "NM",
                "1~2",
                "",
                r#""component":[{"code":{},"valueQuantity":{"value":1}},{"code":{},"valueQuantity":{"value":2}}]"#
                    .into(),
            ),
        ];
        for (kind, sent, unit, expected) in cases {
            assert_eq!(value(kind, sent, unit), (expected, vec![]), "{kind} {sent} {unit}");
        }
    }

    #[test]
    fn what_does_not_fit_is_kept_as_text_and_noted() {
        let cases = [
            ("NM", "(-)", r#""valueString":"(-)""#, "v2-value-not-of-type"),
            ("NM", "1,234", r#""valueString":"1,234""#, "v2-value-not-of-type"),
            ("SN", "^陰性", r#""valueString":"^陰性""#, "v2-value-not-of-type"),
            ("TM", "2560", r#""valueString":"2560""#, "v2-value-not-of-type"),
            ("TS", "昨日", r#""valueString":"昨日""#, "v2-value-not-of-type"),
            ("ZRD", "1^2^3", r#""valueString":"1^2^3""#, "v2-value-type-unknown"),
        ];
        for (kind, sent, expected, rule) in cases {
            assert_eq!(value(kind, sent, ""), (expected.to_owned(), vec![rule]), "{kind} {sent}");
        }
    }

    #[test]
    fn an_absent_value_says_why() {
        for (kind, sent, reason) in [("NM", "", "unknown"), ("NM", "\"\"", "asked-unknown")] {
            let expected =
                format!(r#""dataAbsentReason":{{"coding":[{{"system":"{DATA_ABSENT}","code":"{reason}"}}]}}"#);
            assert_eq!(value(kind, sent, ""), (expected, vec![]), "{kind}");
        }
    }
}
