//! Bulk exports under way (Bulk Data Access IG 2.0, "Bulk Data Export Operation"): who began which, what it is to hold, and
//! until when it may be fetched.
//!
//! An export is a scope, never content: what a file holds is decided when it is fetched. So all there is to keep is small,
//! and it is kept in the store: a restart takes no export away.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::config::Limits;
use crate::consent::Caller;
use crate::fault::Fault;
use crate::fhir::PatientKey;
use crate::store::{Commit, Store, VALUE_BYTES_MAX};

/// Whose data are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// `$export`: everything.
    System,
    /// `Patient/$export`: patients' records.
    Patient,
    /// `Group/[id]/$export`: the records of a group's members.
    Group,
}

/// What was asked for; kept as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The URL with which it was begun.
    pub request: String,
    /// Whose data.
    pub level: Level,
    /// The names of the types; all when there is none.
    pub types: Vec<String>,
    /// Type and criteria, as in a search: of such a type only what meets one of its criteria.
    pub filters: Vec<(String, String)>,
    /// What was stored after this instant, milliseconds since 1970.
    pub since: Option<i64>,
}

/// An export.
#[derive(Debug)]
pub struct Export {
    number: u128,
    kept: Kept,
    stage: Mutex<Stage>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    client: String,
    organization: String,
    role: String,
    transaction_time: i64,
    expires: i64,
    asked: Asked,
}

/// How far it is in finding out which files it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nobody is looking.
    Waiting,
    /// This part of the records has been looked at, in percent.
    Looking(u8),
    /// The files, each with a record that something in it is from.
    Found(Vec<(String, PatientKey)>),
}

/// Why an export was not begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotBegun {
    /// The client has as many as it may; the next one expires in this many seconds.
    TooMany(i64),
    /// More is asked for than can be kept.
    TooLong,
    /// The machine failed.
    Failed(Fault),
}

/// All exports that may be fetched.
#[derive(Debug)]
pub struct Exports {
    store: Store,
    kept_ms: i64,
    per_client_max: usize,
    all: Mutex<BTreeMap<u128, Arc<Export>>>,
}

impl Exports {
    /// The exports that a store holds, without those that have expired at `now`, milliseconds since 1970.
    pub fn open(store: Store, limits: Limits, now: i64) -> Result<Self, Fault> {
        let mut all = BTreeMap::new();
        for (number, bytes) in store.exports()? {
            match serde_json::from_slice::<Kept>(&bytes) {
                Ok(kept) if kept.expires > now => {
                    all.insert(number, Arc::new(Export { number, kept, stage: Mutex::new(Stage::Waiting) }));
                }
                // Expired, or written by another version of this program: whoever wants it begins it anew.
                _ => store.drop_export(number)?,
            }
        }
        Ok(Exports {
            store,
            kept_ms: i64::try_from(limits.export_minutes_max).unwrap_or(i64::MAX).saturating_mul(60_000),
            per_client_max: usize::try_from(limits.exports_per_client_max).unwrap_or(usize::MAX),
            all: Mutex::new(all),
        })
    }

