//! ORC and OBR (HL7 v2.5 sections 4.5.1 and 7.4.1) to ServiceRequest (JP_ServiceRequest_Common).

use crate::decode::hl7v2::{Segment, Value};
use crate::fhir::{ResourceId, ResourceType, Writer};
use crate::map::Output;
use crate::map::hl7v2::datatype::{cwe, ts};
use crate::map::hl7v2::group::RequestGroup;
use crate::map::hl7v2::number::decimal;
use crate::map::hl7v2::segment::obr::{Effective, security_meta};
use crate::map::hl7v2::segment::{nte, orc, tq1};
use crate::map::hl7v2::unit::Unit;

const STATUS_REASON: &str = "http://hl7.org/fhir/StructureDefinition/request-statusReason";
const V3_ROLE_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-RoleCode";

/// What a request is about, beside its own segments.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Parts<'a> {
    /// `code` as JSON of a CodeableConcept; may be empty.
    pub(crate) code: &'a str,
    /// ServiceRequest.status.
    pub(crate) status: &'static str,
    /// What kind of service it is: system, code, display; empty when not known.
    pub(crate) category: (&'static str, &'static str, &'static str),
    /// The Encounter.
    pub(crate) visit: Option<&'a str>,
    /// The Specimens.
    pub(crate) specimens: &'a [&'a str],
    /// The facility that orders (ORC-21).
    pub(crate) facility: Option<&'a str>,
    /// The ServiceRequest it follows from.
    pub(crate) based_on: Option<&'a str>,
    /// Observations and reports that go with it.
    pub(crate) supporting: &'a [String],
    /// Items requested one by one, as JSON of CodeableConcepts.
    pub(crate) details: &'a [String],
    /// When it was or is to be done, where nothing nearer says it.
    pub(crate) observed: Option<&'a Effective>,
    /// `meta.security` as JSON.
    pub(crate) security: &'a str,
}

/// Writes the ServiceRequest; gives its reference.
pub(crate) fn service_request(group: &RequestGroup<'_>, id: ResourceId, parts: Parts<'_>, out: &mut Output) -> String {
    let (order, request) = (group.order, group.request);
    let requester = orc::requester(order, request.map(|r| (r, 16)), out);
    let mut w = Writer::new();
    w.array("extension", |w| {
        orc::department(w, order, out);
        if let Some(order) = order.filter(|o| o.peek(16).is_valued()) {
            w.item(|w| {
                w.string("url", STATUS_REASON);
                cwe::concept(w, "valueCodeableConcept", order.field(16), "", out);
            });
        }
    });
    orc::identifiers(&mut w, order, request, parts.facility, out);
    based_on(&mut w, group, parts.based_on, out);
    if let Some(order) = order {
        w.object("requisition", |w| orc::identifier(w, order.field(4), "PGN", None, out));
    }
    w.string("status", parts.status);
    w.string("intent", intent(request));
    categories(&mut w, order, parts.category, out);
    w.string("priority", priority(group));
    if !parts.code.is_empty() {
        w.raw("code", parts.code);
        // Invariant prr-1: details only of something.
        details(&mut w, request, parts.details, out);
    }
    quantity(&mut w, group, out);
    out.subject(&mut w, "subject");
    w.reference("encounter", parts.visit.unwrap_or_default());
    occurrence(&mut w, group, parts.observed, out);
    orc::authored_on(&mut w, order, out);
    w.reference("requester", requester.as_deref().unwrap_or_default());
    location(&mut w, order);
    reasons(&mut w, group, out);
    w.array("supportingInfo", |w| parts.supporting.iter().for_each(|s| w.item(|w| w.string("reference", s))));
    w.array("specimen", |w| parts.specimens.iter().for_each(|s| w.item(|w| w.string("reference", s))));
    let clinical = request.map(|r| r.field(13));
    nte::annotations(&mut w, &group.notes, clinical.as_slice(), out);
    out.put_labelled(ResourceType::SERVICE_REQUEST, id, w, security_meta(parts.security))
}

