//! An entry as resources of the directory: the Organization, the Location where it lies, the HealthcareService that it offers.

use super::kind::PLACE_KIND;
use super::{Entry, Kind, PlaceKind};
use crate::fhir::{Draft, ResourceId, ResourceType, Writer, system};

/// The kinds of members (`profiles/consent/CodeSystem-member-kind.json`).
const MEMBER_KIND: &str = "https://tasuki.example/fhir/CodeSystem/member-kind";

/// A service as a list tells it apart: of which place, and which.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Service {
    /// The number of the place.
    pub number: String,
    /// What it offers.
    pub name: String,
}

/// The id of the Organization with a number in a list.
pub fn organization_id(kind: Kind, number: &str) -> ResourceId {
    ResourceId::listed("Organization", &format!("{}/{number}", kind.name()))
}

/// The id of its Location.
pub fn location_id(kind: Kind, number: &str) -> ResourceId {
    ResourceId::listed("Location", &format!("{}/{number}", kind.name()))
}

/// The id of a HealthcareService of it.
pub fn service_id(kind: Kind, number: &str, service: &str) -> ResourceId {
    ResourceId::listed("HealthcareService", &format!("{}/{number}/{service}", kind.name()))
}

impl Kind {
    /// The system of its numbers.
    pub const fn system(self) -> &'static str {
        match self {
            Kind::Hospitals => system::INSTITUTION_NUMBER,
            Kind::CareOffices => system::CARE_OFFICE,
        }
    }
}

impl Entry {
    /// Whether there is a Location to be made of it.
    pub fn has_location(&self) -> bool {
        !self.address.is_empty() || self.position.is_some()
    }

    /// Its Organization, of these kinds of places.
    pub fn organization(&self, kind: Kind, kinds: &[PlaceKind], is_active: bool) -> Draft {
        let mut w = Writer::new();
        identifier(&mut w, kind, &self.number);
        w.boolean("active", is_active);
        w.array("type", |w| {
            for kind in kinds {
                w.item(|w| place_kind(w, *kind));
            }
        });
        w.string("name", &self.name);
        if !self.kana.is_empty() {
            w.array("alias", |w| w.item_string(&self.kana));
        }
        self.telecom(&mut w);
        w.array("address", |w| w.item(|w| self.place(w)));
        w.object("partOf", |w| {
            if !self.corporation_number.is_empty() {
                w.object("identifier", |w| {
                    w.string("system", system::CORPORATE_NUMBER);
                    w.string("value", &self.corporation_number);
                });
            }
            w.string("display", &self.corporation);
        });
        Draft::new(ResourceType::ORGANIZATION, organization_id(kind, &self.number), w)
    }

    /// The Location of the organisation with this reference (`Organization/id`).
    pub fn location(&self, kind: Kind, organization: &str, is_active: bool) -> Draft {
        let mut w = Writer::new();
        identifier(&mut w, kind, &self.number);
        w.string("status", if is_active { "active" } else { "inactive" });
        w.string("name", &self.name);
        self.telecom(&mut w);
        w.object("address", |w| self.place(w));
        if let Some((latitude, longitude)) = &self.position {
            w.object("position", |w| {
                w.decimal("longitude", longitude);
                w.decimal("latitude", latitude);
            });
        }
        w.object("managingOrganization", |w| w.string("reference", organization));
        Draft::new(ResourceType::LOCATION, location_id(kind, &self.number), w)
    }

    /// The HealthcareService of the organisation with this reference; `None` where the list says nothing of what it offers.
    pub fn healthcare_service(&self, kind: Kind, organization: &str, is_active: bool) -> Option<Draft> {
        if self.service.is_empty() {
            return None;
        }
        let mut w = Writer::new();
        identifier(&mut w, kind, &self.number);
        w.boolean("active", is_active);
        w.object("providedBy", |w| w.string("reference", organization));
        w.array("type", |w| {
            w.item(|w| {
                if let Some(kind) = self.kind {
                    codings(w, kind);
                }
                w.string("text", &self.service);
            });
        });
        if self.has_location() {
            let location = format!("Location/{}", location_id(kind, &self.number).as_str());
            w.array("location", |w| w.item(|w| w.string("reference", &location)));
        }
        w.string("name", &format!("{} {}", self.name, self.service));
        w.string("comment", &self.notes.join("\n"));
        self.telecom(&mut w);
        if !self.days.is_empty() {
            w.array("availableTime", |w| {
                w.item(|w| w.array("daysOfWeek", |w| self.days.iter().for_each(|day| w.item_string(day))));
            });
        }
        Some(Draft::new(ResourceType::HEALTHCARE_SERVICE, service_id(kind, &self.number, &self.service), w))
    }

    fn telecom(&self, w: &mut Writer) {
        w.array("telecom", |w| {
            for (system, value) in [("phone", &self.telephone), ("fax", &self.fax), ("url", &self.url)] {
                if !value.is_empty() {
                    w.item(|w| {
                        w.string("system", system);
                        w.string("value", value);
                        w.string("use", "work");
                    });
                }
            }
        });
    }

    fn place(&self, w: &mut Writer) {
        if self.address.is_empty() && self.prefecture.is_empty() {
            return;
        }
        w.string("text", &self.address);
        w.string("city", &self.municipality);
        w.string("state", &self.prefecture);
        w.string("postalCode", &self.postal_code);
        w.string("country", "JP");
    }
}

fn identifier(w: &mut Writer, kind: Kind, number: &str) {
    w.array("identifier", |w| {
        w.item(|w| {
            w.string("system", kind.system());
            w.string("value", number);
        });
    });
}

fn place_kind(w: &mut Writer, kind: PlaceKind) {
    codings(w, kind);
    if let Some(place) = kind.place() {
        w.string("text", &place.japanese);
    }
}

/// What kind of place it is and, where such a place is a kind of member, which.
fn codings(w: &mut Writer, kind: PlaceKind) {
    let Some(place) = kind.place() else { return };
    w.array("coding", |w| {
        w.coding_item(PLACE_KIND, &place.code, &place.display);
        if let Some(member) = &place.member {
            w.coding_item(MEMBER_KIND, member, "");
        }
    });
}
