//! Reading what is on record of a registration, and writing it: statements of the gateway's own, checked like anybody's.

use serde_json::Value;

use super::{Stop, rule};
use crate::app::Gateway;
use crate::fault::Fault;
use crate::fhir::json::Members;
use crate::fhir::{Draft, PatientKey, ResourceId, ResourceType};
use crate::pipeline::{Content, Expected, Pipeline, Put, Refused, Stated, Statement, Unrelated};
use crate::validate;

/// How often it is decided anew when somebody was faster.
pub(super) const TRIES: usize = 8;

/// A resource as it is on record.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) version: u32,
    pub(super) body: Value,
}

/// The current version of a resource of a record. Blocks on storage.
pub(super) fn kept(
    gateway: &Gateway,
    record: PatientKey,
    resource_type: ResourceType,
    id: &ResourceId,
) -> Result<Option<Kept>, Fault> {
    let chart = gateway.chart(record)?;
    let Some(row) = chart.row(resource_type, id) else { return Ok(None) };
    let body =
        serde_json::from_slice(&chart.body(row)?).map_err(|_| Fault::Broken("a stored resource is not JSON".into()))?;
    Ok(Some(Kept { version: chart.columns.versions[row], body }))
}

/// That a resource is to be this from now on, in a record in which it was `kept`. A refusal names the elements that are wrong.
pub(super) fn put(
    resource_type: ResourceType,
    record: PatientKey,
    resource: &Value,
    kept: Option<&Kept>,
) -> Result<Statement, Stop> {
    let issues = validate::base(resource);
    if !validate::is_sound(&issues) {
        return Err(Stop::Refused(issues));
    }
    Ok(put_again(resource_type, record, resource, kept)?)
}

/// The same of a resource that is on record but for a little: it was taken in as it is.
pub(super) fn put_again(
    resource_type: ResourceType,
    record: PatientKey,
    resource: &Value,
    kept: Option<&Kept>,
) -> Result<Statement, Fault> {
    let broken = || Fault::Broken("a resource that was made here is none".into());
    let id = resource["id"].as_str().and_then(ResourceId::parse).ok_or_else(broken)?;
    let text = resource.to_string();
    let members = Members::of(&text).ok_or_else(broken)?;
    let draft = Draft::received(resource_type, id.clone(), &members, |_, _| None);
    let content = Content::Put(Box::new(Put::new(draft, resource)));
    let expected = kept.map_or(Expected::Absent, |kept| Expected::Version(kept.version));
    // An id that somebody chose is looked for; one of our own says where it belongs.
    let record = record.derives(&id).then_some(record);
    Ok(Statement { resource_type, id, record, content, expected, only_directory: false })
}

/// Whether stating this would change nothing.
pub(super) fn is_said(statement: &Statement, kept: Option<&Kept>) -> bool {
    match (&statement.content, kept) {
        (Content::Put(put), Some(kept)) => put.says_the_same(&kept.body.to_string()),
        _ => false,
    }
}

/// Writes statements in one commit; `None` when somebody was faster, so that it has to be decided anew. Blocks on storage.
pub(super) fn state(
    gateway: &Gateway,
    pipeline: &Pipeline,
    statements: &[Statement],
) -> Result<Option<Vec<Stated>>, Fault> {
    match pipeline.state_kept_by(statements, gateway.office().as_str())? {
        Ok(stated) => Ok(Some(stated)),
        Err(Refused::Unexpected(_)) => Ok(None),
        Err(Refused::Elsewhere(_) | Refused::Twice(_) | Refused::NotDirectory(_)) => {
            Err(Fault::Broken("a registration states one resource twice, or elsewhere".into()))
        }
    }
}

/// Why records cannot be linked.
pub(super) fn unlinked(why: Unrelated) -> Stop {
    let detail = match why {
        Unrelated::NoRecord | Unrelated::Decided => "no record".to_owned(),
        Unrelated::TooManyMembers | Unrelated::TooManyPairs => "too many records".to_owned(),
        Unrelated::Separate(one, other) => format!("{}, {}", one.reference(), other.reference()),
    };
    Stop::because(&rule::UNLINKED, "link", detail)
}
