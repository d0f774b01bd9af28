//! Who takes part by the header (CDA R2 section 4.2.2): assigned persons, houses and devices, and persons near the
//! patient. `entry/actor.rs` writes the resources; here each is accounted for, and person and house are told apart.

use super::account::Account;
use super::datatype::{en, ii};
use super::entry::actor;
use super::node::{Node, attribute, child, children, descend, is_named};
use crate::map::Output;

/// Role classes of persons who are near the patient, not at work (HL7 v3 RoleClass).
const PERSONAL: [&str; 8] = ["NOK", "ECON", "PRS", "CAREGIVER", "GUARD", "GUAR", "AGNT", "CON"];
/// Numbers of one person that are compared with those of the patient.
pub(super) const IDS_MAX: usize = 20;

/// Somebody, as references to the resources that say who it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Party {
    /// Practitioner, RelatedPerson, Patient or Device.
    pub(super) person: Option<String>,
    /// For whom the person acts, or who takes part where no person is named.
    pub(super) organization: Option<String>,
}

impl Party {
    /// The person, else the organisation.
    pub(super) fn first(&self) -> Option<&str> {
        self.person.as_deref().or(self.organization.as_deref())
    }

    /// Both, the person first.
    pub(super) fn each(&self) -> impl Iterator<Item = &str> {
        self.person.as_deref().into_iter().chain(self.organization.as_deref())
    }
}

/// An assigned author, entity or intended recipient.
pub(super) fn assigned(node: Node<'_>, account: &Account, out: &mut Output) -> Party {
    let house = ["representedOrganization", "receivedOrganization"].iter().find_map(|name| account.enter(node, name));
    let organization = house.and_then(|house| self::organization(house, account, out));
    if let Some(device) = account.enter(node, "assignedAuthoringDevice") {
        take(device, &["manufacturerModelName", "softwareName", "code"], account);
        take(node, &["id", "code", "telecom"], account);
        let person = Some(actor::authoring_device(node, device, organization.as_deref(), out));
        return Party { person, organization };
    }
    let person = ["assignedPerson", "informationRecipient"].iter().find_map(|name| account.enter(node, name));
    person_of(node, person, organization, account, out)
}

/// A related or associated entity: somebody near the patient, or at work.
pub(super) fn related(node: Node<'_>, account: &Account, out: &mut Output) -> Party {
    let house = account.enter(node, "scopingOrganization");
    let organization = house.and_then(|house| self::organization(house, account, out));
    let person = ["relatedPerson", "associatedPerson"].iter().find_map(|name| account.enter(node, name));
    let is_at_work = is_named(node, "associatedEntity") && !PERSONAL.contains(&attribute(node, "classCode"));
    if is_at_work || is_patient(node) {
        return person_of(node, person, organization, account, out);
    }
    let Some(person) = person else { return Party { person: None, organization } };
    take(node, &["id", "code", "telecom", "addr"], account);
    take(person, &["name"], account);
    Party { person: actor::related_person(node, out), organization }
}

fn person_of(
    node: Node<'_>,
    person: Option<Node<'_>>,
    organization: Option<String>,
    account: &Account,
    out: &mut Output,
) -> Party {
    if is_patient(node) {
        take(node, &["id", "code", "telecom", "addr"], account);
        person.into_iter().for_each(|person| take(person, &["name"], account));
        return Party { person: Some(out.patient.reference()), organization };
    }
    let is_named = person.is_some_and(|person| !en::person(person).is_empty());
    // Nobody but the house; how it is reached is the house's own. Or nobody at all.
    if !is_named && (ii::key(node).is_none() || (person.is_none() && organization.is_some())) {
        return Party { person: None, organization };
    }
    take(node, &["id", "code", "telecom", "addr"], account);
    person.into_iter().for_each(|person| take(person, &["name"], account));
    let practitioner = actor::practitioner(node, person, organization.is_none(), out);
    if let Some(organization) = &organization {
        actor::practitioner_role(node, &practitioner, organization, out);
    }
    Party { person: Some(practitioner), organization }
}

/// Whether it is the patient: by the role's code, or because one of the ids is one of the patient's own.
fn is_patient(node: Node<'_>) -> bool {
    if child(node, "code").is_some_and(|code| matches!(attribute(code, "code"), "ONESELF" | "SELF")) {
        return true;
    }
    let root = node.document().root_element();
    let Some(patient) = descend(root, &["recordTarget", "patientRole"]) else { return false };
    let own: Vec<String> = children(patient, "id").take(IDS_MAX).filter_map(ii::key_of).collect();
    children(node, "id").take(IDS_MAX).filter_map(ii::key_of).any(|key| own.contains(&key))
}

/// An organisation; `None` when nothing tells which.
pub(super) fn organization(node: Node<'_>, account: &Account, out: &mut Output) -> Option<String> {
    let found = actor::organization(node, None, out)?;
    take(node, &["id", "name", "telecom", "addr", "standardIndustryClassCode"], account);
    let part = account.enter(node, "asOrganizationPartOf").and_then(|part| account.enter(part, "wholeOrganization"));
    part.into_iter().for_each(|whole| take(whole, &["id", "name", "telecom", "addr"], account));
    Some(found)
}

/// A place, the organisation that runs it included.
pub(super) fn location(node: Node<'_>, account: &Account, out: &mut Output) -> Option<String> {
    let found = actor::location(node, out)?;
    take(node, &["id", "code"], account);
    account.enter(node, "location").into_iter().for_each(|place| take(place, &["name", "addr"], account));
    Some(found)
}

fn take(node: Node<'_>, names: &[&str], account: &Account) {
    for name in names {
        account.take_all(node, name).for_each(drop);
    }
}
