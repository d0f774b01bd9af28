//! Acknowledgements compared as text, by the clauses of chapter 2.

use super::*;
use crate::decode::charset;

fn finding(severity: &str, code: &str, place: &str) -> Finding {
    let text = |text: &str| text.to_owned();
    Finding {
        severity: text(severity),
        code: text(code),
        rule: text("a-rule"),
        place: text(place),
        ja: text("欠|落"),
        en: text("missing & lost"),
    }
}

fn message(version: &str, modes: &str, charset: &str) -> Vec<u8> {
    format!("MSH|^~\\&|HIS|HOSP|GW|NET|20261110||ADT^A08^ADT_A01|C-1|P|{version}|||{modes}|JPN|{charset}\rPID|1\r")
        .into_bytes()
}

fn answered(frame: &[u8], delivered: &Delivered) -> Vec<String> {
    let mut count = 0;
    let mut control_id = || {
        count += 1;
        format!("T{count}")
    };
    let mut stamp = Stamp { now_ms: 1_795_230_000_000, control_id: &mut control_id };
    let answers = answers(frame, delivered, &mut stamp);
    answers.iter().map(|answer| charset::decode(answer).value.replace('\r', "\n")).collect()
}

fn of(frame: &[u8], verdict: Verdict) -> Vec<String> {
    answered(frame, &Delivered { verdicts: vec![verdict], whole: Vec::new() })
}

/// MSA-1 of each answer.
fn codes(modes: &str, verdict: &Verdict) -> String {
    let answers = of(&message("2.5", modes, ""), verdict.clone());
    let codes = answers.iter().filter_map(|text| text.split_once("\nMSA|")?.1.get(..2));
    codes.collect::<Vec<_>>().join(" ")
}

#[test]
fn an_acknowledgement_goes_back_the_way_the_message_came() {
    let stored = of(&message("2.5", "|", ""), Verdict::Stored(vec![finding("information", "value", "PID-5")]));
    assert_eq!(stored, ["MSH|^~\\&|GW|NET|HIS|HOSP|20261121120000+0900||ACK^A08^ACK|T1|P|2.5|||||JPN\nMSA|AA|C-1\n"]);
}

#[test]
fn errors_are_placed_and_said_in_the_language_that_the_character_set_carries() {
    let findings = vec![finding("warning", "value", "OBX[2]-5"), finding("fatal", "required", "PID-3[1].4")];
    let utf8 = of(&message("2.5", "|", "UNICODE UTF-8"), Verdict::Held(findings.clone())).remove(0);
    let lines: Vec<&str> = utf8.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            "MSA|AE|C-1",
            "ERR||PID^1^3^1^4|101^Required field missing^HL70357|E|a-rule^^L||missing \\T\\ lost|欠\\F\\落",
            "ERR||OBX^2^5^1|102^Data type error^HL70357|W|a-rule^^L||missing \\T\\ lost|欠\\F\\落",
        ]
    );
    let iso = of(&message("2.5", "|", "~ISO IR87"), Verdict::Held(findings.clone())).remove(0);
    assert_eq!(iso.lines().nth(2), lines.get(1).copied());
    let ascii = of(&message("2.5", "|", ""), Verdict::Held(findings)).remove(0);
    assert!(ascii.lines().nth(2).unwrap_or_default().ends_with("|missing \\T\\ lost|missing \\T\\ lost"));
}

#[test]
fn senders_of_older_versions_get_err_1_and_a_text_in_msa() {
    let held = Verdict::Held(vec![finding("error", "required", "PID-3"), finding("warning", "code-invalid", "-")]);
    let text = of(&message("2.4", "|", ""), held.clone()).remove(0);
    assert_eq!(
        text.lines().skip(1).collect::<Vec<_>>(),
        [
            "MSA|AE|C-1|missing \\T\\ lost",
            "ERR|PID^1^3^101&Required field missing&HL70357&a-rule&&L~^^^103&Table value not found&HL70357&a-rule&&L",
        ]
    );
    assert!(of(&message("2.3", "|", ""), held).remove(0).contains("|ACK^A08|T1|P|2.3"));
}

