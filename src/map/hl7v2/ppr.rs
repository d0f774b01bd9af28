//! PPR^ZD1 (JAHIS 病名; SS-MIX2 PPR-01): the problem list; and PPR^PC1 to PC3 (HL7 v2.5 section 12.3.2): problems with
//! their goals, pathways, findings and orders.

use super::adt::{event, is_deleted};
use super::business_key::Keys;
use super::group::{RequestGroup, ResultGroup};
use super::segment::obx::{self, RESULT_WITHOUT_CODE, Setting};
use super::segment::orc::ignore_whole;
use super::segment::prb::{self, Group, NO_PROBLEM};
use super::segment::problem::{self, Around};
use super::segment::{gol, in1, obx_category, request};
use super::{Context, Output, visit};
use crate::decode::hl7v2::{Message, Segment};
use crate::fhir::ResourceType;
use crate::map::List;
use crate::map::hl7v2::datatype::cwe;

/// Maps every problem with the segments that follow it. A file without an order number is the whole list; a sender who
/// numbers its files writes one file per problem, and those stand beside each other.
pub(super) fn map(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for segment in message.segments() {
        if segment.is("PRB") {
            let instance = segment.peek(4);
            let same = |group: &&mut Group<'_>| instance.is_valued() && group.prb.peek(4).text() == instance.text();
            let shares_instance = groups.iter_mut().filter(same).map(|group| group.shares_instance = true).count() > 0;
            groups.push(Group { prb: segment, zpr: None, orc: None, notes: Vec::new(), shares_instance });
        } else if let Some(group) = groups.last_mut() {
            match segment.name() {
                "ZPR" if group.zpr.is_none() => group.zpr = Some(segment),
                "ORC" if group.orc.is_none() => group.orc = Some(segment),
                "NTE" => group.notes.push(segment),
                "ZI1" => in1::map(segment, out),
                _ => {}
            }
        }
    }
    for group in &groups {
        prb::map(group, is_deleted(context), out);
    }
    let is_whole = context.name.is_some_and(|name| name.order.is_none());
    if is_whole && !groups.is_empty() && !is_deleted(context) {
        out.whole_list(List::Problems);
    }
}

/// A problem, a goal or a pathway with what follows it.
#[derive(Default)]
struct Part<'m> {
    head: Option<Segment<'m>>,
    notes: Vec<Segment<'m>>,
    roles: Vec<Segment<'m>>,
    results: Vec<ResultGroup<'m>>,
    orders: Vec<Order<'m>>,
}

/// An order of a problem with its results.
#[derive(Default)]
struct Order<'m> {
    request: RequestGroup<'m>,
    results: Vec<ResultGroup<'m>>,
}

/// Maps PC1, PC2 and PC3: PRB-1 says of each problem what is done to it, PC3 of all that they are deleted.
pub(super) fn standard(message: &Message<'_>, _: Context<'_>, out: &mut Output) {
    let encounter = visit::mention(message, out);
    let are_deleted = event(message) == "PC3";
    let parts = parts(message);
    let instance = |prb: Segment<'_>| prb.peek(4).component(1).text().trim().to_owned();
    let problems = || parts.iter().filter_map(|part| part.head).filter(|head| head.is("PRB"));
    let mut keys = Keys::default();
    let mut problem: Option<String> = None;
    for part in &parts {
        let Some(head) = part.head else { continue };
        let is_problem = head.is("PRB");
        let is_gone = are_deleted || cwe::code(head.peek(1)) == "DE";
        let shares = is_problem && problems().filter(|other| instance(*other) == instance(head)).count() > 1;
        let id = if is_problem { problem::id(head, shares, out) } else { gol::id(head, out) };
        let Some(id) = id else {
            out.issue(&NO_PROBLEM, head.place(0));
            problem = problem.filter(|_| !is_problem);
            continue;
        };
        if is_gone {
            forget(part, head, id, out);
            problem = problem.filter(|_| !is_problem);
            continue;
        }
        let evidence = results(&part.results, id.as_str(), None, &mut keys, out);
        let role = part.roles.first().copied();
        let around = Around { notes: &part.notes, role, encounter: encounter.as_deref(), evidence: &evidence };
        match head.name() {
            "PRB" => problem = Some(problem::condition(head, id.clone(), &around, out)),
            "GOL" => gol::goal(head, id.clone(), &around, problem.as_deref(), out),
            _ => gol::pathway(head, id.clone(), problem.as_deref(), &part.notes, out),
        }
        for order in &part.orders {
            let based_on = request::mention(&order.request, encounter.as_deref(), id.as_str(), out);
            results(&order.results, id.as_str(), based_on.as_deref(), &mut keys, out);
        }
    }
}

