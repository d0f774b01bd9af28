//! OBX-5 of the types that `Observation.value[x]` has no type for (table 0125: persons, places, numbers of things), as
//! text that a person reads.

use crate::decode::hl7v2::Value;

/// The value as text; `None` for a type that is not one of these.
pub(crate) fn text(kind: &str, value: Value<'_>) -> Option<String> {
    let part = |number: u16| value.component(number).whole_text().trim().to_owned();
    let first = |numbers: &[u16]| numbers.iter().map(|n| part(*n)).find(|t| !t.is_empty()).unwrap_or_default();
    Some(match kind {
        "XCN" | "CN" => {
            let (number, name) = (part(1), joined(value, &[6, 2, 3, 4, 5], " "));
            match (name.is_empty(), number.is_empty()) {
                (true, _) => number,
                (false, true) => name,
                (false, false) => format!("{name} ({number})"),
            }
        }
        "PPN" => joined(value, &[2, 3], " "),
        "XPN" | "PN" => joined(value, &[5, 1, 2, 3, 4], " "),
        "XAD" | "AD" => {
            let whole = part(8);
            if kind == "XAD" && !whole.is_empty() { whole } else { joined(value, &[5, 4, 3, 1, 2, 6], " ") }
        }
        "XTN" | "TN" => {
            let pieces = joined(value, &[5, 6, 7], "-");
            let stated = first(&[12, 1, 4]);
            if stated.is_empty() { pieces } else { stated }
        }
        "XON" => {
            let (name, number) = (part(1), first(&[10, 3]));
            if name.is_empty() { number } else { name }
        }
        "CX" | "EI" | "SI" | "DLN" | "CK" => part(1),
        "HD" => first(&[2, 1]),
        "PL" | "DLD" => joined(value, &[4, 7, 8, 1, 2, 3], " "),
        "VR" => value.whole_text().trim_end().replace('^', "-"),
        _ => return None,
    })
}

fn joined(value: Value<'_>, components: &[u16], separator: &str) -> String {
    let mut out = String::new();
    for component in components {
        // FN and SAD have the name or the street first, more precise parts behind.
        let component = value.component(*component);
        let text = component.subcomponent(1).text();
        if !text.trim().is_empty() {
            if !out.is_empty() {
                out.push_str(separator);
            }
            out.push_str(text.trim());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::hl7v2::Message;

    #[test]
    fn persons_places_and_numbers_are_read_as_text() {
        let cases = [
            ("XCN", "1001^試験^次郎^^^^^^^L^^^^^I", "試験 次郎 (1001)"),
            ("XCN", "1001", "1001"),
            ("XPN", "試験^太郎", "試験 太郎"),
            ("XAD", "^^^^100-0001^JPN^H^東京都千代田区一丁目", "東京都千代田区一丁目"),
            ("XAD", "1 Test St&x^^Town^ST^00000", "00000 ST Town 1 Test St"),
            ("XTN", "^PRN^PH^^^^^^^^^000-0000-0000", "000-0000-0000"),
            ("XTN", "^PRN^PH^^81^3^00000000", "81-3-00000000"),
            ("CX", "12345^^^&1.2.3&ISO^MR", "12345"),
            ("XON", "試験病院^L^9^^^^^^^0119999901", "試験病院"),
            ("EI", "A-1^LAB", "A-1"),
            ("PL", "W1^201^1^試験病院", "試験病院 W1 201 1"),
            ("VR", "First^Second", "First-Second"),
        ];
        for (kind, sent, expected) in cases {
            let text_of = format!("MSH|^~\\&|H\rOBX|1|{kind}|X||{sent}");
            let message = Message::parse(&text_of).unwrap().value;
            let value = message.first("OBX").unwrap().field(5);
            assert_eq!(text(kind, value).as_deref(), Some(expected), "{sent}");
        }
    }
}
