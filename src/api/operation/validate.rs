//! `$validate` (OperationDefinition Resource-validate): what a create, an update or a delete would say, without doing it, and what
//! the profiles say that are named, claimed, or R4's own.
//!
//! It is asked of the very functions that writes are prepared and judged by, so the two cannot disagree. The answer is 200 with an
//! OperationOutcome whatever it says; what tells that the validation could not be done is a parameter that cannot be read.

use serde_json::Value;

use super::parameters::refused;
use super::{Call, Level, common, rules};
use crate::api::answer::Answer;
use crate::api::criteria::{self, Found};
use crate::api::routes::blocking;
use crate::api::trail::Trail;
use crate::api::write::prepare::Body;
use crate::api::write::single::{defined, refusal};
use crate::api::write::{Action, Asking, Prepared, Sent, Stop, Target, prepare};
use crate::app::Gateway;
use crate::consent::{self, Caller};
use crate::fault::{Finding, Issue, Place, Severity, Status};
use crate::fhir::{ResourceId, ResourceType};
use crate::profile::Profiles;
use crate::validate::profile::against;
use crate::validate::standard::{once, rank};

/// Profiles that one call may name.
const PROFILES_MAX: usize = 32;
/// Longest canonical that is looked for.
const CANONICAL_CHARACTERS_MAX: usize = 512;
/// Profiles that are named where another is asked for that is not loaded.
const NAMED_MAX: usize = 20;
/// The note by which a code system that is not loaded is told.
const NOT_LOADED_CODES: &str = "profile-not-loaded-codes";

/// `mode`: for what the resource is to be good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// To be stored at all.
    General,
    /// To be created.
    Create,
    /// To be what the resource is updated with.
    Update,
    /// To be taken away.
    Delete,
    /// The resource as it is stored.
    Profile,
}

/// What is to be validated.
struct Wanted {
    mode: Mode,
    resource_type: ResourceType,
    id: Option<ResourceId>,
    sent: Option<String>,
    /// The profiles that are named, beside those that the resource claims.
    profiles: Vec<String>,
}

/// What there is to say, and what was looked at of the store for it.
type Said = (Vec<Finding>, Option<Found>);

pub(super) async fn validate(call: Call<'_>, trail: &mut Trail) -> Result<Answer, Stop> {
    let (resource_type, id) = match &call.level {
        Level::Instance(resource_type, id) => (*resource_type, Some(id.clone())),
        Level::Type(resource_type) => (*resource_type, None),
        Level::System => return Ok(Answer::not_found()),
    };
    let sent = call.parameters.resource("resource").map(str::to_owned);
    let mode = call.parameters.text("mode")?;
    let Some(mode) = Mode::read(mode.as_deref(), id.is_some(), sent.is_some()) else {
        return Ok(answer(vec![Finding::from(&Issue::new(&rules::MODE, Place::Whole))]));
    };
    let profiles = named(&call)?;
    let of_text: Vec<Finding> = call.parameters.noticed.iter().map(Finding::from).collect();
    let wanted = Wanted { mode, resource_type, id, sent, profiles };
    let (gateway, caller) = (call.gateway.clone(), call.caller.clone());
    match blocking(move || Ok(wanted.said(&gateway, &caller))).await? {
        Ok((noticed, seen)) => {
            if let Some(seen) = seen {
                trail.saw(seen.patient, None, 1);
            }
            Ok(answer([of_text, noticed].concat()))
        }
        // Nothing is there to be validated, for this caller.
        Err(Stop::Refused(Status::NotFound, _)) => Ok(Answer::not_found()),
        Err(Stop::Refused(_, found)) => {
            Ok(answer(of_text.into_iter().chain(found.iter().map(Finding::from)).collect()))
        }
        Err(other) => Err(other),
    }
}

/// The canonicals that `profile` names, each once.
fn named(call: &Call<'_>) -> Result<Vec<String>, Stop> {
    let mut named = Vec::new();
    for value in call.parameters.values("profile") {
        let canonical = value.as_str().filter(|text| text.chars().count() <= CANONICAL_CHARACTERS_MAX);
        let canonical = canonical.ok_or_else(|| refused(&common::VALUE, "profile"))?;
        if !named.iter().any(|known| known == canonical) {
            named.push(canonical.to_owned());
        }
    }
    match named.len() <= PROFILES_MAX {
        true => Ok(named),
        false => Err(Stop::because(Status::BadRequest, &rules::TOO_MANY_PARAMETERS, &PROFILES_MAX.to_string())),
    }
}

