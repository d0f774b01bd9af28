//! Whether a code is in a value set (valueset.html#compositions), for validation: by the very characters of system and code,
//! where a search folds case and width, and with a third answer where a code system that decides it is not loaded.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use regex::Regex;
use serde_json::Value;

use super::Profiles;
use crate::fhir::ucum;

/// Most value sets inside each other.
const DEPTH_MAX: usize = 16;
/// Deepest nesting of concepts that is read.
const CONCEPT_DEPTH_MAX: usize = 64;

/// The code system of UCUM, which is no list.
const UCUM: &str = "http://unitsofmeasure.org";

/// Whether a code is in a value set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// It is.
    In,
    /// It is not.
    Out,
    /// Nobody can say without this code system or value set.
    Unknown(&'a str),
}

/// The codes of a value set.
#[derive(Debug, Default)]
pub struct Codes {
    include: Vec<Clause>,
    exclude: Vec<Clause>,
    /// The canonical of the value set, where it is not known or nothing of it is.
    missing: Option<Box<str>>,
}

#[derive(Debug)]
struct Clause {
    system: Option<Box<str>>,
    which: Which,
    within: Vec<Arc<Codes>>,
}

#[derive(Debug)]
enum Which {
    /// Those of the other value sets.
    Any,
    /// All of a system.
    All(Arc<System>),
    /// These.
    These(HashSet<Box<str>>),
    /// UCUM units.
    Units,
    /// Some, and which ones needs this code system.
    Unknown(Box<str>),
}

/// The codes of a code system.
#[derive(Debug)]
pub struct System {
    codes: HashMap<Box<str>, Vec<Box<str>>>,
    is_whole: bool,
    is_case_sensitive: bool,
}

impl Codes {
    /// Whether a code is in the value set; without a system any system will do, as for an element of type `code`.
    pub fn has(&self, system: Option<&str>, code: &str) -> Answer<'_> {
        if let Some(missing) = &self.missing {
            return Answer::Unknown(missing);
        }
        match any(&self.include, system, code) {
            Answer::In => match any(&self.exclude, system, code) {
                Answer::In => Answer::Out,
                Answer::Out => Answer::In,
                unknown => unknown,
            },
            answer => answer,
        }
    }

    /// The canonical of the value set, where nothing is known of its codes.
    pub fn missing(&self) -> Option<&str> {
        self.missing.as_deref()
    }

    /// Its codes, where they are few and listed.
    pub fn listed(&self, count_max: usize) -> Option<Vec<&str>> {
        let mut out = Vec::new();
        for clause in &self.include {
            match &clause.which {
                Which::These(codes) if clause.within.is_empty() => out.extend(codes.iter().map(|code| &**code)),
                Which::All(system) if clause.within.is_empty() => out.extend(system.codes.keys().map(|code| &**code)),
                _ => return None,
            }
            if out.len() > count_max {
                return None;
            }
        }
        out.sort_unstable();
        (self.missing.is_none() && self.exclude.is_empty()).then_some(out)
    }

    fn unknown(canonical: &str) -> Self {
        Codes { missing: Some(canonical.into()), ..Codes::default() }
    }
}

fn any<'a>(clauses: &'a [Clause], system: Option<&str>, code: &str) -> Answer<'a> {
    let mut found = Answer::Out;
    for clause in clauses {
        match clause.has(system, code) {
            Answer::In => return Answer::In,
            Answer::Out => {}
            unknown => found = unknown,
        }
    }
    found
}

impl Clause {
    fn has(&self, system: Option<&str>, code: &str) -> Answer<'_> {
        if let (Some(own), Some(system)) = (&self.system, system)
            && **own != *system
        {
            return Answer::Out;
        }
        let mut found = match &self.which {
            Which::Any => Answer::In,
            Which::All(known) => answer(known.has(code)),
            Which::These(codes) => answer(codes.contains(code)),
            Which::Units => answer(ucum::parse(code).is_some()),
            Which::Unknown(system) => Answer::Unknown(system),
        };
        for inner in &self.within {
            match inner.has(system, code) {
                Answer::Out => return Answer::Out,
                Answer::In => {}
                unknown if found != Answer::Out => found = unknown,
                _ => {}
            }
        }
        found
    }
}

