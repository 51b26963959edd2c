//! Openings: the grant is looked up here, on the lane; what is opened is found and opened where it may wait.

use std::sync::Arc;

use weihe_kernel::device::Feed;

use super::{Active, OpenBus, OpenSpi, Session};
use crate::adc::AdcChannel;
use crate::capability::Place;
use crate::error::HalError;
use crate::gpio::{Edges, LineConfig, Mode};
use crate::grant::{GrantedLine, GrantedOther, Safe};
use crate::hardware::{Hardware, Kind};
use crate::lease::{DeviceLeases, Thing};
use crate::line::{self, HeldLine};
use crate::output::{self, HeldChannel};
use crate::peripheral::{HeldPort, HeldSpi};
use crate::serial::{Port, PortSettings};
use crate::spi::{SpiConfig, SpiDevice};
use crate::worker::Caller;

/// A serial port that a guest has opened.
#[derive(Clone)]
pub struct OpenPort {
    /// The port.
    pub port: Arc<dyn Port>,
    place: Place,
}

impl OpenPort {
    /// Drops what was received and not read.
    pub async fn discard_input(&self) -> Result<(), HalError> {
        let port = self.port.clone();
        self.place.run(move |_| port.discard_input()).await
    }
}

/// An analogue input that a guest has opened.
#[derive(Clone)]
pub struct OpenAdc {
    /// The channel.
    pub channel: Arc<dyn AdcChannel>,
    place: Place,
}

impl OpenAdc {
    /// Carries out a measurement: converters behind slow buses take milliseconds.
    pub async fn measure<T: Send + 'static>(
        &self,
        measure: impl FnOnce(&dyn AdcChannel) -> Result<T, HalError> + Send + 'static,
    ) -> Result<T, HalError> {
        if !self.channel.blocks() {
            return measure(&*self.channel);
        }
        let channel = self.channel.clone();
        self.place.run(move |_| measure(&*channel)).await
    }
}

/// What is needed to open something for a version of a device.
struct Opening {
    hardware: Arc<dyn Hardware>,
    leases: Arc<DeviceLeases>,
    version: Arc<str>,
    place: Place,
}

impl Session {
    async fn opening(&self, kind: Kind, name: &str) -> Result<Opening, HalError> {
        let leases = self.leases()?.clone();
        Ok(Opening {
            hardware: self.shared.hardware.clone(),
            leases,
            version: self.version.clone(),
            place: self.shared.find(kind, name).await?,
        })
    }

    fn granted(&self, kind: Kind, alias: &str) -> Result<GrantedOther, HalError> {
        let granted = self.grant.other(kind, alias).cloned();
        granted.ok_or_else(|| self.not_granted(kind, alias))
    }

    /// Opens a line; `mode` is what the plugin asks for, and `safe` what it declares.
    pub async fn open_line(
        &self,
        alias: &str,
        active: Active,
        mode: Mode,
        safe: Safe,
    ) -> Result<Arc<HeldLine>, HalError> {
        let granted = match self.grant.line(alias) {
            Some(granted) => granted.clone(),
            None => return Err(self.not_granted(Kind::Gpio, alias)),
        };
        self.check_mode(alias, &granted, &mode)?;
        let config = LineConfig {
            active_low: granted.active_low.or(active).unwrap_or(false),
            mode,
        };
        let opening = self.opening(Kind::Gpio, &granted.line).await?;
        let feed = self.feed(alias, &opening.place.name, mode)?;
        let promise = match (mode, granted.safe.unwrap_or(safe)) {
            (Mode::Output { .. }, Safe::Value(value)) => Some(line::Promise {
                alias: alias.into(),
                value,
            }),
            _ => None,
        };
        let place = opening.place.clone();
        let open = move |caller: &Caller<'_>| opening.line(&config, feed, promise, caller);
        place.run(open).await
    }

    /// Where the edges of a line are brought; none where nobody asks for them.
    fn feed(&self, alias: &str, name: &str, mode: Mode) -> Result<Option<Feed>, HalError> {
        let wants = matches!(mode, Mode::Input { edges, .. } if edges != Edges::None);
        let Some(inlet) = self.inlet.as_ref().filter(|_| wants) else {
            return Ok(None);
        };
        let feed = inlet.open(alias, name);
        feed.map(Some)
            .map_err(|error| HalError::Failed(error.to_string()))
    }

    fn check_mode(&self, alias: &str, granted: &GrantedLine, mode: &Mode) -> Result<(), HalError> {
        let device = &self.device;
        match mode {
            Mode::Input { .. } if !granted.input => Err(HalError::Denied(format!(
                "line `{alias}` is granted to device `{device}` as an output, not as an input"
            ))),
            Mode::Output { .. } if !granted.output => Err(HalError::Denied(format!(
                "line `{alias}` is granted to device `{device}` as an input, not as an output"
            ))),
            _ => Ok(()),
        }
    }

    /// Opens a bus.
    pub async fn open_bus(&self, alias: &str) -> Result<OpenBus, HalError> {
        let Some(granted) = self.grant.bus(alias) else {
            return Err(self.not_granted(Kind::I2c, alias));
        };
        let place = self.shared.find(Kind::I2c, &granted.bus).await?;
        let (hardware, name) = (self.shared.hardware.clone(), place.name.clone());
        Ok(OpenBus {
            alias: alias.into(),
            bus: place.run(move |_| hardware.i2c(&name)).await?,
            place,
            claimed: [0; 2],
        })
    }

