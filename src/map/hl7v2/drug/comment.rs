//! Comments on how a drug is given. JP Core has an extension for each thing that can be commented on
//! (JP_MedicationDosage_RateComment and others).

use crate::decode::hl7v2::Value;
use crate::fhir::{Writer, system};
use crate::map::Output;
use crate::map::hl7v2::datatype::cwe;

/// The words of a comment that is not coded. Senders put words into the place of the code: without a table and a name beside
/// it, what has spaces or is not ASCII is no code.
pub(crate) fn words(value: Value<'_>) -> Option<String> {
    let code = cwe::code(value);
    let is_alone = [2, 3, 4, 5, 6].into_iter().all(|n| !value.component(n).is_valued());
    if code.is_empty() {
        return Some(cwe::text(value)).filter(|text| !text.is_empty());
    }
    (is_alone && (code.contains(' ') || !code.is_ascii())).then_some(code)
}

/// Writes a CodeableConcept member of a comment, in words when it is not coded.
pub(crate) fn concept(w: &mut Writer, name: &str, value: Value<'_>, table: &str, out: &mut Output) {
    match words(value) {
        Some(words) => w.object(name, |w| w.string("text", &words)),
        None => cwe::concept(w, name, value, table, out),
    }
}

/// The same as an item of an array.
pub(crate) fn concept_item(w: &mut Writer, value: Value<'_>, table: &str, out: &mut Output) {
    match words(value) {
        Some(words) => w.item(|w| w.string("text", &words)),
        None => cwe::concept_item(w, value, table, out),
    }
}

/// What a comment is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// 用法.
    Dosage,
    /// 投与経路.
    Route,
    /// 投与部位.
    Site,
    /// 手技.
    Method,
    /// 投与速度.
    Rate,
}

impl About {
    /// The comment tables of SS-MIX2 whose contents are published: 99IC2 左手に実施, 99IC6 ５時間一定速度で.
    pub(crate) fn of(value: Value<'_>) -> Option<Self> {
        let table = [3, 6].map(|n| value.component(n).text().trim().to_owned());
        match table.iter().find(|t| !t.is_empty())?.as_str() {
            "99IC2" => Some(About::Route),
            "99IC6" => Some(About::Rate),
            _ => None,
        }
    }

    fn extension(self) -> &'static str {
        match self {
            About::Dosage => "JP_MedicationDosage_DosageComment",
            About::Route => "JP_MedicationDosage_RouteComment",
            About::Site => "JP_MedicationDosage_SiteComment",
            About::Method => "JP_MedicationDosage_MethodComment",
            About::Rate => "JP_MedicationDosage_RateComment",
        }
    }

    /// Writes the comment as an item of `extension`: a concept when it is coded, else its text.
    pub(crate) fn write(self, w: &mut Writer, value: Value<'_>, out: &mut Output) {
        match words(value) {
            Some(words) => self.write_text(w, &words),
            None => w.item(|w| {
                if value.is_valued() {
                    w.string("url", &self.url());
                    cwe::concept(w, "valueCodeableConcept", value, "", out);
                }
            }),
        }
    }

    /// Writes a comment in words as an item of `extension`.
    pub(crate) fn write_text(self, w: &mut Writer, text: &str) {
        if !text.is_empty() {
            w.item(|w| {
                w.string("url", &self.url());
                w.string("valueString", text);
            });
        }
    }

    fn url(self) -> String {
        format!("{}{}", system::JP_EXTENSION, self.extension())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::hl7v2::Message;

    #[test]
    fn words_in_the_place_of_a_code_are_words() {
        let of = |field: &str| {
            let text = format!("MSH|^~\\&|H\rRXE|1|{field}");
            let message = Message::parse(&text).unwrap().value;
            words(message.first("RXE").unwrap().field(2))
        };
        for (field, expected) in [
            ("^食後すぐ", Some("食後すぐ")),
            ("食後すぐ", Some("食後すぐ")),
            ("Take with water", Some("Take with water")),
            ("01^食後すぐ^99DEM", None),
            ("PRN", None),
            ("A B^^99DEM", None),
            ("", None),
        ] {
            assert_eq!(of(field).as_deref(), expected, "{field}");
        }
    }
}
