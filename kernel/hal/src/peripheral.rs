//! Peripherals and ports that a device holds, and how they are set.

use std::sync::{Arc, Mutex, PoisonError};

use weihe_kernel::failsafe::Outputs;

use crate::error::HalError;
use crate::lease::Claim;
use crate::serial::{Port, PortSettings};
use crate::shelf::Used;
use crate::spi::{SpiConfig, SpiDevice};

/// Something that is set up by the device that holds it.
pub(crate) struct Held<D: ?Sized, S> {
    name: String,
    device: Arc<D>,
    settings: Mutex<S>,
    /// Held until the last who may use it lets go of it.
    _claim: Claim,
}

/// An SPI peripheral.
pub(crate) type HeldSpi = Held<dyn SpiDevice, SpiConfig>;

/// A serial port.
pub(crate) type HeldPort = Held<dyn Port, PortSettings>;

/// What can be set up.
pub(crate) trait SetUp<S> {
    fn set_up(&self, settings: &S) -> Result<(), HalError>;
}

impl SetUp<SpiConfig> for dyn SpiDevice {
    fn set_up(&self, settings: &SpiConfig) -> Result<(), HalError> {
        self.configure(settings)
    }
}

impl SetUp<PortSettings> for dyn Port {
    fn set_up(&self, settings: &PortSettings) -> Result<(), HalError> {
        self.configure(settings)
    }
}

impl<D: ?Sized + SetUp<S>, S: Copy + PartialEq> Held<D, S> {
    /// Something that was opened with these settings.
    pub(crate) fn new(name: &str, device: Arc<D>, settings: &S, claim: Claim) -> Self {
        Self {
            name: name.to_owned(),
            device,
            settings: Mutex::new(*settings),
            _claim: claim,
        }
    }

    /// The thing itself.
    pub(crate) fn device(&self) -> &Arc<D> {
        &self.device
    }

    /// Sets it up.
    pub(crate) fn configure(&self, settings: &S) -> Result<(), HalError> {
        let mut known = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        self.device.set_up(settings)?;
        *known = *settings;
        Ok(())
    }
}

impl<D: ?Sized + SetUp<S>, S: Copy + PartialEq> Used for Held<D, S> {
    type Use = S;

    fn in_use(&self) -> S {
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resume(self: &Arc<Self>, before: &S, _: &Arc<Outputs>) {
        if self.in_use() == *before {
            return;
        }
        if let Err(error) = self.configure(before) {
            tracing::error!(
                "{} is not set as the refused version found it: {error}",
                self.name
            );
        }
    }
}

/// An address on a bus has nothing to be set.
impl Used for Claim {
    type Use = ();

    fn in_use(&self) {}

    fn resume(self: &Arc<Self>, (): &(), _: &Arc<Outputs>) {}
}
