//! The contract over PostgreSQL: a cluster of its own for each test, stopped, cut off and shared.

#[path = "../../../tests/cluster/mod.rs"]
mod cluster;
mod relay;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering as Memory};
use std::time::Instant;

use super::*;
use crate::store::postgres::{PostgresEngine, Settings};
use cluster::Cluster;

fn settings(url: String) -> Settings {
    Settings { url, password: None, authorities: None, connections_max: 4 }
}

fn open(cluster: &Cluster) -> Result<Arc<dyn Engine>, Fault> {
    Ok(Arc::new(PostgresEngine::open(&settings(cluster.url()))?))
}

fn open_beside_others(cluster: &Cluster) -> Arc<dyn Engine> {
    Arc::new(PostgresEngine::open_beside_others(&settings(cluster.url())).unwrap())
}

fn forget_all(cluster: &Cluster) {
    cluster.sql("DROP TABLE IF EXISTS tasuki_entry, tasuki_turn");
}

#[test]
fn postgres_keeps_the_contract() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    keep(|| {
        forget_all(&cluster);
        open_beside_others(&cluster)
    });
    forget_all(&cluster);
    keep_over_reopening(|| open(&cluster).unwrap());
}

#[test]
fn only_one_has_it_and_the_next_takes_over() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    let first = open(&cluster).unwrap();
    first.apply(&[put("a", "1")]).unwrap();
    assert_eq!(open(&cluster).err(), Some(Fault::Broken(LOCKED.into())));
    first.apply(&[put("a", "2")]).unwrap();
    drop(first);
    let begun = Instant::now();
    let second = open(&cluster).unwrap();
    assert!(begun.elapsed().as_secs() < 5, "what was closed is not waited for");
    // An owner that died without a word, or is cut off: its row stays, and nothing beats in it.
    cluster.sql("UPDATE tasuki_turn SET owner = '\\x01' WHERE writer = ''");
    let third = open(&cluster).unwrap();
    third.apply(&[put("a", "3")]).unwrap();
    let fault = second.apply(&[put("a", "4")]).unwrap_err();
    assert!(matches!(fault, Fault::Broken(_)), "who lost the store writes nothing: {fault:?}");
    assert!(second.get(b"a").is_err(), "and reads nothing");
    assert_eq!(value(&*third, "a").as_deref(), Some("3"));
}

#[test]
fn a_database_that_would_forget_is_not_opened() {
    let Some(cluster) = Cluster::start(&["synchronous_commit=off"]) else { return };
    assert!(matches!(open(&cluster).err(), Some(Fault::Broken(what)) if what.contains("synchronous_commit")));
}

/// Adds one to a counter, decided upon what it was: the number of successes is what it comes to, however many try.
fn count_up(engine: &dyn Engine, counter: &str, times: u64) -> u64 {
    let mut done = 0;
    for n in 0..times {
        let now = value(engine, counter);
        let next = now.as_deref().map_or(1, |now| now.parse::<u64>().unwrap() + 1).to_string();
        // Every other one is not in the log, and changes the table of turns no less.
        let step = expecting(counter, now.as_deref(), put(counter, &next));
        let step = if n.is_multiple_of(2) { logged(&next, step) } else { step };
        match engine.apply(&[step]).unwrap().remove(0) {
            Ok(_) => done += 1,
            Err(Fault::Conflict) => {}
            Err(fault) => panic!("{fault}"),
        }
    }
    done
}

fn log_is_whole(engine: &dyn Engine) -> u64 {
    let (from, to) = keys::space(keys::Space::Log);
    let log = engine.scan(&from, &to, 100_000, Order::Ascending).unwrap();
    let numbers: Vec<_> = log.iter().map(|(key, _)| keys::number_of(key).unwrap()).collect();
    assert_eq!(numbers, (1..=log.len() as u64).collect::<Vec<_>>(), "a gap in the log");
    log.len() as u64
}

