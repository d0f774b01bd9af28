//! What long columns keep beside their rows, made when it is first asked for: where each resource is, and the strings that a
//! search looks at. A directory of many thousand names is searched so without reading each of them again for each who asks.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use crate::search::definition::Definition;
use crate::search::value::Value;

/// Parameters of which strings are kept; of others they are read each time.
const STRINGS_MAX: usize = 2;

/// The values of one parameter, row by row.
pub(in crate::search) type Strings = Vec<OnceLock<Box<[Value]>>>;

/// A parameter by URL and expression, with its values.
type Kept = (Box<str>, Box<str>, Arc<Strings>);

/// It says nothing that the rows do not.
#[derive(Debug, Default)]
pub(super) struct Aside {
    rows: OnceLock<HashMap<u64, u32>>,
    strings: RwLock<Vec<Kept>>,
}

impl Aside {
    /// The row of a name by its hash; `named` gives all of them.
    pub(super) fn row(&self, hash: u64, named: impl FnOnce() -> HashMap<u64, u32>) -> Option<usize> {
        self.rows.get_or_init(named).get(&hash).map(|row| *row as usize)
    }

    /// Where the values of a parameter are kept; `None` where others are already.
    pub(super) fn strings(&self, definition: &Definition, rows: usize) -> Option<Arc<Strings>> {
        let is_it = |(url, expression, _): &&Kept| *url == definition.url && *expression == definition.expression;
        let kept = self.strings.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, _, strings)) = kept.iter().find(is_it) {
            return Some(strings.clone());
        }
        drop(kept);
        let mut kept = self.strings.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, _, strings)) = kept.iter().find(is_it) {
            return Some(strings.clone());
        }
        if kept.len() >= STRINGS_MAX {
            return None;
        }
        let strings: Arc<Strings> = Arc::new((0..rows).map(|_| OnceLock::new()).collect());
        kept.push((definition.url.clone(), definition.expression.clone(), strings.clone()));
        Some(strings)
    }
}

impl Clone for Aside {
    /// Others make their own.
    fn clone(&self) -> Self {
        Aside::default()
    }
}

impl PartialEq for Aside {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Aside {}
