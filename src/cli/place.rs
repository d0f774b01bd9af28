//! Where the command line works: on which store, and by which maps.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::{fail, issues};
use crate::app;
use crate::codes::Book;
use crate::config::{self, Config, maps};
use crate::fault::{Exit, Fault};
use crate::pipeline::{Inspection, Pipeline};
use crate::search::LabelRules;
use crate::store::Store;

/// The store's folder when nobody names one.
const STORE: &str = "tasuki-data";
/// Memory for the cache of a store that no configuration speaks of.
const CACHE_BYTES: u64 = 256 << 20;

#[derive(Debug, Args)]
pub(super) struct Place {
    /// The store's folder [default: what --config names, else tasuki-data]
    #[arg(long, global = true)]
    store: Option<PathBuf>,
    /// The gateway's configuration: its store and its maps
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// A folder of concept maps and column mappings [default: that of --config, else none]
    #[arg(long, global = true)]
    maps: Option<PathBuf>,
}

/// What was named, ready to be worked with.
pub(super) struct Opened {
    /// The store.
    pub(super) store: Store,
    book: Arc<Book>,
    label_rules: Arc<LabelRules>,
    inspection: Option<Inspection>,
}

impl Opened {
    /// A pipeline into the store.
    pub(super) fn pipeline(self) -> Pipeline {
        let pipeline = Pipeline::new(self.store, super::now).with_book(self.book).with_label_rules(self.label_rules);
        match self.inspection {
            Some(inspection) => pipeline.with_inspection(inspection),
            None => pipeline,
        }
    }

    /// The same to write with. Where the rest of the store was labelled by other rules, that is noted: the gateway labels
    /// everything anew at its next start.
    pub(super) fn writing(self) -> Result<Pipeline, Exit> {
        let pipeline = self.pipeline();
        match pipeline.note_writing() {
            Ok(()) => Ok(pipeline),
            Err(fault) => Err(fail(Exit::from(&fault), &fault.to_string())),
        }
    }
}

impl Place {
    /// Whether it was said by which maps letters are read.
    pub(super) fn names_maps(&self) -> bool {
        self.config.is_some() || self.maps.is_some()
    }

    /// Whether a configuration is named.
    pub(super) fn names_config(&self) -> bool {
        self.config.is_some()
    }

    /// Opens the store, making it when it is not there, and reads the maps and the label rules. Says what is wrong.
    pub(super) fn open(&self) -> Result<Opened, Exit> {
        let config = self.config()?;
        let book = self.book(config.as_ref())?;
        let label_rules = config.as_ref().map(|config| config.label_rules.clone()).unwrap_or_default();
        let store = self.store(config.as_ref())?;
        let inspection = config.as_ref().map(|config| app::inspection(&store, config));
        Ok(Opened { store, book, label_rules, inspection })
    }

    /// The label rules of the configuration.
    pub(super) fn label_rules(&self) -> Result<Arc<LabelRules>, Exit> {
        Ok(self.config()?.map(|config| config.label_rules).unwrap_or_default())
    }

    /// The same; no store when none is named.
    pub(super) fn open_named(&self) -> Result<(Option<Store>, Arc<Book>), Exit> {
        let config = self.config()?;
        let book = self.book(config.as_ref())?;
        let is_named = self.store.is_some() || config.is_some();
        Ok((is_named.then(|| self.store(config.as_ref())).transpose()?, book))
    }

    /// What the configuration says, where one is named.
    pub(super) fn config(&self) -> Result<Option<Config>, Exit> {
        let config = self.config.as_deref().map(Config::load).transpose();
        config.map_err(|problem| fail(problem.exit(), &issues::sentence(&problem)))
    }

    /// The folder of the store; `None` where a database or nothing keeps it.
    pub(super) fn folder(&self, config: Option<&Config>) -> Option<PathBuf> {
        match (&self.store, config.map(|config| &config.store)) {
            (Some(path), _) => Some(path.clone()),
            (None, Some(config::Store::Sled { path, .. } | config::Store::Fjall { path, .. })) => Some(path.clone()),
            (None, Some(config::Store::Memory | config::Store::Postgres(_))) => None,
            (None, None) => Some(STORE.into()),
        }
    }

    fn store(&self, config: Option<&Config>) -> Result<Store, Exit> {
        if self.store.is_none() && config.is_some_and(|config| config.store == config::Store::Memory) {
            return Err(fail(Exit::Config, "the configuration names a store that keeps nothing"));
        }
        self.open_store(config).map_err(|fault| fail(Exit::from(&fault), &fault.to_string()))
    }

    /// Opens the store alone. A folder is opened by the engine that made it.
    pub(super) fn open_store(&self, config: Option<&Config>) -> Result<Store, Fault> {
        match (&self.store, config.map(|config| &config.store)) {
            (Some(path), Some(config::Store::Fjall { .. })) => Store::open_fjall(path, CACHE_BYTES),
            (Some(path), _) => Store::open_folder(path, CACHE_BYTES),
            (None, Some(store)) => app::open(store),
            (None, None) => Store::open_folder(Path::new(STORE), CACHE_BYTES),
        }
    }

    fn book(&self, config: Option<&Config>) -> Result<Arc<Book>, Exit> {
        let book = match (&self.maps, config.and_then(|config| config.maps.as_ref())) {
            (Some(folder), _) => {
                let read = maps::load(folder).map_err(|problem| fail(problem.exit(), &issues::sentence(&problem)))?;
                read.remarks.iter().for_each(|remark| eprintln!("{remark}"));
                read.book
            }
            (None, Some((_, maps))) => maps.book.clone(),
            (None, None) => Book::default(),
        };
        Ok(Arc::new(book))
    }
}
