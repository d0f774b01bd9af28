//! Who is calling, once it is known, and what its role includes before any consent is looked at.

use std::borrow::Cow;

use super::asker::{Asker, Teams};
use super::member::MemberKind;
use super::purpose::Purpose;
use super::scope::{Rights, Scope, Scopes};
use crate::fault::Denied;
use crate::fhir::{FacilityCode, ResourceType};
use crate::search::parameters;

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
    /// What its token may be used for at most; the role decides within it.
    pub scopes: Scopes,
    /// The kind of member that its organisation, or the person, is registered as.
    pub kind: Option<MemberKind>,
    /// The person who signed in: `Practitioner/id`.
    pub person: Option<Box<str>>,
    /// The CareTeams and Groups of the directory in which it is a member now.
    pub teams: Teams,
    /// What for, where its token says; what is usual for its role otherwise.
    pub purpose: Option<Purpose>,
    /// With which application, as consents can name one: system and code.
    pub application: Option<(Box<str>, Box<str>)>,
    /// Since when it is a member, milliseconds since 1970; always where it is not stated.
    pub joined: Option<i64>,
    /// Whether it may open a record in an emergency.
    pub may_break_glass: bool,
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
    /// Read, vread, history of one resource, and the operations on one that read.
    Read,
    /// Search, history of a type or the system, and the operations that find.
    Search,
    /// Create over the REST API; of a Bundle, handing in letters.
    Create,
    /// Update and patch.
    Update,
    /// Delete.
    Delete,
}

impl Caller {
    /// A client that acts for an organisation (`Organization/id`), of which no more is known, with a token that bounds nothing.
    pub fn new(client: &str, organization: &str, role: Role) -> Self {
        Caller {
            client: client.to_owned(),
            organization: organization.to_owned(),
            role,
            facilities: Vec::new(),
            scopes: Scopes::UNBOUNDED,
            kind: None,
            person: None,
            teams: Teams::default(),
            purpose: None,
            application: None,
            joined: None,
            may_break_glass: false,
        }
    }

    /// Whoever calls a gateway that was started with `--open`.
    pub fn open() -> Self {
        Caller::new("open", "Organization/open", Role::Open)
    }

    /// Whether the role includes this at all. A caller knows its own role, so this may be answered openly (403);
    /// whether a certain resource may be seen is [`super::Gate`]'s answer and never shows (404).
    pub fn may(&self, action: Action, resource_type: ResourceType) -> Result<(), Denied> {
        match (self.role.includes(action, resource_type), self.scopes.include(action.right(), resource_type)) {
            (false, _) => Err(Denied::Role),
            (true, false) => Err(Denied::Scope),
            (true, true) => Ok(()),
        }
    }

    /// Whether it may write resources of a type in some way.
    pub fn may_write(&self, resource_type: ResourceType) -> Result<(), Denied> {
        let ways = [Action::Create, Action::Update, Action::Delete];
        let may = ways.map(|action| self.may(action, resource_type));
        if may.contains(&Ok(())) { Ok(()) } else { may[0] }
    }

    /// Whether it may hand in letters of this facility.
    pub fn may_push(&self, facility: &FacilityCode) -> Result<(), Denied> {
        if self.sends_for(facility) { self.may_hand_in() } else { Err(Denied::Role) }
    }

    /// Whether its token is good for handing in letters, and for what is told of them: `system/Bundle.c`.
    pub fn may_hand_in(&self) -> Result<(), Denied> {
        if self.scopes.include(Rights::CREATE, ResourceType::BUNDLE) { Ok(()) } else { Err(Denied::Scope) }
    }

    /// Whether it is a sender for this facility, whatever its token is good for.
    pub fn sends_for(&self, facility: &FacilityCode) -> bool {
        self.keeps(facility) || self.role == Role::Open
    }

