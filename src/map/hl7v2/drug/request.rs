//! An ordered drug to MedicationRequest (JP_MedicationRequest, JP_MedicationRequest_Injection). RXE, RXO and RXG hold the
//! same things in different fields: [`Fields`] says where.

use crate::decode::hl7v2::{Segment, Value};
use crate::fhir::{ResourceId, ResourceType, Writer, system};
use crate::map::Output;
use crate::map::hl7v2::datatype::{cwe, ts, xad, xcn, xtn};
use crate::map::hl7v2::drug::comment::{self, About};
use crate::map::hl7v2::drug::dosage::{AMOUNT_NOT_A_NUMBER, Dose};
use crate::map::hl7v2::drug::fields::Fields;
use crate::map::hl7v2::drug::group::DrugGroup;
use crate::map::hl7v2::drug::kind::{
    instruction_for_dispense, is_category, is_for_dispensing, is_injection_kind, tables,
};
use crate::map::hl7v2::drug::label;
use crate::map::hl7v2::drug::medication::{self, Part, Product};
use crate::map::hl7v2::drug::place::Placed;
use crate::map::hl7v2::drug::timing::{Bounds, Duration, Timing};
use crate::map::hl7v2::number::decimal;
use crate::map::hl7v2::segment::{nte, orc, rxc, rxo, rxr};
use crate::map::hl7v2::unit::Unit;

/// What a mapper knows of a drug beside its segments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting<'a, 'm> {
    /// Where the drug stands.
    pub(crate) place: &'a Placed,
    /// MedicationRequest.intent.
    pub(crate) intent: &'static str,
    /// 注射 rather than 内服 or 外用.
    pub(crate) is_injection: bool,
    /// Whether the message only mentions the order: then it does not replace what the order itself stated.
    pub(crate) is_mention: bool,
    /// RXO of the same order, where RXE is what was decided: fills what RXE leaves open.
    pub(crate) requested: Option<&'a DrugGroup<'m>>,
}

/// A MedicationRequest while it is written.
struct Request<'a, 'm> {
    group: &'a DrugGroup<'m>,
    fields: &'static Fields,
    setting: Setting<'a, 'm>,
    timings: Vec<Timing<'m>>,
    routes: Vec<Segment<'m>>,
    parts: Vec<Part<'m>>,
    strength: Product<'m>,
    supplements: Vec<Value<'m>>,
}

/// Writes the MedicationRequest; gives its reference.
pub(crate) fn medication_request(
    group: &DrugGroup<'_>,
    id: ResourceId,
    fields: &'static Fields,
    setting: Setting<'_, '_>,
    out: &mut Output,
) -> String {
    let (order, drug) = (group.order, group.drug);
    let facility = orc::facility(order, out);
    let requester = orc::requester(order, Some((drug, fields.orderer)), out);
    let recorder = order.and_then(|o| xcn::practitioner(o.field(10), out));
    let requested = setting.requested.map(|r| r.drug);
    let pharmacy = pharmacy(drug, fields.pharmacy, out)
        .or_else(|| requested.and_then(|requested| self::pharmacy(requested, rxo::FIELDS.pharmacy, out)));
    let request = Request::of(group, fields, setting, out);
    for amount in request.dose().in_words() {
        out.doubt(&AMOUNT_NOT_A_NUMBER, &amount);
    }
    let mut w = Writer::new();
    w.array("contained", |w| request.contained(w, out));
    w.array("extension", |w| orc::department(w, order, out));
    request.identifiers(&mut w, facility.as_deref(), out);
    let status = status(order);
    // ORC-16 says why the order control was sent: why it was halted, or why it was ordered.
    let is_halted = matches!(status, "stopped" | "cancelled" | "on-hold" | "entered-in-error");
    w.string("status", status);
    if let Some(order) = order.filter(|_| is_halted) {
        comment::concept(&mut w, "statusReason", order.field(16), "", out);
    }
    w.string("intent", setting.intent);
    w.array("category", |w| request.categories(w, out));
    w.string("priority", request.priority());
    request.medication(&mut w, out);
    out.subject(&mut w, "subject");
    let ordered = drug.field(fields.ordered);
    let ordered = if ordered.is_valued() { Some(ordered) } else { order.map(|o| o.field(9)) };
    if let Some(ordered) = ordered {
        ts::write(&mut w, "authoredOn", ordered, out);
    }
    w.reference("requester", requester.as_deref().unwrap_or_default());
    w.reference("recorder", recorder.as_deref().unwrap_or_default());
    w.array("reasonCode", |w| {
        request.reasons(w, out);
        if let Some(order) = order.filter(|_| !is_halted) {
            comment::concept_item(w, order.field(16), "", out);
        }
    });
    let requested = setting.requested.map(|r| r.notes.as_slice()).unwrap_or_default();
    nte::notes(&mut w, &[requested, &group.notes].concat(), &[]);
    w.array("dosageInstruction", |w| request.dosages(w, out));
    w.object("dispenseRequest", |w| request.dispense_request(w, pharmacy.as_deref(), out));
    w.object("substitution", |w| request.substitution(w, out));
    drug.ignore(fields.ignored);
    if let Some(order) = order {
        // ORC-4 is in the place; ORC-13, ORC-15 and ORC-18 by the rules `entered-by` and `order-counts-from`.
        order.ignore(&[4, 13, 15, 18]);
    }
    if setting.is_mention {
        return out.put_weak(ResourceType::MEDICATION_REQUEST, id, w);
    }
    let labels = label::labels(order, out);
    out.put_labelled(ResourceType::MEDICATION_REQUEST, id, w, labels)
}

