//! Who is calling, once it is known, and what its role includes before any consent is looked at.

use crate::fault::Denied;
use crate::fhir::{FacilityCode, ResourceType};

/// A registered client and for whom it acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The client's id in the configuration.
    pub client: String,
    /// The organisation it acts for: `Organization/id`, as consents name it.
    pub organization: String,
    /// What it is.
    pub role: Role,
    /// The facilities whose messages this organisation sends; empty for all but [`Role::Source`].
    pub facilities: Vec<FacilityCode>,
}

/// What a caller is in the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// A care agency (介護事業所, 訪問看護, 薬局): reads what consent permits.
    Care,
    /// A hospital's system: reads what it sent itself and what consent permits, and pushes letters.
    Source,
    /// The network's office (事務局): keeps consents, the directory and the definitions of searches, and reads the audit
    /// record; nothing clinical.
    Office,
    /// Whoever calls a gateway that was started with `--open`: everything, so that test kits which know no authorisation
    /// can be run. No configuration names this role.
    Open,
}

/// What a caller wants to do with resources of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Read, search, history and the operations that read.
    Read,
    /// Create, update, delete over the REST API.
    Write,
}

impl Caller {
    /// Whoever calls a gateway that was started with `--open`.
    pub fn open() -> Self {
        let (client, organization) = ("open".to_owned(), "Organization/open".to_owned());
        Caller { client, organization, role: Role::Open, facilities: Vec::new() }
    }

    /// Whether the role includes this at all. A caller knows its own role, so this may be answered openly (403);
    /// whether a certain resource may be seen is [`super::Gate`]'s answer and never shows (404).
    pub fn may(&self, action: Action, resource_type: ResourceType) -> Result<(), Denied> {
        let included = match (self.role, action) {
            (Role::Office, Action::Read) => is_kept_by_office(resource_type) || resource_type == AUDIT,
            (Role::Office, Action::Write) => is_kept_by_office(resource_type),
            (Role::Care | Role::Source, Action::Read) => {
                resource_type != AUDIT && resource_type != ResourceType::CONSENT
            }
            (Role::Care | Role::Source, Action::Write) => false,
            (Role::Open, Action::Read) => true,
            // The audit record is written by nobody but the gateway.
            (Role::Open, Action::Write) => resource_type != AUDIT,
        };
        if included { Ok(()) } else { Err(Denied::Role) }
    }

    /// Whether it may hand in letters of this facility.
    pub fn may_push(&self, facility: &FacilityCode) -> Result<(), Denied> {
        if self.keeps(facility) || self.role == Role::Open { Ok(()) } else { Err(Denied::Role) }
    }

    /// Whether records of this facility are its own.
    pub(super) fn keeps(&self, facility: &FacilityCode) -> bool {
        self.role == Role::Source && !facility.is_unstated() && self.facilities.contains(facility)
    }
}

impl Role {
    /// The role's name in the configuration and in audit records.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Care => "care",
            Role::Source => "source",
            Role::Office => "office",
            Role::Open => "open",
        }
    }

    /// The role of that name, of those that a configuration can give.
    pub fn parse(name: &str) -> Option<Self> {
        [Role::Care, Role::Source, Role::Office].into_iter().find(|role| role.name() == name)
    }
}

/// Whether the network office registers resources of this type for everybody to read.
pub fn is_directory(resource_type: ResourceType) -> bool {
    resource_type == ResourceType::ORGANIZATION || is_definition(resource_type)
}

/// Whether resources of this type define what searches may ask: they are taken up while the gateway runs.
pub fn is_definition(resource_type: ResourceType) -> bool {
    [ResourceType::CODE_SYSTEM, ResourceType::SEARCH_PARAMETER, ResourceType::VALUE_SET].contains(&resource_type)
}

const AUDIT: ResourceType = ResourceType::AUDIT_EVENT;

fn is_kept_by_office(resource_type: ResourceType) -> bool {
    resource_type == ResourceType::CONSENT || is_directory(resource_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(role: Role) -> Caller {
        let facilities = if role == Role::Source { vec![FacilityCode::parse("0119999901")] } else { Vec::new() };
        Caller { client: "c".into(), organization: "Organization/o".into(), role, facilities }
    }

    #[test]
    fn nobody_grants_consent_to_itself_and_the_office_reads_nothing_clinical() {
        use Action::{Read, Write};
        let table = [
            (ResourceType::OBSERVATION, [true, false], [true, false], [false, false]),
            (ResourceType::PATIENT, [true, false], [true, false], [false, false]),
            (ResourceType::CONSENT, [false, false], [false, false], [true, true]),
            (ResourceType::ORGANIZATION, [true, false], [true, false], [true, true]),
            (ResourceType::SEARCH_PARAMETER, [true, false], [true, false], [true, true]),
            (ResourceType::VALUE_SET, [true, false], [true, false], [true, true]),
            (ResourceType::CODE_SYSTEM, [true, false], [true, false], [true, true]),
            (ResourceType::AUDIT_EVENT, [false, false], [false, false], [true, false]),
        ];
        for (resource_type, care, source, office) in table {
            for (role, expected) in [(Role::Care, care), (Role::Source, source), (Role::Office, office)] {
                let may = [Read, Write].map(|action| caller(role).may(action, resource_type).is_ok());
                assert_eq!(may, expected, "{role:?} {resource_type:?}");
            }
        }
    }

    #[test]
    fn only_a_source_pushes_and_only_its_own() {
        let own = FacilityCode::parse("0119999901");
        assert_eq!(caller(Role::Source).may_push(&own), Ok(()));
        assert_eq!(caller(Role::Source).may_push(&FacilityCode::parse("0119999902")), Err(Denied::Role));
        assert_eq!(caller(Role::Source).may_push(&FacilityCode::unstated()), Err(Denied::Role));
        let mut care = caller(Role::Care);
        care.facilities = vec![own.clone()];
        assert_eq!(care.may_push(&own), Err(Denied::Role));
    }
}
