//! What is offered to whoever may call (capabilitystatement.html): the one place from which the CapabilityStatement and the
//! OpenAPI description follow. It is asked of what answers requests: the roles, the definitions of search parameters, the
//! table of operations.

use crate::api::audit_query;
use crate::api::operation::{OPERATIONS, Operation};
use crate::app::Gateway;
use crate::consent::{Action, Caller, Role};
use crate::fhir::ResourceType;
use crate::search::Definitions;
use crate::search::compartment::is_compartment;
use crate::search::definition::{Definition, Kind};
use crate::search::parameters;

/// Whom a gateway takes calls from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::api) enum Mode {
    /// Anybody (`--open`).
    Open,
    /// Registered clients, each in its role.
    Registered,
}

/// An interaction with a type (valueset type-restful-interaction).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the standard's codes
pub(in crate::api) enum Interaction {
    Read,
    Vread,
    Update,
    Patch,
    Delete,
    HistoryInstance,
    HistoryType,
    Create,
    SearchType,
}

/// A search parameter as it is declared.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) struct Parameter<'d> {
    /// Its name in a query.
    pub(in crate::api) name: &'d str,
    /// SearchParamType.
    pub(in crate::api) kind: &'d str,
    /// The URL of its SearchParameter; empty where the standard defines it in words alone.
    pub(in crate::api) definition: &'d str,
    /// What is not said by its definition; may be empty.
    pub(in crate::api) documentation: &'d str,
}

/// Interactions with the whole system (valueset system-restful-interaction).
pub(in crate::api) const OF_SYSTEM: [&str; 4] = ["transaction", "batch", "search-system", "history-system"];

/// What every type that is searched has beside its own definitions (search.html#all); the definitions of those that read
/// elements of `meta` are among the type's own.
const OF_EVERY_TYPE: [Parameter<'static>; 7] = [
    Parameter {
        name: "_id",
        kind: "token",
        definition: "http://hl7.org/fhir/SearchParameter/Resource-id",
        documentation: "",
    },
    Parameter {
        name: "_lastUpdated",
        kind: "date",
        definition: "http://hl7.org/fhir/SearchParameter/Resource-lastUpdated",
        documentation: "",
    },
    Parameter {
        name: "_text",
        kind: "string",
        definition: "http://hl7.org/fhir/SearchParameter/DomainResource-text",
        documentation: "Words of the narrative, all of them.",
    },
    Parameter {
        name: "_content",
        kind: "string",
        definition: "http://hl7.org/fhir/SearchParameter/Resource-content",
        documentation: "Words anywhere in the resource, all of them.",
    },
    Parameter { name: "_list", kind: "special", definition: "", documentation: "The id of a List." },
    Parameter { name: "_has", kind: "special", definition: "", documentation: "_has:[type]:[reference]:[parameter]" },
    Parameter { name: "_filter", kind: "special", definition: "", documentation: "" },
];

impl Mode {
    /// How a gateway was started.
    pub(in crate::api) fn of(gateway: &Gateway) -> Mode {
        if gateway.registry().is_open() { Mode::Open } else { Mode::Registered }
    }

    /// Whether somebody who may call may do this with resources of a type.
    fn may(self, action: Action, resource_type: ResourceType) -> bool {
        let roles: &[Role] = match self {
            Mode::Open => &[Role::Open],
            Mode::Registered => &[Role::Care, Role::Source, Role::Office],
        };
        let caller = |role: &Role| Caller { role: *role, ..Caller::open() };
        roles.iter().any(|role| caller(role).may(action, resource_type).is_ok())
    }

    /// Whether resources of a type are written over REST, in every way there is.
    pub(in crate::api) fn writes(self, resource_type: ResourceType) -> bool {
        self.may(Action::Update, resource_type)
    }

    /// The interactions that a type offers.
    pub(in crate::api) fn interactions(self, resource_type: ResourceType) -> Vec<Interaction> {
        use Interaction as I;
        if !self.may(Action::Read, resource_type) {
            return Vec::new();
        }
        // The gateway's own record of who saw what.
        if resource_type == ResourceType::AUDIT_EVENT {
            return vec![I::SearchType];
        }
        let mut offered = vec![I::Read, I::Vread];
        if self.writes(resource_type) {
            offered.extend([I::Update, I::Patch, I::Delete]);
        }
        offered.extend([I::HistoryInstance, I::HistoryType]);
        // What a source hands in is a letter: a Bundle.
        if self.writes(resource_type) || resource_type == ResourceType::BUNDLE {
            offered.push(I::Create);
        }
        offered.push(I::SearchType);
        offered
    }

    /// The operations that are called at a type or at a resource of it.
    pub(in crate::api) fn operations(self, resource_type: ResourceType) -> impl Iterator<Item = &'static Operation> {
        OPERATIONS.iter().filter(move |operation| {
            (operation.on_type || operation.instance)
                && operation.on.includes(resource_type)
                && resource_type != ResourceType::AUDIT_EVENT
                && (!operation.affects_state || self.writes(resource_type))
        })
    }

    /// The operations that are called at the base URL, but for `$import`, which takes NDJSON and no Parameters.
    pub(in crate::api) fn operations_of_system(self) -> impl Iterator<Item = &'static Operation> {
        OPERATIONS.iter().filter(|operation| operation.system && operation.name != "import")
    }

    /// Whether NDJSON is taken in (`$import`).
    pub(in crate::api) fn imports(self) -> bool {
        self == Mode::Open
    }
}