impl<'a, 'm> Request<'a, 'm> {
    fn of(group: &'a DrugGroup<'m>, fields: &'static Fields, setting: Setting<'a, 'm>, out: &mut Output) -> Self {
        let drug = group.drug;
        let or_requested = |part: fn(&DrugGroup<'m>) -> Vec<Segment<'m>>| {
            let own = part(group);
            if own.is_empty() { setting.requested.map(part).unwrap_or_default() } else { own }
        };
        let [amount, unit, volume, volume_unit] = fields.strength.map(|n| drug.peek(n));
        let mut strength = Product::default();
        if decimal(&amount.text()).is_some() {
            drug.ignore(&fields.strength);
            let volume = volume.is_valued().then_some((volume, volume_unit));
            strength = Product { strength: Some((amount, unit)), volume, ..strength };
        }
        let mut parts: Vec<Part<'m>> = or_requested(|g| g.components.clone()).into_iter().map(rxc::part).collect();
        if parts.is_empty() && setting.is_injection && !is_injection_kind(drug.peek(fields.drug)) {
            parts.push(Part {
                item: drug.field(fields.drug),
                supplements: drug.field(fields.supplement).repetitions().collect(),
                amount: drug.peek(fields.dose[0]),
                unit: drug.peek(fields.dose[2]),
                product: strength.clone(),
            });
        }
        let supplements = supplements(drug, fields.supplement, setting.is_injection, &mut parts);
        let timings = timings(&or_requested(|g| g.timings.clone()), group, fields.quantity_timing, out);
        let routes = or_requested(|g| g.routes.clone());
        Request { group, fields, setting, timings, routes, parts, strength, supplements }
    }

    fn drug(&self) -> Segment<'m> {
        self.group.drug
    }

