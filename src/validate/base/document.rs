//! Documents (documents.html): a Bundle holds what its Composition refers to, and nothing that nothing in it leads to.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::rule::{NOT_IN_DOCUMENT, NOT_REACHED};
use super::walk::Walk;
use crate::fhir::ResourceType;
use crate::fhir::reference::{Literal, resource_type};
use crate::validate::DEPTH_ELEMENTS_MAX;
use crate::validate::path::Path;

/// What a Composition refers to and a document must hold (documents.html#bundle), by the names on the way.
const HELD: [&[&str]; 6] =
    [&["subject"], &["encounter"], &["author"], &["attester", "party"], &["custodian"], &["event", "detail"]];

/// The same in a section.
const HELD_IN_SECTION: [&str; 3] = ["author", "focus", "entry"];

/// Members that may name an entry.
const LINKS: [&str; 5] = ["reference", "url", "valueUri", "valueUrl", "valueCanonical"];

/// The entries of a Bundle by what references say of them.
struct Entries<'v> {
    by_url: HashMap<&'v str, usize>,
    by_id: HashMap<(&'v str, &'v str), usize>,
}

impl<'v> Entries<'v> {
    fn of(entries: &'v [Value]) -> Self {
        let text = |value: Option<&'v Value>| value.and_then(Value::as_str);
        let mut all = Entries { by_url: HashMap::new(), by_id: HashMap::new() };
        for (at, entry) in entries.iter().enumerate() {
            if let Some(url) = text(entry.get("fullUrl")) {
                all.by_url.entry(url).or_insert(at);
                // A resource without an id has that of its URL.
                if let Literal::Absolute(_, Some((kind, id))) = Literal::parse(url) {
                    all.by_id.entry((kind.name(), id)).or_insert(at);
                }
            }
            let of_resource = |name: &str| text(entry.get("resource").and_then(|resource| resource.get(name)));
            if let (Some(kind), Some(id)) = (of_resource("resourceType"), of_resource("id")) {
                all.by_id.entry((kind, id)).or_insert(at);
            }
        }
        all
    }

    fn find(&self, reference: &str) -> Option<usize> {
        let reference = reference.split('#').next().unwrap_or(reference);
        self.by_url.get(reference).copied().or_else(|| match Literal::parse(reference) {
            Literal::Relative(kind, id) => self.by_id.get(&(kind.name(), id)).copied(),
            Literal::Absolute(url, _) => self.by_url.get(url).copied(),
            _ => None,
        })
    }
}

pub(super) fn check(walk: &mut Walk<'_>, entries: &[Value], path: &Path<'_>) {
    let all = Entries::of(entries);
    let Some(composition) = entries.first().and_then(|entry| entry.get("resource")) else { return };
    if resource_type(composition) != ResourceType::parse("Composition") {
        return;
    }
    let first = path.item(0);
    let place = first.member("resource");
    for way in HELD {
        held(walk, &all, composition, way, &place);
    }
    sections(walk, &all, composition, &place, 0);
    let mut is_reached = vec![false; entries.len()];
    reach(&all, entries, &mut is_reached);
    for (at, _) in is_reached.iter().enumerate().filter(|(_, is_reached)| !**is_reached) {
        walk.add(&NOT_REACHED, &path.item(at));
    }
}

fn sections(walk: &mut Walk<'_>, all: &Entries<'_>, of: &Value, path: &Path<'_>, depth: usize) {
    let place = path.member("section");
    let all_sections = of.get("section").and_then(Value::as_array).into_iter().flatten();
    for (at, section) in all_sections.enumerate().filter(|_| depth < DEPTH_ELEMENTS_MAX) {
        let place = place.item(at);
        for name in HELD_IN_SECTION {
            held(walk, all, section, &[name], &place);
        }
        sections(walk, all, section, &place, depth + 1);
    }
}

/// The references at the end of a way lead into the Bundle.
fn held(walk: &mut Walk<'_>, all: &Entries<'_>, value: &Value, way: &[&str], path: &Path<'_>) {
    let Some((name, rest)) = way.split_first() else {
        let text = value.get("reference").and_then(Value::as_str);
        // That a urn leads nowhere is said of every reference, not of those of a Composition alone.
        let is_outside = |text: &&str| !text.starts_with('#') && !text.starts_with("urn:") && all.find(text).is_none();
        if text.filter(is_outside).is_some() {
            walk.add(&NOT_IN_DOCUMENT, &path.member("reference"));
        }
        return;
    };
    let place = path.member(name);
    match value.get(*name) {
        Some(Value::Array(items)) => {
            items.iter().enumerate().for_each(|(at, item)| held(walk, all, item, rest, &place.item(at)));
        }
        Some(inner) => held(walk, all, inner, rest, &place),
        None => {}
    }
}

/// Marks what the first entry leads to, and what says where something of it comes from.
fn reach(all: &Entries<'_>, entries: &[Value], is_reached: &mut [bool]) {
    let resource = |at: usize| entries.get(at).and_then(|entry| entry.get("resource"));
    let mut waiting = vec![0];
    // A stylesheet is nobody's target, and a Provenance is about what is there (documents.html#content).
    for at in 0..entries.len() {
        let kind = resource(at).and_then(resource_type).map(ResourceType::name);
        if matches!(kind, Some("Provenance" | "Binary") | None) {
            waiting.push(at);
        }
    }
    let mut seen = HashSet::new();
    while let Some(at) = waiting.pop() {
        if !seen.insert(at) {
            continue;
        }
        if let Some(found) = is_reached.get_mut(at) {
            *found = true;
        }
        if let Some(resource) = resource(at) {
            references(resource, 0, &mut |text| waiting.extend(all.find(text)));
        }
    }
}

/// Everything that a resource refers to: references, and what may be a canonical or a URL of an entry.
fn references<'v>(value: &'v Value, depth: usize, see: &mut impl FnMut(&'v str)) {
    match value {
        Value::Object(object) if depth <= 2 * DEPTH_ELEMENTS_MAX => {
            for (name, inner) in object {
                match inner {
                    Value::String(text) if LINKS.contains(&name.as_str()) => see(text),
                    inner => references(inner, depth + 1, see),
                }
            }
        }
        Value::Array(items) if depth <= 2 * DEPTH_ELEMENTS_MAX => {
            items.iter().for_each(|item| references(item, depth + 1, see));
        }
        _ => {}
    }
}
