//! `$validate` (OperationDefinition Resource-validate): what a create, an update or a delete would say, without doing it.
//!
//! It is asked of the very functions that writes are prepared and judged by, so the two cannot disagree. The answer is 200 with an
//! OperationOutcome whatever it says; what tells that the validation could not be done is a parameter that cannot be read.

use super::{Call, Level, rules};
use crate::api::answer::Answer;
use crate::api::criteria::{self, Found};
use crate::api::routes::blocking;
use crate::api::trail::Trail;
use crate::api::write::prepare::Body;
use crate::api::write::single::{defined, refusal};
use crate::api::write::{Action, Asking, Prepared, Sent, Stop, Target, prepare};
use crate::app::Gateway;
use crate::consent::{self, Caller};
use crate::fault::{Issue, Place, Status};
use crate::fhir::{ResourceId, ResourceType};

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
}

pub(super) async fn validate(call: Call<'_>, trail: &mut Trail) -> Result<Answer, Stop> {
    let (resource_type, id) = match call.level {
        Level::Instance(resource_type, id) => (resource_type, Some(id)),
        Level::Type(resource_type) => (resource_type, None),
        Level::System => return Ok(Answer::not_found()),
    };
    let sent = call.parameters.resource("resource").map(str::to_owned);
    let mode = call.parameters.text("mode")?;
    let Some(mode) = Mode::read(mode.as_deref(), id.is_some(), sent.is_some()) else {
        return Ok(issues(&[Issue::new(&rules::MODE, Place::Whole)]));
    };
    if !call.parameters.values("profile").all(|profile| profile.as_str().is_some_and(|url| is_base(url, resource_type)))
    {
        return Ok(issues(&[Issue::new(&rules::UNKNOWN_PROFILE, Place::Whole)]));
    }
    let wanted = Wanted { mode, resource_type, id, sent };
    let (gateway, caller) = (call.gateway.clone(), call.caller.clone());
    match blocking(move || Ok(wanted.said(&gateway, &caller))).await? {
        Ok((noticed, seen)) => {
            if let Some(seen) = seen {
                trail.saw(seen.patient, None, 1);
            }
            Ok(issues(&noticed))
        }
        // Nothing is there to be validated, for this caller.
        Err(Stop::Refused(Status::NotFound, _)) => Ok(Answer::not_found()),
        Err(Stop::Refused(_, found)) => Ok(issues(&found)),
        Err(other) => Err(other),
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
    /// What there is to say of it, when nothing is wrong. Blocks on storage.
    fn said(&self, gateway: &Gateway, caller: &Caller) -> Result<(Vec<Issue>, Option<Found>), Stop> {
        let resource_type = self.resource_type;
        let (action, target) = match (self.mode, &self.id) {
            (Mode::General, _) => return Ok((Body::read(self.resource()?, resource_type)?.noticed, None)),
            (Mode::Create, _) => (Action::Create, Target::New),
            (Mode::Update, Some(id)) => (Action::Update, Target::Instance(id.clone())),
            (Mode::Delete, Some(id)) => (Action::Delete, Target::Instance(id.clone())),
            (Mode::Profile, Some(id)) => {
                caller.may(consent::Action::Read, resource_type)?;
                let found = criteria::by_id(gateway, caller, resource_type, id)?;
                let found = found.ok_or_else(|| Stop::because(Status::NotFound, &rules::MODE, ""))?;
                let noticed = Body::read(&found.body()?, resource_type)?.noticed;
                return Ok((noticed, Some(found)));
            }
            (_, None) => return Err(Stop::because(Status::BadRequest, &rules::MODE, "")),
        };
        let mut noticed = Vec::new();
        let sent = match action {
            Action::Delete => Sent::Nothing,
            _ => {
                let text = self.resource()?;
                noticed = Body::read(text, resource_type)?.noticed;
                Sent::Resource(text.to_owned())
            }
        };
        let asking = Asking { action, resource_type, target, sent, if_match: None, if_none_match: None };
        if let Prepared::Statement(statement, _) = prepare(gateway, caller, &asking)? {
            let statements = [*statement];
            if let Some((_, stop)) = defined(gateway, &statements)? {
                return Err(stop);
            }
            if let Some(refused) = gateway.pipeline().refuses(&statements)? {
                return Err(refusal(&statements, refused).0);
            }
        }
        Ok((noticed, None))
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

/// The answer: 200, and that all is well where nothing is wrong.
fn issues(found: &[Issue]) -> Answer {
    let well = [Issue::new(&rules::ALL_OK, Place::Whole)];
    Answer::outcome(Status::Ok, if found.is_empty() { &well } else { found })
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
