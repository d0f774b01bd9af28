//! What a value set that a request brings may hold (ValueSet/$expand and $validate-code `valueSet`): as much as one request may cost,
//! because each of its codes is asked of each of its clauses.

use serde_json::Value;

use super::array;

/// Most `include` and `exclude` together.
pub const CLAUSES_SENT_MAX: usize = 1_000;
/// Most `filter` in all of them.
pub const FILTERS_SENT_MAX: usize = 1_000;
/// Most `valueSet` in all of them.
pub const VALUE_SETS_SENT_MAX: usize = 1_000;
/// Most codes that are listed, in the composition and in the expansion.
pub const CODES_SENT_MAX: usize = 100_000;

/// What a value set has too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excess {
    /// The elements.
    pub what: &'static str,
    /// How many of them there may be.
    pub most: usize,
}

/// What a value set has too much of, if anything.
pub(super) fn excess(json: &Value) -> Option<Excess> {
    let compose = json.get("compose").unwrap_or(&Value::Null);
    let clauses = || array(compose, "include").chain(array(compose, "exclude"));
    let of = |name| clauses().map(|clause| array(clause, name).count()).sum::<usize>();
    // The tree of an expansion is no deeper than JSON may be.
    let mut open: Vec<&Value> = json.get("expansion").into_iter().collect();
    let mut codes = of("concept");
    while let Some(one) = open.pop() {
        let before = open.len();
        open.extend(array(one, "contains"));
        codes += open.len() - before;
    }
    [
        ("include + exclude", clauses().count(), CLAUSES_SENT_MAX),
        ("filter", of("filter"), FILTERS_SENT_MAX),
        ("valueSet", of("valueSet"), VALUE_SETS_SENT_MAX),
        ("concept + contains", codes, CODES_SENT_MAX),
    ]
    .into_iter()
    .find_map(|(what, count, most)| (count > most).then_some(Excess { what, most }))
}
