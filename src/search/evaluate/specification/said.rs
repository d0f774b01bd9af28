//! What the elements of a resource say, read by hand: numbers as multiples of 10⁻¹⁵, dates as their first and last millisecond.

use serde_json::Value as Json;

use super::parameters::{Form, Kind, Parameter, Place, TYPES};
use crate::search::example::BASE;

#[derive(Clone, Debug, Default)]
pub(super) struct Token {
    pub(super) system: String,
    pub(super) code: Option<String>,
    pub(super) texts: Vec<String>,
    pub(super) types: Vec<(String, String)>,
    pub(super) cased: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Said {
    Token(Token),
    Date(i128, i128),
    Text(String),
    /// A word of a family name.
    Word(String),
    Reference {
        to: Option<String>,
        identifier: Option<Token>,
    },
    Number(i128, bool),
    Quantity {
        low: Option<i128>,
        high: Option<i128>,
        unit: [String; 3],
    },
    Uri(String, bool),
    Place(f64),
    Composite(Vec<Vec<Said>>),
}

pub(super) const ONE: i128 = 1_000_000_000_000_000;

/// A number; the half of what its last digit stands for; whether it has an exponent.
pub(super) fn number(text: &str) -> Option<(i128, i128, bool)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: i128 = format!("{whole}{decimals}").parse().ok()?;
    let power = exponent.parse::<i32>().ok()? - i32::try_from(decimals.len()).ok()?;
    let unit = 10_i128.checked_pow(u32::try_from(15 + power).ok()?)?;
    // "1e2" is to be 95 to 105.
    let half = if power > 0 { unit / 20 } else { unit / 2 };
    Some((digits * unit, half, text.contains(['e', 'E'])))
}

/// The first and the last millisecond of a date, by the calendar; without a zone it is of Japan.
pub(super) fn moment(text: &str) -> Option<(i128, i128)> {
    let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
    let mut parts = date.split('-').map(|part| part.parse::<i128>().ok());
    let (year, month, day) = (parts.next()??, parts.next(), parts.next());
    let first = |y: i128, m: i128, d: i128| {
        let (y, m) = if m > 12 { (y + 1, 1) } else { (y, m) };
        let leap = |y: i128| (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
        let lengths = [31, if leap(y) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let years: i128 = (1970..y).map(|y| if leap(y) { 366 } else { 365 }).sum();
        let months: i128 = lengths[..m as usize - 1].iter().sum();
        (years + months + d - 1) * 86_400_000
    };
    let (mut low, mut high) = match (month, day) {
        (None, _) => (first(year, 1, 1), first(year + 1, 1, 1) - 1),
        (Some(month), None) => (first(year, month?, 1), first(year, month? + 1, 1) - 1),
        (Some(month), Some(day)) => (first(year, month?, day?), first(year, month?, day?) + 86_399_999),
    };
    let mut zone = 540;
    if let Some(time) = time {
        let end = time.find(['Z', '+', '-']).unwrap_or(time.len());
        let (clock, offset) = time.split_at(end);
        let mut parts = clock.split([':', '.']).map(|part| part.parse::<i128>().ok());
        let (hour, minute) = (parts.next()??, parts.next()??);
        let (second, thousandth) = (parts.next().flatten(), parts.next().flatten());
        low += (hour * 3600 + minute * 60 + second.unwrap_or(0)) * 1000 + thousandth.unwrap_or(0);
        high = low
            + match (second, thousandth) {
                (None, _) => 59_999,
                (_, None) => 999,
                _ => 0,
            };
        zone = match offset.split_at_checked(1) {
            None => 540,
            Some(("Z", _)) => 0,
            Some((sign, rest)) => {
                let (hours, minutes) = rest.split_once(':')?;
                let minutes = hours.parse::<i128>().ok()? * 60 + minutes.parse::<i128>().ok()?;
                if sign == "-" { -minutes } else { minutes }
            }
        };
    }
    Some((low - zone * 60_000, high - zone * 60_000))
}

/// The local name of what a reference points to, without its version; a URL as it is.
pub(super) fn target(text: &str) -> String {
    let path = text.strip_prefix(BASE).and_then(|rest| rest.strip_prefix('/')).unwrap_or(text);
    path.split_once("/_history/").map_or(path, |(path, _)| path).to_owned()
}

/// The type and id of a local reference.
pub(super) fn local(target: &str) -> Option<(&str, &str)> {
    target.split_once('/').filter(|(of, _)| TYPES.contains(of))
}

/// Everything at a path.
pub(super) fn at<'a>(json: &'a Json, path: &str) -> Vec<&'a Json> {
    let mut found = vec![json];
    for step in path.split('.').filter(|step| !step.is_empty()) {
        let next = found.into_iter().filter_map(|one| one.get(step));
        found = next
            .flat_map(|one| match one {
                Json::Array(items) => items.iter().collect(),
                one => vec![one],
            })
            .collect();
    }
    found
}

