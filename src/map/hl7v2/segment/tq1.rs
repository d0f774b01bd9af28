//! TQ1 timing and quantity (HL7 v2.5 section 4.5.4) of an order. When a drug is taken is in `drug/timing.rs`.

use crate::decode::hl7v2::Segment;
use crate::map::hl7v2::datatype::cwe;

/// TQ1-9 (table 0485) as request-priority; empty, and left unread, when it is none of them.
pub(crate) fn priority(timing: Option<Segment<'_>>) -> &'static str {
    let Some(timing) = timing else { return "" };
    let priority = request_priority(&cwe::code(timing.peek(9)));
    if !priority.is_empty() {
        timing.ignore(&[9]);
    }
    priority
}

/// A code of table 0485 as request-priority; empty when it is none of them.
pub(crate) fn request_priority(code: &str) -> &'static str {
    match code {
        "S" => "stat",
        "A" => "asap",
        "R" => "routine",
        _ => "",
    }
}
