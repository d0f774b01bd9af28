//! Folders that the gateway follows: what lies there when it first looks is taken in, then what comes to lie there.
//!
//! Each folder has a thread that looks, rests, and looks again ([`tree`]); so have its transaction storage and its index
//! table ([`index`]). What is new is told by the time of change that the file system keeps and nobody can set back
//! ([`look`]). A look that is too early, or meets something again, costs work and nothing else: letters are known by what
//! they are. How far a folder is, the store keeps (`store::cursor`).

mod desk;
mod index;
mod look;
mod progress;
pub mod take;
mod tree;

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::app::Gateway;
use crate::audit::Agent;
use crate::config;
use crate::consent::Role;
use crate::fault::Fault;
use crate::letter::Source;
use index::Index;
use tree::Tree;

/// After a look the gateway rests this many times as long as the look took: looking costs at most about 5 % of the time.
const REST_FACTOR: u32 = 20;
/// However long a look takes, the next one begins after this.
const REST_MAX: Duration = Duration::from_secs(3600);
/// Rest after the store or the machine failed.
const REST_AFTER_FAULT: Duration = Duration::from_secs(10);

/// How a folder is followed.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// A file that changed less than this ago is still being written.
    pub settle: Duration,
    /// How much earlier than the last look a change may seem: clocks differ.
    pub slack: Duration,
    /// How often every single file is looked at, those too that were overwritten in place.
    pub full_every: Duration,
    /// How often every single file is read.
    pub whole_every: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        Pace {
            settle: Duration::from_secs(5),
            slack: Duration::from_secs(600),
            full_every: hours(24),
            whole_every: hours(7 * 24),
        }
    }
}

/// The folders that are followed, until this is dropped.
#[derive(Debug)]
pub struct Feed {
    stop: Arc<Stop>,
    threads: Vec<JoinHandle<()>>,
}

impl Feed {
    /// Begins to follow.
    pub fn start(gateway: &Arc<Gateway>, folders: &[config::Folder], pace: Pace) -> Result<Feed, Fault> {
        let mut feed = Feed { stop: Arc::default(), threads: Vec::new() };
        for folder in folders {
            let every = Duration::from_secs(folder.every_seconds);
            let follow =
                |kind: &str, path: &PathBuf| Follow::new(gateway, folder, kind, path.clone(), &feed.stop, pace);
            let mut looks: Vec<Box<dyn Looks>> =
                vec![Box::new(Tree::of_storage(follow("tree", &folder.path), folder)?)];
            if let Some(path) = &folder.transactions {
                looks.push(Box::new(Tree::of_transactions(follow("transactions", path))?));
            }
            if let Some(path) = &folder.index {
                looks.push(Box::new(Index::new(follow("index", path), folder.path.clone())?));
            }
            for one in looks {
                let stop = feed.stop.clone();
                let thread = std::thread::Builder::new().name("feed".into());
                let thread = thread.spawn(move || run(one, every, &stop));
                feed.threads.push(thread.map_err(|_| Fault::Broken("a folder's thread cannot be started".into()))?);
            }
        }
        Ok(feed)
    }
}

/// What is under way ends at its next letter and is gone on with after the next start.
impl Drop for Feed {
    fn drop(&mut self) {
        self.stop.set();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Something that is looked at again and again.
trait Looks: Send {
    /// One look; answers how long the looking itself took, and whether something is left for a moment later.
    fn look(&mut self) -> Result<Looked, Fault>;

    /// What it is called in the log.
    fn label(&self) -> &str;
}

/// How a look went.
#[derive(Clone, Copy, Debug, Default)]
struct Looked {
    took: Duration,
    /// Files are still being written.
    is_waiting: bool,
    settle: Duration,
}

fn run(mut looks: Box<dyn Looks>, every: Duration, stop: &Stop) {
    loop {
        let rest = match looks.look() {
            Ok(looked) => rest(looked, every),
            Err(fault) => {
                tracing::error!(folder = looks.label(), %fault, "feed: a look ended early; what is left comes with the next");
                REST_AFTER_FAULT
            }
        };
        if stop.wait(rest) {
            return;
        }
    }
}

/// How long to rest: as configured, less where a file is being written, and more where looking takes long.
fn rest(looked: Looked, every: Duration) -> Duration {
    let wanted = if looked.is_waiting { every.min(looked.settle) } else { every };
    wanted.max(looked.took.saturating_mul(REST_FACTOR).min(REST_MAX))
}

/// Told once, heard by all.
#[derive(Debug, Default)]
struct Stop {
    is_set: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    fn set(&self) {
        *self.is_set.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    fn is_set(&self) -> bool {
        *self.is_set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits so long, or until it is set; answers whether it is.
    fn wait(&self, time: Duration) -> bool {
        let is_set = self.is_set.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(is_set, time, |is_set| !*is_set);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// What all that is followed has.
#[derive(Clone)]
struct Follow {
    gateway: Arc<Gateway>,
    source: Arc<Source>,
    agent: Agent,
    path: PathBuf,
    /// The name of its cursor.
    name: String,
    label: String,
    stop: Arc<Stop>,
    pace: Pace,
    /// When the cursor was last written.
    written: Option<Instant>,
}

impl Follow {
    fn new(
        gateway: &Arc<Gateway>,
        folder: &config::Folder,
        kind: &str,
        path: PathBuf,
        stop: &Arc<Stop>,
        pace: Pace,
    ) -> Follow {
        let label = path.display().to_string();
        Follow {
            gateway: gateway.clone(),
            source: folder.source.letter.clone(),
            agent: Agent {
                client: "folder".into(),
                organization: folder.source.organization.clone(),
                role: Role::Source,
            },
            name: format!("{}/{kind}/{label}", folder.source.letter.facility.as_str()),
            label,
            path,
            stop: stop.clone(),
            pace,
            written: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_long_is_done_seldom() {
        let (second, settle) = (Duration::from_secs(1), Duration::from_secs(5));
        let looked = |took, is_waiting| Looked { took, is_waiting, settle };
        for (took, is_waiting, every, expected) in [
            (Duration::ZERO, false, 10, 10),
            (second, false, 10, 20),
            (second, true, 10, 20),
            (second / 10, true, 10, 5),
            (second / 10, true, 2, 2),
            (second * 1000, false, 10, 3600),
            (second * 1000, false, 7200, 7200),
        ] {
            assert_eq!(rest(looked(took, is_waiting), second * every), second * expected, "{took:?} {every}");
        }
    }

    #[test]
    fn who_waits_is_woken() {
        let stop = Arc::new(Stop::default());
        assert!(!stop.wait(Duration::from_millis(1)));
        let other = stop.clone();
        let thread = std::thread::spawn(move || other.wait(Duration::from_secs(600)));
        stop.set();
        assert!(thread.join().unwrap() && stop.is_set());
    }
}
