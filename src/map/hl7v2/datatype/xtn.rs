//! XTN extended telecommunication number (HL7 v2.5 2A.89) to ContactPoint.

use super::ts;
use crate::decode::hl7v2::Value;
use crate::fhir::Writer;
use crate::map::Output;

/// Writes one repetition as a ContactPoint into an item; `usual_use` (home, work) stands where XTN.2 says nothing.
/// Nothing is written when there is no number or address.
pub fn contact_point(w: &mut Writer, value: Value<'_>, usual_use: &str, out: &mut Output) {
    let part = |number: u16| value.component(number).text();
    let equipment = part(3);
    let is_mail = matches!(equipment.trim(), "Internet" | "X.400");
    let number = [12, 1].map(part).into_iter().find(|t| !t.trim().is_empty());
    let text = match number {
        _ if is_mail => part(4).trim().to_owned(),
        Some(number) => number.trim().to_owned(),
        None if part(7).is_empty() => part(4).trim().to_owned(),
        None => from_parts(value),
    };
    if text.is_empty() {
        return;
    }
    let is_mail = is_mail || text.contains('@');
    w.string("system", if is_mail { "email" } else { contact_system(equipment.trim()) });
    w.string("value", &text);
    w.string("use", contact_use(part(2).trim(), equipment.trim()).unwrap_or(usual_use));
    if let Ok(rank @ 1..) = part(18).trim().parse::<u16>() {
        w.integer("rank", i64::from(rank));
    }
    ts::period(w, "period", value.component(13), value.component(14), out);
}

/// HL7 table 0202 to contact-point-system; CP is a phone whose use is mobile.
fn contact_system(equipment: &str) -> &'static str {
    match equipment {
        "FX" => "fax",
        "BP" => "pager",
        "MD" | "SAT" | "TDD" | "TTY" => "other",
        _ => "phone",
    }
}

/// HL7 table 0201, and CP of table 0202, to contact-point-use.
fn contact_use(code: &str, equipment: &str) -> Option<&'static str> {
    match (code, equipment) {
        (_, "CP") | ("PRS", _) => Some("mobile"),
        ("PRN", _) => Some("home"),
        ("WPN", _) => Some("work"),
        _ => None,
    }
}

/// `+country area local Xextension` (XTN.5 to XTN.8).
fn from_parts(value: Value<'_>) -> String {
    let mut text = String::new();
    for (number, prefix) in [(5, "+"), (6, " "), (7, " "), (8, " X")] {
        let part = value.component(number).text();
        if !part.trim().is_empty() {
            text.push_str(prefix);
            text.push_str(part.trim());
        }
    }
    text.trim().to_owned()
}
