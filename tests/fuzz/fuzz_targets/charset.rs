//! Any bytes: no panic, nothing lost without an issue.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tasuki_fuzz::law;

fuzz_target!(|data: &[u8]| {
    law::charset(data);
});
