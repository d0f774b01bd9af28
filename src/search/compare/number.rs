//! Numbers and quantities (R4 search.html#number, #quantity): implicit precision, ranges, units.

use crate::fhir::decimal::Decimal;
use crate::fhir::{oid, system, ucum};
use crate::search::query::{NumberWanted, Prefix, QuantityWanted, Unit};
use crate::search::value::Quantity;

/// What a value covers: least and greatest, both included; `None` is an open end.
type Span = (Option<Decimal>, Option<Decimal>);

/// Whether a number is what is asked for; an integer is compared exactly, and equals nothing that has decimals.
pub(super) fn number(stated: Span, is_integer: bool, wanted: &NumberWanted) -> bool {
    if is_integer && !wanted.exponent && matches!(wanted.prefix, Prefix::Eq | Prefix::Ne) {
        let equal = stated.0 == Some(wanted.value) && stated.1 == Some(wanted.value);
        return equal == (wanted.prefix == Prefix::Eq);
    }
    span(stated, wanted)
}

/// search.html#prefix. Equality is by the precision of what was asked; the others take its value as exact.
fn span((low, high): Span, wanted: &NumberWanted) -> bool {
    if low.is_none() && high.is_none() {
        return wanted.prefix == Prefix::Ne;
    }
    let contains = low.is_some_and(|low| wanted.low <= low) && high.is_some_and(|high| high < wanted.high);
    let value = wanted.value;
    let above = high.is_none_or(|high| high > value);
    let below = low.is_none_or(|low| low < value);
    let exactly = low == Some(value) && high == Some(value);
    match wanted.prefix {
        Prefix::Eq => contains,
        Prefix::Ne => !contains,
        Prefix::Gt => above,
        Prefix::Lt => below,
        Prefix::Ge => above || exactly,
        Prefix::Le => below || exactly,
        Prefix::Sa => low.is_some_and(|low| low > value),
        Prefix::Eb => high.is_some_and(|high| high < value),
        Prefix::Ap => {
            let (from, to) = approximately(wanted);
            contains || (low.is_none_or(|low| low <= to) && high.is_none_or(|high| high >= from))
        }
    }
}

/// A tenth of the value to both sides.
fn approximately(wanted: &NumberWanted) -> (Decimal, Decimal) {
    let value = wanted.value;
    let tenth = Decimal::new(value.mantissa().saturating_abs(), value.scale().saturating_add(1));
    let tenth = tenth.unwrap_or(value);
    (value.plus(tenth.negate()).unwrap_or(value), value.plus(tenth).unwrap_or(value))
}

/// Whether a quantity is what is asked for: in its own unit, or both in canonical ones.
pub fn quantity(stated: &Quantity, wanted: &QuantityWanted) -> bool {
    let stated_system = || oid::canonical(stated.system.as_deref().unwrap_or_default());
    let same_unit = match &wanted.unit {
        Unit::Any => true,
        Unit::Named(name) => [&stated.code, &stated.unit].into_iter().flatten().any(|stated| stated == name),
        Unit::Coded(system, code) => {
            let coded = code.is_empty() || stated.code.as_ref() == Some(code);
            coded && stated_system() == &**system
        }
    };
    if same_unit {
        return span((stated.low, stated.high), &wanted.number);
    }
    let (Some((number, unit)), Some(code)) = (&wanted.canonical, &stated.code) else { return false };
    if stated_system() != system::UCUM {
        return false;
    }
    let canonical = |end: Option<Decimal>| match end {
        None => Some(None),
        Some(end) => ucum::canonical(end, code).filter(|(_, of)| of == unit).map(|(end, _)| Some(end)),
    };
    match (canonical(stated.low), canonical(stated.high)) {
        (Some(low), Some(high)) if low.is_some() || high.is_some() => span((low, high), number),
        _ => false,
    }
}

/// What a quantity is sorted by: its number in canonical units where it has them.
pub fn whole(stated: &Quantity, end: Option<Decimal>) -> Option<Decimal> {
    let ucum = oid::canonical(stated.system.as_deref().unwrap_or_default()) == system::UCUM;
    let code = stated.code.as_deref().filter(|_| ucum);
    let end = end?;
    Some(code.and_then(|code| ucum::canonical(end, code)).map_or(end, |(end, _)| end))
}
