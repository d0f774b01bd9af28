//! Text as default string searches compare it (R4 search.html#string): without regard to case, width, and punctuation.

use super::facts::folded;

/// The text folded: normal width, lower case, punctuation left out, one space for any white space.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in folded(text).chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() || c == 'ー' {
            out.push(c);
        } else if c.is_whitespace() && !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out.truncate(out.trim_end().len());
    out
}
