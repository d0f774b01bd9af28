//! Any text as a message: every line is a segment or an issue, every field is found.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tasuki_fuzz::law;

fuzz_target!(|data: &[u8]| {
    law::hl7v2(&String::from_utf8_lossy(data));
});
