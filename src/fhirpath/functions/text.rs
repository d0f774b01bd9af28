//! Strings (FHIRPath N1 section 5.6).

use std::borrow::Cow;

use regex::{Regex, RegexBuilder};

use super::super::error;
use super::super::evaluate::{Engine, Result, wrong};
use super::super::function::Function;
use super::super::item::{Item, Items};
use super::super::tree::Form;
use super::{Calling, boolean};
use crate::fhir::base64;

/// A compiled pattern takes at most so many bytes.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// What compiling a pattern counts for.
const PATTERN_STEPS: usize = 500;

impl<'a> Engine<'a, '_> {
    pub(super) fn of_text(&mut self, calling: Calling<'_, 'a>, items: &[Item<'a>]) -> Result<Items<'a>> {
        let at = calling.at;
        if calling.function() == Function::Join {
            return self.join(calling, items);
        }
        let Some(item) = self.single(items, calling.name(), at)? else { return Ok(Vec::new()) };
        let Some(text) = self.subject(item, calling)? else { return Ok(Vec::new()) };
        self.spend(text.len() / 64, at)?;
        match calling.function() {
            Function::Length => Ok(vec![Item::Integer(text.chars().count() as i64)]),
            Function::Upper => Ok(vec![self.text(text.to_uppercase(), at)?]),
            Function::Lower => Ok(vec![self.text(text.to_lowercase(), at)?]),
            Function::Trim => Ok(vec![Item::text(text.trim().to_owned())]),
            Function::ToChars => self.pieces(text.chars().map(String::from), at),
            Function::Substring => self.substring(calling, &text),
            Function::Replace => {
                let (Some(pattern), Some(by)) = (self.text_argument(calling, 0)?, self.text_argument(calling, 1)?)
                else {
                    return Ok(Vec::new());
                };
                let places = if pattern.is_empty() { text.len() + 1 } else { text.matches(pattern.as_ref()).count() };
                self.room(text.len().saturating_add(places.saturating_mul(by.len())), at)?;
                Ok(vec![self.text(text.replace(pattern.as_ref(), &by), at)?])
            }
            Function::Matches | Function::MatchesFull | Function::ReplaceMatches => self.pattern(calling, &text),
            _ => {
                let Some(argument) = self.text_argument(calling, 0)? else { return Ok(Vec::new()) };
                self.with_text(calling, &text, &argument)
            }
        }
    }

    /// The string that a function is called on. Elements of FHIR that are primitive have a text, whatever their type.
    fn subject(&self, item: &Item<'a>, calling: Calling<'_, 'a>) -> Result<Option<Cow<'a, str>>> {
        match item {
            Item::String(text) => Ok(Some(text.clone())),
            Item::Node(node) => match (node.text(), node.value) {
                (Some(text), _) => Ok(Some(Cow::Borrowed(text))),
                (None, None) => Ok(None),
                _ => Err(calling.refused()),
            },
            _ => Err(calling.refused()),
        }
    }

    fn room(&self, bytes: usize, at: u32) -> Result<()> {
        if bytes > self.limits.text_bytes_max {
            return Err(wrong(at, &error::TOO_COSTLY, format!("{} bytes", self.limits.text_bytes_max)));
        }
        Ok(())
    }

    fn pieces(&mut self, pieces: impl Iterator<Item = String>, at: u32) -> Result<Items<'a>> {
        let found: Items<'a> = pieces.map(Item::text).collect();
        self.bounded(found.len(), at)?;
        self.spend(found.len(), at)?;
        Ok(found)
    }

    fn join(&mut self, calling: Calling<'_, 'a>, items: &[Item<'a>]) -> Result<Items<'a>> {
        let between = self.text_argument(calling, 0)?.unwrap_or_default();
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let mut out = String::new();
        for (place, item) in items.iter().enumerate() {
            if place > 0 {
                out.push_str(&between);
            }
            out.push_str(&self.subject(item, calling)?.unwrap_or_default());
            self.room(out.len(), calling.at)?;
        }
        Ok(vec![self.text(out, calling.at)?])
    }

    fn substring(&mut self, calling: Calling<'_, 'a>, text: &str) -> Result<Items<'a>> {
        let Some(start) = self.integer_argument(calling, 0)? else { return Ok(Vec::new()) };
        let length = if calling.call.arguments.len() > 1 { self.integer_argument(calling, 1)? } else { Some(i64::MAX) };
        let length = length.map(|length| usize::try_from(length).unwrap_or(0)).unwrap_or(usize::MAX);
        let start = usize::try_from(start).ok().and_then(|start| text.char_indices().nth(start));
        let Some((start, _)) = start else { return Ok(Vec::new()) };
        let found: String = text.get(start..).unwrap_or_default().chars().take(length).collect();
        Ok(vec![Item::text(found)])
    }

    fn with_text(&mut self, calling: Calling<'_, 'a>, text: &str, argument: &str) -> Result<Items<'a>> {
        let at = calling.at;
        let characters = |bytes: usize| text.get(..bytes).unwrap_or_default().chars().count() as i64;
        let place = |found: Option<usize>| Ok(vec![Item::Integer(found.map_or(-1, characters))]);
        match calling.function() {
            Function::IndexOf => place(text.find(argument)),
            Function::LastIndexOf => place(text.rfind(argument)),
            Function::StartsWith => Ok(boolean(text.starts_with(argument))),
            Function::EndsWith => Ok(boolean(text.ends_with(argument))),
            Function::Contains => Ok(boolean(text.contains(argument))),
            Function::Split if argument.is_empty() => self.pieces(text.chars().map(String::from), at),
            Function::Split => self.pieces(text.split(argument).map(str::to_owned), at),
            function => {
                let found = match function {
                    Function::Encode => encoded(text, argument),
                    Function::Decode => decoded(text, argument),
                    Function::Escape => escaped(text, argument),
                    _ => unescaped(text, argument),
                };
                match found {
                    Some(found) => Ok(vec![self.text(found, at)?]),
                    None => Ok(Vec::new()),
                }
            }
        }
    }

    fn pattern(&mut self, calling: Calling<'_, 'a>, text: &str) -> Result<Items<'a>> {
        let at = calling.at;
        let Some(pattern) = self.text_argument(calling, 0)? else { return Ok(Vec::new()) };
        let is_full = calling.function() == Function::MatchesFull;
        let bad = || wrong(at, &error::PATTERN, calling.name());
        let is_literal =
            matches!(calling.call.arguments.first().map(|argument| &argument.expression.form), Some(Form::Literal(_)));
        let compiled;
        let regex = if is_literal {
            calling.call.pattern.get_or_init(|| compile(&pattern, is_full)).as_ref()
        } else {
            self.spend(PATTERN_STEPS + pattern.len(), at)?;
            compiled = compile(&pattern, is_full);
            compiled.as_ref()
        };
        let regex = regex.ok_or_else(bad)?;
        if calling.function() != Function::ReplaceMatches {
            return Ok(boolean(regex.is_match(text)));
        }
        let Some(by) = self.text_argument(calling, 1)? else { return Ok(Vec::new()) };
        if pattern.is_empty() {
            return Ok(vec![self.text(text.to_owned(), at)?]);
        }
        let by = substitution(&by);
        let mut out = String::new();
        let mut last = 0;
        for found in regex.captures_iter(text) {
            let Some(whole) = found.get(0) else { continue };
            out.push_str(text.get(last..whole.start()).unwrap_or_default());
            found.expand(&by, &mut out);
            last = whole.end();
            self.room(out.len(), at)?;
        }
        out.push_str(text.get(last..).unwrap_or_default());
        Ok(vec![self.text(out, at)?])
    }
}

