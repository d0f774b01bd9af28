//! What kind of place it is (`profiles/directory/CodeSystem-place-kind.json`), and as what kind of member such a place belongs
//! to a network (`profiles/consent/CodeSystem-member-kind.json`).

use std::sync::LazyLock;

use serde::Deserialize;

/// The CodeSystem of the kinds.
pub const PLACE_KIND: &str = "https://tasuki.example/fhir/CodeSystem/place-kind";

/// A kind of place, by its index among [`Place::all`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlaceKind(u8);

/// What is said of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its code.
    pub code: String,
    /// In English.
    pub display: String,
    /// In Japanese.
    pub japanese: String,
    /// The kind of member that such a place is, where it is one.
    pub member: Option<String>,
}

#[derive(Deserialize)]
struct System {
    concept: Vec<Concept>,
}

#[derive(Deserialize)]
struct Concept {
    code: String,
    display: String,
    designation: Vec<Designation>,
    #[serde(default)]
    property: Vec<Property>,
}

#[derive(Deserialize)]
struct Designation {
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Property {
    code: String,
    value_code: String,
}

impl Place {
    /// All kinds, in the order of the code system.
    pub fn all() -> &'static [Place] {
        static ALL: LazyLock<Vec<Place>> =
            LazyLock::new(|| read(include_str!("../../profiles/directory/CodeSystem-place-kind.json")));
        &ALL
    }
}

impl PlaceKind {
    /// The kind of a code.
    pub fn parse(code: &str) -> Option<Self> {
        let at = Place::all().iter().position(|place| place.code == code)?;
        u8::try_from(at).ok().map(PlaceKind)
    }

    /// What is said of it.
    pub fn place(self) -> Option<&'static Place> {
        Place::all().get(usize::from(self.0))
    }
}

fn read(text: &str) -> Vec<Place> {
    let concepts = serde_json::from_str::<System>(text).map(|system| system.concept).unwrap_or_default();
    let place = |concept: Concept| Place {
        code: concept.code,
        display: concept.display,
        japanese: concept.designation.into_iter().next().map(|one| one.value).unwrap_or_default(),
        member: concept.property.into_iter().find(|one| one.code == "member-kind").map(|one| one.value_code),
    };
    concepts.into_iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::MemberKind;

    #[test]
    fn kinds_of_places_name_kinds_of_members_that_there_are() {
        assert_eq!(Place::all().len(), 10);
        for place in Place::all() {
            assert_eq!(PlaceKind::parse(&place.code).unwrap().place(), Some(place));
            assert!(place.member.as_deref().is_none_or(|kind| MemberKind::parse(kind).is_some()), "{}", place.code);
        }
    }
}
