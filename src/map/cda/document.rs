//! ClinicalDocument (CDA R2 section 4.2.1) to Composition (R4 composition.html, its mapping to CDA R2).

use std::collections::HashSet;

use super::account::Account;
use super::body::{self, Body};
use super::datatype::{cd, ii, no_text, ts};
use super::event::Event;
use super::head::{Kind, Part};
use super::label::Label;
use super::node::{self, Node, attribute, place};
use super::rule;
use super::section::Shared;
use crate::fhir::{ResourceType, Writer, system};
use crate::map::Output;

/// What the resources about the document as a whole say alike.
pub(super) struct Facts<'a> {
    pub(super) root: Node<'a>,
    /// What tells the document apart: its setId, else its id, else its content.
    pub(super) key: String,
    pub(super) title: String,
    /// ClinicalDocument/effectiveTime as a dateTime.
    pub(super) date: Option<String>,
    pub(super) label: Option<Label>,
    pub(super) parts: Vec<Part>,
    pub(super) events: Vec<Event>,
    pub(super) orders: Vec<String>,
    pub(super) encounter: Option<String>,
}

impl<'a> Facts<'a> {
    /// The participations of one kind.
    pub(super) fn of(&self, kind: Kind) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(move |part| part.kind == kind)
    }

    /// The persons and the houses they write for (JP-CLINS names both), each once.
    pub(super) fn authors(&self) -> Vec<&str> {
        let mut seen = HashSet::new();
        self.of(Kind::Author).flat_map(|part| part.party.each()).filter(|reference| seen.insert(*reference)).collect()
    }

    /// `Composition/id`.
    pub(super) fn composition(&self, out: &Output) -> String {
        format!("Composition/{}", out.id(ResourceType::COMPOSITION, &self.key).as_str())
    }

    /// What became of earlier documents: relatedDocument with the code of document-relationship-type.
    pub(super) fn related(&self) -> impl Iterator<Item = (&'static str, Node<'a>)> + use<'a> {
        node::children(self.root, "relatedDocument").filter_map(|related| {
            let code = match attribute(related, "typeCode") {
                "RPLC" => "replaces",
                "APND" => "appends",
                "XFRM" => "transforms",
                _ => return None,
            };
            Some((code, node::child(related, "parentDocument").and_then(|parent| node::child(parent, "id"))?))
        })
    }

    /// CDA has no status: what replaces or appends has changed something that was final.
    fn status(&self) -> &'static str {
        if self.related().any(|(code, _)| code != "transforms") { "amended" } else { "final" }
    }

    /// DocumentReference.docStatus says the same.
    pub(super) fn doc_status(&self) -> &'static str {
        self.status()
    }
}

/// Puts the Composition and what its entries hold.
pub(super) fn put<'a>(facts: &Facts<'a>, shared: &Shared<'_, 'a>, out: &mut Output) -> Body {
    let (root, account) = (facts.root, shared.account);
    let mut w = Writer::new();
    w.string("language", account.take(root, "languageCode").map(|code| attribute(code, "code")).unwrap_or_default());
    extensions(&mut w, facts, account);
    account.take_all(root, "setId").for_each(drop);
    let identifier = super::identity(root, "setId").or_else(|| super::identity(root, "id"));
    if let Some(identifier) = identifier {
        w.object("identifier", |w| ii::identifier(w, identifier, out));
    }
    w.string("status", facts.status());
    kind(&mut w, root, account, out);
    w.array("category", |w| {
        // sdtc:category
        for category in account.take_all(root, "category") {
            cd::concept_item(w, category, &no_text, out);
        }
    });
    out.subject(&mut w, "subject");
    w.reference("encounter", facts.encounter.as_deref().unwrap_or_default());
    match &facts.date {
        Some(date) => w.string("date", date),
        None => absent(&mut w, "_date"),
    }
    authors(&mut w, facts);
    w.string("title", &facts.title);
    w.string("confidentiality", facts.label.as_ref().map(Label::classification).unwrap_or_default());
    attesters(&mut w, facts);
    let custodian = facts.of(Kind::Custodian).find_map(|part| part.party.first());
    w.reference("custodian", custodian.unwrap_or_default());
    w.array("relatesTo", |w| {
        for (code, id) in facts.related() {
            w.item(|w| {
                w.string("code", code);
                w.object("targetIdentifier", |w| ii::identifier(w, id, out));
            });
        }
    });
    w.array("event", |w| {
        for event in &facts.events {
            w.item_raw(&format!("{{{}}}", event.members));
        }
    });
    let body = body::write(&mut w, root, &facts.key, shared, out);
    let id = out.id(ResourceType::COMPOSITION, &facts.key);
    out.put(ResourceType::COMPOSITION, id, w);
    body
}

