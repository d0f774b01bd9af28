//! Values of each primitive type that are and that are not of its form.

use serde_json::{Value, json};

use super::*;

fn flaws(name: &str, values: &[&str]) -> Vec<Option<Flaw>> {
    let primitive = Primitive::parse(name).unwrap();
    values.iter().map(|text| primitive.check(&Value::String((*text).to_owned())).err()).collect()
}

fn check(name: &str, good: &[&str], bad: &[&str]) {
    for (text, flaw) in good.iter().zip(flaws(name, good)) {
        assert_eq!(flaw, None, "{name} {text}");
    }
    for (text, flaw) in bad.iter().zip(flaws(name, bad)) {
        assert_eq!(flaw, Some(Flaw::Form), "{name} {text}");
    }
}

#[test]
fn text_has_the_form_of_its_type() {
    check("id", &["a", "A-1.b", &"x".repeat(64)], &["a b", "a_b", "あ", &"x".repeat(65)]);
    check("code", &["a", "a b", "<="], &[" a", "a ", "a  b", "a\tb"]);
    let oids = ["urn:oid:1.2.392.100495", "urn:oid:2.0"];
    check("oid", &oids, &["1.2.3", "urn:oid:3.1", "urn:oid:1", "urn:oid:1.02", "urn:oid:1..2", "urn:oid:1.2."]);
    let uuid = "urn:uuid:c757873d-ec9a-4326-a141-556f43239520";
    check("uuid", &[uuid], &[&uuid[9..], "urn:uuid:c757873d", &uuid.replace('c', "g")]);
    let uris = ["http://a.example/b?c#d", "urn:x:y", "#a", "mailto:a@b.example", uuid, oids[0], "http://例え.example/"];
    check("uri", &uris, &["http://a b", "a\nb", "urn:oid:9.9", "urn:uuid:1", "a\u{3000}b"]);
    check(
        "base64Binary",
        &["Zg==", "Zm9v\r\n YmFy", "Zm8="],
        &["Zg", "Zg=", "Z===", "Zg==Zg==", "Zm9v!", "====", "襷"],
    );
}

#[test]
fn dates_exist_and_times_have_a_zone() {
    let dates = ["2026", "2026-11", "2026-11-21", "2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31"];
    let no_dates = [
        "0000",
        "26",
        "2026-13",
        "2026-00",
        "2026-02-30",
        "2026-02-29",
        "1900-02-29",
        "2026-04-31",
        "2026-11-00",
        "2026-1-1",
        "2026-",
        "20261121",
        "2026/11/21",
        "2026-11-21 ",
        "２０２６",
    ];
    check("date", &dates, &no_dates);
    check("date", &[], &["2026-11-21T10:00:00Z"]);
    check("dateTime", &dates, &no_dates);
    let times = [
        "2026-11-21T09:30:00Z",
        "2026-11-21T09:30:00+09:00",
        "2026-11-21T09:30:00.123456-14:00",
        "2016-12-31T23:59:60Z",
    ];
    let no_times = [
        "2026-11-21T09:30:00",
        "2026-11-21T09:30Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T09:60:00Z",
        "2026-11-21T09:30:61Z",
        "2026-11-21T09:30:00+9:00",
        "2026-11-21T09:30:00+0900",
        "2026-11-21T09:30:00+14:30",
        "2026-11-21T09:30:00+15:00",
        "2026-11-21T09:30:00.Z",
        "2026-11T09:30:00Z",
        "2026-11-21 09:30:00Z",
        "2026-11-21T",
        "2026-11-21T09:30:00Zx",
        "2026-11-21T09:30:00z",
    ];
    check("dateTime", &times, &no_times);
    check("instant", &times, &no_times);
    check("instant", &[], &["2026-11-21", "2026"]);
    check("time", &["00:00:00", "23:59:59.999"], &["24:00:00", "09:30", "09:30:00Z", "9:30:00"]);
}

#[test]
fn numbers_keep_to_their_range() {
    let number = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let long = format!("0.{}", "1".repeat(DECIMAL_CHARACTERS_MAX - 2));
    for (name, good, bad) in [
        (
            "integer",
            vec!["0", "-1", "2147483647", "-2147483648"],
            vec!["2147483648", "-2147483649", "1.0", "1e2", "-0"],
        ),
        ("unsignedInt", vec!["0", "2147483647"], vec!["-1", "2147483648", "99999999999999999999"]),
        ("positiveInt", vec!["1", "2147483647"], vec!["0", "-1", "1.5"]),
        ("decimal", vec!["0", "-1.00", "1e2", "1E-100", &long], vec!["1e1000", "1e-9999"]),
    ] {
        let primitive = Primitive::parse(name).unwrap();
        assert!(good.iter().all(|text| primitive.check(&number(text)).is_ok()), "{name} {good:?}");
        assert!(bad.iter().all(|text| primitive.check(&number(text)) == Err(Flaw::Form)), "{name} {bad:?}");
        assert_eq!(primitive.check(&json!("1")), Err(Flaw::Kind));
    }
    assert_eq!(Primitive::Decimal.check(&number(&format!("{long}1"))), Err(Flaw::Form));
    assert_eq!(Primitive::Boolean.check(&json!("true")), Err(Flaw::Kind));
    assert_eq!(Primitive::Boolean.check(&json!(true)), Ok(()));
    assert_eq!(Primitive::String.check(&json!(1)), Err(Flaw::Kind));
}

#[test]
fn strings_are_neither_empty_nor_too_long_nor_of_control_characters() {
    let check = |text: &str| Primitive::String.check(&json!(text));
    assert_eq!(check("a\tb\r\nc"), Ok(()));
    assert_eq!(check(""), Err(Flaw::Empty));
    assert_eq!(check(" \n\u{3000}"), Err(Flaw::Empty));
    assert_eq!(check("a\u{1}"), Err(Flaw::Control));
    assert_eq!(check(&"あ".repeat(STRING_CHARACTERS_MAX)), Ok(()), "VAL-05");
    assert_eq!(check(&"a".repeat(STRING_CHARACTERS_MAX + 1)), Err(Flaw::Long), "VAL-05");
}
