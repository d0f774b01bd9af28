//! TQ1 timing and quantity (HL7 v2.5 section 4.5.4) to Dosage.timing and what JP Core puts beside it.

use crate::decode::hl7v2::{Segment, Value};
use crate::fault::{IssueType, Rule, Severity};
use crate::fhir::{Writer, system};
use crate::map::Output;
use crate::map::hl7v2::coding_system;
use crate::map::hl7v2::datatype::{cwe, ts};
use crate::map::hl7v2::number::decimal;
use crate::map::hl7v2::segment::obx_value;
use crate::map::hl7v2::unit::Unit;

/// A duration in a unit that is neither days nor times.
pub static DURATION_UNIT: Rule = Rule {
    id: "v2-duration-unit",
    severity: Severity::Warning,
    code: IssueType::Value,
    en: "The duration is not a number of days or of times; it was left out.",
    ja: "投与期間が日数または回数として読めないため、省きました。",
};

const JAMI_USAGE: &str = "http://jami.jp/CodeSystem/MedicationUsage";

/// One repetition of TQ1-3: a usage (用法) or an addition to it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    system: String,
    code: String,
    text: String,
}

/// How long a drug is taken: TQ1-6.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Duration {
    /// So many days.
    Days(String),
    /// So many times: 頓用.
    Times(String),
}

/// The usages of TQ1-3, the one that is a whole usage (16 digits of JAMI) first.
pub(crate) fn usages(timing: Segment<'_>, out: &mut Output) -> Vec<Usage> {
    let mut usages: Vec<Usage> = timing.field(3).repetitions().filter_map(|r| usage(r, out)).collect();
    if let Some(at) = usages.iter().position(|u| u.system == JAMI_USAGE) {
        usages[..=at].rotate_right(1);
    }
    usages
}

/// RPT.1 is a CWE, so its parts are sub-components; senders who write components instead are understood.
fn usage(value: Value<'_>, out: &mut Output) -> Option<Usage> {
    let first = value.component(1);
    let nested = [1, 2, 3].map(|n| first.subcomponent(n).text());
    let flat = [1, 2, 3].map(|n| value.component(n).text());
    let is_flat = nested[1].is_empty() && nested[2].is_empty() && !flat[1].is_empty();
    let [code, text, table] = if is_flat { flat } else { nested };
    let (code, text, table) = (code.trim(), text.trim(), table.trim());
    if code.is_empty() && text.is_empty() {
        return None;
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

    /// 頓用: the third digit 5 of a JAMI usage means "on an event" (疼痛時, 不眠時), or the text says so.
    fn is_as_needed(&self) -> bool {
        let on_event = self.system == JAMI_USAGE && self.code.as_bytes().get(2) == Some(&b'5');
        on_event || self.text.contains("頓用") || self.text.contains("頓服") || self.text.contains("屯用")
    }
}

/// Whether the drug is taken when needed: by its usage, or TQ1-9 `PRN`.
pub(crate) fn is_as_needed(timing: Segment<'_>, usages: &[Usage]) -> bool {
    let is_prn = timing.peek(9).repetitions().any(|r| r.component(1).text().trim() == "PRN");
    if is_prn {
        timing.ignore(&[9]);
    }
    is_prn || usages.iter().any(Usage::is_as_needed)
}

/// TQ1-6: `5^d`, `5^日`; for 頓用 `5^回`, `5^TIME&回&MR9P`.
pub(crate) fn duration(timing: Segment<'_>, out: &mut Output) -> Option<Duration> {
    let value = timing.field(6);
    if !value.is_valued() {
        return None;
    }
    let unit = value.component(2);
    let number = decimal(&value.component(1).text());
    let found = match (number, unit.subcomponent(1).text().trim(), unit.subcomponent(2).text().trim()) {
        (Some(number), "d" | "D" | "日" | "日分", _) => Some(Duration::Days(number)),
        (Some(number), "TIME" | "回" | "回分", _) if is_count(&number) => Some(Duration::Times(number)),
        _ => None,
    };
    if found.is_none() {
        out.doubt(&DURATION_UNIT, &value);
    }
    found
}

/// A positiveInt.
fn is_count(number: &str) -> bool {
    number.parse::<u32>().is_ok_and(|n| n > 0)
}

/// Writes the JP Core extension PeriodOfUse from TQ1-7 and TQ1-8, as an item of `extension`.
pub(crate) fn period_of_use(w: &mut Writer, timing: Segment<'_>, out: &mut Output) {
    let mut period = Writer::new();
    ts::period(&mut period, "valuePeriod", timing.field(7), timing.field(8), out);
    if !period.is_empty() {
        let url = format!("{}JP_MedicationDosage_PeriodOfUse", system::JP_EXTENSION);
        w.item_raw(&format!("{{\"url\":\"{url}\",{}}}", period.finish()));
    }
}

/// Writes `timing`: code from the usage, bounds and times of day in `repeat`.
pub(crate) fn timing(w: &mut Writer, timing: Segment<'_>, usage: Option<&Usage>, duration: Option<&Duration>) {
    w.object("timing", |w| {
        w.object("repeat", |w| {
            if let Some(Duration::Days(days)) = duration {
                Unit::day().decimal(w, "boundsDuration", days);
            }
            let total = timing.peek(14).text();
            match duration {
                Some(Duration::Times(times)) => w.raw("count", times),
                _ if is_count(total.trim()) => {
                    timing.ignore(&[14]);
                    w.raw("count", total.trim());
                }
                _ => {}
            }
            times_of_day(w, timing);
        });
        w.object("code", |w| {
            if let Some(usage) = usage {
                usage.members(w);
            }
        });
    });
}

/// TQ1-4, when all of it is times of day; left unread otherwise.
fn times_of_day(w: &mut Writer, timing: Segment<'_>) {
    let times: Option<Vec<String>> = timing.peek(4).repetitions().map(|r| obx_value::time(&r.text())).collect();
    let Some(times) = times else { return };
    timing.ignore(&[4]);
    w.array("timeOfDay", |w| times.iter().for_each(|time| w.item_string(time)));
}

/// Writes the items of `additionalInstruction`: further usages, condition (TQ1-10) and instruction (TQ1-11).
pub(crate) fn additional(w: &mut Writer, timing: Segment<'_>, usages: &[Usage]) {
    for usage in usages {
        w.item(|w| usage.members(w));
    }
    for field in [10, 11] {
        w.item(|w| w.string("text", timing.field(field).whole_text().trim()));
    }
}

/// TQ1-9 (table 0485) as request-priority; empty, and left unread, when it is none of them.
pub(crate) fn priority(timing: Option<Segment<'_>>) -> &'static str {
    let Some(timing) = timing else { return "" };
    let priority = request_priority(&cwe::code(timing.peek(9)));
    if !priority.is_empty() {
        timing.ignore(&[9]);
    }
    priority
}

/// A code of table 0485 as request-priority; empty when it is none of them.
pub(crate) fn request_priority(code: &str) -> &'static str {
    match code {
        "S" => "stat",
        "A" => "asap",
        "R" => "routine",
        _ => "",
    }
}
