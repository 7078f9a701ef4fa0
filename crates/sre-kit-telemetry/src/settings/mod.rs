//! The settings, read from the environment or set in code, and checked before anything starts.

pub(crate) mod otlp;
pub(crate) mod protocol;
pub(crate) mod signal;

use std::time::Duration;

#[cfg(not(feature = "otlp"))]
use crate::ignored::Ignored;
use crate::resource::Resource;
use crate::sampler::Sampler;
use crate::vars::Vars;
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
        let one = |trace_context, baggage| Self { trace_context, baggage };
        let words = [
            ("tracecontext", one(true, false)),
            ("baggage", one(false, true)),
            ("none", one(false, false)),
        ];
        let Some(list) = vars.words(NAME, &words)? else { return Ok(one(true, true)) };
        Ok(list.into_iter().fold(one(false, false), |all, next| {
            one(all.trace_context || next.trace_context, all.baggage || next.baggage)
        }))
    }
}

/// The longest queue. The SDK allocates the whole queue at the start.
const MAX_QUEUE_SIZE: u32 = 262_144;

/// The shortest delay. The SDK's processor would occupy a core without one.
const MIN_DELAY: Duration = Duration::from_millis(10);

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
        let queue =
            vars.number(&format!("OTEL_{prefix}_MAX_QUEUE_SIZE"), 2048, 1..=MAX_QUEUE_SIZE)?;
        // A batch is at most as long as the queue.
        let batch = format!("OTEL_{prefix}_MAX_EXPORT_BATCH_SIZE");
        let delay = vars.millis(&format!("OTEL_{prefix}_SCHEDULE_DELAY"), delay, 0)?;
        let timeout = format!("OTEL_{prefix}_EXPORT_TIMEOUT");
        Ok(Self {
            max_queue: queue,
            max_batch: vars.number(&batch, 512.min(queue), 1..=queue)?,
            delay: delay.max(MIN_DELAY),
            timeout: vars.timeout(&timeout, Duration::from_secs(30))?,
        })
    }
}

/// The limits of one span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpanLimits {
    pub(crate) attributes: u32,
    pub(crate) event_attributes: u32,
    pub(crate) link_attributes: u32,
    pub(crate) events: u32,
    pub(crate) links: u32,
    /// The longest text of an attribute in bytes.
    pub(crate) value_length: usize,
}

impl SpanLimits {
    fn from_vars(vars: &Vars<'_>) -> Result<Self, ConfigError> {
        let limit = |name: &str, default| vars.number(name, default, 0..=u32::MAX);
        let attributes = limit("OTEL_ATTRIBUTE_COUNT_LIMIT", 128)?;
        Ok(Self {
            attributes: limit("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", attributes)?,
            event_attributes: limit("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", attributes)?,
            link_attributes: limit("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", attributes)?,
            events: limit("OTEL_SPAN_EVENT_COUNT_LIMIT", 128)?,
            links: limit("OTEL_SPAN_LINK_COUNT_LIMIT", 128)?,
            value_length: value_length(vars, "SPAN", 256)?,
        })
    }
}