    /// The scopes that it is granted of those it asks for, each at most as `most` has it; `None` when what it asks for is no
    /// list of scopes.
    pub fn grant(&self, asked: &str, most: &[Scope]) -> Option<Scopes> {
        Scopes::granted(asked, most, |right, of| self.role.grants(right, of))
    }

    /// What for: what its token says, else a care agency to coordinate care, the others to treat.
    pub fn purpose(&self) -> Purpose {
        let usual = if self.role == Role::Care { Purpose::COORDINATION_OF_CARE } else { Purpose::TREATMENT };
        self.purpose.unwrap_or(usual)
    }

    /// Who asks, as consents name it, and what for.
    pub fn asker(&self) -> Asker {
        Asker {
            organization: self.organization.as_str().into(),
            person: self.person.clone(),
            teams: self.teams.clone(),
            kind: self.kind,
            purpose: self.purpose(),
            application: self.application.clone(),
            joined: self.joined,
        }
    }

    /// Whether that is who it is.
    pub fn is_asker(&self, asker: &Asker) -> bool {
        asker.purpose == self.purpose()
            && *asker.organization == *self.organization
            && (asker.kind, asker.joined) == (self.kind, self.joined)
            && asker.person == self.person
            && asker.teams == self.teams
            && asker.application == self.application
    }

    /// The panels on which the patients are whose consents may open something to it.
    pub fn panels(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let kind = self.kind.map(|kind| Cow::Owned(kind_panel(kind)));
        let named = [Cow::Borrowed(&*self.organization), Cow::Borrowed(EVERYBODY)];
        let people = self.person.iter().chain(&self.teams.of).map(|name| Cow::Borrowed(&**name));
        named.into_iter().chain(people).chain(kind)
    }

    /// The panels of the patients whose records stand open to it in an emergency.
    pub fn emergency_panels(&self) -> impl Iterator<Item = String> {
        let named = [Some(&*self.organization), self.person.as_deref()];
        named.into_iter().flatten().map(emergency_panel)
    }

    /// Whether what it writes of a type lies in the directory, or is not written: the office writes Consents in records, and
    /// nothing else.
    pub fn keeps_to_directory(&self, resource_type: ResourceType) -> bool {
        self.role == Role::Office && is_directory(resource_type)
    }

    /// Whether records of this facility are its own.
    pub(super) fn keeps(&self, facility: &FacilityCode) -> bool {
        self.role == Role::Source && !facility.is_unstated() && self.facilities.contains(facility)
    }
}

impl Action {
    /// The letter of a scope that it takes.
    pub fn right(self) -> Rights {
        match self {
            Action::Read => Rights::READ,
            Action::Search => Rights::SEARCH,
            Action::Create => Rights::CREATE,
            Action::Update => Rights::UPDATE,
            Action::Delete => Rights::DELETE,
        }
    }

    fn shows(self) -> bool {
        matches!(self, Action::Read | Action::Search)
    }
}

impl Role {
    /// Whether the role includes this at all, whatever a token is good for.
    pub(super) fn includes(self, action: Action, resource_type: ResourceType) -> bool {
        match self {
            Role::Office if action.shows() => is_kept_by_office(resource_type) || resource_type == AUDIT,
            Role::Office => is_kept_by_office(resource_type),
            Role::Care | Role::Source => {
                action.shows() && resource_type != AUDIT && resource_type != ResourceType::CONSENT
            }
            // The audit record is written by nobody but the gateway.
            Role::Open => action.shows() || resource_type != AUDIT,
        }
    }

