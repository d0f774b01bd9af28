//! What a sender's code means in other code systems: concept maps of the sender over those of the site over what the
//! form of a code says by itself.

mod columns;
mod concept_map;
mod structure;

use std::collections::HashMap;
use std::sync::Arc;

pub use columns::Columns;

use crate::fault::Issue;
use crate::fhir::{FacilityCode, oid};
use crate::terminology::ConceptMap;

/// The concept maps in force. Empty, it still knows what the form of a code says.
#[derive(Clone, Debug, Default)]
pub struct Book {
    of_sender: HashMap<FacilityCode, Map>,
    of_site: Map,
    columns: HashMap<FacilityCode, Vec<Columns>>,
    /// The maps of the site, whole, as `ConceptMap/$translate` reads them.
    concept_maps: Vec<Arc<ConceptMap>>,
}

/// Code system (a URI in its canonical form, or the name the sender gives a table), then code, to what it means elsewhere.
type Map = HashMap<String, HashMap<String, Vec<Target>>>;

/// A code as a sender states it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Term<'a> {
    /// The code system, a URI.
    pub system: &'a str,
    /// What the sender calls it (`99XYZ`); empty when it has no name.
    pub table: &'a str,
    /// The code.
    pub code: &'a str,
}

/// What a code means in another code system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The code system, a URI.
    pub system: String,
    /// The code in it.
    pub code: String,
    /// Its display; empty when the map states none.
    pub display: String,
}

impl Book {
    /// Adds a concept map (R4 ConceptMap as JSON): for one sender, or for all. Gives what of it cannot be used, each
    /// with its path. `group.source` is the system's URI, as OID or URL, or the name that senders give the table.
    pub fn add(&mut self, sender: Option<&FacilityCode>, concept_map: &[u8]) -> Result<Vec<Issue>, Issue> {
        if sender.is_none()
            && let Ok(json) = serde_json::from_slice::<serde_json::Value>(concept_map)
            && json.get("status").and_then(serde_json::Value::as_str) != Some("retired")
        {
            self.concept_maps.push(Arc::new(ConceptMap::read(&json)));
        }
        let map = match sender {
            None => &mut self.of_site,
            Some(sender) => self.of_sender.entry(sender.clone()).or_default(),
        };
        concept_map::read(concept_map, map)
    }

    /// Adds what a sender calls the columns of a CSV of its own.
    pub fn add_columns(&mut self, sender: &FacilityCode, columns: Columns) {
        self.columns.entry(sender.clone()).or_default().push(columns);
    }

    /// A sender's own CSVs, in the order in which they were added.
    pub fn columns(&self, sender: &FacilityCode) -> &[Columns] {
        self.columns.get(sender).map_or(&[], Vec::as_slice)
    }

    /// The concept maps of the site, in the order in which they were added.
    pub fn concept_maps(&self) -> &[Arc<ConceptMap>] {
        &self.concept_maps
    }

    /// How many codes are mapped.
    pub fn len(&self) -> usize {
        let maps = self.of_sender.values().chain([&self.of_site]);
        maps.flat_map(HashMap::values).map(HashMap::len).sum()
    }

    /// Whether no code is mapped.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What a code means in other code systems: by the sender's own maps where those know it, else by the site's, else
    /// by its form.
    pub fn translate(&self, facility: &FacilityCode, term: Term<'_>) -> Vec<Target> {
        match self.stated(facility, term) {
            Some(targets) => targets.to_vec(),
            None => structure::broader(oid::canonical(term.system), term.code),
        }
    }

    /// The code in one other system that the maps state: how a site changes a table of the mapping.
    pub fn code_in(&self, facility: &FacilityCode, term: Term<'_>, system: &str) -> Option<&str> {
        let targets = self.stated(facility, term)?;
        targets.iter().find(|target| target.system == system).map(|target| target.code.as_str())
    }

    fn stated(&self, facility: &FacilityCode, term: Term<'_>) -> Option<&[Target]> {
        if self.of_site.is_empty() && self.of_sender.is_empty() {
            return None;
        }
        let system = oid::canonical(term.system);
        let find = |map: &'_ Map, name: &str| map.get(name).is_some_and(|codes| codes.contains_key(term.code));
        for map in self.of_sender.get(facility).into_iter().chain([&self.of_site]) {
            for name in [system, term.table] {
                if find(map, name) {
                    return map.get(name)?.get(term.code).map(Vec::as_slice);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = r#"{"resourceType":"ConceptMap","status":"active","group":[{"source":"99LAB",
        "target":"urn:oid:1.2.392.200119.4.504","element":[{"code":"TP","target":[
        {"code":"3A010000002327101","display":"総蛋白","equivalence":"equivalent"}]}]}]}"#;

    fn term<'a>(system: &'a str, table: &'a str, code: &'a str) -> Term<'a> {
        Term { system, table, code }
    }

    #[test]
    fn the_senders_map_comes_before_the_sites() {
        let (here, there) = (FacilityCode::parse("0119999901"), FacilityCode::parse("0119999902"));
        let mut book = Book::default();
        assert!(book.add(None, MAP.as_bytes()).unwrap().is_empty());
        assert!(book.add(Some(&here), MAP.replace("3A010000002327101", "3A010000002327102").as_bytes()).is_ok());
        let code = |facility: &FacilityCode| book.translate(facility, term("urn:oid:2.25.1", "99LAB", "TP"))[0].clone();
        assert_eq!(code(&here).code, "3A010000002327102");
        assert_eq!(code(&there).code, "3A010000002327101");
        assert_eq!(code(&there).system, "http://medis.or.jp/CodeSystem/master-JLAC10-17digits");
        assert!(book.translate(&here, term("urn:oid:2.25.1", "99LAB", "ALB")).is_empty());
        assert_eq!(book.len(), 2);
    }

    #[test]
    fn a_source_may_be_named_by_either_form_of_its_uri() {
        let facility = FacilityCode::parse("0119999901");
        let mut book = Book::default();
        book.add(None, MAP.replace("99LAB", "urn:oid:1.2.392.200119.4.403.1").as_bytes()).unwrap();
        for system in ["urn:oid:1.2.392.200119.4.403.1", "http://medis.or.jp/CodeSystem/master-HOT9"] {
            assert_eq!(book.translate(&facility, term(system, "", "TP")).len(), 1, "{system}");
        }
        let wanted = "http://medis.or.jp/CodeSystem/master-JLAC10-17digits";
        assert!(book.code_in(&facility, term("http://medis.or.jp/CodeSystem/master-HOT9", "", "TP"), wanted).is_some());
    }

    #[test]
    fn without_maps_the_form_of_a_code_still_speaks() {
        let facility = FacilityCode::parse("0119999901");
        let found = Book::default().translate(&facility, term("urn:oid:1.2.392.200119.4.402.1", "", "1106269010101"));
        let codes: Vec<_> = found.iter().map(|target| target.code.as_str()).collect();
        assert_eq!(codes, ["110626901", "1106269"]);
    }
}
