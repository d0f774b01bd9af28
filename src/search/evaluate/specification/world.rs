//! A generated world: resources of eleven types that say the same few things over and over, so that queries find some.

use serde_json::{Map, Value as Json, json};

use super::dice::Dice;
use super::parameters::{ALL, Form, Parameter, TYPES};
use crate::search::example::{BASE, resource};

pub(super) const SYSTEMS: [&str; 5] =
    ["", "urn:s", "http://loinc.org", "http://terminology.hl7.org/CodeSystem/x", "http://unitsofmeasure.org"];
pub(super) const CODES: [&str; 8] = ["a", "A", "b", "b-1", "c,d", "e|f", "１2", "12"];
pub(super) const WORDS: [&str; 14] = [
    "Eve",
    "eve",
    "Evelyn",
    "STEVEN",
    "Müller",
    "Muller",
    "Carreno Quinones",
    "O'Brien",
    "van  den Berg",
    "見本",
    "見本太郎",
    "a,b",
    "x$y",
    "12",
];
pub(super) const URIS: [&str; 7] = [
    "http://x.example/a",
    "http://x.example/a/b",
    "http://x.example/ab",
    "http://X.example/a",
    "urn:oid:1.2.3",
    "urn:oid:1.2.34",
    "http://x.example/a|1.0",
];
pub(super) const MOMENTS: [&str; 12] = [
    "2024",
    "2024-02",
    "2024-02-29",
    "2024-03-01",
    "2024-02-29T23:30:00-05:00",
    "2024-03-01T04:30:00Z",
    "2024-03-01T13:30:00.000+09:00",
    "2024-03-01T13:30:00.250+09:00",
    "2023-12-31",
    "2025-12-31T23:59:59+09:00",
    "2025-06",
    "2026-01-01T00:00:00Z",
];
pub(super) const NUMBERS: [&str; 10] = ["0.8", "0.84", "0.85", "0.750", "1", "5.4", "5.40", "-3", "100", "0.0054"];
pub(super) const WHOLE: [&str; 6] = ["0", "99", "100", "101", "104", "-3"];
/// System, code, and the unit as people write it.
pub(super) const UNITS: [(&str, &str, &str); 6] = [
    ("http://unitsofmeasure.org", "mg", "mg"),
    ("http://unitsofmeasure.org", "g", "gram"),
    ("http://unitsofmeasure.org", "kg", "kg"),
    ("http://unitsofmeasure.org", "mm[Hg]", "mmHg"),
    ("urn:s", "mg", "mg"),
    ("", "", "tablet"),
];
pub(super) const LATITUDES: [f64; 4] = [35.0, 35.5, 36.0, 40.0];
/// The system whose hierarchy is stored: `a` over `b` over `b-1`.
pub(super) const HIERARCHY: &str = "http://loinc.org";
pub(super) const VALUE_SET: &str = "http://vs.example";

/// What the world holds of each type.
const COUNTS: [usize; 11] = [7, 4, 4, 3, 2, 2, 2, 3, 2, 3, 2];

/// Ids of a type, with one that is nowhere.
pub(super) fn id(dice: &mut Dice, of: &str) -> String {
    let at = TYPES.iter().position(|t| *t == of).unwrap_or_default();
    format!("{}{}", of.to_lowercase(), dice.roll(COUNTS[at] + 1))
}

/// All resources of a world.
pub(super) fn resources(dice: &mut Dice) -> Vec<Json> {
    let mut all = fixed();
    for (of, count) in TYPES.iter().zip(COUNTS) {
        all.extend((0..count).map(|n| one(dice, of, n)));
    }
    all
}

/// One resource: of what the parameters of its type read, some.
pub(super) fn one(dice: &mut Dice, of: &'static str, n: usize) -> Json {
    let mut whole = resource(of, &format!("{}{n}", of.to_lowercase()), json!({}));
    let own: Vec<&Parameter> = ALL.iter().filter(|p| p.of == of && p.components.is_empty()).collect();
    for parameter in own {
        let place = dice.pick(parameter.places);
        if !dice.one_in(3) {
            put(dice, &mut whole, place.0, place.1, parameter.targets);
        }
    }
    meta(dice, &mut whole);
    contain(dice, &mut whole);
    if dice.one_in(3) {
        whole["text"] = json!({"status": "generated", "div": format!("<div>{}</div>", dice.pick(&WORDS))});
    }
    whole
}

fn fixed() -> Vec<Json> {
    let concept = |code: &str| json!({"code": code});
    vec![
        json!({"resourceType": "ValueSet", "id": "members", "url": VALUE_SET, "compose": {"include": [
            {"system": "urn:s", "concept": [concept("A"), concept("b")]},
            {"system": "http://terminology.hl7.org/CodeSystem/x", "concept": [concept("a")]}]}}),
        json!({"resourceType": "CodeSystem", "id": "hierarchy", "url": HIERARCHY, "content": "complete", "concept": [
            {"code": "a", "concept": [{"code": "b", "concept": [concept("b-1")]}]}, {"code": "12"}]}),
        json!({"resourceType": "List", "id": "list", "entry": [
            {"item": {"reference": "Observation/observation1"}},
            {"item": {"reference": format!("{BASE}/Patient/patient1")}},
            {"item": {"reference": "Patient/patient2/_history/1"}},
            {"item": {"reference": "Observation/observation2"}, "deleted": true}]}),
    ]
}

