//! How bytes arrive: a folder (an SS-MIX2 tree or loose files), or MLLP connections.

pub mod folder;
pub mod mllp;
