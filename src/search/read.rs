//! The values that a search parameter reads from a resource (search.html#ptypes): everything that a comparison, a modifier or
//! a composite is judged on. What is contained does not count for what contains it, since no expression goes there.

use serde_json::Value as Json;

use super::definition::{Definition, Kind};
use super::plan::{Branch, Filter, Step, Unplanned, branches};
use super::value::Value;
use crate::fhir::ResourceType;
use crate::fhir::reference::{self, Literal};
use crate::fhirpath::{Context, Expression, Item, Node, Resolved};

mod element;

pub(super) use element::interval;
pub use element::reads;

/// What the reading depends on beside the resource.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// Offset from UTC of dates that carry none, in minutes.
    pub zone_minutes: i16,
    /// This server's base URL without the last slash: a reference to something below it is one of ours. May be empty.
    pub base: &'a str,
}

/// How a definition is read: its expression, made ready once.
#[derive(Clone, Debug)]
pub struct Plan(Shape);

#[derive(Clone, Debug)]
enum Shape {
    Branches(Vec<Branch>),
    /// Patient `deceased`: whether there is any, other than `false`.
    Present(Vec<Branch>),
    /// Where the composite's elements are, and what each component reads there.
    Composite(Vec<(Branch, Vec<Vec<Branch>>)>),
    /// What branches cannot say.
    Path(Expression),
}

impl Plan {
    /// The plan of an expression of resources of a type (`base`, or `Resource`); `None` when it cannot be read.
    pub(super) fn compile(
        base: &'static str,
        kind: Kind,
        expression: &str,
        components: &[(Kind, &str)],
    ) -> Option<Plan> {
        if kind == Kind::Composite {
            let of_element = |element: Branch| {
                let read =
                    |(kind, expression): &(Kind, &str)| values_of(*kind, branches(element.found, expression).ok()?);
                let components = components.iter().map(read).collect::<Option<Vec<_>>>()?;
                Some((element, components))
            };
            let all = branches(base, expression).ok()?.into_iter().map(of_element).collect::<Option<Vec<_>>>()?;
            return Some(Plan(Shape::Composite(all)));
        }
        if let Some(path) = presence(expression) {
            return Some(Plan(Shape::Present(branches(base, path).ok()?)));
        }
        Some(Plan(match branches(base, expression) {
            Ok(all) => Shape::Branches(values_of(kind, all)?),
            Err(Unplanned::More) => Shape::Path(Expression::parse(expression).ok()?),
            Err(Unplanned::Unknown) => return None,
        }))
    }

    /// Whether it is left to FHIRPath.
    pub fn is_expression(&self) -> bool {
        matches!(self.0, Shape::Path(_))
    }

    /// The branches that facts are read by; none where it takes more.
    pub(super) fn branches(&self) -> &[Branch] {
        match &self.0 {
            Shape::Branches(all) => all,
            _ => &[],
        }
    }

    /// The branches whose presence is the value (`true`, `false`).
    pub(super) fn presence(&self) -> Option<&[Branch]> {
        match &self.0 {
            Shape::Present(all) => Some(all),
            _ => None,
        }
    }
}

/// The path of `path.exists() and path != false`.
fn presence(expression: &str) -> Option<&str> {
    let (exists, other) = expression.split_once(" and ")?;
    let path = exists.trim().strip_suffix(".exists()")?;
    (other.trim().strip_suffix("!= false")?.trim_end() == path).then_some(path)
}

/// The branches that lead to something the kind has values of; an Extension's value stands for it. `None` where there were
/// some and none is left: then the definition means something else.
fn values_of(kind: Kind, all: Vec<Branch>) -> Option<Vec<Branch>> {
    let found = !all.is_empty();
    let mut kept = Vec::new();
    for branch in all {
        let opened = if branch.found == "Extension" { branches_of_extension(branch)? } else { vec![branch] };
        kept.extend(opened.into_iter().filter(|branch| reads(kind, branch.found)));
    }
    (found && !kept.is_empty()).then_some(kept)
}

fn branches_of_extension(branch: Branch) -> Option<Vec<Branch>> {
    let values = branches("Extension", "Extension.value").ok()?.into_iter().map(|value| Branch {
        from_resource: branch.from_resource,
        steps: [branch.steps.clone(), value.steps].concat(),
        ..value
    });
    Some(values.collect())
}

