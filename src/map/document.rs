//! A document as FHIR R4 keeps it (documentreference.html, binary.html): the DocumentReference says what it is, a Binary
//! holds its bytes and may be read by whoever may read the DocumentReference (`securityContext`).

use std::borrow::Cow;
use std::sync::Arc;

use crate::codes::Book;
use crate::decode::ssmix2::{Extended, FOLDERS_DISAGREE, Flag};
use crate::fault::{Issue, Noted, Place, rules};
use crate::fhir::time::{self, Interval};
use crate::fhir::{PatientKey, ResourceId, ResourceType, Writer, base64, system};
use crate::letter::{LetterId, Source};
use crate::map::hl7v2::coding_system;
use crate::map::hl7v2::head::NO_FACILITY;
use crate::map::hl7v2::provenance::{LETTER, MAPPING};
use crate::map::{Change, Coding, MAP_VERSION, Mapped, Output};

rules! {
    pub(crate) TOO_LARGE "document-too-large" Error TooLong
        "The document is larger than {} and was not stored as one; the letter keeps it as it came."
        "文書が{}を超えるため、文書としては保存していません(原本は保管しています)。"
}

/// The largest content of a Binary, in bytes; its base64 is a third longer. A resource of that size is still compressed
/// and read as one text (`store::press`), and is no larger than FHIR that comes as such (`decode::fhir`).
pub const DOCUMENT_BYTES_MAX: usize = 16 << 20;

const AGENT_TYPE: &str = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";
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
                    absent(w);
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
        w.array("coding", |w| out.codings(w, says.kind, &Place::Whole));
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

/// A document of SS-MIX2 extended storage with where it came from.
#[derive(Clone, Copy, Debug)]
pub struct Filed<'a> {
    /// What its path says.
    pub path: &'a Extended,
    /// Its MIME type.
    pub content_type: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Who sent it.
    pub source: &'a Source,
    /// The stored raw letter, for the Provenance.
    pub letter: LetterId,
    /// What codes mean in other code systems.
    pub book: &'a Arc<Book>,
}

/// Maps a file of extended storage to DocumentReference and Binary: flag 0 deletes them, flag 2 leaves them superseded.
/// An error is a file to be held: nobody says whose numbers it uses, its folders contradict each other, it is too large.
pub fn extended(filed: Filed<'_>) -> Result<Noted<Mapped>, Issue> {
    let Filed { path, content_type, bytes, source, .. } = filed;
    if source.facility.is_unstated() {
        return Err(Issue::new(&NO_FACILITY, Place::Whole));
    }
    if !path.disagreeing.is_empty() {
        return Err(Issue::with(&FOLDERS_DISAGREE, Place::Whole, path.disagreeing.join(", ")));
    }
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return Err(Issue::with(&TOO_LARGE, Place::Whole, format!("{} MiB", DOCUMENT_BYTES_MAX >> 20)));
    }
    let zone = source.zone_minutes;
    let day = path.date.as_deref().and_then(time::date_from_v2).unwrap_or_default();
    let made = path.stamp.as_deref().and_then(|stamp| time::from_v2(stamp, zone)).unwrap_or_default();
    let millisecond = |text: &str| Interval::parse(text, zone).map(|interval| interval.start);
    let occurred = millisecond(&made).or_else(|| millisecond(&day));
    let patient = PatientKey::derive(&source.facility, &path.patient);
    let mut out = Output::new(patient, source.facility.clone(), zone, None).with_book(filed.book);
    // A file says nothing of the patient but the number: whatever else was said is newer.
    out.occurred = Some(i64::MIN);
    patient_by_number(&path.patient, &mut out);
    out.occurred = occurred;
    let kind = if path.kind.code.is_empty() { &path.kind.local_code } else { &path.kind.code };
    let date = path.date.as_deref().unwrap_or("-");
    let key = format!("{kind}:{}:{date}:{}:{}", path.kind.words(), path.key, path.file);
    let id = out.id(ResourceType::DOCUMENT_REFERENCE, &format!("extended:{key}"));
    if path.flag == Flag::Deleted {
        let binary = out.id(ResourceType::BINARY, &format!("{}/file", id.as_str()));
        out.delete(ResourceType::BINARY, binary);
        out.delete(ResourceType::DOCUMENT_REFERENCE, id);
        return Ok(out.finish(None));
    }
    let mut content = keep(&mut out, &id, "file", content_type, bytes, Confidentiality::default());
    content.title = path.kind.words().to_owned();
    content.creation.clone_from(&made);
    let says = Description {
        status: if path.flag == Flag::Superseded { "superseded" } else { "current" },
        kind: &kind_codings(path, &out),
        kind_text: path.kind.words(),
        date: &made,
        period_start: &day,
        ..Description::default()
    };
    let reference = describe(&mut out, id, &key, &says, &[content.clone()]);
    provenance(&[content.url, reference], filed.letter, &mut out);
    Ok(out.finish(None))
}

