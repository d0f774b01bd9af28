//! When and how long a drug is taken: TQ1 (HL7 v2.5 section 4.5.4) and its forerunner TQ (section 2.A.77) to Timing and
//! what JP Core puts beside it. How often is in `usage.rs`.

use crate::decode::hl7v2::{Segment, Value};
use crate::fault::rules;
use crate::fhir::{Writer, system};
use crate::map::Output;
use crate::map::hl7v2::datatype::{cwe, ts};
use crate::map::hl7v2::drug::rate::time_unit;
use crate::map::hl7v2::drug::usage::{Pattern, Usage, frequency, pattern, usage};
use crate::map::hl7v2::number::decimal;
use crate::map::hl7v2::segment::obx_value;
use crate::map::hl7v2::unit::Unit;

rules! {
    pub(crate) DURATION_UNIT "v2-duration-unit" Warning Value
        "The duration is not a number of days, of another unit of time or of times; it was left out."
        "投与期間が日数などの時間、または回数として読めないため、省きました。"
}

/// How long a drug is taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Duration {
    /// So many days.
    Days(String),
    /// So many of another UCUM unit of time.
    Span(String, &'static str),
    /// So many times: 頓用.
    Times(u32),
}

/// What bounds the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bounds {
    /// The number of days; the days themselves are JP Core's PeriodOfUse (内服, 外用).
    Days,
    /// From when to when (注射).
    Period,
}

/// One TQ1, or one repetition of a TQ.
#[derive(Debug)]
pub(crate) struct Timing<'m> {
    /// The usages; the one that is a whole usage (16 digits of JAMI) first.
    usages: Vec<Usage>,
    /// How long.
    pub(crate) duration: Option<Duration>,
    /// The dose of each time, where the drug itself says none.
    pub(crate) quantity: Value<'m>,
    /// Conditions and instructions in words.
    pub(crate) comments: Vec<String>,
    /// `S` when the next timing follows this one, `A` or `C` when it holds beside it.
    pub(crate) conjunction: String,
    /// As request-priority; empty when it says none.
    pub(crate) priority: &'static str,
    pattern: Pattern,
    times: Vec<String>,
    start: Value<'m>,
    end: Value<'m>,
    each: Option<(String, &'static str)>,
    count: Option<u32>,
    is_prn: bool,
}

impl<'m> Timing<'m> {
    /// TQ1. TQ1-2 is left unread for who needs it.
    pub(crate) fn of_segment(timing: Segment<'m>, out: &mut Output) -> Self {
        let mut usages: Vec<Usage> = timing.field(3).repetitions().filter_map(|r| usage(r, out)).collect();
        if let Some(at) = usages.iter().position(Usage::is_jami) {
            usages[..=at].rotate_right(1);
        }
        let is_prn = timing.peek(9).repetitions().any(|r| r.component(1).text().trim() == "PRN");
        let priority = priority(timing.peek(9));
        if is_prn || !priority.is_empty() {
            timing.ignore(&[9]);
        }
        let pattern = pattern(timing.peek(3), usages.first());
        let times = times(timing.peek(4).repetitions().map(|r| r.text().into_owned()), pattern.when.is_empty());
        if times.is_some() {
            timing.ignore(&[4]);
        }
        let each = span(timing.peek(13));
        if each.is_some() {
            timing.ignore(&[13]);
        }
        let count = count(&timing.peek(14).text());
        if count.is_some() {
            timing.ignore(&[14]);
        }
        Timing {
            usages,
            duration: duration(timing.field(6), out),
            quantity: timing.peek(2),
            comments: [10, 11].map(|n| timing.field(n).whole_text().trim().to_owned()).into(),
            conjunction: timing.field(12).text().trim().to_owned(),
            priority,
            pattern,
            times: times.unwrap_or_default(),
            start: timing.field(7),
            end: timing.field(8),
            each,
            count,
            is_prn,
        }
    }

