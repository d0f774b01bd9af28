//! FHIR JSON (R4 json.html) to a tree in which numbers keep their digits and members their order.

use serde_json::Value;

use crate::fault::{Issue, IssueType, Noted, Place, Rule, Severity};
use crate::fhir::{ResourceType, json};

/// Longest resource that is read.
pub const BYTES_MAX: usize = 16 * 1024 * 1024;

/// Deepest nesting that is read.
pub const DEPTH_MAX: usize = 100;

static BOM: Rule = Rule {
    id: "fhir-bom",
    severity: Severity::Information,
    code: IssueType::Informational,
    en: "the text begins with a byte order mark, which was left out",
    ja: "先頭にバイト順マーク(BOM)があったため取り除きました。",
};
static TOO_LONG: Rule = Rule {
    id: "fhir-too-long",
    severity: Severity::Fatal,
    code: IssueType::TooLong,
    en: "the resource has more than {} bytes",
    ja: "リソースが{}バイトを超えています。",
};
static TOO_DEEP: Rule = Rule {
    id: "fhir-too-deep",
    severity: Severity::Fatal,
    code: IssueType::TooCostly,
    en: "the resource is nested more than {} levels deep",
    ja: "リソースの入れ子が{}段を超えています。",
};
static NOT_UTF8: Rule = Rule {
    id: "fhir-not-utf8",
    severity: Severity::Fatal,
    code: IssueType::Structure,
    en: "the text is not UTF-8 ({})",
    ja: "文字コードがUTF-8ではありません({})。",
};
static NOT_JSON: Rule = Rule {
    id: "fhir-not-json",
    severity: Severity::Fatal,
    code: IssueType::Structure,
    en: "the text is not JSON ({})",
    ja: "JSONとして読めません({})。",
};
static NAME_TWICE: Rule = Rule {
    id: "fhir-name-twice",
    severity: Severity::Fatal,
    code: IssueType::Structure,
    en: "an object names a member twice, so that two readers could read two things",
    ja: "同じオブジェクトに同じ名前の要素が二度あり、内容が一つに定まりません。",
};
static NOT_AN_OBJECT: Rule = Rule {
    id: "fhir-not-an-object",
    severity: Severity::Fatal,
    code: IssueType::Structure,
    en: "a resource is a JSON object, this is {}",
    ja: "リソースはJSONオブジェクトでなければなりません({})。",
};
static NO_TYPE: Rule = Rule {
    id: "fhir-no-type",
    severity: Severity::Fatal,
    code: IssueType::Required,
    en: "resourceType is missing",
    ja: "resourceTypeがありません。",
};
static UNKNOWN_TYPE: Rule = Rule {
    id: "fhir-unknown-type",
    severity: Severity::Fatal,
    code: IssueType::NotSupported,
    en: "resourceType is not a resource type of FHIR R4",
    ja: "resourceTypeがFHIR R4のリソース型ではありません。",
};

/// Reads one resource. An error means that nothing of it can be used.
pub fn decode(bytes: &[u8]) -> Result<Noted<Value>, Issue> {
    if bytes.len() > BYTES_MAX {
        return Err(Issue::with(&TOO_LONG, Place::Whole, BYTES_MAX.to_string()));
    }
    let mut issues = Vec::new();
    let (text, bom) = text(bytes).map_err(|error| {
        let (line, column) = position(&bytes[..error.valid_up_to()]);
        Issue::with(&NOT_UTF8, Place::Whole, format!("line {line}, column {column}"))
    })?;
    if bom {
        issues.push(Issue::new(&BOM, Place::Whole));
    }
    let shape = json::shape(text);
    if shape.depth > DEPTH_MAX {
        return Err(Issue::with(&TOO_DEEP, Place::Whole, DEPTH_MAX.to_string()));
    }
    let value: Value = serde_json::from_str(text).map_err(|error| {
        Issue::with(&NOT_JSON, Place::Whole, format!("line {}, column {}", error.line(), error.column()))
    })?;
    if members(&value) != shape.members {
        return Err(Issue::new(&NAME_TWICE, Place::Whole));
    }
    let Value::Object(object) = &value else {
        return Err(Issue::with(&NOT_AN_OBJECT, Place::Whole, kind(&value)));
    };
    match object.get("resourceType").map(|name| name.as_str().and_then(ResourceType::parse)) {
        None => Err(Issue::new(&NO_TYPE, Place::Whole)),
        Some(None) => Err(Issue::new(&UNKNOWN_TYPE, Place::Path("resourceType".into()))),
        Some(Some(_)) => Ok(Noted { value, issues }),
    }
}

