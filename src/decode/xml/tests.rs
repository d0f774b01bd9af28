//! The decoder against XML that is meant to hurt, each limit at it and one past it.

use super::*;
use crate::fault::Rule;

fn refused(text: &str) -> (&'static Rule, String) {
    let issue = parse(text).unwrap_err();
    (issue.rule, issue.place.to_string())
}

fn decoded(bytes: &[u8]) -> (String, Vec<&'static str>) {
    let noted = text(bytes).unwrap();
    (noted.value.into_owned(), noted.issues.iter().map(|issue| issue.rule.id).collect())
}

#[test]
fn the_declaration_names_the_character_set() {
    let document = |label: &str| format!("<?xml version=\"1.0\" encoding='{label}'?>\n<名 前=\"襷\">試験 ﾀﾛｳ 髙①</名>");
    for (label, encoding) in [
        ("Shift_JIS", encoding_rs::SHIFT_JIS),
        ("Windows-31J", encoding_rs::SHIFT_JIS),
        ("cp932", encoding_rs::SHIFT_JIS),
        ("EUC-JP", encoding_rs::EUC_JP),
        ("UTF-8", encoding_rs::UTF_8),
    ] {
        let document = document(label);
        let (bytes, _, unmappable) = encoding.encode(&document);
        assert!(!unmappable);
        assert_eq!(decoded(&bytes), (document.clone(), vec![]), "{label}");
        assert!(parse(&document).is_ok());
    }
    let iso = b"<?xml version=\"1.0\" encoding=\"iso-2022-jp\"?><a>\x1b$B;n83\x1b(B</a>";
    assert_eq!(decoded(iso).0, "<?xml version=\"1.0\" encoding=\"iso-2022-jp\"?><a>試験</a>");
    let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>";
    assert_eq!(decoded(latin), ("<?xml version='1.0' encoding='ISO-8859-1'?><a>é</a>".into(), vec![]));
}

#[test]
fn utf_16_is_known_by_its_mark_or_its_first_character() {
    let document = "<?xml version=\"1.0\" encoding=\"UTF-16\"?><a>試験</a>";
    for mark in ["\u{feff}", ""] {
        let units: Vec<u16> = format!("{mark}{document}").encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|u| u.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|u| u.to_be_bytes()).collect();
        assert_eq!(decoded(&little), (document.into(), vec![]));
        assert_eq!(decoded(&big), (document.into(), vec![]));
    }
    assert_eq!(decoded(b"\xef\xbb\xbf<a/>").0, "<a/>");
    assert_eq!(text(b"").unwrap().value, "");
}

#[test]
fn where_label_and_bytes_disagree_the_bytes_decide() {
    let shift_jis = encoding_rs::SHIFT_JIS.encode("<a>試験の文書</a>").0;
    assert_eq!(decoded(&shift_jis), ("<a>試験の文書</a>".into(), vec!["charset-label-contradicted"]));
    let mut labelled = b"<?xml version=\"1.0\" encoding=\"Shift_JIS\"?>".to_vec();
    labelled.extend("<a>試験の文書</a>".as_bytes());
    let (text, issues) = decoded(&labelled);
    assert!(text.ends_with("<a>試験の文書</a>"));
    assert_eq!(issues, ["charset-label-contradicted"]);
    let (_, issues) = decoded("<?xml version=\"1.0\" encoding=\"klingon\"?><a>試験</a>".as_bytes());
    assert_eq!(issues, ["charset-label-contradicted"]);
}

#[test]
fn control_characters_do_not_end_a_document() {
    let (text, issues) = decoded(b"<a>\n1\x0b2\x00</a>");
    assert_eq!((text.as_str(), issues), ("<a>\n1\u{fffd}2\u{fffd}</a>", vec!["xml-control-character"]));
    assert!(parse(&text).is_ok());
}

