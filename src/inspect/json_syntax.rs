//! What is wrong with JSON as JSON (RFC 8259), at the character where it shows and in words that say how to mend it.

use std::collections::HashSet;

/// A reason in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reason {
    pub(super) en: &'static str,
    pub(super) ja: &'static str,
}

const fn reason(en: &'static str, ja: &'static str) -> Reason {
    Reason { en, ja }
}

const VALUE: Reason = reason("a value must stand here", "ここには値が必要です");
const NAME: Reason =
    reason("a name in double quotation marks must stand here", "ここには二重引用符で囲んだ要素名が必要です");
const LAST_COMMA: Reason = reason(
    "no comma may stand before the closing bracket: remove it",
    "閉じ括弧の直前にカンマは置けません。取り除いてください",
);
const COLON: Reason = reason("a colon must stand here", "ここにはコロン(:)が必要です");
const COMMA_OBJECT: Reason = reason("a comma or } must stand here", "ここにはカンマ(,)または } が必要です");
const COMMA_ARRAY: Reason = reason("a comma or ] must stand here", "ここにはカンマ(,)または ] が必要です");
const UNCLOSED: Reason = reason("the string that begins here is not closed", "ここから始まる文字列が閉じていません");
const CONTROL: Reason = reason(
    "a line end, tab or control character inside a string: write it as an escape (\\n, \\t, \\u00XX)",
    "文字列の中の改行・タブ・制御文字は \\n、\\t、\\u00XX のように書いてください",
);
const ESCAPE: Reason = reason(
    "JSON has no such escape: after a backslash stands one of \" \\ / b f n r t or u and four hexadecimal digits",
    "JSON にこのエスケープはありません。\\ の後に使えるのは \" \\ / b f n r t と、u に続く 4 桁の 16 進数です",
);
const SURROGATE: Reason =
    reason("half of a surrogate pair: write both \\u escapes, or the character itself", "サロゲートペアの片方だけです");
const NUMBER: Reason = reason(
    "JSON has no number of this form: digits without leading zeros, a point between digits, no plus sign",
    "JSON の数値の形ではありません。先頭に余分な 0 や + を付けず、小数点の前後には数字が必要です",
);
const WORD: Reason = reason(
    "only true, false and null stand without quotation marks",
    "引用符なしで書けるのは true、false、null だけです",
);
const COMMENT: Reason = reason("JSON has no comments: remove it", "JSON にコメントは書けません。取り除いてください");
const APOSTROPHE: Reason = reason(
    "strings stand in double quotation marks, not in single ones",
    "文字列は単一引用符ではなく二重引用符で囲みます",
);
const TOO_SHORT: Reason =
    reason("the text ends before its last bracket is closed", "最後の括弧が閉じられないまま終わっています");
const MORE: Reason = reason("nothing may follow the end of the resource", "リソースの終わりの後には何も書けません");

/// What was found first, and the byte at which it shows.
pub(super) type Flaw = (usize, Reason);

/// Goes through a text as far as it is JSON.
pub(super) struct Scan<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    open: Vec<Open>,
    depth_max: usize,
    /// The first bracket that is deeper than the limit.
    pub(super) deep: Option<usize>,
    /// The first name that its object has already.
    pub(super) twice: Option<usize>,
}

/// An object or array that is not closed yet.
enum Open {
    Object(HashSet<String>),
    Array,
}

impl<'t> Scan<'t> {
    /// The whole text, or its first flaw.
    pub(super) fn of(text: &'t str, depth_max: usize) -> (Self, Option<Flaw>) {
        let bytes = text.as_bytes();
        let mut scan = Scan { text, bytes, at: 0, open: Vec::new(), depth_max, deep: None, twice: None };
        let flaw = scan.run().err();
        (scan, flaw)
    }

