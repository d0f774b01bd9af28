//! The terminology that searches need (R4 search.html#modifiers: `:in`, `:not-in`, `:above`, `:below`): the codes that
//! [`crate::terminology`] finds, as the hashes that facts keep. What cannot be decided is said to be so and never answered short.

use std::collections::HashSet;
use std::sync::Arc;

use super::facts::{coded_hash, system_hash};
use crate::fhir::oid;
use crate::terminology::{Clause as Composed, CodeSystem, ValueSet, Which};

pub use crate::terminology::{Source, Undecided};

/// What judges codes.
pub trait Terminology {
    /// The codes of a value set, by its canonical or as `ValueSet/id`.
    fn members(&self, value_set: &str) -> Result<Arc<Members>, Undecided>;

    /// A code with everything above or below it.
    fn subsumed(&self, system: &str, code: &str, above: bool) -> Result<Arc<Members>, Undecided>;
}

/// Codes, as what says of each whether it is one of them.
#[derive(Debug, Default)]
pub struct Members {
    include: Vec<Clause>,
    exclude: Vec<Clause>,
}

/// One `include` or `exclude`: what is in all of its parts.
#[derive(Debug)]
struct Clause {
    codes: Option<(u64, HashSet<u64>)>,
    within: Vec<Members>,
}

impl Members {
    /// Whether a code is one of them, given the hash of its system ([`system_hash`]) and its own ([`coded_hash`]).
    pub fn contains(&self, system: u64, code: u64) -> bool {
        self.include.iter().any(|clause| clause.contains(system, code))
            && !self.exclude.iter().any(|clause| clause.contains(system, code))
    }

    /// How many codes are kept for it.
    pub fn kept(&self) -> usize {
        let clauses = self.include.iter().chain(&self.exclude);
        let of_clause = |clause: &Clause| {
            let own = clause.codes.as_ref().map_or(0, |(_, codes)| codes.len());
            1 + own + clause.within.iter().map(Members::kept).sum::<usize>()
        };
        clauses.map(of_clause).sum()
    }

    fn of(set: &ValueSet) -> Result<Self, Undecided> {
        if let Some(why) = set.open() {
            return Err(why.clone());
        }
        let all = |clauses: &[Composed]| clauses.iter().map(Clause::of).collect::<Result<_, _>>();
        Ok(Members { include: all(&set.include)?, exclude: all(&set.exclude)? })
    }
}

impl Clause {
    fn contains(&self, system: u64, code: u64) -> bool {
        let is_named = match &self.codes {
            None => true,
            Some((of, codes)) => *of == system && codes.contains(&code),
        };
        is_named && self.within.iter().all(|inner| inner.contains(system, code))
    }

    fn of(clause: &Composed) -> Result<Self, Undecided> {
        let system = clause.system.as_deref().unwrap_or_default();
        let known = clause.known.as_deref();
        let is_in_use = |code: &str| {
            let concept = known.and_then(|known| known.find(code));
            !clause.is_active_only || concept.is_none_or(|concept| !concept.is_inactive)
        };
        let hashed = |code: &str| is_in_use(code).then(|| coded_hash(system, code));
        let concepts = known.map(CodeSystem::concepts).unwrap_or_default();
        let codes: Option<HashSet<u64>> = match &clause.which {
            Which::Any => None,
            Which::All => Some(concepts.iter().filter_map(|concept| hashed(&concept.code)).collect()),
            Which::Passed(passed) => {
                let passed = concepts.iter().zip(passed).filter(|(_, is_in)| **is_in);
                Some(passed.filter_map(|(concept, _)| hashed(&concept.code)).collect())
            }
            Which::Listed(listed, _) => Some(listed.iter().filter_map(|one| hashed(&one.code)).collect()),
            // Facts keep hashes, of which no form can be seen.
            Which::Grammar(_) | Which::Measures(_) => return Err(Undecided::Open(system.to_owned())),
            Which::Undecided(why) => return Err(why.clone()),
        };
        let within = clause.within.iter().map(|inner| Members::of(inner)).collect::<Result<_, _>>()?;
        Ok(Clause { codes: codes.map(|codes| (system_hash(system), codes)), within })
    }
}

/// The codes of a value set.
pub fn members(source: &dyn Source, canonical: &str) -> Result<Members, Undecided> {
    Members::of(&ValueSet::named(source, canonical, None))
}

/// A code of a system with everything above or below it.
pub fn subsumed(source: &dyn Source, system: &str, code: &str, above: bool) -> Result<Members, Undecided> {
    let known = source.code_system(system, None).ok_or_else(|| Undecided::Unknown(system.to_owned()))?;
    let url = oid::canonical(system);
    // A search folds case where the code system may not.
    let wanted = coded_hash(url, code);
    let folded = || known.concepts().iter().position(|one| coded_hash(url, &one.code) == wanted);
    let at = known.at(code).or_else(|| folded().and_then(|at| u32::try_from(at).ok()));
    let at = at.filter(|_| known.is_whole() && known.is_hierarchy).ok_or_else(|| Undecided::Open(system.to_owned()))?;
    let reached = known.reached(at, above);
    let concepts = known.concepts().iter().zip(reached).filter_map(|(concept, is_in)| is_in.then_some(concept));
    let codes = concepts.chain(known.concept(at)).map(|concept| coded_hash(url, &concept.code)).collect();
    let clause = Clause { codes: Some((system_hash(system), codes)), within: Vec::new() };
    Ok(Members { include: vec![clause], exclude: Vec::new() })
}

/// Nothing is known.
#[cfg(test)]
#[derive(Clone, Copy, Debug)]
pub(super) struct NoTerminology;

#[cfg(test)]
impl Terminology for NoTerminology {
    fn members(&self, value_set: &str) -> Result<Arc<Members>, Undecided> {
        Err(Undecided::Unknown(value_set.to_owned()))
    }

    fn subsumed(&self, system: &str, _: &str, _: bool) -> Result<Arc<Members>, Undecided> {
        Err(Undecided::Unknown(system.to_owned()))
    }
}

#[cfg(test)]
pub(super) mod tests;
