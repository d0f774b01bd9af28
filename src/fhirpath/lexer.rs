//! The words of an expression (FHIRPath N1 appendix B, lexer rules).

use super::decimal::Decimal;
use super::error::{self, ExpressionError};
use super::temporal::Temporal;

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name or keyword.
    Word(String),
    /// A name between backticks, never a keyword.
    Quoted(String),
    /// `'text'`
    String(String),
    /// A number without a point.
    Integer(i64),
    /// A number with one, or too large for an integer.
    Decimal(Decimal),
    /// `@…`
    Temporal(Temporal),
    /// `$this`, without the `$`.
    Dollar(String),
    /// `%`; the name follows.
    Percent,
    /// An operator or bracket.
    Sign(&'static str),
    /// The end.
    End,
}

/// Longer ones first.
const SIGNS: [&str; 24] = [
    "<=", ">=", "!=", "!~", "<", ">", "=", "~", "+", "-", "*", "/", "&", "|", "(", ")", "[", "]", "{", "}", ",", ".",
    "$", ":",
];

/// A word and where it begins.
pub(super) type Placed = (Token, u32);

/// All words of a text, the end last.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, ExpressionError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut found = Vec::new();
    loop {
        lexer.space()?;
        let at = lexer.at as u32;
        let token = lexer.token()?;
        let is_end = token == Token::End;
        found.push((token, at));
        if is_end {
            return Ok(found);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn wrong(&self, detail: impl Into<String>) -> ExpressionError {
        ExpressionError::new(self.at, &error::SYNTAX, detail)
    }

    /// White space and comments.
    fn space(&mut self) -> Result<(), ExpressionError> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if trimmed.starts_with("//") {
                self.at += trimmed.find(['\n', '\r']).unwrap_or(trimmed.len());
            } else if trimmed.starts_with("/*") {
                let end = trimmed.find("*/").ok_or_else(|| self.wrong("/*"))?;
                self.at += end + 2;
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<Token, ExpressionError> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(Token::End) };
        match first {
            'A'..='Z' | 'a'..='z' | '_' => Ok(Token::Word(self.word())),
            '0'..='9' => self.number(),
            '\'' => self.quoted('\'').map(Token::String),
            '`' => self.quoted('`').map(Token::Quoted),
            '"' => self.quoted('"').map(Token::Quoted),
            '@' => {
                let (value, taken) =
                    Temporal::literal(rest.get(1..).unwrap_or_default()).ok_or_else(|| self.wrong("@"))?;
                self.at += taken + 1;
                // `@T14:34:28Z`: what follows without a gap must not look like more of the literal.
                match self.rest().chars().next() {
                    Some(next) if next.is_ascii_alphanumeric() || next == ':' => Err(self.wrong(next)),
                    _ => Ok(Token::Temporal(value)),
                }
            }
            '$' => {
                self.at += 1;
                Ok(Token::Dollar(self.word()))
            }
            '%' => {
                self.at += 1;
                Ok(Token::Percent)
            }
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign)).ok_or_else(|| self.wrong(first))?;
                self.at += sign.len();
                Ok(Token::Sign(sign))
            }
        }
    }

    fn word(&mut self) -> String {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default().to_owned()
    }

    fn number(&mut self) -> Result<Token, ExpressionError> {
        let rest = self.rest();
        let digits = |from: usize| rest.bytes().skip(from).take_while(u8::is_ascii_digit).count();
        let whole = digits(0);
        let fraction = if rest.as_bytes().get(whole) == Some(&b'.') { digits(whole + 1) } else { 0 };
        let end = if fraction > 0 { whole + 1 + fraction } else { whole };
        let text = rest.get(..end).unwrap_or_default();
        let small = || text.parse().ok().filter(|value| i32::try_from(*value).is_ok() || *value == 1_i64 << 31);
        let token = match small().filter(|_| fraction == 0) {
            Some(value) => Token::Integer(value),
            None => Token::Decimal(Decimal::parse(text).ok_or_else(|| self.wrong(text))?),
        };
        self.at += end;
        Ok(token)
    }

    /// A text up to the closing mark, its escapes resolved.
    fn quoted(&mut self, mark: char) -> Result<String, ExpressionError> {
        let mut out = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            if character == mark {
                self.at += at + 1;
                return Ok(out);
            }
            if character != '\\' {
                out.push(character);
                continue;
            }
            match characters.next().map(|(_, character)| character) {
                Some('f') => out.push('\u{c}'),
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('t') => out.push('\t'),
                Some('u') => {
                    let behind = self.rest().get(at + 2..).unwrap_or_default();
                    match unicode(behind) {
                        Some((character, taken)) => {
                            out.push(character);
                            characters.by_ref().take(taken).for_each(drop);
                        }
                        None => out.push('u'),
                    }
                }
                // Before any other character the backslash says nothing (N1 section 4.1.3).
                Some(other) => out.push(other),
                None => return Err(self.wrong(mark)),
            }
        }
        Err(self.wrong(mark))
    }
}

/// The character that four hexadecimal digits behind `\u` stand for, or two such groups for one beyond 16 bits, and how
/// many characters they take.
fn unicode(text: &str) -> Option<(char, usize)> {
    let group = |from: usize| {
        let digits = text.get(from..from + 4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        u32::from_str_radix(digits, 16).ok()
    };
    let unit = group(0)?;
    if let Some(character) = char::from_u32(unit) {
        return Some((character, 4));
    }
    let low = group(6).filter(|low| text.get(4..6) == Some("\\u") && (0xdc00..0xe000).contains(low))?;
    let high = unit.checked_sub(0xd800).filter(|high| *high < 0x400)?;
    Some((char::from_u32(0x1_0000 + (high << 10) + (low - 0xdc00))?, 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Token> {
        tokens(text).unwrap().into_iter().map(|placed| placed.0).collect()
    }

    #[test]
    fn escapes_of_strings() {
        let cases = [
            (r#"'\\\/\f\r\n\t\"\`\'\u002a'"#, "\\/\u{c}\r\n\t\"`'*"),
            (r"'\p\3\u005'", "p3u005"),
            (r"'\ud83d\ude00 \u3042'", "😀 あ"),
            ("'在宅'", "在宅"),
        ];
        for (text, wanted) in cases {
            assert_eq!(words(text), [Token::String(wanted.to_owned()), Token::End], "{text}");
        }
        for bad in ["'a", r"'a\'", "`a", "/* a", "@", "@T14:34:28Z", "#"] {
            assert!(tokens(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn comments_and_numbers() {
        let wanted = [Token::Integer(2), Token::Sign("+"), Token::Integer(2), Token::End];
        assert_eq!(words("2 /* a\n + 3 */ + 2 // + 4"), wanted);
        assert_eq!(words("2147483647")[0], Token::Integer(2_147_483_647));
        assert!(matches!(words("1234567890987654321.0")[0], Token::Decimal(_)));
        assert_eq!(words("1.a")[..2], [Token::Integer(1), Token::Sign(".")]);
    }
}
