//! The account of a document: after mapping, every element of the header and of the sections' own was carried over, is
//! ignored by a named rule, or becomes an issue (design decision 7). Entries keep their own account.

use std::cell::RefCell;
use std::collections::HashSet;

use super::node::{Node, elements, is_named, name, place};
use crate::fault::rules;
use crate::map::Output;

/// Issues of one kind in one text.
pub(super) const ISSUES_MAX: usize = 20;

rules! {
    pub(super) ELEMENT_UNMAPPED "cda-element-unmapped" Warning Incomplete
        "This element was not carried over; the original document keeps it."
        "この要素はFHIRに変換していません(原本には残っています)。"
}

/// Why elements are ignored wherever they stand, by name of the rule.
pub(super) const IGNORED: &[(&str, &[&str])] = &[
    // They say by which guide the document was made, not what it says; the first is kept as the document's format.
    ("conformance", &["realmCode", "typeId", "templateId"]),
    // A section is found in its document; FHIR gives it no number.
    ("section-number", &["section/id"]),
    // Repeats ClinicalDocument/setId of the document itself; that it replaces another one is kept with the other's number.
    ("parent-repeated", &["parentDocument/setId", "parentDocument/versionNumber", "parentDocument/code"]),
    // Only S (signed) may stand there.
    ("signed", &["signatureCode"]),
];

/// What was asked for so far.
#[derive(Default)]
pub(super) struct Account {
    states: RefCell<Vec<State>>,
    /// Whether another account is kept: by the mappers of entries.
    is_elsewhere: bool,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum State {
    #[default]
    Unseen,
    /// Its children are accounted for one by one.
    Entered,
    /// It was carried over with all that is in it.
    Taken,
}

impl Account {
    /// For what stands in an entry: nothing is written down.
    pub(super) fn elsewhere() -> Self {
        Account { is_elsewhere: true, ..Account::default() }
    }

    /// The first child of that name, whose own children will be asked for.
    pub(super) fn enter<'a>(&self, parent: Node<'a>, name: &str) -> Option<Node<'a>> {
        self.enter_all(parent, name).next()
    }

    /// The children of that name, whose own children will be asked for.
    pub(super) fn enter_all<'a, 's>(
        &'s self,
        parent: Node<'a>,
        name: &'s str,
    ) -> impl Iterator<Item = Node<'a>> + use<'a, 's> {
        parent.children().filter(move |child| is_named(*child, name)).inspect(|child| self.set(*child, State::Entered))
    }

    /// The first child of that name, whole.
    pub(super) fn take<'a>(&self, parent: Node<'a>, name: &str) -> Option<Node<'a>> {
        self.take_all(parent, name).next()
    }

    /// The children of that name, whole.
    pub(super) fn take_all<'a, 's>(
        &'s self,
        parent: Node<'a>,
        name: &'s str,
    ) -> impl Iterator<Item = Node<'a>> + use<'a, 's> {
        parent.children().filter(move |child| is_named(*child, name)).inspect(|child| self.set(*child, State::Taken))
    }

    fn set(&self, node: Node<'_>, state: State) {
        if self.is_elsewhere {
            return;
        }
        let at = node.id().get_usize();
        let mut states = self.states.borrow_mut();
        if states.len() <= at {
            states.resize(at + 1, State::Unseen);
        }
        if let Some(known) = states.get_mut(at).filter(|known| **known != State::Taken) {
            *known = state;
        }
    }

    fn state(&self, node: Node<'_>) -> State {
        self.states.borrow().get(node.id().get_usize()).copied().unwrap_or_default()
    }

    /// Notes what nobody asked for and no rule ignores: once for each path of names.
    pub(super) fn settle(&self, root: Node<'_>, out: &mut Output) {
        let mut seen = HashSet::new();
        self.walk(root, &mut String::new(), &mut seen, out);
    }

    fn walk(&self, node: Node<'_>, path: &mut String, seen: &mut HashSet<String>, out: &mut Output) {
        for element in elements(node) {
            let length = path.len();
            path.push('/');
            path.push_str(name(element));
            match self.state(element) {
                State::Taken => {}
                State::Entered => self.walk(element, path, seen, out),
                State::Unseen if is_ignored(path) || says_nothing(element) => {}
                State::Unseen => {
                    if !seen.contains(path.as_str()) {
                        out.issue(&ELEMENT_UNMAPPED, place(element));
                        seen.insert(path.clone());
                    }
                }
            }
            path.truncate(length);
        }
    }
}

fn is_ignored(path: &str) -> bool {
    let ends = |end: &str| path.strip_suffix(end).is_some_and(|before| before.ends_with('/'));
    IGNORED.iter().flat_map(|(_, names)| *names).any(|name| ends(name))
}

/// `<id nullFlavor="NI"/>`: there is nothing to lose.
fn says_nothing(element: Node<'_>) -> bool {
    let is_bare = element.attributes().all(|a| a.name() == "nullFlavor" || a.name() == "type");
    is_bare && element.children().all(|part| !part.is_element() && part.text().unwrap_or_default().trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::{FacilityCode, PatientKey};

    #[test]
    fn what_nobody_asked_for_is_said_once_for_each_path() {
        let xml = r#"<ClinicalDocument xmlns="urn:hl7-org:v3"><realmCode code="JP"/><a><b/><c>1</c><d>2</d></a>
            <a><c>1</c><d><e>3</e></d></a><f nullFlavor="UNK"/><g><h code="x"/></g></ClinicalDocument>"#;
        let document = roxmltree::Document::parse(xml).unwrap();
        let root = document.root_element();
        let account = Account::default();
        for a in account.enter_all(root, "a") {
            account.take(a, "d");
        }
        let mut out = Output::new(PatientKey(2), FacilityCode::unstated(), 540, None);
        account.settle(root, &mut out);
        let found: Vec<String> = out.finish(None).issues.iter().map(|issue| issue.place.to_string()).collect();
        assert_eq!(found, ["/ClinicalDocument/a[1]/c", "/ClinicalDocument/g"]);
    }
}
