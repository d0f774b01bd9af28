//! How often something may be asked for: buckets that fill up evenly, one for each key.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Keys that are remembered; past this, those that have not been heard of for a minute are forgotten.
const KEYS_MAX: usize = 10_000;

/// So many a minute for each key, all at once or one after the other.
#[derive(Debug)]
pub struct Rates<K> {
    per_minute: u32,
    buckets: Mutex<HashMap<K, Bucket>>,
}

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
        let (most, per_ms) = (f64::from(self.per_minute), f64::from(self.per_minute) / 60_000.0);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= KEYS_MAX && !buckets.contains_key(&key) {
            buckets.retain(|_, bucket| now - bucket.at < 60_000);
            if buckets.len() >= KEYS_MAX {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket { left: most, at: now });
        let passed = (now - bucket.at).max(0) as f64;
        *bucket = Bucket { left: (bucket.left + passed * per_ms).min(most), at: now.max(bucket.at) };
        if bucket.left < 1.0 {
            return Err((((1.0 - bucket.left) / per_ms / 1000.0).ceil() as u64).max(1));
        }
        bucket.left -= 1.0;
        Ok(())
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
