//! SIU^S12 to S22 and S26 (HL7 v2.5 section 10.4): an appointment, what it is for and who and what takes part.

use super::adt::event;
use super::business_key::Keys;
use super::datatype::cwe;
use super::segment::resource::{self, Needed};
use super::segment::sch::{self, Slot, TIME_MISSING};
use super::segment::{nte, orc};
use super::{Context, Output, visit};
use crate::decode::hl7v2::{Message, Segment};
use crate::fault::{Place, rules};
use crate::fhir::{ResourceType, Writer};

rules! {
    pub(crate) NO_APPOINTMENT "v2-no-appointment" Error Required
        "The message is about an appointment and has no SCH segment; only the patient was taken over."
        "予約のメッセージですがSCHがありません。患者情報のみ取り込みました。"
    pub(crate) APPOINTMENT_WITHOUT_NUMBER "v2-appointment-without-number" Warning Required
        "Neither SCH-1 nor SCH-2 numbers the appointment: a later message about it will not find it by its number."
        "SCH-1・SCH-2に予約番号がありません。この予約に関する後続のメッセージを番号で対応付けられません。"
}

/// A resource group (RGS) and what it books.
#[derive(Default)]
struct Group<'m> {
    booked: Vec<Booked<'m>>,
}

/// AIS, AIG, AIL or AIP with the NTE after it.
struct Booked<'m> {
    segment: Segment<'m>,
    notes: Vec<Segment<'m>>,
}

/// A participant of the appointment, ready to be written.
struct Participant {
    actor: String,
    /// AIG-4, AIL-4 or AIP-4 as JSON.
    kind: String,
    status: &'static str,
    needed: Needed,
}

/// Maps the appointment. The visit, if one is named, is mentioned beside it: it is the visit that refers to an
/// appointment.
pub(super) fn map(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    visit::mention(message, out);
    let Some(sch) = message.first("SCH") else {
        return out.issue(&NO_APPOINTMENT, Place::Whole);
    };
    let timing = message.first("TQ1");
    let status = sch::status(&event(message), sch, out);
    let slot = sch::slot(sch, timing, out);
    let number = number(message, sch, &slot, context, out);
    // Of an appointment that is cancelled as a whole, every part may be marked as deleted.
    let is_over = matches!(event(message).as_str(), "S15" | "S16" | "S17");
    let groups = groups(message, is_over);
    let services = services(&groups, &number, status, &slot, out);
    let mut w = Writer::new();
    let mut participants = Vec::new();
    let mut comments = comments(message, sch);
    w.array("contained", |w| participants = others(w, &groups, &slot, &mut comments, out));
    sch::identifiers(&mut w, sch, out);
    w.string("status", status);
    sch::cancelation_reason(&mut w, sch, status, out);
    w.array("serviceType", |w| {
        for booked in all(&groups, "AIS") {
            cwe::concept_item(w, booked.segment.field(3), "", out);
        }
    });
    sch::type_and_reason(&mut w, sch, out);
    if let Some(priority) = sch::priority(sch, timing) {
        w.integer("priority", priority);
    }
    let contacts = sch::contacts(sch, out);
    w.array("supportingInformation", |w| {
        contacts.iter().for_each(|reference| w.item(|w| w.string("reference", reference)));
    });
    let missing = sch::times(&mut w, &slot, status);
    for (is_missing, name) in missing.into_iter().zip(["starts / 開始", "ends / 終了"]) {
        if is_missing {
            out.issue_with(&TIME_MISSING, sch.place(11), name);
        }
    }
    w.string("comment", &comments.join("\n"));
    based_on(&mut w, sch, &services, out);
    write_participants(&mut w, &participants, out);
    w.array("requestedPeriod", |w| w.item(|w| w.string("start", &slot.day)));
    let id = out.id(ResourceType::APPOINTMENT, &number);
    out.put_labelled(ResourceType::APPOINTMENT, id, w, visit::protection(message).meta());
}

