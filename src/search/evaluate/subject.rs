//! What is judged: a row of a record, whose body is read and parsed when it is first asked for, or what one contains.

use std::cell::OnceCell;

use serde_json::Value as Json;

use crate::fault::Fault;
use crate::search::columns::Columns;
use crate::search::definition::Definition;
use crate::search::facts::Parameter;
use crate::search::visible::{Row, Visible};

/// One resource before the judge.
pub(in crate::search) struct Subject<'a> {
    place: Place<'a>,
    text: OnceCell<Vec<u8>>,
    parsed: OnceCell<Json>,
}

enum Place<'a> {
    Row { visible: &'a dyn Visible, at: Row, columns: &'a Columns, earlier: bool },
    Contained(&'a Json),
}

impl<'a> Subject<'a> {
    /// A row as it stands.
    pub(in crate::search) fn row(visible: &'a dyn Visible, at: Row, columns: &'a Columns) -> Self {
        let place = Place::Row { visible, at, columns, earlier: false };
        Subject { place, text: OnceCell::new(), parsed: OnceCell::new() }
    }

    /// A row as it stood when the search began.
    pub(in crate::search) fn earlier(visible: &'a dyn Visible, at: Row, columns: &'a Columns) -> Self {
        let place = Place::Row { visible, at, columns, earlier: true };
        Subject { place, text: OnceCell::new(), parsed: OnceCell::new() }
    }

    /// What a resource contains.
    pub(super) fn contained(json: &'a Json) -> Self {
        Subject { place: Place::Contained(json), text: OnceCell::new(), parsed: OnceCell::new() }
    }

    /// Its facts; what is contained has none.
    pub(in crate::search) fn columns(&self) -> Option<(&'a Columns, usize)> {
        match &self.place {
            Place::Row { at, columns, .. } => Some((columns, at.row)),
            Place::Contained(_) => None,
        }
    }

    /// The same of a row as it stands.
    pub(super) fn current(&self) -> Option<(&'a Columns, usize)> {
        match &self.place {
            Place::Row { at, columns, earlier: false, .. } => Some((columns, at.row)),
            Place::Row { .. } | Place::Contained(_) => None,
        }
    }

    /// Whether there is a fact of a token or a reference.
    pub(super) fn has_token(&self, definition: &Definition) -> bool {
        let facts = self.columns().filter(|_| definition.is_kept());
        facts.is_some_and(|(columns, row)| columns.tokens(row).iter().any(|t| t.parameter == definition.parameter))
    }

    fn text(&self) -> Result<&[u8], Fault> {
        if let Some(text) = self.text.get() {
            return Ok(text);
        }
        let text = match &self.place {
            Place::Row { visible, at, earlier: false, .. } => visible.body(*at)?,
            Place::Row { visible, at, earlier: true, .. } => visible.earlier_body(*at)?,
            Place::Contained(_) => Vec::new(),
        };
        Ok(self.text.get_or_init(|| text))
    }

    /// The resource as a tree.
    pub(in crate::search) fn json(&self) -> Result<&Json, Fault> {
        if let Place::Contained(json) = &self.place {
            return Ok(json);
        }
        if let Some(json) = self.parsed.get() {
            return Ok(json);
        }
        let read = serde_json::from_slice(self.text()?);
        let json = read.map_err(|_| Fault::Broken("a stored resource is damaged".into()))?;
        Ok(self.parsed.get_or_init(|| json))
    }

    /// Whether a reference of it may name a version.
    pub(in crate::search) fn names_versions(&self) -> bool {
        self.has_fact(Parameter::VERSIONED)
    }

    /// Whether it contains other resources; what is contained does not (dom-2).
    pub(super) fn has_contained(&self) -> bool {
        self.has_fact(Parameter::CONTAINED)
    }

    fn has_fact(&self, parameter: Parameter) -> bool {
        let facts = self.columns();
        facts.is_some_and(|(columns, row)| columns.tokens(row).iter().any(|token| token.parameter == parameter))
    }
}
