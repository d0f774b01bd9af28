//! Where the command line works: on which store, and by which maps.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::{fail, issues};
use crate::codes::Book;
use crate::config::{self, Config, maps};
use crate::fault::Exit;
use crate::store::Store;

/// The store's folder when nobody names one.
const STORE: &str = "tasuki-data";

#[derive(Debug, Args)]
pub(super) struct Place {
    /// The store's folder [default: that of --config, else tasuki-data]
    #[arg(long, global = true)]
    store: Option<PathBuf>,
    /// The gateway's configuration: its store and its maps
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// A folder of concept maps and column mappings [default: that of --config, else none]
    #[arg(long, global = true)]
    maps: Option<PathBuf>,
}

impl Place {
    /// Whether it was said by which maps letters are read.
    pub(super) fn names_maps(&self) -> bool {
        self.config.is_some() || self.maps.is_some()
    }

    /// Opens the store, making it when it is not there, and reads the maps. Says what is wrong.
    pub(super) fn open(&self) -> Result<(Store, Arc<Book>), Exit> {
        let config = self.config.as_deref().map(Config::load).transpose();
        let config = config.map_err(|problem| fail(problem.exit(), &issues::sentence(&problem)))?;
        let named = match config.as_ref().map(|config| &config.store) {
            Some(config::Store::Sled { path, .. }) => Some(path.as_path()),
            Some(config::Store::Memory) if self.store.is_none() => {
                return Err(fail(Exit::Config, "the configuration names a store that keeps nothing"));
            }
            Some(config::Store::Memory) | None => None,
        };
        let book = match (&self.maps, config.as_ref().and_then(|config| config.maps.as_ref())) {
            (Some(folder), _) => {
                let read = maps::load(folder).map_err(|problem| fail(problem.exit(), &issues::sentence(&problem)))?;
                read.remarks.iter().for_each(|remark| eprintln!("{remark}"));
                read.book
            }
            (None, Some((_, maps))) => maps.book.clone(),
            (None, None) => Book::default(),
        };
        let path = self.store.as_deref().or(named).unwrap_or(Path::new(STORE));
        let store = super::ingest::open(path).map_err(|fault| fail(Exit::from(&fault), &fault.to_string()))?;
        Ok((store, Arc::new(book)))
    }
}
