//! Two records of one person (HL7 v2.5 sections 3.3.18, 3.3.24, 3.3.34 to 3.3.51): a merge leaves both records with what they
//! hold; the one that is not to be used any more names the one that is (docs/mapping/patient-merge.md).

use super::{Context, Output};
use crate::decode::hl7v2::{Message, Segment};
use crate::fault::rules;
use crate::fhir::{PatientKey, Writer};
use crate::map::hl7v2::datatype::{cx, xpn};
use crate::map::hl7v2::segment::{gt1, pid};
use crate::map::hl7v2::{head, provenance};

rules! {
    pub(crate) NO_PRIOR "v2-no-prior-patient" Warning Required
        "The segment names no prior patient number (MRG-1, MRG-4); nothing was merged."
        "統合元の患者番号(MRG-1、MRG-4)がないため、統合していません。"
    pub(crate) NO_MERGE "v2-no-merge" Error Required
        "The message is a merge and has no MRG segment; only the patient was taken over."
        "患者統合のメッセージですがMRGがありません。患者情報のみ取り込みました。"
    pub(crate) SAME_NUMBER "v2-merge-with-itself" Information BusinessRule
        "The prior patient number is the present one; no record was replaced."
        "統合元と統合先の患者番号が同じため、患者の統合は行っていません。"
}

/// A person of the message: PID with what stands around it, up to the next PID.
#[derive(Debug)]
struct Person<'m> {
    pid: Segment<'m>,
    around: Vec<Segment<'m>>,
}

impl<'m> Person<'m> {
    /// Whose record it is; `None` when it has no number at all.
    fn key(&self, out: &Output) -> Option<PatientKey> {
        let number = head::number_of(self.pid)?;
        Some(PatientKey::derive(&out.facility, &number.key))
    }
}

/// A40 and its relatives: each PID names the record that stays, its MRG the one that it takes the place of.
pub(in crate::map::hl7v2) fn merge(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    let persons = persons(message);
    if message.first("MRG").is_none() {
        out.issue(&NO_MERGE, message.first("PID").map_or(crate::fault::Place::Whole, |pid| pid.place(0)));
    }
    for (at, person) in persons.iter().enumerate() {
        let Some(key) = person.key(out) else { continue };
        let is_first = at == 0 || key == out.patient;
        let mut other = out.about(key);
        let survivor = if is_first { &mut *out } else { &mut other };
        let mut priors = Vec::new();
        for mrg in person.around.iter().filter(|segment| segment.is("MRG")) {
            priors.extend(prior(*mrg, survivor));
        }
        let references: Vec<String> = priors.iter().map(|prior| prior.patient.reference()).collect();
        if at == 0 || !is_first {
            state(person, &references, context, is_first, survivor);
        } else {
            link_only(&references, survivor);
        }
        let survivor_reference = survivor.patient.reference();
        if !is_first {
            provenance::put(message, context.letter, &mut other);
            out.also(other);
        }
        for prior in priors {
            let mut other = out.about(prior.patient);
            replaced(&prior, &survivor_reference, &mut other);
            provenance::put(message, context.letter, &mut other);
            out.also(other);
        }
    }
}

/// A24: the persons of the message have to do with each other, both records stay in use.
pub(in crate::map::hl7v2) fn link(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    let persons = persons(message);
    let keys: Vec<PatientKey> = persons.iter().filter_map(|person| person.key(out)).collect();
    for (at, person) in persons.iter().enumerate() {
        let Some(key) = person.key(out) else { continue };
        let others: Vec<String> = keys.iter().filter(|other| **other != key).map(|other| other.reference()).collect();
        let links: Vec<Link<'_>> = others.iter().map(|other| Link { other, kind: "seealso" }).collect();
        if at == 0 {
            state_linked(person, &links, context, true, out);
        } else {
            let mut other = out.about(key);
            state_linked(person, &links, context, false, &mut other);
            provenance::put(message, context.letter, &mut other);
            out.also(other);
        }
    }
}

