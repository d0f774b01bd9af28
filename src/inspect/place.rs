//! The places that problems carry, read back: `Bundle.entry[3].resource.value.ofType(Quantity).code` as steps into a file.

/// One step from an element to what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The element of that name, as JSON and XML name it (`valueQuantity`).
    Member(String),
    /// An element whose name is not repeated to anybody: the first that is not made of letters, digits, `_` and `-`.
    Strange,
    /// One of several values, from 0.
    Item(usize),
}

/// The steps of a place, the name of the resource type not among them; none for what is no such path.
pub(super) fn steps(place: &str) -> Vec<Step> {
    let path = place.split_once(" (").map_or(place, |(path, _)| path);
    let mut steps: Vec<Step> = Vec::new();
    for part in path.split('.').skip(1) {
        let (name, mut rest) = part.find('[').map_or((part, ""), |at| part.split_at(at));
        match name.strip_prefix("ofType(").and_then(|name| name.strip_suffix(')')) {
            Some(kind) => chosen(&mut steps, kind),
            None if name == "?" => steps.push(Step::Strange),
            None => steps.push(Step::Member(name.to_owned())),
        }
        while let Some((number, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            steps.extend(number.parse().ok().map(Step::Item));
            rest = after;
        }
    }
    steps
}

/// Of a choice, JSON and XML name element and type in one word.
fn chosen(steps: &mut [Step], kind: &str) {
    if let Some(Step::Member(stem)) = steps.last_mut() {
        let mut letters = kind.chars();
        stem.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        stem.push_str(letters.as_str());
    }
}

/// Whether a name is one that places repeat.
pub(super) fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// Whether a member is one of the types of a choice that a place names without its type (`value` and `valueString`).
pub(super) fn is_of_choice(stem: &str, name: &str) -> bool {
    name.strip_prefix(stem).is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_step_by_step() {
        let member = |name: &str| Step::Member(name.into());
        assert_eq!(
            steps("Bundle.entry[3].resource.value.ofType(dateTime).extension[0]"),
            [
                member("entry"),
                Step::Item(3),
                member("resource"),
                member("valueDateTime"),
                member("extension"),
                Step::Item(0)
            ]
        );
        assert_eq!(steps("Patient.nope (line 2, column 1)"), [member("nope")]);
        assert_eq!(steps("Patient.?"), [Step::Strange]);
        assert_eq!((steps("Patient"), steps("-"), steps("")), (vec![], vec![], vec![]));
        assert_eq!(steps("Patient.name[18446744073709551616"), [member("name")]);
        assert_eq!(steps(".ofType(x)"), []);
    }
}
