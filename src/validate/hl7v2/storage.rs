//! What the name of a file of SS-MIX2 standardised storage says, and what the message in it and the files beside it say
//! (SS-MIX2 標準化ストレージ仕様書: data kinds, 診療日, condition flags).

use std::collections::HashMap;

use super::rule::*;
use super::table::TABLE;
use super::{Check, Deviation};
use crate::decode::ssmix2::{FileName, Flag};
use crate::fault::Place;

/// Holds a message against the name of its file.
pub(super) fn agrees(check: &mut Check<'_, '_>, file: &FileName) {
    let table = check.table;
    let source = table.storage;
    let Some(kind) = table.kinds.iter().find(|kind| kind.code == file.kind.code()) else { return };
    let message = check.message;
    if let Some(header) = message.first("MSH")
        && !kind.has(&check.kind_of_message)
    {
        let messages = kind.messages.join(", ");
        let found = quotable(&check.kind_of_message);
        let en = format!("files of {} ({}) hold {messages}; this is {found}", kind.code, kind.name);
        let ja = format!("{}({})のメッセージは {messages} です。このファイルは {found} です", kind.code, kind.name);
        let value = header.peek(9);
        let at = check.offset(value.raw(), header);
        check.add_at(&KIND_MESSAGE, value.place(), (&en, &ja), source, at);
    }
    if let Some(person) = message.first("PID") {
        let number = person.peek(3).component(1);
        if number.is_valued() && number.text().trim() != file.patient {
            let at = check.offset(number.raw(), person);
            check.add_at(&PATIENT, number.place(), ("PID-3", "PID-3"), source, at);
        }
    }
    match (&file.date, kind.is_dated) {
        (Some(_), false) => check.add_at(&NO_DATE, Place::Whole, (kind.code, kind.code), source, None),
        (None, true) => check.add_at(&DATE_MISSING, Place::Whole, (kind.code, kind.code), source, None),
        (Some(date), true) => dated(check, date),
        (None, false) => {}
    }
}

/// 診療日 is that of the field which the specification names, in the first segment that has it.
fn dated(check: &mut Check<'_, '_>, date: &str) {
    let table = check.table;
    let Some((segment, number)) = table.dates.get(&*check.kind_of_message) else { return };
    let message = check.message;
    let valued = |segment: &crate::decode::hl7v2::Segment<'_>| segment.peek(*number).is_valued();
    let Some(segment) = message.all(segment).find(valued) else { return };
    let value = segment.peek(*number).component(1);
    let text = value.text();
    // A precision of less than a day says nothing about the day.
    if text.get(..8).is_some_and(|day| day != date) {
        let name = format!("{}-{number}", segment.name());
        let at = check.offset(value.raw(), segment);
        check.add_at(&DATE_FOLDER, value.place(), (&name, &name), table.storage, at);
    }
}

/// A type of message may be quoted when it looks like one.
fn quotable(kind: &str) -> &str {
    let is_type = kind.len() <= 7 && kind.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'^');
    if is_type { kind } else { "?" }
}

/// What tells the orders of a storage apart: patient, date, data kind, order number, department.
type Order<'f> = (&'f str, Option<&'f str>, &'f str, Option<&'f str>, Option<&'f str>);

/// What the names of the files of a storage say against each other: by the index of a file. At most one file of an order is
/// valid; so is at most one of a data kind that has no order and no date.
pub fn together(files: &[FileName]) -> Vec<(usize, Deviation)> {
    let mut valid: HashMap<Order<'_>, Vec<usize>> = HashMap::new();
    for (at, file) in files.iter().enumerate() {
        let names_one = file.order.is_some() || file.date.is_none();
        if file.flag == Flag::Valid && names_one {
            let key = (
                file.patient.as_str(),
                file.date.as_deref(),
                file.kind.code(),
                file.order.as_deref(),
                file.department.as_deref(),
            );
            valid.entry(key).or_default().push(at);
        }
    }
    let one = || Deviation {
        rule: &TWO_VALID,
        place: Place::Whole,
        en: String::new(),
        ja: String::new(),
        source: TABLE.storage,
        at: None,
    };
    let mut found: Vec<(usize, Deviation)> =
        valid.into_values().filter(|several| several.len() > 1).flatten().map(|at| (at, one())).collect();
    found.sort_by_key(|(at, _)| *at);
    found
}