#[test]
fn document_types_and_entities_are_refused_where_they_stand() {
    let laughs = "<?xml version=\"1.0\"?>\n <!DOCTYPE a [<!ENTITY x 'ha'><!ENTITY y '&x;&x;'>]><a>&y;</a>";
    assert_eq!(refused(laughs), (&DOCUMENT_TYPE, "line 2, column 2".into()));
    let outside = "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>";
    assert_eq!(refused(outside), (&DOCUMENT_TYPE, "line 1, column 1".into()));
    assert_eq!(refused("<a><!ENTITY x 'y'></a>"), (&DOCUMENT_TYPE, "line 1, column 4".into()));
    assert_eq!(refused("<a>\n試 &nbsp;</a>"), (&ENTITY, "line 2, column 3".into()));
    assert!(parse("<a><!-- <!DOCTYPE a> --><![CDATA[<!DOCTYPE a>]]><?p <!DOCTYPE a>?></a>").is_ok());
}

#[test]
fn what_is_not_well_formed_is_refused_with_its_place() {
    for (text, place) in [
        ("<a>\n<b></a>", "line 2, column 4"),
        ("<a>", "line 1, column 4"),
        ("", "line 1, column 1"),
        ("text", "line 1, column 1"),
        ("<a b='1' b='2'/>", "line 1, column 10"),
        ("<x:a/>", "line 1, column 2"),
        ("<a/><b/>", "line 1, column 5"),
        ("<a b='", "line 1, column 7"),
        ("<a", "line 1, column 1"),
        ("<", "line 1, column 2"),
        ("<a xmlns:xml='urn:x'/>", "line 1, column 4"),
        ("<a xmlns:b='http://www.w3.org/2000/xmlns/'/>", "line 1, column 4"),
    ] {
        assert_eq!(refused(text), (&NOT_WELL_FORMED, place.into()), "{text}");
    }
}

#[test]
fn depth_has_a_limit() {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    assert!(parse(&nested(DEPTH_ELEMENTS_MAX)).is_ok());
    assert_eq!(refused(&nested(DEPTH_ELEMENTS_MAX + 1)).0, &TOO_DEEP);
    assert!(parse(&format!("<r>{}</r>", "<a/>".repeat(DEPTH_ELEMENTS_MAX + 1))).is_ok());
    assert_eq!(refused(&nested(100_000)).0, &TOO_DEEP);
    assert_eq!(refused(&"<a>".repeat(100_000)).0, &TOO_DEEP);
}

#[test]
fn numbers_have_limits() {
    let elements = |count: usize| format!("<r>{}</r>", "<a/>".repeat(count - 1));
    assert!(parse(&elements(ELEMENTS_MAX)).is_ok());
    assert_eq!(refused(&elements(ELEMENTS_MAX + 1)).0, &TOO_MANY_ELEMENTS);
    let attributes = |count: usize| {
        let attributes: Vec<String> = (0..count).map(|n| format!("a{n}=\"'>'\"")).collect();
        format!("<r {}/>", attributes.join(" "))
    };
    assert!(parse(&attributes(ELEMENT_ATTRIBUTES_MAX)).is_ok());
    assert_eq!(refused(&attributes(ELEMENT_ATTRIBUTES_MAX + 1)), (&TOO_MANY_ATTRIBUTES, "line 1, column 1".into()));
    let prefixes = |count: usize| {
        let declared: Vec<String> = (1..count).map(|n| format!("<a xmlns:p{n} = 'urn:{n}'/>")).collect();
        format!("<r xmlns=\"urn:r\"><s xmlns='urn:s'/>{}</r>", declared.join(""))
    };
    assert!(parse(&prefixes(PREFIXES_MAX)).is_ok());
    assert_eq!(refused(&prefixes(PREFIXES_MAX + 1)).0, &TOO_MANY_NAMESPACES);
    let signs = |count: usize| format!("<r><![CDATA[{}]]></r>", "=".repeat(count));
    assert!(parse(&signs(SIGNS_MAX)).is_ok());
    assert_eq!(refused(&signs(SIGNS_MAX + 1)).0, &TOO_MANY_ELEMENTS);
}

#[test]
fn length_has_a_limit() {
    let long = |length: usize| format!("<a>{}</a>", "x".repeat(length - 7));
    assert!(text(long(BYTES_MAX).as_bytes()).is_ok());
    assert_eq!(text(long(BYTES_MAX + 1).as_bytes()).unwrap_err().rule, &TOO_LONG);
    // Half the bytes in Shift_JIS are more than the limit in UTF-8.
    let kanji: Vec<u8> = [0x8e, 0x8e].repeat(BYTES_MAX / 2);
    assert_eq!(text(&kanji).unwrap_err().rule, &TOO_LONG);
}
