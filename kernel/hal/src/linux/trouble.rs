//! Why the kernel refuses something, in words for people.

use std::io;
use std::path::Path;

use rustix::io::Errno;

use crate::error::HalError;

/// Whether an error says that the hardware is not there any more.
pub(super) fn is_gone(error: &io::Error) -> bool {
    // EIO is what drivers of adapters say first after the plug was pulled.
    matches!(
        Errno::from_io_error(error),
        Some(Errno::NODEV | Errno::NXIO | Errno::IO | Errno::SHUTDOWN | Errno::NOENT)
    )
}

/// Whether an error says that this cannot be had. `ENOTSUPP` (524) is the kernel's own and slips out at times.
pub(super) fn is_refused(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::INVAL | Errno::OPNOTSUPP | Errno::NXIO | Errno::NOTTY | Errno::PERM)
    ) || error.raw_os_error() == Some(524)
}

/// What to say of hardware that has vanished.
pub(super) fn gone(name: &str, error: &io::Error) -> HalError {
    HalError::Gone(format!(
        "{name} has vanished ({error}): plug it in again or load its driver; it is found by its name when it is back"
    ))
}

/// What to say of an error while a device file is opened.
pub(super) fn cannot_open(name: &str, path: &Path, module: &str, error: &io::Error) -> HalError {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::PermissionDenied => HalError::Failed(format!(
            "{name}: {path} may not be opened: add the user of the host to the group of that file, or give it one by a rule of udev"
        )),
        io::ErrorKind::NotFound => HalError::Gone(format!(
            "{name}: {path} is not there: load {module}, or plug the adapter in"
        )),
        _ if is_gone(error) => gone(name, error),
        _ => HalError::Failed(format!("{name}: {path}: {error}")),
    }
}

/// What to say of any other error.
pub(super) fn failed(name: &str, error: &io::Error) -> HalError {
    if is_gone(error) {
        return gone(name, error);
    }
    HalError::Failed(format!("{name}: {error}"))
}