    /// One repetition of a TQ (ORC-7, RXE-1).
    pub(crate) fn of_quantity_timing(value: Value<'m>, out: &mut Output) -> Self {
        let interval = value.component(2);
        let usage = usage(interval, out).into_iter().collect::<Vec<_>>();
        let pattern = frequency(usage.first());
        let clock = interval.subcomponent(2).text().into_owned();
        // Several times of day are separated by commas.
        let times = times(clock.split(',').filter(|t| !t.is_empty()).map(|t| t.replace(':', "")), true);
        let stated = value.component(3);
        let duration = letter_duration(&stated.text()).or_else(|| {
            // Senders leave the duration out and shift what follows.
            let is_other = !stated.is_valued() || ts::milliseconds(stated, out.zone_minutes).is_some();
            if !is_other {
                out.doubt(&DURATION_UNIT, &stated);
            }
            None
        });
        let is_prn = value.component(6).text().trim() == "PRN";
        let each = value.component(11);
        let unit = each.subcomponent(2).text();
        Timing {
            usages: usage,
            duration,
            quantity: value.component(1),
            comments: [7, 8].map(|n| value.component(n).whole_text().trim().to_owned()).into(),
            conjunction: value.component(9).text().trim().to_owned(),
            priority: priority(value.component(6)),
            pattern,
            times: times.unwrap_or_default(),
            start: value.component(4),
            end: value.component(5),
            each: decimal(&each.subcomponent(1).text()).and_then(|n| Some((n, time_unit(&unit)?))),
            count: count(&value.component(12).text()),
            is_prn,
        }
    }

    /// Takes from another timing what this one leaves open.
    pub(crate) fn fill(&mut self, other: Timing<'m>) {
        if self.usages.is_empty() {
            (self.usages, self.pattern, self.times) = (other.usages, other.pattern, other.times);
        }
        self.duration = self.duration.take().or(other.duration);
        self.each = self.each.take().or(other.each);
        self.count = self.count.or(other.count);
        if !self.start.is_valued() {
            self.start = other.start;
        }
        if !self.end.is_valued() {
            self.end = other.end;
        }
        if self.priority.is_empty() {
            self.priority = other.priority;
        }
        self.is_prn |= other.is_prn;
        self.comments.extend(other.comments);
    }

    /// The usage; none where only additions to one were sent.
    pub(crate) fn usage(&self) -> Option<&Usage> {
        self.usages.first().filter(|usage| !usage.is_addition())
    }

    /// What is added to the usage (補足用法).
    pub(crate) fn additions(&self) -> impl Iterator<Item = &Usage> {
        self.usages.iter().skip(usize::from(self.usage().is_some()))
    }

    /// What a person reads.
    pub(crate) fn text(&self) -> String {
        let text: Vec<&str> = self.usages.iter().map(Usage::text).collect();
        text.join("、")
    }

    /// 頓用: by its usage, or priority PRN.
    pub(crate) fn is_as_needed(&self) -> bool {
        self.is_prn || self.usages.iter().any(Usage::is_as_needed)
    }

    /// Writes the JP Core extensions PeriodOfUse (TQ1-7, TQ1-8) and UsageDuration as items of `extension`. Where doses are
    /// some days apart, the days of TQ1-6 are those on which the drug is taken, not those that pass.
    pub(crate) fn extensions(&self, w: &mut Writer, bounds: Bounds, out: &mut Output) {
        if bounds == Bounds::Days {
            let mut period = Writer::new();
            ts::period(&mut period, "valuePeriod", self.start, self.end, out);
            if !period.is_empty() {
                let url = format!("{}JP_MedicationDosage_PeriodOfUse", system::JP_EXTENSION);
                w.item_raw(&format!("{{\"url\":\"{url}\",{}}}", period.finish()));
            }
        }
        if let Some(Duration::Days(days)) = &self.duration
            && (self.skips_days() || (bounds == Bounds::Period && self.has_period()))
        {
            w.item(|w| {
                w.string("url", &format!("{}JP_MedicationDosage_UsageDuration", system::JP_EXTENSION));
                Unit::day().decimal(w, "valueDuration", days);
            });
        }
    }

    /// Writes `timing`: code from the usage, the rest in `repeat`.
    pub(crate) fn write(&self, w: &mut Writer, bounds: Bounds, out: &mut Output) {
        w.object("timing", |w| {
            w.object("repeat", |w| {
                self.bounds(w, bounds, out);
                if let Some(count) = self.count {
                    w.integer("count", count.into());
                }
                let each = match (&self.each, &self.duration) {
                    (None, Some(Duration::Span(value, unit))) if bounds == Bounds::Period && self.has_period() => {
                        Some((value, *unit))
                    }
                    (each, _) => each.as_ref().map(|(value, unit)| (value, *unit)),
                };
                if let Some((value, unit)) = each {
                    w.decimal("duration", value);
                    w.string("durationUnit", unit);
                }
                self.pattern.write(w);
                w.array("timeOfDay", |w| self.times.iter().for_each(|time| w.item_string(time)));
                w.array("when", |w| w.item_string(&self.pattern.when));
                if let Some(minutes) = self.pattern.offset_minutes {
                    w.integer("offset", minutes.into());
                }
            });
            w.object("code", |w| {
                if let Some(usage) = self.usage() {
                    usage.members(w, out);
                }
            });
        });
    }

