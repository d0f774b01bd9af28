//! component/section (CDA R2 section 4.3) to Composition.section: the tree of sections with titles, codes, narratives and
//! what their entries became. A section of any kind keeps its text.

use std::cell::Cell;
use std::collections::HashSet;

use super::account::Account;
use super::datatype::{cd, no_text};
use super::entry::{self, Within};
use super::ids::Ids;
use super::label::Label;
use super::node::{self, Node, attribute, child, null_flavor, place};
use super::{narrative, party, rule};
use crate::fault::Rule;
use crate::fhir::Writer;
use crate::map::Output;

/// Deepest nesting of sections that is kept as nesting.
pub(super) const DEPTH_MAX: usize = 20;

/// Most issues about sections of one document; all of them keep their text.
pub(super) const ISSUES_MAX: usize = 200;

const EMPTY_REASON: &str = "http://terminology.hl7.org/CodeSystem/list-empty-reason";

/// What the sections of a document share.
pub(super) struct Shared<'s, 'a> {
    pub(super) account: &'s Account,
    pub(super) ids: &'s Ids<'a>,
    /// The document's author, whom what the entries say comes from unless they name another.
    pub(super) author: Option<String>,
    /// The visit the document is about.
    pub(super) encounter: Option<String>,
    /// How many issues about sections were noted.
    pub(super) noted: Cell<usize>,
}

impl Shared<'_, '_> {
    fn note(&self, rule: &'static Rule, section: Node<'_>, detail: &str, out: &mut Output) {
        if self.noted.replace(self.noted.get() + 1) < ISSUES_MAX {
            out.issue_with(rule, place(section), detail);
        }
    }
}

/// Writes the sections below a structuredBody or a section as items of `section`; gives the labels they carry.
pub(super) fn write_all<'a>(
    w: &mut Writer,
    parent: Node<'a>,
    depth: usize,
    shared: &Shared<'_, 'a>,
    out: &mut Output,
) -> Vec<Label> {
    let mut labels = Vec::new();
    for component in shared.account.enter_all(parent, "component") {
        if let Some(section) = shared.account.enter(component, "section") {
            labels.extend(write(w, section, depth, shared, out));
        }
    }
    labels
}

fn write<'a>(w: &mut Writer, section: Node<'a>, depth: usize, shared: &Shared<'_, 'a>, out: &mut Output) -> Vec<Label> {
    let account = shared.account;
    let before = out.changes().len();
    let authors: Vec<String> = account
        .enter_all(section, "author")
        .filter_map(|author| account.enter(author, "assignedAuthor"))
        .filter_map(|author| party::assigned(author, account, out).first().map(str::to_owned))
        .collect();
    let entries = entries(section, authors.first(), shared, out);
    let label = account.take(section, "confidentialityCode").and_then(Label::of);
    if let Some(label) = label.as_ref().filter(|label| !label.is_normal()) {
        out.label_since(before, |w| label.item(w));
    }
    let mut labels: Vec<Label> = label.into_iter().filter(|label| !label.is_normal()).collect();
    let has_deeper = child(section, "component").is_some();
    w.item(|w| {
        let title = account.take(section, "title").map(node::text).unwrap_or_default();
        let code = account.take(section, "code");
        w.string(
            "title",
            if title.is_empty() { code.map(|c| attribute(c, "displayName")).unwrap_or_default() } else { &title },
        );
        cd::concept(w, "code", code, &no_text, out);
        if code.is_none_or(|code| !cd::is_stated(code)) {
            shared.note(&rule::SECTION_CODE, section, "", out);
        }
        w.array("author", |w| {
            for author in &authors {
                w.item(|w| w.string("reference", author));
            }
        });
        let is_empty = entries.is_empty();
        text(w, section, &title, is_empty && !has_deeper, shared, out);
        w.array("entry", |w| {
            for entry in &entries {
                w.item(|w| w.string("reference", entry));
            }
        });
        if let Some(flavor) = null_flavor(section).filter(|_| is_empty) {
            w.concept("emptyReason", EMPTY_REASON, empty_reason(flavor), "");
        }
        if depth < DEPTH_MAX {
            w.array("section", |w| labels.extend(write_all(w, section, depth + 1, shared, out)));
        }
    });
    if depth >= DEPTH_MAX && has_deeper {
        shared.note(&rule::SECTION_DEPTH, section, &DEPTH_MAX.to_string(), out);
        labels.extend(write_all(w, section, depth, shared, out));
    }
    labels
}

fn entries(section: Node<'_>, author: Option<&String>, shared: &Shared<'_, '_>, out: &mut Output) -> Vec<String> {
    let code = child(section, "code");
    let within = Within {
        section_code: code.map(|code| attribute(code, "code")).unwrap_or_default(),
        section_system: code.map(|code| attribute(code, "codeSystem")).unwrap_or_default(),
        author: author.or(shared.author.as_ref()).map(String::as_str),
        encounter: shared.encounter.as_deref(),
        text: &|id| shared.ids.text(id),
    };
    let mut references = Vec::new();
    let mut seen = HashSet::new();
    for node in shared.account.take_all(section, "entry") {
        references
            .extend(entry::map(node, &within, out).into_iter().filter(|reference| seen.insert(reference.clone())));
    }
    references
}

/// The narrative. It is `generated` where the section says that all of it was derived from its entries
/// (entry/@typeCode DRIV), otherwise it may say more than they do.
fn text<'a>(
    w: &mut Writer,
    section: Node<'a>,
    title: &str,
    must_say_something: bool,
    shared: &Shared<'_, 'a>,
    out: &mut Output,
) {
    let text = shared.account.take(section, "text");
    let div = text.and_then(|text| narrative::div(text, shared.ids, out));
    let mut entries = node::children(section, "entry").peekable();
    let is_derived = entries.peek().is_some() && entries.all(|entry| attribute(entry, "typeCode") == "DRIV");
    let (status, div) = match div {
        Some(div) => (if is_derived { "generated" } else { "additional" }, div),
        // cmp-1: a section says something.
        None if must_say_something => {
            shared.note(&rule::SECTION_EMPTY, section, "", out);
            ("empty", narrative::paragraph(if title.is_empty() { "-" } else { title }))
        }
        None => return,
    };
    let language = shared.account.take(section, "languageCode").map(|code| attribute(code, "code")).unwrap_or_default();
    w.object("text", |w| {
        if !language.is_empty() {
            w.array("extension", |w| {
                w.item(|w| {
                    w.string("url", "http://hl7.org/fhir/StructureDefinition/language");
                    w.string("valueCode", language);
                });
            });
        }
        w.string("status", status);
        w.string("div", &div);
    });
}

/// NullFlavor to list-empty-reason.
fn empty_reason(flavor: &str) -> &'static str {
    match flavor {
        "NASK" => "notasked",
        "MSK" => "withheld",
        _ => "unavailable",
    }
}
