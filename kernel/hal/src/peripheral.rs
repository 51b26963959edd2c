//! Peripherals and ports that a device holds, and how they are set.

use std::sync::{Arc, Mutex, PoisonError};

use weihe_kernel::failsafe::Outputs;

use crate::error::HalError;
use crate::lease::Claim;
use crate::serial::{Port, PortSettings};
use crate::shelf::Used;
use crate::spi::{SpiConfig, SpiDevice};
use crate::worker::Worker;

/// Something that is set up by the device that holds it.
pub(crate) struct Held<D: ?Sized, S> {
    name: String,
    device: Arc<D>,
    settings: Mutex<S>,
    /// Where it is set up, in its turn with what is done with it.
    worker: Option<Arc<Worker>>,
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
    pub(crate) fn new(
        name: &str,
        device: Arc<D>,
        settings: &S,
        claim: Claim,
        worker: Option<Arc<Worker>>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            device,
            settings: Mutex::new(*settings),
            worker,
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

impl<D, S> Used for Held<D, S>
where
    D: ?Sized + SetUp<S> + Send + Sync + 'static,
    S: Copy + PartialEq + Send + Sync + 'static,
{
    type Use = S;

    fn in_use(&self) -> S {
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resume(self: &Arc<Self>, before: &S, _: &Arc<Outputs>) {
        let (own, before) = (self.clone(), *before);
        let resume = move || {
            if own.in_use() == before {
                return;
            }
            if let Err(error) = own.configure(&before) {
                tracing::error!(
                    "{} is not set as the refused version found it: {error}",
                    own.name
                );
            }
        };
        match &self.worker {
            Some(worker) => worker.post(resume),
            None => resume(),
        }
    }
}

/// An address on a bus has nothing to be set.
impl Used for Claim {
    type Use = ();

    fn in_use(&self) {}

    fn resume(self: &Arc<Self>, (): &(), _: &Arc<Outputs>) {}
}
