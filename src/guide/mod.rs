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
pub const KEPT: [ResourceType; 6] = [
    ResourceType::CODE_SYSTEM,
    ResourceType::CONCEPT_MAP,
    ResourceType::QUESTIONNAIRE,
    ResourceType::SEARCH_PARAMETER,
    ResourceType::STRUCTURE_DEFINITION,
    ResourceType::VALUE_SET,
];

/// A definition, and where it lies.
#[derive(Clone, Copy, Debug)]
pub struct Placed<'a> {
    /// Which of [`Library::packages`].
    pub package: usize,
    /// Which of the definitions of that package.
    pub number: usize,
    /// The definition.
    pub definition: &'a CanonicalResource,
}

/// By type and URL: the package, and the definition in it.
type Places = HashMap<(ResourceType, Box<str>), Vec<(usize, usize)>>;

/// The definitions of several packages.
#[derive(Clone, Debug, Default)]
pub struct Library {
    packages: Vec<Package>,
    /// Which definition of which package has a URL, the newest version first.
    places: Places,
    /// The package whose definitions take the place of all others of their URLs.
    own: Option<usize>,
}

impl Library {
    /// Puts packages together. Of several versions of a definition all are kept.
    pub fn new(packages: Vec<Package>) -> Self {
        Library::of(packages, None)
    }

    /// The same packages and one without a name, whose definitions take the place of all others of their URLs.
    pub fn with(&self, own: Vec<CanonicalResource>) -> Self {
        let mut packages = self.packages.clone();
        packages.push(Package {
            name: Box::default(),
            version: Box::default(),
            dependencies: Vec::new(),
            definitions: own,
        });
        let last = packages.len() - 1;
        Library::of(packages, Some(last))
    }

    fn of(packages: Vec<Package>, own: Option<usize>) -> Self {
        let mut places = Places::new();
        for (p, package) in packages.iter().enumerate() {
            for (d, definition) in package.definitions.iter().enumerate() {
                places.entry((definition.resource_type, definition.url.clone())).or_default().push((p, d));
            }
        }
        let mut library = Library { packages, places: Places::new(), own };
        for of_url in places.values_mut() {
            // Of two that state the same version, that of the package named last.
            let is_other = |place: &(usize, usize)| Some(place.0) != own;
            of_url.sort_by(|a, b| {
                let by_version = || newer(library.version(*b), library.version(*a)).then(b.cmp(a));
                is_other(a).cmp(&is_other(b)).then_with(by_version)
            });
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

    /// The definition that a canonical means where it stands in a definition of package `from`: of several versions that of the
    /// package itself, else that of the packages it depends on, the nearest first, else the newest. A version may be given
    /// in part: `1` means the newest of `1.10.0` and `1.2.0`, as long as none is just `1`.
    pub fn meant(&self, resource_type: ResourceType, canonical: &str, from: Option<usize>) -> Option<Placed<'_>> {
        let (url, version) = split(canonical);
        let key = if resource_type == ResourceType::CODE_SYSTEM { oid::canonical(url) } else { url };
        let places = self.places.get(&(resource_type, key.into()))?;
        let stated = |p: usize| self.packages.get(p).map(|package| &*package.version).unwrap_or_default();
        let is_whole = |place: &&(usize, usize)| {
            version.is_none_or(|version| self.version(**place) == version || stated(place.0) == version)
        };
        let is_part = |place: &&(usize, usize)| {
            let rest = version.and_then(|version| self.version(**place).strip_prefix(version));
            rest.is_some_and(|rest| rest.starts_with('.'))
        };
        let mut fitting: Vec<&(usize, usize)> = places.iter().filter(is_whole).collect();
        if fitting.is_empty() {
            fitting = places.iter().filter(is_part).collect();
        }
        let is_own = fitting.first().is_some_and(|place| Some(place.0) == self.own);
        let near = if fitting.len() > 1 && !is_own { from.map(|from| self.depended_on(from)) } else { None };
        let nearest =
            near.and_then(|near| near.iter().find_map(|p| fitting.iter().find(|place| place.0 == *p).copied()));
        let (package, number) = *nearest.or_else(|| fitting.first().copied())?;
        Some(Placed { package, number, definition: self.at((package, number))? })
    }

    /// A package, what it depends on, what that depends on: the nearest first.
    fn depended_on(&self, from: usize) -> Vec<usize> {
        let mut reached = vec![from];
        let mut at = 0;
        while let Some(package) = reached.get(at).and_then(|p| self.packages.get(*p)) {
            at += 1;
            for (name, version) in &package.dependencies {
                let wanted = version.trim_end_matches(".x");
                let fits = |other: &Package| {
                    other.name == *name
                        && other.version.strip_prefix(wanted).is_some_and(|r| r.is_empty() || r.starts_with('.'))
                };
                if let Some(p) = self.packages.iter().position(fits).filter(|p| !reached.contains(p)) {
                    reached.push(p);
                }
            }
        }
        reached
    }

    /// The CodeSystems that say more about the concepts of another one, by its URL.
    pub fn supplements(&self, url: &str) -> impl Iterator<Item = &CanonicalResource> {
        let url = oid::canonical(url);
        let all = self.packages.iter().flat_map(|package| &package.definitions);
        all.filter(move |one| one.supplements.as_deref() == Some(url))
    }

    /// Every definition of a type.
    pub fn all(&self, resource_type: ResourceType) -> impl Iterator<Item = Placed<'_>> {
        self.packages.iter().enumerate().flat_map(move |(package, of)| {
            let all = of.definitions.iter().enumerate().filter(move |(_, one)| one.resource_type == resource_type);
            all.map(move |(number, definition)| Placed { package, number, definition })
        })
    }

