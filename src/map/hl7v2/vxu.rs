//! VXU^V04 (HL7 v2.5.1 section 4.17.4): vaccinations, one Immunization (JP_Immunization) per RXA. What OBX say of one that
//! R4 has a place for goes there (`Told`); the rest are Observations.

use crate::decode::hl7v2::{Message, Segment, Value};
use crate::fhir::{ResourceType, Writer};
use crate::map::hl7v2::business_key::Keys;
use crate::map::hl7v2::datatype::{cwe, pl, ts, xcn};
use crate::map::hl7v2::drug::group::{DrugGroup, drugs};
use crate::map::hl7v2::drug::label;
use crate::map::hl7v2::drug::medication::{self, absent};
use crate::map::hl7v2::group::ResultGroup;
use crate::map::hl7v2::segment::obx::{self, REPETITION_LEFT_OUT, RESULT_WITHOUT_CODE, Setting};
use crate::map::hl7v2::segment::orc::{self, ignore_whole};
use crate::map::hl7v2::segment::rxa::{self, Completion};
use crate::map::hl7v2::segment::{nte, obx_category};
use crate::map::hl7v2::unit::Unit;
use crate::map::hl7v2::{Context, Output, rde};

/// Named rule: RXA-5 `998^no vaccine administered` is no vaccination; its OBX say why, or what is known instead.
pub const NO_VACCINE_GIVEN: &str = "no-vaccine-given";

const ROLE: &str = "http://terminology.hl7.org/CodeSystem/v2-0443";
const SUBPOTENT: &str = "http://terminology.hl7.org/CodeSystem/immunization-subpotent-reason";
const ACT_REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";

/// What OBX say of a vaccination, by the LOINC code of OBX-3 (HL7 v2.5.1 implementation guide for immunization messaging).
#[derive(Debug, Default)]
struct Told<'m> {
    /// 30963-3.
    funding: Option<Value<'m>>,
    /// 64994-7.
    eligibility: Vec<Value<'m>>,
    /// 48767-8.
    annotations: Vec<Value<'m>>,
    /// 69764-9, 30956-7, 29768-9, 29769-7: vaccine information statements, by OBX-4.
    statements: Vec<Statement<'m>>,
    /// 30973-2.
    dose_number: Option<Value<'m>>,
    /// 59782-3.
    doses: Option<&'m ResultGroup<'m>>,
    /// 59780-7, 59779-9: immunisation series and schedule.
    series: Option<&'m ResultGroup<'m>>,
    /// 31044-1.
    reactions: Vec<&'m ResultGroup<'m>>,
    /// All others.
    others: Vec<&'m ResultGroup<'m>>,
}

/// A vaccine information statement that somebody was given.
#[derive(Debug, Default)]
struct Statement<'m> {
    sub_id: String,
    document: Option<Value<'m>>,
    published: Option<Value<'m>>,
    presented: Option<Value<'m>>,
}

/// Maps the groups after the patient; Patient, account and Provenance are the caller's.
pub fn map(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    let groups = drugs(message);
    label::withhold_results(&groups, out);
    let mut keys = Keys::default();
    let mut numbers = Keys::default();
    for group in groups.iter().filter(|g| g.is("RXA")) {
        let key = key(group, &mut numbers);
        let id = out.id(ResourceType::IMMUNIZATION, &keys.next(key.clone()));
        let is_gone = rde::is_withdrawn(group.order) || rxa::is_deleted(group.drug);
        if is_gone || rde::is_deleted(context) {
            out.delete(ResourceType::IMMUNIZATION, id);
            let results = group.results.iter().flat_map(|r| std::iter::once(r.result).chain(r.notes.iter().copied()));
            group.order.into_iter().chain(group.own_segments()).chain(results).for_each(ignore_whole);
            continue;
        }
        let shown = if label::is_labelled(group.order) { &[][..] } else { &group.results[..] };
        let told = Told::of(shown);
        if is_no_vaccine(group.drug) {
            // Rule `no-vaccine-given`.
            group.order.into_iter().chain(group.own_segments()).for_each(ignore_whole);
        } else {
            let reactions = observations(&told.reactions, &key, out);
            let written = immunization(group, &told, &reactions, out);
            let labels = label::labels(group.order, out);
            out.put_labelled(ResourceType::IMMUNIZATION, id, written, labels);
        }
        observations(&told.others, &key, out);
    }
}

