//! What a search parameter reads from a resource, whole: the values that every comparison and modifier of search.html is
//! judged on. Facts ([`super::facts`]) keep hashes of some of them; the rest is read from the body when it is asked for.

use crate::fhir::ResourceType;
use crate::fhir::decimal::Decimal;
use crate::fhir::time::Interval;

/// One value of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Token parameters (search.html#token).
    Token(Token),
    /// Date parameters: what the date covers, half-open, milliseconds since 1970; open ends are `i64::MIN` and `i64::MAX`.
    Date(Interval),
    /// String parameters: one string of the element (a name gives one for each part).
    String(Box<str>),
    /// A word of a family name behind its first: a search for its beginning finds the name too (search.html#string).
    Word(Box<str>),
    /// Reference parameters.
    Reference(Reference),
    /// Number parameters; one value where both are the same, a Range otherwise; `None` is an open end.
    Number {
        /// The least.
        low: Option<Decimal>,
        /// The greatest.
        high: Option<Decimal>,
        /// Whether the element is an integer, where a value is compared exactly.
        is_integer: bool,
    },
    /// Quantity parameters.
    Quantity(Quantity),
    /// Uri parameters, and canonicals with their version.
    Uri(Box<str>),
    /// One occurrence of a composite's element: the values of each component, in order.
    Composite(Vec<Vec<Value>>),
    /// Where a Location is (`near`), in degrees.
    Position {
        /// North of the equator.
        latitude: f64,
        /// East of Greenwich.
        longitude: f64,
    },
}

/// A code, identifier or flag.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Token {
    /// Its system; the one that an element of type `code` implies by its binding.
    pub system: Option<Box<str>>,
    /// The code, the identifier's value, `true` or `false`.
    pub code: Option<Box<str>>,
    /// Whether the case of the code counts ([`super::facts::is_case_sensitive`]).
    pub is_case_sensitive: bool,
    /// Display, text: what `:text` looks at.
    pub texts: Vec<Box<str>>,
    /// The codings of Identifier.type, system and code: what `:of-type` looks at.
    pub types: Vec<(Box<str>, Box<str>)>,
}

/// A reference, canonical references included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// What it points to.
    pub target: Target,
    /// `Reference.identifier`: system and value.
    pub identifier: Option<(Option<Box<str>>, Box<str>)>,
}

/// Where a reference points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `Type/id`, with the version of `/_history/[version]` where it names one.
    Local(ResourceType, Box<str>, Option<Box<str>>),
    /// An absolute URL, a urn, or a canonical, as it stands.
    Url(Box<str>),
    /// `#id`
    Contained(Box<str>),
    /// An identifier alone.
    Unresolved,
}

/// A Quantity, Money, Age, Duration, Range or SampledData as what it covers.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    /// The least; `None` is an open end. `Quantity.comparator` opens one.
    pub low: Option<Decimal>,
    /// The greatest.
    pub high: Option<Decimal>,
    /// `Quantity.system`.
    pub system: Option<Box<str>>,
    /// `Quantity.code`; the currency of Money.
    pub code: Option<Box<str>>,
    /// `Quantity.unit`.
    pub unit: Option<Box<str>>,
}
