//! What the network has agreed on (`[network]`), and what a client is in it.

use std::path::Path;

use serde_json::Value;
use toml::Spanned;

use super::check::{Check, FACILITY_CHARACTERS_MAX};
use super::problem::{self, Problem};
use super::{Source, file};
use crate::consent::terms::Limit;
use crate::consent::{Caller, MemberKind, Role, Terms};
use crate::fhir::FacilityCode;
use crate::fhir::time::Interval;

/// Offset of dates that carry none: Japan Standard Time.
const ZONE_MINUTES: i16 = 540;

/// The office's own facility code where none is configured.
const OFFICE: &str = "network-office";

/// The same as it is written: kind, joined, application, emergency.
pub(super) type Standing<'w> =
    (Option<&'w Spanned<String>>, Option<&'w Spanned<String>>, Option<&'w Spanned<String>>, bool);

/// What a client is in the network.
pub(super) struct Member {
    kind: Option<MemberKind>,
    joined: Option<i64>,
    application: Option<(Box<str>, Box<str>)>,
    may_break_glass: bool,
}

impl Member {
    /// The caller of a client.
    pub(super) fn caller(self, id: &str, organization: &str, role: Role) -> Caller {
        let Member { kind, joined, application, may_break_glass } = self;
        Caller { kind, joined, application, may_break_glass, ..Caller::new(id, organization, role) }
    }
}

impl Check<'_> {
    pub(super) fn member(&self, client: &file::Client) -> Result<Member, Problem> {
        let application = client.application.as_ref();
        self.standing("client", (client.kind.as_ref(), client.joined.as_ref(), application, client.emergency))
    }

    /// What a client or a person (`of`) is in the network.
    pub(super) fn standing(&self, of: &str, written: Standing<'_>) -> Result<Member, Problem> {
        let (kind, joined, application, may_break_glass) = written;
        let kinds = MemberKind::ALL.map(|kind| (kind.code(), kind));
        let kind = kind.map(|written| self.choice(&format!("{of}.kind"), written, &kinds)).transpose()?;
        let joined = joined.map(|written| {
            let day = Interval::parse(written.get_ref(), ZONE_MINUTES).map(|day| day.start);
            day.ok_or_else(|| self.at(&format!("{of}.joined"), written, &problem::DATE, String::new()))
        });
        let application = application.map(|written| {
            let parts =
                written.get_ref().split_once('|').filter(|(system, code)| !system.is_empty() && !code.is_empty());
            let parts = parts.map(|(system, code)| (system.into(), code.into()));
            parts.ok_or_else(|| self.at(&format!("{of}.application"), written, &problem::APPLICATION, String::new()))
        });
        let (joined, application) = (joined.transpose()?, application.transpose()?);
        Ok(Member { kind, joined, application, may_break_glass })
    }

    /// The office's own facility code: no sender's, so that its records are nobody else's.
    pub(super) fn office(&self, network: &file::Network, sources: &[Source]) -> Result<FacilityCode, Problem> {
        let Some(written) = &network.facility else { return Ok(FacilityCode::parse(OFFICE)) };
        let facility = FacilityCode::parse(written.get_ref());
        let is_source = sources.iter().any(|source| source.letter.facility == facility);
        let fits = facility.as_str().chars().count() <= FACILITY_CHARACTERS_MAX
            && !facility.as_str().chars().any(char::is_control);
        match facility.is_unstated() || !fits || is_source {
            true => Err(self.at("network.facility", written, &problem::OFFICE, String::new())),
            false => Ok(facility),
        }
    }

    pub(super) fn terms(&self, network: &file::Network, sources: &[Source]) -> Result<Terms, Problem> {
        let mut limits = Vec::new();
        for written in &network.rules {
            for path in rules_in(&self.beside(written.get_ref())) {
                let limit =
                    rule(&path).map_err(|detail| self.at("network.rules", written, &problem::NETWORK_RULE, detail))?;
                limits.push(limit);
            }
        }
        Ok(Terms {
            custodians: sources
                .iter()
                .map(|source| (source.letter.facility.clone(), source.organization.as_str().into()))
                .collect(),
            limits,
            reconsent: network.reconsent,
            emergency_overrides: network.emergency_overrides,
        })
    }
}

/// A file, or the `.json` files of a folder in the order of their names.
fn rules_in(path: &Path) -> Vec<std::path::PathBuf> {
    let Ok(listed) = std::fs::read_dir(path) else { return vec![path.to_owned()] };
    let mut files: Vec<_> = listed.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files
}

fn rule(path: &Path) -> Result<Limit, String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let consent: Value = serde_json::from_slice(&bytes).map_err(|error| format!("{name}: {error}"))?;
    Limit::read(&consent).map_err(|element| format!("{name}: {element}"))
}
