//! A resource against the base definitions of R4 (validation.html): names, kinds of JSON values, cardinality, choices,
//! forms of primitives, required bindings, references, contained resources, extensions, narratives, Bundles, constraints.

mod attachment;
mod binding;
mod bundle;
mod document;
mod invariant;
mod narrative;
mod reference;
mod rule;
mod walk;

use serde_json::Value;

use super::path::Path;
use crate::fault::{Issue, Place, Severity};
use crate::fhir::reference::resource_type;

/// At most this many problems are listed; a note says how many more there are.
pub const PROBLEMS_MAX: usize = 100;

/// Elements inside each other at most, the resource being the first.
pub const DEPTH_ELEMENTS_MAX: usize = 64;

/// How much is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Everything but the constraints that R4 writes in FHIRPath.
    Structure,
    /// Those too.
    Full,
}

/// What is wrong with a resource, all of it. It conforms to the base definitions when none of the issues is an error
/// ([`is_sound`]); a warning or a note does not speak against storing it. Profiles are not looked at. The place of an
/// issue is a FHIRPath from the resource given; no issue quotes a value.
pub fn base(resource: &Value) -> Vec<Issue> {
    base_at(resource, Level::Full)
}

/// [`base`] of a resource in an entry of a transaction, whose references may be searches (http.html#condref).
pub fn base_in_transaction(resource: &Value) -> Vec<Issue> {
    checked(resource, Level::Full, true)
}

/// [`base`], as much as the level says.
pub fn base_at(resource: &Value, level: Level) -> Vec<Issue> {
    checked(resource, level, false)
}

fn checked(resource: &Value, level: Level, is_transaction: bool) -> Vec<Issue> {
    let name = resource_type(resource).map_or("Resource", |known| known.name());
    let mut walk = walk::Walk::new(resource, level);
    walk.is_transaction = is_transaction;
    walk.resource(resource, &Path::root(name), 1, walk::Inside::Nothing);
    let (mut issues, left_out) = walk.finish();
    if left_out > 0 {
        issues.push(Issue::with(&rule::MORE, Place::Whole, left_out.to_string()));
    }
    issues
}

/// Whether the div of a narrative is as FHIR lets it be (narrative.html).
pub(super) fn is_narrative(div: &str) -> bool {
    narrative::check(div).is_ok()
}

/// Whether a resource about which no more than this was found may be accepted: nothing of it is an error.
pub fn is_sound(issues: &[Issue]) -> bool {
    issues.iter().all(|issue| issue.rule.severity < Severity::Error)
}

#[cfg(test)]
mod tests;
