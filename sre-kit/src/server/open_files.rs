//! The limit of open files, of which each connection takes one.

use std::sync::OnceLock;

/// The limit of open files of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpenFiles {
    /// The soft limit before this process raised it.
    pub(super) before: u64,
    pub(super) now: u64,
}

impl OpenFiles {
    /// Raises the soft limit of open files to the hard limit, as programs should that do not use
    /// `select(2)`. Returns `None` where the system has no such limit.
    ///
    /// A system that refuses leaves the limit as it is.
    pub(super) fn raise() -> Option<Self> {
        static BEFORE: OnceLock<u64> = OnceLock::new();

        let soft = soft_limit()?;
        let now = increase().unwrap_or(soft);
        Some(Self { before: *BEFORE.get_or_init(|| soft), now })
    }

    /// Returns how many connections leave `reserved` files to the rest of the process, or a quarter
    /// of the limit if that is more.
    pub(super) fn connections(self, reserved: usize) -> usize {
        let limit = usize::try_from(self.now).unwrap_or(usize::MAX);
        limit.saturating_sub(reserved).max(limit / 4).max(1)
    }
}

#[cfg(unix)]
fn soft_limit() -> Option<u64> {
    rlimit::Resource::NOFILE.get_soft().ok()
}

#[cfg(unix)]
fn increase() -> std::io::Result<u64> {
    rlimit::increase_nofile_limit(u64::MAX)
}

#[cfg(not(unix))]
fn soft_limit() -> Option<u64> {
    None
}

#[cfg(not(unix))]
fn increase() -> std::io::Result<u64> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::OpenFiles;

    #[test]
    fn the_rest_of_the_process_keeps_its_files_and_a_quarter_is_always_for_connections() {
        for (now, connections) in
            [(20_000, 19_680), (1_024, 704), (400, 100), (256, 64), (3, 1), (0, 1)]
        {
            let files = OpenFiles { before: 1, now };
            assert_eq!(files.connections(320), connections, "{now}");
        }
        let unlimited = OpenFiles { before: 1, now: u64::MAX };
        assert!(unlimited.connections(320) > 1 << 30);
        assert_eq!(OpenFiles { before: 1, now: 1_024 }.connections(usize::MAX), 256);
    }

    #[cfg(unix)]
    #[test]
    fn the_soft_limit_is_raised_to_the_hard_one() {
        let files = OpenFiles::raise().expect("there is a limit");
        let (soft, hard) = rlimit::Resource::NOFILE.get().expect("there is a limit");
        // macOS has another bound below an infinite hard limit.
        assert!(soft == hard || cfg!(target_os = "macos"), "{soft} of {hard}");
        assert_eq!(files.now, soft);
        assert_eq!(OpenFiles::raise(), Some(files), "a second call changes nothing");
    }
}
