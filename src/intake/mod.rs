//! How bytes arrive: today a folder (an SS-MIX2 tree or loose files).

pub mod folder;
