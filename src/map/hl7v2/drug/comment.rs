//! Comments on how a drug is given. JP Core has an extension for each thing that can be commented on
//! (JP_MedicationDosage_RateComment and others).

use crate::decode::hl7v2::Value;
use crate::fhir::{Writer, system};
use crate::map::Output;
use crate::map::hl7v2::datatype::cwe;

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
        if !cwe::code(value).is_empty() {
            w.item(|w| {
                w.string("url", &self.url());
                cwe::concept(w, "valueCodeableConcept", value, "", out);
            });
        } else {
            self.write_text(w, &cwe::text(value));
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
