//! Segments that belong together: orders and results with their specimens.

mod order;
#[cfg(test)]
mod tests;

pub(crate) use order::{
    OrderGroups, PerformedGroup, RequestGroup, ResultGroup, SpecimenGroup, Style, order_groups, result_groups,
};
