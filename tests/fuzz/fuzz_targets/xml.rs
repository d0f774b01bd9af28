//! Any bytes as an XML document: a tree within its limits, or an issue.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tasuki_fuzz::law;

fuzz_target!(|data: &[u8]| law::xml(data));
