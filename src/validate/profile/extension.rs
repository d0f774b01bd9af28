//! Extensions beside their definitions (extensibility.html): where they may stand, whether as modifiers, and what they hold.

use serde_json::Value;

use super::problem::*;
use super::scan::Trail;
use super::spot::Spot;
use super::walk::{At, Walk};
use crate::fhir::r4;
use crate::fhirpath::{self, Item, Node};
use crate::profile::{Schema, Use};
use crate::validate::path::Path;

impl<'w> Walk<'w> {
    pub(super) fn extension(&mut self, value: &'w Value, is_modifier: bool, path: &Path<'_>, trail: &mut Trail<'w>) {
        let (Some(object), Some(shape)) = (value.as_object(), r4::shape("Extension")) else { return };
        let url = object.get("url").and_then(Value::as_str).unwrap_or_default();
        // What stands in an extension under a name without a colon is described by that extension.
        if url.contains(':') {
            match self.profiles.find(url, self.package).filter(|schema| &*schema.type_name == "Extension") {
                None => self.tell(&UNKNOWN_EXTENSION, None, path, url),
                Some(schema) => {
                    self.placed(schema, is_modifier, path, trail);
                    self.context_holds(schema, value, path, trail);
                    let spot = Spot {
                        value: Some(value),
                        beside: None,
                        type_name: shape.path,
                        shape: Some(shape),
                        is_resource: false,
                    };
                    self.apply(schema, spot, path);
                }
            }
        }
        trail.extensions.push(url);
        trail.holders.push(value);
        self.scan(object, shape, path, trail);
        trail.holders.pop();
        trail.extensions.pop();
    }

    fn placed(&mut self, schema: &'w Schema, is_modifier: bool, path: &Path<'_>, trail: &Trail<'w>) {
        let Some(node) = schema.node(0) else { return };
        let at = At { schema, node };
        match (schema.is_modifier, is_modifier) {
            (true, false) => self.add(&IS_MODIFIER, Some(at), path, || (String::new(), String::new())),
            (false, true) => self.add(&IS_NO_MODIFIER, Some(at), path, || (String::new(), String::new())),
            _ => {}
        }
        if !schema.contexts.is_empty() && !schema.contexts.iter().any(|place| self.is_at(place, trail)) {
            let name = |place: &Use| match place {
                Use::Element(name) | Use::Extension(name) => name.to_string(),
                Use::Path(expression) => expression.text().to_owned(),
            };
            self.add(&EXTENSION_PLACE, Some(at), path, || {
                (schema.contexts.iter().map(name).collect::<Vec<_>>().join(", "), String::new())
            });
        }
    }

    /// Whether the extension at the end of a trail stands where one of its contexts says (StructureDefinition.context).
    fn is_at(&self, place: &'w Use, trail: &Trail<'w>) -> bool {
        let Use::Path(expression) = place else { return is_in(place, trail) };
        let Some(holder) = trail.holders.last() else { return true };
        let Some(items) = self.found(expression, None, None) else { return true };
        let is_holder = |value: Option<&Value>| value.is_some_and(|value| std::ptr::eq(value, *holder));
        items.iter().filter_map(Item::node).any(|node| is_holder(node.value) || is_holder(node.beside))
    }

    /// What must hold of the element in which the extension stands (StructureDefinition.contextInvariant).
    fn context_holds(&mut self, schema: &'w Schema, value: &'w Value, path: &Path<'_>, trail: &Trail<'w>) {
        let Some(node) = schema.node(0).filter(|_| !schema.context_invariants.is_empty()) else { return };
        let kind = trail.steps.iter().rev().nth(1).and_then(|(_, kind)| fhirpath::kind(kind));
        let (Some(kind), Some(holder)) = (kind, trail.holders.last()) else { return };
        for expression in &schema.context_invariants {
            let is_false = |items: Vec<Item<'w>>| matches!(items.as_slice(), [Item::Boolean(false)]);
            let item = Item::Node(Node::element(holder, kind));
            if self.found(expression, Some(item), Some(value)).is_some_and(is_false) {
                let said = || (expression.text().to_owned(), String::new());
                self.add(&EXTENSION_CONTEXT, Some(At { schema, node }), path, said);
            }
        }
    }
}

/// The same for a context that is the name of an element, of a type or of an extension.
fn is_in(place: &Use, trail: &Trail<'_>) -> bool {
    let name = match place {
        Use::Path(_) => return true,
        Use::Element(name) if &**name == "Element" => return true,
        Use::Extension(url) => return trail.extensions.last().is_some_and(|outer| **outer == **url),
        Use::Element(name) => name.trim_end_matches("[x]"),
    };
    // The last step is the extension itself.
    let steps = trail.steps.get(..trail.steps.len().saturating_sub(1)).unwrap_or_default();
    let Some((_, kind)) = steps.last() else { return false };
    if let (Some(kind), Some(wanted)) = (fhirpath::kind(kind), fhirpath::kind(name))
        && kind.is_kind_of(wanted)
    {
        return true;
    }
    let is_resource = steps.len() == 1;
    if matches!(name, "CanonicalResource" | "MetadataResource") || name.contains('#') || name.contains('/') {
        return is_resource || name.contains(['#', '/']);
    }
    // `Patient.contact.name`, from any type on the way.
    (0..steps.len()).any(|from| {
        let Some((_, start)) = steps.get(from) else { return false };
        let rest = steps.iter().skip(from + 1).map(|(name, _)| *name);
        let mut wanted = name.strip_prefix(start).into_iter().flat_map(|rest| rest.split('.').skip(1));
        name.strip_prefix(start).is_some_and(|rest| rest.starts_with('.') || rest.is_empty())
            && rest.eq(wanted.by_ref().map(|name| name.trim_end_matches("[x]")))
    })
}
