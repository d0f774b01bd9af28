//! What the module above must hold to.

use super::*;
use crate::fhir::FacilityCode;
use crate::letter::Source;

const RESULT: &str = "MSH|^~\\&|LIS|H|||20210930120000||OUL^R22^OUL_R22|1|P|2.5\rPID|1||0001^^^^PI||試験^太郎^^^^^L^I||19480405|M\r\
    SPM|1|||023^血清^JC10|||||||||||||20210930090000\rOBR|1|A1||3^生化^99LAB|||20210930090000\rORC|SC|A1\r\
    OBX|1|NM|3A010000002327101^総蛋白^JC10||6.9|g/dL^g/dL^ISO+|6.7-8.3|N|||F|||20210930090000\r\
    OBX|2|NM|3B035000002327201^AST^JC10||31|U/L^U/L^ISO+|||||F|||20210930090000|EXTRA\r";

fn letter(bytes: &[u8]) -> Letter {
    let source = Arc::new(Source { facility: FacilityCode::parse("0119999901"), zone_minutes: 540 });
    Letter { source, name: String::new(), bytes: bytes.to_vec() }
}

fn explained(letter: &Letter, wanted: impl Fn(&str, &str) -> bool) -> Vec<Origin> {
    let (book, known) = (Arc::default(), Known::default());
    origins(Subject { letter, book: &book, known: &known, conversions_max: CONVERSIONS_MAX }, wanted).unwrap().unwrap()
}

fn places(found: &[Origin]) -> Vec<String> {
    found.iter().filter(|origin| origin.is_copied).map(|origin| origin.field.place.to_string()).collect()
}

#[test]
fn a_value_leads_back_to_its_field() {
    let letter = letter(RESULT.as_bytes());
    let found = explained(&letter, |reference, element| {
        reference.starts_with("Observation/") && element == "valueQuantity.value"
    });
    assert_eq!(places(&found), ["OBX-5", "OBX[2]-5"], "{found:#?}");
    for origin in &found {
        assert_eq!(&letter.bytes[origin.field.bytes.clone()], origin.field.text.as_bytes());
    }
    // The type of the value decides what it becomes, and is not what it says.
    assert!(found.iter().any(|origin| origin.field.place.to_string() == "OBX-2" && !origin.is_copied));
}

#[test]
fn bytes_are_those_of_the_letter_in_whatever_characters_it_came() {
    let (bytes, _, _) = encoding_rs::ISO_2022_JP.encode(RESULT);
    let letter = letter(&bytes);
    let found = explained(&letter, |_, element| element.ends_with("given[0]"));
    let copied = found.iter().find(|origin| origin.is_copied).expect("the given name came from somewhere");
    assert_eq!((copied.field.place.to_string().as_str(), copied.field.text.as_str()), ("PID-5.2", "太郎"));
    let cut = encoding_rs::ISO_2022_JP.decode(&letter.bytes[copied.field.bytes.clone()]).0;
    assert!(cut.contains("太郎") || copied.field.bytes.len() >= 4, "{cut}");
}

#[test]
fn every_field_has_a_fate_and_what_counts_as_mapped_has_an_effect() {
    let letter = letter(RESULT.as_bytes());
    let (book, known) = (Arc::default(), Known::default());
    let entries = account(Subject { letter: &letter, book: &book, known: &known, conversions_max: CONVERSIONS_MAX })
        .unwrap()
        .unwrap();
    let of = |place: &str| entries.iter().find(|entry| entry.field.place.to_string() == place).unwrap();
    assert_eq!(of("OBX-5").fate, Fate::Mapped);
    assert!(of("OBX-5").elements.contains(&"Observation.valueQuantity.value".to_owned()));
    assert_eq!(of("PID-1").fate, Fate::Ignored(Some("set-id")));
    assert!(of("PID-1").elements.is_empty());
    assert_eq!(of("OBX[2]-15").fate, Fate::Mapped);
}