/// The registry's number (ORC-3), else the sender's (ORC-2), else vaccine and time. Samples are known in which several
/// vaccinations carry one number: then vaccine and time tell them apart too.
fn key(group: &DrugGroup<'_>, numbers: &mut Keys) -> String {
    let [at, code] = [3, 5].map(|n| group.drug.peek(n).component(1).text().trim().to_owned());
    let code = if code.is_empty() { medication::name(group.drug.peek(5)) } else { code };
    let stated = [3, 2].into_iter().filter_map(|n| group.order.map(|o| orc::number(o.peek(n))));
    match stated.into_iter().find(|n| !n.is_empty()) {
        Some(number) if numbers.next(number.clone()) == number => number,
        Some(number) => format!("{number}/{code}/{at}"),
        None => format!("{code}/{at}"),
    }
}

fn is_no_vaccine(drug: Segment<'_>) -> bool {
    let vaccine = drug.peek(5);
    [(1, 3), (4, 6)].iter().any(|(code, table)| {
        vaccine.component(*code).text().trim() == "998" && vaccine.component(*table).text().trim() == "CVX"
    })
}

impl<'m> Told<'m> {
    fn of(results: &'m [ResultGroup<'m>]) -> Self {
        let mut told = Told::default();
        for group in results {
            told.take(group);
        }
        // R4 has schedule and number of doses only beside the number of this dose.
        let position = [told.series, told.doses].into_iter().flatten();
        if told.dose_number.is_some() {
            position.for_each(take_over);
        } else {
            told.others.extend(position);
        }
        told
    }

    fn take(&mut self, group: &'m ResultGroup<'m>) {
        let value = group.result.peek(5);
        let code = cwe::code(group.result.peek(3));
        let is_plain = value.is_valued() && group.notes.is_empty();
        match code.as_str() {
            "31044-1" => return self.reactions.push(group),
            "59782-3" if is_plain && self.doses.is_none() => return self.doses = Some(group),
            "59780-7" | "59779-9" if is_plain && self.series.is_none() => return self.series = Some(group),
            "30963-3" if is_plain && self.funding.is_none() => self.funding = Some(value),
            "30973-2" if is_plain && self.dose_number.is_none() => self.dose_number = Some(value),
            "64994-7" if is_plain => self.eligibility.extend(value.repetitions()),
            "48767-8" if is_plain => self.annotations.push(value),
            "69764-9" | "30956-7" if is_plain => self.statement(group.result, |s| &mut s.document, value),
            "29768-9" if is_plain => self.statement(group.result, |s| &mut s.published, value),
            "29769-7" if is_plain => self.statement(group.result, |s| &mut s.presented, value),
            _ => return self.others.push(group),
        }
        take_over(group);
    }

    /// Notes a part of the statement that OBX-4 names; a part that is known already begins another one.
    fn statement(
        &mut self,
        result: Segment<'m>,
        part: for<'a> fn(&'a mut Statement<'m>) -> &'a mut Option<Value<'m>>,
        value: Value<'m>,
    ) {
        let sub_id = result.peek(4).raw().trim().to_owned();
        let mut known = self.statements.iter_mut().rev().filter(|s| s.sub_id == sub_id);
        match known.find_map(|s| Some(part(s)).filter(|p| p.is_none())) {
            Some(part) => *part = Some(value),
            None => {
                let mut statement = Statement { sub_id, ..Statement::default() };
                *part(&mut statement) = Some(value);
                self.statements.push(statement);
            }
        }
    }
}

/// What kind of value, which line, that it is final, when and how it was noted: nothing an Immunization could say.
fn take_over(group: &ResultGroup<'_>) {
    group.result.ignore(&[1, 2, 3, 4, 5, 11, 14, 17]);
}

