//! A CodeSystem as searches need it (codesystem.html): which codes it has, and which of them stand above others.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::fhir::oid;
use crate::search::facts::{code_hash, is_case_sensitive};

/// Deepest nesting of concepts that is read.
pub(super) const CONCEPT_DEPTH_MAX: usize = 64;

/// The codes of a system, as hashes, and how they stand to each other.
#[derive(Debug)]
pub struct System {
    /// Whether its codes tell upper from lower case.
    is_case_sensitive: bool,
    /// Where each code stands in `parents`.
    codes: HashMap<u64, u32>,
    /// For each code those right above it.
    parents: Vec<Vec<u32>>,
    /// Whether these are all codes that there are (`content`).
    is_whole: bool,
    /// Whether what stands above a code means it too (`hierarchyMeaning`).
    is_hierarchy: bool,
}

impl System {
    /// Reads a CodeSystem.
    pub fn read(code_system: &Value) -> Self {
        let text = |name| code_system.get(name).and_then(Value::as_str);
        let mut system = System {
            is_case_sensitive: is_case_sensitive("Coding", oid::canonical(text("url").unwrap_or_default())),
            codes: HashMap::new(),
            parents: Vec::new(),
            is_whole: text("content") == Some("complete"),
            // What does not say how it nests nests by meaning, as nearly all do.
            is_hierarchy: text("hierarchyMeaning").is_none_or(|meaning| meaning == "is-a"),
        };
        let mut said = Vec::new();
        system.concepts(code_system, None, &mut said, 0);
        // One without codes stands for what is published elsewhere.
        let count = code_system.get("count").and_then(Value::as_u64).unwrap_or(1);
        system.is_whole &= system.len() as u64 >= count.max(1);
        for (of, is_parent, other) in said {
            let Some(other) = system.codes.get(&other).copied() else {
                system.is_hierarchy = false;
                continue;
            };
            let (child, parent) = if is_parent { (of, other) } else { (other, of) };
            if let Some(parents) = system.parents.get_mut(child as usize) {
                parents.push(parent);
            }
        }
        system
    }

    /// Reads the concepts of a system or below a concept, and what their properties say of others: (which, whether the other
    /// is its parent, the other).
    fn concepts(&mut self, of: &Value, parent: Option<u32>, said: &mut Vec<(u32, bool, u64)>, depth: usize) {
        let concepts = of.get("concept").and_then(Value::as_array).into_iter().flatten();
        if depth == CONCEPT_DEPTH_MAX {
            self.is_whole &= concepts.count() == 0;
            return;
        }
        for concept in concepts {
            let Some(code) = concept.get("code").and_then(Value::as_str) else { continue };
            let next = u32::try_from(self.parents.len()).unwrap_or(u32::MAX);
            let hash = self.hash(code);
            let at = *self.codes.entry(hash).or_insert(next);
            if at == next {
                self.parents.push(Vec::new());
            }
            if let Some(parents) = self.parents.get_mut(at as usize) {
                parents.extend(parent);
            }
            for property in concept.get("property").and_then(Value::as_array).into_iter().flatten() {
                let text = |name| property.get(name).and_then(Value::as_str);
                let (Some(name), Some(other)) = (text("code"), text("valueCode")) else { continue };
                match name {
                    "parent" | "subsumedBy" => said.push((at, true, self.hash(other))),
                    "child" => said.push((at, false, self.hash(other))),
                    _ => {}
                }
            }
            self.concepts(concept, Some(at), said, depth + 1);
        }
    }

    /// The hash of one of its codes.
    pub(super) fn hash(&self, code: &str) -> u64 {
        code_hash(code, self.is_case_sensitive)
    }

    /// Whether it has a code.
    pub(super) fn has(&self, code: u64) -> bool {
        self.codes.contains_key(&code)
    }

    /// Whether these are all its codes.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// How many codes it has.
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// All its codes but these.
    pub(super) fn others(&self, codes: &HashSet<u64>) -> HashSet<u64> {
        self.codes.keys().filter(|code| !codes.contains(code)).copied().collect()
    }

    /// The codes above one, without itself; `None` where that cannot be said.
    pub(super) fn above(&self, code: u64) -> Option<HashSet<u64>> {
        self.reached(code, &self.parents)
    }

    /// The codes below one, without itself; `None` where that cannot be said.
    pub(super) fn below(&self, code: u64) -> Option<HashSet<u64>> {
        let mut children = vec![Vec::new(); self.parents.len()];
        for (child, parents) in self.parents.iter().enumerate() {
            for parent in parents {
                if let Some(children) = children.get_mut(*parent as usize) {
                    children.extend(u32::try_from(child));
                }
            }
        }
        self.reached(code, &children)
    }

    /// What is reached from a code over steps.
    fn reached(&self, code: u64, steps: &[Vec<u32>]) -> Option<HashSet<u64>> {
        let start = *self.codes.get(&code).filter(|_| self.is_whole && self.is_hierarchy)?;
        let (mut seen, mut open) = (HashSet::from([start]), vec![start]);
        while let Some(at) = open.pop() {
            let next = steps.get(at as usize).into_iter().flatten();
            open.extend(next.filter(|next| seen.insert(**next)));
        }
        seen.remove(&start);
        Some(self.codes.iter().filter(|(_, at)| seen.contains(at)).map(|(code, _)| *code).collect())
    }
}
