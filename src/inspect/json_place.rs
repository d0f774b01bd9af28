//! Where an element stands in JSON text: one pass over the bytes for all places of a file, past everything that no place
//! leads into. The text is JSON (`json_syntax` has seen to it).

use std::collections::HashMap;

use super::place::{Step, is_of_choice, is_plain};

/// What was found of a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spot {
    /// The byte at which the value begins, or that of the nearest thing around it that is there.
    pub(super) value: usize,
    /// The byte at which the name before it begins, if it has one.
    pub(super) name: Option<usize>,
    /// Whether it is the very value.
    pub(super) is_exact: bool,
    /// How well it fits: two for each step, one for a step to what stands beside a primitive.
    score: usize,
}

/// A place on the way: which one, how many of its steps are done, and how well.
type Wanted = (usize, usize, usize);

/// The spots of all places, in their order.
pub(super) fn find(text: &str, places: &[Vec<Step>]) -> Vec<Spot> {
    let mut walk = Walk { bytes: text.as_bytes(), text, places, spots: vec![Spot::default(); places.len()] };
    let start = walk.blank(0);
    let all: Vec<Wanted> = (0..places.len()).map(|place| (place, 0, 0)).collect();
    walk.spots.iter_mut().for_each(|spot| spot.value = start);
    walk.value(start, None, &all);
    walk.spots
}

struct Walk<'t> {
    text: &'t str,
    bytes: &'t [u8],
    places: &'t [Vec<Step>],
    spots: Vec<Spot>,
}

impl Walk<'_> {
    /// A value that some places lead to; where it ends. No deeper than the longest place.
    fn value(&mut self, at: usize, name: Option<usize>, wanted: &[Wanted]) -> usize {
        for (place, done, score) in wanted {
            let is_exact = self.places.get(*place).is_some_and(|steps| steps.len() == *done);
            if let Some(spot) = self.spots.get_mut(*place)
                && (*score > spot.score || *done == 0)
            {
                *spot = Spot { value: at, name, is_exact, score: *score };
            }
        }
        match self.bytes.get(at) {
            Some(b'{') => self.object(at, wanted),
            Some(b'[') => self.array(at, wanted),
            _ => self.skip(at),
        }
    }

    fn object(&mut self, at: usize, wanted: &[Wanted]) -> usize {
        let mut at = self.blank(at + 1);
        while self.bytes.get(at) == Some(&b'"') {
            let end = self.skip(at);
            let name = self.name(at, end);
            let value = self.blank(self.blank(end) + 1);
            let inside: Vec<Wanted> = wanted.iter().filter_map(|one| self.member(one, &name)).collect();
            at = if inside.is_empty() { self.skip(value) } else { self.value(value, Some(at), &inside) };
            at = self.after(at);
        }
        at + 1
    }

    fn array(&mut self, at: usize, wanted: &[Wanted]) -> usize {
        let mut inside: HashMap<usize, Vec<Wanted>> = HashMap::new();
        for (place, done, score) in wanted {
            if let Some(Step::Item(number)) = self.places.get(*place).and_then(|steps| steps.get(*done)) {
                inside.entry(*number).or_default().push((*place, done + 1, score + 2));
            }
        }
        let mut at = self.blank(at + 1);
        let mut number = 0;
        while at < self.bytes.len() && self.bytes.get(at) != Some(&b']') {
            at = match inside.get(&number) {
                None => self.skip(at),
                Some(inside) => self.value(at, None, inside),
            };
            at = self.after(at);
            number += 1;
        }
        at + 1
    }

    /// Whether a place leads into a member, and how well: `_name` is what stands beside `name`.
    fn member(&self, (place, done, score): &Wanted, name: &str) -> Option<Wanted> {
        let step = self.places.get(*place)?.get(*done)?;
        let gain = match step {
            Step::Member(wanted) if wanted == name => 2,
            Step::Member(wanted) if name.strip_prefix('_') == Some(wanted) => 1,
            Step::Member(wanted) if is_of_choice(wanted, name) => 1,
            Step::Strange if !is_plain(name) => 2,
            _ => return None,
        };
        Some((*place, done + 1, score + gain))
    }

    /// The name in a string, its escapes undone.
    fn name(&self, start: usize, end: usize) -> String {
        let quoted = self.text.get(start..end).unwrap_or_default();
        match quoted.contains('\\') {
            true => serde_json::from_str(quoted).unwrap_or_default(),
            false => quoted.trim_matches('"').to_owned(),
        }
    }

    fn blank(&self, at: usize) -> usize {
        let rest = self.bytes.get(at..).unwrap_or_default();
        at + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count()
    }

    /// Past the comma after a value, if there is one.
    fn after(&self, at: usize) -> usize {
        let at = self.blank(at);
        if self.bytes.get(at) == Some(&b',') { self.blank(at + 1) } else { at }
    }

    /// Past a value, whatever is in it.
    fn skip(&self, start: usize) -> usize {
        skip(self.bytes, start)
    }
}