/// The standard code of the kind, then the hospital's own.
fn kind_codings(path: &Extended, out: &Output) -> Vec<Coding<'static>> {
    let kind = &path.kind;
    let stated = [
        (&kind.code, &kind.name, if kind.system.is_empty() { "LN" } else { &kind.system }),
        (&kind.local_code, &kind.local_name, &kind.local_system),
    ];
    let coding = |(code, name, table): (&String, &String, &str)| {
        let table = if table.is_empty() { "document-kind" } else { table };
        let system = coding_system::resolve(table, code, &Place::Whole, &out.facility).uri;
        let owned = |text: &str| Cow::Owned(text.to_owned());
        Coding { system, version: Cow::default(), code: owned(code), display: owned(name), table: owned(table) }
    };
    stated.into_iter().filter(|(code, ..)| !code.is_empty()).map(coding).collect()
}

/// The Patient as far as a path tells: a number of the facility.
fn patient_by_number(number: &str, out: &mut Output) {
    let mut w = Writer::new();
    w.array("identifier", |w| {
        w.item(|w| {
            w.string("system", &out.facility.patient_number_system());
            w.string("value", number);
        });
    });
    out.facility_reference(&mut w, "managingOrganization", "");
    out.state_patient(w);
}

fn provenance(targets: &[String], letter: LetterId, out: &mut Output) {
    let letter = letter.hex();
    let mut w = Writer::new();
    w.array("target", |w| {
        targets.iter().for_each(|target| w.item(|w| w.string("reference", target)));
    });
    match out.occurred {
        Some(at) => w.string("recorded", &time::instant(at, out.zone_minutes)),
        None => w.object("_recorded", absent),
    }
    w.array("agent", |w| {
        w.item(|w| {
            w.concept("type", AGENT_TYPE, "author", "");
            out.facility_reference(w, "who", "");
        });
        w.item(|w| {
            w.concept("type", AGENT_TYPE, "assembler", "");
            w.object("who", |w| {
                w.object("identifier", |w| {
                    w.string("system", MAPPING);
                    w.string("value", MAP_VERSION);
                });
                w.string("display", "Tasuki");
            });
        });
    });
    w.array("entity", |w| {
        w.item(|w| {
            w.string("role", "source");
            w.object("what", |w| {
                w.object("identifier", |w| {
                    w.string("system", LETTER);
                    w.string("value", &letter);
                });
            });
        });
    });
    let id = out.id(ResourceType::PROVENANCE, &letter);
    out.put(ResourceType::PROVENANCE, id, w);
}

/// Says, in the Provenance of what a message in extended storage gave, what kind of document the message was.
pub fn name_source(mapped: &mut Mapped, path: &Extended) {
    for change in &mut mapped.changes {
        let Change::Put(draft) = change else { continue };
        if draft.resource_type != ResourceType::PROVENANCE {
            continue;
        }
        let Ok(mut members) = serde_json::from_str::<serde_json::Value>(&format!("{{{}}}", draft.members)) else {
            continue;
        };
        if let Some(what) = members.pointer_mut("/entity/0/what").and_then(serde_json::Value::as_object_mut) {
            what.insert("display".into(), path.kind.words().into());
            let text = members.to_string();
            draft.members = text.get(1..text.len() - 1).unwrap_or_default().to_owned();
        }
    }
}

/// Writes the extension that says that a value is not known.
fn absent(w: &mut Writer) {
    w.array("extension", |w| {
        w.item(|w| {
            w.string("url", system::DATA_ABSENT_REASON);
            w.string("valueCode", "unknown");
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::FacilityCode;

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
