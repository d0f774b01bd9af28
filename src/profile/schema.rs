//! A profile as the walk through a resource needs it (profiling.html): a tree of the elements about which it says more than the
//! base definitions of R4, which are checked elsewhere. What it says nothing about is not in the tree.

use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::fhir::r4::Member;
use crate::fhirpath::Expression;
use crate::terminology::ValueSet;

/// Which of the profiles that are loaded.
pub type SchemaId = u32;

/// Which node of a schema; the root is 0.
pub type NodeId = u32;

/// A cardinality without an upper bound.
pub const MANY: u32 = u32::MAX;

/// A profile, or a definition of a type.
#[derive(Debug)]
pub struct Schema {
    /// Which one it is.
    pub id: SchemaId,
    /// `url`.
    pub url: Box<str>,
    /// Its version, or that of its package.
    pub version: Box<str>,
    /// The package in which it is.
    pub package: usize,
    /// The type that it constrains.
    pub type_name: Box<str>,
    /// `baseDefinition`.
    pub base: Option<Link>,
    /// Whether it defines the type, and constrains no other.
    pub is_definition: bool,
    /// Of an extension: whether it may change what its element means.
    pub is_modifier: bool,
    /// Of an extension: where it may stand; empty for anywhere.
    pub contexts: Box<[Use]>,
    /// Of an extension: FHIRPaths that hold of the element in which it stands, with the extension as `%extension`.
    pub context_invariants: Box<[Expression]>,
    /// The nodes, the root first.
    pub nodes: Vec<Node>,
}

/// Where an extension may stand (StructureDefinition.context).
#[derive(Debug)]
pub enum Use {
    /// In an element, by its path or type.
    Element(Box<str>),
    /// In an extension, by its URL.
    Extension(Box<str>),
    /// Where a FHIRPath leads from the resource.
    Path(Box<Expression>),
}

/// What a profile says about an element, or about a slice of it.
#[derive(Debug)]
pub struct Node {
    /// The id of the element (`Observation.component:SystolicBP.code`).
    pub id: Box<str>,
    /// Its name in its parent; of a choice without `[x]`.
    pub name: Box<str>,
    /// The member that it is in JSON; none for a choice and for the root.
    pub member: Option<&'static Member>,
    /// Fewest values, where that is more than R4 asks for.
    pub min: u32,
    /// Most values, where that is less than R4 allows.
    pub max: u32,
    /// The types, where they are fewer or more closely described than in R4.
    pub types: Option<Box<[Type]>>,
    /// The value that it has, or that it holds.
    pub wanted: Option<Wanted>,
    /// Most characters.
    pub length_max: Option<usize>,
    /// Least and greatest value.
    pub bounds: [Option<Value>; 2],
    /// The codes that it takes.
    pub binding: Option<Binding>,
    /// The constraints that R4 itself does not have.
    pub constraints: Box<[Constraint]>,
    /// What is said about its elements.
    pub children: Vec<NodeId>,
    /// How its values are told apart.
    pub slicing: Option<Slicing>,
    /// The node whose children are its own too (ElementDefinition.contentReference).
    pub content: Option<NodeId>,
    /// Whether nothing is said about its values one by one, but how many there are and of which slices.
    pub is_bare: bool,
}

/// A type that an element may have.
#[derive(Debug)]
pub struct Type {
    /// Its name.
    pub code: Box<str>,
    /// The profiles of which it keeps to one.
    pub profiles: Box<[Link]>,
    /// Of a reference: what it may lead to, if R4 allows more.
    pub targets: Option<Box<[Link]>>,
    /// Of a reference: whether its target may be contained, elsewhere, in the same Bundle.
    pub aggregation: Option<[bool; 3]>,
}

/// Another definition, by its canonical.
#[derive(Debug)]
pub struct Link {
    /// `url` or `url|version`.
    pub canonical: Box<str>,
    /// The package in which it stands.
    pub package: usize,
    pub(super) found: OnceLock<Option<SchemaId>>,
}

/// A value that an element must have.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    /// Just this one (`fixed[x]`).
    Fixed(Value),
    /// One with at least these parts (`pattern[x]`).
    Pattern(Value),
}

/// How strictly an element is bound to a value set (terminologies.html#strength).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the standard's codes
pub enum Strength {
    Required,
    Extensible,
    Preferred,
}

/// The value set that an element takes its codes from.
#[derive(Debug)]
pub struct Binding {
    /// How strictly.
    pub strength: Strength,
    /// The value set.
    pub value_set: Box<str>,
    /// The value set that any code must be of, even where another one only should be used.
    pub max: Option<Box<Binding>>,
    pub(super) package: usize,
    pub(super) codes: OnceLock<Arc<ValueSet>>,
}

/// A constraint of a profile (ElementDefinition.constraint).
#[derive(Debug)]
pub struct Constraint {
    /// Its key.
    pub key: Box<str>,
    /// The number that its text begins with (`R1010`), as those of JP-CLINS do.
    pub number: Option<Box<str>>,
    /// Whether its breach is an error, and no warning.
    pub is_error: bool,
    /// Whether it is good practice alone (elementdefinition-bestpractice).
    pub is_best_practice: bool,
    /// What it says.
    pub human: Box<str>,
    pub(super) text: Box<str>,
    pub(super) expression: OnceLock<Option<Expression>>,
}