    /// Begins an export of what `asked` says from these records, as they are at `transaction_time`, which is now
    /// (milliseconds since 1970). Blocks until it is kept.
    pub fn begin(
        &self,
        caller: &Caller,
        asked: Asked,
        records: &[PatientKey],
        transaction_time: i64,
    ) -> Result<Arc<Export>, NotBegun> {
        self.sweep(transaction_time).map_err(NotBegun::Failed)?;
        let kept = Kept {
            client: caller.client.clone(),
            organization: caller.organization.clone(),
            role: caller.role.name().to_owned(),
            transaction_time,
            expires: transaction_time.saturating_add(self.kept_ms),
            asked,
        };
        let bytes = serde_json::to_vec(&kept).unwrap_or_default();
        if bytes.is_empty() || bytes.len() > VALUE_BYTES_MAX {
            return Err(NotBegun::TooLong);
        }
        let number = Uuid::new_v4().as_u128();
        let mut commit = Commit::default();
        commit.put_export(number, &bytes, records).map_err(NotBegun::Failed)?;
        let export = Arc::new(Export { number, kept, stage: Mutex::new(Stage::Waiting) });
        {
            let mut all = self.all();
            let own: Vec<i64> = all.values().filter(|other| other.is_of(caller)).map(|other| other.expires()).collect();
            if own.len() >= self.per_client_max {
                let next = own.into_iter().min().unwrap_or(transaction_time).saturating_sub(transaction_time);
                return Err(NotBegun::TooMany((next / 1000).saturating_add(1)));
            }
            all.insert(number, export.clone());
        }
        if let Err(fault) = self.store.submit(commit).wait() {
            self.all().remove(&number);
            return Err(NotBegun::Failed(fault));
        }
        Ok(export)
    }

    /// The export of that name, when this caller began it and it may be fetched at `now`. For anybody else there is none.
    pub fn find(&self, name: &str, caller: &Caller, now: i64) -> Option<Arc<Export>> {
        let number = u128::from_str_radix(name, 16).ok().filter(|_| name.len() == 32)?;
        self.all().get(&number).filter(|export| export.is_of(caller) && export.expires() > now).cloned()
    }

    /// Whether it may still be fetched at `now`: it has not expired and was not cancelled.
    pub fn may_be_fetched(&self, export: &Export, now: i64) -> bool {
        export.expires() > now && self.all().contains_key(&export.number)
    }

    /// The records it is about. Blocks on storage.
    pub fn records(&self, export: &Export) -> Result<Vec<PatientKey>, Fault> {
        Ok(self.store.export_records(export.number)?.unwrap_or_default())
    }

    /// Ends an export; nothing more of it can be fetched. Blocks until that is durable.
    pub fn cancel(&self, export: &Export) -> Result<(), Fault> {
        self.all().remove(&export.number);
        self.store.drop_export(export.number)
    }

    /// Takes away what has expired.
    fn sweep(&self, now: i64) -> Result<(), Fault> {
        let expired: Vec<u128> = {
            let mut all = self.all();
            let expired: Vec<u128> =
                all.iter().filter(|(_, export)| export.expires() <= now).map(|(number, _)| *number).collect();
            expired.iter().for_each(|number| drop(all.remove(number)));
            expired
        };
        expired.into_iter().try_for_each(|number| self.store.drop_export(number))
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<u128, Arc<Export>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Export {
    /// Its name in addresses: 32 hexadecimal digits that cannot be guessed.
    pub fn name(&self) -> String {
        format!("{:032x}", self.number)
    }

    /// What was asked for.
    pub fn asked(&self) -> &Asked {
        &self.kept.asked
    }

    /// The instant as of which it is, milliseconds since 1970.
    pub fn transaction_time(&self) -> i64 {
        self.kept.transaction_time
    }

    /// When it can be fetched no more, milliseconds since 1970.
    pub fn expires(&self) -> i64 {
        self.kept.expires
    }

    /// How far it is.
    pub fn stage(&self) -> Stage {
        self.locked().clone()
    }

    /// Takes the work of looking upon oneself: `true` for one caller, until the stage is set to waiting again.
    pub fn take(&self) -> bool {
        let mut stage = self.locked();
        let is_free = *stage == Stage::Waiting;
        if is_free {
            *stage = Stage::Looking(0);
        }
        is_free
    }

    /// Says how far it is.
    pub fn set_stage(&self, stage: Stage) {
        *self.locked() = stage;
    }

    /// Whether this caller, acting for the same organisation in the same role as then, began it.
    fn is_of(&self, caller: &Caller) -> bool {
        let Kept { client, organization, role, .. } = &self.kept;
        *client == caller.client && *organization == caller.organization && role == caller.role.name()
    }

    fn locked(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
