//! The numbers of this process, from the files in `/proc/self` that proc(5) describes.

/// The number of values of a [`Reading`].
pub(super) const VALUES: usize = 8;

/// One reading. A value is `None` if its source is absent.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// In user and in system mode.
    pub(super) cpu_seconds: Option<[f64; 2]>,
    resident_bytes: Option<u64>,
    virtual_bytes: Option<u64>,
    virtual_max_bytes: Option<u64>,
    open_fds: Option<u64>,
    max_fds: Option<u64>,
    pub(super) start_seconds: Option<f64>,
    threads: Option<u64>,
}

/// A value as it is exported.
pub(super) enum Value {
    Integer(u64),
    Float(f64),
}

impl Reading {
    /// Returns the values in the order of the families.
    pub(super) fn values(&self) -> [Option<Value>; VALUES] {
        [
            self.cpu_seconds.map(|[user, system]| Value::Float(user + system)),
            self.resident_bytes.map(Value::Integer),
            self.virtual_bytes.map(Value::Integer),
            self.virtual_max_bytes.map(Value::Integer),
            self.open_fds.map(Value::Integer),
            self.max_fds.map(Value::Integer),
            self.start_seconds.map(Value::Float),
            self.threads.map(Value::Integer),
        ]
    }

    /// Reads the files.
    #[cfg(target_os = "linux")]
    pub(super) fn take() -> Self {
        use std::fs::{read_dir, read_to_string};

        let read = |path: &str| read_to_string(path).unwrap_or_default();
        let (stat, status) = (read("/proc/self/stat"), read("/proc/self/status"));
        let (limits, system) = (read("/proc/self/limits"), read("/proc/stat"));
        let boot = linux::field(&system, "btime ");
        let bytes = |name| Some(linux::field(&status, name)? * 1024);
        let open = read_dir("/proc/self/fd").map(|entries| entries.count() as u64);
        Self {
            cpu_seconds: linux::cpu_ticks(&stat).map(|ticks| ticks.map(linux::seconds)),
            resident_bytes: bytes("VmRSS:"),
            virtual_bytes: bytes("VmSize:"),
            virtual_max_bytes: linux::soft_limit(&limits, "Max address space"),
            // The directory itself is open while it is read.
            open_fds: open.ok().map(|open| open.saturating_sub(1)),
            max_fds: linux::soft_limit(&limits, "Max open files"),
            start_seconds: boot
                .zip(linux::start_ticks(&stat))
                .map(|(boot, ticks)| boot as f64 + linux::seconds(ticks)),
            threads: linux::field(&status, "Threads:"),
        }
    }

    /// Returns a reading without values.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn take() -> Self {
        Self::default()
    }
}

/// The formats of the files.
#[cfg(target_os = "linux")]
mod linux {
    /// `USER_HZ`, the unit of times in `/proc`: 100 on every architecture that Rust supports.
    const TICKS_PER_SECOND: f64 = 100.0;

    pub(super) fn seconds(ticks: u64) -> f64 {
        ticks as f64 / TICKS_PER_SECOND
    }

    /// Returns the first number of the line that starts with `name`.
    pub(super) fn field(text: &str, name: &str) -> Option<u64> {
        let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
        rest.split_ascii_whitespace().next()?.parse().ok()
    }

    /// Returns the soft limit of a resource, or `None` if it is unlimited.
    pub(super) fn soft_limit(limits: &str, name: &str) -> Option<u64> {
        // The value of an unlimited resource is not a number.
        field(limits, name)
    }

    /// Returns the time that the process used, in user and in system mode.
    pub(super) fn cpu_ticks(stat: &str) -> Option<[u64; 2]> {
        Some([stat_field(stat, 14)?, stat_field(stat, 15)?])
    }

    /// Returns the start of the process after the boot.
    pub(super) fn start_ticks(stat: &str) -> Option<u64> {
        stat_field(stat, 22)
    }

    /// Returns a field by its number in proc(5). The second one is the name of the program in
    /// parentheses, which can contain spaces and parentheses.
    fn stat_field(stat: &str, number: usize) -> Option<u64> {
        let (_, rest) = stat.rsplit_once(") ")?;
        rest.split_ascii_whitespace().nth(number - 3)?.parse().ok()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::{Reading, linux};

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
    fn a_program_may_be_named_like_the_fields_that_follow() {
        let stat = "42 (a) S 1 (b) R 1 1 1 0 -1 4194304 9 0 0 0 150 50 0 0 20 0 3 0 12345 1 1";
        assert_eq!(linux::cpu_ticks(stat), Some([150, 50]));
        assert_eq!(linux::start_ticks(stat), Some(12_345));
        assert_eq!(linux::cpu_ticks("42 (short) S 1"), None);
        assert_eq!(linux::cpu_ticks(""), None);
    }

    #[test]
    fn an_unlimited_resource_has_no_limit() {
        let limits = "Max open files            1024                 4096                 files\n\
                      Max address space         unlimited            unlimited            bytes\n";
        assert_eq!(linux::soft_limit(limits, "Max open files"), Some(1024));
        assert_eq!(linux::soft_limit(limits, "Max address space"), None);
        assert_eq!(linux::soft_limit(limits, "Max pending signals"), None);
    }
}
