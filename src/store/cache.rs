//! A bounded cache of what was derived from the store, which never shows what is older than an acknowledged commit.
//!
//! A commit makes a value stale before it is acknowledged; a load that was under way then is not taken for fresh.
//! Stale values stay as a base from which the next load goes on.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

const SHARDS: usize = 16;

/// Hashes keys that are hashes already, by folding them.
pub type Spread = BuildHasherDefault<Fold>;

/// See [`Spread`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Fold(u64);

/// Values by 128-bit keys that are spread evenly (UUIDs, hashes).
pub struct Cache<V> {
    shards: [Mutex<Shard<V>>; SHARDS],
    shard_bytes_max: usize,
}

struct Shard<V> {
    slots: HashMap<u128, Slot<V>, Spread>,
    loads: HashMap<u128, Loads, Spread>,
    /// The keys of `slots`, each once, in the order in which the clock meets them.
    clock: VecDeque<u128>,
    bytes: usize,
    changes: u64,
}

struct Slot<V> {
    value: V,
    bytes: usize,
    stale: bool,
    touched: bool,
}

/// Loads of one key that are under way.
#[derive(Default)]
struct Loads {
    count: usize,
    changed: u64,
}

/// A load that is under way.
pub struct Loading<'a, V> {
    cache: &'a Cache<V>,
    key: u128,
    began: u64,
    /// What the cache had, stale or not.
    pub base: Option<V>,
}

impl<V: Clone> Cache<V> {
    /// Keeps values of `bytes_max` bytes in all; a single one of more than a sixteenth of that is not kept.
    pub fn new(bytes_max: usize) -> Self {
        let shard = |_| {
            let (slots, loads) = Default::default();
            Mutex::new(Shard { slots, loads, clock: VecDeque::new(), bytes: 0, changes: 0 })
        };
        Cache { shards: std::array::from_fn(shard), shard_bytes_max: bytes_max / SHARDS }
    }

    /// The value, when it is fresh.
    pub fn get(&self, key: u128) -> Option<V> {
        let mut shard = self.shard(key);
        let slot = shard.slots.get_mut(&key).filter(|slot| !slot.stale)?;
        slot.touched = true;
        Some(slot.value.clone())
    }

    /// Begins a load. Read the store only after this.
    pub fn load(&self, key: u128) -> Loading<'_, V> {
        let mut shard = self.shard(key);
        shard.loads.entry(key).or_default().count += 1;
        let base = shard.slots.get(&key).map(|slot| slot.value.clone());
        Loading { cache: self, key, began: shard.changes, base }
    }

    /// What is known under the key has changed in the store. Call it before the change is acknowledged.
    pub fn forget(&self, key: u128) {
        let mut shard = self.shard(key);
        shard.changes += 1;
        let now = shard.changes;
        if let Some(loads) = shard.loads.get_mut(&key) {
            loads.changed = now;
        }
        if let Some(slot) = shard.slots.get_mut(&key) {
            slot.stale = true;
        }
    }

    /// Bytes of all values.
    pub fn bytes(&self) -> usize {
        (0..SHARDS as u128).map(|key| self.shard(key).bytes).sum()
    }

    fn shard(&self, key: u128) -> MutexGuard<'_, Shard<V>> {
        self.shards[key as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V: Clone> Loading<'_, V> {
    /// Puts the value into the cache: as fresh, when nothing has changed since the load began.
    pub fn done(self, value: V, bytes: usize) {
        let mut shard = self.cache.shard(self.key);
        let fresh = shard.loads.get(&self.key).is_none_or(|loads| loads.changed <= self.began);
        let better = fresh || !shard.slots.contains_key(&self.key);
        if better {
            shard.keep(self.key, Slot { value, bytes, stale: !fresh, touched: false }, self.cache.shard_bytes_max);
        }
    }
}

