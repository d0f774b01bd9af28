//! The terminology that searches need (R4 search.html#modifiers: `:in`, `:not-in`, `:above`, `:below`): whether a code is in a
//! value set (valueset.html#compositions), and what a code system puts above or below a code. What cannot be decided is said
//! to be so and never answered short.

mod compose;
mod system;

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use super::facts::system_hash;

pub use compose::members;
pub use system::System;

/// Where ValueSets and CodeSystems are found.
pub trait Source {
    /// The ValueSet with this canonical, `url` or `url|version`.
    fn value_set(&self, canonical: &str) -> Option<Value>;

    /// The CodeSystem with this canonical.
    fn code_system(&self, canonical: &str) -> Option<Arc<System>>;
}

/// What judges codes.
pub trait Terminology {
    /// The codes of a value set, by its canonical or as `ValueSet/id`.
    fn members(&self, value_set: &str) -> Result<Arc<Members>, Undecided>;

    /// A code with everything above or below it.
    fn subsumed(&self, system: &str, code: &str, above: bool) -> Result<Arc<Members>, Undecided>;
}

/// Why it cannot be said which codes are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undecided {
    /// This value set or code system is not known.
    Unknown(String),
    /// This one is known, and which codes it has cannot be decided: it has rules that are not understood, or is not whole.
    Open(String),
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
    codes: Option<(u64, Codes)>,
    within: Vec<Arc<Members>>,
}

/// Codes of one system.
#[derive(Debug)]
enum Codes {
    /// All.
    Of(Arc<System>),
    /// These, as hashes.
    These(HashSet<u64>),
}

impl Members {
    /// Whether a code is one of them, given the hash of its system ([`system_hash`]) and its own ([`super::facts::coded_hash`]).
    pub fn contains(&self, system: u64, code: u64) -> bool {
        self.include.iter().any(|clause| clause.contains(system, code))
            && !self.exclude.iter().any(|clause| clause.contains(system, code))
    }

    /// How many codes are kept for it, those of whole systems aside.
    pub fn kept(&self) -> usize {
        let clauses = self.include.iter().chain(&self.exclude);
        let of_clause = |clause: &Clause| match &clause.codes {
            Some((_, Codes::These(codes))) => codes.len(),
            _ => 0,
        };
        clauses
            .map(|clause| 1 + of_clause(clause) + clause.within.iter().map(|inner| inner.kept()).sum::<usize>())
            .sum()
    }

    fn of(codes: Vec<(u64, HashSet<u64>)>) -> Self {
        let clause = |(system, codes)| Clause { codes: Some((system, Codes::These(codes))), within: Vec::new() };
        Members { include: codes.into_iter().map(clause).collect(), exclude: Vec::new() }
    }
}

impl Clause {
    fn contains(&self, system: u64, code: u64) -> bool {
        let is_named = match &self.codes {
            None => true,
            Some((of, codes)) => *of == system && codes.contains(code),
        };
        is_named && self.within.iter().all(|inner| inner.contains(system, code))
    }
}

impl Codes {
    fn contains(&self, code: u64) -> bool {
        match self {
            Codes::Of(system) => system.has(code),
            Codes::These(codes) => codes.contains(&code),
        }
    }
}

/// A code of a system with everything above or below it.
pub fn subsumed(source: &dyn Source, system: &str, code: &str, above: bool) -> Result<Members, Undecided> {
    let known = source.code_system(system).ok_or_else(|| Undecided::Unknown(system.to_owned()))?;
    let of = known.hash(code);
    let open = || Undecided::Open(system.to_owned());
    let mut codes = if above { known.above(of) } else { known.below(of) }.ok_or_else(open)?;
    codes.insert(of);
    Ok(Members::of(vec![(system_hash(system), codes)]))
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
