//! The settings, read from the environment or set in code, and checked before anything starts.

pub(crate) mod otlp;
pub(crate) mod protocol;
pub(crate) mod signal;

use std::time::Duration;

use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

use crate::resource::Resource;
use crate::sampler::Sampler;
use crate::vars::{Vars, unknown};
use otlp::OtlpSettings;
use signal::Signal;
use sre_kit_core::ConfigError;

/// The header formats that propagate a context from service to service.
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
        let mut propagators = Self { trace_context: false, baggage: false };
        for word in list.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match word {
                "tracecontext" => propagators.trace_context = true,
                "baggage" => propagators.baggage = true,
                "none" => {}
                _ => return Err(unknown(NAME, word, ["tracecontext", "baggage", "none"])),
            }
        }
        Ok(propagators)
    }

    /// Returns the same formats as a propagator for OpenTelemetry's globals.
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

/// The settings of a batch processor: the bound of its queue, and how the queue is emptied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchSettings {
    pub(crate) max_queue: u32,
    pub(crate) max_batch: u32,
    pub(crate) delay: Duration,
    pub(crate) timeout: Duration,
}

impl BatchSettings {
    /// Reads `OTEL_{prefix}_*`, with the specification's defaults.
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
            max_queue: queue,
            max_batch: batch,
            delay: vars.millis(&format!("OTEL_{prefix}_SCHEDULE_DELAY"), delay)?,
            timeout: vars
                .millis(&format!("OTEL_{prefix}_EXPORT_TIMEOUT"), Duration::from_secs(30))?,
        })
    }
}

/// The limits of one span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpanLimits {
    pub(crate) attributes: u32,
    pub(crate) events: u32,
    pub(crate) links: u32,
    /// The longest text of an attribute in bytes.
    pub(crate) value_length: usize,
}

/// Reads the longest text of an attribute of a `kind`, in bytes.
///
/// The specification sets no limit by default, which lets a client choose the size of a span or a
/// log record: by a long path, query or user agent.
fn value_length(vars: &Vars<'_>, kind: &str, default: u32) -> Result<usize, ConfigError> {
    let general = vars.number("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", default, 0)?;
    let narrower = format!("OTEL_{kind}_ATTRIBUTE_VALUE_LENGTH_LIMIT");
    Ok(vars.number(&narrower, general, 0)? as usize)
}

/// All settings.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) disabled: bool,
    pub(crate) resource: Resource,
    pub(crate) propagators: Propagators,
    pub(crate) sampler: Sampler,
    pub(crate) traces: Option<OtlpSettings>,
    pub(crate) metrics: Option<OtlpSettings>,
    pub(crate) logs: Option<OtlpSettings>,
    pub(crate) spans: BatchSettings,
    pub(crate) records: BatchSettings,
    pub(crate) span_limits: SpanLimits,
    /// The longest text of an attribute of a log record in bytes.
    pub(crate) record_value_length: usize,
    #[cfg_attr(not(feature = "otlp"), allow(dead_code, reason = "the push over OTLP reads it"))]
    pub(crate) metric_interval: Duration,
    #[cfg_attr(not(feature = "otlp"), allow(dead_code, reason = "the push over OTLP reads it"))]
    pub(crate) metric_timeout: Duration,
}

impl Settings {
    pub(crate) fn from_vars(vars: &Vars<'_>) -> Result<Self, ConfigError> {
        const OTLP: [(&str, bool); 2] = [("otlp", true), ("none", false)];
        // Metrics can be scraped in any case, so `prometheus` adds nothing.
        const METRICS: [(&str, bool); 3] = [("otlp", true), ("prometheus", false), ("none", false)];
        let mut settings = Self {
            disabled: vars.flag("OTEL_SDK_DISABLED")?,
            resource: Resource::from_vars(vars)?,
            propagators: Propagators::from_vars(vars)?,
            sampler: Sampler::from_vars(vars)?,
            traces: OtlpSettings::from_vars(vars, Signal::Traces, true, &OTLP)?,
            // Collectors usually read log lines from the standard output and scrape metrics, so
            // both are pushed only if their exporter is set explicitly.
            metrics: OtlpSettings::from_vars(vars, Signal::Metrics, false, &METRICS)?,
            logs: OtlpSettings::from_vars(vars, Signal::Logs, false, &OTLP)?,
            spans: BatchSettings::from_vars(vars, "BSP", Duration::from_secs(5))?,
            records: BatchSettings::from_vars(vars, "BLRP", Duration::from_secs(1))?,
            span_limits: SpanLimits {
                attributes: vars.number("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", 128, 1)?,
                events: vars.number("OTEL_SPAN_EVENT_COUNT_LIMIT", 128, 1)?,
                links: vars.number("OTEL_SPAN_LINK_COUNT_LIMIT", 128, 1)?,
                value_length: value_length(vars, "SPAN", 256)?,
            },
            record_value_length: value_length(vars, "LOGRECORD", 4_096)?,
            metric_interval: vars.millis("OTEL_METRIC_EXPORT_INTERVAL", Duration::from_mins(1))?,
            metric_timeout: vars.millis("OTEL_METRIC_EXPORT_TIMEOUT", Duration::from_secs(30))?,
        };
        // The SDK's batch processors have no export timeout, so the exporter enforces it.
        for (otlp, timeout) in [
            (&mut settings.traces, settings.spans.timeout),
            (&mut settings.logs, settings.records.timeout),
        ] {
            if let Some(otlp) = otlp {
                otlp.timeout = otlp.timeout.min(timeout);
            }
        }
        Ok(settings)
    }

