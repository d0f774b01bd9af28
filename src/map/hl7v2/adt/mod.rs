//! ADT messages (HL7 v2.5 chapter 3; SS-MIX2 ADT-00 to ADT-61) to visits, allergies and the records of a person. A visit is told
//! in parts, in any order: what a message states and what is on record give the Encounter anew each time.

mod course;
mod event;
mod known;
mod merge;
mod places;
mod statement;
mod visit;

use super::datatype::{cwe, ts};
use super::segment::{dg1, gt1, iam, pr1, pv1, pv2, rol};
use super::{Context, EVERY_FIELD, Output};
use crate::decode::hl7v2::{Message, Segment};
use crate::decode::ssmix2::{Flag, Kind};
use crate::fault::{Place, rules};
use crate::fhir::{ResourceType, Writer, time};
use crate::map::List;
use crate::map::output::VisitEvent;
use course::{course, standing};
use event::Happening;
pub(super) use merge::{link, merge};
use statement::Statement;
use visit::{Found, Wanted};

rules! {
    pub(crate) NO_VISIT "v2-no-visit" Error Required
        "The message is about a visit and has no PV1 segment; only the patient was taken over."
        "受診・入退院のメッセージですがPV1がありません。患者情報のみ取り込みました。"
    pub(crate) VISIT_TIME_MISSING "v2-visit-time-missing" Warning Required
        "The time of the visit is not stated in {}; the time of the event or of the message was taken."
        "受診・入退院の日時が{}にないため、イベントまたはメッセージの日時を用いました。"
    pub(crate) NO_KNOWN_STAY "v2-no-known-stay" Warning NotFound
        "No stay is on record that this event could belong to; a visit of its own was made."
        "該当する入院が登録されていないため、独立した受診として作成しました。"
    pub(crate) ENDS_BEFORE_IT_BEGINS "v2-visit-ends-before-it-begins" Warning Value
        "PV1-45 is before PV1-44; it was left out."
        "PV1-45(退院日時)がPV1-44(入院日時)より前のため、省きました。"
    pub(crate) NOTHING_CANCELS "v2-nothing-cancels" Warning BusinessRule
        "Nothing takes the event {} back; the deletion of its file changes nothing."
        "イベント{}を取り消す手段がないため、ファイルの削除による変更は行いません。"
}

/// Rule `cancelled-discharge`: the time and kind of a discharge that did not happen.
const CANCELLED_DISCHARGE: &[u16] = &[36, 37, 45];

/// Master data (A08, A28, A31) and its deletion (A23, A29): what stands around PID, and the visit where PV1 identifies one.
pub(super) fn master(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    let code = event(message);
    let Some(pv1) = message.first("PV1").filter(|pv1| names_a_visit(*pv1)) else {
        return if is_gone(message, context) { ignore_content(message) } else { without_visit(message, out) };
    };
    if code == "A23" {
        let wanted = wanted(message, pv1, Happening::Update, "A08", context, out);
        let found = visit::find(message, &wanted, context, out);
        ignore_content(message);
        return out.delete(ResourceType::ENCOUNTER, found.id);
    }
    if !is_gone(message, context) && Happening::of(&code).is_some() {
        tell(message, context, out);
    }
}

/// Everything that happens to a visit: planned, admitted, moved, on leave, discharged, and taken back.
pub(super) fn visit(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    if message.first("PV1").is_none() {
        out.issue(&NO_VISIT, Place::Whole);
        return without_visit(message, out);
    }
    tell(message, context, out);
}

/// Diagnoses and procedures of a message that names no visit.
fn without_visit(message: &Message<'_>, out: &mut Output) {
    dg1::map_all(message, "", out);
    pr1::map_all(message, "", out);
}

/// アレルギー (A60): under an SS-MIX2 name always the whole list.
pub(super) fn allergies(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    for segment in message.all("IAM") {
        iam::map(segment, is_deleted(context), out);
    }
    if context.name.is_some() && !is_deleted(context) {
        out.whole_list(List::Allergies);
    }
    if !is_deleted(context) && message.first("PV1").is_some_and(names_a_visit) {
        tell(message, context, out);
    }
}

pub(super) fn is_deleted(context: Context<'_>) -> bool {
    context.name.is_some_and(|name| name.flag == Flag::Deleted)
}

