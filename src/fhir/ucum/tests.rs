//! Units of every form against what UCUM says they are.

use super::*;

fn base(value: &str, unit: &str) -> Option<(String, String)> {
    let (value, of) = canonical(Decimal::parse(value).unwrap(), unit)?;
    Some((format!("{value}"), of))
}

#[test]
fn metric_prefixes_are_exact() {
    let equal = |a: (&str, &str), b: (&str, &str)| {
        let read = |(value, unit)| canonical(Decimal::parse(value).unwrap(), unit).unwrap();
        assert_eq!(read(a), read(b), "{a:?} {b:?}");
    };
    equal(("5.4", "mg"), ("0.0054", "g"));
    equal(("5.40", "mg"), ("5400", "ug"));
    equal(("5400", "\u{b5}g"), ("5400", "\u{3bc}g"));
    equal(("7.8", "mg/dL"), ("0.078", "g/L"));
    equal(("7.8", "mg/dl"), ("78", "ug/mL"));
    equal(("5", "10*3/uL"), ("5", "10*9/L"));
    equal(("5", "10^3/uL"), ("5000", "/uL"));
    equal(("5", "{cells}/uL"), ("5", "/uL"));
    equal(("120", "mm[Hg]"), ("120", "mmHg"));
    equal(("120", "mm[Hg]"), ("15998.64", "Pa"));
    equal(("10", "cmH2O"), ("980.665", "Pa"));
    equal(("50", "%"), ("0.5", "1"));
    equal(("1", "U/L"), ("1", "umol/min/L"));
    equal(("60", "U"), ("1", "umol/s"));
    equal(("60", "/min"), ("1", "Hz"));
    equal(("3", "m[iU]/L"), ("3", "u[IU]/mL"));
    equal(("140", "meq/L"), ("140", "mmol/L"));
    equal(("37", "Cel"), ("310.15", "K"));
    equal(("98.6", "[degF]"), ("37.0", "Cel"));
    equal(("3", "[Ch]"), ("1", "mm"));
    equal(("1", "[lb_av]"), ("453.59237", "g"));
    equal(("16", "[oz_av]"), ("1", "[lb_av]"));
    equal(("1", "kg.m2/s2"), ("1", "J"));
    equal(("1", "kg/(m2)"), ("0.1", "g/cm2"));
    equal(("12", "mo"), ("1", "a"));
    equal(("2", "m3.m-3"), ("2", "1"));
    equal(("1", "g%"), ("10", "g/L"));
    equal(("1", "mL/min/{1.73_m2}"), ("60", "mL/h"));
}

#[test]
fn a_canonical_form_names_base_units_with_their_powers() {
    let some = |value: &str, of: &str| Some((value.to_owned(), of.to_owned()));
    assert_eq!(base("5.4", "mg"), some("0.0054", "g"));
    assert_eq!(base("1", "mg/dL"), some("10", "g.m-3"));
    assert_eq!(base("1", "[arb'U]/mL"), some("1000000", "[arb'U].m-3"));
    assert_eq!(base("2", "{score}"), some("2", ""));
    assert_eq!(base("2", "kg.m-2"), some("2000", "g.m-2"));
    assert_eq!(base("1", "/min"), some("0.0166666666666666667", "s-1"));
    let minute = parse("/min").unwrap();
    assert_eq!((minute.numerator, minute.denominator), (Decimal::ONE, Decimal::parse("60").unwrap()));
}

#[test]
fn kinds_are_told_apart() {
    let of = |unit| canonical(Decimal::ONE, unit).unwrap().1;
    for (a, b) in [("g", "mol"), ("[iU]", "[arb'U]"), ("Cel", "g"), ("m2", "m3"), ("U", "[iU]"), ("min", "m")] {
        assert_ne!(of(a), of(b), "{a} {b}");
    }
}

#[test]
fn what_is_no_unit_is_none() {
    let long = "m.".repeat(200);
    let deep = format!("{}m{}", "(".repeat(100), ")".repeat(100));
    for unit in [
        "",
        " ",
        "mg dL",
        "Mg2+",
        "錠",
        "mg/",
        "/",
        "(mg",
        "mg)",
        "{x",
        "[iU",
        "10*99999999999",
        "m999",
        "kmin",
        "[pH]",
        "dB",
        "Cel/s",
        "m..s",
        "-1",
        "g/0",
        &long,
        &deep,
    ] {
        assert_eq!(canonical(Decimal::ONE, unit), None, "{unit}");
    }
}

#[test]
fn every_row_of_the_table_is_a_unit() {
    for (symbol, is_metric, _) in UNITS {
        assert!(parse(symbol).is_some(), "{symbol}");
        assert!(!is_metric || parse(&format!("m{symbol}")).is_some(), "m{symbol}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_text_is_read_to_its_end(unit in "[a-zA-Z0-9*^/.{}()\\[\\]'%+-]{0,24}", value in -1000..1000_i32) {
        let _ = canonical(Decimal::parse(&value.to_string()).unwrap(), &unit);
    }
}
