//! The exposition: one reading per scrape, and a series only for what was read.

use sre_kit_metrics::internal::RegistryInternals as _;
use std::sync::Arc;
use std::time::Duration;

use super::pressure::Pressure;
use super::snapshot::Snapshot;
use super::sources::Sources;
use crate::ConfigError;
use crate::metrics::Registry;
use sre_kit_metrics::internal::{Collect, Desc, Kind, Visitor, push_pair};

type Write = fn(&Snapshot, &mut Family<'_>);

/// A family: its name, kind and help, and how its samples come out of a reading.
struct Entry {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    write: Write,
}

const fn counter(name: &'static str, help: &'static str, write: Write) -> Entry {
    Entry { name, kind: Kind::Counter, help, write }
}

const fn gauge(name: &'static str, help: &'static str, write: Write) -> Entry {
    Entry { name, kind: Kind::Gauge, help, write }
}

const FAMILIES: &[Entry] = &[
    gauge("tokio_runtime_workers", "Worker threads.", |s, f| {
        for rt in &s.runtimes {
            f.integer(&[("runtime", &rt.name)], Some(rt.workers as u64));
        }
    }),
    gauge("tokio_runtime_alive_tasks", "Tasks that have not ended.", |s, f| {
        for rt in &s.runtimes {
            f.integer(&[("runtime", &rt.name)], Some(rt.alive_tasks as u64));
        }
    }),
    gauge(
        "tokio_runtime_global_queue_depth",
        "Tasks that wait in the queue shared by all workers.",
        |s, f| {
            for rt in &s.runtimes {
                f.integer(&[("runtime", &rt.name)], Some(rt.global_queue_depth as u64));
            }
        },
    ),
    counter(
        "tokio_runtime_worker_busy_seconds_total",
        "How long a worker was not parked.",
        |s, f| {
            for rt in &s.runtimes {
                for (worker, busy) in rt.busy.iter().enumerate() {
                    let worker = worker.to_string();
                    f.seconds(&[("runtime", &rt.name), ("worker", &worker)], Some(*busy));
                }
            }
        },
    ),
    counter("tokio_runtime_worker_parks_total", "How often a worker went to sleep.", |s, f| {
        for rt in &s.runtimes {
            for (worker, parks) in rt.parks.iter().enumerate() {
                let worker = worker.to_string();
                f.integer(&[("runtime", &rt.name), ("worker", &worker)], Some(*parks));
            }
        }
    }),
    #[cfg(tokio_unstable)]
    gauge(
        "tokio_runtime_blocking_queue_depth",
        "Tasks that wait for a thread of the blocking pool.",
        |s, f| {
            for rt in &s.runtimes {
                f.integer(&[("runtime", &rt.name)], Some(rt.blocking_queue_depth as u64));
            }
        },
    ),
    #[cfg(tokio_unstable)]
    gauge("tokio_runtime_blocking_threads", "Threads of the blocking pool.", |s, f| {
        for rt in &s.runtimes {
            f.integer(&[("runtime", &rt.name)], Some(rt.blocking_threads as u64));
        }
    }),
    counter(
        "cgroup_cpu_periods_total",
        "Enforcement periods in which the group wanted to run.",
        |s, f| f.integer(&[], s.cgroup.cpu_periods),
    ),
    counter(
        "cgroup_cpu_throttled_periods_total",
        "Periods in which the group's quota was used up.",
        |s, f| f.integer(&[], s.cgroup.cpu_throttled_periods),
    ),
    counter(
        "cgroup_cpu_throttled_seconds_total",
        "How long the group was stopped by its quota.",
        |s, f| f.seconds(&[], s.cgroup.cpu_throttled),
    ),
    gauge("cgroup_cpu_quota_cores", "How many cores' worth of time the group may use.", |s, f| {
        f.float(&[], s.cgroup.cpu_quota_cores);
    }),
    gauge("cgroup_memory_usage_bytes", "Memory in use, page cache included.", |s, f| {
        f.integer(&[], s.cgroup.memory_usage);
    }),
    gauge("cgroup_memory_max_bytes", "Memory at which the kernel kills.", |s, f| {
        f.integer(&[], s.cgroup.memory_max);
    }),
    gauge("cgroup_memory_high_bytes", "Memory at which the kernel slows the group.", |s, f| {
        f.integer(&[], s.cgroup.memory_high);
    }),
    counter(
        "cgroup_memory_events_total",
        "How often something happened to the group's memory.",
        |s, f| {
            for (event, count) in s.cgroup.memory_events.iter() {
                f.integer(&[("event", event)], Some(count));
            }
        },
    ),
    counter(
        "cgroup_pressure_stalled_seconds_total",
        "How long some or all tasks of the group were stalled for want of a resource.",
        |s, f| {
            let resources: [(_, Pressure); 3] = [
                ("cpu", s.cgroup.cpu_pressure),
                ("memory", s.cgroup.memory_pressure),
                ("io", s.cgroup.io_pressure),
            ];
            for (resource, pressure) in resources {
                for (kind, stalled) in [("some", pressure.some), ("full", pressure.full)] {
                    f.seconds(&[("resource", resource), ("kind", kind)], stalled);
                }
            }
        },
    ),
    gauge("saturation_pool_size", "What a pool holds, idle or used.", |s, f| {
        for pool in &s.pools {
            f.integer(&[("pool", &pool.name)], Some(pool.usage.size));
        }
    }),
    gauge("saturation_pool_used", "What a pool has handed out.", |s, f| {
        for pool in &s.pools {
            f.integer(&[("pool", &pool.name)], Some(pool.usage.used));
        }
    }),
    gauge("saturation_pool_max", "The most that a pool may hold.", |s, f| {
        for pool in &s.pools {
            f.integer(&[("pool", &pool.name)], Some(pool.usage.max));
        }
    }),
    gauge("saturation_pool_waiting", "Who waits for something from a pool.", |s, f| {
        for pool in &s.pools {
            f.integer(&[("pool", &pool.name)], pool.usage.waiting);
        }
    }),
];

/// Registers every family.
pub(crate) fn register(registry: &Registry, sources: Arc<Sources>) -> Result<(), ConfigError> {
    let names: Vec<_> = FAMILIES.iter().map(|entry| (entry.name, entry.kind)).collect();
    registry.register_collector(&names, Arc::new(Exporter { sources }))
}

struct Exporter {
    sources: Arc<Sources>,
}

impl Collect for Exporter {
    fn collect(&self, visitor: &mut dyn Visitor) {
        let snapshot = self.sources.snapshot();
        for entry in FAMILIES {
            let mut family = Family { visitor, entry, begun: false };
            (entry.write)(&snapshot, &mut family);
        }
    }
}

/// Begins with its first sample, so that a family without any is left out.
struct Family<'a> {
    visitor: &'a mut dyn Visitor,
    entry: &'a Entry,
    begun: bool,
}

impl Family<'_> {
    fn begin(&mut self, labels: &[(&str, &str)]) -> String {
        if !self.begun {
            self.begun = true;
            let Entry { name, kind, help, .. } = self.entry;
            let desc = Desc { name: (*name).to_owned(), help: (*help).to_owned(), kind: *kind };
            self.visitor.family(&desc);
        }
        let mut text = String::new();
        for (name, value) in labels {
            push_pair(&mut text, name, value);
        }
        text
    }

    fn integer(&mut self, labels: &[(&str, &str)], value: Option<u64>) {
        if let Some(value) = value {
            let labels = self.begin(labels);
            self.visitor.integer(&labels, value);
        }
    }

    fn float(&mut self, labels: &[(&str, &str)], value: Option<f64>) {
        if let Some(value) = value {
            let labels = self.begin(labels);
            self.visitor.float(&labels, value);
        }
    }

    fn seconds(&mut self, labels: &[(&str, &str)], value: Option<Duration>) {
        self.float(labels, value.map(|duration| duration.as_secs_f64()));
    }
}