/// What a message states as a whole: what it stated of the appointment before and does not state now is gone. S18 to S22
/// tell of single resources.
pub(super) fn origin(message: &Message<'_>) -> Option<String> {
    let event = event(message);
    let is_whole = matches!(event.as_str(), "S12" | "S13" | "S14" | "S15" | "S16" | "S17" | "S26");
    let is_siu = message.first("MSH")?.peek(9).component(1).text() == "SIU";
    let number = sch::number(message.first("SCH")?)?;
    (is_siu && is_whole).then(|| format!("SIU {number}"))
}

fn number(message: &Message<'_>, sch: Segment<'_>, slot: &Slot, context: Context<'_>, out: &mut Output) -> String {
    if let Some(number) = sch::number(sch) {
        return number;
    }
    out.issue(&APPOINTMENT_WITHOUT_NUMBER, sch.place(2));
    let control = message.first("MSH").map(|header| header.peek(10).text().trim().to_owned()).unwrap_or_default();
    match (slot.start.as_str(), control.as_str()) {
        ("", "") => format!("in:{}", context.letter.hex()),
        ("", control) => format!("in:{control}"),
        (start, _) => format!("at:{start}"),
    }
}

/// The groups; a resource before any RGS is in one of its own. Named rule `grouping`: RGS only groups.
fn groups<'m>(message: &'m Message<'_>, are_deleted_kept: bool) -> Vec<Group<'m>> {
    let mut groups: Vec<Group<'m>> = Vec::new();
    let mut is_open = false;
    for segment in message.segments() {
        match segment.name() {
            "RGS" => {
                segment.ignore(&[1, 2, 3]);
                groups.push(Group::default());
            }
            "AIS" | "AIG" | "AIL" | "AIP" => {
                if groups.is_empty() {
                    groups.push(Group::default());
                }
                if !resource::is_deleted(segment) || are_deleted_kept {
                    groups.iter_mut().last().into_iter().for_each(|group| {
                        group.booked.push(Booked { segment, notes: Vec::new() });
                    });
                }
            }
            "NTE" if is_open => {
                if let Some(booked) = groups.last_mut().and_then(|group| group.booked.last_mut()) {
                    booked.notes.push(segment);
                }
            }
            _ => {}
        }
        is_open = matches!(segment.name(), "AIS" | "AIG" | "AIL" | "AIP") || (is_open && segment.is("NTE"));
    }
    groups
}

fn all<'g, 'm>(groups: &'g [Group<'m>], name: &'static str) -> impl Iterator<Item = &'g Booked<'m>> {
    groups.iter().flat_map(|group| &group.booked).filter(move |booked| booked.segment.is(name))
}

impl Booked<'_> {
    fn notes(&self) -> Vec<String> {
        let texts = self.notes.iter().map(|note| nte::lines(note.field(3)).trim().to_owned());
        texts.filter(|text| !text.is_empty()).collect()
    }
}

/// NTE after SCH and TQ1, up to the patient.
fn comments(message: &Message<'_>, sch: Segment<'_>) -> Vec<String> {
    let head = message.segments().skip(sch.index() + 1).take_while(|s| matches!(s.name(), "TQ1" | "TQ2" | "NTE"));
    let texts = head.filter(|s| s.is("NTE")).map(|note| nte::lines(note.field(3)).trim().to_owned());
    texts.filter(|text| !text.is_empty()).collect()
}

