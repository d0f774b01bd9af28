//! The clock of both worlds: what happens in both happens at the same instant.

use std::sync::atomic::{AtomicI64, Ordering};

use super::gateway::NOW;

static CLOCK: AtomicI64 = AtomicI64::new(NOW);

pub(crate) fn clock() -> i64 {
    CLOCK.load(Ordering::SeqCst)
}

pub(crate) fn set_clock(now: i64) {
    CLOCK.store(now, Ordering::SeqCst);
}
