//! What the pipeline is to check letters by: the standards of the configuration, and the definitions in force.

use std::sync::{Arc, Mutex, PoisonError};

use super::conformance::Keeper;
use super::known::Known;
use super::terms::in_senders_terms;
use crate::config::Config;
use crate::consent::is_definition;
use crate::fault::Fault;
use crate::pipeline::Inspection;
use crate::profile::Profiles;
use crate::store::Store;

/// Of a gateway, which keeps the definitions as the directory changes.
pub(super) fn of_gateway(config: &Config, keeper: Arc<Keeper>) -> Inspection {
    Inspection::new(standards(config), move || Ok(keeper.current()?.profiles().clone())).with_terms(in_senders_terms)
}

/// Of whoever has the store to himself: the definitions are read when the first letter needs them.
pub fn inspection(store: &Store, config: &Config) -> Inspection {
    let (store, guides, read) = (store.clone(), config.guides.clone(), Mutex::new(None::<Arc<Profiles>>));
    Inspection::new(standards(config), move || -> Result<Arc<Profiles>, Fault> {
        let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*read {
            return Ok(known.clone());
        }
        let known = Known::follow(&store, false)?;
        let keeper = Keeper::follow(&store, guides.clone(), || known.directory(is_definition))?;
        Ok(read.insert(keeper.current()?.profiles().clone()).clone())
    })
    .with_terms(in_senders_terms)
}

fn standards(
    config: &Config,
) -> impl Iterator<Item = (crate::fhir::FacilityCode, crate::validate::standard::Standard)> {
    config.sources.iter().map(|source| (source.letter.facility.clone(), source.standard.clone()))
}
