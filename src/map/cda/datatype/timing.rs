//! GTS: IVL<TS>, PIVL<TS>, EIVL<TS> and SXPR<TS> (HL7 v3 Data Types R1 2.20 to 2.24) to Timing.

use super::ivl_ts::Span;
use super::rule::TIMING;
use super::{pq, ts};
use crate::fhir::Writer;
use crate::map::Output;
use crate::map::cda::node::{self, Node, attribute, child, children, null_flavor, xsi_type};
use crate::map::hl7v2::number::decimal;

/// Sets of times within sets of times are taken apart so deep.
const NESTING_MAX: usize = 4;

/// Where it is said from when to when something repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::map::cda) enum Bounds {
    /// The resource has an element of its own for it.
    Elsewhere,
    /// In the Timing, as a period where both ends can be known.
    Period,
    /// In the Timing, as a number of days where one is stated (JP Core).
    Duration,
}

/// The parts of all `effectiveTime` of a statement: the first interval bounds what the others repeat.
#[derive(Debug, Default)]
pub(in crate::map::cda) struct Gts<'a> {
    bounds: Option<Node<'a>>,
    points: Vec<Node<'a>>,
    periodic: Vec<Node<'a>>,
    events: Vec<Node<'a>>,
    further: Vec<Node<'a>>,
}

impl<'a> Gts<'a> {
    /// Takes the times of a statement apart.
    pub(in crate::map::cda) fn of(statement: Node<'a>) -> Self {
        let mut gts = Gts::default();
        for time in children(statement, "effectiveTime") {
            gts.add(time, 0);
        }
        gts
    }

    /// Takes from the statement around it what it does not say itself: from when to when, or when.
    pub(in crate::map::cda) fn within(mut self, around: Option<Node<'a>>) -> Self {
        let Some(around) = around.map(Gts::of) else { return self };
        if !self.is_repeating() {
            (self.periodic, self.events) = (around.periodic, around.events);
        }
        if self.bounds.is_none() && self.points.is_empty() {
            (self.bounds, self.points) = (around.bounds, around.points);
        }
        self
    }

    fn add(&mut self, time: Node<'a>, depth: usize) {
        let is_interval = ["low", "high", "width"].iter().any(|name| child(time, name).is_some());
        match xsi_type(time) {
            "PIVL_TS" => self.periodic.push(time),
            "EIVL_TS" => self.events.push(time),
            _ if child(time, "event").is_some() => self.events.push(time),
            _ if child(time, "period").is_some() => self.periodic.push(time),
            "SXPR_TS" if depth < NESTING_MAX => children(time, "comp").for_each(|comp| self.add(comp, depth + 1)),
            _ if !attribute(time, "value").is_empty() => self.points.push(time),
            _ if is_interval && self.bounds.is_none() => self.bounds = Some(time),
            _ if is_interval => self.further.push(time),
            _ => {}
        }
    }

    /// The interval, or the point that stands in its place.
    pub(in crate::map::cda) fn span(&self, out: &mut Output) -> Span {
        Span::of(self.bounds.or(self.points.first().copied()), out)
    }

    /// Whether there is anything that repeats.
    pub(in crate::map::cda) fn is_repeating(&self) -> bool {
        !self.periodic.is_empty() || !self.events.is_empty()
    }

    /// Notes what one Timing cannot say: a second interval or period.
    pub(in crate::map::cda) fn note_the_rest(&self, out: &mut Output) {
        for time in self.periodic.iter().skip(1).chain(&self.further) {
            out.issue_with(&TIMING, node::place(*time), "effectiveTime");
        }
    }

