//! Serial ports for one device alone: what a backend offers.

use async_trait::async_trait;

use crate::error::HalError;

/// The parity bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parity {
    /// None.
    None,
    /// An even number of ones.
    Even,
    /// An odd number of ones.
    Odd,
}

/// How senders are held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowControl {
    /// Not at all.
    None,
    /// RTS and CTS.
    Hardware,
    /// XON and XOFF.
    Software,
}

/// How the driver switches the transmitter of an RS-485 line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rs485 {
    /// Whether RTS is high while sending.
    pub rts_on_send: bool,
    /// Before the first bit, in nanoseconds.
    pub delay_before_send: u64,
    /// After the last bit, in nanoseconds.
    pub delay_after_send: u64,
    /// Whether what is sent is received, too.
    pub receives_own: bool,
}

/// How a port is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortSettings {
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

/// An open port. Its futures are polled on the lane of its device.
#[async_trait]
pub trait Port: Send + Sync {
    /// Waits up to `timeout` nanoseconds for a first byte, then takes what comes until there are `max`
    /// bytes or nothing came for `gap` nanoseconds.
    async fn read(&self, max: usize, timeout: u64, gap: u64) -> Result<Vec<u8>, HalError>;

    /// Hands bytes to the driver.
    async fn write(&self, bytes: &[u8]) -> Result<(), HalError>;

    /// Waits until everything has been sent.
    async fn drain(&self) -> Result<(), HalError>;

    /// Drops what was received and not read. May take long, as may [`Self::configure`].
    fn discard_input(&self) -> Result<(), HalError>;

    /// Sets it anew. What the hardware does not take on is an error.
    fn configure(&self, settings: &PortSettings) -> Result<(), HalError>;
}