    /// Whether a scope with this right, on a type or on all, is of any use to the role.
    fn grants(self, right: Rights, resource_type: Option<ResourceType>) -> bool {
        let actions = [Action::Read, Action::Search, Action::Create, Action::Update, Action::Delete];
        let Some(action) = actions.into_iter().find(|action| action.right() == right) else { return false };
        let hands_in = self == Role::Source && action == Action::Create;
        match resource_type {
            Some(of) => self.includes(action, of) || (hands_in && of == ResourceType::BUNDLE),
            None => hands_in || parameters::types().any(|of| self.includes(action, of)),
        }
    }

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

/// Whether the network office registers resources of this type for everybody to read. Those that lie in a patient's record are
/// that record's all the same: only what lies in the directory is the directory.
pub fn is_directory(resource_type: ResourceType) -> bool {
    DIRECTORY.contains(&resource_type) || is_definition(resource_type)
}

/// Who and where, and by which numbers they are known.
const DIRECTORY: [ResourceType; 9] = [
    ResourceType::CARE_TEAM,
    ResourceType::ENDPOINT,
    ResourceType::GROUP,
    ResourceType::HEALTHCARE_SERVICE,
    ResourceType::LOCATION,
    ResourceType::NAMING_SYSTEM,
    ResourceType::ORGANIZATION,
    ResourceType::PRACTITIONER,
    ResourceType::PRACTITIONER_ROLE,
];

/// Whether resources of this type define what searches may ask, what codes mean and what resources are checked against: they
/// are taken up while the gateway runs.
pub fn is_definition(resource_type: ResourceType) -> bool {
    const DEFINITIONS: [ResourceType; 5] = [
        ResourceType::CODE_SYSTEM,
        ResourceType::CONCEPT_MAP,
        ResourceType::SEARCH_PARAMETER,
        ResourceType::STRUCTURE_DEFINITION,
        ResourceType::VALUE_SET,
    ];
    DEFINITIONS.contains(&resource_type)
}

/// The panel of those whose consents are for every member.
pub const EVERYBODY: &str = "*";

/// The panel of those whose records were opened in an emergency that nobody has reviewed.
pub const TO_REVIEW: &str = "emergency-to-review";

/// The panel of those whom the network's office has registered, whatever their consents say now.
pub const REGISTERED: &str = "registered";

/// The panel of those whose consents are for a kind of member.
pub fn kind_panel(kind: MemberKind) -> String {
    format!("kind:{}", kind.code())
}

/// The panel of those whose records stand open, for a time, to those on the panel of that name.
pub fn emergency_panel(name: &str) -> String {
    format!("emergency:{name}")
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
        Caller { facilities, ..Caller::new("c", "Organization/o", role) }
    }

    #[test]
    fn nobody_grants_consent_to_itself_and_the_office_reads_nothing_clinical() {
        use Action::{Create, Delete, Read, Search, Update};
        let table = [
            (ResourceType::OBSERVATION, [true, false], [true, false], [false, false]),
            (ResourceType::PATIENT, [true, false], [true, false], [false, false]),
            (ResourceType::CONSENT, [false, false], [false, false], [true, true]),
            (ResourceType::ORGANIZATION, [true, false], [true, false], [true, true]),
            (ResourceType::PRACTITIONER, [true, false], [true, false], [true, true]),
            (ResourceType::CARE_TEAM, [true, false], [true, false], [true, true]),
            (ResourceType::NAMING_SYSTEM, [true, false], [true, false], [true, true]),
            (ResourceType::SEARCH_PARAMETER, [true, false], [true, false], [true, true]),
            (ResourceType::VALUE_SET, [true, false], [true, false], [true, true]),
            (ResourceType::CODE_SYSTEM, [true, false], [true, false], [true, true]),
            (ResourceType::AUDIT_EVENT, [false, false], [false, false], [true, false]),
        ];
        for (resource_type, care, source, office) in table {
            for (role, expected) in [(Role::Care, care), (Role::Source, source), (Role::Office, office)] {
                let may = [Read, Search].map(|action| caller(role).may(action, resource_type).is_ok());
                assert_eq!(may, [expected[0]; 2], "{role:?} {resource_type:?}");
                let may = [Create, Update, Delete].map(|action| caller(role).may(action, resource_type).is_ok());
                assert_eq!(may, [expected[1]; 3], "{role:?} {resource_type:?}");
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
