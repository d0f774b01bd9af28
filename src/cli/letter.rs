//! Letters as the person at the terminal names and reads them: by the first digits of their ids; as text, with the place
//! that is complained of marked.

use crate::decode::charset;
use crate::fault::{Exit, Fault};
use crate::letter::{Letter, LetterId};
use crate::store::Store;

use super::fail;

/// The letter whose id begins with these digits. Says what is wrong where there is none, or more than one.
pub(super) fn find(store: &Store, digits: &str) -> Result<LetterId, Exit> {
    let found =
        store.letters_named(digits.trim(), 2).map_err(|fault: Fault| fail(Exit::from(&fault), &fault.to_string()))?;
    match found.as_slice() {
        [letter] => Ok(*letter),
        [] => Err(fail(Exit::NoInput, &format!("there is no letter {digits}"))),
        _ => Err(fail(Exit::NoInput, &format!("several letters begin with {digits}; give more digits"))),
    }
}

/// The letter as text, one line a segment, each place between `>>` and `<<`. Characters that could command a terminal
/// are shown by number.
pub(super) fn text(letter: &Letter, places: &[String]) -> String {
    let text = charset::decode(&letter.bytes).value;
    let places: Vec<Place> = places.iter().filter_map(|place| Place::parse(place)).collect();
    let mut counts = std::collections::HashMap::new();
    let mut out = String::with_capacity(text.len() + 64);
    let separator = text.trim_start().chars().nth(3).filter(|_| text.trim_start().starts_with("MSH")).unwrap_or('|');
    for line in text.split(['\r', '\n']).filter(|line| !line.is_empty()) {
        let name: String = line.chars().take(3).collect();
        let occurrence = counts.entry(name.clone()).or_insert(0_usize);
        *occurrence += 1;
        let marked = places.iter().find(|place| place.segment == name && place.occurrence == *occurrence);
        let line = match marked {
            Some(place) => mark(line, separator, place.field),
            None => line.to_owned(),
        };
        line.chars().for_each(|c| push_harmless(&mut out, c));
        out.push('\n');
    }
    out
}

/// The field of an HL7 v2 message that an issue names.
struct Place {
    segment: String,
    occurrence: usize,
    field: Option<usize>,
}

impl Place {
    /// `PID-3[1].4`, `OBX[12]-5`, `PV1`.
    fn parse(text: &str) -> Option<Place> {
        let segment: String = text.chars().take(3).collect();
        let is_name = segment.len() == 3 && segment.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        let rest = text.get(3..).filter(|_| is_name)?;
        let (occurrence, rest) = match rest.strip_prefix('[') {
            Some(rest) => rest.split_once(']').map(|(number, rest)| (number.parse().ok(), rest))?,
            None => (Some(1), rest),
        };
        let digits: String = rest.strip_prefix('-').unwrap_or("").chars().take_while(char::is_ascii_digit).collect();
        Some(Place { segment, occurrence: occurrence?, field: digits.parse().ok() })
    }
}

/// The whole line where the field is not there.
fn mark(line: &str, separator: char, field: Option<usize>) -> String {
    let mut fields: Vec<String> = line.split(separator).map(str::to_owned).collect();
    // MSH-1 is the separator itself.
    let at = field.map(|field| if line.starts_with("MSH") { field.saturating_sub(1) } else { field });
    match at.filter(|at| *at > 0).and_then(|at| fields.get_mut(at)) {
        Some(field) => {
            *field = format!(">>{field}<<");
            fields.join(&separator.to_string())
        }
        None => format!(">>{line}<<"),
    }
}

fn push_harmless(out: &mut String, c: char) {
    if c.is_control() && c != '\t' {
        out.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
    } else {
        out.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::FacilityCode;
    use crate::letter::Source;

    fn shown(bytes: &str, places: &[&str]) -> String {
        let source = Source { facility: FacilityCode::parse("0119999901"), zone_minutes: 540 };
        let letter = Letter { source: source.into(), name: String::new(), bytes: bytes.into() };
        text(&letter, &places.iter().map(|place| (*place).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_place_is_marked() {
        let message = "MSH|^~\\&|A|B\rOBX|1|NM|x\rOBX|2|ST|y\rPV1|1\r";
        assert_eq!(shown(message, &["OBX[2]-3.1"]), "MSH|^~\\&|A|B\nOBX|1|NM|x\nOBX|2|ST|>>y<<\nPV1|1\n");
        assert_eq!(shown(message, &["MSH-3"]).lines().next(), Some("MSH|^~\\&|>>A<<|B"));
        assert_eq!(shown(message, &["OBX-9", "PV1"]).lines().nth(1), Some(">>OBX|1|NM|x<<"));
        assert_eq!(shown(message, &["PV1"]).lines().nth(3), Some(">>PV1|1<<"));
        for place in ["-", "Bundle.entry[0]", "OBX[", "あ", "OBX[x]-1", ""] {
            assert!(!shown(message, &[place]).contains(">>"), "{place}");
        }
    }

    #[test]
    fn a_letter_commands_no_terminal() {
        assert_eq!(shown("MSH|\u{1b}[2J\tx\u{9b}", &[]), "MSH|\\u{1b}[2J\tx\\u{9b}\n");
    }
}
