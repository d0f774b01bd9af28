//! FHIRPath (hl7.org/fhirpath/N1, with what FHIR R4 adds in fhirpath.html): expressions that find and judge parts of
//! resources. An expression is read once and evaluated often; nothing of the resource is copied.

mod boundary;
mod calendar;
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

    /// Whether it holds: `None` when it comes to nothing; one item that is no Boolean counts as true (N1 section 4.5).
    pub fn is_true<'a>(&'a self, input: Item<'a>, context: &dyn Context<'a>) -> Result<Option<bool>, ExpressionError> {
        let found = self.evaluate(input, context)?;
        operators::condition(&found).ok_or_else(|| ExpressionError::new(0, &error::SINGLE, "?"))
    }
}
