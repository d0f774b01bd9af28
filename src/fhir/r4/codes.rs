//! The codes of the value sets that R4 binds as required (terminologies.html#required).

use std::collections::HashMap;
use std::sync::LazyLock;

/// A value set that some element must take its codes from.
#[derive(Debug)]
pub struct ValueSet {
    /// The last part of its URL.
    pub name: &'static str,
    codes: Option<Vec<(&'static str, &'static str)>>,
}

static SETS: LazyLock<HashMap<&'static str, ValueSet>> = LazyLock::new(|| {
    let line = |line: &'static str| {
        let (name, rest) = line.split_once(' ')?;
        let mut system = "";
        let code = |token: &'static str| {
            if let Some(next) = token.strip_prefix('|') {
                system = next;
                return None;
            }
            Some((token, system))
        };
        let codes = (rest != "?").then(|| {
            let mut codes: Vec<_> = rest.split(' ').filter_map(code).collect();
            codes.sort_unstable();
            codes
        });
        Some((name, ValueSet { name, codes }))
    };
    include_str!("codes.txt").lines().filter_map(line).collect()
});

/// The value set of that name; every name that an [`super::Element`] is bound to has one.
pub fn value_set(name: &str) -> Option<&'static ValueSet> {
    SETS.get(name)
}

impl ValueSet {
    /// Whether a code, of whatever system, is in it. For a set that is no list (currencies, languages, media types,
    /// units) only the shape of a currency's or language's code is looked at.
    pub fn has_code(&self, code: &str) -> bool {
        match &self.codes {
            Some(codes) => {
                let at = codes.partition_point(|(known, _)| *known < code);
                codes.get(at).is_some_and(|(known, _)| *known == code)
            }
            None => match self.name {
                "currencies" => code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()),
                "all-languages" => is_language(code),
                _ => true,
            },
        }
    }

    /// Whether a code of a system is in it; always so for a set that is no list.
    pub fn has(&self, system: &str, code: &str) -> bool {
        self.codes.as_ref().is_none_or(|codes| codes.binary_search(&(code, system)).is_ok())
    }

    /// Its codes, without their systems; `None` for a set that is no list.
    pub fn codes(&self) -> Option<impl ExactSizeIterator<Item = &'static str>> {
        self.codes.as_ref().map(|codes| codes.iter().map(|(code, _)| *code))
    }
}

/// The shape of a language tag (BCP 47): letters, then parts of letters and digits, each of 1 to 8.
fn is_language(tag: &str) -> bool {
    let is_part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    tag.split('-').all(is_part) && !tag.split('-').next().unwrap_or_default().bytes().any(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_with_and_without_their_system() {
        let set = |name| value_set(name).unwrap();
        assert!(set("observation-status").has_code("final") && !set("observation-status").has_code("Final"));
        let clinical = "http://terminology.hl7.org/CodeSystem/condition-clinical";
        assert!(set("condition-clinical").has(clinical, "active"));
        assert!(!set("condition-clinical").has("http://example.org", "active"));
        assert!(set("all-types").has_code("Patient") && set("all-types").has_code("code"));
        assert!(value_set("no-such").is_none());
        assert_eq!(set("address-type").codes().unwrap().collect::<Vec<_>>(), ["both", "physical", "postal"]);
    }

    #[test]
    fn sets_without_a_list_are_judged_by_shape() {
        let has = |name, code| value_set(name).unwrap().has_code(code);
        assert!(has("currencies", "JPY") && !has("currencies", "yen"));
        for (tag, is_one) in
            [("ja", true), ("ja-JP", true), ("ja_JP", false), ("", false), ("x-", false), ("1a", false)]
        {
            assert_eq!(has("all-languages", tag), is_one, "{tag}");
        }
        assert!(has("mimetypes", "text/plain; charset=utf-8"));
    }
}
