//! Serial ports for one device alone.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serial2_tokio::rs4xx::{Rs485Config, TransceiverMode};
use serial2_tokio::{CharSize, FlowControl as Flow, Parity as ParityBit, StopBits};
use tokio::time::timeout;

use super::place::Places;
use crate::error::HalError;
use crate::frame::Frame;
use crate::hardware::Kind;
use crate::port::{self, PortError, Setup, is_hang_up};
use crate::serial::{FlowControl, Parity, Port, PortSettings, Rs485};

/// Nanoseconds of a millisecond, in which drivers count the delays of RS-485.
const MILLISECOND: u64 = 1_000_000;

/// Where the port is now.
type Locate = Box<dyn Fn() -> Result<PathBuf, HalError> + Send + Sync>;

/// An open port.
#[derive(Clone)]
pub(super) struct LinuxPort(Arc<Shared>);

struct Shared {
    name: String,
    locate: Locate,
    /// Held only for a moment: lanes look at it.
    state: Mutex<State>,
    /// Held while it is opened again.
    opening: Mutex<()>,
    /// Held while everything that was written is being sent.
    draining: Arc<tokio::sync::Mutex<()>>,
}

struct State {
    setup: Setup,
    /// None while it has vanished.
    open: Option<Open>,
}

#[derive(Clone)]
struct Open {
    port: Arc<port::Port>,
    path: PathBuf,
    /// Of the port, too.
    descriptor: Arc<std::os::fd::OwnedFd>,
}

impl LinuxPort {
    pub(super) fn open(
        places: Arc<Places>,
        name: &str,
        settings: &PortSettings,
    ) -> Result<Self, HalError> {
        let part = places.find(Kind::Uart, |board| board.uart(name))?;
        let path = places.root().path(&part.path);
        let name = part.name.clone();
        let locate: Locate = Box::new(move || {
            let part = places.find_again(Kind::Uart, |board| board.uart(&part.name))?;
            Ok(places.root().path(&part.path))
        });
        Self::open_at(&name, path, locate, settings)
    }