fn meta(dice: &mut Dice, whole: &mut Json) {
    for (name, value) in [("tag", json!([coding(dice)])), ("security", json!([coding(dice), coding(dice)]))] {
        if dice.one_in(4) {
            whole["meta"][name] = value;
        }
    }
    if dice.one_in(3) {
        whole["meta"]["profile"] = json!([dice.pick(&URIS), dice.pick(&URIS)]);
    }
    if dice.one_in(4) {
        whole["meta"]["source"] = json!(dice.pick(&URIS));
    }
}

/// Something is contained now and then, and what refers to a Patient may refer to it.
fn contain(dice: &mut Dice, whole: &mut Json) {
    let is_patient = whole["resourceType"] == "Patient";
    let refers = if is_patient { "generalPractitioner" } else { "subject" };
    if whole.get(refers).is_none() || !dice.one_in(4) {
        return;
    }
    let inside = if is_patient { "Practitioner" } else { "Patient" };
    let mut contained = resource(inside, "in", json!({"name": [name(dice)], "active": dice.one_in(2)}));
    contained["identifier"] = json!([identifier(dice)]);
    whole["contained"] = json!([contained]);
    let reference = json!({"reference": "#in"});
    whole[refers] = if is_patient { json!([reference]) } else { reference };
}

/// Sets the member at a path, once or twice where it repeats.
fn put(dice: &mut Dice, whole: &mut Json, path: &str, form: Form, targets: &[&str]) {
    if form == Form::Deceased {
        whole["deceasedBoolean"] = json!(dice.one_in(2));
        return;
    }
    let steps: Vec<&str> = path.split('.').collect();
    let mut at = whole;
    for (n, step) in steps.iter().enumerate() {
        let last = n + 1 == steps.len();
        if last {
            let repeats = is_list(step) && !(*step == "name" && form == Form::Text);
            let times = if repeats { 1 + dice.roll(2) } else { 1 };
            let mut values: Vec<Json> = (0..times).map(|_| value(dice, form, targets)).collect();
            // Choices are choices.
            let stem = step.find(|c: char| c.is_ascii_uppercase()).map_or(*step, |end| &step[..end]);
            let is_choice = ["value", "effective", "deceased"].contains(&stem);
            let taken = |name: &str| is_choice && name.starts_with(stem);
            if at.as_object().is_some_and(|members| members.keys().any(|name| taken(name))) {
                return;
            }
            at[*step] = if repeats { Json::Array(values) } else { values.remove(0) };
            return;
        }
        if at.get(*step).is_none() {
            let item = json!({});
            at[*step] = if is_list(step) { json!([item.clone(), item]) } else { item };
        }
        at = match &mut at[*step] {
            Json::Array(items) => {
                let which = dice.roll(items.len());
                &mut items[which]
            }
            object => object,
        };
    }
}

fn is_list(step: &str) -> bool {
    const LISTS: [&str; 21] = [
        "category",
        "identifier",
        "component",
        "performer",
        "hasMember",
        "telecom",
        "communication",
        "name",
        "given",
        "address",
        "generalPractitioner",
        "link",
        "location",
        "prediction",
        "variant",
        "member",
        "alias",
        "target",
        "agent",
        "line",
        "type",
    ];
    LISTS.contains(&step)
}

fn value(dice: &mut Dice, form: Form, targets: &[&str]) -> Json {
    match form {
        Form::Concept => concept(dice),
        Form::Coding => coding(dice),
        Form::Code(_) => json!(dice.pick(&["final", "active", "male"])),
        Form::Identifier => identifier(dice),
        Form::Contact(_) => {
            json!({"system": dice.pick(&["phone", "email"]), "value": dice.pick(&["A@b.example", "555-1", "12"])})
        }
        Form::Boolean => json!(dice.one_in(2)),
        Form::Date => when(dice),
        Form::StringToken | Form::Text | Form::Family => json!(dice.pick(&WORDS)),
        Form::HumanName => name(dice),
        Form::Address => {
            json!({"use": "home", "line": [dice.pick(&WORDS)], "city": dice.pick(&WORDS), "country": dice.pick(&WORDS)})
        }
        Form::Reference | Form::ReferenceTo(_) => reference(dice, targets),
        Form::Decimal => number(dice.pick(&NUMBERS)),
        Form::Integer => number(dice.pick(&WHOLE)),
        Form::Quantity => quantity(dice),
        Form::SampledData => {
            let (system, code, unit) = dice.pick(&UNITS);
            let data = dice.pick(&["1 2 3", "E 2 1", "-1 0.5", "L 3", "2 U", "U", "L"]);
            json!({"origin": {"value": number(dice.pick(&NUMBERS)), "system": system, "code": code, "unit": unit},
                "factor": number("0.5"), "lowerLimit": number("-9"), "upperLimit": number("90"), "data": data})
        }
        Form::Uri | Form::Canonical => json!(dice.pick(&URIS)),
        Form::Position => json!({"latitude": dice.pick(&LATITUDES), "longitude": 139.0}),
        Form::Deceased => Json::Null,
    }
}

