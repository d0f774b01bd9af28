//! Who takes part (CDA R2 sections 4.3.4 and 4.3.5): authors, performers, places and devices as resources of the patient's
//! own record, so that what a hidden statement says about a doctor becomes visible nowhere else.

use super::Cx;
use crate::fhir::{FacilityCode, ResourceType, Writer, system};
use crate::map::Output;
use crate::map::cda::datatype::{ad, cd, en, ii, no_text, tel, ts};
use crate::map::cda::node::{self, Node, attribute, child, child_attribute, children, descend, null_flavor};

/// The code system of specialties that US documents use.
const NUCC: &str = "2.16.840.1.113883.6.101";

/// 都道府県番号, 点数表番号, 医療機関コード: together the ten digits of a 保険医療機関番号.
const INSTITUTION_PARTS: [&str; 3] = ["1.2.392.100495.20.3.21", "1.2.392.100495.20.3.22", "1.2.392.100495.20.3.23"];
/// Classes of roles that say more of a relation than its code (HL7 v3 RoleClass).
const RELATIONS: [&str; 6] = ["NOK", "ECON", "CAREGIVER", "GUARD", "GUAR", "AGNT"];
const ROLE_CLASS: &str = "http://terminology.hl7.org/CodeSystem/v3-RoleClass";

/// The authors of a statement: its own, else those of what is around it.
#[derive(Clone, Debug, Default)]
pub(super) struct Authors {
    /// The latest author, `Type/id`.
    pub(super) last: Option<String>,
    /// The earliest time of an author.
    pub(super) earliest: Option<String>,
    /// The latest time of an author.
    pub(super) latest: Option<String>,
    /// Whether the statement names its authors itself.
    pub(super) is_own: bool,
}

impl Authors {
    /// The latest author, when it is one of these types.
    pub(super) fn of_types(&self, types: &[&str]) -> Option<&str> {
        self.last.as_deref().filter(|reference| is_of(reference, types))
    }

    /// Who may have written a note.
    fn may_annotate(&self) -> Option<&str> {
        self.of_types(&["Practitioner", "Patient", "RelatedPerson", "Organization"])
    }

    /// The author as Annotation.author; it cannot be a role or a device.
    pub(super) fn annotator(&self) -> Option<&str> {
        self.may_annotate()
    }

    /// Writes who recorded it, as member `name`; a device cannot.
    pub(super) fn recorder(&self, w: &mut Writer, name: &str) {
        let types = ["Practitioner", "PractitionerRole", "Patient", "RelatedPerson"];
        w.reference(name, self.of_types(&types).unwrap_or_default());
    }
}

/// Whether a reference is to one of these types.
pub(super) fn is_of(reference: &str, types: &[&str]) -> bool {
    reference.split_once('/').is_some_and(|(name, _)| types.contains(&name))
}

/// Reads the authors of a statement.
pub(super) fn authors(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Authors {
    let mut authors = Authors::default();
    for author in children(node, "author") {
        let reference = child(author, "assignedAuthor").and_then(|assigned| assigned_entity(assigned, out));
        let time = child(author, "time");
        let time = time.and_then(|time| ts::date_time(child(time, "low").unwrap_or(time), out));
        if time.is_some() && authors.earliest.as_ref().is_none_or(|earliest| time.as_ref() < Some(earliest)) {
            authors.earliest.clone_from(&time);
        }
        let is_later = authors.latest.is_none() || time > authors.latest;
        if reference.is_some() && (authors.last.is_none() || is_later) {
            authors.last = reference;
        }
        if time > authors.latest {
            authors.latest = time;
        }
        authors.is_own = true;
    }
    if authors.last.is_none() {
        authors.last = cx.author.map(str::to_owned);
    }
    authors
}

/// Everyone a statement names as performer: the reference, and the participation it stands in.
pub(super) fn performers<'a>(node: Node<'a>, out: &mut Output) -> Vec<(String, Node<'a>)> {
    let entity = |performer: Node<'a>| child(performer, "assignedEntity");
    let mut found = Vec::new();
    for performer in children(node, "performer") {
        if let Some(reference) = entity(performer).and_then(|assigned| assigned_entity(assigned, out)) {
            found.push((reference, performer));
        }
    }
    found
}