    /// Returns an error if a signal is exported over OTLP, for a build that cannot do so.
    #[cfg(not(feature = "otlp"))]
    pub(crate) fn check_no_otlp(&self) -> Result<(), ConfigError> {
        let exported = [&self.traces, &self.metrics, &self.logs].into_iter().flatten().next();
        exported.map_or(Ok(()), |otlp| {
            Err(ConfigError::new(
                "otlp endpoint",
                &otlp.endpoint,
                "this program was built without OTLP",
                "build it with the feature `otlp` of sre-kit, or unset \
                 OTEL_EXPORTER_OTLP_ENDPOINT and the exporters in OTEL_*_EXPORTER",
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Settings, Vars};

    fn settings(set: &[(&str, &str)]) -> Result<Settings, sre_kit_core::ConfigError> {
        let lookup = |name: &str| {
            set.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
        };
        Settings::from_vars(&Vars::new(&lookup))
    }

    #[test]
    fn an_empty_environment_propagates_and_exports_nothing() {
        let settings = settings(&[]).expect("valid");
        assert!(settings.propagators.trace_context && settings.propagators.baggage);
        assert!(settings.traces.is_none() && settings.metrics.is_none() && settings.logs.is_none());
        assert_eq!((settings.spans.max_queue, settings.spans.max_batch), (2048, 512));
    }

    #[test]
    fn an_endpoint_alone_enables_traces() {
        let settings = settings(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c")]).expect("valid");
        assert!(settings.traces.is_some() && settings.metrics.is_none() && settings.logs.is_none());
    }

    #[cfg(not(feature = "otlp"))]
    #[test]
    fn a_build_without_otlp_rejects_an_exporter_and_names_the_feature() {
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"),
            ("OTEL_TRACES_EXPORTER", "otlp"),
            ("OTEL_METRICS_EXPORTER", "otlp"),
            ("OTEL_LOGS_EXPORTER", "otlp"),
        ] {
            let lookup = |asked: &str| (asked == name).then(|| value.to_owned());
            let builder = crate::Telemetry::builder_from_vars(lookup).expect("valid");
            let error = builder.build().expect_err(name);
            assert!(error.advice().contains("the feature `otlp`"), "{error}");

            let off = |asked: &str| match asked {
                "OTEL_SDK_DISABLED" => Some("true".to_owned()),
                _ => (asked == name).then(|| value.to_owned()),
            };
            let disabled = crate::Telemetry::builder_from_vars(off).expect("valid").build();
            assert!(disabled.is_ok(), "what is disabled needs nothing");
        }
        assert!(crate::Telemetry::builder().build().is_ok(), "log lines need no OTLP");
    }

    #[test]
    fn the_length_of_a_value_has_a_default_and_the_narrower_variable_wins() {
        let length = |set: &[(&str, &str)]| settings(set).expect("valid").span_limits.value_length;
        let (general, spans) =
            ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT");
        assert_eq!(length(&[]), 256);
        assert_eq!(length(&[(general, "1024")]), 1024);
        assert_eq!(length(&[(general, "1024"), (spans, "64")]), 64);
        assert_eq!(length(&[(spans, "0")]), 0);

        let length = |set: &[(&str, &str)]| settings(set).expect("valid").record_value_length;
        let records = "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT";
        assert_eq!(length(&[]), 4_096);
        assert_eq!(length(&[(general, "1024"), (spans, "64")]), 1024);
        assert_eq!(length(&[(general, "1024"), (records, "64")]), 64);
    }

    #[test]
    fn an_export_takes_no_longer_than_its_processor_allows() {
        let settings = settings(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"),
            ("OTEL_BSP_EXPORT_TIMEOUT", "1500"),
        ]);
        assert_eq!(settings.expect("valid").traces.expect("set").timeout.as_millis(), 1500);
    }

    #[test]
    fn an_unknown_value_is_rejected_with_the_name_of_its_variable() {
        for (name, value) in [
            ("OTEL_SDK_DISABLED", "yes"),
            ("OTEL_PROPAGATORS", "tracecontext,b3"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4096"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "0"),
            ("OTEL_SPAN_LINK_COUNT_LIMIT", "-1"),
            ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "long"),
            ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "-1"),
            ("OTEL_LOGS_EXPORTER", "console"),
            ("OTEL_RESOURCE_ATTRIBUTES", "nonsense"),
        ] {
            assert_eq!(settings(&[(name, value)]).expect_err(value).field(), name);
        }
    }
}
