//! Bytes to text (HL7 v2.5 section 2.15.9.18 and table 0211; ISO 2022 as SS-MIX2 uses it): the bytes decide, MSH-18 is heard.

mod declared;
mod encode;
mod evidence;
mod iso2022;
mod lost;
mod rule;

use std::borrow::Cow;

use encoding_rs::{EUC_JP, Encoding, ISO_2022_JP, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE};

use crate::fault::{Issue, Noted, Place};
use declared::Declared;
pub use encode::Reply;
use evidence::Evidence;
pub use rule::{
    ASSUMED, CONTRADICTED, LABEL_CONTRADICTED, MORE_UNDECODABLE, OPEN_RUN, PRIVATE_USE, UNDECODABLE, UNKNOWN_CHARSET,
    UTF_16,
};

/// The text of an ER7 message. Decoding comes before splitting: the second byte of a double-byte character may be any of
/// `| ^ ~ \ &`. Where MSH-18 is missing or does not fit the bytes, the bytes decide and an issue says so. What cannot be
/// decoded becomes U+FFFD with an issue at its field. ASCII and valid UTF-8 are borrowed.
///
/// Half-width katakana stay half-width. 0x5C and 0x7E are `\` and `~` also in JIS X 0201 Roman and Shift_JIS, where the
/// code chart shows a yen sign and an overline: senders mean the ER7 escape character and repetition separator.
/// Six signs of JIS X 0208 (`～ ∥ － ￠ ￡ ￢`) become the code points Windows gives them, in every encoding alike.
pub fn decode(bytes: &[u8]) -> Noted<Cow<'_, str>> {
    if let Some(noted) = marked(bytes) {
        return noted;
    }
    let evidence = Evidence::of(bytes);
    if evidence.is_plain() {
        return utf8(bytes, Vec::new());
    }
    let declared = Declared::of(bytes);
    let charset = settle(&declared, &evidence);
    let issues = disagreement(&declared, charset, &evidence).into_iter().collect();
    charset.decode(bytes, issues)
}

/// The text of a file that declares nothing (CSV and the like): UTF-8 when it is valid UTF-8, otherwise Shift_JIS
/// (CP932). Issues are placed at lines.
pub fn decode_text(bytes: &[u8]) -> Noted<Cow<'_, str>> {
    if let Some(noted) = marked(bytes) {
        return noted;
    }
    let charset = if Evidence::of(bytes).is_utf8() { Charset::Utf8 } else { Charset::ShiftJis };
    charset.decode(bytes, Vec::new())
}

/// The text of a document that names its character set itself (XML 1.0 section 4.3.3): by its byte order mark, else by
/// `label`, else UTF-8. Where the bytes cannot be what the label says, the bytes decide and an issue says so. Issues are
/// placed at lines.
pub fn decode_document<'b>(bytes: &'b [u8], label: Option<&str>) -> Noted<Cow<'b, str>> {
    let wide = match bytes {
        [0xff, 0xfe, rest @ ..] => Some((UTF_16LE, rest)),
        [0xfe, 0xff, rest @ ..] => Some((UTF_16BE, rest)),
        [b'<', 0, ..] => Some((UTF_16LE, bytes)),
        [0, b'<', ..] => Some((UTF_16BE, bytes)),
        _ => None,
    };
    if let Some((encoding, body)) = wide {
        let (value, lost) = encoding.decode_without_bom_handling(body);
        let mut issues = Vec::new();
        lost::report(&value, lost, &mut issues);
        return Noted { value, issues };
    }
    let evidence = Evidence::of(bytes);
    let charset = match label {
        Some(label) => labelled(label),
        None => Some(Charset::Utf8),
    };
    if evidence.is_plain() || (charset == Some(Charset::Utf8) && evidence.is_utf8()) {
        return utf8(bytes, Vec::new());
    }
    let settled = settle(&Declared { charset, katakana: true, is_silent: false, unknown: None }, &evidence);
    let mut issues = Vec::new();
    if charset != Some(settled) {
        issues.push(Issue::with(&LABEL_CONTRADICTED, Place::Whole, settled.name()));
    }
    settled.decode(bytes, issues)
}

/// The character set behind a name of the IANA registry, as XML declarations give it.
fn labelled(label: &str) -> Option<Charset> {
    let label = label.trim().to_ascii_lowercase();
    let encoding = match label.as_str() {
        "cp932" => SHIFT_JIS,
        "eucjp" => EUC_JP,
        other => Encoding::for_label(other.as_bytes())?,
    };
    Some(match encoding {
        encoding if encoding == UTF_8 => Charset::Utf8,
        encoding if encoding == SHIFT_JIS => Charset::ShiftJis,
        encoding if encoding == EUC_JP => Charset::EucJp,
        encoding if encoding == ISO_2022_JP => Charset::Iso2022,
        // Said in bytes of eight bits, it is not UTF-16.
        encoding if encoding == UTF_16LE || encoding == UTF_16BE => return None,
        encoding => Charset::Latin(encoding),
    })
}

