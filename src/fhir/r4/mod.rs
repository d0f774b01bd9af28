//! The elements of every type of FHIR R4 4.0.1: names, cardinality, types, targets, bindings, flags. `tests/r4_elements.rs`
//! writes the tables from the official definitions and checks them against these.

pub mod codes;
pub mod primitive;

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use primitive::Primitive;

/// The constraints whose breach is an error, one a line: the path of a type or element, the key, the FHIRPath, what it
/// says; tabs between. Those about extensions, references, containment, narratives and Bundles are not among them.
pub const CONSTRAINTS: &str = include_str!("constraints.txt");

/// An element of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// Its name; of a choice with `[x]` (`value[x]`).
    pub name: &'static str,
    /// Whether it repeats: an array in JSON.
    pub is_many: bool,
    /// Whether it must be there.
    pub is_required: bool,
    /// Whether it is part of a summary (Σ).
    pub is_summary: bool,
    /// Whether it may change what the rest means (?!).
    pub is_modifier: bool,
    /// The value set whose codes it must use (a required binding), by the last part of its URL.
    pub binding: Option<&'static str>,
    types: &'static str,
}

/// A type, or an element that has elements of its own (`Patient`, `HumanName`, `Patient.contact`). It is read from the
/// table when it is first asked for.
#[derive(Debug)]
pub struct Shape {
    /// Its name, or the path of the element.
    pub path: &'static str,
    /// Its place in the table, from 0.
    pub number: usize,
    line: &'static str,
    parsed: OnceLock<Parsed>,
}

#[derive(Debug)]
struct Parsed {
    elements: Vec<Element>,
    /// In order of their names.
    members: Vec<Member>,
    required: u128,
}

/// A member of a JSON object: an element, or one choice of an element that has one (`valueQuantity`).
#[derive(Debug)]
pub struct Member {
    /// Its name in JSON.
    pub name: Box<str>,
    /// The element.
    pub element: Element,
    /// Which of the shape's elements that is, from 0; at most 127.
    pub at: u8,
    /// The name of its type.
    pub type_name: &'static str,
    /// The types that a reference may have, by `|`, or the profile of a Quantity; empty for any.
    pub targets: &'static str,
    /// What its values are.
    pub kind: Kind,
}

/// What a value is in JSON.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A primitive value (datatypes.html#primitive).
    Primitive(Primitive),
    /// An object with elements.
    Complex(&'static Shape),
    /// A resource of any type.
    Resource,
}

static SHAPES: LazyLock<(Vec<Shape>, HashMap<&'static str, usize>)> = LazyLock::new(|| {
    let lines = include_str!("elements.txt").lines().filter_map(|line| line.split_once(' '));
    let shape = |(number, (path, line))| Shape { path, number, line, parsed: OnceLock::new() };
    let shapes: Vec<Shape> = lines.enumerate().map(shape).collect();
    let places = shapes.iter().map(|shape| (shape.path, shape.number)).collect();
    (shapes, places)
});

/// The shape of a type or of an element with elements of its own; `None` for a name that is none.
pub fn shape(path: &str) -> Option<&'static Shape> {
    let (shapes, places) = &*SHAPES;
    shapes.get(*places.get(path)?)
}

/// Every shape, in the order of the table.
pub fn shapes() -> &'static [Shape] {
    &SHAPES.0
}

impl Shape {
    /// Its elements in the order of the definition.
    pub fn elements(&self) -> &[Element] {
        &self.parsed().elements
    }

    /// The member of that name.
    pub fn member(&self, name: &str) -> Option<&Member> {
        let members = &self.parsed().members;
        let at = members.binary_search_by(|member| (*member.name).cmp(name)).ok()?;
        members.get(at)
    }

    /// The elements that must be there: bit n for the n-th.
    pub fn required(&self) -> u128 {
        self.parsed().required
    }

    fn parsed(&self) -> &Parsed {
        self.parsed.get_or_init(|| {
            let elements: Vec<Element> = self.line.split(' ').filter_map(element).collect();
            let mut members = Vec::with_capacity(elements.len() + 8);
            let mut required = 0;
            for (at, element) in (0_u8..128).zip(&elements) {
                required |= u128::from(element.is_required) << at;
                members.extend(element.types.split(',').filter_map(|kind| member_of(element, at, kind)));
            }
            members.sort_unstable_by(|a, b| a.name.cmp(&b.name));
            Parsed { elements, members, required }
        })
    }
}

fn element(text: &'static str) -> Option<Element> {
    let at = text.find([':', '*'])?;
    let (name, rest) = text.split_at(at);
    let is_many = rest.starts_with('*');
    let flagged = rest.get(1..)?;
    let types = flagged.trim_start_matches(['!', '^', '?']);
    let flags = &flagged[..flagged.len() - types.len()];
    let (types, binding) = types.split_once('=').map_or((types, None), |(types, set)| (types, Some(set)));
    Some(Element {
        name,
        is_many,
        is_required: flags.contains('!'),
        is_summary: flags.contains('^'),
        is_modifier: flags.contains('?'),
        binding,
        types,
    })
}

