//! ODS dietary orders and ODT tray instructions (HL7 v2.5 sections 4.8.1 and 4.8.2) with their ORC and TQ1 to
//! NutritionOrder.

use crate::decode::hl7v2::{Segment, Value};
use crate::fhir::{ResourceId, ResourceType, Writer, time};
use crate::map::Output;
use crate::map::hl7v2::coding_system;
use crate::map::hl7v2::datatype::{cwe, ts, xcn};
use crate::map::hl7v2::segment::{nte, orc, tq1};

/// An order and what stands under it.
#[derive(Debug, Default)]
pub(crate) struct Group<'m> {
    /// ORC.
    pub(crate) order: Option<Segment<'m>>,
    /// TQ1.
    pub(crate) timings: Vec<Segment<'m>>,
    /// ODS.
    pub(crate) diets: Vec<Segment<'m>>,
    /// ODT.
    pub(crate) trays: Vec<Segment<'m>>,
    /// NTE.
    pub(crate) notes: Vec<Segment<'m>>,
}

impl<'m> Group<'m> {
    /// Every segment of it.
    pub(crate) fn segments(&self) -> impl Iterator<Item = Segment<'m>> {
        let lists = [&self.timings, &self.diets, &self.trays, &self.notes];
        self.order.into_iter().chain(lists.into_iter().flatten().copied())
    }
}

/// Named rule `order-of-a-diet`: who typed it and where, and the facility itself (ORC-10, ORC-13, ORC-18, ORC-21 to
/// ORC-23); which file's part it is (ORC-4); that it is an inpatient's (ORC-29), as every diet is.
const ORDER_OF_A_DIET: &[u16] = &[1, 4, 9, 10, 13, 15, 18, 21, 22, 23, 29];

/// Puts the NutritionOrder.
pub(crate) fn nutrition_order(group: &Group<'_>, id: ResourceId, encounter: Option<&str>, out: &mut Output) {
    let status = orc::request_status(group.order);
    let orderer = group.order.and_then(|order| xcn::practitioner(order.field(12), out));
    let ordered = ordered(group, out);
    group.order.iter().for_each(|order| order.ignore(ORDER_OF_A_DIET));
    let mut w = Writer::new();
    w.array("extension", |w| orc::department(w, group.order, out));
    orc::identifiers(&mut w, group.order, None, None, out);
    w.string("status", status);
    w.string("intent", "order");
    out.subject(&mut w, "patient");
    w.reference("encounter", encounter.unwrap_or_default());
    w.string("dateTime", &ordered);
    w.reference("orderer", orderer.as_deref().unwrap_or_default());
    let of = |kind: &str| group.diets.iter().copied().filter(|ods| code_of(*ods) == kind).collect::<Vec<_>>();
    w.array("foodPreferenceModifier", |w| {
        for preference in of("P").iter().flat_map(|ods| ods.field(3).repetitions()) {
            cwe::concept_item(w, preference, "", out);
        }
    });
    oral_diet(&mut w, &of("D"), &group.timings, out);
    supplements(&mut w, &of("S"), &group.timings, out);
    notes(&mut w, group, &of("P"));
    out.put(ResourceType::NUTRITION_ORDER, id, w);
}

/// ODS-1 (table 0159); what says nothing is a diet.
fn code_of(ods: Segment<'_>) -> String {
    match cwe::code(ods.field(1)).as_str() {
        "S" => "S".into(),
        "P" => "P".into(),
        _ => "D".into(),
    }
}

/// ORC-9, else ORC-15, else when the diet begins, at last the time of the message: R4 wants one.
fn ordered(group: &Group<'_>, out: &mut Output) -> String {
    let fields = group.order.into_iter().flat_map(|order| [order.peek(9), order.peek(15)]);
    let begun = group.timings.iter().map(|timing| timing.peek(7));
    let stated = fields.chain(begun).find(Value::is_valued).and_then(|value| ts::date_time(value, out));
    stated.or_else(|| out.occurred.map(|at| time::instant(at, out.zone_minutes))).unwrap_or_default()
}

fn oral_diet(w: &mut Writer, diets: &[Segment<'_>], timings: &[Segment<'_>], out: &mut Output) {
    if diets.is_empty() {
        return;
    }
    w.object("oralDiet", |w| {
        w.array("type", |w| {
            for code in diets.iter().flat_map(|ods| ods.field(3).repetitions()) {
                cwe::concept_item(w, code, "", out);
            }
        });
        w.array("schedule", |w| schedules(w, diets, timings, out));
        w.string("instruction", &instruction(diets));
    });
}

fn supplements(w: &mut Writer, supplements: &[Segment<'_>], timings: &[Segment<'_>], out: &mut Output) {
    w.array("supplement", |w| {
        for ods in supplements {
            for code in ods.field(3).repetitions() {
                w.item(|w| {
                    cwe::concept(w, "type", code, "", out);
                    w.array("schedule", |w| schedules(w, &[*ods], timings, out));
                    w.string("instruction", &instruction(&[*ods]));
                });
            }
        }
    });
}

/// One Timing for each TQ1, and one for each service period (ODS-2: 朝, 昼, 夕).
fn schedules(w: &mut Writer, diets: &[Segment<'_>], timings: &[Segment<'_>], out: &mut Output) {
    for timing in timings {
        // The priority has no place in a NutritionOrder; routine says nothing.
        let _ = tq1::priority(Some(*timing));
        let mut bounds = Writer::new();
        ts::period(&mut bounds, "boundsPeriod", timing.field(7), timing.field(8), out);
        w.item(|w| {
            w.object("repeat", |w| {
                let bounds = bounds.finish();
                if let Some(json) = bounds.strip_prefix("\"boundsPeriod\":") {
                    w.raw("boundsPeriod", json);
                }
            });
            w.object("code", |w| repeat_pattern(w, timing.field(3), out));
        });
    }
    for period in diets.iter().flat_map(|ods| ods.field(2).repetitions()) {
        w.item(|w| cwe::concept(w, "code", period, "", out));
    }
}

/// RPT.1 of TQ1-3 is a CWE whose parts are sub-components: `TID&1日3回&HL70335`.
fn repeat_pattern(w: &mut Writer, value: Value<'_>, out: &Output) {
    let pattern = value.component(1);
    let [code, text, table] = [1, 2, 3].map(|part| pattern.subcomponent(part).text().trim().to_owned());
    w.array("coding", |w| {
        if !code.is_empty() {
            let system = coding_system::resolve(&table, &code, &pattern.place(), &out.facility).uri;
            w.coding_item(&system, &code, &text);
        }
    });
    w.string("text", if text.is_empty() { &code } else { &text });
}

fn instruction(diets: &[Segment<'_>]) -> String {
    let texts = diets.iter().map(|ods| nte::lines(ods.field(4)).trim().to_owned());
    texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
}

/// NTE, what is said to a preference, and the tray (ODT): its kind, when and how.
fn notes(w: &mut Writer, group: &Group<'_>, preferences: &[Segment<'_>]) {
    let preference = instruction(preferences);
    w.array("note", |w| {
        for note in &group.notes {
            w.item(|w| w.string("text", nte::lines(note.field(3)).trim_end()));
        }
        w.item(|w| w.string("text", &preference));
        for tray in &group.trays {
            let parts = [cwe::text(tray.field(1)), cwe::text(tray.field(2)), nte::lines(tray.field(3))];
            let code = cwe::code(tray.peek(1));
            let text = parts.into_iter().filter(|text| !text.trim().is_empty()).collect::<Vec<_>>().join(" ");
            w.item(|w| w.string("text", if text.is_empty() { &code } else { &text }));
        }
    });
}