    /// The version of a definition, its own or that of its package.
    pub fn version_of(&self, placed: Placed<'_>) -> &str {
        self.version((placed.package, placed.number))
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
    fn a_canonical_means_what_its_package_depends_on() {
        let on = |name: &str, version: &str, needed: &str| Package {
            name: name.into(),
            dependencies: vec![("core".into(), needed.into())],
            ..named(version, &[])
        };
        let core = |version: &str| Package { name: "core".into(), ..named(version, &[("v", None)]) };
        let library = Library::new(vec![
            core("1.1.2-clins"),
            core("1.2.0"),
            on("old", "1", "1.1.2-clins"),
            on("new", "1", "1.2.x"),
            on("other", "1", "3.0.0"),
            Package { name: "own".into(), ..named("0.9", &[("v", Some("0.9.1"))]) },
        ]);
        let meant = |canonical: &str, from| {
            let found = library.meant(ResourceType::VALUE_SET, canonical, from);
            found.map(|placed| library.version_of(placed).to_owned()).unwrap_or_default()
        };
        assert_eq!((meant("v", Some(2)), meant("v", Some(3))), ("1.1.2-clins".into(), "1.2.0".into()));
        assert_eq!((meant("v", Some(4)), meant("v", None)), ("1.2.0".into(), "1.2.0".into()));
        assert_eq!((meant("v", Some(5)), meant("v|1.2.0", Some(2))), ("0.9.1".into(), "1.2.0".into()));
        assert_eq!((meant("v|1", Some(2)), meant("v|1", None)), ("1.1.2-clins".into(), "1.2.0".into()));
        assert_eq!(
            (meant("v|0.9", None), meant("v|2", None), meant("w", None)),
            ("0.9.1".into(), "".into(), "".into())
        );
        assert_eq!(library.all(ResourceType::VALUE_SET).count(), 3);
    }

    #[test]
    fn what_is_added_takes_the_place_of_what_is_there() {
        let on_v = Package { name: "b".into(), dependencies: vec![("example".into(), "2".into())], ..named("1", &[]) };
        let library = Library::new(vec![named("2", &[("v", None), ("w", None)]), on_v]);
        let with = library.with(named("", &[("v", Some("1"))]).definitions);
        let meant = |canonical: &str, from| {
            let found = with.meant(ResourceType::VALUE_SET, canonical, from);
            found.map(|placed| placed.package)
        };
        assert_eq!((meant("v", None), meant("v", Some(1)), meant("v|2", Some(1))), (Some(2), Some(2), Some(0)));
        assert_eq!((meant("w", None), meant("v|1", None)), (Some(0), Some(2)));
        assert_eq!(library.packages().len(), 2);
    }

    #[test]
    fn a_profile_tells_what_it_constrains() {
        let of = |more: &str| {
            let json = format!("{{\"resourceType\":\"StructureDefinition\",\"url\":\"u\",\"type\":\"Patient\"{more}}}");
            let read = CanonicalResource::read(json.as_bytes(), &KEPT).unwrap().unwrap();
            read.profile_of
        };
        assert_eq!(of(r#","derivation":"constraint""#), Some(ResourceType::PATIENT));
        assert_eq!(of(r#","derivation":"constraint","abstract":true"#), None);
        assert_eq!((of(r#","derivation":"specialization""#), of("")), (None, None));
        let other = br#"{"resourceType":"ValueSet","url":"u","type":{"coding":[]},"derivation":[1],"abstract":"x"}"#;
        assert_eq!(CanonicalResource::read(other, &KEPT).unwrap().unwrap().profile_of, None);
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
