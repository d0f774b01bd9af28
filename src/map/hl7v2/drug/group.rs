//! The drugs of a message: an RX segment with what stands under it (HL7 v2.5 section 4.13). Senders put one TQ1 or RXR
//! for several drugs, before or after them, so the position decides, not the grammar.

use crate::decode::hl7v2::{Message, Segment};
use crate::map::hl7v2::group::ResultGroup;

/// The segments that are a drug, in the order of what they say: ordered, encoded, dispensed, given, administered.
const DRUGS: [&str; 5] = ["RXO", "RXE", "RXD", "RXG", "RXA"];

/// A drug that is ordered, dispensed or administered.
#[derive(Debug)]
pub(crate) struct DrugGroup<'m> {
    /// The ORC it stands under.
    pub(crate) order: Option<Segment<'m>>,
    /// RXO, RXE, RXD, RXG or RXA.
    pub(crate) drug: Segment<'m>,
    /// NTE after it.
    pub(crate) notes: Vec<Segment<'m>>,
    /// Its TQ1, else that of its order, else that of another drug of the order: drugs of one Rp share their usage.
    pub(crate) timings: Vec<Segment<'m>>,
    /// Its RXR, found likewise.
    pub(crate) routes: Vec<Segment<'m>>,
    /// RXC.
    pub(crate) components: Vec<Segment<'m>>,
    /// OBX with the NTE after each.
    pub(crate) results: Vec<ResultGroup<'m>>,
    /// Which ORC it stands under, counted from 1; 0 for none.
    pub(crate) order_at: usize,
}

impl<'m> DrugGroup<'m> {
    /// Its segments but ORC, OBX and what it shares.
    pub(crate) fn own_segments(&self) -> impl Iterator<Item = Segment<'m>> {
        let lists = [&self.notes, &self.timings, &self.routes, &self.components];
        std::iter::once(self.drug).chain(lists.into_iter().flatten().copied())
    }

    /// Whether the RX segment has that name.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.drug.is(name)
    }
}

/// What stands between an ORC and its first drug.
#[derive(Default)]
struct Head<'m> {
    order: Option<Segment<'m>>,
    timings: Vec<Segment<'m>>,
    routes: Vec<Segment<'m>>,
    notes: Vec<Segment<'m>>,
}

/// The drugs of a message, in its order. RXE, RXO and the others of one ORC are groups of their own.
pub(crate) fn drugs<'m>(message: &'m Message<'_>) -> Vec<DrugGroup<'m>> {
    let mut groups: Vec<DrugGroup<'m>> = Vec::new();
    let mut heads: Vec<Head<'m>> = vec![Head::default()];
    for segment in message.segments() {
        let at = heads.len() - 1;
        let current = groups.last_mut().filter(|g| g.order_at == at);
        let head = &mut heads[at];
        match (segment.name(), current) {
            ("ORC", _) => heads.push(Head { order: Some(segment), ..Head::default() }),
            (name, _) if DRUGS.contains(&name) => groups.push(DrugGroup {
                order: head.order,
                drug: segment,
                // A note between ORC and the drug is about the drug.
                notes: std::mem::take(&mut head.notes),
                timings: Vec::new(),
                routes: Vec::new(),
                components: Vec::new(),
                results: Vec::new(),
                order_at: at,
            }),
            ("TQ1", Some(group)) => group.timings.push(segment),
            ("TQ1", None) => head.timings.push(segment),
            ("RXR", Some(group)) => group.routes.push(segment),
            ("RXR", None) => head.routes.push(segment),
            ("RXC", Some(group)) => group.components.push(segment),
            ("OBX", Some(group)) => group.results.push(ResultGroup::alone(segment)),
            ("NTE", Some(group)) => match group.results.last_mut() {
                Some(result) => result.notes.push(segment),
                None => group.notes.push(segment),
            },
            ("NTE", None) if head.order.is_some() => head.notes.push(segment),
            _ => {}
        }
    }
    share(&mut groups, &heads);
    groups
}

/// Gives drugs without TQ1 or RXR those of their order, else of the next such drug of the order, else of the one before.
fn share<'m>(groups: &mut [DrugGroup<'m>], heads: &[Head<'m>]) {
    for at in 0..groups.len() {
        let head = &heads[groups[at].order_at];
        if groups[at].timings.is_empty() {
            groups[at].timings = shared(groups, at, &head.timings, |g| &g.timings);
        }
        if groups[at].routes.is_empty() {
            groups[at].routes = shared(groups, at, &head.routes, |g| &g.routes);
        }
    }
}

fn shared<'m>(
    groups: &[DrugGroup<'m>],
    at: usize,
    head: &[Segment<'m>],
    part: for<'a> fn(&'a DrugGroup<'m>) -> &'a Vec<Segment<'m>>,
) -> Vec<Segment<'m>> {
    if !head.is_empty() {
        return head.to_vec();
    }
    let this = &groups[at];
    let fits =
        |g: &&DrugGroup<'m>| g.order_at == this.order_at && g.drug.name() == this.drug.name() && !part(g).is_empty();
    let found = groups[at..].iter().find(fits).or_else(|| groups[..at].iter().rev().find(fits));
    found.map(|g| part(g).clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Counts = (String, usize, usize, usize, usize);

    fn counts(segments: &str) -> Vec<Counts> {
        let text = format!("MSH|^~\\&|H\r{segments}");
        let message = Message::parse(&text).unwrap().value;
        let groups = drugs(&message);
        let count = |d: &DrugGroup<'_>| {
            (d.drug.name().to_owned(), d.timings.len(), d.routes.len(), d.components.len(), d.notes.len())
        };
        groups.iter().map(count).collect()
    }

    fn of(name: &str, timings: usize, routes: usize, components: usize, notes: usize) -> Counts {
        (name.to_owned(), timings, routes, components, notes)
    }

    #[test]
    fn drugs_of_one_order_share_their_usage() {
        let found = counts(
            "ORC|NW\rRXE|1\rRXE|2\rTQ1|1\rRXR|PO\rORC|NW\rTQ1|2\rRXO|x\rRXR|IV\rNTE|1\rRXE|3\rRXC|B\rNTE|2\rNTE|3",
        );
        assert_eq!(found, [of("RXE", 1, 1, 0, 0), of("RXE", 1, 1, 0, 0), of("RXO", 1, 1, 0, 1), of("RXE", 1, 0, 1, 2)]);
    }

    #[test]
    fn a_route_after_several_administrations_is_the_route_of_each() {
        let found = counts("ORC|NW\rNTE|0\rRXA|0\rRXA|0\rRXR|PO\rOBX|1\rNTE|1\rORC|NW\rRXA|0");
        assert_eq!(found, [of("RXA", 0, 1, 0, 1), of("RXA", 0, 1, 0, 0), of("RXA", 0, 0, 0, 0)]);
    }
}
