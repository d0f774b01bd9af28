//! What a visit on record says, as finding it again needs it.

use serde_json::Value;

use super::course::{self, Moment};
use super::event::Happening;
use crate::fhir::system;
use crate::fhir::time::Interval;
use crate::map::hl7v2::segment::pv2::PLANNED_START;
use crate::map::{Coding, KnownEncounter, Stored};

/// A visit on record.
#[derive(Clone, Copy, Debug)]
pub(super) struct OnRecord<'k> {
    visit: &'k KnownEncounter,
    zone_minutes: i16,
}

impl<'k> OnRecord<'k> {
    pub(super) fn new(visit: &'k KnownEncounter, zone_minutes: i16) -> Self {
        OnRecord { visit, zone_minutes }
    }

    pub(super) fn stored(self) -> &'k Stored {
        &self.visit.stored
    }

    fn member(self, name: &str) -> &'k Value {
        self.visit.stored.body.get(name).unwrap_or(&Value::Null)
    }

    pub(super) fn status(self) -> &'k str {
        self.member("status").as_str().unwrap_or_default()
    }

    pub(super) fn is_ambulatory(self) -> bool {
        self.member("class")["code"] == "AMB"
    }

    /// The code of its department; empty when not told.
    pub(super) fn department(self) -> &'k str {
        self.member("serviceType")["coding"][0]["code"].as_str().unwrap_or_default()
    }

    pub(super) fn is_void(self) -> bool {
        matches!(self.status(), "cancelled" | "entered-in-error")
    }

    pub(super) fn is_planned(self) -> bool {
        self.status() == "planned"
    }

    /// Encounter.period.start, unless it is only planned.
    pub(super) fn start(self) -> Option<Interval> {
        let start = self.member("period")["start"].as_str()?;
        (!self.is_planned()).then(|| Interval::parse(start, self.zone_minutes)).flatten()
    }

    pub(super) fn end(self) -> Option<Interval> {
        Interval::parse(self.member("period")["end"].as_str()?, self.zone_minutes)
    }

    /// When it was planned to begin.
    pub(super) fn planned_start(self) -> Option<&'k str> {
        let extensions = self.member("extension").as_array()?;
        extensions.iter().find(|extension| extension["url"] == PLANNED_START)?["valueDateTime"].as_str()
    }

    /// Whether one of its identifiers is that number.
    pub(super) fn has_number(self, number: &Coding<'_>) -> bool {
        let numbers = self.member("identifier").as_array().into_iter().flatten();
        let pre_admission = &self.member("hospitalization")["preAdmissionIdentifier"];
        numbers.chain([pre_admission]).any(|one| one["system"] == *number.system && one["value"] == *number.code)
    }

    /// Whether it has a visit number at all.
    pub(super) fn is_numbered(self) -> bool {
        let numbers = self.member("identifier").as_array().into_iter().flatten();
        let kind = |one: &Value| one["type"]["coding"][0]["code"] == "VN";
        numbers.clone().any(kind) || numbers.clone().any(|one| one["system"] != system::RESOURCE_INSTANCE)
    }

    /// What happened to it: what messages told, and what nothing on record but the Encounter itself says.
    pub(super) fn moments(self) -> Vec<Moment> {
        let told = self.visit.told.iter().filter_map(|told| {
            let happening = Happening::of(&told.event)?;
            Some(Moment { happening, sent: told.sent, when: told.when.clone() })
        });
        let mut moments: Vec<Moment> = told.collect();
        let standing = course::standing(moments.clone());
        let told = course::course(standing, self.is_ambulatory(), self.zone_minutes);
        let text = |name: &str| self.member("period")[name].as_str().unwrap_or_default().to_owned();
        let mut add = |happening, when| moments.push(Moment { happening, sent: self.stored().occurred, when });
        match self.status() {
            status if status == told.status => {}
            "planned" => add(Happening::Plan, String::new()),
            "in-progress" | "arrived" | "triaged" if told.status.is_empty() => add(Happening::Admit, text("start")),
            "onleave" if told.status.is_empty() => {
                add(Happening::Admit, text("start"));
                add(Happening::Leave, String::new());
            }
            "finished" if self.is_ambulatory() => add(Happening::Register, text("start")),
            "finished" => {
                if told.status.is_empty() {
                    add(Happening::Admit, text("start"));
                }
                add(Happening::Discharge, text("end"));
            }
            "cancelled" => add(Happening::CancelAdmit, String::new()),
            _ => {}
        }
        moments
    }

    /// The first and the last time at which something is known to have happened to it.
    pub(super) fn span(self) -> Option<(i64, i64)> {
        let time = |text: &str| Interval::parse(text, self.zone_minutes).map(|interval| interval.start);
        let told = self.visit.told.iter().map(|told| time(&told.when).unwrap_or(told.sent));
        let bounds = [self.start(), self.end()].into_iter().flatten().map(|interval| interval.start);
        let times = || told.clone().chain(bounds.clone());
        Some((times().min()?, times().max()?))
    }
}
