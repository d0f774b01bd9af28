//! What a message is known by to its sender: MSH-10 (HL7 v2.5 2.14.9.10), and what it says apart from what changes each
//! time it is sent. Read from the bytes, because it must not depend on whether the rest can be read.

use sha2::{Digest, Sha256};

/// Fields of MSH that may differ when a message is sent again: time (7), security (8), sequence number (13),
/// acknowledgements asked for (15, 16), character set (18, 20).
const OF_SENDING: [usize; 7] = [7, 8, 13, 15, 16, 18, 20];

/// A sender's own id of a message, and the hash of what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlId<'a> {
    /// MSH-3, the sending application, as sent.
    pub application: &'a [u8],
    /// MSH-4, the sending facility, as sent.
    pub facility: &'a [u8],
    /// MSH-10, the message control id, as sent; never empty.
    pub id: &'a [u8],
    /// SHA-256, its first half, of the message without `OF_SENDING`, whatever ends its segments.
    pub content: [u8; 16],
}

/// The id of an HL7 v2 message; `None` when these bytes are none, or MSH-10 is empty.
pub fn control_id(bytes: &[u8]) -> Option<ControlId<'_>> {
    let start = bytes.windows(3).take(16).position(|window| window == b"MSH")?;
    let message = &bytes[start..];
    let mut segments = message.split(|byte| matches!(byte, b'\r' | b'\n' | 0x0b | 0x1c)).filter(|s| !s.is_empty());
    let header = segments.next()?;
    let separator = *header.get(3)?;
    // MSH-1 is the separator itself: the text after the first one is MSH-2.
    let fields: Vec<&[u8]> = header.split(|byte| *byte == separator).collect();
    let field = |number: usize| fields.get(number - 1).copied().unwrap_or_default().trim_ascii();
    if field(10).is_empty() {
        return None;
    }
    let mut hash = Sha256::new();
    hash.update([separator]);
    let said = fields.iter().zip(1_usize..).filter(|(field, number)| !field.is_empty() && !OF_SENDING.contains(number));
    for (field, number) in said {
        hash.update(number.to_be_bytes());
        hash.update(field);
    }
    for segment in segments {
        hash.update(b"\r");
        hash.update(segment);
    }
    let mut content = [0; 16];
    content.copy_from_slice(&hash.finalize()[..16]);
    Some(ControlId { application: field(3), facility: field(4), id: field(10), content })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Option<ControlId<'_>> {
        control_id(text.as_bytes())
    }

    const SENT: &str = "MSH|^~\\&|HIS|SEND|GW|RCV|20261013090000||ADT^A08^ADT_A01|M1|P|2.5\rPID|1\r";

    #[test]
    fn the_same_sent_again_is_the_same() {
        let first = id(SENT).unwrap();
        assert_eq!((first.application, first.facility, first.id), (&b"HIS"[..], &b"SEND"[..], &b"M1"[..]));
        for again in [
            SENT.replace("20261013090000", "20261014100000"),
            SENT.replace("20261013090000||", "20261014100000|secret|"),
            SENT.replace("2.5\r", "2.5|7||AL|NE||UNICODE UTF-8\r"),
            SENT.replace('\r', "\n"),
            SENT.replace('\r', "\r\n"),
            format!("\u{b}{SENT}\u{1c}\r"),
        ] {
            let again = id(&again).unwrap();
            assert_eq!((again.id, again.content), (first.id, first.content));
        }
    }

    #[test]
    fn what_differs_in_content_differs() {
        let first = id(SENT).unwrap().content;
        for other in [
            SENT.replace("PID|1", "PID|2"),
            SENT.replace("A08", "A31"),
            SENT.replace("|P|", "|T|"),
            SENT.replace("PID|1\r", ""),
            SENT.replace("PID|1", "PID\r1"),
        ] {
            assert_ne!(id(&other).unwrap().content, first, "{other}");
        }
    }

    #[test]
    fn what_has_no_id_has_none() {
        for text in ["", "MSH", "MSH|", "PID|1", "{}", &SENT.replace("M1", ""), &SENT.replace("M1", "  ")] {
            assert_eq!(id(text), None, "{text}");
        }
    }
}
