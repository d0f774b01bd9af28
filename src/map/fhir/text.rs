//! Received text, changed where it must be.

/// Puts `"reference"` first into the object that is the text of a member.
pub(super) fn with_reference(object: &str, reference: &str) -> String {
    let inside = object.trim_start().strip_prefix('{').unwrap_or_default();
    let comma = if inside.trim_start().starts_with('}') { "" } else { "," };
    format!("{{\"reference\":\"{reference}\"{comma}{inside}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_put_first() {
        assert_eq!(with_reference(" {\"a\":1}", "Patient/1"), r#"{"reference":"Patient/1","a":1}"#);
        assert_eq!(with_reference("{ }", "Patient/1"), r#"{"reference":"Patient/1" }"#);
    }
}
