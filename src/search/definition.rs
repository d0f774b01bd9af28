//! Search parameters as their definitions state them (R4 searchparameter.html): which a type has, of which kind, and what
//! they read.

use crate::fhir::ResourceType;

use super::facts::Parameter;
use super::read::Plan;

/// One search parameter of one type.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Under which number its values are kept as facts.
    pub parameter: Parameter,
    /// `SearchParameter.code`: its name in a query.
    pub code: Box<str>,
    /// `SearchParameter.url`.
    pub url: Box<str>,
    /// `SearchParameter.type`.
    pub kind: Kind,
    /// The part of `SearchParameter.expression` that is about this type.
    pub expression: Box<str>,
    /// `SearchParameter.target`: the types a reference may point to; empty for any.
    pub targets: Vec<ResourceType>,
    /// The components of a composite, in order.
    pub components: Vec<Component>,
    /// How it is read.
    pub plan: Plan,
}

/// One type has one definition of a code and a URL.
impl PartialEq for Definition {
    fn eq(&self, other: &Self) -> bool {
        (&self.code, &self.url, &self.expression) == (&other.code, &other.url, &other.expression)
    }
}

impl Definition {
    /// Whether facts hold its values: hashes of tokens, references and URIs, and the intervals of dates. What is not kept
    /// is read from the body ([`super::read`]).
    pub fn is_kept(&self) -> bool {
        self.parameter != Parameter::NONE && matches!(self.kind, Kind::Token | Kind::Reference | Kind::Uri | Kind::Date)
    }

    /// Whether it finds what another finds.
    pub fn reads_like(&self, other: &Definition) -> bool {
        (self.kind, &self.expression, &self.components) == (other.kind, &other.expression, &other.components)
    }
}

/// A component of a composite parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// The kind of the parameter that it is.
    pub kind: Kind,
    /// What it reads, from an element that the composite's own expression gives.
    pub expression: Box<str>,
    /// The types it may point to, where it is a reference.
    pub targets: Vec<ResourceType>,
}

/// FHIR SearchParamType.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are the standard's codes
pub enum Kind {
    Number,
    Date,
    String,
    Token,
    Reference,
    Composite,
    Quantity,
    Uri,
    Special,
}