    fn run(&mut self) -> Result<(), Flaw> {
        self.value()?;
        while let Some(open) = self.open.last() {
            let is_object = matches!(open, Open::Object(_));
            let end = self.at;
            self.blank();
            let (closing, missing) = if is_object { (b'}', COMMA_OBJECT) } else { (b']', COMMA_ARRAY) };
            match self.peek() {
                Some(byte) if byte == closing => {
                    self.at += 1;
                    self.open.pop();
                    continue;
                }
                Some(b',') => {
                    let comma = self.at;
                    self.at += 1;
                    self.blank();
                    if matches!(self.peek(), Some(b'}' | b']')) {
                        return Err((comma, LAST_COMMA));
                    }
                }
                None => return Err((self.at, TOO_SHORT)),
                // Something goes on here: what is missing is missing behind what went before.
                Some(byte) if byte.is_ascii_alphanumeric() || matches!(byte, b'"' | b'{' | b'[' | b'-') => {
                    return Err((end, missing));
                }
                Some(_) => return Err(self.unexpected(missing)),
            }
            if is_object {
                self.name()?;
            }
            self.value()?;
        }
        self.blank();
        if self.at < self.bytes.len() { Err(self.unexpected(MORE)) } else { Ok(()) }
    }

    /// A value; of an object or array as far as its first value.
    fn value(&mut self) -> Result<(), Flaw> {
        loop {
            self.blank();
            let start = self.at;
            match self.peek() {
                Some(b'"') => return self.string(),
                Some(b'-' | b'0'..=b'9') => return self.number(),
                Some(open @ (b'{' | b'[')) => {
                    self.at += 1;
                    self.blank();
                    if self.open.len() >= self.depth_max && self.deep.is_none() {
                        self.deep = Some(start);
                    }
                    let closing = if open == b'{' { b'}' } else { b']' };
                    if self.peek() == Some(closing) {
                        self.at += 1;
                        return Ok(());
                    }
                    self.open.push(if open == b'{' { Open::Object(HashSet::new()) } else { Open::Array });
                    if open == b'{' {
                        self.name()?;
                    }
                }
                None => return Err((start, if self.open.is_empty() { VALUE } else { TOO_SHORT })),
                Some(byte) if byte.is_ascii_alphabetic() => return self.word(),
                Some(b'+' | b'.') => return Err((start, NUMBER)),
                Some(_) => return Err(self.unexpected(VALUE)),
            }
        }
    }

