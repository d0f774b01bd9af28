//! Where things are kept: the table `[store]`.

use std::path::Path;

use super::check::Check;
use super::problem::{self, Problem};
use super::{Store, file};

/// The engines, by the name that is written.
#[derive(Clone, Copy)]
enum Engine {
    Sled,
    Fjall,
    Memory,
}

impl Check<'_> {
    pub(super) fn store(&self, store: &file::Store) -> Result<Store, Problem> {
        let engines = [("sled", Engine::Sled), ("fjall", Engine::Fjall), ("memory", Engine::Memory)];
        let engine = self.choice("store.engine", &store.engine, &engines)?;
        let cache_mib = self.number("store.cache_mib", store.cache_mib.as_ref(), 256, 16, 1 << 20)?;
        Ok(match engine {
            Engine::Memory => Store::Memory,
            Engine::Sled => Store::Sled { path: self.folder_of(store)?, cache_mib },
            Engine::Fjall => Store::Fjall { path: self.folder_of(store)?, cache_mib },
        })
    }

    fn folder_of(&self, store: &file::Store) -> Result<std::path::PathBuf, Problem> {
        let missing =
            || self.problem("store.path", Some(store.engine.span().start), &problem::MISSING_KEY, String::new());
        let written = store.path.as_ref().ok_or_else(missing)?;
        let path = self.beside(written.get_ref());
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if written.get_ref().is_empty() || !parent.is_dir() {
            return Err(self.at("store.path", written, &problem::STORE_FOLDER, parent.display().to_string()));
        }
        Ok(path)
    }
}
