//! Serial ports, and what is at their other ends.

mod far;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::Notify;
use weihe_kernel::Clock;

use super::core::{Core, unknown};
use super::fault::{Fault, Forces};
use super::world::unit;
use crate::error::HalError;
use crate::hardware::Kind;
use crate::serial::{FlowControl, Port, PortSettings};

/// Bytes that wait on either side. What is beyond them is lost, as in a driver's buffer.
pub const WAITING: usize = 64 << 10;

/// A byte in so many is wrong on a line with noise.
const NOISE: f64 = 1.0 / 8.0;

/// What is at the other end of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Far {
    /// Nothing but a test, which hears and says ([`super::VirtualBoard::say`]).
    Test,
    /// Receive and transmit are connected.
    Loopback,
    /// A pseudo-terminal, with a link to it where one is asked for.
    Pty(Option<PathBuf>),
    /// Whoever connects to this address.
    Tcp(std::net::SocketAddr),
    /// Another port of the board.
    Port(String),
}

/// A serial port.
pub struct Uart {
    /// What the board calls it.
    pub name: String,
    /// What is at its other end.
    pub far: Far,
    state: Mutex<State>,
    /// Something has come in, or the port has changed.
    arrived: Notify,
    /// Something is to go out.
    sent: Notify,
}

#[derive(Default)]
struct State {
    received: VecDeque<u8>,
    sent: VecDeque<u8>,
    /// Bytes for which there was no room.
    lost: u64,
    /// Bytes that came in, for the noise.
    count: u64,
    faults: Forces,
    settings: Option<PortSettings>,
    /// Where to find its other end, once it is there.
    place: String,
}

/// Keeps what is newest within the room there is.
fn queue(bytes: &[u8], queue: &mut VecDeque<u8>) -> u64 {
    queue.extend(bytes);
    let over = queue.len().saturating_sub(WAITING);
    queue.drain(..over);
    over as u64
}

