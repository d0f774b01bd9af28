//! Names of coding systems (HL7 v2 table 0396 and the names Japanese senders use) to URIs.

use std::borrow::Cow;

use crate::fault::{IssueType, Place, Rule, Severity};
use crate::fhir::{FacilityCode, oid, system};

/// A code whose length its coding system does not know.
pub static CODE_SHAPE: Rule = Rule {
    id: "v2-code-shape",
    severity: Severity::Information,
    code: IssueType::CodeInvalid,
    en: "The code does not have the form its coding system {} prescribes; it was kept as a code of the sender's.",
    ja: "コードがコード体系{}の定める形式ではありません。施設独自のコードとして残しました。",
};
/// A place filled because the field is required: `00000000` where a master has numbers.
pub static FILLER_CODE: Rule = Rule {
    id: "v2-filler-code",
    severity: Severity::Information,
    code: IssueType::CodeInvalid,
    en: "The code under {} consists of zeros, so it says nothing; only the name was carried over.",
    ja: "{}のコードが「0」のみで、意味を持たない値です。名称だけを変換しました。",
};

/// Tables whose codes are never zeros alone.
const NATIONAL_MASTERS: [&str; 8] = ["MDCDX2", "JC10", "JLAC10", "HOT", "HOT7", "HOT9", "HOT13", "YJ"];

const V2: &str = "http://terminology.hl7.org/CodeSystem/v2-";

/// A URI, and what to note about the code that led to it.
#[derive(Debug)]
pub struct Resolved {
    /// The system.
    pub uri: Cow<'static, str>,
    /// A rule to note; its detail is the table's name.
    pub issue: Option<&'static Rule>,
}

/// The system of a code that the sender names by a table. A name that is nobody's standard gives a system derived from
/// the facility: a local code is always kept, and two facilities' local codes never mix. No name at all gives one
/// derived from the field.
pub fn resolve(table: &str, code: &str, place: &Place, facility: &FacilityCode) -> Resolved {
    let table = table.trim();
    if table.is_empty() {
        return local(&field_name(place), facility);
    }
    if let Some(uri) = fixed(table) {
        return known(uri);
    }
    match by_shape(table, code, place) {
        Some(Shape::Fits(uri)) => known(uri),
        Some(Shape::OfTheSender) => local(table, facility),
        Some(Shape::Misfits) => Resolved { issue: Some(&CODE_SHAPE), ..local(table, facility) },
        None => by_pattern(table).unwrap_or_else(|| local(table, facility)),
    }
}

/// Whether a code is a filler: zeros under a table that has no such code. Everything without a real code would be the
/// same thing to a reader who compares codes.
pub fn is_filler(table: &str, code: &str) -> bool {
    code.len() >= 4 && code.bytes().all(|b| b == b'0') && NATIONAL_MASTERS.contains(&table)
}

enum Shape {
    Fits(&'static str),
    /// In order, and without a published system.
    OfTheSender,
    Misfits,
}

/// Names that always mean the same URI.
fn fixed(table: &str) -> Option<&'static str> {
    Some(match table {
        "LN" | "LOINC" => "http://loinc.org",
        "SCT" | "SNM3" | "SNOMED-CT" => "http://snomed.info/sct",
        "UCUM" => system::UCUM,
        "I10" | "ICD10" => "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/ICD10-2013-full",
        "I10C" | "ICD10CM" => "http://hl7.org/fhir/sid/icd-10-cm",
        "I9C" => "http://hl7.org/fhir/sid/icd-9-cm",
        "MVX" => "http://hl7.org/fhir/sid/mvx",
        "CVX" => "http://hl7.org/fhir/sid/cvx",
        "NDC" => "http://hl7.org/fhir/sid/ndc",
        "RXNORM" => "http://www.nlm.nih.gov/research/umls/rxnorm",
        "YJ" => "http://capstandard.jp/iyaku.info/CodeSystem/YJ-code",
        "HL70162" => "http://jpfhir.jp/fhir/core/CodeSystem/route-codes",
        "HL70241" => "http://jpfhir.jp/fhir/core/CodeSystem/HL70241",
        "JHSD0006" => "http://jpfhir.jp/fhir/core/CodeSystem/JHSD0006",
        "JHSP0002" => "http://jpfhir.jp/fhir/core/CodeSystem/JHSP0002",
        "JHSP0007" => "http://jpfhir.jp/fhir/core/CodeSystem/JHSP0007",
        // The sample messages of SS-MIX2 call JHSI 表 0001 so.
        "JHSI0001" | "99I01" => "http://jpfhir.jp/fhir/core/CodeSystem/JHSI0001",
        "JHSI0003" => "http://jpfhir.jp/fhir/core/CodeSystem/JHSI0003",
        _ => return None,
    })
}