    fn dose(&self) -> Dose<'m> {
        let field = |n: u16| self.drug().field(n);
        let [low, high, unit] = self.fields.dose.map(field);
        let daily = self.or_requested(self.fields.daily, rxo::FIELDS.daily);
        Dose { low, high, unit, daily, rate: self.fields.rate.map(field) }
    }

    /// A field, or the one of RXO that says the same.
    fn or_requested(&self, own: u16, requested: u16) -> Value<'m> {
        match self.setting.requested {
            Some(other) if !self.drug().peek(own).is_valued() => other.drug.field(requested),
            _ => self.drug().field(own),
        }
    }

    /// What the whole is called; nothing where RXE-2 says the kind of injection, or the only part is the drug itself.
    fn code(&self) -> Option<(Value<'m>, &[Value<'m>])> {
        let code = self.drug().field(self.fields.drug);
        let is_part = self.group.components.is_empty() && self.setting.is_injection;
        (code.is_valued() && !is_part && !is_injection_kind(code)).then_some((code, self.supplements.as_slice()))
    }

    fn contained(&self, w: &mut Writer, out: &mut Output) {
        let form = self.drug().field(self.fields.form);
        if !self.parts.is_empty() {
            medication::mixture(w, self.code(), form, &self.parts, out);
        } else if !self.strength.is_empty() {
            let item = self.drug().field(self.fields.drug);
            medication::single(w, (item, &self.supplements), form, &self.strength, out);
        }
        rxr::contained(w, &self.routes, out);
    }

    fn medication(&self, w: &mut Writer, out: &mut Output) {
        let drug = self.drug().field(self.fields.drug);
        if !self.parts.is_empty() {
            medication::reference(w, self.code().map(|(code, _)| code), &self.parts);
        } else if !self.strength.is_empty() {
            medication::reference(w, Some(drug), &[]);
        } else {
            medication::coded(w, drug, &self.supplements, out);
        }
    }

    fn identifiers(&self, w: &mut Writer, facility: Option<&str>, out: &Output) {
        let prescription = orc::number(self.drug().field(self.fields.prescription));
        let request = self.group.order.map(|o| orc::number(o.field(2))).unwrap_or_default();
        let place = self.setting.place;
        let numbers: [(&str, &str, Option<&str>); 4] = [
            (system::RP_NUMBER, &place.rp, None),
            (system::ORDER_IN_RP, &place.order_in_rp, None),
            (system::RESOURCE_INSTANCE, &request, facility),
            (&prescription_system(out), &prescription, None),
        ];
        w.array("identifier", |w| {
            for (system, value, assigner) in numbers.into_iter().filter(|(_, value, _)| !value.is_empty()) {
                w.item(|w| {
                    w.string("system", system);
                    w.string("value", value);
                    w.reference("assigner", assigner.unwrap_or_default());
                });
            }
            if let Some(order) = self.group.order {
                w.item(|w| orc::identifier(w, order.field(3), "FILL", None, out));
            }
        });
    }

    /// ORC-29 (inpatient or outpatient), 処方区分 in RXE-21, and 注射種別.
    fn categories(&self, w: &mut Writer, out: &mut Output) {
        if let Some(order) = self.group.order {
            cwe::concept_item(w, order.field(29), "HL70482", out);
        }
        for category in self.told(self.fields.dispensing).filter(|v| is_category(*v, out)).collect::<Vec<_>>() {
            cwe::concept_item(w, category, "", out);
        }
        let drug = self.drug().field(self.fields.drug);
        if is_injection_kind(drug) {
            cwe::concept_item(w, drug, "", out);
        }
    }

    fn priority(&self) -> &'static str {
        self.timings.first().map_or("", |timing| timing.priority)
    }

    /// The repetitions of some fields.
    fn told(&self, fields: &'static [u16]) -> impl Iterator<Item = Value<'m>> + use<'m> {
        let drug = self.drug();
        fields.iter().flat_map(move |n| drug.field(*n).repetitions()).filter(Value::is_valued)
    }

    /// What it is for. JAHIS uses RXE-27 (Give Indication) for instructions: those are told to the patient.
    fn reasons(&self, w: &mut Writer, out: &mut Output) {
        let own = self.drug().field(self.fields.indication);
        if own.is_valued() && !self.is_instruction(own, out) {
            own.repetitions().for_each(|reason| comment::concept_item(w, reason, "", out));
        } else if let Some(requested) = self.setting.requested {
            requested.drug.field(20).repetitions().for_each(|reason| comment::concept_item(w, reason, "", out));
        }
    }

    /// Whether an indication is an instruction, as JAHIS uses RXE-27.
    fn is_instruction(&self, value: Value<'_>, out: &Output) -> bool {
        let is_of_jahis = tables(value).iter().any(|table| table.starts_with("JHS") || table == "JAMISDP01");
        is_of_jahis || (self.group.is("RXE") && out.facility.is_insurance_institution())
    }

    /// What whoever gives or takes the drug is told, but for comments of which JP Core has a kind.
    fn instructions(&self, out: &Output) -> Vec<Value<'m>> {
        let indication = self.drug().field(self.fields.indication);
        let as_instruction = indication.repetitions().filter(|v| v.is_valued() && self.is_instruction(*v, out));
        let mut all: Vec<Value<'m>> = self.told(self.fields.administration).chain(as_instruction).collect();
        for requested in self.setting.requested.iter().flat_map(|r| r.drug.field(7).repetitions()) {
            if !all.iter().any(|own| own.raw() == requested.raw()) {
                all.push(requested);
            }
        }
        all.into_iter().filter(|v| v.is_valued() && !is_for_dispensing(*v)).collect()
    }

    /// One Dosage per TQ1; a drug without any still has its dose.
    fn dosages(&self, w: &mut Writer, out: &mut Output) {
        let mut sequence = 0;
        let mut follows = true;
        for timing in self.timings.iter().map(Some).chain(self.timings.is_empty().then_some(None)) {
            sequence += u32::from(follows);
            follows = timing.is_none_or(|t| !matches!(t.conjunction.as_str(), "A" | "C"));
            w.item(|w| {
                if self.setting.is_injection && self.timings.len() < 2 {
                    // 施用番号.
                    if let Ok(number) = self.setting.place.order_in_rp.parse() {
                        w.integer("sequence", number);
                    }
                } else if self.timings.len() > 1 {
                    w.integer("sequence", sequence.into());
                }
                self.dosage(w, timing, out);
            });
        }
    }

    fn dosage(&self, w: &mut Writer, timing: Option<&Timing<'m>>, out: &mut Output) {
        let bounds = if self.setting.is_injection { Bounds::Period } else { Bounds::Days };
        let instructions = self.instructions(out);
        let about = |kind: About| instructions.iter().copied().filter(move |v| About::of(*v) == Some(kind));
        w.array("extension", |w| {
            if let Some(timing) = timing {
                timing.extensions(w, bounds, out);
            }
            rxr::device_extensions(w, &self.routes);
            for amount in self.dose().in_words() {
                About::Dosage.write_text(w, amount.component(1).text().trim());
            }
        });
        w.string("text", &self.text(timing, &instructions));
        w.array("additionalInstruction", |w| {
            for instruction in instructions.iter().filter(|v| comment::words(**v).is_none() && About::of(**v).is_none())
            {
                cwe::concept_item(w, *instruction, "", out);
            }
            for usage in timing.iter().flat_map(|t| t.additions()) {
                w.item(|w| usage.members(w, out));
            }
        });
        let in_words = instructions.iter().filter_map(|v| comment::words(*v));
        let told = in_words.chain(timing.iter().flat_map(|t| t.comments.iter().cloned()));
        w.string("patientInstruction", &told.filter(|t| !t.is_empty()).collect::<Vec<_>>().join("\n"));
        if let Some(timing) = timing {
            timing.write(w, bounds, out);
            if timing.is_as_needed() {
                w.boolean("asNeededBoolean", true);
            }
        }
        let usage = timing.and_then(|t| t.usage());
        rxr::route(w, &self.routes, usage, &about(About::Route).collect::<Vec<_>>(), out);
        let otherwise = timing.map_or(self.drug().peek(0), |t| t.quantity);
        let rates: Vec<Value<'m>> = about(About::Rate).collect();
        w.array("doseAndRate", |w| self.dose().write(w, otherwise, &rates, out));
    }

    /// The usage in words; without one, how the drug is given.
    fn text(&self, timing: Option<&Timing<'m>>, instructions: &[Value<'m>]) -> String {
        let usage = timing.map(Timing::text).unwrap_or_default();
        if timing.is_some_and(|timing| timing.usage().is_some()) {
            return usage;
        }
        let told = instructions.iter().map(|v| medication::name(*v));
        let words = rxr::text(&self.routes).into_iter().chain([usage]).chain(told);
        let words: Vec<String> = words.filter(|t| !t.is_empty()).collect();
        words.join(if words.iter().all(|word| word.is_ascii()) { ", " } else { "、" })
    }

    /// Amount and days, how often again, who dispenses, and what the pharmacist is told.
    fn dispense_request(&self, w: &mut Writer, pharmacy: Option<&str>, out: &mut Output) {
        let (drug, fields) = (self.drug(), self.fields);
        let duration = self.timings.first().and_then(|t| t.duration.as_ref());
        w.array("extension", |w| {
            self.for_dispensing(out).into_iter().for_each(|value| instruction_for_dispense(w, value, out));
            if let Some(Duration::Times(times)) = duration {
                w.item(|w| {
                    let name = "JP_MedicationRequest_DispenseRequest_ExpectedRepeatCount";
                    w.string("url", &format!("{}{name}", system::JP_EXTENSION));
                    w.integer("valueInteger", i64::from(*times));
                });
            }
        });
        let [amount, unit] = fields.amount.map(|n| drug.peek(n));
        let first = drug.peek(fields.first_amount);
        if let Some(value) = decimal(&first.component(1).text()) {
            drug.ignore(&[fields.first_amount]);
            w.object("initialFill", |w| Unit::of_field(unit, out).decimal(w, "quantity", &value));
        }
        if let Some(days) = decimal(&self.or_requested(fields.interval, rxo::FIELDS.interval).text()) {
            Unit::day().decimal(w, "dispenseInterval", &days);
        }
        if let Ok(count) = drug.peek(fields.refills).text().trim().parse::<u32>() {
            drug.ignore(&[fields.refills]);
            w.integer("numberOfRepeatsAllowed", i64::from(count));
        }
        if let Some(value) = decimal(&amount.text()) {
            drug.ignore(&fields.amount);
            Unit::of_field(unit, out).decimal(w, "quantity", &value);
        } else if amount.is_null() {
            drug.ignore(&fields.amount);
        }
        if let Some(Duration::Days(days)) = duration {
            Unit::day().decimal(w, "expectedSupplyDuration", days);
        }
        w.reference("performer", pharmacy.unwrap_or_default());
    }

    /// What the pharmacist is told: JHSP0002 wherever it stands, and what is no category in the field for it.
    fn for_dispensing(&self, out: &Output) -> Vec<Value<'m>> {
        let told = self.told(self.fields.administration).filter(|v| is_for_dispensing(*v));
        let indication = self.drug().field(self.fields.indication).repetitions().filter(|v| is_for_dispensing(*v));
        let own = self.told(self.fields.dispensing).filter(|v| !is_category(*v, out));
        let requested = self.setting.requested.map(|r| r.drug.field(6).repetitions());
        told.chain(indication).chain(own).chain(requested.into_iter().flatten()).filter(Value::is_valued).collect()
    }

    fn substitution(&self, w: &mut Writer, out: &mut Output) {
        let (field, table) = self.fields.substitution;
        let own = self.drug().field(field);
        match self.setting.requested {
            Some(requested) if !own.is_valued() => {
                cwe::concept(w, "allowedCodeableConcept", requested.drug.field(9), "HL70161", out);
            }
            _ => cwe::concept(w, "allowedCodeableConcept", own, table, out),
        }
    }
}

