//! What a message states of a visit, and the Encounter that it makes together with what is on record.

use serde_json::{Map, Value};

use super::course::{self, Course, Moment};
use super::event::Happening;
use super::known::OnRecord;
use super::places::{Arrival, Aside, Places};
use super::visit::Wanted;
use crate::fhir::time::Interval;
use crate::fhir::{Draft, ResourceId, ResourceType, Writer, system};
use crate::map::Output;
use crate::map::hl7v2::datatype::pl;
use crate::map::hl7v2::segment::pv2::{PLANNED_END, PLANNED_START};

/// The members of an Encounter in the order of R4.
const ORDER: [&str; 26] = [
    "contained",
    "extension",
    "identifier",
    "status",
    "statusHistory",
    "class",
    "classHistory",
    "type",
    "serviceType",
    "priority",
    "subject",
    "episodeOfCare",
    "basedOn",
    "participant",
    "appointment",
    "period",
    "length",
    "reasonCode",
    "reasonReference",
    "diagnosis",
    "account",
    "hospitalization",
    "location",
    "serviceProvider",
    "partOf",
    "text",
];

/// The parts of an Encounter that are told in pieces: what is stated of them replaces piece by piece.
const PIECEWISE: [&str; 2] = ["period", "hospitalization"];

/// What a message states.
#[derive(Debug)]
pub(super) struct Statement {
    /// The members, without what the course decides.
    pub(super) members: Map<String, Value>,
    /// When the visit ended, of a message that does not say that it ends (PV1-45 of an update); may be empty.
    pub(super) ended: String,
    /// Members of `meta`, as JSON text without the braces.
    pub(super) meta: String,
}

/// The Encounter as it is now known, and the time up to which it is known.
pub(super) fn encounter(
    statement: Statement,
    wanted: &Wanted<'_>,
    id: ResourceId,
    known: Option<OnRecord<'_>>,
    out: &Output,
) -> (Draft, Option<i64>) {
    let sent = out.occurred.unwrap_or(i64::MIN);
    let stored = known.map(OnRecord::stored);
    let is_newest = stored.is_none_or(|stored| stored.occurred <= sent);
    let mut members = stored.map(|stored| stored.body.clone()).unwrap_or_default();
    let before = members.clone();
    let now = Now { wanted, known, is_newest, zone_minutes: out.zone_minutes };
    let mut stated = statement.members;
    if wanted.happening == Happening::Discharge && is_taken_back(&now, out) {
        nobody_left(&mut stated);
    }
    for (name, value) in stated {
        state(&mut members, &name, value, is_newest);
    }
    let course = course_of(wanted, &statement.ended, &members, known, out);
    tell_status(&mut members, &course, &now);
    if is_newest {
        tell_class(&mut members, &before, &wanted.when);
    }
    doctors(&mut members, &now);
    let mut places = Places::read(&before);
    place(&mut places, &now, out);
    let status = members.get("status").and_then(Value::as_str).unwrap_or_default().to_owned();
    let end = members.get("period").and_then(|p| p["end"].as_str()).unwrap_or_default().to_owned();
    let mut contained = Vec::new();
    let locations = places.write(&status, &end, &mut contained);
    set_list(&mut members, "location", locations);
    set_list(&mut members, "contained", contained);
    let occurred = if is_newest { out.occurred } else { stored.map(|stored| stored.occurred) };
    (draft(id, members, statement.meta), occurred)
}

/// What the parts of an Encounter depend on.
struct Now<'n, 'm> {
    wanted: &'n Wanted<'m>,
    known: Option<OnRecord<'n>>,
    /// Whether no message about the visit that is on record was sent later.
    is_newest: bool,
    zone_minutes: i16,
}

/// Takes a member over: a newer message replaces, a late one says only what nobody said. Identifiers are kept by
/// system, participants by role, extensions by URL.
fn state(members: &mut Map<String, Value>, name: &str, value: Value, is_newest: bool) {
    match (members.get_mut(name), value) {
        (Some(Value::Object(old)), Value::Object(new)) if PIECEWISE.contains(&name) => {
            for (part, value) in new {
                if is_newest || !old.contains_key(&part) {
                    old.insert(part, value);
                }
            }
        }
        (Some(Value::Array(old)), Value::Array(new)) if key_of(name).is_some() => {
            let Some(key) = key_of(name) else { return };
            let stated: Vec<Value> = new.iter().map(key).collect();
            if is_newest {
                old.retain(|item| is_past(item) || !stated.contains(&key(item)));
                old.extend(new);
            } else {
                let there: Vec<Value> = old.iter().map(key).collect();
                old.extend(new.into_iter().filter(|item| !there.contains(&key(item))));
            }
        }
        (Some(_), _) if !is_newest => {}
        (_, value) => {
            members.insert(name.to_owned(), value);
        }
    }
}

