//! OBR observation request (HL7 v2.5 section 7.4.1) to DiagnosticReport (JP_DiagnosticReport_LabResult).

use crate::decode::hl7v2::Segment;
use crate::fhir::{ResourceId, ResourceType, Writer};
use crate::map::Output;
use crate::map::hl7v2::datatype::{cwe, ts};
use crate::map::hl7v2::group::RequestGroup;
use crate::map::hl7v2::segment::orc;

const DOCUMENT_CODES: &str = "http://jpfhir.jp/fhir/core/CodeSystem/JP_DocumentCodes_CS";

/// When something was observed, as FHIR dateTimes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Effective {
    start: String,
    /// Empty when it is the same as the start, or not stated.
    end: String,
}

impl Effective {
    /// OBR-7 and OBR-8; where OBR says nothing, when the specimen was taken (SPM-17).
    pub(crate) fn of(request: Option<Segment<'_>>, specimen: Option<Segment<'_>>, out: &mut Output) -> Option<Self> {
        let start = request.and_then(|r| ts::date_time(r.field(7), out));
        let end = request.and_then(|r| ts::date_time(r.field(8), out));
        if let Some(start) = start {
            let end = end.filter(|end| *end != start).unwrap_or_default();
            return Some(Effective { start, end });
        }
        let taken = specimen?.peek(17);
        let start = ts::date_time(taken.component(1), out)?;
        Some(Effective { start, end: String::new() })
    }

    /// Writes `effectiveDateTime` or `effectivePeriod`.
    pub(crate) fn write(&self, w: &mut Writer) {
        if self.end.is_empty() {
            return w.string("effectiveDateTime", &self.start);
        }
        w.object("effectivePeriod", |w| {
            w.string("start", &self.start);
            w.string("end", &self.end);
        });
    }
}

/// What a report is about, beside its request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'a> {
    /// The ServiceRequest.
    pub(crate) based_on: &'a str,
    /// The Specimen.
    pub(crate) specimen: Option<&'a str>,
    /// The facility that reports (ORC-21).
    pub(crate) facility: Option<&'a str>,
    /// When it was observed.
    pub(crate) effective: Option<&'a Effective>,
    /// The Observations with their status.
    pub(crate) results: &'a [(String, &'static str)],
}

/// Writes the DiagnosticReport; gives its reference.
pub(crate) fn diagnostic_report(
    group: &RequestGroup<'_>,
    id: ResourceId,
    codings: &str,
    text: &str,
    parts: Parts<'_>,
    out: &mut Output,
) -> String {
    let mut w = Writer::new();
    orc::identifiers(&mut w, group.order, group.request, parts.facility, out);
    w.array("basedOn", |w| w.item(|w| w.string("reference", parts.based_on)));
    w.string("status", status(group, parts.results));
    w.array("category", |w| {
        w.item(|w| w.array("coding", |w| w.coding_item("http://loinc.org", "LP29693-6", "")));
        if let Some(request) = group.request {
            cwe::concept_item(w, request.field(24), "HL70074", out);
        }
    });
    w.object("code", |w| {
        w.array("coding", |w| {
            w.coding_item(DOCUMENT_CODES, "11502-2", "検体検査報告書");
            if !codings.is_empty() {
                w.item_raw(codings);
            }
        });
        w.string("text", if text.is_empty() { "検体検査報告書" } else { text });
    });
    out.subject(&mut w, "subject");
    if let Some(effective) = parts.effective {
        effective.write(&mut w);
    }
    issued(&mut w, group, out);
    w.array("performer", |w| w.item(|w| w.string("reference", parts.facility.unwrap_or_default())));
    w.array("specimen", |w| w.item(|w| w.string("reference", parts.specimen.unwrap_or_default())));
    w.array("result", |w| {
        for (reference, _) in parts.results {
            w.item(|w| w.string("reference", reference));
        }
    });
    out.put(ResourceType::DIAGNOSTIC_REPORT, id, w)
}

/// OBR-22, else ORC-9, where it is exact enough for an instant.
fn issued(w: &mut Writer, group: &RequestGroup<'_>, out: &mut Output) {
    let stated = group.request.map(|r| r.field(22)).filter(|v| v.is_valued());
    let stated = stated.or_else(|| group.order.map(|o| o.field(9)));
    if let Some(instant) = stated.and_then(|value| ts::instant(value, out)) {
        w.string("issued", &instant);
    }
}

/// OBR-25 (table 0123) as diagnostic-report-status, else what its results add up to; results that are all final are a
/// part while the order (ORC-5) is still being worked on.
fn status(group: &RequestGroup<'_>, results: &[(String, &'static str)]) -> &'static str {
    match stated_status(group) {
        "O" | "I" | "S" => "registered",
        "P" => "preliminary",
        "R" | "A" => "partial",
        "C" | "M" => "corrected",
        "F" => "final",
        "X" => "cancelled",
        "Y" | "Z" | "N" => "unknown",
        _ => match sum(group, results) {
            "final" if matches!(order_state(group), "A" | "IP") => "partial",
            sum => sum,
        },
    }
}

fn stated_status<'m>(group: &RequestGroup<'m>) -> &'m str {
    group.request.map(|r| r.field(25).raw().trim()).unwrap_or_default()
}

fn sum(group: &RequestGroup<'_>, results: &[(String, &'static str)]) -> &'static str {
    let has = |status: &str| results.iter().any(|(_, s)| *s == status);
    let all = |statuses: &[&str]| results.iter().all(|(_, s)| statuses.contains(s));
    if results.is_empty() {
        return if order_state(group) == "CM" { "final" } else { "registered" };
    }
    if all(&["entered-in-error"]) {
        "entered-in-error"
    } else if all(&["cancelled", "entered-in-error"]) {
        "cancelled"
    } else if all(&["registered", "cancelled"]) {
        "registered"
    } else if has("registered") {
        "partial"
    } else if has("preliminary") {
        if has("final") || has("corrected") || has("amended") { "partial" } else { "preliminary" }
    } else if has("unknown") {
        "unknown"
    } else if has("corrected") {
        "corrected"
    } else if has("amended") {
        "amended"
    } else {
        "final"
    }
}

/// The status of a result whose OBX-11 says nothing: OBR-25, or a completed order (ORC-5 CM); nothing is final unless
/// somebody said so.
pub(crate) fn status_of_silent_results(group: &RequestGroup<'_>) -> &'static str {
    match stated_status(group) {
        "F" => "final",
        "P" => "preliminary",
        "C" => "corrected",
        "X" => "cancelled",
        "" if order_state(group) == "CM" => "final",
        _ => "unknown",
    }
}

fn order_state<'m>(group: &RequestGroup<'m>) -> &'m str {
    group.order.map(|o| o.field(5).raw().trim()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_as_final_as_its_results() {
        let cases: [(&[&'static str], &str); 8] = [
            (&[], "registered"),
            (&["final", "final"], "final"),
            (&["final", "preliminary"], "partial"),
            (&["preliminary"], "preliminary"),
            (&["registered", "final"], "partial"),
            (&["final", "corrected"], "corrected"),
            (&["final", "cancelled"], "final"),
            (&["cancelled"], "cancelled"),
        ];
        for (statuses, expected) in cases {
            let results: Vec<_> = statuses.iter().map(|s| (String::new(), *s)).collect();
            assert_eq!(sum(&RequestGroup::default(), &results), expected, "{statuses:?}");
        }
    }
}
