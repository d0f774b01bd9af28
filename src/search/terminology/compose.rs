//! Which codes a ValueSet has (valueset.html#compositions): by its expansion where that is whole, else by its composition out
//! of listed concepts, whole code systems, other value sets and filters over hierarchies.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::{Clause, Codes, Members, Source, Undecided};
use crate::search::facts::{coded_hash, system_hash};

/// Most value sets that one is composed of, itself among them.
pub(super) const VALUE_SETS_MAX: usize = 256;
/// Deepest nesting of an expansion, and of value sets that include each other.
pub(super) const DEPTH_MAX: usize = 16;

/// The codes of a value set.
pub fn members(source: &dyn Source, canonical: &str) -> Result<Members, Undecided> {
    let mut composer = Composer { source, done: HashMap::new(), path: Vec::new() };
    composer.of_url(canonical).map(|members| Arc::try_unwrap(members).unwrap_or_else(Members::only))
}

struct Composer<'a> {
    source: &'a dyn Source,
    done: HashMap<String, Arc<Members>>,
    /// The value sets that are being composed, each by the one before it.
    path: Vec<String>,
}

impl Members {
    fn only(within: Arc<Members>) -> Self {
        Members { include: vec![Clause { codes: None, within: vec![within] }], exclude: Vec::new() }
    }
}

impl Composer<'_> {
    fn of_url(&mut self, canonical: &str) -> Result<Arc<Members>, Undecided> {
        if let Some(done) = self.done.get(canonical) {
            return Ok(done.clone());
        }
        let open = || Undecided::Open(canonical.to_owned());
        let is_inside = self.path.iter().any(|outer| outer == canonical);
        if is_inside || self.path.len() == DEPTH_MAX || self.done.len() + self.path.len() >= VALUE_SETS_MAX {
            return Err(open());
        }
        let value_set = self.source.value_set(canonical).ok_or_else(|| Undecided::Unknown(canonical.to_owned()))?;
        let found = match expanded(&value_set) {
            Some(members) => members,
            None => {
                self.path.push(canonical.to_owned());
                let members = self.composed(&value_set, &open)?;
                self.path.pop();
                members
            }
        };
        let found = Arc::new(found);
        self.done.insert(canonical.to_owned(), found.clone());
        Ok(found)
    }

    fn composed(&mut self, value_set: &Value, open: &dyn Fn() -> Undecided) -> Result<Members, Undecided> {
        let compose = value_set.get("compose").ok_or_else(open)?;
        // Which concepts are inactive is not read, so only what is listed leaves them out.
        let without_inactive = compose.get("inactive") == Some(&Value::Bool(false));
        let mut members = Members::default();
        for (name, clauses) in [("include", &mut members.include), ("exclude", &mut members.exclude)] {
            for one in array(compose, name) {
                if without_inactive && name == "include" && one.get("concept").is_none() {
                    return Err(open());
                }
                clauses.push(self.clause(one, open)?);
            }
        }
        if members.include.is_empty() { Err(open()) } else { Ok(members) }
    }

    fn clause(&mut self, one: &Value, open: &dyn Fn() -> Undecided) -> Result<Clause, Undecided> {
        let codes = match text(one, "system") {
            Some(system) => Some((system_hash(system), self.codes(one, system, open)?)),
            None if one.get("concept").is_some() || one.get("filter").is_some() => return Err(open()),
            None => None,
        };
        let mut within = Vec::new();
        for value_set in array(one, "valueSet") {
            within.push(self.of_url(value_set.as_str().ok_or_else(open)?)?);
        }
        if codes.is_none() && within.is_empty() { Err(open()) } else { Ok(Clause { codes, within }) }
    }

    fn codes(&self, one: &Value, system: &str, open: &dyn Fn() -> Undecided) -> Result<Codes, Undecided> {
        let listed: Option<HashSet<u64>> = one.get("concept").map(|_| {
            let codes = array(one, "concept").filter_map(|concept| text(concept, "code"));
            codes.map(|code| coded_hash(system, code)).collect()
        });
        let mut filters = array(one, "filter").peekable();
        if filters.peek().is_none()
            && let Some(listed) = listed
        {
            return Ok(Codes::These(listed));
        }
        let canonical = text(one, "version").map(|version| format!("{system}|{version}"));
        let canonical = canonical.as_deref().unwrap_or(system);
        let known = self.source.code_system(canonical).ok_or_else(|| Undecided::Unknown(canonical.to_owned()))?;
        if !known.is_whole() {
            return Err(Undecided::Open(canonical.to_owned()));
        }
        let mut codes = listed;
        for filter in filters {
            let passed = filtered(&known, filter).ok_or_else(open)?;
            codes = Some(match codes {
                None => passed,
                Some(codes) => codes.intersection(&passed).copied().collect(),
            });
        }
        Ok(codes.map_or(Codes::Of(known), Codes::These))
    }
}

/// The codes that pass a filter over the hierarchy (valueset-filter-operator).
fn filtered(system: &super::System, filter: &Value) -> Option<HashSet<u64>> {
    let value = system.hash(text(filter, "value")?);
    if !matches!(text(filter, "property")?, "concept" | "code") {
        return None;
    }
    let mut below = system.below(value)?;
    match text(filter, "op")? {
        "descendent-of" => Some(below),
        "is-a" => {
            below.insert(value);
            Some(below)
        }
        "is-not-a" => {
            below.insert(value);
            Some(system.others(&below))
        }
        _ => None,
    }
}

/// The codes of an expansion; `None` where there is none, or it is not whole.
fn expanded(value_set: &Value) -> Option<Members> {
    let expansion = value_set.get("expansion")?;
    let extensions = array(expansion, "extension").chain(array(value_set, "extension"));
    let is_cut = |url: &str| url.ends_with("/valueset-unclosed") || url.ends_with("/valueset-toocostly");
    if extensions.filter_map(|extension| text(extension, "url")).any(is_cut) {
        return None;
    }
    let (mut codes, mut count) = (HashMap::new(), 0);
    contained(expansion, &mut codes, &mut count, 0)?;
    let number = |name| expansion.get(name).and_then(Value::as_u64);
    if number("offset").is_some_and(|offset| offset > 0) || number("total").is_some_and(|total| total > count) {
        return None;
    }
    // What lists nothing and has a composition was not expanded.
    (count > 0 || value_set.get("compose").is_none()).then(|| Members::of(codes.into_iter().collect()))
}

fn contained(of: &Value, codes: &mut HashMap<u64, HashSet<u64>>, count: &mut u64, depth: usize) -> Option<()> {
    let mut contains = array(of, "contains").peekable();
    if depth == DEPTH_MAX {
        return contains.peek().is_none().then_some(());
    }
    for one in contains {
        *count += 1;
        let is_abstract = one.get("abstract") == Some(&Value::Bool(true));
        if let (Some(system), Some(code), false) = (text(one, "system"), text(one, "code"), is_abstract) {
            codes.entry(system_hash(system)).or_default().insert(coded_hash(system, code));
        }
        contained(one, codes, count, depth + 1)?;
    }
    Some(())
}

fn array<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}
