//! Where things are kept: the table `[store]`.

use std::path::Path;

use toml::Spanned;

use super::check::Check;
use super::problem::{self, Problem};
use super::{Store, file};
use crate::store::postgres::{self, Settings};

/// Where the password of the database may stand instead of in a file.
const PASSWORD: &str = "TASUKI_POSTGRES_PASSWORD";

/// The engines, by the name that is written.
#[derive(Clone, Copy)]
enum Engine {
    Sled,
    Fjall,
    Postgres,
    Memory,
}

impl Check<'_> {
    pub(super) fn store(&self, store: &file::Store) -> Result<Store, Problem> {
        let engines = [
            ("sled", Engine::Sled),
            ("fjall", Engine::Fjall),
            ("postgres", Engine::Postgres),
            ("memory", Engine::Memory),
        ];
        let engine = self.choice("store.engine", &store.engine, &engines)?;
        let cache_mib = self.number("store.cache_mib", store.cache_mib.as_ref(), 256, 16, 1 << 20)?;
        Ok(match engine {
            Engine::Memory => Store::Memory,
            Engine::Sled => Store::Sled { path: self.folder_of(store)?, cache_mib },
            Engine::Fjall => Store::Fjall { path: self.folder_of(store)?, cache_mib },
            Engine::Postgres => Store::Postgres(self.database(store)?),
        })
    }

    fn database(&self, store: &file::Store) -> Result<Settings, Problem> {
        let url = self.needed("store.url", store, store.url.as_ref())?;
        let is_local = postgres::is_local(url.get_ref());
        let is_local = is_local.ok_or_else(|| self.at("store.url", url, &problem::DATABASE, String::new()))?;
        if !is_local && store.ca.is_none() {
            return Err(self.at("store.url", url, &problem::INSECURE_DATABASE, String::new()));
        }
        let password = match &store.password_file {
            Some(file) => {
                let mut bytes = self.content("store.password_file", file)?;
                bytes.truncate(bytes.trim_ascii_end().len());
                Some(bytes)
            }
            None => std::env::var(PASSWORD).ok().map(String::into_bytes),
        };
        let authorities = store.ca.as_ref().map(|file| self.content("store.ca", file)).transpose()?;
        let connections = self.number("store.connections_max", store.connections_max.as_ref(), 8, 1, 256)?;
        let connections_max = usize::try_from(connections).unwrap_or(8);
        Ok(Settings { url: url.get_ref().clone(), password, authorities, connections_max })
    }

    fn content(&self, key: &str, file: &Spanned<String>) -> Result<Vec<u8>, Problem> {
        let unreadable = |error: std::io::Error| self.at(key, file, &problem::UNREADABLE, error.to_string());
        std::fs::read(self.beside(file.get_ref())).map_err(unreadable)
    }

    fn needed<'a, T>(&self, key: &str, store: &file::Store, value: Option<&'a T>) -> Result<&'a T, Problem> {
        let at = Some(store.engine.span().start);
        value.ok_or_else(|| self.problem(key, at, &problem::MISSING_KEY, String::new()))
    }

    fn folder_of(&self, store: &file::Store) -> Result<std::path::PathBuf, Problem> {
        let written = self.needed("store.path", store, store.path.as_ref())?;
        let path = self.beside(written.get_ref());
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if written.get_ref().is_empty() || !parent.is_dir() {
            return Err(self.at("store.path", written, &problem::STORE_FOLDER, parent.display().to_string()));
        }
        Ok(path)
    }
}
