//! A JSON writer for FHIR: members in the order written, decimals as they were sent, never an empty object or array.

/// Writes the members of one JSON object. An object or array into which nothing is written leaves no trace
/// (FHIR R4 json.html: properties are never empty).
#[derive(Debug, Default)]
pub struct Writer {
    out: String,
    comma: bool,
}

impl Writer {
    /// An empty writer with room for a common resource.
    pub fn new() -> Self {
        Writer { out: String::with_capacity(1024), comma: false }
    }

    /// The members written so far, without the outer braces.
    pub fn finish(self) -> String {
        self.out
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// A string member; nothing when the value is empty.
    pub fn string(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.name(name);
            self.quoted(value);
        }
    }

    /// A boolean member.
    pub fn boolean(&mut self, name: &str, value: bool) {
        self.name(name);
        self.out.push_str(if value { "true" } else { "false" });
    }

    /// An integer member.
    pub fn integer(&mut self, name: &str, value: i64) {
        self.name(name);
        self.out.push_str(&value.to_string());
    }

    /// A decimal member, its digits as sent; `false` and nothing written when `lexical` is not a FHIR decimal
    /// (datatypes.html#decimal: `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`).
    pub fn decimal(&mut self, name: &str, lexical: &str) -> bool {
        if !is_decimal(lexical) {
            return false;
        }
        self.name(name);
        self.out.push_str(lexical);
        true
    }

    /// An object member, left out when the closure writes nothing.
    pub fn object(&mut self, name: &str, write: impl FnOnce(&mut Writer)) {
        self.nested(Some(name), '{', '}', write);
    }

    /// An array member, left out when the closure adds nothing.
    pub fn array(&mut self, name: &str, write: impl FnOnce(&mut Writer)) {
        self.nested(Some(name), '[', ']', write);
    }

    /// An object in an array, left out when the closure writes nothing.
    pub fn item(&mut self, write: impl FnOnce(&mut Writer)) {
        self.nested(None, '{', '}', write);
    }

    /// A string in an array; nothing when empty.
    pub fn item_string(&mut self, value: &str) {
        if !value.is_empty() {
            self.separate();
            self.quoted(value);
        }
    }

    /// JSON text that is already written, as a member.
    pub fn raw(&mut self, name: &str, json: &str) {
        self.name(name);
        self.out.push_str(json);
    }

    /// Members that another writer wrote.
    pub fn members(&mut self, written: Writer) {
        if !written.is_empty() {
            self.separate();
            self.out.push_str(&written.out);
        }
    }

    /// JSON text that is already written, as an item of an array.
    pub fn item_raw(&mut self, json: &str) {
        self.separate();
        self.out.push_str(json);
    }

    /// `{"reference": "Type/id"}` as a member; nothing when the reference is empty.
    pub fn reference(&mut self, name: &str, reference: &str) {
        self.object(name, |w| w.string("reference", reference));
    }

    /// `{"coding":[{system, code, display}]}` as a member; a part that is empty is left out.
    pub fn concept(&mut self, name: &str, system: &str, code: &str, display: &str) {
        self.object(name, |w| w.array("coding", |w| w.coding_item(system, code, display)));
    }

    /// A Coding as an item of an array.
    pub fn coding_item(&mut self, system: &str, code: &str, display: &str) {
        self.item(|w| {
            if !code.is_empty() || !display.is_empty() {
                w.string("system", system);
            }
            w.string("code", code);
            w.string("display", display);
        });
    }

    fn nested(&mut self, name: Option<&str>, open: char, close: char, write: impl FnOnce(&mut Writer)) {
        let (length, comma) = (self.out.len(), self.comma);
        match name {
            Some(name) => self.name(name),
            None => self.separate(),
        }
        self.out.push(open);
        let inside = self.out.len();
        self.comma = false;
        write(self);
        if self.out.len() == inside {
            self.out.truncate(length);
            self.comma = comma;
        } else {
            self.out.push(close);
            self.comma = true;
        }
    }

    fn separate(&mut self) {
        if self.comma {
            self.out.push(',');
        }
        self.comma = true;
    }

    fn name(&mut self, name: &str) {
        self.separate();
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
    }

    fn quoted(&mut self, value: &str) {
        self.out.push('"');
        let mut clean = 0;
        for (at, byte) in value.bytes().enumerate() {
            let escape = match byte {
                b'"' => "\\\"",
                b'\\' => "\\\\",
                b'\n' => "\\n",
                b'\r' => "\\r",
                b'\t' => "\\t",
                // Other control characters are not allowed in a FHIR string (datatypes.html#string).
                0..=0x1F => "",
                _ => continue,
            };
            self.out.push_str(&value[clean..at]);
            self.out.push_str(escape);
            clean = at + 1;
        }
        self.out.push_str(&value[clean..]);
        self.out.push('"');
    }
}

/// Whether the text is a FHIR decimal as it stands.
pub fn is_decimal(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(at);
    if whole == 0 || (whole > 1 && bytes[at] == b'0') {
        return false;
    }
    at += whole;
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if fraction == 0 {
            return false;
        }
        at += 1 + fraction;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at);
        if exponent == 0 {
            return false;
        }
        at += exponent;
    }
    at == bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empties_leave_no_trace() {
        let mut w = Writer::new();
        w.string("a", "");
        w.array("b", |w| w.item(|w| w.object("c", |_| {})));
        w.string("d", "x");
        w.object("e", |w| w.string("f", ""));
        w.boolean("g", true);
        assert_eq!(w.finish(), r#""d":"x","g":true"#);
    }

    #[test]
    fn members_of_another_writer_stand_between_its_own() {
        let (mut w, mut other) = (Writer::new(), Writer::new());
        other.string("b", "2");
        other.string("c", "3");
        w.string("a", "1");
        w.members(other);
        w.members(Writer::new());
        w.string("d", "4");
        assert_eq!(w.finish(), r#""a":"1","b":"2","c":"3","d":"4""#);
    }

    #[test]
    fn decimals_keep_their_digits() {
        let mut w = Writer::new();
        assert!(w.decimal("a", "1.00"));
        assert!(!w.decimal("b", "+1"));
        assert_eq!(w.finish(), r#""a":1.00"#);
        for good in ["0", "-0.5", "10", "1e3", "1.5E-7"] {
            assert!(is_decimal(good), "{good}");
        }
        for bad in ["", "-", "01", ".5", "1.", "1e", "１", "1 ", "0x1"] {
            assert!(!is_decimal(bad), "{bad}");
        }
    }

    #[test]
    fn text_is_escaped_and_control_characters_go() {
        let mut w = Writer::new();
        w.string("a", "\"\\\n\u{1}襷");
        assert_eq!(w.finish(), "\"a\":\"\\\"\\\\\\n襷\"");
    }
}
