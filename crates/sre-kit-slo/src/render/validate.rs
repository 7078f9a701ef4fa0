//! The validation of the options.

use std::time::Duration;

use super::alertmanager::DEFAULT_RECEIVER;
use super::options::Options;
use super::plan::Plan;
use super::receiver::{Receiver, is_web};
use crate::Slos;
use sre_kit_core::ConfigError;

/// The longest evaluation interval. Prometheus looks back 5 minutes for a sample, so rules that are
/// evaluated less often than every two minutes could leave gaps.
const MAX_EVALUATION_INTERVAL: Duration = Duration::from_secs(2 * 60);

/// The number of samples that every window has to hold. `rate` needs two. Four leave room for
/// failed scrapes.
const MIN_SAMPLES: u32 = 4;

/// The labels that the rules set themselves.
const RESERVED_LABELS: [&str; 8] =
    ["alertname", "outcome", "owner", "service", "severity", "slo", "slo_tier", "window"];

impl Options {
    /// Validates the options, on their own and together with `slos`.
    pub(super) fn validate(&self, slos: &Slos) -> Result<(), ConfigError> {
        let invalid = |field: &'static str, value: &dyn std::fmt::Debug, rule, advice| {
            Err(ConfigError::new(field, value, rule, advice))
        };
        if self.compression == 0 {
            return invalid(
                "render.compressed",
                &0,
                "nothing can be divided by zero",
                "leave it out, or write 60 to turn hours into minutes",
            );
        }
        for (field, interval) in [
            ("render.scrape_interval", self.scrape_interval),
            ("render.evaluation_interval", self.evaluation_interval),
        ] {
            if interval.is_zero() || interval.subsec_nanos() % 1_000_000 != 0 {
                return invalid(
                    field,
                    &interval,
                    "an interval is a whole number of milliseconds, and not zero",
                    "write it like `Duration::from_secs(15)`",
                );
            }
        }
        if self.evaluation_interval > MAX_EVALUATION_INTERVAL {
            return invalid(
                "render.evaluation_interval",
                &self.evaluation_interval,
                "Prometheus forgets a sample after 5 minutes, so rules run at least every two",
                "leave it at 30 s",
            );
        }
        self.validate_slos(slos)?;
        self.validate_texts()?;
        let names: Vec<_> = RESERVED_LABELS
            .into_iter()
            .chain(self.labels.iter().chain(&self.scope).map(|(name, _)| name.as_str()))
            .collect();
        sre_kit_core::internal::check_labels(&names)
    }

    fn validate_slos(&self, slos: &Slos) -> Result<(), ConfigError> {
        for slo in slos {
            let plan = Plan::new(slos.service(), slo, self);
            if let Some((name, value)) = plan.labels().iter().find(|(_, text)| text.contains("{{"))
            {
                return Err(ConfigError::new(
                    format!("render.label `{name}`"),
                    value,
                    "Prometheus would take it for a template",
                    "write it without `{{`",
                ));
            }
            for window in plan.windows_and_period() {
                if window.subsec_nanos() % 1_000_000 != 0 {
                    return Err(ConfigError::new(
                        "render.compressed",
                        self.compression,
                        format!("`{}` would have a window of {window:?}", slo.name()),
                        "choose a divisor that leaves whole milliseconds",
                    ));
                }
                if window < self.scrape_interval * MIN_SAMPLES {
                    return Err(ConfigError::new(
                        "render.scrape_interval",
                        self.scrape_interval,
                        format!(
                            "`{}` has a window of {window:?}, which has to hold four scrapes",
                            slo.name()
                        ),
                        "scrape more often or widen the window",
                    ));
                }
            }
        }
        Ok(())
    }

    fn validate_texts(&self) -> Result<(), ConfigError> {
        for (field, url) in [("render.runbooks", &self.runbooks), ("render.grafana", &self.grafana)]
        {
            if !url.is_empty() && !is_web(url) {
                return Err(ConfigError::new(
                    field,
                    url,
                    "it is an address with http:// or https://",
                    "write it like `https://runbooks.example.com/shop`",
                ));
            }
        }
        self.validate_receivers()?;
        let empty = self.labels.iter().chain(&self.scope).find(|(_, value)| value.is_empty());
        if let Some((name, value)) = empty {
            return Err(ConfigError::new(
                format!("render.label `{name}`"),
                value,
                "Prometheus drops a label without a value",
                "give it a value or drop it",
            ));
        }
        Ok(())
    }

    fn validate_receivers(&self) -> Result<(), ConfigError> {
        let all = || [&self.page, &self.ticket].into_iter().chain(&self.heartbeat);
        all().try_for_each(Receiver::validate)?;
        if let Some(name) = all()
            .map(|receiver| &receiver.name)
            .find(|name| name.is_empty() || *name == DEFAULT_RECEIVER)
        {
            return Err(ConfigError::new(
                "render.receiver",
                name,
                "that is not a name for a receiver, or a reserved one",
                "name it after the people it reaches, such as `on-call`",
            ));
        }
        if self.page.name == self.ticket.name && self.page != self.ticket {
            return Err(ConfigError::new(
                "render.receiver",
                &self.page.name,
                "pages and tickets have one name and two receivers",
                "give each receiver its own name",
            ));
        }
        let heartbeat = self.heartbeat.as_ref().map(|receiver| &receiver.name);
        if heartbeat.is_some_and(|name| [&self.page.name, &self.ticket.name].contains(&name)) {
            return Err(ConfigError::new(
                "render.heartbeat",
                heartbeat.map_or("", String::as_str),
                "it has the name of the receiver of pages or tickets",
                "give the heartbeat its own name",
            ));
        }
        Ok(())
    }
}
