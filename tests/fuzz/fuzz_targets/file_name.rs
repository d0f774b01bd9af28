//! Any text as a path: what is accepted says what the name said.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tasuki_fuzz::law;

fuzz_target!(|data: &[u8]| {
    law::file_name(&String::from_utf8_lossy(data));
});
