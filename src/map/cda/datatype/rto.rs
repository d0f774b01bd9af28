//! RTO ratios (HL7 v3 Data Types R1 2.16) to Ratio.

use super::pq;
use crate::fhir::Writer;
use crate::map::Output;
use crate::map::cda::node::{Node, child};

/// Writes a Ratio member; nothing unless both parts are known (invariant rat-1). Whether there was one.
pub(in crate::map::cda) fn ratio(w: &mut Writer, name: &str, node: Option<Node<'_>>, out: &mut Output) -> bool {
    let Some(node) = node else { return false };
    let (mut numerator, mut denominator) = (Writer::default(), Writer::default());
    let both = pq::quantity(&mut numerator, "numerator", child(node, "numerator"), out)
        && pq::quantity(&mut denominator, "denominator", child(node, "denominator"), out);
    if both {
        w.object(name, |w| {
            w.members(numerator);
            w.members(denominator);
        });
    }
    both
}