impl Mode {
    /// The mode of this code, where it can be done at that level.
    fn read(code: Option<&str>, at_instance: bool, with_resource: bool) -> Option<Mode> {
        Some(match code {
            // Nothing is sent to be looked at, so it is the resource as it is.
            None if at_instance && !with_resource => Mode::Profile,
            None => Mode::General,
            Some("create") => Mode::Create,
            Some("update") if at_instance => Mode::Update,
            Some("delete") if at_instance => Mode::Delete,
            Some("profile") if at_instance && !with_resource => Mode::Profile,
            Some("profile") => Mode::General,
            Some(_) => return None,
        })
    }
}

impl Wanted {
    /// What there is to say of it, whether something is wrong or not. Blocks on storage.
    fn said(&self, gateway: &Gateway, caller: &Caller) -> Result<Said, Stop> {
        let resource_type = self.resource_type;
        let (action, target) = match (self.mode, &self.id) {
            (Mode::General, _) => return Ok((self.judged(gateway, self.resource()?)?.0, None)),
            (Mode::Create, _) => (Action::Create, Target::New),
            (Mode::Update, Some(id)) => (Action::Update, Target::Instance(id.clone())),
            (Mode::Delete, Some(id)) => (Action::Delete, Target::Instance(id.clone())),
            (Mode::Profile, Some(id)) => {
                caller.may(consent::Action::Read, resource_type)?;
                let found = criteria::by_id(gateway, caller, resource_type, id)?;
                let found = found.ok_or_else(|| Stop::because(Status::NotFound, &rules::MODE, ""))?;
                return Ok((self.judged(gateway, &found.body()?)?.0, Some(found)));
            }
            (_, None) => return Err(Stop::because(Status::BadRequest, &rules::MODE, "")),
        };
        let (mut noticed, mut is_sound) = (Vec::new(), true);
        let sent = match action {
            Action::Delete => Sent::Nothing,
            _ => {
                let text = self.resource()?;
                (noticed, is_sound) = self.judged(gateway, text)?;
                Sent::Resource(text.to_owned())
            }
        };
        let asking = Asking { action, resource_type, target, sent, if_match: None, if_none_match: None };
        // Of what R4 does not allow nothing else is asked; who may not write is told that all the same.
        if !is_sound {
            caller.may(asking.action.asks(), resource_type)?;
            return Ok((noticed, None));
        }
        match write(gateway, caller, &asking) {
            Err(Stop::Refused(status, found)) if status != Status::NotFound => {
                let mut all: Vec<Finding> = found.iter().map(Finding::from).collect();
                // What a write is refused for by profiles is said already, and better.
                all.retain(|one| !noticed.iter().any(|said| said.place == one.place && said.severity == one.severity));
                all.extend(noticed);
                Ok((all, None))
            }
            done => done.map(|()| (noticed, None)),
        }
    }

    /// What R4 and profiles say of a resource, and whether R4 lets it be stored.
    fn judged(&self, gateway: &Gateway, text: &str) -> Result<(Vec<Finding>, bool), Stop> {
        let conformance = gateway.conformance()?;
        let profiles = conformance.profiles();
        let (issues, value, is_sound) = match Body::read(text, self.resource_type) {
            Ok(body) => (body.noticed, Some(body.value), true),
            Err(Stop::Refused(_, issues)) => {
                let is_type = |value: &Value| value["resourceType"] == self.resource_type.name();
                (issues, serde_json::from_str(text).ok().filter(is_type), false)
            }
            Err(other) => return Err(other),
        };
        let mut said: Vec<Finding> = issues.iter().map(Finding::from).collect();
        let (known, mut unknown) = self.sorted(profiles);
        if let Some(value) = &value {
            said.extend(against(value, &known, profiles).iter().map(Finding::from));
        }
        // Where nothing at all is loaded, that is said as a whole.
        if profiles.library().packages().is_empty() {
            said.retain(|one| one.rule != NOT_LOADED_CODES);
            if said.is_empty() && unknown.is_empty() {
                unknown.push(Finding::from(&Issue::new(&rules::ALL_OK_BASE, Place::Whole)));
            }
        }
        said.append(&mut unknown);
        let mut said = once(said);
        said.sort_by_key(rank);
        Ok((said, is_sound))
    }

