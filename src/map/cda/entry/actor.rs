//! Who takes part (CDA R2 sections 4.3.4 and 4.3.5): authors, performers, places and devices as resources of the patient's
//! own record, so that what a hidden statement says about a doctor becomes visible nowhere else.

use super::Cx;
use crate::fhir::{ResourceType, Writer};
use crate::map::Output;
use crate::map::cda::account::Account;
use crate::map::cda::datatype::{ad, cd, en, ii, no_text, tel, ts};
use crate::map::cda::node::{self, Node, attribute, child, child_attribute, children, descend};
use crate::map::cda::party;

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

/// A person, device or organisation in an assigned role (assignedAuthor, assignedEntity …), as `Type/id`: the person, else
/// the house.
pub(super) fn assigned_entity(assigned: Node<'_>, out: &mut Output) -> Option<String> {
    let words = assigned.document().input_text().get(assigned.range()).unwrap_or_default();
    if let Some(known) = out.stated.party(words) {
        return known.clone();
    }
    let party = first_told(assigned, out);
    out.stated.remember_party(words, &party);
    party
}

fn first_told(assigned: Node<'_>, out: &mut Output) -> Option<String> {
    if child_attribute(assigned, "code", "code") == "ONESELF" {
        return Some(out.patient.reference());
    }
    let is_somebody =
        child(assigned, "assignedPerson").is_some() || child(assigned, "assignedAuthoringDevice").is_some();
    if let Some(organization) = child(assigned, "representedOrganization").filter(|_| !is_somebody) {
        // A bare id beside a house is a desk of the house.
        return self::organization(organization, Some(assigned), out);
    }
    party::assigned(assigned, &Account::elsewhere(), out).first().map(str::to_owned)
}

/// An organisation, as `Organization/id`; `role` is the role whose ids it has where it has none of its own.
pub(super) fn organization(node: Node<'_>, role: Option<Node<'_>>, out: &mut Output) -> Option<String> {
    if let Some(organization) = party::organization(node, &Account::elsewhere(), out) {
        return Some(organization);
    }
    // An entity that plays a role may have a description in place of a name, and the role's ids.
    let name = en::plain(child(node, "name").or_else(|| child(node, "desc")));
    let ids = role.unwrap_or(node);
    let key = ii::key(ids).or_else(|| (!name.is_empty()).then(|| format!("name:{name}")))?;
    let mut w = Writer::new();
    ii::identifiers(&mut w, ids, out);
    w.string("name", &name);
    tel::telecoms(&mut w, ids, out);
    ad::addresses(&mut w, ids, out);
    let id = out.id(ResourceType::ORGANIZATION, &key);
    Some(out.put_weak(ResourceType::ORGANIZATION, id, w))
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

/// A person or an organisation in the role of a participant (participantRole), at work rather than near the patient.
pub(super) fn participant(role: Node<'_>, out: &mut Output) -> Option<String> {
    let entity = child(role, "playingEntity");
    let named = entity.and_then(|entity| child(entity, "name"));
    let is_person = named.is_some_and(|name| child(name, "family").is_some() || child(name, "given").is_some());
    let organization = child(role, "scopingEntity").or(entity.filter(|_| !is_person));
    let Some(person) = entity.filter(|_| is_person) else {
        return match organization {
            Some(organization) => self::organization(organization, Some(role), out),
            None => assigned_entity(role, out),
        };
    };
    let key = ii::key(role).unwrap_or_else(|| format!("name:{}", en::person(person)));
    let mut w = Writer::new();
    ii::identifiers(&mut w, role, out);
    en::names(&mut w, person, out);
    tel::telecoms(&mut w, role, out);
    ad::addresses(&mut w, role, out);
    w.array("qualification", |w| {
        if let Some(code) = child(role, "code").filter(|code| cd::is_stated(*code)) {
            w.item(|w| cd::concept(w, "code", Some(code), &no_text, out));
        }
    });
    let id = out.id(ResourceType::PRACTITIONER, &key);
    Some(out.put_weak(ResourceType::PRACTITIONER, id, w))
}

/// The same, of these types only; others are reported.
pub(super) fn performers_of(node: Node<'_>, types: &[&str], out: &mut Output) -> Vec<String> {
    let mut found = Vec::new();
    for (reference, performer) in performers(node, out) {
        match is_of(&reference, types) {
            true => found.push(reference),
            false => super::account::unmapped(performer, out),
        }
    }
    found
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
    let key = ii::key(role).or_else(|| (!name.is_empty()).then(|| format!("name:{name}")))?;
    let mut w = Writer::new();
    ii::identifiers(&mut w, role, out);
    out.subject(&mut w, "patient");
    w.array("relationship", |w| {
        if let Some(code) = code {
            cd::concept_item(w, code, &no_text, out);
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
