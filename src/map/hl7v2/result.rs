//! ORU and OUL (HL7 v2.5 section 7.3; SS-MIX2 OML-11, OMG-13): results. Specimen per SPM, ServiceRequest and
//! DiagnosticReport per OBR with its ORC, Observation per OBX.

use super::group::{OrderGroups, RequestGroup, ResultGroup, Style, order_groups};
use super::order_key::{self, Ids};
use super::result_links::{self, Links};
use super::segment::obr::{self, Effective};
use super::segment::obr_kind::{self, Kind, Requested};
use super::segment::obx::{self, RESULT_WITHOUT_CODE, Setting, Written};
use super::segment::obx_category::LABORATORY;
use super::segment::orc::{self, CANCELLED_WITHOUT_CONTENT, ignore_whole};
use super::segment::{obr_specimen, prb, service_request, spm};
use super::{Context, Output, visit};
use crate::decode::hl7v2::{Message, Segment, Value};
use crate::decode::ssmix2::Flag;
use crate::fault::Place;
use crate::fhir::{ResourceId, ResourceType};

/// ORU: results under their request.
pub(super) fn of_requests(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    map(message, Style::Results, false, context, out);
}

/// OUL: results that a laboratory sends of specimens.
pub(super) fn of_specimens(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    map(message, Style::ResultsRequestFirst, true, context, out);
}

fn map(message: &Message<'_>, style: Style, is_laboratory: bool, context: Context<'_>, out: &mut Output) {
    repeated_heads(message);
    let groups = order_groups(message, style);
    let mut examination = Examination::new(message, &groups, context, out);
    (examination.is_laboratory, examination.takes_back) = (is_laboratory, true);
    examination.specimens(out);
    for at in 0..groups.requests.len() {
        examination.request(at, out);
    }
    examination.loose(out);
}

/// Named rule `repeated-head`: senders repeat PID and PV1 before each request; what says the same is not said again.
pub(super) fn repeated_heads(message: &Message<'_>) {
    for name in ["PID", "PV1"] {
        let Some(first) = message.first(name) else { continue };
        for repeated in message.all(name).skip(1) {
            for number in 1..=repeated.field_count() {
                if number == 1 || repeated.peek(number).raw() == first.peek(number).raw() {
                    repeated.ignore(&[number]);
                }
            }
        }
    }
}

/// The parts of a message about examinations while they are mapped.
pub(super) struct Examination<'a, 'm> {
    pub(super) groups: &'a OrderGroups<'m>,
    pub(super) ids: Ids,
    pub(super) links: Links,
    /// The Encounter.
    pub(super) visit: Option<String>,
    /// Whether the file is marked as deleted.
    pub(super) is_deleted: bool,
    /// Whether a cancelled order takes back what hangs on it: that of a result message does; an order message says it of
    /// the order itself.
    takes_back: bool,
    /// The Specimens that were written.
    written: Vec<Option<String>>,
    is_laboratory: bool,
}

/// What a report shares with its results.
#[derive(Clone, Copy)]
pub(super) struct Shared<'s> {
    /// OBR-4: the items of `coding` as JSON, and its text.
    pub(super) requested: (&'s str, &'s str),
    /// The ServiceRequest.
    pub(super) based_on: Option<&'s str>,
    /// The facility of ORC-21.
    pub(super) facility: Option<&'s str>,
    /// The Specimens.
    pub(super) specimens: &'s [String],
    /// `meta.security` as JSON; may be empty.
    pub(super) security: &'s str,
}

/// What was written of a request.
pub(super) struct Reported {
    /// `DiagnosticReport/id`.
    pub(super) report: String,
    status: &'static str,
    /// Observations that answer what was asked with the order.
    answers: Vec<String>,
}

