//! Generated queries: what each asks for, and how a client writes it.

use super::dice::Dice;
use super::parameters::{ALL, Kind, OF_EVERY_TYPE, Parameter, TYPES, find};
use super::world::{CODES, HIERARCHY, LATITUDES, MOMENTS, NUMBERS, SYSTEMS, UNITS, URIS, VALUE_SET, WHOLE, WORDS, id};
use crate::fhir::ResourceType;
use crate::search::Definitions;
use crate::search::example::BASE;

pub(super) const PREFIXES: [&str; 10] = ["", "eq", "ne", "lt", "gt", "ge", "le", "sa", "eb", "ap"];

/// What is asked of a resource.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    Id(bool, Vec<String>),
    Updated(Vec<Wish>),
    Missing(&'static Parameter, bool),
    Any {
        of: &'static Parameter,
        how: How,
        not: bool,
        wishes: Vec<Wish>,
    },
    /// For each type that may be pointed to, what is asked there.
    Chain {
        by: &'static Parameter,
        only: Option<&'static str>,
        inner: Vec<(&'static str, Ask)>,
    },
    Has {
        of: &'static str,
        by: &'static Parameter,
        inner: Box<Ask>,
    },
    List,
    Narrative(&'static str),
    Filter(Logic),
}

/// `_filter`; joined from left to right.
#[derive(Clone, Debug)]
pub(super) enum Logic {
    One { of: &'static Parameter, operator: &'static str, wish: Wish },
    Present(&'static Parameter, bool),
    Not(Box<Logic>),
    Joined(Box<Logic>, bool, Box<Logic>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum How {
    Plain,
    Exact,
    Contains,
    Text,
    In,
    Above,
    Below,
    OfType,
    Identifier,
    Type(&'static str),
}

/// One value.
#[derive(Clone, Debug)]
pub(super) enum Wish {
    /// System and code, either of which may be left out.
    Token(Option<String>, Option<String>),
    Words(String),
    /// A prefix and a date or a number.
    Compared(&'static str, String),
    /// With system and code of a unit.
    Quantity(&'static str, String, Option<(String, String)>),
    Reference(String),
    Uri(String),
    OfType([String; 3]),
    Composite(Vec<Wish>),
    /// Degrees north and kilometres.
    Near(f64, f64),
}

pub(super) fn ask(dice: &mut Dice, of: &'static str, depth: usize) -> Ask {
    match dice.roll(if depth == 0 { 16 } else { 12 }) {
        0 => Ask::Id(dice.one_in(3), (0..1 + dice.roll(3)).map(|_| id(dice, of)).collect()),
        1 if depth == 0 => Ask::Updated((0..1 + dice.roll(2)).map(|_| compared(dice, Kind::Date)).collect()),
        2 => Ask::Missing(parameter(dice, of), dice.one_in(2)),
        3 if depth == 0 => Ask::List,
        4 if depth == 0 => Ask::Narrative(dice.pick(&["eve", "quinones", "van den", "見本"])),
        5 | 12 if depth < 3 => chain(dice, of, depth).unwrap_or_else(|| any(dice, of)),
        6 | 13 if depth < 3 => has(dice, of, depth).unwrap_or_else(|| any(dice, of)),
        14 => Ask::Filter(logic(dice, of, 0)),
        _ => any(dice, of),
    }
}

fn own(of: &str) -> impl Iterator<Item = &'static Parameter> {
    ALL.iter().filter(move |parameter| parameter.of == of)
}

fn parameter(dice: &mut Dice, of: &str) -> &'static Parameter {
    if dice.one_in(8) {
        return &OF_EVERY[dice.roll(OF_EVERY.len())];
    }
    let all: Vec<&'static Parameter> = own(of).collect();
    dice.pick(&all)
}

static OF_EVERY: [Parameter; 4] = OF_EVERY_TYPE;

fn any(dice: &mut Dice, of: &'static str) -> Ask {
    let of = parameter(dice, of);
    let how = how(dice, of);
    let may_negate = of.kind == Kind::Token && matches!(how, How::Plain | How::In);
    let not = may_negate && dice.one_in(3);
    Ask::Any { of, how, not, wishes: (0..1 + dice.roll(3)).map(|_| wish(dice, of, of.kind, how)).collect() }
}

fn how(dice: &mut Dice, of: &'static Parameter) -> How {
    let coded = of.kind == Kind::Token && !is_bare(of);
    match (of.kind, dice.roll(8)) {
        (Kind::String, 0 | 1) => How::Exact,
        (Kind::String, 2 | 3) | (Kind::Token, 0) => {
            if of.kind == Kind::String {
                How::Contains
            } else {
                How::Text
            }
        }
        (Kind::Token, 1) if coded => How::In,
        (Kind::Token, 2) if coded => dice.pick(&[How::Above, How::Below]),
        (Kind::Token, 3) => How::OfType,
        (Kind::Reference, 0) => How::Identifier,
        (Kind::Reference, 1 | 2) => How::Type(dice.pick(of.targets)),
        (Kind::Uri, 0) => How::Above,
        (Kind::Uri, 1) => How::Below,
        _ => How::Plain,
    }
}

/// A ContactPoint, a boolean: there is no system to be named.
fn is_bare(of: &Parameter) -> bool {
    matches!(of.name, "active" | "deceased" | "telecom" | "phone" | "email" | "actual")
}

fn wish(dice: &mut Dice, of: &Parameter, kind: Kind, how: How) -> Wish {
    match (kind, how) {
        (Kind::Token, How::Text) | (Kind::String, _) => Wish::Words(dice.pick(&WORDS).into()),
        (Kind::Token, How::In) => Wish::Uri(VALUE_SET.into()),
        (Kind::Token, How::Above | How::Below) => {
            Wish::Token(Some(HIERARCHY.into()), Some(dice.pick(&["a", "b", "b-1", "12"]).into()))
        }
        (Kind::Token, How::OfType) => {
            Wish::OfType([dice.pick(&SYSTEMS[1..]), dice.pick(&CODES), dice.pick(&CODES)].map(str::to_owned))
        }
        (_, How::Identifier) => token(dice, false),
        (Kind::Token, _) if is_bare(of) => {
            let words = ["true", "false", "12", "555-1", "a@B.example", "TRUE"];
            Wish::Token(None, Some(dice.pick(&words).into()))
        }
        (Kind::Token, _) if of.name == "status" || of.name == "gender" => {
            let system =
                dice.pick(&["", "http://hl7.org/fhir/observation-status", "http://hl7.org/fhir/location-status"]);
            let code = dice.pick(&["final", "Final", "active", "male"]);
            Wish::Token(Some(system).filter(|s| !s.is_empty()).map(Into::into), Some(code.into()))
        }
        (Kind::Token, _) if of.name == "version" => Wish::Token(None, Some(dice.pick(&WORDS).into())),
        (Kind::Token, _) => token(dice, true),
        (Kind::Date | Kind::Number, _) => compared(dice, kind),
        (Kind::Quantity, _) => quantity(dice),
        (Kind::Reference, How::Type(only)) => Wish::Reference(id(dice, only)),
        (Kind::Reference, _) => reference(dice, of.targets),
        (Kind::Uri, How::Above | How::Below) => {
            Wish::Uri(dice.pick(&["http://x.example/a", "http://x.example/a/b/c", "http://x.example/a/"]).into())
        }
        (Kind::Uri, _) => Wish::Uri(dice.pick(&URIS).into()),
        (Kind::Composite, _) => {
            Wish::Composite(of.components.iter().map(|(kind, _)| wish(dice, of, *kind, How::Plain)).collect())
        }
        (Kind::Special, _) => Wish::Near(dice.pick(&LATITUDES), dice.pick(&[1.0, 60.0, 120.0, 600.0])),
    }
}

fn token(dice: &mut Dice, with_code_systems: bool) -> Wish {
    let systems = if with_code_systems { &SYSTEMS[..] } else { &SYSTEMS[..2] };
    let (system, code) = (dice.pick(systems).to_owned(), Some(dice.pick(&CODES).to_owned()));
    match dice.roll(4) {
        0 => Wish::Token(None, code),
        1 if !system.is_empty() => Wish::Token(Some(system), None),
        _ => Wish::Token(Some(system), code),
    }
}

fn compared(dice: &mut Dice, kind: Kind) -> Wish {
    const FORMS: [&str; 4] =
        ["2024-03-01T13:30", "2024-02-29T23:30-05:00", "2024-03-01T13:30:00", "2024-03-01T13:30:00.250"];
    let prefix = dice.pick(&PREFIXES);
    let text = match kind {
        Kind::Date if dice.one_in(4) => dice.pick(&FORMS),
        Kind::Date => dice.pick(&MOMENTS),
        _ => dice.pick(&[&NUMBERS[..], &WHOLE, &["1e2", "1.0e2", "8.4e-1", "100.0", "100.4"]].concat()),
    };
    Wish::Compared(prefix, text.into())
}

fn quantity(dice: &mut Dice) -> Wish {
    let Wish::Compared(prefix, text) = compared(dice, Kind::Number) else { unreachable!() };
    let (system, code, unit) = dice.pick(&UNITS);
    let unit = match dice.roll(4) {
        0 => None,
        1 => Some((String::new(), unit.to_owned())),
        2 => Some((String::new(), code.to_owned())).filter(|_| !code.is_empty()),
        _ => Some((system.to_owned(), code.to_owned())).filter(|_| !system.is_empty()),
    };
    Wish::Quantity(prefix, text, unit)
}

fn reference(dice: &mut Dice, targets: &[&'static str]) -> Wish {
    let of = dice.pick(targets);
    let id = id(dice, of);
    Wish::Reference(match dice.roll(6) {
        0 => id,
        1 => format!("{BASE}/{of}/{id}"),
        2 => format!("https://other.example/fhir/{of}/{id}"),
        3 => "urn:uuid:00000000-0000-4000-8000-000000000001".into(),
        _ => format!("{of}/{id}"),
    })
}

fn references(of: &'static str) -> Vec<&'static Parameter> {
    own(of).filter(|parameter| parameter.kind == Kind::Reference).collect()
}

fn chain(dice: &mut Dice, of: &'static str, depth: usize) -> Option<Ask> {
    let all = references(of);
    let by: &'static Parameter = if all.is_empty() { return None } else { dice.pick(&all) };
    let to = dice.pick(by.targets);
    let inner = ask(dice, to, depth + 1);
    if dice.one_in(2) {
        return Some(Ask::Chain { by, only: Some(to), inner: vec![(to, inner)] });
    }
    // Without a type, it is asked of each that has a parameter of that name; only where all of them are described here.
    let mut each = Vec::new();
    for target in by.targets {
        match rebased(&inner, target) {
            Rebased::There(ask) => each.push((*target, ask)),
            Rebased::NotThere => {}
            Rebased::Unknown => return Some(Ask::Chain { by, only: Some(to), inner: vec![(to, inner)] }),
        }
    }
    Some(Ask::Chain { by, only: None, inner: each })
}

enum Rebased {
    There(Ask),
    NotThere,
    Unknown,
}

/// The same question of another type.
fn rebased(ask: &Ask, to: &'static str) -> Rebased {
    let same = |of: &'static Parameter| {
        if of.of.is_empty() {
            return Some(Some(of));
        }
        let is_defined = ResourceType::parse(to).is_some_and(|to| Definitions::base().find(to, of.name).is_some());
        match find(to, of.name) {
            Some(found) if found.kind == of.kind && found.targets == of.targets && is_bare(found) == is_bare(of) => {
                Some(Some(found))
            }
            None if !is_defined => Some(None),
            _ => None,
        }
    };
    let of = match ask {
        Ask::Id(..) => return Rebased::There(ask.clone()),
        Ask::Missing(of, _) | Ask::Any { of, .. } => *of,
        _ => return Rebased::Unknown,
    };
    match (same(of), ask) {
        (None, _) => Rebased::Unknown,
        (Some(None), _) => Rebased::NotThere,
        (Some(Some(of)), Ask::Missing(_, missing)) => Rebased::There(Ask::Missing(of, *missing)),
        (Some(Some(of)), Ask::Any { how, not, wishes, .. }) => {
            Rebased::There(Ask::Any { of, how: *how, not: *not, wishes: wishes.clone() })
        }
        _ => Rebased::Unknown,
    }
}

fn has(dice: &mut Dice, of: &'static str, depth: usize) -> Option<Ask> {
    let pointing: Vec<(&'static str, &'static Parameter)> = TYPES
        .iter()
        .flat_map(|from| references(from).into_iter().map(move |by| (*from, by)))
        .filter(|(_, by)| by.targets.contains(&of))
        .collect();
    let (from, by) = if pointing.is_empty() { return None } else { dice.pick(&pointing) };
    Some(Ask::Has { of: from, by, inner: Box::new(ask(dice, from, depth + 1)) })
}

fn logic(dice: &mut Dice, of: &'static str, depth: usize) -> Logic {
    match dice.roll(if depth < 2 { 6 } else { 3 }) {
        3 => Logic::Not(Box::new(logic(dice, of, depth + 1))),
        4 | 5 => {
            let (left, right) = (logic(dice, of, depth + 1), logic(dice, of, depth + 1));
            Logic::Joined(Box::new(left), dice.one_in(2), Box::new(right))
        }
        0 => Logic::Present(parameter(dice, of), dice.one_in(2)),
        _ => loop {
            let of = parameter(dice, of);
            let operators: &[&str] = match of.kind {
                Kind::String => &["eq", "ne", "co", "sw", "ew"],
                Kind::Token | Kind::Uri | Kind::Reference => &["eq", "ne"],
                Kind::Date | Kind::Number | Kind::Quantity => &PREFIXES[1..],
                Kind::Composite | Kind::Special => continue,
            };
            let operator = dice.pick(operators);
            let wish = match wish(dice, of, of.kind, How::Plain) {
                Wish::Compared(_, text) => Wish::Compared(operator, text),
                Wish::Quantity(_, text, unit) => Wish::Quantity(operator, text, unit),
                other => other,
            };
            break Logic::One { of, operator, wish };
        },
    }
}
