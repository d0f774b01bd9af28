//! How often something may be asked for: buckets that fill up evenly, one for each key; and how much of it at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Keys that are remembered; past this, those that have not been heard of for a minute are forgotten.
const KEYS_MAX: usize = 10_000;

/// So many a minute for each key, all at once or one after the other.
#[derive(Debug)]
pub struct Rates<K> {
    per_minute: u32,
    buckets: Mutex<HashMap<K, Bucket>>,
}

/// What each caller has asked for lately and is asking for now. Each has its own, so that nobody learns anything of another by
/// being told to wait; there are as many as there are registered callers.
#[derive(Debug)]
pub struct Meters {
    per_minute: f64,
    at_once_max: u64,
    of: Mutex<HashMap<Box<str>, Meter>>,
}

#[derive(Debug)]
struct Meter {
    bucket: Bucket,
    at_once: u64,
}

/// A request that is being answered; no longer when it is dropped.
#[derive(Debug)]
pub struct Entered {
    meters: Arc<Meters>,
    caller: Box<str>,
}

/// Too often, or too much at once: again after so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany(pub u64);

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    /// Milliseconds since 1970.
    at: i64,
}

impl<K: Eq + Hash> Rates<K> {
    /// Up to `per_minute` for each key, at least one.
    pub fn new(per_minute: u64) -> Self {
        let per_minute = u32::try_from(per_minute).unwrap_or(u32::MAX).max(1);
        Rates { per_minute, buckets: Mutex::default() }
    }

    /// Takes one at an instant (milliseconds since 1970); otherwise says after how many seconds there is one again.
    pub fn take(&self, key: K, now: i64) -> Result<(), u64> {
        let most = f64::from(self.per_minute);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= KEYS_MAX && !buckets.contains_key(&key) {
            buckets.retain(|_, bucket| now - bucket.at < 60_000);
            if buckets.len() >= KEYS_MAX {
                buckets.clear();
            }
        }
        buckets.entry(key).or_insert(Bucket { left: most, at: now }).take(most, now)
    }
}

impl Bucket {
    fn take(&mut self, per_minute: f64, now: i64) -> Result<(), u64> {
        let per_ms = per_minute / 60_000.0;
        let passed = (now - self.at).max(0) as f64;
        *self = Bucket { left: (self.left + passed * per_ms).min(per_minute), at: now.max(self.at) };
        if self.left < 1.0 {
            return Err((((1.0 - self.left) / per_ms / 1000.0).ceil() as u64).max(1));
        }
        self.left -= 1.0;
        Ok(())
    }
}

impl Meters {
    /// Up to `per_minute_max` requests a minute and `at_once_max` at once for each caller.
    pub fn new(per_minute_max: u64, at_once_max: u64) -> Arc<Self> {
        let per_minute = u32::try_from(per_minute_max).unwrap_or(u32::MAX).max(1);
        Arc::new(Meters { per_minute: per_minute.into(), at_once_max, of: Mutex::default() })
    }

    /// Begins a request of a caller at an instant (milliseconds since 1970).
    pub fn enter(self: &Arc<Self>, caller: &str, now: i64) -> Result<Entered, TooMany> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Meter { bucket: Bucket { left: self.per_minute, at: now }, at_once: 0 };
        let meter = match of.get_mut(caller) {
            Some(meter) => meter,
            None => of.entry(caller.into()).or_insert_with(new),
        };
        if meter.at_once >= self.at_once_max {
            return Err(TooMany(1));
        }
        meter.bucket.take(self.per_minute, now).map_err(TooMany)?;
        meter.at_once += 1;
        drop(of);
        Ok(Entered { meters: self.clone(), caller: caller.into() })
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut of = self.meters.of.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(meter) = of.get_mut(&self.caller) {
            meter.at_once = meter.at_once.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_a_minute_and_not_one_more() {
        let rates = Rates::new(3);
        let take = |key, now| rates.take(key, now);
        assert_eq!([0, 1, 2].map(|now| take("a", now)), [Ok(()); 3]);
        assert_eq!(take("a", 2), Err(20));
        assert_eq!(take("b", 2), Ok(()));
        assert_eq!((take("a", 10_002), take("a", 20_001), take("a", 20_002)), (Err(10), Ok(()), Err(20)));
        // A clock that goes back gives nothing.
        assert_eq!(take("a", 0), Err(20));
    }

    #[test]
    fn each_caller_has_so_many_at_once_and_not_one_more() {
        let meters = Meters::new(1000, 2);
        let (first, second) = (meters.enter("a", 0).unwrap(), meters.enter("a", 0).unwrap());
        assert_eq!(meters.enter("a", 0).unwrap_err(), TooMany(1));
        let other = meters.enter("b", 0);
        assert!(other.is_ok(), "somebody else does not notice");
        drop(first);
        assert!(meters.enter("a", 0).is_ok(), "dropped at once, so that it counts no more");
        drop(second);
        let rare = Meters::new(3, 9);
        let taken = |now| rare.enter("a", now).map(drop);
        assert_eq!([taken(0), taken(0), taken(0), taken(0)], [Ok(()), Ok(()), Ok(()), Err(TooMany(20))]);
        assert_eq!((rare.enter("b", 0).map(drop), taken(19_999), taken(20_000)), (Ok(()), Err(TooMany(1)), Ok(())));
    }

    #[test]
    fn keys_are_forgotten_past_the_limit() {
        let rates = Rates::new(1);
        for key in 0..KEYS_MAX {
            assert_eq!(rates.take(key, 0), Ok(()));
        }
        assert_eq!(rates.take(0, 0), Err(60));
        assert_eq!(rates.take(KEYS_MAX, 60_000), Ok(()));
        assert_eq!(rates.buckets.lock().unwrap().len(), 1);
    }
}
