//! RXC pharmacy component (HL7 v2.5 section 4.14.3): a part of a mixture or an infusion.

use crate::decode::hl7v2::Segment;
use crate::map::hl7v2::drug::medication::{Part, Product};

/// Named rule: RXC-1 says which component is the base and which an additive. R4 knows only whether an ingredient acts,
/// and both may.
pub const BASE_OR_ADDITIVE: &str = "base-or-additive";

/// The component: RXC-2 and 7 what, 3 and 4 how much; 5, 6, 8 and 9 its strength.
pub(crate) fn part(component: Segment<'_>) -> Part<'_> {
    component.ignore(&[1]);
    let strength = component.peek(5).is_valued().then(|| (component.field(5), component.field(6)));
    let volume = strength.and_then(|_| component.peek(8).is_valued().then(|| (component.field(8), component.field(9))));
    Part {
        item: component.field(2),
        supplements: vec![component.field(7)],
        amount: component.field(3),
        unit: component.field(4),
        product: Product { strength, volume, ..Product::default() },
    }
}