impl Interaction {
    /// Its code.
    pub(in crate::api) fn code(self) -> &'static str {
        match self {
            Interaction::Read => "read",
            Interaction::Vread => "vread",
            Interaction::Update => "update",
            Interaction::Patch => "patch",
            Interaction::Delete => "delete",
            Interaction::HistoryInstance => "history-instance",
            Interaction::HistoryType => "history-type",
            Interaction::Create => "create",
            Interaction::SearchType => "search-type",
        }
    }
}

/// The search parameters of a type.
pub(in crate::api) fn search_parameters(definitions: &Definitions, resource_type: ResourceType) -> Vec<Parameter<'_>> {
    let own = definitions.of(resource_type).map(declared);
    // The journal answers for the audit record.
    if resource_type == ResourceType::AUDIT_EVENT {
        return own.filter(|parameter| audit_query::PARAMETERS.contains(&parameter.name)).collect();
    }
    own.chain(OF_EVERY_TYPE).collect()
}

fn declared(definition: &Definition) -> Parameter<'_> {
    let Definition { code, url, kind, .. } = definition;
    Parameter { name: code, kind: kind.code(), definition: url, documentation: "" }
}

/// The search parameters that all types but the audit record have in common.
pub(in crate::api) fn common_parameters() -> Vec<Parameter<'static>> {
    let parameters = search_parameters(Definitions::base(), ResourceType::PATIENT).into_iter();
    parameters.filter(|parameter| parameter.name.starts_with('_')).collect()
}

/// What `_include` may name in a search of a type.
pub(super) fn includes(definitions: &Definitions, resource_type: ResourceType) -> Vec<String> {
    references(definitions, resource_type)
        .map(|definition| format!("{}:{}", resource_type.name(), definition.code))
        .collect()
}

/// What `_revinclude` may name in a search of a type.
pub(super) fn reverse_includes(definitions: &Definitions, resource_type: ResourceType) -> Vec<String> {
    let points = |definition: &&Definition| {
        resource_type != ResourceType::AUDIT_EVENT
            && (definition.targets.is_empty() || definition.targets.contains(&resource_type))
    };
    let of = |source: ResourceType| {
        references(definitions, source)
            .filter(points)
            .map(move |definition| format!("{}:{}", source.name(), definition.code))
    };
    parameters::types().flat_map(of).collect()
}

/// The parameters of a type that are references; none of the audit record, to and from which nothing is included.
fn references(definitions: &Definitions, source: ResourceType) -> impl Iterator<Item = &Definition> {
    let is_searched = source != ResourceType::AUDIT_EVENT;
    definitions.of(source).filter(move |definition| is_searched && definition.kind == Kind::Reference)
}

/// The URLs of the CompartmentDefinitions of R4 that are searched.
pub(super) fn compartments() -> impl Iterator<Item = String> {
    parameters::types().map(ResourceType::name).filter(|name| is_compartment(name)).map(|name| {
        let (first, rest) = name.split_at(1);
        format!("http://hl7.org/fhir/CompartmentDefinition/{}{rest}", first.to_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(mode: Mode, resource_type: ResourceType) -> String {
        mode.interactions(resource_type).iter().map(|one| one.code()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_type_offers_what_somebody_who_may_call_may_do() {
        const ALL: &str = "read vread update patch delete history-instance history-type create search-type";
        const READ: &str = "read vread history-instance history-type search-type";
        for (resource_type, open, registered) in [
            (ResourceType::OBSERVATION, ALL, READ),
            (ResourceType::CONSENT, ALL, ALL),
            (ResourceType::ORGANIZATION, ALL, ALL),
            (ResourceType::BUNDLE, ALL, "read vread history-instance history-type create search-type"),
            (ResourceType::AUDIT_EVENT, "search-type", "search-type"),
        ] {
            assert_eq!(codes(Mode::Open, resource_type), open, "{resource_type:?}");
            assert_eq!(codes(Mode::Registered, resource_type), registered, "{resource_type:?}");
        }
    }

    #[test]
    fn a_name_is_declared_once_and_what_is_common_to_all() {
        for resource_type in parameters::types() {
            let all = search_parameters(Definitions::base(), resource_type);
            let mut names: Vec<_> = all.iter().map(|one| one.name).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{resource_type:?}");
            let is_searched = resource_type != ResourceType::AUDIT_EVENT;
            assert!(!is_searched || common_parameters().iter().all(|common| names.contains(&common.name)));
        }
        let names: Vec<_> = common_parameters().iter().map(|one| one.name).collect();
        assert!(names.contains(&"_tag") && names.contains(&"_has") && !names.contains(&"code"));
    }

    #[test]
    fn what_is_included_is_declared_from_both_ends() {
        let base = Definitions::base();
        assert!(includes(base, ResourceType::OBSERVATION).contains(&"Observation:subject".to_owned()));
        assert!(reverse_includes(base, ResourceType::PATIENT).contains(&"Observation:patient".to_owned()));
        assert!(!reverse_includes(base, ResourceType::OBSERVATION).contains(&"Condition:patient".to_owned()));
        assert!(
            includes(base, ResourceType::AUDIT_EVENT).is_empty()
                && reverse_includes(base, ResourceType::AUDIT_EVENT).is_empty()
        );
        assert_eq!(compartments().count(), 5);
        assert!(compartments().any(|url| url.ends_with("/relatedPerson")));
    }
}
