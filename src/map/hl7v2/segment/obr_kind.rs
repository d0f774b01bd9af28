//! OBR-4 and OBR-24 (HL7 v2.5 sections 7.4.1.4 and 7.4.1.24): what was requested and which service reports it, as the
//! categories of JP Core's reports and results.

use crate::decode::hl7v2::Segment;
use crate::fhir::Writer;
use crate::map::Output;
use crate::map::hl7v2::datatype::cwe;
use crate::map::hl7v2::group::RequestGroup;
use crate::map::hl7v2::segment::obx_category::{self, Category, EXAM, IMAGING, LABORATORY, MICROBIOLOGY, PROCEDURE};

/// The kind of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// JP_DiagnosticReportCategory (LOINC parts); empty when not known.
    pub(crate) category: &'static str,
    /// JP_DocumentCodes: code and name; empty where JP Core names none.
    pub(crate) document: (&'static str, &'static str),
    /// The category of its results where their code does not say another.
    pub(crate) results: Category,
}

const LABORATORY_REPORT: Kind =
    Kind { category: "LP29693-6", document: ("11502-2", "検体検査報告書"), results: LABORATORY };
const MICROBIOLOGY_REPORT: Kind =
    Kind { category: "LP7819-8", document: ("18725-2", "微生物学的検査報告書"), results: MICROBIOLOGY };
const RADIOLOGY_REPORT: Kind =
    Kind { category: "LP29684-5", document: ("18748-4", "画像検査報告書"), results: IMAGING };
const ENDOSCOPY_REPORT: Kind = Kind { category: "LP7796-8", document: ("", ""), results: PROCEDURE };
const PHYSIOLOGY_REPORT: Kind = Kind { category: "", document: ("", ""), results: PROCEDURE };
const OTHER_REPORT: Kind = Kind { category: "", document: ("", ""), results: EXAM };

impl Kind {
    /// The kind of what an OBR reports. `is_laboratory`: the message is one that laboratories send (OUL, POCT).
    ///
    /// OBR-24 decides; else OBR-4 where it is JLAC10, JJ1017 or the endoscopists' code; else a specimen, a number or a code
    /// among the results makes it a laboratory's; pure text, or what is measured at the bedside, is nobody's in particular.
    pub(crate) fn of(group: &RequestGroup<'_>, is_laboratory: bool) -> Self {
        let by_section = group.request.and_then(|r| by_section(r.peek(24).component(1).raw().trim()));
        if let Some(kind) = by_section.or_else(|| group.request.and_then(by_code)) {
            return kind;
        }
        let is_measured = || {
            group.results.iter().any(|g| {
                let is_text = matches!(g.result.peek(2).raw(), "TX" | "FT" | "ED" | "RP");
                !is_text && obx_category::category(g.result, LABORATORY).is_of_laboratory()
            })
        };
        if is_laboratory || !group.specimens.is_empty() || is_measured() { LABORATORY_REPORT } else { OTHER_REPORT }
    }
}

/// What a laboratory is asked for, as ServiceRequest.category (R4 example value set): system, code, display.
pub(crate) const LABORATORY_SERVICE: (&str, &str, &str) =
    ("http://snomed.info/sct", "108252007", "Laboratory procedure");
/// What a radiology department is asked for.
pub(crate) const IMAGING_SERVICE: (&str, &str, &str) = ("http://snomed.info/sct", "363679005", "Imaging");

/// Whether a request is for images: by OBR-24, or a code of JJ1017.
pub(crate) fn is_of_images(request: Option<Segment<'_>>) -> bool {
    let kind = |r: Segment<'_>| by_section(r.peek(24).component(1).raw().trim()).or_else(|| by_code(r));
    request.and_then(kind) == Some(RADIOLOGY_REPORT)
}

/// HL7 table 0074.
fn by_section(section: &str) -> Option<Kind> {
    Some(match section {
        "MB" | "MCB" | "MYC" => MICROBIOLOGY_REPORT,
        "AU" | "BG" | "BLB" | "CG" | "CH" | "CP" | "GE" | "HM" | "IMM" | "LAB" | "OSL" | "PAT" | "SP" | "SR" | "TX"
        | "URN" | "VR" => LABORATORY_REPORT,
        "RAD" | "RX" | "IMG" | "CT" | "NMR" | "NMS" | "RUS" | "OUS" | "VUS" | "CUS" | "XRC" => RADIOLOGY_REPORT,
        "EC" | "EN" | "PF" | "CTH" => PHYSIOLOGY_REPORT,
        _ => return None,
    })
}

