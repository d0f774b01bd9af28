//! Checking an expression against the definitions before it is used (FHIRPath N1 section 10.2, type safety): elements that
//! cannot be there, and an order asked of what has none.

use super::error;
use super::evaluate::{Result, wrong};
use super::function::Function;
use super::model::{self, Kind};
use super::tree::{Action, Call, Expr, Form, Operation, Operator, Step, TypeName};

/// Types that say nothing of what is in them.
const OPEN: [&str; 4] = ["Resource", "DomainResource", "Element", "BackboneElement"];

/// What is known of a collection before there is any.
#[derive(Clone, Debug)]
struct Types {
    /// The types its items can have; nothing is known when there are none.
    kinds: Vec<&'static Kind>,
    is_ordered: bool,
}

impl Types {
    fn unknown() -> Self {
        Types { kinds: Vec::new(), is_ordered: true }
    }

    fn of(kinds: impl IntoIterator<Item = &'static Kind>) -> Self {
        let mut found = Self::unknown();
        for kind in kinds {
            if OPEN.contains(&kind.name) {
                return Self::unknown();
            }
            if !found.kinds.iter().any(|known| std::ptr::eq(*known, kind)) {
                found.kinds.push(kind);
            }
        }
        found
    }

    fn joined(self, other: Self) -> Self {
        let is_ordered = self.is_ordered && other.is_ordered;
        if self.kinds.is_empty() || other.kinds.is_empty() {
            return Types { is_ordered, ..Self::unknown() };
        }
        Types { is_ordered, ..Self::of(self.kinds.into_iter().chain(other.kinds)) }
    }
}

/// Checks a tree that is applied to a type; of an unknown one nothing is asked.
pub(super) fn check(tree: &Expr, kind: Option<&'static Kind>) -> Result<()> {
    let focus = Types::of(kind);
    expression(tree, &focus).map(drop)
}

fn expression(tree: &Expr, focus: &Types) -> Result<Types> {
    match &tree.form {
        Form::Empty | Form::Literal(_) | Form::Index | Form::Total | Form::Variable(_) => Ok(Types::unknown()),
        Form::This => Ok(focus.clone()),
        Form::Path(steps) => {
            let Some((first, rest)) = steps.split_first() else { return Ok(Types::unknown()) };
            let found = match &first.action {
                Action::Member(name, Some(kind)) => head(name, kind, focus, first.at)?,
                _ => step(first, focus.clone(), focus)?,
            };
            rest.iter().try_fold(found, |found, next| step(next, found, focus))
        }
        Form::Then(head, steps) => {
            let found = expression(head, focus)?;
            steps.iter().try_fold(found, |found, next| step(next, found, focus))
        }
        Form::Negate(inside) | Form::Positive(inside) => expression(inside, focus).map(|_| Types::unknown()),
        Form::Fold(first, links) => {
            let mut found = expression(first, focus)?;
            for link in links {
                found = match &link.operation {
                    Operation::Is(_) => Types::unknown(),
                    Operation::As(wanted) => narrowed(&found, wanted),
                    Operation::Binary(Operator::Union, right) => found.joined(expression(right, focus)?),
                    Operation::Binary(_, right) => expression(right, focus).map(|_| Types::unknown())?,
                };
            }
            Ok(found)
        }
    }
}

/// A path that begins with the name of a type.
fn head(name: &str, kind: &'static Kind, focus: &Types, at: u32) -> Result<Types> {
    let kinds: Vec<_> = focus.kinds.iter().filter(|known| known.is_kind_of(kind)).copied().collect();
    match (kinds.is_empty(), focus.kinds.is_empty()) {
        (false, _) => Ok(Types { kinds, ..focus.clone() }),
        (true, true) => Ok(Types::of([kind])),
        (true, false) => Err(wrong(at, &error::ELEMENT, name)),
    }
}

fn step(step: &Step, input: Types, focus: &Types) -> Result<Types> {
    match &step.action {
        Action::Member(name, _) => member(&input, name, step.at),
        Action::Index(index) => {
            expression(index, focus)?;
            ordered(&input, "[]", step.at)?;
            Ok(input)
        }
        Action::Is(_) => Ok(Types::unknown()),
        Action::As(wanted) | Action::OfType(wanted) => Ok(narrowed(&input, wanted)),
        Action::Call(called) => call(called, input, focus, step.at),
    }
}

