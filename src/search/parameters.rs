//! The types that are served, and those of their parameters that are judged on facts alone.

use std::sync::LazyLock;

use crate::fhir::ResourceType;

use super::definition;
use super::definitions::Definitions;
use super::facts::Parameter;

/// One parameter of a type.
#[derive(Debug)]
pub struct Definition {
    /// Its name.
    pub names: &'static [&'static str],
    /// Under which its values are kept.
    pub parameter: Parameter,
    /// What its values are.
    pub kind: Kind,
}

/// What a parameter's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Code, Coding, CodeableConcept, Identifier or boolean.
    Token,
    /// date, dateTime, instant, Period or Timing.
    Date,
    /// Reference; the types it may point to.
    Reference(&'static [&'static str]),
}

impl Kind {
    /// FHIR SearchParamType code.
    pub fn code(&self) -> &'static str {
        match self {
            Kind::Token => "token",
            Kind::Date => "date",
            Kind::Reference(_) => "reference",
        }
    }
}

/// The definition behind a name, and whether only references to Patients count (`patient` where `subject` may be
/// anything).
pub fn find(resource_type: ResourceType, name: &str) -> Option<(&'static Definition, bool)> {
    let found = of(resource_type).iter().find(|definition| definition.names.contains(&name))?;
    Some((found, name == "patient"))
}

/// The types that are served: all of R4 but Parameters, which has no identity of its own (parameters.html).
pub fn types() -> impl Iterator<Item = ResourceType> {
    (0..=u8::MAX).map_while(ResourceType::from_number).filter(|resource_type| is_served(*resource_type))
}

/// Whether a type is served.
pub fn is_served(resource_type: ResourceType) -> bool {
    resource_type.name() != "Parameters"
}

/// The parameters of a type, beside `_id` and `_lastUpdated` which every type has.
pub fn of(resource_type: ResourceType) -> &'static [Definition] {
    static TABLE: LazyLock<Vec<Vec<Definition>>> =
        LazyLock::new(|| (0..=u8::MAX).map_while(ResourceType::from_number).map(kept).collect());
    TABLE.get(usize::from(resource_type.number())).map_or(&[], Vec::as_slice)
}

fn kept(resource_type: ResourceType) -> Vec<Definition> {
    let definition = |definition: &'static definition::Definition| {
        let kind = match definition.kind {
            definition::Kind::Token => Kind::Token,
            definition::Kind::Date => Kind::Date,
            definition::Kind::Reference => {
                Kind::Reference(definition.targets.iter().map(|of| of.name()).collect::<Vec<_>>().leak())
            }
            _ => return None,
        };
        // The journal answers for audit events, by patient.
        let is_offered = resource_type != ResourceType::AUDIT_EVENT || &*definition.code == "patient";
        is_offered.then(|| Definition { names: vec![&*definition.code].leak(), parameter: definition.parameter, kind })
    };
    Definitions::base().of(resource_type).filter_map(definition).collect()
}