fn extensions(w: &mut Writer, facts: &Facts<'_>, account: &Account) {
    let version =
        account.take(facts.root, "versionNumber").map(|number| attribute(number, "value")).unwrap_or_default();
    w.array("extension", |w| {
        if !version.is_empty() {
            w.item(|w| {
                w.string("url", "http://hl7.org/fhir/StructureDefinition/composition-clinicaldocument-versionNumber");
                w.string("valueString", version);
            });
        }
        for part in facts.parts.iter().filter(|part| !part.kind.extension().is_empty()) {
            let person = part.party.first().into_iter();
            // A referral is addressed to a house and perhaps to somebody there; of others the person says it.
            let house = part.party.organization.as_deref().filter(|_| part.kind == Kind::Recipient);
            let is_person = part.party.person.is_some();
            for reference in person.chain(house.filter(|_| is_person)) {
                extension(w, part.kind.extension(), reference);
            }
        }
        for order in &facts.orders {
            extension(w, "http://hl7.org/fhir/us/ccda/StructureDefinition/OrderExtension", order);
        }
    });
}

fn extension(w: &mut Writer, url: &str, reference: &str) {
    w.item(|w| {
        w.string("url", url);
        w.reference("valueReference", reference);
    });
}

/// The type as sent. Of Japanese referrals (JMIX) also as JP-CLINS has it, so that both are found by one code.
pub(super) fn kind(w: &mut Writer, root: Node<'_>, account: &Account, out: &mut Output) {
    let code = account.take(root, "code").filter(|code| cd::is_stated(*code));
    let Some(code) = code else {
        out.issue(&rule::NO_CODE, place(root));
        return w.object("type", |w| w.string("text", "Clinical document"));
    };
    w.object("type", |w| {
        w.array("coding", |w| {
            cd::codings(w, code, out);
            if attribute(code, "codeSystem") == "1.2.392.200119.5.3.1" && attribute(code, "code") == "MD0020730" {
                w.coding_item("http://jpfhir.jp/fhir/Common/CodeSystem/doc-typecodes", "57133-1", "診療情報提供書");
            }
        });
        w.string("text", &cd::text_of(code, &no_text));
    });
}

/// Composition.author is 1..*.
fn authors(w: &mut Writer, facts: &Facts<'_>) {
    w.array("author", |w| {
        let authors = facts.authors();
        for author in &authors {
            w.item(|w| w.string("reference", author));
        }
        if authors.is_empty() {
            w.item(|w| w.array("extension", absent_item));
        }
    });
}

fn attesters(w: &mut Writer, facts: &Facts<'_>) {
    w.array("attester", |w| {
        for (kind, mode) in [(Kind::Legal, "legal"), (Kind::Attester, "professional")] {
            for part in facts.of(kind) {
                w.item(|w| {
                    w.string("mode", mode);
                    w.string("time", part.time.as_deref().unwrap_or_default());
                    w.reference("party", part.party.first().unwrap_or_default());
                });
            }
        }
    });
}

fn absent(w: &mut Writer, name: &str) {
    w.object(name, |w| w.array("extension", absent_item));
}

fn absent_item(w: &mut Writer) {
    w.item(|w| {
        w.string("url", system::DATA_ABSENT_REASON);
        w.string("valueCode", "unknown");
    });
}

/// The title, else what the type is called, else that it is a document.
pub(super) fn title(root: Node<'_>, account: &Account, out: &mut Output) -> String {
    let title = account.take(root, "title").map(node::text).unwrap_or_default();
    if !title.is_empty() {
        return title;
    }
    out.issue(&rule::NO_TITLE, place(root));
    let called = node::child(root, "code").map(|code| cd::text_of(code, &no_text)).unwrap_or_default();
    if called.is_empty() { "CDA".to_owned() } else { called }
}

/// When the document was made.
pub(super) fn date(root: Node<'_>, account: &Account, out: &mut Output) -> Option<String> {
    let time = account.take(root, "effectiveTime");
    time.and_then(|time| ts::date_time(time, out))
}
