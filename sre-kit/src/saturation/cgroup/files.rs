//! The formats of the kernel's control files.

use std::fs;
use std::path::Path;

/// A file's text; `None` when it is absent or not to be read.
pub(super) fn read(dir: &Path, file: &str) -> Option<String> {
    fs::read_to_string(dir.join(file)).ok()
}

/// A file that holds one number. `max` and anything else is `None`.
pub(super) fn number(dir: &Path, file: &str) -> Option<u64> {
    read(dir, file)?.trim().parse().ok()
}

/// The number of a file of lines `name number`.
pub(super) fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

/// `cpu.max` of version 2: quota and period in microseconds, `max` for no quota.
pub(super) fn quota_v2(dir: &Path) -> Option<f64> {
    let text = read(dir, "cpu.max")?;
    let mut fields = text.split_ascii_whitespace();
    let quota = fields.next()?.parse().ok()?;
    // "max 100000" has failed to parse above; the period may be left out.
    let period = fields.next().map_or(Ok(100_000), str::parse).ok()?;
    cores(quota, period)
}

/// The same of version 1, in two files; -1 for no quota.
pub(super) fn quota_v1(dir: &Path) -> Option<f64> {
    cores(number(dir, "cpu.cfs_quota_us")?, number(dir, "cpu.cfs_period_us")?)
}

fn cores(quota: u64, period: u64) -> Option<f64> {
    (quota > 0 && period > 0).then(|| quota as f64 / period as f64)
}
