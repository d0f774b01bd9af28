//! OML, OMG and ORM (HL7 v2.5 sections 4.4.6, 4.4.4 and 4.4.1; SS-MIX2 OML-01, OMG-01, OMG-02, OMG-03): orders of
//! examinations. ServiceRequest per ORC and OBR, Specimen per SPM; what is told with the order is its supportingInfo.

use super::group::{RequestGroup, ResultGroup, Style, order_groups};
use super::result::{Examination, Shared, one, repeated_heads, security};
use super::result_links;
use super::segment::obr::{self, Effective};
use super::segment::obr_kind::{self, IMAGING_SERVICE, LABORATORY_SERVICE};
use super::segment::obx::Setting;
use super::segment::obx_category::EXAM;
use super::segment::orc::{self, ignore_whole};
use super::segment::service_request::{self, Parts};
use super::{Context, Output};
use crate::decode::hl7v2::Message;
use crate::fhir::Writer;
use crate::map::hl7v2::datatype::cwe;

/// OML^O21, OML^O33, OML^O35: laboratory orders.
pub(super) fn of_laboratory(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    map(message, LABORATORY_SERVICE, context, out);
}

/// OMG^O19: orders of any examination.
pub(super) fn of_examination(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    map(message, ("", "", ""), context, out);
}

pub(super) type Service = (&'static str, &'static str, &'static str);

fn map(message: &Message<'_>, service: Service, context: Context<'_>, out: &mut Output) {
    repeated_heads(message);
    let groups = order_groups(message, Style::Orders);
    let mut examination = Examination::new(message, &groups, context, out);
    examination.specimens(out);
    let prior = prior_results(&examination, out);
    // What orders something else than an examination (ODS, RQD) is left unread, and so reported.
    let is_ours = |group: &RequestGroup<'_>| !group.is_prior && !group.is_foreign;
    for (at, _) in groups.requests.iter().enumerate().filter(|(_, group)| is_ours(group)) {
        if examination.is_deleted {
            examination.forget(at, out);
            continue;
        }
        order(&examination, at, Told { service, report: None, supporting: &prior }, out);
    }
    examination.loose(out);
}

/// The reports of earlier examinations that the order repeats, as mentions.
fn prior_results(examination: &Examination<'_, '_>, out: &mut Output) -> Vec<String> {
    let mut references = Vec::new();
    for (at, group) in examination.groups.requests.iter().enumerate().filter(|(_, group)| group.is_prior) {
        if examination.is_deleted {
            group.segments().for_each(ignore_whole);
            group.results.iter().flat_map(ResultGroup::segments).for_each(ignore_whole);
            continue;
        }
        if let Some(order) = group.order {
            // PR, earlier results: so it is.
            order.ignore(&[1]);
        }
        let requested = obr_kind::code(group.request, out);
        let specimens = examination.specimens_of(at, out);
        let security = security(group, out);
        let facility = orc::facility(group.order, out);
        let shared = Shared {
            requested: (&requested.0, &requested.1),
            based_on: None,
            facility: facility.as_deref(),
            specimens: &specimens,
            security: &security,
        };
        references.push(examination.report(at, shared, out).report);
    }
    references
}

/// What is known of an order beside its own segments.
#[derive(Clone, Copy)]
pub(super) struct Told<'s> {
    /// What kind of service it asks for: system, code, display; empty when the message does not say.
    pub(super) service: Service,
    /// The status of what came of it, as a report has it; `None` while nothing did.
    pub(super) report: Option<&'s str>,
    /// What goes with it beside its OBX.
    pub(super) supporting: &'s [String],
}

/// Writes the Observations that go with an order and its ServiceRequest; gives the reference of that.
pub(super) fn order(examination: &Examination<'_, '_>, at: usize, told: Told<'_>, out: &mut Output) -> String {
    let Some((group, ids)) = examination.groups.requests.get(at).zip(examination.ids.requests.get(at)) else {
        return String::new();
    };
    let (codings, text) = obr_kind::code(group.request, out);
    let code = obr_kind::concept(&codings, &text);
    let security = security(group, out);
    let mut supporting = told_with(examination, at, (&code, &security), out);
    supporting.extend_from_slice(told.supporting);
    let specimens = examination.specimens_of(at, out);
    let specimens: Vec<&str> = specimens.iter().map(String::as_str).collect();
    let facility = orc::facility(group.order, out);
    let observed = Effective::of(group.request, None, out);
    let report = told.report.or_else(|| obr::stated(group));
    let parent = result_links::parent_request(examination.groups, at).and_then(|at| examination.service_request(at));
    let details = items(group, out);
    let parts = Parts {
        code: &code,
        status: service_request::status(group.order, report),
        category: if obr_kind::is_of_images(group.request) { IMAGING_SERVICE } else { told.service },
        visit: examination.visit.as_deref(),
        specimens: &specimens,
        facility: facility.as_deref(),
        based_on: parent.as_deref(),
        supporting: &supporting,
        details: &details,
        observed: observed.as_ref(),
        security: &security,
    };
    if let Some(order) = group.order {
        // Named rule `entered-by`.
        order.ignore(&[10, 13]);
    }
    service_request::service_request(group, ids.service_request.clone(), parts, out)
}

/// Writes the Observations that go with an order; gives their references. The items of [`items`] are not among them.
fn told_with(
    examination: &Examination<'_, '_>,
    at: usize,
    (code, security): (&str, &str),
    out: &mut Output,
) -> Vec<String> {
    let Some((group, ids)) = examination.groups.requests.get(at).zip(examination.ids.requests.get(at)) else {
        return Vec::new();
    };
    let setting = Setting {
        visit: examination.visit.as_deref(),
        requested: code,
        is_with_order: true,
        security,
        ..Setting::alone(EXAM)
    };
    let told = group.results.iter().zip(&ids.results).filter(|(result, _)| !is_item(result));
    told.filter_map(|(result, id)| one(result, id.clone(), setting, out)).map(|written| written.reference).collect()
}

/// Whether an OBX of an order names one of the items requested: it has no value, and OBX-11 says `O`, order detail only
/// (SS-MIX2 OML-01 lists the items of a panel so).
fn is_item(group: &ResultGroup<'_>) -> bool {
    !group.result.peek(5).is_valued() && matches!(group.result.peek(11).raw().trim(), "O" | "")
}

/// The items requested one by one, as JSON of CodeableConcepts.
fn items(group: &RequestGroup<'_>, out: &mut Output) -> Vec<String> {
    let mut items = Vec::new();
    for item in group.results.iter().filter(|result| is_item(result)) {
        let result = item.result;
        let mut w = Writer::new();
        cwe::members(&mut w, result.field(3), "", out);
        if !w.is_empty() {
            items.push(format!("{{{}}}", w.finish()));
        }
        // Named rule `item-of-an-order`: that it is an item says what type and status say.
        result.ignore(&[2, 4, 11]);
    }
    items
}