/// What tells the items of a list apart.
fn key_of(name: &str) -> Option<fn(&Value) -> Value> {
    match name {
        "identifier" => Some(|item| item["system"].clone()),
        "participant" => Some(|item| item["type"][0]["coding"][0]["code"].clone()),
        "extension" => Some(|item| item["url"].clone()),
        _ => None,
    }
}

/// A participant that took part until some time stays, whoever comes after.
fn is_past(item: &Value) -> bool {
    item["period"]["end"].is_string()
}

/// The course of everything that is known to have happened, this message included.
fn course_of(
    wanted: &Wanted<'_>,
    ended: &str,
    members: &Map<String, Value>,
    known: Option<OnRecord<'_>>,
    out: &Output,
) -> Course {
    let sent = out.occurred.unwrap_or(i64::MAX);
    let mut moments = known.map(OnRecord::moments).unwrap_or_default();
    moments.push(Moment { happening: wanted.happening, sent, when: wanted.when.clone() });
    if !ended.is_empty() {
        moments.push(Moment { happening: Happening::Discharge, sent, when: ended.to_owned() });
    }
    let is_ambulatory = members.get("class").is_some_and(|class| class["code"] == "AMB");
    let is_all = is_ambulatory && wanted.registration_is_all;
    let course = course::course(course::standing(moments), is_all, out.zone_minutes);
    if !course.status.is_empty() {
        return course;
    }
    // Something happened to a visit of which no beginning is known; whoever is moved is there.
    let class = members.get("class").and_then(|class| class["code"].as_str()).unwrap_or_default();
    let status = match (class, wanted.happening) {
        ("AMB", _) if wanted.registration_is_all => "finished",
        ("PRENC", Happening::Update | Happening::ChangeNumber) => "planned",
        _ => "in-progress",
    };
    Course { status, ..course }
}

/// `status`, `statusHistory` and `period`.
fn tell_status(members: &mut Map<String, Value>, course: &Course, now: &Now<'_, '_>) {
    members.insert("status".into(), course.status.into());
    let past = course.past.iter().map(|past| {
        let mut item = Map::new();
        item.insert("status".into(), past.status.into());
        item.insert("period".into(), period(&past.start, &past.end));
        Value::Object(item)
    });
    set_list(members, "statusHistory", past.collect());
    let planned = members.get("extension").and_then(Value::as_array).and_then(|extensions| {
        let planned = extensions.iter().find(|extension| extension["url"] == PLANNED_START)?;
        planned["valueDateTime"].as_str().map(str::to_owned)
    });
    let is_begun = !matches!(course.status, "planned" | "cancelled");
    let mut bounds = match members.shift_remove("period") {
        Some(Value::Object(period)) => period,
        _ => Map::new(),
    };
    let was_planned = now.known.is_some_and(OnRecord::is_planned);
    let has_plan = planned.as_deref().is_some_and(|planned| bounds.get("start") == Some(&planned.into()));
    if was_planned && is_begun && has_plan && !now.wanted.pv1.peek(44).is_valued() {
        bounds.shift_remove("start");
    }
    if let Some(planned) = planned.filter(|_| !is_begun) {
        bounds.entry("start").or_insert(planned.into());
    }
    bounds.shift_remove("end");
    if !course.end.is_empty() {
        bounds.insert("end".into(), course.end.clone().into());
    }
    if !bounds.is_empty() {
        members.insert("period".into(), Value::Object(bounds));
    }
    if course.status != "finished" && now.wanted.happening == Happening::CancelDischarge {
        nobody_left(members);
    }
    if now.wanted.happening == Happening::CancelPlanDischarge
        && now.is_newest
        && let Some(Value::Array(extensions)) = members.get_mut("extension")
    {
        extensions.retain(|extension| extension["url"] != PLANNED_END);
    }
    drop_empty(members);
}

