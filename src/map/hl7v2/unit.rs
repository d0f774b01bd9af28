//! Units (CE of OBX-6, RXE-5 and others) read once, to be written on each Quantity that has them.

use std::cell::Cell;

use crate::decode::hl7v2::Value;
use crate::fhir::{Writer, system};
use crate::map::Output;
use crate::map::hl7v2::coding_system;
use crate::map::hl7v2::number::{Measured, narrow};
use crate::map::hl7v2::segment::obx_unit;

/// MERIT-9 医薬品単位略号.
const MERIT9: &str = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationUnitMERIT9Code";

/// A unit as `Quantity` says it: a code only together with the system it belongs to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unit {
    /// As sent, half-width.
    pub(crate) text: String,
    system: String,
    code: String,
    written: Cell<bool>,
}

impl Unit {
    /// OBX-6: UCUM where the spelling leaves no doubt, else the code under the table the sender names.
    pub(crate) fn of_result(value: Value<'_>, out: &Output) -> Self {
        let (code, text, table) = (value.component(1).text(), value.component(2).text(), value.component(3).text());
        let shown = narrow(if text.trim().is_empty() { code.trim() } else { text.trim() });
        match obx_unit::ucum(&shown) {
            Some(ucum) => Unit::coded(shown.into_owned(), system::UCUM.into(), ucum),
            None => Unit::new(&code, &text, &table, value, out),
        }
    }

    /// A CE that is a whole field.
    pub(crate) fn of_field(value: Value<'_>, out: &Output) -> Self {
        let (code, text, table) = (value.component(1).text(), value.component(2).text(), value.component(3).text());
        Unit::new(&code, &text, &table, value, out)
    }

    /// A CE that is the second component of a CQ: its parts are sub-components.
    pub(crate) fn of_quantity(quantity: Value<'_>, out: &Output) -> Self {
        let unit = quantity.component(2);
        let (code, text, table) =
            (unit.subcomponent(1).text(), unit.subcomponent(2).text(), unit.subcomponent(3).text());
        Unit::new(&code, &text, &table, unit, out)
    }

    fn new(code: &str, text: &str, table: &str, value: Value<'_>, out: &Output) -> Self {
        let (code, text, table) = (code.trim(), text.trim(), table.trim());
        let shown = narrow(if text.is_empty() { code } else { text }).into_owned();
        if code.is_empty() || table.is_empty() {
            return Unit { text: shown, ..Unit::default() };
        }
        if matches!(table, "ISO+" | "ISO" | "ANS+") {
            return match obx_unit::ucum(code) {
                Some(ucum) => Unit::coded(shown, system::UCUM.into(), ucum),
                None => Unit { text: shown, ..Unit::default() },
            };
        }
        let system = coding_system::resolve(table, code, &value.place(), &out.facility).uri.into_owned();
        Unit::coded(shown, system, code)
    }

    fn coded(text: String, system: String, code: &str) -> Self {
        Unit { text, system, code: code.into(), written: Cell::new(false) }
    }

    /// A UCUM code, shown as `text`.
    pub(crate) fn ucum(text: &str, code: &str) -> Self {
        Unit::coded(text.into(), system::UCUM.into(), code)
    }

    /// A unit of which only the words are known.
    pub(crate) fn in_words(text: &str) -> Self {
        Unit { text: text.into(), ..Unit::default() }
    }

    /// The same unit in other words; the same words when there are none.
    pub(crate) fn shown_as(self, text: &str) -> Self {
        let text = text.trim();
        if text.is_empty() { self } else { Unit { text: text.into(), ..self } }
    }

    /// Whether it counts or measures the product (錠, アンプル, mL), which is 製剤量 in JP Core. A mass may be the
    /// product's or the substance's, so it says neither.
    pub(crate) fn is_of_product(&self) -> bool {
        const CODES: [&str; 8] = ["TAB", "CAP", "PCK", "AMP", "VIL", "HON", "BTL", "ML"];
        const WORDS: [&str; 25] = [
            "錠",
            "カプセル",
            "包",
            "アンプル",
            "管",
            "バイアル",
            "瓶",
            "本",
            "枚",
            "個",
            "袋",
            "滴",
            "丸",
            "筒",
            "キット",
            "チューブ",
            "バッグ",
            "シリンジ",
            "カートリッジ",
            "ブリスター",
            "シート",
            "セット",
            "容器",
            "mL",
            "ミリリットル",
        ];
        self.system == MERIT9 && (CODES.contains(&self.code.as_str()) || WORDS.contains(&self.text.as_str()))
    }

    /// Whether any Quantity was written with it.
    pub(crate) fn was_written(&self) -> bool {
        self.written.get()
    }

    /// 日, the unit in which JP Core counts how long a drug is taken.
    pub(crate) fn day() -> Self {
        Unit::coded("日".into(), system::UCUM.into(), "d")
    }

    /// 回, the unit to which JP Core relates the strength of an ingredient.
    pub(crate) fn per_administration() -> Self {
        Unit::coded("回".into(), MERIT9.into(), "TIME")
    }

    /// A currency by its ISO 4217 code; no unit when it is empty.
    pub(crate) fn currency(code: &str) -> Self {
        if code.is_empty() {
            return Unit::default();
        }
        Unit::coded(code.into(), "urn:iso:std:iso:4217".into(), code)
    }

    /// Whether nothing was said.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Writes a Quantity member.
    pub(crate) fn quantity(&self, w: &mut Writer, name: &str, measured: &Measured) {
        w.object(name, |w| self.members(w, &measured.value, measured.comparator));
    }

    /// Writes a Quantity member without comparator.
    pub(crate) fn decimal(&self, w: &mut Writer, name: &str, value: &str) {
        w.object(name, |w| self.members(w, value, ""));
    }

    fn members(&self, w: &mut Writer, value: &str, comparator: &str) {
        self.written.set(true);
        w.decimal("value", value);
        w.string("comparator", comparator);
        w.string("unit", &self.text);
        w.string("system", &self.system);
        w.string("code", &self.code);
    }
}
