//! What the office reports: by month and facility, and whose registration ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};
use tasuki::app::Gateway;
use tasuki::store::Store;

use crate::desk::{Desk, Told, form, with};
use crate::gateway::{Ask, NOW, Served, config};
use crate::person::Person;

const DAY_MS: i64 = 86_400_000;
static CLOCK: AtomicI64 = AtomicI64::new(NOW);

fn clock() -> i64 {
    CLOCK.load(Ordering::SeqCst)
}

fn period(end: &str) -> Value {
    json!({"name": "period", "valuePeriod": {"end": end}})
}

fn named(n: usize) -> Person {
    const CARE: [&str; 3] = ["011023:0000000011", "011023:0000000022", "011023:0000000033"];
    const NAMES: [&str; 3] = ["一子", "二子", "三子"];
    const KANA: [&str; 3] = ["イチコ", "ニコ", "ミツコ"];
    Person { kanji: ("試験", NAMES[n]), kana: ("シケン", KANA[n]), care: Some(CARE[n]), ..Person::hanako() }
}

/// In one test, because the clock is shared.
#[test]
fn registrations_are_counted_by_month_and_facility_and_their_ends_are_told() {
    let store = Store::open_memory();
    let gateway = Arc::new(Gateway::over(store.clone(), &config(), clock).unwrap());
    let desk = Desk { served: Served::new(gateway.clone()), gateway, store };
    desk.hospital(&named(0));
    desk.register(&form(&named(0), "2026-11-01"));
    desk.register(&with(form(&named(1), "2026-11-01"), &[period("2026-12-10")]));
    desk.register(&with(form(&named(2), "2026-11-01"), &[period("2026-11-25")]));
    CLOCK.fetch_add(14 * DAY_MS, Ordering::SeqCst); // 2026-12-05
    desk.register(&form(&named(0), "2026-12-01"));
    let person = json!({"name": "person", "resource": named(0).patient()});
    desk.revoke("/Patient/$revoke", &[person, json!({"name": "date", "valueDate": "2026-12-05"})]);

    let report = Told(desk.served.get("office", "/Patient/$registration-report").json());
    let line = |month: &str, facility: Option<&str>| -> Vec<u64> {
        let of = |one: &&Value| {
            let part = |name: &str| one["part"].as_array().unwrap().iter().find(|part| part["name"] == name);
            part("month").unwrap()["valueString"] == month
                && part("facility").and_then(|part| part["valueString"].as_str()) == facility
        };
        let counts = report.all("counts").find(of).unwrap_or_else(|| panic!("{month} {facility:?}"));
        let count = |name: &str| {
            let part = counts["part"].as_array().unwrap().iter().find(|part| part["name"] == name).unwrap();
            part["valueUnsignedInt"].as_u64().unwrap()
        };
        ["registered", "re-registered", "revoked", "expired"].map(count).to_vec()
    };
    assert_eq!(line("2026-11", None), [3, 0, 0, 1]);
    assert_eq!(line("2026-11", Some(crate::gateway::HOSPITAL)), [1, 0, 0, 0]);
    assert_eq!(line("2026-12", None), [0, 1, 1, 0]);
    assert_eq!(report.all("in-force").next().unwrap()["valueUnsignedInt"], 1);

    let december = Told(desk.served.get("office", "/Patient/$registration-report?start=2026-12&end=2026-12").json());
    assert!(december.parts("counts", "month").iter().all(|month| month == "2026-12"));
    let ends = |days: i64| {
        let path = format!("/Patient/$registration-report?expires-within={days}");
        Told(desk.served.get("office", path).json()).parts("ending", "name")
    };
    assert_eq!((ends(5), ends(6)), (vec![], vec!["試験 二子".to_owned()]), "five days and some hours are left");
    for wrong in ["expires-within=-1", "expires-within=x", "expires-within=3661", "start=x", "other=1"] {
        assert_eq!(desk.served.get("office", format!("/Patient/$registration-report?{wrong}")).status, 400, "{wrong}");
    }
    assert_eq!(ends(3660).len(), 1);

    let table = |path: &str| {
        let answer = desk.served.ask(Ask::get("office", path).with("accept", "text/csv"));
        assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
        answer.body
    };
    let months = table("/Patient/$registration-report");
    assert!(
        months.starts_with("\u{feff}月,施設コード,施設名,登録,再登録,撤回,期間満了\r\n2026-11,,全体,3,0,0,1\r\n"),
        "{months}"
    );
    let ending = table("/Patient/$registration-report?expires-within=30");
    assert!(ending.contains(",試験 二子,2026-12-10,Patient/"), "{ending}");
}