fn immunization(group: &DrugGroup<'_>, told: &Told<'_>, reactions: &[String], out: &mut Output) -> Writer {
    let (order, drug) = (group.order, group.drug);
    let state = order.map(|o| o.field(5).text().trim().to_owned()).unwrap_or_default();
    let completion = rxa::completion(drug);
    let performers = performers(order, drug, out);
    let facility = orc::facility(order, out);
    let manufacturer = medication::manufacturer(drug.field(17), out);
    let mut location = None;
    let mut w = Writer::new();
    w.array("contained", |w| {
        let place = rxa::location(drug);
        location = pl::contained(w, place, "", out);
    });
    orc::identifiers(&mut w, order, None, facility.as_deref(), out);
    w.string(
        "status",
        match (state.as_str(), completion) {
            ("ER", _) => "entered-in-error",
            (_, Completion::NotDone) => "not-done",
            _ => "completed",
        },
    );
    status_reason(&mut w, drug, completion, out);
    w.object("vaccineCode", |w| {
        if !drug.peek(5).is_valued() {
            absent(w);
        }
        medication::concept(w, drug.field(5), &[], out);
    });
    out.subject(&mut w, "patient");
    match ts::date_time(drug.field(3), out) {
        Some(at) => w.string("occurrenceDateTime", &at),
        // The element is required.
        None => w.string("occurrenceString", "unknown"),
    }
    let recorded = if drug.peek(22).is_valued() { Some(drug.field(22)) } else { order.map(|o| o.field(9)) };
    if let Some(recorded) = recorded {
        ts::write(&mut w, "recorded", recorded, out);
    }
    origin(&mut w, drug, out);
    w.reference("location", location.as_deref().unwrap_or_default());
    w.reference("manufacturer", manufacturer.as_deref().unwrap_or_default());
    lot(&mut w, drug, out);
    route(&mut w, &group.routes, out);
    dose(&mut w, drug, completion, out);
    w.array("performer", |w| {
        for (code, display, actor) in &performers {
            w.item(|w| {
                w.concept("function", ROLE, code, display);
                w.reference("actor", actor);
            });
        }
    });
    notes(&mut w, group, told);
    w.array("reasonCode", |w| drug.field(19).repetitions().for_each(|reason| cwe::concept_item(w, reason, "", out)));
    if completion == Completion::Partial {
        w.boolean("isSubpotent", true);
        w.array("subpotentReason", |w| {
            w.item(|w| w.array("coding", |w| w.coding_item(SUBPOTENT, "partial", "Partial Dose")));
        });
    }
    told.write(&mut w, reactions, out);
    // Rule `administration-counters`; RXA-4 repeats RXA-3: a vaccination is a moment.
    drug.ignore(&[1, 2, 21]);
    if drug.peek(4).raw() == drug.peek(3).raw() {
        drug.ignore(&[4]);
    }
    if let Some(order) = order {
        // By the rule `entered-by`; here ORC-17 too says only where it was entered.
        order.ignore(&[1, 10, 13, 17, 18]);
    }
    w
}

/// RXA-18 is a reason only where nothing was done; RXA-20 `RE` alone says that the patient did not want it.
fn status_reason(w: &mut Writer, drug: Segment<'_>, completion: Completion, out: &mut Output) {
    if completion != Completion::NotDone {
        return;
    }
    let reason = drug.field(18);
    if reason.is_valued() {
        cwe::concept(w, "statusReason", reason, "", out);
    } else if drug.peek(20).text().trim() == "RE" {
        w.concept("statusReason", ACT_REASON, "PATOBJ", "patient objection");
    }
}

/// RXA-9 under NIP001: `00` was given by who tells it, all others are history from somewhere.
fn origin(w: &mut Writer, drug: Segment<'_>, out: &mut Output) {
    let Some(source) = drug.field(9).repetitions().find(is_source) else { return };
    let is_primary = cwe::code(source) == "00";
    w.boolean("primarySource", is_primary);
    if !is_primary {
        cwe::concept(w, "reportOrigin", source, "NIP001", out);
    }
}

fn is_source(value: &Value<'_>) -> bool {
    let table = value.component(3).text();
    let code = cwe::code(*value);
    let is_number = code.len() <= 2 && code.parse::<u8>().is_ok_and(|n| n <= 8);
    is_number && matches!(table.trim(), "NIP001" | "")
}

fn lot(w: &mut Writer, drug: Segment<'_>, out: &mut Output) {
    let lot = drug.field(15);
    if lot.repetitions().count() > 1 {
        out.doubt(&REPETITION_LEFT_OUT, &lot);
    }
    w.string("lotNumber", lot.component(1).text().trim());
    if let Some(date) = ts::date(drug.field(16), out) {
        w.string("expirationDate", &date);
    }
}

fn dose(w: &mut Writer, drug: Segment<'_>, completion: Completion, out: &mut Output) {
    if let Some(amount) = rxa::amount(drug).filter(|_| completion != Completion::NotDone) {
        Unit::of_field(drug.field(7), out).decimal(w, "doseQuantity", &amount);
    } else {
        // No dose, or 999: its unit says nothing.
        drug.ignore(&[7]);
    }
}

