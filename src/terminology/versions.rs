//! Code systems in versions that a request names (ValueSet/$expand `system-version` and `force-system-version`).

use std::sync::Arc;

use serde_json::Value;

use super::{CodeSystem, Source};
use crate::guide::split;

/// A source in which code systems have the named versions.
pub struct Versions<'a> {
    /// The definitions.
    pub source: &'a dyn Source,
    /// `system|version`, where nothing else says a version.
    pub usual: Vec<String>,
    /// `system|version`, whatever else says one.
    pub forced: Vec<String>,
}

impl std::fmt::Debug for Versions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "versions {:?} {:?}", self.usual, self.forced)
    }
}

impl Source for Versions<'_> {
    fn value_set(&self, canonical: &str, from: Option<usize>) -> Option<(Option<usize>, Value)> {
        self.source.value_set(canonical, from)
    }

    fn code_system(&self, canonical: &str, from: Option<usize>) -> Option<Arc<CodeSystem>> {
        let (url, version) = split(canonical);
        let named = |all: &'_ [String]| all.iter().find(|one| split(one).0 == url).cloned();
        let usual = || if version.is_none() { named(&self.usual) } else { None };
        let meant = named(&self.forced).or_else(usual);
        self.source.code_system(meant.as_deref().unwrap_or(canonical), from)
    }
}
