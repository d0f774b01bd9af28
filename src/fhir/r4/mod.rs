//! The elements of every type of FHIR R4 4.0.1: names, cardinality, types. `tests/r4_elements.rs` writes the table from the
//! official definitions and checks it against them.

use std::collections::HashMap;
use std::sync::LazyLock;

/// An element of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// Its name; of a choice with `[x]` (`value[x]`).
    pub name: &'static str,
    /// Whether it repeats: an array in JSON.
    pub is_many: bool,
    /// Whether it must be there.
    pub is_required: bool,
    types: &'static str,
}

static TABLE: LazyLock<HashMap<&'static str, Vec<Element>>> = LazyLock::new(|| {
    let line = |line: &'static str| {
        let mut parts = line.split(' ');
        Some((parts.next()?, parts.filter_map(element).collect()))
    };
    include_str!("elements.txt").lines().filter_map(line).collect()
});

fn element(text: &'static str) -> Option<Element> {
    let at = text.find([':', '*'])?;
    let (name, rest) = text.split_at(at);
    let is_many = rest.starts_with('*');
    let rest = &rest[1..];
    let types = rest.strip_prefix('!').unwrap_or(rest);
    Some(Element { name, is_many, is_required: types.len() != rest.len(), types })
}

impl Element {
    /// Its types: names of R4, or the path of the element that holds its definition (`Patient.contact`).
    pub fn types(&self) -> impl Iterator<Item = &'static str> {
        self.types.split(',').map(|name| name.trim_start_matches('@'))
    }

    /// The type that a member of that name has if it is this element: for `valueQuantity` and `value[x]`, `Quantity`.
    pub fn kind_of(&self, name: &str) -> Option<&'static str> {
        let Some(stem) = self.name.strip_suffix("[x]") else {
            return if self.name == name { self.types().next() } else { None };
        };
        let chosen = name.strip_prefix(stem)?;
        let is_chosen = |known: &&str| {
            let mut letters = known.chars();
            letters.next().is_some_and(|first| chosen.starts_with(first.to_ascii_uppercase()))
                && chosen.get(1..) == Some(letters.as_str())
        };
        self.types().find(is_chosen)
    }
}

/// The elements of a type or of an element with elements of its own (`Patient`, `HumanName`, `Patient.contact`), in the
/// order of the definition; `None` for a name that is none.
pub fn elements(path: &str) -> Option<&'static [Element]> {
    TABLE.get(path).map(Vec::as_slice)
}

/// The element that a member of that name is, and its type: for `valueQuantity`, `value[x]` and `Quantity`.
pub fn member(path: &str, name: &str) -> Option<(&'static Element, &'static str)> {
    elements(path)?.iter().find_map(|element| Some((element, element.kind_of(name)?)))
}

/// Whether a type is a primitive one (datatypes.html#primitive).
pub fn is_primitive(kind: &str) -> bool {
    kind.starts_with(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_by_their_names() {
        let found = |path, name| member(path, name).map(|(element, kind)| (element.name, element.is_many, kind));
        assert_eq!(found("Patient", "name"), Some(("name", true, "HumanName")));
        assert_eq!(found("Patient", "contact"), Some(("contact", true, "Patient.contact")));
        assert_eq!(found("Observation", "valueQuantity"), Some(("value[x]", false, "Quantity")));
        assert_eq!(found("Observation", "valueDateTime"), Some(("value[x]", false, "dateTime")));
        assert_eq!(found("Observation", "valueAddress"), None);
        assert_eq!(found("Observation", "value"), None);
        assert_eq!(found("ValueSet.expansion.contains", "contains").map(|f| f.2), Some("ValueSet.expansion.contains"));
        assert_eq!(found("Nothing", "name"), None);
        assert!(member("Observation", "status").is_some_and(|(element, _)| element.is_required && !element.is_many));
        assert!(is_primitive("base64Binary") && !is_primitive("Quantity") && !is_primitive("Patient.contact"));
    }
}
