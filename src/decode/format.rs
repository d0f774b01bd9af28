//! Which format a letter has, by its first characters.

use crate::decode::ssmix2::extended;

/// A format that a letter may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An HL7 v2 message in ER7 (`MSH`).
    Hl7v2,
    /// A FHIR resource in JSON.
    FhirJson,
    /// A FHIR resource in XML (namespace `http://hl7.org/fhir`).
    FhirXml,
    /// A CDA document (namespace `urn:hl7-org:v3`).
    Cda,
    /// One of our own JSON export layouts (`"layout": "…"`).
    ExportJson,
    /// One of our own CSV export layouts, or a sender's own CSV.
    Csv,
    /// A document to be kept as it is (PDF, image, text …), of SS-MIX2 extended storage: there the folders say what it
    /// is. With its MIME type.
    Document(&'static str),
}

/// What the bytes of a document begin with.
const MAGIC: [(&[u8], &str); 11] = [
    (b"%PDF-", "application/pdf"),
    (b"\xFF\xD8\xFF", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"{\\rtf", "application/rtf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "application/x-ole-storage"),
];

/// What containers hold goes by the name.
const BY_NAME: [(&str, &str); 6] = [
    (".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (".pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    (".doc", "application/msword"),
    (".xls", "application/vnd.ms-excel"),
    (".ppt", "application/vnd.ms-powerpoint"),
];

/// How far into a letter its root element is looked for.
const HEAD_BYTES_MAX: usize = 4096;

/// Byte order marks of UTF-16.
const MARK_LE: &[u8] = &[0xFF, 0xFE];
const MARK_BE: &[u8] = &[0xFE, 0xFF];

/// The format of a letter that came under `name`; `None` when it is none of them. Looks at the name only where the
/// content does not say it (CSV).
pub fn sniff(name: &str, bytes: &[u8]) -> Option<Format> {
    if extended(name).is_some() {
        return of_extended(name, bytes);
    }
    by_head(name, bytes)
}

/// In extended storage HL7 v2, FHIR and CDA are read as anywhere; everything else is a document.
fn of_extended(name: &str, bytes: &[u8]) -> Option<Format> {
    if let Some(kind) = binary(name, bytes) {
        return Some(Format::Document(kind));
    }
    // Without the zeros of XML in UTF-16.
    let head: Vec<u8> = bytes.iter().take(2 * HEAD_BYTES_MAX).filter(|b| **b != 0).copied().collect();
    let holds = |text: &str| memchr::memmem::find(&head, text.as_bytes()).is_some();
    match by_head(name, bytes) {
        Some(format @ (Format::Hl7v2 | Format::FhirXml)) => Some(format),
        Some(Format::FhirJson) if holds("\"resourceType\"") => Some(Format::FhirJson),
        Some(Format::FhirJson | Format::ExportJson) => Some(Format::Document("application/json")),
        Some(Format::Cda) if holds("urn:hl7-org:v3") => Some(Format::Cda),
        Some(Format::Cda) if holds("<html") || holds("<HTML") => Some(Format::Document("text/html")),
        Some(Format::Cda) => Some(Format::Document("text/xml")),
        Some(Format::Csv) => Some(Format::Document("text/csv")),
        _ => text(bytes).map(Format::Document),
    }
}

/// The MIME type of a document that is not text.
fn binary(name: &str, bytes: &[u8]) -> Option<&'static str> {
    if bytes.get(128..132) == Some(b"DICM") {
        return Some("application/dicom");
    }
    let (_, kind) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic))?;
    let name = name.to_ascii_lowercase();
    let is_container = matches!(*kind, "application/zip" | "application/x-ole-storage");
    let inside = BY_NAME.iter().find(|(ending, _)| is_container && name.ends_with(ending));
    Some(inside.map_or(kind, |(_, kind)| kind))
}

/// The MIME type of text; `None` when there are bytes in it that no text has, or nothing at all.
fn text(bytes: &[u8]) -> Option<&'static str> {
    if bytes.len() > 2 && (bytes.starts_with(MARK_LE) || bytes.starts_with(MARK_BE)) {
        return Some("text/plain; charset=UTF-16");
    }
    let is_text = |b: &u8| *b >= 0x20 || matches!(b, b'\t' | b'\n' | b'\r' | 0x0C | 0x1B);
    if bytes.iter().all(u8::is_ascii_whitespace) || !bytes.iter().all(is_text) {
        return None;
    }
    Some(match std::str::from_utf8(bytes) {
        Ok(_) if bytes.contains(&0x1B) => "text/plain; charset=ISO-2022-JP",
        Ok(_) => "text/plain",
        Err(_) => "text/plain; charset=Shift_JIS",
    })
}

