//! RAS^O17 (HL7 v2.5 section 4.13.11; SS-MIX2 OMP-11 処方実施, OMP-12 注射実施): what was administered, as
//! MedicationAdministration (JP_MedicationAdministration, JP_MedicationAdministration_Injection). The drugs that one ORC
//! infuses at one time are one administration.

use crate::decode::hl7v2::{Message, Segment, Value};
use crate::fhir::{ResourceType, Writer, system};
use crate::map::hl7v2::business_key::Keys;
use crate::map::hl7v2::datatype::{cwe, pl, ts, xcn};
use crate::map::hl7v2::drug::comment::{self, About};
use crate::map::hl7v2::drug::dosage::AMOUNT_NOT_A_NUMBER;
use crate::map::hl7v2::drug::group::{DrugGroup, drugs};
use crate::map::hl7v2::drug::label;
use crate::map::hl7v2::drug::medication::{self, Part, absent};
use crate::map::hl7v2::drug::place::{Counted, Placed, places};
use crate::map::hl7v2::drug::rate::Rate;
use crate::map::hl7v2::number::decimal;
use crate::map::hl7v2::segment::orc::{self, ignore_whole};
use crate::map::hl7v2::segment::rxa::{self, Completion};
use crate::map::hl7v2::segment::{nte, rxr};
use crate::map::hl7v2::unit::Unit;
use crate::map::hl7v2::{Context, Output, rde};

const PERFORMER: &str = "http://terminology.hl7.org/CodeSystem/med-admin-perform-function";

/// What was given at one time.
struct Event<'a, 'm> {
    place: Placed,
    groups: Vec<&'a DrugGroup<'m>>,
    is_injection: bool,
}

/// Maps the groups after the patient; Patient, account and Provenance are the caller's.
pub fn map(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    let groups = drugs(message);
    rde::orders_without_drugs(message, &groups, out);
    rde::orders(&groups, context, true, out);
    let mut keys = Keys::default();
    for event in events(&groups, context, out) {
        let first = event.first();
        let (at, code) = (first.peek(3).component(1).text(), medication::name(first.peek(5)));
        let what = if event.is_injection { String::new() } else { format!("/{code}") };
        let key = keys.next(format!("{}/{}{what}", event.place.key(), at.trim()));
        let id = out.id(ResourceType::MEDICATION_ADMINISTRATION, &key);
        let order = event.groups.first().and_then(|g| g.order);
        if rde::is_deleted(context) || rde::is_withdrawn(order) || rxa::is_deleted(first) {
            out.delete(ResourceType::MEDICATION_ADMINISTRATION, id);
            let segments = event.groups.iter().flat_map(|g| g.own_segments());
            order.into_iter().chain(segments).for_each(ignore_whole);
            continue;
        }
        let written = event.write(out);
        let labels = label::labels(order, out);
        out.put_labelled(ResourceType::MEDICATION_ADMINISTRATION, id, written, labels);
    }
}

/// The administrations; parts of an infusion are those under one ORC with the same times and outcome.
fn events<'a, 'm>(groups: &'a [DrugGroup<'m>], context: Context<'_>, out: &mut Output) -> Vec<Event<'a, 'm>> {
    let given: Vec<&DrugGroup<'_>> = groups.iter().filter(|g| g.is("RXA")).collect();
    let is_injection = given.iter().any(|group| rde::is_injection(group, context));
    let counted = if is_injection { Counted::Nothing } else { Counted::DifferentDrugs };
    let file_order = context.name.and_then(|name| name.order.as_deref());
    let mut events: Vec<Event<'a, 'm>> = Vec::new();
    for (group, place) in given.iter().zip(places(&given, counted, file_order, out)) {
        let is_part = |event: &&mut Event<'a, 'm>| {
            let same = |n: u16| event.first().peek(n).raw() == group.drug.peek(n).raw();
            is_injection && event.place == place && [3, 4, 20, 21].into_iter().all(same)
        };
        match events.last_mut().filter(is_part) {
            Some(event) => event.groups.push(group),
            None => events.push(Event { place, groups: vec![group], is_injection }),
        }
    }
    events
}

