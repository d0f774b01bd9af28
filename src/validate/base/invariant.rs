//! The constraints that R4 writes in FHIRPath (`src/fhir/r4/constraints.txt`), each read when it is first needed and
//! evaluated only where its element occurs.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{LazyLock, OnceLock};

use serde_json::Value;

use super::DEPTH_ELEMENTS_MAX;
use crate::fault::{IssueType, Rule, Severity};
use crate::fhir::r4::{self, Shape};
use crate::fhirpath::{self, Context, Expression, Item, Kind, Limits, Node, Resolved};

/// Steps of work that one constraint may take, about 20 ms; none of the definitions of R4 takes more.
const STEPS_MAX: u64 = 200_000;

/// So many constraints of one resource may take more than that before no more are evaluated.
pub(super) const COSTLY_MAX: usize = 10;

/// Expressions that do not say what their sentence says: an answer is FHIR's boolean, never the Boolean of FHIRPath; and where
/// nothing is said of `repeats`, the question does not repeat.
const CORRECTED: [(&str, &str); 2] = [
    ("que-7", "operator = 'exists' implies (answer is boolean)"),
    ("que-13", "repeats.where($this).exists() or initial.count() <= 1"),
];

/// A constraint of a type or element.
#[derive(Debug)]
pub(super) struct Constraint {
    /// Its key and what it says.
    pub(super) rule: Rule,
    text: Cow<'static, str>,
    expression: OnceLock<Option<Expression>>,
    kind: Option<&'static Kind>,
    /// A comparison of dates of different precision or of different units comes to nothing, and breaks nothing.
    may_be_empty: bool,
}

static CONSTRAINTS: LazyLock<Vec<Vec<Constraint>>> = LazyLock::new(|| {
    let japanese: HashMap<&str, &str> =
        include_str!("japanese.txt").lines().filter_map(|line| line.split_once('\t')).collect();
    let mut all: Vec<Vec<Constraint>> = r4::shapes().iter().map(|_| Vec::new()).collect();
    for line in r4::CONSTRAINTS.lines() {
        let mut parts = line.split('\t');
        let (Some(path), Some(key), Some(text), Some(en)) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let text = CORRECTED.iter().find(|row| row.0 == key).map_or(text, |row| row.1);
        // What an element of a type with a name, or of a primitive, must be is asked of the element it is in.
        let (shape, text) = match r4::shape(path) {
            Some(shape) => (Some(shape), Cow::Borrowed(text)),
            None => {
                let (parent, name) = path.rsplit_once('.').unwrap_or((path, ""));
                (r4::shape(parent), Cow::Owned(format!("{}.all({text})", name.trim_end_matches("[x]"))))
            }
        };
        let own = format!("{key}@{path}");
        let ja = japanese.get(own.as_str()).or_else(|| japanese.get(key)).copied().unwrap_or(en);
        let rule = Rule { id: key, severity: Severity::Error, code: IssueType::Invariant, en, ja };
        let may_be_empty = text.contains("<=") || text.contains(">=");
        let kind = shape.and_then(|shape| fhirpath::kind(shape.path));
        if let Some(of_shape) = shape.and_then(|shape| all.get_mut(shape.number)) {
            of_shape.push(Constraint { rule, text, expression: OnceLock::new(), kind, may_be_empty });
        }
    }
    all
});

/// The constraints of a type or of an element with elements of its own.
pub(super) fn of(shape: &Shape) -> &'static [Constraint] {
    CONSTRAINTS.get(shape.number).map_or(&[], Vec::as_slice)
}

/// What surrounds an element: the resource it is in, and the one that this is contained in.
#[derive(Clone, Copy)]
pub(super) struct Around<'v> {
    pub(super) resource: &'v Value,
    pub(super) root: &'v Value,
}

impl<'v> Context<'v> for Around<'v> {
    fn resource(&self) -> Option<Node<'v>> {
        Some(Node::resource(self.resource))
    }

    fn root_resource(&self) -> Option<Node<'v>> {
        Some(Node::resource(self.root))
    }

    /// Of what is elsewhere the type is known by the text.
    fn resolve(&self, reference: &str) -> Option<Resolved<'v>> {
        Resolved::by_text(reference)
    }

    fn limits(&self) -> Limits {
        Limits { steps_max: STEPS_MAX, ..Limits::DEFAULT }
    }
}

impl Constraint {
    /// Whether an element keeps to it; `None` when that takes too long. In a tree of items or concepts uniqueness is looked at once through a set: as
    /// FHIRPath it takes time in proportion to the square of their number. One that cannot be evaluated is taken as kept: what makes that so (a value of
    /// another kind than its type has) is found by the walk.
    pub(super) fn holds<'v>(&'static self, value: &'v Value, around: &Around<'v>) -> Option<bool> {
        match self.rule.id {
            "que-2" => return Some(is_distinct(value, "item", "linkId", &mut HashSet::new(), 0)),
            "csd-1" => return Some(is_distinct(value, "concept", "code", &mut HashSet::new(), 0)),
            _ => {}
        }
        let expression = self.expression.get_or_init(|| Expression::parse(&self.text).ok());
        let (Some(expression), Some(kind)) = (expression, self.kind) else { return Some(true) };
        match expression.is_true(Item::Node(Node::element(value, kind)), around) {
            Ok(found) => Some(found.unwrap_or(self.may_be_empty)),
            Err(error) => (error.rule.code != IssueType::TooCostly).then_some(true),
        }
    }
}

/// Whether the members `name` of everything under `branch`, and under `branch` of these, differ from each other.
fn is_distinct<'v>(value: &'v Value, branch: &str, name: &str, seen: &mut HashSet<&'v str>, depth: usize) -> bool {
    let items = value.get(branch).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    depth > DEPTH_ELEMENTS_MAX
        || items.iter().all(|item| {
            item.get(name).and_then(Value::as_str).is_none_or(|text| seen.insert(text))
                && is_distinct(item, branch, name, seen, depth + 1)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_constraint_is_read_and_has_a_sentence_in_both_languages() {
        let all: Vec<&Constraint> = CONSTRAINTS.iter().flatten().collect();
        assert_eq!(all.len(), r4::CONSTRAINTS.lines().count());
        for constraint in all {
            let read = Expression::parse(&constraint.text).map(|_| ());
            assert!(read.is_ok(), "{} {read:?}", constraint.rule.id);
            assert!(constraint.kind.is_some() && constraint.rule.ja != constraint.rule.en, "{}", constraint.rule.id);
        }
    }
}