fn route(w: &mut Writer, routes: &[Segment<'_>], out: &mut Output) {
    // An Immunization has no method: RXR-4 and further RXR stay listed.
    if let Some(route) = routes.first() {
        cwe::concept(w, "site", route.field(2), "HL70163", out);
        cwe::concept(w, "route", route.field(1), "HL70162", out);
    }
}

/// RXA-10 gave it, ORC-12 ordered it: function, its display, reference.
fn performers(
    order: Option<Segment<'_>>,
    drug: Segment<'_>,
    out: &mut Output,
) -> Vec<(&'static str, &'static str, String)> {
    let ordering = order.map(|o| xcn::practitioners(o.field(12), out)).unwrap_or_default();
    let administering = xcn::practitioners(drug.field(10), out);
    let ordering = ordering.into_iter().map(|actor| ("OP", "Ordering Provider", actor));
    administering.into_iter().map(|actor| ("AP", "Administering Provider", actor)).chain(ordering).collect()
}

fn notes(w: &mut Writer, group: &DrugGroup<'_>, told: &Told<'_>) {
    let comments = group.drug.field(9).repetitions().filter(|v| !is_source(v));
    let texts = comments.map(medication::name).chain(told.annotations.iter().map(|v| nte::lines(*v)));
    let segments = group.notes.iter().map(|s| nte::lines(s.field(3)));
    w.array("note", |w| texts.chain(segments).for_each(|text| w.item(|w| w.string("text", text.trim_end()))));
}

impl Told<'_> {
    fn write(&self, w: &mut Writer, reactions: &[String], out: &mut Output) {
        w.array("education", |w| {
            for statement in &self.statements {
                w.item(|w| {
                    // Invariant imm-1 wants to know which document it was.
                    let document = statement.document.map(medication::name).unwrap_or_default();
                    let document = if document.is_empty() { "Vaccine Information Statement".into() } else { document };
                    w.string("documentType", &document);
                    if let Some(published) = statement.published {
                        ts::write(w, "publicationDate", published, out);
                    }
                    if let Some(presented) = statement.presented {
                        ts::write(w, "presentationDate", presented, out);
                    }
                });
            }
        });
        w.array("programEligibility", |w| {
            self.eligibility.iter().for_each(|value| cwe::concept_item(w, *value, "HL70064", out));
        });
        if let Some(funding) = self.funding {
            cwe::concept(w, "fundingSource", funding, "", out);
        }
        w.array("reaction", |w| {
            for (group, reference) in self.reactions.iter().zip(reactions) {
                w.item(|w| {
                    ts::write(w, "date", group.result.peek(14), out);
                    w.reference("detail", reference);
                });
            }
        });
        w.array("protocolApplied", |w| w.item(|w| self.position_in_series(w)));
    }

    fn position_in_series(&self, w: &mut Writer) {
        let Some(number) = self.dose_number else { return };
        let series = self.series.map(|group| medication::name(group.result.peek(5)));
        w.string("series", &series.unwrap_or_default());
        position(w, "doseNumber", number);
        if let Some(doses) = self.doses {
            position(w, "seriesDoses", doses.result.peek(5));
        }
    }
}

/// A positiveInt where it is one, else a string.
fn position(w: &mut Writer, name: &str, value: Value<'_>) {
    let text = medication::name(value);
    match text.parse::<u32>() {
        Ok(number) if number > 0 => w.integer(&format!("{name}PositiveInt"), number.into()),
        _ => w.string(&format!("{name}String"), &text),
    }
}

/// States OBX as Observations; gives their references, in order.
fn observations(groups: &[&ResultGroup<'_>], of: &str, out: &mut Output) -> Vec<String> {
    let mut keys = Keys::default();
    let mut references = Vec::new();
    for group in groups {
        let Some(item) = obx::item(group.result) else {
            out.issue(&RESULT_WITHOUT_CODE, group.result.place(3));
            ignore_whole(group.result);
            continue;
        };
        let sub_id = group.result.peek(4).raw().trim().to_owned();
        let key = keys.next(format!("of-immunization/{of}/{item}/{sub_id}/{}", cwe::code(group.result.peek(5))));
        let id = out.id(ResourceType::OBSERVATION, &key);
        let setting = Setting::alone(obx_category::EXAM);
        references.push(obx::observation(group, id, setting, out).reference);
    }
    references
}
