//! Business keys: what a sender tells things apart by (design decision 8). The same thing sent again, preliminary or final,
//! has the same key; only true repetitions within one message are counted.

use std::collections::HashMap;

/// Gives each thing of a message a key of its own.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    seen: HashMap<String, u32>,
}

impl Keys {
    /// The key itself the first time, with `#2`, `#3` behind it when it comes again.
    pub(crate) fn next(&mut self, key: String) -> String {
        let count = self.seen.entry(key.clone()).or_insert(0);
        *count += 1;
        if *count == 1 { key } else { format!("{key}#{count}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_are_counted() {
        let mut keys = Keys::default();
        let mut next = || keys.next("a/b".into());
        assert_eq!([next(), next(), next()], ["a/b", "a/b#2", "a/b#3"]);
        assert_eq!(Keys::default().next("a".into()), "a");
    }
}
