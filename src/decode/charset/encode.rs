//! Text to bytes, for answers: in the character set in which the message that is answered was read (MSH-18 of an
//! acknowledgement, HL7 v2.5 section 2.15.9.18).

use encoding_rs::{EUC_JP, Encoding, ISO_2022_JP, SHIFT_JIS};

use super::{Charset, Declared, Evidence, settle};

/// The character set of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Reply(Option<Charset>);

impl Reply {
    /// As `request` was read by [`super::decode`]. A request that is ASCII and declares nothing gets ASCII back; one in
    /// UTF-16, UTF-8.
    pub fn to(request: &[u8]) -> Self {
        if request.starts_with(b"\xef\xbb\xbf") || request.starts_with(b"\xff\xfe") || request.starts_with(b"\xfe\xff")
        {
            return Reply(Some(Charset::Utf8));
        }
        let (evidence, declared) = (Evidence::of(request), Declared::of(request));
        let is_silent = evidence.is_plain() && declared.charset.is_none();
        Reply((!is_silent).then(|| {
            if evidence.is_plain() { declared.charset } else { None }.unwrap_or_else(|| settle(&declared, &evidence))
        }))
    }

    /// Whether Japanese can be written in it.
    pub fn carries_japanese(self) -> bool {
        self.0.is_some_and(|charset| !matches!(charset, Charset::Latin(_)))
    }

    /// The bytes of a text. What the character set does not have becomes `?`.
    pub fn encode(self, text: &str) -> Vec<u8> {
        match self.0 {
            Some(Charset::Utf8) => text.as_bytes().to_vec(),
            Some(Charset::Iso2022) => by(ISO_2022_JP, text),
            Some(Charset::ShiftJis) => by(SHIFT_JIS, text),
            Some(Charset::EucJp) => by(EUC_JP, text),
            Some(Charset::Latin(encoding)) => by(encoding, text),
            None => text.chars().map(|c| u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(b'?')).collect(),
        }
    }
}

fn by(encoding: &'static Encoding, text: &str) -> Vec<u8> {
    let (bytes, _, lost) = encoding.encode(text);
    if !lost {
        return bytes.into_owned();
    }
    // The encoder would write `&#1234;`, in which `&` is a delimiter.
    let one = |c: char| !encoding.encode(c.encode_utf8(&mut [0; 4])).2;
    let writable: String = text.chars().map(|c| if one(c) { c } else { '?' }).collect();
    encoding.encode(&writable).0.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::charset;

    #[test]
    fn an_answer_is_in_the_character_set_of_its_request() {
        for (declared, bytes, japanese) in [
            ("", "MSA|AE|?|".as_bytes(), false),
            ("8859/1", b"MSA|AE|?|", false),
            ("UNICODE UTF-8", "MSA|AE|項|".as_bytes(), true),
            ("~ISO IR87", b"MSA|AE|\x1b$B9`\x1b(B|", true),
            ("SJIS", b"MSA|AE|\x8d\x80|", true),
        ] {
            let request = format!("MSH|^~\\&|A|B|C|D|20260101||ADT^A08|1|P|2.5||||||{declared}\r");
            let reply = Reply::to(request.as_bytes());
            assert_eq!(reply.carries_japanese(), japanese, "{declared}");
            assert_eq!(reply.encode("MSA|AE|項|"), bytes, "{declared}");
        }
    }

    #[test]
    fn what_is_written_is_read_back_and_no_delimiter_is_made_up() {
        let request = b"MSH|^~\\&|A|B|C|D|20260101||ADT^A08|1|P|2.5||||||~ISO IR87\rPID|||1||\x1b$B;3\x1b(B\r";
        let reply = Reply::to(request);
        let mut answer =
            reply.encode("MSH|^~\\&|A|B|C|D|20260101||ACK|1|P|2.5||||||~ISO IR87\rMSA|AE|1|患者番号がありません。\r");
        assert!(charset::decode(&answer).value.ends_with("|患者番号がありません。\r"));
        answer = reply.encode("襷|\u{10ffff}|x");
        assert!(!answer.contains(&b'&') && answer.ends_with(b"|?|x"));
    }
}
