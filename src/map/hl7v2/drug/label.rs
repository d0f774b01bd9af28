//! ORC-28 confidentiality code (HL7 v2.6 section 4.5.1.28): an order that is not for everybody is labelled, and so is what it
//! led to.

use crate::decode::hl7v2::Segment;
use crate::fault::rules;
use crate::fhir::Writer;
use crate::map::Output;
use crate::map::hl7v2::drug::group::DrugGroup;
use crate::map::hl7v2::segment::orc::ignore_whole;
use crate::map::hl7v2::segment::prb;

rules! {
    pub(crate) RESULT_OF_RESTRICTED_ORDER "v2-result-of-restricted-order" Warning Incomplete
        "The order is restricted (ORC-28), and a result beside it cannot be labelled; it was left out."
        "制限付きオーダ(ORC-28)に付随する結果には制限を付けられないため、省きました。"
}

/// The members of `meta`; empty when the order says nothing.
pub(crate) fn labels(order: Option<Segment<'_>>, out: &mut Output) -> Writer {
    order.map(|order| prb::labels(order.field(28), out)).unwrap_or_default()
}

/// Whether the order says anything about who may see it.
pub(crate) fn is_labelled(order: Option<Segment<'_>>) -> bool {
    order.is_some_and(|order| order.peek(28).is_valued())
}

/// Leaves out the results of labelled orders: an Observation among the others would tell what the order must not.
pub(crate) fn withhold_results(groups: &[DrugGroup<'_>], out: &mut Output) {
    for result in groups.iter().filter(|g| is_labelled(g.order)).flat_map(|g| &g.results) {
        out.issue(&RESULT_OF_RESTRICTED_ORDER, result.result.place(0));
        std::iter::once(&result.result).chain(&result.notes).for_each(|segment| ignore_whole(*segment));
    }
}
