//! Segments that belong together: orders and results with their specimens in `order.rs`, drugs in `drug.rs`.

mod drug;
mod order;
#[cfg(test)]
mod tests;

pub(crate) use drug::{DrugGroup, drugs};
pub(crate) use order::{
    OrderGroups, PerformedGroup, RequestGroup, ResultGroup, SpecimenGroup, Style, order_groups, result_groups,
};
