//! What a sender's code means in other code systems: concept maps of the sender over those of the site over built-in ones
//! (FHIR R4 ConceptMap).

use std::collections::HashMap;

use crate::fhir::FacilityCode;

/// The concept maps in force.
#[derive(Clone, Debug, Default)]
pub struct Book {
    of_sender: HashMap<FacilityCode, Map>,
    of_site: Map,
}

/// Code system, then code, to what it means elsewhere.
type Map = HashMap<String, HashMap<String, Vec<Target>>>;

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
    /// What `code` of `system` means in other code systems, by the sender's own maps where those know it, else by the
    /// site's; nothing when no map knows it.
    pub fn translate(&self, facility: &FacilityCode, system: &str, code: &str) -> &[Target] {
        let of = |map: &'_ Map| map.get(system).and_then(|codes| codes.get(code)).is_some();
        let map = self.of_sender.get(facility).filter(|map| of(map)).unwrap_or(&self.of_site);
        map.get(system).and_then(|codes| codes.get(code)).map_or(&[], Vec::as_slice)
    }
}
