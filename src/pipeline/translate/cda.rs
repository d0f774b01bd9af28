//! CDA documents to changes.

use super::{Given, Translation};
use crate::decode::xml;
use crate::fault::Noted;
use crate::map;

pub(super) fn translate(given: Given<'_>) -> Translation {
    let Given { letter, id, book } = given;
    let text = xml::text(&letter.bytes).map_err(|issue| vec![issue])?;
    let document = xml::parse(&text.value).map_err(|issue| vec![issue])?;
    let context = map::cda::Context { source: &letter.source, letter: id, bytes: &letter.bytes, book };
    let mapped = map::cda::map(&document, context).map_err(|issue| vec![issue])?;
    let mut issues = text.issues;
    issues.extend(mapped.issues);
    Ok(Noted { value: mapped.value, issues })
}