    /// How long it goes on (`width`), when it says that.
    pub(in crate::map::cda) fn width(&self) -> Option<Node<'a>> {
        child(self.bounds?, "width")
    }

    /// Writes the members of a Timing.
    pub(in crate::map::cda) fn members(&self, w: &mut Writer, bounds: Bounds, out: &mut Output) {
        if bounds != Bounds::Elsewhere && self.bounds.is_none() && !self.is_repeating() {
            let points: Vec<String> = self.points.iter().filter_map(|point| ts::date_time(*point, out)).collect();
            w.array("event", |w| points.iter().for_each(|point| w.item_string(point)));
        }
        w.object("repeat", |w| {
            if bounds != Bounds::Elsewhere {
                self.write_bounds(w, bounds, out);
            }
            let mut times_of_day = Vec::new();
            if let Some(periodic) = self.periodic.first() {
                times_of_day = period(w, *periodic, out);
            }
            if self.events.is_empty() {
                w.array("timeOfDay", |w| times_of_day.iter().for_each(|time| w.item_string(time)));
            }
            self.write_events(w, out);
        });
    }

    fn write_bounds(&self, w: &mut Writer, as_what: Bounds, out: &mut Output) {
        let start = if self.is_repeating() { self.bounds.or(self.points.first().copied()) } else { self.bounds };
        let Some(bounds) = start else { return };
        let span = Span::of(Some(bounds), out);
        match (span.is_empty() || as_what == Bounds::Duration, child(bounds, "width")) {
            (true, Some(width)) => duration(w, "boundsDuration", width, out),
            (true, None) if span.is_empty() => {}
            _ => span.period(w, "boundsPeriod"),
        }
    }

    fn write_events(&self, w: &mut Writer, out: &mut Output) {
        let events = self.events.iter().flat_map(|event| children(*event, "event"));
        let codes: Vec<&str> = events.map(|event| attribute(event, "code")).collect();
        for (code, event) in codes.iter().zip(&self.events) {
            if !is_event_timing(code) {
                out.issue_with(&TIMING, node::place(*event), *code);
            }
        }
        let known = || codes.iter().filter(|code| is_event_timing(code));
        w.array("when", |w| known().for_each(|code| w.item_string(code)));
        let offset = self.events.iter().find_map(|event| child(*event, "offset"));
        // Invariant tim-9: no offset to a meal itself.
        if let Some(offset) =
            offset.filter(|_| known().count() > 0 && !known().any(|c| matches!(*c, "C" | "CM" | "CD" | "CV")))
        {
            match minutes(child(offset, "low").unwrap_or(offset)) {
                Some(minutes) => w.integer("offset", minutes),
                None => out.issue_with(&TIMING, node::place(offset), "offset"),
            }
        }
    }
}

/// Writes a Duration member in the unit sent; days with the unit JP Core prescribes.
pub(in crate::map::cda) fn duration(w: &mut Writer, name: &str, width: Node<'_>, out: &mut Output) {
    let Some(value) = pq::number(width, out) else { return };
    let unit = attribute(width, "unit");
    w.object(name, |w| {
        w.decimal("value", &value);
        w.string("unit", if unit == "d" { "日" } else { unit });
        if pq::is_ucum(unit) {
            w.string("system", ts::UCUM);
            w.string("code", unit);
        }
    });
}

/// Writes frequency and period of a PIVL; gives the times of day that its phase says.
fn period(w: &mut Writer, periodic: Node<'_>, out: &mut Output) -> Vec<String> {
    let Some(period) = child(periodic, "period").filter(|p| null_flavor(*p).is_none()) else {
        if child(periodic, "phase").is_some() {
            out.issue_with(&TIMING, node::place(periodic), "phase");
        }
        return Vec::new();
    };
    let (low, high) = (child(period, "low"), child(period, "high"));
    let least = low.or(high).unwrap_or(period);
    let most = low.and(high);
    let (value, unit) = (decimal(attribute(least, "value")), attribute(least, "unit"));
    let (Some(value), true) = (value, matches!(unit, "s" | "min" | "h" | "d" | "wk" | "mo" | "a")) else {
        out.issue_with(&TIMING, node::place(period), unit_name(unit));
        return Vec::new();
    };
    let per_day = match (unit, value.parse::<u32>()) {
        ("h", Ok(hours)) if attribute(periodic, "institutionSpecified") == "true" => times_per_day(hours),
        _ => None,
    };
    match per_day.filter(|_| most.is_none()) {
        Some(times) => {
            w.integer("frequency", i64::from(times));
            w.integer("period", 1);
            w.string("periodUnit", "d");
        }
        None => {
            w.integer("frequency", 1);
            w.decimal("period", &value);
            if let Some(most) = most.and_then(|most| decimal(attribute(most, "value"))) {
                w.decimal("periodMax", &most);
            }
            w.string("periodUnit", unit);
        }
    }
    let phase = child(periodic, "phase");
    let time = phase.and_then(|phase| clock(attribute(child(phase, "low").unwrap_or(phase), "value")));
    time.into_iter().collect()
}

/// A unit that may be quoted: what is longer than any unit is not.
fn unit_name(unit: &str) -> &str {
    if unit.len() <= 12 { unit } else { "period" }
}