/// Names of families of tables: the code's form, or the field it stands in, says which one is meant.
fn by_shape(table: &str, code: &str, place: &Place) -> Option<Shape> {
    let digits = code.bytes().all(|b| b.is_ascii_digit());
    let uri = match table {
        "JC10" | "JLAC10" => match code.len() {
            17 => Some("http://medis.or.jp/CodeSystem/master-JLAC10-17digits"),
            3 if at(place, b"SPM", &[4]) => {
                Some("http://jpfhir.jp/fhir/core/CodeSystem/JP_ObservationSampleMaterialCode_CS")
            }
            // A request names a group of tests by the beginning of their codes (3 生化学的検査, 3A, 3A010), as it may.
            // Nobody published a URI for these.
            1 | 2 | 5 if at(place, b"OBR", &[4]) => return Some(Shape::OfTheSender),
            _ => None,
        },
        "HOT" | "HOT7" | "HOT9" | "HOT13" if digits => match code.len() {
            7 => Some("http://medis.or.jp/CodeSystem/master-HOT7"),
            9 => Some("http://medis.or.jp/CodeSystem/master-HOT9"),
            13 => Some("http://medis.or.jp/CodeSystem/master-HOT13"),
            _ => None,
        },
        "HOT" | "HOT7" | "HOT9" | "HOT13" => None,
        "MR9P" | "MERIT9" => Some(if is_dosage_form(place) {
            "http://jpfhir.jp/fhir/core/CodeSystem/JP_MedicationFormMERIT9_CS"
        } else if at(place, b"RXE", &[21]) || at(place, b"RXO", &[6]) {
            "http://jpfhir.jp/fhir/core/CodeSystem/JP_MedicationCategoryMERIT9_CS"
        } else {
            "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationUnitMERIT9Code"
        }),
        "JAMISDP01" => match code.len() {
            16 => Some("http://jami.jp/CodeSystem/MedicationUsage"),
            8 => Some("http://jami.jp/CodeSystem/MedicationUsageAdditional"),
            _ => None,
        },
        "MDCDX2" => disease(code, digits, place),
        "J-FAGY" | "JFAGY" => allergen(code),
        "HL70069" | "MML028" => return (digits && code.len() == 2).then_some(Shape::Fits(system::DEPARTMENT)),
        _ => return None,
    };
    Some(uri.map_or(Shape::Misfits, Shape::Fits))
}

/// MDCDX2 is the whole MEDIS 標準病名マスター: 8 digits are a 病名管理番号, 4 characters a 交換用コード, and in ZPR the
/// field says whether the code is a disease's or a modifier's.
fn disease(code: &str, digits: bool, place: &Place) -> Option<&'static str> {
    if at(place, b"ZPR", &[1, 3]) {
        return Some("http://medis.or.jp/CodeSystem/master-disease-modKeyNumber");
    }
    if at(place, b"ZPR", &[4, 6]) {
        return Some("http://medis.or.jp/CodeSystem/master-disease-modExCode");
    }
    match code.len() {
        8 if digits => Some("http://medis.or.jp/CodeSystem/master-disease-keyNumber"),
        4 => Some("http://medis.or.jp/CodeSystem/master-disease-exCode"),
        _ => None,
    }
}

/// J-FAGY codes begin with J9F (food) or J9N (neither food nor drug); the drug part has its own first letters.
fn allergen(code: &str) -> Option<&'static str> {
    match code.get(..3)? {
        "J9F" => Some("http://jpfhir.jp/fhir/core/CodeSystem/JP_JfagyFoodAllergen_CS"),
        "J9N" => Some("http://jpfhir.jp/fhir/core/CodeSystem/JP_JfagyNonFoodNonMedicationAllergen_CS"),
        _ => Some("http://jpfhir.jp/fhir/core/CodeSystem/JP_JfagyMedicationAllergen_CS"),
    }
}

/// `HL7nnnn` and object identifiers.
fn by_pattern(table: &str) -> Option<Resolved> {
    if let Some(number) = table.strip_prefix("HL7").or_else(|| table.strip_prefix("hl7")) {
        let valid = number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit());
        return valid.then(|| Resolved { uri: Cow::Owned(format!("{V2}{number}")), issue: None });
    }
    let oid = table.strip_prefix("urn:oid:").unwrap_or(table);
    if oid.contains('.') && oid.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        let uri = oid::url_of(oid).map_or_else(|| Cow::Owned(format!("urn:oid:{oid}")), Cow::Borrowed);
        return Some(Resolved { uri, issue: None });
    }
    table.contains("://").then(|| Resolved { uri: Cow::Owned(table.to_owned()), issue: None })
}

