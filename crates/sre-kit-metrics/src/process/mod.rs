//! The `process_*` metrics: processor time, memory, file descriptors and threads.
//!
//! The names are those that Prometheus clients share, so that their dashboards work. On Linux the
//! numbers come from `/proc`. If a source is absent, so are its series.

mod reading;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use sre_kit_core::ConfigError;

use self::reading::{Reading, VALUES, Value};
use crate::registry::Registry;
use crate::visit::{Collect, Desc, Kind, Visitor};

/// The families, in the order of [`Reading::values`].
const FAMILIES: [(&str, &str, Kind); VALUES] = [
    ("process_cpu_seconds_total", "Processor time spent in user and system mode.", Kind::Counter),
    ("process_resident_memory_bytes", "Memory that is resident.", Kind::Gauge),
    ("process_virtual_memory_bytes", "Virtual memory.", Kind::Gauge),
    (
        "process_virtual_memory_max_bytes",
        "Limit of virtual memory. Absent where there is none.",
        Kind::Gauge,
    ),
    ("process_open_fds", "File descriptors that are open.", Kind::Gauge),
    ("process_max_fds", "Limit of open file descriptors. Absent where there is none.", Kind::Gauge),
    ("process_start_time_seconds", "Start of the process, since the Unix epoch.", Kind::Gauge),
    ("process_threads", "Threads of the process.", Kind::Gauge),
];

/// The `process_*` metrics.
///
/// | Metric | Kind | Unit | Labels |
/// |---|---|---|---|
/// | `process_cpu_seconds_total` | counter | seconds | none |
/// | `process_resident_memory_bytes`, `process_virtual_memory_bytes`, `process_virtual_memory_max_bytes` | gauge | bytes | none |
/// | `process_open_fds`, `process_max_fds` | gauge | file descriptors | none |
/// | `process_start_time_seconds` | gauge | seconds since the Unix epoch | none |
/// | `process_threads` | gauge | threads | none |
///
/// Each scrape reads three small files and one directory.
///
/// ```
/// use sre_kit_metrics::{ProcessMetrics, Registry};
///
/// let registry = Registry::new();
/// ProcessMetrics::register(&registry)?;
/// # Ok::<(), sre_kit_metrics::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct ProcessMetrics {
    descs: [Desc; VALUES],
}

impl ProcessMetrics {
    /// Registers them in `registry`.
    ///
    /// # Errors
    ///
    /// Returns an error if the registry already has one of these names.
    pub fn register(registry: &Registry) -> Result<(), ConfigError> {
        let names = FAMILIES.map(|(name, _, kind)| (name, kind));
        let descs = FAMILIES.map(|(name, help, kind)| Desc {
            name: name.to_owned(),
            help: help.to_owned(),
            kind,
        });
        registry.register_collector(&names, Arc::new(Self { descs }))
    }
}

impl Collect for ProcessMetrics {
    fn collect(&self, visitor: &mut dyn Visitor) {
        let reading = Reading::take();
        for (desc, value) in self.descs.iter().zip(reading.values()) {
            let Some(value) = value else { continue };
            visitor.family(desc);
            if visitor.is_opentelemetry() && reading.by_conventions(&desc.name, visitor) {
                continue;
            }
            match value {
                Value::Integer(value) => visitor.integer("", value),
                Value::Float(value) => visitor.float("", value),
            }
        }
    }
}

impl Reading {
    /// Shows a family that the conventions define in another way than the clients of Prometheus,
    /// and returns whether this is one: the processor time has a mode, and the start of the process
    /// is an age.
    fn by_conventions(&self, family: &str, visitor: &mut dyn Visitor) -> bool {
        match (family, self.cpu_seconds, self.start_seconds) {
            ("process_cpu_seconds_total", Some([user, system]), _) => {
                visitor.float("cpu_mode=\"user\"", user);
                visitor.float("cpu_mode=\"system\"", system);
            }
            ("process_start_time_seconds", _, Some(start)) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                visitor.float("", (now.as_secs_f64() - start).max(0.0));
            }
            _ => return false,
        }
        true
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{FAMILIES, ProcessMetrics, Reading};
    use crate::{Registry, TextFormat};

    #[test]
    fn a_scrape_shows_them_once_and_only_once_may_they_be_registered() {
        let registry = Registry::new();
        ProcessMetrics::register(&registry).expect("free");
        ProcessMetrics::register(&registry).expect_err("taken");
        let mut text = String::new();
        registry.encode_text(&mut text, TextFormat::Prometheus);
        let reading = Reading::take();
        for ((name, _, _), value) in FAMILIES.iter().zip(reading.values()) {
            let printed = text.lines().filter(|line| line.starts_with(&format!("{name} "))).count();
            assert_eq!(printed, usize::from(value.is_some()), "{name} in\n{text}");
        }
    }
}
