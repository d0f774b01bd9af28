//! Which format a letter has, by its first characters.

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
}

/// How far into a letter its root element is looked for.
const HEAD_BYTES_MAX: usize = 4096;

/// Byte order marks of UTF-16.
const MARK_LE: &[u8] = &[0xFF, 0xFE];
const MARK_BE: &[u8] = &[0xFE, 0xFF];

/// The format of a letter that came under `name`; `None` when it is none of them. Looks at the name only where the
/// content does not say it (CSV).
pub fn sniff(name: &str, bytes: &[u8]) -> Option<Format> {
    if let [0xFF, 0xFE, b'<', 0, ..] | [0xFE, 0xFF, 0, b'<', ..] | [b'<', 0, ..] | [0, b'<', ..] = bytes {
        let head: Vec<u8> = bytes.iter().take(2 * HEAD_BYTES_MAX).filter(|b| **b != 0).copied().collect();
        return sniff(name, head.strip_prefix(MARK_LE).or(head.strip_prefix(MARK_BE)).unwrap_or(&head));
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
}
