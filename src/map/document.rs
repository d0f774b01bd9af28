//! A document as FHIR R4 keeps it (documentreference.html, binary.html): the DocumentReference says what it is, a Binary
//! holds its bytes and may be read by whoever may read the DocumentReference (`securityContext`).

use crate::fault::rules;
use crate::fhir::{ResourceId, ResourceType, Writer, base64, system};
use crate::map::{Coding, Output};

rules! {
    pub(crate) TOO_LARGE "document-too-large" Error TooLong
        "The document is larger than {} and was not stored as one; the letter keeps it as it came."
        "文書が{}を超えるため、文書としては保存していません(原本は保管しています)。"
}

/// The largest content of a Binary, in bytes; its base64 is a third longer. A resource of that size is still compressed
/// and read as one text (`store::press`), and is no larger than FHIR that comes as such (`decode::fhir`).
pub const DOCUMENT_BYTES_MAX: usize = 16 << 20;

const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";

/// How restricted a document is: HL7 v3 Confidentiality; empty for the usual care.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Confidentiality(pub(crate) &'static str);

/// What a document holds, or where it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attachment {
    /// The MIME type.
    pub(crate) content_type: String,
    /// `Binary/[id]`, or where the sender keeps it; empty when it was not sent.
    pub(crate) url: String,
    /// In bytes.
    pub(crate) size: Option<usize>,
    /// SHA-1 in base64, as R4 wants it.
    pub(crate) hash: String,
    /// What it is called.
    pub(crate) title: String,
    /// When it was made, a dateTime.
    pub(crate) creation: String,
}

/// What a DocumentReference says beside its contents.
#[derive(Clone, Debug, Default)]
pub(crate) struct Description<'a> {
    /// DocumentReferenceStatus.
    pub(crate) status: &'a str,
    /// What kind of document it is.
    pub(crate) kind: &'a [Coding<'a>],
    /// The same in words.
    pub(crate) kind_text: &'a str,
    /// When it was made, an instant; empty when not known.
    pub(crate) date: &'a str,
    /// `Type/id` of who wrote it.
    pub(crate) authors: &'a [String],
    /// The day or time of the care it tells of, a dateTime.
    pub(crate) period_start: &'a str,
    /// For people.
    pub(crate) description: &'a str,
    /// How restricted it is.
    pub(crate) confidentiality: Confidentiality,
}

impl Confidentiality {
    /// The members of `meta` that restrict a resource.
    pub(crate) fn meta(self) -> Writer {
        let mut meta = Writer::new();
        if !self.0.is_empty() {
            meta.array("security", |w| w.coding_item(CONFIDENTIALITY, self.0, ""));
        }
        meta
    }

    /// Writes the Coding as an item of `coding`.
    pub(crate) fn coding(self, w: &mut Writer) {
        if !self.0.is_empty() {
            w.coding_item(CONFIDENTIALITY, self.0, "");
        }
    }
}

impl Attachment {
    /// Writes an item of `content`. Nothing was sent when there is neither address nor size; that is said.
    pub(crate) fn write(&self, w: &mut Writer) {
        w.item(|w| {
            w.object("attachment", |w| {
                if self.url.is_empty() && self.size.is_none() {
                    w.array("extension", |w| {
                        w.item(|w| {
                            w.string("url", system::DATA_ABSENT_REASON);
                            w.string("valueCode", "unknown");
                        });
                    });
                }
                w.string("contentType", &self.content_type);
                w.string("url", &self.url);
                if let Some(size) = self.size {
                    w.integer("size", size as i64);
                }
                w.string("hash", &self.hash);
                w.string("title", &self.title);
                w.string("creation", &self.creation);
            });
        });
    }
}

