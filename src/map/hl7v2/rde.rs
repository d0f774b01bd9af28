//! RDE^O11 (HL7 v2.5 section 4.13.6; SS-MIX2 OMP-01): prescriptions, one MedicationRequest per RXE.

use std::collections::HashMap;

use crate::decode::hl7v2::{Message, Segment};
use crate::decode::ssmix2::Flag;
use crate::fhir::ResourceType;
use crate::map::hl7v2::business_key::Keys;
use crate::map::hl7v2::group::{self, DrugGroup};
use crate::map::hl7v2::segment::orc::{self, CANCELLED_WITHOUT_CONTENT, ORDER_WITHOUT_NUMBER, ignore_whole};
use crate::map::hl7v2::segment::rxe::{self, Position};
use crate::map::hl7v2::{Context, Output};

/// Named rule: ORC-15 says from when the order counts; from when the drug is taken is TQ1-7.
pub const ORDER_COUNTS_FROM: &str = "order-counts-from";

/// Maps the groups after the patient; Patient, account and Provenance are the caller's.
pub fn map(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    let is_deleted = context.name.is_some_and(|name| name.flag == Flag::Deleted);
    let file_order = context.name.and_then(|name| name.order.as_deref());
    let groups = group::drugs(message);
    orders_without_drugs(message, &groups, out);
    let mut keys = Keys::default();
    for (drug, place) in groups.iter().zip(places(&groups, file_order, out)) {
        let key = keys.next(format!("{}/{}/{}", place.order, place.rp, place.order_in_rp));
        let id = out.id(ResourceType::MEDICATION_REQUEST, &key);
        if is_deleted || is_withdrawn(drug) {
            out.delete(ResourceType::MEDICATION_REQUEST, id);
            parts(drug).for_each(ignore_whole);
            continue;
        }
        let position = Position { rp: &place.rp, order_in_rp: &place.order_in_rp };
        rxe::medication_request(drug, id, position, out);
        if let Some(order) = drug.order {
            // ORC-4 is in the position; ORC-13 and ORC-15 by the rules `entered-by` and `order-counts-from`.
            order.ignore(&[4, 13, 15]);
        }
    }
}

/// A cancelled prescription is gone; a discontinued one (DC) was taken for a while and stays, stopped.
fn is_withdrawn(drug: &DrugGroup<'_>) -> bool {
    matches!(orc::control(drug.order).as_str(), "CA" | "OC" | "CR")
}

fn parts<'a>(drug: &'a DrugGroup<'a>) -> impl Iterator<Item = Segment<'a>> {
    let lists = [&drug.notes, &drug.timings, &drug.routes, &drug.components];
    drug.order.into_iter().chain([drug.drug]).chain(lists.into_iter().flatten().copied())
}

fn orders_without_drugs(message: &Message<'_>, groups: &[DrugGroup<'_>], out: &mut Output) {
    for order in message.all("ORC") {
        let has_drug = groups.iter().any(|g| g.order.is_some_and(|o| o.index() == order.index()));
        if !has_drug && orc::is_cancelled(Some(order)) {
            out.issue(&CANCELLED_WITHOUT_CONTENT, order.place(0));
        }
    }
}

/// Where a drug stands: order number, Rp 番号 and number within the Rp.
#[derive(Debug, PartialEq, Eq)]
struct Placed {
    order: String,
    rp: String,
    order_in_rp: String,
}

