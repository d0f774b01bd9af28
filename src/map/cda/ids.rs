//! The elements of a document that carry an ID: what entries say by reference to the narrative, and pictures in it.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

use super::node::{Node, name};

/// Most bytes of narrative that the entries of one document may repeat: a thousand entries that all refer to one long
/// text must not make a thousand long texts.
pub(super) const REPEATED_BYTES_MAX: usize = 4 << 20;

/// Elements by their ID; of two with one ID the first counts.
pub(super) struct Ids<'a> {
    elements: HashMap<&'a str, Node<'a>>,
    shown: RefCell<HashSet<&'a str>>,
    repeated: Cell<usize>,
}

impl<'a> Ids<'a> {
    /// The IDs of a document.
    pub(super) fn of(root: Node<'a>) -> Self {
        let mut elements = HashMap::new();
        for node in root.descendants() {
            if let Some(id) = node.attribute("ID") {
                elements.entry(id.trim()).or_insert(node);
            }
        }
        Ids { elements, shown: RefCell::default(), repeated: Cell::new(0) }
    }

    /// The element with this ID.
    pub(super) fn element(&self, id: &str) -> Option<Node<'a>> {
        self.elements.get(id.trim_start_matches('#')).copied()
    }

    /// Whether this is the first time the picture is to be shown.
    pub(super) fn is_first_showing(&self, id: &str) -> bool {
        self.elements.get_key_value(id).is_some_and(|(id, _)| self.shown.borrow_mut().insert(id))
    }

    /// Whether entries asked for more than [`REPEATED_BYTES_MAX`].
    pub(super) fn is_exhausted(&self) -> bool {
        self.repeated.get() > REPEATED_BYTES_MAX
    }

    /// What the element with this ID says, as plain text: one line for each row, paragraph or item, cells apart by a
    /// space. `None` when there is no such element or nothing in it, or when too much was asked for.
    pub(super) fn text(&self, id: &str) -> Option<String> {
        let mut plain = String::new();
        let element = self.element(id)?;
        self.repeated.set(self.repeated.get() + element.range().len());
        if self.is_exhausted() {
            return None;
        }
        write(element, &mut plain);
        plain.truncate(plain.trim_end().len());
        (!plain.is_empty()).then_some(plain)
    }
}

fn write(node: Node<'_>, plain: &mut String) {
    for part in node.children() {
        if let Some(text) = part.text().filter(|_| part.is_text()) {
            words(text, plain);
        } else if part.is_element() {
            let kind = name(part);
            write(part, plain);
            match kind {
                "br" | "paragraph" | "item" | "tr" | "caption" | "p" | "li" | "div" => separate(plain, '\n'),
                "td" | "th" => separate(plain, ' '),
                _ => {}
            }
        }
    }
}

fn words(text: &str, plain: &mut String) {
    if text.starts_with(char::is_whitespace) {
        separate(plain, ' ');
    }
    for (at, word) in text.split_whitespace().enumerate() {
        if at > 0 {
            plain.push(' ');
        }
        plain.push_str(word);
    }
    if text.ends_with(char::is_whitespace) {
        separate(plain, ' ');
    }
}

fn separate(plain: &mut String, separator: char) {
    if separator == '\n' {
        plain.truncate(plain.trim_end_matches(' ').len());
    }
    if !plain.is_empty() && !plain.ends_with(char::is_whitespace) {
        plain.push(separator);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_lines_and_cells_words() {
        let xml = "<text ID='all'><table><tbody><tr ID='r'><td>高血圧 </td><td>  2026\n年</td></tr><tr><td>a</td></tr></tbody></table>
            <paragraph ID='p'>one<br/><content>two</content> three</paragraph><content ID='e'/><x ID='r'>later</x></text>";
        let document = roxmltree::Document::parse(xml).unwrap();
        let ids = Ids::of(document.root_element());
        assert_eq!(ids.text("#r").unwrap(), "高血圧 2026 年");
        assert_eq!(ids.text("p").unwrap(), "one\ntwo three");
        assert_eq!(ids.text("all").unwrap(), "高血圧 2026 年\na\none\ntwo three\nlater");
        assert_eq!((ids.text("e"), ids.text("none")), (None, None));
    }

    #[test]
    fn what_entries_repeat_has_a_limit() {
        let xml = format!("<text><content ID='long'>{}</content><content ID='c'/></text>", "x".repeat((1 << 20) - 29));
        let document = roxmltree::Document::parse(&xml).unwrap();
        let ids = Ids::of(document.root_element());
        assert_eq!(ids.element("long").unwrap().range().len(), 1 << 20);
        for _ in 0..REPEATED_BYTES_MAX >> 20 {
            assert!(ids.text("long").is_some() && !ids.is_exhausted());
        }
        assert!(ids.text("long").is_none() && ids.is_exhausted());
    }
}