    /// Opens a peripheral.
    pub async fn open_spi(&self, alias: &str, config: &SpiConfig) -> Result<OpenSpi, HalError> {
        let granted = self.granted(Kind::Spi, alias)?;
        let opening = self.opening(Kind::Spi, &granted.name).await?;
        let (place, config) = (opening.place.clone(), *config);
        let device = place.run(move |_| opening.spi(&config)).await?;
        Ok(OpenSpi { device, place })
    }

    /// Opens a serial port.
    pub async fn open_uart(
        &self,
        alias: &str,
        settings: &PortSettings,
    ) -> Result<OpenPort, HalError> {
        let granted = self.granted(Kind::Uart, alias)?;
        let opening = self.opening(Kind::Uart, &granted.name).await?;
        let (place, settings) = (opening.place.clone(), *settings);
        let port = place.run(move |_| opening.uart(&settings)).await?;
        Ok(OpenPort { port, place })
    }

    /// Opens a PWM channel; `safe` is the width that the plugin declares, none for off.
    pub async fn open_pwm(
        &self,
        alias: &str,
        safe: Option<u64>,
    ) -> Result<Arc<HeldChannel>, HalError> {
        let granted = self.granted(Kind::Pwm, alias)?;
        let opening = self.opening(Kind::Pwm, &granted.name).await?;
        let promise = |width| output::Promise {
            alias: alias.into(),
            width,
        };
        let safe = match granted.keep {
            Some(true) => None,
            Some(false) => Some(promise(None)),
            None => Some(promise(safe)),
        };
        let place = opening.place.clone();
        place.run(move |caller| opening.channel(safe, caller)).await
    }

    /// Opens an analogue input.
    pub async fn open_adc(&self, alias: &str) -> Result<OpenAdc, HalError> {
        let granted = self.granted(Kind::Adc, alias)?;
        let place = self.shared.find(Kind::Adc, &granted.name).await?;
        let (hardware, name) = (self.shared.hardware.clone(), place.name.clone());
        let channel = place.run(move |_| hardware.adc(&name)).await?;
        Ok(OpenAdc { channel, place })
    }
}

impl Opening {
    fn line(
        &self,
        config: &LineConfig,
        feed: Option<Feed>,
        promise: Option<line::Promise>,
        caller: &Caller<'_>,
    ) -> Result<Arc<HeldLine>, HalError> {
        let (leases, name) = (&self.leases, &self.place.name);
        let known = leases.take(|open| &mut open.lines, name, &self.version);
        let line = match known {
            Some(line) => {
                line.reopen(config, feed)?;
                line
            }
            None => match leases.inherit_line(name) {
                Some(line) => {
                    line.take_over(config, feed)?;
                    line
                }
                None => {
                    let claim = leases.claim(Thing::whole(Kind::Gpio, name))?;
                    let worker = self.place.worker.clone();
                    let hardware = &*self.hardware;
                    let line = HeldLine::open(hardware, name, config, feed, claim, worker)?;
                    let line = Arc::new(line);
                    leases.opened_line(name, &line);
                    line
                }
            },
        };
        let mut open = leases.open();
        open.lines.put(name.clone(), line.clone(), &self.version);
        drop(open);
        line.promise(promise, leases.outputs());
        self.ended(caller);
        Ok(line)
    }

    fn channel(
        &self,
        safe: Option<output::Promise>,
        caller: &Caller<'_>,
    ) -> Result<Arc<HeldChannel>, HalError> {
        let (leases, name) = (&self.leases, &self.place.name);
        let known = leases.take(|open| &mut open.channels, name, &self.version);
        let held = match known.or_else(|| leases.inherit_channel(name)) {
            Some(held) => held,
            None => {
                let claim = leases.claim(Thing::whole(Kind::Pwm, name))?;
                let channel = self.hardware.pwm(name)?;
                let worker = self.place.worker.clone();
                let held = Arc::new(HeldChannel::new(name, channel, claim, worker));
                leases.opened_channel(name, &held);
                held
            }
        };
        let mut open = leases.open();
        open.channels.put(name.clone(), held.clone(), &self.version);
        drop(open);
        held.promise(safe, leases.outputs());
        self.ended(caller);
        Ok(held)
    }

    /// An output was opened. When its plugin had no time to wait for that, the device may have failed since, and
    /// this one output would be left out of those that are safe.
    fn ended(&self, caller: &Caller<'_>) {
        if caller.has_left() {
            self.leases.outputs().came_late(&self.place.name);
        }
    }

    fn spi(&self, config: &SpiConfig) -> Result<Arc<dyn SpiDevice>, HalError> {
        let (leases, name) = (&self.leases, &self.place.name);
        let held = match leases.take(|open| &mut open.spi, name, &self.version) {
            Some(held) => {
                held.configure(config)?;
                held
            }
            None => {
                let claim = leases.claim(Thing::whole(Kind::Spi, name))?;
                let device = self.hardware.spi(name, config)?;
                let worker = self.place.worker.clone();
                Arc::new(HeldSpi::new(name, device, config, claim, worker))
            }
        };
        let device = held.device().clone();
        leases.open().spi.put(name.clone(), held, &self.version);
        Ok(device)
    }

    fn uart(&self, settings: &PortSettings) -> Result<Arc<dyn Port>, HalError> {
        let (leases, name) = (&self.leases, &self.place.name);
        let held = match leases.take(|open| &mut open.uart, name, &self.version) {
            Some(held) => {
                held.configure(settings)?;
                held
            }
            None => {
                let claim = leases.claim(Thing::whole(Kind::Uart, name))?;
                let port = self.hardware.uart(name, settings)?;
                // Reading and writing go on at once: it is set back before they do.
                Arc::new(HeldPort::new(name, port, settings, claim, None))
            }
        };
        let port = held.device().clone();
        leases.open().uart.put(name.clone(), held, &self.version);
        Ok(port)
    }
}