    fn name(&mut self) -> Result<(), Flaw> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => self.string()?,
            None => return Err((start, TOO_SHORT)),
            Some(_) => return Err(self.unexpected(NAME)),
        }
        let quoted = self.text.get(start..self.at).unwrap_or_default();
        let name = match quoted.contains('\\') {
            true => serde_json::from_str(quoted).unwrap_or_default(),
            false => quoted.trim_matches('"').to_owned(),
        };
        if let Some(Open::Object(names)) = self.open.last_mut()
            && !names.insert(name)
        {
            self.twice.get_or_insert(start);
        }
        self.blank();
        match self.peek() {
            Some(b':') => self.at += 1,
            None => return Err((self.at, TOO_SHORT)),
            Some(_) => return Err(self.unexpected(COLON)),
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), Flaw> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err((start, UNCLOSED)),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(0..=0x1F) => return Err((self.at, CONTROL)),
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<(), Flaw> {
        let start = self.at;
        match self.bytes.get(start + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => match self.unit(start) {
                Some(0xD800..=0xDBFF) if matches!(self.unit(start + 6), Some(0xDC00..=0xDFFF)) => self.at += 12,
                Some(0xD800..=0xDFFF) => return Err((start, SURROGATE)),
                Some(_) => self.at += 6,
                None => return Err((start, ESCAPE)),
            },
            _ => return Err((start, ESCAPE)),
        }
        Ok(())
    }

    /// The number of a `\uXXXX` that stands at a byte.
    fn unit(&self, at: usize) -> Option<u32> {
        let digits = self.bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
        let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok().filter(|_| is_hex)
    }

    /// RFC 8259 section 6.
    fn number(&mut self) -> Result<(), Flaw> {
        let start = self.at;
        let rest = self.bytes.get(start..).unwrap_or_default();
        let length = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-')).count();
        let text = self.text.get(start..start + length).unwrap_or_default();
        let plain = text.strip_prefix('-').unwrap_or(text);
        let (mantissa, exponent) = plain.split_once(['e', 'E']).map_or((plain, None), |(m, e)| (m, Some(e)));
        let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let is_number = digits(whole)
            && (whole.len() == 1 || !whole.starts_with('0'))
            && fraction.is_none_or(digits)
            && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)));
        self.at += length;
        if is_number { Ok(()) } else { Err((start, NUMBER)) }
    }

    fn word(&mut self) -> Result<(), Flaw> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let word = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        if !matches!(rest.get(..word), Some(b"true" | b"false" | b"null")) {
            return Err((self.at, WORD));
        }
        self.at += word;
        Ok(())
    }

    /// What stands where it must not.
    fn unexpected(&self, otherwise: Reason) -> Flaw {
        let reason = match self.peek() {
            Some(b'/') => COMMENT,
            Some(b'\'') => APOSTROPHE,
            _ => otherwise,
        };
        (self.at, reason)
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flaw_is_found_where_it_shows() {
        for (text, at, reason) in [
            ("", 0, VALUE),
            ("{\"a\":1,}", 6, LAST_COMMA),
            ("[1,2,]", 4, LAST_COMMA),
            ("{\"a\" 1}", 5, COLON),
            ("{\"a\":1\n\"b\":2}", 6, COMMA_OBJECT),
            ("[1 2]", 2, COMMA_ARRAY),
            ("[1}", 2, COMMA_ARRAY),
            ("{a:1}", 1, NAME),
            ("{'a':1}", 1, APOSTROPHE),
            ("{\"a\":'x'}", 5, APOSTROPHE),
            ("{\"a\":1} // x", 8, COMMENT),
            ("{\"a\":1}}", 7, MORE),
            ("{\"a\":\"x", 5, UNCLOSED),
            ("{\"a\":\"x\ny\"}", 7, CONTROL),
            ("[\"\\x\"]", 2, ESCAPE),
            ("[\"\\u12g4\"]", 2, ESCAPE),
            ("[\"\\ud800\"]", 2, SURROGATE),
            ("[01]", 1, NUMBER),
            ("[+1]", 1, NUMBER),
            ("[1.]", 1, NUMBER),
            ("[-]", 1, NUMBER),
            ("[NaN]", 1, WORD),
            ("[True]", 1, WORD),
            ("{\"a\":[1,2", 9, TOO_SHORT),
            ("{\"a\"", 4, TOO_SHORT),
            ("{", 1, TOO_SHORT),
            ("[1,", 3, TOO_SHORT),
            ("[,1]", 1, VALUE),
        ] {
            assert_eq!(Scan::of(text, 9).1, Some((at, reason)), "{text}");
            assert!(serde_json::from_str::<serde_json::Value>(text).is_err(), "{text}");
        }
        for sound in ["{}", "[]", " {\"a\":[{},[],-0.5E+3,\"\\ud83d\\ude00\\n\",true,null]} \n", "0"] {
            assert_eq!(Scan::of(sound, 9).1, None, "{sound}");
        }
    }

    #[test]
    fn names_twice_and_depth_are_noticed_on_the_way() {
        let (scan, flaw) = Scan::of(r#"{"a":{"b":1,"\u0062":2},"a2":{"b":1}}"#, 9);
        assert_eq!((scan.twice, flaw), (Some(12), None));
        assert_eq!(Scan::of("[[[]]]", 3).0.deep, None);
        assert_eq!(Scan::of("[[[[]]]]", 3).0.deep, Some(3));
        let deep = "[".repeat(1_000_000);
        assert_eq!(Scan::of(&deep, 100).1, Some((1_000_000, TOO_SHORT)));
    }
}
