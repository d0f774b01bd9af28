//! How fast a drug is given (RXE-22 to RXE-24, RXO-17, RXO-21, RXO-22, RXA-12) to Ratio or Quantity. JP Core writes an
//! amount per time, the time in UCUM (JP_MedicationRatio_DosePerPeriod).

use crate::decode::hl7v2::Value;
use crate::fhir::Writer;
use crate::map::Output;
use crate::map::hl7v2::number::{decimal, narrow};
use crate::map::hl7v2::segment::obx_unit;
use crate::map::hl7v2::unit::Unit;

/// An amount per time.
#[derive(Debug)]
pub(crate) struct Rate {
    amount: String,
    unit: Unit,
    /// The time and its unit; `None` when the unit is a rate of its own and cannot be taken apart.
    per: Option<(String, Unit)>,
}

/// Units of time: spellings, UCUM.
const TIMES: [(&[&str], &str); 7] = [
    (&["h", "hr", "hrs", "hour", "hours", "時間", "時"], "h"),
    (&["min", "mins", "minute", "minutes", "分"], "min"),
    (&["s", "sec", "second", "seconds", "秒"], "s"),
    (&["d", "day", "days", "日"], "d"),
    (&["w", "wk", "week", "weeks", "週", "週間"], "wk"),
    (&["mo", "month", "months", "月", "ヶ月", "か月"], "mo"),
    (&["a", "ann", "yr", "year", "years", "年"], "a"),
];

/// The UCUM code of a unit of time, whatever its case.
pub(crate) fn time_unit(text: &str) -> Option<&'static str> {
    let text = narrow(text.trim()).to_lowercase();
    TIMES.iter().find(|(spellings, _)| spellings.contains(&text.as_str())).map(|(_, ucum)| *ucum)
}

impl Rate {
    /// An amount, its unit (`ml/hr^ミリリッター／時間^ISO+`, or an amount alone) and the time (`H1`, HL7 v2.5 section
    /// 4.14.4.22) that it then refers to. `None` when there is no amount.
    pub(crate) fn of_fields(amount: Value<'_>, unit: Value<'_>, per: Value<'_>, out: &Output) -> Option<Rate> {
        let amount = decimal(&amount.text())?;
        let texts = [unit.component(1).text(), unit.component(2).text()];
        if let Some((unit, per)) = texts.iter().find_map(|text| split(text)) {
            let shown = narrow(texts[1].trim()).into_owned();
            let (unit, per) = match shown.rsplit_once('/').filter(|(_, time)| time_unit(time).is_some()) {
                Some((amount, time)) => (unit.shown_as(amount), per.shown_as(time)),
                None => (unit, per),
            };
            return Some(Rate { amount, unit, per: Some(("1".into(), per)) });
        }
        Some(Rate { amount, unit: Unit::of_field(unit, out), per: give_per(&per.text()) })
    }

    /// A dose that is given within some time (`H5`).
    pub(crate) fn of_dose(amount: String, unit: Unit, per: &str) -> Option<Rate> {
        give_per(per).map(|per| Rate { amount, unit, per: Some(per) })
    }

    /// An amount and its unit in one text: `102ml/hr`.
    pub(crate) fn in_words(text: &str) -> Option<Rate> {
        let text = narrow(text.trim());
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (amount, unit) = text.split_at(end);
        let (unit, per) = split(unit)?;
        Some(Rate { amount: decimal(amount)?, unit, per: Some(("1".into(), per)) })
    }

    /// Writes `rateRatio` or `rateQuantity`.
    pub(crate) fn write(&self, w: &mut Writer) {
        match &self.per {
            Some((time, per)) => w.object("rateRatio", |w| {
                self.unit.decimal(w, "numerator", &self.amount);
                per.decimal(w, "denominator", time);
            }),
            None => self.unit.decimal(w, "rateQuantity", &self.amount),
        }
    }
}

/// `ml/hr` as mL and h.
fn split(text: &str) -> Option<(Unit, Unit)> {
    let text = narrow(text.trim()).into_owned();
    let (amount, time) = text.rsplit_once('/')?;
    let ucum = time_unit(time)?;
    let amount = amount.trim();
    let unit = match obx_unit::ucum(amount) {
        Some(ucum) => Unit::ucum(ucum, ucum),
        None => Unit::in_words(amount),
    };
    Some((unit, Unit::ucum(time.trim(), ucum)))
}

/// `H1`: a letter for the unit of time and how many of it.
fn give_per(text: &str) -> Option<(String, Unit)> {
    let text = text.trim();
    let letter = text.chars().next()?;
    let (ucum, shown) = match letter {
        'S' => ("s", "秒"),
        'M' => ("min", "分"),
        'H' => ("h", "時間"),
        'D' => ("d", "日"),
        'W' => ("wk", "週"),
        'L' => ("mo", "月"),
        _ => return None,
    };
    let count = text.get(1..)?.parse::<u32>().ok().filter(|n| *n > 0)?;
    Some((count.to_string(), Unit::ucum(shown, ucum)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::hl7v2::Message;
    use crate::fhir::{FacilityCode, PatientKey};

    fn written(rate: Option<Rate>) -> String {
        let mut w = Writer::new();
        if let Some(rate) = rate {
            rate.write(&mut w);
        }
        w.finish()
    }

    #[test]
    fn an_amount_per_time_is_a_ratio() {
        let facility = FacilityCode::parse("0119999901");
        let out = Output::new(PatientKey::derive(&facility, "1"), facility, 540, None);
        let ratio = |unit: &str, shown: &str, time: &str| {
            format!(
                r#""rateRatio":{{"numerator":{{"value":102,"unit":"{shown}","system":"http://unitsofmeasure.org","code":"{unit}"}},"denominator":{{"value":1,"unit":"{time}","system":"http://unitsofmeasure.org","code":"h"}}}}"#
            )
        };
        let cases = [
            ("|H1|102|ml/hr^ミリリッター／時間^ISO+", ratio("mL", "ミリリッター", "時間")),
            ("||102|mL/hr^mL/hr", ratio("mL", "mL", "hr")),
            ("|H1|102|mL^^ISO+", ratio("mL", "mL", "時間")),
        ];
        for (fields, expected) in cases {
            let text = format!("MSH|^~\\&|H\rRXE|{fields}");
            let message = Message::parse(&text).unwrap().value;
            let drug = message.first("RXE").unwrap();
            let found = Rate::of_fields(drug.field(3), drug.field(4), drug.field(2), &out);
            assert_eq!(written(found), expected, "{fields}");
        }
        assert_eq!(written(Rate::in_words("102ml/hr")), ratio("mL", "mL", "hr"));
        assert_eq!(written(Rate::in_words("１０２ｍＬ／時間")), ratio("mL", "mL", "時間"));
        for none in ["", "fast", "102", "ml/hr", "102ml", "102 drops/bag"] {
            assert_eq!(written(Rate::in_words(none)), "", "{none}");
        }
    }

    #[test]
    fn a_dose_may_be_given_within_hours() {
        let found = written(Rate::of_dose("510".into(), Unit::ucum("mL", "mL"), "H5"));
        assert!(found.contains(r#""denominator":{"value":5,"unit":"時間""#), "{found}");
        assert_eq!(written(Rate::of_dose("510".into(), Unit::ucum("mL", "mL"), "T3")), "");
    }
}