fn persons<'m>(message: &'m Message<'_>) -> Vec<Person<'m>> {
    let mut persons: Vec<Person<'m>> = Vec::new();
    for segment in message.segments() {
        if segment.is("PID") {
            persons.push(Person { pid: segment, around: Vec::new() });
        } else if let Some(person) = persons.last_mut() {
            person.around.push(segment);
        }
    }
    persons
}

/// The record that is replaced, and the MRG that says so.
struct Prior<'m> {
    patient: PatientKey,
    mrg: Segment<'m>,
}

/// MRG-1, else MRG-4; accounts (MRG-3) end with it. `None` when the record is the same, or nobody's.
fn prior<'m>(mrg: Segment<'m>, out: &mut Output) -> Option<Prior<'m>> {
    let number = [1, 4].map(|field| mrg.peek(field)).into_iter().find(|value| value.component(1).is_valued());
    gt1::close(mrg.field(3), out);
    let Some(number) = number else {
        if !mrg.peek(3).is_valued() {
            out.issue(&NO_PRIOR, mrg.place(1));
        }
        return None;
    };
    let patient = PatientKey::derive(&out.facility, number.component(1).text().trim());
    if patient == out.patient {
        mrg.ignore(&[1, 2, 4, 7]);
        out.doubt(&SAME_NUMBER, &number);
        return None;
    }
    Some(Prior { patient, mrg })
}

/// One link of a Patient.
struct Link<'a> {
    other: &'a str,
    kind: &'static str,
}

fn state(person: &Person<'_>, priors: &[String], context: Context<'_>, is_own: bool, out: &mut Output) {
    let links: Vec<Link<'_>> = priors.iter().map(|other| Link { other, kind: "replaces" }).collect();
    state_linked(person, &links, context, is_own, out);
}

/// States a person with links. Of the message's own record it is known what it holds: what PID states is put on it, as
/// the newest or not at all, the links in any case. Of another record it is added to whatever that holds.
fn state_linked(person: &Person<'_>, links: &[Link<'_>], context: Context<'_>, is_own: bool, out: &mut Output) {
    let known = context.known.patient.as_ref().filter(|_| is_own);
    gt1::account(&person.around, person.pid, out);
    match known {
        Some(known) if out.occurred.is_some_and(|sent| sent < known.occurred) => {
            // Asked for, so that nothing is reported: what is stored is newer.
            pid::members(&person.around, person.pid, None, out);
            write_links(links, out);
        }
        _ => {
            let mut w = pid::members(&person.around, person.pid, None, out);
            array_of_links(&mut w, links);
            out.merge_patient(w, false);
        }
    }
}

fn link_only(priors: &[String], out: &mut Output) {
    let links: Vec<Link<'_>> = priors.iter().map(|other| Link { other, kind: "replaces" }).collect();
    write_links(&links, out);
}

fn write_links(links: &[Link<'_>], out: &mut Output) {
    if links.is_empty() {
        return;
    }
    let mut w = Writer::new();
    array_of_links(&mut w, links);
    out.merge_patient(w, true);
}

/// The record that is not to be used any more: its numbers and names as MRG states them where nothing is on record.
fn replaced(prior: &Prior<'_>, survivor: &str, out: &mut Output) {
    let mrg = prior.mrg;
    let mut w = Writer::new();
    w.array("identifier", |w| {
        for field in [1, 2, 4] {
            for number in mrg.field(field).repetitions() {
                w.item(|w| cx::identifier(w, number, out));
            }
        }
    });
    w.boolean("active", false);
    w.array("name", |w| mrg.field(7).repetitions().for_each(|name| w.item(|w| xpn::human_name(w, name, out))));
    out.facility_reference(&mut w, "managingOrganization", "");
    array_of_links(&mut w, &[Link { other: survivor, kind: "replaced-by" }]);
    out.merge_patient(w, true);
}

fn array_of_links(w: &mut Writer, links: &[Link<'_>]) {
    w.array("link", |w| {
        for link in links {
            w.item(|w| {
                w.reference("other", link.other);
                w.string("type", link.kind);
            });
        }
    });
}
