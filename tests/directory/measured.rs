//! What a large directory costs: `cargo test --test directory measured -- --ignored --nocapture`, on a quiet machine.

use std::time::Instant;

use tasuki::listing::{self, Hints, Kind};
use tasuki::pipeline::{Enrolment, Pipeline};
use tasuki::store::Store;

use crate::gateway::{Served, clock};

/// So many rows: `TASUKI_ROWS`.
fn rows() -> usize {
    std::env::var("TASUKI_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(10_000)
}

/// Bytes of memory that the process takes (Linux), now and at most.
fn memory() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() / 1024
    };
    (of("VmRSS:"), of("VmHWM:"))
}

fn list(rows: usize) -> String {
    const SERVICES: [&str; 4] = ["居宅介護支援", "訪問介護", "訪問看護", "通所介護"];
    let mut csv =
        String::from("都道府県名,市区町村名,事業所名,サービスの種類,住所,緯度,経度,電話番号,法人番号,事業所番号\n");
    for n in 0..rows {
        let (prefecture, service) = (1 + n % 47, SERVICES[n % 4]);
        csv += &format!(
            "札幌,第{}町,試験事業所{n},{service},中央区北{}条西{}丁目,43.{:04},141.{:04},011-{:03}-{:04},{:013},{prefecture:02}{n:08}\n",
            n % 100,
            n % 30,
            n % 20,
            n % 10_000,
            n % 10_000,
            n % 1000,
            n % 10_000,
            n
        );
    }
    csv
}

#[test]
#[ignore = "measures, on a quiet machine: cargo test --test directory measured -- --ignored --nocapture"]
fn measured_import_and_search() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_sled(folder.path(), 64 << 20).unwrap();
    let pipeline = Pipeline::new(store.clone(), clock);
    let csv = list(rows());
    let begun = Instant::now();
    let list = listing::read(Kind::CareOffices, csv.as_bytes(), Hints::default()).unwrap();
    println!("{} rows read in {:?}, {:?} MiB", list.entries.len(), begun.elapsed(), memory());
    for name in ["first", "again"] {
        let begun = Instant::now();
        let enrolled = pipeline.enrol(Kind::CareOffices, &list, Enrolment::default(), &|_, _| {}).unwrap();
        let took = begun.elapsed();
        println!(
            "{name}: {took:?}, {:.0} rows a second, {:?} MiB, {:?}",
            rows() as f64 / took.as_secs_f64(),
            memory(),
            enrolled.counts
        );
    }
    drop((pipeline, list, csv));
    let begun = Instant::now();
    let served = Served::new(crate::gateway::over(store));
    println!("start: {:?}", begun.elapsed());
    let last = rows() - 1;
    for path in [
        format!("/Organization?identifier={:02}{last:08}", 1 + last % 47),
        format!("/Organization?name=%E8%A9%A6%E9%A8%93%E4%BA%8B%E6%A5%AD%E6%89%80{last}"),
        "/Organization?type=home-helper&_count=10".to_owned(),
        "/Organization?address-state=%E5%8C%97%E6%B5%B7%E9%81%93&_count=10".to_owned(),
        "/HealthcareService?_count=10&_include=HealthcareService:organization".to_owned(),
        "/Observation".to_owned(),
    ] {
        for name in ["cold", "hot", "hot"] {
            let begun = Instant::now();
            let answer = served.get("agency-a", &path);
            println!("{path} {name}: {:?}, total {}, {:?} MiB", begun.elapsed(), answer.json()["total"], memory());
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    }
}