/// A person, device or organisation in an assigned role (assignedAuthor, assignedEntity, intendedRecipient …), as
/// `Type/id`: a PractitionerRole where person and organisation are both named, else what is named alone.
pub(in crate::map::cda) fn assigned_entity(assigned: Node<'_>, out: &mut Output) -> Option<String> {
    let is_patient = child_attribute(assigned, "code", "code") == "ONESELF";
    if is_patient {
        return Some(out.patient.reference());
    }
    let organization = ["representedOrganization", "scopingOrganization", "receivedOrganization"];
    let organization = organization.iter().find_map(|name| child(assigned, name));
    if let Some(authoring) = child(assigned, "assignedAuthoringDevice") {
        let owner = organization.and_then(|o| self::organization(o, None, out));
        return Some(authoring_device(assigned, authoring, owner.as_deref(), out));
    }
    let persons = ["assignedPerson", "informationRecipient", "associatedPerson", "relatedPerson"];
    let person = persons.iter().find_map(|name| child(assigned, name));
    let is_named = person.is_some_and(|person| !en::person(person).is_empty());
    let has_id = ii::key(assigned).is_some();
    if !is_named && let Some(organization) = organization {
        let own = if has_id && ii::key(organization).is_none() { Some(assigned) } else { None };
        let found = self::organization(organization, own, out);
        if found.is_some() && (person.is_none() || !has_id) {
            return found;
        }
    }
    if !is_named && !has_id {
        return None;
    }
    let organization = organization.and_then(|o| self::organization(o, None, out));
    let practitioner = practitioner(assigned, person, organization.is_none(), out);
    match organization {
        None => Some(practitioner),
        Some(organization) => Some(practitioner_role(assigned, &practitioner, &organization, out)),
    }
}

/// An assigned person, as `Practitioner/id`; what the role is called stands here only where no house is named for it.
pub(in crate::map::cda) fn practitioner(
    assigned: Node<'_>,
    person: Option<Node<'_>>,
    is_alone: bool,
    out: &mut Output,
) -> String {
    let mut w = Writer::new();
    ii::identifiers(&mut w, assigned, out);
    if let Some(person) = person {
        en::names(&mut w, person, out);
    }
    tel::telecoms(&mut w, assigned, out);
    ad::addresses(&mut w, assigned, out);
    w.array("qualification", |w| {
        if let Some(code) = child(assigned, "code").filter(|code| is_alone && cd::is_stated(*code)) {
            w.item(|w| cd::concept(w, "code", Some(code), &no_text, out));
        }
    });
    let id = out.id(ResourceType::PRACTITIONER, &person_key(assigned, person, out));
    out.put_weak(ResourceType::PRACTITIONER, id, w)
}

/// The number alone where it is one of this facility's staff numbers, so that HL7 v2 messages and documents speak of the
/// same Practitioner.
fn person_key(assigned: Node<'_>, person: Option<Node<'_>>, out: &Output) -> String {
    let staff = out.facility.staff_number_system();
    let is_staff = |id: &Node<'_>| staff.strip_prefix("urn:oid:") == Some(attribute(*id, "root"));
    let number = children(assigned, "id").find(is_staff).map(|id| attribute(id, "extension"));
    if let Some(number) = number.filter(|number| !number.is_empty()) {
        return number.to_owned();
    }
    // A bare root may be the system without the number: the name tells apart who is under it.
    if let Some(key) = ii::key(assigned).filter(|key| key.ends_with('^')) {
        return format!("{key}{}", person.map(en::person).unwrap_or_default());
    }
    ii::key(assigned).unwrap_or_else(|| {
        let name = |part: &str| person.and_then(|p| descend(p, &["name", part])).map(node::text).unwrap_or_default();
        match (name("family"), name("given")) {
            (family, given) if family.is_empty() && given.is_empty() => {
                format!("name:{}", person.map(en::person).unwrap_or_default())
            }
            (family, given) => format!("name:{family}:{given}"),
        }
    })
}

/// What a person does in a house, as `PractitionerRole/id`.
pub(in crate::map::cda) fn practitioner_role(
    assigned: Node<'_>,
    practitioner: &str,
    organization: &str,
    out: &mut Output,
) -> String {
    let code = child(assigned, "code").filter(|code| cd::is_stated(*code));
    let is_specialty = code.is_some_and(|code| attribute(code, "codeSystem") == NUCC);
    let mut w = Writer::new();
    w.reference("practitioner", practitioner);
    w.reference("organization", organization);
    w.array(if is_specialty { "specialty" } else { "code" }, |w| {
        if let Some(code) = code {
            cd::concept_item(w, code, &no_text, out);
        }
    });
    let key = format!("{practitioner}@{organization}");
    let id = out.id(ResourceType::PRACTITIONER_ROLE, &key);
    out.put_weak(ResourceType::PRACTITIONER_ROLE, id, w)
}

