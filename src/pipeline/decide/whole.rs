//! What is always stated whole: lists (PPR-01, ADT-61) and orders (`docs/adr/0008`). What such a message does not name is
//! no longer so, unless the message is late: then the newest statement, which is on record already, has the say, and
//! what the late one alone names was so once.
//!
//! When a list or an order was stated is read from the Provenances of the messages that stated it: each message leaves
//! one, whatever it changed, with its business time and everything it named.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{Making, NOT_JSON, Stop, draft_of};
use crate::fault::{Issue, Place, rules};
use crate::fhir::{Draft, ResourceId, ResourceType};
use crate::map::List;
use crate::pipeline::standing::Standing;
use crate::search::facts::{Facts, reference_hash};

rules! {
    ORDER_RESTATED "order-restated" Warning BusinessRule
        "The order is stated anew; {} resources that it does not state any more are gone."
        "オーダの内容が差し替えられました。新しい内容にないリソース{}件を削除しました。"
}

/// When a list was stated last.
pub(super) fn list_stated(standing: &Standing, list: List) -> Option<i64> {
    statements(standing).filter(|facts| facts.list == number(list)).map(|facts| facts.occurred).max()
}

/// When an order was stated last.
pub(super) fn order_stated(standing: &Standing, origin: u64) -> Option<i64> {
    let of_order = statements(standing).filter(|facts| origin != 0 && facts.origin == origin);
    of_order.map(|facts| facts.occurred).max()
}

fn statements(standing: &Standing) -> impl Iterator<Item = &Facts> {
    standing.all_of(ResourceType::PROVENANCE).filter(|facts| !facts.deleted)
}

fn number(list: List) -> u8 {
    match list {
        List::Problems => 1,
        List::Allergies => 2,
    }
}

fn member_type(list: List) -> ResourceType {
    match list {
        List::Problems => ResourceType::CONDITION,
        List::Allergies => ResourceType::ALLERGY_INTOLERANCE,
    }
}

impl Making<'_> {
    /// The list that a resource of this message belongs to; its Provenance tells when the list was stated.
    pub(super) fn list_number(&self, resource_type: ResourceType) -> u8 {
        let belongs = |list: &List| resource_type == member_type(*list) || resource_type == ResourceType::PROVENANCE;
        self.list.filter(belongs).map_or(0, number)
    }

    /// Whether a newer statement of the whole that this message states has judged the draft already.
    pub(super) fn is_overtaken(&self, draft: &Draft, rank: u8, current: Option<&Facts>) -> bool {
        if rank == 0 || draft.resource_type == ResourceType::PROVENANCE {
            return false;
        }
        if self.order_overtaken {
            return current.is_none_or(|facts| facts.origin == self.origin);
        }
        let list = self.list_number(draft.resource_type);
        let named = |facts: &Facts| facts.references.contains(&reference_hash(draft.resource_type, draft.id.as_str()));
        // Looking through all Provenances is for late messages only.
        self.list_overtaken.is_some()
            && list != 0
            && statements(self.standing)
                .any(|facts| facts.list == list && draft.occurred.is_some_and(|at| facts.occurred > at) && named(facts))
    }

    /// What the order stated before and does not state now is gone (a result taken back, a drug struck out).
    pub(super) fn close_order(&mut self, newest: i64, stated: &HashSet<(ResourceType, ResourceId)>) {
        if self.origin == 0 || self.order_overtaken {
            return;
        }
        let is_made = |f: &Facts| {
            self.out.versions.iter().any(|v| v.facts.resource_type == f.resource_type && v.facts.id == f.id)
        };
        let before = self.standing.of_origin(self.origin).filter(|f| f.resource_type != ResourceType::PROVENANCE);
        let gone: Vec<(ResourceType, ResourceId)> = before
            .filter(|f| f.occurred <= newest && !stated.contains(&(f.resource_type, f.id.clone())) && !is_made(f))
            .map(|f| (f.resource_type, f.id.clone()))
            .collect();
        if !gone.is_empty() {
            self.out.issues.push(Issue::with(&ORDER_RESTATED, Place::Whole, gone.len().to_string()));
        }
        for (resource_type, id) in gone {
            self.delete(resource_type, &id, Some(newest));
        }
    }

    /// Members of the list that this message did not state become inactive (japan.md 3.2: PPR-01 and ADT-61 are whole).
    pub(super) fn close_list(
        &mut self,
        list: List,
        newest: i64,
        stated: &HashSet<(ResourceType, ResourceId)>,
    ) -> Result<(), Stop> {
        if self.list_overtaken.is_some() {
            return Ok(());
        }
        let before = self.standing.of_type(member_type(list)).into_iter();
        let before = before.filter(|f| f.list == number(list) && f.occurred <= newest);
        let gone: Vec<Facts> = before.filter(|f| !stated.contains(&(f.resource_type, f.id.clone()))).cloned().collect();
        for facts in gone {
            let Some(body) = self.body(facts.resource_type, &facts.id)? else { continue };
            if let Some(draft) = inactive(list, facts.id, body) {
                // The member stays as it was stated, and since when; only that it is no longer active is new.
                self.put(Draft { occurred: Some(facts.occurred).filter(|at| *at != i64::MIN), ..draft }, 1)?;
            }
        }
        Ok(())
    }

    /// What a late list states is what was so: the list that is on record does not name it any more.
    pub(super) fn as_overtaken(&self, draft: Draft, rank: u8) -> Result<Draft, Stop> {
        let list = self.list.filter(|list| rank > 0 && draft.resource_type == member_type(*list));
        let Some(list) = list.filter(|_| self.list_overtaken.is_some()) else { return Ok(draft) };
        let body = serde_json::from_str(&draft.json(None))
            .map_err(|_| vec![Issue::with(&NOT_JSON, Place::Whole, draft.reference())])?;
        let closed = inactive(list, draft.id.clone(), body);
        Ok(closed.map_or(draft.clone(), |closed| Draft { occurred: draft.occurred, ..closed }))
    }
}

/// The member of a list as one that is no longer active; `None` where it says itself how it ended.
fn inactive(list: List, id: ResourceId, mut body: Map<String, Value>) -> Option<Draft> {
    let system = match list {
        List::Problems => "http://terminology.hl7.org/CodeSystem/condition-clinical",
        List::Allergies => "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
    };
    if body.contains_key("abatementDateTime") || is_entered_in_error(&body) {
        return None;
    }
    body.insert("clinicalStatus".into(), serde_json::json!({"coding": [{"system": system, "code": "inactive"}]}));
    Some(draft_of(member_type(list), id, body))
}

fn is_entered_in_error(body: &Map<String, Value>) -> bool {
    body.get("verificationStatus").is_some_and(|status| status.to_string().contains("entered-in-error"))
}
