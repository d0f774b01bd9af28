//! What the network itself has agreed on and no patient changes (地域の運用規程): which facility an Organization is, what is published
//! at most and to whom, and how members who join later and emergencies are treated (docs/adr/0036, docs/adr/0037).

use std::collections::HashMap;

use serde_json::Value;

use super::directive::ConsentVersion;
use super::rule::{Noticed, Rule};
use crate::fhir::FacilityCode;

/// The network's terms; without any, nothing is narrowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The Organization (`Organization/a`) behind each facility that sends.
    pub custodians: HashMap<FacilityCode, Box<str>>,
    /// What narrows every consent.
    pub limits: Vec<Limit>,
    /// Whether consents for every member are not for those who joined after they were given.
    pub reconsent: bool,
    /// Whether a patient's denials count in an emergency only where they name it (`purpose` ETREAT, BTG); all of them do
    /// otherwise.
    pub emergency_overrides: bool,
}

/// One rule of the network's: a Consent about nobody, of which only what it denies counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Its id, for explanations; its version is 0.
    pub name: ConsentVersion,
    /// What it says.
    pub rule: Rule,
}

impl Limit {
    /// Reads a Consent without a patient. An error is the element that is not understood; nothing of it may be taken for
    /// unwritten, so a network with such a rule does not start.
    pub fn read(consent: &Value) -> Result<Limit, &'static str> {
        let id = consent["id"].as_str().filter(|id| !id.is_empty()).ok_or("Consent.id")?;
        if consent["resourceType"] != "Consent" || consent["status"] != "active" {
            return Err("Consent.status");
        }
        if consent.get("patient").is_some() {
            return Err("Consent.patient");
        }
        let provision = consent["provision"].as_object().ok_or("Consent.provision")?;
        let mut noticed: Noticed = None;
        let rule = Rule::read(provision, 0, &mut noticed)?;
        match noticed {
            Some(place) => Err(place),
            None => Ok(Limit { name: ConsentVersion { id: id.into(), version: 0 }, rule }),
        }
    }
}