/// Reads the longest text of an attribute of a `kind`, in bytes.
///
/// The specification sets no limit by default, which lets a client choose the size of a span or a
/// log record: by a long path, query or user agent.
fn value_length(vars: &Vars<'_>, kind: &str, default: u32) -> Result<usize, ConfigError> {
    let general = vars.number("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", default, 0..=u32::MAX)?;
    let narrower = format!("OTEL_{kind}_ATTRIBUTE_VALUE_LENGTH_LIMIT");
    Ok(vars.number(&narrower, general, 0..=u32::MAX)? as usize)
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
            span_limits: SpanLimits::from_vars(vars)?,
            record_value_length: value_length(vars, "LOGRECORD", 4_096)?,
            metric_interval: vars.millis(
                "OTEL_METRIC_EXPORT_INTERVAL",
                Duration::from_mins(1),
                1,
            )?,
            metric_timeout: vars.timeout("OTEL_METRIC_EXPORT_TIMEOUT", Duration::from_secs(30))?,
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

    /// Turns the export over OTLP off, for a build that cannot do so.
    ///
    /// # Errors
    ///
    /// Returns an error if the program, and not the environment, turned it on.
    #[cfg(not(feature = "otlp"))]
    pub(crate) fn disable_otlp(&mut self, ignored: &mut Vec<Ignored>) -> Result<(), ConfigError> {
        for (signal, otlp) in [
            (Signal::Traces, &mut self.traces),
            (Signal::Metrics, &mut self.metrics),
            (Signal::Logs, &mut self.logs),
        ] {
            if let Some(otlp) = otlp.take() {
                let error = ConfigError::new(
                    "otlp endpoint",
                    &otlp.endpoint,
                    "this program was built without OTLP",
                    "build it with the feature `otlp` of sre-kit, or unset \
                     OTEL_EXPORTER_OTLP_ENDPOINT and the exporters in OTEL_*_EXPORTER",
                );
                otlp.not_exported(signal, error, ignored)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{MIN_DELAY, Propagators, Settings, Vars};
    use crate::vars::NO_LIMIT;

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
    fn a_build_without_otlp_exports_nothing_and_in_strict_mode_names_the_feature() {
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"),
            ("OTEL_TRACES_EXPORTER", "otlp"),
            ("OTEL_METRICS_EXPORTER", "otlp"),
            ("OTEL_LOGS_EXPORTER", "otlp"),
        ] {
            let lookup = |asked: &str| (asked == name).then(|| value.to_owned());
            let builder = crate::Telemetry::builder_from_vars(lookup).expect("valid");
            assert!(builder.build().is_ok(), "{name}");

            let strict = |asked: &str| match asked {
                "SRE_KIT_STRICT_ENV" => Some("true".to_owned()),
                _ => lookup(asked),
            };
            let builder = crate::Telemetry::builder_from_vars(strict).expect("valid");
            let error = builder.build().expect_err(name);
            assert!(error.advice().contains("the feature `otlp`"), "{error}");

            let off = |asked: &str| match asked {
                "SRE_KIT_STRICT_ENV" => Some("true".to_owned()),
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
    fn a_malformed_value_leaves_the_default() {
        let defaults = settings(&[]).expect("valid");
        for (name, value) in [
            ("OTEL_SDK_DISABLED", "yes"),
            ("OTEL_PROPAGATORS", "b3"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4096"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "4000000000"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "-1"),
            ("OTEL_SPAN_LINK_COUNT_LIMIT", "-1"),
            ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "long"),
            ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "-1"),
            ("OTEL_LOGS_EXPORTER", "console"),
            ("OTEL_RESOURCE_ATTRIBUTES", "team=a,nonsense"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "0"),
        ] {
            let settings = settings(&[(name, value)]).expect(name);
            assert_eq!(format!("{settings:?}"), format!("{defaults:?}"), "{name}");
        }
    }

    #[test]
    fn zero_is_no_timeout_no_delay_and_no_attribute() {
        let settings = settings(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
            ("OTEL_BSP_EXPORT_TIMEOUT", "0"),
            ("OTEL_BSP_SCHEDULE_DELAY", "0"),
            ("OTEL_ATTRIBUTE_COUNT_LIMIT", "0"),
            ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "3"),
            ("OTEL_METRIC_EXPORT_TIMEOUT", "0"),
        ]);
        let settings = settings.expect("valid");
        assert_eq!(settings.traces.expect("set").timeout, NO_LIMIT);
        assert_eq!(settings.metric_timeout, NO_LIMIT);
        assert_eq!(settings.spans.delay, MIN_DELAY);
        let limits = settings.span_limits;
        assert_eq!((limits.attributes, limits.event_attributes, limits.link_attributes), (0, 3, 0));
    }

    #[test]
    fn a_list_of_exporters_and_propagators_is_read_in_any_case() {
        let settings = settings(&[
            ("OTEL_METRICS_EXPORTER", "OTLP, prometheus"),
            ("OTEL_LOGS_EXPORTER", "console,otlp"),
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_PROPAGATORS", "TraceContext,b3"),
        ]);
        let settings = settings.expect("valid");
        assert!(settings.metrics.is_some() && settings.logs.is_some() && settings.traces.is_none());
        let expected = Propagators { trace_context: true, baggage: false };
        assert_eq!(settings.propagators, expected);
    }
}
