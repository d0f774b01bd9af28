//! FHIRPath (hl7.org/fhirpath/N1, with what FHIR R4 adds in fhirpath.html): expressions that find and judge parts of
//! resources. An expression is read once and evaluated often; nothing of the resource is copied.
//!
//! ```
//! use tasuki::fhirpath::{Expression, Item, Nothing};
//!
//! let expression = Expression::parse("Patient.name.where(use = 'official').family")?;
//! let patient = serde_json::json!({"resourceType": "Patient", "name": [{"use": "official", "family": "Testyama"}]});
//! let found = expression.evaluate(Item::resource(&patient), &Nothing)?;
//! assert_eq!(found[0].to_text().as_deref(), Some("Testyama"));
//! # Ok::<(), tasuki::fhirpath::ExpressionError>(())
//! ```
//!
//! `lexer` and `parser` make a `tree`; `evaluate` walks it, with `operators`, `equality` and one file of `functions` for each
//! section of the standard; `model` is what it knows of R4, [`Context`] what it is told from outside.

mod boundary;
mod calendar;
mod check;
mod context;
mod decimal;
mod equality;
mod error;
mod evaluate;
mod function;
mod functions;
mod item;
mod lexer;
mod locate;
mod model;
mod operators;
mod parser;
mod quantity;
mod temporal;
mod tree;
pub mod unit;

use std::sync::Arc;

pub use calendar::CalendarUnit;
pub use context::{Context, Limits, Nothing, Resolved};
pub use decimal::Decimal;
pub use error::ExpressionError;
pub use item::{Item, Items, Node};
pub use locate::{Place, locate};
pub use model::{Kind, Primitive, kind, resource_kind};
pub use quantity::{Quantity, Unit};
pub use temporal::{Precision, Temporal, TemporalKind};

/// The text of an expression has at most so many bytes.
pub const EXPRESSION_BYTES_MAX: usize = 32 * 1024;

/// Brackets, arguments and signs may be nested so deep.
pub const DEPTH_MAX: usize = 64;

/// An expression that has been read. Cheap to clone; may be shared between threads.
#[derive(Clone, Debug)]
pub struct Expression {
    tree: Arc<tree::Expr>,
    text: Arc<str>,
}

impl Expression {
    /// Reads an expression. An error says where it cannot be read, or which function or type there is not.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        if text.len() > EXPRESSION_BYTES_MAX {
            let most = EXPRESSION_BYTES_MAX.to_string();
            return Err(ExpressionError::new(EXPRESSION_BYTES_MAX, &error::TOO_LONG, most));
        }
        Ok(Expression { tree: Arc::new(parser::parse(text)?), text: text.into() })
    }

    /// The text it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Applies it to a resource, an element or a value, which is `$this` and `%context`. The items found borrow from the
    /// resource and, where they are literals, from the expression.
    pub fn evaluate<'a>(&'a self, input: Item<'a>, context: &dyn Context<'a>) -> Result<Items<'a>, ExpressionError> {
        evaluate::evaluate(&self.tree, input, context)
    }

    /// Checks it, before anything is evaluated, against the definition of the type that it is to be applied to. An error
    /// names an element that cannot be there, or an order asked of what has none; a type that R4 does not know is not
    /// checked. Evaluation itself is lenient: it finds nothing where nothing can be.
    pub fn check(&self, kind: &str) -> Result<(), ExpressionError> {
        check::check(&self.tree, model::kind(kind))
    }

    /// Whether it holds: `None` when it comes to nothing; one item that is no Boolean counts as true (N1 section 4.5).
    pub fn is_true<'a>(&'a self, input: Item<'a>, context: &dyn Context<'a>) -> Result<Option<bool>, ExpressionError> {
        let found = self.evaluate(input, context)?;
        operators::condition(&found).ok_or_else(|| ExpressionError::new(0, &error::SINGLE, "?"))
    }
}

#[cfg(test)]
mod tests;
