//! The filters of a composition (valueset-filter-operator): which concepts of a code system pass.

use std::collections::HashSet;

use regex::RegexBuilder;
use serde_json::Value;

use super::system::{CodeSystem, Concept};
use super::text;

/// The memory that the program of a regular expression may take, bytes. Matching takes time by its length times that of the
/// text at worst (the regex crate does not go back), so this is what bounds it.
const REGEX_BYTES_MAX: usize = 1 << 18;
/// How much more a regular expression costs than a comparison.
const REGEX_STEPS: usize = 20;

/// What it costs to hold a filter against the concepts of a code system, in comparisons.
pub(super) fn steps(system: &CodeSystem, filter: &Value) -> usize {
    let each = if text(filter, "op") == Some("regex") { REGEX_STEPS } else { 1 };
    system.concepts().len().max(1).saturating_mul(each)
}

/// Which concepts pass a filter, by where they stand; `None` for one that is not understood, or that nobody can apply.
pub(super) fn passed(system: &CodeSystem, filter: &Value) -> Option<Vec<bool>> {
    let (property, op, value) = (text(filter, "property")?, text(filter, "op")?, text(filter, "value")?);
    match op {
        "is-a" | "descendent-of" | "is-not-a" | "generalizes" => related(system, property, op, value),
        "=" | "in" | "not-in" | "regex" | "exists" => valued(system, property, op, value),
        _ => None,
    }
}

/// By what stands above and below a code.
fn related(system: &CodeSystem, property: &str, op: &str, value: &str) -> Option<Vec<bool>> {
    if !matches!(property, "concept" | "code") || !system.is_hierarchy {
        return None;
    }
    let of = system.at(value)?;
    let mut passed = system.reached(of, op == "generalizes");
    if op != "descendent-of" {
        *passed.get_mut(of as usize)? = true;
    }
    if op == "is-not-a" {
        passed.iter_mut().for_each(|flag| *flag = !*flag);
    }
    Some(passed)
}

/// By the values of a property, of which a concept may have several; one that has none passes `not-in` alone.
fn valued(system: &CodeSystem, property: &str, op: &str, value: &str) -> Option<Vec<bool>> {
    let of = values(system, property)?;
    let is_true = match op {
        "exists" => Some(value.parse::<bool>().ok()?),
        _ => None,
    };
    let folds = !system.is_case_sensitive && matches!(property, "code" | "concept");
    let folded = |text: &str| if folds { text.to_lowercase() } else { text.to_owned() };
    let listed: HashSet<String> = match op {
        "in" | "not-in" => value.split(',').map(|one| folded(one.trim())).collect(),
        _ => HashSet::from([folded(value)]),
    };
    let is_listed = |one: &String| if folds { listed.contains(&one.to_lowercase()) } else { listed.contains(one) };
    let pattern = match op {
        "regex" => Some(RegexBuilder::new(&format!("^(?:{value})$")).size_limit(REGEX_BYTES_MAX).build().ok()?),
        _ => None,
    };
    let passes = |concept: &Concept| {
        let all = of(concept);
        match op {
            "=" | "in" => all.iter().any(is_listed),
            "not-in" => !all.iter().any(is_listed),
            "exists" => is_true == Some(!all.is_empty()),
            _ => all.iter().any(|one| pattern.as_ref().is_some_and(|pattern| pattern.is_match(one))),
        }
    };
    Some(system.concepts().iter().map(passes).collect())
}

type Values<'a> = Box<dyn Fn(&Concept) -> Vec<String> + 'a>;

/// What says which values a concept has of a property; `None` for one that the code system does not have.
fn values<'a>(system: &'a CodeSystem, property: &'a str) -> Option<Values<'a>> {
    let codes = |system: &CodeSystem, places: &[u32]| -> Vec<String> {
        places.iter().filter_map(|at| system.concept(*at)).map(|concept| concept.code.to_string()).collect()
    };
    let meaning = system.meaning(property).unwrap_or(property);
    Some(match meaning {
        "concept" | "code" => Box::new(|concept| vec![concept.code.to_string()]),
        "display" => Box::new(|concept| concept.display.iter().map(ToString::to_string).collect()),
        "definition" => Box::new(|concept| concept.definition.iter().map(ToString::to_string).collect()),
        "parent" => Box::new(move |concept| codes(system, concept.parents())),
        "child" => Box::new(move |concept| codes(system, concept.children())),
        _ => {
            // One that is declared nowhere, and that no concept has, may be of another version.
            let has = |concept: &Concept| concept.properties.iter().any(|one| *one.code == *property);
            let is_known = system.meaning(property).is_some() || system.concepts().iter().any(has);
            let is_flag = matches!(meaning, "inactive" | "notSelectable");
            if !is_known && !is_flag {
                return None;
            }
            Box::new(move |concept| {
                let stated = concept.properties.iter().filter(|one| *one.code == *property).map(|one| one.plain());
                let stated: Vec<String> = stated.collect();
                match (stated.is_empty(), meaning) {
                    (true, "inactive") => vec![concept.is_inactive.to_string()],
                    (true, "notSelectable") => vec![concept.is_abstract.to_string()],
                    _ => stated,
                }
            })
        }
    })
}