/// A point matches line ends too (N1 section 5.6.9, single line mode).
fn compile(pattern: &str, is_full: bool) -> Option<Regex> {
    let full;
    let pattern = if is_full {
        full = format!("\\A(?:{pattern})\\z");
        full.as_str()
    } else {
        pattern
    };
    RegexBuilder::new(pattern).dot_matches_new_line(true).size_limit(PATTERN_BYTES_MAX).build().ok()
}

/// From the marks of PCRE (`$1`, `${name}`, `\$`) to those of the library, where `$1a` would be the group `1a`.
fn substitution(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    let mut rest = text;
    while let Some(at) = rest.find(['$', '\\']) {
        let (before, mark) = rest.split_at(at);
        out.push_str(before);
        let behind = mark.get(1..).unwrap_or_default();
        let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
        rest = if mark.starts_with('\\') {
            match behind.chars().next() {
                Some('$') => out.push_str("$$"),
                Some(other) => out.push(other),
                None => out.push('\\'),
            }
            behind.chars().next().and_then(|first| behind.get(first.len_utf8()..)).unwrap_or_default()
        } else if digits > 0 {
            out.push_str("${");
            out.push_str(behind.get(..digits).unwrap_or_default());
            out.push('}');
            behind.get(digits..).unwrap_or_default()
        } else {
            out.push_str(if behind.starts_with('{') { "$" } else { "$$" });
            behind
        };
    }
    out.push_str(rest);
    out
}

fn encoded(text: &str, form: &str) -> Option<String> {
    Some(match form {
        "hex" => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
        "base64" => base64::encode(text.as_bytes()),
        "urlbase64" => base64::encode(text.as_bytes()).replace('+', "-").replace('/', "_"),
        _ => return None,
    })
}

fn decoded(text: &str, form: &str) -> Option<String> {
    let bytes = match form {
        "hex" => {
            let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
            let pair = |pair: &[u8]| match pair {
                [high, low] => Some(digit(*high)? * 16 + digit(*low)?),
                _ => None,
            };
            text.as_bytes().chunks(2).map(pair).collect::<Option<Vec<u8>>>()?
        }
        "base64" => base64::decode(text)?,
        "urlbase64" => base64::decode(&text.replace('-', "+").replace('_', "/"))?,
        _ => return None,
    };
    String::from_utf8(bytes).ok()
}

const HTML: [(&str, &str); 5] = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", "&#39;")];

fn escaped(text: &str, form: &str) -> Option<String> {
    match form {
        "html" => Some(HTML.iter().fold(text.to_owned(), |text, (plain, mark)| text.replace(plain, mark))),
        "json" => {
            let quoted = serde_json::to_string(text).ok()?;
            Some(quoted.get(1..quoted.len().checked_sub(1)?)?.to_owned())
        }
        _ => None,
    }
}

fn unescaped(text: &str, form: &str) -> Option<String> {
    match form {
        "html" => Some(HTML.iter().rev().fold(text.to_owned(), |text, (plain, mark)| text.replace(mark, plain))),
        // What is no escaped text is taken for one that needed no escapes.
        "json" => Some(serde_json::from_str(&format!("\"{text}\"")).unwrap_or_else(|_| text.to_owned())),
        _ => None,
    }
}
