//! Evaluating a tree: paths, steps, the focus and the bounds. Operators and functions have files of their own.

use std::slice;

use serde_json::Value;

use super::context::{Context, Limits};
use super::error::{self, ExpressionError};
use super::item::{Item, Items, Node};
use super::model::{self, Kind, UNKNOWN};
use super::tree::{Action, Argument, Expr, Form, Step, TypeName};

pub(super) type Result<T> = std::result::Result<T, ExpressionError>;

/// One evaluation.
pub(super) struct Engine<'a, 'c> {
    pub(super) context: &'c dyn Context<'a>,
    pub(super) limits: Limits,
    pub(super) is_strict: bool,
    root: Item<'a>,
    steps: u64,
}

/// What a part of an expression is applied to.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s, 'a> {
    /// The items a path begins with.
    pub(super) focus: &'s [Item<'a>],
    /// `$index`
    pub(super) index: Option<usize>,
    /// `$total`
    pub(super) total: Option<&'s [Item<'a>]>,
}

pub(super) fn evaluate<'a>(tree: &'a Expr, input: Item<'a>, context: &dyn Context<'a>) -> Result<Items<'a>> {
    let root = input.clone();
    let mut engine = Engine { context, limits: context.limits(), is_strict: context.is_strict(), root, steps: 0 };
    engine.expression(tree, Scope { focus: slice::from_ref(&input), index: None, total: None })
}

