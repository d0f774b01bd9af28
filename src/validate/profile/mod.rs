//! A resource against profiles (profiling.html): those that it is asked to keep to, and those that it claims
//! (`meta.profile`). What R4 itself asks for is checked by [`super::base()`] and not repeated here; a resource that claims
//! nothing is held to what R4 says as warnings, where the package of R4 is loaded.
//!
//! `walk` goes through a resource beside the tree of a profile, with a file for each thing that a profile may say;
//! `resource` finds the profiles of a resource and of those in it; `scan` sees every element, for extensions and codes;
//! `questionnaire` puts answers beside their questions.

mod binding;
mod extension;
mod invariant;
mod problem;
mod questionnaire;
mod reference;
mod resource;
mod scan;
mod slicing;
mod spot;
mod value;
mod walk;
mod wording;

use serde_json::Value;

pub use problem::Problem;

use super::path::Path;
use crate::fhir::reference::resource_type;
use crate::profile::Profiles;

/// Elements that are looked at for one resource at most, those of trials included, and questions, items and
/// options of a QuestionnaireResponse; a Bundle of 200 entries needs 50,000.
pub const ELEMENTS_MAX: usize = 2_000_000;

/// What speaks against a resource that is to keep to these profiles (canonicals, with or without `|version`), and against
/// the profiles that it and the resources in it claim. Errors first in their order, then warnings and notes in theirs; of
/// more than [`super::PROBLEMS_MAX`] the last problem says how many there are. The place of a problem is a FHIRPath from the
/// resource given; no problem quotes what somebody wrote about a person.
pub fn against(resource: &Value, asked: &[&str], profiles: &Profiles) -> Vec<Problem> {
    let name = resource_type(resource).map_or("Resource", |known| known.name());
    let mut walk = walk::Walk::new(profiles, resource);
    walk.whole(resource, asked, &Path::root(name));
    walk.finish()
}

/// [`against`], where the profiles are asked of every resource of their types: of the one given, and of those in the entries
/// of a Bundle.
pub fn against_each(resource: &Value, asked: &[&str], profiles: &Profiles) -> Vec<Problem> {
    let name = resource_type(resource).map_or("Resource", |known| known.name());
    let mut walk = walk::Walk::new(profiles, resource);
    walk.each(resource, asked, &Path::root(name));
    walk.finish()
}

#[cfg(test)]
mod tests;