/// How and where to somebody left who did not.
fn nobody_left(members: &mut Map<String, Value>) {
    if let Some(Value::Object(hospitalization)) = members.get_mut("hospitalization") {
        hospitalization.shift_remove("dischargeDisposition");
        hospitalization.shift_remove("destination");
    }
}

fn drop_empty(members: &mut Map<String, Value>) {
    let is_empty = |value: &Value| match value {
        Value::Object(object) => object.is_empty(),
        Value::Array(array) => array.is_empty(),
        _ => false,
    };
    members.retain(|_, value| !is_empty(value));
}

/// `classHistory`: what the visit was before it became something else.
fn tell_class(members: &mut Map<String, Value>, before: &Map<String, Value>, when: &str) {
    let (Some(old), Some(new)) = (before.get("class"), members.get("class")) else { return };
    if old["code"] == new["code"] || old["code"] == "PRENC" {
        return;
    }
    let mut history = match before.get("classHistory") {
        Some(Value::Array(history)) => history.clone(),
        _ => Vec::new(),
    };
    let since = match history.last() {
        Some(last) => last["period"]["end"].as_str().unwrap_or_default().to_owned(),
        None => before.get("period").and_then(|p| p["start"].as_str()).unwrap_or_default().to_owned(),
    };
    if since.is_empty() && when.is_empty() {
        return;
    }
    let mut item = Map::new();
    item.insert("class".into(), old.clone());
    item.insert("period".into(), period(&since, when));
    history.push(Value::Object(item));
    members.insert("classHistory".into(), Value::Array(history));
}

/// The attending doctors: one who handed over (A54) took part until then; with the change taken back (A55) takes part
/// again.
fn doctors(members: &mut Map<String, Value>, now: &Now<'_, '_>) {
    let Some(stored) = now.known.map(OnRecord::stored).filter(|_| now.is_newest) else { return };
    let Some(Value::Array(before)) = stored.body.get("participant") else { return };
    let is_attending = |item: &Value| {
        let coding = &item["type"][0]["coding"][0];
        coding["code"] == "ATND" && coding["system"] == system::V3_PARTICIPATION
    };
    let Some(Value::Array(list)) = members.get_mut("participant") else { return };
    match now.wanted.happening {
        Happening::ChangeDoctor => {
            let present: Vec<Value> =
                list.iter().filter(|i| is_attending(i)).map(|i| i["individual"].clone()).collect();
            let gone = before.iter().filter(|item| is_attending(item) && !is_past(item));
            for item in gone.filter(|item| !present.contains(&item["individual"])) {
                let mut item = item.clone();
                if now.wanted.when.is_empty() {
                    continue;
                }
                let since = item["period"]["start"].as_str().unwrap_or_default().to_owned();
                item["period"] = period(&since, &now.wanted.when);
                list.push(item);
            }
        }
        Happening::CancelDoctor => {
            // Whoever took over did not; whoever had handed over at that time attends again.
            let since =
                before.iter().filter(|i| is_attending(i) && !is_past(i)).find_map(|i| i["period"]["start"].as_str());
            let handed_over =
                |item: &Value| is_attending(item) && is_past(item) && item["period"]["end"].as_str() == since;
            if since.is_none() || !list.iter().any(handed_over) {
                return;
            }
            list.retain(|item| !is_attending(item) || is_past(item));
            for item in list.iter_mut().filter(|item| handed_over(item)) {
                let start = item["period"]["start"].as_str().unwrap_or_default().to_owned();
                match item.as_object_mut() {
                    Some(item) if start.is_empty() => drop(item.shift_remove("period")),
                    Some(item) => drop(item.insert("period".into(), period(&start, ""))),
                    None => {}
                }
            }
        }
        _ => {}
    }
}

