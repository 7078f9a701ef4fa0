//! Fuzzes `checkpoint` under libFuzzer.
#![no_main]

use fuzz_targets::TARGETS;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let target = TARGETS.iter().find(|target| target.name == "checkpoint");
    (target.expect("a target").run)(data);
});
