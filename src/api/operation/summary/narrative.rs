//! What a section says in words (narrative.html): a table with a row for each entry, made from the entries alone.

use serde_json::Value;

/// What a row says: name, when, details.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) when: String,
    pub(super) details: String,
}

/// The elements that say what an entry is about, the first that is there counts.
const NAMES: [&str; 5] = ["code", "medicationCodeableConcept", "vaccineCode", "title", "description"];
/// The elements that name it by reference.
const REFERENCES: [&str; 2] = ["medicationReference", "device"];
/// Where the time stands, the first that is there counts.
const TIMES: [&str; 13] = [
    "/onsetDateTime",
    "/onsetPeriod/start",
    "/effectiveDateTime",
    "/effectivePeriod/start",
    "/occurrenceDateTime",
    "/occurrenceString",
    "/performedDateTime",
    "/performedPeriod/start",
    "/authoredOn",
    "/period/start",
    "/timingDateTime",
    "/recordedDate",
    "/issued",
];

impl Row {
    /// The row of a resource. `named` gives the name of what a reference points to.
    pub(super) fn of(resource: &Value, named: &dyn Fn(&str) -> Option<String>) -> Row {
        let own = NAMES.iter().find_map(|name| resource.get(*name).and_then(text_of));
        let referred = || {
            REFERENCES.iter().find_map(|name| {
                let reference = resource.get(*name)?;
                let target = reference.get("reference").and_then(Value::as_str).and_then(named);
                target.or_else(|| reference.get("display")?.as_str().map(str::to_owned))
            })
        };
        let time = TIMES.iter().find_map(|place| resource.pointer(place)?.as_str());
        Row {
            name: own.or_else(referred).unwrap_or_else(|| "-".to_owned()),
            when: time.unwrap_or_default().to_owned(),
            details: details(resource).join(" / "),
        }
    }
}

/// The name that a resource gives itself: a Medication, a Device.
pub(super) fn own_name(resource: &Value) -> Option<String> {
    let device = resource.pointer("/deviceName/0/name").and_then(Value::as_str).map(str::to_owned);
    device.or_else(|| resource.get("code").and_then(text_of)).or_else(|| resource.get("type").and_then(text_of))
}

/// What a string, a CodeableConcept or a Coding says in words; its code where it has none.
fn text_of(value: &Value) -> Option<String> {
    let part = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    if let Some(text) = value.as_str() {
        return Some(text.to_owned());
    }
    let codings = || value.get("coding").and_then(Value::as_array).into_iter().flatten();
    let text = part(value, "text").or_else(|| codings().find_map(|coding| part(coding, "display")));
    text.or_else(|| codings().find_map(|coding| part(coding, "code"))).or_else(|| part(value, "display"))
}

fn details(resource: &Value) -> Vec<String> {
    let mut found = Vec::new();
    found.extend(value_of(resource));
    for component in resource.get("component").and_then(Value::as_array).into_iter().flatten() {
        let name = component.get("code").and_then(text_of).unwrap_or_default();
        found.extend(value_of(component).map(|value| format!("{name} {value}").trim().to_owned()));
    }
    for name in ["interpretation", "bodySite"] {
        let items = resource.get(name).and_then(Value::as_array).into_iter().flatten();
        found.extend(items.filter_map(text_of));
    }
    for name in ["dosageInstruction", "dosage"] {
        let items = resource.get(name).and_then(Value::as_array).into_iter().flatten();
        found.extend(items.filter_map(|dosage| dosage.get("text")?.as_str().map(str::to_owned)));
    }
    for reaction in resource.get("reaction").and_then(Value::as_array).into_iter().flatten() {
        let shown = reaction.get("manifestation").and_then(Value::as_array).into_iter().flatten();
        found.extend(shown.filter_map(text_of));
    }
    found.extend(resource.get("conclusion").and_then(Value::as_str).map(str::to_owned));
    found.extend(["clinicalStatus", "status"].iter().find_map(|name| resource.get(*name).and_then(text_of)));
    found
}