/// Three gateways over one database: what a commit expects holds when it is written, at every level of isolation.
#[test]
fn expectations_hold_among_several_gateways() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    for isolation in ["read committed", "repeatable read", "serializable"] {
        forget_all(&cluster);
        cluster.sql(&format!("ALTER DATABASE postgres SET default_transaction_isolation = '{isolation}'"));
        let done = AtomicU64::new(0);
        let tried = 120;
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let engine = open_beside_others(&cluster);
                    done.fetch_add(count_up(&*engine, "counter", tried), Memory::SeqCst);
                });
            }
        });
        let engine = open_beside_others(&cluster);
        let counted: u64 = value(&*engine, "counter").unwrap().parse().unwrap();
        let done = done.into_inner();
        println!("{isolation}: {done} of {} counted, {} in the log", 3 * tried, log_is_whole(&*engine));
        assert_eq!(counted, done);
        assert!(done >= tried, "somebody always gets on");
    }
}

/// The answer to every third COMMIT is lost, or the COMMIT itself: nothing is done twice, and nothing is lost.
#[test]
fn a_lost_answer_is_found_out() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    for (loss, isolation) in [
        (relay::Loss::Answer, "read committed"),
        (relay::Loss::Answer, "repeatable read"),
        (relay::Loss::Commit, "read committed"),
    ] {
        forget_all(&cluster);
        cluster.sql(&format!("ALTER DATABASE postgres SET default_transaction_isolation = '{isolation}'"));
        let relay = relay::Relay::start(cluster.folder(), loss, 3);
        let engine = PostgresEngine::open_beside_others(&settings(relay.url())).unwrap();
        // Another gateway takes turns in between.
        let stop = AtomicBool::new(false);
        let done = std::thread::scope(|scope| {
            scope.spawn(|| {
                let other = open_beside_others(&cluster);
                while !stop.load(Memory::SeqCst) {
                    count_up(&*other, "other", 1);
                }
            });
            let done = count_up(&engine, "counter", 60);
            stop.store(true, Memory::SeqCst);
            done
        });
        assert_eq!(done, 60, "{loss:?}: nobody else counts here");
        assert_eq!(value(&engine, "counter").as_deref(), Some("60"), "{loss:?}");
        log_is_whole(&engine);
        assert!(relay.lost() >= 15, "{} answers were lost", relay.lost());
    }
}

/// A server that is stopped in the middle and started again: calls wait or are told to come later, and what was
/// acknowledged is there.
#[test]
fn a_database_that_was_away_is_gone_on_with() {
    let Some(mut cluster) = Cluster::start(&[]) else { return };
    let engine = open(&cluster).unwrap();
    let stop = AtomicBool::new(false);
    let done = std::thread::scope(|scope| {
        let counting = scope.spawn(|| {
            let mut done = 0;
            while !stop.load(Memory::SeqCst) {
                done += count_up(&*engine, "counter", 1);
            }
            done
        });
        for _ in 0..4 {
            std::thread::sleep(std::time::Duration::from_millis(300));
            cluster.stop_at_once();
            std::thread::sleep(std::time::Duration::from_millis(100));
            cluster.start_again();
        }
        std::thread::sleep(std::time::Duration::from_millis(300));
        stop.store(true, Memory::SeqCst);
        counting.join().unwrap()
    });
    assert_eq!(value(&*engine, "counter"), Some(done.to_string()));
    log_is_whole(&*engine);
    assert!(done > 20, "{done}");
}