fn by_code(request: Segment<'_>) -> Option<Kind> {
    let item = request.peek(4);
    [(1, 3), (4, 6)].into_iter().find_map(|(code, table)| {
        let code = item.component(code);
        match item.component(table).raw() {
            "JJ1017" | "JJ1017P" | "JJ1017-16P" => Some(RADIOLOGY_REPORT),
            "LENDO" => Some(ENDOSCOPY_REPORT),
            "JC10" | "JLAC10" => match obx_category::of_code(code.raw().trim(), EXAM) {
                MICROBIOLOGY => Some(MICROBIOLOGY_REPORT),
                LABORATORY => Some(LABORATORY_REPORT),
                PROCEDURE => Some(PHYSIOLOGY_REPORT),
                EXAM => None,
                results => Some(Kind { results, ..OTHER_REPORT }),
            },
            _ => None,
        }
    })
}

/// What was requested.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Requested<'a> {
    /// The items of `coding`, as JSON.
    pub(crate) codings: &'a str,
    /// `text`.
    pub(crate) text: &'a str,
    /// What kind of report answers it.
    pub(crate) kind: Kind,
}

/// OBR-4 as the items of `coding`, and its text.
pub(crate) fn code(request: Option<Segment<'_>>, out: &mut Output) -> (String, String) {
    let Some(request) = request else { return Default::default() };
    let value = request.field(4);
    let mut w = Writer::new();
    w.array("coding", |w| cwe::codings(w, value, "", out));
    let codings = w.finish();
    let items = codings.strip_prefix("\"coding\":[").and_then(|c| c.strip_suffix(']')).unwrap_or_default();
    let text = cwe::text(value);
    (items.to_owned(), if text.is_empty() { cwe::code(value) } else { text })
}

/// A CodeableConcept as JSON; empty when there is nothing in it.
pub(crate) fn concept(codings: &str, text: &str) -> String {
    let mut w = Writer::new();
    if !codings.is_empty() {
        w.raw("coding", &format!("[{codings}]"));
    }
    w.string("text", text);
    if w.is_empty() { String::new() } else { format!("{{{}}}", w.finish()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::hl7v2::Message;
    use crate::map::hl7v2::group::{Style, order_groups};

    #[test]
    fn a_report_is_of_the_service_that_gives_it() {
        let cases = [
            ("OBR|1|||600-7^x^LN||||||||||||||||||||MB", MICROBIOLOGY_REPORT),
            ("OBR|1|||x^x^L||||||||||||||||||||HM\rOBX|1|TX|a", LABORATORY_REPORT),
            ("OBR|1|||x^x^L||||||||||||||||||||RAD\rOBX|1|NM|a", RADIOLOGY_REPORT),
            ("OBR|1|||9A110^標準１２誘導心電図^JC10\rOBX|1|NM|a", PHYSIOLOGY_REPORT),
            ("OBR|1|||10000000^Ｘ線^JJ1017\rOBX|1|TX|a", RADIOLOGY_REPORT),
            ("OBR|1|||6B010^培養同定^JC10", MICROBIOLOGY_REPORT),
            ("OBR|1|||x^x^L\rOBX|1|NM|a", LABORATORY_REPORT),
            ("OBR|1|||x^x^L\rOBX|1|TX|a", OTHER_REPORT),
            ("OBR|1|||x^x^L\rOBX|1|NM|9P100000000000001^体温^JC10", OTHER_REPORT),
            ("OBR|1|||x^x^L\rOBX|1|TX|a\rSPM|1", LABORATORY_REPORT),
        ];
        for (segments, kind) in cases {
            let text = format!("MSH|^~\\&|H\r{segments}");
            let message = Message::parse(&text).unwrap().value;
            assert_eq!(Kind::of(&order_groups(&message, Style::Results).requests[0], false), kind, "{segments}");
        }
        assert_eq!(Kind::of(&RequestGroup::default(), true), LABORATORY_REPORT);
    }
}
