//! Pseudo-terminals: serial ports without hardware, and terminals for programs.

use std::ffi::{CStr, c_char};
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::PathBuf;

/// Lines are edited, and echoed.
const COOKED: libc::tcflag_t = libc::ICANON | libc::ECHO;

/// A serial port whose far end is held here.
#[derive(Debug)]
pub struct Pty {
    far: File,
    /// Held open: without any holder the far end would read errors.
    near: OwnedFd,
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
            near,
            path: PathBuf::from(name.to_str().expect("a path")),
        }
    }

    /// The port, as a device is told it.
    pub fn path(&self) -> PathBuf {
        self.path.clone()
    }

    /// The port itself, for a program whose terminal it is.
    pub(crate) fn near(&self) -> OwnedFd {
        self.near.try_clone().expect("a descriptor")
    }

    /// Sets columns and lines; who has it as its terminal is told.
    pub(crate) fn resize(&self, columns: u16, lines: u16) {
        let size = libc::winsize {
            ws_row: lines,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        // SAFETY: the descriptor is open, and the structure outlives the call.
        let set = unsafe { libc::ioctl(self.near.as_raw_fd(), libc::TIOCSWINSZ, &size) };
        assert_eq!(set, 0, "{}", std::io::Error::last_os_error());
    }

    /// Whether lines are edited and echoed by the terminal, as a shell wants it.
    pub(crate) fn is_cooked(&self) -> bool {
        self.mode().c_lflag & COOKED == COOKED
    }

    /// Has lines edited and echoed.
    pub(crate) fn cook(&self) {
        let mut mode = self.mode();
        mode.c_lflag |= COOKED;
        // SAFETY: the descriptor is open, and the structure outlives the call.
        let set = unsafe { libc::tcsetattr(self.near.as_raw_fd(), libc::TCSANOW, &mode) };
        assert_eq!(set, 0, "{}", std::io::Error::last_os_error());
    }

    fn mode(&self) -> libc::termios {
        // SAFETY: the descriptor is open, and the structure is filled by the call.
        unsafe {
            let mut mode: libc::termios = std::mem::zeroed();
            assert_eq!(libc::tcgetattr(self.near.as_raw_fd(), &mut mode), 0);
            mode
        }
    }

    /// The far end.
    pub(crate) fn far(&self) -> File {
        self.far.try_clone().expect("a descriptor")
    }
}
