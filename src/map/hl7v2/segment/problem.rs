//! PRB problem detail as HL7 v2.5 section 12.4.2 has it (PPR^PC1 to PC3) to Condition. The Japanese PPR^ZD1 uses the same
//! segment in its own way: see `prb.rs`.

use crate::decode::hl7v2::{Segment, Value};
use crate::fhir::{ResourceId, ResourceType, Writer};
use crate::map::Output;
use crate::map::hl7v2::datatype::{cwe, ts, xcn};
use crate::map::hl7v2::segment::prb::{self, CONFIRMATION_UNKNOWN};
use crate::map::hl7v2::segment::{nte, orc};

const CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/condition-clinical";
const VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/condition-ver-status";
const CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/condition-category";
const ASSERTED: &str = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate";

const CLINICAL_CODES: [&str; 6] = ["active", "recurrence", "relapse", "inactive", "remission", "resolved"];
const VERIFICATION_CODES: [&str; 6] =
    ["unconfirmed", "provisional", "differential", "confirmed", "refuted", "entered-in-error"];

/// What stands around a problem.
#[derive(Debug, Default)]
pub(crate) struct Around<'m, 'a> {
    /// NTE and VAR after it.
    pub(crate) notes: &'a [Segment<'m>],
    /// The first ROL after it: who says so.
    pub(crate) role: Option<Segment<'m>>,
    /// The visit.
    pub(crate) encounter: Option<&'a str>,
    /// The Observations it rests upon.
    pub(crate) evidence: &'a [String],
}

/// The id by PRB-4, where two problems share it also by what they are; `None` when the problem is not named.
pub(crate) fn id(prb: Segment<'_>, shares_instance: bool, out: &Output) -> Option<ResourceId> {
    let (code, text) = (cwe::code(prb.peek(3)), cwe::text(prb.peek(3)));
    let instance = orc::number(prb.peek(4));
    let key = match (instance.as_str(), shares_instance) {
        _ if code.is_empty() && text.is_empty() => return None,
        ("", _) => format!("{code}:{text}:{}", prb.peek(16).text()),
        (instance, false) => format!("instance:{instance}"),
        (instance, true) => format!("instance:{instance}:{code}:{text}"),
    };
    Some(out.id(ResourceType::CONDITION, &key))
}

/// Puts the Condition.
pub(crate) fn condition(prb: Segment<'_>, id: ResourceId, around: &Around<'_, '_>, out: &mut Output) -> String {
    let asserter = around.role.and_then(|role| {
        // ROL-1 to ROL-3 say which role; Condition knows one person who says so.
        role.ignore(&[1, 2, 3]);
        xcn::practitioner(role.field(4), out)
    });
    let verification = verification(prb, out);
    let mut w = Writer::new();
    w.array("extension", |w| {
        if let Some(time) = ts::date_time(prb.field(7), out) {
            w.item(|w| {
                w.string("url", ASSERTED);
                w.string("valueDateTime", &time);
            });
        }
    });
    w.array("identifier", |w| w.item(|w| identifier(w, prb.field(4), out)));
    // con-5: what was entered in error has no clinical status.
    if verification != "entered-in-error" {
        w.concept("clinicalStatus", CLINICAL, &clinical(prb, out), "");
    }
    w.concept("verificationStatus", VERIFICATION, &verification, "");
    w.array("category", |w| {
        w.item(|w| w.array("coding", |w| w.coding_item(CATEGORY, "problem-list-item", "Problem List Item")));
        cwe::concept_item(w, prb.field(10), "", out);
        cwe::concept_item(w, prb.field(18), "", out);
    });
    cwe::concept(&mut w, "severity", prb.field(26), "", out);
    w.object("code", |w| {
        let (problem, text) = (prb.field(3), cwe::text(prb.peek(3)));
        w.array("coding", |w| cwe::codings(w, problem, "", out));
        // Seen in the field: the name where the code should be.
        w.string("text", &if text.is_empty() { cwe::code(problem) } else { text });
    });
    out.subject(&mut w, "subject");
    w.reference("encounter", around.encounter.unwrap_or_default());
    onset(&mut w, prb, out);
    ts::write(&mut w, "abatementDateTime", prb.field(9), out);
    ts::write(&mut w, "recordedDate", prb.field(2), out);
    w.reference("asserter", asserter.as_deref().unwrap_or_default());
    w.array("evidence", |w| {
        w.item(|w| {
            w.array("detail", |w| {
                around.evidence.iter().for_each(|reference| w.item(|w| w.string("reference", reference)));
            });
        });
    });
    notes(&mut w, around.notes, &[], out);
    // PRB-1 is the action: a deletion does not come here.
    prb.ignore(&[1]);
    let labels = prb::labels(prb.field(25), out);
    out.put_labelled(ResourceType::CONDITION, id, w, labels)
}

/// EI as an Identifier of the sender's problems.
pub(crate) fn identifier(w: &mut Writer, value: Value<'_>, out: &Output) {
    let number = orc::number(value);
    if number.is_empty() {
        return;
    }
    let part = |part: u16| value.component(part).text().trim().to_owned();
    let system = crate::map::hl7v2::datatype::hd::from_universal(&part(3), &part(4));
    let system = system.unwrap_or_else(|| match part(2) {
        name if name.is_empty() => out.facility.local_system("problem-instance"),
        name => out.facility.local_system(&format!("problem-instance-{name}")),
    });
    w.string("system", &system);
    w.string("value", &number);
}

/// PRB-14 where it is a code of FHIR's; what has been resolved (PRB-9) is not active (con-4).
fn clinical(prb: Segment<'_>, out: &Output) -> String {
    let stated = cwe::code(prb.peek(14)).to_ascii_lowercase();
    let known = CLINICAL_CODES.contains(&stated.as_str());
    let has_ended = ts::milliseconds(prb.peek(9), out.zone_minutes).is_some();
    if known {
        prb.ignore(&[14]);
    }
    match has_ended {
        true if matches!(stated.as_str(), "inactive" | "remission" | "resolved") => stated,
        true => "resolved".into(),
        false if known => stated,
        false => "active".into(),
    }
}

fn verification(prb: Segment<'_>, out: &mut Output) -> String {
    let value = prb.field(13);
    let code = cwe::code(value).to_ascii_lowercase();
    if code.is_empty() || VERIFICATION_CODES.contains(&code.as_str()) {
        return code;
    }
    out.doubt(&CONFIRMATION_UNKNOWN, &value);
    String::new()
}

/// PRB-16, else its words (PRB-17).
fn onset(w: &mut Writer, prb: Segment<'_>, out: &mut Output) {
    match ts::date_time(prb.field(16), out) {
        Some(time) => w.string("onsetDateTime", &time),
        None => w.string("onsetString", prb.field(17).whole_text().trim()),
    }
}

/// NTE-3, and what varied (VAR-6) with its time (VAR-3, else VAR-2); `further` are texts of other fields.
pub(crate) fn notes(w: &mut Writer, segments: &[Segment<'_>], further: &[String], out: &mut Output) {
    w.array("note", |w| {
        further.iter().for_each(|text| w.item(|w| w.string("text", text)));
        for segment in segments {
            let text = if segment.is("VAR") { segment.field(6) } else { segment.field(3) };
            let text = nte::lines(text);
            if text.trim().is_empty() {
                continue;
            }
            let time =
                [3, 2].into_iter().filter(|_| segment.is("VAR")).find_map(|n| ts::date_time(segment.field(n), out));
            w.item(|w| {
                w.string("time", time.as_deref().unwrap_or_default());
                w.string("text", text.trim_end());
            });
        }
    });
}
