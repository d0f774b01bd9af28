//! Who takes part: AssignedAuthor, AssignedEntity and their like (CDA R2 section 4.2.2) to Practitioner, Organization,
//! PractitionerRole and Device; RelatedEntity and AssociatedEntity to RelatedPerson. Copies inside the patient's record,
//! as those of HL7 v2 messages are.

use super::account::Account;
use super::datatype::{ad, cd, en, ii, ivl_ts, no_text, tel};
use super::node::{self, Node, attribute, child, children, descend, null_flavor};
use crate::fhir::{FacilityCode, ResourceType, Writer, system};
use crate::map::Output;

const ROLE_CLASS: &str = "http://terminology.hl7.org/CodeSystem/v3-RoleClass";
/// The code system of specialties that US documents use.
const NUCC: &str = "2.16.840.1.113883.6.101";
/// 都道府県番号, 点数表番号, 医療機関コード: together the ten digits.
const INSTITUTION_PARTS: [&str; 3] = ["1.2.392.100495.20.3.21", "1.2.392.100495.20.3.22", "1.2.392.100495.20.3.23"];
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
    let organizations = ["representedOrganization", "receivedOrganization"];
    let organization = organizations.iter().find_map(|name| account.enter(node, name));
    let organization = organization.and_then(|organization| self::organization(organization, account, out));
    if let Some(device) = account.enter(node, "assignedAuthoringDevice") {
        let person = Some(self::device(node, device, organization.as_deref(), account, out));
        return Party { person, organization };
    }
    if is_patient(node) {
        for name in ["id", "addr", "telecom", "code", "assignedPerson", "informationRecipient"] {
            account.take_all(node, name).for_each(drop);
        }
        return Party { person: Some(out.patient.reference()), organization };
    }
    let person = ["assignedPerson", "informationRecipient"].iter().find_map(|name| account.enter(node, name));
    if person.is_none() && organization.is_some() && ii::key(node).is_none() {
        // Nobody but the house; how it is reached is the house's own.
        return Party { person: None, organization };
    }
    let person = practitioner(node, person, account, out);
    if let Some(person) = &person {
        role(node, person, organization.as_deref(), account, out);
    }
    Party { person, organization }
}

/// A related or associated entity: a relative of the patient, or somebody at work.
pub(super) fn related(node: Node<'_>, account: &Account, out: &mut Output) -> Party {
    let class = attribute(node, "classCode");
    let organization = account.enter(node, "scopingOrganization");
    let organization = organization.and_then(|organization| self::organization(organization, account, out));
    let person = ["relatedPerson", "associatedPerson"].iter().find_map(|name| account.enter(node, name));
    if is_patient(node) {
        for name in ["id", "addr", "telecom", "code", "relatedPerson", "associatedPerson"] {
            account.take_all(node, name).for_each(drop);
        }
        return Party { person: Some(out.patient.reference()), organization };
    }
    let Some(person) = person else { return Party { person: None, organization } };
    if !PERSONAL.contains(&class) && node.has_tag_name(("urn:hl7-org:v3", "associatedEntity")) {
        let practitioner = practitioner(node, Some(person), account, out);
        if let Some(practitioner) = &practitioner {
            role(node, practitioner, organization.as_deref(), account, out);
        }
        return Party { person: practitioner, organization };
    }
    Party { person: Some(related_person(node, person, account, out)), organization }
}

/// Whether the role's code says so, or one of the ids is one of the patient's own.
fn is_patient(node: Node<'_>) -> bool {
    if child(node, "code").is_some_and(|code| matches!(attribute(code, "code"), "ONESELF" | "SELF")) {
        return true;
    }
    let root = node.document().root_element();
    let Some(patient) = descend(root, &["recordTarget", "patientRole"]) else { return false };
    let own: Vec<String> = children(patient, "id").take(IDS_MAX).filter_map(ii::key_of).collect();
    children(node, "id").take(IDS_MAX).filter_map(ii::key_of).any(|key| own.contains(&key))
}

