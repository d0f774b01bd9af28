//! What a code means in another code system (conceptmap.html, ConceptMap/$translate): by groups, forwards and back, with what is
//! said of codes that are not mapped.

use std::collections::HashMap;

use serde_json::Value;

use super::{array, text};
use crate::fhir::oid;
use crate::guide::split;

/// Maps that send on to each other at most (`unmapped.url`).
const OTHER_MAPS_MAX: usize = 8;
/// Most matches of one translation.
const MATCHES_MAX: usize = 1000;

/// A concept map.
#[derive(Debug)]
pub struct ConceptMap {
    /// `url`; empty where it has none.
    pub url: Box<str>,
    /// `version`
    pub version: Option<Box<str>>,
    /// The value set that is translated from.
    source: Option<Box<str>>,
    /// The value set that is translated to.
    target: Option<Box<str>>,
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    source: Box<str>,
    target: Box<str>,
    target_version: Option<Box<str>>,
    source_version: Option<Box<str>>,
    elements: HashMap<Box<str>, Vec<Target>>,
    /// The codes in their order, with what each is called.
    codes: Vec<(Box<str>, Option<Box<str>>)>,
    unmapped: Option<Unmapped>,
}

#[derive(Clone, Debug)]
struct Target {
    code: Box<str>,
    display: Option<Box<str>>,
    equivalence: Box<str>,
    /// What else must hold.
    depends_on: Vec<Dependency>,
    products: Vec<Product>,
}

/// Property, system and value.
type Dependency = (Box<str>, Option<Box<str>>, Box<str>);

/// What else a match gives (`ConceptMap.group.element.target.product`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// `property`
    pub property: Box<str>,
    /// `system`
    pub system: Option<Box<str>>,
    /// `value`
    pub value: Box<str>,
    /// `display`
    pub display: Option<Box<str>>,
}

/// What is done with a code that is not mapped.
#[derive(Debug)]
enum Unmapped {
    /// It is the same code.
    Provided,
    /// It is this one.
    Fixed(Box<str>, Option<Box<str>>),
    /// Another map says.
    OtherMap(Box<str>),
}

/// What is to be translated, and to what.
#[derive(Clone, Debug, Default)]
pub struct Wanted<'a> {
    /// Codes as system, version and code.
    pub codes: Vec<(&'a str, Option<&'a str>, &'a str)>,
    /// The value set that the codes are of.
    pub source: Option<&'a str>,
    /// The value set that is translated to.
    pub target: Option<&'a str>,
    /// The code system that is translated to.
    pub target_system: Option<&'a str>,
    /// What else is known: element, system and code.
    pub dependencies: Vec<(String, Option<String>, String)>,
    /// Whether the codes are what maps lead to.
    pub is_reverse: bool,
}

/// A code in the other code system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// How it stands to the code that was asked about (concept-map-equivalence); none of what is not mapped.
    pub equivalence: Option<Box<str>>,
    /// The code system.
    pub system: Box<str>,
    /// Its version.
    pub version: Option<Box<str>>,
    /// The code.
    pub code: Box<str>,
    /// What it is called.
    pub display: Option<Box<str>>,
    /// The map that says so.
    pub map: Box<str>,
    /// What else it gives.
    pub products: Vec<Product>,
}

/// What a translation found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Translation {
    /// The matches, in the order of the maps.
    pub matches: Vec<Match>,
    /// A map that is sent on to, and that is not loaded.
    pub missing: Option<String>,
}

impl Translation {
    /// Whether there is one that means the code.
    pub fn is_found(&self) -> bool {
        self.matches.iter().any(|one| !matches!(one.equivalence.as_deref(), Some("unmatched" | "disjoint")))
    }
}

impl ConceptMap {
    /// Reads a ConceptMap.
    pub fn read(json: &Value) -> Self {
        let either = |a, b| text(json, a).or(text(json, b)).map(Into::into);
        ConceptMap {
            url: text(json, "url").unwrap_or_default().into(),
            version: text(json, "version").map(Into::into),
            source: either("sourceUri", "sourceCanonical"),
            target: either("targetUri", "targetCanonical"),
            groups: array(json, "group").map(Group::read).collect(),
        }
    }

