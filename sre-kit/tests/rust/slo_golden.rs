//! What is generated for one representative set, byte for byte.
#![cfg(feature = "render")]

use std::path::Path;

use sre_kit::slo::render::render;

use crate::slo_set;

/// To take in a change that is meant: `UPDATE_GOLDEN=1 cargo test -p sre-kit --all-features --test rust slo_golden`.
#[test]
fn what_is_generated_is_what_was_reviewed() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/slo");
    let rendered = render(&slo_set::shop(), &slo_set::options()).expect("renders");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        rendered.write(&dir).expect("writes");
    }
    let drift = rendered.check(&dir).expect("reads");
    assert!(drift.is_empty(), "\n{drift}");
}
