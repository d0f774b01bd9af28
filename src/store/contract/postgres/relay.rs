//! Stands between an engine and its server, and cuts the connection at a COMMIT: before it is handed on, or before it
//! is answered.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// The COMMIT arrives, its answer does not.
    Answer,
    /// The COMMIT does not arrive.
    Commit,
}

pub(super) struct Relay {
    folder: tempfile::TempDir,
    lost: Arc<AtomicU64>,
}

/// The message of the simple query COMMIT.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

impl Relay {
    /// Before the server whose socket is in a folder; every `nth` COMMIT is hit.
    pub(super) fn start(server: &Path, loss: Loss, nth: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
        let server: PathBuf = server.join(".s.PGSQL.5432");
        let (lost, commits) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let counter = lost.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = UnixStream::connect(&server) else { continue };
                let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
                std::thread::spawn(move || hand_on(back.0, back.1, |_| true));
                let (commits, counter) = (commits.clone(), counter.clone());
                std::thread::spawn(move || {
                    let (to_client, to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                    hand_on(client, server, |bytes| {
                        let hit = bytes.ends_with(COMMIT) && commits.fetch_add(1, Ordering::SeqCst) % nth == nth - 1;
                        if hit {
                            counter.fetch_add(1, Ordering::SeqCst);
                            let _ = to_client.shutdown(Shutdown::Both);
                            if loss == Loss::Commit {
                                let _ = to_server.shutdown(Shutdown::Both);
                            }
                        }
                        !(hit && loss == Loss::Commit)
                    });
                });
            }
        });
        Relay { folder, lost }
    }

    pub(super) fn url(&self) -> String {
        format!("host={} user=tasuki dbname=postgres", self.folder.path().display())
    }

    /// How many were hit.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::SeqCst)
    }
}

fn hand_on(mut from: UnixStream, mut to: UnixStream, may_pass: impl Fn(&[u8]) -> bool) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if !may_pass(&bytes[..count]) || to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
