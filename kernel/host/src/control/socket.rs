//! The socket of a host: `weihe.sock` in its data directory, for its user only.

use std::fs;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

/// The socket's name in the data directory.
pub const SOCKET: &str = "weihe.sock";

/// The longest path that a socket can be addressed by (`sun_path` of Linux's `sockaddr_un`, less
/// its final zero).
const PATH_LIMIT: usize = 107;

/// Why there is no socket, or nobody behind it.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Others can write to the directory.
    #[error(
        "{} can be written by other users (mode {mode:03o}): they could take the host's place",
        .directory.display()
    )]
    Open {
        /// The directory.
        directory: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Another host listens there.
    #[error("a host is running already in {}", .0.display())]
    Running(PathBuf),
    /// Something else has the socket's name.
    #[error("{} is not a socket", .0.display())]
    NotASocket(PathBuf),
    /// Nobody listens.
    #[error("no host is running in {}", .0.display())]
    NotRunning(PathBuf),
    /// The host belongs to somebody else.
    #[error("the host in {} belongs to another user", .0.display())]
    Denied(PathBuf),
    /// The operating system refuses.
    #[error("cannot use {}: {source}", .path.display())]
    Io {
        /// The socket or its directory.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

impl SocketError {
    /// What to do.
    pub fn help(&self) -> String {
        match self {
            Self::Open { directory, .. } => format!("run `chmod go-w {}`", directory.display()),
            Self::Running(_) => "stop it first, or look at it with `weihe ps`".to_owned(),
            Self::NotASocket(path) => format!("remove or rename {}", path.display()),
            Self::NotRunning(_) => {
                "start it with `weihe run DIR`, or name its directory with `-C DIR`".to_owned()
            }
            Self::Denied(_) => "run the command as the user that runs the host".to_owned(),
            Self::Io { .. } => "check the directory's permissions".to_owned(),
        }
    }
}

/// A path that the socket in a directory can be addressed by. Paths that are too long go by way
/// of the open directory in `/proc`; what is returned beside it must live until the path is used.
fn address(directory: &Path, name: &str) -> io::Result<(PathBuf, Option<fs::File>)> {
    let path = directory.join(name);
    if path.as_os_str().as_bytes().len() <= PATH_LIMIT {
        return Ok((path, None));
    }
    let open = fs::File::open(directory)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}/{name}", open.as_raw_fd()));
    Ok((path, Some(open)))
}

/// Whether a host may have its socket in a directory: nobody else may write there, and nothing
/// else may have the socket's name.
pub fn check_directory(directory: &Path) -> Result<(), SocketError> {
    let path = directory.join(SOCKET);
    let fail = |source| SocketError::Io {
        path: path.clone(),
        source,
    };
    let mode = fs::metadata(directory).map_err(fail)?.mode() & 0o777;
    if mode & 0o022 != 0 {
        return Err(SocketError::Open {
            directory: directory.to_path_buf(),
            mode,
        });
    }
    match fs::symlink_metadata(&path) {
        Ok(metadata) if !metadata.file_type().is_socket() => Err(SocketError::NotASocket(path)),
        _ => Ok(()),
    }
}

/// Listens in a data directory, in the place of a host that died without removing its socket.
/// Nobody can connect before only the user may.
pub async fn bind(directory: &Path) -> Result<UnixListener, SocketError> {
    let path = directory.join(SOCKET);
    let fail = |source| SocketError::Io {
        path: path.clone(),
        source,
    };
    check_directory(directory)?;
    if fs::symlink_metadata(&path).is_ok() {
        match connect(directory).await {
            Ok(_) | Err(SocketError::Denied(_)) => {
                return Err(SocketError::Running(directory.to_path_buf()));
            }
            Err(_) => tracing::debug!("replacing the socket of a host that died"),
        }
    }
    // Made where only this user can look, and moved into place when its own mode is right.
    let private = tempfile::Builder::new()
        .prefix(".socket-")
        .tempdir_in(directory)
        .map_err(fail)?;
    let (address, open) = address(private.path(), "s").map_err(fail)?;
    let listener = UnixListener::bind(&address).map_err(fail)?;
    drop(open);
    let made = private.path().join("s");
    fs::set_permissions(&made, fs::Permissions::from_mode(0o600)).map_err(fail)?;
    fs::rename(&made, &path).map_err(fail)?;
    Ok(listener)
}

/// Connects to the host of a data directory.
pub async fn connect(directory: &Path) -> Result<UnixStream, SocketError> {
    let path = directory.join(SOCKET);
    let fail = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            SocketError::NotRunning(directory.to_path_buf())
        }
        io::ErrorKind::PermissionDenied => SocketError::Denied(directory.to_path_buf()),
        _ => SocketError::Io {
            path: path.clone(),
            source,
        },
    };
    let (address, open) = address(directory, SOCKET).map_err(fail)?;
    let stream = UnixStream::connect(&address).await.map_err(fail);
    drop(open);
    stream
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_is_for_its_user_only_and_a_stale_one_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let none = connect(directory.path()).await.unwrap_err();
        assert!(matches!(none, SocketError::NotRunning(_)), "{none}");
        let listener = bind(directory.path()).await.unwrap();
        let path = directory.path().join(SOCKET);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        connect(directory.path()).await.unwrap();
        let live = bind(directory.path()).await.unwrap_err();
        assert!(matches!(live, SocketError::Running(_)), "{live}");
        drop(listener);
        assert!(path.exists(), "as after kill -9");
        let _again = bind(directory.path()).await.unwrap();
        connect(directory.path()).await.unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn paths_of_any_length_work() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("d".repeat(120));
        fs::create_dir(&deep).unwrap();
        let _listener = bind(&deep).await.unwrap();
        connect(&deep).await.unwrap();
    }

    #[tokio::test]
    async fn a_directory_that_others_can_write_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let error = bind(directory.path()).await.unwrap_err();
        assert!(error.to_string().contains("mode 777"), "{error}");
        assert!(error.help().contains("chmod"), "{}", error.help());
    }

    #[tokio::test]
    async fn a_file_of_the_sockets_name_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(SOCKET), "mine").unwrap();
        let error = bind(directory.path()).await.unwrap_err();
        assert!(matches!(error, SocketError::NotASocket(_)), "{error}");
    }
}
