//! OUL^R22 (HL7 v2.5 section 7.3.3; SS-MIX2 OML-11): laboratory results, specimen first. Specimen per SPM, ServiceRequest
//! and DiagnosticReport per OBR with its ORC, Observation per OBX.

use crate::decode::hl7v2::{Message, Segment};
use crate::decode::ssmix2::Flag;
use crate::fault::Place;
use crate::fhir::{ResourceType, Writer};
use crate::map::hl7v2::business_key::Keys;
use crate::map::hl7v2::datatype::cwe;
use crate::map::hl7v2::group::{self, RequestGroup, ResultGroup, SpecimenGroup};
use crate::map::hl7v2::segment::obr::{self, Effective};
use crate::map::hl7v2::segment::obx::{self, RESULT_WITHOUT_CODE, Setting};
use crate::map::hl7v2::segment::obx_category::LABORATORY;
use crate::map::hl7v2::segment::orc::{self, CANCELLED_WITHOUT_CONTENT, ORDER_WITHOUT_NUMBER, ignore_whole};
use crate::map::hl7v2::segment::spm;
use crate::map::hl7v2::{Context, Output};

/// Maps the groups after the patient; Patient, account and Provenance are the caller's.
pub fn map(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    let mut laboratory = Laboratory {
        is_deleted: context.name.is_some_and(|name| name.flag == Flag::Deleted),
        file_order: context.name.and_then(|name| name.order.clone()),
        keys: Keys::default(),
    };
    for group in group::specimens(message) {
        laboratory.specimen(&group, out);
    }
}

struct Laboratory {
    is_deleted: bool,
    file_order: Option<String>,
    keys: Keys,
}

/// The specimen a request stands under.
struct Taken<'a> {
    order: &'a str,
    key: &'a str,
    segment: Option<Segment<'a>>,
    reference: Option<&'a str>,
}

impl Laboratory {
    fn specimen(&mut self, group: &SpecimenGroup<'_>, out: &mut Output) {
        let order = self.order_number(group, out);
        let key = spm::key(group.specimen);
        let is_gone = self.is_deleted
            || (!group.requests.is_empty() && group.requests.iter().all(|r| orc::is_cancelled(r.order)));
        let id = out.id(ResourceType::SPECIMEN, &self.keys.next(format!("{order}/{key}")));
        let reference = match group.specimen {
            Some(segment) if is_gone => {
                out.delete(ResourceType::SPECIMEN, id);
                ignore_whole(segment);
                None
            }
            Some(segment) => Some(spm::specimen(group, segment, id, out)),
            None => None,
        };
        let taken = Taken { order: &order, key: &key, segment: group.specimen, reference: reference.as_deref() };
        if is_gone {
            self.forget(&taken, &order, &group.results, out);
        } else if !group.results.is_empty() {
            let effective = Effective::of(None, group.specimen, out);
            let setting = Setting {
                based_on: None,
                specimen: taken.reference,
                effective: effective.as_ref(),
                silent_status: "unknown",
                usual_category: LABORATORY,
                is_mention: false,
            };
            self.results(&taken, &order, &group.results, setting, out);
        }
        for request in &group.requests {
            self.request(&taken, request, out);
        }
    }

