//! What one instance does with hardware: names, grants and limits are checked here, before a backend is
//! asked. Without wasm.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use weihe_kernel::device::Inlet;
use weihe_kernel::failsafe::Outputs;

use crate::adc::AdcChannel;
use crate::capability::Shared;
use crate::error::HalError;
use crate::gpio::{Edges, LineConfig, Mode};
use crate::grant::{Grant, GrantedLine, Safe};
use crate::hardware::Kind;
use crate::i2c::{I2cBus, I2cError, I2cFault, I2cOperation};
use crate::lease::{DeviceLeases, Thing};
use crate::limits::{I2C_BYTES, OPERATIONS, SPI_BYTES};
use crate::line::{self, HeldLine};
use crate::output::{self, HeldChannel};
use crate::peripheral::{HeldPort, HeldSpi};
use crate::serial::{Port, PortSettings};
use crate::spi::{SpiConfig, SpiDevice, SpiOperation};
use crate::worker::Worker;

/// Hardware as one instance of a device sees it.
pub struct Session {
    shared: Arc<Shared>,
    /// What its device holds, once it has a device; its grant keeps that between two instances.
    leases: Arc<OnceLock<Arc<DeviceLeases>>>,
    device: Arc<str>,
    version: Arc<str>,
    grant: Arc<Grant>,
    pub(crate) inlet: Option<Inlet>,
    /// Why the last operation on a bus failed, by the name that the plugin opened.
    bus_errors: HashMap<String, String>,
}

/// Which level the plugin takes for active; none for what the grant says.
pub type Active = Option<bool>;

/// A bus that a guest has opened.
#[derive(Clone)]
pub struct OpenBus {
    alias: Arc<str>,
    name: Arc<str>,
    bus: Arc<dyn I2cBus>,
    worker: Option<Arc<Worker>>,
    /// Addresses that the device has claimed through this handle.
    claimed: [u64; 2],
}

/// A peripheral that a guest has opened.
#[derive(Clone)]
pub struct OpenSpi {
    device: Arc<dyn SpiDevice>,
    worker: Option<Arc<Worker>>,
}

impl Session {
    pub(crate) fn new(
        shared: Arc<Shared>,
        leases: Arc<OnceLock<Arc<DeviceLeases>>>,
        device: &str,
        grant: Arc<Grant>,
    ) -> Self {
        Self {
            shared,
            leases,
            device: device.into(),
            version: "".into(),
            grant,
            inlet: None,
            bus_errors: HashMap::new(),
        }
    }

    /// Whose outputs it declares, and of which version its instance is.
    pub(crate) fn belong(&mut self, outputs: &Arc<Outputs>, version: &str) {
        let all = &self.shared.leases;
        self.leases.get_or_init(|| all.of(outputs));
        self.version = version.into();
    }

    fn leases(&self) -> Result<&Arc<DeviceLeases>, HalError> {
        self.leases.get().ok_or_else(|| {
            HalError::Failed(format!("device `{}` cannot hold hardware yet", self.device))
        })
    }

    fn not_granted(&self, kind: Kind, alias: &str) -> HalError {
        let granted = self.grant.aliases(kind).join("`, `");
        let (what, device) = (kind.named(alias), &self.device);
        HalError::Denied(if granted.is_empty() {
            format!("{what} is not granted to device `{device}`")
        } else {
            format!("{what} is not granted to device `{device}`; granted are `{granted}`")
        })
    }

