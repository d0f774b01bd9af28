//! More faults of servers, one behaviour each, with the cases that they turn red.

mod care;
mod search;
mod write;

use crate::breakage::{Asked, Breakage, Given};
use crate::broken::nothing;

pub(crate) use care::CARE;
pub(crate) use search::SEARCH;
pub(crate) use write::WRITE;

type Change = fn(&mut Asked);
type Answered = fn(&Asked, &mut Given);

/// A fault of how a request is taken.
const fn takes(name: &'static str, before: Change, red: &'static [&'static str]) -> Breakage {
    Breakage { name, before, after: |_, _| {}, red }
}

/// A fault of how it is answered.
const fn gives(name: &'static str, after: Answered, red: &'static [&'static str]) -> Breakage {
    Breakage { name, before: nothing, after, red }
}

fn swap(asked: &mut Asked, from: &str, to: &str) {
    asked.query = asked.query.replace(from, to);
}

fn is_ok(given: &Given) -> bool {
    (200..300).contains(&given.status)
}
