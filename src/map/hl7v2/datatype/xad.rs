//! XAD extended address (HL7 v2.5 2A.87) to Address. Japanese senders put the whole address into XAD.8.

use std::borrow::Cow;

use super::ts;
use crate::decode::hl7v2::Value;
use crate::fhir::Writer;
use crate::map::Output;

/// Writes one repetition as an Address into an item or object.
pub fn address(w: &mut Writer, value: Value<'_>, out: &mut Output) {
    address_in(w, value, "", out);
}

/// The same, with the county that another field names (PID-12).
pub fn address_in(w: &mut Writer, value: Value<'_>, county: &str, out: &mut Output) {
    let part = |number: u16| value.component(number).text();
    let whole = part(8);
    let (state, city, other) = (part(4), part(3), part(2));
    let street: Vec<Cow<'_, str>> = (1..=3).map(|n| value.component(1).subcomponent(n).text()).collect();
    let has_content = [1, 2, 3, 4, 5, 8].iter().any(|n| value.component(*n).is_valued());
    if !has_content {
        return;
    }
    let kind = part(7);
    w.string("use", address_use(kind.trim()));
    w.string("type", if matches!(kind.trim(), "M" | "SH") { "postal" } else { "" });
    if whole.trim().is_empty() {
        w.string("text", &joined(&[&state, &city, &street[0], &street[1], &street[2], &other]));
    } else {
        w.string("text", whole.trim());
    }
    w.array("line", |w| {
        for line in street.iter().chain([&other, &part(19)]) {
            w.item_string(line.trim());
        }
    });
    w.string("city", city.trim());
    let names = [2, 1].map(|n| value.component(9).subcomponent(n).text());
    let district = names.iter().map(|name| name.trim()).find(|name| !name.is_empty());
    w.string("district", district.unwrap_or(county));
    w.string("state", state.trim());
    w.string("postalCode", part(5).trim());
    w.string("country", part(6).trim());
    // XAD.12 is the older way to say it: a range.
    let range = value.component(12);
    let is_range = !value.component(13).is_valued() && !value.component(14).is_valued();
    let bounds =
        if is_range { [range.subcomponent(1), range.subcomponent(2)] } else { [13, 14].map(|n| value.component(n)) };
    ts::period(w, "period", bounds[0], bounds[1], out);
}

/// HL7 table 0190 to address-use (HL7 v2-to-FHIR table map).
fn address_use(kind: &str) -> &'static str {
    match kind {
        "H" => "home",
        "B" | "O" => "work",
        "C" => "temp",
        "BA" => "old",
        "BI" => "billing",
        _ => "",
    }
}

/// The parts as one text, as an envelope shows them: without spaces in Japanese, with spaces otherwise.
fn joined(parts: &[&str]) -> String {
    let filled: Vec<&str> = parts.iter().map(|p| p.trim()).filter(|p| !p.is_empty()).collect();
    let separator = if filled.iter().any(|p| !p.is_ascii()) { "" } else { " " };
    filled.join(separator)
}
