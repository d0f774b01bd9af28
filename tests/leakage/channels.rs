//! J. Side channels.

use crate::gateway::{Ask, Served};
use crate::{HIDDEN, SHOWN, patient, serve, worlds};

#[test]
fn leak_63_errors_say_nothing_of_the_store() {
    let worlds = worlds();
    for path in [
        "/Condition?_id=secret'%20or%20'1'='1",
        "/Condition?code=%00",
        "/Condition?_filter=code%20eq",
        "/Condition?date=secret",
        "/Condition?_sort=secret",
        "/Condition?_include=secret",
        "/Condition?_cursor=secret",
        "/Condition/secret/_history/x",
        "/Condition/_history?_cursor=secret",
        "/Condition?_count=999999999999999999999",
        "/Condition/%27%22%3Cscript%3E",
        "/Observation/$lastn",
        "/Composition/$document",
    ] {
        let answer = worlds.get(path);
        for word in ["panicked", "src/", ".rs:", "sled", "SELECT", "胃癌", "病名"] {
            assert!(!answer.body.contains(word), "{path}: {}", answer.body);
        }
    }
}

#[test]
fn leak_65_sizes_packing_and_numbers_are_alike() {
    let worlds = worlds();
    for coding in ["gzip", "zstd", "identity"] {
        for path in ["/Observation", "/Condition/secret", "/_history", "/Patient?_revinclude=*"] {
            let answer = worlds.ask(Ask::get("agency-a", path).with("accept-encoding", coding));
            assert!(
                answer.headers.iter().all(|(name, _)| !name.contains("cache-hit") && !name.contains("ratelimit")),
                "{path}"
            );
        }
    }
    // An id of a request that nobody chose tells neither how many there were.
    let ids: Vec<String> = (0..3)
        .map(|_| {
            worlds
                .more
                .ask(Ask::get("agency-a", "/metadata").with("x-request-id", ""))
                .header("x-request-id")
                .unwrap()
                .to_owned()
        })
        .collect();
    assert!(ids[0] != ids[1] && ids[1] != ids[2]);
    let number = |id: &str| u64::from_str_radix(id, 16).unwrap();
    assert!(number(&ids[1]).wrapping_sub(number(&ids[0])) != 1);
}

#[test]
fn leak_66_and_69_what_the_server_says_of_itself_counts_nothing() {
    let worlds = worlds();
    for path in [
        "/metadata",
        "/openapi.json",
        "//health",
        "/.well-known/smart-configuration",
        "//.well-known/smart-configuration",
    ] {
        for client in ["", "agency-a"] {
            assert!(worlds.ask(Ask::get(client, path)).status < 500, "{path}");
        }
    }
    for path in ["//metrics", "//debug", "//status", "//", "//server-status", "//admin"] {
        assert!(worlds.ask(Ask::get("agency-a", path)).status >= 400, "{path}");
    }
    assert!(worlds.get("/metadata").header("server").is_none());
}

#[test]
fn leak_68_nothing_is_to_be_kept_by_a_cache() {
    let worlds = worlds();
    let whole = format!("/{}/$everything", patient(SHOWN));
    for path in [
        "/Condition/shown",
        "/Condition/secret",
        "/Condition",
        "/metadata",
        "/_history",
        "//health",
        "/Binary/x",
        whole.as_str(),
    ] {
        for method in ["GET", "HEAD", "OPTIONS", "DELETE"] {
            let answer = worlds.ask(Ask { method, ..Ask::get("agency-a", path) });
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{method} {path}");
        }
    }
}

/// What is kept of an export is what was asked for; no file, and nothing of a record.
#[test]
fn leak_70_nothing_is_written_beside_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let kept = tasuki::store::Store::open_sled(&folder.path().join("store"), 1 << 20).unwrap();
    crate::fill(&kept, &[crate::shown(), crate::hidden()].concat(), &[]);
    crate::permit(&kept, "active");
    let files = || {
        let mut found = Vec::new();
        let mut folders = vec![folder.path().to_owned()];
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(next).unwrap().flatten() {
                if entry.path().is_dir() { folders.push(entry.path()) } else { found.push(entry.path()) }
            }
        }
        found.iter().filter(|path| path.extension().is_some_and(|e| e == "ndjson" || e == "json" || e == "tmp")).count()
    };
    let served: Served = serve(&kept);
    let begun = served.ask(Ask::get("agency-a", "/$export").with("prefer", "respond-async"));
    assert_eq!((begun.status, files()), (202, 0));
    for number in [SHOWN, HIDDEN] {
        served.get("agency-a", format!("/{}/$everything", patient(number)));
    }
    assert_eq!(files(), 0);
}