    /// One of boundsDuration and boundsPeriod.
    fn bounds(&self, w: &mut Writer, bounds: Bounds, out: &mut Output) {
        let is_japanese = self.usages.iter().any(Usage::is_jami);
        match &self.duration {
            _ if bounds == Bounds::Period && self.has_period() => {
                ts::period(w, "boundsPeriod", self.start, self.end, out);
            }
            Some(Duration::Days(days)) if !self.skips_days() => Unit::day().decimal(w, "boundsDuration", days),
            Some(Duration::Span(value, unit)) => Unit::ucum(unit, unit).decimal(w, "boundsDuration", value),
            // PeriodOfUse is known in Japan; elsewhere the bounds are read where R4 has them.
            None if !is_japanese => ts::period(w, "boundsPeriod", self.start, self.end, out),
            _ => {}
        }
    }

    fn has_period(&self) -> bool {
        self.start.is_valued() || self.end.is_valued()
    }

    fn skips_days(&self) -> bool {
        self.usages.iter().any(Usage::skips_days)
    }
}

/// TQ1-6: `5^d`, `5^日`; for 頓用 `5^回`, `5^TIME&回&MR9P`.
fn duration(value: Value<'_>, out: &mut Output) -> Option<Duration> {
    if !value.is_valued() {
        return None;
    }
    let unit = value.component(2);
    let words = [1, 2].map(|n| unit.subcomponent(n).text().trim().to_owned());
    let found = match (decimal(&value.component(1).text()), words[0].as_str()) {
        (Some(number), "日分") => Some(Duration::Days(number)),
        (Some(number), "TIME" | "回" | "回分") => count(&number).map(Duration::Times),
        (Some(number), _) => words.iter().find_map(|word| time_unit(word)).map(|unit| match unit {
            "d" => Duration::Days(number),
            unit => span_of(number, unit),
        }),
        _ => letter_duration(&value.component(1).text()),
    };
    if found.is_none() {
        out.doubt(&DURATION_UNIT, &value);
    }
    found
}

/// `D4`, `H6`, `X3` (TQ.3).
fn letter_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let number = text.get(1..)?.parse::<u32>().ok().filter(|n| *n > 0)?;
    let span = |unit| Some(span_of(number.to_string(), unit));
    match text.chars().next()?.to_ascii_uppercase() {
        'D' => Some(Duration::Days(number.to_string())),
        'X' => Some(Duration::Times(number)),
        'S' => span("s"),
        'M' => span("min"),
        'H' => span("h"),
        'W' => span("wk"),
        'L' => span("mo"),
        _ => None,
    }
}

/// JP Core counts in days, and a week has seven.
fn span_of(number: String, unit: &'static str) -> Duration {
    match number.parse::<u32>().ok().and_then(|weeks| weeks.checked_mul(7)) {
        Some(days) if unit == "wk" => Duration::Days(days.to_string()),
        _ => Duration::Span(number, unit),
    }
}

/// A CQ that is a time: TQ1-13.
fn span(value: Value<'_>) -> Option<(String, &'static str)> {
    let unit = value.component(2);
    let unit = [1, 2].iter().find_map(|n| time_unit(&unit.subcomponent(*n).text()))?;
    Some((decimal(&value.component(1).text())?, unit))
}

/// A positiveInt.
fn count(text: &str) -> Option<u32> {
    text.trim().parse::<u32>().ok().filter(|n| *n > 0)
}

/// All of it as times of day; `None` when one is not, or when an event stands beside them (invariant tim-10).
fn times(texts: impl Iterator<Item = String>, has_no_event: bool) -> Option<Vec<String>> {
    let times: Vec<String> = texts.map(|text| obx_value::time(&text)).collect::<Option<_>>()?;
    (has_no_event || times.is_empty()).then_some(times)
}