/// Whether the message says that the patient's record is gone: its file is deleted, A29, or A23 that names no visit.
pub(super) fn is_gone(message: &Message<'_>, context: Context<'_>) -> bool {
    let is_visit = || context.name.is_none() && message.first("PV1").is_some_and(names_a_visit);
    match event(message).as_str() {
        "A29" => true,
        "A23" => !is_visit(),
        _ => is_deleted(context),
    }
}

/// The trigger event, MSH-9.2.
pub(super) fn event(message: &Message<'_>) -> String {
    message.first("MSH").map(|header| header.peek(9).component(2).text().trim().to_owned()).unwrap_or_default()
}

/// Whether the message changes the number of a visit (A50, A51): then MRG-5 is the number it had.
fn is_change_of_number(message: &Message<'_>) -> bool {
    matches!(event(message).as_str(), "A50" | "A51")
}

/// Whether PV1 says which visit it is about: by its number or its beginning. Orders, results and master data repeat PV1
/// without either, and speak of no visit.
pub(super) fn names_a_visit(pv1: Segment<'_>) -> bool {
    pv1.peek(19).is_valued() || pv1.peek(44).is_valued()
}

/// The event as it is to be read: an outpatient's admission is a registration (seen in the field: 外来受付 as A01 with
/// PV1-2 = O), and the deletion of a file takes back what it told.
fn happening(message: &Message<'_>, context: Context<'_>, out: &mut Output) -> Option<(Happening, &'static str)> {
    let (code, is_taken_back) = event::effective(&event(message), is_deleted(context))?;
    if !is_taken_back {
        out.issue_with(&NOTHING_CANCELS, Place::Whole, code);
        return None;
    }
    let is_outpatient = match context.name {
        Some(name) => name.kind == Kind::Adt12,
        None => message.first("PV1").is_some_and(|pv1| pv1.peek(2).text() == "O"),
    };
    match Happening::of(code)? {
        Happening::Admit if is_outpatient => Some((Happening::Register, code)),
        other => Some((other, code)),
    }
}

fn tell(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    let Some(pv1) = message.first("PV1") else { return };
    let Some((happening, code)) = happening(message, context, out) else { return ignore_content(message) };
    let wanted = wanted(message, pv1, happening, code, context, out);
    let found = visit::find(message, &wanted, context, out);
    if is_deleted(context) && is_undone(&wanted, &found, out) {
        ignore_content(message);
        return out.delete(ResourceType::ENCOUNTER, found.id);
    }
    let statement = statement(message, &wanted, &found, context, out);
    let (draft, occurred) = statement::encounter(statement, &wanted, found.id, found.known, out);
    // What a plan or a cancellation says is another event's time.
    let is_own_time = !wanted.happening.is_plan() && !wanted.happening.is_cancellation();
    let is_event = wanted.happening != Happening::Update;
    let when = if is_own_time && is_event { wanted.when } else { String::new() };
    out.told = Some(VisitEvent { code, when });
    out.put_as_of(draft, occurred);
}

/// Whether with the deletion of a file nothing is left of its visit: what began it is gone, or it was never more than
/// planned.
fn is_undone(wanted: &Wanted<'_>, found: &Found<'_>, out: &Output) -> bool {
    match wanted.happening {
        Happening::CancelAdmit | Happening::Register | Happening::Admit => true,
        Happening::CancelPlan => found.known.is_none_or(|known| {
            let status = course(standing(known.moments()), known.is_ambulatory(), out.zone_minutes).status;
            matches!(status, "" | "planned" | "cancelled")
        }),
        _ => false,
    }
}

/// Rule `content-of-the-deleted`.
fn ignore_content(message: &Message<'_>) {
    for segment in message.segments().filter(|s| matches!(s.name(), "PV1" | "PV2" | "DG1" | "PR1" | "ROL")) {
        segment.ignore(&EVERY_FIELD);
    }
}

/// When the event was and what kind of visit it is about.
fn wanted<'m>(
    message: &Message<'_>,
    pv1: Segment<'m>,
    happening: Happening,
    code: &str,
    context: Context<'_>,
    out: &mut Output,
) -> Wanted<'m> {
    let class = pv1.peek(2).text();
    let by_name = context.name.is_some_and(|name| name.kind == Kind::Adt12);
    let usual = by_name || (class.trim().is_empty() && happening == Happening::Register);
    let is_ambulatory = usual || class.trim() == "O";
    let profile = || message.first("MSH").map(|header| header.peek(21).component(1).text().into_owned());
    let registration_is_all = context.name.is_some() || profile().is_some_and(|profile| profile.starts_with("SS-MIX2"));
    let wanted = Wanted { happening, pv1, when: String::new(), is_ambulatory, registration_is_all };
    Wanted { when: when(message, &wanted, code, context, out), ..wanted }
}

