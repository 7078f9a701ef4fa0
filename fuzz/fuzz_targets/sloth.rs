//! Fuzzes `sloth` under libFuzzer.
#![no_main]

use fuzz_targets::TARGETS;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let target = TARGETS.iter().find(|target| target.name == "sloth");
    (target.expect("a target").run)(data);
});
