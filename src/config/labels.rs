//! `[labels]`: the tables by whose rules what is stored is labelled.

use std::sync::Arc;

use toml::Spanned;

use super::check::Check;
use super::problem::{self, Problem};
use crate::search::LabelRules;
use crate::search::label_rules::Wrong;

/// What stands for the table that comes with the program.
const SHIPPED: &str = "shipped";

impl Check<'_> {
    /// All tables as one. Each that cannot be used is an error: half of them would open what the others close.
    pub(super) fn label_rules(&self, written: &[Spanned<String>]) -> Result<Arc<LabelRules>, Problem> {
        let mut rules = LabelRules::default();
        for table in written {
            if table.get_ref() == SHIPPED {
                let wrong = |wrong: Wrong| self.at("labels.rules", table, wrong.rule, wrong.detail);
                rules.add_shipped().map_err(wrong)?;
                continue;
            }
            let file = self.beside(table.get_ref());
            let unreadable = |error: std::io::Error| {
                self.at("labels.rules", table, &problem::UNREADABLE, format!("{}: {error}", file.display()))
            };
            let text = std::fs::read_to_string(&file).map_err(unreadable)?;
            let wrong =
                |Wrong { line, place, rule, detail }| Problem { file: file.clone(), line, key: place, rule, detail };
            rules.add(&text).map_err(wrong)?;
        }
        Ok(Arc::new(rules))
    }
}