/// An organisation, as `Organization/id`; `role` is the role whose ids it has where it has none of its own.
pub(in crate::map::cda) fn organization(node: Node<'_>, role: Option<Node<'_>>, out: &mut Output) -> Option<String> {
    let name = en::plain(child(node, "name").or_else(|| child(node, "desc")));
    let ids = if ii::key(node).is_none() { role.unwrap_or(node) } else { node };
    let institution = institution_number(ids);
    let key = institution.clone().or_else(|| ii::key(ids));
    let key = key.or_else(|| (!name.is_empty()).then(|| format!("name:{name}")))?;
    let whole = descend(node, &["asOrganizationPartOf", "wholeOrganization"]);
    let whole = whole.and_then(|whole| plain_organization(whole, out));
    let mut w = Writer::new();
    w.array("identifier", |w| {
        if let Some(number) = &institution {
            w.item(|w| {
                w.string("system", system::INSTITUTION_NUMBER);
                w.string("value", number);
            });
        }
        ii::identifier_items(w, ids, out);
    });
    w.array("type", |w| {
        if let Some(code) = child(node, "standardIndustryClassCode").filter(|code| cd::is_stated(*code)) {
            cd::concept_item(w, code, &no_text, out);
        }
    });
    w.string("name", &name);
    w.array("alias", |w| {
        children(node, "name").skip(1).for_each(|name| w.item_string(&en::plain(Some(name))));
    });
    tel::telecoms(&mut w, node, out);
    ad::addresses(&mut w, node, out);
    w.reference("partOf", whole.as_deref().unwrap_or_default());
    let id = out.id(ResourceType::ORGANIZATION, &key);
    Some(out.put_weak(ResourceType::ORGANIZATION, id, w))
}

/// The ten digits of a 保険医療機関番号 that is sent in its three parts.
fn institution_number(node: Node<'_>) -> Option<String> {
    let part = |root: &&str| {
        let id = children(node, "id").find(|id| null_flavor(*id).is_none() && attribute(*id, "root") == *root)?;
        Some(attribute(id, "extension"))
    };
    let number: String = INSTITUTION_PARTS.iter().map(part).collect::<Option<Vec<_>>>()?.concat();
    FacilityCode::parse(&number).is_insurance_institution().then_some(number)
}

/// The organisation another is part of; what that is part of is left to it.
fn plain_organization(node: Node<'_>, out: &mut Output) -> Option<String> {
    let name = en::plain(child(node, "name"));
    let key = ii::key(node).or_else(|| (!name.is_empty()).then(|| format!("name:{name}")))?;
    let mut w = Writer::new();
    ii::identifiers(&mut w, node, out);
    w.string("name", &name);
    tel::telecoms(&mut w, node, out);
    ad::addresses(&mut w, node, out);
    let id = out.id(ResourceType::ORGANIZATION, &key);
    Some(out.put_weak(ResourceType::ORGANIZATION, id, w))
}

/// The program that wrote something, as `Device/id`.
pub(in crate::map::cda) fn authoring_device(
    assigned: Node<'_>,
    device: Node<'_>,
    owner: Option<&str>,
    out: &mut Output,
) -> String {
    let model = en::plain(child(device, "manufacturerModelName"));
    let software = en::plain(child(device, "softwareName"));
    let mut w = Writer::new();
    ii::identifiers(&mut w, assigned, out);
    w.array("deviceName", |w| {
        for (name, kind) in [(&model, "model-name"), (&software, "other")] {
            w.item(|w| {
                if !name.is_empty() {
                    w.string("name", name);
                    w.string("type", kind);
                }
            });
        }
    });
    if let Some(code) = child(device, "code").or_else(|| child(assigned, "code")).filter(|code| cd::is_stated(*code)) {
        cd::concept(&mut w, "type", Some(code), &no_text, out);
    }
    w.reference("owner", owner.unwrap_or_default());
    w.array("contact", |w| {
        for telecom in children(assigned, "telecom") {
            w.item(|w| tel::contact_point(w, telecom, out));
        }
    });
    // A bare root may be the system without the number.
    let key = ii::key(assigned).filter(|key| !key.ends_with('^'));
    let key = key.unwrap_or_else(|| format!("name:{model}:{software}"));
    let id = out.id(ResourceType::DEVICE, &key);
    out.put_weak(ResourceType::DEVICE, id, w)
}

/// A place: `participantRole` of class SDLOC, or `healthCareFacility`; as `Location/id`.
pub(in crate::map::cda) fn location(role: Node<'_>, out: &mut Output) -> Option<String> {
    let place = ["playingEntity", "location"].iter().find_map(|name| child(role, name));
    let name = en::plain(place.and_then(|place| child(place, "name")));
    let code = child(role, "code").filter(|code| cd::is_stated(*code));
    let address = child(role, "addr").or_else(|| place.and_then(|place| child(place, "addr")));
    let shown = code.map(|code| cd::text_of(code, &no_text)).unwrap_or_default();
    let described =
        if name.is_empty() { format!("{shown}{}", address.map(node::text).unwrap_or_default()) } else { name.clone() };
    let key = ii::key(role).or_else(|| (!described.is_empty()).then(|| format!("name:{described}")))?;
    let organization = ["scopingEntity", "serviceProviderOrganization"].iter().find_map(|name| child(role, name));
    let organization = organization.and_then(|organization| self::organization(organization, None, out));
    let mut w = Writer::new();
    ii::identifiers(&mut w, role, out);
    w.string("name", if name.is_empty() { &shown } else { &name });
    w.array("type", |w| {
        if let Some(code) = code {
            cd::concept_item(w, code, &no_text, out);
        }
    });
    tel::telecoms(&mut w, role, out);
    if let Some(address) = address {
        w.object("address", |w| ad::address(w, address, out));
    }
    w.reference("managingOrganization", organization.as_deref().unwrap_or_default());
    let id = out.id(ResourceType::LOCATION, &key);
    Some(out.put_weak(ResourceType::LOCATION, id, w))
}

