//! OBX-5 of type ED or RP (HL7 v2.5 sections 2.A.24 and 2.A.65): a document or image, or where it lies, as Attachment.
//! R4 Observation has no valueAttachment, so R5's stands in the extension that HL7 defines for it.

use std::borrow::Cow;

use crate::decode::hl7v2::{Segment, Value};
use crate::fault::rules;
use crate::fhir::{Writer, base64};
use crate::map::Output;
use crate::map::hl7v2::segment::obx_document::{content_type, hexadecimal};
use crate::map::hl7v2::segment::obx_value::VALUE_NOT_OF_TYPE;

rules! {
    pub(crate) ATTACHMENT_TYPE_UNKNOWN "v2-attachment-type-unknown" Information Value
        "The kind of the document is not stated in a way that gives a media type."
        "文書・画像の種類(メディアタイプ)が特定できません。"
}

/// Where R4 puts what R5 has as `Observation.value[x]`.
pub(crate) const VALUE_EXTENSION: &str = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Observation.value";

/// A document or an image.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Attachment<'m> {
    content_type: String,
    /// base64; empty when the document lies elsewhere.
    data: Cow<'m, str>,
    url: Cow<'m, str>,
}

impl Attachment<'_> {
    /// Writes the members of an Attachment.
    pub(crate) fn members(&self, w: &mut Writer, title: &str) {
        w.string("contentType", &self.content_type);
        w.string("data", &self.data);
        w.string("url", &self.url);
        w.string("title", title);
    }

    /// Whether a report shows it as what was issued: a document that people read (a scanned one too), rather than a
    /// picture, a film or a wave; and whatever lies elsewhere.
    pub(crate) fn is_for_report(&self) -> bool {
        self.content_type.starts_with("text/")
            || self.content_type == "image/tiff"
            || !self.url.is_empty()
            || matches!(
                self.content_type.as_str(),
                "application/pdf"
                    | "application/xml"
                    | "application/rtf"
                    | "application/msword"
                    | "application/hl7-cda+xml"
            )
    }
}

/// The attachments of an OBX, one for each repetition; none where OBX-2 is another type or one of them cannot be read
/// (then all of it is kept as text).
pub(crate) fn attachments<'m>(result: Segment<'m>, out: &mut Output) -> Vec<Attachment<'m>> {
    let kind = result.peek(2).component(1).text();
    let value = result.peek(5);
    if !matches!(kind.trim(), "ED" | "RP") || !value.is_valued() {
        return Vec::new();
    }
    let read: Option<Vec<Attachment<'m>>> =
        value.repetitions().map(|v| if kind.trim() == "ED" { encapsulated(v) } else { pointer(v) }).collect();
    let Some(read) = read else {
        out.issue_with(&VALUE_NOT_OF_TYPE, value.place(), kind.trim());
        return Vec::new();
    };
    if read.iter().any(|a| a.content_type.is_empty()) {
        out.doubt(&ATTACHMENT_TYPE_UNKNOWN, &value);
    }
    result.ignore(&[2, 5]);
    read
}

