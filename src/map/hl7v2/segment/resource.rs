//! AIS, AIG, AIL and AIP (HL7 v2.5 sections 10.6.2 to 10.6.5): what an appointment is for, and with what, where and whom.

use crate::decode::hl7v2::Segment;
use crate::fhir::{ResourceType, Writer};
use crate::map::Output;
use crate::map::hl7v2::datatype::{cwe, pl, xcn};
use crate::map::hl7v2::segment::sch;
use crate::map::hl7v2::segment::txa;

/// Where each segment keeps what all have: start, offset from the appointment's start and its unit, duration and its
/// unit, status.
struct Columns {
    start: u16,
    status: u16,
}

/// When a resource is needed, as FHIR dateTimes; empty when not stated.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Needed {
    /// From when.
    pub(crate) start: String,
    /// Until when.
    pub(crate) end: String,
}

fn columns(segment: Segment<'_>) -> Columns {
    match segment.name() {
        "AIS" => Columns { start: 4, status: 10 },
        "AIG" => Columns { start: 8, status: 14 },
        _ => Columns { start: 6, status: 12 },
    }
}

/// Start (else the appointment's start and the offset) and the end that follows from the duration.
pub(crate) fn needed(segment: Segment<'_>, appointment: &str, out: &mut Output) -> Needed {
    let at = columns(segment).start;
    let stated = txa::instant(segment.field(at), out);
    let offset = sch::minutes(segment.field(at + 1), segment.field(at + 2), out);
    let start = stated.or_else(|| sch::after(appointment, offset?, out)).unwrap_or_default();
    let minutes = sch::minutes(segment.field(at + 3), segment.field(at + 4), out);
    let end = minutes.and_then(|minutes| sch::after(&start, minutes, out)).unwrap_or_default();
    Needed { start, end }
}

impl Needed {
    /// Writes a Period member.
    pub(crate) fn write(&self, w: &mut Writer, name: &str) {
        w.object(name, |w| {
            w.string("start", &self.start);
            w.string("end", &self.end);
        });
    }
}

/// The segment's own filler status as appointmentstatus; `None` when it has none.
pub(crate) fn status(segment: Segment<'_>) -> Option<&'static str> {
    sch::filler_status(&cwe::code(segment.field(columns(segment).status)))
}

/// participationstatus: who is booked has accepted, a cancelled one is out, what is not said is tentative.
pub(crate) fn participation(segment: Segment<'_>) -> &'static str {
    match status(segment) {
        Some("booked" | "checked-in" | "fulfilled") => "accepted",
        Some("cancelled" | "entered-in-error" | "noshow") => "declined",
        Some("pending") => "needs-action",
        _ => "tentative",
    }
}

/// Whether the segment says that the resource is taken out (segment action code, table 0206). Named rule
/// `part-of-a-snapshot`: A and U state what is there.
pub(crate) fn is_deleted(segment: Segment<'_>) -> bool {
    segment.ignore(&[1]);
    segment.field(2).text().trim() == "D"
}

/// AIG-3 as a Device of the patient's record, with its notes; `None` when nothing is named.
pub(crate) fn device(aig: Segment<'_>, notes: &[String], out: &mut Output) -> Option<String> {
    let value = aig.field(3);
    let (code, name) = (cwe::code(value), cwe::text(value));
    if code.is_empty() && name.is_empty() {
        return None;
    }
    let mut w = Writer::new();
    w.array("identifier", |w| {
        if !code.is_empty() {
            w.item(|w| {
                w.string("system", &out.facility.local_system("device"));
                w.string("value", &code);
            });
        }
    });
    w.array("deviceName", |w| {
        w.item(|w| {
            if !name.is_empty() {
                w.string("name", &name);
                w.string("type", "user-friendly-name");
            }
        });
    });
    cwe::concept(&mut w, "type", aig.peek(4), "", out);
    w.array("note", |w| {
        for note in notes {
            w.item(|w| w.string("text", note));
        }
    });
    let key = if code.is_empty() { format!("name:{name}") } else { code };
    let id = out.id(ResourceType::DEVICE, &key);
    Some(out.put_weak(ResourceType::DEVICE, id, w))
}

/// AIP-3 as Practitioners.
pub(crate) fn practitioners(aip: Segment<'_>, out: &mut Output) -> Vec<String> {
    xcn::practitioners(aip.field(3), out)
}

/// AIL-3 as Locations, items of `contained`; gives the references to the smallest. `prefix` keeps chains apart.
pub(crate) fn locations(w: &mut Writer, ail: Segment<'_>, prefix: &str, out: &Output) -> Vec<String> {
    let mut references = Vec::new();
    for (at, location) in ail.field(3).repetitions().enumerate() {
        let prefix = if at == 0 { prefix.to_owned() } else { format!("{prefix}{}-", at + 1) };
        references.extend(pl::contained(w, location, &prefix, out));
    }
    references
}
