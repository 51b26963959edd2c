//! What is seen of a board, as data.

use serde::{Deserialize, Serialize};

use super::core::Core;
use super::fault::{Fault, Forces};
use super::models::Bench;
use super::net::{Net, Pad};
use super::wire::{Attached, LineInfo};

/// A board as it is now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BoardView {
    /// What it is called.
    pub name: String,
    /// Whether it is a virtual one. Of a real one only what devices hold is known.
    pub is_virtual: bool,
    /// The values of its world.
    #[serde(default)]
    pub world: Vec<WorldView>,
    /// Its lines.
    #[serde(default)]
    pub lines: Vec<LineView>,
    /// Devices on I2C and SPI.
    #[serde(default)]
    pub devices: Vec<DeviceView>,
    /// Serial ports.
    #[serde(default)]
    pub ports: Vec<PortView>,
    /// PWM channels.
    #[serde(default)]
    pub pwm: Vec<PwmView>,
    /// Analogue inputs.
    #[serde(default)]
    pub adc: Vec<AdcView>,
    /// Rotary encoders, and how far they were turned.
    #[serde(default)]
    pub encoders: Vec<ValueView>,
    /// The faults in force.
    #[serde(default)]
    pub faults: Vec<FaultView>,
}

/// A value of the world.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorldView {
    /// Its name.
    pub name: String,
    /// What it is.
    pub value: f64,
    /// How it goes: `constant`, `script`, `sine` or `walk`.
    pub course: String,
}

/// A line.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LineView {
    /// What the board calls it.
    pub name: String,
    /// Other names.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// What is connected to it: `plain`, `button`, `switch`, `relay`, `led`, `pir`, `encoder`, `trigger`,
    /// `echo`.
    pub kind: String,
    /// The device that holds it; empty for none.
    #[serde(default)]
    pub holder: String,
    /// `input` or `output`; empty where nobody has it open.
    #[serde(default)]
    pub direction: String,
    /// Whether its level is high, as the processor reads it; none where that is not known.
    pub high: Option<bool>,
    /// Whether it is active for who holds it.
    #[serde(default)]
    pub active: Option<bool>,
    /// Whether the button is pressed, the switch closed, the relay or light on; none for others.
    #[serde(default)]
    pub state: Option<bool>,
    /// How often its level changed.
    #[serde(default)]
    pub changes: u64,
    /// Whether nothing drives or pulls it.
    #[serde(default)]
    pub floating: bool,
    /// Whether two drive it against each other.
    #[serde(default)]
    pub shorted: bool,
    /// Whether it is a pin of a device on a bus, and not one of the processor's.
    #[serde(default)]
    pub is_pin: bool,
}

/// A device on a bus.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DeviceView {
    /// The bus, or the peripheral's name.
    pub bus: String,
    /// Its address; none on SPI.
    #[serde(default)]
    pub address: Option<u16>,
    /// Its own name, where it has one.
    #[serde(default)]
    pub name: String,
    /// Which one: `sht4x`.
    pub part: String,
    /// The device that holds it; empty for none.
    #[serde(default)]
    pub holder: String,
    /// Transactions that succeeded.
    #[serde(default)]
    pub done: u64,
    /// Transactions that failed.
    #[serde(default)]
    pub failed: u64,
    /// What it measures or holds.
    #[serde(default)]
    pub values: Vec<ValueView>,
    /// What its screen shows, two rows of points a line.
    #[serde(default)]
    pub screen: Vec<String>,
}

/// A name with a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueView {
    /// What.
    pub name: String,
    /// As it is shown.
    pub value: String,
}

/// A serial port.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortView {
    /// What the board calls it.
    pub name: String,
    /// The device that holds it; empty for none.
    #[serde(default)]
    pub holder: String,
    /// What is at its other end: a path, an address, another port; empty for nothing.
    #[serde(default)]
    pub other_end: String,
    /// Its rate; none while nobody has it open.
    #[serde(default)]
    pub baud: Option<u32>,
}

/// A PWM channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PwmView {
    /// What the board calls it.
    pub name: String,
    /// The device that holds it; empty for none.
    #[serde(default)]
    pub holder: String,
    /// In nanoseconds.
    pub period: u64,
    /// In nanoseconds.
    pub width: u64,
    /// Whether it is on; none where that is not known.
    #[serde(default)]
    pub on: Option<bool>,
}

/// An analogue input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AdcView {
    /// What the board calls it.
    pub name: String,
    /// What it tells.
    pub value: f64,
    /// What the converter counts.
    pub raw: i64,
}

/// A fault in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultView {
    /// What it hits.
    pub on: String,
    /// What it is.
    pub fault: String,
    /// How often it will still show; none for always.
    #[serde(default)]
    pub left: Option<u32>,
}

/// What is wrong with one part.
fn forces(on: &str, forces: &Forces, all: &mut Vec<FaultView>) {
    all.extend(forces.iter().map(|force| FaultView {
        on: on.to_owned(),
        fault: force.fault.to_string(),
        left: force.left,
    }));
}

