//! PL person location (HL7 v2.5 2A.53) to a chain of Locations contained in the resource that names it.

use crate::decode::hl7v2::Value;
use crate::fhir::Writer;
use crate::map::Output;

const PHYSICAL_TYPE: &str = "http://terminology.hl7.org/CodeSystem/location-physical-type";

/// Levels from the largest to the smallest: PL component, letter of the contained id, physical type. A point of care
/// is a ward unless PL.6 says C (clinic).
const LEVELS: [(u16, &str, &str, &str); 6] = [
    (4, "facility", "si", "Site"),
    (7, "building", "bu", "Building"),
    (8, "floor", "lvl", "Level"),
    (1, "ward", "wa", "Ward"),
    (2, "room", "ro", "Room"),
    (3, "bed", "bd", "Bed"),
];

/// Writes the Locations as items of `contained`, each part of the one before; gives the reference (`#…`) to the
/// smallest. `prefix` keeps several chains in one resource apart.
pub fn contained(w: &mut Writer, value: Value<'_>, prefix: &str, out: &Output) -> Option<String> {
    let is_clinic = value.component(6).text() == "C";
    let mut parent: Option<String> = None;
    let mut path = String::new();
    for (component, level, code, display) in LEVELS {
        let name = value.component(component).text();
        let name = name.trim();
        if name.is_empty() {
            continue;
        }
        let id = format!("{prefix}{level}");
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(name);
        w.item(|w| {
            w.string("resourceType", "Location");
            w.string("id", &id);
            w.array("identifier", |w| {
                w.item(|w| {
                    w.string("system", &out.facility.local_system("location"));
                    w.string("value", &path);
                });
            });
            w.string("name", name);
            w.string("description", value.component(9).text().trim());
            w.string("mode", "instance");
            if !(is_clinic && component == 1) {
                w.concept("physicalType", PHYSICAL_TYPE, code, display);
            }
            w.reference("partOf", parent.as_deref().unwrap_or(""));
        });
        parent = Some(format!("#{id}"));
    }
    parent
}
