//! How a drug is taken, in words, codes and numbers: a repetition of TQ1-3 (HL7 v2.5 section 2.A.65, RPT) or the interval of
//! a TQ. The codes are those of JAMI 標準用法 and HL7 table 0335.

use std::borrow::Cow;

use crate::decode::hl7v2::Value;
use crate::fault::Place;
use crate::fhir::Writer;
use crate::map::hl7v2::coding_system;
use crate::map::hl7v2::drug::rate::time_unit;
use crate::map::hl7v2::number::decimal;
use crate::map::{Coding, Output};

const JAMI_USAGE: &str = "http://jami.jp/CodeSystem/MedicationUsage";
const JAMI_ADDITION: &str = "http://jami.jp/CodeSystem/MedicationUsageAdditional";
const JAMI_METHOD: &str = "http://jami.jp/CodeSystem/MedicationMethodDetailUsage";
/// HL7 table 0335: BID, Q6H and their like.
const REPEAT_PATTERN: &str = "http://terminology.hl7.org/CodeSystem/v2-0335";

/// A usage (用法) or an addition to it: one repetition of TQ1-3.
#[derive(Debug)]
pub(crate) struct Usage {
    system: String,
    code: String,
    text: String,
    table: String,
    place: Place,
}

/// How often, as `Timing.repeat` says it.
#[derive(Debug, Default)]
pub(crate) struct Pattern {
    frequency: Option<u32>,
    period: Option<(String, &'static str)>,
    /// An event of a day.
    pub(crate) when: String,
    /// Minutes after it.
    pub(crate) offset_minutes: Option<u32>,
}

impl Pattern {
    /// Writes `frequency`, `period` and `periodUnit`.
    pub(crate) fn write(&self, w: &mut Writer) {
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
    pub(crate) fn members(&self, w: &mut Writer, out: &mut Output) {
        let coding = Coding {
            system: Cow::Borrowed(&self.system),
            code: Cow::Borrowed(&self.code),
            display: Cow::Borrowed(&self.text),
            table: Cow::Borrowed(&self.table),
            ..Coding::default()
        };
        let stated = if self.code.is_empty() { Vec::new() } else { vec![coding] };
        w.array("coding", |w| out.codings(w, &stated, &self.place));
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

    /// Whether it is a 補足用法.
    pub(crate) fn is_addition(&self) -> bool {
        self.system == JAMI_ADDITION
    }

    /// 隔日, 曜日指定: a 補足用法 beginning with I or W.
    pub(crate) fn skips_days(&self) -> bool {
        self.is_addition() && self.code.starts_with(['I', 'W'])
    }

    /// Whether it is a whole usage of JAMI.
    pub(crate) fn is_jami(&self) -> bool {
        self.system == JAMI_USAGE
    }

    /// 頓用: the third digit 5 of a JAMI usage means "on an event" (疼痛時, 不眠時), or the text says so, or PRN.
    pub(crate) fn is_as_needed(&self) -> bool {
        let on_event = self.is_jami() && self.code.as_bytes().get(2) == Some(&b'5');
        let is_prn = self.system == REPEAT_PATTERN && self.code.starts_with("PRN");
        on_event || is_prn || ["頓用", "頓服", "屯用", "屯服"].iter().any(|word| self.text.contains(word))
    }
}

/// RPT.1 is a CWE, so its parts are sub-components; senders who write components instead are understood.
pub(crate) fn usage(value: Value<'_>, out: &mut Output) -> Option<Usage> {
    let first = if value.raw().contains('^') { value.component(1) } else { value };
    let nested = [1, 2, 3].map(|n| first.subcomponent(n).text());
    let flat = [1, 2, 3].map(|n| value.component(n).text());
    let is_flat = nested[1].is_empty() && nested[2].is_empty() && !flat[1].is_empty();
    let [code, text, table] = if is_flat { flat } else { nested };
    let (code, text, table) = (code.trim(), text.trim(), table.trim());
    if code.is_empty() && text.is_empty() {
        return None;
    }
    let place = first.place();
    let is_pattern = table.is_empty() && is_repeat_pattern(code);
    if is_pattern || table == "HL70335" {
        // In a TQ the second part is an explicit time.
        let text = if decimal(text).is_some() || is_pattern && !is_flat { "" } else { text };
        return Some(Usage {
            system: REPEAT_PATTERN.into(),
            code: code.into(),
            text: text.into(),
            table: table.into(),
            place,
        });
    }
    if table.is_empty() && code.contains(' ') {
        // Words where a code belongs: "3 times daily".
        let words = code.into();
        return Some(Usage { system: String::new(), code: String::new(), text: words, table: String::new(), place });
    }
    let mut system = String::new();
    if !code.is_empty() {
        let resolved = coding_system::resolve(table, code, &place, &out.facility);
        if let Some(rule) = resolved.issue {
            out.issue_with(rule, place.clone(), table);
        }
        system = resolved.uri.into_owned();
    }
    Some(Usage { system, code: code.into(), text: text.into(), table: table.into(), place })
}

/// A code of table 0335: BID, TID, 3ID, QAM, QOD, Q6H, PRN.
fn is_repeat_pattern(code: &str) -> bool {
    matches!(
        code,
        "BID" | "TID" | "QID" | "QD" | "QAM" | "QPM" | "QHS" | "QSHIFT" | "QOD" | "Once" | "ONCE" | "once" | "C"
    ) || code.starts_with("PRN")
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
pub(crate) fn frequency(usage: Option<&Usage>) -> Pattern {
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
pub(crate) fn pattern(value: Value<'_>, usage: Option<&Usage>) -> Pattern {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codes_of_table_0335_are_patterns() {
        for code in ["BID", "TID", "5ID", "Q6H", "Q12H", "Q2D", "QOD", "QAM", "PRNpain", "once"] {
            assert!(is_repeat_pattern(code), "{code}");
        }
        for code in ["", "ID", "Q", "QH", "Q0H", "QxH", "1013044400000000", "毎食後", "Ｑ６Ｈ", "daily"] {
            assert!(!is_repeat_pattern(code), "{code}");
        }
    }
}
