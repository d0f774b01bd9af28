//! What for, as a request for a token says it: the authorization extension `hl7-b2b` of the assertion (HL7 UDAP Security,
//! business-to-business), or the parameter `purpose_of_use` of the form (IHE IUA). One of the two, and one purpose.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::consent::Purpose;

/// The code system v3-ActReason by its names: of FHIR, of v3, and the form in which UDAP writes it.
const SYSTEMS: [&str; 3] = [
    "http://terminology.hl7.org/CodeSystem/v3-ActReason",
    "urn:oid:2.16.840.1.113883.5.8",
    "http://hl7.org/fhir/v3/ActReason",
];
/// Its name in FHIR.
pub const ACT_REASON: &str = SYSTEMS[0];

/// Why a purpose does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPurpose {
    /// The extension is not what the standard says it is.
    Unreadable,
    /// None, or several: an access token is good for one.
    NotOne,
    /// No purpose that R4 knows.
    Unknown,
}

#[derive(Deserialize)]
struct Extensions<'a> {
    #[serde(rename = "hl7-b2b", borrow)]
    b2b: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct BusinessToBusiness {
    version: String,
    purpose_of_use: Vec<String>,
}

/// The purpose that the claim `extensions` states; `None` where it says nothing of business to business.
pub fn of_extensions(claim: &str) -> Result<Option<Purpose>, NoPurpose> {
    let extensions: Extensions<'_> = serde_json::from_str(claim).map_err(|_| NoPurpose::Unreadable)?;
    let Some(stated) = extensions.b2b else { return Ok(None) };
    let stated: BusinessToBusiness = serde_json::from_str(stated.get()).map_err(|_| NoPurpose::Unreadable)?;
    if stated.version != "1" {
        return Err(NoPurpose::Unreadable);
    }
    match stated.purpose_of_use.as_slice() {
        [one] => of_text(one).map(Some),
        _ => Err(NoPurpose::NotOne),
    }
}

/// A purpose by its code, with or without its code system (`COC`, `urn:oid:2.16.840.1.113883.5.8#COC`, `…|COC`).
pub fn of_text(text: &str) -> Result<Purpose, NoPurpose> {
    let code = match text.rsplit_once(['#', '|']) {
        Some((system, code)) if SYSTEMS.contains(&system) => code,
        Some(_) => return Err(NoPurpose::Unknown),
        None => text,
    };
    Purpose::parse(code).ok_or(NoPurpose::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_purpose_is_read_in_every_spelling() {
        for text in [
            "COC",
            "urn:oid:2.16.840.1.113883.5.8#COC",
            "http://terminology.hl7.org/CodeSystem/v3-ActReason#COC",
            "http://terminology.hl7.org/CodeSystem/v3-ActReason|COC",
        ] {
            assert_eq!(of_text(text), Ok(Purpose::COORDINATION_OF_CARE), "{text}");
            let claim = format!(r#"{{"hl7-b2b":{{"version":"1","organization_id":"x","purpose_of_use":["{text}"]}}}}"#);
            assert_eq!(of_extensions(&claim), Ok(Some(Purpose::COORDINATION_OF_CARE)), "{text}");
        }
        for text in ["", "coc", " COC", "COC TREAT", "#COC", "|COC", "urn:oid:1.2.3#COC", "TREAT#COC"] {
            assert_eq!(of_text(text), Err(NoPurpose::Unknown), "{text}");
        }
    }

    #[test]
    fn an_extension_is_as_the_standard_has_it_or_does_not_count() {
        assert_eq!(of_extensions("{}"), Ok(None));
        assert_eq!(of_extensions(r#"{"other":{"purpose_of_use":["COC"]}}"#), Ok(None));
        let b2b = |members: &str| of_extensions(&format!(r#"{{"hl7-b2b":{{{members}}}}}"#));
        for (members, expected) in [
            (r#""version":"1","purpose_of_use":[]"#, NoPurpose::NotOne),
            (r#""version":"1","purpose_of_use":["COC","TREAT"]"#, NoPurpose::NotOne),
            (r#""version":"1","purpose_of_use":["COC","COC"]"#, NoPurpose::NotOne),
            (r#""version":"1","purpose_of_use":["CARE"]"#, NoPurpose::Unknown),
            (r#""version":"1","purpose_of_use":"COC""#, NoPurpose::Unreadable),
            (r#""version":"1","purpose_of_use":[{"code":"COC"}]"#, NoPurpose::Unreadable),
            (r#""version":"1""#, NoPurpose::Unreadable),
            (r#""version":"2","purpose_of_use":["COC"]"#, NoPurpose::Unreadable),
            (r#""version":1,"purpose_of_use":["COC"]"#, NoPurpose::Unreadable),
            (r#""purpose_of_use":["COC"]"#, NoPurpose::Unreadable),
            (r#""version":"1","purpose_of_use":["COC"],"purpose_of_use":["TREAT"]"#, NoPurpose::Unreadable),
        ] {
            assert_eq!(b2b(members), Err(expected), "{members}");
        }
        for claim in ["null", "[]", "\"COC\"", r#"{"hl7-b2b":[]}"#, r#"{"hl7-b2b":{},"hl7-b2b":{}}"#] {
            assert_eq!(of_extensions(claim), Err(NoPurpose::Unreadable), "{claim}");
        }
    }
}
