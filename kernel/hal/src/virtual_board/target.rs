//! What of a board can have faults, and how that is called.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::adc::Adc;
use super::bus::Bus;
use super::core::{Core, Parts, similar};
use super::fault::{Fault, Force};
use super::models::Bench;
use super::pwm::Pwm;
use super::spi::Spi;
use super::uart::Uart;
use super::wire::LineInfo;
use crate::error::HalError;

/// A part of a board.
pub enum Target<'p> {
    Line(usize),
    /// A chip, by its lines.
    Chip(Vec<usize>),
    Bus(&'p Arc<Bus>),
    Device(&'p Arc<Bus>, u16),
    Spi(&'p Arc<Spi>),
    Uart(&'p Arc<Uart>),
    Pwm(&'p Arc<Pwm>),
    Adc(&'p Arc<Adc>),
}

impl Target<'_> {
    /// What it is, and the faults that it can have.
    fn kind(&self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Line(_) => ("a line", &["stuck-high", "stuck-low", "broken", "bouncing"]),
            Self::Chip(_) => ("a chip", &["vanished"]),
            Self::Bus(_) => ("a bus", &["stuck", "timeout", "arbitration"]),
            Self::Device(..) => ("a device", &["nack", "nack-at", "timeout", "unplugged"]),
            Self::Spi(_) => ("a peripheral", &["unplugged"]),
            Self::Uart(_) => ("a serial port", &["closed", "noise"]),
            Self::Pwm(_) => ("a PWM channel", &["unplugged"]),
            Self::Adc(_) => ("an analogue input", &["unplugged", "timeout"]),
        }
    }

    /// Whether it can have a fault.
    fn fits(&self, name: &str, force: Force) -> Result<(), String> {
        let (kind, faults) = self.kind();
        let text = force.fault.to_string();
        let word = text.split('=').next().unwrap_or_default();
        if !faults.contains(&word) {
            return Err(format!(
                "{name} is {kind}, which cannot have the fault `{text}`; it can have {}",
                faults.join(", ")
            ));
        }
        if force.left.is_some() && matches!(self, Self::Line(_) | Self::Chip(_)) {
            return Err(format!(
                "{name} is {kind}: its faults last until they are mended, not for so many times"
            ));
        }
        Ok(())
    }
}

/// The parts of a board, for those who look for one of them.
struct Places<'p> {
    lines: &'p [LineInfo],
    buses: &'p BTreeMap<String, Arc<Bus>>,
    spi: &'p BTreeMap<String, Arc<Spi>>,
    uarts: &'p BTreeMap<String, Arc<Uart>>,
    pwm: &'p BTreeMap<String, Arc<Pwm>>,
    adc: &'p BTreeMap<String, Arc<Adc>>,
}

impl<'p> Places<'p> {
    fn find(&self, name: &str) -> Result<Target<'p>, HalError> {
        let is_named =
            |line: &LineInfo| line.name == name || line.aliases.iter().any(|alias| alias == name);
        if let Some(index) = self.lines.iter().position(is_named) {
            return Ok(Target::Line(index));
        }
        let buses = || self.buses.values();
        let device = match name.rsplit_once('@') {
            Some((bus, address)) => {
                let address = address.strip_prefix("0x").unwrap_or(address);
                let address = u16::from_str_radix(address, 16).ok();
                let bus = self.buses.get(bus);
                bus.zip(address)
                    .filter(|(bus, address)| bus.with(*address, |_| ()).is_some())
            }
            None => buses().find_map(|bus| Some((bus, bus.named(name)?))),
        };
        if let Some((bus, address)) = device {
            return Ok(Target::Device(bus, address));
        }
        if let Some(bus) = self.buses.get(name) {
            return Ok(Target::Bus(bus));
        }
        let one = self.spi.get(name).map(Target::Spi);
        let one = one.or_else(|| self.uarts.get(name).map(Target::Uart));
        let one = one.or_else(|| self.pwm.get(name).map(Target::Pwm));
        if let Some(one) = one.or_else(|| self.adc.get(name).map(Target::Adc)) {
            return Ok(one);
        }
        let lines = self.lines.iter().enumerate();
        let of_chip: Vec<usize> = lines
            .filter_map(|(index, line)| {
                (line.chip == name && line.pin_of.is_none()).then_some(index)
            })
            .collect();
        if !of_chip.is_empty() {
            return Ok(Target::Chip(of_chip));
        }
        let mut known = self.names();
        known.sort_unstable();
        Err(HalError::Unknown {
            kind: "part of the board",
            name: name.to_owned(),
            similar: similar(name, known.iter().map(String::as_str)),
        })
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for line in self.lines {
            names.push(line.name.clone());
            names.extend(line.aliases.iter().cloned());
        }
        for bus in self.buses.values() {
            names.push(bus.name.clone());
            bus.each(|address, slot| {
                names.push(format!("{}@{address:#04x}", bus.name));
                names.extend(slot.name.clone());
            });
        }
        names.extend(self.spi.keys().cloned());
        names.extend(self.uarts.keys().cloned());
        names.extend(self.pwm.keys().cloned());
        names.extend(self.adc.keys().cloned());
        names
    }
}

impl Parts {
    /// Whether there is such a part, which can have such a fault.
    pub fn fits(&self, name: &str, force: Force) -> Result<(), String> {
        let places = Places {
            lines: &self.lines,
            buses: &self.buses,
            spi: &self.spi,
            uarts: &self.uarts,
            pwm: &self.pwm,
            adc: &self.adc,
        };
        let target = places.find(name).map_err(|error| error.to_string())?;
        target.fits(name, force)
    }
}

impl Core {
    fn places(&self) -> Places<'_> {
        Places {
            lines: &self.lines,
            buses: &self.buses,
            spi: &self.spi,
            uarts: &self.uarts,
            pwm: &self.pwm,
            adc: &self.adc,
        }
    }

    /// Puts a fault in force.
    pub fn break_part(&self, name: &str, force: Force, due: Option<u64>) -> Result<(), HalError> {
        let target = self.places().find(name)?;
        target.fits(name, force).map_err(HalError::Unsupported)?;
        match target {
            Target::Line(line) => self.change(line, due, |pad| match force.fault {
                Fault::StuckHigh => pad.stuck = Some(true),
                Fault::StuckLow => pad.stuck = Some(false),
                Fault::Broken => pad.broken = true,
                Fault::Bouncing(more) => pad.bouncing = more,
                _ => {}
            }),
            Target::Chip(lines) => {
                for line in lines {
                    self.change(line, due, |pad| pad.gone = true);
                }
            }
            Target::Bus(bus) => bus.put(force),
            Target::Device(bus, address) => {
                bus.with(address, |slot| slot.faults.put(force));
            }
            Target::Spi(spi) => spi.slot().faults.put(force),
            Target::Uart(uart) => uart.faults(|faults| faults.put(force)),
            Target::Pwm(pwm) => pwm.state().faults.put(force),
            Target::Adc(adc) => adc.faults().put(force),
        }
        self.react();
        Ok(())
    }

    /// Mends what is wrong with a part; what was unplugged begins anew.
    pub fn mend(&self, name: &str, due: Option<u64>) -> Result<(), HalError> {
        match self.places().find(name)? {
            Target::Line(line) => self.change(line, due, |pad| {
                (pad.stuck, pad.broken, pad.bouncing) = (None, false, 0);
            }),
            Target::Chip(lines) => {
                for line in lines {
                    self.change(line, due, |pad| pad.gone = false);
                }
            }
            Target::Bus(bus) => bus.mend(),
            Target::Device(bus, address) => {
                let bench = Bench::new(self);
                bus.with(address, |slot| {
                    let unplugged = |fault| (fault == Fault::Unplugged).then_some(());
                    if slot.faults.find(unplugged).is_some() {
                        slot.model.power_on(&bench);
                    }
                    slot.faults.clear();
                });
            }
            Target::Spi(spi) => spi.slot().faults.clear(),
            Target::Uart(uart) => uart.faults(super::fault::Forces::clear),
            Target::Pwm(pwm) => pwm.state().faults.clear(),
            Target::Adc(adc) => adc.faults().clear(),
        }
        self.react();
        Ok(())
    }

    /// Mends everything.
    pub fn mend_all(&self) {
        for name in self.places().names() {
            // All of them are there.
            let _ = self.mend(&name, None);
        }
        for line in 0..self.lines.len() {
            self.change(line, None, |pad| pad.gone = false);
        }
        self.react();
    }
}