#[test]
fn each_mode_gets_the_acknowledgements_it_asks_for() {
    let stored = Verdict::Stored(Vec::new());
    let held = Verdict::Held(vec![finding("fatal", "required", "-")]);
    let refused = Verdict::Refused(finding("error", "forbidden", "MSH-4"));
    let failed = Verdict::Failed(finding("error", "transient", "-"));
    for (modes, expected) in [
        ("|", ["AA", "AE", "AR", "AR"]),
        ("\"\"|\"\"", ["AA", "AE", "AR", "AR"]),
        ("AL|NE", ["CA", "CA", "CR", "CE"]),
        ("AL|", ["CA", "CA", "CR", "CE"]),
        ("AL|AL", ["CA AA", "CA AE", "CR", "CE"]),
        ("NE|AL", ["AA", "AE", "AR", "AR"]),
        ("|AL", ["AA", "AE", "AR", "AR"]),
        ("ER|ER", ["", "AE", "CR", "CE"]),
        ("SU|ER", ["CA", "CA AE", "AR", "AR"]),
        ("ER|SU", ["AA", "", "CR", "CE"]),
        ("NE|NE", ["", "", "", ""]),
    ] {
        assert_eq!([&stored, &held, &refused, &failed].map(|verdict| codes(modes, verdict)), expected, "{modes}");
    }
    let accept = of(&message("2.5", "AL|AL", ""), held);
    assert!(accept[0].contains("|2.5|||NE|NE|JPN\n") && !accept[0].contains("ERR") && accept[1].contains("ERR"));
    assert!(of(&message("2.5", "AL|AL", ""), Verdict::Unanswered).is_empty());
}

#[test]
fn a_batch_is_answered_as_a_batch() {
    let batch = [
        &b"FHS|^~\\&|HIS|HOSP|GW|NET|20261110||||F-1\rBHS|^~\\&|HIS|HOSP|GW|NET|20261110||||B-1\r"[..],
        &message("2.5", "|", ""),
        &message("2.5", "|", ""),
        b"BTS|3\rFTS|1\r",
    ]
    .concat();
    let verdicts = vec![Verdict::Stored(Vec::new()), Verdict::Held(vec![finding("error", "required", "PID-3")])];
    let whole = vec![finding("error", "incomplete", "BTS-1")];
    let text = answered(&batch, &Delivered { verdicts: verdicts.clone(), whole }).remove(0);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "FHS|^~\\&|GW|NET|HIS|HOSP|20261121120000+0900||||T3|F-1");
    assert_eq!(lines[1], "BHS|^~\\&|GW|NET|HIS|HOSP|20261121120000+0900||||T4|B-1");
    let starts: Vec<&str> = lines.iter().map(|line| line.get(..6).unwrap_or(line)).collect();
    assert_eq!(starts, ["FHS|^~", "BHS|^~", "MSH|^~", "MSA|AA", "MSH|^~", "MSA|AE", "ERR||P", "BTS|2|", "FTS|1"]);
    assert!(lines[7].starts_with("BTS|2|missing"));
    // Messages without an envelope are answered one by one.
    let two = [message("2.5", "|", ""), message("2.5", "|", "")].concat();
    assert_eq!(answered(&two, &Delivered { verdicts, whole: Vec::new() }).len(), 2);
    let silent = [b"BHS|^~\\&\r".to_vec(), message("2.5", "NE|NE", "")].concat();
    let stored = Delivered { verdicts: vec![Verdict::Stored(Vec::new())], whole: Vec::new() };
    assert!(answered(&silent, &stored).is_empty());
}

#[test]
fn what_has_no_header_is_answered_all_the_same() {
    for garbage in [&b"hello"[..], b"", b"PID|1", b"\xff\xfe\x00"] {
        let text = of(garbage, Verdict::Held(vec![finding("fatal", "not-supported", "-")])).remove(0);
        assert!(
            text.starts_with("MSH|^~\\&|TASUKI|||||") || text.starts_with("MSH|^~\\&|TASUKI||||20261121"),
            "{text}"
        );
        assert!(text.contains("\nMSA|AE\nERR|||200^"), "{text}");
    }
}

#[test]
fn many_errors_are_told_up_to_a_limit() {
    let held = |errors: usize, warnings: usize| {
        let mut all = vec![finding("error", "value", "PID-3"); errors];
        all.extend(vec![finding("warning", "value", "PID-3"); warnings]);
        of(&message("2.5", "|", ""), Verdict::Held(all)).remove(0).matches("ERR|").count()
    };
    assert_eq!(held(error::ERRORS_MAX, error::WARNINGS_MAX), error::ERRORS_MAX + error::WARNINGS_MAX);
    assert_eq!(held(error::ERRORS_MAX + 1, error::WARNINGS_MAX + 1), error::ERRORS_MAX + error::WARNINGS_MAX);
}