/// The field that tells the event's time; else EVN-6, 診療日 of the name, EVN-2 or the message's time. An issue where a
/// beginning or an end has no time of its own.
fn when(message: &Message<'_>, wanted: &Wanted<'_>, code: &str, context: Context<'_>, out: &mut Output) -> String {
    let (segment, field) = event::time_field(code).unwrap_or(("EVN", 6));
    let value = message.first(segment).map(|segment| segment.peek(field));
    if (segment, field) == ("PV2", 47) {
        // The return that did not happen; no other field tells it.
        message.first(segment).into_iter().for_each(|segment| segment.ignore(&[field]));
    }
    if let Some(stated) = value.and_then(|value| time::from_v2(&value.text(), out.zone_minutes)) {
        return stated;
    }
    let is_plan = matches!(wanted.happening, Happening::Plan | Happening::CancelPlan);
    if is_plan {
        // A plan without a day has no time: the message's would be taken for what is planned.
        let day = context.name.and_then(|name| time::date_from_v2(name.date.as_deref()?));
        let begin = || time::from_v2(&wanted.pv1.peek(44).text(), out.zone_minutes);
        return begin().or(day).unwrap_or_default();
    }
    let is_bound = matches!(wanted.happening, Happening::Register | Happening::Admit | Happening::Discharge);
    if is_bound {
        // Asking notes what is not a time.
        ts::date_time(wanted.pv1.field(field), out);
        out.issue_with(&VISIT_TIME_MISSING, wanted.pv1.place(field), format!("PV1-{field}"));
    }
    let evn =
        |field: u16| message.first("EVN").and_then(|evn| time::from_v2(&evn.peek(field).text(), out.zone_minutes));
    let day = || context.name.and_then(|name| time::date_from_v2(name.date.as_deref()?));
    let sent = || out.occurred.map(|at| time::instant(at, out.zone_minutes));
    let recorded = || if is_bound { None } else { evn(2) };
    evn(6).or_else(day).or_else(recorded).or_else(sent).unwrap_or_default()
}

/// What the segments about the visit state of it.
fn statement(
    message: &Message<'_>,
    wanted: &Wanted<'_>,
    found: &Found<'_>,
    context: Context<'_>,
    out: &mut Output,
) -> Statement {
    let (pv1, pv2) = (wanted.pv1, pv2::of(message));
    let encounter = format!("Encounter/{}", found.id.as_str());
    let diagnoses = dg1::map_all(message, &encounter, out);
    pr1::map_all(message, &encounter, out);
    let further = [rol::participants(message, out), pv2::referrers(pv2, out)].concat();
    let has_left = wanted.happening != Happening::CancelDischarge;
    if !has_left {
        pv1.ignore(CANCELLED_DISCHARGE);
    }
    let Bounds { start, ended, planned_end } = bounds(wanted, found, out);
    let is_new = found.known.is_none();
    let usual = if wanted.is_ambulatory { "AMB" } else { "IMP" };
    let mut w = Writer::new();
    let planned = planned(wanted, pv2, is_new, planned_end, out);
    pv2::extensions(&mut w, pv2, (&planned.0, &planned.1), out);
    pv1::identifiers(&mut w, pv1, order_number(wanted, context), out);
    pv1::class(&mut w, pv1.field(2), if is_new { usual } else { "" }, out);
    pv1::types(&mut w, pv1, &pv2::description(pv2), out);
    cwe::concept(&mut w, "serviceType", pv1.field(10), "HL70069", out);
    pv2::priority(&mut w, pv2, out);
    out.subject(&mut w, "subject");
    let since = if wanted.happening == Happening::ChangeDoctor { wanted.when.as_str() } else { "" };
    pv1::participants(&mut w, pv1, since, &further, out);
    w.object("period", |w| w.string("start", &start));
    pv2::length(&mut w, pv2);
    pv2::reason(&mut w, pv2, out);
    w.array("diagnosis", |w| diagnoses.iter().for_each(|diagnosis| w.item_raw(diagnosis)));
    let account = message.first("PID").and_then(|pid| gt1::account_reference(pid.peek(18), out));
    w.array("account", |w| w.item(|w| w.string("reference", account.as_deref().unwrap_or_default())));
    pv1::hospitalization(&mut w, pv1, has_left, out);
    out.facility_reference(&mut w, "serviceProvider", "");
    Statement { members: statement::members(w), ended, meta: pv2::labels(pv2).finish() }
}

