//! Where heads of the audit chain are signed and written to: the table `[audit]`. A store in a folder has both beside its chain
//! where nothing else is said.

use std::path::{Path, PathBuf};

use toml::Spanned;

use super::check::Check;
use super::problem::{self, Problem};
use super::{Audit, Store, file};

/// The key beside the chain.
const KEY: &str = "head-key.pem";
/// The heads beside the chain.
const ANCHORS: &str = "heads.ndjson";

impl Audit {
    /// Beside the chain of a store in a folder.
    pub fn beside(store: &Path) -> Self {
        let folder = store.join("audit");
        Audit { key: folder.join(KEY), anchors: folder.join(ANCHORS) }
    }
}

impl Check<'_> {
    pub(super) fn audit(&self, written: &file::Audit, store: &Store) -> Result<Option<Audit>, Problem> {
        let key = written.key.as_ref().map(|key| self.placed("audit.key", key)).transpose()?;
        let anchors = written.anchors.as_ref().map(|anchors| self.placed("audit.anchors", anchors)).transpose()?;
        let beside = match store {
            Store::Sled { path, .. } | Store::Fjall { path, .. } => Some(Audit::beside(path)),
            Store::Memory | Store::Postgres(_) => None,
        };
        match (key, anchors, beside) {
            (None, None, beside) => Ok(beside),
            (Some(key), Some(anchors), _) => Ok(Some(Audit { key, anchors })),
            (Some(key), None, Some(beside)) => Ok(Some(Audit { key, ..beside })),
            (None, Some(anchors), Some(beside)) => Ok(Some(Audit { anchors, ..beside })),
            (key, _, None) => {
                let (other, named) = match key {
                    Some(_) => ("audit.anchors", written.key.as_ref()),
                    None => ("audit.key", written.anchors.as_ref()),
                };
                let at = named.map(|named| named.span().start);
                Err(self.problem(other, at, &problem::MISSING_KEY, String::new()))
            }
        }
    }

    /// A file whose folder is there.
    fn placed(&self, key: &str, written: &Spanned<String>) -> Result<PathBuf, Problem> {
        let path = self.beside(written.get_ref());
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if written.get_ref().is_empty() || !parent.is_dir() {
            return Err(self.at(key, written, &problem::AUDIT_FOLDER, parent.display().to_string()));
        }
        Ok(path)
    }
}