/// Named rule `content-of-the-deleted`.
fn forget(part: &Part<'_>, head: Segment<'_>, id: crate::fhir::ResourceId, out: &mut Output) {
    let of_results = part.results.iter().chain(part.orders.iter().flat_map(|order| &order.results));
    of_results.for_each(|group| {
        ignore_whole(group.result);
        group.notes.iter().for_each(|note| ignore_whole(*note));
    });
    let of_orders = part.orders.iter().flat_map(|order| [order.request.order, order.request.request]).flatten();
    of_orders.chain(part.notes.iter().chain(&part.roles).copied()).chain([head]).for_each(ignore_whole);
    let resource_type = match head.name() {
        "PRB" => ResourceType::CONDITION,
        "GOL" => ResourceType::GOAL,
        _ => ResourceType::CARE_PLAN,
    };
    out.delete(resource_type, id);
}

/// Observations of a problem, a goal or an order.
fn results(
    groups: &[ResultGroup<'_>],
    of: &str,
    based_on: Option<&str>,
    keys: &mut Keys,
    out: &mut Output,
) -> Vec<String> {
    let mut references = Vec::new();
    for group in groups {
        let Some(item) = obx::item(group.result) else {
            out.issue(&RESULT_WITHOUT_CODE, group.result.place(3));
            ignore_whole(group.result);
            continue;
        };
        let at = group.result.peek(14).component(1).text().trim().to_owned();
        let key = keys.next(format!("{of}/{item}/{}/{at}", group.result.peek(4).raw().trim()));
        let id = out.id(ResourceType::OBSERVATION, &key);
        let setting = Setting { based_on, ..Setting::alone(obx_category::EXAM) };
        references.push(obx::observation(group, id, setting, out).reference);
    }
    references
}

/// The parts in order. Findings and orders behind a pathway are the problem's or the goal's before it; an NTE belongs to
/// the OBX, order, pathway, goal or problem before it.
fn parts<'m>(message: &'m Message<'_>) -> Vec<Part<'m>> {
    let mut parts: Vec<Part<'m>> = Vec::new();
    let mut is_past_pathway = false;
    for segment in message.segments() {
        let is_pathway = |part: &Part<'_>| part.head.is_some_and(|head| head.is("PTH"));
        match segment.name() {
            "PRB" => parts.push(Part { head: Some(segment), ..Part::default() }),
            "GOL" | "PTH" if !parts.is_empty() => parts.push(Part { head: Some(segment), ..Part::default() }),
            "ROL" => parts.last_mut().into_iter().for_each(|part| part.roles.push(segment)),
            "OBX" | "ORC" | "OBR" | "TQ1" => {
                is_past_pathway = true;
                parts.iter_mut().rev().find(|part| !is_pathway(part)).into_iter().for_each(|part| add(part, segment));
                continue;
            }
            "NTE" | "VAR" => {
                let part = parts.iter_mut().rev().find(|part| !is_past_pathway || !is_pathway(part));
                part.into_iter().for_each(|part| note(part, segment));
                continue;
            }
            _ => {}
        }
        is_past_pathway = false;
    }
    parts
}

/// A finding or an order, or what belongs to the last order.
fn add<'m>(part: &mut Part<'m>, segment: Segment<'m>) {
    match segment.name() {
        "OBX" => {
            let results = part.orders.last_mut().map_or(&mut part.results, |order| &mut order.results);
            results.push(ResultGroup::alone(segment));
        }
        "ORC" => part
            .orders
            .push(Order { request: RequestGroup { order: Some(segment), ..Default::default() }, results: Vec::new() }),
        "OBR" => match part.orders.last_mut().filter(|order| order.request.request.is_none()) {
            Some(order) => order.request.request = Some(segment),
            None => part.orders.push(Order {
                request: RequestGroup { request: Some(segment), ..Default::default() },
                results: Vec::new(),
            }),
        },
        _ => part.orders.last_mut().into_iter().for_each(|order| order.request.timings.push(segment)),
    }
}

fn note<'m>(part: &mut Part<'m>, segment: Segment<'m>) {
    let is_note = segment.is("NTE");
    let order = part.orders.last_mut();
    let notes = match order {
        Some(Order { results, .. }) if is_note && !results.is_empty() => {
            results.last_mut().map(|group| &mut group.notes)
        }
        Some(order) if is_note => Some(&mut order.request.notes),
        None if is_note && !part.results.is_empty() => part.results.last_mut().map(|group| &mut group.notes),
        _ => Some(&mut part.notes),
    };
    notes.into_iter().for_each(|notes| notes.push(segment));
}
