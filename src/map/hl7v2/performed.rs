//! OMI^Z23 (JAHIS 放射線 and 内視鏡; SS-MIX2 OMG-11, OMG-12): examinations with images, as they were performed.
//! ServiceRequest per OBR, Procedure per ZE1, ImagingStudy per study (IPC).

use super::datatype::{cwe, ts, xcn};
use super::group::{PerformedGroup, RequestGroup, ResultGroup, Style, order_groups};
use super::order_key::ids_of;
use super::request::{Told, order};
use super::result::{Examination, one, repeated_heads};
use super::segment::ipc;
use super::segment::obr::Effective;
use super::segment::obr_kind::{self, IMAGING_SERVICE};
use super::segment::obx::Setting;
use super::segment::obx_category::PROCEDURE;
use super::segment::orc::{self, ignore_whole};
use super::{Context, Output};
use crate::decode::hl7v2::{Message, Segment};
use crate::fhir::{ResourceType, Writer};
use crate::map::Coding;
use crate::map::hl7v2::coding_system;

/// Maps the groups after the patient.
pub(super) fn map(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    repeated_heads(message);
    let groups = order_groups(message, Style::Orders);
    let mut examination = Examination::new(message, &groups, context, out);
    examination.specimens(out);
    let has_steps = groups.requests.iter().any(|group| !group.performed.is_empty());
    let mut images = ipc::Studies::default();
    for (at, group) in groups.requests.iter().enumerate() {
        if examination.is_deleted || orc::is_cancelled(group.order) {
            forget(&examination, at, &mut images, out);
            continue;
        }
        // What was done is done; what the order head says is complete with it.
        let told = Told { service: ("", "", ""), report: Some("final"), supporting: &[] };
        let request = order(&examination, at, told, out);
        let performed = Effective::of(group.request, None, out);
        let steps = Steps { examination: &examination, at, request: &request, performed: performed.as_ref() };
        for step in &group.performed {
            steps.step(step, out);
        }
        if !has_steps && group.request.is_some() {
            steps.whole(group, out);
        }
        for image in &group.images {
            images.take(*image, &request, performed.as_ref());
        }
    }
    images.write(examination.visit.as_deref(), out);
    examination.loose(out);
}

fn forget(examination: &Examination<'_, '_>, at: usize, images: &mut ipc::Studies, out: &mut Output) {
    let Some((group, ids)) = examination.groups.requests.get(at).zip(examination.ids.requests.get(at)) else { return };
    for image in &group.images {
        images.forget(*image);
    }
    for step in &group.performed {
        let key = step_key(&ids.key, step.step);
        out.delete(ResourceType::PROCEDURE, out.id(ResourceType::PROCEDURE, &key));
        for id in ids_of(&key, others(step), out).into_iter().flatten() {
            out.delete(ResourceType::OBSERVATION, id);
        }
        ignore_whole(step.step);
        step.results.iter().flat_map(ResultGroup::segments).for_each(ignore_whole);
    }
    if group.performed.is_empty() {
        out.delete(ResourceType::PROCEDURE, out.id(ResourceType::PROCEDURE, &ids.key));
    }
    examination.forget(at, out);
}

/// The OBX of a step that are Observations of their own.
fn others<'a, 'm>(step: &'a PerformedGroup<'m>) -> impl Iterator<Item = &'a ResultGroup<'m>> {
    step.results.iter().filter(|result| matches!(Part::of(result), Part::Other))
}

/// What tells a step apart within its request: what was done.
fn step_key(request: &str, step: Segment<'_>) -> String {
    let code = cwe::code(step.peek(3));
    let code = if code.is_empty() { cwe::text(step.peek(3)) } else { code };
    format!("{request}/{code}/{}", step.peek(1).raw().trim())
}

/// The steps of one request while they are written.
struct Steps<'a, 'm> {
    examination: &'a Examination<'a, 'm>,
    at: usize,
    request: &'a str,
    performed: Option<&'a Effective>,
}

