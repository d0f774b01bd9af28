//! Messages and what is said of them, rule by rule.

use super::*;

const HEAD: &str =
    "MSH|^~\\&|HIS|H|GW|R|20260401093000||ADT^A08^ADT_A01|1|P|2.5||||||~ISO IR87||ISO 2022-1994|SS-MIX2_1.20^SS-MIX2\r";
const REST: &str = "EVN||20260401093000\rPID|1||0000000017^^^^PI||札幌^花子^^^^^L^I||19500101|F\rPV1|1|O\r";

fn said(text: &str, name: Option<&str>) -> Vec<String> {
    let message = Message::parse(text).unwrap().value;
    let file = name.map(|name| FileName::parse(name).unwrap());
    let found = check(&message, file.as_ref());
    found.iter().map(|one| format!("{} {} {:?}", one.rule.id, one.place, one.at)).collect()
}

const NAME: &str = "0000000017_-_ADT-00_999999999999999_20260401093000000_-_1";

#[test]
fn a_sound_message_passes() {
    assert_eq!(said(&format!("{HEAD}{REST}"), Some(NAME)), [""; 0]);
    assert_eq!(said(&format!("{HEAD}{REST}"), None), [""; 0]);
}

/// What is changed in the sound message, and what is then said.
#[test]
fn each_deviation_is_found_at_its_field() {
    for (from, to, expected) in [
        ("|F\r", "|X\r", vec!["v2-code PID-8[1].1"]),
        ("|F\r", "|\r", vec!["v2-required PID-8"]),
        ("|F\r", "|F~M\r", vec!["v2-repeated PID-8"]),
        ("|19500101|", "|19500230|", vec!["v2-time PID-7[1].1"]),
        ("|19500101|", "||", vec!["v2-required PID-7"]),
        ("0000000017^^^^PI", "^^^^", vec!["v2-required PID-3"]),
        ("0000000017^^^^PI", "17^^^^PI", vec!["ssmix2-patient PID-3.1"]),
        ("PID|1|", "PID|x|", vec!["v2-sequence PID-1[1].1"]),
        ("|1|P|", "|123456789012345678901|P|", vec!["v2-length-error MSH-10[1]"]),
        ("|P|2.5|", "|Q|2.5|", vec!["v2-code MSH-11[1].1"]),
        ("|P|2.5|", "|P|2.4|", vec!["v2-version MSH-12.1"]),
        ("~ISO IR87", "UNICODE", vec!["v2-character-set MSH-18"]),
        ("札幌^花子", "ｻｯﾎﾟﾛ^花子", vec!["v2-character -"]),
        ("PID|1|", "PID|①|", vec!["v2-character -", "v2-sequence PID-1[1].1"]),
        ("ADT^A08^ADT_A01", "ADT^A04^ADT_A01", vec!["ssmix2-kind-message MSH-9"]),
        ("EVN||20260401093000\r", "", vec!["v2-segment-missing PID"]),
        ("PV1|1|O\r", "", vec!["v2-segment-missing -"]),
        ("PV1|1|O\r", "PV1|1|O\rEVN||2026\r", vec!["v2-segment-order EVN[2]"]),
        ("PV1|1|O\r", "PV1|1|O\rSPM|1||||\r", vec!["v2-segment-unknown SPM", "v2-required SPM-4"]),
        ("PV1|1|O\r", "PV1|1|O\rZZ1|anything\r", vec![]),
        ("PV1|1|O\r", "PV1|1|O\rOBX|1|NM|a^b^c||> 10||||||F\r", vec!["v2-number OBX-5[1]"]),
        ("PV1|1|O\r", "PV1|1|O\rOBX|1||a^b^c||10||||||F\r", vec!["v2-value-type OBX-2"]),
        ("PV1|1|O\r", "PV1|1|O\rOBX|1|NM|a^b^c||\"\"||||||F\r", vec![]),
        ("PV1|1|O\r", "PV1|1|O\rOBX|1|ST|a^b^c||x||||||\r", vec!["v2-required OBX-11"]),
        ("PV1|1|O\r", "PV1|1|O\rAL1|1|XX^x^HL70127|a^b^c\r", vec!["v2-code AL1-2[1].1"]),
    ] {
        let text = format!("{HEAD}{REST}");
        assert!(text.contains(from), "{from}");
        let found = said(&text.replace(from, to), Some(NAME));
        let rules: Vec<&str> = found.iter().map(|one| one.rsplit_once(' ').unwrap().0).collect();
        assert_eq!(rules, expected, "{from} -> {to}");
    }
}