impl<'a> Engine<'a, '_> {
    /// Counts work; an error when there has been too much.
    pub(super) fn spend(&mut self, steps: usize, at: u32) -> Result<()> {
        self.steps = self.steps.saturating_add(steps as u64);
        if self.steps > self.limits.steps_max {
            return Err(wrong(at, &error::TOO_COSTLY, format!("{} steps", self.limits.steps_max)));
        }
        Ok(())
    }

    /// Refuses a collection that is too large.
    pub(super) fn bounded(&self, items: usize, at: u32) -> Result<()> {
        if items > self.limits.items_max {
            return Err(wrong(at, &error::TOO_COSTLY, format!("{} items", self.limits.items_max)));
        }
        Ok(())
    }

    /// A text put together, if it is not too long.
    pub(super) fn text(&mut self, text: String, at: u32) -> Result<Item<'a>> {
        if text.len() > self.limits.text_bytes_max {
            return Err(wrong(at, &error::TOO_COSTLY, format!("{} bytes", self.limits.text_bytes_max)));
        }
        self.spend(text.len() / 64, at)?;
        Ok(Item::text(text))
    }

    pub(super) fn expression(&mut self, expr: &'a Expr, scope: Scope<'_, 'a>) -> Result<Items<'a>> {
        self.spend(1, expr.at)?;
        match &expr.form {
            Form::Empty => Ok(Vec::new()),
            Form::Literal(value) => Ok(vec![value.clone()]),
            Form::This => Ok(scope.focus.to_vec()),
            Form::Index => Ok(scope.index.map(|index| Item::Integer(index as i64)).into_iter().collect()),
            Form::Total => Ok(scope.total.unwrap_or_default().to_vec()),
            Form::Variable(name) => self.variable(name, expr.at),
            Form::Path(steps) => {
                let (first, rest) = match steps.split_first() {
                    Some(split) => split,
                    None => return Ok(Vec::new()),
                };
                let found = self.head(first, scope)?;
                self.steps(rest, found, scope)
            }
            Form::Then(head, steps) => {
                let found = self.expression(head, scope)?;
                self.steps(steps, found, scope)
            }
            Form::Negate(inside) => {
                let found = self.expression(inside, scope)?;
                self.negated(found, expr.at)
            }
            Form::Positive(inside) => {
                let found = self.expression(inside, scope)?;
                self.negated(found.clone(), expr.at).map(|_| found)
            }
            Form::Fold(first, links) => self.fold(first, links, scope),
        }
    }

    /// The first step of a path: a type's name stands for the focus that is of that type.
    fn head(&mut self, step: &'a Step, scope: Scope<'_, 'a>) -> Result<Items<'a>> {
        match &step.action {
            Action::Member(_, Some(wanted)) => {
                let is_meant = |item: &&Item<'a>| item.node().is_some_and(|node| node.kind.is_kind_of(wanted));
                let found: Items<'a> = scope.focus.iter().filter(is_meant).cloned().collect();
                let is_unknown = |item: &Item<'a>| item.node().is_some_and(|node| std::ptr::eq(node.kind, &UNKNOWN));
                if found.is_empty() && scope.focus.iter().any(is_unknown) {
                    return self.step(step, scope.focus.to_vec(), scope);
                }
                Ok(found)
            }
            Action::Member(name, _) => {
                self.spend(1, step.at)?;
                let mut out = Vec::new();
                for item in scope.focus {
                    member(item, name, &mut out);
                }
                Ok(out)
            }
            _ => self.step(step, scope.focus.to_vec(), scope),
        }
    }

    fn steps(&mut self, steps: &'a [Step], mut items: Items<'a>, scope: Scope<'_, 'a>) -> Result<Items<'a>> {
        for step in steps {
            items = self.step(step, items, scope)?;
        }
        Ok(items)
    }

    fn step(&mut self, step: &'a Step, mut items: Items<'a>, scope: Scope<'_, 'a>) -> Result<Items<'a>> {
        self.spend(1 + items.len(), step.at)?;
        match &step.action {
            Action::Member(..) if items.is_empty() => Ok(items),
            Action::Member(name, _) => {
                let mut out = Vec::new();
                for item in &items {
                    member(item, name, &mut out);
                }
                self.bounded(out.len(), step.at)?;
                Ok(out)
            }
            Action::Index(index) => {
                let index = self.expression(index, scope)?;
                let place = self.integer(&index, "[]", step.at)?;
                let place = place.and_then(|place| usize::try_from(place).ok());
                Ok(place
                    .filter(|place| *place < items.len())
                    .map(|place| items.swap_remove(place))
                    .into_iter()
                    .collect())
            }
            Action::Is(wanted) => self.is(&items, wanted, step.at),
            Action::As(wanted) => self.cast(items, wanted, step.at),
            Action::OfType(wanted) => {
                items.retain(|item| is_exactly(item, wanted));
                Ok(items)
            }
            Action::Call(call) => self.call(call, items, scope, step.at),
        }
    }

    /// `is` (N1 section 6.3.1).
    pub(super) fn is(&mut self, items: &[Item<'a>], wanted: &TypeName, at: u32) -> Result<Items<'a>> {
        match items {
            [] => Ok(Vec::new()),
            [item] => Ok(vec![Item::Boolean(is_of(item, wanted))]),
            _ => Err(wrong(at, &error::SINGLE, "is")),
        }
    }

    /// `as` (N1 section 6.3.3).
    pub(super) fn cast(&mut self, mut items: Items<'a>, wanted: &TypeName, at: u32) -> Result<Items<'a>> {
        if items.len() > 1 && self.is_strict {
            return Err(wrong(at, &error::SINGLE, "as"));
        }
        items.retain(|item| is_exactly(item, wanted));
        Ok(items)
    }

    fn variable(&mut self, name: &str, at: u32) -> Result<Items<'a>> {
        if let Some(found) = self.context.variable(name) {
            return Ok(found);
        }
        let text = |text: String| Ok(vec![Item::text(text)]);
        match name {
            "context" => Ok(vec![self.root.clone()]),
            "resource" => Ok(self.resource().map(Item::Node).into_iter().collect()),
            "rootResource" => {
                let found = self.context.root_resource().or_else(|| self.resource());
                Ok(found.map(Item::Node).into_iter().collect())
            }
            "ucum" => text(super::item::UCUM.to_owned()),
            "sct" => text("http://snomed.info/sct".to_owned()),
            "loinc" => text("http://loinc.org".to_owned()),
            _ => match (name.strip_prefix("vs-"), name.strip_prefix("ext-")) {
                (Some(name), _) => text(format!("http://hl7.org/fhir/ValueSet/{name}")),
                (_, Some(name)) => text(format!("http://hl7.org/fhir/StructureDefinition/{name}")),
                _ => Err(wrong(at, &error::VARIABLE, format!("%{name}"))),
            },
        }
    }

    /// The resource that holds what is evaluated.
    pub(super) fn resource(&self) -> Option<Node<'a>> {
        self.context.resource().or_else(|| self.root.node().copied().filter(|node| node.kind.is_resource))
    }

    /// Evaluates an argument that is no criterion: its paths begin where the path of the call began.
    pub(super) fn value(&mut self, argument: &'a Argument, scope: Scope<'_, 'a>) -> Result<Items<'a>> {
        self.expression(&argument.expression, scope)
    }

    /// Evaluates a criterion or projection on one item, which is `$this`.
    pub(super) fn on(
        &mut self,
        argument: &'a Argument,
        item: &Item<'a>,
        index: usize,
        scope: Scope<'_, 'a>,
    ) -> Result<Items<'a>> {
        let scope = Scope { focus: slice::from_ref(item), index: Some(index), ..scope };
        self.expression(&argument.expression, scope)
    }
}

