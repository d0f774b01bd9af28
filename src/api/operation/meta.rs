//! `$meta`, `$meta-add`, `$meta-delete` (OperationDefinitions Resource-meta, Resource-meta-add, Resource-meta-delete):
//! profiles, tags and security labels.
//!
//! The standard lets a server change them without a new version. Here a change of them is a new version, as any other
//! change: labels decide who may see a resource, so its history must say which it had when. Where nothing is different
//! afterwards nothing is written.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Call, Level, Seen, parameters, returned, rules};
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
use crate::consent::{Caller, Permitted};
use crate::fault::{Fault, Status};
use crate::fhir::system::DATA_ABSENT_REASON;
use crate::fhir::{PatientKey, ResourceId, ResourceType};
use crate::pipeline::{Expected, Statement};

/// Resources whose tags are gathered by one call at the system or a type.
pub(super) const RESOURCES_MAX: usize = 1_000_000;
/// The lists of a Meta that are sets.
const SETS: [&str; 3] = ["profile", "security", "tag"];

/// What is done with what a resource carries already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// `$meta-add`
    Add,
    /// `$meta-delete`
    Delete,
}

pub(super) async fn read(call: Call<'_>, trail: &mut Trail) -> Result<Answer, Stop> {
    call.parameters.only(&[])?;
    let (gateway, caller) = (call.gateway.clone(), call.caller.clone());
    let resource_type = match call.level {
        Level::Instance(resource_type, id) => {
            let wanted = id.clone();
            let found = blocking(move || {
                let Some(found) = criteria::by_id(&gateway, &caller, resource_type, &wanted)? else { return Ok(None) };
                let seen = Seen::of(&gateway, &caller, [(found.patient, 1)])?;
                Ok(Some((found, seen)))
            });
            let Some((found, seen)) = found.await? else {
                return Ok(absent(call.gateway, call.caller, (resource_type, &id), trail).await?);
            };
            seen.tell(trail);
            let (version, modified) = (found.version, found.last_updated);
            let meta = found.release()?.map(|body| meta_of(&body).to_string());
            return Ok(returned("valueMeta", meta).with_version(version, modified));
        }
        Level::Type(resource_type) => Some(resource_type),
        Level::System => None,
    };
    let done = blocking(move || {
        Ok(gather(&gateway, &caller, resource_type)
            .and_then(|gathered| Ok((gathered.metas, Seen::of(&gateway, &caller, gathered.seen)?))))
    });
    let (metas, seen) = done.await??;
    seen.tell(trail);
    Ok(returned("valueMeta", Permitted::gather(metas, union)))
}

/// What was found in all that the caller may see.
#[derive(Default)]
struct Gathered {
    metas: Vec<Permitted<Value>>,
    seen: Vec<(PatientKey, usize)>,
}

/// Blocks on storage.
fn gather(gateway: &Gateway, caller: &Caller, resource_type: Option<ResourceType>) -> Result<Gathered, Stop> {
    let (mut gathered, mut looked_at, now) = (Gathered::default(), 0, gateway.now());
    for record in gateway.scope(caller)? {
        let chart = gateway.chart(record)?;
        let policy = chart.policy(caller);
        let gate = chart.gate(caller, &policy, now).found();
        if !gate.is_open() {
            continue;
        }
        let (mut metas, mut count) = (Vec::new(), 0);
        for row in 0..chart.len() {
            if resource_type.is_some_and(|wanted| chart.columns.types[row] != wanted) {
                continue;
            }
            let Some(permit) = chart.permit(&gate, row) else { continue };
            looked_at += 1;
            if looked_at > RESOURCES_MAX {
                return Err(Stop::because(Status::Unprocessable, &rules::TOO_MUCH, &RESOURCES_MAX.to_string()));
            }
            count += 1;
            metas.push(permit.release(meta_of(&chart.body(row)?)));
        }
        if count > 0 {
            gathered.seen.push((record, count));
            // One for each record, so that no more than their sets are held.
            gathered.metas.push(Permitted::gather(metas, sets));
        }
    }
    Ok(gathered)
}

/// `meta` of a resource; an empty object where it has none.
fn meta_of(body: &[u8]) -> Value {
    #[derive(serde::Deserialize)]
    struct Resource {
        meta: Option<Value>,
    }
    let meta = serde_json::from_slice::<Resource>(body).ok().and_then(|resource| resource.meta);
    meta.unwrap_or_else(|| Value::Object(Map::new()))
}

/// The sets of several Metas as one, each in the order of its identities.
fn sets(metas: Vec<Value>) -> Value {
    let mut union = Map::new();
    for name in SETS {
        let (mut known, mut items) = (BTreeSet::new(), Vec::new());
        for item in metas.iter().filter_map(|meta| meta.get(name)?.as_array()).flatten() {
            if known.insert(identity(item)) {
                items.push(item.clone());
            }
        }
        items.sort_by_cached_key(identity);
        if !items.is_empty() {
            union.insert(name.to_owned(), Value::from(items));
        }
    }
    Value::Object(union)
}

fn union(metas: Vec<Value>) -> String {
    match sets(metas) {
        // An output of the operation that is there and has nothing to say.
        Value::Object(nothing) if nothing.is_empty() => {
            serde_json::json!({"extension": [{"url": DATA_ABSENT_REASON, "valueCode": "not-applicable"}]}).to_string()
        }
        some => some.to_string(),
    }
}