    /// Opens a line; `mode` is what the plugin asks for, and `safe` what it declares.
    pub fn open_line(
        &mut self,
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
        let name = self.shared.hardware.resolve(Kind::Gpio, &granted.line)?;
        let feed = match (&self.inlet, mode) {
            (
                Some(inlet),
                Mode::Input {
                    edges: Edges::Rising | Edges::Falling | Edges::Both,
                    ..
                },
            ) => Some(
                inlet
                    .open(alias, &name)
                    .map_err(|error| HalError::Failed(error.to_string()))?,
            ),
            _ => None,
        };
        let leases = self.leases()?;
        let known = leases.open().lines.take(&name, &self.version);
        let is_own = known.is_some();
        let line = match known.or_else(|| leases.inherit_line(&name)) {
            Some(line) if is_own => {
                line.reopen(&config, feed)?;
                line
            }
            Some(line) => {
                line.take_over(&config, feed)?;
                line
            }
            None => {
                let claim = leases.claim(Thing::whole(Kind::Gpio, &name))?;
                let hardware = &*self.shared.hardware;
                let line = Arc::new(HeldLine::open(hardware, &name, &config, feed, claim)?);
                leases.opened_line(&name, &line);
                line
            }
        };
        leases.open().lines.put(name, line.clone(), &self.version);
        let promise = match (mode, granted.safe.unwrap_or(safe)) {
            (Mode::Output { .. }, Safe::Value(value)) => Some(line::Promise {
                alias: alias.into(),
                value,
            }),
            _ => None,
        };
        line.promise(promise, leases.outputs());
        Ok(line)
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

    /// The topic of the edges of a line.
    pub fn topic(&self, alias: &str) -> String {
        self.inlet
            .as_ref()
            .map(|inlet| inlet.topic(alias))
            .unwrap_or_default()
    }

    /// Opens a bus.
    pub fn open_bus(&mut self, alias: &str) -> Result<OpenBus, HalError> {
        let Some(granted) = self.grant.bus(alias) else {
            return Err(self.not_granted(Kind::I2c, alias));
        };
        let name = self.shared.hardware.resolve(Kind::I2c, &granted.bus)?;
        Ok(OpenBus {
            alias: alias.into(),
            bus: self.shared.hardware.i2c(&name)?,
            worker: self.shared.worker(Kind::I2c, &name),
            name: name.into(),
            claimed: [0; 2],
        })
    }

    /// Whether the device may speak to an address now; an error says what to tell people. `denied` is
    /// for the audit trail.
    pub fn claim_address(&self, bus: &mut OpenBus, address: u16) -> Result<(), HalError> {
        let (word, bit) = (usize::from(address) / 64, address % 64);
        if bus.claimed.get(word).is_some_and(|set| set >> bit & 1 == 1) {
            return Ok(());
        }
        if address > 0x7f {
            return Err(HalError::Unsupported(format!(
                "address {address:#x} on {} has more than 7 bits",
                bus.name
            )));
        }
        let granted = self.grant.bus(&bus.alias);
        let covered = granted.is_some_and(|granted| {
            let addresses = granted.addresses.as_ref();
            addresses.is_none_or(|addresses| addresses.contains(&address))
        });
        if !covered {
            let device = &self.device;
            return Err(HalError::Denied(format!(
                "address {address:#04x} on {} is not granted to device `{device}`",
                bus.name
            )));
        }
        let thing = Thing::address(&bus.name, address);
        let leases = self.leases()?;
        let known = leases.open().addresses.take(&thing, &self.version);
        let claim = match known {
            Some(claim) => claim,
            None => Arc::new(leases.claim(thing.clone())?),
        };
        leases.open().addresses.put(thing, claim, &self.version);
        if let Some(set) = bus.claimed.get_mut(word) {
            *set |= 1 << bit;
        }
        Ok(())
    }

    /// Notes how an operation on a bus ended; whether that is another fault than the last one's.
    pub fn note(&mut self, bus: &OpenBus, outcome: Result<(), &str>) -> bool {
        match outcome {
            Ok(()) => {
                if !self.bus_errors.is_empty() {
                    self.bus_errors.remove(&*bus.alias);
                }
                false
            }
            Err(message) => {
                let last = self
                    .bus_errors
                    .insert(bus.alias.to_string(), message.to_owned());
                last.as_deref() != Some(message)
            }
        }
    }

    /// Why the last operation on a bus failed.
    pub fn last_error(&self, alias: &str) -> String {
        self.bus_errors.get(alias).cloned().unwrap_or_default()
    }

    /// Opens a peripheral.
    pub fn open_spi(&mut self, alias: &str, config: &SpiConfig) -> Result<OpenSpi, HalError> {
        let Some(granted) = self.grant.other(Kind::Spi, alias) else {
            return Err(self.not_granted(Kind::Spi, alias));
        };
        let name = self.shared.hardware.resolve(Kind::Spi, &granted.name)?;
        let worker = self.shared.worker(Kind::Spi, &name);
        let leases = self.leases()?;
        let known = leases.open().spi.take(&name, &self.version);
        let held = match known {
            Some(held) => {
                held.configure(config)?;
                held
            }
            None => {
                let claim = leases.claim(Thing::whole(Kind::Spi, &name))?;
                let device = self.shared.hardware.spi(&name, config)?;
                Arc::new(HeldSpi::new(&name, device, config, claim))
            }
        };
        let device = held.device().clone();
        leases.open().spi.put(name, held, &self.version);
        Ok(OpenSpi { device, worker })
    }

    /// Opens a serial port.
    pub fn open_uart(
        &mut self,
        alias: &str,
        settings: &PortSettings,
    ) -> Result<Arc<dyn Port>, HalError> {
        let Some(granted) = self.grant.other(Kind::Uart, alias) else {
            return Err(self.not_granted(Kind::Uart, alias));
        };
        let name = self.shared.hardware.resolve(Kind::Uart, &granted.name)?;
        let leases = self.leases()?;
        let known = leases.open().uart.take(&name, &self.version);
        let held = match known {
            Some(held) => {
                held.configure(settings)?;
                held
            }
            None => {
                let claim = leases.claim(Thing::whole(Kind::Uart, &name))?;
                let port = self.shared.hardware.uart(&name, settings)?;
                Arc::new(HeldPort::new(&name, port, settings, claim))
            }
        };
        let port = held.device().clone();
        leases.open().uart.put(name, held, &self.version);
        Ok(port)
    }

    /// Opens a PWM channel; `safe` is the width that the plugin declares, none for off.
    pub fn open_pwm(
        &mut self,
        alias: &str,
        safe: Option<u64>,
    ) -> Result<Arc<HeldChannel>, HalError> {
        let Some(granted) = self.grant.other(Kind::Pwm, alias).cloned() else {
            return Err(self.not_granted(Kind::Pwm, alias));
        };
        let name = self.shared.hardware.resolve(Kind::Pwm, &granted.name)?;
        let leases = self.leases()?;
        let known = leases.open().channels.take(&name, &self.version);
        let held = match known.or_else(|| leases.inherit_channel(&name)) {
            Some(held) => held,
            None => {
                let claim = leases.claim(Thing::whole(Kind::Pwm, &name))?;
                let channel = self.shared.hardware.pwm(&name)?;
                let held = Arc::new(HeldChannel::new(&name, channel, claim));
                leases.opened_channel(&name, &held);
                held
            }
        };
        leases
            .open()
            .channels
            .put(name, held.clone(), &self.version);
        let promise = |width| output::Promise {
            alias: alias.into(),
            width,
        };
        let safe = match granted.keep {
            Some(true) => None,
            Some(false) => Some(promise(None)),
            None => Some(promise(safe)),
        };
        held.promise(safe, leases.outputs());
        Ok(held)
    }

    /// Opens an analogue input.
    pub fn open_adc(&mut self, alias: &str) -> Result<Arc<dyn AdcChannel>, HalError> {
        let Some(granted) = self.grant.other(Kind::Adc, alias) else {
            return Err(self.not_granted(Kind::Adc, alias));
        };
        let name = self.shared.hardware.resolve(Kind::Adc, &granted.name)?;
        self.shared.hardware.adc(&name)
    }
}

impl OpenBus {
    /// What the board calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Carries out a transaction whose address has been claimed; what was read is in the operations.
    pub async fn transaction(
        &self,
        address: u16,
        mut operations: Vec<I2cOperation>,
    ) -> Result<Vec<I2cOperation>, I2cError> {
        if operations.is_empty() {
            // Drivers refuse a transaction of nothing, each in words of its own.
            return Ok(operations);
        }
        let Some(worker) = &self.worker else {
            self.bus.transaction(address, &mut operations)?;
            return Ok(operations);
        };
        let bus = self.bus.clone();
        let done = worker.run(move || {
            bus.transaction(address, &mut operations)?;
            Ok(operations)
        });
        done.await.unwrap_or_else(|error| {
            Err(I2cError {
                fault: I2cFault::Other,
                message: error.to_string(),
            })
        })
    }

