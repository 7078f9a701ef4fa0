//! What is asked for, in the environment or in code, checked before anything starts.

pub(crate) mod otlp;
pub(crate) mod vars;

use std::time::Duration;

use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

use super::resource::Resource;
use super::sampler::Sampler;
use otlp::{Otlp, Signal};
use sre_kit_core::ConfigError;
use vars::{Vars, unknown};

/// Which headers carry a context from service to service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Propagators {
    pub(crate) trace_context: bool,
    pub(crate) baggage: bool,
}

impl Propagators {
    fn from_vars(vars: &Vars<'_>) -> Result<Self, ConfigError> {
        const NAME: &str = "OTEL_PROPAGATORS";
        let Some(list) = vars.get(NAME) else {
            return Ok(Self { trace_context: true, baggage: true });
        };
        let mut found = Self { trace_context: false, baggage: false };
        for word in list.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match word {
                "tracecontext" => found.trace_context = true,
                "baggage" => found.baggage = true,
                "none" => {}
                _ => return Err(unknown(NAME, word, ["tracecontext", "baggage", "none"])),
            }
        }
        Ok(found)
    }

    /// The same for code that asks OpenTelemetry for a propagator.
    pub(crate) fn composite(self) -> TextMapCompositePropagator {
        let mut all: Vec<Box<dyn TextMapPropagator + Send + Sync>> = Vec::new();
        if self.trace_context {
            all.push(Box::new(TraceContextPropagator::new()));
        }
        if self.baggage {
            all.push(Box::new(BaggagePropagator::new()));
        }
        TextMapCompositePropagator::new(all)
    }
}

/// The bounds of a queue and the beat at which it is emptied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) queue: u32,
    pub(crate) most: u32,
    pub(crate) delay: Duration,
    pub(crate) timeout: Duration,
}

impl Batch {
    /// `OTEL_{prefix}_*`, with the specification's defaults.
    fn from_vars(vars: &Vars<'_>, prefix: &str, delay: Duration) -> Result<Self, ConfigError> {
        let queue = vars.number(&format!("OTEL_{prefix}_MAX_QUEUE_SIZE"), 2048, 1)?;
        let name = format!("OTEL_{prefix}_MAX_EXPORT_BATCH_SIZE");
        let batch = vars.number(&name, 512.min(queue), 1)?;
        if batch > queue {
            return Err(ConfigError::new(
                name,
                batch,
                format!("a batch is at most as long as the queue, {queue}"),
                format!("raise OTEL_{prefix}_MAX_QUEUE_SIZE or lower this"),
            ));
        }
        Ok(Self {
            queue,
            most: batch,
            delay: vars.millis(&format!("OTEL_{prefix}_SCHEDULE_DELAY"), delay)?,
            timeout: vars
                .millis(&format!("OTEL_{prefix}_EXPORT_TIMEOUT"), Duration::from_secs(30))?,
        })
    }
}

/// Limits on what one span may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpanLimits {
    pub(crate) attributes: u32,
    pub(crate) events: u32,
    pub(crate) links: u32,
}

/// Everything that can be set.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) disabled: bool,
    pub(crate) resource: Resource,
    pub(crate) propagators: Propagators,
    pub(crate) sampler: Sampler,
    pub(crate) traces: Option<Otlp>,
    pub(crate) metrics: Option<Otlp>,
    pub(crate) logs: Option<Otlp>,
    pub(crate) spans: Batch,
    pub(crate) records: Batch,
    pub(crate) span_limits: SpanLimits,
    pub(crate) metric_interval: Duration,
    pub(crate) metric_timeout: Duration,
}

impl Settings {
    pub(crate) fn from_vars(vars: &Vars<'_>) -> Result<Self, ConfigError> {
        const OTLP: [(&str, bool); 2] = [("otlp", true), ("none", false)];
        // Metrics are there to be scraped anyway, so `prometheus` asks for nothing more.
        const METRICS: [(&str, bool); 3] = [("otlp", true), ("prometheus", false), ("none", false)];
        let mut settings = Self {
            disabled: vars.flag("OTEL_SDK_DISABLED")?,
            resource: Resource::from_vars(vars)?,
            propagators: Propagators::from_vars(vars)?,
            sampler: Sampler::from_vars(vars)?,
            traces: Otlp::from_vars(vars, Signal::Traces, true, &OTLP)?,
            // A collector that is told where logs go usually reads them from the
            // standard output as well, and a scrape is the default for metrics:
            // both are pushed only when asked for by name.
            metrics: Otlp::from_vars(vars, Signal::Metrics, false, &METRICS)?,
            logs: Otlp::from_vars(vars, Signal::Logs, false, &OTLP)?,
            spans: Batch::from_vars(vars, "BSP", Duration::from_secs(5))?,
            records: Batch::from_vars(vars, "BLRP", Duration::from_secs(1))?,
            span_limits: SpanLimits {
                attributes: vars.number("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", 128, 1)?,
                events: vars.number("OTEL_SPAN_EVENT_COUNT_LIMIT", 128, 1)?,
                links: vars.number("OTEL_SPAN_LINK_COUNT_LIMIT", 128, 1)?,
            },
            metric_interval: vars.millis("OTEL_METRIC_EXPORT_INTERVAL", Duration::from_mins(1))?,
            metric_timeout: vars.millis("OTEL_METRIC_EXPORT_TIMEOUT", Duration::from_secs(30))?,
        };
        // The SDK's processors know no bound of their own, so the exporter has it.
        for (otlp, bound) in [
            (&mut settings.traces, settings.spans.timeout),
            (&mut settings.logs, settings.records.timeout),
        ] {
            if let Some(otlp) = otlp {
                otlp.timeout = otlp.timeout.min(bound);
            }
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::{Settings, Vars};

    fn settings(set: &[(&str, &str)]) -> Result<Settings, sre_kit_core::ConfigError> {
        let read = |name: &str| {
            set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Settings::from_vars(&Vars::new(&read))
    }

    #[test]
    fn an_empty_environment_propagates_and_exports_nothing() {
        let settings = settings(&[]).expect("valid");
        assert!(settings.propagators.trace_context && settings.propagators.baggage);
        assert!(settings.traces.is_none() && settings.metrics.is_none() && settings.logs.is_none());
        assert_eq!((settings.spans.queue, settings.spans.most), (2048, 512));
    }

    #[test]
    fn an_endpoint_alone_asks_for_traces() {
        let settings = settings(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c")]).expect("valid");
        assert!(settings.traces.is_some() && settings.metrics.is_none() && settings.logs.is_none());
    }

    #[test]
    fn a_batch_may_take_no_longer_than_its_processor_allows() {
        let settings = settings(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"),
            ("OTEL_BSP_EXPORT_TIMEOUT", "1500"),
        ]);
        assert_eq!(settings.expect("valid").traces.expect("set").timeout.as_millis(), 1500);
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        for (name, value) in [
            ("OTEL_SDK_DISABLED", "yes"),
            ("OTEL_PROPAGATORS", "tracecontext,b3"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4096"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "0"),
            ("OTEL_SPAN_LINK_COUNT_LIMIT", "-1"),
            ("OTEL_LOGS_EXPORTER", "console"),
            ("OTEL_RESOURCE_ATTRIBUTES", "nonsense"),
        ] {
            assert_eq!(settings(&[(name, value)]).expect_err(value).field(), name);
        }
    }
}
