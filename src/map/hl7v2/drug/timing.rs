//! When and how long a drug is taken: TQ1 (HL7 v2.5 section 4.5.4) and its forerunner TQ (section 2.A.77) to Timing and
//! what JP Core puts beside it. The words and codes of Japanese usages (用法) are in [`Usage`].

use crate::decode::hl7v2::{Segment, Value};
use crate::fault::rules;
use crate::fhir::{Writer, system};
use crate::map::Output;
use crate::map::hl7v2::coding_system;
use crate::map::hl7v2::datatype::{cwe, ts};
use crate::map::hl7v2::drug::rate::time_unit;
use crate::map::hl7v2::number::decimal;
use crate::map::hl7v2::segment::obx_value;
use crate::map::hl7v2::unit::Unit;

rules! {
    pub(crate) DURATION_UNIT "v2-duration-unit" Warning Value
        "The duration is not a number of days, of another unit of time or of times; it was left out."
        "投与期間が日数などの時間、または回数として読めないため、省きました。"
}

const JAMI_USAGE: &str = "http://jami.jp/CodeSystem/MedicationUsage";
const JAMI_ADDITION: &str = "http://jami.jp/CodeSystem/MedicationUsageAdditional";
const JAMI_METHOD: &str = "http://jami.jp/CodeSystem/MedicationMethodDetailUsage";
/// HL7 table 0335: BID, Q6H and their like.
const REPEAT_PATTERN: &str = "http://terminology.hl7.org/CodeSystem/v2-0335";

/// A usage (用法) or an addition to it: one repetition of TQ1-3.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    system: String,
    code: String,
    text: String,
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

