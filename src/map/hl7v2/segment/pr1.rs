//! PR1 procedure with its ROL (HL7 v2.5 section 6.5.4) to Procedure.

use super::rol;
use crate::decode::hl7v2::{Message, Segment};
use crate::fault::rules;
use crate::fhir::time::{self, Interval};
use crate::fhir::{ResourceType, Writer, system};
use crate::map::hl7v2::business_key::Keys;
use crate::map::hl7v2::datatype::{cwe, ts, xcn};
use crate::map::hl7v2::{EVERY_FIELD, Output};

rules! {
    pub(crate) NO_PROCEDURE "v2-no-procedure" Warning Required
        "The segment names no procedure; nothing was made of it."
        "処置・手術の名称がないため、処置情報を作成していません。"
}

const SNOMED: &str = "http://snomed.info/sct";

/// Puts every procedure of the message. `encounter` is the visit it was done in, a reference; may be empty.
pub fn map_all(message: &Message<'_>, encounter: &str, out: &mut Output) {
    let mut keys = Keys::default();
    for pr1 in message.all("PR1") {
        map(message, pr1, encounter, &mut keys, out);
    }
}

fn map(message: &Message<'_>, pr1: Segment<'_>, encounter: &str, keys: &mut Keys, out: &mut Output) {
    let (procedure, description) = (pr1.field(3), pr1.field(4).whole_text());
    let (code, text) = (cwe::code(procedure), cwe::text(procedure));
    let number = pr1.field(19).component(1).text();
    if code.is_empty() && text.is_empty() && description.trim().is_empty() {
        return out.issue(&NO_PROCEDURE, pr1.place(0));
    }
    let key = match number.trim() {
        "" => keys.next(format!("PR1:{encounter}:{code}:{text}:{}:{}", description.trim(), pr1.peek(5).text())),
        number => format!("PR1:{number}"),
    };
    let id = out.id(ResourceType::PROCEDURE, &key);
    if pr1.field(20).text().trim() == "D" {
        pr1.ignore(&EVERY_FIELD);
        return out.delete(ResourceType::PROCEDURE, id);
    }
    let performers = performers(message, pr1, out);
    let mut w = Writer::new();
    w.array("identifier", |w| {
        w.item(|w| {
            if !number.trim().is_empty() {
                w.string("system", system::RESOURCE_INSTANCE);
                w.string("value", number.trim());
            }
        });
    });
    w.string("status", "completed");
    cwe::concept(&mut w, "category", pr1.field(6), "HL70230", out);
    w.object("code", |w| {
        w.array("coding", |w| {
            // PR1-2 names the coding system where PR1-3 does not.
            cwe::codings(w, procedure, pr1.field(2).text().trim(), out);
        });
        w.string("text", if description.trim().is_empty() { &text } else { description.trim() });
    });
    out.subject(&mut w, "subject");
    w.reference("encounter", encounter);
    performed(&mut w, pr1, out);
    w.array("performer", |w| performers.iter().for_each(|performer| w.item_raw(performer)));
    w.object("location", |w| w.string("display", &cwe::text(pr1.field(23))));
    w.array("reasonCode", |w| cwe::concept_item(w, pr1.field(15), "", out));
    out.put(ResourceType::PROCEDURE, id, w);
}

/// PR1-5, until PR1-7 minutes later.
fn performed(w: &mut Writer, pr1: Segment<'_>, out: &mut Output) {
    let Some(start) = ts::date_time(pr1.field(5), out) else { return };
    let is_instant = start.len() > 10;
    let minutes = pr1.peek(7).text().trim().parse::<u32>().ok().filter(|minutes| is_instant && *minutes > 0);
    let begun = Interval::parse(&start, out.zone_minutes);
    let Some((minutes, begun)) = minutes.zip(begun) else { return w.string("performedDateTime", &start) };
    pr1.ignore(&[7]);
    w.object("performedPeriod", |w| {
        w.string("start", &start);
        // With the offset the beginning was sent with.
        let zone_minutes = time::zone_of(&start).unwrap_or(out.zone_minutes);
        w.string("end", &time::instant(begun.start + i64::from(minutes) * 60_000, zone_minutes));
    });
}

/// Anaesthetist, surgeon, practitioner, and whom the ROL after it names; items of `Procedure.performer` as JSON text.
fn performers(message: &Message<'_>, pr1: Segment<'_>, out: &mut Output) -> Vec<String> {
    let mut performers = Vec::new();
    for (field, code, display) in [(8, "88189002", "Anesthesiologist"), (11, "304292004", "Surgeon"), (12, "", "")] {
        for reference in xcn::practitioners(pr1.field(field), out) {
            let mut w = Writer::new();
            w.item(|w| {
                w.object("function", |w| {
                    w.array("coding", |w| w.coding_item(if code.is_empty() { "" } else { SNOMED }, code, display));
                });
                w.reference("actor", &reference);
            });
            performers.push(w.finish());
        }
    }
    for rol in rol::after(message, pr1) {
        performers.extend(rol::performer(rol, out));
    }
    performers
}