fn answer(is_in: bool) -> Answer<'static> {
    if is_in { Answer::In } else { Answer::Out }
}

impl System {
    /// Reads a CodeSystem.
    pub(super) fn read(definition: &Value) -> Self {
        let text = |name| definition.get(name).and_then(Value::as_str);
        let mut system = System {
            codes: HashMap::new(),
            is_whole: text("content") == Some("complete"),
            is_case_sensitive: definition.get("caseSensitive") != Some(&Value::Bool(false)),
        };
        system.concepts(definition, None, 0);
        let count = definition.get("count").and_then(Value::as_u64).unwrap_or(1);
        system.is_whole &= system.codes.len() as u64 >= count.max(1);
        system
    }

    fn concepts(&mut self, of: &Value, parent: Option<&str>, depth: usize) {
        if depth == CONCEPT_DEPTH_MAX {
            self.is_whole = false;
            return;
        }
        for concept in array(of, "concept") {
            let Some(code) = text(concept, "code") else { continue };
            let key = self.key(code);
            let properties = array(concept, "property").filter(|property| text(property, "code") == Some("subsumedBy"));
            let stated = properties.filter_map(|property| text(property, "valueCode")).map(|code| self.key(code));
            let parents: Vec<Box<str>> = parent.map(|parent| self.key(parent)).into_iter().chain(stated).collect();
            self.codes.entry(key).or_default().extend(parents);
            self.concepts(concept, Some(code), depth + 1);
        }
    }

    fn key(&self, code: &str) -> Box<str> {
        if self.is_case_sensitive { code.into() } else { code.to_lowercase().into() }
    }

    /// Whether a code is one of its codes.
    pub fn has(&self, code: &str) -> bool {
        if self.is_case_sensitive { self.codes.contains_key(code) } else { self.codes.contains_key(&*self.key(code)) }
    }

    /// Whether these are all its codes.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Whether the second code stands somewhere above the first.
    fn is_below(&self, code: &str, above: &str, depth: usize) -> bool {
        let parents = self.codes.get(code).map_or(&[][..], Vec::as_slice);
        depth < CONCEPT_DEPTH_MAX
            && parents.iter().any(|parent| **parent == *above || self.is_below(parent, above, depth + 1))
    }

    /// The codes that a filter lets through; `None` for one that is not understood (valueset-filter-operator).
    fn filtered(&self, filter: &Value) -> Option<HashSet<Box<str>>> {
        let (property, value) = (text(filter, "property")?, self.key(text(filter, "value")?));
        let below = |code: &str| self.is_below(code, &value, 0);
        let which: Box<dyn Fn(&str) -> bool> = match (property, text(filter, "op")?) {
            ("concept" | "code", "is-a") => Box::new(|code| *code == *value || below(code)),
            ("concept" | "code", "descendent-of") => Box::new(below),
            ("concept" | "code", "is-not-a") => Box::new(|code| *code != *value && !below(code)),
            ("concept" | "code", "=") => Box::new(|code| *code == *value),
            ("concept" | "code", "in") => Box::new(|code| value.split(',').any(|one| one == code)),
            ("code" | "concept", "regex") => {
                let pattern = Regex::new(&format!("^(?:{value})$")).ok()?;
                Box::new(move |code| pattern.is_match(code))
            }
            ("parent", "=") => {
                Box::new(|code| self.codes.get(code).is_some_and(|all| all.iter().any(|one| **one == *value)))
            }
            _ => return None,
        };
        Some(self.codes.keys().filter(|code| which(code)).cloned().collect())
    }
}

