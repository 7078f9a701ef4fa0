//! Fuzzes `trace_headers` under libFuzzer.
#![no_main]

use fuzz_targets::TARGETS;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let target = TARGETS.iter().find(|target| target.name == "trace_headers");
    (target.expect("a target").run)(data);
});
