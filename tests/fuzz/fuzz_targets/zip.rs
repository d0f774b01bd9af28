//! Any bytes as a zip file: no panic, nothing larger than it says.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tasuki_fuzz::law;

fuzz_target!(|data: &[u8]| {
    law::zip(data);
});
