//! Answers that could tell by their time what is hidden from what is missing leave on a beat (consent.md, line 64): what was
//! done for them takes more or less, and is not seen in when they leave.
//!
//! Hidden and missing are not found on the same way: of the one there is a record to be looked at, of the other none. To
//! do the same work for both would be to do the most that either could need, for every answer. So an answer that says "not
//! found", and one to a question that named ids, is held until the next beat since the request began.

use std::time::Duration;

use actix_web::{HttpMessage, HttpRequest};
use tokio::time::Instant;

use crate::fault::Status;

/// In the extensions of a request: its answer leaves on a beat whatever it says.
#[derive(Clone, Copy, Debug)]
struct OnTheBeat;

/// Has the answer to a request leave on a beat.
pub(super) fn on_the_beat(request: &HttpRequest) {
    request.extensions_mut().insert(OnTheBeat);
}

/// Waits for the beat where an answer with this status has to. Beats lie `beat` apart, and what takes longer leaves on a later
/// one; zero for none.
pub(super) async fn wait(request: &HttpRequest, begun: Instant, status: Status, beat: Duration) {
    if beat > Duration::ZERO && (status == Status::NotFound || request.extensions().contains::<OnTheBeat>()) {
        tokio::time::sleep_until(begun + next(begun.elapsed(), beat)).await;
    }
}

/// The first beat after this long.
fn next(elapsed: Duration, beat: Duration) -> Duration {
    let beats = elapsed.as_nanos() / beat.as_nanos().max(1) + 1;
    beat.saturating_mul(u32::try_from(beats).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_come_after_what_was_done() {
        for (elapsed, expected) in [(0, 10), (9_999, 10), (10_000, 20), (10_001, 20), (125_000, 130)] {
            let beat = Duration::from_millis(10);
            assert_eq!(next(Duration::from_micros(elapsed), beat), Duration::from_millis(expected), "{elapsed}");
        }
    }
}
