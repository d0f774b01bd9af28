//! From the words of an expression to its tree (FHIRPath N1 appendix B): precedence by descent, one level a row.

use std::sync::OnceLock;

use super::DEPTH_MAX;
use super::calendar::CalendarUnit;
use super::decimal::Decimal;
use super::error::{self, ExpressionError};
use super::function;
use super::item::Item;
use super::lexer::{self, Placed, Token};
use super::model;
use super::quantity::{Quantity, Unit};
use super::tree::{Action, Argument, Call, Expr, Form, Link, Operation, Operator, Step, TypeName};

/// Types of the language itself.
const SYSTEM: [&str; 10] =
    ["Any", "Boolean", "Integer", "Decimal", "String", "Date", "DateTime", "Time", "Quantity", "Long"];

/// Operators from the loosest to the tightest; `is` and `as` stand between the signs of order and those of sums.
const LEVELS: [&[(&str, Operator)]; 10] = [
    &[("implies", Operator::Implies)],
    &[("or", Operator::Or), ("xor", Operator::Xor)],
    &[("and", Operator::And)],
    &[("in", Operator::In), ("contains", Operator::Contains)],
    &[("=", Operator::Equal), ("~", Operator::Equivalent), ("!=", Operator::NotEqual), ("!~", Operator::NotEquivalent)],
    &[("<=", Operator::LessOrEqual), ("<", Operator::Less), (">", Operator::Greater), (">=", Operator::GreaterOrEqual)],
    &[("|", Operator::Union)],
    &[],
    &[("+", Operator::Add), ("-", Operator::Subtract), ("&", Operator::Concatenate)],
    &[("*", Operator::Multiply), ("/", Operator::Divide), ("div", Operator::DivideWhole), ("mod", Operator::Remainder)],
];

const TYPE_LEVEL: usize = 7;

type Result<T> = std::result::Result<T, ExpressionError>;

/// The tree of a text.
pub(super) fn parse(text: &str) -> Result<Expr> {
    let mut parser = Parser { tokens: lexer::tokens(text)?, next: 0, depth: 0 };
    let found = parser.expression()?;
    match parser.peek() {
        Token::End => Ok(found),
        _ => Err(parser.unexpected()),
    }
}

