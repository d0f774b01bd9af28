//! Which visit a message speaks of (docs/mapping/encounter-identity.md).

use super::event::Happening;
use super::known::OnRecord;
use super::{Context, NO_KNOWN_STAY, Output, digits};
use crate::decode::hl7v2::{Message, Segment};
use crate::fhir::time::{self, Interval};
use crate::fhir::{ResourceId, ResourceType};
use crate::map::Coding;
use crate::map::hl7v2::segment::pv1;

/// What a message says of the visit it is about, as far as it helps to find it.
#[derive(Debug)]
pub(super) struct Wanted<'m> {
    pub(super) happening: Happening,
    pub(super) pv1: Segment<'m>,
    /// When the event was, a FHIR dateTime; empty when not told.
    pub(super) when: String,
    /// Whether it is the visit of an outpatient.
    pub(super) is_ambulatory: bool,
    /// Whether nobody ever says when an outpatient has left: in SS-MIX2 registration (外来受付) is all there is.
    pub(super) registration_is_all: bool,
}

/// A visit that was found, or is to be made.
#[derive(Debug)]
pub(super) struct Found<'k> {
    pub(super) id: ResourceId,
    pub(super) known: Option<OnRecord<'k>>,
}

/// Finds the visit on record, or gives the id of a new one.
pub(super) fn find<'k>(
    message: &Message<'_>,
    wanted: &Wanted<'_>,
    context: Context<'k>,
    out: &mut Output,
) -> Found<'k> {
    let known: Vec<OnRecord<'k>> =
        context.known.encounters.iter().map(|visit| OnRecord::new(visit, out.zone_minutes)).collect();
    let numbers = numbers(message, wanted.pv1, out);
    let by_time = key_of_time(wanted, context, out).map(|key| out.id(ResourceType::ENCOUNTER, &key));
    let of_time = || known.iter().copied().find(|one| by_time.as_ref() == Some(&one.stored().id));
    let of_number = || by_number(&known, &numbers);
    // A file is named by day and order; what such a sender writes into PV1-19 need not number visits.
    let is_named = context.name.is_some();
    let found = if is_named { of_time().or_else(of_number) } else { of_number().or_else(of_time) };
    let found = found
        .or_else(|| by_start(&known, wanted, &numbers, context, out))
        .or_else(|| by_plan(&known, wanted, out))
        .or_else(|| by_course(&known, wanted, out));
    if let Some(known) = found {
        return Found { id: known.stored().id.clone(), known: Some(known) };
    }
    let number = numbers.first().map(|number| format!("VISIT:{}:{}", number.system, number.code));
    let by_number = number.map(|key| out.id(ResourceType::ENCOUNTER, &key));
    let id = match if is_named { by_time.or(by_number) } else { by_number.or(by_time) } {
        Some(id) => id,
        None => {
            out.issue(&NO_KNOWN_STAY, wanted.pv1.place(44));
            let kind = if wanted.happening == Happening::Discharge { "IMP-END" } else { "IMP-AT" };
            out.id(ResourceType::ENCOUNTER, &format!("{kind}:{}", digits(&wanted.when)))
        }
    };
    Found { id, known: None }
}

/// The numbers by which the sender tells visits apart: the prior one where a message changes it (MRG-5), PV1-19, PV1-50.
fn numbers(message: &Message<'_>, pv1: Segment<'_>, out: &Output) -> Vec<Coding<'static>> {
    let prior = message.first("MRG").filter(|_| super::is_change_of_number(message)).map(|mrg| {
        // Rule `prior-number`: it is not the visit's any more; whose visit it is PID says.
        mrg.ignore(&[1]);
        mrg.field(5)
    });
    let fields = [prior, Some(pv1.peek(19))];
    fields.into_iter().flatten().filter_map(|value| pv1::visit_number(value, out)).collect()
}

fn by_number<'k>(known: &[OnRecord<'k>], numbers: &[Coding<'_>]) -> Option<OnRecord<'k>> {
    numbers.iter().find_map(|number| known.iter().copied().find(|one| one.has_number(number)))
}

/// What a visit without a number is known by: an outpatient's by day, department and order number, a stay by its
/// admission time, a plan by the time planned.
fn key_of_time(wanted: &Wanted<'_>, context: Context<'_>, out: &Output) -> Option<String> {
    let (pv1, name) = (wanted.pv1, context.name);
    let start = time::from_v2(&pv1.peek(44).text(), out.zone_minutes);
    let has_told_start = matches!(wanted.happening, Happening::Register | Happening::Admit);
    let start = start.or_else(|| has_told_start.then(|| wanted.when.clone()).filter(|when| !when.is_empty()));
    if wanted.is_ambulatory {
        let of_name = name.filter(|_| has_told_start || wanted.happening == Happening::CancelAdmit);
        let day = of_name.and_then(|name| name.date.clone());
        let day = day.or_else(|| start.or_else(|| Some(wanted.when.clone())).map(|start| digits(&start)))?;
        let day: String = day.chars().take(8).collect();
        let department = of_name.and_then(|name| name.department.clone());
        let department = department.unwrap_or_else(|| pv1.peek(10).text().trim().to_owned());
        let number = of_name.and_then(|name| name.order.clone());
        let number = number.unwrap_or_else(|| pv1.peek(19).text().trim().to_owned());
        return (!day.is_empty()).then(|| format!("AMB:{day}:{department}:{number}"));
    }
    if let Some(start) = start {
        return Some(format!("IMP:{}", digits(&start)));
    }
    let is_plan = matches!(wanted.happening, Happening::Plan | Happening::CancelPlan);
    (is_plan && !wanted.when.is_empty()).then(|| format!("IMP-PLAN:{}", digits(&wanted.when)))
}

/// The visit that began when the message says it did; either side may say it less exactly, but they must not have
/// different numbers. Of outpatients there are many in a day: theirs must begin at the same moment, in no other
/// department, and not be told apart by the names of files.
fn by_start<'k>(
    known: &[OnRecord<'k>],
    wanted: &Wanted<'_>,
    numbers: &[Coding<'_>],
    context: Context<'_>,
    out: &Output,
) -> Option<OnRecord<'k>> {
    let stated = time::from_v2(&wanted.pv1.peek(44).text(), out.zone_minutes)?;
    let is_exact = stated.len() > 10 && context.name.is_none();
    let stated = Interval::parse(&stated, out.zone_minutes)?;
    let department = wanted.pv1.peek(10).text();
    let changes_class = matches!(wanted.happening, Happening::ToInpatient | Happening::ToOutpatient);
    let fits = |one: &OnRecord<'_>| {
        let Some(start) = one.start() else { return false };
        if !numbers.is_empty() && one.is_numbered() {
            return false;
        }
        if wanted.is_ambulatory && !changes_class {
            let is_same_place = department.trim().is_empty() || [department.trim(), ""].contains(&one.department());
            return one.is_ambulatory() && is_exact && start == stated && is_same_place;
        }
        let is_same_kind = changes_class || !one.is_ambulatory();
        is_same_kind && start.start < stated.end && stated.start < start.end
    };
    known.iter().copied().find(fits)
}