/// ED: source, type, subtype, encoding, data. What the data begin with decides where the sender does not say the type.
fn encapsulated(value: Value<'_>) -> Option<Attachment<'_>> {
    let sent = value.component(5).whole_text();
    if sent.trim().is_empty() {
        return None;
    }
    let encoding = value.component(4).text();
    let data = match encoding.trim().to_ascii_lowercase().as_str() {
        "hex" => Cow::Owned(base64::encode(&hexadecimal(&sent)?)),
        "a" => Cow::Owned(base64::encode(sent.as_bytes())),
        "base64" => regular(sent)?,
        _ => regular(sent.clone()).unwrap_or_else(|| Cow::Owned(base64::encode(sent.as_bytes()))),
    };
    let stated = content_type(&value.component(2).text(), &value.component(3).text());
    let content_type = if stated.is_empty() { by_content(&data).to_owned() } else { stated };
    Some(Attachment { content_type, data, url: Cow::Borrowed("") })
}

/// RP: pointer, application, type, subtype.
fn pointer(value: Value<'_>) -> Option<Attachment<'_>> {
    let url = value.component(1).whole_text();
    let is_address = !url.is_empty() && !url.contains(|c: char| c.is_whitespace() || c.is_control());
    let content_type = content_type(&value.component(3).text(), &value.component(4).text());
    is_address.then_some(Attachment { content_type, data: Cow::Borrowed(""), url })
}

/// What base64 text begins with.
fn by_content(data: &str) -> &'static str {
    const BEGINNINGS: [(&str, &str); 7] = [
        ("JVBERi", "application/pdf"),
        ("/9j/", "image/jpeg"),
        ("iVBORw0KGgo", "image/png"),
        ("R0lGOD", "image/gif"),
        ("SUkqA", "image/tiff"),
        ("TU0AK", "image/tiff"),
        ("e1xydGY", "application/rtf"),
    ];
    BEGINNINGS.iter().find(|(beginning, _)| data.starts_with(beginning)).map_or("", |(_, kind)| kind)
}

/// base64 as FHIR has it, without line ends and with padding; `None` when it is none.
fn regular(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let bytes = base64::decode(&text).filter(|bytes| !bytes.is_empty())?;
    let is_regular = text.len().is_multiple_of(4) && !text.contains(|c: char| c.is_ascii_whitespace());
    Some(if is_regular { text } else { Cow::Owned(base64::encode(&bytes)) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::hl7v2::Message;
    use crate::fhir::{FacilityCode, PatientKey};

    fn read(kind: &str, value: &str) -> (Vec<String>, Vec<&'static str>) {
        let text = format!("MSH|^~\\&|H\rOBX|1|{kind}|X||{value}");
        let message = Message::parse(&text).unwrap().value;
        let facility = FacilityCode::parse("0119999901");
        let mut out = Output::new(PatientKey::derive(&facility, "1"), facility, 540, None);
        let read = attachments(message.first("OBX").unwrap(), &mut out);
        let texts = read.iter().map(|a| format!("{} {}{}", a.content_type, a.data, a.url)).collect();
        (texts, out.finish(None).issues.iter().map(|i| i.rule.id).collect())
    }

    #[test]
    fn documents_and_pointers_are_attachments() {
        let cases = [
            ("ED", "^AP^PDF^Base64^JVBERi0xLjQ=", "application/pdf JVBERi0xLjQ="),
            ("ED", "^IM^JPEG^Base64^AAAA", "image/jpeg AAAA"),
            ("ED", "^application^pdf^Base64^AAAA", "application/pdf AAAA"),
            ("ED", "^image/png^^Base64^AAAA", "image/png AAAA"),
            ("ED", "PDF^^^Base64^JVBE\\.br\\Ri0x", "application/pdf JVBERi0x"),
            ("ED", "^TEXT^^A^ab", "text/plain YWI="),
            ("ED", "^TEXT^^Hex^61 62 63", "text/plain YWJj"),
            ("ED", "^IM^x-emf^Base64^AAAA", "image/x-emf AAAA"),
            ("RP", "https://pacs.example/1?a\\T\\b^^IM^JPEG", "image/jpeg https://pacs.example/1?a&b"),
        ];
        for (kind, sent, expected) in cases {
            assert_eq!(read(kind, sent), (vec![expected.to_owned()], vec![]), "{sent}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_left_to_text() {
        let not = (Vec::new(), vec!["v2-value-not-of-type"]);
        for (kind, sent) in [
            ("ED", "^AP^PDF^Base64^AAAAA"),
            ("ED", "^AP^PDF^Base64^@"),
            ("ED", "^AP^PDF^Hex^6"),
            ("ED", "^AP"),
            ("RP", "in the drawer"),
        ] {
            assert_eq!(read(kind, sent), not, "{sent}");
        }
        assert_eq!(read("ED", ""), (Vec::new(), vec![]));
        assert_eq!(read("ST", "a"), (Vec::new(), vec![]));
        let unknown = (vec![" AAAA".to_owned()], vec!["v2-attachment-type-unknown"]);
        assert_eq!(read("ED", "^^^Base64^AAAA"), unknown);
    }
}
