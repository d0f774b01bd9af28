//! How frequent a family name is: agreeing on a rare one says more than agreeing on 佐藤. The 400 most frequent, as
//! data with its source in `surnames.txt`; two of three people in Japan bear one of them.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::name::{self, Script};

const TABLE: &str = include_str!("surnames.txt");

/// Bearers of a hundred thousand people, by name and by reading as they are compared; the readings of several names are
/// added up.
static BEARERS: LazyLock<HashMap<String, u32>> = LazyLock::new(|| {
    let mut all = HashMap::new();
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let mut cells = line.split(' ');
        let (Some(written), Some(reading), Some(bearers)) = (cells.next(), cells.next(), cells.next()) else {
            continue;
        };
        let bearers: u32 = bearers.parse().unwrap_or(0);
        *all.entry(name::folded(written, Script::Kanji)).or_default() += bearers;
        *all.entry(name::folded(reading, Script::Kana)).or_default() += bearers;
    }
    all
});

/// Bearers of a folded family name among a hundred thousand people; 0 where it is not among the most frequent.
pub(super) fn bearers(folded: &str) -> u32 {
    BEARERS.get(folded).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert_eq!(TABLE.lines().filter(|line| !line.starts_with('#')).count(), 400);
        assert_eq!(bearers("佐藤"), 1486);
        assert!(bearers("さとう") >= bearers("佐藤"));
        assert!(bearers("いとう") > bearers("伊藤"), "伊藤 and 伊東 are both いとう");
        assert_eq!(bearers("十時"), 0);
    }
}
