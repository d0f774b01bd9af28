//! What requests are made of: the ids, codes, dates and texts of both worlds, and much that is nowhere.

use std::collections::BTreeSet;

use serde_json::Value;
use tasuki::fhir::{PatientKey, ResourceType};
use tasuki::search::definition::{Definition, Kind};
use tasuki::search::{Definitions, parameters};

use super::dice::Dice;
use super::gateway::{BASE, HOSPITAL, key};
use super::persons::all_records;
use super::worlds::{ALL, CLINICS, NONE, PART, Pair, Step, VOID, World, record};

pub(crate) struct Words {
    /// Types of which there is something, as often as there is, and ids: of both worlds, and of nowhere.
    pub(crate) ids: Vec<(String, String)>,
    pub(crate) texts: Vec<String>,
    pub(crate) codes: Vec<String>,
    pub(crate) dates: Vec<String>,
    /// What others got to know.
    pub(crate) of_others: Vec<String>,
    /// Every parameter of every type, in an order of its own.
    pub(crate) parameters: Vec<(ResourceType, &'static Definition)>,
    /// Whole resources, to be sent.
    pub(crate) bodies: Vec<Value>,
    /// Patients as facilities tell of them, of both worlds.
    pub(crate) patients: Vec<Value>,
    /// The numbers of insurances that are resources of their own.
    pub(crate) insured: Vec<Value>,
}

const TEXTS: [&str; 21] = [
    "a|b",
    "\\,",
    ",",
    "%",
    "$",
    "now",
    "0",
    "-1",
    "1e9",
    "true",
    "false",
    "x\"y",
    "<b>",
    "..",
    "nothing",
    "Zm9v",
    "L1",
    "5.4|http://unitsofmeasure.org|kg",
    "gt3",
    "ap50",
    "kg",
];

impl Words {
    pub(crate) fn of(pair: &Pair, worlds: &[World; 2], dice: &mut Dice) -> Words {
        let (steps, units) = (pair.worlds.each_ref(), pair.units.len());
        let (mut ids, mut texts, mut codes, mut dates) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let (mut bodies, mut patients) = (Vec::new(), Vec::new());
        for (_, step) in steps.into_iter().flatten() {
            let (Step::Put(value) | Step::Letter(_, _, value)) = step else { continue };
            leaves(value, &mut |name, text| match name {
                "code" | "value" => drop(codes.insert(text.to_owned())),
                "url" | "system" | "div" => {}
                _ if text.starts_with("20") && text.len() >= 4 => drop(dates.insert(text.to_owned())),
                _ => drop(texts.insert(text.to_owned())),
            });
            bodies.push(value.clone());
            let told = value.pointer("/entry/0/resource").filter(|told| told["name"].is_array());
            patients.extend(told.cloned());
        }
        for world in worlds {
            let own = [ALL, PART, NONE, VOID, CLINICS].map(record).into_iter().chain([PatientKey::DIRECTORY]);
            for record in own.chain(all_records(units)) {
                let chart = world.gateway.chart(record).expect("a chart");
                let rows = chart.columns.types.iter().zip(&chart.columns.ids);
                ids.extend(rows.map(|(of, id)| (of.name().to_owned(), id.as_str().to_owned())));
            }
        }
        for number in [ALL, PART, NONE, VOID, CLINICS] {
            ids.insert(("Patient".into(), record(number).patient_id().as_str().into()));
        }
        for value in &bodies {
            if let (Some(of), Some(id)) = (value["resourceType"].as_str(), value["id"].as_str()) {
                ids.insert((of.into(), id.into()));
            }
        }
        ids.insert(("Observation".into(), "nowhere".into()));
        ids.insert(("Condition".into(), key("nobody").resource_id("Condition", "1").as_str().into()));
        texts.extend(TEXTS.map(str::to_owned));
        let mut all: Vec<_> = parameters::types()
            .flat_map(|of| Definitions::base().of(of).map(move |definition| (of, definition)))
            .collect();
        for at in (1..all.len()).rev() {
            all.swap(at, dice.roll(at + 1));
        }
        Words {
            ids: ids.into_iter().collect(),
            texts: texts.into_iter().collect(),
            codes: codes.into_iter().collect(),
            dates: dates.into_iter().collect(),
            of_others: worlds.iter().flat_map(|world| world.of_others.clone()).collect(),
            parameters: all,
            insured: bodies
                .iter()
                .filter(|body| body["resourceType"] == "Coverage")
                .flat_map(|body| body["identifier"].as_array().cloned().unwrap_or_default())
                .filter(|number| number["system"].as_str().is_some_and(|system| system.starts_with("https://tasuki")))
                .collect(),
            bodies,
            patients,
        }
    }

    /// Somebody's or something's id, with its type.
    pub(crate) fn id(&self, dice: &mut Dice) -> (String, String) {
        if dice.once_in(3) {
            let number = *dice.pick(&[ALL, PART, NONE, VOID]);
            return ("Patient".into(), record(number).patient_id().as_str().into());
        }
        dice.pick(&self.ids).clone()
    }

    pub(crate) fn reference(&self, dice: &mut Dice) -> String {
        let (of, id) = self.id(dice);
        match dice.roll(6) {
            0 => id,
            1 => format!("{BASE}/{of}/{id}"),
            2 => format!("{of}/{id}/_history/1"),
            _ => format!("{of}/{id}"),
        }
    }

    /// A value as a parameter of a kind takes it.
    pub(crate) fn value(&self, kind: Kind, dice: &mut Dice) -> String {
        if dice.once_in(30) {
            return dice.pick(&self.texts).clone();
        }
        match kind {
            Kind::Token => {
                let code = dice.pick(&self.codes).clone();
                let system = dice.word(&["http://loinc.org", "urn:x:number", "urn:x:organization"]);
                match dice.roll(5) {
                    0 => format!("{system}|{code}"),
                    1 => format!("{}|{code}", dice.word(&["", system])),
                    3 => format!("{system}|"),
                    2 => format!("urn:oid:1.2.392.100495.20.3.51.1{HOSPITAL}|{}", dice.pick(&[NONE, ALL, PART])),
                    _ => code,
                }
            }
            Kind::Date => {
                let prefix = dice.word(&["", "", "ge", "le", "gt", "lt", "sa", "eb", "ne", "ap"]);
                format!("{prefix}{}", dice.pick(&self.dates))
            }
            Kind::Reference => self.reference(dice),
            Kind::Quantity | Kind::Number => {
                let prefix = dice.word(&["", "gt", "lt", "ge", "ne", "ap"]);
                format!("{prefix}{}{}", dice.roll(90), dice.word(&["", "|http://unitsofmeasure.org|kg", "||kg"]))
            }
            Kind::Composite => {
                let code = dice.pick(&self.codes).clone();
                format!("{code}${}{}", dice.word(&["", "gt", "le"]), dice.roll(90))
            }
            _ => dice.pick(&self.texts).chars().take(1 + dice.roll(12)).collect(),
        }
    }
}

fn leaves(value: &Value, each: &mut impl FnMut(&str, &str)) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_str() {
                    Some(text) => each(name, text),
                    None => leaves(member, each),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| leaves(item, each)),
        _ => {}
    }
}

/// As it may stand in an address.
pub(crate) fn encoded(value: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._/".contains(&b);
    value.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
