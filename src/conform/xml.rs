//! Of XML that is shown: without the texts and attribute values that may name a person; with what was written for XML.

use super::redact::REDACTED;

/// Elements whose values say nothing about a person.
const PLAIN: [&str; 12] = [
    "id",
    "versionId",
    "lastUpdated",
    "system",
    "code",
    "status",
    "severity",
    "use",
    "type",
    "reference",
    "url",
    "profile",
];

/// The same XML with the values of other elements taken out, unless `known` takes them; texts between tags go too.
pub(super) fn without_texts(xml: &str, known: impl Fn(&str) -> bool) -> String {
    let mut shown = String::with_capacity(xml.len());
    let mut rest = xml;
    while let Some((text, after)) = rest.split_once('<') {
        shown.push_str(if text.trim().is_empty() { text } else { REDACTED });
        let Some((tag, behind)) = after.split_once('>') else { break };
        let name = tag.trim_start_matches('/').split([' ', '/', '\n']).next().unwrap_or_default();
        shown.push('<');
        match tag.split_once("value=\"") {
            Some((before, value)) if !PLAIN.contains(&name) => {
                let (value, end) = value.split_once('"').unwrap_or((value, ""));
                let value = if known(value) { value } else { REDACTED };
                shown.push_str(&format!("{before}value=\"{value}\"{end}"));
            }
            _ => shown.push_str(tag),
        }
        shown.push('>');
        rest = behind;
    }
    if !rest.trim().is_empty() && !shown.is_empty() {
        shown.push_str(REDACTED);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_taken_out() {
        let xml = "<P xmlns=\"x\"><id value=\"1\"/><family value=\"A\"/><given value=\"B\"/><div>C</div></P>";
        let shown = "<P xmlns=\"x\"><id value=\"1\"/><family value=\"[redacted]\"/><given value=\"B\"/><div>[redacted]</div></P>";
        assert_eq!(without_texts(xml, |value| value == "B"), shown);
    }
}