    /// How many codes it maps.
    pub fn len(&self) -> usize {
        self.groups.iter().map(|group| group.codes.len()).sum()
    }

    /// Whether it maps none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it is about the value sets that are named.
    fn is_for(&self, wanted: &Wanted<'_>) -> bool {
        let (from, to) =
            if wanted.is_reverse { (wanted.target, wanted.source) } else { (wanted.source, wanted.target) };
        let is_same = |own: &Option<Box<str>>, named: Option<&str>| {
            named.is_none_or(|named| own.as_deref().is_some_and(|own| own == named || split(own).0 == split(named).0))
        };
        is_same(&self.source, from) && is_same(&self.target, to)
    }

    /// Adds what it says of the codes. `others` has the maps that it may send on to.
    pub fn translate(
        &self,
        wanted: &Wanted<'_>,
        others: &dyn Fn(&str) -> Option<std::sync::Arc<ConceptMap>>,
        out: &mut Translation,
    ) {
        if self.is_for(wanted) {
            self.translated(wanted, others, 0, out);
        }
    }

    fn translated(
        &self,
        wanted: &Wanted<'_>,
        others: &dyn Fn(&str) -> Option<std::sync::Arc<ConceptMap>>,
        depth: usize,
        out: &mut Translation,
    ) {
        for (system, version, code) in &wanted.codes {
            for group in &self.groups {
                let found = match wanted.is_reverse {
                    true => group.back(system, *version, code, wanted),
                    false => group.forth(system, *version, code, wanted),
                };
                let Some(found) = found else { continue };
                let mut found: Vec<Match> =
                    found.into_iter().map(|one| Match { map: self.url.clone(), ..one }).collect();
                match &group.unmapped {
                    Some(unmapped) if found.is_empty() && !wanted.is_reverse => match unmapped {
                        Unmapped::Provided => found.push(self.not_mapped(group, code, None)),
                        Unmapped::Fixed(fixed, display) => found.push(self.not_mapped(group, fixed, display.clone())),
                        Unmapped::OtherMap(url) => match others(url).filter(|_| depth < OTHER_MAPS_MAX) {
                            None => out.missing = Some(url.to_string()),
                            Some(other) => {
                                let one = Wanted { codes: vec![(system, *version, code)], ..wanted.clone() };
                                other.translated(&one, others, depth + 1, out);
                            }
                        },
                    },
                    _ => {}
                }
                for one in found {
                    if out.matches.len() < MATCHES_MAX && !out.matches.contains(&one) {
                        out.matches.push(one);
                    }
                }
            }
        }
    }

    fn not_mapped(&self, group: &Group, code: &str, display: Option<Box<str>>) -> Match {
        Match {
            equivalence: None,
            system: group.target.clone(),
            version: group.target_version.clone(),
            code: code.into(),
            display,
            map: self.url.clone(),
            products: Vec::new(),
        }
    }
}

impl Group {
    fn read(json: &Value) -> Self {
        let of = |name| text(json, name).map(Into::into);
        let mut elements: HashMap<Box<str>, Vec<Target>> = HashMap::new();
        let mut codes = Vec::new();
        for element in array(json, "element") {
            let Some(code) = text(element, "code") else { continue };
            codes.push((code.into(), text(element, "display").map(Into::into)));
            elements.entry(code.into()).or_default().extend(array(element, "target").filter_map(Target::read));
        }
        let unmapped = json.get("unmapped").and_then(|unmapped| {
            Some(match text(unmapped, "mode")? {
                "provided" => Unmapped::Provided,
                "fixed" => Unmapped::Fixed(text(unmapped, "code")?.into(), text(unmapped, "display").map(Into::into)),
                "other-map" => Unmapped::OtherMap(text(unmapped, "url")?.into()),
                _ => return None,
            })
        });
        Group {
            source: of("source").unwrap_or_default(),
            target: of("target").unwrap_or_default(),
            target_version: of("targetVersion"),
            source_version: of("sourceVersion"),
            elements,
            codes,
            unmapped,
        }
    }

