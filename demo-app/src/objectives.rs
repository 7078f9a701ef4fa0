//! The SLO definition of the demo, which all counters, rules and dashboards come from.

use std::time::Duration;

use sre_kit::ConfigError;
use sre_kit::slo::{Slo, Slos};

/// Returns the SLOs of the demo.
pub(crate) fn all() -> Result<Vec<Slo>, ConfigError> {
    Ok(vec![
        Slo::availability("availability", "99.5".parse()?)
            .description("Requests are answered without a fault of the server.")
            .owner("demo"),
        Slo::latency("visits-latency", "99".parse()?, Duration::from_millis(100))
            .description("A visit is counted within a tenth of a second.")
            .routes(["/"])
            .owner("demo"),
    ])
}

/// Returns the SLOs as a checked set.
pub(crate) fn set() -> Result<Slos, ConfigError> {
    Slos::new(env!("CARGO_PKG_NAME"), all()?)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_slos_form_a_valid_set() {
        assert_eq!(super::set().expect("valid").len(), 2);
    }
}