/// What tells a tag, a label or a profile from others: system and code, or the URL.
fn identity(item: &Value) -> (String, String) {
    let part = |name| item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match item.as_str() {
        Some(url) => (String::new(), url.to_owned()),
        None => (part("system"), part("code")),
    }
}

pub(super) async fn change(call: Call<'_>, change: Change, trail: &mut Trail) -> Result<Answer, Stop> {
    call.parameters.only(&["meta"])?;
    let Level::Instance(resource_type, id) = call.level else { return Ok(Answer::not_found()) };
    let meta = call.parameters.value("meta")?.cloned();
    let meta = meta.ok_or_else(|| Stop::because(Status::BadRequest, &rules::MISSING, "meta"))?;
    let Value::Object(meta) = meta else { return Err(parameters::refused(&common::VALUE, "meta")) };
    let (gateway, caller) = (call.gateway.clone(), call.caller.clone());
    let done = blocking(move || Ok(changed(&gateway, &caller, (resource_type, &id), change, &meta))).await??;
    trail.wrote(Some(done.record).filter(|record| !record.is_directory()), 1);
    Ok(returned("valueMeta", done.meta).with_version(done.version, done.last_updated))
}

struct Done {
    record: PatientKey,
    version: u32,
    last_updated: i64,
    meta: Permitted<String>,
}

/// Blocks on storage.
fn changed(
    gateway: &Gateway,
    caller: &Caller,
    (resource_type, id): (ResourceType, &ResourceId),
    change: Change,
    meta: &Map<String, Value>,
) -> Result<Done, Stop> {
    let found = criteria::by_id(gateway, caller, resource_type, id)?;
    let found = found.ok_or_else(|| Stop::because(Status::NotFound, &common::NOT_FOUND, ""))?;
    let broken = || Fault::Broken("a stored resource is not an object".into());
    let mut resource: Value = serde_json::from_str(&found.body()?).map_err(|_| broken())?;
    let members = resource.as_object_mut().ok_or_else(broken)?;
    let before = members.get("meta").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut own = before.clone();
    apply(change, &mut own, meta);
    if own == before {
        let (record, version, last_updated) = (found.patient, found.version, found.last_updated);
        let meta = found.release()?.map(|body| meta_of(&body).to_string());
        return Ok(Done { record, version, last_updated, meta });
    }
    members.insert("meta".to_owned(), Value::Object(own));
    let text = resource.to_string();
    // Whoever changed it meanwhile is not overwritten with what was there before.
    let expected = Expected::Version(found.version);
    let content = Body::read(&text, resource_type)?.held_to_profiles(gateway)?.content(resource_type, id)?;
    let (id, record, only_directory) = (id.clone(), Some(found.patient), caller.keeps_to_directory(resource_type));
    let statements = [Statement { resource_type, id, record, content, expected, only_directory }];
    let stated = gateway.write(|pipeline| pipeline.state(&statements))?;
    let stated = stated.map_err(|refused| refusal(&statements, refused).0)?.pop();
    let stated = stated.ok_or_else(|| Fault::Broken("a statement came to nothing".into()))?;
    let meta = meta_of(stated.body.as_bytes()).to_string();
    Ok(Done {
        record: found.patient,
        version: stated.version,
        last_updated: stated.last_updated,
        meta: Permitted::as_stated(caller, resource_type, meta)?,
    })
}

/// Adds to the sets of a Meta, or takes away from them; what is there already stays as it is.
fn apply(change: Change, own: &mut Map<String, Value>, given: &Map<String, Value>) {
    for name in SETS {
        let given = given.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut items = own.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        for one in given {
            let is_it = |item: &Value| identity(item) == identity(one);
            match change {
                Change::Add if !items.iter().any(is_it) => items.push(one.clone()),
                Change::Add => {}
                Change::Delete => items.retain(|item| !is_it(item)),
            }
        }
        match items.is_empty() {
            true => own.remove(name),
            false => own.insert(name.to_owned(), Value::from(items)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn applied(change: Change, own: Value, given: Value) -> Value {
        let mut own = own.as_object().unwrap().clone();
        apply(change, &mut own, given.as_object().unwrap());
        Value::Object(own)
    }

    #[test]
    fn sets_hold_each_once_and_display_is_no_identity() {
        let tag = |code: &str| json!({"system": "http://s.example", "code": code});
        let own = json!({"versionId": "3", "tag": [tag("a")], "profile": ["http://p.example/1"]});
        let given = json!({"tag": [{"system": "http://s.example", "code": "a", "display": "A"}, tag("b")],
            "security": [tag("x")], "profile": ["http://p.example/1"], "source": "http://evil.example"});
        let more = applied(Change::Add, own.clone(), given.clone());
        assert_eq!(
            more,
            json!({"versionId": "3", "tag": [tag("a"), tag("b")], "profile": ["http://p.example/1"], "security": [tag("x")]})
        );
        assert_eq!(applied(Change::Delete, more, given), json!({"versionId": "3"}));
        assert_eq!(applied(Change::Delete, own.clone(), json!({"tag": [{"code": "a"}]})), own);
    }

    #[test]
    fn the_union_is_in_order_and_says_when_there_is_nothing() {
        let one = json!({"tag": [{"code": "b"}, {"code": "a"}], "profile": ["y"], "versionId": "1"});
        let two = json!({"tag": [{"code": "a", "display": "x"}], "profile": ["x"]});
        assert_eq!(union(vec![one, two]), r#"{"profile":["x","y"],"tag":[{"code":"a"},{"code":"b"}]}"#);
        assert!(union(vec![json!({})]).contains("not-applicable"));
    }
}
