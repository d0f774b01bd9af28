//! What decisions mean for what hangs together with a row (docs/adr/0035): what tells of something denied is denied with it, a
//! document is whole or not there, and a document that is permitted by its kind is permitted with what it holds.

use std::collections::HashMap;

use super::about::{About, Class};
use super::permitted::RowFacts;
use super::policy::{Decided, Policy};
use super::rule::Of;
use crate::fhir::ResourceType;
use crate::search::Columns;
use crate::search::columns::is_supporting;
use crate::search::facts::reference_hash;

/// What is hidden at an instant though no rule speaks of it itself, as sorted hashes of references.
#[derive(Clone, Debug, Default)]
pub(super) struct Spread {
    /// Rows that are hidden so.
    hidden: Box<[u64]>,
    /// Rows that are denied, and what tells of them: whatever refers to one is hidden.
    denied: Box<[u64]>,
    /// Of each row as it stands, whether it may be seen: the decision and what hangs together, once for all who ask again.
    shown: Box<[bool]>,
}

impl Spread {
    /// Of the rows of a record, as a policy decides them at an instant, milliseconds since 1970.
    pub(super) fn of(policy: &Policy, now_ms: i64, columns: &Columns) -> Spread {
        let rows = RowsOf::new(columns);
        let decisions = (0..columns.len()).map(|row| {
            let decision = policy.decide(now_ms, &RowFacts::row(columns, row));
            let is_denied = !decision.permitted && matches!(decision.ground, Decided::Consent | Decided::Network);
            (decision.permitted, is_denied)
        });
        let (mut visible, mut denied): (Vec<bool>, Vec<bool>) = decisions.unzip();
        let permitted = visible.clone();
        let mut queue: Vec<usize> = (0..columns.len()).filter(|row| denied[*row]).collect();
        while let Some(row) = queue.pop() {
            if !tells(columns.types[row]) {
                continue;
            }
            for &by in rows.referring(row) {
                if !denied[by] && columns.types[by] != ResourceType::PATIENT {
                    (denied[by], visible[by]) = (true, false);
                    queue.push(by);
                }
            }
        }
        while rows.hide(columns, &mut visible) {}
        let sorted = |wanted: &dyn Fn(usize) -> bool| {
            let mut hashes: Vec<u64> = (0..columns.len()).filter(|row| wanted(*row)).map(|row| rows.own[row]).collect();
            hashes.sort_unstable();
            hashes.into_boxed_slice()
        };
        let ours = |row: usize| columns.patients(row).iter().all(|patient| policy.covers(*patient));
        Spread {
            shown: (0..columns.len()).map(|row| visible[row] && ours(row)).collect(),
            hidden: sorted(&|row| permitted[row] && !visible[row]),
            denied: sorted(&|row| denied[row] && tells(columns.types[row])),
        }
    }

    /// Whether a row, as it stands, may be seen.
    pub(super) fn shows(&self, row: usize) -> bool {
        self.shown.get(row).is_some_and(|shown| *shown)
    }

    /// Whether it hides a row that is as it stands.
    pub(super) fn hides(&self, row: &RowFacts<'_>) -> bool {
        !self.hidden.is_empty() && self.hidden.binary_search(&row.own()).is_ok()
    }

    /// Whether it hides a version that was: by what it is now, or by what it referred to.
    pub(super) fn hides_past(&self, row: &RowFacts<'_>) -> bool {
        let tells_of = |reference: &u64| self.denied.binary_search(reference).is_ok();
        self.hides(row) || (row.resource_type != ResourceType::PATIENT && row.references.iter().any(tells_of))
    }
}

/// Whether whatever refers to a resource of this type tells of it. Everything refers to the patient, and most to a doctor.
fn tells(resource_type: ResourceType) -> bool {
    let is_carried = is_supporting(resource_type) && !["Encounter", "Medication"].contains(&resource_type.name());
    resource_type != ResourceType::PATIENT && !is_carried
}

/// Whether resources of this type are there for what they refer to.
fn is_whole(resource_type: ResourceType) -> bool {
    ["Bundle", "Composition", "DocumentReference", "List", "Provenance"].contains(&resource_type.name())
}

/// Rows by the hash of their reference.
struct RowsOf {
    own: Vec<u64>,
    by_hash: HashMap<u64, usize>,
    referring: HashMap<u64, Vec<usize>>,
}

impl RowsOf {
    fn new(columns: &Columns) -> Self {
        let own: Vec<u64> =
            (0..columns.len()).map(|row| reference_hash(columns.types[row], columns.ids[row].as_str())).collect();
        let by_hash = own.iter().enumerate().map(|(row, hash)| (*hash, row)).collect();
        let mut referring: HashMap<u64, Vec<usize>> = HashMap::new();
        for row in 0..columns.len() {
            columns.references(row).iter().for_each(|target| referring.entry(*target).or_default().push(row));
        }
        RowsOf { own, by_hash, referring }
    }

    fn referring(&self, row: usize) -> &[usize] {
        self.referring.get(&self.own[row]).map(Vec::as_slice).unwrap_or_default()
    }

    fn referred<'a>(&'a self, columns: &'a Columns, row: usize) -> impl Iterator<Item = usize> + 'a {
        columns.references(row).iter().filter_map(|hash| self.by_hash.get(hash)).copied()
    }

    /// Hides documents of which not all is there, and doctors, places and visits that nothing names which is there. Whether
    /// anything changed.
    fn hide(&self, columns: &Columns, visible: &mut [bool]) -> bool {
        let mut changed = false;
        for row in 0..columns.len() {
            let kind = columns.types[row];
            let hides = visible[row]
                && if is_whole(kind) {
                    self.referred(columns, row).any(|held| held != row && !visible[held] && tells(columns.types[held]))
                } else {
                    let by = || self.referring(row).iter().filter(|by| **by != row);
                    is_supporting(kind) && by().next().is_some() && by().all(|by| !visible[*by])
                };
            if hides {
                visible[row] = false;
                changed = true;
            }
        }
        changed
    }
}

/// What hangs together with documents of the kinds that a rule names, as sorted hashes of references: of a permit all that they
/// hold, and the Bundle they came in; of a deny the bytes they describe.
pub(super) fn held(about: &About, permits: bool, columns: &Columns) -> Box<[u64]> {
    let Of::These(classes) = &about.classes else { return Box::default() };
    let kinds: Vec<Class> = classes.iter().copied().filter(|class| matches!(class, Class::Document(..))).collect();
    if kinds.is_empty() {
        return Box::default();
    }
    let rows = RowsOf::new(columns);
    let is_named = |row: &usize| kinds.iter().any(|class| class.includes(&RowFacts::row(columns, *row)));
    let mut queue: Vec<usize> = (0..columns.len()).filter(is_named).collect();
    let mut found = Vec::new();
    if permits {
        let bundles = queue.iter().flat_map(|row| rows.referring(*row)).copied();
        found.extend(bundles.filter(|row| columns.types[*row] == ResourceType::BUNDLE));
    }
    let mut seen = vec![false; columns.len()];
    while let Some(row) = queue.pop() {
        for held in rows.referred(columns, row) {
            let wanted = permits || columns.types[held] == ResourceType::BINARY;
            if wanted && !std::mem::replace(&mut seen[held], true) {
                found.push(held);
                // A patient, and a doctor, lead to others.
                if columns.types[held] != ResourceType::PATIENT {
                    queue.push(held);
                }
            }
        }
    }
    let mut hashes: Vec<u64> = found.into_iter().map(|row| rows.own[row]).collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes.into()
}
