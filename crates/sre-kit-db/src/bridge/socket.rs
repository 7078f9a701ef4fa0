//! Where the bridge listens: a socket that only this process can use.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

/// sqlx puts this after the directory that it is given, as libpq does.
const FILE: &str = ".s.PGSQL.5432";

/// A listening socket, and the directory that leads sqlx to it.
pub(crate) struct Socket {
    pub(super) listener: UnixListener,
    directory: PathBuf,
    /// The directory was made for it, and goes with it.
    made: Option<PathBuf>,
}

impl Socket {
    /// In Linux's abstract namespace, which needs no file system, unless a directory
    /// is given or the system has no such namespace.
    pub(crate) fn bind(inside: Option<&Path>) -> io::Result<Self> {
        match inside {
            None if cfg!(target_os = "linux") => Self::bind_abstract(),
            None => Self::bind_in(&std::env::temp_dir()),
            Some(directory) => Self::bind_in(directory),
        }
    }

    fn bind_abstract() -> io::Result<Self> {
        loop {
            // Anybody in the same network namespace may have taken a name.
            let name = format!("\0sre-kit-{}-{:016x}", std::process::id(), fastrand::u64(..));
            let directory = PathBuf::from(name);
            match UnixListener::bind(directory.join(FILE)) {
                Ok(listener) => return Ok(Self { listener, directory, made: None }),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn bind_in(parent: &Path) -> io::Result<Self> {
        let directory = loop {
            let name = format!("sre-kit-{}-{:016x}", std::process::id(), fastrand::u64(..));
            let directory = parent.join(name);
            match make_private(&directory) {
                Ok(()) => break directory,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        };
        let made = Some(directory.clone());
        match UnixListener::bind(directory.join(FILE)) {
            Ok(listener) => Ok(Self { listener, directory, made }),
            Err(error) => {
                remove(&directory);
                Err(error)
            }
        }
    }

    /// What sqlx is told.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }
}

/// A directory that nobody else may enter.
fn make_private(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().mode(0o700).create(directory)
}

fn remove(directory: &Path) {
    let _ = std::fs::remove_file(directory.join(FILE));
    let _ = std::fs::remove_dir(directory);
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(directory) = &self.made {
            remove(directory);
        }
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("directory", &self.directory).finish_non_exhaustive()
    }
}

/// Whether the process at the other end is this one. The kernel says so (`SO_PEERCRED`,
/// `LOCAL_PEERPID`): a name in the abstract namespace is open to every container of a
/// pod.
pub(super) fn is_own(stream: &UnixStream) -> bool {
    let own = i32::try_from(std::process::id()).ok();
    own.is_some() && stream.peer_cred().is_ok_and(|peer| peer.pid() == own)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::{FILE, Socket, UnixStream, is_own};

    #[tokio::test]
    async fn this_process_is_known_as_itself() {
        let inside = tempfile::tempdir().expect("a directory");
        for inside in [None, Some(inside.path())] {
            let socket = Socket::bind(inside).expect("bound");
            let path = socket.directory().join(FILE);
            let (client, server) =
                tokio::join!(UnixStream::connect(path), socket.listener.accept());
            assert!(is_own(&client.expect("connected")) && is_own(&server.expect("accepted").0));
        }
    }

    #[tokio::test]
    async fn a_directory_is_private_and_goes_with_its_socket() {
        let inside = tempfile::tempdir().expect("a directory");
        let socket = Socket::bind(Some(inside.path())).expect("bound");
        let directory = socket.directory().to_owned();
        let mode = std::fs::metadata(&directory).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        drop(socket);
        assert!(!directory.exists());
    }
}