    fn request(&mut self, taken: &Taken<'_>, group: &RequestGroup<'_>, out: &mut Output) {
        let order = orc::order_number(group.order, group.request).unwrap_or_else(|| taken.order.to_owned());
        let name = group.request.map(|r| cwe::code(r.peek(4))).unwrap_or_default();
        let key = self.keys.next(format!("{order}/{}/{name}/request", taken.key));
        let request_id = out.id(ResourceType::SERVICE_REQUEST, &key);
        let report_id = out.id(ResourceType::DIAGNOSTIC_REPORT, &key);
        if self.is_deleted || orc::is_cancelled(group.order) {
            out.delete(ResourceType::SERVICE_REQUEST, request_id);
            out.delete(ResourceType::DIAGNOSTIC_REPORT, report_id);
            let parts = [group.request, group.order];
            parts.iter().flatten().chain(&group.notes).chain(&group.timings).for_each(|s| ignore_whole(*s));
            if group.results.is_empty() {
                out.issue(
                    &CANCELLED_WITHOUT_CONTENT,
                    parts.iter().flatten().next().map_or(Place::Whole, |s| s.place(0)),
                );
            }
            return self.forget(taken, &order, &group.results, out);
        }
        let (codings, text) = request_code(group.request, out);
        let facility = orc::facility(group.order, out);
        let facility = facility.as_deref();
        let code = concept(&codings, &text);
        let based_on = orc::service_request(group, request_id, &code, taken.reference, facility, out);
        if let Some(order) = group.order {
            // Named rule `entered-by`: ServiceRequest has no place for who typed it.
            order.ignore(&[10, 13]);
        }
        let effective = Effective::of(group.request, taken.segment, out);
        let setting = Setting {
            based_on: Some(&based_on),
            specimen: taken.reference,
            effective: effective.as_ref(),
            silent_status: obr::status_of_silent_results(group),
            usual_category: LABORATORY,
            is_mention: false,
        };
        let results = self.results(taken, &order, &group.results, setting, out);
        let parts = obr::Parts {
            based_on: &based_on,
            specimen: taken.reference,
            facility,
            effective: effective.as_ref(),
            results: &results,
        };
        obr::diagnostic_report(group, report_id, &codings, &text, parts, out);
    }

    fn results(
        &mut self,
        taken: &Taken<'_>,
        order: &str,
        groups: &[ResultGroup<'_>],
        setting: Setting<'_>,
        out: &mut Output,
    ) -> Vec<(String, &'static str)> {
        let mut results = Vec::with_capacity(groups.len());
        for group in groups {
            match self.result_key(taken, order, group) {
                Some(key) => {
                    let id = out.id(ResourceType::OBSERVATION, &key);
                    results.push(obx::observation(group, id, setting, out));
                }
                None => {
                    out.issue(&RESULT_WITHOUT_CODE, group.result.place(3));
                    ignore_whole(group.result);
                }
            }
        }
        results
    }

    fn forget(&mut self, taken: &Taken<'_>, order: &str, groups: &[ResultGroup<'_>], out: &mut Output) {
        for group in groups {
            if let Some(key) = self.result_key(taken, order, group) {
                let id = out.id(ResourceType::OBSERVATION, &key);
                out.delete(ResourceType::OBSERVATION, id);
            }
            ignore_whole(group.result);
            group.notes.iter().for_each(|note| ignore_whole(*note));
        }
    }

    /// Order, specimen, item and OBX-4; the position counts only among true repetitions.
    fn result_key(&mut self, taken: &Taken<'_>, order: &str, group: &ResultGroup<'_>) -> Option<String> {
        let item = obx::item(group.result)?;
        let sub_id = group.result.peek(4).raw().trim();
        Some(self.keys.next(format!("{order}/{}/{item}/{sub_id}", taken.key)))
    }

    /// The order of a specimen: its first request's, the file's, the laboratory's own, at worst the time it was taken.
    fn order_number(&self, group: &SpecimenGroup<'_>, out: &mut Output) -> String {
        let stated = group.requests.iter().find_map(|r| orc::order_number(r.order, r.request));
        if let Some(order) = stated.or_else(|| self.file_order.clone()) {
            return order;
        }
        let segments = || group.requests.iter().flat_map(|r| [r.order, r.request]).flatten();
        let filler = segments().map(|s| orc::number(s.peek(3))).find(|n| !n.is_empty());
        filler.unwrap_or_else(|| {
            let time = group.specimen.map(|s| s.peek(17)).filter(|v| v.is_valued());
            let time = time.or_else(|| group.requests.iter().find_map(|r| r.request).map(|r| r.peek(7)));
            let place = group.requests.first().and_then(|r| r.request).or(group.specimen);
            out.issue(&ORDER_WITHOUT_NUMBER, place.map_or(Place::Whole, |s| s.place(2)));
            format!("at:{}", time.map(|t| t.component(1).text().into_owned()).unwrap_or_default())
        })
    }
}

/// OBR-4 as the items of `coding`, and its text.
fn request_code(request: Option<Segment<'_>>, out: &mut Output) -> (String, String) {
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
fn concept(codings: &str, text: &str) -> String {
    let mut w = Writer::new();
    if !codings.is_empty() {
        w.raw("coding", &format!("[{codings}]"));
    }
    w.string("text", text);
    if w.is_empty() { String::new() } else { format!("{{{}}}", w.finish()) }
}