/// The text without its byte order mark, and whether there was one.
pub fn text(bytes: &[u8]) -> Result<(&str, bool), std::str::Utf8Error> {
    let text = std::str::from_utf8(bytes)?;
    Ok(text.strip_prefix('\u{feff}').map_or((text, false), |rest| (rest, true)))
}

/// How many members the objects of a tree have together. A name written twice is there once; the names under which
/// serde_json passes numbers and raw text to itself are not there at all.
fn members(value: &Value) -> usize {
    match value {
        Value::Object(object) => object.len() + object.values().map(members).sum::<usize>(),
        Value::Array(items) => items.iter().map(members).sum(),
        _ => 0,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn position(before: &[u8]) -> (usize, usize) {
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|b| **b != b'\n').count() + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> &'static str {
        decode(text.as_bytes()).unwrap_err().rule.id
    }

    #[test]
    fn digits_and_order_survive() {
        let text = r#"{"resourceType":"Observation","valueQuantity":{"value":1.00},"code":{"text":"x"}}"#;
        assert_eq!(decode(text.as_bytes()).unwrap().value.to_string(), text);
        let noted = decode(format!("\u{feff}{text}").as_bytes()).unwrap();
        assert_eq!(noted.issues[0].rule.id, "fhir-bom");
    }

    #[test]
    fn what_cannot_be_read_is_refused_without_quoting_it() {
        assert_eq!(refused("{"), "fhir-not-json");
        assert_eq!(refused("[1]"), "fhir-not-an-object");
        assert_eq!(refused("{}"), "fhir-no-type");
        assert_eq!(refused(r#"{"resourceType":"Patiant"}"#), "fhir-unknown-type");
        assert_eq!(refused(r#"{"resourceType":1}"#), "fhir-unknown-type");
        let issue = decode(b"{\n \"resourceType\": 0\x8f}").unwrap_err();
        assert_eq!((issue.rule.id, issue.detail.as_str()), ("fhir-not-utf8", "line 2, column 19"));
        let issue = decode("{\n\"resourceType\":\"Patient\", \"name\": 山田}".as_bytes()).unwrap_err();
        assert!(issue.english().contains("line 2") && !issue.english().contains('山'));
    }

    #[test]
    fn a_name_written_twice_is_refused_however_it_is_spelled() {
        assert_eq!(refused(r#"{"resourceType":"Patient","meta":{"id":"a"},"m\u0065ta":{}}"#), "fhir-name-twice");
        let magic = r#"{"resourceType":"Patient","x":{"$serde_json::private::Number":"1"}}"#;
        assert_eq!(refused(magic), "fhir-name-twice");
    }

    #[test]
    fn limits_hold_at_the_limit_and_one_past_it() {
        let deep = |n: usize| format!(r#"{{"resourceType":"Basic","x":{}1{}}}"#, "[".repeat(n), "]".repeat(n));
        assert!(decode(deep(DEPTH_MAX - 1).as_bytes()).is_ok());
        assert_eq!(refused(&deep(DEPTH_MAX)), "fhir-too-deep");
        let mut long = r#"{"resourceType":"Basic"}"#.to_owned();
        long.push_str(&" ".repeat(BYTES_MAX - long.len()));
        assert!(decode(long.as_bytes()).is_ok());
        long.push(' ');
        assert_eq!(refused(&long), "fhir-too-long");
    }
}
