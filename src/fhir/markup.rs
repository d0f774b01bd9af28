//! Texts as they stand in XML and HTML (XML 1.0 sections 2.2 and 2.4).

/// A text as content or as the value of an attribute in double or single quotes: nothing in it can become a tag or end the
/// value. Characters that XML has not are left out; line ends and tabs stay.
pub fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '"' => written.push_str("&quot;"),
            '\'' => written.push_str("&#39;"),
            '\n' | '\r' | '\t' => written.push(c),
            c if (c as u32) < 0x20 || c == '\u{FFFE}' || c == '\u{FFFF}' => {}
            c => written.push(c),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_becomes_a_tag_or_ends_a_value() {
        assert_eq!(escaped("<a b=\"c\">&'\u{1}\u{ffff}\n花"), "&lt;a b=&quot;c&quot;&gt;&amp;&#39;\n花");
    }
}