/// What a parameter reads.
pub(super) fn read(resource: &Json, parameter: &Parameter) -> Vec<Said> {
    if parameter.kind != Kind::Composite {
        return all(resource, resource, parameter.kind, parameter.places, parameter.targets);
    }
    let elements = parameter.places.iter().flat_map(|(path, _)| at(resource, path));
    let occurrence = |element: &Json| {
        let one = |(kind, places): &(Kind, &[Place])| all(resource, element, *kind, places, &[]);
        Said::Composite(parameter.components.iter().map(one).collect())
    };
    let occurrences = elements.map(occurrence);
    occurrences.filter(|one| !matches!(one, Said::Composite(parts) if parts.iter().any(Vec::is_empty))).collect()
}

fn all(resource: &Json, from: &Json, kind: Kind, places: &[Place], targets: &[&str]) -> Vec<Said> {
    let mut out = Vec::new();
    for (path, form) in places {
        for element in at(from, path) {
            element_says(resource, element, *form, targets, &mut out);
        }
    }
    debug_assert!(kind != Kind::Composite);
    out
}

fn text(json: &Json, name: &str) -> Option<String> {
    json.get(name).and_then(Json::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The code systems of HL7, and UCUM, say that they tell upper from lower case.
pub(super) fn is_cased(system: &str) -> bool {
    ["http://terminology.hl7.org/CodeSystem/", "http://unitsofmeasure.org"].iter().any(|of| system.starts_with(of))
}

fn coding(json: &Json, more: Option<String>) -> Token {
    let system = text(json, "system").unwrap_or_default();
    let texts = text(json, "display").into_iter().chain(more).collect();
    Token { cased: is_cased(&system), system, code: text(json, "code"), texts, types: Vec::new() }
}

fn identifier(json: &Json) -> Token {
    let types = at(json, "type.coding");
    Token {
        system: text(json, "system").unwrap_or_default(),
        code: text(json, "value"),
        texts: json.get("type").and_then(|kind| text(kind, "text")).into_iter().collect(),
        types: types.iter().map(|c| (text(c, "system").unwrap_or_default(), text(c, "code").unwrap())).collect(),
        cased: false,
    }
}

fn element_says(resource: &Json, element: &Json, form: Form, targets: &[&str], out: &mut Vec<Said>) {
    let plain = |code: &str, system: &str, cased| {
        Said::Token(Token { system: system.into(), code: Some(code.into()), cased, ..Token::default() })
    };
    match form {
        Form::Concept => {
            let said = text(element, "text");
            let codings = at(element, "coding");
            out.extend(codings.iter().map(|one| Said::Token(coding(one, said.clone()))));
            if let (true, Some(said)) = (codings.is_empty(), said) {
                out.push(Said::Token(Token { texts: vec![said], ..Token::default() }));
            }
        }
        Form::Coding => out.push(Said::Token(coding(element, None))),
        Form::Code(system) => out.push(plain(element.as_str().unwrap(), system, true)),
        Form::Identifier => out.push(Said::Token(identifier(element))),
        Form::Contact(of) if of.is_empty() || element["system"] == of => {
            out.extend(text(element, "value").map(|value| plain(&value, "", false)));
        }
        Form::Contact(_) => {}
        Form::Boolean => out.push(plain(&element.to_string(), "", true)),
        Form::StringToken => out.push(plain(element.as_str().unwrap(), "", false)),
        Form::Deceased => {
            let dead = element.get("deceasedDateTime").is_some() || element["deceasedBoolean"] == true;
            out.push(plain(if dead { "true" } else { "false" }, "", true));
        }
        Form::Date => out.extend(date(element)),
        Form::Text => out.push(Said::Text(element.as_str().unwrap().into())),
        Form::Family => family(element, out),
        Form::HumanName => {
            element.get("family").into_iter().for_each(|name| family(name, out));
            for part in ["text", "given", "prefix", "suffix"] {
                out.extend(at(element, part).iter().map(|one| Said::Text(one.as_str().unwrap().into())));
            }
        }
        Form::Address => {
            for part in ["text", "line", "city", "district", "state", "postalCode", "country"] {
                out.extend(at(element, part).iter().map(|one| Said::Text(one.as_str().unwrap().into())));
            }
        }
        Form::Reference => out.extend(reference(element, targets)),
        Form::ReferenceTo(only) if refers_to(resource, element) == Some(only.to_owned()) => {
            out.extend(reference(element, targets));
        }
        Form::ReferenceTo(_) => {}
        Form::Decimal | Form::Integer => {
            let (value, ..) = number(&element.to_string()).unwrap();
            out.push(Said::Number(value, form == Form::Integer));
        }
        Form::Quantity => out.push(quantity(element)),
        Form::SampledData => out.push(sampled(element)),
        Form::Uri | Form::Canonical => {
            out.push(Said::Uri(element.as_str().unwrap().into(), form == Form::Canonical));
        }
        Form::Position => out.push(Said::Place(element["latitude"].as_f64().unwrap())),
    }
}

/// A family name, and each word of it after the first.
fn family(name: &Json, out: &mut Vec<Said>) {
    let name = name.as_str().unwrap();
    out.push(Said::Text(name.into()));
    out.extend(name.split_whitespace().skip(1).map(|word| Said::Word(word.into())));
}

fn date(element: &Json) -> Option<Said> {
    let ends = |json: &Json| json.as_str().and_then(moment);
    if let Some((low, high)) = ends(element) {
        return Some(Said::Date(low, high));
    }
    let events: Vec<(i128, i128)> = at(element, "event").into_iter().filter_map(ends).collect();
    if let (Some(low), Some(high)) = (events.iter().map(|e| e.0).min(), events.iter().map(|e| e.1).max()) {
        return Some(Said::Date(low, high));
    }
    let period = element.pointer("/repeat/boundsPeriod").unwrap_or(element);
    let (start, end) = (period.get("start").and_then(ends), period.get("end").and_then(ends));
    (start.is_some() || end.is_some())
        .then(|| Said::Date(start.map_or(i128::MIN, |s| s.0), end.map_or(i128::MAX, |e| e.1)))
}

/// The type of what a reference points to, as it says itself.
fn refers_to(resource: &Json, element: &Json) -> Option<String> {
    let text = text(element, "reference")?;
    if text == "#in" {
        return at(resource, "contained").first().and_then(|one| self::text(one, "resourceType"));
    }
    let path = text.strip_prefix("https://other.example/fhir/").map_or_else(|| target(&text), str::to_owned);
    local(&path).map(|(of, _)| of.to_owned())
}

fn reference(element: &Json, targets: &[&str]) -> Option<Said> {
    let to = text(element, "reference").map(|text| target(&text));
    let fits = to.as_deref().and_then(local).is_none_or(|(of, _)| targets.contains(&of));
    fits.then(|| Said::Reference { to, identifier: element.get("identifier").map(identifier) })
}

fn unit(json: &Json) -> [String; 3] {
    ["system", "code", "unit"].map(|name| text(json, name).unwrap_or_default())
}

fn quantity(element: &Json) -> Said {
    let (value, ..) = number(&element["value"].to_string()).unwrap();
    let (low, high) = match element.get("comparator").and_then(Json::as_str) {
        Some("<" | "<=") => (None, Some(value)),
        Some(_) => (Some(value), None),
        None => (Some(value), Some(value)),
    };
    Said::Quantity { low, high, unit: unit(element) }
}

/// What is below or above the limits is as far as they are.
fn sampled(element: &Json) -> Said {
    let of = |json: &Json| number(&json.to_string()).unwrap().0;
    let (origin, factor) = (of(&element["origin"]["value"]), of(&element["factor"]));
    let mut points = Vec::new();
    for one in element["data"].as_str().unwrap().split(' ') {
        match one {
            "E" => {}
            "L" => points.push(of(&element["lowerLimit"])),
            "U" => points.push(of(&element["upperLimit"])),
            one => points.push(number(one).unwrap().0 / 1_000_000_000 * factor / 1_000_000 + origin),
        }
    }
    let unit = unit(&element["origin"]);
    Said::Quantity { low: points.iter().min().copied(), high: points.iter().max().copied(), unit }
}
