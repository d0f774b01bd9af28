//! Dose and rate of a drug to `doseAndRate` (JP_MedicationDosage, JP_MedicationDosage_Injection).

use crate::decode::hl7v2::Value;
use crate::fault::rules;
use crate::fhir::Writer;
use crate::map::Output;
use crate::map::hl7v2::drug::comment::About;
use crate::map::hl7v2::drug::medication;
use crate::map::hl7v2::drug::rate::Rate;
use crate::map::hl7v2::number::decimal;
use crate::map::hl7v2::unit::Unit;

rules! {
    pub(crate) AMOUNT_NOT_A_NUMBER "v2-amount-not-a-number" Warning Value
        "This amount is not a number; it was kept as text."
        "量が数値として読めないため、文字列として残しました。"
}

/// The fields that say how much and how fast.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dose<'m> {
    /// The dose of one time, at least.
    pub(crate) low: Value<'m>,
    /// At most.
    pub(crate) high: Value<'m>,
    /// The unit of both.
    pub(crate) unit: Value<'m>,
    /// The amount of a day (CQ).
    pub(crate) daily: Value<'m>,
    /// Amount, unit and time of the rate.
    pub(crate) rate: [Value<'m>; 3],
}

impl<'m> Dose<'m> {
    /// Amounts that are not numbers (適量).
    pub(crate) fn in_words(&self) -> impl Iterator<Item = Value<'m>> + use<'m> {
        let is_words = |value: &Value<'m>| {
            let text = value.component(1).text();
            !text.trim().is_empty() && decimal(&text).is_none()
        };
        [self.low, self.high, self.daily, self.rate[0]].into_iter().filter(is_words)
    }

    /// Writes the items of `doseAndRate`: the dose with how fast it is given, or else with the amount of a day (RXE-19); both
    /// make two items. `""` in a field says that there is none (ointments). `otherwise` is a dose that the timing states.
    pub(crate) fn write(&self, w: &mut Writer, otherwise: Value<'_>, comments: &[Value<'_>], out: &mut Output) {
        let unit = Unit::of_field(self.unit, out);
        let [amount, rate_unit, per] = self.rate;
        let (low, high) = (decimal(&self.low.text()), decimal(&self.high.text()));
        let within = |dose: &String| Rate::of_dose(dose.clone(), unit.clone(), &per.text());
        let rate = Rate::of_fields(amount, rate_unit, per, out).or_else(|| low.as_ref().and_then(within));
        let daily = decimal(&self.daily.component(1).text());
        let is_stated = low.is_some() || high.is_some();
        w.item(|w| {
            w.array("extension", |w| comments.iter().for_each(|value| About::Rate.write(w, *value, out)));
            if is_stated && unit.is_of_product() {
                w.object("type", medication::product_amount);
            }
            match (&low, &high) {
                (Some(low), Some(high)) if low != high => w.object("doseRange", |w| {
                    unit.decimal(w, "low", low);
                    unit.decimal(w, "high", high);
                }),
                (Some(dose), _) | (None, Some(dose)) => unit.decimal(w, "doseQuantity", dose),
                (None, None) => {
                    if let Some(dose) = decimal(&otherwise.component(1).text()) {
                        Unit::of_quantity(otherwise, out).decimal(w, "doseQuantity", &dose);
                    }
                }
            }
            match (&rate, &daily) {
                (Some(rate), _) => rate.write(w),
                (None, Some(daily)) => self.write_daily(w, is_stated, daily, out),
                (None, None) => {}
            }
        });
        if let (Some(_), Some(daily)) = (&rate, &daily) {
            w.item(|w| self.write_daily(w, false, daily, out));
        }
    }

    /// The amount of a day as a rate; `type` when it stands alone.
    fn write_daily(&self, w: &mut Writer, has_type: bool, daily: &str, out: &Output) {
        let unit = Unit::of_quantity(self.daily, out);
        if !has_type && unit.is_of_product() {
            w.object("type", medication::product_amount);
        }
        w.object("rateRatio", |w| {
            unit.decimal(w, "numerator", daily);
            Unit::day().decimal(w, "denominator", "1");
        });
    }
}
