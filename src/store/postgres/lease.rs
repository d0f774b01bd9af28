//! Whose the database is. One gateway at a time has it: what a gateway keeps in memory, consents above all, it learns
//! from its own commits alone.
//!
//! The owner gives a sign of life every few seconds. Who opens the store watches for one; without any it takes the store
//! over. An owner that was only slow finds out at its next turn, and nothing leaves a gateway without a turn, because
//! what leaves is audited first. No clock of one machine is compared with that of another.

use std::sync::Arc;
use std::time::Duration;

use super::connect::Failure;
use super::{Inner, PART, sql};
use crate::fault::Fault;
use crate::store::LOCKED;

/// Between two signs of life.
const BEAT: Duration = Duration::from_secs(2);
/// An owner without one for so long is gone.
const PATIENCE: Duration = Duration::from_secs(7);

impl Inner {
    /// Makes the tables where they are not there, and becomes a writer.
    pub(super) async fn enter(&self) -> Result<(), Failure> {
        let connection = self.pools.writer.get().await?;
        let off = connection.query(sql::NOT_DURABLE, &[]).await?;
        if let Some(row) = off.first() {
            let name: &str = row.try_get(0)?;
            return Err(Fault::Broken(format!("PostgreSQL's setting {name} is off: no commit would be durable")).into());
        }
        for table in sql::TABLES {
            connection.batch_execute(table).await?;
        }
        for writer in [&Vec::new(), &self.writer] {
            connection.execute(sql::NEW_WRITER, &[&PART, writer]).await?;
        }
        Ok(())
    }

    /// Becomes the owner, when there is none or it has gone without a word.
    pub(super) async fn own(&self) -> Result<(), Failure> {
        let connection = self.pools.writer.get().await?;
        let look = async |writer: &[u8]| -> Result<(Vec<u8>, i64), Failure> {
            let row = connection.query_opt(sql::LOOK, &[&PART, &writer]).await?;
            Ok(row
                .map(|row| Ok::<_, tokio_postgres::Error>((row.try_get(0)?, row.try_get(1)?)))
                .transpose()?
                .unwrap_or_default())
        };
        let (owner, _) = look(&[]).await?;
        if !owner.is_empty() {
            let (_, first) = look(&owner).await?;
            let mut waited = Duration::ZERO;
            while waited < PATIENCE {
                tokio::time::sleep(BEAT / 4).await;
                waited += BEAT / 4;
                if look(&owner).await?.1 != first {
                    return Err(Fault::Broken(LOCKED.into()).into());
                }
                if look(&[]).await?.0.is_empty() {
                    break;
                }
            }
        }
        let (owner, _) = look(&[]).await.map(|(now, beat)| if now.is_empty() { (now, beat) } else { (owner, beat) })?;
        match connection.execute(sql::OWN, &[&PART, &owner, &self.writer]).await? {
            1 => Ok(()),
            _ => Err(Fault::Broken(LOCKED.into()).into()),
        }
    }

    /// Gives signs of life for as long as the engine is there, and looks whether the store is still its own.
    pub(super) async fn live(engine: std::sync::Weak<Self>) {
        loop {
            tokio::time::sleep(BEAT).await;
            let Some(engine) = engine.upgrade() else { return };
            // One that fails is made up for by the next.
            let _ = engine.beat().await;
        }
    }

    async fn beat(self: &Arc<Self>) -> Result<(), Failure> {
        let connection = self.pools.readers.get().await?;
        connection.execute(sql::BEAT, &[&PART, &self.writer]).await?;
        let none: &[u8] = &[];
        let row = connection.query_one(sql::LOOK, &[&PART, &none]).await?;
        if row.try_get::<_, &[u8]>(0)? != self.owner() {
            self.lose();
        }
        Ok(())
    }

    /// Lets the next one open the store at once.
    pub(super) async fn leave(&self) -> Result<(), Failure> {
        let connection = self.pools.writer.get().await?;
        let none: &[u8] = &[];
        if self.is_alone {
            connection.execute(sql::OWN, &[&PART, &self.writer, &none]).await?;
        }
        connection.execute(sql::FORGET, &[&PART, &self.writer]).await?;
        Ok(())
    }

    /// Who must own the store for this engine to write.
    pub(super) fn owner(&self) -> &[u8] {
        if self.is_alone { &self.writer } else { &[] }
    }

    /// The store is another's.
    pub(super) fn lose(&self) -> Fault {
        let fault = Fault::Broken("another process has taken the store over".into());
        let _ = self.broken.set(fault.clone());
        fault
    }
}
