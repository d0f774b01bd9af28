//! OBX-5 as a document (HL7 v2.5 sections 2.A.24 ED, 2.A.61 RP, and TX, FT, ST of a document's text).

use crate::decode::hl7v2::{Segment, Value};
use crate::fault::rules;
use crate::fhir::base64;
use crate::map::Output;
use crate::map::hl7v2::datatype::cwe;
use crate::map::hl7v2::segment::nte;

rules! {
    pub(crate) DATA_UNREADABLE "v2-data-unreadable" Warning Value
        "The data are not in the encoding {} that ED.4 states; they were kept as text."
        "データがED.4に示された符号化方式({})として読めないため、文字列のまま保存しました。"
    pub(crate) DATA_MISSING "v2-data-missing" Warning Required
        "The document's data are not in the message; only that it exists was taken over."
        "文書のデータ本体がメッセージに含まれていません。文書の存在のみを登録しました。"
}

/// What an OBX holds of a document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Lines of text; successive ones are one text.
    Text(String),
    /// Bytes of some type.
    Bytes {
        /// MIME type.
        content_type: String,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Kept by the sender, or not sent at all.
    Elsewhere {
        /// MIME type; may be empty.
        content_type: String,
        /// Where it is; empty when it was not sent.
        url: String,
    },
}

/// Whether OBX-2 is of a type that documents are made of.
pub(crate) fn is_part(result: Segment<'_>) -> bool {
    matches!(result.peek(2).text().trim(), "ED" | "RP" | "TX" | "FT" | "ST" | "")
}

/// The parts of an OBX: one for text, one for each repetition of ED and RP.
pub(crate) fn parts(result: Segment<'_>, out: &mut Output) -> Vec<Part> {
    let kind = result.field(2).text();
    let value = result.field(5);
    match kind.trim() {
        "ED" => value.repetitions().map(|one| encapsulated(one, out)).collect(),
        "RP" => value.repetitions().map(pointer).collect(),
        _ if value.is_null() => Vec::new(),
        _ => vec![Part::Text(nte::lines(value))],
    }
}

/// ED: source ^ type ^ subtype ^ encoding ^ data.
fn encapsulated(value: Value<'_>, out: &mut Output) -> Part {
    let (encoding, data) = (value.component(4).text(), value.component(5).whole_text());
    let stated = content_type(&value.component(2).text(), &value.component(3).text());
    if data.trim().is_empty() {
        out.doubt(&DATA_MISSING, &value);
        return Part::Elsewhere { content_type: stated, url: String::new() };
    }
    let bytes = match encoding.trim().to_ascii_lowercase().as_str() {
        "a" => Some(data.as_bytes().to_vec()),
        "hex" => hexadecimal(&data),
        // Base64, and senders who leave the encoding out.
        _ => base64::decode(&data),
    };
    let Some(bytes) = bytes else {
        out.issue_with(&DATA_UNREADABLE, value.component(5).place(), known_encoding(&encoding));
        return Part::Bytes { content_type: "text/plain".into(), bytes: data.into_owned().into_bytes() };
    };
    let content_type = if stated.is_empty() { "application/octet-stream".into() } else { stated };
    Part::Bytes { content_type, bytes }
}

/// RP: pointer ^ application ^ type ^ subtype. A pointer with spaces is no address until they are escaped.
fn pointer(value: Value<'_>) -> Part {
    let url = value.component(1).text().trim().replace(' ', "%20");
    Part::Elsewhere { content_type: content_type(&value.component(3).text(), &value.component(4).text()), url }
}

/// Tables 0834 (or 0191) and 0291 as a MIME type; empty when nothing was said.
pub(crate) fn content_type(kind: &str, subtype: &str) -> String {
    let (kind, subtype) = (kind.trim().to_ascii_lowercase(), subtype.trim().to_ascii_lowercase());
    let is_mime = |text: &str| text.split_once('/').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty());
    if let Some(whole) = [&subtype, &kind].into_iter().find(|text| is_mime(text)) {
        return whole.clone();
    }
    let top = match kind.as_str() {
        "ap" | "application" | "sd" => "application",
        "au" | "audio" => "audio",
        "im" | "image" => "image",
        "ns" => "application",
        "video" | "model" | "multipart" => &kind,
        "text" | "tx" | "ft" => "text",
        _ => by_subtype(&subtype),
    };
    match (top, subtype.as_str()) {
        ("", _) => String::new(),
        ("text", "") => "text/plain".into(),
        (_, "") => String::new(),
        ("image", "jpg") => "image/jpeg".into(),
        ("image", "tif") => "image/tiff".into(),
        (_, "rtf") => "application/rtf".into(),
        // CDA says of itself that it is XML (CDA R2, MIME package).
        (_, "x-hl7-cda-level-one" | "xhl7-cda-level-one") => "text/xml".into(),
        (_, "pdf") => "application/pdf".into(),
        (_, "dicom") => "application/dicom".into(),
        (top, subtype) => format!("{top}/{subtype}"),
    }
}