fn known(uri: &'static str) -> Resolved {
    Resolved { uri: Cow::Borrowed(uri), issue: None }
}

fn local(name: &str, facility: &FacilityCode) -> Resolved {
    Resolved { uri: Cow::Owned(facility.local_system(name)), issue: None }
}

fn is_dosage_form(place: &Place) -> bool {
    let fields = [(b"RXE", 6), (b"RXO", 5), (b"RXD", 6), (b"RXG", 8), (b"RXA", 8)];
    fields.iter().any(|(segment, field)| at(place, segment, &[*field]))
}

fn at(place: &Place, name: &[u8; 3], fields: &[u16]) -> bool {
    matches!(place, Place::Field { segment, field, .. } if segment == name && fields.contains(field))
}

/// `OBX-3`, whichever of the segments it is.
fn field_name(place: &Place) -> String {
    match place {
        Place::Field { segment, field, .. } => {
            format!("{}-{field}", std::str::from_utf8(segment).unwrap_or("???"))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEDIS: &str = "http://medis.or.jp/CodeSystem/master-";
    const JP_CORE: &str = "http://jpfhir.jp/fhir/core/CodeSystem/";

    fn uri(table: &str, code: &str, segment: &[u8; 3], field: u16) -> String {
        let place =
            Place::Field { segment: *segment, occurrence: 1, field, repetition: 1, component: 0, subcomponent: 0 };
        resolve(table, code, &place, &FacilityCode::parse("0119999901")).uri.into_owned()
    }

    #[test]
    fn names_lead_to_the_published_systems() {
        assert_eq!(uri("JC10", "3A010000002327101", b"OBX", 3), format!("{MEDIS}JLAC10-17digits"));
        assert_eq!(uri("JC10", "023", b"SPM", 4), format!("{JP_CORE}JP_ObservationSampleMaterialCode_CS"));
        assert_eq!(uri("HOT9", "110626901", b"RXE", 2), format!("{MEDIS}HOT9"));
        assert_eq!(uri("HOT", "1106269010101", b"RXE", 2), format!("{MEDIS}HOT13"));
        assert_eq!(uri("HL70127", "DA", b"AL1", 2), format!("{V2}0127"));
        assert_eq!(uri("MDCDX2", "20054174", b"PRB", 3), format!("{MEDIS}disease-keyNumber"));
        assert_eq!(uri("MDCDX2", "TSQF", b"ZPR", 5), format!("{MEDIS}disease-exCode"));
        assert_eq!(uri("MDCDX2", "4012", b"ZPR", 1), format!("{MEDIS}disease-modKeyNumber"));
        assert_eq!(uri("J-FAGY", "J9FC12000000", b"AL1", 3), format!("{JP_CORE}JP_JfagyFoodAllergen_CS"));
        assert_eq!(uri("1.2.392.200119.4.504", "x", b"OBX", 3), format!("{MEDIS}JLAC10-17digits"));
        assert_eq!(uri("HL70069", "01", b"PV1", 10), system::DEPARTMENT);
    }

    #[test]
    fn local_codes_stay_apart() {
        let other = FacilityCode::parse("0119999902");
        let here = FacilityCode::parse("0119999901");
        let place = Place::Whole;
        assert_ne!(resolve("99XYZ", "1", &place, &here).uri, resolve("99XYZ", "1", &place, &other).uri);
        assert_eq!(uri("99XYZ", "1", b"OBX", 3), uri("99XYZ", "1", b"OBX", 5));
        assert_ne!(uri("", "1", b"OBX", 3), uri("", "1", b"OBX", 5));
        let short = resolve("JC10", "9A110", &place, &here);
        assert_eq!(short.issue.map(|r| r.id), Some("v2-code-shape"));
        assert!(short.uri.starts_with("urn:oid:2.25."));
        let group =
            Place::Field { segment: *b"OBR", occurrence: 1, field: 4, repetition: 1, component: 0, subcomponent: 0 };
        assert!(resolve("JC10", "3", &group, &here).issue.is_none());
        assert!(resolve("JC10", "3", &group, &here).uri.starts_with("urn:oid:2.25."));
        assert!(is_filler("MDCDX2", "00000000") && !is_filler("99XYZ", "0000") && !is_filler("JC10", "0"));
    }
}
