//! Calling functions (FHIRPath N1 section 5; fhirpath.html#functions of R4).

mod collection;
mod conversion;
mod criteria;
mod fhir;
mod math;
mod text;

use super::error;
use super::evaluate::{Engine, Result, Scope, wrong};
use super::function::Function;
use super::item::{Item, Items};
use super::tree::Call;

/// A call being made.
#[derive(Clone, Copy)]
struct Calling<'s, 'a> {
    call: &'a Call,
    scope: Scope<'s, 'a>,
    at: u32,
}

impl Calling<'_, '_> {
    fn function(&self) -> Function {
        self.call.function
    }

    fn name(&self) -> &'static str {
        self.call.function.name()
    }

    fn refused(&self) -> super::error::ExpressionError {
        wrong(self.at, &error::OPERAND, self.name())
    }
}

impl<'a> Engine<'a, '_> {
    pub(super) fn call(
        &mut self,
        call: &'a Call,
        items: Items<'a>,
        scope: Scope<'_, 'a>,
        at: u32,
    ) -> Result<Items<'a>> {
        use Function as F;
        let calling = Calling { call, scope, at };
        match call.function {
            F::Exists | F::All | F::Where | F::Select | F::Repeat | F::Aggregate | F::Iif | F::Trace | F::Sort => {
                self.with_criteria(calling, items)
            }
            F::Empty
            | F::Not
            | F::AllTrue
            | F::AnyTrue
            | F::AllFalse
            | F::AnyFalse
            | F::Count
            | F::Distinct
            | F::IsDistinct
            | F::Single
            | F::First
            | F::Last
            | F::Tail
            | F::Children
            | F::Descendants
            | F::Type => self.of_collection(calling, items),
            F::SubsetOf | F::SupersetOf | F::Skip | F::Take | F::Intersect | F::Exclude | F::Union | F::Combine => {
                self.of_collections(calling, items)
            }
            F::To(target) | F::ConvertsTo(target) => self.convert(calling, target, &items),
            F::Abs | F::Ceiling | F::Exp | F::Floor | F::Ln | F::Log | F::Power | F::Round | F::Sqrt | F::Truncate => {
                self.of_number(calling, &items)
            }
            F::LowBoundary | F::HighBoundary | F::Precision | F::Comparable => self.of_precision(calling, &items),
            F::Now | F::Today | F::TimeOfDay => self.of_time(calling),
            F::Extension
            | F::HasExtension
            | F::HasValue
            | F::GetValue
            | F::Resolve
            | F::MemberOf
            | F::ConformsTo
            | F::Subsumes
            | F::SubsumedBy
            | F::HtmlChecks
            | F::CheckModifiers
            | F::ElementDefinition
            | F::Slice => self.of_fhir(calling, items),
            _ => self.of_text(calling, &items),
        }
    }

    /// An argument as a whole collection.
    fn argument(&mut self, calling: Calling<'_, 'a>, place: usize) -> Result<Items<'a>> {
        match calling.call.arguments.get(place) {
            Some(argument) => self.value(argument, calling.scope),
            None => Ok(Vec::new()),
        }
    }

    /// An argument as one string, or none.
    fn text_argument(&mut self, calling: Calling<'_, 'a>, place: usize) -> Result<Option<std::borrow::Cow<'a, str>>> {
        let found = self.argument(calling, place)?;
        match self.single(&found, calling.name(), calling.at)? {
            Some(item) => item.string().map(Some).ok_or_else(|| calling.refused()),
            None => Ok(None),
        }
    }

    /// An argument as one integer, or none.
    fn integer_argument(&mut self, calling: Calling<'_, 'a>, place: usize) -> Result<Option<i64>> {
        let found = self.argument(calling, place)?;
        self.integer(&found, calling.name(), calling.at)
    }
}

fn boolean<'a>(value: bool) -> Items<'a> {
    vec![Item::Boolean(value)]
}
