//! Serial ports.

use super::HalError;
use crate::Duration;
use crate::bindings::hal::weihe::hal::uart as wit;
use crate::kernel::Port;
use embedded_io::{ErrorType, Read, ReadReady, Write};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// The parity bit.
///
/// ```
/// # use weihe_sdk::hal::{Parity, UartSettings};
/// // What DL/T 645 asks for.
/// let meter = UartSettings { parity: Parity::Even, ..UartSettings::new(2400) };
/// ```
pub use wit::Parity;

/// How senders are held back.
///
/// ```
/// # use weihe_sdk::hal::{FlowControl, UartSettings};
/// let modem = UartSettings { flow: FlowControl::Hardware, ..UartSettings::new(115_200) };
/// ```
pub use wit::FlowControl;

/// How the transmitter of an RS-485 line is switched by the driver.
///
/// ```
/// # use weihe_sdk::{Duration, hal::{Rs485, UartSettings}};
/// let slow_transceiver = Rs485 { delay_after_send: Duration::from_millis(1), ..Rs485::new() };
/// let line = UartSettings { rs485: Some(slow_transceiver), ..UartSettings::new(9600) };
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rs485 {
    /// Whether RTS is high while sending.
    pub rts_on_send: bool,
    /// Between switching on and the first bit; drivers count milliseconds.
    pub delay_before_send: Duration,
    /// Between the last bit and switching off.
    pub delay_after_send: Duration,
    /// Whether what is sent is received, too.
    pub receives_own: bool,
}

impl Rs485 {
    /// RTS high while sending, without delays or echo.
    ///
    /// ```
    /// # use weihe_sdk::hal::Rs485;
    /// assert!(Rs485::new().rts_on_send);
    /// ```
    pub const fn new() -> Self {
        Rs485 {
            rts_on_send: true,
            delay_before_send: Duration::ZERO,
            delay_after_send: Duration::ZERO,
            receives_own: false,
        }
    }
}

impl Default for Rs485 {
    fn default() -> Self {
        Self::new()
    }
}

/// How a port is set: 9600 bits in a second, 8 bits, no parity, one stop bit, unless set otherwise. What the hardware
/// does not take on is an error, never ignored.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # fn start(ctx: &mut Context) -> Result<(), Error> {
/// use weihe_sdk::hal::UartSettings;
///
/// let receiver = ctx.uart("gps", UartSettings::new(38_400))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UartSettings {
    /// Bits in a second.
    pub baud: u32,
    /// 5 to 8.
    pub data_bits: u8,
    /// The parity bit.
    pub parity: Parity,
    /// 1 or 2.
    pub stop_bits: u8,
    /// How senders are held back.
    pub flow: FlowControl,
    /// Half duplex on two wires.
    pub rs485: Option<Rs485>,
}

impl UartSettings {
    /// So many bits in a second; 8 data bits, no parity, one stop bit.
    ///
    /// ```
    /// # use weihe_sdk::hal::UartSettings;
    /// assert_eq!(UartSettings::new(9600), UartSettings::default());
    /// ```
    pub const fn new(baud: u32) -> Self {
        UartSettings {
            baud,
            data_bits: 8,
            parity: Parity::None,
            stop_bits: 1,
            flow: FlowControl::None,
            rs485: None,
        }
    }

    /// With this parity bit.
    ///
    /// ```
    /// # use weihe_sdk::hal::{Parity, UartSettings};
    /// assert_eq!(UartSettings::new(2400).parity(Parity::Even).parity, Parity::Even);
    /// ```
    pub const fn parity(mut self, parity: Parity) -> Self {
        self.parity = parity;
        self
    }

    /// On an RS-485 line, whose transmitter the driver switches.
    ///
    /// ```
    /// # use weihe_sdk::hal::{Rs485, UartSettings};
    /// let line = UartSettings::new(9600).rs485(Rs485::new());
    /// ```
    pub const fn rs485(mut self, rs485: Rs485) -> Self {
        self.rs485 = Some(rs485);
        self
    }
}

impl Default for UartSettings {
    fn default() -> Self {
        Self::new(9600)
    }
}

impl From<UartSettings> for wit::Settings {
    fn from(settings: UartSettings) -> Self {
        wit::Settings {
            baud: settings.baud,
            data_bits: settings.data_bits,
            parity: settings.parity,
            stop_bits: settings.stop_bits,
            flow: settings.flow,
            rs485: settings.rs485.map(|rs485| wit::Rs485 {
                rts_on_send: rs485.rts_on_send,
                delay_before_send: rs485.delay_before_send.as_nanos(),
                delay_after_send: rs485.delay_after_send.as_nanos(),
                receives_own: rs485.receives_own,
            }),
        }
    }
}

/// How long `embedded_io::Read::read` waits for the first byte, unless [`Uart::set_timeout`] says otherwise. A call of
/// the host may last some seconds in all (limit `call-time`).
const TIMEOUT: Duration = Duration::from_secs(1);