    /// The profiles that are named and loaded, and what is said of those that are not: which ones there are instead.
    fn sorted(&self, profiles: &Profiles) -> (Vec<&str>, Vec<Finding>) {
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for canonical in &self.profiles {
            match profiles.find(canonical, None) {
                Some(_) => known.push(canonical.as_str()),
                // What the base definitions ask is asked of everything.
                None if is_base(canonical, self.resource_type) => {}
                None => unknown.push(Issue::with(&rules::UNKNOWN_PROFILE, Place::Whole, visible(canonical))),
            }
        }
        if !unknown.is_empty() {
            let of_type = profiles.of_resources().iter().filter(|(of, _)| *of == self.resource_type);
            let names: Vec<&str> = of_type.map(|(_, canonical)| &**canonical).collect();
            let more = match names.len().saturating_sub(NAMED_MAX) {
                0 => String::new(),
                more => format!(" +{more}"),
            };
            let listed = if names.is_empty() { "-".to_owned() } else { names[..names.len().min(NAMED_MAX)].join(" ") };
            let detail = format!("{}: {listed}{more}", self.resource_type.name());
            unknown.push(Issue::with(&rules::KNOWN_PROFILES, Place::Whole, detail));
        }
        (known, unknown.iter().map(Finding::from).collect())
    }

    fn resource(&self) -> Result<&str, Stop> {
        self.sent.as_deref().ok_or_else(|| Stop::because(Status::BadRequest, &rules::MISSING, "resource"))
    }
}

/// Whether a profile is the definition of the type itself, in the version that is spoken here or in none.
fn is_base(url: &str, resource_type: ResourceType) -> bool {
    let (url, version) = url.split_once('|').unwrap_or((url, "4.0.1"));
    let name = url.strip_prefix("http://hl7.org/fhir/StructureDefinition/");
    let is_type =
        name.is_some_and(|name| name == resource_type.name() || matches!(name, "Resource" | "DomainResource"));
    is_type && matches!(version, "4.0.1" | "4.0")
}

/// Whether a write could be done as things stand.
fn write(gateway: &Gateway, caller: &Caller, asking: &Asking) -> Result<(), Stop> {
    if let Prepared::Statement(statement, _) = prepare(gateway, caller, asking)? {
        let statements = [*statement];
        if let Some((_, stop)) = defined(gateway, &statements)? {
            return Err(stop);
        }
        if let Some(refused) = gateway.pipeline().refuses(&statements)? {
            return Err(refusal(&statements, refused).0);
        }
    }
    Ok(())
}

/// A canonical as an answer may repeat it.
fn visible(canonical: &str) -> String {
    canonical.chars().filter(|c| c.is_ascii_graphic()).collect()
}

/// The answer: 200, and that all is well where nothing is wrong. What could not be checked is no part of that.
fn answer(mut said: Vec<Finding>) -> Answer {
    let is_note = |one: &Finding| one.severity == Severity::Information.code();
    if !said.iter().all(is_note) {
        said.retain(|one| one.rule != rules::ALL_OK_BASE.id);
    }
    if said.iter().all(|one| is_note(one) && one.rule != rules::ALL_OK_BASE.id) {
        said.insert(0, Finding::from(&Issue::new(&rules::ALL_OK, Place::Whole)));
    }
    Answer::findings(Status::Ok, &said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_belongs_to_a_level() {
        for (code, at_instance, with_resource, expected) in [
            (None, false, true, Some(Mode::General)),
            (None, true, true, Some(Mode::General)),
            (None, true, false, Some(Mode::Profile)),
            (Some("create"), false, true, Some(Mode::Create)),
            (Some("update"), true, true, Some(Mode::Update)),
            (Some("update"), false, true, None),
            (Some("delete"), true, false, Some(Mode::Delete)),
            (Some("delete"), false, false, None),
            (Some("profile"), true, false, Some(Mode::Profile)),
            (Some("nonsense"), true, true, None),
        ] {
            assert_eq!(Mode::read(code, at_instance, with_resource), expected, "{code:?} {at_instance}");
        }
    }

    #[test]
    fn only_the_base_definitions_are_known() {
        let patient =
            |name: &str| is_base(&format!("http://hl7.org/fhir/StructureDefinition/{name}"), ResourceType::PATIENT);
        assert!(patient("Patient") && patient("Patient|4.0.1") && patient("DomainResource"));
        assert!(!patient("Observation") && !patient("Patient|5.0.0") && !patient("patient-of-mine"));
        assert!(!is_base("Patient", ResourceType::PATIENT));
    }
}