/// The codes of a value set as a definition of `package` means it.
pub(super) fn codes(profiles: &Profiles, canonical: &str, package: Option<usize>, depth: usize) -> Codes {
    let unknown = || Codes::unknown(canonical);
    let Some((package, value_set)) = profiles.value_set(canonical, package).filter(|_| depth < DEPTH_MAX) else {
        return unknown();
    };
    let Some(compose) = value_set.get("compose") else { return expanded(&value_set).unwrap_or_else(unknown) };
    let mut codes = Codes::default();
    for (name, clauses) in [("include", &mut codes.include), ("exclude", &mut codes.exclude)] {
        clauses.extend(array(compose, name).map(|one| clause(profiles, one, package, depth)));
    }
    let is_open = |codes: &Codes| codes.include.iter().any(|clause| matches!(clause.which, Which::Unknown(_)));
    if codes.include.is_empty() || is_open(&codes) {
        return expanded(&value_set).unwrap_or(if codes.include.is_empty() { unknown() } else { codes });
    }
    codes
}

fn clause(profiles: &Profiles, one: &Value, package: usize, depth: usize) -> Clause {
    let system = text(one, "system");
    let listed: Option<HashSet<Box<str>>> =
        one.get("concept").map(|_| array(one, "concept").filter_map(|c| text(c, "code")).map(Into::into).collect());
    let filters: Vec<&Value> = array(one, "filter").collect();
    let which = match (system, listed) {
        (None, _) => Which::Any,
        (Some(_), Some(codes)) => Which::These(codes),
        (Some(UCUM), None) if filters.is_empty() => Which::Units,
        (Some(system), None) => {
            let canonical = text(one, "version").map(|version| format!("{system}|{version}"));
            let canonical = canonical.as_deref().unwrap_or(system);
            match profiles.system_of(canonical, Some(package)).filter(|known| known.is_whole()) {
                None => Which::Unknown(canonical.into()),
                Some(known) if filters.is_empty() => Which::All(known),
                Some(known) => {
                    let passed: Option<Vec<_>> = filters.iter().map(|filter| known.filtered(filter)).collect();
                    let both = |a: HashSet<Box<str>>, b: HashSet<Box<str>>| a.intersection(&b).cloned().collect();
                    let passed = passed.and_then(|all| all.into_iter().reduce(both));
                    passed.map_or_else(|| Which::Unknown(canonical.into()), Which::These)
                }
            }
        }
    };
    let others = array(one, "valueSet").filter_map(Value::as_str);
    let within = others.map(|other| Arc::new(codes(profiles, other, Some(package), depth + 1))).collect();
    Clause { system: system.map(Into::into), which, within }
}

/// The codes of an expansion, where it is whole.
fn expanded(value_set: &Value) -> Option<Codes> {
    let expansion = value_set.get("expansion")?;
    let is_cut = |extension: &Value| {
        text(extension, "url").is_some_and(|url| url.ends_with("-unclosed") || url.ends_with("-toocostly"))
    };
    let mut codes: HashMap<Box<str>, HashSet<Box<str>>> = HashMap::new();
    let mut count = 0;
    contained(expansion, &mut codes, &mut count, 0);
    let total = expansion.get("total").and_then(Value::as_u64).unwrap_or(count);
    if count == 0 || total > count || array(expansion, "extension").any(is_cut) {
        return None;
    }
    let clause = |(system, codes)| Clause { system: Some(system), which: Which::These(codes), within: Vec::new() };
    Some(Codes { include: codes.into_iter().map(clause).collect(), ..Codes::default() })
}

fn contained(of: &Value, codes: &mut HashMap<Box<str>, HashSet<Box<str>>>, count: &mut u64, depth: usize) {
    for one in array(of, "contains").filter(|_| depth < CONCEPT_DEPTH_MAX) {
        *count += 1;
        if let (Some(system), Some(code)) = (text(one, "system"), text(one, "code"))
            && one.get("abstract") != Some(&Value::Bool(true))
        {
            codes.entry(system.into()).or_default().insert(code.into());
        }
        contained(one, codes, count, depth + 1);
    }
}

pub(super) fn array<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

pub(super) fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}
