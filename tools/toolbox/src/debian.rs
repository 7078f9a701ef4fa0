//! Programs from Debian packages.

use std::env;
use std::fs;
use std::io::{self, IsTerminal};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use shell::Cmd;

/// How a command gets root's rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rights {
    /// The user is root.
    Root,
    /// Through `sudo`, which may ask for a password only on a terminal.
    Sudo { may_ask: bool },
}

/// Returns how packages can be installed, or a sentence that says why they cannot.
pub(crate) fn rights() -> Result<Rights, String> {
    if find_program("apt-get").is_none() {
        return Err("this machine has no apt-get".to_owned());
    }
    if is_root() {
        return Ok(Rights::Root);
    }
    if find_program("sudo").is_none() {
        return Err("installing needs root or sudo".to_owned());
    }
    let may_ask = io::stdin().is_terminal();
    if !may_ask && Cmd::new("sudo").args(["-n", "true"]).read().is_err() {
        return Err("sudo asks for a password and there is no terminal to ask on".to_owned());
    }
    Ok(Rights::Sudo { may_ask })
}

/// Returns whether the user is root.
pub fn is_root() -> bool {
    Cmd::new("id").arg("-u").read().is_ok_and(|id| id.trim() == "0")
}

/// Returns the command that installs `packages` and leaves none of their services running.
pub(crate) fn install(rights: Rights, packages: &[&str]) -> Cmd {
    let script = "tools/toolbox/debian-install.sh";
    let cmd = match rights {
        Rights::Root => Cmd::new("sh").arg(script),
        Rights::Sudo { may_ask: true } => Cmd::new("sudo").args(["sh", script]).ask(),
        Rights::Sudo { may_ask: false } => Cmd::new("sudo").args(["-n", "sh", script]),
    };
    cmd.args(packages.iter().copied())
}

/// Returns whether a package is installed, for one that brings no program of its name.
pub(crate) fn is_installed(package: &str) -> bool {
    let status = Cmd::new("dpkg-query").args(["-W", "-f=${db:Status-Status}", package]).read();
    status.is_ok_and(|status| status == "installed")
}

/// The directory of `program`, and whether `PATH` already has it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) dir: PathBuf,
    pub(crate) in_path: bool,
}

/// Looks for a program in `PATH`, then in the directories where Debian keeps servers.
pub(crate) fn find_program(program: &str) -> Option<Found> {
    let path: Vec<_> =
        env::var_os("PATH").map(|p| env::split_paths(&p).collect()).unwrap_or_default();
    search(program, &path, &server_dirs(Path::new("/usr")))
}

fn search(program: &str, path: &[PathBuf], others: &[PathBuf]) -> Option<Found> {
    let has = |dir: &&PathBuf| is_executable(&dir.join(program));
    let found = |in_path| move |dir: &PathBuf| Found { dir: dir.clone(), in_path };
    path.iter().find(has).map(found(true)).or_else(|| others.iter().find(has).map(found(false)))
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Returns `sbin` and the newest PostgreSQL, whose programs live under their major version.
fn server_dirs(usr: &Path) -> Vec<PathBuf> {
    let versions = fs::read_dir(usr.join("lib/postgresql")).into_iter().flatten().flatten();
    let mut postgres: Vec<_> = versions
        .filter_map(|entry| {
            let major: u32 = entry.file_name().to_str()?.parse().ok()?;
            Some((major, entry.path().join("bin")))
        })
        .collect();
    postgres.sort();
    let newest = postgres.pop().map(|(_, dir)| dir);
    newest.into_iter().chain([usr.join("sbin"), usr.join("local/go/bin")]).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::{Found, Rights, install, search, server_dirs};

    fn program(path: &Path, mode: u32) {
        fs::create_dir_all(path.parent().expect("has a parent")).expect("made");
        fs::write(path, "").expect("written");
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
    }

    #[test]
    fn the_newest_postgresql_is_found_by_number_and_not_by_spelling() {
        let usr = tempfile::tempdir().expect("a temporary directory");
        for version in ["9", "15", "17", "extra"] {
            program(&usr.path().join("lib/postgresql").join(version).join("bin/postgres"), 0o755);
        }
        let found = search("postgres", &[], &server_dirs(usr.path())).expect("found");
        assert_eq!(found.dir, usr.path().join("lib/postgresql/17/bin"));
        assert!(!found.in_path);
    }

    #[test]
    fn path_comes_first_and_a_file_that_cannot_run_is_no_program() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (first, second) = (dir.path().join("first"), dir.path().join("second"));
        program(&first.join("haproxy"), 0o644);
        program(&second.join("haproxy"), 0o755);
        let found = search("haproxy", &[first, second.clone()], &[]);
        assert_eq!(found, Some(Found { dir: second, in_path: true }));
        assert_eq!(search("haproxy", &[], &[]), None);
    }

    #[test]
    fn without_a_terminal_sudo_must_not_wait_for_a_password() {
        let cmd = install(Rights::Sudo { may_ask: false }, &["haproxy"]).to_string();
        assert_eq!(cmd, "sudo -n sh tools/toolbox/debian-install.sh haproxy");
        let cmd = install(Rights::Root, &["haproxy", "prometheus"]).to_string();
        assert_eq!(cmd, "sh tools/toolbox/debian-install.sh haproxy prometheus");
    }
}
