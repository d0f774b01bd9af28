//! What MSH says of a message's way (HL7 v2.5 section 2.15.9), read without reading the message: for acknowledgements, and
//! to know whose message it is.

use memchr::memchr2;

use super::{Delimiters, Message, Value};
use crate::decode::charset;

/// Lines before MSH that are looked at: envelopes of a batch, empty lines.
const LINES_BEFORE_MAX: usize = 16;

/// The fields of MSH that an acknowledgement answers. Texts are as sent, with their delimiters and escapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// MSH-1 and MSH-2.
    pub delimiters: Delimiters,
    /// MSH-2 as sent.
    pub encoding_characters: String,
    /// MSH-3: who sends.
    pub sending_application: String,
    /// MSH-4: for which facility.
    pub sending_facility: String,
    /// MSH-5: to whom.
    pub receiving_application: String,
    /// MSH-6: for which facility.
    pub receiving_facility: String,
    /// MSH-9.1, `ADT`.
    pub message_code: String,
    /// MSH-9.2, `A01`.
    pub trigger_event: String,
    /// MSH-10.
    pub control_id: String,
    /// MSH-11.
    pub processing_id: String,
    /// MSH-12.1, `2.5`.
    pub version: String,
    /// MSH-15: when the sender wants to know that the message is kept (table 0155).
    pub accept: String,
    /// MSH-16: when it wants to know what became of it (table 0155).
    pub application: String,
    /// MSH-17.
    pub country: String,
    /// MSH-18.
    pub character_set: String,
    /// MSH-20.
    pub character_set_scheme: String,
    /// What MSH-4 may name the facility by: its first and its second component.
    pub facilities: Vec<String>,
}

impl Header {
    /// The header of the first message in these bytes; `None` when none begins there.
    pub fn of(bytes: &[u8]) -> Option<Header> {
        let mut rest = bytes;
        for _ in 0..LINES_BEFORE_MAX {
            let start = rest.iter().position(|b| !matches!(b, 0x0b | b'\r' | b'\n' | b' ' | 0xef | 0xbb | 0xbf))?;
            rest = rest.get(start..)?;
            let end = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
            let (line, after) = rest.split_at(end);
            if line.starts_with(b"MSH") {
                return Header::read(line);
            }
            rest = after;
        }
        None
    }

    /// No header: all fields empty, the delimiters those that HL7 suggests.
    pub fn usual() -> Header {
        let delimiters = Delimiters { field: '|', component: '^', repetition: '~', escape: '\\', subcomponent: '&' };
        let empty = String::new;
        Header {
            delimiters,
            encoding_characters: "^~\\&".into(),
            sending_application: empty(),
            sending_facility: empty(),
            receiving_application: empty(),
            receiving_facility: empty(),
            message_code: empty(),
            trigger_event: empty(),
            control_id: empty(),
            processing_id: empty(),
            version: empty(),
            accept: empty(),
            application: empty(),
            country: empty(),
            character_set: empty(),
            character_set_scheme: empty(),
            facilities: Vec::new(),
        }
    }

    fn read(line: &[u8]) -> Option<Header> {
        let text = charset::decode(line).value;
        let message = Message::parse(&text).ok()?.value;
        let header = message.first("MSH")?;
        let raw = |number: u16| header.peek(number).raw().to_owned();
        let part = |number: u16, component: u16| header.peek(number).component(component).raw().to_owned();
        let code = |component: u16| {
            let named: Value<'_> = header.peek(4).component(component);
            Some(named.text().trim().to_owned()).filter(|code| !code.is_empty())
        };
        Some(Header {
            delimiters: message.delimiters(),
            encoding_characters: Some(raw(2)).filter(|said| !said.is_empty()).unwrap_or_else(|| "^~\\&".into()),
            sending_application: raw(3),
            sending_facility: raw(4),
            receiving_application: raw(5),
            receiving_facility: raw(6),
            message_code: part(9, 1),
            trigger_event: part(9, 2),
            control_id: raw(10),
            processing_id: raw(11),
            version: part(12, 1),
            accept: raw(15),
            application: raw(16),
            country: raw(17),
            character_set: raw(18),
            character_set_scheme: raw(20),
            facilities: [1, 2].into_iter().filter_map(code).collect(),
        })
    }

    /// Whether both MSH-15 and MSH-16 are empty: the original acknowledgement mode (section 2.9.2).
    pub fn is_original_mode(&self) -> bool {
        let said = |field: &str| !field.is_empty() && field != "\"\"";
        !said(&self.accept) && !said(&self.application)
    }

    /// Whether it is an acknowledgement itself, which is not acknowledged.
    pub fn is_acknowledgement(&self) -> bool {
        self.message_code == "ACK"
    }

    /// Whether the version is before 2.5, in which ERR has other fields.
    pub fn is_before_2_5(&self) -> bool {
        let mut parts = self.version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        !self.version.is_empty() && (major, minor) < (2, 5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_read_behind_an_envelope_and_in_any_character_set() {
        let text = b"\x0bFHS|x\r\nBHS|\r\nMSH|^~\\&|HIS|0119999901^1.2.3^ISO|\x1b$B1|1|\x1b(B|G|2026||ADT^A08^ADT_A05|77|P^T|2.5^JPN|||AL|NE|JPN|~ISO IR87||ISO 2022-1994\rPID|";
        let header = Header::of(text).unwrap();
        assert_eq!((header.sending_application.as_str(), header.control_id.as_str()), ("HIS", "77"));
        assert_eq!((header.message_code.as_str(), header.trigger_event.as_str()), ("ADT", "A08"));
        assert_eq!((header.version.as_str(), header.processing_id.as_str()), ("2.5", "P^T"));
        assert_eq!((header.accept.as_str(), header.application.as_str()), ("AL", "NE"));
        assert_eq!((header.character_set.as_str(), header.receiving_application.as_str()), ("~ISO IR87", "奥奥"));
        assert_eq!(header.facilities, ["0119999901", "1.2.3"]);
        for nothing in [&b""[..], b"PID|1", b"MSH", b"\r\r\r", b"{}"] {
            assert_eq!(Header::of(nothing), None);
        }
    }

    #[test]
    fn versions_before_2_5_are_told_by_number() {
        let before = |version: &str| {
            Header::of(format!("MSH|^~\\&|||||||ACK|1|P|{version}\r").as_bytes()).unwrap().is_before_2_5()
        };
        for (version, expected) in [
            ("2.3", true),
            ("2.3.1", true),
            ("2.4", true),
            ("2.5", false),
            ("2.5.1", false),
            ("2.10", false),
            ("", false),
        ] {
            assert_eq!(before(version), expected, "{version}");
        }
    }
}
