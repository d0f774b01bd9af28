//! OMD^O03 (HL7 v2.5 section 4.7.1; SS-MIX2 OMD 食事): diets, supplements and preferences to NutritionOrder.

use super::adt::is_deleted;
use super::business_key::Keys;
use super::segment::ods::{self, Group};
use super::segment::orc::{self, ORDER_WITHOUT_NUMBER, ignore_whole};
use super::{Context, Output, visit};
use crate::decode::hl7v2::Message;
use crate::fault::{Place, rules};
use crate::fhir::ResourceType;

rules! {
    pub(crate) NO_DIET "v2-no-diet" Warning Required
        "The order names no diet (ODS-3); nothing was made of it."
        "食事内容(ODS-3)がないため、食事オーダを作成していません。"
}

/// Maps every order of the file; the file states them as a whole.
pub(super) fn map(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    let encounter = visit::mention(message, out);
    let mut keys = Keys::default();
    for group in groups(message) {
        let number = orc::order_number(group.order, None).or_else(|| context.name.and_then(|name| name.order.clone()));
        let number = number.unwrap_or_else(|| {
            out.issue(&ORDER_WITHOUT_NUMBER, group.order.map_or(Place::Whole, |order| order.place(2)));
            let begun = group.timings.first().map(|timing| timing.peek(7).component(1).text().trim().to_owned());
            format!("at:{}", begun.unwrap_or_default())
        });
        let id = out.id(ResourceType::NUTRITION_ORDER, &keys.next(number));
        let has_content = group.diets.iter().any(|ods| ods.peek(3).is_valued()) || !group.trays.is_empty();
        if is_deleted(context) || orc::is_cancelled(group.order) {
            group.segments().for_each(ignore_whole);
            out.delete(ResourceType::NUTRITION_ORDER, id);
        } else if has_content {
            ods::nutrition_order(&group, id, encounter.as_deref(), out);
        } else {
            out.issue(&NO_DIET, group.order.map_or(Place::Whole, |order| order.place(0)));
        }
    }
}

fn groups<'m>(message: &'m Message<'_>) -> Vec<Group<'m>> {
    let mut groups: Vec<Group<'m>> = Vec::new();
    for segment in message.segments() {
        match (segment.name(), groups.last_mut()) {
            ("ORC", _) => groups.push(Group { order: Some(segment), ..Group::default() }),
            ("ODS", None) => groups.push(Group { diets: vec![segment], ..Group::default() }),
            ("TQ1", Some(group)) => group.timings.push(segment),
            ("ODS", Some(group)) => group.diets.push(segment),
            ("ODT", Some(group)) => group.trays.push(segment),
            ("NTE", Some(group)) => group.notes.push(segment),
            _ => {}
        }
    }
    groups
}
