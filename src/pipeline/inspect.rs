//! Whether what a sender states is what is asked of it, and what becomes of it when it is not (`docs/adr/0050`).
//!
//! FHIR is looked at as it was sent, so that the places are the sender's; what other formats are mapped to as it would be
//! stored. A replay does not come by here: what was taken in stays.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{Decided, Outcome, Pipeline, Sending};
use crate::codes::Book;
use crate::decode::format::{Format, sniff};
use crate::decode::{fhir, fhir_xml};
use crate::fault::{Fault, Finding, Issue, Noted, Place, rules};
use crate::fhir::{FacilityCode, ResourceType};
use crate::letter::Letter;
use crate::profile::Profiles;
use crate::validate::standard::{Judgement, Policy, Standard};

rules! {
    HELD "validation-held" Error BusinessRule
        "This does not conform to what is asked of this sender ({} errors); it is kept and waits for somebody to look."
        "この送信元に求められる規格に適合していません(エラー{}件)。原本を保管し、確認待ちにしました。"
    REFUSED "validation-refused" Error BusinessRule
        "This does not conform to what is asked of this sender ({} errors) and is not taken in: correct it and send it again. What was sent is kept."
        "この送信元に求められる規格に適合していないため、取り込みませんでした(エラー{}件)。修正して再送してください。受信した原本は保管しています。"
    FAILED "validation-failed" Error Exception
        "The gateway failed while checking this; please report it to the makers."
        "検証中にゲートウェイ内部で障害が起きました。開発元へお知らせください。"
}

/// Gives the profiles in force. Blocks on storage.
type Source = Box<dyn Fn() -> Result<Arc<Profiles>, Fault> + Send + Sync>;

/// Puts the places of findings of what a letter was mapped to in the terms of its sender.
pub type Terms = fn(&Letter, &Arc<Book>, &mut [Finding]) -> Result<(), Fault>;

/// What is asked of which facility, and by which profiles that is judged.
pub struct Inspection {
    standards: HashMap<FacilityCode, Standard>,
    profiles: Option<Source>,
    terms: Terms,
}

impl Inspection {
    /// Of standards and whatever gives the profiles in force. Where nobody is asked anything, nobody is asked for profiles.
    pub fn new(
        standards: impl Iterator<Item = (FacilityCode, Standard)>,
        profiles: impl Fn() -> Result<Arc<Profiles>, Fault> + Send + Sync + 'static,
    ) -> Self {
        let standards = standards.filter(|(_, standard)| standard.policy != Policy::Off).collect();
        Inspection { standards, profiles: Some(Box::new(profiles)), terms: |_, _, _| Ok(()) }
    }

    /// The same with what knows the terms of senders; asked once of a letter, when it is held or refused.
    #[must_use]
    pub fn with_terms(self, terms: Terms) -> Self {
        Inspection { terms, ..self }
    }

    /// That nothing is asked.
    pub(super) fn none() -> Self {
        Inspection { standards: HashMap::new(), profiles: None, terms: |_, _, _| Ok(()) }
    }

    fn of(&self, letter: &Letter) -> Option<(&Standard, &Source)> {
        Some((self.standards.get(&letter.source.facility)?, self.profiles.as_ref()?))
    }

    /// What there is to say of a letter as it came; nothing of one that is no FHIR.
    pub(super) fn as_sent(&self, letter: &Letter) -> Result<Judgement, Fault> {
        let Some((standard, profiles)) = self.of(letter) else { return Ok(Judgement::default()) };
        let decoded = match sniff(&letter.name, &letter.bytes) {
            Some(Format::FhirJson) => fhir::decode(&letter.bytes),
            Some(Format::FhirXml) => fhir_xml::to_json(&letter.bytes).and_then(|Noted { value: json, issues }| {
                let decoded = fhir::decode(json.as_bytes())?;
                // What XML loses on its way to JSON is the sender's to mend as well (`docs/adr/0058`).
                Ok(Noted { value: decoded.value, issues: [issues, decoded.issues].concat() })
            }),
            _ => return Ok(Judgement::default()),
        };
        // What cannot be decoded is held for that.
        let Ok(noted) = decoded else { return Ok(Judgement::default()) };
        let profiles = profiles()?;
        let mut judgement = Judgement::of_text(&noted.issues);
        judgement.add(unharmed(|| standard.judge(&noted.value, "", &profiles)));
        Ok(judgement.in_order())
    }

