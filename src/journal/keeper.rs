//! What is done for the audit chain beside the writing of it, on a thread of its own: heads are signed and written to their
//! file, the index of patients is kept up. Nothing that is answered waits for it.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Tip;
use super::anchors::{Anchors, heads};
use super::index::Index;
use crate::audit::ChunkHash;
use crate::fault::Fault;
use crate::store::Order;

/// A head is signed after so many chunks at most.
pub const HEAD_CHUNKS: u64 = 4096;
/// A head is signed after so long at most, where anything was recorded.
pub const HEAD_EVERY: Duration = Duration::from_secs(3600);
/// After a head could not be written.
const AGAIN: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Keeper {
    notify: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Work {
    tip: Arc<Mutex<Tip>>,
    index: Arc<Index>,
    anchors: Option<Anchors>,
    clock: fn() -> i64,
    /// The hash of the last chunk whose head is signed.
    signed: Option<ChunkHash>,
}

impl Keeper {
    pub(super) fn start(
        tip: Arc<Mutex<Tip>>,
        index: Arc<Index>,
        anchors: Option<Anchors>,
        clock: fn() -> i64,
    ) -> Result<Self, Fault> {
        let (notify, notified) = sync_channel(1);
        let mut work = Work { tip, index, anchors, clock, signed: None };
        work.look_back();
        let thread = std::thread::Builder::new()
            .name("audit".into())
            .spawn(move || work.run(&notified))
            .map_err(|_| Fault::Broken("the thread of the audit chain cannot be started".into()))?;
        Ok(Keeper { notify: Some(notify), thread: Some(thread) })
    }

    /// What wakes it.
    pub(super) fn notify(&self) -> Option<SyncSender<()>> {
        self.notify.clone()
    }
}

impl Work {
    fn run(&mut self, notified: &Receiver<()>) {
        loop {
            if let Err(fault) = self.index.keep_up() {
                tracing::error!(%fault, "audit: the index of patients cannot be kept up");
            }
            let patience = if self.sign() { HEAD_EVERY } else { AGAIN };
            if let Err(RecvTimeoutError::Disconnected) = notified.recv_timeout(patience) {
                self.sign();
                return;
            }
        }
    }

    /// Looks at the last head that was written: whether the chain still has it.
    fn look_back(&mut self) {
        let Some(anchors) = &self.anchors else { return };
        let heads = heads(anchors.file()).map(|(heads, _)| heads).unwrap_or_default();
        let Some(last) = heads.iter().rfind(|head| head.is_signed_by(&anchors.public())) else { return };
        let at = self.index.store().audit(last.head.number, 1, Order::Ascending);
        let kept = at.map(|chunks| chunks.first().is_some_and(|(n, chunk)| ChunkHash::of(*n, chunk) == last.head.hash));
        if kept == Ok(true) {
            self.signed = Some(last.head.hash);
        } else {
            tracing::error!("audit: the chain is not what the last head says: `tasuki audit verify` tells where");
        }
    }

    /// Signs the head of the chain where it has changed; whether it is written. Only a failure is said: the chain itself is
    /// whole without, and the next head covers what this one would have.
    fn sign(&mut self) -> bool {
        let Some(anchors) = &self.anchors else { return true };
        let tip = *self.tip.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(head) = tip.head((self.clock)()).filter(|head| self.signed != Some(head.hash)) else { return true };
        match anchors.write(&anchors.sign(head)) {
            Ok(()) => {
                self.signed = Some(head.hash);
                true
            }
            Err(fault) => {
                tracing::error!(%fault, "audit: no head of the chain is written; until one is, a cut may go unnoticed");
                false
            }
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.notify = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
