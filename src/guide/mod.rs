//! Implementation guides: FHIR packages read from bytes, and their definitions found by canonical URL. Several packages lie
//! side by side, also two versions of one guide.

mod canonical;
mod package;
mod tar;

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::fhir::{ResourceType, oid};

pub use canonical::{CanonicalResource, NotJson};
pub use package::{FILES_MAX, PACKED_BYTES_MAX, Package, UNPACKED_BYTES_MAX};

/// The types of definitions that are kept of a package.
pub const KEPT: [ResourceType; 3] =
    [ResourceType::CODE_SYSTEM, ResourceType::SEARCH_PARAMETER, ResourceType::VALUE_SET];

/// By type and URL: the package, and the definition in it.
type Places = HashMap<(ResourceType, Box<str>), Vec<(usize, usize)>>;

/// The definitions of several packages.
#[derive(Clone, Debug, Default)]
pub struct Library {
    packages: Vec<Package>,
    /// Which definition of which package has a URL, the newest version first.
    places: Places,
}

impl Library {
    /// Puts packages together. Of several versions of a definition all are kept.
    pub fn new(packages: Vec<Package>) -> Self {
        let mut places = Places::new();
        for (p, package) in packages.iter().enumerate() {
            for (d, definition) in package.definitions.iter().enumerate() {
                places.entry((definition.resource_type, definition.url.clone())).or_default().push((p, d));
            }
        }
        let mut library = Library { packages, places: Places::new() };
        for of_url in places.values_mut() {
            // Of two that state the same version, that of the package named last.
            of_url.sort_by(|a, b| newer(library.version(*b), library.version(*a)).then(b.cmp(a)));
        }
        library.places = places;
        library
    }

    /// The packages, in the order in which they were named.
    pub fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// The definitions of a type that have this URL, with or without `|version`: the newest first. A definition that states
    /// no version has that of its package.
    pub fn find(&self, resource_type: ResourceType, canonical: &str) -> impl Iterator<Item = &CanonicalResource> {
        let (url, version) = split(canonical);
        let url = if resource_type == ResourceType::CODE_SYSTEM { oid::canonical(url) } else { url };
        let places = self.places.get(&(resource_type, url.into())).into_iter().flatten();
        let has_version = move |(p, d): &(usize, usize)| {
            let stated = self.packages.get(*p).map(|package| &*package.version);
            version.is_none_or(|version| self.version((*p, *d)) == version || stated == Some(version))
        };
        places.copied().filter(has_version).filter_map(|place| self.at(place))
    }

    /// The URLs under which definitions of a type are found, in order.
    pub fn urls(&self, resource_type: ResourceType) -> Vec<&str> {
        let of_type = self.places.keys().filter(|(of, _)| *of == resource_type);
        let mut urls: Vec<&str> = of_type.map(|(_, url)| &**url).collect();
        urls.sort_unstable();
        urls
    }

    /// The memory that the definitions take, bytes.
    pub fn memory_bytes(&self) -> usize {
        let all = self.packages.iter().flat_map(|package| &package.definitions);
        all.map(CanonicalResource::memory_bytes).sum()
    }

    fn at(&self, (p, d): (usize, usize)) -> Option<&CanonicalResource> {
        self.packages.get(p)?.definitions.get(d)
    }

    fn version(&self, place: (usize, usize)) -> &str {
        let own = self.at(place).and_then(|definition| definition.version.as_deref());
        own.or_else(|| Some(&*self.packages.get(place.0)?.version)).unwrap_or_default()
    }
}

/// A canonical as URL and version (references.html#canonical).
pub fn split(canonical: &str) -> (&str, Option<&str>) {
    canonical.split_once('|').map_or((canonical, None), |(url, version)| (url, Some(version)))
}

/// Which of two versions is the newer: numbers as numbers, and what has a label (`1.0.0-ballot`) before what has none.
pub fn newer(a: &str, b: &str) -> Ordering {
    let parts = |version: &str| -> (Vec<u64>, bool, String) {
        let (numbers, label) =
            version.split_once('-').map_or((version, None), |(numbers, label)| (numbers, Some(label)));
        let numbers = numbers.split('.').map(|number| number.parse().unwrap_or(0)).collect();
        (numbers, label.is_none(), label.unwrap_or_default().to_owned())
    };
    parts(a).cmp(&parts(b)).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(version: &str, sets: &[(&str, Option<&str>)]) -> Package {
        let set = |(url, version): &(&str, Option<&str>)| {
            let json = serde_json::json!({"resourceType": "ValueSet", "url": url, "version": version});
            CanonicalResource::read(json.to_string().as_bytes(), &KEPT).unwrap().unwrap()
        };
        Package {
            name: "example".into(),
            version: version.into(),
            dependencies: Vec::new(),
            definitions: sets.iter().map(set).collect(),
        }
    }

    #[test]
    fn versions_lie_side_by_side_and_the_newest_is_meant() {
        let library = Library::new(vec![
            named("1.10.0", &[("v", None), ("w", Some("3"))]),
            named("1.2.0", &[("v", None), ("w", Some("3"))]),
            named("1.2.0-ballot", &[("v", Some("1.2.0-ballot"))]),
        ]);
        let versions = |canonical| {
            let found = library.find(ResourceType::VALUE_SET, canonical);
            found.map(|one| one.version.as_deref().unwrap_or("-").to_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(versions("v"), "- - 1.2.0-ballot");
        assert_eq!((versions("v|1.10.0"), versions("v|1.2.0-ballot")), ("-".into(), "1.2.0-ballot".into()));
        assert_eq!((versions("w|3"), versions("w|1.2.0"), versions("w|2")), ("3 3".into(), "3".into(), "".into()));
        assert_eq!((versions("x"), library.urls(ResourceType::VALUE_SET)), ("".into(), vec!["v", "w"]));
        assert_eq!(library.urls(ResourceType::CODE_SYSTEM), [""; 0]);
        assert!(library.memory_bytes() > 0);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        for (older, newest) in [("1.9", "1.10"), ("1.2.0-ballot", "1.2.0"), ("1.1.2-clins", "1.2.0"), ("", "0.1")] {
            assert_eq!(newer(older, newest), Ordering::Less, "{older} {newest}");
        }
    }

    #[test]
    fn a_system_is_found_by_its_oid_and_its_url() {
        let json = br#"{"resourceType":"CodeSystem","url":"urn:oid:2.16.840.1.113883.6.1"}"#;
        let definitions = vec![CanonicalResource::read(json, &KEPT).unwrap().unwrap()];
        let library = Library::new(vec![Package { definitions, ..named("1", &[]) }]);
        for system in ["http://loinc.org", "urn:oid:2.16.840.1.113883.6.1"] {
            assert_eq!(library.find(ResourceType::CODE_SYSTEM, system).count(), 1, "{system}");
        }
    }
}