impl Steps<'_, '_> {
    /// ZE1 and its OBX.
    fn step(&self, group: &PerformedGroup<'_>, out: &mut Output) {
        let Some(ids) = self.examination.ids.requests.get(self.at) else { return };
        let key = step_key(&ids.key, group.step);
        let id = out.id(ResourceType::PROCEDURE, &key);
        let reference = format!("Procedure/{}", id.as_str());
        let mut performers = Vec::new();
        let function = group.step.field(6).component(1).text().trim().to_owned();
        performers.extend(xcn::practitioners(group.step.field(7), out).into_iter().map(|who| (function.clone(), who)));
        let (mut start, mut end) = (None, None);
        let mut used = Vec::new();
        for result in &group.results {
            match Part::of(result) {
                Part::Performer => {
                    let function = cwe::text(result.result.field(3));
                    let who = xcn::practitioners(result.result.field(5), out);
                    performers.extend(who.into_iter().map(|who| (function.clone(), who)));
                    taken_over(result);
                }
                Part::Start => start = time(result, out),
                Part::End => end = time(result, out),
                Part::Used => used.push(used_item(result, out)),
                Part::Other => {}
            }
        }
        let own = start.map(|start| Effective::between(start, end.unwrap_or_default()));
        let mut w = Writer::new();
        self.head(&mut w);
        w.object("code", |w| cwe::members(w, group.step.field(3), "", out));
        self.body(&mut w, own.as_ref(), &performers, out);
        w.array("usedCode", |w| used.iter().for_each(|item| w.item_raw(item)));
        out.put(ResourceType::PROCEDURE, id, w);
        let setting = Setting {
            part_of: Some(&reference),
            visit: self.examination.visit.as_deref(),
            effective: own.as_ref().or(self.performed),
            is_with_order: true,
            ..Setting::alone(PROCEDURE)
        };
        for (result, id) in others(group).zip(ids_of(&key, others(group), out)) {
            one(result, id, setting, out);
        }
    }

    /// A request of a message without steps: that it was performed is all there is to say.
    fn whole(&self, group: &RequestGroup<'_>, out: &mut Output) {
        let Some((ids, request)) = self.examination.ids.requests.get(self.at).zip(group.request) else { return };
        let id = out.id(ResourceType::PROCEDURE, &ids.key);
        let mut w = Writer::new();
        self.head(&mut w);
        w.object("code", |w| cwe::members(w, request.field(4), "", out));
        self.body(&mut w, None, &[], out);
        out.put(ResourceType::PROCEDURE, id, w);
    }

    fn head(&self, w: &mut Writer) {
        w.array("basedOn", |w| w.item(|w| w.string("reference", self.request)));
        w.string("status", "completed");
        let request = self.examination.groups.requests.get(self.at).and_then(|group| group.request);
        if obr_kind::is_of_images(request) {
            let (system, code, display) = IMAGING_SERVICE;
            w.concept("category", system, code, display);
        }
    }

    fn body(&self, w: &mut Writer, own: Option<&Effective>, performers: &[(String, String)], out: &Output) {
        out.subject(w, "subject");
        w.reference("encounter", self.examination.visit.as_deref().unwrap_or_default());
        if let Some(performed) = own.or(self.performed) {
            performed.write_as(w, "performedDateTime", "performedPeriod");
        }
        w.array("performer", |w| {
            for (function, who) in performers {
                w.item(|w| {
                    w.object("function", |w| w.string("text", function));
                    w.reference("actor", who);
                });
            }
        });
    }
}

/// What an OBX of a step says: JSHR of the endoscopists (内視鏡データ交換規約), where OBX-3 names it.
enum Part {
    Performer,
    Start,
    End,
    Used,
    Other,
}

impl Part {
    fn of(group: &ResultGroup<'_>) -> Self {
        let result = group.result;
        let (item, kind) = (cwe::code(result.peek(3)), result.peek(2).text());
        match (kind.trim(), item.as_str()) {
            ("XCN", _) => Part::Performer,
            ("TS" | "DTM", "TM-P1") => Part::Start,
            ("TS" | "DTM", "TM-P2") => Part::End,
            ("CWE" | "CE" | "ZRD", item) if item.starts_with("DE-") => Part::Used,
            _ => Part::Other,
        }
    }
}

fn time(group: &ResultGroup<'_>, out: &mut Output) -> Option<String> {
    taken_over(group);
    ts::date_time(group.result.field(5), out)
}

/// A drug, an instrument: ZRD adds an amount and its unit to the code.
fn used_item(group: &ResultGroup<'_>, out: &mut Output) -> String {
    taken_over(group);
    let value = group.result.field(5);
    let mut w = Writer::new();
    if group.result.peek(2).text().trim() != "ZRD" {
        cwe::members(&mut w, value, "", out);
        return format!("{{{}}}", w.finish());
    }
    let [code, name, table, amount] = [1, 2, 3, 4].map(|n| value.component(n).text());
    let unit = value.component(5);
    let unit = [2, 1].map(|n| unit.subcomponent(n).text()).into_iter().find(|t| !t.is_empty()).unwrap_or_default();
    w.array("coding", |w| {
        if !code.is_empty() {
            let resolved = coding_system::resolve(&table, &code, &value.place(), &out.facility);
            let coding = Coding {
                system: resolved.uri,
                code: code.clone(),
                display: name.clone(),
                table: table.clone(),
                ..Coding::default()
            };
            out.codings(w, &[coding], &value.place());
        }
    });
    w.string("text", format!("{} {}{}", name.trim(), amount.trim(), unit.trim()).trim());
    format!("{{{}}}", w.finish())
}

/// Named rule `part-of-a-step`: the OBX is an item of the Procedure; what says that it is one is not said again.
fn taken_over(group: &ResultGroup<'_>) {
    group.result.ignore(&[2, 3, 5, 11]);
}