/// TQ1-9 or TQ.6 (table 0485) as request-priority; empty when it is none of them.
fn priority(value: Value<'_>) -> &'static str {
    match cwe::code(value).as_str() {
        "S" | "STAT" => "stat",
        "A" | "ASAP" => "asap",
        "R" | "ROUTINE" => "routine",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::hl7v2::Message;
    use crate::fhir::{FacilityCode, PatientKey};

    /// What a field 9 of ZZZ (as TQ) or a TQ1 becomes, and the issues.
    fn written(segment: &str, bounds: Bounds) -> (serde_json::Value, Vec<&'static str>) {
        let text = format!("MSH|^~\\&|H\r{segment}");
        let message = Message::parse(&text).unwrap().value;
        let facility = FacilityCode::parse("0119999901");
        let mut out = Output::new(PatientKey::derive(&facility, "1"), facility, 540, None);
        let mut w = Writer::new();
        let timing = match message.first("TQ1") {
            Some(segment) => Timing::of_segment(segment, &mut out),
            None => Timing::of_quantity_timing(message.first("ORC").unwrap().field(7), &mut out),
        };
        timing.write(&mut w, bounds, &mut out);
        let json = serde_json::from_str(&format!("{{{}}}", w.finish())).unwrap();
        (json, out.finish(None).issues.iter().map(|issue| issue.rule.id).collect())
    }

    #[test]
    fn a_pattern_says_how_often() {
        for (pattern, frequency, period, unit) in [
            ("BID", 2, 1, "d"),
            ("5ID", 5, 1, "d"),
            ("Q6H", 1, 6, "h"),
            ("Q2W", 1, 2, "wk"),
            ("QOD", 1, 2, "d"),
            ("QHS", 1, 1, "d"),
        ] {
            for segment in [format!("TQ1|1||{pattern}"), format!("ORC|NW||||||1^{pattern}")] {
                let (json, issues) = written(&segment, Bounds::Days);
                let repeat = &json["timing"]["repeat"];
                assert_eq!(repeat["frequency"], frequency, "{segment}");
                assert_eq!((&repeat["period"], &repeat["periodUnit"]), (&period.into(), &unit.into()), "{segment}");
                let system = &json["timing"]["code"]["coding"][0]["system"];
                assert_eq!(system, "http://terminology.hl7.org/CodeSystem/v2-0335");
                assert!(issues.is_empty());
            }
        }
        let (json, _) = written("TQ1|1||^^^^8^h^^PCM^360^s|0730", Bounds::Days);
        let repeat = &json["timing"]["repeat"];
        assert_eq!((&repeat["period"], &repeat["when"][0], &repeat["offset"]), (&8.into(), &"PCM".into(), &6.into()));
        // Invariant tim-10.
        assert!(repeat["timeOfDay"].is_null());
    }

    #[test]
    fn bounds_are_days_or_a_period() {
        let days = |segment| written(segment, Bounds::Days).0["timing"]["repeat"]["boundsDuration"].clone();
        assert_eq!(days("TQ1|1|||||5^d")["value"], 5);
        assert_eq!(days("TQ1|1|||||5^日")["unit"], "日");
        assert_eq!(days("TQ1|1|||||2^W")["value"], 14);
        assert_eq!(days("TQ1|1|||||2^Mo")["code"], "mo");
        assert_eq!(days("TQ1|1|||||3^D&day&ISO+")["code"], "d");
        assert_eq!(days("ORC|NW||||||1^BID^D4")["value"], 4);
        // The days of 隔日 are those of taking, not those that pass.
        assert!(days("TQ1|1||1013044400000000&x&JAMISDP01~I1100000&隔日&JAMISDP01|||7^d").is_null());
        let infusion = "TQ1|1|||||5^h|202604010800|202604011300";
        let repeat = written(infusion, Bounds::Period).0["timing"]["repeat"].clone();
        assert_eq!(repeat["boundsPeriod"]["end"], "2026-04-01T13:00:00+09:00");
        assert_eq!((&repeat["duration"], &repeat["durationUnit"]), (&5.into(), &"h".into()));
        assert_eq!(written("TQ1|1|||||5^箱", Bounds::Days).1, ["v2-duration-unit"]);
    }

    #[test]
    fn an_addition_alone_is_no_usage() {
        let (json, _) = written("TQ1|1||I1100000&隔日&JAMISDP01", Bounds::Period);
        assert!(json["timing"].is_null());
        let (json, _) = written("TQ1|1||I1100000&隔日&JAMISDP01~1013044400000000&毎食後&JAMISDP01", Bounds::Days);
        assert_eq!(json["timing"]["code"]["text"], "毎食後");
    }
}
