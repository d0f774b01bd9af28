//! Where a patient was during a visit (Encounter.location), from what messages told in whatever order they came.

use serde_json::{Map, Value, json};

use crate::fhir::time::Interval;
use crate::map::hl7v2::datatype::pl::Chain;

/// HL7 v2-to-FHIR: the place is one for a while.
const TEMPORARY: &str = "http://hl7.org/fhir/uv/v2mappings/StructureDefinition/temporary-location";

/// A stay at a place.
#[derive(Clone, Debug, PartialEq)]
struct Stay {
    place: Chain,
    /// A FHIR dateTime; empty when not told.
    start: String,
    /// Likewise.
    end: String,
}

/// What else PV1 says of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aside {
    /// PV1-11.
    Temporary,
    /// PV1-42.
    Pending,
    /// PV1-43.
    PriorTemporary,
}

/// The places of a visit.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Places {
    /// In order of time.
    stays: Vec<Stay>,
    asides: Vec<Elsewhere>,
}

/// A place of another kind.
#[derive(Clone, Debug, PartialEq)]
struct Elsewhere {
    aside: Aside,
    place: Chain,
    /// From when on it is planned, a FHIR dateTime; empty when not told.
    start: String,
}

/// How a patient came to a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival<'a> {
    /// When, a FHIR dateTime.
    pub(super) at: &'a str,
    /// Whether no other place is known to come after it.
    pub(super) goes_last: bool,
    /// Whether it is believed rather than what is known of the same time.
    pub(super) corrects: bool,
}

impl Aside {
    const ALL: [Aside; 3] = [Aside::Temporary, Aside::Pending, Aside::PriorTemporary];

    fn prefix(self) -> &'static str {
        match self {
            Aside::Temporary => "temporary-",
            Aside::Pending => "pending-",
            Aside::PriorTemporary => "prior-temporary-",
        }
    }
}

impl Places {
    /// The places of a stored Encounter, as [`Places::write`] wrote them.
    pub(super) fn read(encounter: &Map<String, Value>) -> Places {
        let list = |name: &str| encounter.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut places = Places::default();
        for location in list("location") {
            let reference = location["location"]["reference"].as_str().unwrap_or_default();
            let Some(place) = Chain::read(list("contained"), reference) else { continue };
            let is_of = |aside: &Aside| reference.trim_start_matches('#').starts_with(aside.prefix());
            let bound = |name: &str| location["period"][name].as_str().unwrap_or_default().to_owned();
            match Aside::ALL.into_iter().find(is_of) {
                Some(aside) => places.asides.push(Elsewhere { aside, place, start: bound("start") }),
                None => {
                    places.stays.insert(0, Stay { place, start: bound("start"), end: bound("end") });
                }
            }
        }
        places
    }

    /// The patient came to a place at a time (admission, transfer), from another place when that is told.
    pub(super) fn arrive(&mut self, place: Chain, from: Option<Chain>, arrival: Arrival<'_>, zone_minutes: i16) {
        let milliseconds = |text: &str| Interval::parse(text, zone_minutes).map(|interval| interval.start);
        let (at, time) = (arrival.at, milliseconds(arrival.at));
        let began_then = |stay: &&mut Stay| stay.start == at && stay.place != place;
        if let Some(stay) = self.stays.iter_mut().find(began_then) {
            if arrival.corrects {
                stay.place = place;
            }
            return;
        }
        let fits = |stay: &Stay| {
            let begun = stay.start.is_empty() || milliseconds(&stay.start) <= time;
            stay.place == place && begun && (stay.end.is_empty() || time <= milliseconds(&stay.end))
        };
        let index = self.stays.iter().position(fits).unwrap_or_else(|| {
            let begun = |stay: &Stay| !stay.start.is_empty() && milliseconds(&stay.start) <= time;
            let after = || self.stays.iter().rposition(begun).map_or(0, |index| index + 1);
            let index = if arrival.goes_last { self.stays.len() } else { after() };
            self.stays.insert(index, Stay { place: place.clone(), start: String::new(), end: String::new() });
            index
        });
        if self.stays[index].start.is_empty() {
            self.stays[index].start = at.to_owned();
        }
        if let Some(from) = from.filter(|from| *from != place) {
            match self.stays[..index].iter_mut().rev().find(|stay| stay.place == from) {
                Some(stay) => stay.end = at.to_owned(),
                None => self.stays.insert(index, Stay { place: from, start: String::new(), end: at.to_owned() }),
            }
        }
        self.asides.retain(|other| other.aside == Aside::PriorTemporary || other.place != place);
    }

