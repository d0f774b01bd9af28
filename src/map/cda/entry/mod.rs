//! Entries of a section (CDA R2 section 4.3.6): clinical statements to resources.
use super::node::Node;
use crate::map::Output;

pub(super) struct Within<'a> {
    pub(super) section_code: &'a str,
    pub(super) section_system: &'a str,
    pub(super) author: Option<&'a str>,
    pub(super) encounter: Option<&'a str>,
    pub(super) text: &'a dyn Fn(&str) -> Option<String>,
}

pub(super) fn map(_: Node<'_>, _: &Within<'_>, _: &mut Output) -> Vec<String> {
    Vec::new()
}

#[cfg(test)]
pub(super) mod tests;
