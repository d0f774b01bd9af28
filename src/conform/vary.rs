//! Values that a case keeps from one step to the next, and the places where they go: `{{name}}`.

use std::collections::BTreeMap;

/// What a case knows while it runs.
#[derive(Clone, Debug, Default)]
pub struct Scope(BTreeMap<String, String>);

impl Scope {
    /// With these values.
    pub fn new(values: impl IntoIterator<Item = (String, String)>) -> Scope {
        Scope(values.into_iter().collect())
    }

    /// One value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Keeps one.
    pub fn set(&mut self, name: &str, value: String) {
        self.0.insert(name.to_owned(), value);
    }

    /// A text with its places filled. The error names a value that is not known.
    pub fn fill(&self, text: &str) -> Result<String, String> {
        self.fill_with(text, str::to_owned)
    }

    /// The same in a FHIRPath expression, whose texts stand between apostrophes.
    pub fn fill_expression(&self, text: &str) -> Result<String, String> {
        self.fill_with(text, |value| value.replace('\\', "\\\\").replace('\'', "\\'"))
    }

    fn fill_with(&self, text: &str, write: impl Fn(&str) -> String) -> Result<String, String> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, behind) =
                after.split_once("}}").ok_or_else(|| format!("{{{{{after}: the place does not end"))?;
            let (name, encode) = match name.trim().split_once('|') {
                Some((name, "url")) => (name, true),
                _ => (name.trim(), false),
            };
            let value =
                self.get(name).ok_or_else(|| format!("{name} is not known: an earlier step did not find it"))?;
            filled.push_str(before);
            filled.push_str(&if encode { percent_encoded(value) } else { write(value) });
            rest = behind;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

/// As a value in a query or a form.
pub(super) fn percent_encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// The other way round; what is no encoding stays.
pub(super) fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.filter(|_| *byte == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(value) => {
                decoded.push(value);
                at += 3;
            }
            None => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled() {
        let scope = Scope::new([("a".into(), "x y".into()), ("q".into(), "it's".into())]);
        assert_eq!(scope.fill("{{a}}, {{a|url}} and {{ a }}").as_deref(), Ok("x y, x%20y and x y"));
        assert_eq!(scope.fill_expression("id = '{{q}}'").as_deref(), Ok("id = 'it\\'s'"));
        assert!(scope.fill("{{b}}").is_err_and(|wrong| wrong.starts_with("b is not known")));
        assert!(scope.fill("{{a").is_err());
        assert_eq!(percent_decoded("a%3Ab%7c%E6%9C%AD%zz%4"), "a:b|札%zz%4");
    }
}
