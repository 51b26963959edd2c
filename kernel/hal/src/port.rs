//! Opening a serial port, and what an open one needs besides the stream itself.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::fs::{FlockOperation, Mode, OFlags};
use serial2_tokio::rs4xx::TransceiverMode;
use serial2_tokio::{FlowControl, KeepSettings, SerialPort, Settings};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Handle;

use crate::frame::Frame;

/// How a port is set.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) frame: Frame,
    pub(crate) flow: FlowControl,
    /// None: as the board or the driver has it.
    pub(crate) rs485: Option<TransceiverMode>,
}

impl From<Frame> for Setup {
    fn from(frame: Frame) -> Self {
        Self {
            frame,
            flow: FlowControl::None,
            rs485: None,
        }
    }
}

/// Why a port cannot be used as it was asked for. The texts name it and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PortError {
    /// Another program has it.
    #[error("{0}")]
    Taken(String),
    /// It is not there.
    #[error("{0}")]
    Gone(String),
    /// The hardware or its driver cannot do what was asked for.
    #[error("{0}")]
    Refused(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

impl PortError {
    fn new(path: &Path, error: &io::Error) -> Self {
        let text = format!("{}: {error}{}", path.display(), remedy(error));
        match error.kind() {
            io::ErrorKind::ResourceBusy | io::ErrorKind::WouldBlock => Self::Taken(text),
            io::ErrorKind::NotFound => Self::Gone(text),
            _ if is_hang_up(error) => Self::Gone(text),
            _ => Self::Failed(text),
        }
    }
}

/// Whether an error says that the far end, or the adapter, is not there any more.
pub(crate) fn is_hang_up(error: &io::Error) -> bool {
    matches!(
        rustix::io::Errno::from_io_error(error),
        Some(rustix::io::Errno::IO | rustix::io::Errno::NODEV | rustix::io::Errno::NXIO)
    )
}

/// Opens a port for this process alone and makes sure that it does what was asked. The error names
/// the port and what to do. With it comes a duplicate of its descriptor.
pub(crate) fn open(path: &Path, setup: &Setup) -> Result<(Port, OwnedFd), PortError> {
    let failed = |error: io::Error| PortError::new(path, &error);
    let mut stream = SerialPort::open(path, KeepSettings).map_err(failed)?;
    let hold = Hold::take(path).map_err(failed)?;
    set(&mut stream, path, setup)?;
    // Any descriptor of the port is as good as the stream's.
    let duplicate = hold.port.as_fd().try_clone_to_owned().map_err(failed)?;
    let port = Port {
        open: Some((stream, hold)),
    };
    Ok((port, duplicate))
}

/// Sets a port and makes sure that it does what was asked.
fn set(stream: &mut SerialPort, path: &Path, setup: &Setup) -> Result<(), PortError> {
    let failed = |error: io::Error| PortError::new(path, &error);
    let refused = |text: String| PortError::Refused(format!("{}: {text}", path.display()));
    let asked = match is_pseudo_terminal(path) {
        true => setup.frame.unframed(),
        false => setup.frame,
    };
    let applied = apply(stream, asked, setup.flow);
    let taken = stream.get_configuration().map_err(failed)?;
    // That something was not taken is worth less than what was not.
    check(asked, read(&taken).map_err(failed)?).map_err(refused)?;
    let flow = taken.get_flow_control().map_err(failed)?;
    if flow != setup.flow {
        return Err(PortError::Refused(format!(
            "{}: asked for {}, and the driver set {}; open it with another flow control",
            path.display(),
            flow_words(setup.flow),
            flow_words(flow)
        )));
    }
    applied.map_err(failed)?;
    match &setup.rs485 {
        Some(mode) => set_rs485(stream, path, mode),
        None => Ok(()),
    }
}

fn flow_words(flow: FlowControl) -> &'static str {
    match flow {
        FlowControl::None => "no flow control",
        FlowControl::XonXoff => "XON and XOFF",
        FlowControl::RtsCts => "RTS and CTS",
    }
}

/// Has the driver switch the transmitter, or not.
fn set_rs485(stream: &SerialPort, path: &Path, mode: &TransceiverMode) -> Result<(), PortError> {
    let path = path.display();
    let no = |error: io::Error| {
        PortError::Refused(format!(
            "{path}: its driver does not switch an RS-485 transmitter ({error}); use an adapter that does so by itself, and open it without rs485"
        ))
    };
    stream.set_rs4xx_mode(mode.clone()).map_err(no)?;
    let taken = stream.get_rs4xx_mode().map_err(no)?;
    let (asked, taken) = (rs485_words(mode), rs485_words(&taken));
    if asked == taken {
        return Ok(());
    }
    Err(PortError::Refused(format!(
        "{path}: asked for {asked}, and the driver set {taken}; choose what it can do"
    )))
}

fn rs485_words(mode: &TransceiverMode) -> String {
    match mode {
        TransceiverMode::Default => "no RS-485".to_owned(),
        TransceiverMode::Rs422 => "RS-422".to_owned(),
        TransceiverMode::Rs485(config) => format!(
            "RS-485 with RTS {} while sending, {} ms before and {} ms after it, receiving {}",
            if config.get_invert_rts() {
                "low"
            } else {
                "high"
            },
            config.get_delay_before_send().as_millis(),
            config.get_delay_after_send().as_millis(),
            if config.get_full_duplex() {
                "all the time"
            } else {
                "between"
            },
        ),
    }
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

fn apply(stream: &mut SerialPort, frame: Frame, flow: FlowControl) -> io::Result<()> {
    let mut settings = stream.get_configuration()?;
    settings.set_raw();
    settings.set_baud_rate(frame.baud)?;
    settings.set_char_size(frame.data_bits);
    settings.set_parity(frame.parity);
    settings.set_stop_bits(frame.stop_bits);
    settings.set_flow_control(flow);
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
    /// The stream itself.
    pub(crate) fn serial(&self) -> io::Result<&SerialPort> {
        match &self.open {
            Some((stream, _)) => Ok(stream),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Sets it anew, or leaves it as it was when it cannot be.
    pub(crate) fn configure(
        &self,
        path: &Path,
        setup: &Setup,
        before: &Setup,
    ) -> Result<(), PortError> {
        let failed = |error: io::Error| PortError::new(path, &error);
        // The settings are those of the port, whichever descriptor they are made by.
        let mut stream = self
            .serial()
            .and_then(SerialPort::try_clone)
            .map_err(failed)?;
        set(&mut stream, path, setup).inspect_err(|_| {
            // It has had these already.
            let _ = set(&mut stream, path, before);
        })
    }

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
        let error = open(Path::new("/dev/ttyNone"), &frame.into()).unwrap_err();
        assert!(matches!(error, PortError::Gone(_)));
        let text = error.to_string();
        assert!(text.starts_with("/dev/ttyNone: "), "{text}");
        assert!(text.contains("plugged in"), "{text}");
    }
}