#[test]
fn a_letter_of_which_nothing_comes_says_why() {
    let letter = letter(b"MSH|^~\\&|LIS|H|||20210930120000||ZZZ^Z99|1|P|2.5\r");
    let (book, known) = (Arc::default(), Known::default());
    assert!(
        origins(Subject { letter: &letter, book: &book, known: &known, conversions_max: CONVERSIONS_MAX }, |_, _| true)
            .unwrap()
            .is_err()
    );
}

#[test]
fn xml_and_rows_lead_back_too() {
    let csv = "患者番号,検査日,項目コード,項目名,結果値,単位\n17,2026/4/1,TP,総蛋白,6.9,g/dL\n";
    let letter = Letter { name: "lab.csv".into(), ..letter(csv.as_bytes()) };
    let found = explained(&letter, |_, element| element == "valueQuantity.value");
    assert_eq!(places(&found), ["row 2, cell 5"]);
    assert_eq!(&csv.as_bytes()[found[0].field.bytes.clone()], b"6.9");
    let xml = "<Bundle xmlns=\"http://hl7.org/fhir\"><type value=\"collection\"/><timestamp value=\"2026-04-01T10:00:00+09:00\"/>\
        <entry><resource><Patient><identifier><system value=\"urn:oid:1.2.392.100495.20.3.51.10119999901\"/>\
        <value value=\"17\"/></identifier><birthDate value=\"1948-04-05\"/></Patient></resource></entry></Bundle>";
    let letter = Letter { name: String::new(), ..letter_of(xml) };
    let found = explained(&letter, |reference, element| reference.starts_with("Patient/") && element == "birthDate");
    assert_eq!(places(&found), ["/Bundle/entry/resource/Patient/birthDate/@value"]);
}

fn letter_of(text: &str) -> Letter {
    letter(text.as_bytes())
}

#[test]
fn an_element_is_asked_for_with_or_without_positions() {
    let within = |wanted: &str| is_within(wanted, "Patient/x", "name[1].given[0]");
    assert!(within("Patient.name") && within("Patient.name.given") && within("Patient.name[1]"));
    assert!(!within("Patient.name[0]") && !within("Patient.nam") && !within("Observation.name"));
}

/// Columns that count only where another is empty, by their description in the schema.
const INSTEAD: [&str; 2] = ["検査日", "基準値"];

#[test]
fn every_column_of_every_layout_has_an_effect() {
    for name in ["lab-results", "prescriptions", "discharge-summaries", "referrals"] {
        let schema = std::fs::read_to_string(format!("profiles/export/{name}.schema.json")).unwrap();
        let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
        let properties = schema["$defs"]["row"]["properties"].as_object().unwrap();
        // 日数 or 回数: each in a row of its own.
        for left_out in ["回数", "日数"] {
            let columns =
                properties.iter().filter(|(column, _)| *column != left_out && !INSTEAD.contains(&column.as_str()));
            let columns: Vec<(&String, String)> =
                columns.map(|(column, rule)| (column, filled(column, rule))).collect();
            let line = |part: fn(&(&String, String)) -> String| columns.iter().map(part).collect::<Vec<_>>().join(",");
            let csv = format!("{}\n{}\n", line(|(column, _)| (*column).clone()), line(|(_, cell)| cell.clone()));
            let letter = Letter { name: "x.csv".into(), ..letter_of(&csv) };
            let found = explained(&letter, |_, _| true);
            for (at, (column, cell)) in columns.iter().enumerate() {
                let place = format!("row 2, cell {}", at + 1);
                assert!(found.iter().any(|o| o.field.place.to_string() == place), "{name}: {column} = {cell}");
            }
        }
    }
}

fn filled(column: &str, rule: &serde_json::Value) -> String {
    let first = rule["enum"].get(1).and_then(|code| code.as_str());
    match (rule["format"].as_str(), first) {
        (_, Some(code)) => code.to_owned(),
        (Some("japanese-date" | "japanese-date-time"), _) => "20260405".to_owned(),
        (Some("decimal"), _) => "3".to_owned(),
        _ if column == "用法コード" => "1013044400000000".to_owned(),
        _ => format!("7{column}"),
    }
}