impl<V> Drop for Loading<'_, V> {
    fn drop(&mut self) {
        let shard = &self.cache.shards[self.key as usize % SHARDS];
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loads) = shard.loads.get_mut(&self.key) {
            loads.count -= 1;
            if loads.count == 0 {
                shard.loads.remove(&self.key);
            }
        }
    }
}

impl<V> Shard<V> {
    fn keep(&mut self, key: u128, slot: Slot<V>, bytes_max: usize) {
        let known = self.slots.contains_key(&key);
        self.drop_slot(key);
        if slot.bytes > bytes_max {
            if known {
                self.clock.retain(|other| *other != key);
            }
            return;
        }
        while self.bytes + slot.bytes > bytes_max {
            let Some(next) = self.clock.pop_front() else { break };
            match self.slots.get_mut(&next) {
                Some(slot) if slot.touched => {
                    slot.touched = false;
                    self.clock.push_back(next);
                }
                Some(_) => self.drop_slot(next),
                None => self.clock.push_back(key),
            }
        }
        self.bytes += slot.bytes;
        self.slots.insert(key, slot);
        if !known {
            self.clock.push_back(key);
        }
    }

    fn drop_slot(&mut self, key: u128) {
        if let Some(slot) = self.slots.remove(&key) {
            self.bytes -= slot.bytes;
        }
    }
}

impl Hasher for Fold {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 ^= number;
    }

    fn write_u128(&mut self, number: u128) {
        self.0 ^= (number >> 64) as u64 ^ number as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(cache: &Cache<u32>, key: u128, value: u32, bytes: usize) {
        cache.load(key).done(value, bytes);
    }

    #[test]
    fn a_change_makes_stale_and_leaves_a_base() {
        let cache = Cache::new(1 << 20);
        put(&cache, 1, 10, 100);
        assert_eq!(cache.get(1), Some(10));
        cache.forget(1);
        assert_eq!(cache.get(1), None);
        let load = cache.load(1);
        assert_eq!(load.base, Some(10));
        load.done(11, 100);
        assert_eq!((cache.get(1), cache.bytes()), (Some(11), 100));
    }

    #[test]
    fn a_load_that_was_overtaken_is_not_fresh() {
        let cache = Cache::new(1 << 20);
        let (before, unrelated) = (cache.load(1), cache.load(17));
        cache.forget(1);
        let after = cache.load(1);
        before.done(10, 1);
        assert_eq!(cache.get(1), None);
        after.done(11, 1);
        assert_eq!(cache.get(1), Some(11));
        unrelated.done(12, 1);
        assert_eq!(cache.get(17), Some(12), "the same shard, another key");
        let late = cache.load(1);
        cache.forget(1);
        put(&cache, 1, 13, 1);
        late.done(12, 1);
        assert_eq!(cache.get(1), Some(13), "what is fresh is not replaced by what is not");
        assert!(cache.shards.iter().all(|shard| shard.lock().unwrap().loads.is_empty()));
    }

    #[test]
    fn it_is_bounded_and_keeps_what_is_used() {
        let cache = Cache::new(16 * 100);
        put(&cache, 0, 0, 10);
        for n in 1..100_u128 {
            put(&cache, n * 16, n as u32, 10);
            assert!(cache.bytes() <= 100);
            assert_eq!(cache.get(0), Some(0), "used each time");
        }
        assert_eq!(cache.get(16), None);
        put(&cache, 32, 1, 101);
        assert_eq!(cache.get(32), None, "larger than a shard");
        put(&cache, 0, 7, 101);
        assert_eq!(cache.get(0), None, "an old value does not outlive a new one that is too large");
        for n in 0..1000_u128 {
            put(&cache, n * 7 % 13 * 16, n as u32, (n * 11 % 60) as usize);
            let shard = cache.shards[0].lock().unwrap();
            assert_eq!(shard.clock.len(), shard.slots.len());
            assert!(shard.clock.iter().all(|key| shard.slots.contains_key(key)));
            assert_eq!(shard.bytes, shard.slots.values().map(|slot| slot.bytes).sum::<usize>());
            assert!(shard.bytes <= 100);
        }
    }
}