fn by_head(name: &str, bytes: &[u8]) -> Option<Format> {
    if let [0xFF, 0xFE, b'<', 0, ..] | [0xFE, 0xFF, 0, b'<', ..] | [b'<', 0, ..] | [0, b'<', ..] = bytes {
        let head: Vec<u8> = bytes.iter().take(2 * HEAD_BYTES_MAX).filter(|b| **b != 0).copied().collect();
        return by_head(name, head.strip_prefix(MARK_LE).or(head.strip_prefix(MARK_BE)).unwrap_or(&head));
    }
    let start = bytes.iter().position(|b| !b.is_ascii_whitespace() && !matches!(b, 0xEF | 0xBB | 0xBF | 0x0B))?;
    let head = &bytes[start..bytes.len().min(start + HEAD_BYTES_MAX)];
    let holds = |text: &str| memchr::memmem::find(head, text.as_bytes()).is_some();
    match head.first()? {
        b'{' if !holds("\"resourceType\"") && holds("\"layout\"") => Some(Format::ExportJson),
        b'{' => Some(Format::FhirJson),
        b'<' if holds("ClinicalDocument") => Some(Format::Cda),
        b'<' if holds("http://hl7.org/fhir") => Some(Format::FhirXml),
        b'<' => Some(Format::Cda),
        _ if head.starts_with(b"MSH") => Some(Format::Hl7v2),
        _ if is_csv(name) => Some(Format::Csv),
        _ => None,
    }
}

/// `lab.csv`, and a part of it: `lab.csv#2-4`.
fn is_csv(name: &str) -> bool {
    let whole = name.rsplit_once('#').map_or(name, |(file, _)| file);
    [name, whole].iter().any(|name| name.to_ascii_lowercase().ends_with(".csv"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_characters_say_it() {
        assert_eq!(sniff("", b"\xEF\xBB\xBF\x0bMSH|"), Some(Format::Hl7v2));
        assert_eq!(sniff("x.csv", b"MSH|"), Some(Format::Hl7v2));
        assert_eq!(sniff("", b" {\"resourceType\":\"Patient\"}"), Some(Format::FhirJson));
        assert_eq!(sniff("", b"{\"layout\":\"x\"}"), Some(Format::ExportJson));
        assert_eq!(sniff("", b"<?xml?><Patient xmlns=\"http://hl7.org/fhir\">"), Some(Format::FhirXml));
        assert_eq!(sniff("", b"<ClinicalDocument xmlns=\"urn:hl7-org:v3\">"), Some(Format::Cda));
        let both = b"<ClinicalDocument xmlns=\"urn:hl7-org:v3\" xmlns:f=\"http://hl7.org/fhir\">";
        assert_eq!(sniff("", both), Some(Format::Cda));
        let wide: Vec<u8> =
            "\u{feff}<Patient xmlns=\"http://hl7.org/fhir\"/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(sniff("", &wide), Some(Format::FhirXml));
        assert_eq!(sniff("", b"<\0"), Some(Format::Cda));
        assert_eq!(sniff("a.CSV", b"a,b"), Some(Format::Csv));
        assert_eq!(sniff("a.csv#2-4,9", b"a,b"), Some(Format::Csv));
        assert_eq!(sniff("a#1.csv", b"a,b"), Some(Format::Csv));
        assert_eq!(sniff("a.txt", b"a,b"), None);
        assert_eq!(sniff("", b""), None);
    }

    #[test]
    fn documents_are_told_apart_in_extended_storage_only() {
        let of = |file: &str, bytes: &[u8]| sniff(&format!("1/20260601/^x^^18842-5^y^LN/c/{file}"), bytes);
        let document = |kind| Some(Format::Document(kind));
        assert_eq!(of("a", b"%PDF-1.7"), document("application/pdf"));
        assert_eq!(sniff("a.pdf", b"%PDF-1.7"), None);
        assert_eq!(of("a", b"\xFF\xD8\xFF\xE0"), document("image/jpeg"));
        assert_eq!(of("a", b"\x89PNG\r\n\x1a\n"), document("image/png"));
        assert_eq!(of("a", b"II*\0"), document("image/tiff"));
        assert_eq!(of("a.docx", b"PK\x03\x04"), document(BY_NAME[0].1));
        assert_eq!(of("a.txt", "記録".as_bytes()), document("text/plain"));
        assert_eq!(of("a.txt", b"\x8b\x4c\x98\x5e"), document("text/plain; charset=Shift_JIS"));
        assert_eq!(of("a.txt", b"\x1b$B5-O?\x1b(B"), document("text/plain; charset=ISO-2022-JP"));
        assert_eq!(of("a.csv", b"a,b"), document("text/csv"));
        assert_eq!(of("a.xml", b"<MML/>"), document("text/xml"));
        assert_eq!(of("main_document.hl7", b"MSH|^~\\&|"), Some(Format::Hl7v2));
        assert_eq!(of("a.xml", b"<ClinicalDocument xmlns=\"urn:hl7-org:v3\">"), Some(Format::Cda));
        assert_eq!(of("a.json", b"{\"resourceType\":\"Bundle\"}"), Some(Format::FhirJson));
        assert_eq!(of("a.bin", b"\0\x01\x02"), None);
        assert_eq!(of("a.txt", b" \n"), None);
    }
}
