//! The errors of a build without the feature `full`.

use crate::failure::Failure;

/// Returns how to build the demo with what `failure` misses, to append to its message. The advice of
/// the library names features of `sre-kit`, and the demo has one that turns them on.
pub(crate) fn hint(failure: &Failure) -> &'static str {
    match failure {
        Failure::Setting(error) if is_missing_feature(error.advice()) => {
            "; the demo has it with `cargo run -p demo-app --features full`"
        }
        _ => "",
    }
}

fn is_missing_feature(advice: &str) -> bool {
    cfg!(not(feature = "full")) && advice.contains("the feature `")
}
