//! What expressions need to know about the types of FHIR R4: which there are, which is a kind of which, what is in them.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use crate::fhir::ResourceType;
use crate::fhir::r4;

/// A type of R4, or an element that has elements of its own (`Patient.contact`).
pub struct Kind {
    /// Its name; empty for what the definitions do not know.
    pub name: &'static str,
    /// For a primitive type, how its values are read.
    pub primitive: Option<Primitive>,
    /// Whether it is a type of resources.
    pub is_resource: bool,
    /// Whether it is Quantity or a kind of it.
    pub is_quantity: bool,
    parent: Option<u16>,
    members: Vec<Member>,
}

/// An element of a type.
#[derive(Debug)]
pub struct Member {
    /// Its name; of a choice without `[x]`.
    pub name: &'static str,
    /// Whether it is a choice of types, which in JSON has the type in its name.
    pub is_choice: bool,
    types: Box<[u16]>,
}

/// Which type of the language the values of a primitive type become (fhirpath.html#types).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub enum Primitive {
    Boolean,
    Integer,
    Decimal,
    Date,
    DateTime,
    Time,
    Text,
}

/// What the definitions do not know.
pub(super) static UNKNOWN: Kind =
    Kind { name: "", primitive: None, is_resource: false, is_quantity: false, parent: None, members: Vec::new() };

/// The primitive types, each with the one that it specialises (datatypes.html).
const PRIMITIVES: [(&str, &str, Primitive); 20] = [
    ("base64Binary", "Element", Primitive::Text),
    ("boolean", "Element", Primitive::Boolean),
    ("canonical", "uri", Primitive::Text),
    ("code", "string", Primitive::Text),
    ("date", "Element", Primitive::Date),
    ("dateTime", "Element", Primitive::DateTime),
    ("decimal", "Element", Primitive::Decimal),
    ("id", "string", Primitive::Text),
    ("instant", "Element", Primitive::DateTime),
    ("integer", "Element", Primitive::Integer),
    ("markdown", "string", Primitive::Text),
    ("oid", "uri", Primitive::Text),
    ("positiveInt", "integer", Primitive::Integer),
    ("string", "Element", Primitive::Text),
    ("time", "Element", Primitive::Time),
    ("unsignedInt", "integer", Primitive::Integer),
    ("uri", "Element", Primitive::Text),
    ("url", "uri", Primitive::Text),
    ("uuid", "uri", Primitive::Text),
    ("xhtml", "Element", Primitive::Text),
];

/// Types that specialise Quantity (datatypes.html#quantity).
const QUANTITIES: [&str; 6] = ["Age", "Count", "Distance", "Duration", "MoneyQuantity", "SimpleQuantity"];

/// Types that nothing else leads to.
const ABSTRACT: [&str; 7] =
    ["Element", "BackboneElement", "Resource", "DomainResource", "Extension", "Quantity", "ElementDefinition"];

struct Model {
    kinds: Vec<Kind>,
    by_name: HashMap<&'static str, u16>,
}

static MODEL: LazyLock<Model> = LazyLock::new(|| {
    let resources = (0..=u8::MAX).map_while(ResourceType::from_number).map(ResourceType::name);
    let mut names: Vec<&'static str> = ABSTRACT.into_iter().chain(resources).collect();
    names.extend(QUANTITIES);
    names.extend(PRIMITIVES.map(|row| row.0));
    let mut by_name: HashMap<&'static str, u16> = HashMap::new();
    let mut at = 0;
    while let Some(name) = names.get(at).copied() {
        at += 1;
        if by_name.contains_key(name) {
            continue;
        }
        by_name.insert(name, by_name.len() as u16);
        names.extend(r4::elements(name).unwrap_or_default().iter().flat_map(r4::Element::types));
    }
    let mut ordered: Vec<_> = by_name.iter().map(|(name, at)| (*at, *name)).collect();
    ordered.sort_unstable();
    let kinds = ordered.into_iter().map(|(_, name)| described(name, &by_name)).collect();
    Model { kinds, by_name }
});

