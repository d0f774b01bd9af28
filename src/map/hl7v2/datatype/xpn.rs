//! XPN extended person name (HL7 v2.5 2A.88) to HumanName; XPN.8 (table 0465) says kanji, kana or roman letters.

use super::ts;
use crate::decode::hl7v2::Value;
use crate::fault::{IssueType, Rule, Severity};
use crate::fhir::{Writer, system};
use crate::map::Output;

/// A sender forgot one `^`.
pub static NAME_SHIFTED: Rule = Rule {
    id: "v2-name-shifted",
    severity: Severity::Information,
    code: IssueType::Structure,
    en: "The name's type code and representation stand one component too early; they were read as meant.",
    ja: "氏名の種別と表記区分が1成分前にずれています。意図どおりに読みました。",
};

/// What is told of a name beside its parts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NameKind<'a> {
    /// HL7 table 0200.
    pub(super) use_code: &'a str,
    /// HL7 table 0465.
    pub(super) representation: &'a str,
    /// What stands behind the name beside its own suffix: academic degrees, professional letters.
    pub(super) degrees: [&'a str; 2],
}

/// Writes one repetition as a HumanName into an item or object.
pub fn human_name(w: &mut Writer, value: Value<'_>, out: &mut Output) {
    let mut use_code = value.component(7).text();
    let mut representation = value.component(8).text();
    let (mut degree, letters) = (value.component(6).text(), value.component(14).text());
    // A widespread test data generator writes `姓^名^^^^L^I`: XPN.6 and XPN.7 hold what belongs into XPN.7 and XPN.8.
    if representation.is_empty() && value.component(6).text() == "L" && matches!(&*use_code, "I" | "P" | "A") {
        representation = use_code;
        use_code = "L".into();
        degree = "".into();
        out.doubt(&NAME_SHIFTED, &value);
    }
    let degrees = [degree.trim(), letters.trim()];
    write(w, value, 1, NameKind { use_code: use_code.trim(), representation: representation.trim(), degrees });
    // XPN.10 is the older way to say it: a range.
    let range = value.component(10);
    let is_range = !value.component(12).is_valued() && !value.component(13).is_valued();
    let bounds =
        if is_range { [range.subcomponent(1), range.subcomponent(2)] } else { [12, 13].map(|n| value.component(n)) };
    ts::period(w, "period", bounds[0], bounds[1], out);
}

/// Writes family, given and what goes with them; `first` is the component of the family name (1 in XPN, 2 in XCN).
pub(super) fn write(w: &mut Writer, value: Value<'_>, first: u16, kind: NameKind<'_>) {
    let part = |offset: u16| value.component(first + offset).text();
    let (family, given, further) = (part(0), part(1), part(2));
    let text: Vec<&str> = [&family, &given, &further].iter().map(|t| t.trim()).filter(|t| !t.is_empty()).collect();
    if text.is_empty() {
        return;
    }
    w.array("extension", |w| {
        w.item(|w| {
            if let Some(code) = representation(kind.representation) {
                w.string("url", system::NAME_REPRESENTATION);
                w.string("valueCode", code);
            }
        });
    });
    w.string("use", name_use(kind.use_code));
    w.string("text", &text.join(" "));
    w.string("family", family.trim());
    w.array("given", |w| {
        w.item_string(given.trim());
        w.item_string(further.trim());
    });
    w.array("prefix", |w| w.item_string(part(4).trim()));
    w.array("suffix", |w| {
        w.item_string(part(3).trim());
        kind.degrees.into_iter().for_each(|degree| w.item_string(degree));
    });
}

/// HL7 table 0465 to iso21090-EN-representation.
fn representation(code: &str) -> Option<&'static str> {
    match code {
        "I" => Some("IDE"),
        "P" => Some("SYL"),
        "A" => Some("ABC"),
        _ => None,
    }
}

/// HL7 table 0200 to name-use (HL7 v2-to-FHIR table map).
fn name_use(code: &str) -> &'static str {
    match code {
        "L" | "R" => "official",
        "D" => "usual",
        "M" => "maiden",
        "N" => "nickname",
        "NAV" | "TEMP" => "temp",
        "MSK" => "anonymous",
        "BAD" => "old",
        _ => "",
    }
}