pub(super) fn number(digits: &str) -> Json {
    serde_json::from_str(digits).unwrap()
}

fn quantity(dice: &mut Dice) -> Json {
    let (system, code, unit) = dice.pick(&UNITS);
    let mut quantity = json!({"value": number(dice.pick(&NUMBERS)), "unit": unit});
    for (name, text) in [("system", system), ("code", code)] {
        if !text.is_empty() {
            quantity[name] = json!(text);
        }
    }
    if dice.one_in(5) {
        quantity["comparator"] = json!(dice.pick(&["<", "<=", ">", ">="]));
    }
    quantity
}

fn coding(dice: &mut Dice) -> Json {
    let mut coding = json!({"code": dice.pick(&CODES)});
    let system = dice.pick(&SYSTEMS);
    if !system.is_empty() {
        coding["system"] = json!(system);
    }
    if dice.one_in(3) {
        coding["display"] = json!(dice.pick(&WORDS));
    }
    coding
}

fn concept(dice: &mut Dice) -> Json {
    let mut concept = Map::new();
    let codings: Vec<Json> = (0..dice.roll(3)).map(|_| coding(dice)).collect();
    if !codings.is_empty() {
        concept.insert("coding".into(), json!(codings));
    }
    if codings.is_empty() || dice.one_in(3) {
        concept.insert("text".into(), json!(dice.pick(&WORDS)));
    }
    Json::Object(concept)
}

fn identifier(dice: &mut Dice) -> Json {
    let mut identifier = json!({"value": dice.pick(&CODES)});
    let system = dice.pick(&SYSTEMS[..2]);
    if !system.is_empty() {
        identifier["system"] = json!(system);
    }
    if dice.one_in(2) {
        identifier["type"] = concept(dice);
    }
    identifier
}

fn name(dice: &mut Dice) -> Json {
    let mut name = json!({"use": "official"});
    for part in ["family", "text"] {
        if dice.one_in(2) {
            name[part] = json!(dice.pick(&WORDS));
        }
    }
    for part in ["given", "prefix", "suffix"] {
        if dice.one_in(3) {
            name[part] = json!([dice.pick(&WORDS), dice.pick(&WORDS)]);
        }
    }
    name
}

/// A date, a Period or a Timing; the name of the element does not say which is meant here.
fn when(dice: &mut Dice) -> Json {
    json!(dice.pick(&MOMENTS))
}

fn reference(dice: &mut Dice, targets: &[&str]) -> Json {
    let of = dice.pick(targets);
    let id = id(dice, of);
    match dice.roll(12) {
        0 => json!({"reference": format!("{of}/{id}/_history/1")}),
        1 => json!({"reference": format!("{BASE}/{of}/{id}")}),
        2 => json!({"reference": format!("https://other.example/fhir/{of}/{id}")}),
        3 => json!({"identifier": identifier(dice)}),
        4 => json!({"reference": format!("{of}/{id}"), "identifier": identifier(dice), "display": "someone"}),
        5 => json!({"reference": "urn:uuid:00000000-0000-4000-8000-000000000001"}),
        _ => json!({"reference": format!("{of}/{id}")}),
    }
}

/// Periods and Timings in the place of dates, where the element is one.
pub(super) fn spread(dice: &mut Dice, whole: &mut Json) {
    match whole {
        Json::Array(items) => items.iter_mut().for_each(|item| spread(dice, item)),
        Json::Object(members) => {
            for (name, value) in members.iter_mut() {
                if name.ends_with("eriod") && value.is_string() {
                    let mut period = json!({});
                    let mut ends = [value.clone(), when(dice)];
                    ends.sort_by_key(|end| super::said::moment(end.as_str().unwrap_or_default()));
                    let [start, end] = ends;
                    let open = dice.roll(4);
                    if open != 1 {
                        period["start"] = start;
                    }
                    if open != 2 {
                        period["end"] = end;
                    }
                    *value = period;
                } else if name.ends_with("Timing") && value.is_string() {
                    *value = match dice.roll(2) {
                        0 => json!({"event": [value.clone(), when(dice)]}),
                        _ => json!({"repeat": {"boundsPeriod": {"start": value.clone()}, "frequency": 1}}),
                    };
                } else if name == "effectiveInstant" && value.is_string() {
                    *value = json!("2024-03-01T13:30:00.250+09:00");
                } else if name == "birthDate" {
                    *value = json!(&value.as_str().unwrap_or_default().chars().take(10).collect::<String>());
                } else {
                    spread(dice, value);
                }
            }
        }
        _ => {}
    }
}
