//! GOL goal detail (HL7 v2.5 section 12.4.1) to Goal, and PTH pathway (section 12.4.4) to CarePlan.

use crate::decode::hl7v2::Segment;
use crate::fhir::{ResourceId, ResourceType, Writer};
use crate::map::Output;
use crate::map::hl7v2::datatype::{cwe, ts, xcn};
use crate::map::hl7v2::segment::{orc, problem};

const LIFECYCLE: [&str; 9] =
    ["proposed", "planned", "accepted", "active", "on-hold", "completed", "cancelled", "entered-in-error", "rejected"];
const REQUEST_STATUS: [&str; 6] = ["draft", "active", "on-hold", "revoked", "completed", "entered-in-error"];

/// The id of a goal or pathway by its instance number, else by what it is; `None` when it is not named.
pub(crate) fn id(segment: Segment<'_>, out: &Output) -> Option<ResourceId> {
    let (resource_type, name, instance) = match segment.name() {
        "GOL" => (ResourceType::GOAL, segment.peek(3), segment.peek(4)),
        _ => (ResourceType::CARE_PLAN, segment.peek(2), segment.peek(3)),
    };
    let (code, text, number) = (cwe::code(name), cwe::text(name), orc::number(instance));
    if code.is_empty() && text.is_empty() {
        return None;
    }
    let key = if number.is_empty() { format!("{code}:{text}") } else { format!("instance:{number}") };
    Some(out.id(resource_type, &key))
}

/// Puts the Goal that addresses a problem.
pub(crate) fn goal(
    gol: Segment<'_>,
    id: ResourceId,
    around: &problem::Around<'_, '_>,
    problem: Option<&str>,
    out: &mut Output,
) {
    let expressed_by = around.role.and_then(|role| {
        role.ignore(&[1, 2, 3]);
        xcn::practitioner(role.field(4), out)
    });
    // GOL-1 is the action, GOL-2 its time.
    gol.ignore(&[1, 2]);
    let mut w = Writer::new();
    w.array("identifier", |w| w.item(|w| problem::identifier(w, gol.field(4), out)));
    w.string("lifecycleStatus", &status(gol, 18, &LIFECYCLE, "active"));
    cwe::concept(&mut w, "achievementStatus", gol.field(16), "", out);
    w.array("category", |w| cwe::concept_item(w, gol.field(9), "", out));
    cwe::concept(&mut w, "description", gol.field(3), "", out);
    out.subject(&mut w, "subject");
    if let Some(date) = ts::date(gol.field(7), out) {
        w.string("startDate", &date);
    }
    w.array("target", |w| {
        w.item(|w| {
            let due = ts::date(gol.field(8), out);
            w.string("dueDate", due.as_deref().unwrap_or_default());
        });
    });
    let changed = ts::date(gol.field(19), out);
    w.string("statusDate", changed.as_deref().unwrap_or_default());
    w.reference("expressedBy", expressed_by.as_deref().unwrap_or_default());
    w.array("addresses", |w| w.item(|w| w.string("reference", problem.unwrap_or_default())));
    let evaluations: Vec<String> =
        gol.field(17).repetitions().map(|text| text.whole_text().trim().to_owned()).collect();
    problem::notes(&mut w, around.notes, &evaluations, out);
    w.array("outcomeReference", |w| {
        around.evidence.iter().for_each(|reference| w.item(|w| w.string("reference", reference)));
    });
    out.put(ResourceType::GOAL, id, w);
}

/// Puts the CarePlan of a pathway. What is done on it the message does not say.
pub(crate) fn pathway(
    pth: Segment<'_>,
    id: ResourceId,
    problem: Option<&str>,
    notes: &[Segment<'_>],
    out: &mut Output,
) {
    pth.ignore(&[1]);
    let mut w = Writer::new();
    w.array("identifier", |w| w.item(|w| problem::identifier(w, pth.field(3), out)));
    w.string("status", &status(pth, 5, &REQUEST_STATUS, "unknown"));
    w.string("intent", "plan");
    w.array("category", |w| cwe::concept_item(w, pth.field(2), "", out));
    w.string("title", &cwe::text(pth.peek(2)));
    out.subject(&mut w, "subject");
    let start = ts::date_time(pth.field(4), out);
    w.object("period", |w| w.string("start", start.as_deref().unwrap_or_default()));
    w.array("addresses", |w| w.item(|w| w.string("reference", problem.unwrap_or_default())));
    problem::notes(&mut w, notes, &[], out);
    out.put(ResourceType::CARE_PLAN, id, w);
}

/// A life cycle status that is a code of FHIR's; anything else stays unread, so that the account names it.
fn status(segment: Segment<'_>, field: u16, known: &[&str], otherwise: &str) -> String {
    let code = cwe::code(segment.peek(field)).to_ascii_lowercase();
    if known.contains(&code.as_str()) {
        segment.ignore(&[field]);
        return code;
    }
    otherwise.to_owned()
}