/// Where the patient was, is and will be.
fn place(places: &mut Places, now: &Now<'_, '_>, out: &Output) {
    let (wanted, pv1) = (now.wanted, now.wanted.pv1);
    let named = |field: u16| pv1.field(field);
    let [present, prior] = [3, 6].map(|field| pl::chain(named(field), out));
    let asides = [(11, Aside::Temporary), (42, Aside::Pending), (43, Aside::PriorTemporary)];
    for (field, aside) in asides {
        if let Some(place) = pl::chain(named(field), out).filter(|_| now.is_newest) {
            let is_plan = aside == Aside::Pending && wanted.happening == Happening::PlanTransfer;
            places.set_aside(aside, place, if is_plan { &wanted.when } else { "" });
        }
    }
    let is_taken_back = is_taken_back(now, out);
    match wanted.happening {
        Happening::CancelTransfer if now.is_newest => places.return_to(present),
        Happening::CancelPlanTransfer if now.is_newest => {
            places.clear_aside(Aside::Pending);
            present.into_iter().for_each(|place| places.be(place, true));
        }
        Happening::Admit | Happening::Transfer | Happening::ToInpatient | Happening::ToOutpatient if !is_taken_back => {
            if wanted.happening == Happening::Admit && now.known.is_some_and(OnRecord::is_planned) {
                *places = Places::default();
            }
            match (present, prior) {
                (Some(place), prior) if !wanted.when.is_empty() => {
                    // Before an admission nobody is anywhere in the house but where PV1-6 says.
                    let goes_last = now.is_newest && wanted.happening != Happening::Admit;
                    let arrival = Arrival { at: &wanted.when, goes_last, corrects: now.is_newest };
                    places.arrive(place, prior, arrival, now.zone_minutes);
                }
                (present, _) => present.into_iter().for_each(|place| places.be(place, now.is_newest)),
            }
            if now.is_newest {
                places.clear_aside(Aside::Temporary);
            }
        }
        _ if !is_taken_back => {
            if let Some(place) = prior.filter(|_| places.is_empty()) {
                places.be(place, true);
            }
            present.into_iter().for_each(|place| places.be(place, now.is_newest));
        }
        _ => {}
    }
}

/// Whether what a late message tells was taken back by one that is on record.
fn is_taken_back(now: &Now<'_, '_>, out: &Output) -> bool {
    let Some(sent) = out.occurred else { return false };
    let moment = Moment { happening: now.wanted.happening, sent, when: now.wanted.when.clone() };
    let mut moments = now.known.map(OnRecord::moments).unwrap_or_default();
    moments.retain(|known| *known != moment);
    moments.push(moment.clone());
    !moment.happening.is_cancellation() && !course::standing(moments).contains(&moment)
}

fn period(start: &str, end: &str) -> Value {
    let bounds = [("start", start), ("end", end)].into_iter().filter(|(_, bound)| !bound.is_empty());
    Value::Object(bounds.map(|(name, bound)| (name.to_owned(), bound.into())).collect())
}

fn set_list(members: &mut Map<String, Value>, name: &str, list: Vec<Value>) {
    if list.is_empty() {
        members.shift_remove(name);
    } else {
        members.insert(name.to_owned(), Value::Array(list));
    }
}

fn draft(id: ResourceId, mut members: Map<String, Value>, stated_meta: String) -> Draft {
    let meta = match members.shift_remove("meta") {
        Some(Value::Object(mut meta)) => {
            meta.shift_remove("versionId");
            meta.shift_remove("lastUpdated");
            inner(&meta)
        }
        _ => String::new(),
    };
    members.shift_remove("resourceType");
    members.shift_remove("id");
    let mut w = Writer::new();
    for name in ORDER {
        if let Some(value) = members.shift_remove(name) {
            w.raw(name, &value.to_string());
        }
    }
    for (name, value) in members {
        w.raw(&name, &value.to_string());
    }
    let meta = if stated_meta.is_empty() { meta } else { stated_meta };
    Draft { meta, ..Draft::new(ResourceType::ENCOUNTER, id, w) }
}

fn inner(object: &Map<String, Value>) -> String {
    let mut w = Writer::new();
    for (name, value) in object {
        w.raw(name, &value.to_string());
    }
    w.finish()
}

/// The members that a writer wrote.
pub(super) fn members(w: Writer) -> Map<String, Value> {
    match serde_json::from_str(&format!("{{{}}}", w.finish())) {
        Ok(Value::Object(members)) => members,
        // What a writer writes is JSON.
        _ => Map::new(),
    }
}

/// Whether a visit that ends in PV1-45 has ended when the message was sent.
pub(super) fn has_ended(end: &str, out: &Output) -> bool {
    let ended = Interval::parse(end, out.zone_minutes);
    ended.is_some_and(|end| out.occurred.is_none_or(|sent| end.start <= sent))
}
