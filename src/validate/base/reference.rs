//! References (references.html): their form, the types they may name, and what is contained.

use serde_json::{Map, Value};

use super::rule::{NOT_IN_BUNDLE, NOT_IN_COLLECTION, NOT_RESOLVED, REF_1, REFERENCE_TARGET, REFERENCE_TYPE};
use super::walk::Walk;
use crate::fhir::ResourceType;
use crate::fhir::r4::Member;
use crate::fhir::reference::{Literal, resource_type};
use crate::validate::BAD_REFERENCE;
use crate::validate::path::Path;

impl<'v> Walk<'v> {
    pub(super) fn reference(&mut self, member: &Member, object: &'v Map<String, Value>, path: &Path<'_>) {
        let said = object.get("type").and_then(Value::as_str).and_then(ResourceType::parse);
        let Some(text) = object.get("reference").and_then(Value::as_str) else {
            return self.target(member, said, path);
        };
        let place = path.member("reference");
        let target = match Literal::parse(text) {
            Literal::Contained => match self.contained(text) {
                Ok(target) => target,
                Err(()) => return self.add(&REF_1, &place),
            },
            Literal::Relative(target, id) => {
                if self.within.as_ref().is_some_and(|within| !within.may_mean(target.name(), id)) {
                    self.add(&NOT_RESOLVED, &place);
                }
                Some(target)
            }
            Literal::Absolute(_, Some((target, _))) => Some(target),
            Literal::Urn(urn) => match self.within.as_ref().filter(|within| !within.has(urn)) {
                // R4 associates no particular use with a collection (bundle.html#collection).
                Some(within) if within.is_collection => return self.add(&NOT_IN_COLLECTION, &place),
                Some(_) => return self.add(&NOT_IN_BUNDLE, &place),
                None => None,
            },
            Literal::Absolute(_, None) => None,
            Literal::Other => {
                let searched = self.is_transaction.then(|| text.split_once('?')).flatten();
                let Some(target) = searched.and_then(|(name, _)| ResourceType::parse(name)) else {
                    return self.add(&BAD_REFERENCE, &place);
                };
                Some(target)
            }
        };
        if let (Some(said), Some(target)) = (said, target)
            && said != target
        {
            return self.add_with(&REFERENCE_TYPE, &path.member("type"), || said.name().into());
        }
        self.target(member, target.or(said), &place);
    }

    fn target(&mut self, member: &Member, target: Option<ResourceType>, path: &Path<'_>) {
        let Some(target) = target else { return };
        let is_fine = member.targets.is_empty() || member.targets.split('|').any(|name| name == target.name());
        if !is_fine {
            self.add_with(&REFERENCE_TARGET, path, || member.targets.replace('|', ", "));
        }
    }

    /// The type of the resource that `#id` names, the resource itself for `#`; an error when there is none.
    fn contained(&mut self, text: &str) -> Result<Option<ResourceType>, ()> {
        let at = self.mark_used(text);
        match at.and_then(|at| self.contained.get(at)) {
            Some(found) => Ok(resource_type(found)),
            None if text == "#" && self.contained_at.is_some() => Ok(None),
            None => Err(()),
        }
    }

    /// Notes that the contained resource of a `#id` is referred to, or, by `#` inside a contained resource, that this
    /// one refers to what it is in (dom-3).
    pub(super) fn mark_used(&mut self, text: &str) -> Option<usize> {
        let id = text.strip_prefix('#')?;
        if id.is_empty() {
            let at = self.contained_at?;
            *self.is_used.get_mut(at)? = true;
            return None;
        }
        let at = *self.ids.get(id)?;
        *self.is_used.get_mut(at)? = true;
        Some(at)
    }
}
