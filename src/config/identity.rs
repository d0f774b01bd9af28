//! `[identity]`: by which rules records of one person are linked (`docs/adr/0043`, `docs/adr/0044`).

use super::check::Check;
use super::file;
use super::problem::{self, Problem};
use crate::linking::Rules;

impl Check<'_> {
    /// The rules; what is not written is as it comes with the program.
    pub(super) fn identity(&self, written: &file::Identity) -> Result<Rules, Problem> {
        let weights = written.weights.as_ref().map(|weights| weights.get_ref().clone()).unwrap_or_default();
        if let Some(at) = &written.weights
            && !(weights.are_numbers() && weights.perhaps <= weights.certain)
        {
            return Err(self.at("identity.weights", at, &problem::WEIGHTS, String::new()));
        }
        Ok(Rules { automatic: written.automatic.unwrap_or(true), weights })
    }
}
