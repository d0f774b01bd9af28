//! The form of a body: JSON or XML, indented or not, packed or not. What leaves as it is stored is not looked at.

use std::borrow::Cow;

use actix_web::web;

use super::answer::{Content, outcome};
use super::asked::{Asked, Format};
use super::packing::{PACKED_BYTES_MIN, pack};
use super::rules;
use crate::consent::Permitted;
use crate::fault::{Fault, Finding, Issue, Place};
use crate::fhir::indent::indented;
use crate::fhir::xml_writer::to_xml;

/// Longer bodies are formed on a thread that may take its time.
const FORMED_AT_ONCE_BYTES_MAX: usize = 128 << 10;

/// A body in the form in which it leaves.
pub(super) struct Formed {
    /// Its media type.
    pub(super) content_type: Cow<'static, str>,
    /// How it is packed, as `Content-Encoding` names it; `None` for not at all.
    pub(super) coding: Option<&'static str>,
    /// The languages of its sentences, where it is an OperationOutcome.
    pub(super) language: Option<&'static str>,
    pub(super) body: Permitted<Vec<u8>>,
}

impl Formed {
    /// The content of an answer as it is asked for; `None` where there is none. A fault means that no thread was free.
    pub(super) async fn of(content: Content, asked: Asked) -> Result<Option<Formed>, Fault> {
        let format = asked.format.unwrap_or(Format::FhirJson);
        let content_type = Cow::Borrowed(format.content_type());
        let (formed, is_fhir) = match content {
            Content::Nothing | Content::Streamed(..) | Content::Kept(..) => return Ok(None),
            Content::Fhir(body) => (Formed { content_type, coding: None, language: None, body }, true),
            Content::Outcome(findings) => {
                let (language, body) = (Some(asked.language.tags()), outcome(&findings, asked.language));
                (Formed { content_type, coding: None, language, body }, true)
            }
            Content::Other(other) => {
                let (body, content_type) = *other;
                (Formed { content_type, coding: None, language: None, body }, false)
            }
        };
        let is_changed = is_fhir && (format.is_xml() || asked.pretty);
        let is_packed = asked.coding.name().is_some() && formed.body.peek().len() >= PACKED_BYTES_MIN;
        if !is_changed && !is_packed {
            return Ok(Some(formed));
        }
        let is_long = formed.body.peek().len() > FORMED_AT_ONCE_BYTES_MAX;
        let work = move || if is_changed { formed.changed(format, &asked) } else { formed }.packed(&asked);
        match is_long {
            true => web::block(work).await.map(Some).map_err(|_| Fault::Busy),
            false => Ok(Some(work())),
        }
    }

    fn changed(self, format: Format, asked: &Asked) -> Formed {
        let text = std::str::from_utf8(self.body.peek()).ok();
        let text = text.and_then(|text| match format.is_xml() {
            true => to_xml(text, asked.pretty),
            false => Some(indented(text)),
        });
        match text {
            Some(text) => Formed { body: self.body.map(|_| text.into_bytes()), ..self },
            // Nothing that is stored here is such; if something were, its reader is told so in JSON.
            None => {
                let broken = Finding::from(&Issue::new(&rules::BROKEN, Place::Whole));
                let content_type = Cow::Borrowed(Format::FhirJson.content_type());
                Formed { content_type, body: outcome(&[broken], asked.language), ..self }
            }
        }
    }

    fn packed(self, asked: &Asked) -> Formed {
        // Pictures and archives are packed already.
        if !["text/", "json", "xml"].iter().any(|part| self.content_type.contains(part)) {
            return self;
        }
        match pack(asked.coding, self.body.peek()) {
            Some(packed) => Formed { coding: asked.coding.name(), body: self.body.map(|_| packed), ..self },
            None => self,
        }
    }
}