#[test]
fn places_are_bytes_of_the_text() {
    let text = format!("{HEAD}{}", REST.replace("|F\r", "|X\r"));
    let at = text.find("|X\r").unwrap() + 1;
    assert_eq!(said(&text, None), [format!("v2-code PID-8[1].1 Some({at})")]);
    let text = format!("{HEAD}{}", REST.replace("|F\r", "\r"));
    let at = text.find("19500101\r").unwrap() + 8;
    assert_eq!(said(&text, None), [format!("v2-required PID-8 Some({at})")]);
}

#[test]
fn names_of_files_are_held_against_each_other_and_the_message() {
    let text = format!("{HEAD}{REST}")
        .replace("A08", "A04")
        .replace("PV1|1|O\r", &format!("PV1|1|O|{}20260402\r", "|".repeat(41)));
    let dated = "0000000017_20260401_ADT-12_999999999999999_20260401093000000_-_1";
    assert!(said(&text, Some(dated))[0].starts_with("ssmix2-date PV1-44.1"));
    assert_eq!(said(&text.replace("20260402\r", "20260401\r"), Some(dated)), [""; 0]);
    assert_eq!(said(&text, Some(&dated.replace("_20260401_ADT", "_-_ADT"))), ["ssmix2-date-missing - None"]);
    assert_eq!(
        said(&format!("{HEAD}{REST}"), Some(&NAME.replace("_-_ADT", "_20260401_ADT"))),
        ["ssmix2-no-date - None"]
    );
    let names = [
        NAME,
        "0000000017_-_ADT-00_999999999999999_20260402093000000_-_1",
        "0000000017_-_ADT-00_999999999999999_20260331093000000_-_2",
        "0000000017_20260401_ADT-12_999999999999999_20260401093000000_-_1",
        "0000000017_20260401_ADT-12_999999999999999_20260401103000000_-_1",
        "0000000017_20260401_OML-11_000000000000001_20260401103000000_01_1",
        "0000000017_20260401_OML-11_000000000000002_20260401103000000_01_1",
    ];
    let files: Vec<FileName> = names.iter().map(|name| FileName::parse(name).unwrap()).collect();
    assert_eq!(together(&files).iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn messages_of_others_are_held_to_hl7_alone() {
    let foreign = format!("{HEAD}{REST}").replace("|SS-MIX2_1.20^SS-MIX2", "|").replace("|19500101|F", "||");
    assert_eq!(said(&foreign, None), [""; 0]);
    assert_eq!(said(&foreign.replace("|P|2.5|", "|P|2.3|"), None).len(), 1);
    assert!(said(&foreign.replace("|P|2.5|", "|P|2.3|"), None)[0].starts_with("v2-version-unchecked"));
    assert!(said(&foreign.replace("ADT^A08", "ADT^A99"), None)[0].starts_with("v2-message-unknown"));
}

#[test]
fn deviations_are_listed_up_to_the_limit_and_counted_beyond_it() {
    let allergy = "AL1|1|DA|\r";
    let some = said(&format!("{HEAD}{REST}{}", allergy.repeat(DEVIATIONS_MAX)), None);
    assert_eq!((some.len(), some[0].starts_with("v2-required AL1-3")), (DEVIATIONS_MAX, true));
    let more = said(&format!("{HEAD}{REST}{}", allergy.repeat(DEVIATIONS_MAX + 1)), None);
    assert_eq!(more.len(), DEVIATIONS_MAX + 1);
    assert!(more[DEVIATIONS_MAX].starts_with("v2-more-deviations"));
}

#[test]
fn codes_are_quoted_and_tables_listed_only_where_they_are_short() {
    let english = |code: &str| {
        let text = format!("{HEAD}{REST}ORC|{code}\r").replace("|F\r", &format!("|{code}\r"));
        let message = Message::parse(&text).unwrap().value;
        let found = check(&message, None);
        let of = |field: &str| {
            let is_it = |one: &&Deviation| one.rule.id == "v2-code" && one.place.to_string().starts_with(field);
            found.iter().find(is_it).map(Deviation::english).unwrap()
        };
        (of("PID-8"), of("ORC-1"))
    };
    let (sex, control) = english("QQQQ");
    assert_eq!(sex, "Administrative Sex is a code of HL7 table 0001: A F M N O U (found: QQQQ)");
    assert_eq!(control, "Order Control is a code of HL7 table 0119 (found: QQQQ)");
    let (sex, _) = english("QQQQQ");
    assert_eq!(sex, "Administrative Sex is a code of HL7 table 0001: A F M N O U");
}