/// The services (AIS) as ServiceRequests of the filler, done by whom and what is booked in the same group.
fn services(groups: &[Group<'_>], number: &str, of_all: &str, slot: &Slot, out: &mut Output) -> Vec<String> {
    let mut keys = Keys::default();
    let mut references = Vec::new();
    for group in groups {
        for booked in group.booked.iter().filter(|booked| booked.segment.is("AIS")) {
            let ais = booked.segment;
            let status = request_status(of_all, resource::status(ais));
            let needed = resource::needed(ais, &slot.start, out);
            let performers = performers(group, out);
            let mut w = Writer::new();
            let mut places = Vec::new();
            w.array("contained", |w| {
                for (at, place) in group.booked.iter().filter(|booked| booked.segment.is("AIL")).enumerate() {
                    places.extend(resource::locations(w, place.segment, &format!("place{}-", at + 1), out));
                }
            });
            w.string("status", status);
            w.string("intent", "filler-order");
            cwe::concept(&mut w, "code", ais.field(3), "", out);
            w.array("orderDetail", |w| {
                for detail in [11, 12].into_iter().flat_map(|field| ais.field(field).repetitions()) {
                    cwe::concept_item(w, detail, "", out);
                }
            });
            out.subject(&mut w, "subject");
            needed.write(&mut w, "occurrencePeriod");
            references_of(&mut w, "performer", &performers);
            references_of(&mut w, "locationReference", &places);
            nte::notes(&mut w, &booked.notes, &[]);
            let code = cwe::code(ais.peek(3));
            let name = if code.is_empty() { cwe::text(ais.peek(3)) } else { code };
            let id = out.id(ResourceType::SERVICE_REQUEST, &keys.next(format!("appointment:{number}/{name}")));
            references.push(out.put(ResourceType::SERVICE_REQUEST, id, w));
        }
    }
    references
}

/// The appointment's end is the service's too; otherwise its own status (AIS-10) counts.
fn request_status(of_all: &str, own: Option<&str>) -> &'static str {
    match (of_all, own.unwrap_or(of_all)) {
        ("entered-in-error", _) | (_, "entered-in-error") => "entered-in-error",
        ("cancelled" | "noshow", _) | (_, "cancelled" | "noshow") => "revoked",
        (_, "fulfilled") => "completed",
        _ => "active",
    }
}

fn performers(group: &Group<'_>, out: &mut Output) -> Vec<String> {
    let mut performers = Vec::new();
    for booked in &group.booked {
        match booked.segment.name() {
            "AIG" => performers.extend(resource::device(booked.segment, &booked.notes(), out)),
            "AIP" => performers.extend(resource::practitioners(booked.segment, out)),
            _ => {}
        }
    }
    performers
}

fn references_of(w: &mut Writer, name: &str, references: &[String]) {
    w.array(name, |w| references.iter().for_each(|reference| w.item(|w| w.string("reference", reference))));
}

/// Devices, places and persons; the places are contained. Their notes have no place of their own but the comment, those
/// of devices stand on the device.
fn others(
    w: &mut Writer,
    groups: &[Group<'_>],
    slot: &Slot,
    comments: &mut Vec<String>,
    out: &mut Output,
) -> Vec<Participant> {
    let mut participants = Vec::new();
    let mut places = 0;
    for booked in groups.iter().flat_map(|group| &group.booked) {
        let segment = booked.segment;
        let actors = match segment.name() {
            "AIG" => resource::device(segment, &booked.notes(), out).into_iter().collect(),
            "AIL" => {
                places += 1;
                resource::locations(w, segment, &format!("place{places}-"), out)
            }
            "AIP" => resource::practitioners(segment, out),
            _ => continue,
        };
        if !segment.is("AIG") {
            comments.extend(booked.notes());
        }
        let mut kind = Writer::new();
        cwe::members(&mut kind, segment.field(4), "", out);
        let kind = kind.finish();
        for actor in actors {
            let needed = resource::needed(segment, &slot.start, out);
            participants.push(Participant {
                actor,
                kind: kind.clone(),
                status: resource::participation(segment),
                needed,
            });
        }
    }
    participants
}

fn write_participants(w: &mut Writer, participants: &[Participant], out: &Output) {
    w.array("participant", |w| {
        w.item(|w| {
            out.subject(w, "actor");
            w.string("status", "accepted");
        });
        for participant in participants {
            w.item(|w| {
                if !participant.kind.is_empty() {
                    w.array("type", |w| w.item_raw(&format!("{{{}}}", participant.kind)));
                }
                w.reference("actor", &participant.actor);
                w.string("status", participant.status);
                participant.needed.write(w, "period");
            });
        }
    });
}

/// The services, and the orders that only their numbers name (SCH-26, SCH-27).
fn based_on(w: &mut Writer, sch: Segment<'_>, services: &[String], out: &Output) {
    w.array("basedOn", |w| {
        services.iter().for_each(|reference| w.item(|w| w.string("reference", reference)));
        for (field, kind) in [(26, "PLAC"), (27, "FILL")] {
            for number in sch.field(field).repetitions().filter(|number| number.is_valued()) {
                w.item(|w| {
                    w.string("type", "ServiceRequest");
                    w.object("identifier", |w| orc::identifier(w, number, kind, None, out));
                });
            }
        }
    });
}
