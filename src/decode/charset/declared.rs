//! What MSH-18 and MSH-20 declare, read from the raw bytes (HL7 v2.5 table 0211 and the spellings senders use for it).

use memchr::memchr2;

use super::Charset;

/// The declaration of a message.
pub(super) struct Declared {
    /// The character set, when one is named that is read here.
    pub(super) charset: Option<Charset>,
    /// ISO IR13 is among them: bytes 0xA1 to 0xDF are half-width katakana.
    pub(super) katakana: bool,
    /// MSH-18 and MSH-20 are empty.
    pub(super) is_silent: bool,
    /// A name that is not known, reduced to harmless characters.
    pub(super) unknown: Option<String>,
}

impl Declared {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut declared = Declared { charset: None, katakana: false, is_silent: true, unknown: None };
        let Some(header) = header(bytes) else { return declared };
        let repetition = match header.get(5) {
            Some(byte) if byte.is_ascii_punctuation() => *byte,
            _ => b'~',
        };
        for name in field(header, 18).split(|b| *b == repetition) {
            declared.hear(name);
        }
        if declared.charset.is_none() && normal(field(header, 20)).contains("2022") {
            declared.charset = Some(Charset::Iso2022);
            declared.is_silent = false;
        }
        declared
    }

    fn hear(&mut self, name: &[u8]) {
        let normal = normal(name);
        if normal.is_empty() {
            return;
        }
        self.is_silent = false;
        let charset = match normal.as_str() {
            "ASCII" | "ISOIR6" | "USASCII" => return,
            "ISOIR13" => {
                self.katakana = true;
                Charset::Iso2022
            }
            "ISOIR14" | "ISOIR87" | "ISOIR159" | "ISOIR168" | "ISO2022JP" | "JIS" => Charset::Iso2022,
            "UNICODE" | "UNICODEUTF8" | "UTF8" => Charset::Utf8,
            "SHIFTJIS" | "SJIS" | "CP932" | "MS932" | "WINDOWS31J" => Charset::ShiftJis,
            "EUCJP" => Charset::EucJp,
            other => match latin(other) {
                Some(encoding) => Charset::Latin(encoding),
                None => {
                    let harmless = String::from_utf8_lossy(name);
                    self.unknown = Some(harmless.chars().filter(|c| c.is_ascii_alphanumeric()).take(20).collect());
                    return;
                }
            },
        };
        // The first repetition is the default set; but one repetition that needs ISO 2022 makes the whole of it ISO 2022.
        if self.charset.is_none() || charset == Charset::Iso2022 {
            self.charset = Some(charset);
        }
    }
}

fn latin(name: &str) -> Option<&'static encoding_rs::Encoding> {
    let part = name.trim_start_matches("ISO").strip_prefix("8859")?;
    encoding_rs::Encoding::for_label(format!("iso-8859-{part}").as_bytes())
}

/// Capital letters and digits only: `ISO IR87`, `ISOIR87` and `ISO-IR-87` are one name.
fn normal(name: &[u8]) -> String {
    name.iter().filter(|b| b.is_ascii_alphanumeric()).take(40).map(|b| char::from(b.to_ascii_uppercase())).collect()
}

/// The first line that begins with MSH, without its end.
fn header(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    // Batch envelopes (FHS, BHS), frames (0x0B) and empty lines may come before it, but not much of them.
    for _ in 0..16 {
        let start = rest.iter().position(|b| !matches!(b, 0x0b | b'\r' | b'\n' | b' ' | 0xef | 0xbb | 0xbf))?;
        rest = rest.get(start..)?;
        let end = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
        if rest.starts_with(b"MSH") {
            return rest.get(..end);
        }
        rest = rest.get(end..)?;
    }
    None
}

/// Field `number` of a header whose other fields may hold double-byte characters, of which no byte is a separator.
fn field(header: &[u8], number: usize) -> &[u8] {
    let Some(separator) = header.get(3).copied() else { return b"" };
    let is_utf8 = std::str::from_utf8(header).is_ok();
    let (mut at, mut seen, mut start, mut is_double) = (3, 0, None, false);
    while let Some(rest) = header.get(at..).filter(|rest| !rest.is_empty()) {
        at += match rest {
            [0x1b, b'$', ..] => {
                is_double = true;
                2
            }
            [0x1b, b'(', ..] => {
                is_double = false;
                2
            }
            [0x81..=0x9f | 0xe0..=0xfc, 0x40..=0xfc, ..] if !is_utf8 => 2,
            [byte, ..] if *byte == separator && !is_double => {
                seen += 1;
                match start {
                    Some(start) => return &header[start..at],
                    None if seen + 1 == number => start = Some(at + 1),
                    None => {}
                }
                1
            }
            _ => 1,
        };
    }
    start.and_then(|start| header.get(start..)).unwrap_or(b"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charset(tail: &str) -> Option<Charset> {
        Declared::of(format!("MSH|^~\\&|A|B|C|D|20260101||ADT^A08|1|P|2.5||||||{tail}\rPID|").as_bytes()).charset
    }

    #[test]
    fn the_spellings_of_table_0211_are_known() {
        for iso in ["~ISO IR87", "~ISOIR87", "ISO IR13", "ISO-IR 14~ISO IR159", "ASCII~ISO IR87", "8859/1~ISO IR87"] {
            assert_eq!(charset(iso), Some(Charset::Iso2022), "{iso}");
        }
        for utf8 in ["UNICODE UTF-8", "UTF-8", "UNICODE", "utf8"] {
            assert_eq!(charset(utf8), Some(Charset::Utf8), "{utf8}");
        }
        assert_eq!(charset("8859/1"), Some(Charset::Latin(encoding_rs::WINDOWS_1252)));
        assert_eq!(charset("ISO 8859-15"), Some(Charset::Latin(encoding_rs::ISO_8859_15)));
        assert_eq!(charset("Shift_JIS"), Some(Charset::ShiftJis));
        for nothing in ["", "ASCII", "~", "BIG-5", "|JP|", "||"] {
            assert_eq!(charset(nothing), None, "{nothing}");
        }
        assert_eq!(charset("||ISO 2022-1994|"), Some(Charset::Iso2022));
        assert_eq!(charset("|JPN|ISO2022-1994"), Some(Charset::Iso2022));
        assert!(Declared::of(b"FHS|^~\\&\rBHS|\r\rMSH|^~\\&||||||||||||||||UTF-8").charset.is_some());
    }

    #[test]
    fn kanji_in_the_header_do_not_shift_its_fields() {
        // 0x7C is the separator and the second byte of these characters: ESC $ B 25 7C (ム row), Shift_JIS 83 7C (ポ).
        let iso = b"MSH|^~\\&|\x1b$B%|%|\x1b(B|B|C|D|E||G|H|I|2.5||||||~ISO IR87\r";
        assert_eq!(Declared::of(iso).charset, Some(Charset::Iso2022));
        let shift_jis = b"MSH|^~\\&|\x83|\x83||B|C|D|E||G|H|I|2.5||||||SJIS\r";
        assert_eq!(Declared::of(shift_jis).charset, Some(Charset::ShiftJis));
        let utf8 = "MSH|^~\\&|病院|B|C|D|E||G|H|I|2.5||||||UTF-8\r";
        assert_eq!(Declared::of(utf8.as_bytes()).charset, Some(Charset::Utf8));
        for odd in [&b""[..], b"MSH", b"MSH|", b"PID|1", b"\r\r\r", b"MSH\x1b$", b"MSH|\x83"] {
            assert!(Declared::of(odd).charset.is_none());
        }
    }
}