/// `value[x]` in words.
fn value_of(holder: &Value) -> Option<String> {
    let quantity = |quantity: &Value| {
        let value = quantity.get("value")?.to_string();
        let part = |name: &str| quantity.get(name).and_then(Value::as_str).unwrap_or_default();
        let unit = if part("unit").is_empty() { part("code") } else { part("unit") };
        Some(format!("{}{value} {unit}", part("comparator")).trim().to_owned())
    };
    let (name, value) = holder.as_object()?.iter().find(|(name, _)| name.starts_with("value"))?;
    match (name.as_str(), value) {
        ("valueQuantity", value) => quantity(value),
        (_, Value::String(text)) => Some(text.clone()),
        (_, Value::Bool(_) | Value::Number(_)) => Some(value.to_string()),
        (_, value) => text_of(value),
    }
}

/// A section in words as XHTML.
pub(super) fn div(rows: &[Row]) -> String {
    if rows.is_empty() {
        return wrapped("<p>情報はありません。 / No information available.</p>");
    }
    let mut table = String::from(
        "<table><thead><tr><th>名称 / Name</th><th>日時 / Date</th><th>内容 / Details</th></tr></thead><tbody>",
    );
    for row in rows {
        table.push_str("<tr>");
        for cell in [&row.name, &row.when, &row.details] {
            table.push_str("<td>");
            escape(cell, &mut table);
            table.push_str("</td>");
        }
        table.push_str("</tr>");
    }
    table.push_str("</tbody></table>");
    wrapped(&table)
}

/// One sentence as XHTML.
pub(super) fn paragraph(text: &str) -> String {
    let mut escaped = String::from("<p>");
    escape(text, &mut escaped);
    escaped.push_str("</p>");
    wrapped(&escaped)
}

fn wrapped(inside: &str) -> String {
    format!(r#"<div xmlns="http://www.w3.org/1999/xhtml">{inside}</div>"#)
}

/// Text as it stands between tags: no text can become a tag, and no character is one that XML does not have.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\r' | '\t' => out.push(' '),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_says_what_when_and_how() {
        let none = |_: &str| None;
        let row = |name: &str, when: &str, details: &str| Row {
            name: name.into(),
            when: when.into(),
            details: details.into(),
        };
        let pressure = json!({"code": {"coding": [{"code": "85354-9", "display": "血圧"}]}, "effectiveDateTime": "2026-05-01",
            "component": [{"code": {"text": "最高"}, "valueQuantity": {"value": 120, "unit": "mmHg"}},
                {"code": {"text": "最低"}, "valueQuantity": {"value": 70.0, "code": "mm[Hg]"}}]});
        assert_eq!(Row::of(&pressure, &none), row("血圧", "2026-05-01", "最高 120 mmHg / 最低 70.0 mm[Hg]"));
        let drug = json!({"medicationReference": {"reference": "Medication/1", "display": "x"}, "status": "active",
            "dosageInstruction": [{"text": "朝食後"}]});
        let named = |reference: &str| (reference == "Medication/1").then(|| "アムロジピン".to_owned());
        assert_eq!(Row::of(&drug, &named), row("アムロジピン", "", "朝食後 / active"));
        assert_eq!(Row::of(&drug, &none).name, "x");
        assert_eq!(Row::of(&json!({}), &none), row("-", "", ""));
        assert_eq!(own_name(&json!({"type": {"text": "ペースメーカー"}})).as_deref(), Some("ペースメーカー"));
    }

    #[test]
    fn text_cannot_become_a_tag() {
        let evil = Row { name: "<script>&\"\u{1}".into(), ..Row::default() };
        let div = div(&[evil]);
        assert!(div.contains("<td>&lt;script&gt;&amp;&quot;</td>"), "{div}");
        assert!(paragraph("a<b").contains("<p>a&lt;b</p>"));
        assert!(super::div(&[]).contains("No information"));
    }
}
