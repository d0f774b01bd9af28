//! Whose form it is: the registration that the office has of the person already, the records that are certainly the
//! person's, and those at which somebody must look (docs/adr/0043).

use super::form::Form;
use super::{Stop, rule};
use crate::app::Gateway;
use crate::fault::Fault;
use crate::fhir::{FacilityCode, PatientKey};
use crate::identity::{Level, Traits, Verdict, contradict, evidence};

/// A record that may be the person's.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Which.
    pub record: PatientKey,
    /// Whose it is.
    pub facility: FacilityCode,
    /// Whether the rules would link it; it waits for somebody all the same.
    pub is_certain: bool,
    /// Score in bits.
    pub score: f32,
    /// What agrees: family, given, birth, sex, address, phone, medical, care, local.
    pub agrees: Vec<&'static str>,
    /// What is something else.
    pub differs: Vec<&'static str>,
}

/// Whose form it is.
#[derive(Debug, Default)]
pub(super) struct Whose {
    /// The registration that there is.
    pub(super) record: Option<PatientKey>,
    /// Records that are the person's, the registration included: by the rules, or confirmed at the counter.
    pub(super) confirmed: Vec<PatientKey>,
    /// Records that may be.
    pub(super) candidates: Vec<Candidate>,
    /// Registrations of somebody with just the same particulars, of whom no rule says that it is the same person.
    pub(super) alike: Vec<PatientKey>,
}

/// Finds whose form it is. Blocks on storage.
pub(super) fn whose(gateway: &Gateway, form: &Form) -> Result<Whose, Stop> {
    let traits = form.traits();
    for named in form.link.iter().chain(&form.separate) {
        if gateway.store().head(*named)?.is_none() {
            return Err(Stop::because(&rule::NO_RECORD, "link", named.reference()));
        }
    }
    let mut found = found(gateway, &traits, &form.separate)?;
    found.confirmed.retain(|record| !form.link.contains(record));
    // What was confirmed at the counter comes first.
    found.confirmed.splice(0..0, form.link.iter().copied());
    found.candidates.retain(|candidate| !form.link.contains(&candidate.record));
    found.record = registration(gateway, &found.confirmed, &form.separate)?;
    if let Some(number) = form.number.as_deref().filter(|_| found.record.is_none()) {
        let record = PatientKey::derive(gateway.office(), number.trim());
        if let Some(known) = gateway.linker().traits(record)? {
            let is_other = contradict(&traits, &known) || form.separate.contains(&record);
            if is_other {
                return Err(Stop::because(&rule::NUMBER_TAKEN, "number", record.reference()));
            }
            found.confirmed.push(record);
            found.candidates.retain(|candidate| candidate.record != record);
            found.record = Some(record);
        }
    }
    let Whose { confirmed, alike, .. } = &mut found;
    alike.retain(|record| !confirmed.contains(record));
    Ok(found)
}

/// The records that share something with these traits. Blocks on storage.
pub(super) fn found(gateway: &Gateway, traits: &Traits, but: &[PatientKey]) -> Result<Whose, Fault> {
    let mut whose = Whose::default();
    let linker = gateway.linker();
    for found in linker.find(traits)?.into_iter().filter(|found| !but.contains(&found.record)) {
        let facility = facility(gateway, found.record)?;
        let known = linker.traits(found.record)?.unwrap_or_default();
        if facility == *gateway.office() && known == *traits {
            whose.alike.push(found.record);
        }
        let is_certain = matches!(found.verdict, Verdict::Same(_));
        if is_certain {
            whose.confirmed.push(found.record);
        }
        let (agrees, differs) = compared(traits, &known);
        let (record, score) = (found.record, found.score);
        whose.candidates.push(Candidate { record, facility, is_certain, score, agrees, differs });
    }
    Ok(whose)
}

/// The registration among records of a person, and those linked with them.
pub(super) fn registration(
    gateway: &Gateway,
    confirmed: &[PatientKey],
    but: &[PatientKey],
) -> Result<Option<PatientKey>, Fault> {
    for record in confirmed {
        if facility(gateway, *record)? == *gateway.office() {
            return Ok(Some(*record));
        }
    }
    for record in confirmed {
        for other in &gateway.chart(*record)?.person {
            if facility(gateway, *other)? == *gateway.office() && !but.contains(other) {
                return Ok(Some(*other));
            }
        }
    }
    Ok(None)
}

/// The facility that keeps a record.
pub(super) fn facility(gateway: &Gateway, record: PatientKey) -> Result<FacilityCode, Fault> {
    Ok(FacilityCode::parse(&gateway.store().head(record)?.map(|head| head.facility).unwrap_or_default()))
}

/// What agrees, and what is something else.
fn compared(a: &Traits, b: &Traits) -> (Vec<&'static str>, Vec<&'static str>) {
    use crate::identity::birth::Birth;
    let found = evidence(a, b);
    let birth = match found.birth {
        Some(Birth::Same) => Level::Same,
        Some(Birth::Far) => Level::Far,
        Some(_) => Level::Near,
        None => Level::Unknown,
    };
    let parts = [
        ("family", found.family),
        ("given", found.given),
        ("birth", birth),
        ("sex", found.sex),
        ("address", found.address),
        ("phone", found.phone),
        ("medical", found.medical),
        ("care", found.care),
        ("local", found.local),
    ];
    let of = |wanted: Level| parts.iter().filter(|(_, level)| *level == wanted).map(|(name, _)| *name).collect();
    (of(Level::Same), of(Level::Far))
}