/// RXE-31: further codes of the drug. In an injection they belong to the drugs of RXC, each found by the code that both have;
/// the field stays unread when one belongs to none.
fn supplements<'m>(drug: Segment<'m>, field: u16, is_injection: bool, parts: &mut [Part<'m>]) -> Vec<Value<'m>> {
    let all: Vec<Value<'m>> = drug.peek(field).repetitions().collect();
    if !is_injection || parts.is_empty() {
        drug.ignore(&[field]);
        return all;
    }
    let codes = |value: Value<'m>| {
        let pairs = [(1, 3), (4, 6)].map(|(code, table)| {
            (value.component(code).text().trim().to_owned(), value.component(table).text().trim().to_owned())
        });
        pairs.into_iter().filter(|(code, _)| !code.is_empty()).collect::<Vec<_>>()
    };
    let mut is_placed = true;
    for supplement in all {
        let stated = codes(supplement);
        match parts.iter_mut().find(|part| codes(part.item).iter().any(|code| stated.contains(code))) {
            Some(part) => part.supplements.push(supplement),
            None => is_placed = false,
        }
    }
    if is_placed {
        drug.ignore(&[field]);
    }
    Vec::new()
}

/// TQ1, else the TQ of the drug (RXE-1), and what that leaves open from the TQ of its order (ORC-7).
fn timings<'m>(
    segments: &[Segment<'m>],
    group: &DrugGroup<'m>,
    quantity_timing: u16,
    out: &mut Output,
) -> Vec<Timing<'m>> {
    if !segments.is_empty() {
        return segments.iter().map(|segment| Timing::of_segment(*segment, out)).collect();
    }
    let mut read = |value: Value<'m>| -> Vec<Timing<'m>> {
        value.repetitions().map(|r| Timing::of_quantity_timing(r, out)).collect()
    };
    let mut own = if quantity_timing > 0 { read(group.drug.field(quantity_timing)) } else { Vec::new() };
    let ordered = group.order.map(|order| read(order.field(7))).unwrap_or_default();
    if own.len() == ordered.len() {
        own.iter_mut().zip(ordered).for_each(|(own, ordered)| own.fill(ordered));
        return own;
    }
    if own.is_empty() { ordered } else { own }
}