/// 8 h is three times a day, when the institution chooses the hours.
fn times_per_day(hours: u32) -> Option<u32> {
    (hours > 0 && 24 % hours == 0).then(|| 24 / hours)
}

/// `hh:mm:ss` of a time that says at least the hour.
fn clock(value: &str) -> Option<String> {
    let digits = value.split(['+', '-', '.']).next().filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
    let part = |from: usize| digits.get(from..from + 2);
    let hour = part(8)?;
    let (minute, second) = (part(10).unwrap_or("00"), part(12).unwrap_or("00"));
    (hour < "24" && minute < "60" && second < "60").then(|| format!("{hour}:{minute}:{second}"))
}

fn minutes(offset: Node<'_>) -> Option<i64> {
    let value: i64 = attribute(offset, "value").parse().ok().filter(|n| (0..=10_000).contains(n))?;
    match attribute(offset, "unit") {
        "min" => Some(value),
        "h" => Some(value * 60),
        "d" => Some(value * 1440),
        _ => None,
    }
}

/// R4 value set event-timing.
fn is_event_timing(code: &str) -> bool {
    const CODES: [&str; 26] = [
        "MORN",
        "MORN.early",
        "MORN.late",
        "NOON",
        "AFT",
        "AFT.early",
        "AFT.late",
        "EVE",
        "EVE.early",
        "EVE.late",
        "NIGHT",
        "PHS",
        "HS",
        "WAKE",
        "C",
        "CM",
        "CD",
        "CV",
        "AC",
        "ACM",
        "ACD",
        "ACV",
        "PC",
        "PCM",
        "PCD",
        "PCV",
    ];
    CODES.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::cda::entry::tests::{output, parse};

    fn written(times: &str) -> String {
        let xml =
            format!("<s xmlns=\"urn:hl7-org:v3\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">{times}</s>");
        let document = parse(&xml);
        let mut w = Writer::new();
        Gts::of(document.root_element()).members(&mut w, Bounds::Period, &mut output());
        w.finish()
    }

    #[test]
    fn intervals_bound_and_periods_repeat() {
        let cases = [
            (
                r#"<effectiveTime xsi:type="IVL_TS"><low value="20120806"/></effectiveTime><effectiveTime xsi:type="PIVL_TS" operator="A"><period xsi:type="IVL_PQ"><low value="4" unit="h"/><high value="6" unit="h"/></period></effectiveTime>"#,
                r#""repeat":{"boundsPeriod":{"start":"2012-08-06"},"frequency":1,"period":4,"periodMax":6,"periodUnit":"h"}"#,
            ),
            (
                r#"<effectiveTime xsi:type="PIVL_TS" institutionSpecified="true"><period value="8" unit="h"/></effectiveTime>"#,
                r#""repeat":{"frequency":3,"period":1,"periodUnit":"d"}"#,
            ),
            (
                r#"<effectiveTime xsi:type="EIVL_TS"><event code="ACM"/><offset><low value="30" unit="min"/></offset></effectiveTime>"#,
                r#""repeat":{"when":["ACM"],"offset":30}"#,
            ),
            (
                r#"<effectiveTime xsi:type="SXPR_TS"><comp xsi:type="EIVL_TS"><event code="ACM"/></comp><comp xsi:type="EIVL_TS" operator="I"><event code="HS"/></comp></effectiveTime>"#,
                r#""repeat":{"when":["ACM","HS"]}"#,
            ),
            (
                r#"<effectiveTime xsi:type="IVL_TS"><width value="7" unit="d"/></effectiveTime>"#,
                r#""repeat":{"boundsDuration":{"value":7,"unit":"日","system":"http://unitsofmeasure.org","code":"d"}}"#,
            ),
            (
                r#"<effectiveTime xsi:type="PIVL_TS"><phase><low value="201101010830"/></phase><period value="1" unit="d"/></effectiveTime>"#,
                r#""repeat":{"frequency":1,"period":1,"periodUnit":"d","timeOfDay":["08:30:00"]}"#,
            ),
            (r#"<effectiveTime value="20120806"/>"#, r#""event":["2012-08-06"]"#),
            (r#"<effectiveTime nullFlavor="NI"/>"#, ""),
        ];
        for (times, expected) in cases {
            assert_eq!(written(times), expected, "{times}");
        }
    }
}