    /// What there is to say of what a letter of another format makes, where that is asked for.
    pub(super) fn as_mapped<'d>(
        &self,
        letter: &Letter,
        made: impl Iterator<Item = &'d super::decide::Decision>,
    ) -> Result<Judgement, Fault> {
        let Some((standard, profiles)) = self.of(letter).filter(|(standard, _)| standard.is_for_mapped) else {
            return Ok(Judgement::default());
        };
        if matches!(sniff(&letter.name, &letter.bytes), Some(Format::FhirJson | Format::FhirXml)) {
            return Ok(Judgement::default());
        }
        let (profiles, mut all) = (profiles()?, Judgement::default());
        for version in made.flat_map(|decision| &decision.versions) {
            let is_stated = !version.facts.deleted && !version.is_silent;
            // Where it came from is said by the gateway.
            if is_stated && version.facts.resource_type != ResourceType::PROVENANCE {
                let parsed = serde_json::from_str(&version.body);
                let resource = parsed.map_err(|_| Fault::Broken("a version is not JSON".into()))?;
                all.add(unharmed(|| standard.judge(&resource, &version.reference(), &profiles)));
            }
        }
        Ok(all.in_order())
    }

    /// What becomes of a letter of which this was found: nothing but that its sender is told, or not stored. What somebody of
    /// the network tries anew or corrects stays on the list, whoever is to mend it; so does what the gateway failed over, which
    /// no sender can mend.
    pub(super) fn verdict(&self, sending: &Sending<'_>, judgement: &Judgement) -> Option<Outcome> {
        let (standard, _) = self.of(sending.letter).filter(|_| judgement.errors > 0)?;
        match standard.policy {
            Policy::Off | Policy::Report => None,
            Policy::Refuse if !sending.is_at_desk() && !judgement.is_unfinished => Some(Outcome::Refused),
            Policy::Hold | Policy::Refuse => Some(Outcome::Held),
        }
    }

    /// What there is to say of what a letter that is not stored was mapped to, at the fields of its sender. Where that cannot be
    /// found out the places stay.
    pub(super) fn in_senders_terms(
        &self,
        letter: &Letter,
        book: &Arc<Book>,
        judgement: Judgement,
    ) -> Result<Judgement, Fault> {
        let mut said = judgement.clone();
        let named = AssertUnwindSafe(|| (self.terms)(letter, book, &mut said.findings));
        match catch_unwind(named) {
            Ok(done) => done.map(|()| said),
            Err(_) => Ok(judgement),
        }
    }
}

impl Pipeline {
    /// Checks a letter of another format than FHIR by what it makes; the receipt of one that is not stored for it.
    pub(super) fn inspect_mapped(
        &self,
        sending: &Sending<'_>,
        all: &[Decided],
    ) -> Result<(Option<Outcome>, Judgement), Fault> {
        let inspection = self.inspection();
        let judgement = inspection.as_mapped(sending.letter, all.iter().map(|decided| &decided.decision))?;
        Ok(match inspection.verdict(sending, &judgement) {
            None => (None, judgement),
            verdict => (verdict, inspection.in_senders_terms(sending.letter, &self.book(), judgement)?),
        })
    }
}

/// What the receipt of a letter says that is not stored: that first, then why.
pub(super) fn findings(outcome: Outcome, judgement: Judgement) -> Vec<Finding> {
    let rule = if outcome == Outcome::Refused { &REFUSED } else { &HELD };
    let first = Issue::with(rule, Place::Whole, judgement.errors.to_string());
    std::iter::once(Finding::from(&first)).chain(judgement.findings).collect()
}

/// A check that panics is our mistake; it says so, and nobody else is disturbed.
fn unharmed(work: impl FnOnce() -> Judgement) -> Judgement {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let failed = Finding::from(&Issue::new(&FAILED, Place::Whole));
        Judgement { findings: vec![failed], errors: 1, is_unfinished: true }
    })
}

impl std::fmt::Debug for Inspection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.standards)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::Library;

    #[test]
    fn what_the_gateway_fails_over_is_nobodys_to_mend() {
        let facility = FacilityCode::parse("0119999901");
        let source = crate::letter::Source { facility: facility.clone(), zone_minutes: 540 };
        let letter = Letter { source: source.into(), name: "a".into(), bytes: Vec::new() };
        let sending = Sending::new(&letter, letter.id());
        let wrong = Judgement { errors: 1, ..Judgement::default() };
        let mut both = wrong.clone();
        both.add(unharmed(|| panic!("on purpose")));
        assert_eq!((both.errors, &*both.findings[0].rule), (2, "validation-failed"));
        for (policy, of_wrong, of_both) in [
            (Policy::Report, None, None),
            (Policy::Hold, Some(Outcome::Held), Some(Outcome::Held)),
            (Policy::Refuse, Some(Outcome::Refused), Some(Outcome::Held)),
        ] {
            let standard = Standard { policy, ..Standard::default() };
            let profiles = || Ok(Arc::new(Profiles::new(Arc::new(Library::default()))));
            let inspection = Inspection::new([(facility.clone(), standard)].into_iter(), profiles);
            let verdict = |judgement| inspection.verdict(&sending, judgement);
            assert_eq!((verdict(&wrong), verdict(&both)), (of_wrong, of_both), "{policy:?}");
        }
    }
}