/// The parent in the same message, else its number (ORC-8, OBR-29; EIP: the placer's number, the filler's).
fn based_on(w: &mut Writer, group: &RequestGroup<'_>, parent: Option<&str>, out: &Output) {
    let fields = [group.order.map(|o| o.field(8)), group.request.map(|r| r.field(29))];
    w.array("basedOn", |w| {
        if let Some(parent) = parent {
            return w.item(|w| w.string("reference", parent));
        }
        let Some(field) = fields.into_iter().flatten().find(|field| field.is_valued()) else { return };
        w.item(|w| {
            let numbers = [(field.component(1), "PLAC"), (field.component(2), "FILL")];
            if let Some((number, kind)) = numbers.into_iter().find(|(number, _)| number.is_valued()) {
                w.object("identifier", |w| orc::nested_identifier(w, number, kind, out));
            }
        });
    });
}

/// OBR-11 (table 0065): G is what the laboratory adds because of a result.
fn intent(request: Option<Segment<'_>>) -> &'static str {
    let Some(request) = request else { return "order" };
    match request.peek(11).raw() {
        "G" => {
            request.ignore(&[11]);
            "reflex-order"
        }
        // L: a laboratory order, which is the usual; O: specimen taken by others than the service, which SPM says.
        "L" | "O" => {
            request.ignore(&[11]);
            "order"
        }
        _ => "order",
    }
}

/// ORC-29 (table 0482: I inpatients', O outpatients') and what kind of service it is.
fn categories(w: &mut Writer, order: Option<Segment<'_>>, kind: (&str, &str, &str), out: &mut Output) {
    let (system, code, display) = kind;
    w.array("category", |w| {
        w.item(|w| w.array("coding", |w| w.coding_item(system, code, display)));
        if let Some(order) = order {
            cwe::concept_item(w, order.field(29), "HL70482", out);
        }
    });
}

/// TQ1-9, else the sixth component of ORC-7 or OBR-27, else OBR-5.
fn priority(group: &RequestGroup<'_>) -> &'static str {
    let first = group.timings.iter().map(|t| tq1::priority(Some(*t))).find(|p| !p.is_empty());
    if let Some(priority) = first {
        return priority;
    }
    let older = [(group.order, 7, 6), (group.request, 27, 6), (group.request, 5, 1)];
    for (segment, field, component) in older {
        let Some(segment) = segment else { continue };
        let code = segment.peek(field).component(component).text();
        let priority = tq1::request_priority(code.trim());
        if !priority.is_empty() {
            segment.ignore(&[field]);
            return priority;
        }
    }
    ""
}

/// OBR-44 to 47, and the items that were requested one by one.
fn details(w: &mut Writer, request: Option<Segment<'_>>, items: &[String], out: &mut Output) {
    w.array("orderDetail", |w| {
        items.iter().for_each(|item| w.item_raw(item));
        let Some(request) = request else { return };
        for (field, table) in [(44, "HL70088"), (45, "HL70340"), (46, "HL70411"), (47, "HL70411")] {
            for detail in request.field(field).repetitions() {
                cwe::concept_item(w, detail, table, out);
            }
        }
    });
}

/// TQ1-2: how much of it.
fn quantity(w: &mut Writer, group: &RequestGroup<'_>, out: &Output) {
    let Some(timing) = group.timings.iter().find(|t| t.peek(2).is_valued()) else { return };
    let amount = timing.peek(2);
    if let Some(value) = decimal(&amount.component(1).text()) {
        timing.ignore(&[2]);
        Unit::of_quantity(amount, out).decimal(w, "quantityQuantity", &value);
    }
}

/// When it is to be done: TQ1-7 and 8, else TQ.4 and 5 of ORC-7 or OBR-27, else OBR-6, else when it was done.
fn occurrence(w: &mut Writer, group: &RequestGroup<'_>, observed: Option<&Effective>, out: &mut Output) {
    if let Some(timing) = group.timings.iter().find(|t| t.peek(7).is_valued() || t.peek(8).is_valued()) {
        return moments(w, timing.field(7), timing.field(8), out);
    }
    for (segment, field) in [(group.order, 7), (group.request, 27)] {
        let Some(timing) = segment.map(|s| s.peek(field)).filter(|t| is_only_when(*t)) else { continue };
        // The older message says it in both.
        for (other, number) in [(group.order, 7), (group.request, 27)] {
            if let Some(other) = other.filter(|s| s.peek(number).raw() == timing.raw()) {
                other.ignore(&[number]);
            }
        }
        return moments(w, timing.component(4), timing.component(5), out);
    }
    match group.request.filter(|r| r.peek(6).is_valued()) {
        Some(request) => ts::write(w, "occurrenceDateTime", request.field(6), out),
        None => {
            if let Some(observed) = observed {
                observed.write_as(w, "occurrenceDateTime", "occurrencePeriod");
            }
        }
    }
}

/// TQ with a start, and nothing that a single examination has no use for: once, how urgent.
fn is_only_when(timing: Value<'_>) -> bool {
    let others = [2, 3, 7, 8, 9, 10, 11, 12].iter().any(|n| timing.component(*n).is_valued());
    timing.component(4).is_valued() && !others && matches!(timing.component(1).raw(), "" | "1")
}

fn moments(w: &mut Writer, start: Value<'_>, end: Value<'_>, out: &mut Output) {
    if end.is_valued() && end.raw() != start.raw() {
        ts::period(w, "occurrencePeriod", start, end, out);
    } else {
        ts::write(w, "occurrenceDateTime", start, out);
    }
}

/// ORC-29 as where the service is given.
fn location(w: &mut Writer, order: Option<Segment<'_>>) {
    let kind = order.map(|o| cwe::code(o.peek(29))).unwrap_or_default();
    let (code, display) = match kind.as_str() {
        "I" => ("HOSP", "Hospital"),
        "O" => ("OF", "Outpatient facility"),
        _ => return,
    };
    w.array("locationCode", |w| {
        w.item(|w| w.array("coding", |w| w.coding_item(V3_ROLE_CODE, code, display)));
    });
}

/// OBR-31, and the diagnoses for which it is ordered (DG1-3, DG1-4).
fn reasons(w: &mut Writer, group: &RequestGroup<'_>, out: &mut Output) {
    w.array("reasonCode", |w| {
        for reason in group.request.iter().flat_map(|r| r.field(31).repetitions()) {
            cwe::concept_item(w, reason, "", out);
        }
        for diagnosis in &group.diagnoses {
            let (code, text) = (diagnosis.field(3), diagnosis.field(4).text());
            w.item(|w| {
                w.array("coding", |w| cwe::codings(w, code, "", out));
                let own = cwe::text(code);
                w.string("text", if own.is_empty() { text.trim() } else { &own });
            });
        }
    });
}

/// ORC-5 (table 0038), else ORC-1 (table 0119), else what the report says, as request-status.
pub(crate) fn status(order: Option<Segment<'_>>, report: Option<&str>) -> &'static str {
    let control = orc::control(order);
    let state = order.map(|o| o.field(5).text().trim().to_owned()).unwrap_or_default();
    match state.as_str() {
        "CM" => return "completed",
        "A" | "IP" | "SC" => return "active",
        "HD" => return "on-hold",
        "CA" | "DC" | "RP" => return "revoked",
        "ER" => return "entered-in-error",
        _ => {}
    }
    match (control.as_str(), report) {
        ("HD" | "HR" | "OH", _) => "on-hold",
        ("CA" | "CR" | "DC" | "DR" | "OC" | "OD", _) => "revoked",
        (_, Some("final" | "corrected" | "amended")) => "completed",
        (_, Some("cancelled")) => "revoked",
        (_, Some("registered" | "preliminary" | "partial")) => "active",
        ("NW" | "OK" | "PA" | "CH" | "RL" | "RO" | "XO" | "SC" | "SN" | "RE" | "AF" | "RQ" | "PY" | "XR", _) => {
            "active"
        }
        ("", None) => "active",
        _ => "unknown",
    }
}
