//! ORC and OBR (HL7 v2.5 sections 4.5.1 and 4.5.3) of a message that is about something else (a document, a problem, a
//! referral): the ServiceRequest is mentioned, the order's own messages stand above it.

use crate::decode::hl7v2::Segment;
use crate::fhir::{ResourceType, Writer};
use crate::map::Output;
use crate::map::hl7v2::datatype::{cwe, ts};
use crate::map::hl7v2::group::RequestGroup;
use crate::map::hl7v2::segment::{nte, orc, tq1};

/// Mentions the request and gives `ServiceRequest/id`; `None` when it has neither number nor code. `otherwise` tells it
/// apart when there is no number.
pub(crate) fn mention(
    group: &RequestGroup<'_>,
    encounter: Option<&str>,
    otherwise: &str,
    out: &mut Output,
) -> Option<String> {
    let (order, request) = (group.order, group.request);
    let number = orc::order_number(order, request).or_else(|| filler_number(group));
    let code = request.map(|r| cwe::code(r.peek(4))).unwrap_or_default();
    if number.is_none() && code.is_empty() && request.is_none_or(|r| cwe::text(r.peek(4)).is_empty()) {
        return None;
    }
    let key = format!("{}/-/{code}/request", number.as_deref().unwrap_or(otherwise));
    let requester = orc::requester(order, request.map(|r| (r, 16)), out);
    let mut w = Writer::new();
    orc::identifiers(&mut w, order, request, None, out);
    if let Some(order) = order {
        w.object("requisition", |w| orc::identifier(w, order.field(4), "PGN", None, out));
    }
    w.string("status", orc::request_status(order));
    w.string("intent", "order");
    w.array("category", |w| {
        if let Some(order) = order.filter(|order| order.peek(29).is_valued()) {
            cwe::concept_item(w, order.field(29), "HL70482", out);
        }
    });
    w.string("priority", tq1::priority(group.timings.first().copied()));
    if let Some(request) = request {
        cwe::concept(&mut w, "code", request.field(4), "", out);
    }
    out.subject(&mut w, "subject");
    w.reference("encounter", encounter.unwrap_or_default());
    occurrence(&mut w, group, out);
    if let Some(order) = order.filter(|order| matches!(&*order.peek(1).text(), "NW" | "")) {
        ts::write(&mut w, "authoredOn", order.field(9), out);
    }
    w.reference("requester", requester.as_deref().unwrap_or_default());
    w.array("reasonCode", |w| {
        for reason in request.iter().flat_map(|r| r.field(31).repetitions()) {
            cwe::concept_item(w, reason, "", out);
        }
    });
    nte::notes(&mut w, &group.notes, request.map(|r| r.field(13)).as_slice());
    let id = out.id(ResourceType::SERVICE_REQUEST, &key);
    Some(out.put_weak(ResourceType::SERVICE_REQUEST, id, w))
}

/// When it is to be done: TQ1-7 and TQ1-8, else OBR-6.
fn occurrence(w: &mut Writer, group: &RequestGroup<'_>, out: &mut Output) {
    let timing = group.timings.first().filter(|t| t.peek(7).is_valued() || t.peek(8).is_valued());
    match (timing, group.request) {
        (Some(timing), _) => ts::period(w, "occurrencePeriod", timing.field(7), timing.field(8), out),
        (None, Some(request)) => ts::write(w, "occurrenceDateTime", request.field(6), out),
        (None, None) => {}
    }
}

fn filler_number(group: &RequestGroup<'_>) -> Option<String> {
    let segments: [Option<Segment<'_>>; 2] = [group.order, group.request];
    segments.into_iter().flatten().map(|s| orc::number(s.peek(3))).find(|number| !number.is_empty())
}