impl<'a, 'm> Examination<'a, 'm> {
    pub(super) fn new(
        message: &Message<'_>,
        groups: &'a OrderGroups<'m>,
        context: Context<'_>,
        out: &mut Output,
    ) -> Self {
        let file_order = context.name.and_then(|name| name.order.as_deref());
        let ids = order_key::ids(groups, file_order, out);
        let is_deleted = context.name.is_some_and(|name| name.flag == Flag::Deleted);
        let visit = if is_deleted { None } else { visit::mention(message, out) };
        let (links, written) = (result_links::links(groups), Vec::new());
        let (takes_back, is_laboratory) = (false, false);
        Examination { groups, ids, links, visit, is_deleted, takes_back, written, is_laboratory }
    }

    /// Writes the Specimens and what was found about them; deletes those of which every request is taken back.
    pub(super) fn specimens(&mut self, out: &mut Output) {
        for (at, group) in self.groups.specimens.iter().enumerate() {
            let mut naming = self.groups.requests.iter().filter(|r| r.specimens.contains(&at)).peekable();
            let is_named = naming.peek().is_some();
            let is_gone = self.is_deleted || (is_named && naming.all(|r| self.is_taken_back(r)));
            let Some(id) = self.ids.specimens.get(at).cloned() else { continue };
            let ids = self.ids.of_specimens.get(at).cloned().unwrap_or_default();
            if is_gone {
                out.delete(ResourceType::SPECIMEN, id);
                let around = group.notes.iter().chain(&group.containers);
                std::iter::once(&group.specimen).chain(around).for_each(|s| ignore_whole(*s));
                forget(&group.results, &ids, out);
                self.written.push(None);
                continue;
            }
            let request = self.groups.requests.iter().filter(|r| r.specimens.contains(&at)).find_map(|r| r.request);
            let reference = spm::specimen(group, request, id, out);
            let effective = Effective::of(None, Some(group.specimen), out);
            let setting = Setting {
                specimen: Some(&reference),
                is_of_specimen: true,
                visit: self.visit.as_deref(),
                effective: effective.as_ref(),
                ..Setting::alone(LABORATORY)
            };
            observations(&group.results, &ids, |_| setting, out);
            self.written.push(Some(reference));
        }
    }

    fn is_taken_back(&self, group: &RequestGroup<'_>) -> bool {
        self.is_deleted || (self.takes_back && orc::is_cancelled(group.order))
    }

    /// Writes a request with its report and results, or takes them back.
    fn request(&self, at: usize, out: &mut Output) {
        let Some((group, ids)) = self.groups.requests.get(at).zip(self.ids.requests.get(at)) else { return };
        if self.is_taken_back(group) {
            return self.forget(at, out);
        }
        let requested = obr_kind::code(group.request, out);
        let facility = orc::facility(group.order, out);
        let based_on = self.service_request(at);
        let specimens = self.specimens_of(at, out);
        let security = security(group, out);
        let shared = Shared {
            requested: (&requested.0, &requested.1),
            based_on: based_on.as_deref(),
            facility: facility.as_deref(),
            specimens: &specimens,
            security: &security,
        };
        let reported = self.report(at, shared, out);
        let specimens: Vec<&str> = specimens.iter().map(String::as_str).collect();
        let parent = result_links::parent_request(self.groups, at).and_then(|at| self.service_request(at));
        let parts = service_request::Parts {
            code: &obr_kind::concept(&requested.0, &requested.1),
            status: service_request::status(group.order, Some(reported.status)),
            visit: self.visit.as_deref(),
            specimens: &specimens,
            facility: facility.as_deref(),
            based_on: parent.as_deref(),
            supporting: &reported.answers,
            security: &security,
            ..service_request::Parts::default()
        };
        service_request::service_request(group, ids.service_request.clone(), parts, out);
        if let Some(order) = group.order {
            // Named rule `entered-by`: ServiceRequest has no place for who typed it.
            order.ignore(&[10, 13]);
        }
    }