    /// Whether a transaction is within the limits: numbers of operations, and bytes of each.
    pub fn check(lengths: impl ExactSizeIterator<Item = u64>) -> Result<(), HalError> {
        within(
            "operations of a transaction",
            lengths.len() as u64,
            OPERATIONS,
        )?;
        for length in lengths {
            within("bytes of an I2C operation", length, I2C_BYTES)?;
        }
        Ok(())
    }
}

impl OpenSpi {
    /// Carries out operations.
    pub async fn transaction(
        &self,
        mut operations: Vec<SpiOperation>,
    ) -> Result<Vec<SpiOperation>, HalError> {
        if operations.is_empty() {
            return Ok(operations);
        }
        let Some(worker) = &self.worker else {
            self.device.transaction(&mut operations)?;
            return Ok(operations);
        };
        let device = self.device.clone();
        let done = worker.run(move || {
            device.transaction(&mut operations)?;
            Ok(operations)
        });
        done.await?
    }

    /// Whether a transaction is within the limits: numbers of operations, and bytes in all.
    pub fn check(lengths: impl ExactSizeIterator<Item = u64>) -> Result<(), HalError> {
        within(
            "operations of a transaction",
            lengths.len() as u64,
            OPERATIONS,
        )?;
        let bytes = lengths.fold(0_u64, u64::saturating_add);
        within("bytes of an SPI transaction", bytes, SPI_BYTES)
    }
}

/// Whether a number that a guest named is within a limit.
pub fn within(what: &'static str, asked: u64, limit: u64) -> Result<(), HalError> {
    if asked > limit {
        return Err(HalError::TooLong { what, asked, limit });
    }
    Ok(())
}
