//! Which results belong under which: an organism and what it is susceptible to (HL7 v2.5 section 7.4.1.26 for OBR-26,
//! section 7.4.2.4 for OBX-4; JP_Observation_Microbiology.hasMember).

use super::datatype::cwe;
use super::group::{OrderGroups, RequestGroup, ResultGroup};
use super::segment::obx_interpretation::is_susceptibility;
use super::segment::orc;
use crate::decode::hl7v2::Segment;

/// A request and one of its results, as places in [`OrderGroups`].
type Place = (usize, usize);

/// Pairs of results, the one above first.
#[derive(Debug, Default)]
pub(crate) struct Links(Vec<(Place, Place)>);

impl Links {
    /// The results under one.
    pub(crate) fn members(&self, of: Place) -> impl Iterator<Item = Place> {
        self.0.iter().filter(move |(above, _)| *above == of).map(|(_, below)| *below)
    }

    /// The result above one.
    pub(crate) fn parent(&self, of: Place) -> Option<Place> {
        self.0.iter().find(|(_, below)| *below == of).map(|(above, _)| *above)
    }
}

/// The pairs a message states.
pub(crate) fn links(groups: &OrderGroups<'_>) -> Links {
    let mut links = Vec::new();
    for (at, request) in groups.requests.iter().enumerate() {
        let above = request.request.filter(|r| r.peek(26).is_valued()).and_then(|r| parent_result(groups, at, r));
        match above {
            Some(above) => links.extend((0..request.results.len()).map(|below| (above, (at, below)))),
            None => within(at, request, &mut links),
        }
    }
    Links(links)
}

/// The request that a request follows from: ORC-8 and OBR-29 name it by its placer's or filler's number.
pub(crate) fn parent_request(groups: &OrderGroups<'_>, at: usize) -> Option<usize> {
    let numbers = parent_numbers(groups.requests.get(at)?);
    let is_parent = |group: &RequestGroup<'_>| {
        group.own().flat_map(|s| [orc::number(s.peek(2)), orc::number(s.peek(3))]).any(|n| numbers.contains(&n))
    };
    // A child may repeat its parent's numbers, and a parent comes first.
    (0..groups.requests.len()).find(|other| *other != at && groups.requests.get(*other).is_some_and(is_parent))
}

/// The numbers in ORC-8 and OBR-29 (EIP: the placer's, the filler's).
pub(crate) fn parent_numbers(group: &RequestGroup<'_>) -> Vec<String> {
    let fields = group.order.map(|o| o.peek(8)).into_iter().chain(group.request.map(|r| r.peek(29)));
    let numbers = fields.flat_map(|field| [1, 2].map(|n| field.component(n).subcomponent(1).text().trim().to_owned()));
    numbers.filter(|n| !n.is_empty()).collect()
}

/// OBR-26 (PRL): item and OBX-4 of the parent's result.
fn parent_result(groups: &OrderGroups<'_>, at: usize, request: Segment<'_>) -> Option<Place> {
    let field = request.peek(26);
    let item = field.component(1).subcomponent(1).text();
    let sub_id = field.component(2).whole_text();
    let fits = |group: &ResultGroup<'_>| {
        let result = group.result;
        cwe::code(result.peek(3)) == item.trim() && result.peek(4).whole_text().trim() == sub_id.trim()
    };
    let within = |other: usize| Some((other, groups.requests.get(other)?.results.iter().position(fits)?));
    let named = parent_request(groups, at);
    let found = named.and_then(within).or_else(|| (0..at).rev().find_map(within))?;
    request.ignore(&[26]);
    Some(found)
}

/// Within one request: judgements of susceptibility belong under the organism whose OBX-4 they carry or go on from
/// (`1`, `1.1`).
fn within(at: usize, request: &RequestGroup<'_>, links: &mut Vec<(Place, Place)>) {
    for (below, group) in request.results.iter().enumerate().skip(1) {
        let sub_id = group.result.peek(4).raw().trim();
        if sub_id.is_empty() || !is_of_susceptibility(group) {
            continue;
        }
        let is_above = |other: &ResultGroup<'_>| {
            let own = other.result.peek(4).raw().trim();
            let continues = sub_id.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
            !own.is_empty() && continues && !is_of_susceptibility(other) && other.result.peek(2).raw() != "NM"
        };
        let earlier = request.results.get(..below).unwrap_or_default();
        if let Some(above) = earlier.iter().rposition(is_above) {
            links.push(((at, above), (at, below)));
        }
    }
}

/// By OBX-8, or as 薬剤感受性 of JLAC10 (6C).
fn is_of_susceptibility(group: &ResultGroup<'_>) -> bool {
    let item = group.result.peek(3);
    let by_code = matches!(item.component(3).raw(), "JC10" | "JLAC10") && item.component(1).raw().starts_with("6C");
    by_code || is_susceptibility(group.result.peek(8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::hl7v2::Message;
    use crate::map::hl7v2::group::{Style, order_groups};

    fn pairs(segments: &str) -> Vec<(Place, Place)> {
        let text = format!("MSH|^~\\&|H\r{segments}");
        let message = Message::parse(&text).unwrap().value;
        links(&order_groups(&message, Style::Results)).0
    }

    #[test]
    fn susceptibilities_stand_under_their_organism() {
        let flat = "OBR|1|9||CULT^x^L\rOBX|1|CWE|ORG^x^L|1|ECO^x^L\rOBX|2|CWE|ORG^x^L|2|STA^x^L\rOBX|3|NM|COUNT^x^L|1|5\r\
                    OBX|4|ST|ABPC^x^L|1.1|8|||R\rOBX|5|ST|CEZ^x^L|2|<=4|||S\rOBX|6|ST|VCM^x^L||1|||S";
        assert_eq!(pairs(flat), [((0, 0), (0, 3)), ((0, 1), (0, 4))]);
        let children = "ORC|RE|9\rOBR|1|9|L9|CULT^x^L\rOBX|1|CWE|ORG^x^L|1|ECO^x^L\rOBX|2|CWE|ORG^x^L|2|STA^x^L\r\
                        OBR|2|10|L10|SUS^x^L||||||||||||||||||||||ORG&x&L^2^STA|||9^L9\rOBX|1|ST|ABPC^x^L||8|||R";
        assert_eq!(pairs(children), [((0, 1), (1, 0))]);
        assert_eq!(pairs("OBR|1|9||NA^x^L\rOBX|1|NM|NA^x^L|1|140|||N\rOBX|2|NM|K^x^L|1|4|||N"), []);
    }
}
