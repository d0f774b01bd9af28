//! Entries of a section (CDA R2 section 4.3.6): clinical statements to resources.

#[cfg(test)]
pub(super) mod tests;