fn practitioner(node: Node<'_>, person: Option<Node<'_>>, account: &Account, out: &mut Output) -> Option<String> {
    let name = person.map(en::person).unwrap_or_default();
    let key = match ii::key(node) {
        // A bare root is the system without the number.
        Some(key) if key.ends_with('^') => format!("{key}{name}"),
        Some(key) => staff_number(node, out).unwrap_or(key),
        None if name.is_empty() => return None,
        None => name_key(person, &name),
    };
    let mut w = Writer::new();
    account.take_all(node, "id").for_each(drop);
    ii::identifiers(&mut w, node, out);
    if let Some(person) = person {
        account.take_all(person, "name").for_each(drop);
        en::names(&mut w, person, out);
    }
    contact(&mut w, node, account, out);
    let id = out.id(ResourceType::PRACTITIONER, &key);
    Some(out.put_weak(ResourceType::PRACTITIONER, id, w))
}

/// The key that HL7 v2 messages give a person without a number.
fn name_key(person: Option<Node<'_>>, name: &str) -> String {
    let part = |part: &str| person.and_then(|p| descend(p, &["name", part])).map(node::text).unwrap_or_default();
    match (part("family"), part("given")) {
        (family, given) if family.is_empty() && given.is_empty() => format!("name:{name}"),
        (family, given) => format!("name:{family}:{given}"),
    }
}

/// A number of the facility's own staff is the key that HL7 v2 messages of the facility give the same person.
fn staff_number(node: Node<'_>, out: &Output) -> Option<String> {
    let own = out.facility.staff_number_system();
    let is_own = |id: &Node<'_>| own.strip_prefix("urn:oid:") == Some(attribute(*id, "root"));
    let number = children(node, "id").find(is_own).map(|id| attribute(id, "extension"))?;
    (!number.is_empty()).then(|| number.to_owned())
}

/// What the person does there, where the document says it.
fn role(node: Node<'_>, person: &str, organization: Option<&str>, account: &Account, out: &mut Output) {
    let code = account.take(node, "code").filter(|code| cd::is_stated(*code));
    if code.is_none() && organization.is_none() {
        return;
    }
    let mut w = Writer::new();
    w.reference("practitioner", person);
    w.reference("organization", organization.unwrap_or_default());
    let is_specialty = code.is_some_and(|code| attribute(code, "codeSystem") == NUCC);
    w.array(if is_specialty { "specialty" } else { "code" }, |w| {
        if let Some(code) = code {
            cd::concept_item(w, code, &no_text, out);
        }
    });
    let code = code.map(|code| attribute(code, "code")).unwrap_or_default();
    let key = format!("{person} {} {code}", organization.unwrap_or_default());
    let id = out.id(ResourceType::PRACTITIONER_ROLE, &key);
    out.put_weak(ResourceType::PRACTITIONER_ROLE, id, w);
}

fn device(node: Node<'_>, device: Node<'_>, owner: Option<&str>, account: &Account, out: &mut Output) -> String {
    let model = en::plain(account.take(device, "manufacturerModelName"));
    let software = en::plain(account.take(device, "softwareName"));
    let mut w = Writer::new();
    account.take_all(node, "id").for_each(drop);
    ii::identifiers(&mut w, node, out);
    w.array("deviceName", |w| {
        for (name, kind) in [(&model, "model-name"), (&software, "other")] {
            w.item(|w| {
                w.string("name", name);
                if !name.is_empty() {
                    w.string("type", kind);
                }
            });
        }
    });
    let code = account.take(device, "code").or_else(|| account.take(node, "code"));
    cd::concept(&mut w, "type", code, &no_text, out);
    w.reference("owner", owner.unwrap_or_default());
    account.take_all(node, "telecom").for_each(drop);
    w.array("contact", |w| {
        for telecom in children(node, "telecom") {
            w.item(|w| tel::contact_point(w, telecom, out));
        }
    });
    let key = ii::key(node).unwrap_or_default();
    let id = out.id(ResourceType::DEVICE, &format!("{key} {model} {software}"));
    out.put_weak(ResourceType::DEVICE, id, w)
}