fn described(name: &'static str, by_name: &HashMap<&'static str, u16>) -> Kind {
    let elements = r4::elements(name).unwrap_or_default();
    let has = |wanted: &str| elements.iter().any(|element| element.name == wanted);
    let row = PRIMITIVES.iter().find(|row| row.0 == name);
    let is_resource = has("implicitRules") && has("meta");
    let is_a_quantity = QUANTITIES.contains(&name);
    let parent = match (name, row) {
        ("Element" | "Resource", _) => "",
        (_, Some(row)) => row.1,
        _ if is_a_quantity => "Quantity",
        _ if is_resource && (!has("contained") || name == "DomainResource") => "Resource",
        _ if is_resource => "DomainResource",
        _ if has("modifierExtension") && name != "BackboneElement" => "BackboneElement",
        _ => "Element",
    };
    // SimpleQuantity and MoneyQuantity are profiles; what they hold is a Quantity.
    let elements =
        if elements.is_empty() && is_a_quantity { r4::elements("Quantity").unwrap_or_default() } else { elements };
    let members = elements.iter().map(|element| {
        let types = element.types().map(|kind| match element.name {
            // R4 says `string` of the id of a resource and means `id` (resource.html#id).
            "id" if is_resource => "id",
            _ => kind,
        });
        Member {
            name: element.name.strip_suffix("[x]").unwrap_or(element.name),
            is_choice: element.name.ends_with("[x]"),
            types: types.filter_map(|kind| by_name.get(kind).copied()).collect(),
        }
    });
    Kind {
        name,
        primitive: row.map(|row| row.2),
        is_resource,
        is_quantity: is_a_quantity || name == "Quantity",
        parent: by_name.get(parent).copied(),
        members: members.collect(),
    }
}

fn at(index: u16) -> &'static Kind {
    MODEL.kinds.get(usize::from(index)).unwrap_or(&UNKNOWN)
}

/// A type by its name, or an element with elements of its own by its path.
pub fn kind(name: &str) -> Option<&'static Kind> {
    MODEL.by_name.get(name).map(|index| at(*index))
}

/// A type of resources that there can be resources of.
pub fn resource_kind(name: &str) -> Option<&'static Kind> {
    kind(name).filter(|kind| kind.is_resource && !matches!(kind.name, "Resource" | "DomainResource"))
}

impl Kind {
    /// Whether it is the other type or a kind of it.
    pub fn is_kind_of(&'static self, general: &Kind) -> bool {
        let mut next = Some(self);
        while let Some(kind) = next {
            if std::ptr::eq(kind, general) {
                return true;
            }
            next = kind.parent.map(at);
        }
        false
    }

    /// The element of that name; of a choice the name without `[x]`.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// What a name in JSON stands for: for `valueQuantity`, the choice `value` and the type Quantity.
    pub fn json_member(&self, name: &str) -> Option<(&Member, &'static Kind)> {
        if let Some(member) = self.member(name).filter(|member| !member.is_choice) {
            return Some((member, member.kind()));
        }
        self.members.iter().filter(|member| member.is_choice).find_map(|member| {
            let chosen = name.strip_prefix(member.name)?;
            Some((member, member.types().find(|kind| is_capitalised(chosen, kind.name))?))
        })
    }
}

impl Member {
    /// Its types.
    pub fn types(&self) -> impl Iterator<Item = &'static Kind> {
        self.types.iter().map(|index| at(*index))
    }

    /// Its only type, or the first.
    pub fn kind(&self) -> &'static Kind {
        self.types.first().map_or(&UNKNOWN, |index| at(*index))
    }
}

/// Its name, for what else it holds leads through half of the definitions.
impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Whether a text is a name with its first letter in upper case.
fn is_capitalised(text: &str, name: &str) -> bool {
    match (text.as_bytes(), name.as_bytes()) {
        ([first, rest @ ..], [letter, others @ ..]) => *first == letter.to_ascii_uppercase() && rest == others,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_kinds_of_others() {
        let is = |name: &str, general: &str| kind(name).unwrap().is_kind_of(kind(general).unwrap());
        for (name, general) in [
            ("code", "string"),
            ("uuid", "uri"),
            ("positiveInt", "integer"),
            ("Age", "Quantity"),
            ("Patient", "DomainResource"),
            ("Bundle", "Resource"),
            ("Patient.contact", "BackboneElement"),
            ("Timing.repeat", "Element"),
            ("HumanName", "Element"),
        ] {
            assert!(is(name, general) && !is(general, name), "{name} {general}");
        }
        assert!(!is("uri", "string") && !is("Bundle", "DomainResource") && !is("HumanName", "BackboneElement"));
        assert!(
            kind("Patience").is_none() && resource_kind("HumanName").is_none() && resource_kind("Resource").is_none()
        );
        assert_eq!(resource_kind("Observation").map(|kind| kind.name), Some("Observation"));
    }

    #[test]
    fn choices_have_their_type_in_the_name() {
        let observation = kind("Observation").unwrap();
        let found = |name: &str| observation.json_member(name).map(|(member, kind)| (member.name, kind.name));
        assert_eq!(found("valueQuantity"), Some(("value", "Quantity")));
        assert_eq!(found("valueDateTime"), Some(("value", "dateTime")));
        assert_eq!((found("value"), found("valueAddress"), found("valuequantity")), (None, None, None));
        assert_eq!(found("id"), Some(("id", "id")));
        assert_eq!(kind("HumanName").unwrap().json_member("id").map(|(_, kind)| kind.name), Some("string"));
    }
}