    fn open_at(
        name: &str,
        path: PathBuf,
        locate: Locate,
        settings: &PortSettings,
    ) -> Result<Self, HalError> {
        let setup = setup(name, settings)?;
        let open = open(name, path, &setup)?;
        Ok(Self(Arc::new(Shared {
            name: name.to_owned(),
            locate,
            state: Mutex::new(State {
                setup,
                open: Some(open),
            }),
            opening: Mutex::default(),
            draining: Arc::default(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens it again, on a thread: that may take its time. Meanwhile others see that it is not open.
    fn awaken(&self) -> Result<Open, HalError> {
        let shared = &self.0;
        let _alone = shared
            .opening
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let setup = {
            let state = self.state();
            if let Some(open) = &state.open {
                return Ok(open.clone());
            }
            state.setup.clone()
        };
        let path = (shared.locate)().map_err(|_| self.gone(&io::ErrorKind::NotFound.into()))?;
        let open = open(&shared.name, path, &setup)?;
        self.state().open = Some(open.clone());
        Ok(open)
    }

    /// The open port, opened again when it had vanished.
    async fn opened(&self) -> Result<Open, HalError> {
        let known = self.state().open.clone();
        if let Some(open) = known {
            return Ok(open);
        }
        let own = self.clone();
        let done = tokio::task::spawn_blocking(move || own.awaken()).await;
        done.unwrap_or_else(|error| Err(HalError::Failed(format!("{}: {error}", self.0.name))))
    }

    fn gone(&self, error: &io::Error) -> HalError {
        HalError::Gone(format!(
            "{} has hung up ({error}): plug the adapter in again; it is found by its name when it is back",
            self.0.name
        ))
    }

    /// What to say of an error of an open port.
    fn failed(&self, error: &io::Error) -> HalError {
        if !is_hang_up(error) && error.kind() != io::ErrorKind::UnexpectedEof {
            return HalError::Failed(format!("{}: {error}", self.0.name));
        }
        self.state().open = None;
        self.gone(error)
    }
}

fn open(name: &str, path: PathBuf, setup: &Setup) -> Result<Open, HalError> {
    let (port, descriptor) = port::open(&path, setup).map_err(|error| told(name, error))?;
    Ok(Open {
        port: Arc::new(port),
        path,
        descriptor: Arc::new(descriptor),
    })
}

fn told(name: &str, error: PortError) -> HalError {
    let text = format!("{name}: {error}");
    match error {
        PortError::Taken(_) => HalError::Taken {
            name: name.to_owned(),
            holder: "another program".to_owned(),
        },
        PortError::Gone(_) => HalError::Gone(text),
        PortError::Refused(_) => HalError::Unsupported(text),
        PortError::Failed(_) => HalError::Failed(text),
    }
}

fn setup(name: &str, settings: &PortSettings) -> Result<Setup, HalError> {
    if settings.baud == 0 {
        return Err(HalError::Invalid(format!(
            "{name}: a rate of 0 baud sends nothing"
        )));
    }
    let data_bits = match settings.data_bits {
        5 => CharSize::Bits5,
        6 => CharSize::Bits6,
        7 => CharSize::Bits7,
        8 => CharSize::Bits8,
        bits => {
            return Err(HalError::Invalid(format!(
                "{name}: a character has 5 to 8 bits, not {bits}"
            )));
        }
    };
    let stop_bits = match settings.stop_bits {
        1 => StopBits::One,
        2 => StopBits::Two,
        bits => {
            return Err(HalError::Invalid(format!(
                "{name}: there are 1 or 2 stop bits, not {bits}"
            )));
        }
    };
    Ok(Setup {
        frame: Frame {
            baud: settings.baud,
            data_bits,
            parity: match settings.parity {
                Parity::None => ParityBit::None,
                Parity::Even => ParityBit::Even,
                Parity::Odd => ParityBit::Odd,
            },
            stop_bits,
        },
        flow: match settings.flow {
            FlowControl::None => Flow::None,
            FlowControl::Hardware => Flow::RtsCts,
            FlowControl::Software => Flow::XonXoff,
        },
        rs485: settings.rs485.as_ref().map(transceiver),
    })
}

/// Drivers count milliseconds: what is less than one becomes one.
fn transceiver(rs485: &Rs485) -> TransceiverMode {
    let delay = |nanoseconds: u64| Duration::from_millis(nanoseconds.div_ceil(MILLISECOND));
    let mut config = Rs485Config::new();
    config.set_full_duplex(rs485.receives_own);
    config.set_invert_rts(!rs485.rts_on_send);
    config.set_delay_before_send(delay(rs485.delay_before_send));
    config.set_delay_after_send(delay(rs485.delay_after_send));
    TransceiverMode::Rs485(config)
}

/// Reads some bytes. None is the end: the far end has hung up.
async fn read_some(port: &port::Port, buffer: &mut [u8]) -> io::Result<usize> {
    match port.serial()?.read(buffer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => Ok(count),
    }
}

#[async_trait]
impl Port for LinuxPort {
    async fn read(&self, max: usize, wait: u64, gap: u64) -> Result<Vec<u8>, HalError> {
        let open = self.opened().await?;
        let mut bytes = vec![0; max];
        if max == 0 {
            return Ok(bytes);
        }
        let first = timeout(
            Duration::from_nanos(wait),
            read_some(&open.port, &mut bytes),
        )
        .await;
        let mut length = match first {
            Ok(Ok(count)) => count,
            Ok(Err(error)) => return Err(self.failed(&error)),
            Err(_) => {
                return Err(HalError::Timeout(format!(
                    "{}: nothing came within {} ms",
                    self.0.name,
                    wait.div_ceil(MILLISECOND)
                )));
            }
        };
        while let Some(room) = bytes.get_mut(length..)
            && !room.is_empty()
        {
            // An error comes again with the next read; what was received before it is not lost.
            match timeout(Duration::from_nanos(gap), read_some(&open.port, room)).await {
                Ok(Ok(count)) => length += count,
                _ => break,
            }
        }
        bytes.truncate(length);
        Ok(bytes)
    }

    async fn write(&self, bytes: &[u8]) -> Result<(), HalError> {
        let open = self.opened().await?;
        let written = match open.port.serial() {
            Ok(serial) => serial.write_all(bytes).await,
            Err(error) => Err(error),
        };
        written.map_err(|error| self.failed(&error))
    }

    async fn drain(&self) -> Result<(), HalError> {
        let open = self.opened().await?;
        // A far end that holds the port back keeps one thread at most.
        let turn = self.0.draining.clone().lock_owned().await;
        let drained = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            rustix::termios::tcdrain(&*open.descriptor)
        });
        match drained.await {
            Ok(done) => done.map_err(|error| self.failed(&error.into())),
            Err(error) => Err(HalError::Failed(format!("{}: {error}", self.0.name))),
        }
    }

    fn discard_input(&self) -> Result<(), HalError> {
        let open = self.awaken()?;
        let discarded = open
            .port
            .serial()
            .and_then(|serial| serial.discard_input_buffer());
        discarded.map_err(|error| self.failed(&error))
    }

    fn configure(&self, settings: &PortSettings) -> Result<(), HalError> {
        let mut setup = setup(&self.0.name, settings)?;
        let before = self.state().setup.clone();
        if setup.rs485.is_none() && before.rs485.is_some() {
            // What this device has switched on it switches off.
            setup.rs485 = Some(TransceiverMode::Default);
        }
        let open = self.awaken()?;
        match open.port.configure(&open.path, &setup, &before) {
            Ok(()) => {
                self.state().setup = setup;
                Ok(())
            }
            Err(error) => {
                if matches!(error, PortError::Gone(_)) {
                    self.state().open = None;
                }
                Err(told(&self.0.name, error))
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