    /// The patient is at a place, since a time that is not told. Late news of that kind says nothing where places are
    /// known already.
    pub(super) fn be(&mut self, place: Chain, is_newest: bool) {
        let is_there = self.stays.last().is_some_and(|stay| stay.place == place);
        if !is_there && (is_newest || self.stays.is_empty()) {
            self.stays.push(Stay { place, start: String::new(), end: String::new() });
        }
    }

    /// The last transfer did not happen: the patient is where he was before.
    pub(super) fn return_to(&mut self, place: Option<Chain>) {
        let Some(last) = self.stays.len().checked_sub(1).filter(|last| *last > 0) else { return };
        let is_before = |place: &Chain| self.stays[last - 1].place == *place && self.stays[last].place != *place;
        if place.as_ref().is_none_or(is_before) {
            self.stays.truncate(last);
            self.stays[last - 1].end.clear();
        }
    }

    /// States a temporary or pending place; `start` is when the patient is to come there, may be empty.
    pub(super) fn set_aside(&mut self, aside: Aside, place: Chain, start: &str) {
        self.clear_aside(aside);
        self.asides.push(Elsewhere { aside, place, start: start.to_owned() });
    }

    /// Whether no place is known.
    pub(super) fn is_empty(&self) -> bool {
        self.stays.is_empty()
    }

    /// Nothing is temporary or pending any more.
    pub(super) fn clear_aside(&mut self, aside: Aside) {
        self.asides.retain(|other| other.aside != aside);
    }

    /// Writes `contained` and `location`: the present place first, then those before, then the others. Who left for the
    /// next place at a known time has left the place before at that time.
    pub(super) fn write(mut self, status: &str, end: &str, contained: &mut Vec<Value>) -> Vec<Value> {
        for index in 1..self.stays.len() {
            if !self.stays[index].start.is_empty() {
                self.stays[index - 1].end = self.stays[index].start.clone();
            }
        }
        if let Some(last) = self.stays.last_mut() {
            last.end = if status == "finished" && !last.start.is_empty() { end.to_owned() } else { String::new() };
        }
        let present = match status {
            "in-progress" | "onleave" => "active",
            "planned" => "planned",
            "finished" => "completed",
            _ => "",
        };
        let mut locations = Vec::new();
        for (back, stay) in self.stays.iter().rev().enumerate() {
            let prefix = match back {
                0 => String::new(),
                1 => "prior-".to_owned(),
                _ => format!("prior-{back}-"),
            };
            let reference = stay.place.write(&prefix, contained);
            locations.push(location(&reference, if back == 0 { present } else { "completed" }, &stay.start, &stay.end));
        }
        for Elsewhere { aside, place, start } in &self.asides {
            let reference = place.write(aside.prefix(), contained);
            let status = match aside {
                Aside::Temporary => present,
                Aside::Pending => "reserved",
                Aside::PriorTemporary => "completed",
            };
            let mut location = location(&reference, status, start, "");
            if *aside != Aside::Pending {
                location["extension"] = json!([{ "url": TEMPORARY, "valueBoolean": true }]);
            }
            locations.push(location);
        }
        locations
    }
}

fn location(reference: &str, status: &str, start: &str, end: &str) -> Value {
    let mut location = Map::new();
    location.insert("location".into(), json!({ "reference": reference }));
    if !status.is_empty() {
        location.insert("status".into(), status.into());
    }
    let bounds = [("start", start), ("end", end)].into_iter().filter(|(_, bound)| !bound.is_empty());
    let period: Map<String, Value> = bounds.map(|(name, bound)| (name.to_owned(), bound.into())).collect();
    if !period.is_empty() {
        location.insert("period".into(), Value::Object(period));
    }
    Value::Object(location)
}
