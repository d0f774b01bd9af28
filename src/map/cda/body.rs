//! The body of a document: structuredBody, or nonXMLBody (CDA R2 section 4.3.1), whose text is a file.

use super::datatype::ed;
use super::label::Label;
use super::node::{self, Node, attribute, child_attribute, place};
use super::section::{self, Shared};
use super::{narrative, rule};
use crate::fhir::{ResourceType, Writer};
use crate::map::Output;

/// What the body was beside sections.
#[derive(Debug, Default)]
pub(super) struct Body {
    /// The members of the Attachment of a body that is a file; empty when there is none.
    pub(super) attachment: String,
    /// Labels of its sections.
    pub(super) labels: Vec<Label>,
}

/// Writes `section`; `key` tells the document apart.
pub(super) fn write<'a>(w: &mut Writer, root: Node<'a>, key: &str, shared: &Shared<'_, 'a>, out: &mut Output) -> Body {
    let mut body = Body::default();
    let component = shared.account.enter(root, "component");
    let structured = component.and_then(|component| shared.account.enter(component, "structuredBody"));
    if let Some(structured) = structured {
        let label = shared.account.take(structured, "confidentialityCode").and_then(Label::of);
        body.labels.extend(label.filter(|label| !label.is_normal()));
        w.array("section", |w| body.labels.extend(section::write_all(w, structured, 1, shared, out)));
        return body;
    }
    let file = component.and_then(|component| shared.account.enter(component, "nonXMLBody"));
    match file.and_then(|file| shared.account.take(file, "text")) {
        Some(text) => body.attachment = enclosed(w, text, key, out),
        None => out.issue(&rule::NO_BODY, place(root)),
    }
    body
}

/// One section that shows or names the file. Plain text is shown; a file becomes a Binary; an address stays one.
fn enclosed(w: &mut Writer, text: Node<'_>, key: &str, out: &mut Output) -> String {
    let kind = match attribute(text, "mediaType") {
        "" => "text/plain",
        kind => kind,
    };
    let reference = child_attribute(text, "reference", "value");
    let mut attachment = Writer::default();
    attachment.string("contentType", kind);
    attachment.string("language", attribute(text, "language"));
    let (div, entry) = if !reference.is_empty() {
        attachment.string("url", reference);
        (narrative::paragraph(&named(kind)), None)
    } else if attribute(text, "representation") == "B64" {
        let Some(data) = base64(text) else {
            out.issue(&rule::BODY_DATA, place(text));
            return String::new();
        };
        let binary = binary(kind, &data, key, out);
        attachment.string("url", &binary);
        attachment.integer("size", size(&data));
        (narrative::paragraph(&named(kind)), Some(binary))
    } else {
        let plain = text.text().unwrap_or_default();
        attachment.string("data", &ed::base64(plain.as_bytes()));
        attachment.integer("size", plain.len() as i64);
        let shown = if plain.trim().is_empty() { node::text(text) } else { plain.to_owned() };
        let is_shown = kind == "text/plain" && !shown.trim().is_empty();
        (if is_shown { narrative::preformatted(shown.trim()) } else { narrative::paragraph(&named(kind)) }, None)
    };
    w.array("section", |w| {
        w.item(|w| {
            w.object("text", |w| {
                w.string("status", "additional");
                w.string("div", &div);
            });
            w.array("entry", |w| w.item(|w| w.string("reference", entry.as_deref().unwrap_or_default())));
        });
    });
    attachment.finish()
}

fn named(kind: &str) -> String {
    format!("本文は添付ファイルです / The body is an attached file ({kind})")
}

fn binary(kind: &str, data: &str, key: &str, out: &mut Output) -> String {
    let mut w = Writer::new();
    w.string("contentType", kind);
    let composition = out.id(ResourceType::COMPOSITION, key);
    w.reference("securityContext", &format!("Composition/{}", composition.as_str()));
    w.string("data", data);
    let id = out.id(ResourceType::BINARY, &format!("body {key}"));
    out.put(ResourceType::BINARY, id, w)
}

/// The data without white space; `None` when it is not base64 (RFC 4648 section 4).
fn base64(text: Node<'_>) -> Option<String> {
    let data: String = text.text()?.split_ascii_whitespace().collect();
    let body = data.trim_end_matches('=');
    let is_sound = !data.is_empty() && data.len().is_multiple_of(4) && data.len() - body.len() <= 2;
    (is_sound && body.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')).then_some(data)
}

fn size(data: &str) -> i64 {
    let padding = data.bytes().rev().take_while(|b| *b == b'=').count();
    (data.len() / 4 * 3 - padding) as i64
}
