//! How a key is cut into the partition it lies in and the rest, and which partitions a scan meets.
//!
//! The partition is how the key begins: the space and the 16 bytes after it. For what belongs to a patient that is the
//! patient's record; for a panel the organisation; for letters half their hash; for codes the code. The log and the audit
//! chain count, so that one partition takes 65,536 numbers that follow each other, one in turn. As the partition is a
//! beginning whose length the first byte alone decides, the order of (partition, rest) is the order of keys, whichever
//! partitions a scan crosses.

/// Bytes of a key of most spaces that name its partition.
const PART_BYTES: usize = 17;
/// The same of the log and the audit chain.
const COUNTED_PART_BYTES: usize = 7;

/// The partition of a key, and the rest.
pub(super) fn cut(key: &[u8]) -> (&[u8], &[u8]) {
    key.split_at(part_bytes(key).min(key.len()))
}

/// A key that was cut.
pub(super) fn join(part: &[u8], rest: &[u8]) -> Vec<u8> {
    [part, rest].concat()
}

fn part_bytes(key: &[u8]) -> usize {
    match key.first() {
        Some(b'L' | b'A') => COUNTED_PART_BYTES,
        _ => PART_BYTES,
    }
}

/// The partitions that a scan meets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reach<'a> {
    /// One, up to a key of it.
    One {
        /// The partition.
        part: &'a [u8],
        /// The rest of the first key.
        from: &'a [u8],
        /// The rest of the key after the last.
        to: &'a [u8],
    },
    /// One, to its end.
    OneToItsEnd {
        /// The partition.
        part: &'a [u8],
        /// The rest of the first key.
        from: &'a [u8],
    },
    /// Perhaps several.
    Many,
}

/// Which partitions hold keys with `from <= key < to`.
pub(super) fn reach<'a>(from: &'a [u8], to: &'a [u8]) -> Reach<'a> {
    let (part, rest) = cut(from);
    if part.len() < part_bytes(from) {
        return Reach::Many;
    }
    if let Some(end) = to.strip_prefix(part) {
        return Reach::One { part, from: rest, to: end };
    }
    // What comes after every key of the partition: the partition without its last bytes of 255, one higher.
    let keep = part.iter().rposition(|byte| *byte != 0xff).map_or(0, |last| last + 1);
    let is_end = match part.get(..keep).and_then(<[u8]>::split_last) {
        Some((last, before)) => to.split_last().is_some_and(|(end, start)| start == before && *end == *last + 1),
        None => false,
    };
    if is_end { Reach::OneToItsEnd { part, from: rest } } else { Reach::Many }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::PatientKey;
    use crate::store::{Position, keys};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_order_of_what_is_cut_is_the_order_of_keys(
            a in proptest::collection::vec(prop_oneof![Just(b'L'), Just(b'P'), any::<u8>()], 0..24),
            same in 0..24_usize,
            b in proptest::collection::vec(any::<u8>(), 0..24),
        ) {
            let b = [&a[..same.min(a.len())], &b].concat();
            prop_assert_eq!(cut(&a).cmp(&cut(&b)), a.cmp(&b));
            let (part, rest) = cut(&a);
            prop_assert_eq!(join(part, rest), a);
        }

        /// A key within a scan lies in the partition that the scan is said to reach.
        #[test]
        fn a_scan_of_one_partition_meets_no_other(
            from in proptest::collection::vec(254..=255_u8, 16..20),
            key in proptest::collection::vec(254..=255_u8, 0..20),
            space in prop_oneof![Just(b'P'), Just(b'L'), Just(254)],
            bytes in 1..20_usize,
        ) {
            let (from, key) = ([&[space], &from[..]].concat(), [&[space], &key[..]].concat());
            let to = keys::after(&from[..bytes.min(from.len())]);
            if from <= key && key < to {
                let (part, rest) = cut(&key);
                match reach(&from, &to) {
                    Reach::One { part: one, from, to } => prop_assert!(one == part && from <= rest && rest < to),
                    Reach::OneToItsEnd { part: one, from } => prop_assert!(one == part && from <= rest),
                    Reach::Many => {}
                }
            }
        }
    }

    #[test]
    fn what_belongs_together_is_one_partition() {
        let patient = PatientKey(5 << 100);
        let part = cut(&keys::head(patient)).0.to_vec();
        assert_eq!(part, [&b"P"[..], &patient.0.to_be_bytes()].concat());
        assert_eq!(cut(&keys::sheaf(patient, 7, 1)).0, part);
        let (from, to) = (keys::told(patient, 0), keys::next(&keys::told(patient, u64::MAX)));
        assert!(matches!(reach(&from, &to), Reach::One { .. }));
        let prefix = keys::panel_prefix(9);
        assert!(matches!(reach(&prefix, &keys::after(&prefix)), Reach::OneToItsEnd { .. }));
        let last = keys::panel_prefix(u128::MAX);
        assert!(matches!(reach(&last, &keys::after(&last)), Reach::OneToItsEnd { .. }));
        assert_eq!(reach(&keys::head(patient), b"Q"), Reach::Many);
        assert_eq!(cut(&keys::log(Position(65_535))).0, cut(&keys::log(Position(1))).0);
        assert_ne!(cut(&keys::log(Position(65_535))).0, cut(&keys::log(Position(65_536))).0);
    }
}
