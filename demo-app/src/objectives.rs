//! What the demo promises. The one definition that everything else is made from.

use std::time::Duration;

use sre_kit::ConfigError;
use sre_kit::slo::{Slo, Slos};

/// The SLOs of the demo.
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

/// The same, checked together.
pub(crate) fn set() -> Result<Slos, ConfigError> {
    Slos::new(env!("CARGO_PKG_NAME"), all()?)
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_promised_can_be_alerted_on() {
        assert_eq!(super::set().expect("valid").len(), 2);
    }
}
