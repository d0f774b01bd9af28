//! Every set, every delimiter as a second byte, every way to be wrong.

use super::*;

fn message(set: &str, text: &[u8]) -> Vec<u8> {
    let mut bytes = format!("MSH|^~\\&|A|B|C|D|20260101||ADT^A08|1|P|2.5||||||{set}\rPID|1||2||").into_bytes();
    bytes.extend_from_slice(text);
    bytes.extend_from_slice(b"|X\rOBX|1\r");
    bytes
}

/// PID-5 and what was noticed.
fn read(set: &str, text: &[u8]) -> (String, Vec<(&'static str, String)>) {
    let noted = decode(&message(set, text)).map_text();
    let field = noted.0.split('\r').nth(1).and_then(|pid| pid.split('|').nth(5)).unwrap_or("(none)").to_owned();
    (field, noted.1)
}

impl Noted<Cow<'_, str>> {
    fn map_text(self) -> (String, Vec<(&'static str, String)>) {
        let issues = self.issues.iter().map(|i| (i.rule.id, i.place.to_string())).collect();
        (self.value.into_owned(), issues)
    }
}

fn clean(set: &str, text: &[u8], expected: &str) {
    assert_eq!(read(set, text), (expected.to_owned(), vec![]), "{set} {text:x?}");
}

#[test]
fn the_sets_of_iso_2022() {
    clean("~ISO IR87", b"\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B", "山田^太郎");
    clean("~ISO IR87", b"\x1b$@;3ED\x1b(J^\x1b$(BB@O:\x1b(B", "山田^太郎");
    clean("~ISO IR87", b"\x1b&@\x1b$B;3ED\x1b(H", "山田");
    // JIS X 0212 (丂 0x3021), NEC row 13 (① 0x2D21), NEC selection of IBM extensions (髙 0x7C42).
    clean("~ISO IR159", b"\x1b$(D0!\x1b(B", "丂");
    clean("~ISO IR87", b"\x1b$B-!|b\x1b(B", "①髙");
    // Half-width katakana: ESC ( I, eight bits, SO/SI; they stay half-width.
    clean("~ISO IR87~ISO IR13", b"\x1b(I6E\x1b(B", "ｶﾅ");
    clean("ISO IR13", b"\xb6\xc5", "ｶﾅ");
    clean("ISO IR13~ISO IR87", b"\xb6\xc5\x1b$B;3\x1b(B", "ｶﾅ山");
    clean("~ISO IR13", b"\x0e6E\x0f^A", "ｶﾅ^A");
    clean("~ISO IR87", b"\x1b$)B\xbb\xb3\xc5\xc4", "山田");
    // 0x5C and 0x7E of JIS X 0201 Roman are ER7's own characters.
    clean("ISO IR14~ISO IR87", b"\x1b(JA\\T\\B~C\x1b(B", "A\\T\\B~C");
    // A space inside a double-byte run.
    clean("~ISO IR87", b"\x1b$B;3 ED\x1b(B", "山 田");
}

#[test]
fn delimiters_as_second_bytes_are_not_delimiters() {
    for second in b"|^~\\&" {
        for lead in [0x21, 0x30] {
            let (text, issues) = read("~ISO IR87", &[0x1b, b'$', b'B', lead, *second, 0x1b, b'(', b'B', b'^', b'z']);
            assert_eq!((text.chars().count(), issues.len()), (3, 0), "{text}");
            assert!(text.ends_with("^z") && !text.starts_with(char::from(*second)), "{text}");
        }
        // The second byte of Shift_JIS begins at 0x40: never `&`.
        if *second >= 0x40 {
            let (text, issues) = read("SJIS", &[0x83, *second, b'^', b'z']);
            assert_eq!((text.chars().count(), issues.len()), (3, 0), "{text}");
        }
    }
    clean("~ISO IR87", b"\x1b$B%^%&%_\x1b(B", "マウミ");
    clean("SJIS", b"\x83\x5c\x83\x7c", "ソポ");
}

#[test]
fn a_forgotten_escape_costs_one_segment() {
    let noted =
        decode(b"MSH|^~\\&|A|||||||||||||||~ISO IR87\rPID|1||\x1b$B;3ED\rOBX|1||\x1b$B;3ED\rOBX|2\r").map_text();
    assert!(noted.0.ends_with("PID|1||山田\rOBX|1||山田\rOBX|2\r"), "{}", noted.0);
    let rule = OPEN_RUN.id;
    assert_eq!(noted.1, [(rule, "PID-3".to_owned()), (rule, "OBX-3".to_owned())]);
    // Katakana has no `|`: the field ends the run.
    let (text, issues) = read("~ISO IR13", b"\x1b(I6E");
    assert_eq!((text.as_str(), issues), ("ｶﾅ", vec![(rule, "PID-5".to_owned())]));
}

#[test]
fn what_cannot_be_read_is_marked_and_placed() {
    for bad in [
        &b"\x1b$B;3E\x1b(B"[..], // half a character
        b"\x1b$B\x7d\x7d\x1b(B", // no such character
        b"\x1b",                 // a lone escape
        b"\x1b(",                // half an escape
        b"\x1b$B;3\x1b(B\x80",   // a byte of no set
        b"\x1b$(P!!\x1b(B",      // JIS X 0213 plane 2
        b"\x1b$(Q/!\x1b(B",      // JIS X 0213 plane 1, a row of its own
    ] {
        let (text, issues) = read("~ISO IR87", bad);
        assert!(text.contains('\u{fffd}'), "{bad:x?} {text}");
        assert_eq!(issues, [(UNDECODABLE.id, "PID-5".to_owned())], "{bad:x?} {text}");
    }
    clean("~ISO IR87", b"\x1b$(Q;3\x1b(B", "山");
    let (text, issues) = read("UNICODE UTF-8", "山田太郎様様様様\u{20}".as_bytes().split_last().unwrap().1);
    assert_eq!((text.as_str(), issues.len()), ("山田太郎様様様様", 0));
    let (text, issues) = read("UNICODE UTF-8", "山田太郎様様様様".as_bytes().split_last().unwrap().1);
    assert_eq!((text.as_str(), issues), ("山田太郎様様様\u{fffd}", vec![(UNDECODABLE.id, "PID-5".to_owned())]));
}

#[test]
fn many_losses_are_counted() {
    let mut bytes = b"MSH|^~\\&|A|||||||||||||||SJIS\r".to_vec();
    (0..80).for_each(|_| bytes.extend_from_slice(b"NTE|\xff\xff|\xff\r"));
    let noted = decode(&bytes);
    assert_eq!(noted.issues.len(), 51);
    assert_eq!(noted.issues[1].place.to_string(), "NTE-2");
    assert_eq!(noted.issues[3].place.to_string(), "NTE[2]-2");
    assert_eq!((noted.issues[50].rule.id, noted.issues[50].detail.as_str()), (MORE_UNDECODABLE.id, "165"));
}

#[test]
fn the_bytes_decide_where_msh_18_is_missing_or_false() {
    let (iso, sjis, utf8) = (b"\x1b$B;3ED\x1b(B".as_slice(), b"\x8eR\x93c".as_slice(), "山田".as_bytes());
    for (set, text, rule) in [
        ("", iso, Some(&ASSUMED)),
        ("", sjis, Some(&ASSUMED)),
        ("", utf8, Some(&ASSUMED)),
        ("ASCII", iso, Some(&CONTRADICTED)),
        ("ASCII", sjis, Some(&CONTRADICTED)),
        ("UNICODE UTF-8", iso, Some(&CONTRADICTED)),
        ("UNICODE UTF-8", sjis, Some(&CONTRADICTED)),
        ("~ISO IR87", sjis, Some(&CONTRADICTED)),
        ("~ISO IR87", utf8, Some(&CONTRADICTED)),
        ("8859/1", utf8, Some(&CONTRADICTED)),
        ("SJIS", utf8, Some(&CONTRADICTED)),
        ("BIG-5", utf8, Some(&UNKNOWN_CHARSET)),
        ("EUC-JP", b"\xbb\xb3\xc5\xc4", None),
        ("SJIS", sjis, None),
    ] {
        let (text, issues) = read(set, text);
        assert_eq!(text, "山田", "{set}");
        let expected: Vec<_> = rule.map(|r| (r.id, "MSH-18".to_owned())).into_iter().collect();
        assert_eq!(issues, expected, "{set}");
    }
    clean("8859/1", b"M\xfcller", "Müller");
    clean("", b"ASCII", "ASCII");
    clean("~ISO IR87", b"ASCII", "ASCII");
}

#[test]
fn marks_and_sixteen_bits() {
    let text = "MSH|^~\\&|病院\r";
    let mut marked = b"\xef\xbb\xbf".to_vec();
    marked.extend_from_slice(text.as_bytes());
    assert_eq!(decode(&marked).map_text(), (text.to_owned(), vec![]));
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(decode(&little).map_text(), (text.to_owned(), vec![(UTF_16.id, "-".to_owned())]));
    let big: Vec<u8> = std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
    assert_eq!(decode(&big).map_text().0, text);
    assert!(matches!(decode(b"MSH|^~\\&|A\rPID|1").value, Cow::Borrowed(_)));
}

#[test]
fn text_without_a_header() {
    assert_eq!(decode_text(b"\xef\xbb\xbfa,b\n").map_text(), ("a,b\n".to_owned(), vec![]));
    assert_eq!(decode_text("氏名\r\n".as_bytes()).map_text().0, "氏名\r\n");
    assert_eq!(decode_text(b"\x8eR\x93c\r\n").map_text(), ("山田\r\n".to_owned(), vec![]));
    let noted = decode_text(b"a\r\nb\r\n\xff\r\n").map_text();
    assert_eq!(noted.1, [(UNDECODABLE.id, "line 3".to_owned())]);
    let gaiji = decode_text(b"\x8eR\xf0\x40\r\n").map_text();
    assert_eq!(gaiji.1, [(PRIVATE_USE.id, "line 1".to_owned())]);
}
