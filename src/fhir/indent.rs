//! JSON indented for people (`_pretty`, http.html#parameters): every token as it stands, numbers included.

use super::json::string_end;

/// The text with a line for each member and item, two spaces for each level. `text` must be JSON.
pub fn indented(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len() * 2);
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {}
            b'"' => {
                let end = string_end(bytes, at);
                out.push_str(text.get(at..end).unwrap_or_default());
                at = end;
                continue;
            }
            b'{' | b'[' => {
                out.push(char::from(byte));
                let inside = bytes.get(at + 1..).unwrap_or_default().trim_ascii_start();
                if let Some(close @ (b'}' | b']')) = inside.first() {
                    out.push(char::from(*close));
                    at = bytes.len() - inside.len() + 1;
                    continue;
                }
                depth += 1;
                line(&mut out, depth);
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(char::from(byte));
            }
            b',' => {
                out.push(',');
                line(&mut out, depth);
            }
            b':' => out.push_str(": "),
            byte => out.push(char::from(byte)),
        }
        at += 1;
    }
    out.push('\n');
    out
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    (0..depth).for_each(|_| out.push_str("  "));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_stay_as_they_are() {
        let text = "{\"a\":[1.00,{\"b\":\"x\\\"{,:襷\"} , [ ],{}],\"c\":-1E+2,\"d\":null}";
        let expected = "{\n  \"a\": [\n    1.00,\n    {\n      \"b\": \"x\\\"{,:襷\"\n    },\n    [],\n    {}\n  ],\n  \"c\": -1E+2,\n  \"d\": null\n}\n";
        assert_eq!(indented(text), expected);
        assert_eq!(indented(expected), expected);
    }

    #[test]
    fn what_is_no_json_does_no_harm() {
        for text in ["", "]]", "{\"a", "\"\\", "{", "[1,"] {
            let _ = indented(text);
        }
    }
}