fn line(info: &LineInfo, net: &Net, pad: &Pad) -> LineView {
    let state = match &info.attached {
        Attached::Button(contact) | Attached::Switch(contact) => {
            Some(pad.outside == Some(contact.closed))
        }
        Attached::Relay | Attached::Led => Some(net.node),
        _ => None,
    };
    let strong = |pad: &Pad| {
        pad.drive
            .or(pad.outside)
            .or(pad.bias)
            .or(pad.pull)
            .or(pad.stuck)
    };
    let direction = match (pad.open || info.pin_of.is_some(), pad.output) {
        (false, _) => "",
        (true, true) => "output",
        (true, false) => "input",
    };
    LineView {
        name: info.name.clone(),
        aliases: info.aliases.clone(),
        kind: info.attached.word().to_owned(),
        holder: String::new(),
        direction: direction.to_owned(),
        high: (!pad.gone).then_some(pad.level),
        active: None,
        state,
        changes: pad.changes,
        floating: !net.pads.iter().any(|pad| strong(pad).is_some()),
        shorted: net.shorted,
        is_pin: info.pin_of.is_some(),
    }
}

fn of_line(info: &LineInfo, pad: &Pad, faults: &mut Vec<FaultView>) {
    let stuck = pad.stuck.map(|high| {
        if high {
            Fault::StuckHigh
        } else {
            Fault::StuckLow
        }
    });
    let bouncing = (pad.bouncing > 0).then_some(Fault::Bouncing(pad.bouncing));
    let all = [stuck, pad.broken.then_some(Fault::Broken), bouncing];
    faults.extend(all.into_iter().flatten().map(|fault| FaultView {
        on: info.name.clone(),
        fault: fault.to_string(),
        left: None,
    }));
}

impl Core {
    /// How the board is now.
    pub fn look(&self) -> BoardView {
        let bench = Bench::new(self);
        let mut view = BoardView {
            name: self.name.clone(),
            is_virtual: true,
            ..BoardView::default()
        };
        view.world = self
            .world
            .iter()
            .map(|(name, value)| WorldView {
                name: name.clone(),
                value: value.at(bench.now),
                course: value.word().to_owned(),
            })
            .collect();
        let mut gone = std::collections::BTreeSet::new();
        for (index, info) in self.lines.iter().enumerate() {
            let Some((net, pad)) = self.net(index) else {
                continue;
            };
            if let Some(pad) = net.pads.get(pad) {
                view.lines.push(line(info, &net, pad));
                of_line(info, pad, &mut view.faults);
                if pad.gone {
                    gone.insert(info.chip.clone());
                }
            }
        }
        view.faults.extend(gone.into_iter().map(|on| FaultView {
            on,
            fault: Fault::Vanished.to_string(),
            left: None,
        }));
        self.look_at_buses(&bench, &mut view);
        for uart in self.uarts.values() {
            view.ports.push(PortView {
                name: uart.name.clone(),
                holder: String::new(),
                other_end: uart.place(),
                baud: uart.settings().map(|settings| settings.baud),
            });
            uart.faults(|faults| forces(&uart.name, faults, &mut view.faults));
        }
        for pwm in self.pwm.values() {
            let state = pwm.state();
            view.pwm.push(PwmView {
                name: pwm.name.clone(),
                holder: String::new(),
                period: state.period,
                width: state.width,
                on: Some(state.on),
            });
            forces(&pwm.name, &state.faults, &mut view.faults);
        }
        for adc in self.adc.values() {
            view.adc.push(AdcView {
                name: adc.name.clone(),
                value: adc.reading(bench.now),
                raw: adc.raw(bench.now),
            });
            forces(&adc.name, &adc.faults(), &mut view.faults);
        }
        let encoders = self.encoders.iter();
        view.encoders = encoders
            .map(|(name, encoder)| ValueView {
                name: name.clone(),
                value: encoder.position().to_string(),
            })
            .collect();
        view
    }

    fn look_at_buses(&self, bench: &Bench<'_>, view: &mut BoardView) {
        let values = |seen: super::models::Seen| -> Vec<ValueView> {
            let values = seen.into_iter();
            values
                .map(|(name, value)| ValueView { name, value })
                .collect()
        };
        for bus in self.buses.values() {
            forces(&bus.name, &bus.faults(), &mut view.faults);
            bus.each(|address, slot| {
                let on = slot.name.clone();
                let on = on.unwrap_or_else(|| format!("{}@{address:#04x}", bus.name));
                forces(&on, &slot.faults, &mut view.faults);
                view.devices.push(DeviceView {
                    bus: bus.name.clone(),
                    address: Some(address),
                    name: slot.name.clone().unwrap_or_default(),
                    part: slot.model.part().to_owned(),
                    holder: String::new(),
                    done: slot.done,
                    failed: slot.failed,
                    values: values(slot.model.seen(bench)),
                    screen: slot.model.screen().unwrap_or_default(),
                });
            });
        }
        for spi in self.spi.values() {
            let slot = spi.slot();
            forces(&spi.name, &slot.faults, &mut view.faults);
            view.devices.push(DeviceView {
                bus: spi.name.clone(),
                address: None,
                name: String::new(),
                part: slot.model.part().to_owned(),
                holder: String::new(),
                done: slot.done,
                failed: 0,
                values: values(slot.model.seen(bench)),
                screen: Vec::new(),
            });
        }
    }
}
