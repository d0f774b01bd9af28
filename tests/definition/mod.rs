//! The official definitions: packages of StructureDefinitions, ValueSets and CodeSystems, read with the `tar` program.

#![allow(clippy::unwrap_used)]

pub(crate) mod profile;
pub(crate) mod structure;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What one package defines.
pub(crate) struct Package {
    /// StructureDefinitions by `url`.
    pub(crate) structures: BTreeMap<String, Value>,
    value_sets: BTreeMap<String, Value>,
    code_systems: BTreeMap<String, Value>,
}

impl Package {
    /// Reads a `.tgz`.
    pub(crate) fn read(corpora: &Path, name: &str) -> Self {
        let kind = |kind: &str| {
            let all = read(corpora, name, kind);
            all.into_iter().map(|v| (v["url"].as_str().unwrap().to_owned(), v)).collect::<BTreeMap<_, _>>()
        };
        Package {
            structures: kind("StructureDefinition"),
            value_sets: kind("ValueSet"),
            code_systems: kind("CodeSystem"),
        }
    }

    /// The StructureDefinition whose URL ends so.
    pub(crate) fn structure(&self, name: &str) -> Option<&Value> {
        let ending = format!("/{name}");
        self.structures.iter().find(|(url, _)| url.ends_with(&ending)).map(|(_, structure)| structure)
    }

    /// The codes of a value set as `system|code`; `None` where it is not a list of codes of complete systems.
    pub(crate) fn codes(&self, value_set: &str) -> Option<BTreeSet<String>> {
        let url = value_set.split('|').next()?;
        let compose = &self.value_sets.get(url)?["compose"];
        if compose.get("exclude").is_some() {
            return None;
        }
        let mut codes = BTreeSet::new();
        for include in compose["include"].as_array()? {
            if include.get("filter").is_some() || include.get("valueSet").is_some() {
                return None;
            }
            let system = include["system"].as_str()?;
            match include["concept"].as_array() {
                Some(concepts) => add(system, concepts, &mut codes),
                None => {
                    let all = self.code_systems.get(system).filter(|s| s["content"] == "complete")?;
                    add(system, all["concept"].as_array()?, &mut codes);
                }
            }
        }
        Some(codes)
    }
}

/// Every resource of a type in a package.
pub(crate) fn read(corpora: &Path, package: &str, kind: &str) -> Vec<Value> {
    let file = corpora.join(format!("packages/{package}.tgz"));
    let wanted = format!("package/{kind}-*.json");
    let out = Command::new("tar").arg("xzOf").arg(&file).args(["--wildcards", &wanted]).output().unwrap();
    serde_json::Deserializer::from_slice(&out.stdout).into_iter::<Value>().map(Result::unwrap).collect()
}

fn add(system: &str, concepts: &[Value], codes: &mut BTreeSet<String>) {
    for concept in concepts {
        codes.insert(format!("{system}|{}", concept["code"].as_str().unwrap()));
        add(system, concept["concept"].as_array().map_or(&[], Vec::as_slice), codes);
    }
}

/// The elements of a snapshot.
pub(crate) fn elements(structure: &Value) -> &[Value] {
    structure["snapshot"]["element"].as_array().map_or(&[], Vec::as_slice)
}