pub(super) fn wrong(at: u32, rule: &'static crate::fault::Rule, detail: impl Into<String>) -> ExpressionError {
    ExpressionError::new(at as usize, rule, detail)
}

/// Whether an item is of a type or a kind of it.
pub(super) fn is_of(item: &Item<'_>, wanted: &TypeName) -> bool {
    match (item, wanted) {
        (Item::Node(node), TypeName::Fhir(kind) | TypeName::Quantity(kind)) => node.kind.is_kind_of(kind),
        (Item::Quantity(_), TypeName::Quantity(_)) => true,
        (_, TypeName::System("Any")) => true,
        (Item::Node(_), _) | (_, TypeName::Nothing | TypeName::Fhir(_) | TypeName::Quantity(_)) => false,
        (item, TypeName::System(name)) => item.type_name().1 == *name,
    }
}

/// Whether `as` and `ofType` take an item. Of primitive types only the very type is taken: the choice `value[x]` as a
/// `string` is `valueString`, never `valueCode`.
fn is_exactly(item: &Item<'_>, wanted: &TypeName) -> bool {
    match (item, wanted) {
        (Item::Node(node), TypeName::Fhir(kind)) if node.kind.primitive.is_some() => std::ptr::eq(node.kind, *kind),
        _ => is_of(item, wanted),
    }
}

/// The elements of a name within an item.
pub(super) fn member<'a>(item: &Item<'a>, name: &str, out: &mut Items<'a>) {
    let node = match item {
        Item::Node(node) => node,
        Item::Type(namespace, kind) => {
            match name {
                "namespace" => out.push(Item::text(*namespace)),
                "name" => out.push(Item::text(*kind)),
                _ => {}
            }
            return;
        }
        _ => return,
    };
    if node.kind.primitive.is_some() {
        return primitive_member(node, name, out);
    }
    let Some(Value::Object(members)) = node.value else { return };
    match node.kind.member(name) {
        Some(found) if found.is_choice => {
            let rest = |key: &str| {
                key.strip_prefix('_').unwrap_or(key).strip_prefix(name).is_some_and(|rest| !rest.is_empty())
            };
            let key = members.keys().find(|key| rest(key));
            let Some(key) = key.map(|key| key.strip_prefix('_').unwrap_or(key)) else { return };
            if let Some((_, kind)) = node.kind.json_member(key) {
                push(members, key, kind, out);
            }
        }
        Some(found) => push(members, name, found.kind(), out),
        // What the definitions do not know is found where it is written, but nothing is known of its type.
        None if std::ptr::eq(node.kind, &UNKNOWN) => push(members, name, &UNKNOWN, out),
        None => {}
    }
}