/// The most bytes that the host reads or writes at once.
const MOST: usize = 65_536;

/// A serial port for the device alone, from [`Context::uart`](crate::Context::uart). It implements
/// `embedded_io::{Read, ReadReady, Write}`, also for async drivers.
///
/// Where several devices share a line, or where bytes come unasked, a connection of the kind `uart` is the better way:
/// there is no waiting in it.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # fn start(ctx: &mut Context) -> Result<(), Error> {
/// use embedded_io::Write as _;
///
/// let mut scale = ctx.uart("scale", Default::default())?;
/// scale.write_all(b"W\r\n")?;
/// let frame = scale.read_frame(64, Duration::from_millis(500), Duration::from_millis(10))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Uart {
    port: Rc<Port>,
    /// What was fetched to see whether there is anything.
    ahead: Rc<RefCell<VecDeque<u8>>>,
    timeout: Duration,
}

impl Uart {
    pub(super) fn new(port: Port) -> Self {
        Uart {
            port: Rc::new(port),
            ahead: Rc::default(),
            timeout: TIMEOUT,
        }
    }

    /// How long `embedded_io::Read::read` of this clone waits for the first byte; one second at first.
    ///
    /// ```
    /// # use weihe_sdk::{hal::Uart, prelude::*};
    /// fn impatient(mut port: Uart) -> Uart {
    ///     port.set_timeout(Duration::from_millis(50));
    ///     port
    /// }
    /// ```
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// Waits up to `timeout` for the first byte, then takes what comes until there are `max` bytes or the line is silent
    /// for `gap`. Without a byte the error is [`HalError::Timeout`].
    ///
    /// ```
    /// # use weihe_sdk::{hal::{HalError, Uart}, prelude::*};
    /// fn telegram(port: &Uart) -> Result<Option<Vec<u8>>, HalError> {
    ///     match port.read_frame(256, Duration::from_millis(300), Duration::from_millis(4)) {
    ///         Err(HalError::Timeout(_)) => Ok(None),
    ///         read => read.map(Some),
    ///     }
    /// }
    /// ```
    pub fn read_frame(
        &self,
        max: usize,
        timeout: Duration,
        gap: Duration,
    ) -> Result<Vec<u8>, HalError> {
        let mut frame = self.take_ahead(max);
        if frame.len() == max {
            return Ok(frame);
        }
        // What is there already was the beginning.
        let timeout = match frame.is_empty() {
            true => timeout,
            false => gap,
        };
        let rest = (max - frame.len()) as u64;
        match self.port.read(rest, timeout.as_nanos(), gap.as_nanos()) {
            Ok(bytes) => frame.extend(bytes),
            Err(HalError::Timeout(_)) if !frame.is_empty() => {}
            Err(error) => return Err(error),
        }
        Ok(frame)
    }

    /// Waits until everything has been sent.
    ///
    /// ```
    /// # use weihe_sdk::hal::{HalError, Uart};
    /// fn say(port: &mut Uart, text: &str) -> Result<(), HalError> {
    ///     embedded_io::Write::write_all(port, text.as_bytes())?;
    ///     port.drain()
    /// }
    /// ```
    pub fn drain(&self) -> Result<(), HalError> {
        self.port.drain()
    }

    /// Drops what was received and not read.
    ///
    /// ```
    /// # use weihe_sdk::hal::{HalError, Uart};
    /// fn begin_anew(port: &Uart) -> Result<(), HalError> {
    ///     port.discard_input()
    /// }
    /// ```
    pub fn discard_input(&self) -> Result<(), HalError> {
        self.ahead.borrow_mut().clear();
        self.port.discard_input()
    }

    fn take_ahead(&self, max: usize) -> Vec<u8> {
        let mut ahead = self.ahead.borrow_mut();
        let count = ahead.len().min(max);
        ahead.drain(..count).collect()
    }
}

impl ErrorType for Uart {
    type Error = HalError;
}

impl Read for Uart {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, HalError> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let mut bytes = self.take_ahead(buffer.len());
        if bytes.is_empty() {
            let most = buffer.len().min(MOST) as u64;
            bytes = self.port.read(most, self.timeout.as_nanos(), 0)?;
        }
        // The host hands over no more than was asked for.
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        Ok(count)
    }
}

impl ReadReady for Uart {
    fn read_ready(&mut self) -> Result<bool, HalError> {
        let mut ahead = self.ahead.borrow_mut();
        if ahead.is_empty() {
            match self.port.read(MOST as u64, 0, 0) {
                Ok(bytes) => ahead.extend(bytes),
                Err(HalError::Timeout(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(!ahead.is_empty())
    }
}

impl Write for Uart {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, HalError> {
        let some = &bytes[..bytes.len().min(MOST)];
        if !some.is_empty() {
            self.port.write(some)?;
        }
        Ok(some.len())
    }

    fn flush(&mut self) -> Result<(), HalError> {
        self.drain()
    }
}