/// The byte after the value that begins at a byte.
pub(super) fn skip(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => at = string_end(bytes, at),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ if depth == 0 => {
                let rest = bytes.get(at..).unwrap_or_default();
                at += rest
                    .iter()
                    .take_while(|byte| !matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n'))
                    .count();
            }
            _ => continue,
        }
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

/// The byte after the quotation mark that ends a string, from inside it.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(found) = memchr::memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) {
        at += found + 1;
        if bytes.get(at - 1) == Some(&b'"') {
            return at;
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::super::place::steps;
    use super::*;

    const TEXT: &str = r#" {"resourceType" : "Patient",
 "x": [[1, 2], {"a\u0062": "q\"}]"}], "_birthDate": {"extension":[{"url":"u","valueCode":"x"}]}, "birthDate": null,
 "given":["山", null], "_given":[null, {"id":"g"}], "valueString": "v", "空": true, "n":-1.5e3}"#;

    fn found(place: &str) -> (&str, bool) {
        let spot = find(TEXT, &[steps(place)])[0];
        (&TEXT[spot.value..skip(TEXT.as_bytes(), spot.value)], spot.is_exact)
    }

    #[test]
    fn every_value_is_found_and_nothing_else() {
        assert_eq!(found("P.x[0][1]"), ("2", true));
        assert_eq!(found("P.x[1].ab"), (r#""q\"}]""#, true));
        assert_eq!(found("P.birthDate"), ("null", true));
        assert_eq!(found("P.birthDate.extension[0].value.ofType(code)"), (r#""x""#, true));
        assert_eq!(found("P.given[0]"), ("\"山\"", true));
        assert_eq!(found("P.given[1].id"), ("\"g\"", true));
        assert_eq!(found("P.value"), ("\"v\"", true));
        assert_eq!(found("P.?"), ("true", true));
        assert_eq!(found("P.n"), ("-1.5e3", true));
    }

    #[test]
    fn what_is_not_there_is_at_the_nearest_thing_around_it() {
        assert_eq!(found("P.x[0][7]"), ("[1, 2]", false));
        assert_eq!(found("P.x[1].z.deeper"), (r#"{"a\u0062": "q\"}]"}"#, false));
        assert_eq!(found("P.birthDate.extension[0].id").0, r#"{"url":"u","valueCode":"x"}"#);
        assert_eq!(found("P.none").0.len(), TEXT.len() - 1);
    }

    #[test]
    fn names_are_known_where_there_are_some() {
        let spots = find(TEXT, &[steps("P.n"), steps("P.x[0][1]"), steps("P")]);
        assert_eq!(spots[0].name.map(|at| &TEXT[at..at + 3]), Some("\"n\""));
        assert_eq!((spots[1].name, spots[2].name), (None, None));
    }
}