fn related_person(node: Node<'_>, person: Node<'_>, account: &Account, out: &mut Output) -> String {
    let mut w = Writer::new();
    account.take_all(node, "id").for_each(drop);
    ii::identifiers(&mut w, node, out);
    out.subject(&mut w, "patient");
    let code = account.take(node, "code").filter(|code| cd::is_stated(*code));
    let class = attribute(node, "classCode");
    w.array("relationship", |w| {
        if let Some(code) = code {
            cd::concept_item(w, code, &no_text, out);
        }
        if PERSONAL.contains(&class) && class != "PRS" {
            w.item(|w| w.array("coding", |w| w.coding_item(ROLE_CLASS, class, "")));
        }
    });
    account.take_all(person, "name").for_each(drop);
    en::names(&mut w, person, out);
    contact(&mut w, node, account, out);
    ivl_ts::period(&mut w, "period", account.take(node, "effectiveTime"), out);
    let key = ii::key(node).unwrap_or_else(|| format!("name:{}", en::person(person)));
    let id = out.id(ResourceType::RELATED_PERSON, &key);
    out.put_weak(ResourceType::RELATED_PERSON, id, w)
}

/// An organisation; `None` when nothing tells which.
pub(super) fn organization(node: Node<'_>, account: &Account, out: &mut Output) -> Option<String> {
    account.take_all(node, "id").for_each(drop);
    let names: Vec<String> =
        account.take_all(node, "name").map(|name| en::plain(Some(name))).filter(|name| !name.is_empty()).collect();
    let part = account.enter(node, "asOrganizationPartOf").and_then(|part| account.enter(part, "wholeOrganization"));
    let part = part.and_then(|whole| organization(whole, account, out));
    let institution = institution_number(node);
    let key = match institution.clone().or_else(|| ii::key(node)) {
        Some(key) => key,
        None => format!("name:{}", names.first().or(part.as_ref())?),
    };
    let mut w = Writer::new();
    w.array("identifier", |w| {
        w.item(|w| {
            if let Some(number) = &institution {
                w.string("system", system::INSTITUTION_NUMBER);
                w.string("value", number);
            }
        });
        ii::identifier_items(w, node, out);
    });
    w.array("type", |w| {
        if let Some(code) = account.take(node, "standardIndustryClassCode") {
            cd::concept_item(w, code, &no_text, out);
        }
    });
    w.string("name", names.first().map(String::as_str).unwrap_or_default());
    w.array("alias", |w| names.iter().skip(1).for_each(|name| w.item_string(name)));
    contact(&mut w, node, account, out);
    w.reference("partOf", part.as_deref().unwrap_or_default());
    let id = out.id(ResourceType::ORGANIZATION, &key);
    Some(out.put_weak(ResourceType::ORGANIZATION, id, w))
}

/// The ten digits of a 保険医療機関番号 that is sent in its three parts.
fn institution_number(node: Node<'_>) -> Option<String> {
    let part = |root: &&str| {
        let id = children(node, "id").find(|id| null_flavor(*id).is_none() && attribute(*id, "root") == *root)?;
        Some(attribute(id, "extension").to_owned())
    };
    let number: String = INSTITUTION_PARTS.iter().map(part).collect::<Option<Vec<_>>>()?.concat();
    FacilityCode::parse(&number).is_insurance_institution().then_some(number)
}

fn contact(w: &mut Writer, node: Node<'_>, account: &Account, out: &mut Output) {
    account.take_all(node, "telecom").for_each(drop);
    account.take_all(node, "addr").for_each(drop);
    tel::telecoms(w, node, out);
    ad::addresses(w, node, out);
}