type Members = serde_json::Map<String, Value>;

/// The elements under a name in JSON, with what stands beside them.
fn push<'a>(members: &'a Members, name: &str, kind: &'static Kind, out: &mut Items<'a>) {
    let value = get(members, name);
    // Only primitives have something beside them.
    let beside = match value {
        Some(Value::Object(_)) => None,
        _ if kind.primitive.is_none() && !std::ptr::eq(kind, &UNKNOWN) => None,
        _ => beside(members, name),
    };
    match (value, beside) {
        (None, None) => {}
        (Some(Value::Array(values)), beside) => {
            let mut others = beside.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default().iter();
            for value in values {
                push_one(Some(value), others.next(), kind, out);
            }
            others.for_each(|beside| push_one(None, Some(beside), kind, out));
        }
        (None, Some(Value::Array(others))) => others.iter().for_each(|beside| push_one(None, Some(beside), kind, out)),
        (value, beside) => push_one(value, beside, kind, out),
    }
}

/// Looking through a few names takes less time than hashing the one that is wanted.
const SCANNED_MAX: usize = 16;

fn get<'a>(members: &'a Members, name: &str) -> Option<&'a Value> {
    if members.len() <= SCANNED_MAX {
        return members.iter().find(|(key, _)| *key == name).map(|(_, value)| value);
    }
    members.get(name)
}

fn beside<'a>(members: &'a Members, name: &str) -> Option<&'a Value> {
    let mut buffer = [0_u8; 64];
    // Names of elements are short; a key put together on the stack costs nothing.
    let key = buffer.get_mut(..=name.len())?;
    let (first, rest) = key.split_first_mut()?;
    *first = b'_';
    rest.copy_from_slice(name.as_bytes());
    get(members, std::str::from_utf8(key).ok()?)
}

fn push_one<'a>(value: Option<&'a Value>, beside: Option<&'a Value>, kind: &'static Kind, out: &mut Items<'a>) {
    let present = |value: &&Value| !value.is_null();
    let (value, beside) = (value.filter(present), beside.filter(present));
    if value.is_none() && beside.is_none() {
        return;
    }
    let is_inner_resource = kind.is_resource && matches!(kind.name, "Resource" | "DomainResource");
    match value {
        Some(value) if is_inner_resource => out.push(Item::resource(value)),
        _ => out.push(Item::Node(Node { value, beside, kind })),
    }
}

/// Id and extensions of a primitive stand beside it; its value is `value`.
fn primitive_member<'a>(node: &Node<'a>, name: &str, out: &mut Items<'a>) {
    match (name, node.beside) {
        ("value", _) => out.extend(node.system()),
        ("id", Some(Value::Object(members))) => {
            push(members, "id", model::kind("string").unwrap_or(&UNKNOWN), out);
        }
        ("extension", Some(Value::Object(members))) => {
            push(members, "extension", model::kind("Extension").unwrap_or(&UNKNOWN), out);
        }
        _ => {}
    }
}

/// Everything directly within an item, in the order of its JSON.
pub(super) fn children<'a>(item: &Item<'a>, out: &mut Items<'a>) {
    let Item::Node(node) = item else { return };
    if node.kind.primitive.is_some() {
        primitive_member(node, "id", out);
        primitive_member(node, "extension", out);
        return;
    }
    let Some(Value::Object(members)) = node.value else { return };
    for key in members.keys().filter(|key| *key != "resourceType") {
        let name = match key.strip_prefix('_') {
            // It comes with the element beside which it stands.
            Some(name) if members.contains_key(name) => continue,
            Some(name) => name,
            None => key,
        };
        match node.kind.json_member(name) {
            Some((_, kind)) => push(members, name, kind, out),
            None if std::ptr::eq(node.kind, &UNKNOWN) => push(members, name, &UNKNOWN, out),
            None => {}
        }
    }
}
