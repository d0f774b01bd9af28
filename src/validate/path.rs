//! Where in a resource the walk stands, as FHIRPath says it; text is made of it only when something is wrong.

/// A place: a step and the place it was taken from.
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

enum Step<'a> {
    Member(&'a str),
    Item(usize),
    /// Of a choice, the name without `[x]` and the type (`value`, `Quantity`).
    Chosen(&'a str, &'a str),
}

impl<'a> Path<'a> {
    /// The resource itself, by the name of its type.
    pub(super) fn root(name: &'a str) -> Self {
        Path { parent: None, step: Step::Member(name) }
    }

    pub(super) fn member(&'a self, name: &'a str) -> Path<'a> {
        Path { parent: Some(self), step: Step::Member(name) }
    }

    pub(super) fn chosen(&'a self, stem: &'a str, kind: &'a str) -> Path<'a> {
        Path { parent: Some(self), step: Step::Chosen(stem, kind) }
    }

    pub(super) fn item(&'a self, at: usize) -> Path<'a> {
        Path { parent: Some(self), step: Step::Item(at) }
    }

    /// Whether it is a value of the member of that name, or the member itself.
    pub(super) fn is_in(&self, name: &str) -> bool {
        match (&self.step, self.parent) {
            (Step::Member(own), _) => *own == name,
            (Step::Item(_), Some(parent)) => parent.is_in(name),
            _ => false,
        }
    }

    pub(super) fn text(&self) -> String {
        let mut out = String::with_capacity(64);
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        if let Some(parent) = self.parent {
            parent.write(out);
        }
        let dot = if out.is_empty() { "" } else { "." };
        match self.step {
            Step::Item(at) => out.push_str(&format!("[{at}]")),
            Step::Member(name) => {
                out.push_str(dot);
                out.push_str(if is_plain(name) { name } else { "?" });
            }
            Step::Chosen(stem, kind) => out.push_str(&format!("{dot}{stem}.ofType({kind})")),
        }
    }
}

/// Whether a name may be repeated to the sender: one that is none of FHIR's may be anything, a person's too.
pub(super) fn is_plain(name: &str) -> bool {
    name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}