/// 施設処方箋ID (JP Core invariant jp-inv-local-prescriptionid): the OID with the facility's code behind it.
pub(crate) fn prescription_system(out: &Output) -> String {
    if out.facility.is_insurance_institution() {
        format!("{}.1{}", system::PRESCRIPTION, out.facility.as_str())
    } else {
        out.facility.local_system("prescription")
    }
}

/// ORC-5 (table 0038), else ORC-1 (table 0119), as medicationrequest-status.
fn status(order: Option<Segment<'_>>) -> &'static str {
    let control = orc::control(order);
    let state = order.map(|o| o.field(5).text().trim().to_owned()).unwrap_or_default();
    match (state.as_str(), control.as_str()) {
        ("CM", _) => "completed",
        ("DC" | "RP", _) | (_, "DC" | "DR" | "OD") => "stopped",
        ("CA", _) => "cancelled",
        ("ER", _) => "entered-in-error",
        ("HD", _) | ("", "HD" | "HR" | "OH") => "on-hold",
        ("A" | "IP" | "SC", _) => "active",
        (_, "NW" | "OK" | "XO" | "XX" | "RO" | "RP" | "RL" | "SC" | "SN" | "CH" | "PA" | "RE" | "OP" | "PY" | "") => {
            "active"
        }
        _ => "unknown",
    }
}

/// The pharmacy (RXE-40, 41 and 45) as an Organization of the patient's record.
pub(crate) fn pharmacy(drug: Segment<'_>, fields: [u16; 3], out: &mut Output) -> Option<String> {
    let [name, address, telephone] = fields.map(|n| drug.field(n));
    let (code, shown) = (cwe::code(name), medication::name(name));
    if shown.is_empty() {
        return None;
    }
    let mut w = Writer::new();
    w.array("identifier", |w| {
        w.item(|w| {
            if !code.is_empty() {
                w.string("system", &out.facility.local_system("pharmacy"));
                w.string("value", &code);
            }
        });
    });
    w.string("name", &shown);
    w.array("telecom", |w| telephone.repetitions().for_each(|v| w.item(|w| xtn::contact_point(w, v, "work", out))));
    w.array("address", |w| address.repetitions().for_each(|v| w.item(|w| xad::address(w, v, out))));
    let id = out.id(ResourceType::ORGANIZATION, &format!("pharmacy:{}", if code.is_empty() { &shown } else { &code }));
    Some(out.put_weak(ResourceType::ORGANIZATION, id, w))
}
