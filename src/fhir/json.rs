//! FHIR JSON as text: split and copied without touching a number or a string (json.html; design invariant 8).

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object in the order received; each value as the text received.
pub struct Members<'a>(pub Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Members<'a> {
    /// Splits an object; `None` when the text is not one.
    pub fn of(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The text of a member.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
    }
}

/// The items of an array, each as the text received; empty when the text is not one.
pub fn items(text: &str) -> Vec<&str> {
    serde_json::from_str::<Vec<&RawValue>>(text)
        .map(|items| items.iter().map(|i| i.get()).collect())
        .unwrap_or_default()
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::with_capacity(16);
                while let Some(key) = map.next_key::<Key<'de>>()? {
                    members.push((key.0, map.next_value::<&'de RawValue>()?.get()));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// A member name, borrowed when it holds no escape.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Copies JSON text without the white space between tokens. `replace` is shown every string that is the value of a
/// member, with the member's name, both as they stand between the quotes, and may put another in its place (which is
/// written as it is, so it must need no escape). `text` must be JSON.
pub fn copy(text: &str, out: &mut String, mut replace: impl FnMut(&str, &str) -> Option<String>) {
    let bytes = text.as_bytes();
    let (mut at, mut name) = (0, "");
    while at < bytes.len() {
        match bytes[at] {
            b' ' | b'\t' | b'\n' | b'\r' => at += 1,
            b'"' => {
                let end = string_end(bytes, at);
                let inside = text.get(at + 1..end.saturating_sub(1)).unwrap_or_default();
                let next = bytes[end..].iter().find(|b| !b.is_ascii_whitespace());
                out.push('"');
                if next == Some(&b':') {
                    name = inside;
                    out.push_str(inside);
                } else {
                    match replace(name, inside) {
                        Some(other) => out.push_str(&other),
                        None => out.push_str(inside),
                    }
                }
                out.push('"');
                at = end;
            }
            byte => {
                if matches!(byte, b'{' | b'[' | b',') {
                    name = "";
                }
                out.push(char::from(byte));
                at += 1;
            }
        }
    }
}

/// What a string says, given as it stands between its quotes; some writers escape every slash.
pub fn unescaped(inside: &str) -> Cow<'_, str> {
    if inside.contains('\\') {
        serde_json::from_str(&format!("\"{inside}\"")).map_or(Cow::Borrowed(inside), Cow::Owned)
    } else {
        Cow::Borrowed(inside)
    }
}

/// The position after the closing quote of the string that begins at `from`.
pub(super) fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from + 1;
    while let Some(step) = memchr::memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) {
        at += step;
        if bytes[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    bytes.len()
}

/// What only looking at the text shows: how deep it is nested, and how many members its objects have together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Deepest nesting of objects and arrays.
    pub depth: usize,
    /// Members written; a tree built from the text has fewer when a name was written twice.
    pub members: usize,
}

/// The shape of JSON text.
pub fn shape(text: &str) -> Shape {
    let bytes = text.as_bytes();
    let (mut at, mut depth, mut shape) = (0, 0_usize, Shape::default());
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at = string_end(bytes, at);
                continue;
            }
            b'{' | b'[' => {
                depth += 1;
                shape.depth = shape.depth.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b':' => shape.members += 1,
            _ => {}
        }
        at += 1;
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copying_keeps_every_token_and_replaces_only_what_is_asked_for() {
        let text = "{ \"a\" : 1.00E5 , \"reference\":\"x\\\"\\u3042 :\", \"b\": [ \"reference\", {\"reference\": \"urn:y\"} ] }";
        let mut out = String::new();
        copy(text, &mut out, |name, value| (name == "reference" && value == "urn:y").then(|| "T/1".to_owned()));
        assert_eq!(
            out,
            "{\"a\":1.00E5,\"reference\":\"x\\\"\\u3042 :\",\"b\":[\"reference\",{\"reference\":\"T/1\"}]}"
        );
        assert_eq!(shape(text), Shape { depth: 3, members: 4 });
    }

    #[test]
    fn members_keep_order_and_text() {
        let members = Members::of("{\"z\":1.0, \"a\\u0062\":{ \"x\":[] }}").unwrap();
        let seen: Vec<_> = members.0.iter().map(|(k, v)| (k.as_ref(), *v)).collect();
        assert_eq!(seen, [("z", "1.0"), ("ab", "{ \"x\":[] }")]);
        assert!(Members::of("[1]").is_none());
        assert_eq!(items("[1.0, {\"a\":2}]"), ["1.0", "{\"a\":2}"]);
    }
}
