//! A Unix socket that only this process can use.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

/// The file name that sqlx, like libpq, appends to the directory.
const FILE: &str = ".s.PGSQL.5432";

/// A listening socket, and the directory that sqlx gets as its host.
pub(crate) struct Socket {
    pub(super) listener: UnixListener,
    directory: PathBuf,
    /// The directory in the file system, which is removed with the socket.
    created: Option<PathBuf>,
}

impl Socket {
    /// Binds a socket in a new private directory inside of `inside`. Without one it uses Linux's
    /// abstract namespace, which needs no file system; other systems use the directory for
    /// temporary files.
    pub(super) fn bind(inside: Option<&Path>) -> io::Result<Self> {
        match inside {
            None if cfg!(target_os = "linux") => Self::bind_abstract(),
            None => Self::bind_in(&std::env::temp_dir()),
            Some(directory) => Self::bind_in(directory),
        }
    }

    fn bind_abstract() -> io::Result<Self> {
        loop {
            // Any process in the same network namespace may have bound a name.
            let name = format!("\0sre-kit-{}-{:016x}", std::process::id(), fastrand::u64(..));
            let directory = PathBuf::from(name);
            match UnixListener::bind(directory.join(FILE)) {
                Ok(listener) => return Ok(Self { listener, directory, created: None }),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn bind_in(parent: &Path) -> io::Result<Self> {
        let directory = loop {
            let name = format!("sre-kit-{}-{:016x}", std::process::id(), fastrand::u64(..));
            let directory = parent.join(name);
            match create_private(&directory) {
                Ok(()) => break directory,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        };
        let created = Some(directory.clone());
        match UnixListener::bind(directory.join(FILE)) {
            Ok(listener) => Ok(Self { listener, directory, created }),
            Err(error) => {
                remove(&directory);
                Err(error)
            }
        }
    }

    /// Returns the directory that sqlx gets as its host.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }
}

/// Creates a directory that only this user may enter.
fn create_private(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().mode(0o700).create(directory)
}

fn remove(directory: &Path) {
    let _ = std::fs::remove_file(directory.join(FILE));
    let _ = std::fs::remove_dir(directory);
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(directory) = &self.created {
            remove(directory);
        }
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("directory", &self.directory).finish_non_exhaustive()
    }
}

/// Returns whether the peer is this process, by `SO_PEERCRED` or `LOCAL_PEERPID`. All containers of
/// a pod can connect to a name in the abstract namespace.
pub(super) fn is_own_process(stream: &UnixStream) -> bool {
    let own = i32::try_from(std::process::id()).ok();
    own.is_some() && stream.peer_cred().is_ok_and(|peer| peer.pid() == own)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::{FILE, Socket, UnixStream, is_own_process};

    #[tokio::test]
    async fn this_process_is_known_as_itself() {
        let inside = tempfile::tempdir().expect("a directory");
        for inside in [None, Some(inside.path())] {
            let socket = Socket::bind(inside).expect("bound");
            let path = socket.directory().join(FILE);
            let (client, server) =
                tokio::join!(UnixStream::connect(path), socket.listener.accept());
            assert!(
                is_own_process(&client.expect("connected"))
                    && is_own_process(&server.expect("accepted").0)
            );
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
