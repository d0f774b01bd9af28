//! The participations of the header (CDA R2 section 4.2.2): who wrote, entered, told, signs, keeps and receives the
//! document, each with the place it has in a Composition and in a Provenance.

use super::account::Account;
use super::datatype::{cd, ivl_ts::Span, no_text, ts};
use super::node::{Node, attribute};
use super::party::{self, Party};
use crate::fhir::Writer;
use crate::map::Output;

/// In which way somebody takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Author,
    Enterer,
    Informant,
    Custodian,
    Recipient,
    Legal,
    Attester,
    Participant,
    Performer,
}

impl Kind {
    /// The code of provenance-participant-type; empty where there is none.
    pub(super) fn agent(self) -> &'static str {
        match self {
            Kind::Author => "author",
            Kind::Enterer => "enterer",
            Kind::Informant => "informant",
            Kind::Custodian => "custodian",
            Kind::Legal => "legal",
            Kind::Attester => "attester",
            Kind::Performer => "performer",
            Kind::Recipient | Kind::Participant => "",
        }
    }

    /// The extension of Composition that HL7's C-CDA on FHIR 1.2 has for what R4 has no element for.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Kind::Enterer => "http://hl7.org/fhir/us/ccda/StructureDefinition/DataEntererExtension",
            Kind::Informant => "http://hl7.org/fhir/us/ccda/StructureDefinition/InformantExtension",
            Kind::Recipient => "http://hl7.org/fhir/us/ccda/StructureDefinition/InformationRecipientExtension",
            Kind::Participant => "http://hl7.org/fhir/us/ccda/StructureDefinition/ParticipantExtension",
            Kind::Performer => "http://hl7.org/fhir/us/ccda/StructureDefinition/PerformerExtension",
            Kind::Author | Kind::Custodian | Kind::Legal | Kind::Attester => "",
        }
    }
}

/// One participation.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) kind: Kind,
    /// HL7 v3 ParticipationType.
    pub(super) code: String,
    pub(super) party: Party,
    /// When, a dateTime.
    pub(super) time: Option<String>,
    /// In which function: the members of a CodeableConcept, perhaps none.
    pub(super) function: String,
}

/// Reads the participations of a header, those of its service events included.
pub(super) fn parts(root: Node<'_>, account: &Account, out: &mut Output) -> Vec<Part> {
    let mut parts = Vec::new();
    for node in account.enter_all(root, "author") {
        let entity = account.enter(node, "assignedAuthor");
        parts.extend(entity.and_then(|entity| part(Kind::Author, "AUT", node, entity, account, out)));
    }
    for (name, kind, code) in [("dataEnterer", Kind::Enterer, "ENT"), ("informant", Kind::Informant, "INF")] {
        for node in account.enter_all(root, name) {
            let entity = account.enter(node, "assignedEntity").or_else(|| account.enter(node, "relatedEntity"));
            parts.extend(entity.and_then(|entity| part(kind, code, node, entity, account, out)));
        }
    }
    for node in account.enter_all(root, "custodian") {
        let keeper = account.enter(node, "assignedCustodian");
        let keeper = keeper.and_then(|keeper| account.enter(keeper, "representedCustodianOrganization"));
        let organization = keeper.and_then(|keeper| party::organization(keeper, account, out));
        if organization.is_some() {
            let party = Party { person: None, organization };
            parts.push(Part { kind: Kind::Custodian, code: "CST".into(), party, time: None, function: String::new() });
        }
    }
    for node in account.enter_all(root, "informationRecipient") {
        let code = if attribute(node, "typeCode") == "TRC" { "TRC" } else { "PRCP" };
        let entity = account.enter(node, "intendedRecipient");
        parts.extend(entity.and_then(|entity| part(Kind::Recipient, code, node, entity, account, out)));
    }
    for (name, kind, code) in [("legalAuthenticator", Kind::Legal, "LA"), ("authenticator", Kind::Attester, "AUTHEN")] {
        for node in account.enter_all(root, name) {
            let entity = account.enter(node, "assignedEntity");
            parts.extend(entity.and_then(|entity| part(kind, code, node, entity, account, out)));
        }
    }
    for node in account.enter_all(root, "participant") {
        let entity = account.enter(node, "associatedEntity");
        parts.extend(entity.and_then(|e| part(Kind::Participant, attribute(node, "typeCode"), node, e, account, out)));
    }
    for node in account.enter_all(root, "documentationOf").filter_map(|of| account.enter(of, "serviceEvent")) {
        for performer in account.enter_all(node, "performer") {
            let code = match attribute(performer, "typeCode") {
                "" => "PRF",
                code => code,
            };
            let entity = account.enter(performer, "assignedEntity");
            parts.extend(entity.and_then(|e| part(Kind::Performer, code, performer, e, account, out)));
        }
    }
    parts
}

fn part(kind: Kind, code: &str, node: Node<'_>, entity: Node<'_>, account: &Account, out: &mut Output) -> Option<Part> {
    let is_related = matches!(entity.tag_name().name(), "relatedEntity" | "associatedEntity");
    let party = if is_related { party::related(entity, account, out) } else { party::assigned(entity, account, out) };
    let time = account.take(node, "time");
    let time =
        time.and_then(|time| ts::date_time(time, out).or_else(|| Span::of(Some(time), out).first().map(str::to_owned)));
    let mut function = Writer::default();
    if let Some(code) = account.take(node, "functionCode") {
        cd::members(&mut function, code, &no_text, out);
    }
    party.first()?;
    Some(Part { kind, code: code.to_owned(), party, time, function: function.finish() })
}