/// A plan and what came of it: the same pre-admission number, or the day that was planned; of a plan that is taken back
/// without a day the only one there is.
fn by_plan<'k>(known: &[OnRecord<'k>], wanted: &Wanted<'_>, out: &Output) -> Option<OnRecord<'k>> {
    if wanted.is_ambulatory && wanted.happening != Happening::CancelPlan {
        return None;
    }
    let number = pv1::pre_admission_number(wanted.pv1, out);
    let numbered = |one: &OnRecord<'_>| number.as_ref().is_some_and(|number| one.has_number(number));
    let day = |text: &str| text.get(..10).map(str::to_owned);
    let wanted_day = day(&wanted.when);
    let plans = || known.iter().copied().filter(|one| one.is_planned());
    match wanted.happening {
        Happening::Plan | Happening::CancelPlan => {
            let same_day = |one: &OnRecord<'_>| {
                let begun = one.start().map(|start| time::instant(start.start, out.zone_minutes));
                let days = [one.planned_start().and_then(day), begun.as_deref().and_then(day)];
                wanted_day.is_some() && days.contains(&wanted_day) && !one.is_ambulatory()
            };
            let found = known.iter().copied().find(|one| numbered(one) || same_day(one));
            let only = || plans().next().filter(|_| wanted.when.is_empty() && plans().count() == 1);
            found.or_else(only)
        }
        Happening::Admit => plans()
            .find(|one| numbered(one) || (wanted_day.is_some() && one.planned_start().and_then(day) == wanted_day)),
        _ => None,
    }
}

/// The stay on record during which the event was: the one that had begun and had not ended by then, an open one first;
/// for the end itself and its cancellation the last that had begun. An admission takes over what was told of a stay
/// before its beginning was.
fn by_course<'k>(known: &[OnRecord<'k>], wanted: &Wanted<'_>, out: &Output) -> Option<OnRecord<'k>> {
    if wanted.is_ambulatory || matches!(wanted.happening, Happening::Plan | Happening::CancelPlan | Happening::Register)
    {
        return None;
    }
    let at = Interval::parse(&wanted.when, out.zone_minutes).map(|interval| (interval.start, interval.end - 1));
    let (first, last) = at.or_else(|| out.occurred.map(|at| (at, at)))?;
    let stays = || known.iter().copied().filter(|one| !one.is_ambulatory() && !one.is_planned());
    let is_revival = matches!(wanted.happening, Happening::CancelAdmit);
    let stays = || stays().filter(move |one| !one.is_void() || is_revival);
    let begin = |one: &OnRecord<'_>| one.start().map_or(i64::MIN, |start| start.start);
    let is_stated = wanted.pv1.peek(44).is_valued();
    if wanted.happening == Happening::Admit {
        let next =
            stays().filter(|one| one.start().is_some()).map(|one| begin(&one)).filter(|start| *start > first).min();
        let orphan = |one: &OnRecord<'_>| {
            let began_later = one.span().is_some_and(|span| span.0 >= first && next.is_none_or(|next| span.0 < next));
            one.start().is_none() && began_later
        };
        return stays().find(orphan);
    }
    if is_stated {
        // Another beginning than that of any stay on record is another stay; only one without a beginning may be meant.
        return stays().find(|one| one.start().is_none() && one.span().is_some_and(|span| span.0 >= first));
    }
    let begun = || stays().filter(move |one| begin(one) <= last);
    let ends = matches!(wanted.happening, Happening::Discharge | Happening::CancelDischarge);
    let not_past =
        |one: &OnRecord<'_>| wanted.happening != Happening::Discharge || one.span().is_none_or(|span| span.1 <= last);
    let is_during = |one: &OnRecord<'_>| match one.end() {
        None => not_past(one),
        Some(end) => first < end.end,
    };
    let during = begun().filter(is_during).max_by_key(begin);
    during.or_else(|| begun().filter(|_| ends).max_by_key(begin))
}