    /// Writes the results of a request and its DiagnosticReport. Without `based_on` they are only mentioned: earlier ones
    /// that an order repeats.
    pub(super) fn report(&self, at: usize, shared: Shared<'_>, out: &mut Output) -> Reported {
        let Some((group, ids)) = self.groups.requests.get(at).zip(self.ids.requests.get(at)) else {
            return Reported { report: String::new(), status: "unknown", answers: Vec::new() };
        };
        let first = group.specimens.first().and_then(|at| self.groups.specimens.get(*at)).map(|s| s.specimen);
        let effective = Effective::of(group.request, first, out);
        let kind = Kind::of(group, self.is_laboratory);
        let (codings, text) = shared.requested;
        let code = obr_kind::concept(codings, text);
        let is_mention = shared.based_on.is_none();
        // An earlier examination was not of this visit.
        let visit = self.visit.as_deref().filter(|_| !is_mention);
        let mut results = Vec::with_capacity(group.results.len());
        let mut answers = Vec::new();
        for (number, (result, id)) in group.results.iter().zip(&ids.results).enumerate() {
            let place = (at, number);
            let members: Vec<String> = self.links.members(place).filter_map(|p| self.observation(p)).collect();
            let parent = self.links.parent(place).and_then(|p| self.observation(p));
            let setting = Setting {
                based_on: shared.based_on,
                specimen: self.specimen_of(result, shared.specimens),
                visit,
                effective: effective.as_ref(),
                silent_status: obr::status_of_silent_results(group),
                requested: &code,
                is_mention,
                security: shared.security,
                members: &members,
                parent: parent.as_deref(),
                ..Setting::alone(kind.results)
            };
            match one(result, id.clone(), setting, out) {
                Some(written) if obx::is_answer(result.result) => answers.push(written.reference),
                written => results.extend(written),
            }
        }
        let status = obr::status(group, &results);
        let parts = obr::Parts {
            based_on: shared.based_on.unwrap_or_default(),
            visit,
            specimens: shared.specimens,
            facility: shared.facility,
            effective: effective.as_ref(),
            results: &results,
            status,
            is_mention,
            security: shared.security,
        };
        let report = obr::diagnostic_report(group, ids.report.clone(), Requested { codings, text, kind }, parts, out);
        Reported { report, status, answers }
    }

    /// The Specimens of a request: its SPM, else what its OBR tells of one.
    pub(super) fn specimens_of(&self, at: usize, out: &mut Output) -> Vec<String> {
        let Some((group, ids)) = self.groups.requests.get(at).zip(self.ids.requests.get(at)) else { return Vec::new() };
        if !group.specimens.is_empty() {
            return group.specimens.iter().filter_map(|at| self.written.get(*at)?.clone()).collect();
        }
        let Some(request) = group.request.filter(|r| obr_specimen::is_told(*r)) else { return self.inherited(at) };
        let id = out.id(ResourceType::SPECIMEN, &format!("{}/OBR-15", ids.key));
        let taken = Effective::of(Some(request), None, out);
        vec![obr_specimen::specimen(request, taken.as_ref(), id, out)]
    }

    /// A request that goes on from another's result (OBR-26) is about what that one was: an organism grown from it.
    fn inherited(&self, at: usize) -> Vec<String> {
        let child = self.groups.requests.get(at).and_then(|group| group.request).filter(|r| r.peek(26).is_valued());
        let parent = child.and_then(|_| result_links::parent_request(self.groups, at));
        let parent = parent.and_then(|at| self.groups.requests.get(at));
        let places = parent.map(|group| group.specimens.as_slice()).unwrap_or_default();
        places.iter().filter_map(|at| self.written.get(*at)?.clone()).collect()
    }

