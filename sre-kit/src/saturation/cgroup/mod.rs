//! What the control group of the process may use, uses, and is kept from using.

mod files;
mod locate;

use std::path::Path;
use std::time::Duration;

use files::{field, number, quota_v1, quota_v2, read};
use locate::{Group, Location, Versioned};

use super::pressure::Pressure;

/// Version 1 writes "no limit" as the greatest multiple of a page below 2^63. No
/// machine has half of that, and pages may be as large as 64 KiB.
const NO_LIMIT_V1: u64 = 1 << 62;

/// One reading of the process's control group, version 1 or 2.
///
/// What the kernel does not tell is `None`, and so is a limit that is not set.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct CgroupSnapshot {
    /// Enforcement periods in which the group wanted to run.
    pub cpu_periods: Option<u64>,
    /// Periods in which it was stopped because its quota was used up.
    pub cpu_throttled_periods: Option<u64>,
    /// How long it was stopped, summed over cores.
    pub cpu_throttled: Option<Duration>,
    /// How many cores' worth of time it may use: the tightest quota of the group
    /// and those above it that can be seen.
    pub cpu_quota_cores: Option<f64>,
    /// Bytes in use, page cache included.
    pub memory_usage: Option<u64>,
    /// Bytes at which the kernel reclaims and then kills: the tightest limit of the
    /// group and those above it that can be seen.
    pub memory_max: Option<u64>,
    /// Bytes at which the kernel slows the group down; version 2 only.
    pub memory_high: Option<u64>,
    /// How often something happened to the group's memory. See [`MemoryEvents`].
    pub memory_events: MemoryEvents,
    /// Stalls for want of a processor; version 2 only, as the next two.
    pub cpu_pressure: Pressure,
    /// Stalls for want of memory.
    pub memory_pressure: Pressure,
    /// Stalls for want of input and output.
    pub io_pressure: Pressure,
}

impl CgroupSnapshot {
    /// Memory in use over its limit, where both are known.
    pub fn memory_utilization(&self) -> Option<f64> {
        Some(self.memory_usage? as f64 / self.memory_max? as f64)
    }
}

/// How often something happened to the group's memory, since it was made.
///
/// Version 2 counts all of them in `memory.events`; of version 1 only `max`
/// (`memory.failcnt`) and `oom_kill` (`memory.oom_control`) are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryEvents {
    /// Reclaimed although below its protection.
    pub low: Option<u64>,
    /// Slowed down because it was above `memory.high`.
    pub high: Option<u64>,
    /// About to go above its limit.
    pub max: Option<u64>,
    /// Allocations that were about to fail.
    pub oom: Option<u64>,
    /// Processes killed.
    pub oom_kill: Option<u64>,
    /// Times that the whole group was killed.
    pub oom_group_kill: Option<u64>,
}

impl MemoryEvents {
    /// The label `event` of each, and its count.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        [
            ("low", self.low),
            ("high", self.high),
            ("max", self.max),
            ("oom", self.oom),
            ("oom_kill", self.oom_kill),
            ("oom_group_kill", self.oom_group_kill),
        ]
        .into_iter()
        .filter_map(|(event, count)| Some((event, count?)))
    }
}

/// The process's control group. Found once: a process is hardly ever moved.
#[derive(Debug)]
pub(crate) struct Cgroup {
    location: Location,
}

impl Cgroup {
    pub(crate) fn find(root: &Path) -> Self {
        Self { location: Location::find(root) }
    }

    pub(crate) fn read(&self) -> CgroupSnapshot {
        let mut snapshot = CgroupSnapshot::default();
        match &self.location.cpu {
            Some(Versioned::V1(group)) => cpu_v1(group, &mut snapshot),
            Some(Versioned::V2(group)) => cpu_v2(group, &mut snapshot),
            None => {}
        }
        match &self.location.memory {
            Some(Versioned::V1(group)) => memory_v1(group, &mut snapshot),
            Some(Versioned::V2(group)) => memory_v2(group, &mut snapshot),
            None => {}
        }
        if let Some(own) = self.location.unified.as_ref().and_then(Group::own) {
            let pressure = |file| read(own, file).map(|text| Pressure::parse(&text));
            snapshot.cpu_pressure = pressure("cpu.pressure").unwrap_or_default();
            snapshot.memory_pressure = pressure("memory.pressure").unwrap_or_default();
            snapshot.io_pressure = pressure("io.pressure").unwrap_or_default();
        }
        snapshot
    }
}

fn cpu_v1(group: &Group, snapshot: &mut CgroupSnapshot) {
    let (dir, cores) = tightest(group, quota_v1);
    snapshot.cpu_quota_cores = cores;
    let Some(stat) = dir.and_then(|dir| read(dir, "cpu.stat")) else { return };
    snapshot.cpu_periods = field(&stat, "nr_periods");
    snapshot.cpu_throttled_periods = field(&stat, "nr_throttled");
    snapshot.cpu_throttled = field(&stat, "throttled_time").map(Duration::from_nanos);
}

fn cpu_v2(group: &Group, snapshot: &mut CgroupSnapshot) {
    let (dir, cores) = tightest(group, quota_v2);
    snapshot.cpu_quota_cores = cores;
    let Some(stat) = dir.and_then(|dir| read(dir, "cpu.stat")) else { return };
    snapshot.cpu_periods = field(&stat, "nr_periods");
    snapshot.cpu_throttled_periods = field(&stat, "nr_throttled");
    snapshot.cpu_throttled = field(&stat, "throttled_usec").map(Duration::from_micros);
}

fn memory_v1(group: &Group, snapshot: &mut CgroupSnapshot) {
    let Some(own) = group.own() else { return };
    snapshot.memory_usage = number(own, "memory.usage_in_bytes");
    let limits = group.levels.iter().filter_map(|dir| number(dir, "memory.limit_in_bytes"));
    snapshot.memory_max = limits.filter(|&limit| limit < NO_LIMIT_V1).min();
    snapshot.memory_events.max = number(own, "memory.failcnt");
    snapshot.memory_events.oom_kill =
        read(own, "memory.oom_control").and_then(|text| field(&text, "oom_kill"));
}

fn memory_v2(group: &Group, snapshot: &mut CgroupSnapshot) {
    let Some(own) = group.own() else { return };
    // "max" is no number, and no limit.
    let lowest = |file| group.levels.iter().filter_map(|dir| number(dir, file)).min();
    snapshot.memory_usage = number(own, "memory.current");
    snapshot.memory_max = lowest("memory.max");
    snapshot.memory_high = lowest("memory.high");
    let Some(events) = read(own, "memory.events") else { return };
    let count = |name| field(&events, name);
    snapshot.memory_events = MemoryEvents {
        low: count("low"),
        high: count("high"),
        max: count("max"),
        oom: count("oom"),
        oom_kill: count("oom_kill"),
        oom_group_kill: count("oom_group_kill"),
    };
}

/// The level whose quota is the tightest, and that quota; the group's own where
/// there is none. The kernel counts throttling at the level that has the quota:
/// in a pod, often not the container's.
fn tightest(group: &Group, quota: fn(&Path) -> Option<f64>) -> (Option<&Path>, Option<f64>) {
    let quotas = group.levels.iter().filter_map(|dir| Some((dir.as_path(), quota(dir)?)));
    match quotas.min_by(|a, b| a.1.total_cmp(&b.1)) {
        Some((dir, cores)) => (Some(dir), Some(cores)),
        None => (group.own(), None),
    }
}