/// The values of a definition in a resource of its type, in the order in which they stand there.
pub fn values(resource: &Json, definition: &Definition, reading: Reading<'_>) -> Vec<Value> {
    let mut out = Vec::new();
    let reader = element::Reader { kind: definition.kind, targets: &definition.targets, resource, reading };
    match &definition.plan.0 {
        Shape::Branches(all) => all.iter().for_each(|branch| reader.read(resource, branch, &mut out)),
        Shape::Present(all) => out.push(element::flag(is_present(resource, all))),
        Shape::Path(expression) => {
            for item in expression.evaluate(Item::resource(resource), &ByText).unwrap_or_default() {
                match &item {
                    Item::Node(Node { value: Some(value), kind, .. }) => reader.element(value, kind.name, "", &mut out),
                    Item::Node(_) | Item::Quantity(_) | Item::Type(..) => {}
                    Item::Boolean(value) => reader.element(&Json::Bool(*value), "boolean", "", &mut out),
                    item => {
                        let text = item.to_text().unwrap_or_default();
                        let number = text.parse().ok().filter(|_| definition.kind == Kind::Number).map(Json::Number);
                        reader.element(&number.unwrap_or_else(|| text.as_ref().into()), "string", "", &mut out);
                    }
                }
            }
        }
        Shape::Composite(all) => {
            for (element, components) in all {
                walk(resource, resource, &element.steps, &mut |found| {
                    let read = |(component, of): (&super::definition::Component, &Vec<Branch>)| {
                        let (kind, targets) = (component.kind, component.targets.as_slice());
                        let (reader, mut out) = (element::Reader { kind, targets, resource, reading }, Vec::new());
                        of.iter().for_each(|branch| reader.read(found, branch, &mut out));
                        out
                    };
                    let values: Vec<Vec<Value>> = definition.components.iter().zip(components).map(read).collect();
                    if values.iter().all(|values| !values.is_empty()) {
                        out.push(Value::Composite(values));
                    }
                });
            }
        }
    }
    out
}

/// The elements that the values of a definition are read from, each with its R4 type; none of a composite, and of one that is
/// left to FHIRPath.
pub fn elements<'a>(resource: &'a Json, definition: &Definition) -> Vec<(&'a Json, &'static str)> {
    let mut all = Vec::new();
    for branch in definition.plan.branches() {
        walk(resource, resource, &branch.steps, &mut |found| all.push((found, branch.found)));
    }
    all
}

/// What expressions are given: references are known by what they say.
struct ByText;

impl<'a> Context<'a> for ByText {
    fn resolve(&self, reference: &str) -> Option<Resolved<'a>> {
        Resolved::by_text(reference)
    }
}

/// Whether there is anything but `false`.
pub(super) fn is_present(resource: &Json, all: &[Branch]) -> bool {
    let mut present = false;
    for branch in all {
        walk(resource, resource, &branch.steps, &mut |found| present |= *found != Json::Bool(false));
    }
    present
}

/// Calls `see` with everything that the steps lead to.
pub(super) fn walk<'a>(value: &'a Json, resource: &'a Json, steps: &[Step], see: &mut dyn FnMut(&'a Json)) {
    let Some((step, rest)) = steps.split_first() else {
        if !value.is_null() {
            see(value);
        }
        return;
    };
    match step {
        Step::Member(name) => match value.get(&**name) {
            Some(Json::Array(items)) => items.iter().for_each(|item| walk(item, resource, rest, see)),
            Some(found) => walk(found, resource, rest, see),
            None => {}
        },
        Step::Item(name, at) => {
            if let Some(item) = value.get(&**name).and_then(|found| found.get(at)) {
                walk(item, resource, rest, see);
            }
        }
        Step::Where(filter) => {
            if filter.holds(value, resource) {
                walk(value, resource, rest, see);
            }
        }
    }
}

impl Filter {
    /// Whether it holds for an element of a resource.
    pub(super) fn holds(&self, value: &Json, resource: &Json) -> bool {
        match self {
            Filter::Equals(name, wanted) => value.get(&**name).and_then(Json::as_str) == Some(wanted),
            Filter::Extended(url) => {
                let mut all = value.get("extension").and_then(Json::as_array).into_iter().flatten();
                all.any(|one| one.get("url").and_then(Json::as_str) == Some(url))
            }
            Filter::Refers(wanted) => referred(value, resource) == Some(*wanted),
        }
    }
}

/// The type of what a Reference points to, as far as it says so itself.
fn referred(value: &Json, resource: &Json) -> Option<ResourceType> {
    let said = || value.get("type").and_then(Json::as_str).and_then(ResourceType::parse);
    let Some(text) = value.get("reference").and_then(Json::as_str) else { return said() };
    match Literal::parse(text) {
        Literal::Relative(of, _) | Literal::Absolute(_, Some((of, _))) => Some(of),
        Literal::Contained => {
            let mut all = resource.get("contained").and_then(Json::as_array).into_iter().flatten();
            let id = text.get(1..);
            let contained = all.find(|one| one.get("id").and_then(Json::as_str) == id);
            contained.and_then(reference::resource_type).or_else(said)
        }
        Literal::Absolute(_, None) | Literal::Urn(_) | Literal::Other => said(),
    }
}

#[cfg(test)]
mod tests;