    /// The specimen of one result: the one OBX-33 names (EIP, v2.8.2), the one it stands behind, else the only one of its
    /// request.
    fn specimen_of<'s>(&'s self, result: &ResultGroup<'_>, of_request: &'s [String]) -> Option<&'s str> {
        let place = self.named_specimen(result.result).or(result.specimen);
        match (place, of_request) {
            (Some(at), _) => self.written.get(at)?.as_deref(),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }

    fn named_specimen(&self, result: Segment<'_>) -> Option<usize> {
        let named = result.peek(33);
        let numbers = |pair: Value<'_>| [1, 2].map(|n| pair.component(n).subcomponent(1).text().trim().to_owned());
        if !named.is_valued() {
            return None;
        }
        let wanted = numbers(named);
        let fits = |number: &String| !number.is_empty() && wanted.contains(number);
        let found = self.groups.specimens.iter().position(|s| numbers(s.specimen.peek(2)).iter().any(fits))?;
        result.ignore(&[33]);
        Some(found)
    }

    /// `ServiceRequest/id` of a request of this message.
    pub(super) fn service_request(&self, at: usize) -> Option<String> {
        Some(format!("ServiceRequest/{}", self.ids.requests.get(at)?.service_request.as_str()))
    }

    fn observation(&self, (request, result): (usize, usize)) -> Option<String> {
        let id = self.ids.requests.get(request)?.results.get(result)?.as_ref()?;
        Some(format!("Observation/{}", id.as_str()))
    }

    /// OBX under neither a request nor a specimen.
    pub(super) fn loose(&self, out: &mut Output) {
        let groups = &self.groups.results;
        if self.is_deleted {
            return forget(groups, &self.ids.results, out);
        }
        let setting = Setting { visit: self.visit.as_deref(), ..Setting::alone(LABORATORY) };
        observations(groups, &self.ids.results, |_| setting, out);
    }

    /// Deletes a request with its report and results.
    pub(super) fn forget(&self, at: usize, out: &mut Output) {
        let Some((group, ids)) = self.groups.requests.get(at).zip(self.ids.requests.get(at)) else { return };
        out.delete(ResourceType::SERVICE_REQUEST, ids.service_request.clone());
        group.segments().for_each(ignore_whole);
        if self.takes_back {
            out.delete(ResourceType::DIAGNOSTIC_REPORT, ids.report.clone());
        }
        if self.takes_back && group.results.is_empty() {
            out.issue(&CANCELLED_WITHOUT_CONTENT, group.own().next().map_or(Place::Whole, |s| s.place(0)));
        }
        forget(&group.results, &ids.results, out);
    }
}

/// Writes one result; notes it when it does not say of what it is.
pub(super) fn one(
    group: &ResultGroup<'_>,
    id: Option<ResourceId>,
    setting: Setting<'_>,
    out: &mut Output,
) -> Option<Written> {
    let Some(id) = id else {
        out.issue(&RESULT_WITHOUT_CODE, group.result.place(3));
        group.segments().for_each(ignore_whole);
        return None;
    };
    Some(obx::observation(group, id, setting, out))
}

/// Writes results that share a setting but for what `setting` says of each.
pub(super) fn observations<'s>(
    groups: &[ResultGroup<'_>],
    ids: &[Option<ResourceId>],
    setting: impl Fn(&ResultGroup<'_>) -> Setting<'s>,
    out: &mut Output,
) -> Vec<Written> {
    groups.iter().zip(ids).filter_map(|(group, id)| one(group, id.clone(), setting(group), out)).collect()
}

fn forget(groups: &[ResultGroup<'_>], ids: &[Option<ResourceId>], out: &mut Output) {
    for (group, id) in groups.iter().zip(ids) {
        if let Some(id) = id {
            out.delete(ResourceType::OBSERVATION, id.clone());
        }
        group.segments().for_each(ignore_whole);
    }
}

/// ORC-28 (table 0177) as `meta.security`: it is about the order and all that comes of it.
pub(super) fn security(group: &RequestGroup<'_>, out: &mut Output) -> String {
    let Some(code) = group.order.map(|o: Segment<'_>| o.field(28)).filter(|c| c.is_valued()) else {
        return String::new();
    };
    let meta = prb::labels(code, out).finish();
    meta.strip_prefix("\"security\":").unwrap_or_default().to_owned()
}
