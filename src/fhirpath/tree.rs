//! The tree that an expression becomes (FHIRPath N1 appendix B, the grammar).

use std::sync::OnceLock;

use regex::Regex;

use super::function::Function;
use super::item::Item;
use super::model::Kind;

/// An expression, and where in the text it begins.
#[derive(Debug)]
pub(super) struct Expr {
    pub(super) at: u32,
    pub(super) form: Form,
}

#[derive(Debug)]
pub(super) enum Form {
    /// `{}`
    Empty,
    Literal(Item<'static>),
    /// `$this`
    This,
    /// `$index`
    Index,
    /// `$total`
    Total,
    /// `%name`
    Variable(Box<str>),
    /// A name or a call that begins a path, with what follows it; applied to the focus.
    Path(Vec<Step>),
    /// An expression with steps behind it.
    Then(Box<Expr>, Vec<Step>),
    /// `-x`; a `+` leaves only the check that `x` is a number.
    Negate(Box<Expr>),
    Positive(Box<Expr>),
    /// Operators of one precedence, from left to right.
    Fold(Box<Expr>, Vec<Link>),
}

/// An operator with its right side.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) at: u32,
    pub(super) operation: Operation,
}

#[derive(Debug)]
pub(super) enum Operation {
    Binary(Operator, Expr),
    Is(TypeName),
    As(TypeName),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Multiply,
    Divide,
    DivideWhole,
    Remainder,
    Add,
    Subtract,
    Concatenate,
    Union,
    LessOrEqual,
    Less,
    Greater,
    GreaterOrEqual,
    Equal,
    Equivalent,
    NotEqual,
    NotEquivalent,
    In,
    Contains,
    And,
    Or,
    Xor,
    Implies,
}

#[derive(Debug)]
pub(super) struct Step {
    pub(super) at: u32,
    pub(super) action: Action,
}

#[derive(Debug)]
pub(super) enum Action {
    /// The elements of that name. At the head of a path a name may also be that of a type, which is then given.
    Member(Box<str>, Option<&'static Kind>),
    /// The item at that place, counted from 0.
    Index(Expr),
    /// `is(T)`, `as(T)`, `ofType(T)`
    Is(TypeName),
    As(TypeName),
    OfType(TypeName),
    Call(Box<Call>),
}

/// A call of a function.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) function: Function,
    pub(super) arguments: Vec<Argument>,
    /// The pattern of a call whose pattern is a literal, once it is compiled.
    pub(super) pattern: OnceLock<Option<Regex>>,
}

#[derive(Debug)]
pub(super) struct Argument {
    pub(super) expression: Expr,
    /// Of `sort`: whether the greatest comes first.
    pub(super) descends: bool,
}

/// A type as an expression names it.
#[derive(Clone, Debug)]
pub(super) enum TypeName {
    Fhir(&'static Kind),
    /// `System.String`, or `String` where R4 has no such type.
    System(&'static str),
    /// `Quantity`, which both have.
    Quantity(&'static Kind),
    /// A namespace that has no such type: nothing is of it.
    Nothing,
}
