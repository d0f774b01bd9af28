//! The least and the greatest value that a value of some precision may mean (`lowBoundary`, `highBoundary`).

use super::calendar;
use super::decimal::Decimal;
use super::item::Item;
use super::quantity::Quantity;
use super::temporal::{Precision, Temporal, TemporalKind};

/// Digits behind the point that a boundary has when none are asked for, and at most.
const DIGITS_DEFAULT: i64 = 8;
const DIGITS_MAX: i64 = 28;

/// The boundary with that many digits: behind the point for numbers, of the whole value for dates. The outer `None` is
/// for what has no boundary, the inner for digits that there cannot be.
pub(super) fn boundary<'a>(item: &Item<'_>, digits: Option<i64>, is_low: bool) -> Option<Option<Item<'a>>> {
    let of_number = |value| of_decimal(value, digits.unwrap_or(DIGITS_DEFAULT), is_low);
    Some(match item {
        Item::Integer(value) => of_number(Decimal::from(*value)).map(Item::Decimal),
        Item::Decimal(value) => of_number(*value).map(Item::Decimal),
        Item::Quantity(quantity) => of_number(quantity.value)
            .map(|value| Item::Quantity(Box::new(Quantity { value, unit: quantity.unit.clone() }))),
        Item::Temporal(value) => of_temporal(*value, digits, is_low).map(Item::Temporal),
        _ => return None,
    })
}

/// Half of the last digit away. Towards zero the rest is cut off; away from it, rounded.
fn of_decimal(value: Decimal, digits: i64, is_low: bool) -> Option<Decimal> {
    let digits = u8::try_from(digits).ok().filter(|digits| i64::from(*digits) <= DIGITS_MAX)?;
    let half = Decimal::new(5, value.scale().checked_add(1)?)?;
    let exact = if is_low { value.subtract(half)? } else { value.plus(half)? };
    let is_outward = value.is_zero() || value.is_negative() == is_low;
    if is_outward { exact.rounded(digits) } else { exact.truncated(digits) }
}

fn of_temporal(value: Temporal, digits: Option<i64>, is_low: bool) -> Option<Temporal> {
    let digits = digits.unwrap_or(match value.kind {
        TemporalKind::Date => 8,
        TemporalKind::DateTime => 17,
        TemporalKind::Time => 9,
    });
    let of_date = if value.kind == TemporalKind::Time { digits.checked_add(8)? } else { digits };
    let precision = match of_date {
        4 => Precision::Year,
        6 => Precision::Month,
        8 => Precision::Day,
        10 => Precision::Hour,
        12 => Precision::Minute,
        14 | 17 => Precision::Second,
        _ => return None,
    };
    let allowed = match value.kind {
        TemporalKind::Date => precision <= Precision::Day,
        TemporalKind::DateTime => true,
        TemporalKind::Time => precision >= Precision::Hour,
    };
    if !allowed {
        return None;
    }
    let mut found = value;
    if !is_low {
        let is_missing = |part: Precision| value.precision < part;
        if is_missing(Precision::Month) {
            found.month = 12;
        }
        if is_missing(Precision::Day) {
            found.day = calendar::days_in_month(found.year.into(), found.month);
        }
        if is_missing(Precision::Hour) {
            found.hour = 23;
        }
        if is_missing(Precision::Minute) {
            found.minute = 59;
        }
        if is_missing(Precision::Second) {
            found.second = 59;
        }
        if is_missing(Precision::Second) || value.fraction_digits == 0 {
            found.nanosecond = 999_000_000;
        }
    }
    found.precision = precision;
    found.fraction_digits = if of_date == 17 { found.fraction_digits.max(3) } else { 0 };
    if of_date != 17 {
        found.nanosecond = 0;
    }
    if found.kind == TemporalKind::DateTime && precision >= Precision::Hour && found.zone.is_none() {
        // The first place on earth where it is that time is 14 hours ahead of UTC, the last 12 behind.
        found.zone = Some(if is_low { 14 * 60 } else { -12 * 60 });
    }
    Some(found)
}
