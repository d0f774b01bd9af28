//! Compartments (compartmentdefinition.html): which parameters make a resource part of somebody's or something's.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::fhir::ResourceType;

/// The names of the parameters of a type whose references put a resource into the compartment `name` (`Patient`,
/// `Encounter`, `RelatedPerson`, `Practitioner`, `Device`); empty where the type is in no such compartment. The one resource
/// that a compartment is of belongs to it by itself.
pub fn compartment(name: &str, resource_type: ResourceType) -> &'static [&'static str] {
    type Members = HashMap<&'static str, Vec<&'static str>>;
    static TABLE: LazyLock<HashMap<&str, Members>> = LazyLock::new(|| {
        let line = |line: &'static str| {
            let (name, members) = line.split_once(' ')?;
            let member = |text: &'static str| {
                let (of, codes) = text.split_once(':')?;
                Some((of, codes.split(',').collect()))
            };
            Some((name, members.split(' ').filter_map(member).collect()))
        };
        include_str!("compartments.txt").lines().filter_map(line).collect()
    });
    TABLE.get(name).and_then(|members| members.get(resource_type.name())).map_or(&[], Vec::as_slice)
}

/// Whether there is such a compartment.
pub fn is_compartment(name: &str) -> bool {
    matches!(name, "Patient" | "Encounter" | "RelatedPerson" | "Practitioner" | "Device")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::definitions::Definitions;

    #[test]
    fn a_compartment_names_parameters_of_the_type() {
        let of = |name, of| compartment(name, ResourceType::parse(of).unwrap());
        assert_eq!(of("Patient", "Observation"), ["subject", "performer"]);
        assert_eq!(of("Encounter", "Observation"), ["encounter"]);
        assert!(of("Patient", "Location").is_empty() && of("Nobody", "Observation").is_empty());
        assert!(of("RelatedPerson", "Provenance").contains(&"agent"));
    }

    #[test]
    fn every_name_is_a_parameter_of_its_type() {
        let mut unknown = Vec::new();
        for name in ["Patient", "Encounter", "RelatedPerson", "Practitioner", "Device"] {
            assert!(is_compartment(name));
            for of in (0..=u8::MAX).map_while(ResourceType::from_number) {
                let codes = compartment(name, of).iter();
                let missing = codes.filter(|code| Definitions::base().find(of, code).is_none());
                unknown.extend(missing.map(|code| format!("{name} {}:{code}", of.name())));
            }
        }
        assert_eq!(unknown, [] as [String; 0]);
    }
}
