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
    }
}
