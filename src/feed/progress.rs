//! How far a long look is, in the log every few seconds: done, of how many, how fast, how long it will take.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::intake::folder;

/// Between two lines.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// How soon the end is noticed.
const TICK: Duration = Duration::from_millis(50);

/// Files of a folder, counted on a thread of its own; 0 until they are.
pub(super) fn count(path: &Path) -> Arc<AtomicU64> {
    let counted = Arc::new(AtomicU64::new(0));
    let (own, path) = (counted.clone(), path.to_path_buf());
    // Where there is no thread to be had, the number stays unsaid. It is not waited for.
    let _ = std::thread::Builder::new().name("feed count".into()).spawn(move || {
        own.store(folder::count(&path), Ordering::Relaxed);
    });
    counted
}

/// Says every few seconds how far it is, until it is finished.
pub(super) fn tell(folder: &str, done: impl Fn() -> u64, of: &AtomicU64, is_finished: &AtomicBool) {
    let begun = Instant::now();
    let mut told = begun;
    while !is_finished.load(Ordering::Relaxed) {
        std::thread::sleep(TICK);
        if told.elapsed() >= LINE_EVERY {
            told = Instant::now();
            line(folder, done(), of.load(Ordering::Relaxed), begun.elapsed());
        }
    }
}

fn line(folder: &str, done: u64, of: u64, took: Duration) {
    let per_second = per_second(done, took);
    match of {
        0 => {
            tracing::info!(folder, done, per_second, "feed: the backlog is being taken in; its files are still counted")
        }
        of => {
            let left = duration(of.saturating_sub(done) / per_second.max(1));
            tracing::info!(folder, done, of, per_second, left, "feed: the backlog is being taken in");
        }
    }
}

fn per_second(done: u64, took: Duration) -> u64 {
    let seconds = took.as_secs_f64().max(0.001);
    (done as f64 / seconds) as u64
}

/// `1 h 20 min`, `3 min`, `40 s`.
pub(super) fn duration(seconds: u64) -> String {
    match seconds {
        0..90 => format!("{seconds} s"),
        90..5400 => format!("{} min", (seconds + 30) / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        let said: Vec<String> = [0, 89, 90, 600, 5400, 7300].map(duration).into();
        assert_eq!(said, ["0 s", "89 s", "2 min", "10 min", "1 h 30 min", "2 h 1 min"]);
        assert_eq!(per_second(500, Duration::from_millis(250)), 2000);
    }

    #[test]
    fn files_are_counted_in_the_background() {
        let folder = tempfile::tempdir().unwrap();
        ["a", "b"].iter().for_each(|name| std::fs::write(folder.path().join(name), "").unwrap());
        let counted = count(folder.path());
        while counted.load(Ordering::Relaxed) == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(counted.load(Ordering::Relaxed), 2);
    }
}
