//! The `process_*` metrics: processor time, memory, file descriptors and threads.
//!
//! The names are those that Prometheus clients share, so that their dashboards work. On Linux the
//! numbers come from `/proc`. If a source is absent, so are its series.

use std::sync::Arc;

use sre_kit_core::ConfigError;

use crate::registry::Registry;
use crate::visit::{Collect, Desc, Kind, Visitor};

/// The families, in the order of [`Reading::values`].
const FAMILIES: [(&str, &str, Kind); 8] = [
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

/// One reading. A value is `None` if its source is absent.
#[derive(Debug, Default)]
struct Reading {
    cpu_seconds: Option<f64>,
    resident_bytes: Option<u64>,
    virtual_bytes: Option<u64>,
    virtual_max_bytes: Option<u64>,
    open_fds: Option<u64>,
    max_fds: Option<u64>,
    start_seconds: Option<f64>,
    threads: Option<u64>,
}

enum Value {
    Integer(u64),
    Float(f64),
}

impl Reading {
    fn values(&self) -> [Option<Value>; FAMILIES.len()] {
        [
            self.cpu_seconds.map(Value::Float),
            self.resident_bytes.map(Value::Integer),
            self.virtual_bytes.map(Value::Integer),
            self.virtual_max_bytes.map(Value::Integer),
            self.open_fds.map(Value::Integer),
            self.max_fds.map(Value::Integer),
            self.start_seconds.map(Value::Float),
            self.threads.map(Value::Integer),
        ]
    }

    #[cfg(target_os = "linux")]
    fn take() -> Self {
        use procfs::process::{LimitValue, Process};

        let Ok(process) = Process::myself() else { return Self::default() };
        let mut reading =
            Self { open_fds: process.fd_count().ok().map(|count| count as u64), ..Self::default() };
        if let Ok(stat) = process.stat() {
            let ticks = procfs::ticks_per_second() as f64;
            reading.cpu_seconds = Some((stat.utime + stat.stime) as f64 / ticks);
            reading.resident_bytes = Some(stat.rss * procfs::page_size());
            reading.virtual_bytes = Some(stat.vsize);
            reading.threads = u64::try_from(stat.num_threads).ok();
            reading.start_seconds = procfs::boot_time_secs()
                .ok()
                .map(|boot| boot as f64 + stat.starttime as f64 / ticks);
        }
        if let Ok(limits) = process.limits() {
            let soft = |value| match value {
                LimitValue::Value(limit) => Some(limit),
                LimitValue::Unlimited => None,
            };
            reading.max_fds = soft(limits.max_open_files.soft_limit);
            reading.virtual_max_bytes = soft(limits.max_address_space.soft_limit);
        }
        reading
    }

    #[cfg(not(target_os = "linux"))]
    fn take() -> Self {
        Self::default()
    }
}

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
    descs: [Desc; FAMILIES.len()],
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
        for (desc, value) in self.descs.iter().zip(Reading::take().values()) {
            let Some(value) = value else { continue };
            visitor.family(desc);
            match value {
                Value::Integer(value) => visitor.integer("", value),
                Value::Float(value) => visitor.float("", value),
            }
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::{FAMILIES, ProcessMetrics, Reading};
    use crate::{Registry, TextFormat};

    #[test]
    fn the_numbers_are_those_of_this_process() {
        let before = Reading::take();
        // The directory of descriptors is itself open while it is read.
        let file = std::fs::File::open("/proc/self/stat").expect("Linux has one");
        let opened = Reading::take();
        assert!(opened.open_fds > Some(0) && before.open_fds > Some(0));
        drop(file);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64();
        let started = before.start_seconds.expect("known");
        assert!(started <= now + 1.0 && started > 1e9, "{started} {now}");
        let memory = before.resident_bytes.expect("known");
        assert!(memory > 100_000 && memory < before.virtual_bytes.expect("known"));
        assert!(before.threads >= Some(1));
        assert!(before.open_fds <= before.max_fds.or(Some(u64::MAX)));
    }

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