/// Statements are planned while the tables are empty, and go by the key all the same when they are full.
#[test]
fn nothing_reads_whole_tables() {
    let Some(cluster) = Cluster::start(&["autovacuum=off"]) else { return };
    let engine = open_beside_others(&cluster);
    for n in 0..40_u64 {
        let commit = |patient: u64| {
            let (head, sheaf) = (keys::head(PatientKey(patient.into())), keys::sheaf(PatientKey(patient.into()), n, 0));
            let expect = vec![(sheaf.clone(), None)];
            let put = vec![(head.clone(), vec![1]), (sheaf, vec![2; 500])];
            Commit { expect, put, delete: vec![keys::held(LetterId([7; 32]))], log: Some(vec![3; 50]) }
        };
        engine.apply(&(0..20).map(commit).collect::<Vec<_>>()).unwrap();
        let (from, to) = (keys::head(PatientKey(3)), keys::sheaf(PatientKey(3), n, 0));
        for order in [Order::Ascending, Order::Descending] {
            assert!(!engine.scan(&from, &to, 1, order).unwrap().is_empty());
            assert!(!engine.scan(&from, b"Q", 1, order).unwrap().is_empty());
        }
    }
    drop(engine);
    let read =
        cluster.sql("SELECT coalesce(sum(seq_tup_read), 0) FROM pg_stat_user_tables WHERE relname = 'tasuki_entry'");
    assert_eq!(read, "0");
    let fetched: u64 =
        cluster.sql("SELECT idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'tasuki_entry'").parse().unwrap();
    assert!(fetched < 5000, "{fetched} rows for 40 commits and 160 scans of one row");
}

/// Connections that the server ends, those of readers and of the writer, are made anew.
#[test]
fn connections_that_are_ended_are_made_anew() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    let engine = open_beside_others(&cluster);
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'tasuki'";
    for n in 1..=10 {
        assert_eq!(count_up(&*engine, "counter", 1), 1);
        cluster.sql(end);
        assert_eq!(value(&*engine, "counter"), Some(n.to_string()));
    }
}

/// A server that is reached by TCP takes the password over TLS, and is known by the authority that vouches for it.
#[test]
fn over_tls_the_server_must_be_vouched_for() {
    let ((authority, vouched_for, key), (other, ..)) = (certificate(), certificate());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings_of_server = [
        "listen_addresses=127.0.0.1",
        "ssl=on",
        "ssl_cert_file=../server.pem",
        "ssl_key_file=../key.pem",
        "hba_file=../hba.conf",
    ];
    let hba = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
    let files = [("server.pem", vouched_for.as_str()), ("key.pem", &key), ("hba.conf", hba)];
    let Some(cluster) = Cluster::start_on(port, &settings_of_server, &files) else { return };
    cluster.sql("CREATE ROLE gateway LOGIN PASSWORD 'example'");
    cluster.sql("CREATE DATABASE kept OWNER gateway");
    let settings = |password: &str, authority: Option<&str>| Settings {
        url: format!("postgresql://gateway@localhost:{port}/kept"),
        password: Some(password.into()),
        authorities: authority.map(Into::into),
        connections_max: 2,
    };
    let engine = PostgresEngine::open(&settings("example", Some(&authority))).unwrap();
    engine.apply(&[logged("x", put("a", "1"))]).unwrap();
    assert_eq!(value(&engine, "a").as_deref(), Some("1"));
    for (password, authority) in
        [("wrong", Some(authority.as_str())), ("example", Some(other.as_str())), ("example", None)]
    {
        let begun = Instant::now();
        let fault = PostgresEngine::open(&settings(password, authority)).err();
        assert!(matches!(&fault, Some(Fault::Broken(what)) if !what.contains(password)), "{fault:?}");
        println!("{fault:?} after {:?}", begun.elapsed());
    }
}

/// An authority, a certificate for `localhost` that it vouches for, and its key.
fn certificate() -> (String, String, String) {
    let (root_key, key) = (rcgen::KeyPair::generate().unwrap(), rcgen::KeyPair::generate().unwrap());
    let mut root = rcgen::CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = root.self_signed(&root_key).unwrap().pem();
    let issuer = rcgen::Issuer::from_params(&root, &root_key);
    let server = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    (authority, server.signed_by(&key, &issuer).unwrap().pem(), key.serialize_pem())
}
