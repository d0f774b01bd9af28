//! RDE^O11 (HL7 v2.5 section 4.13.6): segments that belong to one drug. Senders change the order (one TQ1 for several RXE),
//! so the position decides, not the grammar.

use crate::decode::hl7v2::{Message, Segment};

/// A drug of a prescription.
#[derive(Debug)]
pub(crate) struct DrugGroup<'m> {
    /// The ORC it stands under.
    pub(crate) order: Option<Segment<'m>>,
    /// RXE.
    pub(crate) drug: Segment<'m>,
    /// NTE after it.
    pub(crate) notes: Vec<Segment<'m>>,
    /// Its TQ1, else that of its order, else that of another drug of the order: drugs of one Rp share their usage.
    pub(crate) timings: Vec<Segment<'m>>,
    /// Its RXR, found likewise.
    pub(crate) routes: Vec<Segment<'m>>,
    /// RXC.
    pub(crate) components: Vec<Segment<'m>>,
    order_number: usize,
}

/// The drugs of an RDE^O11 in the order of the message. RXO and what stands under it is left alone: RXE is what was
/// decided.
pub(crate) fn drugs<'m>(message: &'m Message<'_>) -> Vec<DrugGroup<'m>> {
    let mut groups: Vec<DrugGroup<'m>> = Vec::new();
    let mut orders: Vec<OrderHead<'m>> = vec![OrderHead::default()];
    for segment in message.segments() {
        let number = orders.len() - 1;
        let current = groups.last_mut().filter(|g| g.order_number == number);
        let head = &mut orders[number];
        match (segment.name(), current) {
            ("ORC", _) => orders.push(OrderHead { order: Some(segment), ..Default::default() }),
            ("RXO", _) => head.requested = true,
            ("RXE", _) => groups.push(DrugGroup {
                order: head.order,
                drug: segment,
                notes: Vec::new(),
                timings: Vec::new(),
                routes: Vec::new(),
                components: Vec::new(),
                order_number: number,
            }),
            ("TQ1", Some(drug)) => drug.timings.push(segment),
            ("TQ1", None) => head.timings.push(segment),
            ("RXR", Some(drug)) => drug.routes.push(segment),
            ("RXR", None) if !head.requested => head.routes.push(segment),
            ("RXC", Some(drug)) => drug.components.push(segment),
            ("NTE", Some(drug)) => drug.notes.push(segment),
            _ => {}
        }
    }
    share(&mut groups, &orders);
    groups
}

/// What stands between an ORC and its first RXE.
#[derive(Default)]
struct OrderHead<'m> {
    order: Option<Segment<'m>>,
    requested: bool,
    timings: Vec<Segment<'m>>,
    routes: Vec<Segment<'m>>,
}

/// Gives drugs without TQ1 or RXR those of their order, else of the next drug of the order, else of the one before.
fn share<'m>(groups: &mut [DrugGroup<'m>], orders: &[OrderHead<'m>]) {
    for at in 0..groups.len() {
        let head = &orders[groups[at].order_number];
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
    let fits = |g: &&DrugGroup<'m>| g.order_number == groups[at].order_number && !part(g).is_empty();
    let found = groups[at..].iter().find(fits).or_else(|| groups[..at].iter().rev().find(fits));
    found.map(|g| part(g).clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drugs_of_one_order_share_their_usage() {
        let text =
            "MSH|^~\\&|H\rORC|NW\rRXE|1\rRXE|2\rTQ1|1\rRXR|PO\rORC|NW\rTQ1|2\rRXO|x\rRXR|IV\rRXE|3\rRXC|B\rNTE|1";
        let message = Message::parse(text).unwrap().value;
        let drugs = drugs(&message);
        let counts: Vec<_> = drugs.iter().map(|d| (d.timings.len(), d.routes.len(), d.components.len())).collect();
        assert_eq!(counts, [(1, 1, 0), (1, 1, 0), (1, 0, 1)]);
        assert_eq!(drugs[0].timings[0].index(), drugs[1].timings[0].index());
    }
}
