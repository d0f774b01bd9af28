//! `Composition/$document` (OperationDefinition Composition-document, documents.html): a Composition and everything it refers
//! to, as one Bundle.
//!
//! A document is whole or nothing. What its Composition refers to and is not there, or not for the caller to see, makes it a
//! document that is not there, so that the answer does not say which of both it is. What those resources refer to in turn
//! is taken in as far as the caller may see it.

use serde_json::Value;
use uuid::Uuid;

use super::graph::{self, Graph, Way};
use super::{Call, Level, Seen, parameters, rules};
use crate::api::answer::Answer;
use crate::api::criteria;
use crate::api::read::absent;
use crate::api::routes::blocking;
use crate::api::rules as common;
use crate::api::trail::Trail;
use crate::api::write::Stop;
use crate::api::write::prepare::Body;
use crate::api::write::single::refusal;
use crate::app::Gateway;
use crate::consent::{Action, Caller, Permitted};
use crate::fault::{Fault, Status};
use crate::fhir::{PatientKey, ResourceId, ResourceType};
use crate::pipeline::{Expected, Stated, Statement};

/// A document that was put together.
struct Made {
    seen: Seen,
    body: Permitted<Vec<u8>>,
    stored: Option<Stated>,
}

pub(super) async fn document(call: Call<'_>, trail: &mut Trail) -> Result<Answer, Stop> {
    call.parameters.only(&["id", "persist", "graph"])?;
    if call.parameters.text("graph")?.is_some() {
        return Err(Stop::because(Status::BadRequest, &rules::GRAPH, ""));
    }
    let persist = call.parameters.boolean("persist")?.unwrap_or(false);
    if persist {
        call.caller.may(Action::Create, ResourceType::BUNDLE)?;
    }
    let named = call.parameters.text("id")?;
    let id = match (call.level, named) {
        (Level::Instance(_, id), None) => id,
        (Level::Instance(..), Some(_)) => return Err(parameters::refused(&common::PARAMETER, "id")),
        (_, None) => return Err(Stop::because(Status::BadRequest, &rules::MISSING, "id")),
        (_, Some(named)) => match own(&named, call.gateway.base_url()) {
            Some(id) => id,
            // One of another server's is none of ours.
            None => return Ok(Answer::not_found()),
        },
    };
    trail.about(ResourceType::COMPOSITION, &id);
    let (gateway, caller) = (call.gateway.clone(), call.caller.clone());
    let wanted = id.clone();
    let Some(made) = blocking(move || Ok(make(&gateway, &caller, &wanted, persist))).await?? else {
        return Ok(absent(call.gateway, call.caller, (ResourceType::COMPOSITION, &id), trail).await?);
    };
    made.seen.tell(trail);
    let answer = Answer::ok(made.body);
    Ok(match made.stored {
        None => answer,
        Some(stored) => {
            let url = graph::full_url(call.gateway.base_url(), ResourceType::BUNDLE, stored.id.as_str());
            answer.with_version(stored.version, stored.last_updated).at(url)
        }
    })
}

/// The id of a Composition that is named by its id, or by a reference to this server.
fn own(named: &str, base: &str) -> Option<ResourceId> {
    let below = named.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')).unwrap_or(named);
    ResourceId::parse(below.strip_prefix("Composition/").unwrap_or(below))
}

/// Puts a document together, and stores it where that is asked for. `None` where there is no such Composition for the
/// caller. Blocks on storage.
fn make(gateway: &Gateway, caller: &Caller, id: &ResourceId, persist: bool) -> Result<Option<Made>, Stop> {
    let Some(composition) = criteria::by_id(gateway, caller, ResourceType::COMPOSITION, id)? else { return Ok(None) };
    let record = composition.patient;
    let way = Way { gateway, caller, takes: &|_| true };
    let Graph { found, misses } = way.follow(vec![composition])?;
    if misses {
        return Err(Stop::because(Status::NotFound, &common::NOT_FOUND, ""));
    }
    let seen = Seen::of(gateway, caller, graph::by_record(&found))?;
    let (identity, timestamp) = (graph::identity("document", &found), graph::newest(&found));
    let mut entries = Vec::with_capacity(found.len());
    for one in found {
        let url = graph::full_url(gateway.base_url(), one.resource_type, one.id.as_str());
        entries.push(one.release()?.map(|resource| graph::entry(&url, &resource)));
    }
    let body = Permitted::gather(entries, |entries| graph::document(identity, timestamp, &entries));
    if !persist {
        return Ok(Some(Made { seen, body, stored: None }));
    }
    // The same document under the same id: to keep it again changes nothing.
    let stated = store(gateway, record, identity, body)?;
    let body = Permitted::as_stated(caller, ResourceType::BUNDLE, stated.body.clone().into_bytes())?;
    Ok(Some(Made { seen, body, stored: Some(stated) }))
}

/// Stores a document in the record that its Composition lies in. It goes nowhere else than there, so it needs no permit.
fn store(gateway: &Gateway, record: PatientKey, identity: Uuid, body: Permitted<Vec<u8>>) -> Result<Stated, Stop> {
    let (id, record) = match record.is_directory() {
        false => (record.resource_id("Bundle", &identity.to_string()), record),
        true => {
            let id = ResourceId::from_uuid(identity);
            let record = PatientKey::directory(ResourceType::BUNDLE, &id);
            (id, record)
        }
    };
    let text = String::from_utf8(body.into_inner()).map_err(|_| Fault::Broken("a document is not text".into()))?;
    let mut resource: Value =
        serde_json::from_str(&text).map_err(|_| Fault::Broken("a document is not JSON".into()))?;
    if let Some(members) = resource.as_object_mut() {
        members.insert("id".to_owned(), Value::from(id.as_str()));
    }
    let text = resource.to_string();
    let body = Body::read(&text, ResourceType::BUNDLE)?.held_to_profiles(gateway)?;
    let content = body.content(ResourceType::BUNDLE, &id)?;
    let statements = [Statement {
        resource_type: ResourceType::BUNDLE,
        id,
        record: Some(record),
        content,
        expected: Expected::Anything,
        only_directory: false,
    }];
    let stated = gateway.write(|pipeline| pipeline.state(&statements))?;
    let stated = stated.map_err(|refused| refusal(&statements, refused).0)?.pop();
    Ok(stated.ok_or_else(|| Fault::Broken("a statement came to nothing".into()))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_composition_is_named_by_id_or_address() {
        let base = "http://a.example/fhir";
        for named in ["c1", "Composition/c1", "http://a.example/fhir/Composition/c1"] {
            assert_eq!(own(named, base).map(|id| id.as_str().to_owned()).as_deref(), Some("c1"), "{named}");
        }
        for named in ["http://b.example/fhir/Composition/c1", "Patient/c1", "", "urn:uuid:1"] {
            assert_eq!(own(named, base), None, "{named}");
        }
    }
}
