//! What a commit costs on each engine: run with `--release -- --ignored --nocapture`. `FOLDER` says on which disk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // a test fails by panicking

mod cluster;

use std::path::Path;
use std::time::Instant;

use tasuki::fhir::PatientKey;
use tasuki::store::postgres::Settings;
use tasuki::store::{Commit, Store, keys};

const CLIENTS: u64 = 16;
const COMMITS: u64 = 1000;
/// About what a sheaf of one laboratory result takes.
const VALUE_BYTES: usize = 700;

/// Ticks of CPU that a process, those it waited for and those it has now used, of 10 ms each.
fn ticks(process: u32) -> u64 {
    let stat = |id: &str| std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let fields = |text: &str| -> Vec<u64> {
        let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
        rest.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect()
    };
    let own: u64 = fields(&stat(&process.to_string())).get(11..15).map_or(0, |times| times.iter().sum());
    let others =
        std::fs::read_dir("/proc").unwrap().flatten().map(|entry| fields(&stat(&entry.file_name().to_string_lossy())));
    let children = others.filter(|fields| fields.get(1) == Some(&u64::from(process)));
    own + children.map(|fields| fields[11] + fields[12]).sum::<u64>()
}

fn disk_bytes(path: &Path) -> u64 {
    let files = std::fs::read_dir(path).into_iter().flatten().flatten();
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => disk_bytes(&entry.path()),
        // What is really there: a journal is made longer than it is filled.
        Ok(meta) => std::os::unix::fs::MetadataExt::blocks(&meta) * 512,
        Err(_) => 0,
    };
    files.map(size).sum()
}

/// Sixteen clients that each wait for their commit: a head that names what it was decided upon, a sheaf, a log entry.
fn load(store: &Store, clients: u64, commits: u64) {
    std::thread::scope(|scope| {
        for client in 0..clients {
            scope.spawn(move || {
                let mut noise = client + 1;
                for n in 0..commits {
                    let patient = PatientKey((u128::from(client * 50 + n % 50) + 1) << 100);
                    let head = store.engine().get(&keys::head(patient)).unwrap();
                    let value = (0..VALUE_BYTES).map(|_| {
                        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                        (noise >> 56) as u8
                    });
                    let commit = Commit {
                        expect: vec![(keys::head(patient), head)],
                        put: vec![
                            (keys::head(patient), n.to_be_bytes().to_vec()),
                            (keys::sheaf(patient, n + 1, 0), value.collect()),
                        ],
                        delete: Vec::new(),
                        log: Some(vec![7; 57]),
                    };
                    store.submit(commit).wait().unwrap();
                }
            });
        }
    });
}

fn measure(engine: &str, server: Option<u32>, open: &dyn Fn() -> Store, disk: &dyn Fn() -> u64) {
    let own = std::process::id();
    let store = open();
    for (clients, commits) in [(CLIENTS, COMMITS), (1, COMMITS)] {
        let (begun, before, server_before) = (Instant::now(), ticks(own), server.map_or(0, ticks));
        load(&store, clients, commits);
        let (seconds, count) = (begun.elapsed().as_secs_f64(), clients * commits);
        let micros = |ticks: u64| ticks * 10_000 / count;
        println!(
            "{engine}, {clients} clients: {:.0} commits/s, CPU {} µs a commit here and {} µs in the server",
            count as f64 / seconds,
            micros(ticks(own) - before),
            micros(server.map_or(0, ticks) - server_before),
        );
    }
    drop(store);
    let (bytes, begun) = (disk(), Instant::now());
    drop(open());
    println!(
        "{engine}: {} bytes of disk a commit, opened again in {:?}",
        bytes / ((CLIENTS + 1) * COMMITS),
        begun.elapsed()
    );
}

#[test]
#[ignore = "measures, on a quiet machine: cargo test --release --test engine_figures -- --ignored --nocapture"]
fn what_a_commit_costs() {
    let folder = std::env::var_os("FOLDER").map_or_else(std::env::temp_dir, Into::into);
    let folder = tempfile::tempdir_in(folder).unwrap();
    let (sled, fjall) = (folder.path().join("sled"), folder.path().join("fjall"));
    measure("sled", None, &|| Store::open_sled(&sled, 64 << 20).unwrap(), &|| disk_bytes(&sled));
    measure("fjall", None, &|| Store::open_fjall(&fjall, 64 << 20).unwrap(), &|| disk_bytes(&fjall));
    let Some(cluster) = cluster::Cluster::start(&[]) else { return };
    let settings = Settings { url: cluster.url(), password: None, authorities: None, connections_max: 16 };
    let bytes = || cluster.sql("SELECT pg_total_relation_size('tasuki_entry')").parse().unwrap();
    measure("postgres", Some(cluster.id()), &|| Store::open_postgres(&settings).unwrap(), &bytes);
}
