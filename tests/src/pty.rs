//! Pseudo-terminals: serial ports without hardware.

use std::ffi::{CStr, c_char};
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::PathBuf;

/// A serial port whose far end is held here.
#[derive(Debug)]
pub struct Pty {
    far: File,
    /// Held open: without any holder the far end would read errors.
    _near: OwnedFd,
    path: PathBuf,
}

impl Pty {
    /// Makes one, in raw mode: bytes pass as they are, before anyone has set the port up.
    pub fn open() -> Self {
        let (mut far, mut near) = (-1, -1);
        let mut name: [c_char; 128] = [0; 128];
        // SAFETY: both descriptors and the name are written before they are read; Linux's names of
        // pseudo-terminals (`/dev/pts/N`) fit the buffer; the null pointers ask for defaults; the
        // descriptors are owned by nobody else.
        let (far, near, name) = unsafe {
            let opened = libc::openpty(
                &mut far,
                &mut near,
                name.as_mut_ptr(),
                std::ptr::null(),
                std::ptr::null(),
            );
            assert_eq!(opened, 0, "{}", std::io::Error::last_os_error());
            (
                File::from_raw_fd(far),
                OwnedFd::from_raw_fd(near),
                CStr::from_ptr(name.as_ptr()),
            )
        };
        // SAFETY: the descriptor is open, and the structure is filled by the first call.
        unsafe {
            let mut mode: libc::termios = std::mem::zeroed();
            assert_eq!(libc::tcgetattr(near.as_raw_fd(), &mut mode), 0);
            libc::cfmakeraw(&mut mode);
            assert_eq!(libc::tcsetattr(near.as_raw_fd(), libc::TCSANOW, &mode), 0);
        }
        Self {
            far,
            _near: near,
            path: PathBuf::from(name.to_str().expect("a path")),
        }
    }

    /// The port, as a device is told it.
    pub fn path(&self) -> PathBuf {
        self.path.clone()
    }

    /// The far end.
    pub(crate) fn far(&self) -> File {
        self.far.try_clone().expect("a descriptor")
    }
}
