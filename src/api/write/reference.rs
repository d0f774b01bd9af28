//! Conditional references (http.html#condref): each means the one resource that its criteria find. That is looked for last
//! (http.html#trules), in the records as the transaction leaves them: what it creates may be meant, what it takes away may
//! not, and what it changes is meant as it then is. What the resources of the Bundle themselves say by a conditional
//! reference does not count yet, but for who the patient of a new one is.

use std::collections::HashSet;

use super::bundle::at_entry;
use super::links::Links;
use super::prepare::{Body, Stop, patched};
use super::transaction::{Part, Place, name_new};
use super::{Action, rules};
use crate::api::after::After;
use crate::api::criteria::{self, Match};
use crate::app::Gateway;
use crate::consent::Caller;
use crate::fault::Status;
use crate::fhir::{PatientKey, ResourceType};
use crate::pipeline::home;

/// Finds what the conditional references mean, and names what waits for it.
pub(super) fn resolve(
    gateway: &Gateway,
    caller: &Caller,
    parts: &mut [Part<'_>],
    links: &mut Links,
) -> Result<(), Stop> {
    if links.criteria.is_empty() {
        return Ok(());
    }
    let asked = Asked::of(gateway, links);
    // The id of what is in a patient's record tells the record: who is meant comes first.
    let waiting = parts.iter().filter(|part| part.place.is_none());
    let first: HashSet<String> = waiting.filter_map(|part| part.about.clone()).collect();
    if !first.is_empty() {
        let after = after(gateway, caller, parts, links, &asked)?;
        find(gateway, caller, links, &after, |text| first.contains(text))?;
        name_new(gateway, caller, parts, links)?;
    }
    let after = after(gateway, caller, parts, links, &asked)?;
    find(gateway, caller, links, &after, |text| !first.contains(text))
}

/// What the conditional references of a transaction look at.
struct Asked {
    types: HashSet<ResourceType>,
    /// Some look at resources of other types too.
    all: bool,
}

impl Asked {
    fn of(gateway: &Gateway, links: &Links) -> Asked {
        let parts = || links.criteria.keys().filter_map(|text| named(text));
        let types = parts().map(|(of, _)| of).collect();
        Asked { types, all: parts().any(|(of, criteria)| criteria::reach(gateway, of, criteria)) }
    }
}

/// The type and the criteria of a conditional reference.
fn named(text: &str) -> Option<(ResourceType, &str)> {
    let (name, criteria) = text.split_once('?')?;
    Some((ResourceType::parse(name)?, criteria))
}

/// The records after the transaction, as far as it is known what that makes of them.
fn after(gateway: &Gateway, caller: &Caller, parts: &[Part<'_>], links: &Links, asked: &Asked) -> Result<After, Stop> {
    let (mut after, now) = (After::default(), gateway.now());
    for part in parts {
        let resource_type = part.asking.resource_type;
        let (id, record) = match &part.place {
            Some(Place::New(id, record)) => (id, *record),
            Some(Place::Known(id)) => {
                after.without(resource_type, id);
                (id, None)
            }
            Some(Place::There(_) | Place::Nothing) | None => continue,
        };
        if part.asking.action == Action::Delete || !(asked.all || asked.types.contains(&resource_type)) {
            continue;
        }
        let of_patch;
        let text = match (part.asking.action, &part.text) {
            (Action::Patch, _) => {
                let patched = patched(gateway, caller, &part.asking, id);
                of_patch = patched.map_err(|stop| at_entry(stop, part.entry))?.0;
                of_patch.as_str()
            }
            (_, Some(text)) => text,
            (_, None) => continue,
        };
        let mut body = Body::again(text)?;
        links.put_right_so_far(&mut body.value);
        let mut resource = body.made_local(gateway.base_url()).value;
        if let Some(members) = resource.as_object_mut() {
            members.insert("id".to_owned(), id.as_str().into());
        }
        let record = record.or_else(|| home(resource_type, Some(id), &resource, |_| None));
        let record = record.unwrap_or_else(|| PatientKey::directory(resource_type, id));
        after.with(resource_type, &resource, record, now, gateway.zone_minutes());
    }
    Ok(after.done())
}

fn find(
    gateway: &Gateway,
    caller: &Caller,
    links: &mut Links,
    after: &After,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<(), Stop> {
    for (text, reference) in links.criteria.iter_mut().filter(|(text, _)| is_wanted(text)) {
        let wrong = || Stop::because(Status::PreconditionFailed, &rules::REFERENCE_MATCHES, "");
        let (resource_type, criteria) = named(text).ok_or_else(wrong)?;
        let found = criteria::find_after(gateway, caller, resource_type, criteria, 2, after)?;
        let id = match found.as_slice() {
            [Match::There(found)] => &found.id,
            [Match::Coming(id)] => id,
            _ => return Err(wrong()),
        };
        *reference = Some(format!("{}/{}", resource_type.name(), id.as_str()));
    }
    Ok(())
}
