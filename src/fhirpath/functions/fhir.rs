//! What FHIR R4 adds to the language (fhirpath.html#functions).

use super::super::context::Resolved;
use super::super::error;
use super::super::evaluate::{Engine, Result, member, wrong};
use super::super::function::Function;
use super::super::item::{Item, Items, Node};
use super::super::model;
use super::{Calling, boolean};

const STRUCTURES: &str = "http://hl7.org/fhir/StructureDefinition/";

impl<'a> Engine<'a, '_> {
    pub(super) fn of_fhir(&mut self, calling: Calling<'_, 'a>, items: Items<'a>) -> Result<Items<'a>> {
        let at = calling.at;
        let unanswered = || wrong(at, &error::UNANSWERED, calling.name());
        match calling.function() {
            // A search parameter of R4 asks for `hasExtension`, which is defined nowhere; this is what it can only mean.
            Function::Extension | Function::HasExtension => {
                let Some(url) = self.text_argument(calling, 0)? else { return Ok(Vec::new()) };
                let mut out = Vec::new();
                items.iter().for_each(|item| member(item, "extension", &mut out));
                self.spend(out.len(), at)?;
                out.retain(|item| item.node().and_then(|node| node.member_text("url")) == Some(&url));
                Ok(if calling.function() == Function::Extension { out } else { boolean(!out.is_empty()) })
            }
            Function::HasValue => Ok(boolean(matches!(items.as_slice(), [item] if primitive(item).is_some()))),
            Function::GetValue => Ok(match items.as_slice() {
                [item] => primitive(item).into_iter().collect(),
                _ => Vec::new(),
            }),
            Function::Resolve => Ok(items.iter().filter_map(|item| self.resolved(item)).collect()),
            // Where nobody looks at narratives they are taken as they are.
            Function::HtmlChecks => {
                let checked = |item: &Item<'a>| self.context.html_checks(item.node()?.text()?);
                Ok(boolean(items.iter().all(|item| checked(item) != Some(false))))
            }
            Function::CheckModifiers => self.check_modifiers(calling, items),
            Function::ElementDefinition | Function::Slice => Err(unanswered()),
            function => {
                let Some(item) = self.single(&items, calling.name(), at)? else { return Ok(Vec::new()) };
                let found = match function {
                    Function::MemberOf => {
                        let Some(value_set) = self.text_argument(calling, 0)? else { return Ok(Vec::new()) };
                        let found = self.context.member_of(item, &value_set);
                        return Ok(found.map(Item::Boolean).into_iter().collect());
                    }
                    Function::ConformsTo => {
                        let Some(profile) = self.text_argument(calling, 0)? else { return Ok(Vec::new()) };
                        self.conforms(item, &profile)
                    }
                    _ => {
                        let other = self.argument(calling, 0)?;
                        let Some(other) = self.single(&other, calling.name(), at)? else { return Ok(Vec::new()) };
                        match function {
                            Function::Subsumes => self.context.subsumes(item, other),
                            _ => self.context.subsumes(other, item),
                        }
                    }
                };
                found.map(boolean).ok_or_else(unanswered)
            }
        }
    }

    /// What the definition of a type says needs no other answer than the type.
    fn conforms(&self, item: &Item<'a>, profile: &str) -> Option<bool> {
        self.context.conforms_to(item, profile).or_else(|| {
            let kind = model::kind(profile.strip_prefix(STRUCTURES)?)?;
            Some(item.node().is_some_and(|node| node.kind.is_kind_of(kind)))
        })
    }

    /// The resource that a Reference or a URL means; those within the resource at hand are found here.
    fn resolved(&self, item: &Item<'a>) -> Option<Item<'a>> {
        let node = item.node();
        let text = match node.filter(|node| node.kind.primitive.is_none()) {
            Some(node) => node.member_text("reference")?.into(),
            None => item.string()?,
        };
        if let Some(id) = text.strip_prefix('#') {
            let resource = self.resource();
            let root = self.context.root_resource().or(resource)?;
            if id.is_empty() {
                return Some(Item::Node(root));
            }
            let contained = |node: Node<'a>| {
                let inner = node.value?.get("contained")?.as_array()?;
                inner.iter().find(|inner| inner.get("id").and_then(serde_json::Value::as_str) == Some(id))
            };
            return contained(root).or_else(|| contained(resource?)).map(Item::resource);
        }
        match self.context.resolve(&text)? {
            Resolved::Resource(value) => Some(Item::resource(value)),
            Resolved::Type(kind) => Some(Item::Node(Node { value: None, beside: None, kind })),
        }
    }

    fn check_modifiers(&mut self, calling: Calling<'_, 'a>, items: Items<'a>) -> Result<Items<'a>> {
        let mut known = Vec::new();
        for place in 0..calling.call.arguments.len() {
            known.extend(self.text_argument(calling, place)?);
        }
        let mut found = Vec::new();
        items.iter().for_each(|item| member(item, "modifierExtension", &mut found));
        let is_known = |item: &Item<'a>| {
            let url = item.node().and_then(|node| node.member_text("url")).unwrap_or_default();
            known.iter().any(|known| known == url)
        };
        if found.iter().all(is_known) { Ok(items) } else { Err(calling.refused()) }
    }
}

/// The value of a primitive element, or of the language's own types.
fn primitive<'a>(item: &Item<'a>) -> Option<Item<'a>> {
    match item {
        Item::Node(node) if node.kind.primitive.is_none() => None,
        item => item.system(),
    }
}