/// ORC-4 is `order_rp_number`, `order_rp`, a bare Rp number, or says nothing about it (empty, or the order number again):
/// then each ORC is an Rp. Drugs whose number within the Rp is not stated, or stated before, are counted on.
fn places(groups: &[DrugGroup<'_>], file_order: Option<&str>, out: &mut Output) -> Vec<Placed> {
    let mut used: HashMap<(String, String), Vec<u32>> = HashMap::new();
    let mut unstated: Vec<String> = Vec::new();
    let mut places: Vec<Placed> = Vec::with_capacity(groups.len());
    for group in groups {
        let order = order_number(group, file_order, out);
        let stated = group.order.map(|o| orc::number(o.peek(4))).unwrap_or_default();
        let (rp, number) = split(&stated, &order).unwrap_or_else(|| {
            let index = group.order.map(Segment::index).unwrap_or_default();
            let mark = if stated.is_empty() || stated == order { format!("#{index}") } else { stated.clone() };
            let at = unstated.iter().position(|u| *u == mark).unwrap_or(unstated.len());
            if at == unstated.len() {
                unstated.push(mark);
            }
            ((at + 1).to_string(), None)
        });
        let used = used.entry((order.clone(), rp.clone())).or_default();
        let next = used.iter().max().map_or(1, |last| last + 1);
        let number = number.filter(|n| !used.contains(n)).unwrap_or(next);
        used.push(number);
        places.push(Placed { order, rp, order_in_rp: number.to_string() });
    }
    places
}

/// Rp number and number within it; zeros in front are dropped, so that stated and counted numbers agree.
fn split(stated: &str, order: &str) -> Option<(String, Option<u32>)> {
    let rest = stated.strip_prefix(order).and_then(|r| r.strip_prefix('_'));
    let rest = rest.or_else(|| stated.split_once('_').map(|(_, rest)| rest));
    let is_bare = stated.len() <= 3 && stated != order && stated.parse::<u32>().is_ok();
    let rest = if is_bare { Some(stated) } else { rest };
    let (rp, number) = rest.map(|r| r.split_once('_').unwrap_or((r, "")))?;
    let regular = rp.parse::<u32>().map_or_else(|_| rp.to_owned(), |n| n.to_string());
    (!rp.is_empty()).then(|| (regular, number.parse().ok()))
}

/// ORC-2, else the file's order, the pharmacy's own (ORC-3), the prescription's number, at worst the time of the order.
fn order_number(group: &DrugGroup<'_>, file_order: Option<&str>, out: &mut Output) -> String {
    let own = || {
        let filler = group.order.map(|o| orc::number(o.peek(3))).filter(|n| !n.is_empty());
        filler.or_else(|| Some(orc::number(group.drug.peek(15))).filter(|n| !n.is_empty()))
    };
    let stated = orc::order_number(group.order, None).or_else(|| file_order.map(str::to_owned)).or_else(own);
    stated.unwrap_or_else(|| {
        out.issue(&ORDER_WITHOUT_NUMBER, group.order.unwrap_or(group.drug).place(2));
        format!("at:{}", group.order.map(|o| o.peek(9).component(1).text().into_owned()).unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::{FacilityCode, PatientKey};

    fn placed(segments: &str) -> Vec<String> {
        let text = format!("MSH|^~\\&|H\r{segments}");
        let message = Message::parse(&text).unwrap().value;
        let facility = FacilityCode::parse("0119999901");
        let mut out = Output::new(PatientKey::derive(&facility, "1"), facility, 540, None);
        let groups = group::drugs(&message);
        places(&groups, None, &mut out).iter().map(|p| format!("{}/{}/{}", p.order, p.rp, p.order_in_rp)).collect()
    }

    #[test]
    fn rp_and_number_come_from_the_group_number_or_are_counted() {
        let cases: [(&str, &[&str]); 8] = [
            (
                "ORC|NW|9||9_01_001\rRXE|1\rORC|NW|9||9_01_002\rRXE|2\rORC|NW|9||9_02_001\rRXE|3",
                &["9/1/1", "9/1/2", "9/2/1"],
            ),
            ("ORC|NW|9||9_01\rRXE|1\rRXE|2\rORC|NW|9||9_02\rRXE|3", &["9/1/1", "9/1/2", "9/2/1"]),
            ("ORC|NW|9||9_01_001\rRXE|1\rRXE|2", &["9/1/1", "9/1/2"]),
            ("ORC|NW|9||9_01\rRXE|1\rORC|NW|9||9_01\rRXE|2", &["9/1/1", "9/1/2"]),
            ("ORC|NW|9||1\rRXE|1\rORC|NW|9||2\rRXE|2", &["9/1/1", "9/2/1"]),
            ("ORC|NW|9||9\rRXE|1\rORC|NW|9||9\rRXE|2", &["9/1/1", "9/2/1"]),
            ("ORC|NW|9\rRXE|1\rRXE|2\rORC|NW|9\rRXE|3", &["9/1/1", "9/1/2", "9/2/1"]),
            ("ORC|NW|9||G-77\rRXE|1\rORC|NW|9||G-77\rRXE|2\rORC|NW|9||G-78\rRXE|3", &["9/1/1", "9/1/2", "9/2/1"]),
        ];
        for (segments, expected) in cases {
            assert_eq!(placed(segments), expected, "{segments}");
        }
    }
}