/// The first place a statement names (participant LOC).
pub(super) fn place(node: Node<'_>, out: &mut Output) -> Option<String> {
    let at = children(node, "participant").filter(|p| attribute(*p, "typeCode") == "LOC");
    let role = at.filter_map(|p| child(p, "participantRole")).next()?;
    location(role, out)
}

/// A person related to the patient (relatedEntity, or a participantRole with a person), as `RelatedPerson/id`.
pub(in crate::map::cda) fn related_person(role: Node<'_>, out: &mut Output) -> Option<String> {
    let persons = ["relatedPerson", "associatedPerson", "playingEntity", "guardianPerson", "subject"];
    let person = persons.iter().find_map(|name| child(role, name));
    let name = person.map(en::person).unwrap_or_default();
    let code = child(role, "code").filter(|code| cd::is_stated(*code));
    let relation = code.map(|code| attribute(code, "code")).unwrap_or_default();
    let key = ii::key(role).or_else(|| (!name.is_empty()).then(|| format!("name:{name}:{relation}")))?;
    let mut w = Writer::new();
    ii::identifiers(&mut w, role, out);
    out.subject(&mut w, "patient");
    w.array("relationship", |w| {
        if let Some(code) = code {
            cd::concept_item(w, code, &no_text, out);
        }
        if let Some(class) = RELATIONS.iter().find(|class| **class == attribute(role, "classCode")) {
            w.item(|w| w.array("coding", |w| w.coding_item(ROLE_CLASS, class, "")));
        }
    });
    if let Some(person) = person {
        en::names(&mut w, person, out);
    }
    tel::telecoms(&mut w, role, out);
    ad::addresses(&mut w, role, out);
    let id = out.id(ResourceType::RELATED_PERSON, &key);
    Some(out.put_weak(ResourceType::RELATED_PERSON, id, w))
}

/// Who told of it (`informant`): a professional, or somebody related to the patient.
pub(super) fn informant(node: Node<'_>, out: &mut Output) -> Option<String> {
    let informant = child(node, "informant")?;
    if let Some(assigned) = child(informant, "assignedEntity") {
        return assigned_entity(assigned, out);
    }
    let related = child(informant, "relatedEntity")?;
    if attribute(related, "classCode") == "SELF" || child_attribute(related, "code", "code") == "ONESELF" {
        return Some(out.patient.reference());
    }
    related_person(related, out)
}

/// The specimen of a statement, as `Specimen/id`.
pub(super) fn specimen(node: Node<'_>, collected: Option<&str>, cx: Cx<'_>, out: &mut Output) -> Option<String> {
    let role = descend(node, &["specimen", "specimenRole"])?;
    let entity = child(role, "specimenPlayingEntity");
    let code = entity.and_then(|entity| child(entity, "code")).filter(|code| cd::is_stated(*code));
    let shown = code.map(|code| super::identity::code_or_text(code, cx)).unwrap_or_default();
    let key = ii::key(role).or_else(|| {
        let owner = ii::key(node)?;
        (!shown.is_empty()).then(|| format!("{owner}/{shown}"))
    });
    let key = key.or_else(|| (!shown.is_empty()).then(|| format!("{shown}/{}", super::identity::when(node))))?;
    let mut w = Writer::new();
    ii::identifiers(&mut w, role, out);
    cd::concept(&mut w, "type", code, cx.within.text, out);
    out.subject(&mut w, "subject");
    w.object("collection", |w| {
        w.string("collectedDateTime", collected.unwrap_or_default());
        if let Some(site) = child(node, "targetSiteCode").filter(|site| cd::is_stated(*site)) {
            cd::concept(w, "bodySite", Some(site), cx.within.text, out);
        }
    });
    w.array("note", |w| {
        let description = entity.and_then(|entity| child(entity, "desc")).map(node::text).unwrap_or_default();
        w.item(|w| w.string("text", &description));
    });
    let id = out.id(ResourceType::SPECIMEN, &key);
    Some(out.put_weak(ResourceType::SPECIMEN, id, w))
}