struct Parser {
    tokens: Vec<Placed>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.next).map_or(&Token::End, |placed| &placed.0)
    }

    fn at(&self) -> u32 {
        self.tokens.get(self.next).or(self.tokens.last()).map_or(0, |placed| placed.1)
    }

    fn advance(&mut self) -> Token {
        let found = self.peek().clone();
        self.next += 1;
        found
    }

    fn unexpected(&self) -> ExpressionError {
        let word = match self.peek() {
            Token::Word(word) | Token::Quoted(word) | Token::Dollar(word) => word.clone(),
            Token::Sign(sign) => (*sign).to_owned(),
            Token::End => "end".to_owned(),
            Token::Percent => "%".to_owned(),
            Token::String(_) | Token::Integer(_) | Token::Decimal(_) | Token::Temporal(_) => "literal".to_owned(),
        };
        ExpressionError::new(self.at() as usize, &error::SYNTAX, word)
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Token::Sign(found) if *found == sign)
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        self.next += usize::from(found);
        found
    }

    fn need(&mut self, sign: &str) -> Result<()> {
        if self.take(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn deeper<T>(&mut self, inside: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= DEPTH_MAX {
            return Err(ExpressionError::new(self.at() as usize, &error::TOO_LONG, DEPTH_MAX.to_string()));
        }
        self.depth += 1;
        let found = inside(self);
        self.depth -= 1;
        found
    }

    fn expression(&mut self) -> Result<Expr> {
        self.deeper(|parser| parser.level(0))
    }

    fn level(&mut self, level: usize) -> Result<Expr> {
        let Some(row) = LEVELS.get(level) else { return self.polarity() };
        let at = self.at();
        let first = self.level(level + 1)?;
        let mut links = Vec::new();
        loop {
            let link_at = self.at();
            let word = match self.peek() {
                Token::Word(word) => word.as_str(),
                Token::Sign(sign) => sign,
                _ => break,
            };
            let operation = if level == TYPE_LEVEL {
                match word {
                    "is" => {
                        self.next += 1;
                        Operation::Is(self.type_name()?)
                    }
                    "as" => {
                        self.next += 1;
                        Operation::As(self.type_name()?)
                    }
                    _ => break,
                }
            } else {
                let Some((_, operator)) = row.iter().find(|(sign, _)| *sign == word) else { break };
                self.next += 1;
                Operation::Binary(*operator, self.level(level + 1)?)
            };
            links.push(Link { at: link_at, operation });
        }
        if links.is_empty() {
            return Ok(first);
        }
        Ok(Expr { at, form: Form::Fold(Box::new(first), links) })
    }

    fn polarity(&mut self) -> Result<Expr> {
        let at = self.at();
        if self.take("-") {
            let inside = self.deeper(Self::polarity)?;
            return Ok(Expr { at, form: Form::Negate(Box::new(inside)) });
        }
        if self.take("+") {
            let inside = self.deeper(Self::polarity)?;
            return Ok(Expr { at, form: Form::Positive(Box::new(inside)) });
        }
        self.chain()
    }

    /// A term with the steps behind it.
    fn chain(&mut self) -> Result<Expr> {
        let at = self.at();
        let mut steps = Vec::new();
        let head = match self.peek() {
            Token::Word(word) if word != "true" && word != "false" => None,
            Token::Quoted(_) => None,
            _ => Some(self.term()?),
        };
        if head.is_none() {
            steps.push(self.invocation()?);
        }
        loop {
            let step_at = self.at();
            if self.take(".") {
                // A choice of R4 may be named with what its type adds (`$this` after a point has no meaning).
                steps.push(self.invocation()?);
            } else if self.take("[") {
                let index = self.expression()?;
                self.need("]")?;
                steps.push(Step { at: step_at, action: Action::Index(index) });
            } else {
                break;
            }
        }
        Ok(match head {
            None => Expr { at, form: Form::Path(steps) },
            Some(head) if steps.is_empty() => head,
            Some(head) => Expr { at, form: Form::Then(Box::new(head), steps) },
        })
    }

    fn term(&mut self) -> Result<Expr> {
        let at = self.at();
        if !matches!(
            self.peek(),
            Token::Word(_)
                | Token::String(_)
                | Token::Integer(_)
                | Token::Decimal(_)
                | Token::Temporal(_)
                | Token::Dollar(_)
                | Token::Percent
        ) && !self.is_sign("(")
            && !self.is_sign("{")
        {
            return Err(self.unexpected());
        }
        let form = match self.advance() {
            Token::Word(word) => Form::Literal(Item::Boolean(word == "true")),
            Token::String(text) => Form::Literal(Item::String(text.into())),
            Token::Integer(value) => self.number(Item::Integer(value), Decimal::from(value)),
            Token::Decimal(value) => self.number(Item::Decimal(value), value),
            Token::Temporal(value) => Form::Literal(Item::Temporal(value)),
            Token::Dollar(name) => match name.as_str() {
                "this" => Form::This,
                "index" => Form::Index,
                "total" => Form::Total,
                _ => return Err(ExpressionError::new(at as usize, &error::VARIABLE, format!("${name}"))),
            },
            Token::Percent => match self.advance() {
                Token::Word(name) | Token::Quoted(name) | Token::String(name) => Form::Variable(name.into()),
                _ => return Err(ExpressionError::new(at as usize, &error::SYNTAX, "%")),
            },
            Token::Sign("{") => {
                self.need("}")?;
                Form::Empty
            }
            _ => {
                let inside = self.expression()?;
                self.need(")")?;
                return Ok(inside);
            }
        };
        Ok(Expr { at, form })
    }

    /// A number, or the quantity that it is with the unit behind it.
    fn number(&mut self, plain: Item<'static>, value: Decimal) -> Form {
        let unit = match self.peek() {
            Token::String(code) => Some(Unit::Ucum(code.as_str().into())),
            Token::Word(word) => CalendarUnit::of_word(word).map(Unit::Calendar),
            _ => None,
        };
        match unit {
            Some(unit) => {
                self.next += 1;
                Form::Literal(Item::Quantity(Box::new(Quantity { value, unit })))
            }
            None => Form::Literal(plain),
        }
    }

    /// A name, or a call.
    fn invocation(&mut self) -> Result<Step> {
        let at = self.at();
        let name = match self.peek() {
            Token::Word(name) | Token::Quoted(name) => name.clone(),
            Token::Dollar(name) if name == "this" => {
                return Err(self.unexpected());
            }
            _ => return Err(self.unexpected()),
        };
        self.next += 1;
        if !self.take("(") {
            // No element begins with an upper case letter, and no type of resources with another.
            let is_type = name.starts_with(|c: char| c.is_ascii_uppercase());
            let kind = if is_type { model::kind(&name) } else { None };
            return Ok(Step { at, action: Action::Member(name.into(), kind) });
        }
        if matches!(name.as_str(), "is" | "as" | "ofType") {
            let wanted = self.type_name()?;
            self.need(")")?;
            let action = match name.as_str() {
                "is" => Action::Is(wanted),
                "as" => Action::As(wanted),
                _ => Action::OfType(wanted),
            };
            return Ok(Step { at, action });
        }
        let (function, least, most) =
            function::named(&name).ok_or_else(|| ExpressionError::new(at as usize, &error::FUNCTION, name.as_str()))?;
        let mut arguments = Vec::new();
        while !self.is_sign(")") {
            if !arguments.is_empty() {
                self.need(",")?;
            }
            arguments.push(self.argument(function)?);
        }
        self.need(")")?;
        if arguments.len() < least || arguments.len() > most {
            return Err(ExpressionError::new(at as usize, &error::ARGUMENTS, name));
        }
        let call = Call { function, arguments, pattern: OnceLock::new() };
        Ok(Step { at, action: Action::Call(Box::new(call)) })
    }

    fn argument(&mut self, function: function::Function) -> Result<Argument> {
        let is_key = function == function::Function::Sort;
        // `-key` sorts down, whatever the key's type.
        let minus = is_key && self.take("-");
        let expression = self.expression()?;
        let down = is_key && matches!(self.peek(), Token::Word(word) if word == "desc");
        let up = is_key && matches!(self.peek(), Token::Word(word) if word == "asc");
        self.next += usize::from(down || up);
        Ok(Argument { expression, descends: minus || down })
    }

    /// A type (N1 section 8.3): of R4 first, then of the language.
    fn type_name(&mut self) -> Result<TypeName> {
        let at = self.at() as usize;
        let first = self.name()?;
        let path = if self.take(".") { Some(self.name()?) } else { None };
        let system = |name: &str| SYSTEM.into_iter().find(|known| *known == name);
        Ok(match path {
            Some(name) if first == "System" => system(&name).map_or(TypeName::Nothing, TypeName::System),
            Some(name) if first == "FHIR" => {
                TypeName::Fhir(model::kind(&name).ok_or_else(|| ExpressionError::new(at, &error::TYPE, name))?)
            }
            Some(name) => {
                let path = format!("{first}.{name}");
                TypeName::Fhir(model::kind(&path).ok_or_else(|| ExpressionError::new(at, &error::TYPE, path))?)
            }
            None => match (model::kind(&first), system(&first)) {
                (Some(kind), Some(_)) => TypeName::Quantity(kind),
                (Some(kind), None) => TypeName::Fhir(kind),
                (None, Some(name)) => TypeName::System(name),
                (None, None) => return Err(ExpressionError::new(at, &error::TYPE, first)),
            },
        })
    }

    fn name(&mut self) -> Result<String> {
        match self.peek() {
            Token::Word(_) | Token::Quoted(_) => match self.advance() {
                Token::Word(name) | Token::Quoted(name) => Ok(name),
                _ => Ok(String::new()),
            },
            _ => Err(self.unexpected()),
        }
    }
}
