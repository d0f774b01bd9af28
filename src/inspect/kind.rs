//! What kind of file it is, by its contents; by its name only where those do not say it.

use crate::decode::charset;
use crate::decode::format::{Format, sniff};
use crate::decode::ssmix2;
use crate::validate::care_plan;

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One FHIR resource in JSON.
    Json,
    /// FHIR resources in JSON, each in a line of its own.
    NdJson,
    /// One FHIR resource in XML.
    Xml,
    /// HL7 v2 messages.
    Message,
    /// A file of SS-MIX2 transaction storage.
    Transactions,
    /// A table of the care-plan exchange (ケアプランデータ連携標準仕様).
    CarePlan,
    /// Something else, as far as it can be told.
    Other(&'static str),
}

impl Kind {
    /// The kind of a file.
    pub fn of(name: &str, bytes: &[u8]) -> Kind {
        if ssmix2::transaction::is_transaction(bytes) {
            return Kind::Transactions;
        }
        let file = name.rsplit('/').next().unwrap_or(name);
        match sniff(file, bytes) {
            Some(Format::FhirJson) if is_ndjson(bytes) => Kind::NdJson,
            Some(Format::FhirJson) => Kind::Json,
            Some(Format::FhirXml) => Kind::Xml,
            Some(Format::Hl7v2) => Kind::Message,
            Some(Format::Cda) => Kind::Other("CDA / XML"),
            Some(Format::ExportJson) => Kind::Other("JSON"),
            Some(Format::Document(kind)) => Kind::Other(kind),
            Some(Format::Csv) | None => by_name(file, bytes),
        }
    }

    /// In a word, for people.
    pub fn label(self) -> &'static str {
        match self {
            Kind::Json => "FHIR JSON",
            Kind::NdJson => "FHIR NDJSON",
            Kind::Xml => "FHIR XML",
            Kind::Message => "HL7 v2",
            Kind::Transactions => "SS-MIX2 transactions",
            Kind::CarePlan => "care plan CSV",
            Kind::Other(what) => what,
        }
    }
}

/// What its characters do not say.
fn by_name(file: &str, bytes: &[u8]) -> Kind {
    let lower = file.to_ascii_lowercase();
    if care_plan::layout_of(file, &charset::decode_text(bytes).value).is_some() {
        return Kind::CarePlan;
    }
    match lower.rsplit_once('.').map_or("", |(_, ending)| ending) {
        // Broken from the first character on, and meant to be.
        "json" => Kind::Json,
        "ndjson" => Kind::NdJson,
        "xml" => Kind::Xml,
        "hl7" => Kind::Message,
        "csv" => Kind::Other("CSV"),
        _ if matches!(ssmix2::naming(file), ssmix2::Naming::Named(_)) => Kind::Message,
        _ if bytes.is_empty() => Kind::Other("empty / 空"),
        _ => Kind::Other("unknown / 不明"),
    }
}

/// Whether a second line begins an object where the first has ended one. A line that ends with a bracket or a comma goes on.
fn is_ndjson(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).map(<[u8]>::trim_ascii).filter(|l| !l.is_empty());
    let (Some(first), Some(second)) = (lines.next(), lines.next()) else { return false };
    second.first() == Some(&b'{') && !matches!(first.last(), Some(b'[' | b'{' | b',' | b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_say_the_kind_and_names_only_where_they_must() {
        for (name, text, expected) in [
            ("a.txt", "{\"resourceType\":\"Patient\"}", Kind::Json),
            ("a.json", "{\"resourceType\":\"Bundle\",\"entry\":[\n{\"resource\":{}}]}", Kind::Json),
            ("a.json", "\u{feff}{\"resourceType\":\"A\"}\r\n{\"resourceType\":\"B\"}", Kind::NdJson),
            ("a.json", "{\"resourceType\":\"A\"\n\n{\"resourceType\":\"B\"}", Kind::NdJson),
            ("a", "<Patient xmlns=\"http://hl7.org/fhir\"/>", Kind::Xml),
            ("a.csv", "MSH|^~\\&|", Kind::Message),
            ("a", "#SSMIX,2.00,x", Kind::Transactions),
            ("UP1KYO_0300000100_43_0300000005_11_20191025200201.CSV", "202407,1", Kind::CarePlan),
            ("a.xml", "<ClinicalDocument xmlns=\"urn:hl7-org:v3\"/>", Kind::Other("CDA / XML")),
            ("b.csv", "a,b", Kind::Other("CSV")),
            ("a.json", "[1]", Kind::Json),
            ("x/a.ndjson", "", Kind::NdJson),
            ("a.hl7", "PID|1", Kind::Message),
            ("1_-_ADT-00_999999999999999_20111220224447339_-_1", "PID|1", Kind::Message),
            ("a", "", Kind::Other("empty / 空")),
            ("a.pdf", "%PDF-1.7", Kind::Other("unknown / 不明")),
        ] {
            assert_eq!(Kind::of(name, text.as_bytes()), expected, "{name} {text}");
        }
    }
}