impl<'m> Event<'_, 'm> {
    /// The first RXA. An event has at least one.
    fn first(&self) -> Segment<'m> {
        self.groups[0].drug
    }

    /// A field that the RXA of one event repeat: the first that is valued. One that differs stays unread.
    fn field(&self, number: u16) -> Value<'m> {
        let all = || self.groups.iter().map(|g| g.drug);
        let chosen = all().find(|drug| drug.peek(number).is_valued()).unwrap_or(self.first());
        let same = |drug: &Segment<'m>| drug.peek(number).raw() == chosen.peek(number).raw();
        all().filter(same).for_each(|drug| drug.ignore(&[number]));
        chosen.field(number)
    }

    fn write(&self, out: &mut Output) -> Writer {
        let order = self.groups[0].order;
        let routes = &self.groups[0].routes;
        let facility = orc::facility(order, out);
        let requester = order.and_then(|o| xcn::practitioner(o.field(12), out));
        let performers = xcn::practitioners(self.field(10), out);
        let parts: Vec<Part<'m>> = self.groups.iter().map(|g| part(g.drug, out)).collect();
        let request = out.id(ResourceType::MEDICATION_REQUEST, &self.place.key());
        let mut location = None;
        let mut w = Writer::new();
        w.array("contained", |w| {
            self.medication(w, &parts, out);
            rxr::contained(w, routes, out);
            // Later versions have RXA-27 (PL) for RXA-11.
            let place = Some(self.field(11)).filter(Value::is_valued).unwrap_or_else(|| self.field(27));
            location = pl::contained(w, place, "", out);
        });
        w.array("extension", |w| of_the_order(w, order, requester.as_deref(), location.as_deref(), out));
        self.identifiers(&mut w, facility.as_deref(), out);
        w.string("status", self.status());
        w.array("statusReason", |w| {
            self.field(18).repetitions().for_each(|reason| comment::concept_item(w, reason, "", out));
        });
        if let Some(order) = order {
            cwe::concept(&mut w, "category", order.field(29), "HL70482", out);
        }
        self.medication_choice(&mut w, &parts, out);
        out.subject(&mut w, "subject");
        self.effective(&mut w, out);
        w.array("performer", |w| {
            for performer in &performers {
                w.item(|w| {
                    w.concept("function", PERFORMER, "performer", "Performer");
                    w.reference("actor", performer);
                });
            }
        });
        w.array("reasonCode", |w| {
            self.field(19).repetitions().for_each(|reason| comment::concept_item(w, reason, "", out));
        });
        w.reference("request", &format!("{}/{}", ResourceType::MEDICATION_REQUEST.name(), request.as_str()));
        w.array("device", |w| {
            for (reference, name) in rxr::devices(routes) {
                w.item(|w| {
                    w.string("reference", &reference);
                    w.string("display", &name);
                });
            }
        });
        self.notes(&mut w);
        w.object("dosage", |w| self.dosage(w, out));
        for group in &self.groups {
            // Rules `administration-counters` and `form-follows-from-drug`; amounts are the parts'.
            group.drug.ignore(&[1, 2, 6, 7, 8, 21, 22]);
        }
        if let Some(order) = order {
            // ORC-4 is in the place; the others by the rules `entered-by` and `order-counts-from`.
            order.ignore(&[4, 10, 13, 15, 18]);
        }
        w
    }

    fn is_contained(&self, parts: &[Part<'_>]) -> bool {
        self.is_injection || parts.iter().any(|part| !part.product.is_empty())
    }

    fn medication(&self, w: &mut Writer, parts: &[Part<'_>], out: &mut Output) {
        let form = self.first().peek(8);
        match parts {
            [part] if !self.is_injection && !part.product.is_empty() => {
                medication::single(w, (part.item, &[]), form, &part.product, out);
            }
            _ if self.is_injection => medication::mixture(w, None, form, parts, out),
            _ => {}
        }
    }

    fn medication_choice(&self, w: &mut Writer, parts: &[Part<'_>], out: &mut Output) {
        match parts {
            _ if self.is_contained(parts) => medication::reference(w, None, parts),
            [part, ..] => medication::coded(w, part.item, &[], out),
            [] => {}
        }
    }

    fn identifiers(&self, w: &mut Writer, facility: Option<&str>, out: &Output) {
        let order = self.groups[0].order;
        let request = order.map(|o| orc::number(o.field(2))).unwrap_or_default();
        let numbers = [
            (system::RP_NUMBER, self.place.rp.as_str(), None),
            (system::ORDER_IN_RP, self.place.order_in_rp.as_str(), None),
            (system::RESOURCE_INSTANCE, request.as_str(), facility),
        ];
        w.array("identifier", |w| {
            for (system, value, assigner) in numbers.into_iter().filter(|(_, value, _)| !value.is_empty()) {
                w.item(|w| {
                    w.string("system", system);
                    w.string("value", value);
                    w.reference("assigner", assigner.unwrap_or_default());
                });
            }
            if let Some(order) = order {
                w.item(|w| orc::identifier(w, order.field(3), "FILL", None, out));
            }
        });
    }

    /// RXA-20. What was given in part and has an end was stopped.
    fn status(&self) -> &'static str {
        self.field(20);
        match rxa::completion(self.first()) {
            Completion::NotDone => "not-done",
            Completion::Partial if self.first().peek(4).is_valued() => "stopped",
            Completion::Partial => "in-progress",
            Completion::Complete => "completed",
        }
    }

    /// RXA-3 and 4. The element is required; a message without a time says that it is not known.
    fn effective(&self, w: &mut Writer, out: &mut Output) {
        let (start, end) = (self.field(3), self.field(4));
        if end.is_valued() {
            ts::period(w, "effectivePeriod", start, end, out);
        } else if let Some(at) = ts::date_time(start, out) {
            w.string("effectiveDateTime", &at);
        } else {
            w.object("effectivePeriod", absent);
        }
    }

    /// RXA-9 and NTE, each once.
    fn notes(&self, w: &mut Writer) {
        let mut further: Vec<Value<'m>> = Vec::new();
        for note in self.groups.iter().flat_map(|g| g.drug.field(9).repetitions()) {
            if note.is_valued() && !further.iter().any(|other| other.raw() == note.raw()) {
                further.push(note);
            }
        }
        let segments: Vec<Segment<'m>> = self.groups.iter().flat_map(|g| g.notes.iter().copied()).collect();
        let texts = further.iter().map(|note| medication::name(*note));
        w.array("note", |w| {
            for text in texts.chain(segments.iter().map(|s| nte::lines(s.field(3)))) {
                w.item(|w| w.string("text", text.trim_end()));
            }
        });
    }

    fn dosage(&self, w: &mut Writer, out: &mut Output) {
        let routes = &self.groups[0].routes;
        let comments: Vec<Value<'m>> = self.field(9).repetitions().collect();
        let about = |kind: About| comments.iter().copied().filter(move |c| About::of(*c) == Some(kind));
        let in_words = self.field(12);
        let dose = match self.groups.as_slice() {
            [one] => rxa::amount(one.drug).map(|amount| (amount, Unit::of_field(one.drug.field(7), out))),
            // What the parts amount to is not said; their strengths are those of one administration.
            _ => Some(("1".to_owned(), Unit::per_administration())),
        };
        let rate = Rate::in_words(&in_words.text()).or_else(|| {
            let (amount, unit) = dose.clone()?;
            Rate::of_dose(amount, unit, &in_words.text())
        });
        let worded =
            self.groups.iter().map(|g| g.drug.field(6)).find(|v| v.is_valued() && decimal(&v.text()).is_none());
        let has_content = dose.is_some() || rate.is_some() || worded.is_some() || !routes.is_empty();
        if !has_content {
            return;
        }
        w.array("extension", |w| {
            rxr::device_extensions(w, routes);
            if let Some(worded) = worded {
                // Of an injection the parts have noted it.
                if !self.is_injection {
                    out.doubt(&AMOUNT_NOT_A_NUMBER, &worded);
                }
                About::Dosage.write_text(w, worded.text().trim());
            }
            about(About::Rate).for_each(|comment| About::Rate.write(w, comment, out));
            if rate.is_none() {
                About::Rate.write_text(w, in_words.whole_text().trim());
            }
        });
        rxr::route(w, routes, None, &about(About::Route).collect::<Vec<_>>(), out);
        match (&dose, &rate) {
            (Some((amount, unit)), rate) if self.groups.len() == 1 || rate.is_none() => unit.decimal(w, "dose", amount),
            (None, None) => w.object("dose", absent), // invariant mad-1
            _ => {}
        }
        if let Some(rate) = rate {
            rate.write(w);
        }
    }
}

/// Who ordered it, where and when, and where it was given: JP Core extensions, items of `extension`.
fn of_the_order(
    w: &mut Writer,
    order: Option<Segment<'_>>,
    requester: Option<&str>,
    location: Option<&str>,
    out: &mut Output,
) {
    let url = |name: &str| format!("{}JP_MedicationAdministration_{name}", system::JP_EXTENSION);
    if let Some(order) = order.filter(|o| o.peek(17).is_valued()) {
        w.item(|w| {
            w.string("url", &url("RequestDepartment"));
            cwe::concept(w, "valueCodeableConcept", order.field(17), "", out);
        });
    }
    if let Some(requester) = requester {
        w.item(|w| {
            w.string("url", &url("Requester"));
            w.reference("valueReference", requester);
        });
    }
    if let Some(at) = order.and_then(|o| ts::date_time(o.field(9), out)) {
        w.item(|w| {
            w.string("url", &url("RequestAuthoredOn"));
            w.string("valueDateTime", &at);
        });
    }
    if let Some(location) = location {
        w.item(|w| {
            w.string("url", &url("Location"));
            w.reference("valueReference", location);
        });
    }
}

/// An RXA as a part of what was given.
fn part<'m>(drug: Segment<'m>, out: &mut Output) -> Part<'m> {
    Part {
        item: drug.field(5),
        supplements: Vec::new(),
        // 999 is no amount.
        amount: if drug.peek(6).text() == "999" { drug.peek(0) } else { drug.peek(6) },
        unit: drug.peek(7),
        product: rxa::product(drug, out),
    }
}
