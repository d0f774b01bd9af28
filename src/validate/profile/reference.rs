//! References beside what a profile lets them lead to (references.html): by the resource, where it is contained or in the
//! same Bundle, else by its type.

use std::collections::HashMap;

use serde_json::Value;

use super::problem::*;
use super::spot::Spot;
use super::walk::{At, Walk};
use crate::fhir::ResourceType;
use crate::fhir::reference::Literal;
use crate::profile::{Link, Schema, SchemaId, Type};
use crate::validate::path::Path;

/// The resources of a Bundle, by their full URLs and by type and id (bundle.html#references).
#[derive(Debug, Default)]
pub(super) struct Entries<'w> {
    by_url: HashMap<&'w str, &'w Value>,
    by_id: HashMap<(&'w str, &'w str), &'w Value>,
    /// By URL and version; without a version the first of the URL.
    questionnaires: HashMap<(&'w str, Option<&'w str>), &'w Value>,
}

impl<'w> Entries<'w> {
    pub(super) fn of(bundle: &'w Value) -> Self {
        let mut entries = Entries::default();
        for entry in bundle.get("entry").and_then(Value::as_array).into_iter().flatten() {
            let Some(resource) = entry.get("resource") else { continue };
            let text = |value: &'w Value, name: &str| value.get(name).and_then(Value::as_str);
            if let Some(url) = text(entry, "fullUrl") {
                entries.by_url.entry(url).or_insert(resource);
                // A resource without an id has that of its URL.
                if let Literal::Absolute(_, Some((kind, id))) = Literal::parse(url) {
                    entries.by_id.entry((kind.name(), id)).or_insert(resource);
                }
            }
            if let (Some(kind), Some(id)) = (text(resource, "resourceType"), text(resource, "id")) {
                entries.by_id.entry((kind, id)).or_insert(resource);
            }
            if let (Some("Questionnaire"), Some(url)) = (text(resource, "resourceType"), text(resource, "url")) {
                entries.questionnaires.entry((url, None)).or_insert(resource);
                entries.questionnaires.entry((url, text(resource, "version"))).or_insert(resource);
            }
        }
        entries
    }

    /// The Questionnaire with this canonical.
    pub(super) fn questionnaire(&self, canonical: &str) -> Option<&'w Value> {
        let (url, version) = canonical.split_once('|').map_or((canonical, None), |(url, version)| (url, Some(version)));
        self.questionnaires.get(&(url, version)).copied()
    }

    fn find(&self, reference: &str) -> Option<&'w Value> {
        if let Some(found) = self.by_url.get(reference) {
            return Some(found);
        }
        match Literal::parse(reference) {
            Literal::Relative(kind, id) => self.by_id.get(&(kind.name(), id)).copied(),
            _ => None,
        }
    }
}

/// What is contained in a resource, by its id.
pub(super) type Contained<'w> = HashMap<&'w str, &'w Value>;

fn contained(root: &Value) -> Contained<'_> {
    let mut all = Contained::new();
    for one in root.get("contained").and_then(Value::as_array).into_iter().flatten() {
        if let Some(id) = one.get("id").and_then(Value::as_str) {
            all.entry(id).or_insert(one);
        }
    }
    all
}

impl<'w> Walk<'w> {
    /// The resource that a reference leads to, where it is at hand.
    pub(super) fn resolved(&self, reference: &str) -> Option<&'w Value> {
        let Some(id) = reference.strip_prefix('#') else { return self.entries.as_ref()?.find(reference) };
        if id.is_empty() {
            return Some(self.root);
        }
        let mut all = self.contained.borrow_mut();
        all.entry(std::ptr::from_ref(self.root)).or_insert_with(|| contained(self.root)).get(id).copied()
    }

    /// What a Reference leads to: the resource, or as much as its text says of it.
    pub(super) fn target(&self, spot: Spot<'w>) -> Option<Spot<'w>> {
        let stated = || spot.text("type").and_then(ResourceType::parse).map(Spot::elsewhere);
        let Some(text) = spot.text("reference") else { return stated() };
        if let Some(found) = self.resolved(text) {
            return Some(Spot::resource(found));
        }
        match Literal::parse(text) {
            Literal::Relative(kind, _) | Literal::Absolute(_, Some((kind, _))) => Some(Spot::elsewhere(kind)),
            _ => stated(),
        }
    }

    /// Whether a resource says that it keeps to a profile, or to one that is based on it. Whether that is so is found where
    /// the resource itself is looked at.
    pub(super) fn claims(&self, spot: Spot<'w>, profile: SchemaId) -> bool {
        let claimed = spot.value.and_then(|value| value.get("meta")?.get("profile")?.as_array()).into_iter().flatten();
        let package = self.profiles.schema(profile).map(|schema| schema.package);
        let mut claimed =
            claimed.filter_map(Value::as_str).filter_map(|canonical| self.profiles.find(canonical, package));
        spot.is_resource && claimed.any(|schema| self.profiles.is_based_on(schema, profile))
    }

    pub(super) fn reference(&mut self, at: At<'w>, kind: &'w Type, spot: Spot<'w>, path: &Path<'_>) {
        if let Some(modes) = &kind.aggregation {
            self.aggregated(at, *modes, spot, path);
        }
        let (Some(targets), Some(target)) = (&kind.targets, self.target(spot)) else { return };
        let names = |links: &[Link]| links.iter().map(|link| &*link.canonical).collect::<Vec<_>>().join(", ");
        let mut is_of_type = false;
        let mut tried: Vec<&'w Schema> = Vec::new();
        for link in targets {
            let Some(name) = self.profiles.type_of(link) else {
                // Nobody knows what it asks for.
                self.tell(&NOT_LOADED, Some(at), path, &link.canonical);
                is_of_type = true;
                continue;
            };
            if name != "Resource" && name != target.type_name {
                continue;
            }
            is_of_type = true;
            let schema = self.profiles.follow(link).filter(|schema| !schema.is_definition);
            match (schema, target.value) {
                (Some(schema), Some(_)) => tried.push(schema),
                // A type will do, or no more than the type can be looked at.
                _ => return,
            }
        }
        if !is_of_type {
            return self.add(&TARGET, Some(at), path, || (names(targets), target.type_name.into()));
        }
        let place = Path::root("Resource");
        let place = if spot.text("reference").is_some_and(|text| text.starts_with('#')) {
            place.member("contained")
        } else {
            place
        };
        let is_kept = tried.is_empty()
            || tried.iter().any(|schema| self.claims(target, schema.id) || self.keeps_to(schema, target, &place));
        if !is_kept {
            self.add(&TARGET_PROFILE, Some(at), path, || (names(targets), target.type_name.into()));
        }
    }

    fn aggregated(&mut self, at: At<'w>, [contained, referenced, bundled]: [bool; 3], spot: Spot<'w>, path: &Path<'_>) {
        let Some(text) = spot.text("reference") else { return };
        let is_contained = text.starts_with('#');
        let is_bundled = !is_contained && self.resolved(text).is_some();
        let is_fine = match (is_contained, is_bundled) {
            (true, _) => contained,
            (_, true) => bundled || referenced,
            _ => referenced || (bundled && self.entries.is_none()),
        };
        if !is_fine {
            let names = [(contained, "contained"), (referenced, "referenced"), (bundled, "bundled")];
            let wanted = || names.iter().filter(|one| one.0).map(|one| one.1).collect::<Vec<_>>().join(", ");
            self.add(&AGGREGATION, Some(at), path, || (wanted(), String::new()));
        }
    }
}