impl Uart {
    /// A port.
    pub fn new(name: &str, far: Far) -> Self {
        Self {
            name: name.to_owned(),
            far,
            state: Mutex::default(),
            arrived: Notify::new(),
            sent: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings bytes from the other end.
    pub fn receive(&self, bytes: &[u8]) {
        let mut state = self.state();
        if state
            .faults
            .find(|fault| matches!(fault, Fault::Closed).then_some(()))
            .is_some()
        {
            return;
        }
        let noisy = state
            .faults
            .show(|fault| matches!(fault, Fault::Noise).then_some(()));
        let mut bytes = bytes.to_vec();
        for byte in &mut bytes {
            state.count += 1;
            if noisy.is_some() && unit(1, state.count) < NOISE {
                *byte ^= 1 << (state.count % 8);
            }
        }
        let lost = queue(&bytes, &mut state.received);
        state.lost += lost;
        drop(state);
        self.arrived.notify_one();
    }

    /// Takes what was sent and nobody has taken.
    pub fn take_sent(&self) -> Vec<u8> {
        self.state().sent.drain(..).collect()
    }

    /// What is wrong with it.
    pub fn faults<T>(&self, work: impl FnOnce(&mut Forces) -> T) -> T {
        let done = work(&mut self.state().faults);
        // Whoever waits for bytes is told.
        self.arrived.notify_one();
        done
    }

    /// Where to find its other end.
    pub fn place(&self) -> String {
        match &self.far {
            Far::Test => String::new(),
            Far::Loopback => "loopback".to_owned(),
            Far::Port(other) => other.clone(),
            Far::Pty(_) | Far::Tcp(_) => self.state().place.clone(),
        }
    }

    fn set_place(&self, place: String) {
        self.state().place = place;
    }

    /// How it is set; none while nobody has it open.
    pub fn settings(&self) -> Option<PortSettings> {
        self.state().settings
    }

    /// Makes its other end; to be called where there is a runtime.
    pub fn connect(self: &Arc<Self>) -> Result<(), String> {
        match &self.far {
            Far::Pty(link) => far::pty(self, link.as_deref()),
            Far::Tcp(address) => far::tcp(self, *address),
            Far::Test | Far::Loopback | Far::Port(_) => Ok(()),
        }
    }

    fn closed(&self, state: &mut State) -> Result<(), HalError> {
        let closed = state
            .faults
            .show(|fault| matches!(fault, Fault::Closed).then_some(()));
        match closed {
            Some(()) => Err(HalError::Gone(format!("{} is gone", self.name))),
            None => Ok(()),
        }
    }
}

/// An open port.
pub struct OpenUart {
    core: Arc<Core>,
    uart: Arc<Uart>,
}

impl OpenUart {
    /// Opens a port.
    pub fn new(core: Arc<Core>, name: &str, settings: &PortSettings) -> Result<Self, HalError> {
        let known = || core.uarts.keys().map(String::as_str);
        let uart = core
            .uarts
            .get(name)
            .cloned()
            .ok_or_else(|| unknown(Kind::Uart.words(), name, known()))?;
        uart.closed(&mut uart.state())?;
        let port = Self { core, uart };
        port.configure(settings)?;
        port.discard_input()?;
        Ok(port)
    }

    /// Waits for something, or for a time to come; returns whether the time came.
    async fn wait(&self, until: u64) -> bool {
        tokio::select! {
            () = self.uart.arrived.notified() => false,
            () = self.core.clock.sleep_until(until) => true,
        }
    }
}

#[async_trait]
impl Port for OpenUart {
    async fn read(&self, max: usize, timeout: u64, gap: u64) -> Result<Vec<u8>, HalError> {
        self.core.catch_up();
        let clock: &dyn Clock = &*self.core.clock;
        let mut until = clock.monotonic().saturating_add(timeout);
        let mut bytes = Vec::new();
        loop {
            let came = {
                let mut state = self.uart.state();
                if bytes.is_empty() {
                    self.uart.closed(&mut state)?;
                }
                let count = state.received.len().min(max - bytes.len());
                bytes.extend(state.received.drain(..count));
                count > 0
            };
            if bytes.len() >= max {
                return Ok(bytes);
            }
            if came {
                until = clock.monotonic().saturating_add(gap);
            }
            if clock.monotonic() >= until || self.wait(until).await {
                let mut state = self.uart.state();
                if bytes.is_empty() && state.received.is_empty() {
                    self.uart.closed(&mut state)?;
                    let text = format!("{}: nothing was received in time", self.uart.name);
                    return Err(HalError::Timeout(text));
                }
                if state.received.is_empty() {
                    return Ok(bytes);
                }
            }
        }
    }

    async fn write(&self, bytes: &[u8]) -> Result<(), HalError> {
        self.core.catch_up();
        self.uart.closed(&mut self.uart.state())?;
        match &self.uart.far {
            Far::Loopback => self.uart.receive(bytes),
            Far::Port(other) => {
                if let Some(other) = self.core.uarts.get(other) {
                    other.receive(bytes);
                }
            }
            Far::Test | Far::Pty(_) | Far::Tcp(_) => {
                queue(bytes, &mut self.uart.state().sent);
                self.uart.sent.notify_one();
            }
        }
        Ok(())
    }

    async fn drain(&self) -> Result<(), HalError> {
        // Characters take no time on this board.
        self.uart.closed(&mut self.uart.state())
    }

    fn discard_input(&self) -> Result<(), HalError> {
        self.uart.state().received.clear();
        Ok(())
    }

    fn configure(&self, settings: &PortSettings) -> Result<(), HalError> {
        let name = &self.uart.name;
        let invalid = |text: String| Err(HalError::Invalid(text));
        if settings.baud == 0 {
            return invalid(format!("{name}: a rate of 0 baud is none"));
        }
        if !(5..=8).contains(&settings.data_bits) {
            return invalid(format!(
                "{name}: {} data bits: there are 5 to 8",
                settings.data_bits
            ));
        }
        if !(1..=2).contains(&settings.stop_bits) {
            return invalid(format!(
                "{name}: {} stop bits: there are 1 or 2",
                settings.stop_bits
            ));
        }
        if settings.flow == FlowControl::Hardware {
            let text = format!("{name}: this port has no RTS and CTS");
            return Err(HalError::Unsupported(text));
        }
        self.uart.state().settings = Some(*settings);
        Ok(())
    }
}

impl Drop for OpenUart {
    fn drop(&mut self) {
        self.uart.state().settings = None;
    }
}