/// `kind` is as the table writes it: `@Patient.contact`, `Reference(Patient|Group)`, `Quantity(SimpleQuantity)`, `code`.
fn member_of(element: &Element, at: u8, kind: &'static str) -> Option<Member> {
    let (type_name, targets) = type_and_targets(kind);
    let name = match element.name.strip_suffix("[x]") {
        None => element.name.into(),
        Some(stem) => {
            let first = type_name.get(..1)?.to_ascii_uppercase();
            format!("{stem}{first}{}", type_name.get(1..)?).into()
        }
    };
    let kind = match Primitive::parse(type_name) {
        Some(primitive) => Kind::Primitive(primitive),
        None if type_name == "Resource" => Kind::Resource,
        None => Kind::Complex(shape(type_name)?),
    };
    Some(Member { name, element: *element, at, type_name, targets, kind })
}

fn type_and_targets(kind: &'static str) -> (&'static str, &'static str) {
    let kind = kind.trim_start_matches('@');
    kind.split_once('(').map_or((kind, ""), |(name, targets)| (name, targets.trim_end_matches(')')))
}

impl Element {
    /// Its types: names of R4, or the path of the element that holds its definition (`Patient.contact`).
    pub fn types(&self) -> impl Iterator<Item = &'static str> {
        self.types.split(',').map(|kind| type_and_targets(kind).0)
    }

    /// The types that its references may have, `None` where it holds no references or any type will do.
    pub fn targets(&self) -> Option<impl Iterator<Item = &'static str>> {
        let reference = self.types.split(',').map(type_and_targets).find(|(name, _)| *name == "Reference")?;
        (!reference.1.is_empty()).then(|| reference.1.split('|'))
    }

    /// Whether its type is chosen by the name of the member (`value[x]`).
    pub fn is_choice(&self) -> bool {
        self.name.ends_with("[x]")
    }

    /// Its name without `[x]`, as FHIRPath has it.
    pub fn stem(&self) -> &'static str {
        self.name.strip_suffix("[x]").unwrap_or(self.name)
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
    shape(path).map(Shape::elements)
}

/// The element that a member of that name is, and its type: for `valueQuantity`, `value[x]` and `Quantity`.
pub fn member(path: &str, name: &str) -> Option<(&'static Element, &'static str)> {
    let found = shape(path)?.member(name)?;
    Some((&found.element, found.type_name))
}

/// The system of the codes of an element of type `code`, where its required binding names one (terminologies.html#code);
/// empty otherwise.
pub fn implied_system(path: &str, name: &str) -> &'static str {
    static SYSTEMS: LazyLock<HashMap<&str, &str>> =
        LazyLock::new(|| include_str!("systems.txt").lines().filter_map(|line| line.split_once(' ')).collect());
    SYSTEMS.get(format!("{path}.{name}").as_str()).copied().unwrap_or_default()
}

/// Whether a type is a primitive one (datatypes.html#primitive).
pub fn is_primitive(kind: &str) -> bool {
    kind.starts_with(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_implies_its_system() {
        assert_eq!(implied_system("Patient", "gender"), "http://hl7.org/fhir/administrative-gender");
        assert_eq!(implied_system("Patient", "language"), "");
    }

    #[test]
    fn members_are_found_by_their_names() {
        let found = |path, name| member(path, name).map(|(element, kind)| (element.name, element.is_many, kind));
        assert_eq!(found("Patient", "name"), Some(("name", true, "HumanName")));
        assert_eq!(found("Patient", "contact"), Some(("contact", true, "Patient.contact")));
        assert_eq!(found("Observation", "valueQuantity"), Some(("value[x]", false, "Quantity")));
        assert_eq!(found("Observation", "valueDateTime"), Some(("value[x]", false, "dateTime")));
        assert_eq!(found("Observation", "valueAddress"), None);
        assert_eq!(found("Observation", "value"), None);
        assert_eq!(found("Observation", "value[x]"), None);
        assert_eq!(found("ValueSet.expansion.contains", "contains").map(|f| f.2), Some("ValueSet.expansion.contains"));
        assert_eq!(found("Nothing", "name"), None);
        assert!(member("Observation", "status").is_some_and(|(element, _)| element.is_required && !element.is_many));
        assert!(is_primitive("base64Binary") && !is_primitive("Quantity") && !is_primitive("Patient.contact"));
    }

    #[test]
    fn flags_targets_and_bindings_are_read() {
        let element = |path, name| *member(path, name).unwrap().0;
        let status = element("Observation", "status");
        assert!(status.is_summary && status.is_modifier && status.binding == Some("observation-status"));
        let subject = element("Observation", "subject");
        assert_eq!(subject.targets().unwrap().collect::<Vec<_>>(), ["Patient", "Group", "Device", "Location"]);
        assert!(element("Observation", "focus").targets().is_none());
        assert!(!element("Observation", "text").is_summary);
        let dose = shape("Dosage.doseAndRate").unwrap().member("doseQuantity").unwrap();
        assert_eq!((dose.type_name, dose.targets), ("Quantity", "SimpleQuantity"));
        assert_eq!(element("Patient", "id").types().collect::<Vec<_>>(), ["id"]);
        assert_eq!(element("HumanName", "id").types().collect::<Vec<_>>(), ["string"]);
    }

    #[test]
    fn every_type_of_every_element_is_known() {
        for shape in shapes() {
            for element in shape.elements() {
                let count = shape.parsed().members.iter().filter(|m| m.element.name == element.name).count();
                assert_eq!(count, element.types().count(), "{} {}", shape.path, element.name);
                assert!(element.binding.is_none_or(|set| codes::value_set(set).is_some()), "{}", element.name);
            }
        }
    }
}