/// How the values of an element are told apart (ElementDefinition.slicing).
#[derive(Debug)]
pub struct Slicing {
    /// By what.
    pub discriminators: Box<[Discriminator]>,
    /// Whether there may be values of no slice.
    pub rules: Rules,
    /// Whether the slices come in their order.
    pub is_ordered: bool,
    /// The slices in their order.
    pub slices: Vec<Slice>,
    /// Where there are many, which of them a value may be of by the text that it has where the first discriminator looks;
    /// made when it is first needed.
    pub(super) by_text: OnceLock<Option<super::discriminator::ByText>>,
}

/// Values of no slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// Anywhere.
    Open,
    /// Behind all others.
    OpenAtEnd,
    /// Not allowed.
    Closed,
}

/// What tells slices apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discriminator {
    /// What is looked at.
    pub kind: DiscriminatorKind,
    /// Where.
    pub path: Box<[Step]>,
}

/// What of an element tells slices apart (profiling.html#discriminator).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the standard's codes
pub enum DiscriminatorKind {
    /// `value` and `pattern`, which mean the same (R5 says so).
    Value,
    Exists,
    Type,
    Profile,
}

/// A step of the path of a discriminator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To an element; of a choice by its name without `[x]`.
    Member(Box<str>),
    /// To the extensions of a URL.
    Extension(Box<str>),
    /// To values of a type.
    OfType(Box<str>),
    /// To what a reference leads to.
    Resolve,
}

/// A slice.
#[derive(Debug)]
pub struct Slice {
    /// `sliceName`.
    pub name: Box<str>,
    /// What is said about its values.
    pub node: NodeId,
    /// For each discriminator, what a value of the slice has there; made when it is first needed.
    pub(super) matchers: OnceLock<Box<[super::discriminator::Matcher]>>,
}

impl Schema {
    /// A node.
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id as usize)
    }

    /// Its URL with its version.
    pub fn canonical(&self) -> String {
        format!("{}|{}", self.url, self.version)
    }
}

impl Node {
    pub(super) fn new(id: &str, name: &str) -> Self {
        Node {
            id: id.into(),
            name: name.into(),
            member: None,
            min: 0,
            max: MANY,
            types: None,
            wanted: None,
            length_max: None,
            bounds: [None, None],
            binding: None,
            constraints: Box::default(),
            children: Vec::new(),
            slicing: None,
            content: None,
            is_bare: false,
        }
    }

    /// The slices in which it stands (`SystolicBP`, `coreLaboJLAC10/tp`), from the outermost, with `.` between; empty for none.
    pub fn slice_name(&self) -> String {
        let named = self.id.split('.').filter_map(|part| part.split_once(':').map(|(_, name)| name));
        named.collect::<Vec<_>>().join(".")
    }

    /// Whether nothing is said about it.
    pub(super) fn says_nothing(&self) -> bool {
        self.min == 0 && self.max == MANY && self.slicing.is_none() && self.says_nothing_of_values()
    }

    /// See [`Node::is_bare`].
    pub(super) fn says_nothing_of_values(&self) -> bool {
        self.types.is_none()
            && self.wanted.is_none()
            && self.length_max.is_none()
            && self.bounds == [None, None]
            && self.binding.is_none()
            && self.constraints.is_empty()
            && self.children.is_empty()
            && self.content.is_none()
    }
}

impl Link {
    pub(super) fn new(canonical: &str, package: usize) -> Self {
        Link { canonical: canonical.into(), package, found: OnceLock::new() }
    }
}

impl Wanted {
    /// The value, or the parts of it.
    pub fn value(&self) -> &Value {
        let (Wanted::Fixed(value) | Wanted::Pattern(value)) = self;
        value
    }

    /// Whether a value is what is wanted (ElementDefinition.fixed, ElementDefinition.pattern).
    pub fn is_met_by(&self, value: &Value) -> bool {
        match self {
            Wanted::Fixed(wanted) => wanted == value,
            Wanted::Pattern(wanted) => holds(value, wanted),
        }
    }
}

/// Whether a value has all parts of a pattern: of an array each item somewhere.
fn holds(value: &Value, pattern: &Value) -> bool {
    match (pattern, value) {
        (Value::Object(wanted), Value::Object(found)) => {
            wanted.iter().all(|(name, wanted)| found.get(name).is_some_and(|found| holds(found, wanted)))
        }
        (Value::Array(wanted), Value::Array(found)) => {
            wanted.iter().all(|wanted| found.iter().any(|found| holds(found, wanted)))
        }
        (wanted, found) => wanted == found,
    }
}

impl Constraint {
    /// The expression; `None` where it cannot be read.
    pub fn expression(&self) -> Option<&Expression> {
        self.expression.get_or_init(|| Expression::parse(&self.text).ok()).as_ref()
    }

    /// The name by which it is known: the number of its text, else its key.
    pub fn name(&self) -> &str {
        self.number.as_deref().unwrap_or(&self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pattern_is_held_and_a_fixed_value_is_equal() {
        let pattern = json!({"coding": [{"system": "s", "code": "c"}]});
        let more = json!({"text": "t", "coding": [{"code": "d"}, {"code": "c", "system": "s", "display": "x"}]});
        assert!(Wanted::Pattern(pattern.clone()).is_met_by(&more));
        assert!(!Wanted::Fixed(pattern.clone()).is_met_by(&more));
        assert!(Wanted::Fixed(pattern.clone()).is_met_by(&json!({"coding": [{"code": "c", "system": "s"}]})));
        // The parts of one coding are of one coding.
        let split = json!({"coding": [{"system": "s", "code": "d"}, {"system": "t", "code": "c"}]});
        assert!(!Wanted::Pattern(pattern).is_met_by(&split));
        assert!(!Wanted::Pattern(json!("a")).is_met_by(&json!("ab")));
    }
}
