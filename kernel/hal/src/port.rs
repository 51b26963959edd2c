//! Opening a serial port, and what an open one needs besides the stream itself.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::fs::{FlockOperation, Mode, OFlags};
use serial2_tokio::{FlowControl, KeepSettings, SerialPort, Settings};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Handle;

use crate::frame::Frame;

/// Opens a port for this process alone and makes sure that it does what was asked. The error names
/// the port and what to do. With it comes a duplicate of its descriptor.
pub(crate) fn open(path: &Path, frame: Frame) -> Result<(Port, OwnedFd), String> {
    let shown = path.display();
    let failed = |error: io::Error| format!("{shown}: {error}{}", remedy(&error));
    let mut stream = SerialPort::open(path, KeepSettings).map_err(failed)?;
    let hold = Hold::take(path).map_err(failed)?;
    let pseudo = is_pseudo_terminal(path);
    let asked = if pseudo { frame.unframed() } else { frame };
    let applied = apply(&mut stream, asked);
    let taken = stream
        .get_configuration()
        .and_then(|settings| read(&settings));
    let taken = taken.map_err(failed)?;
    // That something was not taken is worth less than what was not.
    check(asked, taken).map_err(|text| format!("{shown}: {text}"))?;
    applied.map_err(failed)?;
    // Any descriptor of the port is as good as the stream's.
    let duplicate = hold.port.as_fd().try_clone_to_owned().map_err(failed)?;
    let port = Port {
        open: Some((stream, hold)),
    };
    Ok((port, duplicate))
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        // The driver's exclusion, or, for who may override that (root), the lock that goes with it.
        io::ErrorKind::ResourceBusy | io::ErrorKind::WouldBlock => " (another program has it open)",
        io::ErrorKind::NotFound => " (is the adapter plugged in?)",
        io::ErrorKind::PermissionDenied => " (is the user in the port's group, often `dialout`?)",
        _ => "",
    }
}

fn apply(stream: &mut SerialPort, frame: Frame) -> io::Result<()> {
    let mut settings = stream.get_configuration()?;
    settings.set_raw();
    settings.set_baud_rate(frame.baud)?;
    settings.set_char_size(frame.data_bits);
    settings.set_parity(frame.parity);
    settings.set_stop_bits(frame.stop_bits);
    settings.set_flow_control(FlowControl::None);
    stream.set_configuration(&settings)
}

/// What the driver has really set: some take a rate they cannot do without a word.
fn read(settings: &Settings) -> io::Result<Frame> {
    Ok(Frame {
        baud: settings.get_baud_rate()?,
        data_bits: settings.get_char_size()?,
        parity: settings.get_parity()?,
        stop_bits: settings.get_stop_bits()?,
    })
}

/// A pseudo-terminal has no characters on a wire, and always says eight bits without parity.
fn is_pseudo_terminal(path: &Path) -> bool {
    path.canonicalize()
        .is_ok_and(|path| path.starts_with("/dev/pts"))
}

fn check(asked: Frame, taken: Frame) -> Result<(), String> {
    if asked.baud != taken.baud {
        return Err(format!(
            "asked for {} baud, and the driver set {}; choose a rate that it can do",
            asked.baud, taken.baud
        ));
    }
    if asked != taken {
        return Err(format!(
            "asked for {asked}, and the driver set {taken}; choose what it can do"
        ));
    }
    Ok(())
}

/// Keeps others away from a port. The driver's exclusion holds for the device, not for a descriptor,
/// so that of the stream needs not be at hand; it ends when the last one is closed.
#[derive(Debug)]
struct Hold {
    port: File,
}

impl Hold {
    fn take(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let port = File::from(rustix::fs::open(path, flags, Mode::empty())?);
        rustix::fs::flock(&port, FlockOperation::NonBlockingLockExclusive)?;
        rustix::termios::ioctl_tiocexcl(&port)?;
        Ok(Self { port })
    }
}

/// An open serial port.
#[derive(Debug)]
pub(crate) struct Port {
    /// There until it is dropped.
    open: Option<(SerialPort, Hold)>,
}

impl Port {
    fn stream(&mut self) -> io::Result<Pin<&mut SerialPort>> {
        match &mut self.open {
            Some((stream, _)) => Ok(Pin::new(stream)),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl AsyncRead for Port {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.stream() {
            Ok(stream) => stream.poll_read(cx, buffer),
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl AsyncWrite for Port {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.stream() {
            Ok(stream) => stream.poll_write(cx, bytes),
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// Does nothing: what was written is with the driver. To wait until the last bit has left
    /// (`tcdrain`) would hold up the thread, a quarter of a second for a long frame.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Drop for Port {
    /// Closing waits until the driver's buffer is empty: not on a thread that others need.
    fn drop(&mut self) {
        if let (Some(open), Ok(handle)) = (self.open.take(), Handle::try_current()) {
            handle.spawn_blocking(move || drop(open));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serial2_tokio::{CharSize, Parity, StopBits};

    use super::*;

    #[test]
    fn a_driver_that_sets_something_else_is_found_out() {
        let asked = Frame {
            baud: 3_000_000,
            data_bits: CharSize::Bits8,
            parity: Parity::Even,
            stop_bits: StopBits::One,
        };
        assert_eq!(check(asked, asked), Ok(()));
        let slower = Frame {
            baud: 9_600,
            ..asked
        };
        let text = check(asked, slower).unwrap_err();
        assert!(text.contains("3000000") && text.contains("9600"), "{text}");
        let plain = Frame {
            parity: Parity::None,
            ..asked
        };
        let text = check(asked, plain).unwrap_err();
        assert!(
            text.contains("3000000 8E1") && text.contains("3000000 8N1"),
            "{text}"
        );
        let unframed = asked.unframed();
        assert_eq!(unframed, plain, "a pseudo-terminal has no parity");
    }

    #[test]
    fn a_port_that_is_not_there_is_named() {
        let frame = Frame {
            baud: 9_600,
            data_bits: CharSize::Bits8,
            parity: Parity::None,
            stop_bits: StopBits::One,
        };
        let text = open(Path::new("/dev/ttyNone"), frame).unwrap_err();
        assert!(text.starts_with("/dev/ttyNone: "), "{text}");
        assert!(text.contains("plugged in"), "{text}");
    }
}