/// Puts the Binary for the bytes of a document and gives the attachment, still without title. The key tells the contents
/// of one document apart. Bytes past [`DOCUMENT_BYTES_MAX`] get no Binary and no address; the caller says [`TOO_LARGE`].
pub(crate) fn keep(
    out: &mut Output,
    document: &ResourceId,
    key: &str,
    content_type: &str,
    bytes: &[u8],
    confidentiality: Confidentiality,
) -> Attachment {
    let hash = base64::encode(&sha1_smol::Sha1::from(bytes).digest().bytes());
    let mut attachment =
        Attachment { content_type: content_type.to_owned(), size: Some(bytes.len()), hash, ..Attachment::default() };
    // Binary.data of nothing would be empty, which JSON cannot say.
    if bytes.len() > DOCUMENT_BYTES_MAX || bytes.is_empty() {
        return attachment;
    }
    let mut w = Writer::new();
    w.string("contentType", content_type);
    w.reference("securityContext", &format!("DocumentReference/{}", document.as_str()));
    w.string("data", &base64::encode(bytes));
    let id = out.id(ResourceType::BINARY, &format!("{}/{key}", document.as_str()));
    attachment.url = out.put_labelled(ResourceType::BINARY, id, w, confidentiality.meta());
    attachment
}

/// Puts the DocumentReference of a document that came without a description of its own (an unmapped message, a file of
/// extended storage). The facility that sent it keeps it.
pub(crate) fn describe(
    out: &mut Output,
    id: ResourceId,
    identifier: &str,
    says: &Description<'_>,
    contents: &[Attachment],
) -> String {
    let mut w = Writer::new();
    w.object("masterIdentifier", |w| {
        w.string("system", &out.facility.local_system("document"));
        w.string("value", identifier);
    });
    w.string("status", says.status);
    w.object("type", |w| {
        w.array("coding", |w| out.codings(w, says.kind, &crate::fault::Place::Whole));
        w.string("text", says.kind_text);
    });
    out.subject(&mut w, "subject");
    w.string("date", says.date);
    w.array("author", |w| {
        for author in says.authors {
            w.item(|w| w.string("reference", author));
        }
        if says.authors.is_empty() {
            w.item(|w| out.facility_members(w, ""));
        }
    });
    out.facility_reference(&mut w, "custodian", "");
    w.string("description", says.description);
    w.array("securityLabel", |w| w.item(|w| w.array("coding", |w| says.confidentiality.coding(w))));
    w.array("content", |w| contents.iter().for_each(|content| content.write(w)));
    w.object("context", |w| w.object("period", |w| w.string("start", says.period_start)));
    out.put_labelled(ResourceType::DOCUMENT_REFERENCE, id, w, says.confidentiality.meta())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::{FacilityCode, PatientKey};
    use crate::map::Change;

    fn kept(bytes: &[u8]) -> (Attachment, usize) {
        let facility = FacilityCode::parse("0119999901");
        let mut out = Output::new(PatientKey::derive(&facility, "1"), facility, 540, None);
        let id = out.id(ResourceType::DOCUMENT_REFERENCE, "1");
        let attachment = keep(&mut out, &id, "1", "text/plain", bytes, Confidentiality("R"));
        (attachment, out.changes().len())
    }

    #[test]
    fn the_bytes_are_in_the_binary_and_described_by_size_and_hash() {
        let (attachment, changes) = kept(b"abc");
        assert_eq!((attachment.size, attachment.hash.as_str(), changes), (Some(3), "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=", 1));
        assert!(attachment.url.starts_with("Binary/"));
        assert_eq!(kept(b"").1, 0);
    }

    #[test]
    fn a_binary_is_as_restricted_as_its_document() {
        let facility = FacilityCode::parse("0119999901");
        let mut out = Output::new(PatientKey::derive(&facility, "1"), facility, 540, None);
        let id = out.id(ResourceType::DOCUMENT_REFERENCE, "1");
        keep(&mut out, &id, "1", "text/plain", b"abc", Confidentiality("R"));
        let [Change::Put(draft)] = out.changes() else { panic!() };
        assert!(draft.meta.contains("\"R\""));
        assert!(
            draft
                .members
                .contains(&format!("\"securityContext\":{{\"reference\":\"DocumentReference/{}\"}}", id.as_str()))
        );
    }

    #[test]
    fn the_limit_holds_at_it_and_one_past_it() {
        let mut bytes = vec![0; DOCUMENT_BYTES_MAX];
        assert_eq!(kept(&bytes).1, 1);
        bytes.push(0);
        let (attachment, changes) = kept(&bytes);
        assert_eq!((changes, attachment.url.as_str(), attachment.size), (0, "", Some(DOCUMENT_BYTES_MAX + 1)));
    }
}