/// How often, as `Timing.repeat` says it.
#[derive(Debug, Default)]
struct Pattern {
    frequency: Option<u32>,
    period: Option<(String, &'static str)>,
    when: String,
    offset_minutes: Option<u32>,
}

/// One TQ1, or one repetition of a TQ.
#[derive(Debug)]
pub(crate) struct Timing<'m> {
    /// The usages; the one that is a whole usage (16 digits of JAMI) first.
    pub(crate) usages: Vec<Usage>,
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
        if let Some(at) = usages.iter().position(|u| u.system == JAMI_USAGE) {
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
                if let Some(usage) = self.usages.first() {
                    usage.members(w);
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

    /// 隔日, 曜日指定: JAMI 補足用法 beginning with I or W.
    fn skips_days(&self) -> bool {
        self.usages.iter().any(|u| u.system == JAMI_ADDITION && u.code.starts_with(['I', 'W']))
    }
}

impl Pattern {
    fn write(&self, w: &mut Writer) {
        if let Some(frequency) = self.frequency {
            w.integer("frequency", frequency.into());
        }
        if let Some((period, unit)) = &self.period {
            w.decimal("period", period);
            w.string("periodUnit", unit);
        }
    }
}

impl Usage {
    /// What a person reads.
    pub(crate) fn text(&self) -> &str {
        if self.text.is_empty() { &self.code } else { &self.text }
    }

    /// Writes `coding` and `text` of a CodeableConcept.
    pub(crate) fn members(&self, w: &mut Writer) {
        w.array("coding", |w| {
            if !self.code.is_empty() {
                w.coding_item(&self.system, &self.code, &self.text);
            }
        });
        w.string("text", self.text());
    }

    /// Writes `method`: the first two characters of a JAMI usage are its 基本用法区分 and 用法詳細区分 (`10` 内服・経口), the
    /// latter also the second part of its name.
    pub(crate) fn method(&self, w: &mut Writer) {
        if !self.is_jami() {
            return;
        }
        let name = self.text.split('・').nth(1).filter(|_| self.text.matches('・').count() > 1);
        if let Some(code) = self.code.get(..2) {
            w.concept("method", JAMI_METHOD, code, name.unwrap_or_default());
        }
    }

    fn is_jami(&self) -> bool {
        self.system == JAMI_USAGE
    }

    /// 頓用: the third digit 5 of a JAMI usage means "on an event" (疼痛時, 不眠時), or the text says so, or PRN.
    fn is_as_needed(&self) -> bool {
        let on_event = self.is_jami() && self.code.as_bytes().get(2) == Some(&b'5');
        let is_prn = self.system == REPEAT_PATTERN && self.code.starts_with("PRN");
        on_event || is_prn || ["頓用", "頓服", "屯用", "屯服"].iter().any(|word| self.text.contains(word))
    }
}

/// RPT.1 is a CWE, so its parts are sub-components; senders who write components instead are understood.
fn usage(value: Value<'_>, out: &mut Output) -> Option<Usage> {
    let first = if value.raw().contains('^') { value.component(1) } else { value };
    let nested = [1, 2, 3].map(|n| first.subcomponent(n).text());
    let flat = [1, 2, 3].map(|n| value.component(n).text());
    let is_flat = nested[1].is_empty() && nested[2].is_empty() && !flat[1].is_empty();
    let [code, text, table] = if is_flat { flat } else { nested };
    let (code, text, table) = (code.trim(), text.trim(), table.trim());
    if code.is_empty() && text.is_empty() {
        return None;
    }
    let is_pattern = table.is_empty() && is_repeat_pattern(code);
    if is_pattern || table == "HL70335" {
        // In a TQ the second part is an explicit time.
        let text = if decimal(text).is_some() || is_pattern && !is_flat { "" } else { text };
        return Some(Usage { system: REPEAT_PATTERN.into(), code: code.into(), text: text.into() });
    }
    if table.is_empty() && code.contains(' ') {
        // Words where a code belongs: "3 times daily".
        return Some(Usage { text: code.into(), ..Usage::default() });
    }
    let mut system = String::new();
    if !code.is_empty() {
        let resolved = coding_system::resolve(table, code, &first.place(), &out.facility);
        if let Some(rule) = resolved.issue {
            out.issue_with(rule, first.place(), table);
        }
        system = resolved.uri.into_owned();
    }
    Some(Usage { system, code: code.into(), text: text.into() })
}

/// A code of table 0335: BID, TID, 3ID, QAM, QOD, Q6H, PRN.
fn is_repeat_pattern(code: &str) -> bool {
    matches!(code, "BID" | "TID" | "QID" | "QD" | "QAM" | "QPM" | "QHS" | "QSHIFT" | "QOD" | "Once" | "ONCE" | "once" | "C")
        || code.starts_with("PRN")
        || per(code).is_some()
        || code.strip_suffix("ID").is_some_and(|n| n.parse::<u32>().is_ok())
}

/// `Q6H`: once in six hours.
fn per(code: &str) -> Option<(String, &'static str)> {
    let rest = code.strip_prefix('Q')?;
    let unit = match rest.chars().last()? {
        'S' => "s",
        'M' => "min",
        'H' => "h",
        'D' => "d",
        'W' => "wk",
        'L' => "mo",
        _ => return None,
    };
    let count = rest.get(..rest.len() - 1)?.parse::<u32>().ok().filter(|n| *n > 0)?;
    Some((count.to_string(), unit))
}

/// What a repeat pattern says in numbers.
fn frequency(usage: Option<&Usage>) -> Pattern {
    let Some(usage) = usage.filter(|u| u.system == REPEAT_PATTERN) else { return Pattern::default() };
    let times_a_day = match usage.code.as_str() {
        "QD" | "QAM" | "QPM" | "QHS" => Some(1),
        "BID" => Some(2),
        "TID" => Some(3),
        "QID" => Some(4),
        "QOD" => return Pattern { frequency: Some(1), period: Some(("2".into(), "d")), ..Pattern::default() },
        code => code.strip_suffix("ID").and_then(|n| n.parse().ok()).filter(|n| *n > 0),
    };
    if times_a_day.is_some() {
        return Pattern { frequency: times_a_day, period: Some(("1".into(), "d")), ..Pattern::default() };
    }
    let period = per(&usage.code);
    Pattern { frequency: period.as_ref().map(|_| 1), period, ..Pattern::default() }
}

/// RPT.5 and 6 (period), RPT.8 to 10 (event and offset), else what the code itself says.
fn pattern(value: Value<'_>, usage: Option<&Usage>) -> Pattern {
    let component = |n: u16| value.component(n).text().trim().to_owned();
    let mut pattern = frequency(usage);
    if let (Some(period), Some(unit)) = (decimal(&component(5)), time_unit(&component(6))) {
        pattern.period = Some((period, unit));
    }
    const EVENTS: [&str; 16] =
        ["HS", "WAKE", "C", "CM", "CD", "CV", "AC", "ACM", "ACD", "ACV", "PC", "PCM", "PCD", "PCV", "MORN", "EVE"];
    let event = component(8);
    if EVENTS.contains(&event.as_str()) {
        let minutes = match time_unit(&component(10)) {
            Some("s") => component(9).parse::<u32>().ok().filter(|n| n % 60 == 0).map(|n| n / 60),
            Some("min") => component(9).parse().ok(),
            Some("h") => component(9).parse::<u32>().ok().and_then(|n| n.checked_mul(60)),
            _ => None,
        };
        // Invariant tim-9: meals themselves have no offset.
        pattern.offset_minutes = minutes.filter(|n| *n > 0 && !matches!(event.as_str(), "C" | "CM" | "CD" | "CV"));
        pattern.when = event;
    }
    pattern
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
            unit => Duration::Span(number, unit),
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
    let span = |unit| Some(Duration::Span(number.to_string(), unit));
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