/// When the visit is planned to begin and to end. PV2-8 of a transfer that is planned is the transfer's; of a plan that is
/// taken back it only says which.
fn planned(
    wanted: &Wanted<'_>,
    pv2: Option<Segment<'_>>,
    is_new: bool,
    planned_end: String,
    out: &mut Output,
) -> (String, String) {
    let is_other = match wanted.happening {
        Happening::PlanTransfer | Happening::CancelPlanTransfer => true,
        Happening::CancelPlan => !is_new,
        _ => false,
    };
    let start = pv2::planned(pv2, 8, out);
    let end = pv2::planned(pv2, 9, out);
    let is_off = wanted.happening == Happening::CancelPlanDischarge;
    let end = if is_off { String::new() } else { end };
    (if is_other { String::new() } else { start }, if end.is_empty() { planned_end } else { end })
}

/// The beginning and the end of a visit as a message states them.
#[derive(Debug, Default)]
struct Bounds {
    start: String,
    /// Where PV1-45 tells an end that the event does not.
    ended: String,
    /// An end (PV1-45) that is still to come.
    planned_end: String,
}

/// Reads them. The end of an update has been, whatever the clocks say; that of another event when it was before the message.
fn bounds(wanted: &Wanted<'_>, found: &Found<'_>, out: &mut Output) -> Bounds {
    let pv1 = wanted.pv1;
    let start = if pv1.peek(44).is_valued() { ts::date_time(pv1.field(44), out) } else { None };
    // A time that stands for the beginning is none to replace a known beginning with.
    let is_begun = found.known.is_some_and(|known| known.start().is_some());
    let begins = matches!(wanted.happening, Happening::Register | Happening::Admit) && !is_begun;
    let start = start.or_else(|| begins.then(|| wanted.when.clone())).unwrap_or_default();
    let bounds = Bounds { start, ..Bounds::default() };
    let is_of_end = matches!(wanted.happening, Happening::Discharge | Happening::CancelDischarge);
    if is_of_end || !pv1.peek(45).is_valued() {
        pv1.ignore(&[45]);
        return bounds;
    }
    if wanted.happening.is_cancellation() {
        return bounds;
    }
    let Some(end) = ts::date_time(pv1.field(45), out) else { return bounds };
    let [first, last] = [44, 45].map(|field| ts::last_millisecond(pv1.peek(field), out.zone_minutes));
    if first.zip(last).is_some_and(|(first, last)| last < first) {
        out.doubt(&ENDS_BEFORE_IT_BEGINS, &pv1.peek(45));
        return bounds;
    }
    let has_been = wanted.happening == Happening::Update || statement::has_ended(&end, out);
    if has_been { Bounds { ended: end, ..bounds } } else { Bounds { planned_end: end, ..bounds } }
}

/// オーダNo of the file, where it numbers the visit: that of a discharge file numbers the discharge.
fn order_number<'a>(wanted: &Wanted<'_>, context: Context<'a>) -> &'a str {
    let is_of_visit = matches!(
        wanted.happening,
        Happening::Register | Happening::Admit | Happening::CancelAdmit | Happening::Plan | Happening::CancelPlan
    );
    context.name.filter(|_| is_of_visit).and_then(|name| name.order.as_deref()).unwrap_or("")
}

/// The digits of a time: the same for `20211001`, `2021-10-01`.
fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Whether the Patient of a record is a person of another record now, and what it says of that.
pub(super) fn links(context: Context<'_>) -> Option<&serde_json::Value> {
    context.known.patient.as_ref()?.body.get("link")
}

/// Whether another record has taken the place of this one.
pub(super) fn is_replaced(context: Context<'_>) -> bool {
    let links = links(context).and_then(serde_json::Value::as_array);
    links.is_some_and(|links| links.iter().any(|link| link["type"] == "replaced-by"))
}