fn by_subtype(subtype: &str) -> &'static str {
    match subtype {
        "pdf" | "rtf" | "dicom" | "octet-stream" | "msword" | "zip" | "json" => "application",
        "jpeg" | "jpg" | "png" | "gif" | "tiff" | "tif" | "bmp" => "image",
        "html" | "plain" | "xml" | "csv" => "text",
        _ => "",
    }
}

/// The bytes behind pairs of hexadecimal digits; white space is passed over.
pub(crate) fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |b: u8| char::from(b).to_digit(16).map(|d| d as u8);
    digits.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// An issue may quote the codes of table 0299 and nothing else.
fn known_encoding(encoding: &str) -> &'static str {
    match encoding.trim().to_ascii_lowercase().as_str() {
        "a" => "A",
        "hex" => "Hex",
        "base64" => "Base64",
        "" => "-",
        _ => "?",
    }
}

/// What a part is called: the name of OBX-3, else its code.
pub(crate) fn title(result: Segment<'_>) -> String {
    let value = result.field(3);
    let text = cwe::text(value);
    if text.is_empty() { cwe::code(value) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::hl7v2::Message;
    use crate::fhir::{FacilityCode, PatientKey};

    fn parts_of(obx: &str) -> Vec<Part> {
        let text = format!("MSH|^~\\&|H\r{obx}");
        let message = Message::parse(&text).unwrap().value;
        let facility = FacilityCode::parse("H");
        let mut out = Output::new(PatientKey::derive(&facility, "1"), facility, 540, None);
        parts(message.first("OBX").unwrap(), &mut out)
    }

    fn bytes(content_type: &str, bytes: &[u8]) -> Vec<Part> {
        vec![Part::Bytes { content_type: content_type.into(), bytes: bytes.into() }]
    }

    #[test]
    fn encapsulated_data_are_read_by_their_encoding() {
        assert_eq!(parts_of("OBX|1|ED|x||^AP^PDF^Base64^JVBE"), bytes("application/pdf", b"%PD"));
        assert_eq!(parts_of("OBX|1|ED|x||^IM^JPEG^Hex^FFd8"), bytes("image/jpeg", &[0xff, 0xd8]));
        assert_eq!(parts_of("OBX|1|ED|x||^TEXT^plain^A^a&b\\T\\c"), bytes("text/plain", b"a&b&c"));
        assert_eq!(parts_of("OBX|1|ED|x||^^^Base64^Zm9v"), bytes("application/octet-stream", b"foo"));
        assert_eq!(parts_of("OBX|1|ED|x||^AP^PDF^Base64^<here>"), bytes("text/plain", b"<here>"));
        assert_eq!(parts_of("OBX|1|ED|x||^AP^PDF^Base64^Zg==~^AP^PDF^Base64^Zg==").len(), 2);
    }

    #[test]
    fn what_is_elsewhere_is_referred_to() {
        let elsewhere = |content_type: &str, url: &str| {
            vec![Part::Elsewhere { content_type: content_type.into(), url: url.into() }]
        };
        assert_eq!(
            parts_of("OBX|1|RP|x||https://x.example/a b.pdf^EHR^AP^PDF"),
            elsewhere("application/pdf", "https://x.example/a%20b.pdf")
        );
        assert_eq!(parts_of("OBX|1|ED|x||^application^pdf^Base64^"), elsewhere("application/pdf", ""));
    }

    #[test]
    fn content_types_are_mime_types() {
        for (kind, subtype, expected) in [
            ("AP", "PDF", "application/pdf"),
            ("", "PDF", "application/pdf"),
            ("application/pdf", "", "application/pdf"),
            ("IM", "jpg", "image/jpeg"),
            ("TEXT", "", "text/plain"),
            ("multipart", "x-hl7-cda-level-one", "text/xml"),
            ("multipart", "related", "multipart/related"),
            ("AP", "RTF", "application/rtf"),
            ("x", "y", ""),
            ("", "", ""),
        ] {
            assert_eq!(content_type(kind, subtype), expected, "{kind} {subtype}");
        }
    }
}
