//! `source.validation` and `[fhir]`: what is asked of what is sent and written, beyond what R4 asks of everything.

use toml::Spanned;

use super::check::Check;
use super::file;
use super::problem::{self, Problem};
use crate::fhir::ResourceType;
use crate::guide::Library;
use crate::validate::standard::{Policy, Standard};

impl Check<'_> {
    /// Of a sender. Where nobody says otherwise its people are told what is wrong by the guides, when there are guides;
    /// nothing is taken in or left out for it.
    pub(super) fn of_source(&self, written: &file::Source, guides: &Library) -> Result<Standard, Problem> {
        let choices =
            [("off", Policy::Off), ("report", Policy::Report), ("hold", Policy::Hold), ("refuse", Policy::Refuse)];
        let policy = match &written.validation {
            Some(written) => self.choice("source.validation", written, &choices)?,
            None if guides.packages().is_empty() => Policy::Off,
            None => Policy::Report,
        };
        let profiles = self.named("source.profiles", &written.profiles, guides)?;
        Ok(Standard { policy, is_for_mapped: written.validate_mapped, profiles })
    }

    /// Of what is written over REST: nothing, where nobody says otherwise. Its callers are programs that are told at once,
    /// so nothing is held.
    pub(super) fn of_rest(&self, written: &file::Fhir, guides: &Library) -> Result<Standard, Problem> {
        let choices = [("off", Policy::Off), ("report", Policy::Report), ("refuse", Policy::Refuse)];
        let policy = match &written.validation {
            Some(written) => self.choice("fhir.validation", written, &choices)?,
            None => Policy::Off,
        };
        let profiles = self.named("fhir.profiles", &written.profiles, guides)?;
        Ok(Standard { policy, is_for_mapped: false, profiles })
    }

    fn named(&self, key: &str, written: &[Spanned<String>], guides: &Library) -> Result<Vec<String>, Problem> {
        let known = |canonical: &Spanned<String>| {
            let found = guides.meant(ResourceType::STRUCTURE_DEFINITION, canonical.get_ref(), None);
            match found.filter(|placed| placed.definition.profile_of.is_some()) {
                Some(_) => Ok(canonical.get_ref().clone()),
                None => Err(self.at(key, canonical, &problem::PROFILE, String::new())),
            }
        };
        written.iter().map(known).collect()
    }
}
