//! What a letter says, record by record: a merge (ADT^A40) is about two patients, and both are written together.

use crate::fhir::{FacilityCode, PatientKey};
use crate::map::{Change, LocalCode, Mapped};

/// What a letter says of one record.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) patient: PatientKey,
    pub(super) facility: FacilityCode,
    pub(super) origin: Option<String>,
    pub(super) changes: Vec<Change>,
}

/// A code of a facility's own that no concept map knows.
pub(super) type OfFacility = (FacilityCode, LocalCode);

/// The parts, the record that the letter is about first, each record once; and the codes of all of them.
pub(super) fn of(mapped: Mapped) -> (Vec<Part>, Vec<OfFacility>) {
    let (mut parts, mut codes) = (Vec::with_capacity(1), Vec::new());
    add(super::as_registered(mapped), &mut parts, &mut codes);
    (parts, codes)
}

fn add(mapped: Mapped, parts: &mut Vec<Part>, codes: &mut Vec<OfFacility>) {
    let Mapped { patient, facility, origin, changes, local_codes, others } = mapped;
    codes.extend(local_codes.into_iter().map(|code| (facility.clone(), code)));
    match parts.iter_mut().find(|part| part.patient == patient) {
        Some(part) => part.changes.extend(changes),
        None => parts.push(Part { patient, facility, origin, changes }),
    }
    others.into_iter().for_each(|other| add(other, parts, codes));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(patient: u128, changes: usize, others: Vec<Mapped>) -> Mapped {
        let change = |n: usize| Change::Delete {
            resource_type: crate::fhir::ResourceType::ENCOUNTER,
            id: PatientKey(patient).resource_id("Encounter", &n.to_string()),
            occurred: None,
        };
        Mapped {
            patient: PatientKey(patient),
            facility: FacilityCode::parse("0119999901"),
            origin: None,
            changes: (0..changes).map(change).collect(),
            local_codes: Vec::new(),
            others,
        }
    }

    #[test]
    fn each_record_is_one_part_however_deep_it_is_spoken_of() {
        let inner = mapped(3, 1, vec![mapped(1, 2, Vec::new())]);
        let (parts, _) = of(mapped(1, 1, vec![mapped(2, 1, Vec::new()), inner]));
        let found: Vec<(u128, usize)> = parts.iter().map(|part| (part.patient.0, part.changes.len())).collect();
        assert_eq!(found, [(1, 3), (2, 1), (3, 1)]);
    }
}