fn member(input: &Types, name: &str, at: u32) -> Result<Types> {
    if input.kinds.is_empty() {
        return Ok(input.clone());
    }
    let mut kinds = Vec::new();
    let mut is_open = false;
    for kind in &input.kinds {
        match (kind.primitive, name, kind.member(name)) {
            (_, _, Some(member)) => kinds.extend(member.types()),
            (Some(_), "id" | "value", None) => is_open = true,
            (Some(_), "extension", None) => kinds.extend(model::kind("Extension")),
            _ => {}
        }
    }
    match (kinds.is_empty(), is_open) {
        (true, false) => Err(wrong(at, &error::ELEMENT, name)),
        (false, false) => Ok(Types { is_ordered: input.is_ordered, ..Types::of(kinds) }),
        (_, true) => Ok(Types { is_ordered: input.is_ordered, ..Types::unknown() }),
    }
}

fn narrowed(input: &Types, wanted: &TypeName) -> Types {
    let found = match wanted {
        TypeName::Fhir(kind) | TypeName::Quantity(kind) => Types::of([*kind]),
        TypeName::System(_) | TypeName::Nothing => Types::unknown(),
    };
    Types { is_ordered: input.is_ordered, ..found }
}

fn ordered(input: &Types, what: &str, at: u32) -> Result<()> {
    if input.is_ordered { Ok(()) } else { Err(wrong(at, &error::ORDER, what)) }
}

fn call(call: &Call, input: Types, focus: &Types, at: u32) -> Result<Types> {
    use Function as F;
    let on_items = matches!(
        call.function,
        F::Exists | F::All | F::Where | F::Select | F::Repeat | F::Aggregate | F::Iif | F::Sort
    );
    let inner = if on_items { &input } else { focus };
    let mut arguments = Vec::with_capacity(call.arguments.len());
    for (place, argument) in call.arguments.iter().enumerate() {
        let is_projection = call.function == F::Trace && place == 1;
        arguments.push(expression(&argument.expression, if is_projection { &input } else { inner })?);
    }
    let mut arguments = arguments.into_iter();
    Ok(match call.function {
        F::First | F::Last | F::Tail | F::Skip | F::Take => {
            ordered(&input, call.function.name(), at)?;
            input
        }
        F::Sort => Types { is_ordered: true, ..input },
        F::Where | F::Single | F::Distinct | F::Trace | F::Intersect | F::Exclude | F::CheckModifiers => input,
        F::Select => arguments
            .next()
            .map_or(Types::unknown(), |found| Types { is_ordered: input.is_ordered && found.is_ordered, ..found }),
        // What it finds is projected again.
        F::Repeat => match (arguments.next(), call.arguments.first()) {
            (Some(found), Some(argument)) => expression(&argument.expression, &found)?.joined(found),
            _ => Types::unknown(),
        },
        F::Union | F::Combine => arguments.next().map_or(Types::unknown(), |found| input.joined(found)),
        F::Iif => arguments.skip(1).reduce(Types::joined).unwrap_or(Types::unknown()),
        F::Children | F::Descendants => Types { is_ordered: false, ..Types::unknown() },
        F::Extension => Types::of(model::kind("Extension")),
        _ => Types::unknown(),
    })
}

#[cfg(test)]
mod tests {
    use crate::fhirpath::Expression;

    #[test]
    fn what_cannot_be_there_is_found_before_evaluation() {
        let cases = [
            ("Observation", "value.unit", true),
            ("Observation", "valueQuantity.unit", false),
            ("Observation", "(value as Period).unit", false),
            ("Observation", "value.ofType(Quantity).unit", true),
            ("Patient", "name.given1", false),
            ("Patient", "Encounter.name", false),
            ("Patient", "name.where(give = 'x')", false),
            ("Patient", "name.where(given = 'x').family.extension('u').value", true),
            ("Patient", "children().skip(1)", false),
            ("Patient", "name.skip(1).given[0]", true),
            ("Patient", "contained.whatever", true),
            ("Patient", "contact.name.family | name.family", true),
            ("Questionnaire", "repeat(item).linkId", true),
            ("Questionnaire", "repeat(item).link", false),
            ("Patient", "%resource.whatever", true),
            ("Nobody", "whatever", true),
        ];
        for (kind, text, is_right) in cases {
            assert_eq!(Expression::parse(text).unwrap().check(kind).is_ok(), is_right, "{kind}: {text}");
        }
    }
}
