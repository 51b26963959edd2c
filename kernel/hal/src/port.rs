//! Opening a serial port, and what an open one needs besides the stream itself.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Handle;
use tokio_serial::{ErrorKind, FlowControl, SerialPort, SerialStream};

use crate::frame::Frame;

/// Opens a port for this process alone and makes sure that it does what was asked. The error names
/// the port and what to do.
pub(crate) fn open(path: &Path, frame: Frame) -> Result<Port, String> {
    let shown = path.display();
    let builder = tokio_serial::new(path.to_string_lossy(), frame.baud)
        .data_bits(frame.data_bits)
        .parity(frame.parity)
        .stop_bits(frame.stop_bits)
        .flow_control(FlowControl::None);
    let stream = SerialStream::open(&builder)
        .map_err(|error| format!("{shown}: {error}{}", remedy(&error)))?;
    let taken = read_back(&stream).map_err(|error| format!("{shown}: {error}"))?;
    check(frame, taken, is_pseudo_terminal(path)).map_err(|text| format!("{shown}: {text}"))?;
    Ok(Port {
        stream: Some(stream),
    })
}

fn remedy(error: &tokio_serial::Error) -> &'static str {
    // Whoever may override the driver's exclusion (root) meets the lock that goes with it. Neither
    // has a kind of its own.
    let in_use = ["busy", "exclusive lock"];
    match error.kind() {
        _ if in_use.iter().any(|text| error.description.contains(text)) => {
            " (another program has it open)"
        }
        ErrorKind::Io(io::ErrorKind::NotFound) => " (is the adapter plugged in?)",
        ErrorKind::Io(io::ErrorKind::PermissionDenied) => {
            " (is the user in the port's group, often `dialout`?)"
        }
        _ => "",
    }
}

/// What the driver has really set: some take a rate they cannot do without a word.
fn read_back(stream: &SerialStream) -> tokio_serial::Result<Frame> {
    Ok(Frame {
        baud: stream.baud_rate()?,
        data_bits: stream.data_bits()?,
        parity: stream.parity()?,
        stop_bits: stream.stop_bits()?,
    })
}

/// A pseudo-terminal has no characters on a wire, and always says eight bits without parity.
fn is_pseudo_terminal(path: &Path) -> bool {
    path.canonicalize()
        .is_ok_and(|path| path.starts_with("/dev/pts"))
}

fn check(asked: Frame, taken: Frame, pseudo: bool) -> Result<(), String> {
    if asked.baud != taken.baud {
        return Err(format!(
            "asked for {} baud, and the driver set {}; choose a rate that it can do",
            asked.baud, taken.baud
        ));
    }
    if asked != taken && !pseudo {
        return Err(format!(
            "asked for {asked}, and the driver set {taken}; choose what it can do"
        ));
    }
    Ok(())
}

/// An open serial port.
#[derive(Debug)]
pub(crate) struct Port {
    /// There until it is dropped.
    stream: Option<SerialStream>,
}

impl Port {
    fn stream(&mut self) -> io::Result<Pin<&mut SerialStream>> {
        match &mut self.stream {
            Some(stream) => Ok(Pin::new(stream)),
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

    /// Does nothing: what was written is with the driver. The stream's own flush would hold up the
    /// thread until the last bit has left (`tcdrain`), a quarter of a second for a long frame.
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
        if let (Some(stream), Ok(handle)) = (self.stream.take(), Handle::try_current()) {
            handle.spawn_blocking(move || drop(stream));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio_serial::{DataBits, Parity, StopBits};

    use super::*;

    #[test]
    fn a_driver_that_sets_something_else_is_found_out() {
        let asked = Frame {
            baud: 3_000_000,
            data_bits: DataBits::Eight,
            parity: Parity::Even,
            stop_bits: StopBits::One,
        };
        assert_eq!(check(asked, asked, false), Ok(()));
        let slower = Frame {
            baud: 9_600,
            ..asked
        };
        let text = check(asked, slower, true).unwrap_err();
        assert!(text.contains("3000000") && text.contains("9600"), "{text}");
        let plain = Frame {
            parity: Parity::None,
            ..asked
        };
        let text = check(asked, plain, false).unwrap_err();
        assert!(
            text.contains("3000000 8E1") && text.contains("3000000 8N1"),
            "{text}"
        );
        assert_eq!(
            check(asked, plain, true),
            Ok(()),
            "a pseudo-terminal has no parity"
        );
    }

    #[test]
    fn a_port_that_is_not_there_is_named() {
        let frame = Frame {
            baud: 9_600,
            data_bits: DataBits::Eight,
            parity: Parity::None,
            stop_bits: StopBits::One,
        };
        let text = open(Path::new("/dev/ttyNone"), frame).unwrap_err();
        assert!(text.starts_with("/dev/ttyNone: "), "{text}");
        assert!(text.contains("plugged in"), "{text}");
    }
}