/// How bytes are read.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Charset {
    /// Escape sequences of ISO 2022 with the Japanese sets, 7 or 8 bits.
    Iso2022,
    Utf8,
    ShiftJis,
    EucJp,
    /// One of the ISO 8859 parts, or what else a document's label may name.
    Latin(&'static Encoding),
}

impl Charset {
    fn decode<'b>(self, bytes: &'b [u8], mut issues: Vec<Issue>) -> Noted<Cow<'b, str>> {
        let (text, lost) = match self {
            Charset::Utf8 => return utf8(bytes, issues),
            Charset::Iso2022 => {
                let text = iso2022::decode(bytes);
                issues.extend(text.issues);
                (Cow::Owned(text.value.0), text.value.1)
            }
            Charset::ShiftJis => SHIFT_JIS.decode_without_bom_handling(bytes),
            Charset::EucJp => EUC_JP.decode_without_bom_handling(bytes),
            Charset::Latin(encoding) => encoding.decode_without_bom_handling(bytes),
        };
        lost::report(&text, lost, &mut issues);
        Noted { value: text, issues }
    }

    fn name(self) -> &'static str {
        match self {
            Charset::Iso2022 => "ISO-2022-JP",
            Charset::Utf8 => "UTF-8",
            Charset::ShiftJis => "Shift_JIS",
            Charset::EucJp => "EUC-JP",
            Charset::Latin(encoding) => encoding.name(),
        }
    }
}

/// Text that begins with a byte order mark, or with the letters MSH two bytes wide.
fn marked(bytes: &[u8]) -> Option<Noted<Cow<'_, str>>> {
    let (encoding, body) = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] if std::str::from_utf8(rest).is_ok() => return Some(utf8(rest, Vec::new())),
        [0xff, 0xfe, rest @ ..] => (UTF_16LE, rest),
        [0xfe, 0xff, rest @ ..] => (UTF_16BE, rest),
        [b'M', 0, b'S', 0, b'H', 0, ..] => (UTF_16LE, bytes),
        [0, b'M', 0, b'S', 0, b'H', ..] => (UTF_16BE, bytes),
        _ => return None,
    };
    let (text, lost) = encoding.decode_without_bom_handling(body);
    let mut issues = vec![Issue::new(&UTF_16, Place::Whole)];
    lost::report(&text, lost, &mut issues);
    Some(Noted { value: text, issues })
}

fn utf8(bytes: &[u8], mut issues: Vec<Issue>) -> Noted<Cow<'_, str>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let (value, lost) = match std::str::from_utf8(bytes) {
        Ok(text) => (Cow::Borrowed(text), false),
        Err(_) => (String::from_utf8_lossy(bytes), true),
    };
    lost::report(&value, lost, &mut issues);
    Noted { value, issues }
}

/// What was declared, when the bytes allow it; otherwise what the bytes look like.
fn settle(declared: &Declared, evidence: &Evidence<'_>) -> Charset {
    let escapes = evidence.has_escapes();
    let holds = match declared.charset {
        Some(Charset::Iso2022) => evidence.is_ascii || escapes || (declared.katakana && evidence.is_katakana),
        Some(Charset::Utf8) => !escapes && evidence.is_mostly_utf8(),
        // Half-width katakana in pairs may be valid UTF-8 by accident; kanji hardly ever.
        Some(Charset::ShiftJis) => !escapes && (evidence.is_katakana || !evidence.is_utf8()),
        Some(Charset::EucJp) => !escapes && (!evidence.is_utf8() || !evidence.is_broken(EUC_JP)),
        Some(Charset::Latin(_)) => !escapes && !evidence.is_utf8(),
        None => false,
    };
    match declared.charset {
        Some(charset) if holds => charset,
        _ if escapes => Charset::Iso2022,
        _ if evidence.is_mostly_utf8() => Charset::Utf8,
        _ => Charset::ShiftJis,
    }
}

fn disagreement(declared: &Declared, charset: Charset, evidence: &Evidence<'_>) -> Option<Issue> {
    let is_nothing_assumed = declared.charset == Some(charset) || (evidence.is_ascii && charset == Charset::Utf8);
    let place =
        Place::Field { segment: *b"MSH", occurrence: 1, field: 18, repetition: 0, component: 0, subcomponent: 0 };
    match (&declared.unknown, declared.is_silent) {
        (Some(said), _) => Some(Issue::with(&UNKNOWN_CHARSET, place, format!("{said} -> {}", charset.name()))),
        _ if is_nothing_assumed => None,
        (None, true) => Some(Issue::with(&ASSUMED, place, charset.name())),
        (None, false) => Some(Issue::with(&CONTRADICTED, place, charset.name())),
    }
}

#[cfg(test)]
mod tests;
