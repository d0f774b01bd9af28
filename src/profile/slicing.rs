//! How a profile says what tells slices apart (profiling.html#discriminator): the type of a discriminator, and its path, which
//! is a small part of FHIRPath.

use std::sync::OnceLock;

use serde_json::Value;

use super::schema::{Discriminator, DiscriminatorKind, Rules, Slicing, Step};
use crate::terminology::{array, text};

/// Reads `ElementDefinition.slicing` of an element. Without one extensions are told apart by their URL and choices by their
/// type, and every other element as the slices describe it.
pub(super) fn read(json: Option<&Value>, id: &str) -> Slicing {
    let last = id.rsplit('.').next().unwrap_or(id);
    let stated = |json: &Value| array(json, "discriminator").filter_map(discriminator).collect::<Vec<_>>();
    let mut discriminators = json.map(stated).unwrap_or_default();
    if discriminators.is_empty() {
        discriminators.extend(usual(last));
    }
    let rules = match json.and_then(|json| text(json, "rules")) {
        Some("closed") => Rules::Closed,
        Some("openAtEnd") => Rules::OpenAtEnd,
        _ => Rules::Open,
    };
    let is_ordered = json.is_some_and(|json| json.get("ordered") == Some(&Value::Bool(true)));
    Slicing { discriminators: discriminators.into(), rules, is_ordered, slices: Vec::new(), by_text: OnceLock::new() }
}

fn usual(name: &str) -> Option<Discriminator> {
    let name = name.split(':').next().unwrap_or(name);
    if matches!(name, "extension" | "modifierExtension") {
        return Some(Discriminator { kind: DiscriminatorKind::Value, path: Box::new([Step::Member("url".into())]) });
    }
    name.ends_with("[x]").then(|| Discriminator { kind: DiscriminatorKind::Type, path: Box::default() })
}

fn discriminator(json: &Value) -> Option<Discriminator> {
    let kind = match text(json, "type")? {
        "value" | "pattern" => DiscriminatorKind::Value,
        "exists" => DiscriminatorKind::Exists,
        "type" => DiscriminatorKind::Type,
        "profile" => DiscriminatorKind::Profile,
        _ => return None,
    };
    Some(Discriminator { kind, path: steps(text(json, "path")?)? })
}

/// The steps of a path; `None` for one that a discriminator may not have.
fn steps(path: &str) -> Option<Box<[Step]>> {
    let mut out = Vec::new();
    let mut rest = path.trim();
    while !rest.is_empty() {
        let end = end_of_step(rest);
        let (step, after) = rest.split_at(end);
        rest = after.strip_prefix('.').unwrap_or(after);
        read_step(step.trim(), &mut out)?;
    }
    Some(out.into())
}

/// Where a step ends: at the next dot outside brackets and quotation marks.
fn end_of_step(text: &str) -> usize {
    let (mut depth, mut quoted) = (0_u32, None);
    for (at, c) in text.char_indices() {
        match (quoted, c) {
            (Some(quote), c) if c == quote => quoted = None,
            (Some(_), _) => {}
            (None, '\'' | '"' | '`') => quoted = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            (None, '.') if depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

fn read_step(step: &str, out: &mut Vec<Step>) -> Option<()> {
    let argument = |name: &str| step.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
    let unquoted = |text: &str| -> Box<str> { text.trim().trim_matches(['\'', '"', '`']).into() };
    if step == "$this" {
    } else if step == "resolve()" {
        out.push(Step::Resolve);
    } else if let Some(url) = argument("extension") {
        out.push(Step::Extension(unquoted(url)));
    } else if let Some(kind) = argument("ofType").or_else(|| argument("as")) {
        out.push(Step::OfType(unquoted(kind).rsplit('.').next()?.into()));
    } else if let Some((path, kind)) = argument("").and_then(|inner| inner.split_once(" as ")) {
        out.extend(steps(path)?);
        out.push(Step::OfType(kind.trim().into()));
    } else {
        let name = step.trim_end_matches("[x]");
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        out.push(Step::Member(is_name.then_some(name)?.into()));
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_in_steps() {
        let member = |name: &str| Step::Member(name.into());
        for (path, read) in [
            ("$this", Some(vec![])),
            ("code.coding.system", Some(vec![member("code"), member("coding"), member("system")])),
            ("resolve().code", Some(vec![Step::Resolve, member("code")])),
            ("$this.resolve()", Some(vec![Step::Resolve])),
            ("extension('http://a.b/c').value", Some(vec![Step::Extension("http://a.b/c".into()), member("value")])),
            (
                "value.ofType(FHIR.Quantity).code",
                Some(vec![member("value"), Step::OfType("Quantity".into()), member("code")]),
            ),
            ("(value as Coding).system", Some(vec![member("value"), Step::OfType("Coding".into()), member("system")])),
            ("value[x]", Some(vec![member("value")])),
            ("where(a = 1)", None),
        ] {
            assert_eq!(steps(path).map(Vec::from), read, "{path}");
        }
    }
}
