//! OBR observation request (HL7 v2.5 section 7.4.1) to DiagnosticReport (JP_DiagnosticReport_LabResult).

use crate::decode::hl7v2::{Segment, Value};
use crate::fhir::{ResourceId, ResourceType, Writer};
use crate::map::Output;
use crate::map::hl7v2::datatype::{cwe, ndl, ts};
use crate::map::hl7v2::group::RequestGroup;
use crate::map::hl7v2::segment::obr_kind::Requested;
use crate::map::hl7v2::segment::obx::Written;
use crate::map::hl7v2::segment::{obx_performer, orc};

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
        let end = taken.component(2);
        let end = if end.is_valued() { ts::date_time(end, out).filter(|end| *end != start) } else { None };
        Some(Effective { start, end: end.unwrap_or_default() })
    }

    /// When it was: for an event that has one moment.
    pub(crate) fn start(&self) -> &str {
        &self.start
    }

    /// From one moment to another; `end` may be empty.
    pub(crate) fn between(start: String, end: String) -> Self {
        Effective { start, end }
    }

    /// Writes `effectiveDateTime` or `effectivePeriod`.
    pub(crate) fn write(&self, w: &mut Writer) {
        self.write_as(w, "effectiveDateTime", "effectivePeriod");
    }

    /// Writes one of two members: a moment or a period.
    pub(crate) fn write_as(&self, w: &mut Writer, moment: &str, period: &str) {
        if self.end.is_empty() {
            return w.string(moment, &self.start);
        }
        w.object(period, |w| {
            w.string("start", &self.start);
            w.string("end", &self.end);
        });
    }
}

/// What a report is about, beside its request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'a> {
    /// The ServiceRequest; empty when there is none.
    pub(crate) based_on: &'a str,
    /// The Encounter.
    pub(crate) visit: Option<&'a str>,
    /// The Specimens.
    pub(crate) specimens: &'a [String],
    /// The facility that reports (ORC-21).
    pub(crate) facility: Option<&'a str>,
    /// When it was observed.
    pub(crate) effective: Option<&'a Effective>,
    /// The Observations with their status and what the report repeats of them.
    pub(crate) results: &'a [Written],
    /// DiagnosticReport.status.
    pub(crate) status: &'static str,
    /// Whether the message only mentions it.
    pub(crate) is_mention: bool,
    /// `meta.security` as JSON; may be empty.
    pub(crate) security: &'a str,
}

/// Writes the DiagnosticReport; gives its reference.
pub(crate) fn diagnostic_report(
    group: &RequestGroup<'_>,
    id: ResourceId,
    code: Requested<'_>,
    parts: Parts<'_>,
    out: &mut Output,
) -> String {
    let mut w = Writer::new();
    let interpreters = people(group, &[32, 33], &["PI", "PRI", "ARI", "AI"], out);
    let performers = people(group, &[34, 35], &["PO", "TN", "TR"], out);
    orc::identifiers(&mut w, group.order, group.request, parts.facility, out);
    w.array("basedOn", |w| w.item(|w| w.string("reference", parts.based_on)));
    w.string("status", parts.status);
    w.array("category", |w| {
        w.item(|w| w.array("coding", |w| w.coding_item("http://loinc.org", code.kind.category, "")));
        if let Some(request) = group.request {
            cwe::concept_item(w, request.field(24), "HL70074", out);
        }
    });
    w.object("code", |w| report_code(w, code));
    out.subject(&mut w, "subject");
    w.reference("encounter", parts.visit.unwrap_or_default());
    if let Some(effective) = parts.effective {
        effective.write(&mut w);
    }
    issued(&mut w, group, out);
    w.array("performer", |w| {
        w.item(|w| w.string("reference", parts.facility.unwrap_or_default()));
        performers.iter().for_each(|p| w.item(|w| w.string("reference", p)));
    });
    w.array("resultsInterpreter", |w| interpreters.iter().for_each(|p| w.item(|w| w.string("reference", p))));
    w.array("specimen", |w| parts.specimens.iter().for_each(|s| w.item(|w| w.string("reference", s))));
    w.array("result", |w| parts.results.iter().for_each(|r| w.item(|w| w.string("reference", &r.reference))));
    let conclusions = parts.results.iter().map(|r| r.conclusion.as_str()).filter(|c| !c.is_empty());
    w.string("conclusion", &conclusions.collect::<Vec<_>>().join("\n"));
    w.array("presentedForm", |w| {
        parts.results.iter().flat_map(|r| &r.documents).for_each(|document| w.item_raw(document));
    });
    match parts.is_mention && parts.security.is_empty() {
        true => out.put_weak(ResourceType::DIAGNOSTIC_REPORT, id, w),
        false => out.put_labelled(ResourceType::DIAGNOSTIC_REPORT, id, w, security_meta(parts.security)),
    }
}

/// The persons of fields of OBR, and whom PRT name in one of these roles (PRT-4, table 0912 of v2.7).
fn people(group: &RequestGroup<'_>, fields: &[u16], roles: &[&str], out: &mut Output) -> Vec<String> {
    let mut found = Vec::new();
    for value in fields.iter().filter_map(|n| Some(group.request?.field(*n))).filter(Value::is_valued) {
        found.extend(ndl::practitioners(value, out));
    }
    for participant in &group.participants {
        if roles.contains(&&*participant.peek(4).component(1).text()) {
            found.extend(obx_performer::participant_of(*participant, out));
        }
    }
    found
}

/// The members of `meta` that say `security`.
pub(crate) fn security_meta(security: &str) -> Writer {
    let mut meta = Writer::default();
    if !security.is_empty() {
        meta.raw("security", security);
    }
    meta
}

/// The document code of JP Core, then OBR-4.
fn report_code(w: &mut Writer, code: Requested<'_>) {
    let (document, name) = code.kind.document;
    w.array("coding", |w| {
        w.coding_item(DOCUMENT_CODES, document, name);
        if !code.codings.is_empty() {
            w.item_raw(code.codings);
        }
    });
    let text = if code.text.is_empty() { name } else { code.text };
    // DiagnosticReport.code is required.
    w.string("text", if text.is_empty() && code.codings.is_empty() { "検査報告書" } else { text });
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
pub(crate) fn status(group: &RequestGroup<'_>, results: &[Written]) -> &'static str {
    stated(group).unwrap_or_else(|| match sum(group, results) {
        "final" if matches!(order_state(group), "A" | "IP") => "partial",
        sum => sum,
    })
}

/// OBR-25 (table 0123) as diagnostic-report-status.
pub(crate) fn stated(group: &RequestGroup<'_>) -> Option<&'static str> {
    Some(match stated_status(group) {
        "O" | "I" | "S" => "registered",
        "P" => "preliminary",
        "R" | "A" => "partial",
        "C" | "M" => "corrected",
        "F" => "final",
        "X" => "cancelled",
        "Y" | "Z" | "N" => "unknown",
        _ => return None,
    })
}

fn stated_status<'m>(group: &RequestGroup<'m>) -> &'m str {
    group.request.map(|r| r.field(25).raw().trim()).unwrap_or_default()
}

fn sum(group: &RequestGroup<'_>, results: &[Written]) -> &'static str {
    let has = |status: &str| results.iter().any(|r| r.status == status);
    let all = |statuses: &[&str]| results.iter().all(|r| statuses.contains(&r.status));
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
            let written =
                |status| Written { reference: String::new(), status, documents: Vec::new(), conclusion: String::new() };
            let results: Vec<_> = statuses.iter().copied().map(written).collect();
            assert_eq!(sum(&RequestGroup::default(), &results), expected, "{statuses:?}");
        }
    }
}