    /// What a code of the source means; `None` where the group is about another system.
    fn forth(&self, system: &str, version: Option<&str>, code: &str, wanted: &Wanted<'_>) -> Option<Vec<Match>> {
        let is_of = is_same(&self.source, system) && is_version(self.source_version.as_deref(), version);
        let is_to = wanted.target_system.is_none_or(|target| is_same(&self.target, target));
        if !is_of || !is_to {
            return None;
        }
        let fits = |target: &&Target| target.fits(&wanted.dependencies);
        let of_code = self.elements.get(code).map(Vec::as_slice).unwrap_or_default();
        let found = of_code.iter().filter(fits).map(|target| Match {
            equivalence: Some(target.equivalence.clone()),
            system: self.target.clone(),
            version: self.target_version.clone(),
            code: target.code.clone(),
            display: target.display.clone(),
            map: Box::default(),
            products: target.products.clone(),
        });
        Some(found.collect())
    }

    /// What is mapped to a code of the target.
    fn back(&self, system: &str, version: Option<&str>, code: &str, wanted: &Wanted<'_>) -> Option<Vec<Match>> {
        let is_of = is_same(&self.target, system) && is_version(self.target_version.as_deref(), version);
        let is_to = wanted.target_system.is_none_or(|target| is_same(&self.source, target));
        if !is_of || !is_to {
            return None;
        }
        let of = |(source, display): &(Box<str>, Option<Box<str>>)| {
            let targets = self.elements.get(source)?;
            let target = targets.iter().find(|target| *target.code == *code)?;
            Some(Match {
                equivalence: Some(turned(&target.equivalence).into()),
                system: self.source.clone(),
                version: self.source_version.clone(),
                code: source.clone(),
                display: display.clone(),
                map: Box::default(),
                products: Vec::new(),
            })
        };
        Some(self.codes.iter().filter_map(of).collect())
    }
}

impl Target {
    fn read(json: &Value) -> Option<Self> {
        let depends_on = array(json, "dependsOn").filter_map(|one| {
            Some((text(one, "property")?.into(), text(one, "system").map(Into::into), text(one, "value")?.into()))
        });
        let products = array(json, "product").filter_map(|one| {
            Some(Product {
                property: text(one, "property")?.into(),
                system: text(one, "system").map(Into::into),
                value: text(one, "value")?.into(),
                display: text(one, "display").map(Into::into),
            })
        });
        Some(Target {
            // One that is unmatched has no code.
            code: text(json, "code").unwrap_or_default().into(),
            display: text(json, "display").map(Into::into),
            equivalence: text(json, "equivalence")?.into(),
            depends_on: depends_on.collect(),
            products: products.collect(),
        })
    }

    /// Whether what it depends on holds.
    fn fits(&self, known: &[(String, Option<String>, String)]) -> bool {
        self.depends_on.iter().all(|(property, system, value)| {
            known.iter().any(|(element, of, code)| {
                let is_system = system.is_none() || of.is_none() || system.as_deref() == of.as_deref();
                *element == **property && *code == **value && is_system
            })
        })
    }
}

fn is_same(own: &str, named: &str) -> bool {
    oid::canonical(own) == oid::canonical(named)
}

fn is_version(own: Option<&str>, named: Option<&str>) -> bool {
    own.zip(named).is_none_or(|(own, named)| own == named)
}

/// How the source stands to the target where the target stands so to the source.
fn turned(equivalence: &str) -> &str {
    match equivalence {
        "wider" => "narrower",
        "narrower" => "wider",
        "subsumes" => "specializes",
        "specializes" => "subsumes",
        same => same,
    }
}
