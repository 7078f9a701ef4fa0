//! The names that families can have, and those that are taken.

use std::collections::HashMap;

use sre_kit_core::ConfigError;
use sre_kit_core::internal::is_identifier;

use crate::visit::Kind;

/// Every name that a scrape prints, and the family that prints it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    taken: HashMap<String, String>,
}

impl Names {
    /// Reserves the names of a family and of the samples that it prints.
    pub(crate) fn reserve(&mut self, name: &str, kind: Kind) -> Result<(), ConfigError> {
        check(name, kind)?;
        self.reserve_printed(name, kind)
    }

    /// Reserves the names of a family that another API named: its suffix is not checked, because
    /// OpenTelemetry has gauges whose names end in `count`, for example.
    pub(crate) fn reserve_bridged(&mut self, name: &str, kind: Kind) -> Result<(), ConfigError> {
        check_characters(name)?;
        self.reserve_printed(name, kind)
    }

    fn reserve_printed(&mut self, name: &str, kind: Kind) -> Result<(), ConfigError> {
        let printed: Vec<String> = match kind {
            Kind::Gauge | Kind::UpDownCounter => vec![name.to_owned()],
            Kind::Counter => {
                let base = name.strip_suffix("_total").unwrap_or(name);
                ["", "_total", "_created"].map(|suffix| format!("{base}{suffix}")).into()
            }
            Kind::Histogram => ["", "_bucket", "_count", "_sum", "_created"]
                .map(|suffix| format!("{name}{suffix}"))
                .into(),
        };
        for printed in &printed {
            if let Some(owner) = self.taken.get(printed) {
                return Err(ConfigError::new(
                    "metric name",
                    name,
                    format!("the family `{owner}` already prints `{printed}` in this registry"),
                    "give it a name of its own, or keep the handle of the first one",
                ));
            }
        }
        self.taken.extend(printed.into_iter().map(|printed| (printed, name.to_owned())));
        Ok(())
    }
}

fn check_characters(name: &str) -> Result<(), ConfigError> {
    if is_identifier(name, true) {
        return Ok(());
    }
    Err(ConfigError::new(
        "metric name",
        name,
        "a name has letters, digits, `_` and `:` only and does not begin with a digit",
        "write it like `http_server_request_duration_seconds`",
    ))
}

fn check(name: &str, kind: Kind) -> Result<(), ConfigError> {
    let refuse = |rule: &'static str, advice: &'static str| {
        Err(ConfigError::new("metric name", name, rule, advice))
    };
    check_characters(name)?;
    match kind {
        Kind::Counter if !name.ends_with("_total") => {
            refuse("a counter's name ends in `_total`", "append `_total`")
        }
        Kind::Gauge | Kind::UpDownCounter | Kind::Histogram
            if ["_total", "_bucket", "_count", "_sum", "_created", "_info"]
                .iter()
                .any(|suffix| name.ends_with(suffix))
                && !(kind != Kind::Histogram && name.ends_with("_info")) =>
        {
            refuse(
                "that suffix is kept for the samples of another kind of metric",
                "end the name in its unit, such as `_seconds` or `_bytes`",
            )
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Names};

    #[test]
    fn two_families_that_would_print_one_name_are_refused() {
        let mut names = Names::default();
        names.reserve("wait_seconds", Kind::Histogram).expect("first");
        for (name, kind) in [("wait_seconds", Kind::Histogram), ("wait_seconds", Kind::Gauge)] {
            let err = names.reserve(name, kind).expect_err("taken");
            assert!(err.to_string().contains("`wait_seconds` already prints"), "{err}");
        }
        names.reserve("jobs_total", Kind::Counter).expect("free");
        let err = names.reserve("jobs", Kind::Gauge).expect_err("the counter's family name");
        assert_eq!(err.value(), "\"jobs\"");
    }

    #[test]
    fn a_name_that_no_scraper_reads_is_refused() {
        let mut names = Names::default();
        for (name, kind) in [
            ("", Kind::Gauge),
            ("1st", Kind::Gauge),
            ("with space", Kind::Gauge),
            ("näme", Kind::Gauge),
            ("jobs", Kind::Counter),
            ("jobs_total", Kind::Gauge),
            ("jobs_count", Kind::Histogram),
        ] {
            let err = names.reserve(name, kind).expect_err(name);
            assert_eq!(err.field(), "metric name");
        }
    }
}
