//! Segments that belong together: orders and results with their specimens. Drugs are in `drug/group.rs`.

mod order;
#[cfg(test)]
mod tests;

pub(crate) use order::{
    OrderGroups, PerformedGroup, RequestGroup, ResultGroup, SpecimenGroup, Style, order_groups, result_groups,
};
