//! Where a drug stands: order number, Rp 番号 and number within the Rp (JP Core 1.2.0 JP_MedicationRequest, identifier
//! slices rpNumber and orderInRp). An order, its dispensing and its administration find the same place, so that they find
//! each other.

use std::collections::HashMap;

use crate::decode::hl7v2::Segment;
use crate::map::Output;
use crate::map::hl7v2::datatype::cwe;
use crate::map::hl7v2::drug::group::DrugGroup;
use crate::map::hl7v2::segment::orc::{self, ORDER_WITHOUT_NUMBER};

/// Where a drug stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    /// The order's number.
    pub(crate) order: String,
    /// Rp 番号.
    pub(crate) rp: String,
    /// The number within the Rp: of the drug in a prescription (薬剤番号), of the administration in an injection (施用番号).
    pub(crate) order_in_rp: String,
}

impl Placed {
    /// The business key of the MedicationRequest that stands there.
    pub(crate) fn key(&self) -> String {
        format!("{}/{}/{}", self.order, self.rp, self.order_in_rp)
    }
}

/// What is counted within an Rp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Every drug: an order names each once.
    EachDrug,
    /// Drugs that differ: what was ordered once is administered and dispensed several times.
    DifferentDrugs,
    /// Nothing: all drugs under an ORC are parts of one thing.
    Nothing,
}

/// ORC-4 is `order_rp_number`, `order_rp`, a bare Rp number, or says nothing about it (empty, or the order number again):
/// then each ORC is an Rp. Drugs whose number within the Rp is not stated, or stated before, are counted on.
pub(crate) fn places(
    groups: &[&DrugGroup<'_>],
    counted: Counted,
    file_order: Option<&str>,
    out: &mut Output,
) -> Vec<Placed> {
    // The numbers given so far in each Rp, with the drug each belongs to.
    let mut used: HashMap<(String, String), Vec<(u32, String)>> = HashMap::new();
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
        let what = match (counted, number) {
            (Counted::DifferentDrugs, _) => drug_code(group.drug),
            (Counted::Nothing, None) => format!("#{}", group.order_at),
            _ => String::new(),
        };
        let is_same = |drug: &str| counted != Counted::EachDrug && drug == what;
        let is_free = |n: &u32| !used.iter().any(|(other, drug)| other == n && !is_same(drug));
        let again = || used.iter().find(|(_, drug)| is_same(drug)).map(|(n, _)| *n);
        let next = || used.iter().map(|(n, _)| n).max().map_or(1, |last| last.saturating_add(1));
        let number = number.filter(is_free).or_else(again).unwrap_or_else(next);
        used.push((number, what));
        places.push(Placed { order, rp, order_in_rp: number.to_string() });
    }
    places
}

/// The code of the drug, by the field in which its segment has it.
fn drug_code(drug: Segment<'_>) -> String {
    let field = match drug.name() {
        "RXO" => 1,
        "RXG" => 4,
        "RXA" => 5,
        _ => 2,
    };
    let value = drug.peek(field);
    let code = cwe::code(value);
    if code.is_empty() { cwe::text(value) } else { code }
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
        let prescription = match group.drug.name() {
            "RXE" => orc::number(group.drug.peek(15)),
            "RXD" => orc::number(group.drug.peek(7)),
            _ => String::new(),
        };
        filler.or_else(|| Some(prescription).filter(|n| !n.is_empty()))
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
    use crate::decode::hl7v2::Message;
    use crate::fhir::{FacilityCode, PatientKey};
    use crate::map::hl7v2::drug::group::drugs;

    fn placed(segments: &str, counted: Counted) -> Vec<String> {
        let text = format!("MSH|^~\\&|H\r{segments}");
        let message = Message::parse(&text).unwrap().value;
        let facility = FacilityCode::parse("0119999901");
        let mut out = Output::new(PatientKey::derive(&facility, "1"), facility, 540, None);
        let groups = drugs(&message);
        let groups: Vec<_> = groups.iter().collect();
        places(&groups, counted, None, &mut out).iter().map(Placed::key).collect()
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
            assert_eq!(placed(segments, Counted::EachDrug), expected, "{segments}");
        }
    }

    #[test]
    fn what_is_administered_again_stands_where_it_was_ordered() {
        let twice = "ORC|NW|9||1\rRXA|0|1|8||A\rRXA|0|2|8||B\rRXA|0|3|12||A";
        assert_eq!(placed(twice, Counted::DifferentDrugs), ["9/1/1", "9/1/2", "9/1/1"]);
        let infusion = "ORC|NW|9||9_01_002\rRXA|0|1|8||A\rRXA|0|1|8||B\rORC|NW|9||9_01_003\rRXA|0|1|8||A";
        assert_eq!(placed(infusion, Counted::Nothing), ["9/1/2", "9/1/2", "9/1/3"]);
    }
}
