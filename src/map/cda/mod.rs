//! CDA R2 documents (HL7 v3, ISO 27932:2009) to changes: a document of any guide gives the Patient as a mention, the
//! Composition, what its entries hold, the original bytes, and a FHIR document of all that. docs/mapping/cda.md says why.

mod account;
mod body;
mod bundle;
mod datatype;
mod document;
mod encounter;
mod entry;
mod event;
mod head;
mod ids;
mod label;
mod narrative;
mod node;
mod original;
mod party;
mod patient;
mod provenance;
mod record;
mod rule;
mod section;

use std::cell::Cell;
use std::sync::Arc;

use crate::codes::Book;
use crate::decode::xml;
use crate::fault::{Issue, Noted, Place};
use crate::letter::{LetterId, Source};
use crate::map::{Mapped, Output};
use account::Account;
use datatype::ts;
use document::Facts;
use head::Kind;
use ids::Ids;
use label::Label;
use node::{Node, attribute, child, null_flavor, place};

/// Most labels that are repeated for the document as a whole; one is enough to hide it.
const LABELS_MAX: usize = 20;

/// What the mapper is told beside the document.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Who sent it.
    pub source: &'a Source,
    /// The stored raw letter, for the Provenance.
    pub letter: LetterId,
    /// The letter's bytes, for the Binary.
    pub bytes: &'a [u8],
    /// What codes mean in other code systems.
    pub book: &'a Arc<Book>,
}

/// Maps a document. An error is one that cannot be used, to be held with that reason: no ClinicalDocument, or nobody can
/// say whose it is.
pub fn map(document: &roxmltree::Document<'_>, context: Context<'_>) -> Result<Noted<Mapped>, Issue> {
    let root = document.root_element();
    if !root.has_tag_name(("urn:hl7-org:v3", "ClinicalDocument")) {
        return Err(Issue::new(&rule::NOT_CDA, located(root, "")));
    }
    let account = Account::default();
    let whose = record::of(root, context.source, &account)?;
    let time = child(root, "effectiveTime");
    let zone_minutes = time.and_then(zone).unwrap_or(context.source.zone_minutes);
    let occurred = time.and_then(|time| ts::milliseconds(time, zone_minutes));
    let mut out = Output::new(whose.patient, whose.facility, zone_minutes, occurred).with_book(context.book);
    out.note(whose.issues);
    if occurred.is_none() {
        out.issue(&rule::NO_TIME, place(root));
    }
    let facts = header(root, whose.role, context.letter, &account, &mut out);
    let ids = Ids::of(root);
    let author = facts.of(Kind::Author).find_map(|part| part.party.first()).map(str::to_owned);
    let encounter = facts.encounter.clone();
    let shared = section::Shared { account: &account, ids: &ids, author, encounter, noted: Cell::new(0) };
    let body = document::put(&facts, &shared, &mut out);
    if ids.is_exhausted() {
        out.issue_with(&rule::REPEATED, place(root), ids::REPEATED_BYTES_MAX.to_string());
    }
    let labels = label(&facts, &body.labels, &mut out);
    let described = out.changes().len();
    bundle::put(&facts, &context.letter.hex(), &mut out);
    let reference = original::put(&facts, context.bytes, &body, &labels, &account, &mut out);
    provenance::put(&facts, context.letter, &reference, &mut out);
    for label in &labels {
        out.label_since(described, |w| label.item(w));
    }
    account.settle(root, &mut out);
    Ok(out.finish(origin(root)))
}

/// Everything the header says; the Patient and the others it names are put.
fn header<'a>(root: Node<'a>, role: Node<'a>, letter: LetterId, account: &Account, out: &mut Output) -> Facts<'a> {
    patient::state(role, account, out);
    let parts = head::parts(root, account, out);
    if !parts.iter().any(|part| part.kind == Kind::Author) {
        out.issue(&rule::NO_AUTHOR, place(root));
    }
    for authorization in account.enter_all(root, "authorization") {
        account.take_all(authorization, "consent").for_each(drop);
        out.issue(&rule::CONSENT_INSIDE, place(authorization));
    }
    for related in account.enter_all(root, "relatedDocument") {
        account.enter_all(related, "parentDocument").for_each(|parent| account.take_all(parent, "id").for_each(drop));
    }
    account.take_all(root, "id").for_each(drop);
    let key = key(root).unwrap_or_else(|| {
        out.issue(&rule::NO_DOCUMENT_ID, place(root));
        letter.hex()
    });
    Facts {
        root,
        key,
        title: document::title(root, account, out),
        date: document::date(root, account, out),
        label: account.take(root, "confidentialityCode").and_then(Label::of),
        parts,
        events: event::events(root, account, out),
        orders: event::orders(root, account, out),
        encounter: encounter::state(root, account, out),
    }
}

/// What tells the document apart from others: its setId, which its versions share, else its id.
fn key(root: Node<'_>) -> Option<String> {
    let of = |name: &str| identity(root, name).map(key_of);
    of("setId").map(|key| format!("set {key}")).or_else(|| of("id"))
}

/// The document's id or setId, when it says something. A 処方箋 has its 処方箋番号 there.
fn identity<'a>(root: Node<'a>, name: &str) -> Option<Node<'a>> {
    let says = |id: &Node<'_>| !attribute(*id, "root").is_empty() || !attribute(*id, "extension").is_empty();
    child(root, name).filter(|id| null_flavor(*id).is_none() && says(id))
}

fn key_of(id: Node<'_>) -> String {
    format!("{}^{}", attribute(id, "root").to_ascii_lowercase(), attribute(id, "extension"))
}

/// A version of a set states the document whole: what the one before stated and this one does not is gone.
fn origin(root: Node<'_>) -> Option<String> {
    identity(root, "setId").map(|id| format!("CDA {}", key_of(id)))
}

/// Labels what the document gave with what the document says of itself, the Composition also with what its sections
/// say; gives all of them.
fn label(facts: &Facts<'_>, sections: &[Label], out: &mut Output) -> Vec<Label> {
    let mut labels: Vec<Label> = facts.label.iter().filter(|label| !label.is_normal()).cloned().collect();
    for label in &labels {
        out.label_since(0, |w| label.item(w));
    }
    for label in sections {
        if labels.len() < LABELS_MAX && !labels.contains(label) {
            labels.push(label.clone());
            out.label_since(out.changes().len() - 1, |w| label.item(w));
        }
    }
    labels
}

/// The offset of a time in minutes, when it states one: the document's other times without one were written there too.
fn zone(time: Node<'_>) -> Option<i16> {
    let value = attribute(time, "value");
    let at = value.rfind(['+', '-'])?;
    let (hours, minutes) = (value.get(at + 1..at + 3)?, value.get(at + 3..at + 5)?);
    let total = hours.parse::<i16>().ok()? * 60 + minutes.parse::<i16>().ok()?;
    let is_sound = value.len() == at + 5 && total <= 14 * 60;
    is_sound.then_some(if value[at..].starts_with('-') { -total } else { total })
}

/// A place for somebody who looks at the file: the path and the line. `missing` is what should stand there.
fn located(node: Node<'_>, missing: &str) -> Place {
    let path = match (place(node), missing) {
        (place, "") => place.to_string(),
        (place, missing) => format!("{place}/{missing}"),
    };
    let line = xml::position(node.document().input_text(), node.range().start);
    Place::Path(format!("{path} ({line})").into())
}

#[cfg(test)]
mod tests;
